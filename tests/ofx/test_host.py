"""The OFX host, by a plug-in of ours: pictures come through every profile exactly, and every fault is found."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wetgate
from wetgate.io.sink import WriteOptions
from wetgate.spec import Box, Frame, FrameError, Interrupted, UsageError
from wetgate.surfaces.cli.main import main
from wetgate.surfaces.ofxhost import PROFILES, ClipMedia, Host, Plugin, find_binaries, render_frame, saved_values
from wetgate.surfaces.ofxhost.bundles import arch_folders
from wetgate.surfaces.ofxhost.profiles import Profile
from wetgate.surfaces.ofxhost.running import RunJob, run

HERE = Path(__file__).parent
FAULTS = {
    1: "outside the render window",
    2: "memory outside the output image",
    3: "was not released",
    4: "read without a time",
    5: "pixels of the input clip Source were changed",
    6: "were not given back by Unload",
    8: "which is no status",
    9: "was set while rendering",
    10: "fetched at another time",
    11: "pixels of the render window were not written",
    12: "never gave it out",
    14: "not an image that is held|after its object had gone",
    15: "it was used as int",
}


@pytest.fixture(scope="module")
def gain_binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``plugin.c``, compiled into a bundle of its own."""
    compiler = os.environ.get("CC") or shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler (set CC, or install one) to compile the test plug-in with")
    folder = tmp_path_factory.mktemp("ofx") / "Gain.ofx.bundle" / "Contents" / arch_folders()[0]
    folder.mkdir(parents=True)
    binary = folder / "Gain.ofx"
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden"]
    subprocess.run([compiler, *flags, "-o", str(binary), str(HERE / "plugin.c")], check=True, timeout=60)
    return binary


def _pixels(number: int, channels: int = 4) -> np.ndarray[Any, Any]:
    generator = np.random.default_rng(number)
    return generator.uniform(-0.5, 60, (61, 37, channels)).astype(np.float32)


def _media(channels: int = 4) -> ClipMedia:
    return ClipMedia(lambda n: _pixels(n, channels), 5, 9, 37, 61, channels)


class Session:
    """A host with the plug-in loaded, and an instance of it."""

    def __init__(self, binary: Path, profile: str | Profile) -> None:
        self.host = Host(profile)
        self.plugin = Plugin(self.host, self.host.open(binary), "gain")
        self.plugin.load()
        self.base = 5 if self.host.profile.time_is_index else 0

    def create(self, values: dict[str, Any] | None = None, channels: int = 4, **options: Any) -> Any:
        return self.plugin.create({"Source": _media(channels)}, values, **options)

    def render(self, instance: Any, number: int = 6, **options: Any) -> Any:
        return render_frame(self.plugin, instance, float(number - self.base), **options)


@pytest.fixture(params=sorted(PROFILES))
def any_host(request: pytest.FixtureRequest, gain_binary: Path) -> Iterator[Session]:
    session = Session(gain_binary, request.param)
    yield session
    session.plugin.unload()


@pytest.fixture
def strict(gain_binary: Path) -> Session:
    return Session(gain_binary, "strict")


def test_pixels_come_through_every_profile_exactly(any_host: Session) -> None:
    instance = any_host.create({"gain": 2.0, "offset": (0.5, -0.25, 1.0)})
    made = any_host.render(instance).pixels
    source = _pixels(6)
    expected = source.copy()
    expected[..., :3] = source[..., :3].astype(np.float64) * 2.0 + np.array([0.5, -0.25, 1.0])
    # The plug-in works in double and rounds once, as this does: exact.
    np.testing.assert_array_equal(made, expected)
    assert any_host.host.report.violations == []


def test_frames_rendered_at_once_are_each_their_own(any_host: Session) -> None:
    instance = any_host.create({"gain": 3.0})
    with ThreadPoolExecutor(5) as pool:
        made = list(pool.map(lambda n: any_host.render(instance, n).pixels, range(5, 10)))
    for number, pixels in zip(range(5, 10), made, strict=True):
        np.testing.assert_array_equal(pixels[..., :3], _pixels(number)[..., :3] * np.float32(3))
        np.testing.assert_array_equal(pixels[..., 3], _pixels(number)[..., 3])


