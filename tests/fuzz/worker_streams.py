"""What a shim may send the worker: real sessions, their bytes and descriptors changed at random.

An example is a number; the same number is the same stream. Whatever is sent, the worker answers in due form or ends the
connection, never calls it its own fault (ERROR ``internal``), and serves the next lane.
"""

from __future__ import annotations

import json
import os
import random
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fuzz.foreign import FOREIGN
from support.local_worker import LIFT, PICTURE, TOKEN, Local
from wetgate.surfaces.worker.connection import Connection
from wetgate.surfaces.worker.messages import HEADER, Code, Header, Type, Writer
from wetgate.surfaces.worker.peer import Peer, greet, hello
from wetgate.surfaces.worker.peer_lane import Given, LanePeer
from wetgate.surfaces.worker.pools import MASK

_WORDS = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF0, 1 << 20, (1 << 20) + 1)
# What an answer may take where one is owed; a stream that is cut short is owed none. A machine that has far too much to
# do takes long for everything.
_SOON, _LATEST = 0.02, 60.0
# What is not answered.
_UNANSWERED = (Type.CANCEL, Type.LANE)


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes, and the descriptors that travel with the first, by their names in ``FOREIGN``."""

    data: bytes
    attached: tuple[str, ...] = ()


class _Tap(Connection):
    """Writes down what is sent."""

    sent: list[Sent]

    def send(self, kind: Type, writer: Writer | None = None, request: int = 0, descriptor: int | None = None) -> None:
        body = bytes(writer.body) if writer is not None else b""
        raw = Header(kind, 0 if descriptor is None else 1, len(body), request).pack() + body
        self.sent.append(Sent(raw, () if descriptor is None else ("a pool",)))
        super().send(kind, writer, request, descriptor)


def sessions() -> list[list[Sent]]:
    """Lanes as they really go: frames, a mask, two pools, an analysis, a cancel."""
    local = Local()
    found = []
    try:
        for act in (_frames, _masked, _analysis, _pools):
            tap = _Tap(local.raw())
            tap.sent = []
            greet(tap, 1, TOKEN, local.schema)
            lane = LanePeer(tap)
            act(lane)
            lane.close()
            found.append(tap.sent)
    finally:
        local.close()
    return found


def _frames(lane: LanePeer) -> None:
    for strength in (0.0, 1.0):
        lane.render(replace(LIFT, values={"method": "bt2408", "strength": strength}), [Given(PICTURE)])
    lane.cancel(lane.request)


def _masked(lane: LanePeer) -> None:
    mask = np.full((4, 6, 1), 0.5, np.float32)
    window = [Given(PICTURE, time=t, repeated=t == 2.0) for t in (2.0, 3.0, 4.0)]
    lane.render(LIFT, [*window, Given(mask, MASK)])


def _analysis(lane: LanePeer) -> None:
    lane.analyse(replace(LIFT, values={"method": "adaptive"}), 0, 2, lambda n: Given(PICTURE) if n < 2 else None)


def _pools(lane: LanePeer) -> None:
    numbers = [lane.map(4096) for _ in range(3)]
    for number in numbers[:2]:
        lane.unmap(number)


def example(number: int, seeds: Sequence[Sequence[Sent]]) -> list[Sent]:
    """The stream of a number."""
    chance = random.Random(number)
    stream = list(chance.choice(seeds))
    if chance.random() < 0.2:
        stream += chance.choice(seeds)[1:]
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(stream))
        what = chance.random()
        if what < 0.1:
            del stream[at : at + chance.randint(1, 2)]
        elif what < 0.2:
            stream.insert(at, chance.choice(chance.choice(seeds)))
        elif what < 0.35:
            names = chance.choices(list(FOREIGN), k=chance.choice((0, 1, 1, 1, 2, 3)))
            stream[at] = replace(stream[at], attached=tuple(names))
        else:
            stream[at] = replace(stream[at], data=_changed(stream[at].data, chance))
        if not stream:
            return [Sent(b"")]
    return stream


def _changed(data: bytes, chance: random.Random) -> bytes:
    raw = bytearray(data)
    at = chance.randrange(len(raw)) if raw else 0
    match chance.randrange(7):
        case 0 if raw:
            raw[at] = chance.randrange(256)
        case 1 if raw:
            raw[at] ^= 1 << chance.randrange(8)
        case 2 if len(raw) >= 4:
            at = min(at, len(raw) - 4)
            raw[at : at + 4] = chance.choice(_WORDS).to_bytes(4, "little")
        case 3:
            del raw[at:]
        case 4:
            del raw[at : at + chance.randint(1, 16)]
        case 5:
            raw[at:at] = chance.randbytes(chance.randint(1, 64))
        case _:
            # A body that is changed and whose header says so.
            raw[at:at] = raw[at : at + chance.randint(1, 8)]
            if len(raw) >= HEADER.size:
                raw[8:12] = (len(raw) - HEADER.size).to_bytes(4, "little")
    return bytes(raw)


class Harmed(AssertionError):
    """The worker did what it must not."""


def play(sock: socket.socket, stream: Sequence[Sent], patience: float = _SOON) -> list[str]:
    """Send a stream, end it, and hear the worker out; the names of what it answered. :class:`Harmed`.

    ``patience`` is how long each answer is waited for before the next message goes.
    """
    sock.settimeout(_LATEST)
    heard = _Hearing(sock)
    try:
        for sent in stream:
            _send(sock, sent)
            if int.from_bytes(sent.data[4:6], "little") not in _UNANSWERED:
                heard.within(patience)
        sock.shutdown(socket.SHUT_WR)
    except OSError:  # it has closed: what it said before is still there
        pass
    heard.to_the_end()
    sock.close()
    return heard.names


def _send(sock: socket.socket, sent: Sent) -> None:
    size = int.from_bytes(sent.data[24:32], "little") if len(sent.data) >= 32 else 4096  # of a MAP
    made = [FOREIGN[name](min(size, 1 << 20) or 4096) for name in sent.attached]
    try:
        rest = sent.data
        if made and rest:
            rest = rest[socket.send_fds(sock, [rest], made) :]
        sock.sendall(rest)
    finally:
        for descriptor in made:
            os.close(descriptor)


class _Hearing:
    """The worker's answers, whole messages of them."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._data = b""
        self.names: list[str] = []

    def within(self, seconds: float) -> None:
        """Take what comes up to an answer, or for so long."""
        until = time.monotonic() + seconds
        before = len(self.names)
        while len(self.names) == before and time.monotonic() < until:
            self._sock.settimeout(max(until - time.monotonic(), 0.001))
            if not self._take():
                break
        self._sock.settimeout(_LATEST)

    def to_the_end(self) -> None:
        while self._take():
            pass
        if self._data:
            raise Harmed(f"the worker stopped in the middle of a message: {self._data[:64].hex()}")

    def _take(self) -> bool:
        try:
            part = self._sock.recv(65536)
        except TimeoutError:
            if self._sock.gettimeout() == _LATEST:
                raise Harmed("the worker neither answers nor ends the connection") from None
            return True
        except ConnectionError:  # bytes that it did not read were on their way
            return False
        self._data += part
        while len(self._data) >= HEADER.size:
            header = Header.unpack(self._data[: HEADER.size])
            end = HEADER.size + header.length
            if len(self._data) < end:
                break
            self._note(header, self._data[HEADER.size : end])
            self._data = self._data[end:]
        return bool(part)

    def _note(self, header: Header, body: bytes) -> None:
        if header.type in (Type.BEAT, Type.PROGRESS):
            return
        self.names.append(header.type.name)
        if header.type is Type.ERROR:
            code = Code(int.from_bytes(body[:2], "little"))
            self.names[-1] = f"ERROR {code.name}"
            if code is Code.INTERNAL:
                raise Harmed(f"the worker failed: {body[8:].decode('utf-8', 'replace')}")


