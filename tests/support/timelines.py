"""Small timelines for tests, and the footage that they are cut from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio

import wetgate
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame


def time(value: float, rate: float = 24) -> Any:
    return otio.opentime.RationalTime(value, rate)


def span(start: float, length: float, rate: float = 24) -> Any:
    return otio.opentime.TimeRange(time(start, rate), time(length, rate))


def plate(folder: Path, name: str, numbers: range, space: str = "ACEScg", size: tuple[int, int] = (6, 8)) -> Path:
    """A float EXR sequence whose red is its frame number, ``folder/name.####.exr``; its pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        pixels = np.zeros((*size, 3), np.float32)
        pixels[..., 0], pixels[..., 1] = number, 0.25
        frame = Frame(pixels, space, number)
        wetgate.write(frame, folder / f"{name}.{number:04d}.exr", options=WriteOptions(depth="float"))
    return folder / f"{name}.####.exr"


def number_in(path: Path) -> int:
    """The frame number that a picture of :func:`plate`, or a copy of it, holds."""
    return round(float(wetgate.read(path)[0].pixels[0, 0, 0]))


def sequence_reference(pattern: Path, first: int, length: int, start: float | None = None, rate: float = 24) -> Any:
    """An ``ImageSequenceReference`` to a plate whose media time begins at ``start`` (its first number)."""
    prefix, _, suffix = pattern.name.partition("####")
    return otio.schema.ImageSequenceReference(
        target_url_base=f"{pattern.parent.as_uri()}/",
        name_prefix=prefix,
        name_suffix=suffix,
        start_frame=first,
        frame_step=1,
        rate=rate,
        frame_zero_padding=4,
        available_range=span(first if start is None else start, length, rate),
    )


def clip(name: str, reference: Any, source: Any = None, **more: Any) -> Any:
    return otio.schema.Clip(name=name, media_reference=reference, source_range=source, **more)


def timeline(*items: Any, name: str = "cut") -> Any:
    """A timeline with one picture track."""
    made = otio.schema.Timeline(name=name)
    made.tracks.append(otio.schema.Track("V1", kind="Video", children=list(items)))
    return made


def save(made: Any, path: Path) -> Path:
    otio.adapters.write_to_file(made, str(path))
    return path


def load(path: Path) -> Any:
    return otio.adapters.read_from_file(str(path))
