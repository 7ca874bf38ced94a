"""Unicode NFC, line ends, control characters, soft hyphens; the anatomy of a dispatch."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import pairwise

from bitexte.records import Article

MAX_TITLE_CHARS = 150
# Unicode's own bound for text in streams (UAX 15): no writing system needs more marks on a letter,
# and normalising takes time that grows with the square of their number.
MAX_MARKS = 30
# Mail and wire services wrap lines: a paragraph may be, whose longest line is in this range.
MIN_WIDTH, MAX_WIDTH = 45, 100

_LINE_END = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# What says nothing in French: soft hyphen, zero-width space and no-break space, word joiner. The
# zero-width joiner U+200D stays: emoji are built with it.
_INVISIBLE = re.compile("[\xad\u200b\u2060\ufeff]")
_FORBIDDEN = re.compile("[\0-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MARKS = re.compile(rf"[^\0-\u02ff\w\s]{{{MAX_MARKS + 1},}}")
_LINE_TAIL = re.compile(r"(?<!\s)[^\S\n]+(?=\n)")
_BLANK_LINES = re.compile(r"\n\s*\n")

_BULLET = re.compile(r"\s*(?:[-–—•*·▪►]|\d{1,3}[.)])\s")
_PAUSE = re.compile(r"[.!?…:;,][»”\"’')\]\s]*\Z")
_END = re.compile(r"[.!?…:;][»”\"’')\]\s]*\Z")
_AFTER_STOP = re.compile(r"[.!?…][»”\"’')\]\s]*\Z")
_BEFORE_SENTENCE = re.compile(r"[^\S\n]*(?:\Z|\n|[A-ZÀ-Þ«“\"(©\d–—-])")
_NO_SLUG = frozenset({"et/ou", "ou/et", "km/h"})

# What furniture looks like. @name stands for a piece below, ~ for one space of any kind; the span
# that counts is the group `part`, what it says the group `value`.
_PIECES = {
    "@who": r"(?:(?:[Aa]vec|[Vv]ia|[Ss]ource|photo)~?:?~)?"
    r"@agency(?:(?:~?[/,+&-]~?|~(?:et|avec)~)@agency)*(?:~\d{4})?",
    "@place": r"(?:L[ae]s?~)?@word(?:(?:~|/)(?:@small~)?@word){0,4}",
    "@name": r"@word(?:~@word){1,3}",
    "@day": r"(?:[a-z]{2,8}~)?(?:\d{1,2}(?:er)?~@month(?:~\d{4})?"
    r"|\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?)",
    "@month": r"(?:janv|févr?|mars|avr|mai|juin|juil|août|sept|oct|nov|déc)[a-zé]{0,6}\.?",
    "@word": r"[A-ZÀ-Þ][\w'’-]{0,30}",
    "@small": r"(?:d[eu]s?|l[ae]s?|sur|sous|en|lez|et)",
    # « Jean Charest (PC): "Il faut agir." » names who speaks.
    "@dash": r"~?(?:--?|[–—=]|:(?!~*[«“\"]))",
    "@land": r"(?:~\([A-ZÀ-Þ][\w'’ -]{1,40}\))?",
    "@picture": r"(?:Photos?|Crédits?|Illustration|Infographie|Image)"
    r"(?:~(?:photos?|d['’]archives?|d['’]illustration))?",
    "@see": r"(?:[àÀA]~)?(?:[Rr]e)?(?:[Ll]ire|[Vv]oir|LIRE|VOIR)(?:~(?:aussi|également|encore))?",
    "@from": r"(?:Par|Propos recueillis par"
    r"|De notre (?:correspondante?|envoyée? spéciale?)(?:~à~@place)?,?)",
    "@desk": r"[a-z]{2,4}(?:-[a-z]{2,5})?",
    "~": r"[ \t\xa0\u202f]",
}
_RULES = (
    # LA HAVANE, 16 juillet 2020 (AFP) -       Bruxelles (Belga) -       LIÈGE, 12 mars -
    # RAMBOUILLET (Yvelines), 23 avr 2021 (AFP) -
    ("dateline", r"^~*(?P<part>(?P<value>@place@land(?:,?~@day)?),?~\(@who\)@dash)(?=\s)"),
    ("dateline", r"^~*(?P<part>(?P<value>[A-ZÀ-Þ' -]{2,40}@land,~@day)@dash)(?=\s)"),
    # (Belga)   [AFP]   (Belga/AFP)   (avec AFP)   © AFP 2020
    ("credit", r"(?P<part>[(\[](?P<value>(?:©~?)?@who)[)\]]\.?)"),
    ("credit", r"(?P<part>(?:©|\([cC]\))~?(?:\d{4}~)?(?P<value>@who))"),
    # AFP      Source : Belga      the whole line
    ("credit", r"^~*(?P<part>(?:[Ss]ources?~?:~?)?(?P<value>@who))$"),
    # Photo : Jean Dupont      Photo d'archives AFP
    ("photo", r"^~*(?P<part>\(?(?P<value>@picture(?:~?[:/©]~?(?:@who|@name)|~@who))\)?)$"),
    ("byline", r"^~*(?P<part>@from~(?P<value>@name(?:(?:,|~et|~avec)~@name){0,3}))$"),
    # A line with a second sentence is no link to another text.
    (
        "see_also",
        r"^[ >•*–—-]*(?P<part>(?P<value>@see~?[:>»→|]"
        r"(?!.*\w\w[.…][»”\"]*~+[«“\"A-ZÀ-Þ]).{0,200}))$",
    ),
    ("see_also", r"^[ >•*–—-]*(?P<part>\(?(?P<value>@see(?:~(?:en~)?pages?~\d+)?)\)?)$"),
    # cvl/mpa/bds      JDE/LOR/
    ("slug", r"(?:^~*|(?<=[.!?…»\")]~))(?P<part>(?P<value>(?:@desk/)+@desk))$"),
    ("slug", r"^~*(?P<part>(?P<value>(?:[A-Z]{2,4}/)+(?:[A-Z]{2,4})?))$"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A span of the text, `text[start:end]`, that is no sentence to translate.

    `kind` is credit, dateline, byline, see_also, photo or slug; `value` what it says.
    """

    kind: str
    start: int
    end: int
    value: str


