"""The arguments of the commands that work on shots. What they do is imported when a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from wetgate.surfaces.cli import arguments as arg
from wetgate.surfaces.cli.declaring import end, examples

app = typer.Typer()


@app.command(
    epilog=examples("wetgate nodes", "wetgate nodes hdr_lift", "wetgate nodes --json > nodes.json"),
)
def nodes(
    node: Annotated[str | None, typer.Argument(help="One node, with its parameters.")] = None,
    as_json: arg.Json = False,
) -> None:
    """List the nodes and their parameters."""
    from wetgate.surfaces.cli.listing import print_nodes

    print_nodes(node, as_json)


@app.command(
    epilog=examples(
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
        typer.Option(
            "--analysis", help="A document made by wetgate analyze; for grain also a .grain.json or AV1's table (.tbl)."
        ),
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

    end(run_render(arg.collect(locals())))


@app.command(
    epilog=examples(
        "wetgate analyze sdr.####.exr -n hdr_lift --in-space srgb_tx -o shot.json",
        "wetgate analyze shot1.mov shot2.mov shot3.mov -n color_decay -o reel --report pages",
        "wetgate analyze scan.####.exr -n grain:match=true,gauge=mm16 -o grain.json --report grain.html",
        "wetgate analyze faded.####.exr -n color_decay --reference dvd.png --reference-space srgb_tx -o shot.json",
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
    reference: Annotated[
        str | None,
        typer.Option("--reference", help="A picture to compare with: for color_decay the same frame, unfaded."),
        arg.Place("file", "in"),
    ] = None,
    reference_space: Annotated[
        str | None, typer.Option("--reference-space", help="Its colour space, where its file does not say.")
    ] = None,
    report: Annotated[
        str | None,
        typer.Option("--report", help="Write an HTML page about what was found; of several shots, a folder of pages."),
        arg.Here(),
    ] = None,
    as_json: arg.Json = False,
) -> None:
    """Run a node's whole-shot pass and keep what it found."""
    from wetgate.surfaces.cli.rendering import run_analyze

    end(run_analyze(arg.collect(locals())))


@app.command(
    epilog=examples(
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

    end(run_degrade(arg.collect(locals())))


@app.command(
    epilog=examples(
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

    end(run_measure(arg.collect(locals())))


@app.command(
    epilog=examples(
        "wetgate psf kernel.png",
        'wetgate render in.exr -o out.exr -n "deblur:kind=custom,psf=$(wetgate psf kernel.exr)"',
    )
)
def psf(
    picture: Annotated[str, typer.Argument(help="Picture of a point after the blur; its values are taken as light.")],
) -> None:
    """Print the text of a point spread function, for deblur's psf, from its picture."""
    from wetgate.surfaces.cli.measuring import run_psf

    end(run_psf(arg.collect(locals())))


@app.command(
    epilog=examples(
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

    end(run_lut(arg.collect(locals())))


@app.command(epilog=examples("wetgate verify hdr.####.exr", "wetgate verify hdr.####.exr --source sdr.####.exr --json"))
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

    end(run_verify(arg.collect(locals())))


@app.command(epilog=examples("wetgate demo -o demo-out --frames 24 --size 960x540"))
def demo(
    output: Annotated[str, typer.Option("-o", "--output", help="Folder for everything that it makes.")] = "demo-out",
    frames: Annotated[int, typer.Option("--frames", min=2, max=240, help="Length of the shot.")] = 24,
    size: Annotated[str, typer.Option("--size", help="Width x height.")] = "960x540",
    as_json: arg.Json = False,
) -> None:
    """Age a shot, restore it, and write EXR, HDR10, record and report."""
    from wetgate.surfaces.cli.showing import run_demo

    end(run_demo(arg.collect(locals())))
