"""Doorbells of annotation: each takes an id and looks into the database for what there is to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq

from . import imports, intake, prompts, write_backs
from .dicom.sandbox import DecoderUnavailable
from .errors import ImageStoreUnavailable, StorageFull

log = logging.getLogger(__name__)


@dramatiq.actor(actor_name="follow_changes", queue_name="intake", max_retries=0)
def follow_changes(_id: int) -> None:
    with _waiting_for_the_machine("Following the image store"):
        intake.follow()


@dramatiq.actor(actor_name="process_import_item", max_retries=0)
def process_import_item(item_id: int) -> None:
    with _waiting_for_the_machine("Taking in a file"):
        imports.process_item(item_id)


@dramatiq.actor(actor_name="finish_import", max_retries=0)
def finish_import(import_id: int) -> None:
    with _waiting_for_the_machine("Ending an import"):
        imports.finish(import_id)


@dramatiq.actor(actor_name="expire_import", max_retries=0)
def expire_import(import_id: int) -> None:
    imports.expire(import_id)


@dramatiq.actor(actor_name="write_back", max_retries=0)
def write_back(write_back_id: int) -> None:
    write_backs.carry_out(write_back_id)


@dramatiq.actor(
    actor_name=prompts.ACTOR,
    queue_name="prompts",
    max_retries=0,
    time_limit=float("inf"),
    notify_shutdown=True,
)
def answer_prompt(prompt_id: int) -> None:
    """This one, and what is asked soon after it; not after one that was answered before."""
    if prompts.answer(prompt_id):
        prompts.stand_by()


@contextmanager
def _waiting_for_the_machine(what: str) -> Iterator[None]:
    """Image store away, disk full: the row stays due, and the next tick tries again."""
    try:
        yield
    except (ImageStoreUnavailable, StorageFull, DecoderUnavailable) as error:
        log.warning("%s has to wait: %s", what, error)
