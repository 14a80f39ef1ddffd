"""Ringing for work: after commit, by name and id alone, and never in the way of the act itself."""

from __future__ import annotations

import time

import dramatiq
import pytest
from django.conf import settings
from django.db import transaction
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker

from annotation import doorbell

pytestmark = pytest.mark.django_db(transaction=True)


def rung(broker: StubBroker, queue: str) -> list[tuple[str, tuple[int, ...]]]:
    """What lies in a queue: actor name and arguments."""
    waiting = broker.queues[queue].queue if queue in broker.queues else []
    messages = [dramatiq.Message.decode(message) for message in list(waiting)]
    return [(message.actor_name, message.args) for message in messages]


def test_is_heard_after_commit_only(broker: StubBroker) -> None:
    with transaction.atomic():
        doorbell.ring("process_item", 7)
        assert rung(broker, "default") == []
    assert rung(broker, "default") == [("process_item", (7,))]


def test_is_not_heard_when_the_act_is_taken_back(broker: StubBroker) -> None:
    with transaction.atomic():
        doorbell.ring("process_item", 7)
        transaction.set_rollback(True)
    assert rung(broker, "default") == []


def test_goes_to_the_queue_of_the_actor(broker: StubBroker) -> None:
    assert settings.ACTOR_QUEUES["advance_round"] == "training"
    doorbell.ring("advance_round", 3)
    assert rung(broker, "training") == [("advance_round", (3,))]


def test_without_a_broker_the_act_stands_and_does_not_wait(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    options = {**settings.DRAMATIQ_BROKER["OPTIONS"], "url": "redis://127.0.0.1:1/0"}
    gone = RedisBroker(middleware=[], **options)
    monkeypatch.setattr(dramatiq, "get_broker", lambda: gone)
    begun = time.monotonic()
    with transaction.atomic():
        doorbell.ring("process_item", 7)
    assert time.monotonic() - begun < 1
    assert "on_commit" in caplog.text
