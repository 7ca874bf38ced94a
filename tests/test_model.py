"""Finding a model, trusting it, loading it, converting it once."""

import errno
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bitexte import Config, ConfigError, ModelError
from bitexte.engines import load, model
from conftest import ROOT, Done

RunCli = Callable[..., Done]
EMBEDDED = ROOT / "models" / "fr-en"
BOTH = pytest.mark.parametrize("engine", ["ct2", "marian"])


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    """Copy the tiny model, to be damaged."""
    return Path(shutil.copytree(tiny_model, tmp_path / "tiny-fr-en"))


@pytest.fixture
def config(folder: Path, tmp_path: Path) -> Config:
    return Config(model=str(folder), cache=str(tmp_path / "cache"), threads=1, beam_size=1)


def pickled(folder: Path) -> Path:
    """Replace the safetensors by torch's own format, as older hub models have it."""
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder / "pytorch_model.bin"


# Finding


def test_the_embedded_model_is_found_by_its_name() -> None:
    found = model.find("fr-en")
    assert found.folder == EMBEDDED
    assert found.label == f"fr-en@{found.digest[:8]}"
    assert EMBEDDED in model.embedded()


def test_a_folder_is_found_by_its_path(folder: Path) -> None:
    found = model.find(str(folder))
    assert (found.name, found.folder) == ("tiny-fr-en", folder)


def test_only_a_hub_model_has_a_revision(folder: Path) -> None:
    for name in ("fr-en", str(folder)):
        with pytest.raises(ModelError, match="no hub model, so it has no revision 'main'"):
            model.find(name, "main")


def test_a_name_with_a_slash_is_a_folder_and_not_the_embedded_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.rename(folder.with_name("fr-en")).parent)
    assert model.find("./fr-en").digest != model.find("fr-en").digest
    assert model.find("fr-en").folder == EMBEDDED


def test_the_working_folder_has_a_name_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert model.find(".").name == "tiny-fr-en"


@pytest.mark.parametrize("name", ["nonesuch", "./fr-em", "../fr-en", "/no/where", "a/b/c", ""])
def test_a_name_of_nothing_is_a_config_error(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no embedded model, folder or hub id") as caught:
        model.find(name)
    assert "bitexte models" in caught.value.hint


def test_the_label_is_that_of_the_content_and_changes_with_it(folder: Path) -> None:
    before = model.find(str(folder)).label
    assert model.find(str(folder)).label == before
    with (folder / "model.safetensors").open("r+b") as weights:
        weights.seek(-1, os.SEEK_END)
        weights.write(b"\x7f")
    assert model.find(str(folder)).label != before


# Trusting


def test_an_incomplete_folder_lists_what_is_missing(folder: Path) -> None:
    for name in ("vocab.json", "source.spm", "model.safetensors"):
        (folder / name).unlink()
    with pytest.raises(ModelError, match=r"source\.spm, vocab\.json, model\.safetensors missing"):
        model.find(str(folder))


def test_another_kind_of_model_is_named(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "t5"}')
    with pytest.raises(ModelError, match="a t5 model, not a marian one"):
        model.find(str(folder))


def test_a_model_with_two_vocabularies_is_refused(folder: Path) -> None:
    settings = json.loads((folder / "config.json").read_text("utf-8"))
    settings["share_encoder_decoder_embeddings"] = False
    (folder / "config.json").write_text(json.dumps(settings), "utf-8")
    with pytest.raises(ModelError, match="vocabularies of their own"):
        model.find(str(folder))


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b""])
@pytest.mark.parametrize("name", ["config.json", "vocab.json", "tokenizer_config.json"])
def test_a_broken_json_file_is_named(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name}: not (a )?JSON"):
        model.find(str(folder))


def test_a_vocabulary_without_its_marks_is_refused(folder: Path) -> None:
    (folder / "vocab.json").write_text('{"a": 0}')
    with pytest.raises(ModelError, match=r"vocab\.json: no '</s>' or '<unk>'"):
        model.find(str(folder))


