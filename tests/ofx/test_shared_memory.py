"""No access to shared pictures can fail: a SIGBUS would end the host, or the worker with every frame that it works on.

That holds where no peer can make a pool smaller, where neither end maps what is none, and where memory that is not
there is refused before it is touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from fuzz import frames
from fuzz.foreign import FOREIGN, memory_file
from support.local_worker import LIFT, PICTURE, TOKEN, Local
from support.ofx_session import Launch, Session, sdr_pixels
from wetgate.surfaces.worker.connection import Closed, Connection
from wetgate.surfaces.worker.messages import Code, Header, Type, Writer
from wetgate.surfaces.worker.peer import Peer, greet
from wetgate.surfaces.worker.peer_lane import Given, Refused

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory files and their seals are Linux's")

SIZE = 64 * 1024
HOSTILE = Path(__file__).parent / "workers" / "hostile.py"
# A process that has reserved this many bytes of addresses cannot map much more (setrlimit(2), RLIMIT_AS).
LIMITED = """
import resource, runpy, sys
sys.argv = sys.argv[2:]
def limit(size): resource.setrlimit(resource.RLIMIT_AS, (size, size))
limit(int({size}))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    made = Local()
    yield made
    made.close()


@pytest.mark.parametrize("name", [name for name in FOREIGN if name != "a pool"])
def test_the_worker_maps_nothing_that_is_no_sealed_pool(local: Local, name: str) -> None:
    sock = local.raw()
    greet(Connection(sock), 1, TOKEN, local.schema)
    before = Path("/proc/self/maps").read_text().count("wetgate-fuzz")
    descriptor = FOREIGN[name](SIZE)
    try:
        header = Header(Type.MAP, 1, 16, 1).pack()
        socket.send_fds(sock, [header + struct.pack("<IIQ", 1, 0, SIZE)], [descriptor])
    finally:
        os.close(descriptor)
    message = Connection(sock).receive()
    assert message.type is Type.ERROR
    # A pool that may not be written to is sound and cannot be mapped for writing.
    expected = Code.MEMORY if name == "a pool that nobody may write" else Code.PROTOCOL
    assert Code(struct.unpack("<H", message.body[:2])[0]) is expected
    assert Path("/proc/self/maps").read_text().count("wetgate-fuzz") == before
    sock.close()
    assert local.works()


def test_a_hole_that_the_host_punches_in_mid_frame_ends_no_worker(command: list[str]) -> None:
    with Peer(command) as peer:
        lane = peer.lane()
        lane.render(LIFT, [Given(PICTURE)])
        file = lane.pools[1].descriptor
        ended = threading.Event()

        def punch() -> None:
            while not ended.is_set():
                subprocess.run(
                    ["fallocate", "--punch-hole", "--offset", "0", "--length", "4096", f"/proc/self/fd/{file}"],
                    pass_fds=[file],
                    capture_output=True,
                    check=True,
                )

        thread = threading.Thread(target=punch)
        thread.start()
        try:
            for _ in range(20):
                lane.render(LIFT, [Given(PICTURE)])
        finally:
            ended.set()
            thread.join()
        assert peer.wait(0) is None
        with pytest.raises(PermissionError):
            os.ftruncate(file, 0)


def test_a_worker_can_neither_shrink_nor_grow_the_hosts_memory_and_a_hole_reads_as_nothing(
    session: Callable[..., Session], launch: Launch, tmp_path: Path
) -> None:
    said = tmp_path / "done"
    launch([sys.executable, "-I", str(HOSTILE), "meddle", str(said)])
    host = session()
    instance = host.create("hdr_lift")
    # The worker names the source as the result, and has punched a hole where it was.
    np.testing.assert_array_equal(host.render(instance), np.zeros_like(sdr_pixels(4)))
    outcome = json.loads(said.read_text(encoding="utf-8"))
    assert outcome == {
        "shrink": "PermissionError",
        "grow": "PermissionError",
        "reserve": "PermissionError",
        "seal": "PermissionError",
        "punch": "",
    }
    np.testing.assert_array_equal(host.render(instance), sdr_pixels(4))


