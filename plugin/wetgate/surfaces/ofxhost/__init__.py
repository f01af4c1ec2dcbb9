"""An OFX host in Python: loads image-effect plug-ins, renders frames through them, and checks them against the spec.

::

    from wetgate.surfaces.ofxhost import ClipMedia, Host, Plugin, find_binaries, render_frame

    host = Host("strict")                      # or resolve, nuke, melt, natron: hosts that it imitates
    plugin = Plugin(host, host.open(next(find_binaries("X.ofx.bundle"))), "org.example.x")
    plugin.load()
    clip = ClipMedia(fetch=lambda number: pixels, first=1, last=1, width=64, height=48, channels=4)
    instance = plugin.create({"Source": clip}, {"gain": 2})
    picture = render_frame(plugin, instance, 1.0).pixels
    plugin.destroy(instance)
    plugin.unload()
    print("\\n".join(host.report.lines()))

Filter and General contexts, all CPU depths and components, the property, image-effect, parameter, memory,
multi-thread, message, progress and timeline suites. Not there: interacts, OpenGL and GPU rendering, the parametric,
draw and dialog suites, and ``Bytes`` parameters; a plug-in finds them absent, as in any host that lacks them.
"""

from wetgate.surfaces.ofxhost.bundles import Binary, find_binaries
from wetgate.surfaces.ofxhost.effects import ClipMedia, Instance
from wetgate.surfaces.ofxhost.host import Host
from wetgate.surfaces.ofxhost.plugin import Plugin, saved_values
from wetgate.surfaces.ofxhost.profiles import PROFILES, Profile, profile
from wetgate.surfaces.ofxhost.rendering import Rendered, render_frame
from wetgate.surfaces.ofxhost.violations import Report, Violation

__all__ = [
    "PROFILES",
    "Binary",
    "ClipMedia",
    "Host",
    "Instance",
    "Plugin",
    "Profile",
    "Rendered",
    "Report",
    "Violation",
    "find_binaries",
    "profile",
    "render_frame",
    "saved_values",
]
