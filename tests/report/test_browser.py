"""The report in a real browser: it opens without errors and requests, runs nothing of strangers', and can be used."""

import functools
import itertools
import json
import shutil
import tempfile

import numpy as np
import pytest
from made_report import HOSTILE, made_comparison, made_dataset
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from hybrid.evaluation.metrics import format_score
from hybrid.report import write_report

selenium = pytest.importorskip("selenium", reason="selenium is not installed: pip install -e .[dev]")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
missing = "chromium and chromedriver are not installed: apt-get install chromium-driver"
pytestmark = [pytest.mark.medium, pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=missing)]
QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SKILLS = {"svm-made": 1.5, "forest-made": 1.0, "xgboost-made": 1.7}
THEMES = ("light", "dark")


@pytest.fixture(scope="module")
def browser():
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in (*QUIET, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = Chrome(options=options, service=Service(DRIVER))
        yield driver
        driver.quit()


DATASETS = {
    "binary": lambda: made_dataset(192, HOSTILE[:2], ids=[HOSTILE[i % len(HOSTILE)] for i in range(192)]),
    "multiclass": lambda: made_dataset(192, HOSTILE, ids=[HOSTILE[i % len(HOSTILE)] for i in range(192)]),
    "multilabel": lambda: made_dataset(192, HOSTILE[:5], multilabel=True),
}


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory):
    """Return a function from a task to the path of a report full of strangers' names, and its comparison."""
    folder = tmp_path_factory.mktemp("reports")

    @functools.cache
    def make(task):
        dataset = DATASETS[task]()
        names = {"warnings": tuple(HOSTILE), "params": {"x": HOSTILE[0]}}
        comparison = made_comparison(folder / task, dataset, SKILLS, with_set=True, **names)
        return write_report(comparison, folder / f"{task}.html", dataset=dataset)[0], comparison

    return make


def open_page(browser, path, width=1280, theme="light"):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    )
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(path.as_uri())


def requests(browser):
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_it_opens_without_errors_or_requests_and_runs_nothing_of_strangers(browser, hostile_report, task):
    path, _ = hostile_report(task)
    open_page(browser, path)
    browser.execute_script("document.querySelectorAll('*').forEach(e => e.dispatchEvent(new MouseEvent('mouseover')))")
    assert browser.get_log("browser") == []
    assert [url for url in requests(browser) if not url.startswith("data:")] == [path.as_uri()]
    assert browser.execute_script("return window.hacked") is None
    assert browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)") == []
    handlers = "return [...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).map(a => a.name)"
    assert not [name for name in browser.execute_script(handlers) if name.startswith("on") or name == "style"]
    assert len(browser.execute_script("return [...document.scripts].filter(s => s.type !== 'application/json')")) == 1
    assert browser.execute_script("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")


def test_what_would_run_is_stopped_by_the_page_itself(browser, hostile_report):
    path, _ = hostile_report("binary")
    open_page(browser, path)
    browser.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; document.body.append(s);"
        "const i = document.createElement('img'); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i);"
    )
    assert browser.execute_script("return window.hacked") is None
    said = " ".join(entry["message"] for entry in browser.get_log("browser"))
    assert said.count("Content Security Policy") >= 2


def test_names_are_shown_as_text(browser, hostile_report):
    path, _ = hostile_report("multiclass")
    open_page(browser, path)
    text = browser.execute_script("return document.body.textContent")
    assert HOSTILE[0] in text
    assert HOSTILE[1] in text
    assert "{{7*7}}" in text
    assert "漢字 العربية" in text
    assert "�gpj.exe�" in text


COSTS = "#d1-models details table.sortable"


def column(browser, index):
    return browser.execute_script(
        f"return [...document.querySelector('{COSTS}').tBodies[0].rows]"
        ".map(r => r.cells[arguments[0]].dataset.value ?? r.cells[arguments[0]].querySelector('bdi').textContent)",
        index,
    )


