"""What every test has: reproducible property tests, and the folder of real material where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# So that a failing assertion in these shows its values as one in a test does.
pytest.register_assert_rewrite("support.compare", "support.contract")

# The same examples on every machine and in every run; a slow machine is no failure.
settings.register_profile(
    "wetgate", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("wetgate")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout that the tests belong to."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real pictures and clips; a test that asks for it skips where there is none."""
    named = os.environ.get("WETGATE_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real material at {folder}; set WETGATE_TEST_DATA to a folder that holds it")
    return folder
