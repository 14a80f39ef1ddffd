"""What a round says of its models: by whom, at which point, how alike its networks are; and the way on."""

from __future__ import annotations

from typing import Any

import learning_builders as lessons
import pytest

from annotation import queue
from annotation.errors import Conflict
from annotation.models import Event, Project, Reference, Series, Slot, Stream
from learning import overview, recipes, registry, rounds
from learning.curve import curves, forecasts, stop_decisions, stop_set
from learning.errors import NoLabelSignals, NotComparable, NotEnoughToStop
from learning.measuring import comparison, label_issues, said_of_cases, subgroups
from learning.models import Arm, CurvePoint, Forecast, Round, Score, TrainedModel

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("artifacts_folder"),
]


def described(project: Project, stream: str, **attributes: list[str]) -> None:
    """The headers of a stream's images, in turn."""
    for index, case in enumerate(project.cases.filter(stream=stream).order_by("pk")):
        said = {name: values[index % len(values)] for name, values in attributes.items()}
        Series.objects.filter(cases=case).update(attributes=said)


@pytest.fixture
def project() -> Project:
    return lessons.quickly_taught(unread=4, operating={"at": "sensitivity", "value": 0.8})


def finished(project: Project) -> Round:
    return lessons.finish(lessons.start(project))


def ensemble(round_: Round) -> TrainedModel:
    found = registry.find(round_, Arm.ALL)
    assert found is not None
    return found


def test_a_subgroup_has_a_number_or_says_that_its_patients_are_too_few() -> None:
    project = lessons.quickly_taught(unread=0)
    for index in range(12, 24):
        lessons.case(project, "holdout", index, value="yes" if index % 2 else "no")
    described(
        project,
        "holdout",
        PatientSex=["F", "F", "M", "M"],
        AgeBand=["40-59"] * 20 + ["80+"] * 4,
        Manufacturer=["Acme"],
        ManufacturerModelName=["One", "Two", "One", "Two"],
    )
    rows = {
        (row.grouping, row.subgroup): row
        for row in ensemble(finished(project)).evaluations.exclude(grouping="")
    }
    assert set(rows) == {
        ("sex", "F"), ("sex", "M"), ("age", "40-59"), ("age", "80+"),
        ("scanner", "Acme One"), ("scanner", "Acme Two"),
    }  # fmt: skip
    assert rows["sex", "F"].value is not None
    assert rows["sex", "F"].patients == 12
    assert rows["age", "80+"].value is None
    assert rows["age", "80+"].note == "4 of at least 10 patients: too few to say."
    assert "alike" in rows["scanner", "Acme One"].note


def test_groupings_that_tell_nobody_apart_have_no_rows() -> None:
    circumstances = {1: {"sex": "F", "site": ""}, 2: {"sex": "F", "site": "A"}, 3: {"sex": "F"}}
    found = subgroups.members([1, 2, 3], circumstances)
    assert found == {("site", "A"): [1]}


def test_the_operating_point_is_chosen_on_the_calibration_stream(project: Project) -> None:
    for index in range(10, 30):
        lessons.case(project, "calibration", index, value="yes" if index % 2 else "no")
    model = ensemble(finished(project))
    point = model.operating_point
    assert "sensitivity of at least 0.8 on 30 cases of the calibration stream" in point["note"]
    row = model.evaluations.get(metric="balanced_accuracy", grouping="")
    assert row.detail["threshold"] == point["threshold"] != 0.5
    said = said_of_cases.by_case(model)
    truth = dict(model.round.snapshot.items.values_list("case_id", "reference__answers__finding"))
    found = [said[c].values[1] >= point["threshold"] for c in said if truth[c] == "yes"]
    sensitivity = model.evaluations.get(metric="sensitivity", grouping="")
    assert sensitivity.value == pytest.approx(sum(found) / len(found))


def test_too_few_calibration_labels_leave_one_half_and_say_so(project: Project) -> None:
    model = ensemble(finished(project))
    assert model.operating_point["threshold"] == 0.5
    assert "too few labels" in model.operating_point["note"]


def test_two_networks_are_compared_with_each_other_and_masks_by_their_surfaces() -> None:
    project = lessons.project(lessons.MASK_RECIPE)
    for stream, amount in {"pool": 3, "control": 3, "calibration": 2, "holdout": 3}.items():
        for index in range(amount):
            lessons.volume_case(project, stream, index)
    model = ensemble(finished(project))
    agreement = model.evaluations.get(metric="network_dice")
    assert 0 <= agreement.value <= 1
    metrics = set(model.evaluations.values_list("metric", "subgroup"))
    assert {("hd95", ""), ("hd95", "lesion"), ("assd", ""), ("surface_dice", "lesion")} <= metrics
    assert set(model.stop_answers) == {
        str(pk) for pk in project.cases.filter(stream="calibration").values_list("pk", flat=True)
    }
    same = stop_set.between([model, model, model])
    assert (same.agreement, same.cases) == (None, 2)
    assert "2 of at least 10" in same.problem


