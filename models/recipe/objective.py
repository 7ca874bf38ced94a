"""What is minimised: cross-entropy over real pieces, and a head that looks where eflomal links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import MarianMTModel


class ChunkedCrossEntropy(torch.autograd.Function):
    """Cross-entropy of hidden @ table.T, chunk by chunk, gradients made in the forward pass.

    The [pieces, vocabulary] logits of a batch are never there at once: on a CPU they would not
    fit the caches, on a GPU they would be the largest tensor.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, table: Tensor, target: Tensor, smooth: float, chunk: int
    ) -> tuple[Tensor, Tensor]:
        """Take hidden [N, D], table [V, D], target [N]; give smoothed and plain mean loss."""
        grad_hidden = torch.empty_like(hidden)
        grad_table = torch.zeros(table.shape, dtype=torch.float32, device=table.device)
        total = torch.zeros(2, dtype=torch.float32, device=hidden.device)
        for start in range(0, len(hidden), chunk):
            h, y = hidden[start : start + chunk], target[start : start + chunk, None]
            logits = (h @ table.t()).float()
            norm = torch.logsumexp(logits, -1, keepdim=True)
            loss = (norm - logits.gather(1, y)).sum()
            # Each pass over the logits costs a CPU: none for a smoothing that is off.
            spread = (norm.squeeze(1) - logits.mean(-1)).sum() if smooth else loss
            total += torch.stack([(1 - smooth) * loss + smooth * spread, loss])
            # Below exp(-30) nothing is learned, and denormal numbers make a CPU six times slower.
            grad = logits.sub_(norm).clamp_(min=-30).exp_()
            if smooth:
                grad.sub_(smooth / len(table))
            grad.scatter_add_(1, y, grad.new_full(y.shape, smooth - 1))
            step = (grad / len(hidden)).to(hidden.dtype)
            grad_hidden[start : start + chunk] = step @ table
            grad_table += step.t() @ h
        ctx.save_for_backward(grad_hidden, grad_table.to(table.dtype))
        smoothed, plain = total / len(hidden)
        ctx.mark_non_differentiable(plain)
        return smoothed, plain

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        """Scale the gradients that the forward pass made."""
        grad_hidden, grad_table = ctx.saved_tensors
        scale = grads[0].to(grad_hidden.dtype)
        return grad_hidden * scale, grad_table * scale, None, None, None


def cross_entropy(
    hidden: Tensor, table: Tensor, target: Tensor, smooth: float = 0.0, chunk: int = 1024
) -> tuple[Tensor, Tensor]:
    """Give the mean smoothed loss, to minimise, and the mean loss, to print (nats a piece)."""
    apply: Any = ChunkedCrossEntropy.apply  # torch leaves it untyped
    smoothed, plain = apply(hidden, table.to(hidden.dtype), target, smooth, chunk)
    return smoothed, plain


class GuidedHead:
    """Head 0 of some decoder layers' attention to the source, computed again beside the network.

    SDPA gives no attention weights; one head of one layer costs little to compute again from the
    inputs that a hook keeps. CTranslate2's `return_attention` reads head 0 of the last layer.
    """

    def __init__(self, model: MarianMTModel, layers: Sequence[int]) -> None:
        self.attentions = [model.model.decoder.layers[layer].encoder_attn for layer in layers]
        self.inputs: list[tuple[Tensor, Tensor]] = [(torch.empty(0), torch.empty(0))] * len(layers)
        for place, attention in enumerate(self.attentions):
            attention.register_forward_pre_hook(self._watch(place), with_kwargs=True)

    def _watch(self, place: int) -> Any:
        def keep(_: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            queries = args[0] if args else kwargs["hidden_states"]
            self.inputs[place] = (queries, kwargs["key_value_states"])

        return keep

    @property
    def encoded(self) -> Tensor:
        """The encoder's output of the last forward pass, [B, S, D]."""
        return self.inputs[0][1]

    def weights(self, place: int, mask: Tensor) -> Tensor:
        """Attention of head 0, float32 [B, T, S]; mask [B, S] is 1 where a piece is."""
        attention, (queries, keys) = self.attentions[place], self.inputs[place]
        n = attention.head_dim
        q = F.linear(queries, attention.q_proj.weight[:n], attention.q_proj.bias[:n])
        k = F.linear(keys, attention.k_proj.weight[:n], attention.k_proj.bias[:n])
        scores: Tensor = torch.einsum("btn,bsn->bts", q, k).float() * attention.head_dim**-0.5
        return scores.masked_fill(mask[:, None] == 0, -1e9).softmax(-1)

    def loss(self, words: Tensor, links: Tensor, mask: Tensor) -> Tensor:
        """Mean -log of the attention on the linked word's pieces, over layers and linked pieces."""
        linked = links >= 0
        if not linked.any():
            return torch.zeros((), device=links.device)
        right = words[:, None] == links[:, :, None]
        masses = [(self.weights(i, mask) * right).sum(-1) for i in range(len(self.attentions))]
        # Below 1e-4 a piece is given up rather than let one wrong link rule the batch.
        return -torch.stack([m[linked].clamp_min(1e-4).log().mean() for m in masses]).mean()
