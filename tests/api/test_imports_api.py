"""Uploads and the quarantine over the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import builders
import images
import pytest
from django.conf import settings
from django.test import Client

from annotation import due, imports, orthanc
from annotation.models import Case, Event, ImportItem, Project, Role, Series

pytestmark = pytest.mark.django_db(transaction=True)

BYTES = "application/octet-stream"


@pytest.fixture(autouse=True)
def in_an_empty_store(empty_store: None) -> None:
    """Each test has its own folders, and a store that holds nothing."""


@pytest.fixture
def project() -> Project:
    return builders.project()


def signed_in(project: Project, role: Role) -> Client:
    client = Client()
    client.force_login(builders.user(role, project=project))
    return client


def post(client: Client, path: str, body: dict[str, Any] | None = None) -> Any:
    return client.post(path, json.dumps(body or {}), content_type="application/json")


def test_a_file_sent_in_pieces_becomes_a_case(tmp_path: Path, project: Project) -> None:
    (path,) = images.write(tmp_path, images.slice_())
    content = path.read_bytes()
    site = builders.site()
    steward = signed_in(project, Role.STEWARD)
    files = [{"name": "ct/1.dcm", "size": len(content)}, {"name": "x.txt", "size": 3}]
    started = post(
        steward, f"/api/projects/{project.slug}/imports", {"site": site.slug, "files": files}
    )
    assert started.status_code == 201
    image, text = (f"/api/import-items/{item['id']}" for item in started.json()["items"])
    assert steward.put(f"{image}/content?offset=0", content[:300], BYTES).json() == {
        "received": 300
    }
    lost = steward.put(f"{image}/content?offset=0", content[:300], BYTES)
    assert (lost.status_code, lost.json()["received"]) == (409, 300)
    assert steward.get(image).json()["received"] == 300
    steward.put(f"{image}/content?offset=300", content[300:], BYTES)
    batch = f"/api/imports/{started.json()['id']}"
    assert post(steward, f"{batch}/complete").status_code == 409
    steward.put(f"{text}/content?offset=0", b"abc", BYTES)
    assert post(steward, f"{batch}/complete").json()["state"] == "processing"
    for actor, row in list(due.due()):
        assert actor == "process_import_item"
        imports.process_item(row)
    shown = steward.get(batch).json()
    assert (shown["state"], shown["counts"]) == ("done", {"quarantined": 1, "stored": 1})
    assert (shown["bytes"], shown["received"], shown["site"]) == (len(content) + 3,) * 2 + (
        site.slug,
    )
    case = Case.objects.get()
    assert (case.project, case.site, case.state) == (project, site, "ready")
    (bad,) = steward.get(f"/api/projects/{project.slug}/quarantine").json()["results"]
    assert (bad["name"], bad["reason_code"], bad["import_id"]) == (
        "x.txt",
        "unknown_kind",
        shown["id"],
    )
    assert post(steward, f"{text}/dismiss").json()["state"] == "dismissed"
    assert steward.get(f"/api/projects/{project.slug}/quarantine").json()["results"] == []
    listed = steward.get(f"/api/projects/{project.slug}/imports").json()["results"]
    assert [each["id"] for each in listed] == [shown["id"]]
    assert len(steward.get(f"{batch}/items").json()["results"]) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"files": []}, 422),
        ({"files": [{"name": "x", "size": -1}]}, 422),
        ({"files": [{"name": "x", "size": 10**12}]}, 413),
        ({"files": [{"name": "x", "size": 1}], "site": "nowhere"}, 422),
    ],
)
def test_an_import_that_makes_no_sense_is_refused(
    project: Project, body: dict[str, Any], status: int
) -> None:
    steward = signed_in(project, Role.STEWARD)
    assert post(steward, f"/api/projects/{project.slug}/imports", body).status_code == status


@pytest.mark.parametrize(
    ("query", "content_type", "size", "status"),
    [
        ("", BYTES, 1, 400),
        ("?offset=-1", BYTES, 1, 400),
        ("?offset=1e3", BYTES, 1, 400),
        ("?offset=99999999999999999999", BYTES, 1, 400),
        ("?offset=5", BYTES, 1, 409),
        ("?offset=0", "application/json", 1, 415),
        ("?offset=0", BYTES, 200, 422),
        ("?offset=0", BYTES, 17 * 1024**2, 413),
    ],
)
def test_a_piece_that_does_not_fit_is_refused(
    project: Project, query: str, content_type: str, size: int, status: int
) -> None:
    steward = signed_in(project, Role.STEWARD)
    batch = imports.begin(project, None, files=[("x.dcm", 100)], site=None)
    path = f"/api/import-items/{batch.items.get().pk}/content{query}"
    assert steward.put(path, b"x" * size, content_type).status_code == status
    assert batch.items.get().received == 0


def test_a_name_is_only_a_name(project: Project) -> None:
    steward = signed_in(project, Role.STEWARD)
    files = [{"name": "../../etc/passwd", "size": 3}]
    started = post(steward, f"/api/projects/{project.slug}/imports", {"files": files}).json()
    (item,) = started["items"]
    steward.put(f"/api/import-items/{item['id']}/content?offset=0", b"abc", BYTES)
    assert [path.name for path in settings.UPLOADS_DIR.iterdir()] == [str(item["id"])]


def test_what_the_feed_brought_wrong_is_seen_where_the_feed_is_followed(project: Project) -> None:
    ImportItem.objects.create(
        name="Object x",
        size=1,
        state="quarantined",
        reason_code="odd",
        reason="Odd.",
        orthanc_id="x",
    )
    follows = builders.project(intake_rule={"Modality": "CT"})
    for of, seen in ((project, 0), (follows, 1)):
        found = signed_in(of, Role.STEWARD).get(f"/api/projects/{of.slug}/quarantine").json()
        assert len(found["results"]) == seen


def test_a_file_may_come_with_its_patient(project: Project) -> None:
    steward = signed_in(project, Role.STEWARD)
    files = [{"name": "a.png", "size": 3, "patient": "P 1"}, {"name": "b.png", "size": 3}]
    url = f"/api/projects/{project.slug}/imports"
    assert post(steward, url, {"files": files}).status_code == 201
    named = ImportItem.objects.order_by("pk").values_list("patient", flat=True)
    assert list(named) == ["P 1", ""]
    files[0]["patient"] = "P\\1"
    assert post(steward, url, {"files": files}).status_code == 422


def fed(**attributes: str) -> ImportItem:
    return ImportItem.objects.create(
        name="Object x",
        size=1,
        state="quarantined",
        reason_code="odd",
        reason="Odd.",
        orthanc_id="x",
        attributes=attributes,
    )


def test_what_the_feed_brought_is_seen_and_dismissed_only_where_it_might_have_gone(
    project: Project,
) -> None:
    item = fed(Modality="MR")
    Project.objects.filter(pk=project.pk).update(intake_rule={"Modality": "^CT$"})
    ct = signed_in(project, Role.STEWARD)
    assert ct.get(f"/api/projects/{project.slug}/quarantine").json()["results"] == []
    assert post(ct, f"/api/import-items/{item.pk}/dismiss").status_code == 404
    assert ct.get(f"/api/projects/{project.slug}/progress").json()["quarantined"] == 0
    mr = signed_in(other := builders.project(intake_rule={"Modality": "^MR$"}), Role.STEWARD)
    assert mr.get(f"/api/projects/{other.slug}/progress").json()["quarantined"] == 1
    assert post(mr, f"/api/import-items/{item.pk}/dismiss").json()["state"] == "dismissed"
    event = Event.objects.get(verb="import.dismiss")
    assert event.actor == other.memberships.get().user
    assert (event.object_id, event.project) == (str(item.pk), None)


def test_a_series_is_described_without_saying_where_it_lies(
    tmp_path: Path, project: Project
) -> None:
    images.write(tmp_path / "in", *images.series(2))
    imports.import_paths(project, [tmp_path / "in"], None)
    series = Series.objects.get()
    lead = signed_in(project, Role.LEAD)
    shown = lead.get(f"/api/series/{series.pk}")
    assert shown["Cache-Control"] == "no-store"
    body = shown.json()
    assert (body["geometry"], body["frame_count"], len(body["frames"])) == ("volume", 2, 2)
    assert series.instances.first().orthanc_id not in shown.content.decode()
    frame = lead.get(body["frames_url"].format(index=1))
    assert len(frame.content) == 160
    assert lead.get(body["thumbnail_url"])["Content-Type"] == "image/png"
    stranger = signed_in(project, Role.LEAD)
    assert stranger.get(body["frames_url"].format(index=1)).status_code == 403
    assert lead.get(body["thumbnail_url"]).status_code == 200
    lead.logout()
    assert lead.get(body["frames_url"].format(index=1)).status_code == 403


def test_a_reader_sees_a_series_only_with_its_case_in_hand_or_read(project: Project) -> None:
    case = builders.case(project)
    series = case.series.get()
    reader, other = builders.reader(project), builders.reader(project)

    def answers(user: Any) -> int:
        client = Client()
        client.force_login(user)
        return client.get(f"/api/series/{series.pk}").status_code

    assert answers(reader) == 404
    case.slots.update(state="claimed", reader=reader, token=1)
    assert (answers(reader), answers(other)) == (200, 404)
    case.slots.update(state="open", reader=None)
    assert answers(reader) == 404
    builders.read(case, by=reader)
    assert (answers(reader), answers(other)) == (200, 404)
    reader.memberships.all().delete()
    assert answers(reader) == 404
    assert answers(builders.user(Role.LEAD, project=builders.project())) == 404


def test_a_deleted_series_is_not_found(project: Project) -> None:
    case = builders.case(project)
    Series.objects.update(deleted_at=case.created_at)
    lead = signed_in(project, Role.LEAD)
    assert lead.get(f"/api/series/{case.series.get().pk}").status_code == 404


def test_orthanc_is_not_asked_to_describe_a_series(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = builders.case(project)
    monkeypatch.setattr(settings, "ORTHANC_URL", "http://127.0.0.1:9")
    lead = signed_in(project, Role.LEAD)
    assert lead.get(f"/api/series/{case.series.get().pk}").status_code == 200
    with pytest.raises(orthanc.ImageStoreUnavailable):
        orthanc.ping()


def test_an_import_is_gone_on_with_and_stopped_by_who_began_it_or_by_a_lead(
    project: Project,
) -> None:
    files = [{"name": "x.txt", "size": 3}]
    begun = signed_in(project, Role.STEWARD)
    started = post(begun, f"/api/projects/{project.slug}/imports", {"files": files}).json()
    batch, item = f"/api/imports/{started['id']}", f"/api/import-items/{started['items'][0]['id']}"
    colleague = signed_in(project, Role.STEWARD)
    assert colleague.put(f"{item}/content?offset=0", b"abc", BYTES).status_code == 403
    assert post(colleague, f"{batch}/complete").status_code == 403
    refused = post(colleague, f"{batch}/cancel")
    assert (refused.status_code, "began this import" in refused.json()["detail"]) == (403, True)
    assert colleague.get(batch).json()["state"] == "receiving"
    begun.put(f"{item}/content?offset=0", b"abc", BYTES)
    lead = signed_in(project, Role.LEAD)
    assert post(lead, f"{batch}/complete").json()["state"] == "processing"
    assert post(begun, f"{batch}/cancel").json()["state"] == "cancelled"
