"""Report ITU-R BT.2446-1 methods A, B and C, and BT.2408 direct mapping, against values worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wetgate.color.curves import hlg_encode
from wetgate.color.hdr import bt2408, bt2446a, bt2446b, bt2446c
from wetgate.color.hdr.lift import Settings, lift

REPORT = 1e-3  # the 0.1 % that the report's values must be met within


def _lifted(method: str, *nits: float, **settings: float) -> list[float]:
    rgb = np.array([nits if len(nits) == 3 else nits * 3], np.float32)
    return [float(v) for v in lift(rgb, Settings(method=method, **settings))[0]]


def _light(signal: float) -> float:
    return 100.0 * signal**2.4


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        # Y'' = 255 * 0.2 = 51 <= 70: E = 1.8712e-5 * 2601 - 2.7334e-3 * 51 + 1.3141 = 1.2233665
        # Y'HDR = 51 ^ 1.2233665 = 122.73945; 1000 * 0.12273945 ^ 2.4 = 6.50972 nits
        (0.2, 6.50972),
        # Y'' = 127.5 > 70: E = 2.8305e-6 * 16256.25 - 7.4622e-4 * 127.5 + 1.2528 = 1.2036703
        # Y'HDR = 127.5 ^ 1.2036703 = 342.24728; 1000 * 0.34224728 ^ 2.4 = 76.2809 nits
        (0.5, 76.2809),
        # Y'' = 255: E = 0.1840533 - 0.1902861 + 1.2528 = 1.2465672; 255 ^ E = 999.80191; 999.5247 nits
        (1.0, 999.5247),
    ],
)
def test_method_a_lifts_greys_as_table_4_has_it(signal: float, expected: float) -> None:
    assert _lifted("bt2446a", _light(signal)) == pytest.approx([expected] * 3, rel=REPORT)


def test_method_a_lifts_a_colour_as_table_4_has_it() -> None:
    # R' = 0.6, G' = 0.4, B' = 0.3. Y' = 0.2627 * 0.6 + 0.6780 * 0.4 + 0.0593 * 0.3 = 0.44661
    # Cb = (0.3 - 0.44661) / 1.8814 = -0.0779260; Cr = (0.6 - 0.44661) / 1.4746 = 0.1040214
    # Y'' = 113.88555; E = 1.2045277; Y'HDR = 299.96693; SC = 1.075 * 299.96693 / 0.44661 = 722.02694
    # R' = 299.96693 + 1.4746 * 0.1040214 * 722.02694 = 410.71864
    # G' = 299.96693 + 0.16455 * 0.0779260 * 722.02694 - 0.57135 * 0.1040214 * 722.02694 = 266.31331
    # B' = 299.96693 - 1.8814 * 0.0779260 * 722.02694 = 194.11056; each 1000 * (x / 1000) ^ 2.4
    lifted = _lifted("bt2446a", _light(0.6), _light(0.4), _light(0.3))
    assert lifted == pytest.approx([118.1698, 41.7775, 19.5577], rel=REPORT)


def test_method_a_follows_table_4_at_every_code_of_8_bit_video() -> None:
    codes = np.arange(1, 256)
    for code in codes:
        a, b, c = (1.8712e-5, -2.7334e-3, 1.3141) if code <= 70 else (2.8305e-6, -7.4622e-4, 1.2528)
        expected = 1000.0 * (float(code) ** (a * code * code + b * code + c) / 1000.0) ** 2.4
        assert _lifted("bt2446a", _light(code / 255.0))[0] == pytest.approx(expected, rel=REPORT), code


def test_method_a_back_to_sdr_follows_tables_2_and_3() -> None:
    # 100 nits of 1,000: Y' = 0.1 ^ (1/2.4) = 0.3831187; rho_HDR = 1 + 32 * 0.1 ^ (1/2.4) = 13.259798
    # Y'p = ln(1 + 12.259798 * 0.3831187) / ln 13.259798 = 0.6731565 <= 0.7399; Y'c = 1.0770 * 0.6731565 = 0.7249895
    # rho_SDR = 1 + 32 * 0.01 ^ (1/2.4) = 5.6969577; Y'SDR = (5.6969577 ^ 0.7249895 - 1) / 4.6969577 = 0.5387479
    # 100 * 0.5387479 ^ 2.4 = 22.66342 nits
    back = bt2446a.hdr_to_sdr(np.array([[100.0, 100.0, 100.0]]))
    assert back[0] == pytest.approx([22.66342] * 3, rel=REPORT)


def test_method_a_at_other_peaks_reaches_that_peak_and_changes_smoothly() -> None:
    for peak in (400.0, 600.0, 2000.0, 4000.0):
        assert _lifted("bt2446a", 100.0, peak=peak)[0] == pytest.approx(peak, rel=1e-3)
    just_over = np.array(_lifted("bt2446a", 20.0, peak=1001.0))
    assert just_over == pytest.approx(np.array(_lifted("bt2446a", 20.0)), rel=2e-3)


@pytest.mark.parametrize(
    ("nits", "expected"),
    [
        (30.0, 35.7987),  # below the inflection: 30 / 0.83802
        # (exp((80 - 78.99439) / 15.09968) + 0.74204) * 58.535 / 0.83802; with the rounded 58.5 it is 126.4146
        (80.0, 126.4903),
        (90.7, 203.4787),  # SDR 96 % to HDR reference white, 203 nits: what the report derives its constants from
        (100.0, 332.5817),
        (110.0, 596.2576),  # a super-white, which the report leaves room for
    ],
)
def test_method_c_lifts_greys_by_the_inverse_of_6_1_4(nits: float, expected: float) -> None:
    assert _lifted("bt2446c", nits) == pytest.approx([expected] * 3, rel=REPORT)


def test_method_c_lifts_a_colour_through_its_crosstalk_matrix() -> None:
    # R, G, B = 95, 85, 70, alpha = 0.05. Crosstalk (0.9, 0.05, 0.05): 93.25, 84.75, 72.0
    # Y = 0.2627 * 93.25 + 0.6780 * 84.75 + 0.0593 * 72.0 = 86.226875
    # YHDR = (exp((86.226875 - 78.99439) / 15.09968) + 0.74204) * 58.535 / 0.83802 = 164.59755
    # x and y stay, so RGB is multiplied by YHDR / Y = 1.9088892, and the inverse matrix undoes the first
    assert _lifted("bt2446c", 95.0, 85.0, 70.0, crosstalk=0.05) == pytest.approx(
        [181.3445, 162.2556, 133.6222], rel=REPORT
    )


def test_method_c_with_its_matrices_written_out_is_the_same() -> None:
    alpha = 0.1
    matrix = (1 - 3 * alpha) * np.eye(3) + alpha
    rgb = np.array([[70.0, 20.0, 50.0], [99.0, 98.0, 80.0], [3.0, 9.0, 1.0]])
    mixed = rgb @ matrix.T
    y = mixed @ [0.2627, 0.6780, 0.0593]
    raised = np.where(y < 58.535, y / 0.83802, (np.exp((y - 78.99439) / 15.09968) + 0.74204) * 58.535 / 0.83802)
    expected = (mixed * (raised / y)[:, None]) @ np.linalg.inv(matrix).T
    np.testing.assert_allclose(lift(rgb, Settings(method="bt2446c", crosstalk=alpha)), expected, rtol=REPORT)


def test_method_c_constants_follow_from_what_the_report_says_they_mean() -> None:
    made = bt2446c.constants(1000.0)
    printed = [round(v, 5) for v in (made.k1, made.k2, made.k3, made.k4)]
    assert printed == [0.83802, 15.09968, 0.74204, 78.99439]
    assert printed == [bt2446c.REPORT.k1, bt2446c.REPORT.k2, bt2446c.REPORT.k3, bt2446c.REPORT.k4]
    other = bt2446c.constants(4000.0)
    reference = bt2446c.hdr_to_sdr(np.full((1, 3), 4000.0 * 0.26496**1.4528594), 4000.0, 0.0)
    assert other.k1 < made.k1
    # HLG 75 % on a 4,000-nit display, gamma 1.2 * 1.111^2 outside BT.2100's range: within 2 % of SDR 96 % all the same
    assert reference[0, 0] == pytest.approx(_light(0.96), rel=0.02)


def test_method_b_keeps_its_constraints() -> None:
    # Unity gradient up to 78 %: the virtual display (291 nits, gamma 1.03) shows SDR's own light.
    for signal in (0.1, 0.4, 0.78):
        lifted = _lifted("bt2446b", _light(signal))[0]
        virtual = 291.0 * (lifted / 1000.0) ** (1.03 / 1.2)
        assert virtual == pytest.approx(_light(signal), rel=REPORT)
    # SDR 90 % near HLG 75 %, SDR 109 % at HLG 100 %, SDR white well under the peak.
    near = hlg_encode(np.array([_lifted("bt2446b", _light(0.90))]))[0, 0]
    assert near == pytest.approx(0.75, abs=0.035)
    assert hlg_encode(np.array([_lifted("bt2446b", _light(1.09))]))[0, 0] == pytest.approx(1.0, abs=1e-3)
    assert 300.0 < _lifted("bt2446b", 100.0)[0] < 600.0


def test_method_b_keeps_chromaticity() -> None:
    lifted = np.array(_lifted("bt2446b", 90.0, 60.0, 30.0))
    np.testing.assert_allclose(lifted / lifted[0], [1.0, 2 / 3, 1 / 3], rtol=1e-5)


def test_direct_mapping_is_one_gain() -> None:
    assert _lifted("bt2408", 100.0) == pytest.approx([203.0] * 3)
    assert _lifted("bt2408", 10.0, 20.0, 0.0) == pytest.approx([20.3, 40.6, 0.0])
    assert _lifted("bt2408", 50.0, diffuse_white=100.0) == pytest.approx([50.0] * 3)


def test_the_reports_own_ways_back_undo_the_lifts_where_they_are_inverses() -> None:
    rgb = np.array([[80.0, 60.0, 10.0], [100.0, 100.0, 100.0], [2.0, 1.0, 0.5]])
    ways = {"bt2446b": bt2446b.hdr_to_sdr, "bt2446c": bt2446c.hdr_to_sdr, "bt2408": bt2408.hdr_to_sdr}
    for method, back in ways.items():
        np.testing.assert_allclose(back(lift(rgb, Settings(method=method))), rgb, rtol=1e-4)


def test_knee_of_table_2_solves_back() -> None:
    x = np.linspace(0.0, 1.0, 1001)
    x = x[(x < 0.7385) | (x > 0.7405)]  # not in the gap between the report's first two arms
    np.testing.assert_allclose(bt2446a._knee_inverse(bt2446a._knee(x)), x, atol=2e-4)
    assert math.isclose(float(bt2446a._knee(np.array([1.0]))[0]), 1.0)
