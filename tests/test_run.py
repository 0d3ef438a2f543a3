"""The scripts that a newcomer and CI call, run for real in a scratch tree.

Only Python itself is a stand-in there: one that writes down what it is asked to install, because
tests reach no package index.
"""

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from t5g.lifeline import alive

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ("run", ".ci/run", ".ci/lock")
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")
#: Three for each two processors.
PYTEST = f"pytest -n {math.ceil(1.5 * len(os.sched_getaffinity(0)))} --dist worksteal"
TOOLS = ("sh", "readlink", "dirname", "cat", "sha256sum", "grep", "rm", "mkdir", "cp", "sleep")

BASE = """#!/bin/sh
case "$1 $2" in
"-m venv") echo venv >>LOG; mkdir -p "$3/bin"; cp VENV_PYTHON "$3/bin/python"; exit ;;
"--version ") echo "Python 3.12.0"; exit ;;
esac
exec REAL "$@"
"""

VENV_PYTHON = """#!/bin/sh
case "$1 $2" in
"-m pip")
    echo "$*" >>LOG
    while [ -e HOLD ]; do sleep 0.02; done
    [ ! -e FAIL-pip ]; exit ;;
"-m t5g") shift 2; echo "t5g in $(pwd): $*"; exit ;;
"-m mypy") echo $$ >MYPY; while [ -e HOLD-mypy ]; do sleep 0.02; done ;;
esac
case "$1 $2" in
"-m "*) echo "$*" >>LOG; echo "$2 said"; [ ! -e "FAIL-$2" ]; exit ;;
esac
exec REAL "$@"
"""


class Tree:
    """A scratch copy of what `run` works on, with the stand-in Python on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "tree with blanks"
        self.bin = folder / "bin"
        self.log = folder / "log"
        self.mypy = folder / "pid-of-mypy"
        for made in (self.root, self.bin):
            made.mkdir()
        shutil.copy(ROOT / "run", self.root)
        for name in (*LOCKS, "requirements-redis.lock", "pyproject.toml"):
            (self.root / name).write_text(f"{name}==1\n")
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, f"this machine has no {tool}"
            (self.bin / tool).symlink_to(found)
        (self.root / "t5g").mkdir()
        shutil.copy(ROOT / "t5g" / "lifeline.py", self.root / "t5g")
        self.script(folder / "venv-python", VENV_PYTHON)
        self.script(self.bin / "python3.12", BASE)

    def script(self, path: Path, text: str) -> None:
        places = {
            "LOG": self.log,
            "HOLD": self.folder / "hold",
            "MYPY": self.mypy,
            "FAIL": self.folder / "FAIL",
            "VENV_PYTHON": self.folder / "venv-python",
            "REAL": sys.executable,
        }
        for word, place in places.items():
            text = text.replace(word, str(place))
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def fail(self, module: str) -> Path:
        """Let `python -m MODULE` fail from now on, until the returned file is removed."""
        path = self.folder / f"FAIL-{module}"
        path.touch()
        return path

    def start(
        self, *args: str, cwd: Path | None = None, more: Mapping[str, str] = {}
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.root / "run", *args],
            cwd=cwd or self.root,
            env={"PATH": str(self.bin), **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self, *args: str, cwd: Path | None = None, more: Mapping[str, str] = {}
    ) -> tuple[int, str, str]:
        started = self.start(*args, cwd=cwd, more=more)
        output, errors = started.communicate(timeout=30)
        return started.returncode, output, errors

    def did(self) -> list[str]:
        """What the Pythons were asked for so far, a word for each."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [self._word(line) for line in lines]

    def _word(self, line: str) -> str:
        if not line.startswith("-m pip"):
            return line.removeprefix("-m ")
        for lock in (*LOCKS, "requirements-redis.lock"):
            if f"/{lock}" in line:
                assert "--require-hashes" in line
                return lock
        assert f"--no-deps --no-build-isolation --editable {self.folder}" in line
        return "t5g"


