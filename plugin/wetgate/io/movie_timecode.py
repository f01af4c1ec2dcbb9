"""Time code arithmetic of SMPTE ST 12-1: between a frame count and ``HH:MM:SS:FF``, with and without drop frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from wetgate.spec import UsageError

_TEXT = re.compile(r"\s*(\d{1,2}):(\d\d):(\d\d)([:;.,])(\d\d{1,2}|\d)\s*\Z")


@dataclass(frozen=True, slots=True)
class Count:
    """Frames since midnight in a time code of ``nominal`` frames a second (24, 25, 30, 50, 60...).

    ``drop`` frames: the first two numbers (four at 60) of each minute that is no multiple of ten are left out, which
    keeps 30000/1001 to the clock (ST 12-1, 6.2.3).
    """

    frames: int
    nominal: int
    drop: bool = False

    def __str__(self) -> str:
        frames, skip = self.frames, self._skip
        if skip:
            tens, rest = divmod(frames, 600 * self.nominal - 9 * skip)
            minutes = max(0, rest - skip) // (60 * self.nominal - skip)
            frames += skip * (9 * tens + minutes)
        seconds, ff = divmod(frames, self.nominal)
        minutes, ss = divmod(seconds, 60)
        hours, mm = divmod(minutes, 60)
        return f"{hours % 24:02d}:{mm:02d}:{ss:02d}{';' if self.drop else ':'}{ff:02d}"

    def plus(self, frames: int) -> Count:
        """That many frames later, past midnight from zero again."""
        day = 24 * 3600 * self.nominal - self._skip * 9 * 6 * 24
        return Count((self.frames + frames) % day, self.nominal, self.drop)

    @property
    def _skip(self) -> int:
        return self.nominal // 15 if self.drop else 0


def parse_timecode(text: str, rate: Fraction) -> Count:
    """Read ``HH:MM:SS:FF``, or ``HH:MM:SS;FF`` for drop frame, at ``rate`` frames a second.

    Raises :class:`UsageError` for a text, a number or a combination that does not exist at that rate.
    """
    nominal = max(1, round(rate))
    found = _TEXT.match(text)
    if found is None:
        raise UsageError(f"time code {text!r}", allowed="HH:MM:SS:FF, or HH:MM:SS;FF for drop frame")
    hh, mm, ss, ff = int(found[1]), int(found[2]), int(found[3]), int(found[5])
    drop = found[4] != ":"
    if hh > 23 or mm > 59 or ss > 59 or ff >= nominal:
        raise UsageError(f"time code {text!r} does not exist at {nominal} frames a second")
    if drop and nominal not in (30, 60):
        raise UsageError(
            f"time code {text!r} drops frames at {nominal} frames a second",
            allowed="drop frame at 30000/1001 and 60000/1001",
            remedy="write a colon before the frames",
        )
    skip = nominal // 15 if drop else 0
    if drop and ss == 0 and ff < skip and mm % 10:
        raise UsageError(f"time code {text!r} is one that drop frame leaves out")
    minutes = 60 * hh + mm
    frames = (60 * minutes + ss) * nominal + ff - skip * (minutes - minutes // 10)
    return Count(frames, nominal, drop)
