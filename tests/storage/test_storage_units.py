"""The pure parts of storage: locations, text, SQL for both databases."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from bot.errors import ConfigError
from bot.storage.codec import clean_text, encode, from_micros, to_micros
from bot.storage.keyring import person_by
from bot.storage.location import PostgresAt, SqliteAt, parse_location
from bot.storage.ops import add_up, delete, insert, query, update
from tests.storage.samples import NOON

LOCATIONS = {
    "sqlite:///data/afterchat.db": SqliteAt(path=Path("data/afterchat.db")),
    "sqlite:////var/lib/after%20chat.db": SqliteAt(path=Path("/var/lib/after chat.db")),
    "postgres://me:p%40ss@db.example:5433/feedback": PostgresAt(
        host="db.example", port=5433, user="me", password="p@ss", database="feedback"
    ),
    "postgresql://postgres@/db?host=/run/pg&sslmode=require": PostgresAt(
        host="/run/pg", port=None, user="postgres", password=None, database="db", ssl="require"
    ),
    "postgresql://postgres:@/db?host=/run/socket": PostgresAt(
        host="/run/socket", port=None, user="postgres", password=None, database="db"
    ),
}


@pytest.mark.parametrize(("url", "location"), LOCATIONS.items())
def test_locations(url: str, location: SqliteAt | PostgresAt) -> None:
    assert parse_location(url) == location


BROKEN = {
    "mysql://me@db/feedback": "mysql is no database",
    "afterchat.db": "is no database",
    "sqlite://afterchat.db": "sqlite:///folder/file.db",
    "sqlite:///": "sqlite:///folder/file.db",
    "sqlite:///a.db?synchronous=OFF": "takes no options",
    "sqlite:///a.db?journal_mode=DELETE;DROP": "takes no options",
    "postgresql://me@db/f?options=-c%20fsync%3Doff": "unknown option 'options'",
    "postgresql://me@db:port/f": "the port is no number",
    "postgresql://me@db/f?port=x": "the port is no number",
}


@pytest.mark.parametrize(("url", "problem"), BROKEN.items())
def test_broken_locations(url: str, problem: str) -> None:
    """Nothing in a config file becomes a pragma or an option of the driver."""
    with pytest.raises(ConfigError, match=problem.replace("?", r"\?")):
        parse_location(url)


@pytest.mark.parametrize(
    "at",
    [
        NOON,
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=NOON.tzinfo),
        datetime(2026, 3, 2, 21, 0, 0, 1, tzinfo=timezone(timedelta(hours=9))),
    ],
)
def test_times_are_exact(at: datetime) -> None:
    assert from_micros(to_micros(at)) == at


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        to_micros(datetime(2026, 3, 2))  # noqa: DTZ001


class Said(msgspec.Struct):
    text: str
    more: dict[str, list[str]] = {}


TEXTS = {
    "plain": "plain",
    "zażółć 👍": "zażółć 👍",
    "a\0b\0": "ab",
    "\udcff\ud800x": "\ufffd\ufffdx",
    "\\u0000": "\\u0000",
}


@pytest.mark.parametrize(("text", "kept"), TEXTS.items())
def test_text_is_cleaned_alike_everywhere(text: str, kept: str) -> None:
    assert clean_text(text) == kept
    said = Said(text=text, more={text: [text]})
    assert msgspec.json.decode(encode(said), type=Said) == Said(text=kept, more={kept: [kept]})


def test_people_have_other_names_under_other_keys() -> None:
    one, other = person_by(b"one"), person_by(b"other")
    assert one("c1") == one("c1")
    assert len({one("c1"), one("c2"), other("c1")}) == 3
    assert all(len(person("c1")) == 32 for person in (one, other))


def test_a_query_is_said_for_one_row_and_for_many() -> None:
    q = query("SELECT a.x FROM a WHERE a.id = :id AND a.at > :at AND :id <> 'b::c'", "id at:bigint")
    assert q.sqlite == "SELECT a.x FROM a WHERE a.id = ?1 AND a.at > ?2 AND ?1 <> 'b::c'"
    assert q.postgres == "SELECT a.x FROM a WHERE a.id = $1::text AND a.at > $2::bigint AND $1::text <> 'b::c'"
    assert q.batch == (
        "SELECT b.n_, q.* FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS b(id, at, n_) "
        "CROSS JOIN LATERAL (SELECT a.x FROM a WHERE a.id = b.id AND a.at > b.at AND b.id <> 'b::c') q"
    )
    assert query("UPDATE a SET x = :x RETURNING x", "x", changes=True).batch == ""


def test_changes_are_said_for_one_row_and_for_many() -> None:
    put = insert("due", "key at:bigint", key="key", conflict="DO UPDATE SET at = excluded.at")
    assert put.sqlite == "INSERT INTO due (key, at) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET at = excluded.at"
    assert put.batch == (
        "INSERT INTO due (key, at) SELECT b.key, b.at "
        "FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS b(key, at, n_) ORDER BY b.key "
        "ON CONFLICT (key) DO UPDATE SET at = excluded.at"
    )
    change = update("a", "id was:bigint", change="turn = :was + 1", where="t.id = :id AND t.turn = :was", key="id")
    assert change.sqlite == "UPDATE a AS t SET turn = ?2 + 1 WHERE t.id = ?1 AND t.turn = ?2"
    assert change.batch == (
        "UPDATE a AS t SET turn = b.was + 1 FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS b(id, was, n_) "
        "WHERE t.id = b.id AND t.turn = b.was RETURNING b.n_"
    )
    assert delete("a", "id", where="t.id = :id", key="id").sqlite == "DELETE FROM a AS t WHERE t.id = ?1"
    total = add_up("c", "k n:bigint", key="k", column="n")
    assert total.batch.endswith("GROUP BY b.k ORDER BY b.k ON CONFLICT (k) DO UPDATE SET n = c.n + excluded.n")
