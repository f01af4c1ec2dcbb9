"""A user's own network, taken in: looked at, described by a manifest, tried, and copied to the user's folder."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wetgate.inference import catalogue
from wetgate.inference.arrays import Array
from wetgate.inference.conformance import Verdict, examine, verdict_from_json
from wetgate.inference.devices import CPU, Device, onnxruntime
from wetgate.inference.manifest import SCHEMA, Model, read_manifest
from wetgate.inference.spandrel_weights import ENDINGS, recognise
from wetgate.spec import ModelError, UsageError

CONFORMANCE = "conformance.json"
_MULTIPLES = (1, 2, 4, 8, 16, 32, 64)
_WIDEST = 512  # px of a picture on which the receptive field is measured


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user says of a network. None is found out by running it, or is the usual value."""

    file: Path
    task: str
    id: str = ""
    tier: str = "own"
    licence: str = "not stated"
    encoding: str = "code"
    range: tuple[float, float] = (0.0, 1.0)
    output: str = "picture"
    frames: int = 1
    maps: tuple[tuple[str, int], ...] = ()
    multiple: int | None = None
    receptive_radius: int | None = None
    tile: int = 512
    hold: float = 0.02


@dataclass(frozen=True, slots=True)
class Adopted:
    """A model in the user's folder, and how it was found."""

    model: Model
    verdict: Verdict
    forced: bool


def adopt(wish: Wish, *, device: Device = CPU, force: bool = False, replace: bool = False) -> Adopted:
    """Take a network in. Nothing is left behind where it is refused.

    Raises :class:`ModelError` for a file that cannot be used, and where the conformance run fails and ``force`` is not
    given; with ``force`` the verdict is stored all the same, and every list shows it.
    """
    if not wish.file.is_file():
        raise ModelError("there is no such file", where=str(wish.file), allowed=", ".join((".onnx", *ENDINGS)))
    name = wish.id or _id_of(wish.file)
    place = catalogue.user_folder() / name
    if place.exists() and not replace:
        raise UsageError(
            f"there is a model {name!r} already", where=str(place), remedy="give another --id, or --replace"
        )
    if any(m.id == name for m in catalogue.shipped()):
        raise UsageError(f"{name!r} is the id of a model that comes with Wetgate", remedy="give another --id")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".adding-") as made:
        folder = Path(made) / name
        folder.mkdir()
        copy = folder / f"weights{wish.file.suffix.lower()}"
        shutil.copyfile(wish.file, copy)
        (folder / catalogue.MANIFEST).write_text(_manifest(wish, name, copy), encoding="utf-8")
        (model,) = read_manifest(folder / catalogue.MANIFEST, own=True)
        verdict = examine(model, device)
        if not verdict.passed and not force:
            failed = "; ".join(
                f"{c.name}: {c.text if c.value != c.value else f'{c.value:.3g}'}" for c in verdict.failed
            )
            raise ModelError(
                f"{name} fails the conformance run: {failed}",
                where=str(wish.file),
                remedy="--force takes it all the same and keeps the verdict; see wetgate models add --help",
            )
        document = verdict.to_json() | {"forced": not verdict.passed}
        (folder / CONFORMANCE).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        if place.exists():
            place.rename(Path(made) / "before")
        folder.rename(place)
    (model,) = read_manifest(place / catalogue.MANIFEST, own=True)
    return Adopted(model, verdict, not verdict.passed)


def stored_verdict(model: Model) -> tuple[Verdict, bool] | None:
    """The verdict beside a user's model and whether it was forced; None where there is none for these weights."""
    try:
        document = json.loads((model.folder / CONFORMANCE).read_text(encoding="utf-8"))
        verdict = verdict_from_json(document)
    except (OSError, ValueError, ModelError):
        return None
    known = {w.sha256 for w in model.weights.values()}
    return (verdict, bool(document.get("forced"))) if verdict.sha256 in known else None


def store_verdict(model: Model, verdict: Verdict) -> None:
    """Put a new verdict beside a user's model."""
    document = verdict.to_json() | {"forced": not verdict.passed}
    (model.folder / CONFORMANCE).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _id_of(file: Path) -> str:
    name = "".join(c if c.isalnum() and c.isascii() else "_" for c in file.stem.lower()).strip("_")
    return name if name and name[0].isalpha() else f"model_{name}"


