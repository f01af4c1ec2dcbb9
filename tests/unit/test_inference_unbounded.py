"""Networks on pictures without bounds: exact where there is nothing to say, and never far from the source's tones."""

from __future__ import annotations

import numpy as np
import pytest

from support import pictures
from support.networks import Graph, convolutions, sample
from wetgate.inference.blocks import Blocks
from wetgate.inference.encodings import SignedLog, vst
from wetgate.inference.restoring import Network
from wetgate.inference.unbounded import bounded

LEVELS = (-0.5, -0.01, 0.0, 0.01, 0.18, 1.0, 40.0, 1000.0)


def silent() -> Graph:
    """A network that has nothing to say: residual 0."""
    graph = Graph(3)
    graph.add("Mul", graph.constant([0.0]))
    return graph


def shouting(value: float = 0.2) -> Graph:
    """A network that adds a constant everywhere: the worst colour shift."""
    graph = Graph(3)
    graph.add("Mul", graph.constant([0.0]))
    graph.add("Add", graph.constant([value]))
    return graph


def averaging() -> Graph:
    """A denoiser: residual = mean over 5x5 less the picture, by a depthwise convolution."""
    graph = Graph(3)
    kernel = np.full((3, 1, 5, 5), 1 / 25)
    kernel[:, :, 2, 2] -= 1
    graph.add("Conv", graph.constant(kernel), pads=[2, 2, 2, 2], group=3)
    return graph


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.mark.parametrize("encoding", ["code", "signed_log", "vst"])
@pytest.mark.parametrize("output", ["residual", "picture"])
def test_a_silent_network_gives_the_picture_bit_for_bit(folder, encoding, output):
    graph = silent() if output == "residual" else Graph(3)
    if output == "picture":
        graph.add("Identity")
    model = sample(folder, graph, encoding=encoding, output=output, hold={"block": 32, "bound": 0.01})
    noise = vst(0.01, 1e-4) if encoding == "vst" else None
    for picture in (pictures.highlights(97, 61), pictures.scene(64, 48, peak=1000.0), np.ones((1, 1, 3), np.float32)):
        done = Network(model).restore([picture], encoding=noise)
        assert np.array_equal(done.picture, picture)
        assert not done.change.any()


def test_a_highlight_at_40_and_a_negative_come_through_bit_for_bit_beside_what_is_restored(folder):
    model = sample(folder, averaging(), receptive_radius=2)
    picture = pictures.noise(200, 160, mean=0.3, sigma=0.02)
    picture[40:50, 60:64] = 40.0
    picture[90:94, 100:120] = 1000.0
    picture[120:124, 20:30] = -0.5
    done = Network(model).restore([picture])
    for place in (np.s_[40:50, 60:64], np.s_[90:94, 100:120], np.s_[120:124, 20:30]):
        assert np.array_equal(done.picture[place], picture[place])
    quiet = done.picture[:30, :50]
    assert quiet.std() < 0.5 * picture[:30, :50].std()


def test_no_light_leaks_from_a_highlight_into_what_lies_beside_it(folder):
    model = sample(folder, averaging(), receptive_radius=2)
    picture = np.full((64, 64, 3), 0.3, np.float32)
    picture[:, 32:] = 1000.0
    done = Network(model).restore([picture])
    v = SignedLog().encode(np.float32([0.3, 1000.0]))
    # The clamped step is 0.125 above the range; two fifths of it reach the nearest pixel of a 5x5 mean, in signed log.
    assert done.picture[:, :32].max() <= SignedLog().decode(v[:1] + 0.4 * (1.125 - v[0]))[0] + 1e-4
    assert np.array_equal(done.picture[:, 34:], picture[:, 34:])


@pytest.mark.parametrize("level", LEVELS)
def test_a_flat_field_stays_flat_and_where_it_was_within_the_bound(folder, level):
    model = sample(folder, shouting(), hold={"block": 32, "bound": 0.01}, range=[-0.2, 1.0])
    picture = np.full((130, 150, 3), level, np.float32)
    done = Network(model).restore([picture])
    moved = SignedLog().encode(done.picture) - SignedLog().encode(picture)
    assert np.abs(moved).max() <= 0.01 + 1e-5
    assert np.ptp(done.picture) <= 1e-5 * max(1.0, abs(level))


