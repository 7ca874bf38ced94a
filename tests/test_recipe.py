"""The recipe from pairs to a scored model: each augmentation, and the whole chain in seconds."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("sacrebleu", reason="the recipe's tests need the dev extra")
zstandard = pytest.importorskip("zstandard", reason="the recipe's tests need the dev extra")
pytest.importorskip("google.protobuf", reason="the recipe's tests need the dev extra")

RECIPE = Path(__file__).parents[1] / "models" / "recipe"
TINY = [
    "--width",
    "32",
    "--ffn",
    "64",
    "--heads",
    "4",
    "--encoder-layers",
    "2",
    "--decoder-layers",
    "2",
]
TRAIN = [*TINY, "--threads", "1", "--steps", "6", "--tokens", "400", "--report", "2", "--keep", "2"]

NBSP, THIN, CURLY = "\u00a0", "\u202f", "\u2019"


def load(name: str) -> Any:
    """Import a script of the recipe, which is no package, as running it would."""
    sys.path.insert(0, str(RECIPE))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(RECIPE))


augment = load("augment")
WORDS = augment.read_words(RECIPE / "names.toml")


def seeds(call: Callable[[Random], Any], count: int = 60) -> set[Any]:
    """Collect what a function of a generator gives over many seeds."""
    return {call(Random(seed)) for seed in range(count)}


# --- augmentation -----------------------------------------------------------------------------


def test_numbers_are_swapped_alike_on_both_sides() -> None:
    fr, en = "En 2018, 34 députés sur 150.", "In 2018, 34 members out of 150."
    for new_fr, new_en in seeds(lambda rng: augment.swap_numbers(fr, en, rng)):
        digits = "".join(c if c.isdigit() else " " for c in new_fr).split()
        assert digits == "".join(c if c.isdigit() else " " for c in new_en).split()
        assert [len(d) for d in digits] == [4, 2, 3]
    assert len(seeds(lambda rng: augment.swap_numbers(fr, en, rng))) > 50


@pytest.mark.parametrize(
    ("fr", "en"),
    [
        ("Il en a 2.", "He has 2."),  # a word on many a side
        ("34 et 34", "34 and 34"),  # which is which?
        ("34 votes", "thirty-four votes"),
        ("version 12.5.3", "version 12.5.3"),
    ],
)
def test_numbers_that_cannot_be_swapped_safely_stay(fr: str, en: str) -> None:
    assert seeds(lambda rng: augment.swap_numbers(fr, en, rng)) == {(fr, en)}


def test_decimals_keep_their_comma_in_french_and_point_in_english() -> None:
    fr, en = "4,2 des 11,2 millions", "4.2 of 11.2 million"
    for new_fr, new_en in seeds(lambda rng: augment.swap_numbers(fr, en, rng)):
        assert new_fr.split()[0] == new_en.split()[0].replace(".", ",")
        assert new_fr.split()[2] == new_en.split()[2].replace(".", ",")


def test_a_shared_name_is_found_once_on_both_sides_and_not_first() -> None:
    fr, en = "Selon Dupont, Bruxelles refuse.", "According to Dupont, Brussels refuses."
    assert seeds(lambda rng: augment.shared_name(fr, en, rng)) == {"Dupont"}
    assert augment.shared_name("Dupont part.", "Dupont leaves.", Random(1)) is None
    assert augment.shared_name("À Rome et Rome", "In Rome", Random(1)) is None


def test_a_name_is_replaced_on_both_sides() -> None:
    lines = augment.replace_name("Selon Dupont, non.", "Says Dupont, no.", Random(1), "Le Pen")
    assert lines == ("Selon Le Pen, non.", "Says Le Pen, no.")


def test_marks_are_identical_on_both_sides_and_distinct() -> None:
    fr, en = "Selon Dupont et Martin, non.", "Says Dupont with Martin, no."
    for new_fr, new_en in seeds(lambda rng: augment.mark_names(fr, en, rng)):
        marks = [m for m in augment.MARKS if m in new_fr]
        assert len(marks) == 2
        assert all(new_fr.count(m) == new_en.count(m) == 1 for m in marks)


def test_a_mark_takes_the_place_of_a_number_or_comes_in_brackets() -> None:
    fr, en = augment.mark_number("Il y a 34 votes.", "34 votes.", Random(1))
    assert "34" not in fr + en
    assert fr[7:10] == en[:3] in augment.MARKS
    fr, en = augment.mark_number("Non.", "No.", Random(1))
    assert fr.startswith("Non. (⟦")
    assert fr[5:] == en[4:]


def test_copied_tokens_are_of_every_kind_and_the_same_on_both_sides() -> None:
    tokens = seeds(lambda rng: augment.copied_token(rng, WORDS), 200)
    for start in ("https://www.", "www.", "@", "#"):
        assert any(token.startswith(start) for token in tokens)
    assert any("@" in token[1:] for token in tokens)
    assert any(token in WORDS.codes for token in tokens)
    fr, en = augment.add_copied("Oui.", "Yes.", Random(1), WORDS)
    assert fr.removeprefix("Oui.") == en.removeprefix("Yes.")


@pytest.mark.parametrize(
    "fr",
    [
        'Il dit "oui".',
        "Il dit « oui ».",
        "Il dit «oui».",
        f"Il dit «{NBSP}oui{NBSP}».",
        "Il dit “oui”.",
    ],
)
def test_quotes_of_every_kind_become_each_of_four_kinds(fr: str) -> None:
    got = seeds(lambda rng: augment.restyle_quotes(fr, "x", rng)[0])
    assert got == {'Il dit "oui".', "Il dit « oui ».", "Il dit «oui».", "Il dit “oui”."}


def test_a_whole_sentence_becomes_a_quotation_with_its_speaker() -> None:
    fr, en = augment.quote_whole("Il pleut.", "It rains.", Random(3), WORDS)
    assert "Il pleut" in fr
    assert fr.endswith(".")
    assert "Il pleut." not in fr
    assert en.startswith('"It rains," ')
    assert en.endswith(".")
    assert augment.quote_whole("Il pleut", "It rains", Random(3), WORDS) == ("Il pleut", "It rains")


def test_apostrophes_go_both_ways() -> None:
    curly = augment.swap_apostrophes("L'an d'or", "x")
    assert curly == (f"L{CURLY}an d{CURLY}or", "x")
    assert augment.swap_apostrophes(*curly) == ("L'an d'or", "x")


def test_french_spaces_are_dropped_or_non_breaking_and_times_stay() -> None:
    got = seeds(lambda rng: augment.vary_spaces("À 10:30 : « oui » !", "x", rng)[0])
    assert got == {
        "À 10:30: «oui»!",
        f"À 10:30{NBSP}: «{NBSP}oui{NBSP}»{NBSP}!",
        f"À 10:30{THIN}: «{THIN}oui{THIN}»{THIN}!",
    }


def test_english_quotes_are_plain() -> None:
    en = f"“It{CURLY}s” « so »"
    assert augment.plain_english("x", en) == ("x", '"It\'s" "so"')


def test_credit_and_dateline() -> None:
    fr, en = augment.add_credit("Oui.", "Yes.", Random(1), WORDS)
    assert fr[4:] == en[4:].lstrip(".") or fr.removeprefix("Oui.") == en.removeprefix("Yes.")
    lines = seeds(lambda rng: augment.add_dateline("Oui.", "Yes.", rng, WORDS), 200)
    assert any(fr.startswith("BRUXELLES (") and en.startswith("BRUSSELS (") for fr, en in lines)
    assert any(" janvier" in fr and "January " in en for fr, en in lines)
    assert all(fr.endswith(("- Oui.", "\u2013 Oui.", "— Oui.")) for fr, _ in lines)


def test_capitals_and_headlines() -> None:
    assert augment.to_capitals("À l'été ⟦3⟧.", "In ⟦3⟧.") == ("À L'ÉTÉ ⟦3⟧.", "IN ⟦3⟧.")
    assert augment.to_headline("Il pleut.", "It rains.") == ("Il pleut", "It rains")
    assert augment.to_headline("Il pleut...", "It rains.") == ("Il pleut...", "It rains.")


def test_rates_of_zero_change_nothing_and_of_one_everything() -> None:
    fr, en = "Selon Dupont, il y a 34 votes.", "Says Dupont, there are 34 votes."
    assert augment.vary(fr, en, Random(1), augment.Rates(), WORDS) == (fr, en)
    always = augment.Rates(names=1.0, names_mark=1.0, credit=1.0)
    new_fr, new_en = augment.vary(fr, en, Random(1), always, WORDS)
    assert "⟦" in new_fr
    assert "Dupont" not in new_fr + new_en
    assert new_fr.endswith(")")


# --- data.toml and prepare ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def prepare() -> Any:
    return load("prepare")


def test_every_source_has_a_licence_and_a_weight_in_every_mix(prepare: Any) -> None:
    recipe = prepare.Recipe.load()
    assert sum(s.pairs for s in recipe.sources.values() if s.name != "greetings") == 2_387_375
    for source in recipe.sources.values():
        assert source.licence
        assert source.origin
        assert source.quality
        assert source.label in ("open", "open-upstream", "unclear")
        assert source.weights.keys() == {"stretch", "whole", "news"}
    assert all(0 <= rate <= 1 for rate in vars(recipe.rates).values())
    assert len(recipe.words.short) == recipe.sources["greetings"].pairs


def test_weights_are_copies_on_average(prepare: Any) -> None:
    drawn = [prepare.copies(2.25, Random(seed)) for seed in range(2000)]
    assert set(drawn) == {2, 3}
    assert sum(drawn) / 2000 == pytest.approx(2.25, abs=0.05)


def test_lengths_bound_the_pairs_and_thin_the_short_ones(prepare: Any) -> None:
    bounds = {"max_chars": 330, "short_chars": 25, "short_share": 0.4}
    source = replace(prepare.Recipe.load().sources["europarl"], **bounds)
    long, short = (prepare.Pair("x" * n, "y", "europarl") for n in (331, 24))
    assert not prepare.fits(long, source, Random(1))
    assert prepare.fits(long._replace(fr="x" * 330), source, Random(1))
    kept = sum(prepare.fits(short, source, Random(seed)) for seed in range(2000))
    assert kept / 2000 == pytest.approx(0.4, abs=0.05)


def test_pairs_are_drawn_for_the_words_that_few_others_hold(prepare: Any) -> None:
    def lines(fr: str, times: int) -> list[Any]:
        return [prepare.Pair(fr, f"{fr} {n}", "europarl") for n in range(times)]

    rest = lines("le débat continue", 9) + lines("le homard continue", 9) + lines("le hpmard", 4)
    rest += lines("le débat à Bruxelles", 9)
    drawn = lines("le débat continue", 3)
    chosen = prepare.cover(rest, drawn, 3, Random(1))
    # "débat" is taught already, "hpmard" met too rarely to be a word, "Bruxelles" a name.
    assert [pair.fr for pair in chosen] == ["le homard continue"] * 3


def test_a_mix_that_covers_draws_a_pair_once(prepare: Any) -> None:
    recipe = prepare.Recipe.load()
    covered = replace(recipe.sources["europarl"], weights={"m": 0.5}, cover={"m": 99})
    recipe = replace(recipe, sources={"europarl": covered})
    pairs = [prepare.Pair(f"Il pleut encore ici, {n} fois.", str(n), "europarl") for n in range(50)]
    drawn = prepare.sample(pairs, recipe, "m", Random(1))
    assert sorted(drawn) == sorted(pairs)


def test_a_bad_line_an_unknown_source_or_mix_is_an_error(prepare: Any, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tsv"
    bad.write_text("un\tone\ttatoeba\ndeux\ttwo\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"bad\.tsv:2: 2 fields"):
        list(prepare.read_pairs([bad]))
    recipe = prepare.Recipe.load()
    for source, mix, unknown in (("moon", "news", "source 'moon'"), ("tatoeba", "x", "mix 'x'")):
        with pytest.raises(SystemExit, match=rf"{unknown} is not in data\.toml"):
            prepare.sample([prepare.Pair("a", "b", source)], recipe, mix, Random(1))


@pytest.mark.parametrize("right", ["cover = { stretch", "weights = { stretch"])
def test_a_misspelt_mix_in_data_toml_is_an_error(prepare: Any, tmp_path: Path, right: str) -> None:
    text = (RECIPE / "data.toml").read_text(encoding="utf-8")
    before, after = text.rsplit(right, 1)
    wrong = right.replace("stretch", "strech")
    (tmp_path / "data.toml").write_text(before + wrong + after, encoding="utf-8")
    with pytest.raises(ValueError, match=r"data\.toml: the mixes of \w+ are not stretch, whole"):
        prepare.Recipe.load(tmp_path)


def test_two_or_three_sentences_come_in_one_line(prepare: Any) -> None:
    recipe = replace(prepare.Recipe.load(), rates=augment.Rates(joined=0.1))
    pairs = [prepare.Pair(f"Phrase {n}.", f"Sentence {n}.", "tatoeba") for n in range(3, 903)]
    lines = list(prepare.augment(pairs, recipe, Random(1)))
    counts = {line.fr.count("Phrase") for line in lines}
    assert {1, 2, 3} <= counts
    assert all(line.fr.count("Phrase") == line.en.count("Sentence") for line in lines)


def test_extending_adds_the_marks_and_moves_nothing(prepare: Any, chain: Chain) -> None:
    import sentencepiece

    landed = RECIPE.parent / "fr-en" / "source.spm"
    out = chain.folder / "extended.model"
    prepare.extend_pieces(landed, out)
    old, new = (sentencepiece.SentencePieceProcessor(model_file=str(p)) for p in (landed, out))
    names = [new.id_to_piece(i) for i in range(new.get_piece_size())]
    assert names[: old.get_piece_size()] == [
        old.id_to_piece(i) for i in range(old.get_piece_size())
    ]
    assert set(augment.MARKS) <= set(names)
    prepare.extend_pieces(out, out)  # once only
    assert sentencepiece.SentencePieceProcessor(model_file=str(out)).get_piece_size() == len(names)


@pytest.mark.parametrize("model", ["joint.model", "extended.model"])
def test_marks_survive_as_single_pieces(prepare: Any, chain: Chain, model: str) -> None:
    import sentencepiece

    path = chain.data / "joint.model"
    if model == "extended.model":
        path = chain.folder / model
        prepare.extend_pieces(RECIPE.parent / "fr-en" / "source.spm", path)
    spm = sentencepiece.SentencePieceProcessor(model_file=str(path))
    for mark in augment.MARKS:
        line = f"Le {mark}, dit-il ({mark}) en 2024{mark}."
        assert spm.encode(line, out_type=str).count(mark) == 3
        assert spm.decode(spm.encode(line)) == line


def test_words_of_pieces_and_links_of_words() -> None:
    links = load("links")
    text = ["", "", "le", "chat", "s", "."]
    cutter = links.Cutter(
        [False, False, True, True, False, False], [True, True, *[False] * 3, True], text
    )
    assert cutter.words([2, 3, 4, 5, 0]) == ([0, 1, 1, 2, -1], ["le", "chats", "."])
    assert links.read_links("0-1 3-0", [0, 1, 1, 2, -1]) == [3, 0, 0, -1, -1]


def test_without_eflomal_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    links = load("links")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(links.sys, "executable", "/nowhere/python")
    with pytest.raises(SystemExit, match="pip install eflomal"):
        links.find_eflomal()


# --- training ------------------------------------------------------------------------------------


def test_chunked_cross_entropy_is_torchs() -> None:
    import torch

    torch.manual_seed(1)
    target = torch.randint(0, 11, (7,))
    inputs = [torch.randn(7, 5), torch.randn(11, 5)]
    ours = [t.clone().requires_grad_() for t in inputs]
    theirs = [t.clone().requires_grad_() for t in inputs]
    smoothed, plain = load("objective").cross_entropy(*ours, target, smooth=0.1, chunk=3)
    logits = theirs[0] @ theirs[1].T
    expected = torch.nn.functional.cross_entropy(logits, target, label_smoothing=0.1)
    torch.autograd.backward(smoothed)
    torch.autograd.backward(expected)
    assert torch.allclose(smoothed, expected)
    assert torch.allclose(plain, torch.nn.functional.cross_entropy(logits, target))
    for a, b in zip(ours, theirs, strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert torch.allclose(a.grad, b.grad, atol=1e-6)


def test_the_rate_warms_up_holds_and_falls_to_the_floor(tmp_path: Path) -> None:
    settings = load("settings")
    s = settings.Settings(tmp_path, tmp_path, rate=1.0, warmup=10, hold=0.5, floor=0.1)
    assert settings.learning_rate(0, 0.0, s) == pytest.approx(0.1)
    assert settings.learning_rate(20, 0.5, s) == 1.0
    assert settings.learning_rate(20, 0.75, s) == pytest.approx(0.5)
    assert settings.learning_rate(20, 1.0, s) == pytest.approx(0.1)


def test_added_pieces_get_rows_of_their_own_and_pad_is_zero() -> None:
    import torch

    rows = torch.randn(4, 8)
    old = {"</s>": 0, "a": 1, "b": 2, "<pad>": 3}
    grown = load("network").grow_rows(rows, old, ["</s>", "b", "new", "other"])
    assert torch.equal(grown[:2], rows[[0, 2]])
    assert grown[2:4].abs().sum() > 0
    assert not torch.equal(grown[2], grown[3])
    assert torch.equal(grown[4], torch.zeros(8))


def test_epochs_hold_every_pair_once_in_another_order() -> None:
    import numpy as np

    corpus = load("corpus")
    lengths = np.arange(2, 42, dtype=np.int32)
    first, second = (
        corpus.epoch_batches(lengths, lengths, (1, epoch), 60, (1, 30)) for epoch in (0, 1)
    )
    for batches in (first, second):
        assert sorted(np.concatenate(batches).tolist()) == list(range(29))
        assert all(len(b) == 1 or len(b) * lengths[b].max() <= 60 for b in batches)
    assert [b.tolist() for b in first] != [b.tolist() for b in second]


# --- the whole chain -------------------------------------------------------------------------


def sample_pairs() -> list[str]:
    """Make 200 pairs, news-like and in part nonsense, the same at every call (our own words)."""
    rng = Random(7)
    who = [("Le ministre", "The minister"), ("La police", "Police"), ("Un député", "A member")]
    did = [("a annoncé", "announced"), ("a refusé", "refused"), ("attend", "awaits")]
    what = [("un accord", "an agreement"), ("la grève", "the strike"), ("des mesures", "measures")]
    rows = []
    for _ in range(200):
        (a, b), (c, d), (e, f) = rng.choice(who), rng.choice(did), rng.choice(what)
        city, year = rng.choice(["Paris", "Namur", "Berlin"]), rng.randint(1990, 2026)
        source = rng.choice(["newscommentary", "canada-budget", "tatoeba"])
        rows.append(
            f"{a} {c} {e} à {city} en {year}.\t{b} {d} {f} in {city} in {year}.\t{source}\n"
        )
    return rows


FAKE_EFLOMAL = """#!{python}
import sys
flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))
sides = [open(sys.argv[sys.argv.index(f) + 1], encoding="utf-8").readlines() for f in ("-s", "-t")]
with open(sys.argv[sys.argv.index("-f") + 1], "w") as out:
    for source, target in zip(*sides):
        shorter = min(len(source.split()), len(target.split()))
        print(*(f"{{i}}-{{i}}" for i in range(shorter)), file=out)
