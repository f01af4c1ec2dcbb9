"""Optional inputs, fields, the split view, alpha: what the bundle offers beside a node's own parameters."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.ofx_session import HDR, HEIGHT, SPACE, WIDTH, Session, engine, sdr_pixels
from wetgate.color.config import ColorConfig
from wetgate.engine.colour import Colour
from wetgate.engine.direct import run_node
from wetgate.spec import Frame, FrameError, registry
from wetgate.surfaces.ofxhost import PROFILES, ClipMedia, render_frame

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bundle is built on Linux")
# Of values up to 1. A mask of 1 blends, and a + (b - a) is b but for rounding; two hops round more often than one.
ONE_BIT = 2**-23
LIFT = {"input_space_name": SPACE, "output_space_name": HDR, "method": "BT.2446 A"}


def plane(values: np.ndarray | float) -> ClipMedia:
    """A clip of one channel."""
    pixels = np.broadcast_to(np.float32(values), (HEIGHT, WIDTH))[..., None]
    return ClipMedia(lambda n: np.ascontiguousarray(pixels), 0, 9, WIDTH, HEIGHT, 1)


def general(host: Session, values: dict[str, Any] | None = None, **clips: ClipMedia) -> Any:
    media = {"Source": host.media()} | clips
    return host.plugin("hdr_lift").create(media, LIFT | (values or {}), context="general")


def lifted() -> np.ndarray:
    made: np.ndarray = engine("hdr_lift", 4, {"method": "bt2446a"}, alone=False)
    return made


def test_a_general_context_offers_mask_infrared_and_reference_and_a_filter_none(
    session: Callable[..., Session],
) -> None:
    plugin = session("strict").plugin("hdr_lift")
    clips = plugin.describe("general").clips
    assert [(n, c.optional) for n, c in clips.items() if n not in ("Source", "Output")] == [
        ("Mask", True),
        ("Infrared", True),
        ("Reference", True),
    ]
    assert sorted(plugin.describe("filter").clips) == ["Output", "Source"]
    assert plugin.describe("filter").params["mask_input"].props.one("OfxParamPropSecret") == 1


def test_a_mask_that_may_be_nothing_is_asked_about_and_not_trusted(session: Callable[..., Session]) -> None:
    host = session("resolve")  # every input is "connected", and black
    asked = general(host)
    with pytest.raises(FrameError, match="kOfxStatFailed"):
        host.render(asked)
    assert "Set Mask to Ignore if there is none, or to Use if it is meant" in asked.messages[-1].text
    np.testing.assert_array_equal(host.render(general(host, {"mask_input": "Ignore"})), lifted())
    np.testing.assert_allclose(host.render(general(host, {"mask_input": "Use"})), _in_hdr(sdr_pixels(4)), atol=ONE_BIT)
    assert host.host.report.violations == []


def test_a_mask_that_varies_or_acts_everywhere_needs_no_question(session: Callable[..., Session]) -> None:
    host = session("resolve")
    whole = host.render(general(host, Mask=plane(1.0)))
    np.testing.assert_allclose(whole, lifted(), atol=ONE_BIT)
    half = host.render(general(host, Mask=plane(np.linspace(0, 1, WIDTH, dtype=np.float32))))
    np.testing.assert_array_equal(half[:, -1], whole[:, -1])
    assert not np.array_equal(half, whole)
    opaque = session(replace(PROFILES["resolve"], unconnected_level=1.0))
    np.testing.assert_array_equal(opaque.render(general(opaque)), whole)


def test_an_empty_mask_of_a_host_that_knows_what_is_connected_is_what_it_is(session: Callable[..., Session]) -> None:
    host = session("nuke")  # a shape that has left the picture must not fail a night's render
    outside = host.render(general(host, Mask=plane(0.0)))
    np.testing.assert_allclose(outside, _in_hdr(sdr_pixels(4)), atol=ONE_BIT)
    assert not np.array_equal(outside, host.render(general(host)))


def _in_hdr(pixels: np.ndarray) -> np.ndarray:
    colour = Colour(ColorConfig.load(), SPACE, 1)
    made: np.ndarray = colour.to(Frame(pixels, SPACE, 4), colour.resolve(HDR)).pixels
    return made


def test_plates_that_hold_nothing_are_left_out_and_a_reference_that_is_not_used_is_named(
    session: Callable[..., Session],
) -> None:
    host = session("resolve")
    silent = general(host, {"mask_input": "Ignore"})
    np.testing.assert_array_equal(host.render(silent), lifted())
    assert not any("Reference" in m.text for m in silent.messages)
    told = general(host, {"mask_input": "Ignore"}, Reference=host.media(), Infrared=plane(np.arange(WIDTH)))
    np.testing.assert_array_equal(host.render(told), lifted())
    assert any("does not look at the Reference clip" in m.text for m in told.messages)


@pytest.mark.parametrize("profile", ["strict", "nuke", "melt"])
@pytest.mark.parametrize("order", ["Upper field first", "Lower field first"])
def test_fields_are_worked_by_themselves_and_woven_again(
    session: Callable[..., Session], profile: str, order: str
) -> None:
    host = session(profile)
    values = {"input_space_name": SPACE, "field_order": order}
    made = host.render(host.plugin("grain").create({"Source": host.media()}, values), 4, "grain")
    # OFX: the lower field has the rows 0, 2, 4 counted from the bottom of the frame; nuke's bounds begin at -5.
    bottom = host.host.profile.origin[1]
    upper = [r for r in range(HEIGHT) if (bottom + HEIGHT - 1 - r) % 2 == 1]
    lower = [r for r in range(HEIGHT) if r not in upper]
    first, second = (upper, lower) if order.startswith("Upper") else (lower, upper)
    wanted = np.empty_like(made)
    for place, rows in enumerate((first, second)):
        field = Frame(np.ascontiguousarray(sdr_pixels(4)[rows]), SPACE, 8 + place, pixel_aspect=0.5)
        wanted[rows] = run_node(registry.get("grain"), field, analysis=None).pixels
    np.testing.assert_array_equal(made, wanted)


def test_a_picture_that_looks_interlaced_is_said_to_be(session: Callable[..., Session]) -> None:
    host = session("strict")
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    moments = [np.where((x - 30 - 12 * t) ** 2 + (y - 30) ** 2 < 400, 0.8, 0.2 + x / 400 + y / 300) for t in (0, 1)]
    pixels = np.repeat(moments[0][..., None], 4, axis=2).astype(np.float32)
    pixels[1::2, :, :3] = moments[1][1::2, :, None]
    pixels[..., 3] = 1
    plugin = host.plugin("hdr_lift")
    for values, told in (({}, True), ({"field_order": "Upper field first"}, False)):
        made = plugin.create({"Source": replace(host.media(), fetch=lambda n: pixels)}, LIFT | values)
        host.render(made)
        assert any("looks interlaced" in m.text for m in made.messages) is told


def test_a_proxy_has_no_fields_and_says_so(session: Callable[..., Session]) -> None:
    host = session("strict")
    plugin = host.plugin("hdr_lift")
    woven = plugin.create({"Source": host.media()}, LIFT | {"field_order": "Upper field first"})
    made = render_frame(plugin, woven, 4.0, scale=(0.5, 0.5)).pixels
    plain = render_frame(plugin, plugin.create({"Source": host.media()}, LIFT), 4.0, scale=(0.5, 0.5)).pixels
    np.testing.assert_array_equal(made, plain)
    assert any("worked as a frame" in m.text for m in woven.messages)


@pytest.mark.parametrize(("place", "columns"), [(0.0, 0), (0.25, 21), (1.0, WIDTH)])
def test_a_split_shows_the_source_on_the_left_as_the_result_s_space_has_it(
    session: Callable[..., Session], place: float, columns: int
) -> None:
    host = session("strict")
    made = host.render(host.create("hdr_lift", {"split_view": True, "split_position": place, "method": "BT.2446 A"}))
    np.testing.assert_array_equal(made[:, columns:], lifted()[:, columns:])
    np.testing.assert_array_equal(made[:, :columns], _in_hdr(sdr_pixels(4))[:, :columns])


def test_a_split_of_one_space_shows_the_source_bit_for_bit(session: Callable[..., Session]) -> None:
    host = session("strict")
    pixels = sdr_pixels(4)
    pixels[..., 3] = np.random.default_rng(5).uniform(0, 1, (HEIGHT, WIDTH))
    media = replace(host.media(), fetch=lambda n: pixels, premultiplication="OfxImageAlphaPremultiplied")
    values = {"input_space_name": SPACE, "split_view": True}
    made = host.render(host.plugin("grain").create({"Source": media}, values), 4, "grain")
    np.testing.assert_array_equal(made[:, : round(WIDTH / 2)], pixels[:, : round(WIDTH / 2)])


@pytest.mark.parametrize("said", ["OfxImageAlphaPremultiplied", "OfxImageAlphaUnPremultiplied"])
def test_the_result_is_multiplied_as_the_output_clip_is_said_to_be(session: Callable[..., Session], said: str) -> None:
    host = session("strict")
    pixels = sdr_pixels(4)
    pixels[..., 3] = 0.5
    other = {"OfxImageAlphaPremultiplied": "OfxImageAlphaUnPremultiplied"}.get(said, "OfxImageAlphaPremultiplied")
    made = {}
    for output in (said, other):
        media = replace(host.media(), fetch=lambda n: pixels, premultiplication=said)
        instance = host.plugin("hdr_lift").create({"Source": media}, LIFT)
        instance.clips["Output"].props.put(OfxImageEffectPropPreMultiplication=output)
        made[output] = host.render(instance)
    by = np.float32(0.5 if other == "OfxImageAlphaPremultiplied" else 2.0)
    np.testing.assert_array_equal(made[other][..., :3], made[said][..., :3] * by)
    np.testing.assert_array_equal(made[other][..., 3], made[said][..., 3])


def test_a_lone_alpha_goes_through_untouched(session: Callable[..., Session]) -> None:
    host = session("strict")
    media = replace(plane(np.linspace(-0.5, 40.0, WIDTH, dtype=np.float32)))
    made = host.render(host.plugin("hdr_lift").create({"Source": media}, LIFT))
    np.testing.assert_array_equal(made, media.fetch(4))


def test_a_grain_plate_at_reference_is_laid_on_the_source(session: Callable[..., Session]) -> None:
    """Grain on mid-grey, as a host makes it of a scan divided by the scan without grain, times 0.18."""
    grain = np.random.default_rng(5).normal(0, 0.04, (HEIGHT, WIDTH, 3))
    plate = np.ones((HEIGHT, WIDTH, 4), np.float32)
    plate[..., :3] = 0.18 * 10.0**grain
    reference = ClipMedia(lambda n: plate, 0, 9, WIDTH, HEIGHT, 4)
    host = session("nuke")
    values = {"input_space_name": "ACEScg", "engine": "Plate (the shot's own)"}
    media = {"Source": host.media(), "Reference": reference}
    made = host.render(host.plugin("grain").create(media, values, context="general"), node="grain")
    source = sdr_pixels(4)[..., :3]
    lit = source > 0.001  # below 1e-5 density goes on by its tangent, where grain does not multiply light
    # Two hops between light and density in float32, on a plate whose light is float32.
    np.testing.assert_allclose(made[..., :3][lit], (source * 10.0**grain)[lit], rtol=2e-5)
    alone = host.render(host.plugin("grain").create({"Source": host.media()}, values, context="general"), node="grain")
    np.testing.assert_array_equal(alone, sdr_pixels(4))
