"""The project's trained segmentation network as a method for prompts (see ``annotation.prompt_methods``).

The web process imports this to say whether it can serve; torch comes with the work.
"""

from __future__ import annotations

from annotation.models import Slot
from annotation.prompt_methods import Asked, Maker, Unavailable
from annotation.prompting.asked import Mask
from learning import registry
from learning.engine import spec
from learning.engine.errors import InvalidRecipe
from learning.engine.spec import Recipe
from learning.engine.tasks import TASKS
from learning.models import TrainedModel

NETWORK = "network"
NO_MODEL = (
    "No trained network is in use in this project yet; finish a round, or put a model into use."
)
NO_MASKS = "The model in use answers a question and marks no voxels."
OLD_RECIPE = (
    "The model in use was trained by other rules and cannot be run any more. Train it again."
)


class Network:
    """A random walk from the prompts, whose prior is the network's probability of the class."""

    code = NETWORK
    learned = True

    def maker(self, slot: Slot) -> Maker:
        model = registry.in_use(slot.project)
        if model is None:
            raise Unavailable(NO_MODEL)
        return Maker(
            algorithm=f"Consilium network of round {model.round.number} with prompts",
            model=model.pk,
            weights_sha256=model.weights_sha256,
            classes=tuple(recipe_of(model).classes),
        )

    def mask(self, asked: Asked) -> Mask:
        from learning.assisting import prompt_network

        return prompt_network.mask(asked)


def recipe_of(model: TrainedModel) -> Recipe:
    try:
        recipe = spec.parse(model.config["recipe"])
    except InvalidRecipe as problem:
        raise Unavailable(OLD_RECIPE) from problem
    if TASKS[recipe.task].regime != "segmentation":
        raise Unavailable(NO_MASKS)
    return recipe
