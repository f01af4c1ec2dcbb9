"""Colour spaces by Resolve's names and by OCIO's.

Resolve names a clip's space in one of three ways: by one name in which gamut and curve are joined (``Input Color
Space``), by two where the project keeps them apart (``Input Color Space`` and ``Input Gamma``), by an input transform
in ACES projects (``IDT``). ``Project`` stands for the project's own setting. The names below are those that public
scripts set and read in Resolve 19 to 21.0; what is not among them has to be told (``--space "Resolve's name=OCIO's
name"``), for a wrong guess would restore the wrong light.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wetgate.spec import UsageError

PROJECT = "Project"

# OCIO's alias -> Resolve's joined names; the first is the one that is set.
_JOINED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("rec1886_rec709_display", ("Rec.709 Gamma 2.4", "Rec.709 (Gamma 2.4)", "Rec.709")),
    ("g22_rec709", ("Rec.709 Gamma 2.2",)),
    ("camera_rec709", ("Rec.709 (Scene)",)),
    ("srgb_tx", ("sRGB",)),
    ("rec2100_pq_display", ("Rec.2100 ST2084", "Rec.2100 PQ")),
    ("rec2100_hlg_display", ("Rec.2100 HLG",)),
    ("p3d65_display", ("P3-D65 Gamma 2.6",)),
    ("ACES2065-1", ("ACES", "ACES (AP0)", "ACES2065-1")),
    ("ACEScg", ("ACEScg", "ACEScg (AP1)", "ACES (AP1)")),
    ("ACEScct", ("ACEScct", "ACEScct (AP1)")),
    ("ACEScc", ("ACEScc", "ACEScc (AP1)")),
    ("arri_logc3_ei800", ("ARRI LogC3", "ARRI LogC", "ARRI Alexa", "ARRI Wide Gamut 3/LogC3")),
    ("arri_logc4", ("ARRI LogC4", "ARRI Wide Gamut 4/LogC4")),
    ("slog3_sgamut3", ("S-Gamut3/S-Log3", "Sony S-Gamut3/S-Log3")),
    ("slog3_sgamut3cine", ("S-Gamut3.Cine/S-Log3", "Sony S-Gamut3.Cine/S-Log3")),
    ("log3g10_redwidegamutrgb", ("REDWideGamutRGB/Log3G10", "RED Wide Gamut RGB/Log3G10", "Log3G10")),
    ("vlog_vgamut", ("Panasonic V-Gamut/V-Log", "V-Gamut/V-Log")),
    ("canonlog2_cinemagamut_d55", ("Canon Cinema Gamut/Canon Log 2", "Canon Cinema Gamut/Canon Log2")),
    ("canonlog3_cinemagamut_d55", ("Canon Cinema Gamut/Canon Log 3", "Canon Cinema Gamut/Canon Log3")),
    ("bmdfilm_widegamut_gen5", ("Blackmagic Design Film Gen 5", "Blackmagic Design Wide Gamut Gen 5/Film Gen 5")),
    ("davinci_intermediate_widegamut", ("DaVinci WG/Intermediate", "DaVinci Wide Gamut Intermediate", "DaVinci WG")),
    ("lin_rec709_srgb", ("Rec.709 Linear", "Linear Rec.709", "Rec.709 (Linear)")),
    ("ADX10", ("ADX10",)),
    ("ADX16", ("ADX16",)),
)
# OCIO's alias -> gamut and curve where the project keeps them apart.
_APART: tuple[tuple[str, str, str], ...] = (
    ("rec1886_rec709_display", "Rec.709", "Gamma 2.4"),
    ("g22_rec709", "Rec.709", "Gamma 2.2"),
    ("camera_rec709", "Rec.709", "Rec.709"),
    ("srgb_tx", "Rec.709", "sRGB"),
    ("srgb_tx", "sRGB", "sRGB"),
    ("lin_rec709_srgb", "Rec.709", "Linear"),
    ("lin_rec2020", "Rec.2020", "Linear"),
    ("rec2100_pq_display", "Rec.2020", "Rec.2100 ST2084"),
    ("rec2100_pq_display", "Rec.2020", "ST2084"),
    ("rec2100_hlg_display", "Rec.2020", "Rec.2100 HLG"),
    ("p3d65_display", "P3-D65", "Gamma 2.6"),
    ("lin_p3d65", "P3-D65", "Linear"),
    ("ACES2065-1", "ACES (AP0)", "Linear"),
    ("ACEScg", "ACES (AP1)", "Linear"),
    ("ACEScct", "ACES (AP1)", "ACEScct"),
    ("ACEScc", "ACES (AP1)", "ACEScc"),
    ("arri_logc3_ei800", "ARRI Wide Gamut 3", "ARRI LogC3"),
    ("arri_logc4", "ARRI Wide Gamut 4", "ARRI LogC4"),
    ("slog3_sgamut3", "Sony S-Gamut3", "S-Log3"),
    ("slog3_sgamut3cine", "Sony S-Gamut3.Cine", "S-Log3"),
    ("log3g10_redwidegamutrgb", "REDWideGamutRGB", "RED Log3G10"),
    ("vlog_vgamut", "Panasonic V-Gamut", "Panasonic V-Log"),
    ("canonlog2_cinemagamut_d55", "Canon Cinema Gamut", "Canon Log 2"),
    ("canonlog3_cinemagamut_d55", "Canon Cinema Gamut", "Canon Log 3"),
    ("davinci_intermediate_widegamut", "DaVinci WG", "DaVinci Intermediate"),
)


def _key(name: str) -> str:
    """Names that differ in case, blanks and punctuation alone are one."""
    return re.sub(r"[^a-z0-9]+", "", name.lower())


@dataclass(frozen=True, slots=True)
class Tagged:
    """What Resolve says a clip's pixels are: the clip properties to set on another clip of the same pixels.

    ``properties`` is empty where the project's colour is not managed. ``shown`` is how people call it.
    """

    properties: Mapping[str, str]
    shown: str


@dataclass(frozen=True, slots=True)
class Spaces:
    """How a project names its colour spaces. ``property`` is the clip property (``Input Color Space``, ``IDT``, or ""
    where the project is not managed), ``apart`` whether the curve has one of its own (``Input Gamma``).
    ``default`` are the project's own values, ``told`` the names that the user has translated."""

    property: str
    apart: bool = False
    default: tuple[str, str] = ("", "")
    told: Mapping[str, str] = field(default_factory=dict)

    def tagged(self, properties: Mapping[str, str]) -> Tagged:
        """What a clip with these properties is tagged as."""
        if not self.property:
            return Tagged({}, "")
        own = {self.property: properties.get(self.property, "") or PROJECT}
        if self.apart:
            own["Input Gamma"] = properties.get("Input Gamma", "") or PROJECT
        return Tagged(own, self._shown(own))

    def ocio(self, tag: Tagged) -> str | None:
        """OCIO's alias for it; None where nobody knows."""
        name, gamma = self._values(tag.properties)
        for text, alias in self.told.items():
            if _key(text) == _key(tag.shown) or _key(text) == _key(name):
                return alias
        if self.apart:
            pair = (_key(name), _key(gamma))
            return next((a for a, space, curve in _APART if (_key(space), _key(curve)) == pair), None)
        return next((a for a, names in _JOINED if _key(name) in map(_key, names)), None)

    def tag(self, aliases: Sequence[str]) -> Tagged | None:
        """How Resolve calls a space that has these names in the config; None where nobody knows."""
        if not self.property:
            return Tagged({}, "")
        wanted = {a.lower() for a in aliases}
        for text, alias in self.told.items():
            if alias.lower() in wanted and not self.apart:
                return Tagged({self.property: text}, text)
        if self.apart:
            found = next(((s, c) for a, s, c in _APART if a.lower() in wanted), None)
            properties = {self.property: found[0], "Input Gamma": found[1]} if found else {}
        else:
            name = next((names[0] for a, names in _JOINED if a.lower() in wanted), None)
            properties = {self.property: name} if name else {}
        return Tagged(properties, self._shown(properties)) if properties else None

    def _values(self, properties: Mapping[str, str]) -> tuple[str, str]:
        """Name and curve, the project's own where the clip follows the project."""
        name = properties.get(self.property, PROJECT)
        gamma = properties.get("Input Gamma", PROJECT) if self.apart else ""
        return (
            self.default[0] if name == PROJECT else name,
            self.default[1] if gamma == PROJECT else gamma,
        )

    def _shown(self, properties: Mapping[str, str]) -> str:
        name, gamma = self._values(properties)
        return f"{name} / {gamma}" if self.apart else name


def parse_told(pairs: Sequence[str]) -> dict[str, str]:
    """``Resolve's name=OCIO's name`` pairs, as ``--space`` takes them."""
    told = {}
    for pair in pairs:
        name, equals, alias = pair.rpartition("=")
        if not equals or not name.strip() or not alias.strip():
            raise UsageError(f"{pair!r} translates nothing", where="--space", allowed="\"Resolve's name=OCIO's name\"")
        told[name.strip()] = alias.strip()
    return told
