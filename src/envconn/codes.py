"""Every code of a message: its cause, its remedy, and an example if a single variable can show it.

`docs/codes.md` is generated from this table. Loading a configuration does not import it.
"""

from __future__ import annotations

from envconn.records import Record


class Code(Record):
    """One code. `example` is a line of a shell that causes it; `corrected` is the same line with the remedy applied.

    `cause` is empty if `envconn.probe.FAULTS` or `envconn.remote.api_errors.REMOTE_FAULTS` has it.
    """

    cause: str
    remedy: str = ""
    example: str = ""
    corrected: str = ""


SECTIONS: dict[str, dict[str, Code]] = {
    "Which variable": {
        "database-missing": Code(
            "No database is configured.",
            (
                "Set `SCALINGO_POSTGRESQL_URL`, `DATABASE_URL` or another name in docs/variables.md. While an image is "
                "built, `ENVCONN_PHASE=build` allows it."
            ),
            "DATABSE_URL=postgresql://app:secret@db.example.com/app",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "variable-conflict": Code(
            "Two variables, or a variable and what the platform has bound, mean different databases.",
            (
                "Remove all but one, or name the one to use in `ENVCONN_DATABASE_VARIABLE` "
                "(`ENVCONN_BROKER_VARIABLE`, `ENVCONN_RESULTS_VARIABLE`, `ENVCONN_CACHE_VARIABLE`)."
            ),
            (
                "DATABASE_URL=postgresql://app:secret@db.example.com/app "
                "POSTGRES_URL=postgresql://app:secret@db.example.com/app2"
            ),
            (
                "DATABASE_URL=postgresql://app:secret@db.example.com/app "
                "POSTGRES_URL=postgresql://app:secret@db.example.com/app2 ENVCONN_DATABASE_VARIABLE=DATABASE_URL"
            ),
        ),
        "chosen-variable-missing": Code(
            (
                "`ENVCONN_DATABASE_VARIABLE` (`ENVCONN_BROKER_VARIABLE`, `ENVCONN_RESULTS_VARIABLE`, "
                "`ENVCONN_CACHE_VARIABLE`) names neither a variable that is set nor a bound service."
            ),
            "Set it to the name of one, or unset it.",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_DATABASE_VARIABLE=MY_DB_URL",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_DATABASE_VARIABLE=DATABASE_URL",
        ),
        "envconn-variable-unknown": Code(
            "A variable that begins with `ENVCONN_` has a name that is nearly a known one, or that is about TLS or the "
            "login.",
            "Correct the name, or remove it.",
        ),
        "connection-altered": Code(
            "A program made a `Connection`, or changed one, and no connection string describes it.",
            "Pass the connection string to `envconn.parse` or `envconn.secure`.",
        ),
        "identity-unknown": Code(
            "`ENVCONN_AUTH` or `ENVCONN_AUTH_HOST` is invalid.",
            "Use one of the words in the message, or the hostname of an endpoint.",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_AUTH=aws",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_AUTH=password",
        ),
        "identity-unsupported": Code(
            "`ENVCONN_AUTH` does not support this kind of server.",
            "Use a password there, and set `ENVCONN_<SERVICE>_AUTH=password`.",
            "DATABASE_URL=mysql://app@db.example.com/app ENVCONN_AUTH=aws-iam",
            "DATABASE_URL=mysql://app:secret@db.example.com/app ENVCONN_AUTH=aws-iam ENVCONN_DATABASE_AUTH=password",
        ),
        "identity-conflict": Code(
            "`ENVCONN_AUTH` contradicts a password, several hosts, a demand, or what names the endpoint.",
            "Remove one of the two, as the message says.",
            "DATABASE_URL=postgresql://app:secret@db.abcdefghijkl.eu-west-1.rds.amazonaws.com/app ENVCONN_AUTH=aws-iam",
            "DATABASE_URL=postgresql://app@db.abcdefghijkl.eu-west-1.rds.amazonaws.com/app ENVCONN_AUTH=aws-iam",
        ),
        "identity-endpoint": Code(
            "The host is no endpoint that `ENVCONN_AUTH` makes tokens for, or its region is unknown.",
            "Set `ENVCONN_<SERVICE>_AUTH_HOST` to the endpoint's own name, and `_AUTH_REGION` to its region.",
            "DATABASE_URL=postgresql://app@localhost:5433/app ENVCONN_AUTH=aws-iam",
            "DATABASE_URL=postgresql://app@localhost:5433/app ENVCONN_AUTH=aws-iam "
            "ENVCONN_AUTH_HOST=db.abcdefghijkl.eu-west-1.rds.amazonaws.com",
        ),
        "identity-unverified": Code(
            "A token is sent to a verified server only, or to a proxy on this machine.",
            "Use `sslmode=verify-full`, or `rediss://` without `ssl_cert_reqs`, and name the CA.",
        ),
        "envconn-variable-ambiguous": Code(
            "A variable `ENVCONN_<SERVICE>_<WORD>` fits two services, whose names differ in punctuation only.",
            "Rename one of the two services.",
        ),
        "part-unknown": Code(
            "A variable beside the host of a database seems to be about TLS, but has a name that is not read.",
            "Use the name in the message, or leave the variable out with `ENVCONN_IGNORE`.",
            "DB_HOST=db.example.com DB_USER=app DB_NAME=app DB_SSL_CIPHERS=x",
            "DB_HOST=db.example.com DB_USER=app DB_NAME=app DB_SSL_CIPHERS=x ENVCONN_IGNORE=DB_SSL_CIPHERS",
        ),
        "port-foreign": Code(
            "The port is the one of another engine, and no variable states the engine.",
            "State the engine, or correct the port.",
            "DB_HOST=db.example.com DB_USER=app DB_NAME=app DB_PORT=1433",
            "DB_HOST=db.example.com DB_USER=app DB_NAME=app DB_PORT=1433 DB_ENGINE=postgresql",
        ),
        "ignore-invalid": Code(
            "`ENVCONN_IGNORE` has an entry that is not a name.",
            "Write names or patterns with `*` and `?`, separated by commas.",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_IGNORE='JDBC-URL'",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_IGNORE='JDBC_DATABASE_URL'",
        ),
        "ignore-refused": Code(
            "`ENVCONN_IGNORE` names a variable that libpq, Celery or envconn reads all the same.",
            "Unset this variable instead.",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app PGSSLMODE=require ENVCONN_IGNORE=PGSSLMODE",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app PGSSLMODE=require",
        ),
        "phase-unknown": Code(
            "`ENVCONN_PHASE` is not `build`.", "Write `build` while an image is built, or remove it."
        ),
        "endpoint-unknown": Code(
            "`ENVCONN_ENDPOINT` is not `direct`, `pooled` or `replica`.",
            "Write one of these, or remove it.",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_ENDPOINT=primary",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_ENDPOINT=direct",
        ),
        "service-duplicate": Code(
            "Two variables make services with the same name.",
            "Rename one of the two.",
            (
                "DATABASE_URL=postgresql://app:secret@db.example.com/app "
                "DATABASE_DATABASE_URL=postgresql://app:secret@db.example.com/app2"
            ),
            (
                "DATABASE_URL=postgresql://app:secret@db.example.com/app "
                "SECOND_DATABASE_URL=postgresql://app:secret@db.example.com/app2"
            ),
        ),
        "kind-unexpected": Code(
            "The variable holds a URL of another kind of service.",
            "Move it to the variable that the message names.",
            "DATABASE_URL=rediss://:secret@cache.example.com",
            "REDIS_URL=rediss://:secret@cache.example.com",
        ),
        "results-unsupported": Code(
            "Results of Celery would go to a backend whose TLS envconn cannot check, or that other settings name.",
            "Use one of the backends in the message, with its whole URL.",
            "CELERY_RESULT_BACKEND=redis",
            "CELERY_RESULT_BACKEND=rpc://",
        ),
        "reference-unresolved": Code(
            "The value, or a whole component of it, is a reference that another program should have replaced: "
            "`$(NAME)`, `${{ ... }}`, `@Microsoft.KeyVault(...)`, `op://...`, `ENC[...]` and their like.",
            "Let that program replace it, or write the value itself. A component that is meant literally has its first "
            "character percent-encoded.",
            "DATABASE_URL='postgresql://app:$(DB_PASSWORD)@db.example.com/app'",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "placeholder-unreplaced": Code(
            "The value, or a whole component of it, is a placeholder of a console or a manual, such as "
            "`[YOUR-PASSWORD]`, `<password>` or `********`; or the whole is an example (`user:password@host`).",
            "Put the real one in its place. One that is meant literally has its first character percent-encoded.",
            "DATABASE_URL='postgresql://app:[YOUR-PASSWORD]@db.example.com/app'",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "text-pasted": Code(
            "The value has more than the connection string, or is in the words of another program: a command, an "
            "assignment, `&amp;`, ADO.NET, StackExchange.Redis, base64.",
            "Keep only the connection string, as the message says.",
            "DATABASE_URL=\"psql 'postgresql://app:secret@db.example.com/app'\"",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "parameter-misplaced": Code(
            "A parameter such as `sslmode` follows a character that does not begin a parameter, so it would be a part "
            "of the value before it.",
            'Write "?" before the first parameter and "&" before each other one; in keywords and values, a space.',
            "DATABASE_URL='postgresql://app:secret@db.example.com/app;sslmode=verify-full'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=verify-full&sslrootcert=system'",
        ),
        "ca-inline": Code(
            "A certificate or a key stands where the path of a file is expected, as in `sslrootcert`.",
            "Move a CA to `DATABASE_CA_CERT` or `ENVCONN_TLS_CA`; write a client certificate and its key to files.",
            "DB_HOST=db.example.com DB_USER=app DB_NAME=app DB_SSL_CA='-----BEGIN CERTIFICATE-----'",
            "DB_HOST=db.example.com DB_USER=app DB_NAME=app DATABASE_CA_CERT=system",
        ),
        "alias-missing": Code(
            "The value is `$NAME` or `${NAME}`, but no variable of that name is set.",
            "Set this variable, or write the value itself.",
            "DATABASE_URL='$MY_DB_URL'",
            "DATABASE_URL='$MY_DB_URL' MY_DB_URL=postgresql://app:secret@db.example.com/app",
        ),
        "alias-cycle": Code(
            "The aliases refer back to each other.",
            "Write the value itself into the last variable.",
            "DATABASE_URL='$MY_DB_URL' MY_DB_URL='$DATABASE_URL'",
            "DATABASE_URL='$MY_DB_URL' MY_DB_URL=postgresql://app:secret@db.example.com/app",
        ),
        "file-conflict": Code("`NAME` and `NAME_FILE` hold different values.", "Keep one of the two."),
        "file-missing": Code(
            "The file does not exist.",
            "Mount it, or correct the path.",
            "DATABASE_URL_FILE=/nowhere",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "file-unreadable": Code("The file is not readable by this user.", "Change its owner or mode."),
        "files-exhausted": Code(
            "The process, or the machine, has as many open files as it may have.",
            "Close connections and files that are not used, or raise the limit: `ulimit -n`, systemd's `LimitNOFILE=`.",
        ),
        "file-directory": Code("The path names a directory.", "Name the file in it."),
        "file-special": Code("The path names a pipe or a device.", "Name a regular file."),
        "file-empty": Code("The file is empty.", "Write the value into it."),
        "file-too-large": Code("The file is larger than one value can be.", "Name a file with this value only."),
        "file-binary": Code("The file is not UTF-8 text.", "Write the value as plain text."),
        "file-is-url": Code(
            "`NAME_FILE` holds a URL instead of a path.",
            "Write the URL into `NAME`, or the path of a file into `NAME_FILE`.",
            "DATABASE_URL_FILE=postgresql://app:secret@db.example.com/app",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "file-ambiguous": Code(
            "Two files of a secret directory differ in the case of their names, and in content.", "Remove one."
        ),
        "directory-missing": Code(
            "The directory that the variable names does not exist.", "Mount it, or unset the variable."
        ),
        "directory-unreadable": Code("The directory is not readable by this user.", "Change its owner or mode."),
        "binding-ambiguous": Code(
            "Several bound services could be the one, and no variable names it.",
            (
                "Write the name of one into `ENVCONN_DATABASE_VARIABLE` (`ENVCONN_BROKER_VARIABLE`, "
                "`ENVCONN_CACHE_VARIABLE`)."
            ),
        ),
        "dotenv-syntax": Code(
            "A line of the `.env` file is not an assignment, or has a quote that is not closed.",
            "Write `NAME='value'`.",
        ),
    },
    "The text": {
        "text-empty": Code("The value is empty.", "Write a URI, or remove the variable."),
        "text-quoted": Code(
            "The value has quotation marks around it.",
            "Remove the quotation marks.",
            "DATABASE_URL=\"'postgresql://app:secret@db.example.com/app'\"",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "text-too-long": Code("The value is longer than any connection string.", "Set it to one connection string."),
        "text-nul": Code(
            "There is a NUL, as a byte or as `%00`.",
            "Remove it.",
            "DATABASE_URL=postgresql://app:secret%00@db.example.com/app",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "text-not-utf8": Code(
            "The text, or what its percent escapes stand for, is not UTF-8.",
            "Encode the bytes of UTF-8.",
            "DATABASE_URL=postgresql://app:caf%E9@db.example.com/app",
            "DATABASE_URL=postgresql://app:caf%C3%A9@db.example.com/app",
        ),
        "control-character": Code(
            "There is a line break or another control character.",
            "Remove it.",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app%0A",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "percent-unencoded": Code(
            "A `%` is not followed by two hexadecimal digits.",
            "Write `%25`.",
            "DATABASE_URL=postgresql://app:100%@db.example.com/app",
            "DATABASE_URL=postgresql://app:100%25@db.example.com/app",
        ),
        "at-unencoded": Code(
            "There is a second `@`.",
            "Write `%40` for every one but the last.",
            "DATABASE_URL=postgresql://app:p@ss@db.example.com/app",
            "DATABASE_URL=postgresql://app:p%40ss@db.example.com/app",
        ),
        "slash-unencoded": Code(
            "There is a raw `/` in user, password or virtual host.",
            "Write `%2F`.",
            "DATABASE_URL=postgresql://app:a/b@db.example.com/app",
            "DATABASE_URL=postgresql://app:a%2Fb@db.example.com/app",
        ),
        "question-unencoded": Code(
            "There is a raw `?` in user or password.",
            "Write `%3F`.",
            "DATABASE_URL='postgresql://app:a?b@db.example.com/app'",
            "DATABASE_URL=postgresql://app:a%3Fb@db.example.com/app",
        ),
        "hash-unencoded": Code(
            "There is a raw `#`.",
            "Write `%23`.",
            "DATABASE_URL='postgresql://app:a#b@db.example.com/app'",
            "DATABASE_URL=postgresql://app:a%23b@db.example.com/app",
        ),
        "space-unencoded": Code(
            "There is white space.",
            "Write `%20`, or remove it.",
            "DATABASE_URL='postgresql://app:a b@db.example.com/app'",
            "DATABASE_URL=postgresql://app:a%20b@db.example.com/app",
        ),
        "bracket-unencoded": Code(
            "There is a raw `[` or `]` in user or password.",
            "Write `%5B` or `%5D`.",
            "REDIS_URL='rediss://:a[b@cache.example.com'",
            "REDIS_URL=rediss://:a%5Bb@cache.example.com",
        ),
        "semicolon-unencoded": Code(
            "There is a raw `;`, at which Celery would split.",
            "Write `%3B`.",
            "CELERY_BROKER_URL='rediss://:a;b@mq.example.com'",
            "CELERY_BROKER_URL=rediss://:a%3Bb@mq.example.com",
        ),
        "plus-unencoded": Code(
            "There is a raw `+` in a parameter, which is a plus to some programs and a space to others.",
            "Write `%2B` or `%20`.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?options=-c+statement_timeout%3D5s'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?options=-c%20statement_timeout%3D5s'",
        ),
        "character-unencoded": Code(
            "A character turns into a delimiter when it is normalised.",
            "Percent-encode it.",
            "REDIS_URL=rediss://:a℀b@cache.example.com",
            "REDIS_URL=rediss://:a%E2%84%80b@cache.example.com",
        ),
        "scheme-missing": Code(
            "The value has no scheme.",
            "Begin with `postgresql://`, or as the message says.",
            "DATABASE_URL=db.example.com/app",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "scheme-unknown": Code(
            "The scheme is not supported.",
            "Correct it as the message says.",
            "DATABASE_URL=postgress://app:secret@db.example.com/app",
            "DATABASE_URL=postgres://app:secret@db.example.com/app",
        ),
        "scheme-unsupported": Code(
            "The scheme is that of a database that is not supported.",
            "Use one that is.",
            "DATABASE_URL=mongodb://app:secret@db.example.com/app",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "scheme-slashes": Code(
            "The scheme is not followed by `//`.",
            "Write `scheme://user:password@host/name`.",
            "DATABASE_URL=postgresql:app:secret@db.example.com/app",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "scheme-case": Code(
            "The scheme has capital letters.",
            "Write it in lower case.",
            "DATABASE_URL=POSTGRESQL://app:secret@db.example.com/app",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
    },
    "Parts, and JSON of them": {
        "json-invalid": Code(
            "The JSON is broken, or not of the shape that it must have.", "Correct it as the message says."
        ),
        "json-duplicate": Code("An object has the same key twice. Programs differ in which one they use.", "Keep one."),
        "json-too-large": Code(
            "The JSON is larger than any platform writes it.", "Look whether it is the right file or variable."
        ),
        "base64-invalid": Code("The variable is not base64 of UTF-8 text.", "Leave it as the platform writes it."),
        "part-invalid": Code("A part is a number, a list or an object.", "Write it as a text, in quotes."),
        "parts-contradict": Code(
            "The URI and the parts next to it contradict each other.", "Correct one of the two, or remove it."
        ),
    },
    "User, host and database": {
        "user-missing": Code(
            "There is no user, and libpq's default does not apply to a server on another machine.",
            "Write `user:password@` before the host, or set `PGUSER`.",
            "DATABASE_URL=postgresql://db.example.com/app",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "password-missing": Code(
            "There is a user without a password, which Redis and AMQP read differently.",
            "Write `user:password@`, or `:password@` for Redis without a user.",
            "AMQP_URL=amqps://app@mq.example.com",
            "AMQP_URL=amqps://app:secret@mq.example.com",
        ),
        "dbname-missing": Code(
            "There is no database name.",
            "Write `/name` after the host.",
            "DATABASE_URL=mysql://app:secret@db.example.com",
            "DATABASE_URL=mysql://app:secret@db.example.com/app",
        ),
        "dbname-invalid": Code(
            "The database name is not valid for the server.",
            "Correct it as the message says.",
            "REDIS_URL=rediss://:secret@cache.example.com/app",
            "REDIS_URL=rediss://:secret@cache.example.com/0",
        ),
        "dbname-too-long": Code("The name is longer than the server's limit.", "Shorten it."),
        "dbname-contradicts": Code(
            "Path and `?db=` name different databases.",
            "Keep one of the two.",
            "REDIS_URL='rediss://:secret@cache.example.com/1?db=2'",
            "REDIS_URL=rediss://:secret@cache.example.com/1",
        ),
        "host-missing": Code(
            "There is no host.",
            "Write one, or `?host=/directory` for a socket.",
            "DATABASE_URL=mysql://app:secret@/app",
            "DATABASE_URL=mysql://app:secret@db.example.com/app",
        ),
        "host-empty": Code(
            "The list of hosts has an empty entry.",
            "Remove the comma too many.",
            "DATABASE_URL=postgresql://app:secret@a.example.com,,b.example.com/app",
            "DATABASE_URL=postgresql://app:secret@a.example.com,b.example.com/app",
        ),
        "host-invalid": Code(
            "The host is a URL, or neither a name nor an address nor a socket directory.",
            "Correct it, and percent-encode the password.",
            "DATABASE_URL='postgresql://app:secret@db!example.com/app'",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "host-not-ascii": Code(
            "The host has other characters than ASCII.",
            "Write its `xn--` form.",
            "DATABASE_URL=postgresql://app:secret@bücher.example.com/app",
            "DATABASE_URL=postgresql://app:secret@xn--bcher-kva.example.com/app",
        ),
        "host-brackets": Code(
            "Brackets are not closed, or hold no IPv6 address.",
            "Write `[::1]:5432`.",
            "DATABASE_URL='postgresql://app:secret@[2001:db8::1/app'",
            "DATABASE_URL='postgresql://app:secret@[2001:db8::1]/app'",
        ),
        "host-refused": Code(
            "A file has no host.",
            "Write `sqlite:///name` or `sqlite:////path`.",
            "DATABASE_URL=sqlite://data/site.db",
            "DATABASE_URL=sqlite:///data/site.db",
        ),
        "hosts-several": Code(
            "There are several hosts, but only one is supported, as for a Redis Cluster.",
            "Name the primary alone, or the sentinels of a Redis.",
            "REDIS_URL=rediss://:secret@a.example.com,b.example.com",
            "REDIS_URL=rediss://:secret@a.example.com",
        ),
        "hosts-mixed": Code(
            "A list contains both a unix socket and a network host.",
            "Use one variable for each.",
            "DATABASE_URL=postgresql://app:secret@db.example.com,%2Frun/app",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "hostaddr-alone": Code(
            "`hostaddr` has no `host` next to it, so no name can be verified.",
            "Add `host`, or write the address as `host` instead.",
            "DATABASE_URL='postgresql://app:secret@/app?hostaddr=192.0.2.1'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?hostaddr=192.0.2.1'",
        ),
        "hostaddr-count": Code(
            "There are not as many addresses as hosts.",
            "Write one for each.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?hostaddr=192.0.2.1,192.0.2.2'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?hostaddr=192.0.2.1'",
        ),
        "hostaddr-invalid": Code(
            "`hostaddr` is not an IP address.",
            "Write digits there, and names in `host`.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?hostaddr=db.example.com'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?hostaddr=192.0.2.1'",
        ),
        "hostaddr-socket": Code("`hostaddr` is given together with a socket directory.", "Keep one of the two."),
        "port-invalid": Code(
            "The port is not a number.",
            "Write digits, and `%3A` for a `:` in a password.",
            "DATABASE_URL=postgresql://app:secret@db.example.com:x/app",
            "DATABASE_URL=postgresql://app:secret@db.example.com:5432/app",
        ),
        "port-range": Code(
            "The port is out of range.",
            "Write 1 to 65535.",
            "DATABASE_URL=postgresql://app:secret@db.example.com:65536/app",
            "DATABASE_URL=postgresql://app:secret@db.example.com:5432/app",
        ),
        "port-count": Code(
            "There are not as many ports as hosts.",
            "Write one for all, or one for each.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?port=1,2'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?port=5432'",
        ),
        "path-invalid": Code("The path of the file cannot be one.", "Correct it as the message says."),
        "socket-host": Code("A socket is given together with a host.", "Remove the host, or write `localhost`."),
        "socket-path": Code(
            "The path of the socket is missing, not absolute, or where other readers expect a name.",
            "Begin it with a slash, and write it as the message says.",
            "DATABASE_URL=postgres://app:secret@//cloudsql/project:region:instance/app",
            "DATABASE_URL='postgresql://app:secret@/app?host=/cloudsql/project:region:instance'",
        ),
        "broker-list": Code(
            "The URLs in a list of AMQP brokers differ in more than their hosts.",
            "Write the same scheme, user, password, virtual host and parameters in each.",
            "CELERY_BROKER_URL='amqps://app:secret@a.example.com;amqps://app:other@b.example.com'",
            "CELERY_BROKER_URL='amqps://app:secret@a.example.com;amqps://app:secret@b.example.com'",
        ),
        "sentinel-list": Code(
            "The members of a list of sentinels contradict each other, or are separated by a comma.",
            "State it in the first one only, and separate them as the message says.",
        ),
        "sentinel-master": Code(
            "The master's name is missing, invalid, or given twice.",
            "Write `rediss+sentinel://h1,h2/name`, `?master_name=name`, or set `ENVCONN_SENTINEL_MASTER`.",
            "REDIS_URL=rediss+sentinel://a.example.com,b.example.com",
            "REDIS_URL=rediss+sentinel://a.example.com,b.example.com/mymaster",
        ),
        "sni-refused": Code(
            "`server_name_indication` asks for another name than the host's.",
            "Remove it, or connect to that name.",
            "AMQP_URL='amqps://app:secret@mq.example.com?server_name_indication=x'",
            "AMQP_URL=amqps://app:secret@mq.example.com",
        ),
    },
    "Parameters": {
        "parameter-syntax": Code(
            "A parameter is not `name=value`.",
            "Write it so, and `%26` for a `&` in a value.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=require'",
        ),
        "parameter-unknown": Code(
            "The parameter is not supported.",
            "Correct its name, or remove it.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmod=require'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=require'",
        ),
        "parameter-duplicate": Code(
            "A parameter is there twice, or two parameters for the same differ.",
            "Keep one.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=require&sslmode=require'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=require'",
        ),
        "parameter-refused": Code(
            "The parameter is refused, because its effect cannot be checked.",
            "Do as the message says.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?service=app'",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "value-empty": Code(
            "The value of the parameter is empty.",
            "Write one, or remove the parameter.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode='",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=require'",
        ),
        "value-unknown": Code(
            "The value is not valid for the parameter.",
            "Write one of the words in the message.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?target_session_attrs=primry'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?target_session_attrs=primary'",
        ),
        "value-refused": Code(
            "The value would weaken the connection.",
            "Write the one in the message.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslcompression=1'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslcompression=0'",
        ),
        "value-ambiguous": Code(
            "A value is empty, or continues after a space. Programs read it differently.", "Quote the value."
        ),
        "number-invalid": Code(
            "The value is not a whole number in range.",
            "Write digits.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?connect_timeout=5s'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?connect_timeout=5'",
        ),
        "sslmode-unknown": Code(
            "The TLS mode is not a word of the client.",
            "Write `require`, or better `verify-full`.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=requier'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=require'",
        ),
        "ssl-unknown": Code(
            "The value of `ssl` is neither a flag (`true`, `1`, `false`, `0`) nor a word of `sslmode`.",
            "Write `sslmode=require`, or better `verify-full`.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?ssl=on'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=require'",
        ),
        "tls-version-weak": Code(
            "A TLS version below 1.2 is allowed.",
            "Write `TLSv1.2` or `TLSv1.3`, or leave it out.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?ssl_min_protocol_version=TLSv1'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?ssl_min_protocol_version=TLSv1.2'",
        ),
        "tls-version-range": Code(
            "The lowest TLS version is above the highest.",
            "Remove one of the two.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?ssl_min_protocol_version=TLSv1.3'",
        ),
    },
    "TLS": {
        "tls-disabled": Code(
            "TLS is turned off towards a host that is neither local nor waived.",
            "Ask for TLS as the message says, or waive the host in `ENVCONN_TLS_WAIVE`.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=disable'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=require'",
        ),
        "tls-contradicts": Code(
            "One parameter demands what another one forbids.",
            "Keep one of the two.",
            "REDIS_URL='rediss://:secret@cache.example.com?ssl_cert_reqs=none&ssl_check_hostname=true'",
            "REDIS_URL='rediss://:secret@cache.example.com?ssl_check_hostname=true'",
        ),
        "tls-scheme": Code(
            "A URI has TLS parameters, but its scheme means no TLS.",
            "Write `rediss://` or `amqps://`, or remove them.",
            "REDIS_URL='redis://:secret@cache.example.com?ssl_cert_reqs=required'",
            "REDIS_URL='rediss://:secret@cache.example.com?ssl_cert_reqs=required'",
        ),
        "sslmode-contradicts": Code(
            "`sslmode=disable` is given together with `sslrootcert=system`, or beside `PGSSLROOTCERT=system`.",
            "Write `sslmode=verify-full`, or unset the variable.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=disable&sslrootcert=system'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=verify-full&sslrootcert=system'",
        ),
        "direct-needs-tls": Code(
            "`sslnegotiation=direct` is given without TLS.",
            "Write `sslmode=require` or stronger.",
            "DATABASE_URL='postgresql://app:secret@localhost/app?sslnegotiation=direct'",
            "DATABASE_URL='postgresql://app:secret@localhost/app?sslnegotiation=direct&sslmode=require'",
        ),
        "socket-enforced": Code(
            "A unix socket cannot use TLS, and `ENVCONN_TLS_LOCAL=enforce` demands it.",
            "Name a TCP host, or set it to `allow`.",
            "DATABASE_URL='postgresql://app@/app?host=/run' ENVCONN_TLS_LOCAL=enforce",
            "DATABASE_URL='postgresql://app@/app?host=/run' ENVCONN_TLS_LOCAL=allow",
        ),
        "sslkey-missing": Code(
            "Client certificate and key are not both there.",
            "Name both files, or neither.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslcert=/etc/hostname'",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "tls-file-missing": Code(
            "Client certificate, key or revocation list cannot be read.",
            "Mount the file, or correct the path.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslcrl=/nowhere&sslmode=verify-full&sslrootcert=system'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=verify-full&sslrootcert=system'",
        ),
        "tls-file-broken": Code(
            "Client certificate and key cannot be used: one is not PEM, the two do not match, or a password is "
            "wrong or missing.",
            "Name the certificate and the key that belong together, and the key's password if it is encrypted.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslcert=/etc/hostname&sslkey=/etc/hostname'",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "openssl-weak": Code(
            "`OPENSSL_CONF` allows NULL ciphers or security level 0, or it cannot be checked whether it does.",
            "Remove them from `CipherString` in that file, or what the message says cannot be checked.",
        ),
        "pg-service": Code(
            "`PGSERVICE` makes libpq read values from a file, and fail without it. `envconn exec --export pg` removes "
            "it.",
            "Unset it, and write the values into the connection string.",
        ),
        "password-redirected": Code(
            "A password or a token of the process would be sent to a host that only an env file names.",
            "Set the host where the password, or `ENVCONN_AUTH`, is set, or that where the host is.",
        ),
        "pg-variable-invalid": Code(
            "libpq would not connect because of the value of one of its variables.", "Correct it, or unset it."
        ),
        "crl-contradicts": Code(
            "`PGSSLCRL` and `sslcrldir` of the connection are both given.", "Name both in the connection."
        ),
        "crl-without-ca": Code(
            "A revocation list has no effect without a CA.",
            "Add `sslrootcert`, or remove `sslcrl` and `sslcrldir`.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslcrl=/etc/hostname'",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app",
        ),
        "crl-broken": Code(
            "The file or directory contains no readable revocation list.",
            "Write PEM, with its BEGIN and END lines. Run `openssl rehash` on a directory.",
        ),
        "ca-missing": Code(
            "Verification is requested, but there is no CA, or its file does not exist.",
            "Name one with `sslrootcert`, `DATABASE_CA_CERT` or `ENVCONN_TLS_CA`. Use `system` for a public one.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=verify-full'",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=verify-full&sslrootcert=system'",
        ),
        "ca-private": Code("The provider's CA is not among the system's.", "Get its certificate as the message says."),
        "ca-broken": Code("It contains no readable certificate.", "Write PEM, with its BEGIN and END lines."),
        "ca-unreadable": Code("The CA's file is not readable by this user.", "Change its owner or mode."),
        "ca-directory": Code("The CA's path names a directory.", "Name the file in it."),
        "ca-special": Code("The CA's path names a pipe or a device.", "Name a regular file."),
        "ca-too-large": Code("The CA's file is larger than any bundle.", "Name the right file."),
        "ca-binary": Code("The CA's file is not text.", "Write PEM."),
        "ca-unwritable": Code(
            "A CA that came as text cannot be put into a file, which drivers require.",
            "Set `TMPDIR` to a writable directory, or name a file.",
        ),
    },
    "Provider and policy": {
        "provider-unknown": Code(
            "`ENVCONN_PROVIDER` names no known provider.",
            "Write a name from [providers.md](providers.md).",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_PROVIDER=scaling",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_PROVIDER=scalingo",
        ),
        "pooler-unknown": Code(
            "`ENVCONN_POOL_MODE` is not a known word.",
            "Write `transaction`, `session` or `none`.",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_POOL_MODE=yes",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_POOL_MODE=transaction",
        ),
        "policy-unknown": Code(
            "`ENVCONN_TLS`, `ENVCONN_TLS_LOCAL` or `PGSSLMODE` is not a known word.",
            "Write one of the words in the message.",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_TLS=full",
            "DATABASE_URL=postgresql://app:secret@db.example.com/app ENVCONN_TLS=require",
        ),
        "waiver-malformed": Code(
            "An entry of `ENVCONN_TLS_WAIVE` is not a host pattern, CIDR block or scheme, or can never match.",
            "Write it like `*.internal`, `10.1.0.0/16` or `sqs://`.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=disable' ENVCONN_TLS_WAIVE=10.1.0.0/99",
            (
                "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=disable' "
                "ENVCONN_TLS_WAIVE=db.example.com"
            ),
        ),
        "waiver-too-wide": Code(
            "An entry of `ENVCONN_TLS_WAIVE` covers every host, or every service of a scheme that envconn judges.",
            "Name the hosts or the network.",
            "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=disable' ENVCONN_TLS_WAIVE='*'",
            (
                "DATABASE_URL='postgresql://app:secret@db.example.com/app?sslmode=disable' "
                "ENVCONN_TLS_WAIVE='*.example.com'"
            ),
        ),
        "options-pooled": Code(
            "The pooler does not support `options`.",
            "Use `ALTER ROLE ... SET`, or the direct endpoint.",
            "DATABASE_URL='postgresql://app:secret@ep-a-1-pooler.us-east-2.aws.neon.tech/app?options=-c%20a%3Db'",
            "DATABASE_URL='postgresql://app:secret@ep-a-1.us-east-2.aws.neon.tech/app?options=-c%20a%3Db'",
        ),
        "replica-pooled": Code(
            "PlanetScale's shared pooler reaches no replica.", "Use port 5432, or a dedicated replica PgBouncer."
        ),
        "endpoint-inconsistent": Code(
            "`options` names another endpoint of Neon's than the host.",
            "Remove `options`.",
            "DATABASE_URL='postgresql://app:secret@ep-a-1.us-east-2.aws.neon.tech/app?options=endpoint%3Dep-b-2'",
            "DATABASE_URL=postgresql://app:secret@ep-a-1.us-east-2.aws.neon.tech/app",
        ),
        "channel-binding-password": Code(
            "The password names Neon's endpoint, which `channel_binding=require` does not survive.",
            "Write the password alone.",
            "DATABASE_URL='postgresql://app:endpoint%3Dep-a-1%3Bsecret@ep-a-1.us-east-2.aws.neon.tech/app?channel_binding=require'",
            "DATABASE_URL='postgresql://app:secret@ep-a-1.us-east-2.aws.neon.tech/app?channel_binding=require'",
        ),
    },
    "Live servers": {
        "host-unresolved": Code("", "Correct the hostname, or check the DNS of this machine."),
        "connection-refused": Code("", "Start the server, or correct host and port."),
        "host-unreachable": Code("", "Check routes and firewalls."),
        "timed-out": Code("", "Allow the address of this machine in firewalls and access lists."),
        "connection-closed": Code("", "Check whether the server behind the proxy is running."),
        "server-starting": Code("", "Wait."),
        "server-full": Code("", "Use the pooler, smaller pools, or a larger server."),
        "master-unknown": Code("", "Correct the name, or wait until one has taken over."),
        "driver-missing": Code("", "Install the extra in the message."),
        "tls-refused": Code("", "Turn TLS on there, or use the port or endpoint that has it."),
        "direct-tls-refused": Code("", "Remove `sslnegotiation=direct`."),
        "protocol-unexpected": Code("", "Correct the port, or the scheme of the URL."),
        "tls-failed": Code("", "Read the server's log."),
        "tls-too-old": Code("", "Upgrade it, or correct `ssl_min_protocol_version` and `ssl_max_protocol_version`."),
        "tls-not-enforced": Code("", "Refuse it there: `hostssl` in `pg_hba.conf`, or the provider's switch."),
        "tls-not-in-use": Code("", "Report it."),
        "certificate-expired": Code("", "Renew it. If it is new, check the clock of this machine."),
        "certificate-not-yet-valid": Code("", "Check the clocks of both machines."),
        "certificate-untrusted": Code("", "Name the CA that signed it."),
        "certificate-misnamed": Code("", "Connect to a name that it has, with `hostaddr` for the address."),
        "certificate-revoked": Code("", "Renew it."),
        "revocation-unknown": Code("", "Use a current list of the CA that signed the certificate."),
        "client-certificate-required": Code("", "Name one with `sslcert` and `sslkey`."),
        "client-certificate-refused": Code("", "Use one that is signed by a CA that the server trusts."),
        "client-certificate-unrequested": Code("", "Set `ssl_ca_file` on the server, or remove `sslcertmode=require`."),
        "client-files-unusable": Code("", "Correct the file that the message names."),
        "password-refused": Code("", "Correct the URL, or reset the password."),
        "token-refused": Code(
            "", "Check the grants that the message names, the user, and the clock ([identity.md](identity.md))."
        ),
        "password-unavailable": Code(
            "",
            "Correct the callable in the program, whose error's type the message names; for `ENVCONN_AUTH`, the step "
            "that failed ([identity.md](identity.md)).",
        ),
        "login-method-unsupported": Code(
            "", "Use a method such as `scram-sha-256` in `pg_hba.conf`, or a driver that supports the one there."
        ),
        "login-method-refused": Code(
            "", "Correct `pg_hba.conf`, or remove `require_auth` or `channel_binding`: a pooler supports no binding."
        ),
        "server-account-wrong": Code("", "Correct `requirepeer`, or the path of the socket."),
        "login-refused": Code("", "Check `pg_hba.conf` and the role's rights."),
        "database-absent": Code("", "Create it, or correct its name."),
        "permission-denied": Code("", "`GRANT CONNECT` to it."),
    },
    "Providers' APIs": {
        "argument-missing": Code("", "Pass the one that the message names."),
        "argument-invalid": Code("", "Do as the message says."),
        "query-too-large": Code("", "Send less at once, or connect by TCP."),
        "rate-limited": Code("", "Try later, or allow more time (`--timeout`)."),
        "server-failed": Code("", "Try again later."),
        "extra-missing": Code("", "`pip install 'envconn[remote]'`."),
        "token-refused": Code("", "Set one that is valid and has not expired."),
        "access-denied": Code("", "Give it that right, or use another one."),
        "token-missing": Code("", "Set it, or `NAME_FILE`; [remote.md](remote.md) has the names."),
        "token-malformed": Code("", "Copy it again."),
        "address-invalid": Code("", "Use an https:// address. A token is never sent unencrypted."),
        "proxy-unusable": Code("", "Correct or unset the variable."),
        "redirected": Code("", "Correct its address."),
        "resource-missing": Code("", "Correct the name. The message may list the existing ones."),
        "request-refused": Code("", "Correct the arguments. The name of a new role may be in use already."),
        "query-refused": Code("", "Correct the query, or its parameters."),
        "password-not-returned": Code("", "Make another role, or reset this one's password."),
        "answer-malformed": Code("", "Check that the address is that of the API, or upgrade envconn."),
        "answer-too-large": Code("", "Correct the address of the API."),
        "answer-contradicts": Code("", "Do not use it, and ask again."),
        "env-file-unwritable": Code(
            "`envconn fetch --write` cannot write the file.", "Name one in a directory that this user may write to."
        ),
    },
    "About the environment": {
        "container-raised": Code("TLS is required of a server whose name is that of a container, which may have none."),
        "endpoint-doubtful": Code("The provider has no such port or user, so the server will refuse the connection."),
        "pooler-missed": Code(
            "A serverless platform would connect to the direct endpoint, though there is a pooled one."
        ),
        "ca-expires": Code(
            "The CA that is stated expires soon, or has expired: of several in one file, the last of them or, for a "
            "server that was contacted, the one that signed its certificate."
        ),
        "certificate-self-signed": Code(
            "The provider's certificates are self-signed: the server is not verified, or verification fails."
        ),
        "openssl-conf": Code("`OPENSSL_CONF` configures OpenSSL for every connection of the process."),
        "demand-raised": Code("A variable of libpq, such as `PGREQUIREAUTH`, demands more than the text, and is kept."),
        "variable-blank": Code("A variable is set but blank, which means not set."),
        "build-phase": Code("`ENVCONN_PHASE=build` allows that nothing is configured."),
        "database-default": Code("No database is configured, so the SQLite database of the program is used."),
        "default-missing": Code("A database has a name of its own, and there is no default one."),
        "endpoint-chosen": Code("`ENVCONN_ENDPOINT` states another endpoint than the variable of a database."),
        "endpoint-not-found": Code("`ENVCONN_ENDPOINT` states an endpoint that a database does not have."),
        "endpoint-weaker": Code(
            "The endpoint that `ENVCONN_ENDPOINT` states requires less than the variable of the database: less TLS, "
            "another schema or another role."
        ),
        "credentials-in-settings": Code(
            "A setting of Flask-SQLAlchemy holds a password that did not come from the environment. Celery's log warns "
            "of one."
        ),
        "best-unknown": Code("`ENVCONN_TLS=best` means `require`, because the provider is unknown."),
        "default-role": Code("The role is the provider's default one, which has nearly every permission."),
        "variable-chosen": Code("A variable in `.env` chooses which variable names a service."),
        "dotenv-duplicate": Code("The env file sets the variable twice, to different values; the last one is used."),
        "port-unusual": Code("The port is the default one of another service than the scheme says."),
        "dotenv-ignored": Code(
            "The process environment overrides a value in `.env`: one of the same name, or one that would lower or "
            "redirect what it asks for. To use that value, set it in the process environment."
        ),
        "source-ignored": Code("A source overrides a different value in one that has a lower rank (docs/sources.md)."),
        "binding-ignored": Code("A bound service is not supported, or has no file called `type`."),
        "variable-duplicate": Code("Another variable has the same database, and is used."),
        "variable-duplicate-weaker": Code(
            "Another variable names the same database, asks for stronger TLS, and is used."
        ),
        "envconn-variable-ignored": Code(
            "A variable begins with `ENVCONN_`, but envconn does not read it, or it has no effect without another one."
        ),
        "service-reserved": Code(
            "A variable or a bound service would make a database called `broker`, `results` or `cache`, which are the "
            "names of other services. Rename it to use it."
        ),
        "file-equal": Code("`NAME` and `NAME_FILE` hold the same value."),
        "variable-not-chosen": Code(
            "`ENVCONN_DATABASE_VARIABLE` (`ENVCONN_BROKER_VARIABLE`, `ENVCONN_RESULTS_VARIABLE`, "
            "`ENVCONN_CACHE_VARIABLE`) names another variable."
        ),
        "variable-ignored": Code("`ENVCONN_IGNORE` leaves the variable out."),
        "part-unused": Code("A variable beside the host of a database, or for a host that is not set, is not read."),
        "variable-unused": Code(
            "A variable has a usual name for a database, but another one names the database; or it is for .NET."
        ),
        "service-foreign": Code(
            "A variable holds what envconn does not configure, such as `JDBC_DATABASE_URL` or "
            "`CELERY_BROKER_URL=sqs://`. There is no such service; taking it is an error that says so."
        ),
        "service-waived": Code(
            "A waiver leaves a broker or results that envconn cannot judge to the program, such as `sqs://` to Celery."
        ),
        "pg-variable-ignored": Code(
            "A `PG*` variable has no effect, because the connection states every value that matters."
        ),
        "pgsslmode-overruled": Code("`PGSSLMODE` asks for no more than the policy does."),
        "pgsslmode-stronger": Code("`PGSSLMODE` raises the floor."),
        "password-supplied": Code("The program supplies the password, and the one in the variable is not used."),
        "pooler-likely": Code("Host or port look like a pooler's, but it is not stated whether there is one."),
        "provider-note": Code("Something that the provider does differently from others."),
        "secrets-unlisted": Code("The names of a manager's secrets cannot be listed, so none was read."),
        "parameter-ignored": Code(
            "The text has parameters for other programs, which have no effect; for those of SQLAlchemy's pool, the "
            "message says where they belong."
        ),
        "text-normalised": Code(
            "Something was removed from the value, or added to it, when it was read; or one of libpq's defaults, "
            "`PGUSER`, `PGPASSWORD` and `PGDATABASE` included, completes it."
        ),
        "waiver-in-code": Code("The program allows connections without TLS to the hosts of `Policy(waive=...)`."),
        "tls-better": Code("The provider's certificates allow a stronger level."),
        "redis-tls-url-used": Code("`REDIS_TLS_URL` is the same Redis as `REDIS_URL`, and is used."),
    },
    "About live servers": {
        "certificate-expires": Code("The certificate expires soon, or has expired where the level does not ask."),
        "tls-verifiable": Code("The certificate allows a stronger level."),
        "enforcement-unknown": Code("It is unknown whether the server refuses a connection without TLS."),
        "sentinel-master-unchecked": Code("The sentinels were checked, but not the Redis that they name."),
        "password-unprotected": Code("The password could be sent to a server that is not verified."),
        "channel-binding-possible": Code("`channel_binding=require` works there, and would protect the password."),
        "require-auth-possible": Code("`require_auth=scram-sha-256` works there, and would protect the password."),
        "tls-unseen-behind-pooler": Code("The pooler or proxy connects to the server without TLS."),
        "role-superuser": Code("The role has nearly every permission."),
        "replica-is-primary": Code("The endpoint is configured as a replica, but it accepts writes."),
        "primary-is-read-only": Code("The endpoint is configured as the primary, but it is read-only."),
        "pooler-unstated": Code("There is a pooler in front of the server, which the configuration does not state."),
        "pooler-absent": Code("The endpoint is configured as pooled, but there is no pooler."),
        "connections-scarce": Code("Nearly all connections are in use."),
    },
    "Programs": {
        "service-missing": Code(
            "`Settings` has a field for a service that is not configured.",
            "Set its variable, or make the field optional.",
        ),
        "secret-unavailable": Code(
            "A secret that is listed cannot be had from its manager.", "Grant access to it, and let it be UTF-8 text."
        ),
        "secrets-unlisted": Code(
            "The names of a manager's secrets cannot be listed, and something is missing.", "Grant that permission."
        ),
        "source-malformed": Code(
            "A source of settings reads something else than names and texts.", "Write it as the message says."
        ),
        "password-unclaimed": Code(
            "`load(passwords=...)` names a service that does not exist.",
            "Name one of the words in the message, or set its variable.",
        ),
        "password-in-clear": Code(
            "The program supplies a password, and the connection may go out unencrypted.",
            "Write `sslmode=require`, and remove the waiver.",
        ),
        "password-fixed": Code(
            "The program supplies a password anew for each login, and what it is handed to keeps one permanently.",
            "Do as the message says.",
        ),
        "driver-missing": Code("No driver is installed.", "Install the extra in the message."),
        "driver-too-old": Code("The driver's libpq is too old to hold the promise.", "Upgrade the driver."),
        "driver-unsupported": Code(
            "The driver cannot do what the connection states.", "Remove that, or use another driver."
        ),
        "export-unsupported": Code(
            "The reader of a format cannot hold what was promised or is stated.",
            "Do as the message says, or export another format.",
        ),
        "endpoint-unavailable": Code(
            "`ENVCONN_ENDPOINT`, `envconn export` or `envconn exec` asks for an endpoint that does not exist.",
            "Set the variable in the message.",
        ),
        "driver-unsuitable": Code(
            "The driver is synchronous where the engine is not, or the other way round.",
            "Choose one of the words in the message.",
        ),
        "argument-refused": Code(
            "An argument of the program would affect the server or security.",
            "State it in the environment.",
        ),
        "autocommit-pooled": Code(
            "pg8000 in autocommit mode does not work with a pooler in transaction mode.",
            "Use transactions, psycopg, or the direct endpoint.",
        ),
        "tls-below-minimum": Code(
            "Settings of the program ask for less TLS than the policy requires, and cannot be raised.",
            "State the level in the message, or use the URL of the environment.",
        ),
        "default-refused": Code(
            "The program names a default database that is not one of SQLite.",
            "Set `DATABASE_URL`; write `sqlite:///` for development.",
        ),
        "endpoint-differs": Code(
            "`migrate` or `test` would use the direct endpoint, but it is another database than the pooler's, or has "
            "another schema, another role or less TLS, or one of the two is local or has a waiver.",
            "Correct it, or set `ENVCONN_ENDPOINT=direct` or `pooled` for the command.",
        ),
        "settings-changed": Code(
            "An entry of Django's `DATABASES` was changed to something weaker than `databases()` made it.",
            "State it in the environment.",
        ),
        "databases-nested": Code(
            "An entry of Django's `DATABASES` holds everything that `databases()` returns.",
            "Write `DATABASES = databases()`.",
        ),
        "engine-unjudged": Code(
            "An entry of Django's `DATABASES` has a backend whose TLS cannot be judged, and no local host.",
            "Check it yourself, and set `ENVCONN_TLS_WAIVE` as the message says.",
        ),
        "alias-duplicate": Code("Two databases would have one alias in Django.", "Rename one of their variables."),
        "broker-missing": Code(
            "`envconn_celery.config()` finds no broker.", "Set `BROKER_URL`, or another name in docs/variables.md."
        ),
        "result-missing": Code("Results are to go where nothing is configured.", "Set the variable in the message."),
        "test-remote": Code(
            "Tests would run on a database that is neither local nor allowed ([testing](testing.md)).",
            "Unset the variable, or name the host in `envconn_allow`.",
        ),
        "test-production": Code(
            "Tests would run on a database that is called as if it were production.",
            "Unset the variable, or write that name into `envconn_allow`.",
        ),
        "test-pattern": Code(
            "`envconn_allow` would allow everything, or nothing.", "Name hosts, networks or databases."
        ),
        "celery-overruled": Code(
            "A variable replaces a setting of Celery without a TLS check.",
            "Unset it, or do as the message says.",
        ),
    },
    "Django's checks": {
        "pool-behind-pooler": Code(
            "Django pools connections to a pooler in transaction mode.", "Remove one of the two."
        ),
        "migrate-pooled": Code(
            "Migrations would go through a pooler in transaction mode.",
            "Set `DIRECT_URL`, or run `envconn exec --direct -- python manage.py migrate`.",
        ),
        "database-default": Code(
            "No database is configured, so the one for development is used (`--deploy`).", "Set `DATABASE_URL`."
        ),
        "endpoint-differs": Code(
            "`migrate` and `test` would stop: the direct endpoint differs from the pooler in more than its address.",
            "Correct it, or set `ENVCONN_ENDPOINT=direct` or `pooled` for the command.",
        ),
        "credentials-in-settings": Code(
            "An entry of `DATABASES` or `CACHES` holds a password that did not come from the environment.",
            "Set it in the environment.",
        ),
        "tls-waived": Code(
            "A waiver lets the connection go out unencrypted (`--deploy`).", "Use TLS, and remove the waiver."
        ),
        "tls-unverified": Code(
            "TLS does not verify that the server is the one that is meant (`--deploy`).",
            "Write `sslmode=verify-full` with a CA.",
        ),
        "default-role": Code(
            "The role is the provider's default one (`--deploy`).", "Give the application a role of its own."
        ),
        "filter-missing": Code(
            "Error pages show connection URLs with their passwords.",
            "Set `DEFAULT_EXCEPTION_REPORTER_FILTER` as the hint says.",
        ),
    },
}
"""The codes of each section of the page, in its order."""
