"""`${sops:file#key}`: files that sops decrypts; the one place that runs another program with the project's files.

An encrypted file says by itself which key service is to be asked, and a pull request may bring it along: so sops sees
nothing of Vault's variables and no home with a token or a configuration in it.

Sources: sops 3, "Usage" and the environment variables of its key services.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from vaultconf.key_values import as_text
from vaultconf.project import path_inside, read_bytes
from vaultconf.references import Absent

SECONDS = 60.0

#: What sops itself takes from the environment: its keys, the key services' logins, and the way to them.
_KEYS = ("SOPS_AGE_", "AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_")
_NAMES = frozenset({"GNUPGHOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"})


def decrypt(root: Path, name: str, environ: Mapping[str, str]) -> Mapping[str, object] | Absent:
    """The decrypted content of a file of the project; Absent with the reason, which quotes nothing of it."""
    try:
        read_bytes(root, name)
        file = path_inside(root, name).relative_to(root)
    except ValueError as error:
        return Absent(str(error))
    path = search_path(root, environ)
    program = shutil.which("sops", path=path) if path else None
    if program is None:
        return Absent("there is no program `sops` on the PATH: install it, https://getsops.io")
    with tempfile.TemporaryDirectory(prefix="vaultconf-sops-") as home:
        arguments = [program, "--decrypt", "--output-type", "json", f"./{file}"]
        return _parsed(_run(arguments, root, _environ(environ, path, home)))


def pick(document: Mapping[str, object], key: str) -> str | Absent:
    """The value at a dotted key; a number stands for an item of a list."""
    found: object = document
    for step in key.split("."):
        if isinstance(found, Mapping) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isascii() and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return Absent("the file has no such key")
    return as_text(found)


def search_path(root: Path, environ: Mapping[str, str]) -> str:
    """The PATH without what lies in the project: a pull request must not bring the program along."""
    folders = [Path(folder) for folder in environ.get("PATH", os.defpath).split(os.pathsep)]
    outside = [folder for folder in folders if folder.is_absolute() and not folder.resolve().is_relative_to(root)]
    return os.pathsep.join(map(str, outside))


def _environ(environ: Mapping[str, str], path: str, home: str) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name.startswith(_KEYS) or name in _NAMES}
    return {**kept, "PATH": path, "HOME": home}


def _run(arguments: list[str], root: Path, environ: Mapping[str, str]) -> bytes | Absent:
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell, and a program from outside the project
            arguments,
            cwd=root,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return Absent(f"sops cannot be run: {error.strerror}")
    with process:
        try:
            output, said = process.communicate(timeout=SECONDS)
        except BaseException as error:
            # What it has started itself goes too, or we would wait for that.
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                return Absent(f"sops has not answered for {SECONDS:.0f} s")
            raise
    if process.returncode:
        return Absent(f"sops cannot decrypt it (exit {process.returncode}): {_reason(said)}")
    return output


def _reason(said: bytes) -> str:
    """What sops complained about, in our own words: it may quote the file, or an answer of a key service."""
    if b"data key" in said:
        return "none of its keys is at hand"
    if b"metadata not found" in said:
        return "it is not encrypted with sops"
    return "run `sops --decrypt` on it to see why"


def _parsed(output: bytes | Absent) -> Mapping[str, object] | Absent:
    if isinstance(output, Absent):
        return output
    try:
        found = json.loads(output)
    except (ValueError, RecursionError):
        return Absent("what sops answers is not JSON")
    return found if isinstance(found, dict) else Absent("the file holds no map")
