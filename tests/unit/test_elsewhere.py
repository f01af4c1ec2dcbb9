"""Frames that other processes make: chunks without a record, the gathering of them, and the claim on an output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import wetgate
from support.engine_nodes import declared
from wetgate.engine.account import Account
from wetgate.engine.claim import ABANDONED_S, Claim
from wetgate.engine.graph import parse_nodes
from wetgate.engine.job import Elsewhere, Job, Outcome, Take
from wetgate.engine.pipeline import Abort
from wetgate.engine.render import analyse_job, render
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame, UsageError


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():
        yield


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    for number in range(1, 13):
        pixels = np.random.default_rng(number).uniform(-0.1, 3, (6, 8, 3)).astype(np.float32)
        wetgate.write(Frame(pixels, "ACEScg", number), tmp_path / "a.####.exr", options=WriteOptions(depth="half"))
    return tmp_path


def job(plate: Path, out: str, *nodes: str, **more: object) -> Job:
    return Job(str(plate / "a.####.exr"), str(plate / out / "x.####.exr"), parse_nodes(nodes), **more)


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def taking(numbers: Sequence[int], analyses: Sequence[str], take: Take, abort: Abort) -> Mapping[int, str]:
    found = {n: take(n) for n in numbers}
    return {n: error.message() for n, error in found.items() if error is not None}


def gathered(whole: Job) -> Outcome:
    return render(whole, elsewhere=taking)


def test_chunks_in_any_order_at_once_and_twice_gather_to_the_bytes_of_one_render(plate: Path) -> None:
    nodes = "t_mean:radius=2", "t_level"
    render(job(plate, "whole", *nodes))
    documents = tuple(analyse_job(job(plate, "parts", *nodes)))
    parts = [replace(job(plate, "parts", *nodes), chunk=True, analyses=documents, frames=f) for f in _pieces()]
    with ThreadPoolExecutor(4) as pool:
        assert not any(outcome.failed for outcome in pool.map(render, parts))
    assert not (plate / "parts/x.wetgate.json").exists()
    done = gathered(replace(job(plate, "parts", *nodes), analyses=documents))
    assert len(done.written) == 12
    assert files(plate / "parts") == files(plate / "whole")


def _pieces() -> list[str]:
    return ["7-12x2", "8-12x2", "1-4", "4-6", "1-3", "9-12"]


def taking_by(accounts: Sequence[Account]) -> Elsewhere:
    """As :func:`taking`, with the makers' accounts."""
    told = {account.entry["frame"]: account for account in accounts}

    def take_all(numbers: Sequence[int], analyses: Sequence[str], take: Take, abort: Abort) -> Mapping[int, str]:
        found = {n: take(n, account=told.get(n)) for n in numbers}
        return {n: error.message() for n, error in found.items() if error is not None}

    return take_all


