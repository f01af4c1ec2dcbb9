"""The binaries for Windows and macOS: what they export and need, and the Windows one at work, where there is Wine."""

from __future__ import annotations

import importlib.util
import os
import plistlib
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

BRIDGE = Path(__file__).resolve().parents[2] / "ofx_bridge"
EXPORTS = {"OfxGetNumberOfPlugins", "OfxGetPlugin", "OfxSetHost"}
# Parts of every Windows since 10; the C run-time library is Windows' own.
WINDOWS_LIBRARIES = {"kernel32.dll", "advapi32.dll", "bcrypt.dll", "ntdll.dll", "ucrtbase.dll"}
SUM = sum(range(16 * 9 * 4))
PLUS_ONE = SUM + 16 * 9 * 4

pytestmark = [
    # A first build compiles zig's C and C++ libraries for each system, which takes minutes on a slow machine.
    pytest.mark.skipif(
        os.environ.get("WETGATE_TEST_SYSTEMS") != "1",
        reason="builds for Windows and macOS are tested where WETGATE_TEST_SYSTEMS=1",
    ),
    pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="ziglang is not installed"),
    pytest.mark.timeout(3000),
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with the binaries of both systems."""
    made = tmp_path_factory.mktemp("systems") / "Wetgate.ofx.bundle"
    for target in ("windows-x86-64", "macos"):
        command = [sys.executable, str(BRIDGE / "build.py"), "--compiler", "zig", "--target", target]
        done = subprocess.run([*command, "--bundle", str(made)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return made


class PortableExecutable:
    """The exports and the imported libraries of a 64-bit PE file (Microsoft PE format, sections 3 to 6)."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        header = self._u32(0x3C)
        assert self._data[header : header + 4] == b"PE\0\0"
        assert self._u16(header + 4) == 0x8664
        sections, optional = self._u16(header + 6), header + 24
        table = optional + self._u16(header + 20)
        self._sections = [struct.unpack_from("<IIII", self._data, table + 40 * i + 8) for i in range(sections)]
        self._directories = optional + 112

    def _u16(self, at: int) -> int:
        return int(struct.unpack_from("<H", self._data, at)[0])

    def _u32(self, at: int) -> int:
        return int(struct.unpack_from("<I", self._data, at)[0])

    def _at(self, address: int) -> int:
        for size, start, raw_size, raw in self._sections:
            if start <= address < start + max(size, raw_size):
                return address - start + raw
        raise AssertionError(hex(address))

    def _text(self, address: int) -> str:
        at = self._at(address)
        return self._data[at : self._data.index(b"\0", at)].decode()

    def exports(self) -> set[str]:
        at = self._at(self._u32(self._directories))
        names = self._at(self._u32(at + 32))
        return {self._text(self._u32(names + 4 * i)) for i in range(self._u32(at + 24))}

    def libraries(self) -> set[str]:
        at, found = self._at(self._u32(self._directories + 8)), set()
        while self._u32(at + 12):
            found.add(self._text(self._u32(at + 12)).lower())
            at += 20
        return found


def mach_o_symbols(data: bytes) -> tuple[set[str], set[str]]:
    """Exported symbols of a 64-bit Mach-O file, and the libraries that it loads (mach-o/loader.h, nlist.h)."""
    exported, libraries, at = set(), set(), 32
    for _ in range(struct.unpack_from("<I", data, 16)[0]):
        command, size = struct.unpack_from("<II", data, at)
        if command == 2:  # LC_SYMTAB
            symbols, count, strings, _ = struct.unpack_from("<IIII", data, at + 8)
            for i in range(count):
                name, kind, *_ = struct.unpack_from("<IBBHQ", data, symbols + 16 * i)
                if kind & 0x01 and not kind & 0x10 and kind & 0x0E:  # N_EXT, not N_PEXT, defined
                    start = strings + name
                    exported.add(data[start : data.index(b"\0", start)].decode())
        if command in (0xC, 0x80000018):  # LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB
            start = at + struct.unpack_from("<I", data, at + 8)[0]
            libraries.add(data[start : data.index(b"\0", start)].decode())
        at += size
    return exported, libraries


