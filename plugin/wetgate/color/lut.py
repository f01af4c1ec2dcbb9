"""Baking a pointwise colour function into a LUT file, and measuring what the file loses against it.

``.clf`` (Academy/ASC Common LUT Format, SMPTE ST 2136-1) carries a shaper, so scene-linear input works; OCIO writes
and reads it. ``.cube`` (Adobe Cube LUT Specification 1.0, what Resolve and most hosts take) has a linear domain and
nothing before the grid: it suits code values, and a shaped bake into it is refused. Input outside the domain is held at
its ends: a LUT cannot do what a hop does, and the report says over which range it was measured.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from wetgate.color.curves import Array, pq_decode, pq_encode
from wetgate.spec import Image, UsageError

Function = Callable[[Image], Image]
Difference = Callable[[Image, Image], Array]
Kind = Literal["1d", "3d"]

# Limits of OCIO's reader for a 3D grid and a 1D table.
MOST_3D, MOST_1D = 129, 65536
_PQ_TABLE = 4096
_SAMPLES = 40000


@dataclass(frozen=True, slots=True)
class Shaper:
    """What spreads the input over the table: the domain ``low``..``high``, and how it is spaced.

    ``none`` spaces evenly, ``log2`` by equal ratios of x - low + toe, ``pq`` as BT.2100 PQ spaces light of x times
    ``nits`` nits (1 where the input is absolute, 100 for OCIO's display reference). ``toe`` is the light, in the units
    of the input, below which log2 turns straight.
    """

    spacing: Literal["none", "log2", "pq"] = "none"
    low: float = 0.0
    high: float = 1.0
    toe: float = 2.0**-8
    nits: float = 1.0

    def encode(self, values: Array) -> Array:
        """Place in the table, 0..1, of input values."""
        x = np.clip(values, self.low, self.high)
        if self.spacing == "log2":
            return np.asarray(np.log2((x - self.low) / self.toe + 1.0) / self._octaves)
        if self.spacing == "pq":
            first, last = self._pq_ends
            return (pq_encode(x * self.nits) - first) / (last - first)
        return (x - self.low) / (self.high - self.low)

    def decode(self, place: Array) -> Array:
        """Input values of places in the table."""
        if self.spacing == "log2":
            return np.asarray((np.exp2(place * self._octaves) - 1.0) * self.toe + self.low)
        if self.spacing == "pq":
            first, last = self._pq_ends
            return pq_decode(place * (last - first) + first) / self.nits
        return place * (self.high - self.low) + self.low

    @property
    def _octaves(self) -> float:
        return math.log2((self.high - self.low) / self.toe + 1.0)

    @property
    def _pq_ends(self) -> tuple[float, float]:
        return float(pq_encode(self.low * self.nits)), float(pq_encode(self.high * self.nits))


@dataclass(frozen=True, slots=True)
class BakeReport:
    """What was written, and how far it is from the function, in ``unit``, over the domain of the shaper.

    The file is read back through OCIO and compared on random colours spread as the shaper spreads them, on random
    colours spread evenly, and on ramps of grey, primaries and secondaries. ``worst`` is the input of the largest error.
    """

    path: Path
    kind: Kind
    size: int
    shaper: Shaper
    unit: str
    mean: float
    p99: float
    max: float
    worst: tuple[float, float, float]
    samples: int

    def __str__(self) -> str:
        shape = "x".join([str(self.size)] * 3) if self.kind == "3d" else str(self.size)
        return (
            f"{self.path.name}: {self.kind} {shape}, {self.shaper.spacing} shaper over {self.shaper.low:g}.."
            f"{self.shaper.high:g}; error mean {self.mean:.3g}, p99 {self.p99:.3g}, max {self.max:.3g} {self.unit}"
        )


def bake(
    function: Function,
    path: str | Path,
    *,
    kind: Kind = "3d",
    size: int | None = None,
    shaper: Shaper | None = None,
    title: str = "",
    description: str = "",
    difference: Difference | None = None,
    unit: str = "",
) -> BakeReport:
    """Write ``function`` as a LUT to ``path`` (.clf or .cube) and say what was lost.

    ``function`` takes and gives float32 (H, W, 3) and looks at one pixel at a time; for ``kind`` 1d also at one channel
    at a time. ``size`` is the length of the table (4,096) or of the grid's edge (33). ``difference`` measures two
    pictures (H, W, 3) to (H, W), in ``unit``; without it, the largest absolute difference of a channel.
    """
    target = Path(path)
    shape = shaper or Shaper()
    length = size if size is not None else (33 if kind == "3d" else 4096)
    _demand_possible(target, kind, length, shape)
    if kind == "1d":
        _demand_separable(function, shape)
    values = _sampled(function, kind, length, shape)
    if target.suffix == ".cube":
        _replace(target, lambda temporary: _write_cube(temporary, values, kind, length, shape, title, description))
    else:
        _replace(target, lambda temporary: _write_clf(temporary, values, kind, length, shape, title, description))
    measured = unit if difference is not None else (unit or "of output, largest of R, G, B")
    return _measured(function, target, kind, length, shape, difference or _largest, measured)


def read(path: str | Path) -> Function:
    """A LUT file (any that OCIO reads) as a function of float32 pictures (H, W, 3)."""
    import PyOpenColorIO

    PyOpenColorIO.ClearAllCaches()  # OCIO keeps what it read by the file's name, however often the file is written anew
    transform = PyOpenColorIO.FileTransform(
        src=str(Path(path).resolve()), interpolation=PyOpenColorIO.INTERP_TETRAHEDRAL
    )
    try:
        cpu = (
            PyOpenColorIO.Config.CreateRaw()
            .getProcessor(transform)
            .getOptimizedCPUProcessor(
                PyOpenColorIO.BIT_DEPTH_F32, PyOpenColorIO.BIT_DEPTH_F32, PyOpenColorIO.OPTIMIZATION_LOSSLESS
            )
        )
    except PyOpenColorIO.Exception as error:
        raise UsageError(f"OCIO cannot read the LUT {str(path)!r}: {str(error).strip()}") from None

    def apply(image: Image) -> Image:
        result = np.array(image, np.float32, order="C")
        cpu.applyRGB(result)
        return result

    return apply


def _demand_possible(path: Path, kind: str, size: int, shaper: Shaper) -> None:
    if path.suffix not in (".clf", ".cube"):
        raise UsageError(
            f"a LUT cannot be written as {path.suffix or 'a file without suffix'!r}", allowed=".clf, .cube"
        )
    most = MOST_3D if kind == "3d" else MOST_1D
    if kind not in ("1d", "3d") or not 2 <= size <= most:
        raise UsageError(f"a {kind} LUT of {size}", where="size", allowed=f"1d or 3d, 2 to {most}")
    if not shaper.low < shaper.high:
        raise UsageError(f"the domain is {shaper.low:g}..{shaper.high:g}", where="shaper", allowed="low below high")
    if shaper.spacing == "log2" and not shaper.toe > 0.0:
        raise UsageError(f"toe is {shaper.toe:g}", where="shaper", allowed="above 0")
    if path.suffix == ".cube" and shaper.spacing != "none":
        raise UsageError(
            f"a .cube file has no {shaper.spacing} shaper",
            where=str(path),
            allowed="spacing none",
            remedy="write .clf, or bake from code values (log or display) instead of linear light",
        )


def _demand_separable(function: Function, shaper: Shaper) -> None:
    places = np.linspace(0.02, 0.98, 25, dtype=np.float32)
    x = np.asarray(shaper.decode(places), np.float32)
    grey = function(np.repeat(x[None, :, None], 3, axis=2))
    for channel in range(3):
        mixed = np.full((1, len(x), 3), x[8], np.float32)
        mixed[0, :, channel] = x
        if not np.allclose(function(mixed)[..., channel], grey[..., channel], rtol=1e-4, atol=1e-6):
            raise UsageError(
                "the function mixes channels, which a 1d LUT cannot hold", where="kind", remedy="bake it as 3d"
            )


def _sampled(function: Function, kind: str, size: int, shaper: Shaper) -> Image:
    """The function at the places of the table: (size, 3), or (size, size, size, 3) with red the slowest."""
    axis = np.asarray(shaper.decode(np.linspace(0.0, 1.0, size)), np.float32)
    if kind == "1d":
        return np.asarray(function(np.repeat(axis[None, :, None], 3, axis=2))[0], np.float32)
    r, g, b = np.meshgrid(axis, axis, axis, indexing="ij")
    grid = np.stack([r, g, b], axis=-1).reshape(size * size, size, 3)
    return np.asarray(function(grid), np.float32).reshape(size, size, size, 3)


def _write_clf(path: Path, values: Image, kind: str, size: int, shaper: Shaper, title: str, description: str) -> None:
    import PyOpenColorIO

    group = PyOpenColorIO.GroupTransform()
    for transform in _shaper_transforms(shaper):
        group.appendTransform(transform)
    if kind == "3d":
        lut: Any = PyOpenColorIO.Lut3DTransform(gridSize=size)
        lut.setInterpolation(PyOpenColorIO.INTERP_TETRAHEDRAL)
    else:
        lut = PyOpenColorIO.Lut1DTransform(length=size, inputHalfDomain=False)
        lut.setInterpolation(PyOpenColorIO.INTERP_LINEAR)
    lut.setData(np.ascontiguousarray(values, np.float32).reshape(-1))
    lut.setFileOutputBitDepth(PyOpenColorIO.BIT_DEPTH_F32)
    group.appendTransform(lut)
    metadata = group.getFormatMetadata()
    metadata.setID(title.lower().replace(" ", "-") or "wetgate")
    metadata.setName(title)
    if description:
        metadata.addChildElement("Description", description)
    group.write(formatName="Academy/ASC Common LUT Format", fileName=str(path), config=PyOpenColorIO.Config.CreateRaw())


def _shaper_transforms(shaper: Shaper) -> list[Any]:
    """The shaper as CLF process nodes."""
    import PyOpenColorIO

    if shaper.spacing == "none":
        return [_clamping_range(shaper.low, shaper.high, 0.0, 1.0)]
    if shaper.spacing == "log2":
        slope = 1.0 / shaper.toe
        return [
            _clamping_range(shaper.low, shaper.high, shaper.low, shaper.high),
            PyOpenColorIO.LogAffineTransform(  # base 2
                logSideSlope=[1.0 / shaper._octaves] * 3,
                linSideSlope=[slope] * 3,
                linSideOffset=[1.0 - shaper.low * slope] * 3,
            ),
        ]
    # PQ is no CLF node: a logarithm comes near it, and a table makes up the difference.
    near = Shaper("log2", shaper.low, shaper.high, toe=(shaper.high - shaper.low) * 1e-7)
    table = shaper.encode(near.decode(np.linspace(0.0, 1.0, _PQ_TABLE)))
    lut = PyOpenColorIO.Lut1DTransform(length=_PQ_TABLE, inputHalfDomain=False)
    lut.setData(np.repeat(table.astype(np.float32)[:, None], 3, axis=1).reshape(-1))
    lut.setFileOutputBitDepth(PyOpenColorIO.BIT_DEPTH_F32)
    return [*_shaper_transforms(near), lut]


def _clamping_range(low: float, high: float, low_out: float, high_out: float) -> Any:
    import PyOpenColorIO

    return PyOpenColorIO.RangeTransform(minInValue=low, maxInValue=high, minOutValue=low_out, maxOutValue=high_out)


def _write_cube(path: Path, values: Image, kind: str, size: int, shaper: Shaper, title: str, description: str) -> None:
    # The grid's red runs fastest in the file (Adobe Cube LUT Specification 1.0, 5.3).
    rows = values.transpose(2, 1, 0, 3).reshape(-1, 3) if kind == "3d" else values
    clean = title.replace('"', "'").replace("\n", " ")
    lines = [f'TITLE "{clean}"'] if title else []
    lines += [f"# {line}" for line in description.splitlines()]
    lines += [
        f"LUT_{kind.upper()}_SIZE {size}",
        "DOMAIN_MIN " + " ".join([f"{shaper.low:.9g}"] * 3),
        "DOMAIN_MAX " + " ".join([f"{shaper.high:.9g}"] * 3),
    ]
    lines += [f"{r:.6g} {g:.6g} {b:.6g}" for r, g, b in rows.tolist()]
    path.write_text("\n".join(lines) + "\n", encoding="ascii", errors="replace")


def _replace(target: Path, write: Callable[[Path], None]) -> None:
    """Write beside the target and move into place, so that nobody reads half a file."""
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {str(target.parent)!r}", where=str(target), remedy="make it first")
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}.", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _measured(
    function: Function, path: Path, kind: Kind, size: int, shaper: Shaper, difference: Difference, unit: str
) -> BakeReport:
    colours = _trial_colours(shaper)
    error = np.asarray(difference(function(colours), read(path)(colours)), np.float64).reshape(-1)
    worst = int(np.argmax(error))
    r, g, b = (float(v) for v in colours.reshape(-1, 3)[worst])
    return BakeReport(
        path=path,
        kind=kind,
        size=size,
        shaper=shaper,
        unit=unit,
        mean=float(error.mean()),
        p99=float(np.percentile(error, 99)),
        max=float(error[worst]),
        worst=(r, g, b),
        samples=len(error),
    )


def _trial_colours(shaper: Shaper) -> Image:
    random = np.random.default_rng(2446)
    spread = shaper.decode(random.random((_SAMPLES, 3)))
    even = random.random((_SAMPLES // 4, 3)) * (shaper.high - shaper.low) + shaper.low
    ramp = np.asarray(shaper.decode(np.linspace(0.0, 1.0, 1531)))
    ramps = [
        np.where(np.array([bits & 1, bits & 2, bits & 4], bool), ramp[:, None], shaper.low) for bits in range(1, 8)
    ]
    return np.concatenate([spread, even, *ramps]).astype(np.float32)[None]


def _largest(a: Image, b: Image) -> Array:
    largest: Array = np.abs(a - b).max(axis=-1)
    return largest