def test_each_class_has_a_point_of_the_learning_curve() -> None:
    project = lessons.taught(lessons.SHORT_RECIPE, unread=0)
    round_ = finished(project)
    curve = curves.of(project)
    assert {point.subgroup for point in curve.points} == {""}
    assert {point.arm for point in curve.points} == {"active", "control"}
    assert curve.by_class == {}
    CurvePoint.objects.create(
        round=round_, arm="active", labels=9, reader_seconds=1, metric="dice", subgroup="lesion",
        value=0.5, patients=9,
    )  # fmt: skip
    assert list(curves.of(project).by_class) == ["lesion"]


def test_two_models_are_compared_on_what_both_said_of_the_same_cases(project: Project) -> None:
    first, second = ensemble(finished(project)), ensemble(finished(project))
    said = comparison.of(second, first)
    assert said.cases == 12
    main = said.rows[0]
    assert (main.metric, main.grouping, main.difference.method) == ("auroc", "", "delong")
    assert main.difference.value == pytest.approx(
        said_of_cases.main_of(second).value - said_of_cases.main_of(first).value
    )
    other = comparison.of(first, second).rows[0].difference
    assert other.value == pytest.approx(-main.difference.value)
    assert 0 <= said.mcnemar <= 1
    case = project.cases.filter(stream=Stream.HOLDOUT).first()
    row = said_of_cases.main_of(first)
    row.detail["by_case"] = [e for e in row.detail["by_case"] if e["case"] != case.pk]
    row.save()
    assert comparison.of(second, first).cases == 11
    with pytest.raises(NotComparable, match="itself"):
        comparison.of(first, first)
    row.detail["by_case"] = []
    row.save()
    with pytest.raises(NotComparable, match="No case"):
        comparison.of(second, first)


def test_a_network_can_be_compared_with_its_ensemble(project: Project) -> None:
    model = ensemble(finished(project))
    network = registry.members(model).get()
    difference = comparison.of(model, network).rows[0].difference
    assert difference.value == pytest.approx(0)


def curve_point(round_: Round, labels: int, value: float, **given: Any) -> None:
    CurvePoint.objects.create(
        round=round_, arm=Arm.ACTIVE, labels=labels, reader_seconds=60 * labels, metric="auroc",
        value=value, low=value - 0.03, high=value + 0.03, patients=50, **given,
    )  # fmt: skip


def rounds_of(project: Project, values: list[float]) -> list[Round]:
    made = [
        Round.objects.create(
            project=project, number=number, recipe=project.recipes.get(), seed=1, trigger="api",
            state=Round.State.DONE,
        )
        for number in range(1, len(values) + 1)
    ]  # fmt: skip
    for number, (round_, value) in enumerate(zip(made, values, strict=True), start=1):
        curve_point(round_, 20 * number, value)
    return made


def test_a_forecast_is_kept_and_checked_against_what_came(project: Project) -> None:
    recipe = registry_recipe(project)
    made = rounds_of(project, [0.7, 0.78, 0.81])
    assert forecasts.make(made[-1], recipe) is None
    fourth = Round.objects.create(
        project=project, number=4, recipe=made[0].recipe, seed=1, trigger="api", state="done"
    )
    curve_point(fourth, 80, 0.83)
    kept = forecasts.make(fourth, recipe)
    assert kept is not None
    assert (kept.labels, kept.batch, kept.minutes) == (80, recipe.batch, 2.0)
    assert kept.low <= kept.gain <= kept.high
    (waiting,) = forecasts.checked(project)
    assert waiting.error is None
    fifth = Round.objects.create(
        project=project, number=5, recipe=made[0].recipe, seed=1, trigger="api", state="done"
    )
    curve_point(fifth, 120, 0.9)
    (checked,) = forecasts.checked(project)
    assert (checked.labels, checked.measured) == (120, 0.9)
    assert checked.expected.low < checked.expected.value < 0.9
    assert checked.error == pytest.approx(0.9 - checked.expected.value)
    assert Forecast.objects.get() == kept


def registry_recipe(project: Project) -> Any:
    return recipes.parsed(recipes.current(project))


def test_the_price_of_a_batch_is_the_time_that_readings_took(project: Project) -> None:
    """Every reading that the builders make took half a minute."""
    assert forecasts.price(project, 10) == pytest.approx(5)
    assert forecasts.price(lessons.project(), 10) is None


