"""One frame of a request, worked by the same evaluator as the command line's, so that the bits are the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from wetgate.engine.analysis import Analysis, moved_params
from wetgate.engine.evaluate import Evaluator, Setting
from wetgate.engine.graph import Graph
from wetgate.engine.step import SOURCE, Mask, Step
from wetgate.inference import ModelsWithheld, without_models
from wetgate.io.association import Residue, associate, unassociate
from wetgate.io.hashing import pixel_hash
from wetgate.io.repair import repair
from wetgate.ops.combing import combing
from wetgate.ops.resize import resize
from wetgate.spec import Box, Frame, Image, Node, UsageError, Value, registry
from wetgate.surfaces.worker.documents import document_in
from wetgate.surfaces.worker.fields import FRAME, field_request, has_both
from wetgate.surfaces.worker.pools import PREMULTIPLIED, Picture, View
from wetgate.surfaces.worker.records import Made, keep_record
from wetgate.surfaces.worker.requests import Request
from wetgate.surfaces.worker.spaces import spaces_of

_MASK = "wetgate:mask"
_INFRARED = "ir"  # the channel's name in scans
_COMBED = 0.02  # share of a picture; below it fine detail may pass for a comb
_MID_GREY = 0.18  # light: a plate has no grain where it does not reach
_PIXELS = "px"  # the unit of parameters that are lengths in the picture


@dataclass(slots=True)
class Done:
    """Which picture of the request holds the result, sentences for the host's log, and one that the user is to see."""

    picture: int
    notes: list[str] = field(default_factory=list)
    warning: str = ""
    made: list[Made] = field(default_factory=list)


def render(request: Request, view: View, check_abort: Callable[[], None], threads: int) -> Done:
    """Work the request's frame and write it into the Output. Raises the errors of the engine.

    Where the result is the source, the Output is left alone and the source's place is returned. So it is where a
    thumbnail would need a network: a browser asks for hundreds at once, and each would cost a model's memory.
    """
    if not request.thumbnail:
        return _render_whole(request, view, check_abort, threads)
    try:
        with without_models("a thumbnail"):
            return _render_whole(request, view, check_abort, threads)
    except ModelsWithheld:
        return Done(request.home, [f"{request.node} needs a network, which is not loaded for a thumbnail: the source"])


def _render_whole(request: Request, view: View, check_abort: Callable[[], None], threads: int) -> Done:
    notes: list[str] = []
    if request.fields != FRAME and request.scale[1] != 1:
        notes.append("a proxy has no fields any more: it is worked as a frame")
        request = replace(request, fields=FRAME)
    if request.fields != FRAME and has_both(request.middle):
        done = _render_fields(request, view, check_abort, threads)
    else:
        done = _render_picture(request, view, check_abort, threads)
    if request.fields == FRAME and request.is_full and done.picture != request.home:  # what is not worked is not harmed
        _note_combing(view(request.middle), notes)
    if request.split >= 0 and done.picture != request.home:
        _show_source(request, view, threads)
    warning = keep_record(request, view, done.made, done.picture, done.notes) if request.records else ""
    return Done(done.picture, [*notes, *done.notes], warning)


def _note_combing(pixels: Image, notes: list[str]) -> None:
    share = combing(pixels)
    if share > _COMBED:
        notes.append(
            f"the picture looks interlaced ({100 * share:.0f} % of it is combed): choose the order of its fields, else"
            " a node takes the lines of two moments for detail"
        )


def _render_fields(request: Request, view: View, check_abort: Callable[[], None], threads: int) -> Done:
    """Each field worked by itself, and woven into the Output."""
    notes: list[str] = []
    made: list[Made] = []
    changed = False
    for place in range(2):
        field_ = field_request(request, view, place)
        done = _render_picture(field_.request, field_.view, check_abort, threads)
        notes += [note for note in done.notes if note not in notes]
        made += done.made
        if done.picture == request.home:
            field_.view(field_.request.output)[...] = field_.view(field_.request.middle)
        else:
            changed = True
    return Done(len(request.pictures) - 1 if changed else request.home, notes, made=made)


def _show_source(request: Request, view: View, threads: int) -> None:
    """The source on the left of the result, as the result's space and size have it."""
    output = request.output
    columns = round(request.split * output.width)
    spaces = spaces_of(request, threads, lambda note: None)
    source = view(request.middle)
    if spaces.out_space != spaces.colour.source_space:
        sources = _Sources(request, view, spaces.colour.source_space, [])
        source = sources.stored(spaces.colour.to(sources.frame(request.number), spaces.out_space).pixels)
    if source.shape[:2] != (output.height, output.width):
        source = resize(np.ascontiguousarray(source), output.height, output.width, "linear")
    view(output)[:, :columns] = source[:, :columns]


