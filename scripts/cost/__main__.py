"""What the deployment costs: `estimate` reckons beforehand, `measure` reads what it was.

The exit status is 0 when it was found out, 1 when it could not be, 2 when the command is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from google.auth.exceptions import GoogleAuthError

from scripts.cost import estimate, measure
from scripts.cost.prices import PriceError
from scripts.cost.traffic import TrafficError
from scripts.programs import ProgramError

_COMMANDS = {"estimate": estimate, "measure": measure}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.cost", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in _COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.__doc__, description=command.__doc__))
    options = parser.parse_args(arguments)
    try:
        print(_COMMANDS[options.command].run(options))
    except (TrafficError, PriceError, ProgramError, OSError, GoogleAuthError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
