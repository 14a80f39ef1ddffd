"""Rounds of each task from readers' answers and marks to suggestions in their words."""

from __future__ import annotations

from typing import Any

import builders
import learning_builders as lessons
import numpy as np
import pytest
from numpy.typing import NDArray

from annotation import schema_versions, snapshots
from annotation.errors import InvalidInput
from annotation.models import Answer, Case, LabelSchema, Mark, Project, Read, Reference, Suggestion
from learning import datasets, labels, overview, recipes, registry, rounds
from learning.assisting import suggesting
from learning.engine.spec import Box, parse
from learning.models import Arm, CurvePoint, Evaluation, Ranking, Round, Score
from learning.pool import ranking
from learning.teaching import Unusable
from learning.teaching.places import _in_array, _on_screen

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("artifacts_folder"),
]

FINDINGS = {
    "code": "findings", "text": "What is there?", "type": "multichoice",
    "options": [{"value": v, "label": v.title()} for v in ("effusion", "nodule", "nothing")],
}  # fmt: skip
GRADE = {"code": "grade", "text": "How bad?", "type": "scale", "min": 0, "max": 3}
ANGLE = {
    "code": "angle", "text": "Angle", "type": "number", "min": 0, "max": 90, "step": 0.5,
    "unit": "°",
}  # fmt: skip
LESION = {"code": "lesion", "name": "Lesion", "colour": "#e8a33d", "value": 1}
SPINE = {
    "code": "spine", "name": "Spine", "colour": "#3d8ae8", "value": 2,
    "marks": ["landmark"], "landmarks": ["L1", "L2"],
}  # fmt: skip
SHORT = {
    "epochs": 1, "minimum_steps": 1, "batch_size": 16, "batch": 2, "minimum_labels": 9,
    "augment": False,
}  # fmt: skip
RECIPES: dict[str, dict[str, Any]] = {
    "multilabel": {
        "question": "findings", "classes": ["effusion", "nodule"],
        "networks": ["densenet", "vit"], "input_size": [32, 32],
    },
    "ordinal": {
        "question": "grade", "classes": ["0", "1", "2", "3"], "networks": ["densenet", "vit"],
        "input_size": [32, 32],
    },
    "regression": {
        "question": "angle", "networks": ["densenet", "vit"], "input_size": [32, 32],
    },
    "landmarks": {
        "classes": ["spine/L1", "spine/L2"], "networks": ["unet", "segresnet"],
        "input_size": [16, 16],
    },
    "detection": {
        "classes": ["lesion"], "networks": ["unet", "segresnet"], "input_size": [32, 32],
    },
}  # fmt: skip
LABELLED = {"pool": 8, "control": 4, "calibration": 8, "holdout": 6}


def asked(**changes: Any) -> dict[str, Any]:
    return {
        "classes": [LESION, SPINE],
        "marks": ["box", "landmark"],
        "questions": [FINDINGS, GRADE, ANGLE],
        **changes,
    }


def project(task: str, document: dict[str, Any] | None = None, **recipe: Any) -> Project:
    given = {"task": task, **SHORT, **RECIPES[task], **recipe}
    return lessons.project(
        given, label_schema=document or asked(), suggestions="at_once", blind_to_model=False
    )


def bright(index: int) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """A picture with a bright square, and the square's first row and column."""
    row, column = 2 + index * 5 % 18, 2 + index * 7 % 18
    image = np.random.default_rng(index).normal(0, 1, (lessons.SIDE, lessons.SIDE))
    image[row : row + 10, column : column + 10] += 4
    return image.astype(np.float32), (row, column)


def add(project: Project, stream: str, index: int) -> Case:
    case = lessons.case(project, stream, index, image=False)
    lessons.store_image(case, bright(index)[0])
    return case


