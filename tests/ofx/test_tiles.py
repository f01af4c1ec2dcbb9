"""Windows that are smaller than the frame hold, bit for bit, what the whole frame holds there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.ofx_session import HEIGHT, WIDTH, SampleHost, Session, sdr_pixels
from wetgate.spec import registry
from wetgate.surfaces import ofx_schema
from wetgate.surfaces.ofxhost import PROFILES, ClipMedia, render_frame
from wetgate.surfaces.ofxhost.profiles import Profile
from wetgate.surfaces.ofxhost.rendering import _Frame

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bundle is built on Linux")
HOSTS = ("strict", "resolve", "nuke", "melt")
TILED = sorted(n["id"] for n in ofx_schema.document(registry.nodes())["nodes"] if n["tiles"])
VALUES: dict[str, list[dict[str, Any]]] = {
    "grain": [{"seed": 7}, {"engine": "Crystal (reference)", "amount": 2.0}, {"view": "Deviation"}, {"mix": 0.5}],
}


def in_tiles(name: str, rows: int = 23, columns: int = 31, **changes: Any) -> Profile:
    """The host, asking for small windows; real ones ask for what they like."""
    return replace(PROFILES[name], tiles=True, tile_rows=rows, tile_columns=columns, **changes)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The windows that were rendered."""
    seen: list[Any] = []
    render = _Frame._render_window

    def watched(self: Any, window: Any, buffer: Any) -> int:
        seen.append(window)
        return render(self, window, buffer)

    monkeypatch.setattr(_Frame, "_render_window", watched)
    return seen


def test_grain_tiles_and_nodes_that_look_at_the_whole_picture_do_not(session: Callable[..., Session]) -> None:
    assert TILED == ["grain"]
    host = session("strict")
    for node in registry.nodes():
        described = host.plugin(node).describe()
        assert described.flag("OfxImageEffectPropSupportsTiles") is (node in TILED), node
        for clip in ("Source", "Output"):
            assert bool(described.clips[clip].props.one("OfxImageEffectPropSupportsTiles")) is (node in TILED), node


@pytest.mark.parametrize("node", TILED)
@pytest.mark.parametrize("profile", HOSTS)
def test_windows_hold_what_the_whole_frame_holds(
    session: Callable[..., Session], windows: list[Any], profile: str, node: str
) -> None:
    for values in VALUES.get(node, [{}]):
        whole = session(replace(PROFILES[profile], tiles=False))
        wanted = whole.render(whole.create(node, values), 4, node)
        assert len(windows) == 1
        parts = session(in_tiles(profile))
        np.testing.assert_array_equal(parts.render(parts.create(node, values), 4, node), wanted)
        assert len(windows) == 1 + 9
        assert parts.host.report.violations == []
        windows.clear()
        whole.close()
        parts.close()


@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.5, 0.5)])
@pytest.mark.parametrize("crops", [True, False])
def test_windows_that_overlap_nothing_agree_in_a_proxy_and_of_whole_inputs(
    session: Callable[..., Session], crops: bool, scale: tuple[float, float]
) -> None:
    made = []
    for profile in (replace(PROFILES["nuke"], tiles=False), in_tiles("nuke", 13, 64, crops_to_region=crops)):
        host = session(profile)
        made.append(render_frame(host.plugin("grain"), host.create("grain"), 4.0, scale=scale).pixels)
    np.testing.assert_array_equal(*made)


@pytest.mark.parametrize("values", [{"field_order": "Upper field first"}, {"split_view": True, "split_position": 0.4}])
def test_what_needs_the_whole_picture_gets_it_for_every_window(
    session: Callable[..., Session], values: dict[str, Any]
) -> None:
    made = []
    for profile in (replace(PROFILES["nuke"], tiles=False), in_tiles("nuke", 15, 40)):
        host = session(profile)
        made.append(host.render(host.create("grain", values), 4, "grain"))
        assert host.host.report.violations == []
    np.testing.assert_array_equal(*made)


def test_a_mask_and_samples_that_are_no_numbers_are_the_same_in_parts(session: Callable[..., Session]) -> None:
    pixels = sdr_pixels(4)
    pixels[34:38, 30:33, 0] = np.nan  # over the corner of four windows: rows count from the top
    mask = np.random.default_rng(1).random((HEIGHT, WIDTH, 1), np.float32)
    made = []
    for profile in (replace(PROFILES["nuke"], tiles=False), in_tiles("nuke")):
        host = session(profile)
        media = {
            "Source": replace(host.media(), fetch=lambda n: pixels),
            "Mask": ClipMedia(lambda n: mask, 0, 9, WIDTH, HEIGHT, 1),
        }
        instance = host.plugin("grain").create(media, {"input_space_name": "ACEScg"}, context="general")
        made.append(host.render(instance, 4, "grain"))
    assert np.isfinite(made[0]).all()
    np.testing.assert_array_equal(*made)


@pytest.mark.parametrize("radius", [0, 1, 6])
@pytest.mark.parametrize("profile", HOSTS)
def test_a_node_that_looks_around_itself_sees_over_the_edges_of_a_window(
    samples: Callable[..., SampleHost], windows: list[Any], profile: str, radius: int
) -> None:
    shot = {n: np.random.default_rng(n).random((31, 45, 3), np.float32) for n in range(3)}
    made = []
    for one in (replace(PROFILES[profile], tiles=False), in_tiles(profile)):
        host = samples(one)
        plugin, instance = host.create("t_near", shot, {"radius": radius})
        made.append(render_frame(plugin, instance, 1.0).pixels)
        assert host.host.report.violations == []
    np.testing.assert_array_equal(*made)
    assert len(windows) == 1 + 2 * 2
