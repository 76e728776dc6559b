"""`headrace doctor`: what it looks at, how it says what to mend, and what it never shows."""

import socket
from datetime import UTC, datetime, timedelta

import pytest

from headrace.cli.checks import clock, configuration, data_directory, database, installation, network
from headrace.settings import load_settings
from streams.data_directory import DataDirectory

HEALTH = {"status": "ready", "database": "ok", "log": "ok", "lag": 0}


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def examine(command, free_port):
    """Runs the doctor with ports that are free, and gives its findings by check."""

    def run_doctor(*arguments, **environment):
        ports = {"HEADRACE_PORT": str(free_port), "HEADRACE_PROVIDERS_PORT": "0"}
        result = command("doctor", "--json", *arguments, **{**ports, **environment})
        return result.code, {finding["check"]: finding for finding in result.json["checks"]}

    return run_doctor


def test_every_finding_that_is_not_fine_says_how_to_mend_it(examine):
    _, checks = examine(HEADRACE_PORT="abc", HEADRACE_PROT="1")

    assert all(finding["mend"] for finding in checks.values() if finding["status"] in ("warning", "failed"))


def test_the_whole_installation_is_looked_at(examine):
    _, checks = examine()

    assert checks.keys() == {
        "python",
        "packages",
        "clock",
        "environment",
        "api",
        "settings",
        "secrets",
        "log",
        "twilio",
        "sendgrid",
        "data directory",
        "free space",
        "owner",
        "port",
        "providers_port",
        "database",
    }


def test_the_table_ends_with_a_verdict(command):
    result = command("doctor", HEADRACE_PORT="abc")

    assert result.code == 1
    assert result.out.rstrip().endswith("something is wrong: mend what failed")


def test_a_wrong_setting_fails_and_names_its_variable(examine):
    code, checks = examine(HEADRACE_PARTITIONS="none")

    assert code == 1
    assert checks["settings"]["detail"].startswith("HEADRACE_PARTITIONS: ")


def test_a_misspelt_variable_is_a_warning_with_a_guess(examine):
    _, checks = examine(HEADRACE_PROT="1")

    assert checks["environment"]["status"] == "warning"
    assert "did you mean HEADRACE_PORT?" in checks["environment"]["mend"]


def test_variables_of_options_and_of_the_tests_are_no_mistake():
    known = {"HEADRACE_URL": "x", "HEADRACE_IMPORT_ID": "x", "HEADRACE_PORT": "1", "PATH": "/bin"}

    assert configuration.check_unknown_variables(known, {"HEADRACE_URL", "HEADRACE_IMPORT_ID"}).status == "ok"


def test_secrets_are_present_or_absent_and_never_shown(command):
    secrets = {
        "HEADRACE_TWILIO_ACCOUNT_SID": "AC1",
        "HEADRACE_TWILIO_AUTH_TOKEN": "sesame",
        "HEADRACE_TWILIO_FROM": "+15550001111",
        "HEADRACE_SENDGRID_API_KEY": "sesame",
        "HEADRACE_SENDGRID_FROM": "a@example.com",
        "HEADRACE_DATABASE_URL": "postgresql://user:sesame@127.0.0.1:9/db",
    }
    result = command("doctor", **secrets)

    assert "present: account_sid, auth_token, from" in result.out
    assert "present: api_key, from" in result.out
    assert "sesame" not in result.out + result.err


def test_a_cluster_that_does_not_answer_is_said_so(examine, free_port):
    code, checks = examine(HEADRACE_KAFKA=f"127.0.0.1:{free_port}")

    assert (code, checks["log"]["status"]) == (1, "failed")
    assert "could not reach the cluster" in checks["log"]["detail"]


# ---------------------------------------------------------------- Headrace itself, and the ports


def test_a_headrace_that_does_not_run_is_no_failure(examine, free_port):
    _, checks = examine(HEADRACE_PORT=str(free_port))

    assert checks["api"]["status"] == "skipped"


def test_a_headrace_that_was_named_and_does_not_answer_is_a_failure(examine):
    code, checks = examine("--url", "http://127.0.0.1:9")

    assert (code, checks["api"]["status"]) == (1, "failed")


