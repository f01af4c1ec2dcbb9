"""Configs: which is used, what spaces are called, what interop ids and stream tags mean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wetgate.color import BUILT_IN, ColorConfig
from wetgate.color.interop import alias_of, chromaticities_of, id_of, identify, ids, linear_id_of
from wetgate.color.tags import Tags
from wetgate.spec import DENSITY, DISPLAY, SCENE, VIDEO, UsageError

STUDIO = ColorConfig.load(BUILT_IN)
NEWER = [
    "ocio://studio-config-v1.0.0_aces-v1.3_ocio-v2.1",
    "ocio://studio-config-v2.2.0_aces-v1.3_ocio-v2.4",
    "ocio://studio-config-v4.0.0_aces-v2.0_ocio-v2.5",
]
# HOSTS: aliases that projects store
STORED = [
    "srgb_tx",
    "lin_rec709_srgb",
    "ACEScg",
    "ACES2065-1",
    "acescct_ap1",
    "g24_rec709",
    "rec1886_rec709_display",
    "rec2100_pq_display",
    "rec2100_hlg_display",
    "ADX10",
    "ADX16",
    "arri_logc3_ei800",
    "arri_logc4",
    "slog3_sgamut3cine",
    "davinci_intermediate_widegamut",
    "log3g10_redwidegamutrgb",
    "vlog_vgamut",
    "camera_rec709",
]


# A config of which only the spaces differ from test to test.
BARE = """ocio_profile_version: 2
roles: {default: lin}
file_rules:
  - !<Rule> {name: Default, colorspace: default}
displays: {screen: [!<View> {name: plain, colorspace: lin}]}
colorspaces:
  - !<ColorSpace> {name: lin}
