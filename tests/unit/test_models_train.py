"""What trainings learn from: the tasks' examples, and the pool of encodes. Needs a checkout, which has the code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="trainings are torch's")

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "models" / "recipes"


@pytest.fixture(autouse=True)
def checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


def scene(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Edges, a ramp and some texture, uint8 BGR."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    base = 110 + 60 * np.sin(x / 9 + random.uniform(0, 6)) * np.cos(y / 13) + 40 * (x > y)
    picture = base[..., None] + random.normal(0, 6, (height, width, 3)) + np.array([0, 12, -20])
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    random = np.random.default_rng(3)
    tiles, clip = tmp_path_factory.mktemp("tiles"), tmp_path_factory.mktemp("clip")
    for name in ("a", "b", "c"):
        cv2.imwrite(str(tiles / f"{name}.png"), scene(random, 512, 512))
    lines = ["file,flat_noise_sigma", *(f"{name}.png,0.5" for name in ("a", "b", "c"))]
    (tiles / "manifest.csv").write_text("\n".join(lines))
    wide = scene(random, 400, 480)
    for i in range(4):
        cv2.imwrite(str(clip / f"{i}.png"), np.roll(wide, 3 * i, axis=1))
    return [tiles, clip]


def small(recipe: Any) -> Any:
    """The deartifact recipe with a pool of a few short runs."""
    from dataclasses import replace

    pool = recipe.examples["pool"] | {"runs": 6, "length": 4, "keep": 2, "stills": 0.5}
    pool["noise"] = {"share": 0.5, "sigma": [0.5, 5]}
    return replace(recipe, batch=6, examples=recipe.examples | {"pool": pool})


def few_shakes(recipe: Any) -> Any:
    """A deblurring recipe that opens quickly, for a clip of four frames."""
    from dataclasses import replace

    shutter = recipe.examples["shutter"] | {"windows": [2]}
    return replace(recipe, batch=4, examples=recipe.examples | {"shakes": 4, "shutter": shutter})


@pytest.fixture(scope="module")
def pool(folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    sys.path.insert(0, str(ROOT))
    from models.train.codec_pool import make
    from models.train.recipe import Recipe

    out = tmp_path_factory.mktemp("pool")
    make(small(Recipe.read(RECIPES / "deartifact_fast.yaml")).examples["pool"], folders, out)
    sys.path.remove(str(ROOT))
    return out


def batch(recipe: Any, data: list[Path], step: int) -> tuple[Any, Any]:
    from models.train.tasks import batch_of, task_of

    return batch_of(recipe, task_of(recipe).examples(recipe, data), step)


def test_every_recipe_names_a_task_and_a_step_has_the_same_examples_each_time(folders: list[Path], pool: Path) -> None:
    from models.train.recipe import Recipe
    from models.train.tasks import task_of

    for file in sorted(RECIPES.glob("*.yaml")):
        recipe = Recipe.read(file)
        data = [folders[0]]
        if recipe.task == "deartifact":
            recipe, data = small(recipe), [folders[0], pool]
        elif recipe.task == "deblur":
            recipe, data = few_shakes(recipe), folders
        first, again, other = (batch(recipe, data, step) for step in (5, 5, 6))
        assert first[0].shape[1] == task_of(recipe).maps
        assert torch.equal(first[0], again[0])
        assert torch.equal(first[1], again[1])
        assert not torch.equal(first[0], other[0])


def test_the_examples_of_the_denoisers_are_those_that_their_weights_were_trained_on() -> None:
    from models.train.noise import example
    from models.train.recipe import Recipe
    from models.train.tasks import batch_of

    def clean(random: np.random.Generator) -> np.ndarray:
        random.choice(3, p=[0.5, 0.25, 0.25])
        return random.random((128, 128, 3)).astype(np.float32)

    recipe = Recipe.read(RECIPES / "denoise_fast.yaml")
    maps, _ = batch_of(recipe, lambda random: example(clean(random), random, recipe.examples), 7)
    # Of the code before there were tasks.
    assert float(maps.double().sum()) == pytest.approx(516298.3240110198, rel=1e-6)


def test_what_is_wanted_added_to_what_is_seen_is_the_source_and_clean_pictures_want_nothing(
    folders: list[Path], pool: Path
) -> None:
    from dataclasses import replace

    from models.train.recipe import Recipe

    whole = small(Recipe.read(RECIPES / "deartifact_fast.yaml"))
    for kind in whole.examples["kinds"]:
        settings = whole.examples | {"kinds": {kind: 1.0}, "unknown": 0.0, "astray": 0.0, "grey": 0.0}
        maps, wanted = batch(replace(whole, examples=settings), [folders[0], pool], 1)
        assert maps.shape == (6, 5, 128, 128)
        assert wanted.shape == (6, 3, 128, 128)
        source = maps[:, :3] + wanted
        assert bool(torch.isfinite(source).all())
        assert float(source[:, 0].min()) > -0.1
        assert float(source[:, 0].max()) < 1.1
        if kind == "clean":
            assert float(wanted.abs().max()) == 0
            assert float(maps[:, 3:].abs().max()) == 0
        else:
            assert float(maps[:, 3:].min()) > 0
            assert float(wanted[:, 0].std()) > 0.001


def test_a_sharp_picture_wants_nothing_whatever_its_noise_and_a_blurred_one_its_own_light(folders: list[Path]) -> None:
    from dataclasses import replace

    from models.train.recipe import Recipe

    whole = few_shakes(Recipe.read(RECIPES / "deblur_fast.yaml"))
    for kind in whole.examples["kinds"]:
        noise = whole.examples["noise"] | {"share": 1.0}
        settings = whole.examples | {"kinds": {kind: 1.0}, "noise": noise, "small": 1.0}
        maps, wanted = batch(replace(whole, examples=settings), folders, 1)
        assert maps.shape[1] == 6
        assert bool(torch.isfinite(maps).all())
        assert float(maps[:, 3:].min()) > 0
        if kind == "sharp":
            assert float(wanted.abs().max()) == 0
        else:
            assert float(wanted.std()) > 0.001
            assert abs(float(wanted.mean())) < 0.3 * float(wanted.std())  # blur moves light, and takes none


def test_light_moves_along_the_flow_while_a_shutter_is_open(folders: list[Path]) -> None:
    """The clip pans by 3 px a frame, 1.5 of them when reduced: two frames long, a line of 3 px."""
    from models.train.shutter import Shuttered

    from wetgate.ops.blur import convolve, motion

    sharp, long = Shuttered([folders[1]], [2], 2).pair(0)
    middle = (slice(40, 160), slice(40, 200))
    line = convolve(sharp, motion(3, 0))
    assert np.abs(long - line)[middle].mean() < 0.35 * np.abs(long - sharp)[middle].mean()


def test_noise_in_a_source_is_the_source_s_own_and_not_to_be_found(folders: list[Path], pool: Path) -> None:
    from dataclasses import replace

    from models.train.recipe import Recipe

    whole = small(Recipe.read(RECIPES / "deartifact_fast.yaml"))
    energy = []
    for sigma in (0.0, 6.0):
        settings = whole.examples | {"kinds": {"clean": 1.0}, "noise": {"share": 1.0, "sigma": [sigma, sigma]}}
        maps, wanted = batch(replace(whole, examples=settings), [folders[0], pool], 1)
        assert float(wanted.abs().max()) == 0
        energy.append(float((maps[:, 0, :, 1:] - maps[:, 0, :, :-1]).square().mean()) * 255**2)
    assert energy[1] - energy[0] > 2 * 0.4 * 6.0**2  # two samples a step, noise of 0.7 sigma and more in luma


def test_a_pool_is_the_same_when_made_again_and_refused_with_other_settings(
    folders: list[Path], pool: Path, tmp_path: Path
) -> None:
    from models.train.codec_pool import Pool, make
    from models.train.recipe import Recipe

    settings = small(Recipe.read(RECIPES / "deartifact_fast.yaml")).examples["pool"]
    assert make(settings, folders, tmp_path) == 12
    for name in ("source", "coded", "steps"):
        assert np.array_equal(np.load(tmp_path / f"{name}.npy"), np.load(pool / f"{name}.npy"))
    with pytest.raises(ValueError, match="other settings"):
        Pool(tmp_path, settings | {"seed": 99})


def test_a_pool_holds_steps_that_explain_the_damage(pool: Path) -> None:
    """An even quantiser of a step leaves at most step^2 / 12 of error in a sample, and codecs skip what they may."""
    source, coded = (np.load(pool / f"{name}.npy")[:, 0].astype(np.float64) for name in ("source", "coded"))
    steps = np.load(pool / "steps.npy")[:, 0].astype(np.float64).mean(axis=(1, 2)) * 219
    deviation = np.sqrt(np.mean((source - coded) ** 2, axis=(1, 2)))
    assert (steps > 1).all()
    assert (deviation < 1.2 * steps).all()
    assert np.corrcoef(np.log(steps), np.log(deviation))[0, 1] > 0.5


def test_an_unknown_task_and_a_missing_pool_are_said(folders: list[Path]) -> None:
    from dataclasses import replace

    from models.train.recipe import Recipe
    from models.train.tasks import task_of

    recipe = Recipe.read(RECIPES / "deartifact_fast.yaml")
    with pytest.raises(ValueError, match="deartifact, deblur, denoise"):
        task_of(replace(recipe, task="dearticaft"))
    with pytest.raises(ValueError, match="pool"):
        task_of(recipe).examples(recipe, [folders[0]])


@pytest.mark.parametrize("name", ["plain_unet", "gated_unet"])
def test_a_deeper_network_that_begins_with_the_weights_of_another_does_what_that_one_does(name: str) -> None:
    from models.archs import build

    torch.manual_seed(1)
    shallow, deep = (build(name, {"in_channels": 6, "width": 8, "blocks": [1, b], "middle": b}) for b in (1, 3))
    torch.nn.init.normal_(shallow.tail.weight, std=0.1)
    deep.begin_with(shallow.state_dict())
    maps = torch.rand(1, 6, 32, 32)
    with torch.inference_mode():
        assert torch.equal(deep(maps), shallow(maps))
        assert float(deep(maps).abs().mean()) > 0
    with pytest.raises(ValueError, match=r"0 missing and \d+ left, such as down\.1\.1\."):
        shallow.begin_with(deep.state_dict())
    with pytest.raises(ValueError, match=r"1 missing and 0 left, such as head\.bias"):
        deep.begin_with({name: w for name, w in shallow.state_dict().items() if name != "head.bias"})


def test_a_network_by_detail_sees_a_weak_edge_through_the_light_that_it_lies_on() -> None:
    from models.archs import build

    network = build("plain_by_detail", {"in_channels": 6, "width": 8, "blocks": [1, 1], "middle": 1})
    maps = torch.full((1, 6, 32, 32), 0.8)
    maps[:, :3, :, 16:] += 0.004
    seen = network.seen(maps)
    assert float(seen[0, 0, 8:24, 8:24].std()) > 0.004
    assert float(seen[0, 0, 8:24, 4:10].abs().max()) < 1e-4
    with pytest.raises(ValueError, match="6 maps"):
        build("plain_by_detail", {"in_channels": 5})


@pytest.mark.parametrize("name", ["plain_by_step", "gated_by_step"])
def test_a_network_by_step_leaves_what_was_not_quantised_as_it_is_and_does_more_where_it_was_coarse(name: str) -> None:
    from models.archs import build

    torch.manual_seed(1)
    network = build(name, {"in_channels": 5, "width": 8, "blocks": [1, 1], "middle": 1})
    torch.nn.init.normal_(network.tail.weight, std=0.1)
    maps = torch.rand(1, 5, 32, 32)
    strength = []
    for root in (0.0, 0.1, 0.5, -0.25):
        maps[:, 3:] = root
        with torch.inference_mode():
            strength.append(float(network(maps).abs().mean()))
    assert strength[0] == 0
    assert 0 < strength[1] < strength[2]
    assert strength[3] > 0
