"""Optics, sensor, tone: blur, noise, mosaic, clips."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate import damage
from wetgate.color.primaries import apply_matrix, rgb_to_rgb
from wetgate.damage.camera import demosaiced
from wetgate.ops.blur import convolve
from wetgate.ops.random import Stream
from wetgate.spec import DISPLAY, SCENE, VIDEO, Frame


def flat(value: float, size: tuple[int, int] = (200, 240), number: int = 1, space: str = SCENE) -> Frame:
    return Frame(np.full((*size, 3), value, np.float32), space, number=number)


def run(model_id: str, frame: Frame, **params: object) -> damage.Damaged:
    (out,) = damage.get(model_id).run([frame], Stream.of(5, model_id), params)
    return out


@pytest.mark.parametrize(
    ("model_id", "params"),
    [
        ("defocus", {"radius": 3.2}),
        ("motion", {"length": 17.0, "angle": 25.0}),
        ("shake", {}),
        ("soften", {"sigma": 2.0}),
    ],
)
def test_a_blur_is_the_convolution_with_the_psf_it_states(model_id, params):
    frame = Frame(np.random.default_rng(1).random((60, 70, 3)).astype(np.float32) * 20, SCENE)
    out = run(model_id, frame, **params)
    np.testing.assert_allclose(out.frame.rgb, convolve(frame.rgb, out.truth["psf"]), atol=3e-5)  # of 20


def test_diffraction_blurs_red_more_than_blue_and_keeps_the_light():
    point = np.zeros((81, 81, 3), np.float32)
    point[40, 40] = 1000
    out = run("diffraction", Frame(point, SCENE), f_number=32.0).frame.rgb
    assert out[40, 40, 0] < out[40, 40, 1] < out[40, 40, 2]
    assert out.sum(axis=(0, 1)) == pytest.approx(1000, rel=1e-4)


def test_a_shake_path_has_the_size_asked_for():
    psf = run("shake", flat(1.0, (8, 8)), size=20.0).truth["psf"].astype(np.float64)
    yy, xx = np.mgrid[: psf.shape[0], : psf.shape[1]] - psf.shape[0] // 2
    assert np.sqrt((psf * (xx**2 + yy**2)).sum()) == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize("light", [0.0, 0.002, 0.02, 0.3, 4.0])
def test_sensor_noise_has_the_mean_and_variance_of_photons_and_reading(light):
    out = run("sensor", flat(light), full_well=1000.0, read=4.0)
    noise = out.frame.rgb.astype(np.float64)
    wells = 1000 * np.array([0.5, 1.0, 0.6])
    variance = light / wells + (4 / wells) ** 2
    np.testing.assert_allclose(out.truth["variance"][0, 0], variance, rtol=1e-4)
    assert noise.var(axis=(0, 1)) == pytest.approx(variance, rel=0.04)  # 48,000 pixels: 0.6 %; rounding to electrons
    assert np.abs(noise.mean(axis=(0, 1)) - light).max() < 5 * np.sqrt(variance.max() / 48000)


def test_few_photons_are_counted_not_blurred():
    counts = run("sensor", flat(0.001, (600, 800)), full_well=2000.0, read=0.0).frame.rgb[..., 1] * 2000
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-4)
    for k in range(6):
        expected = np.exp(-2) * 2**k / [1, 1, 2, 6, 24, 120][k]
        assert (np.rint(counts) == k).mean() == pytest.approx(expected, abs=5 * np.sqrt(expected / counts.size))


def test_many_photons_keep_the_mean_and_skewness_of_their_count():
    counts = (
        run("sensor", flat(0.02, (600, 800)), full_well=2000.0, read=0.0).frame.rgb[..., 1].astype(np.float64) * 2000
    )
    assert counts.mean() == pytest.approx(40, abs=0.05)  # five standard errors
    deviation = (counts - counts.mean()) / counts.std()
    assert (deviation**3).mean() == pytest.approx(40**-0.5, abs=0.02)


@pytest.mark.parametrize("method", ["bilinear", "malvar"])
def test_a_grey_ramp_survives_the_mosaic_and_colour_edges_do_not(method):
    ramp = np.repeat(np.linspace(0.1, 3, 40, dtype=np.float32)[None, :, None], 30, axis=0).repeat(3, axis=2)
    np.testing.assert_allclose(demosaiced(ramp, method)[4:-4, 4:-4], ramp[4:-4, 4:-4], atol=1e-5)
    edge = ramp.copy()
    edge[:, 20:] = (0.9, 0.1, 0.1)
    assert np.abs(demosaiced(edge, method) - edge).max() > 0.05


def test_the_mosaic_keeps_its_own_samples_and_its_phase_in_a_tile():
    rgb = np.random.default_rng(2).random((20, 24, 3)).astype(np.float32)
    whole = demosaiced(rgb, "malvar")
    assert np.array_equal(whole[0::2, 0::2, 0], rgb[0::2, 0::2, 0])
    assert np.array_equal(whole[1::2, 1::2, 2], rgb[1::2, 1::2, 2])
    assert np.array_equal(whole[0::2, 1::2, 1], rgb[0::2, 1::2, 1])
    tile = demosaiced(np.ascontiguousarray(rgb[5:17, 3:19]), "malvar", x=3, y=5)
    assert np.array_equal(tile[2:-2, 2:-2], whole[7:15, 5:17])


def test_noise_becomes_correlated_by_the_mosaic():
    noise = Frame(np.random.default_rng(3).standard_normal((120, 120, 3)).astype(np.float32), SCENE)
    out = run("mosaic", noise).frame.rgb
    assert np.corrcoef(out[:, 1:, 0].ravel(), out[:, :-1, 0].ravel())[0, 1] > 0.2
    assert np.corrcoef(out[..., 0].ravel(), out[..., 1].ravel())[0, 1] > 0.2


def test_columns_stay_and_rows_change_from_frame_to_frame():
    a, b = (run("pattern", flat(0.2, number=n), row=0.01, column=0.02) for n in (1, 2))
    assert np.array_equal(a.truth["column"], b.truth["column"])
    assert not np.array_equal(a.truth["row"], b.truth["row"])
    expected = 0.2 + a.truth["row"][:, None] + a.truth["column"][None]
    np.testing.assert_allclose(a.frame.rgb, expected, atol=1e-6)
    assert a.truth["column"].std() == pytest.approx(0.02, rel=0.2)


def test_clip_loses_what_lies_above_and_says_where():
    frame = Frame(np.linspace(-0.5, 4, 300, dtype=np.float32).reshape(10, 10, 3), SCENE)
    out = run("clip", frame, level=1.5)
    np.testing.assert_array_equal(out.frame.rgb, np.minimum(frame.rgb, np.float32(1.5)))
    np.testing.assert_array_equal(out.truth["clipped"], frame.rgb >= 1.5)


def test_a_knee_is_smooth_monotone_and_ends_at_the_level():
    light = np.linspace(0, 30, 3000, dtype=np.float32)
    out = run("clip", Frame(light.reshape(10, 100, 3), SCENE), level=2.0, knee=0.5).frame.rgb.ravel().astype(np.float64)
    slope = np.diff(out) / np.diff(light.astype(np.float64))
    assert (slope >= -1e-4).all()
    assert np.abs(np.diff(slope)).max() < 0.02  # a corner would be 1
    np.testing.assert_allclose(out[light <= 1.0], light[light <= 1.0], atol=1e-6)
    assert 1.99 < out.max() <= 2.0


@pytest.mark.parametrize(("bits", "how"), [(8, "full"), (8, "limited"), (4, "full"), (10, "limited")])
def test_quantised_values_are_whole_codes(bits, how):
    frame = Frame(np.random.default_rng(1).random((30, 30, 3)).astype(np.float32), VIDEO)
    out = run("quantise", frame, bits=bits, range=how).frame.rgb
    unit = 2.0 ** (bits - 8)
    codes = out * (219 * unit) + 16 * unit if how == "limited" else out * (2**bits - 1)
    np.testing.assert_allclose(codes, np.rint(codes), atol=2e-3)
    step = 1 / (219 * unit) if how == "limited" else 1 / (2**bits - 1)
    assert np.abs(out - frame.rgb).max() <= step / 2 + 1e-6


def test_limited_range_keeps_some_super_white_and_full_range_none():
    bright = flat(1.05, (4, 4), space=VIDEO)
    assert run("quantise", bright, range="limited").frame.rgb.max() == pytest.approx(1.05, abs=0.003)
    assert run("quantise", bright, range="full").frame.rgb.max() == 1.0


def test_dither_keeps_the_mean_between_two_codes():
    out = run("quantise", flat(0.5 + 0.3 / 15, space=VIDEO), bits=4, dither=2.0).frame.rgb
    assert len(np.unique(out)) >= 2
    assert out.mean() == pytest.approx(0.52, abs=0.002)


def test_banding_makes_steps_of_a_gradient_and_hides_its_noise():
    ramp = np.repeat(np.linspace(0.2, 0.5, 300)[None, :, None], 60, axis=0).repeat(3, axis=2)
    noisy = ramp + 0.004 * np.random.default_rng(1).standard_normal(ramp.shape)
    out = run("banding", Frame(noisy.astype(np.float32), VIDEO), levels=40, smooth=1.5).frame.rgb
    rows = out[30, :, 1]
    assert len(np.unique(rows)) <= 14
    assert np.count_nonzero(np.diff(rows)) < 24  # dithered by its noise it would flip far more often


def test_gamut_clip_changes_only_colours_outside_and_keeps_light_above_white():
    inside = apply_matrix(rgb_to_rgb("rec709", "rec2020"), np.array([[[0.2, 0.5, 0.9], [300, 200, 10]]], np.float32))
    outside = np.array([[[100, 0, 0], [0, 80, 5]]], np.float32)
    frame = Frame(np.ascontiguousarray(np.concatenate([inside, outside], axis=1)), DISPLAY)
    out = run("gamut_clip", frame)
    assert out.truth["clipped"].tolist() == [[False, False, True, True]]
    assert np.array_equal(out.frame.rgb[:, :2], frame.rgb[:, :2])
    back = apply_matrix(rgb_to_rgb("rec2020", "rec709"), out.frame.rgb)
    assert back.min() > -1e-4
