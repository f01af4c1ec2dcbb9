"""``wetgate resolve watch``, ``install`` and ``uninstall``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wetgate.color.config import ColorConfig
from wetgate.surfaces.cli.progress import Event, Progress, emit, interruptible
from wetgate.surfaces.hosts import user_files
from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.resolve.install import Settings, everywhere, install, uninstall
from wetgate.surfaces.resolve.marks import graph_of_note
from wetgate.surfaces.resolve.spool import Spool
from wetgate.surfaces.resolve.watch import watch


def spool_folder(named: str | None, machine: Machine) -> Path:
    """The folder to serve: the one that is named, that the installed scripts fill, or the usual one."""
    if named:
        return Path(named).expanduser().absolute()
    told = next((s.spool for s in everywhere(machine) if s.spool), "")
    return Path(told) if told else user_files.spool_folder(machine)


def run_watch(args: Any) -> int:
    """Serve; 3 where a job failed."""
    spool = Spool(spool_folder(args.spool, Machine()))
    shown = _Shown(args.as_json)
    if args.retry:
        for job in spool.retry():
            shown({"event": "recovered", "text": f"{job} is tried again"})
    if not args.once and not args.as_json:
        emit(f"wetgate: serving {spool.folder}; Ctrl-C ends it", "stderr")
    options = {"device": args.device, "threads": args.threads}
    if args.config:
        ColorConfig.load(args.config)
        options["config"] = args.config
    try:
        with interruptible() as abort:
            tally = watch(spool, once=args.once, on_event=shown, abort=abort, render=options)
    finally:
        shown.close()
    counts = spool.counts()
    if args.as_json:
        emit(json.dumps({"event": "report", "done": tally.done, "failed": tally.failed, "spool": counts}))
    else:
        waiting = f", {counts['new']} waiting" if counts["new"] else ""
        emit(f"{tally.done} jobs done, {tally.failed} failed{waiting}")
    return tally.exit_code


class _Shown(Progress):
    """A line for each job, and the progress of its frames."""

    def _on_taken(self, event: Event) -> None:
        self._say(event["id"] + (f", try {event['tries']}" if event["tries"] > 1 else ""))

    def _on_recovered(self, event: Event) -> None:
        self._say(event["text"])

    def _on_job_done(self, event: Event) -> None:
        self.close()  # the bar of its frames
        emit(f"{event['state']:<6}  {event['id']}: {event['text']}")


def run_install(args: Any) -> int:
    """Install; a graph or a space that does not exist is refused now, and not by the first job."""
    machine = Machine()
    graph = args.graph
    if graph:
        graph_of_note(graph)
        if Path(graph).suffix.lower() in (".yaml", ".yml", ".json"):
            graph = str(Path(graph).absolute())  # Resolve runs the scripts in another folder
    config = ColorConfig.load()
    for space in (args.in_space, args.out_space):
        if space:
            config.resolve(space)
    settings = Settings(
        graph=graph,
        output=str(Path(args.output).expanduser().absolute()) if args.output else "",
        in_space=args.in_space or "",
        out_space=args.out_space or "",
        spool=spool_folder(args.spool, machine) if args.spool else user_files.spool_folder(machine),
        how="call" if args.call else "spool",
        wait_s=args.wait,
        marker=args.marker,
        window=args.window,
    )
    written = install(machine, settings, folder=Path(args.to).absolute() if args.to else None, everybody=args.all_users)
    notes = ["start Resolve again: it reads its script folders when it starts"]
    if not graph:
        notes.append("no graph is chosen: the scripts restore marked clips alone, and hand no finished job on")
    elif not args.call:
        notes.append("finished jobs wait for wetgate resolve watch: leave it running, or install with --call")
    if args.as_json:
        emit(json.dumps({"written": [str(p) for p in written], "notes": notes}))
        return 0
    for path in written:
        emit(f"installed {path}")
    for note in notes:
        emit(f"note: {note}")
    return 0


def run_uninstall(to: str | None, as_json: bool) -> int:
    """Remove all of it."""
    removed = uninstall(Machine(), folder=Path(to).absolute() if to else None)
    if as_json:
        emit(json.dumps({"removed": [str(p) for p in removed]}))
    else:
        for path in removed:
            emit(f"removed {path}")
    return 0
