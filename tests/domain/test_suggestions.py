"""Suggestions: for whom there are any, what stays current, and what a read says of them."""

from __future__ import annotations

import gzip
import hashlib
import io
from typing import Any

import builders
import numpy as np
import pytest
import suggestion_builders as hints
from django.db import IntegrityError, connection, transaction

from annotation import masks, projects, queue, reading, schema_versions, suggestions
from annotation.errors import Conflict, ImagesChanged, InvalidInput, NotFound
from annotation.models import (
    Assistance,
    Case,
    Event,
    FirstReading,
    Instance,
    ItemOutcome,
    Mask,
    Project,
    Read,
    Role,
    Showing,
    Slot,
    Suggestion,
    User,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return hints.project()


@pytest.fixture
def case(project: Project) -> Case:
    return builders.case(project)


@pytest.fixture
def reader(project: Project) -> User:
    return builders.reader(project)


def outcomes(read: Read) -> dict[str, str]:
    found = ItemOutcome.objects.filter(assistance__read=read)
    return dict(found.values_list("item", "outcome"))


def uploaded(slot: Slot, voxels: np.ndarray) -> dict[str, Any]:
    series = slot.case.series.get()
    content = voxels.astype(np.uint8).tobytes()
    sha256 = hashlib.sha256(content).hexdigest()
    masks.store(
        slot, series_id=series.pk, sha256=sha256, gzip_stream=io.BytesIO(gzip.compress(content)),
        values={1, 2},
    )  # fmt: skip
    return builders.labelmap(series, sha256)


class TestForWhom:
    def test_a_primary_reading_of_the_pool_and_of_the_random_arm(self, reader: User) -> None:
        for stream in ("pool", "control"):
            project = hints.project()
            case = builders.case(project, stream=stream)
            made = hints.suggested(case)
            slot = hints.claimed(project, builders.reader(project))
            assert suggestions.show(slot, slot.reader) == made
            assert Showing.objects.filter(suggestion=made, reader=slot.reader).count() == 1

    @pytest.mark.parametrize(
        ("of_project", "of_case", "of_slot"),
        [
            ({"suggestions": "off"}, {}, {}),
            ({"blind_to_model": True}, {}, {}),
            ({}, {"stream": "holdout"}, {}),
            ({}, {"stream": "calibration"}, {}),
            ({}, {"reads_wanted": 2}, {}),
            ({}, {}, {"purpose": "second"}),
            ({}, {}, {"purpose": "audit"}),
            ({}, {}, {"purpose": "repeat"}),
            ({}, {}, {"purpose": "adjudication"}),
            ({}, {}, {"purpose": "gold"}),
        ],
    )
    def test_nobody_else_ever(self, of_project: Any, of_case: Any, of_slot: Any) -> None:
        project = hints.project(**of_project)
        case = builders.case(project, **of_case)
        Slot.objects.filter(case=case).update(**of_slot)
        made = hints.suggested(case)
        slot = hints.claimed(project, builders.reader(project))
        assert suggestions.mode_for(slot, slot.reader) == "off"
        with pytest.raises(NotFound):
            suggestions.show(slot, slot.reader)
        assert not Showing.objects.exists()
        assert suggestions.wanting(project) == []
        assert not Case.objects.filter(suggestions.ready(slot.reader), pk=case.pk).exists()
        assert made.current

    def test_only_who_has_the_case_in_hand(self, project: Project, case: Case) -> None:
        hints.suggested(case)
        slot = hints.claimed(project, builders.reader(project))
        with pytest.raises(NotFound):
            suggestions.show(slot, builders.reader(project))

    def test_being_shown_is_an_event_once(self, project: Project, case: Case, reader: User) -> None:
        made = hints.suggested(case)
        slot = hints.claimed(project, reader)
        suggestions.show(slot, reader)
        suggestions.show(slot, reader)
        [event] = Event.objects.filter(verb="suggestion.show")
        assert (event.actor, event.object_id) == (reader, str(made.pk))
        assert event.data == {"case": case.pk, "slot": slot.pk, "model": 1}

    def test_blindness_and_suggestions_exclude_each_other(self, project: Project) -> None:
        lead = builders.user(Role.LEAD, project=project)
        with pytest.raises(InvalidInput, match="blind to the model"):
            projects.update(project, {"blind_to_model": True}, user=lead)
        both = {"blind_to_model": True, "suggestions": "off"}
        assert projects.update(project, both, user=lead).blind_to_model
        with pytest.raises(InvalidInput, match="blind to the model"):
            projects.update(project, {"suggestions": "at_once"}, user=lead)


class TestCurrent:
    def test_of_other_images_is_not_shown(self, project: Project, case: Case, reader: User) -> None:
        hints.suggested(case)
        slot = hints.claimed(project, reader)
        Instance.objects.filter(series__cases=case).update(sha256="e" * 64)
        with pytest.raises(NotFound):
            suggestions.show(slot, reader)
        suggestions.forget(case)
        assert suggestions.wanting(project) == [case.pk]

    def test_of_the_same_images_is_not_forgotten(self, case: Case) -> None:
        made = hints.suggested(case)
        suggestions.forget(case)
        made.refresh_from_db()
        assert made.current

    def test_by_another_schema_is_not_shown(
        self, project: Project, case: Case, reader: User
    ) -> None:
        hints.suggested(case)
        slot = hints.claimed(project, reader)
        lead = builders.user(Role.LEAD, project=project)
        schema_versions.add(project, builders.label_document(guideline="Look again."), user=lead)
        with pytest.raises(NotFound):
            suggestions.show(slot, reader)
        assert suggestions.wanting(project) == [case.pk]

    def test_only_the_newest_of_a_case(self, case: Case) -> None:
        before = hints.suggested(case)
        after = hints.suggested(case, maker=suggestions.Maker(2, "a" * 64, 4))
        before.refresh_from_db()
        assert not before.current
        assert after.current
        with pytest.raises(IntegrityError), transaction.atomic():
            Suggestion.objects.filter(pk=before.pk).update(current=True)

    def test_what_was_made_of_images_that_changed_meanwhile_is_not_kept(
        self, project: Project, case: Case
    ) -> None:
        made = suggestions.Made(case.pk, "0" * 64, [hints.ANSWER])
        schema = project.label_schemas.get()
        assert suggestions.store(project, hints.MAKER, schema, [made]) == 0
        assert not Suggestion.objects.exists()

    def test_a_case_without_one_and_with_a_reason_is_not_asked_for_again(
        self, project: Project, case: Case, reader: User
    ) -> None:
        hints.suggested(case, problem="The images cannot be decoded.")
        assert suggestions.wanting(project) == []
        with pytest.raises(NotFound):
            suggestions.show(hints.claimed(project, reader), reader)

    def test_sweeping_keeps_what_somebody_saw(self, project: Project, reader: User) -> None:
        cases = builders.cases(project, 3)
        for case in cases:
            hints.with_mask(case, np.ones((1, 8, 10), np.uint8))
        slot = hints.claimed(project, reader)
        seen = suggestions.show(slot, reader)
        Mask.objects.update(stored_at="2020-01-01T00:00:00Z")
        assert masks.sweep() == 0
        suggestions.retire(project, but_of=99)
        assert suggestions.sweep() == 2
        assert list(Suggestion.objects.all()) == [seen]
        assert masks.sweep() == 2
        assert Mask.objects.get() == seen.mask


class TestWanting:
    def test_first_what_is_in_hand_then_what_is_claimed_next(self, project: Project) -> None:
        late, early, held = builders.cases(project, 3)
        for case, priority in ((late, 0.1), (early, 0.5), (held, 0.9)):
            Slot.objects.filter(case=case).update(priority=priority)
        assert hints.claimed(project, builders.reader(project)).case_id == held.pk
        assert suggestions.wanting(project) == [held.pk, early.pk, late.pk]

    def test_no_more_than_so_many_ahead(self, project: Project) -> None:
        first, *_ = builders.cases(project, 5)
        assert len(suggestions.wanting(project, ahead=2)) == 2
        assert suggestions.wanting(project, ahead=1) == [first.pk]

    def test_not_what_cannot_be_read_now(self, project: Project, case: Case) -> None:
        Case.objects.filter(pk=case.pk).update(state=Case.State.ISSUE)
        assert suggestions.wanting(project) == []


class TestOutcomes:
    def test_each_item_gets_what_was_done_with_it(
        self, project: Project, case: Case, reader: User
    ) -> None:
        kept, moved, dropped, away, alone = (hints.box(case) for _ in range(5))
        made = hints.suggested(case, hints.ANSWER, kept, moved, dropped, away, alone)
        slot = hints.claimed(project, reader)
        suggestions.show(slot, reader)
        accepted = ["answer:finding", kept["item"], moved["item"], dropped["item"]]
        decisions = [
            {"suggestion": made.pk, "item": item, "decision": "accepted"} for item in accepted
        ] + hints.decided(made, rejected=away["item"])
        marks = (
            hints.as_mark(kept),
            hints.as_mark(moved, points_px=[[1, 2], [9, 6]]),
            builders.box(case),
        )
        content = {**builders.content("yes", marks=marks), "suggestions": decisions}
        read = hints.submit(slot, content)
        assert outcomes(read) == {
            "answer:finding": "accepted",
            kept["item"]: "accepted",
            moved["item"]: "edited",
            dropped["item"]: "rejected",
            away["item"]: "rejected",
            alone["item"]: "ignored",
        }
        row = ItemOutcome.objects.get(item=moved["item"])
        assert (row.moved_points, row.moved_mm) == (1, pytest.approx(4 * 0.25))
        assistance = Assistance.objects.get(read=read)
        assert (assistance.suggestion, assistance.seconds) == (made, 20)
        [event] = Event.objects.filter(verb="read.submit")
        assert event.data["suggestions"] == [made.pk]

    @pytest.mark.parametrize(
        ("decision", "final", "outcome", "agrees"),
        [
            ("accepted", "yes", "accepted", True),
            ("accepted", "no", "edited", False),
            ("rejected", "no", "rejected", False),
            (None, "yes", "ignored", True),
            (None, "no", "ignored", False),
        ],
    )
    def test_an_answer(
        self, project: Project, case: Case, reader: User, decision: Any, final: str, outcome: str,
        agrees: bool,
    ) -> None:  # fmt: skip
        made = hints.suggested(case)
        slot = hints.claimed(project, reader)
        suggestions.show(slot, reader)
        decisions = hints.decided(made, **({decision: "answer:finding"} if decision else {}))
        read = hints.submit(slot, {**builders.content(final), "suggestions": decisions})
        row = ItemOutcome.objects.get(assistance__read=read)
        assert (row.outcome, row.agrees) == (outcome, agrees)

    def test_masks_are_measured_class_by_class(
        self, project: Project, case: Case, reader: User
    ) -> None:
        voxels = np.zeros((1, 8, 10), np.uint8)
        voxels[0, :4, :4], voxels[0, 5:8, 5:8] = 1, 2
        made = hints.with_mask(case, voxels)
        slot = hints.claimed(project, reader)
        suggestions.show(slot, reader)
        final = voxels.copy()
        final[0, :2, :4] = 0
        decisions = [
            {"suggestion": made.pk, "item": item["item"], "decision": "accepted"}
            for item in made.items
        ]
        content = builders.content("yes", marks=(uploaded(slot, final),))
        read = hints.submit(slot, {**content, "suggestions": decisions})
        lesion, node = ItemOutcome.objects.filter(assistance__read=read).order_by("label")
        assert (lesion.outcome, lesion.dice) == ("edited", pytest.approx(2 * 8 / 24))
        assert (node.outcome, node.dice) == ("accepted", 1.0)

    def test_a_mask_that_was_taken_and_wiped_out_again_is_rejected(
        self, project: Project, case: Case, reader: User
    ) -> None:
        made = hints.with_mask(case, np.ones((1, 8, 10), np.uint8))
        slot = hints.claimed(project, reader)
        suggestions.show(slot, reader)
        decisions = hints.decided(made, accepted=made.items[0]["item"])
        read = hints.submit(slot, {**builders.content("no"), "suggestions": decisions})
        assert list(outcomes(read).values()) == ["rejected"]

    def test_a_reading_without_suggestions_has_none(
        self, project: Project, case: Case, reader: User
    ) -> None:
        """A decision about what was never shown counts for nothing, and stops nothing."""
        made = hints.suggested(case)
        slot = hints.claimed(project, reader)
        decisions = hints.decided(made, accepted="answer:finding")
        read = hints.submit(slot, {**builders.content("yes"), "suggestions": decisions})
        assert not Assistance.objects.filter(read=read).exists()

    def test_the_draft_and_the_read_give_the_decisions_back(
        self, project: Project, case: Case, reader: User
    ) -> None:
        made = hints.suggested(case)
        slot = hints.claimed(project, reader)
        suggestions.show(slot, reader)
        decisions = hints.decided(made, accepted="answer:finding")
        content = {**builders.content("yes"), "suggestions": decisions}
        draft = reading.save_draft(
            slot.pk, reader, token=slot.token, version=0, content=content, active_seconds=1
        )
        assert draft.content["suggestions"] == decisions
        assert reading.said(hints.submit(slot, content))["suggestions"] == decisions

    def test_rows_are_never_changed(self, project: Project, case: Case, reader: User) -> None:
        made = hints.suggested(case)
        slot = hints.claimed(project, reader)
        suggestions.show(slot, reader)
        hints.submit(slot, builders.content("yes"))
        for table in ("showing", "assistance", "itemoutcome"):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM annotation_{table}")
        assert made.current


class TestReaderFirst:
    @pytest.fixture
    def project(self) -> Project:
        return hints.project("reader_first")

    @pytest.fixture
    def slot(self, project: Project, case: Case, reader: User) -> Slot:
        hints.suggested(case)
        return hints.claimed(project, reader)

    def commit(self, slot: Slot, value: str = "no", **changes: Any) -> FirstReading:
        content = changes.pop("content", builders.content(value))
        given = {"token": slot.token, "content": content, "active_seconds": 12, **changes}
        return reading.commit_first(slot.pk, slot.reader, **given)

    def test_nothing_is_shown_before_the_own_reading(self, slot: Slot) -> None:
        with pytest.raises(Conflict, match="your own reading first"):
            suggestions.show(slot, slot.reader)
        assert not Showing.objects.exists()
        self.commit(slot)
        assert suggestions.show(slot, slot.reader).items == [hints.ANSWER]

    def test_the_first_reading_must_be_complete(self, slot: Slot) -> None:
        with pytest.raises(InvalidInput, match="Please answer"):
            self.commit(slot, content={"answers": [], "marks": []})

    def test_it_is_of_the_images_that_the_case_has(self, slot: Slot) -> None:
        shown = {str(one.pk): one.display["version"] for one in slot.case.series.all()}
        with pytest.raises(ImagesChanged):
            self.commit(slot, images=dict.fromkeys(shown, "of before"))
        assert self.commit(slot, images=shown).slot == slot

    def test_it_is_kept_as_it_was_and_the_final_one_may_differ(self, slot: Slot) -> None:
        first = self.commit(slot, "no")
        made = suggestions.show(slot, slot.reader)
        decisions = hints.decided(made, accepted="answer:finding")
        read = hints.submit(slot, {**builders.content("yes"), "suggestions": decisions}, seconds=20)
        assert first.content == builders.content("no")
        assistance = Assistance.objects.get(read=read)
        assert (assistance.first_reading, assistance.changed) == (first, 1)
        assert assistance.seconds == 8
        assert read.answers.get().value == "yes"
        assert Event.objects.filter(verb="read.commit_first", actor=slot.reader).count() == 1

    def test_said_again_alike_it_is_the_same_and_otherwise_refused(self, slot: Slot) -> None:
        assert self.commit(slot) == self.commit(slot)
        with pytest.raises(Conflict, match="stays as it is"):
            self.commit(slot, "yes")
        assert FirstReading.objects.get().content == builders.content("no")

    def test_the_database_refuses_to_change_it(self, slot: Slot) -> None:
        first = self.commit(slot)
        with pytest.raises(IntegrityError), transaction.atomic():
            FirstReading.objects.filter(pk=first.pk).update(content={})

    def test_its_masks_stay(self, slot: Slot) -> None:
        content = builders.content("no", marks=(uploaded(slot, np.ones((1, 8, 10))),))
        self.commit(slot, content=content)
        Mask.objects.update(stored_at="2020-01-01T00:00:00Z")
        assert masks.sweep() == 0

    def test_without_a_suggestion_the_case_is_submitted_as_ever(self, slot: Slot) -> None:
        assert hints.submit(slot, builders.content("yes")).pk
        assert not Assistance.objects.exists()

    def test_is_asked_for_in_such_a_project_alone(self) -> None:
        project = hints.project("at_once")
        builders.case(project)
        slot = hints.claimed(project, builders.reader(project))
        with pytest.raises(Conflict, match="No first reading"):
            self.commit(slot)

    def test_is_asked_of_who_has_the_case_in_hand(self, slot: Slot) -> None:
        queue.release(slot.pk, slot.reader, slot.token)
        with pytest.raises(Conflict, match="No first reading"):
            self.commit(slot)
