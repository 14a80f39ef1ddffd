"""Conversation on a case."""

from __future__ import annotations

import builders
import pytest
from test_queue import verbs

from annotation import comments, enrolment, queue
from annotation.errors import Conflict, InvalidInput
from annotation.models import Case, Comment, Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    return builders.case(builders.project())


def test_a_remark_and_its_answer(case: Case) -> None:
    author, lead = builders.user(), builders.user()
    remark = comments.add(case, author, text="Old fracture?", anchor={"frame": 1})
    answer = comments.add(case, lead, text="Yes.", parent=remark)
    assert (answer.parent, remark.anchor, remark.issue) == (remark, {"frame": 1}, "")
    assert not comments.open_issues(case).exists()
    comments.resolve(remark, lead)
    comments.resolve(remark, author)
    remark.refresh_from_db()
    assert (remark.resolved_by, remark.resolved_at is not None) == (lead, True)
    assert verbs(case.project) == ["comment.add", "comment.add", "comment.resolve"]


def test_an_answer_stays_on_its_case(case: Case) -> None:
    other = builders.case(case.project)
    remark = comments.add(other, builders.user(), text="Here.")
    with pytest.raises(InvalidInput, match="another case"):
        comments.add(case, builders.user(), text="There.", parent=remark)


@pytest.mark.parametrize("text", ["", "  \n", "x" * 10_001])
def test_wants_some_words_and_not_too_many(case: Case, text: str) -> None:
    with pytest.raises(InvalidInput):
        comments.add(case, builders.user(), text=text)
    assert not Comment.objects.exists()


def test_a_case_that_is_withdrawn_answers_whoever_raised_an_issue(case: Case) -> None:
    reader, lead = builders.reader(case.project), builders.user()
    slot = queue.claim(case.project, reader)
    issue = queue.raise_issue(slot.pk, reader, slot.token, issue="other", text="Whose hand is it?")
    with pytest.raises(InvalidInput, match="Say why"):
        enrolment.withdraw_case(case, lead, reason=" ")
    enrolment.withdraw_case(case, lead, reason="The wrong examination.")
    case.refresh_from_db()
    assert (case.state, case.state_reason) == ("withdrawn", "The wrong examination.")
    assert set(case.slots.values_list("state", flat=True)) == {"cancelled"}
    assert not comments.open_issues(case).exists()
    assert Comment.objects.get(parent=issue).text == "The wrong examination."
    event = Event.objects.get(verb="case.withdraw")
    assert (event.actor, event.data["reason"]) == (lead, "The wrong examination.")
    with pytest.raises(Conflict, match="withdrawn already"):
        enrolment.withdraw_case(case, lead, reason="Again.")
