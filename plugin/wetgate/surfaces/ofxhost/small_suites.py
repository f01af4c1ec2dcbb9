"""The memory, multi-thread, message, progress and timeline suites (the headers of those names)."""

from __future__ import annotations

import ctypes
import os
import threading
from typing import TYPE_CHECKING, Any

from wetgate.surfaces.ofxhost import abi
from wetgate.surfaces.ofxhost.abi import REST, REST_INTEGERS, THREAD_FUNCTION, D, I, P, S, U, Z, write
from wetgate.surfaces.ofxhost.effects import Effect, Instance, Message
from wetgate.surfaces.ofxhost.images import aligned
from wetgate.surfaces.ofxhost.properties import Refused
from wetgate.surfaces.ofxhost.suites import Entry, demand, text_of
from wetgate.surfaces.ofxhost.varargs import directives, formatted

if TYPE_CHECKING:
    from wetgate.surfaces.ofxhost.host import Host

_MESSAGE_TYPES = {
    "OfxMessageFatal",
    "OfxMessageError",
    "OfxMessageWarning",
    "OfxMessageMessage",
    "OfxMessageLog",
    "OfxMessageQuestion",
}
_PERSISTENT_TYPES = {"OfxMessageError", "OfxMessageWarning", "OfxMessageMessage"}


def memory(host: Host) -> list[Entry]:
    """OfxMemorySuiteV1."""

    def alloc(handle: int | None, size: int, out: int | None) -> None:
        if handle:
            host.handles.get(handle, Effect, host.action_name)
        address = demand(out)
        block, start = aligned(size)
        host.memory[start] = block
        write(P, address, start)

    def free(address: int | None) -> None:
        if host.memory.pop(address or 0, None) is None:
            host.violation("ofxMemory.h, memoryFree", "memory was freed that is not allocated")
            raise Refused(abi.ERR_BAD_HANDLE)

    return [(alloc, (P, Z, P)), (free, (P,))]


class Mutex:
    """A mutex of the multi-thread suite: recursive, and taken ``count`` times at the start."""

    def __init__(self, count: int) -> None:
        self.lock = threading.RLock()
        for _ in range(count):
            self.lock.acquire()


def threads(host: Host) -> list[Entry]:
    """OfxMultiThreadSuiteV1."""
    spawned = threading.local()

    def multi_thread(function: int | None, count: int, argument: int | None) -> None:
        if getattr(spawned, "index", None) is not None:
            raise Refused(abi.ERR_EXISTS)
        call = THREAD_FUNCTION(demand(function))
        total = min(count, os.cpu_count() or 1) if count else os.cpu_count() or 1
        parent = host.action

        def work(index: int) -> None:
            spawned.index = index
            with host.within(parent):
                call(index, total, argument)

        running = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(total)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    def cpus(out: int | None) -> None:
        write(U, demand(out), os.cpu_count() or 1)

    def index(out: int | None) -> None:
        write(U, demand(out), getattr(spawned, "index", None) or 0)

    def is_spawned() -> int:
        return int(getattr(spawned, "index", None) is not None)

    def mutex(handle: int | None) -> Mutex:
        return host.handles.get(handle, Mutex, host.action_name)

    def create(out: int | None, count: int) -> None:
        made = host.handles.new(Mutex(count))
        host.mutexes.add(made)
        write(P, demand(out), made)

    def destroy(handle: int | None) -> None:
        mutex(handle)
        host.mutexes.discard(handle or 0)
        host.handles.drop(handle or 0)

    def lock(handle: int | None) -> None:
        mutex(handle).lock.acquire()

    def unlock(handle: int | None) -> None:
        try:
            mutex(handle).lock.release()
        except RuntimeError:
            host.violation("ofxMultiThread.h, mutexUnLock", "a mutex was unlocked by a thread that does not hold it")
            raise Refused(abi.FAILED) from None

    def try_lock(handle: int | None) -> int:
        return abi.OK if mutex(handle).lock.acquire(blocking=False) else abi.FAILED

    return [
        (multi_thread, (P, U, P)),
        (cpus, (P,)),
        (index, (P,)),
        (is_spawned, ()),
        (create, (P, I)),
        (destroy, (P,)),
        (lock, (P,)),
        (unlock, (P,)),
        (try_lock, (P,)),
    ]


