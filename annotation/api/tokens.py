"""Tokens of the person who is signed in. A token cannot make or end tokens."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, api_tokens
from annotation.access import Action
from annotation.models import ApiToken, Project

from .authentication import signed_in
from .projects import NAMES_OF_ACTIONS


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    project: serializers.SlugRelatedField[Project] = serializers.SlugRelatedField(
        "slug", read_only=True
    )
    actions = serializers.ListField(child=serializers.ChoiceField(NAMES_OF_ACTIONS))

    class Meta:
        model = ApiToken
        fields = [
            "id", "name", "project", "actions", "created_at", "expires_at", "revoked_at", "last_used_at",
        ]  # fmt: skip
        read_only_fields = fields


class TokenWithSecretSerializer(TokenSerializer):
    secret = serializers.CharField(help_text="for the Authorization header; it is shown this once")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class NewTokenSerializer(serializers.Serializer[Any]):
    project = serializers.SlugField()
    name = serializers.CharField(max_length=100)
    actions = serializers.ListField(child=serializers.ChoiceField(NAMES_OF_ACTIONS), min_length=1)
    days = serializers.IntegerField(min_value=1, max_value=api_tokens.LONGEST_DAYS)


class Tokens(generics.ListAPIView[ApiToken]):
    """My own tokens, ended ones too."""

    authentication_classes = [SessionAuthentication]
    serializer_class = TokenSerializer

    def get_queryset(self) -> QuerySet[ApiToken]:
        return ApiToken.objects.filter(user=signed_in(self.request)).select_related("project")

    @extend_schema(request=NewTokenSerializer, responses={201: TokenWithSecretSerializer})
    def post(self, request: Request) -> Response:
        """Make a token for one project; the answer holds its secret."""
        wanted = NewTokenSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        values = wanted.validated_data
        project = access.project_for(request.user, values.pop("project"), Action.VIEW_PROJECT)
        made = api_tokens.create(project, user=signed_in(request), **values)
        answer = {**TokenSerializer(made.token).data, "secret": made.secret}
        return Response(answer, status=201, headers={"Cache-Control": "no-store"})


class TokenDetail(APIView):
    authentication_classes = [SessionAuthentication]

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """End a token of mine at once."""
        api_tokens.revoke(pk, user=signed_in(request))
        return Response(status=204)
