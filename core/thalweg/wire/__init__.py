"""The language between devices and gateway. Standard library only, so that a small edge can import it alone.

Reading order: `topics`, `batch` (on `varint`), `text`, `messages`, `keys`; `json_batch` and `forms`. The specification:
`docs/protocol.md`. Many batches at once: `columns_decoder` gives `columns` (by `packed_columns` and `json_columns`, the
latter on `json_rows`); these need NumPy and msgspec, and nothing that the edge imports may import them.
"""
