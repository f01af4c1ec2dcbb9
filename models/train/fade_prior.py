"""Trains the fade prior: from pooled statistics of a reel's densities to how its dyes have faded, and how sure that is.

    PYTHONPATH=plugin python -m models.train.fade_prior --data DIR ... --medium print --out print.npz

Networks of three layers. Three say the fade and are trained by what matters, the colour difference that is left in the
reel's pictures when they are restored by it: where a picture leaves the fade open, that is its cautious middle. One of
them has seen all photographs, the others half of them each. One more is trained on photographs that the network which
it judges has not seen: it says the covariance of the error, by its likelihood, and a reversal is held back by that. Run
time (:mod:`wetgate.color.fade_prior`) needs numpy.
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
from wetgate.color.density import CINEON_GAMMA
from wetgate.color.fade import LEAST_SLOPE, MOST_SLOPE, NEGATIVE_RANGE
from wetgate.color.fade_prior import INPUTS, inputs_of
from wetgate.color.film_dyes import Medium
from wetgate.color.primaries import rgb_to_xyz
from wetgate.ops.fade_statistics import pooled

FADE_WIDTH, ERROR_WIDTH = 192, 64
_TO_XYZ = torch.tensor(rgb_to_xyz("rec709"), dtype=torch.float32)
_BEYOND_DISPLAY = 0.1  # slope of a display's range beyond its ends, that training finds its way back


class Examples:
    """Everything that training draws from, in memory."""

    def __init__(self, made: list[Reel], medium: Medium, seed: int) -> None:
        self.medium = medium
        random = np.random.default_rng(seed)
        rows, ends, known_truth, reel_of, picture = [], [], [], [], []
        for index, reel in enumerate(made):
            for count in POOLS:
                some = random.choice(PICTURES, count, replace=False)
                rows.append(pooled(reel.statistics[some]))
                ends.append(np.concatenate([reel.base, reel.black, [float(reel.broad)]]))
                known_truth.append(reel.truth.vector())
                reel_of.append(index)
                picture.append(some[0])

        def tensor(values: list[np.ndarray]) -> Tensor:
            return torch.tensor(np.array(values), dtype=torch.float32)

        self.rows, self.ends, self.truth = tensor(rows), tensor(ends), tensor(known_truth)
        self.reel, self.picture = torch.tensor(reel_of), torch.tensor(picture)
        self.matrix = tensor([r.matrix for r in made])
        self.faded, self.fresh = tensor([r.faded for r in made]), tensor([r.fresh for r in made])

    def __len__(self) -> int:
        return len(self.rows)

    def inputs(self, which: Tensor, base: Tensor, black: Tensor) -> Tensor:
        """The network's inputs (n, INPUTS); ``base``, ``black`` (n,) say whether these were sampled."""
        ends = self.ends[which]
        return inputs_of(self.rows[which], ends[:, 0:3], ends[:, 3:6], ends[:, 6:7], base, black, torch.cat)

    def left(self, which: Tensor, vector: Tensor, base: Tensor) -> Tensor:
        """Mean colour difference (n,) that a picture of each example has from its truth, restored by ``vector``, its
        base being known where it was sampled: in the picture as it is looked at, a negative inverted."""
        reel = self.reel[which]
        faded, fresh = (what[reel, self.picture[which]] for what in (self.faded, self.fresh))
        known_base = torch.where(base[:, None] > 0, self.ends[which, :3], vector[:, 6:])
        made = restored(faded, torch.cat([vector[:, :6], known_base], dim=1), self.matrix[reel])
        if self.medium == "negative":
            made, fresh = (NEGATIVE_RANGE - film / CINEON_GAMMA for film in (made, fresh))
        return colour_difference(made, fresh)


def restored(density: Tensor, vector: Tensor, matrix: Tensor) -> Tensor:
    """:meth:`wetgate.color.fade.DyeFade.restored` of densities (n, pixels, 3), by vectors (n, 9)."""
    log_gain, bend, base = (part[:, None] for part in vector.split(3, dim=1))
    left = density @ torch.linalg.inv(matrix).transpose(1, 2) - base
    amounts = left.clamp_min(0) * torch.exp(log_gain.clamp(-0.4, 3.2))
    bend = bend.clamp(-0.45, 0.45)
    limit = torch.where(bend < 0, 1 - LEAST_SLOPE, MOST_SLOPE - 1) / (2 * bend.abs()).clamp_min(1e-6)
    held = torch.minimum(amounts, limit)
    amounts = amounts + bend * held * (2 * amounts - held) + left.clamp_max(0)
    return amounts @ matrix.transpose(1, 2)


def colour_difference(density: Tensor, truth: Tensor) -> Tensor:
    """Mean CIE 1994 colour difference (n,) of densities (n, pixels, 3) on a display."""
    a, b = _lab(density), _lab(truth)
    chroma = torch.hypot(b[..., 1], b[..., 2] + 1e-6)
    other = torch.sqrt(a[..., 1] ** 2 + a[..., 2] ** 2 + 1e-6)
    off = ((a - b) ** 2).unbind(-1)
    hue = (off[1] + off[2] - (other - chroma) ** 2).clamp_min(0)
    total = off[0] + ((other - chroma) / (1 + 0.045 * chroma)) ** 2 + hue / (1 + 0.015 * chroma) ** 2
    return torch.sqrt(total + 1e-4).mean(1)


