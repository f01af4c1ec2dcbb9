"""Command line of the training: recipe and data folders in, weights out."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from models.train.loop import train
from models.train.recipe import Recipe
from models.train.tasks import task_of


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders that the task takes its examples from"
    )
    parser.add_argument("--out", type=Path, required=True, help="checkpoints and weights; a run there is gone on with")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0 leaves it to torch")
    parser.add_argument(
        "--start-from", type=Path, help="weights to begin with, for instance those of a network with fewer blocks"
    )
    parser.add_argument("--every", type=int, default=500, help="steps between checkpoints")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    recipe = Recipe.read(given.recipe)
    examples = task_of(recipe).examples(recipe, given.data)
    weights = train(recipe, examples, given.out, device=given.device, start_from=given.start_from, every=given.every)
    print(weights)


if __name__ == "__main__":
    main()
