"""What a person keeps of the reading list."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .projects import Project


class SavedFilters(models.Model):
    """The filters of one person in one project, in the order in which they were kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    filters = models.JSONField(default=list, help_text="[{name, query: {parameter: value}}, ...]")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "project"], name="saved_filters_once")
        ]
