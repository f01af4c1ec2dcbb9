"""Bundles on disk and the plug-ins in them (ofxPackaging): found, loaded, and asked who they are."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wetgate.spec import UsageError, suggest
from wetgate.surfaces.ofxhost import abi
from wetgate.surfaces.ofxhost.violations import Report


def arch_folders() -> tuple[str, ...]:
    """Names of this machine's folder in ``Contents`` (ofxPackaging, "Installation")."""
    machine = platform.machine()
    if sys.platform == "darwin":
        return ("MacOS", "MacOS-x86-64")
    return ("Linux-x86-64",) if machine in ("x86_64", "amd64") else (f"Linux-{machine}",)


def find_binaries(place: str | Path) -> Iterator[Path]:
    """Binaries at ``place``: an ``.ofx`` file, a bundle, or a folder that is searched (names with @ are left out).

    Raises :class:`~wetgate.spec.UsageError` where there is nothing of the kind.
    """
    root = Path(place)
    if not root.exists():
        raise UsageError(f"{root} does not exist", allowed="an .ofx file, a bundle, or a folder of bundles")
    if root.is_file():
        yield root
        return
    bundles = [root] if root.name.endswith(".ofx.bundle") else sorted(_bundles(root))
    found = False
    for bundle in bundles:
        for arch in arch_folders():
            binary = bundle / "Contents" / arch / bundle.name.removesuffix(".bundle")
            if binary.is_file():
                found = True
                yield binary
                break
    if not found and root.name.endswith(".ofx.bundle"):
        raise UsageError(
            f"{root.name} has no binary for this machine",
            where=str(root),
            allowed=f"Contents/{arch_folders()[0]}/*.ofx",
        )


def _bundles(root: Path) -> Iterator[Path]:
    for folder, names, _files in os.walk(root):
        for name in list(names):
            if name.startswith("@"):
                names.remove(name)
            elif name.endswith(".ofx.bundle"):
                names.remove(name)
                yield Path(folder) / name


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a plug-in says it is."""

    id: str
    major: int
    minor: int
    api: str
    api_version: int


class Binary:
    """A loaded ``.ofx``. ``plugins`` are its image effects by identifier: (identity, setHost, mainEntry).

    The order of calls is the specification's: OfxSetHost where it is exported, OfxGetNumberOfPlugins, OfxGetPlugin.
    """

    def __init__(self, path: Path, host_address: int, report: Report, *, offers_set_host: bool) -> None:
        abi.demand_platform()
        self.path = path
        self.report = report
        try:
            self._library = ctypes.CDLL(str(path), mode=getattr(os, "RTLD_LOCAL", 0) | getattr(os, "RTLD_NOW", 2))
        except OSError as error:
            raise UsageError(f"{path.name} does not load: {error}", where=str(path)) from error
        self.skipped = False
        if offers_set_host and hasattr(self._library, "OfxSetHost"):
            entry = self._library.OfxSetHost
            entry.argtypes, entry.restype = (ctypes.c_void_p,), ctypes.c_int
            status = entry(host_address)
            self.skipped = status == abi.FAILED
            if status not in (abi.OK, abi.FAILED):
                report.add("ofxCore.h, OfxSetHost", f"OfxSetHost answered {abi.status_name(status)}")
        self.plugins: dict[str, tuple[Identity, Any, Any]] = {}
        if not self.skipped:
            self._ask()

    def _ask(self) -> None:
        for name in ("OfxGetNumberOfPlugins", "OfxGetPlugin"):
            if not hasattr(self._library, name):
                raise UsageError(
                    f"{self.path.name} does not export {name}", where=str(self.path), allowed="an OFX plug-in"
                )
        get = self._library.OfxGetPlugin
        get.argtypes, get.restype = (ctypes.c_int,), ctypes.c_void_p
        count = int(self._library.OfxGetNumberOfPlugins())
        for place in range(count):
            address = get(place)
            if not address:
                self.report.add("ofxCore.h, OfxGetPlugin", f"plug-in {place} of {count} is null")
                continue
            if get(place) != address:
                self.report.add("ofxCore.h, OfxGetPlugin", f"plug-in {place} has another address at the second call")
            self._add(abi.OfxPlugin.from_address(address))

    def _add(self, struct: abi.OfxPlugin) -> None:
        raw = struct.pluginIdentifier or b""
        who = Identity(
            raw.decode("utf-8", "replace"),
            struct.pluginVersionMajor,
            struct.pluginVersionMinor,
            (struct.pluginApi or b"").decode("utf-8", "replace"),
            struct.apiVersion,
        )
        if who.api.encode() != abi.API:
            return  # another kind of plug-in: none of ours
        if not raw or not raw.isascii() or b" " in raw:
            self.report.add("ofxCore.h, OfxPlugin", f"the identifier {who.id!r} is not ASCII without spaces")
        if who.api_version != 1:
            self.report.add(
                "ofxImageEffect.h, kOfxImageEffectPluginApiVersion", f"{who.id} asks for API {who.api_version}"
            )
        if who.id in self.plugins:
            self.report.add("ofxCore.h, OfxPlugin", f"two plug-ins of the binary are called {who.id}")
        if not struct.setHost or not struct.mainEntry:
            self.report.add("ofxCore.h, OfxPlugin", f"{who.id} has a null setHost or mainEntry")
            return
        self.plugins[who.id] = (who, abi.SET_HOST(struct.setHost), abi.MAIN_ENTRY(struct.mainEntry))

    def get(self, name: str) -> tuple[Identity, Any, Any]:
        """A plug-in by identifier, or by what follows its last point where that is unique."""
        if name in self.plugins:
            return self.plugins[name]
        short = [i for i in self.plugins if i.rpartition(".")[2] == name]
        if len(short) == 1:
            return self.plugins[short[0]]
        raise UsageError(
            f"{self.path.name} has no plug-in {name!r}", where=str(self.path), remedy=suggest(name, self.plugins)
        )

    def unload(self) -> None:
        """Give the binary back to the system (dlclose). Nothing of it may be used afterwards."""
        import _ctypes

        self.plugins.clear()
        _ctypes.dlclose(self._library._handle)
