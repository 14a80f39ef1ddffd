"""The database itself refuses to change or remove events, reads and what belongs to them.

The application never erases these rows. Whoever must (a legal order, a scratch database) sets
``consilium.allow_erase`` to ``on`` for the session or transaction, deliberately and by hand.
"""

from django.db import migrations

TABLES = (
    "annotation_event",
    "annotation_anchor",
    "annotation_read",
    "annotation_mark",
    "annotation_answer",
)

CREATE_FUNCTION = """
CREATE FUNCTION consilium_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('consilium.allow_erase', true) = 'on' THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        IF TG_OP = 'UPDATE' THEN RETURN NEW; END IF;
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
        HINT = 'Correct a read by a new one that supersedes it. Events stay as they are.';
END $$
"""

CREATE_TRIGGERS = """
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION consilium_append_only();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION consilium_append_only();
"""

DROP_TRIGGERS = """
DROP TRIGGER append_only_rows ON {table};
DROP TRIGGER append_only_table ON {table};
"""


class Migration(migrations.Migration):
    dependencies = [("annotation", "0001_initial")]

    operations = [
        migrations.RunSQL(CREATE_FUNCTION, "DROP FUNCTION consilium_append_only()"),
        *(
            migrations.RunSQL(
                CREATE_TRIGGERS.format(table=table), DROP_TRIGGERS.format(table=table)
            )
            for table in TABLES
        ),
    ]
