"""Encodings: reversible from -0.5 to 1000, exact where nothing is changed, the same in NumPy and torch."""

from __future__ import annotations

import numpy as np
import pytest

from support import pictures
from wetgate.inference.encodings import Code, SignedLog, encoding_of, vst
from wetgate.spec import UsageError

ENCODINGS = {
    "code": Code(),
    "signed_log": SignedLog(),
    "vst": vst(0.01, 1e-4),
    "vst of read noise alone": vst(0.0, 1e-4),
    "vst of shot noise alone": vst(0.02, 0.0),
    "vst by channel": vst((0.01, 0.002, 0.05), (1e-4, 1e-6, 0.0), white=4.0),
}
ANY = pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)


@pytest.fixture(scope="module")
def light():
    return pictures.highlights(96, 64)


@ANY
def test_decoding_undoes_encoding(encoding, light):
    back = encoding.decode(encoding.encode(light))
    # Encoded values up to 40 (vst of shot noise) are rounded to 24 bits, and the inverse is at most quadratic in them.
    assert np.abs(back - light).max() <= 4e-6 * np.abs(light).max()
    assert back.dtype == np.float32


@ANY
def test_zero_is_zero_and_order_is_kept(encoding):
    x = np.linspace(-0.5, 1000, 20001, dtype=np.float32)[:, None, None].repeat(3, axis=2)
    assert (encoding.encode(np.zeros((1, 1, 3), np.float32)) == 0).all()
    assert (np.diff(encoding.encode(x), axis=0) > 0).all()


@ANY
def test_no_residual_is_no_change_bit_for_bit(encoding, light):
    v = encoding.encode(light)
    assert not encoding.change(v, np.zeros_like(v)).any()


@ANY
def test_a_change_is_the_difference_of_what_is_decoded(encoding, light):
    v = encoding.encode(light)
    r = np.random.default_rng(3).normal(0, 0.05, v.shape).astype(np.float32)
    for scale in (1.0, 1e-4):
        step = (r * np.float32(scale)).astype(np.float64)
        wide = v.astype(np.float64)
        exact = encoding.decode(wide + step) - encoding.decode(wide)
        got = encoding.change(v, step.astype(np.float32))
        # exp takes an argument of up to 8.6, whose rounding it multiplies; a subtraction would lose far more for the
        # small step: all but three digits at 1000.
        assert np.abs(got - exact).max() <= 3e-6 * np.abs(exact).max()


@ANY
def test_torch_gives_what_numpy_gives(encoding, light):
    torch = pytest.importorskip("torch")
    r = np.random.default_rng(3).normal(0, 0.05, light.shape).astype(np.float32)
    v = encoding.encode(light)
    t = encoding.encode(torch.from_numpy(light))
    assert np.allclose(t.numpy(), v, rtol=3e-6, atol=1e-7)
    assert np.allclose(encoding.decode(t).numpy(), encoding.decode(v), rtol=1e-5, atol=1e-6)
    changed = encoding.change(t, torch.from_numpy(r)).numpy()
    assert np.allclose(changed, encoding.change(v, r), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("gain", "read"), [(0.01, 1e-4), (0.002, 4e-6), (0.0, 1e-3)])
def test_stabilised_noise_has_the_deviation_that_the_map_says(gain, read):
    encoding = vst(gain, read)
    rng = np.random.default_rng(5)
    for level in (0.1, 0.3, 1.0, 8.0):
        if gain:
            x = gain * rng.poisson(level / gain, (400, 400, 3)) + rng.normal(0, np.sqrt(read), (400, 400, 3))
        else:
            x = rng.normal(level, np.sqrt(read), (400, 400, 3))
        measured = encoding.encode(x.astype(np.float32)).std(axis=(0, 1))
        # The transform is approximate: Poisson counts of ten and more are stabilised within 2 % (Makitalo and Foi).
        assert np.allclose(measured, encoding.sigma, rtol=0.02)


def test_noise_that_is_wholly_removed_leaves_the_mean_where_it_was():
    gain, read = 0.01, 1e-5
    encoding = vst(gain, read)
    rng = np.random.default_rng(6)
    for level in (0.02, 0.05, 0.2, 1.0):
        x = gain * rng.poisson(level / gain, (500, 500, 3)) + rng.normal(0, np.sqrt(read), (500, 500, 3))
        v = encoding.encode(x.astype(np.float32))
        r = v.mean(axis=(0, 1), dtype=np.float64).astype(np.float32) - v  # a perfect denoiser of a flat field
        change = encoding.change(v, r)
        removed = np.square(r).mean(axis=(0, 1), keepdims=True)
        bare = float((x + change).mean() - x.mean())
        mended = float((x + change + encoding.regained(v, removed)).mean() - x.mean())
        assert bare < -0.15 * gain, "the algebraic inverse is biased; else nothing is tested here"
        # What is left is of the next order in 1 / counts: two counts at the lowest level.
        assert abs(mended) < 0.1 * gain


def test_noise_models_that_cannot_be_are_refused():
    for gain, read in ((-0.1, 0.1), (0.0, 0.0), (float("nan"), 0.1)):
        with pytest.raises(UsageError, match="the noise model is"):
            vst(gain, read)
    with pytest.raises(UsageError, match="needs the noise that was measured"):
        encoding_of("vst")
    with pytest.raises(UsageError, match="there is no encoding 'srgb'"):
        encoding_of("srgb")
