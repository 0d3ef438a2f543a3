"""`python -m t5g`: the same as the command `t5g`."""

import os
import sys
from typing import NoReturn

import typer

from t5g.cli import making
from t5g.collector import resting

#: The processes, which are to answer soon: they are started without all other commands.
PROCESSES = ("web", "bot", "worker", "scheduler")


def main() -> NoReturn:
    """Run the command that was asked for; what it makes (files, sockets) is its owner's only."""
    os.umask(0o077)
    with resting():
        app = _processes() if sys.argv[1:2] and sys.argv[1] in PROCESSES else _all()
    making.run(app)


def _processes() -> typer.Typer:
    from t5g.cli import processes

    return making.make_app([processes])


def _all() -> typer.Typer:
    from t5g.cli.app import app

    return app


if __name__ == "__main__":
    main()
