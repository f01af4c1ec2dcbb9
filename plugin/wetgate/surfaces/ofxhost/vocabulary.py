"""Which property each OFX object carries: type, dimension, who may write it, since which version.

An entry reads ``name:type dimension flags``: type ``i`` int, ``d`` double, ``s`` string, ``p`` pointer; dimension 0 is
any number; ``!`` only the host writes it; ``+`` came with API 1.5. Source: the doc comments of the headers named in
:mod:`wetgate.surfaces.ofxhost.abi` ("Property Set" lines of ofxImageEffect.h, ofxParam.h, ofxColour.h, ofxGPURender.h).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PropertyType = Literal["i", "d", "s", "p"]


@dataclass(frozen=True, slots=True)
class Property:
    """A property as the specification declares it. ``dimension`` 0 is any number of values."""

    name: str
    type: PropertyType
    dimension: int
    host_only: bool
    since_1_5: bool


_HOST = """
OfxPropType:s1! OfxPropName:s1! OfxPropLabel:s1! OfxPropVersion:i0! OfxPropVersionLabel:s1! OfxPropAPIVersion:i0!
OfxImageEffectHostPropIsBackground:i1! OfxImageEffectPropSupportsOverlays:i1!
OfxImageEffectPropSupportsMultiResolution:i1! OfxImageEffectPropSupportsTiles:i1!
OfxImageEffectPropTemporalClipAccess:i1! OfxImageEffectPropSupportedComponents:s0!
OfxImageEffectPropSupportedContexts:s0! OfxImageEffectPropSupportedPixelDepths:s0!
OfxImageEffectPropMultipleClipDepths:i1! OfxImageEffectPropSupportsMultipleClipPARs:i1!
OfxImageEffectPropSetableFrameRate:i1! OfxImageEffectPropSetableFielding:i1!
OfxImageEffectInstancePropSequentialRender:i1! OfxImageEffectPropRenderQualityDraft:i1!
OfxImageEffectHostPropNativeOrigin:s1! OfxParamHostPropSupportsCustomAnimation:i1!
OfxParamHostPropSupportsStringAnimation:i1! OfxParamHostPropSupportsBooleanAnimation:i1!
OfxParamHostPropSupportsChoiceAnimation:i1! OfxParamHostPropSupportsCustomInteract:i1!
OfxParamHostPropMaxParameters:i1! OfxParamHostPropMaxPages:i1! OfxParamHostPropPageRowColumnCount:i2!
OfxPropHostOSHandle:p1! OfxParamHostPropSupportsParametricAnimation:i1!
OfxParamHostPropSupportsStrChoiceAnimation:i1!+ OfxParamHostPropSupportsStrChoice:i1!+
OfxImageEffectPropColourManagementStyle:s1!+ OfxImageEffectPropColourManagementAvailableConfigs:s0!+
OfxImageEffectPropOpenGLRenderSupported:s1!
"""
_EFFECT = """
OfxPropType:s1! OfxPropLabel:s1 OfxPropShortLabel:s1 OfxPropLongLabel:s1 OfxPropVersion:i0 OfxPropVersionLabel:s1
OfxPropPluginDescription:s1 OfxPropIcon:s2 OfxImageEffectPluginPropGrouping:s1 OfxImageEffectPropSupportedContexts:s0
OfxImageEffectPropSupportedPixelDepths:s0 OfxImageEffectPluginPropSingleInstance:i1
OfxImageEffectPluginRenderThreadSafety:s1 OfxImageEffectPluginPropHostFrameThreading:i1
OfxImageEffectPluginPropOverlayInteractV1:p1 OfxImageEffectPluginPropOverlayInteractV2:p1+
OfxImageEffectPropSupportsMultiResolution:i1 OfxImageEffectPropSupportsTiles:i1
OfxImageEffectPropTemporalClipAccess:i1 OfxImageEffectPluginPropFieldRenderTwiceAlways:i1
OfxImageEffectPropMultipleClipDepths:i1 OfxImageEffectPropSupportsMultipleClipPARs:i1
OfxImageEffectInstancePropSequentialRender:i1 OfxImageEffectPropClipPreferencesSlaveParam:s0 OfxPluginPropFilePath:s1!
OfxPluginPropParamPageOrder:s0 OfxImageEffectPropOpenGLRenderSupported:s1 OfxOpenGLPropPixelDepth:s0
OfxImageEffectPropCudaRenderSupported:s1+ OfxImageEffectPropCudaStreamSupported:s1+
OfxImageEffectPropMetalRenderSupported:s1+ OfxImageEffectPropOpenCLRenderSupported:s1+
OfxImageEffectPropOpenCLSupported:s1+ OfxImageEffectPropCPURenderSupported:s1+
OfxImageEffectPropColourManagementStyle:s1+ OfxImageEffectPropColourManagementAvailableConfigs:s0+
OfxImageEffectPropNoSpatialAwareness:s1+ OfxImageEffectPluginPropObsolete:i1+ OfxPropParamSetNeedsSyncing:i1
"""
_INSTANCE = """
OfxPropType:s1! OfxImageEffectPropContext:s1! OfxPropInstanceData:p1 OfxImageEffectPropProjectSize:d2!
OfxImageEffectPropProjectOffset:d2! OfxImageEffectPropProjectExtent:d2! OfxImageEffectPropPixelAspectRatio:d1!
OfxImageEffectInstancePropEffectDuration:d1! OfxImageEffectInstancePropSequentialRender:i1
OfxImageEffectPropSupportsTiles:i1 OfxImageEffectPropFrameRate:d1! OfxPropIsInteractive:i1!
OfxImageEffectPropPluginHandle:p1! OfxPropParamSetNeedsSyncing:i1 OfxPluginPropParamPageOrder:s0
OfxImageEffectPropOpenGLRenderSupported:s1 OfxImageEffectPropColourManagementStyle:s1!+
OfxImageEffectPropColourManagementConfig:s1!+ OfxImageEffectPropOCIOConfig:s1!+
OfxImageEffectPropDisplayColourspace:s1!+ OfxImageEffectPropOCIODisplay:s1!+ OfxImageEffectPropOCIOView:s1!+
OfxImageEffectPropNoSpatialAwareness:s1+ OfxImageEffectPropThumbnailRender:s1+
"""
_CLIP = """
OfxPropType:s1! OfxPropName:s1! OfxPropLabel:s1 OfxPropShortLabel:s1 OfxPropLongLabel:s1
OfxImageEffectPropSupportedComponents:s0 OfxImageEffectPropTemporalClipAccess:i1 OfxImageClipPropOptional:i1
OfxImageClipPropFieldExtraction:s1 OfxImageClipPropIsMask:i1 OfxImageEffectPropSupportsTiles:i1
"""
_CLIP_INSTANCE = (
    _CLIP.replace("s0", "s0!").replace("i1", "i1!")
    + """
