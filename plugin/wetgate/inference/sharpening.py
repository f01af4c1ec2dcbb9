"""Linear light through a deblurring network: one pass, no PSF, whatever blur each place has."""

from __future__ import annotations

from collections.abc import Callable

from wetgate.inference.encodings import SignedLog
from wetgate.inference.restoring import Network, Restored
from wetgate.spec import Image

_LEAST, _MOST = 1e-5, 0.25  # noise in encoded values that the networks are trained on


def sharp_light(
    net: Network,
    picture: Image,
    deviation: Image,
    *,
    threads: int = 1,
    check_abort: Callable[[], None] = lambda: None,
    where: str = "",
) -> Restored:
    """``picture`` (H, W, C), scene-linear, as it was before it was blurred; ``deviation`` (H, W, C) of its noise.

    The noise is left in it: the network is told how strong it is, so as not to take it for detail. Light above the
    range that it was trained on is shown shifted where all of a neighbourhood is, and comes through as it is elsewhere.
    """
    level = SignedLog().deviation(picture, deviation).clip(_LEAST, _MOST)
    return net.restore([picture], maps={"noise": level}, threads=threads, check_abort=check_abort, where=where)
