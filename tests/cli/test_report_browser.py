"""The report in a real browser: the slider drags, frames scrub, nothing is fetched, nothing complains."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wetgate.surfaces.report import Note, Picture, ReportData, Series, Side, Timing, View, write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="drives Chromium")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
HOSTILE = "</script><script>document.title='taken'</script><img src='http://192.0.2.1/x' onerror=alert(1)>"


def data() -> ReportData:
    """Flat fields whose level tells the side and the frame: before is dark, after is light."""
    before = [Picture(1001 + 2 * i, np.full((90, 160, 3), 5.0 + 5 * i, np.float32)) for i in range(3)]
    after = [Picture(1001 + 2 * i, np.full((90, 160, 3), 60.0 + 10 * i, np.float32)) for i in range(3)]
    return ReportData(
        title="Harbour " + HOSTILE,
        before=Side("Source" + HOSTILE, before, "Rec.1886 Rec.709"),
        after=Side("Restored", after, "Rec.2100-PQ", hdr=True),
        notes=[Note("two samples were repaired " + HOSTILE, "warning")],
        metrics=[Series("PSNR", [(1001 + k, 30.0 + k) for k in range(5)], "dB", "higher", "BT.1886")],
        views=[View("clip", np.zeros((20, 30, 3), np.uint8), "black")],
        timing=Timing(3, 1.0, 0.1, 0.2, 0.1),
        record={"graph": {"nodes": [HOSTILE]}},
    )


class Opened:
    """A page, and everything that it said or asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: (self.said.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: self.asked.append(request.url))

    @property
    def split(self) -> int:
        return int(self.page.get_attribute(".split", "aria-valuenow"))

    def pixel(self, x_share: float) -> tuple[int, int, int]:
        """The colour on the screen at a place of the stage, a third of the way down."""
        import cv2

        box = self.page.locator(".stage").bounding_box()
        clip = {"x": box["x"] + box["width"] * x_share, "y": box["y"] + box["height"] * 0.3, "width": 4, "height": 4}
        shot = cv2.imdecode(np.frombuffer(self.page.screenshot(clip=clip), np.uint8), cv2.IMREAD_COLOR)
        return tuple(int(v) for v in shot[2, 2])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(tmp_path_factory.mktemp("report") / "report.html", data()).as_uri()


@pytest.fixture
def opened(browser: Any, address: str, request: pytest.FixtureRequest) -> Iterator[Opened]:
    context = browser.new_context(**getattr(request, "param", {"viewport": {"width": 1200, "height": 1700}}))
    found = Opened(context.new_page())
    found.page.goto(address)
    yield found
    assert found.said == []
    assert [url for url in found.asked if not url.startswith(("file:", "data:"))] == []
    assert "taken" not in found.page.title()[:5]
    context.close()


def test_dragging_the_slider_moves_the_split_and_the_pictures_with_it(opened: Opened) -> None:
    page = opened.page
    assert opened.split == 50
    dark, light = opened.pixel(0.3), opened.pixel(0.7)
    assert light[0] > dark[0] + 40
    box = page.locator(".stage").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, middle, steps=5)
    page.mouse.up()
    assert opened.split == 80
    assert opened.pixel(0.7) == dark
    page.mouse.move(box["x"] + box["width"] * 0.1, middle)  # let go: it stays
    assert opened.split == 80


def test_the_slider_answers_the_keyboard(opened: Opened) -> None:
    opened.page.focus(".split")
    for key, expected in (("ArrowRight", 52), ("Shift+ArrowLeft", 42), ("Home", 0), ("ArrowLeft", 0), ("End", 100)):
        opened.page.keyboard.press(key)
        assert opened.split == expected


@pytest.mark.parametrize("opened", [{"viewport": {"width": 420, "height": 800}, "has_touch": True}], indirect=True)
def test_a_touch_moves_the_split_on_a_narrow_screen_without_sideways_scrolling(opened: Opened) -> None:
    box = opened.page.locator(".stage").bounding_box()
    opened.page.touchscreen.tap(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.5)
    assert opened.split == pytest.approx(25, abs=1)
    assert opened.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_scrubbing_shows_another_frame_and_its_scopes(opened: Opened) -> None:
    page = opened.page
    first = opened.pixel(0.2)
    assert page.inner_text("output.frame") == "1001"
    page.focus(".scrub")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("output.frame") == "1005"
    assert page.get_attribute(".scrub", "aria-valuetext") == "frame 1005"
    assert opened.pixel(0.2)[0] > first[0] + 10
    assert page.locator(".frameset:visible").count() == 2
    assert page.locator('.frameset[data-index="2"]:visible').count() == 2


