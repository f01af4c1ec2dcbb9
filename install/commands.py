"""What the commands of bootstrap.py do once the environment stands."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import environment
from environment import BIN, PYTHON, SetupError, call, say


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold for the sources. ``tested`` marks those that the test run covers by itself."""

    name: str
    command: tuple[str, ...]
    remedy: str
    tested: bool = False


_PYTHON = str(PYTHON)
CHECKS = (
    Check("format", (_PYTHON, "-m", "ruff", "format", "--check", "."), "run .venv/bin/ruff format ."),
    Check("lint", (_PYTHON, "-m", "ruff", "check", "."), "run .venv/bin/ruff check --fix ., and mend what is left"),
    Check("types", (_PYTHON, "-m", "mypy"), "mend what mypy names"),
    Check(
        "layers",
        (_PYTHON, "-m", "pytest", "tests/contract/test_layers.py"),
        "turn the named imports around",
        tested=True,
    ),
    Check(
        "generated files", (_PYTHON, "install/generate.py", "--check"), "run python3 install/generate.py", tested=True
    ),
)


def main(arguments: Sequence[str]) -> int:
    """Carry out one command; the exit code: 0 done, 1 something does not hold, 2 set-up or request wrong."""
    parser = argparse.ArgumentParser(
        prog="bootstrap.py", description="Sets up Wetgate in .venv and runs a command of the checkout."
    )
    parser.add_argument("command", choices=("demo", "test", "check", "setup", "fuzz"))
    parser.add_argument(
        "--variant", choices=("auto", *environment.VARIANTS), default="auto", help="of torch and ONNX Runtime"
    )
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command in ("check", "setup"):
        parser.error(f"{options.command} takes no {' '.join(rest)}")
    try:
        environment.ensure(None if options.variant == "auto" else options.variant)
        return {"demo": demo, "test": test, "check": check, "setup": setup, "fuzz": fuzz}[options.command](rest)
    except SetupError as error:
        say(str(error))
        return 2


def setup(_arguments: Sequence[str]) -> int:
    """Nothing more than the set-up that every command begins with."""
    return 0


def demo(arguments: Sequence[str]) -> int:
    """``wetgate demo`` in the folder that one is in; its last line is the report's path."""
    return call([BIN / "wetgate", "demo", *arguments], cwd=Path.cwd())


def test(arguments: Sequence[str]) -> int:
    """All tests, the checks among them; with arguments, what they select. Ends with pytest's summary."""
    if not arguments:
        from system_packages import offer_browser

        offer_browser()
    workers = min(os.cpu_count() or 1, 8)
    shared = ("-n", str(workers), "--dist", "worksteal") if workers > 1 and not arguments else ()
    return call([PYTHON, "-m", "pytest", *shared, *arguments])


def fuzz(arguments: Sequence[str]) -> int:
    """A long run of the fuzzers of the OFX bridge; 1 where they find something."""
    from system_packages import offer_fuzzer

    offer_fuzzer()
    path = [str(environment.ROOT / name) for name in ("plugin", "tests")]
    code = f"import runpy, sys; sys.path[:0] = {path!r}; runpy.run_module('fuzz', run_name='__main__')"
    return call([PYTHON, "-c", code, *arguments])


def check(_arguments: Sequence[str]) -> int:
    """Every check, also after one has failed; then the list of those that did, each with what mends it."""
    failed = []
    for one in CHECKS:
        start = time.monotonic()
        code = call(one.command)
        say(f"{one.name}: {'ok' if code == 0 else 'FAILED'} ({time.monotonic() - start:.1f} s)")
        if code:
            failed.append(one)
    for one in failed:
        say(f"{one.name} does not hold: {one.remedy}")
    return 1 if failed else 0