def test_the_windows_binary_exports_the_three_functions_and_needs_windows_alone(bundle: Path) -> None:
    binary = PortableExecutable(bundle / "Contents" / "Win64" / "Wetgate.ofx")
    assert binary.exports() == EXPORTS
    assert {n for n in binary.libraries() if not n.startswith("api-ms-win-crt-")} <= WINDOWS_LIBRARIES


def test_the_macos_binary_is_universal_and_exports_the_three_functions(bundle: Path) -> None:
    data = (bundle / "Contents" / "MacOS" / "Wetgate.ofx").read_bytes()
    magic, count = struct.unpack_from(">II", data)
    assert (magic, count) == (0xCAFEBABE, 2)
    processors = set()
    for i in range(count):
        processor, _, offset, size, bits = struct.unpack_from(">IIIII", data, 8 + 20 * i)
        assert offset % (1 << bits) == 0
        exported, libraries = mach_o_symbols(data[offset : offset + size])
        assert exported == {f"_{name}" for name in EXPORTS}
        assert libraries == {"/usr/lib/libSystem.B.dylib"}
        processors.add(processor)
    assert processors == {0x01000007, 0x0100000C}  # CPU_TYPE_X86_64, CPU_TYPE_ARM64


def test_the_macos_bundle_has_the_property_list_that_names_its_binary(bundle: Path) -> None:
    said = plistlib.loads((bundle / "Contents" / "Info.plist").read_bytes())
    assert said["CFBundlePackageType"] == "BNDL"
    assert said["CFBundleExecutable"] == "Wetgate.ofx"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HOST.exe and WORKER.exe of tests/ofx/windows."""
    if shutil.which("wine") is None:
        pytest.skip("wine is not installed: the Windows binary is built and not run")
    folder = tmp_path_factory.mktemp("programs")
    for name in ("host", "worker"):
        source = Path(__file__).parent / "windows" / f"{name}.c"
        zig = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-windows-gnu", "-O1", "-fno-sanitize=all"]
        subprocess.run([*zig, str(source), "-o", str(folder / f"{name}.exe")], check=True)
    return folder


def _windows_path(path: Path) -> str:
    return "Z:" + str(path).replace("/", "\\")


def _frames(bundle: Path, programs: Path, prefix: Path, what: str, frames: int) -> list[str]:
    """What HOST.exe prints of so many frames, with a worker that does ``what``."""
    launch = bundle / "Contents" / "Resources" / "wetgate.json"
    launch.parent.mkdir(exist_ok=True)
    worker = _windows_path(programs / "worker.exe").replace("\\", "\\\\")
    launch.write_text(f'{{"wetgate": 1, "command": ["{worker}", "{what}"]}}')
    environment = os.environ | {"WINEPREFIX": str(prefix), "WINEDEBUG": "-all", "SECRET_OF_THE_HOST": "1"}
    environment |= {"WETGATE_HANG_SECONDS": "2"}
    binary = _windows_path(bundle / "Contents" / "Win64" / "Wetgate.ofx")
    command = ["wine", str(programs / "host.exe"), binary, "io.wetgate.hdr_lift", str(frames)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.strip() for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Windows of its own for Wine."""
    return tmp_path_factory.mktemp("wine")


def test_frames_go_to_the_worker_and_back_through_pipe_and_section(bundle: Path, programs: Path, prefix: Path) -> None:
    said = _frames(bundle, programs, prefix, "good", 3)
    assert said == [f"frame {n}: 0, {PLUS_ONE}," for n in range(3)] + ["unloaded: 1"]


def test_a_worker_that_dies_fails_the_frame_with_its_last_words_and_leaves_the_source(
    bundle: Path, programs: Path, prefix: Path
) -> None:
    said = _frames(bundle, programs, prefix, "dies", 2)
    for n in range(2):
        assert said[n].startswith(f"frame {n}: 1, {SUM}, HDR Lift, frame {n}: the render worker died (status 7)")
        assert "no light in the lamp" in said[n]
    assert said[2] == "unloaded: 1"


def test_a_worker_that_hangs_is_ended(bundle: Path, programs: Path, prefix: Path) -> None:
    said = _frames(bundle, programs, prefix, "hangs", 1)
    assert said[0].startswith(f"frame 0: 1, {SUM}, HDR Lift, frame 0: the render worker did not answer for 2 seconds")
