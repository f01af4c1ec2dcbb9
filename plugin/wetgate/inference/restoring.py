"""A network as a node uses it: pictures of any range in the working space, and the change that the network makes.

::

    net = network("denoise", "fast", device=ctx.device)
    done = net.restore([frame.rgb], encoding=noise, maps={"noise": noise.sigma}, threads=ctx.threads,
                       check_abort=ctx.check_abort, where=f"frame {frame.number}")
    result = frame.with_rgb(done.picture)

Encoding, range, tiles, runtime and precision are the model's and the wrapper's business.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from wetgate.inference.arrays import Array, library, like
from wetgate.inference.blocks import Blocks
from wetgate.inference.catalogue import find
from wetgate.inference.devices import CPU, Device, choose_weights, device_of
from wetgate.inference.encodings import Encoding, encoding_of
from wetgate.inference.manifest import Model
from wetgate.inference.sessions import Session, demand_result, is_out_of_memory, session_of
from wetgate.inference.tiling import Grid, grid_of, run_in_tiles
from wetgate.inference.unbounded import bounded
from wetgate.spec import FrameError, Image, ModelError

_HALVINGS = 4  # of a tile's side, before memory is said to be too small
_LEAST_TILE = 64

_refused: ContextVar[str] = ContextVar("wetgate_models_refused", default="")


class ModelsWithheld(ModelError):
    """A network was asked for inside :func:`without_models`."""


@contextlib.contextmanager
def without_models(reason: str) -> Iterator[None]:
    """While the block runs, asking for a network is a :class:`ModelsWithheld` that names ``reason``."""
    token = _refused.set(reason)
    try:
        yield
    finally:
        _refused.reset(token)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a network made of a picture.

    ``change`` is what it adds in the working space, (H, W, C) float32, exactly 0 where it has nothing to say;
    ``picture`` is the middle picture and the change. ``facts`` say what ran, for the record.
    """

    picture: Image
    change: Image
    facts: Mapping[str, Any]


# What a node that cleans by a network of several tiers offers; :func:`network` takes each of them.
TIERS = {"draft": "Draft: the fast network in 8 bits", "fast": "Fast", "fine": "Fine: better and slower"}


def network(task: str, tier: str, *, device: str = "auto", model: str = "", precision: str = "auto") -> Network:
    """The network of a task and tier, or the one whose id is ``model``; nothing is loaded before it is used.

    ``device`` is a name of :mod:`wetgate.inference.devices`, ``precision`` fp32, bf16, fp16, int8 or auto (what the
    manifest prefers on that device). The tier ``draft`` is the fast network in int8. Raises :class:`ModelError` for
    what is not there.
    """
    if tier == "draft":
        tier, precision = "fast", "int8"
    reason = _refused.get()
    if reason:
        raise ModelsWithheld(f"no network is loaded for {reason}", remedy="render the frame in full")
    return Network(find(task, tier, model), device_of(device), precision)


