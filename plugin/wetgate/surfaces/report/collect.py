"""Watches a render and makes its report: samples frames and views, measures every frame, and tells what was noted."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from wetgate.color.config import ColorConfig
from wetgate.color.curves import srgb_encode
from wetgate.color.difference import delta_e_itp
from wetgate.engine.colour import Colour
from wetgate.engine.job import Outcome
from wetgate.engine.record import software
from wetgate.ops.grain_analysis import combine
from wetgate.ops.grain_patches import Patches, measure_frame
from wetgate.spec import DENSITY, DISPLAY, Frame, Image, registry
from wetgate.surfaces.report.blur import blur_gallery
from wetgate.surfaces.report.data import Gallery, Note, Picture, Plots, ReportData, Series, Side, Table, Timing, View
from wetgate.surfaces.report.energy import EnergyMeter
from wetgate.surfaces.report.fade import fade_gallery, fade_plots
from wetgate.surfaces.report.grain import grain_plots
from wetgate.surfaces.report.images import srgb_from_nits
from wetgate.surfaces.report.noise import noise_plots
from wetgate.surfaces.report.page import write_report

_MOST_SAMPLES = 8
_SAMPLE_WIDTH = 1280
_VIEW_WIDTH = 640
_SDR_PEAK = 150.0  # nits; a picture that goes beyond it is shown tone-mapped


@dataclass(slots=True)
class _Sample:
    source: Image
    result: Image
    aovs: dict[str, Image]
    frame: Frame  # the source in its own space, small
    grain: tuple[Patches, Patches] | None = None


@dataclass(slots=True)
class Collector:
    """An :class:`wetgate.engine.job.Observer`. :meth:`write` makes the page once the render is done.

    At most eight frames are kept, evenly spread however long the shot turns out to be; figures are kept of every frame.
    What a caller knows beside the render goes into the other fields: ``facts`` come first in the head line, galleries
    and extra metrics and tables before the report's own. ``grain`` has the grain of the sampled frames measured, before
    and after.
    """

    config: str | None = None
    in_space: str | None = None
    title: str = "Restoration report"
    subtitle: str = ""
    labels: tuple[str, str] = ("Source", "Result")
    facts: list[tuple[str, str]] = field(default_factory=list)
    galleries: list[Gallery] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    extra_metrics: list[Series] = field(default_factory=list)
    extra_tables: list[Table] = field(default_factory=list)
    _stride: int = 1
    _count: int = 0
    _samples: dict[int, _Sample] = field(default_factory=dict)
    _order: list[int] = field(default_factory=list)
    _series: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    _metadata: dict[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    grain: bool = False
    _energy: EnergyMeter = field(init=False)

    def __post_init__(self) -> None:
        self._energy = EnergyMeter(self.device)

    def frame(self, number: int, source: Frame, result: Frame, aovs: Mapping[str, Image]) -> None:
        """Take note of one rendered frame."""
        if source.space and result.space:
            self._measure(number, source, result, aovs)
        self._count += 1

    def _measure(self, number: int, source: Frame, result: Frame, aovs: Mapping[str, Image]) -> None:
        colour = Colour(ColorConfig.load(self.config), source.space)
        before, after = colour.to(source, DISPLAY).rgb, colour.to(result, DISPLAY).rgb
        self._add("Brightest pixel, source", number, float(before.max()))
        self._add("Brightest pixel, result", number, float(after.max()))
        self._add("Mean light, source", number, float(before.max(axis=2).mean()))
        self._add("Mean light, result", number, float(after.max(axis=2).mean()))
        small_before, small_after = _reduced(before, _VIEW_WIDTH), _reduced(after, _VIEW_WIDTH)
        if small_before.shape == small_after.shape:
            self._add("Change of colour", number, float(delta_e_itp(small_before, small_after).mean()))
        self._metadata |= {k: v for k, v in result.metadata.items() if k.startswith("hdr:")}
        if self._count % self._stride:
            return
        shown = {}
        for key, aov in aovs.items():
            if aov.ndim == 3:
                picture = Frame(np.ascontiguousarray(aov[..., :3]), result.space)
                shown[key] = _reduced(colour.to(picture, DISPLAY).rgb, _VIEW_WIDTH)
            else:
                shown[key] = _reduced(aov, _VIEW_WIDTH)
        grain = None
        if self.grain:
            grain = (measure_frame(colour.to(source, DENSITY).rgb), measure_frame(colour.to(result, DENSITY).rgb))
        shrunk = _reduced(before, _SAMPLE_WIDTH), _reduced(after, _SAMPLE_WIDTH)
        small = Frame(_reduced(source.rgb, _VIEW_WIDTH), source.space, number)
        self._samples[number] = _Sample(*shrunk, shown, small, grain)
        self._order.append(number)
        if len(self._order) > _MOST_SAMPLES:
            self._stride *= 2
            for gone in self._order[1::2]:
                del self._samples[gone]
            self._order = self._order[::2]

    def _add(self, name: str, number: int, value: float) -> None:
        self._series.setdefault(name, []).append((number, value))

    def write(self, path: Path, outcome: Outcome) -> None:
        """Write the page. A render that kept every frame from before has nothing new to show, and says so."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_report(path, self.data(outcome))

    def data(self, outcome: Outcome) -> ReportData:
        """The report's content, from what was seen and what came of the render."""
        from wetgate.spec import UsageError

        if not self._samples:
            raise UsageError(
                "there is nothing to report: no frame was rendered in a known colour space",
                where="--report",
                remedy="name --in-space; render without --resume where every frame was kept",
            )
        run = outcome.run
        peak = max((value for _, value in self._series["Brightest pixel, result"]), default=0.0)
        source_peak = max((value for _, value in self._series["Brightest pixel, source"]), default=0.0)
        pictures = [(n, self._samples[n]) for n in self._order]
        return ReportData(
            title=self.title,
            subtitle=self.subtitle or f"{run['source']['label']} to {run['output']}",
            before=Side(
                self.labels[0],
                [Picture(n, s.source) for n, s in pictures],
                outcome.source_space,
                source_peak > _SDR_PEAK,
                str(run["source"]["label"]),
            ),
            after=Side(
                self.labels[1],
                [Picture(n, s.result) for n, s in pictures],
                outcome.out_space,
                peak > _SDR_PEAK,
                str(run["output"]),
            ),
            facts=[*self.facts, *self._facts(outcome, peak)],
            notes=[*self.notes, *_notes(outcome)],
            metrics=[*self.extra_metrics, *self._charts()],
            plots=self._plots(outcome),
            views=self._views(outcome),
            galleries=[*self.galleries, *self._fades(outcome), *_blurs(outcome)],
            hdr_metadata={k.removeprefix("hdr:"): v for k, v in sorted(self._metadata.items())},
            tables=[*self.extra_tables, _software_table()],
            timing=self.timing(outcome),
            record=run,
        )

    def _plots(self, outcome: Outcome) -> list[Plots]:
        told = (tell(*entry) for entry in outcome.analyses.items() for tell in (noise_plots, fade_plots))
        measured = [s.grain for s in self._samples.values() if s.grain is not None]
        before, after = (combine([pair[side] for pair in measured], 0.0) for side in (0, 1))
        grain = (
            grain_plots(
                n["name"], n["params"], outcome.analyses.get(n["name"]), outcome.run["source"]["size"], before, after
            )
            for n in outcome.run["graph"]["nodes"]
            if n["node"] == "grain"
        )
        return [plots for plots in (*told, *grain) if plots is not None]

    def _fades(self, outcome: Outcome) -> list[Gallery]:
        """What a fade has taken, where the first step reverses it: later ones do not see the source as it came in."""
        first = next(iter(outcome.run["graph"]["nodes"]), None)
        if first is None or first["name"] not in outcome.analyses:
            return []
        middle = [self._order[len(self._order) // 2]]
        frames = [(n, self._samples[n].frame) for n in dict.fromkeys([*middle, self._order[0]])]
        name = str(first["name"])
        made = fade_gallery(name, outcome.analyses[name], first["params"], frames, self.config)
        return [] if made is None else [made]

    def _facts(self, outcome: Outcome, peak: float) -> list[tuple[str, str]]:
        run = outcome.run
        facts = [
            ("Frames", str(len(outcome.written) + len(outcome.kept))),
            ("Picture", "{} x {}".format(*run["source"]["size"])),
            ("Nodes", ", ".join(n["node"] for n in run["graph"]["nodes"]) or "none"),
            ("Peak light", f"{peak:.0f} nits"),
        ]
        if "hdr:max_cll" in self._metadata:
            facts.append(("MaxCLL / MaxFALL", f"{self._metadata['hdr:max_cll']} / {self._metadata['hdr:max_fall']}"))
        return facts

    def _charts(self) -> list[Series]:
        units = {"Brightest pixel": "nits", "Mean light": "nits", "Change of colour": "dE ITP"}
        domains = {
            "Brightest pixel": "largest of R, G, B in linear Rec.2020",
            "Mean light": "frame average of the largest of R, G, B in linear Rec.2020",
            "Change of colour": "BT.2124, mean, against the source; how far the picture was moved, not an error",
        }
        charts = []
        for name, values in self._series.items():
            kind = name.split(",")[0]
            charts.append(Series(name, values, units[kind], "", domains[kind]))
        return charts

    def _views(self, outcome: Outcome) -> list[View]:
        middle = self._order[len(self._order) // 2]
        of_step = {n["name"]: registry.get(n["node"]) for n in outcome.run["graph"]["nodes"]}
        views = []
        for key, aov in self._samples[middle].aovs.items():
            step, _, name = key.partition(".")
            made = of_step.get(step)
            caption = made.views.get(name, "") if made is not None else ""
            if aov.ndim == 3:
                pixels = srgb_from_nits(np.ascontiguousarray(aov), hdr=False)
            else:
                plane = np.nan_to_num(aov)
                white = _white_of(float(plane.max()))
                grey = np.rint(srgb_encode(np.clip(plane / white, 0.0, 1.0)) * 255.0).astype(np.uint8)
                pixels = np.repeat(grey[..., None], 3, axis=2)
                scale = f"Black is 0, mid-grey {white * 0.214:.2g}, white {white:g}"
                caption = f"{caption} {scale}; {_share(plane)} of the picture is above 0.".strip()
            views.append(View(f"{made.label}: {name}" if made is not None else key, pixels, caption, middle))
        return views

    def timing(self, outcome: Outcome) -> Timing:
        """What the render cost."""
        line = outcome.timeline
        frames = max(len(outcome.written), 1)
        from wetgate.engine.pipeline import cores

        energy = self._energy.read()
        return Timing(
            frames=frames,
            wall_seconds=outcome.seconds,
            read=line.busy("read") / frames,
            compute=line.busy("compute") / frames,
            write=line.busy("write") / frames,
            steps=tuple((name, seconds / frames) for name, seconds in line.steps.items()),
            joules=energy.joules,
            joules_of=energy.of,
            machine=f"{cores()} {'processor' if cores() == 1 else 'processors'}, {platform.machine()}",
        )


def _blurs(outcome: Outcome) -> list[Gallery]:
    size = outcome.run["source"]["size"]
    made = (blur_gallery(name, results, size) for name, results in outcome.analyses.items())
    return [gallery for gallery in made if gallery is not None]


def _notes(outcome: Outcome) -> list[Note]:
    notes = [Note(f"{step}: {text}") for step, text in outcome.found.items() if text]
    notes += [Note(text, "warning") for text in outcome.notes]
    notes += [Note(f"frame {n} failed: {text}", "error") for n, text in outcome.failed.items()]
    frames = outcome.run["frames"]
    for key, text in (("repaired", "NaN or infinite samples were repaired"), ("clamped", "samples were clamped")):
        total = sum(f.get(key, 0) for f in frames)
        if total:
            affected = sum(1 for f in frames if f.get(key))
            notes.append(Note(f"{total} {text} in {affected} frames", "warning"))
    for frame in frames:
        if frame.get("held_from") is not None:
            notes.append(Note(f"frame {frame['frame']} is missing: frame {frame['held_from']} stands in", "warning"))
        if frame.get("missing"):
            notes.append(Note(f"frame {frame['frame']} is missing: black stands in", "warning"))
        notes += [Note(f"frame {frame['frame']}: {text}") for text in frame.get("notes", ())]
    return notes


def _white_of(most: float) -> float:
    """The level that a view shows as white: a round one above its greatest value, 1 at most."""
    return next((level for level in (0.05, 0.1, 0.2, 0.5) if most <= level), 1.0)


def _share(plane: Image) -> str:
    """How much of a view is above 0, to read: small shares are not rounded away."""
    share = 100.0 * float((plane > 0).mean())
    return f"{share:.2g} %" if 0 < share < 10 else f"{share:.0f} %"


def _software_table() -> Table:
    return Table("Software", [[name, version] for name, version in software().items()])


def _reduced(image: Image, width: int) -> Image:
    if image.shape[1] <= width:
        return np.array(image, np.float32)
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    return np.asarray(
        cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_AREA), np.float32
    )
