"""What a ranking knows of cases besides scores: site, patient, and how long reading will take."""

from __future__ import annotations

import builders
import learning_builders as lessons
import numpy as np
import pytest

from annotation.models import Case, Project
from learning import recipes, registry
from learning.acquisition import PoolScores
from learning.engine import spec
from learning.models import Arm, Ranking, TrainedModel
from learning.pool import costs, ranking

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("artifacts_folder"),
]


def timed(project: Project, seconds: float, *, frames: int, amount: int) -> None:
    for _ in range(amount):
        case = builders.case(project, frame_count=frames, modality="CT")
        builders.read(case, active_seconds=seconds)


def numbers(*cases: Case) -> list[int]:
    return sorted(case.pk for case in cases)


def test_a_case_is_expected_to_take_as_long_as_cases_like_it_took() -> None:
    project = builders.project()
    timed(project, 30, frames=20, amount=10)
    timed(project, 90, frames=400, amount=12)
    short = builders.case(project, frame_count=25, modality="CT")
    long = builders.case(project, frame_count=300, modality="CT")
    strange = builders.case(project, frame_count=300, modality="MR")
    took = costs.times(project)
    assert took is not None
    found = costs.expected(project, numbers(short, long, strange), took)
    assert found.tolist() == [30, 90, 90]


def test_nothing_is_expected_before_enough_reads_were_timed() -> None:
    project = builders.project()
    timed(project, 30, frames=20, amount=costs.FEWEST - 1)
    assert costs.times(project) is None


def test_no_case_is_expected_to_take_more_than_four_times_the_usual() -> None:
    project = builders.project()
    timed(project, 10, frames=20, amount=30)
    timed(project, 5000, frames=400, amount=6)
    case = builders.case(project, frame_count=400, modality="CT")
    took = costs.times(project)
    assert took is not None
    assert costs.expected(project, [case.pk], took) == pytest.approx([40])


def test_a_round_spreads_its_batch_over_the_sites_and_says_so() -> None:
    project = lessons.quickly_taught(unread=8, balance_sites=True, acquisition="margin")
    here, there = builders.site("Here"), builders.site("There")
    unread = list(project.cases.filter(reads=None, stream="pool").order_by("pk"))
    assert len(unread) == 8
    for index, case in enumerate(unread):
        case.site = there if index < 2 else here
        case.save()
    round_ = lessons.finish(lessons.start(project))
    ranked = Ranking.objects.get(round=round_)
    picked = [Case.objects.get(pk=entry["case"]).site for entry in ranked.batch]
    assert picked.count(there) == picked.count(here) == 2
    assert ranked.reason == "The recipe asks for it. Sites share the batch evenly."
    assert {"uncertainty"} <= set(ranked.batch[0]["components"])


def test_a_case_that_takes_long_is_worth_less_a_minute() -> None:
    round_ = lessons.finish(lessons.start(lessons.quickly_taught(unread=5, acquisition="margin")))
    recipe = recipes.parsed(round_.recipe)
    pool = ranking.load(round_.project, registry.find(round_, Arm.ALL))
    plain = ranking.in_circumstances(round_.project, recipe, pool, costs.times(round_.project))
    assert plain.scores.cost is None
    timed(round_.project, 120, frames=500, amount=5)
    dear = Case.objects.get(pk=pool.cases[2])
    dear.modality, dear.frame_count = "CT", 500
    dear.save()
    known = ranking.in_circumstances(round_.project, recipe, pool, costs.times(round_.project))
    assert known.scores.cost is not None
    assert np.argmax(known.scores.cost) == 2
    model = registry.find(round_, Arm.ALL)
    before = ranking.pick(model, recipe, plain, labelled=[], seed=1)
    after = ranking.pick(model, recipe, known, labelled=[], seed=1)
    assert after.selection.scores[2] == pytest.approx(before.selection.scores[2] / 4)
    assert after.reason.endswith("Worth is counted for each minute of reading.")


def test_the_parts_of_a_score_of_masks_bear_the_names_of_the_structures() -> None:
    asked = {"classes": ["lesion", "node"], "acquisition": "foreground_entropy", "batch": 2}
    recipe = spec.parse({**lessons.MASK_RECIPE, **asked})
    doubt = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.1]])
    scores = PoolScores(
        np.full((3, 3), 1 / 3), uncertainty=doubt.max(axis=1), class_uncertainty=doubt
    )
    pool = ranking.Pool([4, 5, 6], scores)
    selection = ranking.pick(TrainedModel(), recipe, pool, labelled=[], seed=0).selection
    assert set(selection.components) >= {"uncertainty", "lesion", "node"}
    assert not {"class_1", "class_2"} & set(selection.components)
    by_hand = doubt[selection.indices, 1].tolist()
    assert selection.components["node"].tolist() == pytest.approx(by_hand)


def test_patients_are_told_apart_only_where_the_recipe_looks_at_them() -> None:
    round_ = lessons.finish(
        lessons.start(lessons.quickly_taught(unread=4, one_per_patient=True, distinct=0.999))
    )
    recipe = recipes.parsed(round_.recipe)
    pool = ranking.load(round_.project, registry.find(round_, Arm.ALL))
    known = ranking.in_circumstances(round_.project, recipe, pool, costs.times(round_.project))
    patients = [Case.objects.get(pk=case).patient_id for case in pool.cases]
    assert known.scores.patients is not None
    assert known.scores.patients.tolist() == patients
    assert known.scores.strata is None
    reason = Ranking.objects.get(round=round_).reason
    assert "No case is a copy of another" in reason
    assert "No patient comes twice." in reason
