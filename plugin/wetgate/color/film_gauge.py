"""Film gauges: how wide the picture on film is, and so how many micrometres of film a pixel sees."""

from __future__ import annotations

# Width of the picture on film, in mm: camera apertures of SMPTE ST 7 (16 mm: 10.26), ST 201 (Super 16: 12.52), ST 59
# (35 mm full aperture: 24.89; with sound track: 21.95) and ST 215 (65 mm, five perforations: 52.48); the 8 mm gauges
# by their usual nominal apertures.
WIDTH_MM: dict[str, float] = {
    "8": 4.80,
    "s8": 5.79,
    "16": 10.26,
    "s16": 12.52,
    "35": 21.95,
    "s35": 24.89,
    "65": 52.48,
}
LABELS: dict[str, str] = {
    "8": "8 mm",
    "s8": "Super 8",
    "16": "16 mm",
    "s16": "Super 16",
    "35": "35 mm Academy",
    "s35": "35 mm full aperture",
    "65": "65 mm",
}