def test_a_headrace_that_runs_has_its_ports(examine, headrace):
    headrace.on("GET", "/readyz", HEALTH)
    _, checks = examine("--url", headrace.url)

    assert checks["api"]["status"] == "ok"
    assert checks["ports"]["status"] == "skipped"


def test_a_headrace_that_is_not_ready_is_a_warning(headrace):
    headrace.on("GET", "/readyz", {"code": "not_ready", "detail": "the database is unreachable"}, status=503)

    assert network.check_api(headrace.url, expected=False).status == "warning"


def test_a_taken_port_fails_and_names_the_option(examine):
    with socket.create_server(("127.0.0.1", 0)) as server:
        code, checks = examine(HEADRACE_PORT=str(server.getsockname()[1]))

    assert (code, checks["port"]["status"]) == (1, "failed")
    assert "--port (HEADRACE_PORT)" in checks["port"]["mend"]


# ---------------------------------------------------------------- the data directory


def found_in(directory, *, running=False):
    return {finding.check: finding for finding in data_directory.check_data_directory(directory, running=running)}


def test_a_directory_that_will_be_made_is_fine(tmp_path):
    findings = found_in(tmp_path / "new" / "data")

    assert findings["data directory"].status == "ok"
    assert not (tmp_path / "new").exists()


def test_looking_leaves_nothing_behind(tmp_path):
    found_in(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_hold_data_fails(tmp_path):
    (tmp_path / "file").write_text("")
    findings = found_in(tmp_path / "file")

    assert findings.keys() == {"data directory"}
    assert findings["data directory"].status == "failed"


@pytest.mark.parametrize(("free", "status"), [(2**20, "failed"), (500 * 2**20, "warning"), (2**31, "ok")])
def test_free_space_is_judged(tmp_path, monkeypatch, free, status):
    monkeypatch.setattr(data_directory.shutil, "disk_usage", lambda _: _Usage(free))

    assert found_in(tmp_path)["free space"].status == status


class _Usage:
    def __init__(self, free):
        self.free = free


def test_the_owner_of_a_directory_in_use_is_named(tmp_path):
    with DataDirectory.acquire(tmp_path, url="http://127.0.0.1:1234"):
        alone, known = found_in(tmp_path)["owner"], found_in(tmp_path, running=True)["owner"]

    assert (alone.status, known.status) == ("warning", "ok")
    assert "http://127.0.0.1:1234" in alone.detail
    assert "--url http://127.0.0.1:1234" in alone.mend
    assert found_in(tmp_path)["owner"].status == "ok"


# ---------------------------------------------------------------- the rest


def test_a_database_that_does_not_answer_fails_without_its_password(monkeypatch):
    monkeypatch.setenv("HEADRACE_DATABASE_URL", "postgresql://user:sesame@127.0.0.1:9/db")
    (finding,) = database.check_database(load_settings())

    assert finding.status == "failed"
    assert "HEADRACE_DATABASE_URL" in finding.mend
    assert "sesame" not in str(finding)


def test_this_python_and_these_packages_will_do():
    assert installation.check_python().status == "ok"
    assert list(installation._wrong(["pytest>=1.0", "aiohttp[speedups] >= 3.0", 'nonsense>=1; extra == "dev"'])) == []


@pytest.mark.parametrize(
    ("requirement", "problem"),
    [("no-such-package>=1", "no-such-package is missing"), ("pytest>=9999.1", "9999.1 or newer is needed")],
)
def test_a_package_that_is_missing_or_too_old_is_named(requirement, problem):
    (wrong,) = installation._wrong([requirement])

    assert problem in wrong


def test_a_clock_that_was_never_set_fails(monkeypatch):
    monkeypatch.setattr(clock.time, "time", lambda: 0.0)

    assert clock.check_clock().status == "failed"


@pytest.mark.parametrize(("skew", "status"), [(0.4, "ok"), (-4.9, "ok"), (5.1, "failed"), (-3600, "failed")])
def test_another_clock_may_be_off_by_five_seconds(skew, status):
    assert clock.skew_finding("database", timedelta(seconds=skew).total_seconds()).status == status


def test_the_clock_of_this_machine_is_sane():
    assert datetime.now(UTC) > clock.RELEASED
    assert clock.check_clock().status == "ok"
