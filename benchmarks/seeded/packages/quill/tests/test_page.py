from quill.page import Page

TEXT = """# Birds

Some *small* ones:

- wren
- robin
  1. male
  2. female
- tit

## Sound

> as heard
> in May

```py
sing(<loud>)
```
"""


def test_blocks():
    assert Page(TEXT).html().splitlines() == [
        '<h1 id="birds">Birds</h1>',
        "<p>Some <em>small</em> ones:</p>",
        "<ul><li>wren</li><li>robin<ol><li>male</li><li>female</li></ol></li><li>tit</li></ul>",
        '<h2 id="sound">Sound</h2>',
        "<blockquote><p>as heard in May</p></blockquote>",
        '<pre><code class="language-py">sing(&lt;loud&gt;)</code></pre>',
    ]


def test_title_and_contents():
    page = Page(TEXT)
    assert page.title == "Birds"
    assert page.contents() == (
        '<ul><li><a href="#birds">Birds</a><ul><li><a href="#sound">Sound</a></li></ul></li></ul>'
    )


def test_the_same_page_twice():
    page = Page("# A\n\n[x](/x)\n")
    assert page.html() == page.html()
    assert page.links == ["/x"]
