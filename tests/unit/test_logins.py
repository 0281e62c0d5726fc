"""Where and as whom objects log in: forms of connection strings, and when two of them mean one login."""

from __future__ import annotations

import pytest

from vaultconf import catalogue
from vaultconf.logins import Alike, Login, login_of

CONNECTION = catalogue.all_kinds()["database_connection"]
LDAP = catalogue.all_kinds()["ldap_config"]
URL = "postgresql://{{username}}:{{password}}@"


def login(url: str, plugin: str = "postgresql-database-plugin", user: str = "vault", **more: object) -> Login:
    found = login_of(CONNECTION, {"plugin_name": plugin, "connection_url": url, "username": user, **more})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("url", "places"),
    [
        ("postgresql://{{username}}:{{password}}@DB.internal./x?sslmode=disable", {("db.internal", 5432)}),
        ("postgres://a:1,b,[2001:DB8::1]:3/x", {("a", 1), ("b", 5432), ("2001:db8::1", 3)}),
        ("postgresql:///x?host=db&port=7&user={{username}}", {("db", 7)}),
        ("postgresql:///x?host=a,b&port=1,2", {("a", 1), ("b", 2)}),
        ("host=a,b port=7", {("a", 7), ("b", 7)}),
        ("host='db' port = 7 user={{username}} password={{password}}", {("db", 7)}),
        ("host=/var/run/postgresql", {("localhost", 5432)}),
        ("host=a hostaddr=10.0.0.1", {("10.0.0.1", 5432)}),
        ("postgresql://h@127.0.0.2:1/x", {("localhost", 1)}),
        ("postgresql://[::1]:1/x", {("localhost", 1)}),
        ("postgresql://[::ffff:10.0.0.1]:1/x", {("10.0.0.1", 1)}),
        ("postgresql:///x", set()),
        ("dbname=x", set()),
        ("", set()),
    ],
)
def test_hosts_and_ports_are_read_in_every_form_that_postgresql_takes(url: str, places: set[tuple[str, int]]) -> None:
    assert login(url).places == places


@pytest.mark.parametrize(
    ("plugin", "url", "places"),
    [
        ("mysql-database-plugin", "{{username}}:{{password}}@tcp(db:3307)/x", {("db", 3307)}),
        ("mysql-rds-database-plugin", "{{username}}:{{password}}@tcp(db)/", {("db", 3306)}),
        ("mysql-database-plugin", "{{username}}:{{password}}@tcp([2001:db8::1]:1)/", {("2001:db8::1", 1)}),
        ("mysql-database-plugin", "{{username}}:{{password}}@unix(/run/mysqld.sock)/", {("localhost", 3306)}),
        ("mysql-database-plugin", "{{username}}:{{password}}@/x", {("localhost", 3306)}),
        ("mysql-database-plugin", "{{username}}:{{password}}@tcp/x", {("localhost", 3306)}),
        ("mssql-database-plugin", "sqlserver://{{username}}:{{password}}@db", {("db", 1433)}),
        ("mssql-database-plugin", "server=tcp:db,1500;user id={{username}}", {("db", 1500)}),
        ("mssql-database-plugin", "Server=db\\one;User ID={{username}}", {("db", 0)}),
        ("mongodb-database-plugin", "mongodb+srv://{{username}}:{{password}}@db/admin", {("db", 0)}),
        ("mongodb-database-plugin", "mongodb://{{username}}:{{password}}@a:1,b:2/admin", {("a", 1), ("b", 2)}),
        ("vault-plugin-database-oracle", "{{username}}/{{password}}@db:1521/x", {("db", 1521)}),
        ("vault-plugin-database-oracle", "{{username}}/{{password}}@db", {("db", 0)}),
    ],
)
def test_hosts_and_ports_are_read_in_the_forms_of_other_plugins(
    plugin: str, url: str, places: set[tuple[str, int]]
) -> None:
    assert login(url, plugin).places == places


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ({"plugin_name": "cassandra-database-plugin", "hosts": "a, b:1"}, {("a", 9042), ("b", 1)}),
        ({"plugin_name": "redis-database-plugin", "host": "a", "port": 7}, {("a", 7)}),
        ({"plugin_name": "valkey-database-plugin", "host": "a", "port": 0}, {("a", 6379)}),
        ({"plugin_name": "redis-database-plugin", "host": "{{host}}"}, set()),
    ],
)
def test_hosts_and_ports_are_read_from_fields(values: dict[str, object], places: set[tuple[str, int]]) -> None:
    found = login_of(CONNECTION, {**values, "username": "vault"})

    assert found is not None
    assert found.places == places


