"""The rules of the house: who may import whom, and what no file may hold."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = ("t5g", "bot", "webhooks", "workers", "sandbox", "bench")
FRONT_DOOR = "t5g.cli"

#: What a part may import besides itself. The front door builds each process, so it may import all.
MAY_IMPORT = {
    "t5g": set(),
    "bot": {"t5g"},
    "webhooks": {"t5g", "bot"},
    "workers": {"t5g"},
    "sandbox": set(),
    "bench": set(PROGRAM),
    FRONT_DOOR: set(PROGRAM),
}

#: Folders of machines and of people, where a tracked file would only be right on one of them.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|Users|home/(?!t5g\b)\w+)/\w")
REGISTRIES = re.compile(
    r"(?i)\b(?:pypi\.org|pythonhosted\.org|test\.pypi|registry\.npmjs|deb\.debian\.org"
    r"|archive\.ubuntu\.com|artifactory|devpi|nexus\.)|--(?:extra-)?index-url|--find-links"
)
LOCKS = sorted(ROOT.glob("requirements*.lock"))


def tracked() -> list[Path]:
    """List the files that are committed or about to be; the tree's own files without Git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    names = [name for name in listed.stdout.split("\0") if name]
    if listed.returncode or not names:
        pytest.skip("not a Git repository")
    return [path for name in names if (path := ROOT / name).is_file()]


def modules() -> Iterator[Path]:
    for part in PROGRAM:
        yield from sorted((ROOT / part).rglob("*.py"))


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def part_of(module: str) -> str:
    if module == FRONT_DOOR or module.startswith(FRONT_DOOR + "."):
        return FRONT_DOOR
    return module.split(".", 1)[0]


def imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every import, those in functions and relative ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")
            base = base[: len(base) - node.level + is_package] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            # `from t5g import cli` imports t5g.cli just as well.
            for alias in node.names:
                yield node.lineno, f"{source}.{alias.name}"


def wrong_imports(source: str, module: str, is_package: bool = False) -> list[str]:
    """Say in a sentence each import of `source` that the rule of the house forbids."""
    part = part_of(module)
    allowed = MAY_IMPORT[part]
    wrong = []
    for line, name in imports(ast.parse(source), module, is_package):
        target = part_of(name)
        if target not in MAY_IMPORT or target == part:
            continue
        if target == FRONT_DOOR:
            if module != "t5g.__main__":
                wrong.append(f"{module}, line {line}: imports {name}, but nobody imports t5g.cli")
        elif target not in allowed:
            may = ", ".join(sorted(allowed)) or "none of the other parts"
            wrong.append(f"{module}, line {line}: imports {name}, but {part} may import {may} only")
    return wrong


def test_imports_run_downwards_only() -> None:
    wrong = [
        sentence
        for path in modules()
        for sentence in wrong_imports(
            path.read_text("utf-8"), dotted(path), path.name == "__init__.py"
        )
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("t5g.store", "import workers", True),
        ("t5g.store", "from bot.app import create", True),
        ("t5g.store", "def late():\n    from webhooks import app", True),
        ("t5g.store", "from t5g.model import Case", False),
        ("t5g.store", "from t5g.cli.app import app", True),
        ("t5g.store", "from t5g import cli", True),
        ("t5g.store", "from . import cli", True),
        ("t5g.query.parse", "from ..cli import app", True),
        ("t5g.query.parse", "from ..model import Case", False),
        ("t5g.__main__", "from t5g.cli.app import main", False),
        ("t5g.cli.app", "from workers.worker import run_worker", False),
        ("t5g.cli.app", "from t5g.cli import checking", False),
        ("bot.app", "import t5g.board", False),
        ("bot.app", "import workers.jobs", True),
        ("bot.app", "import t5g.cli", True),
        ("webhooks.app", "from bot.app import create", False),
        ("webhooks.app", "import sandbox", True),
        ("workers.jobs", "from webhooks.app import create", True),
        ("workers.jobs", "import redis", False),
        ("sandbox.jira", "from bot import app", True),
    ],
)
def test_the_rule_itself(module: str, source: str, wrong: bool) -> None:
    found = wrong_imports(source, module)
    assert bool(found) is wrong
    assert all(sentence.startswith(f"{module}, line ") for sentence in found)


def test_relative_imports_of_a_package_are_understood() -> None:
    assert wrong_imports("from .cli import app", "t5g", is_package=True)
    assert not wrong_imports("from .model import Case", "t5g", is_package=True)


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if not (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").strip()
    ]
    assert not silent, "without a docstring: " + ", ".join(silent)


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    found = [str(path.relative_to(ROOT)) for path in modules() if path.stem in drawers]
    assert not found, "say in the name what it is for: " + ", ".join(found)


def test_no_file_holds_a_path_of_one_machine_or_a_registry() -> None:
    found = []
    for path in tracked():
        if path == Path(__file__).resolve():
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), 1):
            if hit := MACHINE_PATHS.search(line) or REGISTRIES.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {hit[0]}")
    assert not found, "\n".join(found)


def test_there_are_locks_for_all_that_is_installed() -> None:
    assert [path.name for path in LOCKS] == [
        "requirements-build.lock",
        "requirements-dev.lock",
        "requirements-redis.lock",
        "requirements.lock",
    ]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_lock_pins_and_hashes_every_package_and_names_no_address(path: Path) -> None:
    text = path.read_text("utf-8")
    for package in re.split(r"\n(?=\S)", re.sub(r"(?m)^#.*\n", "", text).strip()):
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==[\w.!+]+ ", package), package.splitlines()[0]
        assert "--hash=sha256:" in package, f"{package.splitlines()[0]} has no hash"
    assert not re.search(r"://|^-", text, re.MULTILINE)


def test_locks_agree_on_every_version() -> None:
    versions: dict[str, dict[str, str]] = {}
    for path in LOCKS:
        for name, version in re.findall(r"(?m)^([\w.-]+)==(\S+)", path.read_text("utf-8")):
            versions.setdefault(name, {})[path.name] = version
    different = {name: found for name, found in versions.items() if len(set(found.values())) > 1}
    assert not different


def test_project_asks_for_nothing_that_is_not_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = {
        "requirements.lock": [*project["project"]["dependencies"], *extras["sandbox"]],
        "requirements-dev.lock": extras["dev"],
        "requirements-build.lock": project["dependency-groups"]["build"],
    }
    for lock, requirements in wanted.items():
        locked = set(re.findall(r"(?m)^([\w.-]+)==", (ROOT / lock).read_text("utf-8")))
        names = {re.match(r"[\w.-]+", text)[0].lower() for text in requirements}  # type: ignore[index]
        missing = names - locked - {"t5g-bot"}
        assert not missing, f"{lock} lacks {missing}: run .ci/lock"


#: What reads the wall's clock; `datetime.now` stands for every class that has it.
WALL_CLOCK = re.compile(
    r"\b(?:datetime|date)\.(?:now|today|utcnow)\(|(?<![\w.])time\.time\b"
    r"|(?<![\w.])(?:gm|local)time\(\s*\)|\butc_now\(\)"
)


def test_only_one_module_of_the_tests_reads_the_clock() -> None:
    reads = [
        f"{path.relative_to(ROOT)}:{number}: take the time from tests/wall_clock.py"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if path.name not in ("wall_clock.py", "test_house.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if WALL_CLOCK.search(line)
    ]
    assert not reads
