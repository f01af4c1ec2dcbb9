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
from wetgate.surfaces.cli import arguments as arg
from wetgate.surfaces.cli.farm_commands import add_farm
from wetgate.surfaces.cli.host_commands import app as host_app
from wetgate.surfaces.cli.resolve_commands import app as resolve_app

app = typer.Typer(
    name="wetgate",
    help="Colour-managed film and video restoration.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _examples(*commands: str) -> str:
    """The end of a command's help: what one types. \\b keeps the lines as they are."""
    return "\n".join(["\b", "Examples:", *(f"  {command}" for command in commands)])


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


@app.command(
    epilog=_examples("wetgate nodes", "wetgate nodes hdr_lift", "wetgate nodes --json > nodes.json"),
)
def nodes(
    node: Annotated[str | None, typer.Argument(help="One node, with its parameters.")] = None,
    as_json: arg.Json = False,
) -> None:
    """List the nodes and their parameters."""
    from wetgate.surfaces.cli.listing import print_nodes

    print_nodes(node, as_json)


@app.command(
    epilog=_examples(
        "wetgate render shot.mov -o hdr.mov --graph hdr-lift --report hdr.html",
        "wetgate render sdr.####.exr -o hdr.####.exr -n hdr_lift:method=bt2446a,peak=1000 "
        "--in-space srgb_tx --out-space rec2100_pq_display",
        "wetgate render plate.%04d.exr -o copy/ --frames 1001-1100x2 --resume",
        "wetgate render cut.otio -o restored --graph archive.yaml --handles 8",
        "wetgate render plate.####.exr -o out/ --graph hdr-lift --engine dask --scheduler tcp://10.0.0.5:8786",
    )
)
def render(
    input: arg.Input,
    output: arg.Output,
    node: arg.Nodes = None,
    graph: arg.GraphFile = None,
    frames: arg.Frames = None,
    in_space: arg.InSpace = None,
    out_space: arg.OutSpace = None,
    config: arg.Config = None,
    analysis: Annotated[
        list[str] | None,
        typer.Option("--analysis", help="A document made by wetgate analyze."),
        arg.Place("file", "in"),
    ] = None,
    aov: Annotated[
        str | None,
        typer.Option("--aov", help="Folder for every view of every node, as EXR."),
        arg.Place("folder", "out"),
    ] = None,
    report: Annotated[
        str | None, typer.Option("--report", help="Write an HTML page about the render."), arg.Here()
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep the frames that this job finished before."), arg.Here()
    ] = False,
    on_missing: arg.OnMissing = "error",
    on_error: Annotated[
        str, typer.Option("--on-error", help="continue with other frames, or stop."), arg.Here()
    ] = "continue",
    fidelity: Annotated[
        str | None, typer.Option("--fidelity", help="forensic, faithful or pleasing, for every node.")
    ] = None,
    device: Annotated[
        str, typer.Option("--device", help="auto, cpu, cuda:N, tensorrt:N, directml:N or coreml.")
    ] = "auto",
    threads: Annotated[int, typer.Option("--threads", min=0, help="Processors to use; 0 is all.")] = 0,
    sign: Annotated[
        str | None,
        typer.Option("--sign", help="Ed25519 private key (PEM) that signs the record."),
        arg.Place("file", "none"),
    ] = None,
    depth: arg.Depth = None,
    compression: arg.Compression = None,
    codec: arg.Codec = None,
    quality: arg.Quality = None,
    pixel_format: arg.PixelFormat = None,
    rate: arg.Rate = None,
    overflow: Annotated[
        str, typer.Option("--overflow", help="What the depth cannot hold: clamp and count it, or error.")
    ] = "clamp",
    handles: Annotated[
        int, typer.Option("--handles", min=0, help="Timeline: frames more on each side of a clip."), arg.Here()
    ] = 0,
    media: Annotated[
        list[str] | None,
        typer.Option("--media", help="Timeline: folder with media that are not where it says; repeat."),
        arg.Here(),
    ] = None,
    dialect: Annotated[
        str,
        typer.Option("--dialect", help="Timeline: references as resolve reads them, or as otio has them."),
        arg.Here(),
    ] = "resolve",
    engine: Annotated[
        str, typer.Option("--engine", help="local, or dask: chunks on the workers of a cluster."), arg.Here()
    ] = "local",
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Dask: the scheduler's address, tcp://host:8786."), arg.Here()
    ] = None,
    chunk: Annotated[int, typer.Option("--chunk", min=1, help="Dask: frames a task."), arg.Here()] = 8,
    retries: Annotated[
        int, typer.Option("--retries", min=0, help="Dask: how often a frame that failed is tried again."), arg.Here()
    ] = 1,
    resources: Annotated[
        list[str] | None,
        typer.Option("--resources", help="Dask: what a worker must offer, GPU=1; repeat."),
        arg.Here(),
    ] = None,
    as_json: arg.Json = False,
) -> None:
    """Render frames, a movie, or every clip of a timeline through nodes."""
    from wetgate.surfaces.cli.rendering import run_render

    _end(run_render(arg.collect(locals())))


