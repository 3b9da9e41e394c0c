"""compose.yaml: pinned images, no password in it, loopback only, a health check for each service."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from tasks.core.settings import ROOT

HOME = ROOT / "infra" / "services"
COMPOSE = yaml.safe_load((HOME / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
LASTING = {name for name, service in SERVICES.items() if service["restart"] == "unless-stopped"}
SECRET = re.compile(r"PASSWORD|SECRET|ACCESS_KEY|_KEY$")
REQUIRED = re.compile(r"\$\{([A-Z0-9_]+):\?set it in \.env\}")


def test_everything_that_lasts_is_there():
    assert {"postgres", "storage", "mlflow", "prefect"} == LASTING


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name):
    images = [SERVICES[name]["image"]]
    if "build" in SERVICES[name]:
        build = SERVICES[name]["build"]
        dockerfile = (HOME / build["context"] / build["dockerfile"]).read_text()
        images += re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
        assert "--constraint /opt/landloom/requirements.lock" in dockerfile
    for image in images:
        assert re.search(r":v?\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$", image), f"{image}: no exact version"


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_on_loopback_only_unless_told_otherwise(name):
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("${BIND_ADDRESS:-127.0.0.1}:")
    assert "network_mode" not in SERVICES[name]


@pytest.mark.parametrize("name", SERVICES)
def test_no_password_is_written_down_and_none_has_a_default(name):
    for variable, value in SERVICES[name].get("environment", {}).items():
        if SECRET.search(variable):
            assert REQUIRED.fullmatch(value), f"{variable} must come from .env"
        for password in re.findall(r"//\w+:([^@]*)@", value):
            assert REQUIRED.fullmatch(password)
    assert not re.search(r"(?i)password|secret", " ".join(map(str, SERVICES[name].get("command", []))))


def test_env_example_names_each_required_variable_and_gives_no_value():
    required = set(REQUIRED.findall((HOME / "compose.yaml").read_text()))
    lines = (HOME / "env.example").read_text().splitlines()
    assert {line for line in lines if line and not line.startswith("#")} == {f"{name}=" for name in required}
    ignored = subprocess.run(["git", "check-ignore", "-q", "infra/services/.env"], cwd=ROOT)
    assert ignored.returncode == 0, "the file with the passwords must never be added"


@pytest.mark.parametrize("name", sorted(LASTING))
def test_each_is_looked_after_and_waits_for_what_it_needs(name):
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD" and {"interval", "timeout", "retries", "start_period"} <= set(check)
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        assert how["condition"] == ("service_healthy" if needed in LASTING else "service_completed_successfully")


def test_what_must_outlive_a_container_lies_in_named_volumes():
    named = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert set(COMPOSE["volumes"]) == {"postgres", "storage"} == {name for name in named if "/" not in name}
