"""Deblur: defocus, softness and motion blur of a known shape undone, as far as the noise lets it be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from wetgate.inference import clean_light, network, sharp_light
from wetgate.ops.noise_model import ShotNoise
from wetgate.spec import VIDEO, Bound, Coherent, Context, Frame, Image, Result, Shot, Window, node, param

if TYPE_CHECKING:
    from wetgate.ops.blur import Kernel
    from wetgate.ops.blur_setting import Consistency, Setting
    from wetgate.ops.blur_shape import Shape
    from wetgate.ops.deconvolve import Deconvolved
    from wetgate.ops.fourier_canvas import Mask

_MOST_FRAMES = 6  # that an analysis measures noise in
_REACH = (33, 33)  # px about a point that its light may be from: the widest PSFs that the network has seen, and a rim
_MOST_BEYOND = 5e-3  # of white: what storing a result in 8 bits can cost


def _psf_of(text: str) -> Kernel:
    from wetgate.ops.psf import from_text

    return from_text(text)


def _measures(node: Any) -> bool:
    """Whether anything is left to find: noise and blur may both be told by hand, and a network is told no blur."""
    of_motion = node.kind == "motion" and (node.shutter > 0 or node.method == "auto")
    blur = node.method != "network" and (node.kind in ("auto", "free") or of_motion)
    return bool(node.noise == 0 or blur)


@node(
    id="deblur",
    label="Deblur",
    space="scene",
    version=3,
    analyzes=_measures,
    analysed_since=1,
    synthesises=True,
    coherent=Coherent(fuses="change", amount=0.0, radius=1, since=2),
    views={
        "psf": "The point spread function that is undone, enlarged; its brightest value is white. Where it differs from"
        " place to place, those of the places. A point for a network.",
        "confidence": "How sure the blur is at each place: 1 by hand or without doubt, 0 where neighbours lend it.",
        "residual": "The frame less the result blurred again: a tenth of the range for each deviation of the noise."
        " Grey for a network, which has no PSF to blur with.",
        "change": "Result less input, half of the range for a change by the picture's white, on grey.",
        "synthesis": "What no PSF explains, as a share of the picture's white: a network's change; 0 for a PSF.",
    },
)
class Deblur:
    """Undoes blur in the light that was blurred: defocus, softness, motion of the camera, or any measured shape.

    Blur is a convolution of scene-linear light with a point spread function (PSF). What it left is taken from the
    frame; what it took is filled in by the most likely picture that, blurred again, gives the frame within its noise.
    Half-quadratic splitting with a denoising network as the prior finds it (K. Zhang et al., "Plug-and-play image
    restoration with deep denoiser prior", IEEE TPAMI 44(10), 2022); the noise is what was measured in the shot, at
    every level. How far the result blurred again is from the frame, in deviations of the noise, is put into the record:
    1 says that the two differ by the noise.

    The analysis finds the kind and size of the blur from the spectrum of the shot's light: discs leave rings of zeros
    in it, lines parallel ones, a Gaussian none. A free shape, as of a shaken camera, it looks for where the kind says
    so: edges and PSF in turn, coarse to fine, up to 31 pixels, in parts of the picture apart and at several prices of
    an edge. Those count that explain the spectrum, and their mean is undone where the parts agree. A shot that measures
    sharp comes through untouched, and so does one of which parts alone are blurred, as far as its spectrum tells,
    unless they can be measured place by place or ``variation`` is even. The figures are in the record, a picture of the
    PSF is a view, and all can be set by hand.

    Blur may differ over the frame (``variation``). Discs and Gaussians are measured on a coarse grid as well: a focus
    that falls off, a lens that is soft at its corners. Motion is read from the flow between frames, cell by cell and
    frame by frame: a point draws a line of the share of its motion for which the shutter was open, so things that move
    each have their own; where ways meet nothing is done. That share is a parameter, or what explains the shot's blur
    best. Cells in which no blur shows take the size that their neighbours have; the view ``confidence`` tells which.
    The frame is then undone in overlapping tiles, each with the PSF of its place, and places without blur are left as
    they are. What a measured PSF may be off by counts as noise beside edges, so that it does not ring.

    Where no PSF explains a frame, a network may be asked instead (``method``): it has learnt from pairs of blurred and
    sharp light, sharpens each place as it finds it, and leaves noise, grain and what is sharp as they are. It has no
    PSF, so its result cannot be blurred again and held against the frame: how far it is determined is not known, it is
    marked in ``synthesis``, and with ``fidelity`` forensic the frame is left as it is. It does most for soft and
    slightly defocused pictures, little for wide motion.

    Beyond the frame's edges, and where highlights were clipped, the light is not known and taken as missing: nothing
    wraps round, and no clipped value is believed. Highlights far above white and values below 0 come through; light is
    never made darker than the darkest about it where that was black. ``halo`` limits how far detail may overshoot;
    an edge that stands alone between flat areas does not go beyond them.
    """

    strength: float = param(
        1.0,
        lo=0,
        hi=1,
        hint="Share of the change towards the sharp picture; 0 is the input.",
        render_only=True,
    )
    method: str = param(
        "psf",
        choices={
            "psf": "PSF: the blur is measured or told",
            "network": "Network: blur that differs from place to place",
            "auto": "Network where no PSF explains the frame",
        },
        since=2,
        legacy="psf",
        render_only=True,
        hint="Whether a PSF is undone, which can be proven, or a network sharpens each place as it finds it.",
    )
    kind: str = param(
        "auto",
        choices={
            "auto": "As measured",
            "defocus": "Defocus: a disc",
            "gaussian": "Softness: a Gaussian",
            "motion": "Motion: a line",
            "custom": "PSF given as text",
            "free": "Any shape, as found",
        },
        hint="What the blur is like; as measured, a shot that is sharp is left as it is. Any shape: what is found is"
        " undone where parts of the picture agree on it, and nothing is done elsewhere.",
    )
    variation: str = param(
        "auto",
        choices={
            "even": "One blur for the frame",
            "auto": "By place, where the shot is blurred and it differs",
            "grid": "By place, also in a shot that is sharp elsewhere",
        },
        label="Over the frame",
        since=3,
        legacy="even",
        render_only=True,
        hint="Whether what is measured may differ from place to place. In a shot that is sharp elsewhere that undoes"
        " focus that was left out on purpose, too.",
    )
    size: float = param(
        1.5,
        lo=0,
        hi=60,
        soft=(0, 15),
        unit="px",
        hint="By hand: radius of the disc, sigma of the Gaussian or length of the line.",
        render_only=True,
    )
    size_gain: float = param(
        1.0,
        lo=0.1,
        hi=2,
        soft=(0.5, 1.5),
        unit="x",
        label="Measured size",
        hint="Multiplies the size that was measured in the shot, or read from its motion.",
        render_only=True,
    )
    angle: float = param(
        0.0,
        lo=-180,
        hi=180,
        unit="degrees",
        hint="Direction of motion, counter-clockwise from the right.",
        render_only=True,
    )
    shutter: float = param(
        0.0,
        lo=0,
        hi=360,
        unit="degrees",
        label="Shutter angle",
        hint="Motion as the camera's shutter made it of the movement that the analysis finds at each frame; at 0 motion"
        " is that of the size and angle given, and as measured of the shutter that the blur shows.",
        render_only=True,
    )
    psf: str = param(
        "0 1 0/1 4 1/0 1 0",
        label="PSF",
        reads=_psf_of,
        hint="Light of a point after the blur, rows from the top separated by /, for the kind given as text.",
        render_only=True,
    )
    noise: float = param(
        0.0,
        lo=0,
        hi=50,
        soft=(0, 5),
        unit="%",
        label="Noise by hand",
        hint="Standard deviation of the noise in percent of 1.0, scene-linear; 0 takes what was measured.",
        render_only=True,
    )
    noise_gain: float = param(
        1.0,
        lo=0.1,
        hi=10,
        soft=(0.5, 3),
        unit="x",
        label="Noise level",
        hint="Multiplies the noise: above 1 trusts the frame less and gives a smoother picture.",
        render_only=True,
    )
    clip: float = param(
        0.0,
        lo=0,
        hi=1000,
        soft=(0, 4),
        label="Clipped from",
        hint="Scene-linear level from which light counts as clipped; 0 finds the footage's own ceiling.",
        render_only=True,
    )
    quality: str = param(
        "fine",
        choices={"fast": "Fast", "fine": "Fine"},
        hint="How closely the picture is solved for with a PSF: fine asks a better network in four times the"
        " rounds, for one to two decibels more and six to eight times the time. Of a network alone, which of two.",
        render_only=True,
    )
    halo: float = param(
        1.0,
        lo=0,
        hi=4,
        soft=(0, 2),
        group="Limits",
        unit="x",
        hint="How far detail may overshoot the light about it, as a share of its contrast; 0 not at all. Edges that"
        " stand alone get no halo up to 1.",
        render_only=True,
    )
    edges: float = param(
        0.0,
        lo=0,
        hi=1,
        label="Edges only",
        group="Limits",
        hint="At 1 edges alone are sharpened; flat areas and fine texture stay as they are.",
        render_only=True,
    )
    keep_noise: float = param(
        0.0,
        lo=0,
        hi=1,
        group="Limits",
        hint="Share of the frame's own noise and grain that is put back on the sharp picture; a network leaves it all.",
        render_only=True,
    )
    fine: float = param(
        1.0,
        lo=0,
        hi=1,
        group="Bands",
        hint="Share of the change to the finest detail.",
        render_only=True,
    )
    medium: float = param(
        1.0,
        lo=0,
        hi=1,
        group="Bands",
        hint="Share of the change to detail some pixels across.",
        render_only=True,
    )
    coarse: float = param(
        1.0,
        lo=0,
        hi=1,
        group="Bands",
        hint="Share of the change to shapes of six pixels and more.",
        render_only=True,
    )

    def analyze(self, shot: Shot, ctx: Context) -> dict[str, Any]:
        from wetgate.ops.blur_grid import grid_of_frames
        from wetgate.ops.blur_motion import motion_of_shot, shutter_of
        from wetgate.ops.blur_shot import blur_of_frames, free_of_frames
        from wetgate.ops.noise_measure import chosen_frames

        results = ShotNoise.measure(
            shot, _MOST_FRAMES, lambda frame: frame, ctx.check_abort, _part(ctx.progress, 0.0, 0.4)
        )
        numbers = chosen_frames(shot.numbers, _MOST_FRAMES)
        blur = None
        if self.kind == "auto":
            pictures = [shot[n].rgb for n in numbers]
            blur, grid = blur_of_frames(pictures, ctx.check_abort), grid_of_frames(pictures, ctx.check_abort)
            results["grid"] = None if grid is None else grid.to_json()
            results["shutter"] = shutter_of(shot, numbers, blur, ctx.check_abort)
        if self.kind == "free":
            results["free"] = free_of_frames([shot[n].rgb for n in numbers], ctx.check_abort)
        ctx.progress(0.7)
        results["blur"] = None if blur is None else blur.to_json()
        if self.kind == "motion" or results.get("shutter") is not None:
            results |= motion_of_shot(shot, shot.cuts, ctx.check_abort)
        ctx.progress(1.0)
        return results

    def summary(self, results: Mapping[str, Any]) -> str:
        from wetgate.ops.blur_shape import said

        return "" if self.method == "network" else said(self.kind, self.variation, results)

    def render(self, frames: Window, ctx: Context) -> Result:
        from wetgate.ops.blur_views import views_of
        from wetgate.ops.change_weights import by_band, by_edge

        frame = frames.center
        setting = self._setting(frame, ctx)
        reason = self._network_because(frame, setting, ctx)
        if not setting.blurs and not reason:
            withheld = self.method == "network"
            why = "forensic fidelity permits no network" if withheld else "there is no blur to undo"
            nothing = {"psf": dict(setting.shape.words), "deblurred": f"{why}, so nothing was done"}
            return Result(frame, views_of(ctx.views, frame.rgb, frame.rgb, setting, None), nothing)
        reblurred: Image | None = None
        if reason:
            sharp, facts = self._by_network(frame, setting, ctx)
            setting, facts = setting.without_psf(), {"method": "network", "because": reason} | facts
        else:
            made, facts = self._undone(frame, setting, ctx)
            sharp, reblurred = made.picture, made.reblurred
        change = by_band(sharp - frame.rgb, self.fine, self.medium, self.coarse)
        change = by_edge(change, sharp, setting.deviation, self.edges)
        if reblurred is not None and self.keep_noise > 0:
            change = change + np.float32(self.keep_noise) * (frame.rgb - reblurred)
        rgb = frame.rgb + np.float32(self.strength) * change
        if reason:
            rgb = np.clip(rgb, *self._limits(frame, setting))
        return Result(
            frame.with_rgb(rgb), views_of(ctx.views, frame.rgb, rgb, setting, reblurred), setting.facts() | facts
        )

    def bound(self, source: Frame, result: Frame, ctx: Context) -> Bound:
        """Rms of (source - result blurred again) over the noise, away from the frame's edges and what was clipped.

        A result that is sharpened in part lies between the source and the sharp picture, and so does its residual. One
        of a network has no PSF: what can be said of it is that its light stays within the halo limit.
        """
        setting = self._setting(source, ctx)
        if self._network_because(source, setting, ctx):
            least, most = self._limits(source, setting)
            beyond = np.maximum(least - result.rgb, result.rgb - most).max() / setting.white
            return Bound("light of a network beyond the halo limit, over white", max(float(beyond), 0.0), _MOST_BEYOND)
        found = self._against(source, result, setting, ctx)
        return Bound("result blurred again less the source, over the noise", found.value, found.limit)

    def within_bound(self, source: Frame, result: Frame, ctx: Context) -> Frame:
        """As much of the change as blurs back to the source: all of it, where the bound holds."""
        setting = self._setting(source, ctx)
        if self._network_because(source, setting, ctx):
            return result.with_rgb(np.clip(result.rgb, *self._limits(source, setting)))
        share = np.float32(self._against(source, result, setting, ctx).share())
        return result if share == 1 else result.with_rgb(source.rgb + share * (result.rgb - source.rgb))

    def _against(self, source: Frame, result: Frame, setting: Setting, ctx: Context) -> Consistency:
        from wetgate.ops.blur_setting import Consistency

        valid, clipped = self._known(source, ctx)
        return Consistency.of(source.rgb, result.rgb, setting, valid & ~clipped)

    def _setting(self, frame: Frame, ctx: Context) -> Setting:
        from wetgate.ops.blur_setting import Setting
        from wetgate.ops.deconvolve import white_of

        shape = self._shape(frame, ctx)
        noise, source = self._noise(frame, ctx)
        deviation = np.zeros(frame.rgb.shape, np.float32)
        if noise is not None:
            deviation = noise.times(self.noise_gain).deviation_of(frame.rgb)
        coarse = 0.0 if noise is None else noise.coarseness
        return Setting.of(frame.rgb, shape, deviation, white_of(frame.rgb), source, coarse)

    def _shape(self, frame: Frame, ctx: Context) -> Shape:
        from wetgate.ops.blur_shape import Shape, by_hand, found_free, measured, moved

        if self.method == "network":
            return Shape({"kind": "as each place has it", "from": "no PSF is taken"})
        if self.kind == "custom":
            return Shape({"kind": "custom", "from": "by hand"}, _psf_of(self.psf))
        if self.kind == "free":
            return found_free(ctx.analysis, frame.rgb, ctx.check_abort)
        gain, where = self.size_gain, (frame.height, frame.width)
        if self.kind == "auto":
            return measured(ctx.analysis, frame.rgb, frame.number, self.variation, self.shutter, gain, ctx.check_abort)
        found = None
        if self.kind == "motion":
            found = moved(ctx.analysis, frame.number, self.shutter, gain, self.variation, where)
        return by_hand(self.kind, self.size, self.angle) if found is None else found

    def _network_because(self, frame: Frame, setting: Setting, ctx: Context) -> str:
        """Why a network is asked for this frame, in words; empty where a PSF is undone, or forensic permits no more."""
        from wetgate.ops.blur_shape import differs

        if self.method == "psf" or ctx.fidelity == "forensic":
            return ""
        if self.method == "network":
            return "it was asked for"
        return differs(ctx.analysis, frame.number, setting.shape)

    def _limits(self, frame: Frame, setting: Setting) -> tuple[Image, Image]:
        from wetgate.ops.halo_limit import light_limits

        return light_limits(frame.rgb, setting.deviation, _REACH, self.halo)

    def _by_network(self, frame: Frame, setting: Setting, ctx: Context) -> tuple[Image, dict[str, Any]]:
        """The picture of a network, with what the record is to say of its making."""
        done = sharp_light(
            network("deblur", self.quality, device=ctx.device),
            frame.rgb,
            setting.deviation,
            threads=ctx.threads,
            check_abort=ctx.check_abort,
            where=f"frame {frame.number}",
        )
        return done.picture, {
            "determined": "not known: a network has no PSF to blur its result with",
            "network": dict(done.facts),
        }

    def _noise(self, frame: Frame, ctx: Context) -> tuple[ShotNoise | None, str]:
        if self.noise > 0:
            return ShotNoise.white(self.noise / 100), "by hand"
        if ctx.analysis is not None:
            return ShotNoise.from_json(ctx.analysis), "measured in the shot"
        return ShotNoise.of_frame(frame.rgb), "measured in this frame alone"

    def _known(self, frame: Frame, ctx: Context) -> tuple[np.ndarray, np.ndarray]:
        from wetgate.ops.clipped import known_light

        return known_light(frame.rgb, frame.alpha, self.clip, lambda: ctx.convert(frame, VIDEO).rgb)

    def _undone(self, frame: Frame, setting: Setting, ctx: Context) -> tuple[Deconvolved, dict[str, Any]]:
        """The sharp picture, with what the record is to say of its making."""
        from wetgate.ops.deconvolve import FAST, FINE, deconvolve
        from wetgate.ops.deconvolve_places import deconvolve_places

        net = network("denoise", self.quality, device=ctx.device)

        def denoise(picture: Image, deviation: Image, turn: int) -> Image:
            return clean_light(
                net,
                picture,
                deviation,
                setting.white,
                coarseness=setting.coarseness,
                turn=turn,
                threads=ctx.threads,
                check_abort=ctx.check_abort,
                where=f"frame {frame.number}",
            )

        def undo(picture: Image, psf: Kernel, deviation: Image, *, valid: Mask, clipped: Mask) -> Deconvolved:
            return deconvolve(
                picture,
                psf,
                deviation,
                denoise,
                white=setting.white,
                valid=valid,
                clipped=clipped,
                overshoot=self.halo,
                certain=setting.certain,
                schedule=FINE if self.quality == "fine" else FAST,
                threads=ctx.threads,
                check_abort=ctx.check_abort,
            )

        valid, clipped = self._known(frame, ctx)
        shape, deviation = setting.shape, setting.doubted
        if shape.field is None:
            made = undo(frame.rgb, shape.psf, deviation, valid=valid, clipped=clipped)
        else:
            made = deconvolve_places(
                frame.rgb, shape.field, deviation, undo, white=setting.white, valid=valid, clipped=clipped
            )
        return made, {
            "residual": round(made.ratio, 4),
            "rounds": made.rounds,
            "clipped": round(float(clipped.mean()), 6),
            "network": f"{net.model.id} {net.model.version}",
        }


def _part(progress: Callable[[float], None], first: float, last: float) -> Callable[[float], None]:
    return lambda share: progress(first + share * (last - first))
