"""Baked LUTs, read back through OCIO, and what the report says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wetgate.color.curves import pq_decode, pq_encode, srgb_encode
from wetgate.color.difference import delta_e_itp
from wetgate.color.lut import Shaper, bake, read
from wetgate.color.primaries import apply_matrix
from wetgate.spec import Image, UsageError


def look(image: Image) -> Image:
    """Code values to code values, with crosstalk and a bend."""
    mixed = apply_matrix([[0.8, 0.15, 0.05], [0.1, 0.85, 0.05], [0.0, 0.2, 0.8]], image)
    return np.asarray(mixed * mixed * (3 - 2 * mixed), np.float32)


@pytest.mark.parametrize("suffix", [".clf", ".cube"])
def test_a_grid_is_exact_at_its_nodes_and_in_the_right_order(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"look{suffix}"
    bake(look, path, size=9, title="Look")
    axis = np.linspace(0, 1, 9, dtype=np.float32)
    nodes = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(9, 81, 3)
    assert np.abs(read(path)(nodes) - look(nodes)).max() < 2e-6  # six digits are written into a .cube


@pytest.mark.parametrize("suffix", [".clf", ".cube"])
def test_the_report_is_what_an_independent_check_finds(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"look{suffix}"
    report = bake(look, path, size=17)
    colours = np.random.default_rng(99).random((1, 50000, 3)).astype(np.float32)
    error = np.abs(read(path)(colours) - look(colours)).max(axis=-1)
    assert report.mean == pytest.approx(error.mean(), rel=0.15)  # other colours, same distribution but for the ramps
    assert report.p99 == pytest.approx(np.percentile(error, 99), rel=0.15)
    assert report.max >= 0.7 * error.max()
    worst = np.array(report.worst, np.float32).reshape(1, 1, 3)
    assert np.abs(read(path)(worst) - look(worst)).max() == pytest.approx(report.max)
    assert "17x17x17" in str(report)


def test_a_finer_grid_is_nearer(tmp_path: Path) -> None:
    # to the same file: OCIO's cache of read files must not answer
    errors = [bake(look, tmp_path / "look.clf", size=size).mean for size in (5, 9, 17)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


def test_a_log_shaper_carries_scene_linear_light(tmp_path: Path) -> None:
    def view(image: Image) -> Image:
        light = np.maximum(apply_matrix([[0.8, 0.15, 0.05], [0.1, 0.85, 0.05], [0.0, 0.2, 0.8]], image), 0)
        return np.asarray(srgb_encode(light / (light + 0.3)), np.float32)

    colours = (10 ** np.random.default_rng(1).uniform(-3, 1.2, (1, 20000, 3))).astype(np.float32)
    errors = []
    for spacing in ("log2", "none"):
        path = tmp_path / f"{spacing}.clf"
        bake(view, path, size=33, shaper=Shaper(spacing, 0.0, 16.0))
        errors.append(float(np.abs(read(path)(colours) - view(colours)).mean()))
    assert errors[0] < 0.002
    assert errors[0] < errors[1] / 20


def test_a_pq_shaper_carries_absolute_light(tmp_path: Path) -> None:
    report = bake(
        lambda nits: np.asarray(pq_encode(nits), np.float32),
        tmp_path / "pq.clf",
        kind="1d",
        shaper=Shaper("pq", 0.0, 10000.0),
    )
    assert report.max < 1e-4  # a tenth of a 10-bit step, in the last ten-thousandth of a nit


def test_a_table_of_one_curve_reads_back(tmp_path: Path) -> None:
    for suffix in (".clf", ".cube"):
        report = bake(lambda code: np.asarray(pq_decode(code), np.float32), tmp_path / f"c{suffix}", kind="1d")
        assert report.max < 0.1  # nits, of 10,000


def test_the_ends_of_the_domain_hold(tmp_path: Path) -> None:
    for suffix in (".clf", ".cube"):
        path = tmp_path / f"x{suffix}"
        bake(lambda x: x * np.float32(2), path, size=5, shaper=Shaper("none", -0.5, 2.0))
        ends = read(path)(np.array([[[-3.0, 0.5, 9.0]]], np.float32))
        assert ends == pytest.approx(np.array([[[-1.0, 1.0, 4.0]]]), abs=1e-5)


def test_an_error_has_the_unit_that_was_asked_for(tmp_path: Path) -> None:
    report = bake(
        lambda nits: nits,
        tmp_path / "i.clf",
        size=17,
        shaper=Shaper("pq", 0.0, 1000.0),
        difference=delta_e_itp,
        unit="dE ITP",
    )
    assert report.unit == "dE ITP"
    assert 0.1 < report.mean < 20.0
    assert "dE ITP" in str(report)


def test_title_and_description_are_in_the_file(tmp_path: Path) -> None:
    for suffix in (".clf", ".cube"):
        path = tmp_path / f"t{suffix}"
        bake(look, path, size=3, title='A "quoted" title & more', description="From a test\nof two lines")
        text = path.read_text()
        assert "quoted" in text
        assert "From a test" in text
        read(path)


def test_the_same_bake_gives_the_same_bytes_and_leaves_nothing_else(tmp_path: Path) -> None:
    for suffix in (".clf", ".cube"):
        first, second = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
        bake(look, first, size=5, title="T")
        bake(look, second, size=5, title="T")
        assert first.read_bytes() == second.read_bytes()
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("a.3dl", {}, r"allowed: \.clf, \.cube"),
        ("a.cube", {"shaper": Shaper("log2", 0.0, 16.0)}, "no log2 shaper.*write .clf"),
        ("a.clf", {"size": 1}, "2 to 129"),
        ("a.clf", {"size": 130}, "2 to 129"),
        ("a.clf", {"kind": "1d", "size": 70000}, "2 to 65536"),
        ("a.clf", {"kind": "1d"}, "mixes channels"),
        ("a.clf", {"shaper": Shaper("none", 1.0, 1.0)}, "low below high"),
        ("nowhere/a.clf", {}, "no folder"),
    ],
)
def test_what_cannot_be_baked_is_refused(tmp_path: Path, name: str, arguments: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        bake(look, tmp_path / name, **arguments)
    assert not list(tmp_path.iterdir())


def test_a_failing_function_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.cube"
    bake(look, path, size=3)
    before = path.read_bytes()

    def fails(image: Image) -> Image:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        bake(fails, path, size=3)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
