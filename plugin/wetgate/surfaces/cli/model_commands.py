"""The arguments of ``wetgate models``."""

from __future__ import annotations

from typing import Annotated

import typer

from wetgate.surfaces.cli import arguments as arg
from wetgate.surfaces.cli.declaring import end, examples, group

app = group("models", "List, try and add the networks that nodes use.")
ModelDevice = Annotated[str, typer.Option("--device", help="auto, cpu, cuda:N, tensorrt:N, directml:N, coreml.")]


@app.command("list")
def models_list(as_json: arg.Json = False) -> None:
    """Show the models that are here, what they run as, and how they did."""
    from wetgate.surfaces.cli.models import run_list

    end(run_list(as_json))


@app.command("verify")
def models_verify(
    model: Annotated[list[str] | None, typer.Argument(help="Ids; all models where none is given.")] = None,
    device: ModelDevice = "cpu",
    precision: Annotated[str, typer.Option("--precision", help="auto, fp32, bf16, fp16 or int8.")] = "auto",
    as_json: arg.Json = False,
) -> None:
    """Compare hashes and run the trials: seams, colour, determinism, range, speed."""
    from wetgate.surfaces.cli.models import run_verify

    end(run_verify(model or [], device, precision, as_json))


@app.command(
    "add",
    epilog=examples(
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

    end(run_add(arg.collect(locals())))
