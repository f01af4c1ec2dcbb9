"""The arguments of ``wetgate hosts`` and ``wetgate host``."""

from __future__ import annotations

from typing import Annotated

import typer

from wetgate.spec import UsageError
from wetgate.surfaces.cli import arguments as arg
from wetgate.surfaces.cli.declaring import end, group

hosts_app = group("hosts", "Put the OFX bundle and scripts for Nuke and Resolve where they look.")
InstallFolder = Annotated[str | None, typer.Option("--to", help="Another folder than the one that every host scans.")]
OnlyParts = Annotated[
    list[str] | None, typer.Option("--only", help="bundle, nuke or resolve; repeat. Else all that is of use.")
]
NukeFolder = Annotated[
    str | None, typer.Option("--nuke", help="Another folder for Nuke's scripts than ~/.nuke; NUKE_PATH is to name it.")
]
ResolveFolder = Annotated[
    str | None, typer.Option("--resolve", help="Another folder for Resolve's scripts than this user's Fusion/Scripts.")
]
ClearCaches = Annotated[bool, typer.Option("--clear-caches", help="Clear the plug-in caches of hosts that are closed.")]


@hosts_app.command("list")
def hosts_list(as_json: arg.Json = False) -> None:
    """Show which hosts are here, where they look, and what is installed."""
    from wetgate.surfaces.cli.installing import run_list

    end(run_list(as_json))


@hosts_app.command("install")
def hosts_install(
    to: InstallFolder = None,
    bundle: Annotated[str | None, typer.Option("--bundle", help="Another bundle than the one that came along.")] = None,
    only: OnlyParts = None,
    nuke: NukeFolder = None,
    resolve: ResolveFolder = None,
    ocio: Annotated[
        str | None, typer.Option("--ocio", help="OCIO config of new Nuke scripts, unless $OCIO is set.")
    ] = None,
    clear_caches: ClearCaches = False,
    as_json: arg.Json = False,
) -> None:
    """Copy the bundle, and the scripts of the hosts that are here, into place."""
    from wetgate.surfaces.cli.installing import run_install

    end(run_install(arg.collect(locals())))


@hosts_app.command("uninstall")
def hosts_uninstall(
    to: InstallFolder = None,
    only: OnlyParts = None,
    nuke: NukeFolder = None,
    resolve: ResolveFolder = None,
    clear_caches: ClearCaches = False,
    as_json: arg.Json = False,
) -> None:
    """Remove the bundle, the hosts' scripts, the folders made for them, and the logs."""
    from wetgate.surfaces.cli.installing import run_uninstall

    end(run_uninstall(arg.collect(locals())))


@hosts_app.command("doctor")
def hosts_doctor(as_json: arg.Json = False) -> None:
    """Check the installation, and render a frame through the worker."""
    from wetgate.surfaces.cli.installing import run_doctor

    end(run_doctor(as_json))


host_app = group("host", "Run OFX plug-ins, ours or others', without a host application.")
HostProfile = Annotated[str, typer.Option("--profile", help="Behave as strict, resolve, nuke, melt or natron.")]


@host_app.callback(invoke_without_command=True)
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
        end(2)
    else:
        _list(place, profile, as_json)


@host_app.command("list", hidden=True)
def host_list(place: str, profile: HostProfile = "strict", as_json: arg.Json = False) -> None:
    """The same as --list."""
    _list(place, profile, as_json)


def _list(place: str, profile: str, as_json: bool) -> None:
    from wetgate.surfaces.cli.hosting import run_host_list

    end(run_host_list(place, profile, as_json))


@host_app.command("run")
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

    end(run_host_run(arg.collect(locals())))
