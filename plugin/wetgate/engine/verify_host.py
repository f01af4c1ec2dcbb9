"""Checking files that a host wrote against the records of what it was handed (:mod:`wetgate.engine.host_records`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wetgate.color.config import ColorConfig
from wetgate.engine import signing
from wetgate.engine.analysis import load_analysis
from wetgate.engine.bounds import bounded_step, recomputed
from wetgate.engine.colour import Colour
from wetgate.engine.graph import build
from wetgate.engine.host_records import Document, analysis_file, colour_hashes, read_folder
from wetgate.engine.verdict import Verdict
from wetgate.io.hashing import hash_samples
from wetgate.io.opening import open_source
from wetgate.io.source import Source
from wetgate.io.stored import Stored, read_stored
from wetgate.spec import Image, UsageError, WetgateError


def verify_host(result: str, folder: Path, *, source: str | None, config: str | None) -> Verdict:
    """Check pictures that a host wrote. A picture holds where its colour is what some record of its frame was handed.

    Several nodes in a row are followed back through the records, each from what the one before it handed over.
    """
    verdict = Verdict()
    documents = read_folder(folder)
    for document in documents:
        verdict.problems.extend(document.problems())
        try:
            verdict.signer = signing.check(document.run) or verdict.signer
        except UsageError as error:
            verdict.problems.append(f"{document.path.name}: {error.message()}")
    results = open_source(result)
    originals = None
    try:
        if results.info.kind == "movie":
            raise UsageError("a movie's frames are coded with loss", where=result, allowed="a sequence of pictures")
        originals = open_source(source) if source is not None else None
        check = _Check(verdict, documents, results, originals, folder, config)
        for number in results.numbers:
            if Path(results.path_of(number)).is_file():
                verdict.frames += 1
                try:
                    check.frame(number)
                except WetgateError as error:
                    verdict.problems.append(f"frame {number}: {error.message()}")
    finally:
        results.close()
        if originals is not None:
            originals.close()
    return verdict


class _Check:
    def __init__(
        self,
        verdict: Verdict,
        documents: Sequence[Document],
        results: Source,
        originals: Source | None,
        folder: Path,
        config: str | None,
    ) -> None:
        self._verdict = verdict
        self._results, self._originals = results, originals
        self._folder, self._config = folder, config
        self._of: dict[int, list[Document]] = {}
        for document in documents:
            self._of.setdefault(document.number, []).append(document)

    def frame(self, number: int) -> None:
        documents = self._of.get(number, [])
        if not documents:
            self._problem(number, f"there is no record of it in {self._folder}")
            return
        stored = read_stored(self._results.path_of(number))
        rgb = _rgb(stored)
        if stored.depth not in ("float", "half") or rgb is None:
            self._unchecked(number, f"it is stored as {stored.depth}, which rounds what was handed over")
            return
        held = hash_samples(rgb, {})
        made = [d for d in documents if d.frame["handed"][stored.depth] == held]
        if not made:
            self._problem(
                number,
                f"its pixels are none that a record of it names ({len(documents)} there): it was changed, or the host"
                " worked on it after the node",
            )
            return
        chain = self._chain(made[0], documents)
        if self._originals is not None:
            self._against(number, chain, self._originals)

    def _chain(self, last: Document, documents: Sequence[Document]) -> list[Document]:
        """The records of the nodes that a frame went through, first to last."""
        by_result = {d.frame["handed"]["float"]: d for d in documents}
        chain = [last]
        while True:
            before = by_result.get(chain[0].frame["given"]["float"])
            if before is None or before in chain:
                return chain
            chain.insert(0, before)

    def _against(self, number: int, chain: Sequence[Document], originals: Source) -> None:
        if number not in originals.numbers:
            self._problem(number, "the source has no such frame")
            return
        path = originals.path_of(number)
        loaded = originals.read(number).frame
        given = chain[0].frame["given"]["float"]
        hashes = {colour_hashes(loaded.pixels)["float"]}
        if originals.info.kind != "movie":
            raw = _rgb(read_stored(path))
            if raw is not None and raw.dtype.kind == "f":
                hashes.add(colour_hashes(raw.astype(np.float32))["float"])
        if given not in hashes:
            self._problem(
                number,
                "the host gave the node other pixels than the source's; a host that converts what it reads is checked"
                " without the source",
            )
            return
        if len(chain) > 1:
            self._unchecked(number, f"bounds are recomputed for one node alone, it went through {len(chain)}")
            return
        run = chain[0].run
        step = bounded_step(build(_unmasked(run["graph"])), self._verdict)
        if step is None:
            return
        if run["storage"] != {"format": run["storage"]["format"]} or "inputs" in chain[0].frame:
            self._unchecked(number, "the bound holds for a whole, progressive, unmasked picture alone")
            return
        colour = Colour(ColorConfig.load(self._config or run["config"]["name"]), str(run["source_space"]))
        analysis: Mapping[str, Any] | None = None
        fingerprint = run["analyses"].get(step.name)
        if fingerprint is not None:
            document = load_analysis(str(analysis_file(self._folder, fingerprint)))
            if document.fingerprint != fingerprint:
                self._problem(number, "the analysis in the folder is not the one that the record names")
            analysis = document.results
        made = self._results.read(number).frame.with_(space=str(run["out_space"]), number=number)
        original = loaded.with_(space=colour.source_space, number=number)
        bound = recomputed(step, number, original, made, colour, analysis)
        self._verdict.bounds[number] = bound
        if not bound.ok:
            self._problem(number, bound.sentence())

    def _problem(self, number: int, text: str) -> None:
        self._verdict.problems.append(f"frame {number}: {text}")

    def _unchecked(self, number: int, text: str) -> None:
        self._verdict.unchecked.append(f"frame {number}: {text}")


def _unmasked(graph: Mapping[str, Any]) -> dict[str, Any]:
    """The graph without the mask, whose channel is the host's and no file's."""
    return {**graph, "nodes": [{k: v for k, v in node.items() if k != "mask"} for node in graph["nodes"]]}


def _rgb(stored: Stored) -> Image | None:
    if stored.colour.shape[2] < 3 or tuple(stored.layout[:3]) != ("R", "G", "B"):
        return None
    return np.ascontiguousarray(stored.colour[..., :3])
