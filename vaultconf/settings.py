"""`vaultconf.yaml`: the settings of a project."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vaultconf.address import Pattern
from vaultconf.errors import Problem, nearest
from vaultconf.strict_yaml import YamlDocument, place_of
from vaultconf.yaml_values import YamlMap

FILE = "vaultconf.yaml"

_KEYS = ("version", "project", "owns", "external", "prune", "ignore", "limits", "server", "targets")
_NOT_YET = ("may_grant", "break_glass", "ledger")
_TARGET_NOT_YET = ("vars", "overlays")
DEFAULT_DELETES = 10


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
    """A server that the project may be applied to, and how to log in there."""

    name: str
    address: str = ""
    namespace: str = ""
    auth: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, with the defaults of a project that has no `vaultconf.yaml`."""

    project: str = ""
    owns: tuple[Pattern, ...] = ()
    external: tuple[Pattern, ...] = ()
    prune: tuple[Pattern, ...] = ()
    ignore: tuple[Hold, ...] = ()
    max_deletes: int = DEFAULT_DELETES
    max_changes: int | None = None
    product: str = ""
    product_version: str = ""
    targets: Mapping[str, Target] = field(default_factory=dict)

    def owned(self, address: str) -> bool:
        """Whether the project may declare, delete or report `address`."""
        return not self.owns or any(pattern.matches(address) for pattern in self.owns)


class _Reader:
    """Reads one document into Settings and gathers what is wrong with it."""

    def __init__(self, document: YamlDocument) -> None:
        self.document = document
        self.root: Mapping[str, Any] = document.root if document.root is not None else {}
        self.problems: list[Problem] = []

    def complain(self, message: str, *path: str | int, hint: str = "") -> None:
        self.problems.append(Problem(message, place_of(self.document, path), hint))

    def keys(self, value: Mapping[str, Any], known: tuple[str, ...], later: tuple[str, ...], *path: str | int) -> None:
        for key in value:
            if key in later:
                self.complain(f"`{key}` is not in this version", *path, key)
            elif key not in known:
                self.complain(f"unknown key `{key}`", *path, key, hint=nearest(key, known))

    def mapping(self, value: object, *path: str | int) -> Mapping[str, Any]:
        if isinstance(value, YamlMap):
            return value
        self.complain("must be a map", *path)
        return {}

    def text(self, value: object, *path: str | int) -> str:
        if isinstance(value, str) and "${" not in value:
            return value
        self.complain("must be plain text", *path)
        return ""

    def patterns(self, key: str) -> tuple[Pattern, ...]:
        found = self.root.get(key, [])
        if not isinstance(found, list):
            self.complain("must be a list of path patterns", key)
            return ()
        return tuple(
            pattern for index, item in enumerate(found) if (pattern := self.pattern(item, key, index)) is not None
        )

    def pattern(self, value: object, *path: str | int) -> Pattern | None:
        try:
            return Pattern.parse(value if isinstance(value, str) and "${" not in value else "")
        except ValueError as error:
            self.complain(str(error), *path)
            return None

    def holds(self) -> tuple[Hold, ...]:
        found = self.root.get("ignore", [])
        if not isinstance(found, list):
            self.complain("must be a list", "ignore")
            return ()
        return tuple(hold for index, item in enumerate(found) if (hold := self.hold(item, index)) is not None)

    def hold(self, item: object, index: int) -> Hold | None:
        if not isinstance(item, YamlMap):
            pattern = self.pattern(item, "ignore", index)
            return Hold(pattern) if pattern else None
        self.keys(item, ("address", "until", "reason"), (), "ignore", index)
        pattern = self.pattern(item.get("address"), "ignore", index)
        until = self.day(item["until"], "ignore", index, "until") if "until" in item else None
        reason = self.text(item.get("reason", ""), "ignore", index, "reason")
        return Hold(pattern, until, reason) if pattern else None

    def day(self, value: object, *path: str | int) -> datetime.date | None:
        try:
            return datetime.date.fromisoformat(value if isinstance(value, str) else "")
        except ValueError:
            self.complain("must be a day such as `2026-12-01`", *path)
            return None

    def count(self, value: object, *path: str | int) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self.complain("must be a whole number, 0 or more", *path)
        return 0

    def target(self, name: str, value: object) -> Target:
        found = self.mapping(value, "targets", name)
        self.keys(found, ("address", "namespace", "auth"), _TARGET_NOT_YET, "targets", name)
        login = self.mapping(found["auth"], "targets", name, "auth") if "auth" in found else {}
        if login and login.get("method") != "token":
            self.complain(
                "this login method is not in this version", "targets", name, "auth", hint="use `method: token`"
            )
        words = {key: self.text(found.get(key, ""), "targets", name, key) for key in ("address", "namespace")}
        return Target(name, words["address"], words["namespace"].strip("/"), dict(login))

    def settings(self, folder: str) -> Settings:
        self.keys(self.root, _KEYS, _NOT_YET)
        if self.root.get("version", 1) != 1:
            self.complain("`version` must be 1", "version")
        limits = self.mapping(self.root["limits"], "limits") if "limits" in self.root else {}
        self.keys(limits, ("deletes", "changes"), (), "limits")
        server = self.mapping(self.root["server"], "server") if "server" in self.root else {}
        self.keys(server, ("product", "version"), (), "server")
        if server and server.get("product") not in ("vault", "openbao"):
            self.complain("`product` must be `vault` or `openbao`", "server")
        targets = self.mapping(self.root["targets"], "targets") if "targets" in self.root else {}
        return Settings(
            project=self.text(self.root.get("project", folder), "project"),
            owns=self.patterns("owns"),
            external=self.patterns("external"),
            prune=self.patterns("prune"),
            ignore=self.holds(),
            max_deletes=self.count(limits.get("deletes", DEFAULT_DELETES), "limits", "deletes"),
            max_changes=self.count(limits["changes"], "limits", "changes") if "changes" in limits else None,
            product=str(server.get("product", "")),
            product_version=self.text(server.get("version", ""), "server", "version"),
            targets={name: self.target(name, value) for name, value in targets.items()},
        )


def read(document: YamlDocument, folder: str) -> tuple[Settings, list[Problem]]:
    """Read `vaultconf.yaml`; `folder` is the project's folder name, the default of `project`."""
    reader = _Reader(document)
    settings = reader.settings(folder)
    return settings, reader.problems


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
