"""Cutting a text into terms: quotes, commas, signs and blanks."""

from typing import Any

import pytest

from t5g.query.lexer import Term, lex, quoted


def cut(text: str) -> list[tuple[Any, ...]]:
    return [(t.text, t.key, t.operator, t.values, t.negated) for t in lex(text)]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        (" \u00a0\u200b\t", []),
        ("käse", [("käse", "", "", ("käse",), False)]),
        ("-käse", [("-käse", "", "", ("käse",), True)]),
        ("a  b", [("a", "", "", ("a",), False), ("b", "", "", ("b",), False)]),
        ("Status:open", [("Status:open", "status", ":", ("open",), False)]),
        ("-status:a,b", [("-status:a,b", "status", ":", ("a", "b"), True)]),
        ('a="x ""y"" z",b', [('a="x ""y"" z",b', "a", "=", ('x "y" z', "b"), False)]),
        ('a:"" "b"', [('a:""', "a", ":", ("",), False), ('"b"', "", "", ("b",), False)]),
        ("age>=3d", [("age>=3d", "age", ">=", ("3d",), False)]),
        ("age<3d", [("age<3d", "age", "<", ("3d",), False)]),
        ('a:"x, y",z', [('a:"x, y",z', "a", ":", ("x, y", "z"), False)]),
        ('a:" x "', [('a:" x "', "a", ":", ("x",), False)]),
        ("a:„x y“", [('a:"x y"', "a", ":", ("x y",), False)]),
        ("«x y»", [('"x y"', "", "", ("x y",), False)]),
        ("a:", [("a:", "a", ":", (), False)]),
        ("a:,b", [("a:,b", "a", ":", ("b",), False)]),
        ("a:b,", [("a:b,", "a", ":", ("b",), False)]),
        ("x,y", [("x", "", "", ("x",), False), (",", "", "", (), False),
                 ("y", "", "", ("y",), False)]),
        ('x"y"', [("x", "", "", ("x",), False), ('"y"', "", "", ("y",), False)]),
        ("1a:b", [("1a:b", "", "", ("1a:b",), False)]),
        ("a_b:c", [("a_b:c", "a_b", ":", ("c",), False)]),
        ("--x", [("--x", "", "", ("-x",), True)]),
        ('-"x y"', [('-"x y"', "", "", ("x y",), True)]),
    ],
)  # fmt: skip
def test_texts_are_cut_into_terms(text: str, terms: list[tuple[Any, ...]]) -> None:
    assert cut(text) == terms


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("two words", '"two words"'),
        ("a,b", '"a,b"'),
        ("-x", '"-x"'),
        ("x-y", "x-y"),
        ("key:x", '"key:x"'),
        ("a>b", '"a>b"'),
        ("1:2", "1:2"),
        ("", '""'),
        ('say "hi"', '"say ""hi"""'),
        ("say “hi”", '"say ""hi"""'),
        ("key=x", '"key=x"'),
        ("a\u00a0b", '"a\u00a0b"'),
    ],
)
def test_a_value_is_written_so_that_it_reads_back(value: str, written: str) -> None:
    assert quoted(value) == written
    [term] = lex(written)
    assert term == Term(written, (value.replace("“", '"').replace("”", '"'),))
