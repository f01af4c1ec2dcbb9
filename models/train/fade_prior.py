"""Trains the fade prior: from pooled statistics of a reel's densities to how its dyes have faded, and how sure that is.

    PYTHONPATH=plugin python -m models.train.fade_prior --data DIR ... --medium print --out print.npz

Networks of three layers. Five say the fade and are trained by what matters, the colour difference that is left in the
reel's pictures when they are restored by it: where a picture leaves the fade open, that is its cautious middle. Each
has seen three of five folds of the photographs. The others judge them, on photographs that those which they judge have
not seen: one says the covariance of the error, by its likelihood, five what share of the reversal is for one of the
reel's shots, by the least colour difference, where a picture that gets worse counts many times; each of these leaves
one fold out. Run time (:mod:`wetgate.color.fade_prior`) needs numpy.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.train.fade_examples import FOLDS, PICTURES, POOLS, Reel, pictures, reels
from wetgate.color.fade import LEAST_SLOPE, MOST_SLOPE
from wetgate.color.fade_prior import INPUTS, TRUST_INPUTS, inputs_of, trust_inputs_of
from wetgate.color.primaries import rgb_to_xyz
from wetgate.ops.fade_statistics import pooled

FADE_WIDTH, ERROR_WIDTH, TRUST_WIDTH = 128, 64, 64
SEEN = [[(member + k) % FOLDS for k in range(3)] for member in range(FOLDS)]  # folds that each network has seen
_TO_XYZ = torch.tensor(rgb_to_xyz("rec709"), dtype=torch.float32)
# A picture may get so much worse, in dE; what it gets worse beyond counts so many times.
_FORGIVEN, _WORSE = 0.2, 6.0
SHARES = np.linspace(0, 1, 9)  # of the reversal, that the networks of the trust are taught by
_JUDGED, _AT_ONCE = 60000, 2000  # examples that they learn from
_BEYOND_DISPLAY = 0.1  # slope of a display's range beyond its ends, that training finds its way back


class Examples:
    """Everything that training draws from, in memory."""

    def __init__(self, folds: list[list[Reel]], seed: int) -> None:
        random = np.random.default_rng(seed)
        rows, ends, known_truth, reel_of, picture = [], [], [], [], []
        made = [reel for fold in folds for reel in fold]
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
        self.fold = torch.cat([torch.full((len(fold),), i) for i, fold in enumerate(folds)])[self.reel]
        self.statistics = tensor([r.statistics for r in made])
        self.matrix = tensor([r.matrix for r in made])
        self.faded, self.fresh = tensor([r.faded for r in made]), tensor([r.fresh for r in made])

    def __len__(self) -> int:
        return len(self.rows)

    def inputs(self, which: Tensor, base: Tensor, black: Tensor) -> Tensor:
        """The network's inputs (n, INPUTS); ``base``, ``black`` (n,) say whether these were sampled."""
        ends = self.ends[which]
        return inputs_of(self.rows[which], ends[:, 0:3], ends[:, 3:6], ends[:, 6:7], base, black, torch.cat)

    def left(self, which: Tensor, vector: Tensor) -> Tensor:
        """Mean colour difference (n,) that a picture of each example has from its truth, restored by ``vector``."""
        reel = self.reel[which]
        faded, fresh = (what[reel, self.picture[which]] for what in (self.faded, self.fresh))
        return colour_difference(restored(faded, vector, self.matrix[reel]), fresh)


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


def train_fade(data: Examples, folds: Sequence[int], steps: int, batch: int, seed: int) -> Network:
    """A network that says the fade, from the photographs of some folds."""
    torch.manual_seed(seed)
    network = Network(INPUTS, 9, FADE_WIDTH, *scales(data))
    own = torch.nonzero(torch.isin(data.fold, torch.tensor(folds)))[:, 0]
    scale = data.truth.std(0)

    def loss() -> Tensor:
        which = own[torch.randint(0, len(own), (batch,))]
        vector = network(data.inputs(which, *known(batch)))
        missed = ((vector - data.truth[which]) / scale).abs().mean()
        return data.left(which, vector).mean() + 0.3 * missed

    return minimised(network, loss, steps)


@dataclass(frozen=True)
class Opinions:
    """Random examples ``which`` as the networks see them that were not trained on their photographs: inputs ``x``, the
    ``mean`` (n, 9) of what these say, and how far ``apart`` (n, 9) they are."""

    which: Tensor
    x: Tensor
    mean: Tensor
    apart: Tensor


class Unseen:
    """Draws examples for the networks that judge the others."""

    def __init__(self, data: Examples, members: Sequence[Network], folds: Sequence[Sequence[int]]) -> None:
        self.data = data
        self._members = members
        seen = torch.zeros(len(members), FOLDS)
        for member, own in enumerate(folds):
            seen[member, list(own)] = 1
        self._unseen = 1 - seen

    def draw(self, count: int) -> Opinions:
        which = torch.randint(0, len(self.data), (count,))
        x = self.data.inputs(which, *known(count))
        with torch.no_grad():
            said = torch.stack([member(x) for member in self._members])
        counts = self._unseen[:, self.data.fold[which]][..., None]
        number = counts.sum(0)
        mean = (said * counts).sum(0) / number
        apart = torch.sqrt(((said - mean) ** 2 * counts).sum(0) / (number - 1))
        return Opinions(which, x, mean, apart)


