"""What a model says of itself: the manifest, its fields, and every way in which one can be wrong.

A manifest is TOML, ``schema = "wetgate.models/1"`` and one ``[[model]]`` table a network::

    [[model]]
    id = "denoise_fast"             # for ever; projects name it
    version = 1
    task = "denoise"                # which node asks for it
    tier = "fast"                   # fast, fine, or any other word that the node offers
    licence = "Apache-2.0"
    recipe = "recipes/denoise_fast.yaml"
    card = "cards/denoise_fast.md"
    scale = 1                       # output size over input size
    frames = 1                      # temporal window, odd, the frame itself in the middle
    channels = 3                    # of one picture
    maps = [{ name = "noise", channels = 3 }]     # conditioning planes, after the pictures
    out_channels = 3
    output = "residual"             # added to the encoded middle picture; or "picture"
    encoding = "vst"                # wetgate.inference.encodings
    range = [0.0, 1.0]              # encoded values that the network was trained on
    multiple = 2                    # width and height of what it takes
    receptive_radius = 30           # px of input round an output pixel that can matter
    tile = 512                      # side of the largest tile, without its overlap
    rim = 16                        # px by which a picture is continued, by reflection, beyond its edges, where that
                                    # does instead of the receptive radius, which is what it is where left out
    hold = { block = 32, bound = 0.02 }           # low frequencies kept, in encoded values; leave out for none
    prefer = { cpu = "fp32", cpu_bf16 = "bf16", gpu = "fp16" }

    [model.precision.fp32]
    file = "denoise_fast.onnx"
    sha256 = "..."
    runtime = "onnx"                # ONNX Runtime; "torch" runs the same graph in torch, cast to the precision;
                                    # "spandrel" runs weights of an architecture that spandrel knows

The one input of a graph is float NCHW: the pictures in order of time, then the maps in order of the manifest; the one
output is NCHW as well.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from wetgate.spec import ModelError, WetgateError, raise_all

SCHEMA = "wetgate.models/1"
Precision = Literal["fp32", "bf16", "fp16", "int8"]
Runtime = Literal["onnx", "torch", "spandrel"]
PRECISIONS = ("fp32", "bf16", "fp16", "int8")
RUNTIMES = ("onnx", "torch", "spandrel")
ENCODINGS = ("code", "signed_log", "vst")
# What ``prefer`` may name: any CPU, a CPU whose own instructions multiply bfloat16, one that sums products of bytes
# (asked first), a GPU.
DEVICE_KINDS = ("cpu", "cpu_bf16", "cpu_vnni", "gpu")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_SHA = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Plane:
    """A conditioning map: its name and how many channels it has."""

    name: str
    channels: int


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of a model: what it is computed in, by which runtime, and its hash."""

    precision: Precision
    file: str
    sha256: str
    runtime: Runtime


@dataclass(frozen=True, slots=True)
class Hold:
    """How far the mean over each block of ``block`` px may move, in encoded values."""

    block: int
    bound: float


