"""Label schemas of a project: the versions, what is wrong with a new one, and what it would mean."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, schema_effects, schema_versions
from annotation.access import Action
from annotation.errors import NotFound
from annotation.models import LabelSchema

from .assignments import valid
from .authentication import signed_in
from .documents import LabelSchemaDocument
from .pagination import ByIdCursor

LARGEST_VERSION = 2**31 - 2


class LabelSchemaInForceSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    document = LabelSchemaDocument()


class VersionSerializer(serializers.Serializer[Any]):
    """``created_by`` is null where one may not know who works in the project."""

    version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    created_by = serializers.SerializerMethodField()

    def get_created_by(self, stored: LabelSchema) -> str | None:
        author = stored.created_by
        if author is None or not self.context.get("named"):
            return None
        return author.get_full_name() or author.username


class LabelSchemaSerializer(VersionSerializer):
    document = LabelSchemaDocument()


class NewLabelSchemaSerializer(serializers.Serializer[Any]):
    document = LabelSchemaDocument()
    base = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_VERSION,
        help_text="the version that this one was made from",
    )


class CheckSerializer(serializers.Serializer[Any]):
    document = LabelSchemaDocument()


class FaultSerializer(serializers.Serializer[Any]):
    where = serializers.CharField(help_text="path in the document, with dots; empty: all of it")
    message = serializers.CharField()


class GoneSerializer(serializers.Serializer[Any]):
    what = serializers.ChoiceField(["class", "kind", "question", "type", "option"])
    code = serializers.CharField()
    name = serializers.CharField()
    detail = serializers.CharField(help_text="the kind, the former type or the option; else empty")
    used = serializers.IntegerField(help_text="marks or answers of reads that count")


class EffectsSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(help_text="the one in force")
    begun = serializers.IntegerField(help_text="readings that go on by the version they began with")
    reads = serializers.IntegerField(help_text="reads that keep theirs; none is asked for again")
    waiting = serializers.IntegerField(help_text="readings that will go by the new version")
    gone = GoneSerializer(many=True)


class CheckedSerializer(serializers.Serializer[Any]):
    problems = FaultSerializer(many=True)
    effects = EffectsSerializer(allow_null=True, help_text="null while something is wrong")


class LabelSchemas(generics.ListAPIView[LabelSchema]):
    """The versions, newest first, without their documents."""

    serializer_class = VersionSerializer
    pagination_class = ByIdCursor

    def get_queryset(self) -> QuerySet[LabelSchema]:
        slug = self.kwargs["slug"]
        project = access.project_for(self.request.user, slug, Action.VIEW_PROJECT)
        found = LabelSchema.objects.filter(project=project).select_related("created_by")
        return found.defer("document")

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), **_context(self.request, self.kwargs["slug"])}

    @extend_schema(
        operation_id="label_schemas_create",
        request=NewLabelSchemaSerializer,
        responses={201: LabelSchemaSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Store the next version. Reads, and readings that were begun, keep the version they have.

        409: somebody else stored one since ``base``.
        """
        project = access.project_for(request.user, slug, Action.EDIT_SCHEMA)
        given = valid(NewLabelSchemaSerializer, request)
        added = schema_versions.add(project, user=signed_in(request), **given)
        return Response(LabelSchemaSerializer(added, context={"named": True}).data, status=201)


class LabelSchemaDetail(APIView):
    @extend_schema(operation_id="label_schemas_retrieve", responses=LabelSchemaSerializer)
    def get(self, request: Request, slug: str, version: int) -> Response:
        """One version with its document, in force or older."""
        project = access.project_for(request.user, slug, Action.VIEW_PROJECT)
        if version > LARGEST_VERSION:
            raise NotFound("There is no such version.")
        stored = project.label_schemas.filter(version=version).select_related("created_by").first()
        if stored is None:
            raise NotFound("There is no such version.")
        return Response(LabelSchemaSerializer(stored, context=_context(request, slug)).data)


class LabelSchemaCheck(APIView):
    @extend_schema(
        operation_id="label_schemas_check", request=CheckSerializer, responses=CheckedSerializer
    )
    def post(self, request: Request, slug: str) -> Response:
        """What is wrong with a document, and what storing it would mean; nothing is stored."""
        project = access.project_for(request.user, slug, Action.EDIT_SCHEMA)
        document = valid(CheckSerializer, request)["document"]
        problems = schema_versions.problems(project, document)
        effects = None if problems else schema_effects.of(project, document)
        return Response(CheckedSerializer({"problems": problems, "effects": effects}).data)


def _context(request: Request, slug: str) -> dict[str, bool]:
    project = access.project_for(request.user, slug, Action.VIEW_PROJECT)
    return {"named": Action.VIEW_PROGRESS in access.actions_of(request.user, project)}
