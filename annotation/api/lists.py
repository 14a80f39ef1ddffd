"""What the reading list can be narrowed to, and the filters that a person keeps."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, kinds, list_filters, saved_filters
from annotation.access import Action
from annotation.errors import NotPermitted
from annotation.models import Project

from .authentication import signed_in


class KindSerializer(serializers.Serializer[Any]):
    modality = serializers.CharField()
    body_part = serializers.CharField(allow_blank=True)


class ListQuerySerializer(serializers.Serializer[Any]):
    """As the list takes it; what is left out is not narrowed."""

    state = serializers.ChoiceField(list_filters.STAGES, required=False)
    modality = serializers.CharField(max_length=16, required=False)
    body_part = serializers.CharField(max_length=16, required=False)
    due = serializers.ChoiceField(list_filters.DUE, required=False)
    flag = serializers.ChoiceField(list_filters.FLAGS, required=False)
    search = serializers.CharField(max_length=200, required=False)


class SavedFilterSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    query = ListQuerySerializer()


class SavedFiltersSerializer(serializers.Serializer[Any]):
    filters = SavedFilterSerializer(many=True)


class CaseKinds(APIView):
    @extend_schema(operation_id="kinds_list", responses=KindSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The modalities and body parts that the cases of the project have, in pairs."""
        return Response([kind._asdict() for kind in kinds.of(_listed(request, slug))])


class Filters(APIView):
    @extend_schema(operation_id="filters_retrieve", responses=SavedFiltersSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The filters of the reading list that I keep in this project."""
        kept = saved_filters.of(_listed(request, slug), signed_in(request))
        return Response({"filters": kept})

    @extend_schema(
        operation_id="filters_update",
        request=SavedFiltersSerializer,
        responses=SavedFiltersSerializer,
    )
    def put(self, request: Request, slug: str) -> Response:
        """Replace the filters that I keep. They go with me to every browser."""
        project = _listed(request, slug)
        wanted = SavedFiltersSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        saved_filters.keep(project, signed_in(request), wanted.validated_data["filters"])
        return Response(wanted.validated_data)


def _listed(request: Request, slug: str) -> Project:
    """The project, if the person may see its reading list."""
    project = access.project_for(request.user, slug, Action.VIEW_PROJECT)
    if not access.actions_of(request.user, project) & {Action.VIEW_CASES, Action.READ_CASES}:
        raise NotPermitted(f"Your role in “{project.title}” does not let you see its cases.")
    return project
