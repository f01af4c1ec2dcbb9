"""The model manifest: what it must say, every mistake at once, and files that are what their hash says."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.networks import convolutions, manifest_text, sample
from wetgate.inference import catalogue
from wetgate.inference.devices import CPU, Device, choose_weights
from wetgate.inference.manifest import read_manifest
from wetgate.spec import ModelError, Problems, WetgateError


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("models")
    convolutions().save(made / "net.onnx")
    return made


@pytest.fixture
def users(tmp_path, monkeypatch) -> Path:
    """A user's folder of models, empty."""
    monkeypatch.setenv("WETGATE_MODELS", str(tmp_path / "own"))
    return tmp_path / "own"


def written(folder: Path, text: str) -> Path:
    path = folder / "manifest.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_manifest_is_sound_and_its_files_are_what_it_says():
    for model in catalogue.shipped():
        for weights in model.weights.values():
            assert catalogue.checked_file(model, weights).is_file()
        assert model.recipe, f"{model.id} does not say how it was trained"


def test_a_model_says_how_many_channels_its_graph_takes_and_how_far_tiles_overlap(folder):
    fields = {"frames": 5, "maps": [{"name": "noise", "channels": 3}], "multiple": 8, "receptive_radius": 30}
    (model,) = read_manifest(written(folder, manifest_text(folder / "net.onnx", **fields)))
    assert model.in_channels == 18
    assert model.halo == 32
    assert model.continued_by == 32
    (narrow,) = read_manifest(written(folder, manifest_text(folder / "net.onnx", rim=5, **fields)))
    assert narrow.continued_by == 8


WRONG = {
    "id": "Denoise Fast",
    "frames": 2,
    "scale": 0,
    "encoding": "srgb",
    "output": "image",
    "range": [1.0, 0.0],
    "receptive_radius": -1,
    "rim": -1,
    "tile": 63,
    "maps": [{"name": "noise"}],
    "hold": {"block": 4, "bound": 2.0},
    "prefer": {"tpu": "fp32", "cpu": "int8"},
    "colour": "yes",
}


@pytest.mark.parametrize("field", WRONG)
def test_a_wrong_field_is_named_with_what_is_allowed(folder, field):
    with pytest.raises(WetgateError) as caught:
        read_manifest(written(folder, manifest_text(folder / "net.onnx", **{field: WRONG[field]})))
    message = caught.value.message()
    assert field in message
    assert "allowed" in message
    assert "model[0]" in message


def test_all_mistakes_of_a_manifest_are_told_at_once(folder):
    with pytest.raises(Problems) as caught:
        read_manifest(written(folder, manifest_text(folder / "net.onnx", **WRONG)))
    message = caught.value.message()
    missing = [field for field in WRONG if field not in message]
    assert not missing
    assert len(caught.value.problems) >= len(WRONG)


def test_a_field_that_is_missing_and_one_that_is_unknown_are_told(folder):
    text = manifest_text(folder / "net.onnx", licence=None) + 'colour = "x"\n'
    with pytest.raises(Problems, match="licence is missing") as caught:
        read_manifest(written(folder, text))
    assert "colour is no field" in caught.value.message()


def test_a_file_outside_the_manifests_folder_is_refused(folder):
    text = manifest_text(folder / "net.onnx").replace('"net.onnx"', '"../../net.onnx"')
    with pytest.raises(ModelError, match=r"\.\./\.\./net\.onnx.*below the manifest's folder"):
        read_manifest(written(folder, text))


def test_two_models_of_one_task_and_tier_are_refused(folder):
    text = manifest_text(folder / "net.onnx")
    twice = text + text.partition("\n")[2].replace('"sample"', '"other"', 1)
    with pytest.raises(ModelError, match="two models have task sample, tier fast"):
        read_manifest(written(folder, twice))


def test_text_that_is_no_toml_is_one_clear_error(folder):
    with pytest.raises(ModelError, match="is no TOML"):
        read_manifest(written(folder, "[[model"))


def test_weights_that_were_changed_are_refused(tmp_path):
    model = sample(tmp_path)
    file = tmp_path / "net.onnx"
    assert catalogue.checked_file(model, model.weights["fp32"]) == file
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(ModelError, match=r"has SHA-256 .* the manifest says|have SHA-256"):
        catalogue.checked_file(model, model.weights["fp32"])