@dataclass(frozen=True, slots=True)
class Model:
    """A network as its manifest declares it. ``folder`` is where its files are, ``own`` says that a user added it."""

    id: str
    version: int
    task: str
    tier: str
    licence: str
    recipe: str
    card: str
    scale: int
    frames: int
    channels: int
    maps: tuple[Plane, ...]
    out_channels: int
    output: Literal["residual", "picture"]
    encoding: str
    range: tuple[float, float]
    multiple: int
    receptive_radius: int
    tile: int
    hold: Hold | None
    prefer: Mapping[str, Precision]
    weights: Mapping[str, Weights]
    folder: Path = field(default_factory=Path)
    own: bool = False
    rim: int | None = None

    @property
    def in_channels(self) -> int:
        """Channels of the graph's input: all pictures and all maps."""
        return self.frames * self.channels + sum(p.channels for p in self.maps)

    @property
    def halo(self) -> int:
        """Overlap of tiles: the receptive radius, up to the next multiple."""
        return -(-self.receptive_radius // self.multiple) * self.multiple

    @property
    def continued_by(self) -> int:
        """Pixels by which a picture is continued beyond its edges, a multiple."""
        return self.halo if self.rim is None else min(-(-self.rim // self.multiple) * self.multiple, self.halo)


def read_manifest(path: Path, *, own: bool = False) -> tuple[Model, ...]:
    """The models of a manifest file. Raises every problem at once, each as :class:`ModelError`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"the model manifest cannot be read: {error.strerror}", where=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"the model manifest is no TOML: {error}", where=str(path), remedy="mend the line") from None
    problems: list[WetgateError] = []
    models = []
    if document.get("schema") != SCHEMA:
        problems.append(
            ModelError(
                f"schema is {document.get('schema')!r}", where=str(path), allowed=SCHEMA, remedy="update Wetgate"
            )
        )
    tables = document.get("model", [])
    if not isinstance(tables, list):
        tables = []
        problems.append(ModelError("model is no list of tables", where=str(path), remedy="write [[model]]"))
    for number, table in enumerate(tables):
        reader = _Table(table, f"{path}: model[{number}]")
        model = _model(reader, path.parent, own)
        problems += reader.problems
        if not reader.problems:
            models.append(model)
    problems += _doubles(models, str(path))
    raise_all(problems)
    return tuple(models)


class _Table:
    """A TOML table that is read field by field; what is wrong is collected, and unknown fields are."""

    def __init__(self, table: object, where: str) -> None:
        self.where = where
        self.problems: list[WetgateError] = []
        self._given: dict[str, Any] = dict(table) if isinstance(table, dict) else {}
        self._asked: set[str] = set()
        if not isinstance(table, dict):
            self.wrong("", "is no table", "a table of fields")

    def wrong(self, name: str, what: str, allowed: str, remedy: str = "correct the manifest") -> None:
        place = f"{self.where}.{name}" if name else self.where
        self.problems.append(ModelError(f"{name or 'model'} {what}", where=place, allowed=allowed, remedy=remedy))

    def take(self, name: str, default: Any = None, *, needed: bool = True) -> Any:
        self._asked.add(name)
        if name not in self._given:
            if needed:
                self.wrong(name, "is missing", "every field of wetgate.models/1")
            return default
        return self._given[name]

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str, *, needed: bool = True) -> str:
        value = self.take(name, "", needed=needed)
        if not isinstance(value, str) or (needed and name in self._given and not value.strip()):
            self.wrong(name, f"is {value!r}", "text")
            return ""
        return value

    def name(self, name: str) -> str:
        value = self.text(name)
        if value and not _NAME.match(value):
            self.wrong(name, f"is {value!r}", "lower-case letters, digits and _")
        return value

    def one_of(self, name: str, choices: tuple[str, ...]) -> Any:
        value = self.take(name)
        if value not in choices and name in self._given:
            self.wrong(name, f"is {value!r}", ", ".join(choices))
        return value

    def whole(self, name: str, lo: int, hi: int) -> int:
        value = self.take(name, lo)
        if isinstance(value, bool) or not isinstance(value, int) or not lo <= value <= hi:
            self.wrong(name, f"is {value!r}", f"whole numbers from {lo} to {hi}")
            return lo
        return value

    def close(self) -> None:
        for name in sorted(set(self._given) - self._asked):
            self.wrong(name, "is no field of a model", "the fields of wetgate.models/1", "remove it, or update Wetgate")


def _model(t: _Table, folder: Path, own: bool) -> Model:
    frames = t.whole("frames", 1, 33)
    if frames % 2 == 0:
        t.wrong("frames", f"is {frames}", "odd numbers: the frame itself is the middle one")
    model = Model(
        id=t.name("id"),
        version=t.whole("version", 1, 10**6),
        task=t.name("task"),
        tier=t.name("tier"),
        licence=t.text("licence"),
        recipe=t.text("recipe", needed=False),
        card=t.text("card", needed=False),
        scale=t.whole("scale", 1, 8),
        frames=frames,
        channels=t.whole("channels", 1, 4),
        maps=tuple(_maps(t)),
        out_channels=t.whole("out_channels", 1, 4),
        output=t.one_of("output", ("residual", "picture")),
        encoding=t.one_of("encoding", ENCODINGS),
        range=_range(t),
        multiple=t.whole("multiple", 1, 256),
        receptive_radius=t.whole("receptive_radius", 0, 4096),
        tile=t.whole("tile", 16, 8192),
        hold=_hold(t),
        prefer=_prefer(t),
        weights={w.precision: w for w in _weights(t)},
        folder=folder,
        own=own,
        rim=t.whole("rim", 0, 4096) if "rim" in t else None,
    )
    t.close()
    if model.out_channels != model.channels:
        t.wrong("out_channels", f"is {model.out_channels}", f"channels, which is {model.channels}")
    if model.tile % model.multiple:
        t.wrong("tile", f"is {model.tile}", f"a multiple of {model.multiple}")
    if model.weights and "fp32" not in model.weights and not own:
        t.wrong("precision", "has no fp32", "fp32 and others beside it", "export the weights in fp32 too")
    for kind, precision in model.prefer.items():
        if precision not in model.weights:
            t.wrong("prefer", f"names {precision} for {kind}, which is not there", ", ".join(model.weights) or "none")
    return model


def _maps(t: _Table) -> Iterator[Plane]:
    given = t.take("maps", [], needed=False)
    if not isinstance(given, list):
        t.wrong("maps", f"is {given!r}", "a list of { name, channels }")
        return
    for number, entry in enumerate(given):
        inner = _Table(entry, f"{t.where}.maps[{number}]")
        plane = Plane(inner.name("name"), inner.whole("channels", 1, 16))
        inner.close()
        t.problems += inner.problems
        yield plane


def _range(t: _Table) -> tuple[float, float]:
    value = t.take("range", [0.0, 1.0])
    numbers = isinstance(value, list) and len(value) == 2 and all(type(v) in (int, float) for v in value)
    if not numbers or not -1e6 < value[0] < value[1] < 1e6:
        t.wrong("range", f"is {value!r}", "[low, high], low below high")
        return (0.0, 1.0)
    return float(value[0]), float(value[1])


def _hold(t: _Table) -> Hold | None:
    given = t.take("hold", None, needed=False)
    if given is None:
        return None
    inner = _Table(given, f"{t.where}.hold")
    block = inner.whole("block", 8, 512)
    bound = inner.take("bound", 0.0)
    if type(bound) not in (int, float) or not 0 <= bound <= 1:
        inner.wrong("bound", f"is {bound!r}", "0 to 1, in encoded values")
        bound = 0.0
    inner.close()
    t.problems += inner.problems
    return Hold(block, float(bound))


def _prefer(t: _Table) -> dict[str, Precision]:
    given = t.take("prefer", {}, needed=False)
    if not isinstance(given, dict):
        t.wrong("prefer", f"is {given!r}", "a table of device kinds")
        return {}
    for kind, precision in given.items():
        if kind not in DEVICE_KINDS:
            t.wrong("prefer", f"has {kind!r}", ", ".join(DEVICE_KINDS))
        if precision not in PRECISIONS:
            t.wrong("prefer", f"gives {precision!r} for {kind}", ", ".join(PRECISIONS))
    return given


def _weights(t: _Table) -> Iterator[Weights]:
    given = t.take("precision", {})
    if not isinstance(given, dict) or not given:
        t.wrong("precision", "has no weights", ", ".join(f"[model.precision.{p}]" for p in PRECISIONS))
        return
    for precision, entry in given.items():
        inner = _Table(entry, f"{t.where}.precision.{precision}")
        if precision not in PRECISIONS:
            inner.wrong("", f"precision {precision!r} is unknown", ", ".join(PRECISIONS))
        file, sha = inner.text("file"), inner.text("sha256")
        if PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts or "\\" in file:
            inner.wrong("file", f"is {file!r}", "a path below the manifest's folder")
        if sha and not _SHA.match(sha):
            inner.wrong("sha256", f"is {sha!r}", "64 hexadecimal digits in lower case", "run sha256sum on the file")
        runtime = inner.one_of("runtime", RUNTIMES)
        if runtime == "spandrel" and precision == "int8":
            inner.wrong("runtime", f"is {runtime} for int8", "onnx, torch", "export a quantised graph")
        inner.close()
        t.problems += inner.problems
        yield Weights(precision, file, sha, runtime)


def _doubles(models: list[Model], where: str) -> Iterator[WetgateError]:
    seen: dict[str, str] = {}
    for model in models:
        keys = [f"id {model.id}"] if model.own else [f"id {model.id}", f"task {model.task}, tier {model.tier}"]
        for key in keys:
            if key in seen:
                yield ModelError(
                    f"two models have {key}: {seen[key]} and {model.id}", where=where, remedy="keep one of them"
                )
            seen[key] = model.id
