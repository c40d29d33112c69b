"""References that nobody has resolved, and placeholders that nobody has replaced.

A value, or a whole component of a connection string (user, password, host, port, database name), that looks like
one of these forms was written for another program: a shell, a template, a secret manager, a platform, or the person
who copied it from a console. Only forms with brackets, braces or a scheme of their own count: ``password`` and
``postgres`` are legal. Where such a text is meant literally, its first character is percent-encoded.
"""

from __future__ import annotations

import re

from envconn.grammar.text import may_have_form
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

UNRESOLVED = "reference-unresolved"
PLACEHOLDER = "placeholder-unreplaced"


class Form(Record):
    """One form: its pattern, what it is, and what the program or person that should have replaced it has to do.

    `is_value` forms are only looked for as the whole value of a variable, as their text may have any character.
    """

    pattern: str
    what: str
    remedy: str
    code: str = UNRESOLVED
    is_value: bool = False


_OR = "or write the value itself"

FORMS = (
    # Secret managers, in which the scheme or the prefix is the reference.
    Form(
        r"@Microsoft\.(?:KeyVault|AppConfiguration)\(.*\)",
        "an unresolved reference of Azure App Service",
        f"Give the app's identity access to the secret, as the portal shows for the reference, {_OR}",
        is_value=True,
    ),
    Form(
        r"op://.+",
        "an unresolved reference of 1Password",
        f"Start the program with op run --, {_OR}",
        is_value=True,
    ),
    Form(
        r"(?:arn:aws[a-z-]*:(?:secretsmanager|ssm):|(?:aws-)?(?:ssm|secretsmanager|asm)://|aws-?sm:).+",
        "an unresolved reference to a secret of AWS",
        f"In ECS, move it from environment to secrets, {_OR}",
        is_value=True,
    ),
    Form(
        r"\{\{resolve:[^{}]*\}\}",
        "an unresolved reference of CloudFormation",
        f"Use it in a property where CloudFormation resolves it, {_OR}",
    ),
    Form(
        r"!(?:Ref|Sub|GetAtt|ImportValue|FindInMap|var|secret|vault) .+",
        "a tag of a YAML template",
        f"Let the tool that reads the template replace it, {_OR}",
        is_value=True,
    ),
    Form(
        r"projects/[^/]+/(?:locations/[^/]+/)?secrets/.+|(?:gsm|gcpsm|gcp-sm|sm|berglas)://.+|gcp:.+/secrets/.+",
        "an unresolved reference to a secret of Google Cloud",
        f"Let Cloud Run or the program that starts yours fetch the secret, {_OR}",
        is_value=True,
    ),
    Form(
        r"(?:azurekeyvault|azurekv|azkv|azure-kv|akvs?|keyvault)://.+|akvs:.+|secretref:.+",
        "an unresolved reference to a secret of Azure",
        f"Let the platform or the program that starts yours fetch the secret, {_OR}",
        is_value=True,
    ),
    Form(
        r"(?:vault|bao|openbao|hcvault)://.+|(?:>>)?(?:vault|bao):[^@ ]+#[^@ ]+",
        "an unresolved reference to a secret of Vault",
        f"Start the program with the tool that fetches it (vault-env), {_OR}",
        is_value=True,
    ),
    Form(
        r"ref\+[a-z0-9]+://.+|ref:(?:vault|env|\+?[a-z0-9]+)[:/].+|(?:secret)?refs?://.+",
        "an unresolved reference of vals",
        f"Start the program with vals exec or render it with Helmfile, {_OR}",
        is_value=True,
    ),
    Form(
        r"(?:pass|bws|bw|infisical|doppler|akeyless|keeper|conjur|keychain|keyring|dashlane|dl|env|secrets?|k8s)://.+",
        "an unresolved reference of a secret manager",
        f"Start the program with that manager's command, {_OR}",
        is_value=True,
    ),
    # What is encrypted.
    Form(
        r"ENC\[[^\]]*\]|ENC\([^()]+\)|encrypted:[A-Za-z0-9+/=_-]{20,}|\$ANSIBLE_VAULT;.+",
        "encrypted",
        f"Decrypt it before the program starts (sops exec-env, dotenvx run), {_OR}",
    ),
    # What another program interpolates.
    Form(
        r"\$\{\{[^{}]*\}\}",
        "an unresolved expression of GitHub Actions or Railway",
        f"Write it where that platform evaluates it, as in env: of a workflow, {_OR}",
    ),
    Form(
        r"\$\([^()]+\)",
        "an unresolved reference of Kubernetes, Azure Pipelines or a shell",
        f"Kubernetes needs that variable earlier in env: of the same container; define it there, {_OR}",
    ),
    Form(
        r"\$\{[^{}]+\}",
        "an unresolved variable of a shell, Docker Compose or a template",
        f"Let that program replace it, which single quotes prevent, {_OR}",
    ),
    Form(
        r"\{\{[^{}]*\}\}|\{%[^{}]*%\}|<%[^<>]*%>",
        "an unresolved expression of a template",
        f"Let the program that renders the template replace it, {_OR}",
    ),
    Form(r"\(\([^()]+\)\)", "an unresolved variable of Concourse or BOSH", f"Let it replace the variable, {_OR}"),
    Form(
        r"#\{[^{}]+\}#?|%\([A-Za-z_][A-Za-z0-9_]*\)s",
        "an unresolved token of a deployment tool",
        f"Let the step that replaces tokens run on it, {_OR}",
    ),
    Form(
        r"\$env:[A-Za-z_][A-Za-z0-9_]*|%env\(.+\)%|%%?[A-Za-z_][A-Za-z0-9_]*%%?",
        "an unresolved variable of another shell or program",
        f"Write it as the program that sets the variable needs it, {_OR}",
    ),
    # What a person replaces.
    Form(
        r"<[A-Za-z][A-Za-z0-9 _.'/:-]*>|\[[A-Za-z][A-Za-z _.'-]{2,}\]|\{[A-Za-z][A-Za-z0-9 _.'-]*\}",
        "a placeholder",
        "Put the real one in its place",
        PLACEHOLDER,
    ),
    Form(
        r"[*•●·]{3,}",
        "only asterisks or dots, as a console or a log hides a secret",
        "Copy it from where it is shown, or set a new one",
        PLACEHOLDER,
    ),
)
"""Every form, the most specific first."""

