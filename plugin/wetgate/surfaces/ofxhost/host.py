"""The host: its property set, its suites, and the calls into plug-ins that it watches."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wetgate.surfaces.ofxhost import abi, effect_suite, param_suite, property_suite, small_suites
from wetgate.surfaces.ofxhost.bundles import Binary
from wetgate.surfaces.ofxhost.effects import Action, Effect, ImageHandle, Message
from wetgate.surfaces.ofxhost.profiles import Profile
from wetgate.surfaces.ofxhost.profiles import profile as named_profile
from wetgate.surfaces.ofxhost.properties import Handles, PropertySet, Strings
from wetgate.surfaces.ofxhost.suites import Table
from wetgate.surfaces.ofxhost.violations import Report
from wetgate.surfaces.ofxhost.vocabulary import OBJECTS

CONFIG = "ofx-native-v1.5_aces-v1.3_ocio-v2.3"  # kOfxConfigIdentifier, ofxColour.h
COLOUR_STYLE = "OfxImageEffectColourManagementCore"
# Actions that a plug-in must trap: ReplyDefault is no answer (ofxCore.h, ofxImageEffect.h).
_MANDATORY = {"OfxActionDescribe", "OfxImageEffectActionDescribeInContext", "OfxImageEffectActionRender"}


class Host:
    """An OFX host of a profile (a name of :data:`~wetgate.surfaces.ofxhost.profiles.PROFILES`, or one of your own).

    It must outlive every plug-in that it loads. ``report`` gathers what plug-ins do wrong, ``messages`` what they say.
    ``faults`` are errors of the host itself; :meth:`check` raises the first.
    """

    def __init__(self, profile: str | Profile = "strict", report: Report | None = None) -> None:
        abi.demand_platform()
        self.profile = named_profile(profile) if isinstance(profile, str) else profile
        self.report = report or Report()
        self.handles = Handles(self.report)
        self.strings = Strings(self.profile.poisons_strings)
        self.messages: list[Message] = []
        self.faults: list[BaseException] = []
        self.open_images: dict[int, ImageHandle] = {}
        self.image_memory: dict[int, effect_suite.ImageMemory] = {}
        self.memory: dict[int, Any] = {}
        self.mutexes: set[int] = set()
        self.time = 0.0
        self._actions = threading.local()
        self.props = PropertySet("host", OBJECTS["host"], self.profile, self.report)
        self.props.handle = self.handles.new(self.props)
        self._describe_itself()
        self._suites = self._make_suites()
        self._fetch = abi.FETCH_SUITE(self._fetch_suite)
        self._struct = abi.OfxHost(self.props.handle, self._fetch)

    @property
    def address(self) -> int:
        """Of the ``OfxHost`` struct."""
        return ctypes.addressof(self._struct)

    def open(self, path: str | Path) -> Binary:
        """Load a binary (see :func:`~wetgate.surfaces.ofxhost.bundles.find_binaries`)."""
        return Binary(Path(path), self.address, self.report, offers_set_host=self.profile.knows_1_5)

    @property
    def action(self) -> Action | None:
        """What the calling thread is in; None on threads of the plug-in's own."""
        stack = getattr(self._actions, "stack", None)
        return stack[-1] if stack else None

    @property
    def action_name(self) -> str:
        current = self.action
        return current.name if current is not None else ""

    @contextlib.contextmanager
    def within(self, action: Action | None) -> Iterator[None]:
        """The calling thread does the work of ``action``."""
        if action is None:
            yield
            return
        if not hasattr(self._actions, "stack"):
            self._actions.stack = []
        self._actions.stack.append(action)
        try:
            yield
        finally:
            self._actions.stack.pop()

    def violation(self, clause: str, what: str) -> None:
        self.report.add(clause, what, self.action_name)

    def call(
        self,
        entry: Any,
        action: Action,
        in_args: PropertySet | None = None,
        out_args: PropertySet | None = None,
    ) -> int:
        """``mainEntry(action, ...)``: the status. What the action left open is reported."""
        for props in (in_args, out_args):
            if props is not None:
                props.handle = self.handles.new(props)
        effect: Effect | None = action.effect
        with self.within(action):
            status = int(
                entry(
                    action.name.encode(),
                    effect.handle if effect is not None else None,
                    in_args.handle if in_args is not None else None,
                    out_args.handle if out_args is not None else None,
                )
            )
        for props in (in_args, out_args):
            if props is not None:
                self.handles.drop(props.handle)
        if status not in abi.STATUS_NAMES:
            self.report.add("ofxCore.h, OfxStatus", f"{action.name} answered {status}, which is no status", action.name)
        if status == abi.REPLY_DEFAULT and action.name in _MANDATORY:
            self.report.add(
                f"{action.name}, Returns", "an action that must be trapped answered ReplyDefault", action.name
            )
        for image in list(action.images):
            self.report.add(
                "ofxImageEffect.h, clipReleaseImage", f"an image of {image.clip.name} was not released", action.name
            )
            self.open_images.pop(image.props.handle, None)
            self.handles.drop(image.props.handle)
        self.check()
        return status

    def check(self) -> None:
        """Raise what went wrong inside the host's own functions."""
        if self.faults:
            raise self.faults[0]

    def arguments(self, kind: str, **values: Any) -> PropertySet:
        """A property set for an action's arguments."""
        made = PropertySet(kind, {}, self.profile, self.report)
        made.put(**values)
        return made

    def leaks(self) -> None:
        """Report what an unloaded plug-in still holds of the host."""
        for held, clause, what in (
            (self.memory, "ofxMemory.h, memoryFree", "blocks of memory"),
            (self.image_memory, "ofxImageEffect.h, imageMemoryFree", "blocks of image memory"),
            (self.mutexes, "ofxMultiThread.h, mutexDestroy", "mutexes"),
        ):
            if held:
                self.report.add(clause, f"{len(held)} {what} were not given back by Unload", "OfxActionUnload")

    def _fetch_suite(self, handle: int | None, name: bytes | None, version: int) -> int | None:
        try:
            if handle != self.props.handle:
                self.violation(
                    "ofxCore.h, OfxHost::fetchSuite", "fetchSuite was called with another handle than the host's"
                )
                return None
            table = self._suites.get(((name or b"").decode("utf-8", "replace"), version))
            return table.address if table is not None else None
        except BaseException as fault:
            self.faults.append(fault)
            return None

    def _make_suites(self) -> dict[tuple[str, int], Table]:
        form = self.profile.message_suite
        made = {
            ("OfxPropertySuite", 1): Table(self, property_suite.entries(self)),
            ("OfxImageEffectSuite", 1): Table(self, effect_suite.entries(self)),
            ("OfxParameterSuite", 1): Table(self, param_suite.entries(self)),
            ("OfxMemorySuite", 1): Table(self, small_suites.memory(self)),
            ("OfxMultiThreadSuite", 1): Table(self, small_suites.threads(self)),
            ("OfxMessageSuite", 1): Table(self, small_suites.messages(self, 1)),
            ("OfxProgressSuite", 1): Table(self, small_suites.progress(self, 1)),
            ("OfxTimeLineSuite", 1): Table(self, small_suites.timeline(self)),
        }
        if form != "1":
            made["OfxMessageSuite", 2] = Table(self, small_suites.messages(self, 2), nulls=form == "nulls")
        if self.profile.knows_1_5 or self.profile.api >= (1, 4):
            made["OfxProgressSuite", 2] = Table(self, small_suites.progress(self, 2))
        return {key: table for key, table in made.items() if key[0] not in self.profile.missing_suites}

    def _describe_itself(self) -> None:
        p = self.profile
        self.props.put(
            OfxPropType="OfxTypeImageEffectHost",
            OfxPropName=p.host_name,
            OfxPropLabel=p.host_name,
            OfxPropVersion=(1, 0),
            OfxPropVersionLabel="1.0",
            OfxPropAPIVersion=p.api,
            OfxImageEffectHostPropIsBackground=1,
            OfxImageEffectPropSupportsOverlays=0,
            OfxImageEffectPropSupportsMultiResolution=int(p.multi_resolution),
            OfxImageEffectPropSupportsTiles=int(p.tiles),
            OfxImageEffectPropTemporalClipAccess=int(p.temporal),
            OfxImageEffectPropSupportedComponents=p.components,
            OfxImageEffectPropSupportedPixelDepths=p.depths,
            OfxImageEffectPropMultipleClipDepths=0,
            OfxImageEffectPropSupportsMultipleClipPARs=0,
            OfxImageEffectPropSetableFrameRate=0,
            OfxImageEffectPropSetableFielding=0,
            OfxImageEffectInstancePropSequentialRender=0,
            OfxImageEffectPropRenderQualityDraft=0,
            OfxImageEffectHostPropNativeOrigin="kOfxImageEffectHostPropNativeOriginBottomLeft",
            OfxParamHostPropSupportsCustomAnimation=int(p.animates_strings),
            OfxParamHostPropSupportsStringAnimation=int(p.animates_strings),
            OfxParamHostPropSupportsBooleanAnimation=int(p.animates_strings),
            OfxParamHostPropSupportsChoiceAnimation=int(p.animates_strings),
            OfxParamHostPropSupportsCustomInteract=0,
            OfxParamHostPropMaxParameters=-1,
            OfxParamHostPropMaxPages=0,
            OfxParamHostPropPageRowColumnCount=(0, 0),
            OfxParamHostPropSupportsStrChoice=1,
            OfxParamHostPropSupportsStrChoiceAnimation=0,
        )
        if p.declares_contexts:
            self.props.put(OfxImageEffectPropSupportedContexts=p.contexts)
        if p.colour_management:
            self.props.put(
                OfxImageEffectPropColourManagementStyle=COLOUR_STYLE,
                OfxImageEffectPropColourManagementAvailableConfigs=(CONFIG,),
            )
