"""Flow, flicker, jitter and grain distance on motions, gains and noises that are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from wetgate.ops.flow import consistent, dense_flow, inside, warp_to
from wetgate.ops.metrics_grain import flat_patches, grain_distance, grain_sample
from wetgate.ops.metrics_temporal import (
    displacements,
    global_flicker,
    jitter,
    motion_between,
    warping_error,
    warping_excess,
)
from wetgate.spec import UsageError


def texture(height: int = 160, width: int = 240, seed: int = 3) -> np.ndarray:
    """Band-limited noise, 0 to 1: structure everywhere, nothing near Nyquist."""
    noise = np.random.default_rng(seed).standard_normal((height, width)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return (0.5 + 0.15 * soft / soft.std()).clip(0, 1).astype(np.float32)


def shifted(image: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """The content moved by (dx, dy), so that what was at x is now at x + dx; exact in the Fourier domain."""
    fy = np.fft.fftfreq(image.shape[0])[:, None]
    fx = np.fft.fftfreq(image.shape[1])[None, :]
    return np.real(np.fft.ifft2(np.fft.fft2(image) * np.exp(-2j * np.pi * (fx * dx + fy * dy)))).astype(np.float32)


def test_flow_of_a_shifted_picture_is_the_shift_and_warping_undoes_it() -> None:
    a = texture()
    b = shifted(a, 3.0, -2.0)
    flow = dense_flow(a, b)
    middle = flow[20:-20, 20:-20]
    assert np.abs(middle - [3.0, -2.0]).mean() < 0.15  # DIS on 8-bit codes
    back = warp_to(b, flow)
    assert np.abs(back - a)[20:-20, 20:-20].mean() < 0.01
    assert not inside(flow)[:, -3:].any()


def test_motion_is_trusted_on_moved_texture_and_not_on_a_place_that_was_replaced() -> None:
    a = texture()
    b = shifted(a, 4.0, 0.0)
    b[60:100, 100:150] = texture(40, 50, seed=99)
    trusted = motion_between(a, b).valid
    assert trusted[:, 180:220].mean() > 0.95
    assert trusted[65:95, 105:145].mean() < 0.5


def test_flow_is_not_trusted_where_a_moving_thing_covers_what_was_behind_it() -> None:
    a, thing = texture(), texture(60, 60, seed=50)
    b = a.copy()
    a[50:110, 60:120] = thing
    b[50:110, 72:132] = thing
    trusted = consistent(dense_flow(a, b), dense_flow(b, a))
    assert trusted[52:108, 121:131].mean() < 0.4  # covered in b
    assert trusted[:, 160:].mean() > 0.95


def test_flow_leaves_its_inputs_alone_and_gives_zero_for_a_tiny_picture() -> None:
    a, b = texture(), shifted(texture(), 1, 1)
    kept = a.copy(), b.copy()
    dense_flow(a, b)
    assert np.array_equal(a, kept[0])
    assert np.array_equal(b, kept[1])
    assert not dense_flow(a[:1, :1], b[:1, :1]).any()
    with pytest.raises(UsageError, match="shapes"):
        dense_flow(a, b[:-1])


def test_warping_excess_is_the_squared_gain_step_of_a_flickering_copy_and_zero_for_the_clean_one() -> None:
    first = texture()
    second = shifted(first, 2.0, 1.0)
    motion = motion_between(first, second)
    own = warping_error(first, second, motion)
    assert own < 2e-4
    assert warping_excess(own, own) == 0.0
    gained = warping_error(first, second * 1.1, motion)
    expected = float(np.mean(np.square(0.1 * second[motion.valid])))
    assert warping_excess(gained, own) == pytest.approx(
        expected, rel=0.15
    )  # the flow's own error is correlated a little


def test_global_flicker_gives_the_deviation_of_scattered_levels_and_nothing_for_a_fade() -> None:
    rng = np.random.default_rng(5)
    levels = 0.4 * np.exp(0.02 * rng.standard_normal(4000))
    assert global_flicker(levels)[1] == pytest.approx(2.0, rel=0.05)  # 4,000 samples: about 2 % standard error
    fade = 0.4 * 0.97 ** np.arange(50)
    assert global_flicker(fade)[1] == pytest.approx(0.0, abs=1e-9)
    each, total = global_flicker([0.5, 0.5])
    assert np.isnan(each).all()
    assert np.isnan(total)


def test_displacements_are_measured_to_a_few_hundredths_of_a_pixel_under_noise() -> None:
    a = texture(240, 320)
    for dx, dy in ((0.3, -0.7), (2.4, 1.6), (-6.5, 3.2)):
        b = shifted(a, dx, dy) + 0.02 * np.random.default_rng(1).standard_normal(a.shape).astype(np.float32)
        found = displacements(a, b)
        inner = found[1:-1, 1:-1]  # wrapped borders are new content
        assert np.isfinite(inner).all()
        assert np.abs(inner - [dx, dy]).max() < 0.05


def test_jitter_counts_what_varies_and_not_a_constant_reframing() -> None:
    a = texture(240, 320)
    weave = [(0.0, 0.0), (0.8, 0.0), (-0.8, 0.0), (0.0, 0.6), (0.0, -0.6)]
    moved = [displacements(a, shifted(a, 2 + dx, 1 + dy)) for dx, dy in weave]
    each, total = jitter(moved)
    assert total == pytest.approx(np.sqrt(np.mean([dx * dx + dy * dy for dx, dy in weave])), abs=0.06)
    assert each[0] < 0.06
    still = jitter([displacements(a, shifted(a, 2, 1))] * 3)[1]
    assert still < 1e-9


def test_flat_pictures_have_no_displacement_rather_than_a_wrong_one() -> None:
    flat = np.full((100, 100), 0.4, np.float32)
    assert np.isnan(displacements(flat, flat)).all()
    assert np.isnan(jitter([displacements(flat, flat)])[1])


def grainy(seed: int, size: float, strength: float, coupling: float = 0.0) -> np.ndarray:
    """A soft ramp with grain of a given size (Gaussian sigma, px), deviation and correlation between channels."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((256, 384, 1))
    noise = np.sqrt(coupling) * shared + np.sqrt(1 - coupling) * rng.standard_normal((256, 384, 3))
    noise = cv2.GaussianBlur(noise, (0, 0), size)
    noise *= strength / noise.std()
    ramp = np.linspace(0.2, 0.8, 384)[None, :, None]
    return (ramp + noise).astype(np.float32)


