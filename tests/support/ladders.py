"""Ladders: what is proven about each kind, as data in `tests/ladders/<kind>.yaml`, and the means to walk them.

A kind may have more of them, `<kind>.<word>.yaml`. A ladder file says:

    object       the names in the object's address
    exists       true where the server makes the object itself
    around       YAML of what must surround it; applied first, and declared all the time
    least        YAML of the object with the least it needs; `raw`, where it differs, the same as an API body
                 (false where no single request makes it: apply does)
    server       `audit` where it needs a server that takes audit devices over the API, `namespaces` one that has them
    sql, env     SQL to run first as PostgreSQL's superuser; environment variables for `${env:…}`
    rungs        desired states one after the other, each `least` and what it has `with` it, or a body `instead`: the
                 `action` of the plan (update if not said; none where `fields` is empty), the `fields` it names (a
                 create names those that are written), whether it needs `allow`, `at_once: false` where a server takes it
                 as an update only, and the `only` product it is for
    mutations    by field, one that no server returns included: what to `send` (`to` another path than the object's own), or with which body to make the
                 object `anew`, what is declared `with` it, the `names` of the plan if not the field's own, `action`,
                 `allow`, `only`
    not_walked   fields that no server here can take, and not_mutated: such that nobody else can change; with reasons

Fields that the server's product does not have are left out of rungs, and their mutations are not run.
`<unique>` and `<folder>` stand for this run's own prefix and a folder that the server can write to; where `env` has
`DB_PASSWORD`, `<postgres>` and `<password>` for a PostgreSQL's connection URL and its superuser's password; where it
has `CA_KEY`, `<ca>`, `<ca_key>`, `<other_ca>` and `<other_ca_key>` for certificates and keys. `<issuer>` is the URL of an
OpenID provider, and so is each path below it.
"""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.cli import Project, Result
from tests.support.raw import Raw
from vaultconf import catalogue
from vaultconf.kind import Kind
from vaultconf.kind_facts import keys_of
from vaultconf.model import Server

FOLDER = Path(__file__).parents[1] / "ladders"
KEYS = frozenset(
    {
        "object", "exists", "around", "least", "raw", "server", "sql", "env",
        "rungs", "mutations", "not_walked", "not_mutated",
    }
)  # fmt: skip

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What a plan says about the object, and what came of it; both of a run and as expected."""

    action: str
    fields: tuple[str, ...]
    others: tuple[str, ...] = ()
    applied: str = "done"
    again: str = "no changes"
    exported: str = "as it is"


@dataclass(frozen=True, slots=True)
class Rung:
    """One desired state, and what the plan that leads to it says."""

    wanted: Tree
    expected: Step
    allow: bool = False
    at_once: bool = True


@dataclass(frozen=True, slots=True)
class Mutation:
    """One field changed behind our back: by `send` to a path, or by making the object `anew`."""

    field: str
    wanted: Tree
    expected: Step
    send: Tree | None
    anew: Tree | None
    to: str
    allow: bool = False


@dataclass(frozen=True, slots=True)
class Ladder:
    """The ladder of a kind, its placeholders filled; `data` is the file as it is."""

    kind: Kind
    data: Tree = field(repr=False)

    @property
    def params(self) -> dict[str, str]:
        """The names in the object's address."""
        return dict(self.data["object"])

    @property
    def address(self) -> str:
        """The object's address."""
        return self.kind.path_of(self.params)

    @property
    def exists(self) -> bool:
        """Whether the server makes the object itself."""
        return bool(self.data.get("exists", False))

    @property
    def least(self) -> Tree:
        """The object with the least it needs, as YAML."""
        return dict(self.data.get("least", {}))

    @property
    def raw(self) -> Tree:
        """The same as an API body."""
        return dict(self.data.get("raw", self.least))

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that its references name."""
        return dict(self.data.get("env", {}))

    def document(self, wanted: Tree) -> Tree:
        """A document that declares the object."""
        found = wanted
        for key in reversed(keys_of(self.kind, self.params)):
            found = {key: found}
        return found

    def rungs(self, server: Server) -> Iterator[Rung]:
        """The rungs for a server."""
        for rung in self.data["rungs"]:
            if rung.get("only", server.product) == server.product:
                wanted = rung.get("instead", merged(self.least, rung.get("with", {})))
                wanted = without_absent(self.kind, wanted, server)
                expected = self._expected(rung, wanted, server)
                yield Rung(wanted, expected, allow=rung.get("allow", False), at_once=rung.get("at_once", True))

    def mutations(self, server: Server) -> Iterator[Mutation]:
        """The mutations of the fields that a server returns."""
        for name, data in self.data["mutations"].items():
            spec = self.kind.fields[name]
            fits = data.get("only", server.product) == server.product
            if fits and spec.exists_on(server) and spec.read_back_on(server):
                yield self._mutation(name, data, server)

    def unseen(self, server: Server) -> Iterator[Mutation]:
        """The mutations of the fields that a server does not have, or does not return."""
        for name, data in self.data["mutations"].items():
            spec = self.kind.fields[name]
            fits = data.get("only", server.product) == server.product
            if fits and not (spec.exists_on(server) and spec.read_back_on(server)):
                yield self._mutation(name, data, server)

    def _mutation(self, name: str, data: Tree, server: Server) -> Mutation:
        wanted = without_absent(self.kind, merged(self.least, data.get("with", {})), server)
        expected = Step(data.get("action", "update"), self._named(data.get("names", [name]), server))
        where = data.get("to", self.address)
        return Mutation(
            name, wanted, expected, data.get("send"), data.get("anew"), where, allow=data.get("allow", False)
        )

    def _expected(self, rung: Tree, wanted: Tree, server: Server) -> Step:
        action = rung.get("action", "update")
        if action == "create":
            return Step(action, tuple(sorted(rung.get("fields", dotted(self.kind, wanted)))))
        fields = self._named(rung["fields"], server)
        return Step(action if fields else "", fields)

    def _named(self, names: Iterable[str], server: Server) -> tuple[str, ...]:
        """Those that a plan on this server can name, in order."""
        specs = {name: field_of(self.kind, name) for name in names}
        return tuple(
            sorted(name for name, spec in specs.items() if spec.exists_on(server) and spec.read_back_on(server))
        )


def load(name: str, places: Mapping[str, str] | None = None) -> Ladder:
    """Read the ladder of a file's stem; without `places` the placeholders stay."""
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    for place, value in (places or {}).items():
        text = text.replace(f"<{place}>", value)
    return Ladder(catalogue.all_kinds()[name.partition(".")[0]], yaml.safe_load(text))


