"""What a node's own case file, ``tests/nodes/<id>_cases.py``, may say for the contract tests. A node needs none.

A case file is a plain module with any of these names::

    SETTINGS = {"peak": {"method": "bt2446a"}}     # other parameters under which this one can be seen
    VALUES = {"text": ["a", "b"]}                  # values to try besides the ends of the range
    PICTURES = {"gamut": picture}                  # (width, height) -> (H, W, 3) that shows the parameter
    SPACE = "Linear Rec.709 (sRGB)"                # the colour space that the pictures are in

It cannot take a parameter out of the tests: every one must be seen to change the picture.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from support.pictures import highlights, patches, scene
from wetgate.spec import DENSITY, DISPLAY, SCENE, VIDEO, Image, Node, Value

FOLDER = Path(__file__).resolve().parents[1] / "nodes"
Picture = Callable[[int, int], Image]

# A space of the built-in config in which footage for a node of each working space comes in.
SPACES = {
    SCENE: "ACEScg",
    DENSITY: "ACEScg",
    DISPLAY: "Rec.1886 Rec.709 - Display",
    VIDEO: "Rec.1886 Rec.709 - Display",
}
STANDARD_PICTURES: tuple[Picture, ...] = (scene, patches, highlights)


@dataclass(frozen=True, slots=True)
class Cases:
    """How one node is tried."""

    space: str
    settings: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    values: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)

    def pictures_for(self, param: str) -> tuple[Picture, ...]:
        """Pictures on which a parameter may show, the node's own first."""
        own = (self.pictures[param],) if param in self.pictures else ()
        return own + STANDARD_PICTURES


def cases_of(node: Node) -> Cases:
    """The node's case file, or what holds without one. A name in it that nobody reads is a :class:`TypeError`."""
    file = FOLDER / f"{node.id}_cases.py"
    module = _load(file) if file.is_file() else None
    settings = getattr(module, "SETTINGS", {})
    values = getattr(module, "VALUES", {})
    pictures = getattr(module, "PICTURES", {})
    for table in (settings, values, pictures):
        unknown = set(table) - set(node.params)
        if unknown:
            raise TypeError(f"{file.name} names {sorted(unknown)}, which {node.id} does not have")
    return Cases(getattr(module, "SPACE", SPACES[node.space]), settings, values, pictures)


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    known = {"SETTINGS", "VALUES", "PICTURES", "SPACE"}
    unknown = {name for name in vars(module) if name.isupper()} - known
    if unknown:
        raise TypeError(f"{file.name} holds {sorted(unknown)}; a case file may hold {sorted(known)}")
    return module
