"""An OpenLDAP with two people and a group, for LDAP logins; its slapd comes from the system's packages."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from tests.support.process import Daemon, NotInstalled, find_program, free_port, launch, wait_until

BASE = "dc=example,dc=com"
ADMIN = f"cn=admin,{BASE}"
SCHEMAS = (Path("/etc/ldap/schema"), Path("/etc/openldap/schema"))  # Debian's, and everybody else's


@dataclass(frozen=True, slots=True)
class Directory:
    """A running directory. Below `ou=people` are `uid=alice` and `uid=bob`; alice is in `cn=ops,ou=groups`."""

    process: Daemon
    address: str
    password: str = field(repr=False)  # of ADMIN and of both people, a word added

    def password_of(self, uid: str) -> str:
        """Return the password of a person, or of `admin`."""
        return f"{self.password}-{uid}"

    def stop(self) -> None:
        """End the server; again is harmless."""
        self.process.stop()


def find_slapd() -> Path:
    """Return the server's program; raises NotInstalled with the package to install."""
    found = find_program("slapd", package="slapd")
    if not any(folder.is_dir() for folder in SCHEMAS):
        raise NotInstalled(f"no schemas of OpenLDAP in any of {', '.join(map(str, SCHEMAS))}")
    return found


def start(slapd: Path) -> Directory:
    """Start a directory on a free loopback port; raises StartFailed with its log."""
    folder, port, password = Path(tempfile.mkdtemp(prefix="vaultconf-test-")), free_port(), secrets.token_hex(16)
    # A copy: AppArmor knows the original by its path, and lets it into no folder but the system's own.
    program = Path(shutil.copy(slapd, folder / "slapd"))
    (folder / "data").mkdir()
    (folder / "slapd.conf").write_text(_config(folder, password))
    entries = folder / "entries.ldif"
    entries.write_text(_entries(password))
    environment = {"PATH": os.environ["PATH"]}
    filled = [program, "-Tadd", "-f", folder / "slapd.conf", "-l", entries]
    subprocess.run(filled, env=environment, capture_output=True, check=True, timeout=60)
    address = f"ldap://127.0.0.1:{port}"
    daemon = launch(
        [program, "-f", folder / "slapd.conf", "-h", address, "-d", "0"], folder=folder, environment=environment
    )
    wait_until(lambda: _answers(port), daemon, "slapd")
    return Directory(daemon, address, password)


def _config(folder: Path, password: str) -> str:
    schemas = next(known for known in SCHEMAS if known.is_dir())
    included = "\n".join(f"include {schemas / name}.schema" for name in ("core", "cosine", "inetorgperson"))
    # The ldif backend is built in. Nobody reads anything without logging in; who has, changes the own password.
    return f"""{included}
pidfile {folder / "pid"}
database ldif
suffix "{BASE}"
directory {folder / "data"}
rootdn "{ADMIN}"
rootpw {password}-admin
access to attrs=userPassword by self write by anonymous auth by * none
access to * by users read by * none
"""


def _entries(password: str) -> str:
    people = "".join(
        dedent(f"""
            dn: uid={uid},ou=people,{BASE}
            objectClass: inetOrgPerson
            cn: {uid.title()}
            sn: {uid.title()}
            userPassword: {password}-{uid}
        """)
        for uid in ("alice", "bob")
    )
    units = "".join(f"\ndn: ou={name},{BASE}\nobjectClass: organizationalUnit\n" for name in ("people", "groups"))
    top = f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\n"
    member = f"member: uid=alice,ou=people,{BASE}\n"
    return f"{top}{units}{people}\ndn: cn=ops,ou=groups,{BASE}\nobjectClass: groupOfNames\n{member}"


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
