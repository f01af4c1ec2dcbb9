"""What the restoration brought back, told by the light of the scene itself, which only a painted shot has.

Beside the aged and the restored picture stands the aged one at HDR level, nothing expanded (BT.2408's direct mapping):
the difference between those two is what the restoration adds to a mere change of level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.color import ColorConfig
from wetgate.color.difference import delta_e_itp
from wetgate.engine.colour import Colour
from wetgate.engine.pipeline import Abort, cores
from wetgate.io import open_source
from wetgate.spec import DISPLAY, Frame, Image, UsageError
from wetgate.surfaces.report.data import Gallery, Note, Series, Table, View
from wetgate.surfaces.report.images import HDR_WHITE, SDR_WHITE, srgb_from_nits

STOPS = -2  # at which the highlights are shown: white at a quarter, 812 nits at the page's own white
_FULL = 254.5 / 255  # of an 8-bit code: at or above it a channel has clipped
_KINDS = ("original", "aged", "levelled", "restored")
_NAMES = {
    "original": "HDR original",
    "aged": "Aged footage",
    "levelled": "Aged, level only",
    "restored": "Restored",
}
_CROP = 3  # a detail is a third of the picture wide and high
_DETAILS = 2


@dataclass(slots=True)
class Findings:
    """Errors and light of every frame, ``values[measure, picture][frame]``; nan where no pixel had clipped.

    Measures: ``error`` and ``clipped error`` (BT.2124, mean of the area), ``other error`` (of the rest),
    ``clipped light`` (nits, mean of the largest of R, G, B), ``peak`` (nits), ``share`` of the picture that clipped.
    """

    values: dict[tuple[str, str], dict[int, float]] = field(default_factory=dict)
    details: list[View] = field(default_factory=list)

    def mean(self, measure: str, picture: str) -> float:
        """The mean over the frames that have the measure, or nan."""
        found = [v for v in self.values.get((measure, picture), {}).values() if np.isfinite(v)]
        return float(np.mean(found)) if found else float("nan")

    def facts(self) -> list[tuple[str, str]]:
        """For the head line: what the clipped highlights were, are, and should be."""
        error = [self.mean("clipped error", k) for k in ("aged", "restored")]
        whole = [self.mean("error", k) for k in ("aged", "restored")]
        light = [self.mean("clipped light", k) for k in ("aged", "restored", "original")]
        facts = [("Error to the HDR original", f"{whole[0]:.1f} → {whole[1]:.1f} dE ITP")]
        if np.isfinite(error).all():
            facts.append(("Error where it had clipped", f"{error[0]:.0f} → {error[1]:.0f} dE ITP"))
            facts.append(("Light where it had clipped", f"{light[0]:.0f} → {light[1]:.0f} of {light[2]:.0f} nits"))
        return facts

    def notes(self) -> list[Note]:
        """What keeps the head line honest: how much of it a change of level gives alone."""
        whole = [self.mean("error", k) for k in ("levelled", "restored")]
        there = [self.mean("clipped error", k) for k in ("levelled", "restored")]
        texts = [f"{w:.1f} over the picture" for w in whole]
        if np.isfinite(there).all():
            texts = [f"{text} and {t:.0f} where it had clipped" for text, t in zip(texts, there, strict=True)]
        return [
            Note(
                "Level alone, the aged footage shown by BT.2408's direct mapping with nothing restored, leaves an "
                f"error of {texts[0]}. The restored shot has {texts[1]}."
            )
        ]

    def series(self) -> list[Series]:
        """The charts: error of the aged and the restored shot, and of what had clipped."""
        about = "BT.2124 against the HDR original, absolute light, linear Rec.2020"
        charts = [
            Series("Error, aged footage", _pairs(self.values["error", "aged"]), "dE ITP", "lower", about),
            Series("Error, restored", _pairs(self.values["error", "restored"]), "dE ITP", "lower", about),
        ]
        clipped = _pairs(self.values["clipped error", "restored"])
        if any(np.isfinite(v) for _, v in clipped):
            about += ", where a channel of the aged footage is at its full code"
            charts.append(Series("Error of what had clipped, restored", clipped, "dE ITP", "lower", about))
        return charts

    def gallery(self) -> Gallery:
        """Details of the brightest of what had clipped, stopped down, with the figures under them."""
        share = 100 * self.mean("share", "aged")
        rows: list[tuple[str, tuple[float, ...]]] = [
            ("Error, whole picture", tuple(self.mean("error", k) for k in _KINDS)),
            ("Error where it had clipped", tuple(self.mean("clipped error", k) for k in _KINDS)),
            ("Error elsewhere", tuple(self.mean("other error", k) for k in _KINDS)),
            ("Light where it had clipped, nits", tuple(self.mean("clipped light", k) for k in _KINDS)),
            ("Peak light, nits", tuple(self.mean("peak", k) for k in _KINDS)),
        ]
        table = Table(
            "Against the HDR original, mean over the shot",
            [[name, *(_rounded(v) for v in values)] for name, values in rows],
            ("", *(_NAMES[k] for k in _KINDS)),
            f"Errors in dE ITP (BT.2124). Clipped: a channel of the aged footage is at its full code, {share:.1f} % of "
            "the picture. Level only: its light times 2.03, the direct mapping of BT.2408, nothing restored.",
        )
        return Gallery(
            "What came back in the highlights",
            self.details,
            f"Two details, all stopped down by {-STOPS} stops with diffuse white put level. What had clipped is flat "
            "in the aged footage. Restored light there is an estimate: it keeps the hue of the clipped footage, and "
            "colour that was lost stays lost.",
            table,
            first=True,
            columns=3,
        )


def compare(
    aged: Path, restored: Path, truth: Path, numbers: range, step: Callable[[int], None], abort: Abort
) -> Findings:
    """Hold the aged and the restored shot against the true one, frame by frame.

    ``step`` is told each frame that is done. Raises :class:`~wetgate.spec.Interrupted` where ``abort`` is set.
    """
    config = ColorConfig.load()
    patterns = {"original": truth, "aged": aged, "restored": restored}
    found = Findings()
    middle = numbers[len(numbers) // 2]
    with _Shots(patterns, config) as shots, ThreadPoolExecutor(cores()) as workers:

        def work(number: int) -> tuple[int, dict[tuple[str, str], float]]:
            abort.check()
            return number, _measured(*shots.pictures(number))

        for number, figures in workers.map(work, numbers):
            for key, value in figures.items():
                found.values.setdefault(key, {})[number] = value
            step(number)
        found.details = _details(*shots.pictures(middle), middle)
    return found


class _Shots:
    """The three shots, opened, and their light."""

    def __init__(self, patterns: Mapping[str, Path], config: ColorConfig) -> None:
        self._sources = {kind: open_source(pattern) for kind, pattern in patterns.items()}
        self._config = config

    def __enter__(self) -> _Shots:
        return self

    def __exit__(self, *_: object) -> None:
        for source in self._sources.values():
            source.close()

    def pictures(self, number: int) -> tuple[dict[str, Image], NDArray[np.bool_]]:
        """Each picture's light in nits, linear Rec.2020, and where the aged footage had clipped."""
        frames = {kind: self._frame(kind, number) for kind in self._sources}
        light = {kind: Colour(self._config, f.space, 1).to(f, DISPLAY).rgb for kind, f in frames.items()}
        # The direct mapping of BT.2408-8, 5.1.2: SDR display light scaled so that 100 nits become 203.
        light["levelled"] = light["aged"] * np.float32(HDR_WHITE / SDR_WHITE)
        return light, frames["aged"].rgb.max(axis=2) >= _FULL

    def _frame(self, kind: str, number: int) -> Frame:
        source = self._sources[kind]
        space = source.info.hint.space
        if space is None:
            raise UsageError(f"the demonstration's own file names no colour space: {source.info.label}")
        return source.read(number).frame.with_(space=self._config.resolve(space))


