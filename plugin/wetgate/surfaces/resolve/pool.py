"""The media pool: its folders, and the clips in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wetgate.spec import HostError
from wetgate.surfaces.resolve.calls import SLOW_LIMIT_S, Handle

RECORD_KEY = "wetgate"  # the third-party metadata key that says what a clip of ours was made from


class Clip(Handle):
    """A clip of the media pool."""

    __slots__ = ()

    @classmethod
    def of(cls, raw: Any, beside: Handle) -> Clip:
        name = beside.gate.run("GetName of a clip", lambda: raw.GetName())
        return cls(raw, beside.gate, f"the clip {name!r}")

    @property
    def name(self) -> str:
        return str(self.ask("GetName") or "")

    @property
    def id(self) -> str:
        """What tells this clip from every other; the object itself is another one after every call."""
        return str(self.need("GetUniqueId"))

    def properties(self) -> dict[str, str]:
        """Every clip property as text."""
        return {str(k): str(v) for k, v in (self.ask("GetClipProperty") or {}).items()}

    def property(self, key: str) -> str:
        return str(self.ask("GetClipProperty", key) or "")

    def set_property(self, key: str, value: str) -> bool:
        """Whether the clip has the value afterwards. (The call is known to return True without an effect, and False
        with one.)"""
        if self.property(key) == value:
            return True
        self.ask("SetClipProperty", key, value)
        return self.property(key) == value

    def metadata(self) -> dict[str, str]:
        return {str(k): str(v) for k, v in (self.ask("GetMetadata") or {}).items()}

    def set_metadata(self, values: Mapping[str, str]) -> None:
        if values:
            self.ask("SetMetadata", dict(values))

    def record(self) -> str:
        """What we wrote about it, "" where it is none of ours."""
        return str(self.ask("GetThirdPartyMetadata", RECORD_KEY) or "")

    def third_party(self) -> dict[str, str]:
        found = self.ask("GetThirdPartyMetadata")
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}

    def set_third_party(self, values: Mapping[str, str]) -> None:
        if values:
            self.ask("SetThirdPartyMetadata", dict(values))

    def replace(self, path: str) -> None:
        """Put another file under the clip. Its colour space and its metadata are lost by it."""
        method = "ReplaceClipPreserveSubClip" if self.has("ReplaceClipPreserveSubClip") else "ReplaceClip"
        self.need(method, path, limit=SLOW_LIMIT_S, remedy="check that Resolve can read the files")


class Folder(Handle):
    """A bin."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return str(self.ask("GetName") or "")

    @property
    def id(self) -> str:
        return str(self.ask("GetUniqueId") or self.name)

    def clips(self) -> list[Clip]:
        return [Clip.of(raw, self) for raw in self.ask("GetClipList") or []]

    def folders(self) -> list[Folder]:
        return [Folder(raw, self.gate, "a bin") for raw in self.ask("GetSubFolderList") or []]

    def everything(self) -> list[Clip]:
        """The clips of this bin and of those in it."""
        return [*self.clips(), *(clip for folder in self.folders() for clip in folder.everything())]


class Pool(Handle):
    """The media pool of a project."""

    __slots__ = ()

    def root(self) -> Folder:
        return Folder(self.need("GetRootFolder"), self.gate, "the master bin")

    def current(self) -> Folder:
        return Folder(self.need("GetCurrentFolder"), self.gate, "the current bin")

    def open(self, folder: Folder) -> None:
        self.need("SetCurrentFolder", folder.raw)

    def find(self, folder_id: str) -> Folder | None:
        """The bin of that id."""
        waiting = [self.root()]
        while waiting:
            folder = waiting.pop()
            if folder.id == folder_id:
                return folder
            waiting.extend(folder.folders())
        return None

    def bin(self, name: str) -> Folder:
        """The bin of that name under the master bin, made where it is not there."""
        root = self.root()
        for folder in root.folders():
            if folder.name == name:
                return folder
        self.need("AddSubFolder", root.raw, name, remedy="check that the project is not read-only")
        for folder in root.folders():
            if folder.name == name:
                return folder
        raise HostError(f"Resolve did not make the bin {name!r}", remedy="make it by hand, then run this again")

    def import_sequence(self, path: str, first: int, last: int) -> Clip:
        """Import a numbered sequence (``plate.%04d.exr``) into the current bin as one clip.

        Raises :class:`HostError` where Resolve makes no clip of it, or several.
        """
        found = self.need(
            "ImportMedia",
            [{"FilePath": path, "StartIndex": first, "EndIndex": last}],
            limit=SLOW_LIMIT_S,
            remedy=f"check that Resolve can read {path}, and that its Media Storage does not show individual frames",
        )
        clips = [Clip.of(raw, self) for raw in found if raw]
        if len(clips) != 1:
            raise HostError(
                f"Resolve imported {path} as {len(clips)} clips",
                allowed="one",
                remedy="turn off 'Show Individual Frames' in the Media page's menu, delete them, and run this again",
            )
        return clips[0]

    def append(self, placements: Sequence[Mapping[str, Any]]) -> None:
        """Put clips on the open timeline. What came of it must be read from the track: the list that the call returns
        may hold nothing, or items that are not there, and a place that is taken is passed over in silence."""
        self.ask("AppendToTimeline", [dict(p) for p in placements], limit=SLOW_LIMIT_S)
