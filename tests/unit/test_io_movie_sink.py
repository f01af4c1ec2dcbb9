"""A movie as a file: whole or not at all, the same bytes each time, refused clearly, with its sound."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from support.movies import RATE, SDR, X264, bars_and_ramps, counted, frames_of, write
from wetgate.io.movie import open_movie, open_movie_sink
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame, FrameError, UsageError


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("m.mov", {}),
        ("m.mp4", {}),
        ("m.mkv", {}),
        ("m.mp4", {"codec": "libx265"}),
        ("m.webm", {}),
        ("m.mxf", {}),
        ("m.mov", {"codec": "mjpeg"}),
    ],
)
def test_two_runs_give_the_same_bytes(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    frames = frames_of([bars_and_ramps(256, 144, shift=n) for n in range(12)])
    found = []
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        write(tmp_path / run / name, frames, start_timecode="01:00:00:00", rate=Fraction(24), **options)
        found.append((tmp_path / run / name).read_bytes())
    assert found[0] == found[1]


def test_a_machine_with_one_core_writes_the_same_bytes(tmp_path: Path) -> None:
    # x264, x265 and FFV1 write other bytes for other thread counts, where those are left to them.
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("the system cannot bind a process to one core")
    script = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path; import test_io_movie_sink as t\n"
        "t.write_with_every_encoder(Path(sys.argv[1]))"
    )
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), str(here.parents[1] / "plugin")]
    (tmp_path / "one").mkdir()
    (tmp_path / "all").mkdir()
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "one"), *paths], check=True)
    for path in write_with_every_encoder(tmp_path / "all"):
        assert path.read_bytes() == (tmp_path / "one" / path.name).read_bytes(), path.name


def write_with_every_encoder(folder: Path) -> list[Path]:
    """The same twelve frames by the encoders that work on several cores."""
    frames = frames_of([bars_and_ramps(256, 144, shift=n) for n in range(12)])
    found = []
    for codec in ("prores_ks", "libx264", "libx265", "libsvtav1", "ffv1", "dnxhd", "mjpeg"):
        found.append(folder / f"{codec}.{'mkv' if codec in ('ffv1', 'libsvtav1') else 'mov'}")
        write(found[-1], frames, codec=codec)
    return found


def test_a_movie_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "m.mov"
    path.write_bytes(b"the one before")
    frames = frames_of([bars_and_ramps(64, 64)] * 3)
    sink = open_movie_sink(path, numbers=[0, 1, 2], options=WriteOptions(rate=RATE), space=SDR)
    sink.write(frames[0])
    assert path.read_bytes() == b"the one before"
    sink.abort()
    assert [p.name for p in tmp_path.iterdir()] == ["m.mov"]
    assert path.read_bytes() == b"the one before"
    write(path, frames)
    assert [p.name for p in tmp_path.iterdir()] == ["m.mov"]
    assert len(open_movie(path).numbers) == 3


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1"])
def test_a_very_short_movie_has_sound_times(tmp_path: Path, codec: str, count: int) -> None:
    write(tmp_path / "m.mp4", frames_of([bars_and_ramps(64, 64)] * count), codec=codec)
    with av.open(str(tmp_path / "m.mp4")) as container:
        stream = container.streams.video[0]
        packets = [p for p in container.demux(stream) if p.size]
        assert stream.time_base is not None
        ticks = 1 / (RATE * stream.time_base)
        assert sorted(p.pts / ticks for p in packets if p.pts is not None) == list(range(count))
        dates = [p.dts / ticks for p in packets if p.dts is not None]
        # x265 reorders by two pictures and, left alone, has been seen to say 1e14 there.
        begin = -2 if codec == "libx265" else dates[0]
        assert -4 <= dates[0] <= 0
        assert dates == [begin + n for n in range(count)]


def test_a_movie_has_no_holes(tmp_path: Path) -> None:
    frames = frames_of([bars_and_ramps(64, 64)] * 3)
    sink = open_movie_sink(tmp_path / "m.mov", numbers=[0, 1, 2], options=WriteOptions(rate=RATE), space=SDR)
    sink.write(frames[0])
    with pytest.raises(FrameError, match="frame 2 came where 1 was due"):
        sink.write(frames[2])
    with pytest.raises(FrameError, match="lacks 2 of 3 frames"):
        sink.finish()
    assert not list(tmp_path.iterdir())


def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    sink = open_movie_sink(tmp_path / "m.mov", numbers=[0, 1], options=WriteOptions(rate=RATE), space=SDR)
    sink.write(Frame(bars_and_ramps(64, 64), "", 0))
    with pytest.raises(FrameError, match="frame 1 is 32x32, the movie 64x64"):
        sink.write(Frame(bars_and_ramps(32, 32), "", 1))
    sink.abort()


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path; import numpy as np\n"
        "import test_io_movie_sink as t\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "rng = np.random.default_rng(0)\n"
        "try:\n"
        "    t.write(Path(sys.argv[1]), t.frames_of([rng.random((256, 256, 3)) for _ in range(8)]))\n"
        "except t.FrameError as error:\n"
        "    print(error)\n"
    )
    pytest.importorskip("resource", reason="file size limits are POSIX")
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), str(here.parents[1] / "plugin")]
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "m.mov"), *paths], capture_output=True, text=True, check=True
    )
    assert "File too large" in done.stdout
    assert "m.mov" in done.stdout
    assert not (tmp_path / "m.mov").exists()


@pytest.mark.parametrize(
    ("name", "space", "options", "message"),
    [
        ("m.mpg", SDR, {}, r"\.mpg movies are read, not written"),
        ("m.mov", "ACEScg", {}, "ACEScg has no tags"),
        ("m.mov", SDR, {"codec": "libx266"}, "no video encoder 'libx266'; at codec; did you mean"),
        ("none/m.mov", SDR, {}, "the folder is not there"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_first_frame(
    tmp_path: Path, name: str, space: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        open_movie_sink(tmp_path / name, numbers=[0], options=WriteOptions(rate=RATE, **options), space=space)


@pytest.mark.parametrize(
    ("name", "size", "options", "message"),
    [
        ("m.mp4", (63, 64), {}, "does not take 63x64.*a width that 2"),
        ("m.mov", (64, 64), {"pixel_format": "yuv420p"}, "prores_ks does not write yuv420p"),
        ("m.mov", (64, 64), {"quality": 20}, "prores_ks has no quality scale"),
        ("m.mp4", (64, 64), {"codec_options": {"crff": "20"}}, "has no option crff"),
        ("m.mkv", (64, 64), {"depth": "half"}, "ffv1 does not store half"),
        ("m.webm", (64, 64), {"codec": "libx264"}, "webm does not hold what libx264 makes"),
        ("m.mov", (64, 64), {"codec": "dnxhd"}, "dnxhd refuses 64x64"),
        ("m.mov", (64, 64), {"start_timecode": "25:00:00:00"}, "25:00:00:00"),
        ("m.mov", (64, 64), {"rate": None}, "the frame rate is not known.*--rate"),
    ],
)
def test_what_the_first_frame_shows_to_be_impossible_is_refused_and_leaves_nothing(
    tmp_path: Path, name: str, size: tuple[int, int], options: dict[str, Any], message: str
) -> None:
    options = {"rate": RATE, **options}
    sink = open_movie_sink(tmp_path / name, numbers=[0], options=WriteOptions(**options), space=SDR)
    with pytest.raises(UsageError, match=message):
        sink.write(Frame(np.zeros((size[1], size[0], 3), np.float32), "", 0))
    sink.abort()
    assert not list(tmp_path.iterdir())


def test_an_untagged_movie_is_written_where_it_is_allowed(tmp_path: Path) -> None:
    frames = frames_of([bars_and_ramps(64, 64)])
    options = WriteOptions(rate=RATE)
    sink = open_movie_sink(tmp_path / "m.mkv", numbers=[0], options=options, space="arri_logc4", untagged=True)
    sink.write(frames[0])
    sink.finish()
    info = open_movie(tmp_path / "m.mkv").info
    assert info.hint.space is None
    assert "no primaries and no transfer" in info.hint.how


def _with_sound(path: Path, frames: int = 24) -> Path:
    """A movie with a tone of which the loudness tells the time: sample n of the whole is n."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=24)
        video.width, video.height = 96, 64
        video.codec_context.options = dict(X264)
        audio = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        for n, frame in enumerate(counted(frames)):
            frame.pts, frame.time_base = n, Fraction(1, 24)
            out.mux(video.encode(frame))
            samples = (np.arange(n * 2000, (n + 1) * 2000) // 10).astype(np.int16)[None]
            sound = av.AudioFrame.from_ndarray(samples, layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = 48000, n * 2000, Fraction(1, 48000)
            out.mux(audio.encode(sound))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))
    return path


