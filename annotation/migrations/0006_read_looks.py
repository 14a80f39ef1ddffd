from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0005_suggestions"),
    ]

    operations = [
        migrations.AddField(
            model_name="read",
            name="looks",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="how the reader saw marks and segments; no label",
            ),
        ),
        migrations.AlterField(
            model_name="draft",
            name="content",
            field=models.JSONField(
                help_text="{answers: [...], marks: [...], looks: [...]}, as in a submission"
            ),
        ),
    ]
