"""What tests of the bridge share: the worker's command, a worker for a module, and a host with the bundle in it."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.engine_nodes import declared
from support.ofx_session import Launch, SampleHost, Session
from wetgate.surfaces.hosts.bundle import worker_command
from wetgate.surfaces.ofxhost import find_binaries
from wetgate.surfaces.ofxhost.profiles import Profile
from wetgate.surfaces.worker.peer import Peer


@pytest.fixture(scope="session")
def command() -> list[str]:
    """Starts the worker of this checkout."""
    made = worker_command()
    assert Path(made[0]) == Path(sys.executable).absolute()
    return made


@pytest.fixture(scope="module")
def worker(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """A worker of its own process, for all tests of a module."""
    state = tmp_path_factory.mktemp("state")
    with Peer(command, {"HOME": str(state), "PATH": "/usr/bin:/bin"}) as peer:
        yield peer


@pytest.fixture(scope="session")
def binary(root: Path) -> Path:
    """The bundle, built where it is missing or older than its sources."""
    bridge = root / "ofx_bridge"
    bundle = bridge / "build" / "Wetgate.ofx.bundle"
    parts = [*bridge.glob("src/**/*.*"), *bridge.glob("include/*"), *bridge.glob("generated/*"), bridge / "build.py"]
    with alone(bridge / "build"):
        made = next(iter(bundle.glob("Contents/*/Wetgate.ofx")), None)
        if made is None or made.stat().st_mtime < max(p.stat().st_mtime for p in parts):
            done = subprocess.run(
                [sys.executable, str(bridge / "build.py")], capture_output=True, text=True, timeout=300, check=False
            )
            if "no C++ compiler" in done.stderr:
                pytest.skip("the OFX bundle cannot be built here: there is no C++ compiler and no ziglang")
            assert done.returncode == 0, done.stderr
    return next(find_binaries(bundle))


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep the other processes of a test run from building in a folder at the same time."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as file:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def sample_binary(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the nodes that exist for tests alone (:mod:`support.engine_nodes`)."""
    if sys.platform != "linux" or not any(shutil.which(name) for name in ("c++", "g++")):
        pytest.skip("the shim is built with a C++ compiler on Linux")
    folder = tmp_path_factory.mktemp("samples")
    table = subprocess.run([*_samples(root), "table"], capture_output=True, text=True, check=True)
    (folder / "nodes.json").write_text(table.stdout, encoding="utf-8")
    bundle = folder / "Wetgate.ofx.bundle"
    build = [sys.executable, str(root / "ofx_bridge" / "build.py"), "--compiler", "system", "--bundle", str(bundle)]
    subprocess.run([*build, "--nodes", str(folder / "nodes.json")], capture_output=True, check=True)
    return next(find_binaries(bundle))


@pytest.fixture
def samples(sample_binary: Path, root: Path, launch: Launch) -> Iterator[Callable[..., SampleHost]]:
    """A host of a profile with a bundle of the sample nodes, and a worker that knows them."""
    launch(_samples(root))
    opened: list[SampleHost] = []

    def make(profile: str | Profile = "strict") -> SampleHost:
        opened.append(SampleHost(sample_binary, profile))
        return opened[-1]

    with declared():
        yield make
        for one in opened:
            one.close()


def _samples(root: Path) -> list[str]:
    script = Path(__file__).parent / "workers" / "samples.py"
    return [sys.executable, "-I", str(script), str(root / "plugin"), str(root / "tests")]


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


@pytest.fixture
def session(binary: Path, launch: Launch) -> Iterator[Callable[..., Session]]:
    opened: list[Session] = []

    def make(profile: str | Profile = "strict") -> Session:
        opened.append(Session(binary, profile))
        return opened[-1]

    yield make
    for one in opened:
        one.close()