def sample(seed: int, size: float, strength: float, coupling: float = 0.0):
    image = grainy(seed, size, strength, coupling)
    return grain_sample(image, flat_patches(image, share=1.0))


def test_like_grain_is_near_and_other_size_strength_and_coupling_are_told_apart() -> None:
    reference = sample(1, 1.0, 0.02)
    same = grain_distance(reference, sample(2, 1.0, 0.02))
    assert same.spectrum_db < 1.0  # 77 overlapping patches: the lowest band holds few independent samples
    assert same.deviation_percent < 6
    assert same.correlation < 0.05
    assert grain_distance(reference, sample(2, 1.6, 0.02)).spectrum_db > 3
    double = grain_distance(reference, sample(2, 1.0, 0.04))
    assert double.spectrum_db == pytest.approx(6.02, abs=1.0)
    assert double.deviation_percent == pytest.approx(100, abs=8)
    assert grain_distance(reference, sample(2, 1.0, 0.02, 0.5)).correlation == pytest.approx(0.5, abs=0.06)


def test_the_spectrum_of_white_noise_is_flat_at_its_variance() -> None:
    rng = np.random.default_rng(8)
    image = (0.5 + 0.03 * rng.standard_normal((512, 512, 3))).astype(np.float32)
    spectrum = grain_sample(image, flat_patches(image, share=1.0)).spectrum()
    assert np.allclose(spectrum[3:], 0.03**2, rtol=0.08)  # low bands lose a share to the fitted surface


def test_grain_measurement_avoids_structure() -> None:
    image = grainy(4, 1.0, 0.01)
    image[:, :192] += 0.3 * texture(256, 192)[..., None]
    assert all(x >= 192 - 32 for _, x in flat_patches(image, share=0.1))
    with pytest.raises(UsageError, match="64 pixels"):
        flat_patches(image[:63])
