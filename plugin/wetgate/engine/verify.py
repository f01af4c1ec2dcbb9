"""Checking a result: its record, its signature, its pixels, and how far it agrees with its source."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from wetgate.color.config import ColorConfig
from wetgate.engine import signing
from wetgate.engine.analysis import load_analysis
from wetgate.engine.bounds import bounded_step, recomputed
from wetgate.engine.colour import Colour
from wetgate.engine.graph import build
from wetgate.engine.outputs import stem_of
from wetgate.engine.pipeline import cores
from wetgate.engine.record import digest, load_record, parse_header
from wetgate.engine.verdict import Verdict
from wetgate.engine.verify_host import verify_host
from wetgate.io.hashing import file_hash, pixel_hash
from wetgate.io.header import header_hash, read_header
from wetgate.io.opening import open_source
from wetgate.io.pattern import in_folder
from wetgate.io.ranges import format_frames
from wetgate.io.source import Source
from wetgate.spec import UsageError, WetgateError

_JOB_KEYS = (
    "graph",
    "source_space",
    "out_space",
    "config",
    "storage",
    "analyses",
    "models",
    "software",
)


def verify(result: str, *, source: str | None = None, record: str | None = None, config: str | None = None) -> Verdict:
    """Check a rendered sequence or image.

    Every frame's header must be as it was written and name the job that the sidecar names, its pixels must have the
    recorded hash, no frame may be there that the record does not know, and the signature, where there is one, must fit.
    With ``source``, the source's pixels must have the recorded hashes, and a node that states a consistency bound
    (:class:`wetgate.spec.Bound`) has it recomputed from the two files. A ``record`` that is a folder holds what a host
    was handed, and the result is what the host wrote (:mod:`wetgate.engine.verify_host`).
    """
    verdict = Verdict()
    if Path(result).is_dir():
        result = str(Path(result) / in_folder(Path(result)).label)
    if record and Path(record).is_dir():
        return verify_host(result, Path(record), source=source, config=config)
    path = Path(record) if record else Path(f"{stem_of(result)}.wetgate.json")
    if not path.is_file():
        raise UsageError(
            f"there is no record {path}", remedy="give it with --record, or verify a file that wetgate rendered"
        )
    run = load_record(path)
    try:
        verdict.signer = signing.check(run)
    except UsageError as error:
        verdict.problems.append(error.message())
    if digest({key: run[key] for key in _JOB_KEYS if key in run}) != run.get("job"):
        verdict.problems.append("the record's job does not have the hash that it names")
    entries: dict[int, Mapping[str, Any]] = {int(e["frame"]): e for e in run.get("frames", [])}
    results = open_source(result)
    try:
        if results.info.kind == "movie":
            verdict.unchecked.append("a movie's frames are coded with loss or carry no record each")
            if len(results.numbers) != len(entries):
                verdict.problems.append(f"the movie has {len(results.numbers)} frames, its record {len(entries)}")
        else:
            places = _places(results, entries)
            with ThreadPoolExecutor(cores()) as pool:
                for found in pool.map(lambda n: _frame_problems(results, places, n, entries, run), sorted(entries)):
                    verdict.problems.extend(found)
            known = set(places.values())
            strangers = [n for n in results.numbers if n not in known and Path(results.path_of(n)).is_file()]
            if strangers:
                verdict.problems.append(f"the record does not know frames {format_frames(strangers)}")
        verdict.frames = len(entries)
        if source is not None:
            _against_source(verdict, run, entries, results, source, stem_of(result), config)
    finally:
        results.close()
    return verdict


def _places(files: Source, entries: Mapping[int, Mapping[str, Any]]) -> dict[int, int]:
    """The number by which each recorded frame is read from ``files``: not always its own.

    A movie counts its frames from 0, and one image has the number that its own name ends in, whatever the numbers were
    of the frames that they were made from.
    """
    if files.info.kind == "movie":
        return dict(zip(sorted(entries), files.numbers, strict=False))
    if files.info.kind == "image" and len(entries) == 1:
        return dict.fromkeys(entries, files.numbers[0])
    return {number: number for number in entries if number in files.numbers}


def _frame_problems(
    results: Source,
    places: Mapping[int, int],
    number: int,
    entries: Mapping[int, Mapping[str, Any]],
    run: Mapping[str, Any],
) -> list[str]:
    path = results.path_of(places[number]) if number in places else ""
    if not path or not Path(path).is_file():
        return [f"frame {number} is not there"]
    try:
        header = parse_header(read_header(path))
        if header is None:
            return [f"frame {number} has no record in its header"]
        if header.get("job") != run.get("job"):
            return [f"frame {number} was made by another job"]
        found = []
        recorded = entries[number]["output"]
        if header.get("output") != recorded:
            found.append(f"frame {number}: its header and the record name different pixels")
        elif header != _expected_header(entries[number], run):
            found.append(f"frame {number}: the record in its header is not the one that was written")
        if "header" in entries[number] and entries[number]["header"] != header_hash(path):
            found.append(f"frame {number}: its header was changed after it was rendered")
        if recorded and file_hash(path) != recorded:
            found.append(f"frame {number}: its pixels were changed after it was rendered")
        return found
    except WetgateError as error:
        return [f"frame {number} cannot be read: {error.message()}"]


def _expected_header(entry: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """What the header's record must say, from the sidecar."""
    job = {key: run.get(key) for key in ("schema", "job", *_JOB_KEYS)}
    return job | {name: value for name, value in entry.items() if name != "header"}


