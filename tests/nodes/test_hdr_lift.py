"""The HDR Lift node: its parameters, ledger, views, analysis and metadata."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wetgate.nodes.hdr_lift  # noqa: F401  declares the node
from support import pictures
from wetgate.color.primaries import apply_matrix, rgb_to_rgb
from wetgate.spec import DISPLAY, Context, Frame, Interrupted, Result, Window, registry

NODE = registry.get("hdr_lift")
INTO = rgb_to_rgb("rec709", "rec2020")


def _frame(rgb: np.ndarray, number: int = 1001, **fields: Any) -> Frame:
    return Frame(np.ascontiguousarray(rgb, np.float32), DISPLAY, number=number, **fields)


def _render(frame: Frame, *, ctx: Context | None = None, **params: Any) -> Result:
    return NODE.make(params).render(Window((frame,)), ctx or Context())


def _scene(lamp: float = 100.0, size: int = 120, at: int = 60, key: float = 1.0) -> np.ndarray:
    """SDR light: a dim ramp, a mid-tone wall, colour patches, and a lamp that clips."""
    y, x = np.mgrid[0:size, 0 : size * 3 // 2]
    picture = np.stack((8.0 + 0.1 * x, 6.0 + 0.15 * y, 9.0 + 0.0 * x), axis=-1) * key
    picture[10:40, 10:40] = (45.0, 28.0, 20.0)  # skin
    picture[60:80, 20:60] = (70.0, 8.0, 5.0)
    weight = np.clip((5.0 - np.hypot(x - 130, y - at)) / 3.0, 0.0, 1.0)[..., None]
    picture = picture * (1 - weight) + lamp * weight
    return apply_matrix(INTO, np.minimum(picture, 100.0)).astype(np.float32)


@dataclass
class _Shot:
    """Frames in memory as a shot."""

    frames: Sequence[Frame]
    cuts: Sequence[int] = ()
    values: dict[str, Any] | None = None
    reads: int = 0

    @property
    def numbers(self) -> Sequence[int]:
        return [f.number for f in self.frames]

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.frames:
            self.reads += 1
            yield frame

    def __getitem__(self, number: int) -> Frame:
        return next(f for f in self.frames if f.number == number)

    def __len__(self) -> int:
        return len(self.frames)

    def params(self, number: int) -> Any:
        return NODE.make(self.values or {})


def _analysed(shot: _Shot, **params: Any) -> dict[str, Any]:
    shot.values = params
    results = NODE.make(params).analyze(shot, Context(fidelity=params.get("fidelity", "faithful")))
    return json.loads(json.dumps(results, allow_nan=False))


def _moving(count: int = 6) -> list[Frame]:
    return [_frame(_scene(at=40 + 3 * i), 1001 + i) for i in range(count)]


def test_strength_0_is_the_input_itself() -> None:
    frame = _frame(pictures.highlights() * np.float32(100))
    result = _render(frame, strength=0.0)
    assert result.frame.pixels is frame.pixels
    assert not any(k.startswith("hdr:") for k in result.frame.metadata)


@pytest.mark.parametrize("method", ["adaptive", "bt2446a", "bt2446b", "bt2446c", "bt2408"])
def test_everything_that_is_not_colour_comes_through(method: str) -> None:
    rgba = np.concatenate((_scene(), np.linspace(0, 1, 180, dtype=np.float32).repeat(120).reshape(120, 180, 1)), axis=2)
    before = rgba.copy()
    rgba.flags.writeable = False
    depth = np.ones((120, 180), np.float16)
    frame = _frame(rgba, extra={"Z": depth}, metadata={"owner": "archive"})
    made = _render(frame, method=method).frame
    assert np.array_equal(made.pixels[..., 3], before[..., 3])
    assert np.array_equal(frame.pixels, before)
    assert made.extra["Z"] is depth
    assert made.metadata["owner"] == "archive"
    assert (made.number, made.window, made.space) == (frame.number, frame.window, DISPLAY)
    assert made.rgb.max() > 150.0


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2), (17, 5)])
@pytest.mark.parametrize("method", ["adaptive", "bt2446a"])
def test_any_size_and_any_light(shape: tuple[int, int], method: str) -> None:
    frame = _frame(pictures.highlights(shape[1], shape[0]) * np.float32(100))
    views = frozenset(NODE.views)
    result = _render(frame, method=method, ctx=Context(views=views))
    assert np.isfinite(result.frame.pixels).all()
    assert set(result.aovs) == views
    assert all(np.isfinite(a).all() and a.dtype == np.float32 for a in result.aovs.values())


# Which methods a parameter works in, by its hint, and a value that must be felt there.
WORKS = {
    "strength": (0.5, "all"),
    "peak": (2000.0, "all"),
    "diffuse_white": (150.0, ("bt2408", "adaptive")),
    "mid_grey": (18.0, ("adaptive",)),
    "knee": (0.7, ("bt2446b", "adaptive")),
    "black": (0.5, "all"),
    "saturation": (1.3, "all"),
    "crosstalk": (0.2, ("bt2446c",)),
    "gamut": ("p3", "all"),
    "protection": (0.0, "all"),
    "estimate": (1.0, ("adaptive",)),
    "fidelity": ("pleasing", ("adaptive",)),
}


@pytest.mark.parametrize("name", WORKS)
def test_a_parameter_works_in_the_methods_that_its_hint_names_and_in_no_other(name: str) -> None:
    value, works = WORKS[name]
    picture = _scene()
    picture[0, 0] = 5000.0  # a super-white, for what acts above the peak
    picture[0, 1] = (2.0, 90.0, 1.0)  # outside P3
    analysis = _analysed(_Shot([_frame(_scene(key=1.0))]))
    for method in NODE.params["method"].choices or {}:
        outs = []
        for params in ({}, {name: value}):
            made = NODE.make({"method": method, **params})
            ctx = Context(fidelity=made.fidelity, analysis=None if name in ("protection", "peak") else analysis)
            if name in ("knee", "diffuse_white", "estimate", "fidelity"):
                ctx = replace(ctx, analysis=None)
            outs.append(made.render(Window((_frame(picture),)), ctx).frame.pixels)
        felt = not np.array_equal(outs[0], outs[1])
        assert felt == (works == "all" or method in works), method
        if works != "all":
            assert method not in works or method in NODE.params[name].hint or name == "fidelity"


def test_source_gamut_decides_where_clipping_is_found() -> None:
    picture = np.full((40, 40, 3), 20.0)
    picture[10:30, 10:30] = (100.0, 20.0, 5.0)
    frame = _frame(apply_matrix(INTO, picture))
    found = {g: _render(frame, source_gamut=g).facts["clipped"]["pixels"] for g in ("auto", "rec709", "rec2020")}
    assert found == {"auto": 400, "rec709": 400, "rec2020": 0}
    wide = _render(frame, ctx=Context(source_space="Rec.2100-PQ - Display")).facts["clipped"]["pixels"]
    assert wide == 0


def test_the_ledger_keeps_clipped_and_estimated_apart() -> None:
    frame = _frame(_scene(lamp=900.0))
    ctx = Context(views=frozenset({"clip", "estimated", "synthesis"}))
    result = _render(frame, estimate=1.0, ctx=ctx)
    assert result.facts["clipped"]["channels"][0] == result.facts["clipped"]["pixels"] > 10
    assert result.facts["estimated"]["pixels"] >= 5
    assert 0.1 < result.facts["estimated"]["most_stops"] <= 1.5
    clip, estimated, synthesis = (result.aovs[n] for n in ("clip", "estimated", "synthesis"))
    assert clip.shape == (120, 180, 3)
    assert clip.max() == pytest.approx(100.0)
    assert (clip.max(axis=2) > 0).sum() == result.facts["clipped"]["pixels"]
    assert 0.0 < estimated.max() <= 1.0
    plain = _render(frame, estimate=0.0).frame.rgb
    untouched = estimated == 0.0
    assert untouched.sum() > 10_000
    np.testing.assert_allclose(synthesis[~untouched], 1 - np.exp2(-1.5 * estimated[~untouched]), atol=1e-5)
    lit = ~untouched
    # The room left for estimates lowers the curve where estimates are allowed, so the plain picture is not the base.
    assert result.frame.rgb[lit].max() <= 1000.0
    assert plain.max() < 1000.0


def test_forensic_estimates_nothing() -> None:
    frame = _frame(_scene(lamp=900.0))
    result = _render(frame, estimate=1.0, ctx=Context(fidelity="forensic", views=frozenset({"synthesis"})))
    assert result.facts["estimated"] == {"allowed_stops": 0.0, "pixels": 0, "most_stops": 0.0}
    assert result.facts["clipped"]["pixels"] > 10
    assert not result.aovs["synthesis"].any()


def test_the_reports_methods_estimate_nothing_and_can_be_baked() -> None:
    for method in ("bt2446a", "bt2446b", "bt2446c", "bt2408"):
        assert "estimated" not in _render(_frame(_scene(lamp=900.0)), method=method, estimate=1.0).facts
        assert NODE.pointwise(NODE.make({"method": method}))
    assert not NODE.pointwise(NODE.make({}))


def test_an_extension_says_so() -> None:
    assert "extension" in _render(_frame(_scene()), method="bt2446a", peak=600.0).facts
    assert "extension" not in _render(_frame(_scene()), method="bt2446a").facts
    assert "extension" not in _render(_frame(_scene()), method="bt2408", peak=600.0).facts
    assert "BT.2446-1, method C" in _render(_frame(_scene()), method="bt2446c").facts["standard"]


def test_without_an_analysis_the_facts_say_what_curve_was_used() -> None:
    assert "no analysis" in _render(_frame(_scene())).facts["curve"]["from"]
    analysis = _analysed(_Shot(_moving()))
    assert _render(_frame(_scene()), ctx=Context(analysis=analysis)).facts["curve"]["from"] == "the shot's analysis"


def test_header_and_sidecars_equal_what_the_rendered_pixels_give() -> None:
    frames = _moving()
    params = {"peak": 1200.0, "gamut": "p3"}
    analysis = _analysed(_Shot(frames), **params)
    made = [_render(f, ctx=Context(analysis=analysis), **params).frame for f in frames]
    brightest = [np.clip(m.rgb.astype(np.float64), 0.0, 10000.0).max(axis=2) for m in made]
    header = made[0].metadata
    assert header["hdr:max_cll"] == math.floor(max(b.max() for b in brightest) + 0.5)
    assert header["hdr:max_fall"] == math.floor(max(b.mean() for b in brightest) + 0.5)
    tops = [np.sort(b, axis=None)[math.ceil(0.9999 * b.size) - 1] for b in brightest]
    assert header["hdr:max_cll_percentile"] == math.floor(max(tops) + 0.5)
    assert header["hdr:mastering_display"].endswith("L(12000000,1)")
    assert all(m.metadata == {**f.metadata, **header} for m, f in zip(made, frames, strict=True))
    files = NODE.make(params).sidecars(analysis, [f.number for f in frames])
    assert set(files) == {"hdr10plus", "dolby-vision", "hdr-metadata"}
    json.dumps(files, allow_nan=False)
    scene = files["hdr10plus"]["SceneInfo"][0]["LuminanceParameters"]
    assert scene["MaxScl"] == [
        math.floor(10 * max(np.clip(m.rgb[..., c], 0, 1e4).max() for m in made) + 0.5) for c in range(3)
    ]
    assert files["hdr-metadata"]["strict"]["max_cll"] == header["hdr:max_cll"]
    assert files["hdr-metadata"]["frames"] == [1001, 1006]
    assert files["dolby-vision"]["level6"]["max_content_light_level"] == header["hdr:max_cll"]
    assert len(files["dolby-vision"]["shots"][0]["frame_edits"]) == 6


@pytest.mark.parametrize("fidelity", ["forensic", "faithful", "pleasing"])
def test_the_measured_light_is_that_of_the_fidelity_rendered(fidelity: Any) -> None:
    frames = [_frame(_scene(lamp=900.0))]
    analysis = _analysed(_Shot(frames), fidelity=fidelity, estimate=1.0, peak=4000.0)
    ctx = Context(analysis=analysis, fidelity=fidelity)
    made = _render(frames[0], ctx=ctx, fidelity=fidelity, estimate=1.0, peak=4000.0).frame
    assert analysis["content_light"]["max_cll"] == pytest.approx(float(made.rgb.max()))


def test_mix_is_part_of_the_measured_light() -> None:
    frames = _moving(2)
    full, half = (_analysed(_Shot(frames), method="bt2446a", mix=m)["content_light"]["max_fall"] for m in (1.0, 0.5))
    mean_in = max(float(f.rgb.max(axis=2).mean()) for f in frames)
    assert half == pytest.approx((full + mean_in) / 2, rel=0.02)


def test_each_shot_has_its_own_curve_and_clip_level() -> None:
    dim = [_frame(_scene(), 1 + i) for i in range(3)]
    snow = np.minimum(_scene(key=1.0) + np.float32(75.0), 99.0).astype(np.float32)
    bright = [_frame(snow, 4 + i) for i in range(3)]
    analysis = _analysed(_Shot([*dim, *bright], cuts=[4]))
    white = {int(line.split()[0]): float(line.split()[1]) for line in analysis["curves"]}
    assert white[1] == white[3]  # not pulled by what lies beyond the cut
    assert white[4] == white[6]
    assert white[4] < 0.8 * white[3]
    assert [(s["first"], s["last"]) for s in analysis["shots"]] == [(1, 3), (4, 6)]


def test_within_a_shot_the_curve_moves_without_pumping() -> None:
    flicker = [_frame(_scene(key=1.0 if i % 2 else 5.0, size=40), i) for i in range(60)]
    white = [float(line.split()[1]) for line in _analysed(_Shot(flicker))["curves"]]
    change = np.abs(np.diff(np.log2(white)))
    assert change.max() < 0.02  # stops from frame to frame; a hundredth of what a frame by itself would ask for
    steady = [_frame(_scene(size=40), i) for i in range(10)]
    assert len({line.split()[1] for line in _analysed(_Shot(steady))["curves"]}) == 1


def test_analysis_reads_the_shot_twice_and_can_be_stopped() -> None:
    shot = _Shot(_moving(3))
    _analysed(shot)
    assert shot.reads == 6

    def stop() -> None:
        raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        NODE.make().analyze(_Shot(_moving(1)), Context(check_abort=stop))
    with pytest.raises(Interrupted):
        _render(_frame(_scene()), ctx=Context(check_abort=stop))


def test_threads_make_no_difference() -> None:
    frame = _frame(np.tile(_scene(lamp=900.0), (3, 3, 1)))
    views = frozenset(NODE.views)
    one, three = (_render(frame, ctx=Context(threads=t, views=views)) for t in (1, 3))
    assert np.array_equal(one.frame.pixels, three.frame.pixels)
    assert all(np.array_equal(one.aovs[v], three.aovs[v]) for v in views)


def test_views_are_made_only_when_asked_for() -> None:
    assert not _render(_frame(_scene())).aovs
    assert set(_render(_frame(_scene()), ctx=Context(views=frozenset({"waveform"}))).aovs) == {"waveform"}


def test_importing_the_node_stays_light(root: Path) -> None:
    code = (
        "import sys, wetgate.nodes.hdr_lift;"
        "heavy = {'cv2', 'torch', 'PyOpenColorIO', 'OpenImageIO', 'av'} & set(sys.modules);"
        "raise SystemExit(str(heavy) if heavy else 0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(root / "plugin")}, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("method", ["bt2446a", "bt2446b", "bt2446c", "bt2408", "adaptive"])
def test_the_bound_holds_for_the_lift_and_breaks_for_another_picture(method: str) -> None:
    frames = _moving(2)
    analysis = _analysed(_Shot(frames), method=method)
    ctx = Context(analysis=analysis)
    made = _render(frames[0], ctx=ctx, method=method).frame
    good = NODE.make({"method": method}).bound(frames[0], made, ctx)
    assert good.ok
    assert good.value < 0.05  # float all the way: the target for a round trip without a file between
    brighter = NODE.make({"method": method}).bound(frames[0], made.with_rgb(made.rgb * np.float32(1.1)), ctx)
    assert not brighter.ok
