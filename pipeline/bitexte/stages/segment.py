"""Sentences of a text, with exact offsets.

A sentence ends at `. ! ? …`, with the closing quotes and brackets that follow, and at the end of a
line that is not merely wrapped. `:` ends none. `;` ends one only before a word such as « Le » in
capitals that no name follows, or between the items of a long list.

A quotation with several sentences inside is cut inside it; an attribution (« a-t-il dit ») stays
with the last one. `keep_quotes` keeps a quotation whole.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

from bitexte.records import Article, Segment
from bitexte.stages.clean import entries, furniture, soft_newlines
from bitexte.stages.language import primary

VERSION = "fr2"  # goes into every signature: raise it when the output changes

# What stands around a stop is read this far and no farther, whatever the length of the text.
REACH = 40
# So many `;` in one sentence part the items of a list; news writes one or two in a sentence.
LIST_MARKS = 4

_STOP = re.compile(
    r"[.!?…]+(?:[ \xa0\u202f]?[!?…]+|(?<=\.) \.(?!\w))*|;(?=\s+[A-ZÀ-Þ])"
    r"|[\u3002\uff01\uff1f\u061f\u06d4\u0964\u0965]+"  # Chinese, Arabic, Hindi
)
_CLOSER = re.compile(
    r"(?P<space>[ \t\xa0\u202f\u2009]*)(?:[»”›)\]}]|(?P<straight>\")(?P<word>(?=\w))?)"
    r"|(?:\[\d{1,3}\])+|['’](?!\w)"
)
# « [...] » after a stop goes with what follows it.
_NEXT = re.compile(
    r"(?P<gap>\s*)(?P<opening>(?:[\[(](?:\.{3}|…)[\])]\s?|[«“„‹\"'‘(\[]\s?|(?:--?|[–—•*])\s)*)"
    r"(?P<word>\w(?:-?\w){0,40}|\S)?"
)
_ITEM = re.compile(r"\([^()]{0,400}\)|(?P<item>;)(?=\s+\w)")
_WORD = re.compile(r"\w")
_VISIBLE = re.compile(r"\S")
_LINE = re.compile(r"\S(?:[^\n]*\S)?")
_LINE_END = re.compile("[\n\r\v\f\x85\u2028\u2029]")
_BLANK_LINE = re.compile(r"\n\s*\n|\r\s*\r|\u2029")
# U.S     J.-P     F     Bd     km: no word of two letters or more is without a vowel
_ACRONYM = re.compile(r"(?:[^\W\d_]{1,2}\.-?)+[^\W\d_]{1,2}|[A-ZÀ-Þ]")
_FORENAMES = re.compile(r"[A-ZÀ-Þ]\w?\.-[A-ZÀ-Þ]\w?")  # J.-P
_NO_VOWEL = re.compile(r"[BCDFGHJKLMNPQRSTVWXZ]?[bcdfghjklmnpqrstvwxz]{1,4}")
_ELISION = re.compile(r".*['’]")
# « affirme-t-il », « dit-elle »: an attribution, which stays with what was said.
_INVERSION = re.compile(r"\w+-(?:t-)?(?:ils?|elles?|on|je)\b")
_ROMAN = re.compile(r"[IVXLC]+")
_NUMBERING = re.compile(
    r"(?:\W*|.*(?P<mark>[:;,])\s+)"
    r"(?P<label>\d{1,2}|[^\W\d_]|[IVX]{1,4}|\d{1,2}(?:\.\d{1,2}){1,3})"
)
# What a list may begin with inside a sentence.
_FIRST_LABELS = ("1", "a", "A", "I")
# « art. R. 621-1 » of a code of laws
_LAW = re.compile(r"[A-Z]\.?[ \xa0-]?\d")
# « 150 pompiers », « 10.000 personnes »: no part of a date
_COUNTED = re.compile(r"\d{1,3}(?:[. \xa0\u202f]\d{3})*\s+[a-zà-ÿ]{2,}")
_NAME_WITH_ARTICLE = re.compile(
    r"(?:(?<=[a-zà-ÿ,] )|(?<=\bM\. )|(?<=\bMme ))(?:Le|La|Les|Du|Des|De) [A-ZÀ-Þ]\w{1,30}"
)
_GLUED = re.compile(r"(?:[A-ZÀ-Þ](?:[a-zà-ÿ]+|['’]\w+|(?=\s))|À|Ç)(?!\.\w|[\w@/])")
_OPENING = "«“„‹\"'‘([-–—*"
_QUOTE = re.compile(r"[«»“”\"]")
_CLOSING = {"«": "»", "“": "”", '"': '"'}
_JOINER = re.compile("[\u200d\ufe0f\U0001f3fb-\U0001f3ff]")
_BLANKS = " \t\xa0\u202f\u2009"
# Where to cut a sentence that is too long, the best first.
_CLAUSES = ("; ", " : ", ": ", ", ", " ")


@dataclass(frozen=True, slots=True)
class _Stop:
    """A place where a sentence may end, and what stands around it."""

    marks: str  # . ! ? … as written
    closers: str  # quotes and brackets after them
    token: str  # the word before, with its inner points: « J.-C », « etc »
    before: str  # the word before that
    numbering: bool  # nothing but a number or a letter stands before: « 1. »
    bracket: bool  # a bracket was opened inside the sentence, not at its start
    gap: bool  # white space follows
    opening: str  # quotes, brackets and dashes before the next word
    word: str  # the next word, or the next character if it is no word; empty at the end
    after: str  # the text from the next word on


class _Source:
    """A text, and the words of its language that help to read it."""

    def __init__(self, text: str, abbreviations: frozenset[str] | None, lang: str) -> None:
        self.text = text
        self.elides = lang != "en"
        self.starters = _starters(lang)
        self.kinds = dict(kinds(lang))
        for entry in abbreviations or ():
            self.kinds.setdefault(entry.strip().rstrip("."), "name")

    @cached_property
    def names(self) -> frozenset[str]:
        """The names such as « Le Pen » that the text shows inside a sentence."""
        return frozenset(_NAME_WITH_ARTICLE.findall(self.text))

    def kind(self, token: str) -> str:
        """Return the kind of an abbreviation, an acronym or an initial; empty for other words."""
        token = _ELISION.sub("", token) if self.elides else token
        part = _last_part(token)
        kind = self.kinds.get(token) or self.kinds.get(part)
        if kind:
            return kind
        if _ACRONYM.fullmatch(token):
            return "never" if _FORENAMES.fullmatch(token) else "name"
        kind = self.kinds.get(token.lower()) or self.kinds.get(part.lower(), "")
        if part.isupper():  # « FT. » and « CO. » are no feet and companies, but « DR. » is a doctor
            return kind if kind == "never" else ""
        return kind or ("name" if _NO_VOWEL.fullmatch(part) else "")

    def starts(self, stop: _Stop) -> bool:
        """Tell a word that begins a sentence from a name."""
        first, elided = stop.word.split("-")[0], stop.after[len(stop.word) :][:1] in ("'", "’")
        if first.lower() + "'" * elided not in self.starters or not first[0].isupper():
            return False
        name = _NAME_WITH_ARTICLE.match("x " + stop.after, 2)
        return not (name and name[0] in self.names)


def segment(
    article: Article,
    max_chars: int = 1000,
    abbreviations: frozenset[str] | None = None,
    keep_quotes: bool = False,
) -> tuple[Segment, ...]:
    """Cut an article into sentences of at most `max_chars` code points.

    Segments are in order, never overlap, and hold all that is neither white space nor furniture:
    segments and the gaps between them rebuild the text. `abbreviations` adds to those known of
    the article's language.
    """
    gaps = furniture_gaps(article.text)
    return _segments(
        article,
        sentences(article.text, max_chars, abbreviations, keep_quotes, gaps, article.lang),
    )


def lines(article: Article) -> tuple[Segment, ...]:
    """Take each line that is not blank as a sentence, without its outer white space."""
    return _segments(article, [match.span() for match in _LINE.finditer(article.text)])


def _segments(article: Article, spans: Iterable[tuple[int, int]]) -> tuple[Segment, ...]:
    text = article.text
    found: list[Segment] = []
    paragraph, done = 0, 0
    for start, end in spans:
        if found:
            paragraph += len(_BLANK_LINE.findall(text, done, start))
        found.append(
            Segment(
                article_id=article.id,
                index=len(found),
                paragraph=paragraph,
                start=start,
                end=end,
                text=text[start:end],
            )
        )
        done = end
    return tuple(found)


def furniture_gaps(text: str) -> list[tuple[int, int]]:
    """Return the spans of the credits, datelines and the like that no sentence holds."""
    return [(part.start, part.end) for part in furniture(text)]


def with_furniture(
    text: str, abbreviations: frozenset[str] | None = None, keep_quotes: bool = False
) -> list[tuple[int, int]]:
    """Return the spans of the sentences, each with the credits and datelines that stand at it.

    For gold sets, which have no gaps: furniture goes to the sentence before it on its line, else
    to the one after, else it stands alone.
    """
    gaps = furniture_gaps(text)
    spans = sentences(text, abbreviations=abbreviations, keep_quotes=keep_quotes, gaps=gaps)
    ends = {end: place for place, (_, end) in enumerate(spans)}
    starts = {start: place for place, (start, _) in enumerate(spans)}
    alone = []
    for begin, end in gaps:
        near, far = text[max(0, begin - REACH) : begin], text[end : end + REACH]
        before = ends.get(begin - len(near) + len(near.rstrip(_BLANKS)))
        after = starts.get(end + len(far) - len(far.lstrip(_BLANKS)))
        if before is not None:
            spans[before] = (spans[before][0], end)
            ends[end] = before
        elif after is not None:
            spans[after] = (begin, spans[after][1])
        else:
            alone.append((begin, end))
    return sorted([*spans, *alone])


def sentences(
    text: str,
    max_chars: int = 1000,
    abbreviations: frozenset[str] | None = None,
    keep_quotes: bool = False,
    gaps: Iterable[tuple[int, int]] = (),
    lang: str = "fr",
) -> list[tuple[int, int]]:
    """Return the spans of a text's sentences, without outer white space.

    `gaps` are spans to leave out, in order; a sentence ends before each. `lang` is a BCP 47 tag;
    English has tables of its own, any other language is read with the French ones.
    """
    source = _Source(text, abbreviations, primary(lang))
    spans: list[tuple[int, int]] = []
    for start, end in _lines(text, gaps):
        cuts = _with_items(text, start, end, list(_cuts(source, start, end)))
        if keep_quotes:
            cuts = _outside_quotes(text, start, end, cuts)
        for begin, stop in zip([start, *cuts], [*cuts, end], strict=True):
            spans += _bounded(text, begin, stop, max_chars)
    return spans


def _last_part(token: str) -> str:
    return re.split("['’/-]", token)[-1]


@cache
def _starters(lang: str) -> frozenset[str]:
    return frozenset(entries(_table("starters", lang)))


@cache
def kinds(lang: str) -> dict[str, str]:
    """Return the abbreviations of a language, and of each what may follow it."""
    table = entries(_table("abbreviations", lang)).items()
    return {entry: reason.partition(":")[0] for entry, reason in table}


def _table(name: str, lang: str) -> str:
    return f"{name}.en.txt" if lang == "en" else f"{name}.txt"


def _lines(text: str, gaps: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the spans between gaps and the line ends that end a sentence."""
    soft = soft_newlines(text)
    ends = [match.span() for match in _LINE_END.finditer(text) if match.start() not in soft]
    start = 0
    for begin, end in sorted([*ends, *gaps]):
        if start < begin:
            yield start, begin
        start = max(start, end)
    if start < len(text):
        yield start, len(text)


