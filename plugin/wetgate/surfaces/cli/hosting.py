"""``wetgate host``: OFX plug-ins in a host without a window."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from wetgate.spec import UsageError
from wetgate.surfaces.ofxhost.running import RunJob, list_plugins, run
from wetgate.surfaces.ofxhost.violations import Report


def run_host_list(place: str, profile: str, as_json: bool) -> int:
    """Print the plug-ins under ``place``; 3 where one of them does not load or break the rules."""
    report = Report()
    found = list_plugins(place, profile, report=report)
    if not found:
        raise UsageError(f"there is no OFX plug-in in {place}", allowed="a folder that holds *.ofx.bundle")
    for entry in found:
        if as_json:
            print(json.dumps(asdict(entry)))
            continue
        print(f"{entry.id or entry.path}  {entry.version}  {entry.label}".rstrip())
        if entry.error:
            print(f"  {entry.error}")
            continue
        print(f"  {', '.join(entry.contexts)}; {', '.join(entry.depths)}; {entry.path}")
        for name, kind in entry.params.items():
            print(f"    {name:<24} {kind}")
    _print_report(report)
    return 3 if report.violations or any(entry.error for entry in found) else 0


def run_host_run(options: Any) -> int:
    """Render files through a plug-in; 3 where a frame failed or the specification was violated."""
    job = RunJob(
        options.bundle,
        options.plugin,
        options.input,
        options.output,
        params=_pairs(options.param, "-p"),
        profile=options.profile,
        context=options.context,
        frames=options.frames,
        in_space=options.in_space,
        clips=_pairs(options.clip, "--clip"),
        depth=options.depth,
        out_space=options.out_space or "",
    )
    done = run(job)
    for text in done.messages:
        print(f"wetgate: the plug-in says: {text}", file=sys.stderr)
    for message in done.failed.values():
        print(f"wetgate: {message}", file=sys.stderr)
    if options.as_json:
        said = [asdict(v) for v in (*done.report.violations, *done.report.advice)]
        print(json.dumps({"written": done.written, "failed": done.failed, "report": said}))
    else:
        _print_report(done.report)
        print(
            f"{len(done.written)} frames written, {len(done.failed)} failed, {len(done.report.violations)} violations"
        )
    return 3 if done.failed or done.report.violations else 0


def _print_report(report: Report) -> None:
    for line in report.lines():
        print(line, file=sys.stderr)


def _pairs(given: Iterable[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} is {text!r}", where=option, allowed="name=value")
        pairs[name] = value
    return pairs
