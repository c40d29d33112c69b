"""What Celery, kombu and Celery's command read; `test_celery_settings` tries each cell but the open ones."""

from __future__ import annotations

from framework_settings import JUDGED, MERGED, NONE, OPEN, REFUSED, Row, Table

__all__ = ["TABLE"]

_TLS = "the server is verified as judged, whatever it says"

TABLE = Table(
    "Celery",
    "Celery 5.7, 5.6 and 5.4",
    "The settings are `app.conf.update(config())`. What is refused is refused when Celery connects: a process that "
    "does not connect says nothing. An application without `config()` in the same process is left alone, unless it "
    "connects to a judged endpoint. Verdicts are those of the process: of two `config()` for one host and port, the "
    "later one counts, and a waiver for all. Celery before 5.7 lets an object with a namespace win against `config()`, "
    "even if it is set before: the outcome is then the one of after. Celery 5.4 loads the program before its command "
    "sets `-b`, `CELERY_BROKER` and `--result-backend`: they are ignored or refused there.",
    (
        Row("`broker_url`; `CELERY_BROKER_URL`; `-b`", NONE, REFUSED, JUDGED, JUDGED),
        Row("`broker_read_url`; `CELERY_BROKER_READ_URL`", REFUSED, REFUSED, REFUSED, note="also for writing"),
        Row("`BROKER_URL`", environment=JUDGED),
        Row("`CELERY_BROKER`", environment=JUDGED),
        Row("several URLs, and `broker_failover_strategy`", NONE, REFUSED, REFUSED, note="each when its turn comes"),
        Row("`broker_use_ssl`", NONE, NONE, note=_TLS),
        Row("`ssl_cert_reqs=none` in the broker's URL", NONE, NONE, JUDGED, JUDGED, _TLS),
        Row("`broker_transport_options`: `visibility_timeout` and others", MERGED, MERGED),
        Row("`broker_transport_options`: `ssl`, `host` and others that decide, with AMQP", REFUSED, REFUSED),
        Row("`broker_transport`: the path of kombu's own class", NONE, NONE),
        Row(
            "`broker_url` of `sqs://` and other brokers",
            *(NONE, REFUSED, REFUSED, REFUSED),
            "`ENVCONN_BROKER_TLS_WAIVE=sqs://` leaves it to Celery, which reads it from `CELERY_BROKER_URL`",
        ),
        Row("`result_backend`; `CELERY_RESULT_BACKEND`; `--result-backend`", NONE, REFUSED, JUDGED, JUDGED),
        Row("`RESULT_BACKEND`", environment=JUDGED),
        Row("`result_backend` of `redis` or of Celery's own class, with `redis_host`", NONE, REFUSED, REFUSED, REFUSED),
        Row("`result_backend` of `db+postgresql://`", NONE, REFUSED, JUDGED, JUDGED),
        Row(
            "`result_backend` of `mongodb://` and other stores",
            *(NONE, REFUSED, REFUSED, REFUSED),
            "likewise `ENVCONN_RESULTS_TLS_WAIVE=mongodb://`, with `CELERY_RESULT_BACKEND`",
        ),
        Row("`result_backend` of `rpc://`, `disabled` and others without a server", NONE, MERGED, MERGED, MERGED),
        Row("`redis_backend_use_ssl`", NONE, NONE, note=_TLS),
        Row("`database_engine_options`: `pool_size` and others", MERGED, MERGED),
        Row("`database_engine_options`: `creator`, `connect_args` that decide", REFUSED, REFUSED),
        Row("`config_from_object()` after `config()`, where it drops all of it", after=REFUSED),
        Row("`CELERY_CONFIG_MODULE`; `--config`", environment=REFUSED, command_line=REFUSED, note="what it names"),
        Row(
            "a class of another package, by its path or as an object",
            OPEN,
            OPEN,
            REFUSED,
            REFUSED,
            note="open in `--result-backend` on Celery 5.4",
        ),
        Row(
            "an installed package that replaces one of Celery's (`celery.result_backends`)",
            OPEN,
            note="while it is installed",
        ),
        Row("another application: `CELERY_APP`; `--app`", environment=OPEN, command_line=OPEN),
        Row("`redbeat_redis_url`", OPEN, OPEN),
        Row(
            "Flower's page on the broker: a client of its own",
            *(OPEN, OPEN, OPEN, OPEN),
            "with AMQP, set `FLOWER_BROKER_API` to an https:// URL: Flower sends user and password unencrypted to port "
            "15672 otherwise, which the log warns of",
        ),
    ),
)
