"""Find a model (embedded, folder, hub id), check its sums, convert it once for ct2, name it."""

import hashlib
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitexte.errors import ModelError

log = logging.getLogger(__name__)

NEEDED = ("config.json", "source.spm", "target.spm", "vocab.json")
OPTIONAL = ("generation_config.json", "tokenizer_config.json", "target_vocab.json")
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first is preferred: it cannot run code
SUMS = "SHA256SUMS"

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
    kind = json.loads((folder / "config.json").read_text("utf-8")).get("model_type")
    if kind != "marian":
        raise ModelError(f"{folder}: a {kind} model, not a marian one", "choose a MarianMT model")
    sums = {file: sha256(folder / file) for file in files if (folder / file).exists()}
    _check(folder, sums)
    listing = "".join(f"{value}  {file}\n" for file, value in sorted(sums.items()))
    short = Path(name).name if Path(name).is_dir() else name
    return Model(name=short, folder=folder, digest=hashlib.sha256(listing.encode()).hexdigest())


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
    """Load a model in transformers, in float32; pickled weights never run code."""
    import torch
    from transformers import MarianMTModel

    with _loading(model):
        return MarianMTModel.from_pretrained(
            model.folder,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            weights_only=True,
        )


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

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=folder.parent) as aside:
        made = Path(aside) / "model"
        with _loading(model):
            converter = TransformersConverter(str(model.folder))
            converter.convert(str(made), quantization=None if compute == "float32" else compute)
        try:
            made.rename(folder)
        except OSError:
            # Another process was first: its folder is complete, ours goes.
            if not (folder / "model.bin").exists():
                raise


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
    except Exception as error:
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
    return folder if folder.is_dir() else None


def _check(folder: Path, sums: dict[str, str]) -> None:
    """Compare with SHA256SUMS, where the folder has one."""
    path = folder / SUMS
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    for line in lines:
        wanted, _, file = line.partition("  ")
        if file in sums and sums[file] != wanted:
            raise ModelError(
                f"{folder / file}: damaged: its SHA-256 is not the one in {SUMS}",
                "install bitexte again, or fetch the model again",
            )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