def test_three_channels_stay_three_where_the_host_has_them(strict: Session) -> None:
    made = strict.render(strict.create(channels=3)).pixels
    np.testing.assert_array_equal(made, _pixels(6, 3))


def test_a_host_without_rgb_gives_opaque_rgba(gain_binary: Path) -> None:
    resolve = Session(gain_binary, "resolve")
    made = resolve.render(resolve.create(channels=3)).pixels
    np.testing.assert_array_equal(made[..., :3], _pixels(6, 3))
    assert (made[..., 3] == 1).all()


def test_variadic_values_of_every_kind_arrive(strict: Session) -> None:
    instance = strict.create()
    strict.plugin.changed(instance, ["reset"])
    values = saved_values(instance)
    assert values["offset"] == (0.25, 0.5, -0.75)
    assert values["channels"] == (1,)
    assert values["note"] == ("réset",)
    assert instance.params["gain"].get(10.0) == (4.5,)
    assert instance.progress_log == [0.5]


def test_a_message_is_formatted_as_printf_does(strict: Session) -> None:
    instance = strict.create()
    strict.plugin.changed(instance, ["reset"])
    # %5.1f of 99.95 is " 99.95" rounded to the binary value's tenth, 100.0.
    expected = f"-3 of 1.50 steps {99.95:5.1f}% x -5000000000 0.125 7 8 9 end"
    assert instance.messages[-1].text == expected


def test_a_cancelled_progress_is_answered(strict: Session) -> None:
    instance = strict.create()
    instance.cancel_progress = lambda share: True
    strict.plugin.changed(instance, ["reset"])
    assert saved_values(instance)["offset"] == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_is_found_and_named(gain_binary: Path, fault: int) -> None:
    # Only a host that renders in strips has pixels outside the window.
    session = Session(gain_binary, "nuke" if fault == 1 else "strict")
    instance = session.create({"fault": fault})
    try:
        session.render(instance)
    except FrameError:
        assert fault == 8  # a render that answers no status has failed
    session.plugin.destroy(instance)
    session.plugin.unload()
    found = [v.what for v in session.host.report.violations]
    assert any(re.search(FAULTS[fault], what) for what in found), found
    assert all(v.clause for v in session.host.report.violations)


def test_a_string_kept_over_a_call_is_no_longer_what_it_was(gain_binary: Path) -> None:
    made = {}
    for name in ("strict", "natron"):
        session = Session(gain_binary, name)
        made[name] = session.render(session.create({"fault": 13}, context="filter")).pixels
    source = _pixels(6)
    np.testing.assert_array_equal(made["strict"], source)
    np.testing.assert_array_equal(made["natron"][..., :3], source[..., :3] * np.float32(2))


def test_a_failed_render_carries_the_plugins_message(strict: Session) -> None:
    instance = strict.create({"fault": 7})
    with pytest.raises(FrameError, match=r"kOfxStatFailed.*no picture of 7"):
        strict.render(instance)


@pytest.mark.parametrize(("suite", "said"), [("2", True), ("1", False)])
def test_a_host_with_the_first_message_suite_alone_keeps_no_message(gain_binary: Path, suite: Any, said: bool) -> None:
    session = Session(gain_binary, replace(PROFILES["resolve"], message_suite=suite))
    instance = session.create({"fault": 7})
    with pytest.raises(FrameError, match="kOfxStatFailed"):
        session.render(instance)
    assert (instance.persistent is not None) is said


def test_null_message_functions_are_what_a_plugin_finds_in_the_resolve_profile(gain_binary: Path) -> None:
    resolve = Session(gain_binary, "resolve")
    instance = resolve.create({"fault": 7})
    with pytest.raises(FrameError, match="kOfxStatFailed"):
        resolve.render(instance)
    assert instance.persistent is None


