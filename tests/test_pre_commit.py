"""What a commit is looked at with: the same tools as `./run test`, from the same environment."""

import importlib.util
import platform
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
(REPO,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
HOOKS: list[dict[str, Any]] = REPO["hooks"]
each_hook = pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])


def test_nothing_is_fetched() -> None:
    assert REPO["repo"] == "local"
    assert {hook["language"] for hook in HOOKS} == {"system"}


@each_hook
def test_its_tool_is_installed_for_tests(hook: dict[str, Any]) -> None:
    program, *words = shlex.split(hook["entry"])
    assert program.startswith(".venv/bin/")
    if words[:1] == ["-m"]:
        assert importlib.util.find_spec(words[1])
    elif Path(program).name != "shellcheck" or platform.machine() == "x86_64":
        assert Path(sys.executable).with_name(Path(program).name).exists()


@each_hook
def test_its_files_are_there(hook: dict[str, Any]) -> None:
    named = [word for word in shlex.split(hook["entry"]) if word.startswith("tests/")]
    assert [name for name in named if not (ROOT / name).is_file()] == []
    if pattern := hook.get("files"):
        assert all(re.search(pattern, name) for name in ("run", ".ci/run", ".ci/lock"))


def test_what_the_tests_check_a_commit_checks_too() -> None:
    script = (ROOT / "run").read_text("utf-8")
    checks = re.findall(r"^ +check (\w+)", script, re.MULTILINE)
    entries = " ".join(hook["entry"] for hook in HOOKS)
    assert checks
    assert [name for name in checks if f"-m {name}" not in entries] == []