@app.command(
    epilog=_examples(
        "wetgate analyze sdr.####.exr -n hdr_lift --in-space srgb_tx -o shot.json",
        "wetgate analyze shot1.mov shot2.mov shot3.mov -n color_decay -o reel",
        "wetgate render sdr.####.exr -o hdr.####.exr -n hdr_lift --in-space srgb_tx --out-space ACEScg "
        "--analysis shot.json --frames 1001-1010",
    )
)
def analyze(
    input: Annotated[
        list[str], typer.Argument(help="The shot; or the shots of a reel, or their documents, to solve together.")
    ],
    output: Annotated[str, typer.Option("-o", "--output", help="The document, shot.json; of several, a folder.")],
    node: arg.Nodes = None,
    graph: arg.GraphFile = None,
    step: Annotated[str | None, typer.Option("--step", help="Which step of the graph.")] = None,
    frames: arg.Frames = None,
    in_space: arg.InSpace = None,
    config: arg.Config = None,
    on_missing: arg.OnMissing = "error",
    as_json: arg.Json = False,
) -> None:
    """Run a node's whole-shot pass and keep what it found."""
    from wetgate.surfaces.cli.rendering import run_analyze

    _end(run_analyze(arg.collect(locals())))


@app.command(
    epilog=_examples(
        "wetgate degrade clean.####.exr -o aged.####.exr -r archive-film --seed 7 --in-space ACEScg",
        "wetgate degrade clean.mov -o aged.mov -r grain:amount=0.5 -r dust --truth truth/",
        "wetgate degrade --list",
    )
)
def degrade(
    input: Annotated[str | None, typer.Argument(help="Image, sequence or movie.")] = None,
    output: Annotated[str | None, typer.Option("-o", "--output", help="Where the damaged frames go.")] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option("-r", "--recipe", help="model[:k=v,...], a shipped recipe, or a YAML file; repeat to chain."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same damage.")] = 0,
    frames: arg.Frames = None,
    in_space: arg.InSpace = None,
    config: arg.Config = None,
    depth: arg.Depth = None,
    compression: arg.Compression = None,
    codec: arg.Codec = None,
    quality: arg.Quality = None,
    rate: arg.Rate = None,
    truth: Annotated[str | None, typer.Option("--truth", help="Folder for the true masks, offsets and gains.")] = None,
    list_models: Annotated[bool, typer.Option("--list", help="List the models and recipes.")] = False,
    as_json: arg.Json = False,
) -> None:
    """Damage a shot with the models that training and tests use."""
    from wetgate.surfaces.cli.damaging import run_degrade

    _end(run_degrade(arg.collect(locals())))


@app.command(
    epilog=_examples(
        "wetgate measure clean.####.exr restored.####.exr --metrics psnr,ssim,de2000 --in-space ACEScg",
        "wetgate measure --metrics list",
    )
)
def measure(
    a: Annotated[str | None, typer.Argument(help="The reference: image, sequence or movie.")] = None,
    b: Annotated[str | None, typer.Argument(help="What is measured against it.")] = None,
    metrics: Annotated[str, typer.Option("--metrics", help="Comma-separated names, or 'list'.")] = "psnr,ssim",
    frames: arg.Frames = None,
    in_space: Annotated[str | None, typer.Option("--in-space", help="Space of A, and of B unless given.")] = None,
    in_space_b: Annotated[str | None, typer.Option("--in-space-b", help="Space of B.")] = None,
    config: arg.Config = None,
    as_json: arg.Json = False,
) -> None:
    """Compare two shots by numbers."""
    from wetgate.surfaces.cli.measuring import run_measure

    _end(run_measure(arg.collect(locals())))


@app.command(
    epilog=_examples(
        "wetgate lut hdr_lift:method=bt2446a --in-space srgb_tx --out-space rec2100_pq_display -o a.cube",
        "wetgate lut hdr_lift:method=bt2446c --in-space ACEScg --out-space rec2100_pq_display -o c.clf --size 65",
    )
)
def lut(
    node: Annotated[list[str], typer.Argument(help="node:param=v,... in order.")],
    output: Annotated[str, typer.Option("-o", "--output", help="x.clf or x.cube.")],
    in_space: Annotated[str, typer.Option("--in-space", help="Space that the LUT takes.")],
    out_space: Annotated[str, typer.Option("--out-space", help="Space that the LUT gives.")],
    size: Annotated[int, typer.Option("--size", min=2, max=129, help="Points along each axis.")] = 33,
    domain: Annotated[
        str | None, typer.Option("--domain", help="LOW,HIGH of the input; 0,1 for code values, 0,64 for linear light.")
    ] = None,
    config: arg.Config = None,
    as_json: arg.Json = False,
) -> None:
    """Bake a pointwise chain into a LUT and print its error."""
    from wetgate.surfaces.cli.baking import run_lut

    _end(run_lut(arg.collect(locals())))


@app.command(
    epilog=_examples("wetgate verify hdr.####.exr", "wetgate verify hdr.####.exr --source sdr.####.exr --json")
)
def verify(
    result: Annotated[str, typer.Argument(help="What wetgate rendered: the image or sequence.")],
    source: Annotated[str | None, typer.Option("--source", help="The original, to check against.")] = None,
    record: Annotated[
        str | None, typer.Option("--record", help="The record, where it is not beside the result.")
    ] = None,
    config: arg.Config = None,
    as_json: arg.Json = False,
) -> None:
    """Check a result's record, signature, pixels and bound."""
    from wetgate.surfaces.cli.measuring import run_verify

    _end(run_verify(arg.collect(locals())))


@app.command(epilog=_examples("wetgate demo -o demo-out --frames 24 --size 960x540"))
def demo(
    output: Annotated[str, typer.Option("-o", "--output", help="Folder for everything that it makes.")] = "demo-out",
    frames: Annotated[int, typer.Option("--frames", min=2, max=240, help="Length of the shot.")] = 24,
    size: Annotated[str, typer.Option("--size", help="Width x height.")] = "960x540",
    as_json: arg.Json = False,
) -> None:
    """Age a shot, restore it, and write EXR, HDR10, record and report."""
    from wetgate.surfaces.cli.showing import run_demo

    _end(run_demo(arg.collect(locals())))


models_app = typer.Typer(
    name="models",
    help="List, try and add the networks that nodes use.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(models_app)
ModelDevice = Annotated[str, typer.Option("--device", help="auto, cpu, cuda:N, tensorrt:N, directml:N, coreml.")]


@models_app.command("list")
def models_list(as_json: arg.Json = False) -> None:
    """Show the models that are here, what they run as, and how they did."""
    from wetgate.surfaces.cli.models import run_list

    _end(run_list(as_json))


@models_app.command("verify")
def models_verify(
    model: Annotated[list[str] | None, typer.Argument(help="Ids; all models where none is given.")] = None,
    device: ModelDevice = "cpu",
    precision: Annotated[str, typer.Option("--precision", help="auto, fp32, bf16, fp16 or int8.")] = "auto",
    as_json: arg.Json = False,
) -> None:
    """Compare hashes and run the trials: seams, colour, determinism, range, speed."""
    from wetgate.surfaces.cli.models import run_verify

    _end(run_verify(model or [], device, precision, as_json))


@models_app.command(
    "add",
    epilog=_examples(
        "wetgate models add mine.onnx --task denoise --map noise:3 --encoding vst --output residual",
        "wetgate models add 2x_own.safetensors --task upscale --licence CC0",
    ),
)
def models_add(
    file: Annotated[str, typer.Argument(help="An .onnx file, or weights that spandrel knows.")],
    task: Annotated[str, typer.Option("--task", help="The node that it is for: denoise, upscale, ...")],
    id: Annotated[str | None, typer.Option("--id", help="Its name from now on; the file's where left out.")] = None,
    tier: Annotated[str, typer.Option("--tier", help="A word for lists.")] = "own",
    licence: Annotated[str, typer.Option("--licence", help="For lists and records.")] = "not stated",
    encoding: Annotated[
        str, typer.Option("--encoding", help="code, signed_log or vst: what it was trained on.")
    ] = "code",
    range: Annotated[str, typer.Option("--range", help="LOW,HIGH of the encoded values that it knows.")] = "0,1",
    output: Annotated[str, typer.Option("--output", help="picture, or a residual that is added.")] = "picture",
    frames: Annotated[int, typer.Option("--frames", min=1, max=33, help="Pictures of its window, odd.")] = 1,
    map: Annotated[list[str] | None, typer.Option("--map", help="A conditioning map, NAME:CHANNELS; repeat.")] = None,
    multiple: Annotated[
        int | None, typer.Option("--multiple", min=1, help="Of sizes; tried out where left out.")
    ] = None,
    receptive_radius: Annotated[
        int | None, typer.Option("--receptive-radius", min=0, help="In pixels; measured where left out.")
    ] = None,
    tile: Annotated[int, typer.Option("--tile", min=16, max=8192, help="Side of the largest tile.")] = 512,
    hold: Annotated[float, typer.Option("--hold", min=0, max=1, help="How far tone and colour may move.")] = 0.02,
    device: ModelDevice = "cpu",
    force: Annotated[bool, typer.Option("--force", help="Add it even where it fails its trials.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="In place of the model of that id.")] = False,
    as_json: arg.Json = False,
) -> None:
    """Add a network of your own, after a conformance run."""
    from wetgate.surfaces.cli.models import run_add

    _end(run_add(arg.collect(locals())))


add_farm(app, render)

hosts_app = typer.Typer(
    name="hosts",
    help="Put the OFX bundle and Nuke's scripts where hosts look.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(hosts_app)
InstallFolder = Annotated[str | None, typer.Option("--to", help="Another folder than the one that every host scans.")]
OnlyParts = Annotated[list[str] | None, typer.Option("--only", help="bundle or nuke; repeat. Else all that is of use.")]
NukeFolder = Annotated[
    str | None, typer.Option("--nuke", help="Another folder for Nuke's scripts than ~/.nuke; NUKE_PATH is to name it.")
]
ClearCaches = Annotated[bool, typer.Option("--clear-caches", help="Clear the plug-in caches of hosts that are closed.")]


@hosts_app.command("list")
def hosts_list(as_json: arg.Json = False) -> None:
    """Show which hosts are here, where they look, and what is installed."""
    from wetgate.surfaces.cli.installing import run_list

    _end(run_list(as_json))


@hosts_app.command("install")
def hosts_install(
    to: InstallFolder = None,
    bundle: Annotated[str | None, typer.Option("--bundle", help="Another bundle than the one that came along.")] = None,
    only: OnlyParts = None,
    nuke: NukeFolder = None,
    ocio: Annotated[
        str | None, typer.Option("--ocio", help="OCIO config of new Nuke scripts, unless $OCIO is set.")
    ] = None,
    clear_caches: ClearCaches = False,
    as_json: arg.Json = False,
) -> None:
    """Copy the bundle and Nuke's scripts into place."""
    from wetgate.surfaces.cli.installing import run_install

    _end(run_install(arg.collect(locals())))


@hosts_app.command("uninstall")
def hosts_uninstall(
    to: InstallFolder = None,
    only: OnlyParts = None,
    nuke: NukeFolder = None,
    clear_caches: ClearCaches = False,
    as_json: arg.Json = False,
) -> None:
    """Remove the bundle, Nuke's scripts, the folders made for them, and the worker's logs."""
    from wetgate.surfaces.cli.installing import run_uninstall

    _end(run_uninstall(arg.collect(locals())))


@hosts_app.command("doctor")
def hosts_doctor(as_json: arg.Json = False) -> None:
    """Check the installation, and render a frame through the worker."""
    from wetgate.surfaces.cli.installing import run_doctor

    _end(run_doctor(as_json))


app.add_typer(host_app)
app.add_typer(resolve_app)


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)


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
