"""Where and as whom an object of the server logs in, as far as its values say. Pure: nothing is resolved or asked."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from urllib.parse import parse_qs, unquote

from vaultconf.kind import Kind
from vaultconf.model import Values

#: Where a plugin finds its server unless it is told, by what its name begins with.
_PORTS = {
    "cassandra": 9042,
    "elasticsearch": 9200,
    "influxdb": 8086,
    "mongodb": 27017,
    "mssql": 1433,
    "mysql": 3306,
    "oracle": 1521,
    "postgresql": 5432,
    "redis": 6379,
    # These are reached over somebody's name alone.
    "couchbase": 0,
    "hana": 0,
    "mongodbatlas": 0,
    "snowflake": 0,
}
#: Plugins that may reach a server of another one's.
_ALIKE = {"redshift": "postgresql", "valkey": "redis"}
#: A directory is the same one behind each of its ports: plain, TLS, global catalogue.
_LDAP = {636: 389, 3268: 389, 3269: 389}
_SCHEMES = {"ldap": 389, "ldaps": 389, "http": 80, "https": 443, "mongodb+srv": 0}
_URL = re.compile(r"\s*([A-Za-z][\w+.-]*)://([^/?#]*)([^?#]*)\??([^#]*)")
_IN_BRACKETS = re.compile(r"(?:^|@)(\w+)\(([^)]*)\)")
_PAIR = re.compile(r"(?:^|[\s;])\s*(\w[\w ]*?)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s;]*)")
_DIGITS = re.compile(r"\s*[0-9]{1,5}\s*")
#: What is longer is not read, and nothing is known of it.
_LONGEST = 4000
_HOSTS = ("hostaddr", "host", "server", "data source", "addr", "address")
_USERS = ("user", "user id", "uid", "username")
_HERE = "localhost"

Place = tuple[str, int]


class Alike(Enum):
    """Whether two logins are one: as the same user, on the same server; `MAYBE` where only the server is in doubt."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Login:
    """A login as the values of an object tell it.

    family: what kind of server that is, "" where nobody knows. places: its hosts and their ports (0: not known); none
    where the values do not say. users: who logs in, folded; a URL may name another one than the field does.
    """

    family: str
    places: frozenset[Place]
    users: frozenset[str]

    def alike(self, other: Login) -> Alike:
        """Compare with another login. Two names of hosts prove nothing: they may mean the same one."""
        if not self.users & other.users or (self.family and other.family and self.family != other.family):
            return Alike.NO
        if self.places & other.places:
            return Alike.YES
        pairs = [(one, two) for one in self.places for two in other.places]
        return Alike.NO if pairs and all(map(_apart, pairs)) else Alike.MAYBE


def login_of(kind: Kind, values: Values, through: tuple[Kind, Values] | None = None) -> Login | None:
    """As whom an object of the kind logs in; `through` is the one that knows the server, if not the object itself.

    None where the values name no user that is known here.
    """
    rotation, (where, at) = kind.rotation, through or (kind, values)
    if rotation is None or where.rotation is None:
        return None
    family = _family(where, at)
    named = values.get(rotation.user)
    found = [named] if isinstance(named, str) and named else []
    places: set[Place] = set()
    if not where.rotation.server:
        places.add(("", 0))
    for text in (at.get(name) for name in where.rotation.server if name.endswith("url")):
        if isinstance(text, str) and 0 < len(text) < _LONGEST:
            read = _read(text, family)
            places.update(read.places)
            found += [user for user in read.users if through is None]
    places.update(_of_fields(at, where.rotation.server, family))
    users = frozenset(_folded(user) for user in found)
    return Login(family, frozenset(places), users) if users else None


def _apart(pair: tuple[Place, Place]) -> bool:
    """Whether two places are two servers for sure: other ports of one host."""
    (host, port), (other, another) = pair
    return host == other and 0 not in (port, another) and port != another


def _family(kind: Kind, values: Values) -> str:
    """What kind of server is meant: that of the plugin where there are plugins; "" for one that nobody here knows."""
    if "plugin_name" not in kind.fields:
        return kind.name
    plugin = str(values.get("plugin_name") or "").partition("-")[0]
    plugin = _ALIKE.get(plugin, plugin)
    return plugin if plugin in _PORTS else ""


def _folded(user: str) -> str:
    """A name of a user without what servers do not tell apart: case, and blanks between the parts of a DN."""
    return re.sub(r"\s*([,=+])\s*", r"\1", user.strip()).casefold() if len(user) < _LONGEST else user