def test_a_lead_signs_a_stop_against_the_rule_only_when_asking_for_it(project: Project) -> None:
    lead = lessons.lead(project)
    with pytest.raises(NotEnoughToStop):
        stop_decisions.decide(project, choice="stop", reason="Enough.", user=lead)
    signed = stop_decisions.decide(
        project, choice="stop", reason="The money is gone.", user=lead, against_rule=True
    )
    assert stop_decisions.standing_stop(project) == signed
    step = overview.of(project).next_step
    assert step is not None
    assert (step.code, step.page) == ("stopped", "learning")
    assert [condition["met"] for condition in signed.conditions] == [None, None, None]
    event = Event.objects.filter(verb="learning.decide").latest("seq")
    assert (event.actor, event.data["reason"]) == (lead, "The money is gone.")
    stop_decisions.decide(project, choice="go_on", reason="New money.", user=lead)
    assert stop_decisions.standing_stop(project) is None
    assert [each.choice for each in stop_decisions.of(project).decisions] == ["go_on", "stop"]


def test_after_a_signed_stop_no_round_starts_by_rule(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(round_every=1)
    project.refresh_from_db()
    assert rounds.due_by_rule(project)
    lead = lessons.lead(project)
    stop_decisions.decide(project, choice="stop", reason="Enough.", user=lead, against_rule=True)
    assert not rounds.due_by_rule(project)
    stop_decisions.decide(project, choice="go_on", reason="More.", user=lead)
    assert rounds.due_by_rule(project)


def test_stability_is_the_kappa_of_the_last_three_models(project: Project) -> None:
    models = [ensemble(finished(project)) for _ in range(3)]
    answers = {str(case): case % 2 for case in range(60)}
    turned = answers | {"0": 1, "2": 1, "4": 1}
    for model, said in zip(models, (answers, answers, turned), strict=True):
        TrainedModel.objects.filter(pk=model.pk).update(stop_answers=said)
    found = stop_set.stability(project)
    assert found.cases == 60
    assert found.agreement == pytest.approx((1 + 0.9 + 0.9) / 3)


@pytest.fixture
def doubted(project: Project) -> tuple[Project, int]:
    """A finished round after which scored pool cases are read, one of them against all evidence."""
    model = ensemble(finished(project))
    for index in range(40, 64):
        value = "yes" if index % 2 else "no"
        case = lessons.case(project, "pool", index, value=value)
        yes = 0.9 if value == "yes" else 0.1
        said = {"ensemble": [1 - yes, yes]}
        Score.objects.create(
            case=case, model=model, probabilities=said, uncertainty=0, disagreement=0
        )
    Score.objects.filter(case=case).update(probabilities={"ensemble": [0.98, 0.02]})
    return project, case.pk


def test_a_label_against_the_evidence_comes_first(doubted: tuple[Project, int]) -> None:
    project, case = doubted
    found = label_issues.of(project)
    assert found.compared == 24 + 12
    pool = [issue for issue in found.found if issue.basis == "scored_before"]
    assert pool[0].case == case
    assert (pool[0].given, pool[0].likelier, pool[0].doubtful) == ("yes", "no", True)
    assert pool[0].probability == 0.02
    assert len(pool) == 1


def test_what_a_model_learnt_from_is_no_evidence(doubted: tuple[Project, int]) -> None:
    project, _ = doubted
    model = project.trained_models.filter(network="ensemble", arm="all").get()
    learnt = model.round.snapshot.items.filter(stream="pool").first()
    Score.objects.create(
        case=learnt.case, model=model, probabilities={"ensemble": [0.5, 0.5]},
        uncertainty=0, disagreement=0,
    )  # fmt: skip
    assert label_issues.of(project).compared == 24 + 12


def test_too_little_evidence_says_how_much_is_missing(project: Project) -> None:
    with pytest.raises(NoLabelSignals, match="0 of at least 20"):
        label_issues.of(project)


def test_a_lead_asks_for_another_reading_once_and_the_label_stands_meanwhile(
    project: Project,
) -> None:
    case = project.cases.filter(stream="pool", references__current=True).first()
    lead, before = lessons.lead(project), Reference.objects.get(case=case, current=True)
    made = Slot.objects.filter(case=case).count()
    assert queue.ask_another(case, lead, reason="Doubtful.") >= 2
    (slot,) = Slot.objects.filter(case=case, state="open")
    assert slot.purpose == "audit"
    assert Slot.objects.filter(case=case).count() == made + 1
    assert Reference.objects.get(case=case, current=True) == before
    with pytest.raises(Conflict, match="wanted already"):
        queue.ask_another(case, lead, reason="Again.")
    event = Event.objects.filter(verb="case.ask_another").get()
    assert (event.actor, event.data["reason"]) == (lead, "Doubtful.")


def test_the_way_back_is_known(project: Project) -> None:
    first, second = ensemble(finished(project)), ensemble(finished(project))
    by = lessons.lead(project)
    used = registry.in_use(project)
    other = second if used == first else first
    registry.use(other, user=by, reason="Try it.")
    assert registry.before(other) == used.pk
    registry.use(used, user=by, reason="Back.")
    assert registry.before(used) == other.pk
