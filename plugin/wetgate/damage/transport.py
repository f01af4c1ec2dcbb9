"""What a worn transport does to the picture's place: gate weave and splices."""

from __future__ import annotations

import numpy as np

from wetgate.damage.model import Damaged, Place, damage, spatially
from wetgate.ops.noise import cosine_field, red_series, step_series
from wetgate.ops.random import Stream
from wetgate.ops.warp import Edge, resample
from wetgate.spec import Frame, Image, param

_EDGES = {"reflect": "Mirror the picture", "extend": "Repeat the last pixel", "black": "Black"}


@damage(id="weave", label="Gate weave", space="scene", version=1)
class Weave:
    """The frame moves in the gate: shift, rotation and a low-order warp, red noise over time with occasional steps.

    Each component is Ornstein-Uhlenbeck noise of ``correlation`` frames (exponential autocorrelation), plus, for
    the shift, a level that jumps at random (``steps`` a 100 frames: perforation damage, a lost loop). The non-rigid
    part is the sum of cosines to order 3, without those that are a shift; it stands for shrunk, cockled film.
    Amplitudes are standard deviations in share of the picture's width, so that the look holds at any resolution.
    Resampled once, Lanczos of three lobes, in linear light; alpha and extra channels stay, the film alone moves.
    Truth: ``offset`` (dx, dy px; what was at x is then at x + dx), ``rotation_deg`` (counter-clockwise as seen,
    about the centre), ``field`` (H, W, 2) px, the whole backward displacement that was applied. The process is
    ours, by eye on old prints.
    """

    x: float = param(0.10, lo=0, hi=5, unit="% of width", hint="Sideways shift, standard deviation.")
    y: float = param(0.08, lo=0, hi=5, unit="% of width", hint="Vertical shift, standard deviation.")
    rotation: float = param(0.03, lo=0, hi=3, unit="degrees", hint="Rotation, standard deviation.")
    warp: float = param(0.0, lo=0, hi=3, unit="% of width", hint="Non-rigid warp, rms over the frame.")
    correlation: float = param(2.0, lo=0, hi=30, unit="frames", hint="How long a shift lasts; 0 jumps every frame.")
    steps: float = param(2.0, lo=0, hi=50, unit="per 100 frames", hint="How often the picture jumps to another level.")
    edge: str = param("reflect", choices=_EDGES, hint="What shows where the picture has moved away.")

    def neutral(self) -> bool:
        return not (self.x or self.y or self.rotation or self.warp)

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place = Place.of(frame)
        n, unit = frame.number, place.full_width / 100
        drift = red_series(random.child("drift"), n, 3, self.correlation)
        jump = step_series(random.child("steps"), n, 2, self.steps / 100)
        # A third of the shift's variance is in the jumps, where there are any.
        share = np.sqrt(1 / 3) if self.steps else 0.0
        shift = np.sqrt(1 - share**2) * drift[:2] + share * jump
        dx, dy = float(shift[0] * self.x * unit), float(shift[1] * self.y * unit)
        angle = float(drift[2] * self.rotation)
        field = self._field(place, dx, dy, angle) + self._cockle(place, n, random)
        moved = spatially(frame, lambda rgb: shifted(rgb, field, self.edge))
        return Damaged(frame.with_rgb(moved), {"offset": (dx, dy), "rotation_deg": angle, "field": field})

    def _field(self, place: Place, dx: float, dy: float, angle: float) -> Image:
        cx, cy = (place.full_width - 1) / 2 - place.x, (place.full_height - 1) / 2 - place.y
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        yy, xx = np.meshgrid(np.arange(place.height) - cy - dy, np.arange(place.width) - cx - dx, indexing="ij")
        sx, sy = c * xx - s * yy, s * xx + c * yy
        return np.stack([sx - xx - dx, sy - yy - dy], axis=-1).astype(np.float32)

    def _cockle(self, place: Place, number: int, random: Stream) -> Image:
        field = np.zeros((place.height, place.width, 2), np.float32)
        if not self.warp:
            return field
        for axis in (0, 1):
            c = red_series(random.child("warp", axis), number, 16, self.correlation).reshape(4, 4)
            order = np.add.outer(np.arange(4), np.arange(4))
            c = np.where((order > 0) & (order <= 3), c / np.maximum(order, 1) ** 2, 0)
            # rms of a sum of cosines of unit variance, so weighted: each holds a quarter, or a half on the axes.
            held = np.where(order == 0, 0, 1 / np.maximum(order, 1) ** 4) * np.where(
                np.outer(range(4), range(4)), 0.25, 0.5
            )
            c *= self.warp * place.full_width / 100 / np.sqrt(held[order <= 3].sum())
            field[..., axis] = cosine_field(
                c,
                place.height,
                place.width,
                x=place.x,
                y=place.y,
                full_height=place.full_height,
                full_width=place.full_width,
            )
        return field


