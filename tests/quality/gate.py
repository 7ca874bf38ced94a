"""Score the segmenter on the gold sets, and keep floors that only rise.

python tests/quality/gate.py            print what is reached beside the floors
python tests/quality/gate.py --update   raise the floors; refuses to lower one
"""

import gzip
import json
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from bitexte.stages.segment import with_furniture

HERE = Path(__file__).parent
FLOORS = HERE / "floors.json"
FINAL = re.compile(r"[.!?…:;][\s»”\"’')\]]*$")


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """Read the gold documents of one file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def f1_hard(gold: Iterable[dict[str, Any]]) -> float:
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
    precision, recall = true / max(1, found), true / max(1, true + missed)
    return 200 * precision * recall / (precision + recall) if true else 100.0 * (not missed)


def reached() -> dict[str, float]:
    """Score every gold file; two decimals, rounded down, so that a floor is never above."""
    return {
        path.name.partition(".jsonl")[0]: int(100 * f1_hard(documents(path))) / 100
        for path in sorted((HERE / "segmentation").glob("*.gz"))
    }


def main() -> int:
    """Print the figures; with --update write them as the floors."""
    now, floors = reached(), json.loads(FLOORS.read_text("utf-8")) if FLOORS.exists() else {}
    for name, value in now.items():
        print(f"{name:24} {value:6.2f}  floor {floors.get(name, 0):6.2f}")
    lower = [name for name, floor in floors.items() if now.get(name, 0) < floor]
    if "--update" not in sys.argv:
        return bool(lower)
    if lower:
        print(f"refused: {', '.join(lower)} would fall", file=sys.stderr)
        return 1
    FLOORS.write_text(json.dumps(now, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