"""


class Chain:
    """What the chain made: folders of data, runs and the exported model."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.parts = folder / "part.tsv.zst"
        self.straight, self.resumed, self.model = (
            folder / n for n in ("straight", "resumed", "model")
        )


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """Prepare the sample (with diagonal links in eflomal's place) and train on it for six steps."""
    made = Chain(tmp_path_factory.mktemp("recipe"))
    made.parts.write_bytes(zstandard.ZstdCompressor().compress("".join(sample_pairs()).encode()))
    tool = made.folder / "eflomal-align"
    tool.write_text(FAKE_EFLOMAL.format(python=sys.executable), encoding="utf-8")
    tool.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(made.folder), prepend=":")
        patch.setenv("HF_HUB_OFFLINE", "1")
        prepare_sample(made, made.data, links=True)
        run(made.data, made.straight)
        yield made


def prepare_sample(made: Chain, data: Path, links: bool) -> None:
    flags = ["--parts", str(made.parts), "--pieces", "400", "--threads", "1"]
    load("prepare").main([str(data), *flags, *(["--links"] if links else [])])


def run(data: Path, out: Path, *more: str, stop: Callable[[], bool] = lambda: False) -> Any:
    settings = load("settings").parse("", [str(data), str(out), *TRAIN, *more])
    trainer = load("train").Trainer(settings)
    trainer.run(stop)
    return trainer


