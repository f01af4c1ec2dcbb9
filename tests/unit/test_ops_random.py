"""Counter-based random numbers: known answers, addressing, distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wetgate.ops.random import Stream, philox4x32

# Random123 1.14, tests/kat_vectors, lines "philox4x32 10": counter, key, answer.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_known_answers_of_random123(counter, key, answer):
    assert tuple(int(word) for word in philox4x32(counter, key)) == answer


@settings(max_examples=40, deadline=None)
@given(
    x=st.integers(-40, 60), y=st.integers(-40, 60), width=st.integers(1, 40), height=st.integers(1, 30),
    kind=st.sampled_from(["bits", "uniform", "normal"]),
)  # fmt: skip
def test_any_tile_equals_the_same_part_of_the_whole(x, y, width, height, kind):
    stream = Stream.of(3, "tile")
    whole = getattr(stream, kind)(17, 140, 150, 3, x=-45, y=-45)
    tile = getattr(stream, kind)(17, height, width, 3, x=x, y=y)
    assert np.array_equal(tile, whole[y + 45 : y + 45 + height, x + 45 : x + 45 + width])


def test_a_tile_of_a_large_picture_made_by_several_threads_is_the_same_too():
    stream = Stream.of(8, "threads")
    whole = stream.normal(2, 700, 900, 2)
    assert np.array_equal(stream.normal(2, 101, 203, 2, x=333, y=517), whole[517:618, 333:536])


def test_frames_channels_streams_and_seeds_are_independent():
    size = (400, 500)
    reference = Stream.of(1, "a").normal(10, *size, 2)
    others = {
        "next frame": Stream.of(1, "a").normal(11, *size, 1)[..., 0],
        "other stream": Stream.of(1, "b").normal(10, *size, 1)[..., 0],
        "other seed": Stream.of(2, "a").normal(10, *size, 1)[..., 0],
        "child": Stream.of(1, "a").child("x").normal(10, *size, 1)[..., 0],
        "other channel": reference[..., 1],
        "one column on": np.roll(reference[..., 0], 1, axis=1),
        "one row on": np.roll(reference[..., 0], 1, axis=0),
    }
    for name, other in others.items():
        correlation = np.corrcoef(reference[..., 0].ravel(), other.ravel())[0, 1]
        assert abs(correlation) < 0.01, name  # 4.5 standard errors of 200,000 samples


def test_normals_have_the_moments_of_a_standard_normal():
    sample = Stream.of(5, "moments").normal(0, 600, 700, 3).astype(np.float64).ravel()
    n = sample.size
    # Five standard errors of each moment.
    assert abs(sample.mean()) < 5 / np.sqrt(n)
    assert abs((sample**2).mean() - 1) < 5 * np.sqrt(2 / n)
    assert abs((sample**3).mean()) < 5 * np.sqrt(15 / n)
    assert abs((sample**4).mean() - 3) < 5 * np.sqrt(96 / n)
    assert (np.abs(sample) > 4).mean() == pytest.approx(6.33e-5, rel=0.5)
    assert np.isfinite(sample).all()


def test_uniforms_fill_the_open_interval_evenly():
    sample = Stream.of(5, "even").uniform(0, 500, 500, 2)
    assert sample.min() > 0
    assert sample.max() < 1
    counts, _ = np.histogram(sample, bins=64, range=(0, 1))
    expected = sample.size / 64
    assert ((counts - expected) ** 2 / expected).sum() < 63 + 5 * np.sqrt(2 * 63)  # chi square, five standard errors


@pytest.mark.parametrize("mean", [0.3, 4.0, 60.0, 900.0])
def test_poisson_counts_have_their_mean_and_variance(mean):
    counts = np.array([Stream.of(1, "events").poisson(frame, mean) for frame in range(1500)])
    assert counts.mean() == pytest.approx(mean, abs=5 * np.sqrt(mean / 1500))
    assert counts.var() == pytest.approx(mean, rel=0.25)  # five standard errors of a variance of 1,500 draws


def test_no_events_happen_at_a_rate_of_zero():
    assert Stream.of(1, "events").poisson(3, 0.0) == 0
