from tank.reader import fill, fills


def test_a_lost_receipt_has_no_litres():
    assert fill("2024-03-01;;612").litres is None


def test_comments_and_blank_lines_are_no_fills():
    assert fills(["# day;litres;distance", "", "2024-03-01;50;612"])[0].distance == 612