def test_preparing_twice_gives_the_same_files(chain: Chain) -> None:
    again = chain.folder / "again"
    prepare_sample(chain, again, links=False)
    names = ["joint.model", "src.npy", "tgt.npy", "src_len.npy", "tgt_len.npy"]
    for name in names:
        assert (again / name).read_bytes() == (chain.data / name).read_bytes(), name
    report = json.loads((chain.data / "prepared.json").read_text(encoding="utf-8"))
    assert report["linked"] > 0.5
    assert report["pairs"] == sum(report["sources"].values())


def test_a_killed_run_goes_on_as_if_nothing_had_been(chain: Chain) -> None:
    import torch

    class Killed(Exception):
        pass

    steps = iter(range(1, 99))

    def kill_in_fifth_step() -> bool:
        if next(steps) == 5:
            raise Killed
        return False

    with pytest.raises(Killed):
        run(chain.data, chain.resumed, "--save-steps", "3", stop=kill_in_fifth_step)
    resumed = run(chain.data, chain.resumed, "--save-steps", "3")
    assert resumed.progress.step == 6
    states = [
        torch.load(out / "last.pt", weights_only=True) for out in (chain.straight, chain.resumed)
    ]
    for kind in ("weights", "ema"):
        for name, weight in states[0][kind].items():
            assert torch.equal(weight, states[1][kind][name]), (kind, name)
    assert states[0]["progress"]["position"] == states[1]["progress"]["position"]
    run(chain.data, chain.resumed)  # over: nothing more to do
    assert "is over" in (chain.resumed / "log.txt").read_text(encoding="utf-8")


