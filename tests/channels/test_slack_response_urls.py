"""A body may name an address for the reply; it is used only where it is Slack's own."""

import pytest

from bot.channels.slack.files import is_of

SLACK = "https://slack.com"


@pytest.mark.parametrize(
    ("api", "named", "trusted"),
    [
        (SLACK, "https://hooks.slack.com/actions/T1/2/x", True),
        (SLACK, "https://slack.com/x", True),
        (SLACK, "http://hooks.slack.com/actions/T1/2/x", False),
        (SLACK, "https://hooks.slack.com.evil.example/x", False),
        (SLACK, "https://evilslack.com/x", False),
        (SLACK, "https://169.254.169.254/latest/meta-data", False),
        (SLACK, "file:///etc/passwd", False),
        (SLACK, "", False),
        (SLACK, "https://[broken", False),
        ("http://127.0.0.1:9001", "http://127.0.0.1:9001/responses/1", True),
        ("http://127.0.0.1:9001", "https://hooks.slack.com/actions/T1/2/x", False),
    ],
)
def test_replies_go_to_slack_alone(api: str, named: str, trusted: bool) -> None:
    assert is_of(api, named) is trusted
