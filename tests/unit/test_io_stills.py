"""DPX, TIFF, PNG and the rest, missing frames, and opening by every kind of name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wetgate.io.attributes import TimeCode
from wetgate.io.hashing import file_hash, pixel_hash
from wetgate.io.header import read_header, read_record
from wetgate.io.opening import open_sink, open_source
from wetgate.io.png_chunks import labels
from wetgate.io.quantise import to_depth, to_float
from wetgate.io.sink import WriteOptions, Written
from wetgate.io.source import Loaded
from wetgate.io.stored import read_stored
from wetgate.spec import Box, Frame, FrameError, UsageError

DEPTHS = [
    ("a.dpx", "uint8"),
    ("a.dpx", "uint10"),
    ("a.dpx", "uint12"),
    ("a.dpx", "uint16"),
    ("a.dpx", "float"),
    ("a.tif", "uint8"),
    ("a.tif", "uint16"),
    ("a.tif", "float"),
    ("a.png", "uint8"),
    ("a.png", "uint16"),
    ("a.tga", "uint8"),
]


def write(path: Path, frame: Frame, interop_id: str | None = None, space: str = "", **options: Any) -> Written:
    sink = open_sink(path, numbers=[frame.number], options=WriteOptions(**options), space=space, interop_id=interop_id)
    written = sink.write(frame, lambda h, c: {"wetgate:record": f'{{"output": "{h}"}}'})
    sink.finish()
    return written


def read(path: Path) -> Loaded:
    source = open_source(path)
    return source.read(source.numbers[0])


def codes(depth: str, channels: int = 3, seed: int = 2) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Every code of the depth where there is room, else random ones, as float values."""
    if depth == "float":
        return np.random.default_rng(seed).uniform(-2, 50, (64, 64, channels)).astype(np.float32)
    bits = int(depth[4:])
    stored = np.random.default_rng(seed).permutation(2**16).astype(np.uint16) >> (16 - bits)
    stored = np.resize(stored, (150, 150, channels)).astype(np.uint8 if bits == 8 else np.uint16)
    return to_float(stored, depth)


@pytest.mark.parametrize(("name", "depth"), DEPTHS)
@pytest.mark.parametrize("channels", [3, 4])
def test_every_code_value_comes_back_as_itself(tmp_path: Path, name: str, depth: str, channels: int) -> None:
    path = tmp_path / name
    pixels = codes(depth, channels)
    written = write(path, Frame(pixels, ""), depth=depth)
    loaded = read(path)
    assert written.clamped == 0
    assert read_stored(path).depth == depth
    assert np.array_equal(loaded.frame.pixels, pixels)
    assert file_hash(path) == written.pixel_hash
    write(tmp_path / f"again{path.suffix}", loaded.frame, depth=depth)
    assert file_hash(tmp_path / f"again{path.suffix}") == written.pixel_hash


@pytest.mark.parametrize("depth", ["uint8", "uint10", "uint12", "uint16"])
def test_codes_stand_for_n_over_the_largest_code(depth: str) -> None:
    top = 2 ** int(depth[4:]) - 1
    stored = np.arange(top + 1, dtype=np.uint16).reshape(1, -1, 1)
    values = to_float(stored, depth)
    assert values[0, 0, 0] == 0
    assert values[0, top, 0] == 1
    back, clamped = to_depth(values, depth)
    assert clamped == 0
    assert np.array_equal(back, stored)


def test_rounding_is_to_the_nearest_code_and_halfway_to_the_even_one() -> None:
    values = (np.array([[[0.49, 0.5, 1.5, 2.5, 2.51]]], np.float32) / 255).astype(np.float32)
    assert to_depth(values, "uint8")[0].ravel().tolist() == [0, 0, 2, 2, 3]


