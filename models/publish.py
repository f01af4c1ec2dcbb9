"""Put exported files beside the manifest and their hashes into it: ``python -m models.publish FILE...``.

The manifest's other fields are written by hand; this changes the ``sha256`` lines of the files given, and refuses a
file that the manifest does not name or that is larger than a shipped file may be.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LARGEST_BYTES = 10_000_000


def main() -> None:
    manifest = FOLDER / "manifest.toml"
    text = manifest.read_text(encoding="utf-8")
    for name in sys.argv[1:]:
        file = Path(name)
        if file.stat().st_size > LARGEST_BYTES:
            raise SystemExit(f"{file} has {file.stat().st_size} bytes, more than {LARGEST_BYTES}")
        line = re.compile(rf'(file = "{re.escape(file.name)}"\nsha256 = ")[0-9a-f]*(")')
        if not line.search(text):
            raise SystemExit(f"the manifest names no {file.name}")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        text = line.sub(rf"\g<1>{digest}\g<2>", text)
        if file.resolve().parent != FOLDER:
            shutil.copyfile(file, FOLDER / file.name)
        print(f"{file.name} {digest}")
    manifest.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
