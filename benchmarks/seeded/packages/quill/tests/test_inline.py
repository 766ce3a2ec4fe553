from quill.inline import render


def test_emphasis():
    assert render("a **b** and *c*") == "a <strong>b</strong> and <em>c</em>"


def test_code_is_left_alone():
    assert render("`a *b* <c>`") == "<code>a *b* &lt;c&gt;</code>"


def test_links_are_collected():
    links = []
    assert render("[*here*](/a)", links) == '<a href="/a"><em>here</em></a>'
    assert links == ["/a"]
