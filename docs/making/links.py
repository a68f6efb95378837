"""Links of a built site: what one page says of another must be there, and nothing may be loaded.

    python -m perjoule.docs.making.links build/site

Addresses elsewhere are checked by their form alone, so this needs no network.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LOADED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "video": "src"}
"""Elements whose address a browser loads by itself; `link` by its kind."""
LOADED_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "dns-prefetch"}
IN_STYLES = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


@dataclass
class Page(HTMLParser):
    """What a page refers to, and which places of it can be referred to."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element names."""
        found = {name: value or "" for name, value in attrs}
        self.anchors.update(found[name] for name in ("id", "name") if name in found)
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and LOADED_LINKS & {*found.get("rel", "").split()}:
            self.loads.append(found.get("href", ""))
        if LOADED.get(tag) in found:
            self.loads.append(found[LOADED[tag]])
        for part in found.get("srcset", "").split(","):
            self.loads += part.split()[:1]


def read_page(path: Path) -> Page:
    """Read a page."""
    page = Page()
    page.feed(path.read_text("utf-8"))
    return page


def faults(site: Path) -> list[str]:
    """One line for each address that leads nowhere, or is loaded from elsewhere; sorted."""
    site = site.resolve()
    pages = {path: read_page(path) for path in site.rglob("*.html")}
    places: dict[str, list[str]] = {}
    linked = {site / "index.html", site / "404.html"}
    for path, page in pages.items():
        for address in {*page.links, *page.loads}:
            fault = _fault(address, path, site, pages, address in page.loads)
            if fault:
                places.setdefault(fault, []).append(str(path.relative_to(site)))
            elif (there := _file(address, path, site)) != path:
                linked.add(there)
    for path in sorted(site.rglob("*.css")):
        for match in IN_STYLES.finditer(path.read_text("utf-8")):
            address = match[1] or match[2]
            if _is_elsewhere(address):
                places.setdefault(f"{address} is loaded from elsewhere", []).append(path.name)
    for path in sorted(pages.keys() - linked):
        places.setdefault("no page leads to it", []).append(str(path.relative_to(site)))
    return sorted(_sentence(fault, where) for fault, where in places.items())


def _sentence(fault: str, where: list[str]) -> str:
    more = f" and {len(where) - 1} more" if len(where) > 1 else ""
    return f"{min(where)}{more}: {fault}"


def _fault(address: str, path: Path, site: Path, pages: dict[Path, Page], loaded: bool) -> str:
    """Why an address on a page cannot stay; empty if it can."""
    if _is_elsewhere(address):
        if loaded:
            return f"{address} is loaded from elsewhere"
        return "" if _is_well_formed(address) else f"{address!r} is no address"
    if loaded and address.startswith("data:"):
        return ""
    there, anchor = _file(address, path, site), unquote(urldefrag(address).fragment)
    name = there.relative_to(site) if there.is_relative_to(site) else address
    if not there.is_file():
        return f"{name} is not there"
    if anchor and there in pages and anchor not in pages[there].anchors:
        return f"{name} has no #{anchor}"
    return ""


def _file(address: str, path: Path, site: Path) -> Path:
    """The file that an address on a page means, if it is one of the site."""
    plain = unquote(urlsplit(address).path)
    there = site / plain.lstrip("/") if plain.startswith("/") else path.parent / plain
    there = path if not plain else there.resolve()
    return there / "index.html" if there.is_dir() else there


def _is_elsewhere(address: str) -> bool:
    return address.startswith("//") or (bool(urlsplit(address).scheme) and address[:5] != "data:")


def _is_well_formed(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme == "mailto":
        return "@" in parts.path
    host = parts.hostname or ""
    return parts.scheme in ("http", "https") and "." in host and not re.search(r"\s", address)


def main(arguments: Iterator[str]) -> int:
    """Print the faults of a site; the exit code."""
    site = Path(next(arguments, "build/site"))
    found = faults(site)
    print(*found, sep="\n", end="\n" if found else "")
    pages = len(list(site.rglob("*.html")))
    print(f"{pages} pages, {len(found)} faults of links", file=sys.stderr)
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main(iter(sys.argv[1:])))
