"""The worker renders what the engine renders, bit for bit, whatever the host's picture is like."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import wetgate
from support.compare import assert_pixels_match
from wetgate.color.config import ColorConfig
from wetgate.engine.colour import Colour
from wetgate.engine.direct import MemorySource
from wetgate.engine.evaluate import Evaluator, Setting
from wetgate.engine.graph import Graph
from wetgate.engine.step import SOURCE, Mask, Step
from wetgate.io.association import associate, unassociate
from wetgate.spec import Frame, Image, registry
from wetgate.surfaces.worker.messages import Code
from wetgate.surfaces.worker.peer import Peer
from wetgate.surfaces.worker.peer_lane import Answer, Ask, Given, LanePeer, Refused
from wetgate.surfaces.worker.pools import MASK, PREMULTIPLIED

LIFT = Ask(
    "hdr_lift", {"method": "bt2446a"}, input_space="rec1886_rec709_display", output_space="rec2100_pq_display", time=7.0
)


@pytest.fixture
def lane(worker: Peer) -> Iterator[LanePeer]:
    made = worker.lane()
    yield made
    made.close()


def picture(height: int = 27, width: int = 48, channels: int = 4, seed: int = 1) -> Image:
    """Values below 0, above 1 and far above, and alpha from 0 to 1."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(0.5, 0.5, (height, width, channels)).astype(np.float32)
    pixels[0, 0, :3] = 40.0
    if channels == 4:
        pixels[..., 3] = rng.random((height, width), np.float32)
        pixels[1, :4, 3] = (0.0, 1.0, 0.5, 1e-4)
    return pixels


def engine(
    ask: Ask, frames: dict[int, Image], *, mask: Image | None = None, analyses: dict[str, object] | None = None
) -> Image:
    """The same frame by the engine alone: the way from the pixels to the result that the worker must not alter."""
    node = registry.get(ask.node)
    number = int(ask.time)
    config = ColorConfig.load()
    space = config.resolve(ask.input_space)
    extra = {"m": mask} if mask is not None else {}
    source = MemorySource([Frame(p, space, n, extra=extra) for n, p in frames.items()])
    step = Step(node, node.id, SOURCE, node.values(ask.values), mask=Mask(channel="m") if mask is not None else None)
    evaluator = Evaluator(
        Graph((step,), node.id),
        Colour(config, space, 1),
        source.numbers,
        lambda n: source.read(n).frame,
        Setting(analyses=analyses or {}, threads=1),
        ask.output_space or space,
    )
    return evaluator.frame(number).pixels


@pytest.mark.parametrize("node", list(registry.nodes()))
def test_every_node_equals_the_engine_at_its_defaults(lane: LanePeer, node: str) -> None:
    ask = replace(LIFT, node=node, version=registry.get(node).version, values={})
    assert_pixels_match(lane.render(ask, [Given(picture())]).pixels, engine(ask, {7: picture()}))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("method", ["adaptive", "bt2446b", "bt2408"])
def test_methods_and_components_equal_the_engine(lane: LanePeer, method: str, channels: int) -> None:
    ask = replace(LIFT, values={"method": method, "strength": 0.7, "gamut": "p3"})
    pixels = picture(channels=channels)
    assert_pixels_match(lane.render(ask, [Given(pixels)]).pixels, engine(ask, {7: pixels}))


def test_it_equals_the_public_call(lane: LanePeer) -> None:
    expected = wetgate.nodes.hdr_lift(
        picture(), method="bt2446a", in_space=LIFT.input_space, out_space=LIFT.output_space
    )
    assert_pixels_match(lane.render(LIFT, [Given(picture())]).pixels, expected)


def test_the_result_goes_to_the_input_space_where_no_other_is_named(lane: LanePeer) -> None:
    ask = replace(LIFT, input_space="ACEScg", output_space="")
    assert_pixels_match(lane.render(ask, [Given(picture())]).pixels, engine(ask, {7: picture()}))


def test_strength_0_gives_the_source_back_without_a_copy(lane: LanePeer) -> None:
    pixels = picture()
    pixels[3, 3] = np.nan
    answer = lane.render(replace(LIFT, values={"strength": 0.0}), [Given(pixels)])
    assert answer.picture == 0
    assert_pixels_match(answer.pixels, pixels)


def test_a_premultiplied_picture_is_worked_without_its_alpha_and_comes_back_with_it(lane: LanePeer) -> None:
    stored = picture()
    stored[..., :3] *= stored[..., 3:]
    plain = stored.copy()
    residue = unassociate(plain, exact=True)
    expected = associate(engine(LIFT, {7: plain}), residue)
    assert_pixels_match(lane.render(LIFT, [Given(stored, alpha=PREMULTIPLIED)]).pixels, expected)


