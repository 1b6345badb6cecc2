"""Reading config.toml: the example, its defaults, the environment, the sandbox, and files that are no text."""

import re
from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.config import (
    AskingSettings,
    DeliverySettings,
    FlowAsking,
    FollowUpSettings,
    OpsSettings,
    PageSettings,
    SandboxSettings,
    ServerSettings,
    SlackSettings,
    StorageSettings,
    TelegramSettings,
    TriggerSettings,
    WebchatSettings,
    WebhookChatSettings,
    check,
    load,
    sandbox_changes,
    secrets_named,
)
from bot.errors import ConfigError
from bot.followup.clocks import Hours, Team
from bot.followup.incidents import IncidentRules
from bot.followup.routing import RoutingRule, Signals, opening
from bot.followup.templates import Cause, Template
from bot.messages import ChannelName

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
SECRETS = {
    "AFTERCHAT_API_KEYS": "key-of-the-shop-1, key-of-the-shop-2",
    "TELEGRAM_TOKEN": " 123:abc\n",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "WEBCHAT_SECRET": "0123456789abcdef",
}
SMALL = """
company = "Lotus Home"
[channels.web]
kind = "webchat"
secret = { env = "WEBCHAT_SECRET" }
[[flow]]
id = "csat"
languages = ["en"]
title = "Chat"
[[flow.question]]
id = "score"
type = "csat5"
text = "How was it?"
"""


def told(tmp_path: Path, text: str | bytes, environ: dict[str, str] | None = None) -> list[str]:
    file = tmp_path / "config.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [str(problem) for problem in check(file, SECRETS if environ is None else environ)]


# ---- the example -----------------------------------------------------------------------------------------


def test_the_example_is_right() -> None:
    assert check(EXAMPLE, SECRETS) == []


def test_without_its_secrets_the_example_names_each_of_them() -> None:
    problems = [str(problem) for problem in check(EXAMPLE, {})]
    assert len(problems) == len(SECRETS)
    for name, problem in zip(SECRETS, problems, strict=True):
        assert f"{name} is not set in the environment" in problem
    assert [secret.variable for secret in secrets_named(EXAMPLE)] == list(SECRETS)
    assert ("telegram", "token") in {(secret.kind, secret.key) for secret in secrets_named(EXAMPLE)}


def test_the_example_shows_the_defaults() -> None:
    shown = load(EXAMPLE, SECRETS)
    assert shown.asking == AskingSettings(time_zone="Europe/Rome")
    assert shown.delivery == DeliverySettings()
    assert shown.storage == StorageSettings()
    assert shown.server == ServerSettings(api_keys=("key-of-the-shop-1", "key-of-the-shop-2"))
    assert shown.followup is not None
    asked = FollowUpSettings(channel=ChannelName("slack"), room="#support-recovery")
    own = ("teams", "rules", "templates", "causes")
    assert replace(shown.followup, **{field: getattr(asked, field) for field in own}) == asked
    (team,) = shown.followup.teams
    assert replace(team, hours=Hours()) == Team(name="support")
    assert shown.flow_asking == {"support_csat": FlowAsking()}
    telegram, slack, web, page = shown.channels
    assert telegram == TelegramSettings(name=ChannelName("telegram"), token="123:abc")
    assert slack == SlackSettings(name=ChannelName("slack"), bot_token="xoxb-1", app_token="xapp-1")
    assert isinstance(web, WebchatSettings)
    assert web.title["vi"] == "Lotus Home xin chào quý khách"
    assert page == PageSettings(name=ChannelName("page"))


#: what a table of the file is called, where it is not called as the settings have it
TABLES = {
    "teams": r"\[followup\.teams\.support\]",
    "rules": r"\[\[followup\.rule\]\]",
    "incidents": r"\[followup\.incidents\]",
    "templates": r"\[\[followup\.template\]\]",
    "causes": r"\[\[followup\.cause\]\]",
    "week": r"hours\.mon-fri =",
    "fields": r"(# )?fields\.reference =",
}


