"""The API of the fake. Objects are new at every call, lists are counted from 1, and errors are None or False."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from hosts.fake_resolve.state import FILE, State

# Methods and the version that brought them; what is not listed was always there.
SINCE: dict[str, tuple[int, ...]] = {
    "Resolve.GetCurrentProject": (21, 1),
    "Resolve.GetCurrentTimeline": (21, 1),
    "Resolve.GetMediaPool": (21, 1),
    "Resolve.IsStudio": (21, 1),
    "Project.GetSettings": (21, 1),
    "Project.SetSettings": (21, 1),
    "Timeline.GetSettings": (21, 1),
    "Timeline.SetSettings": (21, 1),
    "Timeline.GetSelectedClips": (21, 0, 4),
    "TimelineItem.GetProperties": (21, 1),
    "TimelineItem.GetType": (21, 1),
    "TimelineItem.GetSpeed": (21, 1),
    "MediaPoolItem.ReplaceClipPreserveSubClip": (20, 0),
}
# What 21.1 still takes, though a new form is there.
DEPRECATED = {
    "Project.GetSetting",
    "Project.SetSetting",
    "Timeline.GetSetting",
    "Timeline.SetSetting",
    "TimelineItem.GetProperty",
}
SPACES = (
    "Project",
    "Rec.709 Gamma 2.4",
    "Rec.709 (Scene)",
    "sRGB",
    "Rec.2100 ST2084",
    "Rec.2100 HLG",
    "ACEScg",
    "ACES (AP0)",
    "ARRI LogC3",
)


def changes(method: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a call that may change something: the state is kept after it, and the process may be killed then."""

    def call(self: Proxy, *arguments: Any) -> Any:
        result = method(self, *arguments)
        self.state.changed(f"{type(self).__name__}.{method.__name__}")
        return result

    call.__name__ = method.__name__
    return call


class Proxy:
    """An object of the API. ``dir`` tells which methods there are; any other name is found as well, and is None."""

    def __init__(self, state: State, key: str = "") -> None:
        self.state = state
        self.key = key

    @property
    def data(self) -> dict[str, Any]:
        return self.state.fresh()

    def _knows(self, name: str) -> bool:
        full = f"{type(self).__name__}.{name}"
        return tuple(self.data["version"]) >= SINCE.get(full, (0,))

    def __dir__(self) -> list[str]:
        return [n for n in super().__dir__() if n[:1].isupper() and self._knows(n)]

    def __getattribute__(self, name: str) -> Any:
        if not name[:1].isupper():
            return super().__getattribute__(name)
        if not self._knows(name):
            return None
        full = f"{type(self).__name__}.{name}"
        if full in DEPRECATED and tuple(self.data["version"]) >= (21, 1):
            self.data["deprecated"].append(full)
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        return None


class Resolve(Proxy):
    EXPORT_NONE = 0

    def GetVersion(self) -> list[Any]:
        return [*self.data["version"], ""]

    def GetVersionString(self) -> str:
        return ".".join(map(str, self.data["version"]))

    def GetProductName(self) -> str:
        return self.data["product"]

    def IsStudio(self) -> bool:
        return "Studio" in self.data["product"]

    def GetProjectManager(self) -> ProjectManager:
        return ProjectManager(self.state)

    def GetCurrentProject(self) -> Project | None:
        return Project(self.state) if self.data["project"] else None

    def GetCurrentPage(self) -> str:
        return self.data["page"]

    @changes
    def OpenPage(self, name: str) -> bool:
        self.data["page"] = name
        return True

    def Fusion(self) -> None:
        return None


class ProjectManager(Proxy):
    def GetCurrentProject(self) -> Project | None:
        return Project(self.state) if self.data["project"] else None

    def GetProjectListInCurrentFolder(self) -> list[str]:
        return list(self.data["saved"])

    @changes
    def SaveProject(self) -> bool:
        if self.data["project"]["name"] not in self.data["saved"]:
            time.sleep(3600)  # waits for a name that nobody can give
        self.data["saves"] = self.data.get("saves", 0) + 1
        return True


def _set(proxy: Proxy, settings: dict[str, str], values: dict[str, str]) -> bool:
    """Key by key; what could be set stays set."""
    good = True
    for key, value in values.items():
        if key in proxy.state.quirk("sticky") or not isinstance(value, str):
            good = False
        else:
            settings[key] = value
    return good


