"""`t5g dev`: what is saved shows, without a restart by hand."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from t5g.cli.reloading import CONCERNS, ROOT, concerned
from tests.e2e.conftest import Demo, until


def test_what_changes_concerns_those_who_run_it() -> None:
    assert concerned([Path("templates/base.html")]) == {"web"}
    assert concerned([Path("workers/runner.py")]) == {"worker", "scheduler"}
    assert concerned([Path("t5g/store.py")]) == {"web", "worker", "scheduler"}
    assert concerned([Path("sandbox/x.py"), Path("webhooks/y.py")]) == {"sandbox", "web"}
    assert concerned([Path("README.md")]) == frozenset()
    assert all((ROOT / name).is_dir() for name in CONCERNS)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The code, to be changed."""
    for name in CONCERNS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / "code" / name, ignore=ignored)
    return tmp_path / "code"


def test_a_template_that_is_saved_shows_on_the_page(tree: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with (data / "terminal.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "t5g", "dev", "--port", "0", "--cases", "5", "--still"],
            cwd=tree, stdout=output, stderr=subprocess.STDOUT,
            env={**os.environ, "T5G_DATA_DIR": str(data), "PYTHONPATH": str(tree)},
        )  # fmt: skip
    demo = Demo(process, data)
    try:
        until(demo.ready, "the demo is ready", 90)
        before = demo.addresses["pids"]
        template = tree / "templates" / "weekly.html"
        template.write_text(template.read_text().replace("<h1", "<h1 data-saved='now'", 1))

        def shown() -> bool:
            try:
                return "data-saved" in demo.http.get(demo.url("page") + "/weekly").text
            except OSError:
                return False
            except Exception as error:  # httpx's, while the page starts anew
                assert type(error).__module__.startswith("httpx"), error
                return False

        until(shown, "the saved template on the page", 40)
        after = demo.addresses["pids"]
        assert after["web"] != before["web"]
        assert {name: after[name] for name in ("sandbox", "worker", "scheduler")} == {
            name: before[name] for name in ("sandbox", "worker", "scheduler")
        }
        assert "templates/weekly.html changed" in demo.output()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        demo.http.close()
