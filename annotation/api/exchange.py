"""Exchange with other systems: sources of marks made elsewhere, and reads stored back as DICOM objects."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, imports, sources, write_backs
from annotation.access import Action
from annotation.errors import NotFound
from annotation.models import Case, Project, Source, User, WriteBack, WrittenObject

from .assignments import valid
from .authentication import signed_in
from .documents import TextPerName
from .imports import ImportSerializer
from .sentences import SentenceField


class SourceSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    counts = serializers.BooleanField(help_text="whether it counts as a reader")
    classes = TextPerName()
    reads = serializers.IntegerField(help_text="that stand")
    created_at = serializers.DateTimeField()


class SourceListSerializer(serializers.Serializer[Any]):
    results = SourceSerializer(many=True)


class NewSourceSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=sources.LONGEST_NAME)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    counts = serializers.BooleanField(required=False, default=False)


class SourceChangeSerializer(serializers.Serializer[Any]):
    """``classes``: what the source calls something -> code of a class; '' leaves it out."""

    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    counts = serializers.BooleanField(required=False)
    classes = TextPerName(required=False)


class WrittenObjectSerializer(serializers.ModelSerializer[WrittenObject]):
    class Meta:
        model = WrittenObject
        fields = ["kind", "sop_instance_uid", "series_uid", "sha256"]


class WriteBackSerializer(serializers.ModelSerializer[WriteBack]):
    case = serializers.IntegerField(source="read.case_id")
    reason = SentenceField(read_only=True)
    requested_by: serializers.SlugRelatedField[User] = serializers.SlugRelatedField(
        "username", read_only=True, allow_null=True
    )
    objects = WrittenObjectSerializer(source="written", many=True)

    class Meta:
        model = WriteBack
        fields = [
            "id", "case", "state", "tries", "reason", "requested_by", "created_at", "finished_at",
            "objects",
        ]  # fmt: skip


class WriteBackListSerializer(serializers.Serializer[Any]):
    results = WriteBackSerializer(many=True)


class WriteBackCountsSerializer(serializers.Serializer[Any]):
    waiting = serializers.IntegerField()
    stored = serializers.IntegerField()
    failed = serializers.IntegerField()


class RequestedSerializer(serializers.Serializer[Any]):
    reads = serializers.IntegerField()


def _described(found: QuerySet[Source]) -> QuerySet[Source]:
    standing = Count("reads", filter=Q(reads__superseded_by=None))
    return found.annotate(reads_standing=standing).order_by("name")


def _shown(source: Source) -> dict[str, Any]:
    """The number of reads is an annotation under another name than the relation."""
    fields = ("id", "name", "description", "counts", "classes", "created_at")
    numbers = getattr(source, "reads_standing", None)
    reads = source.reads.filter(superseded_by=None).count() if numbers is None else numbers
    return {**{name: getattr(source, name) for name in fields}, "reads": reads}


def source_for(request: Request, pk: int) -> Source:
    """The source, if the person may import into its project."""
    found = access.visible_to(request.user, Source.objects.all(), Action.IMPORT_IMAGES)
    source = found.select_related("project").filter(pk=pk).first()
    if source is None:
        raise NotFound
    return source


def _require_lead_to_count(
    request: Request, project: Project, wanted: dict[str, Any], source: Source | None = None
) -> None:
    """Who counts as a reader is part of the study's design."""
    if wanted.get("counts") or (source is not None and "counts" in wanted):
        access.require(request.user, project, Action.EDIT_PROJECT)


