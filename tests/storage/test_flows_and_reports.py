"""Flow versions and the counts that reports read, on both databases."""

from msgspec.structs import replace

from bot.conversations.flow import PinnedFlow, pin
from bot.ports import CountRow
from bot.storage import Storage
from tests.storage.samples import FLOW, NOON, answer, begin_talk, counted, later, write


def edited(title: str) -> PinnedFlow:
    return pin(replace(FLOW.flow, title={"en": title}))


async def test_the_active_set_is_replaced_and_old_versions_stay(storage: Storage) -> None:
    assert await storage.active_flows() == ()
    await begin_talk(storage)
    first, second = edited("first"), pin(replace(FLOW.flow, id="other"))
    await storage.activate_flows([first, second], NOON)
    assert await storage.active_flows() == (first, second)
    await storage.activate_flows([second], NOON)
    await storage.activate_flows([second], NOON)
    assert await storage.active_flows() == (second,)
    assert await storage.versions({FLOW.structure, "none"}) == {
        FLOW.structure: max(FLOW, first, key=lambda flow: flow.hash)
    }


async def test_counts_are_added_up_by_time_dimension_and_flow(storage: Storage) -> None:
    await write(storage, counted(9, agent="Minh"), counted(9, agent="Lan"), counted(None))
    await write(storage, counted(2, at=later(minutes=15)), counted(3), counted(3, -1))

    def row(score: int | None, n: int, dimension: str = "all", value: str = "") -> CountRow:
        return CountRow(
            flow_id="delivery",
            structure=FLOW.structure,
            question="score",
            scale="nps",
            dimension=dimension,
            value=value,
            score=score,
            n=n,
        )

    assert await storage.score_counts(None, None) == [row(None, 1), row(2, 1), row(9, 2)]
    assert await storage.score_counts(NOON, later(minutes=15)) == [row(None, 1), row(9, 2)]
    assert await storage.score_counts(later(minutes=15), None) == [row(2, 1)]
    assert await storage.score_counts(None, None, dimension="agent", flow="delivery") == [
        row(9, 1, "agent", "Lan"),
        row(9, 1, "agent", "Minh"),
    ]
    assert await storage.score_counts(None, None, flow="other") == []


async def test_skipped_ratings_are_verified_and_skipped_words_are_not(storage: Storage) -> None:
    await begin_talk(storage)
    words = replace(answer(None), question="why")
    await write(storage, answer(None), counted(None), words)
    assert await storage.verify_counts() == []


async def test_wrong_counts_are_told(storage: Storage) -> None:
    await begin_talk(storage)
    await write(storage, answer(3))
    await write(storage, replace(counted(7, -1), dimensions={"agent": "Minh"}))
    told = [(d.dimension, d.score, d.counted, d.answered) for d in await storage.verify_counts()]
    assert told == [("agent", 7, -1, 0), ("all", 3, 0, 1)]