@pytest.mark.parametrize("mark", [" ", "*"], ids=["text", "binary"])
def test_a_file_that_is_not_the_one_in_the_sums_is_named(mark: str, folder: Path) -> None:
    sums = {name: model.sha256(folder / name) for name in ("config.json", "vocab.json")}
    lines = [f"{value} {mark}{name}\n" for name, value in sums.items()]
    (folder / "SHA256SUMS").write_text("".join(lines))
    model.find(str(folder))
    with (folder / "vocab.json").open("a") as vocabulary:
        vocabulary.write(" ")
    with pytest.raises(ModelError, match=r"vocab\.json: damaged: .* SHA256SUMS"):
        model.find(str(folder))


def test_the_sums_of_the_embedded_model_name_all_its_files() -> None:
    listed = {line.split()[1] for line in (EMBEDDED / "SHA256SUMS").read_text().splitlines()}
    assert listed >= {*model.NEEDED, "model.safetensors"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(folder: Path) -> None:
    (folder / "vocab.json").chmod(0)
    with pytest.raises(ModelError, match=r"vocab\.json: Permission denied"):
        model.find(str(folder))


# Loading


@BOTH
@pytest.mark.parametrize("keep", [0, 1000, -100])
def test_broken_weights_are_a_model_error(engine: str, keep: int, config: Config) -> None:
    weights = Path(config.model) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(ModelError, match="tiny-fr-en: cannot be loaded") as caught:
        load(replace(config, engine=engine))
    assert "fetch the model again" in caught.value.hint


@BOTH
def test_missing_weights_are_not_made_up(engine: str, config: Config) -> None:
    from safetensors.torch import load_file, save_file

    path = Path(config.model) / "model.safetensors"
    weights = load_file(path)
    del weights["model.encoder.layers.0.fc1.weight"]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"no weights for model\.encoder\.layers\.0\.fc1\.weight"):
        load(replace(config, engine=engine))


@BOTH
def test_pickled_weights_say_the_same_as_safetensors(engine: str, config: Config) -> None:
    config = replace(config, engine=engine)
    before = load(config)
    pickled(Path(config.model))
    after = load(config)
    sentences = ["Bonjour à tous.", "Il pleut."]
    assert after.translate(sentences) == before.translate(sentences)
    assert after.signature != before.signature  # other bytes, another model


class Hostile:
    """An object that runs code when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.proof),)


@BOTH
@pytest.mark.parametrize("bare", [False, True], ids=["torch file", "bare pickle"])
def test_hostile_pickled_weights_run_nothing(
    engine: str, bare: bool, config: Config, tmp_path: Path
) -> None:
    import torch

    weights, proof = pickled(Path(config.model)), tmp_path / "proof"
    if bare:
        weights.write_bytes(pickle.dumps({"model.shared.weight": Hostile(proof)}))
    else:
        torch.save({"model.shared.weight": Hostile(proof)}, weights)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(replace(config, engine=engine))
    assert not proof.exists()
    if bare:
        pickle.loads(weights.read_bytes())  # the very same bytes, trusted
        assert proof.exists()


def test_a_number_type_that_the_machine_lacks_is_a_model_error(config: Config) -> None:
    import ctranslate2

    if "float16" in ctranslate2.get_supported_compute_types("cpu"):
        pytest.skip("this processor has float16")
    with pytest.raises(ModelError, match="CTranslate2 cannot load it") as caught:
        load(replace(config, engine="ct2", compute="float16"))
    assert "--compute" in caught.value.hint


# Converting


def contents(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()}


def test_a_model_is_converted_once(folder: Path, tmp_path: Path) -> None:
    found, cache = model.find(str(folder)), str(tmp_path / "a" / "cache")
    first = model.converted(found, "int8", cache)
    made = (first / "model.bin").stat()
    assert model.converted(found, "int8", cache) == first
    assert (first / "model.bin").stat().st_mtime_ns == made.st_mtime_ns
    assert first.name == f"tiny-fr-en-{found.digest[:16]}-int8"
    assert model.converted(found, "float32", cache) != first


def test_a_conversion_that_fails_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ctranslate2.converters import TransformersConverter

    def convert(self: object, output_dir: str, **_: object) -> None:
        Path(output_dir).mkdir()
        (Path(output_dir) / "model.bin").write_bytes(b"half")
        raise RuntimeError("out of luck")

    monkeypatch.setattr(TransformersConverter, "convert", convert)
    with pytest.raises(ModelError, match="out of luck"):
        model.converted(model.find(str(folder)), "int8", str(tmp_path / "cache"))
    assert contents(tmp_path / "cache") == set()


def test_a_full_disk_is_the_fault_of_the_cache_and_not_of_the_model(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ctranslate2.converters import TransformersConverter

    def convert(self: object, output_dir: str, **_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TransformersConverter, "convert", convert)
    with pytest.raises(ModelError, match="cannot keep the converted model: No space") as caught:
        model.converted(model.find(str(folder)), "int8", str(tmp_path / "cache"))
    assert "--cache" in caught.value.hint
    assert contents(tmp_path / "cache") == set()


def test_what_a_killed_conversion_left_goes_a_day_later(folder: Path, tmp_path: Path) -> None:
    old, fresh = tmp_path / "cache/.converting-old", tmp_path / "cache/.converting-fresh"
    for aside in (old, fresh):
        (aside / "model").mkdir(parents=True)
        (aside / "model" / "model.bin").write_bytes(b"half")
    two_days_ago = time.time() - 2 * 24 * 60 * 60
    os.utime(old, (two_days_ago, two_days_ago))
    made = model.converted(model.find(str(folder)), "int8", str(tmp_path / "cache"))
    assert contents(tmp_path / "cache") == {made.name, fresh.name}


def test_two_processes_may_convert_at_once(folder: Path, tmp_path: Path) -> None:
    """Both wait inside the conversion until the other is there too: neither finds it done."""
    code = """
