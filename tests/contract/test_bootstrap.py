"""The set-up: which Python, which variant, when nothing is to be done, and how it says what is wrong."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap
import environment

ROOT = Path(__file__).resolve().parents[2]
INSTALL = ROOT / "install"
SETUP = ("bootstrap", "environment", "commands", "system_packages")


def test_the_entry_reads_on_a_python_as_old_as_3_6():
    ast.parse((INSTALL / "bootstrap.py").read_text("utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("name", SETUP)
def test_the_set_up_needs_the_standard_library_alone(name):
    tree = ast.parse((INSTALL / f"{name}.py").read_text("utf-8"))
    imported = {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    imported |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    foreign = {i.partition(".")[0] for i in imported} - sys.stdlib_module_names - set(SETUP)
    assert not foreign


def test_an_unsuitable_python_hands_over_to_a_suitable_one(monkeypatch):
    handed: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "suitable_pythons", lambda: ["/some/python3.12"])
    monkeypatch.setattr(bootstrap.subprocess, "call", lambda command: handed.append(command) or 7)
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "demo", "-o", "x"])
    assert bootstrap.run_with_another() == 7
    assert handed == [["/some/python3.12", str(INSTALL / "bootstrap.py"), "demo", "-o", "x"]]


def test_without_a_suitable_python_it_says_which_would_do(monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "suitable_pythons", list)
    assert bootstrap.run_with_another() == 2
    said = capsys.readouterr().err
    assert "needs Python 3.11, 3.12 or 3.13" in said
    assert "apt install python3.11 python3.11-venv" in said


def test_a_python_is_suitable_only_if_it_runs(tmp_path):
    assert bootstrap.probe(sys.executable) == "%d.%d" % sys.version_info[:2]  # noqa: UP031
    broken = tmp_path / "python3.12"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    assert bootstrap.probe(str(broken)) == ""
    assert bootstrap.probe(str(tmp_path / "absent")) == ""


@pytest.mark.parametrize(
    ("variant", "platform", "expected"),
    [
        ("cpu", "linux", ["torch==2.0.1+cpu", "torch==2.0.1"]),
        ("cpu", "darwin", ["torch==2.0.1"]),
        ("cpu", "win32", ["torch==2.0.1"]),
        ("gpu", "linux", ["torch===2.0.1", "torch==2.0.1"]),
    ],
)
def test_pip_is_asked_for_the_build_of_torch_that_belongs_to_the_variant(variant, platform, expected):
    assert environment.torch_candidates("torch==2.0.1", variant, platform) == expected


def test_every_pin_is_exact():
    pins = environment.Pins.read()
    for pin in (*pins.base, *(p for extra in pins.extras.values() for p in extra)):
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", pin), f"{pin} is not exact"


def test_the_variants_exclude_one_another_and_agree_on_torch():
    extras = environment.Pins.read().extras
    torch = {pin for v in environment.VARIANTS for pin in extras[v] if pin.startswith("torch==")}
    assert len(torch) == 1
    assert any(pin.startswith("onnxruntime==") for pin in extras["cpu"])
    assert any(pin.startswith("onnxruntime-gpu==") for pin in extras["gpu"])


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """An environment folder that is set up, and what set-up would do, written down instead of done."""
    folder = tmp_path / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text("")
    (folder / "pyvenv.cfg").write_text("version = 3.12.1\n")
    pins = tmp_path / "pyproject.toml"
    shutil.copy(ROOT / "pyproject.toml", pins)
    for name, value in {
        "FOLDER": folder,
        "STAMP": folder / "stamp.json",
        "PINS": pins,
        "PYTHON": folder / "bin" / "python",
    }.items():
        monkeypatch.setattr(environment, name, value)
    done: list[str] = []
    monkeypatch.setattr(environment, "_make", lambda: done.append("make"))
    monkeypatch.setattr(environment, "_install", lambda variant: done.append(variant))
    monkeypatch.setattr(environment, "found_gpu", lambda: "")
    environment.ensure()
    assert done == ["make", "cpu"]
    done.clear()
    return done


def test_a_second_run_does_nothing_and_starts_nothing(fake, monkeypatch):
    monkeypatch.setattr(environment.subprocess, "Popen", None)
    monkeypatch.setattr(environment.subprocess, "run", None)
    environment.ensure()
    environment.ensure("cpu")
    assert fake == []


def test_a_changed_pin_sets_up_again(fake):
    environment.PINS.write_text(environment.PINS.read_text() + "\n# changed\n")
    environment.ensure()
    assert fake == ["make", "cpu"]


def test_another_interpreter_sets_up_again(fake):
    (environment.FOLDER / "pyvenv.cfg").write_text("version = 3.13.0\n")
    environment.ensure()
    assert fake == ["make", "cpu"]


def test_a_damaged_stamp_sets_up_again(fake):
    environment.STAMP.write_text("{")
    environment.ensure()
    assert fake == ["make", "cpu"]


def test_the_variant_changes_when_it_is_asked_to_and_then_stays(fake, monkeypatch):
    monkeypatch.setattr(environment.sys, "platform", "linux")
    environment.ensure("gpu")
    assert fake == ["make", "gpu"]
    environment.PINS.write_text(environment.PINS.read_text() + "\n# changed\n")
    environment.ensure()
    assert fake == ["make", "gpu", "make", "gpu"]


def test_without_the_venv_module_it_says_which_package_brings_it(monkeypatch):
    monkeypatch.setattr(environment, "probe", lambda python: "")
    monkeypatch.setattr(environment, "suitable_pythons", list)
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    with pytest.raises(environment.SetupError, match=r"apt install python3\.\d+-venv"):
        environment._venv_python()


def test_there_is_no_cuda_on_macos(fake, monkeypatch):
    monkeypatch.setattr(environment.sys, "platform", "darwin")
    with pytest.raises(environment.SetupError, match="no CUDA on macOS"):
        environment.ensure("gpu")


def test_a_gpu_is_found_by_what_its_tool_lists(tmp_path, monkeypatch):
    if any(Path("/proc/driver/nvidia/gpus").glob("*")):
        pytest.skip("this machine has one, which is found before the tool is asked")
    tool = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.defpath}")
    assert environment.found_gpu() == ""
    tool.write_text('#!/bin/sh\necho "GPU 0: Some Card (UUID: GPU-1)"\n')
    tool.chmod(0o755)
    assert environment.found_gpu() == "nvidia-smi lists GPU 0: Some Card"
    tool.write_text('#!/bin/sh\necho "No devices were found"\nexit 6\n')
    assert environment.found_gpu() == ""


def test_what_points_python_elsewhere_is_kept_out(monkeypatch):
    for name in ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    cleaned = environment.clean_environment()
    assert not {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET"} & set(cleaned)
    assert cleaned["PIP_FIND_LINKS"] == "/wheels"
    assert cleaned["PATH"].startswith(str(environment.BIN))


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "the disk is full"),
        ("WARNING: Retrying after: Failed to establish a new connection", "pip cannot reach its index"),
        ("ERROR: No matching distribution found for numpy==2.4.6", "lacks this package"),
        ("ERROR: something new", "all of pip's output is in"),
    ],
)
def test_a_failure_of_pip_ends_with_what_to_do(said, hint):
    assert hint in environment._reason([said])[-1]


def test_without_wheels_or_network_set_up_says_so_and_the_stamp_is_not_made(tmp_path):
    for name in SETUP:
        (tmp_path / "install").mkdir(exist_ok=True)
        shutil.copy(INSTALL / f"{name}.py", tmp_path / "install")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "wheels").mkdir()
    variables = os.environ | {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
        "PIP_CONFIG_FILE": os.devnull,
    }
    command = [sys.executable, str(tmp_path / "install" / "bootstrap.py"), "setup", "--variant", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "No matching distribution" in done.stdout
    assert "lacks this package" in done.stdout
    assert not (tmp_path / ".venv" / environment.STAMP.name).exists()
    assert (tmp_path / ".venv" / environment.LOG.name).read_text().startswith("$ ")
    assert "Traceback" not in done.stdout + done.stderr


def test_chromium_is_installed_by_root_and_asked_for_otherwise(tmp_path, monkeypatch, capsys):
    import system_packages

    apt = tmp_path / "apt-get"
    apt.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nif [ "$1" = update ]; then touch {tmp_path}/lists; exit 0; fi\n'
        f'[ -e {tmp_path}/lists ] && /bin/cp "$0" {tmp_path}/chromium\n'
    )
    apt.chmod(0o755)
    monkeypatch.setattr(system_packages, "LOG", tmp_path / "none" / "log")
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    system_packages.offer_browser()
    assert "install Chromium or Chrome" in capsys.readouterr().out
    assert not (tmp_path / "asked").exists()
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.defpath}")
    monkeypatch.setattr(system_packages, "BROWSERS", ("chromium",))
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / name) if (tmp_path / name).exists() else None)
    system_packages.offer_browser()
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [
        "install -y --no-install-recommends chromium",
        "update",
        "install -y --no-install-recommends chromium",
    ]
    system_packages.offer_browser()
    assert (tmp_path / "asked").read_text().splitlines() == asked


def test_no_index_or_registry_stands_in_the_repository():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout, so nobody knows which files belong to it")
    pattern = re.compile(r"https?://[^\s\"']*(?:pypi|pythonhosted|simple/)|--(?:extra-)?index-url|ind" + r"ex_url\s*=")
    found = []
    for name in listed.stdout.splitlines():
        file = ROOT / name
        if file.suffix in (".py", ".toml", ".md", ".yaml", ".yml", ".cfg", ".json", ".txt", "") and file.is_file():
            text = file.read_text("utf-8", errors="replace")
            if pattern.search(text) and file != Path(__file__):
                found.append(name)
    assert not found


def test_the_stamp_is_plain_json(fake):
    assert set(json.loads(environment.STAMP.read_text())) == {"fingerprint", "variant"}
