"""Damaging a shot by a recipe: ``wetgate degrade``. The same models make the training data and the tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wetgate.color.config import ColorConfig
from wetgate.damage import Recipe, models, recipes
from wetgate.engine.colour import Colour, unknown_space
from wetgate.engine.frames import FrameStore
from wetgate.engine.job import OnEvent
from wetgate.engine.outputs import demand_apart, output_path, stem_of
from wetgate.engine.pipeline import Abort, ahead, cores
from wetgate.engine.record import save_json, software
from wetgate.engine.shot import opened, requested, source_space
from wetgate.io.atomic import make_folder
from wetgate.io.opening import open_sink
from wetgate.io.sink import Sink, WriteOptions
from wetgate.io.source import OnMissing, Source
from wetgate.spec import Frame, UsageError

SCHEMA = "wetgate.degrade/1"
_SMALL = 4096  # values of a truth array that still go into the JSON file


def listing() -> dict[str, Any]:
    """The damage models with their parameters, and the shipped recipes, as JSON."""
    return {
        "models": [
            {
                "id": m.id,
                "label": m.label,
                "help": m.summary,
                "params": [
                    {"id": p.id, "default": p.default, "allowed": p.allowed(), "hint": p.hint}
                    for p in m.params.values()
                ],
            }
            for m in models().values()
        ],
        "recipes": {name: recipe.about for name, recipe in recipes().items()},
    }


def degrade(
    input: str,
    output: str,
    recipe: Sequence[str],
    *,
    seed: int = 0,
    frames: str | None = None,
    in_space: str | None = None,
    config: str | None = None,
    options: WriteOptions | None = None,
    on_missing: OnMissing = "error",
    truth: str | None = None,
    on_event: OnEvent = lambda event: None,
    abort: Abort | None = None,
) -> dict[str, Any]:
    """Damage ``input`` by the steps of ``recipe``, in order, and write ``output`` in the source's space.

    The record (``NAME.degrade.json``: recipe with every parameter, seed, hashes) reproduces it. ``truth`` is a folder
    for what the models know of their damage: planes as EXR, everything else in ``truth.json``. Returns the record,
    with its ``path``. A frame that cannot be read ends the work: a codec model needs them all.
    """
    chosen = Recipe.parse(*recipe)
    if not chosen.steps:
        raise UsageError("the recipe is empty", where="-r", remedy="name a model or a recipe: wetgate degrade --list")
    stop = abort or Abort()
    source = opened(input, on_missing)
    try:
        numbers = requested(frames, source)
        loaded = ColorConfig.load(config)
        space, notes = source_space(in_space, source, loaded)
        if not space:
            raise unknown_space(source.info.label)
        for note in (*source.info.notes, *notes):
            on_event({"event": "note", "text": note})
        output = output_path(output, source)
        make_folder(Path(output).parent)
        sink = open_sink(
            output,
            numbers=numbers,
            options=replace(options or WriteOptions(), same_space=True),
            space=space,
            interop_id=loaded.interop_id(space),
            sound=source,
        )
        colour = Colour(loaded, space)
        on_event({"event": "start", "frames": len(numbers), "output": output})
        kept = _Truth(Path(truth), numbers) if truth else None
        entries: list[dict[str, Any]] = []
        try:
            demand_apart(source, sink, numbers)
            inputs: dict[int, str] = {}
            for damaged in chosen.apply_with_truth(_frames(source, numbers, space, inputs, stop), seed, colour.to):
                stop.check()
                number = damaged.frame.number
                written = sink.write(damaged.frame)
                entries.append({"frame": number, "input": inputs.pop(number), "output": written.pixel_hash})
                if kept is not None:
                    kept.keep(number, damaged.truth)
                event = {"event": "frame", "frame": number, "path": written.path}
                on_event(event | ({"clamped": written.clamped} if written.clamped else {}))
        except BaseException:
            sink.abort()
            raise
        sink.finish()
        for note in sink.notes:
            on_event({"event": "note", "text": note})
        if kept is not None:
            kept.finish()
    finally:
        source.close()
    record = {
        "schema": SCHEMA,
        "recipe": chosen.record(),
        "seed": seed,
        "source": source.info.label,
        "space": space,
        "config": {"name": loaded.name, "fingerprint": loaded.fingerprint},
        "software": software(),
        "frames": entries,
    }
    path = Path(f"{stem_of(output)}.degrade.json")
    save_json(path, record)
    return record | {"path": str(path)}


def _frames(
    source: Source, numbers: Sequence[int], space: str, inputs: dict[int, str], abort: Abort
) -> Iterator[Frame]:
    with ThreadPoolExecutor(cores(), thread_name_prefix="wetgate-read") as readers:
        store = FrameStore(source, space, readers, lambda *span: None)
        try:
            for position, number in enumerate(numbers):
                abort.check()
                coming = (number, *ahead(numbers, position, 3))
                store.keep(coming)
                for n in coming:
                    store.want(n)
                read = store.get(number)
                inputs[number] = read.hash
                yield read.frame
        finally:
            store.close()


class _Truth:
    """What the models know of their damage, in a folder."""

    def __init__(self, folder: Path, numbers: Sequence[int]) -> None:
        self._folder = folder
        self._numbers = numbers
        self._sinks: dict[str, Sink] = {}
        self._values: dict[str, dict[str, Any]] = {}
        make_folder(folder)

    def keep(self, number: int, truth: Mapping[str, Mapping[str, Any]]) -> None:
        for step, entries in truth.items():
            for name, value in entries.items():
                key = f"{step}.{name}"
                if isinstance(value, np.ndarray) and value.size > _SMALL and value.ndim in (2, 3):
                    self._plane(key, number, value)
                else:
                    plain = value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
                    self._values.setdefault(key, {})[str(number)] = plain

    def _plane(self, key: str, number: int, value: np.ndarray[Any, Any]) -> None:
        if value.ndim == 3 and value.shape[2] not in (1, 3):
            for index in range(value.shape[2]):
                self._plane(f"{key}.{index}", number, value[..., index])
            return
        grey = value.ndim == 2 or value.shape[2] == 1
        pixels = np.repeat(value.reshape(*value.shape[:2], 1), 3, axis=2) if grey else value
        frame = Frame(
            np.ascontiguousarray(pixels, dtype=np.float32), "", number, layout=("Y",) if grey else ("R", "G", "B")
        )
        if key not in self._sinks:
            self._sinks[key] = open_sink(
                str(self._folder / f"{key}.####.exr"),
                numbers=self._numbers,
                options=WriteOptions(depth="float", compression="zip"),
                space="",
                interop_id="data",
            )
        self._sinks[key].write(frame)

    def finish(self) -> None:
        for sink in self._sinks.values():
            sink.finish()
        save_json(self._folder / "truth.json", self._values)