def test_frames_with_accounts_are_gathered_without_decoding_any(plate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (plate / "a.0004.exr").unlink()
    (plate / "a.0007.exr").unlink()
    held = {"on_missing": "hold", "aov_dir": str(plate / "views")}
    render(job(plate, "whole", "t_gain", **held))
    parts = [job(plate, "parts", "t_gain", **held, chunk=True, accounts=True, frames=f) for f in _pieces()]
    accounts = [account for part in parts for account in render(part).accounts]
    for forbidden in ("wetgate.engine.outputs.file_hash", "wetgate.engine.frames.FrameStore.once"):
        monkeypatch.setattr(forbidden, None)
    done = render(job(plate, "parts", "t_gain", **held), elsewhere=taking_by(accounts))
    assert (len(done.written), done.failed) == (12, {})
    assert files(plate / "parts") == files(plate / "whole")


def test_the_frames_of_a_movie_are_gathered_by_accounts(plate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [Frame(np.full((32, 48, 3), n / 8, np.float32), "rec1886_rec709_display", n) for n in range(4)]
    wetgate.write(frames, plate / "m.mkv", options=WriteOptions(codec="ffv1", rate=Fraction(24)))
    whole = replace(job(plate, "out", "t_gain"), input=str(plate / "m.mkv"), in_space="rec1886_rec709_display")
    accounts = render(replace(whole, chunk=True, accounts=True)).accounts
    monkeypatch.setattr("wetgate.engine.frames.FrameStore.once", None)
    done = render(whole, elsewhere=taking_by(accounts))
    assert (len(done.written), done.failed) == (4, {})


@pytest.mark.parametrize("accounts", [False, True], ids=["without accounts", "with accounts"])
def test_what_is_missing_changed_or_made_by_another_job_is_not_taken_in(plate: Path, accounts: bool) -> None:
    made = render(replace(job(plate, "parts", "t_gain"), chunk=True, accounts=accounts)).accounts
    assert len(made) == (12 if accounts else 0)
    render(replace(job(plate, "other", "t_gain:gain=3"), chunk=True))
    (plate / "parts/x.0003.exr").unlink()
    (plate / "parts/x.0005.exr").write_bytes((plate / "other/x.0005.exr").read_bytes())
    (plate / "parts/x.0006.exr").write_bytes((plate / "parts/x.0007.exr").read_bytes())
    broken = (plate / "parts/x.0008.exr").read_bytes()
    (plate / "parts/x.0008.exr").write_bytes(broken[:-20] + bytes(20))
    (plate / "a.0009.exr").write_bytes(b"")
    done = render(job(plate, "parts", "t_gain"), elsewhere=taking_by(made))
    assert sorted(done.failed) == [3, 5, 6, 8, 9]
    assert "frame 3 was not rendered" in done.failed[3]
    assert "a.0009.exr" in done.failed[9]
    record = json.loads((plate / "parts/x.wetgate.json").read_text())
    assert sorted(map(int, record["failed"])) == [3, 5, 6, 8, 9]
    assert [f["frame"] for f in record["frames"]] == [1, 2, 4, 7, 10, 11, 12]


def test_an_output_that_another_job_is_writing_to_is_refused_with_what_differs(plate: Path) -> None:
    render(replace(job(plate, "out", "t_gain"), chunk=True, frames="1-2"))
    for chunk in (True, False):
        with pytest.raises(UsageError, match=r"another job is writing.*gain.*2\.0, here 3\.0"):
            render(replace(job(plate, "out", "t_gain:gain=3"), chunk=chunk))
    render(job(plate, "out", "t_gain"))  # the same job in one process: the same frames
    gathered(job(plate, "out", "t_gain"))
    render(job(plate, "out", "t_gain:gain=3"))


def test_a_claim_that_nobody_touched_for_an_hour_is_taken_over(plate: Path) -> None:
    render(replace(job(plate, "out", "t_gain"), chunk=True, frames="1-2"))
    claim = plate / "out/x.wetgate.claim"
    old = claim.stat().st_mtime - ABANDONED_S - 1
    os.utime(claim, (old, old))
    render(replace(job(plate, "out", "t_gain:gain=3"), chunk=True, frames="1-2"))
    with pytest.raises(UsageError, match="another job is writing"):
        render(replace(job(plate, "out", "t_gain"), chunk=True, frames="1-2"))


def test_a_damaged_claim_is_not_taken_for_ones_own(plate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wetgate.engine.claim._WRITTEN_WITHIN_S", 0.1)
    (plate / "out").mkdir()
    (plate / "out/x.wetgate.claim").write_text("{")
    with pytest.raises(UsageError, match="remove that file"):
        render(replace(job(plate, "out", "t_gain"), chunk=True))


def test_two_kinds_of_processors_are_noted_in_the_record(plate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wetgate.engine import claim

    render(replace(job(plate, "out", "t_gain"), chunk=True, frames="1-6"))
    monkeypatch.setattr(claim, "machine", lambda: {"architecture": "aarch64", "instructions": ""})
    render(replace(job(plate, "out", "t_gain"), chunk=True, frames="7-12"))
    assert "2 kinds of processors" in " ".join(gathered(job(plate, "out", "t_gain")).notes)
    assert not list((plate / "out").glob("*.claim*"))


def test_one_of_many_at_the_same_moment_makes_the_claim(tmp_path: Path, plate: Path) -> None:
    render(replace(job(plate, "out", "t_gain"), chunk=True, frames="1"))
    content = json.loads((plate / "out/x.wetgate.claim").read_text())

    class Record:
        hash = content["job"]

        def to_json(self) -> dict[str, object]:
            return dict(content["of"])

    def join(_: int) -> None:
        Claim(str(tmp_path / "many")).join(Record())

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(join, range(64)))
    assert json.loads((tmp_path / "many.wetgate.claim").read_text()) == content


def test_a_format_that_holds_no_record_is_refused_where_others_make_the_frames(plate: Path) -> None:
    wanted = replace(job(plate, "out", "t_gain"), output=str(plate / "out/x.####.tga"), chunk=True, out_space="srgb_tx")
    with pytest.raises(UsageError, match=r"no room for a record.*\.exr"):
        render(wanted)


def test_a_movie_is_refused_where_others_make_the_frames(plate: Path) -> None:
    wanted = replace(job(plate, "out", "t_gain"), output=str(plate / "out/x.mov"), out_space="srgb_display")
    for one in (wanted, replace(wanted, chunk=True)):
        with pytest.raises(UsageError, match="many processes cannot write"):
            render(one, elsewhere=None if one.chunk else taking)


@pytest.mark.parametrize("before", [True, False], ids=["loaded before", "loaded by a node"])
def test_a_render_of_one_thread_holds_opencv_to_one(plate: Path, before: bool) -> None:
    code = (
        "import wetgate\n"
        + "import cv2\n" * before
        + f"wetgate.render({str(plate / 'a.####.exr')!r}, {str(plate / 'x.####.exr')!r}, frames='1', threads=1)\n"
        "import cv2\n"
        "assert cv2.getNumThreads() == 1, cv2.getNumThreads()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
