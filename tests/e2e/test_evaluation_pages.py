"""The pages of evaluation in a real browser: a model, two compared, the stop rule, doubtful labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from accessibility import barriers
from playwright.sync_api import Browser, Page, expect
from reading_room import Place, prepare

from deploy.stack import Stack

SEED = """
import numpy as np
from annotation.models import Case, Patient, Project, Reference, Series, Snapshot
from learning import recipes, registry
from learning.curve import forecasts
from learning.measuring import subgroups
from learning.engine import metrics
from learning.models import Arm, CurvePoint, Evaluation, Round, Score, TrainedModel

project = Project.objects.get(slug={slug!r})
recipe = recipes.store(project, {{
    "task": "classification", "question": "finding", "classes": ["no", "yes"],
    "networks": ["densenet", "vit"], "input_size": [32, 32], "batch": 20,
    "stop": {{"target": 0.9, "gain_per_hour": 0.01}},
}})
parsed = recipes.parsed(recipe)
rng = np.random.default_rng(0)

def case(stream, index):
    patient = Patient.objects.create(project=project, pseudonym=f"{{stream}}{{index}}", stream=stream)
    made = Case.objects.create(project=project, patient=patient, uid=f"1.9.{{stream}}.{{index}}",
        stream=stream, modality="DX", state="ready")
    shown = Series.objects.create(series_uid=made.uid, study_uid=made.uid, orthanc_id=made.uid[:44],
        modality="DX", stable=True, attributes={{"PatientSex": "FM"[index % 2],
        "AgeBand": ["18-39", "40-59", "60-79"][index // 27], "ViewPosition": ["PA", "AP"][index > 73],
        "Manufacturer": "Acme", "ManufacturerModelName": ["One", "Two"][index % 3 == 0]}})
    made.series.add(shown)
    label = "yes" if rng.random() < 0.4 else "no"
    reference = Reference.objects.create(case=made, version=1, method="single",
        answers={{"finding": label}}, certainty=1)
    return made.pk, reference.pk, str(patient.pk), int(label == "yes")

held = [case("holdout", index) for index in range(80)]
targets = np.array([each[3] for each in held])
patients = [each[2] for each in held]
ids = [each[0] for each in held]
groups = subgroups.members(ids, subgroups.of_cases(ids))

def model(round_, network, noise):
    yes = 1 / (1 + np.exp(-(3 * (targets - 0.5) + rng.normal(0, noise, len(targets)))))
    said = np.stack([1 - yes, yes], axis=1)
    row = TrainedModel.objects.create(project=project, round=round_, arm="all", network=network,
        weights_sha256="a" * 64, code_sha256="c" * 64,
        operating_point={{"threshold": 0.42, "note": "Set by the recipe."}},
        config={{"recipe": parsed.document(), "environment": {{"torch": "2"}}}})
    rows = [*metrics.classification(targets, said, patients, classes=["no", "yes"], seed=0,
        threshold=0.42), *subgroups.measure("auroc", metrics.by_name("auroc"), [targets, said],
        patients, groups, seed=0)]
    for one in rows:
        detail = dict(one.detail)
        if one.metric == "auroc" and not one.subgroup:
            detail["by_case"] = [{{"case": c, "reference": r, "values": v.tolist(),
                "truth": int(t)}} for (c, r, _, t), v in zip(held, said)]
        Evaluation.objects.create(model=row, stream="holdout", metric=one.metric,
            grouping=one.grouping, subgroup=one.subgroup, value=one.interval.value,
            low=one.interval.low, high=one.interval.high, patients=one.interval.patients,
            note=one.interval.note, detail=detail)
    return row

for number in range(1, 7):
    snapshot = Snapshot.objects.create(project=project, version=number, content_sha256="d" * 64,
        label_schema=project.label_schemas.latest("version"))
    round_ = Round.objects.create(project=project, number=number, recipe=recipe, seed=1,
        trigger="api", state="done", step="promote", progress=1, snapshot=snapshot)
    for arm, best in (("active", 0.96), ("control", 0.93)):
        value = best - 0.3 * number ** -0.7
        CurvePoint.objects.create(round=round_, arm=arm, labels=20 * number,
            reader_seconds=1200 * number, metric="auroc", value=value, low=value - 0.05,
            high=value + 0.04, patients=80)
    forecasts.make(round_, parsed)
    made = model(round_, "ensemble", 3.5 - 0.4 * number)
    if number in (5, 6):
        registry.use(made, user=None, reason=f"Better: round {{number}}.")

for index in range(40):
    pk, _, _, yes = case("pool", index)
    sure = 0.05 if index == 7 else 0.92
    chance = sure if yes else 1 - sure
    Score.objects.create(case_id=pk, model=made, uncertainty=0.1, disagreement=0.1,
        probabilities={{"ensemble": [1 - chance, chance]}})
    if index == 7:
        print(pk)
"""
SIGNED = """
from learning.models import StopDecision
print(*StopDecision.objects.values_list("choice", "reason", "decided_by__username"))
"""
WANTED = """
from annotation.models import Case
case = Case.objects.get(pk={case})
print(case.reads_wanted, *case.slots.values_list("purpose", flat=True))
"""


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    return prepare(live_stack.url, in_live_stack, slug="worth", people=2, cases=1)


@pytest.fixture(scope="module")
def doubted(place: Place, in_live_stack: Callable[[str], str]) -> int:
    """The case whose label is against all evidence, in a project that has had six rounds."""
    return int(in_live_stack(SEED.format(slug=place.slug)).split()[-1])


@pytest.fixture
def lead(browser: Browser, place: Place, doubted: int) -> Iterator[Page]:
    context = place.enter(browser, "worth-1")
    yield context.new_page()
    context.close()


def show(page: Page, place: Place, path: str) -> None:
    page.goto(f"{place.url}/p/{place.slug}{path}")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)


def test_a_model_says_for_whom_it_works_and_two_are_compared(lead: Page, place: Place) -> None:
    show(lead, place, "/models")
    expect(lead.get_by_text("takes over if the lower end of the 80% interval")).to_be_visible()
    lead.get_by_role("link", name=re.compile("Ensemble")).first.click()
    groups = lead.get_by_role("region", name="Subgroups")
    expect(groups.get_by_role("row", name=re.compile("Sex F"))).to_contain_text("40")
    few = groups.get_by_role("row", name=re.compile("View AP"))
    expect(few).to_contain_text("6 of at least 10 patients: too few to say.")
    expect(lead.get_by_text("Operating point: 0.420").first).to_be_visible()
    confusion = lead.get_by_role("region", name="Confusion matrix")
    shown = [int(cell) for cell in confusion.locator("strong").all_inner_texts()]
    assert sum(shown) == 80
    with lead.expect_download() as card:
        lead.get_by_role("link", name="Card (HTML)").click()
    written = Path(card.value.path()).read_text()
    assert "<h2>Subgroups</h2>" in written
    assert "6 of at least 10 patients" in written
    assert barriers(lead) == []

    show(lead, place, "/models")
    lead.get_by_role("link", name="Compare", exact=True).last.click()
    expect(lead.get_by_role("heading", name="Compare two models")).to_be_visible()
    whole = lead.get_by_role("region", name="All shared cases")
    main = whole.get_by_role("row", name=re.compile("^AUROC"))
    expect(main).to_contain_text("DeLong")
    forwards = main.locator("strong").inner_text()
    first, second = (lead.get_by_label(name).input_value() for name in ("First", "Second"))
    show(lead, place, f"/models/{second}/against/{first}")
    backwards = main.locator("strong").inner_text()
    assert float(forwards) == -float(backwards) != 0
    expect(lead.get_by_role("region", name="By subgroup")).to_contain_text("too few to say")
    assert barriers(lead) == []


def test_one_click_and_a_reason_go_back_to_the_model_before_and_forth_again(
    lead: Page, place: Place
) -> None:
    show(lead, place, "/models")
    used = lead.get_by_role("region", name="In use")
    for number in (5, 6):
        used.get_by_role("button", name="Go back to the model before").click()
        dialog = lead.get_by_role("dialog")
        dialog.get_by_label("Why").fill("It missed one.")
        dialog.get_by_role("button", name="Use this model").click()
        expect(used.get_by_role("link")).to_have_text(re.compile(f"round {number}"))


def test_each_condition_of_the_stop_rule_has_its_numbers_and_a_lead_signs(
    lead: Page, place: Place, in_live_stack: Callable[[str], str]
) -> None:
    show(lead, place, "/learning")
    rule = lead.get_by_role("region", name="Is it enough?")
    stable = rule.get_by_role("row", name=re.compile("last three models agree"))
    expect(stable).to_contain_text("Cannot be told yet")
    expect(stable).to_contain_text("at least 0.99")
    target = rule.get_by_role("row", name=re.compile("random cases"))
    expect(target).to_contain_text("at least 0.90")
    past = lead.get_by_role("region", name="Past forecasts")
    expect(past.get_by_role("row")).to_have_count(1 + 3)
    expect(past.get_by_role("row").nth(1)).to_contain_text("not measured yet")
    expect(past.get_by_role("row").nth(2)).to_contain_text("120")
    assert barriers(lead) == []

    rule.get_by_role("button", name="Sign: stop").click()
    dialog = lead.get_by_role("dialog")
    dialog.get_by_label("Why").fill("The readers leave.")
    dialog.get_by_role("button", name="Sign: stop").click()
    expect(dialog).to_contain_text("Not all three conditions hold.")
    dialog.get_by_label("I stop against the rule").check()
    dialog.get_by_role("button", name="Sign: stop").click()
    log = lead.get_by_role("region", name="Decisions")
    expect(log).to_contain_text("The readers leave.")
    assert in_live_stack(SIGNED).strip() == "('stop', 'The readers leave.', 'worth-1')"


def test_a_lead_asks_for_another_reading_of_a_doubtful_label(
    lead: Page, place: Place, doubted: int, in_live_stack: Callable[[str], str]
) -> None:
    show(lead, place, "/label-issues")
    row = lead.get_by_role("row", name=re.compile(rf"^{doubted}\b"))
    expect(row).to_contain_text("confidently another class")
    assert barriers(lead) == []
    row.get_by_role("button", name="Ask for a reading").click()
    dialog = lead.get_by_role("dialog")
    dialog.get_by_label("Why").fill("Against all evidence.")
    dialog.get_by_role("button", name="Ask for a reading").click()
    expect(lead.get_by_text(f"Another reading of case {doubted} is wanted.")).to_be_visible()
    assert in_live_stack(WANTED.format(case=doubted)).split() == ["1", "audit"]


def test_a_reader_sees_no_doubtful_labels(browser: Browser, place: Place, doubted: int) -> None:
    context = place.enter(browser, "worth-2")
    page = context.new_page()
    answer = page.request.get(f"{place.url}/api/projects/{place.slug}/label-issues")
    assert answer.status == 403
    page.goto(f"{place.url}/p/{place.slug}")
    expect(page.locator("h1")).to_be_visible()
    expect(page.get_by_role("link", name="Doubtful labels")).to_have_count(0)
    context.close()
