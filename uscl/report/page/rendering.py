"""Pages from templates: self-contained HTML with one style and one script."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **given: Any) -> str:
    """A page from its template; equal arguments give equal bytes. All texts are escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    # The browser runs this script and no other.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    trusted = {"style": Markup(style), "script": Markup(script)}  # noqa: S704  (they are files of this package)
    return environment.get_template(template).render(script_hash=f"sha256-{digest}", **trusted, **given)


def text_page(title: str, text: Markup) -> str:
    """A page of one text that is already HTML."""
    return render("text.html.j2", title=title, text=text)
