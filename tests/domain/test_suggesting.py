"""Suggestions made by trained networks: of the right cases, by the model in use, in the reader's words."""

from __future__ import annotations

import gzip

import builders
import learning_builders as lessons
import numpy as np
import pytest
import suggestion_builders as hints
from django.db import connection

from annotation import queue, schema_versions, suggestions
from annotation.models import Case, Event, Project, Role, Showing, Slot, Suggestion
from learning import artifacts, datasets, due, recipes, registry
from learning.assisting import assistance, suggest, suggesting
from learning.models import Arm, TrainedModel

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("artifacts_folder"),
]


def assisted(project: Project, mode: str = "at_once") -> Project:
    Project.objects.filter(pk=project.pk).update(suggestions=mode, blind_to_model=False)
    project.refresh_from_db()
    return project


@pytest.fixture
def project() -> Project:
    made = assisted(lessons.quickly_taught(unread=3))
    lessons.finish(lessons.start(made))
    assert registry.in_use(made)
    return made


def make_all(project: Project) -> None:
    for _ in range(20):
        if not suggesting.make_some(project.pk):
            return
    raise AssertionError("there is always something left to suggest")


def unread(project: Project) -> list[Case]:
    return list(project.cases.filter(slots__state="open").order_by("pk"))


def test_the_cases_that_wait_get_what_the_model_in_use_says(project: Project) -> None:
    model = registry.in_use(project)
    make_all(project)
    found = {one.case_id: one for one in Suggestion.objects.filter(current=True)}
    assert found.keys() == {case.pk for case in unread(project)}
    for one in found.values():
        said = model.scores.get(case=one.case_id).probabilities["ensemble"]
        [item] = one.items
        assert item["confidence"] == pytest.approx(max(said), abs=1e-3)
        assert item["value"] == ["no", "yes"][int(np.argmax(said))]
        assert (one.model, one.weights_sha256, one.round) == (model.pk, model.weights_sha256, 1)
    event = Event.objects.get(verb="suggestions.make")
    assert sorted(event.data["cases"]) == sorted(found)


def test_no_case_of_an_evaluating_stream_ever_gets_one(project: Project) -> None:
    for stream in ("holdout", "calibration"):
        lessons.case(project, stream, 5000)
    make_all(project)
    streams = Suggestion.objects.values_list("case__stream", flat=True)
    assert set(streams) == {"pool"}


def test_it_is_due_until_all_is_done_and_again_for_another_model(project: Project) -> None:
    wanted = (suggesting.ACTOR, project.pk)
    assert wanted in set(due.due())
    make_all(project)
    assert wanted not in set(due.due())
    before = registry.in_use(project)
    lessons.finish(lessons.start(project))
    later = project.trained_models.filter(arm=Arm.ALL, network="ensemble").latest("pk")
    lead = builders.user(Role.LEAD, project=project)
    if registry.in_use(project) == before:
        registry.use(later, user=lead, reason="newer")
    assert not Suggestion.objects.filter(current=True).exclude(model=later.pk).exists()
    assert wanted in set(due.due())
    make_all(project)
    models = Suggestion.objects.filter(current=True).values_list("model", flat=True)
    assert set(models) == {later.pk}
    assert suggestions.sweep() == len(unread(project))


@pytest.mark.parametrize("change", [{"suggestions": "off"}, {"blind_to_model": True}])
def test_a_project_without_suggestions_costs_nothing(
    project: Project, change: dict[str, object]
) -> None:
    Project.objects.filter(pk=project.pk).update(**change)
    assert (suggesting.ACTOR, project.pk) not in set(due.due())
    assert not suggesting.make_some(project.pk)
    assert not Suggestion.objects.exists()


def test_before_the_first_model_nothing_is_due() -> None:
    project = assisted(lessons.quickly_taught(unread=2))
    assert (suggesting.ACTOR, project.pk) not in set(due.due())
    assert not suggesting.make_some(project.pk)


def test_a_case_that_cannot_be_decoded_gets_a_reason_and_stops_no_other(project: Project) -> None:
    bad, *good = unread(project)
    recipe = recipes.parsed(recipes.current(project))
    datasets.image_of(bad, recipe).path.write_bytes(b"no array")
    make_all(project)
    broken = Suggestion.objects.get(case=bad)
    assert broken.problem
    assert broken.items == []
    assert Suggestion.objects.filter(problem="").count() == len(good)


def test_weights_that_are_gone_stop_nothing_else(project: Project) -> None:
    for member in registry.members(registry.in_use(project)):
        artifacts.weights_path(member.weights_sha256).unlink()
    assert not suggesting.make_some(project.pk)
    reader = builders.reader(project)
    slot = queue.claim(project, reader)
    assert suggestions.find(slot) is None


