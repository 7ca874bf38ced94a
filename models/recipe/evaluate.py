"""Score a MarianMT folder: BLEU, chrF, speed, loops, copied digits and marks; int8 and float32.

    python models/recipe/evaluate.py models/fr-en TESTS --sets 'wmt*' --limit 400

Test sets are NAME.fr beside NAME.en, outputs of other systems NAME.SYSTEM.en, and tables *.tsv of
French, English, source (one set a source). Lines are cut into pieces as MarianTokenizer does:
source.spm, then </s>. Prints one table and one JSON line.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from html import unescape
from pathlib import Path
from typing import Any

import ctranslate2
import sentencepiece
from ctranslate2.converters import TransformersConverter
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

#: Inputs that make weak models loop, stop short or invent; none has a reference.
NASTY = (
    "Bonjour.",
    "Oui",
    "",
    "COMMUNIQUÉ DE PRESSE - PAGE 3 - SERVICE DES RELATIONS EXTÉRIEURES",
    "BELGIQUE : LE GOUVERNEMENT ANNONCE DE NOUVELLES MESURES",
    "2018 | 12,4 | 11,2 | 3 456 | 0,5 % | n.d. | 78",
    "Total ; 1 200 000 ; 45,0 ; 2019 ; - ; -",
    "En décembre 2018, 1 000 000 000 d'euros.",
    "🎉🎉 Bravo à toute l'équipe ! 👏",
    "........................",
    "https://www.lesoir.be/rapport/2024?id=45#haut",
    "a a a a a a a a a a a a a a a a a a a a",
    "Ligne 1\tcolonne 2\tcolonne 3",
    " ".join(["le ministre a dit que la commission avait adopté le rapport et"] * 25) + " voilà.",
    "Le ministre, " + "qui, selon les députés de la majorité, avait parlé tôt, " * 24 + "part.",
)
#: Sentences with placeholder marks, which must come out once each.
MARKED = (
    "⟦0⟧ a déclaré que ⟦1⟧ serait fermé lundi.",
    "Le groupe ⟦4⟧ a été racheté par ⟦7⟧ en 2019.",
    "Selon ⟦2⟧, la mesure coûtera 4,2 millions d'euros.",
    "L'accord entre ⟦3⟧ et ⟦5⟧ a été signé à Bruxelles.",
    "« Nous nous excusons », a ajouté ⟦6⟧.",
    "De nombreux habitants ne peuvent plus se connecter à ⟦8⟧, ⟦9⟧ ou ⟦1⟧.",
    "La voiture de ⟦0⟧ a été retrouvée dans le centre de ⟦2⟧.",
    "(⟦5⟧)",
)


@dataclass(frozen=True)
class Collection:
    """One test set: sources, references, and what other systems made of the sources."""

    name: str
    source: list[str]
    reference: list[str]
    systems: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """Figures of one system on one set; shares in per cent, `speed` in target pieces a second."""

    set: str
    system: str
    lines: int
    bleu: float
    chrf: float
    loops: float
    digits: float
    unknown: int
    speed: float


class Engine:
    """A converted model with its SentencePiece models; one output per line, in order."""

    def __init__(self, converted: Path, folder: Path, compute: str, threads: int) -> None:
        self.translator = ctranslate2.Translator(
            str(converted), device="cpu", compute_type=compute, intra_threads=threads
        )
        load = sentencepiece.SentencePieceProcessor
        self.source = load(model_file=str(folder / "source.spm"))
        self.target = load(model_file=str(folder / "target.spm"))

    def translate(self, lines: Sequence[str], beam: int) -> list[list[str]]:
        """Translate lines to lists of target pieces, without </s>."""
        pieces = [[*self.source.encode(line, out_type=str), "</s>"] for line in lines]
        results = self.translator.translate_batch(
            pieces,
            beam_size=beam,
            max_batch_size=2048,
            batch_type="tokens",
            max_input_length=512,
            max_decoding_length=256,
        )
        return [result.hypotheses[0] for result in results]

    def text(self, pieces: Sequence[str]) -> str:
        """Write pieces as text."""
        return str(self.target.decode_pieces(list(pieces))).strip()


def _lines(path: Path, limit: int) -> list[str]:
    # Not splitlines(): U+2028 and U+0085 occur inside lines.
    lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    return lines[:limit] if limit else lines


def read_sets(folder: Path, wanted: str, limit: int) -> list[Collection]:
    """Read the test sets of a folder whose names fit the pattern; `limit` lines of each, 0 all."""
    found = []
    for path in sorted(folder.glob("*.fr")):
        others = sorted(folder.glob(f"{path.stem}.*.en"))
        systems = {other.name.split(".")[1]: _system_lines(other, limit) for other in others}
        reference = _lines(path.with_suffix(".en"), limit)
        found.append(Collection(path.stem, _lines(path, limit), reference, systems))
    for path in sorted(folder.glob("*.tsv")):
        found += _read_table(path, limit)
    return [one for one in found if fnmatch(one.name, wanted)]


def _system_lines(path: Path, limit: int) -> list[str]:
    # Some services answer in HTML: &quot; and &#39; are no part of the translation.
    return [unescape(line) for line in _lines(path, limit)]


def _read_table(path: Path, limit: int) -> list[Collection]:
    by_source: dict[str, Collection] = {}
    for line in _lines(path, 0):
        fr, en, source = line.split("\t")
        one = by_source.setdefault(source, Collection(source, [], []))
        if not limit or len(one.source) < limit:
            one.source.append(fr)
            one.reference.append(en)
    return [one for _, one in sorted(by_source.items())]


def repeats(pieces: Sequence[str]) -> int:
    """Count how often the most frequent run of four pieces occurs."""
    runs = Counter(zip(pieces, pieces[1:], pieces[2:], pieces[3:], strict=False))
    return max(runs.values(), default=0)


def is_loop(output: Sequence[str], source: Sequence[str]) -> bool:
    """Tell whether four pieces come more than three times, and more often than in the source."""
    return repeats(output) > max(3, repeats(source))


def kept(pattern: str, sources: Iterable[str], outputs: Iterable[str]) -> float:
    """Measure how many matches in the sources are in the outputs of their lines, in per cent."""
    asked = found = 0
    for source, output in zip(sources, outputs, strict=True):
        wanted, have = Counter(re.findall(pattern, source)), Counter(re.findall(pattern, output))
        asked, found = asked + wanted.total(), found + (wanted & have).total()
    return 100.0 * found / asked if asked else 100.0


def score(
    one: Collection, system: str, texts: list[str], engine: Engine, unknown: int, speed: float
) -> Row:
    """Score the texts of a system; loops are counted in pieces of the engine's target model."""
    pieces = [engine.target.encode(text, out_type=str) for text in texts]
    sources = [engine.source.encode(line, out_type=str) for line in one.source]
    loops = sum(map(is_loop, pieces, sources))
    return Row(
        one.name,
        system,
        len(texts),
        BLEU().corpus_score(texts, [one.reference]).score,
        CHRF().corpus_score(texts, [one.reference]).score,
        100.0 * loops / max(1, len(texts)),
        kept(r"\d+", one.source, texts),
        unknown,
        speed,
    )


