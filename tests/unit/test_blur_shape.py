"""Which blurs a frame may have beside the one that was measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wetgate.ops.blur_shape import Shape, measured


def _measured(kind: str, angle: float = 0.0) -> Shape:
    blur = {"kind": kind, "size": 12.0, "angle": angle, "confidence": 1.0}
    return measured({"blur": blur}, np.zeros((64, 64, 3), np.float32), 1, "even", 0.0, 1.0, lambda: None)


def _middle(kernel: Any) -> Any:
    """Where a PSF's light lies, x to the right and y up, from its middle."""
    y, x = np.indices(kernel.shape)
    rows, columns = kernel.shape
    return np.array([(kernel * (x - (columns - 1) / 2)).sum(), -(kernel * (y - (rows - 1) / 2)).sum()])


def test_a_blur_of_parts_alone_is_undone_everywhere_only_where_that_is_asked_for() -> None:
    found = {"blur": {"kind": "gaussian", "size": 0.8, "angle": 0.0, "confidence": 1.0, "even": 0.1}}
    frame = np.zeros((64, 64, 3), np.float32)
    left, undone = (measured(found, frame, 1, how, 0.0, 1.0, lambda: None) for how in ("auto", "even"))
    assert left.psf.size == 1
    assert left.words["size"] == 0
    assert "no one blur explains it" in left.words["from"]
    assert undone.psf.size > 1


def test_a_disc_may_be_wider_or_narrower_alone() -> None:
    assert len(_measured("defocus").others) == 1


@pytest.mark.parametrize("angle", [0.0, 31.0, 90.0, 150.0])
def test_a_line_may_also_be_turned_and_lean_to_either_end(angle: float) -> None:
    shape = _measured("motion", angle)
    _, (left, right), (onward, back) = shape.others
    assert all(k.sum() == pytest.approx(1, abs=1e-5) for pair in shape.others for k in pair)  # float32 sums
    assert not np.array_equal(left, right)
    towards = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    # Light that rises by a tenth to the end of a line of 12 px has its middle 12 / 6 / 10 px from the line's.
    np.testing.assert_allclose(_middle(onward), 0.2 * towards, atol=0.05)
    np.testing.assert_allclose(_middle(back), -0.2 * towards, atol=0.05)
