"""``nuke -t SCRIPT ...`` on the fake: starts as Nuke starts, then runs the script.

Run by ``python -I -S run.py SCRIPT ...``: nothing is on the path but the standard library, this folder's ``nuke`` and
what Nuke's start adds, so that a script which needs anything else fails as it would in Nuke.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.argv = sys.argv[1:]

import fake_start  # noqa: E402  (this folder's, by the line above)
import nuke  # noqa: E402

fake_start.start(os.environ["HOME"])
script = Path(sys.argv[0])
exec(compile(script.read_bytes(), str(script), "exec"), {"__name__": "__main__", "__file__": str(script), "nuke": nuke})
