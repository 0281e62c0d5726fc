"""What single kinds refuse before a server is asked."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from vaultconf.catalogue import all_kinds

PERIOD = {"db_name": "pg", "username": "app", "rotation_period": 86400}
EC2 = {"auth_type": "ec2", "bound_ami_id": ("ami-1",)}
SCHEDULE = {"db_name": "pg", "username": "app", "rotation_schedule": "0 0 * * SAT"}


@pytest.mark.parametrize(
    ("kind", "values", "word"),
    [
        ("database_static_role", {"db_name": "pg", "username": "app"}, "either"),
        ("database_static_role", {**PERIOD, "rotation_schedule": "0 0 * * SAT"}, "either"),
        ("database_static_role", {**PERIOD, "rotation_period": 4}, "5 seconds"),
        ("database_static_role", {**PERIOD, "rotation_window": 3600}, "goes with"),
        ("database_static_role", {**SCHEDULE, "rotation_window": 3599}, "one hour"),
        ("database_static_role", {**PERIOD, "credential_config.key_bits": 2048}, "no meaning"),
        (
            "database_role",
            {"credential_type": "rsa_private_key", "credential_config.password_policy": "p"},
            "no meaning",
        ),
        ("database_role", {"default_ttl": 7200, "max_ttl": 3600}, "longer than"),
        ("secrets_engine", {"type": "kv-v2"}, "old spelling"),
        ("secrets_engine", {"type": "kv", "tune.default_lease_ttl": 7200, "tune.max_lease_ttl": 3600}, "longer than"),
        ("auth_method", {"type": "jwt", "tune.user_lockout_config.lockout_threshold": 3}, "only userpass"),
        ("approle_role", {"bind_secret_id": False}, "needs"),
        ("userpass_user", {"token_type": "batch", "token_num_uses": 1}, "batch"),
        ("aws_auth_role", {}, "at least one"),
        ("aws_auth_role", {"bound_ami_id": ("a",), "role_tag": "t"}, "auth_type: ec2"),
        ("aws_auth_role", {"auth_type": "ec2", "bound_iam_principal_arn": ("a",)}, "auth_type: iam"),
        ("aws_auth_role", {"bound_ami_id": ("a",), "inferred_aws_region": "r"}, "go together"),
        (
            "aws_auth_role",
            {**EC2, "allow_instance_migration": True, "disallow_reauthentication": True},
            "exclude each other",
        ),
        ("aws_auth_identity", {"ec2_metadata": ("default",)}, "leave the field out"),
        ("ldap_config", {"tls_min_version": "tls13"}, "above"),
        ("ldap_config", {"client_tls_cert": "c"}, "go together"),
        ("azure_auth_role", {"token_ttl": 60}, "at least one"),
        ("gcp_auth_config", {"iam_metadata": ("default", "role")}, "leave the field out"),
        ("gcp_auth_role", {"type": "gce", "max_jwt_exp": 900}, "type: iam"),
        ("gcp_auth_role", {"type": "iam"}, "bound_service_accounts"),
        ("gcp_auth_role", {"type": "gce", "bound_instance_groups": ("g",)}, "bound_zones"),
    ],
)
def test_values_that_no_server_takes_are_refused(kind: str, values: Mapping[str, object], word: str) -> None:
    check = all_kinds()[kind].check

    problems = list(check(values))

    assert len(problems) == 1
    assert word in problems[0]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("database_static_role", {**SCHEDULE, "rotation_window": 3600}),
        ("database_static_role", {**PERIOD, "credential_config.password_policy": "p"}),
        ("database_role", {"credential_type": "rsa_private_key", "credential_config.key_bits": 3072}),
        ("approle_role", {"bind_secret_id": False, "token_bound_cidrs": ("10.0.0.0/8",)}),
        ("aws_auth_role", {**EC2, "bound_region": ("us-east-1",), "role_tag": "t"}),
        ("ldap_config", {"tls_min_version": "tls13", "tls_max_version": "tls13"}),
        ("gcp_auth_role", {"type": "gce", "bound_instance_groups": ("g",), "bound_regions": ("r",)}),
    ],
)
def test_values_that_servers_take_are_let_through(kind: str, values: Mapping[str, object]) -> None:
    check = all_kinds()[kind].check

    problems = list(check(values))

    assert problems == []


@pytest.mark.parametrize("text", ["2040-01-01T00:00:00Z", "2040-01-01T01:00:00+01:00", "2040-01-01T00:00:00.000Z"])
def test_a_moment_is_the_same_in_every_zone(text: str) -> None:
    expiration = all_kinds()["acl_policy"].fields["expiration"]

    moments = {expiration.read(text), expiration.codec.from_wire(text)}

    assert moments == {"2040-01-01T00:00:00Z"}


@pytest.mark.parametrize("value", ["", "tomorrow", "2040-01-01T00:00:00", 1893456000, "2040-13-01T00:00:00Z"])
def test_a_moment_without_a_zone_or_a_meaning_is_refused(value: object) -> None:
    expiration = all_kinds()["acl_policy"].fields["expiration"]

    with pytest.raises(ValueError, match="date and time with a zone"):
        expiration.read(value)


def test_a_moment_that_only_the_server_understands_is_kept_as_it_is() -> None:
    expiration = all_kinds()["acl_policy"].fields["expiration"]

    moment = expiration.codec.from_wire("never")

    assert moment == "never"


@pytest.mark.parametrize(("version", "kept"), [("v1.2.3", "v1.2.3"), ("", ""), ("v1.19.0+builtin.vault", "")])
def test_the_version_of_a_built_in_plugin_is_read_as_none(version: str, kept: str) -> None:
    spec = all_kinds()["secrets_engine"].fields["plugin_version"]

    value = spec.codec.from_wire(version)

    assert value == kept


@pytest.mark.parametrize(("version", "complaint"), [(1, "must be text"), ("v2.7.2+builtin.bao", "leave the field out")])
def test_a_version_that_is_no_choice_is_refused(version: object, complaint: str) -> None:
    spec = all_kinds()["secrets_engine"].fields["plugin_version"]

    with pytest.raises(ValueError, match=complaint):
        spec.read(version)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("aws_auth_client", "max_retries", -2),
        ("aws_auth_client", "max_retries", True),
        ("aws_auth_certificate", "aws_public_cert", "no certificate"),
        ("github_config", "base_url", 1),
        ("ldap_config", "url", 1),
        ("ldap_user", "groups", ["Ops"]),
    ],
)
def test_a_value_that_a_field_cannot_hold_is_refused(kind: str, field: str, value: object) -> None:
    spec = all_kinds()[kind].fields[field]

    with pytest.raises(ValueError, match=r"must be|upper case"):
        spec.read(value)
