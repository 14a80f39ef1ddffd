"""From cases to arrays: the right pixels, once, and a sentence for what cannot be used."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import builders
import images
import learning_builders as lessons
import numpy as np
import pytest
from django.conf import settings
from pydicom import dcmread

from annotation import intake, schema_versions, snapshots
from annotation import orthanc as store
from annotation.errors import ImageStoreUnavailable
from annotation.models import Case, Instance, Mask, Project, Series
from learning import datasets
from learning.datasets import Dataset
from learning.engine import spec
from learning.teaching import Unusable

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("artifacts_folder"),
]

FLAT = spec.parse({**lessons.RECIPE, "input_size": [32, 32]})
VOLUME = spec.parse({**lessons.RECIPE, "input_size": [32, 32, 32]})
MASKS = spec.parse(lessons.MASK_RECIPE)


def made(case: Case, recipe: spec.Recipe, seen: list[bool] | None = None) -> Dataset:
    """What becomes of the case; ``seen``: for each array, whether it had to be made."""
    note = [] if seen is None else seen
    return datasets.of_cases(Case.objects.filter(pk=case.pk), recipe, after_each=note.append)


def pixels_of(case: Case, recipe: spec.Recipe) -> Any:
    [sample] = made(case, recipe).samples
    return np.load(sample.image)


@pytest.fixture
def kept(orthanc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image store that holds nothing yet, and folders of this test alone."""
    monkeypatch.setattr(settings, "FRAMES_DIR", tmp_path / "frames")
    for store_id in store.all_instances():
        store.delete_instance(store_id)


def arrived(folder: Path, *objects: Any, unit: str = "series") -> list[Case]:
    """The cases that these objects become when they are sent to the image store."""
    builders.project(intake_rule={"Modality": "^CT$"}, case_unit=unit)
    for path in images.write(folder, *objects):
        store.store(path)
    intake.follow()
    for series in Series.objects.filter(stable=False):
        intake.settle(series.pk)
    return list(Case.objects.order_by("pk"))


@pytest.mark.usefixtures("kept")
def test_a_volume_holds_the_real_values_in_spatial_order(tmp_path: Path) -> None:
    objects = images.series(3)
    [case] = arrived(tmp_path / "in", *reversed(objects))
    seen: list[bool] = []
    [sample] = made(case, spec.parse({**lessons.MASK_RECIPE}), seen).samples
    array = np.load(sample.image)
    files = images.write(tmp_path / "again", *objects)
    expected = np.stack([dcmread(path).pixel_array - 1024.0 for path in files])
    np.testing.assert_array_equal(array, expected.astype(np.float32))
    assert array.dtype == np.float32
    assert sample.spacing == (5.0, 0.5, 0.25)
    assert sample.patient == str(case.patient_id)
    made(case, spec.parse({**lessons.MASK_RECIPE}), seen)
    assert seen == [True, False], "the array was made twice"


@pytest.mark.usefixtures("kept")
def test_a_case_of_one_instance_takes_that_instance_alone(tmp_path: Path) -> None:
    objects = images.series(3)
    cases = {case.uid: case for case in arrived(tmp_path / "in", *objects, unit="instance")}
    middle = objects[1]
    array = pixels_of(cases[middle.SOPInstanceUID], FLAT)
    [file] = images.write(tmp_path / "again", middle)
    np.testing.assert_array_equal(array, dcmread(file).pixel_array - 1024.0)


@pytest.mark.usefixtures("kept")
def test_a_large_picture_is_averaged_to_twice_what_the_networks_read(tmp_path: Path) -> None:
    big = images.slice_(images.ramp(200, 136, dtype=np.int32).astype(np.int16))
    [case] = arrived(tmp_path / "in", big)
    [sample] = made(case, FLAT).samples
    array = np.load(sample.image)
    assert array.shape == (100, 68)
    whole = images.ramp(200, 136, dtype=np.int32).astype(np.int16) - 1024.0
    np.testing.assert_allclose(array[0, 0], whole[:2, :2].mean())
    assert sample.spacing == (1.0, 0.5)


