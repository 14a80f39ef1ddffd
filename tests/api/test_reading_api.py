"""The reading loop over HTTP: what each answer looks like, and what a blind reader can never see."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import builders
import pytest
from rest_framework.test import APIClient

from annotation import list_filters, listing, queue, reading
from annotation.list_filters import ListFilter
from annotation.models import Case, Draft, Project, Read, Role, Series, Skip, Slot, User

pytestmark = pytest.mark.django_db


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


@pytest.fixture
def project() -> Project:
    return builders.project(blind_to_model=True)


@pytest.fixture
def case(project: Project) -> Case:
    return builders.case(project, frames=2)


@pytest.fixture
def reader(project: Project) -> User:
    return builders.reader(project)


@pytest.fixture
def client(reader: User) -> APIClient:
    return client_of(reader)


@pytest.fixture
def lead(project: Project) -> APIClient:
    return client_of(builders.user(Role.LEAD, project=project))


@pytest.fixture
def assignment(client: APIClient, project: Project, case: Case) -> dict[str, Any]:
    answer = client.post(f"/api/projects/{project.slug}/claims", {}, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()  # type: ignore[no-any-return]


def submit(
    client: APIClient, assignment: dict[str, Any], value: str = "yes", **changes: Any
) -> Any:
    key = changes.pop("key", str(uuid4()))
    body = {
        "token": assignment["token"],
        "content": builders.content(value),
        "active_seconds": 4.5,
        **changes,
    }
    path = f"/api/slots/{assignment['slot']}/submit"
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(path, body, format="json", headers=headers)


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"]
    return body


class TestClaims:
    def test_an_assignment_is_all_that_the_reading_room_needs(
        self, assignment: dict[str, Any], project: Project, case: Case
    ) -> None:
        series = case.series.get()
        slot = case.slots.get()
        assert assignment.pop("lease_expires_at").startswith("20")
        assert assignment == {
            "slot": slot.pk,
            "token": 1,
            "blind": True,
            "case": {
                "id": case.pk,
                "modality": "CT",
                "body_part": "",
                "frame_count": 2,
                "series": [
                    {
                        "id": series.pk,
                        "description": "Axial",
                        "modality": "CT",
                        "frame_count": 2,
                        "series_uid": series.series_uid,
                        "version": series.display["version"],
                        "sop_instance_uid": None,
                    }
                ],
            },
            "project": {"slug": project.slug, "title": project.title, "task": project.task},
            "label_schema": {"version": 1, "document": builders.label_document()},
            "draft": None,
            "submitted": None,
            "picked": None,
            "assistance": {"mode": "off", "ready": False, "committed_at": None},
            "newer_schema": None,
        }

    def test_asked_again_the_same_comes_back(
        self, client: APIClient, project: Project, assignment: dict[str, Any]
    ) -> None:
        answer = client.post(f"/api/projects/{project.slug}/claims", {}, format="json")
        assert answer.status_code == 200
        assert answer.json()["slot"] == assignment["slot"]
        assert answer["Server-Timing"].startswith("claim;dur=")
        assert answer["Cache-Control"] == "no-store"

    def test_are_listed_with_their_drafts(
        self, client: APIClient, project: Project, case: Case, assignment: dict[str, Any]
    ) -> None:
        path = f"/api/projects/{project.slug}/claims"
        [claim] = client.get(path).json()["results"]
        assert (claim["slot"], claim["case_id"], claim["draft"]) == (
            assignment["slot"],
            case.pk,
            None,
        )
        draft = {"token": 1, "version": 0, "content": builders.content(), "active_seconds": 1}
        client.put(f"/api/slots/{claim['slot']}/draft", draft, format="json")
        [claim] = client.get(path).json()["results"]
        assert claim["draft"]["version"] == 1

    def test_name_what_was_read_last_so_that_it_can_be_corrected(
        self, client: APIClient, project: Project, case: Case, assignment: dict[str, Any]
    ) -> None:
        path = f"/api/projects/{project.slug}/claims"
        assert client.get(path).json()["last_read"] is None
        submit(client, assignment)
        last = client.get(path).json()["last_read"]
        assert (last["slot"], last["case_id"]) == (assignment["slot"], case.pk)
        other = client_of(builders.reader(project))
        assert other.get(path).json()["last_read"] is None

    def test_nothing_to_read_is_a_sentence(self, client: APIClient, project: Project) -> None:
        answer = client.post(f"/api/projects/{project.slug}/claims", {}, format="json")
        assert "free for you" in problem(answer, 404, "nothing_to_read")["detail"]

    def test_why_it_was_picked_is_told_to_those_who_are_not_blind(self) -> None:
        from learning.models import Ranking

        project = builders.project(blind_to_model=False)
        case = builders.case(project)
        Ranking.objects.create(
            project=project,
            generation=3,
            acquisition="margin",
            reason="few labels",
            size=1,
            batch=[{"case": case.pk, "rank": 1, "score": 0.7, "components": {"margin": 0.7}}],
        )
        queue.rerank(project, 3, [(case.pk, 0.9)])
        client = client_of(builders.reader(project))
        answer = client.post(f"/api/projects/{project.slug}/claims", {}, format="json")
        picked = answer.json()["picked"]
        assert picked.pop("at")
        assert picked == {
            "generation": 3,
            "rank": 1,
            "score": 0.7,
            "components": {"margin": 0.7},
            "acquisition": "margin",
            "round": None,
            "fast": False,
            "reads": 0,
        }


class TestLease:
    def test_heartbeat(self, client: APIClient, assignment: dict[str, Any]) -> None:
        path = f"/api/slots/{assignment['slot']}/heartbeat"
        answer = client.post(path, {"token": 1}, format="json")
        assert answer.status_code == 200
        assert list(answer.json()) == ["lease_expires_at", "assistance", "newer_schema"]
        problem(client.post(path, {"token": 7}, format="json"), 409, "lease_lost")
        problem(client.post(path, {"token": -1}, format="json"), 422, "invalid_input")
        problem(client.post(path, {}, format="json"), 422, "invalid_input")

    def test_release(self, client: APIClient, assignment: dict[str, Any]) -> None:
        answer = client.post(
            f"/api/slots/{assignment['slot']}/release", {"token": 1}, format="json"
        )
        assert (answer.status_code, answer.content) == (204, b"")
        assert Slot.objects.get().state == Slot.State.OPEN

    def test_skip(self, client: APIClient, project: Project, assignment: dict[str, Any]) -> None:
        path = f"/api/slots/{assignment['slot']}/skip"
        problem(client.post(path, {"token": 1, "reason": " "}, format="json"), 422, "invalid_input")
        answer = client.post(path, {"token": 1, "reason": "I know her"}, format="json")
        assert answer.status_code == 204
        answer = client.post(f"/api/projects/{project.slug}/claims", {}, format="json")
        problem(answer, 404, "nothing_to_read")

    def test_issue_and_its_answer(
        self, client: APIClient, lead: APIClient, case: Case, assignment: dict[str, Any]
    ) -> None:
        path = f"/api/slots/{assignment['slot']}/issue"
        body = {"token": 1, "issue": "image_quality", "text": "The apex is cut off."}
        answer = client.post(path, body, format="json")
        assert answer.status_code == 201
        comment = answer.json()["comment"]
        case.refresh_from_db()
        assert case.state == Case.State.ISSUE
        problem(client.post(f"/api/comments/{comment}/resolve"), 403, "not_permitted")
        reply = {"text": "Exported again.", "parent": comment}
        assert lead.post(f"/api/cases/{case.pk}/comments", reply, format="json").status_code == 201
        assert lead.post(f"/api/comments/{comment}/resolve").status_code == 204
        problem(lead.post(f"/api/comments/{comment}/resolve"), 409, "conflict")
        case.refresh_from_db()
        assert case.state == Case.State.READY
        said = client.get(f"/api/cases/{case.pk}/comments").json()["results"]
        assert [one["text"] for one in said] == ["The apex is cut off.", "Exported again."]

    def test_the_answer_stands_in_the_list_of_who_asked_and_of_nobody_else(
        self,
        client: APIClient,
        lead: APIClient,
        project: Project,
        case: Case,
        assignment: dict[str, Any],
    ) -> None:
        raised = {"token": 1, "issue": "other", "text": "Whose hand is it?"}
        comment = client.post(f"/api/slots/{assignment['slot']}/issue", raised, format="json")
        path = f"/api/projects/{project.slug}/cases"
        [row] = client.get(path).json()["results"]
        assert (row["stage"], row["answer"]) == ("issue", None)
        reply = {"text": "The left one.", "parent": comment.json()["comment"]}
        lead.post(f"/api/cases/{case.pk}/comments", reply, format="json")
        lead.post(f"/api/comments/{reply['parent']}/resolve")
        [row] = client.get(path).json()["results"]
        assert (row["stage"], row["answer"]) == ("not_started", "The left one.")
        [row] = client_of(builders.reader(project)).get(path).json()["results"]
        assert row["answer"] is None

    def test_withdrawing_needs_the_right_and_a_reason(
        self, client: APIClient, lead: APIClient, project: Project, case: Case
    ) -> None:
        path, said = f"/api/cases/{case.pk}/withdraw", {"reason": "Of another study."}
        adjudicator = client_of(builders.user(Role.ADJUDICATOR, project=project))
        problem(client.post(path, said, format="json"), 404, "not_found")
        problem(adjudicator.post(path, said, format="json"), 403, "not_permitted")
        problem(lead.post(path, {"reason": " "}, format="json"), 422, "invalid_input")
        assert lead.post(path, said, format="json").status_code == 204
        problem(lead.post(path, said, format="json"), 409, "conflict")
        case.refresh_from_db()
        assert case.state == Case.State.WITHDRAWN


class TestDraft:
    def put(self, client: APIClient, assignment: dict[str, Any], version: int, value: str) -> Any:
        body = {
            "token": 1,
            "version": version,
            "content": builders.content(value),
            "active_seconds": 2,
        }
        return client.put(f"/api/slots/{assignment['slot']}/draft", body, format="json")

    def test_is_saved_and_comes_back(self, client: APIClient, assignment: dict[str, Any]) -> None:
        answer = self.put(client, assignment, 0, "no")
        assert answer.status_code == 200
        assert set(answer.json()) == {"version", "updated_at"}
        draft = client.get(f"/api/slots/{assignment['slot']}").json()["draft"]
        assert draft["updated_at"].startswith("20")
        del draft["updated_at"]
        assert draft == {"version": 1, "content": builders.content("no"), "active_seconds": 2}

    def test_a_stale_one_gets_the_newer_one_to_choose_from(
        self, client: APIClient, assignment: dict[str, Any]
    ) -> None:
        self.put(client, assignment, 0, "yes")
        self.put(client, assignment, 1, "no")
        body = problem(self.put(client, assignment, 1, "yes"), 409, "stale_draft")
        assert body["current"]["version"] == 2
        assert body["current"]["content"] == builders.content("no")


class TestSubmit:
    def test_is_answered_the_same_each_time(
        self, client: APIClient, assignment: dict[str, Any]
    ) -> None:
        key = str(uuid4())
        answers = [submit(client, assignment, key=key) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert answers[0].json()["late"] is False
        assert Read.objects.get().pk == answers[0].json()["read"]

    def test_with_a_key_for_other_content_is_refused(
        self, client: APIClient, assignment: dict[str, Any]
    ) -> None:
        key = str(uuid4())
        submit(client, assignment, "yes", key=key)
        answer = submit(client, assignment, "no", key=key)
        assert "new key" in problem(answer, 422, "idempotency_mismatch")["detail"]

    @pytest.mark.parametrize("key", [None, "", "abc"])
    def test_wants_a_key(
        self, client: APIClient, assignment: dict[str, Any], key: str | None
    ) -> None:
        answer = submit(client, assignment, key=key)
        assert "Idempotency-Key" in problem(answer, 422, "invalid_input")["detail"]

    def test_names_each_fault(self, client: APIClient, assignment: dict[str, Any]) -> None:
        body = problem(submit(client, assignment, "perhaps"), 422, "invalid_input")
        assert body["errors"] == [
            {
                "where": "answers.0",
                "message": "Is there a finding? Choose one of no, yes.",
            }
        ]

    def test_shows_what_was_said_when_the_case_is_opened_again(
        self, client: APIClient, assignment: dict[str, Any]
    ) -> None:
        submit(client, assignment, "no")
        again = client.get(f"/api/slots/{assignment['slot']}").json()
        assert again["submitted"]["content"] == builders.content("no")
        assert submit(client, again, "yes").status_code == 201
        assert Read.objects.filter(supersedes__isnull=False).count() == 1

    def test_too_late_is_kept_and_said_so(
        self, client: APIClient, project: Project, assignment: dict[str, Any]
    ) -> None:
        builders.let_time_pass(Slot.objects.get(), hours=1)
        queue.expire_leases()
        queue.claim(project, builders.reader(project))
        assert submit(client, assignment).json()["late"] is True


class TestMasks:
    def put(self, client: APIClient, slot: int, of: Series, voxels: bytes, **query: Any) -> Any:
        given = {"series": of.pk, "sha256": hashlib.sha256(voxels).hexdigest(), **query}
        words = "&".join(f"{name}={value}" for name, value in given.items())
        path = f"/api/slots/{slot}/masks?{words}"
        return client.put(path, gzip.compress(voxels), content_type="application/octet-stream")

    def test_go_up_and_come_back(
        self, client: APIClient, case: Case, assignment: dict[str, Any]
    ) -> None:
        voxels = bytes([0, 1, 0, 2] * 40)
        answer = self.put(client, assignment["slot"], case.series.get(), voxels)
        assert answer.status_code == 201
        digest = hashlib.sha256(voxels).hexdigest()
        assert answer.json() == {"sha256": digest, "shape": [2, 8, 10], "labels": [1, 2]}
        back = client.get(f"/api/slots/{assignment['slot']}/masks/{digest}")
        assert back["Content-Type"] == "application/octet-stream"
        assert gzip.decompress(back.content) == voxels
        problem(client.get(f"/api/slots/{assignment['slot']}/masks/{'0' * 64}"), 404, "not_found")

    def test_are_refused_with_a_sentence(
        self, client: APIClient, case: Case, assignment: dict[str, Any]
    ) -> None:
        slot, series = assignment["slot"], case.series.get()
        problem(self.put(client, slot, series, bytes(3)), 422, "invalid_input")
        problem(self.put(client, slot, series, bytes(160), series="x"), 422, "invalid_input")
        problem(self.put(client, slot, series, bytes(160), series=10**30), 422, "invalid_input")
        problem(self.put(client, slot, series, bytes(160), series=10**17), 404, "not_found")
        problem(self.put(client, slot, series, bytes(160), sha256="a"), 422, "invalid_input")


class TestList:
    def rows(self, client: APIClient, project: Project, query: str = "") -> list[dict[str, Any]]:
        answer = client.get(f"/api/projects/{project.slug}/cases{query}")
        assert answer.status_code == 200, answer.content
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def test_a_row(
        self, client: APIClient, project: Project, case: Case, assignment: dict[str, Any]
    ) -> None:
        [row] = self.rows(client, project)
        thumbnail = row.pop("thumbnail")
        assert thumbnail.startswith("/pixels/")
        assert thumbnail.endswith("/thumbnail")
        assert row.pop("created_at").startswith("20")
        assert row == {
            "id": case.pk,
            "modality": "CT",
            "body_part": "",
            "series_count": 1,
            "frame_count": 2,
            "state": "ready",
            "stage": "not_started",
            "due_at": None,
            "ai_ready": False,
            "slot": assignment["slot"],
            "answer": None,
            "has_draft": False,
            "has_issue": False,
            "stream": None,
        }

    def test_newest_first_by_pages(self, client: APIClient, project: Project) -> None:
        made = [case.pk for case in builders.cases(project, 5)]
        seen, path = [], f"/api/projects/{project.slug}/cases?limit=2"
        while path:
            page = client.get(path).json()
            seen += [row["id"] for row in page["results"]]
            path = page["next"]
        assert seen == made[::-1]

    def test_readers_see_what_is_theirs_or_free(self, project: Project) -> None:
        me, other = builders.reader(project), builders.reader(project)
        taken, done, skipped, free = builders.cases(project, 4)
        theirs = queue.claim(project, other)
        assert theirs.case == taken
        mine = queue.claim(project, me)
        assert mine.case == done
        client = client_of(me)
        submit(client, {"slot": mine.pk, "token": 1})
        third = queue.claim(project, me)
        queue.skip(third.pk, me, third.token, reason="No")
        assert third.case == skipped
        rows = {row["id"]: row["stage"] for row in self.rows(client, project)}
        assert rows == {done.pk: "done", free.pk: "not_started"}

    def test_leads_see_all_and_how_far_it_is(
        self, lead: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project = Project.objects.get()
        Project.objects.update(reads_per_case=2)
        project.refresh_from_db()
        fresh, issue, half, done, drafted = builders.cases(project, 5)
        for case, amount in ((half, 1), (done, 2)):
            for _ in range(amount):
                person = builders.reader(project)
                Slot.objects.filter(case=case, state="open").update(priority=0.99)
                submit(client_of(person), {"slot": queue.claim(project, person).pk, "token": 1})
            Slot.objects.filter(case=case).update(priority=0.01)
        Case.objects.filter(pk=issue.pk).update(state="issue")
        Slot.objects.filter(case=drafted, number=1).update(priority=0.98)
        person = builders.reader(project)
        slot = queue.claim(project, person)
        reading.save_draft(
            slot.pk, person, token=1, version=0, content=builders.content(), active_seconds=1
        )
        stages = {row["id"]: row["stage"] for row in self.rows(lead, project)}
        assert stages == {
            fresh.pk: "not_started",
            issue.pk: "issue",
            half.pk: "awaiting",
            done.pk: "done",
            drafted.pk: "draft",
        }
        for few in (listing.FEW, 0):
            monkeypatch.setattr(listing, "FEW", few)
            for case, stage in stages.items():
                assert [row["id"] for row in self.rows(lead, project, f"?state={stage}")] == [case]
        assert {row["stream"] for row in self.rows(lead, project)} == {"pool"}

    def test_search(self, client: APIClient, lead: APIClient, project: Project) -> None:
        chest = builders.case(project, body_part="CHEST")
        head = builders.case(project, body_part="HEAD")
        assert [r["id"] for r in self.rows(client, project, "?search=chest+ct")] == [chest.pk]
        assert [r["id"] for r in self.rows(client, project, f"?search={head.pk}")] == [head.pk]
        name = head.patient.pseudonym
        assert [r["id"] for r in self.rows(lead, project, f"?search={name}")] == [head.pk]
        assert self.rows(client, project, f"?search={name}") == []
        answer = client.get(f"/api/projects/{project.slug}/cases?state=odd")
        assert "is no stage" in problem(answer, 422, "invalid_input")["detail"]


FORBIDDEN = ("stream", "priority", "generation", "holdout", "control", "calibration", "pool")


class TestBlindness:
    """What another reader did, and what a case is used for, must not show anywhere."""

    @pytest.fixture
    def answers(self) -> Any:
        """All that a second reader may ask of a case, before and after the first reader's work."""

        def walk(project: Project, reader: User, case: Case) -> dict[str, Any]:
            client = client_of(reader)
            slot = queue.live_claims(project, reader)[0]
            paths = [
                f"/api/projects/{project.slug}/cases",
                f"/api/projects/{project.slug}/claims",
                f"/api/slots/{slot.pk}",
                f"/api/cases/{case.pk}/comments",
                f"/api/projects/{project.slug}",
            ]
            shown = {path: client.get(path).content.decode() for path in paths}
            return {path: re.sub(r"/pixels/[^/]+/", "", text) for path, text in shown.items()}

        return walk

    def test_the_second_reader_sees_the_same_whatever_the_first_did(self, answers: Any) -> None:
        project = builders.project(reads_per_case=2)
        case = builders.case(project)
        first, second = builders.reader(project), builders.reader(project)
        held, _ = queue.claim(project, first), queue.claim(project, second)
        before = answers(project, second, case)
        client = client_of(first)
        client.post(f"/api/cases/{case.pk}/comments", {"text": "Surely a tumour."}, format="json")
        client.put(
            f"/api/slots/{held.pk}/draft",
            {"token": 1, "version": 0, "content": builders.content(), "active_seconds": 1},
            format="json",
        )
        submit(client, {"slot": held.pk, "token": 1})
        assert answers(project, second, case) == before

    def test_no_word_of_streams_or_ranking(self, answers: Any) -> None:
        project = builders.project(blind_to_model=True)
        case = builders.case(project, stream="holdout")
        reader = builders.reader(project)
        queue.claim(project, reader)
        for path, text in answers(project, reader, case).items():
            if path.endswith(project.slug):
                continue  # settings of the project, not of a case
            shown = json.loads(text)
            assert not (set(words(shown)) & set(FORBIDDEN)), path

    def test_another_s_slot_is_not_there(self, client: APIClient, project: Project) -> None:
        builders.case(project)
        slot = queue.claim(project, builders.reader(project))
        for method, path, body in (
            ("get", "", None),
            ("post", "/heartbeat", {"token": 1}),
            ("post", "/release", {"token": 1}),
            ("post", "/skip", {"token": 1, "reason": "x"}),
            ("post", "/issue", {"token": 1, "issue": "x", "text": "x"}),
            ("put", "/draft", {"token": 1, "version": 0, "content": {}, "active_seconds": 0}),
        ):
            answer = getattr(client, method)(f"/api/slots/{slot.pk}{path}", body, format="json")
            problem(answer, 404, "not_found")
        problem(submit(client, {"slot": slot.pk, "token": 1}), 404, "not_found")


