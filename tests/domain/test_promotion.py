"""Which model is in use: the better one on the same hold-out, or the one that a person chose."""

from __future__ import annotations

from typing import Any

import learning_builders as lessons
import numpy as np
import pytest

from annotation.models import Event, Project, Stream
from learning import registry
from learning.errors import ModelNotUsable
from learning.leases import Lease
from learning.measuring import evaluation
from learning.models import Arm, Evaluation, Round, TrainedModel
from learning.steps import promote

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("artifacts_folder"),
]

RIGHT, GUESSING, WRONG = 0.9, 0.5, 0.1


@pytest.fixture
def project() -> Project:
    return lessons.quickly_taught(unread=0)


def finished(project: Project) -> Round:
    return lessons.finish(lessons.start(project))


def said(model: TrainedModel, *, certainty: float, seed: int = 0) -> None:
    """As if the model had given each true answer of the hold-out about this probability."""
    row = evaluation.main_of(model)
    noise = np.random.default_rng(seed)
    truth = dict(model.round.snapshot.items.values_list("case_id", "reference__answers__finding"))
    for entry in row.detail["by_case"]:
        right = float(np.clip(certainty + noise.normal(0, 0.05), 0.01, 0.99))
        yes = right if truth[entry["case"]] == "yes" else 1 - right
        entry["values"] = [1 - yes, yes]
    row.save()


def compare_again(round_: Round) -> TrainedModel:
    """The last step alone, on what the models are now made to have said."""
    model = registry.find(round_, Arm.ALL)
    TrainedModel.objects.filter(pk=model.pk).update(state="candidate", state_reason="")
    lessons.reopen(round_, Round.Step.PROMOTE)
    lease: Lease = lessons.hold(round_)
    assert promote.run(lease, lease.read())
    lease.give_back()
    Round.objects.filter(pk=round_.pk).update(state=Round.State.DONE)
    return TrainedModel.objects.get(pk=model.pk)


@pytest.fixture
def rivals(project: Project) -> tuple[Round, Round]:
    """Two rounds: the first one's ensemble is in use, the second one's waits for the comparison."""
    first, second = finished(project), finished(project)
    TrainedModel.objects.filter(round=second).update(state="candidate", state_reason="")
    TrainedModel.objects.filter(pk=registry.find(first, Arm.ALL).pk).update(state="in_use")
    return first, second


def test_a_better_model_replaces_the_one_in_use(
    project: Project, rivals: tuple[Round, Round]
) -> None:
    first, second = rivals
    said(registry.find(first, Arm.ALL), certainty=GUESSING)
    said(registry.find(second, Arm.ALL), certainty=RIGHT)
    model = compare_again(second)
    assert registry.in_use(project) == model
    assert model.state_reason.startswith("Better: auroc +")
    assert "12 patients" in model.state_reason
    retired = registry.find(first, Arm.ALL)
    assert retired.state == TrainedModel.State.RETIRED
    assert "Replaced by the ensemble of round 2" in retired.state_reason


def test_a_worse_model_does_not(project: Project, rivals: tuple[Round, Round]) -> None:
    first, second = rivals
    said(registry.find(first, Arm.ALL), certainty=RIGHT)
    said(registry.find(second, Arm.ALL), certainty=WRONG)
    model = compare_again(second)
    assert model.state == TrainedModel.State.REJECTED
    assert "the model in use stays: auroc -1.000" in model.state_reason
    assert registry.in_use(project) == registry.find(first, Arm.ALL)
    assert Event.objects.filter(verb="model.reject", object_id=str(model.pk)).exists()


def test_an_equal_model_does_not(project: Project, rivals: tuple[Round, Round]) -> None:
    first, second = rivals
    for round_ in rivals:
        said(registry.find(round_, Arm.ALL), certainty=RIGHT)
    assert compare_again(second).state == TrainedModel.State.REJECTED
    assert registry.in_use(project) == registry.find(first, Arm.ALL)


def test_a_model_that_is_better_by_luck_does_not(
    project: Project, rivals: tuple[Round, Round]
) -> None:
    """One case of twelve the other way round: better here, but not in nine of ten resamples."""
    first, second = rivals
    for round_ in rivals:
        said(registry.find(round_, Arm.ALL), certainty=RIGHT)
    row = evaluation.main_of(registry.find(first, Arm.ALL))
    entry = row.detail["by_case"][0]
    entry["values"] = [0.5, 0.5]
    row.save()
    model = compare_again(second)
    assert model.state == TrainedModel.State.REJECTED
    assert registry.in_use(project) == registry.find(first, Arm.ALL)


