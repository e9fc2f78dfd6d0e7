from __future__ import annotations

import pytest

from thalweg.errors import SetupError
from thalweg_gateway import main as process
from thalweg_gateway.settings import GatewaySettings, parse_root_key

KEY = bytes(range(7, 39)).hex()
SOUND = {
    "THALWEG_DATABASE_URL": "postgresql://thalweg@localhost/thalweg",
    "THALWEG_MQTT_URL": "mqtt://gateway:secret-word@localhost",
    "THALWEG_ECOSYSTEM": "eco",
    "THALWEG_ROOT_KEY": KEY,
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in SOUND.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_sound_settings_are_read_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("THALWEG_GATEWAY_INSTANCE", "gateway-7")
    settings = GatewaySettings.from_environment()
    assert (settings.ecosystem, settings.gateway_instance) == ("eco", "gateway-7")
    assert parse_root_key(settings.root_key.get_secret_value()) == bytes.fromhex(KEY)
    assert "secret-word" not in repr(settings)
    assert KEY not in repr(settings)


@pytest.mark.parametrize("missing", sorted(SOUND))
def test_each_setting_that_is_missing_is_named(environment: pytest.MonkeyPatch, missing: str) -> None:
    environment.delenv(missing)
    with pytest.raises(SetupError, match=missing):
        GatewaySettings.from_environment()


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("00" * 32, "looks like a sample"),
        ("0123456789abcdef" * 4, "looks like a sample"),
        ("changeme", "not hexadecimal"),
        (KEY[:60], "needs 32"),
    ],
)
def test_a_sample_or_weak_root_key_is_refused_without_repeating_it(
    environment: pytest.MonkeyPatch, key: str, said: str
) -> None:
    environment.setenv("THALWEG_ROOT_KEY", key)
    with pytest.raises(SetupError, match=said) as refusal:
        GatewaySettings.from_environment()
    assert key not in str(refusal.value)


def test_the_process_ends_with_what_is_wrong_and_no_traceback(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("THALWEG_MQTT_URL", "http://localhost")
    assert process.main() == 2
    assert "mqtt://user:password@host:1883" in capsys.readouterr().err
