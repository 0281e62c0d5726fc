"""A company: units with mounts of their own, applications of which most are uses of templates, three environments."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench import measure, relay
from tests.bench.table import Row, spread
from tests.support.jwt import client_certificate
from tests.support.servers import Server, start_dev

ENVIRONMENTS = ("dev", "stage", "prod")
UNITS, APPLICATIONS = 10, 150
#: Of so many applications of a unit, one is written out by hand.
BY_HAND = 10
#: What `connection_url` and its password refer to; no server of the kind has to be there.
SECRET = {"DB_PASSWORD": "not-a-password"}

MEGABYTE = 1024 * 1024
_TARGET = ("--target", ENVIRONMENTS[-1])
_PLATFORMS = ("jwt", "kubernetes", "cert")
_COLLECTION = {"jwt": "roles", "kubernetes": "roles", "cert": "certs"}
_ROLE = {
    "jwt": "role_type: jwt, user_claim: sub, bound_audiences: [vault], bound_subject: 'app:{app}'",
    "kubernetes": "bound_service_account_names: ['{app}'], bound_service_account_namespaces: ['{unit}-${{var:env}}']",
    "cert": "certificate: '${{var:ca}}', allowed_common_names: ['{app}.${{var:domain}}']",
}
_CONFIG = {
    "jwt": "    config: {jwt_validation_pubkeys: ['${var:ca}'], bound_issuer: 'https://id.${var:domain}'}\n",
    "kubernetes": "    config: {kubernetes_host: 'https://k8s.${var:domain}', kubernetes_ca_cert: '${var:ca}'}\n",
    "cert": "",
}


def write(root: Path, certificate: str, units: int = UNITS, applications: int = APPLICATIONS) -> Path:
    """Write the project and return its folder; a unit has 4 mounts, an application 2 policies and 4 roles.

    `certificate` is any certificate, as PEM.
    """
    for folder in ("policies/app", "desired-state"):
        (root / folder).mkdir(parents=True)
    (root / "vaultconf.yaml").write_text(_settings(certificate))
    for what in ("read", "deploy"):
        (root / f"policies/app/{what}.hcl").write_text(_rules(what, "${param:unit}", "${param:name}"))
    (root / "desired-state/templates.yaml").write_text("templates:\n" + "".join(map(_template, _PLATFORMS)))
    for number in range(units):
        _unit(root, number, applications)
    for env, versions in zip(ENVIRONMENTS, (2, 5, 50), strict=True):
        (root / "overlays" / env).mkdir(parents=True)
        (root / "overlays" / env / "mounts.yaml").write_text(_overlay(units, versions))
    return root


def counted(units: int = UNITS, applications: int = APPLICATIONS) -> dict[str, int]:
    """How many mounts, policies and roles the project declares."""
    number = units * applications
    return {"mounts": 4 * units, "policies": 2 * number, "roles": 4 * number}


def _settings(certificate: str) -> str:
    pem = certificate.strip().replace("\n", "\\n")
    lines = [
        f"  {env}: {{overlays: [overlays/{env}], vars: {{env: {env}, domain: {env}.example.com, ttl: {hours}h,"
        f' ca: "{pem}\\n"}}}}\n'
        for env, hours in zip(ENVIRONMENTS, (8, 4, 1), strict=True)
    ]
    return "version: 1\nproject: company\ntargets:\n" + "".join(lines)


def _overlay(units: int, versions: int) -> str:
    """What an environment says over the mounts of each unit."""
    mounts = (f"  unit-{number:02}-kv: {{config: {{max_versions: {versions}}}}}\n" for number in range(units))
    return "secrets:\n" + "".join(mounts)


def _unit(root: Path, number: int, applications: int) -> None:
    unit, platform = f"unit-{number:02}", _PLATFORMS[number % len(_PLATFORMS)]
    folder = root / "desired-state" / unit
    folder.mkdir()
    names = [f"{unit}-app-{index:03}" for index in range(applications)]
    by_hand = set(names[::BY_HAND])
    uses = "".join(f"    - {{unit: {unit}, name: {name}}}\n" for name in names if name not in by_hand)
    (folder / "mounts.yaml").write_text(_mounts(unit, platform))
    (folder / "applications.yaml").write_text(f"owner: {unit}\nuse:\n  app-{platform}:\n{uses}")
    (folder / "people.yaml").write_text(f"owner: {unit}\n" + "".join(_people(unit, names)))
    for name in sorted(by_hand):
        (folder / f"{name}.yaml").write_text(f"owner: {unit}\n" + _roles(unit, name, platform, ""))
        for what in ("read", "deploy"):
            (root / f"policies/{name}-{what}.hcl").write_text(_rules(what, unit, name))


def _mounts(unit: str, platform: str) -> str:
    return f"""\
owner: {unit}
secrets:
  {unit}-kv: {{type: kv, description: Secrets of {unit}, options: {{version: "2"}}, config: {{max_versions: 20}}}}
  {unit}-db:
    type: database
    connections:
      main:
        plugin_name: postgresql-database-plugin
        connection_url: "postgresql://{{{{username}}}}:{{{{password}}}}@{unit}.${{var:domain}}:5432/main"
        allowed_roles: ["*"]
        verify_connection: false
        username: vault
        password: ${{env:DB_PASSWORD}}