@pytest.mark.usefixtures("kept")
def test_images_that_left_the_store_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    [case] = arrived(tmp_path / "in", images.slice_())
    for store_id in store.all_instances():
        store.delete_instance(store_id)
    [(left_out, reason)] = made(case, FLAT).left_out
    assert left_out == case.pk
    assert "no such object" in reason


def test_pixels_that_decoding_stumbles_over_leave_out_their_case_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = lessons.project()
    bad, good = (lessons.case(project, "pool", index, image=index > 0) for index in range(2))

    def stumbling(*_: Any) -> Any:
        raise KeyError("bits_allocated")

    monkeypatch.setattr(datasets.frames, "load_pixels", stumbling)
    data = datasets.of_cases(project.cases.all(), FLAT, after_each=lambda _: None)
    assert [sample.id for sample in data.samples] == [good.pk]
    [(left_out, reason)] = data.left_out
    assert (left_out, "'bits_allocated'" in reason) == (bad.pk, True)


@pytest.mark.parametrize("kept", [b"no gzip at all", gzip.compress(b"too short")])
def test_a_damaged_mask_leaves_out_its_case_alone(kept: bytes) -> None:
    project = lessons.project(lessons.MASK_RECIPE)
    bad, good = (lessons.volume_case(project, "pool", index) for index in range(2))
    Mask.objects.filter(series__cases=bad).update(gzip=kept)
    data = labelled(project, MASKS)
    assert [sample.id for sample in data.samples] == [good.pk]
    [(left_out, reason)] = data.left_out
    assert (left_out, "damaged" in reason) == (bad.pk, True)


@pytest.mark.usefixtures("kept")
def test_a_store_that_is_away_stops_the_work_instead_of_blaming_the_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [case] = arrived(tmp_path / "in", images.slice_())
    monkeypatch.setattr(settings, "ORTHANC_URL", "http://127.0.0.1:9")
    with pytest.raises(ImageStoreUnavailable):
        made(case, FLAT)


def test_a_volume_is_not_read_as_a_single_image(artifacts_folder: Path) -> None:
    with pytest.raises(Unusable, match="8 frames"):
        datasets._laid_out(np.zeros((8, 4, 4), np.float32), FLAT)


def test_colours_come_first(artifacts_folder: Path) -> None:
    assert datasets._laid_out(np.zeros((1, 4, 5, 3), np.float32), FLAT).shape == (3, 4, 5)
    assert datasets._laid_out(np.zeros((7, 4, 5, 3), np.float32), VOLUME).shape == (3, 7, 4, 5)


def test_of_several_series_the_one_with_most_frames_counts() -> None:
    project = lessons.project()
    few, many = builders.series(frames=2), builders.series(frames=5)
    case = builders.case(project, series=[few, many])
    assert datasets.image_of(case, VOLUME).series == many
    many.deleted_at = many.created_at
    many.save()
    assert datasets.image_of(Case.objects.get(pk=case.pk), VOLUME).series == few


def test_an_array_is_found_again_only_for_the_same_files_and_recipe() -> None:
    project = lessons.project()
    case = builders.case(project, series=[builders.series(frames=2)])
    before = datasets.image_of(case, VOLUME).path
    assert datasets.image_of(case, FLAT).path != before
    Instance.objects.filter(series__cases=case).update(sha256="f" * 64)
    assert datasets.image_of(Case.objects.get(pk=case.pk), VOLUME).path != before


# --- targets


def labelled(project: Project, recipe: spec.Recipe) -> Dataset:
    snapshot = snapshots.freeze(project, user=None, title="", query={})
    return datasets.of_items(snapshot.items.all(), recipe, after_each=lambda _: None)


def test_an_answer_becomes_the_place_of_its_class() -> None:
    project = lessons.project()
    first = lessons.case(project, "pool", 0, value="yes")
    second = lessons.case(project, "pool", 1, value="no")
    assert {sample.id: sample.target for sample in labelled(project, FLAT).samples} == {
        first.pk: 1,
        second.pk: 0,
    }


