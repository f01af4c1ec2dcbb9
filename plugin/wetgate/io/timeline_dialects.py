"""What OpenTimelineIO's adapters for other editors' files leave out, read from those files themselves.

Final Cut's XML since version 1.9 keeps the media's place in a ``media-rep`` of the asset, where the adapter does not
look for it; a sequence's start becomes a gap at its head; and neither that adapter nor the one for Final Cut Pro 7
tells of a changed speed or a disabled clip.
Which frames a retimed clip of these formats shows depends on the program that wrote it, so such a clip gets an effect
that nobody can take for a constant speed, and keeps its media. Multicam clips, synchronised clips and auditions, which
the adapter drops or puts in the wrong place, are refused: a timeline without them would not be the edit.
Source: Apple, "Final Cut Pro X XML" reference (``asset``, ``media-rep``, ``timeMap``, ``conform-rate``), and "Final Cut
Pro 7 XML Interchange Format" (``clipitem``, the effect ``timeremap``).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from wetgate.spec import UsageError

RETIMED = "retimed"  # name of the effect that stands for a speed whose frames the file does not tell
_CLIPS = {"clip", "asset-clip", "video", "ref-clip"}
_LOST = {"mc-clip": "multicam", "sync-clip": "synchronised", "audition": "audition"}
# A private character: clips' names carry what the adapter drops through it, and lose it again.
_MARK = "\ue0f5"


def fcpxml_text(path: Path) -> str:
    """A Final Cut XML file as the adapter reads it whole: places of media on their assets, and what it would drop of a
    clip on the clip's name, for :func:`after_fcpxml`. Raises :class:`UsageError` for clips that it would lose whole."""
    tree = ElementTree.parse(path)
    lost = [f"{c.get('name', 'unnamed')} ({_LOST[c.tag]})" for c in tree.iterfind(".//sequence//*") if c.tag in _LOST]
    if lost:
        raise UsageError(
            f"{path.name} has clips that OpenTimelineIO's adapter for Final Cut's XML does not read: {', '.join(lost)}",
            where=str(path),
            remedy="flatten them in the editor, or export the timeline as OpenTimelineIO (.otio)",
        )
    for asset in tree.iter("asset"):
        found = asset.find("media-rep[@kind='original-media']")
        if found is None:
            found = asset.find("media-rep")
        if not asset.get("src") and found is not None:
            asset.set("src", found.get("src", ""))
    for clip in tree.iter():
        if clip.tag in _CLIPS:
            marks = [RETIMED] * _is_retimed(clip) + ["disabled"] * (clip.get("enabled") == "0")
            if marks:
                clip.set("name", _MARK.join([clip.get("name", ""), *marks]))
    return ElementTree.tostring(tree.getroot(), encoding="unicode")


def _is_retimed(clip: ElementTree.Element) -> bool:
    conform = clip.find("conform-rate")
    if conform is not None and conform.get("scaleEnabled", "1") != "0":
        return True
    points = [(_seconds(p.get("time")), _seconds(p.get("value"))) for p in clip.iterfind("timeMap/timept")]
    return any(b[1] - a[1] != b[0] - a[0] for a, b in pairwise(points))


def _seconds(text: str | None) -> Fraction:
    return Fraction((text or "0s").rstrip("s"))


def after_fcpxml(root: Any, text: str) -> None:
    """Put what :func:`fcpxml_text` noted where it belongs, and the sequences' start times in place of gaps."""
    import opentimelineio as otio

    for clip in root.find_clips():
        name, *marks = str(clip.name or "").split(_MARK)
        if marks:
            clip.name = name
            clip.enabled = clip.enabled and "disabled" not in marks
            if RETIMED in marks:
                clip.effects.append(otio.schema.TimeEffect(effect_name=RETIMED))
    starts = [_seconds(s.get("tcStart")) for s in ElementTree.fromstring(text).iterfind(".//project/sequence")]
    for timeline, start in zip(timelines_in(root), starts, strict=False):
        if start:
            _begin_at(timeline, start)


def _begin_at(timeline: Any, start: Fraction) -> None:
    """Take the time before a sequence's start from the gap at the head of every track."""
    import opentimelineio as otio

    rate = next((c.source_range.duration.rate for c in timeline.find_clips() if c.source_range is not None), 24.0)
    length = otio.opentime.RationalTime(float(start * Fraction(rate).limit_denominator(1001)), rate)
    heads = [track[0] if len(track) else None for track in timeline.tracks]
    gaps = [h for h in heads if isinstance(h, otio.schema.Gap) and h.duration() >= length]
    if len(gaps) < len([h for h in heads if h is not None]):
        return  # some program counts from 0 all the same
    for gap in gaps:
        left = gap.duration() - length
        if left.value > 0:
            gap.source_range = otio.opentime.TimeRange(gap.source_range.start_time, left)
        else:
            gap.parent().remove(gap)
    timeline.global_start_time = length


def after_fcp7(root: Any) -> None:
    """Tell of retimed and disabled clips as OpenTimelineIO does."""
    import opentimelineio as otio

    for clip in root.find_clips():
        table = clip.metadata.get("fcp_xml", {})
        clip.enabled = clip.enabled and str(table.get("enabled", "TRUE")).upper() != "FALSE"
        if any(_is_remapped(effect) for effect in clip.effects):
            clip.effects.append(otio.schema.TimeEffect(effect_name=RETIMED))


def _is_remapped(effect: Any) -> bool:
    table = effect.metadata.get("fcp_xml", {})
    if table.get("effectid") != "timeremap":
        return False
    found = {str(p.get("parameterid", "")): str(p.get("value", "")) for p in _listed(table.get("parameter", []))}
    plain = found.get("variablespeed", "0") in ("0", "FALSE") and found.get("reverse", "FALSE").upper() == "FALSE"
    return not (plain and float(found.get("speed", "100") or 100) == 100)


def _listed(value: Any) -> Iterator[Any]:
    """One parameter comes by itself, several as a list."""
    yield from [value] if hasattr(value, "items") else value


def timelines_in(root: Any) -> list[Any]:
    """The timelines of a file's root object, which may be a collection."""
    import opentimelineio as otio

    if isinstance(root, otio.schema.Timeline):
        return [root]
    return list(root.find_children(otio.schema.Timeline)) if hasattr(root, "find_children") else []


def only_timeline(root: Any, path: Path) -> Any:
    """The one timeline of a collection; what holds none is worked as it is. Raises :class:`UsageError` for several."""
    found = timelines_in(root)
    if len(found) > 1:
        names = ", ".join(str(t.name or "unnamed") for t in found[:6])
        raise UsageError(f"{path.name} holds {len(found)} timelines: {names}", where=str(path), remedy="export one")
    return found[0] if found else root
