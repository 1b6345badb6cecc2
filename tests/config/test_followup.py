"""Reading [followup]: what is written in more than one way, what is left out, and what is right after all."""

from datetime import date, time, timedelta
from pathlib import Path

import pytest

from bot.config import FollowUpSettings, check, load, secrets_named
from bot.followup.clocks import Hours, Team
from bot.followup.incidents import IncidentRules
from bot.languages.voice import Voice

SECRETS = {"TELEGRAM_TOKEN": "123:abc", "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
HEAD = """
company = "Lotus Home"
[asking]
time_zone = "Asia/Ho_Chi_Minh"
[channels.telegram]
kind = "telegram"
token = { env = "TELEGRAM_TOKEN" }
[channels.slack]
kind = "slack"
bot_token = { env = "SLACK_BOT_TOKEN" }
app_token = { env = "SLACK_APP_TOKEN" }
"""
FLOWS = """
[[flow]]
id = "csat"
languages = ["en", "vi"]
attributes = ["branch"]
title = { en = "Chat", vi = "Trò chuyện" }
[[flow.question]]
id = "score"
type = "csat5"
text = { en = "How?", vi = "Thế nào?" }
[[flow]]
id = "nps"
languages = ["en"]
title = "Delivery"
case_at_most = 7
[[flow.question]]
id = "score"
type = "nps"
text = "How likely?"
"""
DESK = '[followup]\nchannel = "slack"\nroom = "#support"\n'


def told(tmp_path: Path, more: str, flows: str = FLOWS) -> list[str]:
    """The problems of a file with this in [followup]."""
    file = tmp_path / "config.toml"
    file.write_text(HEAD + flows + DESK + more, "utf-8")
    return [str(problem) for problem in check(file, SECRETS)]


def settings(tmp_path: Path, more: str) -> FollowUpSettings:
    assert told(tmp_path, more) == []
    followup = load(tmp_path / "config.toml", SECRETS).followup
    assert followup is not None
    return followup


def team(tmp_path: Path, more: str) -> Team:
    (only,) = settings(tmp_path, f"[followup.teams.care]\n{more}").teams
    return only


# ---- teams -------------------------------------------------------------------------------------------------


def test_without_teams_there_is_one_that_works_around_the_clock(tmp_path: Path) -> None:
    followup = settings(tmp_path, "")
    assert followup.teams == (Team(name="support", hours=Hours(time_zone="Asia/Ho_Chi_Minh")),)
    assert followup.team == "support"


def test_the_only_team_need_not_be_named_twice(tmp_path: Path) -> None:
    followup = settings(tmp_path, '[followup.teams.care]\ntime_zone = "Europe/Rome"\n')
    assert followup.team == "care"
    assert followup.teams == (Team(name="care", hours=Hours(time_zone="Europe/Rome")),)


NINE_TO_FIVE = ((time(9), time(17)),)


@pytest.mark.parametrize(
    ("written", "week"),
    [
        pytest.param(
            'hours.mon-fri = "09:00-17:00"\n', (*(NINE_TO_FIVE,) * 5, (), ()), id="a row of days, in one text"
        ),
        pytest.param(
            'hours.sun-tue = "09:00-17:00"\n',
            (NINE_TO_FIVE, NINE_TO_FIVE, (), (), (), (), NINE_TO_FIVE),
            id="a row over the weekend",
        ),
        pytest.param('hours = { mon-sun = ["09:00-17:00"] }\n', (NINE_TO_FIVE,) * 7, id="an inline table, in a list"),
        pytest.param(
            'hours.tue = ["14:00-18:00", "09:00 – 14:00"]\nhours.wed = []\n',
            ((), ((time(9), time(14)), (time(14), time(18))), (), (), (), (), ()),
            id="spans in any order, that touch, and a day off",
        ),
        pytest.param(
            '[followup.teams.care.hours]\nsun = "00:00-24:00"\n',
            ((), (), (), (), (), (), ((time(0), time.max),)),
            id="a whole day",
        ),
    ],
)
def test_hours(tmp_path: Path, written: str, week: tuple[tuple[tuple[time, time], ...], ...]) -> None:
    assert team(tmp_path, written).hours.week == week


def test_holidays_are_dates_in_quotes_or_without(tmp_path: Path) -> None:
    holidays = team(tmp_path, 'hours.mon = "09:00-17:00"\nholidays = [2026-12-25, "2026-12-26"]\n').hours.holidays
    assert holidays == {date(2026, 12, 25), date(2026, 12, 26)}


@pytest.mark.parametrize(("written", "share"), [("0.8", 0.8), ('"80%"', 0.8), ('"75 %"', 0.75), ("1", 1.0)])
def test_a_share_of_a_clock(tmp_path: Path, written: str, share: float) -> None:
    assert team(tmp_path, f"escalate_at = {written}\n").escalate_at == share


def test_clocks_lead_and_room(tmp_path: Path) -> None:
    written = 'first_word = "30m"\nresolved = "24h"\nlead = "S0614TZR7"\nroom = "C024BE91L"\n'
    found = team(tmp_path, written)
    assert (found.first_word, found.resolved) == (timedelta(minutes=30), timedelta(hours=24))
    assert (found.lead, found.room) == ("S0614TZR7", "C024BE91L")


# ---- limits and incidents ------------------------------------------------------------------------------------


def test_limits_that_are_left_out_keep_their_default(tmp_path: Path) -> None:
    limits = settings(tmp_path, "case_at_most = { csat5 = 3 }\n").case_at_most
    assert limits == {"nps": 6, "csat5": 3, "csat10": 4, "ces7": 3, "thumbs": 0}


def test_recovery(tmp_path: Path) -> None:
    followup = settings(tmp_path, 'recovery_after = "0s"\nrecovery_expires = "7d"\n')
    assert (followup.recovery_after, followup.recovery_expires) == (timedelta(0), timedelta(days=7))


def test_incidents_may_be_switched_off_one_by_one(tmp_path: Path) -> None:
    rules = settings(tmp_path, '[followup.incidents]\nwindow = "30m"\ncause = 0\nchannel = 20\n').incidents
    assert rules == IncidentRules(window=timedelta(minutes=30), cause=0, channel=20)


# ---- rules -----------------------------------------------------------------------------------------------------


def rule(id: str, asks: str, does: str = 'priority = "high"') -> str:
    return f'[[followup.rule]]\nid = "{id}"\n{asks}\n{does}\n'


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(rule("all", "", 'group = "S0614TZR7"'), id="one for all that is left"),
        pytest.param(rule("low", 'flows = ["nps"]\nscore_at_most = 3'), id="one flow, so one scale"),
        pytest.param(rule("low", 'scale = "csat5"\nscore_at_most = 1'), id="a scale, so its flows"),
        pytest.param(rule("seven", 'flows = ["nps"]\nscore_at_least = 7'), id="a flow's own case_at_most"),
        pytest.param(
            rule("happy", 'scale = "nps"\nscore_at_least = 9') + rule("money", 'words = ["refund"]', "opens = true"),
            id="happy scores where another rule opens cases for them",
        ),
        pytest.param(
            rule("happy", 'scale = "nps"\nscore_at_least = 9', "opens = true"), id="happy scores that it opens itself"
        ),
        pytest.param(
            rule("wide", 'flows = ["nps"]') + rule("money", 'words = ["refund"]', "opens = true"),
            id="below a wider one, but it opens cases",
        ),
        pytest.param(rule("asia", 'languages = ["vi"]\nchannels = ["telegram"]\ntags = ["x"]\nvip = false'), id="more"),
    ],
)
def test_rules_that_are_right(tmp_path: Path, written: str) -> None:
    assert len(settings(tmp_path, written).rules) == written.count("[[")


