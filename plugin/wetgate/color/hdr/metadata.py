"""HDR metadata documents from measured light: ST 2086, CTA-861.3, HDR10+ (ST 2094-40) and Dolby Vision as JSON.

``hdr10plus`` has the layout that hdr10plus_tool and x265 read (profile A: light statistics, no tone curve);
``dolby-vision`` is a configuration for ``dovi_tool generate`` (profile 8.1, CM v4.0: level 1 by shot and by frame,
levels 5, 6 and 9); ``hdr-metadata`` is our own, schema ``wetgate.hdr-metadata/1``: every figure with its definition.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wetgate.color.hdr.light import DISTRIBUTION_INDEX, FrameLight, ShotLight, rank, shared_bars
from wetgate.color.primaries import chromaticities

PERCENTILE = 99.99
FRAME_PERCENTILE = 99.0
MASTERING_BLACK = 0.0001  # nits; the step of ST 2086's minimum luminance, for a display that is black at black


@dataclass(frozen=True, slots=True)
class ContentLight:
    """Content light levels in nits. The strict pair is CTA-861.3's; the other two are labelled percentiles.

    ``max_cll_percentile`` is the greatest, over frames, of the 99.99th percentile of max(R, G, B) (a handful of hot
    pixels no longer decides); ``max_fall_percentile`` the 99th percentile of the frame averages.
    """

    max_cll: float
    max_fall: float
    max_cll_percentile: float
    max_fall_percentile: float


def content_light(frames: Sequence[FrameLight]) -> ContentLight:
    """The levels over the frames of a shot or reel: CTA-861.3-A, Annex P."""
    averages = sorted(f.mean_rgb for f in frames)
    return ContentLight(
        max(f.max_rgb for f in frames),
        averages[-1],
        max(f.distribution[1] for f in frames),
        averages[rank(FRAME_PERCENTILE, len(averages))],
    )


def whole_nits(level: float) -> int:
    """A light level as SEI messages and level 6 carry it: whole nits, halves up, 0..65535."""
    return min(max(math.floor(level + 0.5), 0), 65535)


@dataclass(frozen=True, slots=True)
class Mastering:
    """ST 2086:2018 mastering display: primaries by name (``p3d65`` or ``rec2020``), luminance in nits."""

    primaries: str
    peak: float
    black: float = MASTERING_BLACK

    def x265(self) -> str:
        """``G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)`` in units of 0.00002 and 0.0001 nits (H.265 D.2.28, x265's form)."""
        p = chromaticities(self.primaries)
        points = [
            f"{name}({round(x * 50000)},{round(y * 50000)})"
            for name, (x, y) in (("G", p.green), ("B", p.blue), ("R", p.red), ("WP", p.white))
        ]
        return "".join(points) + f"L({round(self.peak * 10000)},{round(self.black * 10000)})"

    def to_json(self) -> dict[str, Any]:
        p = chromaticities(self.primaries)
        return {
            "primaries": self.primaries,
            "red": list(p.red),
            "green": list(p.green),
            "blue": list(p.blue),
            "white": list(p.white),
            "max_luminance": self.peak,
            "min_luminance": self.black,
        }


def header(mastering: Mastering, light: ContentLight) -> dict[str, Any]:
    """What goes into a frame's metadata, under the keys that the writers read."""
    return {
        "hdr:mastering_display": mastering.x265(),
        "hdr:max_cll": whole_nits(light.max_cll),
        "hdr:max_fall": whole_nits(light.max_fall),
        "hdr:max_cll_percentile": whole_nits(light.max_cll_percentile),
        "hdr:max_fall_percentile": whole_nits(light.max_fall_percentile),
        "hdr:percentile": f"{PERCENTILE}",  # text: an EXR header would hold 99.98999786
    }


def hdr10plus(shots: Sequence[ShotLight], tool_version: str) -> dict[str, Any]:
    """The HDR10+ document: one scene a shot, the scene's statistics on each of its frames (ST 2094-40, app. 4).

    Light is in tenths of a nit.
    """
    entries: list[dict[str, Any]] = []
    first: list[int] = []
    for scene, shot in enumerate(shots):
        first.append(len(entries))
        values = [
            # Under index 10 stands a percentage of pixels, all others are light.
            _whole(value) if index == 10 else _tenths(value)
            for index, value in zip(DISTRIBUTION_INDEX, shot.distribution, strict=True)
        ]
        parameters = {
            "AverageRGB": _tenths(shot.mean_rgb),
            "LuminanceDistributions": {"DistributionIndex": list(DISTRIBUTION_INDEX), "DistributionValues": values},
            "MaxScl": [_tenths(channel) for channel in shot.max_channels],
        }
        for index in range(shot.count):
            entries.append(
                {
                    "LuminanceParameters": parameters,
                    "NumberOfWindows": 1,
                    "SceneFrameIndex": index,
                    "SceneId": scene,
                    "SequenceFrameIndex": len(entries),
                    "TargetedSystemDisplayMaximumLuminance": 0,
                }
            )
    return {
        "JSONInfo": {"HDR10plusProfile": "A", "Version": "1.0"},
        "SceneInfo": entries,
        "SceneInfoSummary": {"SceneFirstFrameIndex": first, "SceneFrameNumbers": [s.count for s in shots]},
        "ToolInfo": {"Tool": "wetgate", "Version": tool_version},
    }


def dolby_vision(
    shots: Sequence[ShotLight],
    frame_codes: Sequence[tuple[float, float, float]],
    mastering: Mastering,
    light: ContentLight,
) -> dict[str, Any]:
    """A ``dovi_tool generate`` configuration: level 1 by shot and by frame in 12-bit PQ, levels 5, 6 and 9.

    ``frame_codes`` are the least, mean and greatest PQ code (0..1) of each frame; empty leaves level 1 to the shots.
    Level 5 holds the bars that all shots share. Level 6 has the minimum luminance in 0.0001 nits.
    """
    entries = []
    start = 0
    for shot in shots:
        entry: dict[str, Any] = {
            "start": start,
            "duration": shot.count,
            "metadata_blocks": [{"Level1": _level_1(shot.pq)}],
        }
        codes = frame_codes[start : start + shot.count]
        if codes:
            entry["frame_edits"] = [
                {"edit_offset": i, "metadata_blocks": [{"Level1": _level_1(pq)}]} for i, pq in enumerate(codes)
            ]
        entries.append(entry)
        start += shot.count
    left, right, top, bottom = shared_bars([s.bars for s in shots if s.max_rgb > 0.0])
    return {
        "cm_version": "V40",
        "profile": "8.1",
        "length": start,
        "level5": {
            "active_area_left_offset": left,
            "active_area_right_offset": right,
            "active_area_top_offset": top,
            "active_area_bottom_offset": bottom,
        },
        "level6": {
            "max_display_mastering_luminance": whole_nits(mastering.peak),
            "min_display_mastering_luminance": round(mastering.black * 10000),
            "max_content_light_level": whole_nits(light.max_cll),
            "max_frame_average_light_level": whole_nits(light.max_fall),
        },
        # Level 9: primaries of the mastering display; 0 is P3-D65, 2 is BT.2020.
        "default_metadata_blocks": [
            {"Level9": {"length": 1, "source_primary_index": 0 if mastering.primaries == "p3d65" else 2}}
        ],
        "shots": entries,
    }


def summary(
    numbers: Sequence[int], bars: Sequence[int], mastering: Mastering, light: ContentLight, lift: Mapping[str, Any]
) -> dict[str, Any]:
    """The ``wetgate.hdr-metadata/1`` document: every figure with what it means, and the frames it comes from."""
    return {
        "schema": "wetgate.hdr-metadata/1",
        "unit": "nits, linear Rec.2020, before the quantisation of the output file",
        "frames": [min(numbers), max(numbers)],
        "lift": dict(lift),
        "mastering_display": mastering.to_json() | {"x265": mastering.x265(), "standard": "SMPTE ST 2086:2018"},
        "strict": {
            "standard": "CTA-861.3-A Annex P, all pixels of all frames",
            "max_cll": whole_nits(light.max_cll),
            "max_fall": whole_nits(light.max_fall),
            "max_cll_exact": light.max_cll,
            "max_fall_exact": light.max_fall,
        },
        "percentile": {
            "definition": f"max_cll: greatest {PERCENTILE}th percentile of max(R,G,B) of a frame;"
            f" max_fall: {FRAME_PERCENTILE}th percentile of the frame averages; nearest ranks",
            "max_cll": whole_nits(light.max_cll_percentile),
            "max_fall": whole_nits(light.max_fall_percentile),
        },
        "active_area": dict(zip(("left", "right", "top", "bottom"), bars, strict=True)),
    }


def _whole(value: float) -> int:
    return math.floor(value + 0.5)


def _tenths(nits: float) -> int:
    return min(_whole(nits * 10.0), 100_000)


def _level_1(pq: tuple[float, float, float]) -> dict[str, int]:
    low, mid, high = (_whole(code * 4095.0) for code in pq)
    return {"min_pq": low, "max_pq": high, "avg_pq": mid}
