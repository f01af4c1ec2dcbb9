"""What a timeline's media reference points at, on this machine's disks, and references to new media.

Paths come in four forms: a bare path (DaVinci Resolve's ``target_url`` is one), a ``file:`` URL, a pattern
(``plate.%04d.exr``, Resolve's ``plate.[1001-1100].exr``, a sequence's first file), and OpenTimelineIO's own
``ImageSequenceReference``. Relative ones start at the timeline's folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from wetgate.io.pattern import PICTURE_SUFFIXES, Pattern, parse_pattern, sequences
from wetgate.io.source import MOVIE_SUFFIXES
from wetgate.spec import UsageError, WetgateError

Dialect = Literal["resolve", "otio"]
DIALECTS: tuple[Dialect, ...] = ("resolve", "otio")

_NUMBERED = re.compile(r"(.*?)(\d+)(\.[A-Za-z]\w*)\Z")
_PRINTF = re.compile(r"%(0?\d*d)")  # %04d in a URL is a frame field, not an escape
_LOOK_AT_MOST = 200_000  # files in a folder of --media


@dataclass(frozen=True, slots=True)
class Place:
    """Where media lie: what :func:`wetgate.io.open_source` opens, the number of the first frame of the reference's
    available range where the reference says it, and how far apart its frame numbers are."""

    spec: str
    first: int | None = None
    step: int = 1


def place_of(reference: Any, folder: Path, frames: int) -> Place:
    """The place that a media reference names. ``frames`` is how many frames the clip uses: a numbered picture of which
    more than one is used is the first of a sequence.

    Raises :class:`UsageError` where the reference names no file.
    """
    kind = reference.schema_name() if reference is not None else "MissingReference"
    if kind == "ImageSequenceReference":
        base = _local(str(reference.target_url_base or ""), folder)
        pattern = Pattern(base, reference.name_prefix, reference.name_suffix, max(1, reference.frame_zero_padding))
        return Place(_spec(pattern), int(reference.start_frame), max(1, int(reference.frame_step)))
    if kind == "ExternalReference":
        return _external(_local(str(reference.target_url or ""), folder), frames)
    if kind == "GeneratorReference":
        raise UsageError(f"it is generated ({reference.generator_kind}), not footage")
    raise UsageError("it has no media: a title, a generator, or footage that is offline", remedy="--media FOLDER")


def _external(path: Path, frames: int) -> Place:
    if path.suffix.lower() in MOVIE_SUFFIXES:
        return Place(str(path), 0)
    pattern = parse_pattern(path)
    if pattern is not None:
        return Place(_spec(pattern), pattern.numbers[0] if pattern.numbers else None)
    found = _NUMBERED.match(path.name)
    if frames > 1 and found and path.suffix.lower() in PICTURE_SUFFIXES:
        pattern = Pattern(path.parent, found[1], found[3], len(found[2]))
        if path.parent.is_dir() and len(pattern.found()) > 1:
            return Place(_spec(pattern), int(found[2]))
    return Place(str(path))


def _spec(pattern: Pattern) -> str:
    """One name for a sequence, however it was named."""
    return str(pattern.folder / pattern.label)


def _local(url: str, folder: Path) -> Path:
    """The path of a URL or a bare path, absolute."""
    if not url.lower().startswith("file:"):
        if re.match(r"[a-z][a-z0-9+.-]+://", url, re.IGNORECASE):
            raise UsageError(f"its media are at {url}, which is no file", remedy="copy them here, and name --media")
        return _absolute(folder / url)
    fields = _PRINTF.findall(url)
    text = unquote(urlsplit(_PRINTF.sub("\0", url)).path)
    for field in fields:
        text = text.replace("\0", f"%{field}", 1)
    return _absolute(folder / (text[1:] if re.match(r"/[A-Za-z]:", text) else text))


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  (resolve() would follow the links of a project's folders)


def exists(place: Place) -> bool:
    """Whether anything of the media is there."""
    path = Path(place.spec)
    pattern = None if path.suffix.lower() in MOVIE_SUFFIXES else parse_pattern(path)
    if pattern is None:
        return path.is_file()
    return pattern.folder.is_dir() and bool(pattern.found())


class MediaFolders:
    """Folders to look for media in that are not where the timeline says, and for reels of an EDL. Looked through once,
    when the first clip asks."""

    def __init__(self, folders: Sequence[Path]) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise UsageError(f"there is no folder {str(folder)!r}", where="--media", remedy="check the path")
        self._folders = folders
        self._known: dict[str, list[str]] | None = None

    def find(self, names: Iterable[str]) -> str | None:
        """The media of the first of these names that is there: file names, sequence names, or clip and reel names
        without a suffix. Raises :class:`UsageError` where a name is there more than once."""
        if not self._folders:
            return None
        known = self._index()
        for name in names:
            found = known.get(name.lower(), []) if name else []
            if len(found) > 1:
                raise UsageError(
                    f"{name} is there {len(found)} times: {', '.join(found[:4])}",
                    where="--media",
                    remedy="name a folder that holds it once",
                )
            if found:
                return found[0]
        return None

    def _index(self) -> dict[str, list[str]]:
        if self._known is None:
            self._known = {}
            for folder in self._folders:
                for spec, keys in _media_under(folder):
                    for key in keys:
                        places = self._known.setdefault(key.lower(), [])
                        if spec not in places:
                            places.append(spec)
        return self._known


def names_to_look_for(clip: Any, place: Place | None) -> list[str]:
    """The names by which a clip's media may be known, best first: its file's, its own, its reel's."""
    names = []
    if place is not None:
        path = Path(place.spec)
        names += [path.name, _bare_name(path)]
    reel = clip.metadata.get("cmx_3600", {}).get("reel", "")
    for said in (clip.name, getattr(clip.media_reference, "name", ""), reel):
        if said and str(said) != "AX":  # CMX 3600: an auxiliary source, no reel's name
            names.append(str(said))
            if Path(str(said)).suffix.lower() in PICTURE_SUFFIXES | MOVIE_SUFFIXES:
                names.append(_bare_name(Path(str(said))))
    return names


