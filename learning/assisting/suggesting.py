"""Suggestions for the cases that readers get next, made in the background by the model in use.

What is missing is asked of the data (``annotation.suggestions.wanting``), so a lost message, a killed
worker or a new model in use costs one tick. The web process imports this; torch comes with the work.
"""

from __future__ import annotations

import logging

from django.db.models import QuerySet

from annotation import suggestions
from annotation.errors import ImageStoreUnavailable, StorageFull
from annotation.models import Project, SuggestionMode
from learning import registry
from learning.alone import alone
from learning.engine.errors import EngineError

ACTOR = "make_suggestions"
LOCK = 0x53554747
logger = logging.getLogger(__name__)


def assisted() -> QuerySet[Project]:
    """Projects whose readers see suggestions."""
    live = Project.objects.filter(archived_at=None, blind_to_model=False)
    return live.exclude(suggestions=SuggestionMode.OFF)


def is_due(project: Project) -> bool:
    return registry.in_use(project) is not None and bool(suggestions.wanting(project))


def make_some(project_id: int) -> bool:
    """A few cases' suggestions; whether more may be due. One worker at a time for each project."""
    project = Project.objects.get(pk=project_id)
    with alone(LOCK, project_id) as mine:
        if not mine or not is_due(project):
            return False
        from learning import steps
        from learning.assisting import suggest

        steps.prepare_process()
        try:
            return suggest.some(project)
        except (ImageStoreUnavailable, StorageFull) as problem:
            logger.warning("Suggestions for %s have to wait: %s", project.slug, problem)
        except (EngineError, OSError) as problem:
            logger.error("The model in use of %s cannot suggest: %s", project.slug, problem)
        return False
