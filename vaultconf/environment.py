"""The process environment and `~/.vault-token`: read here and nowhere else."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from vaultconf.errors import InputError, Problem
from vaultconf.http import Connection, clean_address
from vaultconf.sealed import Secret

T = TypeVar("T")

_TRUE = frozenset({"1", "t", "T", "true", "True", "TRUE"})
_FALSE = frozenset({"0", "f", "F", "false", "False", "FALSE"})
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_GITHUB = {"GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")


def process() -> Mapping[str, str]:
    """Return a copy of the process environment."""
    return dict(os.environ)


def whoami(environ: Mapping[str, str]) -> str:
    """Return who runs this, for people: user and machine, and the address of the CI job where there is one."""
    user = environ.get("USER") or environ.get("LOGNAME") or environ.get("USERNAME") or "somebody"
    github = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}"
    job = github.format_map(environ) if environ.keys() >= _GITHUB else ""
    job = job or environ.get("CI_JOB_URL") or environ.get("BUILD_URL") or ""
    return f"{user}@{socket.gethostname()}{f' {job}' if job else ''}"


def variable(name: str) -> str | None:
    """Return the environment variable `name`; None where it is not set."""
    return os.environ.get(name)


def connection(environ: Mapping[str, str]) -> Connection:
    """Return the connection that Vault's own variables describe; the `BAO_` form of each wins, "" is unset.

    Raises InputError with every variable that cannot be meant.
    """
    names = _Names(environ)
    found = Connection(
        address=names.read("ADDR", clean_address, Connection().address),
        namespace=names.read("NAMESPACE", _namespace, ""),
        ca_cert=names.read("CACERT", _file, ""),
        ca_path=names.read("CAPATH", _folder, ""),
        client_cert=names.read("CLIENT_CERT", _file, ""),
        client_key=names.read("CLIENT_KEY", _file, ""),
        tls_server_name=names.read("TLS_SERVER_NAME", _host, ""),
        skip_verify=names.read("SKIP_VERIFY", _flag, default=False),
        timeout=names.read("CLIENT_TIMEOUT", seconds, Connection().timeout),
        max_retries=names.read("MAX_RETRIES", _count, None),
        rate_limit=names.read("RATE_LIMIT", _rate, None),
        proxy=names.read("PROXY_ADDR", _proxy, "") or names.read("HTTP_PROXY", _proxy, ""),
    )
    problems = [*names.problems, *_halves(found, names)]
    if problems:
        raise InputError(problems)
    return found


def token(environ: Mapping[str, str], home: Path) -> Secret | None:
    """Return the token of VAULT_TOKEN (BAO_TOKEN wins), else of `home`/.vault-token; None where there is none.

    Raises InputError where it cannot be a token, or the file cannot be read.
    """
    names = _Names(environ)
    found = names.read("TOKEN", _token, None) or names.from_file(home / ".vault-token")
    if names.problems:
        raise InputError(names.problems)
    return found


class _Names:
    """Reads variables by their name without prefix, and keeps what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[Problem] = []

    def name(self, short: str) -> str:
        """Return the full name of the variable that holds: the BAO_ form where it is set."""
        return f"BAO_{short}" if self._environ.get(f"BAO_{short}") else f"VAULT_{short}"

    def read(self, short: str, parse: Callable[[str], T], default: T) -> T:
        """Return the parsed variable; its default, and a problem kept, where `parse` raises ValueError."""
        name = self.name(short)
        text = self._environ.get(name, "")
        return self._parsed(name, text, parse, default) if text else default

    def from_file(self, path: Path) -> Secret | None:
        """Return the token that `vault login` left in `path`."""
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            self.problems.append(Problem(f"{path} cannot be read: {reason}", hint="or set VAULT_TOKEN"))
            return None
        return self._parsed(str(path), text, _token, None) if text.strip() else None

    def _parsed(self, name: str, text: str, parse: Callable[[str], T], default: T) -> T:
        try:
            return parse(text)
        except ValueError as error:
            self.problems.append(Problem(f"{name} {error}"))
            return default


def _halves(found: Connection, names: _Names) -> Iterator[Problem]:
    # A value that was refused already has its own problem.
    if not names.problems and bool(found.client_cert) != bool(found.client_key):
        given, missing = ("CLIENT_CERT", "CLIENT_KEY") if found.client_cert else ("CLIENT_KEY", "CLIENT_CERT")
        yield Problem(
            f"{names.name(given)} is set and {names.name(missing)} is not",
            hint="a client certificate needs both; one file may serve as both",
        )


def seconds(text: str) -> float:
    """Return a Go duration (`1m30s`, `500ms`) or a number of seconds as seconds, more than 0.

    Raises ValueError.
    """
    text = text.strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        total = float(text)
    elif _DURATION.fullmatch(text):
        total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    else:
        message = f"is {text!r}, which is no duration: write it as 90s, 1m30s or 90"
        raise ValueError(message)
    if not 0.001 <= total <= 1_000_000:
        message = f"is {text!r}: it must be at least 1ms and at most 1,000,000 seconds"
        raise ValueError(message)
    return total


def _flag(text: str) -> bool:
    if text.strip() in _TRUE | _FALSE:
        return text.strip() in _TRUE
    message = f"is {text!r}: write it as true or false"
    raise ValueError(message)


def _count(text: str) -> int | None:
    if re.fullmatch(r"\s*[0-9]{1,4}\s*", text):
        return int(text)
    message = f"is {text!r}: write it as a whole number from 0 to 9999"
    raise ValueError(message)


def _rate(text: str) -> tuple[float, int] | None:
    parts = re.fullmatch(r"\s*(\d+(?:\.\d+)?)(?::(\d{1,9}))?\s*", text, re.ASCII)
    if parts and float(parts[1]) > 0 and parts[2] != "0":
        rate = float(parts[1])
        return rate, int(parts[2]) if parts[2] else max(1, int(rate))
    message = f"is {text!r}: write it as rate or rate:burst, such as 100 or 100:20"
    raise ValueError(message)


def _namespace(text: str) -> str:
    name = text.strip().strip("/")
    if not name.isprintable() or "//" in name or ".." in name:
        raise ValueError("is no namespace: write it as team or team/sub")
    return "" if name == "root" else name


def _host(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._-]+", text.strip()):
        return text.strip()
    raise ValueError("is no host name")


def _proxy(text: str) -> str:
    # It may hold a password: it is never quoted.
    if re.fullmatch(r"\s*(?:(?:https?|socks[45][ah]?)://)?[^\s/]+/?\s*", text):
        return text.strip()
    raise ValueError("is no proxy address: write it as http://host:port")


def _file(text: str) -> str:
    if _there(Path(text).is_file):
        return _readable(text)
    message = f"names {text!r}, which is no file here"
    raise ValueError(message)


def _folder(text: str) -> str:
    if _there(Path(text).is_dir):
        return _readable(text)
    message = f"names {text!r}, which is no folder here"
    raise ValueError(message)


def _there(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except OSError:
        return False


def _readable(text: str) -> str:
    if not os.access(text, os.R_OK):
        message = f"names {text!r}, which this user may not read"
        raise ValueError(message)
    return text


def _token(text: str) -> Secret | None:
    if not text.strip().isprintable():
        raise ValueError("holds no token: it has a line break or control character inside")
    return Secret(text.strip()) if text.strip() else None
