"""``wetgate lut``."""

from __future__ import annotations

import json
import math
from typing import Any

from wetgate.engine.graph import parse_nodes
from wetgate.engine.lut import bake_graph
from wetgate.spec import UsageError


def run_lut(args: Any) -> int:
    """Bake, and print the error."""
    report = bake_graph(
        parse_nodes(args.node),
        args.output,
        in_space=args.in_space,
        out_space=args.out_space,
        size=args.size,
        domain=_domain(args.domain),
        config=args.config,
    )
    if args.as_json:
        fields = ("kind", "size", "unit", "mean", "p99", "max", "worst", "samples")
        print(json.dumps({"path": str(report.path)} | {name: getattr(report, name) for name in fields}))
    else:
        print(report)
    return 0


def _domain(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError
    except ValueError:
        raise UsageError(f"the domain is {text!r}", where="--domain", allowed="LOW,HIGH") from None
    return low, high
