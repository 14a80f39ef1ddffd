"""Cases that look alike: who finds what, and what nobody is told."""

from __future__ import annotations

from typing import Any

import builders
import fast_loop_builders as fast
import numpy as np
import pytest
from django.test import Client

from annotation.models import Case, Role, Slot, User
from learning import registry
from learning.models import TrainedModel
from learning.pool import lookalikes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("artifacts_folder")]


def ask(user: User, case: Case, query: str = "") -> Any:
    client = Client()
    client.force_login(user)
    return client.get(f"/api/cases/{case.pk}/similar{query}")


def nearest(vectors: np.ndarray, row: int) -> list[int]:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return [other for other in np.argsort(-(unit @ unit[row])).tolist() if other != row]


def test_who_oversees_the_cases_finds_the_nearest_of_all() -> None:
    project, waiting, vectors = fast.ranked(labelled=2)
    lead = builders.user(Role.LEAD, project=project)
    answer = ask(lead, waiting[4], "?count=5").json()
    expected = [waiting[row].pk for row in nearest(vectors, 4)]
    found = [row["id"] for row in answer["results"] if row["id"] in {case.pk for case in waiting}]
    assert found == expected[: len(found)]
    assert len(answer["results"]) == 5
    assert answer["note"] == ""
    first = answer["results"][0]
    assert (first["stream"], first["same_patient"]) == ("pool", False)
    assert first["thumbnail"].startswith("/")
    similarities = [row["similarity"] for row in answer["results"]]
    assert similarities == sorted(similarities, reverse=True)


def test_a_reader_finds_what_the_reader_has_read_and_no_label() -> None:
    project, waiting, vectors = fast.ranked(labelled=2)
    reader, other = builders.reader(project), builders.reader(project)
    for row in (1, 2, 3):
        builders.read(waiting[row], by=reader, value="yes")
    builders.read(waiting[9], by=other, value="no")
    Slot.objects.filter(case=waiting[0]).update(state="claimed", reader=reader, token=1)
    response = ask(reader, waiting[0])
    rows = response.json()["results"]
    mine = [row for row in nearest(vectors, 0) if row in (1, 2, 3)]
    assert [row["id"] for row in rows] == [waiting[row].pk for row in mine]
    assert {(row["stream"], row["same_patient"]) for row in rows} == {(None, None)}
    assert set(rows[0]) == {
        "id", "modality", "body_part", "frame_count", "thumbnail", "slot", "stream", "similarity",
        "same_patient",
    }  # fmt: skip
    assert all(row["slot"] for row in rows)
    assert ask(other, waiting[0]).status_code == 404
    stranger = builders.user(Role.LEAD, project=builders.project())
    assert ask(stranger, waiting[0]).status_code == 404


def test_a_case_that_measures_says_the_same_as_one_that_was_not_looked_at() -> None:
    project, waiting, _ = fast.ranked(labelled=2)
    reader = builders.reader(project)
    builders.read(waiting[0], by=reader)
    hidden = project.cases.get(stream="holdout")
    unseen = builders.case(project, stream="pool")
    model = registry.in_use(project)
    fast.embed(model, [hidden], np.ones((1, fast.WIDTH)))
    for case in (hidden, unseen):
        builders.read(case, by=reader)
    answers = [ask(reader, case).json() for case in (hidden, unseen)]
    assert answers[0] == answers[1]
    assert answers[0]["results"] == []
    assert "nothing to compare" in answers[0]["note"]
    assert hidden.pk not in [row["id"] for row in ask(reader, waiting[0]).json()["results"]]
    lead = builders.user(Role.LEAD, project=project)
    assert ask(lead, hidden).json()["results"]


def test_the_second_reading_of_a_repeated_case_is_made_without_its_likes() -> None:
    project, waiting, _ = fast.ranked(labelled=2)
    reader = builders.reader(project)
    for row in (0, 1):
        builders.read(waiting[row], by=reader)
    builders.slot(waiting[0], number=2, purpose="repeat", state="claimed", reader=reader, token=1)
    assert ask(reader, waiting[0]).json()["results"] == []
    assert ask(reader, waiting[1]).json()["results"]


@pytest.mark.parametrize("count", ["0", "25", "many", "-1", "1.5"])
def test_a_count_that_makes_no_sense_is_refused(count: str) -> None:
    project, waiting, _ = fast.ranked(pool=2, labelled=2)
    response = ask(builders.user(Role.LEAD, project=project), waiting[0], f"?count={count}")
    assert response.status_code == 422
    assert "from 1 to 24" in response.json()["detail"]


def test_one_image_of_two_patients_is_listed_those_across_splits_first() -> None:
    project, waiting, vectors = fast.ranked(labelled=2)
    model: TrainedModel = registry.in_use(project)  # type: ignore[assignment]
    hidden = project.cases.get(stream="holdout")
    twin, sibling = builders.case(project), builders.case(project, patient=waiting[2].patient)
    fast.embed(model, [hidden, twin, sibling], vectors[[0, 1, 2]])
    assert lookalikes.store(model, lookalikes.search(model)) == 1
    lead = builders.user(Role.LEAD, project=project)
    client = Client()
    client.force_login(lead)
    rows = client.get(f"/api/projects/{project.slug}/lookalikes").json()
    assert [({r["first"]["id"], r["second"]["id"]}, r["across"]) for r in rows] == [
        ({waiting[0].pk, hidden.pk}, True),
        ({waiting[1].pk, twin.pk}, False),
    ]
    Case.objects.filter(pk=hidden.pk).update(state=Case.State.WITHDRAWN)
    assert len(client.get(f"/api/projects/{project.slug}/lookalikes").json()) == 1
    reader = Client()
    reader.force_login(builders.reader(project))
    assert reader.get(f"/api/projects/{project.slug}/lookalikes").status_code == 403


def test_the_overview_says_when_the_pool_was_ranked_anew() -> None:
    project, _, _ = fast.ranked(labelled=2)
    client = Client()
    client.force_login(builders.user(Role.LEAD, project=project))
    said = client.get(f"/api/projects/{project.slug}/learning").json()["fast_loop"]
    assert said == {"applies": True, "note": "", "latest": None}
