"""What of a reading still fits another version of the label schema, and what does not. Knows no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .content import value_fault
from .looks import faults_of_looks
from .models import MarkKind

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Dropped:
    """Something that has no place in the new version.

    ``what``: answer (``detail``: its value), option (of an answer that keeps others, as ``detail``), mark
    (of a class, its kind as ``detail``) or segment (of a class, painted in so many series).
    """

    what: str
    code: str
    name: str
    detail: str
    count: int


@dataclass(frozen=True)
class Repaint:
    """A mask whose voxels are to be given other values; 0 takes them away."""

    sha256: str
    series: int
    values: dict[int, int]


@dataclass
class Fit:
    """``content``: what fits; its labelmaps still name the masks as they are."""

    content: dict[str, Any]
    repaint: list[Repaint] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)


def fit(before: Json, after: Json, content: Json, painted: Mapping[str, Sequence[int]]) -> Fit:
    """``painted``: by the hash of a mask, the values in it."""
    lost: Counter[tuple[str, str, str, str]] = Counter()
    found = Fit({**content, "marks": [], "answers": []})
    for mark in content["marks"]:
        if mark["kind"] == MarkKind.LABELMAP:
            _fit_labelmap(before, after, mark, painted, found, lost)
        elif _mark_fits(after, mark):
            found.content["marks"].append(mark)
        else:
            code = mark.get("label_class", "")
            lost["mark", code, _name(before, code), mark["kind"]] += 1
    gone = {mark["tracking_uid"] for mark in content["marks"]}
    gone -= {mark["tracking_uid"] for mark in found.content["marks"]}
    for answer in content["answers"]:
        kept = None if answer.get("target") in gone else _fit_answer(before, after, answer, lost)
        if kept is not None:
            found.content["answers"].append(kept)
        elif answer["value"] is not None:
            text = _question(before, answer["question"]).get("text", answer["question"])
            lost["answer", answer["question"], text, _said(before, answer)] += 1
    if "looks" in content:
        kept_looks = [look for look in content["looks"] if _look_fits(after, found.content, look)]
        found.content["looks"] = kept_looks
    found.dropped = [Dropped(*what, count) for what, count in lost.items()]
    return found


def _mark_fits(after: Json, mark: Json) -> bool:
    label = _class(after, mark.get("label_class", ""))
    if label is None or not _may_have(after, label, mark["kind"]):
        return False
    names: list[str] = label.get("landmarks", [])
    if mark["kind"] != MarkKind.LANDMARK or not names:
        return True
    return mark.get("text", "") in names


def _fit_labelmap(
    before: Json,
    after: Json,
    mark: Json,
    painted: Mapping[str, Sequence[int]],
    found: Fit,
    lost: Counter[tuple[str, str, str, str]],
) -> None:
    values = dict(_new_values(before, after, painted.get(mark["mask"] or "", [])))
    for value, new in values.items():
        if not new:
            code = _code_of(before, value)
            lost["segment", code, _name(before, code), ""] += 1
    if not any(values.values()):
        return
    found.content["marks"].append(mark)
    if any(value != new for value, new in values.items()):
        found.repaint.append(Repaint(mark["mask"], mark["series"], values))


def _new_values(before: Json, after: Json, values: Sequence[int]) -> Iterator[tuple[int, int]]:
    for value in values:
        label = _class(after, _code_of(before, value))
        fits = label is not None and _may_have(after, label, MarkKind.LABELMAP)
        yield value, label["value"] if fits and label is not None else 0


def _fit_answer(
    before: Json, after: Json, answer: Json, lost: Counter[tuple[str, str, str, str]]
) -> Json | None:
    """The answer, or as much of it as fits; None if nothing does."""
    old, new = _question(before, answer["question"]), _question(after, answer["question"])
    if not new or _form(old) != _form(new):
        return None
    value = answer["value"]
    if value is None or not value_fault(new, value):
        return answer
    if new["type"] != "multichoice" or not isinstance(value, list):
        return None
    chosen = [one for one in value if not value_fault(new, [one])]
    if not chosen:
        return None
    for one in value:
        if one not in chosen:
            lost["option", answer["question"], new["text"], _label(old, one)] += 1
    return {**answer, "value": chosen}


def _look_fits(after: Json, content: Json, look: Json) -> bool:
    return not any(faults_of_looks(after, {**content, "looks": [look]}))


def _may_have(document: Json, label: Json, kind: str) -> bool:
    return kind in document.get("marks", []) and kind in label.get("marks", [kind])


def _class(document: Json, code: str) -> Json | None:
    return next((one for one in document.get("classes", []) if one["code"] == code), None)


def _code_of(document: Json, value: int) -> str:
    return next((one["code"] for one in document.get("classes", []) if one["value"] == value), "")


def _name(document: Json, code: str) -> str:
    found = _class(document, code)
    return found["name"] if found else code


def _question(document: Json, code: str) -> Json:
    return next((one for one in document.get("questions", []) if one["code"] == code), {})


def _form(question: Json) -> tuple[str, str]:
    return question.get("type", ""), question.get("level", "case")


def _said(document: Json, answer: Json) -> str:
    question, value = _question(document, answer["question"]), answer["value"]
    said = value if isinstance(value, list) else [value]
    return ", ".join(_label(question, one) for one in said)[:200]


def _label(question: Json, value: Any) -> str:
    options = {str(one["value"]): one["label"] for one in question.get("options", [])}
    return str(options.get(str(value), value))
