"""Sentences of a text, with exact offsets.

A sentence ends at `. ! ? …`, with the closing quotes and brackets that follow, and at the end of a
line that is not merely wrapped. `:` and `;` end none. A quotation with several sentences inside is
cut inside it; an attribution (« a-t-il dit ») stays with the last one. `keep_quotes` keeps a
quotation whole.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from bitexte.records import Article, Segment
from bitexte.stages.clean import entries, furniture, soft_newlines

VERSION = "fr1"  # goes into every signature: raise it when the output changes

# What stands around a stop is read this far and no farther, whatever the length of the text.
REACH = 40

_STOP = re.compile(r"[.!?…]+(?:[ \xa0\u202f]?[!?…]+|(?<=\.) \.(?!\w))*|[。！？؟۔।॥]+")
_CLOSER = re.compile(
    r"(?P<space>[ \t\xa0\u202f\u2009]*)(?:[»”›)\]}]|(?P<straight>\")(?P<word>(?=\w))?)"
    r"|(?:\[\d{1,3}\])+|['’](?!\w)"
)
_NEXT = re.compile(
    r"(?P<gap>\s*)(?P<opening>(?:[«“„‹\"'‘(\[]\s?|(?:--?|[–—•*])\s)*)(?P<word>\w(?:-?\w){0,40}|\S)?"
)
_WORD = re.compile(r"\w")
_LINE_END = re.compile("[\n\r\v\f\x85\u2028\u2029]")
_BLANK_LINE = re.compile(r"\n\s*\n|\r\s*\r|\u2029")
_ACRONYM = re.compile(r"(?:[^\W\d_]{1,2}\.-?)+[^\W\d_]{1,2}")
_ROMAN = re.compile(r"[IVXLC]+")
_NUMBERING = re.compile(r"\W*(?:\d{1,3}|[^\W\d_]|[IVX]{1,4}|\d{1,2}(?:\.\d{1,2}){1,3})")
_NAME_WITH_ARTICLE = re.compile(r"(?<=[a-zà-ÿ,] )(?:Le|La|Les|Du|Des|De) [A-ZÀ-Þ]\w{1,30}")
_GLUED = re.compile(r"(?:[A-ZÀ-Þ](?:[a-zà-ÿ]+|['’]\w+|(?=\s))|À|Ç)(?![\w.@/])")
_OPENING = "«“„‹\"'‘([-–—*"
_QUOTE = re.compile(r"[«»“”\"]")
_CLOSING = {"«": "»", "“": "”", '"': '"'}
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
    """A text, and the words that help to read it."""

    def __init__(self, text: str, abbreviations: frozenset[str] | None) -> None:
        self.text = text
        self.kinds = dict(_abbreviations())
        for entry in abbreviations or ():
            self.kinds.setdefault(entry.strip().rstrip("."), "name")

    @cached_property
    def names(self) -> frozenset[str]:
        """The names such as « Le Pen » that the text shows inside a sentence."""
        return frozenset(_NAME_WITH_ARTICLE.findall(self.text))

    def kind(self, token: str) -> str:
        """Return the kind of an abbreviation; empty for any other word."""
        for form in (token, re.split("['’/-]", token)[-1]):
            kind = self.kinds.get(form) or self.kinds.get(form.lower())
            if kind:
                return kind
        return ""

    def starts(self, stop: _Stop) -> bool:
        """Tell a word that begins a sentence from a name."""
        first = re.split("['’-]", stop.word)[0]
        if not first[:1].isupper() or first.lower() not in _starters():
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
    segments and the gaps between them rebuild the text. `abbreviations` adds to those known.
    """
    text = article.text
    gaps = [(part.start, part.end) for part in furniture(text)]
    found: list[Segment] = []
    paragraph, done = 0, 0
    for start, end in sentences(text, max_chars, abbreviations, keep_quotes, gaps):
        if found:
            paragraph += len(_BLANK_LINE.findall(text, done, start))
        words = text[start:end]
        found.append(
            Segment(
                article_id=article.id,
                index=len(found),
                paragraph=paragraph,
                start=start,
                end=end,
                text=words,
            )
        )
        done = end
    return tuple(found)


