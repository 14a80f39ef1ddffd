"""Triage: policies, certificates, lanes, decisions, and the calibration scores that they rest on."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0009_hanging_protocols"),
        ("learning", "0004_evaluation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.DeleteModel(name="TriageDecision"),
        migrations.CreateModel(
            name="CalibrationScore",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "probabilities",
                    models.JSONField(help_text="{network: [p per class]}, as in Score"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DriftTest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("look", models.PositiveIntegerField(help_text="the n-th time")),
                ("name", models.CharField(max_length=16)),
                ("statistic", models.FloatField()),
                ("p", models.FloatField()),
                (
                    "adjusted",
                    models.FloatField(help_text="p beside the other tests of this look (Holm)"),
                ),
                ("level", models.FloatField(help_text="below it, drift")),
                ("before", models.PositiveIntegerField()),
                ("after", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="TriageCertificate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "scalings",
                    models.JSONField(help_text="{network: [slope, shift]}, from the fitting part"),
                ),
                ("fitted_on", models.PositiveIntegerField(help_text="cases of the fitting part")),
                ("expires_at", models.DateTimeField()),
                (
                    "filled_at",
                    models.DateTimeField(help_text="all of the pool has been decided", null=True),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_because", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="TriageLane",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="auto_negative or auto_positive", max_length=16),
                ),
                ("group", models.CharField(blank=True, max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("wanting", "Wanting"),
                            ("closed", "Closed"),
                            ("ended", "Ended"),
                        ],
                        max_length=8,
                    ),
                ),
                ("n", models.PositiveIntegerField(help_text="labelled cases, one of each patient")),
                ("positives", models.PositiveIntegerField()),
                ("level", models.FloatField()),
                ("confidence", models.FloatField(help_text="this group's part of the policy's")),
                ("threshold", models.FloatField(null=True)),
                ("accepted_share", models.FloatField()),
                ("errors", models.PositiveIntegerField()),
                ("trials", models.PositiveIntegerField()),
                ("bound", models.FloatField(help_text="upper limit of the error")),
                (
                    "steps",
                    models.JSONField(
                        help_text="[{threshold, accepted, trials, errors, bound, passed}]"
                    ),
                ),
                ("needs_cases", models.PositiveIntegerField(default=0)),
                ("needs_positives", models.PositiveIntegerField(default=0)),
                (
                    "can_open",
                    models.BooleanField(
                        default=True, help_text="False: no number of cases would do"
                    ),
                ),
                (
                    "tolerance",
                    models.FloatField(help_text="of errors among accepted cases", null=True),
                ),
                ("audit_rate", models.FloatField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "closed_for",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("audit", "Audit"),
                            ("drift", "Drift"),
                            ("lead", "Lead"),
                            ("expiry", "Expiry"),
                            ("replaced", "Replaced"),
                        ],
                        max_length=8,
                    ),
                ),
                ("closed_because", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="TriagePolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("is_on", models.BooleanField()),
                ("lanes", models.JSONField(help_text="auto_negative, auto_positive")),
                (
                    "miss_level",
                    models.FloatField(help_text="of all positives, accepted as negative at most"),
                ),
                (
                    "error_level",
                    models.FloatField(help_text="of those accepted as positive, negative at most"),
                ),
                ("confidence", models.FloatField()),
                (
                    "gap",
                    models.FloatField(
                        help_text="between the networks; a larger one goes to a reader"
                    ),
                ),
                (
                    "group_by",
                    models.CharField(
                        choices=[
                            ("none", "All cases together"),
                            ("site", "Each site"),
                            ("scanner", "Each scanner"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "least_audit",
                    models.FloatField(help_text="share of accepted cases read again, at least"),
                ),
                ("valid_days", models.PositiveIntegerField()),
                ("reason", models.TextField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AlterField(
            model_name="round",
            name="step",
            field=models.CharField(
                choices=[
                    ("freeze", "Freeze the snapshot"),
                    ("prepare", "Prepare the networks"),
                    ("train", "Train the networks"),
                    ("evaluate", "Evaluate on the hold-out"),
                    ("score", "Score the pool"),
                    ("triage", "Certify and triage"),
                    ("rank", "Rank the pool"),
                    ("promote", "Compare with the model in use"),
                ],
                default="freeze",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="calibrationscore",
            name="case",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, to="annotation.case"
            ),
        ),
        migrations.AddField(
            model_name="calibrationscore",
            name="model",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="calibration_scores",
                to="learning.trainedmodel",
            ),
        ),
        migrations.AddField(
            model_name="triagecertificate",
            name="model",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="certificates",
                to="learning.trainedmodel",
            ),
        ),
        migrations.AddField(
            model_name="triagecertificate",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="certificates",
                to="annotation.project",
            ),
        ),
        migrations.AddField(
            model_name="drifttest",
            name="certificate",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="drift_tests",
                to="learning.triagecertificate",
            ),
        ),
        migrations.AddField(
            model_name="triagelane",
            name="certificate",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="lanes",
                to="learning.triagecertificate",
            ),
        ),
        migrations.AddField(
            model_name="triagelane",
            name="closed_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="triagepolicy",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="triage_policies",
                to="annotation.project",
            ),
        ),
        migrations.AddField(
            model_name="triagepolicy",
            name="signed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="triagecertificate",
            name="policy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="certificates",
                to="learning.triagepolicy",
            ),
        ),
        migrations.AddConstraint(
            model_name="calibrationscore",
            constraint=models.UniqueConstraint(
                fields=("model", "case"), name="calibration_score_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="drifttest",
            constraint=models.UniqueConstraint(
                fields=("certificate", "look", "name"), name="drift_test_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="triagelane",
            constraint=models.UniqueConstraint(
                fields=("certificate", "name", "group"), name="triage_lane_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="triagepolicy",
            constraint=models.UniqueConstraint(
                fields=("project", "version"), name="triage_policy_version_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="triagecertificate",
            constraint=models.UniqueConstraint(fields=("model", "policy"), name="certificate_once"),
        ),
        migrations.AddConstraint(
            model_name="triagecertificate",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("project",),
                name="certificate_one_in_force",
            ),
        ),
        migrations.CreateModel(
            name="TriageDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("score", models.FloatField(help_text="mean of the networks")),
                ("gap", models.FloatField(help_text="between the networks")),
                ("label", models.CharField(max_length=200)),
                (
                    "audit",
                    models.BooleanField(
                        help_text="drawn to be read all the same; no reader is told"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("accepted", "Accepted"),
                            ("read", "Read"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="accepted",
                        max_length=10,
                    ),
                ),
                ("is_wrong", models.BooleanField(help_text="once it was read", null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="triage",
                        to="annotation.case",
                    ),
                ),
                (
                    "lane",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decisions",
                        to="learning.triagelane",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="triagedecision",
            index=models.Index(fields=["lane", "state", "audit"], name="triage_lane_state"),
        ),
        migrations.AddConstraint(
            model_name="triagedecision",
            constraint=models.UniqueConstraint(fields=("case", "lane"), name="triage_once"),
        ),
        migrations.AddConstraint(
            model_name="triagedecision",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "accepted")),
                fields=("case",),
                name="triage_accepted_once",
            ),
        ),
    ]
