# What the scripts inside Resolve share. Python 3.6 to 3.14, the standard library alone: Resolve brings no packages.
# "wetgate resolve install" puts this text, with its settings filled in, at the head of every script.
import datetime
import json
import os
import subprocess
import sys
import uuid
from typing import Any, Dict, List, Optional, Tuple

SETTINGS = {}  # type: Dict[str, Any]

SPOOL_SCHEMA = "wetgate.spool/1"
# Variables by which a program inside Resolve would make another Python, or another program's libraries, fail.
FOREIGN = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES")


def user_file() -> str:
    """The file in which this user may say otherwise than the installation did."""
    home = os.path.expanduser("~")
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Application Support", "Wetgate", "resolve.json")
    if sys.platform.startswith("win"):
        roaming = os.environ.get("APPDATA") or os.path.join(home, "AppData", "Roaming")
        return os.path.join(roaming, "Wetgate", "resolve.json")
    return os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "wetgate", "resolve.json")


def settings() -> Dict[str, Any]:
    """The installation's settings, and over them the user's own."""
    found = dict(SETTINGS)
    try:
        with open(user_file(), encoding="utf-8") as file:
            own = json.load(file)
        if isinstance(own, dict):
            found.update(own)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        say("%s cannot be read (%s): the installation's settings count" % (user_file(), error))
    return found


def spool_of(known: Dict[str, Any]) -> str:
    """The folder of jobs."""
    return os.path.expanduser(str(known.get("spool", "")))


def say(text: str) -> None:
    """A line in Resolve's console, and in the log where there is one."""
    line = "Wetgate: " + text
    try:
        print(line)
    except Exception:
        pass  # a console that is closed, or one that knows no such letters
    log = os.path.expanduser(str(SETTINGS.get("log", "")))
    if log:
        try:
            if not os.path.isdir(os.path.dirname(log)):
                os.makedirs(os.path.dirname(log))
            with open(log, "a", encoding="utf-8") as file:
                file.write("%s %s\n" % (datetime.datetime.now().isoformat(" ", "seconds"), line))
        except OSError:
            pass


def show(names: Dict[str, Any], text: str) -> None:
    """The text in the console and, where Resolve has one, in a window. Never in a render: it waits for its button."""
    say(text)
    if not settings().get("window", True):
        return
    try:
        fusion, bmd = names.get("fusion"), names.get("bmd")
        if fusion is None or bmd is None or "UIManager" not in dir(fusion):
            return
        manager = fusion.UIManager
        dispatcher = bmd.UIDispatcher(manager)
        label = manager.Label({"ID": "Text", "Text": text, "WordWrap": True})
        button = manager.Button({"ID": "Close", "Text": "Close", "Weight": 0})
        frame = {"ID": "Wetgate", "WindowTitle": "Wetgate", "Geometry": [200, 200, 520, 220]}
        window = dispatcher.AddWindow(frame, [manager.VGroup([label, button])])
        window.On.Close.Clicked = lambda event: dispatcher.ExitLoop()
        window.On.Wetgate.Close = lambda event: dispatcher.ExitLoop()
        window.Show()
        dispatcher.RunLoop()
        window.Hide()
    except Exception:
        say("no window could be opened: the text stands in the console")


def command(known: Dict[str, Any]) -> List[str]:
    """The command that starts Wetgate; [] where it is not on this machine."""
    found = known.get("command")
    if not isinstance(found, list) or not found or not os.path.isfile(str(found[0])):
        return []
    return [str(part) for part in found]


def absence(known: Dict[str, Any]) -> str:
    """What to say where Wetgate is not found."""
    found = known.get("command") or ["nowhere"]
    return "Wetgate is not at %s: install it, then run 'wetgate resolve install' again" % (found[0],)


def environment() -> Dict[str, str]:
    """The environment without what belongs to Resolve's own Python and libraries."""
    return {name: value for name, value in os.environ.items() if name not in FOREIGN}


def ask_wetgate(known: Dict[str, Any], arguments: List[str], limit: float) -> Tuple[int, str]:
    """Exit code and output of a short command; -1 and the reason where there is none in time."""
    program = command(known)
    if not program:
        return -1, absence(known)
    try:
        done = subprocess.run(
            program + arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            timeout=limit,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return -1, "%s: %s" % (program[0], error)
    return done.returncode, done.stdout.decode("utf-8", "replace").strip()


def start_wetgate(known: Dict[str, Any], arguments: List[str]) -> str:
    """Start a long command that outlives this script; "" where it runs, else why not. Its output goes to the log."""
    program = command(known)
    if not program:
        return absence(known)
    log = os.path.expanduser(str(known.get("log", ""))) or os.devnull
    options = {}  # type: Dict[str, Any]
    if sys.platform.startswith("win"):
        options["creationflags"] = 0x00000008 | 0x00000200  # DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP
    else:
        options["start_new_session"] = True
    try:
        if log != os.devnull and not os.path.isdir(os.path.dirname(log)):
            os.makedirs(os.path.dirname(log))
        with open(log, "ab") as file:
            subprocess.Popen(
                program + arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment(), **options
            )
    except OSError as error:
        return "%s cannot be started: %s" % (program[0], error)
    return ""


def application(names: Dict[str, Any]) -> Any:
    """Resolve itself: the global of that name, or what bmd finds; None where there is neither."""
    found = names.get("resolve")
    if found is not None and "GetVersion" in dir(found):
        return found
    bmd = names.get("bmd")
    return bmd.scriptapp("Resolve") if bmd is not None else None


def open_project(names: Dict[str, Any]) -> Any:
    """The project that is open, or None."""
    resolve = application(names)
    manager = resolve.GetProjectManager() if resolve is not None else None
    return manager.GetCurrentProject() if manager is not None else None


def write_json(path: str, data: Dict[str, Any]) -> None:
    """The file whole or not at all."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.makedirs(folder)
    temporary = os.path.join(folder, ".%s.%s.tmp" % (os.path.basename(path), uuid.uuid4().hex[:8]))
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read_json(path: str) -> Optional[Dict[str, Any]]:
    """The table in a file, or None."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        return found if isinstance(found, dict) else None
    except (OSError, ValueError):
        return None
