"""The build backend of pyproject.toml: scikit-build-core's, with the OFX bundle made first, so that the wheel has it.

``WETGATE_RELEASE=1`` makes the binaries of every system, and fails where one cannot be made. Without it the wheel has
this machine's, and a build that has no compiler goes on without a bundle and says so.
"""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

from scikit_build_core.build import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)
from scikit_build_core.build import build_wheel as build_wheel_alone
from scikit_build_core.build import get_requires_for_build_wheel as requires_of_wheel

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]
HERE = Path(__file__).resolve().parent
# Relative to the checkout, in which a backend runs (PEP 517); of this process alone, so that two builds do not meet.
FOLDER = f"ofx_bridge/build/wheel-{os.getpid()}"
NOTICE = """
***********************************************************************************************
  THIS WHEEL HAS NO OFX BUNDLE: {why}
  `wetgate hosts install` will not work with it.
***********************************************************************************************
"""

Settings = dict[str, Any] | None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """scikit-build-core's own, and the release compiler in the version that pyproject.toml pins."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    compiler = [r for r in project["optional-dependencies"]["dev"] if r.startswith("ziglang==")]
    return [*requires_of_wheel(config_settings), *compiler]


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """Make the bundle, then the wheel around it."""
    settings = dict(config_settings or {})
    try:
        if _make_bundle(release=os.environ.get("WETGATE_RELEASE") == "1"):
            settings[f"wheel.force-include.{FOLDER}"] = "wetgate/data"
        return build_wheel_alone(wheel_directory, settings, metadata_directory)
    finally:
        shutil.rmtree(HERE.parent / FOLDER, ignore_errors=True)


def _make_bundle(*, release: bool) -> bool:
    """Whether there is a bundle for the wheel."""
    sys.path.insert(0, str(HERE))
    import build

    folder = HERE.parent / FOLDER
    try:
        for target in build.RELEASE if release else (build.here_target(),):
            build.build(target, "zig" if release else "auto", build.NODES, folder / "Wetgate.ofx.bundle")
    except build.BuildError as error:
        if release:
            raise
        print(NOTICE.format(why=error), file=sys.stderr, flush=True)
        return False
    return True
