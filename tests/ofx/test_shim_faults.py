"""What the shim makes of a worker that breaks the protocol: a failed frame with a message, and then the next frame."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from wetgate.spec import FrameError
from wetgate.surfaces.ofxhost import ClipMedia, Host, Instance, Plugin, render_frame

HOSTILE = Path(__file__).parent / "workers" / "hostile.py"
PICTURE = np.linspace(-0.5, 40.0, 5 * 7 * 3, dtype=np.float32).reshape(5, 7, 3)
# A right DONE is 24 bytes; the worker dies after so many of them.
CUTS = [f"cut-{count}" for count in (0, 1, 15, 16, 17, 23)]
BROKEN = ["garbage", "magic", "too-long", "other-request", "other-type", "no-picture", "reserved", "short", "left-over"]
BROKEN += ["lying-text", "descriptor"]


class Session:
    """hdr_lift in a strict host, worked by the hostile worker."""

    def __init__(self, binary: Path) -> None:
        self.host = Host("strict")
        self.loaded = self.host.open(binary)
        self.plugin = Plugin(self.host, self.loaded, "io.wetgate.hdr_lift")
        self.plugin.load()
        self.instances: list[Instance] = []
        self.instance = self.another()

    def another(self, **values: object) -> Instance:
        clip = ClipMedia(fetch=lambda number: PICTURE, first=1, last=9, width=7, height=5, channels=3)
        made = self.plugin.create({"Source": clip}, {"method": 1, "input_space": 1, **values})
        self.instances.append(made)
        return made

    def frame(self, number: int, instance: Instance | None = None) -> np.ndarray:
        return render_frame(self.plugin, instance or self.instance, float(number)).pixels

    def close(self) -> None:
        for instance in self.instances:
            self.plugin.destroy(instance)
        self.plugin.unload()
        self.loaded.unload()


@pytest.fixture
def session(
    binary: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    launch = tmp_path / "worker.json"
    words = [sys.executable, "-I", str(HOSTILE), request.param, str(tmp_path / "done")]
    launch.write_text(json.dumps({"wetgate": 1, "command": words}), encoding="utf-8")
    launch.chmod(0o600)
    tmp_path.chmod(0o700)
    monkeypatch.setenv("WETGATE_WORKER", str(launch))
    monkeypatch.setenv("WETGATE_HANG_SECONDS", "1")
    made = Session(binary)
    yield made
    made.close()
    made.host.check()


@pytest.mark.parametrize("session", BROKEN, indirect=True)
def test_an_answer_that_breaks_the_protocol_fails_the_frame_and_not_the_next(session: Session) -> None:
    with pytest.raises(FrameError, match="render worker"):
        session.frame(1)
    np.testing.assert_array_equal(session.frame(2), PICTURE)


@pytest.mark.parametrize("session", CUTS, indirect=True)
def test_a_worker_that_dies_inside_an_answer_fails_the_frame_and_not_the_next(session: Session) -> None:
    with pytest.raises(FrameError, match=r"the render worker died \(status 1\)"):
        session.frame(1)
    np.testing.assert_array_equal(session.frame(2), PICTURE)


@pytest.mark.parametrize("session", ["hang"], indirect=True)
def test_a_silent_worker_is_ended_and_replaced(session: Session) -> None:
    with pytest.raises(FrameError, match="did not answer for 1 seconds"):
        session.frame(1)
    np.testing.assert_array_equal(session.frame(2), PICTURE)


@pytest.mark.parametrize("session", ["flood"], indirect=True)
def test_a_flood_of_progress_and_beats_is_read_to_its_end(session: Session) -> None:
    np.testing.assert_array_equal(session.frame(1), PICTURE)


@pytest.mark.parametrize("session", ["refusal"], indirect=True)
def test_a_refusal_reaches_the_user_with_its_per_cent_signs(session: Session) -> None:
    with pytest.raises(FrameError, match="HDR Lift, frame 1: 100 %s of %n is wrong"):
        session.frame(1)
    np.testing.assert_array_equal(session.frame(2), PICTURE)


@pytest.mark.parametrize("session", ["model"], indirect=True)
def test_a_model_that_is_refused_fails_its_frame_with_the_reason(session: Session) -> None:
    left = render_frame(session.plugin, session.instance, 1.0, keep_failed=True)
    assert left.failure is not None
    assert "denoise.onnx is not what its manifest says" in left.failure.message()
    np.testing.assert_array_equal(left.pixels, PICTURE)
    np.testing.assert_array_equal(session.frame(2), PICTURE)
    assert session.instance.persistent is None


@pytest.mark.parametrize("session", ["memory"], indirect=True)
def test_a_worker_without_memory_gives_the_status_of_the_host_for_it(session: Session) -> None:
    with pytest.raises(FrameError, match="ErrMemory"):
        session.frame(1)


@pytest.mark.parametrize("session", ["schema"], indirect=True)
def test_a_worker_of_another_version_is_refused_with_what_to_do(session: Session) -> None:
    with pytest.raises(FrameError, match="wetgate hosts install"):
        session.frame(1)


@pytest.mark.parametrize("session", ["mute"], indirect=True)
def test_a_worker_that_cannot_start_is_tried_a_few_times_and_then_left_alone(session: Session) -> None:
    for number in range(1, 5):
        with pytest.raises(FrameError, match=r"ended before it was ready \(status 7\)"):
            session.frame(number)
    with pytest.raises(FrameError, match="left alone"):
        session.frame(5)


@pytest.mark.parametrize("session", ["mute"], indirect=True)
def test_a_worker_that_was_left_alone_is_tried_again_after_a_while(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 5):
        with pytest.raises(FrameError, match="ended before it was ready"):
            session.frame(number)
    with pytest.raises(FrameError, match=r"left alone for \d+ seconds"):
        session.frame(5)
    monkeypatch.setenv("WETGATE_RESTART_SECONDS", "0.1")
    time.sleep(0.2)
    with pytest.raises(FrameError, match="ended before it was ready"):
        session.frame(6)


@pytest.mark.parametrize("session", ["cut-0"], indirect=True)
def test_frames_that_kill_the_worker_do_not_keep_the_others_waiting(session: Session, tmp_path: Path) -> None:
    for number in range(1, 8):  # twice as many deaths as make a worker that cannot work be left alone
        (tmp_path / "done").unlink(missing_ok=True)
        with pytest.raises(FrameError, match="died"):
            session.frame(number)
        np.testing.assert_array_equal(session.frame(number), PICTURE)


@pytest.mark.parametrize("session", ["long-refusal"], indirect=True)
def test_a_long_message_is_cut_between_two_characters_and_put_on_one_line(session: Session) -> None:
    with pytest.raises(FrameError):
        session.frame(1)
    assert session.instance.persistent is not None
    text = session.instance.persistent.text
    assert 900 < len(text.encode()) <= 1003
    assert text.endswith("...")
    assert "100 % é 100" in text
    assert "\n" not in text


@pytest.mark.parametrize("session", ["garbage"], indirect=True)
def test_a_launch_file_that_others_may_write_is_refused(session: Session, tmp_path: Path) -> None:
    (tmp_path / "worker.json").chmod(0o666)
    with pytest.raises(FrameError, match="is refused"):
        session.frame(1)


@pytest.mark.parametrize("session", ["hang"], indirect=True)
def test_a_background_render_passes_the_source_only_where_user_and_environment_say_so(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = session.another(on_error=1)
    with pytest.raises(FrameError, match="did not answer"):
        session.frame(1, passing)
    (tmp_path / "done").unlink()
    monkeypatch.setenv("WETGATE_ALLOW_PASS", "1")
    np.testing.assert_array_equal(session.frame(1, passing), PICTURE)
    assert passing.persistent is not None
    assert "passed through" in passing.persistent.text


@pytest.mark.parametrize("session", ["hang"], indirect=True)
def test_after_a_failure_the_window_holds_the_source(session: Session) -> None:
    left = render_frame(session.plugin, session.instance, 1.0, keep_failed=True)
    assert left.failure is not None
    np.testing.assert_array_equal(left.pixels, PICTURE)


@pytest.mark.parametrize("session", ["surroundings"], indirect=True)
def test_the_worker_gets_neither_the_variables_nor_the_files_of_its_host(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "SECRET_OF_THE_HOST"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("OCIO", "/shows/config.ocio")
    leaked = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(leaked, True)
    try:
        np.testing.assert_array_equal(session.frame(1), PICTURE)
    finally:
        os.close(leaked)
    given = json.loads((tmp_path / "done").read_text(encoding="utf-8"))
    assert given["environment"]["OCIO"] == "/shows/config.ocio"
    assert not {"PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "SECRET_OF_THE_HOST"} & set(given["environment"])
    assert given["descriptors"] == [0, 1, 2, 3]
    assert len(bytes.fromhex(given["token"])) == 32
    assert given["arguments"] == ["surroundings", str(tmp_path / "done")]  # no token among them


@pytest.mark.parametrize("session", ["surroundings"], indirect=True)
def test_a_colour_configuration_that_a_host_invented_for_itself_is_not_the_users(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCIO", "ocio://ocio://default")  # MLT's, where the user has set none
    np.testing.assert_array_equal(session.frame(1), PICTURE)
    assert "OCIO" not in json.loads((tmp_path / "done").read_text(encoding="utf-8"))["environment"]
