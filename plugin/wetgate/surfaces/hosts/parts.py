"""What ``wetgate hosts install`` puts on a machine: the OFX bundle, and the scripts of the hosts that are there."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from wetgate.spec import UsageError
from wetgate.surfaces.hosts.editions import nuke_editions
from wetgate.surfaces.hosts.install import Change, install, uninstall
from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.hosts.nuke_scripts import install_nuke, uninstall_nuke, user_folder
from wetgate.surfaces.hosts.places import bundles, search_folders
from wetgate.surfaces.hosts.resolve_places import is_here, user_scripts
from wetgate.surfaces.resolve import install as resolve_scripts

PARTS = ("bundle", "nuke", "resolve")


@dataclass(frozen=True, slots=True)
class Choice:
    """What to install or remove, and where. Nothing in ``only`` means every part that the machine has a use for."""

    only: Collection[str] = ()
    folder: Path | None = None
    bundle: Path | None = None
    caches: bool = False
    nuke: Path | None = None
    resolve: Path | None = None
    ocio: Path | None = None

    def __post_init__(self) -> None:
        wrong = [part for part in self.only if part not in PARTS]
        if wrong:
            raise UsageError(f"there is no part {wrong[0]!r}", where="--only", allowed=", ".join(PARTS))

    def has(self, part: str) -> bool:
        return not self.only or part in self.only


def install_parts(machine: Machine, choice: Choice) -> Change:
    """Install the chosen parts. Scripts go where their host, or a user's folder of it, is."""
    done = Change()
    if choice.has("bundle"):
        done += install(machine, folder=choice.folder, bundle=choice.bundle, caches=choice.caches)
    wanted = [name for name, wants in (("nuke", _wants_nuke), ("resolve", _wants_resolve)) if wants(machine, choice)]
    if wanted and _is_of_another_user(machine):
        named = [name for name in wanted if getattr(choice, name) is None]
        if named:
            only = " ".join(f"--only {name}" for name in named)
            note = f"scripts go into a user's own folder: run wetgate hosts install {only} without sudo"
            done += Change(notes=(note,))
        wanted = [name for name in wanted if name not in named]
    if "nuke" in wanted:
        done += install_nuke(machine, folder=choice.nuke, ofx=_own_folder(machine, choice), ocio=choice.ocio)
    if "resolve" in wanted:
        done += _install_resolve(machine, choice.resolve)
    return done


def _install_resolve(machine: Machine, folder: Path | None) -> Change:
    """Resolve's scripts, where they are or where this user's go, with the settings that they had."""
    there = resolve_scripts.everywhere(machine) if folder is None else resolve_scripts.installed(machine, folder)
    places = list(dict.fromkeys(script.path.parent.parent for script in there)) or [folder or user_scripts(machine)]
    written: list[Path] = []
    for place in places:
        before = next((s.settings for s in there if s.path.is_relative_to(place)), resolve_scripts.Settings())
        written += resolve_scripts.install(machine, before, folder=place)
    notes = ["start Resolve again: it reads its script folders when it starts"]
    if not any(script.settings.graph for script in there):
        notes.append("Resolve's scripts have no graph yet: wetgate resolve install --graph PRESET chooses one")
    return Change(written=tuple(written), notes=tuple(notes))


def uninstall_parts(machine: Machine, choice: Choice) -> Change:
    """Remove the chosen parts, wherever they are. :class:`UsageError` where none of them is."""
    done = Change()
    nothing: UsageError | None = None
    if choice.has("nuke"):
        done += uninstall_nuke(machine, folder=choice.nuke)
    if choice.has("resolve"):
        try:
            done += Change(removed=tuple(resolve_scripts.uninstall(machine, folder=choice.resolve)))
        except UsageError as error:
            nothing = error if choice.only else None
    if choice.has("bundle"):
        try:
            done += uninstall(machine, folder=choice.folder, caches=choice.caches)
        except UsageError as error:
            if done.removed and not any(bundles(machine)):
                return done
            nothing = error
    if nothing is not None and not done.removed:
        raise nothing
    if not done.removed and not done.notes:
        raise UsageError("no scripts of ours were found in Nuke's folders", remedy="name their folder with --nuke")
    return done


def _wants_resolve(machine: Machine, choice: Choice) -> bool:
    if not choice.has("resolve"):
        return False
    return bool(choice.only) or choice.resolve is not None or is_here(machine)


def _wants_nuke(machine: Machine, choice: Choice) -> bool:
    if not choice.has("nuke"):
        return False
    asked = bool(choice.only) or choice.nuke is not None
    return asked or user_folder(machine).is_dir() or bool(nuke_editions(machine))


def _own_folder(machine: Machine, choice: Choice) -> Path | None:
    """The bundle's folder, where Nuke does not scan it by itself."""
    folder = choice.folder
    return folder if folder is not None and folder not in search_folders(machine) else None


def _is_of_another_user(machine: Machine) -> bool:
    """Whether this runs by sudo, so that the home folder is root's and not that of the person who asks."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and bool(machine.environ.get("SUDO_USER"))