OfxImageEffectPropPixelDepth:s1! OfxImageEffectPropComponents:s1! OfxImageClipPropUnmappedPixelDepth:s1!
OfxImageClipPropUnmappedComponents:s1! OfxImageEffectPropPreMultiplication:s1! OfxImagePropPixelAspectRatio:d1!
OfxImageEffectPropFrameRate:d1! OfxImageEffectPropFrameRange:d2! OfxImageClipPropFieldOrder:s1!
OfxImageClipPropConnected:i1! OfxImageEffectPropUnmappedFrameRange:d2! OfxImageEffectPropUnmappedFrameRate:d1!
OfxImageClipPropContinuousSamples:i1! OfxImageClipPropColourspace:s1!+ OfxImageClipPropPreferredColourspaces:s0!+
"""
)
_IMAGE = """
OfxPropType:s1! OfxImageEffectPropPixelDepth:s1! OfxImageEffectPropComponents:s1!
OfxImageEffectPropPreMultiplication:s1! OfxImageEffectPropRenderScale:d2! OfxImagePropPixelAspectRatio:d1!
OfxImagePropData:p1! OfxImagePropBounds:i4! OfxImagePropRegionOfDefinition:i4! OfxImagePropRowBytes:i1!
OfxImagePropField:s1! OfxImagePropUniqueIdentifier:s1!
"""
_PARAM = """
OfxPropType:s1! OfxPropName:s1! OfxPropLabel:s1 OfxPropShortLabel:s1 OfxPropLongLabel:s1 OfxPropIcon:s2
OfxParamPropType:s1! OfxParamPropSecret:i1 OfxParamPropHint:s1 OfxParamPropScriptName:s1 OfxParamPropParent:s1
OfxParamPropEnabled:i1 OfxParamPropDataPtr:p1 OfxParamPropInteractV1:p1 OfxParamPropInteractSize:d2
OfxParamPropInteractSizeAspect:d1 OfxParamPropInteractMinimumSize:d2 OfxParamPropInteractPreferedSize:i2
OfxParamPropHasHostOverlayHandle:i1! kOfxParamPropUseHostOverlayHandle:i1 OfxParamPropCanUndo:i1
"""
_VALUED = """
OfxParamPropAnimates:i1 OfxParamPropIsAnimating:i1! OfxParamPropIsAutoKeying:i1! OfxParamPropPersistant:i1
OfxParamPropEvaluateOnChange:i1 OfxParamPropPluginMayWrite:i1 OfxParamPropCacheInvalidation:s1
"""


def _parse(text: str) -> dict[str, Property]:
    found = {}
    for entry in text.split():
        name, _, rest = entry.partition(":")
        letter, size = rest[0], rest[1]
        assert letter in ("i", "d", "s", "p")
        found[name] = Property(name, letter, int(size), "!" in rest, "+" in rest)  # type: ignore[arg-type]
    return found


OBJECTS: dict[str, dict[str, Property]] = {
    "host": _parse(_HOST),
    "effect descriptor": _parse(_EFFECT),
    "effect instance": _parse(_INSTANCE),
    "clip descriptor": _parse(_CLIP),
    "clip instance": _parse(_CLIP_INSTANCE),
    "image": _parse(_IMAGE),
}

# Parameter types (ofxParam.h): value letter and how many values.
PARAM_VALUES: dict[str, tuple[str, int]] = {
    "OfxParamTypeInteger": ("i", 1),
    "OfxParamTypeInteger2D": ("i", 2),
    "OfxParamTypeInteger3D": ("i", 3),
    "OfxParamTypeDouble": ("d", 1),
    "OfxParamTypeDouble2D": ("d", 2),
    "OfxParamTypeDouble3D": ("d", 3),
    "OfxParamTypeRGB": ("d", 3),
    "OfxParamTypeRGBA": ("d", 4),
    "OfxParamTypeBoolean": ("i", 1),
    "OfxParamTypeChoice": ("i", 1),
    "OfxParamTypeStrChoice": ("s", 1),
    "OfxParamTypeString": ("s", 1),
    "OfxParamTypeCustom": ("s", 1),
    "OfxParamTypePushButton": ("", 0),
    "OfxParamTypeGroup": ("", 0),
    "OfxParamTypePage": ("", 0),
}


def param_properties(param_type: str) -> dict[str, Property]:
    """The properties of a parameter of this type (ofxParam.h, "Properties on Parameters")."""
    letter, count = PARAM_VALUES[param_type]
    short = param_type.removeprefix("OfxParamType")
    text = _PARAM
    if count:
        text += _VALUED + f"OfxParamPropDefault:{letter}{count} "
    if short.startswith(("Integer", "Double", "RGB")):
        names = ("Min", "Max", "DisplayMin", "DisplayMax")
        text += " ".join(f"OfxParamProp{n}:{letter}{count}" for n in names) + " "
    if short.startswith("Double"):
        text += "OfxParamPropIncrement:d1 OfxParamPropDigits:i1 OfxParamPropDoubleType:s1 "
        text += "OfxParamPropDefaultCoordinateSystem:s1 OfxParamPropShowTimeMarker:i1 "
    if short.endswith(("2D", "3D")):
        text += "OfxParamPropDimensionLabel:s0 "
    if short in ("String", "Custom"):
        text += "OfxParamPropStringMode:s1 OfxParamPropStringFilePathExists:i1 OfxParamPropCustomCallbackV1:p1 "
    if short in ("Choice", "StrChoice"):
        text += "OfxParamPropChoiceOption:s0 OfxParamPropChoiceOrder:i0+ OfxParamPropChoiceEnum:s0+ "
    if short == "Group":
        text += "OfxParamPropGroupOpen:i1 "
    if short == "Page":
        text += "OfxParamPropPageChild:s0 "
    return _parse(text)
