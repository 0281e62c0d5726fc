"""What the server has finds its place in the files; what cannot be written is an error, and no file is touched."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from tests.unit.loading import write
from vaultconf import adopting, catalogue, checking, output, project
from vaultconf.adopt_trial import Trial
from vaultconf.adopt_values import judged
from vaultconf.errors import InputError, Place, Problem
from vaultconf.export import Variables
from vaultconf.model import Address, Desired, Live, Server
from vaultconf.references import Reference

OPENBAO = Server("openbao", "2.7.2")
NOWHERE = Place("", 0, 0)


def resolve(reference: Reference) -> str | None:
    """What a reference stands for here."""
    return "ldap://there" if reference.target == "AT_HAND" else None


def adopt(
    root: Path,
    files: Mapping[str, str | bytes],
    live: Mapping[str, Mapping[str, object]],
    new: Iterable[Desired] = (),
    target: str = "",
) -> dict[str, str]:
    """Adopt objects whose live values are those of the files with `live` on top; return the diff of each file."""
    loaded, state = checking.check(project.load(write(root, files)), target)
    differing, problems, expected = [], list[Problem](), dict[Address, Live]()
    for item in state.objects:
        if str(item.address) in live:
            there = Live({**item.kind.completed(OPENBAO, item.params, item.values), **live[str(item.address)]})
            fields, bad = judged(item, there, OPENBAO, resolve, Variables())
            differing.append(fields)
            problems += bad
            expected[item.address] = there
    new = tuple(new)
    expected |= {item.address: Live(item.kind.completed(OPENBAO, item.params, item.values)) for item in new}
    edited = adopting.edit(loaded, differing, new)
    if problems or edited.problems:
        raise InputError([*problems, *edited.problems])
    trial = Trial(loaded, target, state, {}, expected, frozenset(expected), OPENBAO, resolve)
    trial.read(edited.files)
    output.exchange(loaded.root, edited.files, edited.before)
    return {name: diff(edited.before[name] or b"", data) for name, data in edited.files.items()}


def diff(before: bytes, after: bytes) -> str:
    old, new = (text.decode().splitlines() for text in (before, after))
    return "\n".join(line for line in difflib.ndiff(old, new) if line[0] in "+-")


def errors(*args: object, **more: object) -> list[str]:
    with pytest.raises(InputError) as raised:
        adopt(*args, **more)  # type: ignore[arg-type]
    return [str(problem) for problem in raised.value.problems]


def stranger(kind: str, values: Mapping[str, object], namespace: str = "", **params: str) -> Desired:
    found = catalogue.all_kinds()[kind]
    return Desired(found, Address(found.path_of(params), namespace), params, values, NOWHERE, {})


ROLES = """\
    # All of it.
    auth:
      approle:
        type: approle
        roles:
          payments: {token_ttl: 20m}   # short
    """
PAYMENTS = "auth/approle/role/payments"


# --- what differs ---


def test_a_field_is_changed_in_its_place_and_one_that_is_left_out_is_added(tmp_path: Path) -> None:
    found = adopt(tmp_path, {"desired-state/a.yaml": ROLES}, {PAYMENTS: {"token_ttl": 1800, "token_num_uses": 3}})

    assert found == {
        "desired-state/a.yaml": "-       payments: {token_ttl: 20m}   # short\n"
        "+       payments: {token_ttl: 30m, token_num_uses: 3}   # short"
    }


def test_a_live_default_stays_written_where_the_field_was_written(tmp_path: Path) -> None:
    found = adopt(tmp_path, {"desired-state/a.yaml": ROLES}, {PAYMENTS: {"token_ttl": 0}})

    assert found["desired-state/a.yaml"].endswith("payments: {token_ttl: 0}   # short")


def test_a_configuration_that_no_file_mentions_is_written_into_its_mount(tmp_path: Path) -> None:
    files = {"desired-state/a.yaml": "secrets:\n  kv:\n    type: kv\n    options: {version: '2'}\n"}

    found = adopt(tmp_path, files, {"kv/config": {"max_versions": 5}})

    assert found == {"desired-state/a.yaml": "+     config: {max_versions: 5}"}


def test_the_text_of_a_policy_file_is_changed_by_line_and_keeps_its_line_ends(tmp_path: Path) -> None:
    text = b'# why \r\npath "a" {\r\n  capabilities = ["read"]\r\n}\r\n\r\n'
    live = '# why\npath "b" {\n  capabilities = ["read"]\n}'

    adopt(tmp_path, {"policies/p.hcl": text}, {"sys/policies/acl/p": {"policy": live}})

    assert (tmp_path / "policies/p.hcl").read_bytes() == text.replace(b'"a"', b'"b"')


def test_a_policy_in_a_file_beside_the_document_and_one_in_the_document_are_changed_there(tmp_path: Path) -> None:
    document = """\
        policies:
          beside: {file: ../texts/x.hcl}
          inside:
            policy: |   # why
              # one
              path "a" { capabilities = ["read"] }
        """
    files = {"desired-state/a.yaml": document, "texts/x.hcl": 'path "a" { capabilities = ["read"] }'}
    live = {"policy": '# one\npath "b" { capabilities = ["list"] } # ${env:X}'}

    found = adopt(tmp_path, files, {"sys/policies/acl/beside": live, "sys/policies/acl/inside": live})

    assert found["desired-state/a.yaml"] == (
        '-       path "a" { capabilities = ["read"] }\n+       path "b" { capabilities = ["list"] } # $${env:X}'
    )
    assert (tmp_path / "texts/x.hcl").read_text() == '# one\npath "b" { capabilities = ["list"] } # $${env:X}'


def test_fields_of_one_object_in_several_files_are_changed_each_in_its_file(tmp_path: Path) -> None:
    more = "auth:\n  approle:\n    roles:\n      payments: {token_num_uses: 1}\n"
    files = {"desired-state/a.yaml": ROLES, "desired-state/b.yaml": more}

    found = adopt(tmp_path, files, {PAYMENTS: {"token_ttl": 60, "token_num_uses": 2, "secret_id_ttl": 60}})

    assert "{token_ttl: 1m, secret_id_ttl: 1m}" in found["desired-state/a.yaml"]
    assert "{token_num_uses: 2}" in found["desired-state/b.yaml"]


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfauth: {approle: {type: approle, roles: {payments: {token_ttl: 20m}}}}"

    adopt(tmp_path, {"desired-state/a.yaml": text}, {PAYMENTS: {"token_ttl": 60}})

    assert (tmp_path / "desired-state/a.yaml").read_bytes() == text.replace(b"20m", b"1m")


# --- what no file declares ---


def test_a_child_goes_below_its_mount_where_most_of_its_like_are(tmp_path: Path) -> None:
    other = "auth:\n  approle:\n    roles:\n      a: {}\n      b: {}\n"
    files = {"desired-state/a.yaml": ROLES, "desired-state/b.yaml": other}

    found = adopt(tmp_path, files, {}, [stranger("approle_role", {"token_ttl": 60}, mount="approle", name="c")])

    assert found == {"desired-state/b.yaml": "+       c: {token_ttl: 1m}"}


def test_a_mount_goes_beside_other_mounts_and_what_is_in_it_below_it(tmp_path: Path) -> None:
    files = {"desired-state/all.yaml": ROLES}
    new = [
        stranger("auth_method", {"type": "userpass"}, mount="users"),
        stranger("userpass_user", {"token_ttl": 60}, mount="users", name="ann"),
    ]

    found = adopt(tmp_path, files, {}, new)

    assert found == {
        "desired-state/all.yaml": "+   users:\n+     type: userpass\n+     users:\n+       ann: {token_ttl: 1m}"
    }


def test_a_mount_gets_a_file_of_its_own_where_every_mount_has_one(tmp_path: Path) -> None:
    files = {"desired-state/auth/approle.yaml": ROLES}

    found = adopt(tmp_path, files, {}, [stranger("auth_method", {"type": "userpass"}, mount="users")])

    assert found == {"desired-state/auth/users.yaml": "+ auth:\n+   users: {type: userpass}"}


def test_what_has_no_like_goes_where_an_export_would_put_it(tmp_path: Path) -> None:
    files = {
        "desired-state/quotas.yaml": "# not yet any\n",
        "desired-state/identity.yaml": "namespace: other\nauth: {}\n",
    }
    new = [
        stranger("rate_limit_quota", {"rate": 5.0}, name="q"),
        stranger("identity_group", {"metadata": {"a": "b"}}, name="g"),
    ]

    found = adopt(tmp_path, files, {}, new)

    assert found == {
        "desired-state/quotas.yaml": "+ quotas:\n+   rate_limit:\n+     q: {rate: 5}",
        "desired-state/identity.yaml": "+ ---\n+ identity:\n+   groups:\n+     g:\n+       metadata: {a: b}",
    }


def test_an_object_of_a_namespace_goes_into_a_document_of_that_namespace(tmp_path: Path) -> None:
    text = "policies: {a: {policy: '# a'}}\n---\nnamespace: team\npolicies:\n  b: {policy: '# b'}\n"

    found = adopt(
        tmp_path, {"desired-state/a.yaml": text}, {}, [stranger("acl_policy", {"policy": "# c"}, "team", name="c")]
    )

    assert found["desired-state/a.yaml"] == "+   c: {policy: '# c'}"


@pytest.mark.parametrize(
    ("files", "namespace", "written"),
    [
        ({"policies/a.hcl": "# a"}, "", "policies/new.hcl"),
        ({"desired-state/a.yaml": ROLES}, "", "policies/new.hcl"),
        ({"desired-state/a.yaml": "policies: {a: {policy: '# a'}}"}, "", "desired-state/a.yaml"),
        ({"desired-state/a.yaml": "namespace: team\npolicies_from: ../t\n", "t/a.hcl": "# a"}, "team", "t/new.hcl"),
        ({}, "team", "desired-state/namespaces/team/policies.yaml"),
    ],
)
def test_a_new_policy_goes_where_the_others_are(
    tmp_path: Path, files: dict[str, str], namespace: str, written: str
) -> None:
    found = adopt(tmp_path, files, {}, [stranger("acl_policy", {"policy": "# new"}, namespace, name="new")])

    assert list(found) == [written]


# --- what cannot be written ---


def test_what_a_template_makes_is_refused_with_the_line_of_the_template_and_of_the_use(tmp_path: Path) -> None:
    text = """\
        templates:
          app:
            params: {name: , ttl: 1h}
            auth: {approle: {roles: {"${param:name}": {token_ttl: "${param:ttl}"}}}}
        use: {app: [{name: payments}]}
        auth: {approle: {type: approle}}
        """
    live = {PAYMENTS: {"token_ttl": 60, "token_num_uses": 2}}

    found = errors(tmp_path, {"desired-state/a.yaml": text}, live)

    assert sorted(found) == [
        (
            f"desired-state/a.yaml:4:30: `token_num_uses` of `{PAYMENTS}` is not in the template that makes it"
            " (used at desired-state/a.yaml:5:13; write it there, as a parameter where the uses differ)"
        ),
        (
            f"desired-state/a.yaml:4:48: `token_ttl` of `{PAYMENTS}` comes from a template"
            " (used at desired-state/a.yaml:5:13; change the template, or make a parameter of it)"
        ),
    ]
    assert (tmp_path / "desired-state/a.yaml").read_text().startswith("templates:")


def test_what_comes_from_a_variable_is_refused_with_the_line_of_the_variable(tmp_path: Path) -> None:
    files = {
        "vaultconf.yaml": "version: 1\ntargets: {prod: {vars: {ttl: 20m}}}\n",
        "desired-state/a.yaml": ROLES.replace("20m", '"${var:ttl}"'),
        "policies/p.hcl": "# ${var:ttl}",
    }

    found = errors(
        tmp_path, files, {PAYMENTS: {"token_ttl": 60}, "sys/policies/acl/p": {"policy": "# x"}}, target="prod"
    )

    assert sorted(found) == [
        (
            "desired-state/a.yaml:6:29: this value comes from `${var:ttl}`"
            " (change it there by hand; it is given at vaultconf.yaml:2:30)"
        ),
        (
            "policies/p.hcl:1:1: the text of `sys/policies/acl/p` comes from `${var:ttl}`"
            " (change what it stands for, or the text by hand)"
        ),
    ]


def test_secrets_and_references_are_refused(tmp_path: Path) -> None:
    text = """\
        auth:
          ldap:
            type: ldap
            config: {url: "${env:AT_HAND}", groupdn: a}
          okta:
            type: okta
            config: {org_name: a, base_url: "${env:NOT_AT_HAND}"}
        generic:
          sys/config/ui/headers/X-Test: {values: [a]}
        """
    live = {
        "auth/ldap/config": {"url": "ldap://x", "groupdn": "b"},
        "auth/okta/config": {"org_name": "b", "base_url": "x"},
        "sys/config/ui/headers/X-Test": {"values": ["b"]},
    }

    found = errors(tmp_path, {"desired-state/a.yaml": text}, live)

    assert found == [
        (
            "desired-state/a.yaml:4:14: `url` of `auth/ldap/config` comes from ${env:AT_HAND}"
            " (change what that stands for)"
        ),
        (
            "desired-state/a.yaml:9:34: `values` of `sys/config/ui/headers/X-Test` is of a generic object, whose live values"
            " are shown nowhere (write by hand what it shall be)"
        ),
    ]


def test_what_others_share_by_an_anchor_is_refused(tmp_path: Path) -> None:
    text = (
        ROLES.replace("payments: {token_ttl: 20m}", "payments: &base {token_ttl: 20m}").rstrip(" ")
        + "          b: *base\n"
    )

    found = errors(tmp_path, {"desired-state/a.yaml": text}, {PAYMENTS: {"token_ttl": 60}})

    assert len(found) == 1
    assert found[0].startswith("desired-state/a.yaml:6:17: this value stands behind an anchor or an alias")


def test_a_text_that_two_policies_share_is_refused(tmp_path: Path) -> None:
    files = {
        "desired-state/a.yaml": "policies: {a: {file: ../x.hcl}, b: {file: ../x.hcl}}\n",
        "x.hcl": "# one",
    }

    found = errors(tmp_path, files, {"sys/policies/acl/a": {"policy": "# two"}})

    assert found == [
        (
            "desired-state/a.yaml:1:33: `sys/policies/acl/b` would change too: `policy`"
            " (nothing was written; change the files by hand)"
        )
    ]
    assert (tmp_path / "x.hcl").read_text() == "# one"


def test_a_name_that_nobody_declares_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    files = {"desired-state/a.yaml": ROLES}

    found = errors(tmp_path, files, {PAYMENTS: {"token_policies": ("nonesuch",)}})

    assert len(found) == 1
    assert "names the ACL policy `nonesuch`, which is not declared" in found[0]
    assert "list `sys/policies/acl/nonesuch` under `external`" in found[0]
    assert found[0].startswith("`desired-state/a.yaml` at `auth.approle.roles.payments.token_policies`, as it would be")
    assert "nonesuch" not in (tmp_path / "desired-state/a.yaml").read_text()


# --- files ---


@pytest.mark.parametrize("name", ["texts/read.txt", "texts/read", ".texts/read.hcl"])
def test_a_policy_may_be_a_file_of_any_name_and_something_else_is_adopted(tmp_path: Path, name: str) -> None:
    files = {
        "desired-state/a.yaml": ROLES,
        "desired-state/b.yaml": f"policies: {{a: {{file: ../{name}}}}}\n",
        name: "#",
    }

    found = adopt(tmp_path, files, {PAYMENTS: {"token_ttl": 60}})

    assert list(found) == ["desired-state/a.yaml"]


def test_the_desired_state_may_be_a_link_to_a_hidden_folder(tmp_path: Path) -> None:
    write(tmp_path, {".conf/a.yaml": ROLES})
    (tmp_path / "desired-state").symlink_to(".conf")

    found = adopt(tmp_path, {}, {PAYMENTS: {"token_ttl": 60}})

    assert list(found) == ["desired-state/a.yaml"]
    assert "token_ttl: 1m" in (tmp_path / ".conf/a.yaml").read_text()


def test_no_room_for_the_copy_is_an_error_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vaultconf.adopt_trial.shutil.copyfile", full)

    found = errors(tmp_path, {"desired-state/a.yaml": ROLES}, {PAYMENTS: {"token_ttl": 60}})

    assert len(found) == 1
    assert found[0].startswith("the new files cannot be tried out in a copy: No space left on device")
    assert "20m" in (tmp_path / "desired-state/a.yaml").read_text()


def test_a_file_that_has_changed_meanwhile_is_not_written_nor_any_other(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")

    with pytest.raises(InputError, match="`a` has changed since it was read"):
        output.exchange(tmp_path, {"b": b"new", "a": b"new"}, {"a": b"other", "b": None})

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_the_mode_of_a_file_stays_and_a_link_inside_the_project_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "a").chmod(0o640)
    (tmp_path / "link").symlink_to("a")

    output.exchange(tmp_path, {"link": b"new", "x/y": b"new"}, {"link": b"old", "x/y": None})

    assert (tmp_path / "link").is_symlink()
    assert ((tmp_path / "a").read_text(), (tmp_path / "a").stat().st_mode & 0o777) == ("new", 0o640)
    assert (tmp_path / "x/y").read_text() == "new"


def test_a_link_that_leads_out_of_the_project_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "outside").write_text("old")
    (root / "link").symlink_to("../outside")

    with pytest.raises(InputError, match="leads out of the project"):
        output.exchange(root, {"link": b"new"}, {"link": b"old"})

    assert (tmp_path / "outside").read_text() == "old"


# --- overlays ---


def test_what_an_overlay_says_is_refused_there_and_what_it_leaves_alone_is_written_below(tmp_path: Path) -> None:
    files = {
        "vaultconf.yaml": "version: 1\ntargets: {stage: {}, prod: {overlays: [overlays/prod]}}\n",
        "desired-state/a.yaml": ROLES,
        "overlays/prod/a.yaml": "auth:\n  approle:\n    roles:\n      payments: {token_ttl: 2h}\n",
    }

    refused = errors(tmp_path, files, {PAYMENTS: {"token_ttl": 60}}, target="prod")
    found = adopt(tmp_path, files, {PAYMENTS: {"token_num_uses": 3}}, target="prod")

    assert refused == [
        (
            f"overlays/prod/a.yaml:4:18: `token_ttl` of `{PAYMENTS}` is not written in the desired state itself"
            " (change it there by hand: it may hold for this target alone)"
        )
    ]
    assert list(found) == ["desired-state/a.yaml"]
    assert found["desired-state/a.yaml"].endswith("payments: {token_ttl: 20m, token_num_uses: 3}   # short")
