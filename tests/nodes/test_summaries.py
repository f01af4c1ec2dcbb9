"""What nodes say of their analyses: what was found; where nothing will be done, why, and what does it all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import wetgate
from wetgate.engine.job import Outcome
from wetgate.ops.quantiser import UNKNOWN
from wetgate.ops.shot_coding import DECODER, PIXELS, TABLES, ShotCoding
from wetgate.spec import Frame, registry
from wetgate.surfaces.report.collect import _notes

CODING = ShotCoding(DECODER, (64, 64), (8 / 255, 10 / 255), codec="h264")


def _said(node: str, results: Any, **params: Any) -> str:
    return str(registry.get(node).make(params).summary(results))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A render through denoise of noise of 6/255 on mid-grey."""
    folder = tmp_path_factory.mktemp("noisy")
    pixels = np.random.default_rng(4).normal(0.5, 6 / 255, (128, 128, 3)).astype(np.float32)
    wetgate.write([Frame(pixels, "srgb_tx", 1)], str(folder / "in.####.exr"))
    return wetgate.render(str(folder / "in.####.exr"), str(folder / "out.####.exr"), nodes=["denoise"])


def _as(noisy: dict[str, Any], origin: str) -> dict[str, Any]:
    return noisy | {"verdict": noisy["verdict"] | {"origin": origin}}


def test_denoise_says_how_strong_the_noise_is_and_that_grain_is_kept(rendered: Outcome) -> None:
    noisy = dict(rendered.analyses["denoise-1"])
    assert _said("denoise", _as(noisy, "electronic")) == "electronic noise of about 6/255"
    grain = _as(noisy, "grain")
    kept = "film grain of about 6/255; all of it is kept, keep_grain=0 takes it out"
    assert _said("denoise", grain) == kept
    assert "; 25 % of it is kept" in _said("denoise", grain, keep_grain=0.25)
    assert _said("denoise", grain, keep_grain=0) == "film grain of about 6/255"
    assert "nothing is done; sigma sets it" in _said("denoise", {"top": 1.0, "noise": {"frames": 0}})


@pytest.mark.parametrize(
    ("coding", "told"),
    [
        (CODING, "quantised in steps of 8.0/255, colour 10.0/255, as the decoder of h264 tells"),
        (replace(CODING, source=TABLES), "by the JPEG's own tables"),
        (replace(CODING, source=PIXELS, quality=35), "as a JPEG of quality 35 is"),
        (replace(CODING, source=PIXELS, period=(6.4, 6.4)), "blocks of 6.40 x 6.40 pixels say that it was resized"),
        (replace(CODING, source=PIXELS, older=(3, 4)), "an earlier, coarser save lies under it"),
        (replace(CODING, source=PIXELS, steps=(UNKNOWN, UNKNOWN)), "how coarsely is not known"),
        (replace(CODING, source=PIXELS, steps=(0.0, 0.0)), "no compression was found"),
    ],
)
def test_deartifact_says_how_coarse_the_codec_was_and_how_that_is_known(coding: ShotCoding, told: str) -> None:
    assert told in _said("deartifact", coding.to_json())


def test_deblur_says_the_blur_or_why_nothing_is_done() -> None:
    blur = {"kind": "motion", "size": 7.32, "angle": 30.0, "confidence": 0.9}
    assert _said("deblur", {"blur": blur}) == "motion of 7.3 px at 30 degrees, 90 % sure"
    assert "a shutter of 180 degrees" in _said("deblur", {"blur": blur, "shutter": {"degrees": 180.0}})
    assert "sharp, so nothing is done" in _said("deblur", {"blur": blur | {"kind": "sharp"}})
    in_parts = {"blur": blur | {"even": 0.1}}
    assert "blurred in parts, and no one blur explains it, so nothing is done" in _said("deblur", in_parts)
    assert _said("deblur", in_parts, method="auto").endswith(
        "explains it: a network sharpens each place as it finds it"
    )
    unsure = {"free": {"sharp": False, "agreement": 0.4}}
    assert _said("deblur", unsure, kind="free").endswith("less than 0.75: nothing is done")
    assert "a network sharpens" in _said("deblur", unsure, kind="free", method="auto")
    assert _said("deblur", in_parts, variation="even") == "motion of 7.3 px at 30 degrees, 90 % sure"
    assert "too small or too plain" in _said("deblur", {"blur": None})
    unsure = {"free": {"sharp": False, "agreement": 0.5, "psf": "0 1 0/1 4 1/0 1 0"}}
    assert "by 0.50, less than 0.75: nothing is done" in _said("deblur", unsure, kind="free")
    assert _said("deblur", {"blur": None}, kind="gaussian") == ""


def test_color_decay_says_what_is_lost_and_how_much_of_it_is_undone() -> None:
    def results(*shares: float) -> dict[str, Any]:
        return {"reel": {"loss": [0.45, 0.2, 0.05]}, "shots": [{"trust": share} for share in shares]}

    assert _said("color_decay", results(1.0)).endswith("cyan 45 %, magenta 20 %, yellow 5 %")
    unsure = _said("color_decay", results(0.0, 0.0))
    assert "nothing is done" in unsure
    assert "cautious=false" in unsure
    assert "so 40 to 80 % of it is undone" in _said("color_decay", results(0.4, 0.8))
    assert "undone" not in _said("color_decay", results(0.0), cautious=False)
    assert _said("color_decay", results(0.0), method="hand") == ""


def test_a_render_tells_what_its_analyses_found(rendered: Outcome) -> None:
    assert rendered.found == {"denoise-1": _said("denoise", rendered.analyses["denoise-1"])}


def test_the_report_has_no_line_for_an_analysis_that_there_is_nothing_to_say_of(rendered: Outcome) -> None:
    notes = _notes(replace(rendered, found={"deblur-1": "", "grain-1": "no grain could be measured"}))
    told = [note.text for note in notes if note.text.startswith(("deblur", "grain"))]
    assert told == ["grain-1: no grain could be measured"]
