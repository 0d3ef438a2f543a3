"""Slack's limits, one row each: what is just allowed, and what is just too much."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.slack.rules import (
    Kind,
    active_markup,
    message_weight,
    sequences,
    slack_length,
    validate_message,
    validate_unfurls,
    validate_update,
    validate_view,
)

Block = dict[str, Any]


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> Block:
    return {"type": "section", "text": mrkdwn(text), **more}


def button(text: str = "Go", **more: Any) -> Block:
    return {"type": "button", "text": plain(text), "action_id": "go", **more}


def actions(*elements: Block, **more: Any) -> Block:
    return {"type": "actions", "elements": list(elements), **more}


def buttons(count: int) -> Block:
    return actions(*(button(action_id=f"go:{n}") for n in range(count)))


def option(value: str = "v", text: str = "x", **more: Any) -> Block:
    return {"text": plain(text), "value": value, **more}


def select(count: int, **more: Any) -> Block:
    options = [option(str(n)) for n in range(count)]
    return {"type": "static_select", "action_id": "pick", "options": options, **more}


def table(rows: int, cells: int, text: str = "x") -> Block:
    row = [{"type": "raw_text", "text": text}] * cells
    return {"type": "table", "rows": [row] * rows}


def image(**more: Any) -> Block:
    return {"type": "image", "image_url": "https://a.example/p.png", "alt_text": "a", **more}


def confirm(**more: Any) -> Block:
    parts = {"title": "t", "text": "x", "confirm": "y", "deny": "n"}
    return {key: plain(value) for key, value in (parts | more).items()}


def codes(payload: Block) -> list[str]:
    return [violation.code for violation in validate_message(payload)]


def block_paths(*blocks: Any) -> list[str]:
    return [violation.path for violation in validate_message({"blocks": list(blocks)})]


ALLOWED: list[Block] = [
    section("x" * 3000),
    section(fields=[mrkdwn("x" * 1000)] * 10),
    {"type": "section", "fields": [mrkdwn("x" * 2000)]},
    section(accessory=select(100)),
    section(accessory=image()),
    {"type": "header", "text": plain("x" * 150)},
    {"type": "divider"},
    {"type": "context", "elements": [mrkdwn("x"), image(), plain("y")] * 3},
    buttons(25),
    actions(button("x" * 75, value="v" * 2000, style="primary", confirm=confirm())),
    actions(button(url="https://a.example/" + "p" * 2982)),
    actions(select(1, initial_option=option("0"), placeholder=plain("x" * 150))),
    actions({"type": "overflow", "action_id": "o", "options": [option(str(n)) for n in range(5)]}),
    actions({"type": "datepicker", "action_id": "d", "initial_date": "2026-11-24"}),
    image(title=plain("t"), alt_text="a" * 2000),
    {"type": "markdown", "text": "x" * 12_000},
    table(100, 20),
    {"type": "context", "elements": [mrkdwn("<https://a.example|A &amp; B> <!date^1^{date}|x>")]},
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": "x", "style": {"bold": True}},
                    {"type": "link", "url": "https://a.example/"},
                    {"type": "user", "user_id": "U1"},
                    {"type": "emoji", "name": "fire"},
                ],
            }
        ],
    },
]

REFUSED: list[tuple[Any, str]] = [
    (section("x" * 3001), "/blocks/0/text/text"),
    (section(""), "/blocks/0/text/text"),
    ({"type": "section"}, "/blocks/0"),
    (section(fields=[mrkdwn("x")] * 11), "/blocks/0/fields"),
    (section(fields=[mrkdwn("x" * 2001)]), "/blocks/0/fields/0/text"),
    (section(fields=[]), "/blocks/0/fields"),
    (section(accessory={"type": "plain_text_input"}), "/blocks/0/accessory/type"),
    (section(colour="red"), "/blocks/0"),
    ({"type": "section", "text": "x"}, "/blocks/0/text"),
    ({"type": "section", "text": {"type": "markdown", "text": "x"}}, "/blocks/0/text/type"),
    ({"type": "header", "text": plain("x" * 151)}, "/blocks/0/text/text"),
    ({"type": "header", "text": mrkdwn("x")}, "/blocks/0/text/type"),
    ({"type": "context", "elements": [mrkdwn("x")] * 11}, "/blocks/0/elements"),
    ({"type": "context", "elements": []}, "/blocks/0/elements"),
    ({"type": "context", "elements": [button()]}, "/blocks/0/elements/0/type"),
    (buttons(26), "/blocks/0/elements"),
    (actions(), "/blocks/0/elements"),
    (actions(button(), button()), "/blocks/0"),
    (actions(button("x" * 76)), "/blocks/0/elements/0/text/text"),
    (actions(button(value="v" * 2001)), "/blocks/0/elements/0/value"),
    (actions(button(value=7)), "/blocks/0/elements/0/value"),
    (actions(button(style="default")), "/blocks/0/elements/0/style"),
    (actions(button(url="javascript:alert(1)")), "/blocks/0/elements/0/url"),
    (actions(button(url="https://a b")), "/blocks/0/elements/0/url"),
    (actions(button(url="https://a.example/" + "p" * 2983)), "/blocks/0/elements/0/url"),
    (actions(button(action_id="a" * 256)), "/blocks/0/elements/0/action_id"),
    (actions(button(confirm=confirm(title="x" * 101))), "/blocks/0/elements/0/confirm/title/text"),
    (actions(button(confirm=confirm(text="x" * 301))), "/blocks/0/elements/0/confirm/text/text"),
    (actions(button(confirm={"title": plain("t")})), "/blocks/0/elements/0/confirm"),
    (actions(select(101)), "/blocks/0/elements/0/options"),
    (actions(select(0)), "/blocks/0/elements/0"),
    (actions(select(1, option_groups=[])), "/blocks/0/elements/0/option_groups"),
    (actions(select(1, initial_option=option("other"))), "/blocks/0/elements/0"),
    (
        actions({"type": "overflow", "options": [option(str(n)) for n in range(6)]}),
        "/blocks/0/elements/0/options",
    ),
    (
        actions({**select(1), "options": [option("v" * 151)]}),
        "/blocks/0/elements/0/options/0/value",
    ),
    (
        actions({**select(1), "options": [option(text="x" * 76)]}),
        "/blocks/0/elements/0/options/0/text/text",
    ),
    (
        actions({"type": "datepicker", "initial_date": "24.11.2026"}),
        "/blocks/0/elements/0/initial_date",
    ),
    (image(alt_text=""), "/blocks/0/alt_text"),
    (image(image_url=None), "/blocks/0"),
    (image(title=mrkdwn("x")), "/blocks/0/title/type"),
    (table(101, 1), "/blocks/0/rows"),
    (table(1, 21), "/blocks/0/rows/0"),
    (table(1, 1, ""), "/blocks/0/rows/0/0/text"),
    (table(11, 10, "x" * 91), "/blocks/0"),
    ({"type": "alert", "text": plain("x")}, "/blocks/0/type"),
    ({"type": "carousel", "elements": []}, "/blocks/0/type"),
    ({"text": "no type"}, "/blocks/0"),
    ("text", "/blocks/0"),
    (section(block_id="b" * 256), "/blocks/0/block_id"),
]


@pytest.mark.parametrize("block", ALLOWED, ids=lambda block: json.dumps(block)[:40])
def test_block_at_the_limit_is_allowed(block: Block) -> None:
    assert validate_message({"text": "x", "blocks": [block]}) == []


@pytest.mark.parametrize(("block", "path"), REFUSED, ids=lambda value: str(value)[:40])
def test_block_over_the_limit_is_refused_where_it_is_wrong(block: Any, path: str) -> None:
    found = validate_message({"text": "x", "blocks": [block]})
    assert path in [violation.path for violation in found], list(map(str, found))
    assert all(violation.code == "invalid_blocks" for violation in found if violation.path == path)


def test_message_takes_50_blocks_and_a_view_100() -> None:
    divider = {"type": "divider"}
    assert codes({"blocks": [divider] * 50}) == []
    assert codes({"blocks": [divider] * 51}) == ["invalid_blocks"]
    home = {"type": "home", "blocks": [divider] * 100}
    assert validate_view(home) == []
    assert validate_view({**home, "blocks": [divider] * 101})[0].path == "/view/blocks"


def test_block_ids_must_differ() -> None:
    assert block_paths(section(block_id="b"), section(block_id="b")) == ["/blocks"]
    assert block_paths(section(block_id="b"), section(block_id="c"), section(), section()) == []


@pytest.mark.parametrize("payload", [{}, {"text": ""}, {"text": "  \n"}, {"blocks": []}])
def test_message_without_content_has_no_text(payload: Block) -> None:
    assert codes(payload) == ["no_text"]


def test_whole_message_has_a_ceiling_to_which_every_block_adds() -> None:
    sections = [section("x" * 2900)] * 4
    assert message_weight(sections) == 4 * 2900 + 3 * 125
    assert codes({"blocks": sections}) == []
    assert codes({"blocks": [*sections, section("x" * 1101)]}) == ["msg_blocks_too_long"]
    assert codes({"blocks": [*sections, *[{"type": "divider"}] * 11]}) == ["msg_blocks_too_long"]


def test_one_table_a_message() -> None:
    assert codes({"blocks": [table(1, 1), table(1, 1)]}) == ["invalid_attachments"]


def test_markdown_blocks_share_their_limit() -> None:
    assert "msg_blocks_too_long" in codes(
        {"blocks": [{"type": "markdown", "text": "x" * 6001}] * 2}
    )


def test_attachments_are_counted_and_their_blocks_checked() -> None:
    good = {"blocks": [section()]}
    assert codes({"attachments": [good] * 100}) == []
    assert codes({"attachments": [good] * 101}) == ["too_many_attachments"]
    assert codes({"attachments": [{"blocks": [section("")]}]}) == ["invalid_attachments"]
    assert codes({"attachments": [{}]}) == ["invalid_attachments"]


def test_metadata_has_a_form_and_a_size() -> None:
    good = {"event_type": "e", "event_payload": {}}
    assert codes({"text": "x", "metadata": good}) == []
    assert codes({"text": "x", "metadata": {"event_type": "e"}}) == ["invalid_metadata_format"]
    big = {**good, "event_payload": {"a": "x" * 17_000}}
    assert codes({"text": "x", "metadata": big}) == ["metadata_too_large"]


def test_update_takes_less_text_than_a_post() -> None:
    assert validate_message({"text": "é" * 2001}) == []
    assert [v.code for v in validate_update({"text": "é" * 2001})] == ["msg_too_long"]


@pytest.mark.parametrize(
    "text",
    [
        "a < b",
        "R&D",
        "<script>",
        "<http://a b|c>",
        "<@nobody>",
        "<!danger>",
        "<!date^1^{date}>",
    ],
)
def test_markup_that_slack_would_mangle_is_advice(text: str) -> None:
    found = validate_message({"blocks": [section(text)]})
    assert [violation.code for violation in found] == ["bad_mrkdwn"]
    assert not found[0].refused


@pytest.mark.parametrize(
    "text",
    [
        "&lt;b&gt; &amp; > quoted",
        "<https://a.example/?a=1&b=2|label>",
        "<mailto:a@b.example|mail>",
        "<@U012AB>, <@W1|ann>, <#C987|>, <!subteam^S12>, <!here>",
        "<!date^1392734382^Posted {date_num}^https://a.example/|when>",
        "*bold* `code` ```block```",
    ],
)
def test_markup_that_slack_understands_is_no_violation(text: str) -> None:
    assert validate_message({"blocks": [section(text)]}) == []


def test_plain_text_needs_no_escape() -> None:
    assert block_paths({"type": "header", "text": plain("a < b & c")}) == []


def test_active_markup_lists_what_slack_would_act_on() -> None:
    payload = {"text": "<!here>", "blocks": [section("<@U1> &lt;!channel&gt; <https://a.example>")]}
    assert [one.kind for one in active_markup(payload)] == [Kind.BROADCAST, Kind.USER, Kind.LINK]
    assert active_markup({"blocks": [{"type": "header", "text": plain("<!channel>")}]}) == []


def test_sequence_tells_label_from_target() -> None:
    [found] = sequences("see <https://a.example|the page>!")
    assert (found.target, found.label) == ("https://a.example", "the page")


@pytest.mark.parametrize(
    ("text", "length"),
    [("abc", 3), ("a&b", 7), ("a&amp;b", 7), ("äß", 2), ("🔥", 6), ("日本", 2)],
)
def test_length_is_counted_as_slack_stores_it(text: str, length: int) -> None:
    assert slack_length(text) == length


MODAL: Block = {
    "type": "modal",
    "title": plain("x" * 24),
    "submit": plain("Save"),
    "blocks": [
        {
            "type": "input",
            "block_id": "b",
            "label": plain("Name"),
            "element": {"type": "plain_text_input", "action_id": "a", "max_length": 3000},
        }
    ],
}


def _modal(change: Callable[[Block], None]) -> Block:
    view: Block = json.loads(json.dumps(MODAL))
    change(view)
    return view


def test_modal_is_allowed() -> None:
    assert validate_view(MODAL) == []
    assert validate_view({**MODAL, "blocks": [{"type": "alert", "text": plain("x")}]}) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda view: view.update(title=plain("x" * 25)), "/view/title/text"),
        (lambda view: view.pop("title"), "/view"),
        (lambda view: view.pop("submit"), "/view"),
        (lambda view: view.update(private_metadata="x" * 3001), "/view/private_metadata"),
        (lambda view: view.update(type="drawer"), "/view/type"),
        (lambda view: view.update(ts="1"), "/view"),
        (lambda view: view["blocks"].append(table(1, 1)), "/view/blocks/1/type"),
        (lambda view: view["blocks"][0].pop("label"), "/view/blocks/0"),
        (
            lambda view: view["blocks"][0]["element"].update(max_length=3001),
            "/view/blocks/0/element/max_length",
        ),
        (lambda view: view.update(blocks=None), "/view/blocks"),
    ],
)
def test_modal_over_the_limit_is_refused(change: Callable[[Block], None], path: str) -> None:
    found = validate_view(_modal(change))
    assert [violation.path for violation in found] == [path], list(map(str, found))
    assert found[0].code == "invalid_arguments"


def test_view_has_a_size() -> None:
    blocks = [section("ü" * 3000, block_id=str(n)) for n in range(45)]
    assert [v.code for v in validate_view({"type": "home", "blocks": blocks})] == ["view_too_large"]


def test_home_has_no_title() -> None:
    assert validate_view({"type": "home", "blocks": [], "title": plain("x")})[0].path == "/view"


def test_unfurls_are_attachments_by_url() -> None:
    assert validate_unfurls({"https://a.example/?a&amp;b": {"blocks": [section()]}}) == []
    found = validate_unfurls({"nothing": {"blocks": [section("")]}})
    assert [violation.path for violation in found] == [
        "/unfurls/nothing",
        "/unfurls/nothing/blocks/0/text/text",
    ]


_KEYS = st.sampled_from(
    ["type", "text", "blocks", "elements", "element", "accessory", "options", "initial_options"]
)
_WORDS = st.sampled_from(["section", "actions", "static_select", "overflow", "table", "input"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_no_payload_makes_the_validator_fail(value: Any) -> None:
    validate_message({"text": "x", "blocks": value, "attachments": value, "metadata": value})
    validate_view({"type": "modal", "title": value, "blocks": value})
    validate_unfurls({"https://a.example": value})
    active_markup(value)


@pytest.mark.parametrize("odd", [5, "text", {"a": 1}, [None], [[]], True])
@pytest.mark.parametrize("key", ["options", "option_groups", "initial_options", "initial_option"])
def test_menu_of_nonsense_is_refused_not_crashed_on(key: str, odd: Any) -> None:
    assert block_paths(actions({"type": "multi_static_select", key: odd}))


@pytest.mark.parametrize("odd", [5, "text", {"a": 1}, [None], [[5]], True])
def test_block_of_nonsense_is_refused_not_crashed_on(odd: Any) -> None:
    for kind, key in [("actions", "elements"), ("table", "rows"), ("section", "fields")]:
        assert block_paths({"type": kind, key: odd})
