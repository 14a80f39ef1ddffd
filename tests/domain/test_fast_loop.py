"""Each read re-ranks the pool: what moves, what does not, and what happens when a worker dies."""

from __future__ import annotations

import threading
from typing import Any

import builders
import fast_loop_builders as fast
import learning_builders as lessons
import numpy as np
import pytest
from django.db import connection
from dramatiq.brokers.stub import StubBroker

from annotation import queue, reservations
from annotation.claims import Ask
from annotation.models import Slot
from learning import artifacts, labels, recipes, registry
from learning.acquisition import select
from learning.acquisition.pool import PoolScores
from learning.head import Logistic
from learning.models import Embedding, FastLoop, Ranking, Score
from learning.pool import fast_loop, fast_pool, picked, pools, ranking

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("artifacts_folder"),
]


@pytest.fixture(autouse=True)
def _nothing_open() -> None:
    fast_loop.close_all()


def latest(project: Any) -> Ranking:
    return Ranking.objects.filter(project=project).latest("generation")


def doubts(project: Any, vectors: np.ndarray) -> np.ndarray:
    """1 - margin by a head fitted from nothing to all labels, without the loop's files or passes."""
    model = registry.in_use(project)
    known = labels.known(project, recipes.parsed(recipes.current(project)))
    rows = dict(Embedding.objects.filter(model=model).values_list("case_id", "vector"))
    cases = sorted(rows)
    points = np.array([rows[case] for case in cases], np.float32)
    middle = points.mean(axis=0)
    length = np.sqrt(((points - middle) ** 2).sum(axis=1).mean())

    def phi(found: np.ndarray) -> np.ndarray:
        return np.c_[(found - middle) / length, np.ones(len(found))]

    taught = [case for case in cases if case in known]
    answers = np.array([int(known[case] == "yes") for case in taught])
    held = fast_loop._open[project.pk].standing.head
    head = Logistic.fit(
        phi(points[[cases.index(case) for case in taught]]), answers, 2, precision=held.precision
    )
    said = head.predictive(head.logits(phi(vectors)), head.posterior.variance(phi(vectors)))
    return 1 - np.abs(said[:, 1] - said[:, 0])


def test_a_read_brings_the_cases_first_that_the_head_now_doubts_most() -> None:
    project, waiting, vectors = fast.ranked()
    assert fast.order(project) == [case.pk for case in waiting]
    read = fast.submit(waiting[5], "yes")
    assert fast_loop.run(project.pk)
    after = fast.order(project)
    assert waiting[5].pk not in after
    assert len(after) == 39
    left = [row for row, case in enumerate(waiting) if case != waiting[5]]
    brute = doubts(project, vectors[left])
    best = [waiting[left[row]].pk for row in np.argsort(-brute, kind="stable")]
    assert after[:12] == best[:12]
    made = latest(project)
    assert (made.fast, made.read, made.reads, made.acquisition) == (True, read, 1, "margin")
    assert made.applied_at is not None
    assert made.changed == 0  # of forty cases the next hundred are all
    assert made.took_ms is not None
    assert [one["case"] for one in made.batch] == after[:4]
    components = made.batch[0]["components"]
    assert components["uncertainty"] == pytest.approx(brute.max(), abs=0.02)


def test_a_case_says_that_the_fast_loop_put_it_there() -> None:
    project, waiting, _ = fast.ranked()
    fast.submit(waiting[0], "no")
    fast_loop.run(project.pk)
    first = Slot.objects.get(case=fast.order(project)[0])
    said = picked.picked(first)
    assert said is not None
    assert (said["fast"], said["reads"], said["rank"], said["round"]) == (True, 1, 1, 1)
    assert "uncertainty" in said["components"]


def test_nothing_is_touched_but_waiting_slots_of_the_pool() -> None:
    project, waiting, _ = fast.ranked()
    reserved_by, holds = builders.reader(project), builders.reader(project)
    held = queue.claim(project, holds)
    kept = reservations.reserve(Ask(project, reserved_by))
    assert kept is not None
    others = Slot.objects.filter(project=project).exclude(stream="pool")
    untouched = [*others, held, kept]
    before = {slot.pk: Slot.objects.get(pk=slot.pk).priority for slot in untouched}
    generations = {slot.pk: Slot.objects.get(pk=slot.pk).generation for slot in untouched}
    fast.submit(waiting[20], "yes")
    assert fast_loop.run(project.pk)
    moved = Slot.objects.filter(project=project, generation=latest(project).generation)
    assert moved.count() == 37  # forty, without the one read, in hand and reserved
    for slot in untouched:
        now = Slot.objects.get(pk=slot.pk)
        assert (now.priority, now.generation) == (before[slot.pk], generations[slot.pk])


