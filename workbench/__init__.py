"""Workbench: one Linux machine as a complete AI platform."""

__version__ = "0.1.0"
