"""The command ``wetgate``: arguments in, one line of error or a result out, and the exit codes that scripts rely on.

0 done; 2 usage or bad input; 3 some frames failed, the rest are written; 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated, Any

import typer

from wetgate import __version__
from wetgate.surfaces.cli.farm_commands import add_farm
from wetgate.surfaces.cli.host_commands import host_app, hosts_app
from wetgate.surfaces.cli.model_commands import app as models_app
from wetgate.surfaces.cli.resolve_commands import app as resolve_app
from wetgate.surfaces.cli.shot_commands import app as shots_app
from wetgate.surfaces.cli.shot_commands import render

app = typer.Typer(
    name="wetgate",
    help="Colour-managed film and video restoration.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"wetgate {__version__}")
        raise typer.Exit()


@app.callback()
def wetgate(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and end.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Colour-managed film and video restoration."""


app.add_typer(shots_app)
app.add_typer(models_app)
add_farm(app, render)
app.add_typer(hosts_app)
app.add_typer(host_app)
app.add_typer(resolve_app)


def main(arguments: list[str] | None = None) -> None:
    """The entry point: every error of ours is one clear message on stderr and an exit code."""
    from wetgate.spec.errors import WetgateError

    given = sys.argv[1:] if arguments is None else arguments
    _open_closed_streams()
    try:
        app(args=given, prog_name="wetgate", standalone_mode=True)
    except WetgateError as error:
        _report(error, "--json" in given)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("wetgate: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


def _open_closed_streams() -> None:
    """A service or a farm may start us without stdout or stderr: Python has None there, and nothing must fail by it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123  (open to the end)


def _report(error: Any, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"event": "error", "error": error.message(), "exit_code": error.exit_code}), flush=True)
    for line in error.message().splitlines():
        print(f"wetgate: {line}", file=sys.stderr)


if __name__ == "__main__":
    main()
