"""A DaVinci Resolve made for tests: its scripting API with the behaviour that breaks naive scripts.

It lives in a JSON file, so that a process that uses it can be killed and another can go on. The standard library is all
it needs, save for rendering and for looking into files. Behaviour is as Resolve's README and published measurements of
19.1 to 21.1 have it; where those leave a question open, ``quirks`` in the state answers it either way.

``state`` keeps the file, ``objects`` is the API, ``queue`` the render queue, ``project`` builds what the tests use.
"""
