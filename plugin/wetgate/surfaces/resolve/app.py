"""Resolve itself and its project: what runs, what is open, how it is set, and the render queue.

Sources: Resolve's ``Developer/Scripting/README`` of 21.0.x (24 July 2026) and 21.1 (31 August 2026). 21.1 renamed some
calls and still takes the old names; the new ones are used where ``dir`` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from wetgate.io.rates import given_rate
from wetgate.spec import HostError
from wetgate.surfaces.resolve.calls import SLOW_LIMIT_S, Handle, whole
from wetgate.surfaces.resolve.pool import Pool
from wetgate.surfaces.resolve.timeline import Timeline

# colorScienceMode of a project -> how people call it, and the clip property that says what a clip's pixels are
# ("": none counts).
SCIENCES = {
    "davinciYRGB": ("DaVinci YRGB, not managed", ""),
    "davinciYRGBColorManaged": ("DaVinci YRGB Color Managed", "Input Color Space"),
    "davinciYRGBColorManagedv2": ("DaVinci YRGB Color Managed", "Input Color Space"),
    "acescc": ("ACEScc", "IDT"),
    "acescct": ("ACEScct", "IDT"),
}


class Resolve(Handle):
    """The running application."""

    __slots__ = ()

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor."""
        fields = self.need("GetVersion")
        return whole(fields[0], "the major version"), whole(fields[1], "the minor version")

    @property
    def version_text(self) -> str:
        return str(self.need("GetVersionString"))

    @property
    def product(self) -> str:
        return str(self.need("GetProductName"))

    @property
    def is_studio(self) -> bool:
        """The paid edition, the only one that answers from outside."""
        return bool(self.ask("IsStudio")) if self.has("IsStudio") else "studio" in self.product.lower()

    @property
    def page(self) -> str:
        return str(self.ask("GetCurrentPage") or "")

    def open_page(self, name: str) -> bool:
        return bool(self.ask("OpenPage", name))

    def project(self) -> Project:
        """The project that is open. Raises :class:`HostError` where there is none."""
        raw = (
            self.ask("GetCurrentProject") if self.has("GetCurrentProject") else self._manager().ask("GetCurrentProject")
        )
        if not raw:
            raise HostError("no project is open in Resolve", remedy="open the project, then run this again")
        name = self.gate.run("GetName of the project", lambda: raw.GetName())
        return Project(raw, self.gate, f"the project {name!r}")

    def save(self) -> bool:
        """Save the project; False where it has never been saved (to save it needs a name that only a person can give,
        and without its window Resolve would wait for one for ever) or where Resolve refuses."""
        manager = self._manager()
        known = manager.ask("GetProjectListInCurrentFolder") or []
        if self.project().name not in known:
            return False
        return bool(manager.ask("SaveProject", limit=SLOW_LIMIT_S))

    def _manager(self) -> Handle:
        return _Manager(self.need("GetProjectManager"), self.gate, "the project manager")


class _Manager(Handle):
    __slots__ = ()


class Project(Handle):
    """The open project."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return str(self.need("GetName"))

    @property
    def id(self) -> str:
        return str(self.ask("GetUniqueId") or self.name)

    def pool(self) -> Pool:
        return Pool(self.need("GetMediaPool"), self.gate, "the media pool")

    def timeline(self, name: str | None = None) -> Timeline:
        """The timeline of that name, or the one that is open. Raises :class:`HostError` that lists what there is."""
        if name is None:
            raw = self.ask("GetCurrentTimeline")
            if not raw:
                raise HostError("no timeline is open in Resolve", remedy="open one, or name it with --timeline")
            return Timeline.of(raw, self.gate)
        found = self.timelines()
        for timeline in found:
            if timeline.name == name:
                return timeline
        raise HostError(
            f"the project has no timeline {name!r}",
            allowed=", ".join(t.name for t in found) or "none",
            where="--timeline",
        )

    def timelines(self) -> list[Timeline]:
        count = whole(self.ask("GetTimelineCount") or 0, "the number of timelines")
        raws = (self.ask("GetTimelineByIndex", index) for index in range(1, count + 1))  # counted from 1
        return [Timeline.of(raw, self.gate) for raw in raws if raw]

    def open_timeline(self, timeline: Timeline) -> None:
        self.need("SetCurrentTimeline", timeline.raw)

    def setting(self, key: str) -> str:
        """A project setting as text, "" where there is none of that name."""
        return setting(self, key)

    @property
    def science(self) -> str:
        return self.setting("colorScienceMode")

    # --- the render queue

    def render_presets(self) -> list[str]:
        found = self.ask("GetRenderPresetList") or []
        return [str(p.get("RenderPresetName", p) if isinstance(p, Mapping) else p) for p in found]

    def render_codecs(self, format_: str) -> dict[str, str]:
        """Codec names by their descriptions."""
        return dict(self.ask("GetRenderCodecs", format_) or {})

    def render_jobs(self) -> list[dict[str, Any]]:
        return [dict(job) for job in self.ask("GetRenderJobList") or []]

    def job_status(self, job: str) -> dict[str, Any]:
        """What Resolve says of a job. ``JobStatus`` is in the language of its window, and so of no use to a program."""
        return dict(self.ask("GetRenderJobStatus", job) or {})


def setting(owner: Handle, key: str) -> str:
    """A setting of a project or a timeline, by the form that this version has."""
    if owner.has("GetSettings"):
        return str((owner.ask("GetSettings") or {}).get(key, "") or "")
    return str(owner.ask("GetSetting", key) or "")


def set_settings(owner: Handle, wanted: Mapping[str, str]) -> dict[str, str]:
    """Set them, and say which did not take: key and what it is instead.

    Resolve works key by key and keeps what it could set, whatever it returns, so the answer comes from reading back.
    """
    if owner.has("SetSettings"):
        owner.ask("SetSettings", dict(wanted))
    else:
        for key, value in wanted.items():
            owner.ask("SetSetting", key, value)
    return {key: now for key, value in wanted.items() if (now := setting(owner, key)) != value}


def rate_of(text: object, where: str) -> Fraction:
    """A frame rate as Resolve writes it: ``24``, ``23.976``, ``29.97 DF``, 25.0."""
    return given_rate(str(text).replace("DF", "").strip(), where)


def listed(names: Sequence[str], most: int = 6) -> str:
    """The first few of many names."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
