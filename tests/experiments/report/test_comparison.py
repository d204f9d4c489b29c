"""The comparison page and its table."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from evaluated import write_tiny_run
from pages import Page

from experiments.compare import compare

# What a name may hold.
TEXT = "</script> & <b> {}"


@pytest.fixture(scope="module")
def compared(corpus, tmp_path_factory):
    """`(page, table)` of two methods, the first with two seeds."""
    folder = tmp_path_factory.mktemp("compared")
    change = {"optimizer": {"beta_1": 0.5}}
    paths = [
        write_tiny_run(folder / "uni_seed0", corpus, 0.2, TEXT),
        write_tiny_run(folder / "uni_seed1", corpus, 0.2, TEXT, seed=1),
        write_tiny_run(folder / "other", corpus, 4.0, TEXT, items=8, **change),
    ]
    table = compare(
        paths,
        str(folder / "compare.html"),
        map_run=paths[2],
        picture=str(folder / "differences.png"),
    )
    assert (folder / "differences.png").stat().st_size > 10_000
    page = Page((folder / "compare.html").read_text(encoding="utf-8"))
    return page, table


@pytest.fixture(scope="module")
def page(compared):
    return compared[0]


def section(page, name):
    return page.source.split(f'<section id="{name}">')[1].split("</section>")[0]


def test_the_page_needs_no_other_file(page):
    for address in page.addresses:
        assert address.startswith(("#", "data:image/png;base64,"))
    source = page.source
    assert "url(http" not in source and "@import" not in source
    assert "<script src" not in source and "import(" not in source
    assert "fetch(" not in source and "<b> item" not in source
    # The points as data, and the program that shows them.
    assert source.count("</script>") == 2


def test_runs_methods_and_what_differs(page):
    assert "3 runs of 2 methods on 2 tasks. The baseline is uni." in page.text
    assert section(page, "runs").count("<tr>") == 1 + 3
    rows = re.findall(
        r'<td data-label="">(.*?)</td>', section(page, "options"), re.DOTALL
    )
    assert rows == ["optimizer.beta_1", "seed"]
    assert "0.98" not in section(page, "options")


def test_results_and_what_is_best(page):
    results = section(page, "results")
    assert results.count("<h3>") == 3
    assert "image to text" in results and "zero-shot" in results
    rows = {
        row.split("</td>")[0].split(">")[-1]: row
        for row in re.findall(r"<tr>(.*?)</tr>", results, re.DOTALL)
    }
    row = rows["top1"]
    assert re.search(r'data-label="uni">100.0 % <span class="best">', row)
    assert re.search(r"<small>[\d.]+ to [\d.]+ %</small>", row)


def test_differences_with_their_intervals(page):
    differences = section(page, "differences")
    assert 'data-label="items">8<small>1 not in common' in differences
    (difference,) = re.findall(
        r"top1</td>.*?interval\">(.*?)</td>", differences, re.DOTALL
    )
    assert re.fullmatch(r"-[\d.]+ to -[\d.]+", difference)
    assert "other seeds" in differences
    for svg in re.findall(r"<svg.*?</svg>", differences, re.DOTALL):
        path = ElementTree.fromstring(svg).findall("path")[1].get("d")
        low, high = map(float, re.fullmatch(r"M(.*) 7H(.*)", path).groups())
        assert 0 <= low <= high <= 120


def test_seeds_stand_apart(page):
    seeds = section(page, "seeds")
    assert "by seed" in seeds and 'data-label="method">uni<' in seeds
    assert 'data-label="method">other<' not in seeds
    assert re.search(r'data-label="single runs">[\d.]+\u00a0%, ', seeds)


def test_the_curves_of_a_method_share_its_color(page):
    curves = section(page, "curves")
    titles = re.findall(r"<strong>(.*?)</strong>", curves)
    assert titles == [
        "Training loss",
        "Validation: image to text, R@1",
        "Validation: loss",
        "Temperature: image-image",
        "Temperature: image-text",
        "Offset: image-text",
    ]
    svg = re.findall(r"<svg.*?</svg>", curves, re.DOTALL)[2]
    ElementTree.fromstring(svg)
    assert svg.count("stroke: var(--series-1)") == 2
    assert svg.count("stroke: var(--series-2)") == 1
    assert "series-3" not in svg


def test_the_map_can_be_pointed_at(page):
    space = section(page, "map")
    assert "as other sees it" in page.text
    assert space.count('class="point"') == 8 + 8
    # A single stop of the Tab key; arrows go on.
    assert space.count('tabindex="0"') == 1
    assert space.count('aria-label="text: &lt;/script&gt;') == 8


def test_the_table_lines_up(compared):
    lines = compared[1].splitlines()
    notes = [line for line in lines if "are left out" in line]
    assert len(notes) == 3 and notes[0].startswith("test, image to text: other")
    table = lines[: lines.index(notes[0])]
    assert len({len(line) for line in table}) == 1
    assert re.match("task +metric +method +result +95 % interval", lines[0])
    best = next(line for line in lines if "top1" in line)
    assert re.match(r"test/zero, zero shot +top1 +uni +100.0 %\*", best)
    other = lines[lines.index(best) + 1]
    assert re.match(r" +other +[\d.]+ %  +[\d.]+ to [\d.]+ %  +-\d", other)
