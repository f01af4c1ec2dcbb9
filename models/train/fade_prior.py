"""Trains the fade prior: from pooled statistics of a reel's densities to how its dyes have faded, and how sure that is.

    PYTHONPATH=plugin python -m models.train.fade_prior --data DIR ... --medium print --out print.npz

Networks of three layers. Three say the fade and are trained by what matters, the colour difference that is left in the
reel's pictures when they are restored by it: near the truth that is a quadratic form of its error. One of them has seen
all photographs, the others half of them each. A fourth says the covariance of the error, by its likelihood, on
photographs that a network has not seen: each half is judged by the one trained on the other half. Run time
(:mod:`wetgate.color.fade_prior`) needs numpy.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.train.fade_examples import PICTURES, POOLS, Reel, pictures, reels
from wetgate.color.fade_prior import INPUTS, inputs_of
from wetgate.ops.fade_statistics import pooled


class Examples:
    """Everything that training draws from, in memory."""

    def __init__(self, made: list[Reel], seed: int) -> None:
        random = np.random.default_rng(seed)
        rows, ends, known_truth, reel_of = [], [], [], []
        for index, reel in enumerate(made):
            for count in POOLS:
                some = random.choice(PICTURES, count, replace=False)
                rows.append(pooled(reel.statistics[some]))
                ends.append(np.concatenate([reel.base, reel.black, [float(reel.broad)]]))
                known_truth.append(reel.truth.vector())
                reel_of.append(index)
        self.rows = torch.tensor(np.array(rows), dtype=torch.float32)
        self.ends = torch.tensor(np.array(ends), dtype=torch.float32)
        self.truth = torch.tensor(np.array(known_truth), dtype=torch.float32)
        self.reel = torch.tensor(reel_of)
        self.metric = torch.tensor(np.array([r.metric for r in made]), dtype=torch.float32)

    def __len__(self) -> int:
        return len(self.rows)

    def inputs(self, which: Tensor, base: Tensor, black: Tensor) -> Tensor:
        """The network's inputs (n, INPUTS); ``base``, ``black`` (n,) say whether these were sampled."""
        ends = self.ends[which]
        return inputs_of(self.rows[which], ends[:, 0:3], ends[:, 3:6], ends[:, 6:7], base, black, torch.cat)