def words(value: Any) -> Iterator[str]:
    """All names and texts with a value in a JSON document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if inner is not None:
                yield name
                yield from words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from words(inner)
    elif isinstance(value, str):
        yield value


def test_a_reader_who_left_the_project_has_no_more_to_do_with_it(
    client: APIClient, reader: User, assignment: dict[str, Any]
) -> None:
    reader.memberships.all().delete()
    problem(submit(client, assignment), 404, "not_found")
    problem(client.get(f"/api/slots/{assignment['slot']}"), 404, "not_found")


class TestListOfAReader:
    def test_holds_the_newest_of_the_free_and_all_of_one_s_own(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listing, "NEWEST_FREE", 2)
        reader = builders.reader(project)
        oldest, drafted, _, declined, newer, newest = builders.cases(project, 6)
        builders.read(oldest, by=reader)
        Draft.objects.create(
            slot=drafted.slots.get(), reader=reader, version=1, content=builders.content()
        )
        Skip.objects.create(case=declined, reader=reader, reason="blurred")
        found = listing.for_reader(project, reader).order_by("-pk")
        assert list(found.values_list("pk", "stage")) == [
            (newest.pk, "not_started"),
            (newer.pk, "not_started"),
            (drafted.pk, "draft"),
            (oldest.pk, "done"),
        ]
        for stage in ("draft", "done", "issue"):
            begun = listing.for_reader(project, reader, ListFilter(stage))
            assert not begun.filter(pk=newest.pk)

    def test_a_search_shows_the_newest_free_of_each_kind_that_fits(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listing, "NEWEST_FREE", 1)
        old, ct = builders.cases(project, 2, body_part="HEAD", modality="CT")
        mr = builders.case(project, body_part="HEAD", modality="MR")
        builders.case(project, body_part="KNEE", modality="MR")
        reader = builders.reader(project)

        def found(search: str) -> list[int]:
            sought = list_filters.parse(project, search=search)
            cases = listing.for_reader(project, reader, sought)
            return list(cases.order_by("-pk").values_list("pk", flat=True))

        assert found("head") == [mr.pk, ct.pk]
        assert found("head ct") == [ct.pk]
        assert found(str(old.pk)) == [old.pk]
        assert found("nothing") == []
