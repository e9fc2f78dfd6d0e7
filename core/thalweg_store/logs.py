"""How every process on the store logs: a JSON object a line for collectors, plain lines for people at a terminal.

What a line concerns is data, not prose: ``_LOG.warning("…", extra=concerning("cp-01", boot=7, first_seq=0, count=2))``.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, TextIO

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class LogStyle(StrEnum):
    """What `THALWEG_LOG` may say."""

    JSON = "json"
    TEXT = "text"


def concerning(
    device: str, *, boot: int | None = None, first_seq: int | None = None, count: int | None = None
) -> dict[str, Any]:
    """The `extra` of a log call that concerns a device and, when its numbers are given, one batch of it."""
    batch = {"boot": boot, "first_seq": first_seq, "count": count}
    return {"device": device, "batch": None if boot is None else batch}


def configure(style: LogStyle | None, instance: str, stream: TextIO = sys.stderr) -> None:
    """Log everything from INFO on to `stream`, in the name of `instance`; without a style, text on a terminal only."""
    if style is None:
        style = LogStyle.TEXT if stream.isatty() else LogStyle.JSON
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(instance) if style is LogStyle.JSON else TextLines(instance))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, instance; and device, batch, exception if there is one."""

    def __init__(self, instance: str) -> None:
        super().__init__()
        self._instance = instance

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        content: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "instance": self._instance,
        }
        for name in ("device", "batch"):
            if getattr(record, name, None) is not None:
                content[name] = getattr(record, name)
        if record.exc_info:
            content["exception"] = self.formatException(record.exc_info)
        return json.dumps(content, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """A line for people; control characters, which a stranger's topic may hold, are shown as escapes."""

    def __init__(self, instance: str) -> None:
        super().__init__()
        self._instance = instance

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end; an exception's traceback follows on lines of its own."""
        time = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
        message = record.getMessage() + _about(record)
        line = f"{time} {record.levelname:<7} {self._instance} {record.name}: {_CONTROL.sub(_escaped, message)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _about(record: logging.LogRecord) -> str:
    device, batch = getattr(record, "device", None), getattr(record, "batch", None)
    if not device:
        return ""
    numbers = f", boot {batch['boot']} from seq {batch['first_seq']}, {batch['count']} events" if batch else ""
    return f" (device {device}{numbers})"


def _escaped(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode()
