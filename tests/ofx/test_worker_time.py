"""Neighbouring frames, saved versions and render scale: what a request says of them is what the node sees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from support.compare import assert_pixels_match
from support.engine_nodes import declared
from support.local_worker import Local
from support.pictures import scene
from wetgate.engine.direct import run_node
from wetgate.spec import Context, Frame, Image, ModelError, Result, Window, node, param, registry
from wetgate.surfaces.worker.messages import Code
from wetgate.surfaces.worker.peer_lane import Ask, Given, LanePeer, Refused

SPACE = "ACEScg"
SHOT = {n: np.random.default_rng(n).random((5, 7, 3), np.float32) for n in range(10, 16)}


@pytest.fixture
def lane() -> Iterator[LanePeer]:
    with declared():
        local = Local()
        made = local.lane()
        yield made
        made.close()
        local.close()


def engine(name: str, number: int, numbers: list[int], **values: object) -> Image:
    """The frame as the engine makes it of a shot that has these frames alone."""
    frames = [Frame(SHOT[n], SPACE, n) for n in numbers]
    made: list[Frame] = run_node(registry.get(name), frames, **values)
    return made[numbers.index(number)].pixels


def around(number: int, reach: int, last: int = 15) -> list[Given]:
    """The Source pictures number-reach..number+reach as a host gives them, edge frames repeated."""
    wanted = range(number - reach, number + reach + 1)
    return [
        Given(SHOT[min(max(n, 10), last)], time=float(min(max(n, 10), last)), repeated=not 10 <= n <= last)
        for n in wanted
    ]


@pytest.mark.parametrize("number", [10, 11, 13, 15])
def test_a_window_holds_the_neighbours_and_repeats_the_edges_of_the_shot(lane: LanePeer, number: int) -> None:
    ask = Ask("t_mean", {"radius": 2}, time=float(number), input_space=SPACE)
    answer = lane.render(ask, around(number, 2))
    assert_pixels_match(answer.pixels, engine("t_mean", number, list(SHOT), radius=2))


def test_more_frames_than_the_node_looks_at_change_nothing(lane: LanePeer) -> None:
    ask = Ask("t_mean", {"radius": 1}, time=12.0, input_space=SPACE)
    assert_pixels_match(lane.render(ask, around(12, 2)).pixels, engine("t_mean", 12, list(SHOT), radius=1))


def test_a_host_that_gives_no_other_times_has_a_shot_of_one_frame(lane: LanePeer) -> None:
    ask = Ask("t_mean", {"radius": 2}, time=12.0, input_space=SPACE)
    assert_pixels_match(lane.render(ask, around(12, 0)).pixels, engine("t_mean", 12, [12], radius=2))


def test_results_are_fused_in_a_host_as_in_a_batch(lane: LanePeer) -> None:
    shot = [Frame(scene(48, 40, shift=1.0 * i), SPACE, 10 + i) for i in range(5)]
    whole: list[Frame] = run_node(registry.get("t_shimmer"), shot)
    given = [Given(f.pixels, time=float(f.number)) for f in shot]
    assert_pixels_match(lane.render(Ask("t_shimmer", time=12.0, input_space=SPACE), given).pixels, whole[2].pixels)
    # A host without access to other times, or one that gives the same picture for all of them, has nothing to fuse.
    (alone,) = run_node(registry.get("t_shimmer"), shot[2:3])
    same = [replace(given[2], time=float(t)) for t in range(10, 15)]
    for pictures in (given[2:3], same):
        made = lane.render(Ask("t_shimmer", time=12.0, input_space=SPACE), pictures)
        assert_pixels_match(made.pixels, alone.pixels)


def test_neighbours_of_another_size_fail_the_frame_and_not_the_lane(lane: LanePeer) -> None:
    ask = Ask("t_mean", {"radius": 1}, time=12.0, input_space=SPACE)
    pictures = around(12, 1)
    with pytest.raises(Refused, match="differ in size") as refused:
        lane.render(ask, [*pictures[:2], replace(pictures[2], pixels=SHOT[13][:3])])
    assert refused.value.code is Code.FRAME
    assert lane.render(ask, pictures).picture == 3


def test_untouched_pixels_keep_their_bits_through_the_hops(lane: LanePeer) -> None:
    source = SHOT[10]
    answer = lane.render(Ask("t_half", input_space="rec1886_rec709_display", time=10.0), [Given(source)])
    assert_pixels_match(answer.pixels[:, 4:], source[:, 4:])
    assert not np.array_equal(answer.pixels, source)


def test_a_node_that_wants_an_analysis_and_has_none_says_so(lane: LanePeer) -> None:
    with pytest.raises(Refused, match="needs its analysis") as refused:
        lane.render(Ask("t_level", input_space=SPACE, time=10.0), [Given(SHOT[10])])
    assert refused.value.code is Code.USAGE


def test_an_analysis_over_the_hosts_frames_is_the_engines(lane: LanePeer) -> None:
    ask = Ask("t_level", input_space=SPACE, time=11.0)
    text, _ = lane.analyse(ask, 10, 15, lambda n: Given(SHOT[n], time=float(n)))
    answer = lane.render(replace(ask, analysis=text), [Given(SHOT[11])])
    assert_pixels_match(answer.pixels, engine("t_level", 11, list(SHOT)))


def test_a_frame_that_crosses_the_answer_to_a_cancel_is_dropped(lane: LanePeer) -> None:
    ask = Ask("t_level", input_space=SPACE, time=11.0)

    def cancelled(number: int) -> Given:
        if lane.request == request:
            lane.cancel(request)
            time.sleep(0.2)  # the worker has answered by now
        return Given(SHOT[number])

    request = lane.request + 2  # the first is MAP
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            lane.analyse(ask, 10, 15, cancelled)
        assert refused.value.code is Code.CANCELLED
        request = lane.request + 1
    assert lane.render(Ask("t_gain", input_space=SPACE), [Given(SHOT[10])]).picture == 1


def test_an_error_inside_a_node_is_that_frames_and_memory_is_told_apart(lane: LanePeer) -> None:
    class Failing:
        """Fails in the way that its parameter names; made for the tests of what an error becomes, and for no more."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")
        memory: bool = param(False, hint="Whether it fails for want of memory.")
        model: bool = param(False, hint="Whether it fails for want of a model.")

        def render(self, frames: Window, ctx: Context) -> Result:
            if self.memory:
                raise MemoryError
            if self.model:
                raise ModelError("denoise.onnx is not what its manifest says", remedy="install Wetgate again")
            raise ZeroDivisionError("no light")

    node(id="t_fails", label="Fails", space="scene", version=1)(Failing)
    try:
        for values, code in (({"memory": True}, Code.MEMORY), ({"model": True}, Code.MODEL), ({}, Code.FRAME)):
            with pytest.raises(Refused) as refused:
                lane.render(Ask("t_fails", values, input_space=SPACE), [Given(SHOT[10])])
            assert refused.value.code is code
    finally:
        registry.forget("t_fails")