def clean(article: Article) -> Article:
    """Return the article with clean text, its title, and in `meta` what its furniture says.

    Cleaning twice changes nothing more. No-break spaces, directional marks and the joiners of
    emoji stay. Nothing becomes U+FFFD: what XML forbids is removed, and `meta["removed"]` says so;
    `meta["lost"]` counts those that an earlier program put for what it could not read.
    """
    text, removed = _readable(article.text)
    meta = dict(article.meta)
    if removed:
        meta["removed"] = _counted(removed, "control character")
    if lost := text.count("\ufffd"):
        meta["lost"] = _counted(lost, "character")
    parts = furniture(text)
    for part in parts:
        if part.kind != "credit":
            _note(meta, part.kind, part.value)
        if part.kind in ("credit", "dateline", "photo"):
            for name in agencies(text[part.start : part.end]):
                _note(meta, "agency", name)
    return replace(article, text=text, title=article.title or title(text, parts), meta=meta)


def furniture(text: str) -> tuple[Part, ...]:
    """Find the spans of a clean text that are not sentences, in order, none overlapping.

    When in doubt a span is left to the sentences: translating a credit does no harm, losing a
    sentence does.
    """
    kept: list[Part] = []
    for part in sorted(_candidates(text), key=lambda part: (part.start, -part.end)):
        if not kept or part.start >= kept[-1].end:
            kept.append(part)
    return tuple(kept)


def title(text: str, parts: tuple[Part, ...]) -> str:
    """Return the headline: a short first line without a final stop, with more text below it."""
    start = 0
    for part in parts:
        if text[start : part.start].strip() or part.kind == "dateline":
            break
        start = part.end
    line, _, below = text[start : start + 4 * MAX_TITLE_CHARS].lstrip().partition("\n")
    head, below = line.strip(), below.lstrip()
    if not head or len(head) > MAX_TITLE_CHARS or head[0] in "-–—•*" or _PAUSE.search(head):
        return ""
    end = text.index(head, start) + len(head)
    if any(start <= part.start < end for part in parts) or end in soft_newlines(text):
        return ""
    return head if below and not below[0].islower() else ""


