"""OpenImageIO, imported when the first picture needs it and set up for many frames at a time.

Frames are read and written side by side by the engine's threads, so OpenImageIO uses one thread a picture. Its
``exr_threads`` is set to -1 and not 1: with 1, OpenEXR's pool has one thread that all writers of the process queue for
(measured: two writers of 1080p half, 92 ms a frame with 1, 49 ms with -1; one writer alone 103 and 97 ms).
"""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

_lock = threading.Lock()
_ready = False


def openimageio() -> ModuleType:
    """The OpenImageIO module, its thread counts set. Raises :class:`ImportError` where it is not installed."""
    import OpenImageIO

    global _ready
    if not _ready:
        with _lock:
            if not _ready:
                _set(OpenImageIO, 1)
                _ready = True
    module: ModuleType = OpenImageIO
    return module


def reason(of: Any) -> str:
    """Why a call failed: the pending message of the module, an input or an output, on one line.

    A message may quote bytes of a damaged file; the bindings then raise instead of answering.
    """
    try:
        return " ".join(str(of.geterror()).split()) or "OpenImageIO gives no reason"
    except UnicodeDecodeError as error:
        return " ".join(error.object.decode("utf-8", "backslashreplace").split())


def _set(module: ModuleType, count: int) -> None:
    module.attribute("threads", count)
    module.attribute("exr_threads", count if count > 1 else -1)
