"""What goes wrong around the worker has a defined end: a status, a message, the source in the picture, a next frame."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.ofx_session import Launch, Session, engine, sdr_pixels, workers
from wetgate.spec import FrameError, Interrupted
from wetgate.surfaces.hosts.bundle import worker_command
from wetgate.surfaces.ofxhost import render_frame

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds the worker's process through /proc")


def stopped(session: Session, instance: Any, act: Callable[[int], None]) -> None:
    """Warm up, stop the worker, and have ``act(pid)`` done when the shim waits for the next frame."""
    session.render(instance, 0)
    [pid] = workers()
    os.kill(pid, signal.SIGSTOP)
    acted = threading.Event()

    def waiting() -> bool:
        if not acted.is_set():
            acted.set()
            act(pid)
        return False

    instance.abort = waiting


def test_a_worker_killed_in_mid_frame_fails_the_frame_and_the_next_one_renders(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift")
    stopped(host, instance, lambda pid: os.kill(pid, signal.SIGKILL))
    failed = render_frame(host.plugin("hdr_lift"), instance, 4.0, keep_failed=True)
    assert failed.failure is not None
    assert instance.persistent is not None
    assert "worker" in instance.persistent.text
    # What a host shows that does not look at the status: the source, not memory that nobody wrote.
    np.testing.assert_array_equal(failed.pixels, sdr_pixels(4))
    np.testing.assert_array_equal(host.render(instance), engine("hdr_lift", 4, alone=False))
    assert instance.persistent is None, "the message stays after a frame that came out"


def test_no_memory_for_a_pool_fails_the_frame_and_not_the_host(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))  # a file that outgrows it raises SIGXFSZ
    try:
        failed = render_frame(host.plugin("hdr_lift"), instance, 4.0, keep_failed=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert failed.failure is not None
    assert "no shared memory" in failed.failure.message()
    np.testing.assert_array_equal(failed.pixels, sdr_pixels(4))
    np.testing.assert_array_equal(host.render(instance), engine("hdr_lift", 4, alone=False))


def test_a_silent_worker_is_taken_for_hung_and_replaced(
    session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WETGATE_HANG_SECONDS", "2")
    host = session()
    instance = host.create("hdr_lift")
    stopped(host, instance, lambda pid: None)
    with pytest.raises(FrameError, match="kOfxStatFailed"):
        host.render(instance)
    np.testing.assert_array_equal(host.render(instance), engine("hdr_lift", 4, alone=False))
    assert len(workers()) == 1


def test_an_abort_ends_the_frame_though_the_worker_does_not_answer(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift")
    host.render(instance, 0)
    [pid] = workers()
    os.kill(pid, signal.SIGSTOP)
    instance.abort = lambda: True
    began = time.monotonic()
    try:
        with pytest.raises(Interrupted):
            host.render(instance)
        # The shim asks every 50 ms and then waits up to a second for the worker (PROTOCOL.md 4).
        assert time.monotonic() - began < 10
    finally:
        os.kill(pid, signal.SIGCONT)
    instance.abort = lambda: False
    np.testing.assert_array_equal(host.render(instance), engine("hdr_lift", 4, alone=False))


_OTHER_SCHEMA = """
import sys, runpy
sys.path.insert(0, {plugin!r})
import wetgate.surfaces.ofx_schema as schema
schema.schema_hash = lambda nodes: bytes(32)
sys.argv = [{main!r}]
runpy.run_path({main!r}, run_name="__main__")
"""
_FLOOD = "import os\nwhile True: os.write(3, os.urandom(65536))\n"
_TRUNCATED = "import os, time\nos.write(3, b'WTG1' + bytes(5))\n"


@pytest.mark.parametrize("fault", ["missing", "dies", "schema", "flood", "truncated"])
def test_a_worker_that_is_none_fails_the_frame_and_a_good_one_then_serves(
    session: Callable[..., Session], launch: Launch, tmp_path: Path, root: Path, fault: str
) -> None:
    good = worker_command()
    scripts = {
        "dies": "raise SystemExit('no numpy here')",
        "schema": _OTHER_SCHEMA.format(plugin=str(root / "plugin"), main=good[-1]),
        "flood": _FLOOD,
        "truncated": _TRUNCATED,
    }
    script = tmp_path / "worker.py"
    script.write_text(scripts.get(fault, ""))
    launch(["/nonexistent/worker"] if fault == "missing" else [good[0], "-I", str(script)])
    host = session()
    instance = host.create("hdr_lift")
    failed = render_frame(host.plugin("hdr_lift"), instance, 4.0, keep_failed=True)
    assert failed.failure is not None
    np.testing.assert_array_equal(failed.pixels, sdr_pixels(4))
    assert instance.persistent is not None
    text = instance.persistent.text
    expected = {"missing": "/nonexistent/worker", "dies": "no numpy here", "schema": "wetgate hosts install"}
    assert expected.get(fault, "worker") in text, text
    launch(good)
    np.testing.assert_array_equal(host.render(instance), engine("hdr_lift", 4, alone=False))


def test_a_hosts_python_settings_do_not_reach_the_worker(
    session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")
    monkeypatch.setenv("PYTHONPATH", "/nonexistent")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nonexistent")
    monkeypatch.setenv("LD_PRELOAD", "/nonexistent.so")
    host = session()
    np.testing.assert_array_equal(host.render(host.create("hdr_lift")), engine("hdr_lift", 4, alone=False))


def test_a_space_that_does_not_exist_is_named_in_the_hosts_message(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift", {"input_space_name": "no_such_space"})
    with pytest.raises(FrameError, match="no_such_space"):
        host.render(instance)
    other = host.create("hdr_lift")
    np.testing.assert_array_equal(host.render(other), engine("hdr_lift", 4, alone=False))


def test_on_error_pass_shows_the_source_in_an_interactive_render(
    session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WETGATE_ALLOW_PASS", "1")
    host = session()
    instance = host.create("hdr_lift", {"input_space_name": "no_such_space", "on_error": "Pass the source"})
    np.testing.assert_array_equal(host.render(instance, interactive=True), sdr_pixels(4))
    assert instance.messages, "a frame that was passed through is said to be"


def test_neither_worker_nor_library_outlives_the_plugin_and_loading_again_works(
    binary: Path, launch: Launch, tmp_path: Path
) -> None:
    # A copy, which no other test of this process has loaded.
    bundle = shutil.copytree(binary.parents[2], tmp_path / binary.parents[2].name)
    own = bundle / binary.relative_to(binary.parents[2])
    for _ in range(2):
        host = Session(own, "natron")
        instance = host.create("hdr_lift")
        host.render(instance)
        assert len(workers()) == 1
        assert str(own) in Path("/proc/self/maps").read_text()
        host.plugin("hdr_lift").destroy(instance)
        host.close()
        deadline = time.monotonic() + 10
        while workers() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert workers() == []
        # Static objects with destructors, or symbols that pin a library, would keep it in memory.
        assert str(own) not in Path("/proc/self/maps").read_text()


def _resident() -> int:
    """Resident memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_and_descriptors_do_not_grow_with_renders_and_instances(session: Callable[..., Session]) -> None:
    host = session()

    def once() -> None:
        instance = host.create("hdr_lift", {"method": "BT.2446 A"})
        for number in range(4):
            host.render(instance, number)
        host.plugin("hdr_lift").destroy(instance)

    for _ in range(5):
        once()
    before, open_before = _resident(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        once()
    # 80 frames of 78 kB: a frame that is kept would show as 6 MB.
    assert _resident() - before < 4 << 20
    assert len(list(Path("/proc/self/fd").iterdir())) <= open_before
