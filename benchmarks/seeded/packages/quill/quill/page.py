"""A whole page."""

from quill.blocks import Code, Heading, Listing, Paragraph, Quote
from quill.escape import escape, tag
from quill.inline import render
from quill.reader import read
from quill.slugs import Anchors
from quill.toc import contents, entries, nested


class Page:
    """The HTML of a text, its title, its table of contents and its links."""

    def __init__(self, text):
        self.blocks = read(text)
        self.links = []
        self._anchors = Anchors()

    @property
    def title(self):
        """The first heading, whatever its level."""
        return next((block.text for block in self.blocks if isinstance(block, Heading)), "")

    def contents(self):
        return contents(nested(entries(self.blocks, Anchors())))

    def html(self):
        self._anchors = Anchors()
        self.links = []
        return "\n".join(self._block(block) for block in self.blocks)

    def _block(self, block):
        if isinstance(block, Heading):
            return tag(f"h{block.level}", self._inline(block.text), id=self._anchors.anchor(block.text))
        if isinstance(block, Paragraph):
            return tag("p", self._inline(block.text))
        if isinstance(block, Code):
            language = f"language-{block.language}" if block.language else None
            return tag("pre", tag("code", escape(block.text), class_=language))
        if isinstance(block, Quote):
            return tag("blockquote", "".join(self._block(inner) for inner in block.blocks))
        return self._listing(block)

    def _listing(self, listing):
        items = []
        for item in listing.items:
            inner = "".join(self._listing(child) for child in item.children)
            items.append(tag("li", self._inline(item.text) + inner))
        return tag("ol" if listing.ordered else "ul", "".join(items))

    def _inline(self, text):
        return render(text, self.links)
