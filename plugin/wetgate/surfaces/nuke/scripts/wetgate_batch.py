"""Restores a Read, or what a Write renders, without a window:

nuke -t wetgate_batch.py SCRIPT.nk -n NODE -o restored/plate.####.exr [-g PRESET|GRAPH.yaml] [--frames=1001-1100]

Write ``--frames=...`` with its equals sign: Nuke takes a lone number at the end for a frame range of its own.
Exit codes are those of ``wetgate render``.
"""

import sys

import wetgate_nuke.batch

sys.exit(wetgate_nuke.batch.main(sys.argv[1:]))
