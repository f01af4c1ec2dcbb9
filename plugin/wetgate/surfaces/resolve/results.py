"""A rendered range as a clip of the media pool: imported once, and told its colour, its rate and where it is from."""

from __future__ import annotations

import json
from pathlib import Path

from wetgate.engine.outputs import stem_of
from wetgate.io.pattern import parse_pattern
from wetgate.spec import HostError, WetgateError
from wetgate.surfaces.resolve.app import rate_of
from wetgate.surfaces.resolve.marks import Record, parse_record
from wetgate.surfaces.resolve.media import Medium, medium_of
from wetgate.surfaces.resolve.plan import Job, Result
from wetgate.surfaces.resolve.pool import RECORD_KEY, Clip, Folder, Pool
from wetgate.surfaces.resolve.spaces import Tagged


def record_of(job: Job, result: Result) -> Record:
    """What markers and clips carry about a job."""
    return Record(
        job=job.key,
        source=job.source,
        frames=(job.first, job.last),
        output=job.output,
        record=f"{stem_of(job.output)}.wetgate.json",
        graph=job.label,
        result=result,
    )


def is_ours(clip: Clip, folder: Path) -> bool:
    """Whether a clip is a result: it says so, or its files lie in the folder of results."""
    if parse_record(clip.record()) is not None:
        return True
    path = clip.property("File Path")
    return bool(path) and Path(path).is_relative_to(folder.absolute())


def result_clip(job: Job, result: Result, pool: Pool, bin_name: str) -> Clip:
    """The job's clip in our bin, imported where it is not there yet, and tagged.

    Raises :class:`HostError` where Resolve does not take it as it is meant: nothing may go on a timeline in a wrong
    colour.
    """
    folder = pool.bin(bin_name)
    clip = find(job, folder)
    if clip is None:
        if pool.current().id != folder.id:
            pool.open(folder)
        clip = pool.import_sequence(job.output, job.first, job.last)
    shown = demand_frames(clip, job)
    source = job.uses[0]
    set_rate(clip, shown, source.medium)
    copy_metadata(clip, source.clip)
    set_tag(clip, job.tag)
    write_record(clip, record_of(job, result))
    return clip


def find(job: Job, folder: Folder) -> Clip | None:
    """The clip that an earlier run imported for this range."""
    return next((clip for clip in folder.clips() if _is_of(clip.property("File Path"), job)), None)


def _is_of(path: str, job: Job) -> bool:
    """Whether a clip's path names this job's frames: ``/out/a.[1001-1040].exr``, or the file of a single frame."""
    wanted = parse_pattern(job.output)
    if wanted is None or not path:
        return False
    if path == str(wanted.path(job.first)):
        return job.first == job.last
    try:
        found = parse_pattern(path)
    except WetgateError:
        return False
    if found is None or not found.numbers:
        return False
    same = (found.folder, found.head, found.tail) == (wanted.folder, wanted.head, wanted.tail)
    return same and (found.numbers[0], found.numbers[-1]) == (job.first, job.last)


def demand_frames(clip: Clip, job: Job) -> Medium:
    """What Resolve made of the files. Raises :class:`HostError` where it is not the frames that were rendered."""
    medium = medium_of(clip.properties())
    if medium is None or medium.frames != job.count or medium.number(0) != job.first:
        found = "nothing" if medium is None else f"{medium.frames} frames from {medium.number(0)} on"
        raise HostError(
            f"Resolve reads {found} of {job.output}",
            allowed=f"{job.count} frames from {job.first} on",
            remedy="delete the clip from its bin, and run this again",
        )
    return medium


def set_rate(clip: Clip, shown: Medium, source: Medium) -> None:
    """The source's frame rate: an image sequence takes the project's unless it is told."""
    if shown.rate == source.rate:
        return
    text = f"{float(source.rate):.3f}".rstrip("0").rstrip(".")
    clip.set_property("FPS", text)
    now = clip.property("FPS")
    if rate_of(now, "FPS") != source.rate:
        raise HostError(
            f"Resolve plays {clip.label} at {now} frames a second",
            allowed=text,
            remedy="set the frame rate in its Clip Attributes, and run this again",
        )


def set_tag(clip: Clip, tag: Tagged) -> None:
    """What its pixels are. Resolve would show them in a wrong colour otherwise, so this must hold."""
    for key, value in tag.properties.items():
        if not clip.set_property(key, value):
            raise HostError(
                f"Resolve leaves {key} of {clip.label} at {clip.property(key)!r}",
                allowed=value,
                remedy=f"set it to {value} in the media pool, and run this again",
            )


def copy_metadata(clip: Clip, source: Clip) -> None:
    """Scene, take, reel and the rest, as the source has them."""
    now = clip.metadata()
    clip.set_metadata({k: v for k, v in source.metadata().items() if v and now.get(k) != v})


def write_record(clip: Clip, record: Record) -> None:
    """Where it is from, in the clip's own metadata."""
    text = json.dumps(record.to_json(), sort_keys=True)
    if clip.record() != text:
        clip.set_third_party({RECORD_KEY: text})
