"""Report ITU-R BT.2408, direct mapping: SDR shown inside an HDR programme at a matching brightness, not expanded.

SDR display light (BT.1886) is multiplied so that SDR white lies at HDR reference white, 203 nits (section 5.1.2,
display-referred mapping into PQ; reference levels in Table 1). Contrast and colour stay those of the SDR picture.
"""

from __future__ import annotations

from typing import Any

from wetgate.color.curves import floating
from wetgate.color.hdr.levels import SDR_WHITE, Defined
from wetgate.color.hdr.planes import Array

REFERENCE_WHITE = 203.0  # nits; BT.2408-8 Table 1: HLG 75 %, PQ 58 %
GREY_CARD = 26.0  # nits; BT.2408-8 Table 1: an 18 % card, HLG 38 %, PQ 38 %


def defined(diffuse_white: float = REFERENCE_WHITE, peak: float = 1000.0) -> Defined:
    """The curve: one gain. Defined up to the light that comes out at ``peak`` (or SDR white, if that is more)."""
    gain = diffuse_white / SDR_WHITE
    return Defined(lambda nits: nits * gain, max(SDR_WHITE, peak / gain))


def hdr_to_sdr(rgb_nits: Any, diffuse_white: float = REFERENCE_WHITE) -> Array:
    """Back: HDR light to SDR light, both in nits. Light above ``diffuse_white`` comes out above SDR white."""
    light = floating(rgb_nits)
    return light * light.dtype.type(SDR_WHITE / diffuse_white)
