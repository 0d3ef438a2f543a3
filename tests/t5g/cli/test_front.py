"""A process is started without the other commands, and nobody can tell by what it says."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from t5g.__main__ import PROCESSES
from t5g.cli import processes
from t5g.cli.app import app
from t5g.cli.making import make_app

ASKED = [(name, "--help") for name in PROCESSES] + [("web", "--cuont"), ("worker", "--count=0")]


@pytest.mark.parametrize("args", ASKED, ids=" ".join)
def test_a_process_says_the_same_with_and_without_the_other_commands(args: tuple[str, ...]) -> None:
    def said(by: typer.Typer) -> tuple[int, str]:
        result = CliRunner().invoke(by, args, prog_name="t5g")
        return result.exit_code, result.output

    assert said(make_app([processes])) == said(app)


def test_every_process_is_among_those_that_start_alone() -> None:
    alone = make_app([processes])
    assert {command.callback.__name__ for command in alone.registered_commands} == set(PROCESSES)  # type: ignore[union-attr]


def test_a_process_starts_without_the_other_commands() -> None:
    look = (
        "import sys; sys.argv = ['t5g', 'web', '--help']\n"
        "from t5g.__main__ import main\n"
        "try: main()\n"
        "finally: print('t5g.cli.app' in sys.modules, 'sandbox' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("False False\n"), done.stderr


def test_what_a_command_makes_is_its_owners_only(tmp_path: Path) -> None:
    """Exports, spreadsheets, pictures, folders, sockets: whatever the shell's mask was."""
    look = (
        "import os, sys; os.umask(0o022); sys.argv = ['t5g', '--help']\n"
        "from t5g.__main__ import main\n"
        "try: main()\n"
        "finally: open(sys.path[0] + 'made', 'w').close(); os.mkdir('folder')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"made": 0o600, "folder": 0o700}
