"""Tells a worker that a row wants work. PostgreSQL stays the truth: a message that is lost costs a tick."""

from __future__ import annotations

import dramatiq
from django.conf import settings
from django.db import transaction


def ring(actor: str, row_id: int) -> None:
    """After commit, send the id to the actor of that name. A broker that is down is logged, no more."""

    def send() -> None:
        # By name alone: the web process must not import actors, which import the training engine.
        queue = settings.ACTOR_QUEUES.get(actor, "default")
        broker = dramatiq.get_broker()
        broker.declare_queue(queue)
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=queue, actor_name=actor, args=(row_id,), kwargs={}, options={}
        )
        broker.enqueue(message)

    transaction.on_commit(send, robust=True)