def _measured(light: Mapping[str, Image], clipped: NDArray[np.bool_]) -> dict[tuple[str, str], float]:
    figures = {("share", "aged"): float(clipped.mean())}
    for kind in _KINDS:
        figures["peak", kind] = float(light[kind].max())
        figures["clipped light", kind] = _mean(light[kind].max(axis=2)[clipped])
        if kind != "original":
            error = np.asarray(delta_e_itp(light[kind], light["original"]))
            figures["error", kind] = _mean(error)
            figures["clipped error", kind] = _mean(error[clipped])
            figures["other error", kind] = _mean(error[~clipped])
    return figures


def _details(light: Mapping[str, Image], clipped: NDArray[np.bool_], number: int) -> list[View]:
    """Crops of the places that lost most, the aged, the restored and the original side by side."""
    lost = np.where(clipped, (light["original"] - light["levelled"]).max(axis=2), 0.0).astype(np.float32)
    height, width = (max(1, size // _CROP) for size in lost.shape)
    views = []
    for _ in range(_DETAILS):
        sums = cv2.boxFilter(lost, -1, (width, height), anchor=(0, 0), normalize=False, borderType=cv2.BORDER_CONSTANT)
        sums = sums[: lost.shape[0] - height + 1, : lost.shape[1] - width + 1]
        top, left = (int(v) for v in np.unravel_index(int(np.argmax(sums)), sums.shape))
        lost[top : top + height, left : left + width] = 0.0
        for kind in ("aged", "restored", "original"):
            cut = np.ascontiguousarray(light[kind][top : top + height, left : left + width])
            white = SDR_WHITE if kind == "aged" else HDR_WHITE  # put level, and no shoulder above it
            pixels = srgb_from_nits(cut * np.float32(SDR_WHITE / white), hdr=False, stops=STOPS)
            views.append(View(_NAMES[kind], pixels, f"at most {float(cut.max()):.0f} nits", number))
    return views


def _pairs(values: Mapping[int, float]) -> list[tuple[int, float]]:
    return sorted(values.items())


def _mean(values: Image) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else float("nan")


def _rounded(value: float) -> float | str:
    """Three digits, as many as such a mean is worth; a dash where there is nothing to measure."""
    return float(f"{value:.3g}") if np.isfinite(value) else "–"
