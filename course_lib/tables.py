"""Tables in a notebook's output: Markdown where it is rendered, one line a row elsewhere."""

from __future__ import annotations

from collections.abc import Sequence


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]], plain: Sequence[str] | None = None) -> None:
    """Display a table.

    Args:
        head: the columns' names.
        rows: the cells, in Markdown; as many in each row as there are columns.
        plain: the rows as lines of plain text, where the cells themselves would not do.
    """
    lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |" for cells in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(head))
    _show("\n".join([" · ".join(row) for row in rows] if plain is None else plain), "\n".join(lines))


def _show(plain: str, markdown: str) -> None:
    from IPython import get_ipython

    if get_ipython() is None:
        print(plain)
        return
    from IPython.display import display

    display({"text/plain": plain, "text/markdown": markdown}, raw=True)
