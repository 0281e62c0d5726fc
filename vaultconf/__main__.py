"""`python -m vaultconf` and the console script."""

from __future__ import annotations

import gc
import sys

#: A run makes some hundred thousand values, keeps them all and hardly a cycle: the usual 700 allocations between two
#: searches for garbage would cost a tenth of its CPU time.
ALLOCATIONS_BETWEEN_SEARCHES = 200_000


def run() -> None:
    """Run the command line and leave with its exit code; `--version` alone answers without loading the rest."""
    if sys.argv[1:] == ["--version"]:
        from vaultconf import __version__  # noqa: PLC0415 - nothing else is needed

        sys.stdout.write(f"vaultconf {__version__}\n")
        sys.exit(0)
    gc.set_threshold(ALLOCATIONS_BETWEEN_SEARCHES)
    try:
        from vaultconf.cli import main  # noqa: PLC0415 - `--version` does without

        code = main(sys.argv[1:])
        gc.freeze()  # else the interpreter searches once more through all that it is about to leave
        sys.exit(code)
    except KeyboardInterrupt:  # while the modules are still being read
        sys.exit(130)


if __name__ == "__main__":
    run()
