"""Wetgate as a later version might be: hdr_lift version 2 has a parameter more. Started as a worker, or with ``table``.

``python later.py PLUGIN_FOLDER table`` prints the table that its bundle compiles in.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

sys.path.insert(0, sys.argv[1])

import wetgate.nodes  # noqa: F401
from wetgate.spec import Param, registry
from wetgate.surfaces import ofx_schema

NODE = registry.get("hdr_lift")
EXTRA = Param("gain", "float", "Gain", 2.0, lo=0, hi=4, hint="Light of the result.", since=2, legacy=1.0)


class Later(NODE.cls):
    """hdr_lift whose result is multiplied."""

    gain: float

    def render(self, frames: Any, ctx: Any) -> Any:
        made = super().render(frames, ctx)
        return replace(made, frame=made.frame.with_rgb(made.frame.rgb * self.gain))


registry.forget("hdr_lift")
registry.register(replace(NODE, version=2, cls=Later, params={**NODE.params, "gain": EXTRA}))

if sys.argv[2:] == ["table"]:
    print(json.dumps(ofx_schema.document(registry.nodes())))
elif __name__ == "__main__":
    from wetgate.surfaces.worker.__main__ import main

    sys.exit(main())
