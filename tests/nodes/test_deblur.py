"""Deblur: blur undone, its measure, and what must not happen beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wetgate
import wetgate.nodes
from wetgate.ops.blur import convolve, disc, gaussian, motion
from wetgate.ops.blur_setting import Consistency, Setting
from wetgate.ops.blur_shape import Shape
from wetgate.spec import Context, Frame, Image, UsageError, Window, registry

NODE = registry.get("deblur")
SPACE = "ACEScg"
NOISE = 0.01


def _squares(size: int = 96, seed: int = 4) -> Image:
    """Random squares of 8 px with some texture: edges of every height."""
    random = np.random.default_rng(seed)
    squares = np.kron(random.random((size // 8, size // 8, 3)), np.ones((8, 8, 1)))
    return (0.1 + 0.5 * squares + 0.02 * random.standard_normal(squares.shape)).astype(np.float32)


def _natural(size: int = 192) -> Image:
    """A field whose spectrum falls as that of photographs: squares have zeros of their own in it."""
    random = np.random.default_rng(2)
    radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    radius[0, 0] = 1
    spectrum = np.fft.rfft2(random.standard_normal((size, size))) * radius**-1.1
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, (size, size))
    return np.repeat((0.3 + 0.1 * field / field.std())[:, :, None], 3, axis=2).astype(np.float32)


def _blurred(truth: Image, psf: Image, noise: float = NOISE, seed: int = 1) -> Image:
    made = convolve(truth, psf) + noise * np.random.default_rng(seed).standard_normal(truth.shape)
    return made.astype(np.float32)


def _run(picture: Image, **params: Any) -> tuple[Image, dict[str, Any]]:
    facts: dict[int, Any] = {}
    aovs: dict[int, dict[str, Image]] = {}
    (made,) = wetgate.run_node(NODE, [Frame(picture, SPACE, 1)], aovs=aovs, **({"quality": "fast"} | params))
    return made.rgb, {"aovs": aovs[1], "facts": facts}


def _facts(picture: Image, fidelity: Any = "faithful", **params: Any) -> dict[str, Any]:
    """What the record is told."""
    made = NODE.make(params).render(Window((Frame(picture, SPACE, 1),)), Context(fidelity=fidelity))
    return dict(made.facts)


def _psnr(a: Image, b: Image) -> float:
    return float(-10 * np.log10(np.mean(np.square(a.astype(np.float64) - b))))


@pytest.mark.parametrize(
    ("psf", "params"),
    [
        (disc(2.5), {"kind": "defocus", "size": 2.5}),
        (motion(11, 30), {"kind": "motion", "size": 11.0, "angle": 30.0}),
    ],
    ids=["defocus", "motion"],
)
def test_a_known_blur_is_undone_and_blurs_back_to_the_frame_within_its_noise(
    psf: Image, params: dict[str, Any]
) -> None:
    truth = _squares()
    frame = _blurred(truth, psf)
    made, seen = _run(frame, noise=100 * NOISE, **params)
    assert _psnr(made, truth) > _psnr(frame, truth) + 2  # 2.8 and 3.8 dB were seen
    residual = (seen["aovs"]["deblur.residual"] - 0.5) / 0.1
    assert 0.95 <= float(np.sqrt(np.mean(np.square(residual)))) <= 1.05


def test_a_lamp_of_forty_beside_black_leaves_no_hole_and_keeps_its_light() -> None:
    truth = np.zeros((64, 96, 3), np.float32)
    truth[:, 48:] = 40.0
    made, _ = _run(_blurred(truth, disc(3)), noise=100 * NOISE, kind="defocus", size=3.0)
    assert made.min() > -0.4  # 1 % of the step
    assert abs(float(made[:, 60:80].mean()) - 40) < 0.4


def test_light_below_black_stays_below_black() -> None:
    truth = np.full((64, 64, 3), -0.1, np.float32)
    truth[:, 32:] = 0.5
    made, _ = _run(_blurred(truth, gaussian(1.5)), noise=100 * NOISE, kind="gaussian", size=1.5)
    assert abs(float(made[:, 4:24].mean()) + 0.1) < 0.005


def test_clipped_highlights_are_missing_and_not_believed() -> None:
    truth = _squares() * 2
    clean = convolve(truth, disc(3))
    frame = np.minimum(clean + 0.005 * np.random.default_rng(1).standard_normal(clean.shape), 0.9).astype(np.float32)
    believed, _ = _run(frame, noise=0.5, kind="defocus", size=3.0, clip=1000.0)
    found, _ = _run(frame, noise=0.5, kind="defocus", size=3.0)
    known = (clean < 0.8).all(axis=2)
    assert _psnr(found[known], truth[known]) > _psnr(believed[known], truth[known]) + 0.5


def test_a_frame_edge_neither_wraps_nor_rings() -> None:
    wide = _squares(160)
    psf = motion(15, 0)
    frame = _blurred(wide, psf)[32:128, 32:128]
    truth = wide[32:128, 32:128]
    made, _ = _run(frame, noise=100 * NOISE, kind="motion", size=15.0)
    rim = np.ones((96, 96), bool)
    rim[8:-8, 8:-8] = False
    assert _psnr(made[rim], truth[rim]) > _psnr(frame[rim], truth[rim]) + 2


def test_a_sharp_shot_comes_through_as_it_is() -> None:
    frame = _blurred(_natural(), np.ones((1, 1), np.float32), 0.003)
    made, _ = _run(frame)
    assert np.array_equal(made, frame)


def test_the_blur_of_a_shot_is_found_and_undone() -> None:
    truth = _natural()
    frame = _blurred(truth, disc(3), 0.005)
    # All of this field is texture, which measures as coarse noise: so how strong the noise is is told.
    made, _ = _run(frame, noise=0.5)
    told, _ = _run(frame, kind="defocus", size=3.0, noise=0.5)
    gained, possible = _psnr(made, truth) - _psnr(frame, truth), _psnr(told, truth) - _psnr(frame, truth)
    assert gained > 0.8 * possible > 0


@pytest.mark.parametrize("noise", [0.004, 0.01])
def test_noise_is_not_fitted_where_the_blur_is_weak(noise: float) -> None:
    # Ended when the prior's noise is the picture's, the result is within 0.8 of it.
    frame = _blurred(_natural(), disc(1), noise)
    facts = _facts(frame, kind="defocus", size=1.0, noise=100 * noise)
    assert 0.95 <= facts["residual"] <= 1.05


def test_noise_is_put_back_on_request() -> None:
    frame = _blurred(_squares(), disc(2))
    common = {"noise": 100 * NOISE, "kind": "defocus", "size": 2.0}
    smooth, _ = _run(frame, **common)
    kept, _ = _run(frame, keep_noise=1.0, **common)
    assert np.std(kept - smooth) == pytest.approx(NOISE, rel=0.1)


@pytest.mark.parametrize("text", ["", "0 1/1", "a b c", "0 0 0", "1 -1 1", "1 nan 1", "/".join(["1"] * 300)])
def test_a_text_that_is_no_psf_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError, match="allowed: rows separated by /"):
        _run(_squares(16), kind="custom", psf=text)


def _half_soft() -> tuple[Image, Image]:
    """Overlapping coloured discs, 128x128; and the same with its right half out of focus."""
    random = np.random.default_rng(3)
    y, x = np.mgrid[0:128, 0:128].astype(np.float32)
    truth = np.full((128, 128, 3), 0.2, np.float32)
    for _ in range(60):
        middle_y, middle_x, radius = random.uniform(0, 128), random.uniform(0, 128), random.uniform(3, 16)
        cover = np.clip(radius - np.hypot(y - middle_y, x - middle_x) + 0.5, 0, 1)[..., None].astype(np.float32)
        truth = truth * (1 - cover) + cover * random.uniform(0.02, 0.8, 3).astype(np.float32)
    frame = truth.copy()
    frame[:, 64:] = convolve(truth, disc(1.5))[:, 64:]
    return truth, frame


@pytest.mark.parametrize(
    ("told", "measured"),
    [
        ({}, True),
        ({"kind": "defocus"}, True),
        ({"noise": 0.5}, True),
        ({"noise": 0.5, "kind": "defocus"}, False),
        ({"noise": 0.5, "kind": "custom"}, False),
        ({"noise": 0.5, "kind": "motion"}, False),
        ({"noise": 0.5, "kind": "motion", "shutter": 180.0}, True),
        ({"noise": 0.5, "kind": "free"}, True),
        ({"noise": 0.5, "method": "network"}, False),
        ({"noise": 0.5, "method": "auto", "kind": "motion"}, True),
    ],
)
def test_a_shot_is_analysed_where_its_noise_or_its_blur_is_not_told(told: dict[str, Any], measured: bool) -> None:
    node = registry.get("deblur")
    assert node.needs_analysis(node.make(told)) is measured


def test_a_network_sharpens_what_is_soft_at_one_side_alone_and_says_that_no_psf_explains_it() -> None:
    truth, frame = _half_soft()
    made, seen = _run(frame, method="network", noise=0.1)
    assert _psnr(made[:, 68:], truth[:, 68:]) > _psnr(frame[:, 68:], truth[:, 68:]) + 0.3  # 0.54 dB were seen
    assert _psnr(made[:, :60], truth[:, :60]) > 55
    facts = _facts(frame, method="network", noise=0.1)
    assert facts["because"] == "it was asked for"
    assert facts["network"]["model"] == "deblur_fine"
    assert _facts(frame, method="network", noise=0.1, quality="fast")["network"]["model"] == "deblur_fast"
    assert "no PSF" in facts["determined"]
    assert np.array_equal(seen["aovs"]["deblur.residual"], np.full_like(frame, 0.5))
    assert seen["aovs"]["deblur.synthesis"].max() > 0.01


def test_a_network_leaves_a_sharp_picture_and_its_noise_as_they_are() -> None:
    frame = _blurred(_natural(), np.ones((1, 1), np.float32), 0.01)
    made, _ = _run(frame, method="network")
    assert _psnr(made, frame) > 45


def test_forensic_fidelity_permits_no_network_and_the_record_says_so() -> None:
    _, frame = _half_soft()
    made, seen = _run(frame, method="network", fidelity="forensic", noise=0.1)
    assert np.array_equal(made, frame)
    assert not seen["aovs"]["deblur.synthesis"].any()
    facts = _facts(frame, method="network", fidelity="forensic", noise=0.1)
    assert facts["deblurred"] == "forensic fidelity permits no network, so nothing was done"


def test_a_network_keeps_light_far_above_white_and_below_black() -> None:
    frame = np.full((64, 128, 3), 0.2, np.float32)
    frame[:, 40:80] = -0.5
    frame[20:40, 90:110] = 1000.0
    frame = convolve(frame, gaussian(1.0))
    made, _ = _run(frame, method="network", noise=0.1)
    assert np.isfinite(made).all()
    beyond = (frame > 8) | (frame < -0.2)
    assert np.array_equal(made[beyond], frame[beyond])


def test_a_line_of_motion_is_left_to_the_network_where_much_of_the_frame_moves_otherwise() -> None:
    from wetgate.ops.blur_shape import differs

    shape = Shape({"kind": "motion", "size": 9.0})
    assert differs({"motion": {"1": [8.0, 0.0, 0.4]}}, 1, shape) == "40% of the frame moves otherwise than most of it"
    assert differs({"motion": {"1": [8.0, 0.0, 0.05]}}, 1, shape) == ""
    assert differs({"motion": {"1": [8.0, 0.0]}}, 1, shape) == ""
    assert "blurred in parts" in differs(None, 1, Shape({"kind": "defocus", "size": 2.0, "even": 0.1}))
    assert differs(None, 1, Shape({"kind": "defocus", "size": 2.0, "confidence": 0.1, "even": 0.9})) == ""
    assert differs(None, 1, Shape({"kind": "sharp", "size": 0.0, "confidence": 1.0})) == ""
    assert "agree on a PSF by 0.40" in differs(None, 1, Shape({"kind": "free", "agreement": 0.4}))


def test_a_result_that_strays_is_brought_back_until_it_blurs_to_its_source() -> None:
    frame = _blurred(_squares(), disc(2))
    setting = Setting.of(frame, Shape({}, disc(2)), np.full(frame.shape, NOISE, np.float32), 1.0, "by hand")
    known = np.ones(frame.shape, bool)
    sharp, _ = _run(frame, noise=100 * NOISE, kind="defocus", size=2.0)
    assert Consistency.of(frame, sharp, setting, known).share() == 1.0
    strayed = (sharp + 0.1 * np.random.default_rng(3).random((96, 1, 1))).astype(np.float32)
    wrong = Consistency.of(frame, strayed, setting, known)
    assert wrong.value > wrong.limit
    settled = frame + np.float32(wrong.share()) * (strayed - frame)
    assert 0 < wrong.share() < 1
    assert Consistency.of(frame, settled, setting, known).value == pytest.approx(wrong.limit, rel=1e-3)


def test_an_edge_between_flat_areas_gets_no_halo_unless_one_is_allowed() -> None:
    truth = np.full((96, 96, 3), 0.1, np.float32)
    truth[:, 48:] = 0.6
    frame = _blurred(truth, gaussian(1.6), 0.005)
    over = {}
    for halo in (1.0, 2.0):
        made, _ = _run(frame, noise=0.5, kind="gaussian", size=1.6, halo=halo)
        over[halo] = float(made[16:-16].mean(axis=(0, 2)).max()) - 0.6
    assert over[1.0] < 0.015 < over[2.0]


def test_doubt_in_a_measured_blur_counts_beside_edges_and_never_takes_noise_away() -> None:
    from wetgate.ops.blur_setting import doubted

    picture = np.zeros((96, 96, 3), np.float32)
    picture[:, 48:] = 40.0
    shape = Shape({}, disc(3), others=((disc(3.3), disc(2.7)),))
    deviation = np.zeros_like(picture)
    found = doubted(picture, shape, deviation)
    assert np.isfinite(found).all()
    assert found[:, 46:50].min() > 0.1
    assert found[:, :36].max() < 1e-3
    assert np.array_equal(doubted(picture, Shape({}, disc(3)), deviation), deviation)


def test_fine_texture_under_a_small_blur_is_no_halo() -> None:
    random = np.random.default_rng(2)
    tiles = np.kron(random.random((16, 16, 1)), np.ones((6, 6, 3)))
    truth = (0.3 + 0.06 * tiles + 0.02 * random.standard_normal((96, 96, 3))).astype(np.float32)
    frame = _blurred(truth, disc(1), 0.005)
    held, _ = _run(frame, noise=0.5, kind="defocus", size=1.0)
    free, _ = _run(frame, noise=0.5, kind="defocus", size=1.0, halo=4.0)
    assert _psnr(held, truth) > _psnr(free, truth) - 0.1