@damage(id="splice", label="Splices", space="scene", version=1)
class Splice:
    """A splice runs through the gate: the picture jumps and settles within a few frames, and the joint shows.

    At random frames (``rate`` a 100, or every ``every`` frames) a splice lies at the frame's top edge. The shift
    starts at ``jump`` and decays as 0.45^k over the next five frames, its sign alternating as a loop that recovers
    swings. ``mark`` shows the joint: the overlap of a cement splice, a dark bar 1 to 3 % of the height at the top
    edge, and a bright line of lifted film under it, in that one frame. Truth: ``offset`` px (dx, dy) and ``splice``
    (whether this frame is the first after a joint).
    """

    rate: float = param(1.5, lo=0, hi=50, unit="per 100 frames", hint="How often a splice comes; 0 leaves it to every.")
    every: int = param(
        0, lo=0, hi=10000, unit="frames", hint="A splice at every frame number divisible by this; 0 for none."
    )
    jump: float = param(1.5, lo=0, hi=20, unit="% of height", hint="Vertical jump at the splice.")
    mark: float = param(0.7, lo=0, hi=1, hint="How plainly the joint itself shows.")

    def neutral(self) -> bool:
        return not (self.rate or self.every) or not (self.jump or self.mark)

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place, n = Place.of(frame), frame.number
        dx = dy = 0.0
        for k in range(6):
            if not self._is_splice(n - k, random):
                continue
            size, side = random.child("size").normals(n - k, 1, 2)[0]
            swing = (-0.45) ** k * place.full_height / 100 * self.jump
            dy += swing * (1 + 0.3 * size) * (1 if size > -1 else -1)
            dx += swing * 0.25 * side
        first = self._is_splice(n, random)
        rgb = frame.rgb
        if dx or dy:
            field = np.empty((place.height, place.width, 2), np.float32)
            field[...] = (-dx, -dy)
            rgb = spatially(frame, lambda picture: shifted(picture, field, "extend"))
        if first and self.mark:
            rgb = self._joint(rgb, place, n, random)
        out = frame if rgb is frame.rgb else frame.with_rgb(rgb)
        return Damaged(out, {"offset": (dx, dy), "splice": first})

    def _is_splice(self, number: int, random: Stream) -> bool:
        if self.every and number % self.every == 0:
            return True
        return bool(self.rate and random.child("when").uniforms(number, 1, 1)[0, 0] < self.rate / 100)

    def _joint(self, rgb: Image, place: Place, number: int, random: Stream) -> Image:
        u = random.child("joint").uniforms(number, 1, 3)[0]
        height = place.full_height * (0.01 + 0.02 * u[0])
        tilt = (u[1] - 0.5) * 0.01 * place.full_height
        x = (place.x + np.arange(place.width) + 0.5) / place.full_width
        below = (place.y + np.arange(place.height))[:, None] + 0.5 - (height + tilt * x)[None, :]
        soft = max(0.7, place.full_height / 900)
        dark = np.clip(0.5 - below / soft, 0, 1) * (0.55 * self.mark)
        line = np.exp(-0.5 * (below / soft) ** 2) * (0.6 * self.mark)
        return np.asarray(rgb * (1 - dark[..., None]) + 0.8 * line[..., None], dtype=np.float32)


def shifted(rgb: Image, field: Image, edge: str) -> Image:
    """``rgb`` (H, W, 3) read at each pixel plus ``field`` (H, W, 2) px; a field of zeros gives it back exactly."""
    height, width = rgb.shape[:2]
    yy, xx = np.meshgrid(np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32), indexing="ij")
    name: Edge = "reflect" if edge == "reflect" else "black" if edge == "black" else "extend"
    return resample(rgb, xx + field[..., 0], yy + field[..., 1], "lanczos3", name)
