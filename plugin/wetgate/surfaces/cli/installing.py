"""``wetgate hosts``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wetgate.surfaces.hosts.bundle import binaries, read_settings
from wetgate.surfaces.hosts.editions import editions
from wetgate.surfaces.hosts.install import Change
from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.hosts.nuke_scripts import states
from wetgate.surfaces.hosts.parts import Choice, install_parts, uninstall_parts
from wetgate.surfaces.hosts.places import bundles, hosts, search_folders
from wetgate.surfaces.resolve.install import everywhere


def run_list(as_json: bool) -> int:
    """Where hosts look, what is installed there, and which hosts are here."""
    machine = Machine()
    found = [_described(b) for b in bundles(machine)]
    known: list[dict[str, Any]] = [
        {"name": h.name, "present": h.present, "caches": [str(p) for p in h.existing_caches()]} for h in hosts(machine)
    ]
    folders = [str(f) for f in search_folders(machine)]
    here = editions(machine)
    scripts: list[dict[str, Any]] = [
        {"path": str(s.place), "version": s.version, "problems": list(s.problems)} for s in states(machine)
    ]
    inside: list[dict[str, Any]] = [
        {"path": str(s.path), "version": s.version, "problems": list(s.problems(machine))} for s in everywhere(machine)
    ]
    if as_json:
        said = {
            "folders": folders,
            "bundles": found,
            "hosts": known,
            "nuke_scripts": scripts,
            "resolve_scripts": inside,
        }
        print(json.dumps(said | {"editions": [e.to_json() for e in here]}, indent=1))
        return 0
    print("hosts look in " + ", ".join(folders))
    for bundle in found:
        print(f"installed: {bundle['path']}, Wetgate {bundle['version']}, {', '.join(bundle['architectures'])}")
    for copy in scripts:
        state = "; ".join(copy["problems"]) or "as it must be"
        print(f"installed: Nuke's scripts in {copy['path']}, Wetgate {copy['version']}: {state}")
    for script in inside:
        state = "; ".join(script["problems"]) or "as it must be"
        print(f"installed: {script['path']}, Wetgate {script['version']}: {state}")
    if not found:
        print("no bundle is installed: run wetgate hosts install")
    for edition in here:
        print(f"found: {edition.text}")
    for host in known:
        caches = f", plug-in cache {', '.join(host['caches'])}" if host["caches"] else ""
        print(f"{host['name']}: {'found' if host['present'] else 'not found'}{caches}")
    return 0


def _described(bundle: Path) -> dict[str, Any]:
    from wetgate.spec import UsageError

    try:
        version = read_settings(bundle).get("version")
    except UsageError:
        version = None
    return {"path": str(bundle), "version": version, "architectures": list(binaries(bundle))}


def _choice(args: Any) -> Choice:
    def path(name: str) -> Path | None:
        value = getattr(args, name, None)
        return Path(value).absolute() if value else None

    return Choice(
        only=tuple(args.only or ()),
        folder=path("to"),
        bundle=path("bundle"),
        caches=args.clear_caches,
        nuke=path("nuke"),
        resolve=path("resolve"),
        ocio=path("ocio"),
    )


def run_install(args: Any) -> int:
    """Put the bundle and the scripts in place."""
    return _report(install_parts(Machine(), _choice(args)), args.as_json)


def run_uninstall(args: Any) -> int:
    """Take them away."""
    return _report(uninstall_parts(Machine(), _choice(args)), args.as_json)


def _report(change: Change, as_json: bool) -> int:
    parts = {"written": change.written, "removed": change.removed, "caches": change.caches}
    if as_json:
        print(json.dumps({n: [str(p) for p in paths] for n, paths in parts.items()} | {"notes": list(change.notes)}))
        return 0
    for paths, verb in ((change.written, "installed"), (change.removed, "removed"), (change.caches, "cleared")):
        for path in paths:
            print(f"{verb} {path}")
    for note in change.notes:
        print(f"note: {note}")
    return 0


def run_doctor(as_json: bool) -> int:
    """Look at everything; 0 where it is sound, 2 where something is wrong."""
    from wetgate.surfaces.hosts.doctor import examine, is_sound

    findings = []
    for finding in examine(Machine()):
        findings.append(finding)
        if as_json:
            print(json.dumps({"state": finding.state, "text": finding.text} | finding.facts), flush=True)
        else:
            print(f"{finding.state:<6} {finding.text}", flush=True)
    return 0 if is_sound(findings) else 2
