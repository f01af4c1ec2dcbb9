"""The documents that Wetgate writes are what their published schemas say, and wrong ones are not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

import wetgate
from support.pictures import frame, scene
from wetgate import resources
from wetgate.io.opening import open_source

SPACE = "sRGB - Texture"
HASH = re.compile(r"[0-9a-f]{64}")


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((resources.folder("schemas") / name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """A folder with a short shot, lifted to HDR: frames, record and analysis."""
    folder = tmp_path_factory.mktemp("rendered")
    shot = [frame(scene(48, 27, shift=float(i), peak=0.4), SPACE, number=1001 + i) for i in range(3)]
    wetgate.write(shot, folder / "in.####.exr")
    wetgate.render(
        folder / "in.####.exr", folder / "out.####.exr", nodes=["hdr_lift:peak=1000"], out_space="rec2100_pq_display"
    )
    return folder


@pytest.fixture(scope="module")
def record(rendered) -> dict:
    (path,) = rendered.glob("out*.wetgate.json")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def analysis(rendered) -> dict:
    (path,) = rendered.glob("out*.analysis.json")
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_record_of_a_render_is_as_its_schema_says(record):
    validator("record.schema.json").validate(record)
    assert [f["frame"] for f in record["frames"]] == [1001, 1002, 1003]
    assert all(HASH.fullmatch(f["input"]) and HASH.fullmatch(f["output"]) for f in record["frames"])


def test_an_analysis_is_as_its_schema_says(analysis):
    validator("analysis.schema.json").validate(analysis)
    assert analysis["range"] == [1001, 1003]


def test_the_header_of_every_frame_holds_the_record_of_it(rendered, record):
    from wetgate.engine.record import HEADER_KEY, parse_header

    source = open_source(rendered / "out.####.exr", frames=None, on_missing="error")
    try:
        for number, entry in zip(source.numbers, record["frames"], strict=True):
            header = parse_header(source.read(number).frame.metadata)
            assert header is not None, f"frame {number} has no {HEADER_KEY}"
            assert {key: header[key] for key in ("job", "frame", "input", "output")} == {
                "job": record["job"],
                **{key: entry[key] for key in ("frame", "input", "output")},
            }
    finally:
        source.close()


def test_a_signed_record_is_as_its_schema_says(record, tmp_path):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from wetgate.engine.signing import sign

    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    validator("record.schema.json").validate(sign(record, tmp_path / "key.pem"))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "wetgate.record/2"},
        {"job": "abc"},
        {"frames": [{"frame": 1001}]},
        {"failed": {"first": "why"}},
        {"signature": {"algorithm": "RSA"}},
        {"unknown": 1},
        {"software": {}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_wrong_record_is_refused(record, change):
    assert list(validator("record.schema.json").iter_errors(record | change))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "other"},
        {"version": 0},
        {"range": [1]},
        {"frames": {}},
        {"frames": {"1001": "abc"}},
        {"cuts": [1002, 1002]},
        {"unknown": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_wrong_analysis_is_refused(analysis, change):
    assert list(validator("analysis.schema.json").iter_errors(analysis | change))
