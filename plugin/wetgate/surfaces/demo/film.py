"""A picture of the footage as a colour print that has faded, and what the preset for archive film makes of it.

The print is a scan as archives make them: the picture between frame lines as black as the print gets, with clear film
beside it. Dyes fade wavelength by wavelength in the damage model, which knows nothing of the node that reverses it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wetgate.color import ColorConfig
from wetgate.color.density import linear_from_density
from wetgate.engine.colour import Colour
from wetgate.engine.degrade import degrade
from wetgate.engine.job import Job, OnEvent
from wetgate.engine.measure import measure
from wetgate.engine.pipeline import Abort
from wetgate.engine.render import render
from wetgate.io import WriteOptions, open_sink, open_source
from wetgate.spec import DISPLAY, Frame, FrameError, Image
from wetgate.surfaces.api import graph_of, read
from wetgate.surfaces.demo.scene import SPACE
from wetgate.surfaces.report.collect import Collector
from wetgate.surfaces.report.data import Gallery, Table, View
from wetgate.surfaces.report.images import srgb_from_nits

PRESET = "archive-film"
AGEING = (
    "grain:rms=9,size_um=8,gauge=35,medium=print",
    "fade:stock=5383,kind=dark,amount=0.55,stain=0.08,uneven=0.25,edges=0.35",
)
_RUN = 2  # frames of a picture, held: what changes from one to the next is grain
_SEED = 7
_BLACK = 3.2  # density of a print's frame line
_LINE, _REBATE = 0.05, 0.04  # of the picture's height and width


def steps(numbers: range) -> int:
    """Frames that :func:`archived` counts as done."""
    return 2 * len(numbers[:_RUN])


def archived(
    footage: Path, folder: Path, numbers: range, options: WriteOptions, tell: OnEvent, abort: Abort
) -> Gallery:
    """Fade a print of the footage and reverse it, in ``folder``/film, with a report of its own; and what to look at."""
    place = folder / "film"
    fresh, faded, restored = (place / name / f"{name}.####.exr" for name in ("print", "faded", "restored"))
    run = numbers[:_RUN]
    inner = _print(footage, fresh, run, options)
    degrade(str(fresh), str(faded), AGEING, seed=_SEED, options=options, on_event=tell, abort=abort)
    collector = Collector(
        title="Harbour at dusk, a faded print",
        subtitle=f"{len(run)} frames of a print, faded and then restored by the preset {PRESET}",
        labels=("Faded print", "Restored"),
    )
    outcome = render(Job(str(faded), str(restored), graph_of(PRESET, ()), options=options), tell, collector, abort)
    for number, text in outcome.failed.items():
        raise FrameError(f"the demonstration failed: {text}", where=f"frame {number}")
    collector.write(place / "report.html", outcome)
    before, after = (_difference(fresh, other) for other in (faded, restored))
    shown = run[len(run) // 2]
    names = {"The print": fresh, "Faded": faded, f"Restored by {PRESET}": restored}
    views = [View(name, _seen(path, shown), "", shown) for name, path in names.items()]
    views += [View(f"{name}, detail", _seen(path, shown, inner), "", shown) for name, path in names.items()]
    return Gallery(
        "A faded print",
        views,
        "A picture of the shot, held, as a scan of a colour print with frame lines and clear film, faded for decades in"
        " the dark, unevenly and with stain. Color Decay finds the loss of each dye from the pictures, the frame lines"
        " and the clear film, told nothing; Grain lays a little grain of a 35 mm print over it.",
        Table(
            "Mean colour difference to the print before it faded",
            [["faded", f"{before:.2f}"], [f"restored by {PRESET}", f"{after:.2f}"]],
            ("", "CIEDE2000"),
            "Over the whole scan, its grain included. Plots of the dyes and their figures: film/report.html.",
        ),
        first=True,
        columns=3,
        width=640,
    )


def _print(footage: Path, target: Path, numbers: range, options: WriteOptions) -> tuple[slice, slice]:
    """The first picture of the footage, held, between frame lines and clear film, in the print's linear light; and
    where a detail of it is."""
    config = ColorConfig.load()
    space = config.resolve(SPACE)
    target.parent.mkdir(parents=True, exist_ok=True)
    source = open_source(footage)
    sink = open_sink(target, numbers=list(numbers), options=options, space=space, interop_id=config.interop_id(space))
    rows = columns = 0
    try:
        frame = source.read(numbers[0]).frame.with_(space=config.resolve(str(source.info.hint.space)))
        picture = Colour(config, frame.space).to(frame, space).rgb
        rows, columns = picture.shape[:2]
        film = _bordered(picture)
        for number in numbers:
            sink.write(Frame(film, space, number))
    except BaseException:
        sink.abort()
        raise
    finally:
        source.close()
    sink.finish()
    return slice(rows // 3, 2 * rows // 3), slice(columns // 3, 2 * columns // 3)


def _bordered(picture: Image) -> Image:
    """Linear light of the print: the picture, no brighter than clear film, between black and clear film."""
    height, width = picture.shape[:2]
    line, rebate = max(4, round(_LINE * height)), max(4, round(_REBATE * width))
    black = linear_from_density(_BLACK)
    film = np.full((height + 2 * line, width + 2 * rebate, 3), black, np.float32)
    film[:, :rebate] = film[:, -rebate:] = 1
    film[line:-line, rebate:-rebate] = np.clip(picture, black, 1)
    return film


def _difference(truth: Path, other: Path) -> float:
    found = measure(str(truth), str(other), ["de2000"])
    return float(found.summary(found.columns[0])["mean"])


def _seen(path: Path, number: int, part: tuple[slice, slice] | None = None) -> np.ndarray:
    frame = read(path, frames=str(number))[0]
    nits = Colour(ColorConfig.load(), frame.space).to(frame, DISPLAY).rgb
    return srgb_from_nits(np.ascontiguousarray(nits if part is None else nits[part]), hdr=False)
