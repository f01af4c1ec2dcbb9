"""How coarsely a picture was quantised, in one unit for all codecs."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate.ops.quantiser import (
    UNKNOWN,
    h264_step,
    in_values,
    jpeg_step,
    mpeg_step,
    network_quantiser,
)
from wetgate.spec import UsageError

# ITU-T T.81, Table K.1: the luma table of quality 50, first five rows and columns.
ANNEX_K = [[16, 11, 10, 16, 24], [12, 12, 14, 19, 26], [14, 13, 16, 24, 40], [14, 17, 22, 29, 51], [18, 22, 37, 56, 68]]


def luma_table(scale: float) -> np.ndarray:
    table = np.full((8, 8), 99.0)
    table[:5, :5] = ANNEX_K
    return np.maximum(np.round(table * scale), 1)


def test_the_step_of_a_jpeg_is_that_of_its_low_frequencies() -> None:
    # Zigzag: 11 12 14 12 10 16 14 13 14.
    assert jpeg_step(luma_table(1)) == pytest.approx(116 / 9)
    assert jpeg_step(luma_table(5)) == pytest.approx(5 * 116 / 9)
    with pytest.raises(UsageError, match="64"):
        jpeg_step(np.ones(63))


def test_the_step_of_h264_doubles_every_six_and_is_one_code_at_4() -> None:
    assert h264_step(4) == pytest.approx(0.992, abs=0.001)
    assert h264_step(37) / h264_step(31) == pytest.approx(2)
    assert np.allclose(h264_step(np.array([0, 6, 51])), [0.625, 1.25, 226.3], rtol=1e-3)


def test_the_chroma_of_h264_is_quantised_more_finely_at_high_qp() -> None:
    assert h264_step(29, chroma=True) == h264_step(29)
    assert h264_step(51, chroma=True) == h264_step(39)
    assert h264_step(40, chroma=True, chroma_offset=-10) == h264_step(29)


def test_steps_are_in_the_values_of_the_range_that_the_stream_has() -> None:
    assert in_values(25.5, full_range=True) == pytest.approx(0.1)
    assert in_values(mpeg_step(21.9), full_range=False) == pytest.approx(0.1)
    assert in_values(22.4, full_range=False, chroma=True) == pytest.approx(0.1)
    assert in_values(UNKNOWN, full_range=True) == UNKNOWN


def test_the_network_is_told_unknown_apart_from_uncompressed() -> None:
    told = network_quantiser(np.array([UNKNOWN, 0, 0.01, 0.25]))
    assert told.dtype == np.float32
    assert told[0] < 0
    assert told[1:].tolist() == pytest.approx([0, 0.1, 0.5])
