"""Property sets, handles, and the property suite's rules."""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from wetgate.surfaces.ofxhost import abi
from wetgate.surfaces.ofxhost.profiles import Profile
from wetgate.surfaces.ofxhost.violations import Report
from wetgate.surfaces.ofxhost.vocabulary import OBJECTS, Property

T = TypeVar("T")
_EMPTY: dict[str, Any] = {"i": 0, "d": 0.0, "s": "", "p": 0}
_WORDS = {"i": "int", "d": "double", "s": "string", "p": "pointer"}
_EVERYWHERE = {name for table in OBJECTS.values() for name in table}


class Refused(Exception):
    """A suite function's answer other than OK: raised inside the host, returned to the plug-in as its status."""

    def __init__(self, status: int) -> None:
        super().__init__(abi.status_name(status))
        self.status = status


class Handles:
    """Opaque numbers for objects. They are not addresses, so a wrong one is found out and not followed."""

    def __init__(self, report: Report) -> None:
        self._live: dict[int, Any] = {}
        self._gone: deque[int] = deque(maxlen=65536)
        self._next = 0x5747_0000_1000
        self._lock = threading.Lock()
        self._report = report

    def new(self, thing: Any) -> int:
        with self._lock:
            self._next += 16
            self._live[self._next] = thing
            return self._next

    def drop(self, handle: int) -> None:
        with self._lock:
            self._live.pop(handle, None)
            self._gone.append(handle)

    def get(self, handle: int | None, kind: type[T], action: str = "") -> T:
        """The object, or :class:`Refused` with kOfxStatErrBadHandle and a violation."""
        thing = self._live.get(handle or 0)
        if isinstance(thing, kind):
            return thing
        if not handle:
            what = "a null handle was used"
        elif thing is not None:
            what = f"a handle to {type(thing).__name__} was used as one to {kind.__name__}"
        elif handle in self._gone:
            what = f"a handle to {kind.__name__} was used after its object had gone"
        else:
            what = f"{handle:#x} was used as a handle to {kind.__name__}; the host never gave it out"
        self._report.add("ofxCore.h, kOfxStatErrBadHandle", what, action)
        raise Refused(abi.ERR_BAD_HANDLE)

    def __len__(self) -> int:
        return len(self._live)


class Strings:
    """Lends C strings to the plug-in. They hold until its next call (ofxProperty.h, propGetString).

    With ``poison``, a lent string is overwritten as soon as the same thread calls again, which shows a plug-in that
    kept the pointer; the memory itself stays for a while, so that this reads rubbish and does not crash.
    """

    def __init__(self, poison: bool) -> None:
        self._poison = poison
        self._kept: deque[Any] = deque(maxlen=8192)
        self._lent = threading.local()

    def lend(self, text: str) -> int:
        """Address of a NUL-terminated UTF-8 copy."""
        buffer = ctypes.create_string_buffer(text.encode())
        self._kept.append(buffer)
        if self._poison:
            if not hasattr(self._lent, "now"):
                self._lent.now = []
            self._lent.now.append(buffer)
        return ctypes.addressof(buffer)

    def taken(self) -> list[Any]:
        """What the calling thread was lent before: void once the call that it is making has ended."""
        before = getattr(self._lent, "now", [])
        self._lent.now = []
        return before

    @staticmethod
    def void(buffers: list[Any]) -> None:
        """Overwrite strings whose time is over (none are kept where the profile does not poison)."""
        for buffer in buffers:
            ctypes.memset(buffer, 0x23, len(buffer) - 1)


