"""Whatever anybody types in any language is read as an answer of the question or as none: nothing is off its scale."""

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from bot.conversations import engine
from bot.conversations.answers import Chosen, Scored, Skipped, Worded
from bot.conversations.conversation import Conversation
from bot.conversations.events import Typed
from bot.conversations.flow import Flow
from bot.conversations.questions import Choice, Choices, OpenText, Option, Question, Rating, scale_of
from bot.conversations.rules import Rules
from bot.conversations.typed import read_rating
from bot.conversations.words import understand
from bot.ids import ConversationId, CustomerId, FlowHash, WordsId
from bot.languages import fill, locales, pack
from bot.messages import Address, ChannelName

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PIECES = (
    *map(str, range(13)), "٥", "५", "５", "²", "½", "⑤", "🔟", "1٠", "-5", "3.7", "3,7", "8/10", "5/5", "10 / 10",
    "⭐", "⭐⭐⭐⭐⭐", "★★★☆☆", "👍", "👎🏿", "😡", "🙂", "😀", "❤️", "\u200d", "\ufe0f", "\u20e3", ":)", ":(", "xd",
    ",", ", ", ". ", "! ", ": ", " - ", "—", "\n", "，", "。", "！", "：", "、", "(", ")", "?", "/", "%", "€",
    "$", "#", "+", "~", "، ", "<3", " out of ",
    "\x00", "\ud83d", "\u202e", "\u202d", "\u200f", "\u2067", "\u0301", "\u0323", "\ufdfa", "\u1100\u1161", "ß", "İ",
)  # fmt: skip


def of_packs() -> list[str]:
    """Every word and phrase that means something to the parser, in all languages."""
    found: set[str] = set()
    for one in map(pack, locales()):
        found |= {*one.number_words, *one.joins, *one.courtesies, *one.units, *one.yes, *one.no}
        found |= {word for points in one.opinions.values() for word in points}
        found |= {word for words in (*one.commands.values(), *one.recovery.values()) for word in words}
        for phrase in (*one.score_phrases, *one.star_phrases):
            found |= {fill(phrase, {"score": score, "end": end}) for score in ("5", "11") for end in ("5", "10")}
    return sorted(found)


WORDS = of_packs()
TEXTS = st.one_of(
    st.text(alphabet=st.characters(), max_size=100),
    st.lists(
        st.one_of(st.sampled_from(PIECES), st.sampled_from(WORDS), st.just(" "), st.text(alphabet=st.characters())),
        max_size=8,
    ).map("".join),
)
SCALES = ("nps", "csat5", "csat10", "ces7", "thumbs")
ENDS = st.dictionaries(st.sampled_from(("en", "vi", "ja")), st.sampled_from(WORDS) | st.text(max_size=8), max_size=2)
RATINGS = st.builds(
    Rating,
    id=st.just("q"),
    text=st.just({"en": "?"}),
    scale=st.sampled_from(SCALES),
    look=st.sampled_from(("numbers", "emoji", "stars")),
    low=ENDS,
    high=ENDS,
    optional=st.booleans(),
)
OPTIONS = tuple(Option(id=f"o{n}", text={"en": f"Option {n}", "ja": f"選択{n}"}) for n in range(1, 4))
QUESTIONS: st.SearchStrategy[Question] = st.one_of(
    RATINGS,
    st.builds(Choice, id=st.just("q"), text=st.just({"en": "?"}), options=st.just(OPTIONS), optional=st.booleans()),
    st.builds(Choices, id=st.just("q"), text=st.just({"en": "?"}), options=st.just(OPTIONS), optional=st.booleans()),
    st.builds(OpenText, id=st.just("q"), text=st.just({"en": "?"}), optional=st.booleans()),
)
LOCALES = st.sampled_from(locales())


@given(TEXTS, RATINGS, LOCALES)
@example("7, ²", Rating(id="q", text={"en": "?"}, scale="nps"), "en")
@example("5 İ", Rating(id="q", text={"en": "?"}, scale="csat5"), "en")
def test_a_score_is_on_its_scale_and_the_comment_is_what_was_written(text: str, rating: Rating, locale: str) -> None:
    rated = read_rating(text, rating, pack(locale))
    if rated is not None:
        assert rated.score in scale_of(rating)
        assert rated.comment in text
        assert rated.comment == rated.comment.strip()


@given(TEXTS, QUESTIONS, LOCALES)
def test_nothing_else_is_stored_than_the_question_can_have(text: str, question: Question, locale: str) -> None:
    flow = Flow(id="f", title={"en": "F"}, locales=("en", "ja"), questions=(question,))
    asked = engine.start(conversation(locale), flow).conversation
    typed = Typed(text=text, words=WordsId("w"))
    turn = engine.receive(asked, flow, typed, at=AT, rules=Rules())
    again = engine.receive(turn.conversation, flow, typed, at=AT, rules=Rules())
    for answers in (turn.conversation.answers, again.conversation.answers):
        for id, answer in answers.items():
            assert id == "q"
            assert belongs(answer.value, question)
    understood = understand(typed, question, flow, locale)
    assert (understood is None) == (not turn.conversation.answers)


def conversation(locale: str) -> Conversation:
    return Conversation(
        id=ConversationId("c"),
        customer=CustomerId("k"),
        flow=FlowHash("f"),
        address=Address(channel=ChannelName("web"), key="r"),
        locale=locale,
        started_at=AT,
        touched_at=AT,
    )


def belongs(value: object, question: Question) -> bool:
    match value, question:
        case Scored(score=score), Rating():
            return score in scale_of(question)
        case Chosen(options=options), Choice() | Choices():
            known = [option.id for option in OPTIONS if option.id in options]
            return list(options) == known and (len(known) == 1 or isinstance(question, Choices))
        case Worded(), OpenText():
            return True
        case Skipped(), _:
            return question.optional
        case _:
            return False