@pytest.fixture
def later(lane: LanePeer) -> Iterator[LanePeer]:
    """A node of version 2, whose second parameter came later."""

    class Later:
        """Multiplies light by a gain that came with version 2; made for the tests of projects that were saved before.

        Its legacy value keeps what version 1 made.
        """

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")
        gain: float = param(3.0, lo=0, hi=8, hint="The factor of the light.", since=2, legacy=1.0)
        size: float = param(8.0, lo=1, hi=100, unit="px", hint="A length in the picture.")

        def render(self, frames: Window, ctx: Context) -> Result:
            return Result(frames.center.with_rgb(frames.center.rgb * np.float32(self.gain) + np.float32(self.size)))

    node(id="t_later", label="Later", space="scene", version=2)(Later)
    yield lane
    registry.forget("t_later")


def test_a_project_of_an_earlier_version_keeps_its_picture(later: LanePeer) -> None:
    ask = Ask("t_later", input_space=SPACE, time=10.0)
    old, new = (later.render(replace(ask, version=v), [Given(SHOT[10])]).pixels for v in (1, 2))
    assert_pixels_match(old, SHOT[10] + np.float32(8))
    assert_pixels_match(new, SHOT[10] * np.float32(3) + np.float32(8))


def test_lengths_follow_the_render_scale(later: LanePeer) -> None:
    ask = Ask("t_later", input_space=SPACE, version=1, scale=(0.5, 0.5), time=10.0)
    assert_pixels_match(later.render(ask, [Given(SHOT[10])]).pixels, SHOT[10] + np.float32(4))
