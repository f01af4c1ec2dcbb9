"""Report ITU-R BT.2446-1, conversion method B: SDR to HDR for live production (section 5.1) and back (5.2).

The report gives method B's tone curve as a figure and constraints, not as equations. What is held to here:

- the tone curve acts on luminance and keeps chromaticity (5.1.3, Yu'v');
- up to about 78 % of the SDR signal (55 nits) it has unity gradient: SDR light is the light of the HLG picture on a
  display of 291 nits and gamma 1.03 (5.1.5, 5.2.1);
- above, it expands, smoothly and without end, so that clipped areas, of which live SDR has many, are not driven to the
  HDR peak: SDR super-white (109 %, the top of the narrow-range video signal) is what reaches HLG 100 %;
- SDR 90 % comes out near HLG 75 %, HDR reference white;
- HDR to SDR is the exact complement (5.3).

The cubic between those constraints is our own. Sources of the figures: Report BT.2446-1 section 5 as implemented by
Jellyfin's FFmpeg (291 nits, 1.03) and by the crates alwan and zentone (78 %, unity gradient, 90 % to 75 %).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wetgate.color.curves import floating, hlg_gamma
from wetgate.color.hdr.levels import LUMINANCE, Defined, Ends, nits_of, whole_curve
from wetgate.color.hdr.planes import Array, weigh
from wetgate.color.hdr.tables import GainTable

KNEE = 0.78
_VIRTUAL_PEAK = 291.0
_VIRTUAL_GAMMA = 1.03
_SUPER_WHITE = nits_of(1.09)  # BT.709-6: 8-bit code 254 is (254 - 16) / 219 = 108.7 %, 10-bit 1019 is 109.5 %
_EXPANSION_POWER = 3.0  # 3: C2 at the knee


def defined(peak: float = 1000.0, knee: float = KNEE) -> Defined:
    """The SDR to HDR curve of luminance, nits to nits, on 0 to SDR super-white, where it gives ``peak``."""
    start = nits_of(knee)
    rise = (_VIRTUAL_PEAK - _SUPER_WHITE) / (_SUPER_WHITE - start) ** _EXPANSION_POWER
    exponent = hlg_gamma(peak) / _VIRTUAL_GAMMA

    def curve(nits: Array) -> Array:
        virtual = nits + rise * np.maximum(nits - start, 0.0) ** _EXPANSION_POWER
        # The virtual display's light is HLG scene light to the power 1.03; the real one raises it to its own gamma.
        return np.asarray(peak * (virtual / _VIRTUAL_PEAK) ** exponent)

    return Defined(curve, _SUPER_WHITE)


def hdr_to_sdr(rgb_nits: Any, peak: float = 1000.0, knee: float = KNEE) -> Array:
    """HDR to SDR, the complement of the lift: light (..., 3) in nits, Rec.2020, both ways."""
    light = floating(rgb_nits)
    light = light if light.dtype == np.float32 else light.astype(np.float64)
    table = GainTable(whole_curve(defined(peak, knee), Ends(peak=peak, protection=0.0))).inverse()
    y = weigh(LUMINANCE, np.moveaxis(light, -1, 0))
    return np.asarray(light * table.gain(y)[..., None], light.dtype)
