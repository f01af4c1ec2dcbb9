"""DV, raw and in the containers of capture programs: its true rate, its time code, its fields."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from support.movies import counted, encode, number_in
from wetgate.io.movie import open_movie
from wetgate.io.movie_tags import first_field

COUNT = 6
PAL, NTSC = Fraction(25), Fraction(30000, 1001)
SIZES = {PAL: (720, 576, "yuv420p"), NTSC: (720, 480, "yuv411p")}
pytestmark = pytest.mark.skipif("dvvideo" not in av.codecs_available, reason="this build of PyAV has no DV")


@pytest.fixture(scope="module", params=[PAL, NTSC], ids=["625", "525"])
def tape(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Fraction]:
    """A raw DV stream, as it comes over a wire from a camera."""
    rate: Fraction = request.param
    folder = tmp_path_factory.mktemp("tape")
    return encode(folder / "tape.dv", "dvvideo", counted(COUNT, *SIZES[rate]), rate=rate), rate


def copied(tape: Path, path: Path, lost: int | None = None) -> Path:
    """The packets of a tape in another container, as a program that captures without recoding writes them, but for one
    that it may have ``lost``."""
    with av.open(str(tape)) as given, av.open(str(path), "w") as out:
        source = given.streams.video[0]
        stream = out.add_stream_from_template(source)
        for number, packet in enumerate(given.demux(source)):
            if packet.size and number != lost:
                packet.stream = stream
                out.mux(packet)
    return path


def test_a_tape_has_the_rate_of_its_frames_and_no_false_notes(tape: tuple[Path, Fraction]):
    path, rate = tape
    source = open_movie(path)
    assert source.info.rate == rate
    assert source.info.start_timecode is not None
    told = " ".join(source.info.notes)
    assert "variable frame rate" not in told
    assert "time codes of more than 40" not in told
    assert [number_in(source.read(n).frame.pixels) for n in source.numbers] == list(range(COUNT))
    source.close()


def test_what_a_program_copied_from_the_tape_has_its_rate_too(tape: tuple[Path, Fraction], tmp_path: Path):
    path, rate = tape
    source = open_movie(copied(path, tmp_path / "copied.avi"))
    assert source.info.rate == rate
    assert not [n for n in source.info.notes if "variable" in n or "time codes" in n]
    assert [number_in(source.read(n).frame.pixels) for n in source.numbers] == list(range(COUNT))
    source.close()


def test_a_capture_that_lost_a_frame_says_so_and_states_the_mean(tape: tuple[Path, Fraction], tmp_path: Path):
    path, rate = tape
    source = open_movie(copied(path, tmp_path / "copied.avi", lost=3))
    assert any("variable frame rate" in note for note in source.info.notes)
    assert source.info.rate is not None
    assert source.info.rate == pytest.approx(rate * Fraction(COUNT - 2, COUNT - 1), rel=0.01)
    assert [number_in(source.read(n).frame.pixels) for n in source.numbers] == [0, 1, 2, 4, 5]
    source.close()


def test_woven_fields_are_named_by_the_one_that_is_shown_first():
    assert [first_field(code) for code in (0, 1, 2, 3, 4, 5)] == ["", "", "top", "bottom", "top", "bottom"]


def test_dv_that_was_written_into_a_container_reads_as_the_tape_does(tape: tuple[Path, Fraction], tmp_path: Path):
    path, rate = tape
    first = open_movie(path)
    wanted = first.read(2).frame.pixels
    first.close()
    for name in ("tape.mov", "tape.avi"):
        made = encode(tmp_path / name, "dvvideo", counted(COUNT, *SIZES[rate]), rate=rate)
        source = open_movie(made)
        assert source.info.rate == rate, name
        assert np.array_equal(source.read(2).frame.pixels, wanted), name
        source.close()
