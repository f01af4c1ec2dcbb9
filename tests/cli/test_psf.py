"""``wetgate psf``: the text of a PSF from its picture."""

from __future__ import annotations

import numpy as np
import pytest

import wetgate
from wetgate.ops.psf import from_text
from wetgate.spec import Frame
from wetgate.surfaces.cli.main import main


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["psf", *arguments])
    return int(end.value.code or 0)


def test_the_text_of_a_picture_is_the_psf_that_it_shows(tmp_path, capsys):
    light = np.zeros((11, 11, 3), np.float32)
    light[5, 3:8, :] = 0.5
    wetgate.write([Frame(light, "ACEScg", 1)], tmp_path / "line.exr")
    assert _run(str(tmp_path / "line.exr")) == 0
    psf = from_text(capsys.readouterr().out.strip())
    assert psf.shape == (5, 5)
    np.testing.assert_allclose(psf[2], 0.2, atol=1e-4)


def test_a_black_picture_is_refused(tmp_path, capsys):
    wetgate.write([Frame(np.zeros((9, 9, 3), np.float32), "ACEScg", 1)], tmp_path / "black.exr")
    assert _run(str(tmp_path / "black.exr")) == 2
    assert "a black picture" in capsys.readouterr().err
