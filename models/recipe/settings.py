"""The settings of a training run, its progress, and the learning rate that follows from both."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from network import Shape


@dataclass(frozen=True)
class Settings:
    """Everything a run depends on; see `parse` for meanings and units."""

    data: Path
    out: Path
    start: Path | None = None
    resume: Path | None = None
    device: str = "cpu"
    precision: str = "bf16"
    compile: bool = False
    threads: int = 2
    seed: int = 1
    shape: Shape = field(default_factory=Shape)
    dropout: float = 0.0
    minutes: float = 60.0
    steps: int = 0
    tokens: int = 3600
    shortest: int = 1
    longest: int = 110
    rate: float = 6e-4
    encoder_rate: float = 1.0
    warmup: int = 100
    hold: float = 0.7
    floor: float = 0.03
    smooth: float = 0.0
    guide: float = 0.2
    guide_layers: int = 2
    ema: float = 0.998
    report: int = 50
    save_minutes: float = 5.0
    save_steps: int = 0
    keep: int = 4


@dataclass
class Progress:
    """Where a run is: `step` and `seconds` of this schedule; `position`: batches of the epoch done.

    total_steps and tokens count over all schedules that the weights went through.
    """

    step: int = 0
    seconds: float = 0.0
    epoch: int = 0
    position: int = 0
    total_steps: int = 0
    tokens: int = 0

    def fraction(self, settings: Settings) -> float:
        """How much of the schedule is over, by steps if they are given, else by time."""
        if settings.steps:
            return self.step / settings.steps
        return self.seconds / 60 / settings.minutes


def learning_rate(step: int, fraction: float, settings: Settings) -> float:
    """Warm up over steps, hold, then fall in a line to the floor at the end of the schedule."""
    warm = min(1.0, (step + 1) / max(1, settings.warmup))
    fall = 1 - (fraction - settings.hold) / (1 - settings.hold) if settings.hold < 1 else 1.0
    return settings.rate * warm * max(settings.floor, min(1.0, fall))


def parse(description: str, arguments: Sequence[str] | None = None) -> Settings:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    add("data", type=Path, help="folder that prepare.py wrote")
    add("out", type=Path, help="folder of the run")
    add("--start", type=Path, help="MarianMT folder to begin from; new pieces get new rows")
    add("--resume", type=Path, help="another run's last.pt to begin a new schedule from")
    add("--device", default="cpu", help="cpu or cuda")
    add("--precision", choices=("bf16", "fp32"), default="bf16")
    add("--compile", action="store_true", help="torch.compile the layers")
    add("--threads", type=int, default=2, help="CPU threads")
    add("--seed", type=int, default=1)
    for size in fields(Shape):
        flag = f"--{size.name.replace('_', '-')}"
        add(flag, type=int, default=size.default, help="of a network from scratch")
    add("--dropout", type=float, default=0.0, help="of a network from scratch")
    add("--minutes", type=float, default=60.0, help="length of the schedule")
    add("--steps", type=int, default=0, help="length of the schedule in steps instead")
    add("--tokens", type=int, default=3600, help="padded pieces a side in a batch")
    add("--shortest", type=int, default=1, help="pieces of a target, </s> included")
    add("--longest", type=int, default=110, help="pieces a side, </s> included")
    add("--rate", type=float, default=6e-4, help="highest learning rate")
    add("--encoder-rate", type=float, default=1.0, help="times the rate, for the encoder's layers")
    add("--warmup", type=int, default=100, help="steps")
    add("--hold", type=float, default=0.7, help="share of the schedule before the rate falls")
    add("--floor", type=float, default=0.03, help="share of the rate at the end")
    add("--smooth", type=float, default=0.0, help="label smoothing")
    add("--guide", type=float, default=0.2, help="weight of the guided head's loss; 0: none")
    add("--guide-layers", type=int, default=2, help="last decoder layers to guide")
    add("--ema", type=float, default=0.998, help="decay of the average of the weights")
    add("--report", type=int, default=50, help="steps between reports")
    add("--save-minutes", type=float, default=5.0)
    add("--save-steps", type=int, default=0, help="save every so many steps too; 0: by time only")
    add("--keep", type=int, default=4, help="weights-N.safetensors to keep for averaging")
    flags = vars(parser.parse_args(arguments))
    shape = Shape(**{size.name: flags.pop(size.name) for size in fields(Shape)})
    return Settings(**flags, shape=shape)
