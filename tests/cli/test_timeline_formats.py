"""``wetgate render`` of EDL, FCPXML, Final Cut Pro 7 XML and AAF: files as the adapters and as editors write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from cli.conftest import Ran
from support.engine_nodes import declared
from support.timelines import clip, load, plate, save, span, time, timeline

Run = Callable[..., Ran]
ADAPTERS = {".edl": "cmx_3600", ".fcpxml": "fcpx_xml", ".fcpxmld": "fcpx_xml", ".xml": "fcp_xml", ".aaf": "AAF"}


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():
        yield


@pytest.fixture
def plates(tmp_path: Path) -> Path:
    """A: 1001 to 1040; B: 990 to 1019, whose name has a blank."""
    plate(tmp_path / "plates", "A", range(1001, 1041))
    plate(tmp_path / "plates", "B 2", range(990, 1020))
    return tmp_path / "plates"


def need(suffix: str) -> None:
    if ADAPTERS[suffix] not in otio.adapters.available_adapter_names():
        pytest.skip(f"OpenTimelineIO's adapter {ADAPTERS[suffix]} is not installed: pip install wetgate[timelines]")


def restored(folder: Path) -> dict[str, set[int]]:
    out: dict[str, set[int]] = {}
    for path in folder.glob("*/*.exr"):
        out.setdefault(path.parent.name, set()).add(int(path.name.split(".")[-2]))
    return out


def cut(plates: Path) -> Any:
    """Two shots under a dissolve, a gap, and the first shot again; media time begins at 01:00:00:00."""
    a = f"{plates.as_uri()}/A.[1001-1040].exr"
    b = f"{plates.as_uri()}/B%202.0990.exr"
    made = timeline(
        clip("A", otio.schema.ExternalReference(a, span(86400, 40)), span(86405, 10)),
        otio.schema.Transition("mix", "SMPTE_Dissolve", in_offset=time(2), out_offset=time(2)),
        clip("B", otio.schema.ExternalReference(b, span(86400, 30)), span(86412, 10)),
        otio.schema.Gap(source_range=span(0, 12)),
        clip("A again", otio.schema.ExternalReference(a, span(86400, 40)), span(86420, 5)),
    )
    made.global_start_time = time(86400)
    return made


@pytest.mark.parametrize("suffix", [".xml", ".aaf"])
def test_a_cut_that_an_adapter_wrote_is_restored_frame_by_frame(
    run: Run, tmp_path: Path, plates: Path, suffix: str
) -> None:
    need(suffix)
    aaf = suffix == ".aaf"
    made = cut(plates)
    if aaf:  # its writer takes no dissolve that did not come from an AAF
        made.tracks[0].remove(made.tracks[0][1])
    more = {"use_empty_mob_ids": True} if aaf else {}
    otio.adapters.write_to_file(made, str(tmp_path / f"cut{suffix}"), adapter_name=ADAPTERS[suffix], **more)
    done = run("render", tmp_path / f"cut{suffix}", "-o", tmp_path / "out", "-n", "t_gain")
    assert done.code == 0, done.err + done.out
    # The dissolve takes two frames after the first shot's end, and two before the second one's start.
    mix = 0 if aaf else 2
    assert restored(tmp_path / "out") == {
        "A": {*range(1006, 1016 + mix), *range(1021, 1026)},
        "B_2": {*range(1002 - mix, 1012)},
    }
    after = load(tmp_path / "out/cut_restored.otio")
    assert [c.name for c in after.find_clips()] == ["A", "B", "A again"]
    assert len(list(after.find_children(otio.schema.Transition))) == (0 if aaf else 1)
    assert all("/out/" in c.media_reference.target_url for c in after.find_clips())


FCPXML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.10">
  <resources>
    <format id="r0" frameDuration="1/24s" width="1920" height="1080"/>
    <asset id="r1" name="A" start="3600/1s" duration="40/24s" hasVideo="1" format="r0">
      <media-rep kind="proxy-media" src="file:///nowhere/proxy.mov"/>
      <media-rep kind="original-media" src="file://{plates}/A.%5B1001-1040%5D.exr"/>
    </asset>
    <asset id="r2" name="B 2" start="0s" duration="30/24s" hasVideo="1" format="r0">
      <media-rep kind="original-media" src="file://localhost{plates}/B%202.0990.exr"/>
    </asset>
  </resources>
  <library><event name="day 1"><project name="cut">
    <sequence tcStart="3600/1s" tcFormat="NDF" duration="60/24s" format="r0"><spine>
      <asset-clip ref="r1" name="A" offset="3600/1s" start="86405/24s" duration="10/24s"/>
      <gap name="Gap" offset="86410/24s" duration="12/24s" start="3600/1s"/>
      <asset-clip ref="r2" name="B" offset="86422/24s" start="12/24s" duration="10/24s">
        <asset-clip ref="r1" name="over" lane="1" offset="14/24s" start="86425/24s" duration="4/24s"/>
      </asset-clip>
      {more}
    </spine></sequence>
  </project></event></library>
</fcpxml>
"""