def sentences(
    text: str,
    max_chars: int = 1000,
    abbreviations: frozenset[str] | None = None,
    keep_quotes: bool = False,
    gaps: Iterable[tuple[int, int]] = (),
) -> list[tuple[int, int]]:
    """Return the spans of a text's sentences, without outer white space.

    `gaps` are spans to leave out, in order; a sentence ends before each.
    """
    source = _Source(text, abbreviations)
    spans: list[tuple[int, int]] = []
    for start, end in _lines(text, gaps):
        cuts = list(_cuts(source, start, end))
        if keep_quotes:
            cuts = _outside_quotes(text, start, end, cuts)
        for begin, stop in zip([start, *cuts], [*cuts, end], strict=True):
            spans += _bounded(text, begin, stop, max_chars)
    return spans


@cache
def _starters() -> frozenset[str]:
    return frozenset(entries("starters.txt"))


@cache
def _abbreviations() -> dict[str, str]:
    table = entries("abbreviations.txt").items()
    return {entry: reason.partition(":")[0] for entry, reason in table}


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
    counted, quotes = start, 0
    for match in _STOP.finditer(text, start, end):
        if match.start() < first:
            continue
        quotes += text.count('"', counted, match.start())
        counted = match.start()
        close = _closed(text, match.end(), end, quotes % 2 == 1)
        if _ends(source, _stop(text, start, match, close, end)):
            yield close
            start = close
            first = _first_word(text, start, end)


def _first_word(text: str, start: int, end: int) -> int:
    found = _WORD.search(text, start, end)
    return found.start() if found else end


def _closed(text: str, start: int, end: int, quoted: bool) -> int:
    """Return the end of the quotes, brackets and note marks that close after a stop.

    `quoted` tells that a straight quote is open, so that `. "` closes it.
    """
    while closer := _CLOSER.match(text, start, end):
        if closer["straight"]:
            spaced, opens = closer["space"], closer["word"] is not None
            if (spaced and not quoted) or (opens and (spaced or not quoted)):
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
        numbering=place - start < REACH and bool(_NUMBERING.fullmatch(text, start, place)),
        bracket=bracket > 0 and bool(_WORD.search(text, start, bracket)),
        gap=bool(ahead["gap"]),
        opening=ahead["opening"],
        word=ahead["word"] or "",
        after=text[ahead.end("opening") : min(end, ahead.end("opening") + REACH)],
    )


def _ends(source: _Source, stop: _Stop) -> bool:
    """Decide whether a sentence ends at a stop."""
    if not stop.word:
        return False
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
    return True


def _ends_glued(stop: _Stop) -> bool:
    """Decide where the space is missing: « terminé.Le public », but not « Node.js »."""
    if stop.opening or stop.closers:
        return stop.word[0].isupper()
    if any(mark in stop.token for mark in ".@/:"):
        return False
    before = stop.token[-1:]
    return before.islower() and len(stop.token) > 1 and bool(_GLUED.match(stop.after))


def _ends_before_lower(source: _Source, stop: _Stop) -> bool:
    """Decide before a word without its capital: « L'euro recule. à New York »."""
    if stop.marks != "." or stop.closers or stop.opening:
        return False
    return len(stop.token) > 3 and stop.token.isalpha() and not source.kind(stop.token)


def _ends_at_point(source: _Source, stop: _Stop) -> bool:
    """Decide at a single point before a capital or a number."""
    token, number = stop.token, stop.word[0].isdigit()
    kind = source.kind(token)
    if kind == "title":
        return False
    if kind == "name" or _ACRONYM.fullmatch(token):
        return source.starts(stop)
    if kind == "number":
        return not number and not _ROMAN.fullmatch(stop.word)
    if kind == "end":
        return not number
    if len(token) == 1 and token.isupper():
        return source.starts(stop)
    if number and token.isdigit():
        return len(token) > 2 or len(stop.word) > 2
    return True


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
    while True:
        while start < end and text[start].isspace():
            start += 1
        if end - start <= max_chars:
            break
        cut = _clause(text, start, start + max_chars)
        yield start, cut - _spaces_before(text, start, cut)
        start = cut
    while start < end and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end


def _spaces_before(text: str, start: int, end: int) -> int:
    return end - start - len(text[start:end].rstrip())


def _clause(text: str, start: int, limit: int) -> int:
    """Return the best place to cut before `limit`: after a clause, a word, or a whole character."""
    earliest = start + (limit - start) // 4
    for mark in _CLAUSES:
        place = text.rfind(mark, earliest, limit)
        if place > start:
            return place + len(mark)
    cut = limit
    while cut > earliest + 1 and (unicodedata.combining(text[cut]) or "\u200d" in text[cut - 1 : cut + 1]):
        cut -= 1
    return cut
