"""Runs the model in use on the cases that want a suggestion, and hands over what it says.

It loads torch: the web process never imports this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from django.db import transaction
from django.db.models import Prefetch
from numpy.typing import NDArray

from annotation import label_schemas, provenance, suggestions
from annotation.models import Case, Instance, LabelSchema, Project, Series
from annotation.suggestions import Made, Maker
from learning import datasets, registry
from learning.engine import predict
from learning.engine.outputs import Predictions
from learning.engine.spec import Recipe, ignore
from learning.measuring import evaluation
from learning.models import TrainedModel
from learning.teaching import Spoken, teacher_of

AT_ONCE = 8
"""Cases in one piece of work: what comes first in the queue does not wait for what comes later."""

Voxels = NDArray[np.uint8]


@dataclass
class Said:
    """What the ensemble says of some cases, and why it says nothing of others."""

    predictions: Predictions
    masks: Mapping[int, Voxels]
    left_out: dict[int, str] = field(default_factory=dict)


def some(project: Project) -> bool:
    """Suggestions for the most urgent cases; False if there was nothing to do, or nothing was kept."""
    model = registry.in_use(project)
    wanted = suggestions.wanting(project)[:AT_ONCE]
    if model is None or not wanted:
        return False
    schema = label_schemas.current(project.pk)
    images = provenance.of_cases(wanted)
    recipe = evaluation.recipe_of(model)
    misfit = next(teacher_of(recipe).misfits(recipe, schema.document), "")
    if misfit:
        made = [Made(case, images[case], problem=misfit) for case in wanted]
    else:
        made = _made(wanted, images, schema, recipe, _ask(model, recipe, wanted))
    return _hand_over(project, model, schema, made)


def _ask(model: TrainedModel, recipe: Recipe, wanted: list[int]) -> Said:
    members = list(registry.members(model))
    data = datasets.of_cases(Case.objects.filter(pk__in=wanted), recipe, after_each=ignore)
    found: dict[int, Voxels] = {}
    predictions = predict.predict(
        evaluation.load(members),
        recipe,
        data.samples,
        temperatures={member.network: member.temperature for member in members},
        on_mask=found.__setitem__,
    )
    return Said(predictions, found, {**dict(data.left_out), **dict(predictions.left_out)})


def _made(
    wanted: list[int], images: Mapping[int, str], schema: LabelSchema, recipe: Recipe, said: Said
) -> list[Made]:
    rows = {case: row for row, case in enumerate(said.predictions.ids)}
    made = []
    for case in _loaded(wanted):
        if case.pk not in rows:
            reason = said.left_out.get(case.pk, "The model said nothing of it.")
            made.append(Made(case.pk, images[case.pk], problem=reason))
        else:
            spoken = Spoken(said.predictions.ensemble, rows[case.pk], said.masks.get(case.pk))
            image, document = datasets.image_of(case, recipe), schema.document
            found = teacher_of(recipe).suggested(spoken, recipe, document, image, case.project_id)
            made.append(Made(case.pk, images[case.pk], found.items, found.mask))
    return made


def _hand_over(
    project: Project, model: TrainedModel, schema: LabelSchema, made: list[Made]
) -> bool:
    """Unless another model is in use by now, or another schema in force: then it is said anew."""
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        same = registry.in_use(project) == model
        if not same or label_schemas.current(project.pk) != schema:
            return True
        maker = Maker(model.pk, model.weights_sha256, model.round.number)
        return suggestions.store(project, maker, schema, made) > 0


def _loaded(wanted: list[int]) -> list[Case]:
    hashes = Instance.objects.only("series_id", "sop_instance_uid", "sha256")
    series = Series.objects.prefetch_related(Prefetch("instances", queryset=hashes))
    cases = Case.objects.filter(pk__in=wanted).select_related("project").order_by("pk")
    return list(cases.prefetch_related(Prefetch("series", queryset=series)))
