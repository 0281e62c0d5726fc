"""`vaultconf.yaml`: the settings of a project."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vaultconf import login_settings
from vaultconf.address import Pattern, bad_namespace, covered, unsafe_segment
from vaultconf.errors import Place, Problem
from vaultconf.http import clean_address
from vaultconf.login_settings import Login
from vaultconf.settings_reader import Reader
from vaultconf.words import NAME, Scan
from vaultconf.yaml_text import shown
from vaultconf.yaml_values import Word, YamlDocument, YamlList, YamlMap

FILE = "vaultconf.yaml"
DEFAULT_DELETES = 10

_KEYS = (
    *("version", "project", "owns", "external", "prune", "ignore", "break_glass", "limits", "server", "targets"),
    *("ledger", "may_grant"),
)
_POLICIES = "sys/policies/acl/"
_PRODUCTS = ("vault", "openbao")


@dataclass(frozen=True, slots=True)
class Hold:
    """An object to leave alone, until a day (the last one on which it holds) if one is given."""

    pattern: Pattern
    until: datetime.date | None = None
    reason: str = ""

    def holds(self, address: str, today: datetime.date) -> bool:
        """Whether it covers `address` on the day `today`."""
        return self.pattern.matches(address) and (self.until is None or today <= self.until)


@dataclass(frozen=True, slots=True)
class Target:
    """A server that the project may be applied to, and how to log in there.

    `namespace` is None where the target says nothing about it, "" for the root; without `login` the token of the
    environment serves. `vars` are what `${var:…}` stands for; `overlays` are paths as written, a later one over the
    earlier.
    """

    name: str
    address: str = ""
    namespace: str | None = None
    login: Login | None = None
    vars: Mapping[str, Word] = field(default_factory=dict, repr=False)
    overlays: tuple[Word, ...] = ()
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, with the defaults of a project that has no `vaultconf.yaml`.

    `named`: the project's name is written; `ledger`: a path in a KV v2 engine, "" where none is kept. `may_grant` has
    patterns of policy names, None where there is no limit. `places` says where settings that are limits stand.
    """

    project: str = ""
    named: bool = False
    ledger: str = ""
    owns: tuple[Pattern, ...] = ()
    may_grant: tuple[Pattern, ...] | None = None
    external: tuple[Pattern, ...] = ()
    prune: tuple[Pattern, ...] = ()
    ignore: tuple[Hold, ...] = ()
    break_glass: tuple[Pattern, ...] = ()
    max_deletes: int = DEFAULT_DELETES
    max_changes: int | None = None
    product: str = ""
    product_version: str = ""
    targets: Mapping[str, Target] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)

    def owned(self, address: str) -> bool:
        """Whether the project may declare, delete or report `address`."""
        return not self.owns or covered(self.owns, address)


def read(document: YamlDocument, folder: str) -> tuple[Settings, list[Problem]]:
    """Read `vaultconf.yaml`; `folder` is the project's folder name, the default of `project`."""
    reader = Reader(document)
    return _settings(reader, folder), reader.problems


def expired(settings: Settings, address: str, today: datetime.date) -> Hold | None:
    """The hold whose day has passed and that covers `address`, if any."""
    return next(
        (
            hold
            for hold in settings.ignore
            if hold.until is not None and hold.until < today and hold.pattern.matches(address)
        ),
        None,
    )


def _settings(reader: Reader, folder: str) -> Settings:
    root = reader.root
    reader.keys(root, _KEYS, ())
    version = root.get("version", 1)
    if version != 1 or not isinstance(version, int) or isinstance(version, bool):
        reader.complain("`version` must be 1: this version reads no other format", "version")
    limits = reader.mapping("limits")
    reader.keys(limits, ("deletes", "changes"), (), "limits")
    product, product_version = _server(reader)
    return Settings(
        project=reader.name(root.get("project", folder), "project"),
        named="project" in root,
        ledger=_ledger(reader),
        owns=reader.patterns("owns"),
        may_grant=_may_grant(reader),
        external=reader.patterns("external"),
        prune=reader.patterns("prune"),
        ignore=_holds(reader),
        break_glass=reader.patterns("break_glass"),
        max_deletes=reader.count(limits.get("deletes", DEFAULT_DELETES), "limits", "deletes"),
        max_changes=reader.count(limits["changes"], "limits", "changes") if "changes" in limits else None,
        product=product,
        product_version=product_version,
        targets={name: _target(reader, name) for name in reader.mapping("targets")},
        places={key: reader.place((key,), key=True) for key in ("owns", "may_grant") if key in root},
    )