def fcpxml(folder: Path, plates: Path, more: str = "", bundle: bool = False) -> Path:
    path = folder / ("cut.fcpxmld/Info.fcpxml" if bundle else "cut.fcpxml")
    path.parent.mkdir(exist_ok=True)
    path.write_text(FCPXML.format(plates=plates, more=more), encoding="utf-8")
    return path.parent if bundle else path


@pytest.mark.parametrize("bundle", [False, True], ids=["file", "bundle"])
def test_a_final_cut_file_of_today_is_read_with_its_media_and_its_start(
    run: Run, tmp_path: Path, plates: Path, bundle: bool
) -> None:
    need(".fcpxml")
    done = run("render", fcpxml(tmp_path, plates, bundle=bundle), "-o", tmp_path / "out", "-n", "t_gain")
    assert done.code == 0, done.err + done.out
    assert restored(tmp_path / "out") == {"A": {*range(1006, 1016), *range(1026, 1030)}, "B_2": {*range(1002, 1012)}}
    after = load(tmp_path / "out/cut_restored.otio")
    assert isinstance(after, otio.schema.Timeline)
    assert after.global_start_time == time(86400)
    first = after.tracks[0][0]
    assert (first.name, after.tracks[0].range_of_child_at_index(0)) == ("A", span(0, 10))
    over = next(c for c in after.find_clips() if c.name == "over")
    assert over.parent().range_of_child(over).start_time == time(24)


def test_retimed_and_disabled_clips_of_a_final_cut_file_keep_their_media(
    run: Run, tmp_path: Path, plates: Path
) -> None:
    need(".fcpxml")
    more = """
      <asset-clip ref="r1" name="fast" offset="86432/24s" start="86405/24s" duration="4/24s">
        <timeMap><timept time="0s" value="0s"/><timept time="20/24s" value="40/24s"/></timeMap>
      </asset-clip>
      <asset-clip ref="r1" name="even" offset="86436/24s" start="86405/24s" duration="4/24s">
        <timeMap><timept time="0s" value="0s"/><timept time="40/24s" value="40/24s"/></timeMap>
      </asset-clip>
      <asset-clip ref="r1" name="conformed" offset="86440/24s" start="86405/24s" duration="4/24s">
        <conform-rate srcFrameRate="25"/>
      </asset-clip>
      <asset-clip ref="r2" name="off" offset="86444/24s" start="0s" duration="4/24s" enabled="0"/>"""
    done = run("render", fcpxml(tmp_path, plates, more), "-o", tmp_path / "out", "-n", "t_gain", "--json")
    assert done.code == 3
    import json

    clips = {c["clip"]: c for c in json.loads(done.out.splitlines()[-1])["clips"]}
    assert {n: c["status"] for n, c in clips.items()} == {
        "A": "restored",
        "B": "restored",
        "over": "restored",
        "fast": "failed",
        "even": "restored",
        "conformed": "failed",
        "off": "kept",
    }
    assert "its speed is changed" in clips["fast"]["why"]
    assert clips["fast"]["place"] == "V1 at frame 32"


def test_clips_that_an_adapter_would_lose_are_refused_by_name(run: Run, tmp_path: Path, plates: Path) -> None:
    need(".fcpxml")
    more = '<mc-clip ref="r9" name="interview" offset="86432/24s" duration="4/24s"/>'
    done = run("render", fcpxml(tmp_path, plates, more), "-o", tmp_path / "out", "-n", "t_gain")
    assert done.code == 2
    assert "interview (multicam)" in done.err
    assert not (tmp_path / "out").exists()


FCP7 = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xmeml>
<xmeml version="4"><sequence id="sequence-1"><name>cut</name><duration>60</duration>
  <rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>
  <media><video><track>
    <clipitem id="a"><name>A</name><enabled>TRUE</enabled><duration>40</duration>
      <rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>
      <start>0</start><end>10</end><in>5</in><out>15</out>
      <file id="f1"><name>A</name><pathurl>file://localhost{plates}/A.1001.exr</pathurl><duration>40</duration>
        <rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>
        <timecode><string>01:00:00:00</string><frame>86400</frame><displayformat>NDF</displayformat>
          <rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate></timecode><media><video/></media></file></clipitem>
    <clipitem id="b"><name>fast</name><enabled>TRUE</enabled><duration>40</duration>
      <rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>
      <start>10</start><end>15</end><in>4</in><out>14</out><file id="f1"/>
      <filter><effect><name>Time Remap</name><effectid>timeremap</effectid><effecttype>motion</effecttype>
        <parameter><parameterid>speed</parameterid><name>speed</name><value>{speed}</value></parameter>
        <parameter><parameterid>variablespeed</parameterid><name>v</name><value>0</value></parameter></effect></filter>
    </clipitem>
    <clipitem id="c"><name>off</name><enabled>FALSE</enabled><duration>40</duration>
      <rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>
      <start>15</start><end>20</end><in>20</in><out>25</out><file id="f1"/></clipitem>
    <generatoritem id="t"><name>Title</name><duration>24</duration><rate><timebase>24</timebase></rate>
      <start>40</start><end>60</end><in>0</in><out>20</out>
      <effect><name>Text</name><effectid>Text</effectid><effecttype>generator</effecttype></effect></generatoritem>
  </track></video></media></sequence></xmeml>
