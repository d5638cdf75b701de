"""The map of the course in JupyterLab: a click on a part opens its lesson there, in a tab; a broken link opens none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import specimen
from notebook_page import NotebookPage

from course_lib.lessons import find

MAP = "from course_lib.explorers import explore_course_map\n\nexplore_course_map()"
BROKEN = """from IPython.display import HTML

HTML(explore_course_map()._repr_html_().replace("06_encoder", "06_decoder").replace("tx-course_map-", "tx-course_map-b"))"""
BY_MOUSE, BY_KEY, BY_TABLE, IN_TEXT = (find(number).notebook().name for number in (3, 4, 7, 5))
WRONG = find(6).notebook().name.replace("06_encoder", "06_decoder")

Open = Callable[[Path], NotebookPage]


@pytest.fixture(scope="module")
def show(browser, server, tmp_path_factory) -> Iterator[Open]:
    """Opens a notebook in JupyterLab with all its tabs, in a folder that holds (empty) lessons."""
    empty = specimen.write(tmp_path_factory.mktemp("empty") / "empty.ipynb", {})
    for name in (BY_MOUSE, BY_KEY, BY_TABLE, IN_TEXT):
        server.serve(empty, f"map/{name}")
    pages = []

    def open_page(notebook: Path) -> NotebookPage:
        page = NotebookPage(browser, server.address)
        pages.append(page)
        page.open(server.serve(notebook, f"map/{notebook.name}"), alone=False)
        return page

    yield open_page
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def window(show, tmp_path_factory) -> NotebookPage:
    """The map as it is, the map with a broken link, and a text with a link, after *run all*."""
    cells = {"map": MAP, "broken": BROKEN, "text": f"#: Next: [the lesson]({IN_TEXT})"}
    page = show(specimen.write(tmp_path_factory.mktemp("map") / "map.ipynb", cells))
    page.run_all()
    return page


def opened(page: NotebookPage, name: str, seconds: float) -> bool:
    """Whether JupyterLab shows a notebook of this name in a tab within these seconds; then the map is in front again."""
    tabs = "[...window.jupyterapp.shell.widgets('main')]"
    path = "([name]) => " + tabs + ".some(one => one.context?.path === 'map/' + name && one.isVisible)"
    found = page.eventually(path, name, seconds=seconds)
    page.js(f"() => window.jupyterapp.shell.activateById({tabs}[0].id)")
    page.settle()
    return found


@pytest.mark.parametrize(
    ("name", "key"), [(BY_MOUSE, None), (BY_KEY, "Enter"), (IN_TEXT, None)], ids=["mouse", "keyboard", "text"]
)
def test_a_link_opens_the_lesson_in_a_tab(window, name, key):
    link = window.page.locator(f".jp-Notebook a[href*='{name}']")
    if key:
        link.first.focus()
        window.page.keyboard.press(key)
    else:
        link.first.click()
    assert opened(window, name, seconds=20)
    assert len(window.page.context.pages) == 1 and window.faults() == []


def test_a_broken_link_opens_nothing(window):
    # At its upper edge: below lie the parts that the block holds.
    window.page.locator(f".jp-Notebook a[href*='{WRONG}']").first.click(position={"x": 90, "y": 15})
    assert not opened(window, WRONG, seconds=5)


def test_the_table_of_an_untrusted_copy_leads_to_the_lesson(window, show, tmp_path):
    copy = tmp_path / "untrusted.ipynb"
    # Downloaded: the server has never seen this text run.
    copy.write_text(window.as_saved().replace("explore_course_map()", "explore_course_map( )"), encoding="utf-8")
    page = show(copy)
    assert page.js("() => course.untrusted()")
    page.page.locator(".jp-OutputArea table a", has_text="07 ·").first.click()
    assert opened(page, BY_TABLE, seconds=20) and page.faults() == []
