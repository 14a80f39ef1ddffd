"""Routes of everything under /api that annotation answers. No trailing slashes."""

from __future__ import annotations

from django.urls import path

from . import datasets, imports, ledger, me, members, projects, series, tokens

urlpatterns = [
    path("me", me.Me.as_view()),
    path("tokens", tokens.Tokens.as_view()),
    path("tokens/<int:pk>", tokens.TokenDetail.as_view()),
    path("projects", projects.ProjectList.as_view()),
    path("projects/<slug:slug>", projects.ProjectDetail.as_view()),
    path("projects/<slug:slug>/label-schemas", projects.LabelSchemas.as_view()),
    path("projects/<slug:slug>/progress", projects.Progress.as_view()),
    path("projects/<slug:slug>/members", members.Members.as_view()),
    path("projects/<slug:slug>/members/invite", members.Invitations.as_view()),
    path("projects/<slug:slug>/members/<int:pk>", members.MemberDetail.as_view()),
    path("projects/<slug:slug>/snapshots", datasets.Snapshots.as_view()),
    path("snapshots/<int:pk>", datasets.SnapshotDetail.as_view()),
    path("snapshots/<int:pk>/cases", datasets.SnapshotCases.as_view()),
    path("snapshots/<int:pk>/verify", datasets.SnapshotVerification.as_view()),
    path("projects/<slug:slug>/ledger", ledger.Events.as_view()),
    path("projects/<slug:slug>/ledger/verify", ledger.Verification.as_view()),
    path("projects/<slug:slug>/imports", imports.Imports.as_view()),
    path("projects/<slug:slug>/quarantine", imports.Quarantine.as_view()),
    path("imports/<int:pk>", imports.ImportDetail.as_view()),
    path("imports/<int:pk>/items", imports.ImportItems.as_view()),
    path("imports/<int:pk>/complete", imports.ImportCompletion.as_view()),
    path("imports/<int:pk>/cancel", imports.ImportCancellation.as_view()),
    path("import-items/<int:pk>", imports.ItemDetail.as_view()),
    path("import-items/<int:pk>/content", imports.ItemContent.as_view()),
    path("import-items/<int:pk>/dismiss", imports.ItemDismissal.as_view()),
    path("import-items/<int:pk>/retry", imports.ItemRetry.as_view()),
    path("series/<int:pk>", series.SeriesDetail.as_view()),
]
