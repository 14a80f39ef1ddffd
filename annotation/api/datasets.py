"""Dataset versions of a project: list, freeze, look into, verify, take home."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, export, snapshots
from annotation.access import Action
from annotation.errors import NotFound
from annotation.models import Reference, Snapshot, SnapshotItem, Split, Stream, User

from .authentication import signed_in
from .pagination import ByIdUpward
from .sentences import SentenceField


class QuerySerializer(serializers.Serializer[Any]):
    """Which references a dataset takes."""

    min_reads = serializers.IntegerField(min_value=1, max_value=50, required=False)
    min_certainty = serializers.FloatField(min_value=0, max_value=1, required=False)
    provisional = serializers.BooleanField(
        required=False, help_text="also labels that no reader gave, in a file of their own"
    )


class NewSnapshotSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=200, allow_blank=True, default="")
    query = QuerySerializer(default=dict)


class SplitsSerializer(serializers.Serializer[Any]):
    train = serializers.IntegerField()
    validation = serializers.IntegerField()
    test = serializers.IntegerField()


class SnapshotSerializer(serializers.ModelSerializer[Snapshot]):
    query = QuerySerializer()
    label_schema = serializers.IntegerField(source="label_schema.version")
    created_by: serializers.SlugRelatedField[User] = serializers.SlugRelatedField(
        "username", read_only=True, allow_null=True
    )
    cases = serializers.IntegerField()
    provisional_labels = serializers.SerializerMethodField(help_text="that no reader gave")
    splits = SplitsSerializer(source="*")

    class Meta:
        model = Snapshot
        fields = [
            "id", "version", "title", "query", "label_schema", "content_sha256", "created_by", "created_at",
            "cases", "splits", "provisional_labels",
        ]  # fmt: skip

    def get_provisional_labels(self, snapshot: Snapshot) -> int:
        return len(snapshot.provisional)


class SnapshotCaseSerializer(serializers.ModelSerializer[SnapshotItem]):
    case_id = serializers.IntegerField()
    patient = serializers.CharField(source="case.patient.pseudonym")
    modality = serializers.CharField(source="case.modality")
    stream = serializers.ChoiceField(Stream.choices)
    split = serializers.ChoiceField(Split.choices)
    method = serializers.ChoiceField(Reference.Method.choices, source="reference.method")
    certainty = serializers.FloatField(source="reference.certainty")
    answers = serializers.DictField(source="reference.answers", child=serializers.JSONField())
    marks = serializers.SerializerMethodField()

    class Meta:
        model = SnapshotItem
        fields = [
            "id", "case_id", "patient", "modality", "stream", "split", "method", "certainty", "answers",
            "marks",
        ]  # fmt: skip

    def get_marks(self, item: SnapshotItem) -> int:
        return len(item.reference.marks)


class SnapshotVerdictSerializer(serializers.Serializer[snapshots.Verdict]):
    ok = serializers.BooleanField()
    items = serializers.IntegerField()
    reason = SentenceField(allow_blank=True)


class DownloadSerializer(serializers.Serializer[Any]):
    images = serializers.BooleanField(default=False)
    models = serializers.BooleanField(default=False)


def with_numbers(found: QuerySet[Snapshot]) -> QuerySet[Snapshot]:
    """Snapshots with their number of cases, in all and by split."""
    by_split = {str(split): Count("items", filter=Q(items__split=split)) for split in Split}
    return found.select_related("label_schema", "created_by").annotate(
        cases=Count("items"), **by_split
    )


def visible(request: Request, pk: int, action: Action) -> Snapshot:
    """The snapshot, if the person may do ``action`` in its project."""
    found = Snapshot.objects.filter(project__in=access.projects_visible_to(request.user), pk=pk)
    snapshot = with_numbers(found).select_related("project").first()
    if snapshot is None:
        raise NotFound
    access.require(request.user, snapshot.project, action)
    return snapshot


class Snapshots(generics.ListAPIView[Snapshot]):
    """Frozen dataset versions of the project, newest first."""

    serializer_class = SnapshotSerializer

    def get_queryset(self) -> QuerySet[Snapshot]:
        project = access.project_for(self.request.user, self.kwargs["slug"], Action.VIEW_DATASETS)
        return with_numbers(project.snapshots.all())

    @extend_schema(request=NewSnapshotSerializer, responses={201: SnapshotSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Freeze the current references as the next version."""
        project = access.project_for(request.user, slug, Action.FREEZE_DATASETS)
        wanted = NewSnapshotSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        frozen = snapshots.freeze(project, user=signed_in(request), **wanted.validated_data)
        shown = with_numbers(Snapshot.objects.filter(pk=frozen.pk)).get()
        return Response(SnapshotSerializer(shown).data, status=201)


class SnapshotDetail(APIView):
    @extend_schema(responses=SnapshotSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """One dataset version."""
        return Response(SnapshotSerializer(visible(request, pk, Action.VIEW_DATASETS)).data)


class SnapshotCases(generics.ListAPIView[SnapshotItem]):
    """The cases of a dataset version, with split and reference."""

    serializer_class = SnapshotCaseSerializer
    pagination_class = ByIdUpward

    def get_queryset(self) -> QuerySet[SnapshotItem]:
        snapshot = visible(self.request, self.kwargs["pk"], Action.VIEW_DATASETS)
        return snapshot.items.select_related("case__patient", "reference")


class SnapshotVerification(APIView):
    @extend_schema(request=None, responses=SnapshotVerdictSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Compare what was frozen with what the database and the image hashes say now."""
        verdict = snapshots.verify(visible(request, pk, Action.VIEW_DATASETS))
        return Response(SnapshotVerdictSerializer(verdict).data)


class SnapshotDownload(APIView):
    """Without models, which annotation does not know; ``learning`` routes a subclass that does."""

    def model_files(self, snapshot: Snapshot) -> Iterable[tuple[str, Path]]:
        return ()

    @extend_schema(
        parameters=[DownloadSerializer],
        responses={(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "the dataset")},
    )
    def get(self, request: Request, pk: int) -> StreamingHttpResponse:
        """The dataset as a zip file that says in its README how to verify it."""
        snapshot = visible(request, pk, Action.EXPORT_DATASETS)
        wanted = DownloadSerializer(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        models = self.model_files(snapshot) if wanted.validated_data["models"] else ()
        chunks = export.stream(
            snapshot,
            user=signed_in(request),
            images=wanted.validated_data["images"],
            models=models,
        )
        name = f"{snapshot.project.slug}-v{snapshot.version}.zip"
        return StreamingHttpResponse(
            chunks,
            content_type="application/zip",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
            },
        )