def test_values_outside_the_codes_are_clamped_and_counted(tmp_path: Path) -> None:
    pixels = np.full((2, 2, 3), 0.5, np.float32)
    pixels[0, 0] = (-0.5, 1.5, np.nan)
    pixels[0, 1] = (np.inf, -np.inf, -1e-9)  # the last one rounds to code 0 and loses nothing
    written = write(tmp_path / "a.png", Frame(pixels, ""))
    assert written.clamped == 5
    assert read_stored(tmp_path / "a.png").colour[0].tolist() == [[0, 65535, 0], [65535, 0, 0]]
    with pytest.raises(FrameError, match="5 samples do not fit uint16"):
        write(tmp_path / "b.png", Frame(pixels, ""), overflow="error")


def test_grey_pictures_stay_grey(tmp_path: Path) -> None:
    grey = np.repeat(codes("uint8", 1), 3, axis=2)
    for name in ("a.png", "a.tif", "a.dpx"):
        write(tmp_path / name, Frame(grey, "", layout=("Y",)), depth="uint8")
        loaded = read(tmp_path / name)
        assert loaded.frame.layout == ("Y",)
        assert np.array_equal(loaded.frame.pixels, grey)


def test_alpha_is_unassociated_and_colour_under_clear_pixels_is_kept(tmp_path: Path) -> None:
    pixels = np.zeros((1, 2, 4), np.float32)
    pixels[0, 0] = (1, 0.2, 0, 0)
    pixels[0, 1] = (0.8, 0.6, 0.4, 0.2)
    for name in ("a.png", "a.tif", "a.tga"):
        write(tmp_path / name, Frame(pixels, ""), depth="uint8")
        assert np.array_equal(read(tmp_path / name).frame.pixels, pixels), name


def test_a_tiff_with_associated_alpha_is_worked_unpremultiplied_and_written_as_it_was(tmp_path: Path) -> None:
    oiio = pytest.importorskip("OpenImageIO")
    stored = np.random.default_rng(1).integers(0, 2**16, (16, 16, 4)).astype(np.uint16)
    stored[..., :3] = np.minimum(stored[..., :3], stored[..., 3:])
    spec = oiio.ImageSpec(16, 16, 4, "uint16")
    out = oiio.ImageOutput.create("tiff")
    assert out.open(str(tmp_path / "in.tif"), spec)
    assert out.write_image(stored)
    out.close()
    frame = read(tmp_path / "in.tif").frame
    ratio = stored[..., 0].astype(np.float64) / stored[..., 3]
    np.testing.assert_allclose(frame.pixels[..., 0], ratio, rtol=1e-6)
    write(tmp_path / "out.tif", frame)
    assert np.array_equal(read_stored(tmp_path / "out.tif").colour, stored)


def test_png_is_labelled_with_the_space_written_and_with_nothing_else(tmp_path: Path) -> None:
    frame = Frame(codes("uint8"), "")
    write(tmp_path / "pq.png", frame, space="rec2100_pq_display", interop_id="pq_rec2020_display")
    assert labels(tmp_path / "pq.png") == "cICP"
    hint = open_source(tmp_path / "pq.png").info.hint
    assert (hint.space, hint.assumed) == ("rec2100_pq_display", False)
    again = read(tmp_path / "pq.png").frame
    write(tmp_path / "plain.png", again)
    assert labels(tmp_path / "plain.png") == ""
    hint = open_source(tmp_path / "plain.png").info.hint
    assert (hint.space, hint.assumed) == ("srgb_tx", True)


def test_dpx_keeps_its_film_and_television_headers(tmp_path: Path) -> None:
    metadata = {
        "timeCode": TimeCode.parse("10:11:12:13"),
        "keyCode": (1, 2, 3, 4, 5, 4, 64),
        "dpx:FrameRate": 24.0,
        "dpx:SlateInfo": "roll 7",
        "owner": "the archive",
        "capDate": "2001:02:03 04:05:06",
        "dpx:Transfer": "Printing density",
        "dpx:Colorimetric": "Printing density",
    }
    write(tmp_path / "a.dpx", Frame(codes("uint10"), "", metadata=metadata), same_space=True)
    back = read_header(tmp_path / "a.dpx")
    assert metadata.items() <= back.items()
    assert open_source(tmp_path / "a.dpx").info.start_timecode == "10:11:12:13"
    write(tmp_path / "2" / "a.dpx", read(tmp_path / "a.dpx").frame, same_space=True)
    assert (tmp_path / "2" / "a.dpx").read_bytes() == (tmp_path / "a.dpx").read_bytes()
    write(tmp_path / "c.dpx", read(tmp_path / "a.dpx").frame)
    assert read_header(tmp_path / "c.dpx")["dpx:Transfer"] == "Undefined"


