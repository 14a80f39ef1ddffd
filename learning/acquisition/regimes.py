"""Which function suits which regime, and which cannot rank what a recipe's networks say."""

from __future__ import annotations

from learning.acquisition.registry import ACQUISITIONS, Need

PARTS = "parts"
"""Several findings that do not exclude one another, points, a number: see the engine's table of tasks."""
FEW_PER_CLASS = 20
"""Labels per class below which herding, which also covers the pool, was ahead; then Falcun catches
up, which costs less and does not depend on the embeddings. See the guide for ML engineers."""
FIRST_PER_CLASS = 4
"""Labels per class below which a network's doubts say little."""


def objection(name: str, *, task: str, networks: int) -> str:
    """Why this function cannot rank what such networks say, in a sentence; '' if it can."""
    if name not in ACQUISITIONS:
        return (
            f"There is no acquisition function “{name}”; choose among {', '.join(ACQUISITIONS)}, or"
            " auto."
        )
    needs = ACQUISITIONS[name].needs
    if Need.MASKS in needs and task not in ("segmentation", PARTS):
        return (
            f"“{name}” ranks by doubts about parts of a case, which only a segmentation, several"
            " findings, points or a number have."
        )
    if Need.PROBABILITIES in needs and task in (PARTS, "detection"):
        return (
            f"“{name}” ranks by the probabilities of answers that exclude one another, which this"
            " task does not have."
        )
    if Need.BOXES in needs and task != "detection":
        return f"“{name}” ranks by predicted boxes, which only a detection has."
    if Need.NETWORKS in needs and networks < 2:
        return f"“{name}” needs the answers of at least two networks, or of passes with dropout."
    return ""


def choose(
    task: str,
    *,
    labelled: int,
    pool: int,
    networks: int,
    classes: int,
    embeddings: bool = False,
) -> tuple[str, str]:
    """The function that suits this regime, and the sentence that says why."""
    if networks == 0:
        return _cold(embeddings)
    if task == "segmentation":
        return _segmentation(labelled, classes)
    if task == "detection":
        return "box_doubt", (
            "Doubt of boxes: cases with findings that one network sees and the other does not, or"
            " that they place differently, each class in turn, however many boxes a case has."
        )
    classes = max(classes, 1)
    if labelled < FEW_PER_CLASS * classes and embeddings:
        return "herding", (
            f"Uncertainty herding: with {labelled} labels for {classes} classes a network's doubts"
            " are not enough, so cases are asked around which much of the pool lies that no label"
            " is near to, the doubtful ones first."
        )
    if labelled < FIRST_PER_CLASS * classes:
        return "random", (
            f"At random: with {labelled} labels for {classes} classes a network's doubts are noise."
        )
    if task == PARTS:
        return "part_doubt", (
            "Doubt of parts: cases with a finding, a point or a number that the networks are unsure"
            " of, each in turn."
        )
    return "falcun", (
        f"Falcun: of {pool} cases those that the networks are unsure of or contradict one another"
        " on, and that differ from those already picked."
    )


def _cold(embeddings: bool) -> tuple[str, str]:
    if embeddings:
        return "herding", (
            "Herding: no network has been trained yet, so none has doubts to go by; the batch is"
            " spread so that most of the pool lies near a case of it."
        )
    return "random", "At random: no network has been trained yet, so none has doubts to go by."


def _segmentation(labelled: int, classes: int) -> tuple[str, str]:
    if labelled < FIRST_PER_CLASS * classes:
        return "foreground_random", (
            f"Foreground-aware random: with {labelled} labels for {classes} structures the doubts"
            " of a mask say little yet, but where something may be is seen; two in three cases are"
            " drawn there, each structure in turn."
        )
    return "foreground_entropy", (
        "Foreground entropy: cases in which the networks are unsure where something is, each"
        " class in turn, whatever its size."
    )
