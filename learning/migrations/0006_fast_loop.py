"""The fast loop: re-rankings between rounds, how far it has come, and look-alikes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0009_hanging_protocols"),
        ("learning", "0005_triage"),
    ]

    operations = [
        migrations.AddField(
            model_name="ranking",
            name="applied_at",
            field=models.DateTimeField(help_text="when the slots had the new order", null=True),
        ),
        migrations.AddField(
            model_name="ranking",
            name="changed",
            field=models.PositiveIntegerField(
                help_text="of the next 100 cases, how many were not among them before", null=True
            ),
        ),
        migrations.AddField(
            model_name="ranking",
            name="fast",
            field=models.BooleanField(default=False, help_text="made between rounds, after a read"),
        ),
        migrations.AddField(
            model_name="ranking",
            name="read",
            field=models.ForeignKey(
                help_text="that caused it",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="annotation.read",
            ),
        ),
        migrations.AddField(
            model_name="ranking",
            name="reads",
            field=models.PositiveIntegerField(
                default=0, help_text="labels since the round's ranking"
            ),
        ),
        migrations.AddField(
            model_name="ranking",
            name="took_ms",
            field=models.PositiveIntegerField(
                help_text="from the labels to the priorities", null=True
            ),
        ),
        migrations.CreateModel(
            name="FastLoop",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "seq",
                    models.BigIntegerField(
                        default=0, help_text="of the project's ledger, looked at so far"
                    ),
                ),
                (
                    "note",
                    models.TextField(
                        blank=True, help_text="why the order stays as the round made it"
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "model",
                    models.ForeignKey(
                        help_text="whose embeddings are open",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="learning.trainedmodel",
                    ),
                ),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fast_loop",
                        to="annotation.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Lookalike",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("similarity", models.FloatField(help_text="cosine of the embeddings")),
                (
                    "first",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="annotation.case",
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lookalikes",
                        to="learning.trainedmodel",
                    ),
                ),
                (
                    "second",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="annotation.case",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("model", "first", "second"), name="lookalike_once"
                    )
                ],
            },
        ),
    ]