def test_weights_that_are_missing_are_one_clear_error(tmp_path):
    model = sample(tmp_path)
    (tmp_path / "net.onnx").unlink()
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        catalogue.checked_file(model, model.weights["fp32"])


def test_a_file_is_hashed_once_as_long_as_it_stays_the_same(tmp_path, monkeypatch):
    model = sample(tmp_path)
    hashed: list[Path] = []
    real = catalogue.sha256_of
    monkeypatch.setattr(catalogue, "sha256_of", lambda path: (hashed.append(path), real(path))[1])
    for _ in range(3):
        catalogue.checked_file(model, model.weights["fp32"])
    assert len(hashed) == 1


def test_a_tier_that_is_not_there_is_refused_with_what_there_is(users):
    with pytest.raises(ModelError, match="there is no fast model for sample"):
        catalogue.find("sample", "fast")


def test_a_users_model_is_found_by_its_id_and_by_its_task_alone(users):
    place = users / "mine"
    place.mkdir(parents=True)
    file = convolutions().save(place / "net.onnx")
    written(place, manifest_text(file, id="mine"))
    assert catalogue.find("sample", "fast", "mine").own
    with pytest.raises(ModelError, match="for sample, not for denoise"):
        catalogue.find("denoise", "fast", "mine")
    with pytest.raises(ModelError, match="did you mean 'mine'"):
        catalogue.find("sample", "fast", "mime")


def test_a_broken_folder_of_a_user_hides_no_other(users):
    for name in ("bad", "mine"):
        (users / name).mkdir(parents=True)
    written(users / "bad", "[[model")
    file = convolutions().save(users / "mine" / "net.onnx")
    written(users / "mine", manifest_text(file, id="mine"))
    models, problems = catalogue.own()
    assert [m.id for m in models] == ["mine"]
    assert len(problems) == 1
    with pytest.raises(WetgateError, match="is no TOML"):
        catalogue.find("sample", "fast", "bad")


@pytest.mark.parametrize(
    ("platform", "environ", "wanted"),
    [
        ("linux", {"HOME": "/home/a"}, "/home/a/.local/share/wetgate/models"),
        ("linux", {"HOME": "/home/a", "XDG_DATA_HOME": "/data"}, "/data/wetgate/models"),
        ("linux", {"HOME": "/home/a", "XDG_DATA_HOME": "relative"}, "/home/a/.local/share/wetgate/models"),
        ("darwin", {"HOME": "/Users/a"}, "/Users/a/Library/Application Support/Wetgate/models"),
        ("win32", {"HOME": "/u", "APPDATA": "/roaming"}, "/roaming/Wetgate/models"),
        ("linux", {"HOME": "/home/a", "WETGATE_MODELS": "/studio/models"}, "/studio/models"),
    ],
)
def test_a_users_models_are_where_the_system_keeps_a_programs_data(platform, environ, wanted):
    assert catalogue.user_folder(environ, platform) == Path(wanted)


def test_precision_follows_the_manifest_and_the_kind_of_device(tmp_path, monkeypatch):
    file = convolutions().save(tmp_path / "net.onnx")
    more = {p: (file, r) for p, r in (("bf16", "torch"), ("int8", "onnx"), ("fp16", "onnx"))}
    prefer = {"cpu": "int8", "cpu_bf16": "bf16", "gpu": "fp16"}
    (model,) = read_manifest(written(tmp_path, manifest_text(file, more=more, prefer=prefer)))
    monkeypatch.setattr("wetgate.inference.devices.has_bf16", lambda: True)
    assert choose_weights(model, CPU).precision == "bf16"
    assert choose_weights(model, Device("cuda")).precision == "fp16"
    assert choose_weights(model, CPU, "fp32").precision == "fp32"
    monkeypatch.setattr("wetgate.inference.devices.has_bf16", lambda: False)
    assert choose_weights(model, CPU).precision == "int8"
    with pytest.raises(ModelError, match="has no weights in int4"):
        choose_weights(model, CPU, "int4")
