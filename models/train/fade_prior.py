"""Trains the fade prior: from pooled statistics of a reel's densities to how its dyes have faded, and how sure that is.

    PYTHONPATH=plugin python -m models.train.fade_prior --data DIR ... --medium print --out print.npz

Two networks of three layers each. The first says the fade and is trained by what matters, the colour difference that is
left in the reel's pictures when they are restored by it: near the truth that is a quadratic form of its error. The
second says the covariance of that error, by its likelihood. Run time (:mod:`wetgate.color.fade_prior`) needs numpy.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from models.train.fade_examples import PICTURES, POOLS, Reel, pictures, reels
from torch import Tensor, nn

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


def train(data: Examples, steps: int, batch: int, seed: int, width: int = 160) -> tuple[Network, Network]:
    torch.manual_seed(seed)
    every = torch.arange(0, len(data), max(1, len(data) // 20000))
    seen = torch.rand(len(every), 2) < 0.5
    sample = data.inputs(every, seen[:, 0].float(), seen[:, 1].float())
    mean, deviation = sample.mean(0), sample.std(0).clamp_min(1e-3)
    fade, error = Network(9, width, mean, deviation), Network(45, 64, mean, deviation)
    scale = data.truth.std(0)
    networks = nn.ModuleList([fade, error])
    optimiser = torch.optim.AdamW(networks.parameters(), lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    average = torch.optim.swa_utils.AveragedModel(
        networks, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998)
    )
    lower = torch.tril_indices(9, 9)
    began, shown = time.monotonic(), []
    for step in range(steps):
        which = torch.randint(0, len(data), (batch,))
        kind = torch.rand(batch)
        base = ((kind < 0.45) | (kind > 0.9)).float()
        black = ((kind < 0.45) | ((kind > 0.8) & (kind < 0.9))).float()
        x = data.inputs(which, base, black)
        vector = fade(x)
        missed = vector - data.truth[which]
        left = torch.sqrt(torch.einsum("ni,nij,nj->n", missed, data.metric[data.reel[which]], missed) + 0.05)
        off = missed / scale
        factor = torch.zeros(batch, 9, 9)
        factor[:, lower[0], lower[1]] = error(x)
        diagonal = torch.diagonal(factor, dim1=1, dim2=2)
        whitened = (torch.tril(factor, -1) @ off.detach()[..., None])[..., 0] + torch.exp(
            diagonal.clamp(-6, 8)
        ) * off.detach()
        likelihood = (0.5 * whitened**2 - diagonal.clamp(-6, 8)).sum(1)
        loss = left.mean() + 0.1 * off.abs().mean() + 0.02 * likelihood.mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(networks.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(networks)
        shown.append((left.mean().item(), likelihood.mean().item()))
        if (step + 1) % 1000 == 0:
            a, b = np.mean(shown, axis=0)
            print(
                f"{step + 1:6d}  difference {a:.3f}  likelihood {b:.2f}  {time.monotonic() - began:.0f} s", flush=True
            )
            shown = []
    final = average.module
    return final[0], final[1]


def save(fade: Network, error: Network, scale: Tensor, path: Path) -> None:
    """The weights as half floats beside their scales, about 100 kB."""
    arrays = {"mean": fade.mean, "deviation": fade.deviation, "scale": scale}
    for name, network in (("fade", fade), ("error", error)):
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
    photographs = pictures(given.data)
    made = []
    for reel in reels(photographs, given.medium, given.films, given.seed):
        made.append(reel)
        if len(made) % 300 == 0:
            print(f"{len(made)} reels", flush=True)
    print(f"{len(photographs)} photographs, {len(made)} reels", flush=True)
    data = Examples(made, given.seed)
    fade, error = train(data, given.steps, given.batch, given.seed)
    save(fade, error, data.truth.std(0), given.out)


if __name__ == "__main__":
    main()
