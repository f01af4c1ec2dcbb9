"""The forward model of each thing that a node undoes: film, optics, camera, video and tone damage.

All seeded, recorded and chainable: ``Recipe.parse("fade:amount=0.5", "grain")`` is a chain,
``recipe.apply(frames, seed, convert)`` damages a run of frames, ``models()`` lists what there is.
"""

from wetgate.damage import (
    camera,
    codec,
    dirt,
    exposure,
    fade,
    grain,
    jpeg,
    optics,
    scratches,
    tape,
    tone,
    transport,
    video,
)
from wetgate.damage.model import Damaged, Model, Place, apply, damage, get, models
from wetgate.damage.recipe import Convert, Recipe, Step, recipes

# Importing a module declares its models.
_DECLARING = (fade, grain, dirt, scratches, transport, exposure, optics, camera, video, tape, jpeg, codec, tone)

__all__ = ["Convert", "Damaged", "Model", "Place", "Recipe", "Step", "apply", "damage", "get", "models", "recipes"]
