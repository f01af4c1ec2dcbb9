"""A farm job, whoever runs it: a step that analyses, chunks of frames, a step that verifies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wetgate.engine.masks import here
from wetgate.io.ranges import format_frames
from wetgate.surfaces.cli.derived import Setting


@dataclass(frozen=True, slots=True)
class FarmJob:
    """What the job files say. Paths are absolute, ``graph`` is a file name in ``folder``, the job's own; ``settings``
    are the other arguments of ``wetgate render``, given or not; ``analyses`` are the steps that want one. ``footage``
    are all frames of the source, which an analysis and a temporal window look at, ``masks`` the files of masks.
    ``moved`` says where paths of this machine are on those of the farm; the paths here are already the farm's."""

    name: str
    input: str
    output: str
    numbers: tuple[int, ...]
    chunk: int
    settings: tuple[Setting, ...]
    graph: str | None
    folder: str
    analyses: tuple[str, ...]
    program: str
    priority: int
    explicit_chunks: bool
    show: str
    shot: str
    footage: tuple[int, ...]
    masks: tuple[str, ...]
    moved: Mapping[str, str]

    @property
    def graph_path(self) -> str:
        """The graph file, as the farm's machines know it."""
        slash = "\\" if _is_windows(self.folder) else "/"
        return f"{self.folder}{slash}{self.graph}"

    def mapped(self, path: str) -> str:
        """A path of this machine as the farm's machines know it."""
        return mapped(path, self.moved)

    @property
    def frames(self) -> str:
        """The frames in our grammar."""
        return format_frames(self.numbers)

    def chunks(self) -> list[tuple[int, ...]]:
        """The frames of each task."""
        return [self.numbers[at : at + self.chunk] for at in range(0, len(self.numbers), self.chunk)]

    def command(self, task: str, frames: str, lines: str) -> list[str]:
        """The command line of a task, for managers whose jobs are command lines."""
        words = [self.program, "farm", task, self.input, "-o", self.output, "--frames", frames, "--lines", lines]
        if self.graph is not None:
            words += ["--graph", self.graph_path]
        for setting in self.settings_of(task):
            words += [f"{setting.flag}={text}" for text in self._texts(setting)]
        return words

    def _texts(self, setting: Setting) -> Sequence[str]:
        values = setting.value if isinstance(setting.value, list) else [setting.value]
        return [self.mapped(str(v)) if is_place(setting, str(v)) else str(v) for v in values]

    def settings_of(self, task: str) -> Iterator[Setting]:
        """The given settings that concern a task: documents go to the analysis, the key to the verification alone."""
        for setting in self.settings:
            if setting.given and concerns(setting, task):
                yield setting


def concerns(setting: Setting, task: str) -> bool:
    """Whether a setting is passed to a task."""
    only = {"analysis": "analyze", "sign": "verify"}.get(setting.name)
    return only is None or only == task


def is_place(setting: Setting, value: str) -> bool:
    """Whether a value is a path. An OCIO config may be the name of a built-in one."""
    if setting.place is None:
        return False
    return setting.name != "config" or Path(value).is_file()


def mapped(path: str, moved: Mapping[str, str]) -> str:
    """An absolute path where ``moved`` says that it is; a Windows path is written with its own slashes."""
    found = here(str(Path(path).absolute()), moved)
    return found.replace("/", "\\") if _is_windows(found) else found


def parted(path: str) -> tuple[str, str]:
    """Folder and name of a path of either system."""
    cut = max(path.rfind("/"), path.rfind("\\") if _is_windows(path) else -1)
    return path[:cut] or "/", path[cut + 1 :]


def _is_windows(path: str) -> bool:
    return path[1:2] == ":" or path.startswith("\\\\")


def wants_gpu(device: str) -> bool:
    """Whether a device is one that a farm's machine must have a GPU for; ``auto`` takes what is there."""
    return device.partition(":")[0] in ("cuda", "tensorrt", "directml")
