"""`python -m tests.fuzz`, or `make fuzz`: throw inputs at every reader of what others wrote; exits 1 at a failure.

`FUZZ_SECONDS` (60) is the time for each target, `FUZZ_EXAMPLES` a number of inputs in its place, `FUZZ_SEED` repeats
a run.
"""

from __future__ import annotations

import os
import random
import sys

from tests.fuzz.running import run
from tests.fuzz.targets import targets

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
SEED = int(os.environ.get("FUZZ_SEED", str(random.SystemRandom().randrange(2**32))))


def main() -> int:
    """Run every target, print how many inputs each took, and say what failed."""
    sys.stdout.write(f"FUZZ_SEED={SEED}\n")
    failed = False
    for target in targets():
        tried, failure = run(target, SEED, examples=EXAMPLES, seconds=SECONDS)
        failed = failed or bool(failure)
        sys.stdout.write(f"{target.name:28} {tried:>10,} inputs  {failure or 'no failure'}\n")
        sys.stdout.flush()
    return int(failed)


sys.exit(main())
