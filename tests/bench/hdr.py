"""hdr_lift against an OCIO display transform on the same buffer, and against zscale and libplacebo on the same frames.

    PYTHONPATH=plugin:tests .venv/bin/python -m bench.hdr [--size 1920x1080] [--frames 12]

The peers of ffmpeg read and write raw frames, so that no codec is in the comparison; their start-up is measured by a
run of one frame and taken off. libplacebo needs Vulkan (on a machine without a GPU: Mesa's lavapipe) and is left out,
with a word, where there is none.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import numpy as np

from bench.timing import Timed, alternate, compare, scratch, state_machine
from wetgate.color.config import ColorConfig
from wetgate.engine.colour import Colour
from wetgate.engine.evaluate import Evaluator, Setting
from wetgate.engine.graph import parse_nodes
from wetgate.engine.pipeline import cores
from wetgate.spec import Context, Frame, Window

METHODS = ("bt2446a", "bt2446b", "bt2446c", "bt2408", "adaptive")


def _picture(width: int, height: int) -> np.ndarray:
    """SDR code values: smooth shapes and fine grain, some of it clipped, as footage has it."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    base = np.stack([x / width, y / height, np.hypot(x - width / 2, y - height / 2) / width], axis=2)
    return np.clip(base * 1.1 + random.normal(0, 0.02, base.shape), 0, 1).astype(np.float32)


def _nodes(width: int, height: int, runs: int) -> None:
    config = ColorConfig.load()
    frame = Frame(_picture(width, height), config.resolve("rec1886_rec709_display"))
    light = Colour(config, frame.space).to(frame, "wetgate:display")
    display = config.hop("ACEScg", "rec1886_rec709_display")  # matrix, curve and matrix: what a viewer applies
    acescg = Colour(config, frame.space).to(frame, "ACEScg").pixels
    context = Context(threads=cores(), source_space=frame.space)
    candidates = {"OCIO display transform": lambda: display.apply(acescg, threads=0)}
    for method in METHODS:
        step = parse_nodes([f"hdr_lift:method={method}"]).steps[0]
        candidates[f"hdr_lift {method}"] = lambda step=step: step.at(0).render(Window((light,)), context)
    timed = alternate(candidates, runs)
    print(f"\nnode alone, one frame of {width}x{height} in memory, {cores()} threads")
    peer = timed["OCIO display transform"]
    for result in timed.values():
        print(result.row("ms", 1000), f"  {result.median / peer.median:6.1f} times the display transform")


def _ffmpeg(source: Path, width: int, height: int, frames: int, chain: str) -> None:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-threads", str(cores()), "-f", "rawvideo"]
    if "libplacebo" in chain:
        command += ["-init_hw_device", "vulkan"]
    command += ["-pix_fmt", "gbrpf32le", "-s", f"{width}x{height}", "-i", str(source), "-frames:v", str(frames)]
    command += ["-vf", chain, "-f", "null", "-"]
    subprocess.run(command, check=True, capture_output=True)


def _peers(width: int, height: int, frames: int, runs: int) -> None:
    tags = "setparams=range=full:color_primaries=bt709:color_trc=bt709:colorspace=gbr"
    chains = {
        "zscale (linear gain, 203 nits)": f"{tags},"
        "zscale=tin=bt709:pin=bt709:min=gbr:t=smpte2084:p=bt2020:m=gbr:npl=203",
        "libplacebo (inverse tone mapping)": f"{tags},libplacebo=colorspace=gbr:color_primaries=bt2020"
        ":color_trc=smpte2084:tonemapping=bt.2446a:inverse_tonemapping=1:format=gbrpf32le",
    }
    picture = _picture(width, height)
    with scratch() as folder:
        source = folder / "frames.raw"
        planes = picture[..., [1, 2, 0]].transpose(2, 0, 1).tobytes()
        source.write_bytes(planes * frames)
        alive = {}
        for name, chain in chains.items():
            try:
                _ffmpeg(source, width, height, 1, chain)
            except (ImportError, subprocess.CalledProcessError) as error:
                said = getattr(error, "stderr", b"") or str(error).encode()
                print(f"left out: {name}: {said.decode(errors='replace').strip().splitlines()[-1][:160]}")
                continue
            alive[name] = chain
        candidates: dict[str, object] = {}
        for name, chain in alive.items():
            candidates[name] = lambda chain=chain: _ffmpeg(source, width, height, frames, chain)
            candidates[f"{name}, start"] = lambda chain=chain: _ffmpeg(source, width, height, 1, chain)

        graph, config = parse_nodes(["hdr_lift:method=bt2446a"]), ColorConfig.load()
        colour = Colour(config, config.resolve("rec1886_rec709_display"))

        def ours() -> None:
            pixels = np.frombuffer(planes, np.float32).reshape(3, height, width)
            for _ in range(frames):
                frame = Frame(np.ascontiguousarray(pixels[[2, 0, 1]].transpose(1, 2, 0)), colour.source_space)
                store = {0: frame}
                setting = Setting(threads=cores())
                Evaluator(graph, colour, (0,), store.__getitem__, setting, "rec2100_pq_display").frame(0)

        candidates["wetgate bt2446a, hops included"] = ours
        timed = alternate(candidates, runs)
    print(f"\n{frames} frames of {width}x{height}, float, BT.709 to PQ Rec.2020")
    own = timed["wetgate bt2446a, hops included"]
    print(own.row(), f"  {own.median / frames * 1000:7.1f} ms a frame")
    for name in alive:
        start = timed[f"{name}, start"].median
        net = Timed(name, tuple((s - start) * frames / max(frames - 1, 1) for s in timed[name].seconds))
        print(net.row(), f"  {net.median / frames * 1000:7.1f} ms a frame")
        print(compare(own, net))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    state_machine()
    _nodes(width, height, args.runs)
    _peers(width, height, args.frames, args.runs)


if __name__ == "__main__":
    main()
