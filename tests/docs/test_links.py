"""The check of a built site finds what leads nowhere, and what would be loaded from elsewhere."""

import pytest

from perjoule.docs.making.links import faults, main

HOME = '<h1 id="top">Home</h1><a href="how-to/a.html#one">a</a><link rel="stylesheet" href="s.css">'
PAGE = '<h2 id="one">One</h2><a href="../index.html">home</a><a href="https://a.org/">a</a>'


def site(folder, home=HOME, page=PAGE, style="a { color: red }"):
    (folder / "how-to").mkdir()
    (folder / "index.html").write_text(home)
    (folder / "how-to" / "a.html").write_text(page)
    (folder / "s.css").write_text(style)
    return folder


def test_a_whole_site_has_no_faults(tmp_path, capsys):
    assert main(iter([str(site(tmp_path))])) == 0
    assert "2 pages, 0 faults" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ('<a href="b.html">b</a>', "how-to/a.html: how-to/b.html is not there"),
        ('<a href="../index.html#no">b</a>', "how-to/a.html: index.html has no #no"),
        ('<a href="#two">b</a>', "how-to/a.html: how-to/a.html has no #two"),
        ('<a href="/no.html">b</a>', "how-to/a.html: no.html is not there"),
        ('<img src="no.png">', "how-to/a.html: how-to/no.png is not there"),
        ('<script src="//cdn.org/a.js">', "how-to/a.html: //cdn.org/a.js is loaded from elsewhere"),
        ('<a href="https://a b">b</a>', "how-to/a.html: 'https://a b' is no address"),
        ('<a href="mailto:me">b</a>', "how-to/a.html: 'mailto:me' is no address"),
    ],
)
def test_a_fault_is_told_with_its_page(tmp_path, more, fault):
    assert faults(site(tmp_path, page=PAGE + more)) == [fault]


def test_a_page_that_nothing_leads_to_and_a_style_from_elsewhere_are_faults(tmp_path):
    style = "@import 'https://fonts.org/a.css'; b { background: url(https://a.org/b.png) }"
    assert faults(site(tmp_path, home='<link rel="icon" href="s.css">', style=style)) == [
        "how-to/a.html: no page leads to it",
        "s.css: https://a.org/b.png is loaded from elsewhere",
        "s.css: https://fonts.org/a.css is loaded from elsewhere",
    ]


def test_no_site_is_a_fault(tmp_path):
    assert main(iter([str(tmp_path)])) == 1
