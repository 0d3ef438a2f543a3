"""The manifests of Kubernetes: valid by its own schemas, whole, and as careful as compose."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer.main
import yaml

from t5g import __version__
from t5g.cli.app import app
from t5g.setting_sources import PREFIX
from t5g.settings import Settings
from tests.test_compose import SERVICES, bytes_of, command_of, is_setting

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "ops" / "k8s"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
#: The oldest that the manifests are for, and the newest that is known.
VERSIONS = ("1.28", kubernetes_validate.latest_version())
PROCESSES = ("web", "worker", "scheduler", "bot")

Manifest = dict[str, Any]


def manifests() -> list[Manifest]:
    files = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")
    return [found for path in files for found in yaml.safe_load_all(path.read_text("utf-8"))]


ALL = manifests()


def of_kind(*kinds: str) -> dict[str, Manifest]:
    return {found["metadata"]["name"]: found for found in ALL if found["kind"] in kinds}


RUNNING = of_kind("Deployment", "StatefulSet")
each_running = pytest.mark.parametrize("name", RUNNING)


def pod(name: str) -> Manifest:
    return dict(RUNNING[name]["spec"]["template"]["spec"])


def container(name: str) -> Manifest:
    (found,) = pod(name)["containers"]
    return dict(found)


def identity(found: Manifest) -> str:
    return f"{found['kind']}-{found['metadata']['name']}"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", ALL, ids=identity)
def test_manifest_is_valid(manifest: Manifest, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_validator_would_notice() -> None:
    wrong = {**RUNNING["web"], "spec": {**RUNNING["web"]["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_all_files_are_used_but_that_of_socket_mode() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")}
    assert files - set(KUSTOMIZATION["resources"]) == {"kustomization.yaml", "bot.yaml"}
    assert KUSTOMIZATION["images"] == [{"name": "t5g-bot", "newTag": __version__}]


def test_kustomize_puts_them_together() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl at hand")
    made = subprocess.run([kubectl, "kustomize", FOLDER], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    found = list(yaml.safe_load_all(made.stdout))
    assert {identity(one) for one in found} == {identity(one) for one in ALL} - {"Deployment-bot"}
    assert {one["metadata"]["namespace"] for one in found} == {"t5g"}


@each_running
def test_it_can_do_no_more_than_it_must(name: str) -> None:
    assert pod(name)["automountServiceAccountToken"] is False
    security = pod(name)["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@each_running
def test_it_takes_no_more_than_in_compose(name: str) -> None:
    limits = container(name)["resources"]["limits"]
    compose = SERVICES[name]["deploy"]["resources"]["limits"]
    assert bytes_of(limits["memory"].removesuffix("i")) == bytes_of(compose["memory"])
    cpu = limits["cpu"]
    assert (float(cpu[:-1]) / 1000 if cpu.endswith("m") else float(cpu)) == float(compose["cpus"])
    assert RUNNING[name]["spec"]["replicas"] == SERVICES[name]["deploy"].get("replicas", 1)


@each_running
def test_it_is_selected_by_its_own_label(name: str) -> None:
    label = {"app.kubernetes.io/name": name}
    assert RUNNING[name]["spec"]["selector"]["matchLabels"] == label
    assert RUNNING[name]["spec"]["template"]["metadata"]["labels"] == label


@each_running
def test_it_is_asked_for_its_health(name: str) -> None:
    probe = container(name)["livenessProbe"]
    if name == "redis":
        assert "tcpSocket" in probe
    elif name == "web":
        assert probe["httpGet"] == {"path": "/healthz", "port": "http"}
    else:
        assert probe["exec"]["command"] == ["t5g", "health", name]
    assert pod(name)["terminationGracePeriodSeconds"] == 60


def test_redis_is_started_as_in_compose() -> None:
    assert container("redis")["args"] == command_of(SERVICES["redis"])
    assert container("redis")["image"] == SERVICES["redis"]["image"]


@pytest.mark.parametrize("name", PROCESSES)
def test_process_is_started_as_in_compose_and_with_the_same_secrets(name: str) -> None:
    command = container(name)["args"]
    assert command == command_of(SERVICES[name])
    typer.main.get_command(app).main([*command, "--help"], standalone_mode=False)
    assert container(name)["image"] == f"t5g-bot:{__version__}"
    files = {one["name"]: one["value"] for one in container(name).get("env", ())}
    secrets = SERVICES[name].get("secrets", [])
    folder = "/run/secrets/t5g"
    assert files == {f"{PREFIX}{one.upper()}_FILE": f"{folder}/{one}" for one in secrets}
    mounted = {
        item["path"]
        for volume in pod(name)["volumes"]
        for item in volume.get("secret", {}).get("items", ())
    }
    assert mounted == set(secrets)


@pytest.mark.parametrize("name", PROCESSES)
def test_what_is_mounted_is_there(name: str) -> None:
    volumes = {volume["name"] for volume in pod(name)["volumes"]}
    assert {mount["name"] for mount in container(name)["volumeMounts"]} == volumes
    comments = (FOLDER / "kustomization.yaml").read_text("utf-8")
    made = {"t5g-settings": of_kind("ConfigMap"), "t5g-team": comments, "t5g-secrets": comments}
    for reference in references(pod(name)):
        assert reference in made[reference], reference


def references(value: Any) -> Iterator[str]:
    """The names of config maps and secrets that a pod needs."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("configMap", "configMapRef"):
                yield inner["name"]
            elif key == "secret":
                yield inner["secretName"]
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_settings_are_known_and_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    data = of_kind("ConfigMap")["t5g-settings"]["data"]
    assert [name for name in data if not is_setting(name)] == []
    for name, value in data.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.read_only is True
    assert settings.auth == "saml"
    host = of_kind("Ingress")["t5g"]["spec"]["rules"][0]["host"]
    assert settings.public_url == f"https://{host}"
    ports = {one["name"]: one["containerPort"] for one in container("web")["ports"]}
    assert ports == {"http": settings.http_port, "metrics": settings.metrics_port}
    (port,) = container("worker")["ports"]
    assert port["containerPort"] == settings.metrics_port


def test_only_processes_reach_redis_and_nobody_reaches_anybody_else() -> None:
    policies = of_kind("NetworkPolicy")
    assert policies["nobody"]["spec"] == {
        "podSelector": {}, "policyTypes": ["Ingress", "Egress"],
    }  # fmt: skip
    (rule,) = policies["redis"]["spec"]["ingress"]
    (who,) = rule["from"]
    (expression,) = who["podSelector"]["matchExpressions"]
    assert set(expression["values"]) == set(PROCESSES)
    (out,) = policies["to-upstreams"]["spec"]["podSelector"]["matchExpressions"]
    assert set(out["values"]) == {"web", "worker", "bot"}


def test_what_is_for_the_inside_is_closed_at_the_door() -> None:
    (rule,) = of_kind("Ingress")["t5g"]["spec"]["rules"]
    to = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    assert to == {"/metrics": "closed", "/readyz": "closed", "/": "web"}
    assert "selector" not in of_kind("Service")["closed"]["spec"]


def test_the_door_keeps_no_body_and_writes_no_address() -> None:
    said = of_kind("Ingress")["t5g"]["metadata"]["annotations"]
    told = {name.partition("/")[2]: value for name, value in said.items()}
    assert told["proxy-request-buffering"] == "off"
    assert told["proxy-max-temp-file-size"] == "0"
    assert told["enable-access-log"] == "false"
    assert int(told["limit-connections"]) > 0