SET_UP = ["venv", "requirements-build.lock", "requirements.lock", "t5g"]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def until(true: Callable[[], object], what: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def test_first_start_sets_up_and_the_second_does_not(tree: Tree) -> None:
    code, output, errors = tree.run("ask", "two words")
    assert (code, output) == (0, f"t5g in {tree.root}: ask two words\n")
    assert "Setting up" in errors
    assert tree.did() == SET_UP
    assert tree.run("ask") == (0, f"t5g in {tree.root}: ask\n", "")
    assert tree.did() == SET_UP


def test_second_start_costs_next_to_nothing(tree: Tree) -> None:
    tree.run("ask")
    took = []
    for _ in range(5):
        began = time.perf_counter()
        tree.run("ask")
        took.append(time.perf_counter() - began)
    assert min(took) < 0.1, f"overhead of {min(took):.3f} s"


def test_it_works_from_anywhere_and_keeps_the_current_folder(tree: Tree, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert tree.run("export", "file", cwd=elsewhere)[1] == f"t5g in {elsewhere}: export file\n"


def test_it_works_through_a_link(tree: Tree, tmp_path: Path) -> None:
    link = tmp_path / "bin" / "t5g-run"
    link.symlink_to(tree.root / "run")
    assert subprocess.run(
        [link, "ask"], env={"PATH": str(tree.bin)}, capture_output=True, text=True
    ).stdout.endswith(": ask\n")
    assert (tree.root / ".venv").is_dir()


@pytest.mark.parametrize("name", ["pyproject.toml", *LOCKS[:1], *LOCKS[2:]])
def test_changed_lock_is_installed_into_the_same_environment(tree: Tree, name: str) -> None:
    tree.run("ask")
    (tree.root / name).write_text("changed")
    code, _, errors = tree.run("ask")
    assert (code, tree.did()[len(SET_UP) :]) == (0, SET_UP[1:])
    assert "up to date" in errors


def test_moved_tree_gets_a_new_environment(tree: Tree) -> None:
    tree.run("ask")
    tree.root = tree.root.rename(tree.folder / "moved")
    code, output, _ = tree.run("ask")
    assert (code, output) == (0, f"t5g in {tree.root}: ask\n")
    assert tree.did().count("venv") == 2


def test_failed_set_up_is_said_and_begun_anew(tree: Tree) -> None:
    broken = tree.fail("pip")
    code, output, errors = tree.run("demo")
    assert (code, output) == (1, "")
    assert "run it again" in errors
    broken.unlink()
    assert tree.run("demo")[0] == 0
    assert tree.did()[-4:] == SET_UP


def test_killed_set_up_is_begun_anew(tree: Tree) -> None:
    hold = tree.folder / "hold"
    hold.touch()
    killed = tree.start("demo")
    until(lambda: tree.did()[-1:] == ["requirements-build.lock"], "the set-up is under way")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    hold.unlink()
    assert tree.run("demo")[0] == 0
    assert tree.did()[-4:] == SET_UP


def test_two_at_once_set_up_once(tree: Tree) -> None:
    hold = tree.folder / "hold"
    hold.touch()
    first = tree.start("first")
    until(lambda: "requirements-build.lock" in tree.did(), "the set-up is under way")
    second = tree.start("second")
    assert second.stderr is not None
    assert "waiting" in second.stderr.readline()
    hold.unlink()
    for process, word in ((first, "first"), (second, "second")):
        output, _ = process.communicate(timeout=30)
        assert (process.returncode, output) == (0, f"t5g in {tree.root}: {word}\n")
    assert tree.did() == SET_UP


def test_machine_without_python_is_told_what_to_install(tree: Tree) -> None:
    tree.script(tree.bin / "python3.12", "#!/bin/sh\nexit 1\n")
    code, _, errors = tree.run("demo")
    assert code == 1
    assert "no Python >= 3.11 found" in errors
    assert "apt install python3 python3-venv" in errors


def test_python_without_venv_is_told_what_to_install(tree: Tree) -> None:
    no_venv = 'case "$2" in *ensurepip*) exit 1 ;; esac\nexec REAL "$@"\n'
    tree.script(tree.bin / "python3.12", "#!/bin/sh\n" + no_venv)
    code, _, errors = tree.run("demo")
    assert code == 1
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt install python{version}-venv" in errors


def test_command_that_is_no_python_is_passed_over(tree: Tree) -> None:
    (tree.bin / "python3.12").rename(tree.bin / "python3.11")
    tree.script(tree.bin / "python3.12", "#!/bin/sh\necho not installed >&2\nexit 127\n")
    code, _, errors = tree.run("ask")
    assert code == 0
    assert "not installed" not in errors


def test_tests_add_what_they_need_and_run_all_checks(tree: Tree) -> None:
    code, _, _ = tree.run("test", "-k", "two words")
    assert code == 0
    did = tree.did()
    did.remove("mypy")  # beside the others
    assert did == [
        *SET_UP,
        "requirements-dev.lock",
        "ruff check .",
        "ruff format --check .",
        "pytest --collect-only -k two words",
        f"{PYTEST} -k two words",
    ]
    tree.run("test")
    assert tree.did().count("requirements-dev.lock") == 1


def test_tests_are_read_in_advance_only_where_nothing_is_known_of_them(tree: Tree) -> None:
    (tree.root / "tests" / "__pycache__").mkdir(parents=True)
    assert tree.run("test")[0] == 0
    assert "pytest --collect-only" not in tree.did()
    assert tree.did()[-1] in (PYTEST, "mypy")


@pytest.mark.parametrize("module", ["ruff", "mypy", "pytest"])
def test_any_failed_check_fails_all_but_stops_none(tree: Tree, module: str) -> None:
    tree.fail(module)
    code, _, errors = tree.run("test")
    assert code == 1
    assert f"not good yet: {module}" in errors
    assert {PYTEST, "mypy"} <= set(tree.did())


def test_types_are_checked_beside_the_tests_and_told_after_them(tree: Tree) -> None:
    tree.run("ask")
    hold = tree.folder / "hold-mypy"
    hold.touch()
    running = tree.start("test")
    until(lambda: PYTEST in tree.did(), "the tests")
    assert "mypy" not in tree.did()
    hold.unlink()
    output, errors = running.communicate(timeout=30)
    assert running.returncode == 0, errors
    assert output == "ruff said\nruff said\npytest said\nmypy said\n"
    assert errors.endswith("== ruff check .\n== ruff format --check .\n== pytest\n== mypy\n")
    assert not list((tree.root / ".venv").glob("*.txt"))


def test_whatever_ends_the_tests_ends_the_check_of_types(tree: Tree) -> None:
    (tree.folder / "hold-mypy").touch()
    running = tree.start("test")
    until(lambda: tree.mypy.exists() and tree.mypy.read_text(), "the check of types")
    mypy = int(tree.mypy.read_text())
    assert alive(mypy)
    running.kill()
    running.communicate(timeout=30)
    until(lambda: not alive(mypy), "mypy to end")


def test_bytecode_is_kept_though_the_environment_says_not_to(tree: Tree) -> None:
    asked = 'case "$2" in t5g) echo "$PYTHONDONTWRITEBYTECODE|"; exit ;; esac\n'
    tree.script(tree.folder / "venv-python", VENV_PYTHON.replace("\n", f"\n{asked}", 1))
    assert tree.run("ask", more={"PYTHONDONTWRITEBYTECODE": "1"})[1] == "|\n"


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_executable_and_clean(script: str) -> None:
    path = ROOT / script
    assert os.access(path, os.X_OK)
    shellcheck = Path(sys.executable).with_name("shellcheck")
    if not shellcheck.exists():
        pytest.skip("shellcheck is not installed")
    checked = subprocess.run([shellcheck, path], capture_output=True, text=True)
    assert not checked.returncode, checked.stdout


def test_ci_calls_the_command_of_the_readme() -> None:
    assert (ROOT / ".ci" / "run").read_text("utf-8").rstrip().endswith('exec ./run test "$@"')
    assert "./run test" in (ROOT / "README.md").read_text("utf-8")


@pytest.fixture
def ci(tree: Tree) -> Tree:
    """The tree with CI's script, and with a stand-in for Debian's package tools on PATH."""
    (tree.root / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tree.root / ".ci")
    bash = shutil.which("bash")
    assert bash, "CI's script needs bash"
    (tree.bin / "bash").symlink_to(bash)
    tree.script(tree.root / "run", '#!/bin/sh\necho "run $*" >>LOG\n')
    tree.script(tree.bin / "apt-get", '#!/bin/sh\necho "apt-get $*" >>LOG\n[ ! -e FAIL-apt ]\n')
    tree.script(tree.bin / "dpkg-query", "#!/bin/sh\nexit 1\n")
    return tree


def run_ci(tree: Tree) -> subprocess.CompletedProcess[str]:
    script = [tree.bin / "bash", tree.root / ".ci" / "run"]
    return subprocess.run(script, env={"PATH": str(tree.bin)}, capture_output=True, text=True)


def test_ci_installs_what_the_browser_tests_need(ci: Tree) -> None:
    ran = run_ci(ci)
    packages = "chromium fonts-dejavu-core fonts-noto-color-emoji"
    assert ran.returncode == 0
    assert packages in ran.stdout + ran.stderr
    if os.geteuid() == 0:
        assert ci.did()[-2].endswith(f"install -y -qq --no-install-recommends {packages}")
    assert ci.did()[-1] == "run test"


def test_ci_installs_nothing_where_all_is_there(ci: Tree) -> None:
    ci.script(ci.bin / "dpkg-query", "#!/bin/sh\necho install ok installed\n")
    ci.script(ci.bin / "chromium", "#!/bin/sh\n")
    assert run_ci(ci).returncode == 0
    assert ci.did() == ["run test"]


def test_ci_goes_on_where_nothing_can_be_installed(ci: Tree) -> None:
    ci.fail("apt")
    ran = run_ci(ci)
    assert ran.returncode == 0
    assert ci.did()[-1] == "run test"


def test_ci_fails_as_the_tests_do(ci: Tree) -> None:
    ci.script(ci.root / "run", "#!/bin/sh\nexit 3\n")
    assert run_ci(ci).returncode == 3
