"""The cache is swept now and then, not all the time, and thumbnails with it."""

from __future__ import annotations

from pathlib import Path

import builders
import images
import pytest
from django.conf import settings

from annotation import arrivals, frame_cache, frames, imports, intake, orthanc
from annotation.models import Series

pytestmark = pytest.mark.django_db(transaction=True)


def test_thumbnails_are_swept_like_frames(
    tmp_path: Path, empty_store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.write(tmp_path / "in", images.slice_())
    imports.import_paths(builders.project(), [tmp_path / "in"], builders.user())
    content = frames.thumbnail(Series.objects.get())
    monkeypatch.setattr(settings, "FRAMES_CACHE_BYTES", 0)
    frame_cache.sweep()
    assert not [path for path in settings.FRAMES_DIR.rglob("*") if path.is_file()]
    assert frames.thumbnail(Series.objects.get()) == content


def test_an_idle_intake_neither_counts_nor_sweeps_in_every_turn(
    empty_store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(frame_cache, "sweep", lambda: done.append("sweep"))
    count = arrivals.known_count
    monkeypatch.setattr(arrivals, "known_count", lambda: done.append("count") or count())
    monkeypatch.setattr(intake, "_reconciled_at", -intake.RECONCILE_SECONDS)
    monkeypatch.setattr(intake, "_swept_at", -intake.SWEEP_SECONDS)
    for _ in range(3):
        intake.follow()
    assert sorted(done) == ["count", "sweep"]
    assert orthanc.statistics().instances == 0