def _render_picture(request: Request, view: View, check_abort: Callable[[], None], threads: int) -> Done:
    step = step_of(request)
    if step.is_identity(request.number) and not request.records:
        return Done(request.home)
    done = Done(len(request.pictures) - 1)
    spaces = spaces_of(request, threads, done.notes.append)
    if step.is_identity(request.number):
        return Done(request.home, done.notes, made=[Made(step, spaces, None, {}, 0)])
    sources = _Sources(request, view, spaces.colour.source_space, done.notes)
    document = document_of(request, step, spaces.colour.source_space)
    if document is not None:
        _note_differences(document, step, request, sources, done.notes)
    plates = {}
    if request.reference is not None and step.node.plates(step.at(request.number)):
        plates[step.name] = sources.reference()
    elif request.reference is not None:
        done.notes.append(f"{step.node.id} does not look at the Reference clip")
    setting = Setting(
        plates=plates,
        analyses={step.name: document.results} if document is not None else {},
        device="auto",
        threads=threads,
        check_abort=check_abort,
    )
    evaluator = Evaluator(
        Graph((step,), step.name), spaces.colour, sources.numbers, sources.frame, setting, spaces.out_space
    )
    result = evaluator.frame(request.number)
    check_abort()
    done.made = [Made(step, spaces, document, dict(evaluator.facts), sources.repaired)]
    if result.pixels is sources.frame(request.number).pixels and not sources.repaired:
        return replace(done, picture=request.home)
    view(request.output)[...] = sources.stored(_fitted(result.pixels, request, step, done.notes))
    return done


def step_of(request: Request) -> Step:
    """The request's node as the one step of a graph, its values checked, with its mask."""
    node = registry.get(request.node)
    if not 1 <= request.saved_version <= node.version:
        raise UsageError(
            f"the project was saved by {node.id} version {request.saved_version}",
            allowed=f"1 to {node.version}",
            remedy="update Wetgate",
        )
    values = _at_scale(node, node.values(request.values, request.saved_version), request.scale)
    mask = Mask(channel=_MASK) if request.mask is not None else None
    return Step(node, node.id, SOURCE, values, mask=mask)


def _at_scale(node: Node, values: Mapping[str, Value], scale: tuple[float, float]) -> Mapping[str, Value]:
    """Lengths in pixels of the picture as it is given: a proxy must look as the full picture does."""
    if scale == (1.0, 1.0):
        return values
    by = (scale[0] * scale[1]) ** 0.5
    return {
        name: _scaled(value, by, scale) if node.params[name].unit == _PIXELS else value
        for name, value in values.items()
    }


def _scaled(value: Value, by: float, scale: tuple[float, float]) -> Value:
    if isinstance(value, tuple):
        return tuple(v * s for v, s in zip(value, scale, strict=False))
    if isinstance(value, (bool, str)):
        return value
    return value * by if isinstance(value, float) else round(value * by)


def document_of(request: Request, step: Step, space: str) -> Analysis | None:
    """The analysis that the instance holds, or None. One that cannot be meant is a :class:`UsageError`."""
    if not request.analysis or not step.node.analyzes:
        return None
    document = document_in(request.analysis)
    if document.node != step.node.id or not step.node.takes_analysis_of(document.version):
        raise UsageError(
            f"the analysis was made by {document.node} version {document.version}, this is {step.node.id} version"
            f" {step.node.version}",
            remedy="analyse the shot again",
        )
    if document.space != space:
        raise UsageError(
            f"the analysis took the clip as {document.space}, this render as {space}", remedy="analyse the shot again"
        )
    if request.number not in document.frames:
        raise UsageError(
            f"frame {request.number} is outside the analysis of {document.node}",
            allowed=f"{min(document.frames)} to {max(document.frames)}",
            remedy="analyse the whole range that you render",
        )
    return document


def _note_differences(document: Analysis, step: Step, request: Request, sources: _Sources, notes: list[str]) -> None:
    """Say where an analysis that is used was made with other values, or from another picture."""
    other = moved_params(document, step)
    if other:
        notes.append(f"the analysis was made with other values of {', '.join(other)}: analyse the shot again")
    if request.is_full:
        picture = sources.frame(request.number).with_(extra={})
        try:
            document.demand_frame(request.number, pixel_hash(picture))
        except UsageError as error:
            notes.append(error.message())


