"""A pool of really encoded video for training: ``python -m models.train.codec_pool RECIPE --data DIR... --out POOL``.

Encoding at each step would take longer than the step; so runs of frames are coded once, and a few frames of each are
kept with their sources and quantisers. A run is either a window of a clip (a folder of pictures without a manifest), or
one that pans over a photograph in steps of half a pixel, in half of the runs with a part of another photograph moving
before it. Each run depends on the recipe's settings and its own number alone. FFmpeg's encoders in one thread make the
same streams each time, for one build of PyAV.

Where ``noise`` is set, a ``share`` of the runs has Gaussian noise between its two ``sigma`` (8-bit codes) in the
source: what survives of it is no damage.

A pool is a folder: ``pool.json`` (the settings), and ``source.npy`` and ``coded.npy``, uint8 (N, 3, size, size),
limited-range Y'CbCr 4:4:4, and ``steps.npy``, float16 (N, 2, size / 16, size / 16), the steps of luma and chroma in
values.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.pictures import noisy
from models.train.recipe import Recipe
from models.train.task import Array
from wetgate.color.chroma import upsample
from wetgate.color.ycbcr import Quantisation, quantise, ycbcr_from_rgb
from wetgate.damage import get
from wetgate.damage.coder import Decoded, transcode
from wetgate.damage.planes import MATRICES, PlaneFormat, Planes
from wetgate.ops.quantiser import h264_step, in_values, mpeg_step

SCHEMA = "wetgate.codec-pool/1"
_BLOCK = 16
_MATRIX = "rec709"
_NAMES = ("source", "coded", "steps")
_LIMITED = Quantisation(8, False)
Codes = NDArray[np.uint8]


def is_pool(folder: Path) -> bool:
    return (folder / "pool.json").is_file()


class Pool:
    """The frames of a pool folder, from which patches are cut. ``settings`` must be those it was made with."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        made = json.loads((folder / "pool.json").read_text(encoding="utf-8"))
        if made != _about(settings):
            raise ValueError(f"{folder} was made with other settings than the recipe's: make it again")
        self._source, self._coded, self._steps = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in _NAMES)

    def __len__(self) -> int:
        return len(self._source)

    def cut(self, random: np.random.Generator, patch: int) -> tuple[Array, Array, Array]:
        """Source and coded picture, (3, patch, patch) values, and the steps (2, patch, patch); on the codec's grid.

        Turned over vertically in half of the cases: chroma lies to the left of its luma, so not the other way.
        """
        number = int(random.integers(len(self)))
        room = (self._source.shape[2] - patch) // _BLOCK + 1
        y, x = (int(n) * _BLOCK for n in random.integers(0, room, 2))
        place = (number, slice(None), slice(y, y + patch), slice(x, x + patch))
        across = patch // _BLOCK
        blocks = self._steps[number, :, y // _BLOCK :, x // _BLOCK :][:, :across, :across].astype(np.float32)
        steps = blocks.repeat(_BLOCK, axis=1).repeat(_BLOCK, axis=2)
        found = [_values(self._source[place]), _values(self._coded[place]), steps]
        if random.integers(2):
            found = [np.ascontiguousarray(f[:, ::-1]) for f in found]
        return found[0], found[1], found[2]


def make(settings: Mapping[str, Any], folders: Sequence[Path], out: Path) -> int:
    """Make the pool; the number of its frames. Nothing that opens as a pool is left where it breaks off."""
    stills, clips = _opened(folders)
    count, size = settings["runs"] * settings["keep"], settings["size"]
    out.mkdir(parents=True, exist_ok=True)
    (out / "pool.json").unlink(missing_ok=True)
    shapes = {"source": (3, size, size), "coded": (3, size, size), "steps": (2, size // _BLOCK, size // _BLOCK)}
    arrays = [
        np.lib.format.open_memmap(
            out / f"{name}.npy", "w+", np.float16 if name == "steps" else np.uint8, (count, *shapes[name])
        )
        for name in _NAMES
    ]
    for number in range(settings["runs"]):
        random = np.random.Generator(np.random.Philox(key=(settings["seed"] << 64) | number))
        for place, kept in enumerate(_run(random, settings, stills, clips)):
            for array, values in zip(arrays, kept, strict=True):
                array[number * settings["keep"] + place] = values
    for array in arrays:
        array.flush()
    (out / "pool.json").write_text(json.dumps(_about(settings), indent=1), encoding="utf-8")
    return count


def _about(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"schema": SCHEMA, "settings": dict(settings)}


def _opened(folders: Sequence[Path]) -> tuple[list[Codes], list[list[Codes]]]:
    """Photographs (folders with a manifest) and clips, R'G'B' of 8 bits."""
    stills: list[Codes] = []
    clips: list[list[Codes]] = []
    for folder in folders:
        kinds = {".jpg", ".png", ".webp"}
        pictures = [_read(file) for file in sorted(folder.iterdir()) if file.suffix in kinds]
        if (folder / "manifest.csv").is_file():
            stills += pictures
        else:
            clips.append(pictures)
    if not stills or not clips:
        raise ValueError("a pool is made from folders of photographs (with a manifest.csv) and folders of clips")
    return stills, clips


def _read(file: Path) -> Codes:
    bgr = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FileNotFoundError(f"{file} cannot be read as a picture")
    return np.ascontiguousarray(bgr[..., ::-1], np.uint8)


def _run(
    random: np.random.Generator, settings: Mapping[str, Any], stills: Sequence[Codes], clips: Sequence[Sequence[Codes]]
) -> Iterator[tuple[Codes, Codes, Array]]:
    codec = str(random.choice(list(settings["codecs"]), p=list(settings["codecs"].values())))
    params = _params(random, codec)
    step = h264_step(params["quantiser"]) if codec == "h264" else 2.0 * params["quantiser"]
    # Finer quantisers than the photographs' own want these reduced.
    reduction = 2 if step < settings["reduced_below"] or random.random() < 0.5 else 1
    length, size = settings["length"], settings["size"]
    if random.random() < settings["stills"]:
        frames = _panned(random, stills, length, size, reduction)
    else:
        frames = _window(random, clips, length, size, reduction)
    layout = PlaneFormat(matrix=_MATRIX, siting="left")
    values = [f.astype(np.float32) / np.float32(255) for f in frames]
    noise = settings.get("noise")
    if noise and random.random() < noise["share"]:
        sigma = float(random.uniform(*noise["sigma"]))
        values = [np.clip(noisy(v, sigma, random), 0, 1) for v in values]
    planes = [layout.planes(v) for v in values]
    kept = sorted(random.choice(length, settings["keep"], replace=False))
    decoded = list(transcode(enumerate(planes), get("codec").make(params).coding()))
    for i in kept:
        yield _full(values[i], planes[i]), _enlarged(decoded[i].planes), _steps(decoded[i], codec, params, size)


def _params(random: np.random.Generator, codec: str) -> dict[str, Any]:
    params: dict[str, Any] = {"codec": codec, "gop": int(random.choice([1, 12, 15, 250], p=[0.1, 0.4, 0.2, 0.3]))}
    params["b_frames"] = int(random.integers(0, 4)) if params["gop"] > 1 else 0
    if codec == "h264":
        params["mode"] = str(random.choice(["constant", "crf"]))
        params["quantiser"] = int(random.integers(14, 47))
        params["preset"] = str(random.choice(["ultrafast", "veryfast", "medium"], p=[0.2, 0.6, 0.2]))
    else:
        # Even in the logarithm: half of the scale of MPEG lies in its coarsest octave.
        params["quantiser"] = round(2 * 15.5 ** float(random.random()))
    return params


def _panned(
    random: np.random.Generator, stills: Sequence[Codes], length: int, size: int, reduction: int
) -> list[Codes]:
    window = size * reduction
    back, front = (stills[int(n)] for n in random.integers(0, len(stills), 2))
    behind, before = _path(random, back, length, window), _path(random, front, length, window)
    radii = random.uniform(0.15, 0.4, 2) * window
    at, speed = random.uniform(0.2, 0.8, 2) * window, random.uniform(-8, 8, 2)
    has_front, angle = bool(random.integers(2)), float(random.uniform(0, 180))
    frames = []
    for i in range(length):
        y, x = behind[i]
        frame = back[y : y + window, x : x + window].copy()
        if has_front:
            y, x = before[i]
            mask = np.zeros((window, window), np.uint8)
            centre = tuple(int(c) for c in at + i * speed)
            cv2.ellipse(mask, centre, (int(radii[0]), int(radii[1])), angle, 0, 360, 255, -1)
            frame[mask > 0] = front[y : y + window, x : x + window][mask > 0]
        frames.append(_reduced(frame, reduction))
    return frames


def _path(random: np.random.Generator, picture: Codes, length: int, window: int) -> list[tuple[int, int]]:
    """Where the window lies in each frame: a straight way inside the picture, at rest in a quarter of the cases."""
    most = np.array(picture.shape[:2]) - window
    start = random.uniform(0, 1, 2) * most
    fastest = float(np.exp(random.uniform(np.log(0.5), np.log(16))))
    speed = random.uniform(-fastest, fastest, 2) * (random.random() > 0.25)
    return [(int(y), int(x)) for y, x in (np.clip(np.rint(start + i * speed), 0, most) for i in range(length))]


def _window(
    random: np.random.Generator, clips: Sequence[Sequence[Codes]], length: int, size: int, reduction: int
) -> list[Codes]:
    clip = clips[int(random.integers(len(clips)))]
    first = int(random.integers(len(clip) - length + 1))
    height, width = clip[0].shape[:2]
    window = size * reduction
    y, x = int(random.integers(height - window + 1)), int(random.integers(width - window + 1))
    return [_reduced(f[y : y + window, x : x + window], reduction) for f in clip[first : first + length]]


def _reduced(frame: Codes, reduction: int) -> Codes:
    if reduction == 1:
        return frame
    size = (frame.shape[1] // reduction, frame.shape[0] // reduction)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _full(rgb: Array, planes: Planes) -> Codes:
    """The source in 4:4:4: the luma that the encoder was given, and chroma before it was reduced."""
    ycc = ycbcr_from_rgb(rgb, MATRICES[_MATRIX])
    chroma = [quantise(_LIMITED.code(ycc[..., k], chroma=True), 8)[0] for k in (1, 2)]
    return np.stack([planes[0], *chroma]).astype(np.uint8)


def _enlarged(planes: Planes) -> Codes:
    shape = planes[0].shape
    chroma = [upsample(p.astype(np.float32), shape, (2, 2), "left") for p in planes[1:]]
    return np.stack([planes[0], *(np.clip(np.rint(c), 0, 255).astype(np.uint8) for c in chroma)])


def _steps(decoded: Decoded, codec: str, params: Mapping[str, Any], size: int) -> Array:
    """Steps of luma and chroma of each block, in values; where the decoder is silent, those that were asked for."""
    blocks = size // _BLOCK
    given = decoded.quantiser
    if given is None:
        given = np.full((blocks, blocks), params["quantiser"], np.float32)
    if codec == "h264":
        luma, chroma = h264_step(given), h264_step(given, chroma=True)
    else:
        luma = chroma = mpeg_step(2 * given)
    return np.stack([in_values(luma, full_range=False), in_values(chroma, full_range=False, chroma=True)])


def _values(codes: Codes) -> Array:
    return np.stack([_LIMITED.value(codes[0]), *(_LIMITED.value(c, chroma=True) for c in codes[1:])])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.train.codec_pool", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of photographs and of clips")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pool")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    count = make(Recipe.read(given.recipe).examples["pool"], given.data, given.out)
    print(f"{given.out}: {count} frames")


if __name__ == "__main__":
    main()
