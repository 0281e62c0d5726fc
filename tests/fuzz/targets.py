"""What is fuzzed: readers of what others wrote, each with its inputs and the only errors it may raise.

A target fails by any other exception, by an answer that is none, and by taking longer than LONGEST_SECONDS.
"""

from __future__ import annotations

import contextlib
import json
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hypothesis import strategies as st

from tests.support.memory import Memory, contact
from vaultconf import answers, catalogue, hcl, pipeline, policy, references
from vaultconf.errors import InputError, Problem, VaultconfError
from vaultconf.hcl_nodes import Document, HclError
from vaultconf.http import Answer, Request
from vaultconf.kind import Kind
from vaultconf.model import Live, Plan, Server, Unreadable
from vaultconf.pipeline import Options
from vaultconf.report import data, markdown
from vaultconf.strict_yaml import YamlMap, read_whole

LONGEST_SECONDS = 20
SERVERS = (Server("openbao", "2.7.2"), Server("vault", "2.1.0"), Server("vault", "1.16.0"))


@dataclass(frozen=True)
class Target:
    """Inputs, and what must hold for each."""

    name: str
    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    """Fail what does not come back."""

    def late(*_: object) -> None:
        raise TimeoutError(f"no answer within {LONGEST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pieces(*words: str) -> st.SearchStrategy[str]:
    """Texts that look like the language at first sight."""
    odd = ("\x00", "\x1b[31m", "\ufeff", "é", "\u2028", "\ud800", "${env:X}", "$${", "\t", "\r\n", "\n", " ", "\\")
    return st.lists(st.one_of(st.sampled_from((*words, *odd)), st.text(max_size=4)), max_size=40).map("".join)


# --- YAML ----------------------------------------------------------------------------------------------------

YAML = pieces(
    *(
        "a: ",
        "- ",
        "? ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "&x ",
        "*x",
        "!!python/object:os.system ",
        "!x ",
        "|\n ",
        ">-\n",
    ),
    *("'", '"', "# c\n", "---\n", "...\n", "%YAML 1.2\n", "<<: ", "0o7", "1:30", "on", "~", "  ", "secrets:\n  "),
)


def yaml_is_read_or_complained_about(text: bytes | str) -> None:
    found = read_whole(text, "f.yaml")

    assert all(problem.message and problem.place for problem in found.problems)
    assert found.problems or all(isinstance(item.root, YamlMap | None) for item in found.documents)


# --- documents of desired state ------------------------------------------------------------------------------

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(
        [
            "1h",
            "-1",
            "0",
            "${env:X}",
            "${file:../../x}",
            "${vault:a/b#c}",
            "${sops:x#y}",
            "${",
            "*",
            "../x",
            "root",
            "a/b",
            "${param:a}",
            "x${param:b}",
            "${var:a}",
        ]
    ),
)


#: What documents are made of other documents with.
COMPOSED = frozenset(
    {"templates", "use", "params", "policies_from", "${param:a}", "x-${param:b}", "${var:a}", "$${param:a}"}
)


@st.composite
def templates(draw: st.DrawFn) -> Any:
    """A template of a near miss, and uses of it that may fit."""
    parts = st.dictionaries(st.sampled_from(["a", "b", "", "${param:a}"]), values(), max_size=3)
    body = {"params": draw(parts), **draw(st.one_of(near_misses(), parts))}
    uses = st.lists(parts, max_size=3)
    return {"templates": {draw(st.sampled_from(["t", "u", ""])): body}, "use": {"t": draw(st.one_of(uses, values()))}}


def words() -> list[str]:
    """The keys that documents may hold, and some that they may not."""
    kinds = catalogue.all_kinds().values()
    fields = {part for kind in kinds for name in kind.fields for part in name.split(".")}
    keys = {part for kind in kinds for part in kind.yaml.split(".") if "{" not in part}
    types = {name for kind in kinds for name in kind.mount_types}
    return sorted(
        fields | keys | types | COMPOSED | {"vaultconf", "owner", "namespace", "file", "a", "A", "a/b", "${env:X}", ""}
    )


def values() -> st.SearchStrategy[Any]:
    keys = st.sampled_from(words())
    return st.recursive(
        st.one_of(SCALARS, keys), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)
    )


