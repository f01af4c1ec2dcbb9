"""The files under ``luts/bt2446`` are what its script makes, and do what the lift does."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from wetgate.color.curves import bt1886_decode, pq_decode
from wetgate.color.hdr.lift import Settings, lift
from wetgate.color.lut import read
from wetgate.color.primaries import apply_matrix, rgb_to_rgb

FOLDER = Path(__file__).parents[2] / "luts" / "bt2446"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("luts_bt2446_make", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("bt2446")
    module.make(folder)
    return folder


def _numbers(path: Path) -> np.ndarray:
    rows = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line[:1] in "0123456789-"]
    return np.array(rows, float)


def test_the_shipped_luts_are_fresh(made: Path) -> None:
    names = {p.name for p in made.glob("*.cube")}
    assert names == {p.name for p in FOLDER.glob("*.cube")}, "run: python luts/bt2446/make.py"
    for name in sorted(names):
        # six digits are written; another processor may round the last one otherwise
        np.testing.assert_allclose(
            _numbers(made / name),
            _numbers(FOLDER / name),
            rtol=1e-4,
            atol=2e-5,
            err_msg=f"{name} is stale; run: python luts/bt2446/make.py",
        )


@pytest.mark.parametrize("method", ["bt2446a", "bt2446c"])
def test_a_lut_lifts_as_the_node_does(method: str) -> None:
    code = np.random.default_rng(1).random((1, 4000, 3)).astype(np.float32)
    light = apply_matrix(rgb_to_rgb("rec709", "rec2020"), bt1886_decode(code))
    expected = np.maximum(lift(light, Settings(method=method)), 0.0)
    got = pq_decode(read(FOLDER / f"{method}_sdr709_to_pq2020_1000nits.cube")(code))
    error = np.abs(got - expected).max(axis=-1) / expected.max(axis=-1)
    assert np.median(error) < 0.01  # of a pixel's brightest channel; a grid of 19 is no more
    assert np.quantile(error, 0.99) < 0.1


def test_up_and_down_is_the_input_with_method_c() -> None:
    grey = np.linspace(0.1, 1.0, 50, dtype=np.float32)[None, :, None].repeat(3, axis=2)
    there = read(FOLDER / "bt2446c_sdr709_to_pq2020_1000nits.cube")(grey)
    back = read(FOLDER / "bt2446c_pq2020_1000nits_to_sdr709.cube")(there)
    np.testing.assert_allclose(back, grey, atol=0.015)  # two grids of 19, at the bend of the curve (SDR 80 %)