auth:
  {unit}: {{type: approle, tune: {{max_lease_ttl: 24h}}}}
  {unit}-{platform}:
    type: {platform}
{_CONFIG[platform]}"""


def _template(platform: str) -> str:
    text = f"  app-{platform}:\n    params: {{unit: , name: , ttl: '${{var:ttl}}'}}\n    policies:\n"
    for what in ("read", "deploy"):
        text += f'      "${{param:name}}-{what}": {{file: ../policies/app/{what}.hcl}}\n'
    return text + _roles("${param:unit}", "${param:name}", platform, "    ")


def _roles(unit: str, app: str, platform: str, indent: str) -> str:
    """The four roles of an application, as a document has them."""
    ttl = "${param:ttl}" if indent else "${var:ttl}"
    token = f"token_policies: ['{app}-read'], token_ttl: '{ttl}'"
    lines = [
        "secrets:",
        f'  "{unit}-db":',
        "    roles:",
        *(
            f'      "{app}-{kind}": {{db_name: main, creation_statements: [{_GRANT[kind]}], default_ttl: 1h}}'
            for kind in _GRANT
        ),
        "auth:",
        f'  "{unit}": {{roles: {{"{app}": {{{token}, secret_id_ttl: 24h}}}}}}',
        f'  "{unit}-{platform}":',
        f"    {_COLLECTION[platform]}:",
        f'      "{app}": {{{_ROLE[platform].format(app=app, unit=unit)}, {token}}}',
    ]
    return "".join(f"{indent}{line}\n" for line in lines)


_GRANT = {
    "ro": '"GRANT SELECT ON ALL TABLES IN SCHEMA main TO \\"{{name}}\\""',
    "rw": '"GRANT ALL ON ALL TABLES IN SCHEMA main TO \\"{{name}}\\""',
}


def _people(unit: str, names: list[str]) -> Iterator[str]:
    """A tenth as many groups and people as applications."""
    some = names[::10]
    yield "identity:\n  groups:\n"
    yield from (f"    {name}-owners: {{policies: [{name}-deploy], metadata: {{unit: {unit}}}}}\n" for name in some)
    yield "  entities:\n"
    yield from (f"    {name}-bot: {{policies: [{name}-read], metadata: {{app: {name}}}}}\n" for name in some)


def _rules(what: str, unit: str, app: str) -> str:
    may, role = {"read": ('"read"', "ro"), "deploy": ('"create", "update", "read"', "rw")}[what]
    return f"""# What may {what} {app} of ${{var:env}}.
path "{unit}-kv/data/{app}/*" {{
  capabilities = [{may}]
}}

path "{unit}-kv/metadata/{app}/*" {{
  capabilities = ["read", "list"]
}}

path "{unit}-db/creds/{app}-{role}" {{
  capabilities = ["read"]
}}
"""


def rows(rounds: int) -> Iterator[Row]:
    """What the commands take of such a project, and how many requests they send."""
    with tempfile.TemporaryDirectory(prefix="vaultconf-bench-") as folder:
        certificate, _ = client_certificate(Path(folder), "any")
        root = write(Path(folder) / "project", certificate.read_text())
        checks = [measure.vaultconf("validate", root=root, env={}) for _ in range(rounds)]
        yield _row(f"company: validate for {len(ENVIRONMENTS)} targets", checks)
        yield _row("company: render of one", [measure.vaultconf("render", *_TARGET, root=root, env={})])
        server = start_dev()
        try:
            yield from _on_server(server, root, rounds)
        finally:
            server.stop()


def _on_server(server: Server, root: Path, rounds: int) -> Iterator[Row]:
    """The way of one environment: planned, applied, planned again, looked at by night."""
    with relay.in_front_of(server.address, round_trip=0) as counted:
        access = {"VAULT_ADDR": counted.address, "VAULT_TOKEN": server.token, **SECRET}
        for what, command, times in (
            ("first plan", ("plan",), 1),
            ("first apply", ("apply", "--yes"), 1),
            ("plan, nothing changed", ("plan", "--detailed-exitcode"), rounds),
            ("drift", ("drift",), rounds),
        ):
            before = counted.requests()
            runs = [measure.vaultconf(*command, *_TARGET, root=root, env=access) for _ in range(times)]
            yield _row(f"company: {what}", runs, (counted.requests() - before) // times)


def _row(what: str, runs: Sequence[measure.Run], requests: int = 0) -> Row:
    """The seconds by the clock; and what of it is CPU of ours, the most memory, and the requests of one run."""
    cpu, memory = min(run.cpu for run in runs), max(run.memory for run in runs) / MEGABYTE
    sent = f", {requests:,} requests" if requests else ""
    return Row(what, f"{spread([run.seconds for run in runs], ' s')}; CPU {cpu:.1f} s, {memory:.0f} MB{sent}")
