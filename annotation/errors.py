"""What can go wrong, as types that carry an API problem code, an HTTP status and a sentence.

ConsiliumError
├── InvalidInput            422  the content is wrong
├── NotPermitted            403  the role does not allow the action
├── NotFound                404  no such thing, or not yours to see
├── Conflict                409  the state does not allow it
│   ├── StaleDraft          409  somebody (perhaps you, elsewhere) saved a newer draft
│   ├── ImagesChanged       409  the images are not those that the reader saw
│   └── LeaseLost           409  the slot went to another reader
├── IdempotencyMismatch     422  same key, different content
├── NothingToRead           404  no case is free for this reader
├── TooLarge                413  over a stated limit
├── TooMany                 429  more often than anybody needs
├── StorageFull             507  the disk is below the floor
└── ImageStoreUnavailable   503  Orthanc does not answer
"""

from __future__ import annotations

from typing import Any


class ConsiliumError(Exception):
    """Base class. ``detail`` says what failed, why, and what to do, to the person who can do it."""

    code = "error"
    status = 400
    title = "The request could not be carried out"

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.extra = extra


class InvalidInput(ConsiliumError):
    """``errors``: list of {"where": path, "message": sentence}."""

    code, status, title = "invalid_input", 422, "The content is not valid"


class NotPermitted(ConsiliumError):
    code, status, title = "not_permitted", 403, "Your role in this project does not allow this"


class NotFound(ConsiliumError):
    code, status, title = "not_found", 404, "Not found, or not visible to you"


class Conflict(ConsiliumError):
    code, status, title = "conflict", 409, "This is not possible in the current state"


class StaleDraft(Conflict):
    code, title = "stale_draft", "A newer draft of this case has been saved"


class ImagesChanged(Conflict):
    code, title = "images_changed", "The images of this case changed while you read it"


class LeaseLost(Conflict):
    code, title = "lease_lost", "This case was given to another reader"


class IdempotencyMismatch(ConsiliumError):
    code, status, title = "idempotency_mismatch", 422, "This key was used for different content"


class NothingToRead(ConsiliumError):
    code, status, title = "nothing_to_read", 404, "No case is free for you to read right now"


class TooLarge(ConsiliumError):
    code, status, title = "too_large", 413, "Too large"


class TooMany(ConsiliumError):
    code, status, title = "too_many", 429, "Too many requests"


class StorageFull(ConsiliumError):
    code, status, title = "storage_full", 507, "Not enough disk space is left on the server"


class ImageStoreUnavailable(ConsiliumError):
    code, status, title = "image_store_unavailable", 503, "The image store does not answer"
