"""Which space a frame is in, and the hops between a shot's space, the nodes' working spaces and the output's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wetgate.color.config import ColorConfig
from wetgate.color.curves import srgb_encode
from wetgate.spec import SCENE, VIDEO, WORKING_SPACES, Frame, Image, UsageError


@dataclass(frozen=True, slots=True)
class Colour:
    """The colour of one render: its OCIO config and the space of the source (``""`` where nobody knows it).

    ``video`` is the footage's own code values, so it resolves to the source's space.
    """

    config: ColorConfig
    source_space: str
    threads: int = 0

    def resolve(self, space: str) -> str:
        """The canonical name of a space: a working space, or an OCIO colour space of the config."""
        if space == VIDEO:
            return self.source_space
        return space if space in WORKING_SPACES else self.config.resolve(space)

    def to(self, frame: Frame, space: str) -> Frame:
        """The frame in ``space``; the same object where it is there already. Alpha is untouched."""
        target = self.resolve(space)
        if frame.space == target:
            return frame
        if not frame.space:
            raise unknown_space()
        hop = self.config.hop(frame.space, target)
        if hop.is_identity:
            return replace(frame, space=target)
        return replace(frame, pixels=hop.apply(frame.pixels, threads=self.threads), space=target)


def code_values(frame: Frame, colour: Colour) -> Image:
    """A frame's colour in something near perceptual code values: as it is where its space is encoded, else sRGB's."""
    if frame.space in WORKING_SPACES:
        return srgb_encode(colour.to(frame, SCENE).rgb)
    encoded = not frame.space or colour.config.encoding(frame.space) in ("sdr-video", "hdr-video", "log")
    return frame.rgb if encoded else srgb_encode(frame.rgb)


def unknown_space(label: str = "the input") -> UsageError:
    return UsageError(
        f"the colour space of {label} is not known: the file does not name one",
        where="--in-space",
        remedy="name it, for instance --in-space srgb_tx, ACEScg or rec1886_rec709_display",
    )
