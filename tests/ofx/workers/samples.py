"""The nodes that exist for tests alone, in a worker or (with ``table``) as the table that a bundle compiles in.

``python samples.py PLUGIN_FOLDER TESTS_FOLDER [table]``
"""

from __future__ import annotations

import json
import sys

sys.path[:0] = sys.argv[1:3]

if __name__ == "__main__":
    import wetgate.nodes  # noqa: F401
    from support.engine_nodes import declared
    from wetgate.spec import registry
    from wetgate.surfaces import ofx_schema

    with declared():
        if sys.argv[3:] == ["table"]:
            print(json.dumps(ofx_schema.document(registry.nodes())))
        else:
            from wetgate.surfaces.worker.__main__ import main

            sys.exit(main())
