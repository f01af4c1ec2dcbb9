"""The worker's end of the protocol holds whatever the other end sends: each fault ends in one answer, and no more.

WETGATE_FUZZ_EXAMPLES=100000 makes a long run of the two fuzz tests.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wetgate
from support.local_worker import LIFT, PICTURE, TOKEN, Local
from wetgate.spec import WorkerError
from wetgate.surfaces.worker.connection import Closed, Connection
from wetgate.surfaces.worker.messages import HEADER, MOST_BODY, Code, Header, Reader, Type, Writer
from wetgate.surfaces.worker.peer import Peer, environment, greet, hello
from wetgate.surfaces.worker.peer_lane import Ask, Given, Refused, SharedFile, refusal
from wetgate.surfaces.worker.pools import OUTPUT

TINY = 64 * 1024
EXAMPLES = int(os.environ.get("WETGATE_FUZZ_EXAMPLES", "250"))


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    made = Local()
    yield made
    made.close()


def answer(sock: socket.socket) -> Refused | None:
    """The ERROR that comes, or None where the connection just ends."""
    sock.settimeout(20)
    connection = Connection.__new__(Connection)
    connection._socket = sock
    while True:
        try:
            message = connection.receive()
        except Closed:
            return None
        if message.type is Type.ERROR:
            return refusal(message)


def greeted(local: Local) -> socket.socket:
    sock = local.raw()
    greet(Connection(sock), 1, TOKEN, local.schema)
    return sock


def message(
    kind: int, body: bytes = b"", *, magic: bytes = b"WTG1", count: int = 0, length: int | None = None
) -> bytes:
    return HEADER.pack(magic, kind, count, len(body) if length is None else length, 1) + body


def render_body(pool: int = 1, **changes: object) -> bytes:
    """A RENDER whose source and output lie in a pool of TINY bytes."""
    writer = Writer()
    LIFT.write(writer)
    writer.numbers("I", 2)
    for role, offset in ((0, 0), (OUTPUT, 512)):
        Given(PICTURE, role).describe(writer, pool, offset)
    return bytes(writer.body)


BAD_HEADERS = {
    "another magic": message(Type.CANCEL, magic=b"RIFF"),
    "an unknown type": message(99),
    "type 0": message(0),
    "two descriptors announced": message(Type.MAP, bytes(16), count=2),
    "a body past the limit": message(Type.RENDER, length=MOST_BODY + 1),
    "a body of 4 GiB": message(Type.RENDER, length=0xFFFFFFFF),
    "a descriptor announced and not sent": message(Type.MAP, bytes(16), count=1),
    "HELLO again": message(Type.HELLO, bytes(hello(1, TOKEN, bytes(32)).body)),
    "a worker's message": message(Type.DONE),
    "LANE on a lane": message(Type.LANE),
    "GIVE that nobody asked for": message(Type.GIVE, struct.pack("<I", 1)),
    "CANCEL with a body": message(Type.CANCEL, b"x"),
    "an empty RENDER": message(Type.RENDER),
    "RENDER without a pool": message(Type.RENDER, render_body(pool=9)),
    "RENDER with bytes left over": message(Type.RENDER, render_body() + b"\0"),
    "UNMAP of what is not mapped": message(Type.UNMAP, struct.pack("<I", 3)),
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_what_is_no_message_ends_its_lane_with_a_protocol_error_and_no_other(local: Local, name: str) -> None:
    sock = greeted(local)
    sock.sendall(BAD_HEADERS[name])
    error = answer(sock)
    assert error is not None
    assert error.code is Code.PROTOCOL
    assert answer(sock) is None  # and then the end
    sock.close()
    assert local.works()


def patched(body: bytes, at: int, form: str, *values: float) -> bytes:
    raw = bytearray(body)
    struct.pack_into("<" + form, raw, at, *values)
    return bytes(raw)


PICTURES = len(render_body()) - 2 * 40
BAD_RENDERS = {
    "a text of 4 GiB": patched(render_body(), 0, "I", 0xFFFFFFFF),
    "a text past its limit": Writer().text("n" * 65, 65).body + render_body()[4 + len("hdr_lift") :],
    "a text with a NUL": patched(render_body(), 4, "B", 0),
    "a text that is not UTF-8": patched(render_body(), 4, "B", 0xFF),
    "time that is no number": patched(render_body(), 4 + 8 + 4, "d", float("nan")),
    "time without end": patched(render_body(), 4 + 8 + 4, "d", float("inf")),
    "time past every frame": patched(render_body(), 4 + 8 + 4, "d", 1e300),
    "render scale 0": patched(render_body(), 4 + 8 + 4 + 8, "d", 0.0),
    "an unknown order of fields": patched(render_body(), 4 + 8 + 4 + 32 + 2, "B", 3),
    "a field that must be 0": patched(render_body(), 4 + 8 + 4 + 32 + 3, "B", 1),
    "a split outside the picture": patched(render_body(), 4 + 8 + 4 + 32 + 4, "d", 1.5),
    "a split that is no number": patched(render_body(), 4 + 8 + 4 + 32 + 4, "d", float("nan")),
    "4 milliard pictures": patched(render_body(), PICTURES - 4, "I", 0xFFFFFFFF),
    "no Output": patched(render_body(), PICTURES + 40, "B", 0),
    "an unknown role": patched(render_body(), PICTURES, "B", 9),
    "no channels": patched(render_body(), PICTURES + 1, "B", 0),
    "an unknown flag": patched(render_body(), PICTURES + 3, "B", 2),
    "the frame marked as repeated": patched(render_body(), PICTURES + 3, "B", 1),
    "an offset past the pool": patched(render_body(), PICTURES + 8, "Q", TINY),
    "an offset past every memory": patched(render_body(), PICTURES + 8, "Q", (1 << 64) - 64),
    "an offset between": patched(render_body(), PICTURES + 8, "Q", 4),
    "bounds inside out": patched(render_body(), PICTURES + 16, "iiii", 6, 4, 0, 0),
    "bounds of all numbers": patched(render_body(), PICTURES + 16, "iiii", -(2**31), -(2**31), 2**31 - 1, 2**31 - 1),
    "a picture larger than its pool": patched(
        patched(render_body(), PICTURES + 16, "iiii", 0, 0, 6, 4000), PICTURES + 56, "iiii", 0, 0, 6, 4000
    ),
    "an Output unlike its Source": patched(render_body(), PICTURES + 41, "B", 7 - PICTURE.shape[2]),
}


@pytest.mark.parametrize("name", BAD_RENDERS)
def test_a_request_that_lies_ends_its_lane_with_a_protocol_error(local: Local, name: str) -> None:
    lane = local.lane()
    lane.map(TINY)
    sock = lane.connection._socket
    sock.sendall(message(Type.RENDER, bytes(BAD_RENDERS[name])))
    error = answer(sock)
    assert error is not None
    assert error.code is Code.PROTOCOL
    lane.close()
    assert local.works()


def test_the_well_formed_request_of_these_tests_is_answered(local: Local) -> None:
    lane = local.lane()
    lane.map(TINY)
    lane.connection._socket.sendall(message(Type.RENDER, render_body()))
    assert lane.expect(Type.DONE, 1).type is Type.DONE
    lane.close()


def test_a_message_may_come_byte_by_byte(local: Local) -> None:
    lane = local.lane()
    lane.map(TINY)
    for byte in message(Type.RENDER, render_body()):
        lane.connection._socket.sendall(bytes([byte]))
    assert lane.expect(Type.DONE, 1).type is Type.DONE
    lane.close()


def test_a_peer_may_die_at_any_byte(local: Local) -> None:
    whole = message(Type.HELLO, bytes(hello(1, TOKEN, local.schema).body)) + message(Type.RENDER, render_body())
    for length in range(0, len(whole), 7):
        sock = local.raw()
        sock.sendall(whole[:length])
        sock.close()
    assert local.works()


def test_a_refused_descriptor_is_closed(local: Local) -> None:
    before = _descriptors()
    for descriptors, count, size in (([1], 0, TINY), ([1, 2], 1, TINY), ([1], 1, 4096)):
        sock = greeted(local)
        shared = SharedFile(TINY)
        body = message(Type.MAP, struct.pack("<IIQ", 1, 0, size), count=count)
        socket.send_fds(sock, [body], [shared.descriptor] * len(descriptors))
        error = answer(sock)
        assert error is not None
        assert error.code is Code.PROTOCOL
        sock.close()
        shared.close()
    _settles(lambda: _descriptors() <= before)


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _settles(condition: object, seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_memory_that_could_still_shrink_is_refused(local: Local, tmp_path: Path) -> None:
    path = tmp_path / "pool"
    path.write_bytes(bytes(TINY))
    unsealed = os.memfd_create("unsealed")
    os.ftruncate(unsealed, TINY)
    with path.open("rb+") as file:
        for descriptor in (file.fileno(), unsealed):
            sock = greeted(local)
            body = message(Type.MAP, struct.pack("<IIQ", 1, 0, TINY), count=1)
            socket.send_fds(sock, [body], [descriptor])
            error = answer(sock)
            assert error is not None
            assert "sealed" in str(error)
            sock.close()
    os.close(unsealed)


def test_a_fifth_pool_is_past_the_limit_and_the_lane_goes_on(local: Local) -> None:
    lane = local.lane()
    for _ in range(4):
        lane.map(TINY)
    with pytest.raises(Refused) as refused:
        lane.map(TINY)
    assert refused.value.code is Code.LIMIT
    lane.unmap(2)
    lane.map(TINY)
    lane.close()


def test_lanes_past_the_limit_are_refused_and_those_before_it_work() -> None:
    local = Local(most_lanes=5)
    lanes = [local.lane() for _ in range(5)]
    with pytest.raises(Refused) as refused:
        local.lane()
    assert refused.value.code is Code.LIMIT
    for lane in lanes:
        lane.render(LIFT, [Given(PICTURE)])
        lane.close()
    _settles(lambda: local.works())
    local.close()


def test_a_flood_of_lanes_and_messages_is_survived() -> None:
    local = Local(most_lanes=5)
    flood = [local.raw() for _ in range(200)]
    for sock in flood:
        sock.close()
    _settles(lambda: not local.server._lanes)
    lane = local.lane()
    for k in range(2000):
        lane.cancel(k + 1)
    assert lane.render(LIFT, [Given(PICTURE)]).picture == 1
    lane.close()
    local.close()


def test_a_second_request_before_the_answer_is_refused(local: Local) -> None:
    lane = local.lane()
    lane.map(TINY)
    ask = Ask("hdr_lift", {"method": "adaptive"}, input_space="ACEScg")
    writer = Writer()
    ask.write(writer)
    writer.raw(render_body()[PICTURES - 4 :]).numbers("ii", 0, 9)
    sock = lane.connection._socket
    sock.sendall(message(Type.ANALYSE, bytes(writer.body)) + message(Type.RENDER, render_body()))
    error = answer(sock)
    assert error is not None
    assert error.code in (Code.PROTOCOL, Code.CANCELLED)
    lane.close()
    assert local.works()


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_no_change_of_a_requests_bytes_harms_the_worker(data: st.DataObject) -> None:
    body = bytearray(render_body())
    for _ in range(data.draw(st.integers(1, 6))):
        kind = data.draw(st.sampled_from(("byte", "word", "cut", "insert")))
        at = data.draw(st.integers(0, max(len(body) - 1, 0)))
        if kind == "byte" and body:
            body[at] = data.draw(st.integers(0, 255))
        elif kind == "word" and len(body) >= 4:
            at = min(at, len(body) - 4)
            body[at : at + 4] = data.draw(
                st.sampled_from((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\x80", b"\0\0\x01\0"))
            )
        elif kind == "cut":
            del body[at : at + data.draw(st.integers(1, 40))]
        else:
            body[at:at] = data.draw(st.binary(min_size=1, max_size=20))
    lane = _FUZZED.lane()
    try:
        lane.map(TINY)
        lane.connection._socket.sendall(message(Type.RENDER, bytes(body)))
        lane.connection._socket.settimeout(20)
        answered = next(m for m in iter(lane.connection.receive, None) if m.type is not Type.BEAT)
    finally:
        lane.close()
    assert answered.type in (Type.DONE, Type.ERROR)
    if answered.type is Type.ERROR:
        assert refusal(answered).code is not Code.INTERNAL, str(refusal(answered))


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=200))
def test_no_stream_of_bytes_harms_the_worker(stream: bytes) -> None:
    sock = _FUZZED.raw()
    sock.sendall(stream)
    sock.shutdown(socket.SHUT_WR)
    error = answer(sock)
    assert error is None or error.code in (Code.PROTOCOL, Code.VERSION, Code.TOKEN)
    sock.close()


@pytest.fixture(scope="module", autouse=True)
def _fuzzed() -> Iterator[None]:
    global _FUZZED
    _FUZZED = Local()
    yield
    assert _FUZZED.works()
    _FUZZED.close()


# --- the process


def test_a_wrong_token_is_refused_and_ends_the_worker(command: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        Peer(command, token=bytes(32))
    assert refused.value.code is Code.TOKEN


def test_other_nodes_are_refused_with_both_versions_and_what_to_do(command: list[str]) -> None:
    with pytest.raises(Refused, match="run wetgate hosts install") as refused:
        Peer(command, schema=bytes(32))
    assert refused.value.code is Code.SCHEMA
    assert wetgate.__version__ in str(refused.value)


def test_another_protocol_is_refused(local: Local) -> None:
    sock = local.raw()
    with pytest.raises(Refused) as refused:
        greet(Connection(sock), 1, TOKEN, local.schema, protocol=2)
    assert refused.value.code is Code.VERSION
    sock.close()


def test_the_worker_ends_with_its_host_also_in_mid_frame(command: list[str]) -> None:
    peer = Peer(command)
    lane = peer.lane()
    big = np.ones((2000, 3000, 4), np.float32)
    lane.start(replace(LIFT, values={"method": "adaptive"}), [Given(big)])
    peer.control.close()
    assert peer.wait(10) == 0
    lane.close()
    peer.close()


def test_a_worker_that_is_killed_ends_its_connections_and_another_starts(command: list[str]) -> None:
    with Peer(command) as peer:
        lane = peer.lane()
        os.kill(peer.pid, signal.SIGKILL)
        with pytest.raises(Closed):
            lane.render(LIFT, [Given(PICTURE)])
        assert peer.wait(10) == -signal.SIGKILL
        lane.close()
    with Peer(command) as peer:
        assert peer.lane().render(LIFT, [Given(PICTURE)]).picture == 1


def test_an_idle_worker_ends_by_itself(command: list[str]) -> None:
    with Peer(command, {**os.environ, "WETGATE_IDLE_SECONDS": "0.2"}) as peer:
        assert peer.wait(10) == 0


def test_the_hosts_python_and_libraries_do_not_reach_the_worker(command: list[str]) -> None:
    poisoned = {**os.environ, "PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere", "LD_LIBRARY_PATH": "/nowhere"}
    assert not {"PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH"} & set(environment(poisoned))
    with Peer(command, poisoned) as peer:
        assert peer.lane().render(LIFT, [Given(PICTURE)]).picture == 1


def test_a_light_node_loads_no_heavy_library(command: list[str]) -> None:
    with Peer(command) as peer:
        peer.lane().render(LIFT, [Given(PICTURE)])
        mapped = Path(f"/proc/{peer.pid}/maps").read_text()
    for name in ("libtorch", "onnxruntime", "libav", "cv2"):
        assert name not in mapped


def test_the_system_ends_the_worker_before_the_host(command: list[str]) -> None:
    with Peer(command) as peer:
        assert int(Path(f"/proc/{peer.pid}/oom_score_adj").read_text()) >= 500


def test_the_worker_keeps_no_descriptor_but_its_own(command: list[str]) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    with Peer(command) as peer:
        held = set()
        for descriptor in Path(f"/proc/{peer.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed since: a file that was being read
                held.add(str(descriptor.readlink()))
        assert held
        assert not any(link.startswith("pipe:") for link in held)
    os.close(reading)
    os.close(writing)


def test_a_command_that_cannot_start_says_why(command: list[str], tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="cannot be started"):
        Peer([str(tmp_path / "none")])
    with pytest.raises(WorkerError, match="No module named"):
        Peer([command[0], "-I", "-m", "wetgate_that_is_not_there"])


def test_logs_are_kept_to_the_latest_few(command: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "wetgate"
    folder.mkdir()
    for k in range(40):
        old = folder / f"worker-{900_000 + k}.log"
        old.write_text("old")
        os.utime(old, (k, k))
    with Peer(command, {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}) as peer:
        assert peer.welcome.log == str(folder / f"worker-{peer.pid}.log")
        assert "host wetgate" in Path(peer.welcome.log).read_text()
        kept = sorted(p.name for p in folder.iterdir())
    assert len(kept) == 16
    assert "worker-900039.log" in kept


def test_without_a_folder_for_logs_it_works_all_the_same(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "wetgate").write_text("a file where the folder should be")
    environ = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    with Peer(command, environ) as peer:
        assert peer.lane().render(LIFT, [Given(PICTURE)]).picture == 1


def test_headers_read_back_as_they_were_written() -> None:
    header = Header(Type.MAP, 1, 16, 7)
    assert Header.unpack(header.pack()) == header
    assert Reader(bytes(Writer().text("é" * 40, 63).body)).text(64) == "é" * 31
