"""A farm without a network: a folder of wheels, its list of hashes, and pip that takes these files and no others."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Ran

Run = Callable[..., Ran]


def wheel(folder: Path, name: str, version: str = "1.0", needs: str = "") -> Path:
    """A wheel of one module, as the specification has it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    requires = f"Requires-Dist: {needs}\n" if needs else ""
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{one},,\n" for one in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for one, text in files.items():
            archive.writestr(one, text)
    return path


def install(folder: Path, into: Path) -> subprocess.CompletedProcess[str]:
    """As on a machine without a network, in the words of the documentation."""
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--find-links", str(folder), "--require-hashes"]
    more = ["-r", str(folder / "requirements.txt"), "--target", str(into), "--isolated", "--no-cache-dir", "-q"]
    return subprocess.run([*command, *more], capture_output=True, text=True, check=False)


def test_a_folder_of_wheels_installs_offline_by_its_hashes_and_a_changed_file_is_refused(
    run: Run, tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    wheel(wheels, "studio_tool", needs="Studio.Lib>=1")
    library = wheel(wheels, "Studio_Lib", "1.2.3")
    done = run("farm", "wheels", wheels, "--json")
    assert done.code == 0, done.err
    listed = json.loads(done.out)
    assert [(w["name"], w["version"]) for w in listed["wheels"]] == [("studio-lib", "1.2.3"), ("studio-tool", "1.0")]
    made = install(wheels, tmp_path / "site")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "site/studio_tool.py").is_file()
    assert (tmp_path / "site/Studio_Lib.py").is_file()
    with zipfile.ZipFile(library, "a") as archive:
        archive.writestr("planted.py", "")
    refused = install(wheels, tmp_path / "again")
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr
    assert not (tmp_path / "again/planted.py").exists()


def test_files_of_one_version_for_two_systems_are_listed_together(run: Run, tmp_path: Path) -> None:
    first = wheel(tmp_path, "studio_lib")
    (tmp_path / "studio_lib-1.0-cp311-cp311-win_amd64.whl").write_bytes(first.read_bytes() + b" ")
    assert run("farm", "wheels", tmp_path).out.startswith("2 wheels in ")
    (line,) = (tmp_path / "requirements.txt").read_text().splitlines()
    assert line.startswith("studio-lib==1.0 --hash=sha256:")
    assert line.count("--hash=sha256:") == 2


def test_what_could_not_be_installed_offline_is_told_of_all_at_once(run: Run, tmp_path: Path) -> None:
    wheel(tmp_path, "studio_lib", "1.0")
    wheel(tmp_path, "studio_lib", "2.0")
    (tmp_path / "other-1.0.tar.gz").write_bytes(b"")
    done = run("farm", "wheels", tmp_path)
    assert done.code == 2
    assert "other-1.0.tar.gz is no wheel" in done.err
    assert "studio-lib is there in 2 versions: 1.0, 2.0" in done.err
    assert not (tmp_path / "requirements.txt").exists()


@pytest.mark.parametrize(("make", "said"), [(True, "holds no wheels"), (False, "there is no folder")])
def test_a_folder_without_wheels_is_refused_with_the_command_that_fills_it(
    run: Run, tmp_path: Path, make: bool, said: str
) -> None:
    folder = tmp_path / "wheels"
    if make:
        folder.mkdir()
    done = run("farm", "wheels", folder)
    assert done.code == 2
    assert said in done.err
    assert "pip download" in done.err
