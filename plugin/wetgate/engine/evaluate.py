"""What a graph makes of one frame: a pure function of the frames in its window, the parameters and the analysis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from weakref import proxy

import numpy as np

from wetgate.engine.blending import mixed, shown
from wetgate.engine.colour import Colour
from wetgate.engine.graph import Graph
from wetgate.engine.keeping import Kept
from wetgate.engine.masks import channel
from wetgate.engine.node_work import NodeWork, read_only
from wetgate.engine.pipeline import Timeline
from wetgate.engine.plate import put_back
from wetgate.engine.step import SOURCE, Mask, Step
from wetgate.engine.untouched import Untouched, both, unchanged
from wetgate.spec import Context, Frame, FrameError, Image, Result, Split

SYNTHESIS_VIEW = "synthesis"  # of nodes that tell how far their result is not determined by the input


@dataclass(frozen=True, slots=True)
class Made:
    """A step's output at one frame.

    ``untouched`` marks the pixels that no step has changed so far: True for all of them, an (H, W) map, or False.
    Where the output goes back to the source's own space those pixels are the source's, bit for bit. ``since`` says the
    same of what has not changed since a step whose plate is put back later, by its name.
    """

    frame: Frame
    untouched: Untouched = True
    aovs: Mapping[str, Image] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    since: Mapping[str, Untouched] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for the whole render, beside the graph: the context that nodes see.

    ``analyses`` are the results by step name; ``views`` the AOVs asked for by step name; ``masks`` reads a mask file's
    channel at a frame number, as (H, W) float32. ``plates`` are pictures of grain on mid-grey, in the source's space,
    by the name of the step that is to put them in. ``timeline`` is told how long each step's node works.
    """

    analyses: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    views: Mapping[str, frozenset[str]] = field(default_factory=dict)
    masks: Callable[[Mask, int], Image] | None = None
    plates: Mapping[str, Frame] = field(default_factory=dict)
    device: str = "cpu"
    threads: int = 1
    check_abort: Callable[[], None] = lambda: None
    progress: Callable[[float], None] = lambda share: None
    timeline: Timeline = field(default_factory=Timeline)