def test_a_model_put_into_use_while_another_one_speaks_wins(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = suggest._ask

    def while_another_is_chosen(model: TrainedModel, *rest: object) -> object:
        answer = said(model, *rest)
        TrainedModel.objects.filter(pk=model.pk).update(state="retired")
        return answer

    monkeypatch.setattr(suggest, "_ask", while_another_is_chosen)
    assert suggesting.make_some(project.pk)
    assert not Suggestion.objects.exists()


def test_two_workers_do_not_do_the_same_work(project: Project) -> None:
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [suggesting.LOCK, project.pk])
        assert not suggesting.make_some(project.pk)
        assert not Suggestion.objects.exists()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [suggesting.LOCK, project.pk])
    finally:
        other.close()
    assert suggesting.make_some(project.pk)


def test_a_schema_that_the_model_does_not_speak_is_said_once(project: Project) -> None:
    lead = builders.user(Role.LEAD, project=project)
    question = {**builders.QUESTION, "code": "other"}
    document = builders.label_document(questions=[question])
    schema_versions.add(project, document, user=lead)
    make_all(project)
    assert Suggestion.objects.filter(items=[], problem__contains="finding").count() == 3


@pytest.mark.parametrize("marks", [["labelmap"], ["box"]])
def test_a_mask_is_suggested_as_the_schema_lets_readers_mark(
    marks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = {**lessons.MASK_RECIPE, "networks": ["unet"]}
    made = lessons.project(
        recipe, task="segmentation", label_schema=builders.label_document(marks=marks, questions=[])
    )
    project = assisted(made)
    for stream, amount in {"pool": 3, "control": 2, "calibration": 2, "holdout": 2}.items():
        for index in range(amount):
            lessons.volume_case(project, stream, index)
    waiting = lessons.volume_case(project, "pool", 99, masked=False)
    lessons.finish(lessons.start(project))
    blob = np.zeros(lessons.VOLUME, np.uint8)
    blob[3:6, 4:9, 5:11] = 1
    monkeypatch.setattr(
        suggest.predict, "predict", _predicting(suggest.predict.predict, waiting.pk, blob)
    )
    make_all(project)
    one = Suggestion.objects.get(case=waiting)
    if marks == ["labelmap"]:
        [item] = one.items
        assert (item["label_class"], item["voxels"], item["index"]) == ("lesion", 90, 3)
        stored = gzip.decompress(bytes(one.mask.gzip))
        assert stored == blob.tobytes()
        assert (one.mask.shape, one.mask.labels) == ([8, 16, 16], [1])
    else:
        [item] = one.items
        frame = waiting.series.get().display["frames"][3]
        assert item["sop_instance_uid"] == frame["sop_instance_uid"]
        assert item["points_px"] == [[4.5, 3.5], [10.5, 8.5]]
        assert one.mask is None


def _predicting(original: object, case: int, mask: np.ndarray) -> object:
    """The real network, whose mask of one case is then exchanged: it learnt too little to be right."""

    def predict(*arguments: object, on_mask: object, **more: object) -> object:
        said = original(*arguments, on_mask=on_mask, **more)  # type: ignore[operator]
        on_mask(case, mask)  # type: ignore[operator]
        return said

    return predict


def test_what_readers_did_is_counted_for_each_model(project: Project) -> None:
    make_all(project)
    for value, decision in (("yes", "accepted"), ("no", "rejected")):
        slot = queue.claim(project, builders.reader(project))
        made = suggestions.show(slot, slot.reader)
        decisions = hints.decided(made, **{decision: "answer:finding"})
        wanted = made.items[0]["value"] if decision == "accepted" else value
        hints.submit(slot, {**builders.content(wanted), "suggestions": decisions})
    [use] = assistance.of(project)
    assert (use.round, use.reads, use.state) == (1, 2, "in_use")
    [kind] = use.kinds
    assert kind.kind == "answers"
    assert kind.outcomes == {"accepted": 1, "edited": 0, "rejected": 1, "ignored": 0}
    assert kind.acceptance.value == 0.5
    assert 0 < kind.acceptance.low < 0.5 < kind.acceptance.high < 1
    assert use.seconds == 20


def test_a_correction_counts_in_place_of_what_it_corrects(project: Project) -> None:
    make_all(project)
    slot = queue.claim(project, builders.reader(project))
    made = suggestions.show(slot, slot.reader)
    wanted = made.items[0]["value"]
    taken = {
        **builders.content(wanted),
        "suggestions": hints.decided(made, accepted="answer:finding"),
    }
    hints.submit(slot, taken)
    other = "no" if wanted == "yes" else "yes"
    hints.submit(slot, {**taken, **builders.content(other)})
    [use] = assistance.of(project)
    assert use.reads == 1
    assert use.kinds[0].outcomes["edited"] == 1
    assert use.kinds[0].agreement.value == 0
    assert Showing.objects.count() == 1
    assert Slot.objects.get(pk=slot.pk).state == "done"
