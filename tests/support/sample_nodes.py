"""Small nodes for tests of the tests: one that keeps the contract, and a way to break it in one place at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from wetgate.spec import Context, Node, Result, Window, node, param, registry

ID = "sample_gain"


class _Gain:
    """Multiplies scene-linear light by a constant and adds the mean of its neighbours in time.

    out = in * (1 + strength * (gain - 1)), then a share of the frames t-r..t+r. Made for the tests of the contract
    tests, and for nothing else.
    """

    strength: float = param(1.0, lo=0, hi=1, hint="How much of the gain is applied.")
    gain: float = param(2.0, lo=0, hi=16, soft=(0, 4), unit="x", hint="What the light is multiplied by.")
    tint: str = param(
        "none", choices={"none": "None", "warm": "Warm"}, hint="Whether red is lifted and blue lowered a little."
    )
    amount: float = param(0.5, lo=0, hi=1, hint="How warm the tint is; of use with the warm tint alone.")
    steps: int = param(0, lo=0, hi=2, animates=False, hint="How many frames on either side are averaged in.")

    def render(self, frames: Window, ctx: Context) -> Result:
        """The picture after the gain."""
        centre = frames[0]
        rgb = centre.rgb.astype(np.float32)
        for offset in range(1, self.steps + 1):
            rgb = rgb + (frames[offset].rgb + frames[-offset].rgb) * np.float32(0.25)
        out = rgb * np.float32(1 + self.strength * (self.gain - 1))
        if self.tint == "warm":
            out = out * np.array([1 + 0.2 * self.amount, 1.0, 1 - 0.2 * self.amount], np.float32)
        aovs = {"mask": (centre.rgb.max(axis=2) > 1).astype(np.float32)} if "mask" in ctx.views else {}
        return Result(centre.with_rgb(out), aovs)


@contextmanager
def declared(name: str = "gain", render: Callable[[Any, Window, Context], Result] | None = None) -> Iterator[Node]:
    """The sample node, declared while the block runs. ``render`` replaces its render; ``name`` is for reading only.

    The node that an outer block has declared under the same id comes back afterwards.
    """
    before = registry.nodes().get(ID)
    registry.forget(ID)
    body = dict(vars(_Gain)) | {"__qualname__": f"Sample_{name}"}
    if render is not None:
        body["render"] = lambda self, frames, ctx: render(self, frames, ctx)
    for key in ("__dict__", "__weakref__"):
        body.pop(key, None)
    cls = type("Gain", (), body)
    node(
        id=ID,
        label="Sample gain",
        space="scene",
        version=1,
        views={"mask": "Where the light is above 1."},
        reach=lambda self: int(self.steps),
        pointwise=lambda self: self.steps == 0,
    )(cls)
    try:
        yield registry.get(ID)
    finally:
        registry.forget(ID)
        if before is not None:
            registry.register(before)
