"""Hops: every pair of spaces gives light back, in any bands, on any number of threads."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from wetgate.color import ColorConfig
from wetgate.color.curves import bt1886_decode, pq_decode
from wetgate.color.density import density_from_linear
from wetgate.color.hop import in_bands
from wetgate.spec import DENSITY, DISPLAY, SCENE, Image, UsageError

CONFIG = ColorConfig.load("ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3")
SPACES = [space for space in CONFIG.names() if not CONFIG.is_data(space)]
# What OCIO clips in this config, found by trying: a power below 0, tables outside themselves, a log without an end.
CARRIED_ON = {"ACEScc", "ADX10", "ADX16", "CanonLog2 CinemaGamut D55", "CanonLog3 CinemaGamut D55"}


def light() -> Image:
    """Greys and colours of mixed sign, -0.5..1000, on 1e-5 and up, (1, N, 3)."""
    random = np.random.default_rng(7)
    magnitude = 10 ** random.uniform(-5, 3, (3000, 3))
    colours = np.clip(magnitude * random.choice([-1, 1], magnitude.shape, p=[0.2, 0.8]), -0.5, 1000)
    greys = np.concatenate([-np.geomspace(0.5, 1e-5, 60), [0.0], np.geomspace(1e-5, 1000, 160)])
    return np.concatenate([colours, np.repeat(greys[:, None], 3, axis=1)])[None].astype(np.float32)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("working", [SCENE, DISPLAY, DENSITY])
def test_all_light_from_minus_half_to_a_thousand_comes_back(space: str, working: str) -> None:
    start = light()
    pixels = CONFIG.hop(SCENE, DENSITY).apply(start) if working == DENSITY else start
    back = CONFIG.hop(space, working).apply(CONFIG.hop(working, space).apply(pixels))
    if working == DENSITY:
        back = CONFIG.hop(DENSITY, SCENE).apply(back)
    brightest = np.abs(start).max(axis=-1, keepdims=True)
    # Float32 through a log: 2e-5 of the pixel. Near black a camera log's straight part rounds to 2e-8 of its light,
    # which is 2e-6 nits after the hundredfold of the display reference.
    assert (np.abs(back - start) <= 2e-5 * brightest + 2e-6).all()


def test_the_spaces_that_are_carried_on_are_known() -> None:
    assert {space for space in SPACES if CONFIG.hop(space, SCENE).extends} == CARRIED_ON
    assert {space for space in SPACES if CONFIG.hop(SCENE, space).extends} == CARRIED_ON


@pytest.mark.parametrize("space", SPACES)
def test_a_rising_grey_rises_in_every_space(space: str) -> None:
    greys = np.concatenate([-np.geomspace(0.5, 1e-3, 200), np.geomspace(1e-3, 1000, 400)])
    there = CONFIG.hop(SCENE, space).apply(np.repeat(greys[:, None], 3, axis=1)[None].astype(np.float32))
    assert (np.diff(there[0].astype(np.float64), axis=0) > 0).all()


@pytest.mark.parametrize("space", sorted(CARRIED_ON))
def test_a_curve_that_is_carried_on_has_no_kink(space: str) -> None:
    # the slope on either side of every end of the curve, seen from the code: equal within the step's own bend
    from wetgate.color.chain import Step

    hop = CONFIG.hop(space, "ACES2065-1")
    step: Step = next(s for s in hop._steps if s.limits is not None)
    limits = step.limits
    assert limits is not None
    for end in (limits.low_code, limits.high_code):
        if end is limits.high_code and np.isinf(limits.high_light).any():
            continue
        width = 2e-3
        codes = end[0] + width * np.array([-2, -1, 0, 1, 2])
        block = np.repeat(codes[:, None], 3, axis=1)[None].astype(np.float32)
        step.run(block)
        slopes = np.diff(block[0, :, 0].astype(np.float64))
        assert slopes[1] == pytest.approx(slopes[2], rel=0.08)
        assert slopes[0] == pytest.approx(slopes[3], rel=0.25)


def test_bt1886_goes_on_oddly_below_black() -> None:
    codes = np.linspace(0, 1.2, 100, dtype=np.float32)
    hop = CONFIG.hop("rec1886_rec709_display", DISPLAY)
    up = hop.apply(np.repeat(codes[:, None], 3, axis=1)[None])
    down = hop.apply(np.repeat(-codes[:, None], 3, axis=1)[None])
    assert (up == -down).all()


def test_values_that_ocio_does_not_clip_are_ocios_own() -> None:
    import PyOpenColorIO

    random = np.random.default_rng(0)
    for space in ("ADX10", "ACEScc", "CanonLog2 CinemaGamut D55", "Rec.1886 Rec.709 - Display", "sRGB - Texture"):
        codes = (random.random((1, 4000, 3)) * 0.6 + 0.3).astype(np.float32)
        expected = codes.copy()
        processor = CONFIG.ocio.getProcessor(space, "ACES2065-1").getOptimizedCPUProcessor(
            PyOpenColorIO.BIT_DEPTH_F32, PyOpenColorIO.BIT_DEPTH_F32, PyOpenColorIO.OPTIMIZATION_LOSSLESS
        )
        processor.applyRGB(expected)
        inside = (expected > 0.001).all(axis=-1)  # ACEScc clips AP0 at zero
        got = CONFIG.hop(space, "ACES2065-1").apply(codes)
        assert inside.mean() > 0.5
        assert got[inside] == pytest.approx(expected[inside], rel=1e-6)  # matrices may be joined in another order


@pytest.mark.parametrize("space", sorted(CARRIED_ON))
def test_light_above_a_hundred_thousandth_is_encoded_as_ocio_does(space: str) -> None:
    import PyOpenColorIO

    most = 10.0  # CanonLog3's table ends at 14.7
    greys = np.geomspace(3e-5, most, 300)[None, :, None].repeat(3, axis=2).astype(np.float32)
    expected = greys.copy()
    processor = CONFIG.ocio.getProcessor("ACES2065-1", space).getOptimizedCPUProcessor(
        PyOpenColorIO.BIT_DEPTH_F32, PyOpenColorIO.BIT_DEPTH_F32, PyOpenColorIO.OPTIMIZATION_LOSSLESS
    )
    processor.applyRGB(expected)
    assert CONFIG.hop("ACES2065-1", space).apply(greys) == pytest.approx(expected, abs=1e-6)


def test_display_light_is_absolute() -> None:
    codes = np.linspace(0.01, 1.0, 200, dtype=np.float32)
    image = np.repeat(codes[:, None], 3, axis=1)[None]
    pq = CONFIG.hop("rec2100_pq_display", DISPLAY).apply(image)[0]
    assert pq == pytest.approx(pq_decode(image[0].astype(np.float64)), rel=2e-5)  # OCIO holds PQ as a table
    sdr = CONFIG.hop("rec1886_rec2020_display", DISPLAY).apply(image)[0]
    assert sdr == pytest.approx(bt1886_decode(image[0].astype(np.float64)), rel=2e-6)
    scene = CONFIG.hop("lin_rec709_srgb", DISPLAY).apply(np.ones((1, 1, 3), np.float32))
    assert scene == pytest.approx(np.full((1, 1, 3), 100.0), rel=1e-5)  # 1.0 of the scene is 100 nits, un-tone-mapped


def test_density_of_a_hop_is_that_of_the_density_module() -> None:
    image = light()
    expected = density_from_linear(image.astype(np.float64))
    got = CONFIG.hop(SCENE, DENSITY).apply(image)
    assert np.abs(got - expected).max() <= 5e-7 * np.abs(expected).max()


@pytest.mark.parametrize("pair", [("srgb_tx", "ACEScg"), ("ACEScg", "ADX10"), ("ACEScg", "rec2100_hlg_display")])
def test_threads_and_bands_do_not_change_a_bit(pair: tuple[str, str]) -> None:
    image = (np.random.default_rng(3).random((300, 191, 4)) * 1.5 - 0.3).astype(np.float32)
    hop = CONFIG.hop(*pair)
    alone = hop.apply(image, threads=1)
    assert (hop.apply(image, threads=0) == alone).all()
    assert (hop.apply(image, threads=5) == alone).all()
    assert (hop.apply(image[17:18, 5:6]) == alone[17:18, 5:6]).all()
    assert (hop.apply(image[100:203, 31:]) == alone[100:203, 31:]).all()
    assert (hop.apply(np.ascontiguousarray(image[..., :3])) == alone[..., :3]).all()


def test_alpha_comes_out_bit_for_bit_and_the_input_is_not_written_to() -> None:
    image = np.random.default_rng(4).random((40, 50, 4)).astype(np.float32)
    image[0, 0, 3], image[0, 1, 3], image[0, 2, 3] = np.nan, -np.inf, -0.0
    before = image.tobytes()
    for pair in (("ACEScg", "rec1886_rec709_display"), ("ACEScg", "ACEScc"), (SCENE, DENSITY), ("ACEScg", "ACEScg")):
        result = CONFIG.hop(*pair).apply(image)
        assert result[..., 3].tobytes() == image[..., 3].tobytes()
        assert image.tobytes() == before
        assert not np.shares_memory(result, image)


@pytest.mark.parametrize("pair", [("ACEScg", "ADX10"), ("ADX10", "ACEScg"), ("srgb_tx", DISPLAY), (SCENE, "ACEScc")])
def test_nan_and_inf_stay_in_their_pixel(pair: tuple[str, str]) -> None:
    image = np.full((3, 40, 3), 0.3, np.float32)
    clean = CONFIG.hop(*pair).apply(image)
    image[1, 7, 0], image[1, 20, 1], image[2, 30, 2] = np.nan, np.inf, -np.inf
    touched = np.zeros((3, 40), bool)
    touched[1, 7] = touched[1, 20] = touched[2, 30] = True
    assert (CONFIG.hop(*pair).apply(image)[~touched] == clean[~touched]).all()


def test_out_may_be_the_input_and_must_fit() -> None:
    image = np.random.default_rng(5).random((10, 10, 3)).astype(np.float32)
    hop = CONFIG.hop("srgb_tx", "ACEScg")
    expected = hop.apply(image)
    assert hop.apply(image, out=image) is image
    assert (image == expected).all()
    with pytest.raises(UsageError, match="allowed: contiguous float32"):
        hop.apply(image, out=np.empty((10, 10, 4), np.float32))
    with pytest.raises(UsageError, match="float32"):
        hop.apply(image.astype(np.float64))


def test_equal_spaces_are_an_identity() -> None:
    for pair in (("ACEScg", "lin_ap1"), (SCENE, "ACEScg"), ("scene_linear", SCENE), (DISPLAY, DISPLAY)):
        assert CONFIG.hop(*pair).is_identity
    assert not CONFIG.hop("ACEScg", "ACES2065-1").is_identity


def test_a_transform_of_a_hop_does_what_the_hop_does() -> None:
    import PyOpenColorIO

    image = np.random.default_rng(6).random((4, 4, 3)).astype(np.float32)
    hop = CONFIG.hop("arri_logc3_ei800", "rec1886_rec709_display")
    got = image.copy()
    PyOpenColorIO.Config.CreateRaw().getProcessor(hop.transform()).getDefaultCPUProcessor().applyRGB(got)
    assert got == pytest.approx(hop.apply(image), rel=1e-4, abs=1e-5)  # the default optimisation costs 4e-6


def test_a_forked_child_can_hop() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    image = np.zeros((400, 400, 3), np.float32)
    hop = CONFIG.hop("srgb_tx", "ACEScg")
    hop.apply(image, threads=2)
    import multiprocessing

    process = multiprocessing.get_context("fork").Process(target=hop.apply, args=(image, 2))
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Python 3.12 warns of forking with threads: that is the test
        process.start()
    process.join(20)
    if process.is_alive():
        process.kill()
        process.join()
    assert process.exitcode == 0


def test_an_error_in_a_band_reaches_the_caller_after_the_others_end() -> None:
    done: list[int] = []

    def work(first: int, last: int) -> None:
        if first == 0:
            raise ValueError("band")
        done.append(first)

    with pytest.raises(ValueError, match="band"):
        in_bands(work, 64, 1 << 14, threads=4)
    assert len(done) == 63 - 15  # the share of the band that failed ends with it: 16 bands each, one of them raised


USER_CONFIG = """ocio_profile_version: 2.1
search_path: "."
roles: {scene_linear: lin, data: raw, aces_interchange: lin, cie_xyz_d65_interchange: xyz}
file_rules:
  - !<Rule> {name: Default, colorspace: lin}