def test_a_rule_speaks_of_all_kinds_of_a_language(tmp_path: Path) -> None:
    british = FLOWS.replace('"en"', '"en-GB"').replace("{ en =", "{ en-GB =")
    assert told(tmp_path, rule("english", 'languages = ["en"]'), british) == []


def test_a_rule_that_is_wrong_itself_hides_nobody(tmp_path: Path) -> None:
    """What is left of a rule without its mistakes may well match everything."""
    (problem,) = told(tmp_path, rule("wrong", 'scale = "npx"') + rule("right", 'flows = ["nps"]'))
    assert "there is no scale 'npx'" in problem


def test_what_a_broken_flow_lacks_is_not_told_of_rules_and_templates(tmp_path: Path) -> None:
    broken = FLOWS.replace('languages = ["en"]', 'languages = ["english"]').replace('type = "nps"', 'type = "npx"')
    template = '[[followup.template]]\nid = "a"\nkind = "fix"\ntitle = "A"\ntext.it = "A"\n'
    more = rule("low", 'flows = ["nps"]\nscore_at_most = 3\nlanguages = ["it"]') + template
    problems = told(tmp_path, more, broken)
    assert problems
    assert [problem for problem in problems if " followup" in problem] == []


# ---- templates -------------------------------------------------------------------------------------------------


