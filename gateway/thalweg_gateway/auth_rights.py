"""What a device may do at the broker: a function of its name and of the profiles in use, without any state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from thalweg.profiles import Profile
from thalweg.wire.topics import Channel, device_topic, gateway_state_topic
from thalweg_gateway.foreign_intake import topic_pattern
from thalweg_gateway.nats_subjects import subjects_of
from thalweg_gateway.source import UPLINK


class Rights:
    """The rights of the devices of one ecosystem."""

    def __init__(self, ecosystem: str, profiles: Sequence[Profile] = (), bridges: Collection[str] = ()) -> None:
        """`bridges` are devices that publish for others; raises SetupError for a profile that a gateway cannot use."""
        self._ecosystem = ecosystem
        self._patterns = [
            (topic_pattern(profile), profile.device.topic if profile.device else None) for profile in profiles
        ]
        self._bridges = frozenset(bridges)

    def of(self, device: str) -> dict[str, dict[str, list[str]]]:
        """The permissions of a NATS user.

        A device's own events and state upwards, also on the topics of profiles that name it; its receipts and the
        gateway's state downwards; nothing else.
        """
        up = [device_topic(self._ecosystem, device, channel) for channel in UPLINK]
        down = [device_topic(self._ecosystem, device, Channel.RECEIPT), gateway_state_topic(self._ecosystem)]
        return {"pub": {"allow": _subjects([*up, *self._foreign(device)])}, "sub": {"allow": _subjects(down)}}

    def _foreign(self, device: str) -> list[str]:
        """Topic filters: where who measured is what the topic says, the device may say it of itself alone."""
        if device in self._bridges:
            return [pattern.filter for pattern, _ in self._patterns]
        return [pattern.filter_of({level: device}) for pattern, level in self._patterns if level is not None]


def _subjects(topics: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(subject for topic in topics for subject in subjects_of(topic)))
