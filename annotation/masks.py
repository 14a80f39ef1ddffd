"""Labelmaps as readers upload them: unpacked within bounds, checked voxel by voxel. Only writer of Mask."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

import numpy as np
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from numpy.typing import NDArray

from . import uploads
from .case_images import display_of, instance_of
from .errors import InvalidInput, NotFound, TooLarge
from .models import Draft, MarkKind, Mask, Series, Slot

MOST_VOXELS = 2**30
MOST_COMPRESSED_BYTES = 64 * 2**20
READ_BYTES = 64 * 2**10
UNPACK_BYTES = 2**20
KEPT_SPARE = timedelta(days=1)
MOST_SPARE = 50
"""Masks of a slot that nothing names: what a reader may still undo to, or was about to save."""
DELETED_AT_ONCE = 100
UNNAMED = Q(mark=None, suggestion=None, first_reading=None)
"""Of no read, no suggestion and no first reading; a draft may still name it."""
GZIP = 16 + zlib.MAX_WBITS


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def store(
    slot: Slot, *, series_id: int, sha256: str, gzip_stream: Readable, values: set[int]
) -> Mask:
    """Keep a labelmap of one of the case's series. The same voxels are kept once.

    ``values``: the label values that the schema's classes use; 0 is background.
    """
    series = slot.case.series.filter(pk=series_id).first()
    if series is None:
        raise NotFound("This series is not part of the case.")
    shape = shape_of(display_of(series, instance_of(slot.case)))
    compressed, digest, present = _inspect(gzip_stream, shape)
    if digest != sha256:
        raise InvalidInput(
            "The mask arrived damaged: its SHA-256 is not the one that was announced. Send it again."
        )
    if unknown := sorted(present - values - {0}):
        raise InvalidInput(
            f"The mask holds values that no class has: {', '.join(map(str, unknown))}."
        )
    uploads.require_space(len(compressed))
    mask, _ = Mask.objects.defer("gzip").update_or_create(
        project_id=slot.project_id,
        series=series,
        sha256=sha256,
        defaults={"shape": list(shape), "slot": slot},
        create_defaults={
            "shape": list(shape),
            "slot": slot,
            "labels": sorted(present - {0}),
            "gzip": compressed,
        },
    )
    _trim(slot)
    return mask


def keep(
    project_id: int, series: Series, voxels: NDArray[np.uint8], slot: Slot | None = None
) -> Mask:
    """A labelmap made here, of the series' own frames, rows and columns. The same voxels are kept once.

    ``slot``: whose reader may fetch it, and whose draft names it.
    """
    content = voxels.tobytes()
    compressed = gzip.compress(content, compresslevel=6, mtime=0)
    uploads.require_space(len(compressed))
    mask, _ = Mask.objects.defer("gzip").get_or_create(
        project_id=project_id,
        series=series,
        sha256=hashlib.sha256(content).hexdigest(),
        defaults={
            "shape": list(voxels.shape),
            "labels": [int(value) for value in np.unique(voxels) if value],
            "gzip": compressed,
            "slot": slot,
        },
    )
    if slot is not None and mask.slot_id is None:
        mask.slot = slot
        mask.save(update_fields=["slot"])
    return mask


def find(slot: Slot, sha256: str) -> Mask:
    """A mask of the slot's case by the hash of its voxels; a suggested one only once it is shown."""
    seen = Q(suggestion=None) | Q(suggestion__showings__slot=slot)
    drawn = Q(mark__isnull=False) | Q(slot__isnull=False)
    mask = Mask.objects.filter(
        seen | drawn, project=slot.project_id, series__cases=slot.case_id, sha256=sha256
    ).first()
    if mask is None:
        raise NotFound("No such mask was uploaded for this case.")
    return mask


def sweep() -> int:
    """Delete the masks that were sent a day ago and that no mark and no draft names; how many.

    Each pause of a brush sends one, and only the last of them is submitted.
    """
    return _delete_spare(Mask.objects.filter(stored_at__lt=Now() - KEPT_SPARE), Draft.objects.all())


