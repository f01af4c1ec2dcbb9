"""V-BM3D as VapourSynth's plug-in has it, for a Python that has both (PyPI ``vapoursynth`` and ``vapoursynth-bm3d``).

    PYTHON vbm3d.py NOISY.npy CLEANED.npy SIGMA

NOISY holds frames (N, H, W, 3), float32, R'G'B' 0 to 1 and beyond; SIGMA is the deviation of the noise in 255ths. Both
steps, three frames on either side, the plug-in's defaults otherwise, in its opponent colours. It imports nothing of
Wetgate: the plug-in asks for another Python than the project's may be.
"""

import sys

import numpy as np
import vapoursynth as vs

RADIUS, OPPONENT = 3, 100


def main() -> None:
    frames, sigma = np.load(sys.argv[1]), float(sys.argv[3])
    count, height, width = frames.shape[:3]
    core = vs.core
    core.num_threads = 1
    blank = core.std.BlankClip(format=vs.RGBS, width=width, height=height, length=count)

    def fill(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        made = f.copy()
        for plane in range(3):
            np.copyto(np.asarray(made[plane]), frames[n, ..., plane])
        return made

    given = core.bm3d.RGB2OPP(core.std.ModifyFrame(blank, blank, fill), sample=1)
    told = {"sigma": [sigma] * 3, "radius": RADIUS, "matrix": OPPONENT}
    basic = core.bm3d.VAggregate(core.bm3d.VBasic(given, **told), RADIUS, sample=1)
    final = core.bm3d.VAggregate(core.bm3d.VFinal(given, basic, **told), RADIUS, sample=1)
    done = core.bm3d.OPP2RGB(final, sample=1)
    made = np.empty_like(frames)
    for n in range(count):
        with done.get_frame(n) as frame:
            for plane in range(3):
                made[n, ..., plane] = np.asarray(frame[plane])
    np.save(sys.argv[2], made)


if __name__ == "__main__":
    main()
