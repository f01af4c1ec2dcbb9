"""The project of the tests: twelve clips on two tracks, of everything that a real reel has, with real files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import wetgate
from hosts.fake_resolve.objects import add_clip, new_item, new_timeline
from hosts.fake_resolve.state import State, empty, save
from wetgate.io.attributes import TimeCode
from wetgate.io.movie_timecode import Count
from wetgate.io.sink import WriteOptions

SIZE = (64, 36)
MANAGED = {
    "colorScienceMode": "davinciYRGBColorManagedv2",
    "colorSpaceInput": "Rec.709 Gamma 2.4",
    "colorSpaceTimeline": "DaVinci WG",
    "colorSpaceOutput": "Rec.709 Gamma 2.4",
    "timelineFrameRate": "24",
    "timelineResolutionWidth": "64",
    "timelineResolutionHeight": "36",
}


def picture(number: int) -> np.ndarray:
    """A ramp whose blue tells the frame."""
    x = np.linspace(0.0, 1.0, SIZE[0], dtype=np.float32)
    blue = np.full(SIZE[::-1], (number % 100) / 100, np.float32)
    return np.stack([np.tile(x, (SIZE[1], 1)), np.tile(x[::-1], (SIZE[1], 1)), blue], axis=2)


def sequence(folder: Path, name: str, first: int, last: int, space: str) -> str:
    """EXR files with a time code that starts at 01:00:00:00; their path as Resolve has it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, last + 1):
        code = TimeCode.parse(str(Count(86400 + number - first, 24)))
        frame = wetgate.Frame(picture(number), space, number, metadata={"timeCode": code})
        wetgate.write(frame, folder / f"{name}.{number:04d}.exr", options=WriteOptions(depth="half", compression="zip"))
    return str(folder / f"{name}.[{first:04d}-{last:04d}].exr")


def movie(folder: Path, name: str, frames: int, rate: int) -> str:
    """A ProRes movie."""
    folder.mkdir(parents=True, exist_ok=True)
    shot = [wetgate.Frame(picture(n), "rec1886_rec709_display", n) for n in range(frames)]
    options = WriteOptions(rate=rate, start_timecode="10:00:00:00")
    wetgate.write(shot, folder / f"{name}.mov", options=options)
    return str(folder / f"{name}.mov")


class Builder:
    """Puts media and items into a state, and saves it."""

    def __init__(self, path: Path, **more: Any) -> None:
        save(path, empty(**more))
        self.state = State(path)
        self.data = self.state.data
        self.data["project"]["settings"] = dict(MANAGED)

    def timeline(self, name: str, tracks: int = 1) -> str:
        key = self.state.new_id("timeline")
        self.data["timelines"][key] = new_timeline(name, dict(MANAGED))
        for index in range(1, tracks):
            self.data["timelines"][key]["tracks"].append({"name": f"Video {index + 1}", "items": []})
        self.data["project"]["timelines"].append(key)
        self.data["project"]["current"] = key
        return key

    def clip(self, path: str, **properties: str) -> str:
        """A clip in the master bin; ``properties`` with _ for a blank in their names."""
        key = add_clip(self.state, path, "folder-0")
        clip = self.data["clips"][key]
        clip["properties"].update({k.replace("_", " "): v for k, v in properties.items()})
        clip["metadata"] = {"Scene": "12", "Reel Name": Path(path).name[:4]}
        return key

    def item(self, at: int, duration: int, clip: str = "", left: int = 0, track: int = 1, **more: Any) -> str:
        """An item ``at`` frames after the timeline's start."""
        timeline = self.data["timelines"][self.data["project"]["current"]]
        key = self.state.new_id("item")
        name = more.pop("name", None) or self.data["clips"][clip]["name"].partition(".")[0]
        self.data["items"][key] = new_item(name, timeline["start"] + at, duration, clip, left, **more)
        timeline["tracks"][track - 1]["items"].append(key)
        return key

    def note(self, item: str, text: str, frame: int = 0, color: str = "Cyan", name: str = "Marker 1") -> None:
        """A marker as a colorist makes one."""
        marker = {"color": color, "duration": 1, "note": text, "name": name, "customData": ""}
        self.data["items"][item]["markers"][str(frame)] = marker

    def save(self) -> Path:
        save(self.state.path, self.data)
        return self.state.path


