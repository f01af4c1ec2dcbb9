"""What a host gets from the bundle is what ``wetgate render`` writes, bit for bit, for every node in every profile."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import wetgate
from support.ofx_session import HDR, SPACE, Session, sdr_pixels
from wetgate.io import WriteOptions
from wetgate.spec import Frame, registry

PROFILES = ("strict", "resolve", "nuke", "melt")
NODES = sorted(registry.nodes())
NUMBER = 4

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bundle is built on Linux")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bool], tuple[np.ndarray, str]]:
    """A node's frame as the command writes it, of a shot or of the frame alone, and the analysis that it used."""

    @cache
    def make(node: str, alone: bool) -> tuple[np.ndarray, str]:
        folder = tmp_path_factory.mktemp(node)
        exact = WriteOptions(depth="float")
        shot = [Frame(sdr_pixels(number), SPACE, number) for number in ([NUMBER] if alone else range(10))]
        wetgate.write(shot, folder / "in.####.exr", options=exact)
        job: dict[str, Any] = {"in_space": SPACE, "frames": str(NUMBER)}
        if registry.get(node).hdr_output:
            job["out_space"] = HDR
        analysis = ""
        if registry.get(node).analyzes:
            analysis = wetgate.analyze(folder / "in.####.exr", nodes=[node], in_space=SPACE).to_json()
            (folder / "shot.json").write_text(analysis, encoding="utf-8")
            job["analyses"] = (str(folder / "shot.json"),)
        wetgate.render(folder / "in.####.exr", folder / "out.####.exr", nodes=[node], options=exact, **job)
        return wetgate.read(folder / f"out.{NUMBER:04d}.exr")[0].pixels, analysis

    return make


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_frame_of_the_bundle_is_the_commands(
    session: Callable[..., Session], rendered: Callable[[str, bool], tuple[np.ndarray, str]], profile: str, node: str
) -> None:
    host = session(profile)
    wanted, analysis = rendered(node, not host.host.profile.temporal)
    instance = host.create(node, {"wetgate_analysis": analysis} if analysis else None)
    np.testing.assert_array_equal(host.render(instance, NUMBER, node), wanted)
    assert host.host.report.violations == []