_OF_COMPONENTS = tuple(form for form in FORMS if not form.is_value)
_IN_HOST = Form(r"\$[A-Za-z_][A-Za-z0-9_]*", "an unresolved variable of a shell", f"Let the shell replace it, {_OR}")
"""What no hostname or port has, though a password may begin so."""


_PORT = Form(r"(?i:(?:your[-_]?|db[-_]?)?port)", "a placeholder", "Put the real one in its place", PLACEHOLDER)


class Component(Record):
    """A component of a text: its name in messages, its text, the form that this is, and whether a keyword names it."""

    name: str
    text: str
    form: Form
    is_keyword: bool = False


def of_value(text: str) -> Form | None:
    """Return the form of `text`, the whole value of a variable, if it is one."""
    return _whole(text.strip(), FORMS)


def of_component(text: str) -> Form | None:
    """Return the form of `text`, a whole component as it is written in a connection string, if it is one."""
    return _whole(text, _OF_COMPONENTS) if "%" in text or may_have_form(text) else None


def _whole(text: str, forms: tuple[Form, ...]) -> Form | None:
    return next((form for form in forms if re.fullmatch(form.pattern, text)), None) if text else None


def literally(component: Component) -> str:
    """Return how to write `component` if its text is meant literally; empty if it cannot be."""
    if component.name in _UNQUOTED:
        return ""
    if component.is_keyword:
        return "If it is meant literally, write a backslash before its first character"
    written = "".join(f"%{byte:02X}" for byte in component.text[0].encode())
    return f"If it is meant literally, percent-encode it, from its first character on: {written}..."


_UNQUOTED = frozenset({"host", "port"})


def in_uri(text: str, start: int) -> Iterator[Component]:
    """Yield the components of the URI `text` that are forms; `start` is the length of its scheme.

    A hostname and a port have no dollar sign and no braces, so that a form inside of one counts, too.
    """
    # What is inside of brackets separates nothing: ``${{ a:b }}``, ``{{resolve:ssm:x}}``, ``$(cat /run/x)``.
    masked = re.sub(_BRACKETED, lambda match: "x" * len(match[0]), text)
    for name, (begin, end) in _spans(masked, start).items():
        component = text[begin:end]
        form = of_component(component) or (_inside(component, name) if name in _UNQUOTED else None)
        if form:
            yield Component(name, component, form)
    for match in _QUERY.finditer(masked, masked.find("?") if "?" in masked else len(masked)):
        component = text[match.start(2) : match.end(2)]
        if form := of_component(component):
            yield Component(match[1], component, form)


_BRACKETED = r"\$?\{\{[^{}]*\}\}|\$\{[^{}]*\}|\$\([^()]*\)|\(\([^()]*\)\)|ENC\[[^\]]*\]|<[^<>]*>|#\{[^{}]*\}#?"
_QUERY = re.compile(r"[?&](user|password|host|port|dbname)=([^&]*)")


def _spans(text: str, start: int) -> dict[str, tuple[int, int]]:
    """Return where each component of a URI begins and ends."""
    end = min(place for mark in "?#" if (place := text.find(mark, start) % (len(text) + 1)) >= 0)
    at = text.rfind("@", start, end) + 1 or start
    slash = text.find("/", at, end) % (end + 1)
    colon = text.find(":", start, at)
    port = text.rfind(":", at, slash)
    spans = {"user": (start, at - 1 if colon < 0 else colon)} if at > start else {}
    if colon >= 0:
        spans["password"] = (colon + 1, at - 1)
    spans["host"] = (at, slash if port < 0 else port)
    if port >= 0:
        spans["port"] = (port + 1, slash)
    return spans | {"database name": (slash + 1, end)}


def in_pairs(text: str) -> Iterator[Component]:
    """Yield the same of keywords and values, as libpq reads them."""
    for name, quoted, plain in re.findall(_PAIR, text):
        component = quoted or plain
        if form := of_component(component):
            yield Component(name, component, form, is_keyword=True)


_PAIR = r"(?:^|\s)(user|password|host|port|dbname)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))"


def _inside(component: str, name: str) -> Form | None:
    if name == "port" and re.fullmatch(_PORT.pattern, component):
        return _PORT
    forms = (*_OF_COMPONENTS, _IN_HOST)
    return next((form for form in forms if re.search(form.pattern, component)), None)
