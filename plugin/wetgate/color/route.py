"""The way from one space to another through a config's references, as elementary OCIO ops in two halves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import PyOpenColorIO

from wetgate.color import interop
from wetgate.color.chain import FORWARD, INVERSE, Op, flatten, inverse, unclamped
from wetgate.color.density import TANGENT_BELOW
from wetgate.color.primaries import rgb_to_xyz
from wetgate.spec import DENSITY, DISPLAY, SCENE, UsageError

if TYPE_CHECKING:
    from wetgate.color.config import ColorConfig

# The display reference has Y = 1 for 100 nits (OCIO's built-in display transforms, e.g. CIE-XYZ-D65_to_REC.2100-PQ).
NITS_OF_ONE = 100.0


class Route:
    """Finds the ops between the spaces of one config."""

    def __init__(self, config: ColorConfig) -> None:
        self._of = config
        self._config = config.ocio

    def ops(self, src: str, dst: str) -> tuple[list[Op], list[Op]]:
        """Ops that lead from ``src`` towards light, and on to ``dst``: (decoding, encoding).

        The view transform between scene and display counts with the half that it follows from the code's side: towards
        the display as decoding, from the display as encoding, so that a hop and its way back are mirror images.
        """
        decoding, src_display = self._to_reference(src)
        dst_display = self._to_reference(dst)[1]
        encoding = self._from_reference(dst)
        if src_display and not dst_display:
            encoding = [*unclamped(inverse(self._scene_to_display())), *encoding]
        elif dst_display and not src_display:
            decoding = [*decoding, *unclamped(self._scene_to_display())]
        return decoding, encoding

    def _to_reference(self, space: str) -> tuple[list[Op], bool]:
        """Ops to the reference of a space, and whether that is the display's."""
        if space == SCENE:
            return self._to_reference(self._of.scene_linear)
        if space == DENSITY:
            scene, display = self._to_reference(SCENE)
            return [*inverse(_density()), *scene], display
        if space == DISPLAY:
            bridge, xyz, display = self._xyz()
            return [*_nits_to_xyz(), *bridge, *self._to_reference(xyz)[0]], display
        color_space = self._config.getColorSpace(space)
        display = color_space.getReferenceSpaceType() == PyOpenColorIO.REFERENCE_SPACE_DISPLAY
        to_reference = color_space.getTransform(PyOpenColorIO.COLORSPACE_DIR_TO_REFERENCE)
        if to_reference is not None:
            return self._flat(space, to_reference, FORWARD), display
        return self._flat(
            space, color_space.getTransform(PyOpenColorIO.COLORSPACE_DIR_FROM_REFERENCE), INVERSE
        ), display

    def _from_reference(self, space: str) -> list[Op]:
        """Ops from the reference: the config's own where it has them, else the way to it turned round."""
        if space == SCENE:
            return self._from_reference(self._of.scene_linear)
        if space == DENSITY:
            return [*self._from_reference(SCENE), *_density()]
        if space == DISPLAY:
            bridge, xyz, _ = self._xyz()
            return [*self._from_reference(xyz), *inverse([*_nits_to_xyz(), *bridge])]
        color_space = self._config.getColorSpace(space)
        from_reference = color_space.getTransform(PyOpenColorIO.COLORSPACE_DIR_FROM_REFERENCE)
        if from_reference is not None:
            return self._flat(space, from_reference, FORWARD)
        return self._flat(space, color_space.getTransform(PyOpenColorIO.COLORSPACE_DIR_TO_REFERENCE), INVERSE)

    def _flat(self, space: str, transform: Any, direction: Any) -> list[Op]:
        try:
            return unclamped(flatten(self._config, transform, direction))
        except PyOpenColorIO.Exception as error:
            raise UsageError(
                f"OCIO cannot convert {space!r}: {str(error).strip()}",
                where=self._of.name,
                remedy="mend the config or choose another space",
            ) from None

    def _scene_to_display(self) -> list[Op]:
        view = self._config.getDefaultSceneToDisplayViewTransform()
        if view is None:
            raise UsageError(
                f"the config {self._of.name} has no view transform from scene to display",
                remedy="add a default view transform to it, or stay on one side",
            )
        transform = view.getTransform(PyOpenColorIO.VIEWTRANSFORM_DIR_FROM_REFERENCE)
        if transform is not None:
            return flatten(self._config, transform, FORWARD)
        return flatten(self._config, view.getTransform(PyOpenColorIO.VIEWTRANSFORM_DIR_TO_REFERENCE), INVERSE)

    def _xyz(self) -> tuple[list[Op], str, bool]:
        """Where CIE XYZ D65 joins the config: the ops to a space of it, that space, and whether it is the display's.

        A config of OCIO 1 has no display reference: there the ACES space is joined, as un-tone-mapped as elsewhere.
        """
        space = self._config.getColorSpace("cie_xyz_d65_interchange")
        if space is not None:
            display = space.getReferenceSpaceType() == PyOpenColorIO.REFERENCE_SPACE_DISPLAY
            return [], str(space.getName()), display
        for name in ("aces_interchange", *interop.names_like("ACES2065-1")):
            aces = self._config.getColorSpace(name)
            if aces is not None:
                to_xyz = PyOpenColorIO.BuiltinTransform("UTILITY - ACES-AP0_to_CIE-XYZ-D65_BFD")
                return flatten(self._config, to_xyz, INVERSE), str(aces.getName()), False
        raise UsageError(
            f"absolute display light has no place in the config {self._of.name}",
            remedy="add the role cie_xyz_d65_interchange (CIE XYZ, D65, 1.0 = 100 nits) or aces_interchange to it",
        )


def _nits_to_xyz() -> list[Op]:
    """Linear Rec.2020 in nits to CIE XYZ with Y = 1 for 100 nits."""
    matrix = [0.0] * 16
    for row, values in enumerate(rgb_to_xyz("rec2020") / NITS_OF_ONE):
        matrix[4 * row : 4 * row + 3] = [float(v) for v in values]
    matrix[15] = 1.0
    return [PyOpenColorIO.MatrixTransform(matrix=matrix)]


def _density() -> list[Op]:
    """Scene-linear to scanner density: log10 with a straight line below 1e-5 whose slope is that of the log, negated.

    The same numbers as :mod:`wetgate.color.density` with a base of 1. The sign is a matrix of its own because OCIO's
    inverse of a camera log looks for the break on the wrong side where the log falls.
    """
    rising = PyOpenColorIO.LogCameraTransform(linSideBreak=[TANGENT_BELOW] * 3, base=10.0)
    return [rising, PyOpenColorIO.MatrixTransform(matrix=[-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1])]
