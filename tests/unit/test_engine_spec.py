"""Recipes: every problem of a document is found at once and said in a sentence."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from engine_samples import make_mask_recipe, make_recipe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learning.engine import nets, spec
from learning.engine.errors import InvalidRecipe
from learning.engine.tasks import TASKS

GOOD = {
    "task": "classification",
    "classes": ["normal", "tuberculosis"],
    "networks": ["densenet", "vit"],
    "input_size": [96, 96],
}


def test_a_short_recipe_gets_its_defaults() -> None:
    recipe = spec.parse(GOOD)
    assert (recipe.metric, recipe.acquisition, recipe.outputs) == ("auroc", "auto", 2)
    masks = spec.parse(
        {**GOOD, "task": "segmentation", "networks": ["unet"], "classes": ["lesion"]}
    )
    assert (masks.metric, masks.outputs) == ("dice", 2)


@pytest.mark.parametrize("recipe", [make_recipe(window=[-1000, 400]), make_mask_recipe()])
def test_a_recipe_survives_being_written_down(recipe: spec.Recipe) -> None:
    assert spec.parse(recipe.document()) == recipe


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"task": "poetry"}, "task is “poetry”"),
        ({"classes": ["normal"]}, "2 to 255 different class names"),
        ({"classes": ["a", "a"]}, "2 to 255 different class names"),
        ({"classes": "ab"}, "2 to 255 different class names"),
        ({"networks": ["unet"]}, "choose among densenet, vit"),
        ({"networks": []}, "choose among"),
        ({"networks": ["vit", "vit"]}, "at most once"),
        ({"input_size": [96]}, "2 or 3 whole numbers from 32"),
        ({"input_size": [96, 90]}, "multiple of 8"),
        ({"input_size": [96, 16]}, "from 32"),
        ({"input_size": 96}, "2 or 3 whole numbers"),
        ({"metric": "dice"}, "metric is 'dice'"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": True}, "epochs is True"),
        ({"epochs": 2.5}, "epochs is 2.5"),
        ({"batch_size": 1}, "batch_size is 1"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"window": [400, -1000]}, "window is"),
        ({"window": [0, float("inf")]}, "window is"),
        ({"window": [0, 10**400]}, "window is"),
        ({"channels": 2}, "channels is 2"),
        ({"channels": 1.0}, "channels is 1.0"),
        ({"augment": 1}, "augment is 1"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**53}, "seed is 9007199254740992"),
        ({"distinct": 0.2}, "distinct is 0.2"),
        ({"balance_sites": 1}, "balance_sites is 1"),
        ({"one_per_patient": "yes"}, "one_per_patient is 'yes'"),
        ({"per_minute": None}, "per_minute is None"),
        ({"rare_class": "measles"}, "rare_class is 'measles'"),
        ({"rare_share": 2}, "rare_share is 2"),
        ({"epoch": 3}, "has “epoch”, which is not one of its settings"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRecipe, match=said) as failure:
        spec.parse({**GOOD, **change})
    assert len(failure.value.problems) == 1
    assert failure.value.problems[0].endswith(".")


def test_all_problems_are_listed_together() -> None:
    with pytest.raises(InvalidRecipe) as failure:
        spec.parse({**GOOD, "classes": [], "epochs": -1, "input_size": "big", "colour": 1})
    assert len(failure.value.problems) == 4


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([f.name for f in spec.fields(spec.Recipe)]), anything))
def test_no_document_however_odd_does_more_than_be_refused(change: dict[str, Any]) -> None:
    try:
        recipe = spec.parse({**GOOD, **change})
    except InvalidRecipe:
        return
    assert spec.parse(recipe.document()) == recipe


def test_the_names_of_networks_are_those_of_the_table() -> None:
    assert {name for task in TASKS.values() for name in task.networks} == set(nets.NETWORKS)


@pytest.mark.parametrize(
    "module", ["learning.engine.spec", "learning.engine.metrics", "learning.acquisition"]
)
def test_checking_a_recipe_and_reading_results_need_no_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
