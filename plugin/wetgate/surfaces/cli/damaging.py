"""``wetgate degrade``."""

from __future__ import annotations

import json
from typing import Any

from wetgate.spec import UsageError
from wetgate.surfaces.cli.progress import Progress, counted, emit, interruptible
from wetgate.surfaces.cli.rendering import write_options


def run_degrade(args: Any) -> int:
    """Damage a shot, or list the models."""
    from wetgate.engine.degrade import degrade, listing

    if args.list_models:
        entries = listing()
        print(json.dumps(entries) if args.as_json else _listed(entries))
        return 0
    missing = [name for name, value in (("IN", args.input), ("-o", args.output), ("-r", args.recipe)) if not value]
    if missing:
        raise UsageError(f"{', '.join(missing)} missing", remedy="write wetgate degrade IN -o OUT -r RECIPE, or --list")
    progress = Progress(args.as_json)
    args.pixel_format = None
    try:
        with interruptible() as abort:
            record = degrade(
                args.input,
                args.output,
                args.recipe,
                seed=args.seed,
                frames=args.frames,
                in_space=args.in_space,
                config=args.config,
                options=write_options(args),
                truth=args.truth,
                on_event=progress,
                abort=abort,
            )
    finally:
        progress.close()
    if not args.as_json:
        emit(f"{counted(len(record['frames']))} written to {args.output}")
        emit(f"record: {record['path']}")
    return 0


def _listed(entries: Any) -> str:
    lines = []
    for model in entries["models"]:
        lines.append(f"{model['id']:<16} {model['help']}")
        lines.extend(f"    {p['id']:<16} {p['default']!s:<12} {p['allowed']}" for p in model["params"])
    lines.append("recipes: " + ", ".join(entries["recipes"]))
    return "\n".join(lines)