class Network(nn.Module):
    def __init__(self, outputs: int, width: int, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.layers = nn.ModuleList([nn.Linear(INPUTS, width), nn.Linear(width, width), nn.Linear(width, outputs)])

    def forward(self, x: Tensor) -> Tensor:
        x = torch.clamp((x - self.mean) / self.deviation, -6, 6)
        for layer in self.layers[:-1]:
            x = nn.functional.silu(layer(x))
        return self.layers[-1](x)


def known(count: int) -> tuple[Tensor, Tensor]:
    """Whether base and black were sampled, for so many examples: both, neither, or one of them."""
    kind = torch.rand(count)
    return ((kind < 0.45) | (kind > 0.9)).float(), ((kind < 0.45) | ((kind > 0.8) & (kind < 0.9))).float()


def scales(data: Examples) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the network's inputs."""
    every = torch.arange(0, len(data), max(1, len(data) // 20000))
    sample = data.inputs(every, *known(len(every)))
    return sample.mean(0), sample.std(0).clamp_min(1e-3)


def train_fade(data: Examples, steps: int, batch: int, seed: int) -> Network:
    """The network that says the fade."""
    torch.manual_seed(seed)
    network = Network(9, 160, *scales(data))
    scale = data.truth.std(0)

    def loss(which: Tensor) -> Tensor:
        missed = network(data.inputs(which, *known(len(which)))) - data.truth[which]
        left = torch.sqrt(torch.einsum("ni,nij,nj->n", missed, data.metric[data.reel[which]], missed) + 0.05)
        return left.mean() + 0.1 * (missed / scale).abs().mean()

    return minimised(network, loss, len(data), steps, batch)


def train_error(parts: list[tuple[Network, Examples]], scale: Tensor, steps: int, batch: int, seed: int) -> Network:
    """The network that says the covariance of the first one's error, from networks on examples they were not trained
    on."""
    torch.manual_seed(seed)
    network = Network(45, 64, parts[0][0].mean, parts[0][0].deviation)
    lower = torch.tril_indices(9, 9)
    count = sum(len(data) for _, data in parts)

    def loss(which: Tensor) -> Tensor:
        total = torch.zeros(())
        for (fade, data), chosen in zip(parts, which.chunk(len(parts)), strict=True):
            some = chosen % len(data)
            x = data.inputs(some, *known(len(some)))
            with torch.no_grad():
                off = (fade(x) - data.truth[some]) / scale
            factor = torch.zeros(len(some), 9, 9)
            factor[:, lower[0], lower[1]] = network(x)
            diagonal = torch.diagonal(factor, dim1=1, dim2=2).clamp(-6, 8)
            factor = torch.tril(factor, -1) + torch.diag_embed(diagonal.exp())
            whitened = (factor @ off[..., None])[..., 0]
            total = total + (0.5 * whitened**2 - diagonal).sum(1).mean() / len(parts)
        return total

    return minimised(network, loss, count, steps, batch)


def minimised(network: Network, loss: Callable[[Tensor], Tensor], count: int, steps: int, batch: int) -> Network:
    """The running mean of the network while it is trained on random examples of ``count``."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    ema = torch.optim.swa_utils.get_ema_multi_avg_fn(0.998)
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=ema)
    began, shown = time.monotonic(), []
    for step in range(steps):
        now = loss(torch.randint(0, count, (batch,)))
        optimiser.zero_grad()
        now.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        shown.append(now.item())
        if (step + 1) % 1000 == 0:
            print(f"{step + 1:6d}  {np.mean(shown):.3f}  {time.monotonic() - began:.0f} s", flush=True)
            shown = []
    return average.module


def save(fades: list[Network], error: Network, scale: Tensor, path: Path) -> None:
    """The weights as half floats beside their scales, about 250 kB."""
    arrays = {"mean": error.mean, "deviation": error.deviation, "scale": scale}
    named = [("error", error)]
    for member, fade in enumerate(fades):
        arrays |= {f"mean{member}": fade.mean, f"deviation{member}": fade.deviation}
        named.append((f"fade{member}", fade))
    for name, network in named:
        for i, layer in enumerate(network.layers):
            arrays[f"{name}{i}_weight"], arrays[f"{name}{i}_bias"] = layer.weight, layer.bias
    plain = {name: value.detach().numpy().astype(np.float32) for name, value in arrays.items()}
    for name in list(plain):
        if name.endswith("weight"):
            plain[name] = plain[name].astype(np.float16)
    np.savez_compressed(path, **plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of photographs")
    parser.add_argument("--medium", choices=("print", "negative"), default="print")
    parser.add_argument("--films", type=int, default=120, help="films to simulate, each with 30 fades of 24 pictures")
    parser.add_argument("--steps", type=int, default=15000)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(2)
    halves = []
    for half in (0, 1):
        photographs = pictures(given.data, half)
        made = list(reels(photographs, given.medium, given.films // 2, given.seed + half))
        print(f"{len(photographs)} photographs, {len(made)} reels", flush=True)
        halves.append(made)
    data = [Examples(made, given.seed) for made in halves]
    every = Examples(halves[0] + halves[1], given.seed)
    fade = train_fade(every, given.steps, given.batch, given.seed)
    unseen = [(train_fade(data[1 - h], given.steps, given.batch, given.seed), data[h]) for h in (0, 1)]
    scale = every.truth.std(0)
    error = train_error(unseen, scale, given.steps // 2, given.batch, given.seed)
    save([fade, unseen[1][0], unseen[0][0]], error, scale, given.out)


if __name__ == "__main__":
    main()
