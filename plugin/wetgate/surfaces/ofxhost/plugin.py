"""One plug-in in a host: loaded, described, and made into instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wetgate.spec import UsageError, WorkerError, suggest
from wetgate.surfaces.ofxhost import abi
from wetgate.surfaces.ofxhost.bundles import Binary, Identity
from wetgate.surfaces.ofxhost.clips import fill_properties, premultiplication_of
from wetgate.surfaces.ofxhost.effects import Action, ClipInstance, ClipMedia, Descriptor, Instance
from wetgate.surfaces.ofxhost.host import COLOUR_STYLE, CONFIG, Host
from wetgate.surfaces.ofxhost.images import Format
from wetgate.surfaces.ofxhost.param_suite import ParamSet
from wetgate.surfaces.ofxhost.params import ParameterInstance, check_declaration
from wetgate.surfaces.ofxhost.profiles import ALPHA, FILTER, RGB, RGBA, TRANSITION

_INPUTS = {FILTER: ("Source",), TRANSITION: ("SourceFrom", "SourceTo")}
_ANSWERED = (abi.OK, abi.REPLY_DEFAULT)


class Plugin:
    """A plug-in of a binary. :meth:`load`, then :meth:`describe` and :meth:`create`, then :meth:`unload`.

    A status that the specification does not allow the host to go on after raises
    :class:`~wetgate.spec.WorkerError`; what goes against the specification otherwise is in the host's report.
    """

    def __init__(self, host: Host, binary: Binary, name: str) -> None:
        self.host = host
        self.binary = binary
        self.identity: Identity
        self.identity, self._set_host, self.entry = binary.get(name)
        self._descriptor: Descriptor | None = None
        self._contexts: dict[str, Descriptor] = {}
        self.loaded = False

    def load(self) -> None:
        """setHost, Load, Describe. Where the profile does, Unload and Load come between, as a scan leaves them."""
        self._set_host(self.host.address)
        self._load()
        if self.host.profile.load_twice:
            self.unload()
            self._load()
        status = self.host.call(self.entry, Action("WetgateActionUnknownToAll"))
        if status != abi.REPLY_DEFAULT:
            self.host.report.add(
                "ofxCore.h, OfxPluginEntryPoint",
                f"an unknown action is answered {abi.status_name(status)}, not ReplyDefault",
            )

    def reload(self) -> None:
        """Load and Describe once more, with no Unload before: what a host does that loads for every frame."""
        self._load()

    @property
    def instance_per_frame(self) -> bool:
        """Whether this host makes an instance of this plug-in for every frame: not where only one render may run."""
        safety = self.descriptor.props.one("OfxImageEffectPluginRenderThreadSafety")
        return self.host.profile.instance_per_frame and safety != "OfxImageEffectRenderUnsafe"

    def _load(self) -> None:
        status = self.host.call(self.entry, Action("OfxActionLoad"))
        if status not in _ANSWERED:
            raise WorkerError(f"{self.identity.id}: Load answered {abi.status_name(status)}")
        self._forget_descriptors()
        self.loaded = True
        self._descriptor = self._described(None, "OfxActionDescribe")
        self._check_descriptor(self._descriptor)

    def _described(self, context: str | None, action: str) -> Descriptor:
        host = self.host
        made = Descriptor(context, host.profile, host.report)
        self._adopt(made)
        if host.profile.file_path:
            made.props.put(OfxPluginPropFilePath=str(self.binary.path.parents[2]))
        arguments = None
        if context is not None:
            if self._descriptor is not None:
                self._descriptor.props.copy_to(made.props)
            arguments = host.arguments("inArgs", OfxImageEffectPropContext=context)
        status = host.call(self.entry, Action(action, made), arguments)
        if status != abi.OK:
            raise WorkerError(f"{self.identity.id}: {action} answered {abi.status_name(status)}")
        return made

    def _adopt(self, effect: Any) -> None:
        """Handles for an effect, its properties and its parameter set."""
        effect.handle = self.host.handles.new(effect)
        effect.props.handle = self.host.handles.new(effect.props)
        effect.params_handle = self.host.handles.new(ParamSet(effect))

    @property
    def descriptor(self) -> Descriptor:
        """What Describe said."""
        if self._descriptor is None:
            raise UsageError(f"{self.identity.id} is not loaded", remedy="call load() first")
        return self._descriptor

    def context(self, wanted: str | None = None) -> str:
        """The context that the host takes: ``wanted``, or the first of its own that the plug-in offers."""
        offered = self.descriptor.contexts
        shared = [c for c in self.host.profile.contexts if c in offered]
        if wanted is not None:
            full = wanted if wanted.startswith("Ofx") else f"OfxImageEffectContext{wanted.capitalize()}"
            if full not in shared:
                names = [c.removeprefix("OfxImageEffectContext") for c in shared]
                raise UsageError(f"context {wanted}", allowed=", ".join(names), remedy=suggest(wanted, names))
            return full
        if not shared:
            raise UsageError(
                f"{self.identity.id} has no context that the host {self.host.profile.name} works in",
                allowed=", ".join(self.host.profile.contexts),
            )
        return shared[0]

    def describe(self, context: str | None = None) -> Descriptor:
        """DescribeInContext, once a context."""
        chosen = self.context(context)
        if chosen not in self._contexts:
            made = self._described(chosen, "OfxImageEffectActionDescribeInContext")
            self._check_context(made)
            self._contexts[chosen] = made
        return self._contexts[chosen]

    def main_input(self, context: str | None = None) -> str | None:
        """The input that takes the picture: Source, else the first that must be connected; None where there is none."""
        inputs = {name: clip for name, clip in self.describe(context).clips.items() if name != "Output"}
        if "Source" in inputs:
            return "Source"
        return next((name for name, clip in inputs.items() if not clip.optional), None)

    def create(
        self,
        media: Mapping[str, ClipMedia],
        values: Mapping[str, Any] | None = None,
        *,
        context: str | None = None,
        saved: Mapping[str, Any] | None = None,
        project: ClipMedia | None = None,
    ) -> Instance:
        """An instance. ``values`` are set before it is created, as a script does, and announced after.

        ``saved`` is what :func:`saved_values` gave of an earlier instance: a project that is opened again. ``project``
        gives size, rate and frames of the project; without it, Source does, else the first input.
        """
        descriptor = self.describe(context)
        made = Instance(descriptor, self.host.profile, self.host.report)
        made.project = project or media.get("Source") or next(iter(media.values()), None)
        self._adopt(made)
        if self.host.profile.properties_at_create:
            self._instance_properties(made)
        for name, declared in descriptor.params.items():
            parameter = ParameterInstance(declared, self.host.profile, self.host.report)
            parameter.handle = self.host.handles.new(parameter)
            parameter.props.handle = self.host.handles.new(parameter.props)
            made.params[name] = parameter
        unknown = sorted(set(values or {}) - set(made.params)) + sorted(set(media) - set(descriptor.clips))
        if unknown:
            raise UsageError(
                f"{self.identity.id} has no {unknown[0]!r}",
                remedy=suggest(unknown[0], [n for n, p in made.params.items() if p.count] + list(descriptor.clips)),
            )
        for name, kept in (saved or {}).items():
            if name in made.params:
                made.params[name].set(tuple(kept))
        for name, given in (values or {}).items():
            _assign(made.params[name], given)
        self._clips(made, media)
        status = self.host.call(self.entry, Action("OfxActionCreateInstance", made))
        made.created = status in _ANSWERED
        if not made.created and self.host.profile.drops_failed_instances:
            self._let_go(made)
            text = made.persistent.text if made.persistent else ""
            raise WorkerError(f"{self.identity.id}: CreateInstance answered {abi.status_name(status)}; {text}")
        if self.host.profile.properties_at_create:
            self.settle(made)
        if values:
            self.changed(made, list(values))
        return made

    def changed(self, instance: Instance, names: list[str], time: float | None = None) -> int:
        """BeginInstanceChanged, InstanceChanged for each name, EndInstanceChanged. The worst status."""
        host = self.host
        reason = {"OfxPropChangeReason": "OfxChangeUserEdited"}
        worst = abi.OK
        at = instance.time if time is None else time
        host.call(self.entry, Action("OfxActionBeginInstanceChanged", instance), host.arguments("inArgs", **reason))
        for name in names:
            arguments = host.arguments(
                "inArgs",
                OfxPropType="OfxTypeParameter",
                OfxPropName=name,
                OfxPropTime=float(at),
                OfxImageEffectPropRenderScale=(1.0, 1.0),
                **reason,
            )
            status = host.call(self.entry, Action("OfxActionInstanceChanged", instance, float(at)), arguments)
            worst = worst if status in _ANSWERED else status
        host.call(self.entry, Action("OfxActionEndInstanceChanged", instance), host.arguments("inArgs", **reason))
        if instance.progress_depth:
            host.report.add(
                "ofxProgress.h, progressEnd", "progress was started and not ended", "OfxActionInstanceChanged"
            )
            instance.progress_depth = 0
        return worst

    def sync(self, instance: Instance) -> None:
        """SyncPrivateData, where the plug-in asks for it: before a project is saved."""
        if instance.props.one("OfxPropParamSetNeedsSyncing", 0):
            self.host.call(self.entry, Action("OfxActionSyncPrivateData", instance))

    def purge(self, instance: Instance) -> int:
        """PurgeCaches."""
        return self.host.call(self.entry, Action("OfxActionPurgeCaches", instance))

    def destroy(self, instance: Instance) -> None:
        status = self.host.call(self.entry, Action("OfxActionDestroyInstance", instance))
        if status not in _ANSWERED:
            self.host.report.add("ofxCore.h, kOfxActionDestroyInstance", f"answered {abi.status_name(status)}")
        self._let_go(instance)

    def unload(self) -> None:
        """Unload. What the plug-in still holds of the host is reported."""
        if not self.loaded:
            return
        status = self.host.call(self.entry, Action("OfxActionUnload"))
        if status not in _ANSWERED:
            self.host.report.add("ofxCore.h, kOfxActionUnload", f"answered {abi.status_name(status)}")
        self.host.leaks()
        self._forget_descriptors()
        self.loaded = False

    def _forget_descriptors(self) -> None:
        for descriptor in [*self._contexts.values(), self._descriptor]:
            if descriptor is not None:
                self._let_go(descriptor)
        self._contexts.clear()
        self._descriptor = None

    def _let_go(self, effect: Any) -> None:
        drop = self.host.handles.drop
        for thing in (effect, *effect.clips.values(), *effect.params.values()):
            drop(getattr(thing, "handle", 0))
            drop(thing.props.handle)
        drop(effect.params_handle)

    def settle(self, instance: Instance) -> None:
        """Set what the host sets after CreateInstance: at once, or just before the first render."""
        if instance.settled:
            return
        if not self.host.profile.properties_at_create:
            self._instance_properties(instance)
        self._fill(instance)
        instance.settled = True

    def _instance_properties(self, made: Instance) -> None:
        made.props.put(OfxPropType=self.host.profile.instance_type)
        if made.descriptor.context:
            made.props.put(OfxImageEffectPropContext=made.descriptor.context)
        made.props.put(OfxImageEffectPropPluginHandle=self.descriptor.handle, OfxPropIsInteractive=0)
        made.props.put(OfxImageEffectPropSupportsTiles=int(made.descriptor.flag("OfxImageEffectPropSupportsTiles")))
        self._project(made)

    def _project(self, made: Instance) -> None:
        source = made.project
        origin = self.host.profile.origin
        width, height = (source.width, source.height) if source else (0, 0)
        aspect = source.pixel_aspect if source else 1.0
        first, last = (source.first, source.last) if source else (0, 0)
        base = first if self.host.profile.time_is_index else 0
        made.frame_range = (float(first - base), float(last - base))
        made.props.put(
            OfxImageEffectPropProjectSize=(width * aspect, float(height)),
            OfxImageEffectPropProjectOffset=(float(origin[0]), float(origin[1])),
            OfxImageEffectPropProjectExtent=(width * aspect + origin[0], float(height) + origin[1]),
            OfxImageEffectPropPixelAspectRatio=float(aspect),
            OfxImageEffectInstancePropEffectDuration=float(last - first + 1),
            OfxImageEffectPropFrameRate=float(source.rate if source else 24.0),
        )
        if self.host.profile.colour_management and made.descriptor.props.has("OfxImageEffectPropColourManagementStyle"):
            wanted = made.descriptor.props.one("OfxImageEffectPropColourManagementStyle")
            if wanted != "OfxImageEffectColourManagementNone":
                order = ["Basic", "Core", "Full", "OCIO"]
                lesser = min(
                    (str(wanted), COLOUR_STYLE),
                    key=lambda s: order.index(s.removeprefix("OfxImageEffectColourManagement")),
                )
                made.props.put(
                    OfxImageEffectPropColourManagementStyle=lesser, OfxImageEffectPropColourManagementConfig=CONFIG
                )

    def _clips(self, made: Instance, media: Mapping[str, ClipMedia]) -> None:
        for name, declared in made.descriptor.clips.items():
            given = media.get(name)
            form = self._form(declared, given or made.project, connected=given is not None or name == "Output")
            clip = ClipInstance(declared, made, given, form)
            clip.handle = self.host.handles.new(clip)
            clip.props.handle = self.host.handles.new(clip.props)
            made.clips[name] = clip
        missing = [n for n, d in made.descriptor.clips.items() if n != "Output" and not d.optional and n not in media]
        if missing:
            raise UsageError(f"{self.identity.id} needs a picture at {missing[0]}", where=missing[0])
        if self.host.profile.properties_at_create:
            self._fill(made, connect=self.host.profile.connected_at_create)

    def _fill(self, made: Instance, *, connect: bool = True) -> None:
        for clip in made.clips.values():
            components = clip.form.components if clip.form else RGBA
            said = clip.media or made.project
            fill_properties(
                clip,
                premultiplication=premultiplication_of(components, said.premultiplication if said else ""),
                rate=said.rate if said else 24.0,
                frames=made.frame_range,
                connect=connect,
            )

    def _form(self, declared: Any, media: ClipMedia | None, *, connected: bool) -> Format | None:
        """The format of a clip: components as the media has them where both sides can, the host's preferred depth."""
        depths = [d for d in self.host.profile.depths if d in self.descriptor.depths]
        if not depths:
            raise UsageError(
                f"{self.identity.id} and the host {self.host.profile.name} share no pixel depth",
                allowed=", ".join(self.host.profile.depths),
            )
        shared = [c for c in self.host.profile.components if c in declared.components]
        if not shared:
            return None
        own = {4: RGBA, 3: RGB, 1: ALPHA}.get(media.channels if media else 4, RGBA)
        if not connected and declared.props.one("OfxImageClipPropIsMask", 0):
            own = ALPHA
        return Format(own if own in shared else shared[0], depths[0])

    def _check_descriptor(self, made: Descriptor) -> None:
        clause = "ofxImageEffect.h, kOfxActionDescribe"
        if not made.contexts:
            self.host.report.add(clause, f"{self.identity.id} declares no context")
        if not made.depths:
            self.host.report.add(clause, f"{self.identity.id} declares no pixel depth")
        if not made.props.has("OfxPropLabel"):
            self.host.report.add(clause, f"{self.identity.id} has no label")

    def _check_context(self, made: Descriptor) -> None:
        clause = "ofxImageEffect.h, image effect contexts"
        add = self.host.report.add
        short = (made.context or "").removeprefix("OfxImageEffectContext")
        for wanted in (*_INPUTS.get(made.context or "", ()), "Output"):
            if wanted not in made.clips:
                add(clause, f"{self.identity.id} has no {wanted} clip in the context {short}")
        for name, clip in made.clips.items():
            if not clip.components:
                add("ofxImageEffect.h, kOfxImageEffectPropSupportedComponents", f"clip {name} has no components")
            if made.context == FILTER and name not in ("Source", "Output") and not clip.optional:
                add(clause, f"clip {name} of a filter is not optional")
        transition = made.params.get("Transition")
        if made.context == TRANSITION and (transition is None or transition.type != "OfxParamTypeDouble"):
            add(clause, f"{self.identity.id} has no parameter Transition in the context {short}")
        names = set(made.params)
        for parameter in made.params.values():
            check_declaration(parameter, names, add)


def _assign(parameter: ParameterInstance, given: Any) -> None:
    """A value, or keys as a dict of values by time."""
    if isinstance(given, Mapping):
        for time, value in given.items():
            parameter.set(parameter.accept(value), float(time))
    else:
        parameter.set(parameter.accept(given))


def saved_values(instance: Instance) -> dict[str, tuple[Any, ...]]:
    """What a project keeps of an instance: the values of its persistent parameters (kOfxParamPropPersistant)."""
    return {
        name: p.get(0.0) for name, p in instance.params.items() if p.count and p.props.one("OfxParamPropPersistant", 1)
    }
