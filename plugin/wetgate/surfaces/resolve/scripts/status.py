# Says what Wetgate finds of Resolve and of itself. Changes nothing.
import os
import sys
import traceback
from typing import Any, Dict

from wetgate_resolve import (
    application,
    ask_wetgate,
    open_project,
    settings,
    show,
    spool_of,
)


def status(names: Dict[str, Any]) -> None:
    """A few lines in a window and the console."""
    try:
        known = settings()
        lines = []
        resolve = application(names)
        if resolve is None:
            lines.append("Resolve does not answer this script")
        else:
            project = open_project(names)
            timeline = project.GetCurrentTimeline() if project is not None else None
            opened = "no timeline is open"
            if timeline is not None:
                opened = "%s, %s" % (project.GetName(), timeline.GetName())
            lines.append("%s %s: %s" % (resolve.GetProductName(), resolve.GetVersionString(), opened))
        lines.append("Python %s runs this script" % sys.version.split()[0])
        lines.append(ask_wetgate(known, ["--version"], 30.0)[1])
        lines.append("graph: %s" % (known.get("graph") or "none is chosen: wetgate resolve install --graph NAME"))
        spool = spool_of(known)
        counts = []
        for name in ("new", "work", "done", "failed"):
            folder = os.path.join(spool, name)
            found = os.listdir(folder) if os.path.isdir(folder) else []
            counts.append("%d %s" % (len([n for n in found if n.endswith(".json") and n[0] != "."]), name))
        lines.append("jobs in %s: %s" % (spool or "no folder", ", ".join(counts)))
        show(names, "\n".join(lines))
    except Exception:
        show(names, traceback.format_exc())
