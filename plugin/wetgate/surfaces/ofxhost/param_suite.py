"""OfxParameterSuiteV1 (ofxParam.h). Variadic functions arrive as :mod:`wetgate.surfaces.ofxhost.abi` explains."""

from __future__ import annotations

import ctypes
import itertools
from typing import TYPE_CHECKING, Any

from wetgate.surfaces.ofxhost import abi
from wetgate.surfaces.ofxhost.abi import REST, REST_INTEGERS, D, I, P, S, U, write
from wetgate.surfaces.ofxhost.effects import Descriptor, Effect, Instance
from wetgate.surfaces.ofxhost.params import Parameter, ParameterInstance
from wetgate.surfaces.ofxhost.properties import Refused
from wetgate.surfaces.ofxhost.suites import Entry, demand, text_of
from wetgate.surfaces.ofxhost.vocabulary import PARAM_VALUES

if TYPE_CHECKING:
    from wetgate.surfaces.ofxhost.host import Host

_RENDER_ACTIONS = {
    "OfxImageEffectActionRender",
    "OfxImageEffectActionBeginSequenceRender",
    "OfxImageEffectActionEndSequenceRender",
    "OfxImageEffectActionIsIdentity",
    "OfxImageEffectActionGetRegionOfDefinition",
    "OfxImageEffectActionGetRegionsOfInterest",
    "OfxImageEffectActionGetFramesNeeded",
}
_MAY_SET = {"OfxActionInstanceChanged", "OfxActionSyncPrivateData", "OfxActionBeginInstanceChanged"}


class ParamSet:
    """What a parameter-set handle stands for: the effect that owns the parameters."""

    def __init__(self, effect: Effect) -> None:
        self.effect = effect