def test_in_a_large_pool_the_first_cases_stand_above_all_and_the_fallen_go_where_they_belong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fast_pool, "LEAST", 20)
    monkeypatch.setattr(fast_pool, "WRITTEN_LEAST", 10)
    monkeypatch.setattr(fast_pool, "BATCHES", 1)
    monkeypatch.setattr(fast_loop, "NEXT", 10)
    project, waiting, _vectors = fast.ranked(pool=60)
    old = {slot.case_id: slot.priority for slot in Slot.objects.filter(project=project)}
    fast.submit(waiting[30], "yes")
    fast_loop.run(project.pk)
    first = latest(project)
    top = fast.order(project)[:10]
    slots = {slot.case_id: slot for slot in Slot.objects.filter(project=project, stream="pool")}
    assert all(slots[case].priority > fast_loop.BAND for case in top)
    assert {case for case in slots if slots[case].generation == first.generation} == set(top)
    assert all(
        slots[c.pk].priority == old[c.pk]
        for c in waiting
        if c.pk not in top[:] and c != waiting[30]
    )
    assert first.changed == len(set(top) - {case.pk for case in waiting[:10]})
    assert first.changed

    for number, place in enumerate((31, 32, 33)):
        fast.submit(waiting[place], "no" if number % 2 else "yes")
    fast_loop.run(project.pk)
    again = fast.order(project)[:10]
    fallen = set(top) - set(again) - {waiting[place].pk for place in (31, 32, 33)}
    assert fallen
    now = {slot.case_id: slot.priority for slot in Slot.objects.filter(project=project)}
    assert all(now[case] < fast_loop.BELOW for case in fallen)
    assert all(now[case] > fast_loop.BAND for case in again)
    assert set(again) != set(top)


def test_reads_that_arrive_together_are_done_together() -> None:
    project, waiting, _ = fast.ranked()
    for case in waiting[:3]:
        fast.submit(case, "yes")
    assert fast_loop.run(project.pk)
    made = Ranking.objects.filter(project=project, fast=True)
    assert [one.reads for one in made] == [3]
    assert not fast_loop.run(project.pk)
    assert list(fast_loop.due()) == []


