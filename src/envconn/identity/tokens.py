"""Tokens, made when a login needs one and kept in memory for a minute, in `envconn.identity.METHODS`' modules.

A provider limits how many new tokens it checks, not how often one is used: RDS slows down from 200 new ones a second.
Each is made in a thread of its own with a time limit, because an endpoint for identities may never answer; logins that
need the same one wait for it together.
"""

from __future__ import annotations

import logging
import os
import time
from concurrent.futures import Future
from importlib import import_module
from threading import Lock, Thread, current_thread

from envconn.errors import PasswordUnavailable, problem
from envconn.exit_codes import EX_NOPERM
from envconn.identity.methods import METHODS
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Secret
    from envconn.identity.methods import Method, Target

REUSE = 60.0
"""Seconds for which a token is used again, if it and what signed it are valid for longer."""

LIMIT = 10.0
"""Seconds in which one must be made, unless the caller has less time."""

MARGIN = 120.0
"""Seconds before its end from which a token is not used again: the server's clock may be ahead."""


class Token(Record):
    """A token, and for how many seconds it is accepted."""

    text: Secret
    seconds: float


class Unavailable(Exception):
    """There is no token. The text is a step that failed and what to do, without any value."""


def token(target: Target, variable: str, limit: float) -> Token:
    """Return a token for `target`, made in at most `limit` seconds. `variable` states the method, for messages.

    Raises:
        PasswordUnavailable: none could be made; the text says which step failed.
    """
    made = _made_in_time(target, limit)
    if isinstance(made, Token):
        return made
    message = f"{target.word} supplies no token: {made}"
    raise PasswordUnavailable([problem("password-unavailable", variable, message, EX_NOPERM)])


def identity_of_process(method: Method) -> int:
    """Return a number for the variables and the files of the identity: with others, a token is another one's."""
    stated = sorted((name, text) for name, text in os.environ.items() if name.startswith(method.sources))
    files = [_version(os.environ.get(name) or usual) for name, usual in method.files.items()]
    return hash((*stated, *files))


def _version(path: str) -> tuple[int, ...]:
    """Return what changes when the file at `path` is written or replaced; nothing if there is none."""
    try:
        found = os.stat(os.path.expanduser(path))
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


