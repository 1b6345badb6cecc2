"""The benchmark runs to its end, and would notice a bot that does not do its work."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.databases import SqliteFile
from benchmarks.figures import Figures, percentile, ratios
from benchmarks.rows import BARE, wrong_messages, wrong_rows
from benchmarks.services import Mailbox, Services
from benchmarks.survey import QUESTION, THANKS, WHY, comment_of, commented
from benchmarks.wire import Inbox, Message

ROOT = Path(__file__).resolve().parents[2]


def test_small_run_completes_with_right_rows_and_says_its_figures() -> None:
    command = [sys.executable, "-m", "benchmarks", "--surveys", "20", "--rounds", "1", "--json"]
    run = subprocess.run(
        [*command, "--only", "bare-normal", "sqlite"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    # 20 surveys after 20 of warm-up hold the scores 9, 10, then 0 to 10, then 0 to 6: 14 alerts
    wanted = (20 * 7 + 14) / 20
    found = {each["name"]: each["exchanges_per_survey"] for each in said["figures"]}
    assert found["bare-normal"] == wanted
    assert found["sqlite"] >= wanted
    assert [each["against"] for each in said["ratios"]] == ["bare aiohttp + sqlite3, NORMAL"]
    assert {"Machine", "Python", "SQLite"} <= said["facts"].keys()


# ---- what is noticed


def served(customers: int) -> Services:
    """Services that saw everything that so many customers of a bare bot should receive."""
    services = Services()
    for customer in range(customers):
        services.mailboxes[customer] = Mailbox(texts=[QUESTION, f"{WHY}\n\nIn words.", THANKS], answered=1)
        if customer % 11 <= 6:
            services.alerts[customer] += 1
    return services


def test_right_messages_are_no_problem() -> None:
    assert wrong_messages(served(12), 12, edits=False) == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda s: s.mailboxes[3].texts.append(THANKS), "1 customers received something else, such as customer 3"),
        (lambda s: s.mailboxes[3].texts.reverse(), "1 customers received something else, such as customer 3"),
        (lambda s: s.mailboxes[3].edits.append(QUESTION), "1 customers received something else, such as customer 3"),
        (lambda s: setattr(s.mailboxes[3], "answered", 0), "1 customers received something else, such as customer 3"),
        (lambda s: s.mailboxes.pop(3), "customers who heard of us"),
        (lambda s: s.mailbox(12), "customers who heard of us"),
        (lambda s: s.alerts.update([2]), "alerts by customer"),
        (lambda s: s.alerts.pop(2), "alerts by customer"),
        (lambda s: s.surprises.append("deleteMessage"), "unexpected requests"),
    ],
    ids=[
        "twice thanked",
        "another order",
        "changed for nothing",
        "tap not answered",
        "nothing heard",
        "a stranger",
        "alerted twice",
        "not alerted",
        "unknown method",
    ],
)
def test_wrong_messages_are_noticed(spoil, problem) -> None:  # type: ignore[no-untyped-def]
    services = served(12)
    spoil(services)
    assert any(each.startswith(problem) for each in wrong_messages(services, 12, edits=False))


def test_a_choice_that_is_not_shown_is_noticed() -> None:
    services = served(2)
    services.mailboxes[0].edits.append(f"{QUESTION}\n\n✓ 0/10")
    (problem,) = wrong_messages(services, 2, edits=True)
    assert problem.startswith("1 customers received something else, such as customer 1")


async def test_lost_rows_are_noticed(tmp_path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(tmp_path / "rows.db")
    connection.executescript(
        "CREATE TABLE answer (chat INTEGER, question TEXT, score INTEGER, comment TEXT);"
        "CREATE TABLE followup_case (chat INTEGER, score INTEGER);"
        "INSERT INTO answer VALUES (5000000001, 'score', 0, NULL), (5000000001, 'why', NULL, 'other words');"
    )
    connection.close()
    found = await wrong_rows(SqliteFile(tmp_path, "rows", as_url=False), BARE, 2)
    assert [problem.partition(":")[0] for problem in found] == [
        "answers by score",
        "cases by score",
        "comments",
        "comments by customer",
    ]


# ---- the parts


def test_comment_tells_its_customer_after_any_escaping() -> None:
    escaped = comment_of(7).replace("&", "&amp;").replace("<", "&lt;").encode()
    assert commented(b'{"text":"' + escaped + b'"}') == 7


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_messages_are_cut_wherever_the_network_cuts_them(size: int) -> None:
    stream = b"POST /a HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: y\r\n\r\n"
    inbox = Inbox()
    found = [message for at in range(0, len(stream), size) for message in inbox.feed(stream[at : at + size])]
    assert found == [Message([b"POST", b"/a", b"HTTP/1.1"], b"abc"), Message([b"HTTP/1.1", b"200", b"OK"], b"")]


def test_body_of_unknown_length_is_refused() -> None:
    with pytest.raises(ValueError, match="without a length"):
        Inbox().feed(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")


@pytest.mark.parametrize(("share", "wanted"), [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0), (0.001, 1.0)])
def test_percentile_is_a_value_that_was_measured(share: float, wanted: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == wanted


def test_ratios_are_to_every_bare_handler() -> None:
    def of(name: str, speed: float, cpu: float, p95: float) -> Figures:
        return Figures(
            name=name,
            title=name,
            surveys_per_second=speed,
            p50_ms=1,
            p95_ms=p95,
            p99_ms=1,
            cpu_per_1000=cpu,
            exchanges_per_survey=7,
            driver_busy=0.1,
            rounds=[speed],
        )

    found = ratios([of("a", 100, 2, 10), of("b", 50, 4, 20), of("x", 200, 1, 5)], ["a", "b"])
    assert [(each.against, each.surveys_per_second, each.cpu, each.p95) for each in found] == [
        ("a", 2, 0.5, 0.5),
        ("b", 4, 0.25, 0.25),
    ]
