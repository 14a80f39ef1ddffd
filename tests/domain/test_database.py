"""The database of the tests is a real PostgreSQL with vectors, and connections survive its loss."""

from __future__ import annotations

import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_embedded_database_has_vectors() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT '[1,2,3]'::vector <-> '[1,2,5]'::vector")
        assert cursor.fetchone() == (2.0,)


@pytest.mark.django_db
def test_every_table_of_both_apps_is_there() -> None:
    tables = connection.introspection.table_names()
    assert {"annotation_case", "annotation_slot", "learning_round"} <= set(tables)
