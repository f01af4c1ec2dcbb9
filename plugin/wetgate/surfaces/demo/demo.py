"""The demonstration, from nothing to a page: a shot is painted, made into SDR footage, aged, lifted, and reported on.

Everything goes through the same calls that a user has: ``degrade``, ``render``, ``measure``. The scene's own light is
kept beside the results, so that the report can say how near the restored picture comes to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from wetgate.color import ColorConfig
from wetgate.color.curves import pq_encode
from wetgate.color.primaries import apply_matrix, rgb_to_rgb
from wetgate.damage import recipes
from wetgate.engine.degrade import degrade
from wetgate.engine.job import Job, OnEvent, Outcome
from wetgate.engine.measure import measure
from wetgate.engine.pipeline import Abort
from wetgate.engine.render import render
from wetgate.io import Sink, WriteOptions, open_sink
from wetgate.spec import Frame, FrameError, Image
from wetgate.surfaces.api import graph_of
from wetgate.surfaces.demo import film as prints
from wetgate.surfaces.demo.ageing import damaged, steps
from wetgate.surfaces.demo.findings import compare
from wetgate.surfaces.demo.scene import FRAMES, RATE, SDR_SPACE, SPACE, Scene, exposed, graded_sdr
from wetgate.surfaces.report.collect import Collector
from wetgate.surfaces.report.data import Note, Table

FIRST = 1001
# What the footage goes through after the camera has clipped it, and what gives back what can be given back. A node
# that is added to the package joins both lists: its damage above, itself below.
AGEING = ("gamut_clip:gamut=rec709", "chroma:grid=420", "quantise:bits=8")
NODES = ("hdr_lift:method=adaptive,peak=1000",)
OUT_SPACE = "ACEScg"
MOVIE_SPACE = "rec2100_pq_display"
_WHITE = 203.0  # nits: HDR reference white, BT.2408-8, 2.2
_PEAK = 1000.0
_STAGES = 5  # passes over the frames that the progress counts


def run(
    folder: Path,
    *,
    frames: int = FRAMES,
    size: tuple[int, int] = (960, 540),
    on_event: OnEvent = lambda event: None,
    abort: Abort | None = None,
) -> Path:
    """Make the demonstration in ``folder`` and return the path of its ``report.html``.

    Left there: ``scene`` (scene-linear EXR of the original), ``graded`` (its HDR grade), ``footage`` and ``aged`` (SDR,
    before and after ageing), ``restored`` (ACEScg EXR), ``restored.mp4`` (HDR10), ``film`` (a print of some frames,
    faded and restored, with a report of its own), ``damage`` (the first frames of the footage under each shipped
    recipe), the records, and the report.
    Raises :class:`~wetgate.spec.UsageError` for a size that cannot be painted, :class:`FrameError` for a frame that
    failed, :class:`~wetgate.spec.Interrupted` where ``abort`` is set.
    """
    stop = abort or Abort()
    scene = Scene(*size)
    folder.mkdir(parents=True, exist_ok=True)
    tell = _passing(on_event)
    numbers = range(FIRST, FIRST + frames)
    on_event(
        {"event": "start", "frames": _STAGES * frames + steps(numbers) + prints.steps(numbers), "output": str(folder)}
    )

    tell({"event": "note", "text": "painting a harbour at dusk"})
    _paint(scene, folder, numbers, tell, stop)
    tell({"event": "note", "text": "ageing the footage: " + ", ".join(a.split(":")[0] for a in AGEING)})
    footage, aged = folder / "footage" / "footage.####.exr", folder / "aged" / "aged.####.exr"
    half = WriteOptions(depth="half", compression="zip", rate=Fraction(RATE))
    degrade(str(footage), str(aged), AGEING, seed=1, options=half, on_event=tell, abort=stop)

    tell({"event": "note", "text": "restoring: " + ", ".join(n.split(":")[0] for n in NODES)})
    collector = Collector(
        title="Harbour at dusk",
        subtitle=f"An SDR shot of {frames} frames, aged and then restored by wetgate demo",
        labels=("Aged footage", "Restored"),
    )
    restored = folder / "restored" / "restored.####.exr"
    graph = graph_of(None, NODES)
    job = Job(str(aged), str(restored), graph, out_space=OUT_SPACE, options=half)
    outcome = _done(render(job, tell, collector, stop))

    tell({"event": "note", "text": "writing the HDR10 movie"})
    documents = tuple(f for f in outcome.files if f.endswith(".analysis.json"))
    movie = folder / "restored.mp4"
    film = Job(
        str(aged),
        str(movie),
        graph,
        out_space=MOVIE_SPACE,
        options=WriteOptions(rate=Fraction(RATE)),
        analyses=documents,
    )
    made = _done(render(film, tell, None, stop))

    tell({"event": "note", "text": "measuring against the scene's own light"})
    truth = folder / "graded" / "graded.####.exr"
    found = compare(aged, restored, truth, numbers, lambda n: tell({"event": "frame", "frame": n}), stop)
    tell({"event": "note", "text": "what else age does: " + ", ".join(recipes())})
    collector.facts += found.facts()
    collector.extra_metrics += found.series()
    gallery = damaged(footage, folder, numbers, half, tell, stop)
    tell({"event": "note", "text": f"a faded print, restored by {prints.PRESET}"})
    collector.galleries += [found.gallery(), prints.archived(footage, folder, numbers, half, tell, stop), gallery]
    collector.notes += [
        Note("The shot is painted by arithmetic: nothing in it was photographed, and its true light is known."),
        Note(
            "The camera clipped its highlights, and ageing took gamut, chroma resolution and bits. HDR Lift gives back "
            "light, marked in the clip and estimated views; the faded print below is a restoration by itself."
        ),
        *found.notes(),
        *(Note(f"HDR10 movie: {text}", "warning") for text in made.notes if text not in outcome.notes),
    ]
    stop.check()
    collector.extra_tables += [_cost(footage, aged), _files(folder, (footage, aged, restored), movie)]
    report = folder / "report.html"
    collector.write(report, outcome)
    return report


def _paint(scene: Scene, folder: Path, numbers: range, tell: OnEvent, stop: Abort) -> None:
    """The scene-linear original, its HDR grade in PQ, and the SDR footage, frame by frame."""
    config = ColorConfig.load()
    options = WriteOptions(depth="half", compression="zip", rate=Fraction(RATE))
    kinds: tuple[tuple[str, str, Callable[[Image], Image]], ...] = (
        ("scene", SPACE, lambda light: light),
        ("graded", MOVIE_SPACE, graded_hdr),
        ("footage", SDR_SPACE, graded_sdr),
    )
    sinks: list[tuple[Sink, str, Callable[[Image], Image]]] = []
    try:
        for name, space, grade in kinds:
            (folder / name).mkdir(exist_ok=True)
            full = config.resolve(space)
            target = folder / name / f"{name}.####.exr"
            sink = open_sink(
                target, numbers=list(numbers), options=options, space=full, interop_id=config.interop_id(full)
            )
            sinks.append((sink, full, grade))
        for index, number in enumerate(numbers):
            stop.check()
            light = scene.frame(index)
            for sink, space, grade in sinks:
                sink.write(Frame(grade(light), space, number))
            tell({"event": "frame", "frame": number})
    except BaseException:
        for sink, _, _ in sinks:
            sink.abort()
        raise
    for sink, _, _ in sinks:
        sink.finish()


def graded_hdr(picture: Image) -> Image:
    """The scene graded for HDR, PQ in Rec.2020: exposed as for SDR, white at 203 nits, rolled off to 1,000."""
    nits = apply_matrix(rgb_to_rgb("rec709", "rec2020"), exposed(picture)) * _WHITE
    most = np.maximum(nits.max(axis=2, keepdims=True), 1e-6)
    room = _PEAK - _WHITE
    over = np.maximum(most - _WHITE, 0.0)
    shown = np.where(most > _WHITE, _WHITE + room * over / (over + room), most)
    return np.asarray(pq_encode(nits * (shown / most)), np.float32)


def _cost(footage: Path, aged: Path) -> Table:
    loss = measure(str(footage), str(aged), ["psnr", "ssim"])
    figures = [[column.name.upper(), loss.summary(column)["mean"], column.unit] for column in loss.columns]
    return Table("What ageing cost the footage", figures, ("Measure", "Mean", "Unit"), f"Computed on {loss.domain}.")


def _files(folder: Path, shots: tuple[Path, ...], movie: Path) -> Table:
    rows = [[path.parent.name, str(path.relative_to(folder))] for path in shots]
    rows.insert(0, ["scene", "scene/scene.####.exr"])
    rows.insert(1, ["HDR original", "graded/graded.####.exr"])
    rows += [["HDR10", movie.name], ["faded print, and its report", "film/report.html"], ["damage models", "damage"]]
    return Table("Files", rows, ("Shot", "Where, beside this page"))


def _done(outcome: Outcome) -> Outcome:
    for number, text in outcome.failed.items():
        raise FrameError(f"the demonstration failed: {text}", where=f"frame {number}")
    return outcome


def _passing(on_event: OnEvent) -> OnEvent:
    """Hands on what happens inside; beginning and end are the demonstration's own."""

    def tell(event: Mapping[str, Any]) -> None:
        if event["event"] not in ("start", "done"):
            on_event(event)

    return tell
