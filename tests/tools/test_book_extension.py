"""What the Sphinx extension does to the built book, piece by piece."""

import base64
import re

import pytest
from sphinx.errors import ExtensionError

from tools.book_extension import (
    lab_button,
    mathjax_files,
    trimmed,
    used_icons,
    with_figure_files,
)

FONT = (
    'var i={bars:[448,512,["navicon"],"f0c9","M0 96"],"circle-dot":[512,512,[],"f192",'
    '["M1","M2"]],x:[1,1,[],"f00d","M3"]};go(i)'
)


def test_icons_are_found_in_pages_and_scripts():
    assert used_icons(['<i class="fas fa-bars fa-lg">', "'fa-chevron-down'"]) == {
        "bars",
        "lg",
        "chevron-down",
    }


def test_only_used_icons_stay_and_the_rest_of_the_script_is_untouched():
    assert trimmed(FONT, {"bars"}) == 'var i={bars:[448,512,["navicon"],"f0c9","M0 96"],};go(i)'
    assert trimmed(FONT, {"navicon"}) == trimmed(FONT, {"bars"}), "other names count"
    assert trimmed(FONT, {"circle-dot"}) == (
        'var i={"circle-dot":[512,512,[],"f192",["M1","M2"]],};go(i)'
    )


def test_a_script_of_another_form_is_refused():
    with pytest.raises(ExtensionError, match="new form"):
        trimmed("var icons = 1", {"bars"})


def test_mathjax_comes_from_a_package_with_its_fonts():
    files = mathjax_files()
    assert files["tex-chtml.js"].stat().st_size > 500_000
    assert sum(name.endswith(".woff") for name in files) > 10


def test_figures_become_files_and_only_those_of_another_moment_wait(tmp_path):
    shown, other = (base64.b64encode(content).decode() for content in (b"still", b"before"))
    body = (
        f'<p>Text</p><img alt="a" src="data:image/webp;base64,{other}" hidden>'
        f'<img alt="b" src="data:image/webp;base64,{shown}"><img src="own.png">'
    )
    page = with_figure_files(body, tmp_path / "_images", lambda name: f"../_images/{name}")
    first, second = re.findall(r'src="\.\./_images/([0-9a-f]{16}\.webp)"', page)
    assert (tmp_path / "_images" / first).read_bytes() == b"before"
    assert (tmp_path / "_images" / second).read_bytes() == b"still"
    assert page == (
        f'<p>Text</p><img alt="a" src="../_images/{first}" loading="lazy" hidden>'
        f'<img alt="b" src="../_images/{second}"><img src="own.png">'
    )


def test_the_lab_button_leads_to_the_notebook_under_make_lab():
    button = lab_button("notebooks/02_baseline_autoencoder")
    assert button["url"].endswith("/lab/tree/notebooks/02_baseline_autoencoder.ipynb")
