"""The stream that is sent: valid messages, and what can be made of them. The same seed gives the same stream."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from thalweg.wire.topics import Channel
from thalweg_app.fuzz.damage import SELDOM, STRATEGIES, Strategy
from thalweg_app.fuzz.odd_texts import odd_text
from thalweg_app.fuzz.odd_topics import odd_topic
from thalweg_app.fuzz.senders import REVOKED, STOLEN, UNREGISTERED, Sender
from thalweg_app.fuzz.valid import Device, Sample

#: per mille of the messages, the rest being damaged
_VALID: Final = 300
_SENT_AGAIN: Final = 50
_ODD_TOPIC: Final = 90
_ODD_TEXT: Final = 60
_SELDOM: Final = 1
#: of the damaged ones: those that are signed after the damage, so that it reaches what lies behind the signature
_SIGNED_SHARE: Final = 0.6
_STATE_SHARE: Final = 0.15
_REMEMBERED: Final = 500
_CODE_BYTES: Final = 33
_REBORN_SHARE: Final = 0.5
#: where a batch says its boot, packed and in JSON
_BOOT: Final = slice(2, 6)
_JSON_BOOT: Final = re.compile(rb'"boot":\d+')
#: how often the unusual senders are heard, beside a usual one
_WEIGHTS: Final = {REVOKED: 0.4, UNREGISTERED: 0.4, **dict.fromkeys(STOLEN, 0.15)}


class Sent(NamedTuple):
    """One message of the stream."""

    #: how it came about
    strategy: str
    topic: str
    payload: bytes


class Messages:
    """The stream of one seed."""

    def __init__(self, senders: Sequence[Sender], seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - reproducible, no secret
        self._devices = [Device(sender, self._chance) for sender in senders]
        weights = [_WEIGHTS.get(sender.name, 1) for sender in senders]
        self._cumulative = [sum(weights[: place + 1]) for place in range(len(weights))]
        self._remembered: list[Sample] = []

    def next(self, now_ms: int) -> Sent:
        """The next message, as sent at `now_ms` (Unix time)."""
        number = self._chance.randrange(1000)
        if number < _VALID or not self._remembered:
            sample = self._fresh(now_ms)
            return Sent("valid", sample.topic, sample.payload)
        sample = self._chance.choice(self._remembered)
        number -= _VALID
        if number < _SENT_AGAIN:
            return Sent("sent_again", sample.topic, sample.payload)
        number -= _SENT_AGAIN
        if number < _ODD_TOPIC:
            return Sent("odd_topic", odd_topic(self._chance, sample.topic), sample.payload)
        number -= _ODD_TOPIC
        if number < _ODD_TEXT:
            return self._odd_text(sample, now_ms)
        number -= _ODD_TEXT
        return self._damaged(sample, SELDOM if number < _SELDOM else STRATEGIES)

    def _fresh(self, now_ms: int) -> Sample:
        [device] = self._chance.choices(self._devices, cum_weights=self._cumulative)
        is_state = self._chance.random() < _STATE_SHARE
        sample = device.state(now_ms) if is_state else device.batch(now_ms)
        if len(self._remembered) < _REMEMBERED:
            self._remembered.append(sample)
        else:
            self._remembered[self._chance.randrange(_REMEMBERED)] = sample
        return sample

    def _odd_text(self, sample: Sample, now_ms: int) -> Sent:
        if sample.channel is Channel.EVENTS:  # it is no text: another message of its sender
            sample = next(device for device in self._devices if device.sender is sample.sender).state(now_ms)
        text = odd_text(self._chance, json.loads(sample.payload[:-_CODE_BYTES]))
        return Sent("odd_text", sample.topic, sample.sender.sign_text(sample.channel, text))

    def _damaged(self, sample: Sample, strategies: Mapping[str, Strategy]) -> Sent:
        name = self._chance.choice(tuple(strategies))
        other = self._chance.choice(self._remembered).payload
        if self._chance.random() >= _SIGNED_SHARE:
            return Sent(name, sample.topic, strategies[name](self._chance, sample.payload, other))
        if sample.channel is Channel.EVENTS:
            batch = strategies[name](self._chance, self._reborn(sample.payload), other)
            return Sent(f"{name}_and_signed", sample.topic, sample.sender.sign_batch(batch))
        text = sample.payload[:-_CODE_BYTES]
        if sample.channel is Channel.EVENTS_JSON and self._is_reborn():
            text = _JSON_BOOT.sub(b'"boot":%d' % self._chance.randrange(1 << 32), text, 1)
        text = strategies[name](self._chance, text, other)
        return Sent(f"{name}_and_signed", sample.topic, sample.sender.sign_text(sample.channel, text))

    def _reborn(self, batch: bytes) -> bytes:
        if not self._is_reborn():
            return batch
        return batch[: _BOOT.start] + self._chance.randbytes(4) + batch[_BOOT.stop :]

    def _is_reborn(self) -> bool:
        """Whether a batch goes to a boot of its own: else most of what is damaged would be a mere conflict."""
        return self._chance.random() < _REBORN_SHARE
