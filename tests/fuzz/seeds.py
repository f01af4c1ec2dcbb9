"""What the shim's targets begin with: the answers of a real worker, and a real launch file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from support.local_worker import LIFT, PICTURE, TOKEN, Local
from wetgate.surfaces.worker.connection import Connection, Message
from wetgate.surfaces.worker.messages import Type
from wetgate.surfaces.worker.peer import greet
from wetgate.surfaces.worker.peer_lane import Given, LanePeer, Refused

# The scripts' words (targets/scripted.cpp): a right answer, and a message of a type with a body that follows.
_RIGHT, _MESSAGE = 0, 6
_RENDERS, _AND_ANALYSES = 1, 4


def write(name: str, folder: Path) -> None:
    """Write the seeds of a target into a folder."""
    made = {"session": _session, "launch": _launch, "host": _host}[name]()
    for number, data in enumerate(made):
        (folder / f"seed-{number}").write_bytes(data)


class _Ear(Connection):
    """Keeps what the worker says."""

    heard: list[tuple[Type, bytes]]

    def receive(self) -> Message:
        message = super().receive()
        self.heard.append((message.type, message.body))
        return message


def _session() -> list[bytes]:
    local = Local()
    try:
        ear = _Ear(local.raw())
        ear.heard = []
        greet(ear, 1, TOKEN, local.schema)
        lane = LanePeer(ear)
        ear.heard.clear()
        lane.render(LIFT, [Given(PICTURE)])
        rendered = list(ear.heard)
        ear.heard.clear()
        lane.analyse(replace(LIFT, values={"method": "adaptive"}), 0, 2, lambda n: Given(PICTURE) if n < 2 else None)
        analysed = [part for part in ear.heard if part[0] in (Type.FETCH, Type.ANALYSED)]
        ear.heard.clear()
        try:
            lane.render(replace(LIFT, values={"strength": 9.0}), [Given(PICTURE)])
        except Refused:
            refused = list(ear.heard)
        lane.close()
    finally:
        local.close()
    # HELLO, LANE, HELLO and MAP are answered rightly, then come the answers as they were.
    opening = bytes([_RIGHT] * 4)
    plain = [bytes([_RENDERS]) + opening + b"".join(map(_said, answers[-1:])) for answers in (rendered, refused)]
    whole = bytes([_RENDERS | _AND_ANALYSES]) + opening + _said(rendered[-1]) + b"".join(map(_said, analysed))
    return [*plain, whole, *(bytes([3, *[0] * n, word]) for n in range(6) for word in range(16))]


def _said(part: tuple[Type, bytes]) -> bytes:
    kind, body = part
    return bytes([_MESSAGE, kind]) + len(body[:2047]).to_bytes(2, "little") + body[:2047]


def _launch() -> list[bytes]:
    whole = {"wetgate": 1, "command": ["/bin/sh", "-I", "-m", "wetgate.surfaces.worker"], "more": [None, True, 1.5e-3]}
    nested = "[" * 17 + "]" * 17
    escaped = rb'{"wetgate":1,"command":["/bin/sh","\u00e9\ud83d\ude00\n"]}'
    return [json.dumps(whole).encode(), escaped, nested.encode(), b""]


def _host() -> list[bytes]:
    return [bytes([node, *[1] * 6, *range(200)]) for node in range(4)] + [bytes([0] * 256), bytes(range(256))]
