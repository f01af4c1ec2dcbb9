#!/usr/bin/env python3
"""Writes the files that are derived from the declared nodes, or with ``--check`` says which are out of date.

python3 install/generate.py             JSON schemas, the pages of the nodes, the OFX bundle's table, Nuke's catalogue
python3 install/generate.py --check     changes nothing; ends with 1 where something is stale
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "python3 install/generate.py"
# Folders in which every file with that ending is generated, so that one too many is stale as well.
OWNED = (("plugin/docs/nodes", "*.md"),)


def outputs() -> dict[Path, str]:
    """Every generated file: its path in the checkout and what it must hold."""
    import node_pages
    import schemas
    import wetgate.nodes  # noqa: F401  (declares the shipped nodes)
    from wetgate.spec import registry
    from wetgate.surfaces import ofx_schema
    from wetgate.surfaces.nuke import catalogue

    nodes = registry.nodes()
    files = {Path("plugin/wetgate/schemas") / name: text for name, text in schemas.files(nodes, COMMAND).items()}
    files |= {Path("plugin/docs/nodes") / name: text for name, text in node_pages.files(nodes, COMMAND).items()}
    bundle = {"$comment": f"Generated from the declared nodes; do not edit. Made by: {COMMAND}"}
    text = json.dumps(bundle | ofx_schema.document(nodes), indent=1, ensure_ascii=False) + "\n"
    files[Path("ofx_bridge/generated/nodes.json")] = text
    text = json.dumps(bundle | catalogue.document(nodes), indent=1, ensure_ascii=False) + "\n"
    files[Path(catalogue.FILE)] = text
    return files


def stale(root: Path, wanted: Mapping[Path, str]) -> list[str]:
    """What is not as it must be under ``root``: "PATH is missing", "PATH is out of date", "PATH is of no node"."""
    found = []
    for path, text in wanted.items():
        file = root / path
        if not file.is_file():
            found.append(f"{path.as_posix()} is missing")
        elif file.read_text(encoding="utf-8") != text:
            found.append(f"{path.as_posix()} is out of date")
    return found + [f"{path.as_posix()} is of no node" for path in _left_over(root, wanted)]


def write(root: Path, wanted: Mapping[Path, str]) -> list[str]:
    """Make the files as they must be; what was done, a line a file."""
    done = stale(root, wanted)
    for path, text in wanted.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8", newline="\n")
    for path in _left_over(root, wanted):
        (root / path).unlink()
    return done


def _left_over(root: Path, wanted: Mapping[Path, str]) -> list[Path]:
    found = [file.relative_to(root) for folder, ending in OWNED for file in sorted((root / folder).glob(ending))]
    return [path for path in found if path not in wanted]


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes the files that are derived from the declared nodes.")
    parser.add_argument("--check", action="store_true", help="only say what is out of date")
    check = parser.parse_args().check
    sys.path.insert(0, str(ROOT / "plugin"))
    try:
        wanted = outputs()
    except ModuleNotFoundError as error:
        return _in_environment(error)
    for line in stale(ROOT, wanted) if check else write(ROOT, wanted):
        print(line if check else f"{line}: written")
    if not check:
        return 0
    fresh = not stale(ROOT, wanted)
    print("generated files are up to date" if fresh else f"make them anew with: {COMMAND}")
    return 0 if fresh else 1


def _in_environment(error: ModuleNotFoundError) -> int:
    """Go on in the checkout's environment, which has what the nodes need."""
    import environment

    if Path(sys.prefix) == environment.FOLDER or not environment.PYTHON.exists():
        print(f"{error}; run python3 install/bootstrap.py setup", file=sys.stderr)
        return 2
    return environment.call([environment.PYTHON, *sys.argv])


if __name__ == "__main__":
    sys.exit(main())