def _of_fields(values: Values, names: Iterable[str], family: str) -> Iterator[Place]:
    """Hosts and port as fields of their own."""
    port = values.get("port") if "port" in names else 0
    default = port if isinstance(port, int) and port else _PORTS.get(family, 0)
    for name in ("host", "hosts"):
        text = values.get(name) if name in names else ""
        if isinstance(text, str) and text:
            yield from _places(text, default)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a connection string says; templates such as `{{username}}` are nobody."""

    places: tuple[Place, ...]
    users: tuple[str, ...]


def _read(text: str, family: str) -> _Read:
    """Read one of the forms that plugins take: URL, MySQL's `user@tcp(host:port)/`, and key=value."""
    port = _PORTS.get(family, 0)
    if not (url := _URL.match(text)):
        return _pairs(text, port) if re.match(r"\s*\w[\w ]*=", text) else _plain(text, port)
    if "," in text and url[1].lower() in ("ldap", "ldaps"):
        parts = [_read(part, family) for part in text.split(",")]
        return _Read(tuple(place for part in parts for place in part.places), ())
    login, _, hosts = url[2].rpartition("@")
    asked = {name.lower(): values[-1] for name, values in parse_qs(url[4]).items()}
    scheme = url[1].lower()
    also = _keys(asked, port)
    places = [*_places(hosts, _SCHEMES.get(scheme, port)), *also.places]
    if scheme.startswith("ldap"):
        places = [(host, _LDAP.get(number, number)) for host, number in places]
    return _Read(tuple(places), (*_user(login.partition(":")[0]), *also.users))


def _plain(text: str, port: int) -> _Read:
    """`user:password@net(host:port)/name`, or the same without a net."""
    if found := _IN_BRACKETS.search(text):
        user = text[: found.start()].partition(":")[0]
        is_here = found[1].lower() == "unix"
        return _Read(((_HERE, port),) if is_here else tuple(_places(found[2] or _HERE, port)), _user(user))
    before, at, rest = text.rpartition("@")
    user = re.split(r"[:/]", before)[0] if at else ""
    host = re.split(r"[/?]", rest)[0]
    return _Read(tuple(_places(_HERE if host in ("", "tcp", "unix") else host, port)), _user(user))


def _pairs(text: str, port: int) -> _Read:
    return _keys({key.lower(): value.strip("'") for key, value in _PAIR.findall(text)}, port)


def _keys(known: dict[str, str], port: int) -> _Read:
    """What keys of a connection string say."""
    hosts = next((known[key] for key in _HOSTS if known.get(key)), "")
    if hosts.lower().startswith("tcp:"):
        hosts = hosts[4:]
    ports = [_number(part) for part in known.get("port", "").split(",")]
    parts = hosts.split(",")
    if len(parts) > 1 and all(map(_number, parts[1:])):
        # SQL Server: host,port
        parts, ports = parts[:1], [_number(parts[1])]
    spread = ports if len(ports) == len(parts) else ports[:1] * len(parts)
    places = [place for part, number in zip(parts, spread, strict=True) for place in _places(part, number or port)]
    return _Read(tuple(places), tuple(user for key in _USERS for user in _user(known.get(key, ""))))


def _user(text: str) -> tuple[str, ...]:
    name = unquote(text).strip()
    return (name,) if name and "{{" not in name else ()


def _places(hosts: str, port: int) -> Iterator[Place]:
    """Each host of a list, with its port or the one for all."""
    for part in unquote(hosts).split(","):
        text = part.strip()
        if text.startswith("["):
            host, _, number = text[1:].partition("]")
        elif text.count(":") > 1:
            host, number = text, ""
        else:
            host, _, number = text.partition(":")
        number = number.removeprefix(":")
        # An instance of SQL Server (host\name) has a port of its own.
        host, instance, _ = host.partition("\\")
        if host and "{{" not in host:
            yield _host(host), _number(number) or (0 if instance or number else port)


def _number(text: str) -> int:
    """A port; 0 for what is none."""
    return int(text) if _DIGITS.fullmatch(text.strip()) else 0


def _host(text: str) -> str:
    """A host in one spelling; all names of the machine itself, and sockets on it, are one."""
    name = text.lower().rstrip(".")
    if name.startswith(("/", "@")) or name == _HERE or name.endswith(f".{_HERE}"):
        return _HERE
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name
    address = getattr(address, "ipv4_mapped", None) or address
    return _HERE if address.is_loopback else str(address)