def _cuts(source: _Source, start: int, end: int) -> Iterator[int]:
    """Yield the places inside a line where one sentence ends and another begins."""
    text = source.text
    first = _first_word(text, start, end)
    seen, quoted = start, False
    for match in _STOP.finditer(text, start, end):
        if match.start() < first:
            continue
        quoted = _in_quotes(text, seen, match.start(), quoted)
        seen = match.start()
        close = _closed(text, match.end(), end, quoted)
        if _ends(source, _stop(text, start, match, close, end)):
            first = _first_word(text, close, end)
            if first == end:
                return
            yield close
            start = close


def _with_items(text: str, start: int, end: int, cuts: list[int]) -> list[int]:
    """Add the cuts between the items of a list that fills one sentence: « a ; b ; c ; d ; e. »."""
    found: list[int] = []
    for begin, stop in pairwise([start, *cuts, end]):
        items = [match.end() for match in _ITEM.finditer(text, begin, stop) if match["item"]]
        found += [*(items if len(items) >= LIST_MARKS else ()), stop]
    return found[:-1]


def _first_word(text: str, start: int, end: int) -> int:
    found = _WORD.search(text, start, end)
    return found.start() if found else end


def _in_quotes(text: str, start: int, end: int, quoted: bool) -> bool:
    """Tell whether a straight quote is open at `end`, if at `start` one was or was not."""
    place = text.find('"', start, end)
    while place >= 0:
        opens, closes = _sides(text, place)
        quoted = opens if opens != closes else not quoted
        place = text.find('"', place + 1, end)
    return quoted


