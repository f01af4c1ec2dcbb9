"""What the decoder knows of how each block was coded: quantisers and motion vectors, as arrays.

They are exported on request only, and travel in :attr:`wetgate.spec.Frame.codec`. Decoders of libavcodec 62 that were
tried: H.264, MPEG-1, MPEG-2, MPEG-4 part 2, H.263, Flash, Microsoft's MPEG-4 and WMV 2 give quantisers and motion of
every block, but for the quantisers of a stream's last picture in MPEG-1 and MPEG-2 (in MPEG-4 where it has B
pictures); VP9 gives the picture's base alone. HEVC, AV1, VP8, ProRes, DNxHD and DV give neither. What Motion JPEG has
is its tables (:mod:`wetgate.io.jpeg_coding`).

``quantiser`` int, the picture's base quantiser (H.264: QP 0..51, VP9: index 0..255, MPEG: 0); ``quantiser_type``
``h264``, ``mpeg2`` (all of the MPEG and H.263 family, whose numbers are twice the quantiser scale) or ``vp9``;
``quantiser_delta`` int32 (4, 2), offset of each plane for AC and DC; ``blocks`` a structured array, one entry a block,
with ``x y w h`` (luma pixels from the top left corner) and ``quantiser`` (the block's own, base included).

``motion`` a structured array, one entry a prediction: ``x y w h`` (the block, luma pixels), ``from_x from_y`` (float32,
where in the reference it was fetched, sub-pixel exact), ``reference`` (negative: from the past, positive: the future).
A picture coded without prediction has none. Source: libavutil/video_enc_params.h, libavutil/motion_vector.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import av

DECODER_OPTIONS = {"export_side_data": "+mvs+venc_params"}

BLOCK = np.dtype([("x", "i4"), ("y", "i4"), ("w", "i4"), ("h", "i4"), ("quantiser", "i4")])
MOTION = np.dtype(
    [
        ("x", "i4"),
        ("y", "i4"),
        ("w", "i4"),
        ("h", "i4"),
        ("from_x", "f4"),
        ("from_y", "f4"),
        ("reference", "i4"),
    ]
)

_TYPES = {0: "vp9", 1: "h264", 2: "mpeg2"}


def codec_side_data(frame: av.VideoFrame) -> dict[str, Any]:
    """The entries described above, those that the picture has."""
    found: dict[str, Any] = {}
    for kind, data in attached(frame):
        if kind == "VIDEO_ENC_PARAMS":
            found.update(_quantisers(data))
        elif kind == "MOTION_VECTORS":
            found["motion"] = _motion(data)
    return found


def attached(frame: av.VideoFrame) -> Iterator[tuple[str, bytes]]:
    """All side data of a picture: libavutil's name of its type, and its bytes."""
    each: Any
    for each in frame.side_data:  # PyAV's stub types it as a mapping, and it iterates over values
        yield each.type.name, bytes(each)


def _quantisers(data: bytes) -> dict[str, Any]:
    # struct AVVideoEncParams { unsigned nb_blocks; size_t blocks_offset, block_size; enum type; int32 qp; int32[4][2] }
    count, start, size, kind, base = struct.unpack_from("@IPPii", data)
    header = struct.calcsize("@IPPii")
    delta = np.frombuffer(data, np.int32, 8, header).reshape(4, 2).copy()
    found: dict[str, Any] = {
        "quantiser": base,
        "quantiser_type": _TYPES.get(kind, f"type {kind}"),
        "quantiser_delta": delta,
    }
    if count:
        raw: NDArray[Any] = np.ndarray(
            (count,),
            np.dtype({"names": list("xywhq"), "formats": ["i4"] * 5, "offsets": [0, 4, 8, 12, 16], "itemsize": size}),
            buffer=data,
            offset=start,
        )
        blocks = raw.astype(BLOCK)
        blocks["quantiser"] += base
        found["blocks"] = blocks
    return found


# struct AVMotionVector, aligned as the C compiler aligns it.
_AV_MOTION = np.dtype(
    [
        ("source", "i4"),
        ("w", "u1"),
        ("h", "u1"),
        ("src_x", "i2"),
        ("src_y", "i2"),
        ("dst_x", "i2"),
        ("dst_y", "i2"),
        ("flags", "u8"),
        ("motion_x", "i4"),
        ("motion_y", "i4"),
        ("motion_scale", "u2"),
    ],
    align=True,
)


def _motion(data: bytes) -> NDArray[Any]:
    vectors = np.frombuffer(data, _AV_MOTION, len(data) // _AV_MOTION.itemsize)
    out = np.zeros(len(vectors), MOTION)
    # dst is the centre of the block; motion is where the reference lies, in 1 / motion_scale of a pixel.
    out["w"], out["h"] = vectors["w"], vectors["h"]
    out["x"] = vectors["dst_x"] - vectors["w"] // 2
    out["y"] = vectors["dst_y"] - vectors["h"] // 2
    scale = np.maximum(vectors["motion_scale"], 1).astype(np.float32)
    out["from_x"] = out["x"] + vectors["motion_x"] / scale
    out["from_y"] = out["y"] + vectors["motion_y"] / scale
    out["reference"] = vectors["source"]
    return out
