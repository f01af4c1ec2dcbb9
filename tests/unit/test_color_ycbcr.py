"""Stream planes to R'G'B' and back: matrices, ranges and chroma filters."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate.color import chroma, ycbcr
from wetgate.spec import UsageError

SUBSAMPLINGS = [(1, 1), (2, 1), (2, 2), (4, 1)]


def test_bt709_red_has_the_codes_of_the_hd_colour_bars() -> None:
    # BT.709 limited 8 bits, R = 1: Y = 16 + 219 * 0.2126 = 62.56, Cb = 128 - 224 * 0.2126 / 1.8556 = 102.34, Cr = 240
    layout = ycbcr.Layout(1, ycbcr.Quantisation(8, full=False))
    codes = [float(plane[0, 0]) for plane in layout.codes(np.array([[[1.0, 0.0, 0.0]]], np.float32))]
    assert codes == pytest.approx([62.5594, 102.3362, 240.0], abs=1e-3)


@pytest.mark.parametrize(
    ("bits", "full", "black", "white", "grey"),
    # BT.2100-2 Table 9
    [(8, False, 16, 235, 128), (10, False, 64, 940, 512), (12, False, 256, 3760, 2048), (10, True, 0, 1023, 512)],
)
def test_ranges_are_those_of_bt2100(bits: int, full: bool, black: int, white: int, grey: int) -> None:
    q = ycbcr.Quantisation(bits, full)
    assert q.code(np.array([0.0, 1.0])).tolist() == [black, white]
    assert q.code(np.array([0.0]), chroma=True).tolist() == [grey]
    assert q.value(np.array([black, white], np.uint16)).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("matrix", [1, 4, 5, 6, 7, 9])
def test_grey_has_no_chroma_and_colours_come_back(matrix: int) -> None:
    forward = ycbcr.rgb_to_ycbcr_matrix(matrix)
    assert forward @ np.ones(3) == pytest.approx([1.0, 0.0, 0.0], abs=1e-12)
    assert np.abs(forward[1:]).max() == 0.5
    rgb = np.random.default_rng(0).random((50, 3)) * 2 - 0.5
    assert ycbcr.rgb_from_ycbcr(ycbcr.ycbcr_from_rgb(rgb, matrix), matrix) == pytest.approx(rgb, abs=1e-12)


@pytest.mark.parametrize("matrix", [2, 3, 8, 10, 14])
def test_a_matrix_that_cannot_be_worked_is_refused_by_name(matrix: int) -> None:
    assert not ycbcr.matrix_known(matrix)
    with pytest.raises(UsageError, match=f"matrix_coefficients {matrix} .*allowed: 0 identity"):
        ycbcr.luma_weights(matrix)


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("siting", chroma.SITINGS)
@pytest.mark.parametrize("shape", [(16, 24), (17, 23), (1, 1), (3, 2), (5, 1)])
def test_every_code_of_a_stream_comes_back(
    bits: int, subsampling: tuple[int, int], siting: chroma.Siting, shape: tuple[int, int]
) -> None:
    random = np.random.default_rng(bits)
    across, down = subsampling
    small = (-(-shape[0] // down), -(-shape[1] // across))
    y, cb, cr = (random.integers(0, 2**bits, s).astype(np.uint16) for s in (shape, small, small))
    for full in (False, True):
        layout = ycbcr.Layout(9, ycbcr.Quantisation(bits, full), subsampling, siting)
        again = [ycbcr.quantise(plane, bits) for plane in layout.codes(layout.rgb(y, cb, cr))]
        assert [outside for _, outside in again] == [0, 0, 0]
        for got, sent in zip(again, (y, cb, cr), strict=True):
            assert (got[0] == sent).all()


def test_super_whites_and_sub_blacks_survive() -> None:
    layout = ycbcr.Layout(1, ycbcr.Quantisation(10, full=False), (2, 2))
    y = np.array([[4, 1019], [64, 940]], np.uint16)
    grey = np.full((1, 1), 512, np.uint16)
    rgb = layout.rgb(y, grey, grey)
    assert rgb[0, 1] == pytest.approx(np.full(3, (1019 - 64) / 876), rel=1e-6)
    assert rgb[0, 0] == pytest.approx(np.full(3, (4 - 64) / 876), rel=1e-6)


def test_gbr_planes_are_taken_in_their_order() -> None:
    layout = ycbcr.Layout(0, ycbcr.Quantisation(8, full=True))
    g, b, r = (np.full((2, 2), v, np.uint8) for v in (51, 102, 255))
    rgb = layout.rgb(g, b, r)
    assert rgb[0, 0] == pytest.approx([1.0, 0.2, 0.4], abs=1e-7)
    assert [int(plane[0, 0]) for plane in layout.codes(rgb)] == [51, 102, 255]


@pytest.mark.parametrize("siting", chroma.SITINGS)
def test_a_straight_ramp_is_placed_where_the_siting_says(siting: chroma.Siting) -> None:
    # the ramp's value is its place in luma samples; a chroma sample holds the place that it is sited at
    cosited_x, cosited_y = {"left": (1, 0), "center": (0, 0), "topleft": (1, 1), "top": (0, 1)}[siting]
    x = np.arange(20) * 2 + (0 if cosited_x else 0.5)
    y = np.arange(16) * 2 + (0 if cosited_y else 0.5)
    plane = (x[None, :] + 100 * y[:, None]).astype(np.float32)
    up = chroma.upsample(plane, (32, 40), (2, 2), siting)
    expected = np.arange(40)[None, :] + 100 * np.arange(32)[:, None]
    inner = np.s_[6:-6, 6:-6]  # edges repeat, which is no ramp
    assert np.abs(up - expected)[inner].max() < 1e-2  # float32 at 3,200
    down = chroma.downsample(expected.astype(np.float32), (2, 2), siting)
    assert np.abs(down - plane)[3:-3, 3:-3].max() < 1e-2


@pytest.mark.parametrize("siting", chroma.SITINGS)
def test_reducing_damps_the_finest_detail(siting: chroma.Siting) -> None:
    checks = (np.indices((32, 32)).sum(axis=0) % 2).astype(np.float32)
    small = chroma.downsample(checks, (2, 2), siting)
    assert np.abs(small - 0.5)[3:-3, 3:-3].max() < 1e-6


@pytest.mark.parametrize("siting", chroma.SITINGS)
def test_flat_chroma_stays_flat_to_the_bit(siting: chroma.Siting) -> None:
    flat = np.full((5, 7), 0.125, np.float32)
    assert (chroma.upsample(flat, (9, 13), (2, 2), siting) == 0.125).all()


def test_planes_of_a_wrong_size_are_refused() -> None:
    with pytest.raises(UsageError, match="chroma plane of 5x4 does not belong to luma of 8x8"):
        chroma.upsample(np.zeros((4, 5), np.float32), (8, 8), (2, 2), "left")
    with pytest.raises(UsageError, match="4:4:4"):
        ycbcr.Layout(0, ycbcr.Quantisation(8, full=True), (2, 2)).rgb(*[np.zeros((2, 2))] * 3)


def test_quantising_counts_what_does_not_fit() -> None:
    codes, outside = ycbcr.quantise(np.array([-0.4, -0.6, 254.6, 255.4, 255.6, np.nan, 100.5]), 8)
    assert codes.tolist() == [0, 0, 255, 255, 255, 0, 101]
    assert codes.dtype == np.uint8
    assert outside == 3
