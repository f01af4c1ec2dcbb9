"""The report: self-contained, safe with hostile names, its scopes true to the light they show."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from wetgate.color.curves import pq_encode
from wetgate.spec import UsageError
from wetgate.surfaces.report import (
    Gallery,
    Note,
    Picture,
    ReportData,
    Series,
    Side,
    Table,
    Timing,
    View,
    build_report,
    write_report,
)
from wetgate.surfaces.report import page as page_module
from wetgate.surfaces.report.charts import figure, round_ticks, series_chart, widened
from wetgate.surfaces.report.images import srgb_from_nits
from wetgate.surfaces.report.scopes import axis_top, height_of, histogram, vectorscope, waveform

HOSTILE = "</title></script><script>alert(1)</script><img src=x onerror=alert(2)>\" onload='alert(3)' & \u202e\x00"


def ramp(peak: float, width: int = 64, height: int = 36) -> np.ndarray:
    return np.broadcast_to(np.linspace(0, peak, width, dtype=np.float32)[None, :, None], (height, width, 3)).copy()


def report(text: str = "shot", frames: int = 2, size: tuple[int, int] = (36, 64)) -> ReportData:
    before = [Picture(1001 + i, ramp(100, size[1], size[0])) for i in range(frames)]
    after = [Picture(1001 + i, ramp(900, size[1], size[0])) for i in range(frames)]
    return ReportData(
        title=text,
        subtitle=text,
        before=Side(text, before, text),
        after=Side(text, after, text, hdr=True, detail=text),
        facts=[(text, text)],
        notes=[Note(text, "warning"), Note(text, "error"), Note(text)],
        metrics=[Series(text, [(1001, 1.0), (1002, float("nan")), (1003, 3.0)], text, "higher", text)],
        views=[View(text, np.zeros((4, 6, 3), np.uint8), text, 1001)],
        hdr_metadata={text: text, "MaxCLL": 987},
        tables=[Table(text, [(text, {text: [text, 1.5]})], (text, text), text)],
        timing=Timing(2, 1.0, 0.1, 0.2, 0.1, 12.0, text),
        record={text: text, "graph": [{text: text, "nan": float("nan")}]},
    )


class Collected(HTMLParser):
    """All tags with their attributes, and the text outside of style and script."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._raw = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._raw = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._raw = False

    def handle_data(self, data: str) -> None:
        if not self._raw:
            self.text += data


def parsed(html: str) -> Collected:
    page = Collected()
    page.feed(html)
    return page


def test_hostile_names_stay_text_wherever_they_stand() -> None:
    page = parsed(build_report(report(HOSTILE)))
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]
    assert all(attrs["src"].startswith("data:") for tag, attrs in page.tags if tag == "img" and attrs["src"])
    assert page.text.count("<script>alert(1)</script>") >= 12  # it is shown, as text


def test_the_page_asks_for_nothing_from_anywhere() -> None:
    html = build_report(report())
    page = parsed(html)
    for tag, attrs in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            value = attrs.get(name)
            assert value is None or value.startswith("data:image/"), (tag, name)
        assert tag not in ("link", "iframe", "object", "embed", "base")
    assert not re.search(r"@import|url\(", html)
    assert "default-src 'none'" in html


def test_every_note_stands_before_the_pictures_errors_first() -> None:
    html = build_report(
        ReportData(
            title="t",
            before=Side("Source", [Picture(1, ramp(100))]),
            after=Side("Result", [Picture(1, ramp(100))]),
            notes=[Note("a mere remark"), Note("samples were repaired", "warning"), Note("frame 7 failed", "error")],
        )
    )
    places = [html.index(t) for t in ("frame 7 failed", "samples were repaired", "a mere remark", 'class="viewer"')]
    assert places == sorted(places)


def test_hdr_pictures_are_labelled_as_tone_mapped_and_sdr_ones_are_not() -> None:
    assert "tone-mapped" in parsed(build_report(report())).text
    sdr = ReportData(title="t", before=Side("A", [Picture(1, ramp(100))]), after=Side("B", [Picture(1, ramp(90))]))
    assert "tone-mapped" not in parsed(build_report(sdr)).text


def test_two_pages_of_the_same_data_are_identical() -> None:
    assert build_report(report()) == build_report(report())


