"""Every sentence that the server says to a person has its translation, and the compiled file holds it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from django.conf import settings

from deploy import catalogue

LANGUAGES = [code for code, _ in settings.LANGUAGES if not code.startswith("en")]
CODE = re.compile(r'\{".*\}')
RULES = {
    "a narrow space before ; : ! ?": re.compile(
        r"[^\u202f\d«?][;!?](?!case|offset|series)|[^\u202f]:(?=\s)"
    ),
    "a narrow space within « »": re.compile(r"«[^\u202f]|[^\u202f]»"),
    "typographic apostrophes": re.compile(r"\w'\w"),
    "no English quotation marks": re.compile("[“”]"),
}


def translations(language: str) -> dict[str, str]:
    return {
        str(message.id): str(message.string) for message in catalogue.read(language) if message.id
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated_and_none_is_left_over(language: str) -> None:
    known = translations(language)
    wanted = catalogue.templates()
    assert sorted(wanted - known.keys()) == [], "run: python -m deploy.catalogue, then translate"
    assert sorted(known.keys() - wanted) == []
    assert [text for text, translated in known.items() if not translated] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_the_written_one(language: str) -> None:
    path = catalogue.LOCALE / language / "LC_MESSAGES" / "django.mo"
    with path.open("rb") as file:
        compiled = {str(message.id): str(message.string) for message in read_mo(file) if message.id}
    assert compiled == translations(language), "run: python -m deploy.catalogue"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_value_has_its_place(language: str) -> None:
    wrong = []
    for text, translated in translations(language).items():
        wanted = text.count("{}")
        named = Counter(re.findall(r"\{(\d+)\}", translated))
        unnamed = translated.count("{}")
        fits = (
            sorted(named) == [str(number) for number in range(wanted)]
            if named
            else unnamed == wanted
        )
        if not fits or (named and unnamed):
            wrong.append(text)
    assert wrong == []


@pytest.mark.parametrize("rule", RULES)
def test_french_is_set_as_french(rule: str) -> None:
    texts = [CODE.sub("", text) for text in translations("fr").values()]
    assert [text for text in texts if RULES[rule].search(text)] == []


def test_sentences_titles_and_gaps_are_found_and_the_rest_is_not() -> None:
    source = '''
"""This is a docstring."""
class Gone(NotFound):
    code, status, title = "gone", 404, "No longer here"
def check(n, what):
    log.warning("Nobody is told this.")
    field = CharField(help_text="This describes the API.")
    text = f"Only {n:,} of {what.name} are here."
    raise Conflict("Do this first: "
                   "then that.")
    document("x", 1, "A title", f"Said of {n}.")
    key = "not.a sentence"
'''
    assert set(catalogue.said_in(source)) == {
        "No longer here",
        "Only {} of {} are here.",
        "Do this first: then that.",
        "A title",
        "Said of {}.",
    }


def test_no_module_is_silent_that_does_not_exist() -> None:
    root = Path(settings.BASE_DIR)
    for name in catalogue.ENGLISH_ALONE:
        assert list(root.glob(f"{name}*")), name