def test_images_that_changed_after_freezing_are_left_out() -> None:
    project = lessons.project()
    case = lessons.case(project, "pool", 0, value="yes")
    snapshot = snapshots.freeze(project, user=None, title="", query={})
    Instance.objects.filter(series__cases=case).update(sha256="f" * 64)
    data = datasets.of_items(snapshot.items.all(), FLAT, after_each=lambda _: None)
    assert (data.samples, data.left_out) == ([], [(case.pk, datasets.CHANGED)])


def test_the_masks_of_a_reference_are_joined_with_the_recipes_numbers() -> None:
    """In the label schema lesion is 1 and node is 2; the recipe learns node first."""
    recipe = spec.parse({**lessons.MASK_RECIPE, "classes": ["node", "lesion"]})
    project = lessons.project({**lessons.MASK_RECIPE, "classes": ["node", "lesion"]})
    case = lessons.volume_case(project, "pool", 0, masked=False)
    series = case.series.get()
    lesion, node = np.zeros((2, *lessons.VOLUME), np.uint8)
    lesion[0, 0, :4] = 1
    node[7, 15, :4] = 2
    reference = lessons.draw(case, series, lesion)
    other = lessons.store_mask(project, series, node)
    reference.marks = [*reference.marks, builders.labelmap(series, other.sha256)]
    reference.save()
    [sample] = labelled(project, recipe).samples
    assert isinstance(sample.target, Path)
    mask = np.load(sample.target)
    assert mask.shape == lessons.VOLUME
    assert (mask[0, 0, :4] == 2).all()
    assert (mask[7, 15, :4] == 1).all()
    assert (mask > 0).sum() == 8


def test_a_mask_of_another_series_is_left_out_with_a_reason() -> None:
    project = lessons.project(lessons.MASK_RECIPE)
    case = lessons.volume_case(project, "pool", 0)
    Mask.objects.update(series=builders.series(frames=8))
    [(left_out, reason)] = labelled(project, MASKS).left_out
    assert left_out == case.pk
    assert "another series" in reason


def test_masks_keep_the_class_numbers_of_the_label_schema_they_were_drawn_with() -> None:
    recipe = spec.parse({**lessons.MASK_RECIPE, "classes": ["node", "lesion"]})
    project = lessons.project(lessons.MASK_RECIPE)
    lesion = np.zeros(lessons.VOLUME, np.uint8)
    lesion[0, 0, :4] = 1
    before = lessons.volume_case(project, "pool", 0, masked=False)
    lessons.draw(before, before.series.get(), lesion)
    renumber_classes(project, lesion=2, node=1)
    after = lessons.volume_case(project, "pool", 1, masked=False)
    lessons.draw(after, after.series.get(), lesion)
    samples = {sample.id: sample.target for sample in labelled(project, recipe).samples}
    assert np.load(samples[before.pk])[0, 0, 0] == 1 + recipe.classes.index("lesion")
    assert np.load(samples[after.pk])[0, 0, 0] == 1 + recipe.classes.index("node")


def test_a_mask_drawn_before_a_class_existed_is_left_out_with_a_reason() -> None:
    project = lessons.project(lessons.MASK_RECIPE)
    case = lessons.volume_case(project, "pool", 0)
    renumber_classes(project, lesion=1, cyst=2)
    recipe = spec.parse({**lessons.MASK_RECIPE, "classes": ["lesion", "cyst"]})
    [(left_out, reason)] = labelled(project, recipe).left_out
    assert left_out == case.pk
    assert "has no class cyst. Read the case again." in reason


def renumber_classes(project: Project, **numbers: int) -> None:
    """The next version of the label schema has these classes."""
    classes = [
        {"code": code, "name": code, "colour": "#e8a33d", "value": value, "term": None}
        for code, value in numbers.items()
    ]
    document = builders.label_document(classes=classes)
    schema_versions.add(project, document, user=lessons.lead(project))