def test_pictures_are_reduced_until_the_page_is_under_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = (100 * np.random.default_rng(1).random((300, 1000, 3))).astype(np.float32)
    data = ReportData(title="t", before=Side("A", [Picture(1, noise)]), after=Side("B", [Picture(1, noise)]))
    whole = len(build_report(data))
    assert whole < 6_000_000
    monkeypatch.setattr(page_module, "_LIMIT", int(whole * 0.9))
    assert len(build_report(data)) <= whole * 0.9


def test_a_record_and_series_of_thousands_of_frames_do_not_swell_the_page() -> None:
    picture = [Picture(1, ramp(100))]
    data = ReportData(
        title="t",
        before=Side("A", picture),
        after=Side("B", picture),
        metrics=[Series("m", [(n, float(n % 7)) for n in range(10_000)])],
        record={"frames": [{"frame": n, "output": "f" * 64} for n in range(10_000)]},
    )
    html = build_report(data)
    assert len(html) < 700_000
    assert "file holds all of it" in html


def test_sides_with_different_frames_or_none_are_refused() -> None:
    one, other = Side("A", [Picture(1, ramp(1))]), Side("B", [Picture(2, ramp(1))])
    with pytest.raises(UsageError, match="same frames"):
        ReportData(title="t", before=one, after=other)
    with pytest.raises(UsageError, match="at least one"):
        ReportData(title="t", before=Side("A", []), after=Side("B", []))
    with pytest.raises(UsageError, match="uint8"):
        Picture(1, ramp(1), np.zeros((4, 4, 3), np.float32))


def test_the_file_is_written_whole_and_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    target = write_report(tmp_path / "r.html", report())
    assert target.read_text(encoding="utf-8") == build_report(report())
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    with pytest.raises(UsageError, match="nowhere"):
        write_report(tmp_path / "nowhere" / "r.html", report())


def test_the_waveform_draws_a_level_on_its_own_line_of_the_pq_scale() -> None:
    for nits in (0.1, 10.0, 203.0, 1000.0):
        drawing = waveform(np.full((40, 80, 3), nits, np.float32), top=1000.0)
        rows = np.flatnonzero(drawing[..., 3].sum(axis=1))
        expected = (1 - float(pq_encode(nits)) / float(pq_encode(1000.0))) * (drawing.shape[0] - 1)
        assert len(rows) == 1
        assert abs(rows[0] - expected) <= 0.5  # the nearest row
    neutral = waveform(np.full((40, 80, 3), 50.0, np.float32), top=1000.0)
    lit = neutral[neutral[..., 3] > 0][:, :3].astype(int)
    assert (lit.max(axis=1) - lit.min(axis=1)).max() <= 12  # equal channels give a neutral trace


def test_waveform_columns_follow_the_picture_and_light_above_the_top_stays_on_it() -> None:
    picture = np.full((40, 128, 3), 1.0, np.float32)
    picture[:, 64:] = 5000.0
    drawing = waveform(picture, top=1000.0)[..., 3]
    assert drawing[0, 256:].all()
    assert not drawing[0, :256].any()


def test_the_vectorscope_puts_neutrals_in_the_middle_and_red_up_and_left() -> None:
    middle = vectorscope(np.full((8, 8, 3), 80.0, np.float32))[..., 3]
    y, x = np.argwhere(middle > 0).mean(axis=0)
    assert (y, x) == pytest.approx((139.5, 139.5), abs=1.0)
    red = np.zeros((8, 8, 3), np.float32)
    red[..., 0] = 100.0
    y, x = np.argwhere(vectorscope(red)[..., 3] > 0).mean(axis=0)
    assert y < 100
    assert x < 139


def test_the_histogram_counts_every_sample_once() -> None:
    shares = histogram(ramp(5000.0), top=1000.0)
    assert shares.sum(axis=1) == pytest.approx([1, 1, 1])
    assert shares[:, -1].min() > 0.5  # four fifths of the ramp lie above the axis


def test_the_nits_axis_is_monotone_reaches_the_peak_and_starts_at_black() -> None:
    levels = height_of(np.linspace(0, 4000, 500), 4000.0)
    assert (np.diff(levels) > 0).all()
    assert levels[0] == pytest.approx(0, abs=1e-6)  # PQ code of no light: c1^m2, 7e-7
    assert levels[-1] == pytest.approx(1)
    assert axis_top([80.0]) == 1000.0
    assert axis_top([80.0, 1500.0]) == 2000.0
    assert axis_top([9000.0]) == 10000.0


