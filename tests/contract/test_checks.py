"""The checks of ``bootstrap.py check`` as tests, so that one run of the tests says all there is to say."""

from __future__ import annotations

import subprocess
import sys

import pytest


def _checks(root):
    sys.path.insert(0, str(root / "install"))
    try:
        import commands
    finally:
        sys.path.pop(0)
    return {check.name: check for check in commands.CHECKS}


@pytest.mark.parametrize("name", ["format", "lint", "types"])
def test_the_sources_pass(root, name):
    check = _checks(root)[name]
    command = [sys.executable, *check.command[1:]]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-6000:]}{done.stderr[-2000:]}\n{name} does not hold: {check.remedy}"


def test_no_check_is_left_out(root):
    here = {"format", "lint", "types"}
    assert {name for name, check in _checks(root).items() if not check.tested} == here
