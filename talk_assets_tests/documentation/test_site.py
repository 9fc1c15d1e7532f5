"""The site that is built from docs/: whole, strict, and from this place alone."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from talk_assets_tests.installed import ROOT

# Attributes by which a browser fetches something without being asked to.
_LOADS = {"src", "srcset", "poster", "data", "background", "action", "formaction"}
_ELSEWHERE = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
_IN_STYLE = re.compile(r"""url\(\s*["']?((?:https?:)?//[^"')]+)|@import\s+["']((?:https?:)?//[^"']+)""", re.IGNORECASE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "true"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Loads(HTMLParser):
    """Everything that a page fetches from another host, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere, self.links, self.named = list[str](), list[str](), set[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        given = {name: value or "" for name, value in attrs}
        fetched = [value for name, value in given.items() if name in _LOADS or (tag == "link" and name == "href")]
        self.elsewhere += [value for value in fetched if _ELSEWHERE.match(value)]
        self.elsewhere += [found[0] or found[1] for found in _IN_STYLE.findall(given.get("style", ""))]
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if "id" in given:
            self.named.add(given["id"])

    def handle_data(self, data: str) -> None:
        """Look at a text, which may be a style."""
        self.elsewhere += [found[0] or found[1] for found in _IN_STYLE.findall(data)]


def read(page: Path) -> Loads:
    """Look at a page."""
    found = Loads()
    found.feed(page.read_text())
    return found


def test_every_page_is_in_the_navigation(site: Path) -> None:
    """A page is written and no reader of the site ever comes to it."""
    pages = {path.with_suffix(".html").name for path in (ROOT / "docs").glob("*.md")}
    start = (site / "index.html").read_text()
    navigation = start[start.index("md-nav--primary") :].partition("</nav>\n</div>")[0]
    assert pages <= {link.partition("#")[0] for link in re.findall(r'href="([^"]+)"', navigation)}


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """Who reads the site tells other companies so, and without a network it has no letters, style or pictures."""
    for page in site.rglob("*.html"):
        assert read(page).elsewhere == [], page.name
    for style in site.rglob("*.css"):
        assert _IN_STYLE.search(style.read_text()) is None, style.name


def test_links_lead_to_what_is_there(site: Path) -> None:
    """A reader ends at a page that is not found, as the link is right in the repository alone."""
    pages = {page.name: read(page) for page in site.glob("*.html") if page.name != "404.html"}
    for name, page in pages.items():
        for link in (each for each in page.links if not re.match(r"[a-z]+:", each)):
            path, _, anchor = link.partition("#")
            assert (site / path).exists(), f"{name}: {link}"
            if anchor and (path or name) in pages:
                assert anchor in pages[path or name].named, f"{name}: {link}"


def test_the_data_flow_has_its_picture(site: Path) -> None:
    """The page shows the words of a diagram, as drawing it would need a program from elsewhere."""
    text = (site / "dataflow.html").read_text()
    assert "flowchart LR" not in text
    assert '<svg viewBox="0 0 900' in text
    assert '<a href="#customer_accounts">' in text


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_links_in_the_repository_lead_to_what_is_there(page: Path) -> None:
    """A reader of the repository follows a link to a file that was renamed."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not re.match(r"[a-z]+:|#", link):
            assert (page.parent / link.partition("#")[0]).exists(), link


def test_every_picture_is_shown_and_is_taken_by_a_test() -> None:
    """A picture shows what Dagit looked like a year ago, as nobody takes it anew."""
    there = {path.stem for path in (ROOT / "docs/images").iterdir()}
    pages = "".join(page.read_text() for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))
    taken = set(re.findall(r'keep\("(\w+)"\)', (ROOT / "talk_assets_tests/test_browser.py").read_text()))
    assert there == set(re.findall(r"images/(\w+)\.png", pages))
    assert there <= taken
