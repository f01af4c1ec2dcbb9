"""What every damage model owes: the contract, walked over the registry."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wetgate import damage
from wetgate.ops.random import Stream
from wetgate.spec import DENSITY, DISPLAY, Box, Frame, UsageError

# Parameters under which a model whose defaults do nothing does something.
ACTIVE = {"fade": {"amount": 0.5, "stain": 0.1, "uneven": 0.4, "edges": 0.5}, "weave": {"warp": 0.2}}
# Models whose pixels need no neighbours: a tile is the same part of the whole, to the last bit or to rounding.
POINTWISE = (
    "fade", "grain", "dust", "gate_hair", "scratches", "flicker", "sensor", "pattern", "clip", "quantise", "gamut_clip",
)  # fmt: skip
ALL = list(damage.models())


def scene(height: int, width: int, space: str, *, number: int = 1001, alpha: bool = True, seed: int = 1) -> Frame:
    rng = np.random.default_rng(seed)
    rgb = rng.random((height, width, 3)).astype(np.float32)
    rgb[: height // 3] *= np.float32(0.05)
    if space == DENSITY:
        rgb = rgb * 3
    elif space == DISPLAY:
        rgb = rgb * 100
    parts = [rgb, rng.random((height, width, 1)).astype(np.float32)] if alpha else [rgb]
    return Frame(
        np.ascontiguousarray(np.concatenate(parts, axis=2)),
        space,
        number=number,
        extra={"depth.Z": rng.random((height, width)).astype(np.float32)},
        metadata={"owner": "test", "smpte:TimeCode": "01:00:00:00"},
        pixel_aspect=2.0,
    )


def run(model_id: str, frames: list[Frame], seed: int = 7, **params: object) -> list[damage.Damaged]:
    model = damage.get(model_id)
    return list(model.run(frames, Stream.of(seed, model_id), ACTIVE.get(model_id, {}) | params))


@pytest.mark.parametrize("model_id", ALL)
def test_a_model_says_what_it_does_in_which_space_with_which_parameters(model_id):
    model = damage.get(model_id)
    assert model.help.endswith(".")
    assert len(model.help) > 150
    assert model.params or model_id == "none"
    assert model.space.startswith("wetgate:")


@pytest.mark.parametrize("model_id", ALL)
def test_what_is_not_the_models_business_comes_through(model_id):
    frames = [scene(37, 53, damage.get(model_id).space, number=n) for n in (1001, 1002)]
    frames = [f.with_(data_window=Box(5, -3, 53, 37), display_window=Box(0, 0, 64, 48)) for f in frames]
    out = run(model_id, frames)
    assert len(out) == 2
    for before, after in zip(frames, (d.frame for d in out), strict=True):
        assert np.array_equal(after.alpha, before.alpha)
        assert np.array_equal(after.extra["depth.Z"], before.extra["depth.Z"])
        for field in ("space", "number", "data_window", "display_window", "metadata", "pixel_aspect", "layout"):
            assert getattr(after, field) == getattr(before, field), field


@pytest.mark.parametrize("model_id", ALL)
def test_the_same_seed_gives_the_same_bits_and_inputs_stay_as_they_are(model_id):
    frames = [scene(40, 48, damage.get(model_id).space, number=n) for n in (1001, 1002)]
    for frame in frames:
        frame.pixels.flags.writeable = False
    first, second = run(model_id, frames), run(model_id, frames)
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.frame.pixels, b.frame.pixels)


@pytest.mark.parametrize("model_id", ALL)
def test_the_picture_is_changed(model_id):
    # A busy frame, so that one splice, scratch or hair is there; frames 1001 to 1006 for those that come seldom.
    more = {
        "splice": {"every": 1},
        "scratches": {"rate": 100.0},
        "pattern": {"response": 0.01},
        "breathing": {"focus": 1.0},
    }.get(model_id, {})
    frames = [scene(64, 96, damage.get(model_id).space, number=1001 + i, seed=i) for i in range(3)]
    frames = [f.with_rgb(f.rgb * np.float32(1.3)) for f in frames]
    out = run(model_id, frames, **more)
    assert any(not np.array_equal(a.frame.rgb, b.rgb) for a, b in zip(out, frames, strict=True))


@pytest.mark.parametrize("model_id", ALL)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (3, 5), (17, 31)])
def test_any_size_works_and_no_nan_is_made(model_id, size):
    out = run(model_id, [scene(*size, damage.get(model_id).space, alpha=False)])
    assert out[0].frame.rgb.shape == (*size, 3)
    assert np.isfinite(out[0].frame.pixels).all()


@pytest.mark.parametrize("model_id", ALL)
def test_light_from_minus_a_half_to_a_thousand_makes_no_nan(model_id):
    space = damage.get(model_id).space
    frame = scene(32, 40, space, alpha=False)
    values = np.geomspace(1e-6, 1000, 32 * 40 * 3 - 100).astype(np.float32)
    values = np.concatenate([np.linspace(-0.5, 0, 100, dtype=np.float32), values])
    if space == DENSITY:
        values = np.linspace(-3, 2000, values.size, dtype=np.float32)  # -3 is light of 1000, 2000 light of -0.05
    np.random.default_rng(3).shuffle(values)
    out = run(model_id, [frame.with_rgb(values.reshape(32, 40, 3))])
    assert np.isfinite(out[0].frame.pixels).all()


@pytest.mark.parametrize("model_id", POINTWISE)
def test_a_tile_is_the_same_part_of_the_whole(model_id):
    space = damage.get(model_id).space
    whole = scene(90, 120, space)
    box = Box(31, 22, 50, 37)
    cut = (slice(box.y, box.bottom), slice(box.x, box.right))
    tile = Frame(
        np.ascontiguousarray(whole.pixels[cut]), space, number=whole.number,
        data_window=box, display_window=whole.display,
    )  # fmt: skip
    more = {"scratches": {"rate": 100.0}, "dust": {"specks": 60.0, "hairs": 3.0}}.get(model_id, {})
    expected = run(model_id, [whole], **more)[0].frame.pixels[cut]
    # Low-order fields and positions are summed in double precision from other origins: one unit in the last place
    # of float32.
    np.testing.assert_allclose(run(model_id, [tile], **more)[0].frame.pixels, expected, rtol=3e-6, atol=3e-6)


@pytest.mark.parametrize("model_id", [m for m in ALL if not damage.get(m).sequence])
def test_a_frame_does_not_depend_on_the_frames_before_it(model_id):
    frames = [scene(24, 32, damage.get(model_id).space, number=n, seed=n) for n in range(1001, 1005)]
    together = run(model_id, frames)
    for frame, expected in zip(reversed(frames), reversed(together), strict=True):
        assert np.array_equal(run(model_id, [frame])[0].frame.pixels, expected.frame.pixels)


@pytest.mark.parametrize("model_id", ALL)
def test_parameters_are_checked_at_their_limits(model_id):
    model = damage.get(model_id)
    for name, p in model.params.items():
        if p.kind in ("float", "int"):
            model.values({name: p.lo})
            model.values({name: p.hi})
            with pytest.raises(UsageError, match=name):
                model.values({name: p.hi + 1})
            with pytest.raises(UsageError, match=name):
                model.values({name: p.lo - 1})
        elif p.kind == "choice":
            for choice in p.choices:
                model.values({name: choice})
            with pytest.raises(UsageError, match=name):
                model.values({name: "nonsense"})


def test_a_wrong_name_suggests_the_right_one():
    with pytest.raises(UsageError, match="did you mean 'grain'"):
        damage.get("grian")
    with pytest.raises(UsageError, match="did you mean 'stain'"):
        damage.get("fade").values({"stian": 1.0})


def test_all_problems_of_a_request_are_named_at_once():
    with pytest.raises(UsageError) as caught:
        damage.get("fade").values({"cyan": 2.0, "nope": 1})
    assert "cyan" in str(caught.value)
    assert "nope" in str(caught.value)


def test_every_parameter_can_be_written_as_json():
    for model in damage.models().values():
        json.dumps({name: p.default for name, p in model.params.items()})


@pytest.mark.parametrize("model_id", ALL)
def test_the_truth_is_arrays_and_plain_values_that_can_be_written_down(model_id):
    for out in run(model_id, [scene(24, 32, damage.get(model_id).space, number=n) for n in (1001, 1002)]):
        for name, value in out.truth.items():
            if isinstance(value, np.ndarray):
                assert np.isfinite(value).all(), name
            else:
                json.dumps(value)


@pytest.mark.parametrize("model_id", ["weave", "splice", "breathing", "defocus", "soften", "motion", "shake", "resize"])
def test_colour_under_an_almost_clear_alpha_does_not_spill(model_id):
    """Un-premultiplied colour of a pixel with alpha 0.001 is 1000 times its light: its neighbours must not see that."""
    pixels = np.full((40, 48, 4), 1.0, np.float32)
    pixels[..., :3] = 0.2
    pixels[20, 24] = (200.0, 200.0, 200.0, 0.001)
    frame = Frame(pixels, damage.get(model_id).space, number=1001)
    more = {"splice": {"every": 1, "mark": 0.0}, "breathing": {"focus": 2.0}}.get(model_id, {})
    (out,) = run(model_id, [frame], **more)
    opaque = frame.alpha == 1
    assert np.abs(out.frame.rgb[opaque] - 0.2).max() < 0.01
