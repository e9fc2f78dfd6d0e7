"""Small worlds that tests of several packages build on; importable since pytest has `tests` on its path."""