def reel(folder: Path, **more: Any) -> dict[str, str]:
    """Twelve clips, and a dissolve between the first two; the items' keys by what they are."""
    build = Builder(folder / "resolve.json", **more)
    media = folder / "media"
    a = build.clip(sequence(media / "A", "A001", 1001, 1040, "rec1886_rec709_display"))
    b = build.clip(sequence(media / "B", "B002", 101, 112, "rec1886_rec709_display"))
    film = build.clip(sequence(media / "film", "film", 1, 16, "ACEScg"), Input_Color_Space="ACEScg")
    tape = build.clip(movie(media, "tape", 20, 25), Frames="20", FPS="25.0", Start="0", Start_TC="10:00:00:00")
    gone = build.clip(str(media / "gone.[0001-0010].exr"), Online_Status="Offline")
    nest = build.clip("", Type="Compound", File_Path="", FPS="24.0")
    build.data["clips"][nest]["name"] = "Opening"
    build.timeline("Reel 1", tracks=2)
    items = {
        "trimmed": build.item(0, 6, a, 8),
        "whole": build.item(6, 12, b, 0),
        "again": build.item(18, 5, a, 12),
        "later": build.item(23, 4, a, 34),
        "retime": build.item(27, 5, a, 4, speed=2),
        "title": build.item(32, 10, name="Text+", comps=1, kind="generator"),
        "offline": build.item(42, 6, gone, 2),
        "tape": build.item(48, 7, tape, 5),
        "film": build.item(55, 6, film, 3),
        "compound": build.item(61, 8, nest, 0),
        "generator": build.item(69, 5, name="Solid Color", kind="generator"),
        "noted": build.item(50, 4, film, 6, track=2),
    }
    build.item(4, 4, name="Cross Dissolve", kind="transition")
    build.note(items["noted"], "wetgate: grain:amount=0.5")
    build.data["items"][items["trimmed"]]["grade"] = "warm"
    build.save()
    return items


def cut(folder: Path, **more: Any) -> dict[str, str]:
    """Three clips of two media, for what has to be tried many times."""
    build = Builder(folder / "resolve.json", **more)
    media = folder / "media"
    a = build.clip(sequence(media / "A", "A001", 1001, 1012, "rec1886_rec709_display"))
    b = build.clip(sequence(media / "B", "B002", 101, 106, "ACEScg"), Input_Color_Space="ACEScg")
    build.timeline("Cut", tracks=2)
    items = {
        "one": build.item(0, 4, a, 3),
        "two": build.item(4, 3, b, 1),
        "three": build.item(7, 3, a, 5),
    }
    build.note(items["one"], "keep the dust on her collar", frame=0)
    build.data["items"][items["one"]]["grade"] = "warm"
    build.save()
    return items


def camera(folder: Path, **more: Any) -> dict[str, str]:
    """Camera raw, which Resolve alone decodes, and a sequence."""
    build = Builder(folder / "resolve.json", **more)
    media = folder / "media"
    sequence(media, "R003", 0, 9, "ACEScg")
    (media / "R003.braw").write_bytes(b"raw")
    facts = {"Frames": "10", "FPS": "25.0", "Start": "0", "Start_TC": "10:00:00:00"}
    raw = build.clip(str(media / "R003.braw"), Input_Color_Space="ACEScg", **facts)
    plain = build.clip(sequence(media / "A", "A001", 1001, 1008, "rec1886_rec709_display"))
    build.timeline("Camera")
    items = {"raw": build.item(0, 4, raw, 2), "plain": build.item(4, 3, plain, 3)}
    build.save()
    return items