def test_the_sound_of_the_rendered_range_is_copied_in_step(tmp_path: Path) -> None:
    source = open_movie(_with_sound(tmp_path / "in.mov"), frames="6-17")
    options = WriteOptions(rate=source.info.rate)
    sink = open_movie_sink(tmp_path / "out.mov", numbers=source.numbers, options=options, space=SDR, audio=source)
    for number in source.numbers:
        sink.write(source.read(number).frame)
    sink.finish()
    assert not sink.notes
    with av.open(str(tmp_path / "out.mov")) as container:
        heard = {
            round(f.time * 48000) + i: s for f in container.decode(audio=0) for i, s in enumerate(f.to_ndarray()[0])
        }
    # Frame 6 begins at sample 12000 of the source; a packet that began before is left out.
    assert 0 <= min(heard) < 2000
    assert 23000 < max(heard) < 26000
    assert all(heard[n] == (n + 12000) // 10 for n in heard)


def test_sound_that_does_not_fit_is_left_out_aloud(tmp_path: Path) -> None:
    source = open_movie(_with_sound(tmp_path / "in.mov"), frames="0-8x2")
    for name, rate, numbers, said in (
        ("steps.mov", 24, source.numbers, "the sound is left out"),
        ("rate.mov", 25, [0, 1, 2], "the sound is left out"),
        ("m.webm", 24, [0, 1, 2], "cannot be copied into webm"),
    ):
        options = WriteOptions(rate=Fraction(rate))
        sink = open_movie_sink(tmp_path / name, numbers=numbers, options=options, space=SDR, audio=source)
        for number in numbers:
            sink.write(source.read(number).frame)
        sink.finish()
        assert any(said in note for note in sink.notes), sink.notes
        with av.open(str(tmp_path / name)) as container:
            assert not container.streams.audio
