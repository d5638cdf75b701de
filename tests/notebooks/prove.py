"""Prove that the validation of notebooks can fail: spoil every output of every cell, and see each fault caught.

    python tests/notebooks/prove.py [NOTEBOOK …]        all English lessons by default

Every cell runs once, in a real kernel, under the real ``pytest --nbval``. What the kernel answered is recorded; then,
for each fault, the cell's stored side is spoiled and the whole test of the cell runs again with the answers replayed.
So hundreds of faults cost one run of the lesson, and each goes through every hook that a plain run goes through.
"""

from __future__ import annotations

import base64
import copy
import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_output
from PIL import Image, PngImagePlugin

from course_lib import notebook_rules as rules
from course_lib.lessons import NOTEBOOKS
from course_lib.validation import strict_nbval

Fault = tuple[str, Callable[[NotebookNode], None]]
"""What is wrong, and a function that makes it wrong in a copy of the cell."""


def _other_character(text: str) -> str:
    """The text with its last digit or letter replaced by another one."""
    return re.sub(r"[0-9a-zA-Z](?=[^0-9a-zA-Z]*\Z)", lambda m: "7" if m[0] != "7" else "8", text)


def _repainted(png: str, paint: Callable[[np.ndarray], np.ndarray]) -> str:
    """A picture with changed pixels, and the same text fields: the version of matplotlib stays."""
    image = Image.open(io.BytesIO(base64.b64decode(png)))
    fields = PngImagePlugin.PngInfo()
    for key, value in image.info.items():
        if isinstance(value, str):
            fields.add_text(key, value)
    buffer = io.BytesIO()
    Image.fromarray(paint(np.array(image.convert("RGB")))).save(buffer, "png", pnginfo=fields)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _blank(pixels: np.ndarray) -> np.ndarray:
    return np.full_like(pixels, 255)


def _stroke(pixels: np.ndarray) -> np.ndarray:
    """A line of 2 % of the height and 10 % of the width."""
    height, width = pixels.shape[:2]
    pixels[height // 2 : height // 2 + max(2, height // 50), width // 4 : width // 4 + width // 10] = [255, 0, 0]
    return pixels


def _shifted(pixels: np.ndarray) -> np.ndarray:
    return np.roll(pixels, 3, axis=1)


def _cropped(pixels: np.ndarray) -> np.ndarray:
    return pixels[:-4]


def _set(n: int, change: Callable[[NotebookNode], None]) -> Callable[[NotebookNode], None]:
    return lambda cell: change(cell.outputs[n])


def _swap(n: int) -> Callable[[NotebookNode], None]:
    def swap(cell: NotebookNode) -> None:
        cell.outputs[n], cell.outputs[n + 1] = cell.outputs[n + 1], cell.outputs[n]

    return swap


def faults_of_output(n: int, output: NotebookNode) -> Iterator[Fault]:
    """The ways to spoil the ``n``-th output of a cell."""
    yield f"output {n} removed", lambda cell: cell.outputs.pop(n)
    if output.output_type == "stream":
        yield f"output {n}: a character", _set(n, lambda o: o.update(text=_other_character(o.text)))
        yield f"output {n}: a space", _set(n, lambda o: o.update(text=o.text + " "))
        yield f"output {n}: no line left", _set(n, lambda o: o.update(text=""))
        yield f"output {n}: another stream", _set(n, lambda o: o.update(name="stderr"))
        return
    yield f"output {n} doubled", lambda cell: cell.outputs.insert(n, copy.deepcopy(cell.outputs[n]))
    if output.output_type == "error":
        yield f"output {n}: the message", _set(n, lambda o: o.update(evalue=_other_character(o.evalue)))
        yield f"output {n}: the class", _set(n, lambda o: o.update(ename="OtherError"))
        return
    swapped = "execute_result" if output.output_type == "display_data" else "display_data"
    yield f"output {n}: {swapped}", _set(n, lambda o: o.update(output_type=swapped))
    yield f"output {n}: metadata", _set(n, lambda o: o.metadata.update({"alt": "another"}))
    for mime, content in output.data.items():
        yield f"output {n}: {mime} removed", _set(n, lambda o, mime=mime: o.data.pop(mime))
        if mime == "image/png":
            for paint in (_blank, _stroke, _shifted, _cropped):
                what = f"output {n}: picture{paint.__name__.replace('_', ' ')}"
                yield what, _set(n, lambda o, p=paint: o.data.update({"image/png": _repainted(o.data["image/png"], p)}))
        elif isinstance(content, str):
            changed = _other_character(content)
            changed = changed if changed != content else content + "x"
            yield f"output {n}: {mime}", _set(n, lambda o, mime=mime, text=changed: o.data.update({mime: text}))


def faults(cell: NotebookNode) -> Iterator[Fault]:
    """Every fault that must be caught in a cell; in the timing cell, those that are not about its outputs' content."""
    yield "never run", lambda cell: cell.update(execution_count=None)
    yield "never run, no outputs", lambda cell: cell.update(execution_count=None, outputs=[])
    yield "run out of order", lambda cell: cell.update(execution_count=cell.execution_count + 1)
    yield "code edited, prints nothing", lambda cell: cell.update(source=cell.source + "\nNone;")
    yield "tag added", lambda cell: cell.metadata.update(tags=["nbval-ignore-output", "nbval-skip"])
    if rules.TIMING_TAG in rules.tags(cell):
        return
    yield "an output too many", lambda cell: cell.outputs.append(new_output("display_data", {"text/plain": "x"}))
    if not any(output.get("name") == "stdout" for output in cell.outputs):
        yield "a line too many", lambda cell: cell.outputs.append(new_output("stream", text="x\n"))
    for n, output in enumerate(cell.outputs):
        yield from faults_of_output(n, output)
        if n + 1 < len(cell.outputs):
            yield f"outputs {n} and {n + 1} swapped", _swap(n)


class _Recording:
    """A kernel that notes down what it answers."""

    def __init__(self, kernel: Any) -> None:
        self._kernel, self.messages, self.id = kernel, [], None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernel, name)

    def execute_cell_input(self, *args: Any, **kwargs: Any) -> str:
        self.id = self._kernel.execute_cell_input(*args, **kwargs)
        return self.id

    def get_message(self, *args: Any, **kwargs: Any) -> dict:
        message = self._kernel.get_message(*args, **kwargs)
        # What a widget sends beside the text comes as memory of the socket's, which cannot be copied.
        message["buffers"] = [bytes(buffer) for buffer in message.get("buffers", [])]
        self.messages.append(copy.deepcopy(message))
        return message


