from courier.templates.render import render


def test_a_value_that_is_none_gives_the_default():
    assert render("Dear {name}", {"name": None}, {"name": "customer"}) == "Dear customer"
