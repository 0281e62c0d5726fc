"""Ladders: what is proven about each kind, as data in `tests/ladders/<kind>.yaml`, and the means to walk them.

A ladder file says:

    object       the names in the object's address
    around       YAML of what must surround it; applied first, and declared all the time
    least        YAML of the object with the least it needs; `raw`, where it differs, the same as an API body
    server       `audit` where it needs a server that takes audit devices over the API
    sql, env     SQL to run first as PostgreSQL's superuser; environment variables for `${env:…}`
    rungs        desired states one after the other, each `least` and what it has `with` it: the `action` of the plan
                 (update if not said; none where `fields` is empty), the `fields` it names (a create names those
                 that are written), whether it needs `allow`, and the `only` product it is for
    mutations    by field: what to `send` (`to` another path than the object's own), or with which body to make the
                 object `anew`, what is declared `with` it, the `names` of the plan if not the field's own, `action`,
                 `allow`, `only`
    not_walked   fields that no server here can take, and not_mutated: such that nobody else can change; with reasons

Fields that the server's product does not have are left out of rungs, and their mutations are not run.
`<unique>`, `<folder>`, `<postgres>` and `<password>` stand for this run's own prefix, a folder that the server can
write to, the connection URL of its PostgreSQL and the superuser's password.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.cli import Project, Result
from tests.support.raw import Raw
from vaultconf import catalogue
from vaultconf.kind import Kind
from vaultconf.model import Server

FOLDER = Path(__file__).parents[1] / "ladders"
KEYS = frozenset(
    {"object", "around", "least", "raw", "server", "sql", "env", "rungs", "mutations", "not_walked", "not_mutated"}
)

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What a plan says about the object, and what came of it; both of a run and as expected."""

    action: str
    fields: tuple[str, ...]
    others: tuple[str, ...] = ()
    applied: str = "done"
    again: str = "no changes"


@dataclass(frozen=True, slots=True)
class Rung:
    """One desired state, and what the plan that leads to it says."""

    wanted: Tree
    expected: Step
    allow: bool = False
    only: str = ""


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
    only: str = ""


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

    def rungs(self, server: Server) -> Iterator[Rung]:
        """The rungs for a server."""
        for rung in self.data["rungs"]:
            if rung.get("only", server.product) == server.product:
                wanted = without_absent(self.kind, merged(self.least, rung.get("with", {})), server)
                yield Rung(wanted, self._expected(rung, wanted, server), rung.get("allow", False))

    def mutations(self, server: Server) -> Iterator[Mutation]:
        """The mutations of the fields that a server returns."""
        for name, data in self.data["mutations"].items():
            spec = self.kind.fields[name]
            fits = data.get("only", server.product) == server.product
            if fits and spec.exists_on(server) and spec.read_back_on(server):
                yield self._mutation(name, data, server)

    def elsewhere(self, server: Server) -> Iterator[Mutation]:
        """The mutations of the fields that only another product has."""
        for name, data in self.data["mutations"].items():
            if not self.kind.fields[name].exists_on(server):
                yield self._mutation(name, data, server)

    def _mutation(self, name: str, data: Tree, server: Server) -> Mutation:
        wanted = without_absent(self.kind, merged(self.least, data.get("with", {})), server)
        expected = Step(data.get("action", "update"), tuple(sorted(data.get("names", [name]))))
        where = data.get("to", self.address)
        return Mutation(
            name, wanted, expected, data.get("send"), data.get("anew"), where, allow=data.get("allow", False)
        )

    def _expected(self, rung: Tree, wanted: Tree, server: Server) -> Step:
        action = rung.get("action", "update")
        named = rung.get("fields", dotted(self.kind, wanted) if action == "create" else None)
        fields = tuple(sorted(name for name in named if field_of(self.kind, name).exists_on(server)))
        return Step(action if fields or action != "update" else "", fields)


def load(kind: Kind, places: Mapping[str, str] | None = None) -> Ladder:
    """Read the ladder of a kind; without `places` the placeholders stay. Raises OSError where there is none."""
    text = (FOLDER / f"{kind.name}.yaml").read_text(encoding="utf-8")
    for name, value in (places or {}).items():
        text = text.replace(f"<{name}>", value)
    return Ladder(kind, yaml.safe_load(text))


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
        *parents, last = self.ladder.kind.yaml.split(".")
        document: Tree = {}
        target = document
        for part in parents:
            target = target.setdefault(part.format_map(self.ladder.params), {})
        target[last.format_map(self.ladder.params)] = wanted
        self.project.write("desired-state/object.yaml", yaml.safe_dump(document))

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

    def planned(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """The action and the fields that the plan names for the object, and what else it would change."""
        result = self._run("plan", "--format", "json")
        assert result.exit_code == 0, result
        changes = result.plan["changes"]
        ours = [change for change in changes if change["address"] == self.ladder.address]
        others = tuple(change["address"] for change in changes if change not in ours)
        fields = tuple(sorted(item["field"] for change in ours for item in change["fields"]))
        return "".join(change["action"] for change in ours), fields, others

    def notices(self) -> list[str]:
        """What the plan says beside the changes."""
        return list(self._run("plan", "--format", "json").plan["notices"])

    def mutate(self, mutation: Mutation) -> None:
        """Change one field through the API."""
        if mutation.anew is not None:
            self.raw.delete(self.ladder.address)
            self.raw.write(self.ladder.address, mutation.anew)
        if mutation.send is not None:
            self.raw.write(mutation.to, mutation.send)

    def make_raw(self) -> None:
        """Make the object through the API with the least it needs; what always exists is left as it is."""
        if not self.ladder.kind.always:
            self.raw.write(self.ladder.address, self.ladder.raw)

    def answer(self) -> Mapping[str, Any]:
        """What the server says about the object."""
        kind = self.ladder.kind
        if kind.table:
            return dict((self.raw.read(kind.table) or {})[f"{self.ladder.params[kind.holes[-1]]}/"])
        return self.raw.read(self.ladder.address) or {}

    def _run(self, *argv: str) -> Result:
        return self.project.run(*argv, env=self.ladder.env)


def kinds_with_ladder() -> list[str]:
    """The names of the kinds that have a ladder file."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def kind_named(name: str) -> Kind:
    """The kind of a ladder file."""
    return catalogue.all_kinds()[name]
