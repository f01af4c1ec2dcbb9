"""Descriptors, instances, clips and the actions in progress: the objects that a host keeps of a plug-in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wetgate.surfaces.ofxhost.images import Buffer, Format, Pixels, Rect
from wetgate.surfaces.ofxhost.params import Parameter, ParameterInstance
from wetgate.surfaces.ofxhost.profiles import Profile
from wetgate.surfaces.ofxhost.properties import PropertySet
from wetgate.surfaces.ofxhost.violations import Report
from wetgate.surfaces.ofxhost.vocabulary import OBJECTS


@dataclass(slots=True)
class Message:
    """What a plug-in told the user. ``persistent`` ones stay on the instance until they are cleared."""

    type: str
    text: str
    persistent: bool = False


@dataclass(slots=True)
class Action:
    """An action that the host is in: what a plug-in may do depends on it."""

    name: str
    effect: Effect | None = None
    time: float = 0.0
    frames: Mapping[str, list[tuple[float, float]]] | None = None
    regions: Mapping[str, Rect] = field(default_factory=dict)
    scale: tuple[float, float] = (1.0, 1.0)
    images: list[ImageHandle] = field(default_factory=list)


class Effect:
    """What descriptors and instances share: properties, clips and parameters by name."""

    def __init__(self, kind: str, profile: Profile, report: Report) -> None:
        self.profile = profile
        self.report = report
        self.handle = 0
        self.params_handle = 0
        self.props = PropertySet(kind, OBJECTS[kind], profile, report)
        self.clips: dict[str, Any] = {}
        self.params: dict[str, Any] = {}


class Descriptor(Effect):
    """A plug-in as it describes itself, in one context or (``context`` None) in general."""

    def __init__(self, context: str | None, profile: Profile, report: Report) -> None:
        super().__init__("effect descriptor", profile, report)
        self.context = context
        self.clips: dict[str, ClipDescriptor] = {}
        self.params: dict[str, Parameter] = {}
        # Defaults of ofxImageEffect.h, and of the reference host library where the header gives none.
        self.props.put(
            OfxPropType="OfxTypeImageEffect",
            OfxImageEffectPluginRenderThreadSafety="OfxImageEffectRenderInstanceSafe",
            OfxImageEffectPluginPropHostFrameThreading=1,
            OfxImageEffectPluginPropSingleInstance=0,
            OfxImageEffectPropSupportsMultiResolution=1,
            OfxImageEffectPropSupportsTiles=1,
            OfxImageEffectPropTemporalClipAccess=0,
            OfxImageEffectPropMultipleClipDepths=0,
            OfxImageEffectPropSupportsMultipleClipPARs=0,
            OfxImageEffectPluginPropFieldRenderTwiceAlways=1,
            OfxImageEffectInstancePropSequentialRender=0,
        )

    def flag(self, name: str) -> bool:
        return bool(self.props.one(name, 0))

    @property
    def depths(self) -> list[str]:
        return [str(d) for d in self.props.all("OfxImageEffectPropSupportedPixelDepths")]

    @property
    def contexts(self) -> list[str]:
        return [str(c) for c in self.props.all("OfxImageEffectPropSupportedContexts")]


class ClipDescriptor:
    """A clip as the plug-in declares it."""

    def __init__(self, name: str, profile: Profile, report: Report) -> None:
        self.name = name
        self.props = PropertySet(f"clip {name}", OBJECTS["clip descriptor"], profile, report)
        self.props.put(
            OfxPropType="OfxTypeClip",
            OfxPropName=name,
            OfxPropLabel=name,
            OfxImageEffectPropTemporalClipAccess=0,
            OfxImageClipPropOptional=0,
            OfxImageClipPropIsMask=0,
            OfxImageEffectPropSupportsTiles=1,
            OfxImageClipPropFieldExtraction="OfxFieldDoubled",
        )

    @property
    def components(self) -> list[str]:
        return [str(c) for c in self.props.all("OfxImageEffectPropSupportedComponents")]

    @property
    def optional(self) -> bool:
        return bool(self.props.one("OfxImageClipPropOptional", 0))


Fetch = Callable[[int], Pixels]


@dataclass(slots=True)
class ClipMedia:
    """What is connected to an input clip.

    ``fetch(number)`` gives (H, W, C) float32 with row 0 at the top; ``first`` and ``last`` are the frame numbers that
    there are, inclusive. ``premultiplication`` is an OFX string; ``space`` the name of the colour space, where known.
    """

    fetch: Fetch
    first: int
    last: int
    width: int
    height: int
    channels: int
    premultiplication: str = ""
    space: str = ""
    rate: float = 24.0
    pixel_aspect: float = 1.0


class ClipInstance:
    """A clip of an instance. The Output clip has no media; its pixels are what is being rendered."""

    def __init__(
        self, declared: ClipDescriptor, effect: Instance, media: ClipMedia | None, form: Format | None
    ) -> None:
        self.name = declared.name
        self.declared = declared
        self.effect = effect
        self.media = media
        self.form = form
        self.handle = 0
        self.props = PropertySet(f"clip {declared.name}", OBJECTS["clip instance"], effect.profile, effect.report)

    @property
    def is_output(self) -> bool:
        return self.name == "Output"


@dataclass(slots=True)
class ImageHandle:
    """An image that the plug-in holds: from clipGetImage to clipReleaseImage."""

    clip: ClipInstance
    props: PropertySet
    buffer: Buffer
    checksum: int
    action: Action | None


class Instance(Effect):
    """A living instance: parameters with values, clips with media, messages, and what is being rendered."""

    def __init__(self, descriptor: Descriptor, profile: Profile, report: Report) -> None:
        super().__init__("effect instance", profile, report)
        self.descriptor = descriptor
        self.clips: dict[str, ClipInstance] = {}
        self.params: dict[str, ParameterInstance] = {}
        self.messages: list[Message] = []
        self.persistent: Message | None = None
        self.created = False
        self.time = 0.0
        self.abort: Callable[[], bool] = lambda: False
        # Whose size, rate and frames are the project's; and whether the host has set all that it sets of the instance.
        self.project: ClipMedia | None = None
        self.settled = False
        self.progress_depth = 0
        self.progress_log: list[float] = []
        self.cancel_progress: Callable[[float], bool] = lambda share: False
        self.frame_range = (0.0, 0.0)
        self.scale = (1.0, 1.0)
        # What is being written, by time: renders of one instance may run at the same time.
        self.output_of: dict[float, Buffer] = {}