"""


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


def test_without_a_name_the_pinned_config_is_used() -> None:
    assert ColorConfig.load().name == BUILT_IN
    assert ColorConfig.load() is ColorConfig.load(BUILT_IN)


def test_the_environment_comes_before_the_pinned_config_and_after_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCIO", NEWER[1])
    assert ColorConfig.load().name == NEWER[1]
    assert ColorConfig.load(NEWER[2]).name == NEWER[2]
    monkeypatch.setenv("OCIO", "/nowhere/config.ocio")
    with pytest.raises(UsageError, match=r"no OCIO config '/nowhere/config.ocio'; at \$OCIO"):
        ColorConfig.load()


def test_a_built_in_goes_by_its_bare_name_and_a_moving_name_is_pinned_down() -> None:
    assert ColorConfig.load(BUILT_IN.removeprefix("ocio://")) is STUDIO
    assert ColorConfig.load("ocio://default").name.startswith("ocio://cg-config-v")


def test_a_config_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "mine.ocio"
    path.write_text(BARE)
    first = ColorConfig.load(str(path))
    assert first.name == str(path)
    assert ColorConfig.load(str(path)) is first
    path.write_text(BARE + "  - !<ColorSpace> {name: other}\n")
    second = ColorConfig.load(str(path))
    assert second.has("other")
    assert not first.has("other")
    assert second.fingerprint != first.fingerprint


def test_a_broken_config_is_refused_with_what_ocio_says(tmp_path: Path) -> None:
    path = tmp_path / "broken.ocio"
    path.write_text("ocio_profile_version: 2\ncolorspaces: [")
    with pytest.raises(UsageError, match="OCIO cannot read"):
        ColorConfig.load(str(path))


def test_a_config_without_roles_says_which_one_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "bare.ocio"
    path.write_text(BARE + "  - !<ColorSpace> {name: two, to_scene_reference: !<ExponentTransform> {value: 2}}\n")
    config = ColorConfig.load(str(path))
    with pytest.raises(UsageError, match="no role 'scene_linear'"):
        config.hop("lin", SCENE)
    with pytest.raises(UsageError, match=r"display light has no place.*cie_xyz_d65_interchange"):
        config.hop("lin", DISPLAY)
    assert not config.hop("lin", "two").is_identity


def test_a_config_of_ocio_1_has_absolute_light_through_its_aces_space(tmp_path: Path) -> None:
    path = tmp_path / "old.ocio"
    path.write_text(
        "ocio_profile_version: 1\nroles: {default: ACES2065-1, scene_linear: ACES2065-1}\n"
        "displays: {screen: [!<View> {name: plain, colorspace: ACES2065-1}]}\n"
        "colorspaces:\n  - !<ColorSpace> {name: ACES2065-1}\n"
    )
    image = np.random.default_rng(0).random((1, 20, 3)).astype(np.float32)
    old = ColorConfig.load(str(path))
    got = old.hop("ACES2065-1", DISPLAY).apply(image)
    assert got == pytest.approx(STUDIO.hop("ACES2065-1", DISPLAY).apply(image), rel=1e-5)
    assert old.hop(DISPLAY, SCENE).apply(got) == pytest.approx(image, rel=1e-5)


def test_an_archive_is_a_config_too(tmp_path: Path) -> None:
    (tmp_path / "half.spi1d").write_text("Version 1\nFrom 0 1\nLength 2\nComponents 1\n{\n 0\n 0.5\n}\n")
    text = BARE.replace("roles:", "search_path: .\nroles:", 1)
    (tmp_path / "a.ocio").write_text(
        text + "  - !<ColorSpace> {name: half, to_scene_reference: !<FileTransform> {src: half.spi1d}}\n"
    )
    loose = ColorConfig.load(str(tmp_path / "a.ocio"))
    loose.ocio.archive(str(tmp_path / "a.ocioz"))
    packed = ColorConfig.load(str(tmp_path / "a.ocioz"))
    image = np.full((1, 1, 3), 0.8, np.float32)
    assert packed.hop("half", "lin").apply(image) == pytest.approx(np.full((1, 1, 3), 0.4))
    before = loose.fingerprint
    (tmp_path / "half.spi1d").write_text("Version 1\nFrom 0 1\nLength 2\nComponents 1\n{\n 0\n 0.6\n}\n")
    (tmp_path / "a.ocio").touch()
    assert ColorConfig.load(str(tmp_path / "a.ocio")).fingerprint != before


def test_the_fingerprint_is_the_same_in_another_process() -> None:
    code = f"from wetgate.color import ColorConfig; print(ColorConfig.load({BUILT_IN!r}).fingerprint)"
    env = {"PYTHONPATH": str(Path(__file__).parents[2] / "plugin"), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == STUDIO.fingerprint
    assert len(STUDIO.fingerprint) == 64


def test_importing_the_package_does_not_import_ocio() -> None:
    code = "import sys, wetgate.color, wetgate.color.curves, wetgate.color.lut; print('PyOpenColorIO' in sys.modules)"
    env = {"PYTHONPATH": str(Path(__file__).parents[2] / "plugin")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("config", [BUILT_IN, *NEWER])
@pytest.mark.parametrize("alias", STORED)
def test_stored_aliases_resolve_in_every_built_in_config(config: str, alias: str) -> None:
    assert ColorConfig.load(config).has(alias)


@pytest.mark.parametrize("config", NEWER)
def test_every_name_of_another_config_that_has_the_space_finds_it(config: str) -> None:
    # A project that names a space as Nuke or Resolve showed it opens under the pinned config, and the other way.
    other = ColorConfig.load(config)
    for ours, theirs in ((STUDIO, other), (other, STUDIO)):
        for space in theirs.names():
            known = theirs.interop_id(space)
            if known is None or ours.space_for_interop_id(known) is None:
                continue
            found = {ours.resolve(name) for name in (space, alias_of(known) or known)}
            assert len(found) == 1, space


def test_names_are_found_by_alias_role_id_and_in_any_case() -> None:
    for name in ("acescg", "LIN_AP1", "scene_linear", "lin_ap1_scene", "ACES - ACEScg"):
        assert STUDIO.resolve(name) == "ACEScg"
    assert STUDIO.resolve("sRGB Encoded Rec.709 (sRGB)") == "sRGB - Texture"
    assert STUDIO.resolve("ocio:arrilogc3_awg3_scene") == "ARRI LogC3 (EI800)"
    for working in (SCENE, DENSITY, DISPLAY):
        assert STUDIO.resolve(working) == working
    with pytest.raises(UsageError, match="footage's own code values"):
        STUDIO.resolve(VIDEO)


def test_a_wrong_name_suggests_the_right_one() -> None:
    with pytest.raises(UsageError, match=r"no colour space 'rec2100_pq_dsplay'.*did you mean 'rec2100_pq_display'"):
        STUDIO.resolve("rec2100_pq_dsplay")


def test_kinds_of_space_are_known() -> None:
    assert STUDIO.is_data("Raw")
    assert not STUDIO.is_data(SCENE)
    assert STUDIO.is_display("rec2100_pq_display")
    assert STUDIO.is_display(DISPLAY)
    assert not STUDIO.is_display("srgb_tx")
    assert STUDIO.encoding("arri_logc4") == "log"
    assert STUDIO.encoding(SCENE) == "scene-linear"
    assert STUDIO.scene_linear == "ACEScg"


def test_data_is_not_converted() -> None:
    with pytest.raises(UsageError, match="'Raw' is a data space"):
        STUDIO.hop("Raw", SCENE)
    assert STUDIO.hop("Raw", "Utility - Raw").is_identity


def test_standard_definition_displays_are_added_to_every_config() -> None:
    for config in (BUILT_IN, *NEWER):
        loaded = ColorConfig.load(config)
        for lines in ("525", "625"):
            assert loaded.is_display(f"rec1886_rec601_{lines}_display")


def test_interop_ids_are_those_that_the_newest_config_gives_itself() -> None:
    # v4.0.0 carries the ids (OCIO 2.5); ours for v2.1.0 come from the table
    newest = ColorConfig.load(NEWER[2])
    for space in newest.names():
        own = newest.interop_id(space)
        if own and own != "ocio:g24_rec709_scene":  # the Forum's list has it without the namespace
            assert id_of(newest.aliases(space)) == own
            assert newest.space_for_interop_id(own) == space


@pytest.mark.parametrize("interop_id", ids())
def test_an_id_finds_the_space_that_carries_it(interop_id: str) -> None:
    space = STUDIO.space_for_interop_id(interop_id)
    if space is not None:
        assert STUDIO.interop_id(space) == interop_id.replace("ocio:g24", "g24")


def test_an_unknown_id_is_nothing() -> None:
    assert STUDIO.space_for_interop_id("unknown") is None
    assert STUDIO.space_for_interop_id("studio:their_log") is None
    assert STUDIO.interop_id("P3-DCI - Display") is None
    assert STUDIO.interop_id(SCENE) == "lin_ap1_scene"
    assert STUDIO.interop_id(DISPLAY) is None
    local = f"{BUILT_IN.removeprefix('ocio://')}:arri_logc3_ei800"
    assert STUDIO.space_for_interop_id(local) == "ARRI LogC3 (EI800)"


REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)


@pytest.mark.parametrize(
    ("header", "space", "assumed"),
    [
        ({"acesImageContainerFlag": 1, "colorInteropID": "lin_rec709_scene"}, "ACES2065-1", False),
        ({"acesImageContainerFlag": 0, "colorInteropID": "lin_rec709_scene"}, "lin_rec709_srgb", False),
        ({"colorInteropID": "data", "chromaticities": REC709}, "Raw", False),
        ({"colorInteropID": "unknown", "chromaticities": REC709}, "lin_rec709_srgb", True),
        ({"colorInteropID": "house:odd", "chromaticities": REC709}, None, False),
        ({"chromaticities": tuple(v + 0.0009 for v in REC709)}, "lin_rec709_srgb", True),
        ({"chromaticities": tuple(v + 0.002 for v in REC709)}, None, False),
        ({"chromaticities": (0.64, 0.33)}, None, False),
        ({}, None, False),
    ],
)
def test_a_header_is_read_in_the_forums_order(header: dict[str, object], space: str | None, assumed: bool) -> None:
    found = identify(header)
    assert (found.space, found.assumed) == (space, assumed)
    assert found.interop_id == header.get("colorInteropID")
    assert found.how


def test_chromaticities_name_their_linear_space() -> None:
    for name in ("lin_ap0_scene", "lin_ap1_scene", "lin_p3d65_scene", "lin_rec2020_scene", "lin_adobergb_scene"):
        values = chromaticities_of(name)
        assert values is not None
        assert linear_id_of(values) == name
    assert chromaticities_of("ocio:arrilogc3_awg3_scene") is None


@pytest.mark.parametrize(
    ("tags", "alias"),
    [
        ((1, 1, 1), "rec1886_rec709_display"),
        ((1, 13, 0), "srgb_display"),
        ((9, 16, 9), "rec2100_pq_display"),
        ((9, 18, 9), "rec2100_hlg_display"),
        ((9, 14, 9), "rec1886_rec2020_display"),
        ((12, 16, 6), "st2084_p3d65_display"),
        ((12, 13, 1), "displayp3_display"),
        ((6, 6, 6), "rec1886_rec601_525_display"),
        ((5, 6, 5), "rec1886_rec601_625_display"),
        ((2, 1, 1), None),
        ((1, 2, 1), None),
        ((2, 2, 2), None),
        ((9, 11, 9), None),
    ],
)
def test_stream_tags_name_a_space_or_nothing(tags: tuple[int, int, int], alias: str | None) -> None:
    assert STUDIO.space_for_tags(Tags(*tags)) == (STUDIO.resolve(alias) if alias else None)


def test_tags_written_for_a_space_lead_back_to_it() -> None:
    written = 0
    for space in STUDIO.names():
        tags = STUDIO.tags(space)
        if tags is None or not STUDIO.is_display(space):
            continue
        assert STUDIO.space_for_tags(tags) == space
        written += 1
    assert written == 11
    assert STUDIO.tags("ACEScg") is None
