"""Connection strings: a password in one is found in every form that the plugins take."""

from __future__ import annotations

import pytest

from tests.support.plans import BAO, desired, live
from vaultconf.diff import compare
from vaultconf.kinds.database_connection import KIND
from vaultconf.urls import holds_password

SECRET = "canary-71c0"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://vault:{SECRET}@db:5432/x",
        f"vault:{SECRET}@tcp(db:3306)/",
        f"host=db user=vault password={SECRET}",
        f"postgresql://db/x?user=vault&password={SECRET}",
        f"server=db;user id=sa;password={SECRET};database=x",
        f"server=db;user id=sa;pwd={SECRET}",
        f"sqlserver://db:1433?user+id=sa&password={SECRET}",
        f"vault/{SECRET}@db:1521/service",
        f"host=db%20password={SECRET}",
    ],
)
def test_a_password_in_a_connection_string_is_refused_and_never_shown(url: str) -> None:
    wanted = desired(
        "database_connection", {"plugin_name": "p", "connection_url": "x://{{username}}"}, mount="d", name="c"
    )

    with pytest.raises(ValueError, match="holds a password") as refused:
        KIND.fields["connection_url"].read(url)
    found = compare(wanted, live(wanted, connection_url=url), BAO, lambda _: None)

    assert SECRET not in str(refused.value)
    assert [(item.field, item.secret, item.before) for item in found.fields] == [("connection_url", True, None)]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://{{username}}:{{password}}@db:5432/x?sslmode=verify-full",
        "{{username}}:{{password}}@tcp(db:3306)/",
        "host=db user={{username}} password={{password}}",
        "server=db;user id={{username}};password={{password}};database=x",
        "{{username}}/{{password}}@db:1521/service",
        "db:5432",
        "",
    ],
)
def test_a_connection_string_with_templates_is_taken_as_it_is(url: str) -> None:
    assert not holds_password(url)
    assert KIND.fields["connection_url"].read(url) == url


def test_what_the_server_returns_percent_encoded_equals_what_was_written() -> None:
    written = "host=db user={{username}} password={{password}}"
    returned = "host=db%20user=%7B%7Busername%7D%7D%20password=%7B%7Bpassword%7D%7D"

    assert KIND.fields["connection_url"].codec.from_wire(returned) == written
