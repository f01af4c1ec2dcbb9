"""The files under ``luts/`` are what ``luts/make.py`` makes."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from wetgate.color import ColorConfig
from wetgate.color.curves import hlg_decode, pq_decode, pq_encode
from wetgate.color.lut import read

FOLDER = Path(__file__).parents[2] / "luts"
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.])")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("luts_make", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("luts")
    module.make(folder)
    return folder


def test_the_shipped_files_are_fresh(made: Path) -> None:
    written = {path.name for path in made.iterdir()}
    shipped = {path.name for path in FOLDER.iterdir() if path.suffix in (".cube", ".clf", ".ocio")} | {"report.md"}
    assert shipped == written, "run: python luts/make.py"
    for name in sorted(written):
        old, new = ((folder / name).read_text(encoding="utf-8") for folder in (FOLDER, made))
        assert _NUMBER.sub("#", old) == _NUMBER.sub("#", new), f"{name} is stale; run: python luts/make.py"
        numbers = [np.array([float(n) for n in _NUMBER.findall(text)]) for text in (old, new)]
        # another processor may round the last digit of a power otherwise; the report has two digits
        rough = 0.1 if name == "report.md" else 1e-4
        assert numbers[0] == pytest.approx(numbers[1], rel=rough, abs=2e-5), (
            f"{name} is stale; run: python luts/make.py"
        )


def test_they_are_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 1.6e6


def test_the_bridge_keeps_light_below_its_peak() -> None:
    # 203 nits of grey: PQ 0.5807 and HLG 0.75 are the same light (BT.2408 Table 1)
    grey = np.full((1, 1, 3), 0.58068888, np.float32)
    hlg = read(FOLDER / "pq_to_hlg_1000nits.cube")(grey)
    assert hlg == pytest.approx(np.full((1, 1, 3), 0.75), abs=2e-3)  # the file's own error
    back = read(FOLDER / "hlg_to_pq_1000nits.cube")(hlg)
    assert back == pytest.approx(grey, abs=4e-3)
    assert hlg_decode(hlg) == pytest.approx(np.full((1, 1, 3), 203.0), rel=0.01)


def test_pq_tables_agree_with_the_formula() -> None:
    code = np.linspace(0, 1, 999, dtype=np.float32)[None, :, None].repeat(3, axis=2)
    nits = read(FOLDER / "pq_to_nits.clf")(code)
    assert nits == pytest.approx(pq_decode(code), rel=1e-3, abs=1e-3)
    assert read(FOLDER / "nits_to_pq.clf")(nits) == pytest.approx(pq_encode(nits), abs=1e-5)


def test_the_config_additions_load_and_agree_with_those_in_every_config() -> None:
    alone = ColorConfig.load(str(FOLDER / "config_additions.ocio"))
    studio = ColorConfig.load("ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3")
    image = np.random.default_rng(0).random((1, 50, 3)).astype(np.float32)
    for lines in ("525", "625"):
        name = f"rec1886_rec601_{lines}_display"
        got = alone.hop(name, "cie_xyz_d65").apply(image)
        assert got == pytest.approx(studio.hop(name, "cie_xyz_d65").apply(image), rel=1e-6, abs=1e-7)
