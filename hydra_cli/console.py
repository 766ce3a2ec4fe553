"""The console of Rich that obeys nothing of what it prints."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from hydranet.text.escaping import escape_controls


class SafeConsole(Console):
    """A console whose texts hold no control characters, wherever they come from; it makes no hyperlinks."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render an object into segments, each of them shown and not obeyed."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
                continue
            style = segment.style.update_link(None) if segment.style and segment.style.link else segment.style
            yield Segment(escape_controls(segment.text), style)
