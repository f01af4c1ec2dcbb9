"""Two shots measured: pairing, encodings, figures of the shot, and clear refusals."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from wetgate.engine import meters_external
from wetgate.engine.measure import available, measure
from wetgate.ops.metrics import psnr, ssim
from wetgate.spec import UsageError


def shot(folder: Path, frames: int = 3, size: tuple[int, int] = (96, 128), gain: float = 1.0, first: int = 1) -> str:
    """A panning texture with a colour cast as 16-bit PNGs: ``gain`` alternates up and down about 1."""
    folder.mkdir()
    noise = np.random.default_rng(3).standard_normal((size[0], size[1] + 40, 3)).astype(np.float32)
    wide = cv2.GaussianBlur(noise, (0, 0), 2.5)
    wide = 0.45 + 0.12 * wide / wide.std() + np.array([0.05, 0.0, -0.05], np.float32)
    for k in range(frames):
        picture = wide[:, 2 * k : 2 * k + size[1]] * (gain if k % 2 else 2 - gain)
        codes = np.rint(picture.clip(0, 1) * 65535).astype(np.uint16)
        cv2.imwrite(str(folder / f"f.{first + k:04d}.png"), codes[..., ::-1])
    return str(folder / "f.####.png")


def exr(folder: Path, value: float, space: str, size: tuple[int, int] = (32, 48)) -> str:
    """One flat float EXR labelled with a space of the config."""
    import wetgate
    from wetgate.io import WriteOptions
    from wetgate.spec import Frame

    folder.mkdir()
    frame = Frame(np.full((*size, 3), value, np.float32), space, 1)
    wetgate.write(frame, folder / "f.0001.exr", options=WriteOptions(depth="float"))
    return str(folder / "f.0001.exr")


def read(pattern: str, number: int) -> np.ndarray:
    codes = cv2.imread(pattern.replace("####", f"{number:04d}"), cv2.IMREAD_UNCHANGED)
    return codes[..., ::-1].astype(np.float32) / 65535


def test_psnr_and_ssim_of_files_are_those_of_their_code_values(tmp_path: Path) -> None:
    a, b = shot(tmp_path / "a"), shot(tmp_path / "b", gain=1.05)
    found = measure(a, b, ["psnr", "ssim"], in_space_a="srgb_tx", in_space_b="srgb_tx")
    assert "code values" in found.domain
    for column, function in zip(found.columns, (psnr, ssim), strict=True):
        for number, value in column.values.items():
            assert value == pytest.approx(function(read(a, number), read(b, number)), rel=1e-6)
    assert found.numbers == (1, 2, 3)


def test_equal_shots_are_equal_by_every_measure(tmp_path: Path) -> None:
    a = shot(tmp_path / "a", size=(192, 256))
    inner = [n for n in available() if n not in ("vmaf", "cvvdp")]
    found = measure(a, a, inner, in_space_a="srgb_tx", in_space_b="srgb_tx")
    values = {c.name: found.summary(c) for c in found.columns}
    assert values["psnr"]["min"] == math.inf
    for name in ("ssim", "ms_ssim"):
        assert values[name]["min"] == pytest.approx(1.0, abs=1e-9)
    for name in ("de2000", "deitp_max", "flicker", "global_flicker", "jitter", "grain_spectrum", "blocks"):
        assert values[name]["max"] == pytest.approx(0.0, abs=2e-3), name  # jitter: the search's own precision
    text = json.dumps(found.to_json(), allow_nan=False)
    assert json.loads(text)["metrics"]["psnr"]["summary"]["mean"] is None
    assert any("infinite" in note for note in found.notes)


def test_flicker_is_seen_by_both_flicker_measures_and_motion_by_neither(tmp_path: Path) -> None:
    a, b = shot(tmp_path / "a", frames=6), shot(tmp_path / "b", frames=6, gain=1.03)
    found = {c.name: c for c in measure(a, b, ["flicker", "global_flicker"], in_space_a="srgb_tx").columns}
    level = read(a, 1)
    assert found["flicker"].shot["excess"] == pytest.approx(np.mean(np.square(0.06 * level)), rel=0.25)
    assert found["flicker_reference"].values[2] < 1e-3  # the pan is followed
    # Levels alternate by +-3 %: each lies 6 % from the mean of its neighbours, over sqrt(1.5).
    assert found["global_flicker"].shot["rms"] == pytest.approx(6 / math.sqrt(1.5), rel=0.03)


def test_scene_linear_against_video_is_compared_on_srgb_codes_and_named_so(tmp_path: Path) -> None:
    linear = exr(tmp_path / "a", 0.18, "lin_rec709_scene")
    coded = exr(tmp_path / "b", 0.46135613, "srgb_tx")  # the sRGB code of 0.18: IEC 61966-2-1
    found = measure(linear, coded, ["psnr", "de2000", "deitp"])
    assert "sRGB code values" in found.domain
    assert found.columns[0].values[1] > 90
    assert found.summary(found.columns[1])["max"] < 0.01
    assert found.spaces == ("Linear Rec.709 (sRGB)", "sRGB - Texture")


def test_two_scene_linear_shots_are_compared_on_pq_so_that_highlights_count(tmp_path: Path) -> None:
    a, b = exr(tmp_path / "a", 20.0, "ACEScg"), exr(tmp_path / "b", 10.0, "ACEScg")
    found = measure(a, b, ["psnr", "deitp"])
    assert "PQ" in found.domain
    assert found.columns[0].values[1] < 30  # 2,000 against 1,000 nits: 0.076 of PQ code
    assert found.columns[1].values[1] > 20
    forced = measure(a, b, ["psnr"], domain="sdr")
    assert forced.columns[0].values[1] == math.inf  # both clip


def test_shots_are_paired_by_number_and_in_order_only_where_it_is_said(tmp_path: Path) -> None:
    a, b = shot(tmp_path / "a"), shot(tmp_path / "b", first=1001)
    found = measure(a, b, ["psnr"], in_space_a="srgb_tx", in_space_b="srgb_tx")
    assert all(math.isinf(v) for v in found.columns[0].values.values())
    assert any("in order" in note for note in found.notes)
    with pytest.raises(UsageError, match=r"3 frames .* 2"):
        measure(a, shot(tmp_path / "c", frames=2), ["psnr"], in_space_a="srgb_tx", in_space_b="srgb_tx")


def test_an_assumed_space_is_noted(tmp_path: Path) -> None:
    a = shot(tmp_path / "a", frames=1)
    assert any("assumed" in note for note in measure(a, a, ["psnr"]).notes)


def test_requests_that_cannot_be_met_are_refused_with_the_remedy(tmp_path: Path) -> None:
    a, small = shot(tmp_path / "a"), shot(tmp_path / "b", size=(48, 64))
    with pytest.raises(UsageError, match="'ssim'"):
        measure(a, a, ["sim"])
    with pytest.raises(UsageError, match="no measure was asked for"):
        measure(a, a, [])
    with pytest.raises(UsageError, match=r"128x96 .* 64x48"):
        measure(a, small, ["psnr"])
    with pytest.raises(UsageError, match=r"ms_ssim, frame 1.*176 pixels"):
        measure(a, a, ["ms_ssim"])


def test_measures_of_other_programs_are_refused_where_these_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = shot(tmp_path / "a", frames=1)
    monkeypatch.setattr(meters_external.shutil, "which", lambda name: None)
    monkeypatch.setattr(meters_external.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install imageio-ffmpeg") as caught:
        measure(a, a, ["vmaf", "cvvdp"], in_space_a="srgb_tx")
    assert "pip install cvvdp" in str(caught.value)


def test_vmaf_is_refused_for_hdr(tmp_path: Path) -> None:
    a = exr(tmp_path / "a", 0.5, "rec2100_pq_display")
    with pytest.raises(UsageError, match="not defined for HDR"):
        measure(a, a, ["vmaf"])


def test_vmaf_is_high_for_equal_frames_and_falls_with_blur(tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg", reason="carries an ffmpeg with libvmaf")
    a, b = shot(tmp_path / "a", size=(181, 241)), shot(tmp_path / "b", size=(181, 241))
    for path in Path(b).parent.glob("*.png"):
        cv2.imwrite(str(path), cv2.GaussianBlur(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), (0, 0), 3))
    same = measure(a, a, ["vmaf"], in_space_a="srgb_tx").columns[0]
    blurred = measure(a, b, ["vmaf"], in_space_a="srgb_tx").columns[0]
    assert list(same.values) == [1, 2, 3]
    assert min(same.values.values()) > 95
    assert max(blurred.values.values()) < 80


@pytest.mark.skipif(importlib.util.find_spec("pycvvdp") is None, reason="the package cvvdp is not installed")
@pytest.mark.filterwarnings("ignore")
def test_cvvdp_gives_ten_for_equal_shots_and_less_for_flicker(tmp_path: Path) -> None:
    a, b = shot(tmp_path / "a"), shot(tmp_path / "b", gain=1.05)
    assert measure(a, a, ["cvvdp"], in_space_a="srgb_tx").columns[0].shot["shot"] == pytest.approx(10, abs=0.01)
    assert measure(a, b, ["cvvdp"], in_space_a="srgb_tx").columns[0].shot["shot"] < 9.5


def test_the_table_tells_values_summary_and_domain(tmp_path: Path) -> None:
    a, b = shot(tmp_path / "a"), shot(tmp_path / "b", gain=1.02)
    table = measure(a, b, ["psnr", "de2000", "jitter"], in_space_a="srgb_tx", in_space_b="srgb_tx").to_table()
    lines = table.splitlines()
    assert lines[0].split()[:3] == ["frame", "psnr", "[dB]"]
    assert [line.split()[0] for line in lines[2:5]] == ["1", "2", "3"]
    assert [line.split()[0] for line in lines[6:10]] == ["mean", "p99", "min", "max"]
    assert "CIELAB, D65, white 100 nits" in table
    assert "jitter, rms" in table
