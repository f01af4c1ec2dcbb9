"""Interlaced footage: the two fields of a picture as pictures of half its height, each a moment of its own.

A field's rows are every second row of the frame; the lower one has rows 0, 2, 4... counted from the bottom (OFX 1.5,
"Image Effect Architectures", fields). Fields of one parity are a shot of their own, so that what a node sees before and
after a field lies on the same lines. They are numbered in the order of their moments: frame n has the fields 2n and
2n + 1, and noise, which goes by the number, differs between them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wetgate.spec import Image
from wetgate.surfaces.worker.pools import OUTPUT, Picture, View
from wetgate.surfaces.worker.requests import Request

FRAME, UPPER_FIRST, LOWER_FIRST = range(3)
_LOWER, _UPPER = range(2)  # the row's y, from the bottom, modulo 2


def parities(order: int) -> tuple[int, int]:
    """The fields of a frame in the order of their moments."""
    return (_UPPER, _LOWER) if order == UPPER_FIRST else (_LOWER, _UPPER)


def rows_of(picture: Picture, parity: int) -> slice:
    """The rows of a picture, counted from the top, that are in a field."""
    return slice((picture.box[3] - 1 - parity) % 2, None, 2)


def field_of(picture: Picture, parity: int) -> Picture:
    """A picture's field: half as high, on the half-height grid that all pictures of a request share."""
    return replace(picture, box=_halved(picture.box, parity))


def _halved(box: tuple[int, int, int, int], parity: int) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = box
    return x1, -((parity - y1) // 2), x2, -((parity - y2) // 2)


@dataclass(frozen=True, slots=True)
class FieldRequest:
    """What a field of a frame asks for, and how its pixels are reached."""

    request: Request
    view: View


def field_request(request: Request, view: View, place: int) -> FieldRequest:
    """The request of a frame's first (``place`` 0) or second field, as if it were of a progressive picture."""
    parity = parities(request.fields)[place]
    whole = {field_of(p, parity): p for p in request.pictures}

    def fields_view(picture: Picture) -> Image:
        rows = view(whole[picture])[rows_of(whole[picture], parity)]
        return rows if picture.role == OUTPUT else read_only(rows)

    def of(picture: Picture | None) -> Picture | None:
        return None if picture is None else field_of(picture, parity)

    made = replace(
        request,
        number=2 * request.number + place,
        step=2,
        fields=FRAME,
        scale=(request.scale[0], request.scale[1] / 2),
        pixel_aspect=request.pixel_aspect / 2,
        whole=_halved(request.whole, parity),
        pictures=tuple(whole),
        sources=tuple(field_of(p, parity) for p in request.sources),
        output=field_of(request.output, parity),
        mask=of(request.mask),
        infrared=of(request.infrared),
        reference=of(request.reference),
    )
    return FieldRequest(made, fields_view)


def read_only(pixels: Image) -> Image:
    """A packed copy that may not be written to."""
    packed = np.ascontiguousarray(pixels)
    packed.flags.writeable = False
    return packed


def has_both(picture: Picture) -> bool:
    """Whether a picture has rows of both fields."""
    return picture.height > 1
