"""The demo's shot: repeatable, moving, scene-linear with real highlights, and an SDR grade that clips them."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate.ops.flow import dense_flow
from wetgate.spec import UsageError
from wetgate.surfaces.demo.scene import Scene, graded_sdr


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(320, 180)


def luma(picture: np.ndarray) -> np.ndarray:
    return graded_sdr(picture).mean(axis=2).astype(np.float32)


def test_the_shot_is_the_same_from_any_scene_and_in_any_order(scene: Scene) -> None:
    later, first = scene.frame(9), scene.frame(0)
    again = Scene(320, 180)
    assert np.array_equal(again.frame(0), first)
    assert np.array_equal(again.frame(9), later)


def test_light_is_scene_linear_with_highlights_far_above_white_and_mid_tones_about_mid_grey(scene: Scene) -> None:
    picture = scene.frame(0)
    assert picture.dtype == np.float32
    assert picture.shape == (180, 320, 3)
    assert np.isfinite(picture).all()
    assert picture.min() >= 0
    assert picture.max() > 50  # the sun
    assert 0.003 < (picture.max(axis=2) > 2).mean() < 0.10  # highlights are small, as they are outdoors
    assert 0.05 < np.median(picture) < 0.30
    saturated = picture[(picture.max(axis=2) > 4) & (picture.min(axis=2) < 0.4 * picture.max(axis=2))]
    assert len(saturated) > 20  # neon and tungsten: coloured highlights, not only white ones


def test_the_camera_pans_and_near_things_move_more_than_far_ones(scene: Scene) -> None:
    a, b = scene.frame(0), scene.frame(12)
    flow = dense_flow(luma(a), luma(b))[..., 0]
    sky, quay = flow[58:82, 66:112], flow[150:176, 110:180]
    assert np.median(sky) == pytest.approx(-13 / 2 * 180 / 540, abs=0.5)  # pan of 13 units a second, half a second
    assert np.median(quay) < np.median(sky) - 1.0


def test_things_move_by_themselves_boat_water_and_gulls(scene: Scene) -> None:
    a, b = scene.frame(5), scene.frame(6)
    water = np.abs(luma(a) - luma(b))[95:130, 20:220]
    assert water.mean() > 0.004
    still = np.abs(luma(a) - luma(b))[5:20, 180:220]
    assert still.mean() < 0.004


def test_the_sdr_grade_clips_highlights_channel_by_channel_and_rises_with_the_light() -> None:
    ramp = np.geomspace(1e-3, 100, 400, dtype=np.float32)[:, None].repeat(3, 1)[None]
    code = graded_sdr(ramp)[0, :, 0]
    assert (np.diff(code) >= 0).all()
    assert code[0] > 0
    assert code[-1] == pytest.approx(1.0, abs=1e-6)
    assert (code[ramp[0, :, 0] > 3.0 / 1.55] >= 1 - 1e-6).all()  # the shoulder ends at 3.0 after 1.55 of exposure
    assert np.abs(np.diff(code)).max() < 0.02  # 80 steps a decade: no jump at the knee


def test_the_graded_footage_is_clipped_somewhere_and_not_everywhere(scene: Scene) -> None:
    graded = graded_sdr(scene.frame(3))
    assert graded.min() >= 0
    assert graded.max() == pytest.approx(1.0, abs=1e-6)
    assert 0.01 < (graded >= 0.9999).any(axis=2).mean() < 0.12


@pytest.mark.parametrize(("width", "height"), [(64, 36), (161, 91), (256, 120)])
def test_the_scene_can_be_painted_at_other_sizes(width: int, height: int) -> None:
    picture = Scene(width, height).frame(2)
    assert picture.shape == (height, width, 3)
    assert np.isfinite(picture).all()
    assert picture.max() > 10


def test_a_size_that_cannot_be_painted_is_refused_with_what_can() -> None:
    for size in ((32, 18), (540, 960)):
        with pytest.raises(UsageError, match="64x36 or more"):
            Scene(*size)
