"""A Read or a Write as footage: its files, its frames, and the script's frames as the numbers of its files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nuke

from wetgate_nuke.colour import space_of
from wetgate_nuke.errors import WetgateError
from wetgate_nuke.frames import parse_frames

FIELD = re.compile(r"#+|%0?\d*d|@+")


MOVIES = (".mov", ".mp4", ".mxf", ".m4v", ".avi", ".mkv")


@dataclass(frozen=True)
class Footage:
    """Files on disk. ``first`` and ``last`` are numbers as the command line counts them (a movie's from 0), ``offset``
    is what a frame of the script has to be moved by to be such a number."""

    path: str
    first: int
    last: int
    space: str
    offset: int = 0

    @property
    def is_still(self) -> bool:
        name = Path(self.path)
        return not FIELD.search(name.name) and name.suffix.lower() not in MOVIES

    def number(self, frame: int) -> int:
        """The number of the file that the script shows at ``frame``."""
        return frame + self.offset

    def numbers(self, frames: list[int]) -> list[int]:
        """The numbers of these frames, all of which the footage must have."""
        out = [self.number(frame) for frame in frames]
        outside = [n for n in out if not self.first <= n <= self.last]
        if outside:
            raise WetgateError(
                f"{len(outside)} frames are outside of {self.path}, the first is {outside[0] - self.offset}; "
                f"the script has {self.first - self.offset} to {self.last - self.offset} of it"
            )
        return out


def footage_of(node: Any, view: str | None = None, in_space: str | None = None) -> Footage:
    """The footage of a Read, or that which a Write makes."""
    first, last = int(node["first"].value()), int(node["last"].value())
    if node.Class() == "Write" and not node["use_limit"].value():
        first, last = int(nuke.root()["first_frame"].value()), int(nuke.root()["last_frame"].value())
    path, offset = path_of(node, view), _offset(node, first)
    counted_from = 1 if Path(path).suffix.lower() in MOVIES else 0  # by Nuke; the command line begins at 0
    space = in_space or space_of(node)
    return Footage(path, first - counted_from, last - counted_from, space, offset - counted_from)


def path_of(node: Any, view: str | None = None) -> str:
    """The path of a file node, its frame field kept; views and expressions filled in, relative ones made whole."""
    text = str(node["file"].value() or "")
    if not text:
        raise WetgateError(f"{node.name()} names no file")
    if "[" in text:
        text = _expanded(node, text)
    if re.search(r"%[vV]", text):
        views = list(nuke.views())
        chosen = view or views[0]
        if chosen not in views:
            raise WetgateError(f"there is no view {chosen!r}; the script has {', '.join(views)}")
        text = text.replace("%V", chosen).replace("%v", chosen[:1])
    return absolute(Path(text)).as_posix()


def absolute(path: Path) -> Path:
    """A relative path under the script's project directory, as Nuke has it."""
    if path.is_absolute():
        return path
    folder = str(nuke.root()["project_directory"].getEvaluatedValue() or "")
    return Path(folder) / path if folder else path.absolute()


def _expanded(node: Any, text: str) -> str:
    """An expression's value; the frame field, which Nuke would fill in too, is kept out of its way."""
    fields = FIELD.findall(text)
    hidden = FIELD.sub("\x01", text)
    value = str(nuke.tcl("subst", hidden))
    for field in fields:
        value = value.replace("\x01", field, 1)
    return value


def _offset(node: Any, first: int) -> int:
    """By how much the script's frames and the files' numbers differ (the Read's "frame" control)."""
    mode, knob = node.knob("frame_mode"), node.knob("frame")
    said = str(knob.value() or "").strip() if knob is not None else ""
    if mode is None or not said:
        return 0
    if node.Class() == "Write":
        raise WetgateError(f"{node.name()} numbers its files anew, by {said!r}: clear its frame control")
    kind = str(mode.value())
    try:
        number = int(float(said))
    except ValueError:
        raise WetgateError(
            f"{node.name()} has the frame expression {said!r}: give it an offset or a start frame"
        ) from None
    if kind in ("start at", "start_at"):
        return first - number
    if kind == "offset":  # moves the clip to later frames
        return -number
    raise WetgateError(f"{node.name()} shows one frame, {said}, by an expression: set its frame control to an offset")


def wanted_frames(text: str | None, footage: Footage) -> list[int]:
    """The script's frames that a range names: a range, ``global`` (the script's), ``input`` or nothing (all of the
    footage)."""
    said = (text or "input").strip()
    if said == "global":
        root = nuke.root()
        return list(range(int(root["first_frame"].value()), int(root["last_frame"].value()) + 1))
    if said == "input":
        return [n - footage.offset for n in range(footage.first, footage.last + 1)]
    return parse_frames(said)
