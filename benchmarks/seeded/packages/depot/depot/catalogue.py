"""The articles a depot sells, and their price tiers."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tier:
    """From `minimum` pieces on, a piece costs `unit_price`."""

    minimum: int
    unit_price: float


@dataclass
class Article:
    """Something on a shelf."""

    sku: str
    name: str
    tiers: list[Tier] = field(default_factory=list)


class Catalogue:
    """Articles by their stock keeping unit."""

    def __init__(self, articles):
        self._articles = {article.sku: article for article in articles}

    def __len__(self):
        return len(self._articles)

    def find(self, sku):
        """The article, or KeyError."""
        return self._articles[sku]


def parse_article(line):
    """Read `sku;name;1:9.5;10:8.0`: each tier is a minimum and a price per piece."""
    sku, name, *tiers = line.strip().split(";")
    parsed = []
    for tier in tiers:
        minimum, price = tier.split(":")
        parsed.append(Tier(int(minimum), float(price)))
    return Article(sku, name, sorted(parsed, key=lambda tier: tier.minimum))
