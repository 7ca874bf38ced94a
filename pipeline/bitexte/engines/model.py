"""Find a model (embedded, folder, hub id), check its sums, convert it once for ct2, name it."""

import errno
import hashlib
import json
import logging
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitexte.errors import ModelError, OutputError
from bitexte.files import atomic_binary

log = logging.getLogger(__name__)

NEEDED = ("config.json", "source.spm", "target.spm", "vocab.json")
OPTIONAL = ("generation_config.json", "tokenizer_config.json")
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first is preferred: it cannot run code
SUMS = "SHA256SUMS"

_ASIDE = ".converting-"
_DAY = 24 * 60 * 60  # seconds; no conversion takes that long
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}

_PACKAGE = Path(__file__).resolve().parents[1]
# In an installed wheel, then in a checkout.
EMBEDDED = (_PACKAGE / "_models", _PACKAGE.parents[1] / "models")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A MarianMT folder; `digest` is the SHA-256 over the files that decide its output."""

    name: str
    folder: Path
    digest: str

    @property
    def label(self) -> str:
        """Name the model and its content, as signatures do: `fr-en@3f2a9c1d`."""
        return f"{self.name}@{self.digest[:8]}"


def find(name: str, revision: str = "") -> Model:
    """Find a model by its embedded name, its folder or its hub id, and check its sums.

    Raises ModelError if there is none, if files are missing or damaged, or if it is not a
    MarianMT model.
    """
    folder = _embedded(name) or _folder(name)
    if folder is None:
        from bitexte.engines import hub

        folder = hub.fetch(name, revision)
    elif revision:
        raise ModelError(
            f"{name}: no hub model, so it has no revision {revision!r}",
            "leave the revision out, or empty (--revision '')",
        )
    return opened(folder, name)


def opened(folder: Path, name: str) -> Model:
    """Check a MarianMT folder and name it; raise ModelError if it is incomplete or damaged."""
    files = [*NEEDED, weights_in(folder), *OPTIONAL]
    missing = [file for file in files[: len(NEEDED) + 1] if not (folder / file).exists()]
    if missing:
        raise ModelError(
            f"{folder}: not a MarianMT folder: {', '.join(missing)} missing",
            f"a MarianMT folder holds {', '.join(NEEDED)} and {' or '.join(WEIGHTS)}",
        )
    there = [file for file in files if (folder / file).exists()]
    try:
        sums = _sums(folder, there)
        _check_sums(folder, sums)
        _check_kind(
            {file: _object(folder / file) for file in there if file.endswith(".json")}, folder
        )
    except OSError as error:
        raise ModelError(
            f"{error.filename}: {error.strerror}", "check that its files can be read"
        ) from error
    listing = "".join(f"{value}  {file}\n" for file, value in sorted(sums.items()))
    short = Path(name).resolve().name if Path(name).is_dir() else name
    return Model(name=short, folder=folder, digest=hashlib.sha256(listing.encode()).hexdigest())


def _sums(folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the sums of files, taken anew whenever one of them has changed on disk."""
    states = [(folder / file).stat() for file in files]
    stamp = [[state.st_size, state.st_mtime_ns, state.st_ino] for state in states]
    place = hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    memo = default_cache().parent / "sums" / f"{place[:16]}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(memo.read_text("utf-8"))
        if known["stamp"] == stamp and known["sums"].keys() == set(files):
            return dict(known["sums"])
    sums = {file: sha256(folder / file) for file in files}
    with suppress(OutputError), atomic_binary(memo) as out:
        out.write(json.dumps({"stamp": stamp, "sums": sums}).encode())
    return sums


def embedded() -> Iterator[Path]:
    """List the folders of the embedded models, one a name."""
    seen = set()
    for root in EMBEDDED:
        for config in sorted(root.glob("*/config.json")):
            if config.parent.name not in seen:
                seen.add(config.parent.name)
                yield config.parent


def weights_in(folder: Path) -> str:
    """Name the weights of a folder: safetensors if they are there."""
    return next((file for file in WEIGHTS if (folder / file).exists()), WEIGHTS[0])


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def load_transformers(model: Model) -> Any:
    """Load a model in transformers, in float32; pickled weights never run code.

    Raises ModelError also where weights are missing: transformers would make up random ones.
    """
    import torch
    from transformers import MarianMTModel

    with _loading(model):
        loaded, report = MarianMTModel.from_pretrained(
            model.folder,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            weights_only=True,
            output_loading_info=True,
        )
        if report["missing_keys"]:
            raise ValueError(f"no weights for {', '.join(sorted(report['missing_keys']))}")
        return loaded