def _lab(density: Tensor) -> Tensor:
    light = torch.pow(10.0, -density.clamp(-0.5, 5))
    light = torch.where(light > 1, 1 + _BEYOND_DISPLAY * (light - 1), light)
    xyz = light @ (_TO_XYZ / _TO_XYZ.sum(1, keepdim=True)).T
    f = torch.where(xyz > 216 / 24389, xyz.clamp_min(1e-6) ** (1 / 3), xyz * (24389 / 27 / 116) + 16 / 116)
    return torch.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


class Network(nn.Module):
    def __init__(self, inputs: int, outputs: int, width: int, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.layers = nn.ModuleList([nn.Linear(inputs, width), nn.Linear(width, width), nn.Linear(width, outputs)])

    def forward(self, x: Tensor) -> Tensor:
        x = torch.clamp((x - self.mean) / self.deviation, -6, 6)
        if self.training:
            x = nn.functional.dropout(x, 0.05)
        for layer in self.layers[:-1]:
            x = nn.functional.dropout(nn.functional.silu(layer(x)), 0.05, self.training)
        return self.layers[-1](x)


def known(count: int) -> tuple[Tensor, Tensor]:
    """Whether base and black were sampled, for so many examples: neither, both, or one of them."""
    kind = torch.rand(count)
    base, black = (kind > 0.5) & (kind < 0.9), (kind > 0.65)
    return base.float(), black.float()


def scales(data: Examples) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the network's inputs."""
    every = torch.arange(0, len(data), max(1, len(data) // 20000))
    sample = data.inputs(every, *known(len(every)))
    return sample.mean(0), sample.std(0).clamp_min(1e-3)


def train_fade(data: Examples, steps: int, batch: int, seed: int) -> Network:
    """The network that says the fade."""
    torch.manual_seed(seed)
    network = Network(INPUTS, 9, FADE_WIDTH, *scales(data))
    scale = data.truth.std(0)

    def loss(which: Tensor) -> Tensor:
        base, black = known(len(which))
        vector = network(data.inputs(which, base, black))
        missed = ((vector - data.truth[which]) / scale).abs().mean()
        return data.left(which, vector, base).mean() + 0.3 * missed

    return minimised(network, loss, len(data), steps, batch)


def train_error(parts: list[tuple[Network, Examples]], scale: Tensor, steps: int, batch: int, seed: int) -> Network:
    """The network that says the covariance of the first one's error, from networks on examples they were not trained
    on."""
    torch.manual_seed(seed)
    network = Network(INPUTS, 45, ERROR_WIDTH, parts[0][0].mean, parts[0][0].deviation)
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
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    ema = torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
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
        if (step + 1) % 500 == 0:
            print(f"{step + 1:6d}  {np.mean(shown):.3f}  {time.monotonic() - began:.0f} s", flush=True)
            shown = []
    return average.module.eval()


def save(fades: list[Network], error: Network, scale: Tensor, path: Path) -> None:
    """The weights as half floats beside their scales, about 380 kB."""
    arrays = {"scale": scale}
    named = [("error", error), *((f"fade{member}", fade) for member, fade in enumerate(fades))]
    for name, network in named:
        arrays |= {f"{name}_mean": network.mean, f"{name}_deviation": network.deviation}
        for i, layer in enumerate(network.layers):
            arrays[f"{name}{i}_weight"], arrays[f"{name}{i}_bias"] = layer.weight, layer.bias
    plain = {name: value.detach().numpy().astype(np.float32) for name, value in arrays.items()}
    for name in list(plain):
        if name.endswith("weight"):
            plain[name] = plain[name].astype(np.float16)
    np.savez_compressed(path, **plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of photographs and panoramas")
    parser.add_argument("--medium", choices=("print", "negative"), default="print")
    parser.add_argument("--films", type=int, default=120, help="films to simulate, each with 30 fades of 24 pictures")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    halves = []
    for half in (0, 1):
        photographs = pictures(given.data, half)
        made = list(reels(photographs, given.medium, given.films // 2, given.seed + half))
        print(f"{len(photographs)} photographs, {len(made)} reels", flush=True)
        halves.append(made)
    save(*trained(halves, given.medium, given.steps, given.batch, given.seed), given.out)


def trained(
    halves: list[list[Reel]], medium: Medium, steps: int, batch: int, seed: int
) -> tuple[list[Network], Network, Tensor]:
    """The networks of the fade and of the error, and the scale of a fade's numbers."""
    data = [Examples(made, medium, seed) for made in halves]
    every = Examples(halves[0] + halves[1], medium, seed)
    fade = train_fade(every, steps, batch, seed)
    unseen = [(train_fade(data[1 - h], steps, batch, seed), data[h]) for h in (0, 1)]
    scale = every.truth.std(0)
    error = train_error(unseen, scale, steps // 2, batch, seed)
    return [fade, unseen[1][0], unseen[0][0]], error, scale


if __name__ == "__main__":
    main()
