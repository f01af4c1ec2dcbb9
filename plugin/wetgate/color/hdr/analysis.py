"""The results document of a lift's whole-shot pass: what it holds, how it is packed, and how a render reads it back.

Plain JSON, small: per frame one line of text for the curve and one for the light. Reels of more than 4,000 frames keep
the light per shot only; the curves stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wetgate.color.hdr.light import FrameLight, ShotLight, of_shot, shared_bars
from wetgate.color.hdr.metadata import ContentLight, content_light

_MOST_FRAMES = 4000


@dataclass(frozen=True, slots=True)
class FrameCurve:
    """What a shot decides about one frame: ``white_to`` in nits and the knee (adaptive), the clip level in nits."""

    white_to: float
    knee: float
    clip_level: float | None

    def rounded(self) -> FrameCurve:
        """As the document holds it; the analysis itself must lift with these values, not with finer ones."""
        level = None if self.clip_level is None else round(self.clip_level, 4)
        return FrameCurve(round(self.white_to, 3), round(self.knee, 5), level)


def segments(numbers: Sequence[int], cuts: Sequence[int]) -> list[list[int]]:
    """The frame numbers of each shot, in order; a cut is the number of a shot's first frame."""
    starts = set(cuts)
    shots: list[list[int]] = []
    for number in numbers:
        if not shots or number in starts:
            shots.append([])
        shots[-1].append(number)
    return shots


def to_results(
    shots: Sequence[Sequence[int]], curves: Mapping[int, FrameCurve], light: Mapping[int, FrameLight]
) -> dict[str, Any]:
    """The document of shots (their frame numbers), the curve of every frame and the lifted light of every frame."""
    frames = [light[n] for shot in shots for n in shot]
    levels = content_light(frames)
    return {
        "schema": "wetgate.hdr_lift/1",
        "shots": [
            {
                "first": shot[0],
                "last": shot[-1],
                "clip_level": curves[shot[0]].clip_level,
                "light": _packed_shot(of_shot([light[n] for n in shot])),
            }
            for shot in shots
        ],
        "curves": [f"{n} {curves[n].white_to:.3f} {curves[n].knee:.5f}" for shot in shots for n in shot],
        "content_light": {
            "max_cll": levels.max_cll,
            "max_fall": levels.max_fall,
            "max_cll_percentile": levels.max_cll_percentile,
            "max_fall_percentile": levels.max_fall_percentile,
        },
        "frame_codes": [" ".join(f"{c:.6f}" for c in f.pq) for f in frames] if len(frames) <= _MOST_FRAMES else [],
    }


def curve_of(results: Mapping[str, Any], number: int) -> FrameCurve | None:
    """The curve of a frame, or None for a frame that the analysis did not see."""
    head = f"{number} "  # the lines are not parsed but for the one: this is asked at every frame of a reel
    for line in results["curves"]:
        if line.startswith(head):
            _, white_to, knee = line.split()
            for shot in results["shots"]:
                if shot["first"] <= number <= shot["last"]:
                    return FrameCurve(float(white_to), float(knee), shot["clip_level"])
    return None


def light_of(results: Mapping[str, Any]) -> ContentLight:
    """The content light levels of the document."""
    return ContentLight(**results["content_light"])


def shots_of(results: Mapping[str, Any]) -> list[ShotLight]:
    """The light of each shot."""
    return [
        ShotLight(
            count=shot["light"]["count"],
            max_rgb=shot["light"]["max_rgb"],
            mean_rgb=shot["light"]["mean_rgb"],
            max_channels=tuple(shot["light"]["max_channels"]),
            distribution=tuple(shot["light"]["distribution"]),
            pq=tuple(shot["light"]["pq"]),
            bars=tuple(shot["light"]["bars"]),
        )
        for shot in results["shots"]
    ]


def frame_codes_of(results: Mapping[str, Any]) -> list[tuple[float, float, float]]:
    """Least, mean and greatest PQ code of max(R, G, B) of each frame; empty for a long reel."""
    codes: list[tuple[float, float, float]] = []
    for line in results["frame_codes"]:
        low, mid, high = (float(v) for v in line.split())
        codes.append((low, mid, high))
    return codes


def bars_of(results: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """The black bars that all shots share: left, right, top, bottom."""
    return shared_bars([s.bars for s in shots_of(results) if s.max_rgb > 0.0])


def _packed_shot(shot: ShotLight) -> dict[str, Any]:
    return {
        "count": shot.count,
        "max_rgb": round(shot.max_rgb, 4),
        "mean_rgb": round(shot.mean_rgb, 4),
        "max_channels": [round(v, 4) for v in shot.max_channels],
        "distribution": [round(v, 4) for v in shot.distribution],
        "pq": [round(v, 6) for v in shot.pq],
        "bars": list(shot.bars),
    }
