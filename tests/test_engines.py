"""What every engine of the table promises, on a tiny model; the two runtimes word for word."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bitexte import Config, ModelError
from bitexte.engines import ENGINES, Engine, load, signature
from bitexte.engines.pieces import Pieces
from conftest import DISPATCH

SENTENCES = re.split(r"(?<=\.) ", DISPATCH.read_text("utf-8").strip())
CLAUSES = [
    clause.strip()
    for sentence in SENTENCES
    for clause in re.split(r"(?<=[,:]) ", sentence)
    if clause.strip()
]
MODEL_ENGINES = [name for name in ENGINES.names() if name != "identity"]


@pytest.fixture(scope="module")
def config(tiny_model: Path) -> Config:
    return Config(model=str(tiny_model), threads=1)  # more would wait for each other


@pytest.fixture(scope="module", params=ENGINES.names())
def engine(request: pytest.FixtureRequest, config: Config) -> Engine:
    return load(replace(config, engine=request.param))


def texts(engine: Engine, sentences: list[str]) -> list[str]:
    return [translation.text for translation in engine.translate(sentences)]


def test_one_translation_a_sentence_in_order(engine: Engine) -> None:
    found = texts(engine, SENTENCES)
    assert len(found) == len(SENTENCES)
    assert texts(engine, SENTENCES[::-1]) == found[::-1]


def test_no_sentence_gives_no_translation(engine: Engine) -> None:
    assert engine.translate([]) == []


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u00a0"])
def test_a_blank_sentence_gives_a_blank_text(engine: Engine, blank: str) -> None:
    [first, middle, last] = engine.translate(["Bonjour.", blank, "Bonsoir."])
    assert middle.text.strip() == ""
    assert middle.logprob == 0.0
    assert first.text.strip()
    assert last.text.strip()


def test_log_probabilities_are_finite_and_never_above_zero(engine: Engine) -> None:
    for translation in engine.translate(SENTENCES):
        assert translation.logprob <= 0
        assert math.isfinite(translation.logprob)
        assert translation.tokens > 0
        assert translation.origin == "engine"


def test_the_text_does_not_depend_on_the_rest_of_the_batch(engine: Engine) -> None:
    together = texts(engine, CLAUSES)
    assert together == [texts(engine, [clause])[0] for clause in CLAUSES]


@pytest.mark.parametrize("name", MODEL_ENGINES)
@pytest.mark.parametrize("batch_tokens", [1, 50])
def test_the_text_does_not_depend_on_the_batch_size(
    name: str, batch_tokens: int, config: Config
) -> None:
    whole = load(replace(config, engine=name))
    small = load(replace(config, engine=name, batch_tokens=batch_tokens))
    assert texts(small, CLAUSES) == texts(whole, CLAUSES)


@pytest.mark.parametrize("name", MODEL_ENGINES)
def test_a_sentence_longer_than_the_limit_is_translated_in_parts(
    name: str, config: Config, tiny_model: Path
) -> None:
    engine = load(replace(config, engine=name))
    sentence = "il était impossible d'accéder à internet depuis son téléphone; " * 12
    parts = Pieces(tiny_model).parts(sentence)
    [whole] = engine.translate([sentence])
    each = engine.translate(parts)
    assert len(parts) > 3
    assert whole.text == " ".join(part.text for part in each)
    assert whole.tokens == sum(part.tokens for part in each)


@pytest.mark.parametrize(
    "odd",
    [
        "x" * 10_000,
        "\U0001f642" * 50,
        "日本語のニュース",
        "\u202e arabe مرحبا",
        ">>eng<< Bonjour.",
        "\ufffd",
    ],
    ids=["long word", "emoji", "Japanese", "right to left", "language code", "U+FFFD"],
)
def test_odd_text_is_translated_without_a_word(engine: Engine, odd: str) -> None:
    [translation] = engine.translate([odd])
    assert math.isfinite(translation.logprob)


@pytest.mark.parametrize("name", MODEL_ENGINES)
def test_no_unknown_mark_reaches_the_output(name: str, config: Config) -> None:
    engine = load(replace(config, engine=name))
    for text in texts(engine, [*CLAUSES, "\U0001f642", "日本語"]):
        assert "<unk>" not in text
        assert "⁇" not in text
        assert "\ufffd" not in text


@pytest.mark.parametrize("name", ENGINES.names())
def test_two_loads_say_the_same(name: str, config: Config) -> None:
    first, second = (load(replace(config, engine=name)) for _ in range(2))
    assert first.translate(CLAUSES) == second.translate(CLAUSES)
    assert first.signature == second.signature


@pytest.mark.parametrize("name", ENGINES.names())
def test_the_signature_is_known_without_loading(name: str, config: Config) -> None:
    settings = replace(config, engine=name)
    assert signature(settings) == load(settings).signature


def test_int8_ct2_gives_the_same_scores_in_any_company(config: Config) -> None:
    """To the last bit: batches are of one length, so that nothing is padded."""
    engine = load(config)
    alone = [engine.translate([clause])[0] for clause in CLAUSES]
    small = load(replace(config, batch_tokens=30)).translate(CLAUSES[::-1])[::-1]
    assert engine.translate(CLAUSES) == alone == small


@pytest.mark.parametrize("name", MODEL_ENGINES)
def test_the_signature_names_number_type_model_and_beam(name: str, config: Config) -> None:
    engine = load(replace(config, engine=name, beam_size=3))
    assert re.fullmatch(rf"{name}-\w+\|model:tiny-fr-en@[0-9a-f]{{8}}\|beam:3", engine.signature)


def agreement(config: Config, sentences: list[str], beam_size: int) -> tuple[float, float]:
    """Return the share of equal strings, and the largest difference of their scores."""
    settings = replace(config, beam_size=beam_size, compute="float32")
    ct2 = load(replace(settings, engine="ct2")).translate(sentences)
    marian = load(replace(settings, engine="marian")).translate(sentences)
    equal = [(a, b) for a, b in zip(ct2, marian, strict=True) if a.text == b.text]
    apart = max(abs(a.logprob - b.logprob) for a, b in equal)
    return len(equal) / len(sentences), apart


@pytest.mark.parametrize("beam_size", [1, 4])
def test_float32_ct2_says_what_transformers_says(
    beam_size: int, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tiny model goes round in circles; how each runtime leaves one is its own.
    monkeypatch.setattr("bitexte.engines.pieces.LOOP_TIMES", 1000)
    words = re.findall(r"\w+", " ".join(SENTENCES))
    sentences = [" ".join(words[n : n + 3 + n % 9]) + "." for n in range(100)]
    share, apart = agreement(config, sentences, beam_size)
    assert share >= 0.99
    assert apart < 1e-3


@pytest.mark.model
@pytest.mark.parametrize("beam_size", [1, 4])
def test_it_does_so_with_the_embedded_model(beam_size: int) -> None:
    share, apart = agreement(Config(threads=1), [*SENTENCES, *CLAUSES], beam_size)
    assert share >= 0.99
    assert apart < 5e-3


def test_a_device_that_is_not_there_is_an_error(config: Config) -> None:
    import ctranslate2

    if ctranslate2.get_cuda_device_count():
        pytest.skip("this machine has a GPU")
    for name in MODEL_ENGINES:
        with pytest.raises(ModelError) as caught:
            load(replace(config, engine=name, device="cuda"))
        assert caught.value.hint
