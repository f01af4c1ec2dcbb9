"""Film gauges: how many micrometres of film a pixel sees."""

from __future__ import annotations

from wetgate.color.film_gauge import LABELS, WIDTH_MM
from wetgate.damage.model import Place

__all__ = ["LABELS", "WIDTH_MM", "pitch_um"]


def pitch_um(gauge: str, place: Place) -> float:
    """Micrometres of film a pixel, the full picture's width being the gauge's."""
    return WIDTH_MM[gauge] * 1000 / place.full_width