class Project(Proxy):
    @property
    def mine(self) -> dict[str, Any]:
        return self.data["project"]

    def GetName(self) -> str:
        return self.mine["name"]

    def GetUniqueId(self) -> str:
        return self.mine["id"]

    def GetMediaPool(self) -> MediaPool:
        return MediaPool(self.state)

    def GetTimelineCount(self) -> int:
        return len(self.mine["timelines"])

    def GetTimelineByIndex(self, index: int) -> Timeline | None:
        timelines = self.mine["timelines"]
        return Timeline(self.state, timelines[index - 1]) if 1 <= index <= len(timelines) else None

    def GetCurrentTimeline(self) -> Timeline | None:
        return Timeline(self.state, self.mine["current"]) if self.mine["current"] else None

    @changes
    def SetCurrentTimeline(self, timeline: Timeline) -> bool:
        self.mine["current"] = timeline.key
        return True

    def GetSetting(self, key: str = "") -> Any:
        return self.mine["settings"].get(key, "") if key else dict(self.mine["settings"])

    def GetSettings(self) -> dict[str, str]:
        return dict(self.mine["settings"])

    @changes
    def SetSetting(self, key: str, value: str) -> bool:
        return _set(self, self.mine["settings"], {key: value})

    @changes
    def SetSettings(self, values: dict[str, str]) -> bool:
        return _set(self, self.mine["settings"], values)

    # --- the render queue: hosts.fake_resolve.queue

    def GetRenderPresetList(self) -> list[dict[str, str]]:
        return [{"RenderPresetName": n} for n in ("Audio Only", "H.264 Master", "ProRes Master")]

    @changes
    def LoadRenderPreset(self, name: str) -> bool:
        known = [p["RenderPresetName"] for p in self.GetRenderPresetList()]
        if name in known:
            self.data["render"].update(
                preset=name, format="mov", codec="H264", settings={"ExportVideo": name != known[0]}
            )
        return name in known

    def GetRenderFormats(self) -> dict[str, str]:
        return {"EXR": "exr", "QuickTime": "mov"}

    def GetRenderCodecs(self, format_: str) -> dict[str, str]:
        return (
            {"RGB half (ZIP)": "RGBHalfZIP", "RGB float": "RGBFloat", "RGB half": "RGBHalf"} if format_ == "exr" else {}
        )

    @changes
    def SetCurrentRenderFormatAndCodec(self, format_: str, codec: str) -> bool:
        good = codec in self.GetRenderCodecs(format_).values()
        if good:
            self.data["render"].update(format=format_, codec=codec)
        return good

    @changes
    def SetCurrentRenderMode(self, mode: int) -> bool:
        self.data["render"]["mode"] = mode
        return True

    @changes
    def SetRenderSettings(self, values: dict[str, Any]) -> bool:
        self.data["render"]["settings"].update(values)
        return True

    @changes
    def AddRenderJob(self) -> str:
        from hosts.fake_resolve import queue

        return queue.add(self.state, self.mine["current"])

    def GetRenderJobList(self) -> list[dict[str, Any]]:
        from hosts.fake_resolve import queue

        return queue.listed(self.state)

    @changes
    def StartRendering(self, jobs: list[str], is_interactive: bool = False) -> bool:
        from hosts.fake_resolve import queue

        return queue.start(self.state, jobs)

    @changes
    def StopRendering(self) -> None:
        from hosts.fake_resolve import queue

        queue.stop(self.state)

    def IsRenderingInProgress(self) -> bool:
        return any(j["state"] == "Rendering" for j in self.data["render"]["jobs"].values())

    def GetRenderJobStatus(self, job: str) -> dict[str, Any]:
        from hosts.fake_resolve import queue

        return queue.status(self.state, job)

    @changes
    def DeleteRenderJob(self, job: str) -> bool:
        render = self.data["render"]
        render["order"] = [j for j in render["order"] if j != job]
        return render["jobs"].pop(job, None) is not None


class Folder(Proxy):
    @property
    def mine(self) -> dict[str, Any]:
        return self.data["folders"][self.key]

    def GetName(self) -> str:
        return self.mine["name"]

    def GetUniqueId(self) -> str:
        return self.key

    def GetClipList(self) -> list[MediaPoolItem]:
        return [MediaPoolItem(self.state, key) for key in self.mine["clips"]]

    def GetSubFolderList(self) -> list[Folder]:
        return [Folder(self.state, key) for key in self.mine["folders"]]


