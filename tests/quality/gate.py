"""Score segmentation and alignment on the gold sets, and keep floors that only rise.

python tests/quality/gate.py            print what is reached beside the floors
python tests/quality/gate.py --update   raise the floors; refuses to lower one
"""

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from bitexte.engines.vectors import encode
from bitexte.stages.align import align
from bitexte.stages.lexicon import load
from bitexte.stages.segment import with_furniture
from bitexte.stages.words import link

HERE = Path(__file__).parent
FLOORS = HERE / "floors.json"
FINAL = re.compile(r"[.!?…:;][\s»”\"’')\]]*$")


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """Read the gold documents of one file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def f1_hard(gold: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Return F1h, 0 to 100, of the segmenter on gold documents."""
    true = found = missed = 0
    for document in gold:
        text = document["text"]
        dense = [0, *accumulate(not char.isspace() for char in text)]
        ends = {dense[end]: text[start:end] for start, end in document["sents"]}
        hard = {end for end, sentence in ends.items() if FINAL.search(sentence)}
        own = {dense[end] for _, end in with_furniture(text)} - {dense[-1], 0}
        hard -= {dense[-1]}
        true += len(own & hard)
        found += len(own - ends.keys()) + len(own & hard)
        missed += len(hard - own)
    return {"F1h": _f1(true, found, true + missed)}


def f1_beads(gold: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Return strict F1 of beads and F1 of the sentences without counterpart, 0 to 100."""
    counts = Counter[str]()
    for document in gold:
        langs = document["src_lang"], document["tgt_lang"]
        beads = align(document["src"], document["tgt"], encode, langs)
        mine = [(tuple(range(*bead.source)), tuple(range(*bead.target))) for bead in beads]
        true = [(tuple(sorted(a)), tuple(sorted(b))) for a, b in document["gold"]]
        sizes = len(document["src"]), len(document["tgt"])
        for kind, found, wanted in (
            ("bead", *({one for one in side if all(one)} for side in (mine, true))),
            ("null", _nulls(mine, sizes), _nulls(true, sizes)),
        ):
            counts[kind] += len(found & wanted)
            counts[f"{kind} found"] += len(found)
            counts[f"{kind} wanted"] += len(wanted)
    return {
        name: _f1(counts[kind], counts[f"{kind} found"], counts[f"{kind} wanted"])
        for name, kind in (("strict F1", "bead"), ("null F1", "null"))
    }


def _nulls(
    beads: list[tuple[tuple[int, ...], tuple[int, ...]]], sizes: tuple[int, int]
) -> set[tuple[int, int]]:
    """Return the sentences, as side and number, that are in no bead with two sides."""
    linked = {(side, n) for one in beads if all(one) for side in (0, 1) for n in one[side]}
    return {(side, n) for side in (0, 1) for n in range(sizes[side])} - linked


def aer(gold: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Return 100 less the alignment error rate (Och & Ney 2003) of word links."""
    gold = list(gold)
    pairs = [(document["src"], document["tgt"]) for document in gold]
    right = total = 0
    for document, links in zip(gold, link(pairs, load("fr", "en")), strict=True):
        sure = set(map(tuple, document["sure"]))
        possible = sure | set(map(tuple, document["possible"]))
        right += len(sure & set(links)) + len(possible & set(links))
        total += len(sure) + len(links)
    return {"100 - AER": 100 * right / total}


def _f1(true: int, found: int, wanted: int) -> float:
    return 200 * true / (found + wanted) if found + wanted else 100.0


#: Folders of gold sets, and how their files are scored.
SCORES = {"segmentation": f1_hard, "alignment": f1_beads, "words": aer}


def gold_files() -> dict[str, Path]:
    """Name the gold files by folder and file."""
    return {
        f"{folder}/{path.name.removesuffix('.jsonl.gz')}": path
        for folder in SCORES
        for path in sorted((HERE / folder).glob("*.gz"))
    }


def reached(name: str) -> dict[str, float]:
    """Score a gold file; two decimals, rounded down, so that a floor is never above."""
    folder = name.partition("/")[0]
    scores = SCORES[folder](documents(gold_files()[name]))
    return {measure: int(100 * value) / 100 for measure, value in scores.items()}


def main() -> int:
    """Print the figures; with --update write them as the floors."""
    floors = json.loads(FLOORS.read_text("utf-8")) if FLOORS.exists() else {}
    now, lower = {}, []
    for name in gold_files():
        now[name] = reached(name)
        for measure, value in now[name].items():
            floor = floors.get(name, {}).get(measure, 0)
            lower += [f"{name} {measure}"] if value < floor else []
            print(f"{name:36} {measure:10} {value:6.2f}  floor {floor:6.2f}", flush=True)
    if "--update" not in sys.argv:
        return bool(lower)
    if lower:
        print(f"refused: {', '.join(lower)} would fall", file=sys.stderr)
        return 1
    FLOORS.write_text(json.dumps(now, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
