"""One frame: the actions before a render, the render itself in one window or in strips, and what is checked after."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from wetgate.spec import FrameError, Interrupted
from wetgate.surfaces.ofxhost import abi
from wetgate.surfaces.ofxhost.clips import in_pixels, pixel_bounds, region_of_definition, scaled
from wetgate.surfaces.ofxhost.effects import Action, ClipInstance, Instance
from wetgate.surfaces.ofxhost.images import Buffer, Pixels, Rect, intersect
from wetgate.surfaces.ofxhost.plugin import Plugin

_PREFIX = "OfxImageEffectAction"
_CLIP_RANGE = "OfxImageClipPropFrameRange_"
_CLIP_REGION = "OfxImageClipPropRoI_"
_INFINITE = 2**31 - 1  # kOfxFlagInfiniteMax; kOfxFlagInfiniteMin is one further from 0 (ofxCore.h)
_LONGEST_SIDE = 65536  # what the bundle's own protocol allows; larger pictures are mistakes


@dataclass(frozen=True, slots=True)
class Rendered:
    """A frame that came out: ``pixels`` (H, W, C) float32 with row 0 at the top, ``bounds`` in pixels, y up.

    ``identity`` is the clip that the plug-in named instead of rendering, or "". ``failure`` is the error of a frame
    that failed and was asked for all the same.
    """

    pixels: Pixels
    bounds: Rect
    identity: str = ""
    failure: FrameError | None = None


def render_frame(
    plugin: Plugin,
    instance: Instance,
    time: float,
    *,
    scale: tuple[float, float] = (1.0, 1.0),
    sequence: bool = True,
    interactive: bool = False,
    thumbnail: bool = False,
    keep_failed: bool = False,
) -> Rendered:
    """Render the frame at an OFX time. Several threads may call it, for different times.

    ``thumbnail`` says so to the plug-in, which only hosts of OFX 1.5.1 do. With ``keep_failed``, a frame that failed is
    given as the plug-in left it, as hosts do that do not look at the status; else it is an error.

    Raises :class:`~wetgate.spec.FrameError` where Render does not answer OK, with the plug-in's message, and
    :class:`~wetgate.spec.Interrupted` where the host had asked it to stop.
    """
    return _Frame(plugin, instance, time, scale, interactive, thumbnail).render(sequence, keep_failed)


class _Frame:
    def __init__(
        self,
        plugin: Plugin,
        instance: Instance,
        time: float,
        scale: tuple[float, float],
        interactive: bool,
        thumbnail: bool,
    ) -> None:
        self.plugin, self.host = plugin, plugin.host
        self.instance, self.time, self.scale = instance, time, scale
        self.profile = plugin.host.profile
        self.interactive, self.thumbnail = interactive, thumbnail
        self.frames: dict[str, list[tuple[float, float]]] | None = None
        self.regions: dict[str, Rect] = {}
        plugin.settle(instance)
        instance.time = time
        instance.scale = scale
        plugin.host.time = time
        self.output: ClipInstance = instance.clips["Output"]

    def render(self, sequence: bool, keep_failed: bool) -> Rendered:
        self._preferences()
        bounds = self._bounds()
        found = self._identity(bounds)
        if found is not None:
            return found
        self._frames_needed()
        assert self.output.form is not None
        buffer = Buffer(
            bounds, self.output.form, padding=self.profile.row_padding, negative_rows=self.profile.negative_rows
        )
        self.instance.output_of[self.time] = buffer
        try:
            if sequence:
                self._sequence("BeginSequenceRender")
            status = abi.OK
            for window in self._windows(bounds):
                status = self._render_window(window, buffer)
                if status != abi.OK:
                    break
            if sequence:
                self._sequence("EndSequenceRender")
        finally:
            del self.instance.output_of[self.time]
        if self.instance.abort():
            raise Interrupted("the host stopped the render", where=f"time {self.time:g}")
        if status != abi.OK:
            said = self.instance.persistent.text if self.instance.persistent else ""
            failure = FrameError(
                f"Render answered {abi.status_name(status)}", where=f"time {self.time:g}", remedy=said or None
            )
            if keep_failed:
                return Rendered(buffer.read(), bounds, failure=failure)
            raise failure
        return Rendered(buffer.read(), bounds)

    def _call(self, name: str, inputs: dict[str, Any], outputs: dict[str, tuple[str, int, Any]]) -> tuple[int, Any]:
        """An action with arguments; ``outputs`` are type, dimension and preset by name."""
        in_args = self.host.arguments("inArgs", **inputs) if inputs else None
        out_args = None
        if outputs:
            out_args = self.host.arguments("outArgs")
            for key, (letter, dimension, preset) in outputs.items():
                out_args.declare(key, letter, dimension)
                if preset is not None:
                    out_args.put_list(key, list(preset))
        action = Action(_PREFIX + name, self.instance, self.time, self.frames, self.regions, self.scale)
        status = self.host.call(self.plugin.entry, action, in_args, out_args)
        if status not in (abi.OK, abi.REPLY_DEFAULT) and name != "Render":
            self.host.report.add(
                f"ofxImageEffect.h, {_PREFIX}{name}", f"answered {abi.status_name(status)}", _PREFIX + name, "advice"
            )
        return status, out_args

    def _at(self) -> dict[str, Any]:
        place = {"OfxPropTime": float(self.time), "OfxImageEffectPropRenderScale": self.scale}
        if self.profile.knows_1_5:
            place["OfxImageEffectPropThumbnailRender"] = "true" if self.thumbnail else "false"
        return place

    def _preferences(self) -> None:
        """GetClipPreferences; the host keeps what it has, and checks that the plug-in's wishes are possible."""
        presets: dict[str, tuple[str, int, Any]] = {
            "OfxImageEffectPropFrameRate": ("d", 1, [self.output.props.one("OfxImageEffectPropFrameRate", 24.0)]),
            "OfxImageEffectPropPreMultiplication": (
                "s",
                1,
                [self.output.props.one("OfxImageEffectPropPreMultiplication", "OfxImageOpaque")],
            ),
            "OfxImageClipPropFieldOrder": ("s", 1, ["OfxFieldNone"]),
            "OfxImageClipPropContinuousSamples": ("i", 1, [0]),
            "OfxImageEffectFrameVarying": ("i", 1, [0]),
        }
        for name, clip in self.instance.clips.items():
            if clip.form is None:
                continue
            presets[f"OfxImageClipPropComponents_{name}"] = ("s", 1, [clip.form.components])
            presets[f"OfxImageClipPropDepth_{name}"] = ("s", 1, [clip.form.depth])
            presets[f"OfxImageClipPropPAR_{name}"] = ("d", 1, [float(clip.media.pixel_aspect if clip.media else 1.0)])
            if self.profile.colour_management and name != "Output":
                presets[f"OfxImageClipPropPreferredColourspaces_{name}"] = ("s", 0, None)
        status, out = self._call("GetClipPreferences", {}, presets)
        if status != abi.OK:
            return
        for name, clip in self.instance.clips.items():
            wanted = out.one(f"OfxImageClipPropDepth_{name}")
            if clip.form is not None and wanted not in (None, clip.form.depth):
                self.host.report.add(
                    "ofxImageEffect.h, kOfxImageEffectActionGetClipPreferences",
                    f"{name} is wanted as {wanted}; the host does not support several clip depths",
                    _PREFIX + "GetClipPreferences",
                )

    def _bounds(self) -> Rect:
        """Bounds of the output in pixels: the plug-in's region of definition where the host asks for it."""
        bounds = pixel_bounds(self.output, self.scale)
        assert bounds is not None
        if not self.profile.region_of_definition:
            return bounds
        preset = region_of_definition(self.output, 0)
        status, out = self._call(
            "GetRegionOfDefinition", self._at(), {"OfxImageEffectPropRegionOfDefinition": ("d", 4, preset)}
        )
        if status != abi.OK or not self.profile.multi_resolution:
            return bounds
        return self._region(out.all("OfxImageEffectPropRegionOfDefinition"))

    @property
    def _aspect(self) -> float:
        return self.instance.project.pixel_aspect if self.instance.project else 1.0

    def _region(self, wanted: list[float]) -> Rect:
        """The region of definition that the plug-in gave, in pixels: sides that it flags as infinite are the project's
        (OFX reference, "Infinite RoDs"). Raises :class:`~wetgate.spec.FrameError` for one that cannot be rendered."""
        clause, action = "ofxImageEffect.h, kOfxImageEffectPropRegionOfDefinition", _PREFIX + "GetRegionOfDefinition"
        project = region_of_definition(self.output, 0)
        if project is None or not all(map(math.isfinite, wanted)):
            self.host.report.add(clause, f"the region of definition is {wanted}", action)
            raise FrameError(f"the plug-in gives {wanted} as its region of definition", where=f"time {self.time:g}")
        box = [own if abs(side) >= _INFINITE else side for side, own in zip(wanted, project, strict=True)]
        x1, y1, x2, y2 = made = in_pixels(box, self.scale, self._aspect)
        if x1 >= x2 or y1 >= y2 or max(x2 - x1, y2 - y1) > _LONGEST_SIDE:
            raise FrameError(
                f"the plug-in gives a picture of {x2 - x1}x{y2 - y1}",
                where=f"time {self.time:g}",
                allowed=f"1 to {_LONGEST_SIDE:,} pixels a side",
            )
        return made

    def _identity(self, bounds: Rect) -> Rendered | None:
        inputs = self._at() | {
            "OfxImageEffectPropRenderWindow": bounds,
            "OfxImageEffectPropFieldToRender": "OfxFieldNone",
        }
        status, out = self._call(
            "IsIdentity", inputs, {"OfxPropName": ("s", 1, [""]), "OfxPropTime": ("d", 1, [self.time])}
        )
        if status != abi.OK:
            return None
        name, time = str(out.one("OfxPropName")), float(out.one("OfxPropTime"))
        clip = self.instance.clips.get(name)
        if clip is None or clip.media is None or clip.form is None:
            self.host.report.add("ofxImageEffect.h, IsIdentity", f"identity to {name!r}, which is no connected clip")
            return None
        number = math.floor(time + 0.5) + (clip.media.first if self.profile.time_is_index else 0)
        number = min(max(number, clip.media.first), clip.media.last)
        own = pixel_bounds(clip, self.scale)
        assert own is not None
        buffer = Buffer(own, clip.form)
        buffer.write(scaled(clip.media.fetch(number), own))
        return Rendered(buffer.read(), own, name)

    def _frames_needed(self) -> None:
        if not (self.profile.temporal and self.instance.descriptor.flag("OfxImageEffectPropTemporalClipAccess")):
            return
        inputs = [n for n in self.instance.clips if n != "Output"]
        presets = {_CLIP_RANGE + n: ("d", 0, [float(self.time), float(self.time)]) for n in inputs}
        _status, out = self._call("GetFramesNeeded", {"OfxPropTime": float(self.time)}, presets)
        self.frames = {}
        for name in inputs:
            ends = [float(v) for v in out.all(_CLIP_RANGE + name)]
            if len(ends) % 2:
                self.host.report.add("ofxImageEffect.h, GetFramesNeeded", f"{name} has {len(ends)} ends of ranges")
                ends = ends[:-1]
            self.frames[name] = list(zip(ends[::2], ends[1::2], strict=True))

    def _windows(self, bounds: Rect) -> list[Rect]:
        x1, y1, x2, y2 = bounds
        tiles = self.profile.tiles and self.instance.descriptor.flag("OfxImageEffectPropSupportsTiles")
        rows = (tiles and self.profile.tile_rows) or y2 - y1
        columns = (tiles and self.profile.tile_columns) or x2 - x1
        return [
            (x, y, min(x + columns, x2), min(y + rows, y2)) for y in range(y1, y2, rows) for x in range(x1, x2, columns)
        ]

    def _regions(self, window: Rect) -> None:
        """GetRegionsOfInterest for a window; inputs of clips that do not tile stay whole."""
        sx, sy = self.scale
        aspect = self._aspect
        canonical = (window[0] * aspect / sx, window[1] / sy, window[2] * aspect / sx, window[3] / sy)
        inputs = [n for n in self.instance.clips if n != "Output"]
        presets = {_CLIP_REGION + n: ("d", 4, list(canonical)) for n in inputs}
        _status, out = self._call(
            "GetRegionsOfInterest", self._at() | {"OfxImageEffectPropRegionOfInterest": canonical}, presets
        )
        self.regions = {}
        for name in inputs:
            clip = self.instance.clips[name]
            if not clip.declared.props.one("OfxImageEffectPropSupportsTiles", 1):
                continue
            wanted, whole = out.all(_CLIP_REGION + name), pixel_bounds(clip, self.scale)
            if whole is None or not all(map(math.isfinite, wanted)):
                continue
            self.regions[name] = intersect(in_pixels(wanted, self.scale, aspect), whole)

    def _sequence(self, name: str) -> None:
        self._call(
            name,
            {
                "OfxImageEffectPropFrameRange": (float(self.time), float(self.time)),
                "OfxImageEffectPropFrameStep": 1.0,
                "OfxPropIsInteractive": int(self.interactive),
                "OfxImageEffectPropRenderScale": self.scale,
                "OfxImageEffectPropSequentialRenderStatus": 0,
                "OfxImageEffectPropInteractiveRenderStatus": int(self.interactive),
            },
            {},
        )

    def _render_window(self, window: Rect, buffer: Buffer) -> int:
        if self.profile.tiles:
            self._regions(window)
        before = buffer.snapshot()
        inputs = self._at() | {
            "OfxImageEffectPropFieldToRender": "OfxFieldNone",
            "OfxImageEffectPropRenderWindow": window,
            "OfxImageEffectPropSequentialRenderStatus": 0,
            "OfxImageEffectPropInteractiveRenderStatus": int(self.interactive),
            "OfxImageEffectPropRenderQualityDraft": 0,
        }
        status, _ = self._call("Render", inputs, {})
        action = _PREFIX + "Render"
        clause = "ofxImageEffect.h, kOfxImageEffectPropRenderWindow"
        if buffer.strayed():
            self.host.report.add(clause, "memory outside the output image was written", action)
        if buffer.written_outside(window, before):
            self.host.report.add(clause, "pixels of the output outside the render window were written", action)
        if status == abi.OK and not self.instance.abort() and buffer.untouched_inside(window):
            self.host.report.add(clause, "pixels of the render window were not written", action)
        return status
