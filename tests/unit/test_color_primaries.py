"""Matrices between RGB spaces against published ones."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate.color import primaries
from wetgate.spec import UsageError


def test_rec709_matrix_is_that_of_the_srgb_standard() -> None:
    # IEC 61966-2-1 prints four decimals
    published = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    assert np.abs(primaries.rgb_to_xyz("rec709") - published).max() < 5.1e-5


def test_rec2020_luminance_is_that_of_bt2020() -> None:
    # BT.2020-2 Table 4: 0.2627, 0.6780, 0.0593
    assert primaries.rgb_to_xyz("rec2020")[1] == pytest.approx([0.2627, 0.6780, 0.0593], abs=5.1e-5)


def test_ap0_matrix_is_that_of_st_2065_1() -> None:
    published = [[0.9525523959, 0.0, 0.0000936786], [0.3439664498, 0.7281660966, -0.0721325464], [0, 0, 1.0088251844]]
    assert np.abs(primaries.rgb_to_xyz("ap0") - published).max() < 1e-9  # ST 2065-1:2021 prints ten decimals


def test_rec709_to_acescg_is_the_widely_used_bradford_matrix() -> None:
    # ACES CTL (aces-dev, utilities): Rec.709 to AP1 with Bradford
    published = [
        [0.6130974024, 0.3395231462, 0.0473794514],
        [0.0701937225, 0.9163538791, 0.0134523985],
        [0.0206155929, 0.1095697729, 0.8698146342],
    ]
    assert np.abs(primaries.rgb_to_rgb("rec709", "ap1") - published).max() < 1e-7


@pytest.mark.parametrize("adapt", ["bradford", "cat02"])
@pytest.mark.parametrize("name", [n for n in primaries.CHROMATICITIES if n != "ciexyzd65"])
def test_white_stays_white(name: str, adapt: primaries.Adaptation) -> None:
    assert primaries.rgb_to_rgb("ap0", name, adapt) @ np.ones(3) == pytest.approx(np.ones(3), abs=1e-9)


@pytest.mark.parametrize("name", primaries.CHROMATICITIES)
def test_matrix_and_inverse_cancel(name: str) -> None:
    assert primaries.xyz_to_rgb(name) @ primaries.rgb_to_xyz(name) == pytest.approx(np.eye(3), abs=1e-12)


def test_without_adaptation_xyz_is_kept() -> None:
    rgb = np.array([0.3, 0.5, 0.1])
    there = primaries.rgb_to_rgb("ap0", "rec709", "none") @ rgb
    assert primaries.rgb_to_xyz("rec709") @ there == pytest.approx(primaries.rgb_to_xyz("ap0") @ rgb)


def test_a_wrong_name_is_refused_with_the_right_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'rec709'"):
        primaries.rgb_to_xyz("rec70")


def test_a_matrix_leaves_alpha_and_input_alone() -> None:
    random = np.random.default_rng(0)
    image = random.random((5, 7, 4)).astype(np.float32)
    image[0, 0, 3] = np.nan
    before = image.copy()
    result = primaries.apply_matrix(primaries.rgb_to_rgb("rec709", "ap1"), image)
    assert result.dtype == np.float32
    assert result[..., 3].tobytes() == image[..., 3].tobytes()
    assert image.tobytes() == before.tobytes()
    expected = image[..., :3].astype(np.float64) @ primaries.rgb_to_rgb("rec709", "ap1").T
    assert np.abs(result[..., :3] - expected).max() < 3e-7  # three roundings of float32 at 1


def test_a_pixel_does_not_depend_on_its_place() -> None:
    image = np.random.default_rng(1).random((33, 65, 3)).astype(np.float32)
    matrix = primaries.rgb_to_rgb("rec709", "rec2020")
    whole = primaries.apply_matrix(matrix, image)
    assert (primaries.apply_matrix(matrix, image[3:4, 5:6]) == whole[3:4, 5:6]).all()
    assert (primaries.apply_matrix(matrix, image[10:21]) == whole[10:21]).all()
