"""Hanging protocols of a project, and what a reader sees of a case when it opens."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, hanging, hanging_rules, pixel_links, reading, surroundings
from annotation.access import Action
from annotation.errors import InvalidInput
from annotation.models import Slot

from .assignments import LARGEST, valid
from .authentication import signed_in
from .documents import HangingDocument
from .reading import visible
from .sentences import SentenceField
from .series import SeriesDisplaySerializer, document

ORIGINS = ["case", "study", "prior"]


class HangingProtocolsSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(help_text="0: the project has none of its own")
    document = HangingDocument()


class NewHangingProtocolsSerializer(serializers.Serializer[Any]):
    document = HangingDocument()
    base = serializers.IntegerField(
        min_value=0, max_value=2**31 - 2, help_text="the version that this one was made from"
    )


class TrySerializer(serializers.Serializer[Any]):
    document = HangingDocument()


class ExampleSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    modality = serializers.CharField()
    body_part = serializers.CharField(allow_blank=True)


class TrialSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    fits = serializers.IntegerField(help_text="cases whose conditions hold")
    first = serializers.IntegerField(help_text="cases that would open with it")
    examples = ExampleSerializer(many=True)


class TrialsSerializer(serializers.Serializer[Any]):
    protocols = TrialSerializer(many=True)
    left = serializers.IntegerField(help_text="cases that would open with a built-in protocol")
    checked = serializers.IntegerField(help_text="the newest of them")
    of = serializers.IntegerField()


class HungWindowSerializer(serializers.Serializer[Any]):
    center = serializers.FloatField()
    width = serializers.FloatField()


class HungPaneSerializer(serializers.Serializer[Any]):
    series = serializers.IntegerField(allow_null=True, help_text="null: nothing fits, it is empty")
    show = serializers.ChoiceField(hanging_rules.SHOWN_AS)
    window = HungWindowSerializer(allow_null=True)


class HungLayoutSerializer(serializers.Serializer[Any]):
    rows = serializers.IntegerField()
    columns = serializers.IntegerField()


class HungLinksSerializer(serializers.Serializer[Any]):
    scroll = serializers.BooleanField()
    window = serializers.BooleanField()
    view = serializers.BooleanField()


class HungSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = SentenceField()
    built_in = serializers.BooleanField()
    why = SentenceField()
    layout = HungLayoutSerializer()
    panes = HungPaneSerializer(many=True)
    links = HungLinksSerializer()
    crosshairs = serializers.BooleanField()


class BesideSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    description = serializers.CharField(allow_blank=True)
    modality = serializers.CharField()
    frame_count = serializers.IntegerField()
    origin = serializers.ChoiceField(ORIGINS)
    study = serializers.IntegerField(help_text="0: the case's own; 1: the latest earlier one; …")
    days_before = serializers.IntegerField(
        allow_null=True, help_text="null where the project does not say when"
    )
    thumbnail_url = serializers.CharField()


class HangingSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    protocols = HungSerializer(many=True)
    beside = BesideSerializer(many=True)


class HangingProtocolsView(APIView):
    @extend_schema(operation_id="hanging_protocols_retrieve", responses=HangingProtocolsSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The hanging protocols in force."""
        project = access.project_for(request.user, slug, Action.VIEW_PROJECT)
        return Response(HangingProtocolsSerializer(hanging.current(project)).data)

    @extend_schema(
        operation_id="hanging_protocols_create",
        request=NewHangingProtocolsSerializer,
        responses={201: HangingProtocolsSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Store the next version. 409: somebody else stored one since ``base``."""
        project = access.project_for(request.user, slug, Action.EDIT_PROJECT)
        given = valid(NewHangingProtocolsSerializer, request)
        stored = hanging.publish(project, user=signed_in(request), **given)
        return Response(HangingProtocolsSerializer(stored).data, status=201)


class HangingTrial(APIView):
    @extend_schema(
        operation_id="hanging_protocols_try", request=TrySerializer, responses=TrialsSerializer
    )
    def post(self, request: Request, slug: str) -> Response:
        """Which cases each protocol would open; nothing is stored."""
        project = access.project_for(request.user, slug, Action.EDIT_PROJECT)
        given = valid(TrySerializer, request)
        return Response(TrialsSerializer(hanging.try_out(project, given["document"])).data)


class SlotHanging(APIView):
    @extend_schema(operation_id="slots_hanging", responses=HangingSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """How to show the case: protocols that fit it, and what may be looked at beside it. Of the case
        that is kept for me as the next one, too.
        """
        case = _slot(request, pk).case
        around = surroundings.of(case)
        version, hung = hanging.of_case(case, around)
        holder = pixel_links.holder_of(request.META)
        body = {
            "version": version,
            "protocols": HungSerializer(hung, many=True).data,
            "beside": [_described(one, holder) for one in around.beside],
        }
        return Response(body, headers={"Cache-Control": "no-store"})


class SlotSeries(APIView):
    @extend_schema(
        operation_id="slots_series",
        parameters=[OpenApiParameter("series", OpenApiTypes.INT, required=True)],
        responses=SeriesDisplaySerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        """A series of the case, or one to look at beside it: in that, nothing can be drawn."""
        given = request.query_params.get("series", "")
        if not (given.isascii() and given.isdigit() and int(given[:20]) <= LARGEST):
            raise InvalidInput("Say with ?series= which series is wanted, by its number.")
        series, instance = surroundings.find(_slot(request, pk).case, int(given))
        body = document(series, pixel_links.holder_of(request.META), instance)
        return Response(body, headers={"Cache-Control": "no-store"})


def _slot(request: Request, slot_id: int) -> Slot:
    slot = reading.slot_of(visible(request, slot_id), signed_in(request), or_kept=True)
    slot.case.project = slot.project
    return slot


def _described(one: surroundings.Beside, holder: str) -> dict[str, Any]:
    return {
        "id": one.series.pk,
        "description": one.series.description,
        "modality": one.series.modality,
        "frame_count": one.series.frame_count,
        "origin": one.origin,
        "study": one.study,
        "days_before": one.days,
        "thumbnail_url": pixel_links.thumbnail_url(one.series.pk, one.series.version, holder),
    }