def shape_of(shown: Mapping[str, Any]) -> tuple[int, int, int]:
    """Frames, rows and columns of a mask for the images so described."""
    sizes = {(frame.get("rows"), frame.get("columns")) for frame in shown["frames"]}
    if len(sizes) > 1:
        raise InvalidInput("The frames of this series differ in size, so it cannot carry a mask.")
    shape = (len(shown["frames"]), shown["rows"], shown["columns"])
    if shape[0] * shape[1] * shape[2] > MOST_VOXELS:
        raise TooLarge(f"A mask may have at most {MOST_VOXELS:,} voxels.")
    return shape


def _trim(slot: Slot) -> None:
    """Of the masks sent for a slot and named by nothing, only the latest stay."""
    spare = slot.masks.filter(UNNAMED).order_by("-stored_at").values_list("pk", flat=True)
    oldest = list(spare[MOST_SPARE : 2 * MOST_SPARE])
    if oldest:
        of_series = Draft.objects.filter(slot__case__series__in=slot.case.series.all())
        _delete_spare(Mask.objects.filter(pk__in=oldest), of_series)


def _delete_spare(masks: QuerySet[Mask], drafts: QuerySet[Draft]) -> int:
    """Those of ``masks`` that no mark and none of these drafts names, a few at a time. One that is
    being named at this moment is locked, and stays.
    """
    named = _named(drafts)
    spare = masks.filter(UNNAMED).values_list("pk", "sha256")
    ids = [pk for pk, sha256 in spare if sha256 not in named]
    deleted = 0
    for start in range(0, len(ids), DELETED_AT_ONCE):
        with transaction.atomic():
            some = masks.filter(UNNAMED, pk__in=ids[start : start + DELETED_AT_ONCE])
            locked = some.select_for_update(skip_locked=True, of=("self",)).values_list("pk")
            ids_now = [pk for (pk,) in locked]
            deleted += Mask.objects.defer("gzip").filter(pk__in=ids_now).delete()[0]
    return deleted


def _named(drafts: QuerySet[Draft]) -> set[str]:
    painted = drafts.filter(content__marks__contains=[{"kind": MarkKind.LABELMAP}])
    contents = painted.values_list("content", flat=True).iterator()
    return {mark.get("mask") for content in contents for mark in content["marks"]} - {None}


def _inspect(stream: Readable, shape: Sequence[int]) -> tuple[bytes, str, set[int]]:
    """The compressed bytes as sent, the hash of the voxels, and the values among them."""
    expected = shape[0] * shape[1] * shape[2]
    compressed = bytearray()
    digest = hashlib.sha256()
    present: set[int] = set()
    count = 0
    for voxels in _unpacked(stream, compressed):
        count += len(voxels)
        if count > expected:
            break
        digest.update(voxels)
        present.update(voxels.translate(None, bytes(present)))
    if count != expected:
        more = "more" if count > expected else f"{count:,}"
        frames, rows, columns = shape
        raise InvalidInput(
            f"The mask has {more} voxels where this series has "
            f"{frames} × {rows} × {columns} = {expected:,} (frames, rows, columns)."
        )
    return bytes(compressed), digest.hexdigest(), present


def _unpacked(stream: Readable, compressed: bytearray) -> Iterator[bytes]:
    """Pieces of bounded size, so that a small file that unpacks to a huge one costs nothing."""
    unpacker = zlib.decompressobj(wbits=GZIP)
    try:
        while piece := stream.read(READ_BYTES):
            compressed += piece
            if len(compressed) > MOST_COMPRESSED_BYTES:
                limit = MOST_COMPRESSED_BYTES // 2**20
                raise TooLarge(f"A compressed mask may have at most {limit} MiB.")
            if unpacker.eof:
                raise InvalidInput("The mask is followed by other data.")
            while voxels := unpacker.decompress(piece, UNPACK_BYTES):
                yield voxels
                piece = unpacker.unconsumed_tail
    except zlib.error as wrong:
        raise InvalidInput("The mask is not gzip data.") from wrong
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidInput("The mask is incomplete, or followed by other data.")