def run_set(one: Collection, engine: Engine, system: str, beam: int) -> Row:
    """Translate and score one set."""
    start = time.perf_counter()
    outputs = engine.translate(one.source, beam)
    seconds = time.perf_counter() - start
    unknown = sum(pieces.count("<unk>") for pieces in outputs)
    speed = sum(map(len, outputs)) / seconds
    return score(one, system, [engine.text(p) for p in outputs], engine, unknown, speed)


def run_peers(one: Collection, engine: Engine) -> list[Row]:
    """Score the reference (how many digits a human keeps) and the other systems' outputs."""
    rows = [score(one, name, texts, engine, 0, 0.0) for name, texts in one.systems.items()]
    return [score(one, "reference", one.reference, engine, 0, 0.0), *rows] if rows else []


def run_nasty(engine: Engine, beam: int) -> dict[str, Any]:
    """Translate the nasty and the marked inputs; `nasty_loops` in per cent, `marks` kept too."""
    outputs = engine.translate(NASTY, beam)
    sources = [engine.source.encode(line, out_type=str) for line in NASTY]
    marked = [engine.text(pieces) for pieces in engine.translate(MARKED, beam)]
    return {
        "nasty_loops": 100.0 * sum(map(is_loop, outputs, sources)) / len(NASTY),
        "nasty_longest": max(map(len, outputs)),
        "nasty": [[s[:80], engine.text(p)[:160]] for s, p in zip(NASTY, outputs, strict=True)],
        "marks": kept(r"⟦\d⟧", MARKED, marked),
        "marked": marked,
    }


