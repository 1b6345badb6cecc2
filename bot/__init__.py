"""Afterchat asks customers for feedback in their own chat and brings the unhappy ones to an agent."""

__version__ = "0.1.0"
