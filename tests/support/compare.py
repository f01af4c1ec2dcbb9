"""Comparing pictures: everything that travels with the pixels first, then the pixels, with the error's distribution."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.tolerance import EXACT, Tolerance
from wetgate.spec import Frame

Array = NDArray[Any]


def assert_frames_match(actual: Frame, expected: Frame, tolerance: Tolerance = EXACT) -> None:
    """``actual`` is ``expected``: number, space, windows, metadata, channel names, further parts; then the values.

    On failure the message gives every field that differs, or the distribution of the error and the place of the
    largest, and both pictures with their difference are saved in a folder that the message names.
    """
    problems = list(_differing_fields(actual, expected))
    if problems:
        raise AssertionError("the frames differ before their pixels do:\n  " + "\n  ".join(problems))
    assert_pixels_match(actual.pixels, expected.pixels, tolerance, name="pixels")
    _assert_planes_match(actual.extra, expected.extra, "extra channel")
    for a, e in zip(actual.parts, expected.parts, strict=True):
        _assert_planes_match(a.channels, e.channels, f"part {e.name!r}, channel")


def assert_pixels_match(actual: Array, expected: Array, tolerance: Tolerance = EXACT, *, name: str = "pixels") -> None:
    """Two arrays of the same shape and type hold the same values within ``tolerance``; NaN matches NaN alone.

    Under :data:`EXACT` floats are compared by their bits, so -0.0 is not 0.0.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{name}: shape is {actual.shape}, expected {expected.shape}"
    assert actual.dtype == expected.dtype, f"{name}: type is {actual.dtype}, expected {expected.dtype}"
    if tolerance == EXACT:
        wrong = _bits(actual) != _bits(expected)
        if wrong.any():
            raise AssertionError(_report(actual, expected, wrong, tolerance, name))
        return
    a, e = actual.astype(np.float64), expected.astype(np.float64)
    allowed = np.where(np.isfinite(e), tolerance.absolute + tolerance.relative * np.abs(e), 0.0)
    with np.errstate(invalid="ignore"):
        distance = np.where((a == e) | (np.isnan(a) & np.isnan(e)), 0.0, np.abs(a - e))
        wrong = ~(distance <= allowed)  # so that a NaN on one side alone is wrong
        hopeless = ~(distance <= allowed * tolerance.hard)
    if wrong.mean() > tolerance.share or hopeless.any():
        raise AssertionError(_report(actual, expected, wrong, tolerance, name))


def _differing_fields(actual: Frame, expected: Frame) -> list[str]:
    found = []
    for field in ("number", "space", "data_window", "display_window", "pixel_aspect", "layout"):
        a, e = getattr(actual, field), getattr(expected, field)
        if a != e:
            found.append(f"{field}: {a!r}, expected {e!r}")
    found += _differing_keys(actual.metadata, expected.metadata, "metadata", values=True)
    found += _differing_keys(actual.codec, expected.codec, "codec", values=False)
    found += _differing_keys(actual.extra, expected.extra, "extra channels", values=False)
    if [p.name for p in actual.parts] != [p.name for p in expected.parts]:
        found.append(f"parts: {[p.name for p in actual.parts]}, expected {[p.name for p in expected.parts]}")
        return found
    for a, e in zip(actual.parts, expected.parts, strict=True):
        for field in ("data_window", "display_window"):
            if getattr(a, field) != getattr(e, field):
                found.append(f"part {e.name!r} {field}: {getattr(a, field)!r}, expected {getattr(e, field)!r}")
        found += _differing_keys(a.metadata, e.metadata, f"part {e.name!r} metadata", values=True)
        found += _differing_keys(a.channels, e.channels, f"part {e.name!r} channels", values=False)
    return found


def _differing_keys(actual: Mapping[str, Any], expected: Mapping[str, Any], name: str, *, values: bool) -> list[str]:
    found = [f"{name}: {key!r} is lost" for key in expected if key not in actual]
    found += [f"{name}: {key!r} came from nowhere" for key in actual if key not in expected]
    if values:
        for key in expected:
            if key in actual and not _same(actual[key], expected[key]):
                found.append(f"{name}: {key!r} is {actual[key]!r}, expected {expected[key]!r}")
    return found


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)


def _assert_planes_match(actual: Mapping[str, Array], expected: Mapping[str, Array], kind: str) -> None:
    for name, plane in expected.items():
        assert_pixels_match(actual[name], plane, EXACT, name=f"{kind} {name!r}")


def _bits(array: Array) -> Array:
    array = np.ascontiguousarray(array)
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "f" else array


def _report(actual: Array, expected: Array, wrong: Array, tolerance: Tolerance, name: str) -> str:
    a, e = actual.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore"):
        error = np.abs(a - e)
        signed = np.where(np.isfinite(error), a - e, 0.0)
    finite = np.where(np.isfinite(error), error, 0.0)
    ranks = np.percentile(finite, [50, 90, 99, 99.9])
    ranked = np.where(wrong, np.where(np.isfinite(error), error, np.inf), -1.0)
    worst = np.unravel_index(int(np.argmax(ranked)), error.shape)
    lines = [
        f"{name}: {int(wrong.sum())} of {wrong.size} values ({100 * wrong.mean():.4g} %) are out of tolerance",
        f"  tolerance: absolute {tolerance.absolute:g}, relative {tolerance.relative:g}, "
        f"share {tolerance.share:g}, hard {tolerance.hard:g} ({tolerance.reason})",
        f"  |error|: mean {finite.mean():.4g}, median {ranks[0]:.4g}, p90 {ranks[1]:.4g}, p99 {ranks[2]:.4g}, "
        f"p99.9 {ranks[3]:.4g}, max {finite.max():.4g}; mean signed {signed.mean():.4g}",
        f"  worst at {_place(worst)}: {actual[worst]!r}, expected {expected[worst]!r}",
    ]
    for word, count in (("actual", int((~np.isfinite(a)).sum())), ("expected", int((~np.isfinite(e)).sum()))):
        if count:
            lines.append(f"  {word} holds {count} values that are not finite")
    lines.append(f"  saved: {_save(actual, expected, finite, name)}")
    return "\n".join(lines)


def _place(index: tuple[Any, ...]) -> str:
    names = ("y", "x", "channel") if len(index) in (2, 3) else ()
    return ", ".join(f"{n} {int(i)}" for n, i in zip(names, index, strict=False)) or str(tuple(map(int, index)))


def _save(actual: Array, expected: Array, error: NDArray[np.float64], name: str) -> Path:
    """Both arrays as .npz, and a picture of the difference, brightest where it is largest."""
    root = os.environ.get("WETGATE_TEST_OUTPUT") or str(Path(tempfile.gettempdir()) / "wetgate-differences")
    test = os.environ.get("PYTEST_CURRENT_TEST", "outside pytest").partition(" (")[0]
    folder = Path(root) / re.sub(r"[^A-Za-z0-9_.-]+", "-", test.rpartition("/")[2])[:120]
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
    np.savez_compressed(folder / f"{stem}.npz", actual=actual, expected=expected)
    if error.ndim in (2, 3) and error.shape[-1 if error.ndim == 3 else 0] > 0:
        import cv2

        plane = error if error.ndim == 2 else error[..., : min(error.shape[2], 3)].max(axis=2)
        shown = np.sqrt(plane / max(float(plane.max()), 1e-30)) * 255
        cv2.imwrite(str(folder / f"{stem}.difference.png"), np.round(shown).astype(np.uint8))
    return folder
