"""Markdown as HTML: names from outside are shown literally, pictures and raw HTML are left out."""

from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup


def html_of(text: str, *, lower: int = 0, title: bool = True) -> Markup:
    """HTML of a Markdown text, with headings `lower` levels down, and with or without its first heading."""
    tokens = parser().parse(text)
    if not title and tokens and tokens[0].type == "heading_open":
        tokens = tokens[3:]
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + lower)}"
    parsed = parser()
    return Markup(parsed.renderer.render(tokens, parsed.options, {}))  # noqa: S704  (the parser escapes the text)


def parser() -> MarkdownIt:
    """CommonMark with tables, each in a box that can be scrolled."""
    found = MarkdownIt("commonmark", {"html": False}).enable("table")
    found.add_render_rule("image", nothing)
    found.add_render_rule("table_open", scrolled)
    found.add_render_rule("table_close", closed)
    return found


def nothing(renderer: Any, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
    """No picture: the page embeds its own."""
    return ""


def scrolled(renderer: Any, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
    """The start of a table in its box."""
    return '<div class="wide" tabindex="0" role="region" aria-label="table"><table>\n'


def closed(renderer: Any, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
    """The end of a table in its box."""
    return "</table></div>\n"
