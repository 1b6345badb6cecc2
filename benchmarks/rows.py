"""Whether a measured bot did its work: every customer received what was due, and every row is there, once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from benchmarks.databases import Database, as_counts
from benchmarks.services import Mailbox, Services
from benchmarks.survey import QUESTION, THANKS, WHY, chat_of, comment_of, is_unhappy, score_of


class Queries(msgspec.Struct, frozen=True, kw_only=True):
    """Where a bot keeps what is checked, as SQL that both databases read."""

    #: (score, n) of the ratings
    scores: str
    #: (chat, words) of the comments
    comments: str
    #: (score, n) of the cases
    cases: str
    #: (score, n) of what reports read; None where a bot keeps none
    counts: str | None = None
    #: (n,) of what should not be there at the end; None where there is nothing of the kind
    left: str | None = None


BARE = Queries(
    scores="SELECT score, count(*) FROM answer WHERE question = 'score' GROUP BY score",
    comments="SELECT chat, comment FROM answer WHERE question = 'why'",
    cases="SELECT score, count(*) FROM followup_case GROUP BY score",
)
AFTERCHAT = Queries(
    scores="SELECT score, count(*) FROM answer WHERE question = 'score' GROUP BY score",
    comments="SELECT c.address_key, w.text FROM answer a JOIN conversation c ON c.id = a.conversation"
    " JOIN words w ON w.id = a.words WHERE a.question = 'why' AND c.status = 'completed'",
    cases="SELECT score, count(*) FROM followup_case WHERE state = 'open' GROUP BY score",
    counts="SELECT score, sum(n) FROM score_count WHERE dimension = 'all' AND question = 'score' GROUP BY score",
    left="SELECT count(*) FROM outbox WHERE state <> 'sent' OR attempts > 1",
)


async def wrong_rows(database: Database, queries: Queries, customers: int) -> list[str]:
    """What the database should hold after so many customers and does not, one line each."""
    scores = dict(Counter(score_of(n) for n in range(customers)))
    cases = dict(Counter(score_of(n) for n in range(customers) if is_unhappy(n)))
    comments = {chat_of(n): comment_of(n) for n in range(customers)}
    kept = await database.rows(queries.comments)
    problems = [
        _differs("answers by score", as_counts(await database.rows(queries.scores)), scores),
        _differs("cases by score", as_counts(await database.rows(queries.cases)), cases),
        _differs("comments", len(kept), customers),
        _differs("comments by customer", {int(chat): text for chat, text in kept}, comments),
    ]
    if queries.counts:
        problems.append(_differs("counts by score", as_counts(await database.rows(queries.counts)), scores))
    if queries.left:
        problems.append(_differs("messages not sent at once", await database.rows(queries.left), [(0,)]))
    return [problem for problem in problems if problem]


def wrong_messages(services: Services, customers: int, *, edits: bool) -> list[str]:
    """What customers and agents received otherwise than they should. ``edits``: the answered question is changed."""
    alerts = {n: 1 for n in range(customers) if is_unhappy(n)}
    problems = [
        _differs("unexpected requests", services.surprises, []),
        _differs("alerts by customer", dict(services.alerts), alerts),
        _differs("customers who heard of us", set(services.mailboxes), set(range(customers))),
    ]
    return [problem for problem in problems if problem] + _wrong_mailboxes(services.mailboxes, edits=edits)


def _wrong_mailboxes(mailboxes: Mapping[int, Mailbox], *, edits: bool) -> list[str]:
    wrong = [
        f"customer {customer}: {box.texts}, {box.answered} taps answered, edits {box.edits}"
        for customer, box in mailboxes.items()
        if not (_begin(box.texts, [QUESTION, WHY, THANKS]) and box.answered == 1 and _shows(box, customer, edits))
    ]
    return [f"{len(wrong)} customers received something else, such as {wrong[0]}"] if wrong else []


def _begin(texts: Sequence[str], wanted: Sequence[str]) -> bool:
    # a bot may add how to answer
    return len(texts) == len(wanted) and all(map(str.startswith, texts, wanted))


def _shows(box: Mailbox, customer: int, edits: bool) -> bool:
    """Whether the question was changed once, to show the answer, or never."""
    if not edits:
        return not box.edits
    # words that were answered may lose how to answer them
    expected = [QUESTION, WHY][: max(1, len(box.edits))]
    return _begin(box.edits, expected) and box.edits[0].endswith(f"{score_of(customer)}/10")


def _differs(what: str, found: Any, wanted: Any) -> str:
    return "" if found == wanted else f"{what}: {_brief(found)} and not {_brief(wanted)}"


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 300 else f"{text[:300]}… ({len(value)})"
