"""The main job, end to end: what a stranger sees after one command."""

import os
import signal
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from t5g.lifeline import alive
from tests.e2e.conftest import Demo, start_demo, until


def tracked(demo: Demo) -> dict[str, object]:
    """A case with a card that is not done."""
    found = demo.cases("-card:none internal:debugging")
    assert found, "the sandbox's world has no case with a card in Debugging"
    return found[0]


def test_slack_page_and_api_show_the_same_cases(demo: Demo) -> None:
    cases = demo.cases("severity:urgent")
    assert cases
    answer = demo.ask("cases severity:urgent")
    page = demo.http.get(demo.url("page") + "/cases", params={"q": "severity:urgent"}).text
    for case in cases[:5]:
        assert case["number"] in answer
        assert case["number"] in page


def test_every_upstream_is_synced(demo: Demo) -> None:
    ready = demo.http.get(demo.url("page") + "/readyz")
    assert ready.status_code == httpx.codes.OK, ready.text
    everything = demo.cases("status:any")
    assert len(everything) >= 80
    for query in ("escalated:yes", "bug:any", "-card:none", "untracked:yes", "label:Trends"):
        assert demo.cases(query), f"nothing for {query}"


def test_a_newcomer_sees_the_past(demo: Demo) -> None:
    stats = demo.http.get(demo.url("page") + "/stats").text
    assert "charts appear when there are two" not in stats
    assert 'class="line' in stats
    overview = demo.http.get(demo.url("page") + "/").text
    assert "in a day" in overview
    assert "in a week" in overview


def test_card_moved_in_jira_shows_at_once_everywhere(demo: Demo) -> None:
    case = tracked(demo)
    number = str(case["number"])
    assert "Debugging" in demo.ask(f"case {number}")
    key = case["card"]
    moved = demo.http.post(
        f"{demo.url('jira')}/_sandbox/issues/{key}/transition", json={"status": "In Progress"}
    )
    assert moved.status_code == httpx.codes.OK, moved.text

    def shown() -> bool:
        return "Eng Working" in demo.ask(f"case {number}")

    until(shown, "the moved card in Slack", 5)
    one = demo.http.get(f"{demo.url('page')}/api/v1/cases/{number}").json()
    assert one["internal_status"] == "Eng Working"
    assert "Eng Working" in demo.http.get(f"{demo.url('page')}/cases/{number}").text


def test_wrong_signature_changes_nothing(demo: Demo) -> None:
    before = demo.http.get(demo.url("page") + "/api/v1/cases", params={"q": "status:any"}).text
    answer = demo.http.post(
        demo.url("page") + "/webhooks/jira",
        content=b'{"webhookEvent": "jira:issue_deleted"}',
        headers={"X-Hub-Signature": "sha256=" + "0" * 64, "Content-Type": "application/json"},
    )
    assert answer.status_code == httpx.codes.UNAUTHORIZED
    after = demo.http.get(demo.url("page") + "/api/v1/cases", params={"q": "status:any"}).text
    assert before == after


@pytest.mark.browser
def test_page_in_a_browser(demo: Demo, chromium: str, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    case = tracked(demo)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "requestfailed", lambda request: problems.append(f"{request.failure} {request.url}")
        )
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(demo.url("page") + f"/cases?q=number:{case['number']}")
        page.get_by_role("link", name=str(case["number"])).first.click()
        page.wait_for_url(f"**/cases/{case['number']}")
        assert str(case["number"]) in page.title()
        page.goto(demo.url("page") + f"/cases?q={case['number']}")  # a number alone leads there
        page.wait_for_url(f"**/cases/{case['number']}")
        page.screenshot(path=tmp_path / "case.png", full_page=True)
        moved = demo.http.post(
            f"{demo.url('jira')}/_sandbox/issues/{case['card']}/transition",
            json={"status": "In Progress"},
        )
        assert moved.status_code == httpx.codes.OK, moved.text
        page.locator(".news", has_text="1 change").wait_for(timeout=15_000)
        page.get_by_role("button", name="Show").click()
        page.locator(".case-head", has_text="Eng Working").wait_for(timeout=15_000)
        # A page that is left lets go of what it still asked for.
        assert [text for text in problems if not text.startswith("net::ERR_ABORTED")] == []
        assert [url for url in asked if not url.startswith(demo.url("page"))] == []
        browser.close()


