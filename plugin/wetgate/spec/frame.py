"""Frames: the pixels of one picture and everything that travels with them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from wetgate.spec.errors import UsageError

if TYPE_CHECKING:
    import torch

Image = NDArray[np.float32]
Plane = NDArray[Any]

# Working spaces: what a node may ask for. Every other space name is an OCIO colour space.
SCENE = "wetgate:scene"
DENSITY = "wetgate:density"
DISPLAY = "wetgate:display"
VIDEO = "wetgate:video"
WORKING_SPACES = (SCENE, DENSITY, DISPLAY, VIDEO)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels: origin (may be negative) and size, row 0 at the top, as EXR windows count them."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Part:
    """A further part (subimage) of the file, carried through untouched."""

    name: str
    channels: Mapping[str, Plane]
    data_window: Box
    display_window: Box
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture.

    ``pixels`` is packed, contiguous float32 of shape (H, W, 3) or (H, W, 4): RGB or RGBA, row 0 at the top, colour
    un-premultiplied, in ``space`` (an OCIO colour space name, or one of the working spaces). Values are unbounded.
    ``extra`` holds every other channel of the picture by its name, (H, W), in its own type. ``layout`` names the file's
    channels that ``pixels`` came from: ``("R", "G", "B", "A")``, or ``("Y",)`` for a grey picture.
    """

    pixels: Image
    space: str
    number: int = 0
    data_window: Box | None = None
    display_window: Box | None = None
    pixel_aspect: float = 1.0
    layout: tuple[str, ...] = ()
    extra: Mapping[str, Plane] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    codec: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        p = self.pixels
        if not isinstance(p, np.ndarray) or p.dtype != np.float32 or p.ndim != 3 or p.shape[2] not in (3, 4):
            kind = f"{p.dtype} {p.shape}" if isinstance(p, np.ndarray) else type(p).__name__
            raise UsageError(
                f"frame {self.number}: pixels are {kind}",
                allowed="float32 of shape (H, W, 3) or (H, W, 4)",
                remedy="convert with np.ascontiguousarray(pixels, dtype=np.float32)",
            )
        if 0 in p.shape:
            raise UsageError(f"frame {self.number}: picture is empty, {p.shape[1]}x{p.shape[0]}")
        if not p.flags.c_contiguous:
            object.__setattr__(self, "pixels", np.ascontiguousarray(p))
        whole = Box(0, 0, p.shape[1], p.shape[0])
        if self.data_window is None:
            object.__setattr__(self, "data_window", whole)
        if self.display_window is None:
            object.__setattr__(self, "display_window", self.data_window)
        if not self.layout:
            object.__setattr__(self, "layout", tuple("RGBA"[: p.shape[2]]))
        box = self.window
        if (box.height, box.width) != p.shape[:2]:
            raise UsageError(
                f"frame {self.number}: pixels are {p.shape[1]}x{p.shape[0]}, the data window {box.width}x{box.height}"
            )

    @property
    def window(self) -> Box:
        """The data window: where ``pixels`` lie."""
        assert self.data_window is not None
        return self.data_window

    @property
    def display(self) -> Box:
        """The display window: the format of the shot."""
        assert self.display_window is not None
        return self.display_window

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def rgb(self) -> Image:
        """The colour channels, a view of shape (H, W, 3)."""
        return self.pixels[..., :3]

    @property
    def alpha(self) -> Image | None:
        """The alpha channel, a view of shape (H, W), or None."""
        return self.pixels[..., 3] if self.pixels.shape[2] == 4 else None

    def with_rgb(self, rgb: Image) -> Self:
        """This frame with other colour; alpha and everything else as they are."""
        if self.alpha is None:
            return replace(self, pixels=np.ascontiguousarray(rgb, dtype=np.float32))
        pixels = np.empty(self.pixels.shape, np.float32)
        pixels[..., :3] = rgb
        pixels[..., 3] = self.pixels[..., 3]
        return replace(self, pixels=pixels)

    def with_(self, **changes: Any) -> Self:
        """This frame with the named fields replaced."""
        return replace(self, **changes)

    def tensor(self, device: str = "cpu") -> torch.Tensor:
        """The pixels as a torch tensor of shape (H, W, C): the same memory on the CPU, a copy on another device.

        ``tensor().permute(2, 0, 1)[None]`` is NCHW in channels-last order without a copy. On the CPU the tensor is a
        view of the frame: do not write to it. Raises :class:`UsageError` where torch is not installed.
        """
        try:
            import torch
        except ImportError:
            raise UsageError("torch is not installed", remedy="install wetgate[cpu] or wetgate[gpu]") from None
        with warnings.catch_warnings():  # torch warns that a read-only array could be written through the tensor
            warnings.simplefilter("ignore", UserWarning)
            return torch.from_numpy(self.pixels).to(device)