def test_two_workers_at_once_make_one_ranking_of_each_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second finds the first at work and leaves; the first looks again before it goes."""
    project, waiting, _ = fast.ranked()
    fast.submit(waiting[0], "yes")
    began, go_on, said = threading.Event(), threading.Event(), []
    order = fast_pool.FastPool.order

    def slow(self: Any) -> Any:
        began.set()
        assert go_on.wait(30)
        return order(self)

    monkeypatch.setattr(fast_pool.FastPool, "order", slow)

    def work() -> None:
        try:
            said.append(fast_loop.run(project.pk))
        finally:
            connection.close()

    first = threading.Thread(target=work)
    first.start()
    assert began.wait(30)
    fast.submit(waiting[1], "no")
    second = threading.Thread(target=work)
    second.start()
    second.join(30)
    assert said == [False]
    go_on.set()
    first.join(30)
    assert said == [False, True]
    made = Ranking.objects.filter(project=project, fast=True).order_by("generation")
    assert [one.reads for one in made] == [1, 2]
    assert list(fast_loop.due()) == []
    assert not {waiting[0].pk, waiting[1].pk} & set(fast.order(project))


@pytest.mark.parametrize("place", ["rerank", "close_fast"])
def test_a_worker_that_dies_before_the_end_is_followed_by_one_that_does_it_again(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    project, waiting, vectors = fast.ranked()
    fast.submit(waiting[3], "yes")

    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(
            *{"rerank": (queue, "rerank"), "close_fast": (ranking, "close_fast")}[place], die
        )
        with pytest.raises(Killed):
            fast_loop.run(project.pk)
    fast_loop.close_all()  # the process is gone
    assert list(fast_loop.due()) == [project.pk]
    assert latest(project).applied_at is None
    assert fast_loop.state(project).latest is None
    assert fast_loop.run(project.pk)
    made = Ranking.objects.get(project=project, fast=True)
    assert made.applied_at is not None
    left = [row for row in range(40) if row != 3]
    best = np.argsort(-doubts(project, vectors[left]), kind="stable")[:8]
    assert fast.order(project)[:8] == [waiting[left[row]].pk for row in best]
    assert list(fast_loop.due()) == []


def test_a_round_that_ranks_meanwhile_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    project, waiting, _ = fast.ranked()
    fast.submit(waiting[0], "yes")
    order = fast_pool.FastPool.order

    def meanwhile(self: Any) -> Any:
        found = order(self)
        if Ranking.objects.filter(project=project, fast=False).count() == 1:
            fast.rank(project, fast.in_use(project), waiting[::-1], "margin")
        return found

    monkeypatch.setattr(fast_pool.FastPool, "order", meanwhile)
    fast_loop.run(project.pk)
    assert not Ranking.objects.filter(project=project, fast=True).exists()
    assert fast.order(project) == [case.pk for case in waiting[:0:-1]]


def test_a_late_writer_undoes_no_newer_order() -> None:
    project, waiting, _ = fast.ranked()
    before = fast.order(project)
    queue.rerank(project, 7, [(case.pk, 0.1 + at / 100) for at, case in enumerate(waiting)])
    queue.rerank(project, 6, [(case, 1 - (at + 1) / 50) for at, case in enumerate(before)])
    assert fast.order(project) == before[::-1]


def test_another_model_in_use_is_opened_before_its_first_read() -> None:
    project, waiting, vectors = fast.ranked()
    fast.submit(waiting[0], "yes")
    fast_loop.run(project.pk)
    model = fast.in_use(project)
    assert list(fast_loop.due()) == [project.pk]
    fast.embed(model, waiting, np.roll(vectors, 1, axis=1))
    fast.rank(project, model, waiting, "margin")
    order = fast.order(project)
    assert fast_loop.run(project.pk)
    assert fast.order(project) == order
    held = fast_loop._open[project.pk]
    assert held.model == model
    assert held.stored.rows.exact == pytest.approx(np.roll(vectors, 1, axis=1))
    folders = {int(folder.name) for folder in (artifacts.pool_dir(model.pk).parent).iterdir()}
    assert folders == {model.pk}


def test_a_corrected_answer_is_unlearnt() -> None:
    project, waiting, vectors = fast.ranked()
    reader = builders.reader(project)
    fast.submit(waiting[2], "yes", by=reader)
    fast_loop.run(project.pk)
    slot = waiting[2].slots.get()
    from annotation import reading

    reading.submit(
        slot.pk, reader, token=slot.token, idempotency_key=builders.key(),
        content=builders.content("no"), active_seconds=1,
    )  # fmt: skip
    fast_loop.run(project.pk)
    assert fast_loop._open[project.pk].known[waiting[2].pk] == "no"
    left = [row for row in range(40) if row != 2]
    best = np.argsort(-doubts(project, vectors[left]), kind="stable")[:8]
    assert fast.order(project)[:8] == [waiting[left[row]].pk for row in best]


def test_a_read_counts_before_the_others_of_its_case_are_there() -> None:
    project, waiting, _ = fast.ranked(pool=6, labelled=4)
    case = waiting[0]
    type(case).objects.filter(pk=case.pk).update(reads_wanted=2)
    builders.slot(case, number=2)
    builders.read(case, value="yes")
    known = labels.known(project, recipes.parsed(recipes.current(project)))
    assert known[case.pk] == "yes"
    assert len(known) == 5


@pytest.mark.parametrize(
    "rule", ["falcun", "herding", "badge", "kcenter", "bald", "density", "entropy"]
)
def test_every_function_that_looks_at_answers_or_places_can_be_done_between_rounds(
    rule: str,
) -> None:
    project, waiting, _ = fast.ranked(rule=rule)
    fast.submit(waiting[0], "yes")
    fast_loop.run(project.pk)
    assert fast_loop.state(project).note == ""
    made = latest(project)
    assert (made.fast, made.acquisition, len(made.batch)) == (True, rule, 4)


def test_k_center_keeps_its_distances() -> None:
    project, waiting, vectors = fast.ranked(rule="kcenter")
    for row in (0, 1):
        fast.submit(waiting[row], "yes")
        fast_loop.run(project.pk)
    model = registry.in_use(project)
    taught = np.array(
        [e.vector for e in Embedding.objects.filter(model=model).order_by("case")][40:], np.float32
    )
    known = np.concatenate([taught, vectors[:2]])
    rest = vectors[2:]
    pool = PoolScores(
        np.zeros((38, 0)),
        embeddings=rest,
        labelled=known,
        ids=np.array([c.pk for c in waiting[2:]]),
    )
    picks = select("kcenter", pool, 4, seed=1).indices
    assert fast.order(project)[:4] == [waiting[2 + row].pk for row in picks]


def test_constraints_of_the_recipe_hold_between_rounds() -> None:
    project, waiting, vectors = fast.ranked(distinct=0.99)
    model = registry.in_use(project)
    middle = vectors.mean(axis=0)
    copies = waiting[10:14]
    for case in copies:  # four copies of what is most doubtful
        Embedding.objects.filter(case=case, model=model).update(vector=middle)
    fast.submit(waiting[0], "yes")
    fast_loop.run(project.pk)
    batch = [one["case"] for one in latest(project).batch]
    assert len({case.pk for case in copies} & set(batch)) <= 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fast": False}, "fast: false"),
        ({"rule": "random"}, "at random"),
        ({"rule": "typiclust"}, "clusters"),
        ({"rule": "disagreement"}, "several networks"),
    ],
)
def test_where_it_does_not_apply_a_sentence_says_why(change: dict[str, Any], said: str) -> None:
    project, waiting, _ = fast.ranked(**change)
    before = fast.order(project)
    fast.submit(waiting[0], "yes")
    fast_loop.run(project.pk)
    state = fast_loop.state(project)
    assert not state.applies
    assert said in state.note
    assert fast.order(project) == before[1:]
    assert list(fast_loop.due()) == []


def test_without_a_model_or_embeddings_the_sentence_names_what_is_missing() -> None:
    assert "No model is in use" in fast_loop.state(lessons.project()).note
    project, waiting, _ = fast.ranked()
    Embedding.objects.all().delete()
    fast.submit(waiting[0], "yes")
    fast_loop.run(project.pk)
    assert "no embeddings" in fast_loop.state(project).note


def test_of_masks_what_lies_beside_a_new_label_comes_later() -> None:
    """Answers say nothing of a mask, but a label's neighbours have less left to teach."""
    project, waiting, vectors = fast.ranked(rule="foreground_entropy")
    document = {**lessons.MASK_RECIPE, "batch": 4}
    recipes.store(project, document)
    model = registry.in_use(project)
    for case in waiting:
        Score.objects.filter(case=case).update(
            probabilities={
                "unet": [0.5, 0.5], "segresnet": [0.5, 0.5], "ensemble": [0.5, 0.5],
                "class_uncertainty": [0.5],
            }
        )  # fmt: skip
    near = vectors[7] * 1.001
    Embedding.objects.filter(case=waiting[8], model=model).update(vector=near)
    fast_loop.run(project.pk)  # opens
    held = fast_loop._open[project.pk]
    fast.submit(waiting[7], "yes")
    mask = lessons.store_mask(project, waiting[7].series.get(), np.ones((1, 8, 10), np.uint8))
    waiting[7].references.update(current=False)
    builders.reference(
        waiting[7], waiting[7].reads.get(), version=2, answers={},
        marks=[builders.labelmap(waiting[7].series.get(), mask.sha256)],
    )  # fmt: skip
    fast_loop.run(project.pk)
    assert latest(project).fast
    left = held.standing.doubt_left()[held.stored.at(np.array([case.pk for case in waiting]))]
    assert left[8] == pytest.approx(left[np.arange(40) != 7].min())


