"""OfxImageEffectSuiteV1 (ofxImageEffect.h)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wetgate.surfaces.ofxhost import abi
from wetgate.surfaces.ofxhost.abi import D, P, S, Z, write
from wetgate.surfaces.ofxhost.clips import frame_of, give_image, region_of_definition
from wetgate.surfaces.ofxhost.effects import ClipDescriptor, ClipInstance, Descriptor, Effect, ImageHandle, Instance
from wetgate.surfaces.ofxhost.images import aligned
from wetgate.surfaces.ofxhost.properties import PropertySet, Refused
from wetgate.surfaces.ofxhost.suites import Entry, demand, text_of

if TYPE_CHECKING:
    from wetgate.surfaces.ofxhost.host import Host

# Actions during which a plug-in may fetch images (ofxImageEffect.h, clipGetImage).
_MAY_FETCH = {"OfxImageEffectActionRender", "OfxActionInstanceChanged", ""}


@dataclass(slots=True)
class ImageMemory:
    """Memory that a plug-in asked of the host: the block, its aligned address, and how often it is locked."""

    block: Any
    address: int
    locks: int = 0


def entries(host: Host) -> list[Entry]:
    """The 13 functions in ABI order."""

    def effect(handle: int | None) -> Effect:
        return host.handles.get(handle, Effect, host.action_name)

    def clip(handle: int | None) -> ClipInstance:
        return host.handles.get(handle, ClipInstance, host.action_name)

    def get_property_set(handle: int | None, out: int | None) -> None:
        write(P, demand(out), effect(handle).props.handle)

    def get_param_set(handle: int | None, out: int | None) -> None:
        write(P, demand(out), effect(handle).params_handle)

    def clip_define(handle: int | None, name: bytes | None, out: int | None) -> None:
        owner = effect(handle)
        if not isinstance(owner, Descriptor) or owner.context is None:
            host.violation("ofxImageEffect.h, clipDefine", "clipDefine was called outside DescribeInContext")
            raise Refused(abi.ERR_BAD_HANDLE)
        made = ClipDescriptor(text_of(name), host.profile, host.report)
        if made.name in owner.clips:
            host.violation("ofxImageEffect.h, clipDefine", f"clip {made.name} was defined twice")
            raise Refused(abi.ERR_EXISTS)
        made.props.handle = host.handles.new(made.props)
        owner.clips[made.name] = made
        if out:
            write(P, out, made.props.handle)

    def clip_get_handle(handle: int | None, name: bytes | None, out: int | None, props: int | None) -> None:
        owner = effect(handle)
        if not isinstance(owner, Instance):
            host.violation("ofxImageEffect.h, clipGetHandle", "clipGetHandle was called on a descriptor")
            raise Refused(abi.ERR_BAD_HANDLE)
        found = owner.clips.get(text_of(name))
        if found is None:
            raise Refused(abi.ERR_UNKNOWN)
        write(P, demand(out), found.handle)
        if props:
            write(P, props, found.props.handle)

    def clip_get_property_set(handle: int | None, out: int | None) -> None:
        write(P, demand(out), clip(handle).props.handle)

    def clip_get_image(handle: int | None, time: float, region: int | None, out: int | None) -> None:
        del region  # more than was asked for may be given
        address = demand(out)
        found = clip(handle)
        action = host.action
        if action is not None and action.name not in _MAY_FETCH:
            host.violation("ofxImageEffect.h, clipGetImage", "an image was fetched outside Render and InstanceChanged")
        image = give_image(host, found, time, action)
        write(P, address, image.props.handle)

    def clip_release_image(handle: int | None) -> None:
        props = host.handles.get(handle, PropertySet, host.action_name)
        image = host.open_images.pop(props.handle, None)
        if image is None:
            host.violation("ofxImageEffect.h, clipReleaseImage", "what was released is not an image that is held")
            raise Refused(abi.ERR_BAD_HANDLE)
        close(image)

    def close(image: ImageHandle) -> None:
        host.handles.drop(image.props.handle)
        if image.action is not None and image in image.action.images:
            image.action.images.remove(image)
        if not image.clip.is_output and image.buffer.checksum() != image.checksum:
            host.violation("ofxImageEffect.h, clipGetImage", f"pixels of the input clip {image.clip.name} were changed")

    def clip_rod(handle: int | None, time: float, out: int | None) -> None:
        address = demand(out)
        found = clip(handle)
        box = region_of_definition(found, frame_of(found, time))
        if box is None:
            raise Refused(abi.FAILED)
        for place, value in enumerate(box):
            write(D, address, float(value), place)

    def abort(handle: int | None) -> int:
        found = effect(handle)
        return int(isinstance(found, Instance) and found.abort())

    def memory_alloc(handle: int | None, size: int, out: int | None) -> None:
        if handle:
            effect(handle)
        made = ImageMemory(*aligned(size))
        made_handle = host.handles.new(made)
        host.image_memory[made_handle] = made
        write(P, demand(out), made_handle)

    def memory_free(handle: int | None) -> None:
        found = host.handles.get(handle, ImageMemory, host.action_name)
        if found.locks:
            host.violation("ofxImageEffect.h, imageMemoryFree", "image memory was freed while it was locked")
        host.image_memory.pop(handle or 0, None)
        host.handles.drop(handle or 0)

    def memory_lock(handle: int | None, out: int | None) -> None:
        found = host.handles.get(handle, ImageMemory, host.action_name)
        write(P, demand(out), found.address)
        found.locks += 1

    def memory_unlock(handle: int | None) -> None:
        found = host.handles.get(handle, ImageMemory, host.action_name)
        if not found.locks:
            host.violation("ofxImageEffect.h, imageMemoryUnlock", "image memory was unlocked and was not locked")
            raise Refused(abi.FAILED)
        found.locks -= 1

    return [
        (get_property_set, (P, P)),
        (get_param_set, (P, P)),
        (clip_define, (P, S, P)),
        (clip_get_handle, (P, S, P, P)),
        (clip_get_property_set, (P, P)),
        (clip_get_image, (P, D, P, P)),
        (clip_release_image, (P,)),
        (clip_rod, (P, D, P)),
        (abort, (P,)),
        (memory_alloc, (P, Z, P)),
        (memory_free, (P,)),
        (memory_lock, (P, P)),
        (memory_unlock, (P,)),
    ]
