"""Bundle, worker and engine together: every node in every profile equals the engine, bit for bit.

The test process is the host; the worker is a process of its own, as in production.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from support.ofx_session import HDR, HEIGHT, SPACE, WIDTH, Session, engine, sdr_pixels, workers
from wetgate.engine.direct import run_graph, run_node
from wetgate.engine.graph import Graph
from wetgate.engine.step import SOURCE, Mask, Step
from wetgate.spec import Frame, registry
from wetgate.surfaces.ofxhost import ClipMedia, render_frame, saved_values

PROFILES = ("strict", "resolve", "nuke", "melt")
NODES = sorted(registry.nodes())
# What a node needs that leaves the picture alone without an analysis.
BY_HAND = {"deblur": {"kind": "gaussian"}, "color_decay": {"method": "dark"}}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds the worker's process through /proc")


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_frame_equals_the_engines_bit_for_bit(session: Callable[..., Session], profile: str, node: str) -> None:
    host = session(profile)
    values = BY_HAND.get(node, {})
    labels = {name: (registry.get(node).params[name].choices or {})[value] for name, value in values.items()}
    instance = host.create(node, labels)
    alone = not host.host.profile.temporal
    for number in (0, 4):
        made = host.render(instance, number, node)
        np.testing.assert_array_equal(made, engine(node, number, values, alone=alone))
    assert host.host.report.violations == []
    assert not np.array_equal(made, sdr_pixels(4)), "the node did nothing, so nothing was compared"


@pytest.mark.parametrize("method", ["bt2446a", "bt2446b", "bt2446c", "bt2408", "adaptive"])
def test_choices_numbers_and_three_channels_reach_the_node(session: Callable[..., Session], method: str) -> None:
    host = session()
    labels = dict(registry.get("hdr_lift").params["method"].choices or {})
    instance = host.create("hdr_lift", {"method": labels[method], "peak": 1500.0, "saturation": 0.7}, channels=3)
    made = host.render(instance)
    wanted = engine("hdr_lift", 4, {"method": method, "peak": 1500.0, "saturation": 0.7}, alone=False, channels=3)
    assert made.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(made, wanted)


def test_the_clips_colour_space_is_used_where_the_host_manages_colour(session: Callable[..., Session]) -> None:
    host = session("strict")
    media = replace(host.media(), space=SPACE)
    plugin = host.plugin("hdr_lift")
    instance = plugin.create({"Source": media}, {"output_space_name": HDR})
    np.testing.assert_array_equal(host.render(instance), engine("hdr_lift", 4, alone=False))


def test_strength_zero_is_an_identity_that_is_not_rendered(session: Callable[..., Session]) -> None:
    host = session()
    made = render_frame(host.plugin("hdr_lift"), host.create("hdr_lift", {"strength": 0}), 4.0)
    assert made.identity == "Source"
    np.testing.assert_array_equal(made.pixels, sdr_pixels(4))
    assert workers() == []


def test_a_keyed_value_is_taken_at_the_frames_time(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift", {"peak": {0: 1000.0, 8: 2000.0}})
    wanted = engine("hdr_lift", 4, {"peak": 1500.0}, alone=False)
    np.testing.assert_array_equal(host.render(instance, 4), wanted)


def test_a_mask_blends_as_the_engine_does(session: Callable[..., Session]) -> None:
    host = session("nuke")
    plane = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)  # differs in both directions
    mask = ClipMedia(lambda n: plane[..., None], 0, 9, WIDTH, HEIGHT, 1)
    values = {"input_space_name": SPACE, "output_space_name": HDR, "method": "BT.2446 A"}
    plugin = host.plugin("hdr_lift")
    instance = plugin.create({"Source": host.media(), "Mask": mask}, values, context="general")
    node = registry.get("hdr_lift")
    step = Step(node, node.id, SOURCE, node.values({"method": "bt2446a"}), mask=Mask(channel="mask"))
    frame = Frame(sdr_pixels(4), SPACE, 4, extra={"mask": plane})
    wanted = run_graph(Graph((step,), node.id), frame, out_space=HDR, analyses={node.id: None}).pixels
    np.testing.assert_array_equal(host.render(instance), wanted)


def test_alpha_is_kept_and_colour_worked_without_it(session: Callable[..., Session]) -> None:
    host = session()
    straight = sdr_pixels(4)
    straight[..., 3] = np.random.default_rng(3).uniform(0.25, 1, (HEIGHT, WIDTH))
    joined = straight.copy()
    joined[..., :3] *= straight[..., 3:]
    wanted = run_node(registry.get("hdr_lift"), Frame(straight, SPACE, 4), out_space=HDR, analysis=None).pixels
    made = {}
    for alpha, pixels in (("OfxImageAlphaUnPremultiplied", straight), ("OfxImageAlphaPremultiplied", joined)):
        media = replace(host.media(), fetch=lambda n, pixels=pixels: pixels, premultiplication=alpha)
        values = {"input_space_name": SPACE, "output_space_name": HDR}
        made[alpha] = host.render(host.plugin("hdr_lift").create({"Source": media}, values))
        np.testing.assert_array_equal(made[alpha][..., 3], straight[..., 3])
    np.testing.assert_array_equal(made["OfxImageAlphaUnPremultiplied"], wanted)
    # Dividing by alpha and multiplying again rounds twice, at up to 1 / 0.25 of the last bit of values of about 1,
    # and the curve is at most 8 times as steep in PQ near black.
    undone = made["OfxImageAlphaPremultiplied"][..., :3] / straight[..., 3:]
    np.testing.assert_allclose(undone, wanted[..., :3], atol=2e-5)


def test_samples_that_are_no_numbers_are_mended_and_said_to_be(session: Callable[..., Session]) -> None:
    host = session()
    pixels = sdr_pixels(4)
    pixels[3, 4, :3] = np.nan
    pixels[7, 7, 0] = np.inf
    media = replace(host.media(), fetch=lambda n: pixels)
    values = {"input_space_name": SPACE, "output_space_name": HDR}
    instance = host.plugin("hdr_lift").create({"Source": media}, values)
    made = host.render(instance)
    assert np.isfinite(made).all()
    wanted = run_node(registry.get("hdr_lift"), Frame(pixels, SPACE, 4), out_space=HDR, analysis=None).pixels
    np.testing.assert_array_equal(made, wanted)
    assert any("4 NaN or infinite samples" in m.text for m in instance.messages)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_proxy_has_the_proxys_size(session: Callable[..., Session], profile: str) -> None:
    host = session(profile)
    made = render_frame(host.plugin("hdr_lift"), host.create("hdr_lift"), 4.0, scale=(0.5, 0.5))
    x1, y1, x2, y2 = made.bounds
    assert made.pixels.shape == (y2 - y1, x2 - x1, 4)
    assert (x2 - x1, y2 - y1) in ((42, 30), (41, 30), (42, 29))
    assert host.host.report.violations == []


def test_the_analysis_button_keeps_its_document_in_the_project(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift", {"analysis_first": 2, "analysis_last": 6})
    host.plugin("hdr_lift").changed(instance, ["analyse"])
    document = json.loads(saved_values(instance)["wetgate_analysis"][0])
    assert sorted(map(int, document["frames"])) == [2, 3, 4, 5, 6]
    assert "MaxCLL" in saved_values(instance)["found"][0]
    frames = [Frame(sdr_pixels(n), SPACE, n) for n in range(2, 7)]
    wanted = run_node(registry.get("hdr_lift"), frames, out_space=HDR)[2].pixels
    np.testing.assert_array_equal(host.render(instance, 4), wanted)
    assert instance.progress_log
    assert host.host.report.violations == []


def test_an_analysis_that_is_cancelled_leaves_the_project_as_it_was(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift", {"analysis_first": 0, "analysis_last": 9})
    instance.cancel_progress = lambda share: True
    host.plugin("hdr_lift").changed(instance, ["analyse"])
    assert saved_values(instance)["wetgate_analysis"] == ("",)
    assert host.host.report.violations == []


def test_a_space_that_is_none_is_told_in_a_line_with_what_to_do(session: Callable[..., Session]) -> None:
    host = session("strict")
    for name, told in (
        ("film of 1912", "choose one of the list of Input space"),
        ("ACEScgg", "did you mean 'ACEScg'?"),
    ):
        instance = host.create("hdr_lift", {"input_space_name": name})
        assert render_frame(host.plugin("hdr_lift"), instance, 4.0, keep_failed=True).failure is not None
        text = instance.messages[-1].text
        assert f"there is no colour space {name!r}" in text
        assert told in text
        assert len(text) < 250


@pytest.mark.parametrize("profile", ["strict", "natron", "resolve"])
def test_percent_signs_of_a_users_text_do_not_format_the_message(session: Callable[..., Session], profile: str) -> None:
    host = session(profile)
    instance = host.create("hdr_lift", {"input_space_name": "100%s %n"})
    assert render_frame(host.plugin("hdr_lift"), instance, 4.0, keep_failed=True).failure is not None
    assert "100%s %n" in instance.messages[-1].text


def test_every_view_is_rendered_and_differs_from_the_result(session: Callable[..., Session]) -> None:
    host = session()
    plain = host.render(host.create("hdr_lift"))
    views = host.plugin("hdr_lift").describe().params["view"].choices
    assert len(views) == 2 + len(registry.get("hdr_lift").views)
    for view in views[1:]:
        assert not np.array_equal(host.render(host.create("hdr_lift", {"view": view})), plain), view
    assert host.host.report.violations == []


def test_eight_threads_render_eight_frames_at_once(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: host.render(instance, n), range(8)))
    for number, pixels in enumerate(made):
        np.testing.assert_array_equal(pixels, engine("hdr_lift", number, alone=False))
    assert len(workers()) == 1


def test_fifty_instances_share_one_worker_and_keep_their_values(session: Callable[..., Session]) -> None:
    host = session()
    instances = [host.create("hdr_lift", {"peak": 800.0 + 20 * n}) for n in range(50)]
    with ThreadPoolExecutor(50) as pool:
        made = list(pool.map(host.render, instances))
    assert len(workers()) == 1
    for n in (0, 7, 23, 49):
        np.testing.assert_array_equal(made[n], engine("hdr_lift", 4, {"peak": 800.0 + 20 * n}, alone=False))


def test_a_saved_instance_renders_the_same_again(session: Callable[..., Session]) -> None:
    host = session()
    first = host.create("hdr_lift", {"peak": 1234.0, "gamut": "P3-D65"})
    saved = saved_values(first)
    assert saved["wetgate_version"][0].startswith("1 ")
    again = host.plugin("hdr_lift").create({"Source": host.media()}, saved=saved)
    np.testing.assert_array_equal(host.render(again), host.render(first))


def test_a_value_that_a_curve_carries_past_its_range_is_held_there_and_told(session: Callable[..., Session]) -> None:
    opened = session()
    past = opened.create("grain")
    past.params["amount"].set((9.0,), 4.0)  # keys, which this host does not hold in the range
    past.params["seed"].set((-3,), 4.0)
    held = opened.create("grain", {"amount": 4.0, "seed": 0})
    np.testing.assert_array_equal(opened.render(past, node="grain"), opened.render(held, node="grain"))
    told = [m.text for m in past.messages if m.type == "OfxMessageLog"]
    assert "Grain: amount is 9, taken as 4" in told
    assert "Grain: seed is -3, taken as 0" in told
