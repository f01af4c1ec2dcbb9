"""``wetgate demo``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from wetgate.spec import UsageError
from wetgate.surfaces.cli.progress import Progress, interruptible


def run_demo(args: Any) -> int:
    """Make, age and restore a shot; the last line is the report's path."""
    from wetgate.surfaces.demo.demo import run

    match = re.fullmatch(r"(\d{2,5})x(\d{2,5})", args.size)
    if match is None:
        raise UsageError(f"the size is {args.size!r}", where="--size", allowed="WIDTHxHEIGHT, for instance 960x540")
    progress = Progress(args.as_json)
    try:
        with interruptible() as abort:
            made = run(
                Path(args.output),
                frames=args.frames,
                size=(int(match[1]), int(match[2])),
                on_event=progress,
                abort=abort,
            )
    finally:
        progress.close()
    if args.as_json:
        print(json.dumps({"event": "done", "report": str(made)}))
    else:
        print(f"report: {made}")
    return 0
