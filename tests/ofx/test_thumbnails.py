"""A thumbnail loads no network, whatever the node: a browser of shots asks for hundreds of them at once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.ofx_session import SPACE, Session, sdr_pixels, workers
from wetgate.spec import registry
from wetgate.surfaces.worker.peer import Peer
from wetgate.surfaces.worker.peer_lane import Ask, Given

DRAFT, THUMBNAIL, TRUE_TIMES = 1, 4, 8


def runtimes(pid: int) -> list[str]:
    """Libraries that run networks, in a process."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    return [name for name in ("onnxruntime_pybind", "libtorch_cpu") if name in maps]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_no_node_loads_a_network_for_a_thumbnail(command: list[str], tmp_path: Path) -> None:
    with Peer(command, {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}) as peer:
        lane = peer.lane()
        for node in registry.nodes():
            ask = Ask(node, input_space=SPACE, output_space="", flags=THUMBNAIL | TRUE_TIMES)
            answer = lane.render(ask, [Given(sdr_pixels(4))])
            if "needs a network" in answer.notes:
                assert answer.picture == 0, "the source stands in for what no network made"
        assert "onnxruntime_pybind" not in runtimes(peer.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_thumbnail_of_a_host_shows_the_source_and_the_frame_itself_is_worked(
    session: Callable[..., Session],
) -> None:
    host = session("strict")
    instance = host.create("denoise")
    shown = host.render(instance, node="denoise", thumbnail=True)
    np.testing.assert_array_equal(shown, sdr_pixels(4))
    [pid] = workers()
    assert runtimes(pid) == []
    assert instance.persistent is None, "a thumbnail without a network is no fault"
    assert any("needs a network" in message.text for message in instance.messages)
    assert not np.array_equal(host.render(instance, node="denoise"), sdr_pixels(4))
    assert runtimes(pid) != []


def test_a_thumbnail_of_a_node_without_networks_is_the_frame(session: Callable[..., Session]) -> None:
    host = session("strict")
    instance = host.create("hdr_lift")
    np.testing.assert_array_equal(host.render(instance, thumbnail=True), host.render(instance))


def test_forty_thumbnails_at_once_come_out(session: Callable[..., Session]) -> None:
    host = session("strict")
    host.plugin("denoise")  # loaded once, before the threads
    made: dict[int, np.ndarray] = {}

    def show(number: int) -> None:
        instance = host.create("denoise")
        made[number] = host.render(instance, number % 10, node="denoise", thumbnail=True)

    threads = [threading.Thread(target=show, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(40):
        np.testing.assert_array_equal(made[number], sdr_pixels(number % 10))
    assert len(workers()) == 1


def test_a_draft_is_no_thumbnail(command: list[str], tmp_path: Path) -> None:
    with Peer(command, {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}) as peer:
        ask = Ask("denoise", input_space=SPACE, flags=DRAFT | TRUE_TIMES)
        assert "needs a network" not in peer.lane().render(ask, [Given(sdr_pixels(4))]).notes
