"""Vary training pairs as news dispatches vary: quotes, datelines, names, numbers, marks.

Every function here is pure: a French and an English line go in with a `random.Random`, both come
out, and the same state of the generator gives the same lines. Both sides always change together.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from typing import Any

#: Placeholders that hide protected terms; user-defined pieces, so never cut and never normalised.
MARKS = tuple(f"⟦{digit}⟧" for digit in range(10))
#: The four kinds of quotation marks in French news: opening, closing.
QUOTES = (('"', '"'), ("« ", " »"), ("«", "»"), ("“", "”"))

Lines = tuple[str, str]

_SPACES = " \u00a0\u202f"
_QUOTED = re.compile(rf'"([^"]+)"|«[{_SPACES}]*([^»]+?)[{_SPACES}]*»|“([^”]+)”')
_NUMBER = re.compile(r"(?<![\d.,])\d{1,4}(?!\d|[.,]\d)")
_DECIMAL = re.compile(r"(?<![\d.,])\d{1,3},\d{1,2}(?![\d,])")
_NAME = re.compile(r"(?<![\w.'\u2019-])[A-ZÉÀÈ][\w-]{3,}(?![\w-])")
_CURLY = "\u2019"
_ENGLISH = str.maketrans({_CURLY: "'", "\u2018": "'", "“": '"', "”": '"'})


@dataclass(frozen=True)
class Rates:
    """Chances in [0, 1], as explained in data.toml."""

    numbers: float = 0.0
    names: float = 0.0
    names_mark: float = 0.0
    names_person: float = 0.0
    names_word: float = 0.0
    copied: float = 0.0
    restyle_quotes: float = 0.0
    said: float = 0.0
    apostrophes: float = 0.0
    spaces: float = 0.0
    credit: float = 0.0
    dateline: float = 0.0
    capitals: float = 0.0
    headline: float = 0.0
    joined: float = 0.0


@dataclass(frozen=True)
class Words:
    """The lists of names.toml; pairs are (French, English)."""

    agencies: list[str]
    cities: list[list[str]]
    months: list[list[str]]
    given: list[str]
    family: list[str]
    organisations: list[str]
    domains: list[str]
    topics: list[str]
    codes: list[str]
    sayings: list[list[str]]
    short: list[list[str]]


def read_words(path: Path) -> Words:
    """Read names.toml; a missing or unknown list is an error."""
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    known = {field.name for field in fields(Words)}
    if table.keys() != known:
        raise ValueError(f"{path}: lists {sorted(table.keys() ^ known)} are missing or unknown")
    return Words(**table)


def swap_numbers(fr: str, en: str, rng: Random) -> Lines:
    """Give numbers that both sides hold once another value of the same length.

    1 and 2 stay: they are often words on the other side. Three in ten years stay too.
    """
    theirs = _NUMBER.findall(en)
    ours = _NUMBER.findall(fr)
    # In order of appearance, for a set's order would differ from run to run.
    for number in dict.fromkeys(ours):
        shared = ours.count(number) == theirs.count(number) == 1
        if not shared or number in ("1", "2") or (len(number) == 4 and rng.random() < 0.3):
            continue
        pattern = rf"(?<![\d.,]){number}(?!\d|[.,]\d)"
        other = _number_like(number, rng)
        fr, en = re.sub(pattern, other, fr), re.sub(pattern, other, en)
    return _swap_decimals(fr, en, rng)


def _number_like(number: str, rng: Random) -> str:
    if len(number) == 4:
        return str(rng.choice((rng.randint(1900, 2030), rng.randint(2010, 2026))))
    return str(rng.randint(10 ** (len(number) - 1), 10 ** len(number) - 1))


def _swap_decimals(fr: str, en: str, rng: Random) -> Lines:
    """Swap "4,2" in French with "4.2" in English for another decimal, where each is there once."""
    for number in dict.fromkeys(_DECIMAL.findall(fr)):
        point = number.replace(",", ".")
        if fr.count(number) != 1 or en.count(point) != 1:
            continue
        digits = re.sub(r"\d", lambda _: str(rng.randint(1, 9)), number)
        fr, en = fr.replace(number, digits), en.replace(point, digits.replace(",", "."))
    return fr, en


def shared_name(fr: str, en: str, rng: Random) -> str | None:
    """Choose a capitalised word, not the first, that both sides hold exactly once."""
    names = _NAME.findall(fr[2:])
    other = _NAME.findall(en[2:])
    once = [n for n in names if fr.count(n) == en.count(n) == 1 and n in other]
    return rng.choice(once) if once else None


def replace_name(fr: str, en: str, rng: Random, new: str) -> Lines:
    """Put `new` in the place of a shared name; unchanged if there is none."""
    name = shared_name(fr, en, rng)
    return (fr.replace(name, new), en.replace(name, new)) if name else (fr, en)


def mark_names(fr: str, en: str, rng: Random) -> Lines:
    """Put different placeholder marks in the place of up to two shared names."""
    for mark in rng.sample(MARKS, 2):
        fr, en = replace_name(fr, en, rng, mark)
    return fr, en


def mark_number(fr: str, en: str, rng: Random) -> Lines:
    """Put a mark in the place of a shared number, or in brackets at the end if there is none."""
    mark = rng.choice(MARKS)
    ours, theirs = _NUMBER.findall(fr), _NUMBER.findall(en)
    for number in ours:
        if ours.count(number) == theirs.count(number) == fr.count(number) == en.count(number) == 1:
            return fr.replace(number, mark), en.replace(number, mark)
    return f"{fr} ({mark})", f"{en} ({mark})"


def person(rng: Random, words: Words) -> str:
    """Make up a person: a given and a family name."""
    return f"{rng.choice(words.given)} {rng.choice(words.family)}"


def copied_token(rng: Random, words: Words) -> str:
    """Make up what a translation must copy: URL, handle, address, hashtag or code."""
    domain, topic = rng.choice(words.domains), rng.choice(words.topics)
    handle = rng.choice(words.family).replace(" ", "").lower()
    makers: tuple[tuple[int, Callable[[], str]], ...] = (
        (30, lambda: f"https://www.{domain}/{topic}/{rng.randint(2010, 2026)}"),
        (20, lambda: f"www.{domain}"),
        (15, lambda: f"@{handle}{rng.choice(['', '_off', str(rng.randint(1, 99))])}"),
        (15, lambda: f"{topic}@{domain}"),
        (10, lambda: f"#{rng.choice(words.organisations)}{rng.choice(['', '2024', '2025'])}"),
        (10, lambda: rng.choice([*words.codes, f"R{rng.randint(1, 9)}-{rng.randint(100, 999)}"])),
    )
    make = rng.choices([m for _, m in makers], [weight for weight, _ in makers])[0]
    return make()


def add_copied(fr: str, en: str, rng: Random, words: Words) -> Lines:
    """Add a token to copy, in brackets, at the end of both sides."""
    token = copied_token(rng, words)
    return f"{fr} ({token})", f"{en} ({token})"


def restyle_quotes(fr: str, en: str, rng: Random) -> Lines:
    """Write the quotations of the French side with another of the four kinds of marks."""
    opening, closing = rng.choice(QUOTES)

    def rewrite(match: re.Match[str]) -> str:
        return f"{opening}{next(filter(None, match.groups()))}{closing}"

    return _QUOTED.sub(rewrite, fr), en


def quote_whole(fr: str, en: str, rng: Random, words: Words) -> Lines:
    """Make a quotation of a whole sentence, followed by who said it if it ends with a stop."""
    if not (fr.endswith((".", "!", "?")) and en.endswith((".", "!", "?"))):
        return fr, en
    opening, closing = rng.choice(QUOTES)
    if not (fr.endswith(".") and en.endswith(".")):
        return f"{opening}{fr}{closing}", f'"{en}"'
    said, who = rng.choice(words.sayings), person(rng, words)
    french, english = (text.replace("{name}", who) for text in said)
    fr, en = fr.rstrip(". "), en.rstrip(". ")
    return f"{opening}{fr}{closing}, {french}.", f'"{en}," {english}.'


def swap_apostrophes(fr: str, en: str) -> Lines:
    """Write the French apostrophes the other way, straight or curly."""
    return (fr.replace("'", _CURLY) if "'" in fr else fr.replace(_CURLY, "'")), en


def vary_spaces(fr: str, en: str, rng: Random) -> Lines:
    """Drop the spaces that French puts around ; : ! ? « » or make them non-breaking."""
    space = rng.choice(["", "", "\u00a0", "\u202f"])
    fr = re.sub(rf"[{_SPACES}]([;:!?»])", rf"{space}\1", fr)
    return re.sub(rf"«[{_SPACES}]", f"«{space}", fr), en


def plain_english(fr: str, en: str) -> Lines:
    """Write English quotes and apostrophes in the one straight way that the model shall learn."""
    en = re.sub(rf"«[{_SPACES}]?|[{_SPACES}]?»", '"', en)
    return fr, en.translate(_ENGLISH)


def add_credit(fr: str, en: str, rng: Random, words: Words) -> Lines:
    """Add an agency's name in brackets at the end."""
    agency = rng.choice(words.agencies)
    return f"{fr} ({agency})", f"{en} ({agency})"


