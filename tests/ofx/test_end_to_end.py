"""Bundle, worker and engine together: every node in every profile equals the engine; faults end as they should.

The test process is the host; the worker is a process of its own, as in production.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wetgate.nodes  # noqa: F401  (declares them)
from wetgate.engine.direct import run_graph, run_node
from wetgate.engine.graph import SOURCE, Graph, Mask, Step
from wetgate.spec import Frame, FrameError, Interrupted, registry
from wetgate.surfaces.hosts.bundle import worker_command
from wetgate.surfaces.ofxhost import ClipMedia, Host, Plugin, find_binaries, render_frame, saved_values

PROFILES = ("strict", "resolve", "nuke", "melt")
SPACE = "rec1886_rec709_display"
HDR = "rec2100_pq_display"
WIDTH, HEIGHT = 83, 59
NODES = sorted(registry.nodes())

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds the worker's process through /proc")


@pytest.fixture(scope="module")
def binary(root: Path) -> Path:
    """The bundle, built where it is missing or older than its sources."""
    bridge = root / "ofx_bridge"
    bundle = bridge / "build" / "Wetgate.ofx.bundle"
    parts = [*bridge.glob("src/*"), *bridge.glob("include/*"), *bridge.glob("generated/*"), bridge / "build.py"]
    made = next(iter(bundle.glob("Contents/*/Wetgate.ofx")), None)
    if made is None or made.stat().st_mtime < max(p.stat().st_mtime for p in parts):
        done = subprocess.run(
            [sys.executable, str(bridge / "build.py")], capture_output=True, text=True, timeout=300, check=False
        )
        if "no C++ compiler" in done.stderr:
            pytest.skip("the OFX bundle cannot be built here: there is no C++ compiler and no ziglang")
        assert done.returncode == 0, done.stderr
    return next(find_binaries(bundle))


Launch = Callable[[list[str]], None]


@pytest.fixture
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Launch:
    """Sets the command that the shim starts as the worker: at first, the one of this checkout."""
    folder = tmp_path / "launch"
    folder.mkdir(mode=0o700)
    file = folder / "worker.json"

    def use(command: list[str]) -> None:
        file.write_text(json.dumps({"wetgate": 1, "command": command}))
        file.chmod(0o600)

    use(worker_command())
    monkeypatch.setenv("WETGATE_WORKER", str(file))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return use


def _pixels(number: int, channels: int = 4) -> np.ndarray[Any, Any]:
    """SDR code values with some above 1 and below 0; opaque where there is alpha."""
    random = np.random.default_rng(number + 100)
    pixels = random.uniform(-0.05, 1.2, (HEIGHT, WIDTH, channels)).astype(np.float32)
    if channels == 4:
        pixels[..., 3] = 1
    return pixels


class Session:
    """A host of a profile with the bundle in it; closing it unmaps the bundle, and the next begins afresh."""

    def __init__(self, binary: Path, profile: str) -> None:
        self.host = Host(profile)
        self.loaded = self.host.open(binary)
        self.plugins: dict[str, Plugin] = {}
        self.closed = False

    def plugin(self, node: str) -> Plugin:
        if node not in self.plugins:
            self.plugins[node] = Plugin(self.host, self.loaded, f"io.wetgate.{node}")
            self.plugins[node].load()
        return self.plugins[node]

    def media(self, channels: int = 4) -> ClipMedia:
        """Frames 0 to 9, numbered from 0 so that every profile's times are the frame numbers."""
        alpha = "OfxImageOpaque" if channels == 3 else "OfxImageAlphaUnPremultiplied"
        return ClipMedia(lambda n: _pixels(n, channels), 0, 9, WIDTH, HEIGHT, channels, premultiplication=alpha)

    def create(self, node: str, values: dict[str, Any] | None = None, channels: int = 4, **options: Any) -> Any:
        given = {"input_space_name": SPACE} | (values or {})
        if registry.get(node).hdr_output:
            given.setdefault("output_space_name", HDR)
        return self.plugin(node).create({"Source": self.media(channels)}, given, **options)

    def render(self, instance: Any, number: float = 4, node: str = "hdr_lift", **options: Any) -> np.ndarray[Any, Any]:
        return render_frame(self.plugin(node), instance, float(number), **options).pixels

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        for plugin in self.plugins.values():
            plugin.unload()
        self.plugins.clear()
        self.loaded.unload()