def _may_grant(reader: Reader) -> tuple[Pattern, ...] | None:
    """Patterns of policy names; an empty list is a limit too."""
    if "may_grant" not in reader.root:
        return None
    patterns = reader.patterns("may_grant")
    for index, item in enumerate(reader.items("may_grant", "") if patterns else ()):
        text = str(item)
        if text.startswith(_POLICIES):
            hint = f"write `{shown(text.removeprefix(_POLICIES))}`"
            reader.complain("`may_grant` has names of policies, not addresses", "may_grant", index, hint=hint)
        elif text != text.lower():
            hint = f"write `{shown(text.lower())}`"
            reader.complain("the names of policies are in lower case", "may_grant", index, hint=hint)
    return patterns


def _ledger(reader: Reader) -> str:
    if "ledger" not in reader.root:
        return ""
    text = reader.text(reader.root["ledger"], "ledger")
    reason = unsafe_segment(text) if text else "is empty"
    if reason is not None or "/" not in text:
        reader.complain(
            f"`ledger` {reason or 'is not a path in an engine'}", "ledger", hint="such as `secret/vaultconf`"
        )
        return ""
    return text


def _server(reader: Reader) -> tuple[str, str]:
    server = reader.mapping("server")
    reader.keys(server, ("product", "version"), (), "server")
    if "server" not in reader.root:
        return "", ""
    product = server.get("product")
    if product not in _PRODUCTS:
        reader.complain("`product` must be `vault` or `openbao`", "server", "product", near=product, known=_PRODUCTS)
        product = ""
    return str(product), reader.version(server.get("version", ""), "server", "version")


def _holds(reader: Reader) -> tuple[Hold, ...]:
    found = reader.items("ignore", "path patterns, or of maps with `address`")
    holds = tuple(hold for index, item in enumerate(found) if (hold := _hold(reader, item, index)) is not None)
    reader.refuse_repeated("ignore", [(index, _address_of(item)) for index, item in enumerate(found)])
    return holds


def _address_of(item: object) -> object:
    return item.get("address") if isinstance(item, YamlMap) else item


def _hold(reader: Reader, item: object, index: int) -> Hold | None:
    here = ("ignore", index)
    if not isinstance(item, YamlMap):
        pattern = reader.pattern(item, *here)
        return Hold(pattern) if pattern else None
    reader.keys(item, ("address", "until", "reason"), (), *here)
    if "address" not in item:
        reader.complain("needs `address`", *here)
        return None
    pattern = reader.pattern(item["address"], *here, "address")
    until = reader.day(item["until"], *here, "until") if "until" in item else None
    reason = reader.text(item.get("reason", ""), *here, "reason")
    return Hold(pattern, until, reason) if pattern else None


def _target(reader: Reader, name: str) -> Target:
    here = ("targets", name)
    found = reader.mapping(*here)
    if not name or name != name.strip() or name.startswith("-") or "," in name:
        reader.problems.append(
            Problem(f"no `--target` can choose `{shown(name)}`", reader.place(here, key=True), "a word such as `prod`")
        )
    reader.keys(found, ("address", "namespace", "auth", "vars", "overlays"), (), *here)
    return Target(
        name,
        _address(reader, found, name),
        _namespace(reader, found, name),
        login_settings.read(reader, name),
        dict(_vars(reader, name)),
        tuple(_overlays(reader, found, name)),
        reader.place(here, key=True),
    )


def _vars(reader: Reader, name: str) -> Iterator[tuple[str, Word]]:
    """Words, numbers, flags and lists; other references in them stay, and are judged where they land."""
    here = ("targets", name, "vars")
    for key, value in reader.mapping(*here).items():
        if not NAME.match(key):
            reader.complain("is no plain name", *here, key, hint="letters, digits, `_` and `-`")
        elif value is None or isinstance(value, YamlMap):
            reader.complain("must be a word, a number, true or false, or a list", *here, key)
        elif Scan(value, (0, 0)).tokens:
            reader.complain("a variable cannot name another", *here, key)
        yield key, Word(value, reader.place((*here, key)))


def _overlays(reader: Reader, found: Mapping[str, object], name: str) -> Iterator[Word]:
    here = ("targets", name, "overlays")
    items = found.get("overlays", YamlList((0, 0)))
    if not isinstance(items, YamlList):
        reader.complain("must be a list of folders or YAML files of the project", *here)
        return
    for index, item in enumerate(items):
        if text := reader.name(item, *here, index):
            yield Word(text, reader.place((*here, index)))


def _address(reader: Reader, found: Mapping[str, object], name: str) -> str:
    if "address" not in found:
        return ""
    here = ("targets", name, "address")
    text = reader.text(found["address"], *here)
    try:
        return clean_address(text) if text else ""
    except ValueError as error:
        reader.complain(f"`address` {error}", *here)
        return ""


def _namespace(reader: Reader, found: Mapping[str, object], name: str) -> str | None:
    """`root` and "" are the root; elsewhere a name that no namespace can have is refused."""
    if "namespace" not in found:
        return None
    here = ("targets", name, "namespace")
    text = reader.text(found["namespace"], *here)
    if text in ("", "root"):
        return ""
    if (reason := bad_namespace(text)) is not None:
        reader.complain(f"the namespace {reason}", *here)
    return text
