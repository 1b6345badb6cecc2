"""A panel's cells in a spreadsheet: whatever a customer calls themselves is shown, and nothing of it is obeyed."""

import pytest

from bot.reports.panel import unformulated

CELLS = {
    "a name": ("Lan", "Lan"),
    "a name with a dash": ("Anne-Marie", "Anne-Marie"),
    "of another script": ("花子", "花子"),
    "wide letters are kept": ("Ｌａｎ", "Ｌａｎ"),
    "a formula": ("=1+1", "'=1+1"),
    "with a wide sign": ("\uff1d1+1", "'\uff1d1+1"),
    "with a small sign": ("\ufe661+1", "'\ufe661+1"),
    "a call": ("\uff20SUM(A1)", "'\uff20SUM(A1)"),
    "behind a space": (" =1+1", "' =1+1"),
    "behind a space without a width": ("\u200b=1+1", "'\u200b=1+1"),
    "behind a control": ("\x00=1+1", "'=1+1"),
    "behind a line break": ("\n=1+1", "'\n=1+1"),
    "lines of a question": ("Shall we?\nYes", "Shall we?\nYes"),
    "what a terminal obeys": ("Lan\x1b[2J\x07\x9b", "Lan[2J"),
    "half a pair": ("Lan\ud83d", "Lan"),
}


@pytest.mark.parametrize(("text", "cell"), CELLS.values(), ids=CELLS)
def test_a_cell_is_shown_and_never_obeyed(text: str, cell: str) -> None:
    assert unformulated(text) == cell
