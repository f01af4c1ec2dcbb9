"""A stand-in for Nuke's ``nuke`` module, as far as Wetgate's scripts use it, with Nuke's habits.

It holds knobs, nodes, the root, menus, panels and progress bars. A Write "renders" by copying the files of the Read
that it stands on, so that real frames come out. Habits that break naive scripts are kept:

- a missing knob is a NameError by ``node['x']`` and None by ``node.knob('x')``; a missing node is None;
- enumerations have string values, numbers by ``getValue``; a name that they do not know leaves them as they were;
- colour spaces are listed as ``name<tab>label``, and a fresh Read's is ``default (name)``;
- ``createNode`` connects to the selection, ``nuke.nodes.X`` does not; an unknown class is a RuntimeError;
- an EXR Write has its own knobs only once ``file_type`` is exr;
- ``selectedNodes`` is newest first; ``execute`` raises RuntimeError, and ``Cancelled`` is its text after a cancel;
- ``fromUserText`` stretches the script's range, ``setValue`` does not;
- there is no menu and no panel without a window.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

from fake_knobs import (
    Array_Knob,
    Boolean_Knob,
    Enumeration_Knob,
    EvalString_Knob,
    File_Knob,
    Int_Knob,
    Knob,
    Link_Knob,
    String_Knob,
    Tab_Knob,
)
from fake_start import pluginAddPath, pluginPath
from fake_window import Menu, Panel, ProgressTask, executeInMainThread, is_gui, menu, message, messages

__all__ = [
    "Link_Knob",
    "Menu",
    "Panel",
    "ProgressTask",
    "Tab_Knob",
    "executeInMainThread",
    "menu",
    "message",
    "messages",
    "pluginAddPath",
    "pluginPath",
]

GUI = is_gui()
env = {
    "gui": GUI,
    "NukeVersionMajor": 16,
    "NukeVersionMinor": 0,
    "ExecutablePath": os.environ.get("FAKE_NUKE_PROGRAM", "/usr/local/Nuke16.0v1/Nuke16.0"),
    "threads": 2,
}
rawArgs = sys.argv
_SPACES = ["ACEScg", "ACES2065-1", "scene_linear", "sRGB - Texture", "Rec.1886 Rec.709 - Display", "ARRI LogC4"]
_CURVES = ["linear", "sRGB", "rec709", "Cineon", "Gamma2.2", "Gamma2.4", "AlexaV3LogC", "SLog3", "BT1886", "st2084"]
cancel_after: int | None = None  # frames, for tests
_knob_defaults: dict[str, str] = {}


def _colour_knob(default: str) -> Enumeration_Knob:
    if usingOcio():
        knob = Enumeration_Knob("colorspace", "input transform", [f"{s}\t{s} (family)" for s in _SPACES])
    else:
        knob = Enumeration_Knob("colorspace", "colorspace", list(_CURVES))
    knob._default = f"default ({default})"
    return knob


# --- nodes


class Node:
    _common = ("name", "label", "disable", "xpos", "ypos")

    def __init__(self, node_class: str, parent: Node | None) -> None:
        self._class, self._parent = node_class, parent
        self._knobs: dict[str, Knob] = {}
        self._inputs: list[Node | None] = []
        self._selected = False
        self._children: list[Node] = []
        for knob in (
            String_Knob("name"),
            String_Knob("label"),
            Boolean_Knob("disable"),
            Int_Knob("xpos"),
            Int_Knob("ypos"),
        ):
            self.addKnob(knob)

    def Class(self) -> str:
        return self._class

    def name(self) -> str:
        return str(self._knobs["name"].value())

    def fullName(self) -> str:
        above = self._parent
        return self.name() if above is None or above is root() else f"{above.fullName()}.{self.name()}"

    def setName(self, name: str, uncollide: bool = True, updateExpressions: bool = False) -> None:
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ValueError(f"invalid node name: {name}")
        taken = {n.name() for n in self._siblings() if n is not self}
        if name in taken:
            if not uncollide:
                raise ValueError(f"{name} is already used")
            stem = name.rstrip("0123456789")
            name = next(f"{stem}{i}" for i in range(1, 10_000) if f"{stem}{i}" not in taken)
        self._knobs["name"].setValue(name)

    def _siblings(self) -> list[Node]:
        return self._parent._children if self._parent is not None else []

    def knob(self, name: str) -> Knob | None:
        return self._knobs.get(name)

    def knobs(self) -> dict[str, Knob]:
        return dict(self._knobs)

    def __getitem__(self, name: str) -> Knob:
        if name not in self._knobs:
            raise NameError(f"knob {name} does not exist")
        return self._knobs[name]

    def addKnob(self, knob: Knob) -> None:
        knob._node = self
        self._knobs[knob.name()] = knob

    def input(self, index: int) -> Node | None:
        return self._inputs[index] if index < len(self._inputs) else None

    def inputs(self) -> int:
        return len(self._inputs)

    def setInput(self, index: int, node: Node | None) -> bool:
        self._inputs.extend([None] * (index + 1 - len(self._inputs)))
        self._inputs[index] = node
        return True

    def xpos(self) -> int:
        return int(self._knobs["xpos"].value())

    def ypos(self) -> int:
        return int(self._knobs["ypos"].value())

    def setXYpos(self, x: int, y: int) -> None:
        self._knobs["xpos"].setValue(x)
        self._knobs["ypos"].setValue(y)

    def setSelected(self, on: bool) -> None:
        self._selected = bool(on)
        if self in _selection:
            _selection.remove(self)
        if on:
            _selection.append(self)

    def isSelected(self) -> bool:
        return self._selected

    # groups

    def begin(self) -> Node:
        _context.append(self)
        return self

    def end(self) -> None:
        _context.pop()

    def nodes(self) -> list[Node]:
        return list(self._children)

    def node(self, name: str) -> Node | None:
        return next((n for n in self._children if n.name() == name), None)


def _enum(name: str, *values: str) -> Enumeration_Knob:
    return Enumeration_Knob(name, name, list(values))


def _read(node: Node) -> None:
    for knob in (File_Knob("file"), Int_Knob("first"), Int_Knob("last"), Int_Knob("origfirst"), Int_Knob("origlast")):
        node.addKnob(knob)
    for knob in (
        _enum("before", "hold", "loop", "bounce", "black"),
        _enum("after", "hold", "loop", "bounce", "black"),
        _enum("on_error", "error", "black", "checkerboard", "nearest frame"),
        _enum("frame_mode", "expression", "start at", "offset"),
        String_Knob("frame"),
        Boolean_Knob("raw"),
        Boolean_Knob("premultiplied"),
        _colour_knob("ACEScg" if usingOcio() else "linear"),
    ):
        node.addKnob(knob)


class _FileType(Enumeration_Knob):
    def setValue(self, value: object, index: int = 0) -> bool:
        done = super().setValue(value, index)
        node = self._node
        if node is not None and self.value() == "exr" and node.knob("datatype") is None:
            node.addKnob(_enum("datatype", "16 bit half", "32 bit float"))
            node.addKnob(_enum("compression", "none", "Zip (1 scanline)", "Zip (16 scanlines)", "DWAA"))
            node.addKnob(_enum("metadata", "no metadata", "default metadata", "all metadata"))
        return done


def _write(node: Node) -> None:
    for knob in (
        File_Knob("file"),
        _FileType("file_type", "file type", ["dpx", "exr", "jpeg", "mov", "png", "tiff"]),
        Int_Knob("first"),
        Int_Knob("last"),
        Boolean_Knob("use_limit"),
        _enum("frame_mode", "expression", "start at", "offset"),
        String_Knob("frame"),
        Boolean_Knob("raw"),
        _enum("transformType", "colorspace", "display"),
        _colour_knob("ACEScg" if usingOcio() else "linear"),
        Boolean_Knob("create_directories"),
    ):
        node.addKnob(knob)


def _ofx(node: Node, declared: dict) -> None:
    for param in declared["params"]:
        kind = param["kind"]
        if kind == "choice":
            knob: Knob = Enumeration_Knob(param["id"], param["label"], [c["label"] for c in param["choices"]])
            knob.setValue([c["id"] for c in param["choices"]].index(param["default"]))
        elif kind == "text":
            knob = EvalString_Knob(param["id"], param["label"])
            knob.setValue(param["default"])
        elif kind == "bool":
            knob = Boolean_Knob(param["id"], param["label"])
            knob.setValue(param["default"])
        else:
            knob = Array_Knob(param["id"], param["label"], {"color": 3, "point": 2}.get(kind, 1))
            knob.setValue(param["default"])
        node.addKnob(knob)
    spaces = ["From the host", *(s["label"] for s in _ofx_document()["spaces"])]
    node.addKnob(Enumeration_Knob("input_space", "Input space", spaces))
    node.addKnob(EvalString_Knob("input_space_name"))
    if declared["hdr_output"]:
        node.addKnob(Enumeration_Knob("output_space", "Output space", ["As the input", *spaces[1:]]))
        node.addKnob(EvalString_Knob("output_space_name"))


def _ofx_document() -> dict:
    """The bundle that Nuke "found": a catalogue file, or none."""
    named = os.environ.get("FAKE_NUKE_BUNDLE", "")
    return json.loads(Path(named).read_text(encoding="utf-8")) if named else {"nodes": [], "spaces": []}


_BUILDERS = {
    "Read": _read,
    "Write": _write,
    "Group": lambda node: None,
    "Input": lambda node: None,
    "Output": lambda node: None,
    "Dot": lambda node: None,
    "Grade": lambda node: node.addKnob(Array_Knob("white", size=4)),
    "Viewer": lambda node: None,
}


def _make(node_class: str) -> Node:
    parent = _context[-1]
    declared = next((n for n in _ofx_document()["nodes"] if n["class"] == node_class), None)
    if declared is None and node_class not in _BUILDERS:
        raise RuntimeError(f"{node_class}: Unknown command")
    node = Node(node_class, parent)
    _ofx(node, declared) if declared is not None else _BUILDERS[node_class](node)
    parent._children.append(node)
    stem = re.sub(r"\W", "_", node_class.rpartition(".")[2]) if declared is not None else node_class
    node.setName(re.sub(r"_v\d+$", "", stem) + "1")
    return node


class _Nodes:
    def __getattr__(self, node_class: str) -> object:
        def make(**knobs: object) -> Node:
            inputs = knobs.pop("inputs", [])
            node = _make(node_class)
            for index, above in enumerate(inputs):
                node.setInput(index, above)
            for name, value in knobs.items():
                node[name].setValue(value)
            return node

        return make


nodes = _Nodes()


def createNode(node_class: str, knobs: str = "", inpanel: bool = True) -> Node:
    above = _selection[-1] if _selection else None
    node = _make(node_class)
    if above is not None and node_class not in ("Read", "Input"):
        node.setInput(0, above)
    for other in list(_selection):
        other.setSelected(False)
    node.setSelected(True)
    return node


def delete(node: Node) -> None:
    node._siblings().remove(node)
    if node in _selection:
        _selection.remove(node)


def toNode(name: str) -> Node | None:
    at: Node | None = _context[-1]
    for part in name.split("."):
        at = at.node(part) if at is not None else None
    return at


def allNodes(filter: str | None = None) -> list[Node]:
    found = _context[-1].nodes()
    return [n for n in found if filter is None or n.Class() == filter]


def selectedNodes() -> list[Node]:
    return _selection[::-1]


def selectedNode() -> Node:
    if not _selection:
        raise ValueError("no node selected")
    return _selection[-1]


def views() -> list[str]:
    return list(_views)


def usingOcio() -> bool:
    return str(root()["colorManagement"].value()) == "OCIO"


def root() -> Node:
    return _root


def knobDefault(name: str, value: str | None = None) -> str | None:
    if value is None:
        return _knob_defaults.get(name)
    _knob_defaults[name] = value
    node, _, knob = name.partition(".")
    if node == "Root":
        _root[knob].setValue(value)
    return None


def tcl(command: str, *arguments: str) -> str:
    if command != "subst":
        raise RuntimeError(f"{command}: Unknown command")
    text = re.sub(r"\[getenv (\w+)\]", lambda found: os.environ.get(found[1], ""), arguments[0])
    return re.sub(r"%(0?\d*)d", lambda found: f"{1:{found[1] or ''}d}", text)  # frames are filled in as well


def tprint(*values: object) -> None:
    print(*values, flush=True)


# --- scripts: JSON in place of Nuke's own format, which nothing here depends on


def scriptOpen(path: str) -> None:
    if not Path(path).is_file():
        raise RuntimeError(f"{path}: couldn't open script")
    for said in json.loads(Path(path).read_text(encoding="utf-8"))["nodes"]:
        node = _make(said["class"])
        node.setName(said["name"])
        for name, value in said.get("knobs", {}).items():
            node[name].setValue(value)
        for index, above in enumerate(said.get("inputs", [])):
            node.setInput(index, toNode(above) if above else None)


def scriptSaveAs(path: str, overwrite: int = 0) -> None:
    if Path(path).exists() and not overwrite:
        raise RuntimeError("Script already exists")
    said = [
        {
            "class": n.Class(),
            "name": n.name(),
            "knobs": {k: knob.value() for k, knob in n.knobs().items()},
            "inputs": [above.name() if above else None for above in n._inputs],
        }
        for n in _root.nodes()
    ]
    Path(path).write_text(json.dumps({"nodes": said}), encoding="utf-8")


# --- rendering


def execute(
    node: object, start: int, end: int, incr: int = 1, views: object = None, continueOnError: bool = False
) -> None:
    executeMultiple((node,), ((start, end, incr),), views, continueOnError)


def executeMultiple(nodes: object, ranges: object, views: object = None, continueOnError: bool = False) -> None:
    done = 0
    for node in nodes:
        node = toNode(node) if isinstance(node, str) else node
        if node.Class() != "Write":
            raise RuntimeError(f"{node.name()} is not a Write node")
        source = node.input(0)
        while source is not None and source.Class() != "Read":
            source = source.input(0)
        if source is None:
            raise RuntimeError(f"{node.name()}: no input")
        for first, last, step in ranges:
            for frame in range(first, last + 1, step):
                if cancel_after is not None and done >= cancel_after:
                    raise RuntimeError("Cancelled")
                _copy(source, node, frame)
                done += 1


def _copy(source: Node, write: Node, frame: int) -> None:
    said = str(source["frame"].value()).strip()
    number = frame
    if said and source["frame_mode"].value() == "offset":
        number = frame - int(said)
    elif said and source["frame_mode"].value() == "start at":
        number = frame - int(said) + int(source["first"].value())
    read, wrote = (Path(_numbered(str(n["file"].value()), i)) for n, i in ((source, number), (write, frame)))
    if not read.is_file():
        raise RuntimeError(f'{source.name()}: Read error: No such file or directory "{read}"')
    if not wrote.parent.is_dir():
        if not write["create_directories"].value():
            raise RuntimeError(f"{write.name()}: Write error: {wrote.parent} does not exist")
        wrote.parent.mkdir(parents=True)
    shutil.copyfile(read, wrote)


def _numbered(pattern: str, frame: int) -> str:
    text = re.sub(r"#+", lambda found: f"{frame:0{len(found[0])}d}", pattern)
    return re.sub(r"%0?(\d*)d", lambda found: f"{frame:0{found[1] or 1}d}", text)


def _new_root() -> Node:
    made = Node("Root", None)
    for knob in (
        _enum("colorManagement", "Nuke", "OCIO"),
        _enum("OCIO_config", "nuke-default", "aces_1.2", "fn-nuke_studio-config-v2.1.0_aces-v1.3_ocio-v2.3", "custom"),
        File_Knob("customOCIOConfigPath"),
        _enum("workingSpaceLUT", "linear", "scene_linear", "ACEScg"),
        EvalString_Knob("project_directory"),
        Int_Knob("first_frame"),
        Int_Knob("last_frame"),
    ):
        made.addKnob(knob)
    made["first_frame"].setValue(1)
    made["last_frame"].setValue(100)
    return made


_selection: list[Node] = []
_views = ["main"]
_root = _new_root()
_context: list[Node] = [_root]
