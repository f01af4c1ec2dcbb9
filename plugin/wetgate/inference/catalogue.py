"""Which models there are: those that come with Wetgate and the user's own; found by task and tier, or by id."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from wetgate import resources
from wetgate.inference.manifest import Model, Weights, read_manifest
from wetgate.spec import ModelError, WetgateError, suggest

MANIFEST = "manifest.toml"
_CHUNK = 1 << 20
State = tuple[int, int, int]  # what tells that a file has been changed: size, time, inode
_checked: dict[Path, tuple[State, str]] = {}
_read: dict[Path, tuple[State, tuple[Model, ...]]] = {}
_lock = threading.Lock()


def user_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Where a user's own models are: ``$XDG_DATA_HOME/wetgate/models``, ``%APPDATA%``, ``~/Library``; or
    ``$WETGATE_MODELS`` where that names a folder, for studios that keep them on a server."""
    env = os.environ if environ is None else environ
    named = env.get("WETGATE_MODELS", "")
    if named:
        return Path(named)
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    if platform == "win32":
        return Path(env.get("APPDATA") or home / "AppData/Roaming") / "Wetgate" / "models"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "Wetgate" / "models"
    data = env.get("XDG_DATA_HOME", "")
    return (Path(data) if Path(data).is_absolute() else home / ".local" / "share") / "wetgate" / "models"


def shipped() -> tuple[Model, ...]:
    """The models that come with Wetgate."""
    return _models_of(resources.folder("models") / MANIFEST)


def own() -> tuple[tuple[Model, ...], tuple[WetgateError, ...]]:
    """The user's models, and what is wrong with those that cannot be used: one bad folder hides none of the others."""
    models: list[Model] = []
    problems: list[WetgateError] = []
    folder = user_folder()
    for path in sorted(folder.glob(f"*/{MANIFEST}")) if folder.is_dir() else []:
        try:
            models += _models_of(path, own=True)
        except WetgateError as error:
            problems.append(error)
    return tuple(models), tuple(problems)


def find(task: str, tier: str, model: str = "") -> Model:
    """The shipped model of a task and tier, or, where ``model`` names one, that one, the user's before ours.

    Raises :class:`ModelError` where there is none, or where the named one is of another task.
    """
    here = shipped()
    if not model:
        for candidate in here:
            if (candidate.task, candidate.tier) == (task, tier):
                return candidate
        tiers = sorted(m.tier for m in here if m.task == task)
        raise ModelError(
            f"there is no {tier} model for {task}",
            allowed=", ".join(tiers) or "none is installed",
            remedy="choose another tier, or add your own: wetgate models add",
        )
    users, problems = own()
    for candidate in (*users, *here):
        if candidate.id == model:
            if candidate.task != task:
                raise ModelError(
                    f"the model {model} is for {candidate.task}, not for {task}", remedy="wetgate models list"
                )
            return candidate
    for problem in problems:
        if f"{os.sep}{model}{os.sep}" in problem.message():
            raise problem
    known = [m.id for m in (*users, *here) if m.task == task]
    raise ModelError(
        f"there is no model {model!r} on this machine",
        where=str(user_folder()),
        remedy=f"{suggest(model, known)}; add it with wetgate models add",
    )


def _models_of(path: Path, *, own: bool = False) -> tuple[Model, ...]:
    """The models of a manifest, which is read once a process as long as the file stays as it is: nodes ask for their
    network at every frame."""
    try:
        state = _state(path)
    except OSError:
        return read_manifest(path, own=own)  # which says what is wrong
    with _lock:
        known = _read.get(path)
    if known is None or known[0] != state:
        known = (state, read_manifest(path, own=own))
        with _lock:
            _read[path] = known
    return known[1]


def checked_file(model: Model, weights: Weights) -> Path:
    """The path of a model's file after its SHA-256 has been compared with the manifest's.

    A file is hashed once a process as long as its size, time and inode stay. Raises :class:`ModelError`.
    """
    path = model.folder / weights.file
    try:
        key = _state(path)
        with _lock:
            known = _checked.get(path)
        if known is None or known[0] != key:
            known = (key, sha256_of(path))
            with _lock:
                _checked[path] = known
    except OSError as error:
        raise ModelError(
            f"the weights of {model.id} cannot be read: {error.strerror}", where=str(path), remedy=_mend(model)
        ) from None
    if known[1] != weights.sha256:
        raise ModelError(
            f"the weights of {model.id} have SHA-256 {known[1][:12]}..., the manifest says {weights.sha256[:12]}...",
            where=str(path),
            remedy=_mend(model),
        )
    return path


def _state(path: Path) -> State:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises :class:`OSError`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _mend(model: Model) -> str:
    return "add the model again: wetgate models add --replace" if model.own else "install Wetgate again"
