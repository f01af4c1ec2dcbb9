"""The binary interface of OFX: structs, status codes and the shapes of the suites' functions.

Names and values are those of the public headers (``ofxCore.h``, ``ofxImageEffect.h``, ``ofxParam.h``,
``ofxProperty.h``, ``ofxMemory.h``, ``ofxMultiThread.h``, ``ofxMessage.h``, ``ofxProgress.h``, ``ofxTimeLine.h``; OFX
1.5.1).

Variable arguments: ``paramGetValue``, ``paramSetValue`` and ``message`` take ``...``, which ctypes cannot receive. The
calling conventions of x86-64 (System V psABI 3.2.3) and of 64-bit Arm except Apple's (AAPCS64 6.8) pass such
arguments in the same registers as named ones, integers and pointers in one file, doubles in another. A callback that
names several integers and then eight doubles therefore finds both, whatever their order in the call; what was not
passed is garbage that nobody looks at. Other platforms pass them otherwise, and :func:`demand_platform` refuses those.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from typing import Any

from wetgate.spec import UsageError

API = b"OfxImageEffectPluginAPI"

OK = 0
FAILED = 1
ERR_FATAL = 2
ERR_UNKNOWN = 3
ERR_MISSING_HOST_FEATURE = 4
ERR_UNSUPPORTED = 5
ERR_EXISTS = 6
ERR_FORMAT = 7
ERR_MEMORY = 8
ERR_BAD_HANDLE = 9
ERR_BAD_INDEX = 10
ERR_VALUE = 11
REPLY_YES = 12
REPLY_NO = 13
REPLY_DEFAULT = 14

STATUS_NAMES = {
    0: "kOfxStatOK",
    1: "kOfxStatFailed",
    2: "kOfxStatErrFatal",
    3: "kOfxStatErrUnknown",
    4: "kOfxStatErrMissingHostFeature",
    5: "kOfxStatErrUnsupported",
    6: "kOfxStatErrExists",
    7: "kOfxStatErrFormat",
    8: "kOfxStatErrMemory",
    9: "kOfxStatErrBadHandle",
    10: "kOfxStatErrBadIndex",
    11: "kOfxStatErrValue",
    12: "kOfxStatReplyYes",
    13: "kOfxStatReplyNo",
    14: "kOfxStatReplyDefault",
    15: "kOfxStatUnlicensed",
    1000: "kOfxStatErrImageFormat",
    1001: "kOfxStatGPUOutOfMemory",
    1002: "kOfxStatGPURenderFailed",
}

P = ctypes.c_void_p
S = ctypes.c_char_p
I = ctypes.c_int  # noqa: E741  (the ABI's own letter in the tables of signatures)
U = ctypes.c_uint
D = ctypes.c_double
Z = ctypes.c_size_t
Q = ctypes.c_uint64

# Integers, then doubles, of a variadic call (see above); eight doubles are all that travel in registers.
REST_INTEGERS = 12
REST_DOUBLES = 8
REST: tuple[Any, ...] = (Q,) * REST_INTEGERS + (D,) * REST_DOUBLES

FETCH_SUITE = ctypes.CFUNCTYPE(P, P, S, I)
SET_HOST = ctypes.CFUNCTYPE(None, P)
MAIN_ENTRY = ctypes.CFUNCTYPE(I, S, P, P, P)
THREAD_FUNCTION = ctypes.CFUNCTYPE(None, U, U, P)


class OfxHost(ctypes.Structure):
    """``OfxHost`` of ofxCore.h."""

    _fields_ = (("host", P), ("fetchSuite", FETCH_SUITE))


class OfxPlugin(ctypes.Structure):
    """``OfxPlugin`` of ofxCore.h."""

    _fields_ = (
        ("pluginApi", S),
        ("apiVersion", I),
        ("pluginIdentifier", S),
        ("pluginVersionMajor", U),
        ("pluginVersionMinor", U),
        ("setHost", P),
        ("mainEntry", P),
    )


def status_name(status: int) -> str:
    """``kOfxStatFailed`` for 1; the number where the specification has no name for it."""
    return STATUS_NAMES.get(status, f"status {status}")


def demand_platform() -> None:
    """Refuse platforms whose variadic calls this host cannot receive (see the module's text)."""
    machine = platform.machine().lower()
    x86 = machine in ("x86_64", "amd64") and sys.platform != "win32"
    arm = machine in ("aarch64", "arm64") and sys.platform.startswith("linux")
    if not (x86 or arm) or ctypes.sizeof(P) != 8:
        raise UsageError(
            f"the OFX host does not run on {sys.platform} with {machine or 'an unknown processor'}",
            allowed="64-bit x86 on Linux or macOS, 64-bit Arm on Linux",
        )


def write(kind: type[Any], address: int | None, value: Any, index: int = 0) -> None:
    """Store a C value at ``address[index]``; the caller has checked the address."""
    assert address
    kind.from_address(address + index * ctypes.sizeof(kind)).value = value
