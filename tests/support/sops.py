"""A stand-in for the program sops: it notes how it was called, and "decrypts" JSON that is wrapped in a map."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_PROGRAM = """#!{python}
import json, os, sys
from pathlib import Path

with Path({log!r}).open("a") as log:
    call = {{"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "stdin": sys.stdin.read()}}
    call["home"] = sorted(os.listdir(os.environ["HOME"]))
    log.write(json.dumps(call) + "\\n")
document = json.loads(Path(sys.argv[-1]).read_text())
if "sops" not in document:
    sys.exit("sops metadata not found")
if os.environ.get("SOPS_AGE_KEY") != {key!r}:
    sys.exit("Failed to get the data key required to decrypt the SOPS file. canary-of-sops")
print(json.dumps({{name: value for name, value in document.items() if name != "sops"}}))
"""


class Sops:
    """The stand-in in a folder of its own, and what it was told."""

    KEY = "AGE-SECRET-KEY-canary"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls"
        program = folder / "sops"
        folder.mkdir(parents=True, exist_ok=True)
        program.write_text(_PROGRAM.format(python=sys.executable, log=str(self.log), key=self.KEY))
        program.chmod(0o755)

    @property
    def calls(self) -> list[dict[str, Any]]:
        """How it was called, in order."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


def encrypted(**values: object) -> str:
    """A file that the stand-in decrypts."""
    return json.dumps({**values, "sops": {"version": "3"}})
