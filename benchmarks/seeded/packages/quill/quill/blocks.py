"""Blocks: the paragraphs, headings, lists, quotes and code of a text."""

from dataclasses import dataclass, field


@dataclass
class Heading:
    level: int
    text: str


@dataclass
class Paragraph:
    text: str


@dataclass
class Item:
    text: str
    children: list = field(default_factory=list)


@dataclass
class Listing:
    ordered: bool
    items: list = field(default_factory=list)


@dataclass
class Code:
    language: str
    text: str


@dataclass
class Quote:
    blocks: list = field(default_factory=list)