def test_playing_steps_through_the_frames_and_stops(opened: Opened) -> None:
    page = opened.page
    page.click(".play")
    sync_api.expect(page.locator("output.frame")).not_to_have_text("1001")
    page.click(".play")
    assert page.get_attribute(".play", "aria-pressed") == "false"


def test_one_side_can_be_seen_alone(opened: Opened) -> None:
    light = opened.pixel(0.7)
    opened.page.click('button[data-view="after"]')
    assert opened.pixel(0.3) == light
    opened.page.click('button[data-view="before"]')
    assert opened.pixel(0.7)[0] < light[0] - 40


def test_stopping_down_darkens_both_sides_alike_and_keeps_the_frame_and_the_split(opened: Opened) -> None:
    page = opened.page
    page.focus(".scrub")
    page.keyboard.press("ArrowRight")
    left, right = opened.pixel(0.3), opened.pixel(0.7)
    page.focus('button[data-expose="-2"]')
    page.keyboard.press("Enter")
    assert page.get_attribute('button[data-expose="-2"]', "aria-pressed") == "true"
    assert page.get_attribute('button[data-expose="0"]', "aria-pressed") == "false"
    assert page.inner_text("output.frame") == "1003"
    # A quarter of the light: 10 of 100 nits and 70 of 203 nits, sRGB-encoded (IEC 61966-2-1); WebP moves a flat field
    # by a code or two.
    for x, was, light in ((0.3, left, 10 / 100), (0.7, right, 70 / 203)):
        assert was[1] == pytest.approx(srgb(light), abs=3)
        assert opened.pixel(x)[1] == pytest.approx(srgb(light / 4), abs=3)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert opened.pixel(0.7) == right


def test_false_colour_puts_each_side_in_its_band_and_names_the_bands(opened: Opened) -> None:
    page = opened.page
    assert not page.is_visible(".legend")
    page.click('button[data-expose="bands"]')
    legend = page.inner_text(".legend")
    assert "grey card (26), to 33" in legend
    blue, green, red = opened.pixel(0.7)  # 60 nits: the mid tones, grey
    assert max(blue, green, red) - min(blue, green, red) <= 6
    page.focus(".scrub")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.is_visible(".legend")
    assert page.locator('.stage img:visible[data-shade="bands"]').count() == 2
    page.click('button[data-expose="0"]')
    assert not page.is_visible(".legend")


def test_a_page_of_two_sdr_sides_offers_no_exposure(browser: Any, tmp_path: Path) -> None:
    flat = [Picture(1, np.full((9, 16, 3), 40.0, np.float32))]
    page = browser.new_page()
    page.goto(write_report(tmp_path / "r.html", ReportData("t", Side("A", flat), Side("B", flat))).as_uri())
    assert page.locator("[data-expose]").count() == 0
    assert page.locator(".stage img").count() == 2
    page.close()


def test_print_shows_both_sides_whole_and_no_controls(opened: Opened) -> None:
    opened.page.emulate_media(media="print")
    boxes = [opened.page.locator(f".stage img.{side}:visible").bounding_box() for side in ("before", "after")]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    for control in (".split", ".scrub", ".exposure", ".choice"):
        assert opened.page.locator(f"{control}:visible").count() == 0


def srgb(light: float) -> float:
    """The 8-bit code of linear light (IEC 61966-2-1, 5.2)."""
    return 255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


def test_pointing_at_a_chart_tells_the_value_of_that_frame(opened: Opened) -> None:
    chart = opened.page.locator(".chart").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    opened.page.mouse.move(box["x"] + box["width"] * 0.97, box["y"] + box["height"] / 2)
    assert opened.page.inner_text(".metric .range") == "frame 1005: 34"


@pytest.mark.parametrize("opened", [{"color_scheme": c} for c in ("dark", "light")], indirect=True)
def test_text_is_readable_on_its_ground_in_both_schemes(opened: Opened) -> None:
    contrast = opened.page.evaluate(
        """() => {
        const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => { x /= 255;
            return x <= 0.03928 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4); });
            return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
        const ground = light(getComputedStyle(document.body).backgroundColor);
        return [...document.querySelectorAll('h1, h2, p, dd, dt, li, td, th, figcaption')].map(e => {
            const text = light(getComputedStyle(e).color);
            return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05); });
        }"""
    )
    assert min(contrast) >= 4.5  # WCAG 2.2, success criterion 1.4.3
