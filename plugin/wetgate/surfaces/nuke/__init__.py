"""Wetgate in Nuke: what the scripts in ``scripts`` know of the nodes, and where they lie.

``scripts`` is a folder for Nuke's plug-in path, copied there by ``wetgate hosts install``. Its files run in Nuke's own
Python (3.10 in Nuke 15, 3.11 in 16 and 17) and never import ``wetgate``: they read ``wetgate_nodes.json``, which is
generated from the registry, and start the command line as a process of its own.
"""
