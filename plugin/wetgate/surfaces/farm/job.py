"""A farm job, whoever runs it: a step that analyses, chunks of frames, a step that verifies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from wetgate.io.ranges import format_frames
from wetgate.surfaces.cli.derived import Setting


@dataclass(frozen=True, slots=True)
class FarmJob:
    """What the job files say. Paths are absolute, ``graph`` is a file name in ``folder``, the job's own; ``settings``
    are the other arguments of ``wetgate render``, given or not; ``analyses`` are the steps that want one."""

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
            words += ["--graph", str(PurePath(self.folder) / self.graph)]
        for setting in self.settings_of(task):
            words += [f"{setting.flag}={text}" for text in _texts(setting)]
        return words

    def settings_of(self, task: str) -> Iterator[Setting]:
        """The given settings that concern a task: documents go to the analysis, the key to the verification alone."""
        for setting in self.settings:
            if setting.given and concerns(setting, task):
                yield setting


def concerns(setting: Setting, task: str) -> bool:
    """Whether a setting is passed to a task."""
    only = {"analysis": "analyze", "sign": "verify"}.get(setting.name)
    return only is None or only == task


def _texts(setting: Setting) -> Sequence[str]:
    values = setting.value if isinstance(setting.value, list) else [setting.value]
    return [str(Path(v).absolute()) if is_place(setting, str(v)) else str(v) for v in values]


def is_place(setting: Setting, value: str) -> bool:
    """Whether a value is a path. An OCIO config may be the name of a built-in one."""
    if setting.place is None:
        return False
    return setting.name != "config" or Path(value).is_file()
