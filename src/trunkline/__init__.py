"""Trunkline: self-hosted voice agents that answer and place phone calls."""

__version__ = "0.1.0"
