"""A worker's server in the test's own process, so that its faults, threads and nodes are the test's."""

from __future__ import annotations

import socket
import threading

import numpy as np

import wetgate.nodes  # noqa: F401  (declares the nodes)
from wetgate.spec import Image, WorkerError, registry
from wetgate.surfaces.ofx_schema import schema_hash
from wetgate.surfaces.worker.connection import Connection
from wetgate.surfaces.worker.messages import Type
from wetgate.surfaces.worker.peer import greet
from wetgate.surfaces.worker.peer_lane import Ask, Given, LanePeer
from wetgate.surfaces.worker.server import Server

TOKEN = bytes(range(32))
LIFT = Ask("hdr_lift", {"method": "bt2408"}, input_space="ACEScg", time=3.0)
PICTURE: Image = np.random.default_rng(5).random((4, 6, 4), np.float32)


class Local:
    """A served control connection, and lanes on it. :meth:`close` it."""

    def __init__(self, *, greets: bool = True, **options: float) -> None:
        """``greets``: say HELLO; else :attr:`control` is left to the caller."""
        self.schema = schema_hash(registry.nodes())
        ours, theirs = socket.socketpair()
        self.server = Server(TOKEN, self.schema, **options)
        self.thread = threading.Thread(target=self.server.serve, args=(Connection(theirs),), daemon=True)
        self.thread.start()
        self.control = Connection(ours)
        if greets:
            greet(self.control, 0, TOKEN, self.schema)

    def raw(self) -> socket.socket:
        """The other end of a new lane on which nothing was said."""
        ours, theirs = socket.socketpair()
        ours.settimeout(20)
        self.control.send(Type.LANE, descriptor=theirs.fileno())
        theirs.close()
        return ours

    def lane(self) -> LanePeer:
        connection = Connection(self.raw())
        try:
            greet(connection, 1, TOKEN, self.schema)
        except WorkerError:
            connection.close()
            raise
        return LanePeer(connection)

    def works(self) -> bool:
        """Whether a frame comes out of it."""
        lane = self.lane()
        try:
            return lane.render(LIFT, [Given(PICTURE)]).pixels.shape == PICTURE.shape
        finally:
            lane.close()

    def close(self) -> None:
        self.control.close()
        self.thread.join(20)
        assert not self.thread.is_alive()
