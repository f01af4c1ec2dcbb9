"""What a node is given and what it gives back: Window, Context, Shot, Result."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from wetgate.spec.errors import WetgateError
from wetgate.spec.frame import Frame, Image

T = TypeVar("T")

Fidelity = Literal["forensic", "faithful", "pleasing"]


class Interrupted(WetgateError):
    """The user or the host stopped the work."""

    exit_code = 130


@dataclass(frozen=True, slots=True)
class Window:
    """The frames t-r..t+r about one frame. Past an edge of the shot the edge frame is repeated, and said to be.

    ``window[0]`` is the frame itself, ``window[-1]`` the one before it. ``prepared`` holds what the node's ``prepare``
    made of each frame, in the same order; it is empty for a node without one, and where the window is one frame.
    """

    frames: tuple[Frame, ...]
    repeated: tuple[bool, ...] = ()
    prepared: tuple[Frame, ...] = ()

    def __post_init__(self) -> None:
        if len(self.frames) % 2 == 0:
            raise ValueError("a window holds an odd number of frames")
        if len(self.prepared) not in (0, len(self.frames)):
            raise ValueError("a window holds as many prepared frames as frames")
        if not self.repeated:
            object.__setattr__(self, "repeated", (False,) * len(self.frames))

    @property
    def reach(self) -> int:
        """r: how many frames lie on either side."""
        return len(self.frames) // 2

    @property
    def center(self) -> Frame:
        return self.frames[self.reach]

    @property
    def number(self) -> int:
        return self.center.number

    def __getitem__(self, offset: int) -> Frame:
        return self.frames[self._index(offset)]

    def prepared_at(self, offset: int) -> Frame:
        """What ``prepare`` made of the frame at ``offset``."""
        return self.prepared[self._index(offset)]

    def is_repeated(self, offset: int) -> bool:
        """Whether the frame at ``offset`` is an edge frame standing in for one outside the shot."""
        return self.repeated[self._index(offset)]

    def _index(self, offset: int) -> int:
        if abs(offset) > self.reach:
            raise IndexError(f"offset {offset} is outside the window of +-{self.reach}")
        return offset + self.reach


class Shot(Protocol):
    """A whole shot, for ``analyze``: frames in the node's working space, read as they are asked for.

    Iterating reads every frame once, in order; a second iteration reads again. ``cuts`` are the numbers of the frames
    that begin a new shot inside the range (never the first). ``params(number)`` is the node with its keyframes
    resolved at that frame.
    """

    numbers: Sequence[int]
    cuts: Sequence[int]

    def __iter__(self) -> Iterator[Frame]: ...
    def __getitem__(self, number: int) -> Frame: ...
    def __len__(self) -> int: ...
    def params(self, number: int) -> Any: ...


def _never() -> None:
    return None


def _as_it_is(frame: Frame, space: str) -> Frame:
    return frame


@dataclass(frozen=True, slots=True)
class Split:
    """What an earlier step took off the picture, for a node that ``plates``: the picture ``before`` and ``after`` that
    step at this frame, both in the node's working space. Where ``after`` is None, ``before`` is a plate on mid-grey.

    ``amount`` of the difference is wanted back. ``same`` marks the pixels that nothing has changed since the split;
    ``invented`` (H, W), 0 to 1, says how far steps in between put in what the input does not determine, None where none
    of them tells.
    """

    before: Frame
    after: Frame | None
    amount: float = 1.0
    same: NDArray[np.bool_] | bool = False
    invented: Image | None = None


class Keeps(Protocol):
    """Gives the value of a key, made if it is not held."""

    def __call__(self, key: Hashable, make: Callable[[], T]) -> T: ...


def _made_anew(key: Hashable, make: Callable[[], T]) -> T:
    return make()


@dataclass(frozen=True, slots=True)
class Context:
    """What the engine tells a node about the render it is part of.

    ``analysis`` is the ``results`` object of the node's analysis document, or None. ``views`` are the AOVs that
    somebody asked for: a node computes only those. ``convert`` gives a frame in another working space or colour space,
    for what a node has to look at elsewhere than where it works. ``reference`` is a picture in the node's working space
    that somebody gave the analysis of a node that declares ``references``; ``split`` what an earlier step took off, for
    a node that ``plates``. ``check_abort`` raises :class:`Interrupted`; long work calls it. ``kept(key, make)`` gives
    what was made under a key before, for the windows that need it again: the key says all that it depends on, beside
    the parameters and the footage. As many things are held as a window has frames and pairs of frames.
    """

    fidelity: Fidelity = "faithful"
    analysis: Mapping[str, Any] | None = None
    views: frozenset[str] = frozenset()
    device: str = "cpu"
    threads: int = 1
    source_space: str = ""
    convert: Callable[[Frame, str], Frame] = _as_it_is
    reference: Frame | None = None
    split: Split | None = None
    check_abort: Callable[[], None] = _never
    kept: Keeps = _made_anew
    progress: Callable[[float], None] = field(default=lambda share: None)


@dataclass(frozen=True, slots=True)
class Result:
    """What ``render`` returns: the frame, the AOVs by name ((H, W) or (H, W, C) float32), and facts for the record.

    A facts value is JSON: counts, residuals, what was clipped or estimated. Header metadata that the node sets (HDR10
    mastering data, for instance) goes into ``frame.metadata``.
    """

    frame: Frame
    aovs: Mapping[str, Image] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bound:
    """A node's consistency bound, recomputed: what it measures, the value found and the most that is allowed.

    A node may define ``bound(self, source: Frame, result: Frame, ctx: Context) -> Bound``: it re-applies to ``result``
    the degradation that the node claims to have undone, and compares with ``source``. Both frames are in the node's
    working space. The forensic mode and ``wetgate verify --source`` use it.
    """

    name: str
    value: float
    limit: float
    unit: str = ""

    @property
    def ok(self) -> bool:
        return self.value <= self.limit

    def sentence(self) -> str:
        return f"{self.name} is {self.value:.4g}{self.unit and ' ' + self.unit}, at most {self.limit:g} is allowed"

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "value": self.value, "limit": self.limit, "unit": self.unit, "ok": self.ok}
