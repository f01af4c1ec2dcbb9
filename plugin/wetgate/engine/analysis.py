"""Analysis documents: what a node learned from a whole shot, as a small versioned JSON file (``wetgate.analysis/1``).

A document names the node and its version, the frame range, the parameters it was made with, the hash of every frame it
saw, the cuts, and the node's results. A render uses it only for the frames it was made from, and says so otherwise.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wetgate.engine.colour import Colour
from wetgate.engine.record import save_text
from wetgate.engine.step import Step
from wetgate.spec import Context, Frame, UsageError

SCHEMA = "wetgate.analysis/1"
_MOST_BYTES = 1 << 20
_HASH_LENGTH = 16  # hexadecimal digits kept of each frame's hash: 64 bits tell frames of a shot apart


def summary_of(step: Step, document: Analysis) -> str:
    """What an analysis found, and what the step makes of it, in a sentence for the user; "" where there is nothing to
    say. Of keyframed parameters the values at the first frame count."""
    made = step.at(min(document.frames))
    return str(made.summary(document.results))


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis document. ``frames`` maps each frame number to the head of its pixels' hash; ``reference`` is that
    of the reference picture, or "". ``picked`` is the range, first and last, out of which these are some frames alone;
    None where they are all of it."""

    node: str
    version: int
    params: Mapping[str, Any]
    space: str
    frames: Mapping[int, str]
    cuts: tuple[int, ...]
    results: Mapping[str, Any]
    reference: str = ""
    picked: tuple[int, int] | None = None

    def to_json(self) -> str:
        """The document as text, the same for the same content."""
        data = {
            "schema": SCHEMA,
            "node": self.node,
            "version": self.version,
            "params": dict(self.params),
            "space": self.space,
            "range": [min(self.frames), max(self.frames)],
            "frames": {str(n): h for n, h in sorted(self.frames.items())},
            "cuts": list(self.cuts),
            "results": self.results,
        }
        if self.reference:
            data["reference"] = self.reference
        if self.picked is not None:
            data["picked"] = list(self.picked)
        return json.dumps(data, sort_keys=True, indent=1, allow_nan=False) + "\n"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the document, hexadecimal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def save(self, path: Path) -> None:
        """Write the document under its final name, whole or not at all."""
        save_text(path, self.to_json())

    def demand_frame(self, number: int, pixel_hash: str) -> None:
        """Raise :class:`UsageError` unless this frame is one that the analysis saw, or one between those it picked."""
        known = self.frames.get(number)
        if known is None:
            if self.picked is not None and self.picked[0] <= number <= self.picked[1]:
                return
            raise UsageError(
                f"frame {number} is outside the analysis of {self.node}",
                allowed=f"{min(self.frames)} to {max(self.frames)}",
                remedy="analyse the whole range that you render",
            )
        if known != pixel_hash[:_HASH_LENGTH]:
            raise UsageError(
                f"the analysis of {self.node} was made from other pictures: frame {number} differs",
                remedy="analyse this shot again",
            )


def load_analysis(path: str | Path) -> Analysis:
    """Read and check a document. A damaged, oversized or foreign file is a :class:`UsageError`."""
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"analysis {path} cannot be read: {error.strerror}", remedy="check the path") from None
    return parse_analysis(raw, str(path))