class PropertySet:
    """Values by property name, of one OFX object.

    ``known`` declares what it may hold. The host reads and writes freely (:meth:`put`, :meth:`one`, :meth:`all`); the
    plug-in goes through :meth:`plugin_set` and :meth:`plugin_get`, which keep to the specification and report.
    """

    def __init__(self, kind: str, known: Mapping[str, Property], profile: Profile, report: Report) -> None:
        self.kind = kind
        self.handle = 0
        self.touched: set[str] = set()
        self._known = {n: p for n, p in known.items() if profile.knows_1_5 or not p.since_1_5}
        self._newer = set(known) - set(self._known)
        self._profile = profile
        self._report = report
        self._values: dict[str, list[Any]] = {}
        self._defaults: dict[str, list[Any]] = {}
        self._lock = threading.Lock()

    def put(self, **values: Any) -> None:
        """Set by the host; a tuple or list is several values. Also makes a name known (arguments of actions)."""
        for name, value in values.items():
            self.put_list(name, list(value) if isinstance(value, (tuple, list)) else [value])

    def put_list(self, name: str, values: list[Any]) -> None:
        if name in self._newer:
            return
        self._values[name] = list(values)
        self._defaults[name] = list(values)
        if name not in self._known:
            self._known[name] = Property(name, _letter(values), 0, False, False)

    def declare(self, name: str, letter: Any, dimension: int) -> None:
        """Make a property known without a value (outputs of actions)."""
        self._known[name] = Property(name, letter, dimension, False, False)

    def has(self, name: str) -> bool:
        return bool(self._values.get(name))

    def one(self, name: str, default: Any = None) -> Any:
        """The first value, or ``default``."""
        values = self._values.get(name)
        return values[0] if values else default

    def all(self, name: str) -> list[Any]:
        return list(self._values.get(name, ()))

    def names(self) -> list[str]:
        return list(self._values)

    def forget_all(self) -> None:
        """No property is there (hosts that fill a set late)."""
        self._values.clear()

    def copy_to(self, other: PropertySet) -> None:
        for name, values in self._values.items():
            if name not in other._values or name not in ("OfxPropType",):
                other.put_list(name, values)

    def plugin_set(self, name: str, letter: str, index: int, values: Iterable[Any], action: str) -> None:
        """``propSetXxx`` (from ``index``) or ``propSetXxxN`` (index 0, all values)."""
        given = list(values)
        found = self._find(name, letter, action, writing=True)
        if found is not None and found.host_only:
            self._report.add(
                "ofxProperty.h, propSet: read-only properties",
                f"{name} of the {self.kind} was set; it is the host's",
                action,
            )
            raise Refused(abi.ERR_VALUE)
        with self._lock:
            have = self._values.setdefault(name, [])
            if index < 0 or index > len(have) or (found and found.dimension and index + len(given) > found.dimension):
                # A fixed number of values that are not there yet may be set in any order.
                if not (found and 0 <= index < found.dimension >= index + len(given)):
                    self._report.add(
                        "ofxProperty.h, kOfxStatErrBadIndex",
                        f"{name} of the {self.kind} was set at index {index}",
                        action,
                    )
                    raise Refused(abi.ERR_BAD_INDEX)
                have.extend([_EMPTY[letter]] * (index - len(have)))
            have[index : index + len(given)] = given
            self.touched.add(name)

    def plugin_get(self, name: str, letter: str, index: int, count: int, action: str) -> list[Any]:
        """``count`` values from ``index``; raises :class:`Refused` as the specification has it."""
        self._find(name, letter, action, writing=False)
        have = self._values.get(name, [])
        if index < 0 or index + count > len(have):
            raise Refused(abi.ERR_BAD_INDEX if name in self._values or name in self._known else abi.ERR_UNKNOWN)
        return have[index : index + count]

    def plugin_dimension(self, name: str, action: str) -> int:
        if name not in self._known and name not in self._values:
            self._unknown(name, action)
            raise Refused(abi.ERR_UNKNOWN)
        return len(self._values.get(name, ()))

    def plugin_reset(self, name: str, action: str) -> None:
        if name not in self._known and name not in self._values:
            self._unknown(name, action)
            raise Refused(abi.ERR_UNKNOWN)
        self._values[name] = list(self._defaults.get(name, []))

    def _find(self, name: str, letter: str, action: str, *, writing: bool) -> Property | None:
        found = self._known.get(name)
        if found is None:
            if writing and self._profile.accepts_unknown_properties:
                return None
            if not writing and name in self._values:
                return None
            if writing:
                self._unknown(name, action)
            raise Refused(abi.ERR_UNKNOWN)
        if found.type != letter:
            self._report.add(
                "ofxProperty.h, kOfxStatErrValue: property types",
                f"{name} of the {self.kind} is {_WORDS[found.type]}; it was used as {_WORDS[letter]}",
                action,
            )
            raise Refused(abi.ERR_VALUE)
        return found

    def _unknown(self, name: str, action: str) -> None:
        """Newer properties on an older host, and reading out whether one is there, are how a plug-in should ask."""
        if name in self._newer or not name.startswith(("Ofx", "kOfx")):
            return
        if name in _EVERYWHERE:
            self._report.add("ofxImageEffect.h, property sets", f"{name} does not belong to the {self.kind}", action)


def _letter(values: list[Any]) -> Any:
    first = values[0] if values else ""
    if isinstance(first, str):
        return "s"
    return "d" if isinstance(first, float) else "i"
