"""A field of LDAP configurations that bears the name of something in pydantic. Seen on Vault 2.1; 1.19 swallows it."""

from __future__ import annotations

import warnings
from typing import Annotated

from vaultconf.fields import one_of
from vaultconf.kind import Spec, setting

with warnings.catch_warnings():
    # pydantic has an old method `schema`, which nothing here calls.
    warnings.filterwarnings("ignore", 'Field name "schema"', UserWarning)

    class DirectorySchema(Spec):
        """Which kind of directory it is."""

        schema: Annotated[str, one_of("openldap", "ad", "racf")] = setting(  # type: ignore[assignment]  # as above
            "openldap", "Kind of directory. Vault 2.0 and later.", only="vault"
        )