def convert(folder: Path, out: Path, compute: str) -> Path:
    """Convert a MarianMT folder for CTranslate2 in the given type and return where it is."""
    target = out / compute
    with warnings.catch_warnings():
        # Pieces are cut here, without Moses' punctuation, as MarianTokenizer does.
        warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
        TransformersConverter(str(folder)).convert(str(target), quantization=compute)
    return target


def table(rows: Sequence[Row]) -> str:
    """Lay the rows out as text."""
    head = f"{'set':<16} {'system':<22} {'lines':>5} {'BLEU':>6} {'chrF':>6} {'loops%':>7}"
    lines = [f"{head} {'digits%':>8} {'unk':>4} {'pieces/s':>9}"]
    for r in rows:
        speed = f"{r.speed:9.0f}" if r.speed else f"{'-':>9}"
        name = f"{r.set:<16} {r.system:<22} {r.lines:>5} {r.bleu:6.2f} {r.chrf:6.2f}"
        lines.append(f"{name} {r.loops:7.2f} {r.digits:8.2f} {r.unknown:>4} {speed}")
    return "\n".join(lines)


def evaluate(flags: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """Run everything: int8 on all sets, float32 on the first lines of the last set with peers."""
    sets = read_sets(flags.tests, flags.sets, flags.limit)
    if not sets:
        raise SystemExit(f"{flags.tests}: no test set named {flags.sets}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        quick = Engine(
            convert(flags.model, Path(scratch), "int8"), flags.model, "int8", flags.threads
        )
        for one in sets:
            rows += [run_set(one, quick, "int8", flags.beam), *run_peers(one, quick)]
            print(f"{one.name} done", file=sys.stderr, flush=True)
        extra = run_nasty(quick, flags.beam)
        if flags.compare:
            exact = convert(flags.model, Path(scratch), "float32")
            engine = Engine(exact, flags.model, "float32", flags.threads)
            rows += compare(sets[-1], quick, engine, flags)
    return rows, extra


def compare(one: Collection, quick: Engine, exact: Engine, flags: argparse.Namespace) -> list[Row]:
    """Score int8 and float32 on the same first lines of a set."""
    n = flags.compare
    part = Collection(f"{one.name}:{n}", one.source[:n], one.reference[:n])
    return [
        run_set(part, quick, "int8", flags.beam),
        run_set(part, exact, "float32", flags.beam),
    ]


def signatures() -> dict[str, str]:
    """Give the sacreBLEU signatures of the two metrics, as printed for one reference."""
    bleu, chrf = BLEU(), CHRF()
    bleu.corpus_score(["a"], [["a"]])
    chrf.corpus_score(["a"], [["a"]])
    return {"BLEU": bleu.get_signature().format(), "chrF": chrf.get_signature().format()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate a folder and print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, help="MarianMT folder")
    parser.add_argument("tests", type=Path, help="folder of test sets")
    parser.add_argument("--sets", default="*", help="pattern of set names")
    parser.add_argument("--limit", type=int, default=0, help="lines of each set; 0: all")
    parser.add_argument("--compare", type=int, default=500, help="lines for float32; 0: none")
    parser.add_argument("--beam", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    flags = parser.parse_args(arguments)
    rows, extra = evaluate(flags)
    marks, signed = extra["marks"], signatures()
    print(table(rows))
    print(f"nasty inputs: loops {extra['nasty_loops']:.1f} %; marks kept {marks:.1f} %")
    for name, signature in signed.items():
        print(f"{name}: {signature}")
    result = {"rows": [asdict(row) for row in rows], "signatures": signed, **extra}
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
