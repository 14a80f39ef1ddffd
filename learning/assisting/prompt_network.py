"""Runs the model in use on the region around prompts, and lets them decide where they speak.

It loads torch: only the worker that answers prompts imports this module.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from torch import Tensor

from annotation.models import Case
from annotation.prompt_methods import Asked
from annotation.prompting.asked import Mask, Region, Unanswerable
from annotation.prompting.segment import segment
from learning import datasets, registry
from learning.assisting.prompting import recipe_of
from learning.engine import determinism, images, region
from learning.engine.errors import EngineError
from learning.engine.nets import Network
from learning.engine.spec import Recipe, Sample, ignore
from learning.measuring import evaluation
from learning.models import TrainedModel
from learning.teaching import Unusable

THREADS = 2
OTHER_SERIES = (
    "The network reads the series of the case with the most images, and this is another one. "
    "Choose another method."
)


def mask(asked: Asked) -> Mask:
    _prepare()
    model = TrainedModel.objects.get(pk=asked.maker.model or 0)
    recipe = recipe_of(model)
    try:
        chance = _chance(model, recipe, _sample(asked, recipe), asked.region)
    except images.Unusable as problem:
        raise Unanswerable(f"The network cannot read this image. {problem}") from problem
    except (EngineError, OSError) as problem:
        raise Unanswerable(
            f"The trained network cannot be run: {problem}. "
            "Choose another method, and tell who runs the rounds."
        ) from problem
    asked.check()
    value = 1 + recipe.classes.index(asked.label_class)
    return segment(
        asked.image,
        asked.spacing,
        asked.prompts,
        asked.region,
        asked.shape,
        prior=np.ascontiguousarray(chance[..., value]),
        check=asked.check,
    )


@cache
def _prepare() -> None:
    """Once in each process: leave a core to those who answer people."""
    determinism.limit_threads(settings.TRAINING_THREADS or THREADS)


def _sample(asked: Asked, recipe: Recipe) -> Sample:
    case = asked.slot.case
    loaded = Case.objects.select_related("project").get(pk=case.pk)
    try:
        image = datasets.image_of(loaded, recipe)
    except Unusable as problem:
        raise Unanswerable(problem.detail) from problem
    if image.series.pk != asked.series:
        raise Unanswerable(OTHER_SERIES)
    data = datasets.of_cases(Case.objects.filter(pk=case.pk), recipe, after_each=ignore)
    if not data.samples:
        raise Unanswerable(f"The network cannot read this image. {data.left_out[0][1]}")
    return data.samples[0]


def _chance(
    model: TrainedModel, recipe: Recipe, sample: Sample, around: Region
) -> NDArray[np.float32]:
    """[frames, rows, columns, classes] of the ensemble, in the region."""
    flat = recipe.dimensions == 2
    start, stop = (around.start[1:], around.stop[1:]) if flat else (around.start, around.stop)
    around_it = (start, stop)
    found = _kept(model.pk, model.weights_sha256, str(sample.image), around_it, sample.spacing)
    return found[None] if flat else found


@lru_cache(maxsize=8)
def _kept(
    model_id: int,
    weights: str,
    image: str,
    around: tuple[tuple[int, ...], tuple[int, ...]],
    spacing: tuple[float, ...],
) -> NDArray[np.float32]:
    """Kept for the next prompt, which often asks for the same region."""
    recipe = recipe_of(TrainedModel.objects.get(pk=model_id))
    networks, temperatures = _networks(model_id, weights)
    start, stop = around
    return region.probabilities(
        networks,
        recipe,
        _image(image, recipe),
        temperatures,
        start=start,
        stop=stop,
        spacing=spacing,
    )


@lru_cache(maxsize=2)
def _networks(model_id: int, weights: str) -> tuple[dict[str, Network], dict[str, float]]:
    members = list(registry.members(TrainedModel.objects.get(pk=model_id)))
    return evaluation.load(members), {one.network: one.temperature for one in members}


@lru_cache(maxsize=1)
def _image(path: str, recipe: Recipe) -> Tensor:
    return region.read(path, recipe)