def _sides(text: str, place: int) -> tuple[bool, bool]:
    """Tell whether a straight quote can open, and whether it can close, by what touches it."""
    before, after = text[place - 1 : place] or " ", text[place + 1 : place + 2]
    return not (before.isalnum() or before in ".,!?…"), not after.isalnum()


def _closed(text: str, start: int, end: int, quoted: bool) -> int:
    """Return the end of the quotes, brackets and note marks that close after a stop.

    `quoted` tells that a straight quote is open: a lone `"` then closes it, unless the next one
    does so.
    """
    while closer := _CLOSER.match(text, start, end):
        if closer["straight"]:
            following = text.find('"', closer.end(), end)
            pending = quoted and (following < 0 or _sides(text, following) != (False, True))
            glued = closer["word"] is not None
            if (closer["space"] and (glued or not pending)) or (glued and not quoted):
                break
            quoted = False
        start = closer.end()
    return start


def _stop(text: str, start: int, match: re.Match[str], close: int, end: int) -> _Stop:
    """Describe a place where the sentence begun at `start` may end."""
    place = match.start()
    behind = text[max(start, place - REACH) : place]
    words = behind.split()
    touching = bool(words) and not behind[-1].isspace()
    ahead = _NEXT.match(text, close, end)
    assert ahead, "every part of the pattern is optional"
    bracket = text.rfind("(", max(start, place - 10 * REACH), place)
    return _Stop(
        marks=match[0],
        closers=text[match.end() : close],
        token=words.pop().lstrip(_OPENING) if touching else "",
        before=words[-1] if words else "",
        numbering=_numbered(text, start, place),
        bracket=bracket > 0 and bool(_WORD.search(text, start, bracket)),
        gap=bool(ahead["gap"]),
        opening=ahead["opening"],
        word=ahead["word"] or "",
        after=text[ahead.end("opening") : min(end, ahead.end("opening") + REACH)],
    )


