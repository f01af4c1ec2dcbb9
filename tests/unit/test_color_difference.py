"""Colour differences against published pairs, and the spaces they are measured in."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate.color import ictcp
from wetgate.color.difference import delta_e_2000, delta_e_itp, xyz_to_lab
from wetgate.color.primaries import rgb_to_xyz

# G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula: implementation notes, supplementary test data,
# and mathematical observations", Color Research and Application 30 (2005), Table 1: L a b, L a b, dE00.
SHARMA = np.array(
    [
        [50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425],
        [50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615],
        [50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412],
        [50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669],
        [50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461],
        [50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065],
        [50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492],
        [50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977],
        [50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030],
        [50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000],
        [60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644],
        [63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630],
        [61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731],
        [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
        [22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373],
        [36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146],
        [90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441],
        [90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381],
        [6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377],
        [2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082],
    ]
)


def test_ciede2000_gives_the_34_published_differences() -> None:
    got = delta_e_2000(SHARMA[:, :3], SHARMA[:, 3:6])
    assert np.abs(got - SHARMA[:, 6]).max() <= 5.01e-5  # the table has four decimals


def test_ciede2000_does_not_care_which_colour_comes_first() -> None:
    random = np.random.default_rng(3)
    a = random.random((2000, 3)) * [100, 200, 200] - [0, 100, 100]
    b = a + random.normal(size=a.shape) * 5
    assert delta_e_2000(a, b) == pytest.approx(delta_e_2000(b, a), rel=1e-9, abs=1e-12)
    assert (delta_e_2000(a, a) == 0).all()


def test_ciede2000_works_long_arrays_as_short_ones() -> None:
    random = np.random.default_rng(4)
    a = (random.random((300, 257, 3)) * 100).astype(np.float32)  # more than one chunk
    b = a[::-1].copy()
    whole = delta_e_2000(a, b)
    assert whole.shape == (300, 257)
    assert whole.dtype == np.float32
    assert (whole[299] == delta_e_2000(a[299], b[299])).all()


def test_lab_of_white_is_100_and_of_mid_grey_50() -> None:
    white = rgb_to_xyz("rec709") @ np.ones(3)
    assert xyz_to_lab(white, white) == pytest.approx([100.0, 0.0, 0.0], abs=1e-12)
    # CIE 15:2018: L* = 116 Y^(1/3) - 16, so L* of 50 is Y of (66 / 116)^3
    assert xyz_to_lab(white * (66 / 116) ** 3, white)[0] == pytest.approx(50.0)


def test_lab_follows_its_line_through_black() -> None:
    white = np.array([0.95, 1.0, 1.09])
    # CIE 15:2018, below (6/29)^3: L* = 903.2963 Y
    assert xyz_to_lab(white * 0.001, white)[0] == pytest.approx(0.9032963)
    assert xyz_to_lab(white * -0.001, white)[0] == pytest.approx(-0.9032963)


def test_ictcp_of_grey_has_no_chroma() -> None:
    grey = np.repeat(np.geomspace(0.01, 10000, 100)[:, None], 3, axis=1)
    result = ictcp.rec2020_to_ictcp(grey)
    assert np.abs(result[:, 1:]).max() < 1e-12  # rows of the two matrices sum to 1 and 0
    assert result[-1, 0] == pytest.approx(1.0)


def test_ictcp_of_a_red_worked_by_hand() -> None:
    # BT.2100-2 Table 7 for R = 100 nits: L = 41.2109, M = 16.6748, S = 2.4170 nits; PQ 0.422065, 0.341474, 0.199687
    result = ictcp.rec2020_to_ictcp(np.array([100.0, 0.0, 0.0]))
    assert result == pytest.approx([0.3817697, -0.1123606, 0.3716381], abs=2e-7)  # seven digits were carried


def test_ictcp_gives_light_back_even_below_zero() -> None:
    random = np.random.default_rng(5)
    nits = random.random((5000, 3)) * 1000 - 5
    assert ictcp.ictcp_to_rec2020(ictcp.rec2020_to_ictcp(nits)) == pytest.approx(nits, rel=1e-6, abs=1e-6)


def test_itp_difference_is_720_times_a_step_in_i() -> None:
    # BT.2124-0: grey differs in I alone, so dE is 720 times the difference of the PQ codes of 100 and 203 nits
    a, b = np.full(3, 100.0), np.full(3, 203.0)
    assert delta_e_itp(a, b) == pytest.approx(720.0 * (0.58068888 - 0.50807842), rel=1e-6)


def test_itp_difference_counts_ct_by_half() -> None:
    a, b = np.array([[100.0, 50.0, 20.0]]), np.array([[90.0, 55.0, 25.0]])
    step = ictcp.rec2020_to_ictcp(a) - ictcp.rec2020_to_ictcp(b)
    expected = 720.0 * np.sqrt(step[0, 0] ** 2 + (0.5 * step[0, 1]) ** 2 + step[0, 2] ** 2)
    assert delta_e_itp(a, b) == pytest.approx([expected])
