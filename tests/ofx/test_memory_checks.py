"""The shim under the compiler's checks and valgrind: no leak, no read past an end, no race, whatever threads do.

They take minutes where the machine is busy, for the shim is compiled anew: run with -m slow.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from support.shim_builds import build_probe, build_shim, echo_worker, run_probe

SIZE = "53x37"
CHECKS = {
    "address": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "thread": ["-fsanitize=thread"],
}


@pytest.fixture(scope="module", params=sorted(CHECKS))
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, dict[str, str]]:
    """The probe and the shim with one kind of check in both, and the variables for a worker that echoes."""
    if sys.platform != "linux":
        pytest.skip("the shim is built with a sanitizer on Linux")
    folder = tmp_path_factory.mktemp(request.param)
    flags = CHECKS[request.param]
    try:
        probe = build_probe(folder, *flags)
    except OSError as error:
        pytest.skip(f"this compiler makes no {request.param} checks: {str(error)[:200]}")
    return probe, build_shim(folder, *flags), echo_worker(folder)


@pytest.mark.slow
def test_eight_threads_on_one_instance_make_no_race_and_no_wrong_access(
    built: tuple[Path, Path, dict[str, str]],
) -> None:
    run_probe(built[0], built[1], ["threads", "6", SIZE, "8", "1"], built[2])


@pytest.mark.slow
def test_fifty_instances_under_eight_threads_make_no_race_and_no_wrong_access(
    built: tuple[Path, Path, dict[str, str]],
) -> None:
    run_probe(built[0], built[1], ["threads", "7", SIZE, "8", "50"], built[2])


@pytest.mark.slow
def test_loading_and_unloading_leaves_nothing_behind(built: tuple[Path, Path, dict[str, str]]) -> None:
    run_probe(built[0], built[1], ["loads", "3", SIZE], built[2])


def test_valgrind_finds_nothing(binary: Path, tmp_path: Path) -> None:
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    try:
        probe = build_probe(tmp_path)
    except OSError as error:
        pytest.skip(str(error))
    checked = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite"]
    run_probe(probe, binary, ["cycles", "4", SIZE], echo_worker(tmp_path), *checked)
