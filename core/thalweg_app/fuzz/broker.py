"""The same messages on the whole way: from the devices' sessions through the real broker to the gateway's process."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from thalweg.errors import SetupError
from thalweg.wire.topics import Channel
from thalweg_app.bench.sessions import CONNACK, FIRST_PACKET, PUBACK, Connection, publish_packet
from thalweg_app.demo_world import ECOSYSTEM
from thalweg_app.fuzz.ledger import Account, Ledger
from thalweg_app.fuzz.messages import Messages, Sent
from thalweg_app.fuzz.senders import Sender, register_senders
from thalweg_app.local_system import DATABASE_VARIABLE, MQTT_VARIABLE, NATS_VARIABLE, LocalSystem, free_port
from thalweg_app.nats import MAX_MESSAGE_BYTES

_DEVICES: Final = 8
_UPLINK: Final = (Channel.EVENTS, Channel.EVENTS_JSON, Channel.STATE)
#: what the broker takes, with room for the topic: it answers a larger one by ending the session
_MAX_BYTES: Final = MAX_MESSAGE_BYTES - 1024
#: messages that are under way at once
_WINDOW: Final = 100
_LIMIT_SECONDS: Final = 90
_ANSWER_SECONDS: Final = 5
_STEP_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class BrokerReport:
    """What came of it."""

    messages: int
    account: Account

    @property
    def unaccounted(self) -> int:
        """Messages that the broker acknowledged and the account lacks."""
        return self.messages - self.account.messages


def run(seed: int, messages: int) -> BrokerReport:
    """Publish so many messages, each on a topic of its sender's own and no larger than the broker takes.

    It drops all others. Raises SetupError.
    """
    for variable in (DATABASE_VARIABLE, MQTT_VARIABLE, NATS_VARIABLE):
        if os.environ.get(variable):
            raise SetupError(f"damaged messages are for servers of their own: unset {variable}")
    with tempfile.TemporaryDirectory(prefix="thalweg-fuzz-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # run by root, the database has an account of its own
        with LocalSystem(folder, ECOSYSTEM, free_port()) as system:
            database = system.start_database()
            senders = register_senders(database, system.secrets.root_key, datetime.now(UTC))
            database.close()
            passwords = system.start_broker([sender.name for sender in senders[:_DEVICES]])
            system.start_gateway()
            ledger = Ledger(senders)
            _publish(_stream(senders, seed, messages, ledger), system.broker, passwords)
            return BrokerReport(messages, _account(ledger, system, messages))


def _stream(senders: Sequence[Sender], seed: int, count: int, ledger: Ledger) -> list[tuple[Sender, Sent]]:
    """The messages that the senders may publish, each with its sender."""
    own = {sender.topic(channel): sender for sender in senders[:_DEVICES] for channel in _UPLINK}
    messages, chosen = Messages(senders[:_DEVICES], seed), list[tuple[Sender, Sent]]()
    now_ms = int(time.time() * 1000)
    while len(chosen) < count:
        sent = messages.next(now_ms)
        sender = own.get(sent.topic)
        if sender is not None and len(sent.payload) <= _MAX_BYTES:
            ledger.saw(sent)
            chosen.append((sender, sent))
    return chosen


def _publish(stream: Sequence[tuple[Sender, Sent]], broker: tuple[str, int], passwords: Mapping[str, str]) -> None:
    """Publish everything, and wait until the broker has acknowledged it."""
    sessions = {name: _connected(broker, name, password) for name, password in passwords.items()}
    for first in range(0, len(stream), _WINDOW):
        due = dict.fromkeys(sessions, 0)
        for sender, sent in stream[first : first + _WINDOW]:
            sessions[sender.name].send(publish_packet(sent.topic, FIRST_PACKET + due[sender.name], sent.payload))
            due[sender.name] += 1
        for name, count in due.items():
            _await_acknowledgements(sessions[name], count)
    for session in sessions.values():
        session.socket.close()


def _connected(broker: tuple[str, int], name: str, password: str) -> Connection:
    """A session that was let in: a system that is only just starting leaves one unanswered, or refuses it."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < deadline:
        session = Connection.begun(*broker, name, password)
        session.socket.settimeout(_ANSWER_SECONDS)
        try:
            answers = session.receive()
        except (OSError, SetupError):
            answers = []
        if any(first_byte == CONNACK and body[1] == 0 for first_byte, body in answers):
            session.socket.settimeout(_LIMIT_SECONDS)
            return session
        session.socket.close()
        time.sleep(_STEP_SECONDS)
    raise SetupError(f"the broker does not let {name!r} in")


def _await_acknowledgements(session: Connection, count: int) -> None:
    acknowledged = 0
    while acknowledged < count:
        try:
            packets = session.receive()
        except OSError as error:
            raise SetupError(f"the broker acknowledged {acknowledged} of {count} messages, then: {error}") from None
        acknowledged += sum(first_byte == PUBACK for first_byte, _ in packets)


def _account(ledger: Ledger, system: LocalSystem, messages: int) -> Account:
    """The account once everything is in it, or no more comes."""
    dsn = system.database_url.replace("postgresql+psycopg://", "postgresql://")
    deadline = time.monotonic() + _LIMIT_SECONDS
    while True:
        account = ledger.account(dsn)
        if account.messages >= messages or time.monotonic() > deadline:
            return account
        time.sleep(_STEP_SECONDS)
