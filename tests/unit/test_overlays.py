"""Overlays: maps merge, the rest replaces, null removes; every target is checked with its own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.loading import A_POLICY, by_address, write
from tests.unit.test_templates import refused
from vaultconf import pipeline
from vaultconf.desired import DesiredState
from vaultconf.errors import InputError, Place
from vaultconf.references import Deferred
from vaultconf.report import rendered

A, P = "desired-state/a.yaml", "overlays/prod/o.yaml"
SETTINGS = "targets: {stage: {}, prod: {overlays: [overlays/prod]}}\n"
BASE = """\
secrets:
  kv:
    type: kv
    options: {version: "2"}
    tune: {max_lease_ttl: 24h, default_lease_ttl: 1h}
    config: {max_versions: 20}
auth:
  approle:
    type: approle
    roles:
      app: {token_ttl: 1h, token_bound_cidrs: [10.0.0.0/8, 192.168.0.0/16], token_num_uses: 5}
      old: {}
identity:
  entities:
    e: {metadata: {team: a, tier: gold}}
"""


def laid(root: Path, overlay: str, files: Mapping[str, str] | None = None, target: str = "prod") -> DesiredState:
    """What a target wants: BASE, or other files, with one overlay over them."""
    write(root, {"vaultconf.yaml": SETTINGS, **(files or {A: BASE}), P: overlay})
    return pipeline.validate(root, target)[1]


def wrong(root: Path, overlay: str, files: Mapping[str, str] | None = None, target: str | None = "prod") -> list[str]:
    """What is wrong with it, as a person reads it."""
    return refused(root, {"vaultconf.yaml": SETTINGS, **(files or {A: BASE}), P: overlay}, target)


# --- maps merge, the rest replaces, null removes ----------------------------------------------------------------


def test_what_an_overlay_says_of_a_field_replaces_what_the_documents_say(tmp_path: Path) -> None:
    overlay = "auth: {approle: {roles: {app: {token_ttl: 5m, token_bound_cidrs: [10.1.0.0/16]}}}}\n"

    role = by_address(laid(tmp_path, overlay))["auth/approle/role/app"]

    assert role.values == {"token_ttl": 300, "token_bound_cidrs": ("10.1.0.0/16",), "token_num_uses": 5}
    assert role.places["token_ttl"] == Place(P, 1, 32)
    assert role.places["token_num_uses"] == Place(A, 11, 77)
    assert role.place == Place(A, 11, 7)


def test_without_the_overlay_nothing_changes(tmp_path: Path) -> None:
    overlay = "auth: {approle: {roles: {app: {token_ttl: 5m}, old: null}}}\n"

    found = by_address(laid(tmp_path, overlay, target="stage"))

    assert found["auth/approle/role/app"].values["token_ttl"] == 3600
    assert "auth/approle/role/old" in found


def test_an_overlay_adds_objects_and_children_of_mounts(tmp_path: Path) -> None:
    overlay = "auth: {approle: {roles: {new: {}}}}\npolicies: {p: {policy: '#'}}\n---\nnamespace: team\npolicies: {p: {policy: '#'}}\n"

    state = laid(tmp_path, overlay)

    found = by_address(state)
    assert found["auth/approle/role/new"].place == Place(P, 1, 26)
    assert {"sys/policies/acl/p", "team/sys/policies/acl/p"} <= found.keys()
    assert state.foreign == {}


@pytest.mark.parametrize(
    ("overlay", "gone"),
    [
        ("auth: {approle: {roles: {old: null}}}\n", {"auth/approle/role/old"}),
        ("auth: {approle: {roles: null}}\n", {"auth/approle/role/old", "auth/approle/role/app"}),
        ("auth: {approle: null}\n", {"sys/auth/approle", "auth/approle/role/old", "auth/approle/role/app"}),
        ("secrets: {kv: }\n", {"sys/mounts/kv", "kv/config"}),
        ("identity: null\n", {"identity/entity/name/e"}),
    ],
)
def test_null_removes_objects_mounts_with_all_that_is_in_them_and_sections(
    tmp_path: Path, overlay: str, gone: set[str]
) -> None:
    before = by_address(laid(tmp_path / "a", "policies: {p: {policy: '#'}}\n", target="stage"))

    after = by_address(laid(tmp_path / "b", overlay))

    assert before.keys() - after.keys() == gone
    assert not after.keys() - before.keys()


def test_null_removes_fields_and_keys_of_maps(tmp_path: Path) -> None:
    overlay = """\
    secrets: {kv: {tune: {max_lease_ttl: null}, config: {max_versions: null}}}
    identity: {entities: {e: {metadata: {tier: null, stage: prod}}}}
    """

    found = by_address(laid(tmp_path, overlay))

    assert found["sys/mounts/kv"].values["tune.default_lease_ttl"] == 3600
    assert "tune.max_lease_ttl" not in found["sys/mounts/kv"].values
    assert found["kv/config"].values == {}
    entity = found["identity/entity/name/e"]
    assert entity.values == {"metadata": {"team": "a", "stage": "prod"}}
    assert entity.places["metadata"] == Place(P, 2, 27)


def test_a_map_over_a_text_and_a_text_over_a_map_replace(tmp_path: Path) -> None:
    files = {A: "identity: {entities: {e: {metadata: {a: b}}, f: {metadata: 'a=b'}}}\n"}
    overlay = "identity: {entities: {e: {metadata: 'c=d'}, f: {metadata: {c: d}}}}\n"

    complaints = wrong(tmp_path, overlay, files, None)

    assert complaints == [
        f"{A}:1:60: `metadata` must be a map of words, numbers or true/false (for the target `stage`)",
        f"{P}:1:37: `metadata` must be a map of words, numbers or true/false (for the target `prod`)",
    ]


def test_a_mount_may_change_its_type_or_repeat_it(tmp_path: Path) -> None:
    repeated = laid(tmp_path / "a", "secrets: {kv: {type: kv, description: x}}\n")
    changed = laid(
        tmp_path / "b", "auth: {approle: {type: userpass, roles: null, users: {u: {password: '${env:P}'}}}}\n"
    )

    assert by_address(repeated)["sys/mounts/kv"].values["description"] == "x"
    assert by_address(changed)["sys/auth/approle"].values["type"] == "userpass"
    assert "auth/approle/users/u" in by_address(changed)


def test_the_reserved_key_merges(tmp_path: Path) -> None:
    files = {
        A: "auth: {a: {type: approle, roles: {r: {token_ttl: 1h, vaultconf: {protect: true, ignore: [token_ttl]}}}}}\n"
    }
    overlay = "auth: {a: {roles: {r: {vaultconf: {protect: null, create_only: true}}}}}\n"

    role = by_address(laid(tmp_path, overlay, files))["auth/a/role/r"]

    assert (role.guidance.protect, role.guidance.create_only, role.guidance.ignore) == (False, True, ("token_ttl",))
    assert role.places["vaultconf"] == Place(P, 1, 24)


def test_a_wrong_entry_of_a_merged_reserved_key_is_said_at_the_overlay(tmp_path: Path) -> None:
    files = {A: "auth: {a: {type: approle, roles: {r: {vaultconf: {ignore: [token_ttl]}}}}}\n"}
    overlay = "auth: {a: {roles: {r: {vaultconf: {protect: 7}}}}}\n"

    complaints = wrong(tmp_path, overlay, files, None)

    assert any(line.startswith(f"{P}:1:45: `vaultconf.protect` must be true or false") for line in complaints)


def test_the_policy_of_a_document_is_replaced_whatever_spells_it(tmp_path: Path) -> None:
    files = {A: "policies: {p: {file: p.hcl}, q: {policy: '#'}}\n", "desired-state/p.hcl": "# p\n"}
    overlay = "policies: {p: {policy: '# mine'}, q: {file: q.hcl}}\n"

    found = by_address(laid(tmp_path, overlay, {**files, "overlays/prod/q.hcl": "# q\n"}))

    assert found["sys/policies/acl/p"].values == {"policy": "# mine"}
    assert found["sys/policies/acl/q"].values == {"policy": "# q"}
    assert found["sys/policies/acl/q"].places["policy"] == Place(P, 1, 39)


def test_an_overlay_reaches_every_document_of_its_namespace_and_no_other(tmp_path: Path) -> None:
    files = {
        A: "auth: {approle: {type: approle, roles: {a: {}}}}\n---\nauth: {approle: {type: approle, roles: {b: {}}}}\n",
        "desired-state/n.yaml": "namespace: team\nauth: {approle: {type: approle, roles: {a: {}}}}\n",
    }

    found = by_address(laid(tmp_path, "auth: {approle: null}\n", files))

    assert sorted(found) == ["team/auth/approle/role/a", "team/sys/auth/approle"]


def test_a_later_overlay_lies_over_an_earlier_one(tmp_path: Path) -> None:
    settings = "targets: {prod: {overlays: [one, two.yml]}}\n"
    files = {
        "vaultconf.yaml": settings,
        A: BASE,
        "one/deep/x.yaml": "auth: {approle: {roles: {app: {token_ttl: 5m}, new: {token_ttl: 6m}}}}\nidentity: {entities: {e: {metadata: {one: a}}}}\n",
        "two.yml": "auth: {approle: {roles: {app: {token_ttl: 7m}, new: null}}}\nidentity: {entities: {e: {metadata: {two: b, team: null}}}}\n",
    }

    found = by_address(pipeline.validate(write(tmp_path, files), "prod")[1])

    assert found["auth/approle/role/app"].values["token_ttl"] == 420
    assert "auth/approle/role/new" not in found
    assert found["identity/entity/name/e"].values["metadata"] == {"tier": "gold", "one": "a", "two": "b"}


def test_a_map_that_is_shared_by_an_alias_is_changed_in_one_place(tmp_path: Path) -> None:
    files = {A: "identity: {entities: {e: {metadata: &m {a: b, c: d}}, f: {metadata: *m}}}\n"}

    found = by_address(laid(tmp_path, "identity: {entities: {e: {metadata: {a: null}}}}\n", files))

    assert found["identity/entity/name/e"].values == {"metadata": {"c": "d"}}
    assert found["identity/entity/name/f"].values == {"metadata": {"a": "b", "c": "d"}}


def test_references_start_from_the_file_that_holds_them(tmp_path: Path) -> None:
    files = {A: 'generic: {sys/x: {a: {one: "${file:one}", both: "${file:one}"}, vaultconf: {create_only: true}}}\n'}
    overlay = 'generic: {sys/x: {a: {two: "${file:two}", both: "${file:two}"}}}\n'

    value = by_address(laid(tmp_path, overlay, files))["sys/x"].values["a"]

    assert isinstance(value, Deferred)
    assert [str(found) for found in value.references] == ["${file:desired-state/one}", "${file:overlays/prod/two}"]


def test_a_variable_may_stand_in_an_overlay(tmp_path: Path) -> None:
    settings = "targets: {prod: {vars: {ttl: 9m, role: app}, overlays: [overlays/prod]}}\n"
    overlay = 'auth: {approle: {roles: {"${var:role}": {token_ttl: "${var:ttl}"}}}}\n'
    write(tmp_path, {"vaultconf.yaml": settings, A: BASE, P: overlay})

    found = by_address(pipeline.validate(tmp_path, "prod")[1])

    assert found["auth/approle/role/app"].values["token_ttl"] == 540


def test_render_shows_the_overlay_as_the_origin_of_what_it_says(tmp_path: Path) -> None:
    text = rendered.as_yaml(laid(tmp_path, "auth: {approle: {roles: {app: {token_ttl: 5m}}}}\n"))

    assert f"        token_ttl: 5m  # {P}:1:32\n" in text
    assert f"        token_num_uses: 5  # {A}:11:77\n" in text


# --- policies that are files ------------------------------------------------------------------------------------


def test_null_removes_a_policy_that_is_a_file(tmp_path: Path) -> None:
    files = {"policies/p.hcl": A_POLICY, "policies/password/p.hcl": 'length = 20\nrule "charset" { charset = "abc" }\n'}

    found = by_address(laid(tmp_path, "policies: {p: null}\n", files))

    assert sorted(found) == ["sys/policies/password/p"]
    assert wrong(tmp_path, "policies: {q: null}\n", files) == [
        f"{P}:1:12: `policies.q` cannot be removed: nothing that this lies over has it"
    ]


def test_null_removes_a_policy_of_a_folder_that_a_document_names(tmp_path: Path) -> None:
    files = {
        A: "namespace: team\npolicies_from: ../policies/n\n",
        "policies/n/p.hcl": A_POLICY,
        "policies/n/q.hcl": A_POLICY,
    }

    found = by_address(laid(tmp_path, "namespace: team\npolicies: {p: null}\n", files))

    assert sorted(found) == ["team/sys/policies/acl/q"]


def test_a_policy_of_an_overlay_that_is_a_file_already_is_an_error_with_both_places(tmp_path: Path) -> None:
    files = {A: "policies_from: ../policies/n\n", "policies/p.hcl": A_POLICY, "policies/n/q.hcl": A_POLICY}

    complaints = wrong(tmp_path, "policies: {p: {policy: '#'}, q: {policy: '#'}}\n", files)

    assert complaints == [
        f"{P}:1:34: `sys/policies/acl/q`: `policy` is declared already (first at policies/n/q.hcl:1:1; keep one of them)",
        f"policies/p.hcl:1:1: `sys/policies/acl/p`: `policy` is declared already (first at {P}:1:16; keep one of them)",
    ]


def test_an_overlay_may_name_a_folder_of_policies(tmp_path: Path) -> None:
    files = {A: "policies_from: ../policies/n\n", "policies/n/q.hcl": A_POLICY, "overlays/prod/more/r.hcl": A_POLICY}

    found = by_address(laid(tmp_path, "owner: x\npolicies_from: more\n", files))

    assert sorted(found) == ["sys/policies/acl/q", "sys/policies/acl/r"]
    assert found["sys/policies/acl/r"].owner == "x"
    assert found["sys/policies/acl/q"].owner == ""


def test_a_folder_of_an_overlay_lies_over_nothing(tmp_path: Path) -> None:
    files = {A: "policies: {p: {policy: '#'}, q: {policy: '#'}}\n", "policies/prod/p.hcl": A_POLICY}
    folder = "policies_from: ../../policies/prod\n"

    twice = wrong(tmp_path / "a", folder, files)
    instead = by_address(laid(tmp_path / "b", f"policies: {{p: null}}\n{folder}", files))

    assert twice == [
        f"policies/prod/p.hcl:1:1: `sys/policies/acl/p`: `policy` is declared already (first at {A}:1:16; keep one of them)"
    ]
    assert instead["sys/policies/acl/p"].values == {"policy": A_POLICY.rstrip("\n")}


def test_what_belongs_to_the_overlay_itself_cannot_be_removed(tmp_path: Path) -> None:
    complaints = wrong(tmp_path, "owner: null\npolicies_from: null\nuse: {}\n")

    assert complaints == [
        f"{P}:1:1: `owner` has nothing to remove (leave it out: it is the label of what this document adds)",
        (
            f"{P}:2:1: `policies_from` has nothing to remove"
            " (leave it out, and write `policies: {NAME: null}` for each policy that is to go)"
        ),
    ]


# --- templates and uses -----------------------------------------------------------------------------------------

APP = """\
templates:
  app:
    params: {name: , ttl: 1h}
    auth: {approle: {roles: {"${param:name}": {token_ttl: "${param:ttl}", token_num_uses: 5}}}}
    identity: {entities: {"${param:name}": {metadata: {app: "${param:name}", tier: gold}}}}
