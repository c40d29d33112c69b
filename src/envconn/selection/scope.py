"""What is stated about judging a connection: for each word, the variable that applies to this service.

The source has precedence over the name: a variable of the process environment before one in an env file, and in one
source ``ENVCONN_<SERVICE>_<WORD>`` before ``ENVCONN_<WORD>``. What may lower or redirect (a waiver, a CA, a provider)
applies to a connection only if it is as trusted as the connection's text: an env file may raise what the process
environment requires, and do nothing else to it.
"""

from __future__ import annotations

import os

from envconn.connection import Origin, Secret
from envconn.errors import note, problem
from envconn.grammar.libpq_keywords import HOME_CA, HOME_CRL
from envconn.providers import POOLERS, ProviderHints, provider_named
from envconn.records import replace
from envconn.selection import variables
from envconn.sources import Text
from envconn.tls import Context, TlsLevel
from envconn.tls.policy import CA_VARIABLES, PREFIX, combined, stated, waived_in_code
from envconn.tls.policy import VARIABLES as POLICY_VARIABLES
from envconn.tls.policy import prefix as prefix_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envconn.connection import Connection
    from envconn.errors import Finding
    from envconn.identity import Identity
    from envconn.selection.scan import Scan
    from envconn.tls.policy import Demands, Policy

_VARIABLES = tuple(dict.fromkeys((*POLICY_VARIABLES, *(PREFIX + word for word in variables.FOR_EACH))))
_RAISING = frozenset(POLICY_VARIABLES) - {"ENVCONN_TLS_WAIVE", *CA_VARIABLES}
"""What can only raise the requirements: read from every source."""
_LISTS = {"PGSSLCRL", "PGSSLCRLDIR"}


