from theatre.hall import Row, cheapest, read_hall

PLAN = "1-8 20 4800 150\n9-14 24 3150 100\n"


def test_the_first_row_of_a_block_has_its_price():
    assert read_hall(PLAN).rows[1] == Row(1, 20, 4800)
    assert read_hall(PLAN).rows[9] == Row(9, 24, 3150)


def test_rows_behind_it_cost_less():
    assert read_hall(PLAN).rows[3] == Row(3, 20, 4500)
    assert read_hall(PLAN).rows[12].price == 2850


def test_empty_lines_around_a_plan_do_not_count():
    assert read_hall("\n1-3 10 1200 0\n\n").rows[2] == Row(2, 10, 1200)


def test_no_plan_is_no_hall():
    assert read_hall("").rows == {}


def test_the_cheapest_row():
    assert cheapest(read_hall("1-8 20 4800 0\n9-14 24 3150 0\n")).price == 3150


def test_of_several_cheapest_rows_the_nearest_to_the_stage():
    assert cheapest(read_hall("1-8 20 4800 0\n9-14 24 3150 0\n")).number == 9
