"""The post-mortem as one HTML page that runs nothing, loads nothing and needs nothing beside it."""

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from hydranet.report import charts, wording
from hydranet.report.advice import kept_at
from hydranet.report.postmortem import Postmortem
from hydranet.report.savings import METHOD
from hydranet.report.web_ui import ENDINGS
from hydranet.text.escaping import visible
from hydranet.text.formatting import count, duration


def page(story: Postmortem) -> str:
    """The whole page; its policy allows this very style sheet and nothing else."""
    style = files("hydranet.report").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _ENVIRONMENT.get_template("page.html").render(
        story=story,
        run=story.genealogy,
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    )


def _shown(value: object) -> object:
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


_ENVIRONMENT = Environment(
    loader=PackageLoader("hydranet.report", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    finalize=_shown,
)
_ENVIRONMENT.filters |= {"counted": count, "duration": duration}
_ENVIRONMENT.globals |= {
    "ENDINGS": ENDINGS,
    "METHOD": METHOD,
    "charts": charts,
    "kept_at": kept_at,
    "words": wording,
}
