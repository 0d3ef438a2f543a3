"""The container files, read as an engine would: no engine is at hand to run them."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from pydantic import SecretStr

from t5g import __version__
from t5g.cli.app import app
from t5g.heartbeat import KINDS
from t5g.setting_sources import PREFIX
from t5g.settings import Settings
from t5g.team import load_team

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")

#: name:version with a version of at least two numbers, which stays what it is.
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?")
#: ${NAME:-what it is if .env does not say}
DEFAULTED = re.compile(r"\$\{(\w+):-([^}]*)\}")
DURATION = re.compile(r"\d+(s|m|h)")

each_service = pytest.mark.parametrize("name", SERVICES)
each_of_ours = pytest.mark.parametrize("name", OURS)


def command_of(service: dict[str, Any]) -> list[str]:
    command = service["command"]
    return shlex.split(command) if isinstance(command, str) else [str(part) for part in command]


def environment_of(name: str, **given: str) -> dict[str, str]:
    """The variables of a service, with `given` in .env."""
    found = {k: str(v) for k, v in SERVICES[name].get("environment", {}).items()}
    return {k: DEFAULTED.sub(lambda m: given.get(m[1]) or m[2], v) for k, v in found.items()}


def is_setting(variable: str) -> bool:
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    base = variable.split("__", 1)[0]
    return base in known or base.removesuffix("_FILE") in known


def test_the_services_are_those_of_the_design() -> None:
    beside = {"proxy": "tls", "bot": "socket", "tools": "tools", "demo": "demo"}
    assert set(SERVICES) == {"redis", "web", "worker", "scheduler", *beside}
    for name, service in SERVICES.items():
        assert service.get("profiles", []) == ([beside[name]] if name in beside else [])


@each_of_ours
def test_command_is_one_of_the_command_line(name: str) -> None:
    # --help reads the options that stand before it, and runs nothing.
    typer.main.get_command(app).main([*command_of(SERVICES[name]), "--help"], standalone_mode=False)


@each_of_ours
def test_health_check_is_one_of_the_command_line(name: str) -> None:
    if name == "tools":  # ends by itself
        assert SERVICES[name]["healthcheck"] == {"disable": True}
        return
    kind, *command = SERVICES[name]["healthcheck"]["test"]
    assert kind == "CMD"
    assert command[:2] == ["t5g", "health"]
    assert command[2:] == ["web"] if name == "demo" else [name]
    assert command[2] in {*KINDS, "web"}


def test_every_kind_of_process_has_a_health_check() -> None:
    checked = {s["healthcheck"]["test"][-1] for name, s in OURS.items() if name != "tools"}
    assert checked == {*KINDS, "web"}


@each_service
def test_health_check_has_its_times(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    if check.get("disable"):
        return
    for key in ("interval", "timeout", "start_period"):
        assert DURATION.fullmatch(check[key]), f"{name}: {key} is {check[key]!r}"
    assert check["retries"] >= 1


@each_service
def test_variables_are_settings(name: str) -> None:
    environment: dict[str, str] = SERVICES[name].get("environment", {})
    strange = [key for key in environment if key.startswith(PREFIX) and not is_setting(key)]
    assert not strange, f"{name} names what is no setting: {strange}"


@each_of_ours
def test_settings_of_the_service_are_accepted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name != "demo":  # the file that each is given, as it is after `cp .env.example .env`
        for line in (ROOT / ".env.example").read_text("utf-8").splitlines():
            if match := re.match(r"(T5G_\w+)=(.*)", line):
                monkeypatch.setenv(match[1], match[2])
    secrets = SERVICES[name].get("secrets", [])
    for variable, value in environment_of(name).items():
        if value.startswith("/run/secrets/"):
            secret = tmp_path / Path(value).name
            secret.write_text(f"sandbox-not-secret-{secret.name}\n")
            value = str(secret)
        monkeypatch.setenv(variable, value)
    settings = Settings()
    for secret in secrets:
        assert plain(getattr(settings, secret)) == f"sandbox-not-secret-{secret}"


def plain(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


@each_of_ours
def test_another_redis_is_named_in_the_env_file(name: str) -> None:
    if name != "demo":
        managed = "rediss://t5g@redis.example.com/0"
        assert environment_of(name, T5G_REDIS_URL=managed)["T5G_REDIS_URL"] == managed


@each_service
def test_secret_files_are_those_that_are_mounted(name: str) -> None:
    service = SERVICES[name]
    files = {
        value
        for key, value in service.get("environment", {}).items()
        if key.endswith("_FILE") and value.startswith("/run/secrets/")
    }
    if name == "proxy":
        config = (ROOT / "ops" / "nginx" / "t5g.conf").read_text("utf-8")
        files = set(re.findall(r"/run/secrets/\w+", config))
    assert files == {f"/run/secrets/{secret}" for secret in service.get("secrets", [])}


def test_secrets_are_files_that_are_never_committed() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    assert "/secrets/" in ignored
    assert {"/.env", "/config/", "/backup/"} <= set(ignored)
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"secrets/{name}"}


@each_service
def test_image_is_pinned(name: str) -> None:
    assert PINNED.fullmatch(SERVICES[name]["image"]), f"{name}: {SERVICES[name]['image']}"


def test_images_without_a_digest_are_named_where_pinning_is_told() -> None:
    told = (ROOT / "docs" / "operations.md").read_text("utf-8")
    told = told.partition("### Images by digest")[2].partition("\n## ")[0]
    others = {service["image"] for service in SERVICES.values() if "build" not in service}
    images = others | {line.split()[0] for line in re.findall(r"^FROM (.+)$", DOCKERFILE, re.M)}
    assert {image for image in images if "@sha256:" not in image and image not in told} == set()
    named = set(re.findall(r"`([\w./-]+:[\d.]+[\w.-]*)`", told))
    assert named <= images, "the page names an image that is none of ours"


def test_our_image_has_the_version_of_the_project() -> None:
    assert {service["image"] for service in OURS.values()} == {f"t5g-bot:{__version__}"}


@each_service
def test_service_comes_back_and_bounds_its_log(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("no" if name in ("demo", "tools") else "unless-stopped")
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


@each_service
def test_service_can_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["tmpfs"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    if name != "demo":  # its image says who it is
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])


@each_service
def test_service_takes_no_more_than_its_share(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert 0 < float(limits["cpus"]) <= 2
    assert bytes_of(limits["memory"]) <= bytes_of("2G")


def bytes_of(text: str) -> int:
    units = {"k": 2**10, "m": 2**20, "g": 2**30}
    return int(text[:-1]) * units[text.lower().removesuffix("b")[-1]]


def test_web_and_worker_have_replicas_and_each_of_web_a_port() -> None:
    replicas = {name: s["deploy"].get("replicas", 1) for name, s in SERVICES.items()}
    assert {name for name, count in replicas.items() if count > 1} == {"web", "worker"}
    (ports,) = SERVICES["web"]["ports"]
    first, last = ports.split(":")[1].split("-")
    assert int(last) - int(first) + 1 == replicas["web"]


def test_redis_keeps_everything_and_can_be_reached_from_inside_only() -> None:
    redis = SERVICES["redis"]
    command = command_of(redis)
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    # It refuses writes before the engine would kill it, with room for rewriting its file.
    memory = int(options["--maxmemory"].removesuffix("mb")) * 2**20
    assert 2 * memory <= bytes_of(redis["deploy"]["resources"]["limits"]["memory"])
    assert "ports" not in redis
    assert redis["networks"] == ["data"]
    assert redis["volumes"] == ["redis:/data"]
    assert "redis" in COMPOSE["volumes"]


def test_each_service_is_only_in_the_networks_that_it_needs() -> None:
    networks = COMPOSE["networks"]
    assert networks["data"]["internal"] is True
    assert networks["front"]["internal"] is True
    assert {name: set(s.get("networks", ())) for name, s in SERVICES.items()} == {
        "redis": {"data"},
        "proxy": {"edge", "front"},
        "web": {"data", "front", "outside"},
        "bot": {"data", "outside"},
        "worker": {"data", "outside"},
        "scheduler": {"data"},
        "tools": {"data", "outside"},
        "demo": set(),
    }


def test_only_the_proxy_is_reached_from_elsewhere() -> None:
    published = {name: s["ports"] for name, s in SERVICES.items() if s.get("ports")}
    assert published.pop("proxy") == ["80:8080", "443:8443"]
    assert published == {"web": ["127.0.0.1:8080-8081:8080"]}
    assert SERVICES["web"]["environment"]["T5G_AUTH"] == "saml"
    believed = ip_network(environment_of("web")["T5G_TRUSTED_PROXIES"])
    assert [ip_network(c["subnet"]) for c in COMPOSE["networks"]["front"]["ipam"]["config"]] == [
        believed
    ]


def test_the_team_file_is_where_it_is_looked_for_and_the_example_is_good() -> None:
    for name, service in OURS.items():
        if name != "demo":
            assert service["environment"]["T5G_TEAM_FILE"] == "/etc/t5g/team.toml"
            assert "./config:/etc/t5g:ro" in service["volumes"]
    team = load_team(ROOT / "ops" / "team.example.toml")
    assert [member.name for member in team.members] == ["Ann Example"]


@each_of_ours
def test_processes_wait_for_a_healthy_redis(name: str) -> None:
    if name == "demo":  # brings its own
        return
    assert SERVICES[name]["depends_on"] == {"redis": {"condition": "service_healthy"}}
    assert environment_of(name)["T5G_REDIS_URL"] == "redis://redis:6379/0"
    assert set(SERVICES[name]["networks"]) <= set(COMPOSE["networks"])


def test_example_of_the_settings_names_settings_only() -> None:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    named = [m[1] for line in lines if (m := re.match(r"(?:# )?(T5G_\w+)=", line))]
    assert len(named) == len(set(named)), "a setting is named twice"
    assert [name for name in named if not is_setting(name)] == []


def test_example_of_the_settings_names_all_that_are_needed() -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    needed = [
        f"{PREFIX}{name.upper()}"
        for name, info in Settings.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and "part" in info.json_schema_extra
    ]
    assert needed
    assert [name for name in needed if not re.search(rf"^{name}=", text, re.MULTILINE)] == []


def test_example_of_the_settings_is_accepted_and_holds_no_secret() -> None:
    settings = Settings(_env_file=ROOT / ".env.example")  # type: ignore[call-arg]
    assert settings.read_only is True
    assert settings.missing(["portal", "jira", "bugzilla", "slack", "socket", "webhook"])


def test_dockerfile_is_clean() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed")
    linted = subprocess.run(
        [hadolint, "--no-color", "--format", "json", ROOT / "Dockerfile"],
        capture_output=True,
        text=True,
    )
    found = [f"{x['line']}: {x['code']} {x['message']}" for x in json.loads(linted.stdout)]
    assert not found, "\n".join(found)


def test_image_runs_as_nobody_special_and_without_development_packages() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", final, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["t5g"\]$', final, re.MULTILINE)
    assert "requirements-dev.lock" not in DOCKERFILE
    assert "pip install" not in final


def test_image_is_built_from_hashed_packages_only() -> None:
    commands = DOCKERFILE.replace("\\\n", " ")
    for line in re.split(r"&&|\n", commands):
        if re.search(r"pip.* (install|wheel) ", line):
            assert "--require-hashes" in line or re.search(
                r"--no-deps.*--no-build-isolation|--no-index", line
            ), line


def test_image_holds_all_that_the_project_is_built_from() -> None:
    wanted = {line[1:].strip("/") for line in ignore_lines() if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    files = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    assert files | set(packages) <= wanted
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        assert {*copied.split()} - {"."} <= wanted


def test_image_holds_no_secret_and_no_state() -> None:
    assert ignore_lines()[0] == "*"
    assert not {"!.env", "!data", "!secrets", "!.git"} & set(ignore_lines())


def ignore_lines() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