"""


@pytest.mark.parametrize(("speed", "code"), [(200, 3), (100, 0)])
def test_a_final_cut_7_file_is_read_and_a_changed_speed_is_not_guessed_at(
    run: Run, tmp_path: Path, plates: Path, speed: int, code: int
) -> None:
    need(".xml")
    (tmp_path / "cut.xml").write_text(FCP7.format(plates=plates, speed=speed), encoding="utf-8")
    done = run("render", tmp_path / "cut.xml", "-o", tmp_path / "out", "-n", "t_gain")
    assert done.code == code, done.err
    own = {*range(1006, 1016)}
    assert restored(tmp_path / "out") == {"A": own if code else {*range(1005, 1010)} | own}
    assert "kept: off (V1 at frame 15): it is disabled" in done.out
    assert "kept: Title" in done.out
    assert ("failed: fast (V1 at frame 10): its speed is changed" in done.out) == bool(code)


def test_an_edl_with_a_dissolve_and_a_speed_is_restored_frame_by_frame(run: Run, tmp_path: Path, plates: Path) -> None:
    need(".edl")
    (tmp_path / "cut.edl").write_text(
        "TITLE: CUT\nFCM: NON-DROP FRAME\n\n"
        "001  A        V     C        00:00:41:19 00:00:42:05 01:00:00:00 01:00:00:10\n"
        "* FROM CLIP NAME: A.[1001-1040].exr\n"
        "002  A        V     C        00:00:42:05 00:00:42:05 01:00:00:10 01:00:00:10\n"
        "002  B        V     D    004 00:00:41:10 00:00:41:20 01:00:00:10 01:00:00:20\n"
        "* FROM CLIP NAME: A.[1001-1040].exr\n"
        "* TO CLIP NAME: B 2.[0990-1019].exr\n"
        "003  B        V     C        00:00:41:20 00:00:42:04 01:00:00:20 01:00:01:01\n"
        "M2   B        048.0                      00:00:41:20\n"
        "* FROM CLIP NAME: B 2.[0990-1019].exr\n"
        "004  AX       V     C        00:00:00:00 00:00:02:00 01:00:01:01 01:00:03:01\n"
        "* FROM CLIP NAME: Title\n"
    )
    done = run("render", tmp_path / "cut.edl", "-o", tmp_path / "out", "--media", plates, "-n", "t_gain")
    assert done.code == 3
    assert "missing: Title" in done.out
    # A goes on for the four frames of the dissolve; at double speed B takes ten frames for five, and one beyond.
    assert restored(tmp_path / "out") == {"A": {*range(1003, 1017)}, "B_2": {*range(994, 1015)}}


def test_a_file_with_several_timelines_is_refused_with_their_names(run: Run, tmp_path: Path, plates: Path) -> None:
    both = otio.schema.SerializableCollection(name="bin", children=[cut(plates), timeline(name="trailer")])
    save(both, tmp_path / "bin.otio")
    done = run("render", tmp_path / "bin.otio", "-o", tmp_path / "out", "-n", "t_gain")
    assert done.code == 2
    assert "holds 2 timelines: cut, trailer" in done.err


def test_an_output_space_that_every_clip_lacks_is_asked_for_before_anything_is_written(
    run: Run, tmp_path: Path, plates: Path
) -> None:
    save(cut(plates), tmp_path / "cut.otio")
    done = run("render", tmp_path / "cut.otio", "-o", tmp_path / "out", "-n", "hdr_lift")
    assert done.code == 2
    assert "--out-space" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suffix", sorted(ADAPTERS))
def test_a_format_whose_adapter_is_not_installed_is_named_with_its_package(
    run: Run, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otio.adapters, "available_adapter_names", lambda: ["otio_json"])
    (tmp_path / f"cut{suffix}").write_text("")
    done = run("render", tmp_path / f"cut{suffix}", "-o", tmp_path / "out")
    assert done.code == 2
    assert "is not installed" in done.err
    assert "pip install otio-" in done.err


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # pyaaf2 leaves the file open
@pytest.mark.parametrize("suffix", sorted(ADAPTERS))
def test_a_damaged_file_of_each_format_gives_one_error(run: Run, tmp_path: Path, suffix: str) -> None:
    need(suffix)
    (tmp_path / f"cut{suffix}").write_bytes(b"001  nonsense <a>")
    done = run("render", tmp_path / f"cut{suffix}", "-o", tmp_path / "out")
    assert done.code == 2
    assert f"cut{suffix}" in done.err
    assert "Traceback" not in done.err
