"""Sequence names: every form of pattern, folders, missing frames, two paddings."""

from __future__ import annotations

from pathlib import Path

import pytest

from wetgate.io.pattern import in_folder, parse_pattern, sequences
from wetgate.spec import UsageError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"")


@pytest.mark.parametrize("form", ["plate.####.exr", "plate.%04d.exr", "plate.@@@@.exr", "plate.[1001-1100].exr"])
def test_every_form_of_pattern_names_the_same_file(form: str) -> None:
    pattern = parse_pattern(Path("shots") / form)
    assert pattern is not None
    assert pattern.path(1001) == Path("shots/plate.1001.exr")
    assert pattern.number_of("plate.1001.exr") == 1001


def test_one_hash_is_one_digit_and_longer_numbers_are_written_in_full() -> None:
    pattern = parse_pattern("a.##.exr")
    assert pattern is not None
    assert [pattern.name(n) for n in (7, 42, 1001, -3)] == ["a.07.exr", "a.42.exr", "a.1001.exr", "a.-3.exr"]


def test_the_sign_counts_as_part_of_the_width_as_in_c() -> None:
    pattern = parse_pattern("a.%04d.exr")
    assert pattern is not None
    assert pattern.name(-5) == "a.-005.exr"
    assert pattern.number_of("a.-005.exr") == -5


def test_the_bracket_form_lists_its_frames() -> None:
    pattern = parse_pattern("a.[0998-1002].exr")
    assert pattern is not None
    assert pattern.numbers == (998, 999, 1000, 1001, 1002)
    assert pattern.name(998) == "a.0998.exr"


def test_a_name_without_a_field_is_no_pattern() -> None:
    assert parse_pattern("plate.1001.exr") is None


def test_two_fields_are_refused() -> None:
    with pytest.raises(UsageError, match="2 frame fields: ####, %02d"):
        parse_pattern("a.####.%02d.exr")


def test_only_names_of_the_right_padding_belong_to_the_sequence(tmp_path: Path) -> None:
    touch(tmp_path, "a.0001.exr", "a.0002.exr", "a.00003.exr", "a.x.exr", "b.0001.exr", ".a.0004.exr.1f.tmp")
    pattern = parse_pattern(tmp_path / "a.####.exr")
    assert pattern is not None
    assert pattern.found() == (1, 2)
    assert pattern.strangers() == ("a.00003.exr",)


def test_one_frame_in_two_paddings_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.0001.exr", "a.1.exr", "a.0002.exr")
    pattern = parse_pattern(tmp_path / "a.####.exr")
    assert pattern is not None
    with pytest.raises(UsageError, match=r"frame 1 .* as a\.0001\.exr and a\.1\.exr"):
        pattern.found()


def test_a_folder_with_one_sequence_is_that_sequence(tmp_path: Path) -> None:
    touch(tmp_path, "plate.0998.exr", "plate.0999.exr", "plate.1000.exr", "notes.txt", "poster.png", ".hidden.01.exr")
    pattern = in_folder(tmp_path)
    assert pattern.label == "plate.####.exr"
    assert pattern.found() == (998, 999, 1000)


def test_unpadded_numbers_in_a_folder_are_one_sequence(tmp_path: Path) -> None:
    touch(tmp_path, *[f"a.{n}.dpx" for n in (8, 9, 10, 11)])
    assert in_folder(tmp_path).found() == (8, 9, 10, 11)


def test_a_hyphen_before_the_number_is_a_minus_only_after_a_separator(tmp_path: Path) -> None:
    touch(tmp_path, "shot-0001.png", "shot-0002.png")
    assert in_folder(tmp_path).found() == (1, 2)
    minus = tmp_path / "minus"
    minus.mkdir()
    touch(minus, "a.-001.exr", "a.0000.exr", "a.0001.exr")
    assert in_folder(minus).found() == (-1, 0, 1)


def test_a_folder_with_two_sequences_lists_them(tmp_path: Path) -> None:
    touch(tmp_path, "a.1.exr", "a.2.exr", "b.0001.png", "b.0002.png")
    with pytest.raises(UsageError) as caught:
        in_folder(tmp_path)
    assert "2 sequences" in str(caught.value)
    assert "a.#.exr (1-2)" in str(caught.value)
    assert "b.####.png (1-2)" in str(caught.value)


def test_a_folder_without_a_sequence_says_what_is_there(tmp_path: Path) -> None:
    touch(tmp_path, "poster.png")
    with pytest.raises(UsageError, match=r"no image sequence, only poster\.png"):
        in_folder(tmp_path)


def test_two_paddings_in_a_folder_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.0001.exr", "a.0002.exr", "a.00003.exr")
    with pytest.raises(UsageError, match="two paddings"):
        sequences(tmp_path)


def test_a_folder_that_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        in_folder(tmp_path / "nowhere")
