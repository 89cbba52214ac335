"""Training as the papers tell it, written with torch's autograd and nothing of rramsim's.

M. Courbariaux et al. 2016 (arXiv 1602.02830), with the faults of T. Hirtzlin et al. 2019 (arXiv
1904.03652). One layer is a matrix of real-valued weights, its batch norm and whether it pools.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional


class _WeightSign(torch.autograd.Function):
    """Signs, then faults; the gradient passes both as if they were not there."""

    @staticmethod
    def forward(context, latent, faults, dtype):
        signs = torch.where(latent >= 0, 1.0, -1.0)
        return (faults(signs) if faults else signs).to(dtype)

    @staticmethod
    def backward(context, gradient):
        return gradient.float(), None, None


class _Activation(torch.autograd.Function):
    @staticmethod
    def forward(context, values):
        context.save_for_backward(values)
        return torch.where(values >= 0, torch.ones_like(values), -torch.ones_like(values))

    @staticmethod
    def backward(context, gradient):
        (values,) = context.saved_tensors
        return torch.where(values.abs() <= 1, gradient, torch.zeros_like(gradient))


@dataclass
class NaiveLayer:
    latent: torch.Tensor
    pool: bool
    dtype: torch.dtype
    normed: bool = True
    gamma: torch.Tensor = field(init=False)
    beta: torch.Tensor = field(init=False)
    mean: torch.Tensor = field(init=False)
    variance: torch.Tensor = field(init=False)

    def __post_init__(self):
        outputs = len(self.latent)
        self.latent.requires_grad_()
        self.gamma = torch.ones(outputs, requires_grad=True)
        self.beta = torch.zeros(outputs, requires_grad=True)
        self.mean, self.variance = torch.zeros(outputs), torch.ones(outputs)

    def __call__(self, values, faults, *, straight_through, batch_norm_gradient):
        weights = _WeightSign.apply(self.latent, faults, self.dtype)
        values = values.to(self.dtype)
        if values.ndim == 4 and self.latent.ndim == 2:
            values = values.flatten(1)
        back = _WeightSign.apply(self.latent, None, self.dtype) if straight_through else weights
        # The sums of the weights that are read; then twice exactly 0: the gradients that the values
        # get, and the weights.
        through = self._sums(values, back.detach())
        centred = self.normed and batch_norm_gradient
        of = self._sums_of_deviations if centred else self._sums
        learnt = of(values.detach(), weights)
        sums = self._sums(values, weights).detach()
        sums = sums + (through - through.detach()) + (learnt - learnt.detach())
        sums = functional.max_pool2d(sums, 2) if self.pool else sums
        if not self.normed:
            return sums
        if not batch_norm_gradient:
            return self._normed_by_constants(sums)
        norm = self.mean, self.variance, self.gamma, self.beta
        return functional.batch_norm(sums, *norm, training=True, momentum=0.1, eps=1e-4)

    def _normed_by_constants(self, sums):
        over = (0, 2, 3) if sums.ndim == 4 else (0,)
        found = sums.detach().float()
        # The statistics that torch keeps; what it returns is not looked at.
        functional.batch_norm(found, self.mean, self.variance, training=True, momentum=0.1)
        variance, mean = torch.var_mean(found, over, correction=0, keepdim=True)
        form = (-1, *[1] * (sums.ndim - 2))
        scale = self.gamma.view(form) / (variance[0] + 1e-4).sqrt()
        return ((sums - mean) * scale + self.beta.view(form)).to(sums.dtype)

    def _sums(self, values, weights):
        if self.latent.ndim == 4:
            return functional.conv2d(values, weights, padding=1)
        return functional.linear(values, weights)

    def _sums_of_deviations(self, values, weights):
        """Return sums of inputs less their means, which batch norm makes the same as of inputs."""
        if self.latent.ndim == 2:
            return functional.linear(values - values.float().mean(0).to(self.dtype), weights)
        means = values.float().mean((0, 2, 3), keepdim=True).to(self.dtype)
        return functional.conv2d(functional.pad(values, (1, 1, 1, 1)) - means, weights)

    @property
    def rate_scale(self):
        places = self.latent[0, 0].numel()
        return 1 / math.sqrt(1.5 / ((self.latent.shape[0] + self.latent.shape[1]) * places))


def naive_layers(forms, pools, *, generator, dtype, normed_scores=True):
    """Return layers of weights of these shapes; the last computes in float32."""
    last = len(forms) - 1
    return [
        NaiveLayer(
            torch.rand(form, generator=generator) * 2 - 1,
            pool,
            dtype if number < last else torch.float32,
            normed=number < last or normed_scores,
        )
        for number, (form, pool) in enumerate(zip(forms, pools, strict=True))
    ]


def train_naively(
    layers,
    pixels,
    labels,
    *,
    seed,
    rates,
    batch_size,
    image_shape=None,
    faults=None,
    straight_through=False,
    augment=None,
    dropout=0.0,
    input_dropout=0.0,
    batch_norm_gradient=True,
    loss=functional.cross_entropy,
):
    """Train `layers` in place, an epoch for each of `rates`; return the mean loss of each."""
    groups = [{"params": [layer.latent], "scale": layer.rate_scale} for layer in layers]
    norms = [value for layer in layers if layer.normed for value in (layer.gamma, layer.beta)]
    optimizer = torch.optim.Adam([*groups, {"params": norms, "scale": 1.0}], fused=True)
    history, iteration = [], 0
    for rate in rates:
        for group in optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        order = torch.randperm(len(pixels), generator=_chance(seed, 3, len(history)))
        total = 0.0
        for batch in torch.tensor_split(order, max(1, len(pixels) // batch_size)):
            values = pixels[batch]
            values = (
                augment(values, _chance(seed, 5, iteration, 0)) if augment else values
            ).float()
            if image_shape:
                # The same order in memory as rramsim's, for the same order of additions.
                values = values.view(-1, *image_shape).contiguous(memory_format=torch.channels_last)
            if input_dropout:
                drawn = torch.rand(values.shape, generator=_chance(seed, 4, iteration, 0))
                values = values * ((drawn < 1 - input_dropout).float() / (1 - input_dropout))
            for number, layer in enumerate(layers):

                def met(signs, number=number, iteration=iteration):
                    return faults(signs, layer=number, iteration=iteration)

                values = layer(
                    values,
                    met if faults else None,
                    straight_through=straight_through,
                    batch_norm_gradient=batch_norm_gradient,
                )
                if number < len(layers) - 1:
                    values = _Activation.apply(values)
                    if dropout:
                        chance = _chance(seed, 4, iteration, number + 1)
                        drawn = torch.rand(values.shape, generator=chance)
                        values = values * ((drawn < 1 - dropout) / (1 - dropout)).to(values.dtype)
            found = loss(values, labels[batch])
            optimizer.zero_grad()
            found.backward()
            optimizer.step()
            _confine(layers)
            total += found.item() * len(batch)
            iteration += 1
        history.append(total / len(pixels))
    return history


def _chance(seed, *numbers):
    """Return a generator for one use: 3 is the order, 4 dropout, 5 augmentation."""
    (word,) = np.random.SeedSequence(seed, spawn_key=numbers).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(word) % 2**63)


@torch.no_grad()
def _confine(layers):
    for layer in layers:
        layer.latent.clamp_(-1, 1)
        if layer.pool:
            layer.gamma.clamp_(min=1e-4)
