"""A bare subscriber that acknowledges and discards, as a process of its own: `python -m thalweg_app.bench.discard`.

What a broker can deliver to anybody at all. On the command line: host, port, user, topic, number of messages. Prints
"ready", then the seconds from the first to the last message.
"""

from __future__ import annotations

import sys
import time

from thalweg_app.bench.sessions import PUBLISH, Connection, packet


def discard(connection: Connection, messages: int) -> float:
    """Take so many messages; the seconds from the first to the last."""
    taken, began = 0, 0.0
    while taken < messages:
        acknowledgements = []
        for first, body in connection.receive():
            if first & 0xF0 == PUBLISH:
                at = 2 + int.from_bytes(body[:2], "big")
                acknowledgements.append(packet(0x40, body[at : at + 2]))
        if acknowledgements:
            connection.send(b"".join(acknowledgements))
            began = began or time.perf_counter()
            taken += len(acknowledgements)
    return time.perf_counter() - began


if __name__ == "__main__":
    host, port, user, topic, count = sys.argv[1:]
    subscriber = Connection(host, int(port), user, "")
    subscriber.subscribe(topic, 1)
    print("ready", flush=True)
    print(discard(subscriber, int(count)))
