"""The contract tests fail where a node breaks the contract: each check is shown one node that breaks it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support import contract
from support.cases import Cases
from support.sample_nodes import declared
from wetgate.spec import Context, Frame, FrameError, Result, Window

CASES = Cases("ACEScg", settings={"amount": {"tint": "warm"}})
Render = Callable[[Any, Window, Context], Result]


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
def test_a_sound_node_passes_every_check(check):
    with declared() as node:
        check(node, CASES)


def _gained(self: Any, frames: Window, ctx: Context) -> Frame:
    """What the sound node does, without its window."""
    centre = frames[0]
    out = centre.rgb * np.float32(1 + self.strength * (self.gain - 1))
    return centre.with_rgb(out)


def _result(frame: Frame, ctx: Context) -> Result:
    return Result(frame, {"mask": np.zeros(frame.pixels.shape[:2], np.float32)} if "mask" in ctx.views else {})


_counter = itertools.count()


def not_finite(self, frames, ctx):
    made = _gained(self, frames, ctx)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _result(made.with_rgb(made.rgb / np.float32(self.gain)), ctx)


def writes_to_its_input(self, frames, ctx):
    pixels = frames[0].pixels
    if pixels.flags.writeable:
        pixels *= np.float32(2)
    return _result(_gained(self, frames, ctx), ctx)


def writes_to_an_extra_channel(self, frames, ctx):
    for plane in frames[0].extra.values():
        plane[...] = 0
    return _result(_gained(self, frames, ctx), ctx)


def loses_alpha(self, frames, ctx):
    made = _gained(self, frames, ctx)
    if made.alpha is None:
        return _result(made, ctx)
    pixels = made.pixels.copy()
    pixels[..., 3] = 1
    return _result(replace(made, pixels=pixels), ctx)


def loses_metadata(self, frames, ctx):
    return _result(replace(_gained(self, frames, ctx), metadata={}), ctx)


def loses_the_data_window(self, frames, ctx):
    return _result(replace(_gained(self, frames, ctx), data_window=None, display_window=None), ctx)


def loses_extra_channels(self, frames, ctx):
    return _result(replace(_gained(self, frames, ctx), extra={}), ctx)


def logs_negative_light(self, frames, ctx):
    made = _gained(self, frames, ctx)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _result(made.with_rgb(np.exp2(np.log2(made.rgb))), ctx)


def clips_at_one(self, frames, ctx):
    made = _gained(self, frames, ctx)
    return _result(made.with_rgb(np.minimum(made.rgb, np.float32(1))), ctx)


def clips_at_zero(self, frames, ctx):
    made = _gained(self, frames, ctx)
    return _result(made.with_rgb(np.maximum(made.rgb, np.float32(0))), ctx)


def needs_two_rows(self, frames, ctx):
    made = _gained(self, frames, ctx)
    return _result(made.with_rgb(np.stack([made.rgb[i] for i in range(1, made.height)] + [made.rgb[1]])), ctx)


def ignores_tint(self, frames, ctx):
    return _result(_gained(self, frames, ctx), ctx)


def counts_its_calls(self, frames, ctx):
    made = _gained(self, frames, ctx)
    return _result(made.with_rgb(made.rgb + np.float32(next(_counter)) * np.float32(1e-3)), ctx)


def depends_on_threads(self, frames, ctx):
    made = _gained(self, frames, ctx)
    return _result(made.with_rgb(made.rgb * np.float32(1 + 1e-6 * ctx.threads)), ctx)


def blurs_although_pointwise(self, frames, ctx):
    made = _gained(self, frames, ctx)
    return _result(made.with_rgb((made.rgb + np.roll(made.rgb, 1, axis=1)) / np.float32(2)), ctx)


def starts_far_from_the_input(self, frames, ctx):
    made = _gained(self, frames, ctx)
    return _result(made.with_rgb(frames[0].rgb * np.float32(self.gain)), ctx)


def makes_no_view(self, frames, ctx):
    return Result(_gained(self, frames, ctx))


def makes_a_view_of_doubles(self, frames, ctx):
    return Result(_gained(self, frames, ctx), {"mask": np.zeros(frames[0].pixels.shape[:2])})


def changes_when_a_view_is_wanted(self, frames, ctx):
    made = _gained(self, frames, ctx)
    return _result(made.with_rgb(made.rgb + np.float32(len(ctx.views))), ctx)


# Each broken node, the check that must find it, and what it must say.
BROKEN: list[tuple[Render, contract.Check, str]] = [
    (not_finite, contract.renders_at_every_limit, "not numbers"),
    (writes_to_its_input, contract.leaves_its_input_alone, "the input: "),
    (writes_to_an_extra_channel, contract.leaves_its_input_alone, "the input's Z"),
    (loses_alpha, contract.keeps_what_travels_with_the_picture, "alpha: "),
    (loses_metadata, contract.keeps_what_travels_with_the_picture, "'owner' is lost"),
    (loses_the_data_window, contract.keeps_what_travels_with_the_picture, "data_window: "),
    (loses_extra_channels, contract.keeps_what_travels_with_the_picture, "'Z' is lost"),
    (logs_negative_light, contract.bears_every_light, "not numbers"),
    (clips_at_one, contract.clips_no_light, "greys above 1, 1 are left"),
    (clips_at_zero, contract.clips_no_light, "greys below 0, 1 are left"),
    (needs_two_rows, contract.bears_every_size, "sample_gain failed: IndexError"),
    (ignores_tint, contract.every_parameter_changes_the_picture, "nothing that was tried shows tint, amount, steps;"),
    (counts_its_calls, contract.is_the_same_in_any_order_and_company, "pixels: "),
    (depends_on_threads, contract.is_the_same_in_any_order_and_company, "pixels: "),
    (blurs_although_pointwise, contract.is_pointwise_where_it_says_so, "shuffled pixels: "),
    (starts_far_from_the_input, contract.strength_begins_at_nothing, "strength 0.001 changes the mean"),
    (makes_no_view, contract.shows_its_views, "no view mask"),
    (makes_a_view_of_doubles, contract.shows_its_views, "is float64"),
    (changes_when_a_view_is_wanted, contract.shows_its_views, "pixels: "),
]


@pytest.mark.parametrize(("render", "check", "message"), BROKEN, ids=[render.__name__ for render, _, _ in BROKEN])
def test_a_broken_node_is_found(render, check, message):
    with declared(render.__name__, render) as node, pytest.raises((AssertionError, FrameError), match=message):
        check(node, CASES)


def test_a_node_that_remembers_what_it_saw_outside_its_window_is_found():
    seen = [0.0]

    def render(self, frames, ctx):
        made = _gained(self, frames, ctx)
        made = made.with_rgb(made.rgb + np.float32(seen[-1]))
        seen.append(float(frames[0].rgb.mean()))
        return _result(made, ctx)

    with declared("remembering", render) as node, pytest.raises(AssertionError, match="pixels"):
        contract.knows_only_its_window(node, CASES)


def test_a_hint_that_is_used_twice_is_found():
    with declared() as node:
        gain = node.params["gain"]
        twice = replace(node, params=dict(node.params) | {"gain": replace(gain, hint=node.params["strength"].hint)})
        with pytest.raises(AssertionError, match="share a hint"):
            contract.is_documented(twice, CASES)


def test_a_node_that_synthesises_and_does_not_show_it_is_found():
    with declared() as node, pytest.raises(AssertionError, match="synthesis"):
        contract.is_documented(replace(node, synthesises=True), CASES)


def test_a_limit_that_is_not_kept_is_found():
    with declared() as node:
        loose = replace(node.params["gain"], hi=None)
        open_ended = replace(node, params=dict(node.params) | {"gain": loose})
        with pytest.raises(AssertionError):
            contract.refuses_what_is_out_of_range(open_ended, CASES)


def test_a_strength_of_zero_that_changes_the_picture_is_found(monkeypatch):
    real = contract.run_node

    def off_by_a_bit(node, frames, **options):
        made = real(node, frames, **options)
        return [replace(f, pixels=np.nextafter(f.pixels, np.float32(np.inf))) for f in made]

    monkeypatch.setattr(contract, "run_node", off_by_a_bit)
    with declared() as node, pytest.raises(AssertionError, match="pixels"):
        contract.strength_and_mix_zero_are_the_input(node, CASES)


def test_synthesis_in_forensic_mode_is_found(monkeypatch):
    def invented(node, frames, *, aovs, **options):
        aovs[frames[0].number] = {f"{node.id}.synthesis": np.ones((2, 2), np.float32)}
        return list(frames)

    monkeypatch.setattr(contract, "run_node", invented)
    with declared() as node, pytest.raises(AssertionError, match="synthesis up to 1"):
        contract.invents_nothing_when_forensic(replace(node, synthesises=True), CASES)


def test_a_value_that_changes_on_its_way_through_a_graph_is_found(monkeypatch):
    def rounded(data):
        step = data["nodes"][0]
        params = {k: round(v) if isinstance(v, float) else v for k, v in step["params"].items()}
        return contract.__dict__["_real_build"]({**data, "nodes": [{**step, "params": params}]})

    monkeypatch.setattr(contract, "_real_build", contract.build, raising=False)
    with declared() as node:
        halves = replace(CASES, values={"gain": [0.5]})
        monkeypatch.setattr(contract, "build", rounded)
        with pytest.raises(AssertionError, match="changes in a graph"):
            contract.survives_json_and_command_line(node, halves)
