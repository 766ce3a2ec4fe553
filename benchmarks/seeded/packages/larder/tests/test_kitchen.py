import pytest

from larder.book import parse_book
from larder.ideas import possible, suggestions
from larder.shopping import cook, shopping_list
from larder.stock import Missing, Stock
from larder.units import Amount

BOOK = """
# Dough (4)
- 400 g flour
- 2 eggs

# Quiche (4)
+ Dough
- 200 ml cream
- 3 eggs
- 1 tsp nutmeg?

# Soup (2)
- 500 g potatoes
- 1/2 l stock
"""


@pytest.fixture
def book():
    return parse_book(BOOK)


@pytest.fixture
def stock():
    stock = Stock()
    stock.put("eggs", Amount(1, "dozen"), 9)
    stock.put("flour", Amount(1, "kg"))
    stock.put("potatoes", Amount(2, "kg"), 30)
    return stock


def test_parts_count(book):
    assert book["Quiche"].needs()["egg"] == Amount(5)


def test_a_list_for_the_soup(book, stock):
    assert shopping_list([(book["Soup"], 4)], stock) == ["stock: 1 l"]


def test_cooking_takes_from_the_stock(book, stock):
    stock.put("stock", Amount(1, "l"))
    cook(book["Soup"], 2, stock)
    assert stock.amount("potato") == Amount(1.5, "kg")
    assert stock.amount("stock") == Amount(0.5, "l")


def test_what_is_missing_is_said(book, stock):
    with pytest.raises(Missing):
        cook(book["Quiche"], 4, stock)


def test_what_can_be_cooked(book, stock):
    assert possible(book.values(), stock, 4) == ["Dough"]


def test_what_expires_is_used_first(book, stock):
    assert suggestions(book.values(), stock, 8) == ["Dough", "Quiche"]
