"""The stream and the durable consumer that an acknowledgement to a device rests on.

A NATS server keeps an MQTT message of QoS 1 in the stream `$MQTT_msgs` as long as a consumer is interested in it; what
nobody is interested in is acknowledged and gone. So both exist before the first device may connect, and the
gateway's user may delete neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from thalweg.errors import SetupError
from thalweg.profiles.topics import TopicPattern
from thalweg.wire.topics import PREFIX, gateway_state_topic
from thalweg_gateway.nats_reader import LinkLostError
from thalweg_gateway.nats_subjects import topic_of
from thalweg_gateway.source import UPLINK

STREAM: Final = "$MQTT_msgs"
DURABLE: Final = "gateway"
#: so that one device cannot fill the stream for all
MAX_MESSAGES_OF_ONE_SUBJECT: Final = 5000
#: of all gateways together: several transactions and what waits behind them
MAX_UNACKNOWLEDGED: Final = 10_000
_SUBJECTS: Final = "$MQTT.msgs."
_STREAM_NOT_FOUND: Final = 10059
_CONSUMER_NOT_FOUND: Final = 10014
#: answers of a cluster that has no leader for a moment
_COME_AGAIN: Final = frozenset({503})

Ask = Callable[[str, Mapping[str, Any] | None], dict[str, Any]]

_UPLINK_ENDS: Final = tuple(f"/{channel}" for channel in UPLINK)
#: where the consumer says whom it serves
_OWNER: Final = "thalweg-ecosystem"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """What differs between one server on a laptop and three on a site."""

    #: copies of every message: 1, or 3 on a cluster
    replicas: int = 1
    #: what the stream may hold; below the server's `max_file_store`, which must never be reached
    max_bytes: int = 1 << 30
    #: a message that is not acknowledged by then is delivered again
    ack_wait_seconds: int = 30


def consumer_info_subject() -> str:
    """Whom to ask whether the durable consumer exists."""
    return f"$JS.API.CONSUMER.INFO.{STREAM}.{DURABLE}"


def next_message_subject() -> str:
    """Whom to ask for messages."""
    return f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{DURABLE}"


def uplink_topic(stream_subject: bytes, ecosystem: str, others: Sequence[TopicPattern] = ()) -> str | None:
    """The MQTT topic of a message of the stream, if it is one that a gateway of `ecosystem` books.

    `others` are the topics of devices that are not ours.
    """
    topic = topic_of(stream_subject.decode(errors="replace").removeprefix(_SUBJECTS))
    ours = f"{PREFIX}/{ecosystem}/"
    is_uplink = topic.startswith(ours) and topic.endswith(_UPLINK_ENDS) and topic != gateway_state_topic(ecosystem)
    return topic if is_uplink or any(each.match(topic) is not None for each in others) else None


def declare(ask: Ask, ecosystem: str, options: StreamOptions) -> None:
    """Make the stream and the consumer what they must be.

    Raises SetupError when the server refuses, and LinkLostError when it cannot say yet.
    """
    _declare_stream(ask, options)
    _declare_consumer(ask, ecosystem, options)


def _declare_stream(ask: Ask, options: StreamOptions) -> None:
    wanted = {
        "name": STREAM,
        "subjects": [f"{_SUBJECTS}>"],
        "retention": "interest",
        "storage": "file",
        "discard": "new",  # a full stream refuses: no acknowledgement, so the device keeps its batch
        "max_bytes": options.max_bytes,
        "max_msgs_per_subject": MAX_MESSAGES_OF_ONE_SUBJECT,
        "discard_new_per_subject": True,
        "allow_msg_ttl": True,
        "num_replicas": options.replicas,
    }
    found = ask(f"$JS.API.STREAM.INFO.{STREAM}", None)
    if _error_code(found) == _STREAM_NOT_FOUND:
        _checked(ask(f"$JS.API.STREAM.CREATE.{STREAM}", wanted), "create the stream")
        return
    present = _checked(found, "look at the stream")["config"]
    if any(present.get(key) != wanted[key] for key in ("retention", "storage")):
        raise SetupError(
            f"the stream {STREAM} has another retention or storage: remove it, a gateway makes a right one"
        )
    if any(present.get(key) != value for key, value in wanted.items()):
        _checked(ask(f"$JS.API.STREAM.UPDATE.{STREAM}", present | wanted), "change the stream")


def _declare_consumer(ask: Ask, ecosystem: str, options: StreamOptions) -> None:
    found = ask(consumer_info_subject(), None)
    if _error_code(found) != _CONSUMER_NOT_FOUND:
        owner = _checked(found, "look at the consumer")["config"].get("metadata", {}).get(_OWNER, ecosystem)
        if owner != ecosystem:
            raise SetupError(
                f"the consumer {DURABLE!r} serves the ecosystem {owner!r}: give each ecosystem an account of its own"
            )
    wanted = {
        "durable_name": DURABLE,
        "metadata": {_OWNER: ecosystem},
        "deliver_policy": "all",
        "ack_policy": "explicit",  # acknowledging all before would lose what a dead gateway had in hand
        "ack_wait": options.ack_wait_seconds * 1_000_000_000,
        "max_ack_pending": MAX_UNACKNOWLEDGED,
        "max_waiting": 512,
        # no inactive_threshold: a consumer that goes takes what waits for it along;
        # no filter: looking for what matches takes the server 12 µs a message, and with two filters 60
    }
    question = {"stream_name": STREAM, "config": wanted}
    _checked(ask(f"$JS.API.CONSUMER.CREATE.{STREAM}.{DURABLE}", question), "create the consumer")


def _error_code(answer: Mapping[str, Any]) -> int:
    return int(answer.get("error", {}).get("err_code", 0))


def _checked(answer: dict[str, Any], what: str) -> dict[str, Any]:
    error = answer.get("error")
    if error is None:
        return answer
    if error.get("code") in _COME_AGAIN:
        raise LinkLostError(f"cannot {what} yet: {error.get('description')}")
    raise SetupError(f"the NATS server does not let the gateway {what}: {error.get('description')}")
