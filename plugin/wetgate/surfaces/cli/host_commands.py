"""``wetgate host``: an OFX host on the command line, to try plug-ins in."""

from __future__ import annotations

from typing import Annotated

import typer

from wetgate.spec import UsageError
from wetgate.surfaces.cli import arguments as arg

app = typer.Typer(
    name="host",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
HostProfile = Annotated[str, typer.Option("--profile", help="Behave as strict, resolve, nuke, melt or natron.")]


@app.callback(invoke_without_command=True)
def host(
    context: typer.Context,
    place: Annotated[
        str | None,
        typer.Option("--list", metavar="DIR", help="List the plug-ins of a folder, a bundle or an .ofx file."),
    ] = None,
    profile: HostProfile = "strict",
    as_json: arg.Json = False,
) -> None:
    """Run OFX plug-ins, ours or others', without a host application."""
    if context.invoked_subcommand is not None:
        if place is not None or profile != "strict" or as_json:
            raise UsageError(
                "options before the command belong to --list",
                where=f"wetgate host ... {context.invoked_subcommand}",
                remedy=f"put them after {context.invoked_subcommand}",
            )
        return
    if place is None:
        print(context.get_help())
        raise typer.Exit(2)
    _list(place, profile, as_json)


@app.command("list", hidden=True)
def host_list(place: str, profile: HostProfile = "strict", as_json: arg.Json = False) -> None:
    """The same as --list."""
    _list(place, profile, as_json)


def _list(place: str, profile: str, as_json: bool) -> None:
    from wetgate.surfaces.cli.hosting import run_host_list

    if code := run_host_list(place, profile, as_json):
        raise typer.Exit(code)


@app.command("run")
def host_run(
    bundle: Annotated[str, typer.Argument(help="A bundle, or an .ofx file.")],
    plugin: Annotated[str, typer.Argument(help="Identifier, or what follows its last point.")],
    input: arg.Input,
    output: arg.Output,
    param: Annotated[list[str] | None, typer.Option("-p", "--param", help="name=value; repeat.")] = None,
    clip: Annotated[list[str] | None, typer.Option("--clip", help="Another input, Mask=mask.####.exr.")] = None,
    profile: HostProfile = "strict",
    context: Annotated[
        str | None, typer.Option("--context", help="filter, general, generator or transition; else the host's choice.")
    ] = None,
    frames: arg.Frames = None,
    in_space: arg.InSpace = None,
    out_space: arg.OutSpace = None,
    depth: arg.Depth = None,
    as_json: arg.Json = False,
) -> None:
    """Render files through a plug-in and report what it does against the specification."""
    from wetgate.surfaces.cli.hosting import run_host_run

    if code := run_host_run(arg.collect(locals())):
        raise typer.Exit(code)
