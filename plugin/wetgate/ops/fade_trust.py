"""How far the fade that was solved for is used in a shot, and what holds it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.color.fade_prior import Belief
from wetgate.color.fade_solver import Solved, confidence, disagreement
from wetgate.ops.fade_facts import ShotFacts

Array = NDArray[np.float64]

# The error to be expected, as a share of what the reversal changes in a shot: up to the first number it is used wholly,
# from the second on not at all. Over a few pictures without clear film the networks can all be wrong alike, so they
# have to be surer; where somebody said what is seen, little can be wrong. Set on 24 photographs (CID22) as 24 reels.
_SURE: dict[str, tuple[float, float]] = {"few": (0.5, 0.7), "reel": (0.8, 1.2), "told": (0.8, 1.2)}
# Networks that learnt from different photographs: where they restore a few pictures without clear film these shares of
# the change apart, the reversal begins to be held back, and is left out.
_AGREED, _AT_ODDS, _FEW = 0.2, 0.4, 8
# No dye grows. A ln gain so far below 0, which no simulated fade has (-0.018 at the least), comes from a picture unlike
# all that the networks have seen: from the first number on the reversal is held back, from the second left out.
_GROWN, _IMPOSSIBLE = 0.05, 0.15

_CAUSES = {
    "error": "the error to be expected of the reversal, dE {expected_error:.1f}, is large against what it changes, dE"
    " {change:.1f}",
    "grown": "a dye would have grown, which none does: the picture is unlike those that the analysis learnt from",
    "at_odds": "networks that learnt from different photographs are at odds over so few pictures",
}


@dataclass(frozen=True, eq=False)
class Warrant:
    """What share (n,) of their fade each of some shots warrants, and ``causes``: the share (of all of them, the median)
    that each cause leaves, 1 where it does not hold anything back."""

    shares: Array
    causes: Mapping[str, float]


def warranted(
    solved: Solved, belief: Belief, shots: Sequence[ShotFacts], matrix: Array, *, base: bool, told: bool
) -> Warrant:
    """The share is all of it where the error to be expected in a shot's pictures is small against what is changed
    there, nothing where it is not. ``base``: clear film was sampled; ``told``: somebody said what is seen."""
    few = len(shots) < _FEW and not base
    sure, unsure = _SURE["told" if told else "few" if few else "reel"]
    found = []
    for shot in shots:
        made, wrong = confidence(solved, shot.colours)
        found.append(np.clip((unsure - wrong / max(made, 1e-6)) / (unsure - sure), 0, 1))
    shares = np.array(found)
    causes = {"error": float(np.median(shares)), "grown": 1.0, "at_odds": 1.0}
    if not told:
        grown = -min(float(belief.mean[:3].min()), float(np.log(solved.fade.gain).min()))
        causes["grown"] = float(np.clip((_IMPOSSIBLE - grown) / (_IMPOSSIBLE - _GROWN), 0, 1))
    if few and not told:
        apart = disagreement(belief, matrix, np.concatenate([s.colours for s in shots]))
        causes["at_odds"] = float(np.clip((_AT_ODDS - apart) / (_AT_ODDS - _AGREED), 0, 1))
    return Warrant(shares * causes["grown"] * causes["at_odds"], causes)


def cause_held(results: Mapping[str, Any], reel_lock: bool) -> str:
    """What holds the fade of an analysis back the most, as half a sentence; without the reel lock in the shot that is
    held back the most. ``""`` where an earlier version of Wetgate did not write it down."""
    least = results["reel"] if reel_lock else min((s["own"] for s in results["shots"]), key=lambda own: own["trust"])
    if "held" not in least:
        return ""
    cause = min(_CAUSES, key=lambda name: float(least["held"][name]))
    return _CAUSES[cause].format(**least)