def test_tables_are_sorted_by_mouse_and_by_keyboard(browser, hostile_report):
    from selenium.webdriver.common.keys import Keys

    open_page(browser, hostile_report("binary")[0])
    browser.find_element("css selector", "#d1-models details summary").click()
    table = browser.find_element("css selector", COSTS)
    headings = table.find_elements("css selector", "thead th")
    fit = next(i for i, heading in enumerate(headings) if heading.text.startswith("fit"))
    assert [h.get_attribute("aria-sort") for h in headings] == [None] * len(headings)
    button = headings[fit].find_element("tag name", "button")
    button.click()
    ascending = [float(value) for value in column(browser, fit)]
    assert ascending == sorted(ascending)
    assert ascending != sorted(ascending, reverse=True)
    assert headings[fit].get_attribute("aria-sort") == "ascending"
    button.send_keys(Keys.ENTER)
    assert [float(value) for value in column(browser, fit)] == sorted(ascending, reverse=True)
    assert headings[fit].get_attribute("aria-sort") == "descending"
    headings[0].find_element("tag name", "button").send_keys(Keys.SPACE)
    assert column(browser, 0) == ["forest", "svm", "xgboost"]
    assert headings[fit].get_attribute("aria-sort") is None


def explorer(browser):
    box = browser.find_element("css selector", ".explorer")
    shown = {e.get_attribute("data-of"): e.text for e in box.find_elements("css selector", "[data-of]")}
    return box, shown


def assert_counts(shown, truth, proba):
    said = proba >= float(shown["threshold"])
    tn, fp, fn, tp = confusion_matrix(truth, said, labels=[False, True]).ravel()
    assert [int(shown[key]) for key in ("tp", "fn", "fp", "tn")] == [tp, fn, fp, tn]
    assert shown["recall"] == f"{recall_score(truth, said):.3f}"
    if said.any():
        assert shown["precision"] == f"{precision_score(truth, said):.3f}"


def test_the_explorer_counts_as_scikit_learn_at_every_place(browser, hostile_report):
    from selenium.webdriver.common.keys import Keys

    path, comparison = hostile_report("binary")
    leaderboard = comparison.leaderboards[0]
    test = leaderboard.predictions[leaderboard.names.index(leaderboard.chosen)]
    truth, proba = test.y == HOSTILE[1], test.proba[:, test.classes.tolist().index(HOSTILE[1])]
    open_page(browser, path)
    box, shown = explorer(browser)
    slider = box.find_element("css selector", "input[type=range]")
    assert float(shown["threshold"]) == 0.5
    assert_counts(shown, truth, proba)
    places = set()
    for keys in (Keys.ARROW_RIGHT * 30, Keys.ARROW_LEFT * 200, Keys.PAGE_UP, Keys.HOME, Keys.END):
        slider.send_keys(keys)
        _, shown = explorer(browser)
        places.add(float(shown["threshold"]))
        assert_counts(shown, truth, proba)
        assert shown["threshold"] in slider.get_attribute("aria-valuetext")
    assert {0.0, 0.53, 0.33, 1.0} <= places
    box.find_element("css selector", "button").click()
    assert float(explorer(browser)[1]["threshold"]) == 0.5


def test_the_explorer_shows_the_numbers_of_the_tables(browser, hostile_report):
    path, comparison = hostile_report("binary")
    leaderboard = comparison.leaderboards[0]
    open_page(browser, path)
    _, shown = explorer(browser)
    scores = leaderboard.evaluations[leaderboard.names.index(leaderboard.chosen)].metrics
    for field, name in [("recall", "sensitivity"), ("specificity",) * 2, ("precision",) * 2, ("f1",) * 2]:
        assert shown[field] == format_score(scores[name].value)
    # Exact halves, such as 5 of 16, and every other share are rounded as in Python.
    pairs = [(part, whole) for whole in (16, 48, 80, 400, 2000) for part in range(whole + 1)]
    found = browser.execute_script("return arguments[0].map(([part, whole]) => ratio(part, whole))", pairs)
    assert found == [format_score(part / whole) for part, whole in pairs]


def test_the_explorer_has_every_label_of_several(browser, hostile_report):
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.select import Select

    path, comparison = hostile_report("multilabel")
    leaderboard = comparison.leaderboards[0]
    test = leaderboard.predictions[leaderboard.names.index(leaderboard.chosen)]
    open_page(browser, path)
    box, _ = explorer(browser)
    select = Select(box.find_element("tag name", "select"))
    assert len(select.options) == 5
    select.select_by_index(3)
    box.find_element("css selector", "input").send_keys(Keys.ARROW_RIGHT * 40)
    _, shown = explorer(browser)
    assert shown["threshold"] == "0.54"
    assert shown["name"] == HOSTILE[3]
    assert_counts(shown, test.y[:, 3].astype(bool), test.proba[:, 3])


def test_several_classes_have_no_threshold(browser, hostile_report):
    open_page(browser, hostile_report("multiclass")[0])
    assert browser.find_elements("css selector", ".explorer") == []


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_it_fits_a_phone(browser, hostile_report, task):
    open_page(browser, hostile_report(task)[0], width=390)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert browser.execute_script("return document.querySelector('meta[name=viewport]').content").startswith(
        "width=device"
    )


