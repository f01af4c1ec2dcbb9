"""A job's source: opened, its frames chosen, its colour space known."""

from __future__ import annotations

from wetgate.color.config import ColorConfig
from wetgate.io.opening import open_source
from wetgate.io.ranges import parse_frames
from wetgate.io.source import OnMissing, Source
from wetgate.spec import FrameError, UsageError


def opened(spec: str, on_missing: OnMissing, codec_data: bool = False) -> Source:
    """The source of a job. One of which no frame can be read is a wrong request, not a frame that failed."""
    try:
        return open_source(spec, on_missing=on_missing, codec_data=codec_data)
    except FrameError as error:
        raise UsageError(error.what, where=error.where, allowed=error.allowed, remedy=error.remedy) from error


def requested(job_frames: str | None, source: Source) -> tuple[int, ...]:
    """The frames to render: those asked for, all of which the source must have."""
    if job_frames is None:
        return tuple(source.numbers)
    wanted = parse_frames(job_frames)
    known = set(source.numbers)
    outside = [n for n in wanted if n not in known]
    if outside:
        raise UsageError(
            f"{len(outside)} of the frames are not in {source.info.label}, the first is {outside[0]}",
            where="--frames",
            allowed=f"{source.numbers[0]} to {source.numbers[-1]}",
            remedy="ask for frames that the source has",
        )
    return tuple(sorted(wanted))


def source_space(in_space: str | None, source: Source, config: ColorConfig) -> tuple[str, list[str]]:
    """The space of the source (``""`` where nobody knows it), and notes on how it was known."""
    if in_space:
        return config.resolve(in_space), []
    hint = source.info.hint
    if hint.space is None:
        return "", []
    try:
        space = config.resolve(hint.space)
    except UsageError:
        return "", [f"{source.info.label} is labelled {hint.space!r} ({hint.how}), which the config does not know"]
    if hint.assumed:
        return space, [f"assumed that {source.info.label} is {space}: {hint.how}; name it with --in-space"]
    return space, []
