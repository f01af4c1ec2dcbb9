"""A folder of wheels for machines without a network: the list of what is in it, each with its hash.

``pip install --no-index --find-links FOLDER --require-hashes -r FOLDER/requirements.txt`` then installs exactly these
files, and refuses one that was changed on the way. Sources: the packaging specifications "Binary distribution format"
(names of wheels) and "Names and normalization"; pip's documentation, "Secure installs".
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from wetgate.io.atomic import write_bytes
from wetgate.spec import UsageError, WetgateError, raise_all

LIST = "requirements.txt"
_WHEEL = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl")
_SOURCES = (".tar.gz", ".zip", ".tar.bz2")


@dataclass(frozen=True, slots=True)
class Wheel:
    """One file of the folder."""

    name: str
    version: str
    sha256: str


def write_list(folder: Path) -> tuple[Path, list[Wheel]]:
    """Write ``requirements.txt`` into a folder of wheels; its path, and what it lists.

    Raises :class:`UsageError` where the folder holds no wheels, a package twice, or a source archive, which could not
    be built without a network.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {str(folder)!r}", remedy=f"pip download 'wetgate[cpu,farm]' -d {folder}")
    problems: list[WetgateError] = []
    found: dict[tuple[str, str], list[Path]] = {}
    for path in sorted(folder.iterdir()):
        match = _WHEEL.fullmatch(path.name)
        if match:
            name = re.sub(r"[-_.]+", "-", match["name"]).lower()
            found.setdefault((name, match["version"].replace("_", "-")), []).append(path)
        elif path.name.endswith((*_SOURCES, ".whl")):
            problems.append(
                UsageError(
                    f"{path.name} is no wheel",
                    where=str(folder),
                    remedy=f"make one of it where there is a network: pip wheel --no-deps -w {folder} {path}",
                )
            )
    versions: dict[str, list[str]] = {}
    for name, version in found:
        versions.setdefault(name, []).append(version)
    for name, several in versions.items():
        if len(several) > 1:
            text = f"{name} is there in {len(several)} versions: {', '.join(several)}"
            problems.append(UsageError(text, where=str(folder), remedy="remove all but one"))
    if not found and not problems:
        raise UsageError(f"{folder} holds no wheels", remedy=f"pip download 'wetgate[cpu,farm]' -d {folder}")
    raise_all(problems)
    lines = []
    wheels = []
    for (name, version), paths in sorted(found.items()):
        # Files of one version for several systems: pip takes the one that fits, and each may be the one.
        hashes = [_digest(path) for path in paths]
        wheels += [Wheel(name, version, sha256) for sha256 in hashes]
        lines.append(" ".join([f"{name}=={version}", *(f"--hash=sha256:{sha256}" for sha256 in hashes)]))
    target = folder / LIST
    write_bytes(target, ("\n".join(lines) + "\n").encode())
    return target, wheels


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