class Sources(APIView):
    @extend_schema(operation_id="sources_list", responses=SourceListSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Where marks made elsewhere come from, by name."""
        project = access.project_for(request.user, slug, Action.IMPORT_IMAGES)
        found = [_shown(source) for source in _described(project.sources.all())]
        return Response({"results": SourceSerializer(found, many=True).data})

    @extend_schema(
        operation_id="sources_create",
        request=NewSourceSerializer,
        responses={201: SourceSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Name a source. It counts as a reader only if a lead says so."""
        project = access.project_for(request.user, slug, Action.IMPORT_IMAGES)
        wanted = valid(NewSourceSerializer, request)
        _require_lead_to_count(request, project, wanted)
        source = sources.add(
            project,
            name=wanted["name"],
            description=wanted.get("description", ""),
            counts=wanted["counts"],
            user=signed_in(request),
        )
        return Response(SourceSerializer(_shown(source)).data, status=201)


class SourceDetail(APIView):
    @extend_schema(
        operation_id="sources_change", request=SourceChangeSerializer, responses=SourceSerializer
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Say which classes its words stand for, describe it, or have it count as a reader."""
        source = source_for(request, pk)
        wanted = valid(SourceChangeSerializer, request)
        _require_lead_to_count(request, source.project, wanted, source)
        source = sources.change(source, wanted, user=signed_in(request))
        return Response(SourceSerializer(_shown(source)).data)


class SourceFromStore(APIView):
    @extend_schema(operation_id="sources_read_in", request=None, responses={201: ImportSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Read in the SEG, SR and RTSTRUCT objects that the image store holds for the project's studies."""
        batch = imports.begin_from_store(source_for(request, pk), signed_in(request))
        return Response(ImportSerializer(batch).data, status=201)


class CaseWriteBack(APIView):
    @extend_schema(operation_id="cases_write_backs", responses=WriteBackListSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """What of the case's reads has been stored back, is on its way, or failed."""
        case = _case_for(request, pk)
        rows = WriteBack.objects.filter(read__case=case)
        return Response({"results": WriteBackSerializer(_in_full(rows), many=True).data})

    @extend_schema(
        operation_id="cases_write_back", request=None, responses={202: WriteBackListSerializer}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Store the reads of the case in the image store as DICOM SR and SEG, in the background."""
        rows = write_backs.request(_case_for(request, pk), signed_in(request))
        found = _in_full(WriteBack.objects.filter(pk__in=[row.pk for row in rows]))
        return Response({"results": WriteBackSerializer(found, many=True).data}, status=202)


class WriteBacks(generics.ListAPIView[WriteBack]):
    """Reads stored back, on their way or failed, newest first."""

    serializer_class = WriteBackSerializer

    def get_queryset(self) -> QuerySet[WriteBack]:
        project = access.project_for(self.request.user, self.kwargs["slug"], Action.WRITE_BACK)
        rows = _in_full(project.write_backs.all())
        state = self.request.query_params.get("state", "")
        return rows.filter(state=state) if state in WriteBack.State.values else rows

    @extend_schema(
        operation_id="write_backs_list",
        parameters=[OpenApiParameter("state", OpenApiTypes.STR, enum=WriteBack.State.values)],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Reads stored back, on their way or failed, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="write_backs_create", request=None, responses={202: RequestedSerializer}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Store back every read of the project that is not stored yet, and try those that failed again."""
        project = access.project_for(request.user, slug, Action.WRITE_BACK)
        return Response({"reads": write_backs.request_all(project, signed_in(request))}, status=202)


class WriteBackCounts(APIView):
    @extend_schema(operation_id="write_backs_counts", responses=WriteBackCountsSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """How many reads are stored back, wait, or failed."""
        project = access.project_for(request.user, slug, Action.WRITE_BACK)
        rows = project.write_backs.order_by("state").values_list("state")
        found = dict(rows.annotate(number=Count("pk")))
        return Response({state: found.get(state, 0) for state in WriteBack.State.values})


def _in_full(rows: QuerySet[WriteBack]) -> QuerySet[WriteBack]:
    return rows.select_related("read", "requested_by").prefetch_related("written")


def _case_for(request: Request, pk: int) -> Case:
    cases = access.visible_to(request.user, Case.objects.all(), Action.WRITE_BACK)
    case = cases.select_related("project").filter(pk=pk).first()
    if case is None:
        raise NotFound
    return case
