"""The training loop: the same examples at the same step on every machine, resumable at any checkpoint."""

from __future__ import annotations

import copy
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.train.recipe import Recipe
from models.train.task import Examples
from models.train.tasks import batch_of, network_for, task_of


def train(recipe: Recipe, examples: Examples, out: Path, *, device: str, start_from: Path | None, every: int) -> Path:
    """Train to the recipe's last step; the path of the averaged weights (``ema.pt``).

    ``out/checkpoint.pt`` is written each ``every`` steps, whole or not at all, and gone on from where it is there.
    ``start_from`` is a file of weights to begin with, of this network or of one with fewer blocks.
    ``out/log.jsonl`` has a line each 100 steps.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    network, loss_of = network_for(recipe), task_of(recipe).loss
    if start_from is not None:
        network.begin_with(torch.load(start_from, weights_only=True))
    network = network.to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(network).requires_grad_(False)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=recipe.rate, betas=(0.9, 0.99), weight_decay=recipe.weight_decay
    )
    first = 0
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["step"]
    losses: list[float] = []
    since = time.monotonic()
    with ThreadPoolExecutor(1) as ahead, (out / "log.jsonl").open("a", encoding="utf-8") as log:
        coming = ahead.submit(batch_of, recipe, examples, first)
        for step in range(first, recipe.steps):
            maps, wanted = coming.result()
            if step + 1 < recipe.steps:
                coming = ahead.submit(batch_of, recipe, examples, step + 1)
            for group in optimiser.param_groups:
                group["lr"] = recipe.rate_at(step)
            maps = maps.to(device, memory_format=torch.channels_last)
            wanted = wanted.to(device, memory_format=torch.channels_last)
            with torch.autocast(device.partition(":")[0], torch.bfloat16):
                found = network(maps)
            loss = loss_of(found.float(), wanted, maps)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm)
            optimiser.step()
            # The average follows fast at first: an average of few steps is not held back by the first weights.
            keep = min(recipe.ema, (step + 1) / (step + 10))
            with torch.no_grad():
                for mean, new in zip(average.parameters(), network.parameters(), strict=True):
                    mean.lerp_(new, 1 - keep)
            losses.append(float(loss.detach()))
            if (step + 1) % 100 == 0:
                pace = (time.monotonic() - since) / len(losses)
                line = {"step": step + 1, "loss": float(np.mean(losses)), "rate": recipe.rate_at(step), "seconds": pace}
                log.write(json.dumps(line) + "\n")
                log.flush()
                losses, since = [], time.monotonic()
            if (step + 1) % every == 0 or step + 1 == recipe.steps:
                state = {
                    "network": network.state_dict(),
                    "average": average.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step + 1,
                }
                _save(state, checkpoint)
                _save(average.state_dict(), out / "ema.pt")
    return out / "ema.pt"


def _save(state: object, path: Path) -> None:
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(path)
