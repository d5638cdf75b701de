"""Pictures: only from the allowed folders, only harmless ones, named by their content."""

from __future__ import annotations

import os

import pytest
from card_tools import PNG

from course_lib.cards.media import PictureError, Pictures, packed_name, read_renamed, svg_is_active
from course_lib.cards.notes import compile_notes

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


def code_of(pictures: Pictures, name: str) -> str:
    with pytest.raises(PictureError) as error:
        pictures.read(name)
    return error.value.code


@pytest.fixture
def vault(tmp_path):
    root = tmp_path / "vault"
    (root / "attachments").mkdir(parents=True)
    (root / "a.png").write_bytes(PNG)
    (root / "attachments" / "b.png").write_bytes(PNG + b"b")
    (tmp_path / "secret.png").write_bytes(PNG + b"secret")
    return root


def test_a_picture_is_found_by_name_as_obsidian_finds_it(vault):
    pictures = Pictures([vault])
    assert pictures.read("a.png") == (PNG, ".png")
    assert pictures.read("some/old/folder/a.png") == (PNG, ".png")
    assert pictures.read("b.png") == (PNG + b"b", ".png")
    assert pictures.read("c.png") is None


def test_a_decomposed_file_name_is_found_by_the_composed_one(vault):
    (vault / "и\u0306.png").write_bytes(PNG)
    assert Pictures([vault]).read("й.png") is not None


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "../../etc/x.png",
        "sub/../../secret.png",
        "/etc/x.png",
        "~/x.png",
        "C:\\x.png",
        "..\\secret.png",
    ],
)
def test_names_that_leave_the_roots_are_errors_whether_the_file_exists_or_not(vault, name):
    assert code_of(Pictures([vault]), name) == "PICTURE_PATH"


def check_links_out_are_refused(vault) -> None:
    """A link out of the roots, to a file or through a folder, stops the build and nothing is written."""
    (vault / "link.png").symlink_to(vault.parent / "secret.png")
    (vault / "images").symlink_to(vault.parent)
    note = vault / "note.md"
    for name in ("link.png", "images/secret.png", "secret.png"):
        note.write_text(f"q\n?\n![[{name}]]\n", "utf-8")
        report = compile_notes([note], vault / "out.apkg", lang="en")
        assert report.codes() == ["PICTURE_PATH"] and report.exit_code == 1, name
        assert not (vault / "out.apkg").exists()


def test_links_out_are_refused(vault):
    check_links_out_are_refused(vault)


def test_a_link_inside_the_roots_is_fine_unless_it_is_no_picture(vault):
    (vault / "inside.png").symlink_to(vault / "a.png")
    assert Pictures([vault]).read("inside.png") == (PNG, ".png")
    (vault / "text.txt").write_text("x")
    (vault / "masked.png").symlink_to(vault / "text.txt")
    assert code_of(Pictures([vault]), "masked.png") == "PICTURE_PATH"


def test_what_is_no_file_is_not_read(vault):
    (vault / "dir.png").mkdir()
    os.mkfifo(vault / "pipe.png")
    (vault / "loop.png").symlink_to("loop.png")
    assert [Pictures([vault]).read(name) for name in ("dir.png", "pipe.png", "loop.png")] == [None] * 3


def test_a_file_must_hold_what_its_suffix_promises(vault):
    (vault / "page.png").write_bytes(b"<html><script>x</script>")
    assert code_of(Pictures([vault]), "page.png") == "NOT_A_PICTURE"


def test_names_in_the_package_follow_the_content(vault):
    assert packed_name(PNG, ".png") == packed_name(bytes(PNG), ".png") != packed_name(PNG + b"b", ".png")


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>", '<rect onclick="x"/>', "<foreignObject/>", '<image href="https://a.example/b.png"/>',
        '<use xlink:href="other.svg#a"/>', '<a href="javascript:x"><text>y</text></a>',
        '<set attributeName="href" to="javascript:x"/>', "<style>@import 'x.css'</style>",
        '<rect style="fill:url(https://a.example)"/>', '<h:script xmlns:h="http://www.w3.org/1999/xhtml">x</h:script>',
        '<image href="data:image/svg+xml;base64,AAAA"/>', "<style>rect{fill:url(&quot;http://x&quot;)}</style>",
    ],
)  # fmt: skip
def test_active_svg_is_refused(vault, inner):
    (vault / "x.svg").write_text(SVG.format(inner), "utf-8")
    assert code_of(Pictures([vault]), "x.svg") == "ACTIVE_SVG"


@pytest.mark.parametrize(
    "whole",
    [
        '<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format("&a;"),
        '<?xml-stylesheet href="x.css"?>' + SVG.format(""),
        "<!DOCTYPE svg [<!ELEMENT a ANY>]>" + SVG.format(""),
        "<svg><rect></svg>", "not xml",
    ],
)  # fmt: skip
def test_entities_style_sheets_and_broken_svg_are_refused(whole):
    assert svg_is_active(whole.encode())


def test_a_drawing_passes(vault):
    drawing = (
        '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
        + SVG.format(
            '<metadata><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></metadata>'
            "<style>*{stroke-linejoin:round}</style><defs><path id='p' d='M0 0'/></defs>"
            "<g clip-path='url(#c)'><use xlink:href='#p'/><image href='data:image/png;base64,AAAA'/><text>x</text></g>"
        )
    )
    (vault / "x.svg").write_text(drawing, "utf-8")
    assert Pictures([vault]).read("x.svg")[1] == ".svg"


def test_the_picture_map_renames_and_its_new_names_are_checked_too(vault):
    path = vault / "embeds.toml"
    path.write_text('"Pasted image 9.png" = "a.png"\n"evil.png" = "../secret.png"\n"talk.pdf" = "b.png"\n', "utf-8")
    pictures = Pictures([vault], read_renamed(path))
    assert pictures.read("Pasted image 9.png") == (PNG, ".png")
    assert code_of(pictures, "evil.png") == "PICTURE_PATH"
    path.write_text("a = 1\n")
    with pytest.raises(ValueError, match="old name"):
        read_renamed(path)
