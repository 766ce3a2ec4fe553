"""The monthly report: litres, kilometres and what a hundred kilometres take."""


def litres(book, month):
    """The litres of a month."""
    return round(sum(fill.litres for fill in book.month(month)), 1)


def distance(book, month):
    """The kilometres of a month."""
    return sum(fill.distance for fill in book.month(month))


def consumption(book, month):
    """Litres per hundred kilometres, 0.0 for a month in which the car stood still."""
    driven = distance(book, month)
    return round(100 * litres(book, month) / driven, 1) if driven else 0.0


def lines(book):
    """The report, a line per month."""
    return [f"{month}  {litres(book, month):7.1f} l  {consumption(book, month):5.1f}" for month in book.months()]
