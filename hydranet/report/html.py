"""The post-mortem as one HTML page without scripts, which loads nothing."""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from hydranet.report import charts, wording
from hydranet.report.advice import format_ref
from hydranet.report.postmortem import Postmortem
from hydranet.report.savings import METHOD
from hydranet.report.web_ui import ENDINGS
from hydranet.text.escaping import escape_controls
from hydranet.text.formatting import format_count, format_duration


def render_html(story: Postmortem, links: Mapping[str, str] | None = None) -> str:
    """Return the page; its content security policy allows its own style sheet and nothing else.

    The `links` are the addresses of other pages about the run, by their names.
    """
    style = files("hydranet.report").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _ENVIRONMENT.get_template("page.html").render(
        story=story,
        run=story.genealogy,
        links=links or {},
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    )


def _escape(value: object) -> object:
    return escape_controls(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


_ENVIRONMENT = Environment(
    loader=PackageLoader("hydranet.report", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    finalize=_escape,
)
_ENVIRONMENT.filters |= {"format_count": format_count, "format_duration": format_duration}
_ENVIRONMENT.globals |= {
    "ENDINGS": ENDINGS,
    "METHOD": METHOD,
    "charts": charts,
    "format_ref": format_ref,
    "wording": wording,
}
