"""OpenEXR through source and sink: what goes in comes out, to the last bit."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wetgate.io.attributes import TimeCode, Typed
from wetgate.io.exr_header import read_headers
from wetgate.io.formats import FORMATS
from wetgate.io.hashing import file_hash
from wetgate.io.header import read_header, read_record
from wetgate.io.opening import open_sink, open_source
from wetgate.io.sink import WriteOptions, Written
from wetgate.io.source import Loaded
from wetgate.io.stored import read_stored
from wetgate.spec import Box, Frame, FrameError, Part, UsageError

EXR = next(form for form in FORMATS if form.name == "openexr")


def picture(
    height: int = 21, width: int = 34, channels: int = 3, seed: int = 1
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Values that half holds exactly, from below zero to far above one."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((height, width, channels)) * np.exp(rng.uniform(-6, 6, (height, width, channels)))
    if channels == 4:
        values[..., 3] = rng.choice([0.0, 1.0, 0.5, 0.3, 0.001, 1.5], (height, width))
    return values.astype(np.float16).astype(np.float32)


def write(path: Path, frame: Frame, interop_id: str | None = None, space: str = "", **options: Any) -> Written:
    sink = open_sink(path, numbers=[frame.number], options=WriteOptions(**options), space=space, interop_id=interop_id)
    written = sink.write(frame)
    sink.finish()
    return written


def read(path: Path) -> Loaded:
    source = open_source(path)
    return source.read(source.numbers[0])


def oiio_file(
    path: Path,
    pixels: np.ndarray[Any, Any],
    names: tuple[str, ...],
    attributes: Mapping[str, Any] | None = None,
    tile: int = 0,
) -> None:
    """A file that this package had no hand in."""
    oiio = pytest.importorskip("OpenImageIO")
    kind = {"f2": "half", "f4": "float", "u4": "uint"}[pixels.dtype.str[1:]]
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], kind)
    spec.channelnames = names
    spec.attribute("colorInteropID", "unknown")
    spec.attribute("DateTime", "")
    if tile:
        spec.tile_width = spec.tile_height = tile
    for name, value in (attributes or {}).items():
        spec.attribute(name, value)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(pixels)
    assert out.close()


@pytest.mark.parametrize("compression", [c for c in EXR.compressions if c not in ("b44", "b44a", "dwaa", "dwab")])
def test_half_pixels_come_back_bit_for_bit_in_every_lossless_compression(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a.exr"
    pixels = picture(65, 40)
    written = write(path, Frame(pixels, ""), compression=compression)
    assert read_headers(path)[0].compression == compression
    assert np.array_equal(read(path).frame.pixels.view(np.uint32), pixels.view(np.uint32))
    assert file_hash(path) == written.pixel_hash != ""


@pytest.mark.parametrize("compression", ["b44", "b44a", "dwaa", "dwab", "dwab:45", "pxr24"])
def test_lossy_compressions_are_near_and_promise_no_hash(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a.exr"
    smooth = np.linspace(0.1, 2.0, 64 * 64 * 3, dtype=np.float32).reshape(64, 64, 3)
    written = write(
        path, Frame(smooth, ""), compression=compression, depth="float" if compression == "pxr24" else "half"
    )
    assert read_headers(path)[0].compression == compression.partition(":")[0]
    assert written.pixel_hash == ""
    # 5 %: the coarsest of these, DWA at level 45, stays within that on a smooth ramp.
    assert np.abs(read(path).frame.pixels / smooth - 1).max() < 0.05


@pytest.mark.parametrize(
    ("asked", "said"), [("htj2k", "htj2k256 or htj2k32"), ("zip2", "did you mean"), ("zip:12", "zip:1")]
)
def test_a_compression_that_would_silently_become_another_is_refused(tmp_path: Path, asked: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_sink(tmp_path / "a.exr", numbers=[0], options=WriteOptions(compression=asked), space="", interop_id=None)


@pytest.mark.parametrize("depth", ["half", "float"])
def test_premultiplied_colour_passes_through_to_the_last_bit(tmp_path: Path, depth: str) -> None:
    rng = np.random.default_rng(3)
    stored = rng.uniform(0, 2, (64, 64, 4)).astype(np.float16 if depth == "half" else np.float32)
    stored[:8, :, 3] = 0  # colour without coverage: flames, glints
    stored[8:16, :, 3] = 1
    stored[16:20, :, 3] = 6e-8
    stored[20:24, :, 3] = -0.5
    oiio_file(tmp_path / "in.exr", stored, ("R", "G", "B", "A"))
    loaded = read(tmp_path / "in.exr")
    write(tmp_path / "out.exr", loaded.frame)
    bits = np.uint16 if depth == "half" else np.uint32
    assert np.array_equal(read_stored(tmp_path / "out.exr").colour.view(bits), stored.view(bits))


def test_float_colour_times_alpha_would_not_pass_through_by_itself() -> None:
    """Why the residue is kept: the product of the quotient misses some of the stored values."""
    rng = np.random.default_rng(3)
    stored, alpha = rng.uniform(0, 2, 100_000).astype(np.float32), rng.uniform(0, 1, 100_000).astype(np.float32)
    assert np.count_nonzero((stored / alpha) * alpha != stored) > 1000


def test_changed_colour_is_multiplied_by_alpha_and_unchanged_beside_it_is_exact(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    stored = rng.uniform(0.1, 1, (32, 32, 4)).astype(np.float32)
    oiio_file(tmp_path / "in.exr", stored, ("R", "G", "B", "A"))
    frame = read(tmp_path / "in.exr").frame
    pixels = frame.pixels.copy()
    pixels[:16, :, :3] *= 2
    write(tmp_path / "out.exr", frame.with_(pixels=pixels))
    out = read_stored(tmp_path / "out.exr").colour
    assert np.array_equal(out[16:], stored[16:])
    # Two roundings to float32 on the way: one part in 2^22.
    np.testing.assert_allclose(out[:16, :, :3], 2 * stored[:16, :, :3], rtol=2.0**-22)


def test_colour_is_worked_unpremultiplied_and_clear_pixels_as_they_are(tmp_path: Path) -> None:
    stored = np.zeros((1, 3, 4), np.float32)
    stored[0, 0] = (0.2, 0.4, 0.6, 0.5)
    stored[0, 1] = (5.0, 4.0, 3.0, 0.0)
    stored[0, 2] = (0.2, 0.4, 0.6, 1.0)
    oiio_file(tmp_path / "in.exr", stored, ("R", "G", "B", "A"))
    pixels = read(tmp_path / "in.exr").frame.pixels
    np.testing.assert_allclose(pixels[0, 0], (0.4, 0.8, 1.2, 0.5), rtol=2e-7)
    assert np.array_equal(pixels[0, 1:], stored[0, 1:])


def test_windows_with_negative_origin_and_pixel_aspect_are_kept(tmp_path: Path) -> None:
    frame = Frame(picture(), "", 7, Box(-12, -5, 34, 21), Box(0, 0, 20, 10), 2.0)
    write(tmp_path / "a.7.exr", frame)
    back = read(tmp_path / "a.7.exr").frame
    assert (back.window, back.display, back.pixel_aspect, back.number) == (frame.window, frame.display, 2.0, 7)


def test_every_kind_of_attribute_comes_out_as_it_went_in(tmp_path: Path) -> None:
    metadata = {
        "timeCode": TimeCode.parse("01:02:03;04"),
        "keyCode": (1, 2, 3, 4, 5, 4, 64),
        "framesPerSecond": Fraction(24000, 1001),
        "adoptedNeutral": (0.3125, 0.328125),
        "capDate": "1999:12:31 23:59:59",
        "owner": "the archive",
        "comments": "",
        "reelName": "A001 \u00e9",
        "imageCounter": 12,
        "test/box2i": Typed("box2i", (-1, -2, 3, 4)),
        "test/box2f": Typed("box2f", (-1.0, -2.0, 3.0, 4.0)),
        "test/double": Typed("double", 0.1),
        "test/v3d": Typed("v3d", (0.1, 0.2, 0.3)),
        "test/m33": tuple(float(i) for i in range(9)),
        "test/m44": tuple(float(i) for i in range(16)),
        "test/floats": Typed("floatvector", (1.0, 2.0)),
        "test/strings": ("a", "", "\u00fc"),
        "test/rational": Typed("rational", (48, 2)),
        "test/unknown": Typed("studioThing", b"\x00\x01\xff"),
        "test/v2i": (1, -2),
        "test/v3f": (0.5, 0.25, 1.0),
        "test/a name longer than thirty-one characters": 1,
    }
    write(tmp_path / "a.exr", Frame(picture(), "", metadata=metadata))
    back = dict(read_header(tmp_path / "a.exr"))
    for own in ("screenWindowCenter", "screenWindowWidth"):
        back.pop(own)
    assert back == metadata
    again = read(tmp_path / "a.exr").frame
    write(tmp_path / "b.exr", again)
    assert (tmp_path / "b.exr").read_bytes() == (tmp_path / "a.exr").read_bytes()


def test_a_file_without_a_date_gets_none_and_the_same_render_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.exr", "b.exr"):
        write(tmp_path / name, Frame(picture(), ""))
    assert b"capDate" not in (tmp_path / "a.exr").read_bytes()
    assert (tmp_path / "a.exr").read_bytes() == (tmp_path / "b.exr").read_bytes()


def test_colour_labels_are_those_of_the_pixels_written_and_never_the_sources(tmp_path: Path) -> None:
    stale = {
        "colorInteropID": "lin_ap0_scene",
        "chromaticities": (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329),
        "acesImageContainerFlag": 1,
        "whiteLuminance": 100.0,
    }
    frame = Frame(picture(), "", metadata=stale)
    write(tmp_path / "a.exr", frame, interop_id="lin_ap1_scene")
    assert {n: v for n, v in read_header(tmp_path / "a.exr").items() if n in stale} == {
        "colorInteropID": "lin_ap1_scene"
    }
    write(tmp_path / "b.exr", frame)
    assert not stale.keys() & read_header(tmp_path / "b.exr").keys()


def test_the_sources_labels_stay_where_the_space_is_the_same(tmp_path: Path) -> None:
    labels = {"chromaticities": (0.5, 0.25, 0.25, 0.5, 0.125, 0.0625, 0.25, 0.5), "whiteLuminance": 100.0}
    write(tmp_path / "a.exr", Frame(picture(), "", metadata=labels), same_space=True)
    assert labels.items() <= read_header(tmp_path / "a.exr").items()


def test_an_aces_container_stays_one_only_while_it_keeps_its_rules(tmp_path: Path) -> None:
    flag = {"acesImageContainerFlag": 1, "chromaticities": (0.5,) * 8}
    frame = Frame(picture(), "", metadata=flag)
    write(tmp_path / "a.exr", frame, "lin_ap0_scene", same_space=True, compression="none", depth="half")
    assert read_header(tmp_path / "a.exr")["acesImageContainerFlag"] == 1
    write(tmp_path / "b.exr", frame, "lin_ap0_scene", same_space=True, compression="zips")
    assert "acesImageContainerFlag" not in read_header(tmp_path / "b.exr")


@pytest.mark.parametrize(
    ("attributes", "space", "assumed"),
    [
        ({"colorInteropID": "lin_ap1_scene"}, "ACEScg", False),
        ({"colorInteropID": "acme:local:odd"}, None, False),
        ({"acesImageContainerFlag": 1, "colorInteropID": "lin_ap1_scene"}, "ACES2065-1", False),
        ({}, None, False),
    ],
)
def test_the_hint_says_what_the_header_says(
    tmp_path: Path, attributes: dict[str, Any], space: str | None, assumed: bool
) -> None:
    write(tmp_path / "plain.exr", Frame(picture(), ""))
    sink = open_sink(tmp_path / "a.exr", numbers=[0], options=WriteOptions(), space="", interop_id=None)
    sink.write(Frame(picture(), ""), lambda h, c: attributes)
    hint = open_source(tmp_path / "a.exr").info.hint
    assert (hint.space, hint.assumed) == (space, assumed)
    assert hint.how


def test_extra_channels_and_further_parts_keep_type_and_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    depth = rng.random((21, 34)).astype(np.float32)
    depth[0, :3] = (np.inf, -np.inf, np.nan)
    extra = {
        "Z": depth,
        "id": rng.integers(0, 2**32, (21, 34), dtype=np.uint32),
        "mask.M": rng.random((21, 34)).astype(np.float16),
    }
    parts = (
        Part("matte", {"a": extra["mask.M"], "b": extra["id"]}, Box(3, 4, 34, 21), Box(0, 0, 34, 21), {"note": "x"}),
        Part(
            "flow",
            {"forward.u": depth, "forward.v": depth},
            Box(0, 0, 34, 21),
            Box(0, 0, 34, 21),
            {"compression": "zip"},
        ),
    )
    frame = Frame(picture(), "", extra=extra, parts=parts)
    written = write(tmp_path / "a.exr", frame)
    loaded = read(tmp_path / "a.exr")
    assert loaded.repaired == 0  # infinity is a fair depth
    assert file_hash(tmp_path / "a.exr") == written.pixel_hash
    assert set(loaded.frame.extra) == set(extra)
    for name, plane in extra.items():
        assert loaded.frame.extra[name].dtype == plane.dtype
        assert loaded.frame.extra[name].tobytes() == plane.tobytes()
    assert [p.name for p in loaded.frame.parts] == ["matte", "flow"]
    for before, after in zip(parts, loaded.frame.parts, strict=True):
        assert after.data_window == before.data_window
        assert {n: (p.dtype, p.tobytes()) for n, p in after.channels.items()} == {
            n: (p.dtype, p.tobytes()) for n, p in before.channels.items()
        }
        assert before.metadata.items() <= after.metadata.items()


def test_whole_numbers_beside_halfs_need_a_compression_that_keeps_them(tmp_path: Path) -> None:
    frame = Frame(picture(), "", extra={"id": np.ones((21, 34), np.uint32)})
    with pytest.raises(FrameError, match=r"id.*dwaa"):
        write(tmp_path / "a.exr", frame, compression="dwaa")
    assert list(tmp_path.iterdir()) == []


def test_a_tiled_file_is_read_and_written_in_scan_lines(tmp_path: Path) -> None:
    pixels = picture(70, 90)
    oiio_file(tmp_path / "in.exr", pixels.astype(np.float16), ("R", "G", "B"), tile=32)
    frame = read(tmp_path / "in.exr").frame
    assert np.array_equal(frame.pixels, pixels)
    write(tmp_path / "out.exr", frame)
    assert "tiles" not in read_headers(tmp_path / "out.exr")[0].attributes
    assert np.array_equal(read(tmp_path / "out.exr").frame.pixels, pixels)


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (("Y",), ("Y",)),
        (("Y", "A"), ("Y", "A")),
        (("R", "G"), ("R", "G")),
        (("matte",), ("matte",)),
        (("beauty.R", "beauty.G", "beauty.B"), ("beauty.R", "beauty.G", "beauty.B")),
    ],
)
def test_other_layouts_than_rgb_are_spread_and_written_back(
    tmp_path: Path, names: tuple[str, ...], layout: tuple[str, ...]
) -> None:
    stored = np.abs(picture(5, 7, len(names))).astype(np.float16)
    if names[-1] == "A":
        stored[..., -1] = 1
    oiio_file(tmp_path / "in.exr", stored, names)
    frame = read(tmp_path / "in.exr").frame
    assert frame.layout == layout
    assert frame.pixels.shape[2] == (4 if names[-1] == "A" else 3)
    if names[0] in ("Y", "matte"):
        assert np.array_equal(frame.pixels[..., 0], frame.pixels[..., 2])
    write(tmp_path / "out.exr", frame)
    back = read_stored(tmp_path / "out.exr")
    assert back.layout == layout
    assert np.array_equal(back.colour, stored)


def test_a_grey_picture_that_got_colour_is_written_as_rgb(tmp_path: Path) -> None:
    oiio_file(tmp_path / "in.exr", np.ones((4, 4, 1), np.float16), ("Y",))
    frame = read(tmp_path / "in.exr").frame
    tinted = frame.pixels * np.array([1, 0.5, 0.25], np.float32)
    write(tmp_path / "out.exr", frame.with_(pixels=tinted))
    back = read(tmp_path / "out.exr").frame
    assert back.layout == ("R", "G", "B")
    assert np.array_equal(back.pixels, tinted)


def test_channels_that_are_no_picture_are_refused_by_name(tmp_path: Path) -> None:
    oiio_file(tmp_path / "in.exr", np.ones((4, 4, 2), np.float16), ("u", "v"))
    with pytest.raises(FrameError, match="none of the channels is a picture: u, v"):
        open_source(tmp_path / "in.exr")


def test_values_beyond_half_are_clamped_and_counted(tmp_path: Path) -> None:
    pixels = np.ones((4, 4, 3), np.float32)
    pixels[0, 0] = (70000, -1e30, np.inf)
    pixels[1, 0] = (np.nan, 65504, -65504)
    written = write(tmp_path / "a.exr", Frame(pixels, ""))
    assert written.clamped == 4
    back = read_stored(tmp_path / "a.exr").colour
    assert back[0, 0].tolist() == [65504, -65504, 65504]
    assert back[1, 0].tolist() == [0, 65504, -65504]
    with pytest.raises(FrameError, match="4 samples do not fit half"):
        write(tmp_path / "b.exr", Frame(pixels, ""), overflow="error")
    pixels[1, 0, 0] = 0
    pixels[0, 0, 2] = 3e38
    assert write(tmp_path / "c.exr", Frame(pixels, ""), depth="float").clamped == 0
    assert np.array_equal(read(tmp_path / "c.exr").frame.pixels, pixels)


def test_a_float_source_stays_float_and_a_half_one_half(tmp_path: Path) -> None:
    for dtype, depth in ((np.float32, "float"), (np.float16, "half")):
        oiio_file(tmp_path / "in.exr", picture().astype(dtype), ("R", "G", "B"))
        assert open_source(tmp_path / "in.exr").info.bit_depth == depth
        write(tmp_path / "out.exr", read(tmp_path / "in.exr").frame)
        assert read_stored(tmp_path / "out.exr").depth == depth


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (3, 65)])
def test_the_smallest_and_odd_sizes_pass(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = picture(*size, channels=4)
    pixels[..., 3] = 1
    write(tmp_path / "a.exr", Frame(pixels, ""))
    assert np.array_equal(read(tmp_path / "a.exr").frame.pixels, pixels)


def test_the_stamp_gets_the_hash_and_the_clamped_count_and_is_read_back(tmp_path: Path) -> None:
    sink = open_sink(tmp_path / "a.exr", numbers=[0], options=WriteOptions(), space="", interop_id=None)
    pixels = np.full((3, 3, 3), 1e6, np.float32)
    written = sink.write(Frame(pixels, ""), lambda h, c: {"wetgate:record": f'{{"output": "{h}", "clamped": {c}}}'})
    assert read_record(tmp_path / "a.exr") == {"output": file_hash(tmp_path / "a.exr"), "clamped": 27}
    assert written.pixel_hash == file_hash(tmp_path / "a.exr")


def test_many_threads_read_and_write_the_same_pixels(tmp_path: Path) -> None:
    frames = [Frame(picture(seed=i), "", i) for i in range(16)]
    sink = open_sink(tmp_path / "a.##.exr", numbers=range(16), options=WriteOptions(), space="", interop_id=None)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(sink.write, frames))
    sink.finish()
    source = open_source(tmp_path / "a.##.exr")
    with ThreadPoolExecutor(6) as pool:
        back = list(pool.map(source.read, [*source.numbers, *source.numbers]))
    for i, loaded in enumerate(back):
        assert np.array_equal(loaded.frame.pixels, frames[i % 16].pixels)


def test_nan_and_inf_are_mended_counted_and_not_spread(tmp_path: Path) -> None:
    pixels = picture(9, 9)
    pixels[3, 3, 0] = np.nan
    pixels[5, 5, 1] = np.inf
    oiio_file(tmp_path / "in.exr", pixels, ("R", "G", "B"))
    loaded = read(tmp_path / "in.exr")
    assert loaded.repaired == 2
    assert "2 samples" in loaded.notes[0]
    changed = loaded.frame.pixels != pixels
    assert np.argwhere(changed).tolist() == [[3, 3, 0], [5, 5, 1]]
    assert np.isfinite(loaded.frame.pixels).all()


def test_a_deep_a_mipmapped_and_a_luminance_chroma_file_are_refused_clearly(tmp_path: Path) -> None:
    oiio = pytest.importorskip("OpenImageIO")
    spec = oiio.ImageSpec(4, 4, 2, "float")
    spec.channelnames, spec.deep = ("R", "Z"), True
    out = oiio.ImageOutput.create(str(tmp_path / "deep.exr"))
    assert out.open(str(tmp_path / "deep.exr"), spec)
    data = oiio.DeepData()
    data.init(16, 2, (oiio.TypeFloat, oiio.TypeFloat), ("R", "Z"))
    out.write_deep_image(data)
    out.close()
    with pytest.raises(FrameError, match=r"deep picture.*deep\.exr.*flatten"):
        open_source(tmp_path / "deep.exr")

    oiio_file(tmp_path / "mip.exr", picture(32, 32), ("R", "G", "B"), {"textureformat": "Plain Texture"}, tile=16)
    with pytest.raises(FrameError, match=r"reduced levels.*selectmip 0"):
        open_source(tmp_path / "mip.exr")

    oiio_file(tmp_path / "yc.exr", np.ones((4, 4, 3), np.float16), ("BY", "RY", "Y"))
    data_bytes = bytearray((tmp_path / "yc.exr").read_bytes())
    at = data_bytes.index(b"BY\x00") + 3
    struct.pack_into("<ii", data_bytes, at + 8, 2, 2)
    (tmp_path / "yc.exr").write_bytes(data_bytes)
    with pytest.raises(FrameError, match=r"BY \(2x2\).*luminance-chroma"):
        open_source(tmp_path / "yc.exr")


def test_truncated_empty_and_foreign_files_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    write(path, Frame(picture(200, 200), ""))
    whole = path.read_bytes()
    for size in (0, 3, 20, 200, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(FrameError) as caught:
            read(path)
        assert "a.exr" in str(caught.value), size
        assert caught.value.remedy
    path.write_bytes(b"\x89PNG" + bytes(500))
    with pytest.raises(FrameError, match="not an OpenEXR file"):
        read(path)


def test_any_damage_to_the_header_is_a_frame_error_or_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    write(path, Frame(picture(8, 8), "", metadata={"owner": "x", "timeCode": TimeCode.parse("01:00:00:00")}))
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = []
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(4, 420)] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            read(path)
        except FrameError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert all("a.exr" in said for said in refused)


def test_real_pictures_pass_through_to_the_last_bit(tmp_path: Path, real_data: Path) -> None:
    pictures = sorted((real_data / "hdr").glob("*/*.exr"))
    assert pictures
    for path in pictures:
        loaded = read(path)
        out = tmp_path / path.name
        written = write(out, loaded.frame, same_space=True)
        before, after = read_stored(path), read_stored(out)
        changed = int(np.count_nonzero(before.colour.view(np.uint16) != after.colour.view(np.uint16)))
        assert changed == loaded.repaired, path.name
        assert read_header(out) == read_header(path), path.name
        assert file_hash(out) == written.pixel_hash, path.name


def test_a_rate_given_for_writing_is_in_the_header(tmp_path: Path) -> None:
    options = WriteOptions(rate=Fraction(24000, 1001))
    with_sink = open_sink(tmp_path / "a.exr", numbers=[1], options=options, space="", interop_id=None)
    with_sink.write(Frame(np.full((4, 6, 3), 0.5, np.float32), "", 1))
    with_sink.finish()
    assert open_source(tmp_path / "a.exr").info.rate == Fraction(24000, 1001)