def test_time_code_travels_from_dpx_to_openexr_and_back(tmp_path: Path) -> None:
    film = {"timeCode": TimeCode.parse("01:00:00:12"), "keyCode": (1, 2, 3, 4, 5, 4, 64)}
    write(tmp_path / "a.dpx", Frame(codes("uint10"), "", metadata=film))
    write(tmp_path / "a.exr", read(tmp_path / "a.dpx").frame)
    assert film.items() <= read_header(tmp_path / "a.exr").items()
    write(tmp_path / "b.dpx", read(tmp_path / "a.exr").frame)
    assert film.items() <= read_header(tmp_path / "b.dpx").items()


@pytest.mark.parametrize("name", ["a.exr", "a.png", "a.tif", "a.jpg", "a.dpx"])
def test_the_record_is_read_back_from_the_header(tmp_path: Path, name: str) -> None:
    written = write(tmp_path / name, Frame(codes("uint8"), "", metadata={"comments": "reel: 3"}))
    assert read_record(tmp_path / name) == {"output": written.pixel_hash}
    assert read_header(tmp_path / name)["comments"] == "reel: 3"


def test_a_format_without_room_for_a_record_has_none(tmp_path: Path) -> None:
    write(tmp_path / "a.tga", Frame(codes("uint8"), ""), depth="uint8")
    assert read_record(tmp_path / "a.tga") is None


def test_the_same_picture_gives_the_same_bytes_in_every_format(tmp_path: Path) -> None:
    frame = Frame(codes("uint8"), "", metadata={"comments": "x"})
    for name in ("a.dpx", "a.tif", "a.png", "a.jpg", "a.tga", "a.hdr"):
        write(tmp_path / "1" / name, frame)
        write(tmp_path / "2" / name, frame)
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_dpx_holds_its_final_name_and_not_the_temporary_one(tmp_path: Path) -> None:
    write(tmp_path / "scan.0042.dpx", Frame(codes("uint10"), "", 42))
    head = (tmp_path / "scan.0042.dpx").read_bytes()[:2048]
    assert head[36:136].rstrip(b"\0") == b"scan.0042.dpx"
    assert b".tmp" not in head


def test_alpha_is_not_dropped_in_silence(tmp_path: Path) -> None:
    pixels = np.full((8, 8, 4), 0.5, np.float32)
    with pytest.raises(FrameError, match="jpeg has no alpha"):
        write(tmp_path / "a.jpg", Frame(pixels, ""))
    pixels[..., 3] = 1
    write(tmp_path / "a.jpg", Frame(pixels, ""))


def test_a_format_without_data_windows_shows_the_display_window(tmp_path: Path) -> None:
    pixels = codes("uint8")[:4, :4]
    write(tmp_path / "a.png", Frame(pixels, "", 0, Box(-1, 2, 4, 4), Box(0, 0, 5, 5)), depth="uint8")
    out = read(tmp_path / "a.png").frame.pixels
    assert out.shape == (5, 5, 3)
    assert np.array_equal(out[2:5, :3], pixels[:3, 1:])
    assert not out[:2].any()


