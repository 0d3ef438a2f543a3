"""The log file is rotated, and several processes lose no line of it and tear none."""

import json
import logging
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from t5g.log_files import owner_only
from t5g.logs import logger, setup_logging
from t5g.settings import load_settings

SECRET = "planted-file-value-not-secret"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before[0]
    root.setLevel(before[1])


def settings(path: Path, **more: object):
    return load_settings(
        env={"log_file": path, "jira_token": SECRET, "log_format": "console", **more}
    )


def lines(folder: Path) -> list[dict[str, object]]:
    texts = [path.read_text() for path in sorted(folder.glob("t5g.log*"))]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def test_lines_go_there_as_json_whatever_the_terminal_shows(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "t5g.log"
    setup_logging(settings(path))
    logger("t5g.test").info("told", token=f"Bearer {SECRET}")
    (line,) = lines(path.parent)
    assert line["event"] == "told"
    assert SECRET not in path.read_text()


def test_it_is_rotated_and_old_ones_go(tmp_path: Path) -> None:
    path = tmp_path / "t5g.log"
    setup_logging(settings(path, log_file_bytes=2_000, log_file_count=2))
    for number in range(100):
        logger("t5g.test").info("told", number=number)
    found = sorted(p.name for p in tmp_path.glob("t5g.log*"))
    assert found == ["t5g.log", "t5g.log.1", "t5g.log.2"]
    assert all(p.stat().st_size <= 2_000 for p in tmp_path.glob("t5g.log*"))
    assert json.loads(path.read_text().splitlines()[-1])["number"] == 99


def test_only_its_owner_may_read_it_and_what_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "made" / "t5g.log"
    rotated = path.with_name("t5g.log.1")
    path.parent.mkdir(mode=0o755)
    other = path.with_name("another.log.1")
    for file in (path, rotated, other):
        file.write_text("")
        file.chmod(0o644)
    setup_logging(settings(path, log_file_bytes=2_000, log_file_count=2))
    for number in range(40):
        logger("t5g.test").info("told", number=number)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    assert modes.pop(other.name) == 0o644, "it is none of ours"
    assert set(modes) == {".t5g.log.lock", "t5g.log", "t5g.log.1", "t5g.log.2"}
    assert set(modes.values()) == {0o600}


def test_the_folder_that_is_made_for_it_is_its_owners_too(tmp_path: Path) -> None:
    setup_logging(settings(tmp_path / "made" / "t5g.log"))
    logger("t5g.test").info("told")
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700


def test_what_is_no_file_keeps_its_mode(tmp_path: Path) -> None:
    pipe = tmp_path / "t5g.log"
    os.mkfifo(pipe, 0o622)
    pipe.chmod(0o622)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.close(owner_only(pipe, os.O_WRONLY))
        assert stat.S_IMODE(pipe.stat().st_mode) == 0o622
    finally:
        os.close(reader)


def test_several_processes_share_it(tmp_path: Path) -> None:
    setup_logging(settings(tmp_path / "t5g.log", log_file_bytes=20_000, log_file_count=50))
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            for number in range(200):
                logger("t5g.test").info("told", number=number, who=os.getpid())
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    found = lines(tmp_path)
    assert len(list(tmp_path.glob("t5g.log.*"))) > 1
    assert len(found) == 800
    assert {(line["who"], line["number"]) for line in found} == {
        (child, number) for child in children for number in range(200)
    }


def test_levels_of_single_loggers_are_set(tmp_path: Path) -> None:
    setup_logging(settings(tmp_path / "t5g.log", log_levels="t5g.loud=debug, t5g.quiet=error"))
    logger("t5g.loud").debug("heard")
    logger("t5g.quiet").warning("not heard")
    logger("t5g.other").debug("not heard either")
    assert [line["event"] for line in lines(tmp_path)] == ["heard"]


def test_a_file_that_somebody_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "t5g.log"
    setup_logging(settings(path))
    logger("test").info("first")
    path.rename(tmp_path / "kept")
    logger("test").info("second")
    path.unlink()
    logger("test").info("third")
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["third"]


def test_a_folder_that_is_gone_stops_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "deep" / "t5g.log"
    setup_logging(settings(path))
    shutil.rmtree(path.parent)
    logger("test").info("nowhere to keep it")
    assert "No such file or directory" in capsys.readouterr().err