def field_of(kind: Kind, name: str) -> Any:
    """The field that a name in a plan belongs to: maps are named by entry."""
    while name not in kind.fields:
        name = name.rpartition(".")[0]
    return kind.fields[name]


def merged(base: Tree, more: Tree) -> Tree:
    """`base` with `more` laid over it, maps merged."""
    result = copy.deepcopy(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else copy.deepcopy(value)
    return result


def dotted(kind: Kind, tree: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The fields that a YAML body writes."""
    names: list[str] = []
    for key, value in tree.items():
        name = prefix + key
        names += [name] if name in kind.fields else dotted(kind, value, f"{name}.")
    return names


def without_absent(kind: Kind, tree: Tree, server: Server, prefix: str = "") -> Tree:
    """The body without the fields that the server's product does not have."""
    kept: Tree = {}
    for key, value in tree.items():
        spec = kind.fields.get(prefix + key)
        if spec is None:
            kept[key] = without_absent(kind, value, server, f"{prefix}{key}.")
        elif spec.exists_on(server):
            kept[key] = value
    return kept


@dataclass(frozen=True, slots=True)
class Climber:
    """One object on a real server, and the project that declares it."""

    ladder: Ladder
    project: Project
    raw: Raw

    @property
    def server(self) -> Server:
        """The server as the models know it."""
        return Server(self.project.server.product, self.project.server.version)

    def set_out(self) -> None:
        """Apply what surrounds the object."""
        self.project.write("desired-state/around.yaml", yaml.safe_dump(self.ladder.data.get("around", {})))
        self.project.write("desired-state/object.yaml", "")
        applied = self._run("apply", "--yes")
        assert applied.exit_code == 0, applied

    def declare(self, wanted: Tree) -> None:
        """Write the object's YAML."""
        self.project.write("desired-state/object.yaml", yaml.safe_dump(self.ladder.document(wanted)))

    def climb(self, wanted: Tree, *, allow: bool = False) -> Step:
        """Declare a state, plan, apply, plan again; say what happened."""
        self.declare(wanted)
        action, fields, others = self.planned()
        applied = self._run("apply", "--yes", *(["--allow", self.ladder.address] if allow else []))
        again = self._run("plan", "--format", "json", "--detailed-exitcode")
        return Step(
            action,
            fields,
            others,
            "done" if applied.exit_code == 0 else str(applied),
            "no changes" if again.exit_code == 0 else str(again),
        )

    def exported(self) -> str:
        """What came of exporting the object as it is now."""
        with tempfile.TemporaryDirectory() as folder:
            argv = ("--output", folder, "--only", self.ladder.address, "--format", "json")
            result = self._run("export", *argv)
            left_out = json.loads(result.stdout)["left_out"] if result.exit_code == 0 else [str(result)]
        return f"not: {left_out}" if left_out else "as it is"

    def planned(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """The action and the fields that the plan names for the object, and what else it would change or notes."""
        result = self._run("plan", "--format", "json")
        assert result.exit_code == 0, result
        changes = result.plan["changes"]
        ours = [change for change in changes if change["address"] == self.ladder.address]
        notes = [notice for notice in result.plan["notices"] if self.ladder.kind.name in notice]
        others = (*(change["address"] for change in changes if change not in ours), *notes)
        fields = tuple(sorted(item["field"] for change in ours for item in change["fields"]))
        return "".join(change["action"] for change in ours), fields, others

    def mutate(self, mutation: Mutation) -> None:
        """Change one field through the API."""
        if mutation.anew is not None:
            self.raw.delete(self.ladder.address)
            self.raw.write(self.ladder.address, mutation.anew)
        if mutation.send is not None:
            self.raw.write(mutation.to, mutation.send)

    def make_raw(self) -> None:
        """Make the object through the API with the least it needs; what always exists is left as it is."""
        if self.ladder.data.get("raw") is False:
            self.climb(self.ladder.least)
            return
        if not self.ladder.exists:
            self.raw.write(self.ladder.address, self.ladder.raw)

    def clear(self) -> None:
        """Leave the server as it was: where it made an object itself, and audit devices, whose lost sink would stop it."""
        if self.ladder.exists and not self.ladder.data.get("around"):
            self.climb(self.ladder.least)
        for name in self.ladder.data.get("around", {}).get("audit", {}):
            self.raw.delete(f"sys/audit/{name}")
            self.raw.delete(self.ladder.address)

    def answer(self) -> Mapping[str, Any]:
        """What the server says about the object."""
        kind = self.ladder.kind
        if kind.table:
            return dict((self.raw.read(kind.table) or {})[f"{self.ladder.params[kind.holes[-1]]}/"])
        return self.raw.read(self.ladder.address) or {}

    def _run(self, *argv: str) -> Result:
        return self.project.run(*argv, env=self.ladder.env)


def ladder_names() -> list[str]:
    """The stems of all ladder files."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))