class _Sources:
    """The pictures of a request as frames of the engine, each made when it is first asked for."""

    def __init__(self, request: Request, view: View, space: str, notes: list[str]) -> None:
        self._request = request
        self._view = view
        self._space = space
        self._notes = notes
        self._frames: dict[int, Frame] = {}
        self._residue: Residue | None = None
        self.repaired = 0
        middle = len(request.sources) // 2
        self._pictures = {
            request.number + request.step * (place - middle): picture
            for place, picture in enumerate(request.sources)
            if not picture.repeated
        }
        self.numbers = tuple(self._pictures)

    def frame(self, number: int) -> Frame:
        """The picture at a frame number, un-premultiplied and without NaN."""
        if number not in self._frames:
            self._frames[number] = self._made(number)
        return self._frames[number]

    def reference(self) -> Frame:
        """The picture at Reference on the Source's window, mid-grey where it does not reach."""
        picture, like = self._request.reference, self._pictures[self._request.number]
        assert picture is not None
        pixels = self._view(picture)
        if picture.alpha == PREMULTIPLIED and picture.channels == 4:
            pixels = pixels.copy()
            unassociate(pixels, exact=False)
        rgb = np.full((like.height, like.width, 3), _MID_GREY, np.float32)
        _place(repair(pixels)[0][..., :3], picture, like, rgb)
        return self.frame(self._request.number).with_rgb(rgb)

    def stored(self, pixels: Image) -> Image:
        """A result as the host has it: premultiplied where the Source was."""
        if self._request.output.alpha == PREMULTIPLIED and pixels.shape[2] == 4:
            return associate(np.ascontiguousarray(pixels), self._residue)
        return pixels

    def _made(self, number: int) -> Frame:
        picture = self._pictures[number]
        is_middle = number == self._request.number
        pixels = self._view(picture)
        if picture.alpha == PREMULTIPLIED and picture.channels == 4:
            pixels = pixels.copy()
            residue = unassociate(pixels, exact=is_middle)
            self._residue = residue if is_middle else self._residue
        pixels, repaired, texts = repair(pixels)
        if repaired:
            self._notes.extend([f"frame {number}: {repaired} NaN or infinite samples repaired", *texts])
        if is_middle:
            self.repaired = repaired
        return Frame(
            pixels,
            self._space,
            number,
            data_window=self._window(picture),
            display_window=self._display,
            pixel_aspect=self._request.pixel_aspect,
            extra=self._planes(picture) if is_middle else {},
        )

    def _window(self, picture: Picture) -> Box:
        """Where the picture lies, rows counted down from the top of the whole."""
        return Box(picture.box[0], self._request.whole[3] - picture.box[3], picture.width, picture.height)

    @property
    def _display(self) -> Box:
        x1, y1, x2, y2 = self._request.whole
        return Box(x1, 0, x2 - x1, y2 - y1)

    def _planes(self, like: Picture) -> dict[str, Image]:
        given = {_MASK: self._request.mask, _INFRARED: self._request.infrared}
        return {name: _placed(self._view(p), p, like) for name, p in given.items() if p is not None}


def _placed(pixels: Image, at: Picture, like: Picture) -> Image:
    """A plane (H, W) laid on the window of another picture; 0 where it does not reach."""
    plane = repair(pixels)[0][..., 0]
    if at.box == like.box:
        return np.ascontiguousarray(plane)
    out = np.zeros((like.height, like.width), np.float32)
    _place(plane, at, like, out)
    return out


def _place(pixels: Image, at: Picture, like: Picture, out: Image) -> None:
    """Lay pixels where they are into ``out``, the window of another picture."""
    x1, x2 = max(at.box[0], like.box[0]), min(at.box[2], like.box[2])
    y1, y2 = max(at.box[1], like.box[1]), min(at.box[3], like.box[3])
    if x1 < x2 and y1 < y2:
        out[like.box[3] - y2 : like.box[3] - y1, x1 - like.box[0] : x2 - like.box[0]] = pixels[
            at.box[3] - y2 : at.box[3] - y1, x1 - at.box[0] : x2 - at.box[0]
        ]


def _fitted(pixels: Image, request: Request, step: Step, notes: list[str]) -> Image:
    """The result in the Output's size: diagnostics are fitted into it, a result of another size is brought to it.

    A host whose clips all have one size gets a larger result reduced (antialiased, Lanczos-3), and is told.
    """
    output = request.output
    if pixels.shape == (output.height, output.width, output.channels):
        return pixels
    if step.values["view"] not in ("result", "difference"):
        return _boxed(pixels, output)
    notes.append(
        f"{step.node.id} makes {pixels.shape[1]}x{pixels.shape[0]}, and this host keeps"
        f" {output.width}x{output.height}: the result is brought to that size; the command line gives it whole"
    )
    return resize(np.ascontiguousarray(pixels), output.height, output.width, "lanczos3")


def _boxed(pixels: Image, output: Picture) -> Image:
    by = min(output.height / pixels.shape[0], output.width / pixels.shape[1])
    height = min(output.height, max(1, round(pixels.shape[0] * by)))
    width = min(output.width, max(1, round(pixels.shape[1] * by)))
    shown = resize(pixels[..., :3], height, width, "area" if by < 1 else "linear")
    out = np.zeros((output.height, output.width, output.channels), np.float32)
    out[..., 3:] = 1.0
    top, left = (output.height - height) // 2, (output.width - width) // 2
    out[top : top + height, left : left + width, :3] = shown
    return out
