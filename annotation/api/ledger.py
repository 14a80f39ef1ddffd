"""The ledger of a project: its events, and whether the chain still holds."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, ledger
from annotation.access import Action
from annotation.models import Event, User


class EventSerializer(serializers.ModelSerializer[Event]):
    actor: serializers.SlugRelatedField[User] = serializers.SlugRelatedField(
        "username", read_only=True, allow_null=True
    )

    class Meta:
        model = Event
        fields = ["id", "seq", "at", "actor", "verb", "object_type", "object_id", "data", "hash"]
        read_only_fields = fields


class VerdictSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    events = serializers.IntegerField()
    first_bad_seq = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class Events(generics.ListAPIView[Event]):
    """What was done in the project, by whom and when; newest first."""

    serializer_class = EventSerializer

    def get_queryset(self) -> QuerySet[Event]:
        project = access.project_for(self.request.user, self.kwargs["slug"], Action.VIEW_LEDGER)
        return Event.objects.filter(project=project).select_related("actor")


class Verification(APIView):
    @extend_schema(request=None, responses=VerdictSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Recompute every hash of the project's chain and name the first event that does not fit."""
        project = access.project_for(request.user, slug, Action.VIEW_LEDGER)
        return Response(VerdictSerializer(ledger.verify(f"project:{project.pk}")).data)
