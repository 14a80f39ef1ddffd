"""First step: freeze what is known now, so that everything after can be traced to it."""

from __future__ import annotations

from collections import Counter

from annotation import snapshots
from annotation.models import Snapshot, Stream
from learning import artifacts
from learning.leases import Lease
from learning.models import Round, RoundLog


def run(lease: Lease, round_: Round) -> bool:
    artifacts.sweep()
    _discard_abandoned_work(round_)
    with lease.fenced() as locked:
        if locked.snapshot is None:
            locked.snapshot = snapshots.freeze(
                round_.project,
                user=round_.started_by,
                title=f"Round {round_.number}",
                query={},
            )
            locked.save(update_fields=["snapshot"])
            RoundLog.objects.create(round=locked, text=_sentence(locked.snapshot))
    return True


def _discard_abandoned_work(round_: Round) -> None:
    """Checkpoints of earlier rounds: once a later round runs, they cannot be retried."""
    for earlier in round_.project.rounds.filter(number__lt=round_.number).values_list(
        "pk", flat=True
    ):
        artifacts.discard_work(earlier)


def _sentence(snapshot: Snapshot) -> str:
    streams = Counter(snapshot.items.values_list("stream", flat=True))
    counts = ", ".join(f"{streams[stream]} {stream.label.lower()}" for stream in Stream)
    text = f"Snapshot {snapshot.version} freezes {streams.total()} labelled cases: {counts}."
    if not snapshot.left_out:
        return text
    first = snapshot.left_out[0]
    return (
        f"{text} Left out: {len(snapshot.left_out)}; the first: {first['case']}. {first['reason']}"
    )