def marks_of(case: Case, task: str, index: int) -> list[dict[str, Any]]:
    row, column = bright(index)[1]
    box = builders.box(case, corners=((column - 0.5, row - 0.5), (column + 9.5, row + 9.5)))
    if task == "detection":
        return [] if index % 4 == 3 else [box]
    points = {"L1": [column, row], "L2": [column + 9, row + 9]}
    named = [
        {**box, "tracking_uid": builders.uid(), "kind": "landmark", "label_class": "spine",
         "points_px": [place], "text": name}
        for name, place in points.items()
    ]  # fmt: skip
    return named[:1] if index % 4 == 3 else named


def answer_of(task: str, index: int) -> dict[str, Any]:
    row = bright(index)[1][0]
    return {
        "multilabel": {"findings": [["nothing"], ["effusion"], ["nodule", "effusion"]][index % 3]},
        "ordinal": {"grade": index % 4},
        "regression": {"angle": row * 2.5},
    }.get(task, {})


def label(case: Case, task: str, index: int) -> Reference:
    marks = marks_of(case, task, index) if task in ("landmarks", "detection") else []
    answers = answer_of(task, index)
    return builders.reference(case, builders.read(case), answers=answers, marks=marks)


def taught(task: str, *, pool: int = LABELLED["pool"], **recipe: Any) -> Project:
    made = project(task, **recipe)
    for stream, amount in {**LABELLED, "pool": pool}.items():
        for index in range(amount):
            label(add(made, stream, index), task, index)
    for index in range(3):
        add(made, "pool", 100 + index)
    return made


def suggest_all(project: Project) -> list[Suggestion]:
    for _ in range(20):
        if not suggesting.make_some(project.pk):
            break
    return list(Suggestion.objects.filter(project=project, current=True).order_by("case"))


def check_answers(found: list[dict[str, Any]], task: str) -> None:
    for item in found:
        assert item["kind"] == "answer"
        if task == "multilabel":
            assert set(item["value"]) <= {"effusion", "nodule"}
            assert 0 < item["confidence"] <= 1
        elif task == "ordinal":
            assert item["value"] in range(4)
            assert 0 < item["confidence"] <= 1
        else:
            assert 0 <= item["value"] <= 90
            assert item["value"] * 2 % 1 == 0
            assert item["spread"] > 0


@pytest.mark.parametrize("task", RECIPES)
def test_a_round_of_each_task_ends_with_suggestions(task: str) -> None:
    made = taught(task)
    assert rounds.why_not(made) == ""
    assert overview.of(made).labels["all"] == 12
    done = lessons.finish(lessons.start(made))
    assert (done.state, done.error) == (Round.State.DONE, "")
    model = registry.find(done, Arm.ALL)
    assert model is not None
    metric = recipes.parsed(done.recipe).metric
    main = Evaluation.objects.get(model=model, metric=metric, subgroup="")
    assert main.value is not None, main.note
    assert len(main.detail["by_case"]) == LABELLED["holdout"]
    assert set(CurvePoint.objects.filter(round=done).values_list("metric", flat=True)) <= {metric}
    for score in Score.objects.filter(model=model):
        assert set(score.probabilities) >= {"ensemble", *recipes.parsed(done.recipe).networks}
        assert bool(score.boxes) == (task == "detection")
        assert 0 <= score.uncertainty <= 1
        assert 0 <= score.disagreement <= 1
    ranked = Ranking.objects.get(round=done)
    assert ranked.size == 3
    assert len(ranked.batch) == 2
    registry.in_use(made) or registry.use(model, user=lessons.lead(made), reason="to suggest")
    suggestions = suggest_all(made)
    assert len(suggestions) == 3
    assert not [one.problem for one in suggestions if one.problem]
    if task in ("multilabel", "ordinal", "regression"):
        check_answers([item for one in suggestions for item in one.items], task)


