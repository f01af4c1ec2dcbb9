"""Color Decay: the dyes that old prints and negatives have lost, put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from wetgate.color.fade import RATES, DyeFade, Trims, from_negative, noise_gain, on_film, on_negative, reverse
from wetgate.color.film_dyes import DYE_SETS, Medium, Scanner, set_matrix
from wetgate.ops.fade_facts import ANCHORS, Gathered, Pointed, Setup, demand_alike, gather, trust_in
from wetgate.ops.fade_field import WHOLE, extent
from wetgate.ops.fade_field import Window as Place
from wetgate.ops.fade_plots import density_plot, dye_curves, recovered_view
from wetgate.ops.fade_reel import solve_reel
from wetgate.ops.fade_trust import cause_held
from wetgate.spec import RGB, Context, Frame, Image, Point, Result, Shot, Window, node, param

Array = NDArray[np.float64]

_NOWHERE = (-1.0, -1.0)
_DYES = ("cyan", "magenta", "yellow")
_POINT = "as shares of the picture's width and height from the upper left; outside the picture there is none."
# What the noise of a scan may be multiplied by before a colour counts as lost; ten times is 20 dB.
_LOST_GAIN = 10.0
_COSTLY = 0.4  # of the confidence: below it, from fourfold noise on, a colour is shown as going


@node(
    id="color_decay",
    label="Color Decay",
    space="density",
    version=1,
    analyzes=True,
    references="The frame at anchor_frame as it was before it faded, or a better print or transfer of it.",
    pointwise=lambda self: self.method != "auto",
    views={
        "confidence": "How far the result is determined: by the analysis, and by what noise it multiplies (0 to 1).",
        "recovered": "The result, going over to magenta where noise grows fourfold to tenfold: there colours are lost.",
        "density_plot": "Density of the picture: red, green, blue over that of the mean, before (above) and after.",
        "dye_curves": "What is made of each dye that is left: cyan, magenta, yellow over the amount in the scan.",
        "unevenness": "How far the fade has gone at each place, half of what it is in the mean as 0.5.",
    },
)
class ColorDecay:
    """Puts back the dyes that a colour film has lost in storage or in projection, and takes off the stain of its age.

    Density of a film is D = A c + stain: c are its three dye amounts, A their main and side absorptions as the scanner
    sees them, from measured spectral densities. Fading takes c to c (1 - f), each dye at its own rate, more or less
    where it was dense (the order of the decay), and unevenly over the frame. That is turned round, dye by dye:
    c = g v (1 + b g v) of the dye v that is left, g = 1 / (1 - f), with a low-order field on g. No gain of red, green
    and blue does that, for each dye is seen in all three.

    One picture does not tell how it has faded. The analysis therefore pools all the shots that it sees as one reel: the
    statistics of their dyes, frame lines (as black as the print gets) and clear film where the scan shows them. A small
    network, trained on photographs that were faded spectrally on measured films, says the most probable fade and how
    sure that is; places that you point at (clear film, black, a neutral, skin) are then met exactly, as far as the
    fade's nine numbers can, or by least squares; a reference still of a frame is laid over it and compared place by
    place. It is used in a shot only as far as the error to be expected there is small against what it changes: a scene
    of one strong colour by itself does not tell whether it has faded, and stays as it is, as do a shot that bears out
    less than its reel, a fade in which a dye would have grown, and a few pictures over which networks that learnt from
    different photographs are at odds. So an unfaded reel stays as it is, bit for bit, and so do most single pictures;
    what was found says why. Where you know that a picture has faded, turn Cautious off. Unevenness is followed where
    frame lines or clear film show it. Colours that are gone are not made up; the views show them. Sources: Beer's law
    per wavelength (Hunt, The Reproduction of Colour); dyes: ``color/film_dyes.json``; rates: Wilhelm and Brower 1993,
    Reilly 1998.
    """

    strength: float = param(
        1.0, lo=0, hi=1, render_only=True, hint="Share of the whole reversal, on a scale of time; 0 is the input."
    )
    method: str = param(
        "auto",
        choices={
            "auto": "From the analysis",
            "dark": "Dark fade, by amount",
            "light": "Light fade, by amount",
            "hand": "By hand, dye by dye",
        },
        render_only=True,
        hint="Where the fade comes from: the reel's analysis, a kind of storage and an amount, or the losses below.",
    )
    fade: float = param(
        1.0, lo=0, hi=2, soft=(0, 1.5), render_only=True, hint="Share of the dyes' loss that is undone, as time goes."
    )
    remove_stain: float = param(
        1.0, lo=0, hi=2, soft=(0, 1.5), render_only=True, label="Stain", hint="Share of the stain that is taken off."
    )
    uneven: float = param(
        1.0,
        lo=0,
        hi=2,
        soft=(0, 1.5),
        render_only=True,
        hint="How far the reversal follows the unevenness that was found. Works in the method auto.",
    )
    amount: float = param(
        0.4,
        lo=0,
        hi=0.95,
        render_only=True,
        label="Loss of the fastest dye",
        hint="Share of the fastest dye that is gone. Works in the methods dark and light.",
    )
    loss: RGB = param(
        (0.0, 0.0, 0.0),
        lo=0,
        hi=0.95,
        render_only=True,
        label="Loss by hand",
        hint="Share of cyan, magenta and yellow that is gone. Works in the method hand.",
    )
    stain: RGB = param(
        (0.0, 0.0, 0.0),
        lo=-0.5,
        hi=1.5,
        soft=(0, 0.5),
        unit="D",
        render_only=True,
        label="Stain by hand",
        hint="Density of the stained base in red, green and blue. Works in every method but auto.",
    )
    film: str = param(
        "positive",
        choices={"positive": "Print or reversal", "negative": "Negative, inverted"},
        hint="What the picture was scanned from. A negative's dyes are those of its inversion at a gradient of 0.6.",
    )
    dyes: str = param(
        "prints",
        choices={name: label for name, (label, _) in DYE_SETS.items()},
        label="Dye set",
        hint="Whose dyes they are; the mean of all prints where the stock is not known. Negatives have their own."
        " Technicolor's are taken not to have faded, unless by hand; its base may be stained.",
    )
    scanner: str = param(
        "broad",
        choices={"narrow": "Diodes or laser", "broad": "White lamp and filters"},
        hint="How wide the scanner's bands are; wide ones see more of the side absorptions.",
    )
    reel_lock: bool = param(
        True,
        render_only=True,
        hint="All shots have the fade of the reel; else each has its own, as far as it shows one. Works in auto.",
    )
    cautious: bool = param(
        True,
        render_only=True,
        hint="Holds the reversal back where the analysis is not sure, down to nothing. Works in the method auto.",
    )
    borders: bool = param(
        True, label="Use the borders", hint="Looks for frame lines and clear film around the picture, and uses them."
    )
    base_at: Point = param(_NOWHERE, lo=-1, hi=2, label="Clear film at", hint=f"Where clear film is seen, {_POINT}")
    black_at: Point = param(_NOWHERE, lo=-1, hi=2, label="Black at", hint=f"Where the print is blackest, {_POINT}")
    neutral_at: Point = param(
        _NOWHERE, lo=-1, hi=2, label="Neutral at", hint=f"Where something is that was grey or white, {_POINT}"
    )
    skin_at: Point = param(_NOWHERE, lo=-1, hi=2, label="Skin at", hint=f"Where skin is lit by the key light, {_POINT}")
    anchor_frame: int = param(
        -1,
        lo=-1,
        hi=2**31 - 1,
        animates=False,
        hint="Frame in which these places are and which a reference still shows, or the nearest; -1 is the first.",
    )
    black_density: float = param(
        3.2,
        lo=1.0,
        hi=4.2,
        soft=(2.5, 3.8),
        unit="D",
        hint="Density that black had, where a place for it is given.",
    )
    lights: RGB = param(
        (0.0, 0.0, 0.0),
        lo=-50,
        hi=50,
        soft=(-12, 12),
        unit="points",
        render_only=True,
        label="Printer lights",
        hint="More light in red, green and blue afterwards, in points of 0.025 log exposure, 12 a stop.",
    )
    dye_gain: RGB = param(
        (1.0, 1.0, 1.0),
        lo=0.1,
        hi=4,
        soft=(0.5, 2),
        unit="x",
        render_only=True,
        hint="Multiplies the restored cyan, magenta and yellow: contrast of each dye.",
    )
    dye_gamma: RGB = param(
        (1.0, 1.0, 1.0),
        lo=0.25,
        hi=4,
        soft=(0.7, 1.4),
        render_only=True,
        hint="Power of the restored cyan, magenta and yellow: above 1 thin places lose and dense ones gain.",
    )
    gain_limit: float = param(
        12.0,
        lo=1,
        hi=40,
        soft=(2, 20),
        unit="x",
        render_only=True,
        hint="Most that a dye is multiplied by; what would need more stays faded rather than drown in noise.",
    )

    def render(self, frames: Window, ctx: Context) -> Result:
        frame = frames.center
        fade, theta, window, facts = self._fade(frame, ctx)
        far = None
        if theta is not None and np.any(theta):
            display = frame.display
            far = extent(
                theta,
                window,
                frame.height,
                frame.width,
                x=frame.window.x - display.x,
                y=frame.window.y - display.y,
                full=(display.height, display.width),
            )
        seen = frame.rgb if self.film == "positive" else on_negative(frame.rgb)
        share = np.float64(self.strength)
        trims = Trims(
            tuple(float(-0.025 * p * share) for p in self.lights),
            tuple(float(g**share) for g in self.dye_gain),
            tuple(float(g**share) for g in self.dye_gamma),
        )
        if trims == Trims() and not fade.vector().any():
            rgb = frame.rgb  # bit for bit: there and back through the dyes would leave rounding
        else:
            made = reverse(seen, fade, far, trims, ctx.threads)
            rgb = made if self.film == "positive" else from_negative(on_film(made, seen))
        views = self._views(frame, seen, rgb, fade, far, facts["trust"], ctx)
        return Result(frame.with_rgb(rgb), views, facts)

    def analyze(self, shot: Shot, ctx: Context) -> dict[str, Any]:
        still = None if ctx.reference is None else (self._anchor_number(shot), ctx.reference)
        found = gather(shot, self._setup(), self._pointed(shot), ctx.check_abort, ctx.progress, still)
        return solve_reel([found], self._setup())[0]

    def summary(self, results: Mapping[str, Any]) -> str:
        if self.method != "auto":
            return ""
        reel = results["reel"]
        told = ", ".join(f"{dye} {100 * loss:.0f} %" for dye, loss in zip(_DYES, reel["loss"], strict=True))
        told = f"dye lost, as far as can be told: {told}"
        shares = [trust_in(results, shot, self.reel_lock) if self.cautious else 1.0 for shot in results["shots"]]
        least, most = min(shares), max(shares)
        if least > 0.995:
            return told
        cause = cause_held(results, self.reel_lock)
        since = f", since {cause}" if cause else ""
        surer = "a reel, clear film or black pointed at, or a neutral make it surer; cautious=false goes by it as it is"
        if most < 0.005:
            return f"{told}; not surely enough, so nothing is done{since}: {surer}"
        low, high = (round(100 * share) for share in (least, most))
        between = f"{low} %" if low == high else f"{low} to {high} %"
        return f"{told}; not quite sure, so {between} of it is undone{since}: {surer}"

    def pool(self, results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The analyses of several shots of one reel, solved together: one for each, in their order."""
        gathered = [Gathered.from_json(r["gathered"]) for r in results]
        for found in gathered:
            demand_alike(found)
        return solve_reel(gathered, self._setup())

    def _setup(self) -> Setup:
        medium: Medium = "print" if self.film == "positive" else "negative"
        return Setup(
            medium,
            self._matrix(),
            self.scanner == "broad",
            self.borders,
            self.black_density,
            self.dyes != "dye_transfer",
        )

    def _matrix(self) -> Array:
        dyes = "negatives" if self.film == "negative" and self.dyes == "prints" else self.dyes
        return set_matrix(dyes, cast(Scanner, self.scanner))

    def _pointed(self, shot: Shot) -> list[Pointed]:
        places = {kind: getattr(self, f"{kind}_at") for kind in ANCHORS}
        number = self._anchor_number(shot)
        within = {k: p for k, p in places.items() if 0 <= p[0] <= 1 and 0 <= p[1] <= 1}
        return [Pointed(kind, number, place) for kind, place in within.items()]

    def _anchor_number(self, shot: Shot) -> int:
        if self.anchor_frame < 0:
            return shot.numbers[0]
        return min(shot.numbers, key=lambda n: abs(n - self.anchor_frame))

    def _fade(self, frame: Frame, ctx: Context) -> tuple[DyeFade, Array | None, Place, dict[str, Any]]:
        """The fade to turn round at this frame, its field and where that is, and what the record is to say."""
        matrix = self._matrix()
        window = WHOLE
        if self.method != "auto":
            rates = RATES.get(self.method)
            lost = np.array(self.loss) if rates is None else 1 - (1 - self.amount) ** np.array(rates)
            base = np.linalg.solve(matrix, np.array(self.stain))
            whole, theta, trust = DyeFade(1 / (1 - lost), np.zeros(3), base, matrix), None, 1.0
        elif ctx.analysis is None:
            return DyeFade.none(matrix), None, window, {"fade": "none: there is no analysis", "trust": 0.0}
        else:
            reel = ctx.analysis["reel"]
            shot = _shot_of(ctx.analysis["shots"], frame.number)
            solved = reel if self.reel_lock else shot["own"]
            trust = trust_in(ctx.analysis, shot, self.reel_lock) if self.cautious else 1.0
            whole = DyeFade.of_vector(np.array(solved["vector"]), matrix)
            theta = np.array(shot["field"]) * self.uneven
            left, top, right, bottom = ctx.analysis["gathered"]["window"]
            window = (left, top, right, bottom)
        held = self.strength * trust
        fade = whole.scaled(self.fade * held, self.remove_stain * held).limited(self.gain_limit)
        facts = {
            "loss": [round(float(f), 4) for f in fade.loss],
            "stain": [round(float(d), 4) for d in fade.stain],
            "trust": round(trust, 3),
        }
        return fade, theta, window, facts

    def _views(
        self, frame: Frame, seen: Image, rgb: Image, fade: DyeFade, far: Image | None, trust: float, ctx: Context
    ) -> dict[str, Image]:
        views: dict[str, Image] = {}
        if ctx.views & {"confidence", "recovered"}:
            gain = np.maximum(noise_gain(seen, fade, far), 1)
            kept = np.clip(1 - np.log10(gain) / np.log10(np.float32(_LOST_GAIN)), 0, 1)
            if "confidence" in ctx.views:
                views["confidence"] = np.asarray(kept * np.float32(trust), np.float32)
            if "recovered" in ctx.views:
                views["recovered"] = recovered_view(rgb, np.minimum(kept / np.float32(_COSTLY), 1))
        if "density_plot" in ctx.views:
            views["density_plot"] = density_plot(frame.rgb, rgb)
        if "dye_curves" in ctx.views:
            views["dye_curves"] = dye_curves(fade, seen)
        if "unevenness" in ctx.views:
            even = np.ones(frame.rgb.shape[:2], np.float32) if far is None else far
            views["unevenness"] = even * np.float32(0.5)
        return views


def _shot_of(shots: Sequence[Mapping[str, Any]], number: int) -> Mapping[str, Any]:
    """The shot that a frame is in; of frames outside the analysis, the nearest."""
    return min(shots, key=lambda s: max(s["first"] - number, number - s["last"], 0))