def test_both_are_measured_on_the_same_holdout_even_if_it_has_grown(project: Project) -> None:
    first = finished(project)
    for index in range(100, 104):
        lessons.case(project, "holdout", index, value="yes" if index % 2 else "no")
    second = finished(project)
    used = registry.find(first, Arm.ALL)
    cases = set(
        second.snapshot.items.filter(stream=Stream.HOLDOUT).values_list("case_id", flat=True)
    )
    assert len(cases) == 16
    assert set(evaluation.by_case(used)) == cases
    rows = Evaluation.objects.filter(model=used)
    assert set(rows.values_list("patients", flat=True)) == {16}
    assert all("Measured again in round 2" in row.note for row in rows)


def test_a_changed_reference_of_the_holdout_is_measured_again(project: Project) -> None:
    first = finished(project)
    case = project.cases.filter(stream=Stream.HOLDOUT).first()
    case.references.update(current=False)
    lessons.builders.reference(case, case.reads.get(), version=2, answers={"finding": "yes"})
    finished(project)
    used = registry.find(first, Arm.ALL)
    assert evaluation.by_case(used)[case.pk].reference == case.references.get(version=2).pk


def test_a_model_that_answers_another_question_is_not_compared(project: Project) -> None:
    first = finished(project)
    used = registry.find(first, Arm.ALL)
    used.config["recipe"]["classes"] = ["yes", "no"]
    used.save()
    second = registry.find(finished(project), Arm.ALL)
    assert second.state == TrainedModel.State.REJECTED
    assert "answers another question" in second.state_reason


def test_a_person_can_go_back_and_the_ledger_says_why(
    project: Project, rivals: tuple[Round, Round]
) -> None:
    first, second = rivals
    by = lessons.lead(project)
    chosen = registry.use(registry.find(second, Arm.ALL), user=by, reason="Better at night.")
    assert registry.in_use(project) == chosen
    back = registry.use(registry.find(first, Arm.ALL), user=by, reason="Misses miliary disease.")
    assert registry.in_use(project) == back
    assert back.state_reason == "Misses miliary disease."
    event = Event.objects.filter(verb="model.use").latest("seq")
    assert (event.actor, event.data["reason"]) == (by, "Misses miliary disease.")
    assert TrainedModel.objects.filter(project=project, state="in_use").count() == 1


def test_a_choice_made_during_the_comparison_stands(
    project: Project, rivals: tuple[Round, Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = rivals
    said(registry.find(first, Arm.ALL), certainty=RIGHT)
    said(registry.find(second, Arm.ALL), certainty=WRONG)
    compare, by = promote._compare, lessons.lead(project)

    def slowly(lease: Lease, round_: Round, candidate: TrainedModel, used: TrainedModel) -> Any:
        verdict = compare(lease, round_, candidate, used)
        registry.use(candidate, user=by, reason="Better at night.")
        return verdict

    monkeypatch.setattr(promote, "_compare", slowly)
    lessons.reopen(second, Round.Step.PROMOTE)
    assert lessons.finish(second).state == Round.State.DONE
    used = registry.find(second, Arm.ALL)
    assert (used.state, used.state_reason) == (TrainedModel.State.IN_USE, "Better at night.")
    assert not Event.objects.filter(verb="model.reject", object_id=str(used.pk)).exists()


def test_a_candidate_is_compared_with_the_model_that_is_in_use_in_the_end(
    project: Project, rivals: tuple[Round, Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = rivals
    third = finished(project)
    for round_, certainty in ((first, GUESSING), (second, RIGHT), (third, WRONG)):
        said(registry.find(round_, Arm.ALL), certainty=certainty)
    TrainedModel.objects.filter(round=third).update(state="candidate", state_reason="")
    TrainedModel.objects.filter(pk=registry.find(first, Arm.ALL).pk).update(state="in_use")
    compare, by = promote._compare, lessons.lead(project)
    compared = []

    def slowly(lease: Lease, round_: Round, candidate: TrainedModel, used: TrainedModel) -> Any:
        verdict = compare(lease, round_, candidate, used)
        compared.append(used.round.number)
        if len(compared) == 1:
            registry.use(registry.find(second, Arm.ALL), user=by, reason="Better at night.")
        return verdict

    monkeypatch.setattr(promote, "_compare", slowly)
    lessons.reopen(third, Round.Step.PROMOTE)
    assert lessons.finish(third).state == Round.State.DONE
    assert compared == [1, 2]
    assert registry.in_use(project) == registry.find(second, Arm.ALL)


@pytest.mark.parametrize(("arm", "network"), [(Arm.ALL, "vit"), (Arm.ALL, "ensemble")])
def test_only_another_ensemble_of_all_labels_can_be_put_into_use(
    project: Project, arm: str, network: str
) -> None:
    model: Any = registry.find(finished(project), arm, network)
    with pytest.raises(ModelNotUsable):
        registry.use(model, user=lessons.lead(project), reason="I like it.")
