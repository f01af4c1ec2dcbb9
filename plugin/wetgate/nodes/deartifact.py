"""Deartifact: what a codec did to a picture, taken back by a network that is told how coarsely it worked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from wetgate.inference import TIERS, network, restore_from_sides
from wetgate.spec import Bound, Coherent, Context, Frame, Image, Result, Shot, Window, node, param

if TYPE_CHECKING:
    from wetgate.ops.coded_frame import CodedFrame

_BEST = "best"  # the fine network, shown the picture from four sides
_MACROBLOCK = 16  # pixels of the largest grid that a codec lays
_COMBED = 0.02  # share of a picture; below it fine detail may pass for a comb
_MOST_EXCESS = 1.0  # codes beyond an interval that storing a result in 8 bits can cost
_STORED = 1.05  # times the change that is allowed: one, and what storing takes
_SIDE = 8  # pixels of a block: no coefficient changes by more than eight times what its pixels do
# Steps below which the forensic average drops coefficients: half where each was rounded by itself, less where a
# prediction was under it. Measured on H.264 at CRF 37: at half a step it loses 0.4 dB.
_OF_JPEG, _OF_PREDICTION = 0.5, 0.15
# How unlike a neighbour's result may be and still steady a frame's. Measured on H.264 and MPEG-2: at 5 times the usual
# difference, as for denoising, the excess falls by a fifth only; at 100 it is gone or down by two thirds, and PSNR
# goes up.
_AGREED, _UNLIKE = 100.0, 0.1
# The view "removed": five times the change, on mid grey.
_VIEW_GREY, _VIEW_GAIN = 0.5, 5.0


def _some_frames(numbers: Sequence[int]) -> Sequence[int]:
    from wetgate.ops.coding_measure import frames_to_measure

    return frames_to_measure(numbers)


@node(
    id="deartifact",
    label="Deartifact",
    space="video",
    version=2,
    analyzes=True,
    analysed_since=1,
    analysis_frames=_some_frames,
    synthesises=True,
    codec_data=True,
    coherent=Coherent(amount=0.0, radius=1, since=2, agreed=_AGREED, unlike=_UNLIKE),
    views={
        "grid": "The codec's blocks drawn over the picture in green, an older grid below them in orange.",
        "quantiser": "How coarse the quantiser was at each pixel, in even stops: black a quarter of a code or none,"
        " white 128 codes; -1 where not known.",
        "removed": "What was taken out, five times, on grey.",
        "held": "1 where the result had to be put back into what the file's own code says, else 0.",
        "synthesis": "How far the result leaves what the codec's own rounding allows, in its steps.",
    },
)
class Deartifact:
    """Takes back what a codec did: blocks, mosquito noise, ringing, colour that bleeds, bands.

    It knows the codec. From a movie it has the decoder's own quantiser of every block (H.264, MPEG-1, 2 and 4); from a
    JPEG, still or moving, the quantisation tables; where neither is there, the analysis finds the grid of blocks and
    the quantiser in the pixels, or takes them from an analysis of the original file. A network in the footage's own
    code values and Y'CbCr is told the quantiser at every pixel, so that mild compression is touched mildly and footage
    that was never compressed not at all.

    What it may change is bounded by what the codec threw away. For a JPEG every DCT coefficient of the result stays in
    the interval that the file's code gives it (after Nosratinia, 2001, and others who project onto that set); for
    codecs that predict, no coefficient of an 8x8 block changes by more than a quarter of its quantiser's step, and fine
    detail keeps its energy. ``fidelity`` pleasing lifts the bound. Forensic loads no network: the picture is coded
    again on sixteen shifts of the grid and averaged.
    """

    strength: float = param(1.0, lo=0, hi=1, hint="Share of what the codec left that is taken out; 0 is the input.")
    tier: str = param(
        "fast",
        choices={**TIERS, _BEST: "Best: fine, from four sides"},
        label="Network",
        hint="Which network takes out what the codec left; fine is a little better and takes twice the time, best a"
        " little better again at seven times.",
        since=2,
        legacy="fast",
        render_only=True,
    )
    luma: float = param(1.0, lo=0, hi=1, group="Weights", hint="Share taken out of brightness.")
    chroma: float = param(1.0, lo=0, hi=1, group="Weights", hint="Share taken out of colour.")
    bleed: float = param(
        0.5,
        lo=0,
        hi=1,
        group="Weights",
        label="Colour bleed",
        hint="How far colour that ran over its edges is led back to those of brightness.",
    )
    deband: float = param(
        1.0,
        lo=0,
        hi=8,
        soft=(0, 4),
        unit="/255",
        hint="Largest step between two bands of a soft gradient that is smoothed, in 255ths of the range; 0 is none.",
    )
    detail: float = param(
        0.93,
        lo=0,
        hi=1,
        label="Detail kept",
        since=2,
        legacy=0.0,
        hint="Share of its fine detail's energy that brightness keeps, in codecs that predict (H.264, MPEG), less of it"
        " where the quantiser is fine; 0 gives up detail that may be the codec's.",
    )
    edge: float = param(
        0.5,
        lo=0,
        hi=1,
        label="Halo limit",
        hint="How far overshoot beside edges is held to what the picture has within two pixels.",
    )
    gain: float = param(
        1.0,
        lo=0.25,
        hi=4,
        soft=(0.5, 2),
        unit="x",
        group="Codec",
        label="Quantiser level",
        hint="Multiplies the quantisers that were found: above 1 cleans harder, below 1 leaves more.",
    )
    quantiser: float = param(
        0.0,
        lo=0,
        hi=255,
        soft=(0, 100),
        unit="/255",
        group="Codec",
        label="Quantiser by hand",
        hint="Step of the quantiser in 255ths of the range, for all of the picture; 0 takes what was found.",
    )
    grid: str = param(
        "auto",
        choices={"auto": "As found", "hand": "By hand"},
        group="Codec",
        hint="Where the codec's 8x8 blocks lie.",
    )
    grid_x: int = param(0, lo=0, hi=7, group="Codec", label="Grid X", hint="Column of the first block, by hand.")
    grid_y: int = param(0, lo=0, hi=7, group="Codec", label="Grid Y", hint="Row of the first block, by hand.")
    fields: str = param(
        "auto",
        choices={"auto": "As found", "frame": "Whole frames", "fields": "Each field"},
        group="Codec",
        hint="Whether the lines of two moments are worked apart.",
    )
    regrain: float = param(
        0.0,
        lo=0,
        hi=8,
        soft=(0, 3),
        unit="/255",
        group="Grain",
        hint="Standard deviation of fine new grain over what was smoothed, in 255ths of the range.",
    )
    seed: int = param(0, lo=0, hi=2**31 - 1, group="Grain", hint="Same seed, same grain, on every machine.")

    def analyze(self, shot: Shot, ctx: Context) -> dict[str, Any]:
        from wetgate.ops.coding_measure import measure_coding

        return measure_coding(shot, ctx.check_abort, ctx.progress).to_json()

    def summary(self, results: Mapping[str, Any]) -> str:
        from wetgate.ops.shot_coding import ShotCoding

        return ShotCoding.from_json(results).told()

    def render(self, frames: Window, ctx: Context) -> Result:
        frame = frames.center
        coded = self._coded(frame, ctx)
        facts = coded.facts()
        intervals = coded.intervals(frame) if ctx.fidelity != "pleasing" else None
        rgb = self._cleaned(frame, coded, ctx, facts, held=intervals is not None)
        held = np.zeros(rgb.shape[:2], np.float32)
        if intervals is not None:
            from wetgate.ops.block_intervals import hold

            put_back = hold(rgb, intervals)
            rgb, held = put_back.rgb, put_back.moved
            facts["bound"] = {
                "projected": round(put_back.share, 4),
                "largest_excess": round(put_back.excess, 2),
                "certain": round(put_back.certain, 4),
            }
        rgb = frame.rgb + np.float32(self.strength) * (rgb - frame.rgb)
        return Result(frame.with_rgb(rgb), self._views(frame, rgb, held, coded, ctx), facts)

    def bound(self, source: Frame, result: Frame, ctx: Context) -> Bound:
        """How far the result leaves what the codec's rounding allows: a JPEG's intervals, or a step of change."""
        coded = self._coded(source, ctx)
        intervals = coded.intervals(source)
        if intervals is not None:
            from wetgate.ops.block_intervals import largest_excess

            excess = largest_excess(result.rgb, intervals)
            return Bound("farthest coefficient beyond its JPEG interval", excess, _MOST_EXCESS, "codes")
        most = float(coded.change_in_steps(source.rgb, result.rgb, self._allowance).max(initial=0.0))
        return Bound(
            "largest change of a block's coefficient over its step", most, coded.most_change * _STORED, "steps"
        )

    def within_bound(self, source: Frame, result: Frame, ctx: Context) -> Frame:
        """The result put back into what :meth:`bound` allows, which fusing leaves by a little; and with the energy of
        its fine detail, which a mean of several frames has less of."""
        from wetgate.ops.detail_hold import with_own_detail

        coded = self._coded(source, ctx)
        if not coded.is_jpeg and self.detail > 0:
            fused, share = result.rgb, self.detail
            raised = coded.luma_worked(source.rgb, fused, lambda own, y, steps: with_own_detail(own, y, share, steps))
            result = result.with_rgb(raised)
        if ctx.fidelity == "pleasing":
            return result
        intervals = coded.intervals(source)
        if intervals is not None:
            from wetgate.ops.block_intervals import hold

            return result.with_rgb(hold(result.rgb, intervals).rgb)
        return result.with_rgb(coded.within_steps(source.rgb, result.rgb, self._allowance))

    @property
    def _weights(self) -> tuple[float, float, float]:
        return self.luma, self.chroma, self.chroma

    @property
    def _allowance(self) -> float:
        """What smoothing bands may move a coefficient by, whatever its step."""
        return _SIDE * self.deband / 255

    def _coded(self, frame: Frame, ctx: Context) -> CodedFrame:
        """What is known of the frame: by hand, from its decoder, from the analysis, from its own pixels."""
        from wetgate.ops.coded_blocks import Steps, steps_of_codec
        from wetgate.ops.coded_frame import CodedFrame
        from wetgate.ops.coding_measure import REC709, coding_of_frame
        from wetgate.ops.shot_coding import ShotCoding

        coding = ShotCoding.from_json(ctx.analysis) if ctx.analysis is not None else coding_of_frame(frame)
        height, width = frame.height, frame.width
        own = steps_of_codec(frame.codec, height, width)
        by_decoder = own is not None and "blocks" in frame.codec
        if self.quantiser > 0:
            steps, source = Steps(self.quantiser / 255, self.quantiser / 255), "by hand"
        elif own is not None and (by_decoder or ctx.analysis is None or not coding.tables):
            steps, source = own, "the decoder's" if by_decoder else "the file's tables"
        else:
            steps = coding.steps_at(frame.number, height, width)
            source = "this frame's pixels" if ctx.analysis is None else f"the analysis ({coding.source})"
        origin = coding.worked_from
        if self.grid == "hand":
            origin = (self.grid_x, self.grid_y)
            coding = replace(coding, phase=origin, period=(8.0, 8.0), grid_known=True)
        found = coding.combed > _COMBED or coding.interlaced
        fields = height > 1 and (self.fields == "fields" or (self.fields == "auto" and found))
        matrix = coding.matrix if coding.matrix is not None else REC709
        return CodedFrame(coding, steps.times(self.gain, self.gain), source, matrix, origin, fields)

    def _cleaned(
        self, frame: Frame, coded: CodedFrame, ctx: Context, facts: dict[str, Any], *, held: bool = False
    ) -> Image:
        """The whole change at full strength, within the codec's steps; of whole blocks' luma not where it will be
        ``held`` by a JPEG's intervals, which know the step of each coefficient."""
        from wetgate.ops.block_intervals import beyond_whole_blocks
        from wetgate.ops.chroma_bleed import led_by_luma
        from wetgate.ops.deband import deband
        from wetgate.ops.detail_hold import with_detail
        from wetgate.ops.halo_limit import within_neighbours

        def work(given: Image, luma: Image, chroma: Image) -> Image:
            made = given
            if (luma != 0).any() or (chroma != 0).any():
                made = self._restored(given, luma, chroma, coded.is_jpeg, frame.number, ctx, facts)
            step = beyond_whole_blocks(luma) if held else luma
            before, planes = ([np.ascontiguousarray(p[..., k]) for k in range(3)] for p in (given, made))
            if not coded.is_jpeg:  # what a JPEG's coefficients say is held by its intervals
                planes[0] = with_detail(planes[0], before[0], self.detail, luma)
            planes[0] = within_neighbours(planes[0], before[0], self.edge)
            if ctx.fidelity != "pleasing":  # smoothing bands has a bound of its own, which is no leave for the others
                planes[0] = before[0] + coded.luma_within(planes[0] - before[0], step, 0.0)
            planes[0] = deband(planes[0], self.deband / 255)
            planes[1:] = led_by_luma(planes[1:], planes[0], np.float32(self.bleed) * np.maximum(chroma, 0))
            change = [np.float32(w) * (p - b) for w, p, b in zip(self._weights, planes, before, strict=True)]
            if self.regrain > 0 and ctx.fidelity != "forensic":
                change[0] += self._grain(frame.number, luma)
                if ctx.fidelity != "pleasing":
                    change[0] = coded.luma_within(change[0], step, self._allowance)
            if ctx.fidelity != "pleasing":
                change[1:] = coded.chroma_within(change[1:], chroma)
            return np.stack([b + c for b, c in zip(before, change, strict=True)], axis=2)

        return coded.worked(frame.rgb, work)

    def _restored(
        self,
        given: Image,
        luma: Image,
        chroma: Image,
        is_jpeg: bool,
        number: int,
        ctx: Context,
        facts: dict[str, Any],
    ) -> Image:
        """Y'CbCr on the codec's grid, cleaned by the network, or by recoding where nothing learnt may be used."""
        if ctx.fidelity == "forensic":
            from wetgate.ops.block_average import average_recoded

            facts["method"] = "average of shifted recodings"
            share = _OF_JPEG if is_jpeg else _OF_PREDICTION
            planes = [average_recoded(given[..., k], share * (chroma if k else luma)) for k in range(3)]
            return np.stack(planes, axis=2)
        from wetgate.ops.quantiser import network_quantiser

        maps = {"quantiser": np.stack([network_quantiser(luma), network_quantiser(chroma)], axis=2)}
        settings: dict[str, Any] = {
            "threads": ctx.threads,
            "check_abort": ctx.check_abort,
            "where": f"frame {number}",
        }
        if self.tier == _BEST:
            net = network("deartifact", "fine", device=ctx.device)
            done = restore_from_sides(net, given, maps=maps, block=_MACROBLOCK, **settings)
        else:
            done = network("deartifact", self.tier, device=ctx.device).restore([given], maps=maps, **settings)
        facts["network"] = dict(done.facts)
        return done.picture

    def _grain(self, number: int, luma: Image) -> Image:
        """Fine noise, new in every frame, where a quantiser smoothed."""
        from wetgate.ops.random import Stream

        noise = Stream.of(self.seed, "deartifact").normal(number, luma.shape[0], luma.shape[1])[..., 0]
        return np.asarray(np.float32(self.regrain / 255) * noise * (luma != 0), np.float32)

    def _views(self, before: Frame, after: Image, held: Image, coded: CodedFrame, ctx: Context) -> Mapping[str, Image]:
        from wetgate.ops.coding_views import grid_over, over_blocks, step_plane

        views: dict[str, Image] = {}
        coding = coded.coding
        if "grid" in ctx.views:
            views["grid"] = (
                grid_over(before.rgb, coding.period, coding.phase, coding.older)
                if coding.grid_known
                else before.rgb.copy()
            )
        if "quantiser" in ctx.views:
            views["quantiser"] = step_plane(coded.steps.planes(before.height, before.width)[0])
        if "removed" in ctx.views:
            views["removed"] = np.float32(_VIEW_GREY) + np.float32(_VIEW_GAIN) * (before.rgb - after)
        if "held" in ctx.views:
            views["held"] = held
        if "synthesis" in ctx.views:
            learnt = np.float32(ctx.fidelity != "forensic")  # recoding puts in nothing that is not there
            more = learnt * np.maximum(coded.change_in_steps(before.rgb, after, 0.0) - np.float32(0.5), 0)
            views["synthesis"] = over_blocks(more, coded.origin, coded.fields, before.height, before.width)
        return views
