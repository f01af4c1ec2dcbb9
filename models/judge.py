"""How a training stands: figures of a recipe's weights on clean pictures.

``python -m models.judge RECIPE WEIGHTS --pictures DIR``. The damage and the lines printed are those of the recipe's
task (``models/judging``). What the finished node reaches, beside its peers, is printed by the scripts of
``tests/bench``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.judging import deartifact, deblur, denoise
from models.train.recipe import Recipe
from models.trained import network_of

ROWS = {"deartifact": deartifact.rows, "deblur": deblur.rows, "denoise": denoise.rows}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.judge", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--most", type=int, default=1000, help="pictures to look at")
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    recipe = Recipe.read(given.recipe)
    network = network_of(recipe, given.weights)
    files = sorted(p for p in given.pictures.iterdir() if p.suffix in {".png", ".webp", ".tif", ".bmp"})[: given.most]
    pictures = [_picture(f) for f in files]
    for row in ROWS[recipe.task](network, pictures):
        print(row, flush=True)


def _picture(path: Path) -> NDArray[np.uint8]:
    stored = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if stored is None:
        raise SystemExit(f"{path} cannot be read as a picture")
    return np.ascontiguousarray(stored[..., ::-1], np.uint8)


if __name__ == "__main__":
    main()
