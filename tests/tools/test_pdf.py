"""Putting printed pages together: outline, order, and links that stay inside the book."""

import io

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import Link

from tools.pdf import merged


def part(pages, url=None):
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    if url:
        writer.add_annotation(0, Link(rect=(0, 0, 10, 10), url=url))
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_links_between_pages_stay_inside_and_others_stay_as_they_are():
    addresses = ["file:///a.html", "file:///b.html", "file:///c.html"]
    parts = [
        ("A", part(2, "file:///c.html#deep")),
        ("B", part(3, "https://example.org/c.html")),
        ("C", part(1)),
    ]
    buffer = io.BytesIO()
    merged(parts, addresses).write(buffer)
    book = PdfReader(buffer)
    assert len(book.pages) == 6
    assert [entry["/Title"] for entry in book.outline] == ["A", "B", "C"]
    assert [book.get_destination_page_number(entry) for entry in book.outline] == [0, 2, 5]
    inside = book.pages[0]["/Annots"][0].get_object()
    assert inside["/Dest"][0] == book.pages[5].indirect_reference
    assert "/A" not in inside
    outside = book.pages[2]["/Annots"][0].get_object()
    assert outside["/A"]["/URI"] == "https://example.org/c.html"


def test_a_part_without_an_address_is_refused():
    with pytest.raises(ValueError, match="zip"):
        merged([("A", part(1))], [])