class _Replay:
    """A kernel that gives the recorded answers again."""

    def __init__(self, recording: _Recording) -> None:
        self._id, self._messages = recording.id, iter(copy.deepcopy(recording.messages))

    def is_alive(self) -> bool:
        return True

    def execute_cell_input(self, *_: Any, **__: Any) -> str:
        return self._id

    def await_reply(self, *_: Any, **__: Any) -> None:
        pass

    def await_idle(self, *_: Any, **__: Any) -> None:
        pass

    def get_message(self, *_: Any, **__: Any) -> dict:
        return next(self._messages)


class Prover:
    """A pytest plugin: after a cell has passed, its test again for each fault, and once unspoiled."""

    def __init__(self) -> None:
        self.caught: list[str] = []
        self.missed: list[str] = []
        self.broken: list[str] = []
        self._replaying = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: Any) -> Any:
        if self._replaying or not hasattr(item, "cell"):
            return (yield)
        kernel = item.parent.kernel
        item.parent.kernel = recording = _Recording(kernel)
        try:
            result = yield
            if not self._passes(item, recording, lambda cell: None):
                self.broken.append(f"{item.path.stem} {item.cell.id}: fails when replayed unspoiled")
            for what, spoil in faults(item.cell):
                passed = self._passes(item, recording, spoil)
                (self.missed if passed else self.caught).append(f"{item.path.stem} {item.cell.id}: {what}")
        finally:
            item.parent.kernel = kernel
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: Any) -> None:
        config.pluginmanager.unregister(name="terminalreporter")

    def pytest_internalerror(self, excrepr: Any) -> None:
        self.broken.append(str(excrepr))

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        if call.excinfo is not None:
            self.broken.append(f"{item.nodeid}: {call.excinfo.exconly()}")

    def _passes(self, item: Any, recording: _Recording, spoil: Callable[[NotebookNode], None]) -> bool:
        """Whether the test of a cell passes over a spoiled copy of its notebook."""
        from nbval.plugin import NbCellError

        cell, nb, kernel = item.cell, item.parent.nb, item.parent.kernel
        spoiled = copy.deepcopy(nb)
        place = next(n for n, other in enumerate(nb.cells) if other is cell)
        spoil(spoiled.cells[place])
        item.cell, item.parent.nb, item.parent.kernel = spoiled.cells[place], spoiled, _Replay(recording)
        self._replaying = True
        try:
            item.ihook.pytest_runtest_call(item=item)
        except NbCellError:
            return False
        finally:
            self._replaying = False
            item.cell, item.parent.nb, item.parent.kernel = cell, nb, kernel
        return True


def prove(paths: list[Path]) -> Prover:
    """Run notebooks under strict nbval with every fault; see :class:`Prover` for what comes back."""
    prover = Prover()
    strict_nbval(paths, [], [prover])
    return prover


def main(names: list[str]) -> int:
    """Print what was caught and what was missed; 0 if all was caught."""
    paths = [Path(name).resolve() for name in names] or [x.notebook() for x in NOTEBOOKS if x.written]
    proof = prove(paths)
    for line in [*(f"BROKEN  {x}" for x in proof.broken), *(f"MISSED  {x}" for x in proof.missed)]:
        print(line)
    print(f"{len(proof.caught)} of {len(proof.caught) + len(proof.missed)} faults caught")
    return 1 if proof.missed or proof.broken or not proof.caught else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
