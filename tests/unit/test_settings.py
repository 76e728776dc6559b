"""Settings: where they come from, and what is said about a wrong one."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from headrace.dev_options import DevOptions
from headrace.errors import SettingsError
from headrace.settings import Settings, load_settings, variable


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    for name in (*DevOptions.model_fields, "url", "json"):
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.fixture
def environment(clean_environment):
    def set_variables(**values):
        for name, value in values.items():
            clean_environment.setenv(variable(name), value)

    return set_variables


def test_without_variables_everything_runs_embedded_on_loopback():
    settings = load_settings()

    assert settings.kafka is None
    assert settings.database_url is None
    assert (settings.host, settings.port, settings.providers_port) == ("127.0.0.1", 8080, 8090)
    assert settings.data_dir == Path(".headrace")
    assert (settings.partitions, settings.fsync, settings.time_scale) == (4, True, 1.0)
    assert settings.http_allow == ()


def test_variables_are_read(environment):
    environment(
        kafka="kafka-1:9092,[::1]:9093",
        port="0",
        fsync="false",
        time_scale="86400",
        http_allow="crm.internal, 10.0.0.0/8,::1",
        log_level="WARNING",
        public_url="https://headrace.example.com/",
    )
    settings = load_settings()

    assert settings.kafka == "kafka-1:9092,[::1]:9093"
    assert settings.port == 0
    assert settings.fsync is False
    assert settings.time_scale == 86400
    assert settings.http_allow == ("crm.internal", "10.0.0.0/8", "::1")
    assert settings.log_level == "warning"
    assert settings.public_url == "https://headrace.example.com"


def test_a_value_that_is_passed_beats_the_environment_and_none_does_not(environment):
    environment(port="1234", providers_port="1235")

    settings = load_settings(port=4321, providers_port=None)

    assert (settings.port, settings.providers_port) == (4321, 1235)


def test_an_empty_variable_is_one_that_is_not_set(environment):
    environment(kafka="", database_url="", port="")

    settings = load_settings()

    assert (settings.kafka, settings.database_url, settings.port) == (None, None, 8080)


def test_env_files_are_not_read(tmp_path):
    (tmp_path / ".env").write_text("HEADRACE_PORT=1\nPORT=2\n")

    assert load_settings().port == 8080


def test_a_variable_without_our_prefix_is_none_of_ours(clean_environment):
    clean_environment.setenv("PORT", "1")

    assert load_settings().port == 8080


WRONG = {
    "port": ["abc", "-1", "65536", "80.5"],
    "providers_port": ["http", "70000"],
    "time_scale": ["0", "-1", "nan", "inf", "1000001", "fast"],
    "partitions": ["0", "1025", "four"],
    "fsync": ["maybe"],
    "from_start_fires": ["2"],
    "wait_seconds": ["-1", "301", "nan"],
    "log_level": ["loud"],
    "log_format": ["xml"],
    "kafka": ["kafka", "kafka:port", "a:1,,b:2"],
    "http_allow": ["a b", "http://crm", "10.0.0.0/99", "1.2.3", "a..b"],
    "public_url": ["headrace.example.com", "ftp://x", "https://x?y=1"],
    "contact_events_topic": ["a b", "x" * 250, "headrace.journal", "contact-changes"],
    "twilio_account_sid": ["12345"],
    "twilio_base_url": ["twilio"],
    "sendgrid_from": ["nobody"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_names_its_variable_and_what_was_found(environment, name, value):
    environment(**{name: value})

    with pytest.raises(SettingsError) as error:
        load_settings()

    message = str(error.value)
    assert message.startswith(f"{variable(name)}: ")
    assert "found" in message
    assert "pydantic" not in message


def test_a_wrong_value_comes_with_an_example_that_would_do(environment, clean_environment):
    environment(port="abc")
    with pytest.raises(SettingsError, match="for example HEADRACE_PORT=8080"):
        load_settings()


def test_every_example_is_a_value_that_would_do():
    whole = {name: field.examples[0] for name, field in Settings.model_fields.items() if field.examples}
    secrets = {"twilio_auth_token": "token", "sendgrid_api_key": "key"}
    dots = {"twilio_account_sid": "AC0", "twilio_messaging_service_sid": "MG0"}

    settings = load_settings(**{**whole, **secrets, **dots})

    assert settings.model_fields_set >= whole.keys()


def test_all_wrong_values_are_told_at_once(environment):
    environment(port="abc", partitions="0")

    with pytest.raises(SettingsError) as error:
        load_settings()

    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        "HEADRACE_PORT",
        "HEADRACE_PARTITIONS",
    ]


def test_a_database_url_is_never_echoed(environment):
    environment(database_url="mysql://user:sesame@host/db")

    with pytest.raises(SettingsError) as error:
        load_settings()

    assert str(error.value).startswith("HEADRACE_DATABASE_URL: ")
    assert "sesame" not in str(error.value)
    assert "sesame" not in repr(error.value.__cause__)


def test_secrets_do_not_show_in_a_repr(environment):
    environment(
        database_url="postgresql://user:sesame@host/db",
        twilio_account_sid="AC1",
        twilio_auth_token="sesame",
        twilio_from="+15550001111",
        sendgrid_api_key="sesame",
        sendgrid_from="a@example.com",
    )
    settings = load_settings()

    assert "sesame" not in repr(settings)
    assert settings.twilio_auth_token is not None
    assert settings.twilio_auth_token.get_secret_value() == "sesame"


HALF_ACCOUNTS = [
    ({"twilio_account_sid": "AC1"}, "HEADRACE_TWILIO_AUTH_TOKEN"),
    ({"twilio_auth_token": "sesame"}, "HEADRACE_TWILIO_ACCOUNT_SID"),
    ({"twilio_account_sid": "AC1", "twilio_auth_token": "sesame"}, "HEADRACE_TWILIO_FROM"),
    ({"sendgrid_api_key": "sesame"}, "HEADRACE_SENDGRID_FROM"),
]


@pytest.mark.parametrize(("half", "missing"), HALF_ACCOUNTS)
def test_half_an_account_is_refused(environment, half, missing):
    environment(**half)

    with pytest.raises(SettingsError, match=f"{missing}.* is not set although HEADRACE_") as error:
        load_settings()

    assert "sesame" not in str(error.value)


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().port = 1


def test_a_setting_that_does_not_exist_is_refused():
    with pytest.raises(SettingsError, match="HEADRACE_PROT: there is no such setting"):
        load_settings(prot=1)


def test_dev_options_are_settings_and_what_only_dev_has(environment):
    environment(port="1234", fresh="true")

    options = load_settings(DevOptions, data_dir=Path("data"), sample=False)

    assert (options.port, options.data_dir, options.fresh, options.sample) == (1234, Path("data"), True, False)
