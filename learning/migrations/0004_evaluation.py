import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0009_hanging_protocols"),
        ("learning", "0002_tasks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Forecast",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("metric", models.CharField(max_length=40)),
                (
                    "labels",
                    models.PositiveIntegerField(help_text="of the active arm, when it was made"),
                ),
                ("batch", models.PositiveIntegerField()),
                ("gain", models.FloatField(help_text="of the metric, by the batch")),
                ("low", models.FloatField(help_text="of the 90 % interval")),
                ("high", models.FloatField()),
                (
                    "minutes",
                    models.FloatField(
                        help_text="the batch's price; null: not known yet", null=True
                    ),
                ),
                (
                    "draws",
                    models.JSONField(help_text="[[asymptote, gap at the first point, exponent]]"),
                ),
                (
                    "first",
                    models.PositiveIntegerField(help_text="labels of the first point of the curve"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="StopDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "choice",
                    models.CharField(choices=[("stop", "Stop"), ("go_on", "Go On")], max_length=8),
                ),
                ("reason", models.TextField()),
                ("conditions", models.JSONField(help_text="[{name, met, value, needed, missing}]")),
                ("decided_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="curvepoint",
            name="curve_point_once",
        ),
        migrations.RemoveConstraint(
            model_name="evaluation",
            name="evaluation_once",
        ),
        migrations.AddField(
            model_name="curvepoint",
            name="subgroup",
            field=models.CharField(blank=True, help_text="a class, or all", max_length=80),
        ),
        migrations.AddField(
            model_name="evaluation",
            name="grouping",
            field=models.CharField(
                blank=True,
                help_text="site, sex, age, view, scanner; empty: by class, or all",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="trainedmodel",
            name="operating_point",
            field=models.JSONField(
                default=dict, help_text="{threshold, note}: chosen on the calibration stream"
            ),
        ),
        migrations.AddField(
            model_name="trainedmodel",
            name="stop_answers",
            field=models.JSONField(
                default=dict, help_text="case of the stop set -> what the ensemble answers"
            ),
        ),
        migrations.AddConstraint(
            model_name="curvepoint",
            constraint=models.UniqueConstraint(
                fields=("round", "arm", "metric", "subgroup"), name="curve_point_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="evaluation",
            constraint=models.UniqueConstraint(
                fields=("model", "stream", "metric", "grouping", "subgroup"), name="evaluation_once"
            ),
        ),
        migrations.AddField(
            model_name="forecast",
            name="round",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="forecast",
                to="learning.round",
            ),
        ),
        migrations.AddField(
            model_name="stopdecision",
            name="decided_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="stopdecision",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="stop_decisions",
                to="annotation.project",
            ),
        ),
    ]