def _numbered(text: str, start: int, place: int) -> bool:
    """Tell the label of an item, « 2. », from a number that ends a sentence.

    After « : » or « ; » it is the first of a list, and after « , » too the one that follows a
    label of the same sentence.
    """
    found = _NUMBERING.fullmatch(text, max(start, place - REACH), place)
    if not found or not found["mark"]:
        return found is not None
    label = found["label"]
    if label in _FIRST_LABELS or (len(label) > 1 and not label.isdecimal()):  # IV     2.1
        return found["mark"] != ","
    before = str(int(label) - 1) if label.isdecimal() else chr(ord(label) - 1)
    if label in ("V", "X"):
        before = "I" + label
    behind = text[max(start, place - 10 * REACH) : place]
    return re.search(rf"(?<!\w){re.escape(before)}\.\s", behind) is not None


def _ends(source: _Source, stop: _Stop) -> bool:
    """Decide whether a sentence ends at a stop."""
    if not stop.word:
        return False
    if stop.marks == ";":
        return source.starts(stop) and not stop.after[len(stop.word) :].lstrip()[:1].isupper()
    if stop.marks[0] not in ".!?…":
        return True
    if stop.word in ",;:)]»”…%/." or (stop.numbering and stop.marks == "."):
        return False
    if not stop.gap:
        return _ends_glued(stop)
    if ")" in stop.closers and stop.bracket:
        return False
    if stop.word[0].islower():
        return _ends_before_lower(source, stop)
    if stop.marks == ".":
        return _ends_at_point(source, stop)
    return not (stop.word[0].isdigit() and stop.marks in ("...", "…") and not stop.closers)