class MediaPool(Proxy):
    def GetRootFolder(self) -> Folder:
        return Folder(self.state, "folder-0")

    def GetCurrentFolder(self) -> Folder:
        return Folder(self.state, self.data["current_folder"])

    @changes
    def SetCurrentFolder(self, folder: Folder) -> bool:
        self.data["current_folder"] = folder.key
        return True

    @changes
    def AddSubFolder(self, folder: Folder, name: str) -> Folder | None:
        key = self.state.new_id("folder")
        self.data["folders"][key] = {"name": name, "clips": [], "folders": []}
        self.data["folders"][folder.key]["folders"].append(key)
        self.data["current_folder"] = key  # as the Media page does
        return Folder(self.state, key)

    @changes
    def ImportMedia(self, wanted: list[Any]) -> list[MediaPoolItem] | None:
        made = []
        for one in wanted:
            if isinstance(one, dict):
                numbers = range(one["StartIndex"], one["EndIndex"] + 1)
                if not all(Path(one["FilePath"] % n).is_file() for n in numbers):
                    continue
                path = _bracket(one["FilePath"], one["StartIndex"], one["EndIndex"])
            else:
                path = one
            made.append(MediaPoolItem(self.state, add_clip(self.state, path, self.data["current_folder"])))
        return made or None

    @changes
    def AppendToTimeline(self, placements: list[dict[str, Any]]) -> list[TimelineItem | None]:
        timeline = self.data["timelines"][self.data["project"]["current"]]
        made: list[TimelineItem | None] = []
        for one in placements:
            clip = self.data["clips"][one["mediaPoolItem"].key]
            span = _span(self.state, clip, one["startFrame"], one["endFrame"], "append_end")
            if span is None:
                made.append(None)
                continue
            duration = _duration(timeline, clip, span[1] - span[0])
            track = timeline["tracks"][one.get("trackIndex", 1) - 1]
            items = [self.data["items"][k] for k in track["items"]]
            end = max((i["start"] + i["duration"] for i in items), default=timeline["start"])
            start = one.get("recordFrame", end)
            if any(i["start"] < start + duration and start < i["start"] + i["duration"] for i in items):
                made.append(None)  # the place is taken: nothing is said
                continue
            key = self.state.new_id("item")
            self.data["items"][key] = new_item(clip["name"], start, duration, one["mediaPoolItem"].key, span[0])
            track["items"].append(key)
            made.append(TimelineItem(self.state, key))
        return made

    @changes
    def CreateEmptyTimeline(self, name: str) -> Timeline | None:
        if any(t["name"] == name for t in self.data["timelines"].values()):
            return None
        key = self.state.new_id("timeline")
        settings = dict(self.data["project"]["settings"])
        self.data["timelines"][key] = new_timeline(name, settings)
        self.data["project"]["timelines"].append(key)
        self.data["project"]["current"] = key
        return Timeline(self.state, key)

    @changes
    def DeleteTimelines(self, timelines: list[Timeline]) -> bool:
        for timeline in timelines:
            self.data["project"]["timelines"].remove(timeline.key)
            if self.data["project"]["current"] == timeline.key:
                self.data["project"]["current"] = self.data["project"]["timelines"][0]
            del self.data["timelines"][timeline.key]
        return True


class _Marked(Proxy):
    def GetMarkers(self) -> dict[float, dict[str, Any]]:
        return {float(frame): dict(m) for frame, m in self.mine["markers"].items()}

    @changes
    def AddMarker(self, frame: int, color: str, name: str, note: str, duration: int, data: str = "") -> bool:
        if str(int(frame)) in self.mine["markers"]:
            return False
        marker = {"color": color, "duration": duration, "note": note, "name": name, "customData": data}
        self.mine["markers"][str(int(frame))] = marker
        return True


