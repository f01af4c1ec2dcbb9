"""What every lift promises, whatever its method: order, symmetry, smoothness, neutral greys, a way back."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from support import pictures
from wetgate.color.curves import bt1886_decode, pq_decode, pq_encode
from wetgate.color.difference import delta_e_2000, xyz_to_lab
from wetgate.color.hdr import adaptive, bt2408, bt2446a, bt2446b, bt2446c
from wetgate.color.hdr.adaptive import Anchors
from wetgate.color.hdr.levels import whole_curve
from wetgate.color.hdr.lift import Settings, invert, lift
from wetgate.color.primaries import apply_matrix, rgb_to_rgb, rgb_to_xyz
from wetgate.spec import UsageError

METHODS = ("bt2446a", "bt2446b", "bt2446c", "bt2408", "adaptive")
XYZ = rgb_to_xyz("rec2020")


def _settings(method: str, **changes: float) -> Settings:
    return replace(Settings(method=method), **changes)


def _greys(nits: np.ndarray) -> np.ndarray:
    return np.repeat(nits[:, None], 3, axis=1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("peak", [100.0, 400.0, 1000.0, 4000.0, 10000.0])
def test_light_keeps_its_order_from_far_below_black_to_far_above_white(method: str, peak: float) -> None:
    nits = np.geomspace(1e-5, 1e5, 4001)
    for changes in ({}, {"protection": 1.0}, {"protection": 0.0}, {"strength": 0.3}, {"black": 0.5}, {"black": -0.5}):
        out = lift(_greys(nits), _settings(method, peak=peak, **changes))[:, 1]
        assert np.isfinite(out).all()
        assert (np.diff(out) > 0).all(), changes
        np.testing.assert_allclose(lift(_greys(-nits), _settings(method, peak=peak, **changes))[:, 1], -out, rtol=1e-6)


@pytest.mark.parametrize("knee", [0.5, 0.65, 0.78, 0.95])
def test_adaptive_curves_rise_whatever_their_anchors(knee: float) -> None:
    nits = np.geomspace(1e-3, 1e4, 2001)
    for mid, white, white_to in itertools.product((5.0, 26.0, 100.0), (50.0, 203.0, 1000.0), (100.0, 700.0, 10000.0)):
        s = _settings("adaptive", mid_grey=mid, diffuse_white=white, white_to=white_to, knee=knee, peak=10000.0)
        out = lift(_greys(nits), s)[:, 1]
        slope = np.diff(np.log(out)) / np.diff(np.log(nits))
        assert slope.min() > 0.1, (mid, white, white_to)


@pytest.mark.parametrize("method", METHODS)
def test_curves_have_no_kink(method: str) -> None:
    # The exact curves: log-log slopes of neighbouring steps of 3e-5 differ by less than 0.01 (method C at its
    # peak, where protection sets in, bends fastest: 0.0075). A kink would stay
    # however fine the steps; without the crossfade of its two arms method A jumps by 5, and falls.
    defined = {
        "bt2446a": bt2446a.defined(),
        "bt2446b": bt2446b.defined(),
        "bt2446c": bt2446c.defined(),
        "bt2408": bt2408.defined(),
        "adaptive": adaptive.defined(Anchors()),
    }[method]
    nits = np.geomspace(1e-2, 3e3, 400_000)
    out = whole_curve(defined, Settings(method=method).ends)(nits)
    slope = np.diff(np.log(out)) / np.diff(np.log(nits))
    assert np.abs(np.diff(slope)).max() < 0.01


@pytest.mark.parametrize("method", METHODS)
def test_tables_hold_the_curves(method: str) -> None:
    # 256 points an octave, straight lines between: at the sharpest bends 2e-4 of the value, a fiftieth of a
    # 10-bit step of PQ
    anchors = Anchors()
    curves = {
        "bt2446a": bt2446a.defined(),
        "bt2446b": bt2446b.defined(),
        "bt2446c": bt2446c.defined(),
        "bt2408": bt2408.defined(),
        "adaptive": adaptive.defined(anchors),
    }
    nits = np.geomspace(1e-3, 1e4, 9973)
    settings = Settings(method=method, white_to=anchors.white_to)
    exact = whole_curve(curves[method], settings.ends)(nits)
    np.testing.assert_allclose(lift(_greys(nits), settings)[:, 1], exact, rtol=3e-4)


@pytest.mark.parametrize("method", METHODS)
def test_neutral_stays_neutral(method: str) -> None:
    out = lift(_greys(np.geomspace(1e-3, 1e4, 500).astype(np.float32)), _settings(method))
    # float32 through PQ's power of 78.8 and back: 1e-4 of the value, a thirtieth of a 10-bit step
    np.testing.assert_allclose(out, out.max(axis=1, keepdims=True).repeat(3, axis=1), rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_every_lift_has_its_way_back(method: str) -> None:
    rgb = pictures.highlights(64, 64) * np.float32(100.0)  # -50 to 100,000 nits, channels independent
    positive = np.abs(rgb)
    for s in (_settings(method), _settings(method, strength=0.4), _settings(method, saturation=0.7, black=0.05)):
        back = invert(s)(lift(positive.astype(np.float64), s))
        # relative to the brightest channel: the weakest channel of a pixel is a small difference of large numbers
        error = np.abs(back - positive) / positive.max(axis=2, keepdims=True).clip(1e-2)
        assert error.max() < 2e-3
        assert np.median(error) < 2e-5


@pytest.mark.parametrize("method", METHODS)
def test_negative_and_wide_light_comes_through_finite(method: str) -> None:
    out = lift(pictures.highlights(64, 64) * np.float32(100.0), _settings(method))
    assert np.isfinite(out).all()
    assert out.dtype == np.float32


@pytest.mark.parametrize("method", METHODS)
def test_the_picture_may_be_cut_anywhere_and_run_on_any_number_of_threads(method: str) -> None:
    rgb = np.random.default_rng(3).random((150, 301, 3), dtype=np.float32) * 120
    whole = lift(rgb, _settings(method))
    assert np.array_equal(lift(rgb, _settings(method), threads=3), whole)
    assert np.array_equal(np.concatenate([lift(rgb[:37], _settings(method)), lift(rgb[37:], _settings(method))]), whole)


def test_strength_is_continuous_at_both_ends() -> None:
    rgb = np.random.default_rng(4).random((16, 16, 3)) * 100
    for method in METHODS:
        s = _settings(method, saturation=0.5, black=0.1)
        np.testing.assert_allclose(lift(rgb, replace(s, strength=1e-6)), rgb, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(lift(rgb, replace(s, strength=1 - 1e-6)), lift(rgb, s), rtol=1e-4, atol=1e-3)


def test_protection_holds_back_only_what_passes_the_peak() -> None:
    nits = _greys(np.array([50.0, 99.0, 150.0, 1000.0]))
    for method in METHODS:
        free, held = (lift(nits, _settings(method, protection=p))[:, 0] for p in (0.0, 1.0))
        under = free <= 1000.0
        np.testing.assert_allclose(held[under], free[under], rtol=1e-5)
        assert (held[~under] < free[~under]).all()


def test_without_colour_there_is_no_way_back() -> None:
    for method in ("bt2446b", "adaptive"):
        s = _settings(method, saturation=0.0)
        with pytest.raises(UsageError, match="no inverse"):
            invert(s)(lift(np.ones((1, 3)), s))


def _sdr_picture() -> np.ndarray:
    """An 8-bit SDR picture as light: smooth colour ramps and noise, in Rec.709, so within what video holds."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:96, 0:96] / 95.0
    ramps = np.stack((x, y, 1.0 - 0.5 * (x + y)), axis=-1)
    code = np.where(rng.random((96, 96, 1)) < 0.5, ramps, rng.random((96, 96, 3)))
    code = np.round(code * 255.0) / 255.0
    return apply_matrix(rgb_to_rgb("rec709", "rec2020"), bt1886_decode(code)).astype(np.float32)


