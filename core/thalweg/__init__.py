"""Thalweg: measure the value that flows between the participants of an IoT ecosystem, and divide it."""

__version__ = "0.1.0"