def _manifest(wish: Wish, name: str, copy: Path) -> str:
    """The manifest of a wish, with what running the network tells."""
    extra = sum(n for _, n in wish.maps)
    runtime, precisions = "onnx", ["fp32"]
    if copy.suffix in ENDINGS:
        found = recognise(wish.file)
        runtime, precisions = "spandrel", ["fp32", *(["bf16"] if found.bfloat16 else [])]
        in_channels, run = found.in_channels, _runner_of(found)
    elif copy.suffix == ".onnx":
        in_channels, run = _open_graph(wish.file)
    else:
        raise ModelError(
            f"{wish.file.name} is no network", where=str(wish.file), allowed=", ".join((".onnx", *ENDINGS))
        )
    channels, left = divmod(in_channels - extra, wish.frames)
    if left or not 1 <= channels <= 4:
        raise ModelError(
            f"the network takes {in_channels} channels, of which {extra} are maps and the rest {wish.frames} pictures",
            where=str(wish.file),
            allowed="1 to 4 channels a picture",
            remedy="say with --frames and --map NAME:CHANNELS what they are",
        )
    multiple = wish.multiple or _multiple(run, in_channels, wish.file)
    scale = _scale(run, in_channels, multiple, channels, wish.file)
    radius = wish.receptive_radius
    if radius is None:
        radius = _receptive_radius(run, in_channels, multiple, scale)
    fields: dict[str, Any] = {
        "id": name,
        "version": 1,
        "task": wish.task,
        "tier": wish.tier,
        "licence": wish.licence,
        "scale": scale,
        "frames": wish.frames,
        "channels": channels,
        "maps": [{"name": n, "channels": c} for n, c in wish.maps],
        "out_channels": channels,
        "output": wish.output,
        "encoding": wish.encoding,
        "range": list(wish.range),
        "multiple": multiple,
        "receptive_radius": radius,
        "tile": -(-wish.tile // multiple) * multiple,
        "hold": {"block": 32, "bound": wish.hold},
    }
    rows = [f'schema = "{SCHEMA}"', "", "[[model]]", *(f"{k} = {_toml(v)}" for k, v in fields.items())]
    sha = catalogue.sha256_of(copy)
    for precision in precisions:
        rows += ["", f"[model.precision.{precision}]", f'file = "{copy.name}"', f'sha256 = "{sha}"']
        rows += [f'runtime = "{runtime}"']
    return "\n".join(rows) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _open_graph(path: Path) -> tuple[int, Any]:
    """Input channels of an ONNX graph, and a function that runs it."""
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"ONNX Runtime refuses the file: {first}", where=str(path), remedy="export it again"
        ) from error
    given = session.get_inputs()[0]
    if len(given.shape) != 4 or not isinstance(given.shape[1], int):
        raise ModelError(f"the input is {given.shape}", where=str(path), allowed="NCHW with a fixed number of channels")
    if any(isinstance(n, int) for n in given.shape[2:]):
        raise ModelError(
            f"the network takes pictures of {given.shape[3]}x{given.shape[2]} alone",
            where=str(path),
            remedy="export it with dynamic height and width",
        )
    kind = np.float16 if given.type == "tensor(float16)" else np.float32

    def run(x: Array) -> Array:
        return np.asarray(session.run(None, {given.name: x.astype(kind)})[0], np.float32)

    return int(given.shape[1]), run


def _runner_of(found: Any) -> Any:
    import torch

    def run(x: Array) -> Array:
        with torch.inference_mode():
            return found.call(found.module, torch.from_numpy(x)).float().numpy()

    return run


def _probe(channels: int, height: int, width: int) -> Array:
    return np.random.default_rng(3).random((1, channels, height, width), np.float32)


def _multiple(run: Any, channels: int, file: Path) -> int:
    """The least multiple of which both sides must be: found by trying sizes that are no greater multiple."""
    said = ""
    for multiple in _MULTIPLES:
        height, width = multiple * (96 // multiple + 1 | 1), multiple * (128 // multiple + 1 | 1)
        try:
            made = run(_probe(channels, height, width))
        except Exception as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            continue
        if made.ndim == 4 and made.shape[2] % height == 0 and made.shape[3] % width == 0:
            return multiple
        said = f"{height}x{width} becomes {'x'.join(map(str, made.shape[2:]))}"
    raise ModelError(
        f"the network takes no size that was tried: {said[:200]}",
        where=str(file),
        remedy="give --multiple, if you know it",
    )


def _scale(run: Any, channels: int, multiple: int, wanted: int, file: Path) -> int:
    side = multiple * max(1, 64 // multiple)
    made = run(_probe(channels, side, side))
    if made.ndim != 4 or made.shape[1] != wanted:
        raise ModelError(
            f"the network makes {'x'.join(map(str, made.shape))} of {side}x{side}",
            where=str(file),
            allowed=f"{wanted} channels out for {wanted} in",
        )
    return int(made.shape[2] // side)


def _receptive_radius(run: Any, channels: int, multiple: int, scale: int) -> int:
    """How far one changed pixel is felt, in input px, and half as much again for what random values leave unfelt.

    Measured on growing pictures until the change stays inside; a network that feels the whole picture gets half the
    widest, and fails the trial for seams.
    """
    side = 0
    for wide in (64, 128, 256, _WIDEST):
        side = multiple * max(2, wide // multiple)
        x = _probe(channels, side, side)
        y = x.copy()
        middle = side // 2
        y[:, :, middle, middle] += 1.0
        felt = np.abs(run(y) - run(x)).max(axis=(0, 1)) > 1e-7
        rows, columns = np.nonzero(felt.any(axis=1))[0], np.nonzero(felt.any(axis=0))[0]
        if not len(rows):
            return 0
        first, last = min(rows[0], columns[0]) // scale, max(rows[-1], columns[-1]) // scale
        if first > 2 and last < side - 3:
            reach = max(middle - first, last - middle)
            return int(reach + reach // 2 + 1)
    return side // 2
