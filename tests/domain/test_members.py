"""Who takes part: leads give and take roles, nobody widens their own rights, one lead always stays."""

from __future__ import annotations

import builders
import pytest
from django.utils import timezone

from annotation import access, members
from annotation.errors import Conflict, InvalidInput, NotFound, NotPermitted
from annotation.models import Event, Membership, Role, User

pytestmark = pytest.mark.django_db


def test_an_invited_person_has_a_one_time_password() -> None:
    project = builders.project()
    lead = builders.user(Role.LEAD, project=project)
    membership, password = members.invite(
        project, username="ada", full_name="Ada Byron King", role=Role.READER, user=lead
    )
    person = membership.user
    assert person.get_full_name() == "Ada Byron King"
    assert person.must_change_password
    assert person.check_password(password)
    assert person.password.startswith("argon2$")
    assert password not in str(list(Event.objects.values()))
    assert access.Action.READ_CASES in access.actions_of(person, project)


def test_a_taken_name_cannot_be_invited_and_nothing_is_left_behind() -> None:
    project = builders.project()
    lead = builders.user(Role.LEAD, project=project)
    with pytest.raises(Conflict):
        members.invite(project, username=lead.username, full_name="", role=Role.READER, user=lead)
    assert Membership.objects.count() == 1


@pytest.mark.parametrize("username", ["", "with space", "x" * 151, "semi;colon"])
def test_a_user_name_that_cannot_be_is_refused(username: str) -> None:
    with pytest.raises(InvalidInput):
        members.new_account(username)


def test_adding_twice_is_one_membership_and_one_event() -> None:
    project = builders.project()
    lead, person = builders.user(Role.LEAD, project=project), builders.user()
    for _ in range(2):
        members.add(project, username=person.username, role=Role.READER, user=lead)
    assert person.memberships.count() == 1
    assert Event.objects.filter(verb="member.add").count() == 1


def test_somebody_unknown_or_inactive_cannot_be_added() -> None:
    project = builders.project()
    lead = builders.user(Role.LEAD, project=project)
    gone = builders.user(is_active=False)
    for name in ("nobody", gone.username):
        with pytest.raises(InvalidInput):
            members.add(project, username=name, role=Role.READER, user=lead)


def test_the_last_lead_stays() -> None:
    project = builders.project()
    lead = builders.user(Role.LEAD, project=project)
    mine = lead.memberships.get()
    with pytest.raises(Conflict):
        members.remove(project, mine.pk, user=lead)
    builders.user(Role.LEAD, project=project)
    members.remove(project, mine.pk, user=lead)
    assert not access.actions_of(lead, project)


def test_a_member_of_another_project_is_not_found() -> None:
    project, other = builders.project(), builders.project()
    lead = builders.user(Role.LEAD, project=project)
    stranger = builders.reader(other).memberships.get()
    with pytest.raises(NotFound):
        members.remove(project, stranger.pk, user=lead)


def site_admin_and_reader() -> tuple[User, User, Membership]:
    project = builders.project()
    builders.user(Role.LEAD, project=project)
    admin = builders.user(Role.SITE_ADMIN, project=project)
    reader = builders.reader(project)
    return admin, reader, reader.memberships.get()


def test_a_site_administrator_manages_readers() -> None:
    admin, _, theirs = site_admin_and_reader()
    members.remove(theirs.project, theirs.pk, user=admin)
    assert not Membership.objects.filter(pk=theirs.pk).exists()


@pytest.mark.parametrize("role", [Role.STEWARD, Role.ML_ENGINEER, Role.ADJUDICATOR])
def test_nobody_grants_rights_beyond_their_own_not_even_to_a_new_account(role: Role) -> None:
    admin, reader, theirs = site_admin_and_reader()
    project = theirs.project
    with pytest.raises(NotPermitted, match="Ask a lead"):
        members.add(project, username=reader.username, role=role, user=admin)
    with pytest.raises(NotPermitted):
        members.invite(project, username="second-self", full_name="", role=role, user=admin)
    assert not User.objects.filter(username="second-self").exists()


@pytest.mark.parametrize("role", [Role.READER, Role.SITE_ADMIN])
def test_a_site_administrator_recruits_readers_and_colleagues(role: Role) -> None:
    admin, _, theirs = site_admin_and_reader()
    added, _ = members.invite(theirs.project, username="grace", full_name="", role=role, user=admin)
    assert added.role == role


def test_a_site_administrator_makes_and_removes_no_lead() -> None:
    admin, reader, theirs = site_admin_and_reader()
    project = theirs.project
    with pytest.raises(NotPermitted):
        members.add(project, username=reader.username, role=Role.LEAD, user=admin)
    lead = project.memberships.get(role=Role.LEAD)
    with pytest.raises(NotPermitted):
        members.remove(project, lead.pk, user=admin)


def test_a_site_administrator_cannot_widen_their_own_rights() -> None:
    admin, _, theirs = site_admin_and_reader()
    with pytest.raises(NotPermitted):
        members.add(theirs.project, username=admin.username, role=Role.STEWARD, user=admin)


class TestANewOneTimePassword:
    def test_is_for_somebody_who_has_not_chosen_one(self) -> None:
        project = builders.project()
        admin = builders.user(Role.SITE_ADMIN, project=project)
        membership, first = members.invite(
            project, username="ada", full_name="Ada King", role=Role.READER, user=admin
        )
        _, second = members.renew_password(project, membership.pk, user=admin)
        ada = User.objects.get(username="ada")
        assert (ada.check_password(first), ada.check_password(second)) == (False, True)
        event = Event.objects.get(verb="member.password")
        assert (event.actor, event.data) == (admin, {"user": ada.pk})
        assert second not in str(list(Event.objects.values()))

    def test_is_never_for_somebody_who_has(self) -> None:
        project = builders.project()
        lead = builders.user(Role.LEAD, project=project)
        reader = builders.user(Role.READER, project=project, last_login=timezone.now())
        with pytest.raises(Conflict, match="has chosen a password"):
            members.renew_password(project, reader.memberships.get().pk, user=lead)
        assert User.objects.get(pk=reader.pk).password == reader.password

    @pytest.mark.parametrize("above", ["role", "elsewhere", "administrator"])
    def test_is_never_for_somebody_who_may_do_more(self, above: str) -> None:
        project = builders.project()
        admin = builders.user(Role.SITE_ADMIN, project=project)
        role = Role.STEWARD if above == "role" else Role.READER
        person = builders.user(role, project=project, is_superuser=above == "administrator")
        membership = person.memberships.get()
        if above == "elsewhere":
            other = builders.project()
            Membership.objects.create(user=person, project=other, role=Role.READER)
        with pytest.raises(NotPermitted):
            members.renew_password(project, membership.pk, user=admin)
        assert User.objects.get(pk=person.pk).password == person.password
