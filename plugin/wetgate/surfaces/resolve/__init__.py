"""DaVinci Resolve: what its scripting API offers, typed and made safe, and the restoring of a timeline through it.

``calls`` is the one way into Resolve, ``app``, ``pool`` and ``timeline`` are its objects. ``walk`` reads what lies on a
timeline, ``plan`` turns it into jobs, ``restore`` renders them and puts the results back by ``take``, ``track`` or
``replace``. ``spool`` and ``watch`` serve the Deliver page, ``scripts`` run inside Resolve.
"""
