"""Collects the server's sentences for translation, and compiles what was translated.

    python -m deploy.catalogue

adds each new sentence to every ``deploy/locale/<language>/LC_MESSAGES/django.po``, takes out those that
nobody says any more, and writes the ``.mo`` beside it, which is kept in the repository: no tool is needed
to run the server. A sentence with values is one template: ``{}`` stands for each, and a translation may call
them ``{0}``, ``{1}`` in an order of its own. ``deploy/locale/words.txt`` lists what stands alone or fills a
gap and is no sentence. annotation/api/sentences.py says how a sentence finds its template again.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "deploy" / "locale"
WORDS = LOCALE / "words.txt"
TEMPLATES = ROOT / "deploy" / "templates"

SOURCES = ("annotation", "learning")
BESIDES = ("deploy/failures.py", "deploy/first_sign_in.py", "deploy/frontend.py")
ENGLISH_ALONE = (
    "annotation/actors.py",
    "annotation/admin.py",
    "annotation/api/openapi.py",
    "annotation/datasheet.py",
    "annotation/ledger.py",
    "annotation/migrations/",
    "annotation/models/",
    "annotation/statements.py",
    "annotation/dicom/write",
    "learning/measuring/card_page.py",
    "learning/measuring/cards.py",
    "learning/management/",
    "learning/migrations/",
    "learning/models.py",
    "learning/triage/",
    "learning/triage_records.py",
)
"""What these say is read in files, logs, the ledger, the administration or by programs."""

SENTENCE = re.compile(r"[A-Za-z“{‘][^\n]* [^\n]*(?:[.!?]|\. {})")
SILENT_KEYWORDS = {"help_text", "description", "summary"}
SILENT_CALLS = {"debug", "info", "warning", "error", "exception", "critical", "getLogger"}
TRANSLATED = re.compile(r"{% translate \"([^\"]+)\" %}")


def modules() -> Iterator[Path]:
    """The modules whose sentences reach a person through the interface."""
    found = [path for source in SOURCES for path in (ROOT / source).rglob("*.py")]
    for path in sorted([*found, *(ROOT / name for name in BESIDES)]):
        if not str(path.relative_to(ROOT)).startswith(ENGLISH_ALONE):
            yield path


def said_in(source: str) -> Iterator[str]:
    """The sentences and the titles of problems in the source of a module, as templates."""
    tree = ast.parse(source)
    silent = set(_silent(tree))
    for node in ast.walk(tree):
        if id(node) in silent:
            continue
        text = _template(node)
        if text and SENTENCE.fullmatch(text) and len(re.sub(r"{}|\W", "", text)) > 3:
            yield text
    yield from _titles(tree)


def templates() -> set[str]:
    """Everything that has to be translated."""
    found = {text for path in modules() for text in said_in(path.read_text(encoding="utf-8"))}
    for page in TEMPLATES.rglob("*.html"):
        found.update(TRANSLATED.findall(page.read_text(encoding="utf-8")))
    return found.union(WORDS.read_text(encoding="utf-8").splitlines())


def _template(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    return None


def _silent(tree: ast.AST) -> Iterator[int]:
    """Docstrings, descriptions of the API, lines of the log, and the parts of a text that is taken whole."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant() as text):
                yield id(text)
            case ast.JoinedStr():
                yield from (id(part) for part in node.values)
            case ast.Call(func=ast.Attribute(attr=name)) if name in SILENT_CALLS:
                yield from (id(inner) for inner in ast.walk(node))
            case ast.keyword(arg=name) if name in SILENT_KEYWORDS:
                yield from (id(inner) for inner in ast.walk(node.value))


def _titles(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(
                targets=[ast.Tuple(elts=[*_, ast.Name(id="title")])],
                value=ast.Tuple(elts=[*_, last]),
            ):
                yield str(_template(last))
            case ast.Assign(targets=[ast.Name(id="title")], value=ast.Constant() as only):
                yield str(only.value)
            case ast.Call(func=ast.Name(id="document") | ast.Attribute(attr="document")):
                yield from filter(None, (_template(part) for part in node.args[2:4]))


def read(language: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return pofile.read_po(file, locale=language)


def _update(language: str, wanted: set[str]) -> Catalog:
    before = read(language)
    after = Catalog(
        locale=language,
        project="Consilium",
        charset="utf-8",
        fuzzy=False,
        header_comment=before.header_comment,
        creation_date=before.creation_date,
        revision_date=before.revision_date,
    )
    for text in sorted(wanted):
        known = before.get(text)
        after.add(text, known.string if known else "")
    return after


def main() -> None:
    wanted = templates()
    for folder in sorted(path for path in LOCALE.iterdir() if path.is_dir()):
        catalogue = _update(folder.name, wanted)
        with (folder / "LC_MESSAGES" / "django.po").open("wb") as file:
            pofile.write_po(file, catalogue, width=0, omit_header=False, sort_output=True)
        with (folder / "LC_MESSAGES" / "django.mo").open("wb") as file:
            mofile.write_mo(file, catalogue)
        missing = [message.id for message in catalogue if message.id and not message.string]
        print(f"{folder.name}: {len(wanted)} sentences, {len(missing)} to translate")
        for text in missing:
            print(f"  {text}")


if __name__ == "__main__":
    main()
