"""From a network's numbers to the words of a label schema."""

from __future__ import annotations

from typing import Any

import numpy as np

from learning.assisting import items
from learning.engine import spec
from learning.teaching import teacher_of

ANSWERS = spec.parse(
    {
        "task": "classification", "question": "grade", "classes": ["1", "2", "3"],
        "networks": ["vit"], "input_size": [32, 32],
    }
)  # fmt: skip
MASKS = spec.parse(
    {
        "task": "segmentation", "classes": ["node", "lesion"], "networks": ["unet"],
        "input_size": [16, 16, 16],
    }
)  # fmt: skip
GRADE = {
    "code": "grade",
    "type": "scale",
    "options": [{"value": value, "label": str(value)} for value in (1, 2, 3)],
}
DOCUMENT: dict[str, Any] = {
    "classes": [{"code": "lesion", "value": 7}, {"code": "node", "value": 9}],
    "marks": ["labelmap"],
    "questions": [GRADE],
}
FRAMES = [{"sop_instance_uid": f"2.25.{index}", "frame": 1} for index in range(3)]


def misfit(recipe: spec.Recipe, document: dict[str, Any]) -> str:
    return next(teacher_of(recipe).misfits(recipe, document), "")


def test_an_answer_has_the_type_of_the_schema_s_option() -> None:
    assert items.answer(ANSWERS, DOCUMENT, [0.1, 0.7, 0.2]) == {
        "item": "answer:grade",
        "kind": "answer",
        "question": "grade",
        "value": 2,
        "confidence": 0.7,
    }


def test_a_mask_gets_the_schema_s_values_whatever_the_recipe_s_order() -> None:
    mask = np.array([[[0, 1, 2]]], np.uint8)
    assert items.with_class_values(mask, MASKS, DOCUMENT).tolist() == [[[0, 9, 7]]]


def test_each_class_of_a_mask_is_an_item_that_says_where_it_is() -> None:
    labelled = np.zeros((3, 8, 8), np.uint8)
    labelled[1, 2:6, 2:6] = labelled[2, 2:4, 2:4] = 7
    [item] = items.of_mask(labelled, DOCUMENT, series=5, sha256="a" * 64)
    assert (item["item"], item["label_class"], item["voxel_value"]) == ("mask:5:7", "lesion", 7)
    assert (item["voxels"], item["index"], item["mask"]) == (20, 1, "a" * 64)


def test_a_box_encloses_each_region_where_it_is_largest() -> None:
    labelled = np.zeros((3, 20, 20), np.uint8)
    labelled[0, 4:6, 4:6] = 7
    labelled[1, 3:9, 4:12] = 7
    labelled[2, 15:18, 15:18] = 9
    labelled[2, 0, 0] = 9
    large, small = items.boxes(labelled, DOCUMENT, FRAMES)
    assert (large["label_class"], large["sop_instance_uid"]) == ("lesion", "2.25.1")
    assert large["points_px"] == [[3.5, 2.5], [11.5, 8.5]]
    assert (small["label_class"], small["points_px"]) == ("node", [[14.5, 14.5], [17.5, 17.5]])
    assert large["item"] != small["item"]


def test_a_model_that_cannot_speak_the_schema_s_words_says_so() -> None:
    assert misfit(ANSWERS, DOCUMENT) == ""
    assert "answered by 1, 2, 3" in misfit(ANSWERS, {**DOCUMENT, "questions": []})
    assert misfit(MASKS, DOCUMENT) == ""
    assert "no class node" in misfit(MASKS, {**DOCUMENT, "classes": DOCUMENT["classes"][:1]})
    assert "neither masks nor boxes" in misfit(MASKS, {**DOCUMENT, "marks": ["contour"]})
