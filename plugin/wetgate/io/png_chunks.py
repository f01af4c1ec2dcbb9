"""Which colour labels a PNG file carries. OpenImageIO says sRGB for a file that says nothing; this tells them apart.

Source: W3C, Portable Network Graphics (PNG) Specification (Third Edition), 5.2, 5.3 and 11.3.2.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_CHUNKS = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")


def labels(path: str | os.PathLike[str]) -> str:
    """The names of the colour chunks before the pixels, in the standard's order of precedence, divided by blanks.

    A gamma is given with its value: ``gAMA=45455`` (times 100000).
    """
    found: dict[bytes, str] = {}
    with Path(path).open("rb") as file:
        if file.read(8) != _SIGNATURE:
            return ""
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            if kind in (b"IDAT", b"IEND"):
                break
            if kind in _COLOUR_CHUNKS:
                data = file.read(size)
                found[kind] = (
                    "gAMA=" + str(struct.unpack(">I", data)[0]) if kind == b"gAMA" and size == 4 else kind.decode()
                )
                file.seek(4, os.SEEK_CUR)
            else:
                file.seek(size + 4, os.SEEK_CUR)
    return " ".join(found[c] for c in _COLOUR_CHUNKS if c in found)
