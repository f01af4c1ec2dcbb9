"""Masks that come from files of their own: a channel of a still, a sequence or a movie, by frame number."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

import numpy as np

from wetgate.engine.graph import Graph
from wetgate.engine.step import Mask
from wetgate.io.opening import open_source
from wetgate.io.source import Source
from wetgate.spec import Frame, FrameError, Image

_KEPT = 4


class MaskReader:
    """Opens every mask file of a graph at once, so that a missing one is known before the first frame."""

    def __init__(self, graph: Graph, moved: Mapping[str, str] | None = None) -> None:
        self._sources: dict[str, Source] = {}
        self._kept: OrderedDict[tuple[str, str, int], Image] = OrderedDict()
        self._lock = threading.Lock()
        for step in graph.used():
            if step.mask is not None and step.mask.files and step.mask.files not in self._sources:
                self._sources[step.mask.files] = open_source(here(step.mask.files, moved or {}))

    def read(self, mask: Mask, number: int) -> Image:
        """The mask's plane at a frame number, (H, W) float32. A single image serves every frame."""
        source = self._sources[mask.files]
        wanted = source.numbers[0] if source.info.kind == "image" else number
        key = (mask.files, mask.channel, wanted)
        with self._lock:
            if key not in self._kept:
                if wanted not in source.numbers:
                    raise FrameError(
                        f"the mask {source.info.label} has no frame {wanted}",
                        allowed=f"{source.numbers[0]} to {source.numbers[-1]}",
                        remedy="give a mask that covers the frames you render",
                    )
                self._kept[key] = channel(source.read(wanted).frame, mask.channel)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            return self._kept[key]

    def close(self) -> None:
        for source in self._sources.values():
            source.close()


def here(path: str, moved: Mapping[str, str]) -> str:
    """Where a path of another machine is on this one: the longest beginning that ``moved`` knows is replaced.

    Windows paths (``P:\\show``, with either slash, in any case) are known by their form.
    """
    for start in sorted(moved, key=len, reverse=True):
        windows = "\\" in start or start[1:2] == ":"
        known, given = (t.replace("\\", "/").lower() if windows else t for t in (start, path))
        known = known.rstrip("/")
        if given == known or given.startswith(known + "/"):
            rest = path[len(known) :].replace("\\", "/") if windows else path[len(known) :]
            return moved[start].rstrip("/\\") + rest
    return path


def channel(frame: Frame, name: str) -> Image:
    """A channel by its name (R, G, B, A, Y or any extra channel) as float32 (H, W); "" is alpha, else the first."""
    if not name:
        return np.ascontiguousarray(frame.alpha if frame.alpha is not None else frame.pixels[..., 0])
    if name in frame.extra:
        return np.asarray(frame.extra[name], dtype=np.float32)
    if name in frame.layout:
        place = frame.layout.index(name) if len(frame.layout) == frame.pixels.shape[2] else 0
        return np.ascontiguousarray(frame.pixels[..., place])
    raise FrameError(
        f"the picture has no channel {name!r} for the mask",
        where=f"frame {frame.number}",
        allowed=", ".join([*frame.layout, *frame.extra]),
        remedy="name one of its channels",
    )
