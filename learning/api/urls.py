"""Routes of everything under /api that learning answers. No trailing slashes."""

from __future__ import annotations

from django.urls import path

from . import (
    assistance,
    comparison,
    label_issues,
    models,
    projects,
    rounds,
    snapshots,
    stopping,
)

urlpatterns = [
    path("projects/<slug:slug>/learning", projects.Learning.as_view()),
    path("projects/<slug:slug>/curve", projects.LearningCurve.as_view()),
    path("projects/<slug:slug>/stopping", stopping.Stopping.as_view()),
    path("projects/<slug:slug>/label-issues", label_issues.LabelIssues.as_view()),
    path("projects/<slug:slug>/label-issues/<int:case>/reading", label_issues.AskAnother.as_view()),
    path("projects/<slug:slug>/ranking", projects.LatestRanking.as_view()),
    path("projects/<slug:slug>/suggestions", assistance.SuggestionUse.as_view()),
    path("projects/<slug:slug>/rounds", rounds.Rounds.as_view()),
    path("rounds/<int:pk>", rounds.RoundDetail.as_view()),
    path("rounds/<int:pk>/log", rounds.RoundLines.as_view()),
    path("rounds/<int:pk>/cancel", rounds.CancelRound.as_view()),
    path("rounds/<int:pk>/retry", rounds.RetryRound.as_view()),
    path("projects/<slug:slug>/models", models.Models.as_view()),
    path("models/<int:pk>", models.ModelDetail.as_view()),
    path("models/<int:pk>/against/<int:other>", comparison.CompareModels.as_view()),
    path("models/<int:pk>/card", models.CardOfModel.as_view()),
    path("models/<int:pk>/use", models.UseModel.as_view()),
    path("models/<int:pk>/download", models.DownloadModel.as_view()),
    path("snapshots/<int:pk>/download", snapshots.SnapshotWithModels.as_view()),
]
