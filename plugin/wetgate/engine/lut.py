"""Baking a pointwise chain of nodes into a LUT for hosts that take LUTs: ``wetgate lut``."""

from __future__ import annotations

from pathlib import Path

from wetgate.color.config import ColorConfig
from wetgate.color.curves import Array
from wetgate.color.difference import delta_e_itp
from wetgate.color.lut import BakeReport, Shaper, bake
from wetgate.engine.colour import Colour
from wetgate.engine.evaluate import Evaluator, Setting
from wetgate.engine.graph import Graph
from wetgate.engine.pipeline import cores
from wetgate.engine.step import Step
from wetgate.spec import DISPLAY, Frame, Image, UsageError, WetgateError, raise_all

_CODED = ("sdr-video", "hdr-video", "log")
_LINEAR_TOP = 64.0  # scene-linear: two and a half stops above what most cameras reach over a grey of 0.18


def bake_graph(
    graph: Graph,
    path: str | Path,
    *,
    in_space: str,
    out_space: str,
    size: int | None = None,
    domain: tuple[float, float] | None = None,
    config: str | None = None,
) -> BakeReport:
    """Bake a chain, hops included, from ``in_space`` to ``out_space`` as a 3D LUT; the report says what it loses.

    Code values and logs are sampled evenly over ``domain`` (0 to 1), linear light behind a log2 shaper (0 to 64), which
    a .cube cannot hold. The error is dE ITP (BT.2124), of the file read back against the chain. Nodes that look beyond
    a pixel, keyframes and masks are refused: all of them at once.
    """
    _demand_pointwise(graph)
    loaded = ColorConfig.load(config)
    source, target = loaded.resolve(in_space), loaded.resolve(out_space)
    colour = Colour(loaded, source)

    def chain(image: Image) -> Image:
        frame = Frame(image, source)
        evaluator = Evaluator(graph, colour, (frame.number,), lambda number: frame, Setting(threads=cores()), target)
        return evaluator.frame(frame.number).pixels

    def difference(a: Image, b: Image) -> Array:
        light = [colour.to(Frame(picture, target), DISPLAY).rgb for picture in (a, b)]
        return delta_e_itp(light[0], light[1])

    coded = loaded.encoding(source) in _CODED
    low, high = domain or (0.0, 1.0 if coded else _LINEAR_TOP)
    nodes = ", ".join(s.node.label for s in graph.used()) or "colour conversion"
    return bake(
        chain,
        path,
        size=size,
        shaper=Shaper("none" if coded else "log2", low, high),
        title=f"{nodes}: {source} to {target}",
        description=f"Wetgate. Input {source}, output {target}, domain {low:g} to {high:g}.",
        difference=difference,
        unit="dE ITP",
    )


def _demand_pointwise(graph: Graph) -> None:
    problems: list[WetgateError] = []
    for step in graph.used():
        why = _why_not(step)
        if why:
            problems.append(UsageError(f"{step.name} cannot be baked: {why}", where="lut"))
    raise_all(problems)


def _why_not(step: Step) -> str:
    if step.keys:
        return f"{', '.join(step.keys)} has keyframes, and a LUT has no time"
    if step.mask is not None:
        return "it has a mask, and a LUT knows no place"
    instance = step.at(0)
    if step.values["view"] != "result":
        return "its view is not the result"
    if step.node.reach(instance) > 0:
        return "it looks at neighbouring frames"
    if not step.node.pointwise(instance):
        return "with these parameters a pixel's result depends on more than that pixel"
    return ""
