"""config.toml -> one frozen snapshot of settings; every problem with file, line and key path."""

from bot.config.environment import SecretName
from bot.config.reading import Problem, check, load, secrets_named
from bot.config.sandbox import SandboxChange, sandbox_changes, with_sandbox
from bot.config.settings import (
    AskingSettings,
    ChannelSettings,
    CommandSettings,
    CurrentSettings,
    DeliverySettings,
    FlowAsking,
    FollowUpSettings,
    PageSettings,
    SandboxSettings,
    ServerSettings,
    Settings,
    SlackSettings,
    StorageSettings,
    TelegramSettings,
    TriggerKindName,
    TriggerSettings,
    WebchatSettings,
    WebhookChatSettings,
)

__all__ = [
    "AskingSettings",
    "ChannelSettings",
    "CommandSettings",
    "CurrentSettings",
    "DeliverySettings",
    "FlowAsking",
    "FollowUpSettings",
    "PageSettings",
    "Problem",
    "SandboxChange",
    "SandboxSettings",
    "SecretName",
    "ServerSettings",
    "Settings",
    "SlackSettings",
    "StorageSettings",
    "TelegramSettings",
    "TriggerKindName",
    "TriggerSettings",
    "WebchatSettings",
    "WebhookChatSettings",
    "check",
    "load",
    "sandbox_changes",
    "secrets_named",
    "with_sandbox",
]
