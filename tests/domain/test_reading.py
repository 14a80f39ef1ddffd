"""What readers say: drafts, submissions with one effect, corrections, late reads, masks, references."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import builders
import pytest
from django.db import connection
from django.db.models.functions import Now
from test_queue import verbs

from annotation import consensus, ledger, masks, provenance, queue, reading
from annotation.errors import (
    Conflict,
    IdempotencyMismatch,
    InvalidInput,
    NotFound,
    StaleDraft,
    StorageFull,
    TooLarge,
)
from annotation.models import (
    Answer,
    Case,
    Draft,
    LabelSchema,
    Mark,
    Mask,
    Project,
    Read,
    Reference,
    Series,
    Slot,
    User,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return builders.project()


@pytest.fixture
def case(project: Project) -> Case:
    return builders.case(project)


@pytest.fixture
def reader(project: Project) -> User:
    return builders.reader(project)


@pytest.fixture
def slot(project: Project, case: Case, reader: User) -> Slot:
    return queue.claim(project, reader)


def draft(slot: Slot, reader: User, mark: dict[str, Any]) -> None:
    content = builders.content(marks=(mark,))
    Draft.objects.create(slot=slot, reader=reader, version=1, content=content)


def submit(slot: Slot, reader: User, content: Any = None, **changes: Any) -> Read:
    given = {
        "token": slot.token,
        "idempotency_key": builders.key(),
        "content": builders.content() if content is None else content,
        "active_seconds": 12.5,
        **changes,
    }
    return reading.submit(slot.pk, reader, **given)


def lose(slot: Slot) -> None:
    builders.let_time_pass(slot, hours=1)
    assert queue.expire_leases() == 1


class TestSubmit:
    def test_keeps_what_was_said(self, case: Case, slot: Slot, reader: User) -> None:
        box = builders.box(case)
        read = submit(slot, reader, builders.content("no", marks=(box,)))
        stored = Read.objects.get()
        assert (stored.case, stored.slot, stored.reader, stored.late) == (case, slot, reader, False)
        assert stored.label_schema == case.project.label_schemas.get()
        assert stored.instances_sha256 == provenance.instances_sha256(case)
        answer = Answer.objects.get()
        assert (answer.question, answer.target, answer.value) == ("finding", "", "no")
        mark = Mark.objects.get()
        assert (mark.kind, mark.label_class, mark.points_px) == ("box", "lesion", [[1, 2], [5, 6]])
        assert reading.said(read) == builders.content("no", marks=(box,))

    def test_keeps_how_it_was_looked_at(self, case: Case, slot: Slot, reader: User) -> None:
        box = builders.box(case)
        looks = [{"target": box["tracking_uid"], "colour": "#00ff00", "hidden": True}]
        content = {**builders.content("no", marks=(box,)), "looks": looks}
        assert reading.said(submit(slot, reader, content))["looks"] == looks

    def test_closes_the_slot_and_clears_the_draft(self, slot: Slot, reader: User) -> None:
        reading.save_draft(slot.pk, reader, token=1, version=0, content=EMPTY, active_seconds=1)
        submit(slot, reader)
        slot.refresh_from_db()
        assert (slot.state, slot.reader, slot.lease_expires_at) == (Slot.State.DONE, reader, None)
        assert not Draft.objects.exists()

    def test_is_recorded_with_its_reference(
        self, project: Project, slot: Slot, reader: User
    ) -> None:
        read = submit(slot, reader)
        assert verbs(project) == ["slot.claim", "read.submit", "reference.resolve"]
        event = project.event_set.get(verb="read.submit")
        assert event.data["content_sha256"] == read.content_sha256
        assert ledger.verify(ledger.chain_of(project)).ok

    def test_refuses_what_is_not_complete(self, slot: Slot, reader: User) -> None:
        with pytest.raises(InvalidInput, match=r"Is there a finding\? Please answer\.") as refused:
            submit(slot, reader, EMPTY)
        assert refused.value.extra["errors"]
        assert not Read.objects.exists()
        assert Slot.objects.get().state == Slot.State.CLAIMED

    def test_is_of_no_use_to_who_never_had_the_case(self, slot: Slot, project: Project) -> None:
        with pytest.raises(NotFound):
            submit(slot, builders.reader(project))
        with pytest.raises(NotFound):
            reading.submit(
                10**9,
                slot.reader,
                token=1,
                idempotency_key=builders.key(),
                content=builders.content(),
                active_seconds=1,
            )

    @pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 86_401])
    def test_refuses_impossible_times(self, slot: Slot, reader: User, seconds: float) -> None:
        with pytest.raises(InvalidInput, match="active_seconds"):
            submit(slot, reader, active_seconds=seconds)

    def test_refuses_numbers_that_have_no_exact_form(self, slot: Slot, reader: User) -> None:
        with pytest.raises(InvalidInput, match="too large"):
            submit(slot, reader, builders.content(2**60))

    def test_leaves_out_answers_without_a_value(self, project: Project, reader: User) -> None:
        note = {"code": "note", "text": "Anything?", "type": "text"}
        document = builders.label_document(questions=[builders.QUESTION, note])
        LabelSchema.objects.create(project=project, version=2, document=document)
        builders.case(project)
        said = builders.content()
        said["answers"].append({"question": "note", "target": "", "value": None})
        read = submit(queue.claim(project, reader), reader, said)
        assert [answer.question for answer in read.answers.all()] == ["finding"]
        assert read.label_schema.version == 2


EMPTY: dict[str, Any] = {"answers": [], "marks": []}


class TestExactlyOnce:
    def test_a_replay_gives_the_same_read(self, slot: Slot, reader: User) -> None:
        key = builders.key()
        first = submit(slot, reader, idempotency_key=key)
        again = submit(slot, reader, idempotency_key=key)
        assert (again.pk, again.submitted_at) == (first.pk, Read.objects.get().submitted_at)

    def test_a_replay_with_other_content_is_refused(self, slot: Slot, reader: User) -> None:
        key = builders.key()
        submit(slot, reader, idempotency_key=key)
        with pytest.raises(IdempotencyMismatch, match="Use a new key"):
            submit(slot, reader, builders.content("no"), idempotency_key=key)
        assert Read.objects.count() == 1

    def test_a_replay_may_write_the_same_in_another_way(self, slot: Slot, reader: User) -> None:
        key = builders.key()
        first = submit(slot, reader, idempotency_key=key)
        said = builders.content()
        turned = {"marks": said["marks"], "answers": [dict(reversed(said["answers"][0].items()))]}
        assert submit(slot, reader, turned, idempotency_key=key, active_seconds=99) == first

    def test_a_key_of_another_case_is_refused(
        self, project: Project, slot: Slot, reader: User
    ) -> None:
        key = builders.key()
        submit(slot, reader, idempotency_key=key)
        builders.case(project)
        following = queue.claim(project, reader)
        with pytest.raises(IdempotencyMismatch):
            submit(following, reader, idempotency_key=key)

    def test_the_same_from_a_second_tab_is_one_read(self, slot: Slot, reader: User) -> None:
        first = submit(slot, reader)
        assert submit(slot, reader) == first
        assert (Read.objects.count(), Reference.objects.count()) == (1, 1)

    def test_two_readers_may_happen_on_one_key(
        self, project: Project, slot: Slot, reader: User
    ) -> None:
        key = builders.key()
        builders.case(project)
        other = builders.reader(project)
        submit(slot, reader, idempotency_key=key)
        submit(queue.claim(project, other), other, idempotency_key=key)
        assert Read.objects.count() == 2


class TestCorrection:
    def test_supersedes_and_keeps_the_first(self, case: Case, slot: Slot, reader: User) -> None:
        first = submit(slot, reader, builders.content("yes"))
        second = submit(slot, reader, builders.content("no"))
        assert (second.supersedes, second.late) == (first, False)
        assert Read.objects.get(pk=first.pk).answers.get().value == "yes"
        assert [r.version for r in case.references.order_by("version")] == [1, 2]
        current = consensus.current(case)
        assert current is not None
        assert (current.version, current.answers) == (2, {"finding": "no"})
        assert list(current.reads.all()) == [second]

    def test_may_be_corrected_again(self, slot: Slot, reader: User) -> None:
        reads = [submit(slot, reader, builders.content(value)) for value in ("yes", "no", "yes")]
        assert [read.supersedes for read in reads] == [None, reads[0], reads[1]]
        assert reading.latest_read(slot, reader) == reads[2]


class TestLate:
    def test_after_the_lease_ended_but_nobody_took_it_counts(
        self, slot: Slot, reader: User
    ) -> None:
        lose(slot)
        read = submit(slot, reader)
        assert not read.late
        slot.refresh_from_db()
        assert (slot.state, slot.reader) == (Slot.State.DONE, reader)

    def test_after_another_took_it_is_kept_and_flagged(
        self, case: Case, slot: Slot, reader: User
    ) -> None:
        lose(slot)
        other = builders.reader(case.project)
        taken = queue.claim(case.project, other)
        late = submit(slot, reader, builders.content("no"))
        assert late.late
        assert consensus.current(case) is None
        assert Slot.objects.get().reader == other
        in_time = submit(taken, other, builders.content("yes"))
        assert not in_time.late
        reference = consensus.current(case)
        assert reference is not None
        assert (reference.method, list(reference.reads.all())) == ("single", [in_time])

    def test_after_another_read_it_is_kept_and_flagged(
        self, case: Case, slot: Slot, reader: User
    ) -> None:
        lose(slot)
        other = builders.reader(case.project)
        submit(queue.claim(case.project, other), other)
        assert submit(slot, reader).late
        assert case.references.count() == 1

    def test_may_be_corrected_too(self, case: Case, slot: Slot, reader: User) -> None:
        lose(slot)
        queue.claim(case.project, builders.reader(case.project))
        first = submit(slot, reader, builders.content("no"))
        second = submit(slot, reader, builders.content("yes"))
        assert (second.late, second.supersedes) == (True, first)

    def test_while_the_case_has_an_issue_is_kept_and_flagged(
        self, case: Case, slot: Slot, reader: User
    ) -> None:
        queue.raise_issue(slot.pk, reader, slot.token, issue="other", text="Odd.")
        assert submit(slot, reader).late

    def test_a_reader_with_two_slots_of_a_case_fills_one(self) -> None:
        project = builders.project(reads_per_case=2)
        case, reader = builders.case(project), builders.reader(project)
        first = queue.claim(project, reader)
        lose(first)
        Slot.objects.filter(pk=first.pk).update(priority=1e-9)
        second = queue.claim(project, reader)
        assert second.pk != first.pk
        assert submit(first, reader).late
        assert not submit(second, reader, builders.content("no")).late
        assert case.reads.count() == 2


class TestDraft:
    def save(self, slot: Slot, version: int, value: str = "yes", **changes: Any) -> Draft:
        given = {
            "token": slot.token,
            "version": version,
            "content": builders.content(value),
            "active_seconds": 3.0,
            **changes,
        }
        return reading.save_draft(slot.pk, slot.reader, **given)

    def test_grows_by_versions(self, slot: Slot) -> None:
        assert [self.save(slot, 0).version, self.save(slot, 1, "no").version] == [1, 2]
        draft = reading.draft_of(slot, slot.reader)
        assert draft is not None
        assert (draft.content, draft.active_seconds) == (builders.content("no"), 3.0)

    def test_an_older_version_gets_the_newer_one_back(self, slot: Slot) -> None:
        self.save(slot, 0, "yes")
        self.save(slot, 1, "no")
        with pytest.raises(StaleDraft) as stale:
            self.save(slot, 1, "yes")
        assert stale.value.extra["current"]["version"] == 2
        assert stale.value.extra["current"]["content"] == builders.content("no")

    def test_a_version_that_never_was_is_refused(self, slot: Slot) -> None:
        with pytest.raises(StaleDraft):
            self.save(slot, 5)

    def test_sent_again_is_the_same_draft(self, slot: Slot) -> None:
        assert self.save(slot, 0).version == 1
        assert self.save(slot, 0).version == 1

    def test_may_be_unfinished_but_not_malformed(self, slot: Slot) -> None:
        self.save(slot, 0, content=EMPTY)
        with pytest.raises(InvalidInput, match="not a question"):
            self.save(slot, 1, content=builders.content(question="colour"))

    def test_survives_the_end_of_the_lease(self, slot: Slot, reader: User) -> None:
        self.save(slot, 0)
        lose(slot)
        slot.reader = reader
        assert self.save(slot, 1, "no").version == 2
        again = queue.claim(slot.project, reader)
        draft = reading.draft_of(again, reader)
        assert draft is not None
        assert draft.version == 2

    def test_is_seen_by_its_reader_alone(self, slot: Slot, reader: User) -> None:
        self.save(slot, 0)
        lose(slot)
        other = builders.reader(slot.project)
        taken = queue.claim(slot.project, other)
        assert reading.draft_of(taken, other) is None
        with pytest.raises(NotFound):
            reading.slot_of(slot.pk, builders.reader(slot.project))

    def test_does_not_come_back_after_submission(self, slot: Slot, reader: User) -> None:
        submit(slot, reader)
        slot.reader = reader
        with pytest.raises(Conflict, match="submit it again"):
            self.save(slot, 0)
        assert not Draft.objects.exists()


class TestMarks:
    def test_are_placed_in_the_patient(self, reader: User, project: Project) -> None:
        """Against positions computed by hand: an oblique frame, unequal spacing."""
        shown = builders.display()
        shown["frames"][0] |= {
            "position": [100.0, -50.0, 7.0],
            "orientation": [0.0, 1.0, 0.0, 0.0, 0.0, -1.0],
        }
        shown["pixel_spacing"] = [2.0, 0.5]
        case = builders.case(project, series=[builders.series(display=shown)])
        box = builders.box(case, corners=((4, 1), (6, 3)))
        read = submit(queue.claim(project, reader), reader, builders.content(marks=(box,)))
        assert read.marks.get().points_mm == [[100.0, -48.0, 5.0], [100.0, -47.0, 1.0]]

    def test_a_frame_s_own_spacing_comes_before_the_series(
        self, reader: User, project: Project
    ) -> None:
        shown = builders.display()
        shown["frames"][0] |= {"position": [0, 0, 0], "pixel_spacing": [3.0, 4.0]}
        case = builders.case(project, series=[builders.series(display=shown)])
        said = builders.content(marks=(builders.box(case, corners=((1, 1), (2, 2))),))
        read = submit(queue.claim(project, reader), reader, said)
        assert read.marks.get().points_mm == [[4, 3, 0], [8, 6, 0]]

    @pytest.mark.parametrize("missing", ["position", "orientation", "pixel_spacing"])
    def test_without_geometry_have_no_place(
        self, reader: User, project: Project, missing: str
    ) -> None:
        shown = builders.display()
        (shown if missing == "pixel_spacing" else shown["frames"][0])[missing] = None
        case = builders.case(project, series=[builders.series(display=shown)])
        said = builders.content(marks=(builders.box(case),))
        assert submit(queue.claim(project, reader), reader, said).marks.get().points_mm == []

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"sop_instance_uid": "1.2.3"}, "not part of this case"),
            ({"frame": 2}, "not part of this case"),
            ({"points_px": [[-20, -20], [-10, -10]]}, "lies outside the image"),
            ({"points_px": [[10, 8], [20, 20]]}, "lies outside the image"),
        ],
    )
    def test_must_be_on_the_case(
        self, case: Case, slot: Slot, reader: User, changes: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(InvalidInput, match=sentence):
            submit(slot, reader, builders.content(marks=({**builders.box(case), **changes},)))

    def test_may_reach_beyond_the_edge(self, case: Case, slot: Slot, reader: User) -> None:
        box = builders.box(case, corners=((-3, -3), (4, 4)))
        assert submit(slot, reader, builders.content(marks=(box,))).marks.count() == 1


class TestMasks:
    SHAPE = (2, 8, 10)
    SIZE = 160

    @pytest.fixture
    def case(self, project: Project) -> Case:
        return builders.case(project, frames=2)

    @pytest.fixture
    def series(self, case: Case) -> Series:
        return case.series.get()

    def store(self, slot: Slot, series: Series, voxels: bytes, **changes: Any) -> Mask:
        given = {
            "series_id": series.pk,
            "sha256": hashlib.sha256(voxels).hexdigest(),
            "gzip_stream": io.BytesIO(gzip.compress(voxels)),
            "values": reading.class_values(slot, slot.reader),
            **changes,
        }
        return masks.store(slot, **given)

    def test_are_kept_as_sent(self, slot: Slot, series: Series) -> None:
        voxels = bytes([0, 1, 2, 2] * 40)
        mask = self.store(slot, series, voxels)
        stored = Mask.objects.get()
        assert (tuple(stored.shape), stored.labels) == (self.SHAPE, [1, 2])
        assert gzip.decompress(bytes(stored.gzip)) == voxels
        assert masks.find(slot, mask.sha256) == stored

    def test_sent_twice_are_kept_once(self, slot: Slot, series: Series) -> None:
        assert self.store(slot, series, bytes(160)) == self.store(slot, series, bytes(160))

    def test_belong_to_the_read(self, slot: Slot, series: Series, reader: User, case: Case) -> None:
        mask = self.store(slot, series, bytes([1] * 160))
        labelmap = builders.labelmap(series, mask.sha256)
        read = submit(slot, reader, builders.content(marks=(labelmap,)))
        assert read.marks.get().mask == mask
        reference = consensus.current(case)
        assert reference is not None
        assert reference.marks == [labelmap]

    def test_must_have_been_uploaded(self, slot: Slot, series: Series, reader: User) -> None:
        labelmap = builders.labelmap(series, "a" * 64)
        with pytest.raises(InvalidInput, match="has not been uploaded"):
            submit(slot, reader, builders.content(marks=(labelmap,)))

    @pytest.mark.parametrize("size", [0, 159, 161, 5_000_000])
    def test_must_have_the_size_of_the_series(self, slot: Slot, series: Series, size: int) -> None:
        with pytest.raises(InvalidInput, match="2 × 8 × 10 = 160"):
            self.store(slot, series, bytes(size))

    def test_must_have_arrived_whole(self, slot: Slot, series: Series) -> None:
        whole = gzip.compress(bytes(160))
        with pytest.raises(InvalidInput, match="arrived damaged"):
            self.store(slot, series, bytes(160), sha256="0" * 64)
        for damaged in (b"", b"not gzip", whole[:-1], whole + b"more", whole + whole):
            with pytest.raises(InvalidInput):
                self.store(slot, series, bytes(160), gzip_stream=io.BytesIO(damaged))
        assert not Mask.objects.exists()

    def test_that_nothing_names_go_after_a_day(
        self, slot: Slot, series: Series, reader: User
    ) -> None:
        submitted, drafted, _ = (
            self.store(slot, series, bytes([value] * 160)) for value in (0, 1, 2)
        )
        fresh = self.store(slot, series, bytes([1, 2] * 80))
        Mask.objects.exclude(pk=fresh.pk).update(stored_at=Now() - timedelta(hours=25))
        submit(slot, reader, builders.content(marks=(builders.labelmap(series, submitted.sha256),)))
        other = builders.slot(
            builders.case(slot.project, series=[series], uid=builders.uid()), number=2
        )
        draft(other, builders.reader(slot.project), builders.labelmap(series, drafted.sha256))
        assert masks.sweep() == 1
        assert set(Mask.objects.all()) == {submitted, drafted, fresh}

    def test_sent_again_count_from_then(self, slot: Slot, series: Series) -> None:
        self.store(slot, series, bytes(160))
        Mask.objects.update(stored_at=Now() - timedelta(hours=25))
        self.store(slot, series, bytes(160))
        assert masks.sweep() == 0

    def test_of_a_slot_that_nothing_names_are_few(
        self, slot: Slot, series: Series, reader: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(masks, "MOST_SPARE", 2)
        stored = [self.store(slot, series, bytes([1] * n + [0] * (160 - n))) for n in range(2)]
        draft(slot, reader, builders.labelmap(series, stored[0].sha256))
        stored += [self.store(slot, series, bytes([2] * n + [0] * (160 - n))) for n in range(1, 4)]
        assert set(Mask.objects.all()) == {stored[0], *stored[-2:]}

    def test_are_refused_where_the_disk_is_nearly_full(
        self, slot: Slot, series: Series, settings: Any
    ) -> None:
        settings.FREE_SPACE_FLOOR = 1.1
        with pytest.raises(StorageFull):
            self.store(slot, series, bytes(160))

    def test_must_use_the_values_of_the_classes(self, slot: Slot, series: Series) -> None:
        with pytest.raises(InvalidInput, match="no class has: 3, 7"):
            self.store(slot, series, bytes([0, 1, 3, 7] * 40))

    def test_must_be_of_a_series_of_the_case(self, slot: Slot) -> None:
        with pytest.raises(NotFound, match="not part of the case"):
            self.store(slot, builders.series(), bytes(80))

    def test_are_bounded_before_they_are_unpacked(
        self, slot: Slot, series: Series, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(masks, "MOST_COMPRESSED_BYTES", 10)
        with pytest.raises(TooLarge, match="compressed"):
            self.store(slot, series, bytes(160))

    def test_a_bomb_is_stopped_early(self, slot: Slot, series: Series) -> None:
        """A gigabyte of zeros in a megabyte: no more than a piece of it is ever unpacked."""

        class Counted(io.BytesIO):
            taken = 0

            def read(self, size: int | None = -1, /) -> bytes:
                piece = super().read(size)
                Counted.taken += len(piece)
                return piece

        packed = gzip.compress(bytes(2**28))
        with pytest.raises(InvalidInput, match="has more voxels"):
            self.store(slot, series, bytes(160), gzip_stream=Counted(packed))
        assert Counted.taken <= masks.READ_BYTES < len(packed)

    def test_of_another_case_are_not_found(
        self, slot: Slot, series: Series, project: Project
    ) -> None:
        mask = self.store(slot, series, bytes(160))
        builders.case(project)
        other = queue.claim(project, builders.reader(project))
        with pytest.raises(NotFound):
            masks.find(other, mask.sha256)


class TestConsensus:
    def read_by(self, project: Project, values: list[Any]) -> Case:
        case = builders.case(project)
        for value in values:
            person = builders.reader(project)
            submit(queue.claim(project, person), person, builders.content(value))
        return case

    def test_waits_for_all_the_reads_that_are_wanted(self) -> None:
        case = self.read_by(builders.project(reads_per_case=3), ["yes", "yes"])
        assert consensus.resolve(case) is None

    def test_of_several_is_what_most_say(self) -> None:
        case = self.read_by(builders.project(reads_per_case=3), ["yes", "no", "yes"])
        reference = consensus.current(case)
        assert reference is not None
        assert (reference.method, reference.answers) == ("majority", {"finding": "yes"})
        assert reference.certainty == pytest.approx(2 / 3)
        assert reference.reads.count() == 3

    def test_a_tie_decides_nothing(self) -> None:
        case = self.read_by(builders.project(reads_per_case=2), ["yes", "no"])
        reference = consensus.current(case)
        assert reference is not None
        assert (reference.answers, reference.certainty) == ({}, 0.5)

    def test_a_correction_changes_the_vote(self) -> None:
        project = builders.project(reads_per_case=3)
        case = self.read_by(project, ["yes", "no", "yes"])
        first = case.reads.order_by("pk").first()
        assert first is not None
        submit(first.slot, first.reader, builders.content("no"))
        reference = consensus.current(case)
        assert reference is not None
        assert (reference.version, reference.answers) == (2, {"finding": "no"})

    def test_resolved_again_stays_as_it_is(self) -> None:
        case = self.read_by(builders.project(), ["yes"])
        assert consensus.resolve(case) == consensus.current(case)
        assert case.references.count() == 1

    def test_made_up_for_later_is_recorded(self, project: Project) -> None:
        case = self.read_by(project, ["yes"])
        case.references.all().delete()
        assert consensus.resolve(case) is not None
        assert verbs(project)[-1] == "reference.resolve"

    def test_vote_counts_the_reads_that_left_a_question_out(self) -> None:
        chosen, certainty = consensus.vote([{"a": 1, "b": [1]}, {"a": 1}, {"a": 1.0, "b": [1]}])
        assert chosen == {"a": 1, "b": [1]}
        assert certainty == pytest.approx((1 + 2 / 3) / 2)
        assert consensus.vote([{}, {}]) == ({}, 0.0)


class Fault(Exception):
    """The process dies here."""


@contextmanager
def dies_before_statement(number: int) -> Iterator[list[str]]:
    """Raise at the given statement (from 1) that is sent to the database."""
    sent: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append(str(sql).split()[0])
        if len(sent) == number:
            raise Fault
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield sent


def prepare(correction: bool) -> tuple[Slot, User, dict[str, Any]]:
    project = builders.project()
    case, reader = builders.case(project), builders.reader(project)
    slot = queue.claim(project, reader)
    if correction:
        submit(slot, reader, builders.content("no"))
    else:
        reading.save_draft(slot.pk, reader, token=1, version=0, content=EMPTY, active_seconds=1)
    return slot, reader, builders.content("yes", marks=(builders.box(case),))


def statements_of_a_submission(correction: bool) -> int:
    slot, reader, content = prepare(correction)
    with dies_before_statement(0) as sent:
        submit(slot, reader, content)
    return len(sent)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("correction", [False, True])
def test_a_death_at_any_statement_leaves_nothing_or_everything(correction: bool) -> None:
    """And the retry with the same key then succeeds, once. The last statement waits for the disk."""
    amount = statements_of_a_submission(correction)
    assert amount > 15
    for number in range(1, amount + 1):
        slot, reader, content = prepare(correction)
        before, key = everything_of(slot), builders.key()
        with pytest.raises(Fault), dies_before_statement(number):
            submit(slot, reader, content, idempotency_key=key)
        if number < amount:
            assert everything_of(slot) == before, f"statement {number} left a trace"
        read = submit(slot, reader, content, idempotency_key=key)
        assert submit(slot, reader, content, idempotency_key=key) == read
        assert Slot.objects.get(pk=slot.pk).state == Slot.State.DONE
        assert slot.reads.filter(superseded_by=None).count() == 1
        assert ledger.verify(ledger.chain_of(slot.project)).ok


def everything_of(slot: Slot) -> list[Any]:
    """What a submission of the slot could have changed."""
    chain = ledger.chain_of(slot.project)
    return [
        list(Slot.objects.filter(pk=slot.pk).values_list()),
        list(Read.objects.filter(slot=slot).values_list()),
        list(Answer.objects.filter(read__slot=slot).values_list()),
        list(Mark.objects.filter(read__slot=slot).values_list()),
        list(Draft.objects.filter(slot=slot).values_list()),
        list(Reference.objects.filter(case=slot.case_id).order_by("pk").values_list()),
        list(ledger.Event.objects.filter(chain=chain).order_by("seq").values_list()),
        list(ledger.ChainHead.objects.filter(chain=chain).values_list()),
    ]


def test_a_key_is_any_uuid() -> None:
    slot, reader, content = prepare(correction=False)
    read = submit(slot, reader, content, idempotency_key=UUID(int=0))
    assert read.idempotency_key == UUID(int=0)
