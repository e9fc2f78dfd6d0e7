"""Device side of Thalweg: records usage and data-exchange events, signs them, keeps them and delivers them.

Reading order: `meter` (what an application calls), `codec`, `sign`, `outbox`, `receipts`, `delivery`, `mqtt`, `app`.
Runs unchanged on MicroPython 1.24 or newer: ESP32, Raspberry Pi Pico W and the Unix port.
"""

VERSION = "0.1.0"
