"""What goes with a model's weights: the configuration to rebuild it and a card that says what it is."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from annotation.errors import NotFound
from annotation.models import Snapshot, Stream
from learning import artifacts, registry
from learning.measuring import card_page
from learning.models import Arm, Evaluation, TrainedModel

INTENDED_USE = (
    "Research use only. Not a medical device; not for diagnosis or for decisions about a patient."
)


def files(model: TrainedModel) -> list[tuple[str, Path]]:
    """Everything that goes with the model: name -> file, all there. Card and configuration are written
    anew. NotFound where weights are missing.
    """
    weights = registry.files(model)
    if missing := [name for name, path in weights if not path.exists()]:
        raise NotFound(
            f"The weights are not on this server any more ({', '.join(missing)}). Restore them into "
            "the artifacts folder from a backup, or train again."
        )
    folder = artifacts.card_dir(model.pk)
    artifacts.write(folder / "config.json", lambda file: file.write(config(model).encode()))
    written = card(model)
    artifacts.write(folder / "card.md", lambda file: file.write(written.encode()))
    page = card_page.page(written)
    artifacts.write(folder / "card.html", lambda file: file.write(page.encode()))
    return [*weights, *((name, folder / name) for name in ("config.json", "card.md", "card.html"))]


def files_of(snapshot: Snapshot) -> list[tuple[str, Path]]:
    """The ensembles that were trained on the same content, one folder for each round."""
    ensembles = TrainedModel.objects.filter(
        project=snapshot.project,
        round__snapshot__content_sha256=snapshot.content_sha256,
        arm=Arm.ALL,
        network=registry.ENSEMBLE,
    )
    return [
        (f"round-{model.round.number}/{name}", path)
        for model in ensembles.select_related("project", "round__snapshot", "round__recipe")
        for name, path in files(model)
    ]


def archive(model: TrainedModel) -> IO[bytes]:
    """A zip file of all that goes with the model, ready to be read."""
    found = files(model)
    archive = tempfile.TemporaryFile()  # noqa: SIM115 - the caller reads and closes it
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for name, path in found:
            target.write(path, name)
    archive.seek(0)
    return archive


def config(model: TrainedModel) -> str:
    """The recipe, the members with their hashes and temperatures, and what the model came from."""
    document = {
        **model.config,
        "network": model.network,
        "classes": model.config["recipe"]["classes"],
        "members": [
            {
                "network": member.network,
                "file": f"{member.network}.safetensors",
                "sha256": member.weights_sha256,
                "temperature": member.temperature,
            }
            for member in registry.members(model)
        ],
        "code_sha256": model.code_sha256,
        "lineage": lineage(model),
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def lineage(model: TrainedModel) -> dict[str, Any]:
    """The round, recipe and frozen labels that the model came from."""
    round_, snapshot = model.round, registry.snapshot_of(model.round)
    return {
        "project": model.project.slug,
        "round": {"id": round_.pk, "number": round_.number, "seed": round_.seed},
        "recipe": {"version": round_.recipe.version},
        "snapshot": {
            "id": snapshot.pk,
            "version": snapshot.version,
            "content_sha256": snapshot.content_sha256,
        },
    }


def card(model: TrainedModel) -> str:
    """The model card, in Markdown, from what the database knows."""
    lines = [
        f"# {_plain(model.project.title)}: {model.network} of round {model.round.number}",
        "",
        f"**{INTENDED_USE}**",
        "",
        *_what_it_is(model),
        *_data(model),
        *_results(model),
        *_subgroups(model),
        *_calibration(model),
        *_how_chosen(model),
        "## Limits",
        "",
        "Measured on patients of this project only. Other scanners, sites, populations or frequencies "
        "of findings can change every number above. Intervals tell the chance of the sample, not of a "
        "change of setting. A subgroup without a number has too few patients: nothing is known of it.",
        "",
        *_where_from(model),
    ]
    return "\n".join(lines) + "\n"


def _what_it_is(model: TrainedModel) -> Iterator[str]:
    recipe, environment = model.config["recipe"], model.config["environment"]
    learnt = f" of “{recipe['question']}”" if recipe.get("question") else ""
    size = " × ".join(map(str, recipe["input_size"]))
    yield "## Model"
    yield ""
    classes = f"; classes: {', '.join(recipe['classes'])}" if recipe["classes"] else ""
    yield f"- Task: {recipe['task']}{learnt}{classes}"
    yield f"- Networks: {', '.join(member.network for member in registry.members(model))}; input {size}"
    yield f"- Training: {recipe['epochs']} epochs, seed {model.round.seed}"
    for network, begun in model.config.get("starts", {}).items():
        yield f"- {network} started from {begun['of']} (SHA-256 `{begun['sha256']}`)"
    if model.config.get("plan"):
        yield f"- {model.config['plan']}"
    yield f"- Arm of labels: {Arm(model.arm).label.lower()}"
    yield f"- Weights: SHA-256 `{model.weights_sha256}`"
    yield f"- Training code: SHA-256 `{model.code_sha256}`; torch {environment['torch']}"
    yield f"- State: {model.get_state_display().lower()}. {model.state_reason}".rstrip()
    yield ""


def _data(model: TrainedModel) -> Iterator[str]:
    snapshot = registry.snapshot_of(model.round)
    counts = Counter(snapshot.items.values_list("stream", "split"))
    yield "## Data"
    yield ""
    yield f"Snapshot {snapshot.version} of “{model.project.title}”, SHA-256 `{snapshot.content_sha256}`."
    yield "Split by patient: no patient is in two parts."
    yield ""
    yield "| stream | split | cases |"
    yield "| --- | --- | --- |"
    for (stream, split), cases in sorted(counts.items()):
        yield f"| {Stream(stream).label} | {split} | {cases} |"
    yield ""


def _results(model: TrainedModel) -> Iterator[str]:
    yield "## Results on the hold-out"
    yield ""
    yield "95 % bootstrap intervals, drawn by patient."
    yield ""
    yield from _table(model.evaluations.filter(stream=Stream.HOLDOUT, grouping="").order_by("pk"))


def _subgroups(model: TrainedModel) -> Iterator[str]:
    yield "## Subgroups"
    yield ""
    rows = model.evaluations.filter(stream=Stream.HOLDOUT).exclude(grouping="").order_by("pk")
    if rows.exists():
        yield from _table(rows)
        return
    yield (
        "None: the hold-out's cases do not differ in site, sex, age band, view or scanner as far as "
        "their headers tell, or this is a single network (its ensemble has them)."
    )
    yield ""


def _calibration(model: TrainedModel) -> Iterator[str]:
    yield "## Calibration and operating point"
    yield ""
    for member in registry.members(model):
        yield f"- {member.network}: temperature {member.temperature:.3f}"
    if point := model.operating_point:
        yield f"- Called positive from {point['threshold']:.4f} on. {point['note']}"
    parts = model.evaluations.filter(metric="brier", subgroup="", grouping="").first()
    if parts is not None and "parts" in parts.detail:
        named = ", ".join(f"{name} {value:.4f}" for name, value in parts.detail["parts"].items())
        yield f"- Brier score, decomposed: {named}"
    yield "- Fitted on the calibration stream; nothing was fitted on the hold-out."
    yield ""


def _how_chosen(model: TrainedModel) -> Iterator[str]:
    rule = model.config["recipe"].get("promote", {"level": 0.8, "margin": 0.0})
    yield "## How a model comes into use"
    yield ""
    yield (
        f"The lower end of the {rule['level']:.0%} paired bootstrap interval of its gain on the hold-out "
        f"must lie above {rule['margin']:g}. A lead or an engineer may choose otherwise, with a reason."
    )
    yield ""


def _where_from(model: TrainedModel) -> Iterator[str]:
    found = lineage(model)
    yield "## Lineage"
    yield ""
    yield f"- Project: {found['project']}; round {found['round']['number']}, seed {found['round']['seed']}"
    yield f"- Recipe: version {found['recipe']['version']}"
    yield f"- Dataset: version {found['snapshot']['version']}, `{found['snapshot']['content_sha256']}`"
    for member in registry.members(model):
        yield f"- {member.network}: weights `{member.weights_sha256}`"


def _table(rows: Iterable[Evaluation]) -> Iterator[str]:
    yield "| metric | value | interval | patients | note |"
    yield "| --- | --- | --- | --- | --- |"
    for row in rows:
        yield _result(row)
    yield ""


def _plain(text: str) -> str:
    """What people named, so that it cannot break a table."""
    return text.replace("|", "/").replace("\n", " ")


def _result(row: Evaluation) -> str:
    group = f"{row.grouping} {row.subgroup}".strip()
    name = f"{row.metric} ({_plain(group)})" if group else row.metric
    value = "not computable" if row.value is None else f"{row.value:.3f}"
    known = row.low is not None and row.high is not None
    interval = f"{row.low:.3f} to {row.high:.3f}" if known else ""
    return f"| {name} | {value} | {interval} | {row.patients} | {row.note} |"