def test_the_example_shows_every_key() -> None:
    """A key that someone adds to the settings must be added to the example, too."""
    text = EXAMPLE.read_text("utf-8")
    every = [
        field
        for struct in (
            ServerSettings,
            StorageSettings,
            TelegramSettings,
            SlackSettings,
            WebchatSettings,
            WebhookChatSettings,
            PageSettings,
            AskingSettings,
            FlowAsking,
            FollowUpSettings,
            Team,
            Hours,
            RoutingRule,
            IncidentRules,
            Template,
            Cause,
            DeliverySettings,
            OpsSettings,
            SandboxSettings,
            TriggerSettings,
        )
        for field in struct.__struct_fields__
        if field not in ("name", "hours")
    ]
    assert len(every) > 80
    shown = [TABLES.get(field, rf"(# )?{field}( =|\.en =)") for field in every]
    assert [key for key in shown if not re.search(rf"^ *{key}", text, re.MULTILINE)] == []


def test_the_example_gives_agents_what_they_need_at_hand() -> None:
    followup = load(EXAMPLE, SECRETS).followup
    assert followup is not None
    kinds = [template.kind for template in followup.templates]
    assert [kinds.count(kind) for kind in ("apology", "fix", "policy")] == [2, 2, 3]
    assert len(followup.causes) == 6
    for template in followup.templates:
        assert tuple(template.text) == ("en", "vi", "it", "pl")
        assert len(set(template.text.values())) == 4


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("I want a REFUND!", "money_back"),
        ("Tôi muốn được hoàn tiền.", "money_back"),
        ("Vorrei un rimborso", "money_back"),
        ("Proszę o zwrot pieniędzy", "money_back"),
        ("too slow", None),
    ],
)
def test_the_examples_rules_hear_the_four_languages(said: str, rule: str | None) -> None:
    followup = load(EXAMPLE, SECRETS).followup
    assert followup is not None
    signals = Signals(flow="support_csat", channel="telegram", language="en", scale="csat5", score=5, words=said)
    found = opening(followup.rules, signals)
    assert (found and found.id) == rule


def test_the_example_speaks_its_four_languages_everywhere() -> None:
    for pinned in load(EXAMPLE, SECRETS).flows:
        flow = pinned.flow
        assert flow.locales == ("en", "vi", "it", "pl")
        for question in flow.questions:
            assert tuple(question.text) == flow.locales
            assert len(set(question.text.values())) == 4
        for texts in (flow.thanks.good, flow.thanks.middling, flow.thanks.poor, flow.thanks.otherwise):
            assert tuple(texts) == flow.locales


# ---- the environment ---------------------------------------------------------------------------------------


