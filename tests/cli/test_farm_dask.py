"""``wetgate render --engine dask`` on a real cluster on loopback: workers that die, lie, or are another version."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import wetgate
from cli.conftest import Ran, child, picture
from support.engine_nodes import declared
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame

pytest.importorskip("distributed", reason="Dask is not installed: pip install wetgate[farm]")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="workers are killed by signals")

PATIENCE_S = 240  # a machine that does much else; no test waits for it where all is well
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(ROOT / "plugin"), str(ROOT / "tests")]),
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "false",
}
Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():
        yield


class Cluster:
    """A scheduler and worker processes, each of one thread, without nannies: who is killed stays dead."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--no-show")
        self.workers: list[subprocess.Popen[bytes]] = []
        _wait_for(lambda: self._file.exists() and self._file.read_text().strip().endswith("}"))
        self.address = str(json.loads(self._file.read_text())["address"])

    def add(self, *more: str) -> subprocess.Popen[bytes]:
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0", "--host", "127.0.0.1"]
        worker = self._start("worker", *options, "--local-directory", str(self._folder), *more)
        self.workers.append(worker)
        return worker

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--scheduler-file", str(self._file), *options]
        log = (self._folder / f"{what}-{len(getattr(self, 'workers', []))}.log").open("wb")
        with log:
            return subprocess.Popen(command, env=ENVIRONMENT, cwd=self._folder, stdout=log, stderr=log)

    def wait_for_workers(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            _wait_for(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == count)

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@contextmanager
def cluster(folder: Path, workers: int, *more: str) -> Iterator[Cluster]:
    folder.mkdir(exist_ok=True)
    made = Cluster(folder)
    try:
        for _ in range(workers):
            made.add("--preload", "support.dask_nodes", *more)
        made.wait_for_workers(workers)
        yield made
    finally:
        made.close()


def make(folder: Path, count: int) -> Path:
    for number in range(1001, 1001 + count):
        frame = Frame(picture(number, (6, 8)), "ACEScg", number)
        wetgate.write(frame, folder / "plate.####.exr", options=WriteOptions(depth="half", compression="none"))
    return folder / "plate.####.exr"


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file()}


def dask(address: str, *more: object) -> list[object]:
    return ["--engine", "dask", "--scheduler", address, *more]


def frames_in(folder: Path) -> int:
    return len(list(folder.glob("x.*.exr")))


def _wait_for(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.05)


