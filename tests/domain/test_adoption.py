"""An altered rule goes through what is stored in steps, and marks only what it matches."""

from __future__ import annotations

import builders
import pytest

from annotation import adoption
from annotation.models import Adoption, Series

pytestmark = pytest.mark.django_db


def test_only_series_that_match_are_looked_at_again_a_few_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adoption, "LOOKED_AT_ONCE", 2)
    kinds = ["CT", "MR", "CT", "MR", "CT"]
    made = [builders.series(attributes={"Modality": kind}) for kind in kinds]
    project = builders.project(intake_rule={"Modality": "CT"})
    adoption.begin(project)
    assert Series.objects.filter(stable=False).count() == 0
    assert adoption.advance() == 1
    assert list(Series.objects.filter(stable=False)) == [made[4]]
    assert adoption.advance() == 1
    assert adoption.advance() == 0, "two are waiting to be settled: enough for now"
    Series.objects.update(stable=True)
    assert adoption.advance() == 1
    assert not Adoption.objects.exists()


def test_a_rule_that_changes_meanwhile_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "LOOKED_AT_ONCE", 1)
    newest = [builders.series(attributes={"Modality": "CT"}) for _ in range(2)][-1]
    project = builders.project(intake_rule={"Modality": "MR"})
    adoption.begin(project)
    assert adoption.advance() == 0
    project.intake_rule = {"Modality": "CT"}
    project.save()
    adoption.begin(project)
    adoption.advance()
    assert Series.objects.get(stable=False) == newest