class Judged:
    """What shares are learnt from: random examples, with the colour difference that each of ``SHARES`` leaves."""

    def __init__(self, unseen: Unseen, count: int) -> None:
        data, inputs, left, fold = unseen.data, [], [], []
        for _ in range(-(-count // _AT_ONCE)):
            drawn = unseen.draw(_AT_ONCE)
            own = data.statistics[data.reel[drawn.which], data.picture[drawn.which]]
            inputs.append(trust_inputs_of(drawn.x, drawn.mean, drawn.apart, own, torch.cat))
            left.append(torch.stack([data.left(drawn.which, drawn.mean * float(s)) for s in SHARES], 1))
            fold.append(data.fold[drawn.which])
        self.inputs, self.left, self.fold = torch.cat(inputs), torch.cat(left), torch.cat(fold)

    def at(self, which: Tensor, share: Tensor) -> Tensor:
        """What a share leaves (n,) of some examples, between two of ``SHARES`` in a straight line."""
        place = share * (len(SHARES) - 1)
        below = place.detach().floor().clamp(0, len(SHARES) - 2).long()
        rest = place - below
        return self.left[which, below] * (1 - rest) + self.left[which, below + 1] * rest


def train_error(unseen: Unseen, scale: Tensor, steps: int, batch: int, seed: int) -> Network:
    """The network that says the covariance of the others' error."""
    torch.manual_seed(seed)
    network = Network(INPUTS, 45, ERROR_WIDTH, *scales(unseen.data))
    lower = torch.tril_indices(9, 9)

    def loss() -> Tensor:
        drawn = unseen.draw(batch)
        off = (drawn.mean - unseen.data.truth[drawn.which]) / scale
        factor = torch.zeros(batch, 9, 9)
        factor[:, lower[0], lower[1]] = network(drawn.x)
        diagonal = torch.diagonal(factor, dim1=1, dim2=2).clamp(-6, 8)
        factor = torch.tril(factor, -1) + torch.diag_embed(diagonal.exp())
        whitened = (factor @ off[..., None])[..., 0]
        return (0.5 * whitened**2 - diagonal).sum(1).mean()

    return minimised(network, loss, steps)


def train_trust(judged: Judged, folds: Sequence[int], steps: int, batch: int, seed: int) -> Network:
    """A network that says how much of the reversal to use in a shot, from the photographs of some folds."""
    torch.manual_seed(seed)
    own = torch.nonzero(torch.isin(judged.fold, torch.tensor(folds)))[:, 0]
    seen = judged.inputs[own]
    network = Network(TRUST_INPUTS, 1, TRUST_WIDTH, seen.mean(0), seen.std(0).clamp_min(1e-3))

    def loss() -> Tensor:
        which = own[torch.randint(0, len(own), (batch,))]
        share = torch.sigmoid(network(judged.inputs[which]))[:, 0]
        left = judged.at(which, share)
        worse = (left - judged.left[which, 0] - _FORGIVEN).clamp_min(0)
        return (left + _WORSE * worse).mean()

    return minimised(network, loss, steps)


def minimised(network: Network, loss: Callable[[], Tensor], steps: int) -> Network:
    """The running mean of the network while it is trained; ``loss`` draws its own examples."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    ema = torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=ema)
    began, shown = time.monotonic(), []
    for step in range(steps):
        now = loss()
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


def save(networks: dict[str, Network], scale: Tensor, path: Path) -> None:
    """The weights as half floats beside their scales, about 400 kB."""
    arrays = {"scale": scale}
    for name, network in networks.items():
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
    parser.add_argument("--films", type=int, default=150, help="films to simulate, each with 30 fades of 24 pictures")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    made = []
    for fold in range(FOLDS):
        photographs = pictures(given.data, fold)
        made.append(list(reels(photographs, given.medium, given.films // FOLDS, given.seed + fold)))
        print(f"fold {fold}: {len(photographs)} photographs, {len(made[-1])} reels", flush=True)
    save(*trained(made, given.steps, given.batch, given.seed), given.out)


def trained(made: list[list[Reel]], steps: int, batch: int, seed: int) -> tuple[dict[str, Network], Tensor]:
    """The networks of the fade, of the error and of the trust by their names, and the scale of a fade's numbers."""
    data = Examples(made, seed)
    fades = [train_fade(data, folds, steps, batch, seed + member) for member, folds in enumerate(SEEN)]
    unseen = Unseen(data, fades, SEEN)
    scale = data.truth.std(0)
    networks = {f"fade{member}": fade for member, fade in enumerate(fades)}
    networks["error"] = train_error(unseen, scale, steps // 2, batch, seed)
    judged = Judged(unseen, _JUDGED)
    for left_out in range(FOLDS):
        folds = [fold for fold in range(FOLDS) if fold != left_out]
        networks[f"trust{left_out}"] = train_trust(judged, folds, steps // 2, batch, seed + left_out)
    return networks, scale


if __name__ == "__main__":
    main()