def test_tone_mapping_for_the_page_is_monotone_neutral_and_meets_white_at_the_peak() -> None:
    light = np.geomspace(0.01, 1000, 300, dtype=np.float32)[None, :, None].repeat(3, 2)
    for hdr in (False, True):
        shown = srgb_from_nits(light, hdr=hdr, peak=1000.0).astype(int)[0]
        assert (np.diff(shown[:, 1]) >= 0).all()
        assert (shown.max(axis=1) - shown.min(axis=1)).max() <= 1  # rounding of the matrix's neutrals
        assert shown[-1].min() == 255
    assert srgb_from_nits(np.full((1, 1, 3), 100, np.float32), hdr=False).max() == 255
    white = srgb_from_nits(np.full((1, 1, 3), 203, np.float32), hdr=True)
    assert int(white[0, 0, 1]) == pytest.approx(0.88 * 255, abs=3)  # what the page's caption says


def test_stopping_down_halves_light_exactly_and_shows_detail_that_white_hid() -> None:
    light = np.geomspace(0.5, 100, 200, dtype=np.float32)[None, :, None].repeat(3, 2)
    for stops in (-1, -2, -3):
        exact = srgb_from_nits(light * np.float32(2.0**stops), hdr=False)
        assert np.array_equal(srgb_from_nits(light, hdr=False, stops=stops), exact)
    bright = np.array([203.0, 400.0, 800.0, 1000.0], np.float32)[None, :, None].repeat(3, 2)
    apart = [np.diff(srgb_from_nits(bright, hdr=True, stops=s)[0, :, 1].astype(int)).min() for s in (0, -3)]
    assert apart[1] > 2 * apart[0]
    white = [
        srgb_from_nits(np.full((1, 1, 3), n, np.float32), hdr=h, stops=-3)[0, 0, 1] for n, h in ((100, 0), (203, 1))
    ]
    assert white[0] == white[1]  # SDR white and HDR reference white are put level


def test_every_exposure_of_every_frame_is_on_the_page_once_and_only_the_first_is_seen() -> None:
    pictures = [attrs for tag, attrs in parsed(build_report(report())).tags if tag == "img" and "data-shade" in attrs]
    keys = [(a["class"], a["data-index"], a["data-shade"]) for a in pictures]
    shades = ("0", "-1", "-2", "-3", "bands")
    assert sorted(keys) == sorted((c, i, s) for c in ("before", "after") for i in "01" for s in shades)
    assert {(a["data-index"], a["data-shade"]) for a in pictures if "hidden" not in a} == {("0", "0")}


def test_galleries_stand_where_they_say_with_their_table() -> None:
    view = View("crop", np.zeros((4, 6, 3), np.uint8), "flat")
    below = Gallery("What came back", [view], "stopped down", Table("Figures", [("error", 1.5)]), first=True, columns=3)
    later = Gallery("What age does", [view])
    data = ReportData(
        title="t",
        before=Side("A", [Picture(1, ramp(100))]),
        after=Side("B", [Picture(1, ramp(100))]),
        galleries=[later, below, Gallery("Empty", [])],
    )
    html = build_report(data)
    order = ['class="viewer"', "What came back", "Figures", 'class="scopes"', "What age does"]
    assert [html.index(t) for t in order] == sorted(html.index(t) for t in order)
    assert "Empty" not in html


def test_an_axis_spans_a_tenth_of_its_values_at_least() -> None:
    low, high = widened(54.06, 54.49)
    assert high - low == pytest.approx(5.449)
    assert (low + high) / 2 == pytest.approx((54.06 + 54.49) / 2)
    assert widened(10.0, 50.0) == (10.0, 50.0)
    assert widened(0.0, 0.0) == (0.0, 0.0)


def test_figures_and_marks_read_well() -> None:
    assert figure(1234567.0) == "1.23e+06"
    assert figure(12345.0) == "12\u202f345"
    assert figure(-0.5) == "−0.5"
    assert figure(float("inf")) == "∞"
    for low, high in ((0.0, 1.0), (31.2, 31.3), (-5, 900), (7, 7), (0, 0)):
        marks = round_ticks(low, high)
        assert marks[0] <= low + 1e-9  # sums of steps round
        assert marks[-1] >= high - 1e-9
        assert 2 <= len(marks) <= 8


def test_a_chart_breaks_its_line_where_a_frame_has_no_value() -> None:
    values = [(1, 1.0), (2, 2.0), (3, float("nan")), (4, 2.0), (5, 1.0)]
    assert series_chart(Series("x", values)).count('<path class="line"') == 2
    assert "No frame has a value" in series_chart(Series("x", [(1, float("nan"))]))
