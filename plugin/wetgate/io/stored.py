"""A picture as a file holds it: the samples in their own type, before and after any conversion to float.

Reading is file -> :class:`Stored` -> ``Frame``, writing is ``Frame`` -> :class:`Stored` -> file. What is hashed is the
middle, so that a hash can be had from the file alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from wetgate.io.association import Residue
from wetgate.spec import Box, Part, Plane

# Frame.codec[STORED] is the StoredAs of the file that a frame was read from.
STORED = "stored"


@dataclass(frozen=True, slots=True)
class Stored:
    """The samples and the header of one picture file.

    ``colour`` is (H, W, C) in the depth's own type: float16, float32, or unsigned integers that hold code values
    (``uint10`` is uint16 with codes 0 to 1023). Its channels are ``layout``, in that order. ``associated`` says that
    colour is multiplied by alpha. ``metadata`` is as in ``Frame.metadata``.
    """

    format: str
    depth: str
    colour: NDArray[Any]
    layout: tuple[str, ...]
    data_window: Box
    display_window: Box
    pixel_aspect: float = 1.0
    associated: bool = False
    extra: Mapping[str, Plane] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredAs:
    """What a frame remembers of the file it came from, for writing it the same way again."""

    format: str
    depth: str
    associated: bool
    residue: Residue | None = None


def read_stored(path: str | os.PathLike[str]) -> Stored:
    """The samples and metadata of a picture file of any format that is read here. Raises :class:`FrameError`."""
    if is_exr(path):
        from wetgate.io.exr_pixels import read_exr

        return read_exr(path)
    from wetgate.io.raster import read_raster

    return read_raster(path)


def is_exr(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name says OpenEXR."""
    return Path(path).suffix.lower() in (".exr", ".sxr")


def colour_channels(names: tuple[str, ...]) -> tuple[str, ...]:
    """Which of a file's channels are its picture, in the order R G B A or Y A; () where none can be told.

    In this order: ``R G B [A]`` without a layer (any case, or whole words), some of R, G, B, grey ``Y [A]``, the first
    layer that has R, G and B, a single channel of any name.
    """
    known = {name.lower(): name for name in reversed(names)}

    def named(*options: str) -> str | None:
        return next((known[o] for o in options if o in known), None)

    alpha = named("a", "alpha")
    rgb = [n for n in (named("r", "red"), named("g", "green"), named("b", "blue")) if n is not None]
    grey = named("y", "i", "l", "luminance", "gray", "grey")
    if len(rgb) < 3 and grey is not None and not rgb:
        rgb = [grey]
    if not rgb:
        for name in names:
            layer, dot, last = name.rpartition(".")
            if dot and last.lower() in ("r", "red"):
                inside = [named(f"{layer}.{c}".lower(), f"{layer}.{w}".lower()) for c, w in _WORDS]
                if None not in inside:
                    rgb = [n for n in inside if n is not None]
                    alpha = named(f"{layer}.a".lower(), f"{layer}.alpha".lower())
                    break
    if not rgb:
        return (names[0],) if len(names) == 1 else ()
    return (*rgb, alpha) if alpha is not None else tuple(rgb)


_WORDS = (("r", "red"), ("g", "green"), ("b", "blue"))
