"""What a macOS bundle needs beside its binaries: both processors' in one file, and the property list that names it.

The universal file is what Apple's ``lipo -create`` makes (mach-o/fat.h): a big-endian table of slices, each at a
multiple of its page size. Standard library only.
"""

from __future__ import annotations

import plistlib
import struct
from collections.abc import Sequence

_FAT_MAGIC = 0xCAFEBABE
_MACH_O_64 = 0xFEEDFACF
_PAGE_BITS = 14  # 16 KiB, the larger of the two processors'


def joined(slices: Sequence[bytes]) -> bytes:
    """One universal file of Mach-O files, in their order."""
    table = struct.pack(">II", _FAT_MAGIC, len(slices))
    body = b""
    start = _aligned(len(table) + 20 * len(slices))
    for part in slices:
        magic, processor, model = struct.unpack_from("<III", part)
        if magic != _MACH_O_64:
            raise ValueError("a slice is no 64-bit Mach-O file")
        body = body.ljust(_aligned(len(body)), b"\0")
        table += struct.pack(">IIIII", processor, model, start + len(body), len(part), _PAGE_BITS)
        body += part
    return table.ljust(start, b"\0") + body


def _aligned(size: int) -> int:
    page = 1 << _PAGE_BITS
    return (size + page - 1) // page * page


def property_list(executable: str, version: str, system: str) -> bytes:
    """Contents/Info.plist (OpenFX packaging, "Info.plist")."""
    return plistlib.dumps(
        {
            "CFBundleDevelopmentRegion": "en",
            "CFBundleExecutable": executable,
            "CFBundleIdentifier": "io.wetgate.ofx",
            "CFBundleInfoDictionaryVersion": "6.0",
            "CFBundleName": "Wetgate",
            "CFBundlePackageType": "BNDL",
            "CFBundleShortVersionString": version,
            "CFBundleVersion": version,
            "LSMinimumSystemVersion": system,
        }
    )