def test_premultiplied_pixels_that_a_mask_leaves_out_come_back_bit_for_bit(lane: LanePeer) -> None:
    ask = replace(LIFT, input_space="ACEScg", output_space="")
    stored = picture()
    stored[..., :3] *= stored[..., 3:]
    mask = np.zeros((27, 48, 1), np.float32)
    mask[:, 24:] = 1.0
    answer = lane.render(ask, [Given(stored, alpha=PREMULTIPLIED), Given(mask, role=MASK)])
    assert_pixels_match(answer.pixels[:, :24], stored[:, :24])
    assert not np.array_equal(answer.pixels[:, 24:], stored[:, 24:])


def test_a_mask_of_other_bounds_acts_where_it_lies(lane: LanePeer) -> None:
    ask = replace(LIFT, input_space="ACEScg", output_space="")
    pixels = picture()
    small = np.full((5, 8, 1), 0.5, np.float32)
    # y counts up from the bottom: the mask's rows 4 to 9 from below are the picture's rows 18 to 23 from above.
    answer = lane.render(ask, [Given(pixels, corner=(-10, 100)), Given(small, role=MASK, corner=(-6, 104))])
    plane = np.zeros((27, 48), np.float32)
    plane[18:23, 4:12] = 0.5
    assert_pixels_match(answer.pixels, engine(ask, {7: pixels}, mask=plane))


def test_nan_is_repaired_counted_and_said(lane: LanePeer) -> None:
    pixels = picture()
    pixels[5, 5, 0] = np.nan
    pixels[6, 6, 1] = np.inf
    answer = lane.render(LIFT, [Given(pixels)])
    assert "2 NaN or infinite samples repaired" in answer.notes
    assert_pixels_match(answer.pixels, engine(LIFT, {7: pixels}))


def test_a_plot_is_fitted_into_the_picture(lane: LanePeer) -> None:
    answer = lane.render(replace(LIFT, values={"view": "waveform"}), [Given(picture(60, 100))])
    assert answer.pixels.shape == (60, 100, 4)
    assert np.isfinite(answer.pixels).all()
    assert answer.pixels[..., :3].max() > 0


def test_analysis_through_the_worker_equals_the_public_one_and_steers_the_render(lane: LanePeer) -> None:
    shot = {n: picture(seed=n) * np.float32(0.3 + 0.05 * n) for n in range(5, 11)}
    ask = replace(LIFT, values={"method": "adaptive"})
    text, found = lane.analyse(ask, 5, 10, lambda n: Given(shot[n]))
    document = json.loads(text)
    assert document["range"] == [5, 10]
    assert found == registry.get("hdr_lift").make({"method": "adaptive"}).summary(document["results"]) != ""
    expected = engine(ask, shot, analyses={"hdr_lift": document["results"]})
    answer = lane.render(replace(ask, analysis=text), [Given(shot[7])])
    assert answer.notes == ""
    assert_pixels_match(answer.pixels, expected)
    listed = wetgate.nodes.hdr_lift(
        [Frame(p, LIFT.input_space, n) for n, p in shot.items()], method="adaptive", out_space=LIFT.output_space
    )
    assert_pixels_match(answer.pixels, listed[2].pixels)


def test_a_frame_outside_its_analysis_is_refused_and_another_picture_is_noted(lane: LanePeer) -> None:
    shot = {n: picture(seed=n) for n in range(1, 4)}
    ask = replace(LIFT, values={"method": "adaptive"})
    text, _ = lane.analyse(ask, 1, 3, lambda n: Given(shot[n]))
    with pytest.raises(Refused, match="frame 7 is outside the analysis") as refused:
        lane.render(replace(ask, analysis=text), [Given(shot[1])])
    assert refused.value.code is Code.USAGE
    answer = lane.render(replace(ask, analysis=text, time=2.0), [Given(shot[1])])
    assert "made from other pictures" in answer.notes
    changed = replace(ask, analysis=text, time=2.0, values={"method": "adaptive", "peak": 600.0, "view": "nits"})
    notes = lane.render(changed, [Given(shot[2])]).notes
    assert notes == "the analysis was made with other values of peak: analyse the shot again"


def test_frames_that_the_host_lacks_are_left_out_of_an_analysis(lane: LanePeer) -> None:
    shot = {n: picture(seed=n) for n in (1, 2)}
    ask = replace(LIFT, values={"method": "adaptive"})
    text, _ = lane.analyse(ask, 1, 4, lambda n: Given(shot[n]) if n in shot else None)
    assert sorted(json.loads(text)["frames"]) == ["1", "2"]


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (replace(LIFT, values={"strength": 1.5}), "strength is 1.5"),
        (replace(LIFT, values={"peak": True}), "peak is True"),
        (replace(LIFT, values={"strenght": 1.0}), "strength"),
        (replace(LIFT, node="hdr_lif"), "hdr_lift"),
        (replace(LIFT, version=99), "update Wetgate"),
        (replace(LIFT, input_space=""), "choose the clip's space"),
        (replace(LIFT, input_space="", clip_space="ofx_raw"), "holds data"),
        (replace(LIFT, input_space="rec1886_rec70_display"), "rec1886_rec709_display"),
        (replace(LIFT, analysis="[" * 60_000), "no analysis document"),
    ],
)
def test_what_cannot_be_worked_is_refused_in_one_line_and_the_lane_goes_on(lane: LanePeer, ask: Ask, says: str) -> None:
    with pytest.raises(Refused) as refused:
        lane.render(ask, [Given(picture())])
    assert refused.value.code is Code.USAGE
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert lane.render(LIFT, [Given(picture())]).picture == 1