def entries(host: Host) -> list[Entry]:
    """The 18 functions in ABI order."""

    def owner(handle: int | None) -> Effect:
        return host.handles.get(handle, ParamSet, host.action_name).effect

    def param(handle: int | None) -> ParameterInstance:
        return host.handles.get(handle, ParameterInstance, host.action_name)

    def define(handle: int | None, kind: bytes | None, name: bytes | None, out: int | None) -> None:
        effect = owner(handle)
        if not isinstance(effect, Descriptor):
            host.violation("ofxParam.h, paramDefine", "paramDefine was called on an instance")
            raise Refused(abi.ERR_BAD_HANDLE)
        wanted, called = text_of(kind), text_of(name)
        if wanted not in PARAM_VALUES or (wanted == "OfxParamTypeStrChoice" and not host.profile.knows_1_5):
            raise Refused(abi.ERR_UNSUPPORTED)
        if called in effect.params:
            host.violation("ofxParam.h, paramDefine", f"parameter {called} was defined twice")
            raise Refused(abi.ERR_EXISTS)
        made = Parameter(called, wanted, host.profile, host.report, "OfxTypeParameter")
        made.props.handle = host.handles.new(made.props)
        effect.params[called] = made
        if out:
            write(P, out, made.props.handle)

    def get_handle(handle: int | None, name: bytes | None, out: int | None, props: int | None) -> None:
        effect = owner(handle)
        if not isinstance(effect, Instance):
            host.violation("ofxParam.h, paramGetHandle", "paramGetHandle was called on a descriptor")
            raise Refused(abi.ERR_BAD_HANDLE)
        found = effect.params.get(text_of(name))
        if found is None:
            raise Refused(abi.ERR_UNKNOWN)
        write(P, demand(out), found.handle)
        if props:
            write(P, props, found.props.handle)

    def set_get_property_set(handle: int | None, out: int | None) -> None:
        write(P, demand(out), owner(handle).props.handle)

    def get_property_set(handle: int | None, out: int | None) -> None:
        write(P, demand(out), param(handle).props.handle)

    def store(found: ParameterInstance, values: tuple[Any, ...], addresses: tuple[int, ...]) -> None:
        if not found.count:
            raise Refused(abi.ERR_UNSUPPORTED)
        kind = {"i": ctypes.c_int, "d": D, "s": P}[found.letter]
        for value, address in zip(values, addresses, strict=False):
            write(kind, demand(address), host.strings.lend(value) if found.letter == "s" else value)

    def get_value(handle: int | None, *rest: Any) -> None:
        found = param(handle)
        if host.action_name in _RENDER_ACTIONS:
            host.violation(
                "ofxParam.h, paramGetValue",
                f"{found.name} was read without a time; render actions use paramGetValueAtTime",
            )
        store(found, found.get(host.time), rest)

    def get_value_at(handle: int | None, time: float, *rest: Any) -> None:
        found = param(handle)
        store(found, found.get(time), rest)

    def passed(found: ParameterInstance, integers: tuple[Any, ...], doubles: tuple[Any, ...]) -> tuple[Any, ...]:
        """The values of a variadic call, by what the parameter is."""
        if not found.count:
            raise Refused(abi.ERR_UNSUPPORTED)
        if found.letter == "d":
            return tuple(float(d) for d in doubles[: found.count])
        if found.letter == "i":
            return tuple(ctypes.c_int(n & 0xFFFFFFFF).value for n in integers[: found.count])
        if not integers[0]:
            raise Refused(abi.ERR_VALUE)
        return (ctypes.string_at(integers[0]).decode("utf-8", "replace"),)

    def change(found: ParameterInstance, values: tuple[Any, ...], time: float | None) -> None:
        action = host.action_name
        if action in _RENDER_ACTIONS:
            host.violation("ofxParam.h, paramSetValue", f"{found.name} was set while rendering")
        elif action == "OfxActionCreateInstance":
            clause = "ofxParam.h, paramSetValue"
            host.report.add(
                clause, f"{found.name} was set in CreateInstance; not every host takes it", action, "advice"
            )
        elif action not in _MAY_SET and action:
            host.violation("ofxParam.h, paramSetValue", f"{found.name} was set in {action}")
        if found.type == "OfxParamTypeChoice" and not 0 <= values[0] < len(found.choices):
            host.violation("ofxParam.h, paramSetValue", f"choice {found.name} was set to {values[0]}")
            raise Refused(abi.ERR_VALUE)
        found.set(values, time if found.props.one("OfxParamPropAnimates", 0) else None)

    def set_value(handle: int | None, *rest: Any) -> None:
        found = param(handle)
        change(found, passed(found, rest[:REST_INTEGERS], rest[REST_INTEGERS:]), None)

    def set_value_at(handle: int | None, time: float, *rest: Any) -> None:
        found = param(handle)
        change(found, passed(found, rest[:REST_INTEGERS], rest[REST_INTEGERS:]), time)

    def derivative(handle: int | None, time: float, *rest: Any) -> None:
        found = param(handle)
        if found.letter != "d":
            raise Refused(abi.ERR_UNSUPPORTED)
        step = 1e-3
        pairs = zip(found.get(time - step), found.get(time + step), strict=True)
        store(found, tuple((b - a) / (2 * step) for a, b in pairs), rest)

    def integral(handle: int | None, time1: float, time2: float, *rest: Any) -> None:
        found = param(handle)
        if found.letter != "d":
            raise Refused(abi.ERR_UNSUPPORTED)
        # Exact for values that are linear between the stops: the trapezoidal rule over them.
        stops = [time1, *(k for k in found.keys if min(time1, time2) < k < max(time1, time2)), time2]
        if time2 < time1:
            stops[1:-1] = reversed(stops[1:-1])
        total = [0.0] * found.count
        for a, b in itertools.pairwise(stops):
            for place, (left, right) in enumerate(zip(found.get(a), found.get(b), strict=True)):
                total[place] += (left + right) / 2 * (b - a)
        store(found, tuple(total), rest)

    def num_keys(handle: int | None, out: int | None) -> None:
        write(U, demand(out), len(param(handle).keys))

    def key_time(handle: int | None, nth: int, out: int | None) -> None:
        keys = param(handle).keys
        if nth >= len(keys):
            raise Refused(abi.ERR_BAD_INDEX)
        write(D, demand(out), keys[nth])

    def key_index(handle: int | None, time: float, direction: int, out: int | None) -> None:
        keys = param(handle).keys
        fits = [
            i
            for i, k in enumerate(keys)
            if (k == time if direction == 0 else (k > time) if direction > 0 else k < time)
        ]
        if not fits:
            raise Refused(abi.FAILED)
        write(ctypes.c_int, demand(out), fits[-1] if direction < 0 else fits[0])

    def delete_key(handle: int | None, time: float) -> None:
        if not param(handle).delete_keys(time):
            raise Refused(abi.ERR_BAD_INDEX)

    def delete_all_keys(handle: int | None) -> None:
        param(handle).delete_keys()

    def copy(to: int | None, source: int | None, offset: float, span: int | None) -> None:
        target, origin = param(to), param(source)
        if not host.profile.copies_parameters:
            return
        if (target.letter, target.count) != (origin.letter, origin.count):
            raise Refused(abi.ERR_UNSUPPORTED)
        first, last = ((D * 2).from_address(span)) if span else (-float("inf"), float("inf"))
        if not origin.keys:
            target.set(origin.get(0.0))
        for time in origin.keys:
            if first <= time <= last:
                target.set(origin.get(time), time + offset)

    def edit(handle: int | None, name: bytes | None) -> None:
        del name
        owner(handle)

    return [
        (define, (P, S, S, P)),
        (get_handle, (P, S, P, P)),
        (set_get_property_set, (P, P)),
        (get_property_set, (P, P)),
        (get_value, (P, *REST)),
        (get_value_at, (P, D, *REST)),
        (derivative, (P, D, *REST)),
        (integral, (P, D, D, *REST)),
        (set_value, (P, *REST)),
        (set_value_at, (P, D, *REST)),
        (num_keys, (P, P)),
        (key_time, (P, U, P)),
        (key_index, (P, D, I, P)),
        (delete_key, (P, D)),
        (delete_all_keys, (P,)),
        (copy, (P, P, D, P)),
        (edit, (P, S)),
        (lambda handle: edit(handle, None), (P,)),
    ]
