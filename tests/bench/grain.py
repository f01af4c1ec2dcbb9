"""grain against an OCIO matrix and a 4,096-entry 1D LUT on the same buffer, and its engines against each other.

    PYTHONPATH=plugin:tests .venv/bin/python -m bench.grain [--size 1920x1080] [--runs 7]

OCIO works on one core for each call; it is timed so, and again over bands of rows on all cores, as Wetgate's hops
run it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

import wetgate.nodes.grain  # noqa: F401  declares the node
from bench.timing import alternate, state_machine
from wetgate.color.hop import in_bands
from wetgate.engine.pipeline import cores
from wetgate.spec import DENSITY, Context, Frame, Window, registry


def ocio_matrix_and_lut() -> Callable[[np.ndarray], None]:
    """A matrix and a 1D LUT of 4,096 entries, baked by OCIO's optimiser, in place on packed float RGB."""
    import PyOpenColorIO

    matrix = PyOpenColorIO.MatrixTransform()
    matrix.setMatrix([0.9, 0.07, 0.03, 0, 0.05, 0.9, 0.05, 0, 0.02, 0.08, 0.9, 0, 0, 0, 0, 1])
    lut = PyOpenColorIO.Lut1DTransform(4096, False)
    for index in range(4096):
        value = (index / 4095) ** 0.45
        lut.setValue(index, value, value, value)
    both = PyOpenColorIO.GroupTransform([matrix, lut])
    processor = PyOpenColorIO.Config.CreateRaw().getProcessor(both).getDefaultCPUProcessor()

    def apply(block: np.ndarray) -> None:
        rows, columns, channels = block.shape
        processor.apply(PyOpenColorIO.PackedImageDesc(block, columns, rows, channels))

    return apply


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    state_machine()
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.stack([0.2 + x / width, 0.3 + y / height, np.full_like(x, 0.7)], axis=2).astype(np.float32)
    frame = Frame(picture, DENSITY, number=1001)
    context = Context(threads=cores())
    node = registry.get("grain")
    apply, buffer = ocio_matrix_and_lut(), picture.copy()

    def render(**params: object) -> Callable[[], object]:
        instance = node.make(params)
        return lambda: instance.render(Window((frame,)), context)

    measured = node.make({}).analyze(_One(render()().frame), context)
    matched = Context(threads=cores(), analysis=measured)
    match = node.make({"match": True})
    candidates: dict[str, Callable[[], object]] = {
        "OCIO, one core": lambda: apply(buffer),
        "OCIO, all cores": lambda: in_bands(lambda a, b: apply(buffer[a:b]), height, width),
        "spectral, 35 mm colour": render(),
        "spectral, 16 mm colour": render(gauge="mm16"),
        "spectral, 16 mm black and white": render(gauge="mm16", stock="double_x"),
        "spectral, matched": lambda: match.render(Window((frame,)), matched),
    }
    timed = alternate(candidates, args.runs, warm=2)
    print(f"\none frame of {width}x{height} in memory, {cores()} threads")
    one, every = timed["OCIO, one core"].median, timed["OCIO, all cores"].median
    for result in timed.values():
        print(
            result.row("ms", 1000), f"  {result.median / one:6.2f} / {result.median / every:6.2f} times OCIO (one/all)"
        )
    crystal = alternate({"crystal, 35 mm colour": render(engine="crystal")}, 1)["crystal, 35 mm colour"]
    print(crystal.row("ms", 1000), f"  {crystal.median / timed['spectral, 35 mm colour'].median:6.0f} times spectral")


class _One:
    """One frame as a shot."""

    cuts: tuple[int, ...] = ()

    def __init__(self, frame: Frame) -> None:
        self.numbers = (frame.number,)
        self._frame = frame

    def __getitem__(self, number: int) -> Frame:
        return self._frame


if __name__ == "__main__":
    main()