def save(path: Path, stream: Sequence[Sent], schema: bytes, token: bytes = TOKEN) -> None:
    """Keep a stream; what belongs to one process and one version is kept by name."""
    events = [
        {
            "data": s.data.replace(token, b"<token" + bytes(26)).replace(schema, b"<schema" + bytes(25)).hex(),
            "attached": list(s.attached),
        }
        for s in stream
    ]
    path.write_text(json.dumps(events, indent=1) + "\n", encoding="utf-8")


def load(path: Path, schema: bytes, token: bytes = TOKEN) -> list[Sent]:
    """A stream that was kept, for this process."""
    stream = []
    for event in json.loads(path.read_text(encoding="utf-8")):
        data = bytes.fromhex(event["data"])
        data = data.replace(b"<token" + bytes(26), token).replace(b"<schema" + bytes(25), schema)
        stream.append(Sent(data, tuple(event["attached"])))
    return stream


def against_process(command: Sequence[str], seconds: float, first: int, kept: Path) -> Iterator[str]:
    """Examples from ``first`` on against a worker of its own process, for so long; lines that say how it went.

    :class:`Harmed` where it dies or does what it must not; the stream is kept in the folder ``kept``.
    """
    seeds = sessions()
    until = time.monotonic() + seconds
    number = first
    answered: dict[str, int] = {}
    with Peer(command) as peer:
        seeds = [[replace(s, data=s.data.replace(TOKEN, peer.token)) for s in stream] for stream in seeds]
        for stream in seeds:  # all libraries are there before anything is counted
            play(peer.raw_lane()._socket, stream)
        files, memory = _open_files(peer.pid), _resident(peer.pid)
        while time.monotonic() < until:
            stream = example(number, seeds)
            connection = peer.raw_lane()
            try:
                for name in play(connection._socket, stream):
                    answered[name] = answered.get(name, 0) + 1
                if peer.wait(0) is not None:
                    raise Harmed(f"the worker ended with {peer.status}: {peer.errors()}")
            except Harmed as harm:
                kept.mkdir(parents=True, exist_ok=True)
                save(kept / f"{number}.json", stream, peer.schema, peer.token)
                raise Harmed(f"example {number}, kept in {kept}: {harm}") from None
            number += 1
        lane = peer.lane()
        if lane.render(LIFT, [Given(PICTURE)]).picture != 1:
            raise Harmed("the worker makes no frame any more")
        lane.close()
        _settle(lambda: _open_files(peer.pid) <= files)
        grown = _resident(peer.pid) - memory
    yield f"worker: {number - first} streams; answers " + ", ".join(f"{k} {v}" for k, v in sorted(answered.items()))
    yield f"worker: descriptors as before, memory grew by {grown >> 10} KiB"


def controls(number: int, schema: bytes) -> list[Sent]:
    """A stream for a control connection: HELLO and LANE, changed."""
    chance = random.Random(number)
    first = Sent(
        Header(Type.HELLO, 0, len(hello(0, TOKEN, schema).body), 0).pack() + bytes(hello(0, TOKEN, schema).body)
    )
    lane = Sent(Header(Type.LANE, 1, 0, 0).pack(), ("a socket",))
    stream = [first, *[lane] * chance.randint(0, 3)]
    at = chance.randrange(len(stream))
    if chance.random() < 0.5:
        stream[at] = replace(stream[at], attached=tuple(chance.choices(list(FOREIGN), k=chance.randint(0, 2))))
    else:
        stream[at] = replace(stream[at], data=_changed(stream[at].data, chance))
    return stream


def _open_files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _settle(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        if time.monotonic() > until:
            raise Harmed("the worker keeps descriptors of lanes that have ended")
        time.sleep(0.02)
