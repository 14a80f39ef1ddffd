"""Django's admin site: what learning computed, for looking at only."""

from __future__ import annotations

from django.contrib import admin

from annotation.admin import LookOnly

from . import models

admin.site.register(
    [
        models.CurvePoint,
        models.Evaluation,
        models.Ranking,
        models.Recipe,
        models.Round,
        models.RoundLog,
        models.ScoringFailure,
        models.TrainedModel,
        models.Training,
        models.TriageDecision,
    ],
    LookOnly,
)
