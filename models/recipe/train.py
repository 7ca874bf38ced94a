"""Train a MarianMT model, on a CPU or a GPU, resumable at any kill.

    python models/recipe/train.py DATA RUN --start models/fr-en --minutes 140 ...   # go on from it
    python models/recipe/train.py DATA RUN --device cuda --minutes 20 ...           # from scratch

DATA is what prepare.py wrote. RUN gets last.pt (all that is needed to go on, written whole or not
at all), weights-N.safetensors (for averaging), config.json and log.txt. The same command run again
goes on from RUN/last.pt; SIGTERM or Ctrl-C saves first.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import sentencepiece
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import MarianConfig, MarianMTModel

from corpus import Batch, Corpus, Gatherer, epoch_batches
from learner import Learner
from network import configure, fresh, start_from
from objective import GuidedHead, cross_entropy
from settings import Progress, Settings, learning_rate, parse

#: Translated at every checkpoint: a curve can look fine while the source is never read.
SAMPLES = (
    "Bonjour.",
    "Où est la gare ?",
    "Le président français a annoncé des élections en mai 2024.",
    "« Nous nous excusons pour les gênes occasionnées », a-t-il ajouté.",
    "L'internet mobile n'est possible que depuis décembre 2018. (Belga)",
    "⟦0⟧ a rencontré ⟦1⟧ à Bruxelles.",
)


@dataclass
class Meter:
    """Sums since the last report; the losses stay on the device until it is printed."""

    started: float
    loss: Tensor
    guided: Tensor
    steps: int = 0
    tokens: int = 0

    @classmethod
    def new(cls, device: str) -> Meter:
        """Start counting now."""
        return cls(time.monotonic(), torch.zeros((), device=device), torch.zeros((), device=device))

    def add(self, loss: Tensor, guided: Tensor, tokens: int) -> None:
        """Count one batch."""
        self.loss += loss.detach() * tokens
        self.guided += guided.detach()
        self.tokens, self.steps = self.tokens + tokens, self.steps + 1


class Trainer:
    """One run: batches in, weights and reports out."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.device = torch.device(settings.device)
        torch.manual_seed(settings.seed)
        torch.set_num_threads(settings.threads)
        torch.set_flush_denormal(True)
        torch.set_float32_matmul_precision("high")
        settings.out.mkdir(parents=True, exist_ok=True)
        self.spm = sentencepiece.SentencePieceProcessor(
            model_file=str(settings.data / "joint.model")
        )
        self.pad = self.spm.get_piece_size()
        self.corpus = Corpus.load(settings.data, linked=settings.guide > 0)
        self.gatherer = Gatherer(self.corpus, self.pad, self.device)
        self.learner = Learner(self._network(), settings)
        self.model = self.learner.model
        layers = range(len(self.model.model.decoder.layers))[-settings.guide_layers :]
        self.head = GuidedHead(self.model, layers)
        self.progress = Progress()
        self.meter = Meter.new(settings.device)
        self._pick_up()
        if settings.compile:
            self._compile(set(layers))

    def _network(self) -> MarianMTModel:
        # Eager attention has the faster backward on a CPU, SDPA on a GPU.
        attention = "eager" if self.device.type == "cpu" else "sdpa"
        if self.settings.start:
            pieces = [self.spm.id_to_piece(i) for i in range(self.pad)]
            model = start_from(self.settings.start, pieces, attention)
        elif self.settings.resume:
            # The shape is that of the run that goes on.
            config = MarianConfig.from_json_file(self.settings.resume.parent / "config.json")
            if config.pad_token_id != self.pad:
                raise SystemExit(f"{self.settings.resume}: made with other pieces than the data")
            model = fresh(config, attention)
        else:
            shape, dropout = self.settings.shape, self.settings.dropout
            model = fresh(configure(self.pad, shape, dropout), attention)
        model.config.to_json_file(self.settings.out / "config.json")
        return model

    def _compile(self, guided: set[int]) -> None:
        """Compile layer by layer, but not those whose inputs the guided head's hook keeps."""
        decoder = self.model.model.decoder.layers
        free = [layer for i, layer in enumerate(decoder) if i not in guided]
        # Layers share their code and each is compiled on its own, for training and for probes.
        torch._dynamo.config.recompile_limit = 128
        for layer in (*self.model.model.encoder.layers, *free):
            layer.compile(dynamic=True)

    def _pick_up(self) -> None:
        """Go on from RUN/last.pt, or start a new schedule from --resume."""
        last = self.settings.out / "last.pt"
        path = last if last.exists() else self.settings.resume
        if path is None:
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.learner.load(state)
        self.progress = Progress(**state["progress"])
        if path != last:
            epoch = self.progress.epoch + 1
            self.progress = replace(self.progress, step=0, seconds=0.0, epoch=epoch, position=0)
            return
        torch.set_rng_state(state["rng"].cpu())
        if "cuda_rng" in state:
            torch.cuda.set_rng_state(state["cuda_rng"].cpu(), self.device)

    def save(self) -> None:
        """Write last.pt whole or not at all, and the weights alone for averaging."""
        state = self.learner.state() | {
            "progress": asdict(self.progress),
            "rng": torch.get_rng_state(),
        }
        if self.device.type == "cuda":
            state["cuda_rng"] = torch.cuda.get_rng_state(self.device)
        aside = self.settings.out / "last.pt.tmp"
        with aside.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self.settings.out / "last.pt")
        self._keep_weights()

    def _keep_weights(self) -> None:
        if not self.settings.keep:
            return
        half = {k: w.detach().half().contiguous() for k, w in self.learner.masters.items()}
        save_file(half, self.settings.out / f"weights-{self.progress.total_steps:07d}.safetensors")
        kept = sorted(self.settings.out.glob("weights-*.safetensors"))
        for old in kept[: -self.settings.keep]:
            old.unlink()

    def batches(self) -> Iterator[Batch]:
        """Give batches from where the run is, epoch after epoch."""
        s = self.settings
        while True:
            seed = (s.seed, self.progress.epoch)
            lengths = (s.shortest, s.longest)
            every = epoch_batches(self.corpus.src_len, self.corpus.tgt_len, seed, s.tokens, lengths)
            if not every:
                raise SystemExit(f"{s.data}: no pair has {s.shortest} to {s.longest} pieces")
            for pairs in every[self.progress.position :]:
                # Counted before it is learned: saves come after learning, kills lose both.
                self.progress.position += 1
                yield self.gatherer.batch(pairs)
            self.progress.epoch, self.progress.position = self.progress.epoch + 1, 0

    def precision(self) -> contextlib.AbstractContextManager[Any]:
        """Autocast to bf16 on a GPU; on a CPU the weights themselves have the type."""
        on = self.device.type == "cuda" and self.settings.precision == "bf16"
        return torch.autocast("cuda", torch.bfloat16) if on else contextlib.nullcontext()

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Run a batch: smoothed loss, plain loss and the guided head's loss, in nats a piece."""
        with self.precision():
            hidden = self.model.model(
                input_ids=batch.source,
                attention_mask=batch.mask,
                decoder_input_ids=batch.shifted,
                use_cache=False,
            ).last_hidden_state
            real = batch.target != self.pad
            # Without its last row: <pad> is no choice and its row no weight.
            table = self.model.model.shared.weight[: self.pad]
            chunk = 1024 if self.device.type == "cpu" else 8192
            smoothed, plain = cross_entropy(
                hidden[real], table, batch.target[real], self.settings.smooth, chunk
            )
            guided = torch.zeros((), device=self.device)
            if batch.words is not None and batch.links is not None:
                guided = self.head.loss(batch.words, batch.links, batch.mask)
        return smoothed, plain, guided

    def train_batch(self, batch: Batch) -> Tensor:
        """Learn from one batch and return the norm of the gradient."""
        smoothed, plain, guided = self.losses(batch)
        torch.autograd.backward(smoothed + self.settings.guide * guided)
        progress = self.progress
        rate = learning_rate(progress.step, progress.fraction(self.settings), self.settings)
        norm = self.learner.step(rate, progress.step)
        self.meter.add(plain, guided, batch.tokens)
        progress.step, progress.total_steps = progress.step + 1, progress.total_steps + 1
        progress.tokens += batch.tokens
        return norm

    @torch.no_grad()
    def probe(self, batch: Batch) -> tuple[float, float, float]:
        """Measure on 16 pairs: the encoder's spread, the loss with right and with wrong sources.

        The spread is the standard deviation over tokens, averaged over units: near 0 the encoder
        has collapsed. A model that reads its source loses much when sources are swapped.
        """
        n = min(16, len(batch))
        right = Batch(batch.source[:n], batch.mask[:n], batch.target[:n], batch.shifted[:n])
        wrong = replace(right, source=right.source.roll(1, 0), mask=right.mask.roll(1, 0))
        self.model.eval()
        right_loss = self.losses(right)[1].item()
        spread = self.head.encoded[right.mask.bool()].float().std(0).mean().item()
        wrong_loss = self.losses(wrong)[1].item()
        self.model.train()
        return spread, right_loss, wrong_loss

    def report(self, batch: Batch, norm: Tensor) -> None:
        """Print and log what was learned since the last report."""
        m, p = self.meter, self.progress
        loss, guided = m.loss.item() / m.tokens, m.guided.item() / m.steps
        speed = m.tokens / (time.monotonic() - m.started)
        spread, right, wrong = self.probe(batch)
        rate = learning_rate(p.step, p.fraction(self.settings), self.settings)
        self.say(
            f"step {p.total_steps} epoch {p.epoch} loss {loss:.4f} guide {guided:.3f} "
            f"spread {spread:.3f} right {right:.2f} wrong {wrong:.2f} norm {norm.item():.2f} "
            f"rate {rate:.2e} {speed:.0f} tok/s {p.tokens / 1e6:.2f} M tokens "
            f"{p.seconds / 60:.1f} min"
        )
        self.meter = Meter.new(self.settings.device)

    def say(self, line: str) -> None:
        """Print a line and keep it in RUN/log.txt."""
        print(line, flush=True)
        with (self.settings.out / "log.txt").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    @torch.no_grad()
    def show_samples(self) -> None:
        """Translate the samples greedily with the weights as they are."""
        self.model.eval()
        for line in SAMPLES:
            pieces = torch.tensor([self.spm.encode(line, add_eos=True)], device=self.device)
            with self.precision():
                out = self.model.generate(input_ids=pieces, num_beams=1, max_length=41)
            told = [i for i in out[0].tolist() if i < self.pad]
            self.say(f"  {line} -> {self.spm.decode(told)}")
        self.model.train()

    def checkpoint(self) -> None:
        """Save, and show what the model says."""
        self.save()
        self.show_samples()

    def _due(self, saved: float) -> bool:
        s = self.settings
        by_step = s.save_steps and self.progress.step % s.save_steps == 0
        return bool(by_step) or time.monotonic() - saved > 60 * s.save_minutes

    def run(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Train until the schedule is over or `stop` says so; save at intervals and at the end."""
        if self.progress.fraction(self.settings) >= 1:
            self.say("the schedule of this run is over")
            return
        self.model.train()
        saved = before = time.monotonic()
        for batch in self.batches():
            norm = self.train_batch(batch)
            now = time.monotonic()
            self.progress.seconds, before = self.progress.seconds + now - before, now
            if self.progress.step % self.settings.report == 0:
                self.report(batch, norm)
            if stop() or self.progress.fraction(self.settings) >= 1:
                break
            if self._due(saved):
                self.checkpoint()
                saved = time.monotonic()
        self.checkpoint()


def main(arguments: Sequence[str] | None = None) -> None:
    """Train; on SIGTERM or Ctrl-C save after the batch at hand and leave."""
    caught: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _: caught.append(signum))
    settings = parse((__doc__ or "").splitlines()[0], arguments)
    trainer = Trainer(settings)
    size = sum(weight.numel() for weight in trainer.learner.masters.values())
    pairs = len(trainer.corpus.src_len)
    trainer.say(f"{size / 1e6:.1f} M parameters, {trainer.pad} pieces, {pairs} pairs")
    trainer.run(stop=lambda: bool(caught))


if __name__ == "__main__":
    main()
