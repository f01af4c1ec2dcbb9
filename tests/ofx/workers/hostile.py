"""A worker that breaks PROTOCOL.md, as its first argument says. It knows no Wetgate: standard library only.

It answers handshakes as it should (it takes the schema from HELLO), takes lanes and memory, and does its harm where a
RENDER arrives, once; the frames after that come back as they were sent. ``count`` names a file that remembers it.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
import threading
import time
from pathlib import Path

HEADER = struct.Struct("<4sHHII")
HELLO, WELCOME, LANE, BEAT, MAP, OK, UNMAP, RENDER = range(1, 9)
CANCEL, PROGRESS, DONE, ERROR = range(10, 14)
case, memory = sys.argv[1], Path(sys.argv[2])


def message(kind: int, request: int, body: bytes = b"", *, magic: bytes = b"WTG1", length: int | None = None) -> bytes:
    return HEADER.pack(magic, kind, 0, len(body) if length is None else length, request) + body


def receive(sock: socket.socket) -> tuple[int, int, bytes, list[int]]:
    data, fds = b"", array.array("i")
    while len(data) < HEADER.size:
        part, control, _, _ = sock.recvmsg(HEADER.size - len(data), socket.CMSG_SPACE(4))
        if not part:
            raise EOFError
        data += part
        for _, _, raw in control:
            fds.frombytes(raw)
    _, kind, _, length, request = HEADER.unpack(data)
    body = b""
    while len(body) < length:
        part = sock.recv(length - len(body))
        if not part:
            raise EOFError
        body += part
    return kind, request, body, list(fds)


def text(words: str) -> bytes:
    return struct.pack("<I", len(words.encode())) + words.encode()


def welcome(hello: bytes) -> bytes:
    schema = hello[36:68]
    if case == "schema":
        schema = bytes(32)
    return struct.pack("<HH", 1, 0) + schema + struct.pack("<II", os.getpid(), 500) + text("0") + text("")


def middle_source(count: int) -> bytes:
    """DONE whose result is the picture that came."""
    return struct.pack("<B3x", count) + text("")


def harm(sock: socket.socket, request: int, pool: int) -> None:
    done = message(DONE, request, middle_source(0))
    if case.startswith("cut-"):  # the first N bytes of a right answer, and then nothing more
        sock.sendall(done[: int(case.removeprefix("cut-"))])
        os._exit(1)
    if case == "flood":
        for _ in range(20000):
            sock.sendall(message(PROGRESS, request, struct.pack("<d", 0.5)) + message(BEAT, 0))
        sock.sendall(done)
    if case == "hang":
        time.sleep(3600)
    if case == "meddle":
        meddle(pool)
        sock.sendall(done)
    if case == "stowaway":  # right, but for what comes with it
        socket.send_fds(sock, [done], [0, 0])
    if case == "descriptor":
        socket.send_fds(sock, [HEADER.pack(b"WTG1", DONE, 1, 0, request)], [0])
    bodies = {
        "garbage": b"\xff" * 64,
        "magic": message(DONE, request, middle_source(0), magic=b"WTG2"),
        "too-long": message(DONE, request, length=0xFFFFFFFF),
        "other-request": message(DONE, request + 7, middle_source(0)),
        "other-type": message(999, request),
        "no-picture": message(DONE, request, middle_source(77)),
        "reserved": message(DONE, request, b"\0\1\0\0" + text("")),
        "short": message(DONE, request, b"\0"),
        "left-over": message(DONE, request, middle_source(0) + b"x"),
        "lying-text": message(DONE, request, struct.pack("<B3xI", 0, 0xFFFFFFF0)),
        "refusal": message(ERROR, request, struct.pack("<HH", 5, 0) + text("100 %s of %n is wrong")),
        "long-refusal": message(ERROR, request, struct.pack("<HH", 5, 0) + text("100 % \u00e9\n" * 700)),
        "model": message(ERROR, request, struct.pack("<HH", 8, 0) + text("denoise.onnx is not what its manifest says")),
        "memory": message(ERROR, request, struct.pack("<HH", 7, 0) + text("no memory")),
    }
    sock.sendall(bodies.get(case, b""))


def meddle(pool: int) -> None:
    """Try what would have the host read where nothing is, and write down what came of it."""
    size = os.fstat(pool).st_size
    tries = {
        "shrink": lambda: os.ftruncate(pool, 4096),
        "grow": lambda: os.ftruncate(pool, size + 4096),
        "reserve": lambda: os.posix_fallocate(pool, size, 4096),
        "seal": lambda: fcntl.fcntl(pool, 1033, 8),  # F_ADD_SEALS, F_SEAL_WRITE
        "punch": lambda: punch(pool, size),
    }
    outcome = {}
    for name, act in tries.items():
        try:
            act()
        except OSError as error:
            outcome[name] = type(error).__name__
        else:
            outcome[name] = ""
    memory.write_text(json.dumps(outcome), encoding="utf-8")


def punch(file: int, size: int) -> None:
    """Give the pages back to the system (fallocate(2): FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(file, 3, ctypes.c_long(0), ctypes.c_long(size)) != 0:
        raise OSError(ctypes.get_errno(), "fallocate")


def serve(sock: socket.socket) -> None:
    pool = -1
    try:
        while True:
            kind, request, body, fds = receive(sock)
            for fd in fds:
                if kind == LANE:
                    threading.Thread(target=serve, args=(socket.socket(fileno=fd),), daemon=True).start()
                elif case == "meddle":
                    pool = fd
                else:
                    os.close(fd)
            if kind == HELLO:
                sock.sendall(message(WELCOME, 0, welcome(body)))
            elif kind in (MAP, UNMAP):
                sock.sendall(message(OK, request))
            elif kind == RENDER and not memory.exists():
                memory.touch()
                harm(sock, request, pool)
            elif kind == RENDER:
                sock.sendall(message(DONE, request, middle_source(0)))
    except (EOFError, OSError):
        return


if __name__ == "__main__":
    token = os.read(4, 64)
    os.close(4)
    if case == "surroundings":  # no harm: what the process was given
        links = [f"/proc/self/fd/{number}" for number in range(64)]
        held = [int(link.rsplit("/", 1)[1]) for link in links if os.path.lexists(link)]
        given = {"environment": dict(os.environ), "descriptors": held, "arguments": sys.argv[1:], "token": token.hex()}
        memory.write_text(json.dumps(given), encoding="utf-8")
    if case == "mute":
        os._exit(7)
    serve(socket.socket(fileno=3))
