"""The proxy's and the brokers' configurations, by the programs that read them."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from thalweg_app.local_system import free_port
from worlds.brokers import PASSWORD, wait_for
from worlds.demo import open_folder

NAMES = ("localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def certificates(deploy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["sh", str(deploy / "tls/make-certificates"), str(folder), *NAMES], check=True)
    return folder


@pytest.mark.parametrize("tls", ["internal", "operator@example.org"])
def test_caddy_accepts_its_configuration(deploy: Path, checker: Callable[[str], str], tls: str, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "THALWEG_DOMAIN": "thalweg.example.org", "THALWEG_TLS": tls}
    done = subprocess.run(
        [checker("caddy"), "validate", "--config", str(deploy / "Caddyfile"), "--adapter", "caddyfile"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_certificates_are_made_once_and_their_keys_are_closed(deploy: Path, certificates: Path) -> None:
    before = {path.name: path.read_bytes() for path in certificates.iterdir()}
    subprocess.run(["sh", str(deploy / "tls/make-certificates"), str(certificates), "other.example.org"], check=True)
    assert {path.name: path.read_bytes() for path in certificates.iterdir()} == before
    for key in certificates.glob("*.key"):
        assert key.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_the_nats_server_accepts_its_configuration(deploy: Path, certificates: Path, tmp_path: Path) -> None:
    made = [sys.executable, str(deploy / "make-secrets"), str(tmp_path / "secrets"), "--broker", "nats"]
    subprocess.run(made, check=True)
    text = (deploy / "nats/nats.conf").read_text(encoding="utf-8")
    text = text.replace("/etc/thalweg/tls", str(certificates)).replace("/var/lib/thalweg-nats", str(tmp_path / "store"))
    (tmp_path / "nats.conf").write_text(text, encoding="utf-8")
    shutil.copy(tmp_path / "secrets/broker/nats-secrets.conf", tmp_path)
    server = Path(sys.executable).with_name("nats-server")
    done = subprocess.run([server, "-t", "-c", tmp_path / "nats.conf"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def mosquitto(deploy: Path, certificates: Path, folder: Path) -> Iterator[int]:
    """Mosquitto as deploy/tls/mosquitto.conf has it, on a port and in a folder of its own."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    password_tool = shutil.which("mosquitto_passwd")
    if program is None or password_tool is None:
        pytest.skip("Mosquitto is not installed (as root on Debian, `make test` installs it)")
    port = free_port()
    folder.chmod(0o777)  # started by root, it drops to an account of its own
    text = (deploy / "tls/mosquitto.conf").read_text(encoding="utf-8")
    text = text.replace("/etc/mosquitto/thalweg", str(folder)).replace("/var/lib/mosquitto/", f"{folder}/")
    (folder / "mosquitto.conf").write_text(text.replace("listener 8883", f"listener {port} 127.0.0.1"))
    for name in ("server.pem", "server.key"):
        shutil.copy(certificates / name, folder)
        (folder / name).chmod(0o644)
    shutil.copy(deploy / "mosquitto/acl", folder)
    (folder / "passwords").touch(0o644)
    for user in ("_gateway", "cp-01"):
        subprocess.run([password_tool, "-b", str(folder / "passwords"), user, PASSWORD], check=True)
    for name in ("acl", "passwords"):
        (folder / name).chmod(0o644)
    with (folder / "log").open("wb") as log:
        broker = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stdout=log, stderr=log)
    try:
        wait_for(lambda: broker.poll() is not None or listens(port), "Mosquitto listens")
        assert broker.poll() is None, (folder / "log").read_text()
        yield port
    finally:
        broker.kill()
        broker.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def connected(port: int, user: str, authority: Path, received: list[str]) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"any-{user}")
    client.username_pw_set(user, PASSWORD)
    client.tls_set_context(ssl.create_default_context(cafile=str(authority)))
    client.on_message = lambda _client, _data, message: received.append(message.topic)
    client.connect("localhost", port)
    client.loop_start()
    wait_for(client.is_connected, f"{user} is connected")
    return client


@pytest.mark.slow
@pytest.mark.mosquitto
def test_mosquitto_lets_a_device_write_its_own_topics_only_and_over_tls_only(deploy: Path, certificates: Path) -> None:
    with open_folder() as folder, mosquitto(deploy, certificates, folder) as port:
        received: list[str] = []
        gateway = connected(port, "_gateway", certificates / "ca.pem", received)
        gateway.subscribe([("tw1/ev-charging/+/e", 1), ("tw1/ev-charging/+/ej", 1)])
        device = connected(port, "cp-01", certificates / "ca.pem", [])
        device.publish("tw1/ev-charging/cp-02/e", b"not mine", qos=1).wait_for_publish(10)
        device.publish("tw1/ev-charging/cp-02/ej", b"not mine", qos=1).wait_for_publish(10)
        device.publish("tw1/ev-charging/cp-01/e", b"mine", qos=1).wait_for_publish(10)
        device.publish("tw1/ev-charging/cp-01/ej", b"mine", qos=1).wait_for_publish(10)
        wait_for(lambda: len(received) > 1, "the device's own messages")
        assert received == ["tw1/ev-charging/cp-01/e", "tw1/ev-charging/cp-01/ej"]
        for client in (gateway, device):
            client.disconnect()
            client.loop_stop()
        stranger = paho.Client(CallbackAPIVersion.VERSION2, client_id="stranger")
        stranger.tls_set_context(ssl.create_default_context())  # does not know our authority, so must not trust it
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.connect("localhost", port)
