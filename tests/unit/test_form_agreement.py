"""The browser's form and the server's mean the same, whatever schema is written and whatever is answered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from form_samples import forms
from hypothesis import HealthCheck, event, given, settings
from test_conditions import outcome, scene_of

from annotation.conditions import Form
from annotation.content import check_content, value_fault
from annotation.schema import validate_document

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"
Ask = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def front_end() -> Iterator[Ask]:
    """The front end's own modules, run by Node: a form in, what they make of it out."""
    node = shutil.which("node", path=os.environ.get("PATH"))
    if node is None or not (FRONTEND / "node_modules").exists():
        pytest.skip("Node and the front end's modules are not here: deploy/test brings them.")
    command = [node, "tests/reading-room/outcomes.mjs"]
    with subprocess.Popen(
        command, cwd=FRONTEND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        to, back = process.stdin, process.stdout
        assert back.readline() == "ready\n"

        def ask(form: dict[str, Any]) -> dict[str, Any]:
            to.write(json.dumps(form) + "\n")
            to.flush()
            said: dict[str, Any] = json.loads(back.readline())
            return said

        yield ask
        to.close()


def faulty(form: Form) -> list[list[str]]:
    return sorted(
        [code, place[level]]
        for code, question in form.questions.items()
        for level in [question.get("level", "case")]
        for place in form.places_of(question)
        if form.is_asked(code, place[level])
        and (code, place[level]) in form.answers
        and value_fault(question, form.answers[code, place[level]])
    )


@given(sample=forms())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_browser_and_server_agree(front_end: Ask, sample: dict[str, Any]) -> None:
    schema = sample["schema"]
    validate_document(schema)
    content = {"answers": sample["answers"], "marks": sample["marks"]}
    assert check_content(schema, content, complete=False) == []
    form = Form(schema, content, scene_of(sample["scene"]))
    server = outcome(schema, content, sample["scene"])
    said = front_end(sample)
    event(f"broken rules: {len(server['broken'])}")
    assert said["asked"] == server["asked"]
    assert said["missing"] == server["missing"]
    assert said["broken"] == server["broken"]
    assert said["faulty"] == faulty(form)


@given(sample=forms())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_the_browser_sends_is_what_the_server_takes(
    front_end: Ask, sample: dict[str, Any]
) -> None:
    """Where the browser sees nothing left, the answers that it counts are accepted, and only then."""
    said = front_end(sample)
    counting = {tuple(pair) for pair in said["counting"]}
    answers = [one for one in sample["answers"] if (one["question"], one["target"]) in counting]
    form = Form(sample["schema"], {"answers": answers, "marks": sample["marks"]},
                scene_of(sample["scene"]))  # fmt: skip
    blocked = said["missing"] or said["broken"] or said["faulty"]
    refused = [*form.missing(), *form.broken(), *faulty(form)]
    event("blocked" if blocked else "ready")
    assert bool(blocked) == bool(refused)
    for one in answers:
        assert form.is_asked(one["question"], one["target"])
