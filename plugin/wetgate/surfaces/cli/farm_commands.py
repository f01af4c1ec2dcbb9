"""``wetgate submit``, and ``wetgate farm``: what the tasks of a farm call. Both take the arguments of ``render``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from wetgate.surfaces.cli import arguments as arg
from wetgate.surfaces.cli.declaring import end, examples, group
from wetgate.surfaces.cli.derived import Command, settings, takes_arguments_of

Session = Annotated[
    str | None, typer.Option("--session", help="The folder that wetgate farm start was given: its worker is used.")
]
PathMapping = Annotated[
    str | None, typer.Option("--path-mapping", help="Open Job Description path mapping rules (JSON file).")
]
Within = Annotated[
    str | None, typer.Option("--within", help="FIRST-LAST: only those of --frames that are between them.")
]
Lines = Annotated[str, typer.Option("--lines", help="Progress for openjd, deadline or plain.")]


def add_farm(app: typer.Typer, render: Command) -> None:
    """Put the commands into the program; ``render`` is the command whose arguments they share."""
    farm_app = group("farm", "What the tasks of a farm job call, and what a farm's machines install.")

    @app.command(
        epilog=examples(
            "wetgate submit plate.####.exr -o out/plate.####.exr -n grain --to openjd --write job --run",
            "wetgate submit plate.####.exr -o out/ --graph hdr-lift --frames 1001-1100 --to deadline --write job",
        )
    )
    @takes_arguments_of(render)
    def submit(
        to: Annotated[str, typer.Option("--to", help="openjd, deadline-cloud, deadline or opencue.")],
        write: Annotated[str, typer.Option("--write", help="Folder for the job's files.")],
        run: Annotated[bool, typer.Option("--run", help="Run it here, with openjd run.")] = False,
        chunk: Annotated[int, typer.Option("--chunk", min=1, help="Frames a task.")] = 10,
        name: Annotated[str | None, typer.Option("--name", help="The job's name; else the source's.")] = None,
        priority: Annotated[int, typer.Option("--priority", min=0, max=100, help="0 to 100.")] = 50,
        program: Annotated[
            str | None, typer.Option("--program", help="How the farm's machines start wetgate; else wetgate.")
        ] = None,
        map: Annotated[
            list[str] | None,
            typer.Option("--map", help="FROM=TO: where a path of this machine is on the farm's; repeat."),
        ] = None,
        explicit_chunks: Annotated[
            bool, typer.Option("--explicit-chunks", help="For managers without OpenJD's TASK_CHUNKING.")
        ] = False,
        show: Annotated[str, typer.Option("--show", help="OpenCue: the show.")] = "testing",
        shot: Annotated[str | None, typer.Option("--shot", help="OpenCue: the shot; else the job's name.")] = None,
        as_json: arg.Json = False,
        **job: Any,
    ) -> None:
        """Write a farm job that renders in chunks, or run it here."""
        from wetgate.surfaces.farm.submit import run_submit

        own = {
            "to": to,
            "write": write,
            "run": run,
            "chunk": chunk,
            "name": name,
            "priority": priority,
            "program": program,
            "map": map,
            "explicit_chunks": explicit_chunks,
            "show": show,
            "shot": shot,
            "as_json": as_json,
        }
        end(run_submit(arg.collect(job), arg.collect(own), settings(render, job)))

    def task(name: str, text: str) -> None:
        @farm_app.command(name, help=text)
        @takes_arguments_of(render)
        def command(
            session: Session = None,
            path_mapping: PathMapping = None,
            lines: Lines = "plain",
            within: Within = None,
            **job: Any,
        ) -> None:
            from wetgate.surfaces.farm.tasks import run_task

            given = {key: _unless_empty(key, value, render) for key, value in job.items()}
            end(run_task(name, {**given, "within": within}, session, path_mapping, lines))

    task("analyze", "Run the whole-shot passes, and leave their documents beside the output.")
    task("chunk", "Render some frames of a job; the record is left to verify.")
    task("verify", "Check every frame of a job on the disk, and write the record.")

    @farm_app.command("start")
    def start(
        session: Annotated[str, typer.Option("--session", help="The session's folder.")],
        program: Annotated[str, typer.Option("--program", help="How wetgate is started.")] = "wetgate",
        idle: Annotated[float, typer.Option("--idle", min=1, help="Seconds without work after which it ends.")] = 900,
    ) -> None:
        """Start the worker of a session: libraries and models are loaded once for all of its tasks."""
        from wetgate.surfaces.farm.warm import start_worker

        start_worker(session, program, idle)

    @farm_app.command("stop")
    def stop(session: Annotated[str, typer.Option("--session", help="The session's folder.")]) -> None:
        """End the worker of a session."""
        from wetgate.surfaces.farm.warm import stop_worker

        stop_worker(session)

    @farm_app.command(
        "wheels",
        epilog=examples(
            "pip download 'wetgate[cpu,farm]' -d wheels",
            "wetgate farm wheels wheels",
            "pip install --no-index --find-links wheels --require-hashes -r wheels/requirements.txt",
        ),
    )
    def wheels(
        folder: Annotated[str, typer.Argument(help="A folder of wheels, as pip download leaves it.")],
        as_json: arg.Json = False,
    ) -> None:
        """Write the list by which machines without a network install these wheels and no others."""
        from wetgate.surfaces.farm.wheels import write_list

        path, found = write_list(Path(folder))
        if as_json:
            print(json.dumps({"list": str(path), "wheels": [asdict(wheel) for wheel in found]}))
        else:
            print(f"{len(found)} wheels in {path}")

    @farm_app.command("serve", hidden=True)
    def serve(
        session: Annotated[str, typer.Option("--session")],
        owner: Annotated[int, typer.Option("--owner")],
        idle: Annotated[float, typer.Option("--idle")] = 900,
    ) -> None:
        """The worker itself."""
        from wetgate.surfaces.farm.warm import serve_session

        end(serve_session(session, owner, idle))

    app.add_typer(farm_app)


def _unless_empty(name: str, value: Any, render: Command) -> Any:
    """Templates pass every parameter: an empty one was not given, and the command's default holds."""
    if value in ("", [""]):
        return next(s.default for s in settings(render, {name: value}))
    return value
