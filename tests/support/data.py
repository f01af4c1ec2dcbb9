"""Where real pictures lie, if they are there: WETGATE_TEST_DATA, or ../shared/data beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def data_folder() -> Path | None:
    """The folder of real test material, or None."""
    folder = Path(os.environ.get("WETGATE_TEST_DATA") or _BESIDE)
    return folder if folder.is_dir() else None


def hdr_pictures() -> list[object]:
    """The real OpenEXR files as test cases, or one case that is skipped and says why."""
    folder = data_folder()
    found = sorted((folder / "hdr").glob("*/*.exr")) if folder else []
    return list(found) or [pytest.param(Path("none"), marks=pytest.mark.skip(reason="no real pictures here"))]
