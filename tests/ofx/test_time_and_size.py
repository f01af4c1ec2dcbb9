"""Windows of frames and results of another size, through a bundle of sample nodes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.engine_nodes import declared
from support.ofx_session import SampleHost
from wetgate.engine.direct import run_node
from wetgate.spec import Frame, registry
from wetgate.surfaces import ofx_schema
from wetgate.surfaces.ofxhost import render_frame, saved_values
from wetgate.surfaces.ofxhost.profiles import PROFILES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bundle is built on Linux")
SHOT = {n: np.random.default_rng(n).random((8, 12, 3), np.float32) for n in range(10)}


def engine(node: str, numbers: list[int], number: int, **values: Any) -> np.ndarray:
    frames = [Frame(SHOT[n], "ACEScg", n) for n in numbers]
    made: list[Frame] = run_node(registry.get(node), frames, **values)
    return made[numbers.index(number)].pixels


@pytest.mark.parametrize("profile", ["strict", "resolve", "nuke", "melt"])
@pytest.mark.parametrize(("number", "radius"), [(0, 2), (4, 0), (4, 3), (9, 2)])
def test_a_window_is_that_of_the_parameters_and_is_filled_where_the_host_gives_other_times(
    samples: Callable[..., SampleHost], profile: str, number: int, radius: int
) -> None:
    host = samples(profile)
    plugin, instance = host.create("t_mean", SHOT, {"radius": radius})
    made = render_frame(plugin, instance, float(number)).pixels[..., :3]
    numbers = list(SHOT) if host.host.profile.temporal else [number]
    np.testing.assert_array_equal(made, engine("t_mean", numbers, number, radius=radius))
    assert host.host.report.violations == []  # such as a frame that GetFramesNeeded had not named


def test_a_host_that_gives_the_frame_itself_for_every_time_is_found_out(samples: Callable[..., SampleHost]) -> None:
    host = samples(replace(PROFILES["strict"], lies_about_time=True, unique_identifier="random"))
    plugin, instance = host.create("t_mean", SHOT, {"radius": 2})
    made = render_frame(plugin, instance, 4.0).pixels
    np.testing.assert_array_equal(made, engine("t_mean", [4], 4, radius=2))


def test_an_analysis_of_one_and_the_same_picture_is_refused(samples: Callable[..., SampleHost]) -> None:
    host = samples("strict")
    plugin, instance = host.create("t_level", dict.fromkeys(range(10), SHOT[3]), {"analysis_last": 6})
    plugin.changed(instance, ["analyse"])
    assert saved_values(instance)["wetgate_analysis"] == ("",)
    assert "ignores time" in instance.messages[-1].text


def test_an_analysis_of_fields_serves_a_render_of_fields(samples: Callable[..., SampleHost]) -> None:
    host = samples("strict")
    plugin, instance = host.create("t_level", SHOT, {"analysis_last": 9, "field_order": "Lower field first"})
    plugin.changed(instance, ["analyse"])
    made = render_frame(plugin, instance, 4.0).pixels
    mean = np.mean([picture.mean(dtype=np.float64) for picture in SHOT.values()])
    # The mean over twenty fields of equal size is the frames', up to the rounding of sums of other lengths.
    np.testing.assert_allclose(made, SHOT[4] / mean, rtol=1e-6)
    plugin.changed(instance, ["field_order"])
    instance.params["field_order"].set((0,))
    failed = render_frame(plugin, instance, 4.0, keep_failed=True).failure
    assert failed is None or "analyse" in failed.message()


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_larger_result_is_given_whole_where_the_host_has_pictures_of_several_sizes(
    samples: Callable[..., SampleHost], factor: int
) -> None:
    host = samples("strict")
    plugin, instance = host.create("t_larger", SHOT, {"factor": factor})
    made = render_frame(plugin, instance, 4.0)
    assert made.bounds == (0, 0, 12 * factor, 8 * factor)
    np.testing.assert_array_equal(made.pixels, engine("t_larger", [4], 4, factor=factor))
    assert host.host.report.violations == []


@pytest.mark.parametrize("profile", ["resolve", "melt"])
def test_a_larger_result_keeps_the_clips_size_where_the_host_has_but_one(
    samples: Callable[..., SampleHost], profile: str
) -> None:
    host = samples(profile)
    flat = dict.fromkeys(range(10), np.full((8, 12, 3), 0.5, np.float32))
    plugin, instance = host.create("t_larger", flat, {"factor": 2})
    made = render_frame(plugin, instance, 4.0).pixels[..., :3]
    assert made.shape == (8, 12, 3)
    np.testing.assert_allclose(made, 0.5, rtol=1e-6)  # the filter's weights sum to one up to rounding
    assert any("24x16" in m.text for m in instance.messages)


def test_tables_hold_what_the_nodes_answer() -> None:
    with declared():
        mean, larger = registry.get("t_mean"), registry.get("t_larger")
        assert ofx_schema.tabled(mean, mean.reach) == {"params": ["radius"], "values": [0, 1, 2, 3, 4, 5]}
        assert ofx_schema.tabled(larger, larger.enlarges) == {"params": ["factor"], "values": [1, 2, 3, 4]}
        both = replace(mean, own_reach=lambda self: self.radius if self.view == "result" else 0)
        assert ofx_schema.tabled(both, both.reach) == {
            "params": ["radius", "view"],
            "values": [value for radius in range(6) for value in (radius, 0)],
        }
        by_real_number = replace(mean, own_reach=lambda self: round(self.strength * 2) + self.radius)
        assert ofx_schema.tabled(by_real_number, by_real_number.reach)["values"] == [2, 3, 4, 5, 6, 7]
