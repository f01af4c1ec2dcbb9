"""Files through a plug-in: what ``wetgate host run`` does, and what ``wetgate host --list`` reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wetgate.color.config import ColorConfig
from wetgate.io import WriteOptions, open_sink, open_source
from wetgate.io.sink import Depth
from wetgate.spec import Box, Frame, FrameError, UsageError, WetgateError
from wetgate.surfaces.ofxhost.bundles import find_binaries
from wetgate.surfaces.ofxhost.clips import pixel_bounds
from wetgate.surfaces.ofxhost.effects import ClipMedia, Instance
from wetgate.surfaces.ofxhost.host import Host
from wetgate.surfaces.ofxhost.plugin import Plugin
from wetgate.surfaces.ofxhost.rendering import Rendered, render_frame
from wetgate.surfaces.ofxhost.violations import Report


@dataclass(slots=True)
class Listed:
    """A plug-in that was found, or a binary that does not work (``error``)."""

    path: str
    id: str = ""
    label: str = ""
    group: str = ""
    version: str = ""
    contexts: list[str] = field(default_factory=list)
    depths: list[str] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    error: str = ""


def list_plugins(place: str, profile: str = "strict", *, report: Report | None = None) -> list[Listed]:
    """Every plug-in of every bundle under ``place``, loaded and described in a host of the profile."""
    found: list[Listed] = []
    host = Host(profile, report)
    for path in find_binaries(place):
        try:
            binary = host.open(path)
        except WetgateError as error:
            found.append(Listed(str(path), error=error.message()))
            continue
        for name in binary.plugins:
            found.append(_listed(host, binary, name))
    return found


def _listed(host: Host, binary: Any, name: str) -> Listed:
    plugin = Plugin(host, binary, name)
    who = plugin.identity
    entry = Listed(str(binary.path), who.id, version=f"{who.major}.{who.minor}")
    try:
        plugin.load()
        props = plugin.descriptor.props
        entry.label = str(props.one("OfxPropLabel", ""))
        entry.group = str(props.one("OfxImageEffectPluginPropGrouping", ""))
        entry.contexts = [c.removeprefix("OfxImageEffectContext") for c in plugin.descriptor.contexts]
        entry.depths = [d.removeprefix("OfxBitDepth") for d in plugin.descriptor.depths]
        described = plugin.describe()
        entry.params = {n: p.type.removeprefix("OfxParamType") for n, p in described.params.items()}
    except WetgateError as error:
        entry.error = error.message()
    finally:
        plugin.unload()
    return entry


@dataclass(frozen=True, slots=True)
class RunJob:
    """One ``wetgate host run``: a plug-in, an input and an output, and how the host behaves.

    ``input`` is the plug-in's Source, or the first input that it must have; a generator has none, and takes its size
    and frames from it. ``clips`` are further inputs by name. ``out_space`` labels the output. Without it there is no
    label: only who chose the plug-in's values knows its space.
    """

    bundle: str
    plugin: str
    input: str
    output: str
    params: Mapping[str, str] = field(default_factory=dict)
    profile: str = "strict"
    context: str | None = None
    frames: str | None = None
    in_space: str | None = None
    clips: Mapping[str, str] = field(default_factory=dict)
    depth: Depth | None = None
    out_space: str = ""


@dataclass(slots=True)
class RunOutcome:
    """Frames written and failed (number and message), and what the host has to say about the plug-in."""

    written: list[str]
    failed: dict[int, str]
    report: Report
    messages: list[str]


def run(job: RunJob, on_frame: Callable[[int], None] = lambda number: None) -> RunOutcome:
    """Render files through a plug-in. A frame that fails is named in the outcome, and the others go on."""
    host = Host(job.profile)
    source = open_source(job.input, frames=job.frames)
    others = {name: open_source(path) for name, path in job.clips.items()}
    plugin = Plugin(host, host.open(_only(job.bundle)), job.plugin)
    failed: dict[int, str] = {}
    try:
        hint = source.info.hint
        space = job.in_space or hint.space or ""
        project = _media(source, space)
        plugin.load()
        main = plugin.main_input(job.context)
        media = {name: _media(s, "") for name, s in others.items()}
        if main and main not in media:
            media[main] = project
        base = project.first if host.profile.time_is_index else 0
        label = ColorConfig.load().resolve(job.out_space) if job.out_space else ""
        interop = ColorConfig.load().interop_id(label) if label else None
        # OpenEXR holds what came out exactly, unless something else is asked for.
        depth = job.depth or ("float" if job.output.lower().endswith(".exr") else None)
        options = WriteOptions(depth=depth, rate=source.info.rate)
        sink = open_sink(job.output, numbers=list(source.numbers), options=options, space=label, interop_id=interop)
        written = []
        instance = None
        try:
            for number in source.numbers:
                if instance is None:
                    instance = plugin.create(media, job.params, context=job.context, project=project)
                try:
                    made = render_frame(plugin, instance, float(number - base))
                    written.append(str(sink.write(_frame_of(made, instance, label, number)).path))
                except FrameError as error:
                    failed[number] = error.message()
                if plugin.instance_per_frame:
                    plugin.destroy(instance)
                    plugin.reload()
                    instance = None
                on_frame(number)
        except BaseException:
            sink.abort()
            raise
        if written:
            sink.finish()
        else:
            sink.abort()
        if instance is not None:
            plugin.destroy(instance)
    finally:
        plugin.unload()
        for opened in (source, *others.values()):
            opened.close()
    return RunOutcome(written, failed, host.report, [m.text for m in host.messages])


def _frame_of(made: Rendered, instance: Instance, space: str, number: int) -> Frame:
    """What came out as a frame: its place in the project's picture is its data window."""
    whole = pixel_bounds(instance.clips["Output"], (1.0, 1.0))
    assert whole is not None
    assert instance.project is not None
    x1, y1, x2, y2 = made.bounds
    pixels = np.ascontiguousarray(made.pixels if made.pixels.shape[2] != 1 else made.pixels.repeat(3, axis=2))
    return Frame(
        pixels,
        space,
        number,
        data_window=Box(x1 - whole[0], whole[3] - y2, x2 - x1, y2 - y1),
        display_window=Box(0, 0, whole[2] - whole[0], whole[3] - whole[1]),
        pixel_aspect=instance.project.pixel_aspect,
    )


def _only(bundle: str) -> str:
    found = list(find_binaries(bundle))
    if len(found) != 1:
        raise UsageError(f"{bundle} holds {len(found)} binaries", allowed="one bundle, or one .ofx file")
    return str(found[0])


def _media(source: Any, space: str) -> ClipMedia:
    """A source of files as a clip. Alpha is not premultiplied, since that is how sources read (:class:`Frame`)."""
    info = source.info
    channels = int(source.read(source.numbers[0]).frame.pixels.shape[2])

    def fetch(number: int) -> Any:
        return source.read(number).frame.pixels

    return ClipMedia(
        fetch,
        min(source.numbers),
        max(source.numbers),
        info.width,
        info.height,
        channels,
        premultiplication="OfxImageAlphaUnPremultiplied" if channels == 4 else "OfxImageOpaque",
        space=space,
        rate=float(info.rate or 24),
        pixel_aspect=float(info.pixel_aspect or 1.0),
    )
