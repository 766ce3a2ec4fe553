"""Each family makes the repairs it is for and leaves the rest of the text as written."""

import ast
from collections.abc import Callable

import pytest

from activities.repair import families as f

ODD = "def odd( a,b ) :  # spacing and comments stay\n    return   a+b # odd\n\n\n"
Repairs = Callable[..., list[str]]


CASES = [
    # family, code, (what is wrong, what it becomes)
    (
        f.WRAPPING,
        "class P:\n    def __init__(self, low, high):\n        pass\n\n\ndef f(p, q):\n    return P(p.low, q.high)\n",
        ("q.high", "max(p.high, q.high)"),
    ),
    (
        f.WRAPPING,
        "def f(spans):\n    r = []\n    for low, end in sorted(spans):\n        if r and low <= r[-1][1]:\n"
        "            r[-1] = (r[-1][0], end)\n        else:\n            r.append((low, end))\n    return r\n",
        ("(r[-1][0], end)", "(r[-1][0], max(end, r[-1][1]))"),
    ),
    (
        f.WRAPPING,
        "def f(spans):\n    r = []\n    for s in spans:\n        if not r or r[-1][1] < s[0]:\n"
        "            r.append([*s])\n        else:\n            r[-1][1] = s[1]\n    return r\n",
        ("= s[1]", "= max(s[1], r[-1][1])"),
    ),
    (
        f.WRAPPING,
        "class A:\n    def f(self, n):\n        taken = n\n        self.left -= taken\n        return taken\n",
        ("taken = n", "taken = min(n, self.left)"),
    ),
    (f.WRAPPING, "def f(a, b):\n    return a - b\n", ("a - b", "abs(a - b)")),
    (f.WRAPPING, "def f(a, b):\n    return zip(a, b)\n", ("zip(a, b)", "list(zip(a, b))")),
    (f.WRAPPING, "def f(a):\n    seen = set(a)\n    return seen\n", ("return seen", "return sorted(seen)")),
    (
        f.WRAPPING,
        "def f(row):\n    total = 0\n    for cell in row.split():\n        total += cell\n    return total\n",
        ("+= cell", "+= int(cell)"),
    ),
    (
        f.WRAPPING,
        "def f(a):\n    out = []\n    for n in a:\n        out.append(n)\n    return ', '.join(out)\n",
        ("append(n)", "append(str(n))"),
    ),
    (
        f.WRAPPING,
        "def f(a):\n    seen = set()\n    for row in a:\n        cells = [c.strip() for c in row]\n"
        "        seen.add(cells)\n    return seen\n",
        ("add(cells)", "add(tuple(cells))"),
    ),
    (
        f.WRAPPING,
        "def f(a, k):\n    if k:\n        return []\n    b = tuple(a)\n    return b\n",
        ("return b", "return list(b)"),
    ),
    (f.WRAPPING, "def f(a, w):\n    return w in a.split()\n", ("a.split()", "a.lower().split()")),
    (f.WRAPPING, "def f(a):\n    return a.kind == 'file'\n", ("a.kind ==", "a.kind.lower() ==")),
    (f.WRAPPING, "def f(a):\n    return a[0] in ('y', 'yes')\n", ("a[0] in", "a[0].strip() in")),
    (
        f.WRAPPING,
        "def f(a):\n    for x in a:\n        if not x:\n            a = x.partition('=')\n    return a\n",
        ("not x", "not x.strip()"),
    ),
    (
        f.WRAPPING,
        "def f(a: str | None):\n    if not a:\n        return 1\n    return 2\n",
        ("not a", "not a.strip()"),
    ),
    (
        f.CALL,
        "class P:\n    size = 1\n\n    def __init__(self):\n        self.tags = []\n        self.day = 0\n\n\n"
        "def make(path, day, tags=(), size=1):\n    return path\n\n\n"
        "def f(p):\n    return make(p.path, day=p.day)\n",
        ("day=p.day)", "day=p.day, tags=p.tags)"),
    ),
    (
        f.CALL,
        "class P:\n    def __init__(self):\n        self.low = self.high = 0\n\n    def again(self):\n"
        "        return g(low=self.low)\n\n\ndef g(low=0, high=0):\n    return low\n\n\n"
        "def f(self):\n    return g(low=self.low)\n",
        ("g(low=self.low)", "g(low=self.low, high=self.high)"),
    ),
    (f.CALL, "def f(a):\n    return a.lower().split()\n", (".split()", ".replace('-', ' ').split()")),
    (
        f.CALL,
        "def g(a, k):\n    return [x for x in a if x.day == k]\n\n\ndef f(a, k):\n    return g(a, k)\n",
        ("return g(a, k)", "return [x for x in g(a, k) if x.day < k]"),
    ),
    (
        f.CALL,
        "class A:\n    def f(self, n):\n        return {n, *self.g(n)}\n",
        ("*self.g(n)", "*(deeper for one in self.g(n) for deeper in self.f(one))"),
    ),
    (
        f.CALL,
        "class A:\n    def f(self, n):\n        return A(n, list(self.parts))\n",
        ("list(self.parts)", "[one.f(n) for one in self.parts]"),
    ),
    (
        f.CALL,
        "def f(v, w):\n    kept = [(a, b) for a, b in zip(v, w) if a]\n    return g(kept, sum(w))\n",
        ("sum(w)", "sum([b for (a, b) in kept])"),
    ),
    (
        f.GUARD,
        "def f(m, p):\n    k = m.get(p)\n    if k is not None:\n        return k\n    return p\n",
        ("k is not None:", "k is not None and k[0] <= p:"),
    ),
    (f.CONDITION, "def f(a, b):\n    if a < b:  # why\n        return a\n    return b\n", ("a < b", "a <= b")),
    (f.CONDITION, "def f(a, b):\n    if a == b:\n        return a\n    return b\n", ("a == b", "a != b")),
    (f.CONDITION, "def f(a):\n    if len(a) == 0:\n        return a\n    return f(a[1:])\n", ("== 0", "<= 1")),
    (f.CONDITION, "def f(a, b):\n    if a and b:\n        return 1\n    return 2\n", ("a and b", "a or b")),
    (f.CONDITION, "def f(a, b):\n    if not a:\n        return 1\n    return 2\n", ("not a", "a")),
    (f.CONDITION, "def f(a, b):\n    if a:\n        return 1\n    return b\n", ("if a:", "if not a:")),
    (f.CONDITION, "def f(a):\n    if a:\n        return 1\n    return 2\n", ("if a:", "if a is not None:")),
    (
        f.CONDITION,
        "def f(a, b, c):\n    if a or b and c:\n        return 1\n    return 2\n",
        ("a or b and", "(a or b) and"),
    ),
    (f.CONDITION, "def f(a, b):\n    if a is None or b > 1:\n        return 1\n    return 2\n", ("a is None or ", "")),
    (f.CONDITION, "def f(n):\n    for i in range(n):\n        print(i)\n", ("range(n)", "range(n + 1)")),
    (f.CONDITION, "def f(n):\n    for i in range(n):\n        print(i)\n", ("range(n)", "range(1, n)")),
    (f.CONDITION, "def f(a, i):\n    return a[i + 1]\n", ("i + 1", "i")),
    (f.CONDITION, "def f(a, k):\n    return a[:k]\n", ("[:k]", "[k:]")),
    (f.CONDITION, "def f(a):\n    return a[0]\n", ("a[0]", "a[-1]")),
    (f.CONDITION, "def f(a, k):\n    for x in a:\n        print(x, a[:k])\n", ("in a:", "in a[k:]:")),
    (
        f.CONDITION,
        "def f(n, m):\n    if n == 0:\n        return m\n    return f(n, m)\n",
        ("f(n, m)\n", "f(n - 1, m)\n"),
    ),
    (f.OPERAND, "def f(a, b):\n    return a - b\n", ("a - b", "a + b")),
    (f.OPERAND, "def f(a, b):\n    return a - b\n", ("a - b", "b - a")),
    (f.OPERAND, "def f(a, b):\n    a ^= b - 1\n    return a\n", ("^=", "&=")),
    (f.OPERAND, "def f(a, b):\n    return a - b * 2\n", ("a - b * 2", "(a - b) * 2")),
    (f.OPERAND, "def f(a, b):\n    return (a - b) * 2\n", ("(a - b)", "a - b")),
    (f.OPERAND, "def f(low, high):\n    x = low\n    return g(x, low)\n", ("g(x, low)", "g(x, high)")),
    (f.OPERAND, "def f(n):\n    print(n.left)\n    return n.right\n", ("return n.right", "return n.left")),
    (f.OPERAND, "def f(a, b, m):\n    m[a] = m[b]\n    return m[a]\n", ("return m[a]", "return m[b]")),
    (f.OPERAND, "def f(m, r, c):\n    return m[c][r]\n", ("m[c][r]", "m[r][c]")),
    (f.OPERAND, "def f(a, b):\n    return (b, a)\n", ("(b, a)", "(a, b)")),
    (f.OPERAND, "def f(a):\n    rest = f(a[1:])\n    return [x for x in rest]\n", ("return [", "return rest + [")),
    (f.OPERAND, "def f(k, less):\n    return f(k, less)\n", ("f(k, less)\n", "f(k - less, less)\n")),
    (
        f.OPERAND,
        "class A:\n    def __init__(self):\n        self.n = 0\n\n    def g(self):\n        return n\n",
        ("return n", "return self.n"),
    ),
    (
        f.OPERAND,
        "class A:\n    def __init__(self):\n        self.n = 0\n\n    def g(self):\n        n = 1\n",
        ("  n = 1", "  self.n = 1"),
    ),
    (f.OPERAND, "def total():\n    return 1\n\n\ndef f():\n    return totl()\n", ("totl", "total")),
    (f.CALL, "def f(a, b):\n    return g(a, b)\n", ("g(a, b)", "g(b, a)")),
    (f.CALL, "def f(a):\n    return any(a)\n", ("any", "all")),
    (f.CALL, "def f(a):\n    return min(a)\n", ("min", "max")),
    (f.CALL, "def f(a):\n    a.append(1)\n    return a\n", ("append", "extend")),
    (f.CALL, "def f(a):\n    return a.pop()\n", ("a.pop()", "a.pop(0)")),
    (f.CALL, "def f(a):\n    return sorted(a)\n", ("sorted(a)", "sorted(a, reverse=True)")),
    (f.CALL, "def f(a):\n    return str(a)\n", ("str(a)", "a")),
    (f.WRAPPING, "def g(x):\n    return x\n\n\ndef f(a):\n    b = g(1)\n    return a\n", ("return a", "return g(a)")),
    (f.CALL, "def g(x, y=1):\n    return x\n\n\ndef f(x, y):\n    return g(x)\n", ("g(x)\n", "g(x, y=y)\n")),
    (f.CALL, "def g(x, size=1):\n    return x\n\n\ndef f(x):\n    return g(x, sise=2)\n", ("sise=", "size=")),
    (f.WRAPPING, "def f(a, b):\n    a = (b, b + 1)\n    return a\n", ("b + 1)", "max(b, b + 1))")),
    (f.VALUE, "def f():\n    n = 1\n    return n\n", ("n = 1", "n = 0")),
    (f.VALUE, "def f(k):\n    if k:\n        return []\n    return [1]\n", ("return []", "return [[]]")),
    (f.VALUE, "def f(k):\n    return g(k, True)\n", ("True", "False")),
    (f.VALUE, "def f(k):\n    best = 0\n    return best + len(k)\n", ("best = 0", "best = k[0]")),
    (f.VALUE, "def f(c, w):\n    c[w] = 1\n    return c\n", ("c[w] = 1", "c[w] += 1")),
    (f.VALUE, "def f(c):\n    n = 0\n    n += c\n    return n\n", ("n += c", "n = c")),
    (f.VALUE, "def f(u):\n    u['address'] = 1\n    return u['adress']\n", ("adress", "address")),
    (
        f.VALUE,
        "def f(a):\n    rows = []\n    rows.append(a[1:])\n    b = list(a)\n    return b\n",
        ("(a[1:])", "(a[1:][:])"),
    ),
    (f.VALUE, "def f(n, m):\n    return [[0] * n] * m\n", ("[[0] * n] * m", "[[0] * n for _ in range(m)]")),
    (
        f.VALUE,
        "def f(a, b=[]):\n    b.append(a)\n    return b\n",
        ("b=[]):\n", "b=None):\n    if b is None:\n        b = []\n"),
    ),
    (
        f.VALUE,
        "def f():\n    n = 0\n\n    def g():\n        n += 1\n        return n\n\n    return g\n",
        ("        n +=", "        nonlocal n\n        n +="),
    ),
    (f.STATEMENT, "def f(a):\n    b = 1\n    a.pop()\n    return b\n", ("    a.pop()\n", "")),
    (
        f.STATEMENT,
        "def f(a):\n    b = 1\n    a = b\n    return a\n",
        ("    b = 1\n    a = b\n", "    a = b\n    b = 1\n"),
    ),
    (
        f.STATEMENT,
        "def f(a):\n    for x in a:\n        print(x)\n        return x\n",
        ("        return x\n", "    return x\n"),
    ),
    (f.STATEMENT, "def f(a):\n    for x in a:\n        print(x)\n    a.pop()\n", ("    a.pop()", "        a.pop()")),
    (
        f.STATEMENT,
        "def f(n):\n    prev = None\n    while n:\n        n = n.next\n    return prev\n",
        ("        n = n", "        prev = n\n        n = n"),
    ),
    (
        f.STATEMENT,
        "def f(a):\n    seen = set()\n    for x in a:\n        print(x)\n    return seen\n",
        ("        print(x)\n", "        print(x)\n        seen.add(x)\n"),
    ),
    (
        f.STATEMENT,
        "def f(i):\n    i = 0\n    while i < 3:\n        print(i)\n",
        ("        print(i)\n", "        print(i)\n        i += 1\n"),
    ),
    (f.FLOW, "def f(a, b):\n    return a\n", ("return a", "return b")),
    (f.FLOW, "def f(a):\n    yield f(a)\n", ("yield f", "yield from f")),
    (f.FLOW, "def f(a):\n    f(a)\n", ("    f(a)", "    return f(a)")),
    (f.FLOW, "def f(a):\n    for x in a:\n        if x:\n            break\n", ("break", "continue")),
    (f.FLOW, "def f(a):\n    r = []\n    for x in a:\n        r.append(x)\n", ("(x)\n", "(x)\n    return r\n")),
    (
        f.FLOW,
        "def f(a):\n    for x in a:\n        if x:\n            print(x)\n",
        ("(x)\n", "(x)\n            break\n"),
    ),
    (f.FLOW, "def f(a):\n    if a:\n        a = g(a)\n    return a\n", ("if a", "while a")),
    (
        f.FLOW,
        "def f(a):\n    if a:\n        b = 1\n    else:\n        b = 2\n    return b\n",
        ("b = 1\n    else:\n        b = 2", "b = 2\n    else:\n        b = 1"),
    ),
    (
        f.FLOW,
        "def f(a):\n    if a:\n        a = 1\n    else:\n        a = 2\n    return a\n",
        ("    else:\n        a = 2", "    a = 2"),
    ),
    (f.FLOW, "def f(a):\n    raise KeyError(a)\n", ("KeyError", "ValueError")),
    (f.GUARD, "def f(a):\n    return a.next\n", ("    return", "    if a is None:\n        return None\n    return")),
    (
        f.GUARD,
        "def f(a):\n    return sum(a) / len(a)\n",
        ("    return", "    if not len(a):\n        return 0\n    return"),
    ),
    (
        f.GUARD,
        "def f(d, ks):\n    n = 0\n    for k in ks:\n        n += d[k]\n    return n\n",
        ("        n +=", "        if k not in d:\n            continue\n        n +="),
    ),
    (f.GUARD, "def f(d, k):\n    d = {}\n    return d[k]\n", ("d[k]", "d.get(k, 0)")),
    (
        f.GUARD,
        "def f(a):\n    while a.next:\n        a = a.next\n    return a\n",
        ("while a.next", "while a is not None and a.next"),
    ),
    (
        f.GUARD,
        "def f(a):\n    if a.next is None:\n        return False\n    return True\n",
        ("if a", "if a is None or a"),
    ),
    (
        f.GUARD,
        "def f(a):\n    try:\n        return int(a)\n    except KeyError:\n        return 0\n",
        ("KeyError", "ValueError"),
    ),
    (
        f.GUARD,
        "from t import MyError\n\n\ndef f(a):\n    try:\n        return g(a)\n    except KeyError:\n        return 0\n",
        ("except KeyError", "except MyError"),
    ),
    (f.GUARD, "def f(n):\n    return n * f(n - 1)\n", ("    return", "    if n <= 1:\n        return 1\n    return")),
    (
        f.GUARD,
        "def f(a, b):\n    if isinstance(a, dict):\n        return 1\n    while a:\n        a = b\n    return a\n",
        ("while a:", "while a and not isinstance(a, dict):"),
    ),
    (
        f.GUARD,
        "class A:\n    def on(self):\n        if self.kind in ('x', 'y'):\n            return 1\n        return 2\n\n"
        "    def f(self, n):\n        if n:\n            n = self.kind\n        return n\n",
        ("if n:", "if n and self.kind not in ('x', 'y'):"),
    ),
    (
        f.GUARD,
        "def f(a, b):\n    if isinstance(a, int):\n        return 1\n    if a == 2:\n        return b\n    return a\n",
        ("a == 2:", "a == 2 or isinstance(b, int):"),
    ),
    (
        f.GUARD,
        "def g(x):\n    return isinstance(x, (str, bytes))\n\n\n"
        "def f(a):\n    if a:\n        return a[0]\n    return ''\n",
        ("if a:", "if a and isinstance(a, (str, bytes)):"),
    ),
    (
        f.GUARD,
        "class A:\n    def f(self, hashes: 'Hashes | None'):\n        if not self.hash:\n            return False\n"
        "        return hashes.have(self.hash)\n",
        ("if not self.hash:", "if hashes is None or not self.hash:"),
    ),
    (
        f.GUARD,
        "def f(a, limit=None):\n    if a > 3:\n        return 1\n    return 2\n",
        ("if a > 3:", "if limit is not None and a > 3:"),
    ),
    (
        f.GUARD,
        "class A:\n    def f(self):\n        while len(self.d) >= self.limit:\n            self.d.pop()\n",
        (
            "        while len(self.d) >= self.limit:\n            self.d.pop()",
            "        if self.limit:\n            while len(self.d) >= self.limit:\n                self.d.pop()",
        ),
    ),
    (
        f.GUARD,
        "def f(pairs, d):\n    for old, new in pairs:\n        d[new] = d.pop(old)\n    return d\n",
        ("        d[new]", "        if new == old:\n            continue\n        d[new]"),
    ),
    (
        f.GUARD,
        "class A:\n    def f(self, key, name, value):\n        self.css[key][name] = value\n",
        ("        self.css", "        if key not in self.css:\n            self.css[key] = {}\n        self.css"),
    ),
    (
        f.GUARD,
        "def f(rows):\n    d = {}\n    for k, v in rows:\n        d[k].append(v)\n    return d\n",
        ("        d[k]", "        if k not in d:\n            d[k] = []\n        d[k]"),
    ),
    (f.GUARD, "def f(e):\n    return e.text.strip()\n", ("e.text.strip()", "e.text.strip() if e.text else ''")),
    (f.UNCOMMON, "def f(a):\n    return a\n", ("return a", "return sorted(a)")),
]