class Scopes:
    """What connections are judged by, for each service and each trust.

    `policy` is the program's, above all. Relative paths start from `directory`.
    """

    __slots__ = ("_contexts", "_directory", "_ignored", "_mixed", "_policy", "_scan", "_texts")

    def __init__(self, scan: Scan, policy: Policy | None = None, directory: str = "") -> None:
        combined(policy)  # refuses what is no policy
        services = _by_prefix(scan)
        scan.accept_findings(variables.unknown_names(scan.present, services))
        scan.notes += waived_in_code(policy)
        self._scan, self._policy, self._directory = scan, policy, directory
        self._contexts: dict[tuple[str, bool], Context] = {}
        self._ignored: dict[tuple[str, bool], Mapping[str, Origin]] = {}
        self._texts = {**dict(_texts(scan, services)), **dict(_in_home(scan.environment.home))}
        scan.notes += _without_identity(self._texts)
        self._mixed = any(text.origin.env_file for text in self._texts.values())
        for prefix in ("", *services):
            self._context(prefix, env_file=True)

    def of(self, connection: Connection, service: str = "") -> Context:
        """Return what `connection` of `service` is judged by, and note what an env file states without effect."""
        prefix, env_file = prefix_of(service) if service else "", connection.origin.env_file
        context = self._context(prefix, env_file=env_file)
        ignored = self._ignored.get((prefix, env_file), {})
        self._scan.notes += [_not_used(origin, connection.origin.variable) for origin in ignored.values()]
        return context

    def general(self, *, env_file: bool) -> Context:
        """Return what a connection that is not a service is judged by; `env_file` is whether its text is from one."""
        return self._context("", env_file=env_file)

    def policy(self, service: str, env_file: bool) -> Demands:  # noqa: FBT001 - where the text is from
        """Return the policy for a text of `service`."""
        return self._context(prefix_of(service), env_file=env_file).policy

    def master(self, connection: Connection, service: str) -> Text | None:
        """Return the name of the master that the sentinels of `service` are asked for, or `None`."""
        chosen, _ = self._choose(prefix_of(service), env_file=connection.origin.env_file)
        return chosen.get("ENVCONN_SENTINEL_MASTER")

    def _context(self, prefix: str, *, env_file: bool) -> Context:
        env_file = env_file or not self._mixed
        if (found := self._contexts.get((prefix, env_file))) is None:
            chosen, ignored = self._choose(prefix, env_file=env_file)
            demands = combined(self._policy, self._demands(chosen, ignored))
            identity = self._identity(chosen) if "ENVCONN_AUTH" in chosen else None
            if identity and prefix:
                demands = _at_its_best(demands, identity.variable)
            # A connection that is no service is the program's, which says itself how it logs in.
            identity = identity if prefix else None
            found = Context(demands, self._hints(chosen), directory=self._directory, identity=identity)
            self._contexts[prefix, env_file], self._ignored[prefix, env_file] = found, ignored
        return found

    def _choose(self, prefix: str, *, env_file: bool) -> tuple[dict[str, Text], dict[str, Origin]]:
        """Return what each variable states, by its general name, and where those without effect are stated."""
        found = {name: text for name in _VARIABLES if (text := self._first(prefix, name))}
        weak = {name for name, text in found.items() if text.origin.env_file}
        trusted = found.keys() - weak - {HOME_CA}
        if env_file:  # of two CAs, that of the process environment
            ignored = weak.intersection(CA_VARIABLES) if trusted.intersection(CA_VARIABLES) else set()
        else:
            # A list of an env file would take the place of the one in the home.
            ignored = weak - (_RAISING - _LISTS if HOME_CRL in found else _RAISING)
        chosen = {name: text for name, text in found.items() if name not in ignored}
        return chosen, {name: found[name].origin for name in found if name in ignored}

    def _first(self, prefix: str, name: str) -> Text | None:
        if not prefix:
            return self._texts.get(name)
        own = f"{prefix}{name.removeprefix(PREFIX)}"
        texts = [text for each in (own, name) if (text := self._texts.get(each))]
        return min(texts, key=lambda text: text.origin.env_file, default=None)

    def _demands(self, chosen: Mapping[str, Text], ignored: Mapping[str, Origin]) -> Demands:
        answer = stated(
            {name: text.text.reveal().strip() for name, text in chosen.items()},
            {name: text.origin for name, text in chosen.items()},
        )
        self._scan.problems += answer.problems
        self._scan.notes += answer.notes
        return replace(answer.demands, ignored={name: origin.place for name, origin in ignored.items()})

    def _hints(self, chosen: Mapping[str, Text]) -> ProviderHints:
        """Read what is stated about an endpoint; an invalid word becomes a problem."""
        provider, pooler = (chosen.get(name) for name in ("ENVCONN_PROVIDER", "ENVCONN_POOL_MODE"))
        if not (provider or pooler):
            return _NO_HINTS
        word, mode = (text.text.reveal().strip() if text else None for text in (provider, pooler))
        if provider and word and provider_named(word) is None:
            self._scan.problems.append(problem("provider-unknown", provider.origin.variable, _PROVIDER))
            word = None
        if pooler and mode and mode not in POOLERS:
            self._scan.problems.append(problem("pooler-unknown", pooler.origin.variable, _POOLER))
            mode = None
        return ProviderHints(word, mode, *(str(text.origin) if text else "" for text in (provider, pooler)))

    def _identity(self, chosen: Mapping[str, Text]) -> Identity | None:
        """Read what is stated about the login; an invalid word becomes a problem."""
        from envconn.identity import METHODS, PASSWORD, Identity, wrong_host

        texts = [chosen.get(name) for name in _AUTH]
        stated = [(each.text.reveal().strip(), each.origin.variable) if each else ("", "") for each in texts]
        (word, variable), (host, host_variable), (region, region_variable) = stated
        if word == PASSWORD:
            return None
        if word not in METHODS:
            known = f"{', '.join(METHODS)} or {PASSWORD}"
            self._scan.problems.append(problem("identity-unknown", variable, f"is invalid: expected {known}"))
            return None
        if host and wrong_host(host):
            self._scan.problems.append(problem("identity-unknown", host_variable, _AUTH_HOST))
            return None
        trusted = any(each and not each.origin.env_file for each in texts)
        return Identity(word, variable, host, host_variable, region, region_variable, trusted)