def test_an_abort_ends_the_frame(strict: Session) -> None:
    instance = strict.create()
    instance.abort = lambda: True
    with pytest.raises(Interrupted):
        strict.render(instance)


def test_a_proxy_is_half_as_large(strict: Session) -> None:
    made = strict.render(strict.create({"gain": 2.0}), scale=(0.5, 0.5))
    assert made.pixels.shape == (31, 19, 4)
    assert made.bounds == (0, 0, 19, 31)


def test_keys_are_interpolated(strict: Session) -> None:
    instance = strict.create({"gain": {5: 1.0, 7: 3.0}})
    np.testing.assert_array_equal(strict.render(instance, 6).pixels[..., :3], _pixels(6)[..., :3] * np.float32(2))


def test_values_a_parameter_cannot_hold_are_refused(strict: Session) -> None:
    for wrong in ({"gain": "much"}, {"gain": 1e9}, {"channels": "Blue"}, {"offset": (1, 2)}, {"gian": 1}):
        with pytest.raises(UsageError):
            strict.create(wrong)
    with pytest.raises(UsageError, match="'gain'"):
        strict.create({"gian": 1})


def test_a_saved_instance_is_restored(strict: Session) -> None:
    saved = saved_values(strict.create({"gain": 2.0, "channels": "Red"}))
    made = strict.render(strict.create(saved=saved)).pixels
    source = _pixels(6)
    np.testing.assert_array_equal(made[..., 0], source[..., 0] * np.float32(2))
    np.testing.assert_array_equal(made[..., 1:], source[..., 1:])


def test_handles_are_given_back(gain_binary: Path) -> None:
    session = Session(gain_binary, "strict")
    counts = []
    for _ in range(3):
        instance = session.create()
        session.render(instance)
        session.plugin.destroy(instance)
        counts.append(len(session.host.handles))
    assert counts[0] == counts[1] == counts[2]


def test_bundles_are_found_in_folders_and_by_themselves(gain_binary: Path) -> None:
    bundle = gain_binary.parents[2]
    assert list(find_binaries(bundle)) == list(find_binaries(bundle.parent)) == [gain_binary]
    with pytest.raises(UsageError, match="does not exist"):
        list(find_binaries(bundle / "nothing"))


def test_what_is_no_plugin_does_not_load(tmp_path: Path) -> None:
    wrong = tmp_path / "X.ofx"
    wrong.write_bytes(b"no binary")
    with pytest.raises(UsageError, match="does not load"):
        Host().open(wrong)


