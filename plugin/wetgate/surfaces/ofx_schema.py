"""What the OFX bundle compiles in: the declared nodes, the spaces it offers, and the hash that both ends compare."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
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
    "on_error",
    "wetgate_version",
    "wetgate_analysis",
    "analysis_first",
    "analysis_last",
    "analyse",
)


def document(nodes: Mapping[str, Node]) -> dict[str, Any]:
    """The JSON that is compiled in: version, schema hash (hexadecimal), spaces, and every node with its reach."""
    return {
        "version": __version__,
        "schema": schema_hash(nodes).hex(),
        "spaces": [{"id": i, "label": label} for i, label in SPACES],
        "nodes": [_checked(node).schema() | {"reach": widest_reach(node)} for node in nodes.values()],
    }


def schema_hash(nodes: Mapping[str, Node]) -> bytes:
    """SHA-256 (32 bytes) of node ids and versions, and of each parameter's id, kind, choices and ``since``."""
    said = [
        [node.id, node.version, [[p.id, p.kind, list(p.choices or ()), p.since] for p in node.params.values()]]
        for node in sorted(nodes.values(), key=lambda n: n.id)
    ]
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).digest()


def widest_reach(node: Node) -> int:
    """The widest temporal reach that the node has at its defaults, or with one parameter at a limit or another choice.

    A shim that fetches frames cannot run Python, so it asks for as many as the node may look at.
    """
    default = {p.id: p.default for p in node.params.values()}
    settings = [default] + [default | {p.id: value} for p in node.params.values() for value in _extremes(p)]
    return max(node.reach(node.bind(setting)) for setting in settings)


def _extremes(p: Param) -> Iterator[Value]:
    if p.kind in ("float", "int") and p.lo is not None and p.hi is not None:
        yield from (p.check(p.lo), p.check(p.hi))
    elif p.kind == "bool":
        yield from (False, True)
    else:
        choices: Iterable[str] = p.choices or ()
        yield from choices


def _checked(node: Node) -> Node:
    taken = sorted(set(node.params) & set(RESERVED))
    if taken:
        raise TypeError(f"{node.id}: the OFX bundle has parameters of its own named {', '.join(taken)}")
    return node