class Evaluator:
    """Evaluates a graph frame by frame. ``source`` gives the frame of a number, in the source's colour space; results
    are in ``out_space`` ("": the source's).

    ``numbers`` are all frames of the shot: windows reach into them whatever is being rendered. Step outputs that a
    window of a later step will need again are kept, at most ``2 reach + 1`` a step.
    """

    def __init__(
        self,
        graph: Graph,
        colour: Colour,
        numbers: Sequence[int],
        source: Callable[[int], Frame],
        setting: Setting,
        out_space: str = "",
    ) -> None:
        self._target = colour.resolve(out_space) if out_space else colour.source_space
        self._goes_home = self._target == colour.source_space
        self._graph = graph
        self._colour = colour
        self._source = source
        self._setting = setting
        self._steps = {s.name: s for s in graph.used()}
        self._splits = {s.plate.step for s in graph.used() if s.plate is not None}
        self._tracks = self._goes_home or bool(self._splits)
        self._between = {s.name: _since(graph, s) for s in graph.used() if s.takes_plate}
        self._telling = frozenset(name for names in self._between.values() for name in names)
        most = 2 * graph.reach(numbers) + 1
        self._kept = {name: Kept[int, Made](most) for name in self._steps}
        own = proxy(self)  # no cycle: the frames held are let go with the evaluator, not when the collector runs
        self._work = {
            s.name: NodeWork(s, colour, numbers, partial(Evaluator._frame_of, own, s.input), setting.timeline, most)
            for s in graph.used()
        }
        self.aovs: dict[str, Image] = {}
        self.facts: dict[str, Any] = {}

    def frame(self, number: int) -> Frame:
        """The graph's output at a frame number.

        Afterwards ``aovs`` and ``facts`` hold those of this frame, by ``step.view`` and by step.
        """
        self.aovs = {}
        self.facts = {}
        made = self._made(self._graph.output, number)
        for step in self._steps.values():
            part = self._kept[step.name].held(number)
            if part is not None:
                self.aovs |= {f"{step.name}.{name}": aov for name, aov in part.aovs.items()}
                if part.facts:
                    self.facts[step.name] = dict(part.facts)
        self._show_pictures()
        result = self._colour.to(made.frame, self._target) if self._target else made.frame
        return self._restore_untouched(result, made.untouched, number) if self._goes_home else result

    def entering(self, number: int) -> Frame:
        """The graph's output at a frame number in whatever space it is in: what a step above it is given."""
        return self._frame_of(self._graph.output, number)

    def _show_pictures(self) -> None:
        """Colour pictures among the AOVs go to the output's space; planes of data stay as they are."""
        for key, aov in self.aovs.items():
            if aov.ndim == 3:
                space = self._colour.resolve(self._steps[key.rsplit(".", 1)[0]].node.space)
                picture = Frame(np.ascontiguousarray(aov), space)
                self.aovs[key] = self._colour.to(picture, self._target).pixels

    def _restore_untouched(self, result: Frame, untouched: Untouched, number: int) -> Frame:
        if untouched is False:
            return result
        source = self._source(number)
        if untouched is True:
            return replace(result, pixels=source.pixels)
        pixels = np.where(untouched[..., None], source.pixels, result.pixels)
        return replace(result, pixels=pixels)

    def _frame_of(self, name: str, number: int) -> Frame:
        return self._made(name, number).frame

    def _made(self, name: str, number: int) -> Made:
        if name == SOURCE:
            return Made(self._source(number))
        step = self._steps[name]

        def make() -> Made:
            made = self._render(step, number)
            if step.plate is not None and not step.takes_plate:
                made = self._with_plate(step, number, made)
            return replace(made, since={**made.since, name: True}) if name in self._splits else made

        return self._kept[name].get(number, make)

    def _render(self, step: Step, number: int) -> Made:
        self._setting.check_abort()
        below = self._made(step.input, number)
        instance = step.at(number)
        context = self._context(step, instance)
        idle = step.is_identity(number)
        if idle and not context.views:
            return Made(below.frame, below.untouched, since=below.since)
        given = self._work[step.name].entering(number)
        if step.takes_plate or step.name in self._setting.plates:
            context = replace(context, split=self._split(step, number, below))
        result = self._work[step.name].result(instance, number, context)
        if idle:  # the picture is the input, bit for bit; its views are still what somebody looks at or masks with
            return Made(below.frame, below.untouched, result.aovs, since=below.since)
        made = shown(step, instance, given, result)
        made, base = mixed(step, instance, given, made, self._mask(step, number, made), self._colour)
        if step.takes_plate:
            assert step.plate is not None
            whole = self._made(self._steps[step.plate.step].input, number)
            return self._returned(whole, context.split, made, result)
        same = self._tracks and unchanged(base, made)
        since = {name: both(before, same) for name, before in below.since.items()}
        return Made(made, both(below.untouched, same), result.aovs, result.facts, since)

    def _with_plate(self, step: Step, number: int, made: Made) -> Made:
        """The step's output with the plate that it names put back; pixels that are the source's again are so marked."""
        assert step.plate is not None
        if step.at(number).view != "result":
            return made
        split = self._steps[step.plate.step]
        whole, rest = self._made(split.input, number), self._made(split.name, number)
        restored, before, after = (self._colour.to(m.frame, split.node.space) for m in (made, whole, rest))
        same = made.since.get(split.name, False)
        result = put_back(restored, before, after, step.plate.amount, same, f"frame {number}, {step.name}.plate")
        back = unchanged(before, result)
        since = {name: both(earlier, back) for name, earlier in whole.since.items()}
        return Made(result, both(whole.untouched, back), made.aovs, made.facts, since)

    def _returned(self, whole: Made, split: Split | None, made: Frame, result: Result) -> Made:
        """The output of a step that put a plate back itself: pixels that are those from before the split are so
        marked."""
        assert split is not None
        back = unchanged(split.before, made)
        since = {name: both(earlier, back) for name, earlier in whole.since.items()}
        return Made(made, both(whole.untouched, back), result.aovs, result.facts, since)

    def _split(self, step: Step, number: int, below: Made) -> Split:
        """What the step is to put back, in its node's space."""
        if step.plate is None:
            return Split(read_only(self._colour.to(self._setting.plates[step.name], step.node.space)), None)
        split = self._steps[step.plate.step]
        whole, rest = self._made(split.input, number), self._made(split.name, number)
        before, after = (read_only(self._colour.to(m.frame, step.node.space)) for m in (whole, rest))
        told = [self._made(name, number).aovs.get(SYNTHESIS_VIEW) for name in self._between[step.name]]
        kept = np.ones(below.frame.pixels.shape[:2], np.float32)
        for plane in told:
            if plane is not None and plane.shape == kept.shape:
                kept *= np.float32(1) - np.clip(plane, 0.0, 1.0)
        invented = np.float32(1) - kept if any(plane is not None for plane in told) else None
        return Split(before, after, step.plate.amount, below.since.get(split.name, False), invented)

    def _context(self, step: Step, instance: Any) -> Context:
        setting = self._setting
        views = setting.views.get(step.name, frozenset())
        if instance.view in step.node.views:
            views |= {instance.view}
        if step.name in self._telling:
            views |= {SYNTHESIS_VIEW}
        wanted_by_masks = {s.mask.view for s in self._steps.values() if s.mask is not None and s.mask.step == step.name}
        return Context(
            fidelity=step.fidelity,
            analysis=setting.analyses.get(step.name),
            views=views | wanted_by_masks,
            device=setting.device,
            threads=setting.threads,
            source_space=self._colour.source_space,
            convert=self._colour.to,
            check_abort=setting.check_abort,
            progress=setting.progress,
        )

    def _mask(self, step: Step, number: int, like: Frame) -> Image | None:
        mask = step.mask
        if mask is None:
            return None
        if mask.step:
            plane = self._view_of(mask, number)
        elif mask.files:
            assert self._setting.masks is not None
            plane = self._setting.masks(mask, number)
        else:
            plane = channel(self._source(number), mask.channel)
        if plane.shape != like.pixels.shape[:2]:
            raise FrameError(
                f"the mask of {step.name} is {plane.shape[1]}x{plane.shape[0]}, the picture {like.width}x{like.height}",
                where=f"frame {number}",
                remedy="give a mask of the picture's data window",
            )
        clipped = np.clip(plane, 0.0, 1.0)
        return np.float32(1.0) - clipped if mask.invert else clipped

    def _view_of(self, mask: Mask, number: int) -> Image:
        made = self._made(mask.step, number)
        aov = made.aovs.get(mask.view)
        if aov is None:
            raise FrameError(f"{mask.step} made no view {mask.view!r} at frame {number}", where=f"frame {number}")
        return aov if aov.ndim == 2 else np.ascontiguousarray(aov[..., :3].mean(axis=2, dtype=np.float32))


def _since(graph: Graph, step: Step) -> tuple[str, ...]:
    """The steps between a split and the one that takes its plate that tell what they invented."""
    assert step.plate is not None
    names = []
    name = step.input
    while name not in (SOURCE, step.plate.step):
        between = graph.step(name)
        if SYNTHESIS_VIEW in between.node.views:
            names.append(name)
        name = between.input
    return tuple(names)
