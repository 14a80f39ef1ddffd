"""Routes of everything under /api that annotation answers. No trailing slashes."""

from __future__ import annotations

from django.urls import path

from . import datasets, ledger, me, members, projects, tokens

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
]