def test_three_workers_of_which_one_is_killed_give_the_bytes_of_one_process(tmp_path: Path, run: Run) -> None:
    footage = make(tmp_path / "in", 36)
    nodes = ["-n", "t_level", "-n", "t_mean:radius=2", "-n", "t_slow:seconds=0.1"]
    with cluster(tmp_path / "dask", 3) as three:
        asked = ["render", footage, "-o", "out/x.####.exr", *nodes, *dask(three.address, "--chunk", 6)]
        process = child(*asked, cwd=tmp_path)
        _wait_for(lambda: frames_in(tmp_path / "out") >= 4)
        three.workers[1].send_signal(signal.SIGKILL)
        out, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, said
        assert "was lost at frames" in said
        assert "36 frames written" in out
    whole = child("render", footage, "-o", "whole/x.####.exr", *nodes, cwd=tmp_path)
    whole.communicate(timeout=PATIENCE_S)
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_one_cluster_is_interrupted_resumed_lied_to_and_shared(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    footage = make(tmp_path / "in", 12)
    with cluster(tmp_path / "dask", 2, "--resources", "GPU=1") as two:
        # A frame that is broken in the source fails as it does in one process; all others are there.
        broken = (tmp_path / "in/plate.1004.exr").read_bytes()
        (tmp_path / "in/plate.1004.exr").write_bytes(b"")
        asked = ["render", footage, "-n", "t_gain", "--resources", "GPU=1"]
        done = run(*asked, "-o", "broken/x.####.exr", *dask(two.address, "--chunk", 4))
        assert done.code == 3, done.err
        assert "1 frame failed: 1004" in done.out
        assert run("render", footage, "-n", "t_gain", "-o", "alone/x.####.exr").code == 3
        assert files(tmp_path / "broken") == files(tmp_path / "alone")
        (tmp_path / "in/plate.1004.exr").write_bytes(broken)

        # Interrupted, it ends soon, leaves whole frames alone, and goes on where it was.
        slow = ["render", footage, "-o", "out/x.####.exr", "-n", "t_slow:seconds=0.3", *dask(two.address, "--chunk", 6)]
        process = child(*slow, cwd=tmp_path)
        _wait_for(lambda: frames_in(tmp_path / "out") >= 2)
        # Meanwhile another job that is sent to the same output is refused.
        other = run("render", footage, "-o", "out/x.####.exr", "-n", "t_slow:seconds=0.2", *dask(two.address))
        assert other.code == 2
        assert "another job is writing" in other.err
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 130, said
        stopped = frames_in(tmp_path / "out")
        assert stopped < 12
        time.sleep(1)
        assert frames_in(tmp_path / "out") == stopped, "a worker went on"
        assert not list((tmp_path / "out").glob(".*.tmp"))
        again = run(*slow, "--resume")
        assert again.code == 0, again.err
        assert f"{stopped} frames kept" in again.out
        assert run("verify", tmp_path / "out", "--source", footage).code == 0

        # A frame that was damaged on the disk after its worker said that it was done does not count.
        resumed = tmp_path / "out/x.1007.exr"
        resumed.write_bytes(resumed.read_bytes()[:-8] + bytes(8))
        mended = run(*slow, "--resume")
        assert mended.code == 0, mended.err
        assert "1 frame written" in mended.out

        # A worker of another version is named and not used.
        refused = run(*asked, "-o", "v/x.####.exr", "--resources", "TPU", *dask(two.address))
        assert refused.code == 2
        assert "no worker that offers GPU=1, TPU=1" in refused.err


def test_workers_unlike_the_client_are_refused_by_name(tmp_path: Path, run: Run) -> None:
    footage = make(tmp_path / "in", 2)
    with cluster(tmp_path / "dask", 0) as none:
        empty = run("render", footage, "-o", tmp_path / "x.####.exr", *dask(none.address))
        assert empty.code == 2
        assert "the scheduler has no worker" in empty.err
        none.add()  # without the sample nodes, which are declared here
        none.wait_for_workers(1)
        done = run("render", footage, "-o", tmp_path / "x.####.exr", "-n", "t_gain", *dask(none.address))
    assert done.code == 2
    assert "has nodes " in done.err
    assert "install the same versions" in done.err
    assert not frames_in(tmp_path)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "no scheduler is named"),
        (["--scheduler", "tcp://127.0.0.1:9"], "no Dask scheduler answers at tcp://127.0.0.1:9"),
        (["--scheduler", "nonsense://x"], "nonsense"),
        (["--scheduler", "tcp://127.0.0.1:9", "--report", "r.html"], "a report is made of frames"),
        (["--scheduler", "tcp://127.0.0.1:9", "--resources", "GPU=many"], "not NAME=AMOUNT"),
    ],
)
def test_a_cluster_that_cannot_be_used_is_refused(
    run: Run, tmp_path: Path, more: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wetgate.surfaces.farm.cluster.CONNECTS_WITHIN_S", 1.0)
    footage = make(tmp_path / "in", 1)
    done = run("render", footage, "-o", tmp_path / "x.####.exr", "--engine", "dask", *more)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


# --- the rules, without a cluster


class _Fake:
    """A cluster of one process: ``behave`` says what becomes of a chunk; None is a lost worker."""

    def __init__(self, behave: Callable[[tuple[int, ...]], Any]) -> None:
        self.behave = behave
        self.seen: list[tuple[int, ...]] = []
        self.most = 0
        self._open = 0

    def fit(self) -> set[str]:
        return {"a", "b"}

    def present(self) -> set[str]:
        return {"a", "b"}

    def submit(self, chunk: Any, kind: str, request: Any, done: Callable[[Any], None]) -> None:
        self._open += 1
        self.most = max(self.most, self._open)
        self.seen.append(chunk.numbers)
        answer = self.behave(chunk.numbers)

        class Future:
            status = "finished" if answer is not None else "lost"

            def result(self, timeout: float) -> Any:
                return answer

        chunk.future = Future()
        self._open -= 1
        done(chunk)

    def withdraw(self, chunks: Any, told: bool) -> None:
        pass


def _engine(fake: _Fake, chunk: int = 4, retries: int = 1) -> Any:
    from wetgate.surfaces.farm.cluster import DaskEngine, Request

    return DaskEngine(fake, Request({}, {}), chunk, retries, False, lambda text: None)


def test_a_frame_that_loses_every_worker_is_found_and_the_others_are_made() -> None:
    from wetgate.engine.pipeline import Abort
    from wetgate.spec import FrameError

    there: set[int] = set()

    def behave(numbers: tuple[int, ...]) -> Any:
        if 7 in numbers:
            return None
        there.update(numbers)
        return {"exit_code": 0}

    def take(number: int, *, kept: bool = False, account: Any = None) -> FrameError | None:
        return None if number in there else FrameError(f"frame {number} is not there")

    failed = _engine(_Fake(behave), 8)(range(1, 17), [], take, Abort())
    assert list(failed) == [7]
    assert "workers were lost at it" in failed[7]
    assert there == set(range(1, 17)) - {7}


def test_a_worker_that_lies_is_asked_again_and_then_not_believed() -> None:
    from wetgate.engine.pipeline import Abort
    from wetgate.spec import FrameError

    fake = _Fake(lambda numbers: {"exit_code": 0, "written": len(numbers)})

    def take(number: int, *, kept: bool = False, account: Any = None) -> FrameError | None:
        return FrameError(f"frame {number} was not rendered") if number == 2 else None

    failed = _engine(fake, 4, retries=2)([1, 2, 3, 4], [], take, Abort())
    assert failed == {2: "frame 2 was not rendered"}
    assert fake.seen == [(1, 2, 3, 4), (2,), (2,)]
