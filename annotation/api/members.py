"""Members of a project: list, add, invite, remove."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, members
from annotation.access import Action
from annotation.models import Membership, Role, Site

from .authentication import signed_in


class MemberSerializer(serializers.ModelSerializer[Membership]):
    username = serializers.CharField(source="user.username")
    full_name = serializers.CharField(source="user.get_full_name")
    home_site: serializers.SlugRelatedField[Site] = serializers.SlugRelatedField(
        "slug", source="user.home_site", read_only=True, allow_null=True
    )

    awaits_password = serializers.SerializerMethodField(
        help_text="has not chosen a password yet: a new one-time password can be made"
    )

    class Meta:
        model = Membership
        fields = [
            "id", "username", "full_name", "home_site", "role", "created_at", "awaits_password",
        ]  # fmt: skip
        read_only_fields = fields

    def get_awaits_password(self, membership: Membership) -> bool:
        return members.awaits_password(membership.user)


class NewMemberSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(Role.choices)


class InvitationSerializer(NewMemberSerializer):
    full_name = serializers.CharField(max_length=200)


class InvitedSerializer(MemberSerializer):
    password = serializers.CharField(help_text="one-time password; it is shown this once")

    class Meta(MemberSerializer.Meta):
        fields = [*MemberSerializer.Meta.fields, "password"]
        read_only_fields = fields


class Members(generics.ListAPIView[Membership]):
    """Who takes part in the project, in which role."""

    serializer_class = MemberSerializer

    def get_queryset(self) -> QuerySet[Membership]:
        project = access.project_for(self.request.user, self.kwargs["slug"], Action.VIEW_MEMBERS)
        return project.memberships.select_related("user__home_site")

    @extend_schema(request=NewMemberSerializer, responses={201: MemberSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Give a role to somebody who has an account."""
        project = access.project_for(request.user, slug, Action.MANAGE_MEMBERS)
        wanted = NewMemberSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        added = members.add(project, **wanted.validated_data, user=signed_in(request))
        return Response(MemberSerializer(added).data, status=201)


class Invitations(APIView):
    @extend_schema(request=InvitationSerializer, responses={201: InvitedSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Make an account with a role; the answer holds its one-time password."""
        project = access.project_for(request.user, slug, Action.MANAGE_MEMBERS)
        wanted = InvitationSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        added, password = members.invite(project, **wanted.validated_data, user=signed_in(request))
        return _shown_once(added, password, status=201)


class MemberDetail(APIView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Take the role away. The last lead stays."""
        project = access.project_for(request.user, slug, Action.MANAGE_MEMBERS)
        members.remove(project, pk, user=signed_in(request))
        return Response(status=204)


class MemberPassword(APIView):
    @extend_schema(
        operation_id="projects_members_password", request=None, responses=InvitedSerializer
    )
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Another one-time password for somebody who has not chosen one of their own yet."""
        project = access.project_for(request.user, slug, Action.MANAGE_MEMBERS)
        membership, password = members.renew_password(project, pk, user=signed_in(request))
        return _shown_once(membership, password, status=200)


def _shown_once(membership: Membership, password: str, *, status: int) -> Response:
    answer = {**MemberSerializer(membership).data, "password": password}
    return Response(answer, status=status, headers={"Cache-Control": "no-store"})
