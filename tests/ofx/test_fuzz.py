"""A short run of what ``bootstrap.py fuzz`` does for hours, and every input that it ever failed on.

The runs are the same each time: libFuzzer and the changes of the streams begin with a number.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz import frames, seeds, shim_targets
from fuzz.worker_streams import Sent, controls, example, load, play, sessions
from support.local_worker import TOKEN, Local

RUNS = {"session": 1_500, "launch": 20_000, "host": 1_500}
STREAMS, CONTROLS = 120, 40
REGRESSIONS = shim_targets.REGRESSIONS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sanitizers and descriptors as Linux has them")


@pytest.fixture(scope="module")
def programs() -> dict[str, Path]:
    try:
        with shim_targets.alone():
            return shim_targets.build(shim_targets.compiler(), workers=2)
    except OSError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    made = Local()
    assert made.works()  # with all libraries there
    yield made
    assert made.works()
    made.close()


@pytest.fixture(scope="module")
def streams() -> list[list[Sent]]:
    return sessions()


@pytest.mark.parametrize("name", shim_targets.TARGETS)
def test_nothing_that_is_said_to_the_shim_makes_it_read_past_an_end(
    programs: dict[str, Path], tmp_path: Path, name: str
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    seeds.write(name, corpus)
    # A host may ask for large frames, whose pools count as resident: the shim, not libFuzzer, says what is too much.
    options = ["-seed=1", f"-runs={RUNS[name]}", "-max_len=1024", "-rss_limit_mb=0", "-malloc_limit_mb=2048"]
    shim_targets.run(programs[name], [corpus, *shim_targets.regressions(name)], options, tmp_path / "found", 280)


@pytest.mark.parametrize("part", range(4))
def test_no_stream_of_messages_and_descriptors_harms_the_worker(
    local: Local, streams: list[list[Sent]], part: int
) -> None:
    for number in range(part * STREAMS // 4, (part + 1) * STREAMS // 4):
        play(local.raw(), example(number, streams))


def test_a_stream_that_is_not_changed_is_answered_to_its_end(local: Local, streams: list[list[Sent]]) -> None:
    for stream in streams:
        names = play(local.raw(), stream, patience=20)
        assert names[0] == "WELCOME"
        assert not any(name == "ERROR PROTOCOL" for name in names), names


def test_no_control_connection_harms_the_worker() -> None:
    for number in range(CONTROLS):
        made = Local(greets=False)
        play(made.control._socket, controls(number, made.schema))
        made.thread.join(20)
        assert not made.thread.is_alive(), f"stream {number}: the worker goes on after its host has gone"


def test_what_once_harmed_the_worker_does_so_no_more(local: Local) -> None:
    for path in sorted((REGRESSIONS / "worker").glob("*.json")):
        play(local.raw(), load(path, local.schema, TOKEN))


@pytest.mark.parametrize("seed", [0, 1000])
def test_workers_that_break_the_protocol_end_no_host_and_the_next_frame_comes_out(
    binary: Path, tmp_path: Path, seed: int
) -> None:
    try:
        host, worker = frames.faults(tmp_path), frames.worker(tmp_path)
    except OSError as error:
        pytest.skip(str(error))
    said = frames.survive(host, worker, binary, tmp_path, seed, 15)
    assert int(said.split()[1]) > 0, "the workers did no harm"


def test_each_call_of_the_system_may_fail_in_a_frame_and_the_next_one_comes_out(binary: Path, tmp_path: Path) -> None:
    try:
        host, worker = frames.faults(tmp_path), frames.worker(tmp_path)
    except OSError as error:
        pytest.skip(str(error))
    figures = frames.starve(host, worker, binary, tmp_path)
    for name in ("cold_malloc", "cold_posix_fallocate", "cold_mmap", "cold_posix_spawn", "cold_recv", "warm_malloc"):
        failed, fired = figures[name]
        assert fired > 0, f"{name} was never asked for"
        assert failed > 0, f"{name} failed and no frame did"
