"""Pictures in an Obsidian vault: found where Obsidian finds them, and never outside of it."""

from __future__ import annotations

import json
import os
import zipfile

import pytest
from card_tools import NOW, PNG

from course_lib.cards import vault as vaults
from course_lib.cards.notes import compile_notes
from course_lib.cards.vault import Vault


@pytest.fixture
def vault(tmp_path):
    """A vault with a note two folders deep, and a picture outside of it."""
    root = tmp_path / "vault"
    (root / ".obsidian").mkdir(parents=True)
    (root / "учёба" / "нлп").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(PNG + b"secret")
    return root


def settings(vault, content) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (vault / ".obsidian" / "app.json").write_text(text, "utf-8")


def put(vault, *names: str, content: bytes = PNG) -> None:
    for name in names:
        (vault / name).parent.mkdir(parents=True, exist_ok=True)
        (vault / name).write_bytes(content + name.encode())


def packed(vault, embed: str, note: str = "учёба/нлп/note.md", **options):
    """The report of a note with one embed, and the pictures that were packed, by what was appended to their bytes."""
    (vault / note).write_text(f"q\n?\n{embed}\n", "utf-8")
    report = compile_notes([vault / note], vault / "out.apkg", lang="en", now=NOW, **options)
    if report.output is None:
        return report.codes(), []
    with zipfile.ZipFile(report.output) as archive:
        names = json.loads(archive.read("media"))
        return report.codes(), [archive.read(number)[len(PNG) :].decode() for number in names]


@pytest.mark.parametrize(
    ("folder", "place"),
    [
        ("/", "pic.png"),
        ("", "pic.png"),
        ("./", "учёба/нлп/pic.png"),
        (".", "учёба/нлп/pic.png"),
        ("./картинки", "учёба/нлп/картинки/pic.png"),
        ("файлы/вложения", "файлы/вложения/pic.png"),
        ("/файлы", "файлы/pic.png"),
        ("файлы\\вложения", "файлы/вложения/pic.png"),
    ],
)
def test_obsidians_attachment_folder_is_searched_first(vault, folder, place):
    settings(vault, {"attachmentFolderPath": folder})
    put(vault, place, "другая/pic.png", "ещё/одна/pic.png")
    assert packed(vault, "![[pic.png|300]]") == ([], [place])


def test_without_the_setting_attachments_lie_in_the_vault_itself(vault):
    settings(vault, {"alwaysUpdateLinks": True})
    put(vault, "pic.png", "другая/pic.png")
    assert packed(vault, "![[pic.png]]") == ([], ["pic.png"])


@pytest.mark.parametrize("content", ["{", "[1]", '{"attachmentFolderPath": 7}', "", "[" * 100_000])
def test_settings_that_cannot_be_read_are_told_and_ignored(vault, content):
    settings(vault, content)
    put(vault, "учёба/нлп/pic.png")
    assert packed(vault, "![[pic.png]]") == (["VAULT_SETTINGS"], ["учёба/нлп/pic.png"])


@pytest.mark.parametrize("folder", ["../", "./../../..", "a/../../..", "/../secret"])
def test_an_attachment_folder_outside_the_vault_is_told_and_not_searched(vault, folder):
    settings(vault, {"attachmentFolderPath": folder})
    put(vault.parent, "pic.png")
    assert packed(vault, "![[pic.png]]") == (["VAULT_OUTSIDE", "MISSING_PICTURE"], [])


def test_an_attachment_folder_that_is_a_link_out_of_the_vault_is_not_searched(vault):
    settings(vault, {"attachmentFolderPath": "вложения"})
    (vault.parent / "elsewhere").mkdir()
    put(vault.parent, "elsewhere/pic.png")
    (vault / "вложения").symlink_to(vault.parent / "elsewhere")
    assert packed(vault, "![[pic.png]]") == (["VAULT_OUTSIDE", "MISSING_PICTURE"], [])


