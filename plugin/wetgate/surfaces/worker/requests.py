"""What a RENDER or ANALYSE asks for (PROTOCOL.md 6 and 7), read and checked before any pixel is looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from wetgate.spec import Value
from wetgate.surfaces.worker.messages import ProtocolError, Reader
from wetgate.surfaces.worker.pools import INFRARED, MASK, OUTPUT, REFERENCE, SOURCE, Picture, read_picture

Rect = tuple[int, int, int, int]
_MOST_VALUES = 256
_MOST_PICTURES = 256
_MOST_FRAMES = 1_000_000
_MOST_TIME = 2.0**31 - 1
_DRAFT, _INTERACTIVE, _THUMBNAIL, _TIMES_ARE_TRUE = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class Request:
    """One frame, or with ``span`` one shot to analyse. ``sources`` are an odd number; the middle one is the frame.

    ``fields`` is the order of the frame's fields (:mod:`~wetgate.surfaces.worker.fields`), ``split`` the share of the
    width that shows the source (below 0: none), ``step`` what one place among the sources is in numbers. ``whole`` is
    where the picture lies of which the sources are all or a part, as x1, y1, x2, y2 of the host's pixels.
    """

    node: str
    saved_version: int
    number: int
    scale: tuple[float, float]
    pixel_aspect: float
    field: int
    draft: bool
    thumbnail: bool
    style: str
    config: str
    clip_space: str
    input_space: str
    output_space: str
    analysis: str
    records: str
    values: dict[str, Value]
    whole: Rect
    pictures: tuple[Picture, ...]
    sources: tuple[Picture, ...]
    output: Picture
    mask: Picture | None = None
    infrared: Picture | None = None
    reference: Picture | None = None
    span: tuple[int, int] | None = None
    fields: int = 0
    split: float = -1.0
    step: int = 1

    @property
    def middle(self) -> Picture:
        return self.sources[len(self.sources) // 2]

    @property
    def is_whole(self) -> bool:
        """Whether the sources are all of the picture."""
        return self.middle.box == self.whole

    @property
    def is_full(self) -> bool:
        """Whether it is the frame itself: no proxy, no draft, no part of it."""
        return self.scale == (1.0, 1.0) and not self.draft and not self.thumbnail and self.is_whole

    @property
    def home(self) -> int:
        """The frame's place among the pictures."""
        return len(self.sources) // 2


