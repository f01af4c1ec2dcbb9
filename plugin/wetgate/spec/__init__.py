"""Declarations and data that every layer shares. Imports the standard library and numpy, nothing else."""

from wetgate.spec.coherent import COHERENCE_VIEW, ENGINE_PARAMS, Coherent
from wetgate.spec.errors import (
    FrameError,
    HostError,
    ModelError,
    Problems,
    UsageError,
    WetgateError,
    WorkerError,
    raise_all,
    suggest,
)
from wetgate.spec.frame import DENSITY, DISPLAY, SCENE, VIDEO, WORKING_SPACES, Box, Frame, Image, Part, Plane
from wetgate.spec.node import Node, node
from wetgate.spec.params import RGB, Param, Point, Value, param
from wetgate.spec.window import Bound, Context, Fidelity, Interrupted, Keeps, Result, Shot, Split, Window

__all__ = [
    "COHERENCE_VIEW",
    "DENSITY",
    "DISPLAY",
    "ENGINE_PARAMS",
    "RGB",
    "SCENE",
    "VIDEO",
    "WORKING_SPACES",
    "Bound",
    "Box",
    "Coherent",
    "Context",
    "Fidelity",
    "Frame",
    "FrameError",
    "HostError",
    "Image",
    "Interrupted",
    "Keeps",
    "ModelError",
    "Node",
    "Param",
    "Part",
    "Plane",
    "Point",
    "Problems",
    "Result",
    "Shot",
    "Split",
    "UsageError",
    "Value",
    "WetgateError",
    "Window",
    "WorkerError",
    "node",
    "param",
    "raise_all",
    "suggest",
]
