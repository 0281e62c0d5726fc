"""`python -m vaultconf` and the console script."""

from __future__ import annotations

import sys


def run() -> None:
    """Run the command line and leave with its exit code; `--version` alone answers without loading the rest."""
    if sys.argv[1:] == ["--version"]:
        from vaultconf import __version__  # noqa: PLC0415 - nothing else is needed

        sys.stdout.write(f"vaultconf {__version__}\n")
        sys.exit(0)
    from vaultconf.cli import main  # noqa: PLC0415 - `--version` does without

    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
