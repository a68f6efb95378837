"""Reading pages in tests."""

import json
import shutil
from html.parser import HTMLParser

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
VOID = {"meta", "link", "br", "hr", "img", "input", "path", "polyline"}


class Page(HTMLParser):
    """The elements, scripts and visible text of a page, contents aside; its nesting is checked."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.scripts, self.texts, self.open = [], [], [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            attributes, text = self.scripts.pop()
            self.scripts.append((attributes, text + data))
        elif not {"style", "nav"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    @property
    def figures(self):
        return [
            json.loads(text)
            for attributes, text in self.scripts
            if attributes.get("id", "").endswith("-data")
        ]

    def with_tag(self, name):
        return [attributes for tag, attributes in self.elements if tag == name]
