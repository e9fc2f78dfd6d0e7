"""The language between devices and gateway. Standard library only, so that a small edge can import it alone.

Reading order: `topics`, `batch` (on `varint`), `text`, `messages`, `keys`. The specification is `docs/protocol.md`.
Many batches at once: `columns_decoder` gives `columns` (on `header_columns`, `varint_columns`, `definitions`); these
need NumPy, and nothing that the edge imports may import them.
"""
