"""Where the data files are that come with Wetgate: inside the installed package, or at their place in a checkout."""

from __future__ import annotations

from pathlib import Path

from wetgate.spec.errors import UsageError

_PACKAGE = Path(__file__).resolve().parent
# Folder by name: where the wheel puts it, and where a checkout has it. pyproject.toml maps the second to the first.
_PLACES = {
    "luts": (_PACKAGE / "data" / "luts", _PACKAGE.parents[1] / "luts"),
    "models": (_PACKAGE / "data" / "models", _PACKAGE.parents[1] / "models"),
    "presets": (_PACKAGE / "presets",),
    "schemas": (_PACKAGE / "schemas",),
}


def folder(name: str) -> Path:
    """The folder of that name: ``luts``, ``models``, ``presets`` or ``schemas``.

    Raises :class:`KeyError` for any other name, and :class:`UsageError` where the installation lacks the folder.
    """
    places = _PLACES[name]
    for place in places:
        if place.is_dir():
            return place
    raise UsageError(
        f"the {name} that come with Wetgate are not there",
        where=str(places[0]),
        remedy="the installation is damaged: install the package again",
    )