@pytest.mark.parametrize(("family", "code", "change"), CASES, ids=lambda value: getattr(value, "name", None))
def test_the_repair_is_among_those_tried(
    repairs: Repairs, family: f.Family, code: str, change: tuple[str, str]
) -> None:
    before, after = change
    wanted = code.replace(before, after, 1) if code.count(before) == 1 else _last(code, before, after)
    assert wanted != code
    assert ODD + wanted in repairs(ODD + code, family)


def _last(code: str, before: str, after: str) -> str:
    head, _, tail = code.rpartition(before)
    return head + after + tail


@pytest.mark.parametrize("family", f.FAMILIES, ids=lambda family: family.name)
def test_every_candidate_is_a_new_program_with_the_rest_as_it_was(repairs: Repairs, family: f.Family) -> None:
    code = (
        "LIMIT = 3\n\n\n"
        "def tally( rows,key = 'n' ):\n"
        '    """Add up."""\n'
        "    # what was seen\n"
        "    seen=set( )\n"
        "    total = 0   # so far\n"
        "    for i, row in enumerate(rows):\n"
        "        if row[key] in seen or i >= LIMIT: continue\n"
        "        total += row[key] ; seen.add( row[key] )\n"
        "        # next\n"
        "    return total\n\n\n"
        "def other( ):\n"
        "    return {  'a':1 }\n"
    )
    texts = repairs(code, family, "tally")
    assert texts
    assert len(set(texts)) == len(texts)
    for text in texts:
        ast.parse(text)
        assert text != code
        assert text.endswith("\n\n\ndef other( ):\n    return {  'a':1 }\n")
        assert "    # what was seen\n" in text
        assert '    """Add up."""\n' in text
