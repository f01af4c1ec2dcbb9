"""Tiles: the same picture tiled or whole, whatever its size, and a grid that nothing but model and size decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support import pictures
from support.networks import Graph, convolutions, sample
from wetgate.inference.restoring import Network
from wetgate.inference.tiling import continued, grid_of, reflected, run_in_tiles
from wetgate.spec import Interrupted

SIZES = [(1, 1), (1, 200), (200, 1), (3, 170), (67, 131), (64, 64), (129, 65), (150, 2)]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Four 3x3 convolutions at half resolution: radius 2 * 4 and the pixel that unshuffling may add."""
    return sample(tmp_path_factory.mktemp("net"), convolutions(half_size=True, depth=4), receptive_radius=10)


@pytest.mark.parametrize("size", SIZES)
def test_tiled_is_whole(plain, size):
    picture = pictures.noise(size[1], size[0], mean=0.4, sigma=0.2)
    tiled = Network(plain).restore([picture])
    whole = Network(replace(plain, tile=512)).restore([picture])
    assert whole.facts["grid"] == [1, 1]
    assert np.abs(whole.change).max() > 0.01
    assert np.abs(tiled.change - whole.change).max() <= 1e-5


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rim", [0, 4])
def test_tiled_is_whole_where_the_network_pads_within_its_own_reach(plain, size, rim):
    picture = pictures.noise(size[1], size[0], mean=0.4, sigma=0.2)
    tiled = Network(replace(plain, rim=rim)).restore([picture])
    whole = Network(replace(plain, rim=rim, tile=512)).restore([picture])
    assert np.abs(tiled.change - whole.change).max() <= 1e-5
    full = Network(plain).restore([picture])
    assert np.abs(tiled.change - full.change).max() > 1e-3  # what lies beyond the edge is not the same
    middle = (slice(10, -10), slice(10, -10))
    assert np.abs(tiled.change - full.change)[middle].max(initial=0.0) <= 1e-5


def test_seams_show_where_the_overlap_is_too_small(plain):
    picture = pictures.noise(200, 150, mean=0.4, sigma=0.2)
    tiled = Network(replace(plain, receptive_radius=4)).restore([picture])
    whole = Network(replace(plain, tile=512)).restore([picture])
    assert np.abs(tiled.change - whole.change).max() > 1e-3


@pytest.mark.parametrize("size", SIZES)
def test_the_grid_covers_the_picture_in_tiles_of_one_size(plain, size):
    grid = grid_of(plain, *size)
    assert grid.tile_height % plain.multiple == 0
    assert grid.tile_width % plain.multiple == 0
    assert grid.tile_height <= plain.tile
    assert grid.rows * grid.tile_height >= size[0] > (grid.rows - 1) * grid.tile_height
    assert grid.columns * grid.tile_width >= size[1] > (grid.columns - 1) * grid.tile_width


def test_a_picture_is_continued_by_reflection_and_never_reads_outside():
    assert reflected(-3, 7, 4).tolist() == [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]
    assert reflected(-5, 5, 2).tolist() == [1, 0, 1, 0, 1, 0, 1, 0, 1, 0]
    assert reflected(-2, 2, 1).tolist() == [0, 0, 0, 0]


def test_torch_continues_a_picture_as_numpy_does(plain):
    torch = pytest.importorskip("torch")
    x = pictures.noise(67, 41).transpose(2, 0, 1)[None].copy()
    grid = grid_of(plain, 41, 67)
    assert np.array_equal(continued(torch.from_numpy(x), grid).numpy(), continued(x, grid))


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_tiles_land_where_they_belong_at_every_scale(plain, scale):
    x = np.arange(70 * 150, dtype=np.float32).reshape(1, 1, 70, 150)
    made = run_in_tiles(x, grid_of(plain, 70, 150), lambda t: t.repeat(scale, 2).repeat(scale, 3), scale=scale)
    assert np.array_equal(made, x.repeat(scale, 2).repeat(scale, 3))


def test_tiles_at_once_give_the_bits_of_tiles_one_by_one(plain):
    picture = pictures.noise(200, 150, mean=0.4, sigma=0.2)
    one = Network(plain).restore([picture], threads=1)
    four = Network(plain).restore([picture], threads=4)
    assert np.array_equal(one.change, four.change)


def test_an_abort_ends_the_work_between_two_tiles(plain):
    seen = []

    def check() -> None:
        seen.append(1)
        if len(seen) == 2:
            raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        Network(plain).restore([pictures.noise(200, 150)], check_abort=check)
    assert len(seen) == 2


def test_an_enlarging_network_is_the_same_tiled_or_whole(tmp_path):
    graph = convolutions(out=12)
    graph.add("DepthToSpace", blocksize=2, mode="CRD")
    model = sample(tmp_path, graph, scale=2, multiple=1, receptive_radius=3)
    picture = pictures.noise(131, 67, mean=0.4, sigma=0.2)
    tiled = Network(model).restore([picture])
    whole = Network(replace(model, tile=512)).restore([picture])
    assert tiled.picture.shape == (134, 262, 3)
    assert np.abs(tiled.change - whole.change).max() <= 1e-5


def test_a_network_of_five_frames_and_a_map_takes_them_in_the_order_of_the_manifest(tmp_path):
    """The graph hands on one channel of each: the residual says what was where."""
    graph = Graph(16)
    graph.add("Split", graph.constant([1] * 16, np.int64), axis=1, outputs=16)
    graph.add("Concat", inputs=["v0_0", "v0_6", "v0_15"], axis=1)
    model = sample(tmp_path, graph, frames=5, maps=[{"name": "noise", "channels": 1}], encoding="code")
    window = [np.full((20, 20, 3), 0.1 * (i + 1), np.float32) for i in range(5)]
    change = Network(model).restore(window, maps={"noise": 0.7}).change
    assert np.allclose(change, [0.1, 0.3, 0.7])
