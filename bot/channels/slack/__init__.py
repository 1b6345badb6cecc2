"""Slack as a customer's channel (direct messages, /feedback, buttons) and as the agents' desk (alerts with buttons)."""

from bot.channels.slack.channel import SlackChannel

__all__ = ["SlackChannel"]
