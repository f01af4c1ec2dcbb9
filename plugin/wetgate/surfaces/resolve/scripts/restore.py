# Has Wetgate restore clips of the timeline that is open, in a process of its own.
import os
import traceback
from typing import Any, Dict

from wetgate_resolve import (
    open_project,
    settings,
    show,
    start_wetgate,
)


def restore(names: Dict[str, Any], clips: str, what: str) -> None:
    """Start it, and say what was started."""
    try:
        known = settings()
        project = open_project(names)
        timeline = project.GetCurrentTimeline() if project is not None else None
        if timeline is None:
            show(names, "open a timeline first")
            return
        arguments = ["resolve", "restore", "--clips", clips, "--timeline", timeline.GetName()]
        if known.get("graph"):
            arguments += ["--graph", str(known["graph"])]
        elif clips != "marked":
            show(names, "no graph is chosen: run 'wetgate resolve install --graph NAME', or mark clips with a note")
            return
        if known.get("output"):
            arguments += ["-o", os.path.expanduser(str(known["output"]))]
        problem = start_wetgate(known, arguments)
        log = os.path.expanduser(str(known.get("log", "")))
        begun = "%s of %r: restoring has begun; what comes of it stands in %s" % (what, timeline.GetName(), log)
        show(names, problem or begun)
    except Exception:
        show(names, "nothing was started:\n" + traceback.format_exc())