def add_dateline(fr: str, en: str, rng: Random, words: Words) -> Lines:
    """Start with a dateline: place, half the time a date, agency and dash."""
    (ville, city), agency = rng.choice(words.cities), rng.choice(words.agencies)
    dash = rng.choice([" - ", " \u2013 ", " — "])
    if rng.random() < 0.5:
        (mois, month), day = rng.choice(words.months), rng.randint(2, 30)
        year = rng.choice(["", str(rng.randint(2015, 2026))])
        ville += f", {day} {mois} {year}".rstrip()
        city += f", {month} {day}" + (f", {year}" if year else "")
    return f"{ville} ({agency}){dash}{fr}", f"{city} ({agency}){dash}{en}"


def to_capitals(fr: str, en: str) -> Lines:
    """Write both sides in capitals."""
    return fr.upper(), en.upper()


def to_headline(fr: str, en: str) -> Lines:
    """Drop the final stop where both sides have one, but not of an ellipsis."""
    ends = fr.endswith(".") and en.endswith(".") and not fr.endswith("..")
    return (fr[:-1], en[:-1]) if ends else (fr, en)


def join(first: Lines, second: Lines) -> Lines:
    """Write two sentences in one line."""
    return f"{first[0]} {second[0]}", f"{first[1]} {second[1]}"


