"""The HTTP service: figures derived from committed facts, live."""
