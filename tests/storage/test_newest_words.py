"""The words that rules and forms look at, on both databases."""

from bot.ids import CustomerId, WordsId
from bot.ports import KeepWords, SaveCase, Words
from bot.storage import Storage
from tests.storage.samples import begin_talk, case, conversation, later, look, write


def said(n: int, *, by: str | None = None) -> Words:
    talk = conversation("talk")
    customer = CustomerId(by) if by else talk.customer
    return Words(
        id=WordsId(f"w{n:02}"), customer=customer, conversation=talk.id, question=None, text=f"{n}", at=later(minutes=n)
    )


async def test_the_newest_words_come_first_and_only_where_asked_for(storage: Storage) -> None:
    await begin_talk(storage)
    await write(storage, SaveCase(case=case(of=conversation("talk")), was_revision=None))
    await write(storage, *(KeepWords(words=said(n)) for n in (3, 1, 2)), KeepWords(words=said(4, by="a stranger")))
    talk = conversation("talk")
    for read in ({"conversation": talk.id}, {"address": talk.address}, {"case": case(of=talk).id}):
        assert (await look(storage, **read)).words == ()
        assert (await look(storage, **read, words=True)).words == (said(3), said(2), said(1))
    assert (await look(storage, words=True)).words == ()


async def test_at_most_20_words_are_read(storage: Storage) -> None:
    await begin_talk(storage)
    await write(storage, *(KeepWords(words=said(n)) for n in range(25)))
    found = (await look(storage, conversation=conversation("talk").id, words=True)).words
    assert [words.id for words in found] == [f"w{n:02}" for n in range(24, 4, -1)]
