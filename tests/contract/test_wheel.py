"""The wheel alone, in a bare environment outside the checkout, holds everything and runs every command."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.installed import build_wheel, install_alone

PICTURE = """
import numpy as np, wetgate
x = np.linspace(0, 1, 64, dtype=np.float32)
for n in (1001, 1002, 1003):
    pixels = np.stack([np.tile(x, (36, 1)), np.tile(x[::-1], (36, 1)), np.full((36, 64), 0.1 * (n - 1000))], axis=2)
    wetgate.write(wetgate.Frame(pixels.astype(np.float32), "sRGB - Texture", n), "in.####.exr")
"""
LIFT = "hdr_lift:method=bt2446a"
# Every command with arguments that make it work, in an order in which each finds what it needs.
COMMANDS: dict[str, list[str]] = {
    "nodes": ["nodes", "--json"],
    "render": ["render", "in.####.exr", "-o", "out.####.exr", "-n", LIFT, "--out-space", "rec2100_pq_display"],
    "analyze": ["analyze", "in.####.exr", "-n", LIFT, "-o", "shot.json"],
    "degrade": ["degrade", "in.####.exr", "-o", "aged.####.exr", "-r", "grain", "--seed", "7"],
    "measure": ["measure", "in.####.exr", "aged.####.exr", "--metrics", "psnr,ssim", "--json"],
    "psf": ["psf", "in.1001.exr"],
    "lut": ["lut", LIFT, "-o", "lift.clf", "--in-space", "srgb_tx", "--out-space", "rec2100_pq_display", "--size", "9"],
    "verify": ["verify", "out.####.exr", "--source", "in.####.exr"],
    "models": ["models", "list", "--json"],
    "host": ["host", "--help"],
    "resolve": ["resolve", "--help"],
    "hosts": ["hosts", "list"],
    "submit": ["submit", "in.####.exr", "-o", "farm/x.####.exr", "--to", "openjd", "--write", "job"],
    "farm": ["farm", "verify", "out.####.exr", "-o", "copy.####.exr", "--help"],
    "demo": ["demo", "-o", "demo", "--frames", "2", "--size", "96x54"],
}


def _has_compiler() -> bool:
    return importlib.util.find_spec("ziglang") is not None or any(shutil.which(name) for name in ("c++", "g++"))


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory) -> Path:
    return build_wheel(root, tmp_path_factory.mktemp("wheel"))


def trains(name: str) -> bool:
    """Whether a file of ``models/`` is for training alone."""
    return name.startswith("models/") and (name.endswith(".py") or name.startswith("models/recipes/"))


def test_the_wheel_holds_the_package_and_its_data(wheel, root):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "plugin/wetgate", "luts", "models"], cwd=root, capture_output=True, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("not a git checkout, so nobody knows which files belong to it")
    here = [name for name in tracked.stdout.splitlines() if (root / name).is_file() and not trains(name)]
    wanted = {name.removeprefix("plugin/") if name.startswith("plugin/") else f"wetgate/data/{name}" for name in here}
    assert wanted <= names, f"missing in the wheel: {sorted(wanted - names)}"
    assert any(n.startswith("wetgate/data/Wetgate.ofx.bundle/Contents/") for n in names) == _has_compiler()
    foreign = {n for n in names if not n.startswith("wetgate/") and ".dist-info/" not in n}
    foreign |= {n for n in names if trains(n.removeprefix("wetgate/data/"))}
    assert not foreign, f"the wheel would install {sorted(foreign)}"
    assert any(n.endswith(".dist-info/licenses/LICENSE") for n in names)
    assert "wetgate/py.typed" in names


@pytest.fixture(scope="module")
def programs(wheel, tmp_path_factory) -> Path:
    return install_alone(wheel, tmp_path_factory.mktemp("bare") / "venv")


def test_the_bundle_of_the_wheel_installs_and_renders_every_node(programs, tmp_path, root):
    if sys.platform != "linux" or not _has_compiler():
        pytest.skip("the wheel has no bundle for this system")
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "LANG": "C.UTF-8"}

    def run(*command: object, code: int = 0) -> str:
        words = [str(programs / str(command[0])), *map(str, command[1:])]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, f"{words}\n{done.stdout}{done.stderr}"
        return done.stdout

    plugins = tmp_path / "plugins"
    run("wetgate", "hosts", "install", "--to", plugins)
    settings = json.loads((plugins / "Wetgate.ofx.bundle/Contents/Resources/wetgate.json").read_text())
    assert settings["command"][0] == str(programs / "python")
    assert str(root) not in " ".join(settings["command"])
    # A bare wheel has no runtime for networks: the nodes that need one say so, and the others render.
    said = run("python", root / "install" / "verify.py", plugins / "Wetgate.ofx.bundle", code=1).splitlines()
    nodes = [node["id"] for node in json.loads(run("wetgate", "nodes", "--json"))["nodes"]]
    assert sorted(line.split(": ")[1] for line in said) == sorted(nodes)
    lacking = [line for line in said if line.split(": ")[2] != "renders"]
    assert [line.split(": ")[1] for line in lacking] == ["deartifact", "denoise"]
    assert "ONNX Runtime is not installed" in lacking[0]
    run("wetgate", "hosts", "uninstall", "--to", plugins)
    assert not plugins.exists()


def test_a_build_without_a_compiler_says_so_and_a_release_fails(root, tmp_path):
    script = (
        "import sys; sys.path.insert(0, 'ofx_bridge'); sys.modules['ziglang'] = None\n"
        "import build, build_backend, importlib.util\n"
        "build.importlib.util.find_spec = lambda name: None\n"
        "made = build_backend._make_bundle(release=len(sys.argv) > 1)\n"
        "print('made', made)"
    )
    shutil.copytree(root / "ofx_bridge", tmp_path / "ofx_bridge", ignore=shutil.ignore_patterns("build"))

    def built(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False
        )

    plain = built()
    assert plain.stdout.strip() == "made False", plain.stderr
    assert "THIS WHEEL HAS NO OFX BUNDLE: there is no C++ compiler" in plain.stderr
    release = built("release")
    assert release.returncode != 0
    assert "pip install ziglang" in release.stderr


def test_the_wheel_alone_runs_every_command(programs, tmp_path, root):
    work = tmp_path / "work"
    work.mkdir()
    environment = {"PATH": os.defpath, "HOME": str(work), "LANG": "C.UTF-8", "TERM": "dumb", "COLUMNS": "120"}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        program = str(programs / command[0])
        return subprocess.run(
            [program, *command[1:]], cwd=work, env=environment, capture_output=True, text=True, check=False
        )

    where = run("python", "-c", "import wetgate; print(wetgate.__file__)").stdout
    assert str(programs.parent) in where, f"wetgate was imported from {where}"
    help_text = run("wetgate", "--help").stdout
    listed = re.findall(r"^  ([a-z]+) ", help_text.partition("Commands:")[2], re.MULTILINE)
    assert listed, help_text
    assert sorted(listed) == sorted(COMMANDS), "a command is not tried here"
    made = run("python", "-c", PICTURE)
    assert made.returncode == 0, made.stderr
    failed = []
    for name, arguments in COMMANDS.items():
        done = run("wetgate", *arguments)
        if done.returncode:
            failed.append(f"wetgate {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        elif name == "nodes":
            assert [n["id"] for n in json.loads(done.stdout)["nodes"]]
    assert not failed, "\n".join(failed)
    for path in ("out.1003.exr", "shot.json", "aged.1001.exr", "lift.clf", "demo/report.html"):
        assert (work / path).stat().st_size > 0, path
    data = run(
        "python",
        "-c",
        "from wetgate import resources as r; print(*map(r.folder, ('luts', 'models', 'presets', 'schemas')))",
    )
    assert data.returncode == 0, data.stderr
    assert str(root) not in data.stdout


def test_the_versions_of_wheel_and_package_agree(wheel):
    from wetgate import __version__

    assert wheel.name.startswith(f"wetgate-{__version__}-")