auth: {approle: {type: approle}}
use: {app: [{name: a}, {name: b, ttl: 2h}]}
"""


def test_an_overlay_changes_what_a_template_made(tmp_path: Path) -> None:
    overlay = """\
    auth: {approle: {roles: {a: {token_ttl: 5m}, b: null}}}
    identity: {entities: {a: {metadata: {tier: null, by: hand}}}}
    """

    found = by_address(laid(tmp_path, overlay, {A: APP}))

    assert found["auth/approle/role/a"].values == {"token_ttl": 300, "token_num_uses": 5}
    assert "auth/approle/role/b" not in found
    assert found["identity/entity/name/a"].values["metadata"] == {"app": "a", "by": "hand"}
    assert found["identity/entity/name/b"].values["metadata"] == {"app": "b", "tier": "gold"}


def test_an_overlay_changes_the_template_of_every_use(tmp_path: Path) -> None:
    overlay = """\
    templates:
      app:
        params: {ttl: 30m, cidr: 10.0.0.0/8}
        auth: {approle: {roles: {"${param:name}": {token_bound_cidrs: ["${param:cidr}"], token_num_uses: null}}}}
        identity: {entities: {"${param:name}": {metadata: {tier: "of ${param:name}"}}}}
    """

    found = by_address(laid(tmp_path, overlay, {A: APP}))

    a, b = found["auth/approle/role/a"], found["auth/approle/role/b"]
    assert a.values == {"token_ttl": 1800, "token_bound_cidrs": ("10.0.0.0/8",)}
    assert b.values == {"token_ttl": 7200, "token_bound_cidrs": ("10.0.0.0/8",)}
    assert a.places["token_bound_cidrs"] == Place(P, 4, 48, Place(A, 7, 13))
    assert a.places["token_ttl"] == Place(A, 4, 48, Place(A, 7, 13))
    assert found["identity/entity/name/b"].values["metadata"] == {"app": "b", "tier": "of b"}


def test_an_object_of_an_overlay_lies_over_its_template(tmp_path: Path) -> None:
    overlay = """\
    templates: {app: {identity: {entities: {"${param:name}": {metadata: {tier: silver}}}}}}
    identity: {entities: {a: {metadata: {tier: bronze}}}}
    """

    found = by_address(laid(tmp_path, overlay, {A: APP}))

    assert found["identity/entity/name/a"].values["metadata"] == {"app": "a", "tier": "bronze"}
    assert found["identity/entity/name/b"].values["metadata"] == {"app": "b", "tier": "silver"}


def test_the_uses_of_a_template_are_replaced_removed_or_added(tmp_path: Path) -> None:
    replaced = by_address(laid(tmp_path / "a", "use: {app: [{name: c}]}\n", {A: APP}))
    removed = by_address(laid(tmp_path / "b", "use: {app: null}\n", {A: APP}))
    own = "templates: {t: {params: {who: }, policies: {'${param:who}': {policy: '#'}}}}\nuse: {t: [{who: x}]}\n"
    added = by_address(laid(tmp_path / "c", own, {A: APP}))

    assert [name for name in sorted(replaced) if "/role/" in name] == ["auth/approle/role/c"]
    assert sorted(removed) == ["sys/auth/approle"]
    assert {"sys/policies/acl/x", "auth/approle/role/a"} <= added.keys()
    assert replaced["auth/approle/role/c"].place.use == Place(P, 1, 13)


def test_a_use_of_an_overlay_that_makes_what_the_documents_say_is_an_error_with_both_places(tmp_path: Path) -> None:
    files = {A: APP, "desired-state/b.yaml": "auth: {approle: {roles: {c: {token_ttl: 1h}}}}\n"}

    complaints = wrong(tmp_path, "use: {app: [{name: c}]}\n", files)

    assert complaints == [
        (
            f"{A}:4:48: `auth/approle/role/c`: `token_ttl` is declared already"
            f" (used at {P}:1:13; first at desired-state/b.yaml:1:30; keep one of them)"
        )
    ]


def test_what_an_overlay_adds_to_a_template_does_not_lie_over_what_is_written_by_hand(tmp_path: Path) -> None:
    files = {
        "desired-state/1.yaml": "identity: {entities: {a: {metadata: {x: w}}}}\n",
        A: "templates: {t: {params: {who: }}}\nuse: {t: [{who: a}]}\n",
    }
    overlay = "templates: {t: {identity: {entities: {'${param:who}': {metadata: {z: w}}}}}}\n"

    complaints = wrong(tmp_path, overlay, files)

    assert complaints == [
        (
            f"{P}:1:56: `identity/entity/name/a`: `metadata` is declared already"
            f" (used at {A}:2:11; first at desired-state/1.yaml:1:27; keep one of them)"
        )
    ]


def test_a_parameter_that_an_overlay_removes_is_missed_where_it_is_used(tmp_path: Path) -> None:
    complaints = wrong(tmp_path, "templates: {app: {params: {ttl: null}}}\n", {A: APP})

    assert complaints == [f"{A}:4:59: the template `app` has no parameter `ttl` (removed at {P}:1:28)"]


# --- what is wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overlay", "complaint"),
    [
        ("auth: {approle: {roles: {odl: null}}}\n", "1:26: `auth.approle.roles.odl` cannot be removed: … (did you mean `old`?)"),
        ("auth: {aprole: {roles: {old: null}}}\n", "1:25: `auth.aprole.roles.old` cannot be removed: … (did you mean `approle`?)"),
        ("auth: {approle: {roles: {app: {token_tll: }}}}\n", "1:32: `auth.approle.roles.app.token_tll` cannot be removed: … (did you mean `token_ttl`?)"),
        ("identity: {groups: {new: {metadata: null}}}\n", "1:27: `identity.groups.new.metadata` cannot be removed: …"),
        ("namespace: team\nauth: {approle: null}\n", "2:8: `auth.approle` cannot be removed: …"),
        ("use: {app: null}\n", "1:7: `use.app` cannot be removed: …"),
        ("templates: {app: {params: {x: null}}}\n", ""),
        ("templates: {app: null}\n", "1:13: `templates.app` cannot be removed: …"),
    ],
)  # fmt: skip
def test_what_an_overlay_removes_must_be_there(tmp_path: Path, overlay: str, complaint: str) -> None:
    complaints = wrong(tmp_path, overlay)

    why = "nothing that this lies over has it"
    assert complaints == ([f"{P}:{complaint.replace('…', why)}"] if complaint else [])


def test_two_documents_of_one_overlay_that_say_one_thing_are_an_error_with_both_places(tmp_path: Path) -> None:
    role = "auth: {{approle: {{roles: {{app: {{token_ttl: {}}}}}}}}}\n"

    said = wrong(tmp_path / "a", f"{role.format('5m')}---\n{role.format('6m')}")
    removed = wrong(tmp_path / "b", f"{role.format('5m')}---\nauth: {{approle: {{roles: {{app: null}}}}}}\n")
    maps = wrong(tmp_path / "c", "---\n".join(2 * ["identity: {entities: {e: {metadata: {x: w}}}}\n"]))

    assert said == [
        f"{P}:3:32: `auth/approle/role/app`: `token_ttl` is declared already (first at {P}:1:32; keep one of them)"
    ]
    assert removed == [
        (
            f"{P}:3:26: `auth.approle.roles.app` is given twice in one overlay, and one of them removes it"
            f" (first at {P}:1:26; keep one of them)"
        )
    ]
    assert maps == [
        f"{P}:3:27: `identity/entity/name/e`: `metadata` is declared already (first at {P}:1:27; keep one of them)"
    ]


def test_what_is_left_is_judged_as_ever_with_the_place_of_the_overlay(tmp_path: Path) -> None:
    overlay = "auth: {approle: {roles: {app: {token_ttl: [1], token_tl: 5m}}}}\nsecrets: {kv: {type: database}}\nplocies: {}\n"

    complaints = wrong(tmp_path, overlay)

    assert complaints[0].startswith(f"{A}:6:5: unknown key `config` of a mount of type `database`")
    assert [line.partition(" (")[0] for line in complaints[1:]] == [
        f"{P}:1:43: `token_ttl` must be a duration such as `30s`, `24h`, `1h30m`, `7d` or a number of seconds",
        f"{P}:1:48: unknown field `token_tl`",
        f"{P}:3:1: unknown key `plocies`",
    ]


def test_a_broken_file_of_an_overlay_breaks_its_targets_alone_and_hides_nothing(tmp_path: Path) -> None:
    settings = "targets: {stage: {}, test: {overlays: [overlays]}, prod: {overlays: [overlays]}}\n"
    files = {
        "vaultconf.yaml": settings,
        A: BASE,
        "overlays/a.yaml": "auth: {approle: {roles: {odl: null}}}\n",
        "overlays/b.yaml": "a: on\n: {\n",
    }

    complaints = refused(tmp_path, files)

    assert refused(tmp_path, files, "stage") == []
    assert [line.partition(": ")[0] for line in complaints] == [
        "overlays/b.yaml:1:4",
        "overlays/b.yaml:2:1",
    ]
    assert all(line.endswith("for the targets `test`, `prod`)") for line in complaints)


def test_what_an_object_lacks_because_an_overlay_removes_it_is_said_at_the_overlay(tmp_path: Path) -> None:
    files = {A: "policies: {p: {policy: '#'}}\n"}

    complaints = wrong(tmp_path, "policies: {p: {policy: null}}\n", files)

    assert complaints == [f"{P}:1:12: `sys/policies/acl/p` needs `policy` (or `file`, the path of one with the policy)"]


@pytest.mark.parametrize(
    ("overlays", "complaint"),
    [
        ("[overlays/prd]", "1:29: there is no folder or file `overlays/prd` (did you mean `prod`?)"),
        ("[../x]", "1:29: `../x`: the path leads out of the project (such as `overlays/prod`)"),
        ("[/etc]", "1:29: `/etc`: must be a path relative to this file, with `/`, inside the project (such as `overlays/prod`)"),
        ("[.]", "1:29: `.`: must be a file of the project (such as `overlays/prod`)"),
        ("[.git/x]", "1:29: `.git/x` leads into `.git`"),
        ("[out]", "1:29: `out` leads out of the project"),
        ("[desired-state]", "1:29: `desired-state` is `desired-state`, which is read already (an overlay is a folder of its own, such as `overlays/prod`)"),
        ("[again]", "1:29: `again` is `desired-state`, which is read already (an overlay is a folder of its own, such as `overlays/prod`)"),
        ("[policies/x]", "1:29: `policies/x` lies in `policies`, which is read already (an overlay is a folder of its own, such as `overlays/prod`)"),
        ("[vaultconf.yaml]", "1:29: `vaultconf.yaml` is `vaultconf.yaml`, which is read already (an overlay is a folder of its own, such as `overlays/prod`)"),
        ("[overlays/prod, overlays/prod]", "1:44: the overlay `overlays/prod` is given already, by `overlays/prod` (first at vaultconf.yaml:1:29)"),
        ("[overlays/prod, overlays]", "1:44: the overlay `overlays` is given already, by `overlays/prod` (first at vaultconf.yaml:1:29)"),
        ("[overlays/prod/o.yaml, overlays/prod]", "1:51: the overlay `overlays/prod` is given already, by `overlays/prod/o.yaml` (first at vaultconf.yaml:1:29)"),
        ("[empty]", "1:29: the overlay `empty` holds no .yaml file (write one, or take it out of the list)"),
        ("[notes.txt]", "1:29: `notes.txt` is neither a folder nor a .yaml file"),
    ],
)  # fmt: skip
def test_an_overlay_that_cannot_be_read_is_an_error_at_its_place(tmp_path: Path, overlays: str, complaint: str) -> None:
    files = {"vaultconf.yaml": f"targets: {{prod: {{overlays: {overlays}}}}}\n", A: BASE, P: "policies: {}\n"}
    write(tmp_path / "p", {**files, "empty/.keep": "", "notes.txt": "", "policies/x/x.hcl": "#"})
    (tmp_path / "p/out").symlink_to(tmp_path)
    (tmp_path / "p/again").symlink_to("desired-state")

    complaints = refused(tmp_path / "p", files)

    assert complaints == [f"vaultconf.yaml:{complaint}"]


def test_an_overlay_cannot_bring_in_a_credential_of_the_run(tmp_path: Path) -> None:
    overlay = 'auth: {u: {type: userpass, users: {x: {password: "${env:VAULT_TOKEN}"}}}}\ngeneric: {auth/token/create: {a: b}}\n'

    complaints = wrong(tmp_path, overlay)

    assert len(complaints) == 2
    assert complaints[0].startswith(f"{P}:1:50: `${{env:VAULT_TOKEN}}` is a credential of the run itself")
    assert complaints[1].startswith(f"{P}:2:11: ")


# --- every target -----------------------------------------------------------------------------------------------


def test_every_target_is_checked_with_its_own_overlays(tmp_path: Path) -> None:
    settings = "targets: {stage: {}, eu: {overlays: [eu]}, us: {overlays: [us]}, ca: {overlays: [us]}}\n"
    files = {
        "vaultconf.yaml": settings,
        A: BASE,
        "eu/a.yaml": "auth: {approle: {roles: {app: {token_ttl: no}}}}\n",
        "us/a.yaml": "auth: {approle: {roles: {app: {token_tl: 1h}}}}\n",
    }

    complaints = refused(tmp_path, files)

    assert [line.partition(": ")[0] for line in complaints] == ["eu/a.yaml:1:43", "us/a.yaml:1:32"]
    assert complaints[0].endswith("for the target `eu`)")
    assert complaints[1].endswith("for the targets `us`, `ca`)")


def test_an_overlay_of_many_targets_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vaultconf import strict_yaml

    read: list[str] = []
    whole = strict_yaml.read_whole

    def counted(text: Any, file: str) -> Any:
        read.append(file)
        return whole(text, file)

    monkeypatch.setattr(strict_yaml, "read_whole", counted)
    targets = ", ".join(f"t{number}: {{vars: {{k: {number}}}, overlays: [overlays/prod]}}" for number in range(5))
    write(tmp_path, {"vaultconf.yaml": f"targets: {{{targets}}}\n", A: BASE, P: "policies: {}\n"})

    pipeline.validate(tmp_path)

    assert sorted(read) == [A, P, "vaultconf.yaml"]


def test_a_removed_policy_is_missed_where_it_is_named(tmp_path: Path) -> None:
    files = {A: "auth: {a: {type: approle, roles: {r: {token_policies: [p]}}}}\n", "policies/p.hcl": A_POLICY}

    complaints = wrong(tmp_path, "policies: {p: null}\n", files, None)

    assert len(complaints) == 1
    assert complaints[0].startswith(f"{A}:1:56: ")
    assert complaints[0].endswith("for the target `prod`)")


def test_five_thousand_uses_under_an_overlay_are_as_the_documents_say(tmp_path: Path) -> None:
    uses = ", ".join(f"{{name: n{number}}}" for number in range(5_000))
    roles = ", ".join(f"n{number}: {{token_ttl: 5m}}" for number in range(0, 5_000, 2))
    base = APP.replace("[{name: a}, {name: b, ttl: 2h}]", f"[{uses}]")

    found = by_address(laid(tmp_path, f"auth: {{approle: {{roles: {{{roles}}}}}}}\n", {A: base}))

    assert len(found) == 10_001
    assert found["auth/approle/role/n4998"].values["token_ttl"] == 300
    assert found["auth/approle/role/n4999"].values["token_ttl"] == 3600


# --- the meaning, against a merge that is written down in a few lines --------------------------------------------

KEYS = st.sampled_from(["a", "b"])
LEAVES = st.one_of(st.integers(0, 3), st.sampled_from(["x", "w"]), st.lists(st.integers(0, 3), max_size=2))


def trees(leaves: st.SearchStrategy[Any], depth: int) -> st.SearchStrategy[Any]:
    """Maps in maps, so small that two of them have much in common."""
    below = trees(leaves, depth - 1) if depth else st.nothing()
    return st.dictionaries(KEYS, st.one_of(below, below, leaves), min_size=1, max_size=2)


MAPS = trees(LEAVES, 3)
CHANGES = trees(st.one_of(LEAVES, LEAVES, LEAVES, st.none()), 3)


class NotThereError(Exception):
    """An overlay removes what is not there."""


def merged(below: Any, above: Any) -> Any:
    """What an overlay means."""
    if not isinstance(above, dict):
        return above
    found = dict(below) if isinstance(below, dict) else {}
    for key, value in above.items():
        if value is None and key not in found:
            raise NotThereError
        if value is None:
            del found[key]
        else:
            found[key] = merged(found.get(key), value)
    return found


def objects(root: Path, files: Mapping[str, Any]) -> dict[str, Any]:
    """The values of free objects, which take any shape, of a project whose documents are JSON."""
    write(root, {name: json.dumps(value) if name.endswith("json.yaml") else value for name, value in files.items()})
    return {name: item.values for name, item in by_address(pipeline.validate(root)[1]).items()}


@settings(max_examples=150)
@given(
    documents=st.lists(MAPS, min_size=1, max_size=2),
    overlays=st.lists(st.dictionaries(st.sampled_from([0, 1]), CHANGES, min_size=1), min_size=1, max_size=3),
)
def test_an_overlay_means_what_a_merge_of_the_documents_means(
    documents: list[Any], overlays: list[dict[int, Any]]
) -> None:
    whole: Any = {f"sys/{number}": body for number, body in enumerate(documents)}
    above = [{f"sys/{number}": body for number, body in one.items()} for one in overlays]
    names = [f"o{number}.json.yaml" for number in range(len(above))]
    files: dict[str, Any] = {
        f"desired-state/{path[4:]}.json.yaml": {"generic": {path: body}} for path, body in whole.items()
    }
    files |= {name: {"generic": one} for name, one in zip(names, above, strict=True)}
    files["vaultconf.yaml"] = json.dumps({"targets": {"prod": {"overlays": names}}})

    with tempfile.TemporaryDirectory() as folder:
        try:
            for one in above:
                whole = merged(whole, one)
        except NotThereError:
            with pytest.raises(InputError, match="cannot be removed"):
                objects(Path(folder) / "laid", files)
            return
        laid_over = objects(Path(folder) / "laid", files)
        written = objects(Path(folder) / "written", {"desired-state/a.json.yaml": {"generic": whole}})

    assert laid_over == written


def test_what_a_wrong_use_would_have_made_is_not_missed_by_the_overlay(tmp_path: Path) -> None:
    text = """\
        templates:
          app: {params: {name: , pols: [default]}, identity: {groups: {"${param:name}": {metadata: {c: d}}}}}
        use: {app: [{name: x, pols: default}]}
    """

    complaints = wrong(tmp_path, "identity: {groups: {x: {metadata: {c: null}}}}\n", {A: text})

    assert len(complaints) == 1
    assert complaints[0].startswith(f"{A}:3:")


def test_a_template_that_an_overlay_removes_is_missed_where_it_is_used(tmp_path: Path) -> None:
    (complaint,) = wrong(tmp_path, "templates: {app: null}\n", {A: APP})

    assert complaint.endswith(f"no template `app` (removed at {P}:1:13)")


def test_what_does_not_fit_the_type_that_an_overlay_gives_names_the_overlay(tmp_path: Path) -> None:
    text = "auth: {approle: {type: approle, roles: {x: }}}\n"

    complaints = wrong(tmp_path, "auth: {approle: {type: userpass}}\n", {A: text})

    what = "unknown key `roles` of a mount of type `userpass`"
    assert complaints == [f"{A}:1:33: {what} (the type is written at {P}:1:24)"]


def test_what_names_a_policy_that_an_overlay_removes_names_the_overlay(tmp_path: Path) -> None:
    text = """\
        policies: {pa: {policy: '#'}}
        auth: {approle: {type: approle, roles: {x: {token_policies: [pa]}}}}
    """

    complaints = wrong(tmp_path, "policies: {pa: null}\n", {A: text})

    what = "`token_policies` names the ACL policy `pa`, which is not declared"
    assert complaints == [f"{A}:2:62: {what} (an overlay removes it at {P}:1:12: take the name out as well)"]