def test_without_a_hold_the_same_network_would_shift_the_colour(folder):
    model = sample(folder, shouting(), range=[-0.2, 1.0])
    picture = np.full((130, 150, 3), 0.18, np.float32)
    assert np.abs(Network(model).restore([picture]).change).min() > 0.1


def test_noise_about_40_is_taken_out_as_it_is_about_grey(folder):
    model = sample(folder, averaging(), receptive_radius=2)
    flat = pictures.noise(160, 160, mean=0.0, sigma=0.03)
    for level in (0.3, 40.0, 900.0):
        picture = (level * np.exp(flat)).astype(np.float32)
        done = Network(model).restore([picture])
        assert done.facts["shifted"] == (level > 1)
        before, after = np.log(picture), np.log(done.picture)
        assert after.std() < 0.4 * before.std()


def test_a_pixel_inside_the_range_is_shown_as_it_is_whatever_lies_elsewhere():
    v = SignedLog().encode(pictures.highlights(200, 150, peak=1000.0))
    v[:64, :64] = 3.0
    v[64:70, 64:70] = 0.5
    seen = bounded([v], 0.0, 1.0)
    inside = (v >= 0) & (v <= 1)
    assert np.array_equal(seen.pictures[0][inside], v[inside])
    assert (seen.weight[inside] == 1).all()
    assert seen.pictures[0].min() >= -0.125
    assert seen.pictures[0].max() <= 1.125


def test_a_ramp_from_black_to_1000_is_changed_without_a_step(folder):
    model = sample(folder, shouting(0.05))
    x = np.exp2(np.linspace(-8, 10, 4000)).astype(np.float32)
    picture = np.repeat(x[None, :, None], 40, axis=0).repeat(3, axis=2)
    done = Network(model).restore([picture])
    moved = SignedLog().encode(done.picture) - SignedLog().encode(picture)
    assert np.abs(np.diff(moved, axis=1)).max() < 2e-3
    assert (np.diff(done.picture[0, :, 0]) > 0).all()


def test_the_mean_over_every_block_stays_within_the_bound_and_what_was_within_is_kept():
    rng = np.random.default_rng(4)
    for size in ((1, 1), (33, 200), (150, 31), (131, 257)):
        r = rng.normal(0, 0.1, (*size, 3)).astype(np.float32)
        r[:, : size[1] // 3] += 0.3
        grid = Blocks(*size, 32)
        held = grid.hold(r, 0.02)
        assert np.abs(grid.mean(held)).max() <= 0.02 + 1e-5
        calm = r - grid.smooth(grid.mean(r)) if size == (1, 1) else r * np.float32(0.001)
        assert grid.hold(calm, 0.02) is calm


def test_holding_a_field_adds_no_edge_at_the_blocks():
    r = np.zeros((128, 128, 1), np.float32)
    r[:, 64:] = 0.4
    field = r - Blocks(128, 128, 32).hold(r, 0.02)
    steps = np.abs(np.diff(field, axis=1))
    # Straight lines over at least half a block of 32: no step is larger than the whole change by 16.
    assert steps.max() < 1.5 * 0.4 / 16


def test_torch_holds_and_bounds_as_numpy_does():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    v = SignedLog().encode(pictures.highlights(131, 77))
    v[:64, :64] += 2.0
    ours, theirs = bounded([v], 0.0, 1.0), bounded([torch.from_numpy(v)], 0.0, 1.0)
    assert np.allclose(theirs.pictures[0].numpy(), ours.pictures[0], atol=1e-6)
    assert np.allclose(theirs.weight.numpy(), ours.weight, atol=1e-6)
    r = rng.normal(0.1, 0.1, (77, 131, 3)).astype(np.float32)
    grid = Blocks(77, 131, 32)
    assert np.allclose(grid.hold(torch.from_numpy(r), 0.02).numpy(), grid.hold(r, 0.02), atol=1e-6)


def test_hdr_noise_and_negatives_never_give_what_is_no_number(folder):
    model = sample(folder, convolutions(depth=4), hold={"block": 32, "bound": 0.05}, receptive_radius=4)
    picture = pictures.highlights(200, 120, peak=60000.0)
    done = Network(model).restore([picture])
    assert np.isfinite(done.picture).all()
    v = SignedLog().encode(picture)
    far = (v > 1.125) | (v < -0.125)
    shown = bounded([v], 0.0, 1.0)
    assert np.array_equal(done.picture[far & (shown.weight == 0)], picture[far & (shown.weight == 0)])
