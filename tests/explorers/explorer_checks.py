"""What holds for every explorer whose kind names its three files: bytes, texts, colours."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from course_lib.explorers import Explorer, page
from course_lib.language import LANGUAGES

PACKAGE = Path(page.__file__).parent


def assert_bytes_hang_on_the_language_alone(
    test_module: str, made: Callable[[str, str], Explorer], kinds: Sequence[str]
) -> None:
    """Another process, with other hashes, writes the same pages; ``made`` is what the test module calls so, too."""
    code = (
        f"import hashlib, {test_module} as t\n"
        "for lang in t.LANGUAGES:\n"
        f"  for kind in {tuple(kinds)!r}:\n"
        "    print(hashlib.sha256(t.made(kind, lang)._repr_html_().encode()).hexdigest())"
    )
    environment = {"PYTHONPATH": str(PACKAGE.parents[1]), "PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, env=environment, capture_output=True, text=True, check=True
    )
    here = [hashlib.sha256(made(kind, lang)._repr_html_().encode()).hexdigest() for lang in LANGUAGES for kind in kinds]
    assert done.stdout.split() == here and len(set(here)) == len(LANGUAGES) * len(kinds)


def assert_texts_match_and_are_used(texts: Mapping[str, Mapping[str, str]], kind: str) -> None:
    """The texts of a kind have the same fields and numbers in both languages, and each is used in its code or script."""
    python, script = ((PACKAGE / f"{kind}.{end}").read_text("utf-8") for end in ("py", "js"))
    own = {key: wording for key, wording in texts.items() if key.startswith(f"explorer.{kind}.")}
    assert len(own) >= 20
    for key, wording in own.items():
        for pattern in (r"\{\w+\}", r"\d{2,}"):
            found = [sorted(re.findall(pattern, wording[lang])) for lang in LANGUAGES]
            assert found[0] == found[1], key
        word = key.removeprefix(f"explorer.{kind}.").removeprefix("ui.")
        numbered = re.sub(r"\d+$", "", word)
        uses = [f"words.{word}", f'"{word}"', f".{kind}.{word}"] + [f'words["{numbered}" +'] * (numbered != word)
        assert any(re.search(re.escape(use) + r"(?!\w)", python + script) for use in uses), key


def assert_style_names_no_colour(kind: str) -> None:
    """Colours come from the palette's variables alone."""
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgb|\bhsl", (PACKAGE / f"{kind}.css").read_text("utf-8"))
