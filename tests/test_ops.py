"""The dashboard and the alerts ask for metrics that exist, with labels that they have."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis as SyncRedis

from t5g import metrics
from t5g.connection import open_redis, open_syncs
from t5g.heartbeat import beat
from t5g.keys import Keys
from t5g.settings import load_settings
from t5g.syncs import Sync, SyncRecord
from tests import wall_clock
from tests.webhooks.conftest import serve  # noqa: F401 (a fixture)

ROOT = Path(__file__).resolve().parent.parent
ALERTS = ROOT / "ops" / "prometheus" / "alerts.yml"
CASES = ROOT / "ops" / "prometheus" / "alerts.test.yml"
SCRAPE = ROOT / "ops" / "prometheus" / "scrape.yml"
DASHBOARD = ROOT / "ops" / "grafana" / "t5g.json"
#: Labels that the scraper adds.
ADDED = {"instance", "job_name"}
#: Words of a few kinds; whatever else a label holds would be without bound.
BOUNDED = re.compile(r"[\w ./{}:+-]{0,60}")

RULES: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
PANELS = json.loads(DASHBOARD.read_text())["panels"]
EXPRESSIONS = {
    **{f"alert {rule['alert']}": rule["expr"] for rule in RULES},
    **{
        f"panel {panel['title']} {target['refId']}": target["expr"]
        for panel in PANELS
        for target in panel.get("targets", ())
    },
}


@pytest.fixture
async def shown(redis_url: str, serve) -> dict[str, set[str]]:  # noqa: F811
    """Give every name of a sample that the web process shows, with its labels."""
    settings = load_settings(env={"redis_url": redis_url})
    redis = open_redis(redis_url)
    with SyncRedis.from_url(redis_url) as raw:
        beat(raw, Keys(), "worker", "w")
        raw.hset("t5g:inbox:arrivals", mapping={"last": repr(wall_clock.seconds()), "total": "1"})
    await open_syncs(settings, redis).write(
        SyncRecord(name=Sync.CASES, last_success=wall_clock.seconds())
    )
    await redis.aclose()
    _touch_all()
    metrics.introduce("web")
    client = await serve(settings)
    async with client.get("/metrics") as response:
        text = await response.text()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert all(BOUNDED.fullmatch(value) for value in sample.labels.values()), sample
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def _touch_all() -> None:
    """Count something of each kind: a metric with labels shows nothing before."""
    for value in vars(metrics).values():
        names = getattr(value, "label_names", getattr(value, "_labelnames", None))
        if names and hasattr(value, "labels"):
            child = value.labels(*("word" for _ in names))
        elif names == ():
            child = value
        else:
            continue
        if hasattr(child, "observe"):
            child.observe(0.1)
        elif hasattr(child, "inc"):
            child.inc()


async def test_every_expression_asks_for_what_exists(shown: dict[str, set[str]]) -> None:
    wrong = []
    for where, expression in EXPRESSIONS.items():
        bare = re.sub(r'"[^"]*"', '""', expression)
        for name, selector in re.findall(r"\b(t5g_\w+)(?:\{([^}]*)\})?", bare):
            if name not in shown:
                wrong.append(f"{where}: there is no {name}")
                continue
            asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
            wrong += [f"{where}: {name} has no {label}" for label in asked - shown[name] - ADDED]
        names = re.findall(r"\bt5g_\w+", bare)
        labels = set().union(*(shown.get(name, set()) for name in names)) | ADDED
        for group in re.findall(r"\bby\s*\(([^)]*)\)", bare):
            given = {label.strip() for label in group.split(",")}
            wrong += [f"{where}: by {label}, which nothing has" for label in given - labels]
    assert not wrong, "\n".join(wrong)


async def test_no_metric_is_forgotten_on_the_dashboard_and_in_the_alerts(
    shown: dict[str, set[str]],
) -> None:
    asked = " ".join(EXPRESSIONS.values())
    own = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown if name.startswith("t5g_")}
    unused = {name for name in own if name not in asked} - {
        # Told elsewhere, or only for whoever digs.
        "t5g_sync_running", "t5g_sync_changed",
        "t5g_process_virtual_memory_bytes", "t5g_process_start_time_seconds",
        "t5g_process_open_fds", "t5g_process_max_fds",
    }  # fmt: skip
    assert not unused


def test_every_alert_says_what_it_means_how_bad_it_is_and_what_to_do() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
        anchor = f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook_url"] == anchor


def test_there_is_a_runbook_for_every_alert() -> None:
    runbook = ROOT / "docs" / "runbook.md"
    heads = {
        line.lstrip("#").strip() for line in runbook.read_text().splitlines() if line[:1] == "#"
    }
    missing = {rule["alert"] for rule in RULES} - heads
    assert not missing


def test_what_is_summed_is_not_summed_over_instances() -> None:
    """Sums are the same on every process: adding them up over instances counts twice."""
    summed = re.compile(r"\b(sum|avg)(?: by \([^)]*\))? ?\((?:rate|increase|t5g_)")
    assert not [where for where, text in EXPRESSIONS.items() if summed.search(text)]


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_every_kind_of_process_is_scraped_where_it_answers() -> None:
    (job,) = yaml.safe_load(SCRAPE.read_text())["scrape_configs"]
    asked = {name: found["port"] for found in job["dns_sd_configs"] for name in found["names"]}
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for process in ("web", "worker", "scheduler", "bot"):
        assert int(services[process]["environment"]["T5G_METRICS_PORT"]) == asked.pop(process)
        published = "".join(services[process].get("ports", []))
        assert services[process]["environment"]["T5G_METRICS_PORT"] not in published
        assert "data" in services[process]["networks"]
    assert not asked


def test_every_alert_has_a_case_in_which_it_is_told_and_one_in_which_none_is() -> None:
    cases = yaml.safe_load(CASES.read_text())["tests"]
    told = [
        [sample["labels"] for asked in case["promql_expr_test"] for sample in asked["exp_samples"]]
        for case in cases
    ]
    named = {re.sub(r'.*"(\w+)".*', r"\1", label) for labels in told for label in labels}
    assert named == {rule["alert"] for rule in RULES}
    assert [] in told


def test_promtool_accepts_rules_and_scraping(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on PATH")
    subprocess.run([promtool, "check", "rules", ALERTS], check=True, capture_output=True)
    subprocess.run([promtool, "check", "config", SCRAPE], check=True, capture_output=True)


def test_alerts_are_told_when_they_should_be() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on PATH")
    tested = subprocess.run([promtool, "test", "rules", CASES], capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout + tested.stderr
