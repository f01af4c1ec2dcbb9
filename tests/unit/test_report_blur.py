"""The blur of a shot in the report."""

from __future__ import annotations

import numpy as np

from wetgate.surfaces.report.blur import blur_gallery

EVEN = {"blur": {"kind": "defocus", "size": 2.04, "angle": 0.0, "confidence": 0.9}}
GRID = {"kind": "gaussian", "rows": 2, "columns": 3, "size": [0, 1, 2, 0, 1, 2], "confidence": [1, 1, 1, 1, 1, 0]}
MOTION = {
    "motion": {"7": [8.0, 0.0, 0.5]},
    "motion_cells": {"rows": 1, "columns": 2, "frames": {"7": [80, 0, 100, 0, -80, 100]}},
}


def test_one_blur_is_told_in_words():
    made = blur_gallery("deblur", EVEN, (96, 54))
    assert made is not None
    assert made.views == []
    assert made.table is not None
    assert made.table.rows == [["the shot as a whole", "defocus, 2.04 px, 90 % sure"]]
    of_parts = blur_gallery("deblur", {"blur": EVEN["blur"] | {"even": 0.1}}, (96, 54))
    assert of_parts is not None
    assert of_parts.table is not None
    assert "parts of it alone" in of_parts.table.rows[0][1]


def test_a_grid_is_drawn_with_each_psf_in_its_place_and_darker_where_nothing_shows():
    made = blur_gallery("deblur", EVEN | {"grid": GRID}, (96, 54))
    assert made is not None
    (view,) = made.views
    assert view.pixels.shape == (360, 640, 3)
    lit = [[(cell > 0).sum() for cell in np.array_split(row, 3, 1)] for row in np.array_split(view.pixels[..., 0], 2)]
    assert lit[0][0] < lit[0][1] < lit[0][2]
    top, bottom = (np.array_split(row, 3, 1)[2].max() for row in np.array_split(view.pixels[..., 0], 2))
    assert bottom < top == 255
    assert "it varies over the frame" in str(made.table.rows)


def test_motion_is_drawn_by_place():
    made = blur_gallery("deblur", {"blur": None} | MOTION, (96, 54))
    assert made is not None
    (view,) = made.views
    left, right = (half > 0 for half in np.array_split(view.pixels[..., 0], 2, 1))
    assert left.any(axis=0).sum() > left.any(axis=1).sum()
    assert right.any(axis=1).sum() > right.any(axis=0).sum()
    assert view.number == 7
    assert made.table.rows == [["motion of most of the frame", "8.0 to 8.0 px a frame"]]


def test_an_analysis_that_tells_no_blur_has_no_section():
    assert blur_gallery("denoise", {"noise": {}}, (96, 54)) is None
    assert blur_gallery("deblur", {"blur": None}, (96, 54)) is None
