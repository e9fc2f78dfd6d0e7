import json

from parts import raises
from tw.config import Config, load
from tw.errors import ConfigError


def sound():
    return {
        "ecosystem": "ev-city",
        "device": "cp-01",
        "key_version": 1,
        "uplink_key": "ab" * 32,
        "downlink_key": "CD" * 32,
        "mqtt": {"host": "broker", "port": 1884, "user": "cp-01", "password": "secret"},
    }


def test_a_sound_configuration_is_read_and_what_is_left_out_has_a_default():
    with open("device.json", "w") as file:
        json.dump(sound(), file)
    config = load("device.json")
    assert (config.ecosystem, config.device, config.key_version) == ("ev-city", "cp-01", 1)
    assert (config.host, config.port, config.user, config.password) == ("broker", 1884, "cp-01", "secret")
    assert config.uplink_key == b"\xab" * 32
    assert config.downlink_key == b"\xcd" * 32
    assert (config.seal_online_seconds, config.seal_offline_seconds, config.outbox_max_files) == (5, 300, 128)
    assert config.wifi is None


def test_wifi_is_read_where_a_board_has_it():
    raw = sound()
    raw["wifi"] = {"name": "home", "password": "sesame"}
    assert Config(raw).wifi == ("home", "sesame")


def test_every_mistake_is_named_at_once():
    text = str(raises(ConfigError, Config, {"mqtt": {}, "wifi": 3}))
    for name in (
        "ecosystem", "device", "key_version", "uplink_key", "downlink_key",
        "mqtt.host", "mqtt.user", "mqtt.password", "wifi.name", "wifi.password",
    ):  # fmt: skip
        assert name in text, (name, text)


def test_each_mistake_is_found():
    for name, value in (
        ("ecosystem", "EV City"), ("ecosystem", ""), ("ecosystem", "_x"), ("device", "a" * 33), ("device", 7),
        ("key_version", 0), ("key_version", 256), ("key_version", True), ("key_version", "1"),
        ("uplink_key", "ab" * 31), ("uplink_key", "zz" * 32), ("downlink_key", None),
        ("mqtt", "broker"), ("mqtt", {"host": "h", "port": 0, "user": "cp-01", "password": "x"}),
        ("mqtt", {"host": "h", "user": "cp-02", "password": "x"}),
        ("seal_online_seconds", 0), ("seal_offline_seconds", 1.5), ("outbox_max_files", 1),
    ):  # fmt: skip
        raw = sound()
        raw[name] = value
        text = str(raises(ConfigError, Config, raw))
        assert name in text, (name, value, text)
        assert ":" in text.split("\n")[1], (name, value, text)


def test_a_missing_or_broken_file_is_named():
    assert "nowhere.json" in str(raises(ConfigError, load, "nowhere.json"))
    for content in ("", "{", "[1]", "3"):
        with open("device.json", "w") as file:
            file.write(content)
        assert "device.json" in str(raises(ConfigError, load, "device.json"))