def test_the_log_tells_a_live_encoder_from_a_collapsed_one(chain: Chain) -> None:
    log = (chain.straight / "log.txt").read_text(encoding="utf-8")
    fields = log.splitlines()[0].split()
    for name in ("loss", "guide", "spread", "right", "wrong", "tok/s"):
        assert name in fields
    assert math.isfinite(float(fields[fields.index("spread") + 1]))
    assert "  Bonjour. -> " in log


def test_the_guided_head_is_the_networks_own(chain: Chain) -> None:
    import torch

    trainer = run(chain.data, chain.straight)
    batch = trainer.gatherer.batch(trainer.corpus.src_len.argsort()[:4])
    trainer.model.eval()
    with torch.no_grad():
        out = trainer.model.model(
            input_ids=batch.source,
            attention_mask=batch.mask,
            decoder_input_ids=batch.shifted,
            output_attentions=True,
        )
        ours = trainer.head.weights(1, batch.mask)
    assert torch.allclose(ours, out.cross_attentions[-1][:, 0].float(), atol=0.01)


def test_a_new_schedule_can_start_from_a_checkpoint(chain: Chain) -> None:
    more = ["--resume", str(chain.straight / "last.pt"), "--guide", "0", "--precision", "fp32"]
    # The shape is that of the checkpoint, whatever is asked for.
    trainer = run(chain.data, chain.folder / "second", *more, "--width", "512")
    assert (trainer.progress.step, trainer.progress.total_steps) == (6, 12)


