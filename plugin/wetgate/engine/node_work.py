"""One step's node at work: its input in its working space, the windows it sees, what it makes of frames alone, and the
fusing of what it made where it is coherent."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from wetgate.engine.colour import Colour
from wetgate.engine.frames import window_numbers
from wetgate.engine.keeping import Kept
from wetgate.engine.pipeline import Timeline
from wetgate.engine.step import Step
from wetgate.spec import COHERENCE_VIEW, Context, Frame, FrameError, Keeps, Result, WetgateError, Window

if TYPE_CHECKING:
    from wetgate.engine.coherence import Coherence

T = TypeVar("T")


class NodeWork:
    """Renders frames with a step's node, and keeps what later windows will need again.

    ``below`` gives the output of the step below at a frame number, in whatever space it is in; at most ``most`` of
    what is made of it are kept. ``numbers`` are all frames of the shot.
    """

    def __init__(
        self,
        step: Step,
        colour: Colour,
        numbers: Sequence[int],
        below: Callable[[int], Frame],
        timeline: Timeline,
        most: int,
    ) -> None:
        self._step = step
        self._colour = colour
        self._numbers = numbers
        self._below = below
        self._timeline = timeline
        self._inputs = Kept[int, Frame](most)
        self._preparations = Kept[Hashable, Frame](most)
        self._shared = Kept[Hashable, Any](_shareable(step.own_reach(numbers)))
        self._fused_reach = step.fused_reach(numbers)
        self._results = Kept[Hashable, Result](2 * self._fused_reach + 1)
        self._coherence: Coherence | None = None

    def entering(self, number: int) -> Frame:
        """The step's input in its working space, kept for the windows that the frame is in."""

        def make() -> Frame:
            return read_only(self._colour.to(self._below(number), self._step.node.space))

        return self._inputs.get(number, make)

    def result(self, instance: Any, number: int, context: Context) -> Result:
        """What the node makes of a frame, fused with what it makes of its neighbours where it is coherent."""
        result = self._steadied(instance, number, context)
        if self._step.node.finishes:
            given, made = self.entering(number), result
            result = self._guarded(number, lambda: instance.finish(given, made, context))
            if not self._step.is_identity(number):
                self._demand_sound(number, result)
        return result

    def _steadied(self, instance: Any, number: int, context: Context) -> Result:
        step = self._step
        radius = 0 if step.is_identity(number) else step.node.fused_reach(instance)
        alone = self._alone(instance, number, number, context)
        if radius == 0:
            none = step.node.coherent is not None and COHERENCE_VIEW in context.views
            return _with_view(alone, COHERENCE_VIEW) if none else alone
        from wetgate.engine.coherence import Coherence, Seen

        if self._coherence is None:
            assert step.node.coherent is not None
            self._coherence = Coherence(step.node.coherent, self._fused_reach, self._colour, context.check_abort)
        numbers, repeated = window_numbers(self._numbers, number, radius)
        settings = step.settings_at(number)
        window = [
            Seen((n, settings), self.entering(n), partial(self._alone, instance, n, number, context)) for n in numbers
        ]
        result = self._coherence.fused(window, repeated, instance.coherence)
        if step.node.settles:
            given = self.entering(number)
            settled = self._guarded(number, lambda: instance.within_bound(given, result.frame, context))
            result = replace(result, frame=settled)
        self._demand_sound(number, result)
        return result

    def _alone(self, instance: Any, number: int, at: int, context: Context) -> Result:
        """What the node makes of frame ``number`` by itself, with its parameters (``instance``) at frame ``at``."""

        def make() -> Result:
            context.check_abort()
            window = self._window(instance, number, at, context)
            seen = replace(context, kept=self._keeper(at))
            with self._timeline.working(self._step.name):
                result: Result = self._guarded(number, lambda: instance.render(window, seen))
            if not self._step.is_identity(at):
                self._demand_sound(number, result)
            return result

        if self._step.node.fused_reach(instance) == 0:
            return make()
        return self._results.get((number, self._step.settings_at(at)), make)

    def _keeper(self, at: int) -> Keeps:
        """Keeps what the node makes for several windows, by its parameters at frame ``at``."""
        store, settings = self._shared, self._step.settings_at(at)

        def kept(key: Hashable, make: Callable[[], T]) -> T:
            return cast(T, store.get((settings, key), make))

        return kept

    def _window(self, instance: Any, number: int, at: int, context: Context) -> Window:
        node = self._step.node
        numbers, repeated = window_numbers(self._numbers, number, node.own_reach(instance))
        window = Window(tuple(self.entering(n) for n in numbers), repeated)
        self._demand_one_size(window)
        if node.prepares and window.reach:
            window = replace(window, prepared=tuple(self._prepared(instance, n, at, context) for n in numbers))
        return window

    def _prepared(self, instance: Any, number: int, at: int, context: Context) -> Frame:
        """What the node makes of one frame alone, with its parameters (``instance``) at frame ``at``."""

        def make() -> Frame:
            context.check_abort()
            seen = replace(context, views=frozenset(), split=None)
            frame = self.entering(number)
            with self._timeline.working(self._step.name):
                return read_only(self._guarded(number, lambda: instance.prepare(frame, seen)))

        return self._preparations.get((number, self._step.settings_at(at)), make)

    def _guarded(self, number: int, work: Callable[[], T]) -> T:
        """The node's own result; whatever goes wrong inside it is an error of this frame, not of the whole render."""
        try:
            return work()
        except WetgateError:
            raise
        except Exception as error:
            raise FrameError(
                f"{self._step.name} failed: {type(error).__name__}: {error}",
                where=f"frame {number}",
                remedy="report this with the record; it is a fault of the node or of the machine's memory",
            ) from error

    def _demand_one_size(self, window: Window) -> None:
        """Frames of a window are compared pixel by pixel, so they must lie in one data window."""
        for frame in window.frames:
            if frame.window != window.center.window:
                a, b = window.center, frame
                raise FrameError(
                    f"frames {a.number} and {b.number} differ in size or place: {a.window} and {b.window}",
                    where=f"frame {a.number}",
                    remedy=f"{self._step.name} looks at neighbouring frames; bring them to one data window first",
                )

    def _demand_sound(self, number: int, result: Result) -> None:
        name, space, frame = self._step.name, self.entering(number).space, result.frame
        if frame.space != space or frame.number != number:
            raise FrameError(
                f"{name} returned frame {frame.number} in {frame.space}, asked for frame {number} in {space}"
            )
        if not np.isfinite(frame.pixels).all():
            count = int((~np.isfinite(frame.pixels)).sum())
            raise FrameError(
                f"{name} made {count} values that are not numbers",
                where=f"frame {number}",
                remedy="report this with the record; other parameters may avoid it",
            )


def read_only(frame: Frame) -> Frame:
    """The frame over the same memory, which nobody who is given it can write to."""
    pixels = frame.pixels.view()
    pixels.flags.writeable = False
    return replace(frame, pixels=pixels)


def _shareable(reach: int) -> int:
    """How much of a node's is kept for its windows: their frames, and pairs, which wait for the later frame."""
    return 2 * reach + 1 + reach * (reach + 2)


def _with_view(result: Result, name: str) -> Result:
    """The result with a view that is 0 everywhere."""
    return replace(result, aovs={**result.aovs, name: np.zeros(result.frame.pixels.shape[:2], np.float32)})