def test_a_bare_name_is_found_anywhere_in_the_vault(vault):
    put(vault, "архив/2023/Снимок экрана.PNG")
    assert packed(vault, "![[снимок экрана.png]]") == ([], ["архив/2023/Снимок экрана.PNG"])
    assert packed(vault, "![](old/place/снимок%20экрана.png)") == ([], ["архив/2023/Снимок экрана.PNG"])


def test_of_several_the_nearest_is_taken_and_told(vault):
    put(vault, "учёба/картинки/pic.png", "архив/pic.png", "учёба/нлп/глубже/ещё/pic.png")
    codes, pictures = packed(vault, "![[pic.png]]")
    assert codes == ["PICTURE_AMBIGUOUS"] and pictures == [], "two steps up and down, or two steps down"
    put(vault, "учёба/нлп/глубже/pic.png")
    codes, pictures = packed(vault, "![[pic.png]]")
    assert codes == ["PICTURE_PICKED"] and pictures == ["учёба/нлп/глубже/pic.png"]


def test_equally_near_pictures_are_refused_and_strict_stops_the_build(vault):
    put(vault, "a/pic.png", "b/pic.png")
    assert packed(vault, "![[pic.png]]") == (["PICTURE_AMBIGUOUS"], [])
    assert packed(vault, "![[a/pic.png]]") == ([], ["a/pic.png"])
    assert packed(vault, "![[pic.png]]", strict=True) == (["PICTURE_AMBIGUOUS"], [])


def test_a_relative_path_may_climb_inside_the_vault_and_not_out_of_it(vault):
    put(vault, "учёба/картинки/pic.png")
    assert packed(vault, "![](../картинки/pic.png)") == ([], ["учёба/картинки/pic.png"])
    for name in ("../../../secret.png", "../../secret.png/../../../secret.png", "../../../vault/../secret.png"):
        assert packed(vault, f"![]({name})")[0] == ["PICTURE_PATH"], name


def test_links_out_of_the_vault_are_refused_and_folders_behind_links_not_entered(vault):
    (vault / "deep").mkdir()
    (vault / "deep" / "link.png").symlink_to(vault.parent / "secret.png")
    assert packed(vault, "![[link.png]]") == (["PICTURE_PATH"], [])
    (vault / "deep" / "outside").symlink_to(vault.parent)
    assert packed(vault, "![[secret.png]]") == (["MISSING_PICTURE"], [])
    os.symlink(vault, vault / "deep" / "loop")
    assert packed(vault, "![[none.png]]") == (["MISSING_PICTURE"], [])


def test_hidden_folders_are_passed_over(vault):
    put(vault, ".trash/pic.png", ".obsidian/themes/pic.png")
    assert packed(vault, "![[pic.png]]") == (["MISSING_PICTURE"], [])


def test_a_large_vault_is_looked_through_as_far_as_the_limit_and_that_is_told_once(vault, monkeypatch):
    monkeypatch.setattr(vaults, "MAX_ENTRIES", 20)
    put(vault, *(f"a/{number:02}.txt" for number in range(30)), "b/pic.png")
    codes, pictures = packed(vault, "![[pic.png]] ![[other.png]]")
    assert codes == ["MISSING_PICTURE", "VAULT_TOO_LARGE", "MISSING_PICTURE"] and pictures == []


def test_the_innermost_vault_counts_and_without_one_nothing_else_is_searched(vault, tmp_path):
    inner = vault / "учёба"
    (inner / ".obsidian").mkdir()
    put(vault, "outer.png")
    put(inner, "deep/inner.png")
    assert packed(vault, "![[outer.png]] ![[inner.png]]")[1] == ["учёба/deep/inner.png".removeprefix("учёба/")]
    assert Vault.around(tmp_path / "note.md") is None
    (tmp_path / "note.md").write_text("q\n?\n![[inner.png]]", "utf-8")
    assert compile_notes([tmp_path / "note.md"], tmp_path / "o.apkg", lang="en").codes() == ["MISSING_PICTURE"]


def test_two_pictures_of_one_name_meet_in_one_deck(vault):
    put(vault, "a/pic.png", "b/pic.png")
    assert sorted(packed(vault, "![[a/pic.png]] ![[b/pic.png]]")[1]) == ["a/pic.png", "b/pic.png"]