def test_a_generic_space_of_the_host_is_taken_for_a_named_one_and_said(lane: LanePeer) -> None:
    ask = replace(LIFT, input_space="", clip_space="ofx_display_sdr")
    answer = lane.render(ask, [Given(picture())])
    assert "ofx_display_sdr" in answer.notes
    assert_pixels_match(answer.pixels, engine(LIFT, {7: picture()}))


def test_the_users_choice_goes_before_the_hosts_space(lane: LanePeer) -> None:
    answer = lane.render(replace(LIFT, clip_space="ACEScg"), [Given(picture())])
    assert_pixels_match(answer.pixels, engine(LIFT, {7: picture()}))


def test_the_hosts_own_ocio_config_is_used_in_that_style(lane: LanePeer, tmp_path: Path) -> None:
    import PyOpenColorIO

    config = PyOpenColorIO.Config.CreateFromBuiltinConfig("studio-config-v2.1.0_aces-v1.3_ocio-v2.3").serialize()
    path = tmp_path / "show.ocio"
    path.write_text(config.replace("rec1886_rec709_display", "show_monitor"))
    style = "OfxImageEffectColourManagementOCIO"
    ask = replace(LIFT, input_space="", clip_space="show_monitor", style=style, config=str(path))
    assert_pixels_match(lane.render(ask, [Given(picture())]).pixels, engine(LIFT, {7: picture()}))


def test_lanes_side_by_side_give_the_same_pixels_as_one_alone(worker: Peer) -> None:
    asks = [replace(LIFT, values={"strength": 0.3 + 0.1 * k}) for k in range(6)]
    expected = [engine(ask, {7: picture(90, 160)}) for ask in asks]
    answers: dict[tuple[int, int], Answer] = {}

    def work(k: int) -> None:
        lane = worker.lane()
        for turn in range(4):
            answers[k, turn] = lane.render(asks[k], [Given(picture(90, 160))])
        lane.close()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 24
    for (k, _), answer in answers.items():
        assert_pixels_match(answer.pixels, expected[k])


def test_a_cancelled_request_is_answered_and_the_lane_goes_on(lane: LanePeer) -> None:
    shot = {n: picture(seed=n) for n in range(3)}
    ask = replace(LIFT, values={"method": "adaptive"})
    asked: list[int] = []

    def frame(number: int) -> Given:
        asked.append(number)
        if len(asked) == 3:
            lane.cancel(lane.request)
        return Given(shot[number % 3])

    with pytest.raises(Refused) as refused:
        lane.analyse(ask, 0, 500, frame)
    assert refused.value.code is Code.CANCELLED
    assert len(asked) < 10
    assert lane.render(LIFT, [Given(picture())]).picture == 1


def test_a_long_request_beats_and_an_idle_lane_does_not(lane: LanePeer) -> None:
    shot = {n: picture(seed=n) for n in range(3)}

    def slow(number: int) -> Given:
        if number == 1:
            time.sleep(1.3)
        return Given(shot[number])

    time.sleep(1.1)
    lane.render(LIFT, [Given(picture())])
    assert lane.beats == 0
    lane.analyse(replace(LIFT, values={"method": "adaptive"}), 0, 2, slow)
    assert lane.beats >= 2


def test_pools_are_reused_and_given_back(worker: Peer, lane: LanePeer) -> None:
    for _ in range(5):
        lane.render(LIFT, [Given(picture())])
    assert len(lane.pools) == 1
    assert _mapped(worker.pid) >= 1
    before = _mapped(worker.pid)
    lane.unmap(1)
    assert _mapped(worker.pid) == before - 1


def _mapped(pid: int) -> int:
    """How many of our memory files a process has mapped."""
    return sum("memfd:wetgate" in line for line in Path(f"/proc/{pid}/maps").read_text().splitlines())


def test_closing_a_lane_lets_its_pools_go(worker: Peer) -> None:
    before = _mapped(worker.pid)
    lane = worker.lane()
    lane.render(LIFT, [Given(picture())])
    assert _mapped(worker.pid) == before + 1
    lane.close()
    until = time.monotonic() + 10
    while _mapped(worker.pid) > before and time.monotonic() < until:
        time.sleep(0.01)
    assert _mapped(worker.pid) == before
