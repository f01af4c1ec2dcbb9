"""Two shots compared: which frames belong together, in which encoding, and the table that comes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from wetgate.color import ColorConfig
from wetgate.engine import meters, meters_external
from wetgate.engine.colour import unknown_space
from wetgate.engine.meters import Column, Domain, Pair, encoded
from wetgate.io import open_source
from wetgate.io.source import Source
from wetgate.spec import DISPLAY, FrameError, Image, UsageError, WetgateError, raise_all, suggest

DomainChoice = Literal["auto", "sdr", "hdr"]
SCHEMA = "wetgate.measurement/1"
_RATE = 24.0
_INTEGER_DEPTHS = ("uint8", "uint10", "uint12", "uint16")
_SUMMARY = ("mean", "p99", "min", "max")


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured: the two shots, their spaces, the domain in words, notes, and the columns."""

    reference: str
    test: str
    spaces: tuple[str, str]
    domain: str
    numbers: tuple[int, ...]
    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()

    def summary(self, column: Column) -> dict[str, float]:
        """Mean, 99th percentile, least and greatest over the frames that have a value, and the figures of the shot."""
        values = [v for v in column.values.values() if not math.isnan(v)]
        found: dict[str, float] = {}
        if values:
            finite = np.asarray(values, np.float64)
            whole = bool(np.isfinite(finite).all())
            p99 = float(np.percentile(finite, 99)) if whole else float(np.sort(finite)[int(0.99 * (len(values) - 1))])
            found = {"mean": float(finite.mean()), "p99": p99, "min": float(finite.min()), "max": float(finite.max())}
        return found | column.shot

    def to_json(self) -> dict[str, Any]:
        """Plain JSON. A value that is not finite (the PSNR of equal frames) is null, and the note says so."""
        return {
            "schema": SCHEMA,
            "reference": {"source": self.reference, "space": self.spaces[0]},
            "test": {"source": self.test, "space": self.spaces[1]},
            "domain": self.domain,
            "frames": list(self.numbers),
            "metrics": {
                c.name: {
                    "unit": c.unit,
                    "better": c.better,
                    "domain": c.domain,
                    "summary": {k: _number(v) for k, v in self.summary(c).items()},
                    "frames": {str(n): _number(v) for n, v in c.values.items()},
                }
                for c in self.columns
            },
            "notes": list(self.notes),
        }

    def to_table(self) -> str:
        """The table as text: a row a frame, the summary below, then the domains and notes."""
        shown = [c for c in self.columns if c.values]
        heads = ["frame", *(f"{c.name}{f' [{c.unit}]' if c.unit else ''}" for c in shown)]
        rows = [[str(n), *(_text(c.values.get(n, math.nan)) for c in shown)] for n in self.numbers] if shown else []
        summaries = [self.summary(c) for c in shown]
        foot = [[key, *(_text(s.get(key, math.nan)) for s in summaries)] for key in _SUMMARY] if shown else []
        widths = [max(len(row[i]) for row in [heads, *rows, *foot]) for i in range(len(heads))]

        def line(cells: Sequence[str]) -> str:
            return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))

        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        parts = [line(heads), rule, *map(line, rows), rule, *map(line, foot)] if shown else []
        for column in self.columns:
            for key, value in column.shot.items():
                parts.append(f"{column.name}, {key}: {_text(value)} {column.unit}".rstrip())
        parts.append(f"reference {self.reference} ({self.spaces[0]}), test {self.test} ({self.spaces[1]})")
        for domain in dict.fromkeys(c.domain for c in self.columns):
            names = ", ".join(c.name for c in self.columns if c.domain == domain)
            parts.append(f"{names}: computed on {domain}")
        return "\n".join([*parts, *(f"note: {note}" for note in self.notes)])


def available() -> dict[str, str]:
    """Every measure by name, with a sentence about it."""
    return {name: kind.text for name, kind in meters.KINDS.items()} | dict(meters_external.KINDS)