def test_templates_know_the_customer_the_agent_and_what_interactions_carry(tmp_path: Path) -> None:
    names = ("customer", "agent", "company", "order", "reference", "product", "team", "tag", "branch")
    text = " ".join(f"{{{name}|{name}}}" for name in names)
    followup = settings(
        tmp_path,
        f'[[followup.template]]\nid = "all"\nkind = "policy"\ntitle = "All"\ntext.en = "{text}"\ntext.vi = "{text}"\n',
    )
    assert followup.templates[0].text == {"en": text, "vi": text}


# ---- secrets of a mode that is not in use ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "now"),
    [
        pytest.param(
            'app_token = { env = "SLACK_APP_TOKEN" }',
            'app_token = { env = "SLACK_APP_TOKEN" }\nsigning_secret = { env = "NOWHERE" }',
            id="Slack over Socket Mode",
        ),
        pytest.param(
            'app_token = { env = "SLACK_APP_TOKEN" }',
            'mode = "http"\napp_token = { env = "NOWHERE" }\nsigning_secret = { env = "SLACK_APP_TOKEN" }',
            id="Slack over HTTP",
        ),
        pytest.param(
            'token = { env = "TELEGRAM_TOKEN" }',
            'token = { env = "TELEGRAM_TOKEN" }\nwebhook_secret = { env = "NOWHERE" }',
            id="Telegram by polling",
        ),
        pytest.param(
            'token = { env = "TELEGRAM_TOKEN" }',
            'token = { env = "TELEGRAM_TOKEN" }\nmode = "webhook"\napi_url = "http://127.0.0.1:8081"\n'
            'webhook_secret = { env = "SLACK_APP_TOKEN" }',
            id="a Bot API server of one's own, which reaches this computer",
        ),
    ],
)
def test_a_secret_is_wanted_only_where_its_mode_is_in_use(tmp_path: Path, was: str, now: str) -> None:
    assert was in HEAD
    file = tmp_path / "config.toml"
    simple = (
        '[[flow]]\nid = "f"\nlanguages = ["en"]\ntitle = "T"\n[[flow.question]]\nid = "q"\ntype = "nps"\ntext = "?"\n'
    )
    file.write_text(HEAD.replace(was, now, 1) + simple)
    assert check(file, SECRETS) == []
    assert "NOWHERE" not in {secret.variable for secret in secrets_named(file)}


OWN_ANSWER = """
[[followup.template]]
id = "hello"
kind = "policy"
title = "Hello"
text = { en = "Hello.", vi = "Xin chào." }
"""
# label: what stands in [followup], how many ready answers agents have
READY: dict[str, tuple[str, int]] = {
    "nothing": ("", 7),
    "the built-in ones": ("built_in_templates = true", 7),
    "none": ("built_in_templates = false", 0),
    "only one's own": (OWN_ANSWER, 1),
    "one's own, and none beside": (f"built_in_templates = false\n{OWN_ANSWER}", 1),
}


@pytest.mark.parametrize(("more", "count"), READY.values(), ids=READY)
def test_the_ready_answers(more: str, count: int, tmp_path: Path) -> None:
    assert len(settings(tmp_path, more).ready_answers(Voice("en"))) == count


def test_a_switch_is_true_or_false(tmp_path: Path) -> None:
    (problem,) = told(tmp_path, 'built_in_templates = "no"')
    assert "followup.built_in_templates" in problem
