"""MarianMT models of the Hugging Face hub, through its ordinary cache."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from bitexte.engines.model import NEEDED, OPTIONAL, WEIGHTS, weights_in
from bitexte.errors import ConfigError, ModelError

log = logging.getLogger(__name__)

_ID = re.compile(r"[\w.-]+/[\w.-]+")


def fetch(name: str, revision: str = "") -> Path:
    """Return the folder of a hub model, downloading the files it lacks.

    A model that is in the cache makes no connection. Raises ConfigError for a name that is no
    hub id, ModelError if the hub cannot be reached or has no such model.
    """
    if not _ID.fullmatch(name):
        raise _unknown(name)
    return _cached(name, revision) or _download(name, revision)


def cached() -> Iterator[tuple[str, str, Path]]:
    """List the MarianMT models in the hub's cache: id, revision, folder."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return
    for repository in sorted(repositories, key=lambda found: str(found.repo_id)):
        for revision in sorted(repository.revisions, key=lambda found: str(found.commit_hash)):
            if _complete(revision.snapshot_path):
                yield repository.repo_id, revision.commit_hash, revision.snapshot_path


def _unknown(name: str) -> ConfigError:
    return ConfigError(
        f"no model '{name}': no embedded model, folder or hub id of that name",
        "`bitexte models` lists the embedded and cached ones",
    )


def _cached(name: str, revision: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        found = snapshot_download(
            name,
            revision=revision or None,
            local_files_only=True,
            # Without these, a snapshot that leaves out files nobody needs counts as incomplete.
            allow_patterns=[*NEEDED, *OPTIONAL],
        )
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise _unknown(name) from error
    folder = Path(found)
    return folder if _complete(folder) else None


def _complete(folder: Path) -> bool:
    return all((folder / file).exists() for file in (*NEEDED, weights_in(folder)))


def _download(name: str, revision: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    try:
        info = HfApi().model_info(name, revision=revision or None, timeout=20)
        files = _wanted(name, {file.rfilename for file in info.siblings or []})
        log.warning("fetching %s@%s: %s", name, (info.sha or "")[:8], ", ".join(files))
        # By its name and not its sum: so the cache learns which commit the name stands for.
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=files))
    except ModelError:
        raise
    except Exception as error:
        # The client raises the errors of an HTTP package that changes with its versions.
        at = f" --revision {revision}" if revision else ""
        raise ModelError(
            f"cannot fetch {name}{f' at {revision}' if revision else ''} from the hub: "
            f"{(str(error).strip() or type(error).__name__).splitlines()[0][:200]}",
            f"with network, once: `hf download {name}{at}`; or give a folder with --model",
        ) from error


def _wanted(name: str, there: set[str]) -> list[str]:
    """Choose the files to fetch: one set of weights, safetensors if the model has them."""
    weights = next((file for file in WEIGHTS if file in there), WEIGHTS[0])
    needed = [*NEEDED, weights]
    missing = [file for file in needed if file not in there]
    if missing:
        raise ModelError(
            f"{name}: not a MarianMT model: the hub has no {', '.join(missing)} in it",
            "choose a MarianMT model, such as Helsinki-NLP/opus-mt-fr-en",
        )
    return needed + [file for file in OPTIONAL if file in there]
