"""JPEG, real codecs, chroma grids, fields, tape, changes of size."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate import damage
from wetgate.color.ycbcr import ycbcr_from_rgb
from wetgate.ops.random import Stream
from wetgate.spec import VIDEO, Frame, UsageError


def picture(number: int = 0, size: tuple[int, int] = (96, 128), shift: float = 0.0) -> Frame:
    """Edges, a gradient, colour and texture: something for a codec to break. ``shift`` px moves a bar to the right."""
    yy, xx = np.mgrid[: size[0], : size[1]].astype(np.float64)
    rgb = np.stack([0.2 + 0.5 * xx / size[1], 0.3 + 0.3 * yy / size[0], 0.5 - 0.2 * xx / size[1]], -1)
    rgb += 0.04 * np.random.default_rng(1).standard_normal((*size, 1))
    bar = np.clip(12 - np.abs(xx - 50 - shift) + 0.5, 0, 1)[..., None]
    rgb = rgb * (1 - bar) + bar * np.array([0.85, 0.2, 0.15])
    return Frame(np.clip(rgb, 0, 1).astype(np.float32), VIDEO, number=number)


def run(model_id: str, frames: list[Frame], **params: object) -> list[damage.Damaged]:
    return list(damage.get(model_id).run(frames, Stream.of(5, model_id), params))


def error(out: damage.Damaged, frame: Frame) -> float:
    return float(np.sqrt(((out.frame.rgb - frame.rgb).astype(np.float64) ** 2).mean()))


def blockiness(rgb: np.ndarray, phase: int) -> float:
    """Mean step between columns k - 1 and k, k modulo 8 being ``phase``, over that of all columns; right of the bar."""
    luma = rgb[:, 72:].mean(axis=2)
    steps = np.abs(np.diff(luma, axis=1))
    columns = (np.arange(steps.shape[1]) + 72 + 1) % 8
    return float(steps[:, columns == phase].mean() / steps.mean())


def test_jpeg_tables_are_those_of_annex_k_at_quality_50():
    (out,) = run("jpeg", [picture()], quality=50)
    luma, chroma = out.truth["tables"]
    assert luma[0].tolist() == [16, 11, 10, 16, 24, 40, 51, 61]  # ITU-T T.81, table K.1
    assert luma[:, 0].tolist() == [16, 12, 14, 14, 18, 24, 49, 72]
    assert chroma[0, :4].tolist() == [17, 18, 24, 47]  # table K.2


def test_jpeg_coefficients_lie_on_the_stated_quantisers():
    """The luma of a grey JPEG, transformed again: every coefficient is a multiple of its quantiser, within pixel
    rounding."""
    (out,) = run("jpeg", [picture()], quality=20, grey=True)
    luma = out.frame.rgb[..., 0].astype(np.float64) * 255 - 128
    k = np.arange(8)
    basis = np.cos((2 * k[None, :] + 1) * k[:, None] * np.pi / 16) * np.where(k == 0, np.sqrt(1 / 8), 0.5)[:, None]
    blocks = luma.reshape(12, 8, 16, 8).transpose(0, 2, 1, 3)
    coefficients = basis @ blocks @ basis.T
    table = out.truth["tables"][0]
    offset = np.abs(coefficients / table - np.rint(coefficients / table)) * table
    assert np.percentile(offset, 99) < 1.2  # rounding of 64 pixels is 0.29 rms a coefficient
    assert np.median(table) > 20


def test_lower_quality_costs_more_and_has_its_grid_at_eight_pixels():
    costs = [error(run("jpeg", [picture()], quality=q)[0], picture()) for q in (90, 50, 15)]
    assert costs[0] < costs[1] < costs[2]
    (out,) = run("jpeg", [picture()], quality=10)
    assert blockiness(out.frame.rgb, 0) > 3 * np.mean([blockiness(out.frame.rgb, p) for p in range(1, 8)])


def test_a_shifted_first_save_leaves_a_second_grid():
    (once,) = run("jpeg", [picture()], quality=80)
    (twice,) = run("jpeg", [picture()], quality=80, first_quality=8, shift_x=3, shift_y=5)
    assert blockiness(twice.frame.rgb, 3) > 1.4 * blockiness(once.frame.rgb, 3)
    assert twice.truth["shift"] == (3, 5)


def test_a_scaled_save_has_larger_blocks():
    (out,) = run("jpeg", [picture(size=(96, 160))], quality=30, scale=0.5)
    assert out.truth["grid"] == (16.0, 16.0)
    assert out.frame.rgb.shape == (96, 160, 3)


@pytest.mark.parametrize(("codec", "low", "high"), [("mpeg2", 3, 24), ("mpeg4", 3, 24), ("h264", 20, 42)])
def test_a_codec_gives_back_every_frame_worse_at_a_coarser_quantiser(codec, low, high):
    frames = [picture(n, shift=2.0 * n) for n in range(12, 25)]
    fine = run("codec", frames, codec=codec, quantiser=low, gop=6)
    coarse = run("codec", frames, codec=codec, quantiser=high, gop=6)
    assert [d.frame.number for d in fine] == [f.number for f in frames]
    # Each frame is its own source, in order: nearer to it than to the next one, whose bar has moved on.
    for i in range(len(frames) - 1):
        assert error(fine[i], frames[i]) < error(fine[i], frames[i + 1])
    fine_error = np.mean([error(d, f) for d, f in zip(fine, frames, strict=True)])
    coarse_error = np.mean([error(d, f) for d, f in zip(coarse, frames, strict=True)])
    assert 0.002 < fine_error < 0.03
    assert coarse_error > 1.3 * fine_error
    assert sum(d.truth["bytes"] for d in fine) > 2 * sum(d.truth["bytes"] for d in coarse)
    kinds = [d.truth["kind"] for d in fine]
    assert [kind == "I" for kind in kinds] == [f.number % 6 == 0 for f in frames]
    assert all(d.truth["quantiser"] is not None for d in fine)
    assert "P" in kinds
    assert np.median(fine[0].truth["quantiser"]) == pytest.approx(low, abs=3.5)  # x264: intra frames 3 finer
    assert fine[0].truth["quantiser"].shape == (6, 8)


def test_a_run_that_starts_at_an_intra_frame_gives_what_the_longer_run_gives():
    frames = [picture(n, shift=2.0 * n) for n in range(12)]
    whole = run("codec", frames, codec="mpeg2", quantiser=10, gop=6, b_frames=0)
    later = run("codec", frames[6:], codec="mpeg2", quantiser=10, gop=6, b_frames=0)
    for a, b in zip(whole[6:], later, strict=True):
        assert np.array_equal(a.frame.rgb, b.frame.rgb)


@pytest.mark.parametrize("mode", ["constant", "crf"])
def test_the_same_run_is_coded_the_same_each_time(mode):
    """x264's macroblock tree made another stream of a run like this in one of twelve tries."""
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.02, (4, 192, 192, 3)).astype(np.float32)
    frames = [
        f.with_rgb(f.rgb + n) for f, n in zip((picture(i, (192, 192), 2.0 * i) for i in range(4)), noise, strict=True)
    ]
    settings = {"codec": "h264", "mode": mode, "quantiser": 25, "b_frames": 3, "gop": 15}
    first, *others = ([d.frame.rgb for d in run("codec", frames, **settings)] for _ in range(8))
    assert all(np.array_equal(a, b) for other in others for a, b in zip(first, other, strict=True))