def read_request(raw: bytes, *, analyse: bool) -> Request:
    """The body of RENDER, or of ANALYSE. :class:`ProtocolError` for whatever the protocol does not have."""
    body = Reader(raw)
    node = body.text(64)
    saved_version = body.number("I")
    number = frame_number(body.real())
    scale = (body.real(), body.real())
    aspect = body.real()
    field, flags, fields = body.numbers("BBB")
    body.zero(1)
    split = body.real()
    whole = _rect(body)
    if min(*scale, aspect) <= 0 or field > 3 or flags > 15 or fields > 2 or split > 1:
        raise ProtocolError(
            f"render scale {scale}, pixel aspect {aspect}, field {field}, flags {flags}, fields {fields}, split {split}"
        )
    style, config = body.text(64), body.text(4096)
    clip_space, input_space, output_space = body.text(256), body.text(256), body.text(256)
    analysis, records = body.text(65_536), body.text(4096)
    values = _values(body)
    pictures = _pictures(body)
    span = _span(body) if analyse else None
    body.end()
    sources, others = _by_role(pictures)
    if analyse and len(sources) != 1:
        raise ProtocolError(f"ANALYSE has {len(sources)} Source pictures", allowed="1")
    if whole == (0, 0, 0, 0):
        whole = sources[len(sources) // 2].box
    if not all(_inside(picture.box, whole) for picture in sources):
        raise ProtocolError(f"a Source picture lies outside the whole picture, {whole}")
    return Request(
        node=node,
        saved_version=saved_version,
        number=number,
        scale=scale,
        pixel_aspect=aspect,
        field=field,
        draft=bool(flags & _DRAFT),
        thumbnail=bool(flags & _THUMBNAIL),
        style=style,
        config=config,
        clip_space=clip_space,
        input_space=input_space,
        output_space=output_space,
        analysis=analysis,
        records=records,
        values=values,
        whole=whole,
        pictures=pictures,
        sources=sources,
        output=others[OUTPUT],
        mask=others.get(MASK),
        infrared=others.get(INFRARED),
        reference=others.get(REFERENCE),
        span=span,
        fields=fields,
        split=split,
    )


def _rect(body: Reader) -> Rect:
    x1, y1, x2, y2 = body.numbers("iiii")
    return x1, y1, x2, y2


def _inside(box: Rect, of: Rect) -> bool:
    return of[0] <= box[0] and of[1] <= box[1] and box[2] <= of[2] and box[3] <= of[3]


def frame_number(time: float) -> int:
    """The frame that a time belongs to."""
    if abs(time) > _MOST_TIME:
        raise ProtocolError(f"a time is {time}")
    return math.floor(time + 0.5)


def _values(body: Reader) -> dict[str, Value]:
    count = body.number("I")
    if count > _MOST_VALUES:
        raise ProtocolError(f"{count} values", allowed=f"at most {_MOST_VALUES}")
    values: dict[str, Value] = {}
    for _ in range(count):
        name = body.text(64)
        if name in values:
            raise ProtocolError(f"the value {name!r} comes twice")
        values[name] = _value(body)
    return values


def _value(body: Reader) -> Value:
    kind = body.number("B")
    if kind == 1:
        return body.real()
    if kind == 2:
        return body.number("q")
    if kind == 3:
        flag = body.number("B")
        if flag > 1:
            raise ProtocolError(f"a bool is {flag}")
        return flag == 1
    if kind in (4, 5):
        return body.text(64 if kind == 4 else 16_384)
    if kind in (6, 7):
        return tuple(body.real() for _ in range(3 if kind == 6 else 2))
    raise ProtocolError(f"there is no kind of value {kind}")


def _pictures(body: Reader) -> tuple[Picture, ...]:
    count = body.number("I")
    if not 2 <= count <= _MOST_PICTURES:
        raise ProtocolError(f"{count} pictures", allowed=f"2 to {_MOST_PICTURES}")
    return tuple(read_picture(body) for _ in range(count))


def _span(body: Reader) -> tuple[int, int]:
    first, last = body.numbers("ii")
    if not 0 <= last - first < _MOST_FRAMES:
        raise ProtocolError(f"the range is {first} to {last}", allowed=f"1 to {_MOST_FRAMES} frames")
    return first, last


def _by_role(pictures: tuple[Picture, ...]) -> tuple[tuple[Picture, ...], dict[int, Picture]]:
    """Sources, and the one picture of each other role; in the protocol's order, repeats at the edges alone."""
    roles = [p.role for p in pictures]
    sources = tuple(p for p in pictures if p.role == SOURCE)
    if roles != sorted(roles) or roles[-1] != OUTPUT or len(set(roles[len(sources) :])) != len(roles) - len(sources):
        raise ProtocolError(f"the pictures have the roles {roles}")
    if len(sources) % 2 == 0:
        raise ProtocolError(f"{len(sources)} Source pictures", allowed="an odd number")
    middle = len(sources) // 2
    before, after = pairwise(sources[: middle + 1]), pairwise(sources[middle:])
    if any(a.repeated < b.repeated for a, b in before) or any(a.repeated > b.repeated for a, b in after):
        raise ProtocolError("a repeated picture stands between others")
    if sources[middle].repeated:
        raise ProtocolError("the frame itself is marked as repeated")
    out, source = pictures[-1], sources[middle]
    if (out.channels, out.alpha) != (source.channels, source.alpha):
        raise ProtocolError("the Output differs from the Source in channels or alpha")
    return sources, {p.role: p for p in pictures[len(sources) :]}
