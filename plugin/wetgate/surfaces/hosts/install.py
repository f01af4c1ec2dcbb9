"""``wetgate hosts install`` and ``uninstall``: the bundle copied into place whole, and gone without a trace."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from wetgate.spec import UsageError
from wetgate.surfaces.hosts.bundle import SETTINGS, binaries, read_settings, settings, shipped
from wetgate.surfaces.hosts.files import flush, make_folders, not_writable, remove, remove_empty, swap
from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.hosts.places import BUNDLE, Host, bundles, hosts, search_folders, standard_folder
from wetgate.surfaces.hosts.user_files import remove_logs


@dataclass(frozen=True, slots=True)
class Change:
    """What an installation or removal did: bundles written or removed, caches cleared or left, sentences to print."""

    written: tuple[Path, ...] = ()
    removed: tuple[Path, ...] = ()
    caches: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    def __add__(self, other: Change) -> Change:
        return Change(
            self.written + other.written,
            self.removed + other.removed,
            self.caches + other.caches,
            tuple(dict.fromkeys(self.notes + other.notes)),
        )


def install(
    machine: Machine, *, folder: Path | None = None, bundle: Path | None = None, caches: bool = False
) -> Change:
    """Copy the bundle into ``folder`` (the standard one), replacing an older one in one step.

    ``caches`` clears the plug-in caches of hosts that are not running. Raises :class:`UsageError` where the folder
    may not be written, or the bundle has no binary for this machine.
    """
    source = bundle or shipped()
    _demand_binary(source, machine)
    target = folder or standard_folder(machine)
    created = make_folders(target)
    place = target / BUNDLE
    created = created or _created_before(place)
    staged = target / f".wetgate-{os.getpid()}.new"
    try:
        _copy(source, staged, created)
        swap(staged, place)
    except OSError as error:
        raise not_writable(target, error) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    scanned = any(target.is_relative_to(folder) for folder in search_folders(machine))
    notes = [] if scanned else [_path_note(target)]
    cleared, left = clear_caches(machine) if caches else ((), [])
    if not caches:
        left = [_cache_note(h) for h in hosts(machine) if h.existing_caches()]
    return Change(written=(place,), caches=cleared, notes=(*notes, *left))


def uninstall(machine: Machine, *, folder: Path | None = None, caches: bool = False) -> Change:
    """Remove the bundle from ``folder``, or from every folder that hosts scan; also folders made for it, and logs."""
    found = [folder / BUNDLE] if folder else list(bundles(machine))
    removed: list[Path] = []
    for place in found:
        if not place.is_dir() and not place.is_symlink():
            continue
        created = _created_before(place)
        remove(place)
        removed.append(place)
        remove_empty(created)
    if not removed:
        raise UsageError(
            "no installed bundle was found", allowed=", ".join(map(str, search_folders(machine))), remedy="name --to"
        )
    cleared, left = clear_caches(machine) if caches else ((), [])
    return Change(removed=(*removed, *remove_logs(machine)), caches=cleared, notes=tuple(left))


def clear_caches(machine: Machine) -> tuple[tuple[Path, ...], list[str]]:
    """Remove the caches of hosts that are certainly closed; what was removed, and why the others were left."""
    cleared: list[Path] = []
    notes: list[str] = []
    for host in hosts(machine):
        present = host.existing_caches()
        if not present:
            continue
        running = host.is_running(machine)
        if running is not False:
            why = "is running" if running else "may be running (this system does not tell)"
            notes.append(f"{host.name} {why}: its plug-in cache is left; close it and run this again")
            continue
        for cache in present:
            try:
                cache.unlink()
            except OSError as error:
                notes.append(f"{cache} cannot be removed: {error.strerror}")
            else:
                cleared.append(cache)
    return tuple(cleared), notes


def _demand_binary(source: Path, machine: Machine) -> None:
    found = binaries(source)
    if machine.architecture not in found:
        raise UsageError(
            f"{source} has no binary for {machine.architecture}",
            allowed=", ".join(found) or "a folder Wetgate.ofx.bundle",
            remedy="build it for this system, or name another with --bundle",
        )


def _created_before(place: Path) -> list[str]:
    try:
        named = read_settings(place).get("created", [])
    except UsageError:
        return []
    return [p for p in named if isinstance(p, str)] if isinstance(named, list) else []


def _copy(source: Path, staged: Path, created: list[str]) -> None:
    shutil.copytree(source, staged, symlinks=False)
    path = staged / SETTINGS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings(created), indent=1) + "\n", encoding="utf-8")
    for folder, _, files in os.walk(staged):
        Path(folder).chmod(0o755)
        for name in files:
            # Nobody but the owner may write: the shim refuses a settings file that others could have changed.
            Path(folder, name).chmod(0o755 if name.endswith(".ofx") else 0o644)
            flush(Path(folder, name))


def _path_note(target: Path) -> str:
    return f"hosts do not look in {target} by themselves: start them with OFX_PLUGIN_PATH={target}"


def _cache_note(host: Host) -> str:
    return (
        f"{host.name} keeps a plug-in cache: if the nodes do not show, close it and run this again with --clear-caches"
    )
