"""Projects come from a document; what is wrong with it is said in sentences; changes leave a trace."""

from __future__ import annotations

from typing import Any

import builders
import pytest
import yaml

from annotation import label_schemas, ledger, projects, schema_versions
from annotation.errors import InvalidInput
from annotation.models import Event, Project, Role
from deploy.settings import BASE_DIR

pytestmark = pytest.mark.django_db

DEMOS = sorted((BASE_DIR / "deploy" / "demo").glob("*/project.yaml"))


def document(**changes: Any) -> dict[str, Any]:
    return {
        "slug": "chest",
        "title": "Chest radiographs",
        "task": "classification",
        "case_unit": "study",
        "label_schema": builders.label_document(),
        **changes,
    }


def fault(**changes: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        projects.create(document(**changes), owner=builders.user())
    return caught.value.detail


@pytest.mark.parametrize("path", DEMOS, ids=lambda path: path.parent.name)
def test_the_demo_projects_are_valid(path: Any) -> None:
    made = projects.create(yaml.safe_load(path.read_text()), owner=builders.user())
    assert sum(made.stream_shares.values()) == pytest.approx(1)


def test_the_owner_leads_the_new_project() -> None:
    owner = builders.user()
    made = projects.create(document(), owner=owner)
    assert list(made.memberships.values_list("user", "role")) == [(owner.pk, Role.LEAD)]
    assert label_schemas.current(made.pk).version == 1
    assert [event.verb for event in Event.objects.order_by("seq")] == [
        "project.create",
        "member.add",
    ]
    assert ledger.verify(ledger.chain_of(made)).ok


def test_creating_twice_changes_nothing() -> None:
    owner = builders.user()
    made = projects.create(document(), owner=owner)
    again = projects.create(document(title="Another title"), owner=builders.user())
    assert again.pk == made.pk
    assert again.title == "Chest radiographs"
    assert made.memberships.count() == 1


def test_every_fault_of_a_document_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        projects.create(
            {"slug": "Bad Slug", "task": "guessing", "titel": "x", "case_unit": "study"},
            owner=builders.user(),
        )
    said = caught.value.detail
    assert "Missing: title." in said
    assert "Not known here: titel." in said
    assert "“guessing” is not one of classification, segmentation, detection." in said
    assert "a slug" in said
    where = [error["where"] for error in caught.value.extra["errors"]]
    assert sorted(where) == ["", "", "slug", "task"]


def test_shares_must_add_up() -> None:
    assert "add up to 0.9" in fault(stream_shares={"pool": 0.5, "holdout": 0.4})


def test_a_stream_that_does_not_exist_is_refused() -> None:
    assert "stream_shares" in fault(stream_shares={"pond": 1.0})


def test_an_intake_rule_must_be_a_regular_expression() -> None:
    assert "Not a regular expression" in fault(intake_rule={"Modality": "C(T"})


def test_a_wrong_label_schema_leaves_no_project() -> None:
    assert "asks nothing" in fault(label_schema={"questions": []})
    assert not Project.objects.exists()


def test_a_change_is_an_event_with_old_and_new_values() -> None:
    project = builders.project()
    lead = builders.user(Role.LEAD, project=project)
    projects.update(project, {"round_every": 50, "title": project.title}, user=lead)
    project.refresh_from_db()
    assert project.round_every == 50
    event = Event.objects.get(verb="project.update")
    assert event.data == {"round_every": {"from": 0, "to": 50}}
    assert event.actor == lead


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"task": "segmentation"},
        {"stream_shares": {"pool": 1}},
        {"secret": "x"},
        {"reads_per_case": 0},
        {"reading_mix": {"pool": 0}},
        {"lease_minutes": True},
        {"title": ""},
        ["title"],
        None,
    ],
)
def test_what_may_not_change_is_refused(changes: Any) -> None:
    project = builders.project()
    with pytest.raises(InvalidInput):
        projects.update(project, changes, user=builders.user())
    assert not Event.objects.exists()


def test_a_new_label_schema_is_the_next_version() -> None:
    project = builders.project()
    changed = builders.label_document(guideline="Look twice.")
    added = schema_versions.add(project, changed, user=builders.user())
    assert added.version == 2
    assert schema_versions.add(project, changed, user=builders.user()).version == 2
    assert label_schemas.current(project.pk).document["guideline"] == "Look twice."
    assert project.label_schemas.get(version=1).document["guideline"] == "Look closely."
