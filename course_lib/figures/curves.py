"""What the pictures of measurements share: the names on them, and the looks by which curves are told apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from course_lib.figures.style import COLOURS
from course_lib.language import say

# Blue, vermilion, green and purple are kept for attention. A curve is known by its line and marker as well as by colour.
LOOKS: tuple[dict[str, Any], ...] = tuple(
    {"color": COLOURS[colour], "linestyle": line, "marker": marker}
    for colour, line, marker in (
        ("ink", "-", "s"),
        ("warning", "--", "o"),
        ("accent", ":", "^"),
        ("input", "-.", "D"),
    )
)


def label(name: str, **values: object) -> str:
    """The text ``curves.<name>`` of the catalogue, in the session's language."""
    return say(f"curves.{name}", **values)


def check_count(count: int, most: int = len(LOOKS)) -> None:
    """Refuse more curves than there are looks.

    Raises:
        ValueError: if ``count`` is greater than ``most``.
    """
    if count > most:
        raise ValueError(f"{count} curves, at most {most} can be told apart")


def check_names(found: Collection[str], known: Collection[str]) -> None:
    """Refuse a name that has no label here.

    Raises:
        ValueError: for an unknown name, or for none at all.
    """
    unknown = [name for name in found if name not in known]
    if unknown or not found:
        raise ValueError(f"unknown names {unknown}: use some of {', '.join(known)}")


def check_lengths(count: int, rows: Mapping[str, Sequence[Any]]) -> None:
    """Refuse a curve that does not have a value, or values, for each place on the axis.

    Raises:
        ValueError: naming the first such curve.
    """
    for name, values in rows.items():
        if len(values) != count:
            raise ValueError(f"{name!r} has {len(values)} values for {count} places")
