"""A notebook in a real JupyterLab, driven through Chromium: the harness of the browser tests and of tools/screenshots.py.

JupyterLab runs in folders of its own, so neither settings nor kernels of the person who runs it are touched, and the
browser resolves no name but this machine's, so nothing leaves it. What happens in the page is defined in
``in_page.js``. Every wait is for a state (the kernel has answered, nothing in the notebook moves), never for a time.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, Playwright

HERE = Path(__file__).parent
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    # All cells in the page at once: a cell outside the window would be an empty frame.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A request to another machine is still seen and reported; it just finds nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)
RUN_SECONDS = 400
"""For a whole lesson, on a machine that does other things as well."""


def launch(playwright: Playwright, chromium: str) -> Browser:
    """A headless browser, from the path of Chromium's program; never one that Playwright would download."""
    return playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_OPTIONS))


def own_folders(folder: Path) -> dict[str, str]:
    """An environment in which Jupyter and IPython keep everything in ``folder`` and read no one's settings."""
    kinds = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
    return dict(environment, IPYTHONDIR=str(folder / "ipython"), COURSE_PROGRESS="off", **kinds)


def free_port() -> int:
    """A port on which nothing listens now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def started(
    command: list[str], environment: dict[str, str], address: str, log: Path, cwd: Path | None = None
) -> Iterator[None]:
    """Run a server in the folder ``cwd`` until the block ends; the block begins when it answers.

    Raises:
        RuntimeError: with the end of its log, if it ends by itself or does not answer within two minutes.
    """
    with log.open("w") as stream:
        server = subprocess.Popen(command, cwd=cwd, env=environment, stdout=stream, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/api/status", timeout=2).close()
                break
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"JupyterLab does not answer:\n{log.read_text(encoding='utf-8')[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        server.send_signal(signal.SIGTERM)  # it ends its kernels, too
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def save_png(picture: bytes, path: Path) -> None:
    """Write a picture, packed as small as PNG allows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(picture)).convert("RGB").save(path, optimize=True)


class Server:
    """A running JupyterLab.

    Attributes:
        address: of its root, without a slash at the end.
        root: the folder whose notebooks it serves.
    """

    def __init__(self, address: str, root: Path) -> None:
        self.address, self.root = address, root

    def serve(self, notebook: Path, name: str) -> str:
        """Put a copy of a notebook where the server finds it; returns ``name``, a path below the root."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(notebook, target)
        return name


@contextlib.contextmanager
def jupyterlab() -> Iterator[Server]:
    """A JupyterLab of its own, with an empty root folder; it ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in ("root", "settings"):
            (folder / part).mkdir()
        (folder / "settings" / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--port-retries=0",
            "--allow-root",
            "--IdentityProvider.token=",
            f"--ServerApp.root_dir={folder / 'root'}",
            f"--LabApp.app_settings_dir={folder / 'settings'}",
            "--LabApp.expose_app_in_browser=True",
        ]
        address = f"http://127.0.0.1:{port}"
        with started(command, own_folders(folder), address, folder / "log"):
            yield Server(address, folder / "root")


