"""Wetgate: colour-managed film and video restoration on scene-linear frames.

The public names are loaded when they are first used, so that importing the package costs nothing::

    import wetgate
    wetgate.render("plate.####.exr", "out.####.exr", nodes=["hdr_lift:method=bt2446a"], in_space="srgb_tx")
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"
