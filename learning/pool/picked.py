"""Why a case stands where it does in the ranking, for readers who are not blind to the model.

The reading room asks through the setting WHY_PICKED, since annotation knows nothing of rankings.
"""

from __future__ import annotations

from typing import Any

from annotation.models import Purpose, Slot
from learning.models import Ranking


def picked(slot: Slot) -> dict[str, Any] | None:
    """Rank and score are null for a case beyond the batch that the ranking explains.

    Nothing is said of an audit, as of a case of the random arm: readers must not tell it from others.
    """
    if slot.purpose == Purpose.AUDIT:
        return None
    ranking = (
        Ranking.objects.select_related("round", "model__round")
        .filter(project=slot.project_id, generation=slot.generation)
        .first()
    )
    if ranking is None:
        return None
    entry: dict[str, Any] = next((one for one in ranking.batch if one["case"] == slot.case_id), {})
    return {
        "generation": ranking.generation,
        "rank": entry.get("rank"),
        "score": entry.get("score"),
        "components": entry.get("components", {}),
        "acquisition": ranking.acquisition,
        "round": _round(ranking),
        "fast": ranking.fast,
        "reads": ranking.reads,
        "at": ranking.created_at,
    }


def _round(ranking: Ranking) -> int | None:
    """The round that ranked the pool, or whose model the fast loop goes by."""
    if ranking.round is not None:
        return ranking.round.number
    return None if ranking.model is None else ranking.model.round.number
