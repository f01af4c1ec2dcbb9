"""What ``wetgate hosts install`` puts on a machine: the OFX bundle, and Nuke's scripts where Nuke is used."""

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

PARTS = ("bundle", "nuke")


@dataclass(frozen=True, slots=True)
class Choice:
    """What to install or remove, and where. Nothing in ``only`` means every part that the machine has a use for."""

    only: Collection[str] = ()
    folder: Path | None = None
    bundle: Path | None = None
    caches: bool = False
    nuke: Path | None = None
    ocio: Path | None = None

    def __post_init__(self) -> None:
        wrong = [part for part in self.only if part not in PARTS]
        if wrong:
            raise UsageError(f"there is no part {wrong[0]!r}", where="--only", allowed=", ".join(PARTS))

    def has(self, part: str) -> bool:
        return not self.only or part in self.only


def install_parts(machine: Machine, choice: Choice) -> Change:
    """Install the chosen parts. Nuke's scripts go where Nuke, or a user's folder of Nuke, is."""
    done = Change()
    if choice.has("bundle"):
        done += install(machine, folder=choice.folder, bundle=choice.bundle, caches=choice.caches)
    if not _wants_nuke(machine, choice):
        return done
    if choice.nuke is None and _is_of_another_user(machine):
        note = "Nuke's scripts go into a user's own folder: run wetgate hosts install --only nuke without sudo"
        return done + Change(notes=(note,))
    return done + install_nuke(machine, folder=choice.nuke, ofx=_own_folder(machine, choice), ocio=choice.ocio)


def uninstall_parts(machine: Machine, choice: Choice) -> Change:
    """Remove the chosen parts, wherever they are. :class:`UsageError` where none of them is."""
    done = Change()
    nothing: UsageError | None = None
    if choice.has("nuke"):
        done += uninstall_nuke(machine, folder=choice.nuke)
    if choice.has("bundle"):
        try:
            done += uninstall(machine, folder=choice.folder, caches=choice.caches)
        except UsageError as error:
            if done.removed and not any(bundles(machine)):
                return done
            nothing = error
    if nothing is not None:
        raise nothing
    if not done.removed and not done.notes:
        raise UsageError("no scripts of ours were found in Nuke's folders", remedy="name their folder with --nuke")
    return done


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
