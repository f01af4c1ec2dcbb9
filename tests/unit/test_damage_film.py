"""Dust, scratches, weave, splices, flicker, breathing: what they do and what they say they did."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from wetgate import damage
from wetgate.ops.random import Stream
from wetgate.ops.warp import displace
from wetgate.spec import SCENE, Frame


def flat(value: float, size: tuple[int, int] = (180, 320), number: int = 1) -> Frame:
    return Frame(np.full((*size, 3), value, np.float32), SCENE, number=number)


def waves(number: int = 1, size: tuple[int, int] = (120, 160)) -> Frame:
    yy, xx = np.mgrid[: size[0], : size[1]].astype(np.float64)
    planes = [1 + 0.4 * np.sin(0.35 * xx + k) * np.cos(0.3 * yy) for k in range(3)]
    return Frame(np.stack(planes, -1).astype(np.float32), SCENE, number=number)


def run(model_id: str, frames: list[Frame], seed: int = 5, **params: object) -> list[damage.Damaged]:
    return list(damage.get(model_id).run(frames, Stream.of(seed, model_id), params))


@pytest.mark.parametrize(("polarity", "sign"), [("dark", -1), ("bright", 1)])
def test_dust_changes_what_its_mask_covers_and_nothing_else(polarity, sign):
    frames = [flat(0.4, number=n) for n in range(1, 5)]
    for frame, out in zip(frames, run("dust", frames, specks=60.0, hairs=3.0, polarity=polarity), strict=True):
        mask, change = out.truth["mask"], out.frame.rgb - frame.rgb
        assert 0.0005 < (mask > 0).mean() < 0.1
        assert (change[mask == 0] == 0).all()
        assert (np.sign(change[mask > 0.05]) == sign).all()
        level = 0.005 if polarity == "dark" else 1.0
        np.testing.assert_allclose(out.frame.rgb[..., 0], 0.4 + (level - 0.4) * mask, atol=1e-5)


def test_dust_lies_in_one_frame_only():
    masks = [d.truth["mask"] > 0.2 for d in run("dust", [flat(0.4, number=n) for n in range(1, 9)], specks=80.0)]
    for a, b in pairwise(masks):
        assert (a & b).sum() <= 0.05 * a.sum() + 5  # chance alone


def test_dust_keeps_its_share_of_the_picture_at_any_resolution():
    def share(size: tuple[int, int]) -> float:
        frames = [flat(0.4, size, n) for n in range(20)]
        return float(np.mean([d.truth["mask"].mean() for d in run("dust", frames, specks=30.0, size=0.8)]))

    # The same events are drawn, only finer; a pixel's antialiasing is what differs.
    assert share((180, 320)) == pytest.approx(share((360, 640)), rel=0.1)


def test_the_number_of_marks_is_what_was_asked_in_the_mean():
    frames = [flat(0.4, (20, 30), n) for n in range(100)]
    counts = [len(d.truth["boxes"]) for d in run("dust", frames, specks=0.0, hairs=6.0, blotches=0.0)]
    assert np.mean(counts) == pytest.approx(6, abs=5 * np.sqrt(6 / 100))


def test_scratches_run_on_from_frame_to_frame_nearly_upright():
    frames = [flat(0.4, number=n) for n in range(200, 206)]
    outs = run("scratches", frames, rate=30.0, length=60.0, breaks=0.0, wander=0.2)
    lines = [sorted(x for x, _, _ in out.truth["lines"]) for out in outs]
    assert min(len(line) for line in lines) > 3
    for a, b in pairwise(lines):
        near = [min(abs(x - other) for other in b) for x in a]
        assert np.median(near) < 320 * 0.01
    # The foot of one frame meets the head of the next: the same columns are struck there.
    foot, head = outs[0].truth["mask"][-1], outs[1].truth["mask"][0]
    assert np.corrcoef(foot, head)[0, 1] > 0.9


def test_bright_scratches_never_exceed_the_base_nor_touch_light_above_it():
    out = run("scratches", [flat(0.4)], rate=100.0, polarity="bright", strength=1.0)[0].frame.rgb
    assert out.max() <= 1.0
    assert out.max() > 0.6
    sun = run("scratches", [flat(40.0)], rate=100.0, polarity="bright", strength=1.0)[0].frame.rgb
    assert sun.max() <= 40.0


def test_weave_moves_the_picture_by_the_offset_it_states():
    for out in run("weave", [waves(n) for n in range(3)], x=1.0, y=1.0, rotation=0.0, steps=0.0):
        dx, dy = out.truth["offset"]
        expected = displace(waves().rgb, dx, dy)
        np.testing.assert_allclose(out.frame.rgb, expected, atol=1e-5)
        np.testing.assert_allclose(out.truth["field"][60, 80], (-dx, -dy), atol=1e-5)


def test_weave_has_the_deviation_and_correlation_it_is_told():
    frames = [Frame(np.zeros((1, 100, 3), np.float32), SCENE, number=n) for n in range(500)]
    shifts = np.array(
        [d.truth["offset"] for d in run("weave", frames, x=2.0, y=1.0, rotation=0.0, steps=0.0, correlation=2.0)]
    )
    assert shifts.std(axis=0) == pytest.approx((2.0, 1.0), rel=0.2)  # some 125 independent samples
    lagged = (shifts[1:] * shifts[:-1]).mean(axis=0) / shifts.var(axis=0)
    assert lagged == pytest.approx(np.exp(-0.5), abs=0.1)


def test_a_warp_is_smooth_has_its_rms_and_no_common_shift():
    fields = [
        d.truth["field"]
        for d in run("weave", [flat(1.0, (45, 80), n) for n in range(60)], x=0, y=0, rotation=0, warp=1.0)
    ]
    rms = np.sqrt(np.mean([(f**2).mean() for f in fields]))
    assert rms == pytest.approx(0.8, rel=0.2)  # 1 % of 80 px
    assert abs(np.mean(fields[0])) < 0.1
    assert max(np.abs(np.diff(f, axis=1)).max() for f in fields) < 0.4


def test_a_splice_jumps_once_settles_and_shows():
    outs = run("splice", [waves(n, (200, 120)) for n in range(8, 18)], rate=0.0, every=10, jump=2.0)
    first = [out.truth["splice"] for out in outs]
    assert first == [n == 10 for n in range(8, 18)]
    size = [abs(out.truth["offset"][1]) for out in outs]
    assert size[0] == size[1] == 0
    assert size[2] > size[3] > size[4] > 0
    assert size[8] == 0
    assert np.array_equal(outs[0].frame.rgb, waves(8, (200, 120)).rgb)


def test_flicker_multiplies_light_by_what_it_states():
    for out in run("flicker", [flat(0.3, number=n) for n in range(4)], gamma=0.0, gain=0.3, local=0.2):
        expected = 0.3 * out.truth["local"][..., None] * np.array(out.truth["gain"])
        np.testing.assert_allclose(out.frame.rgb, expected, rtol=1e-5)


def test_flicker_has_its_deviation_and_its_gamma_turns_about_mid_grey():
    outs = run("flicker", [flat(0.18, (2, 2), n) for n in range(600)], gain=0.2, local=0.0, color=0.0, correlation=0.5)
    stops = np.log2([d.truth["gain"][0] for d in outs])
    assert stops.std() == pytest.approx(0.2, rel=0.12)
    grey = run("flicker", [flat(0.18, (2, 2))], gain=0.0, local=0.0, gamma=0.3)[0].frame.rgb
    np.testing.assert_allclose(grey, 0.18, rtol=1e-5)
    bright = run("flicker", [flat(0.72, (2, 2))], gain=0.0, local=0.0, gamma=0.3)[0]
    np.testing.assert_allclose(bright.frame.rgb, 0.18 * 4 ** bright.truth["gamma"], rtol=1e-4)
    dark = run("flicker", [flat(-0.2, (2, 2))], gain=0.0, local=0.0, gamma=0.3)[0].frame.rgb
    np.testing.assert_allclose(dark, -0.2, rtol=1e-6)


def test_breathing_blurs_by_the_sigma_it_states_and_keeps_the_light():
    frames = [waves(n) for n in range(6)]
    for frame, out in zip(frames, run("breathing", frames, focus=1.0), strict=True):
        contrast = out.frame.rgb[40:80, 40:120].std() / frame.rgb[40:80, 40:120].std()
        # exp(-sigma^2 w^2 / 2) of both axes' frequencies; the pixel's box adds 1/12.
        expected = np.exp(-(out.truth["sigma_px"] ** 2 + 1 / 12) * (0.35**2 + 0.3**2) / 2)
        assert contrast == pytest.approx(expected, rel=0.08)
        assert out.frame.rgb.mean() == pytest.approx(frame.rgb.mean(), rel=0.01)


def test_hairs_in_the_gate_stay_where_they_are():
    masks = [
        d.truth["mask"] > 0.3 for d in run("gate_hair", [flat(0.4, number=n) for n in range(6)], count=4, tremble=0.0)
    ]
    assert masks[0].any()
    assert all(np.array_equal(masks[0], m) for m in masks[1:])
    passing = {"start": 10, "frames": 3}
    outs = damage.get("gate_hair").run(
        [flat(0.4, number=n) for n in (9, 10, 12, 13)], Stream.of(1, "gate_hair"), passing
    )
    assert [bool(d.truth["mask"].any()) for d in outs] == [False, True, True, False]