def test_a_default_stands_in_for_a_variable_that_is_not_set(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(SMALL + '[storage]\nurl = { env = "DB", default = "sqlite:///a.db" }\n')
    assert load(file, SECRETS).storage.url == "sqlite:///a.db"
    assert load(file, {**SECRETS, "DB": "postgresql://me:pw@host/db"}).storage.url == "postgresql://me:pw@host/db"


def test_a_channel_that_is_off_needs_no_secrets_and_is_left_out(tmp_path: Path) -> None:
    off = '[channels.telegram]\nkind = "telegram"\nenabled = false\ntoken = { env = "NOWHERE" }\n'
    file = tmp_path / "config.toml"
    file.write_text(SMALL + off)
    assert check(file, SECRETS) == []
    assert [channel.name for channel in load(file, SECRETS).channels] == ["web"]
    assert [secret.variable for secret in secrets_named(file)] == ["WEBCHAT_SECRET"]


def test_the_webhooks_secrets_are_a_list(tmp_path: Path) -> None:
    pair = '[channels.site]\nkind = "webhook"\nurl = "https://chat.example/in/"\nsecrets = { env = "HOOK" }\n'
    file = tmp_path / "config.toml"
    file.write_text(SMALL + pair)
    secret = "whsec_" + "QUJD" * 8
    site = load(file, {**SECRETS, "HOOK": f"{secret}, {secret[:-4]}QUJE"}).channels[1]
    assert isinstance(site, WebhookChatSettings)
    assert site.secrets == (secret, f"{secret[:-4]}QUJE")
    assert site.url == "https://chat.example/in"


# ---- the sandbox -------------------------------------------------------------------------------------------


def test_the_sandbox_block_counts_in_the_sandbox_only() -> None:
    real, here = load(EXAMPLE, SECRETS), load(EXAMPLE, SECRETS, sandbox=True)
    assert real.asking.delay == timedelta(minutes=10)
    assert here.asking.delay == timedelta(seconds=1)
    assert here.asking.quiet_from == here.asking.quiet_until == time(0)
    assert here.asking.cool_down == here.asking.cool_down_nps == timedelta(0)
    assert here.followup is not None
    assert here.followup.hold == timedelta(seconds=1)
    assert here.followup.recovery_after == timedelta(seconds=1)
    assert [any(team.hours.week) for team in here.followup.teams] == [False]
    assert here.followup.teams[0].hours.time_zone == "Europe/Rome"
    assert here.flows == real.flows


def test_the_page_can_say_what_the_sandbox_changes() -> None:
    changes = sandbox_changes(load(EXAMPLE, SECRETS), load(EXAMPLE, SECRETS, sandbox=True))
    assert changes == (
        ("Asked after a chat ends", "10 minutes", "1 second"),
        ("Quiet hours", "21:00 to 08:00", "none"),
        ("Between two surveys", "7 days", "no time at all"),
        ("Between two NPS surveys", "90 days", "no time at all"),
        ("Asked after chats of", "3 messages or more", "any length"),
        ("Alert waits for the comment", "90 seconds", "1 second"),
        ("Asked whether it is fixed", "1 day later", "1 second later"),
        ("Business hours", "each team's own", "around the clock"),
    )


def test_the_sandbox_relaxes_what_is_a_flows_own(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    own = 'delay = "30m"\nmin_messages = 8\ncool_down = "60d"\nsample = "12.5%"\nvip = "never"'
    relaxed = '[sandbox]\ndelay = "1s"\ncool_down = false\nmin_messages = 0\nsample = false\n'
    file.write_text(with_asking(own) + relaxed)
    real, here = load(file, SECRETS), load(file, SECRETS, sandbox=True)
    rules = here.asking_rules(here.flows[0].flow)
    assert (rules.delay, rules.cool_down_flow, rules.min_messages) == (timedelta(seconds=1), timedelta(0), 0)
    assert (rules.sample, rules.vip) == (1.0, "never")
    assert [change for change in sandbox_changes(real, here) if change.what.startswith("csat")] == [
        ("csat: asked after", "30 minutes", "1 second"),
        ("csat: asked after chats of", "8 messages or more", "any length"),
        ("csat: between two surveys", "60 days", "no time at all"),
        ("csat: asked of", "12.5 %", "100 %"),
    ]


def test_a_sandbox_that_says_nothing_of_it_leaves_a_flow_its_own(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(with_asking('delay = "30m"\nmin_messages = 8\nsample = "10%"') + "[sandbox]\n")
    assert load(file, SECRETS, sandbox=True) == load(file, SECRETS)


def test_in_the_sandbox_all_alerts_go_to_one_room(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    example = EXAMPLE.read_text("utf-8")
    file.write_text(example.replace('# room = "#delivery-recovery"', 'room = "#delivery-recovery"'))
    real, here = load(file, SECRETS), load(file, SECRETS, sandbox=True)
    rooms = ("Rooms for alerts", "#support-recovery, #delivery-recovery", "#support-recovery")
    assert rooms in sandbox_changes(real, here)
    assert here.followup is not None
    assert {rule.room for rule in here.followup.rules} == {""}


def test_the_example_needs_one_room() -> None:
    """Who copies it would else have alerts that wait for a room that nobody knows of."""
    followup = load(EXAMPLE, SECRETS).followup
    assert followup is not None
    assert {rule.room for rule in followup.rules} == {""}
    assert {team.room for team in followup.teams} == {""}


def test_without_a_sandbox_block_all_is_shortened_as_in_the_example(tmp_path: Path) -> None:
    """Who tries a flow of their own would else wait for ten minutes, and at night for the morning."""
    file = tmp_path / "config.toml"
    text = re.sub(r"\n\[sandbox\]\n(?:[^\n]+\n)+", "\n", EXAMPLE.read_text("utf-8"))
    assert "[sandbox]" not in text
    file.write_text(text)
    real, here = load(file, SECRETS), load(file, SECRETS, sandbox=True)
    assert here == load(EXAMPLE, SECRETS, sandbox=True)
    assert real.asking == load(EXAMPLE, SECRETS).asking
    file.write_text(SMALL)
    changes = dict(change[::2] for change in sandbox_changes(load(file, SECRETS), load(file, SECRETS, sandbox=True)))
    assert (changes["Asked after a chat ends"], changes["Quiet hours"]) == ("1 second", "none")


def test_an_empty_sandbox_block_leaves_all_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"{SMALL}\n[sandbox]\n")
    assert sandbox_changes(load(file, SECRETS), load(file, SECRETS, sandbox=True)) == ()


# ---- when to ask -------------------------------------------------------------------------------------------


def with_asking(own: str) -> str:
    """A file whose one flow has these keys of its own."""
    return SMALL.replace("[[flow.question]]", f"[flow.asking]\n{own}\n[[flow.question]]")


WRITTEN = {
    "nothing": ("", FlowAsking()),
    "a part of all": ('sample = "25%"', FlowAsking(sample=0.25)),
    "less than one of a hundred": ('sample = "0.5 %"', FlowAsking(sample=0.005)),
    "all": ('sample = "100%"', FlowAsking()),
    "its own spans": (
        'delay = "1h"\ncool_down = "30d"\nmin_messages = 0',
        FlowAsking(delay=timedelta(hours=1), cool_down=timedelta(days=30), min_messages=0),
    ),
    "only some": (
        'channels = ["web"]\nlanguages = ["en"]\ntags = ["a", "b"]\nwithout_tags = ["c"]\nvip = "only"',
        FlowAsking(channels=("web",), languages=("en",), tags=("a", "b"), without_tags=("c",), vip="only"),
    ),
    "no important ones": ('vip = "never"', FlowAsking(vip="never")),
}


@pytest.mark.parametrize(("own", "meant"), WRITTEN.values(), ids=WRITTEN)
def test_a_flow_has_its_own_rules_of_asking(own: str, meant: FlowAsking, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(with_asking(own))
    settings = load(file, SECRETS)
    assert settings.flow_asking == {"csat": meant}
    file.write_text(SMALL)
    # whoever is asked less often is asked the same: reports go on counting
    assert [each.hash for each in load(file, SECRETS).flows] == [each.hash for each in settings.flows]


ASKING = {
    "a reminder": ('reminder = "24h"', AskingSettings(reminder=timedelta(days=1))),
    "none": ('reminder = "off"', AskingSettings()),
    "everybody": (
        "min_messages = 0\nhuman_answered = false\nagent_started = true",
        AskingSettings(min_messages=0, human_answered=False, agent_started=True),
    ),
    "late": ('late_at_most = "1d"', AskingSettings(late_at_most=timedelta(days=1))),
    "nobody is named": (
        "anonymous = true\ndecline_buttons = false",
        AskingSettings(anonymous=True, decline_buttons=False),
    ),
    "dropped at night": ('defer_at_most = "0s"', AskingSettings(defer_at_most=timedelta(0))),
    "put off for just one night": ('defer_at_most = "11h"', AskingSettings(defer_at_most=timedelta(hours=11))),
    "no night": (
        'quiet_from = "00:00"\nquiet_until = "00:00"\ndefer_at_most = "5m"',
        AskingSettings(quiet_from=time(0), quiet_until=time(0), defer_at_most=timedelta(minutes=5)),
    ),
    "no cool-down for NPS but the one for all": ('cool_down_nps = "0s"', AskingSettings(cool_down_nps=timedelta(0))),
}


@pytest.mark.parametrize(("keys", "meant"), ASKING.values(), ids=ASKING)
def test_what_holds_for_all_flows(keys: str, meant: AskingSettings, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"{SMALL}\n[asking]\n{keys}\n")
    assert load(file, SECRETS).asking == meant


def test_a_bots_name_is_read(tmp_path: Path) -> None:
    telegram = (
        '[channels.telegram]\nkind = "telegram"\ntoken = { env = "TELEGRAM_TOKEN" }\nusername = "lotus_home_bot"\n'
    )
    file = tmp_path / "config.toml"
    file.write_text(SMALL.replace("[[flow]]", f"{telegram}[[flow]]"))
    (bot,) = (each for each in load(file, SECRETS).channels if isinstance(each, TelegramSettings))
    assert bot.username == "lotus_home_bot"


# ---- files ---------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert [str(each) for each in check(tmp_path / "config.toml", {})] == [
        "config.toml:1: cannot be read: No such file or directory"
    ]
    with pytest.raises(ConfigError, match=r"cannot be read"):
        load(tmp_path / "config.toml", {})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert [str(each) for each in check(tmp_path, {})] == [f"{tmp_path.name}:1: cannot be read: Is a directory"]


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    assert told(tmp_path, 'a = 1\ncompany = "Caff\u00e8"\n'.encode("latin-1")) == [
        "config.toml:2: is not UTF-8. Save it as UTF-8."
    ]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path, ends: str) -> None:
    text = (SMALL + 'colour = "blue"\n').replace("\n", ends)
    assert told(tmp_path, b"\xef\xbb\xbf" + text.encode()) == [
        "config.toml:14: flow[0].question[0].colour: there is no setting 'colour'. "
        "Known here: high, id, look, low, optional, text, text_good, text_middling, text_poor, type, when."
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("a = " + "[" * 5000, "is nested too deeply", id="brackets"),
        pytest.param("a = " + "1" * 5000, "is no TOML: exceeds the limit", id="digits"),
        pytest.param("a = 1\0", "is no TOML: ", id="NUL"),
    ],
)
def test_a_hostile_file_is_one_problem(tmp_path: Path, text: str, wanted: str) -> None:
    problems = told(tmp_path, text)
    assert len(problems) == 1
    assert wanted in problems[0]


# ---- whatever someone does to the example ------------------------------------------------------------------

LINES = EXAMPLE.read_text("utf-8").splitlines()
FRAGMENTS = st.sampled_from(
    [
        *LINES,
        "[[flow]]",
        "[[flow.question]]",
        "[flow]",
        "[channels]",
        "[channels.telegram]",
        'id = ""',
        "id = 7",
        "languages = 1",
        "text = []",
        "text.en = {}",
        "when = { not = {} }",
        "when = { all = [1] }",
        'when = { question = ["score"] }',
        'type = "choice"',
        "options = [{}, 1]",
        "options = {}",
        "channels = []",
        "flow = [1]",
        "token = { env = 1 }",
        "title = 1979-05-27",
        "port = -1",
        "delay = inf",
        "[followup]",
        "[followup.teams]",
        "[[followup.teams]]",
        "teams = 1",
        "case_at_most = []",
        "case_at_most = { nps = 99, csat = true }",
        "hours = 5",
        "hours.mon = [1]",
        'hours.mon-sun = "24:00-25:61"',
        "holidays = [2026-12-25, 2026-12-25T10:00:00, {}]",
        "holidays = 2026-12-25",
        "escalate_at = nan",
        "flows = []",
        'flows = [["support_csat"]]',
        "scale = 5",
        'scale = "thumbs"',
        "score_at_most = true",
        "[[followup.rule]]",
        "rule = {}",
        "opens = true",
        "[followup.incidents]",
        "incidents = []",
        "window = 0",
        "[[followup.template]]",
        "[[followup.cause]]",
        'kind = "sorry"',
        "]",
        '"',
        '"""',
        "= 1",
        "\u202e\U0001f600",
    ]
)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["delete", "replace", "insert"]), st.integers(0, len(LINES) - 1), FRAGMENTS),
    min_size=1,
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(changes=CHANGES)
def test_check_answers_whatever_the_file_holds(
    changes: list[tuple[str, int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = list(LINES)
    for what, at, fragment in changes:
        match what:
            case "delete":
                del lines[at % len(lines)]
            case "replace":
                lines[at % len(lines)] = fragment
            case _:
                lines.insert(at, fragment)
    file = tmp_path_factory.getbasetemp() / "changed.toml"
    file.write_text("\n".join(lines), "utf-8")
    problems = check(file, SECRETS)
    assert all(1 <= problem.line <= len(lines) and problem.wrong for problem in problems)
    assert [problem.line for problem in problems] == sorted(problem.line for problem in problems)
    if not problems:
        assert load(file, SECRETS).flows