def measure(
    a: str,
    b: str,
    metrics: Sequence[str],
    *,
    frames: str | None = None,
    in_space_a: str | None = None,
    in_space_b: str | None = None,
    config: str | ColorConfig | None = None,
    domain: DomainChoice = "auto",
    progress: Callable[[float], None] = lambda share: None,
) -> Measurement:
    """Measure the test ``b`` against the reference ``a``, frame by frame.

    ``metrics`` are names of :func:`available`. Frames belong together by number; where numbers differ and counts do
    not, by order. Measures on code values use the files' own where both are in one video space, else sRGB (100 nits
    white) or, where either is HDR or both are scene-referred, PQ; ``domain`` forces one of the two. Alpha is ignored.
    Raises :class:`UsageError` for unknown names and shots that do not match, :class:`FrameError` for a bad frame.
    """
    names = _checked(metrics)
    colour = config if isinstance(config, ColorConfig) else ColorConfig.load(config)
    sources: list[Source] = []
    try:
        sources.append(open_source(a, frames=frames))
        sources.append(open_source(b, frames=frames))
        shot = _Shot(sources[0], sources[1], colour, (in_space_a, in_space_b), domain)
        return _measured(shot, names, progress)
    finally:
        for source in sources:
            source.close()


def _measured(shot: _Shot, names: list[str], progress: Callable[[float], None]) -> Measurement:
    raise_all(_refusals(names, shot.domain))
    inner = {name: meters.KINDS[name].make(shot.domain) for name in names if name in meters.KINDS}
    made: dict[str, list[Column]] = {}
    if inner:
        for done, pair in enumerate(shot.pairs(), 1):
            for name, meter in inner.items():
                try:
                    meter.add(pair)
                except UsageError as error:
                    raise error.at(f"{name}, frame {pair.number}") from None
            progress(done / len(shot.places))
        made |= {name: meter.columns() for name, meter in inner.items()}
    if "vmaf" in names:
        made["vmaf"] = [meters_external.vmaf(shot.pairs(), shot.rate, shot.domain)]
    if "cvvdp" in names:
        made["cvvdp"] = [meters_external.cvvdp(shot.pair, len(shot.places), shot.rate, shot.domain)]
    columns = tuple(column for name in names for column in made[name])
    notes = list(shot.notes)
    if any(math.isinf(v) for c in columns for v in [*c.values.values(), *c.shot.values()]):
        notes.append(
            "an infinite value means that the two do not differ there at all, or not comparably (null in JSON)"
        )
    return Measurement(
        reference=shot.sources[0].info.label,
        test=shot.sources[1].info.label,
        spaces=shot.spaces,
        domain=shot.domain.text,
        numbers=tuple(n for n, _ in shot.places),
        columns=columns,
        notes=tuple(notes),
    )