class MediaPoolItem(_Marked):
    @property
    def mine(self) -> dict[str, Any]:
        return self.data["clips"][self.key]

    def GetName(self) -> str:
        return self.mine["name"]

    def GetUniqueId(self) -> str:
        return self.key

    def GetClipProperty(self, key: str = "") -> Any:
        return self.mine["properties"].get(key, "") if key else dict(self.mine["properties"])

    @changes
    def SetClipProperty(self, key: str, value: Any) -> bool:
        properties = self.mine["properties"]
        if value in self.state.quirk("refused").get(key, []):
            return True  # and nothing happens
        if key == "FPS":
            properties["FPS"] = str(float(value))
            return True
        if key in ("Input Color Space", "IDT") and value in SPACES:
            properties[key] = value
            return True
        if key == "Clip Name":
            self.mine["name"] = value
            return False  # though it worked
        return False

    def GetMetadata(self, key: str = "") -> Any:
        return self.mine["metadata"].get(key, "") if key else dict(self.mine["metadata"])

    @changes
    def SetMetadata(self, values: dict[str, str]) -> bool:
        self.mine["metadata"].update(values)
        return True

    def GetThirdPartyMetadata(self, key: str = "") -> Any:
        return self.mine["third"].get(key, "") if key else dict(self.mine["third"])

    @changes
    def SetThirdPartyMetadata(self, values: dict[str, str]) -> bool:
        self.mine["third"].update(values)
        return True

    @changes
    def ReplaceClip(self, path: str) -> bool:
        return self._replace(path)

    @changes
    def ReplaceClipPreserveSubClip(self, path: str) -> bool:
        return self._replace(path)

    def _replace(self, path: str) -> bool:
        """Another file, and with it another colour space and other metadata."""
        found = _run_of(Path(path))
        if not found:
            return False
        self.mine.update(metadata={}, third={}, name=Path(found).name)
        self.mine["properties"] = properties_of(self.state, found)
        return True


class TimelineItem(_Marked):
    @property
    def mine(self) -> dict[str, Any]:
        return self.data["items"][self.key]

    def GetName(self) -> str:
        return self.mine["name"]

    def GetUniqueId(self) -> str:
        return self.key

    def GetStart(self) -> int:
        return self.mine["start"]

    def GetDuration(self) -> int:
        return self.mine["duration"]

    def GetEnd(self) -> int:
        return self.mine["start"] + self.mine["duration"]

    def GetLeftOffset(self) -> int | None:
        mine = self.mine
        return None if not mine["clip"] else round(mine["left"] / mine["speed"])  # in frames after the retime

    def GetSourceStartFrame(self) -> int:
        return 0 if self.mine["xml"] else self.mine["left"]

    def GetSourceEndFrame(self) -> int:
        mine = self.mine
        if mine["xml"] or not mine["clip"]:
            return 0
        clip = self.data["clips"][mine["clip"]]
        rate = _rate(clip["properties"]["FPS"]) / _timeline_rate(self.state)
        return mine["left"] + math.ceil(mine["duration"] * rate * Fraction(mine["speed"]))

    def GetType(self) -> str:
        return self.mine["kind"]

    def GetSpeed(self) -> dict[str, float]:
        return {"Speed": 100.0 * self.mine["speed"]}

    def GetClipEnabled(self) -> bool:
        return self.mine["enabled"]

    def GetFusionCompCount(self) -> int:
        return self.mine["comps"]

    def GetProperties(self) -> dict[str, Any]:
        return self._picture()

    def GetProperty(self, key: str = "") -> Any:
        return self._picture().get(key) if key else self._picture() or None

    def _picture(self) -> dict[str, Any]:
        """A transition has none, nor a generator."""
        return {"Pan": 0.0, "ZoomX": 1.0} if self.mine["clip"] or self.mine["comps"] else {}

    def GetMediaPoolItem(self) -> MediaPoolItem | None:
        return MediaPoolItem(self.state, self.mine["clip"]) if self.mine["clip"] else None

    def GetTrackTypeAndIndex(self) -> list[Any]:
        for timeline in self.data["timelines"].values():
            for index, track in enumerate(timeline["tracks"], 1):
                if self.key in track["items"]:
                    return ["video", index]
        return ["video", 0]

    @changes
    def AddTake(self, clip: MediaPoolItem, start: int | None = None, end: int | None = None) -> bool:
        found = self.data["clips"][clip.key]
        span = _span(self.state, found, start, end, "take_end")
        if span is None:
            return False
        mine = self.mine
        if not mine["takes"]:
            rate = _rate(self.data["clips"][mine["clip"]]["properties"]["FPS"]) / _timeline_rate(self.state)
            shown = math.ceil(mine["duration"] * rate)
            mine["takes"].append({"clip": mine["clip"], "start": mine["left"], "end": mine["left"] + shown})
            mine["selected"] = 1
        mine["takes"].append({"clip": clip.key, "start": span[0], "end": span[1]})
        return True

    def GetSelectedTakeIndex(self) -> int:
        return self.mine["selected"]

    def GetTakesCount(self) -> int:
        return len(self.mine["takes"])

    def GetTakeByIndex(self, index: int) -> dict[str, Any] | None:
        if not 1 <= index <= len(self.mine["takes"]):
            return None
        take = self.mine["takes"][index - 1]
        return {
            "mediaPoolItem": MediaPoolItem(self.state, take["clip"]),
            "startFrame": take["start"],
            "endFrame": take["end"],
        }

    @changes
    def SelectTakeByIndex(self, index: int) -> bool:
        mine = self.mine
        if not 1 <= index <= len(mine["takes"]):
            return False
        take = mine["takes"][index - 1]
        clip = self.data["clips"][take["clip"]]
        timeline = next(
            t for t in self.data["timelines"].values() for track in t["tracks"] if self.key in track["items"]
        )
        duration = _duration(timeline, clip, take["end"] - take["start"])
        mine.update(selected=index, clip=take["clip"], left=take["start"], duration=duration)
        return True

    @changes
    def DeleteTakeByIndex(self, index: int) -> bool:
        mine = self.mine
        if not 1 <= index <= len(mine["takes"]) or index == mine["selected"]:
            return False
        del mine["takes"][index - 1]
        if mine["selected"] > index:
            mine["selected"] -= 1
        if len(mine["takes"]) == 1:  # no takes to choose from
            mine.update(takes=[], selected=0)
        return True

    @changes
    def CopyGrades(self, items: list[TimelineItem]) -> bool:
        for item in items:
            item.mine["grade"] = self.mine["grade"]
        return True


