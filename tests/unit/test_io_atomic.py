"""Files that are there whole or not at all: killed writers, full disks, left-overs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wetgate.io import atomic
from wetgate.io.atomic import clean_stale, replacing, stale, write_bytes
from wetgate.io.hashing import file_hash
from wetgate.io.opening import open_sink, open_source
from wetgate.io.pattern import in_folder
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame, FrameError, UsageError

posix = pytest.mark.skipif(os.name != "posix", reason="resource limits and signals of POSIX")
FORMATS = ["a.exr", "a.dpx", "a.tif", "a.png", "a.jpg", "a.tga", "a.hdr"]


def frame(number: int = 0, size: int = 200) -> Frame:
    rng = np.random.default_rng(number)
    return Frame(rng.random((size, size, 3), dtype=np.float32), "", number)


def sink_for(path: Path, *numbers: int) -> Any:
    return open_sink(path, numbers=numbers or [0], options=WriteOptions(), space="", interop_id=None)


def test_the_final_name_appears_only_with_the_whole_file(tmp_path: Path) -> None:
    final = tmp_path / "a.bin"
    with replacing(final) as temporary:
        temporary.write_bytes(b"new")
        assert not final.exists()
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".a.bin.")
        assert temporary.suffix == ".tmp"
    assert final.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    final = tmp_path / "a.bin"
    write_bytes(final, b"old")

    def fail() -> None:
        with replacing(final) as temporary:
            temporary.write_bytes(b"half of the n")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert final.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_symbolic_link_keeps_pointing_at_the_file_that_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    write_bytes(tmp_path / "real" / "a.bin", b"old")
    (tmp_path / "a.bin").symlink_to(tmp_path / "real" / "a.bin")
    write_bytes(tmp_path / "a.bin", b"new")
    assert (tmp_path / "a.bin").is_symlink()
    assert (tmp_path / "real" / "a.bin").read_bytes() == b"new"


def test_a_sync_that_fails_is_a_frame_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", no_space)
    with pytest.raises(FrameError, match=r"No space left on device.*a\.exr.*free space"):
        sink_for(tmp_path / "a.exr").write(frame())
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize("name", FORMATS)
def test_a_disk_that_fills_up_fails_the_frame_keeps_the_old_one_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    """RLIMIT_FSIZE makes the system refuse bytes in the middle of the file, as a full disk does."""
    import resource

    path = tmp_path / name
    sink_for(path).write(frame(0, 16))
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for limit in (1000, 20_000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
            with pytest.raises(FrameError) as caught:
                sink_for(path).write(frame())
            assert name in str(caught.value)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_folder_that_may_not_be_written_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="cannot make the folder"):
        sink_for(tmp_path / "file" / "a.exr")


@posix
def test_a_killed_writer_leaves_no_half_frame_and_its_left_over_can_be_cleaned(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, numpy as np
        from wetgate.io.opening import open_sink
        from wetgate.io.sink import WriteOptions
        from wetgate.spec import Frame
        sink = open_sink(sys.argv[1], numbers=range(100000), options=WriteOptions(), space="", interop_id=None)
        pixels = np.random.default_rng(0).random((400, 400, 3), dtype=np.float32)
        n = 0
        while True:
            sink.write(Frame(pixels, "", n)); n += 1
            print(n, flush=True)
        """
    )
    plugin = str(Path(atomic.__file__).resolve().parents[2])
    hashes = set()
    left_over = 0
    for delay in (0.0, 0.004, 0.011, 0.017):
        folder = tmp_path / str(delay)
        folder.mkdir()
        writer = subprocess.Popen(
            [sys.executable, "-c", script, str(folder / "a.####.exr")],
            env={**os.environ, "PYTHONPATH": plugin},
            stdout=subprocess.PIPE,
        )
        assert writer.stdout is not None
        for _ in range(3):
            writer.stdout.readline()
        time.sleep(delay)
        writer.kill()
        writer.communicate()
        left_over += len(stale(folder))
        hashes |= {file_hash(p) for p in folder.glob("a.*.exr")}
        assert len(in_folder(folder).found()) >= 3
        clean_stale(folder)
        assert all(p.suffix == ".exr" and not p.name.startswith(".") for p in folder.iterdir())
    assert len(hashes) == 1
    assert left_over > 0, "no writer was caught in the middle of a frame"


def test_only_left_overs_of_dead_writers_are_stale(tmp_path: Path) -> None:
    host = atomic._host()
    dead = tmp_path / f".a.0001.exr.{host}.999999999-0.tmp"
    living = tmp_path / f".a.0002.exr.{host}.1-0.tmp"
    foreign_new = tmp_path / ".a.0003.exr.00000000.7-0.tmp"
    foreign_old = tmp_path / ".a.0004.exr.00000000.7-0.tmp"
    for path in (dead, living, foreign_new, foreign_old, tmp_path / "a.0001.exr", tmp_path / ".other.tmp"):
        path.write_bytes(b"")
    old = time.time() - 2 * atomic.FOREIGN_AGE_S
    os.utime(foreign_old, (old, old))
    if os.name == "posix":
        assert set(stale(tmp_path)) == {dead, foreign_old}
    with replacing(tmp_path / "b.exr") as mine:
        mine.write_bytes(b"x")
        assert mine not in stale(tmp_path)
    assert clean_stale(tmp_path, "a.0004.exr") == (foreign_old,)
    clean_stale(tmp_path)
    assert foreign_new.exists()
    assert (tmp_path / "a.0001.exr").exists()


def test_temporary_files_are_no_part_of_a_sequence(tmp_path: Path) -> None:
    sink = sink_for(tmp_path / "a.####.exr", 1, 2)
    sink.write(frame(1, 8))
    sink.write(frame(2, 8))
    (tmp_path / f".a.0003.exr.{atomic._host()}.999999999-0.tmp").write_bytes(b"")
    assert open_source(tmp_path).numbers == (1, 2)
    assert open_source(tmp_path / "a.####.exr").numbers == (1, 2)
    sink.abort()
    assert sorted(p.name for p in tmp_path.glob("a.*.exr")) == ["a.0001.exr", "a.0002.exr"]
