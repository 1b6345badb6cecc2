"""The line of each key, whatever way TOML lets one write it."""

import tomllib
from pathlib import Path

import pytest

from bot.config.positions import line_of, lines_of
from bot.toml_tables import Path as KeyPath

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"

CASES: dict[str, tuple[str, dict[KeyPath, int]]] = {
    "plain keys": ("a = 1\n\n# comment\nb = 2\n", {("a",): 1, ("b",): 4}),
    "dotted keys": ("x.y.z = 1\nx.w = 2\n", {("x",): 1, ("x", "y"): 1, ("x", "y", "z"): 1, ("x", "w"): 2}),
    "quoted keys": ('a."b c" = 1\n"\\u00e9".\'d\' = 2\n', {("a", "b c"): 1, ("é", "d"): 2}),
    "spaces around dots": ("a . b = 1\n[ c . d ]\ne = 2\n", {("a", "b"): 1, ("c", "d", "e"): 3}),
    "tables": ("[a]\nb = 1\n[a.c]\nd = 2\n", {("a",): 1, ("a", "b"): 2, ("a", "c"): 3, ("a", "c", "d"): 4}),
    "inline tables": ("a = { b = 1, c = { d = 2 } }\n", {("a", "b"): 1, ("a", "c", "d"): 1}),
    "lists over lines": (
        "a = [\n  1, # one\n\n  # two\n  2,\n  { b = [\n    3 ] },\n]\n",
        {("a",): 1, ("a", 0): 2, ("a", 1): 5, ("a", 2): 6, ("a", 2, "b"): 6, ("a", 2, "b", 0): 7},
    ),
    "lists of tables": (
        "[[f]]\ni = 1\n[[f.q]]\nj = 1\n[[f.q]]\nj = 2\n[f.t]\nk = 1\n[[f]]\n[[f.q]]\nj = 3\n",
        {
            ("f",): 1,
            ("f", 0, "i"): 2,
            ("f", 0, "q", 0, "j"): 4,
            ("f", 0, "q", 1, "j"): 6,
            ("f", 0, "t", "k"): 8,
            ("f", 1): 9,
            ("f", 1, "q", 0, "j"): 11,
        },
    ),
    "texts over lines": ("a = \"\"\"\nb = 1\n[c]\n\"\"\"\nd = '''\n\n'''\ne = 1\n", {("a",): 1, ("d",): 5, ("e",): 8}),
    "Windows line ends": ("a = 1\r\n[b]\r\nc = 2\r\n", {("a",): 1, ("b", "c"): 3}),
    "no line end at the end": ("a = 1\n[b]", {("b",): 2}),
}


@pytest.mark.parametrize(("text", "wanted"), [pytest.param(*case, id=name) for name, case in CASES.items()])
def test_lines(text: str, wanted: dict[KeyPath, int]) -> None:
    tomllib.loads(text)
    lines = lines_of(text)
    assert {path: lines.get(path) for path in wanted} == wanted


def test_a_key_may_have_more_parts_than_calls_may_nest() -> None:
    assert lines_of(f"\n[{'.'.join(['a'] * 1_500)}]")[("a",) * 1_500] == 2


def test_what_is_not_there_has_the_line_of_what_is_around_it() -> None:
    lines = lines_of("a = 1\n[[b]]\n[[b]]\nc = 1\n")
    assert line_of(("b", 1, "missing", 3), lines) == 3
    assert line_of(("missing",), lines) == 1


def paths_in(value: object, path: KeyPath = ()) -> list[KeyPath]:
    children: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [path, *(found for key, child in children for found in paths_in(child, (*path, key)))]


def test_every_value_of_the_example_has_a_line_that_names_its_key() -> None:
    text = EXAMPLE.read_text("utf-8")
    lines, rows = lines_of(text), text.splitlines()
    paths = [path for path in paths_in(tomllib.loads(text)) if path]
    assert [path for path in paths if path not in lines] == []
    unnamed = [path for path in paths if isinstance(path[-1], str) and path[-1] not in rows[lines[path] - 1]]
    assert unnamed == []
