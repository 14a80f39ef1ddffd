"""Cases that look alike: those most similar to one, and pairs that may be one image."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, listing, pixel_links
from annotation.access import Action
from annotation.api.authentication import signed_in
from annotation.api.sentences import SentenceField
from annotation.case_images import instance_of
from annotation.errors import InvalidInput
from annotation.models import Case, Stream, User
from learning.pool import lookalikes, similar

USUAL = 12


class SeenCaseSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    modality = serializers.CharField()
    body_part = serializers.CharField()
    frame_count = serializers.IntegerField()
    thumbnail = serializers.SerializerMethodField()
    slot = serializers.IntegerField(allow_null=True, help_text="in my hands, read by me or drafted")
    stream = serializers.SerializerMethodField()

    def get_thumbnail(self, case: Any) -> str | None:
        if case.first_series is None or case.first_version is None:
            return None
        return pixel_links.thumbnail_url(
            case.first_series, case.first_version, self.context["holder"], instance_of(case)
        )

    @extend_schema(responses=serializers.ChoiceField(Stream.choices, allow_null=True))
    def get_stream(self, case: Case) -> str | None:
        return case.stream if self.context["oversees"] else None


class SimilarCaseSerializer(SeenCaseSerializer):
    similarity = serializers.FloatField(help_text="cosine of the embeddings, at most 1")
    same_patient = serializers.BooleanField(allow_null=True, help_text="null for readers")


class SimilarSerializer(serializers.Serializer[Any]):
    note = SentenceField(help_text="why there are none; else empty")
    results = SimilarCaseSerializer(many=True)


class SimilarCases(APIView):
    @extend_schema(
        operation_id="cases_similar",
        parameters=[OpenApiParameter("count", OpenApiTypes.INT, description="1 to 24")],
        responses=SimilarSerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Cases whose images look most like those of this one. Readers find among what they have read."""
        user = signed_in(request)
        case, oversees = access.case_for(user, pk)
        found = similar.to(case, user, oversees=oversees, count=_count(request))
        rows = _described(list(found.similarities), user, oversees)
        for row in rows:
            row.similarity = round(found.similarities[row.pk], 4)
            row.same_patient = row.patient_id == case.patient_id if oversees else None
        answer = {"note": found.note, "results": rows}
        response = Response(SimilarSerializer(answer, context=_context(request, oversees)).data)
        response["Cache-Control"] = "no-store"
        return response


class LookalikeSerializer(serializers.Serializer[Any]):
    first = SeenCaseSerializer()
    second = SeenCaseSerializer()
    similarity = serializers.FloatField()
    across = serializers.BooleanField(help_text="one is used to learn, the other to measure")


class Lookalikes(APIView):
    @extend_schema(
        operation_id="projects_lookalikes",
        responses=LookalikeSerializer(many=True),
        filters=False,
    )
    def get(self, request: Request, slug: str) -> Response:
        """Pairs of cases of different patients that look like one image, by the model in use."""
        user = signed_in(request)
        project = access.project_for(user, slug, Action.VIEW_ROUNDS)
        pairs = list(lookalikes.of(project).select_related("first", "second"))
        ids = {case for pair in pairs for case in (pair.first_id, pair.second_id)}
        cases = {case.pk: case for case in _described(list(ids), user, oversees=True)}
        rows = [
            {
                "first": cases[pair.first_id],
                "second": cases[pair.second_id],
                "similarity": round(pair.similarity, 4),
                "across": lookalikes.is_across(pair),
            }
            for pair in pairs
        ]
        rows.sort(key=lambda row: (not row["across"], -row["similarity"]))
        context = _context(request, oversees=True)
        return Response(LookalikeSerializer(rows, many=True, context=context).data)


def _described(ids: list[int], user: User, oversees: bool) -> list[Any]:
    """In this order."""
    rows = listing.described(Case.objects.filter(pk__in=ids), user, oversees=oversees)
    place = {case: at for at, case in enumerate(ids)}
    return sorted(rows, key=lambda row: place[row.pk])


def _context(request: Request, oversees: bool) -> dict[str, Any]:
    return {"holder": pixel_links.holder_of(request.META), "oversees": oversees}


def _count(request: Request) -> int:
    given = request.query_params.get("count", str(USUAL))
    if not given.isdigit() or not 1 <= int(given) <= similar.MOST:
        raise InvalidInput(f"count must be a whole number from 1 to {similar.MOST}.")
    return int(given)
