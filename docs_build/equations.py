"""Equations in the pages as MathML, which browsers show without a script or a font from elsewhere.

Blocks are fences of the language `math`, as GitHub also shows them; inside a line an equation is between dollar signs.
"""

from typing import Any
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

INLINE = r"(?<![\\$\w])\$(?![\s$])([^$]+?)(?<![\s\\])\$(?![\d$])"
BEFORE_CODE_ENDS = 185  # code is taken out first, so that a dollar sign in it stays one


def block(source: str, *arguments: Any, **options: Any) -> str:
    """The formatter of a fence."""
    return f'<div class="equation">{convert(source, display="block")}</div>'


class Inline(InlineProcessor):
    """An equation inside a line."""

    def handleMatch(self, m: Any, data: str) -> tuple[Element | str, int, int]:  # noqa: N802  (Markdown's name)
        return self.md.htmlStash.store(convert(m[1])), m.start(0), m.end(0)


class Equations(Extension):
    """Registers equations inside lines; mkdocs.yml registers the fence."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  (Markdown's name)
        md.inlinePatterns.register(Inline(INLINE, md), "equations", BEFORE_CODE_ENDS)


def makeExtension(**options: Any) -> Equations:  # noqa: N802  (Markdown's name)
    """What Markdown calls for an extension that is named by its module."""
    return Equations(**options)
