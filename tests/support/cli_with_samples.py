"""The command line with the sample nodes declared, for tests that need a child process: ``python -m``."""

from support.engine_nodes import declared
from wetgate.surfaces.cli.main import main

if __name__ == "__main__":
    with declared():
        main()
