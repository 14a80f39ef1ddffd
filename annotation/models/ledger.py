"""The append-only ledger: one hash chain per project, heads anchored daily."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .projects import Project


class Event(models.Model):
    """One act. ``hash`` covers the canonical JSON of every other field and the previous hash.

    Without foreign keys in the database: checking them would lock the project's row for each act,
    and what an event names is guarded by its hash.
    """

    project = models.ForeignKey(
        Project, null=True, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    chain = models.CharField(max_length=60, help_text="'project:<id>' or 'system'")
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_constraint=False
    )
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    data = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "seq"], name="event_seq_once")]
        indexes = [models.Index(fields=["object_type", "object_id"], name="event_object")]


class ChainHead(models.Model):
    chain = models.CharField(max_length=60, primary_key=True)
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64)


class Anchor(models.Model):
    """All chain heads on one day, hashed together: a value to publish outside."""

    day = models.DateField(unique=True)
    heads = models.JSONField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
