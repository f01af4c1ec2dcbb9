"""How a shot was coded, as an analysis keeps it: where its blocks lie, how coarse their quantisers were, and how it is
known: from the decoder, from a JPEG's own tables, or from the pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wetgate.ops.coded_blocks import Steps, map_text, steps_of_map, steps_of_tables
from wetgate.ops.jpeg_lattice import K1, K2, quality_table

DECODER, TABLES, PIXELS = "decoder", "tables", "pixels"
_MAP_BYTES = 24 << 10  # of all maps of a shot together, as text: a host's project holds 64 KiB
_CELLS = (16, 32, 64, 128)  # pixels
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class ShotCoding:
    """``source`` is DECODER, TABLES or PIXELS; ``steps`` the shot's typical luma and chroma step (0: not compressed,
    UNKNOWN); ``period`` and ``phase`` of the grid in pixels, (x, y), ``grid_known`` whether they can be relied on;
    ``older`` the phase (x, y) of an earlier, coarser JPEG save on a shifted grid, or None, and ``older_quality`` its
    quality, None in analyses made before that was measured: it is that save's blocks that are worked; ``quality``
    libjpeg's,
    where it was found in the pixels, that which is as coarse where the tables are others (beside TABLES: of an earlier,
    coarser save on the same grid, which ``tables`` and ``steps`` then hold); ``odds`` that the shot was compressed;
    ``combed`` the share of pixels where lines of two moments interleave, ``interlaced`` whether the stream says so and
    its pictures show it. ``frames`` has each frame's kind and typical steps, ``maps`` their pattern over cells of
    ``cell`` pixels. ``tables`` and ``sampling`` are a JPEG's, empty where they differ from frame to frame, ``matrix``
    the code of its colour matrix.
    """

    source: str
    size: tuple[int, int]
    steps: tuple[float, float]
    matrix: int | None = None
    period: tuple[float, float] = (8.0, 8.0)
    phase: tuple[float, float] = (0.0, 0.0)
    grid_known: bool = True
    confidence: float = 1.0
    older: tuple[int, int] | None = None
    older_quality: int | None = None
    quality: int | None = None
    odds: float = 1.0
    combed: float = 0.0
    interlaced: bool = False
    codec: str = ""
    frames: Mapping[int, tuple[str, float, float]] = field(default_factory=dict)
    cell: int = 0
    maps: Mapping[int, str] = field(default_factory=dict)
    tables: tuple[tuple[int, ...], ...] = ()
    sampling: tuple[tuple[int, int], ...] = ()

    @property
    def origin(self) -> tuple[int, int] | None:
        """Where the first block of an 8x8 grid on whole pixels begins, (x, y); None for any other grid."""
        whole = [round(p) for p in self.phase]
        near = all(abs(p - w) < 0.25 for p, w in zip(self.phase, whole, strict=True))
        eight = all(abs(p - 8) < 0.03 for p in self.period)
        return (whole[0] % 8, whole[1] % 8) if self.grid_known and near and eight else None

    @property
    def resized(self) -> bool:
        """Whether the grid that was found is one that a resize has left."""
        return self.grid_known and self.origin is None

    @property
    def worked_from(self) -> tuple[int, int]:
        """Where the first of the blocks begins that are to be worked: of the coarsest save that is known."""
        if self.older is not None and self.older_quality is not None:
            return self.older
        return self.origin or (0, 0)

    def quantisation(self) -> list[Any]:
        """The tables as 8x8 arrays."""
        return [np.array(table, np.int64).reshape(8, 8) for table in self.tables]

    def steps_at(self, number: int, height: int, width: int) -> Steps:
        """The steps of a frame of that size, of the blocks that :attr:`worked_from` tells."""
        if self.older_quality is not None:
            return steps_of_tables([quality_table(self.older_quality, base) for base in (K1, K2)])
        if self.tables:
            return steps_of_tables(self.quantisation())
        _, luma, chroma = self.frames.get(number, ("", *self.steps))
        text = self.maps.get(number)
        if text is not None and (width, height) == self.size:
            return steps_of_map(text, self.cell, (luma, chroma), height, width)
        return Steps(luma, chroma)

    def told(self) -> str:
        """In a sentence for people."""
        luma, chroma = self.steps
        if luma == 0 and chroma == 0:
            return "no compression was found"
        if luma < 0:
            what = "compressed, how coarsely is not known: the picture is judged as it comes"
        else:
            what = f"quantised in steps of {255 * luma:.1f}/255, colour {255 * max(chroma, 0.0):.1f}/255"
        if self.source == DECODER:
            how = f", as the decoder of {self.codec or 'the stream'} tells"
        elif self.source == TABLES:
            how = ", by the JPEG's own tables"
        else:
            how = "" if self.quality is None else f", as a JPEG of quality {self.quality} is"
        if self.resized:
            how += f"; its blocks of {self.period[0]:.2f} x {self.period[1]:.2f} pixels say that it was resized since"
        if self.older is not None:
            of = "" if self.older_quality is None else f", of quality {self.older_quality},"
            how += f"; an earlier, coarser save{of} lies under it on another grid"
        return what + how

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, small."""
        return {
            "source": self.source,
            "codec": self.codec,
            "size": list(self.size),
            "matrix": self.matrix,
            "step": [round(s, _DIGITS) for s in self.steps],
            "grid": {
                "period": [round(p, 4) for p in self.period],
                "phase": [round(p, 3) for p in self.phase],
                "known": self.grid_known,
                "confidence": round(self.confidence, 3),
                "older": None if self.older is None else list(self.older),
                "older_quality": self.older_quality,
            },
            "quality": self.quality,
            "odds": round(self.odds, 4),
            "combed": round(self.combed, 4),
            "interlaced": self.interlaced,
            "frames": {str(n): [k, round(a, _DIGITS), round(b, _DIGITS)] for n, (k, a, b) in self.frames.items()},
            "cell": self.cell,
            "maps": {str(n): text for n, text in self.maps.items()},
            "tables": [list(t) for t in self.tables],
            "sampling": [list(s) for s in self.sampling],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ShotCoding:
        """What :meth:`to_json` wrote."""
        grid = data["grid"]
        return cls(
            source=str(data["source"]),
            codec=str(data["codec"]),
            size=_pair(data["size"]),
            matrix=data["matrix"],
            steps=_pair(data["step"]),
            period=_pair(grid["period"]),
            phase=_pair(grid["phase"]),
            grid_known=bool(grid["known"]),
            confidence=float(grid["confidence"]),
            older=None if grid["older"] is None else _pair(grid["older"]),
            older_quality=grid.get("older_quality"),  # analyses made before it was measured have none
            quality=data["quality"],
            odds=float(data["odds"]),
            combed=float(data["combed"]),
            interlaced=bool(data["interlaced"]),
            frames={int(n): (str(k), float(a), float(b)) for n, (k, a, b) in data["frames"].items()},
            cell=int(data["cell"]),
            maps={int(n): str(text) for n, text in data["maps"].items()},
            tables=tuple(tuple(int(v) for v in table) for table in data["tables"]),
            sampling=tuple(_pair(s) for s in data["sampling"]),
        )


def _pair(values: Sequence[Any]) -> tuple[Any, Any]:
    first, second = values
    return first, second


class Collected:
    """Steps of a shot's frames, gathered as they are read; what a decoder did not tell is filled from its like."""

    def __init__(self) -> None:
        self._kinds: dict[int, str] = {}
        self._typical: dict[int, tuple[float, float]] = {}
        self._planes: dict[int, dict[int, str | None]] = {cell: {} for cell in _CELLS}
        self._room = dict.fromkeys(_CELLS, _MAP_BYTES)

    def __bool__(self) -> bool:
        return bool(self._typical)

    def add(self, number: int, kind: str, steps: Steps | None) -> None:
        self._kinds[number] = kind
        if steps is None:
            return
        self._typical[number] = steps.typical
        for cell, room in self._room.items():
            if room > 0:
                text = map_text(steps, cell)
                self._planes[cell][number] = text
                self._room[cell] -= len(text or "")

    def typical(self) -> tuple[float, float]:
        """Medians over the shot."""
        values = np.array(list(self._typical.values()))
        return float(np.median(values[:, 0])), float(np.median(values[:, 1]))

    def frames(self) -> dict[int, tuple[str, float, float]]:
        """Every frame's kind and steps: those of its kind's median where the decoder said nothing."""
        found = {}
        for number, kind in self._kinds.items():
            own = self._typical.get(number)
            if own is None:
                like = [s for n, s in self._typical.items() if self._kinds[n] == kind] or list(self._typical.values())
                own = tuple(float(v) for v in np.median(np.array(like), axis=0))  # type: ignore[assignment]
            assert own is not None
            found[number] = (kind, *own)
        return found

    def maps(self) -> tuple[int, dict[int, str]]:
        """The finest maps for which there is room, and the side of their cells; 0 and none where there is not."""
        for cell in _CELLS:
            if self._room[cell] > 0:
                return cell, {n: text for n, text in self._planes[cell].items() if text is not None}
        return 0, {}
