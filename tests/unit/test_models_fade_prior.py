"""The fade prior is trained by what is seen of a fade. Needs a checkout, which has its training."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from wetgate.color.fade import DyeFade, fitted, from_negative, on_negative
from wetgate.color.film_dyes import set_matrix
from wetgate.ops.fade_statistics import PICTURE_SIZE

torch = pytest.importorskip("torch", reason="trainings are torch's")

MATRIX = set_matrix("negatives", "broad")


@pytest.fixture(autouse=True)
def checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2]))


def examples(density: float, medium: Literal["print", "negative"]) -> Any:
    """Of a reel of one density that has not faded."""
    from models.train.fade_examples import JUDGED, PICTURES, Reel
    from models.train.fade_prior import Examples

    flat = np.full((PICTURES, JUDGED, 3), density, np.float16)
    none = np.zeros(3)
    reel = Reel(np.zeros((PICTURES, PICTURE_SIZE)), MATRIX, True, none, none, DyeFade.none(MATRIX), flat, flat)
    return Examples([reel], medium, seed=1)


def left_by_a_tenth(density: float, medium: Literal["print", "negative"]) -> float:
    """What is left of a gain of a tenth too much at a density."""
    vector = torch.zeros(1, 9)
    vector[:, :3] = np.log(1.1)
    return float(examples(density, medium).left(torch.tensor([0]), vector, torch.zeros(1)))


def test_an_error_counts_as_the_negative_is_looked_at():
    """Dense film is the black of a print and the white of a negative."""
    assert left_by_a_tenth(1.4, "negative") > 3 * left_by_a_tenth(1.4, "print")


def test_a_base_that_was_sampled_is_not_the_networks_to_miss():
    data = examples(0.7, "print")
    vector = torch.zeros(1, 9)
    vector[:, 6:] = 0.2
    unknown, sampled = (float(data.left(torch.tensor([0]), vector, torch.full((1,), s))) for s in (0.0, 1.0))
    assert sampled < 0.1 < unknown


def test_the_nearest_fade_is_nearest_where_the_picture_is_light():
    """A dye that no one gain restores is met in a negative's dense parts, which are its light ones."""
    amounts = np.linspace(0.05, 1.5, 200)[:, None] * np.ones(3)
    true = amounts @ MATRIX.T
    faded = np.interp(amounts, (0, 0.75, 0.9, 1.5), (0, 0.375, 0.5, 0.6)) @ MATRIX.T
    picture = from_negative(true.astype(np.float32))
    missed = [
        np.abs(fitted(faded, true, seen, np.zeros(3), MATRIX).restored(faded[-60:]) - true[-60:]).mean()
        for seen in (true, picture)
    ]
    assert missed[1] < missed[0]
    assert on_negative(picture) == pytest.approx(true, abs=1e-5)