def export(chain: Chain) -> Path:
    """Export the straight run once: the average of its kept weights."""
    if not chain.model.exists():
        kept = sorted(map(str, chain.straight.glob("weights-*.safetensors")))
        flags = ["--pieces", str(chain.data / "joint.model"), "--out", str(chain.model)]
        load("export").main([*kept, *flags])
    return chain.model


def test_the_export_is_whole_and_its_pad_row_is_zero(chain: Chain) -> None:
    from safetensors.torch import load_file

    folder = export(chain)
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "config.json", "generation_config.json", "model.safetensors", "source.spm", "target.spm",
        "vocab.json", "tokenizer_config.json", "SHA256SUMS",
    }  # fmt: skip
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    weights = load_file(folder / "model.safetensors")
    assert str(weights["model.shared.weight"].dtype) == "torch.float16"
    assert weights["model.shared.weight"][-1].abs().sum() == 0
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert config["model_max_length"] == 128


def test_exporting_the_average_of_one_checkpoint_gives_it_back(chain: Chain) -> None:
    import torch

    module = load("export")
    ema = module.read_checkpoint(chain.straight / "last.pt", "ema")
    raw = module.read_checkpoint(chain.straight / "last.pt", "raw")
    middle = module.average([ema, raw])
    for name in ema:
        assert torch.allclose(middle[name], (ema[name] + raw[name]) / 2)