def _without_identity(texts: Mapping[str, Text]) -> Iterator[Finding]:
    """Yield a note for each variable about the endpoint of a login by an identity, where none is stated."""
    stated = {name for name in texts if name.endswith("_AUTH")}
    for name, text in texts.items():
        word, _, part = name.rpartition("_")
        is_stated = stated if word == _AUTH[0] else stated & {word, _AUTH[0]}
        if word.endswith("_AUTH") and f"{_AUTH[0]}_{part}" in _AUTH and not is_stated:
            message = f"has no effect without {word}. Set {word}, or remove this"
            yield note("envconn-variable-ignored", text.origin.variable, message)


def _in_home(home: str) -> Iterator[tuple[str, Text]]:
    """Yield what libpq reads in the user's home, by its name there."""
    directory = os.path.join(home, ".postgresql")
    for name in (HOME_CA, HOME_CRL) if home and os.path.isdir(directory) else ():
        path = os.path.join(directory, os.path.basename(name))
        if os.path.exists(path):
            yield name, Text(Secret(path), Origin(name))


def _at_its_best(demands: Demands, variable: str) -> Demands:
    """Return `demands` with the strongest level that the provider is known to meet, as `variable` implies."""
    is_stated = demands.best or demands.floor == TlsLevel.VERIFY_FULL
    places = demands.places if is_stated else {**demands.places, "ENVCONN_TLS": variable}
    return replace(demands, best=True, places=places)


_AUTH = ("ENVCONN_AUTH", "ENVCONN_AUTH_HOST", "ENVCONN_AUTH_REGION")
_AUTH_HOST = "is not a hostname. Write the endpoint's own name, with :port unless that is the default one"
_NO_HINTS = ProviderHints()
_PROVIDER = "unknown provider. Use one of the names in docs/providers.md, for example scalingo, planetscale or neon"
_POOLER = "is invalid: expected transaction, session or none"


def _texts(scan: Scan, services: Mapping[str, set[str]]) -> Iterator[tuple[str, Text]]:
    clear = [prefix for prefix, names in services.items() if len(names) == 1]
    own = [prefix + word for prefix in clear for word in variables.FOR_EACH if prefix + word in scan.present]
    for name in (*own, *(name for name in _VARIABLES if name in scan.present)):
        lookup = scan.environment.lookup(name)
        scan.record(lookup)
        if lookup.found:
            yield name, lookup.found


def _by_prefix(scan: Scan) -> dict[str, set[str]]:
    """Return the services that variables are set for, by the variables' prefixes; two with one prefix are a problem."""
    if not any(name.startswith(PREFIX) and name not in variables.FOR_EVERY for name in scan.present):
        return {}
    found: dict[str, set[str]] = {}
    for name in (*variables.SERVICES, *_named(scan)):
        found.setdefault(prefix_of(name), set()).add(name)
    for prefix, names in found.items():
        if len(names) > 1:
            scan.problems += [
                _ambiguous(prefix + word, names) for word in variables.FOR_EACH if prefix + word in scan.present
            ]
    return found


def _named(scan: Scan) -> Iterable[str]:
    return (*(name for name, _ in variables.named(scan.present)), *(bound.name for bound in scan.bound))


def _ambiguous(variable: str, names: set[str]) -> Finding:
    message = f"could be about the services {' and '.join(sorted(names))}. Rename one of the two services"
    return problem("envconn-variable-ambiguous", variable, message)


def _not_used(origin: Origin, variable: str) -> Finding:
    message = (
        f"is not used for {variable}, which is more trusted than {origin.place}. Set it in the process environment"
    )
    return note("dotenv-ignored", origin.variable, message)
