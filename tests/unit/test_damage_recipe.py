"""Recipes: parsing, records, spaces, seeds, and the shipped ones on a small picture."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wetgate.color.curves import srgb_decode, srgb_encode
from wetgate.color.density import density_from_linear, linear_from_density
from wetgate.color.primaries import apply_matrix, rgb_to_rgb
from wetgate.damage import Recipe, apply, recipes
from wetgate.spec import DENSITY, DISPLAY, SCENE, VIDEO, Frame, UsageError


def convert(frame: Frame, space: str) -> Frame:
    """Hops between the working spaces and sRGB ("srgb"), enough for a test; the engine's are OpenColorIO's."""
    rgb = frame.rgb
    if frame.space == DENSITY:
        rgb = linear_from_density(rgb)
    elif frame.space in (VIDEO, "srgb"):
        rgb = srgb_decode(rgb)
    elif frame.space == DISPLAY:
        rgb = apply_matrix(rgb_to_rgb("rec2020", "rec709"), rgb) / 100
    if space == DENSITY:
        rgb = density_from_linear(rgb)
    elif space in (VIDEO, "srgb"):
        rgb = srgb_encode(rgb)
    elif space == DISPLAY:
        rgb = apply_matrix(rgb_to_rgb("rec709", "rec2020"), rgb) * 100
    return frame.with_rgb(rgb.astype(np.float32)).with_(space=space)


def frames(count: int = 3, size: tuple[int, int] = (48, 64)) -> list[Frame]:
    rng = np.random.default_rng(1)
    return [Frame(rng.random((*size, 3)).astype(np.float32), "srgb", number=1001 + n) for n in range(count)]


def pixels(recipe: Recipe, source: list[Frame], seed: int = 3) -> list[np.ndarray]:
    return [f.pixels for f in recipe.apply(source, seed, convert)]


def test_a_step_is_parsed_with_its_parameters():
    recipe = Recipe.parse("fade:cyan=0.5,stain=0.1,stock=2383", "grain")
    assert [s.name for s in recipe.steps] == ["fade", "grain"]
    assert recipe.steps[0].params["cyan"] == 0.5
    assert recipe.steps[0].params["stock"] == "2383"
    assert recipe.steps[0].params["magenta"] == 0.0


def test_a_model_may_come_twice_with_numbers_of_its_own():
    recipe = Recipe.parse("dust:polarity=dark", "dust:polarity=dark")
    assert [s.name for s in recipe.steps] == ["dust", "dust.2"]
    truth = next(recipe.apply_with_truth(frames(1), 3, convert)).truth
    assert not np.array_equal(truth["dust"]["mask"], truth["dust.2"]["mask"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("grian", "did you mean 'grain'"),
        ("fade:cian=0.5", "did you mean 'cyan'"),
        ("fade:cyan=2", "allowed: a number from 0 to 0.98"),
        ("fade:cyan=abc", "'abc'"),
        ("fade:0.5", "no parameter"),
        ("archive-flim", "did you mean 'archive-film'"),
        ("archive-film:grain.rsm=3", "did you mean 'rms'"),
        ("archive-film:gran.rms=3", "did you mean 'grain.rms'"),
        ("nowhere.yaml", "no recipe file"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(text, message):
    with pytest.raises(UsageError, match=message):
        Recipe.parse(text)


def test_all_mistakes_of_a_chain_come_at_once():
    with pytest.raises(UsageError) as caught:
        Recipe.parse("grian", "fade:cyan=2,stian=1")
    for word in ("grain", "0.98", "stain"):
        assert word in str(caught.value)


def test_a_shipped_recipe_can_be_changed_in_place():
    recipe = Recipe.parse("archive-film:grain.rms=3,fade.amount=0.2")
    by_name = {s.name: s for s in recipe.steps}
    assert by_name["grain"].params["rms"] == 3
    assert by_name["fade"].params["amount"] == 0.2
    assert recipe.name == "archive-film"
    assert recipes()["archive-film"].steps[1].params["rms"] != 3


def test_a_record_makes_the_recipe_again_through_json():
    recipe = Recipe.parse("archive-film", "jpeg:quality=30")
    again = Recipe.from_record(json.loads(json.dumps(recipe.record())))
    assert again == recipe
    for a, b in zip(pixels(recipe, frames(2)), pixels(again, frames(2)), strict=True):
        assert np.array_equal(a, b)


def test_a_record_of_another_version_is_refused():
    record = Recipe.parse("grain").record()
    record["steps"][0]["version"] = 9
    with pytest.raises(UsageError, match="version 1, recorded was 9"):
        Recipe.from_record(record)


def test_a_recipe_file_is_read_and_its_mistakes_are_placed(tmp_path):
    good = tmp_path / "mine.yaml"
    good.write_text("name: mine\nsteps:\n  - grain\n  - fade: {amount: 0.3}\n")
    assert [s.name for s in Recipe.parse(str(good)).steps] == ["grain", "fade"]
    bad = tmp_path / "bad.yaml"
    bad.write_text("steps:\n  - grain: {rms: 500}\n")
    with pytest.raises(UsageError, match=r"0\.5 to 60"):
        Recipe.parse(str(bad))
    bad.write_text("steps: [1, 2\n")
    with pytest.raises(UsageError, match="not YAML"):
        Recipe.parse(str(bad))


def test_frames_come_back_in_their_own_space_and_steps_that_do_nothing_change_no_bit():
    source = frames()
    for before, after in zip(source, Recipe.parse("fade", "grain:amount=0").apply(source, 1, convert), strict=True):
        assert after is before
    out = list(Recipe.parse("fade:amount=0.3", "jpeg").apply(source, 1, convert))
    assert [f.space for f in out] == ["srgb"] * 3
    assert [f.number for f in out] == [1001, 1002, 1003]


def test_a_seed_decides_all_and_a_step_before_does_not_reseed_the_next():
    same = pixels(Recipe.parse("grain", "dust"), frames())
    assert all(np.array_equal(a, b) for a, b in zip(same, pixels(Recipe.parse("grain", "dust"), frames()), strict=True))
    other = pixels(Recipe.parse("grain", "dust"), frames(), seed=4)
    assert not any(np.array_equal(a, b) for a, b in zip(same, other, strict=True))
    alone = [d.truth["dust"]["mask"] for d in Recipe.parse("dust").apply_with_truth(frames(), 3, convert)]
    after = [d.truth["dust"]["mask"] for d in Recipe.parse("grain", "dust").apply_with_truth(frames(), 3, convert)]
    assert all(np.array_equal(a, b) for a, b in zip(alone, after, strict=True))


@pytest.mark.parametrize("text", ["archive-film", "home-video", "web-video", "broadcast-tape"])
def test_a_shipped_recipe_damages_a_picture_but_leaves_it_recognisable(text):
    yy, xx = np.mgrid[:96, :160]
    base = np.stack([0.3 + 0.4 * xx / 160, 0.5 + 0.3 * np.sin(yy / 9), 0.6 - 0.3 * yy / 96], -1).astype(np.float32)
    source = [Frame(base.copy(), "srgb", number=1001 + n) for n in range(3)]
    recipe = Recipe.parse(text)
    assert recipe.about.endswith(".")
    for before, after in zip(source, recipe.apply(source, 1, convert), strict=True):
        change = np.abs(after.rgb - before.rgb)
        assert 0.002 < change.mean() < 0.2
        luma = [f.rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32) for f in (before, after)]
        assert np.corrcoef(luma[0].ravel(), luma[1].ravel())[0, 1] > 0.8


def test_frames_stream_through_a_recipe_without_codecs_one_by_one():
    taken = []

    def source():
        for frame in frames(6):
            taken.append(frame.number)
            yield frame

    flow = Recipe.parse("archive-film").apply(source(), 1, convert)
    next(flow)
    assert len(taken) == 1


def test_no_frames_give_no_frames():
    assert list(Recipe.parse("web-video").apply([], 1, convert)) == []
    assert SCENE not in [f.space for f in Recipe.parse("clip").apply(frames(1), 1, convert)]


def test_a_model_by_name_gives_what_the_recipe_of_it_gives():
    frame = Frame(np.random.default_rng(1).random((20, 30, 3)).astype(np.float32), SCENE, number=7)
    (alone,) = apply("dust", frame, seed=3, specks=50.0)
    (chained,) = Recipe.parse("dust:specks=50").apply([frame], 3, convert)
    assert np.array_equal(alone.frame.pixels, chained.pixels)
    with pytest.raises(UsageError, match="did you mean 'specks'"):
        next(apply("dust", frame, speks=50.0))
