"""The toolbar and the menu: every node, every preset, and the command line, from the generated catalogue."""

from __future__ import annotations

import threading
import traceback
from pathlib import Path
from typing import Any

import nuke

from wetgate_nuke import catalogue
from wetgate_nuke.batch import Prepared, finish, prepare, start
from wetgate_nuke.command import Outcome
from wetgate_nuke.create import create, create_preset
from wetgate_nuke.errors import Cancelled, WetgateError
from wetgate_nuke.progress import Task

_ABOVE = "nodes_above"
_FILE = "graph_file"


def build() -> None:
    """Add to the Nodes toolbar. What is wrong with the installation is printed, and Nuke starts."""
    try:
        nodes, presets = catalogue.nodes(), catalogue.presets()
    except WetgateError as error:
        nuke.tprint(f"Wetgate: {error}")
        return
    menu = nuke.menu("Nodes").addMenu("Wetgate")
    for node in nodes:
        menu.addCommand(node["label"], f"import wetgate_nuke.menus; wetgate_nuke.menus.add_node({node['id']!r})")
    menu.addSeparator()
    for preset in presets:
        command = f"import wetgate_nuke.menus; wetgate_nuke.menus.add_preset({preset['name']!r})"
        menu.addCommand(f"Presets/{preset['title']}", command)
    menu.addSeparator()
    menu.addCommand("Restore selected...", "import wetgate_nuke.menus; wetgate_nuke.menus.ask_and_restore()")


def add_node(node_id: str) -> Any:
    """The toolbar's command of a node."""
    return _told(lambda: create(node_id))


def add_preset(name: str) -> Any:
    """The toolbar's command of a preset."""
    return _told(lambda: create_preset(name))


def ask_and_restore() -> None:
    """Ask what is to be done to the selected Read or Write, and do it in the background."""
    _told(_ask)


def _ask() -> None:
    chosen = nuke.selectedNodes()
    if len(chosen) != 1:
        raise WetgateError(f"{len(chosen)} nodes are selected: select one Read, Write or Wetgate node")
    node = chosen[0]
    panel = nuke.Panel("Wetgate: restore " + node.name())
    names = [_ABOVE, *(preset["name"] for preset in catalogue.presets()), _FILE]
    panel.addEnumerationPulldown("what", " ".join(names))
    panel.addFilenameSearch("graph file", "")
    panel.addFilenameSearch("output", "restored/plate.####.exr")
    panel.addSingleLineInput("frames", "input")
    panel.addSingleLineInput("output colour space", "")
    if not panel.show():
        return
    what = panel.value("what")
    prepared = prepare(
        node,
        panel.value("output"),
        preset=None if what in (_ABOVE, _FILE) else what,
        graph=panel.value("graph file") if what == _FILE else None,
        frames=panel.value("frames"),
        out_space=panel.value("output colour space") or None,
    )
    task = Task(Path(prepared.output).name, len(prepared.numbers))
    threading.Thread(target=_restore, args=(prepared, task), daemon=True).start()


def _restore(prepared: Prepared, task: Any) -> None:
    """In a thread of its own: Nuke stays usable, and is spoken to in its main thread alone."""
    try:
        outcome = start(prepared, task.on_event, task.cancelled)
    except Cancelled:
        return
    except Exception as error:
        nuke.executeInMainThread(_tell, args=(str(error),))
        return
    nuke.executeInMainThread(_finished, args=(prepared, outcome))


def _finished(prepared: Prepared, outcome: Outcome) -> None:
    _told(lambda: finish(prepared, outcome))
    if outcome.failed:
        first = next(iter(outcome.failed.items()))
        _tell(f"{len(outcome.failed)} frames of {Path(prepared.output).name} failed; the first, {first[0]}: {first[1]}")


def _told(work: Any) -> Any:
    """Do it; what goes wrong is said in a window, and in full in the terminal."""
    try:
        return work()
    except Cancelled:
        return None
    except WetgateError as error:
        _tell(str(error))
    except Exception as error:  # a fault of these scripts: the whole story is in the terminal
        nuke.tprint(traceback.format_exc())
        _tell(f"{type(error).__name__}: {error}")
    return None


def _tell(text: str) -> None:
    nuke.tprint(f"Wetgate: {text}")
    if nuke.GUI:
        nuke.message(text)
