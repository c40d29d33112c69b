"""What Django and the drivers below it read; `test_django_settings` tries each cell."""

from __future__ import annotations

from framework_settings import JUDGED, MERGED, NONE, NOT_READ, OPEN, REFUSED, Row, Table

TABLE = Table(
    "Django",
    "Django 4.2 and 5.2, psycopg 3 and PyMySQL",
    '`"envconn_django"` is in `INSTALLED_APPS`: when it is ready, it judges what `DATABASES` finally says, and a '
    "process does not start if an entry may not be used; `manage.py check` judges it again. An entry is judged by the "
    "policy of the default database, as it is: nothing is raised, and a CA of the policy is not the driver's. An entry "
    "that `databases()` made may become as strong as it was, or local, and nothing weaker. "
    "`SILENCED_SYSTEM_CHECKS` does not change a verdict; waivers do.",
    (
        Row("`HOST`, `PORT`, `USER`, `PASSWORD`, `NAME` of an entry of ours", NONE, JUDGED),
        Row("`sslmode` and other TLS words in `OPTIONS`", NONE, JUDGED, note="another server's entry has its own"),
        Row("`host`, `hostaddr`, `dbname`, `passfile` in `OPTIONS`", NONE, JUDGED),
        Row("`service`, `conninfo`, `dsn`, `connection_factory` in `OPTIONS`", NONE, REFUSED),
        Row("`isolation_level`, `assume_role`, `application_name` and their like in `OPTIONS`", NONE, MERGED),
        Row("`pool` in `OPTIONS`", NONE, MERGED, note="Django 5.1 and newer"),
        Row("`conninfo`, `kwargs`, `connection_class` in `pool`", NONE, REFUSED),
        Row("`ENGINE`, derived from Django's (PostGIS, django-tenants, psqlextra)", NONE, JUDGED),
        Row("`ENGINE` of another kind", REFUSED, REFUSED, note="a waiver for its host, or `oracle://`, permits it"),
        Row("an entry of the project", JUDGED, JUDGED),
        Row("an entry of SQLite, in place of ours or beside it", MERGED, MERGED),
        Row("MySQL's `host`, `user`, `ssl`, `ssl_mode` in `OPTIONS`, which win", JUDGED, JUDGED),
        Row("MySQL's `read_default_file`, `read_default_group`", REFUSED, REFUSED),
        Row("`databases()`, called again", MERGED, MERGED),
        Row("`PGHOSTADDR`, `PGSSLMODE` and their like, for an entry of ours", NOT_READ, NOT_READ, NONE),
        Row("the same for an entry of the project", NOT_READ, NOT_READ, JUDGED),
        Row("`DJANGO_SETTINGS_MODULE`, `--settings`", NOT_READ, NOT_READ, JUDGED, JUDGED),
        Row("`dbshell`", NOT_READ, NOT_READ, NONE, MERGED, "psql is given all that decides, but `sslpassword`"),
        Row("`AppConfig.ready` of an application behind ours", NOT_READ, OPEN, note="`manage.py check` judges it"),
        Row("`connections[...].settings_dict`, changed while the process runs", NOT_READ, OPEN),
        Row(
            '`INSTALLED_APPS` without `"envconn_django"`',
            OPEN,
            OPEN,
            note="`databases()` is judged, and nothing after it",
        ),
    ),
)
