"""The worker's ends of what Windows has in place of Unix sockets and memory files (PROTOCOL.md 9).

Handles are numbers that the shim has copied into this process. Calls are those that :mod:`multiprocessing.connection`
makes (``_winapi``), and MapViewOfFile.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import threading
import weakref
from typing import Any

from wetgate.surfaces.worker.connection import Closed, Connection
from wetgate.surfaces.worker.messages import Header, ProtocolError, Type, Writer

_HANDLE = struct.Struct("<Q")
_PAGE_READWRITE_VIEW = 0x0006  # FILE_MAP_READ | FILE_MAP_WRITE, memoryapi.h
_TOKEN_SIZE = 32


def control_handle() -> int:
    """The control connection's handle, which the shim names in the environment. :class:`OSError` where it does not."""
    named = os.environ.pop("WETGATE_CONTROL", "")
    if not named.isdigit():
        raise OSError("WETGATE_CONTROL names no handle")
    return int(named)


def read_token() -> bytes:
    """The token, which is all that comes on standard input."""
    token = b""
    while len(token) <= _TOKEN_SIZE and (part := os.read(0, _TOKEN_SIZE + 1 - len(token))):
        token += part
    return token


if sys.platform == "win32":
    import _winapi

    _KERNEL = ctypes.WinDLL("kernel32", use_last_error=True)
    _KERNEL.MapViewOfFile.argtypes = (
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_uint32,
        ctypes.c_uint32,
        ctypes.c_size_t,
    )
    _KERNEL.MapViewOfFile.restype = ctypes.c_void_p
    _KERNEL.UnmapViewOfFile.argtypes = (ctypes.c_void_p,)

    class PipeConnection(Connection):
        """A connection over a named pipe with overlapped input and output."""

        def __init__(self, handle: int) -> None:
            self._pipe = handle
            self._sending = threading.Lock()
            self._beating: Any = None  # a BEAT that has not gone yet
            self._open = True

        def send(
            self, kind: Type, writer: Writer | None = None, request: int = 0, descriptor: int | None = None
        ) -> None:
            if descriptor is not None:
                raise ProtocolError("the worker sends no handles")
            body = bytes(writer.body) if writer is not None else b""
            raw = Header(kind, 0, len(body), request).pack() + body
            with self._sending:
                try:
                    operation, error = _winapi.WriteFile(self._pipe, raw, overlapped=True)
                    if error == _winapi.ERROR_IO_PENDING:
                        _winapi.WaitForMultipleObjects([operation.event], False, _winapi.INFINITE)
                    count, error = operation.GetOverlappedResult(True)
                except OSError as failure:
                    raise Closed(str(failure)) from None
            if error or count != len(raw):
                raise Closed(f"Windows error {error}")

        def beat(self) -> None:
            """Begin to send BEAT, unless the one before is still on its way."""
            if not self._sending.acquire(blocking=False):
                return
            try:
                if self._beating is not None and self._beating.GetOverlappedResult(False)[1] != 0:
                    return
                raw = Header(Type.BEAT, 0, 0, 0).pack()
                self._beating = _winapi.WriteFile(self._pipe, raw, overlapped=True)[0]
            except OSError:  # closed: the receiving side of the lane learns of it
                pass
            finally:
                self._sending.release()

        def shut(self) -> None:
            """End both directions: a thread that waits in :meth:`receive` gets :class:`Closed`."""
            if self._open:
                self._open = False
                ctypes.windll.kernel32.CancelIoEx(ctypes.c_void_p(self._pipe), None)

        def close(self) -> None:
            self.shut()
            pipe, self._pipe = self._pipe, 0
            if pipe:
                _winapi.CloseHandle(pipe)

        def _collect_attached(self, header: Header, descriptors: list[int]) -> None:
            if header.descriptors:
                descriptors.append(_HANDLE.unpack(self._collect(_HANDLE.size, descriptors))[0])

        def _collect(self, size: int, descriptors: list[int]) -> bytearray:
            data = bytearray()
            while len(data) < size:
                if not self._open:
                    raise Closed("shut")
                try:
                    operation, error = _winapi.ReadFile(self._pipe, size - len(data), overlapped=True)
                    if error == _winapi.ERROR_IO_PENDING:
                        _winapi.WaitForMultipleObjects([operation.event], False, _winapi.INFINITE)
                    count, error = operation.GetOverlappedResult(True)
                except OSError as failure:
                    raise Closed(str(failure)) from None
                if error or not count:
                    raise Closed("end of the stream")
                data += (operation.getbuffer() or b"")[:count]
            return data

    def map_section(handle: int, size: int) -> Any:
        """A section's memory as a buffer, unmapped when nothing holds it any more. :class:`MemoryError` where it is
        smaller than ``size``, or cannot be mapped."""
        address = _KERNEL.MapViewOfFile(handle, _PAGE_READWRITE_VIEW, 0, 0, size)
        if not address:
            raise MemoryError(f"a pool of {size} bytes cannot be mapped: Windows error {ctypes.get_last_error()}")
        memory = (ctypes.c_ubyte * size).from_address(address)
        weakref.finalize(memory, _KERNEL.UnmapViewOfFile, address)
        return memory
