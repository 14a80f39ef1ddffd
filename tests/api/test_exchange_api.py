"""Sources of marks and reads stored back, over the API: who may, and what they are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import builders
import images
import made_elsewhere as elsewhere
import pytest
from django.test import Client

from annotation import due, imports, write_backs
from annotation.models import Case, Mask, Project, Read, Role, WriteBack

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


def send(client: Client, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    act = getattr(client, method)
    return act(f"/api/{path}", json.dumps(body or {}), content_type="application/json")


def work() -> None:
    actors = {
        "process_import_item": imports.process_item,
        "finish_import": imports.finish,
        write_backs.ACTOR: write_backs.carry_out,
    }
    while rung := list(due.due()):
        for actor, row in rung:
            actors[actor](row)


def test_a_segmentation_is_uploaded_named_and_read_in(tmp_path: Path, project: Project) -> None:
    paths = images.write(tmp_path / "in", *images.series(3, FrameOfReferenceUID="2.25.5"))
    imports.import_paths(project, [tmp_path / "in"], None)
    (tmp_path / "work").mkdir()
    here = elsewhere.case(tmp_path / "work", paths)
    voxels = here.empty()
    voxels[1, 2, 3] = 1
    segments = [elsewhere.Painted(1, "Tumour", elsewhere.Term("T", "99X", "Tumour"), "2.25.9")]
    (segmentation, _) = here.write(here.record(labelmaps=[here.painted(voxels, *segments)]))
    content = Path(segmentation.path).read_bytes()
    steward = signed_in(project, Role.STEWARD)
    place = f"projects/{project.slug}"
    source = send(steward, "post", f"{place}/sources", {"name": "Program 2"}).json()
    assert (source["counts"], source["reads"]) == (False, 0)
    wanted = {"files": [{"name": "seg.dcm", "size": len(content)}], "marks_of": source["id"]}
    started = send(steward, "post", f"{place}/imports", wanted).json()
    assert started["marks_of"] == "Program 2"
    item = f"import-items/{started['items'][0]['id']}"
    steward.put(f"/api/{item}/content?offset=0", content, BYTES)
    send(steward, "post", f"imports/{started['id']}/complete")
    work()
    (held,) = steward.get(f"/api/{place}/quarantine").json()["results"]
    assert (held["unknown"], held["marks_of"]) == (["Tumour"], source["id"])
    table = {"classes": {"Tumour": "node"}}
    assert send(steward, "patch", f"sources/{source['id']}", table).status_code == 200
    send(steward, "post", f"{item}/retry")
    work()
    told = steward.get(f"/api/{item}").json()
    assert (told["state"], told["reason"]) == (
        "stored",
        "Read in for 1 case: 1 mark and 0 answers.",
    )
    assert told["report"]["reads"][0]["case"] == Case.objects.get().pk
    assert Mask.objects.get().labels == [2]
    assert steward.get(f"/api/{place}/sources").json()["results"][0]["reads"] == 1


def test_only_a_lead_has_a_source_count_as_a_reader(project: Project) -> None:
    steward, lead = signed_in(project, Role.STEWARD), signed_in(project, Role.LEAD)
    place = f"projects/{project.slug}/sources"
    assert send(steward, "post", place, {"name": "A", "counts": True}).status_code == 403
    made = send(steward, "post", place, {"name": "A"}).json()
    assert send(steward, "patch", f"sources/{made['id']}", {"counts": True}).status_code == 403
    assert send(lead, "patch", f"sources/{made['id']}", {"counts": True}).json()["counts"] is True
    assert send(steward, "patch", f"sources/{made['id']}", {"counts": False}).status_code == 403


def test_classes_that_the_project_does_not_have_are_refused(project: Project) -> None:
    lead = signed_in(project, Role.LEAD)
    made = send(lead, "post", f"projects/{project.slug}/sources", {"name": "A"}).json()
    wrong = send(lead, "patch", f"sources/{made['id']}", {"classes": {"x": "elephant"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["where"]) == (422, "classes.x")


def test_marks_of_a_source_of_another_project_are_refused(project: Project) -> None:
    other = builders.project()
    theirs = send(
        signed_in(other, Role.LEAD), "post", f"projects/{other.slug}/sources", {"name": "A"}
    )
    wanted = {"files": [{"name": "x", "size": 1}], "marks_of": theirs.json()["id"]}
    refused = send(
        signed_in(project, Role.LEAD), "post", f"projects/{project.slug}/imports", wanted
    )
    assert refused.status_code == 422


def test_a_case_is_stored_back_on_request_and_what_failed_is_seen(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.write(tmp_path / "in", *images.series(2))
    imports.import_paths(project, [tmp_path / "in"], None)
    case = Case.objects.get()
    read = builders.read(case)
    lead = signed_in(project, Role.LEAD)
    asked = send(lead, "post", f"cases/{case.pk}/write-back")
    assert (asked.status_code, asked.json()["results"][0]["state"]) == (202, "waiting")
    work()
    (row,) = lead.get(f"/api/cases/{case.pk}/write-back").json()["results"]
    assert (row["state"], [one["kind"] for one in row["objects"]]) == ("stored", ["sr"])
    counts = f"/api/projects/{project.slug}/write-backs/counts"
    assert lead.get(counts).json() == {"waiting": 0, "stored": 1, "failed": 0}
    WriteBack.objects.filter(read=read).update(state="failed", reason="No room.")
    failed = lead.get(f"/api/projects/{project.slug}/write-backs?state=failed").json()["results"]
    assert [(one["case"], one["reason"]) for one in failed] == [(case.pk, "No room.")]
    again = send(lead, "post", f"projects/{project.slug}/write-backs")
    assert (again.status_code, again.json()) == (202, {"reads": 1})
    assert Read.objects.count() == 1


def test_a_case_without_reads_has_nothing_to_store(project: Project) -> None:
    case = builders.case(project)
    refused = send(signed_in(project, Role.LEAD), "post", f"cases/{case.pk}/write-back")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
