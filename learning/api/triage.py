"""Triage: the policy, what could be certified now, the lanes, the accepted cases."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access
from annotation.access import Action
from annotation.api.authentication import signed_in
from annotation.api.pagination import ByIdCursor
from annotation.errors import NotFound
from learning.models import TriageDecision, TriageLane
from learning.triaging import certificates, lanes, policies, triage_overview

from .triage_serializers import (
    AcceptedCaseSerializer,
    AcceptedFilter,
    SettingsSerializer,
    SigningSerializer,
    TriagePolicySerializer,
    TriagePreviewSerializer,
    TriageSerializer,
    WhySerializer,
)


class Triage(APIView):
    @extend_schema(operation_id="triage_overview", responses=TriageSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """What is signed, certified and accepted, with its audit."""
        project = access.project_for(request.user, slug, Action.VIEW_ROUNDS)
        return Response(TriageSerializer(triage_overview.of(project)).data)

    @extend_schema(
        operation_id="triage_sign", request=SigningSerializer, responses=TriagePolicySerializer
    )
    def post(self, request: Request, slug: str) -> Response:
        """Sign the policy: from now on two networks may decide what it says, where a bound holds."""
        project = access.project_for(request.user, slug, Action.SIGN_TRIAGE)
        wanted = SigningSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        values = dict(wanted.validated_data)
        policy = policies.sign(
            project,
            user=signed_in(request),
            reason=values.pop("reason"),
            base=values.pop("base"),
            wanted=values,
        )
        return Response(TriagePolicySerializer(policy).data, status=status.HTTP_201_CREATED)


class TriagePreview(APIView):
    @extend_schema(
        operation_id="triage_preview",
        request=SettingsSerializer,
        responses=TriagePreviewSerializer,
    )
    def post(self, request: Request, slug: str) -> Response:
        """What these settings would come to now. Nothing is stored."""
        project = access.project_for(request.user, slug, Action.VIEW_ROUNDS)
        wanted = SettingsSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        found = triage_overview.preview(project, wanted.validated_data)
        return Response(TriagePreviewSerializer(found).data)


class AcceptedCases(generics.ListAPIView[TriageDecision]):
    serializer_class = AcceptedCaseSerializer
    pagination_class = ByIdCursor

    @extend_schema(operation_id="triage_cases", parameters=[AcceptedFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Cases that a lane accepted, newest first."""
        return self.list(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[TriageDecision]:
        project = access.project_for(self.request.user, self.kwargs["slug"], Action.VIEW_ROUNDS)
        asked = AcceptedFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        found: QuerySet[TriageDecision] = triage_overview.accepted(project)
        if state := asked.validated_data.get("state"):
            found = found.filter(state=state)
        if lane := asked.validated_data.get("lane"):
            found = found.filter(lane__name=lane)
        return found.filter(is_wrong=True) if asked.validated_data.get("wrong") else found


class CloseLane(APIView):
    @extend_schema(operation_id="triage_close", request=WhySerializer, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        """Close a lane: what it accepted and nobody has read goes back to readers."""
        rows = TriageLane.objects.filter(pk=pk).select_related("certificate__project")
        path = "certificate__project"
        lane = access.visible_to(request.user, rows, Action.VIEW_ROUNDS, path).first()
        if lane is None:
            raise NotFound
        access.require(request.user, lane.certificate.project, Action.SIGN_TRIAGE)
        certificates.close(lane, user=signed_in(request), reason=_why(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SendToReader(APIView):
    @extend_schema(operation_id="triage_send", request=WhySerializer, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        """Withdraw one provisional label: a reader decides."""
        rows = TriageDecision.objects.filter(pk=pk).select_related("lane__certificate__project")
        path = "lane__certificate__project"
        found = access.visible_to(request.user, rows, Action.VIEW_ROUNDS, path).first()
        if found is None:
            raise NotFound
        access.require(request.user, found.lane.certificate.project, Action.SIGN_TRIAGE)
        lanes.send_to_reader(found, user=signed_in(request), reason=_why(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _why(request: Request) -> str:
    said = WhySerializer(data=request.data)
    said.is_valid(raise_exception=True)
    reason: str = said.validated_data["reason"]
    return reason