@pytest.mark.parametrize("task", ["multilabel", "landmarks", "detection"])
def test_a_second_round_is_compared_on_the_same_cases(task: str) -> None:
    made = taught(task, networks=RECIPES[task]["networks"][1:])
    lessons.finish(lessons.start(made))
    again = lessons.finish(lessons.start(made))
    assert (again.state, again.error) == (Round.State.DONE, "")
    candidate = registry.find(again, Arm.ALL)
    assert candidate is not None
    assert "against the model in use (round 1) on the same 6 patients" in candidate.state_reason


def suggested_after_training(task: str) -> list[Suggestion]:
    """Trained for so long that what is suggested is where it should be."""
    made = taught(
        task, pool=20, minimum_labels=22, epochs=16, minimum_steps=12, learning_rate=5e-3,
        input_size=[32, 32], networks=["unet"], batch_size=8,
    )  # fmt: skip
    done = lessons.finish(lessons.start(made), slices=400)
    assert (done.state, done.error) == (Round.State.DONE, "")
    return suggest_all(made)


def test_points_are_suggested_where_they_are_on_the_screen() -> None:
    for index, one in enumerate(suggested_after_training("landmarks")):
        row, column = bright(100 + index)[1]
        found = {item["text"]: item["points_px"][0] for item in one.items}
        expected = {"L1": [column, row], "L2": [column + 9, row + 9]}
        assert found.keys() == expected.keys()
        for name, place in expected.items():
            assert np.abs(np.subtract(found[name], place)).max() < 2.5
        assert {item["label_class"] for item in one.items} == {"spine"}
        assert all(0 < item["confidence"] <= 1 for item in one.items)


def shared(one: Any, other: Any) -> float:
    """Intersection over union of two boxes, each two corners."""
    low, high = np.maximum(one[0], other[0]), np.minimum(one[1], other[1])
    common = float(np.prod(np.clip(high - low, 0, None)))
    areas = [float(np.prod(np.subtract(box[1], box[0]))) for box in (one, other)]
    return common / (sum(areas) - common)


def test_boxes_are_suggested_where_they_are_on_the_screen() -> None:
    found = suggested_after_training("detection")
    assert len([one for one in found if one.items]) >= 2
    for index, one in enumerate(found):
        row, column = bright(100 + index)[1]
        frame = one.case.series.get().display["frames"][0]
        for item in one.items[:1]:
            expected = [[column - 0.5, row - 0.5], [column + 9.5, row + 9.5]]
            found_middle, middle = np.mean(item["points_px"], axis=0), np.mean(expected, axis=0)
            assert np.abs(found_middle - middle).max() < 2.5
            assert shared(item["points_px"], expected) > 0.4
            assert (item["kind"], item["label_class"]) == ("box", "lesion")
            assert item["sop_instance_uid"] == frame["sop_instance_uid"]
            assert 0.3 <= item["confidence"] <= 1


