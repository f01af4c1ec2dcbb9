"""The arguments of ``wetgate resolve``. What they do is imported when a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from wetgate.surfaces.cli import arguments as arg
from wetgate.surfaces.cli.declaring import end, examples, group

app = group("resolve", "Restore timelines of DaVinci Resolve, and serve its Deliver page.")
Clips = Annotated[
    str, typer.Option("--clips", help="all, selected (Edit page), current (under the playhead), or marked.")
]
Color = Annotated[
    str | None, typer.Option("--marker-color", help="With --clips marked: clips with a marker of this colour.")
]
TimelineName = Annotated[str | None, typer.Option("--timeline", help="Its name; else the one that is open.")]
Handles = Annotated[int, typer.Option("--handles", min=0, help="Frames of the medium on either side of each use.")]
SpaceNames = Annotated[
    list[str] | None, typer.Option("--space", help="\"Resolve's name=OCIO's name\" of a colour space; repeat.")
]
ResultKind = Annotated[
    str, typer.Option("--result", help="take (kept beside the original), track (a new one above), or replace.")
]
Folder = Annotated[str, typer.Option("-o", "--output", help="Folder for the restored frames and their records.")]
AssumeSpeed = Annotated[
    bool, typer.Option("--assume-speed", help="Take clips whose speed Resolve does not tell for 100 %.")
]
Queue = Annotated[
    bool, typer.Option("--through-queue", help="Let Resolve's render queue write the plates first: for camera raw.")
]
Spool = Annotated[str | None, typer.Option("--spool", help="The folder that the Deliver scripts fill.")]
Limit = Annotated[float, typer.Option("--limit", min=1.0, help="Seconds that a call into Resolve may take.")]


@app.command()
def status(limit: Limit = 30.0, as_json: arg.Json = False) -> None:
    """Say whether Resolve can be reached, what is open in it, and why not."""
    from wetgate.surfaces.cli.resolving import run_status

    end(run_status(limit, as_json))


@app.command(
    epilog=examples("wetgate resolve timeline", "wetgate resolve timeline --clips selected --handles 12 --json")
)
def timeline(
    clips: Clips = "all",
    marker_color: Color = None,
    timeline: TimelineName = None,
    node: arg.Nodes = None,
    graph: arg.GraphFile = None,
    output: Folder = "restored",
    handles: Handles = 24,
    result: ResultKind = "take",
    space: SpaceNames = None,
    in_space: arg.InSpace = None,
    out_space: arg.OutSpace = None,
    config: arg.Config = None,
    assume_speed: AssumeSpeed = False,
    limit: Limit = 30.0,
    as_json: arg.Json = False,
) -> None:
    """List the clips of a timeline: what would be restored, and what would not and why."""
    from wetgate.surfaces.cli.resolving import run_timeline

    end(run_timeline(arg.collect(locals())))


@app.command(
    epilog=examples(
        "wetgate resolve restore -n grain:amount=0.5 -o /shows/x/restored --dry-run",
        "wetgate resolve restore --graph hdr-lift --clips selected --handles 12",
        "wetgate resolve restore --clips marked            (markers whose note says wetgate: PRESET)",
    )
)
def restore(
    output: Folder = "restored",
    node: arg.Nodes = None,
    graph: arg.GraphFile = None,
    clips: Clips = "all",
    marker_color: Color = None,
    timeline: TimelineName = None,
    handles: Handles = 24,
    result: ResultKind = "take",
    through_queue: Queue = False,
    render_preset: Annotated[
        str | None, typer.Option("--render-preset", help="With --through-queue: the render preset to start from.")
    ] = None,
    stall_limit: Annotated[
        float, typer.Option("--stall-limit", min=1.0, help="Seconds that a job of the queue may stand still.")
    ] = 300.0,
    space: SpaceNames = None,
    in_space: arg.InSpace = None,
    out_space: arg.OutSpace = None,
    config: arg.Config = None,
    fidelity: Annotated[
        str | None, typer.Option("--fidelity", help="forensic, faithful or pleasing, for every node.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option("--threads", min=0, help="Processors to use; 0 is all.")] = 0,
    sign: Annotated[
        str | None, typer.Option("--sign", help="Ed25519 private key (PEM) that signs the records.")
    ] = None,
    depth: Annotated[str, typer.Option("--depth", help="half or float.")] = "half",
    compression: Annotated[str, typer.Option("--compression", help="zip, zips, piz, none, ...")] = "zip",
    assume_speed: AssumeSpeed = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")] = False,
    save: Annotated[bool, typer.Option("--save/--no-save", help="Save the project at the end.")] = True,
    limit: Limit = 30.0,
    as_json: arg.Json = False,
) -> None:
    """Restore the clips of a timeline, and put the results back where they were."""
    from wetgate.surfaces.cli.resolving import run_restore

    end(run_restore(arg.collect(locals())))


@app.command(epilog=examples("wetgate resolve watch", "wetgate resolve watch --once --json        (for cron)"))
def watch(
    spool: Spool = None,
    once: Annotated[bool, typer.Option("--once", help="Do what waits, and end.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try the failed jobs again first.")] = False,
    config: arg.Config = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option("--threads", min=0, help="Processors to use; 0 is all.")] = 0,
    as_json: arg.Json = False,
) -> None:
    """Render what the Deliver page hands on, until it is stopped."""
    from wetgate.surfaces.cli.resolve_serving import run_watch

    end(run_watch(arg.collect(locals())))


@app.command(
    epilog=examples("wetgate resolve install --graph hdr-lift", "wetgate resolve install --graph x.yaml --wait 600")
)
def install(
    graph: Annotated[str, typer.Option("--graph", "-g", help="What the scripts restore with: preset or file.")] = "",
    output: Annotated[str, typer.Option("-o", "--output", help="Folder of results; else beside the media.")] = "",
    in_space: Annotated[
        str | None, typer.Option("--in-space", help="Colour space of what the Deliver page writes.")
    ] = None,
    out_space: Annotated[str | None, typer.Option("--out-space", help="Colour space of its results.")] = None,
    spool: Spool = None,
    call: Annotated[
        bool, typer.Option("--call", help="Start Wetgate for each finished job, in place of a watch.")
    ] = False,
    wait: Annotated[float, typer.Option("--wait", min=0.0, help="Seconds that the Deliver page waits for it.")] = 0.0,
    marker: Annotated[bool, typer.Option("--marker/--no-marker", help="Report a finished job by a marker.")] = True,
    window: Annotated[bool, typer.Option("--window/--no-window", help="Menu scripts answer in a window.")] = True,
    to: Annotated[str | None, typer.Option("--to", help="Another Scripts folder.")] = None,
    all_users: Annotated[bool, typer.Option("--all-users", help="Into the folder of every user.")] = False,
    as_json: arg.Json = False,
) -> None:
    """Copy the scripts into Resolve's menu and Deliver page."""
    from wetgate.surfaces.cli.resolve_serving import run_install

    end(run_install(arg.collect(locals())))


@app.command()
def uninstall(
    to: Annotated[str | None, typer.Option("--to", help="Another Scripts folder.")] = None, as_json: arg.Json = False
) -> None:
    """Remove the scripts, and all that was made for them."""
    from wetgate.surfaces.cli.resolve_serving import run_uninstall

    end(run_uninstall(to, as_json))