def _lab(rgb: np.ndarray) -> np.ndarray:
    return xyz_to_lab(apply_matrix(XYZ, rgb.astype(np.float64)), XYZ @ np.full(3, 100.0))


@pytest.mark.parametrize("method", METHODS)
def test_sdr_to_hdr_to_sdr_returns(method: str) -> None:
    sdr = _sdr_picture()
    s = _settings(method)
    hdr = lift(sdr, s)
    half = (hdr / 100.0).astype(np.float16).astype(np.float32) * 100.0
    pq10 = pq_decode((np.round(np.clip(pq_encode(hdr), 0.0, 1.0) * 1023.0) / 1023.0).astype(np.float32))
    found = {}
    for name, through in (("float", hdr), ("half", half), ("PQ 10 bit", pq10)):
        de = delta_e_2000(_lab(sdr), _lab(invert(s)(through)))
        found[name] = (de.mean(), np.quantile(de, 0.99), de.max())
    if method == "bt2446a":
        de = delta_e_2000(_lab(sdr), _lab(bt2446a.hdr_to_sdr(hdr)))
        found["report's forward"] = (de.mean(), np.quantile(de, 0.99), de.max())
    for name, (mean, p99, worst) in found.items():
        print(f"{method:8} {name:16} dE2000 mean {mean:.4f}  p99 {p99:.4f}  max {worst:.4f}")
    assert found["float"][2] <= 0.05
    assert found["half"][2] <= 0.1
    assert found["PQ 10 bit"][1] <= 0.7
