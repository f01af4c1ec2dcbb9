"""Temporal coherence of a step: what its node made of t-r..t+r, fused along the motion of the picture.

What is dear is kept: results in code values, and the motion of a pair of frames, are made once, whichever of the two
comes first. A neighbour does not count past a cut, where its picture has another size or place, where it stands in for
one outside the shot, or where it repeats a nearer one bit for bit and so says nothing new.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wetgate.engine.colour import Colour, code_values
from wetgate.engine.keeping import Kept
from wetgate.ops.cuts import Signature, find_cuts, signature
from wetgate.ops.fusion import Part, fuse
from wetgate.ops.motion import Motion, luma, motions, toward
from wetgate.spec import COHERENCE_VIEW, Coherent, Frame, Image, Result


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame that a node was given, under a key of its own; ``alone`` gives what the node makes of it by itself."""

    key: Hashable
    given: Frame
    alone: Callable[[], Result]


class Coherence:
    """Fuses the results of one step."""

    def __init__(self, declared: Coherent, radius: int, colour: Colour, check_abort: Callable[[], None]) -> None:
        """``declared`` by the node; ``radius`` is the largest that will be asked for."""
        self._declared = declared
        self._colour = colour
        self._check_abort = check_abort
        around = 2 * radius + 1
        self._encoded = Kept[Hashable, Image](around)
        self._signatures = Kept[Hashable, Signature](around)
        # A pair waits for its later frame: r pairs of each of r frames, and those of the frame at hand.
        self._motions = Kept[tuple[Hashable, Hashable], tuple[Motion, Motion]](radius * (radius + 2))

    def fused(self, window: Sequence[Seen], repeated: Sequence[bool], amount: float) -> Result:
        """The middle frame's result, fused with those of the others by ``amount`` (0 to 1).

        ``window`` is t-r..t+r; ``repeated`` says which of it stand in for frames outside the shot.
        """
        radius = len(window) // 2
        middle = window[radius]
        made = middle.alone()
        neighbours = []
        for other in self._counted(window, repeated):
            self._check_abort()
            if other.alone().frame.window == made.frame.window:
                neighbours.append((self._part(other), self._motion(middle, other)))
        done = fuse(
            self._part(middle),
            neighbours,
            fuses=self._declared.fuses,
            agreed=self._declared.agreed,
            unlike=self._declared.unlike,
            amount=amount,
            places=2 * radius,
            check_abort=self._check_abort,
        )
        facts = {"frames": len(neighbours), "confidence": round(float(done.confidence.mean(dtype=np.float64)), 4)}
        return replace(
            made,
            frame=made.frame.with_rgb(done.picture),
            aovs={**made.aovs, COHERENCE_VIEW: done.confidence},
            facts={**made.facts, "coherence": facts},
        )

    def _counted(self, window: Sequence[Seen], repeated: Sequence[bool]) -> Iterator[Seen]:
        """The neighbours that count, nearest first on either side."""
        radius = len(window) // 2
        cuts = find_cuts(range(len(window)), [self._signature(seen) for seen in window])
        for direction in (-1, 1):
            for place in range(radius + direction, radius + direction * (radius + 1), direction):
                other, nearer = window[place], window[place - direction]
                elsewhere = other.given.window != nearer.given.window
                if repeated[place] or max(place, place - direction) in cuts or elsewhere:
                    break
                if not np.array_equal(other.given.pixels, nearer.given.pixels):
                    yield other

    def _part(self, seen: Seen) -> Part:
        return Part(seen.given.rgb, seen.alone().frame.rgb, self._code_values(seen))

    def _motion(self, middle: Seen, other: Seen) -> Motion:
        """The motion from the middle frame into the other."""
        backwards = other.given.number < middle.given.number
        return toward(middle, other, backwards, self._pair)

    def _pair(self, first: Seen, second: Seen) -> tuple[Motion, Motion]:
        return self._motions.get((first.key, second.key), lambda: motions(self._guide(first), self._guide(second)))

    def _guide(self, seen: Seen) -> Image:
        """What motion is searched in: the result has less noise than what the node was given."""
        return luma(self._code_values(seen))

    def _code_values(self, seen: Seen) -> Image:
        return self._encoded.get(seen.key, lambda: code_values(seen.alone().frame, self._colour))

    def _signature(self, seen: Seen) -> Signature:
        return self._signatures.get(seen.key, lambda: signature(code_values(seen.given, self._colour)))