class Network:
    """A model on a device."""

    def __init__(self, model: Model, device: Device = CPU, precision: str = "auto") -> None:
        self.model = model
        self.device = device
        self.weights = choose_weights(model, device, precision)

    def restore(
        self,
        pictures: Sequence[Image],
        *,
        maps: Mapping[str, Image | Sequence[float] | float] | None = None,
        encoding: Encoding | None = None,
        base: Image | None = None,
        threads: int = 1,
        check_abort: Callable[[], None] = lambda: None,
        where: str = "",
    ) -> Restored:
        """Run the network on a window of pictures, (H, W, C) float32 each, unbounded, in the working space.

        ``maps`` are the conditioning planes of the manifest: (H, W), (H, W, C), a number for all of the picture, or
        one a channel. ``encoding`` is needed where the manifest says ``vst``. Where the model scales, ``base`` is
        the picture at the new size that the residual is added to; the middle picture, bilinearly, where it is None.
        Raises :class:`ModelError` where what is given does not fit the manifest, and where the network makes values
        that are no numbers (``where`` names the frame); :class:`FrameError` where memory does not suffice.
        """
        model = self.model
        _demand_pictures(model, pictures)
        encoder = _encoder(model, encoding)
        pipeline = _Pipeline(self.device)
        frames = [pipeline.take(p) for p in pictures]
        middle = frames[len(frames) // 2]
        encoded = _encoded_once(frames, encoder)
        seen = bounded(encoded, *model.range)
        planes = [*seen.pictures, *_planes(model, maps or {}, middle)]
        x = pipeline.channels_first(planes)
        made, facts = self._in_tiles(x, threads, check_abort, where or "a picture")
        network_out = pipeline.channels_last(made)

        shown, v, weight = seen.pictures[len(frames) // 2], encoded[len(frames) // 2], seen.weight
        target = pipeline.take(base) if base is not None else middle
        if model.scale != 1 or base is not None:
            size = tuple(network_out.shape[:2])
            if base is None:
                target = _enlarged(middle, size)
            if tuple(target.shape) != tuple(network_out.shape):
                raise ModelError(
                    f"the base for {model.id} is {tuple(target.shape)}", allowed=str(tuple(network_out.shape))
                )
            v, shown = encoder.encode(target), _enlarged(shown, size)
            weight = None if weight is None else _enlarged(weight, size)
        residual = network_out - shown if model.output == "picture" else network_out
        residual = residual if weight is None else residual * weight
        grid = None
        if model.hold is not None:
            grid = Blocks(residual.shape[0], residual.shape[1], model.hold.block)
            residual = grid.hold(residual, model.hold.bound)
            # What the smooth field put where the network may not speak is taken out again: exactness comes first.
            residual = residual if weight is None else residual * weight
        change = encoder.change(v, residual)
        if encoder.id == "vst":
            grid = grid or Blocks(residual.shape[0], residual.shape[1], 32)
            regained = encoder.regained(v, grid.smooth(grid.mean(residual * residual)))
            zero = like(0.0, residual)
            change = change + library(residual).where(residual == 0, zero, regained)
        picture = target + change
        facts |= {"hold": model.hold.bound if model.hold else None, "shifted": seen.shifted, "encoding": encoder.id}
        return Restored(pipeline.give(picture), pipeline.give(change), facts)

    def session(self, threads: int = 1) -> Session:
        """The process's session, loaded at the first call."""
        return session_of(self.model, self.device, precision=self.weights.precision, threads=threads)

    def _in_tiles(
        self, x: Array, threads: int, check_abort: Callable[[], None], where: str
    ) -> tuple[Array, dict[str, Any]]:
        """The network over all tiles. When memory runs out: one tile at a time, then smaller tiles, then the CPU.

        The first changes no pixel; the others are recorded.
        """
        model, device = self.model, self.device
        attempts: list[tuple[Device, int, int]] = [(device, 0, threads), (device, 0, 1)]
        halvings = [n for n in range(1, _HALVINGS + 1) if model.tile >> n >= max(_LEAST_TILE, model.multiple)]
        attempts += [(device, n, 1) for n in halvings]
        if device.is_gpu:
            attempts += [(CPU, 0, threads), *((CPU, n, 1) for n in halvings)]
        last: BaseException | None = None
        tried: set[tuple[Device, Grid, int]] = set()
        for place, halved, workers in attempts:
            grid = grid_of(model, x.shape[2], x.shape[3], halved)
            # Several tiles: so many at once, each in one thread. One tile: the threads are the runtime's.
            at_once = 1 if place.is_gpu else min(workers, grid.count)
            if (place, grid, at_once) in tried:
                continue
            tried.add((place, grid, at_once))
            try:
                made, facts = self._attempt(x, place, grid, at_once, threads if at_once == 1 else 1, check_abort, where)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                last = error
                _let_go(place)
                continue
            facts |= self._identity() | {"grid": [grid.rows, grid.columns], "tile": list(grid.input_size)}
            if halved:
                facts["halved"] = halved
            if place != device:
                facts["fell_back_from"] = device.name
            return made, facts
        raise FrameError(
            f"{model.id} runs out of memory even in tiles of {model.tile >> (halvings[-1] if halvings else 0)}",
            where=where,
            remedy="close other programs, use fewer threads, or work at a lower scale",
        ) from last

    def _attempt(
        self,
        x: Array,
        place: Device,
        grid: Grid,
        at_once: int,
        threads: int,
        check_abort: Callable[[], None],
        where: str,
    ) -> tuple[Array, dict[str, Any]]:
        session = session_of(self.model, place, precision=self._precision_on(place), threads=threads)
        given = x
        if place == CPU and library(x) is not np:
            given = x.cpu().numpy()

        def run(tile: Array) -> Array:
            made = session.run(tile)
            demand_result(made, tile, self.model, where)
            return made

        made = run_in_tiles(given, grid, run, scale=self.model.scale, workers=at_once, check_abort=check_abort)
        if library(x) is not np and library(made) is np:
            made = like(made, x)
        return made, dict(session.facts)

    def _precision_on(self, place: Device) -> str:
        return self.weights.precision if place == self.device else choose_weights(self.model, place).precision

    def _identity(self) -> dict[str, Any]:
        return {"model": self.model.id, "version": self.model.version, "sha256": self.weights.sha256}


class _Pipeline:
    """Where the maths about a network is done: in NumPy on a CPU, in torch on its card."""

    def __init__(self, device: Device) -> None:
        self._place = f"cuda:{device.index}" if device.kind in ("cuda", "tensorrt") else ""

    def take(self, picture: Image) -> Array:
        if not self._place:
            return picture
        import torch

        return torch.from_numpy(np.ascontiguousarray(picture)).to(self._place)

    def give(self, picture: Array) -> Image:
        made = picture if library(picture) is np else picture.cpu().numpy()
        return np.ascontiguousarray(made, np.float32)

    def channels_first(self, planes: Sequence[Array]) -> Array:
        """(H, W, C) each to one (1, C, H, W)."""
        if not self._place:
            count = sum(p.shape[2] for p in planes)
            out = np.empty((1, count, *planes[0].shape[:2]), np.float32)
            at = 0
            for p in planes:
                out[0, at : at + p.shape[2]] = p.transpose(2, 0, 1)
                at += p.shape[2]
            return out
        lib = library(planes[0])
        return lib.cat(list(planes), dim=2).permute(2, 0, 1)[None]

    def channels_last(self, made: Array) -> Array:
        if library(made) is np:
            return np.ascontiguousarray(made[0].transpose(1, 2, 0))
        return made[0].permute(1, 2, 0).contiguous()


def _encoded_once(frames: Sequence[Array], encoder: Encoding) -> list[Array]:
    """Encoded pictures; one that stands in the window twice (an edge frame, repeated) is encoded once."""
    done: dict[int, Array] = {}
    for frame in frames:
        if id(frame) not in done:
            done[id(frame)] = encoder.encode(frame)
    return [done[id(frame)] for frame in frames]


def _demand_pictures(model: Model, pictures: Sequence[Image]) -> None:
    shapes = {tuple(p.shape) for p in pictures}
    first = next(iter(shapes), ())
    if len(pictures) != model.frames or len(shapes) != 1 or len(first) != 3 or first[2] != model.channels:
        raise ModelError(
            f"{model.id} is given {len(pictures)} pictures of {', '.join(map(str, sorted(shapes)))}",
            allowed=f"{model.frames} of one size, (H, W, {model.channels})",
            remedy="choose a model with the channels and the window that the node works with",
        )


def _encoder(model: Model, given: Encoding | None) -> Encoding:
    if given is None:
        return encoding_of(model.encoding)
    if given.id != model.encoding:
        raise ModelError(f"{model.id} is given pictures in {given.id}", allowed=model.encoding)
    return given


def _planes(model: Model, maps: Mapping[str, Any], middle: Array) -> Iterator[Array]:
    wanted = {p.name for p in model.maps}
    if set(maps) != wanted:
        raise ModelError(
            f"{model.id} is given the maps {', '.join(sorted(maps)) or 'none'}",
            allowed=", ".join(sorted(wanted)) or "none",
        )
    height, width = middle.shape[:2]
    for plane in model.maps:
        value = like(maps[plane.name], middle)
        value = value[..., None] if value.ndim == 2 else value
        fits = value.ndim <= 1 or tuple(value.shape[:2]) == (height, width)
        channels = 1 if value.ndim == 0 else value.shape[-1]
        if not fits or channels not in (1, plane.channels) or value.ndim > 3:
            raise ModelError(
                f"the map {plane.name} of {model.id} is {tuple(value.shape)}",
                allowed=f"a number, {plane.channels} numbers, or ({height}, {width}, {plane.channels})",
            )
        lib = library(middle)
        yield lib.broadcast_to(value, (height, width, plane.channels))


def _enlarged(x: Array, size: tuple[int, ...]) -> Array:
    """Bilinear, pixel centres half a pixel in: no overshoot beside a highlight."""
    if library(x) is np:
        import cv2

        made = cv2.resize(np.ascontiguousarray(x), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
        return made.reshape(*size[:2], x.shape[2])
    import torch

    planes = x.permute(2, 0, 1)[None]
    return torch.nn.functional.interpolate(planes, size=size[:2], mode="bilinear", align_corners=False)[0].permute(
        1, 2, 0
    )


def _let_go(place: Device) -> None:
    """Give memory that nobody uses back before the next try."""
    import gc

    gc.collect()
    if place.kind in ("cuda", "tensorrt"):
        import torch

        torch.cuda.empty_cache()
