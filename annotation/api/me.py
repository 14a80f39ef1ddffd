"""The person who is signed in."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.models import Site, User

from .authentication import signed_in


class MeSerializer(serializers.ModelSerializer[User]):
    full_name = serializers.CharField(source="get_full_name")
    home_site: serializers.SlugRelatedField[Site] = serializers.SlugRelatedField(
        "slug", read_only=True, allow_null=True
    )

    class Meta:
        model = User
        fields = ["username", "full_name", "is_staff", "home_site"]
        read_only_fields = fields


class Me(APIView):
    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Who I am. What I may do is said by each project."""
        return Response(MeSerializer(signed_in(request)).data)
