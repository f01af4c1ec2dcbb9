"""``wetgate models``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wetgate.inference import catalogue
from wetgate.inference.adopting import Wish, adopt, store_verdict, stored_verdict
from wetgate.inference.conformance import examine, lines
from wetgate.inference.devices import choose_weights, device_of
from wetgate.inference.manifest import ENCODINGS, Model
from wetgate.spec import UsageError, WetgateError, raise_all


def run_list(as_json: bool) -> int:
    """The shipped models and the user's: what each runs as here, and how its trials went; 3 where one is broken."""
    users, problems = catalogue.own()
    entries = [_entry(m) for m in (*catalogue.shipped(), *users)]
    if as_json:
        broken = [p.message() for p in problems]
        print(json.dumps({"folder": str(catalogue.user_folder()), "models": entries, "broken": broken}, indent=1))
        return 3 if problems or any(e["problem"] for e in entries) else 0
    for entry in entries:
        whose = "yours" if entry["own"] else "comes with Wetgate"
        print(
            f"{entry['id']}  {entry['task']}, {entry['tier']}, version {entry['version']}; {whose}; {entry['licence']}"
        )
        print(f"  {', '.join(entry['precisions'])}; here it {entry['here']}; {entry['megabytes']:.1f} MB")
        if entry["problem"]:
            print(f"  NOT USABLE: {entry['problem']}")
        if entry["conformance"]:
            print(f"  {entry['conformance']}")
    if not entries:
        print("no model is installed")
    for problem in problems:
        print(f"broken: {problem.message()}")
    print(f"your own models: {catalogue.user_folder()}")
    return 3 if problems or any(e["problem"] for e in entries) else 0


def _entry(model: Model) -> dict[str, Any]:
    problem, here, size = "", "", 0
    try:
        for other in model.weights.values():
            size += catalogue.checked_file(model, other).stat().st_size
    except WetgateError as error:
        problem = error.message()
    try:
        weights = choose_weights(model, device_of("auto"))
        here = f"runs in {weights.precision} by {weights.runtime}"
    except WetgateError as error:  # no runtime is installed: nothing is wrong with the model
        here = f"does not run: {error.what}"
    return {
        "id": model.id,
        "version": model.version,
        "task": model.task,
        "tier": model.tier,
        "own": model.own,
        "licence": model.licence,
        "scale": model.scale,
        "frames": model.frames,
        "encoding": model.encoding,
        "precisions": list(model.weights),
        "here": here,
        "megabytes": size / 1e6,
        "problem": problem,
        "conformance": _conformance(model),
    }


def _conformance(model: Model) -> str:
    stored = stored_verdict(model) if model.own else None
    if stored is None:
        return "has not been tried: wetgate models verify" if model.own else ""
    verdict, forced = stored
    speed = next((c.value for c in verdict.checks if c.name == "speed"), None)
    pace = f", {speed:.2f} s a megapixel in {verdict.precision}" if speed is not None and speed == speed else ""
    if verdict.passed:
        return f"passed its conformance run{pace}"
    failed = ", ".join(c.name for c in verdict.failed)
    return f"FAILED its conformance run ({failed}){' and was added with --force' if forced else ''}{pace}"


def run_verify(ids: list[str], device: str, precision: str, as_json: bool) -> int:
    """Compare hashes and run the trials; 3 where one fails. No ids: all models."""
    users, problems = catalogue.own()
    known = {m.id: m for m in (*users, *catalogue.shipped())}
    wrong: list[WetgateError] = []
    for name in ids:
        if name not in known:
            # A folder of that name that cannot be read says why itself.
            own = [p for p in problems if name in p.message()]
            wrong += own or [UsageError(f"there is no model {name!r}", allowed=", ".join(known) or "none is installed")]
    raise_all(wrong)
    failed = bool(problems) and not ids
    for problem in problems if not ids else ():
        print(json.dumps({"problem": problem.message()}) if as_json else f"broken: {problem.message()}")
    for model in [known[i] for i in ids] or list(known.values()):
        verdict = examine(model, device_of(device), precision)
        failed |= not verdict.passed
        if model.own:
            store_verdict(model, verdict)
        if as_json:
            print(json.dumps(verdict.to_json()))
            continue
        print(f"{model.id}: {verdict.precision} on {verdict.device}, {verdict.runtime or 'not run'}")
        for line in lines(verdict):
            print(f"  {line}")
    return 3 if failed else 0


def run_add(args: Any) -> int:
    """Take a user's network in."""
    low, high = _range(args.range)
    wish = Wish(
        file=Path(args.file),
        task=args.task,
        id=args.id or "",
        tier=args.tier,
        licence=args.licence,
        encoding=_one_of("--encoding", args.encoding, ENCODINGS),
        range=(low, high),
        output=_one_of("--output", args.output, ("picture", "residual")),
        frames=args.frames,
        maps=tuple(_map(text) for text in args.map or ()),
        multiple=args.multiple,
        receptive_radius=args.receptive_radius,
        tile=args.tile,
        hold=args.hold,
    )
    done = adopt(wish, device=device_of(args.device), force=args.force, replace=args.replace)
    if args.as_json:
        print(
            json.dumps(
                {"id": done.model.id, "folder": str(done.model.folder), "forced": done.forced} | done.verdict.to_json()
            )
        )
        return 0
    for line in lines(done.verdict):
        print(f"  {line}")
    model = done.model
    print(
        f"added {model.id} for {model.task}: scale {model.scale}, {model.frames} x {model.channels} channels in,"
        f" multiple {model.multiple}, receptive radius {model.receptive_radius}"
    )
    if done.forced:
        print("  it FAILED its conformance run and was added because of --force")
    return 0


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise UsageError(f"{option} is {value!r}", where=option, allowed=", ".join(allowed))
    return value


def _range(text: str) -> tuple[float, float]:
    parts = text.split(",")
    try:
        low, high = (float(p) for p in parts)
    except ValueError:
        raise UsageError(f"--range is {text!r}", where="--range", allowed="LOW,HIGH, for instance 0,1") from None
    return low, high


def _map(text: str) -> tuple[str, int]:
    name, _, channels = text.partition(":")
    if not name.isidentifier() or not (channels or "1").isdigit():
        raise UsageError(f"--map is {text!r}", where="--map", allowed="NAME or NAME:CHANNELS")
    return name, int(channels or 1)
