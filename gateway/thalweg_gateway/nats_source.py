"""The source for NATS: a durable pull consumer on the stream that an acknowledgement to a device rests on.

* Acknowledged message by message after the database commit. What was not comes again: at once when the gateway
  leaves, after the acknowledgement's time when it died. What other devices send at QoS 0 is heard beside the stream.
* One thread receives, so that the server hears that messages are still being worked on, however long the pipeline
  waits for its database. Memory is bounded by what was asked for: at most `WINDOW` messages wait here.
* A token names one delivery, and is forgotten with its connection: on the next one the same message comes with another.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from thalweg.errors import SetupError
from thalweg.profiles.topics import TopicPattern
from thalweg.wire.topics import gateway_state_topic
from thalweg_gateway.mqtt_address import MqttAddress
from thalweg_gateway.nats_announcer import NatsAnnouncer
from thalweg_gateway.nats_link import PULLED, Link, NatsAddress
from thalweg_gateway.nats_pulls import HEARTBEAT_SECONDS, Pulls
from thalweg_gateway.nats_reader import Delivery, LinkLostError, Note, pending_behind, status
from thalweg_gateway.nats_stream import StreamOptions, declare, next_message_subject, uplink_topic
from thalweg_gateway.nats_unkept import Unkept
from thalweg_gateway.source import Lag, Message

_LOG = logging.getLogger(__name__)
#: how many messages may wait here or be asked for: two transactions' worth
WINDOW: Final = 4500
#: a server that owes messages or heartbeats and sends nothing for so long is given up
_SILENCE_SECONDS: Final = 3 * HEARTBEAT_SECONDS
_STEP_SECONDS: Final = 0.25
_FIRST_RETRY_SECONDS: Final = 0.1
_LAST_RETRY_SECONDS: Final = 5.0
_MAX_KNOWN_TOPICS: Final = 100_000
_REFUSED_SECONDS: Final = 0.1
_HEARTBEAT: Final = 100
_NOTHING: Final = 404
_EXPIRED: Final = 408


class NatsSource:
    """One gateway's part of the durable consumer of one ecosystem."""

    def __init__(
        self,
        address: NatsAddress,
        doors: Sequence[MqttAddress],
        ecosystem: str,
        instance: str,
        options: StreamOptions,
        others: Sequence[str] = (),
    ) -> None:
        """Connects in the background at once, so that devices are let in; `doors` are the cluster's MQTT sides.

        `others` are topic filters of devices that are not ours.
        """
        self._address = address
        self._hosts = itertools.cycle(address.hosts)
        self._ecosystem = ecosystem
        self._others = [TopicPattern(each) for each in others]
        self._unkept = Unkept(others, WINDOW)
        self._options = options
        self._inbox = f"_INBOX.thalweg.{secrets.token_hex(8)}".encode()
        self._pulls = Pulls(next_message_subject(), self._inbox)
        self._announcer = NatsAnnouncer(doors, gateway_state_topic(ecosystem), instance)
        #: whether the consumer exists and messages are being taken
        self.is_ready = False
        self._link: Link | None = None
        self._failure: SetupError | None = None
        self._is_paused = False
        self._is_closing = False
        self._changed = threading.Condition()
        self._messages: deque[Message] = deque()
        #: deliveries of the present connection that are not acknowledged, in order
        self._held: dict[bytes, None] = {}
        self._aging: list[bytes] = []
        self._last_reply = b""
        #: subject → topic, None for what is not booked: gateways' own words, and messages on their way to devices
        self._topics: dict[bytes, str | None] = {}
        self._thread = threading.Thread(target=self._run, name="nats-source", daemon=True)
        self._thread.start()

    def take(self, limit: int, wait_seconds: float) -> list[Message]:
        """Up to `limit` messages; waits at most `wait_seconds` for the first."""
        with self._changed:
            self._changed.wait_for(lambda: self._messages or self._failure, wait_seconds)
            if self._failure is not None:
                raise self._failure
            messages = self._messages
            taken = [messages.popleft() for _ in range(min(limit, len(messages)))]
        self._pull()
        return taken

    def lag(self) -> Lag:
        """What was not taken yet; the server says with every delivery how many are behind it."""
        return Lag(len(self._messages), pending_behind(self._last_reply))

    def commit(self, messages: Sequence[Message]) -> None:
        """Acknowledge deliveries of the present connection."""
        self._acknowledge([message.token for message in messages])

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send messages at most once, which MQTT devices get at QoS 0; dropped while the server is away.

        Any thread may call it.
        """
        subjects = ((topic.replace("/", ".").encode(), payload) for topic, payload in messages)
        self._send(b"".join(b"PUB %b %d\r\n%b\r\n" % (subject, len(body), body) for subject, body in subjects))

    def pause(self) -> None:
        """Ask for nothing more and tell devices to keep their events."""
        self._is_paused = True
        self._announcer.want(is_on=False)

    def resume(self) -> None:
        """Ask again; devices send what no receipt covers yet."""
        if self._is_paused:
            self._is_paused = False
            self._announcer.want(is_on=True)

    def close(self) -> None:
        """Publish that the gateway is off, give back what was not committed, and disconnect."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()
        self._announcer.close()

    def _run(self) -> None:
        retry_seconds = _FIRST_RETRY_SECONDS
        while not self._is_closing:
            try:
                self._serve(self._connect())
            except LinkLostError as error:
                retry_seconds = _FIRST_RETRY_SECONDS if self.is_ready else min(retry_seconds * 2, _LAST_RETRY_SECONDS)
                _LOG.warning("%s; next try in %.1f s", error, retry_seconds)
                self._forget()
                with self._changed:
                    self._changed.wait_for(lambda: self._is_closing, retry_seconds)
            except SetupError as error:
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
                return

    def _connect(self) -> Link:
        host, port = next(self._hosts)
        link = Link(host, port, self._address)
        declare(link.ask, self._ecosystem, self._options)
        link.send(b"SUB %b %b\r\n" % (self._inbox, PULLED) + self._unkept.subscriptions)
        _LOG.info("taking events from %s:%s", host, port)
        return link

    def _serve(self, link: Link) -> None:
        """Receive until the connection ends or the gateway leaves."""
        self._link = link
        self.is_ready = True
        self._announcer.start()
        heard_at = aged_at = time.monotonic()
        while not self._is_closing:
            self._pull()
            deliveries, notes = link.receive(self._pulls.seconds_until_due(time.monotonic(), _STEP_SECONDS))
            now = time.monotonic()
            if deliveries or notes:
                heard_at = now
                self._arrived(deliveries)
                self._heed(notes, now)
            elif self._pulls.is_owed and now - heard_at > _SILENCE_SECONDS:
                raise LinkLostError("the NATS server owes messages and is silent")
            if now - aged_at > self._options.ack_wait_seconds / 3:
                aged_at = now
                self._keep_alive()
        self._leave(link)

    def _arrived(self, deliveries: list[Delivery]) -> None:
        now, topics, others = datetime.now(UTC), self._topics, []
        messages = []
        for subject, reply, payload in deliveries:
            try:
                topic = topics[subject]
            except KeyError:
                topic = self._topic(subject)
            if topic is None:
                others.append(reply)
            else:
                messages.append(Message(topic, payload, now, reply))
        with self._changed:
            self._pulls.arrived(len(deliveries))
            if deliveries:
                self._last_reply = deliveries[-1][1]
            self._messages.extend(messages)
            self._held.update(dict.fromkeys([reply for _, reply, _ in deliveries]))
            self._changed.notify_all()
        if others:
            self._acknowledge(others)

    def _heed(self, notes: list[Note], now: float) -> None:
        """Take back from what was asked for what a status says will not come, and take what was heard."""
        for note in notes:
            if self._unkept.is_heard(note):
                self._hear(note)
                continue
            code, pending = status(note)
            if note.kind != PULLED or code == _HEARTBEAT:
                continue
            if b"Consumer Deleted" in note.head:
                raise LinkLostError("somebody deleted the gateway's consumer; it is made again")
            with self._changed:
                self._pulls.ended(pending)
                if code not in (_NOTHING, _EXPIRED) and b"Batch Completed" not in note.head:
                    self._pulls.hold_off_until(now + _REFUSED_SECONDS)

    def _hear(self, note: Note) -> None:
        with self._changed:
            topic = self._unkept.topic(note, len(self._messages))
            if topic is not None:
                self._messages.append(Message(topic, note.payload, datetime.now(UTC), None))
                self._changed.notify_all()

    def _pull(self) -> None:
        """Ask for as many messages as there is room for, when it is time to."""
        with self._changed:
            if self._is_paused or self._link is None:
                return
            behind = pending_behind(self._last_reply) or 0
            requests = self._pulls.requests(WINDOW - len(self._messages), behind, time.monotonic())
        self._send(requests)

    def _keep_alive(self) -> None:
        """Tell the server that what has been here for a third of the acknowledgement's time is still worked on."""
        with self._changed:
            old = [token for token in self._aging if token in self._held]
            self._aging = list(self._held)
        self._send(_replies(old, b"+WPI"))

    def _leave(self, link: Link) -> None:
        """Ask for nothing more, and give back at once what was not committed."""
        link.send(b"UNSUB %b\r\n" % PULLED)
        self._arrived(link.settle())
        link.send(_replies(self._held, b"-NAK"))
        link.settle()
        self._forget()

    def _forget(self) -> None:
        """Forget the connection and what was delivered on it."""
        with self._changed:
            link, self._link = self._link, None
            unkept = [message for message in self._messages if message.token is None]  # nobody sends these again
            self._messages.clear()
            self._messages.extend(unkept)
            self._held.clear()
            self._aging.clear()
            self._pulls.forget()
        self.is_ready = False
        if link is not None:
            link.close()

    def _acknowledge(self, tokens: Iterable[object]) -> None:
        with self._changed:
            own = [token for token in tokens if isinstance(token, bytes) and token in self._held]
            for token in own:
                del self._held[token]
        self._send(_replies(own, b"+ACK"))

    def _send(self, data: bytes) -> None:
        link = self._link
        if link is not None and data:
            try:
                link.send(data)
            except LinkLostError:
                link.break_off()  # the receiving thread connects again

    def _topic(self, subject: bytes) -> str | None:
        if len(self._topics) >= _MAX_KNOWN_TOPICS:
            self._topics.clear()
        self._topics[subject] = topic = uplink_topic(subject, self._ecosystem, self._others)
        return topic


def _replies(tokens: Iterable[bytes], verb: bytes) -> bytes:
    return b"".join([b"PUB %b 4\r\n%b\r\n" % (token, verb) for token in tokens])
