"""The guide to the follow-up: what it shows is right, and it shows every key."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.config import FollowUpSettings, check, load
from bot.followup.clocks import Hours, Team, after
from bot.followup.incidents import IncidentRules
from bot.followup.routing import RoutingRule
from bot.followup.templates import Cause, Template

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "follow-up.md").read_text("utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
SECRETS = {
    "AFTERCHAT_API_KEYS": "key-of-the-shop-1",
    "TELEGRAM_TOKEN": "123:abc",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "WEBCHAT_SECRET": "0123456789abcdef",
}
#: what is called otherwise in the file
TABLES = {
    "teams": "[followup.teams.",
    "rules": "[[followup.rule]]",
    "incidents": "[followup.incidents]",
    "templates": "[[followup.template]]",
    "causes": "[[followup.cause]]",
    "week": "`hours.",
    "hours": "`hours.",
    "name": "[followup.teams.<name>]",
}


def of_the_guide(tmp_path: Path) -> Path:
    """The example with all of the guide's blocks in place of its own follow-up."""
    example = (ROOT / "config.example.toml").read_text("utf-8")
    before, rest = example.split("[followup]\n", 1)
    after_it = rest[rest.index("[commands]") :]
    shown = [block for block in BLOCKS if block != BLOCKS[0]]
    file = tmp_path / "config.toml"
    file.write_text(before + "\n".join(shown) + after_it, "utf-8")
    return file


def test_what_the_guide_shows_is_right(tmp_path: Path) -> None:
    assert len(BLOCKS) == 7
    assert tomllib.loads(BLOCKS[0])["followup"]["channel"] == "slack"
    file = of_the_guide(tmp_path)
    assert [str(problem) for problem in check(file, SECRETS)] == []


def test_the_guides_example_of_a_clock_is_right(tmp_path: Path) -> None:
    followup = load(of_the_guide(tmp_path), SECRETS).followup
    assert followup is not None
    (team,) = followup.teams
    rome = ZoneInfo("Europe/Rome")
    opened = datetime(2026, 11, 20, 16, tzinfo=rome).astimezone(UTC)
    due, warned = (after(team.hours, opened, team.first_word * share) for share in (1, team.escalate_at))
    assert [f"{at.astimezone(rome):%A %H:%M}" for at in (due, warned)] == ["Saturday 11:00", "Saturday 10:12"]
    assert "due on Saturday at 11:00" in " ".join(GUIDE.split())
    assert "called on Saturday at 10:12" in " ".join(GUIDE.split())


def test_the_guide_names_every_key() -> None:
    structs = (FollowUpSettings, Team, Hours, RoutingRule, IncidentRules, Template, Cause)
    every = [field for struct in structs for field in struct.__struct_fields__]
    assert len(every) > 35
    assert [field for field in every if TABLES.get(field, f"`{field}`") not in GUIDE] == []


def test_the_guides_contents_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)", GUIDE, re.M)
    }
    assert set(re.findall(r"\]\(#([a-z-]+)\)", GUIDE)) <= anchors
