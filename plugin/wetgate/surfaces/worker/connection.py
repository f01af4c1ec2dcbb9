"""One end of a connection: whole messages, and the descriptors that travel with them, over a stream socket."""

from __future__ import annotations

import array
import contextlib
import os
import socket
import sys
import threading

from wetgate.surfaces.worker.messages import HEADER, Code, Header, ProtocolError, Type, Writer

_CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)


def close_descriptor(descriptor: int) -> None:
    """Close what came with a message: a file descriptor, on Windows a handle."""
    if sys.platform == "win32":
        import _winapi

        _winapi.CloseHandle(descriptor)
    else:
        os.close(descriptor)


class Closed(Exception):
    """The other end is gone, in the middle of a message or between two."""


class Message:
    """A message that arrived. ``descriptor`` is owned by whoever takes it (:meth:`take`); :meth:`close` drops it."""

    def __init__(self, header: Header, body: bytes, descriptor: int | None) -> None:
        self.header = header
        self.body = body
        self._descriptor = descriptor

    @property
    def type(self) -> Type:
        return self.header.type

    @property
    def request(self) -> int:
        return self.header.request

    def take(self) -> int:
        """The descriptor; the caller closes it."""
        taken, self._descriptor = self._descriptor, None
        if taken is None:
            raise ProtocolError(f"{self.type.name} came without a descriptor")
        return taken

    def close(self) -> None:
        if self._descriptor is not None:
            close_descriptor(self._descriptor)
            self._descriptor = None


class Connection:
    """Whole messages in both directions, over a socket. One thread receives; any number send."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        self._socket = sock
        self._sending = threading.Lock()

    def receive(self) -> Message:
        """The next message. :class:`Closed` at the end, :class:`ProtocolError` for what is no message."""
        descriptors: list[int] = []
        try:
            header = Header.unpack(self._collect(HEADER.size, descriptors))
            self._collect_attached(header, descriptors)
            body = self._collect(header.length, descriptors)
            if len(descriptors) != header.descriptors:
                raise ProtocolError(
                    f"{header.type.name} came with {len(descriptors)} descriptors and announces {header.descriptors}"
                )
        except BaseException:
            for descriptor in descriptors:
                close_descriptor(descriptor)
            raise
        return Message(header, bytes(body), descriptors[0] if descriptors else None)

    def send(self, kind: Type, writer: Writer | None = None, request: int = 0, descriptor: int | None = None) -> None:
        """Send a message, whole. :class:`Closed` where nobody is there to take it."""
        body = bytes(writer.body) if writer is not None else b""
        raw = Header(kind, 0 if descriptor is None else 1, len(body), request).pack() + body
        try:
            with self._sending:
                sent = 0
                if descriptor is not None:
                    sent = socket.send_fds(self._socket, [raw], [descriptor])
                self._socket.sendall(raw[sent:])
        except OSError as error:
            raise Closed(str(error)) from None

    def send_error(self, code: Code, text: str, request: int = 0) -> None:
        line = " ".join(text.split()) or code.name.lower()
        self.send(Type.ERROR, Writer().numbers("HH", code, 0).text(line, 8192), request)

    def beat(self) -> None:
        """Send BEAT, or nothing where that would wait."""
        if not self._sending.acquire(blocking=False):
            return
        try:
            raw = Header(Type.BEAT, 0, 0, 0).pack()
            sent = self._socket.send(raw, _DONTWAIT)
            if sent < len(raw):
                self._socket.sendall(raw[sent:])
        except OSError:  # full or closed: the receiving side of the lane learns of it
            pass
        finally:
            self._sending.release()

    def shut(self) -> None:
        """End both directions, so that a thread that waits in :meth:`receive` gets :class:`Closed`."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.shut()
        self._socket.close()

    def _collect_attached(self, header: Header, descriptors: list[int]) -> None:
        """Descriptors that travel between header and body; a socket's come beside the bytes."""

    def _collect(self, size: int, descriptors: list[int]) -> bytearray:
        """Exactly ``size`` bytes. Descriptors that come with them are added to the list, and are ours to close."""
        data = bytearray(size)
        view = memoryview(data)
        got = 0
        while got < size:
            try:
                count, ancillary, flags, _ = self._socket.recvmsg_into([view[got:]], socket.CMSG_SPACE(4), _CLOEXEC)
            except OSError as error:
                raise Closed(str(error)) from None
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    received = array.array("i")
                    received.frombytes(content[: len(content) - len(content) % received.itemsize])
                    descriptors.extend(received)
                    for descriptor in received:
                        os.set_inheritable(descriptor, False)
            if flags & socket.MSG_CTRUNC:
                raise ProtocolError("more descriptors came than a message may carry")
            if count == 0:
                raise Closed("end of the stream")
            got += count
        return data
