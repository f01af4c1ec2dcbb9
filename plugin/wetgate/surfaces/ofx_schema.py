"""What the OFX bundle compiles in: the declared nodes, the spaces it offers, and the hash that both ends compare."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from wetgate import __version__
from wetgate.spec import Node, Param, Value

# OCIO aliases and their labels. Projects store the place in this list: append, never reorder or remove.
SPACES: tuple[tuple[str, str], ...] = (
    ("rec1886_rec709_display", "Rec.709 video (BT.1886)"),
    ("srgb_display", "sRGB display"),
    ("rec1886_rec2020_display", "Rec.2020 video (BT.1886)"),
    ("rec2100_pq_display", "Rec.2100 PQ"),
    ("rec2100_hlg_display", "Rec.2100 HLG"),
    ("displayp3_display", "Display P3"),
    ("p3d65_display", "P3-D65 gamma 2.6"),
    ("st2084_p3d65_display", "P3-D65 PQ"),
    ("lin_rec709_srgb", "Linear Rec.709 (sRGB)"),
    ("lin_rec2020", "Linear Rec.2020"),
    ("lin_p3d65", "Linear P3-D65"),
    ("ACEScg", "ACEScg"),
    ("ACES2065-1", "ACES2065-1"),
    ("ACEScct", "ACEScct"),
    ("ACEScc", "ACEScc"),
    ("davinci_intermediate_widegamut", "DaVinci Intermediate WideGamut"),
    ("arri_logc3_ei800", "ARRI LogC3 (EI800)"),
    ("arri_logc4", "ARRI LogC4"),
    ("slog3_sgamut3", "S-Log3 S-Gamut3"),
    ("slog3_sgamut3cine", "S-Log3 S-Gamut3.Cine"),
    ("vlog_vgamut", "V-Log V-Gamut"),
    ("log3g10_redwidegamutrgb", "Log3G10 REDWideGamutRGB"),
    ("canonlog3_cinemagamut_d55", "CanonLog3 CinemaGamut D55"),
    ("bmdfilm_widegamut_gen5", "BMDFilm WideGamut Gen5"),
    ("srgb_tx", "sRGB texture"),
    ("ADX10", "ADX10"),
    ("ADX16", "ADX16"),
)
# OFX parameters that the bundle gives every node beside its own; a node may not declare one of that name.
RESERVED = (
    "input_space",
    "input_space_name",
    "output_space",
    "output_space_name",
    "mask_input",
    "field_order",
    "split_view",
    "split_position",
    "on_error",
    "records",
    "wetgate_version",
    "wetgate_analysis",
    "analysis_first",
    "analysis_last",
    "analyse",
    "found",
)


def document(nodes: Mapping[str, Node]) -> dict[str, Any]:
    """The JSON that is compiled in: version, schema hash (hexadecimal), spaces, and every node with its reach, the
    factor by which it enlarges and the pixels around one that it looks at, each as a table (:func:`tabled`).

    ``tiles`` says that it may be rendered in parts, whatever its parameters: hosts are told once, before there are any.
    """
    return {
        "version": __version__,
        "schema": schema_hash(nodes).hex(),
        "spaces": [{"id": i, "label": label} for i, label in SPACES],
        "nodes": [_compiled(node) for node in nodes.values()],
    }


WHOLE = -1  # a neighbourhood that is the whole picture


def _compiled(node: Node) -> dict[str, Any]:
    def around(instance: Any) -> int:
        found = node.neighbourhood(instance)
        return WHOLE if found is None else found

    schema = _checked(node).schema()
    reach, enlarges = tabled(node, node.reach), tabled(node, node.enlarges, most=_only)
    neighbourhood = tabled(node, around, most=lambda found: WHOLE if WHOLE in found else max(found))
    tiles = WHOLE not in neighbourhood["values"] and set(enlarges["values"]) == {1}
    tables = {"reach": reach, "enlarges": enlarges, "neighbourhood": neighbourhood}
    return schema | tables | {"tiles": tiles}


def schema_hash(nodes: Mapping[str, Node]) -> bytes:
    """SHA-256 (32 bytes) of node ids and versions, of each parameter's id, kind, choices and ``since``, and of the
    bundle's own parameters' names, so that two ends that say different things of them do not talk."""
    said: list[Any] = [list(RESERVED)]
    said += [
        [node.id, node.version, [[p.id, p.kind, list(p.choices or ()), p.since] for p in node.params.values()]]
        for node in sorted(nodes.values(), key=lambda n: n.id)
    ]
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).digest()


_MOST_OPTIONS = 64  # of one parameter
_MOST_CELLS = 4096


def tabled(
    node: Node, answer: Callable[[Any], float], most: Callable[[Sequence[float]], float] = max
) -> dict[str, Any]:
    """What a node answers for given parameters, as a table for a shim that cannot run Python.

    ``params`` are the choices, switches and whole numbers that the answer depends on; ``values`` has an entry for each
    combination of theirs, the last parameter's options running fastest (a choice's in their order, off before on, a
    whole number from its lowest). Where numbers that are not whole change the answer too, an entry is the ``most`` of
    what they were found to give: a shim may fetch more frames than a node looks at.
    """
    default: dict[str, Value] = {p.id: p.default for p in node.params.values()}
    bases = [default] + [default | {p.id: value} for p in node.params.values() for value in _extremes(p)]

    def asked(base: Mapping[str, Value], changes: Mapping[str, Value]) -> float:
        return answer(node.bind({**base, **changes}))

    discrete = {p.id: options for p in node.params.values() if (options := _options(p))}
    chosen = [
        name
        for name, options in discrete.items()
        if any(len({asked(base, {name: value}) for value in options}) > 1 for base in bases)
    ]
    cells = list(product(*(discrete[name] for name in chosen)))
    if len(cells) > _MOST_CELLS:
        chosen, cells = [], [()]
    values = [most([asked(base, dict(zip(chosen, cell, strict=True))) for base in bases]) for cell in cells]
    return {"params": chosen, "values": values}


def _only(answers: Sequence[float]) -> float:
    if len(set(answers)) != 1:
        raise TypeError("the size of a node's result may depend on choices, switches and whole numbers alone")
    return answers[0]


def _options(p: Param) -> tuple[Value, ...]:
    """Every value of a parameter that has few."""
    if p.kind == "choice":
        return tuple(p.choices or ())
    if p.kind == "bool":
        return (False, True)
    if p.kind == "int" and p.lo is not None and p.hi is not None and p.hi - p.lo < _MOST_OPTIONS:
        return tuple(range(int(p.lo), int(p.hi) + 1))
    return ()


def _extremes(p: Param) -> Iterator[Value]:
    if p.kind in ("float", "int") and p.lo is not None and p.hi is not None:
        yield from (p.check(p.lo), p.check(p.hi))
    else:
        yield from _options(p)


def _checked(node: Node) -> Node:
    taken = sorted(set(node.params) & set(RESERVED))
    if taken:
        raise TypeError(f"{node.id}: the OFX bundle has parameters of its own named {', '.join(taken)}")
    return node
