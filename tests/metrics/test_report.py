from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

from lipkit.metrics.report import Entry, Report, SetEntry, render
from lipkit.metrics.strips import Picture
from lipkit.protocols import Measure, Score

LSE_C = Measure("lse_c", "LSE-C", "", "higher", "SyncNet v2 on face tracks")
OFFSET = Measure("av_offset", "AV offset", "frames", "zero", "lag of the least distance")
MOTION = Measure("delta_p", "Head motion", "degrees", "real", "mean change of pose")
FID = Measure("fid", "FID", "", "lower", "TF Inception")
MEASURES = (LSE_C, OFFSET, MOTION, FID)
PICTURE = Picture(b"\xff\xd8\xff\xe0 a picture", 16, 9, 0.4)
EVIL = "<script>alert('x')</script>&\"'.mp4"


class Page(HTMLParser):
    """Elements, attributes and the visible text of a page; a stray or open tag is an error."""

    VOID = frozenset({"meta", "img", "br", "link", "line", "path", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def entry(name: str, lse_c: float | None = 7.5, **facts: object) -> Entry:
    scores = {
        "lse_c": Score(lse_c, 245, None if lse_c is not None else "the sound is silent"),
        "av_offset": Score(2.0, 240),
        "delta_p": Score(0.35, 249),
    }
    return replace(Entry(name, scores, strip=(PICTURE,)), **facts)  # type: ignore[arg-type]


def everything() -> Report:
    curves = {"distance": [9.0, None, 7.0], "confidence": [None, 2.0, 1.0]}
    rich = entry(EVIL, facts={EVIL: EVIL}, reference=EVIL, reference_strip=(PICTURE,), faces=0.5)
    rich = replace(
        rich,
        scores={
            "lse_c": Score(7.5, 9, None, {EVIL: EVIL}, {EVIL: "ab" * 32}, curves | {EVIL: [1.0]}),
            "av_offset": Score(None, 0, EVIL),
        },
    )
    return Report(
        (*(replace(m, title=EVIL, unit=EVIL, recipe=EVIL) for m in MEASURES[:2]), *MEASURES[2:]),
        (rich, entry(f"{EVIL}/b.mp4"), Entry("broken.mp4", error=EVIL)),
        (SetEntry({"fid": Score(12.0, 400)}),),
        {EVIL: EVIL},
        EVIL,
        {EVIL: ["lse_c"]},
    )


def test_names_of_users_stay_text() -> None:
    page = Page(render(everything()))
    assert not page.of("script")
    assert EVIL in page.text
    for tag, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on")], tag


def test_nothing_is_loaded_from_anywhere() -> None:
    text = render(everything())
    page = Page(text)
    assert not re.search(r"https?:|url\(|@import", text)
    for tag, attrs in page.elements:
        assert tag not in {"script", "link", "iframe", "object", "embed"}
        for name in ("src", "href", "srcset", "data", "poster", "action"):
            value = attrs.get(name)
            assert value is None or value.startswith(("data:image/jpeg;base64,", "#"))
    assert "default-src 'none'" in text


def test_links_lead_to_places_on_the_page() -> None:
    page = Page(render(everything()))
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for attrs in page.of("a"):
        assert (attrs["href"] or "").removeprefix("#") in ids
    for _, attrs in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert attrs.get(name) is None or attrs[name] in ids


def test_pictures_and_charts_have_alternatives_and_tables_headers() -> None:
    page = Page(render(everything()))
    assert page.of("img")
    assert all(attrs["alt"] for attrs in page.of("img"))
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in page.of("svg"))
    assert {attrs["scope"] for attrs in page.of("th")} == {"col", "row", "rowgroup"}
    assert ("html", {"lang": "en"}) in page.elements


def test_the_pictures_are_in_the_page() -> None:
    page = Page(render(Report(MEASURES, (entry("a.mp4"),))))
    (picture,) = page.of("img")
    assert base64.b64decode((picture["src"] or "").partition(",")[2]) == PICTURE.jpeg
    assert (picture["width"], picture["height"]) == ("16", "9")


def test_a_value_comes_with_unit_direction_frames_and_recipe() -> None:
    page = Page(render(Report(MEASURES, (entry("a.mp4"),))))
    assert (
        "AV offset lag of the least distance 2 frames → 0 nearest to zero is best 240" in page.text
    )


def test_a_missing_value_says_why_and_is_no_nought() -> None:
    page = Page(render(Report(MEASURES, (entry("a.mp4", None),))))
    assert "No value: the sound is silent" in page.text
    assert "LSE-C SyncNet v2 on face tracks No value: the sound is silent – no value" in page.text


def test_one_clip_needs_no_table_of_clips() -> None:
    page = Page(render(Report(MEASURES, (entry("a.mp4"),))))
    assert "Scores of a.mp4" in page.text
    assert not page.of("nav")
    assert "All clips together" not in page.text


def test_many_clips_are_summed_up() -> None:
    clips = (entry("a.mp4", 6.0), entry("b.mp4", 8.0), entry("c.mp4", None))
    page = Page(render(Report(MEASURES, clips)))
    assert "Scores of 3 clips" in page.text
    assert "LSE-C ↑ higher is better 7.000 1.414 6.000 8.000 2 of 3" in page.text
    assert "Systems" not in page.text


def test_one_value_has_no_spread() -> None:
    page = Page(render(Report(MEASURES, (entry("a.mp4", 6.0), entry("b.mp4", None)))))
    assert "LSE-C ↑ higher is better 6 – 6 6 1 of 2" in page.text


def strongs(text: str) -> list[str]:
    return re.findall(r"<strong>([^<]*)<", text)


def test_systems_are_compared_and_the_best_is_bold() -> None:
    clips = (
        entry("ours/a.mp4", 8.0),
        entry("ours/b.mp4", 7.0),
        entry("base/a.mp4", 6.0),
        entry("base/b.mp4", 6.5),
    )
    sets = (SetEntry({"fid": Score(20.0, 9)}, "ours"), SetEntry({"fid": Score(10.0, 9)}, "base"))
    text = render(Report(MEASURES, clips, sets))
    assert "Scores of 2 systems on 2 clips" in Page(text).text
    # Offsets are the same, and of motion nobody knows which is better.
    assert strongs(text) == ["7.500", "10"]


def test_no_system_is_best_on_clips_that_the_other_lacks() -> None:
    text = render(Report(MEASURES, (entry("ours/a.mp4", 8.0), entry("base/b.mp4", 6.0))))
    assert strongs(text) == []
    assert "n = 1" in Page(text).text
    assert "Clip by clip" not in text


def test_a_system_of_which_no_clip_was_scored_hinders_no_comparison() -> None:
    broken = Entry("broken/a.mp4", error="no video")
    clips = (entry("ours/a.mp4", 8.0), entry("base/a.mp4", 6.0), broken)
    text = render(Report(MEASURES, clips))
    assert strongs(text) == ["8", "Not scored:"]
    assert "broken" in Page(text).text


def test_sets_without_a_value_for_one_reason_share_a_line() -> None:
    clips = tuple(entry(f"{system}/a.mp4") for system in "xyz")
    none = Score(None, reason="takes two clips")
    sets = (
        SetEntry({"fid": none}, "x"),
        SetEntry({"fid": Score(3.0)}, "y"),
        SetEntry({"fid": none}, "z"),
    )
    page = Page(render(Report(MEASURES, clips, sets)))
    assert page.text.count("takes two clips") == 1
    assert "FID x, z TF Inception No value: takes two clips" in page.text
    assert "FID y TF Inception 3" in page.text


def test_tables_of_all_clips_are_of_few_columns_and_even() -> None:
    many = [replace(LSE_C, name=f"m{i}", title=f"M{i}") for i in range(13)]
    scores = {measure.name: Score(1.0, 1) for measure in many}
    text = render(Report(many, (Entry("a", scores), Entry("b", scores))))
    tables = text.partition('id="table"')[2].partition("<article")[0].split("<table")[1:]
    assert [len(re.findall(r"M\d+ <", table)) for table in tables] == [4, 4, 5]


def test_few_frames_with_a_face_make_a_clip_unreliable() -> None:
    shaky = Page(render(Report(MEASURES, (entry("a.mp4", faces=0.71),))))
    assert "Unreliable: a face was found in only 71 % of the frames." in shaky.text
    steady = Page(render(Report(MEASURES, (entry("a.mp4", faces=0.8),))))
    assert "Unreliable" not in steady.text


def test_a_clip_that_failed_says_why() -> None:
    page = Page(render(Report(MEASURES, (entry("a.mp4"), Entry("b.mp4", error="no video")))))
    assert "Not scored: no video" in page.text


def test_settings_are_said_once_where_all_clips_share_them() -> None:
    def with_settings(name: str, detector: str) -> Entry:
        return Entry(name, {"lse_c": Score(7.0, 9, None, {"detector": detector})})

    same = Page(render(Report(MEASURES, (with_settings("a", "s3fd"), with_settings("b", "s3fd")))))
    assert same.text.count("detector s3fd") == 1
    mixed = Page(render(Report(MEASURES, (with_settings("a", "s3fd"), with_settings("b", "fan")))))
    assert "detector s3fd" in mixed.text
    assert "detector fan" in mixed.text


def test_what_was_left_out_is_said() -> None:
    page = Page(render(Report(MEASURES, (entry("a.mp4"),), (), {"hyperiqa": "weights missing"})))
    assert "hyperiqa weights missing" in page.text


def test_names_that_are_no_text_can_be_written() -> None:
    render(Report(MEASURES, (entry("caf\udce9.mp4"),))).encode()


def test_measures_stand_under_their_headings_in_every_table() -> None:
    headings = {"Motion": ["delta_p"], "Unused": ["x"], "Lip sync": ["av_offset", "lse_c"]}
    for clips in (
        (entry("a.mp4"),),
        (entry("a.mp4"), entry("b.mp4")),
        (entry("x/a.mp4"), entry("y/a.mp4")),
    ):
        text = Page(render(Report(MEASURES, clips, headings=headings))).text
        table = text.partition("Measure ")[2].partition("Clip by clip")[0]
        order = [table.index(word) for word in ("Motion", "Head motion", "Lip sync", "LSE-C")]
        assert order == sorted(order)
        assert "Unused" not in text
