from hydranet.strategy import Strategy, is_new, rank_strategies, slugify


def strategy(title: str = "t", kind: str = "missing guard", **more: tuple[str, ...]) -> Strategy:
    return Strategy(title=title, kind=kind, **{"target_files": ("a.py",), "target_symbols": ("f",), **more})


def test_another_wording_is_not_another_strategy() -> None:
    dead = strategy("Guard against None", kind="missing guard")
    assert not is_new(strategy("Handle the empty case", kind="Guard, missing!"), [dead])


def test_another_file_symbol_or_kind_is_another_strategy() -> None:
    dead = [strategy()]
    assert is_new(strategy(target_files=("b.py",)), dead)
    assert is_new(strategy(target_symbols=("g",)), dead)
    assert is_new(strategy(kind="boundary"), dead)


def test_the_order_of_targets_does_not_count() -> None:
    dead = strategy(target_files=("a.py", "b.py"))
    assert not is_new(strategy(target_files=("b.py", "a.py")), [dead])


def test_slugs_are_short_plain_and_never_empty() -> None:
    assert slugify("Boundary condition in paginate() (shop/paging.py)") == "boundary-condition-in-paginate"
    assert slugify("a" * 40) == "a" * 32
    assert slugify("b" * 31 + " c d") == "b" * 31
    assert slugify("b" * 30 + " c d") == "b" * 30 + "-c"
    assert slugify("Größe des été naïf") == "grosse-des-ete-naif"
    assert slugify("«…»") == "strategy"
    assert slugify("十件商品的订单 10", default="shop-1a2b3c4d") == "shop-1a2b3c4d"
    assert slugify("Заказ ValueError", default="shop-1a2b3c4d") == "valueerror"


def test_less_than_what_a_dead_strategy_tried_is_not_new() -> None:
    dead = strategy(target_files=("a.py", "b.py"), target_symbols=("f", "g"))
    assert not is_new(strategy(target_files=("b.py",), target_symbols=("g",)), [dead])
    assert is_new(strategy(target_files=("b.py",), target_symbols=("g", "h")), [dead])
    whole = strategy(target_files=("a.py",), target_symbols=())
    assert not is_new(strategy(target_files=("a.py",), target_symbols=("f",)), [whole])
    assert is_new(whole, [strategy(target_files=("a.py",), target_symbols=("f",))])


def test_what_shares_least_with_the_dead_comes_first() -> None:
    dead = strategy(target_files=("a.py",), target_symbols=("f",), kind="guard")
    same_place = strategy(target_files=("a.py",), target_symbols=("f",), kind="boundary")
    same_file = strategy(target_files=("a.py",), target_symbols=("g",), kind="boundary")
    elsewhere = strategy(target_files=("b.py",), target_symbols=("h",), kind="boundary")
    again = elsewhere.model_copy(update={"title": "again"})
    assert rank_strategies([same_place, elsewhere, same_file, again], [dead]) == [
        elsewhere,
        again,
        same_file,
        same_place,
    ]
    assert rank_strategies([same_place, elsewhere], []) == [same_place, elsewhere]
