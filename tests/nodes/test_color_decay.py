"""Color Decay puts back what a spectral fade took, and leaves alone what has not faded."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from support.reels import Reel
from wetgate import damage
from wetgate.color import fade_prior
from wetgate.color.density import density_from_linear, linear_from_density
from wetgate.color.difference import delta_e_2000, xyz_to_lab
from wetgate.color.fade_solver import Anchor, solve
from wetgate.color.film_dyes import set_matrix
from wetgate.color.primaries import rgb_to_xyz
from wetgate.engine.direct import run_node
from wetgate.ops import fade_reel, fade_trust
from wetgate.ops.random import Stream
from wetgate.spec import DENSITY, Context, Frame, UsageError, Window, registry
from wetgate.spec.window import Result

NODE = "color_decay"
LINE = 8


def scene(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """Densities of a scene's kind: a tilted light over patches of many greys and a few colours, from white to black."""
    random = np.random.default_rng(seed)
    patches = random.gamma(2.5, 0.3, (8, 8, 1)) + random.normal(0, 0.13, (8, 8, 3)) * (random.random((8, 8, 1)) < 0.5)
    density = np.kron(patches, np.ones((height // 8, width // 8, 1)))
    density += 0.3 * np.linspace(-1, 1, width)[None, :, None] * random.uniform(-1, 1)
    density += random.normal(0, 0.03, (height, width, 1))
    density[:4, :4], density[-4:, -4:] = 0.01, 2.6
    return np.clip(density, 0, 2.8).astype(np.float32)


def with_borders(density: np.ndarray) -> np.ndarray:
    """Between frame lines of the print's black, and clear film left and right."""
    height, width = density.shape[:2]
    film = np.full((height + 2 * LINE, width + 2 * LINE, 3), 3.2, np.float32)
    film[:, :LINE] = film[:, -LINE:] = 0
    film[LINE:-LINE, LINE:-LINE] = density
    return film


def faded(density: np.ndarray, **params: object) -> np.ndarray:
    """Through the damage model, which is spectral; the node's matrices are not."""
    frame = Frame(density, DENSITY, number=1)
    (out,) = damage.get("fade").run([frame], Stream.of(1, "fade"), {"stock": "5384"} | params)
    return out.frame.rgb


def frames(pictures: list[np.ndarray]) -> list[Frame]:
    return [Frame(p, DENSITY, number=1001 + i) for i, p in enumerate(pictures)]


def worked(pictures: list[np.ndarray], views: frozenset[str] = frozenset(), **params: object) -> list[Result]:
    node, reel = registry.get(NODE).make(params), Reel(pictures)
    context = Context(analysis=node.analyze(reel, Context()), views=views)
    return [node.render(Window((f,)), context) for f in reel]


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean CIEDE2000 of two pictures of densities over Rec.709."""
    matrix = rgb_to_xyz("rec709")
    lab = [
        xyz_to_lab(np.clip(linear_from_density(p.astype(np.float64)), 0, 1) @ matrix.T, matrix.sum(axis=1)).reshape(
            -1, 3
        )
        for p in (a, b)
    ]
    return float(delta_e_2000(*lab).mean())


@pytest.mark.parametrize(("kind", "amount"), [("dark", 0.4), ("dark", 0.75), ("light", 0.6)])
def test_a_faded_reel_with_its_borders_comes_back(kind, amount):
    truths = [scene(seed) for seed in range(8)]
    seen = [faded(with_borders(t), kind=kind, amount=amount, stain=0.1) for t in truths]
    inner = (slice(LINE, -LINE), slice(LINE, -LINE))
    made = [r.frame.rgb[inner] for r in worked(seen)]
    before = np.mean([difference(s[inner], t) for s, t in zip(seen, truths, strict=True)])
    after = np.mean([difference(m, t) for m, t in zip(made, truths, strict=True)])
    assert after < 0.35 * before, f"{before:.2f} to {after:.2f}"


def test_an_unfaded_reel_stays_as_it_is():
    pictures = [scene(seed) for seed in range(6)]
    for picture, result in zip(pictures, worked(pictures), strict=True):
        assert difference(result.frame.rgb, picture) < 1.0


def test_the_borders_are_seen_and_said():
    seen = [faded(with_borders(scene(seed)), amount=0.6, stain=0.1) for seed in range(3)]
    analysis = registry.get(NODE).make({}).analyze(Reel(seen), Context())
    sides = {(b["side"], b["kind"]) for b in analysis["gathered"]["borders"]}
    assert sides == {("top", "black"), ("bottom", "black"), ("left", "base"), ("right", "base")}
    assert analysis["reel"]["base"] is True
    assert analysis["reel"]["stain"] == pytest.approx(seen[0][50, LINE // 2].tolist(), abs=0.01)


def test_an_uneven_fade_is_followed():
    truths = [scene(seed) for seed in range(6)]
    seen = [faded(with_borders(t), amount=0.6, stain=0.1, edges=1.5) for t in truths]
    inner = (slice(LINE, -LINE), slice(LINE, -LINE))

    def left(uneven: float) -> float:
        made = [r.frame.rgb[inner] for r in worked(seen, uneven=uneven)]
        return float(np.mean([difference(m, t) for m, t in zip(made, truths, strict=True)]))

    assert left(1.0) < 0.9 * left(0.0)


def test_places_that_are_pointed_at_are_met():
    picture = scene(1)
    picture[40:52, 40:56] = 0.75  # grey
    picture[4:16, 60:76] = 0.0  # clear film
    seen = faded(picture, amount=0.5, stain=0.1)
    grey, clear = (48 / 128, 46 / 96), (68 / 128, 10 / 96)
    (result,) = worked([seen], neutral_at=grey, base_at=clear, cautious=False)
    restored = result.frame.rgb[46, 48]
    assert np.ptp(restored) < 2e-3  # the tolerance of the solver, and the statistics' rounding to 1e-4
    np.testing.assert_allclose(result.frame.rgb[10, 68], 0, atol=2e-3)


def test_frame_lines_of_an_unevenly_faded_print_are_seen():
    seen = [faded(with_borders(scene(seed)), amount=0.5, stain=0.1, edges=1.5) for seed in range(4)]
    noise = np.random.default_rng(7).normal(0, 5e-4, seen[0].shape)  # of light, as a scanner has it
    seen = [density_from_linear(linear_from_density(s) + noise).astype(np.float32) for s in seen]
    found = registry.get(NODE).make({}).analyze(Reel(seen), Context())["gathered"]["borders"]
    assert {b["side"]: b["kind"] for b in found} == {"top": "black", "bottom": "black", "left": "base", "right": "base"}


def test_a_reference_still_of_another_size_and_crop_says_the_fade():
    truth = scene(3, 192, 256)
    seen = faded(truth, amount=0.6, stain=0.1)
    other = cv2.resize(truth[12:-8, 20:-10], (320, 240), interpolation=cv2.INTER_LINEAR)
    node, reel = registry.get(NODE).make({}), Reel([seen])
    still = Frame(other, DENSITY, number=1)
    analysis = node.analyze(reel, Context(reference=still))
    made = node.render(Window((reel[1001],)), Context(analysis=analysis)).frame.rgb
    assert difference(made, truth) < 0.2 * difference(seen, truth)
    assert analysis["gathered"]["likeness"]["agreement"] > 0.8
    again = node.pool([json.loads(json.dumps(analysis))])[0]
    assert again["reel"]["vector"] == pytest.approx(analysis["reel"]["vector"], abs=0.02)


def test_a_reference_of_another_picture_is_refused():
    node = registry.get(NODE).make({})
    still = Frame(scene(9, 192, 256), DENSITY, number=1)
    with pytest.raises(UsageError, match=r"does not show frame 1001.*give a still of that frame"):
        node.analyze(Reel([faded(scene(3, 192, 256))]), Context(reference=still))


def test_what_cannot_be_met_together_is_told():
    picture = scene(1)
    picture[40:52, 40:56] = (0.3, 1.2, 0.3)
    node = registry.get(NODE).make(
        {"neutral_at": (48 / 128, 46 / 96), "skin_at": (48 / 128, 46 / 96), "base_at": (0.9, 0.9)}
    )
    analysis = node.analyze(Reel([picture]), Context())
    misses = {a["kind"]: a["misses"] for a in analysis["reel"]["anchors"]}
    assert set(misses) == {"base", "neutral", "skin"}
    assert max(misses.values()) > 1e-3


def test_losses_by_hand_are_turned_round():
    truth = scene(2)
    seen = faded(truth, cyan=0.5, magenta=0.1, yellow=0.3, scanner="narrow")
    made = run_node(
        registry.get(NODE), frames([seen]), method="hand", loss=(0.5, 0.1, 0.3), dyes="eastman_1981", scanner="narrow"
    )[0]
    assert difference(made.rgb, truth) < 0.05 * difference(seen, truth)


def test_a_negative_is_worked_as_a_negative():
    truth = scene(2)
    seen = faded(truth, cyan=0.4, yellow=0.2, stock="5219", scanner="narrow")
    made = run_node(
        registry.get(NODE), frames([seen]), method="hand", loss=(0.4, 0.0, 0.2), film="negative", scanner="narrow"
    )[0]
    assert difference(made.rgb, truth) < 0.25 * difference(seen, truth)


def test_shots_analysed_apart_are_pooled_as_if_together():
    seen = [faded(scene(seed), amount=0.6, stain=0.1) for seed in range(4)]
    node = registry.get(NODE).make({})
    whole = node.analyze(Reel(seen), Context())
    parts = [json.loads(json.dumps(node.analyze(Reel([s]), Context()))) for s in seen]
    pooled = node.pool(parts)
    assert len(pooled) == 4
    for part in pooled:
        assert part["reel"]["vector"] == pytest.approx(whole["reel"]["vector"], abs=0.02)  # statistics have 4 digits
        assert len(part["shots"]) == 1
    assert node.pool(pooled) == pooled


def test_light_beyond_the_base_and_below_black_is_kept():
    light = np.array([[[40.0, 30.0, 50.0], [1.5, 1.5, 1.5], [0.0, 0.0, 0.0], [-0.01, -0.02, -0.003]]], np.float32)
    frame = Frame(density_from_linear(light), DENSITY, number=1)
    made = linear_from_density(run_node(registry.get(NODE), [frame], method="dark", amount=0.6)[0].rgb)
    np.testing.assert_allclose(made[0, :2], light[0, :2], rtol=1e-4)
    # Light that black lacks is lacking afterwards, from a black that is deeper by the dye put back.
    np.testing.assert_allclose(made[0, 3] - made[0, 2], light[0, 3] - light[0, 2], atol=1e-6)


def test_lost_colours_are_shown():
    seen = faded(scene(3), cyan=0.97, magenta=0.1)
    (result,) = worked([seen], frozenset({"confidence", "recovered"}), cautious=False, gain_limit=40.0)
    mild = worked([faded(scene(3), cyan=0.3)], frozenset({"confidence"}), cautious=False)[0]
    assert result.aovs["confidence"].mean() < 0.6 * mild.aovs["confidence"].mean()


def test_without_an_analysis_it_is_the_input():
    node = registry.get(NODE).make({})
    frame = frames([scene(1)])[0]
    result = node.render(Window((frame,)), Context())
    np.testing.assert_allclose(result.frame.rgb, frame.rgb, atol=1e-6)
    assert "no analysis" in result.facts["fade"]


def test_an_analysis_of_a_version_that_looked_at_other_things_is_refused():
    node = registry.get(NODE).make({})
    document = json.loads(json.dumps(node.analyze(Reel([scene(1)]), Context())))
    document["gathered"]["shots"][0]["statistics"].pop()
    with pytest.raises(UsageError, match=r"statistics of a shot.*analyse the shot again"):
        node.pool([document])


def test_a_picture_over_which_the_networks_are_at_odds_is_held_back(monkeypatch):
    """Their shares of the change, within which a picture by itself is trusted, are the solver's own."""
    seen = [faded(scene(5), amount=0.6, stain=0.1)]
    node = registry.get(NODE).make({})
    monkeypatch.setattr(fade_trust, "disagreement", lambda *_: 0.0)
    agreed = node.analyze(Reel(seen), Context())["reel"]["trust"]
    monkeypatch.setattr(fade_trust, "disagreement", lambda *_: 1.0)
    assert node.analyze(Reel(seen), Context())["reel"]["trust"] == 0.0 < agreed


def test_unevenness_is_not_read_from_pictures_alone():
    seen = [faded(scene(seed), amount=0.6, edges=1.5) for seed in range(4)]
    shots = registry.get(NODE).make({}).analyze(Reel(seen), Context())["shots"]
    assert not np.any([s["field"] for s in shots])


def test_no_shot_gets_more_of_the_fade_than_its_reel():
    seen = [faded(scene(seed), amount=0.6, stain=0.1) for seed in range(6)]
    found = registry.get(NODE).make({}).analyze(Reel(seen), Context())
    shares = [s["trust"] for s in found["shots"]]
    assert len(shares) == len(seen)
    assert 0 < max(shares) <= found["reel"]["trust"]


def test_an_analysis_of_before_shots_had_shares_of_their_own_is_used_as_it_was():
    seen = [faded(scene(seed), amount=0.6, stain=0.1) for seed in range(6)]
    node = registry.get(NODE).make({})
    document = json.loads(json.dumps(node.analyze(Reel(seen), Context())))
    for shot in document["shots"]:
        del shot["trust"]
    document["reel"]["trust"] = 0.5
    (frame,) = frames(seen[:1])
    got = node.render(Window((frame,)), Context(analysis=document))
    assert got.facts["trust"] == 0.5


def test_a_wall_along_one_side_of_a_picture_is_no_clear_film():
    picture = scene(2)
    picture[:, :9] = 0.02
    node = registry.get(NODE).make({})
    assert node.analyze(Reel([picture]), Context())["gathered"]["borders"] == []
    picture[:, -9:] = 0.02
    both = node.analyze(Reel([picture]), Context())["gathered"]["borders"]
    assert {(b["side"], b["kind"]) for b in both} == {("left", "base"), ("right", "base")}


def test_one_border_is_believed_where_several_shots_have_it():
    pictures = [scene(seed) for seed in range(4)]
    for picture in pictures:
        picture[:, :9] = 0.02
    found = registry.get(NODE).make({}).analyze(Reel(pictures), Context())["gathered"]["borders"]
    assert [(b["side"], b["kind"]) for b in found] == [("left", "base")]


def test_a_fade_in_which_a_dye_would_have_grown_is_not_used(monkeypatch):
    seen = [faded(scene(seed), amount=0.6, stain=0.1) for seed in range(8)]
    node = registry.get(NODE).make({})
    assert node.analyze(Reel(seen), Context())["reel"]["trust"] > 0
    told = fade_reel.believed

    def grown(*known: object) -> object:
        belief = told(*known)
        return replace(belief, mean=belief.mean - np.array([0, 2.0, 0, *[0] * 6]))

    monkeypatch.setattr(fade_reel, "believed", grown)
    assert node.analyze(Reel(seen), Context())["reel"]["trust"] == 0


def test_what_is_held_back_says_why_and_which_control_changes_that(monkeypatch):
    seen = [faded(scene(5), amount=0.6, stain=0.1)]
    node = registry.get(NODE).make({})
    monkeypatch.setattr(fade_trust, "disagreement", lambda *_: 1.0)
    found = node.analyze(Reel(seen), Context())
    for lock in (True, False):
        said = registry.get(NODE).make({"reel_lock": lock}).summary(found)
        assert "nothing is done, since networks that learnt from different photographs are at odds" in said
        assert "cautious=false" in said
    assert "since" not in registry.get(NODE).make({"cautious": False}).summary(found)
    for older in (found["reel"], *(shot["own"] for shot in found["shots"])):
        del older["held"]
    assert "nothing is done: " in node.summary(found)


def test_an_error_as_large_as_the_change_is_told_in_figures():
    flat = faded(np.full((64, 64, 3), (0.3, 0.9, 1.0), np.float32), amount=0.1)
    node = registry.get(NODE).make({})
    found = node.analyze(Reel([flat]), Context())
    reel = found["reel"]
    assert reel["trust"] == 0
    wanted = f"dE {reel['expected_error']:.1f}, is large against what it changes, dE {reel['change']:.1f}"
    assert wanted in node.summary(found)


def test_clear_film_that_was_sampled_moves_the_base_and_no_gain():
    """The networks were given it: an update by the coarse covariance of their errors would count it twice."""
    random = np.random.default_rng(4)
    base = np.array([0.02, 0.05, 0.3])
    belief = fade_prior.believed(random.normal(0, 0.5, fade_prior.STATISTICS), "negative", True, base)
    matrix = set_matrix("negatives", "broad")
    clear = Anchor("base", (matrix @ base)[None], np.zeros((1, 3)))
    solved = solve(belief, matrix, [clear]).fade.vector()
    assert solved[6:] == pytest.approx(base, abs=1e-3)
    assert solved[:6] == pytest.approx(solve(belief, matrix, []).fade.vector()[:6], abs=1e-3)


@pytest.mark.parametrize("film", ["positive", "negative"])
def test_what_is_not_restored_is_the_input_bit_for_bit(monkeypatch, film):
    monkeypatch.setattr(fade_trust, "disagreement", lambda *_: 1.0)
    picture = faded(scene(5), amount=0.6, stain=0.1)
    assert np.array_equal(worked([picture], film=film)[0].frame.rgb, picture)
    assert not np.array_equal(worked([picture], film=film, lights=(1.0, 0.0, 0.0))[0].frame.rgb, picture)