def test_a_landed_folder_starts_a_run_with_more_pieces(chain: Chain) -> None:
    import torch

    data = chain.folder / "more"
    shutil.copytree(chain.data, data)
    folder = chain.folder / "fewer"
    shutil.copytree(export(chain), folder)
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    dropped = {k: v for k, v in vocabulary.items() if k not in augment.MARKS}
    (folder / "vocab.json").write_text(json.dumps(dropped), encoding="utf-8")
    trainer = load("train").Trainer(
        load("settings").parse("", [str(data), str(chain.folder / "grown"), "--start", str(folder)])
    )
    grown = trainer.learner.masters["model.shared.weight"]
    rows = [vocabulary[mark] for mark in augment.MARKS]
    assert len({tuple(grown[row].tolist()) for row in rows}) == 10
    landed = load("export").load_file(folder / "model.safetensors")["model.shared.weight"].float()
    kept = [row for piece, row in dropped.items() if piece != "<pad>"]
    assert torch.equal(grown[kept], landed[kept])


@pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")
def test_ctranslate2_and_transformers_say_the_same(chain: Chain) -> None:
    import torch
    from transformers import MarianMTModel, MarianTokenizer

    folder = export(chain)
    evaluate = load("evaluate")
    converted = evaluate.convert(folder, chain.folder / "ct2", "float32")
    engine = evaluate.Engine(converted, folder, "float32", threads=1)
    lines = ["Le ministre a annoncé un accord.", "⟦3⟧ attend", "En 2024 !", "La police"]
    tokenizer = MarianTokenizer.from_pretrained(folder)
    model = MarianMTModel.from_pretrained(folder, dtype=torch.float32).eval()
    for line, ours in zip(lines, engine.translate(lines, beam=1), strict=True):
        pieces = [*engine.source.encode(line, out_type=str), "</s>"]
        inputs = tokenizer(line, return_tensors="pt")
        assert tokenizer.convert_ids_to_tokens(inputs.input_ids[0].tolist()) == pieces
        # A network of six steps never ends; 32 pieces tell, before rounding could.
        out = model.generate(**inputs, num_beams=1, max_length=40)[0, 1:33].tolist()
        assert tokenizer.convert_ids_to_tokens(out) == ours[:32]
        assert tokenizer.decode(out) == engine.text(ours[:32])


