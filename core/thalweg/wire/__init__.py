"""The language between devices and gateway. Standard library only, so that a small edge can import it alone.

Reading order: `topics`, `batch` (on `varint`), `text`, `messages`, `keys`. The specification is `docs/protocol.md`.
"""
