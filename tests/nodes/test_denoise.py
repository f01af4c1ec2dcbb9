"""Denoise: what it takes out, what it may not touch, and time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wetgate
import wetgate.nodes
from support.pictures import scene
from wetgate.ops.noise_model import MOST_DEVIATIONS, ShotNoise
from wetgate.spec import Context, Frame, Image, Window, registry

NODE = registry.get("denoise")
SPACE = "sRGB - Texture"
SIGMA = 0.06


def _clean(shift: float = 0.0, size: tuple[int, int] = (160, 112)) -> Image:
    return np.asarray(np.clip(scene(*size, shift=shift), 0, 1) * 0.8 + 0.1, np.float32)


def _noisy(clean: Image, number: int, sigma: float = SIGMA) -> Frame:
    noise = np.random.default_rng(number).normal(0, sigma, clean.shape)
    return Frame((clean + noise).astype(np.float32), SPACE, number)


def _run(frames: list[Frame], **params: Any) -> list[Frame]:
    made: list[Frame] = wetgate.run_node(NODE, frames, **params)
    return made


def _psnr(a: Image, b: Image) -> float:
    return float(-10 * np.log10(np.mean(np.square(a.astype(np.float64) - b))))


def test_noise_told_by_hand_is_taken_out() -> None:
    clean = _clean()
    (made,) = _run([_noisy(clean, 1)], sigma=SIGMA * 255)
    # The input has 24.4 dB; 4 dB more is far from what the network reaches, and far from nothing.
    assert _psnr(made.rgb, clean) > _psnr(_noisy(clean, 1).rgb, clean) + 4


def test_every_network_of_the_choice_takes_noise_out_and_each_in_its_own_way() -> None:
    clean = _clean()
    shot = [_noisy(clean, 1)]
    made = {tier: _run(shot, sigma=SIGMA * 255, tier=tier)[0].rgb for tier in ("draft", "fast", "fine")}
    levels = {tier: _psnr(rgb, clean) for tier, rgb in made.items()}
    assert min(levels.values()) > _psnr(shot[0].rgb, clean) + 4
    assert levels["draft"] > levels["fast"] - 0.3  # eight bits lose 0.05 dB on photographs
    assert len({rgb.tobytes() for rgb in made.values()}) == 3


def test_a_project_of_the_first_version_keeps_the_fast_network() -> None:
    assert NODE.values({}, version=1)["tier"] == "fast"
    assert NODE.takes_analysis_of(1)


def test_neighbouring_frames_make_a_moving_shot_cleaner_than_each_frame_alone() -> None:
    clean = [_clean(shift=1.5 * i) for i in range(5)]
    shot = [_noisy(c, i) for i, c in enumerate(clean)]
    alone = _run(shot, sigma=SIGMA * 255, temporal=0.0, coherence=0.0)[2]
    together = _run(shot, sigma=SIGMA * 255)[2]
    assert _psnr(together.rgb, clean[2]) > _psnr(alone.rgb, clean[2]) + 1


def test_a_thing_that_jumps_leaves_no_ghost() -> None:
    background = np.full((96, 160, 3), 0.3, np.float32)
    shot = []
    for i in range(5):
        picture = background.copy()
        picture[30:60, 10 + 30 * i : 25 + 30 * i] = 0.9
        shot.append(_noisy(picture, i, 0.04))
    made = _run(shot, sigma=0.04 * 255)[2].rgb
    for i in (0, 1, 3, 4):  # where it stood in the other frames: half a deviation of the noise would be a shadow
        assert abs(float(made[32:58, 12 + 30 * i : 23 + 30 * i].mean()) - 0.3) < 0.02


def test_a_frame_is_the_same_from_any_start() -> None:
    shot = [_noisy(_clean(shift=1.0 * i), i) for i in range(8)]
    whole = _run(shot, sigma=SIGMA * 255)
    part = _run(shot[1:8], sigma=SIGMA * 255)
    assert NODE.reach(NODE.make()) == 3  # two of its own window, and one whose result steadies it
    assert np.array_equal(whole[4].pixels, part[3].pixels)


def test_no_pixel_changes_by_more_than_the_noise_explains() -> None:
    frame = _noisy(_clean(), 3)
    pixels = frame.pixels.copy()
    pixels[50, 60] = 3.0  # a hot pixel: not noise of this strength, so it is not the denoiser's to take
    noise = ShotNoise.white(SIGMA)
    made = _run([Frame(pixels, SPACE, 3)], sigma=SIGMA * 255)[0]
    assert np.abs(made.rgb - pixels).max() <= MOST_DEVIATIONS * noise.deviation_of(pixels).max() * 1.001
    assert made.rgb[50, 60].min() > 2.5


def test_lamps_and_light_below_black_come_through() -> None:
    pixels = _noisy(_clean(), 4).pixels.copy()
    pixels[20:60, 20:60], pixels[70:90, 20:60] = 40.0, -0.4
    made = _run([Frame(pixels, "ACEScg", 4)], sigma=SIGMA * 255)[0].rgb
    assert np.abs(made[25:55, 25:55] - 40.0).max() < MOST_DEVIATIONS * SIGMA
    assert np.abs(made[75:85, 25:55] + 0.4).max() < MOST_DEVIATIONS * SIGMA


@pytest.mark.parametrize("name", ["-0.5 to 0.5", "-0.5 to 2", "0 to 1000"])
def test_a_flat_ramp_of_any_light_is_neither_shifted_nor_banded(name: str) -> None:
    deviation, x = 0.02, np.linspace(0, 1, 384)
    light = {
        "-0.5 to 0.5": x - 0.5,
        "-0.5 to 2": 2.5 * x - 0.5,
        "0 to 1000": 0.18 * np.sinh(x * np.arcsinh(1000 / 0.18)),
    }
    clean = (light[name][None, :, None] * np.ones((96, 1, 3))).astype(np.float32)
    noise = np.random.default_rng(1).normal(0, deviation, clean.shape).astype(np.float32)
    frame = Frame(clean + noise, "ACEScg", 1)
    (made,) = _run([frame], sigma=deviation * 255, temporal=0.0, coherence=0.0)
    # Means of the 96 rows of each column, in deviations of the noise: the input's own are 0.1. Seen: a shift of 0.02,
    # of 0.18 over 32 columns where light is below -0.3, which the network was not shown, and 0.06 to 0.09 by column.
    left, given = ((f.rgb - clean).mean(axis=0) / deviation for f in (made, frame))
    assert abs(left.mean()) < 0.05
    assert max(np.abs(np.convolve(left[:, c], np.ones(32) / 32, "valid")).max() for c in range(3)) < 0.3
    assert left.std() < given.std()  # bands would add to it


def test_where_there_is_no_noise_the_picture_comes_back_bit_for_bit() -> None:
    flat = Frame(np.full((64, 64, 3), 0.25, np.float32), SPACE, 1)
    assert np.array_equal(_run([flat])[0].pixels, flat.pixels)


def test_results_fused_along_motion_shimmer_less_and_stay_within_the_bound() -> None:
    shot = [_noisy(_clean(shift=1.5 * i), i) for i in range(5)]
    alone, fused = (_run(shot, sigma=SIGMA * 255, temporal=0.0, coherence=c) for c in (0.0, 1.0))
    still = [f.rgb - _clean(shift=1.5 * i) for i, f in enumerate(alone)]
    steady = [f.rgb - _clean(shift=1.5 * i) for i, f in enumerate(fused)]
    # Errors of neighbouring frames along the motion of 1.5 pixels: two frames on it is whole.
    apart = [float(np.square(e[3][:, 3:] - e[1][:, :-3]).mean()) for e in (still, steady)]
    assert apart[1] < 0.65 * apart[0]  # 4/9 over 2 where all is followed; borders and the edges of things are not
    assert np.square(steady[2]).mean() < np.square(still[2]).mean()
    noise = ShotNoise.white(SIGMA)
    for made, given in zip(fused, shot, strict=True):
        assert (np.abs(made.rgb - given.rgb) <= MOST_DEVIATIONS * noise.deviation_of(given.rgb) * 1.001).all()


def test_a_project_of_the_first_version_is_worked_frame_by_frame() -> None:
    assert NODE.values({}, 1)["coherence"] == 0.0
    assert NODE.values({}, 1)["coherence_radius"] == 0
    assert NODE.analysed_since == 1


def test_film_grain_stays_unless_it_is_asked_for() -> None:
    frame = _noisy(_clean(), 5)
    results = NODE.make().analyze(_Shot([frame]), Context())
    results["verdict"] = {"origin": "grain"}

    def rendered(**params: Any) -> Image:
        node = NODE.make({"temporal": 0.0, **params})
        ctx = Context(analysis=results)
        made = node.render(Window((frame,), prepared=(frame,)), ctx)
        return np.asarray(node.finish(frame, made, ctx).frame.rgb)

    assert np.array_equal(rendered(), frame.rgb)
    half, none = rendered(keep_grain=0.5), rendered(keep_grain=0.0)
    assert np.abs(none - frame.rgb).mean() == pytest.approx(2 * np.abs(half - frame.rgb).mean(), rel=1e-3)


def test_grain_that_is_kept_in_a_steadied_shot_is_the_frame_s_own() -> None:
    shot = [_noisy(_clean(shift=1.5 * i), i) for i in range(5)]
    full, half = (_run(shot, sigma=SIGMA * 255, strength=s)[2].rgb for s in (1.0, 0.5))
    assert np.abs(half - (full + shot[2].rgb) / 2).max() < 1e-5


def test_the_bound_tells_a_result_that_took_too_much() -> None:
    frame = _noisy(_clean(), 6)
    node = NODE.make({"sigma": SIGMA * 255})
    made = _run([frame], sigma=SIGMA * 255)[0]
    assert node.bound(frame, made, Context()).ok
    assert not node.bound(frame, made.with_rgb(np.full_like(made.rgb, 0.5)), Context()).ok


class _Shot:
    """A shot of frames in memory."""

    def __init__(self, frames: list[Frame]) -> None:
        self._frames = {f.number: f for f in frames}
        self.numbers = sorted(self._frames)
        self.cuts: tuple[int, ...] = ()

    def __iter__(self) -> Any:
        return iter(self._frames.values())

    def __getitem__(self, number: int) -> Frame:
        return self._frames[number]

    def __len__(self) -> int:
        return len(self._frames)
