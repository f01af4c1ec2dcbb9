"""Networks: which there are, where they run, and how they work on pictures that have no bounds.

A node asks for one by task and tier and hands it pictures: :func:`network`, :meth:`Network.restore`. Importing this
loads no runtime; the first picture does.
"""

from wetgate.inference.encodings import Code, Encoding, SignedLog, Vst, vst
from wetgate.inference.exposures import clean_light
from wetgate.inference.restoring import TIERS, ModelsWithheld, Network, Restored, network, without_models
from wetgate.inference.sharpening import sharp_light
from wetgate.inference.turning import restore_from_sides

__all__ = [
    "TIERS",
    "Code",
    "Encoding",
    "ModelsWithheld",
    "Network",
    "Restored",
    "SignedLog",
    "Vst",
    "clean_light",
    "network",
    "restore_from_sides",
    "sharp_light",
    "vst",
    "without_models",
]
