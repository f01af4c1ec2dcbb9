"""HDR Lift: SDR made for a 100-nit display to HDR light, with its metadata and its ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from wetgate.color.difference import delta_e_2000, xyz_to_lab
from wetgate.color.hdr import analysis, bt2408, bt2446c, clipping, light, metadata, scopes, statistics
from wetgate.color.hdr.adaptive import KNEE
from wetgate.color.hdr.analysis import FrameCurve
from wetgate.color.hdr.lift import Method, Settings, invert, lift
from wetgate.color.primaries import apply_matrix, rgb_to_xyz
from wetgate.spec import Bound, Context, Fidelity, Frame, Image, Result, Shot, Window, node, param

# Stops by which clipped light may be estimated, at estimate = 1, and how much of that the curve leaves room for.
_MOST_STOPS: dict[str, float] = {"forensic": 0.0, "faithful": 1.5, "pleasing": 3.0}
_RESERVE = 0.2
_STANDARDS = {
    "bt2446a": "Report ITU-R BT.2446-1, method A",
    "bt2446b": "Report ITU-R BT.2446-1, method B (constraints of section 5, own curve between them)",
    "bt2446c": "Report ITU-R BT.2446-1, method C",
    "bt2408": "Report ITU-R BT.2408, direct mapping",
    "adaptive": "Wetgate adaptive",
}


@node(
    id="hdr_lift",
    label="HDR Lift",
    space="display",
    version=1,
    analyzes=True,
    hdr_output=True,
    synthesises=True,
    pointwise=lambda self: self.method != "adaptive",
    views={
        "nits": "False colour of the result's light: one hue a band, diffuse white (203 nits) in white.",
        "clip": "Channels of the input that were clipped, in the source's primaries: red, green, blue, white for all.",
        "estimated": "Stops of light put in where the input had clipped, over the most that was allowed (0 to 1).",
        "waveform": "Waveform of the result in nits, on a PQ scale; lines at 1, 10, 100, 203, 1,000, 4,000, 10,000.",
        "synthesis": "Share of the result's light that the input does not determine (0 to 1).",
    },
)
class HdrLift:
    """Lifts SDR, made for a 100-nit display, to HDR of up to 10,000 nits, and measures the light it makes.

    Methods A, B and C are those of Report ITU-R BT.2446-1 (sections 4.2, 5.1 and 6.2), ``bt2408`` is the direct mapping
    of Report ITU-R BT.2408 (5.1.2), which shows SDR at HDR reference white and expands nothing. ``adaptive`` is our
    own: a curve per shot on the intensity of ICtCp (BT.2100-2 Table 7) that takes an 18 % grey card to 26 nits, diffuse
    white to 203, and what lies above towards the peak, the more so the smaller the bright areas are; hue is kept. It
    alone estimates clipped highlights, within a stated bound, and keeps them apart in its ledger.

    Every curve increases, is odd through black and goes on smoothly above SDR white, so that super-whites, negative
    and scene-linear values come through; each has its numeric inverse (``wetgate.color.hdr.lift.invert``). A and C are
    defined for 1,000 nits, B has a figure and constraints in place of equations; other peaks are extensions, and the
    frame's record says so.

    The analysis measures the lifted light of the whole shot: MaxCLL and MaxFALL (CTA-861.3, and percentiles, labelled),
    the mastering display (ST 2086), HDR10+ (ST 2094-40) and Dolby Vision level 1, 5 and 6 data as JSON.
    """

    method: str = param(
        "adaptive",
        choices={
            "adaptive": "Adaptive",
            "bt2446a": "BT.2446 A",
            "bt2446b": "BT.2446 B",
            "bt2446c": "BT.2446 C",
            "bt2408": "BT.2408 direct mapping",
        },
        hint="How SDR becomes HDR: by a method of the ITU, or by a curve that follows the shot.",
    )
    strength: float = param(
        1.0, lo=0, hi=1, hint="Share of the lift, on a scale of stops; 0 is the input. Works in every method."
    )
    peak: float = param(
        1000.0,
        lo=100,
        hi=10000,
        soft=(400, 4000),
        unit="nits",
        hint="Peak of the HDR picture and of its mastering display. Works in every method; in bt2408 only on light that"
        " passes it. A, B and C are defined for 1,000; another value is an extension.",
    )
    diffuse_white: float = param(
        bt2408.REFERENCE_WHITE,
        lo=50,
        hi=1000,
        soft=(100, 400),
        unit="nits",
        hint="Light of diffuse white (SDR white in bt2408). Works in bt2408 and adaptive; BT.2408 has 203.",
    )
    mid_grey: float = param(
        bt2408.GREY_CARD,
        lo=5,
        hi=100,
        soft=(10, 50),
        unit="nits",
        label="Mid-grey and skin",
        hint="Light of an 18 % grey card (11.7 nits in SDR); skin follows it. Works in adaptive; BT.2408 has 26.",
    )
    knee: float = param(
        KNEE,
        lo=0.5,
        hi=0.95,
        unit="of the SDR signal",
        hint="SDR level above which highlights are expanded. Works in bt2446b (the report has 0.78) and adaptive.",
    )
    black: float = param(
        0.0,
        lo=-1,
        hi=1,
        soft=(-0.1, 0.1),
        unit="nits",
        hint="SDR light taken off black before the lift, negative puts it on; smooth, highlights keep theirs."
        " Works in every method.",
    )
    saturation: float = param(
        1.0,
        lo=0,
        hi=2,
        soft=(0.5, 1.5),
        hint="Colour against the method's own (1); luminance stays. Works in every method.",
    )
    crosstalk: float = param(
        bt2446c.CROSSTALK,
        lo=0,
        hi=0.33,
        hint="Crosstalk alpha of method C: how far R, G and B count alike towards the light that picks the gain."
        " Works in bt2446c.",
    )
    gamut: str = param(
        "none",
        choices={"none": "None", "p3": "P3-D65"},
        hint="Brings colours outside P3-D65 to its edge, at their luminance. Works in every method.",
    )
    protection: float = param(
        0.75,
        lo=0,
        hi=1,
        label="Highlight protection",
        hint="How far large bright areas stay near diffuse white (adaptive), and light above the peak is held back"
        " (every method); 0 holds nothing back.",
    )
    estimate: float = param(
        0.5,
        lo=0,
        hi=1,
        label="Estimate clipped",
        hint="How much light to put in where highlights had clipped: at most 1.5 stops at 1, 3 with fidelity pleasing,"
        " none with forensic. Works in adaptive.",
    )
    source_gamut: str = param(
        "auto",
        choices={"auto": "From the input space", "rec709": "Rec.709", "p3d65": "P3-D65", "rec2020": "Rec.2020"},
        hint="Primaries in which the SDR picture was made and clipped: where clipping is looked for.",
    )

    def render(self, frames: Window, ctx: Context) -> Result:
        frame = frames.center
        curve = self._curve(ctx, frame.number)
        if self.strength == 0:
            return Result(frame, self._views(frame.rgb, frame.rgb, None, curve, ctx), {"lift": "none, strength is 0"})
        lifted, added = self._lifted(frame, curve, ctx)
        facts = self._facts(frame, curve, added, ctx)
        made = frame.with_rgb(lifted)
        if ctx.analysis is not None:
            content = analysis.light_of(ctx.analysis)
            made = made.with_(metadata=dict(frame.metadata) | metadata.header(self._mastering(), content))
        return Result(made, self._views(frame.rgb, lifted, added, curve, ctx), facts)

    def analyze(self, shot: Shot, ctx: Context) -> dict[str, Any]:
        shots = analysis.segments(shot.numbers, shot.cuts)
        primaries = self._primaries(ctx)
        tops: dict[int, clipping.Top] = {}
        wanted: dict[int, tuple[float, float]] = {}
        for done, frame in enumerate(shot, 1):
            ctx.check_abort()
            at = cast(HdrLift, shot.params(frame.number))
            tops[frame.number] = clipping.top_of(frame.rgb, primaries, ctx.threads)
            wanted[frame.number] = at._white_and_knee(statistics.brightness(frame.rgb), ctx)
            ctx.progress(0.5 * done / len(shot))
        curves = _curves(shots, wanted, tops)
        measured: dict[int, light.FrameLight] = {}
        for done, frame in enumerate(shot, 1):
            ctx.check_abort()
            at = cast(HdrLift, shot.params(frame.number))
            measured[frame.number] = light.measure(at._mixed(frame, curves[frame.number], ctx))
            ctx.progress(0.5 + 0.5 * done / len(shot))
        return analysis.to_results(shots, curves, measured)

    def summary(self, results: Mapping[str, Any]) -> str:
        light, shots = analysis.light_of(results), len(results["shots"])
        told = f"MaxCLL {light.max_cll:.0f}, MaxFALL {light.max_fall:.0f} nits"
        return f"{shots} shot{'s' if shots > 1 else ''}; lifted, {told}"

    def sidecars(self, results: Mapping[str, Any], numbers: Sequence[int]) -> dict[str, Any]:
        """HDR metadata files of a shot by name: HDR10+, Dolby Vision, and our own summary, from its analysis."""
        from wetgate import __version__

        shots, content, mastering = analysis.shots_of(results), analysis.light_of(results), self._mastering()
        facts = {"method": self.method, "standard": _STANDARDS[self.method], "peak": self.peak} | self._extension()
        return {
            "hdr10plus": metadata.hdr10plus(shots, __version__),
            "dolby-vision": metadata.dolby_vision(shots, analysis.frame_codes_of(results), mastering, content),
            "hdr-metadata": metadata.summary(numbers, analysis.bars_of(results), mastering, content, facts),
        }

    def bound(self, source: Frame, result: Frame, ctx: Context) -> Bound:
        """How far the numeric inverse of the lift, applied to the result, is from the source: dE2000, 99th percentile.

        Pixels whose light was estimated are in the ledger and left out, as are those beyond the peak, where a file of
        PQ holds no more. The limit is one just noticeable difference: 10-bit PQ reaches 0.5 to 0.8, half 0.1.
        """
        curve = self._curve(ctx, source.number)
        back = invert(self._settings(curve), ctx.threads)(result.rgb)
        kept = result.rgb.max(axis=2) < self.peak
        most = self._most_stops(ctx)
        stops = clipping.estimated_stops(source.rgb, self._primaries(ctx), curve.clip_level, most) if most > 0 else None
        if stops is not None:
            kept &= (stops == 0).all(axis=2)
        name = "dE2000 of the inverse lift to the source, p99"
        if not kept.any():
            return Bound(name, 0.0, 1.0)
        matrix = rgb_to_xyz("rec2020")
        labs = [xyz_to_lab(apply_matrix(matrix, rgb[kept]), 100.0 * matrix.sum(axis=1)) for rgb in (source.rgb, back)]
        return Bound(name, float(np.percentile(delta_e_2000(*labs), 99)), 1.0)

    def _mixed(self, frame: Frame, curve: FrameCurve, ctx: Context) -> Image:
        """The light that leaves the node at this frame, ``mix`` included (a mask is not known here)."""
        mix = cast(float, getattr(self, "mix", 1.0))
        if self.strength == 0 or mix == 0:
            return frame.rgb
        lifted = self._lifted(frame, curve, ctx)[0]
        return lifted if mix == 1 else frame.rgb + (lifted - frame.rgb) * np.float32(mix)

    def _lifted(self, frame: Frame, curve: FrameCurve, ctx: Context) -> tuple[Image, Image | None]:
        """The lifted light (H, W, 3), and the stops that were estimated (H, W) or None."""
        out = lift(frame.rgb, self._settings(curve), ctx.threads, ctx.check_abort).astype(np.float32, copy=False)
        most = self._most_stops(ctx)
        if most <= 0.0:
            return out, None
        primaries = self._primaries(ctx)
        stops = clipping.estimated_stops(frame.rgb, primaries, curve.clip_level, most, ctx.threads)
        if stops is None:
            return out, None
        out, added = clipping.with_estimate(out, stops, primaries, self.peak)
        return out.astype(np.float32, copy=False), added.astype(np.float32, copy=False)

    def _settings(self, curve: FrameCurve) -> Settings:
        return Settings(
            method=cast(Method, self.method),
            strength=self.strength,
            peak=self.peak,
            diffuse_white=self.diffuse_white,
            mid_grey=self.mid_grey,
            knee=curve.knee if self.method == "adaptive" else self.knee,
            black=self.black,
            saturation=self.saturation,
            crosstalk=self.crosstalk,
            protection=self.protection,
            p3_limit=self.gamut == "p3",
            white_to=curve.white_to,
        )

    def _curve(self, ctx: Context, number: int) -> FrameCurve:
        """The analysed curve; without an analysis the one of a shot with small highlights, said in the facts."""
        found = analysis.curve_of(ctx.analysis, number) if ctx.analysis is not None else None
        if found is not None:
            return found
        white_to, knee = self._white_and_knee(statistics.Brightness(0.0, 0.0), ctx)
        return FrameCurve(white_to, knee, 100.0).rounded()

    def _white_and_knee(self, brightness: statistics.Brightness, ctx: Context) -> tuple[float, float]:
        reserve = _RESERVE * self._most_stops(ctx)
        return statistics.white_and_knee(
            brightness, self.peak, min(self.diffuse_white, self.peak), self.knee, self.protection, reserve
        )

    def _most_stops(self, ctx: Context) -> float:
        if self.method != "adaptive":
            return 0.0
        fidelity: Fidelity = ctx.fidelity
        return _MOST_STOPS[fidelity] * self.estimate * self.strength

    def _primaries(self, ctx: Context) -> str:
        if self.source_gamut != "auto":
            return self.source_gamut
        name = ctx.source_space.lower()
        if "2020" in name or "2100" in name:
            return "rec2020"
        return "p3d65" if "p3" in name else "rec709"

    def _mastering(self) -> metadata.Mastering:
        return metadata.Mastering("p3d65" if self.gamut == "p3" else "rec2020", self.peak)

    def _extension(self) -> dict[str, str]:
        if self.method in ("bt2446a", "bt2446b", "bt2446c") and self.peak != 1000.0:
            return {"extension": f"the report defines this method for 1,000 nits; {self.peak:g} is our extension of it"}
        return {}

    def _facts(self, frame: Frame, curve: FrameCurve, added: Image | None, ctx: Context) -> dict[str, Any]:
        facts: dict[str, Any] = {"method": self.method, "standard": _STANDARDS[self.method], "peak": self.peak}
        facts |= self._extension()
        if self.method == "adaptive":
            analysed = ctx.analysis is not None and analysis.curve_of(ctx.analysis, frame.number) is not None
            facts["curve"] = {
                "white_to": round(curve.white_to, 3),
                "knee": round(curve.knee, 5),
                "from": "the shot's analysis" if analysed else "no analysis: as for a shot with small highlights",
            }
        hit = clipping.clipped(frame.rgb, self._primaries(ctx), curve.clip_level, ctx.threads)
        facts["clipped"] = {
            "level": curve.clip_level,
            "channels": [int(np.count_nonzero(hit[..., c])) for c in range(3)],
            "pixels": int(np.count_nonzero(hit[..., 0] | hit[..., 1] | hit[..., 2])),
        }
        if self.method == "adaptive":
            facts["estimated"] = {
                "allowed_stops": round(self._most_stops(ctx), 4),
                "pixels": 0 if added is None else int((added > 0.0).sum()),
                "most_stops": 0.0 if added is None else round(float(added.max()), 4),
            }
        return facts

    def _views(
        self, before: Image, after: Image, added: Image | None, curve: FrameCurve, ctx: Context
    ) -> dict[str, Image]:
        views: dict[str, Image] = {}
        stops = np.zeros(after.shape[:2], np.float32) if added is None else added
        if "nits" in ctx.views:
            views["nits"] = scopes.false_colour(after)
        if "waveform" in ctx.views:
            views["waveform"] = scopes.waveform(after)
        if "clip" in ctx.views:
            hit = clipping.clipped(before, self._primaries(ctx), curve.clip_level, ctx.threads)
            views["clip"] = scopes.in_display_colours(hit * np.float32(100.0))
        if "estimated" in ctx.views:
            views["estimated"] = stops / np.float32(max(self._most_stops(ctx), 1e-6))
        if "synthesis" in ctx.views:
            views["synthesis"] = np.float32(1.0) - np.exp2(-stops)
        return views


def _curves(
    shots: Sequence[Sequence[int]], wanted: Mapping[int, tuple[float, float]], tops: Mapping[int, clipping.Top]
) -> dict[int, FrameCurve]:
    """Each frame's curve: what it wanted by itself, averaged over its neighbours in the shot."""
    curves: dict[int, FrameCurve] = {}
    for shot in shots:
        level = clipping.clip_level([tops[n] for n in shot])
        stops = statistics.smoothed([float(np.log2(wanted[n][0])) for n in shot])
        knees = statistics.smoothed([wanted[n][1] for n in shot])
        for number, white, knee in zip(shot, stops, knees, strict=True):
            curves[number] = FrameCurve(2.0**white, knee, level).rounded()
    return curves
