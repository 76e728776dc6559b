"""The compose file and the image: Docker is not needed to say whether they hold together with the code."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import typer
import yaml

from headrace.cli.app import app
from headrace.cli.variables import command_line_variables
from headrace.sandbox.keys import DEFAULT_TOKEN, SandboxKeys
from headrace.settings import PREFIX, Settings, load_settings, variable

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "tests/resources/compose-spec/compose-spec.json").read_text(encoding="utf-8"))
COMPOSE = yaml.safe_load((ROOT / "docker-compose.kafka.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
PORTS = {"worker-1": 8081, "worker-2": 8081, "projector": 8081, "api": 8080, "providers": 8090}
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IMAGE_ENVIRONMENT = dict(re.findall(r"\b(HEADRACE_[A-Z_]+)=(\S+)", DOCKERFILE))


def checked_by_the_schema(document):
    jsonschema.validators.validator_for(SCHEMA)(SCHEMA).validate(document)


def environment_of(service):
    return IMAGE_ENVIRONMENT | service.get("environment", {})


# ---------------------------------------------------------------- the file


def test_callbacks_of_the_sandbox_are_signed_with_what_the_api_trusts():
    trusted = OURS["api"]["environment"]
    keys = SandboxKeys(trusted["HEADRACE_TWILIO_AUTH_TOKEN"])
    assert "HEADRACE_TWILIO_AUTH_TOKEN" not in environment_of(OURS["providers"])
    assert keys.auth_token == DEFAULT_TOKEN
    assert trusted["HEADRACE_SENDGRID_WEBHOOK_KEY"] == keys.sendgrid_public_key
    assert environment_of(OURS["providers"])["HEADRACE_PUBLIC_URL"] == trusted["HEADRACE_PUBLIC_URL"]


def test_it_is_a_compose_file():
    checked_by_the_schema(COMPOSE)


def test_the_schema_would_say_if_it_were_none():
    broken = COMPOSE | {"services": {"kafka": SERVICES["kafka"] | {"volume": []}}}
    with pytest.raises(jsonschema.ValidationError):
        checked_by_the_schema(broken)


def test_the_roles_are_there():
    roles = {name: service["command"][0] for name, service in OURS.items()}
    assert roles == {
        "topics": "topics",
        "providers": "providers",
        "worker-1": "worker",
        "worker-2": "worker",
        "projector": "projector",
        "api": "api",
    }
    assert SERVICES["kafka"]["image"].startswith("apache/kafka:4.")
    assert SERVICES["kafka"]["environment"]["KAFKA_PROCESS_ROLES"] == "broker,controller"


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_and_ports_are_on_loopback(name):
    service = SERVICES[name]
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?", service["image"])
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert all(isinstance(value, str) for value in service.get("environment", {}).values())


@pytest.mark.parametrize("name", SERVICES)
def test_data_is_in_a_named_volume_of_its_own(name):
    mine = {volume.partition(":")[0] for volume in SERVICES[name].get("volumes", ())}
    others = {v.partition(":")[0] for other, s in SERVICES.items() if other != name for v in s.get("volumes", ())}
    assert mine <= COMPOSE["volumes"].keys()
    assert not mine & others, "one process at a time may own a data directory"
    if name.startswith(("worker", "kafka", "postgres")):
        assert mine, "it would lose what it knows with its container"


@pytest.mark.parametrize("name", SERVICES)
def test_who_is_waited_for_can_say_that_it_is_ready(name):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert how["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] in ("no", "on-failure"), "it must come to an end"


def test_postgres_is_asked_by_tcp():
    """While its image sets up the database, a server answers on the socket that is about to be stopped."""
    assert "--host" in SERVICES["postgres"]["healthcheck"]["test"]


@pytest.mark.parametrize(("name", "port"), PORTS.items())
def test_a_role_is_asked_for_its_health_where_it_listens(name, port):
    *_, program = SERVICES[name]["healthcheck"]["test"]
    compile(program, "healthcheck", "exec")
    assert f"'http://127.0.0.1:{port}/" in program


# ---------------------------------------------------------------- the file and the code


@pytest.mark.parametrize("name", OURS)
def test_a_command_is_one_that_headrace_has(name):
    command, words = typer.main.get_command(app), list(OURS[name]["command"])
    while getattr(command, "commands", None):
        command = command.commands[words.pop(0)]
    assert command.make_context(command.name, words).args == []


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_known_and_has_a_value_that_it_may_have(name, monkeypatch):
    known = {*command_line_variables(typer.main.get_command(app)), *map(variable, Settings.model_fields)}
    environment = environment_of(OURS[name])
    assert {one for one in environment if one.startswith(PREFIX)} <= known
    for variable_name, value in environment.items():
        monkeypatch.setenv(variable_name, value)
    settings = load_settings()
    if name != "providers":
        assert settings.kafka == "kafka:19092"
    assert settings.host == "0.0.0.0", "other containers could not reach it"
    assert settings.time_scale == 1


def test_kafka_and_postgres_are_reached_by_their_services_names():
    listeners = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"INSIDE://{OURS['api']['environment']['HEADRACE_KAFKA']}" in listeners
    known = SERVICES["postgres"]["environment"]
    expected = (
        f"postgresql://{known['POSTGRES_USER']}:{known['POSTGRES_PASSWORD']}@postgres:5432/{known['POSTGRES_DB']}"
    )
    assert OURS["api"]["environment"]["HEADRACE_DATABASE_URL"] == expected
    assert OURS["projector"]["environment"]["HEADRACE_DATABASE_URL"] == expected


def test_workers_differ_in_their_volumes_alone():
    one, two = ({**OURS[name], "volumes": None} for name in ("worker-1", "worker-2"))
    assert one == two


def test_workers_reach_the_sandbox():
    environment = OURS["worker-1"]["environment"]
    assert {environment["HEADRACE_TWILIO_BASE_URL"], environment["HEADRACE_SENDGRID_BASE_URL"]} == {
        "http://providers:8090"
    }


# ---------------------------------------------------------------- the image


def test_the_image_is_pinned_multi_stage_and_not_for_root():
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1, "what was built with one Python runs on the same"
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", bases[0])
    final = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]
    assert re.search(r"^USER (\d+):\1$", final, re.MULTILINE)
    assert "pip" not in final, "tools that build stay behind"
    assert 'ENTRYPOINT ["headrace"]' in final


def test_the_image_installs_what_is_pinned():
    assert "PIP_CONSTRAINT=/src/constraints.txt" in DOCKERFILE
    assert re.search(r"^COPY .*constraints\.txt", DOCKERFILE, re.MULTILINE)


def test_the_image_gets_every_package_and_only_what_is_listed_for_it():
    packages = re.findall(r'"(\w+)\*"', (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[tool.ruff]")[0])
    copied = {
        source for line in re.findall(r"^COPY (?!--)(.*)$", DOCKERFILE, re.MULTILINE) for source in line.split()[:-1]
    }
    allowed = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(packages) <= copied
    assert copied == set(allowed)
    assert all((ROOT / one).exists() for one in copied)


def test_a_data_directory_belongs_to_the_images_user():
    assert IMAGE_ENVIRONMENT["HEADRACE_DATA_DIR"] == "/var/lib/headrace"
    for name in ("worker-1", "worker-2", "providers"):
        assert SERVICES[name]["volumes"][0].endswith(":/var/lib/headrace")
