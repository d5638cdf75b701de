"""A learner's working copy of the lessons, and JupyterLab on it.

The lessons that the clone holds are compared output by output, so nobody should edit them in place. ``course lab``
copies them into ``work/``, which git ignores, and opens the copy. A manifest remembers what each copy looked like when
it was made: a copy whose cells nobody changed follows the clone, a changed one is never written over.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from course_lib import lessons
from course_lib.language import LANGUAGES
from course_lib.lessons import NOTEBOOKS, LessonError

MANIFEST = ".copies.json"

SETTINGS = {
    # No question about news and no request to the network on the first start.
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}


@dataclass
class Update:
    """What :func:`update` did, as paths relative to the working copy."""

    new: list[str] = field(default_factory=list)
    refreshed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Edited copies of lessons that have changed in the clone since the copy was made."""


def content_hash(notebook: Path) -> str:
    """A hash of what a person writes in a notebook: the cells' kinds, sources and attachments, in order.

    Outputs and counts do not enter it: to run a lesson is not to edit it. A file that is no notebook (any more) is
    hashed as it is.
    """
    raw = notebook.read_bytes()
    try:
        cells = [
            [cell["cell_type"], "".join(cell["source"]), cell.get("attachments", {})]
            for cell in json.loads(raw)["cells"]
        ]
    except (ValueError, KeyError, TypeError):
        return hashlib.sha256(raw).hexdigest()
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode("utf-8")).hexdigest()


def notebooks(root: Path, langs: Sequence[str] = LANGUAGES) -> Iterator[Path]:
    """The built lessons of a clone in these languages, the primer last, as paths relative to ``notebooks/``."""
    for lang in langs:
        for lesson in NOTEBOOKS:
            path = replace(lesson, root=root).notebook(lang)
            if path.exists():
                yield path.relative_to(root / "notebooks")


def update(root: Path, work: Path) -> Update:
    """Bring the working copy ``work`` up to date with the lessons of the clone ``root``.

    A missing copy is made, an unedited one follows the clone, an edited one is left alone.

    Raises:
        FileNotFoundError: if the clone holds no lesson (the package was installed without one).
    """
    names = list(notebooks(root))
    if not names:
        raise FileNotFoundError(f"no lessons in {root / 'notebooks'}: this command needs a clone of the course")
    done = Update()
    manifest = _read_manifest(work)
    for name in names:
        original, copy, key = root / "notebooks" / name, work / name, name.as_posix()
        now = _file_hash(original)
        if not copy.exists():
            done.new.append(key)
        elif _file_hash(copy) == now:
            manifest[key] = {"original": now, "content": content_hash(copy)}
            continue
        else:
            made = manifest.get(key)
            if made and made["original"] == now:
                continue  # nothing new in the clone: the copy is whatever its owner made of it
            # What the clone holds now is no edit either, even where the manifest was lost.
            if content_hash(copy) not in {content_hash(original), made and made["content"]}:
                done.kept.append(key)
                continue
            done.refreshed.append(key)
        _copy(original, copy)
        manifest[key] = {"original": now, "content": content_hash(copy)}
    _write_manifest(work, manifest)
    return done


def reset(lesson: str, *, root: Path, work: Path, lang: str = "en") -> tuple[Path, Path | None]:
    """Put a clean copy of a lesson into the working copy.

    Args:
        lesson: its number or name, as :func:`course_lib.lessons.find` takes it.
        root: the clone.
        work: the working copy.
        lang: the language of the copy.

    Returns:
        The clean copy, and the backup of the copy that stood there if its cells had been edited, else ``None``.

    Raises:
        LessonError: if there is no such lesson.
    """
    name = find(lesson, root=root, lang=lang)
    original, copy = root / "notebooks" / name, work / name
    backup = None
    manifest = _read_manifest(work)
    clean = {content_hash(original), manifest.get(name.as_posix(), {}).get("content")}
    if copy.exists() and content_hash(copy) not in clean:
        backup = _free_name(work / "backups" / name)
        backup.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(copy, backup)
    _copy(original, copy)
    manifest[name.as_posix()] = {"original": _file_hash(original), "content": content_hash(copy)}
    _write_manifest(work, manifest)
    return copy, backup


def find(lesson: str, *, root: Path, lang: str = "en") -> Path:
    """The notebook of the lesson with this number or name, relative to ``notebooks/``.

    Raises:
        LessonError: if there is no such lesson, or it is not built yet; then it names those that are.
    """
    found = replace(lessons.find(lesson), root=root).notebook(lang)
    if not found.exists():
        there = ", ".join(name.stem for name in notebooks(root, [lang])) or "none"
        raise LessonError(f"lesson {found.stem} does not exist yet (so far: {there})")
    return found.relative_to(root / "notebooks")


def _free_name(path: Path) -> Path:
    """``path`` with the first number that is not taken: ``03_attention.1.ipynb``, ``03_attention.2.ipynb``, …"""
    number = 1
    while (candidate := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
        number += 1
    return candidate


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _copy(original: Path, copy: Path) -> None:
    """Copy by rename, so that an interrupted copy never leaves half a notebook."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    half = copy.with_name(f".{copy.name}.new")
    shutil.copyfile(original, half)
    os.replace(half, copy)


def _read_manifest(work: Path) -> dict[str, dict[str, str]]:
    try:
        return json.loads((work / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        # Unreadable: every copy that differs from the clone then counts as edited, which loses nothing.
        return {}


def _write_manifest(work: Path, manifest: dict[str, dict[str, str]]) -> None:
    work.mkdir(parents=True, exist_ok=True)
    half = work / f"{MANIFEST}.new"
    half.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(half, work / MANIFEST)


def has_screen(environment: dict[str, str] | None = None, platform: str = sys.platform) -> bool:
    """Whether a browser can show anything here: not over SSH, and on Linux only with a display server."""
    environment = dict(os.environ) if environment is None else environment
    if environment.get("SSH_CONNECTION"):
        return False
    if platform.startswith("linux"):
        return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
    return True


def command(work: Path, first: Path, *, browser: bool, port: int | None = None) -> list[str]:
    """The command that starts JupyterLab in the working copy ``work`` on the lesson ``first``."""
    started = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={work}",
        f"--LabApp.default_url=/lab/tree/{first.as_posix()}",
        "--ServerApp.log_level=WARN",
        "--LabApp.log_level=WARN",
        "--ServerApp.answer_yes=True",  # one Ctrl-C ends it
    ]
    if not browser:
        started.append("--no-browser")
    if port is not None:
        started.append(f"--ServerApp.port={port}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container one often is root, and JupyterLab refuses
        started.append("--allow-root")
    return started


def start(work: Path, first: Path, *, browser: bool, port: int | None = None) -> int:
    """Run JupyterLab until it is stopped; it prints its address. On POSIX this call does not return."""
    settings = work / ".jupyter"
    (settings / "labconfig").mkdir(parents=True, exist_ok=True)
    (settings / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    paths = [str(settings), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    environment = dict(os.environ, JUPYTER_CONFIG_PATH=os.pathsep.join(paths))
    arguments = command(work, first, browser=browser, port=port)
    sys.stdout.flush()
    if os.name != "nt":
        os.chdir(work)
        os.execve(arguments[0], arguments, environment)  # so that a signal to the command ends the server too
    process = subprocess.Popen(arguments, cwd=work, env=environment)
    try:
        return process.wait()
    except KeyboardInterrupt:  # JupyterLab got it too: let it end its kernels
        return process.wait()
