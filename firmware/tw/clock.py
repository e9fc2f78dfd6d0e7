"""Time on a device: milliseconds since the start, and wall-clock time once somebody has told it.

Both are integers. The wall clock is the uptime plus an offset, so that a jump of the board's own real-time clock
never reaches an event; only `set_unix_ms` moves it.
"""

import time

UNSYNCHRONISED = 0
NTP = 1


class Clock:
    """Uptime and wall clock of this start."""

    def __init__(self) -> None:
        self._ticks = time.ticks_ms()
        self._uptime_ms = 0
        self._offset_ms = 0
        #: 0 until the clock is set, then where the time came from (`docs/protocol.md`: time quality)
        self.quality = UNSYNCHRONISED

    def uptime_ms(self) -> int:
        """Milliseconds since the start; ask at least once a day, because a board's ticks wrap after 12 days."""
        ticks = time.ticks_ms()
        self._uptime_ms += time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._uptime_ms

    def event_ms(self) -> int:
        """What an event carries: Unix time in ms, or the uptime in ms while the quality is 0."""
        return self.uptime_ms() + self._offset_ms

    def set_unix_ms(self, unix_ms: int, quality: int) -> None:
        """Set the wall clock; an open batch has to be sealed first when this changes the quality."""
        self._offset_ms = unix_ms - self.uptime_ms()
        self.quality = quality
