"""Run a command beside a private server: ``python -m postgres VARIABLE COMMAND…``.

The environment variable names an empty database. It stands there and not among the arguments, because it holds a
password and everybody on a machine can read arguments.
"""

from __future__ import annotations

import os
import subprocess
import sys

from postgres import NoServerError, started


def main(variable: str, *command: str) -> int:
    """The command's exit code."""
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}  # it was for finding this
    try:
        with started() as one:
            return subprocess.run(command, env={**inherited, variable: one.create("ledger")}, check=False).returncode
    except NoServerError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