@pytest.mark.parametrize(
    ("task", "change", "document", "said"),
    [
        ("multilabel", {"question": "grade"}, None, "a question of type multichoice"),
        ("multilabel", {"classes": ["effusion", "gout"]}, None, "be answered by gout"),
        ("multilabel", {"question": "other"}, None, "no question “other”"),
        ("ordinal", {"question": "findings"}, None, "learns a scale"),
        ("ordinal", {"classes": ["1", "2", "9"]}, None, "be answered by 9"),
        ("regression", {"question": "findings"}, None, "learns a number"),
        ("regression", {"classes": ["a"]}, None, "names none"),
        ("landmarks", {"classes": ["spine"]}, None, "say which, for example spine/L1"),
        ("landmarks", {"classes": ["spine/L9"]}, None, "no landmark “L9”"),
        ("landmarks", {"classes": ["rib/R1"]}, None, "no class rib"),
        ("detection", {"classes": ["cyst"]}, None, "no class cyst"),
        ("detection", {}, asked(marks=["landmark"]), "no marks of kind box"),
        ("detection", {"input_size": [32, 32, 32]}, None, "must be 2 whole numbers"),
        ("regression", {"acquisition": "margin"}, None, "exclude one another"),
        ("detection", {"acquisition": "part_doubt"}, None, "only a segmentation, several"),
        ("multilabel", {"labels": "loud"}, None, "reference or soft"),
    ],
)
def test_a_recipe_that_the_schema_cannot_teach_is_refused(
    task: str, change: dict[str, Any], document: dict[str, Any] | None, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        project(task, document, **change)


def test_too_few_boxes_are_said_before_a_round_starts() -> None:
    made = project("detection", minimum_labels=4)
    for index in (3, 7, 11, 15, 19):
        label(add(made, "pool", index), "detection", index)
    assert "0 training labels say “boxes”" in rounds.why_not(made)


def read_by(case: Case, **given: Any) -> Read:
    """Another reader's read; ``given``: answers by question."""
    read = builders.read(case)
    Answer.objects.bulk_create(
        Answer(read=read, question=question, value=value) for question, value in given.items()
    )
    return read


def several(case: Case, *reads: Read, **answers: Any) -> Reference:
    return builders.reference(case, *reads, method="majority", answers=answers)


def target(project: Project, reference: Reference) -> Any:
    snapshot = snapshots.freeze(project, title="labels", query={}, user=lessons.lead(project))
    recipe = recipes.parsed(recipes.current(project))
    chosen = labels.items(snapshot, recipe, reference.case.stream)
    data = datasets.of_items(chosen, recipe, after_each=lambda made: None)
    if data.left_out:
        raise Unusable(data.left_out[0][1])
    return data.samples[0].target


@pytest.mark.parametrize(
    ("task", "values", "expected"),
    [
        ("multilabel", [["effusion"], ["effusion", "nodule"], ["nothing"]], (2 / 3, 1 / 3)),
        ("ordinal", [1, 1, 3], (0, 2 / 3, 0, 1 / 3)),
        ("regression", [10, 20, 45], 25),
    ],
)
def test_readers_who_differ_teach_by_their_shares(
    task: str, values: list[Any], expected: Any
) -> None:
    made = project(task, labels="soft")
    case, question = add(made, "pool", 0), RECIPES[task]["question"]
    reference = several(case, *[read_by(case, **{question: value}) for value in values])
    assert labels.count(made, recipes.parsed(recipes.current(made))).of("pool").total() == 1
    assert target(made, reference) == pytest.approx(expected)


def test_without_soft_readers_who_differ_about_a_grade_teach_nothing() -> None:
    made = project("ordinal")
    case = add(made, "pool", 0)
    several(case, read_by(case, grade=1), read_by(case, grade=2))
    assert labels.count(made, recipes.parsed(recipes.current(made))).of("pool").total() == 0


def test_a_finding_that_could_not_be_chosen_is_not_known() -> None:
    older = {**FINDINGS, "options": FINDINGS["options"][::2]}  # type: ignore[index]
    made = builders.project(secret=lessons.SECRET, label_schema=asked(questions=[older]))
    case = lessons.case(made, "pool", 0, image=False)
    reference = builders.reference(case, builders.read(case), answers={"findings": ["effusion"]})
    LabelSchema.objects.create(project=made, version=2, document=asked())
    recipes.store(made, {"task": "multilabel", **SHORT, **RECIPES["multilabel"]})
    lessons.store_image(case, bright(0)[0])
    assert target(made, reference) == (1.0, None)


def drawn_by(case: Case, *marks: dict[str, Any]) -> Read:
    read = builders.read(case)
    names = (
        "tracking_uid",
        "kind",
        "label_class",
        "sop_instance_uid",
        "frame",
        "points_px",
        "text",
    )
    for mark in marks:
        Mark.objects.create(read=read, **{name: mark[name] for name in names})
    return read


def test_boxes_of_several_readers_become_one_by_overlap_and_share() -> None:
    made = project("detection", labels="soft")
    case = add(made, "pool", 0)
    here = builders.box(case, corners=((2, 4), (12, 14)))
    near = builders.box(case, corners=((4, 14), (14, 4)))
    apart = builders.box(case, corners=((20, 20), (26, 28)))
    reference = several(case, drawn_by(case, here, apart), drawn_by(case, near))
    assert target(made, reference) == (
        Box(0, (4.0, 3.0), (14.0, 13.0), 1.0),
        Box(0, (20.0, 20.0), (28.0, 26.0), 0.5),
    )
    recipes.store(made, {"task": "detection", **SHORT, **RECIPES["detection"]})
    assert labels.count(made, recipes.parsed(recipes.current(made))).of("pool").total() == 0


def test_a_point_that_nobody_placed_is_missing_and_of_several_readers_the_mean_counts() -> None:
    made = project("landmarks", labels="soft")
    case = add(made, "pool", 0)
    first, _ = marks_of(case, "landmarks", 0)
    row, column = bright(0)[1]
    moved = {**first, "tracking_uid": builders.uid(), "points_px": [[column + 2, row + 4]]}
    reference = several(case, drawn_by(case, first), drawn_by(case, moved))
    assert target(made, reference) == ((row + 2.0, column + 1.0), None)


def test_places_are_the_same_in_an_image_that_was_shrunk() -> None:
    recipe = parse({"task": "landmarks", **SHORT, **RECIPES["landmarks"]})
    made = project("landmarks")
    display = builders.display(rows=128, columns=64)
    series = builders.series(display=display)
    case = builders.case(made, stream="pool", series=[series])
    image = datasets.image_of(case, recipe)
    assert image.shrink == 2
    array = _in_array([20.5, 41.0], 0, image, recipe)
    assert array == (20.25, 10.0)
    frame, back = _on_screen(array, image)
    assert back == [20.5, 41.0]
    assert frame["sop_instance_uid"] == display["frames"][0]["sop_instance_uid"]


def test_masks_of_two_readers_become_shares() -> None:
    recipe = {**lessons.MASK_RECIPE, "labels": "soft"}
    made = lessons.project(recipe, task="segmentation")
    case = lessons.volume_case(made, "pool", 0, masked=False)
    series = case.series.get()
    reads = []
    for rows in (4, 8):
        voxels = np.zeros(lessons.VOLUME, np.uint8)
        voxels[2, :rows, 3] = 1
        mask = lessons.store_mask(made, series, voxels)
        read = builders.read(case)
        read.marks.create(tracking_uid=builders.uid(), kind="labelmap", label_class="", mask=mask)
        reads.append(read)
    found = np.load(target(made, several(case, *reads)))
    assert found.shape == (1, *lessons.VOLUME)
    assert found[0, 2, :10, 3].tolist() == [1.0] * 4 + [0.5] * 4 + [0.0] * 2


def test_a_schema_that_stopped_allowing_boxes_is_said_beside_the_suggestions() -> None:
    made = taught("detection", networks=["unet"])
    lessons.finish(lessons.start(made))
    schema_versions.add(made, asked(marks=["landmark"]), user=lessons.lead(made))
    assert {one.problem for one in suggest_all(made)} == {
        "The label schema allows no marks of kind box, from which to learn."
    }


def test_boxes_of_both_networks_reach_the_ranking() -> None:
    made = taught("detection")
    done = lessons.finish(lessons.start(made))
    model = registry.find(done, Arm.ALL)
    assert model is not None
    for at, score in enumerate(Score.objects.filter(model=model).order_by("case")):
        one = [[0, 0.9, 2.0, 2.0, 9.0, 9.0]]
        score.boxes = {"unet": one, "segresnet": one if at else []}
        score.save()
    pool = ranking.load(made, model)
    assert set(pool.scores.detections) == {"unet", "segresnet"}
    recipe = parse({**model.config["recipe"], "acquisition": "box_doubt", "batch": 1})
    choice = ranking.pick(model, recipe, pool, labelled=[], seed=0)
    doubts = choice.selection.scores
    assert doubts[0] > doubts[1] == doubts[2]
