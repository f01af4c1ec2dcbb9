"""``wetgate models`` as it is typed: list, verify and add, their exit codes and their words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.networks import convolutions
from wetgate.surfaces.cli.main import main


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a command; exit code, stdout, stderr."""
    monkeypatch.setenv("WETGATE_MODELS", str(tmp_path / "own"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            main(["models", *arguments])
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def network(tmp_path) -> Path:
    return convolutions(depth=3, gain=0.01).save(tmp_path / "mine.onnx")


def shifting(path: Path) -> Path:
    graph = convolutions(depth=3, gain=0.01)
    graph.add("Add", graph.constant([0.1]))
    return graph.save(path)


def test_a_network_is_added_listed_and_verified(run, network):
    code, out, _ = run("add", "mine.onnx", "--task", "denoise", "--output", "residual", "--licence", "CC0")
    assert code == 0
    assert "added mine for denoise: scale 1, 1 x 3 channels in, multiple 1" in out
    code, out, _ = run("list")
    assert code == 0
    assert "mine  denoise, own, version 1; yours; CC0" in out
    assert "passed its conformance run" in out
    code, out, _ = run("verify", "mine")
    assert code == 0
    assert "passed  seams" in out


def test_list_and_verify_speak_json(run, network):
    run("add", "mine.onnx", "--task", "denoise", "--output", "residual")
    code, out, _ = run("list", "--json")
    entry = next(m for m in json.loads(out)["models"] if m["id"] == "mine")
    assert (code, entry["own"], entry["precisions"], entry["problem"]) == (0, True, ["fp32"], "")
    code, out, _ = run("verify", "mine", "--json")
    assert json.loads(out)["passed"] is True


def test_a_network_that_fails_needs_force_and_is_marked_in_the_list(run, tmp_path):
    shifting(tmp_path / "shifty.onnx")
    arguments = ("add", "shifty.onnx", "--task", "denoise", "--output", "residual")
    code, _, err = run(*arguments)
    assert code == 2
    assert "colour shift" in err
    assert "--force" in err
    code, out, _ = run(*arguments, "--force")
    assert code == 0
    assert "FAILED its conformance run" in out
    assert "FAILED its conformance run (colour shift) and was added with --force" in run("list")[1]
    assert run("verify", "shifty")[0] == 3


def test_weights_that_changed_are_shown_and_fail(run, network, tmp_path):
    run("add", "mine.onnx", "--task", "denoise", "--output", "residual")
    file = tmp_path / "own" / "mine" / "weights.onnx"
    file.write_bytes(file.read_bytes()[:-100])
    code, out, _ = run("list")
    assert code == 3
    assert "NOT USABLE: the weights of mine have SHA-256" in out
    assert "wetgate models add --replace" in out
    code, out, _ = run("verify", "mine")
    assert code == 3
    assert "FAILED  sizes" in out


def test_a_folder_that_cannot_be_read_is_told_and_hides_nothing(run, network, tmp_path):
    run("add", "mine.onnx", "--task", "denoise", "--output", "residual")
    bad = tmp_path / "own" / "bad"
    bad.mkdir()
    (bad / "manifest.toml").write_text("[[model")
    code, out, _ = run("list")
    assert code == 3
    assert "mine  denoise" in out
    assert "broken: the model manifest is no TOML" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "nothing"), "there is no model 'nothing'"),
        (("add", "mine.onnx", "--task", "denoise", "--encoding", "srgb"), "allowed: code, signed_log, vst"),
        (("add", "mine.onnx", "--task", "denoise", "--range", "one"), "allowed: LOW,HIGH"),
        (("add", "mine.onnx", "--task", "denoise", "--map", "noise:x"), "allowed: NAME or NAME:CHANNELS"),
        (("add", "mine.onnx", "--task", "denoise", "--range", "1,0"), "range is [1.0, 0.0]"),
        (("add", "mine.onnx", "--task", "De Noise"), "task is 'De Noise'"),
        (("add", "mine.onnx", "--task", "denoise", "--device", "gpu"), "the device is 'gpu'"),
    ],
)
def test_wrong_input_is_one_clear_line_and_exit_code_2(run, network, arguments, said):
    code, _, err = run(*arguments)
    assert code == 2
    assert said in err
    assert err.startswith("wetgate: ")
    assert "Traceback" not in err