def test_the_evaluation_prints_a_table_and_a_json_line(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [line.rstrip("\n").split("\t") for line in sample_pairs()[:6]]
    tests = chain.folder / "tests"
    tests.mkdir()
    (tests / "wmt99.fr").write_text("".join(r[0] + "\n" for r in rows), encoding="utf-8")
    for name in ("wmt99.en", "wmt99.human.en"):
        (tests / name).write_text("".join(r[1] + "\n" for r in rows), encoding="utf-8")
    flags = ["--limit", "4", "--compare", "2", "--beam", "1", "--threads", "1"]
    load("evaluate").main([str(export(chain)), str(tests), *flags])
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split()[:4] == ["set", "system", "lines", "BLEU"]
    result = json.loads(printed[-1])
    table = {(row["set"], row["system"]): row for row in result["rows"]}
    assert table["wmt99", "human"]["bleu"] == pytest.approx(100)
    assert table["wmt99", "int8"]["lines"] == 4
    assert table["wmt99", "int8"]["unknown"] == 0
    assert ("wmt99:2", "float32") in table
    assert "version" in result["signatures"]["BLEU"]


def test_loops_are_repeats_that_the_source_has_not() -> None:
    evaluate = load("evaluate")
    assert evaluate.is_loop(["0", "0", "0", "0", "0", "0", "0"], ["2", "0", "1", "8"])
    assert not evaluate.is_loop(["a", "b", "c", "d", "e"] * 3, [])
    assert not evaluate.is_loop(
        ["-", "-", "-", "-", "-", "-", "-", "-"], ["-", "-", "-", "-", "-", "-", "-", "-"]
    )
    assert evaluate.kept(r"\d+", ["en 2018, 12 000"], ["in 2018, 12,0"]) == pytest.approx(200 / 3)


def test_test_sets_are_read_by_name_and_by_source(tmp_path: Path) -> None:
    evaluate = load("evaluate")
    table = "un\tone\tnews\ndeux\ttwo\tnews\ntrois\tthree\tlaw\n"
    (tmp_path / "dev.tsv").write_text(table, encoding="utf-8")
    (tmp_path / "wmt11.fr").write_text("un\u2028an\n", encoding="utf-8")
    (tmp_path / "wmt11.en").write_text("one\u2028year\n", encoding="utf-8")
    (tmp_path / "wmt11.peer.en").write_text("&quot;one&quot;\n", encoding="utf-8")
    found = {one.name: one for one in evaluate.read_sets(tmp_path, "*", 1)}
    assert found.keys() == {"wmt11", "news", "law"}
    assert found["news"].source == ["un"]
    assert found["wmt11"].systems == {"peer": ['"one"']}
