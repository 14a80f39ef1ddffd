"""The download of a frozen dataset, which can bring the models that were trained on it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from annotation.api.datasets import SnapshotDownload
from annotation.models import Snapshot
from learning.measuring import cards


class SnapshotWithModels(SnapshotDownload):
    def model_files(self, snapshot: Snapshot) -> Iterable[tuple[str, Path]]:
        return cards.files_of(snapshot)