class NotebookPage:
    """One notebook in one browser window.

    Args:
        browser: where to open the window; a context of its own, so that nothing is shared with other windows.
        address: the server's.
        width: of the window in CSS pixels.
        height: of the window in CSS pixels.
        scale: device pixels per CSS pixel.

    Attributes:
        page: Playwright's page.
    """

    def __init__(
        self, browser: Browser, address: str, *, width: int = 1280, height: int = 1000, scale: float = 1
    ) -> None:
        self._context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=scale)
        self._context.set_default_timeout(60_000)
        self._context.add_init_script(path=HERE / "in_page.js")
        self.page: Page = self._context.new_page()
        self._address = address
        self._faults: list[str] = []
        self._height = height
        self.page.on("pageerror", lambda error: self._faults.append(f"JavaScript error: {error}"))
        self.page.on("console", self._on_console)
        self.page.on("request", lambda request: self._on_request(request.url))
        self.page.on("websocket", lambda socket: self._on_request(socket.url))

    def _on_console(self, message: Any) -> None:
        if message.type == "error":
            self._faults.append(f"console: {message.text}")

    def _on_request(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname != "127.0.0.1":
            self._faults.append(f"request that leaves the machine: {url[:120]}")

    def faults(self) -> list[str]:
        """JavaScript errors and requests to other machines since the last call, in words."""
        found, self._faults[:] = [*self._faults], []
        return found

    def js(self, function: str, *arguments: Any) -> Any:
        """Call a JavaScript function of one list: ``js("([i]) => …", i)``; ``course`` is what in_page.js defines."""
        return self.page.evaluate(function, list(arguments))

    # ----------------------------------------------------------------------------------------------- opening

    def open(self, name: str, theme: str = "light", *, alone: bool = True) -> None:
        """Show a notebook, by itself or in JupyterLab as a learner has it, and wait until nothing moves any more."""
        mode = "doc" if alone else "lab"
        self.page.goto(f"{self._address}/{mode}/tree/{urllib.parse.quote(name)}?reset", wait_until="domcontentloaded")
        self._wait_until_open(name)
        self.use_theme(theme, at_once=False)
        self.settle()

    def follow(self, cell: str, name: str) -> None:
        """Click the last link to the notebook ``name`` in a cell, and wait until that notebook is shown."""
        self.show(cell)
        target = name.rsplit("/", 1)[-1]
        self.page.locator(f".jp-Notebook-cell.jp-mod-active a[href*='/{target}']:visible").last.click()
        self._wait_until_open(name)
        self.settle()

    def _wait_until_open(self, name: str) -> None:
        self.page.wait_for_function(
            "name => { const shown = window.jupyterapp?.shell.currentWidget?.context; "
            "return shown?.isReady && shown.path === name; }",
            arg=name,
        )
        self.js("() => Promise.all([window.jupyterapp.restored, course.panel().revealed])")
        self.page.wait_for_function(
            "() => course.panel().sessionContext.session?.kernel?.status === 'idle'", timeout=120_000
        )

    def use_theme(self, theme: str, *, at_once: bool = True) -> None:
        """Switch to a theme, ``"light"`` or ``"dark"``; it is a setting of the server's, so every page sets it."""
        name = THEMES[theme]
        if at_once and self.page.locator(f"body[data-jp-theme-name='{name}']").count():
            return
        self.js("([name]) => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
        self.page.wait_for_selector(f"body[data-jp-theme-name='{name}']", state="attached")
        self.settle()

    def resize(self, width: int, height: int | None = None) -> None:
        """Make the window so wide, and as high as it was made at first if nothing else is said."""
        size = {"width": width, "height": height or self._height}
        if self.page.viewport_size != size:
            self.page.set_viewport_size(size)
            self.settle()

    def settle(self, quiet: int = 400) -> None:
        """Wait until the kernel has done all that it was told and the notebook has not changed for ``quiet`` ms."""
        self.js("([quiet]) => course.settle(quiet)", quiet)

    def eventually(self, condition: str, *arguments: Any, seconds: float = 10) -> bool:
        """Whether a JavaScript condition of one list becomes true in time."""
        from playwright.sync_api import TimeoutError as Late

        try:
            self.page.wait_for_function(condition, arg=list(arguments), timeout=1000 * seconds)
        except Late:
            return False
        return True

    def close(self) -> None:
        """End the notebook's kernel and close the window."""
        with contextlib.suppress(Exception):
            self.js("() => course.panel().sessionContext.shutdown()")
        self._context.close()

    # ----------------------------------------------------------------------------------------------- the notebook

    def press(self, keys: str) -> None:
        """Press keys together, ``"Shift+Enter"``, and wait for what comes of it."""
        self.page.keyboard.press(keys)
        self.settle()

    def run_all(self) -> None:
        """Restart the kernel and run every cell; an error ends the run, as it does for a learner."""
        self.js("([seconds]) => course.restartAndRunAll(seconds)", RUN_SECONDS)
        self.settle()

    def as_saved(self) -> str:
        """The text of the file that JupyterLab would save now."""
        return self.js("() => JSON.stringify(course.panel().context.model.toJSON(), null, 1)")

    def show(self, cell: str) -> None:
        """Put the cell with this id at the top of the window.

        Raises:
            KeyError: if the notebook has no such cell.
        """
        if not self.js("([id]) => course.show(id)", cell):
            raise KeyError(cell)
        self.settle()

    def edit(self, cell: str, source: str | None = None) -> None:
        """Click into a cell and, if a source is given, replace what stands there, by keyboard."""
        self.show(cell)
        self.page.locator(".jp-Notebook-cell.jp-mod-active .cm-content").click()
        if source is not None:
            self.page.keyboard.press("Control+A")
            self.page.keyboard.insert_text(source)  # as pasted: JupyterLab would add indentation of its own
        self.settle()

    def output(self, cell: str) -> str:
        """The text below a cell, as a reader sees it."""
        return self.js(
            "([id]) => course.cells().find(cell => cell.model.id === id).outputArea.node.innerText", cell
        ).strip()
