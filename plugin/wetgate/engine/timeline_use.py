"""Which frames of its media a clip of a timeline shows: its speed, its transitions, and media time as frame numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from wetgate.io.movie_timecode import parse_timecode
from wetgate.io.source import SourceInfo
from wetgate.io.timeline_dialects import RETIMED
from wetgate.io.timeline_media import Place
from wetgate.spec import UsageError

_NEAR = 1e-4  # of a frame: times are doubles, and a rate may be rounded to 23.976


@dataclass(frozen=True, slots=True)
class Media:
    """What is known of a clip's media once they have been looked at and closed again."""

    info: SourceInfo
    numbers: Sequence[int]

    @property
    def is_image(self) -> bool:
        return self.info.kind == "image"

    @property
    def width(self) -> int:
        """Digits of the frame numbers: the sequence's own, four for a movie."""
        return max(self.info.label.count("#"), 1) if self.info.kind == "sequence" else 4


@dataclass(frozen=True, slots=True)
class Clock:
    """Media time and frame numbers: the frame at ``origin`` (media time in frames at ``rate``) has number ``first``,
    and each further one a number that is ``step`` higher."""

    origin: int
    rate: float
    first: int
    step: int

    def number(self, index: int) -> int:
        """The frame number, ``index`` frames after the origin."""
        return self.first + self.step * index

    def time(self, number: int) -> int:
        """The media time, in frames at :attr:`rate`, of a frame number."""
        return self.origin + (number - self.first) // self.step


def speed_of(clip: Any) -> float:
    """How many media frames pass for each of the timeline's. Raises :class:`UsageError` for a speed that changes."""
    speed = 1.0
    for effect in clip.effects:
        kind = effect.schema_name()
        if kind in ("LinearTimeWarp", "FreezeFrame"):
            speed *= float(effect.time_scalar)
        elif kind == "TimeEffect" and effect.effect_name == RETIMED:
            raise UsageError(
                "its speed is changed, and what this format says of it does not tell which frames it shows",
                remedy="export the timeline as OpenTimelineIO (.otio), or bake its speed in the editor",
            )
        elif kind == "TimeEffect":
            raise UsageError(
                f"its speed changes ({effect.effect_name or kind}), and the timeline does not say to which frames",
                remedy="render the clip by itself, or bake its speed in the editor",
            )
    return speed


def stated_length(clip: Any) -> int:
    """How many frames of media there are or are used, as far as the timeline says."""
    ranges = [clip.source_range, available_range(clip)]
    return max(1, *(round(float(r.duration.value)) for r in ranges if r is not None), 1)


def available_range(clip: Any) -> Any:
    """The range that the clip's media reference states, or None."""
    reference = clip.media_reference
    return None if reference is None else reference.available_range


def clock_of(clip: Any, place: Place, media: Media, speed: float) -> tuple[Clock, str]:
    """How the clip's media time becomes frame numbers, and a note where it had to be found out.

    A reference that states its range is believed. Without one (an EDL's) the clip's times are read as the media's time
    code, as frame numbers, or as a count from 0: the first of these by which the clip lies inside the media.
    Raises :class:`UsageError` where none does.
    """
    available = available_range(clip)
    numbers = media.numbers
    if available is not None:
        rate = available.duration.rate or available.start_time.rate
        origin = round(available.start_time.rescaled_to(rate).value)
        first = place.first
        if first is None:  # a pattern that does not say: its numbers may be the media's time itself
            is_time = media.info.kind == "sequence" and numbers[0] <= origin <= numbers[-1]
            first = origin if is_time else numbers[0]
        return Clock(origin, rate, first, place.step), ""
    if clip.source_range is None:
        raise UsageError("the timeline gives the clip no range", remedy="export the timeline with source ranges")
    return _guessed(clip, place, media, speed)


def _guessed(clip: Any, place: Place, media: Media, speed: float) -> tuple[Clock, str]:
    numbers, label = media.numbers, media.info.label
    rate = float(media.info.rate or clip.source_range.start_time.rate)
    origins: dict[str, int] = {}
    if media.info.start_timecode:
        origins["time code"] = parse_timecode(media.info.start_timecode, Fraction(rate).limit_denominator(1001)).frames
    if media.info.kind == "sequence":
        origins["frame numbers"] = numbers[0]
    origins["count from 0"] = 0
    for how, origin in origins.items():
        clock = Clock(origin, rate, numbers[0], place.step)
        first, last = shown(clip, clock, speed, with_transitions=False)
        if media.is_image or (first >= 0 and clock.number(last) <= numbers[-1]):
            return clock, f"the timeline does not state the range of {label}: its times are read as the {how}"
    tried = ", ".join(f"as {how} from {origin}" for how, origin in origins.items() if origin) or "counted from 0"
    raise UsageError(
        f"the clip begins at {clip.source_range.start_time.value:g}, which lies outside of {label} ({tried})",
        remedy="the media are others than those of the edit; for an EDL, check --rate",
    )


def shown(clip: Any, clock: Clock, speed: float, with_transitions: bool = True) -> tuple[int, int]:
    """First and last frame, counted from the clock's origin, that a clip shows; with the overlap of its transitions.

    A clip's range gives its start in the media and its length on the timeline; a speed stretches the length. Of a clip
    that plays backwards programs differ in which end the start is: both readings are covered.
    """
    trimmed = clip.trimmed_range()
    visible = clip.visible_range() if with_transitions else trimmed
    start = float(trimmed.start_time.rescaled_to(clock.rate).value) - clock.origin
    head = float((trimmed.start_time - visible.start_time).rescaled_to(clock.rate).value)
    length = float((visible.end_time_exclusive() - trimmed.start_time).rescaled_to(clock.rate).value)
    if speed >= 0:
        low, high = start - head * speed, start + length * speed
    else:
        reach = (head + length) * -speed
        low, high = start - reach, start + reach
    first = math.floor(low + _NEAR)
    return first, max(first, math.ceil(high - _NEAR) - 1)


def needed(clip: Any, clock: Clock, media: Media, speed: float, handles: int) -> tuple[int, int]:
    """First and last frame number that a clip needs: what it shows, transitions and handles as far as the media reach.

    Raises :class:`UsageError` where the media lack frames that the clip itself shows.
    """
    low, high = media.numbers[0], media.numbers[-1]
    if media.is_image:
        return low, low
    own = [clock.number(index) for index in shown(clip, clock, speed, with_transitions=False)]
    if speed >= 0 and not low <= own[0] <= own[1] <= high:
        raise UsageError(
            f"the clip uses frames {own[0]} to {own[1]}, which are not all there",
            where=media.info.label,
            allowed=f"{low} to {high}",
            remedy="the media are others than those of the edit",
        )
    more = handles + (0 if speed in (0, 1, -1) else 1)  # an interpolated speed takes a frame on either side
    wide = shown(clip, clock, speed)
    first = clock.number(max(wide[0] - more, -((clock.first - low) // clock.step)))
    last = clock.number(min(wide[1] + more, (high - clock.first) // clock.step))
    if first > last:
        raise UsageError("none of the frames that the clip uses is there", where=media.info.label)
    return first, last