def parse_analysis(raw: str | bytes, label: str) -> Analysis:
    """A document from its text; ``label`` says where it came from. Raises :class:`UsageError`."""
    try:
        data = json.loads(raw)
        if data["schema"] != SCHEMA:
            raise UsageError(f"{label} is {data['schema']!r}", allowed=SCHEMA, remedy="make it with wetgate analyze")
        return Analysis(
            node=str(data["node"]),
            version=int(data["version"]),
            params=dict(data["params"]),
            space=str(data["space"]),
            frames={int(n): str(h) for n, h in data["frames"].items()},
            cuts=tuple(int(c) for c in data["cuts"]),
            results=dict(data["results"]),
            reference=str(data.get("reference", "")),
            picked=_range(data.get("picked")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{label} is no analysis document: {type(error).__name__} {error}", remedy="make it with wetgate analyze"
        ) from None


def _range(given: Any) -> tuple[int, int] | None:
    if given is None:
        return None
    first, last = given
    return int(first), int(last)


def demand_fit(document: Analysis, step: Step, source_space: str) -> None:
    """Raise :class:`UsageError` unless the document was made by a fitting version of the node, with these parameters,
    from footage taken for the same space."""
    if not step.node.takes_analysis_of(document.version):
        raise UsageError(
            f"the analysis was made by {document.node} version {document.version}, this is version {step.node.version}",
            where="--analysis",
            remedy="analyse the shot again",
        )
    different = moved_params(document, step)
    if different:
        raise UsageError(
            f"the analysis of {document.node} was made with other parameters: {', '.join(different)}",
            where="--analysis",
            remedy="analyse the shot again with these parameters",
        )
    if document.space != source_space:
        raise UsageError(
            f"the analysis took the source as {document.space}, this render as {source_space}",
            where="--analysis",
            remedy="use the same --in-space for both",
        )


def moved_params(document: Analysis, step: Step) -> list[str]:
    """Parameters that the analysis depends on and that differ between document and step."""
    given, wanted = dict(document.params), step.record()["params"]
    names = (name for name, value in wanted.items() if _as_json(given.get(name)) != _as_json(value))
    return sorted(name for name in names if not step.node.params[name].render_only)


def _as_json(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def document_of(
    step: Step,
    results: Mapping[str, Any],
    hashes: Mapping[int, str],
    space: str,
    cuts: Sequence[int] = (),
    reference: str = "",
    picked: tuple[int, int] | None = None,
) -> Analysis:
    """The document of what was found for a step as it is now, from source frames of these hashes."""
    return Analysis(
        node=step.node.id,
        version=step.node.version,
        params=step.record()["params"],
        space=space,
        frames={n: h[:_HASH_LENGTH] for n, h in hashes.items()},
        cuts=tuple(cuts),
        results=json.loads(json.dumps(results, allow_nan=False)),
        reference=reference[:_HASH_LENGTH],
        picked=picked,
    )


class ReadShot:
    """A shot as ``analyze`` sees it (:class:`wetgate.spec.Shot`), read in the node's working space as asked for."""

    def __init__(self, numbers: Sequence[int], cuts: Sequence[int], read: Callable[[int], Frame], step: Step) -> None:
        self.numbers = tuple(numbers)
        self.cuts = tuple(cuts)
        self._read = read
        self._step = step

    def __iter__(self) -> Iterator[Frame]:
        return (self._read(n) for n in self.numbers)

    def __getitem__(self, number: int) -> Frame:
        if number not in self.numbers:
            raise UsageError(f"frame {number} is not in the shot")
        return self._read(number)

    def __len__(self) -> int:
        return len(self.numbers)

    def params(self, number: int) -> Any:
        return self._step.at(number)


def analyse_step(
    step: Step,
    numbers: Sequence[int],
    cuts: Sequence[int],
    read: Callable[[int], tuple[Frame, str]],
    colour: Colour,
    context: Context,
    reference: str = "",
    picked: tuple[int, int] | None = None,
) -> Analysis:
    """Run a node's whole-shot pass. ``reference`` is the hash of the context's reference picture, ``picked`` the range
    of which ``numbers`` are some alone.

    ``read`` gives a frame as it enters the step, and the hash of the *source* frame of that number. The results must
    be JSON of less than 1 MiB.
    """
    if not step.node.analyzes:
        raise UsageError(f"{step.node.id} has no analysis", remedy="only nodes that say so can be analysed")
    hashes: dict[int, str] = {}

    def working(number: int) -> Frame:
        context.check_abort()
        frame, pixel_hash = read(number)
        hashes[number] = pixel_hash
        return colour.to(frame, step.node.space)

    results = step.at(numbers[0]).analyze(ReadShot(numbers, cuts, working, step), context)
    for number in numbers:
        if number not in hashes:
            hashes[number] = read(number)[1]
    document = document_of(step, results, hashes, colour.source_space, cuts, reference, picked)
    size = len(document.to_json())
    if size > _MOST_BYTES:
        raise UsageError(
            f"the analysis of {step.node.id} is {size} bytes",
            allowed=f"{_MOST_BYTES}",
            remedy="analyse a shorter range",
        )
    return document