def messages(host: Host, version: int) -> list[Entry]:
    """OfxMessageSuiteV1 and V2 (a V2 table begins with V1's function)."""

    def text(template: bytes | None, rest: tuple[Any, ...]) -> str:
        plain = template.decode("utf-8", "replace") if template else ""
        if not host.profile.message_arguments:
            if directives(plain):
                host.report.add(
                    "host notes", "a message relies on its arguments; Natron prints others", host.action_name, "advice"
                )
            # A va_list passed on as one argument: the directives find rubbish, and %% is still one percent sign.
            return formatted(plain, [0] * REST_INTEGERS, [0.0] * 8)
        return formatted(plain, rest[:REST_INTEGERS], rest[REST_INTEGERS:])

    def kept(handle: int | None, kind: str, words: str, persistent: bool) -> None:
        effect = host.handles.get(handle, Effect, host.action_name) if handle else None
        made = Message(kind, words, persistent)
        host.messages.append(made)
        if isinstance(effect, Instance):
            effect.messages.append(made)
            if persistent:
                effect.persistent = made

    def message(
        handle: int | None, kind: bytes | None, identifier: bytes | None, template: bytes | None, *rest: Any
    ) -> int:
        del identifier
        wanted = text_of(kind)
        if wanted not in _MESSAGE_TYPES:
            host.violation("ofxMessage.h, message types", f"there is no message type {wanted!r}")
            raise Refused(abi.ERR_VALUE)
        kept(handle, wanted, text(template, rest), False)
        return abi.REPLY_YES if wanted == "OfxMessageQuestion" else abi.OK

    def persistent(
        handle: int | None, kind: bytes | None, identifier: bytes | None, template: bytes | None, *rest: Any
    ) -> None:
        del identifier
        wanted = text_of(kind)
        if wanted not in _PERSISTENT_TYPES:
            host.violation("ofxMessage.h, setPersistentMessage", f"{wanted!r} cannot be a persistent message")
            raise Refused(abi.ERR_VALUE)
        if not handle:
            host.violation("ofxMessage.h, setPersistentMessage", "a persistent message was set without an instance")
            raise Refused(abi.ERR_BAD_HANDLE)
        kept(handle, wanted, text(template, rest), True)

    def clear(handle: int | None) -> None:
        host.handles.get(handle, Instance, host.action_name).persistent = None

    arguments = (P, S, S, S, *REST)
    table: list[Entry] = [(message, arguments)]
    return table if version == 1 else [*table, (persistent, arguments), (clear, (P,))]


def progress(host: Host, version: int) -> list[Entry]:
    """OfxProgressSuiteV1 and V2."""

    def instance(handle: int | None) -> Instance:
        return host.handles.get(handle, Instance, host.action_name)

    def start(handle: int | None, *labels: bytes | None) -> None:
        del labels
        found = instance(handle)
        if found.progress_depth:
            host.violation("ofxProgress.h, progressStart", "progress was started twice")
        found.progress_depth += 1

    def update(handle: int | None, share: float) -> int:
        found = instance(handle)
        if not found.progress_depth:
            host.violation("ofxProgress.h, progressUpdate", "progress was updated and had not been started")
        if not 0 <= share <= 1:
            host.violation("ofxProgress.h, progressUpdate", f"progress is {share:g}, outside 0 to 1")
        found.progress_log.append(share)
        return abi.REPLY_NO if found.cancel_progress(share) else abi.OK

    def end(handle: int | None) -> None:
        found = instance(handle)
        if not found.progress_depth:
            host.violation("ofxProgress.h, progressEnd", "progress was ended and had not been started")
        found.progress_depth = max(0, found.progress_depth - 1)

    labels = (S,) * version
    return [(start, (P, *labels)), (update, (P, D)), (end, (P,))]


def timeline(host: Host) -> list[Entry]:
    """OfxTimeLineSuiteV1; where the profile has none that works, every function answers Unsupported."""

    def instance(handle: int | None) -> Instance:
        if not host.profile.timeline:
            raise Refused(abi.ERR_UNSUPPORTED)
        return host.handles.get(handle, Instance, host.action_name)

    def get_time(handle: int | None, out: int | None) -> None:
        found = instance(handle)
        write(D, demand(out), found.time)

    def goto(handle: int | None, time: float) -> None:
        instance(handle).time = time

    def bounds(handle: int | None, first: int | None, last: int | None) -> None:
        found = instance(handle).frame_range
        write(ctypes.c_double, demand(first), found[0])
        write(ctypes.c_double, demand(last), found[1])

    return [(get_time, (P, P)), (goto, (P, D)), (bounds, (P, P, P))]
