"""Where one image is the case, its neighbours in the series are neither seen, drawn on nor learned from."""

from __future__ import annotations

import gzip
import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import builders
import images
import pytest
from django.db import connection
from django.test import Client
from test_intake import RULE, send, settle_all

from annotation import (
    case_images,
    enrolment,
    export,
    frames,
    intake,
    marks,
    masks,
    orthanc,
    queue,
    snapshots,
)
from annotation.errors import InvalidInput, NotFound
from annotation.models import Case, Event, Project, Series, Slot, User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def in_an_empty_store(empty_store: None) -> None:
    """Each test has its own folders, and a store that holds nothing."""


@pytest.fixture
def project() -> Project:
    return builders.project(case_unit="instance", intake_rule=RULE)


@pytest.fixture
def slices(tmp_path: Path, project: Project) -> list[Any]:
    made = images.series(3)
    send(tmp_path / "in", *made)
    settle_all()
    return made


def case_of(dataset: Any) -> Case:
    return Case.objects.get(uid=dataset.SOPInstanceUID)


def in_hand(case: Case) -> Slot:
    reader = builders.reader(case.project)
    case.slots.update(state="claimed", reader=reader, token=1)
    return case.slots.get()


def browser(user: User | None) -> Client:
    assert user is not None
    client = Client()
    client.force_login(user)
    return client


def test_a_reader_gets_the_one_image_and_no_way_to_the_others(slices: list[Any]) -> None:
    slot, series = in_hand(case_of(slices[1])), Series.objects.get()
    client = browser(slot.reader)
    [assigned] = client.get(f"/api/slots/{slot.pk}").json()["case"]["series"]
    assert assigned["sop_instance_uid"] == slices[1].SOPInstanceUID
    assert assigned["frame_count"] == 1
    shown = client.get(f"/api/series/{series.pk}?case={slot.case_id}").json()
    [frame] = shown["frames"]
    assert (frame["index"], frame["sop_instance_uid"]) == (0, slices[1].SOPInstanceUID)
    assert (shown["frame_count"], shown["geometry"]) == (1, "stack")
    pixels = client.get(shown["frames_url"].format(index=0))
    assert pixels.content == slices[1].pixel_array.tobytes()
    assert client.get(shown["frames_url"].format(index=1)).status_code == 404
    assert client.get(f"/api/series/{series.pk}").status_code == 404
    other = case_of(slices[2])
    assert client.get(f"/api/series/{series.pk}?case={other.pk}").status_code == 404
    assert client.get(f"/api/series/{series.pk}?case=x").status_code == 422


def test_the_thumbnail_is_that_of_the_image(slices: list[Any]) -> None:
    series = Series.objects.get()
    versions = {case_images.display_of(series, each.SOPInstanceUID)["version"] for each in slices}
    assert len(versions) == 3
    pictures = {frames.thumbnail(series, each.SOPInstanceUID) for each in slices}
    assert frames.thumbnail(series) in pictures
    slot = in_hand(case_of(slices[0]))
    client = browser(slot.reader)
    listed = client.get(f"/api/projects/{slot.project.slug}/cases").json()["results"]
    mine = next(row for row in listed if row["id"] == slot.case_id)
    assert client.get(mine["thumbnail"]).content == frames.thumbnail(
        series, slices[0].SOPInstanceUID
    )


def test_marks_on_a_neighbour_are_refused(slices: list[Any]) -> None:
    case, neighbour = case_of(slices[0]), case_of(slices[1])
    mark = {**builders.box(case), "sop_instance_uid": slices[0].SOPInstanceUID}
    assert len(marks.prepare(case, [mark])) == 1
    with pytest.raises(InvalidInput):
        marks.prepare(neighbour, [mark])


def test_a_mask_has_the_shape_of_the_image(slices: list[Any]) -> None:
    slot = in_hand(case_of(slices[0]))

    def store(voxels: bytes) -> Any:
        return masks.store(
            slot,
            series_id=Series.objects.get().pk,
            sha256=hashlib.sha256(voxels).hexdigest(),
            gzip_stream=io.BytesIO(gzip.compress(voxels)),
            values={1},
        )

    assert store(bytes(80)).shape == [1, 8, 10]
    with pytest.raises(InvalidInput, match="1 × 8 × 10"):
        store(bytes(240))


def test_an_export_holds_each_image_with_its_own_case(slices: list[Any], project: Project) -> None:
    for each in slices:
        builders.reference(case_of(each))
    snapshot = snapshots.freeze(project, user=None, title="", query={})
    names = [name for name, _ in export.Pictures(snapshot).images()]
    assert [name.split("/")[1] for name in names] == sorted(each.SOPInstanceUID for each in slices)
    assert all(name.endswith("/0001.png") for name in names)


def test_an_image_of_another_size_than_its_series_says_its_own() -> None:
    display = builders.display(frames=2)
    display["frames"][1].update(rows=4, columns=4)
    series = builders.series(display=display)
    uid = display["frames"][1]["sop_instance_uid"]
    shown = case_images.display_of(series, uid)
    assert (shown["rows"], masks.shape_of(shown)) == (4, (1, 4, 4))
    with pytest.raises(NotFound):
        case_images.display_of(series, "1.2.3")


def test_a_deleted_image_withdraws_its_case_alone(
    slices: list[Any], project: Project, tmp_path: Path
) -> None:
    gone = Series.objects.get().instances.get(sop_instance_uid=slices[1].SOPInstanceUID)
    orthanc.delete_instance(gone.orthanc_id)
    intake.reconcile()
    settle_all()
    assert [case_of(each).state for each in slices] == ["ready", "withdrawn", "ready"]
    assert case_of(slices[1]).slots.get().state == "cancelled"
    send(tmp_path / "again", slices[1])
    settle_all()
    assert case_of(slices[1]).state == "ready"
    assert case_of(slices[1]).slots.get().state == "open"


def test_many_images_of_one_series_never_hold_up_read_next(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader claims the first case before the third is written."""
    claimed: list[Slot] = []
    reader = builders.reader(project)
    enrol = enrolment.enrol

    def enrolling(*given: Any, **named: Any) -> Case:
        if Case.objects.count() == 2 and not claimed:
            claimed.append(in_another_session(project, reader))
        return enrol(*given, **named)

    monkeypatch.setattr(enrolment, "enrol", enrolling)
    send(tmp_path / "in", *images.series(3))
    settle_all()
    assert len(claimed) == 1
    assert Event.objects.filter(verb="case.ready").count() == 3
    assert Series.objects.get().stable


def in_another_session(project: Project, reader: User) -> Slot:
    """Claims as another process would, and fails if it has to wait."""

    def claim() -> Slot:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")
            return queue.claim(project, reader)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(claim).result()