class Timeline(_Marked):
    @property
    def mine(self) -> dict[str, Any]:
        return self.data["timelines"][self.key]

    def GetName(self) -> str:
        return self.mine["name"]

    def GetUniqueId(self) -> str:
        return self.key

    def GetStartFrame(self) -> int:
        return self.mine["start"]

    def GetStartTimecode(self) -> str:
        rate = round(_rate(self.mine["settings"]["timelineFrameRate"]))
        seconds, frames = divmod(self.mine["start"], rate)
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frames:02d}"

    @changes
    def SetStartTimecode(self, text: str) -> bool:
        rate = round(_rate(self.mine["settings"]["timelineFrameRate"]))
        hours, minutes, seconds, frames = (int(v) for v in re.split("[:;]", text))
        self.mine["start"] = ((hours * 60 + minutes) * 60 + seconds) * rate + frames
        return True

    def GetSetting(self, key: str = "") -> Any:
        return self.mine["settings"].get(key, "") if key else dict(self.mine["settings"])

    def GetSettings(self) -> dict[str, str]:
        return dict(self.mine["settings"])

    @changes
    def SetSetting(self, key: str, value: str) -> bool:
        return self._may_set([key]) and _set(self, self.mine["settings"], {key: value})

    @changes
    def SetSettings(self, values: dict[str, str]) -> bool:
        return self._may_set(list(values)) and _set(self, self.mine["settings"], values)

    def _may_set(self, keys: list[str]) -> bool:
        return "useCustomSettings" in keys or self.mine["settings"].get("useCustomSettings") == "1"

    def GetTrackCount(self, kind: str) -> int:
        return len(self.mine["tracks"]) if kind == "video" else 1

    def GetTrackName(self, kind: str, index: int) -> str:
        return self.mine["tracks"][index - 1]["name"]

    @changes
    def SetTrackName(self, kind: str, index: int, name: str) -> bool:
        self.mine["tracks"][index - 1]["name"] = name
        return True

    @changes
    def AddTrack(self, kind: str, options: Any = None) -> bool:
        tracks = self.mine["tracks"]
        at = len(tracks)
        if isinstance(options, dict):
            if not self.state.quirk("track_index"):
                return False
            at = options.get("index", at + 1) - 1
        tracks.insert(at, {"name": f"Video {len(tracks) + 1}", "items": []})
        return True

    def GetItemListInTrack(self, kind: str, index: int) -> list[TimelineItem] | None:
        if kind != "video" or not 1 <= index <= len(self.mine["tracks"]):
            return None
        return [TimelineItem(self.state, key) for key in self.mine["tracks"][index - 1]["items"]]

    def GetSelectedClips(self) -> list[TimelineItem]:
        return [TimelineItem(self.state, key) for key in self.data["selected"]]

    def GetCurrentVideoItem(self) -> TimelineItem | None:
        key = self.data["under_playhead"]
        return TimelineItem(self.state, key) if key else None

    @changes
    def DeleteClips(self, items: list[TimelineItem], ripple: bool = False) -> bool:
        if self.data["page"] != "edit":
            return False
        for item in items:
            for track in self.mine["tracks"]:
                track["items"] = [key for key in track["items"] if key != item.key]
            self.data["items"].pop(item.key, None)
        return True


# --- what the calls above do


