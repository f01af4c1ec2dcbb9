"""What a timeline's references point at, which frames its clips show, and what an editor's note means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from support.timelines import clip, plate, save, sequence_reference, span, time, timeline
from wetgate.engine.clip_graph import graph_of_metadata, graph_of_note
from wetgate.engine.timeline_plan import note_of_marker
from wetgate.engine.timeline_use import Clock, shown, speed_of
from wetgate.io import timeline as timeline_files
from wetgate.io.timeline import read_timeline, video_clips
from wetgate.io.timeline_media import MediaFolders, Place, media_name, new_reference, place_of
from wetgate.spec import UsageError

HERE = Path("/show")


def external(url: str, length: float = 100) -> Any:
    return otio.schema.ExternalReference(target_url=url, available_range=span(0, length))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("/plates/a.[1001-1100].exr", Place("/plates/a.####.exr", 1001)),
        ("/plates/a.%04d.exr", Place("/plates/a.####.exr")),
        ("file:///plates/a%20b.%04d.exr", Place("/plates/a b.####.exr")),
        ("file://localhost/plates/a.mov", Place("/plates/a.mov", 0)),
        ("media/a.mov", Place("/show/media/a.mov", 0)),
        ("../a.####.dpx", Place("/a.####.dpx")),
        ("/plates/100%25.mov", Place("/plates/100%25.mov", 0)),
        ("/plates/still.png", Place("/plates/still.png")),
    ],
)
def test_every_form_of_a_path_is_understood(url: str, place: Place) -> None:
    assert place_of(external(url), HERE, 100) == place


def test_a_numbered_picture_is_the_first_of_its_sequence_where_more_is_used(tmp_path: Path) -> None:
    plate(tmp_path, "a", range(1001, 1004))
    first = str(tmp_path / "a.1001.exr")
    assert place_of(external(first), tmp_path, 3) == Place(str(tmp_path / "a.####.exr"), 1001)
    assert place_of(external(first), tmp_path, 1) == Place(first)


def test_an_image_sequence_reference_keeps_its_first_frame_and_step() -> None:
    reference = sequence_reference(Path("/plates/a.####.exr"), 1001, 10)
    reference.frame_step = 2
    assert place_of(reference, HERE, 10) == Place("/plates/a.####.exr", 1001, 2)


@pytest.mark.parametrize("url", ["http://server/a.mov", "smb://server/a.mov"])
def test_media_that_are_no_files_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="no file"):
        place_of(external(url), HERE, 1)


def test_a_title_has_no_media() -> None:
    with pytest.raises(UsageError, match="a title, a generator, or footage that is offline"):
        place_of(otio.schema.MissingReference(), HERE, 1)


def used(items: list[Any], which: int = 0, rate: float = 24) -> tuple[int, int]:
    made = timeline(*items)
    found = list(made.find_clips())[which]
    return shown(found, Clock(86400, rate, 1001, 1), speed_of(found))


def shot(start: float, length: float, speed: float | None = None, rate: float = 24) -> Any:
    made = clip("a", external("/a.mov"), span(start, length, rate))
    if speed is not None:
        made.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
    return made


@pytest.mark.parametrize(
    ("speed", "frames"),
    [
        (None, (10, 19)),
        (1.0, (10, 19)),
        (2.0, (10, 29)),
        (0.5, (10, 14)),
        (1.25, (10, 22)),
        (0.0, (10, 10)),
        (-1.0, (0, 19)),
    ],
)
def test_a_speed_stretches_the_range_in_the_media(speed: float | None, frames: tuple[int, int]) -> None:
    assert used([shot(86410, 10, speed)]) == frames


def test_a_transition_needs_the_frames_under_its_overlap() -> None:
    wipe = otio.schema.Transition(transition_type="SMPTE_Dissolve", in_offset=time(2), out_offset=time(3))
    cut = [shot(86410, 10), wipe, shot(86450, 10)]
    assert used(cut, 0) == (10, 22)
    assert used([shot(86410, 10), wipe.clone(), shot(86450, 10)], 1) == (48, 59)


def test_a_transition_over_a_faster_clip_needs_as_many_more() -> None:
    wipe = otio.schema.Transition(in_offset=time(2), out_offset=time(3))
    assert used([shot(86410, 10, 2.0), wipe, shot(86450, 10)], 0) == (10, 35)


def test_a_timeline_of_another_rate_covers_every_frame_that_is_touched() -> None:
    # 10 frames of 25 are 0.4 s, which are 9.6 frames of 24, from 1 h on
    assert used([shot(90000, 10, None, 25)]) == (0, 9)
    assert used([shot(90001, 10, None, 25)]) == (0, 10)


def test_a_ramp_is_refused_because_nobody_says_which_frames_it_shows() -> None:
    ramp = shot(86410, 10)
    ramp.effects.append(otio.schema.TimeEffect(effect_name="ramp"))
    with pytest.raises(UsageError, match="its speed changes"):
        speed_of(ramp)


def test_audio_is_left_and_nested_clips_are_found(tmp_path: Path) -> None:
    made = timeline(clip("a", external("/a.mov"), span(0, 5)))
    nest = otio.schema.Stack(name="nest")
    nest.append(otio.schema.Track(kind="Video", children=[clip("nested", external("/b.mov"), span(0, 5))]))
    made.tracks[0].append(nest)
    sound = clip("sound", external("/a.wav"), span(0, 5))
    made.tracks.append(otio.schema.Track("A1", kind="Audio", children=[sound]))
    read = read_timeline(save(made, tmp_path / "cut.otio"))
    assert [c.name for c in video_clips(read)] == ["a", "nested"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "cannot be read"), ('{"a": 1}', "holds no timeline"), ("", "cannot be read")],
)
def test_a_damaged_timeline_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "cut.otio").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_timeline(tmp_path / "cut.otio")


@pytest.mark.parametrize(
    ("suffix", "package"),
    [(".edl", "otio-cmx3600-adapter"), (".aaf", "otio-aaf-adapter"), (".fcpxml", "otio-fcpx-xml-adapter")],
)
def test_an_adapter_that_is_not_installed_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str
) -> None:
    (tmp_path / f"cut{suffix}").write_text("")
    monkeypatch.setattr(otio.adapters, "available_adapter_names", lambda: ["otio_json", "otiod"])
    with pytest.raises(UsageError, match=f"pip install {package}"):
        read_timeline(tmp_path / f"cut{suffix}")


def test_every_suffix_that_is_offered_has_a_package() -> None:
    assert all(package for _, package in timeline_files._ADAPTERS.values())


@pytest.mark.parametrize(
    ("note", "nodes"),
    [
        ("hdr-lift", ["hdr_lift"]),
        (" grain:amount=0.5\nhdr_lift:peak=1000 ", ["grain", "hdr_lift"]),
        ("grain", ["grain"]),
    ],
)
def test_a_note_names_a_preset_or_nodes(note: str, nodes: list[str]) -> None:
    graph = graph_of_note(note, HERE)
    assert graph is not None
    assert [s.node.id for s in graph.steps] == nodes


def test_a_note_names_a_file_beside_the_timeline_or_says_skip(tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_text("graph: wetgate.graph/1\nnodes: [{node: grain}]\n")
    assert graph_of_note("g.yaml", tmp_path).steps[0].node.id == "grain"
    assert graph_of_note("Skip", tmp_path) is None
    assert graph_of_metadata({"graph": {"graph": "wetgate.graph/1", "nodes": []}}, tmp_path).steps == ()
    assert graph_of_metadata({"nodes": ["grain:amount=2"]}, tmp_path).steps[0].values["amount"] == 2


@pytest.mark.parametrize("note", ["", "granny", "grian:amount=1", "grain:amount=abc", "none.yaml"])
def test_a_note_that_means_nothing_is_refused(note: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        graph_of_note(note, tmp_path)


def test_the_notes_of_resolve_and_of_others_are_read() -> None:
    resolve = otio.schema.Marker(name="Wetgate", metadata={"Resolve_OTIO": {"Note": "skip"}})
    plain = otio.schema.Marker(name="wetgate", comment="grain")
    assert note_of_marker(resolve) == "skip"
    assert note_of_marker(plain) == "grain"
    assert note_of_marker(otio.schema.Marker(name="wetgate: hdr-lift")).strip() == "hdr-lift"
    assert note_of_marker(otio.schema.Marker(name="check", comment="grain")) is None


def test_media_are_found_by_file_clip_and_reel_name(tmp_path: Path) -> None:
    plate(tmp_path / "day1", "A001C003", range(1, 4))
    folders = MediaFolders([tmp_path])
    spec = str(tmp_path / "day1" / "A001C003.####.exr")
    for name in ("A001C003", "a001c003.0002.exr", "A001C003.####.exr"):
        assert folders.find([name]) == spec
    assert folders.find(["other"]) is None
    plate(tmp_path / "day2", "A001C003", range(1, 4))
    with pytest.raises(UsageError, match="there 2 times"):
        MediaFolders([tmp_path]).find(["A001C003"])


def test_results_are_named_by_their_media() -> None:
    assert media_name("/a/A001 C003.[0-99].exr") == "A001_C003"
    assert media_name("/a/shot.mov") == "shot"
    assert media_name("/a/sh010/####.exr") == "sh010"


def test_references_are_written_as_the_dialect_has_them(tmp_path: Path) -> None:
    available = span(86404, 20)
    output = str(tmp_path / "a.####.exr")
    resolve = new_reference(output, (1005, 1024), 1, available, "resolve")
    assert resolve.schema_name() == "ExternalReference"
    assert resolve.target_url == str(tmp_path / "a.[1005-1024].exr")
    own = new_reference(output, (1005, 1024), 1, available, "otio")
    assert own.target_url_for_image_number(0) == (tmp_path / "a.1005.exr").as_uri()
    assert own.number_of_images_in_sequence() == 20
    assert place_of(own, HERE, 20) == Place(output, 1005) == place_of(resolve, HERE, 20)