def agencies(text: str) -> list[str]:
    """Name the agencies that a credit or a dateline carries, in order, each once."""
    names = {name.upper(): name for name in entries("agencies.txt")}
    found = _agency().findall(text)
    return list(dict.fromkeys(names[name.upper()] for name in found))


def soft_newlines(text: str) -> frozenset[int]:
    """Find the line ends that only wrap a paragraph, as mail and wire services do.

    Such a line is full: the first word of the next would not have fitted in the paragraph's width.
    Half of these words must continue a sentence, or the lines are verses, a list or headlines.
    """
    soft: list[int] = []
    lines: list[str] = []
    start = place = 0
    for line in [*text.split("\n"), ""]:
        if line and not line.isspace():
            start = start if lines else place
            lines.append(line)
        elif lines:
            soft += _wrapped(lines, start)
            lines = []
        place += len(line) + 1
    return frozenset(soft)


@cache
def entries(file: str) -> Mapping[str, str]:
    """Read a data file of this package: each entry with its reason."""
    lines = files("bitexte.stages").joinpath("data", file).read_text("utf-8").splitlines()
    rows = (line.partition("\t") for line in lines if line and not line.startswith("#"))
    return {entry.strip(): reason.strip() for entry, _, reason in rows}


def _readable(text: str) -> tuple[str, int]:
    """Normalise a text; count the characters that had to go."""
    text = _LINE_END.sub("\n", text)
    text = _PAIR.sub(lambda m: m[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
    text, removed = _FORBIDDEN.subn("", _INVISIBLE.sub("", text))
    bounded = _MARKS.sub(_fewer_marks, text)
    # Twice, as the normal form of some marks is two marks.
    normal = _MARKS.sub(_fewer_marks, unicodedata.normalize("NFC", bounded))
    stripped = _LINE_TAIL.sub("", normal + "\n")
    return _BLANK_LINES.sub("\n\n", stripped).strip("\n"), removed + len(text) - len(bounded)


def _fewer_marks(run: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for char in run[0]:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= MAX_MARKS:
            kept.append(char)
    return "".join(kept)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"


def _note(meta: dict[str, str], key: str, value: str) -> None:
    known = meta[key].split("; ") if key in meta else []
    meta[key] = "; ".join(dict.fromkeys(known + value.split("; ")))


def _candidates(text: str) -> Iterator[Part]:
    for kind, pattern in _patterns():
        for match in pattern.finditer(text):
            part = Part(kind, *match.span("part"), " ".join(match["value"].split()))
            if part.kind == "credit" and not _stands_alone(text, part.start, part.end):
                continue
            if part.value not in _NO_SLUG:
                yield part


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Tell a credit from « l'Agence France-Presse (AFP) a annoncé »."""
    before = text[max(0, start - 20) : start].rpartition("\n")[2]
    alone = _AFTER_STOP.search(before) if before.strip() else len(before) < 20
    return bool(alone) and _BEFORE_SENTENCE.match(text, end) is not None


@cache
def _agency() -> re.Pattern[str]:
    """Match one agency's name, as it stands in the table or in capitals; the longest first."""
    names = {form for name in entries("agencies.txt") for form in (name, name.upper())}
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((kind, re.compile(_expanded(rule), re.MULTILINE)) for kind, rule in _RULES)


def _expanded(rule: str) -> str:
    for name, piece in _PIECES.items():
        rule = rule.replace(name, piece)
    return rule.replace("@agency", _agency().pattern)


def _wrapped(lines: list[str], start: int) -> list[int]:
    """Return the line ends inside a paragraph that begins at `start`, if it is wrapped."""
    width = max(map(len, lines))
    if not MIN_WIDTH <= width <= MAX_WIDTH:
        return []
    soft: list[int] = []
    full = continued = 0
    for line, following in pairwise(lines):
        start += len(line)
        word = following.split(maxsplit=1)[0]
        is_full = len(line) + 1 + len(word) > width and not _BULLET.match(following)
        goes_on = word[0].islower() and not _END.search(line[-20:])
        full += is_full
        continued += is_full and goes_on
        if is_full or goes_on:
            soft.append(start)
        start += 1
    return soft if full and 2 * continued >= full >= (len(lines) - 1) / 2 else []
