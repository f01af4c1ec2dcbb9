"""The bundle in a real host, MLT's ``melt``: every node, its picture against the engine's, and what it does in trouble.

Needs an MLT of 7.33 or later: the distribution's may lack the openfx module. ``WETGATE_MELT`` names its ``melt``.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import wetgate.nodes  # noqa: F401  (declares them)
from support.ofx_session import Launch, workers
from wetgate.engine.direct import run_node
from wetgate.spec import Frame, registry

WIDTH, HEIGHT, SPACE, HDR = 96, 54, "rec1886_rec709_display", "rec2100_pq_display"
HOSTILE = Path(__file__).parent / "workers" / "hostile.py"
PROFILE = f"""description=test
frame_rate_num=25
frame_rate_den=1
width={WIDTH}
height={HEIGHT}
progressive=1
sample_aspect_num=1
sample_aspect_den=1
display_aspect_num=16
display_aspect_den=9
colorspace=709
"""


class Melt:
    """A melt with the bundle in it."""

    def __init__(self, program: str, binary: Path, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.environment = {**os.environ, "OFX_PLUGIN_PATH": str(binary.parents[3])}
        self.environment.pop("OCIO", None)  # so that MLT puts its own there
        (folder / "profile").write_text(PROFILE)
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        wave = 128 + 100 * np.sin(x / 7) * np.cos(y / 5)
        picture = np.stack([x * 255 / (WIDTH - 1), y * 255 / (HEIGHT - 1), wave], axis=-1).astype(np.uint8)
        cv2.imwrite(str(folder / "plate.png"), picture)

    def command(self, node: str | None, out: str, values: dict[str, Any], frames: int) -> list[str]:
        chosen = (
            [] if node is None else ["-filter", f"openfx.io.wetgate.{node}", *(f"{k}={v}" for k, v in values.items())]
        )
        picture = ["vcodec=png", "pix_fmt=rgb48be", "mlt_image_format=rgba64", "real_time=-1"]
        return [
            *(self.program, "-profile", "profile"),
            *("abnormal:pixbuf:plate.png", f"out={frames - 1}", *chosen),
            *("-consumer", f"avformat:{out}.%04d.png", *picture),
        ]

    def start(self, node: str | None, out: str, values: dict[str, Any] | None = None, frames: int = 1) -> Any:
        return subprocess.Popen(
            self.command(node, out, values or {}, frames),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def render(self, node: str | None, out: str, values: dict[str, Any] | None = None, frames: int = 1) -> str:
        """What melt said. Its pictures are ``out.0001.png`` and so on, of 16 bits."""
        for _ in range(4):  # on a busy machine melt itself now and then ends at once, with code 0 and nothing made
            started = self.start(node, out, values, frames)
            said, _error = started.communicate(timeout=120)
            assert started.returncode == 0, said
            if (self.folder / f"{out}.0001.png").exists():
                break
        return str(said)

    def picture(self, out: str, number: int = 1) -> np.ndarray[Any, Any]:
        found = cv2.imread(str(self.folder / f"{out}.{number:04d}.png"), cv2.IMREAD_UNCHANGED)
        assert found is not None
        return found[..., :3].astype(np.int64)


@pytest.fixture(scope="module")
def program(binary: Path) -> str:
    found = os.environ.get("WETGATE_MELT") or shutil.which("melt") or shutil.which("melt-7")
    if found is None:
        pytest.skip("MLT's melt is not here; WETGATE_MELT names one")
    environment = {**os.environ, "OFX_PLUGIN_PATH": str(binary.parents[3])}
    done = subprocess.run([found, "-query", "filters"], env=environment, capture_output=True, text=True, check=False)
    if "openfx.io.wetgate" not in done.stdout + done.stderr:
        pytest.skip(f"{found} has no openfx module (MLT 7.33 and later have one)")
    return found


@pytest.fixture
def melt(program: str, binary: Path, launch: Launch, tmp_path: Path) -> Melt:
    return Melt(program, binary, tmp_path)


def values_of(node: str) -> dict[str, Any]:
    """What a node needs: its space, and for HDR another one."""
    return {"input_space_name": SPACE} | ({"output_space_name": HDR} if registry.get(node).hdr_output else {})


@pytest.mark.parametrize("node", sorted(registry.nodes()))
def test_every_node_makes_the_picture_of_the_engine(melt: Melt, node: str) -> None:
    melt.render(None, "plate16")  # the picture as melt hands it over
    said = melt.render(node, "made", values_of(node))
    assert "OfxMessageError" not in said
    declared, plate, made = registry.get(node), melt.picture("plate16"), melt.picture("made")
    options: dict[str, Any] = {"out_space": HDR} if declared.hdr_output else {}
    if declared.analyzes:
        options["analysis"] = None
    frame = Frame(np.divide(plate[..., ::-1], 65535, dtype=np.float32), SPACE, 0)
    pixels = run_node(declared, [frame], **options)[0].pixels[..., 2::-1]
    wanted = np.clip(pixels, 0, 1) * 65535
    assert np.abs(made - wanted).max() <= 1  # the host cuts off what we round
    if (np.rint(wanted) != plate).mean() > 0.5:  # color_decay without an analysis has nothing to undo
        assert (made != plate).mean() > 0.5


def test_a_worker_that_is_killed_in_mid_frame_costs_that_frame_and_no_other(melt: Melt, launch: Launch) -> None:
    harmed = melt.folder / "harmed"
    launch([sys.executable, "-I", str(HOSTILE), "hang", str(harmed)])
    melt.render(None, "plate16")
    started = melt.start("hdr_lift", "made", values_of("hdr_lift"), frames=4)
    end = time.monotonic() + 60
    while not harmed.exists() and time.monotonic() < end:
        time.sleep(0.01)
    for worker in workers(started.pid):
        os.kill(worker, signal.SIGKILL)
    said, _ = started.communicate(timeout=120)
    assert started.returncode == 0
    assert "the render worker died (signal 9)" in said
    for number in range(1, 5):  # the failed frame holds the source, and this worker returns the source afterwards
        np.testing.assert_allclose(melt.picture("made", number), melt.picture("plate16"), atol=1)


def test_without_a_worker_the_host_goes_on_and_says_what_to_do(melt: Melt, launch: Launch) -> None:
    launch(["/nowhere/python"])
    melt.render(None, "plate16")
    said = melt.render("hdr_lift", "made", values_of("hdr_lift"), frames=2)
    assert "wetgate hosts install" in said
    np.testing.assert_allclose(melt.picture("made", 2), melt.picture("plate16"), atol=1)


def test_a_space_that_is_none_fails_the_frame_with_its_name(melt: Melt) -> None:
    melt.render(None, "plate16")
    said = melt.render("hdr_lift", "made", {"input_space_name": "film of 1912"})
    assert "OfxMessageError" in said
    assert "film of 1912" in said
    np.testing.assert_allclose(melt.picture("made"), melt.picture("plate16"), atol=1)