@pytest.mark.parametrize(
    ("url", "field", "users"),
    [
        ("postgresql://Vault%205:*****@h/x", "", {"vault 5"}),
        ("postgresql://other:*****@h/x", "vault", {"vault", "other"}),
        ("postgresql:///x?host=h&user=other", "vault", {"vault", "other"}),
        ("host=h user=other", "", {"other"}),
        ("other:*****@tcp(h)/", "", {"other"}),
        ("other/*****@h", "", {"other"}),
        ("postgresql://{{username}}:{{password}}@h/x", "vault", {"vault"}),
    ],
)
def test_a_user_in_the_url_logs_in_too(url: str, field: str, users: set[str]) -> None:
    assert login(url, user=field).users == users


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://h:²/x",
        "postgresql://h:٣/x",
        f"postgresql://h:{'9' * 5000}/x",
        "host=h port=²",
        f"host=h port={'9' * 5000}",
        "server=h,²",
        "a " * 1_900,
        " " * 3_900 + "=",
        "a " * 100_000,
        "postgresql://[h:1]/x",
        "@@((=;'\\",
    ],
)
def test_no_text_of_a_url_is_too_strange_to_be_read(url: str) -> None:
    assert all(0 <= port < 100_000 for _, port in login(url).places)
    assert "vault" in login(url).users


def test_without_a_user_nothing_is_known() -> None:
    assert login_of(CONNECTION, {"connection_url": "postgresql://{{username}}:{{password}}@h/x"}) is None


@pytest.mark.parametrize(
    ("one", "two", "alike"),
    [
        (URL + "h:1/x", URL + "H:1/y", Alike.YES),
        (URL + "h/x", URL + "h:5432/y", Alike.YES),
        (URL + "localhost:1/x", URL + "127.0.0.1:1/x", Alike.YES),
        (URL + "a:1,b:1/x", URL + "b:1/x", Alike.YES),
        (URL + "h:1/x", "host=h port=1", Alike.YES),
        (URL + "h:1/x", URL + "h:2/x", Alike.NO),
        ("host=h port=1", "host=h port=2", Alike.NO),
        (URL + "a:1/x", URL + "b:1/x", Alike.MAYBE),
        (URL + "a:1/x", URL + "b:2/x", Alike.MAYBE),
        (URL + "a:1/x", URL + "a:2,b:1/x", Alike.MAYBE),
        (URL + "a:1/x", "", Alike.MAYBE),
    ],
)
def test_two_logins_are_told_apart_only_by_ports_of_one_host(one: str, two: str, alike: Alike) -> None:
    assert login(one).alike(login(two)) is alike
    assert login(two).alike(login(one)) is alike


@pytest.mark.parametrize(
    ("one", "two", "alike"),
    [
        ("postgresql-database-plugin", "mysql-database-plugin", Alike.NO),
        ("postgresql-database-plugin", "redshift-database-plugin", Alike.YES),
        ("mysql-aurora-database-plugin", "mysql-database-plugin", Alike.YES),
        ("postgresql-database-plugin", "our-own-plugin", Alike.YES),
    ],
)
def test_plugins_of_one_family_reach_the_same_servers(one: str, two: str, alike: Alike) -> None:
    assert login("x://h:1/", one).alike(login("x://h:1/", two)) is alike


@pytest.mark.parametrize(
    ("url", "binddn", "alike"),
    [
        ("ldaps://dc1", "CN=Vault, DC=corp", Alike.YES),
        ("ldaps://dc9,ldap://dc1:3268", "cn=vault,dc=corp", Alike.YES),
        ("ldap://dc1:1389", "cn=vault,dc=corp", Alike.NO),
        ("ldap://dc2", "cn=vault,dc=corp", Alike.MAYBE),
        ("ldap://dc1", "cn=other,dc=corp", Alike.NO),
    ],
)
def test_a_directory_is_one_behind_each_of_its_ports(url: str, binddn: str, alike: Alike) -> None:
    one = login_of(LDAP, {"url": "ldap://dc1", "binddn": "cn=vault,dc=corp"})
    two = login_of(LDAP, {"url": url, "binddn": binddn})

    assert one is not None
    assert two is not None
    assert one.alike(two) is alike
