"""Every parameter of every damage model changes the picture."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate import damage
from wetgate.ops.random import Stream
from wetgate.spec import DENSITY, DISPLAY, Frame

# What else a model needs, for all of its parameters, so that a small picture of a few frames shows them.
SHOWS: dict[str, dict[str, object]] = {
    "fade": {"amount": 0.5, "stain": 0.1, "uneven": 0.4, "edges": 0.5},
    "weave": {"warp": 0.2},
    "scratches": {"rate": 120.0, "length": 8.0},
    "dust": {"specks": 25.0, "hairs": 3.0, "blotches": 2.0, "size": 1.5},
    "splice": {"every": 3},
    "breathing": {"focus": 2.0},
    "jpeg": {"first_quality": 10},
}
# ... and what some of them need beyond that.
CONTEXT: dict[str, dict[str, object]] = {
    "fade.mask": {"stock": "5219"},
    "fade.black": {"black": 2.8},
    "grain.clumps": {"gauge": "8", "size_um": 20.0},
    "gate_hair.tremble": {"tremble": 2.0},
    "gate_hair.start": {"frames": 10, "start": 1001},
    "scratches.color": {"polarity": "bright"},
    "splice.jump": {"every": 1},
    "splice.mark": {"every": 1},
    "weave.edge": {"x": 4.0, "y": 4.0},
    "motion.spread": {"spread": 0.2},
    "shake.jerk": {"jerk": 1.0, "size": 40.0},
    "tape.dropouts": {"dropouts": 40.0},
    "tape.head_switch": {"head_switch": 8.0},
    "codec.bitrate": {"mode": "bitrate"},
    "codec.chroma": {"codec": "h264"},
    "codec.preset": {"codec": "h264"},
}
# The other value, where three tenths of the range (or six of the soft one) would not do.
OTHER: dict[str, object] = {
    "gate_hair.start": 1200,
    "gate_hair.frames": 1,
    "gate_hair.count": 9,
    "clip.black": 0.1,
    "clip.level": 0.5,
    "codec.gop": 2,
    "codec.quantiser": 25,
    "codec.bitrate": 20.0,
    "codec.b_frames": 0,
    "codec.mode": "bitrate",
    "splice.every": 1,
    "splice.rate": 50.0,
    "weave.steps": 50.0,
    "quantise.bits": 5,
    "breathing.focus": 1.0,
    "breathing.scale": 1.5,
    "jpeg.first_quality": 30,
    "scratches.rate": 40.0,
    "scratches.width": 2.0,
    "dust.opacity": 0.4,
    "dust.specks": 60.0,
    "dust.size": 3.0,
}
PARAMETERS = [f"{m.id}.{name}" for m in damage.models().values() for name in m.params]


def scene(space: str, number: int) -> Frame:
    rgb = np.random.default_rng(number).random((48, 64, 3)).astype(np.float32)
    return Frame(rgb * {DENSITY: np.float32(3), DISPLAY: np.float32(100)}.get(space, np.float32(1)), space, number)


@pytest.mark.parametrize("key", PARAMETERS)
def test_every_parameter_changes_the_picture(key):
    model_id, name = key.split(".")
    model = damage.get(model_id)
    p = model.params[name]
    base = SHOWS.get(model_id, {}) | CONTEXT.get(key, {})
    start = base.get(name, p.default)
    if key in OTHER:
        other = OTHER[key]
    elif p.kind == "choice":
        other = next(c for c in reversed(p.choices) if c != start)
    elif p.kind == "bool":
        other = not start
    else:
        low, high, share = (*p.soft, 0.6) if p.soft else (p.lo, p.hi, 0.3)
        other = type(p.default)(low + (high - low) * share)
    frames = [scene(model.space, 1001 + i) for i in range(8 if model_id == "codec" else 3)]

    def pixels(value: object) -> list[np.ndarray]:
        return [d.frame.rgb for d in model.run(frames, Stream.of(7, model_id), base | {name: value})]

    before, after = pixels(start), pixels(other)
    assert any(a.shape != b.shape or not np.array_equal(a, b) for a, b in zip(before, after, strict=True)), other