def _vary_content(fr: str, en: str, rng: Random, rates: Rates, words: Words) -> Lines:
    """Change what is said: numbers, names, marks, copied tokens."""
    if rng.random() < rates.numbers:
        fr, en = swap_numbers(fr, en, rng)
    if rng.random() < rates.names and shared_name(fr, en, Random(0)):
        return _vary_name(fr, en, rng, rates, words)
    if rng.random() < rates.copied:
        return mark_number(fr, en, rng) if rng.random() < 0.4 else add_copied(fr, en, rng, words)
    return fr, en


def _vary_name(fr: str, en: str, rng: Random, rates: Rates, words: Words) -> Lines:
    chance = rng.random()
    if chance < rates.names_mark:
        return mark_names(fr, en, rng)
    if chance < rates.names_mark + rates.names_person:
        return replace_name(fr, en, rng, person(rng, words))
    if chance < rates.names_mark + rates.names_person + rates.names_word:
        return replace_name(fr, en, rng, rng.choice(words.family + words.organisations))
    return replace_name(fr, en, rng, copied_token(rng, words))


def _vary_typography(fr: str, en: str, rng: Random, rates: Rates, words: Words) -> Lines:
    """Change how it is written: quotes, apostrophes, spaces."""
    quoted = _QUOTED.search(fr)
    if quoted and rng.random() < rates.restyle_quotes:
        fr, en = restyle_quotes(fr, en, rng)
    elif not quoted and 20 < len(fr) < 160 and rng.random() < rates.said:
        fr, en = quote_whole(fr, en, rng, words)
    if rng.random() < rates.apostrophes:
        fr, en = swap_apostrophes(fr, en)
    if rng.random() < rates.spaces:
        fr, en = vary_spaces(fr, en, rng)
    return plain_english(fr, en)


def _vary_frame(fr: str, en: str, rng: Random, rates: Rates, words: Words) -> Lines:
    """Change what is around: at most one of credit, dateline, capitals, headline."""
    chance = rng.random()
    if (chance := chance - rates.credit) < 0:
        return add_credit(fr, en, rng, words)
    if (chance := chance - rates.dateline) < 0:
        return add_dateline(fr, en, rng, words)
    if (chance := chance - rates.capitals) < 0:
        return to_capitals(fr, en) if len(fr) < 160 else (fr, en)
    return to_headline(fr, en) if chance < rates.headline else (fr, en)


def vary(fr: str, en: str, rng: Random, rates: Rates, words: Words) -> Lines:
    """Apply every augmentation at its rate, content before typography before frame."""
    fr, en = _vary_content(fr, en, rng, rates, words)
    fr, en = _vary_typography(fr, en, rng, rates, words)
    return _vary_frame(fr, en, rng, rates, words)
