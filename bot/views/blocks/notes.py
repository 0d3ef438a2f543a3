"""Sentences: what went wrong, what was asked for, which one was meant."""

from bot.answers import Export, Note
from bot.views.blocks.parts import Payload, actions, ask_button, fits, preformatted, section, small
from bot.views.words import fitting, plural, sentence, shorten

MOST_OPTIONS = 24
LONGEST_TYPED = 8_000


def note_message(note: Note) -> Payload:
    """A sentence, with buttons for what may have been meant."""
    sign = "⚠️ " if note.failed else "⏳ " if note.waiting else ""
    trace = f" (id `{note.id}`)" if note.id else ""
    blocks = [section(f"{sign}{sentence(note.text)}{trace}")]
    if note.typed:
        blocks += [
            small("What you wrote, to copy:"),
            preformatted(fitting(note.typed, LONGEST_TYPED)),
        ]
    if note.options:
        elements = [
            ask_button(option.label, option.command, f"option{n}")
            for n, option in enumerate(note.options[:MOST_OPTIONS])
            if fits({"a": option.command})
        ]
        blocks += [actions(elements)] if elements else []
    return {"text": sentence(shorten(note.text, 200)), "blocks": blocks}


def export_message(export: Export) -> Payload:
    """What stands beside a file that was handed over."""
    text = f"📄 {plural(export.count, 'case')} in `{export.name}`, in our direct messages."
    return {"text": text, "blocks": [section(text)]}
