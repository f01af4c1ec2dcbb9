"""OCIO configs: which one is used, what its spaces are called, and the hops between them."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wetgate.color import interop
from wetgate.color.tags import Tags, space_of, tags_of
from wetgate.spec import DENSITY, DISPLAY, SCENE, VIDEO, WORKING_SPACES, UsageError, suggest

if TYPE_CHECKING:
    from wetgate.color.hop import Hop

# Loads in every OCIO from 2.3 (CY2024), and is the base of OFX 1.5's native space names.
BUILT_IN = "ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3"

_ENCODINGS = {SCENE: "scene-linear", DENSITY: "log", DISPLAY: "display-linear"}
_loaded: dict[tuple[str, int], ColorConfig] = {}
_lock = threading.Lock()


class ColorConfig:
    """An OCIO config. Made by :meth:`load`, which keeps one for each name.

    Spaces may be given by name, alias or role in any case, by interop id, by a name that a newer or older built-in
    config gives the same space, or as a working space of :mod:`wetgate.spec`.
    """

    def __init__(self, config: Any, name: str) -> None:
        from wetgate.color.additions import with_additions

        self._config = with_additions(config)
        self.name = name
        self.fingerprint = _fingerprint(self._config, name)
        self._hops: dict[tuple[str, str], Hop] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"ColorConfig({self.name!r})"

    @classmethod
    def load(cls, name: str | None = None) -> ColorConfig:
        """The config of that name (a path, a built-in's name, or an ``ocio://`` URI), else ``$OCIO``, else the
        built-in :data:`BUILT_IN`. A :class:`~wetgate.spec.UsageError` says what cannot be read, and why."""
        where = "the config" if name else "$OCIO"
        chosen = name or os.environ.get("OCIO") or BUILT_IN
        path = None if "://" in chosen else Path(chosen).expanduser()
        if path is not None and not path.exists() and _is_built_in(chosen):
            chosen, path = f"ocio://{chosen}", None
        stamp = 0
        if path is not None:
            if not path.is_file():
                raise UsageError(
                    f"there is no OCIO config {chosen!r}",
                    where=where,
                    remedy="give the path of a .ocio or .ocioz file, or a built-in such as " + BUILT_IN,
                )
            path = path.resolve()
            chosen, stamp = str(path), path.stat().st_mtime_ns
        with _lock:
            key = (chosen, stamp)
            if key not in _loaded:
                _loaded[key] = cls(*_read(chosen, where))
            return _loaded[key]

    @property
    def ocio(self) -> Any:
        """The PyOpenColorIO Config itself, Wetgate's additions included. Not to be changed."""
        return self._config

    @property
    def scene_linear(self) -> str:
        """The colour space of the ``scene_linear`` role: what :data:`~wetgate.spec.SCENE` stands for."""
        return self._role("scene_linear")

    def names(self) -> tuple[str, ...]:
        """The names of all colour spaces, in the config's order."""
        import PyOpenColorIO

        return tuple(
            self._config.getColorSpaceNames(PyOpenColorIO.SEARCH_REFERENCE_SPACE_ALL, PyOpenColorIO.COLORSPACE_ALL)
        )

    def aliases(self, space: str) -> tuple[str, ...]:
        """The name and the aliases of a space; the name alone for a working space."""
        found = self.resolve(space)
        if found in WORKING_SPACES:
            return (found,)
        return (found, *self._config.getColorSpace(found).getAliases())

    def resolve(self, name: str) -> str:
        """The canonical name of a space; a working space as it is. A UsageError suggests the nearest name."""
        if name in WORKING_SPACES and name != VIDEO:
            return name
        found = self._find(name)
        if found is not None:
            return found
        if name == VIDEO:
            raise UsageError("the space of the footage's own code values is not one of the config", allowed="a space")
        known = [alias for space in self.names() for alias in self.aliases(space)]
        remedy = suggest(name, [*known, *self._roles()])
        raise UsageError(
            f"there is no colour space {name!r} in {self.name}",
            remedy=remedy if remedy.startswith("did") else suggest(name, self.names()),
        )

    def has(self, name: str) -> bool:
        """Whether :meth:`resolve` finds it."""
        return name in (SCENE, DENSITY, DISPLAY) or self._find(name) is not None

    def is_data(self, space: str) -> bool:
        """Whether the space is for data (masks, depth), which has no colour."""
        found = self.resolve(space)
        return found not in WORKING_SPACES and bool(self._config.getColorSpace(found).isData())

    def is_display(self, space: str) -> bool:
        """Whether the space is display-referred: what it holds has been made for a display."""
        import PyOpenColorIO

        found = self.resolve(space)
        if found in WORKING_SPACES:
            return found == DISPLAY
        return bool(self._config.getColorSpace(found).getReferenceSpaceType() == PyOpenColorIO.REFERENCE_SPACE_DISPLAY)

    def encoding(self, space: str) -> str:
        """OCIO's word for the kind of code values: scene-linear, log, sdr-video, hdr-video, data, or ''."""
        found = self.resolve(space)
        if found in _ENCODINGS:
            return _ENCODINGS[found]
        named = str(self._config.getColorSpace(found).getEncoding())
        # Texture spaces are coded for an SDR display, though the built-in configs give "sRGB - Texture" no encoding.
        texture = not named and any(alias.lower().endswith("_tx") for alias in self.aliases(found))
        return "sdr-video" if texture else named

    def interop_id(self, space: str) -> str | None:
        """The colorInteropID to write for pixels in that space, or None."""
        found = self.resolve(space)
        if found == SCENE:
            found = self.scene_linear
        if found in WORKING_SPACES:
            return None
        color_space = self._config.getColorSpace(found)
        own = color_space.getInteropID() if hasattr(color_space, "getInteropID") else ""
        return str(own) or interop.id_of(self.aliases(found))

    def space_for_interop_id(self, interop_id: str) -> str | None:
        """The space that a colorInteropID names, or None where this config has none for it."""
        wanted = interop_id.strip()
        if wanted.lower() == interop.UNKNOWN:
            return None
        found = self._find(wanted)
        if found is None and wanted.lower().startswith(f"{self._config.getName().lower()}:"):
            local = wanted.split(":")[-1]  # <config>:local:<name> and <config>:<name>
            found = self._find(local)
        return found

    def tags(self, space: str) -> Tags | None:
        """The H.273 codes to write into a stream of that space, or None."""
        return tags_of(self.aliases(space))

    def space_for_tags(self, tags: Tags) -> str | None:
        """The space that a stream's H.273 codes name, or None."""
        alias = space_of(tags)
        return self._find(alias) if alias else None

    def hop(self, src: str, dst: str) -> Hop:
        """The conversion between two spaces, made once.

        ``src`` and ``dst`` are spaces of the config or SCENE, DENSITY, DISPLAY of :mod:`wetgate.spec`. Between scene-
        and display-referred spaces it goes through the config's default view transform (un-tone-mapped in the ACES
        configs), as OCIO does. Data spaces are refused.
        """
        key = (self.resolve(src), self.resolve(dst))
        with self._lock:
            if key not in self._hops:
                self._hops[key] = self._make_hop(*key)
            return self._hops[key]

    def _make_hop(self, src: str, dst: str) -> Hop:
        from wetgate.color.chain import is_no_op, steps
        from wetgate.color.hop import Hop
        from wetgate.color.route import Route

        if src == dst:
            return Hop(src, dst, (), ())
        for space in (src, dst):
            if self.is_data(space):
                raise UsageError(
                    f"{space!r} is a data space: it has no colour to convert", remedy="name a colour space"
                )
        route = Route(self)
        decoding, encoding = route.ops(src, dst)
        ops = [*decoding, *encoding]
        return Hop(src, dst, ops, () if is_no_op(ops) else steps(decoding, encoding))

    def _find(self, name: str) -> str | None:
        for candidate in (name, *interop.names_like(name)):
            found = self._config.getColorSpace(candidate)
            if found is not None:
                return str(found.getName())
        return None

    def _roles(self) -> Sequence[str]:
        return [role for role, _ in self._config.getRoles()]

    def _role(self, role: str) -> str:
        space = self._config.getColorSpace(role)
        if space is None:
            raise UsageError(
                f"the config {self.name} has no role {role!r}",
                remedy=f"add the role to the config, or use {BUILT_IN}",
            )
        return str(space.getName())


def _read(chosen: str, where: str) -> tuple[Any, str]:
    import PyOpenColorIO

    try:
        config = PyOpenColorIO.Config.CreateFromFile(chosen)
        config.validate()
    except PyOpenColorIO.Exception as error:
        raise UsageError(
            f"OCIO cannot read {chosen!r}: {str(error).strip()}",
            where=where,
            remedy="mend the config, or use " + BUILT_IN,
        ) from None
    # ocio://default and the like stand for another one in every version of the library: say which it was.
    name = f"ocio://{config.getName()}" if chosen.startswith("ocio://") and config.getName() else chosen
    return config, name


def _is_built_in(name: str) -> bool:
    import PyOpenColorIO

    return name in {entry[0] for entry in PyOpenColorIO.BuiltinConfigRegistry().getBuiltinConfigs()}


def _fingerprint(config: Any, name: str) -> str:
    """SHA-256 over the config's text and the files that its transforms name: the same on every machine."""
    digest = hashlib.sha256(config.serialize().encode())
    if name.endswith(".ocioz"):  # the files are inside
        digest.update(Path(name).read_bytes())
        return digest.hexdigest()
    for source in sorted(_files(config)):
        digest.update(source.encode())
        try:
            digest.update(Path(config.getCurrentContext().resolveFileLocation(source)).read_bytes())
        except Exception:  # a file that is missing fails when a hop needs it, with OCIO's own message
            digest.update(b"missing")
    return digest.hexdigest()


def _files(config: Any) -> set[str]:
    found: set[str] = set()
    for line in config.serialize().splitlines():
        if "<FileTransform>" in line and "src:" in line:
            found.add(line.split("src:", 1)[1].split(",")[0].strip(" }\"'"))
    return found