def test_it_can_be_read_without_eyes(browser, hostile_report):
    open_page(browser, hostile_report("binary")[0])
    assert browser.execute_script("return document.documentElement.lang") == "en"
    levels = browser.execute_script("return [...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    alone = (
        "return [...document.querySelectorAll('svg,img')].filter(e => !(e.getAttribute('aria-label') || e.alt)).length"
    )
    assert browser.execute_script(alone) == 0
    assert browser.execute_script("return [...document.querySelectorAll('th')].every(h => h.scope)")
    assert browser.execute_script("return [...document.querySelectorAll('table')].every(t => t.caption.textContent)")
    ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    targets = browser.execute_script(
        "return [...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash.slice(1))"
    )
    assert set(targets) <= set(ids)
    boxes = (
        "return [...document.querySelectorAll('.scroll')].every(e => e.tabIndex === 0 && e.getAttribute('aria-label'))"
    )
    assert browser.execute_script(boxes)


CONTRASTS = """
function channels(colour) { return colour.match(/[\\d.]+/g).map(Number); }
function luminance([r, g, b]) {
  const [x, y, z] = [r, g, b].map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
}
function background(element) {
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.push(channels(getComputedStyle(e).backgroundColor));
  const over = (under, [r, g, b, a = 1]) => [r, g, b].map((c, i) => a * c + (1 - a) * under[i]);
  return layers.reverse().reduce(over, [0, 0, 0]);
}
const found = [];
for (const element of document.querySelectorAll("body *")) {
  if (![...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
  if (element.closest("script, style, .skip, option") || !element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  const colour = channels(element.closest("svg") ? style.fill : style.color);
  const pair = [luminance(colour), luminance(background(element))].sort((a, b) => a - b);
  const contrast = (pair[1] + 0.05) / (pair[0] + 0.05);
  found.push([contrast, `${element.tagName}.${element.className}`, element.textContent.slice(0, 30)]);
}
return found;
"""


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_words_stand_out_from_their_background(browser, hostile_report, task, theme):
    open_page(browser, hostile_report(task)[0], theme=theme)
    contrasts = browser.execute_script(CONTRASTS)
    assert len(contrasts) > 200
    assert [one for one in contrasts if one[0] < 4.5] == []  # WCAG 2.1, level AA


def test_the_dark_page_is_dark_and_paper_is_white(browser, hostile_report):
    open_page(browser, hostile_report("binary")[0], theme="dark")
    assert luma(browser) < 60
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    assert luma(browser) == 255
    assert browser.execute_script("return getComputedStyle(document.querySelector('nav')).display") == "none"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def luma(browser):
    colour = browser.execute_script("return getComputedStyle(document.querySelector('.part')).backgroundColor")
    return np.mean([float(part) for part in colour.strip("rgb()").split(",")[:3]])


def test_without_its_script_the_page_still_says_the_figures(browser, hostile_report):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        open_page(browser, hostile_report("binary")[0])
        box, shown = explorer(browser)
        assert shown["threshold"] == "0.5"
        assert not box.find_element("css selector", "input").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_table_that_is_cut_off_says_so_until_its_last_column_is_reached(browser, hostile_report):
    path, _ = hostile_report("binary")
    open_page(browser, path, width=400)
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('.scroll')].filter(b => b.checkVisibility())"
        ".map(b => [b.scrollWidth > b.clientWidth + 4, b.className])"
    )
    assert any(is_cut for is_cut, _ in boxes)
    assert all(("cut" in names.split()) == is_cut for is_cut, names in boxes)
    hint = "return getComputedStyle(document.querySelector('.cut caption span'), '::after').content"
    assert "Scroll sideways" in browser.execute_script(hint)
    reached = (
        "const done = arguments[0], box = document.querySelector('.cut'); box.scrollLeft = box.scrollWidth;"
        "requestAnimationFrame(() => setTimeout(() => done(box.classList.contains('cut')), 50))"
    )
    assert browser.execute_async_script(reached) is False
    opened = (
        "const done = arguments[0]; document.querySelector('#d1-models details').open = true;"
        "requestAnimationFrame(() => setTimeout(() => done("
        "document.querySelector('#d1-models details .scroll').classList.contains('cut')), 100))"
    )
    assert browser.execute_async_script(opened) is True  # a table that was folded is marked when it is unfolded