class _Tokens:
    """The tokens of one process, and those that are being made, by target and identity."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.made: dict[tuple[Target, int], tuple[Token, float]] = {}
        self.making: dict[tuple[Target, int], Future[Token]] = {}

    def get(self, key: tuple[Target, int]) -> Token | Future[Token]:
        """Return the token for `key` that can be used again, or the one that is being made.

        Raises:
            RuntimeError: no thread can be started.
        """
        with self.lock:
            if (found := self.made.get(key)) and time.monotonic() < found[1]:
                return found[0]
            if (begun := self.making.get(key)) is None:
                begun = Future()
                Thread(target=_make, args=(key, begun), name=_THREAD, daemon=True).start()
                self.making[key] = begun
            return begun

    def put(self, key: tuple[Target, int], begun: Future[Token], made: Token | None) -> None:
        """Keep the token that was `made`; `begun` is not waited for any more."""
        with self.lock:
            if self.making.get(key) is begun:
                del self.making[key]
            if made:
                now = time.monotonic()
                self.made = {each: one for each, one in self.made.items() if now < one[1]}
                self.made[key] = made, now + min(REUSE, made.seconds - MARGIN)


_tokens = _Tokens()


def _forget() -> None:
    """Begin anew in a fork, where the threads of the parent do not exist."""
    _tokens.__init__()  # type: ignore[misc]


def _forget_never(**_: object) -> None:
    """Do nothing: Windows has no forks."""


getattr(os, "register_at_fork", _forget_never)(after_in_child=_forget)


def _made_in_time(target: Target, limit: float) -> Token | Unavailable:
    key = target, identity_of_process(METHODS[target.word])
    try:
        begun = _tokens.get(key)
    except RuntimeError:
        return Unavailable(_NO_THREAD)
    if isinstance(begun, Token):
        return begun
    try:
        return begun.result(limit)
    except TimeoutError:
        _tokens.put(key, begun, None)
        return Unavailable(_NO_ANSWER.format(limit))
    except Unavailable as failed:
        return failed


_NO_THREAD = "the process cannot start a thread. Raise its limit on processes, or let it start fewer threads"
_NO_ANSWER = "the identity's endpoint did not answer in {:.3g} seconds. Check that it is reachable"


def _make(key: tuple[Target, int], begun: Future[Token]) -> None:
    made = _made(*key)
    _tokens.put(key, begun, made if isinstance(made, Token) else None)
    if isinstance(made, Token):
        begun.set_result(made)
    else:
        begun.set_exception(made)


def _made(target: Target, identity: int) -> Token | Unavailable:
    try:
        module = import_module(f"envconn.identity.{target.word.replace('-', '_')}")
        _silence(METHODS[target.word].loggers)
        found: Token = module.make(target, identity)
    except Exception as error:  # noqa: BLE001 - the vendor's library may raise anything, with paths and hosts in it
        return Unavailable(_step(error, target.word))
    return found


def _silence(packages: tuple[str, ...]) -> None:
    """Let the loggers of `packages` show nothing below a warning while a token is made.

    botocore.auth logs the request that it signs, with the signature; botocore.parsers the keys of a role.
    """
    for name in [*logging.root.manager.loggerDict]:
        if name.partition(".")[0] in packages:
            logging.getLogger(name).addFilter(_is_shown)


def _is_shown(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or current_thread().name != _THREAD


_THREAD = "envconn-token"


def _step(error: Exception, word: str) -> str:
    """Return which step failed with `error`, by the names of its classes: its text quotes paths, hosts and more."""
    if isinstance(error, Unavailable):
        return str(error)
    names = [each.__name__ for each in type(error).__mro__ if each is type(error) or each is not ValueError]
    step = next((_STEPS[name] for name in names if name in _STEPS), _OTHER)
    return step.format(name=names[0], extra=METHODS[word].extra, library=METHODS[word].library)


_NOTHING = "no credentials were found. Give the process a role, or set the variables of its identity"
_BROKEN = "the source of the credentials is misconfigured ({name}). Correct the variables and files of the identity"
_UNREACHABLE = "the identity's endpoint supplies no credentials ({name}). Check its address, and the process's role"
_MISSING = "there is no identity, or it was refused ({name}). Give one to the process, or correct its variables"
_REFUSED = "the identity's endpoint refuses the request ({name}). Grant the role to the process"
_OTHER = "{library} failed ({name}). Check the identity with the provider's own command"
_STEPS = {
    "ModuleNotFoundError": "{library} is not installed. Run pip install 'envconn[{extra}]'",
    "ImportError": "{library} cannot be imported. Run pip install 'envconn[{extra}]'",
    "NoCredentialsError": _NOTHING,
    "PartialCredentialsError": _BROKEN,
    "ProfileNotFound": _BROKEN,
    "ConfigNotFound": _BROKEN,
    "ConfigParseError": _BROKEN,
    "InvalidConfigError": _BROKEN,
    "FileNotFoundError": _BROKEN,
    "PermissionError": _BROKEN,
    "ValueError": _BROKEN,  # itself alone: of its kind are also what a text that cannot be read leads to
    "ClientError": _REFUSED,
    "CredentialRetrievalError": _UNREACHABLE,
    "MetadataRetrievalError": _UNREACHABLE,
    "HTTPClientError": _UNREACHABLE,
    "CredentialUnavailableError": _NOTHING,
    "ClientAuthenticationError": _MISSING,
    "ServiceRequestError": _UNREACHABLE,
    "DefaultCredentialsError": _NOTHING,
    "RefreshError": _REFUSED,
    "TransportError": _UNREACHABLE,
}
"""What the classes of the vendors' exceptions mean, the most specific one of an exception first."""
