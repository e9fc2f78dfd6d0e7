from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.progress import Progress

from thalweg.errors import SetupError
from thalweg.profiles import Found, Reader
from thalweg.profiles.shipped import profile
from thalweg_app.replay_source import messages_of
from thalweg_gateway.foreign_parts import ForeignMessage

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CLOUD = (
    '{"specversion":"1.0","type":"water","source":"/p","id":"%s","time":"2026-01-01T00:00:00Z","data":{"quantity":%s}}'
)


def messages(path: Path, name: str, *lines: str) -> list[ForeignMessage]:
    path.write_text("\n".join(lines), encoding="utf-8")
    return list(messages_of(path, Reader(profile(name)), NOW, Progress(disable=True)))


def reasons(message: ForeignMessage) -> list[str]:
    return [each.event.kind if isinstance(each, Found) else each.reason for each in message.reading]


def test_lines_are_payloads_or_what_was_recorded_of_a_broker(tmp_path: Path) -> None:
    recorded = '{"tst":"2026-01-01T12:00:01.5Z+0200","topic":"cloudevents/a","payload":%s}'
    found = messages(
        tmp_path / "a.jsonl",
        "cloudevents",
        CLOUD % ("1", 7),
        "",
        recorded % (CLOUD % ("2", 7)),
        (recorded % (CLOUD % ("3", 7))).replace("cloudevents/a", "others/a"),
        '{"topic":"cloudevents/a","payload":"not json"}',
        "not json",
    )
    assert [reasons(each) for each in found] == [["water"], ["water"], ["other_topic"], ["malformed"], ["malformed"]]
    assert [each.topic for each in found[:2]] == ["a.jsonl", "cloudevents/a"]
    assert found[0].received_at == NOW
    assert found[1].received_at == datetime(2026, 1, 1, 10, 0, 1, 500_000, UTC)
    assert len({each.transport_id for each in found}) == 5


def test_numbers_of_a_recorded_payload_stay_as_they_were_written(tmp_path: Path) -> None:
    line = '{"topic":"tele/p/SENSOR","payload":{"Time":"2026-01-01T12:00:00","ENERGY":{"Total":%s}}}'
    whole, noisy = messages(tmp_path / "a.jsonl", "tasmota-energy", line % "9007199254740.993", line % "1e1")
    assert [each.event.quantity for each in (*whole.reading, *noisy.reading) if isinstance(each, Found)] == [
        9007199254740993,
        10_000,
    ]


def test_payloads_that_are_no_text_are_recorded_in_hex(tmp_path: Path) -> None:
    metric = b"\x0a\x06Energy\x18\x07\x50\x05"
    line = '{"topic":"spBv1.0/g/DDATA/e/press","payload":"%s","tst":"2026-01-01T12:00:00Z"}'
    found, broken = messages(
        tmp_path / "b.jsonl", "sparkplug-energy", line % (b"\x12\x0c" + metric).hex(), line % "energy"
    )
    (event,) = found.reading
    assert isinstance(event, Found)
    assert (event.device, event.event.quantity, event.event.at_ms) == ("press", 5000, 7)
    assert reasons(broken) == ["malformed"]


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    reader = Reader(profile("sap-sessions"))
    with pytest.raises(SetupError, match="cannot be read"):
        list(messages_of(tmp_path / "nothing.csv", reader, NOW, Progress(disable=True)))
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SetupError, match="UTF-8"):
        list(messages_of(binary, reader, NOW, Progress(disable=True)))
