"""Conversation on a case. A reader sees what was said on a case once it is in the reader's own hands."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, comments, queue
from annotation.access import Action
from annotation.errors import NotFound, NotPermitted
from annotation.models import Case, Comment, User

from .assignments import LARGEST, valid
from .authentication import signed_in
from .pagination import ByIdUpward


class CommentSerializer(serializers.ModelSerializer[Comment]):
    """``author`` is null where the reader may not know who else reads."""

    author = serializers.SerializerMethodField()
    resolved_by: serializers.SlugRelatedField[User] = serializers.SlugRelatedField(
        "username", read_only=True, allow_null=True
    )

    class Meta:
        model = Comment
        fields = [
            "id", "author", "parent", "text", "issue", "anchor", "created_at", "resolved_at",
            "resolved_by",
        ]  # fmt: skip

    def get_author(self, comment: Comment) -> str | None:
        user: User = self.context["user"]
        known = self.context["oversees"] or comment.author_id == user.pk
        return comment.author.username if known else None


class NewCommentSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=comments.LONGEST)
    parent = serializers.IntegerField(  # type: ignore[assignment]
        required=False, allow_null=True, min_value=1, max_value=LARGEST
    )
    anchor = serializers.DictField(required=False)


class CaseComments(generics.ListAPIView[Comment]):
    """The conversation on a case, oldest first. Blind readers see their own part of it."""

    serializer_class = CommentSerializer
    pagination_class = ByIdUpward
    oversees = False

    def get_queryset(self) -> QuerySet[Comment]:
        if getattr(self, "swagger_fake_view", False):
            return Comment.objects.none()
        case = self._case()
        found = case.comments.select_related("author", "resolved_by")
        return found if self.oversees else found.filter(_own_or_answers(signed_in(self.request)))

    def get_serializer_context(self) -> dict[str, Any]:
        context = super().get_serializer_context()
        return {**context, "user": self.request.user, "oversees": self.oversees}

    @extend_schema(request=NewCommentSerializer, responses={201: CommentSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Say something on the case, or answer what was said."""
        case = self._case()
        given = valid(NewCommentSerializer, request)
        parent = None
        if given.get("parent"):
            parent = self.get_queryset().filter(pk=given["parent"]).first()
            if parent is None:
                raise NotFound("The comment that you answer is not on this case.")
        comment = comments.add(
            case, signed_in(request), text=given["text"], parent=parent, anchor=given.get("anchor")
        )
        body = CommentSerializer(comment, context=self.get_serializer_context()).data
        return Response(body, status=201)

    def _case(self) -> Case:
        case, self.oversees = case_for(self.request, self.kwargs["pk"])
        return case


class CommentResolution(APIView):
    @extend_schema(operation_id="comments_resolve", request=None, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        """Close a comment. An issue that is answered puts its case back on the list."""
        comment = Comment.objects.select_related("case__project").filter(pk=pk).first()
        if comment is None:
            raise NotFound
        case, oversees = case_for(request, comment.case_id)
        user = signed_in(request)
        if not oversees and comment.author_id != user.pk:
            raise NotFound
        if comment.issue and not oversees:
            raise NotPermitted("An issue is answered by somebody who oversees the cases.")
        if comment.issue:
            queue.resolve_issue(case, user, comment=comment)
        else:
            comments.resolve(comment, user)
        return Response(status=204)


def case_for(request: Request, pk: int) -> tuple[Case, bool]:
    """The case, and whether the person oversees it rather than having it in hand as a reader."""
    cases = Case.objects.select_related("project").filter(pk=pk)
    overseen = access.visible_to(request.user, cases, Action.VIEW_CASES).first()
    if overseen is not None:
        return overseen, True
    user = signed_in(request)
    readable = access.visible_to(user, cases, Action.READ_CASES)
    mine = Q(slots__reader=user) | Q(reads__reader=user) | Q(comments__author=user)
    case = readable.filter(mine).distinct().first()
    if case is None:
        raise NotFound
    return case, False


def _own_or_answers(user: User) -> Q:
    """What other readers say of a case could tell a blind reader what they think of it."""
    return Q(author=user) | Q(parent__author=user)
