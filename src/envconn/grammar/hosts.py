"""Host lists: names, addresses and ports, paired as libpq pairs them when it connects.

The rules are those of pqConnectOptions2 and parse_comma_separated_list in fe-connect.c. Deliberate
differences, all refusals: an empty entry in a list, a name that is not valid in DNS, a name that only
the C library reads as an address (``127.1``), a `hostaddr` without a name to verify or with a
socket, and ports that are not plain digits. The default port is 5432 here; libpq reads PGPORT.
"""

from __future__ import annotations

from envconn.connection import Host
from envconn.families import FAMILIES, POSTGRESQL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Connection
    from envconn.grammar.text import ParseState


# The characters of a DNS name: letters, digits and hyphens (RFC 1123), and the underscore, used in container networks.
IN_NAMES = "-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def pair_up(state: ParseState, host: str, hostaddr: str, port: str) -> tuple[Host, ...]:
    """Return the hosts that three comma-separated lists describe. Problems are added to `state`.

    `host` and `hostaddr` must be of one length; one `port` serves all hosts, otherwise each host has
    its own. An empty port means 5432.
    """
    names = host.split(",")
    addresses = _addresses(state, names, hostaddr)
    ports = [_port(state, text) for text in port.split(",")]
    if host or not hostaddr:
        for name in names:
            _check_name(state, name, several=len(names) > 1)
    if len(ports) == 1:
        ports *= len(names)
    if len(ports) != len(names):
        state.refuse(
            "port-count",
            f"there are {len(ports)} ports for {len(names)} hosts. Write one port for all hosts, or one for each",
        )
    return tuple(map(Host, names, ports, addresses))


def is_complete(connection: Connection) -> bool:
    """Whether `connection` states all for which libpq has defaults: host, user and database name."""
    return connection.family != POSTGRESQL or bool(connection.host and connection.user and connection.dbname)


def is_address(text: str) -> bool:
    """Whether `text` is an IPv4 or IPv6 literal; the latter may have a zone id (``fe80::1%eth0``)."""
    from ipaddress import ip_address  # a slow import that plain names do not need

    address, _, zone = text.partition("%")
    if address != text and not (":" in address and _is_dns_name(zone)):
        return False
    try:
        return bool(ip_address(address))
    except ValueError:
        return False


def _addresses(state: ParseState, names: list[str], hostaddr: str) -> list[str]:
    if not hostaddr:
        return [""] * len(names)
    addresses = hostaddr.split(",")
    if names == [""]:
        state.refuse("hostaddr-alone", _ALONE)
    elif len(addresses) != len(names):
        state.refuse(
            "hostaddr-count",
            f"there are {len(addresses)} values of hostaddr for {len(names)} hosts. Write one for each host",
        )
    elif any(name.startswith(("/", "@")) for name in names):
        # libpq would connect to the address over TCP and use the directory as the name.
        state.refuse("hostaddr-socket", "hostaddr and a socket directory are both given. Keep one of the two")
    if not all(is_address(address) for address in addresses):
        state.refuse("hostaddr-invalid", "hostaddr is not an IP address. Write a name as host instead")
    return addresses


def _check_name(state: ParseState, name: str, *, several: bool) -> None:
    if not name:
        # Alone, libpq would use PGHOST or the directory that was compiled in.
        if several:
            state.refuse("host-empty", "the list of hosts has an empty entry. Remove the extra comma")
        else:
            state.refuse("host-missing", _NO_HOST)
    elif name[0] in "/@":
        if len(name) == 1:
            state.refuse("host-invalid", "the socket has no name. Write ?host=/var/run/postgresql")
        elif ".s.PGSQL." in name.rpartition("/")[2]:
            state.refuse("host-invalid", _SOCKET_ITSELF)
    elif not name.isascii():
        state.refuse("host-not-ascii", "the host is not ASCII. Write its xn-- form, which DNS and TLS use")
    elif not _is_name(name):
        state.refuse("host-invalid", _NO_NAME)


# libpq puts the name of the socket behind the directory, by the port.
_SOCKET_ITSELF = "the host is the socket itself. Write its directory, without /.s.PGSQL and the port behind it"
_ALONE = "hostaddr has no host next to it, so no name can be verified. Add host, or write the address as host instead"
_NO_HOST = "there is no host. Add one after the @, or add ?host=/var/run/postgresql for a socket"
_NO_NAME = (
    "the host is not a DNS name, an IP address or a socket directory. Correct it, and percent-encode the password"
)


def _is_name(name: str) -> bool:
    if ":" in name:
        return is_address(name)
    if not _is_dns_name(name) or len(name) > 254:
        return False
    # To getaddrinfo, a name that ends in a number is an address (inet_aton: 127.1, 0x7f.1); to a verifier it is not.
    last = name.removesuffix(".").rpartition(".")[2].lower()
    return not (last.isdigit() or last.startswith("0x")) or _is_ipv4(name)


def _is_dns_name(name: str) -> bool:
    labels = name.removesuffix(".").split(".")
    return all(0 < len(label) < 64 and not label.strip(IN_NAMES) for label in labels)


def _is_ipv4(name: str) -> bool:
    parts = name.split(".")
    return len(parts) == 4 and all(
        part.isdigit() and len(part) < 4 and int(part) < 256 and (part == "0" or part[0] != "0") for part in parts
    )


def _port(state: ParseState, text: str) -> int:
    # parse_int_param uses strtol, which accepts blanks, a sign, and leading zeros. No other parser does.
    if not text:
        return FAMILIES[POSTGRESQL].port
    if not (text.isascii() and text.isdigit()):
        state.refuse("port-invalid", "the port is not a number. Write 1 to 65535, and %3A for : in a password")
    elif len(text) > 5 or not 1 <= int(text) <= 65535:
        state.refuse("port-range", "the port is out of range. Write 1 to 65535")
    else:
        return int(text)
    return FAMILIES[POSTGRESQL].port