@pytest.fixture
def session(binary: Path, launch: Launch) -> Iterator[Callable[..., Session]]:
    opened: list[Session] = []

    def make(profile: str = "strict") -> Session:
        opened.append(Session(binary, profile))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def engine(node: str, number: int, params: dict[str, Any] | None = None, *, alone: bool, channels: int = 4) -> Any:
    """The picture that the engine makes of the same frames, without an analysis."""
    declared = registry.get(node)
    numbers = [number] if alone else list(range(10))
    frames = [Frame(_pixels(n, channels), SPACE, n) for n in numbers]
    options: dict[str, Any] = {"out_space": HDR} if declared.hdr_output else {}
    if declared.analyzes:
        options["analysis"] = None
    made = run_node(declared, frames, **(params or {}), **options)
    return made[numbers.index(number)].pixels


def workers() -> list[int]:
    """Processes of the worker that this process has started and that are not dead."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            line = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(parent) == os.getpid() and b"worker" in line and state != "Z":
            found.append(int(entry.name))
    return found


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_frame_equals_the_engines_bit_for_bit(session: Callable[..., Session], profile: str, node: str) -> None:
    host = session(profile)
    instance = host.create(node)
    alone = not host.host.profile.temporal
    for number in (0, 4):
        made = host.render(instance, number, node)
        np.testing.assert_array_equal(made, engine(node, number, alone=alone))
    assert host.host.report.violations == []
    assert not np.array_equal(made, _pixels(4)), "the node did nothing, so nothing was compared"


@pytest.mark.parametrize("method", ["bt2446a", "bt2446b", "bt2446c", "bt2408", "adaptive"])
def test_choices_numbers_and_three_channels_reach_the_node(session: Callable[..., Session], method: str) -> None:
    host = session()
    labels = dict(registry.get("hdr_lift").params["method"].choices or {})
    instance = host.create("hdr_lift", {"method": labels[method], "peak": 1500.0, "saturation": 0.7}, channels=3)
    made = host.render(instance)
    wanted = engine("hdr_lift", 4, {"method": method, "peak": 1500.0, "saturation": 0.7}, alone=False, channels=3)
    assert made.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(made, wanted)


def test_the_clips_colour_space_is_used_where_the_host_manages_colour(session: Callable[..., Session]) -> None:
    host = session("strict")
    media = replace(host.media(), space=SPACE)
    plugin = host.plugin("hdr_lift")
    instance = plugin.create({"Source": media}, {"output_space_name": HDR})
    np.testing.assert_array_equal(host.render(instance), engine("hdr_lift", 4, alone=False))


def test_strength_zero_is_an_identity_that_is_not_rendered(session: Callable[..., Session]) -> None:
    host = session()
    made = render_frame(host.plugin("hdr_lift"), host.create("hdr_lift", {"strength": 0}), 4.0)
    assert made.identity == "Source"
    np.testing.assert_array_equal(made.pixels, _pixels(4))
    assert workers() == []


def test_a_keyed_value_is_taken_at_the_frames_time(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift", {"peak": {0: 1000.0, 8: 2000.0}})
    wanted = engine("hdr_lift", 4, {"peak": 1500.0}, alone=False)
    np.testing.assert_array_equal(host.render(instance, 4), wanted)


def test_a_mask_blends_as_the_engine_does(session: Callable[..., Session]) -> None:
    host = session("nuke")
    plane = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)  # differs in both directions
    mask = ClipMedia(lambda n: plane[..., None], 0, 9, WIDTH, HEIGHT, 1)
    values = {"input_space_name": SPACE, "output_space_name": HDR, "method": "BT.2446 A"}
    plugin = host.plugin("hdr_lift")
    instance = plugin.create({"Source": host.media(), "Mask": mask}, values, context="general")
    node = registry.get("hdr_lift")
    step = Step(node, node.id, SOURCE, node.values({"method": "bt2446a"}), mask=Mask(channel="mask"))
    frame = Frame(_pixels(4), SPACE, 4, extra={"mask": plane})
    wanted = run_graph(Graph((step,), node.id), frame, out_space=HDR, analyses={node.id: None}).pixels
    np.testing.assert_array_equal(host.render(instance), wanted)


def test_alpha_is_kept_and_colour_worked_without_it(session: Callable[..., Session]) -> None:
    host = session()
    straight = _pixels(4)
    straight[..., 3] = np.random.default_rng(3).uniform(0.25, 1, (HEIGHT, WIDTH))
    joined = straight.copy()
    joined[..., :3] *= straight[..., 3:]
    wanted = run_node(registry.get("hdr_lift"), Frame(straight, SPACE, 4), out_space=HDR, analysis=None).pixels
    made = {}
    for alpha, pixels in (("OfxImageAlphaUnPremultiplied", straight), ("OfxImageAlphaPremultiplied", joined)):
        media = replace(host.media(), fetch=lambda n, pixels=pixels: pixels, premultiplication=alpha)
        values = {"input_space_name": SPACE, "output_space_name": HDR}
        made[alpha] = host.render(host.plugin("hdr_lift").create({"Source": media}, values))
        np.testing.assert_array_equal(made[alpha][..., 3], straight[..., 3])
    np.testing.assert_array_equal(made["OfxImageAlphaUnPremultiplied"], wanted)
    # Dividing by alpha and multiplying again rounds twice, at up to 1 / 0.25 of the last bit of values of about 1,
    # and the curve is at most 8 times as steep in PQ near black.
    undone = made["OfxImageAlphaPremultiplied"][..., :3] / straight[..., 3:]
    np.testing.assert_allclose(undone, wanted[..., :3], atol=2e-5)


def test_samples_that_are_no_numbers_are_mended_and_said_to_be(session: Callable[..., Session]) -> None:
    host = session()
    pixels = _pixels(4)
    pixels[3, 4, :3] = np.nan
    pixels[7, 7, 0] = np.inf
    media = replace(host.media(), fetch=lambda n: pixels)
    values = {"input_space_name": SPACE, "output_space_name": HDR}
    instance = host.plugin("hdr_lift").create({"Source": media}, values)
    made = host.render(instance)
    assert np.isfinite(made).all()
    wanted = run_node(registry.get("hdr_lift"), Frame(pixels, SPACE, 4), out_space=HDR, analysis=None).pixels
    np.testing.assert_array_equal(made, wanted)
    assert any("4 NaN or infinite samples" in m.text for m in instance.messages)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_proxy_has_the_proxys_size(session: Callable[..., Session], profile: str) -> None:
    host = session(profile)
    made = render_frame(host.plugin("hdr_lift"), host.create("hdr_lift"), 4.0, scale=(0.5, 0.5))
    x1, y1, x2, y2 = made.bounds
    assert made.pixels.shape == (y2 - y1, x2 - x1, 4)
    assert (x2 - x1, y2 - y1) in ((42, 30), (41, 30), (42, 29))
    assert host.host.report.violations == []


def test_the_analysis_button_keeps_its_document_in_the_project(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift", {"analysis_first": 2, "analysis_last": 6})
    host.plugin("hdr_lift").changed(instance, ["analyse"])
    document = json.loads(saved_values(instance)["wetgate_analysis"][0])
    assert sorted(map(int, document["frames"])) == [2, 3, 4, 5, 6]
    frames = [Frame(_pixels(n), SPACE, n) for n in range(2, 7)]
    wanted = run_node(registry.get("hdr_lift"), frames, out_space=HDR)[2].pixels
    np.testing.assert_array_equal(host.render(instance, 4), wanted)
    assert instance.progress_log
    assert host.host.report.violations == []


def test_an_analysis_that_is_cancelled_leaves_the_project_as_it_was(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift", {"analysis_first": 0, "analysis_last": 9})
    instance.cancel_progress = lambda share: True
    host.plugin("hdr_lift").changed(instance, ["analyse"])
    assert saved_values(instance)["wetgate_analysis"] == ("",)
    assert host.host.report.violations == []


@pytest.mark.parametrize("profile", ["strict", "natron", "resolve"])
def test_percent_signs_of_a_users_text_do_not_format_the_message(session: Callable[..., Session], profile: str) -> None:
    host = session(profile)
    instance = host.create("hdr_lift", {"input_space_name": "100%s %n"})
    assert render_frame(host.plugin("hdr_lift"), instance, 4.0, keep_failed=True).failure is not None
    assert "100%s %n" in instance.messages[-1].text


def test_every_view_is_rendered_and_differs_from_the_result(session: Callable[..., Session]) -> None:
    host = session()
    plain = host.render(host.create("hdr_lift"))
    views = host.plugin("hdr_lift").describe().params["view"].choices
    assert len(views) == 2 + len(registry.get("hdr_lift").views)
    for view in views[1:]:
        assert not np.array_equal(host.render(host.create("hdr_lift", {"view": view})), plain), view
    assert host.host.report.violations == []


def test_eight_threads_render_eight_frames_at_once(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: host.render(instance, n), range(8)))
    for number, pixels in enumerate(made):
        np.testing.assert_array_equal(pixels, engine("hdr_lift", number, alone=False))
    assert len(workers()) == 1


def test_twenty_instances_share_one_worker_and_keep_their_values(session: Callable[..., Session]) -> None:
    host = session()
    instances = [host.create("hdr_lift", {"peak": 800.0 + 50 * n}) for n in range(20)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(host.render, instances))
    assert len(workers()) == 1
    for n in (0, 7, 19):
        np.testing.assert_array_equal(made[n], engine("hdr_lift", 4, {"peak": 800.0 + 50 * n}, alone=False))


def test_a_saved_instance_renders_the_same_again(session: Callable[..., Session]) -> None:
    host = session()
    first = host.create("hdr_lift", {"peak": 1234.0, "gamut": "P3-D65"})
    saved = saved_values(first)
    assert saved["wetgate_version"][0].startswith("1 ")
    again = host.plugin("hdr_lift").create({"Source": host.media()}, saved=saved)
    np.testing.assert_array_equal(host.render(again), host.render(first))


def stopped(session: Session, instance: Any, act: Callable[[int], None]) -> None:
    """Warm up, stop the worker, and have ``act(pid)`` done when the shim waits for the next frame."""
    session.render(instance, 0)
    [pid] = workers()
    os.kill(pid, signal.SIGSTOP)
    acted = threading.Event()

    def waiting() -> bool:
        if not acted.is_set():
            acted.set()
            act(pid)
        return False

    instance.abort = waiting


def test_a_worker_killed_in_mid_frame_fails_the_frame_and_the_next_one_renders(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift")
    stopped(host, instance, lambda pid: os.kill(pid, signal.SIGKILL))
    failed = render_frame(host.plugin("hdr_lift"), instance, 4.0, keep_failed=True)
    assert failed.failure is not None
    assert instance.persistent is not None
    assert "worker" in instance.persistent.text
    # What a host shows that does not look at the status: the source, not memory that nobody wrote.
    np.testing.assert_array_equal(failed.pixels, _pixels(4))
    np.testing.assert_array_equal(host.render(instance), engine("hdr_lift", 4, alone=False))
    assert instance.persistent is None, "the message stays after a frame that came out"


def test_a_silent_worker_is_taken_for_hung_and_replaced(
    session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WETGATE_HANG_SECONDS", "2")
    host = session()
    instance = host.create("hdr_lift")
    stopped(host, instance, lambda pid: None)
    with pytest.raises(FrameError, match="kOfxStatFailed"):
        host.render(instance)
    np.testing.assert_array_equal(host.render(instance), engine("hdr_lift", 4, alone=False))
    assert len(workers()) == 1


def test_an_abort_ends_the_frame_though_the_worker_does_not_answer(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift")
    host.render(instance, 0)
    [pid] = workers()
    os.kill(pid, signal.SIGSTOP)
    instance.abort = lambda: True
    began = time.monotonic()
    try:
        with pytest.raises(Interrupted):
            host.render(instance)
        # The shim asks every 50 ms and then waits up to a second for the worker (PROTOCOL.md 4).
        assert time.monotonic() - began < 10
    finally:
        os.kill(pid, signal.SIGCONT)
    instance.abort = lambda: False
    np.testing.assert_array_equal(host.render(instance), engine("hdr_lift", 4, alone=False))


_OTHER_SCHEMA = """
import sys, runpy
sys.path.insert(0, {plugin!r})
import wetgate.surfaces.ofx_schema as schema
schema.schema_hash = lambda nodes: bytes(32)
sys.argv = [{main!r}]
runpy.run_path({main!r}, run_name="__main__")
"""
_FLOOD = "import os\nwhile True: os.write(3, os.urandom(65536))\n"
_TRUNCATED = "import os, time\nos.write(3, b'WTG1' + bytes(5))\n"
_SILENT = "import time\ntime.sleep(60)\n"


@pytest.mark.parametrize("fault", ["missing", "dies", "schema", "flood", "truncated"])
def test_a_worker_that_is_none_fails_the_frame_and_a_good_one_then_serves(
    session: Callable[..., Session], launch: Launch, tmp_path: Path, root: Path, fault: str
) -> None:
    good = worker_command()
    scripts = {
        "dies": "raise SystemExit('no numpy here')",
        "schema": _OTHER_SCHEMA.format(plugin=str(root / "plugin"), main=good[-1]),
        "flood": _FLOOD,
        "truncated": _TRUNCATED,
    }
    script = tmp_path / "worker.py"
    script.write_text(scripts.get(fault, ""))
    launch(["/nonexistent/worker"] if fault == "missing" else [good[0], "-I", str(script)])
    host = session()
    instance = host.create("hdr_lift")
    failed = render_frame(host.plugin("hdr_lift"), instance, 4.0, keep_failed=True)
    assert failed.failure is not None
    np.testing.assert_array_equal(failed.pixels, _pixels(4))
    assert instance.persistent is not None
    text = instance.persistent.text
    expected = {"missing": "/nonexistent/worker", "dies": "no numpy here", "schema": "wetgate hosts install"}
    assert expected.get(fault, "worker") in text, text
    launch(good)
    np.testing.assert_array_equal(host.render(instance), engine("hdr_lift", 4, alone=False))


def test_a_hosts_python_settings_do_not_reach_the_worker(
    session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")
    monkeypatch.setenv("PYTHONPATH", "/nonexistent")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nonexistent")
    monkeypatch.setenv("LD_PRELOAD", "/nonexistent.so")
    host = session()
    np.testing.assert_array_equal(host.render(host.create("hdr_lift")), engine("hdr_lift", 4, alone=False))


def test_a_space_that_does_not_exist_is_named_in_the_hosts_message(session: Callable[..., Session]) -> None:
    host = session()
    instance = host.create("hdr_lift", {"input_space_name": "no_such_space"})
    with pytest.raises(FrameError, match="no_such_space"):
        host.render(instance)
    other = host.create("hdr_lift")
    np.testing.assert_array_equal(host.render(other), engine("hdr_lift", 4, alone=False))


def test_on_error_pass_shows_the_source_in_an_interactive_render(
    session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WETGATE_ALLOW_PASS", "1")
    host = session()
    instance = host.create("hdr_lift", {"input_space_name": "no_such_space", "on_error": "Pass the source"})
    np.testing.assert_array_equal(host.render(instance, interactive=True), _pixels(4))
    assert instance.messages, "a frame that was passed through is said to be"


def test_neither_worker_nor_library_outlives_the_plugin_and_loading_again_works(
    session: Callable[..., Session],
) -> None:
    for _ in range(2):
        host = session("natron")
        instance = host.create("hdr_lift")
        host.render(instance)
        assert len(workers()) == 1
        host.plugin("hdr_lift").destroy(instance)
        host.close()
        deadline = time.monotonic() + 10
        while workers() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert workers() == []
        # Static objects with destructors, or symbols that pin a library, would keep it in memory.
        assert "Wetgate.ofx" not in Path("/proc/self/maps").read_text()


def _resident() -> int:
    """Resident memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_and_descriptors_do_not_grow_with_renders_and_instances(session: Callable[..., Session]) -> None:
    host = session()

    def once() -> None:
        instance = host.create("hdr_lift", {"method": "BT.2446 A"})
        for number in range(4):
            host.render(instance, number)
        host.plugin("hdr_lift").destroy(instance)

    for _ in range(5):
        once()
    before, open_before = _resident(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        once()
    # 80 frames of 78 kB: a frame that is kept would show as 6 MB.
    assert _resident() - before < 4 << 20
    assert len(list(Path("/proc/self/fd").iterdir())) <= open_before
