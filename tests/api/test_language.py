"""The language of what the server says: chosen, remembered, asked for, and never in what is kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import builders
import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from annotation.api.sentences import said
from annotation.errors import NotFound
from annotation.models import Import, ImportItem, Role, User

pytestmark = pytest.mark.django_db
PATH = "/api/me/language"
LOGIN = "/accounts/login/"
THIN = "\u202f"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def reader() -> User:
    return builders.user(Role.READER, project=builders.project())


def signed_in(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def choose(client: APIClient, language: str) -> Any:
    return client.put(PATH, {"language": language}, format="json")


def refusal(client: Any, **headers: str) -> str:
    """What is said of a case that is not in one's hands."""
    detail: str = client.get("/api/slots/0", headers=headers).json()["detail"]
    return detail


def test_what_is_chosen_is_ones_own_and_holds_in_every_browser(reader: User) -> None:
    assert signed_in(reader).get("/api/me").json()["language"] == ""
    assert choose(signed_in(reader), "fr").json() == {"language": "fr"}
    elsewhere = signed_in(reader)
    assert elsewhere.get("/api/me").json()["language"] == "fr"
    assert refusal(elsewhere) == "Vous ne détenez pas ce cas."
    other = builders.user(Role.READER, project=builders.project())
    assert signed_in(other).get("/api/me").json()["language"] == ""
    assert refusal(signed_in(other)) == "There is no such case in your hands."


@pytest.mark.parametrize("language", ["de", "", None, "en-gb", ["fr"]])
def test_a_language_that_is_not_here_is_refused(reader: User, language: Any) -> None:
    assert choose(signed_in(reader), language).status_code == 422


def test_who_has_chosen_none_is_answered_as_the_browser_asks(reader: User) -> None:
    french = {"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.8"}
    client = signed_in(reader)
    assert refusal(client, **french) == "Vous ne détenez pas ce cas."
    assert refusal(client, **{"Accept-Language": "de,en;q=0.5"}).startswith("There is no such")
    answer = client.get("/api/slots/0", headers=french)
    assert answer["Content-Language"] == "fr"
    assert answer.json()["title"] == "Introuvable, ou pas visible pour vous"
    choose(client, "en")
    assert refusal(client, **french) == "There is no such case in your hands."


def test_faults_of_fields_are_french_with_their_places(reader: User) -> None:
    client = signed_in(reader)
    choose(client, "fr")
    wrong = client.put("/api/me/keyboard", {"profile": "vim", "changes": {}}, format="json").json()
    assert wrong["title"] == "Le contenu n’est pas valide"
    assert wrong["errors"][0]["where"] == "profile"
    assert "n'est pas un choix valide" in wrong["errors"][0]["message"]
    twice = {"default": {"tool.brush": ["x"], "tool.box": ["x"]}}
    double = client.put("/api/me/keyboard", {"profile": "default", "changes": twice}, format="json")
    told = "La touche x est attribuée à plusieurs actions."
    assert double.json()["detail"] == told
    assert double.json()["errors"] == [{"where": "changes.default", "message": told}]


def test_what_was_kept_in_english_is_told_in_the_language_of_today() -> None:
    project = builders.project()
    steward = builders.user(Role.STEWARD, project=project)
    reason = "The object has 3 frames; the limit is 2."
    batch = Import.objects.create(project=project, created_by=steward)
    ImportItem.objects.create(
        batch=batch, name="a.dcm", size=1, state=ImportItem.State.QUARANTINED, reason=reason
    )
    client = signed_in(steward)
    path = f"/api/projects/{project.slug}/quarantine"
    assert client.get(path).json()["results"][0]["reason"] == reason
    choose(client, "fr")
    french = f"L’objet a 3 images{THIN}; la limite est de 2."
    assert client.get(path).json()["results"][0]["reason"] == french
    assert ImportItem.objects.get().reason == reason


def test_nothing_of_a_request_in_french_stays_behind(reader: User) -> None:
    client = signed_in(reader)
    choose(client, "fr")
    refusal(client)
    assert translation.get_language() == "en-gb"
    assert str(NotFound()) == "Not found, or not visible to you"


def test_the_page_of_the_application_says_its_language(
    reader: User, settings: Any, tmp_path: Path
) -> None:
    settings.FRONTEND_DIST = tmp_path
    page = '<!doctype html>\n<html lang="en">\n<title>Consilium</title>'
    (tmp_path / "index.html").write_text(page)
    client = signed_in(reader)
    said = page.replace('"en"', f'"en" data-user="{reader.username}"')
    assert client.get("/").content.decode() == said
    choose(client, "fr")
    assert client.get("/").content.decode() == said.replace('"en"', '"fr"')


def test_signing_out_leaves_the_language_of_the_browser(reader: User) -> None:
    client = signed_in(reader)
    choose(client, "fr")
    assert client.cookies["language"].value == "fr"
    client.logout()
    text = Client().get(LOGIN, headers={"Cookie": "language=fr"}).content.decode()
    assert '<html lang="fr">' in text
    assert "Se connecter" in text


def test_before_signing_in_the_language_can_be_chosen(client: Client) -> None:
    assert "Sign in" in client.get(LOGIN).content.decode()
    client.post("/accounts/language/", {"language": "fr", "next": LOGIN})
    text = client.get(LOGIN).content.decode()
    assert '<html lang="fr">' in text
    assert "Pas de compte" in text
    assert "Sign in" not in text
    assert re.findall(r"<button[^>]*>([^<]+)</button>", text)[-2:] == ["English", "Français"]
    wrong = client.post(LOGIN, {"login": "nobody", "password": "wrong"}).content.decode()
    assert "L’identifiant ou le mot de passe est incorrect." in wrong


def test_pages_of_failures_are_french(client: Client) -> None:
    text = client.get("/accounts/nothing/", headers={"Accept-Language": "fr"}).content.decode()
    assert "Il n’y a rien à cette adresse." in text
    assert "Aller aux projets" in text


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("3 of 9 cases read. Read on.", "3 lus sur 9 cas. Continuez la lecture."),
        ("In this project, “box” has no marks of kind ellipse.",
         f"Dans ce projet, «{THIN}box{THIN}» n’admet pas d’annotation de type «{THIN}ellipse{THIN}»."),
        ("A mask may have at most 100,000,000 voxels.",
         f"Un masque peut avoir 100{THIN}000{THIN}000 voxels au plus."),
        ("1 slice seems to be missing (spacing 2.5 mm).",
         "1 coupe semble manquer (espacement 2,5 mm)."),
        ("Is there a nodule? Please answer for image 3 of series 2.",
         "Is there a nodule? Réponse attendue (image 3 de la série 2)."),
        ("CT, an earlier study", "CT, un examen antérieur"),
        ("“Train the networks” failed: The file is empty. It is tried again by itself (attempt 2 of 5).",
         f"«{THIN}Entraîner les réseaux{THIN}» a échoué{THIN}: Le fichier est vide. "
         "Nouvel essai automatique (essai 2 sur 5)."),
        ("The file is empty. The TIFF was written on a Tuesday.",
         "Le fichier est vide. The TIFF was written on a Tuesday."),
        ("Nobody translated this.", "Nobody translated this."),
        ("", ""),
    ],
)  # fmt: skip
def test_a_sentence_finds_its_template_again(english: str, french: str) -> None:
    assert said(english) == english
    with translation.override("fr"):
        assert said(english) == french
