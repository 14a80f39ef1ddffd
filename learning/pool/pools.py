"""The embeddings of the model in use as one file: made from the rows of pgvector, checked against them.

Rows of the hold-out and of the calibration stream are never in it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from annotation.models import Stream
from learning import artifacts
from learning.head import HeadError, Rows, Scale, write_rows
from learning.head.rows import EXACT, Single
from learning.models import Embedding, TrainedModel

FORM = 1
"""Of the files; another one is made anew."""
ABOUT, IDS = "about.json", "ids.npy"
AT_ONCE = 8 << 20
"""Bytes of PostgreSQL's answer that are taken apart together."""
HEADER = 19
"""Bytes before the first row of a binary copy; 2 after the last."""
# In binary, since a number written out takes ten times as long to read as the four bytes it is.
COPY = """
COPY (SELECT row.case_id, row.vector FROM learning_embedding AS row
    JOIN annotation_case AS its ON its.id = row.case_id
    WHERE row.model_id = %s AND its.stream = ANY(%s) ORDER BY row.case_id)
TO STDOUT (FORMAT BINARY)
"""
STREAMS = (Stream.POOL, Stream.CONTROL)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """Case ids [N], ascending, and their embeddings in the same order."""

    model_id: int
    ids: NDArray[np.int64]
    rows: Rows

    def at(self, cases: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each case; -1 where it has none."""
        place = np.searchsorted(self.ids, cases)
        place[place == len(self.ids)] = 0
        return np.where(self.ids[place] == cases, place, -1) if len(self.ids) else place - 1


def open_(model: TrainedModel) -> Stored | None:
    """The file of the model, made if it is not there or other than the rows; None without any rows."""
    count = _rows_of(model)
    if not count:
        return None
    folder = artifacts.pool_dir(model.pk)
    return _read(folder, model, count) or _made(folder, model, count)


def vectors(model: TrainedModel) -> tuple[NDArray[np.int64], Single]:
    """Case ids [N] and embeddings [N, D] of every stream, for what does not rank."""
    ids: list[NDArray[np.int64]] = []
    with closing(_copied(model, ids, list(Stream))) as parts:
        found = list(filter(len, parts))
    if not found:
        return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
    return np.concatenate(ids), np.concatenate(found)


def _rows_of(model: TrainedModel) -> int:
    return Embedding.objects.filter(model=model, case__stream__in=STREAMS).count()


def _read(folder: Path, model: TrainedModel, count: int) -> Stored | None:
    try:
        about = json.loads((folder / ABOUT).read_text())
        ids = np.load(folder / IDS, allow_pickle=False)
        scale = Scale(np.array(about["middle"], np.float32), about["length"])
        rows = Rows(folder, count, about["width"], scale)
        if (about["form"], about["rows"], len(ids)) != (FORM, count, count):
            return None
        if (folder / EXACT).stat().st_size != 4 * count * rows.width:
            return None
        rows.exact[-1:].sum()
        return Stored(model.pk, ids, rows)
    except (OSError, ValueError, KeyError) as problem:
        logger.info("The embeddings of model %s are written anew: %s", model.pk, problem)
        return None


def _made(folder: Path, model: TrainedModel, count: int) -> Stored:
    """``about.json`` comes last: what a killed worker left is not taken for whole."""
    artifacts.require_space()
    (folder / ABOUT).unlink(missing_ok=True)
    ids: list[NDArray[np.int64]] = []
    with closing(
        _copied(model, ids, list(STREAMS))
    ) as parts:  # else the connection would be left in the copy
        scale = write_rows(folder, count, parts, artifacts.write)
    cases = np.concatenate(ids)
    width = len(scale.middle)
    about = {
        "form": FORM,
        "rows": count,
        "width": width,
        "middle": scale.middle.tolist(),
        "length": scale.length,
    }
    artifacts.write(folder / IDS, lambda file: np.save(file, cases))
    artifacts.write(folder / ABOUT, lambda file: file.write(json.dumps(about).encode()))
    return Stored(model.pk, cases, Rows(folder, count, width, scale))


def _copied(
    model: TrainedModel, ids: list[NDArray[np.int64]], streams: list[str]
) -> Generator[Single, None, None]:
    """The vectors in parts, by ascending case; the cases go to ``ids``."""
    held = bytearray()
    row: np.dtype[np.void] | None = None
    with connection.cursor() as cursor, cursor.cursor.copy(COPY, [model.pk, streams]) as copy:
        for block in copy:
            held += block
            if row is None and len(held) > HEADER + 2:
                del held[:HEADER]
                row = _row(held)
            if row is not None and len(held) >= AT_ONCE:
                yield _taken(held, row, ids)
        if row is not None:
            yield _taken(held, row, ids)


def _row(held: bytearray) -> np.dtype[np.void]:
    """How one row lies in the copy: counts and lengths, the case, the width, the vector."""
    width = int.from_bytes(held[18:20], "big")
    return np.dtype(
        [
            ("fields", ">i2"),
            ("id_bytes", ">i4"),
            ("id", ">i8"),
            ("vector_bytes", ">i4"),
            ("width", ">i2"),
            ("unused", ">i2"),
            ("vector", ">f4", (width,)),
        ]
    )


def _taken(held: bytearray, row: np.dtype[np.void], ids: list[NDArray[np.int64]]) -> Single:
    count = len(held) // row.itemsize
    whole = bytes(held[: count * row.itemsize])
    del held[: count * row.itemsize]
    found = np.frombuffer(whole, row)
    if len(found) and not (found["width"] == row["vector"].shape[0]).all():
        raise HeadError("The embeddings of one model differ in length.")
    ids.append(found["id"].astype(np.int64))
    return np.ascontiguousarray(found["vector"], np.float32)
