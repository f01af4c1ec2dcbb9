"""Pictures as the planes that codecs work on: padded, subsampled 8-bit Y'CbCr, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.color.chroma import Siting, downsample, upsample
from wetgate.color.ycbcr import Quantisation, quantise, rgb_from_ycbcr, ycbcr_from_rgb
from wetgate.spec import Image

Planes = list[NDArray[np.uint8]]

# H.273 MatrixCoefficients by the names that parameters use.
MATRICES = {"rec601": 6, "rec709": 1}
MATRIX_LABELS = {"rec601": "BT.601 (SD)", "rec709": "BT.709 (HD)"}
SUBSAMPLING = {"420": (2, 2), "422": (2, 1), "444": (1, 1), "411": (4, 1)}


@dataclass(frozen=True, slots=True)
class PlaneFormat:
    """Limited-range 8-bit Y'CbCr: the matrix, the chroma grid, and the multiple that width and height are padded to."""

    matrix: str = "rec709"
    chroma: str = "420"
    siting: Siting = "left"
    multiple: int = 16

    def planes(self, rgb: Image) -> Planes:
        """Y', Cb, Cr of R'G'B' (H, W, 3). Padded by repeating the last row and column; what 8 bits cannot hold is
        clipped."""
        height, width = rgb.shape[:2]
        down, across = -height % self.multiple, -width % self.multiple
        padded = np.pad(rgb, ((0, down), (0, across), (0, 0)), mode="edge")
        ycc = ycbcr_from_rgb(padded, MATRICES[self.matrix])
        coding, grid = Quantisation(8, False), SUBSAMPLING[self.chroma]
        luma = quantise(coding.code(ycc[..., 0]), 8)[0]
        small = [downsample(ycc[..., k], grid, self.siting) for k in (1, 2)]
        return [luma.astype(np.uint8), *(quantise(coding.code(c, chroma=True), 8)[0].astype(np.uint8) for c in small)]

    def rgb(self, planes: Planes, height: int, width: int) -> Image:
        """R'G'B' (height, width, 3) of planes: the inverse, but for what 8 bits and the chroma grid lost."""
        coding, grid = Quantisation(8, False), SUBSAMPLING[self.chroma]
        luma = coding.value(planes[0])
        ycc = np.stack(
            [luma, *(upsample(coding.value(p, chroma=True), luma.shape, grid, self.siting) for p in planes[1:])],
            axis=-1,
        )
        return np.ascontiguousarray(rgb_from_ycbcr(ycc, MATRICES[self.matrix])[:height, :width], dtype=np.float32)
