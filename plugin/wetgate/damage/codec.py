"""Real video encodes: MPEG-2, MPEG-4, H.264 and DV, at a chosen quantiser or bit rate."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from wetgate.damage.coder import Coding, Decoded, transcode
from wetgate.damage.model import Damaged, damage
from wetgate.damage.planes import MATRIX_LABELS, PlaneFormat, Planes
from wetgate.ops.random import Stream
from wetgate.ops.resize import resize
from wetgate.spec import Frame, Image, UsageError, param

_NEVER = 600  # longest group FFmpeg's MPEG encoders make of themselves; intra frames are forced where they are due
# Chroma grids of the profiles that FFmpeg's encoders write.
_GRIDS = {"mpeg2": ("420", "422"), "mpeg4": ("420",), "h264": ("420", "422", "444")}


@damage(id="codec", label="Video codec", space="video", version=2, sequence=True)
class Codec:
    """A real encode and decode of the run by FFmpeg's own MPEG-2, MPEG-4 part 2 or H.264 (libx264) encoder, 8 bits.

    With ``bitrate`` 0 the quantiser is constant: the quantiser scale 1..31 of MPEG-2 and MPEG-4, the QP 0..51 of
    H.264 (intra frames 3 finer, B frames 2 coarser: x264's ipratio and pbratio), or H.264's constant rate factor
    where ``mode`` says so. Intra frames lie at frame numbers divisible by ``gop``. R'G'B' becomes limited-range
    Y'CbCr by ``matrix``, ``chroma`` its grid; what 8 bits cannot hold is clipped, as the codec would. ``scale`` below
    1 codes at that share of the size and enlarges again, so that blocks come out 1 / scale times as large. Frames
    depend on the run they are in. One thread and no macroblock tree, hence reproducible for one build of PyAV.
    Truth: ``kind`` (I, P, B), ``bytes``, ``quantiser`` (rows, columns) of each 16 x 16 block (None where the decoder
    does not say), ``grid``, the block size in px of this frame.
    """

    codec: str = param(
        "mpeg2",
        choices={"mpeg2": "MPEG-2", "mpeg4": "MPEG-4 part 2", "h264": "H.264"},
        hint="Which encoder.",
    )
    quantiser: int = param(8, lo=1, hi=51, hint="Quantiser scale (MPEG, at most 31), QP or CRF (H.264).")
    mode: str = param(
        "constant",
        choices={"constant": "Constant quantiser", "crf": "Constant rate factor (H.264)", "bitrate": "Bit rate"},
        hint="What is held constant.",
    )
    bitrate: float = param(1500.0, lo=10, hi=200000, unit="kb/s", hint="Bit rate, where that is held.")
    gop: int = param(12, lo=1, hi=600, unit="frames", hint="Distance of intra frames.")
    b_frames: int = param(2, lo=0, hi=8, hint="B frames in a row, at the most.")
    preset: str = param(
        "veryfast",
        choices={"ultrafast": "Ultra fast", "veryfast": "Very fast", "medium": "Medium"},
        hint="Effort of the H.264 encoder.",
    )
    chroma: str = param(
        "420",
        choices={"420": "4:2:0", "422": "4:2:2", "444": "4:4:4"},
        hint="Chroma grid: MPEG-2 has 4:2:0 and 4:2:2, MPEG-4 part 2 only 4:2:0.",
    )
    matrix: str = param("rec709", choices=MATRIX_LABELS, hint="Luma weights of the stream.")
    scale: float = param(1.0, lo=0.1, hi=1, hint="Size at which the stream is coded; it is enlarged again after.")

    def run(self, frames: Iterator[Frame], random: Stream) -> Iterator[Damaged]:
        coding = self.coding()
        layout = PlaneFormat(matrix=self.matrix, chroma=self.chroma, siting="left")
        waiting: deque[tuple[Frame, tuple[int, int]]] = deque()

        def source() -> Iterator[tuple[int, Planes]]:
            for frame in frames:
                size = (max(1, round(frame.height * self.scale)), max(1, round(frame.width * self.scale)))
                waiting.append((frame, size))
                yield frame.number, layout.planes(_resized(frame.rgb, size, "area"))

        for decoded in transcode(source(), coding):
            frame, size = waiting.popleft()
            rgb = _resized(layout.rgb(decoded.planes, *size), (frame.height, frame.width), "cubic")
            block = 16 if self.codec == "h264" else 8
            truth = {
                "kind": decoded.kind,
                "bytes": decoded.size,
                "quantiser": self._known(decoded),
                "grid": (block * frame.height / size[0], block * frame.width / size[1]),
            }
            yield Damaged(frame.with_rgb(rgb), truth)

    def _known(self, decoded: Decoded) -> Image | None:
        """The quantisers; FFmpeg's MPEG decoders keep back those of the last frame, known where they are constant."""
        if decoded.quantiser is not None or self.codec == "h264" or self.mode == "bitrate":
            return decoded.quantiser
        rows, columns = (-(-n // 16) for n in decoded.planes[0].shape)
        return np.full((rows, columns), min(self.quantiser, 31), np.float32)

    def coding(self) -> Coding:
        """The encoder and its settings, for callers that have planes of this ``chroma`` grid."""
        if self.chroma not in _GRIDS[self.codec]:
            raise UsageError(
                f"chroma is {self.chroma}, which {self.codec} has no coding for",
                where="codec.chroma",
                allowed=", ".join(_GRIDS[self.codec]),
                remedy="choose that grid, or H.264",
            )
        attributes: dict[str, int] = {"gop_size": self.gop, "max_b_frames": self.b_frames}
        options: dict[str, str] = {}
        by_rate = self.mode == "bitrate"
        if by_rate:
            # A decoder's buffer of one second: without one FFmpeg takes seconds to come down to the rate.
            rate = round(self.bitrate * 1000)
            attributes["bit_rate"] = rate
            options |= {"maxrate": str(rate), "bufsize": str(rate), "bt": str(max(rate // 10, 4000))}
        if self.codec == "h264":
            # x264's macroblock tree decides otherwise now and then for the same frames, also in one thread.
            fixed = f"threads=1:keyint={self.gop}:mbtree=0:log-level=none"
            options |= {"preset": self.preset, "x264-params": fixed}
            if not by_rate:
                options["crf" if self.mode == "crf" else "qp"] = str(self.quantiser)
        else:
            options |= {"flags": "+cgop", "sc_threshold": "1000000000"}  # FFmpeg closes groups only so
            # A run of B frames across a forced intra frame would open the group again.
            attributes |= {"max_b_frames": min(self.b_frames, max(self.gop - 2, 0)), "gop_size": _NEVER}
            if not by_rate:
                scale = min(self.quantiser, 31)
                attributes |= {"qmin": scale, "qmax": scale}
        name = {"mpeg2": "mpeg2video", "mpeg4": "mpeg4", "h264": "libx264"}[self.codec]
        return Coding(name, f"yuv{self.chroma}p", options, attributes, self.gop)


@damage(id="dv", label="DV", space="video", version=1, sequence=True)
class Dv:
    """A real DV encode: 25 Mb/s, intra only, by FFmpeg's dvvideo encoder, at standard definition.

    The picture is reduced to 720 x 480 with 4:1:1 chroma (525 lines) or 720 x 576 with 4:2:0 (625 lines), BT.601,
    coded, decoded and enlarged again (IEC 61834-2). Truth: ``size``, the coded size (rows, columns).
    """

    system: str = param(
        "525", choices={"525": "525 lines, 4:1:1", "625": "625 lines, 4:2:0"}, hint="Television system."
    )

    def run(self, frames: Iterator[Frame], random: Stream) -> Iterator[Damaged]:
        size = (480, 720) if self.system == "525" else (576, 720)
        chroma = "411" if self.system == "525" else "420"
        layout = PlaneFormat(matrix="rec601", chroma=chroma, siting="topleft", multiple=1)
        rate = Fraction(30000, 1001) if self.system == "525" else Fraction(25)
        coding = Coding("dvvideo", f"yuv{chroma}p", keyframe_every=0, rate=rate)
        waiting: deque[Frame] = deque()

        def source() -> Iterator[tuple[int, Planes]]:
            for frame in frames:
                waiting.append(frame)
                yield frame.number, layout.planes(_resized(frame.rgb, size, "cubic"))

        for decoded in transcode(source(), coding):
            frame = waiting.popleft()
            rgb = _resized(layout.rgb(decoded.planes, *size), (frame.height, frame.width), "cubic")
            yield Damaged(frame.with_rgb(rgb), {"size": size})


def _resized(rgb: Image, size: tuple[int, int], kernel: str) -> Image:
    if rgb.shape[:2] == size:
        return np.ascontiguousarray(rgb)
    return resize(rgb, *size, "area" if kernel == "area" else "cubic")
