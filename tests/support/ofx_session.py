"""The bundle in the test's own process, and what the engine makes of the same pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import wetgate.nodes  # noqa: F401  (declares them)
from wetgate.engine.direct import run_node
from wetgate.spec import Frame, registry
from wetgate.surfaces.ofxhost import ClipMedia, Host, Plugin, render_frame
from wetgate.surfaces.ofxhost.profiles import Profile

SPACE = "rec1886_rec709_display"
HDR = "rec2100_pq_display"
WIDTH, HEIGHT = 83, 59
Launch = Callable[[list[str]], None]


def sdr_pixels(number: int, channels: int = 4) -> np.ndarray[Any, Any]:
    """SDR code values with some above 1 and below 0; opaque where there is alpha."""
    random = np.random.default_rng(number + 100)
    pixels = random.uniform(-0.05, 1.2, (HEIGHT, WIDTH, channels)).astype(np.float32)
    if channels == 4:
        pixels[..., 3] = 1
    return pixels


class Session:
    """A host of a profile with the bundle in it; closing it unmaps the bundle, and the next begins afresh."""

    def __init__(self, binary: Path, profile: str | Profile) -> None:
        self.host = Host(profile)
        self.loaded = self.host.open(binary)
        self.plugins: dict[str, Plugin] = {}
        self.closed = False

    def plugin(self, node: str) -> Plugin:
        if node not in self.plugins:
            self.plugins[node] = Plugin(self.host, self.loaded, f"io.wetgate.{node}")
            self.plugins[node].load()
        return self.plugins[node]

    def media(self, channels: int = 4) -> ClipMedia:
        """Frames 0 to 9, numbered from 0 so that every profile's times are the frame numbers."""
        alpha = "OfxImageOpaque" if channels == 3 else "OfxImageAlphaUnPremultiplied"
        return ClipMedia(lambda n: sdr_pixels(n, channels), 0, 9, WIDTH, HEIGHT, channels, premultiplication=alpha)

    def create(self, node: str, values: dict[str, Any] | None = None, channels: int = 4, **options: Any) -> Any:
        given = {"input_space_name": SPACE} | (values or {})
        if registry.get(node).hdr_output:
            given.setdefault("output_space_name", HDR)
        return self.plugin(node).create({"Source": self.media(channels)}, given, **options)

    def render(self, instance: Any, number: float = 4, node: str = "hdr_lift", **options: Any) -> np.ndarray[Any, Any]:
        return render_frame(self.plugin(node), instance, float(number), **options).pixels

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        for plugin in self.plugins.values():
            plugin.unload()
        self.plugins.clear()
        self.loaded.unload()


class SampleHost:
    """A host of a profile with a bundle of the nodes of :mod:`support.engine_nodes`. Pictures are scene-linear RGB."""

    def __init__(self, binary: Path, profile: str | Profile) -> None:
        self.host = Host(profile)
        self.loaded = self.host.open(binary)
        self.opened: list[tuple[Plugin, Any]] = []

    def create(
        self, node: str, frames: dict[int, Any], values: dict[str, Any] | None = None, **options: Any
    ) -> tuple[Plugin, Any]:
        plugin = Plugin(self.host, self.loaded, f"io.wetgate.{node}")
        plugin.load()
        height, width, channels = next(iter(frames.values())).shape
        media = ClipMedia(
            frames.__getitem__, min(frames), max(frames), width, height, channels, premultiplication="OfxImageOpaque"
        )
        made = plugin.create({"Source": media}, {"input_space_name": "ACEScg"} | (values or {}), **options)
        self.opened.append((plugin, made))
        return plugin, made

    def close(self) -> None:
        for plugin, made in self.opened:
            plugin.destroy(made)
            plugin.unload()
        self.loaded.unload()


def engine(node: str, number: int, params: dict[str, Any] | None = None, *, alone: bool, channels: int = 4) -> Any:
    """The picture that the engine makes of the same frames, without an analysis."""
    declared = registry.get(node)
    numbers = [number] if alone else list(range(10))
    frames = [Frame(sdr_pixels(n, channels), SPACE, n) for n in numbers]
    options: dict[str, Any] = {"out_space": HDR} if declared.hdr_output else {}
    if declared.analyzes:
        options["analysis"] = None
    made = run_node(declared, frames, **(params or {}), **options)
    return made[numbers.index(number)].pixels


def workers(host: int | None = None) -> list[int]:
    """Processes of the worker that a process, else this one, has started and that are not dead."""
    host, found = os.getpid() if host is None else host, []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            line = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(parent) == host and b"worker" in line and state != "Z":
            found.append(int(entry.name))
    return found