def _media_under(folder: Path) -> Iterator[tuple[str, list[str]]]:
    seen = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        seen += len(files)
        if seen > _LOOK_AT_MOST:
            raise UsageError(
                f"{folder} holds more than {_LOOK_AT_MOST:,} files", where="--media", remedy="name a folder below it"
            )
        for name in sorted(files):
            if Path(name).suffix.lower() in MOVIE_SUFFIXES:
                yield str(Path(place, name)), [name, Path(name).stem]
        try:
            found = sequences(Path(place))
        except WetgateError:  # a sequence in two paddings cannot be told by its name
            continue
        for pattern in found:
            spec = Path(place, pattern.label)
            yield str(spec), [pattern.label, _bare_name(spec), *(pattern.name(n) for n in pattern.found())]


def _bare_name(path: Path) -> str:
    """A name without frame field and suffix: ``A001C003`` of ``A001C003.[0-99].exr``."""
    pattern = None if path.suffix.lower() in MOVIE_SUFFIXES else parse_pattern(path)
    return path.stem if pattern is None else pattern.head.rstrip("._- ") or path.parent.name


def media_name(spec: str) -> str:
    """The name that results of this media are filed under."""
    return re.sub(r"[^\w.-]+", "_", _bare_name(Path(spec))).strip("._") or "media"


def new_reference(output: str, run: tuple[int, int], step: int, available: Any, dialect: Dialect) -> Any:
    """A reference to frames ``run`` (first, last) of a rendered sequence, or to one picture.

    ``resolve`` writes a bare path, of a sequence as ``plate.[1001-1100].exr``, because DaVinci Resolve does not accept
    an ``ImageSequenceReference``; ``otio`` writes OpenTimelineIO's own form, for everything else.
    """
    import opentimelineio as otio

    path = Path(output).absolute()
    pattern = parse_pattern(path)
    if pattern is None:
        return otio.schema.ExternalReference(target_url=_url(path, dialect), available_range=available)
    first, last = run
    if dialect == "resolve":
        name = f"{pattern.head}[{first:0{pattern.width}d}-{last:0{pattern.width}d}]{pattern.tail}"
        return otio.schema.ExternalReference(target_url=str(path.parent / name), available_range=available)
    return otio.schema.ImageSequenceReference(
        target_url_base=_url(path.parent, dialect) + "/",
        name_prefix=pattern.head,
        name_suffix=pattern.tail,
        start_frame=first,
        frame_step=step,
        rate=available.duration.rate,
        frame_zero_padding=pattern.width,
        missing_frame_policy=otio.schema.ImageSequenceReference.MissingFramePolicy.error,
        available_range=available,
    )


def _url(path: Path, dialect: Dialect) -> str:
    return str(path) if dialect == "resolve" else path.as_uri()
