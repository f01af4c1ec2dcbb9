"""``wetgate measure``, ``wetgate psf`` and ``wetgate verify``."""

from __future__ import annotations

import json
from typing import Any

from wetgate.engine.verify import verify
from wetgate.spec import UsageError
from wetgate.surfaces.cli.progress import counted


def run_measure(args: Any) -> int:
    """Compare two shots and print the table."""
    from wetgate.engine import measure as measuring

    if args.metrics == "list":
        known = measuring.available()
        print(json.dumps(known) if args.as_json else "\n".join(f"{name:<16} {text}" for name, text in known.items()))
        return 0
    missing = [name for name, value in (("A", args.a), ("B", args.b)) if not value]
    if missing:
        raise UsageError(
            f"{' and '.join(missing)} missing", remedy="write wetgate measure A B, or wetgate measure --metrics list"
        )
    names = [name.strip() for name in args.metrics.split(",") if name.strip()]
    measurement = measuring.measure(
        args.a,
        args.b,
        names,
        frames=args.frames,
        in_space_a=args.in_space,
        in_space_b=args.in_space_b or args.in_space,
        config=args.config,
    )
    print(json.dumps(measurement.to_json()) if args.as_json else measurement.to_table())
    return 0


def run_psf(args: Any) -> int:
    """Print the PSF of a picture as text."""
    from wetgate.io.opening import open_source
    from wetgate.ops.psf import from_picture, to_text

    source = open_source(args.picture)
    try:
        print(to_text(from_picture(source.read(source.numbers[0]).frame.rgb)))
    finally:
        source.close()
    return 0


def run_verify(args: Any) -> int:
    """Check a result; exit code 3 where something is wrong."""
    verdict = verify(args.result, source=args.source, record=args.record, config=args.config)
    if args.as_json:
        print(json.dumps(verdict.to_json()))
        return 0 if verdict.ok else 3
    print(f"{counted(verdict.frames)} checked: {'everything holds' if verdict.ok else 'NOT as recorded'}")
    print(f"signed by {verdict.signer}" if verdict.signer else "not signed")
    if verdict.bounds:
        worst = max(verdict.bounds.values(), key=lambda b: b.value)
        print(f"bound: {worst.sentence()} (the worst of {len(verdict.bounds)} frames)")
    for text in verdict.unchecked:
        print(f"not checked: {text}")
    for text in verdict.problems:
        print(f"problem: {text}")
    return 0 if verdict.ok else 3