def converted(model: Model, compute: str, cache: str = "") -> Path:
    """Return the folder of the model converted for CTranslate2, converting it the first time.

    The conversion is made aside and renamed, so that a killed one leaves nothing that counts;
    of two processes that convert at once, the first to finish is kept.
    """
    root = Path(cache) if cache else default_cache()
    folder = root / f"{model.name.replace('/', '--')}-{model.digest[:16]}-{compute}"
    if not (folder / "model.bin").exists():
        log.info("converting %s for CTranslate2, once", model.label)
        try:
            _convert(model, compute, folder)
        except OSError as error:
            raise ModelError(
                f"{root}: cannot keep the converted model: {error.strerror or error}",
                "choose another folder with --cache",
            ) from error
    return folder


def default_cache() -> Path:
    """Return the user's cache folder for converted models."""
    from platformdirs import user_cache_path

    return user_cache_path("bitexte") / "ct2"


def _convert(model: Model, compute: str, folder: Path) -> None:
    from ctranslate2.converters import TransformersConverter

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_model(self, *_: Any, **__: Any) -> Any:
            return load_transformers(model)

    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder.parent)
    with tempfile.TemporaryDirectory(prefix=_ASIDE, dir=folder.parent) as aside:
        made = Path(aside) / "model"
        with _loading(model):
            converter = Converter(str(model.folder))
            converter.convert(str(made), quantization=None if compute == "float32" else compute)
        try:
            made.rename(folder)
        except OSError:
            # Another process was first: its folder is complete, ours goes.
            if not (folder / "model.bin").exists():
                raise


def _sweep(root: Path) -> None:
    """Remove what conversions that were killed left, a day later."""
    for aside in root.glob(f"{_ASIDE}*"):
        if aside.stat().st_mtime < time.time() - _DAY:
            shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _loading(model: Model) -> Iterator[None]:
    """Turn whatever a broken or hostile file makes the loaders raise into one clear error."""
    from transformers.utils import logging as chatter

    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            # bitexte cuts into pieces itself and never asks for Moses' punctuation.
            warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
            yield
    except ModelError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _DISK:
            raise  # the disk's fault, not the model's
        raise ModelError(
            f"{model.name}: cannot be loaded: {_first_line(error)}",
            f"fetch the model again, or check the files of {model.folder}",
        ) from error


def _embedded(name: str) -> Path | None:
    if "/" in name:  # ./fr-en is a folder, fr-en the embedded model
        return None
    return next((root / name for root in EMBEDDED if (root / name / "config.json").exists()), None)


def _folder(name: str) -> Path | None:
    folder = Path(name)
    return folder if name and folder.is_dir() else None


def _object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ModelError(f"{path}: not JSON: {error}", "fetch the model again") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path}: not a JSON object", "fetch the model again")
    return content


def _check_kind(files: dict[str, dict[str, Any]], folder: Path) -> None:
    """Refuse other kinds of models, and vocabularies without the marks that MarianMT needs."""
    kind = files["config.json"].get("model_type")
    if kind != "marian":
        raise ModelError(f"{folder}: a {kind} model, not a marian one", "choose a MarianMT model")
    if not files["config.json"].get("share_encoder_decoder_embeddings", True):
        raise ModelError(
            f"{folder}: source and target have vocabularies of their own, which bitexte cannot use",
            "choose a MarianMT model with a joint vocabulary, as opus-mt-fr-en has",
        )
    if not {"</s>", "<unk>"} <= files["vocab.json"].keys():
        raise ModelError(
            f"{folder / 'vocab.json'}: no '</s>' or '<unk>' in it", "fetch the model again"
        )


def _check_sums(folder: Path, sums: dict[str, str]) -> None:
    """Compare with SHA256SUMS, where the folder has one."""
    path = folder / SUMS
    lines = path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []
    for line in lines:
        wanted, _, file = line.partition(" ")
        file = file[1:]  # after a space for text, an asterisk for binary
        if file in sums and sums[file] != wanted.lower():
            raise ModelError(
                f"{folder / file}: damaged: its SHA-256 is not the one in {SUMS}",
                "install bitexte again, or fetch the model again",
            )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
