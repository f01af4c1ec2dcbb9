"""Film grain tables of AV1: their text, what they describe, and what a real decoder makes of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from wetgate.ops import grain_av1
from wetgate.ops.grain_analysis import MeasuredGrain
from wetgate.spec import UsageError

FROM_LIBAOM = """filmgrn1
E 0 1000000 1 7391 1
\tp 1 7 0 11 0 1 128 192 256 128 192 256
\tsY 2 0 20 255 40
\tsCb 1 128 12
\tsCr 0
\tcY 1 2 -3 40
\tcCb 0 0 0 20 5
\tcCr 0 0 0 0 0
E 1000000 2000000 0 11 0
"""


def _measured(deviation: float = 0.03) -> MeasuredGrain:
    """Grey grain of equal deviation at all densities, of a Gaussian spectrum."""
    frequency = np.linspace(1 / 32, 0.65, 41)
    power = np.exp(-((frequency / 0.25) ** 2))
    axis = np.fft.fftfreq(64)
    power /= np.interp(np.hypot(axis[:, None], axis[None, :]), frequency, power).mean()
    return MeasuredGrain(
        ((0.1, 2.0),) * 3,
        ((deviation, deviation),) * 3,
        frequency,
        np.repeat(power[:, None], 3, axis=1),
        np.ones((3, 3)),
        8.0,
        100,
        4,
    )


def test_a_table_reads_back_as_it_was_written():
    tables = grain_av1.from_text(FROM_LIBAOM)
    assert [(t.start, t.end, t.apply_grain, t.seed) for t in tables] == [
        (0, 1000000, 1, 7391),
        (1000000, 2000000, 0, 11),
    ]
    assert tables[0].points_y == ((0, 20), (255, 40))
    assert tables[1].ar_cb == (0, 0, 0, 20, 5)
    assert grain_av1.from_text(grain_av1.to_text(tables)) == tables
    made = grain_av1.of_measured(_measured(), seed=9)
    assert grain_av1.from_text(grain_av1.to_text([made])) == [made]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("", "line 1"),
        ("filmgrn2\n", "line 1"),
        (FROM_LIBAOM.replace("\tsCr 0\n", ""), "line 6"),
        (FROM_LIBAOM.replace("1 2 -3 40", "1 2 -3"), "line 7"),
        (FROM_LIBAOM.replace("sY 2", "sY 3"), "points"),
        (FROM_LIBAOM.replace("7391", "x"), "line 2"),
        (FROM_LIBAOM[:60], "line 3"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(wrong, said):
    with pytest.raises(UsageError, match=said):
        grain_av1.from_text(wrong)


def test_a_table_gives_back_the_grain_that_it_was_made_of():
    measured = _measured()
    back = grain_av1.to_measured(grain_av1.of_measured(measured))
    at = np.array([0.2, 0.7, 1.4])
    # Scaling is coded in whole steps, and 24 whole coefficients make the spectrum: 8 % of the deviation.
    assert np.abs(back.deviation_at(at) / measured.deviation_at(at) - 1).max() < 0.08
    assert np.abs(back.correlation - 1).max() < 0.05
    shape = [np.interp([0.1, 0.2, 0.3], m.frequency, m.power[:, 0]) for m in (back, measured)]
    assert np.abs(10 * np.log10(shape[0] / shape[1])).max() < 1.5


def test_a_real_decoder_makes_the_grain_of_the_table(tmp_path: Path):
    """aomenc puts the table into a stream of flat greys, dav1d plays it: deviation of luma within 10 %."""
    if not shutil.which("aomenc") or not shutil.which("dav1d"):
        pytest.skip("aomenc or dav1d is not installed (Debian: aom-tools, dav1d)")
    width, height, codes = 320, 192, (60, 120, 180)
    chroma = np.full(width * height // 2, 128, np.uint8).tobytes()
    greys = b"".join(b"FRAME\n" + np.full(width * height, c, np.uint8).tobytes() + chroma for c in codes)
    (tmp_path / "in.y4m").write_bytes(b"YUV4MPEG2 W320 H192 F24:1 Ip A1:1 C420jpeg\n" + greys)
    measured = _measured()
    (tmp_path / "grain.tbl").write_text(grain_av1.to_text([grain_av1.of_measured(measured)]), encoding="ascii")
    encode = ["aomenc", "in.y4m", "-o", "o.ivf", "--ivf", "--cpu-used=8", "--end-usage=q", "--cq-level=10"]
    encode += ["--lag-in-frames=0", "--passes=1", "--film-grain-table=grain.tbl"]
    for command in (encode, ["dav1d", "-i", "o.ivf", "-o", "o.y4m", "--filmgrain", "1"]):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    raw = (tmp_path / "o.y4m").read_bytes()
    at, size = raw.index(b"\n") + 1, width * height
    for code in codes:
        luma = np.frombuffer(raw, np.uint8, size, at + len(b"FRAME\n")).astype(np.float64)
        at += len(b"FRAME\n") + size * 3 // 2
        signal = (code - 16) / 219
        wanted = 219 * signal * np.log(10) / 2.4 * 0.03
        assert abs(luma.mean() - code) < 0.5
        # 960 blocks of 8 x 8 hold the deviation to 3 %; the decoder draws one 73 x 82 template over and over.
        assert abs(luma.std() / wanted - 1) < 0.10
