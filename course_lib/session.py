"""The first line of every lesson: one call that makes a session reproducible and sets its language and style."""

from __future__ import annotations

import random

from course_lib import progress
from course_lib.language import use_language
from course_lib.lessons import LESSONS, PRIMER

SEED = 0
_lesson: int | None = None


def start(lesson: int | str, lang: str = "en") -> None:
    """Prepare the session for a lesson; prints nothing.

    Fixes the seeds of ``random``, NumPy and PyTorch, keeps PyTorch on one thread (small tensors run faster so, and sums
    are added in one order), prints four decimals, and sets the figures' style and the language of everything
    ``course_lib`` says.

    Args:
        lesson: the lesson's number, 0 to 8, or ``"primer"``; :func:`course_lib.claims.claim` accepts only claims that
            this lesson executes, in the primer none.
        lang: ``"en"`` or ``"ru"``.

    Raises:
        ValueError: for an unknown lesson or language.
    """
    global _lesson
    if lesson != PRIMER.slug and lesson not in range(len(LESSONS)):
        raise ValueError(
            f"there is no lesson {lesson!r}: the lessons are numbered 0 to {len(LESSONS) - 1}, besides {PRIMER.slug!r}"
        )
    use_language(lang)
    _lesson = None if isinstance(lesson, str) else lesson

    import numpy as np
    import torch

    from course_lib.figures.style import use_style

    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.set_printoptions(precision=4, sci_mode=False, linewidth=110)
    np.set_printoptions(precision=4, suppress=True, linewidth=110)
    use_style()
    progress.lesson_started(lesson)


def current_lesson() -> int | None:
    """The number that :func:`start` was called with, or None outside a lesson and in the primer."""
    return _lesson
