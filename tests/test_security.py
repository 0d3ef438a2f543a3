"""The page about security names tests that exist and every chapter; what it forbids is not done."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`", PAGE)))
PROGRAM = ("t5g", "bot", "webhooks", "workers")
#: What switches off the check of a certificate, or runs what was sent.
UNSEEN = re.compile(
    r"verify\s*=\s*False|CERT_NONE|_create_unverified_context|check_hostname\s*=\s*False|ssl=False"
)
RUN = re.compile(r"\b(eval|exec|pickle\.loads?|yaml\.load|os\.system)\(|shell=True")


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_every_test_that_the_page_names_exists(path: str, name: str) -> None:
    found = ROOT / path
    assert found.is_file(), path
    if name:
        tree = ast.parse(found.read_text("utf-8"))
        names = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in names, f"{path} has no {name}"


def test_every_chapter_has_a_line_and_every_line_a_test() -> None:
    table = PAGE.partition("## OWASP")[2].partition("## Dependencies")[0]
    rows = re.findall(r"(?m)^\| (V\d+)[^\n]*", table)
    assert {int(row[1:]) for row in rows} == set(range(1, 15))
    for line in re.findall(r"(?m)^\| V\d+[^\n]*", table):
        assert "`tests/" in line, line


def test_every_door_of_the_router_is_named() -> None:
    doors = PAGE.partition("## Who could send")[2].partition("## OWASP")[0]
    for door in ("/webhooks/jira", "/slack/events", "/saml/acs", "/saml/logout", "/healthz",
                 "/readyz", "/metrics", "T5G_HTTP_PORT", "T5G_METRICS_PORT", "Redis"):  # fmt: skip
        assert door in doors


def sources() -> list[Path]:
    return [path for part in PROGRAM for path in (ROOT / part).rglob("*.py")]


def test_no_certificate_is_taken_unseen() -> None:
    assert [str(path) for path in sources() if UNSEEN.search(path.read_text("utf-8"))] == []


def test_bodies_of_requests_are_read_in_one_place() -> None:
    read = re.compile(r"\brequest\.(read|post|multipart|json|text)\(|\brequest\.content\b")
    found = {
        str(path.relative_to(ROOT))
        for path in sources()
        if path.relative_to(ROOT).parts[0] in ("bot", "webhooks") or path.name == "bodies.py"
        if read.search(path.read_text("utf-8"))
    }
    assert found == {"t5g/bodies.py"}, "read them by t5g.bodies"


def test_nothing_that_was_sent_is_run() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sources()
        for line in path.read_text("utf-8").splitlines()
        if RUN.search(line) and not re.search(r"redis\.eval\(|\.eval\(", line)
    ]
    assert found == []
