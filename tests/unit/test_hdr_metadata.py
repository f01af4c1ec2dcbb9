"""HDR metadata against an independent computation from the pixels, and the form of its documents."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from wetgate.color.hdr import analysis, light, metadata

INDEX = [1, 5, 10, 25, 50, 75, 90, 95, 99]


def _frames(count: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(11)
    return [(rng.random((37, 53, 3)) ** 6 * 1500.0 - 1.0).astype(np.float32) for _ in range(count)]


def _percentile(values: np.ndarray, percent: float) -> float:
    ordered = np.sort(values, axis=None)
    return float(ordered[max(0, math.ceil(percent / 100.0 * ordered.size) - 1)])


def _pq(nits: float) -> float:
    """ST 2084, written out once more."""
    y = (nits / 10000.0) ** (2610 / 16384)
    return float(((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 32))


def test_levels_are_those_of_the_pixels() -> None:
    frames = _frames()
    brightest = [np.clip(f, 0.0, 10000.0).max(axis=2).astype(np.float64) for f in frames]
    levels = metadata.content_light([light.measure(f) for f in frames])
    assert levels.max_cll == pytest.approx(max(b.max() for b in brightest))
    assert levels.max_fall == pytest.approx(max(b.mean() for b in brightest), rel=1e-9)
    assert levels.max_cll_percentile == pytest.approx(max(_percentile(b, 99.99) for b in brightest))
    assert levels.max_cll_percentile <= levels.max_cll
    assert levels.max_fall_percentile == pytest.approx(sorted(b.mean() for b in brightest)[2])


def test_light_counts_within_what_pq_holds() -> None:
    measured = light.measure(np.array([[[-5.0, -1.0, -2.0], [20_000.0, 3.0, 4.0]]], np.float32))
    assert measured.max_rgb == 10_000.0
    assert measured.mean_rgb == 5_000.0
    assert measured.max_channels == (10_000.0, 3.0, 4.0)
    assert measured.pq[0] == pytest.approx(_pq(0.0), abs=1e-9)
    assert measured.pq[2] == pytest.approx(1.0)


def test_distribution_follows_st_2094_40() -> None:
    frame = _frames(1)[0]
    brightest = np.clip(frame, 0.0, None).max(axis=2)
    found = light.measure(frame).distribution
    expected = [_percentile(brightest, p) for p in (1, 99.99, 0, 25, 50, 75, 90, 95, 99.98)]
    expected[2] = 100.0 * float((brightest <= 100.0).mean())
    assert found == pytest.approx(expected)


def test_level_1_is_the_pq_of_the_brightest_channel() -> None:
    frame = _frames(1)[0]
    codes = [_pq(v) for v in np.clip(frame, 0.0, None).max(axis=2).ravel().tolist()]
    assert light.measure(frame).pq == pytest.approx((min(codes), sum(codes) / len(codes), max(codes)), abs=1e-6)


def test_bars_are_those_that_every_lit_frame_has() -> None:
    picture = np.zeros((40, 60, 3), np.float32)
    picture[6:35, 2:60] = 50.0
    other = np.zeros_like(picture)
    other[4:36] = 1.0
    black = np.zeros_like(picture)
    assert light.measure(picture).bars == (2, 0, 6, 5)
    assert light.of_shot([light.measure(p) for p in (picture, other, black)]).bars == (0, 0, 4, 4)
    assert light.of_shot([light.measure(black)]).bars == (0, 0, 0, 0)


def test_mastering_display_is_written_as_x265_reads_it() -> None:
    # BT.2020: G (0.170, 0.797), B (0.131, 0.046), R (0.708, 0.292), D65 (0.3127, 0.3290), in units of 0.00002
    assert (
        metadata.Mastering("rec2020", 1000.0).x265()
        == "G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,1)"
    )
    assert (
        metadata.Mastering("p3d65", 4000.0).x265()
        == "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,1)"
    )


def test_header_holds_whole_nits() -> None:
    levels = metadata.ContentLight(912.5, 88.49, 640.2, 70.0)
    header = metadata.header(metadata.Mastering("rec2020", 1000.0), levels)
    assert header["hdr:max_cll"] == 913
    assert header["hdr:max_fall"] == 88
    assert header["hdr:max_cll_percentile"] == 640
    assert header["hdr:percentile"] == "99.99"
    assert metadata.whole_nits(1e9) == 65535


def test_hdr10plus_document_numbers_scenes_and_frames() -> None:
    frames = [light.measure(f) for f in _frames(5)]
    document = metadata.hdr10plus([light.of_shot(frames[:2]), light.of_shot(frames[2:])], "9")
    assert document["JSONInfo"] == {"HDR10plusProfile": "A", "Version": "1.0"}
    assert document["SceneInfoSummary"] == {"SceneFirstFrameIndex": [0, 2], "SceneFrameNumbers": [2, 3]}
    entries = document["SceneInfo"]
    assert [e["SequenceFrameIndex"] for e in entries] == [0, 1, 2, 3, 4]
    assert [(e["SceneId"], e["SceneFrameIndex"]) for e in entries] == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    parameters = entries[0]["LuminanceParameters"]
    assert parameters["LuminanceDistributions"]["DistributionIndex"] == INDEX
    assert parameters["MaxScl"] == [round(10 * max(f.max_channels[c] for f in frames[:2])) for c in range(3)]
    assert parameters["AverageRGB"] == round(10 * (frames[0].mean_rgb + frames[1].mean_rgb) / 2)
    values = parameters["LuminanceDistributions"]["DistributionValues"]
    assert 0 <= values[2] <= 100
    assert all(0 <= v <= 100_000 and isinstance(v, int) for v in [*values, *parameters["MaxScl"]])


def test_dolby_vision_document_has_levels_1_5_6() -> None:
    frames = [light.measure(f) for f in _frames(3)]
    shots = [light.of_shot(frames[:1]), light.of_shot(frames[1:])]
    levels = metadata.content_light(frames)
    document = metadata.dolby_vision(shots, [f.pq for f in frames], metadata.Mastering("p3d65", 1000.0), levels)
    assert document["length"] == 3
    assert [(s["start"], s["duration"]) for s in document["shots"]] == [(0, 1), (1, 2)]
    block = document["shots"][1]["frame_edits"][1]["metadata_blocks"][0]["Level1"]
    assert block == {
        "min_pq": round(frames[2].pq[0] * 4095),
        "max_pq": round(frames[2].pq[2] * 4095),
        "avg_pq": round(frames[2].pq[1] * 4095),
    }
    assert document["shots"][1]["metadata_blocks"][0]["Level1"]["max_pq"] == round(
        4095 * max(f.pq[2] for f in frames[1:])
    )
    assert document["level6"] == {
        "max_display_mastering_luminance": 1000,
        "min_display_mastering_luminance": 1,
        "max_content_light_level": metadata.whole_nits(levels.max_cll),
        "max_frame_average_light_level": metadata.whole_nits(levels.max_fall),
    }
    assert document["default_metadata_blocks"][0]["Level9"]["source_primary_index"] == 0


def test_analysis_document_reads_back_and_is_small() -> None:
    numbers = list(range(1001, 1021))
    shots = analysis.segments(numbers, [1011])
    assert [(s[0], s[-1]) for s in shots] == [(1001, 1010), (1011, 1020)]
    curves = {n: analysis.FrameCurve(600.0 + n / 7.0, 0.78, 100.0).rounded() for n in numbers}
    measured = {n: light.measure(f) for n, f in zip(numbers, _frames(20), strict=True)}
    results = json.loads(json.dumps(analysis.to_results(shots, curves, measured), allow_nan=False))
    assert analysis.curve_of(results, 1013) == curves[1013]
    assert analysis.curve_of(results, 7) is None
    assert analysis.light_of(results) == metadata.content_light([measured[n] for n in numbers])
    assert [s.count for s in analysis.shots_of(results)] == [10, 10]
    assert len(analysis.frame_codes_of(results)) == 20
    assert len(json.dumps(results, indent=1)) < 100 * len(numbers) + 4000