class _Shot:
    """The pairs of two opened sources."""

    def __init__(
        self, a: Source, b: Source, config: ColorConfig, given: tuple[str | None, str | None], choice: DomainChoice
    ) -> None:
        self.sources = (a, b)
        self.config = config
        self.notes: list[str] = []
        spaces = [self._space(source, space) for source, space in zip(self.sources, given, strict=True)]
        self.spaces = (spaces[0], spaces[1])
        self.places = self._places()
        self.domain = _domain(self.spaces, config, choice)
        rate = a.info.rate or b.info.rate
        self.rate = float(rate) if rate else _RATE
        infos = (a.info, b.info)
        if (infos[0].width, infos[0].height) != (infos[1].width, infos[1].height):
            raise UsageError(
                "the two differ in size: " + " and ".join(f"{i.label} is {i.width}x{i.height}" for i in infos),
                remedy="measure pictures of one size; scale or crop one of them first",
            )

    def pair(self, place: int) -> Pair:
        """The frames at a place of the shot, in the domain's encoding."""
        number, other = self.places[place]
        loaded = [self._rgb(0, number), self._rgb(1, other)]
        if loaded[0].shape != loaded[1].shape:
            sizes = " and ".join(f"{p.shape[1]}x{p.shape[0]}" for p in loaded)
            raise FrameError(f"the pictures differ in size: {sizes}", where=f"frame {number}")

        def light(side: int) -> Image:
            return self._nits(side, loaded[side])

        if self.domain.stored:
            return Pair(number, (loaded[0], loaded[1]), light, self.domain)
        nits = {side: light(side) for side in (0, 1)}
        codes = (encoded(nits[0], self.domain.hdr), encoded(nits[1], self.domain.hdr))
        return Pair(number, codes, light, self.domain, nits)

    def pairs(self) -> Iterator[Pair]:
        """All pairs in order, the next one read while the last is worked."""
        with ThreadPoolExecutor(1) as reader:
            ahead = reader.submit(self.pair, 0)
            for place in range(len(self.places)):
                pair = ahead.result()
                if place + 1 < len(self.places):
                    ahead = reader.submit(self.pair, place + 1)
                yield pair

    def _rgb(self, side: int, number: int) -> Image:
        loaded = self.sources[side].read(number)
        if loaded.repaired:
            label = self.sources[side].info.label
            self.notes.append(f"{label}, frame {number}: {loaded.repaired} NaN or infinite samples were repaired")
        return np.ascontiguousarray(loaded.frame.rgb)

    def _nits(self, side: int, pixels: Image) -> Image:
        return self.config.hop(self.spaces[side], DISPLAY).apply(pixels)

    def _space(self, source: Source, given: str | None) -> str:
        if given:
            return self.config.resolve(given)
        hint, label = source.info.hint, source.info.label
        if hint.space is not None and self.config.has(hint.space):
            space = self.config.resolve(hint.space)
            if hint.assumed:
                self.notes.append(f"assumed that {label} is {space}: {hint.how}")
            return space
        if source.info.bit_depth in _INTEGER_DEPTHS and source.info.kind != "movie":
            space = self.config.resolve("srgb_tx")
            self.notes.append(f"assumed that {label} is {space}: the file does not name its space; name it to be sure")
            return space
        raise unknown_space(label)

    def _places(self) -> list[tuple[int, int]]:
        first, second = (list(s.numbers) for s in self.sources)
        if first == second:
            return [(n, n) for n in first]
        if len(first) == len(second):
            self.notes.append(f"frames are paired in order: {first[0]}... with {second[0]}...")
            return list(zip(first, second, strict=True))
        labels = [s.info.label for s in self.sources]
        raise UsageError(
            f"{labels[0]} has {len(first)} frames and {labels[1]} has {len(second)}",
            where="--frames",
            remedy="choose frames that both have",
        )


def _domain(spaces: tuple[str, str], config: ColorConfig, choice: DomainChoice) -> Domain:
    kinds = [_kind(space, config) for space in spaces]
    hdr = "hdr" in kinds or "sdr" not in kinds if choice == "auto" else choice == "hdr"
    if spaces[0] == spaces[1] and kinds[0] in ("sdr", "hdr") and (choice == "auto" or choice == kinds[0]):
        return Domain(hdr, True, f"the files' own code values, {spaces[0]}")
    if hdr:
        return Domain(True, False, "PQ code values in Rec.2020 (BT.2100), light clipped to 0..10,000 nits")
    return Domain(False, False, "sRGB code values in Rec.709, 100 nits white, light clipped to 0..100 nits")


def _kind(space: str, config: ColorConfig) -> str:
    """Whether a space holds SDR code values, HDR ones, or light (linear, log) that has no such bound."""
    encoding = config.encoding(space)
    if encoding == "hdr-video":
        return "hdr"
    return "sdr" if encoding == "sdr-video" else "light"


def _checked(metrics: Sequence[str]) -> list[str]:
    known = available()
    problems: list[WetgateError] = [
        UsageError(f"there is no measure {name!r}", where="--metrics", remedy=suggest(name, known))
        for name in metrics
        if name not in known
    ]
    if not metrics:
        problems.append(UsageError("no measure was asked for", where="--metrics", allowed=", ".join(known)))
    raise_all(problems)
    return list(dict.fromkeys(metrics))


def _refusals(names: list[str], domain: Domain) -> list[WetgateError]:
    found: list[WetgateError] = []
    for name in names:
        if name in meters_external.KINDS:
            try:
                meters_external.demand(name, domain)
            except WetgateError as error:
                found.append(error)
    return found


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _text(value: float) -> str:
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{value:.4f}" if 0.001 <= abs(value) < 10000 or value == 0 else f"{value:.3e}"