def new_item(name: str, start: int, duration: int, clip: str, left: int, **more: Any) -> dict[str, Any]:
    item = {
        "name": name,
        "start": start,
        "duration": duration,
        "clip": clip,
        "left": left,
        "speed": 1,
        "xml": False,
        "kind": "video",
        "enabled": True,
        "comps": 0,
        "markers": {},
        "takes": [],
        "selected": 0,
        "grade": "",
    }
    return item | more


def new_timeline(name: str, settings: dict[str, str], start: int = 86400) -> dict[str, Any]:
    tracks = [{"name": "Video 1", "items": []}]
    return {"name": name, "start": start, "settings": settings, "tracks": tracks, "markers": {}}


def add_clip(state: State, path: str, folder: str) -> str:
    key = state.new_id("clip")
    clip = {
        "name": Path(path).name,
        "metadata": {},
        "third": {},
        "markers": {},
        "properties": properties_of(state, path),
    }
    state.data["clips"][key] = clip
    state.data["folders"][folder]["clips"].append(key)
    return key


def properties_of(state: State, path: str) -> dict[str, str]:
    """Clip properties of files as Resolve reads them: a sequence has the project's rate."""
    first, last = _ends(path)
    rate = state.data["project"]["settings"].get("timelineFrameRate", "24")
    return {
        "File Path": path,
        "File Name": Path(path).name,
        "Clip Directory": str(Path(path).parent),
        "Frames": str(last - first + 1),
        "Start": str(first),
        "End": str(last),
        "FPS": str(float(_rate(rate))),
        "Start TC": "",
        "Resolution": "64x36",
        "Type": "Video",
        "Online Status": "Online",
        "Input Color Space": "Project",
        "Input Gamma": "Project",
        "IDT": "Project",
        "Video Codec": "RGB half",
    }


def _ends(path: str) -> tuple[int, int]:
    match = re.search(r"\[(\d+)-(\d+)\]", path)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _bracket(pattern: str, first: int, last: int) -> str:
    match = re.search(r"%0?(\d*)d", pattern)
    assert match is not None
    width = int(match[1] or 1)
    return f"{pattern[: match.start()]}[{first:0{width}d}-{last:0{width}d}]{pattern[match.end() :]}"


def _run_of(path: Path) -> str:
    """The sequence that a file belongs to, all of it, as a path with brackets; "" where there is no file."""
    match = re.fullmatch(r"(.*?)(\d+)(\.\w+)", path.name)
    if not path.is_file() or match is None:
        return str(path) if path.is_file() else ""
    width = len(match[2])
    numbers = sorted(
        int(found[1])
        for other in path.parent.iterdir()
        if (found := re.fullmatch(rf"{re.escape(match[1])}(\d{{{width}}}){re.escape(match[3])}", other.name))
    )
    return str(path.parent / f"{match[1]}[{numbers[0]:0{width}d}-{numbers[-1]:0{width}d}]{match[3]}")


def _rate(text: Any) -> Fraction:
    value = Fraction(str(text).replace("DF", "").strip())
    ntsc = {Fraction("23.976"): Fraction(24000, 1001), Fraction("29.97"): Fraction(30000, 1001)}
    return ntsc.get(value, value)


def _timeline_rate(state: State) -> Fraction:
    current = state.data["project"]["current"]
    return _rate(state.data["timelines"][current]["settings"]["timelineFrameRate"])


def _duration(timeline: dict[str, Any], clip: dict[str, Any], frames: int) -> int:
    """Frames of the timeline for so many of the medium: rounded down between two rates."""
    rate = _rate(timeline["settings"]["timelineFrameRate"]) / _rate(clip["properties"]["FPS"])
    return math.floor(frames * rate)


def _span(state: State, clip: dict[str, Any], start: Any, end: Any, quirk: str) -> tuple[int, int] | None:
    """First and past-the-last frame from 0, by how this Resolve counts; None where they are not in the clip."""
    frames = int(clip["properties"]["Frames"])
    if start is None or end is None:
        return 0, frames
    low, high = int(start), int(end) + state.quirk(quirk)
    if state.quirk("number_origin"):
        low, high = low - int(clip["properties"]["Start"]), high - int(clip["properties"]["Start"])
    return (low, high) if 0 <= low < high <= frames else None


def scriptapp(name: str) -> Resolve | None:
    """What Resolve's module offers; None where the application does not let anybody in."""
    path = Path(os.environ.get(FILE, ""))
    if name != "Resolve" or not path.is_file():
        return None
    state = State(path)
    return None if state.data.get("closed") else Resolve(state)