def test_a_descriptor_that_a_worker_slips_in_is_not_kept(
    session: Callable[..., Session], launch: Launch, tmp_path: Path
) -> None:
    launch([sys.executable, "-I", str(HOSTILE), "stowaway", str(tmp_path / "done")])
    host = session()
    instance = host.create("hdr_lift")
    np.testing.assert_array_equal(host.render(instance), sdr_pixels(4))
    held = len(list(Path("/proc/self/fd").iterdir()))
    (tmp_path / "done").unlink()
    np.testing.assert_array_equal(host.render(instance), sdr_pixels(4))
    assert (tmp_path / "done").exists()
    assert len(list(Path("/proc/self/fd").iterdir())) == held


def test_a_pool_that_the_worker_has_no_addresses_for_is_refused_and_the_lane_goes_on(
    command: list[str], tmp_path: Path
) -> None:
    with Peer(_limited(command, tmp_path, 6 << 30)) as peer:
        lane = peer.lane()
        lane.render(LIFT, [Given(PICTURE)])
        size = 8 << 30
        sparse = memory_file(size)  # the pages are not there, nor are they ever asked for
        request = lane.next_request()
        lane.connection.send(Type.MAP, Writer().numbers("IIQ", 9, 0, size), request, sparse)
        os.close(sparse)
        with pytest.raises(Refused) as refused:
            lane.expect(Type.OK, request)
        assert refused.value.code is Code.MEMORY
        assert lane.render(LIFT, [Given(PICTURE)]).picture == 1


def test_a_frame_that_is_too_large_for_the_worker_fails_for_memory_and_the_next_one_comes_out(
    command: list[str], tmp_path: Path
) -> None:
    with Peer(_limited(command, tmp_path, 2 << 30)) as peer:
        lane = peer.lane()
        lane.render(LIFT, [Given(PICTURE)])
        with pytest.raises((Refused, Closed)) as refused:
            lane.render(LIFT, [Given(np.full((6000, 6000, 4), 0.5, np.float32))])
        assert isinstance(refused.value, Refused), "the worker ended"
        assert refused.value.code is Code.MEMORY
        other = peer.lane()
        assert other.render(LIFT, [Given(PICTURE)]).picture == 1


def _limited(command: list[str], folder: Path, size: int) -> list[str]:
    """The worker's command, in a process that may have so many bytes of addresses."""
    script = folder / "limited.py"
    script.write_text(LIMITED.format(size=size), encoding="utf-8")
    return [command[0], "-I", str(script), *command[1:]]


def _memory_group() -> Path | None:
    """This process's memory group, where groups can be made below it."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        first = controllers == "memory"
        group = Path("/sys/fs/cgroup" + ("/memory" if first else "") + path)
        limit = group / ("memory.limit_in_bytes" if first else "memory.max")
        if (first or not controllers) and limit.exists() and os.access(group, os.W_OK):
            return group
    return None


@pytest.mark.parametrize("group", ["memory group", "file size"])
def test_a_picture_for_which_there_is_no_memory_gets_the_hosts_status_for_it(
    binary: Path, tmp_path: Path, group: str
) -> None:
    try:
        host, worker = frames.faults(tmp_path), frames.worker(tmp_path)
    except OSError as error:
        pytest.skip(str(error))
    variables = {**os.environ, **frames.launch_file(tmp_path, str(worker))}
    command = [str(host), str(binary), "io.wetgate.hdr_lift", "huge", "1", "4096x4096"]  # a pool of 512 MiB
    with contextlib.ExitStack() as stack:
        if group == "memory group":
            folder = stack.enter_context(_small_group(128 << 20))
            command = ["/bin/sh", "-c", f'echo $$ > {folder}/cgroup.procs && exec "$@"', "-", *command]
        else:
            command = ["/bin/sh", "-c", 'ulimit -f 4096 && exec "$@"', "-", *command]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "no shared memory for the pictures (512 MiB)" in done.stderr


@contextlib.contextmanager
def _small_group(size: int) -> Iterator[Path]:
    above = _memory_group()
    if above is None:
        pytest.skip("no memory groups can be made here")
    made = above / f"wetgate-test-{os.getpid()}"
    try:
        made.mkdir()
        limit = made / "memory.limit_in_bytes"
        (limit if limit.exists() else made / "memory.max").write_text(str(size))
    except OSError as error:
        with contextlib.suppress(OSError):
            made.rmdir()
        pytest.skip(f"no memory group can be made here: {error}")
    try:
        yield made
    finally:
        made.rmdir()