def test_jpeg_and_radiance_are_near_and_promise_no_hash(tmp_path: Path) -> None:
    ramp = np.linspace(0.2, 0.8, 64 * 64, dtype=np.float32).reshape(64, 64, 1).repeat(3, 2)
    for name, tolerance in (
        ("a.jpg", 3 / 255),
        ("a.hdr", 0.8 / 128),
    ):  # quantiser of quality 95; RGBE has 8-bit fractions
        written = write(tmp_path / name, Frame(ramp, ""))
        assert written.pixel_hash == ""
        assert np.abs(read(tmp_path / name).frame.pixels - ramp).max() < tolerance


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("a.tiff8", {}, r"cannot write \.tiff8.*did you mean '\.tiff'"),
        ("a", {}, "without a suffix"),
        ("a.png", {"depth": "half"}, r"depth is 'half' for png.*uint16, uint8"),
        ("a.png", {"compression": "zips"}, "compression is 'zips' for png"),
        ("a.dpx", {"compression": "zip"}, "none can be chosen"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_with_what_it_can(
    tmp_path: Path, name: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        open_sink(tmp_path / name, numbers=[0], options=WriteOptions(**options), space="", interop_id=None)


def test_a_cmyk_picture_is_refused(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="makes the CMYK file")
    for name in ("a.tif", "a.jpg"):
        image.new("CMYK", (8, 8), (10, 20, 30, 40)).save(tmp_path / name)
        with pytest.raises(FrameError, match="the picture is in CMYK"):
            open_source(tmp_path / name)


def test_damaged_files_are_refused_by_name(tmp_path: Path) -> None:
    for name in ("a.png", "a.tif", "a.dpx"):
        path = tmp_path / name
        write(path, Frame(codes("uint8"), ""), depth="uint8")
        whole = path.read_bytes()
        for size in (0, 10, len(whole) // 2):
            path.write_bytes(whole[:size])
            with pytest.raises(FrameError, match=name.replace(".", r"\.")):
                read(path)


def sequence(folder: Path, numbers: list[int]) -> Path:
    spec = folder / "plate.####.png"
    sink = open_sink(spec, numbers=numbers, options=WriteOptions(depth="uint8"), space="", interop_id=None)
    for n in numbers:
        sink.write(Frame(np.full((4, 4, 3), n / 255, np.float32), "", n))
    sink.finish()
    return spec


def code_of(loaded: Loaded) -> int:
    return round(float(loaded.frame.pixels[0, 0, 0]) * 255)


@pytest.mark.parametrize("form", ["plate.####.png", "plate.%04d.png", "plate.@@@@.png", "plate.[0003-0005].png", ""])
def test_a_sequence_opens_by_every_kind_of_name(tmp_path: Path, form: str) -> None:
    sequence(tmp_path, [3, 4, 5])
    source = open_source(tmp_path / form if form else tmp_path)
    assert source.numbers == (3, 4, 5)
    assert source.info.kind == "sequence"
    assert source.info.label == "plate.####.png"
    assert [code_of(source.read(n)) for n in source.numbers] == [3, 4, 5]
    assert [source.read(n).frame.number for n in source.numbers] == [3, 4, 5]


def test_a_member_of_a_sequence_is_just_that_image(tmp_path: Path) -> None:
    sequence(tmp_path, [3, 4, 5])
    source = open_source(tmp_path / "plate.0004.png")
    assert (source.info.kind, tuple(source.numbers)) == ("image", (4,))
    with pytest.raises(UsageError, match=r"plate\.####\.png"):
        open_source(tmp_path / "plate.0004.png", frames="3-5")


def test_a_range_chooses_frames(tmp_path: Path) -> None:
    spec = sequence(tmp_path, [1, 2, 3, 4, 5])
    assert open_source(spec, frames="1-5x2").numbers == (1, 3, 5)


def test_a_missing_frame_is_an_error_of_that_frame_alone(tmp_path: Path) -> None:
    source = open_source(sequence(tmp_path, [1, 2, 5]))
    assert source.numbers == (1, 2, 3, 4, 5)
    assert "missing, which is an error: 3-4" in source.info.notes[0]
    with pytest.raises(FrameError, match=r"frame 3 is not there.*plate\.0003\.png.*1-2,5.*hold or black"):
        source.read(3)
    assert code_of(source.read(5)) == 5


def test_a_damaged_first_frame_is_an_error_of_that_frame_alone(tmp_path: Path) -> None:
    spec = sequence(tmp_path, [1, 2])
    (tmp_path / "plate.0001.png").write_bytes(b"")
    source = open_source(spec)
    assert source.info.width == 4
    assert "plate.0001.png" in source.info.notes[0]
    with pytest.raises(FrameError, match="empty"):
        source.read(1)
    (tmp_path / "plate.0002.png").write_bytes(b"")
    with pytest.raises(FrameError, match="empty"):
        open_source(spec)


def test_missing_frames_are_held_from_before_and_say_so(tmp_path: Path) -> None:
    spec = sequence(tmp_path, [2, 5])
    source = open_source(spec, frames="1-6", on_missing="hold")
    assert "missing, held from the nearest: 1,3-4,6" in source.info.notes[0]
    loaded = [source.read(n) for n in source.numbers]
    assert [code_of(x) for x in loaded] == [2, 2, 2, 2, 5, 5]
    assert [x.held_from for x in loaded] == [2, None, 2, 2, None, 5]
    assert [x.frame.number for x in loaded] == [1, 2, 3, 4, 5, 6]
    assert "frame 3 is missing and frame 2 stands in" in loaded[2].notes


def test_missing_frames_are_black_and_say_so(tmp_path: Path) -> None:
    source = open_source(sequence(tmp_path, [2, 4]), on_missing="black")
    loaded = source.read(3)
    assert loaded.missing
    assert not loaded.frame.pixels.any()
    assert loaded.frame.pixels.shape == (4, 4, 3)
    assert not source.read(2).missing


def test_a_frame_that_vanishes_while_rendering_fails_alone(tmp_path: Path) -> None:
    source = open_source(sequence(tmp_path, [1, 2, 3]))
    (tmp_path / "plate.0002.png").unlink()
    with pytest.raises(FrameError, match=r"plate\.0002\.png"):
        source.read(2)
    assert code_of(source.read(3)) == 3


def test_frames_of_different_size_are_each_read_at_their_own(tmp_path: Path) -> None:
    spec = sequence(tmp_path, [1, 2])
    sink = open_sink(spec, numbers=[2], options=WriteOptions(), space="", interop_id=None)
    sink.write(Frame(np.zeros((6, 8, 3), np.float32), "", 2))
    source = open_source(spec)
    assert [source.read(n).frame.pixels.shape[:2] for n in (1, 2)] == [(4, 4), (6, 8)]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing.####.png", r"no file matches .*there is plate\.0001\.png"),
        ("plate.##.png", "padded otherwise: plate.0001.png"),
        ("plate.0009.png", r"there is no file .*plate\.0001\.png"),
        ("sub/plate.####.png", "there is no folder"),
    ],
)
def test_a_name_that_matches_nothing_says_what_is_there(tmp_path: Path, name: str, said: str) -> None:
    sequence(tmp_path, [1, 2])
    with pytest.raises(UsageError, match=said):
        open_source(tmp_path / name)


def test_many_frames_into_one_image_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"2 frames cannot go into one image.*a\.####\.exr"):
        open_sink(tmp_path / "a.exr", numbers=[1, 2], options=WriteOptions(), space="", interop_id=None)


def test_the_hash_of_a_frame_sees_every_sample_and_nothing_else() -> None:
    pixels = codes("float")
    frame = Frame(pixels, "", extra={"Z": np.zeros((64, 64), np.float32)})
    assert pixel_hash(frame) == pixel_hash(frame.with_(number=7, metadata={"a": 1}))
    changed = pixels.copy()
    changed[63, 63, 2] = np.nextafter(changed[63, 63, 2], np.float32(np.inf))
    assert pixel_hash(frame) != pixel_hash(frame.with_(pixels=changed))
    assert pixel_hash(frame) != pixel_hash(frame.with_(extra={"Z": np.ones((64, 64), np.float32)}))
    assert pixel_hash(frame) != pixel_hash(frame.with_(extra={}))
    # A fixed value: the hash must not change between versions, or old records could not be checked.
    known = Frame(np.arange(12, dtype=np.float32).reshape(2, 2, 3), "")
    assert pixel_hash(known) == KNOWN_HASH


KNOWN_HASH = "f184a386cac37fa7c472a84fc447cc99eb5bf52b93c026b463873ddfe676fca4"
