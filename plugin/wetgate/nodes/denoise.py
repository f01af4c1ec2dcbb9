"""Denoise: camera and scan noise, measured and taken out; film grain told apart and left where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wetgate.inference import TIERS, Restored, Vst, network
from wetgate.ops.noise_measure import chosen_frames
from wetgate.ops.noise_model import MOST_DEVIATIONS, ShotNoise, explained
from wetgate.spec import SCENE, Bound, Coherent, Context, Frame, Image, Result, Shot, Window, node, param

if TYPE_CHECKING:
    from wetgate.ops.motion import Motion
    from wetgate.ops.motion_average import Averaged

_MOST_FRAMES = 12  # that an analysis looks at
# Splits of the removed noise into bands: sigmas in pixels of the Gaussians between them.
_FINE_PX, _COARSE_PX = 1.0, 3.0
# Where the weights for tones hand over to one another, in encoded values (0 black, 1 the shot's white).
_SHADOWS, _HIGHLIGHTS = (0.15, 0.4), (0.6, 0.85)
# Result of the view "removed": a tenth of the range a standard deviation, on mid grey.
_VIEW_GREY, _VIEW_GAIN = 0.5, 0.1


# Parameters that say how much of what was found is taken out: of a picture that is cleaned, and steadied, in full.
_ORIGINS = {"grain": "film grain", "electronic": "electronic noise", "compression": "noise that a codec left"}
_FINISHING = ("strength", "luma", "chroma", "fine", "medium", "coarse", "shadows", "mids", "highlights")


@dataclass(frozen=True, slots=True)
class Setting:
    """The noise at work in one frame: what was measured or given, where from, and its encoding for the network."""

    noise: ShotNoise
    source: str
    encoding: Vst


@node(
    id="denoise",
    label="Denoise",
    space="video",
    version=2,
    analyzes=lambda self: self.sigma == 0,
    splits=True,
    analysed_since=1,
    analysis_frames=lambda numbers: chosen_frames(numbers, _MOST_FRAMES),
    reach=lambda self: self.radius if self.temporal > 0 else 0,
    coherent=Coherent(radius=1, since=2),
    finishing=_FINISHING,
    views={
        "removed": "What was taken out, in standard deviations of the noise: a tenth of the range each, on grey.",
        "level": "Standard deviation of the noise at each pixel, in the footage's values, mean of the channels.",
        "trust": "How far neighbouring frames were used: 1 where motion could be followed, 0 where a frame is alone.",
    },
)
class Denoise:
    """Takes camera and scan noise out, by what was measured in the shot.

    The analysis measures the strength of the noise at each level of each channel, how coarse it is, how far channels
    share it, and whether it is film grain, electronic noise or what a codec left. A transform that makes noise of that
    law even (generalised Anscombe; Makitalo and Foi, IEEE TIP 22(1), 2013) comes before a network that is told the
    noise at every pixel; so strength follows the measurement, not a guess.

    In a shot, each frame is first cleaned alone; the flow between the cleaned frames carries the neighbours' own noisy
    pixels to the frame, where the motion can be followed both ways and the pictures agree. They are averaged, and the
    network cleans the average, knowing how much noise is left at each pixel. Where motion is lost the frame stands
    alone: limbs keep their edges and leave no ghosts. What then still differs from frame to frame is fused along the
    motion (``coherence``), before weights and ``keep_grain`` say what stays: noise and grain that are kept are the
    frame's own. The window is finite, so any start gives the same frame.

    Nothing is taken out that the noise does not explain: no pixel changes by more than four standard deviations of the
    measured noise at its level (the consistency bound). Film grain is the picture's own texture: where the analysis
    finds grain, ``keep_grain`` of it stays.
    """

    strength: float = param(1.0, lo=0, hi=1, hint="Share of the noise that is taken out; 0 is the input.")
    sigma: float = param(
        0.0,
        lo=0,
        hi=200,
        soft=(0, 50),
        label="Noise by hand",
        unit="/255",
        hint="Standard deviation of the noise in 255ths of the footage's range; 0 takes what the analysis measured.",
    )
    gain: float = param(
        1.0,
        lo=0.1,
        hi=4,
        soft=(0.5, 2),
        unit="x",
        label="Noise level",
        hint="Multiplies the measured noise: above 1 cleans harder, below 1 leaves more texture.",
    )
    temporal: float = param(
        1.0, lo=0, hi=1, group="Time", animates=False, hint="Weight of neighbouring frames; 0 works on each alone."
    )
    radius: int = param(
        2, lo=0, hi=4, soft=(0, 2), group="Time", animates=False, unit="frames", hint="Frames used on either side."
    )
    motion_threshold: float = param(
        1.0,
        lo=0.1,
        hi=4,
        soft=(0.5, 2),
        unit="x",
        group="Time",
        hint="How different a neighbour may look and still count: lower is safer about ghosts, higher cleans more.",
    )
    tier: str = param(
        "fast",
        choices=TIERS,
        label="Network",
        hint="Which network takes the noise out; fine keeps more texture and takes twice the time or more.",
        since=2,
        legacy="fast",
        render_only=True,
    )
    luma: float = param(1.0, lo=0, hi=1, group="Weights", hint="Share of brightness noise that is taken out.")
    chroma: float = param(1.0, lo=0, hi=1, group="Weights", hint="Share of colour noise that is taken out.")
    fine: float = param(1.0, lo=0, hi=1, group="Weights", hint="Share of the finest noise, single pixels.")
    medium: float = param(1.0, lo=0, hi=1, group="Weights", hint="Share of noise some pixels across.")
    coarse: float = param(1.0, lo=0, hi=1, group="Weights", hint="Share of blotches, some six pixels and more.")
    shadows: float = param(1.0, lo=0, hi=1, group="Weights", hint="Share taken out in the shadows.")
    mids: float = param(1.0, lo=0, hi=1, group="Weights", hint="Share taken out in the mid-tones.")
    highlights: float = param(1.0, lo=0, hi=1, group="Weights", hint="Share taken out in the highlights.")
    keep_grain: float = param(
        1.0,
        lo=0,
        hi=1,
        label="Keep film grain",
        hint="Share of the grain that stays where the analysis finds film grain; other noise is not kept by it.",
    )

    def prepare(self, frame: Frame, ctx: Context) -> Frame:
        """The frame cleaned alone."""
        setting = self._setting(frame, ctx)
        if setting is None or self._kept(setting.noise) == 1:
            return frame
        done = self._cleaned(frame.rgb, frame.number, setting, ctx, lambda planes: planes)
        return frame.with_rgb(done.picture)

    def render(self, frames: Window, ctx: Context) -> Result:
        """The frame cleaned in full; :meth:`finish` says how much of that is taken."""
        frame = frames.center
        setting = self._setting(frame, ctx)
        if setting is None or self._kept(setting.noise) == 1:
            return Result(frame, self._trust(frame, None, ctx))
        averaged, cleaned, facts = self._in_time(frames, setting, ctx)
        return Result(frame.with_rgb(cleaned), self._trust(frame, averaged, ctx), facts)

    def finish(self, source: Frame, made: Result, ctx: Context) -> Result:
        """What weights, ``keep_grain`` and the consistency bound leave of the cleaned picture."""
        setting = self._setting(source, ctx)
        if setting is None:
            nothing = {"noise": "none was found, so nothing was done"}
            views = self._views(source, source.rgb, None, ctx)
            return Result(source, {**made.aovs, **views}, {**made.facts, **nothing})
        noise = setting.noise
        share = np.float32(self.strength * (1 - self._kept(noise)))
        rgb = source.rgb
        if share > 0:
            most = np.float32(MOST_DEVIATIONS) * noise.deviation_of(rgb)
            removed = np.clip(rgb - made.frame.rgb, -most, most)
            rgb = rgb - self._weighted(removed, setting.encoding.encode(rgb)) * share
        facts: dict[str, Any] = {"noise": setting.source, "deviation": noise.typical(), "origin": noise.origin}
        if noise.origin == "grain":
            facts["grain_kept"] = self.keep_grain
        views = self._views(source, rgb, setting, ctx)
        return Result(source.with_rgb(rgb), {**made.aovs, **views}, {**made.facts, **facts})

    def analyze(self, shot: Shot, ctx: Context) -> dict[str, Any]:
        return ShotNoise.measure(
            shot, _MOST_FRAMES, lambda frame: ctx.convert(frame, SCENE), ctx.check_abort, ctx.progress
        )

    def summary(self, results: Mapping[str, Any]) -> str:
        found = ShotNoise.from_json(results)
        if found is None:
            return "no noise was found, so nothing is done; sigma sets it by hand"
        level = max(found.typical()) * self.gain
        told = f"{_ORIGINS.get(found.origin, 'noise')} of about {255 * level:.2g}/255"
        kept = self._kept(found)
        if kept == 0:
            return told
        share = "all" if kept == 1 else f"{100 * kept:.0f} %"
        return f"{told}; {share} of it is kept, keep_grain=0 takes it out"

    def bound(self, source: Frame, result: Frame, ctx: Context) -> Bound:
        """The most that was taken out of a pixel, in deviations of the noise there."""
        setting = self._setting(source, ctx)
        if setting is None:
            value = float(np.abs(result.rgb - source.rgb).max())
            return Bound("change where no noise was found", value, 0.0)
        return Bound(
            "largest change over the noise's deviation",
            explained(source.rgb, result.rgb, setting.noise),
            MOST_DEVIATIONS * 1.01,
            "deviations",
        )

    def _setting(self, frame: Frame, ctx: Context) -> Setting | None:
        """The noise that this frame is cleaned by; None where there is none."""
        if self.sigma > 0:
            noise, source = ShotNoise.white(self.sigma / 255), "by hand"
        elif ctx.analysis is not None:
            found = ShotNoise.from_json(ctx.analysis)
            if found is None:
                return None
            noise, source = found, "measured in the shot"
        else:
            alone = ShotNoise.of_frame(frame.rgb)
            if alone is None:
                return None
            noise, source = alone, "measured in this frame alone"
        noise = noise.times(self.gain)
        gain, read = noise.law()
        return Setting(noise, source, Vst(gain, read, noise.top))

    def _cleaned(
        self, rgb: Image, number: int, setting: Setting, ctx: Context, left: Callable[[Image], Image]
    ) -> Restored:
        """The network's picture. ``left`` scales the noise map for what is left of the noise."""
        net = network("denoise", self.tier, device=ctx.device)
        planes = left(setting.noise.encoded_deviation_of(rgb, setting.encoding.sigma))
        return net.restore(
            [rgb],
            maps={"noise": planes, "coarseness": setting.noise.coarseness},
            encoding=setting.encoding,
            threads=ctx.threads,
            check_abort=ctx.check_abort,
            where=f"frame {number}",
        )

    def _in_time(self, frames: Window, setting: Setting, ctx: Context) -> tuple[Averaged | None, Image, dict[str, Any]]:
        if frames.reach == 0:
            done = self._cleaned(frames.center.rgb, frames.number, setting, ctx, lambda planes: planes)
            return None, done.picture, {"network": dict(done.facts)}
        from wetgate.ops.motion import luma, motions, toward
        from wetgate.ops.motion_average import average_along_motion

        prepared, encoding, middle = frames.prepared, setting.encoding, frames.reach

        def guide(k: int) -> Image:
            frame = prepared[k]
            return ctx.kept(("guide", frame.number, encoding), lambda: encoding.encode(frame.rgb))

        def pair(k: int, later: int) -> tuple[Motion, Motion]:
            numbers = prepared[k].number, prepared[later].number
            return ctx.kept(("motion", numbers, encoding), lambda: motions(luma(guide(k)), luma(guide(later))))

        averaged = average_along_motion(
            [f.rgb for f in frames.frames],
            [guide(k) for k in range(len(prepared))],
            setting.noise.encoded_deviation_of(frames.center.rgb, setting.encoding.sigma),
            counted=[not repeated for repeated in frames.repeated],
            amount=self.temporal,
            threshold=self.motion_threshold,
            motion=lambda k: toward(middle, k, k < middle, pair),
            check_abort=ctx.check_abort,
        )
        share = np.sqrt(averaged.variance)[..., None]
        done = self._cleaned(averaged.picture, frames.number, setting, ctx, lambda planes: planes * share)
        facts = {"network": dict(done.facts), "trust": round(float(averaged.trust.mean()), 4)}
        return averaged, done.picture, facts

    def _kept(self, noise: ShotNoise) -> float:
        """Share of the noise that stays because it is film grain."""
        return self.keep_grain if noise.origin == "grain" else 0.0

    def _weighted(self, removed: Image, encoded: Image) -> Image:
        """What is taken out, by band, by luma and chroma, by tone."""
        import cv2

        from wetgate.ops.motion import luma

        if (self.fine, self.medium, self.coarse) != (1.0, 1.0, 1.0):
            soft = cv2.GaussianBlur(removed, (0, 0), _FINE_PX)
            softer = cv2.GaussianBlur(removed, (0, 0), _COARSE_PX)
            bands = (self.fine, removed - soft), (self.medium, soft - softer), (self.coarse, softer)
            removed = np.asarray(sum(np.float32(weight) * band for weight, band in bands), np.float32)
        if (self.luma, self.chroma) != (1.0, 1.0):
            grey = luma(removed)[..., None]
            removed = np.float32(self.luma) * grey + np.float32(self.chroma) * (removed - grey)
        if (self.shadows, self.mids, self.highlights) != (1.0, 1.0, 1.0):
            tone = cv2.GaussianBlur(luma(encoded), (0, 0), 2.0)
            dark, bright = 1 - _smooth(tone, *_SHADOWS), _smooth(tone, *_HIGHLIGHTS)
            weight = self.mids + dark * (self.shadows - self.mids) + bright * (self.highlights - self.mids)
            removed = removed * np.asarray(weight, np.float32)[..., None]
        return removed

    def _trust(self, frame: Frame, averaged: Averaged | None, ctx: Context) -> Mapping[str, Image]:
        if "trust" not in ctx.views:
            return {}
        return {"trust": np.zeros(frame.rgb.shape[:2], np.float32) if averaged is None else averaged.trust}

    def _views(self, before: Frame, after: Image, setting: Setting | None, ctx: Context) -> Mapping[str, Image]:
        views: dict[str, Image] = {}
        if "removed" in ctx.views:
            views["removed"] = np.full(after.shape, _VIEW_GREY, np.float32)
            if setting is not None:
                deviation = np.maximum(setting.noise.deviation_of(before.rgb), np.float32(1e-9))
                views["removed"] += np.float32(_VIEW_GAIN) * (before.rgb - after) / deviation
        if "level" in ctx.views:
            none = np.zeros(after.shape[:2], np.float32)
            views["level"] = none if setting is None else setting.noise.deviation_of(before.rgb).mean(axis=2)
        return views


def _smooth(x: Image, low: float, high: float) -> Image:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
