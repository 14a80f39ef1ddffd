"""The server's sentences in the language of whoever asks.

The code says and keeps every sentence in English, whole, with its values in place: that is what the ledger,
the log and the command line show. Where a sentence leaves the server, it finds its template in the catalogue
(deploy/locale, made by deploy/catalogue.py) again: ``Only {} of {} frames are in the file.`` So what was
stored months ago is said in today's reader's language as well, and no code that raises an error knows of
languages.

A value in quotation marks is a name, which stays. Others are looked up in turn: one may be a word
("body part"), a number, or another sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from babel.messages.mofile import read_mo
from django.conf import settings
from django.utils.translation import get_language
from rest_framework import serializers

GAP = "{}"
BETWEEN_SENTENCES = re.compile(r"(?<=[.!?]) (?=\S)")
WHERE = re.compile(r"([\w.\[\]-]+): (.+)", re.DOTALL)
GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+")
DECIMAL = re.compile(r"-?\d+\.\d+")
NARROW_SPACE = "\u202f"


class Template(NamedTuple):
    """``named[n]``: the value n stands in quotation marks."""

    pattern: re.Pattern[str]
    named: Sequence[bool]
    translation: str


class Catalogue(NamedTuple):
    """Sentences without values, and the templates of the others: those that say most come first."""

    whole: dict[str, str]
    templates: list[Template]


def said(sentence: str) -> str:
    """The sentence in the active language; itself where that is English, or where nobody translated it."""
    language = (get_language() or "en").split("-")[0]
    return sentence if language == "en" else _said(language, sentence)


class SentenceField(serializers.CharField):
    """A sentence of the server in an answer of the API."""

    def to_representation(self, value: Any) -> str:
        return said(super().to_representation(value))


@lru_cache(maxsize=2048)
def _said(language: str, sentence: str) -> str:
    catalogue = _catalogue(language)
    return _matched(catalogue, sentence) or _by_parts(catalogue, sentence) or sentence


@lru_cache
def _catalogue(language: str) -> Catalogue:
    whole: dict[str, str] = {}
    templates: dict[str, Template] = {}
    for folder in settings.LOCALE_PATHS:
        path = Path(folder) / language / "LC_MESSAGES" / "django.mo"
        if not path.is_file():
            continue
        with path.open("rb") as file:
            for message in read_mo(file):
                text, translation = str(message.id), str(message.string)
                if GAP in text:
                    templates[text] = _template(text, translation)
                elif text:
                    whole[text] = translation
    longest_first = sorted(templates, key=lambda text: len(text.replace(GAP, "")), reverse=True)
    return Catalogue(whole, [templates[text] for text in longest_first])


def _template(text: str, translation: str) -> Template:
    parts = text.split(GAP)
    named = [before.endswith("“") and after.startswith("”") for before, after in pairwise(parts)]
    return Template(re.compile("(.*?)".join(map(re.escape, parts)), re.DOTALL), named, translation)


def _matched(catalogue: Catalogue, sentence: str) -> str | None:
    if (known := catalogue.whole.get(sentence)) is not None:
        return known
    for template in catalogue.templates:
        if found := template.pattern.fullmatch(sentence):
            pairs = zip(found.groups(), template.named, strict=True)
            return _filled(
                template.translation,
                [
                    _name(catalogue, value) if named else _value(catalogue, value)
                    for value, named in pairs
                ],
            )
    return None


def _filled(translation: str, values: Sequence[str]) -> str:
    following = iter(range(len(values)))
    return re.sub(
        r"\{(\d*)\}", lambda gap: values[int(gap[1]) if gap[1] else next(following)], translation
    )


def _name(catalogue: Catalogue, value: str) -> str:
    """What people named stays; the steps of a round, which are several words, are ours."""
    return catalogue.whole.get(value, value) if " " in value else value


def _value(catalogue: Catalogue, value: str) -> str:
    if GROUPED.fullmatch(value):
        return value.replace(",", NARROW_SPACE)
    if DECIMAL.fullmatch(value):
        return value.replace(".", ",")
    return _matched(catalogue, value) or _by_parts(catalogue, value) or value


def _by_parts(catalogue: Catalogue, text: str) -> str | None:
    """A text of several sentences, a sentence with the place it is about, or a list of words."""
    for parts, joint in ((BETWEEN_SENTENCES.split(text), " "), (text.split(", "), ", ")):
        if len(parts) > 1:
            known = [_matched(catalogue, part) or _at_its_place(catalogue, part) for part in parts]
            if any(known):
                return joint.join(new or old for new, old in zip(known, parts, strict=True))
    return _at_its_place(catalogue, text)


def _at_its_place(catalogue: Catalogue, text: str) -> str | None:
    if (found := WHERE.fullmatch(text)) and (known := _matched(catalogue, found[2])):
        return f"{found[1]}: {known}"
    return None
