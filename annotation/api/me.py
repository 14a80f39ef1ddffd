"""The person who is signed in."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import language
from annotation.models import Language, Site, User

from .authentication import signed_in


class MeSerializer(serializers.ModelSerializer[User]):
    full_name = serializers.CharField(source="get_full_name")
    home_site: serializers.SlugRelatedField[Site] = serializers.SlugRelatedField(
        "slug", read_only=True, allow_null=True
    )

    language = serializers.ChoiceField(
        Language.choices,
        allow_blank=True,
        read_only=True,
        help_text="empty while none is chosen: then the browser's",
    )

    class Meta:
        model = User
        fields = ["username", "full_name", "is_staff", "home_site", "language"]
        read_only_fields = fields


class Me(APIView):
    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Who I am. What I may do is said by each project."""
        return Response(MeSerializer(signed_in(request)).data)


class LanguageSerializer(serializers.Serializer[Any]):
    language = serializers.ChoiceField(Language.choices)


class MyLanguage(APIView):
    authentication_classes = [SessionAuthentication]

    @extend_schema(request=LanguageSerializer, responses=LanguageSerializer)
    def put(self, request: Request) -> Response:
        """Choose the language of my interface and of what the server says to me."""
        wanted = LanguageSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        language.choose(signed_in(request), **wanted.validated_data)
        return Response(wanted.validated_data)
