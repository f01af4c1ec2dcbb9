"""Finding Resolve's scripting module, loading it, and reaching the application that runs; or saying why not."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from wetgate.spec import HostError
from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.hosts.resolve_places import API_VARIABLE, LIB_VARIABLE, MODULE, PROGRAM, Api, apis
from wetgate.surfaces.resolve.app import Resolve
from wetgate.surfaces.resolve.calls import LIMIT_S, Gate

CONNECT_LIMIT_S = 20.0  # the library waits a few seconds for an application that does not run
PREFERENCE = "Preferences > System > General > External scripting using: Local"


def connect(machine: Machine | None = None, limit: float = LIMIT_S) -> Resolve:
    """The running Resolve. Raises :class:`HostError` that says what stands in the way, and what to do about it."""
    machine = machine or Machine()
    found = [api for api in apis(machine) if api.is_there]
    if not found:
        raise HostError(
            "DaVinci Resolve's scripting API is not on this machine",
            allowed=", ".join(str(api.modules) for api in apis(machine)),
            remedy=f"install Resolve, or name the folder in {API_VARIABLE}",
        )
    api = found[0]
    gate = Gate(limit)
    try:
        module = gate.run(f"loading {MODULE}", lambda: _load(api), CONNECT_LIMIT_S)
    except HostError:
        raise
    except BaseException as error:  # the module ends the interpreter where its library is missing
        raise HostError(
            f"Resolve's scripting module cannot be loaded: {_first_line(error)}",
            where=str(api.modules),
            allowed=f"its library at {api.library}",
            remedy=f"name the library in {LIB_VARIABLE}; {_python_advice(machine)}",
        ) from error
    raw = gate.run('scriptapp("Resolve")', lambda: module.scriptapp("Resolve"), CONNECT_LIMIT_S)
    if raw is None:
        raise _no_answer(machine)
    return Resolve(raw, gate, "Resolve")


def obstacles(machine: Machine) -> Iterator[str]:
    """What can be seen from outside that would keep a script from Resolve."""
    running = is_running(machine)
    if running is False:
        yield "Resolve is not running"
    elif running is None:
        yield "this system does not tell whether Resolve is running"
    for api in apis(machine):
        if api.is_there and not api.library.is_file():
            yield f"its library {api.library} is not there"


def is_running(machine: Machine) -> bool | None:
    """Whether Resolve runs; None where the system does not tell."""
    programs = machine.programs()
    return None if programs is None else any(re.fullmatch(PROGRAM, name) for name in programs)


def _load(api: Api) -> Any:
    """The module by its path, with the library that it looks for; no other module of that name gets in between."""
    if api.library.is_file():
        os.environ.setdefault(LIB_VARIABLE, str(api.library))
    os.environ.setdefault(API_VARIABLE, str(api.folder))
    path = api.modules / f"{MODULE}.py"
    spec = importlib.util.spec_from_file_location(MODULE, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module  # it puts the library itself in its own place
    spec.loader.exec_module(module)
    return sys.modules[MODULE]


def _no_answer(machine: Machine) -> HostError:
    if is_running(machine) is False:
        return HostError("DaVinci Resolve is not running", remedy="start it, open the project, and run this again")
    return HostError(
        "DaVinci Resolve does not let scripts in from outside",
        remedy=f"set {PREFERENCE}; it takes Resolve Studio, for the free edition answers to no program but itself",
    )


def _python_advice(machine: Machine) -> str:
    if machine.kind == "windows" and sys.version_info >= (3, 13):
        return "Resolve before 21.1 works with Python 3.10 to 3.12 on Windows: install Wetgate into one of those"
    return "check that both are of one Resolve"


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