displays: {screen: [!<View> {name: plain, colorspace: lin}]}
view_transforms:
  - !<ViewTransform>
    name: plain
    from_scene_reference: !<MatrixTransform> {matrix: [0.9, 0.1, 0, 0, 0, 1, 0, 0, 0, 0.2, 0.8, 0, 0, 0, 0, 1]}
display_colorspaces:
  - !<ColorSpace> {name: xyz, isdata: false}
colorspaces:
  - !<ColorSpace> {name: lin, isdata: false}
  - !<ColorSpace> {name: raw, isdata: true}
  - !<ColorSpace>
    name: table
    to_scene_reference: !<FileTransform> {src: table.spi1d}
  - !<ColorSpace>
    name: log
    to_scene_reference: !<LogTransform> {base: 10, direction: inverse}
  - !<ColorSpace>
    name: negative
    to_scene_reference: !<GroupTransform>
      children:
        - !<MatrixTransform> {matrix: [-2, 0, 0, 0, 0, -2, 0, 0, 0, 0, -2, 0, 0, 0, 0, 1]}
        - !<LogTransform> {base: 10, direction: inverse}
  - !<ColorSpace>
    name: clamped
    to_scene_reference: !<GroupTransform>
      children:
        - !<RangeTransform> {min_in_value: 0, min_out_value: 0, max_in_value: 1, max_out_value: 1}
        - !<ExponentTransform> {value: 2.2}
"""


@pytest.fixture
def user_config(tmp_path: Path) -> ColorConfig:
    # A table from 0 to 4 in steps that rise: what a vendor's .spi1d does outside itself is hold the last value.
    entries = np.linspace(0, 1, 256) ** 2.5 * 4
    rows = "\n".join(f"  {v:.7f}" for v in entries)
    (tmp_path / "table.spi1d").write_text(f"Version 1\nFrom 0.0 1.0\nLength 256\nComponents 1\n{{\n{rows}\n}}\n")
    path = tmp_path / "user.ocio"
    path.write_text(USER_CONFIG)
    return ColorConfig.load(str(path))


@pytest.mark.parametrize("space", ["table", "log", "negative", "clamped"])
def test_a_users_own_curves_are_carried_on(user_config: ColorConfig, space: str) -> None:
    start = light()
    for working in (SCENE, DISPLAY):
        there = user_config.hop(working, space).apply(start)
        back = user_config.hop(space, working).apply(there)
        brightest = np.abs(start).max(axis=-1, keepdims=True)
        # beyond the table's end light goes on by its last slope, 9.7 a code: a float32 code of 100 rounds to 4e-6
        assert (np.abs(back - start) <= 5e-5 * brightest + 4e-6).all()