def _command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = 0
    try:
        main([str(a) for a in arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_list_names_plugins_and_parameters(gain_binary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _command(capsys, "host", "--list", gain_binary.parents[3], "--json")
    assert code == 0
    [entry] = [json.loads(line) for line in out.splitlines()]
    assert entry["id"] == "io.wetgate.test.gain"
    assert entry["contexts"] == ["Filter", "General", "Generator", "Transition"]
    assert entry["params"]["offset"] == "RGB"
    assert _command(capsys, "host", "list", gain_binary.parents[3], "--json")[:2] == (0, out)


def test_the_list_and_a_run_are_not_asked_for_at_once(
    gain_binary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _command(
        capsys, "host", "--list", gain_binary, "run", gain_binary, "gain", tmp_path, "-o", tmp_path / "out"
    )
    assert code == 2
    assert "put them after run" in err
    assert _command(capsys, "host")[0] == 2
    code, _, err = _command(capsys, "host", "--list", tmp_path)
    assert code == 2
    assert "no OFX plug-in" in err


TELL = 16  # no fault: CreateInstance says what it finds
CREATED = {
    "strict": "type=OfxTypeImageEffectInstance connected=1 contexts=4 path=1 set=3 get=3 timeline=0",
    "nuke": "type=OfxTypeImageEffectInstance connected=1 contexts=2 path=1 set=3 get=3 timeline=0",
    "natron": "type=OfxTypeImageEffect connected=0 contexts=4 path=1 set=3 get=3 timeline=0",
    "melt": "type=none connected=-1 contexts=0 path=0 set=0 get=3 timeline=5",
}


@pytest.mark.parametrize("profile", sorted(CREATED))
def test_an_instance_has_at_its_creation_what_the_host_gives_it_then(gain_binary: Path, profile: str) -> None:
    session = Session(gain_binary, profile)
    instance = session.create({"fault": TELL})
    assert re.sub(" loads=.* unloads=[0-9]+", "", instance.messages[0].text) == CREATED[profile]
    session.render(instance)
    assert instance.clips["Source"].props.one("OfxImageClipPropConnected") == 1
    assert session.host.report.violations == []


@pytest.mark.parametrize(("profile", "loads", "unloads"), [("strict", 0, 0), ("melt", 2, 0)])
def test_a_host_that_makes_an_instance_a_frame_loads_each_time_and_unloads_once(
    gain_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str, loads: int, unloads: int
) -> None:
    for number in (1, 2, 3):
        wetgate.write(Frame(_pixels(number), "lin_rec709_srgb", number), tmp_path / f"in.{number:04d}.exr")
    seen = []
    create = Plugin.create

    def watched(self: Plugin, *arguments: Any, **options: Any) -> Any:
        made = create(self, *arguments, **options)
        seen.append([int(n) for n in re.findall("loads=([0-9]+)", made.messages[0].text)])
        return made

    monkeypatch.setattr(Plugin, "create", watched)
    given, made = tmp_path / "in.####.exr", tmp_path / "out.####.exr"
    run(RunJob(str(gain_binary), "gain", str(given), str(made), params={"fault": str(TELL)}, profile=profile))
    assert [n - m for n, m in zip(seen[-1], seen[0], strict=True)] == [loads, unloads]


def test_copying_a_parameter_does_nothing_where_the_host_has_no_such_thing(gain_binary: Path) -> None:
    for profile, copied in (("strict", 2.5), ("resolve", 1.0)):
        session = Session(gain_binary, profile)
        instance = session.create()
        session.plugin.changed(instance, ["reset"])
        assert saved_values(instance)["copied"] == (copied,)


INFINITE, GROWN, HUGE, NO_NUMBER, EMPTY = range(1, 6)


@pytest.mark.parametrize("profile", ["strict", "nuke", "natron"])
def test_an_infinite_region_of_definition_is_the_projects(gain_binary: Path, profile: str) -> None:
    session = Session(gain_binary, profile)
    made = session.render(session.create({"region": INFINITE, "gain": 2.0}))
    x, y = session.host.profile.origin
    assert made.bounds == (x, y, x + 37, y + 61)
    np.testing.assert_array_equal(made.pixels[..., :3], _pixels(6)[..., :3] * np.float32(2))
    assert session.host.report.violations == []


def test_a_region_of_definition_that_no_picture_can_have_fails_the_frame(strict: Session) -> None:
    for region, said in ((HUGE, "10000000x61"), (NO_NUMBER, "nan"), (EMPTY, "0x61")):
        with pytest.raises(FrameError, match=said):
            strict.render(strict.create({"region": region}))
    assert [v.what for v in strict.host.report.violations] == ["the region of definition is [0.0, nan, 37.0, 61.0]"]


def test_a_larger_region_of_definition_is_the_files_data_window(
    gain_binary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = Frame(_pixels(1, 3), "lin_rec709_srgb", 1)
    wetgate.write(frame, tmp_path / "in.0001.exr", options=WriteOptions(depth="float"))
    for name in ("out.####.exr", "out.####.png"):
        code, _, err = _command(
            capsys, "host", "run", gain_binary, "gain", tmp_path / "in.####.exr", "-o", tmp_path / name,
            "-p", f"region={GROWN}", "--profile", "nuke",
        )  # fmt: skip
        assert (code, err) == (0, "")
    made = wetgate.read(tmp_path / "out.0001.exr")[0]
    assert (made.window, made.display) == (Box(-3, -2, 40, 63), Box(0, 0, 37, 61))
    np.testing.assert_array_equal(made.pixels[2:, 3:, :3], _pixels(1, 3))
    assert not made.pixels[:2, :, :3].any()
    assert wetgate.read(tmp_path / "out.0001.png")[0].pixels.shape == (61, 37, 4)


def test_a_generator_takes_size_and_frames_from_the_input(
    gain_binary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wetgate.write(Frame(_pixels(1), "lin_rec709_srgb", 1), tmp_path / "in.0001.exr")
    code, _, err = _command(
        capsys, "host", "run", gain_binary, "gain", tmp_path / "in.####.exr", "-o", tmp_path / "out.####.exr",
        "--context", "generator", "-p", "offset=0.25,0.5,0.75",
    )  # fmt: skip
    assert (code, err) == (0, "")
    made = wetgate.read(tmp_path / "out.0001.exr")[0].pixels
    assert made.shape == (61, 37, 4)
    np.testing.assert_array_equal(made[..., :3], np.broadcast_to(np.float32([0.25, 0.5, 0.75]), (61, 37, 3)))


def test_a_transition_takes_the_input_as_where_it_comes_from(
    gain_binary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("in", "to"):
        frame = Frame(_pixels(len(name), 3), "lin_rec709_srgb", 1)
        wetgate.write(frame, tmp_path / f"{name}.0001.exr", options=WriteOptions(depth="float"))
    common = ("host", "run", gain_binary, "gain", tmp_path / "in.####.exr", "-o", tmp_path / "out.####.exr")
    code, _, err = _command(capsys, *common, "--context", "transition")
    assert code == 2
    assert "needs a picture at SourceTo" in err
    to = f"SourceTo={tmp_path / 'to.####.exr'}"
    code, _, err = _command(capsys, *common, "--context", "transition", "--clip", to, "-p", "Transition=0.5")
    assert (code, err) == (0, "")
    np.testing.assert_array_equal(wetgate.read(tmp_path / "out.0001.exr")[0].pixels, _pixels(2, 3))


@pytest.mark.parametrize("profile", ["strict", "melt", "resolve"])
def test_files_run_through_a_plugin_exactly(
    gain_binary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], profile: str
) -> None:
    for number in (3, 4):
        frame = Frame(_pixels(number), "lin_rec709_srgb", number)
        wetgate.write(frame, tmp_path / f"in.{number:04d}.exr", options=WriteOptions(depth="float"))
    code, out, err = _command(
        capsys, "host", "run", gain_binary.parents[2], "gain", tmp_path / "in.####.exr",
        "-o", tmp_path / "out.####.exr",
        "-p", "gain=2", "-p", "channels=Red", "--profile", profile, "--out-space", "ACEScg",
    )  # fmt: skip
    assert (code, err) == (0, ""), (out, err)
    for number in (3, 4):
        made = wetgate.read(tmp_path / f"out.{number:04d}.exr")[0].pixels
        source = wetgate.read(tmp_path / f"in.{number:04d}.exr")[0].pixels
        np.testing.assert_array_equal(made[..., 0], source[..., 0] * np.float32(2))
        np.testing.assert_array_equal(made[..., 1:], source[..., 1:])
    assert wetgate.read(tmp_path / "out.0003.exr")[0].space == "ACEScg"


def test_the_command_reports_violations_and_failed_frames_by_its_exit_code(
    gain_binary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wetgate.write(Frame(_pixels(1), "lin_rec709_srgb", 1), tmp_path / "in.0001.exr")
    common = ("host", "run", gain_binary, "gain", tmp_path / "in.####.exr", "-o", tmp_path / "out.####.exr")
    code, _, err = _command(capsys, *common, "-p", "fault=3")
    assert code == 3
    assert "violation: an image of Source was not released" in err
    assert "[ofxImageEffect.h, clipReleaseImage]" in err
    code, _, err = _command(capsys, *common, "-p", "fault=7")
    assert code == 3
    assert "no picture of 7" in err
    code, _, err = _command(capsys, *common, "-p", "fault")
    assert code == 2
    assert "name=value" in err