def test_chroma_in_full_keeps_colour_edges_that_4_2_0_loses():
    frame = picture(0)
    edges = np.where(np.arange(128)[None, :, None] // 3 % 2 == 0, [0.8, 0.2, 0.2], [0.3, 0.4, 0.3])
    frame = frame.with_rgb(np.broadcast_to(edges, (96, 128, 3)).astype(np.float32))
    found = {
        chroma: error(run("codec", [frame], codec="h264", quantiser=8, chroma=chroma)[0], frame)
        for chroma in ("420", "422", "444")
    }
    assert found["444"] < 0.5 * found["422"]
    with pytest.raises(UsageError, match=r"mpeg4.*") as refused:
        run("codec", [frame], codec="mpeg4", chroma="422")
    assert "420" in str(refused.value.allowed)


def test_a_bit_rate_is_held_roughly():
    frames = [picture(n, shift=2.0 * n) for n in range(50)]
    outs = run("codec", frames, codec="mpeg4", mode="bitrate", bitrate=100.0, gop=25)
    assert sum(d.truth["bytes"] for d in outs) * 8 / 2 == pytest.approx(100_000, rel=0.25)  # 2 s at 25 frames a second


def test_memory_of_a_codec_run_is_bounded():
    """Frames are taken from the source as the encoder wants them, not all at once."""
    taken = []

    def source():
        for n in range(400):
            taken.append(n)
            yield picture(n, (32, 32))

    stream = damage.get("codec").run(source(), Stream.of(1, "codec"), {"codec": "h264", "quantiser": 30})
    next(iter(stream))
    assert len(taken) < 100  # libx264 looks 40 frames ahead, more with its B frames


@pytest.mark.parametrize("system", ["525", "625"])
def test_dv_keeps_the_picture_but_for_chroma_and_blocks(system):
    frames = [picture(n, (96, 128)) for n in range(2)]
    outs = run("dv", frames, system=system)
    assert [d.frame.number for d in outs] == [0, 1]
    assert 0.001 < error(outs[0], frames[0]) < 0.05


@pytest.mark.parametrize("filter_name", ["good", "cheap"])
@pytest.mark.parametrize("grid", ["420", "422", "411"])
def test_chroma_subsampling_leaves_luma_and_bleeds_colour(grid, filter_name):
    frame = picture()
    (out,) = run("chroma", [frame], grid=grid, filter=filter_name)
    before, after = ycbcr_from_rgb(frame.rgb, 1), ycbcr_from_rgb(out.frame.rgb, 1)
    np.testing.assert_allclose(after[..., 0], before[..., 0], atol=2e-6)
    assert np.abs(after[..., 1:] - before[..., 1:]).max() > 0.03


def test_a_chroma_shift_moves_colour_to_the_right():
    rgb = np.full((20, 64, 3), 0.4, np.float32)
    rgb[:, 30:34] = (0.8, 0.2, 0.2)
    (out,) = run("chroma", [Frame(rgb, VIDEO)], grid="422", filter="good", shift=6.0)
    red = ycbcr_from_rgb(out.frame.rgb, 1)[10, :, 2]
    assert (red * np.arange(64)).sum() / red.sum() == pytest.approx(31.5 + 6, abs=0.3)


def test_interlace_takes_every_other_line_from_the_next_frame():
    frames = [picture(n, shift=6.0 * n) for n in range(3)]
    outs = run("interlace", frames, filter=False)
    assert np.array_equal(outs[0].frame.rgb[0::2], frames[0].rgb[0::2])
    assert np.array_equal(outs[0].frame.rgb[1::2], frames[1].rgb[1::2])
    assert np.array_equal(outs[2].frame.rgb, frames[2].rgb)
    (first, *_) = run("interlace", frames, filter=False, first="bottom")
    assert np.array_equal(first.frame.rgb[0::2], frames[1].rgb[0::2])


def test_pulldown_combs_two_of_five_frames():
    outs = run("interlace", [picture(n, (8, 16)) for n in range(10)], cadence="pulldown")
    assert [d.truth["combed"] for d in outs] == [False, False, True, True, False] * 2


def test_tape_narrows_luma_less_than_chroma_and_delays_chroma():
    rgb = np.full((40, 720, 3), 0.3, np.float32)
    rgb[:, 360:] = (0.9, 0.3, 0.3)
    quiet = {"luma_noise": 0.0, "chroma_noise": 0.0, "jitter": 0.0, "dropouts": 0.0, "sharpen": 0.0}
    (out,) = run("tape", [Frame(rgb, VIDEO)], delay=0.5, **quiet)
    ycc = ycbcr_from_rgb(out.frame.rgb, 6)[20]

    def edge(line: np.ndarray) -> tuple[float, float]:
        share = (line - line[100]) / (line[600] - line[100])
        at = [float(np.interp(level, share[200:520], np.arange(200, 520))) for level in (0.1, 0.5, 0.9)]
        return at[1], at[2] - at[0]

    luma_at, luma_width = edge(ycc[:, 0])
    chroma_at, chroma_width = edge(ycc[:, 2])
    assert chroma_at - luma_at == pytest.approx(0.5 * 720 / 52, abs=0.2)
    assert chroma_width > 4 * luma_width


def test_tape_dropouts_and_line_offsets_are_where_it_says():
    frame = Frame(np.full((90, 200, 3), 0.4, np.float32), VIDEO)
    (out,) = run("tape", [frame], luma_noise=0.0, chroma_noise=0.0, dropouts=20.0)
    changed = np.abs(out.frame.rgb - 0.4).max(axis=2) > 1e-3
    assert changed.any()
    assert (out.truth["dropouts"][changed] > 0).all()
    assert out.truth["offset"].shape == (90,)


def test_resize_loses_detail_and_may_leave_the_small_picture():
    frame = picture().with_(extra={"Z": np.arange(96 * 128, dtype=np.float32).reshape(96, 128)})
    (out,) = run("resize", [frame], scale=0.5)
    assert out.frame.rgb.shape == frame.rgb.shape
    assert error(out, frame) > 0.01
    (small,) = run("resize", [frame], scale=0.5, restore=False)
    assert small.frame.rgb.shape == (48, 64, 3)
    assert small.frame.window == small.frame.display
    assert small.frame.extra["Z"].shape == (48, 64)
    assert np.isin(small.frame.extra["Z"], frame.extra["Z"]).all()
    np.testing.assert_allclose(small.frame.rgb, frame.rgb.reshape(48, 2, 64, 2, 3).mean(axis=(1, 3)), atol=1e-6)
