import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("learning", "0002_tasks"),
    ]

    operations = [
        migrations.AddField(
            model_name="round",
            name="cold",
            field=models.BooleanField(
                default=False,
                help_text="too few labels: only embeds and ranks the pool, for the first reads",
            ),
        ),
        migrations.AddField(
            model_name="round",
            name="plan",
            field=models.JSONField(
                default=dict,
                help_text="what it settled: window, batch, spacing, where weights begin",
            ),
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
                    ("rank", "Rank the pool"),
                    ("promote", "Compare with the model in use"),
                ],
                default="freeze",
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="Pretraining",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("network", models.CharField(max_length=40)),
                (
                    "key",
                    models.CharField(
                        help_text="SHA-256 of all that decides what it sees", max_length=64
                    ),
                ),
                ("cases", models.PositiveIntegerField(help_text="of the pool when it began")),
                ("last_case", models.BigIntegerField(help_text="highest number among them")),
                (
                    "images",
                    models.PositiveIntegerField(default=0, help_text="learnt from in the end"),
                ),
                ("epoch", models.PositiveIntegerField(default=0, help_text="passes done")),
                ("epochs", models.PositiveIntegerField()),
                ("history", models.JSONField(default=list, help_text="the loss of each pass")),
                (
                    "checkpoint",
                    models.CharField(blank=True, help_text="SHA-256 of the file", max_length=64),
                ),
                (
                    "checkpoint_token",
                    models.BigIntegerField(default=0, help_text="lease that wrote it"),
                ),
                (
                    "weights_sha256",
                    models.CharField(blank=True, help_text="blank: not finished", max_length=64),
                ),
                ("code_sha256", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pretrainings",
                        to="annotation.project",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "network", "key"], name="pretraining_alike")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("weights_sha256", "")),
                        fields=("project", "network", "key"),
                        name="pretraining_one_at_a_time",
                    )
                ],
            },
        ),
    ]