import sys, time
from pathlib import Path
from ctranslate2.converters import TransformersConverter
from bitexte.engines import model

folder, cache, own, other = sys.argv[1:]
convert = TransformersConverter.convert

def together(self, *args, **kwargs):
    Path(own).touch()
    until = time.monotonic() + 60
    while not Path(other).exists() and time.monotonic() < until:
        time.sleep(0.01)
    return convert(self, *args, **kwargs)

TransformersConverter.convert = together
print(model.converted(model.find(folder), "int8", cache))
"""
    marks = [str(tmp_path / "one"), str(tmp_path / "two")]
    cache = tmp_path / "cache"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder), str(cache), *order],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for order in (marks, marks[::-1])
    ]
    ended = [(process.communicate(timeout=120), process.returncode) for process in running]
    assert [code for _, code in ended] == [0, 0], ended
    (made,) = {Path(out.strip()) for (out, _), _ in ended}
    assert contents(cache) == {made.name}
    assert (made / "model.bin").stat().st_size > 10_000


def test_a_cache_that_cannot_be_written_is_a_model_error(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot keep the converted model") as caught:
        model.converted(model.find(str(folder)), "int8", str(tmp_path / "file" / "cache"))
    assert "--cache" in caught.value.hint


# Listing


def test_models_lists_the_embedded_and_the_converted(
    run_cli: RunCli, folder: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    found = model.find(str(folder))
    made = model.converted(found, "int8", str(cache))
    (cache / "of-someone-else").mkdir()
    (cache / "of-someone-else" / "model.bin").touch()
    done = run_cli("models", "--cache", str(cache))
    assert (done.code, done.err) == (0, "")
    embedded, converted = done.out.splitlines()
    digest = model.find("fr-en").digest[:8]
    assert embedded.split() == ["fr-en", "embedded", *embedded.split()[2:4], digest, str(EMBEDDED)]
    assert converted.startswith("tiny-fr-en (int8)")
    assert converted.split()[2:] == ["converted", "0.1", "MB", found.digest[:8], str(made)]


def test_models_prints_one_json_object(run_cli: RunCli, tmp_path: Path) -> None:
    done = run_cli("models", "--json", "--cache", str(tmp_path))
    printed = json.loads(done.out)
    assert printed["version"] == 1
    (row,) = printed["models"]
    assert list(row) == ["name", "kind", "megabytes", "sum", "folder"]
    assert (row["name"], row["kind"]) == ("fr-en", "embedded")
    assert row["megabytes"] > 1
