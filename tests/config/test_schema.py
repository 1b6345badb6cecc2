"""The schema and the reference come from the readers: neither may lie, and both must be as the readers are now."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.schema import reference_text, schema_text
from bot.config.described import left_over, undescribed
from bot.config.environment import Environment
from bot.config.hearing import heard
from bot.config.reading import read_settings
from bot.config.schema import config_schema, flows_schema
from bot.toml_journal import Unknown
from bot.toml_tables import Findings, Table

ROOT = Path(__file__).parents[2]
BROKEN = sorted((ROOT / "tests/broken_flows").glob("*.toml"))
DOUBTFUL = sorted((ROOT / "tests/doubtful_flows").glob("*.toml"))
ENVIRONMENT = {
    "AFTERCHAT_API_KEYS": "0123456789abcdef",
    "TELEGRAM_TOKEN": "123:abc",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "WEBCHAT_SECRET": "0123456789abcdef",
}
#: What a schema can see: keys, kinds, ranges and choices, each in a file of its own.
SEEN = [
    "asking_limits",
    "channel_kind_missing",
    "channel_kind_unknown",
    "channels_missing",
    "company_missing",
    "condition_band_unknown",
    "flow_asking_is_no_table",
    "flow_asking_unknown_keys",
    "flow_id",
    "followup_unknown_keys",
    "id_too_long",
    "key_of_another_question_type",
    "list_of_wrong_things",
    "look_of_another_scale",
    "look_unknown",
    "number_out_of_range",
    "option_without_id",
    "question_type_unknown",
    "rule_unknown_key",
    "secret_in_the_file",
    "secret_with_default",
    "table_instead_of_list",
    "team_unknown_key",
    "thanks_unknown",
    "time_unreadable",
    "trigger_kind_unknown",
    "unknown_block",
    "unknown_key_at_the_top",
    "unknown_key_in_a_block",
    "unknown_key_in_a_flow",
    "unknown_key_in_a_question",
    "unknown_key_like_no_other",
    "wrong_types",
]


@pytest.fixture(scope="module")
def schema() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(config_schema())


def as_json(value: object) -> Any:
    """A parsed TOML value as editors hand it to a schema: dates and times are texts there."""
    match value:
        case Mapping():
            return {key: as_json(each) for key, each in value.items()}
        case list():
            return [as_json(each) for each in value]
        case date() | time():
            return value.isoformat()
        case _:
            return value


def parsed(file: Path) -> dict[str, Any]:
    data = as_json(tomllib.loads(file.read_text("utf-8")))
    assert isinstance(data, dict)
    return data


def test_every_key_is_described_and_nothing_else() -> None:
    assert sorted(set(undescribed())) == [], "tell of them in bot/config/descriptions.toml"
    assert list(left_over()) == [], "no reader asks for these: take them out of bot/config/descriptions.toml"


def test_no_reader_asks_without_saying_for_what() -> None:
    silent = [
        (block.place, key.name)
        for block in heard().blocks.values()
        for key in block.keys.values()
        if isinstance(key.shape, Unknown)
    ]
    assert silent == [], "readers that look at a raw value say table.note(key, …) before"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param("docs/config.schema.json", schema_text, id="schema"),
        pytest.param("docs/flows.schema.json", lambda: schema_text(flows=True), id="schema of flow files"),
        pytest.param("docs/reference.md", reference_text, id="reference"),
    ],
)
def test_what_is_committed_is_up_to_date(file: str, text: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert (ROOT / file).read_text("utf-8") == text(), f"{file} is out of date: run `make schema`"


def test_the_schemas_are_schemas() -> None:
    jsonschema_rs.meta.validate(config_schema())
    jsonschema_rs.meta.validate(flows_schema())


def test_the_example_names_the_schema_and_is_valid(schema: jsonschema_rs.Validator) -> None:
    example = ROOT / "config.example.toml"
    assert example.read_text("utf-8").startswith("#:schema docs/config.schema.json\n")
    assert [error.message for error in schema.iter_errors(parsed(example))] == []


@pytest.mark.parametrize("file", [pytest.param(file, id=file.stem) for file in DOUBTFUL])
def test_what_can_be_used_is_valid(file: Path, schema: jsonschema_rs.Validator) -> None:
    assert [f"{error.instance_path}: {error.message}" for error in schema.iter_errors(parsed(file))] == []


@pytest.mark.parametrize("name", SEEN)
def test_what_a_schema_can_see_is_refused(name: str, schema: jsonschema_rs.Validator) -> None:
    assert not schema.is_valid(parsed(ROOT / f"tests/broken_flows/{name}.toml"))


def test_flow_files_have_a_schema_of_their_own() -> None:
    of_flows = jsonschema_rs.validator_for(flows_schema())
    flows = {"flow": parsed(ROOT / "config.example.toml")["flow"]}
    assert of_flows.is_valid(flows)
    assert not of_flows.is_valid({**flows, "company": "Lotus Home"})
    assert not of_flows.is_valid({})


@pytest.mark.parametrize(
    ("own", "valid"),
    [
        pytest.param({"id": "csat", "preset": "csat", "languages": ["vi", "it"]}, True, id="a preset in three lines"),
        pytest.param({"id": "csat", "preset": "cast", "languages": ["vi"]}, False, id="a preset that there is not"),
        pytest.param({"id": "b", "variant_of": "csat", "share": "50%"}, True, id="a variant"),
        pytest.param({"preset": "csat", "languages": ["vi"]}, False, id="no id"),
        pytest.param(
            {
                "id": "csat",
                "preset": "csat",
                "question": [{"id": "comment", "type": "text", "required_below": 3}],
            },
            True,
            id="a preset's comment is required",
        ),
        pytest.param(
            {
                "id": "b",
                "variant_of": "csat",
                "share": "50%",
                "question": [{"id": "visit", "type": "choice", "text": "Where?"}, {"id": "why", "type": "choices"}],
            },
            True,
            id="a variant that repeats types and has no options of its own",
        ),
        pytest.param(
            {
                "id": "own",
                "languages": ["en"],
                "title": "Own",
                "question": [
                    {"id": "score", "type": "csat5"},
                    {"id": "why", "type": "text", "text_good": "!", "text_middling": "?", "text_poor": "Oh"},
                ],
            },
            True,
            id="a text for each band and none for everybody",
        ),
    ],
)
def test_flows_that_begin_as_others(own: object, valid: bool, schema: jsonschema_rs.Validator) -> None:
    config = {"company": "Lotus", "channels": {"page": {"kind": "page"}}, "flow": [own]}
    assert schema.is_valid(config) is valid


def flow(**keys: object) -> dict[str, object]:
    return {"id": "own", "languages": ["en"], "title": "Own", "question": [{"id": "score", "type": "csat5"}], **keys}


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        pytest.param(flow(languages=["pt-PT", "zh-Hant-TW"]), flow(languages=["vn"]), id="no language of that name"),
        pytest.param(flow(languages=["vi"]), flow(languages=["nl"]), id="no pack for the language"),
        pytest.param(
            {"id": "b", "variant_of": "own", "share": "50 %"},
            {"id": "b", "variant_of": "own", "share": "0%"},
            id="a variant for nobody",
        ),
        pytest.param(
            {"id": "b", "variant_of": "own", "share": "100%"},
            {"id": "b", "variant_of": "own", "share": "150%"},
            id="a variant for more than everybody",
        ),
        pytest.param(
            flow(asking={"sample": "0.5%"}), flow(asking={"sample": "100.5%"}), id="a sample of more than all there are"
        ),
        pytest.param(flow(), flow(share="50%"), id="a share of nothing"),
        pytest.param(flow(), {"id": "b", "variant_of": "own"}, id="a variant without share"),
        pytest.param(
            flow(review={"url": "https://example.com/r"}),
            flow(review={"url": "example.com"}),
            id="no address",
        ),
        pytest.param(flow(), {"id": "own", "languages": ["en"], "title": "Own"}, id="nothing to ask"),
        pytest.param(flow(), flow(question=[{"id": "score"}]), id="a question of no type"),
        pytest.param(
            flow(question=[{"id": "mail", "type": "contact", "region": "VN"}]),
            flow(question=[{"id": "mail", "type": "contact", "region": "vn"}]),
            id="no country",
        ),
        pytest.param(
            flow(question=[{"id": "why", "type": "reasons", "options": ["speed", "price"]}]),
            flow(question=[{"id": "why", "type": "reasons", "options": ["speed", "price", "speed"]}]),
            id="a reason twice",
        ),
        pytest.param(
            flow(question=[{"id": "why", "type": "text", "text": "Why?"}]),
            flow(question=[{"id": "why", "type": "text", "text_poor": "Why?"}]),
            id="a text for some bands only",
        ),
        pytest.param(
            flow(
                question=[
                    {
                        "id": "where",
                        "type": "choice",
                        "text": "?",
                        "options": [{"id": "a", "text": "A"}, {"id": "b", "text": "B"}],
                    }
                ]
            ),
            flow(question=[{"id": "where", "type": "choice", "text": "?"}]),
            id="nothing to choose from",
        ),
    ],
)
def test_one_slip_in_a_flow_is_seen(good: object, bad: object, schema: jsonschema_rs.Validator) -> None:
    config = {"company": "Lotus", "channels": {"page": {"kind": "page"}}}
    assert [error.message for error in schema.iter_errors({**config, "flow": [good]})] == []
    assert not schema.is_valid({**config, "flow": [bad]})


@pytest.mark.parametrize(
    ("heading", "untrue"),
    [
        pytest.param("### type =", "**needed**", id="questions of presets and variants"),
        pytest.param("## At the top", "| `flow` | list of blocks | **needed**", id="flow files"),
        pytest.param("## Conditions", "| `answered` | `true` or `false` | `true`", id="answered has no default"),
        pytest.param("### type =", "for text only", id="reasons and contacts may be skipped, too"),
    ],
)
def test_the_reference_asks_for_no_more_than_the_readers(heading: str, untrue: str) -> None:
    told = [each for each in reference_text().split("\n#") if f"#{each}".startswith(heading)]
    assert told
    assert [each.partition("\n")[0] for each in told if untrue in each] == []


# ---- what the schema refuses, the readers refuse, too ------------------------------------------------------


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        yield from places(each, (*path, key))


GOOD = [parsed(ROOT / "config.example.toml"), *(parsed(file) for file in DOUBTFUL)]
#: What people put in the place of something else.
OTHER: st.SearchStrategy[Any] = st.sampled_from(
    [
        "",
        " ",
        "x",
        "csat5",
        "24h",
        "21:00",
        "50%",
        0,
        3,
        -1,
        99999,
        True,
        0.5,
        [],
        ["x"],
        ["x", "x"],
        {},
        [{}],
        {"x": "x"},
    ]
)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_schema_refuses_the_readers_refuse(data: st.DataObject, schema: jsonschema_rs.Validator) -> None:
    good = data.draw(st.sampled_from(GOOD))
    config = json.loads(json.dumps(good))
    *above, last = data.draw(st.sampled_from([path for path in places(config) if path]))
    here: Any = config
    for part in above:
        here = here[part]
    if data.draw(st.booleans()):
        here[last] = data.draw(OTHER)
    else:
        del here[last]
    if not schema.is_valid(config):
        findings = Findings()
        read_settings(Table(config, (), findings), Environment(ENVIRONMENT))
        assert len(findings) > 0