def test_worker_killed_in_mid_sync_ends_right(demo: Demo) -> None:
    portal = demo.url("portal")
    before = {case["number"] for case in demo.cases("status:any")}
    demo.http.post(portal + "/_sandbox/faults", json={"latency": 1.0}).raise_for_status()
    try:
        demo.ask("refresh cases")
        until(lambda: cases_sync(demo)["state"] == "running", "the sync to run", 20)
        os.kill(demo.addresses["pids"]["worker"], signal.SIGKILL)
        killed = time.monotonic()
    finally:
        demo.http.delete(portal + "/_sandbox/faults").raise_for_status()
    assert {case["number"] for case in demo.cases("status:any")} == before

    def recovered() -> bool:
        found = cases_sync(demo)
        return found["state"] == "ok" and float(found["age"]) < time.monotonic() - killed  # type: ignore[arg-type]

    until(recovered, "a whole sync after the worker's death", 90)
    assert {case["number"] for case in demo.cases("status:any")} == before
    assert "worker       died" in demo.output()
    assert "restarting" in demo.output()


def test_metrics_add_up_over_all_processes_also_after_the_death_of_a_worker(demo: Demo) -> None:
    before = scraped(demo)
    demo.ask("status")
    demo.ask("cases severity:urgent")
    demo.ask("refresh cards")

    def worked() -> bool:
        name, labels = "t5g_jobs_total", {"job": "sync cards", "outcome": "done"}
        return total(scraped(demo), name, **labels) > total(before, name, **labels)

    until(worked, "the sync of cards to be counted", 30)
    after = scraped(demo)
    for command in ("status", "cases", "refresh"):
        labels = {"command": command, "outcome": "answered"}
        grown = total(after, "t5g_slack_commands_total", **labels)
        assert grown == total(before, "t5g_slack_commands_total", **labels) + 1, command
    begun, ended = total(after, "t5g_jobs_started_total"), total(after, "t5g_jobs_total")
    assert begun == ended + total(after, "t5g_jobs_running")
    assert total(after, "t5g_sync_runs_total", sync="cards", state="ok") >= 1
    calls = total(after, "t5g_upstream_calls_total", service="jira", status="ok")
    assert calls > total(before, "t5g_upstream_calls_total", service="jira", status="ok")
    assert total(after, "t5g_open_cases") == total(after, "t5g_cases", headline="open")
    assert len(demo.cases()) == total(after, "t5g_cases", headline="open")


def scraped(demo: Demo) -> list[Sample]:
    text = demo.http.get(demo.url("page") + "/metrics").text
    return [s for family in text_string_to_metric_families(text) for s in family.samples]


def total(samples: list[Sample], name: str, **labels: str) -> float:
    """Add up the samples of a name that have these labels."""
    return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())


def cases_sync(demo: Demo) -> dict[str, object]:
    readiness = demo.http.get(demo.url("page") + "/readyz").json()
    return dict(readiness["syncs"]["cases"])


def test_terminal_tells_where_to_look(demo: Demo) -> None:
    printed = demo.output()
    for part in ("page", "slack"):
        assert demo.url(part) in printed
    for name in ("web", "worker", "scheduler", "sandbox"):
        assert name in printed


def test_stops_cleanly_and_the_next_start_works(tmp_path: Path) -> None:
    first = start_demo(tmp_path, "--cases", "20", "--seed", "3", "--port", "0", "--still")
    try:
        until(first.ready, "the demo", 90)
        pids = list(first.addresses["pids"].values())
        assert pids
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(20) == 0, first.output()
        assert not [pid for pid in pids if alive(pid)]
    finally:
        first.process.kill()
        first.process.wait()
    second = start_demo(tmp_path, "--cases", "20", "--seed", "3", "--port", "0", "--still")
    try:
        until(second.ready, "the demo again", 60)
        pids = list(second.addresses["pids"].values())
    finally:
        second.process.kill()
        second.process.wait()
    until(lambda: not [pid for pid in pids if alive(pid)], "children to die with the demo", 10)
