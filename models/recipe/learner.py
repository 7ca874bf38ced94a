"""The weights while they learn: bf16 copies and float32 masters, their average, the optimiser."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import MarianMTModel

from network import load_weights, trained
from settings import Settings


class Learner:
    """The network, its float32 masters and their average, and the optimiser.

    On a CPU in bf16 the network holds bf16 copies of the masters, which costs no casts; on a GPU,
    and in fp32, the network's own weights are the masters.
    """

    def __init__(self, model: MarianMTModel, settings: Settings) -> None:
        self.model, self.settings = model.to(settings.device), settings
        self.params = trained(self.model)
        self.copied = settings.device == "cpu" and settings.precision == "bf16"
        self.masters = self.params
        if self.copied:
            self.masters = {
                k: torch.nn.Parameter(p.detach().clone()) for k, p in self.params.items()
            }
            self.model.to(torch.bfloat16)
        self.ema = {k: p.detach().clone() for k, p in self.masters.items()}
        self.optimizer = torch.optim.AdamW(
            self._groups(), lr=settings.rate, betas=(0.9, 0.98), eps=1e-8, fused=True
        )

    def _groups(self) -> list[dict[str, Any]]:
        """Group weights by learning rate and decay; vectors (biases, norms) do not decay."""
        groups: dict[tuple[float, float], list[Tensor]] = {}
        for name, weight in self.masters.items():
            # A pre-trained encoder collapses at the rate that a fresh decoder needs.
            factor = self.settings.encoder_rate if ".encoder." in name else 1.0
            decay = 0.01 if weight.dim() > 1 else 0.0
            groups.setdefault((factor, decay), []).append(weight)
        return [
            {"params": weights, "weight_decay": decay, "factor": factor}
            for (factor, decay), weights in groups.items()
        ]

    def step(self, rate: float, step: int) -> Tensor:
        """Apply the gradients of the network and return their norm before clipping at 1."""
        if self.copied:
            for name, master in self.masters.items():
                grad = self.params[name].grad
                master.grad = grad.float() if grad is not None else None
        norm = torch.nn.utils.clip_grad_norm_(self.masters.values(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self.optimizer.step()
        self.model.zero_grad(set_to_none=True)
        self._spread(step)
        return norm

    @torch.no_grad()
    def _spread(self, step: int) -> None:
        masters = [master.detach() for master in self.masters.values()]
        if self.copied:
            torch._foreach_copy_([p.data for p in self.params.values()], masters)
        # Short memory first, so that the average soon forgets the start.
        decay = min(self.settings.ema, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.ema.values()), masters, 1 - decay)

    def state(self) -> dict[str, Any]:
        """Give weights, average and optimiser for a checkpoint."""
        weights = {k: p.detach() for k, p in self.masters.items()}
        return {"weights": weights, "ema": self.ema, "optimizer": self.optimizer.state_dict()}

    @torch.no_grad()
    def load(self, state: dict[str, Any]) -> None:
        """Take weights, average and optimiser from a checkpoint."""
        load_weights(self.model, state["weights"])
        for name, master in self.masters.items():
            master.copy_(state["weights"][name])
            self.ema[name].copy_(state["ema"][name])
        self.optimizer.load_state_dict(state["optimizer"])
