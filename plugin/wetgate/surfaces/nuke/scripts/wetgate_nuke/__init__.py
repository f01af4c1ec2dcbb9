"""Wetgate inside Nuke: nodes, presets, and footage rendered by the command line.

::

    import wetgate_nuke
    wetgate_nuke.create("grain", amount=0.5)                     # a node, as the toolbar makes it
    wetgate_nuke.create_preset("hdr-lift")                       # a preset as a group
    wetgate_nuke.restore(nuke.toNode("Read1"), "out/plate.####.exr", preset="hdr-lift", frames="1001-1100")
    wetgate_nuke.graph_of(nuke.toNode("Write1"))                 # the Wetgate nodes above it, as a graph

Standard library and ``nuke`` only; Python 3.10 and later. Errors are :class:`WetgateError`, whose text is for people.
"""

from wetgate_nuke.batch import restore
from wetgate_nuke.chain import graph_of
from wetgate_nuke.create import create, create_preset
from wetgate_nuke.errors import Cancelled, WetgateError
from wetgate_nuke.frames import format_frames, parse_frames
from wetgate_nuke.knobs import get_params, set_params

__all__ = [
    "Cancelled",
    "WetgateError",
    "create",
    "create_preset",
    "format_frames",
    "get_params",
    "graph_of",
    "parse_frames",
    "restore",
    "set_params",
]