def test_the_file_is_checked_against_the_rows_and_holds_no_hold_out() -> None:
    project, waiting, vectors = fast.ranked()
    model = registry.in_use(project)
    hidden = project.cases.get(stream="holdout")
    fast.embed(model, [hidden], np.ones((1, fast.WIDTH)))
    stored = pools.open_(model)
    assert stored is not None
    assert hidden.pk not in stored.ids
    assert stored.rows.exact[stored.at(np.array([c.pk for c in waiting]))] == pytest.approx(vectors)
    late = builders.case(project)
    fast.embed(model, [late], np.full((1, fast.WIDTH), 2.0))
    again = pools.open_(model)
    assert again is not None
    assert again.rows.exact[again.at(np.array([late.pk]))] == pytest.approx(2.0)
    whole = float(again.rows.exact.sum())
    (artifacts.pool_dir(model.pk) / "rows.f32").write_bytes(b"cut short")
    repaired = pools.open_(model)
    assert repaired is not None
    assert repaired.rows.exact.sum() == pytest.approx(whole)


def test_parts_of_the_copy_come_together_whatever_their_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pools, "AT_ONCE", 200)
    project, waiting, vectors = fast.ranked()
    stored = pools.open_(registry.in_use(project))
    assert stored is not None
    assert stored.rows.count == 52
    assert stored.rows.exact[stored.at(np.array([c.pk for c in waiting]))] == pytest.approx(vectors)


def test_a_submission_rings_for_the_worker(broker: StubBroker) -> None:
    project, waiting, _ = fast.ranked()
    fast.submit(waiting[0], "yes")
    [message] = [m for m in broker.queues["ranking"].queue if b"rerank_pool" in m]
    assert b"[%d]" % project.pk in message.replace(b" ", b"")
    assert FastLoop.objects.filter(project=project).count() == 0
