#!/usr/bin/env python3
"""The commands of a checkout. Each sets up what it needs first; the second run starts at once.

    python3 install/bootstrap.py demo     ages a shot, restores it, and names the report to open
    python3 install/bootstrap.py test     everything that must hold: the checks, then all tests
    python3 install/bootstrap.py check    format, lint, types, layers, generated files
    python3 install/bootstrap.py setup    only sets up
    python3 install/bootstrap.py fuzz     looks for inputs that harm the OFX bridge, for an hour or --seconds N

This file alone has to run on any Python 3, even one too old for Wetgate, so as to say so or to find a better one:
it keeps to the syntax of Python 3.6 and to the standard library.
"""

import os
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
NEWEST = (3, 13)
# One line, so that a candidate can be asked whether it can make virtual environments at all (Debian splits that off).
PROBE = "import sys, ctypes, ssl, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"


def main() -> int:
    """Run the command with a Python that suits, which may be another than this one."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return run_with_another()
    sys.dont_write_bytecode = True
    import commands

    return commands.main(sys.argv[1:])


def run_with_another() -> int:
    """Hand over to a suitable Python of this machine, or say which ones would do."""
    here = "Python " + sys.version.split()[0] + " (" + sys.executable + ")"
    found = suitable_pythons()
    if not found:
        print(
            "wetgate: needs Python 3.11, 3.12 or 3.13; this is " + here + ", and no other was found.", file=sys.stderr
        )
        print("wetgate: install one and start again with it, for instance", file=sys.stderr)
        print("wetgate:   Debian, Ubuntu   apt install python3.11 python3.11-venv", file=sys.stderr)
        print("wetgate:   Red Hat, Rocky   dnf install python3.11", file=sys.stderr)
        print("wetgate:   macOS            brew install python@3.12", file=sys.stderr)
        print("wetgate:   Windows          winget install Python.Python.3.12", file=sys.stderr)
        return 2
    print("wetgate: this is " + here + "; going on with " + found[0])
    sys.stdout.flush()
    return subprocess.call([found[0], str(Path(__file__).resolve()), *sys.argv[1:]])


def suitable_pythons() -> "list[str]":
    """Interpreters of this machine that are young enough, old enough, and able to make virtual environments."""
    home = Path.home()
    path = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    path += [Path("/usr/bin"), Path("/usr/local/bin"), Path("/opt/homebrew/bin")]
    wanted = ["3.12", "3.11", "3.13"]
    candidates = []
    for version in wanted:
        candidates += [folder / ("python" + version) for folder in path]
        candidates += (home / ".pyenv/versions").glob(version + ".*/bin/python")
        candidates += (home / ".local/share/uv/python").glob("cpython-" + version + ".*/bin/python3")
        candidates.append(home / "AppData/Local/Programs/Python" / ("Python" + version.replace(".", "")) / "python.exe")
    found = []
    for python in map(str, candidates):
        if python not in found and os.access(python, os.X_OK) and probe(python) in wanted:
            found.append(python)
    return found


def probe(python: str) -> str:
    """The "3.x" of an interpreter that has all that is needed, or "" where it does not run or lacks a part."""
    try:
        done = subprocess.Popen([python, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        answer = done.communicate()[0].decode("ascii", "replace").strip()
    except OSError:
        return ""
    return answer if done.returncode == 0 else ""


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        print("\nwetgate: interrupted; the next run goes on from here", file=sys.stderr)
        code = 130
    sys.exit(code)
