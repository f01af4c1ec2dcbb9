"""The scripts that run inside Resolve. Each is put together from its own file and ``bridge.py`` when it is installed:
one file of the standard library's Python 3.6, which imports nothing of Wetgate."""