def _against_source(
    verdict: Verdict,
    run: Mapping[str, Any],
    entries: Mapping[int, Mapping[str, Any]],
    results: Source,
    source: str,
    stem: str,
    config: str | None,
) -> None:
    graph = build(run["graph"])
    bounded = bounded_step(graph, verdict)
    loaded = ColorConfig.load(config or run["config"]["name"])
    colour = Colour(loaded, str(run["source_space"]))
    analysis: Mapping[str, Any] | None = None
    if bounded is not None and bounded.name in run["analyses"]:
        document = load_analysis(f"{stem}.{bounded.name}.analysis.json")
        if document.fingerprint != run["analyses"][bounded.name]:
            verdict.problems.append(f"the analysis of {bounded.name} is not the one that the record names")
        analysis = document.results
    originals = open_source(source, codec_data=graph.codec_data)
    lossy: list[int] = []
    made_at = _places(results, entries)
    read_at = _places(originals, entries) if originals.info.kind == "image" else {n: n for n in originals.numbers}
    try:
        for number, entry in entries.items():
            if entry.get("held_from") is not None or entry.get("missing"):
                verdict.unchecked.append(f"frame {number} stood in for one that was missing")
                continue
            if number not in read_at:
                verdict.problems.append(f"the source has no frame {number}")
                continue
            try:
                original = originals.read(read_at[number]).frame.with_(space=colour.source_space, number=number)
                if pixel_hash(original) != entry["input"]:
                    verdict.problems.append(f"frame {number} was not made from this source")
                    continue
                if bounded is None:
                    continue
                if number not in made_at:
                    continue  # said above: the file, or the movie's frame, is not there
                made = results.read(made_at[number]).frame.with_(space=str(run["out_space"]), number=number)
                bound = recomputed(bounded, number, original, made, colour, analysis)
            except WetgateError as error:
                verdict.problems.append(f"frame {number}: {error.message()}")
                continue
            verdict.bounds[number] = bound
            if bound.ok:
                continue
            if entry["output"]:
                verdict.problems.append(f"frame {number}: {bound.sentence()}")
            else:
                lossy.append(number)
    finally:
        originals.close()
    if lossy:
        verdict.unchecked.append(
            f"the bound of frames {format_frames(lossy)}: a coding with loss takes away more than it allows"
        )