@st.composite
def near_misses(draw: st.DrawFn) -> Any:
    """A document with an object of some kind where it belongs, and something odd in it."""
    kind = draw(st.sampled_from(sorted(catalogue.all_kinds().values(), key=lambda kind: kind.name)))
    field_names = st.sampled_from(sorted(kind.fields) or ["a"])
    body: Any = draw(st.dictionaries(field_names, values(), max_size=6))
    for part in reversed(kind.yaml.split(".")):
        name = draw(st.sampled_from(["a", "b/c", "auth", "token", "", "A"])) if "{" in part else part
        body = {name: body}
        if part == "{mount}" and kind.in_mount:
            body[name]["type"] = draw(st.sampled_from([*sorted(kind.mount_types), "x"]))
    return body


def documents_are_declared_or_complained_about(value: Any) -> None:
    with tempfile.TemporaryDirectory(prefix="vaultconf-fuzz-") as folder:
        root = Path(folder)
        (root / "desired-state").mkdir()
        _write(root / "desired-state/a.yaml", value)
        found = _complaints(root)

    assert found is None or (found and all(problem.message for problem in found))


def overlays(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A document, and overlays that are like it, or say just the opposite of it."""
    return st.tuples(of, st.lists(of, max_size=2), st.integers(0, 6))


def overlays_are_laid_or_complained_about(found: tuple[Any, list[Any], int]) -> None:
    document, others, depth = found
    with tempfile.TemporaryDirectory(prefix="vaultconf-fuzz-") as folder:
        root = Path(folder)
        (root / "desired-state").mkdir()
        layers = [*others, _removed(document, depth)]
        names = [f"o{number}.yaml" for number in range(len(layers))]
        _write(root / "desired-state/a.yaml", document)
        for name, layer in zip(names, layers, strict=True):
            _write(root / name, layer)
        (root / "vaultconf.yaml").write_text(json.dumps({"targets": {"a": {}, "b": {"overlays": names}}}))
        problems = _complaints(root)

    assert problems is None or (problems and all(problem.message for problem in problems))


def _removed(value: Any, depth: int) -> Any:
    """The same with nothing in the place of what lies deeper."""
    if not isinstance(value, dict) or not depth:
        return None
    return {key: _removed(item, depth - 1) for key, item in value.items()}


def _write(path: Path, value: Any) -> None:
    """JSON is YAML, surrogates aside."""
    path.write_text(json.dumps(value).replace("\\ud", "\\u0d"))


def _complaints(root: Path) -> tuple[Problem, ...] | None:
    try:
        pipeline.validate(root)
    except InputError as error:
        return error.problems
    return None


# --- policies ------------------------------------------------------------------------------------------------

HCL = pieces(
    *('path "a/*" {', "}", "capabilities", " = ", "[", "]", '"read"', ", ", "#", "//", "/*", "*/", "<<EOF\n", "EOF\n"),
    *('"', "{", "0x", "1.5e", "-", "min_wrapping_ttl", "allowed_parameters", "expiration", '"a" = ', "true", "1h"),
)


def policies_are_read_or_complained_about(text: str) -> None:
    with contextlib.suppress(HclError):
        assert isinstance(hcl.parse(text), Document)
    with contextlib.suppress(policy.PolicyError):
        assert isinstance(policy.parse(text), policy.Policy)
    for server in (None, *SERVERS):
        assert all(problem.message for problem in policy.problems(text, server))
    policy.same_meaning(text, "")


def references_are_found_or_complained_about(text: str) -> None:
    with contextlib.suppress(references.BadReference):
        found = references.parse(text, PurePosixPath("desired-state"))
        assert isinstance(found, str | references.Template)
    references.in_file(text)


# --- the server ----------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.one_of(SCALARS, st.integers(min_value=10**20), st.text(max_size=3)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
STATUS = st.sampled_from([200, 200, 200, 200, 204, 400, 403, 404, 405, 429, 500, 503, 0])


@st.composite
def answers_of_kinds(draw: st.DrawFn) -> tuple[Kind, Answer, Server]:
    """An answer whose data has some of the kind's own fields, with anything in them."""
    kind = draw(st.sampled_from(sorted(catalogue.all_kinds().values(), key=lambda kind: kind.name)))
    names = sorted({part for name in kind.fields for part in (name, name.split(".")[0])} | {"config", "keys", "data"})
    fields = st.dictionaries(st.sampled_from(names), JSON, max_size=8)
    body = draw(st.one_of(fields.map(lambda found: {"data": found}), JSON))
    raw = st.one_of(st.just(json.dumps(body).encode()), st.binary(max_size=20))
    return kind, Answer(draw(STATUS), draw(raw)), draw(st.sampled_from(SERVERS))


def answers_are_understood_or_unknown(given: tuple[Kind, Answer, Server]) -> None:
    kind, answer, server = given
    found = answers.read_object(kind, answer, server)
    names = answers.listed(answer)

    assert found is None or isinstance(found, Live | Unreadable)
    assert isinstance(names, Unreadable) or all(isinstance(name, str) for name in names)


PROJECT = """
policies: {p: {policy: 'path "a" { capabilities = ["read"] }'}}
secrets:
  kv: {type: kv, options: {version: "2"}, config: {max_versions: 3}}
  db: {type: database, connections: {c: {plugin_name: postgresql-database-plugin, password: "${vault:kv/a#b}"}}}
auth:
  approle: {type: approle, roles: {r: {token_policies: [p]}}}
  jwt: {type: jwt, config: {oidc_discovery_url: https://x}}
identity: {groups: {g: {type: internal, policies: [p]}}, entities: {e: {}}}
audit: {file: {type: file, options: {file_path: /dev/null}}}
quotas: {rate_limit: {q: {rate: 5}}}
"""


class Hostile(Memory):
    """A server that says to each path whatever it likes, and always the same."""

    def __init__(self, said: Mapping[str, Answer], otherwise: list[Answer]) -> None:
        super().__init__({})
        self.said, self.otherwise = said, otherwise

    def send(self, request: Request) -> Answer:
        given = self.otherwise[sum(request.path.encode()) % len(self.otherwise)]
        return self.said.get(request.path, given)


@st.composite
def hostile_servers(draw: st.DrawFn) -> Hostile:
    """The tables are often sound, so that what lies behind them is reached."""
    table = st.dictionaries(st.sampled_from(["kv/", "db/", "approle/", "jwt/", "x", "token/", "/"]), JSON, max_size=5)
    types = (
        {"kv/": "kv", "db/": "database", "sys/": "system"},
        {"approle/": "approle", "jwt/": "jwt", "token/": "token"},
    )
    sound = [{name: {"type": kind, "options": {"version": "2"}} for name, kind in one.items()} for one in types]
    wild = st.builds(Answer, STATUS, st.one_of(st.binary(max_size=9), _bodies()))
    said = {}
    for path, good in zip(("sys/mounts", "sys/auth"), sound, strict=True):
        said[path] = draw(st.one_of(st.just(_data(good)), table.map(_data), wild))
    return Hostile(said, draw(st.lists(wild, min_size=1, max_size=8)))


def _bodies() -> st.SearchStrategy[bytes]:
    names = [
        "keys",
        "data",
        "key_info",
        "config",
        "id",
        "policies",
        "policy",
        "type",
        "path",
        "options",
        "capabilities",
    ]
    inner = st.dictionaries(st.sampled_from(names), JSON, max_size=5)
    return st.one_of(inner.map(lambda found: {"data": found}), JSON).map(lambda body: json.dumps(body).encode())


def _data(found: object) -> Answer:
    return Answer(200, json.dumps({"data": found}).encode())


def a_hostile_server_makes_a_plan_or_an_error(server: Hostile) -> None:
    with tempfile.TemporaryDirectory(prefix="vaultconf-fuzz-") as folder:
        root = Path(folder)
        (root / "desired-state").mkdir()
        (root / "desired-state/a.yaml").write_text(PROJECT)
        loaded, state = pipeline.validate(root)
        with contextlib.suppress(VaultconfError):
            made = pipeline.plan(loaded, state, contact(server, SERVERS[0]), Options())
            assert isinstance(made, Plan)
            json.loads(data.dump(data.plan(made)))
            markdown.plan(made)


def targets() -> list[Target]:
    """All of them."""
    return [
        Target("YAML text", st.one_of(st.binary(), st.text(st.characters()), YAML), yaml_is_read_or_complained_about),
        Target(
            "desired state", st.one_of(values(), near_misses(), templates()), documents_are_declared_or_complained_about
        ),
        Target("overlays", overlays(st.one_of(near_misses(), templates())), overlays_are_laid_or_complained_about),
        Target("HCL", st.one_of(st.text(st.characters()), HCL), policies_are_read_or_complained_about),
        Target(
            "references",
            st.one_of(st.text(), pieces("${", "}", "env:", "vault:", "#", "/", "..")),
            references_are_found_or_complained_about,
        ),
        Target("answers of the server", answers_of_kinds(), answers_are_understood_or_unknown),
        Target("plans of a hostile server", hostile_servers(), a_hostile_server_makes_a_plan_or_an_error),
    ]
