"""A project that an earlier version saved keeps its picture after a node has got a parameter more."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wetgate.surfaces.ofxhost import ClipMedia, Host, Plugin, find_binaries, render_frame, saved_values

ROOT = Path(__file__).resolve().parents[2]
LATER = Path(__file__).parent / "workers" / "later.py"
PICTURE = np.linspace(0.0, 1.2, 6 * 8 * 3, dtype=np.float32).reshape(6, 8, 3)
CHOSEN = {"method": 1, "input_space": 1, "peak": 800.0}


def _bundle(folder: Path, *options: object) -> Path:
    command = [sys.executable, str(ROOT / "ofx_bridge" / "build.py"), "--compiler", "system", "--bundle", str(folder)]
    subprocess.run(command + [str(o) for o in options], capture_output=True, check=True)
    return next(iter(find_binaries(folder)))


def _launch(folder: Path, *words: object) -> str:
    file = folder / "worker.json"
    file.write_text(json.dumps({"wetgate": 1, "command": [sys.executable, "-I", *map(str, words)]}), encoding="utf-8")
    file.chmod(0o600)
    return str(file)


def _rendered(
    binary: Path, profile: str, values: dict[str, Any] | None = None, saved: dict[str, Any] | None = None
) -> tuple[np.ndarray, dict[str, Any]]:
    host = Host(profile)
    loaded = host.open(binary)
    plugin = Plugin(host, loaded, "io.wetgate.hdr_lift")
    plugin.load()
    clip = ClipMedia(fetch=lambda number: PICTURE, first=0, last=9, width=8, height=6, channels=3)
    instance = plugin.create({"Source": clip}, values, saved=saved)
    pixels = render_frame(plugin, instance, 1.0).pixels
    kept = dict(saved_values(instance))
    plugin.destroy(instance)
    plugin.unload()
    loaded.unload()
    host.check()
    return pixels, kept


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The binaries of this version and of the later one."""
    if sys.platform != "linux" or not any(shutil.which(name) for name in ("c++", "g++")):
        pytest.skip("the shim is built with a C++ compiler on Linux")
    folder = tmp_path_factory.mktemp("bundles")
    table = subprocess.run(
        [sys.executable, "-I", LATER, ROOT / "plugin", "table"], capture_output=True, text=True, check=True
    )
    (folder / "nodes.json").write_text(table.stdout, encoding="utf-8")
    later = _bundle(folder / "later" / "Wetgate.ofx.bundle", "--nodes", folder / "nodes.json")
    return _bundle(folder / "first" / "Wetgate.ofx.bundle"), later


@pytest.mark.parametrize("profile", ["strict", "resolve", "nuke", "melt"])
def test_an_instance_of_the_first_version_renders_the_same_in_a_later_one(
    profile: str, bundles: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, later = bundles
    tmp_path.chmod(0o700)
    package = ROOT / "plugin"
    monkeypatch.setenv("WETGATE_WORKER", _launch(tmp_path, package / "wetgate" / "surfaces" / "worker" / "__main__.py"))
    picture, kept = _rendered(first, profile, CHOSEN)
    assert kept["wetgate_version"][0].startswith("1 ")

    monkeypatch.setenv("WETGATE_WORKER", _launch(tmp_path, LATER, package))
    again, kept_again = _rendered(later, profile, saved=kept)
    np.testing.assert_array_equal(again, picture)
    once_more, _ = _rendered(later, profile, saved=kept_again)
    np.testing.assert_array_equal(once_more, picture)
    anew, _ = _rendered(later, profile, CHOSEN)
    assert not np.array_equal(anew, picture), "the new parameter's default must show in a new instance"