def _ends_glued(stop: _Stop) -> bool:
    """Decide where the space is missing: « terminé.Le public », but not « Node.js »."""
    if stop.opening or stop.closers:
        return stop.word[0].isupper()
    if any(mark in stop.token for mark in ".@/:") or not _GLUED.match(stop.after):
        return False
    return stop.marks != "." or (len(stop.token) > 1 and stop.token[-1].islower())


def _ends_before_lower(source: _Source, stop: _Stop) -> bool:
    """Decide before a word without its capital: « L'euro recule. à New York »."""
    if stop.marks != "." or _INVERSION.match(stop.after):
        return False
    word = _last_part(stop.token.rstrip("\"»”’')]"))
    if stop.opening[:1] in ("«", "“", '"', "("):
        return bool(stop.closers) or (len(word) > 1 and not source.kind(word))
    long = len(word) > 3 or (len(word) > 1 and (word.isupper() or stop.word == "à"))
    return long and not stop.closers and word.isalpha() and not source.kind(word)


def _ends_at_point(source: _Source, stop: _Stop) -> bool:
    """Decide at a single point before a capital or a number."""
    number, kind = stop.word[0].isdigit(), source.kind(stop.token)
    if kind == "never":
        return False
    if kind == "name":
        return source.starts(stop)
    if kind == "number":
        law = _last_part(stop.token).lower() == "art" and _LAW.match(stop.after)
        return not (number or law or _ROMAN.fullmatch(stop.word))
    counted = _COUNTED.match(stop.after) is not None
    if kind == "end":
        return counted or not number
    date = number and len(stop.token) < 3 and stop.token.isdigit()  # 5. 10. 2020
    return not date or ((counted or len(stop.word) > 2) and not stop.before[:1].isdigit())


def _outside_quotes(text: str, start: int, end: int, cuts: list[int]) -> list[int]:
    """Leave out the cuts inside a quotation that is opened and closed on the line."""
    quotations: list[tuple[int, int]] = []
    opened, depth, begin = "", 0, 0
    for match in _QUOTE.finditer(text, start, end):
        char = match[0]
        if not depth:
            opened, depth, begin = char, int(char in _CLOSING), match.start()
        elif char == _CLOSING[opened]:
            depth -= 1
            if not depth:
                quotations.append((begin, match.start()))
        elif char == opened:
            depth += 1
    kept: list[int] = []
    inside = iter(quotations)
    quotation = next(inside, None)
    for cut in cuts:
        while quotation and quotation[1] < cut:
            quotation = next(inside, None)
        if not quotation or cut <= quotation[0]:
            kept.append(cut)
    return kept


def _bounded(text: str, start: int, end: int, max_chars: int) -> Iterator[tuple[int, int]]:
    """Yield a span without its outer white space, cut at clauses where it is too long."""
    end = start + len(text[start:end].rstrip())
    while visible := _VISIBLE.search(text, start, end):
        start, whole = visible.start(), end
        if end - start > max_chars:
            whole = _clause(text, start, start + max_chars)
        yield start, start + len(text[start:whole].rstrip())
        start = whole


def _clause(text: str, start: int, limit: int) -> int:
    """Return the best place to cut before `limit`: after a clause, a word, or a whole character."""
    earliest = start + (limit - start) // 4
    for mark in _CLAUSES:
        place = text.rfind(mark, earliest, limit)
        if place > start:
            return place + len(mark)
    cut = limit
    while cut > earliest + 1 and _joined(text, cut):
        cut -= 1
    return cut


def _joined(text: str, place: int) -> bool:
    """Tell whether the character at a place is part of the one before: an accent, an emoji."""
    return (
        unicodedata.combining(text[place]) > 0
        or _JOINER.search(text, place - 1, place + 1) is not None
    )
