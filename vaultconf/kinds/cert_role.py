"""Certificates of cert auth methods. Source: Vault API, `/auth/cert`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf.fields import Count, Duration, Flag, Text, Words, WordSet
from vaultconf.kind import REQUIRED, Kind, Names, setting
from vaultconf.token_fields import OLD_NAMES, TokenFields, token_problems


class CertRole(TokenFields):
    """Which client certificates may log in, and with which token."""

    certificate: Text = setting(REQUIRED, "The certificate, or the CA that signed it (PEM).")
    display_name: Text = setting(None, "Name shown for its tokens; the server takes the role's.", chosen=True)
    allowed_names: WordSet = setting((), "Names of which one must be in the certificate; patterns with `*`.")
    allowed_common_names: WordSet = setting((), "The same for the common name.")
    allowed_dns_sans: WordSet = setting((), "The same for DNS names.")
    allowed_email_sans: WordSet = setting((), "The same for e-mail addresses.")
    allowed_uri_sans: WordSet = setting((), "The same for URIs.")
    allowed_organizational_units: WordSet = setting((), "The same for units (OU); none is any.")
    allowed_organizations: WordSet = setting((), "The same for organizations (O). Vault 2.1 and later.", only="vault")
    required_extensions: WordSet = setting((), "Extensions that must be there, as `OID:value` with `*`.")
    allowed_metadata_extensions: WordSet = setting((), "Extensions (OID) that become metadata.")
    ocsp_enabled: Flag = setting(False, "Asks an OCSP server whether the certificate is revoked.")
    ocsp_ca_certificates: Text = setting("", "CAs of OCSP answers, beside the certificate's own (PEM).")
    ocsp_servers_override: Words = setting((), "OCSP servers in place of those in the certificate.")
    ocsp_fail_open: Flag = setting(False, "Lets in who cannot be checked.")
    ocsp_query_all_servers: Flag = setting(False, "Asks all OCSP servers, not the first that answers.")
    ocsp_max_retries: Count = setting(4, "How often a server is asked again. Vault only.", only="vault")
    ocsp_this_update_max_age: Duration = setting(0, "Longest age of an answer; 0 is any. Vault only.", only="vault")


KIND = Kind(
    name="cert_role",
    title="Certificate",
    model=CertRole,
    yaml="auth.{mount}.certs.{name}",
    path="auth/{mount}/certs/{name}",
    mount_types=frozenset({"cert"}),
    names=Names(folds=True),
    old_names=OLD_NAMES,
    check=token_problems,
)
