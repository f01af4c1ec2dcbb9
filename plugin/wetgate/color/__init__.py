"""Colour: OCIO configs and hops between spaces, transfer curves, primaries, density, differences, Y'CbCr.

What lies beyond the config and its hops is imported from its own module (``wetgate.color.curves``, ``.density``,
``.difference``, ``.ictcp``, ``.interop``, ``.lut``, ``.primaries``, ``.tags``, ``.ycbcr``). PyOpenColorIO is imported
when the first config is loaded, not before.
"""

from wetgate.color.config import BUILT_IN, ColorConfig

__all__ = ["BUILT_IN", "ColorConfig"]
