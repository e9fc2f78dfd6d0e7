"""Copy to a board as main.py, beside device.json and the folder tw: meters the pulses of an energy meter on pin 15."""

import asyncio

from machine import Pin
from tw.app import App

KINDS = {"energy": {"unit": "Wh", "fields": ["phase"]}}


async def main() -> None:
    """Record one watt-hour for each pulse."""
    app = App(KINDS)
    app.start()
    pulse = Pin(15, Pin.IN, Pin.PULL_UP)
    while True:
        while pulse.value():
            await asyncio.sleep_ms(5)
        app.meter.record("energy", 1, phase="L1")
        while not pulse.value():
            await asyncio.sleep_ms(5)


asyncio.run(main())
