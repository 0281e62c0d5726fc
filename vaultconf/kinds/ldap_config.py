"""LDAP auth, its configuration. Source: Vault API, `/auth/ldap/config`; OpenBao 2.6.2, Vault 2.1 and 1.19.

`schema`, `enable_samaccountname_login` and `rotation_url` are of Vault 2.0 and later; 1.19 swallows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from vaultconf.cloud_fields import RotationFields
from vaultconf.fields import Codec, Count, Duration, Flag, Text, one_of
from vaultconf.kind import Kind, Rotation, setting
from vaultconf.ldap_fields import DirectorySchema
from vaultconf.model import Values
from vaultconf.token_fields import OLD_NAMES, TokenFields, token_problems

_TLS = ("tls10", "tls11", "tls12", "tls13")


def _lower(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    return value.lower()


#: Text that the server folds to lower case.
Folded = Annotated[str, Codec(_lower, _lower, {"type": "string"})]
TlsVersion = Annotated[str, one_of(*_TLS)]


class LdapConfig(TokenFields, RotationFields, DirectorySchema):
    """The directory that checks passwords, and how people and their groups are found in it."""

    url: Folded = setting("ldap://127.0.0.1", "Servers, separated by commas; the first that answers is used.")
    starttls: Flag = setting(False, "Turn the connection into TLS.")
    insecure_tls: Flag = setting(False, "Do not check the server's certificate.")
    certificate: Text = setting("", "CA that signed it (PEM).")
    client_tls_cert: Text = setting(None, "Client certificate (PEM).", write_only=True, secret=True)
    client_tls_key: Text = setting(None, "Its key (PEM).", write_only=True, secret=True)
    tls_min_version: TlsVersion = setting("tls12", "Oldest TLS version.")
    tls_max_version: TlsVersion = setting("tls12", "Newest TLS version.")
    request_timeout: Duration = setting(90, "Timeout of a request.")
    connection_timeout: Duration = setting(30, "Timeout of a connection, until the next server is tried.")
    binddn: Text = setting("", "Who searches the directory.")
    bindpass: Text = setting(None, "Their password.", write_only=True, told_by="binddn", secret=True)
    discoverdn: Flag = setting(False, "Find out the DN of a user by an anonymous search.")
    deny_null_bind: Flag = setting(True, "Refuse logins with an empty password.")
    userdn: Text = setting("", "Where users are.")
    userattr: Folded = setting("cn", "Attribute that holds the name of a login.")
    userfilter: Text = setting("({{.UserAttr}}={{.Username}})", "Filter that finds a user.")
    upndomain: Text = setting("", "Domain that is added to the name of a login.")
    enable_samaccountname_login: Flag = setting(
        False, "Active Directory: log in with sAMAccountName too. Vault 2.0 and later.", only="vault"
    )
    username_as_alias: Flag = setting(False, "The name of the login names the alias, whatever `userattr`.")
    case_sensitive_names: Flag = setting(False, "Names of users and groups differ by case; here they must not.")
    groupdn: Text = setting("", "Where groups are.")
    groupfilter: Text = setting(
        "(|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))", "Filter that finds groups."
    )
    groupattr: Text = setting("cn", "Attribute that holds a group's name.")
    anonymous_group_search: Flag = setting(False, "Search groups without logging in.")
    use_token_groups: Flag = setting(False, "Active Directory: take the groups from tokenGroups.")
    use_pre111_group_cn_behavior: Flag = setting(False, "Group names as before Vault 1.1.1.")
    dereference_aliases: Annotated[str, one_of("never", "finding", "searching", "always")] = setting(
        "never", "When aliases of the directory are followed."
    )
    max_page_size: Count = setting(0, "Size of a page of results; 0 is no paging.")
    password_policy: Text = setting(
        "", "Policy of a rotated `bindpass`. Vault only.", names="password_policy", must_exist=False, only="vault"
    )
    rotation_url: Text = setting("", "Server on which it is rotated. Vault 2.0 and later.", only="vault")


def _check(values: Values) -> Iterator[str]:
    """What every server refuses (seen on OpenBao 2.6.2, Vault 2.1, 1.19)."""
    yield from token_problems(values)
    lowest, highest = (values.get(f"tls_{end}_version", "tls12") for end in ("min", "max"))
    if lowest in _TLS and highest in _TLS and _TLS.index(str(lowest)) > _TLS.index(str(highest)):
        yield "`tls_min_version` is above `tls_max_version`, which is tls12 if it is left out"
    if ("client_tls_cert" in values) != ("client_tls_key" in values):
        yield "`client_tls_cert` and `client_tls_key` go together"


KIND = Kind(
    name="ldap_config",
    title="LDAP configuration",
    model=LdapConfig,
    yaml="auth.{mount}.config",
    path="auth/{mount}/config",
    mount_types=frozenset({"ldap"}),
    always=True,
    rotation=Rotation(
        "auth/{mount}/config/rotate-root", frozenset({"bindpass"}), user="binddn", server=("url",), only="vault"
    ),
    old_names=OLD_NAMES,
    check=_check,
)
