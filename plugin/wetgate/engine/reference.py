"""The reference picture of an analysis: what somebody says that the shot should look like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from wetgate.engine.colour import Colour
from wetgate.engine.shot import opened, source_space
from wetgate.engine.step import Step
from wetgate.io.hashing import pixel_hash
from wetgate.spec import Frame, UsageError


@dataclass(frozen=True, slots=True)
class Reference:
    """The picture in its step's working space, and the hash of the pixels that its file holds."""

    frame: Frame
    hash: str


def read_reference(path: str, space: str | None, step: Step, colour: Colour, note: Callable[[str], None]) -> Reference:
    """The first frame of ``path``. Raises :class:`UsageError` if the node looks at none, or if its space is unknown."""
    if not step.node.references:
        raise UsageError(
            f"the analysis of {step.node.id} looks at no reference picture", where="--reference", remedy="leave it out"
        )
    source = opened(path, "error")
    try:
        named, notes = source_space(space, source, colour.config)
        if not named:
            raise UsageError(
                f"the colour space of {source.info.label} is not known: the file does not name one",
                where="--reference-space",
                remedy="name it, for instance --reference-space srgb_tx, ACEScg or rec1886_rec709_display",
            )
        for text in notes:
            note(text)
        read = source.read(source.numbers[0])
        frame = replace(read.frame, space=colour.config.resolve(named))
        return Reference(colour.to(frame, step.node.space), pixel_hash(frame))
    finally:
        source.close()
