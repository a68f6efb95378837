"""Which kernel computes a layer of several networks the fastest, forward and backward?

`fused.py --kernels` prints it: one after the other, as the stack does it, and what it does not do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor

from perjoule.benchmarks.performance.timing import take_turn

NETWORKS = 8
ROUNDS = 5
CONVOLUTIONS = [(32, 8, 4, 3), (32, 16, 4, 3), (32, 8, 14, 3), (64, 32, 4, 3), (64, 16, 14, 5)]
"""Samples, channels in and out, side in pixels, side of the kernel."""
PRODUCTS = [(16, 64, 64), (64, 64, 64), (32, 200, 200), (64, 350, 350), (256, 128, 128)]
"""Samples, features in, features out."""

Work = Callable[[], object]


class UnfoldedConvolution(torch.autograd.Function):
    """A convolution as one batched product of unfolded images, and so is its gradient."""

    @staticmethod
    def forward(ctx, images: Tensor, weight: Tensor, side: int) -> Tensor:  # noqa: ANN001
        """Of images (K, n, height, width, channels) and weights (K, side * side * in, out)."""
        columns = _unfold(images, side)
        ctx.save_for_backward(columns, weight)
        ctx.side = side
        return torch.bmm(columns, weight).view(*images.shape[:4], -1)

    @staticmethod
    def backward(ctx, *grads: Tensor) -> tuple[Tensor, Tensor, None]:  # noqa: ANN001
        """Gradients of both."""
        columns, weight = ctx.saved_tensors
        size, _, n_outputs = weight.shape
        grad = grads[0].contiguous()
        of_weight = torch.bmm(columns.mT, grad.view(size, -1, n_outputs))
        turned = weight.view(size, ctx.side**2, -1, n_outputs).flip(1).mT
        turned = turned.reshape(size, ctx.side**2 * n_outputs, -1)
        of_images = torch.bmm(_unfold(grad, ctx.side), turned)
        return of_images.view(*grad.shape[:4], -1), of_weight, None


def _unfold(images: Tensor, side: int) -> Tensor:
    size, n, height, width, channels = images.shape
    reach = side // 2
    padded = F.pad(images, (0, 0, reach, reach, reach, reach))
    a, b, c, d, e = padded.stride()
    windows = padded.as_strided((*images.shape[:4], side, side, channels), (a, b, c, d, c, d, e))
    return windows.reshape(size, n * height * width, -1)


def show_kernels() -> None:
    """Print milliseconds of each kernel, by precision and shape."""
    print(f"ms of CPU, forward and backward, {NETWORKS} networks; median of {ROUNDS} turns")
    for precision in (torch.float32, torch.bfloat16):
        for shape in CONVOLUTIONS:
            _show(f"convolution {precision} {shape}", _convolutions(*shape, precision))
        for shape in PRODUCTS:
            _show(f"product {precision} {shape}", _products(*shape, precision))


def _show(title: str, works: dict[str, Work]) -> None:
    times_s: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(ROUNDS + 1):
        for name in take_turn(works, turn):
            started_s, rounds = time.process_time(), 0
            while rounds == 0 or time.process_time() - started_s < 0.01:
                works[name]()
                rounds += 1
            times_s[name].append((time.process_time() - started_s) / rounds)
    figures = [f"{name} {1e3 * median(each[1:]):.2f}" for name, each in times_s.items()]
    print(f"{title.replace('torch.', '')}: {', '.join(figures)}", flush=True)


def _convolutions(
    n: int, channels: int, side: int, kernel: int, dtype: torch.dtype
) -> dict[str, Work]:
    def draw(*shape: int) -> Tensor:
        drawn = torch.randn(*shape, dtype=dtype)
        lie = torch.channels_last if len(shape) == 4 else torch.contiguous_format
        return drawn.contiguous(memory_format=lie).requires_grad_()

    joint = draw(n, NETWORKS * channels, side, side)
    weights = draw(NETWORKS * channels, channels, kernel, kernel)
    several = [
        (draw(n, channels, side, side), draw(channels, channels, kernel, kernel))
        for _ in range(NETWORKS)
    ]
    unfolded = draw(NETWORKS, n, side, side, channels)
    matrices = draw(NETWORKS, kernel * kernel * channels, channels)
    stacked = torch.vmap(lambda images, weight: F.conv2d(images, weight, padding="same"))
    five = [
        torch.stack([each.detach() for each in some]).requires_grad_()
        for some in zip(*several, strict=True)
    ]
    plain = [each.detach().contiguous().requires_grad_() for each in (joint, weights)]
    return {
        "one by one": lambda: [
            _pass(F.conv2d(one, weight, padding="same"), (one, weight)) for one, weight in several
        ],
        "grouped": lambda: _pass(
            F.conv2d(joint, weights, padding="same", groups=NETWORKS), (joint, weights)
        ),
        "grouped, channels first": lambda: _pass(
            F.conv2d(plain[0], plain[1], padding="same", groups=NETWORKS), plain
        ),
        "vmap": lambda: _pass(stacked(*five), five),
        "unfold and bmm": lambda: _pass(
            UnfoldedConvolution.apply(unfolded, matrices, kernel), (unfolded, matrices)
        ),
    }


def _products(n: int, n_inputs: int, n_outputs: int, dtype: torch.dtype) -> dict[str, Work]:
    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=dtype).requires_grad_()

    weights, biases = draw(NETWORKS, n_outputs, n_inputs), draw(NETWORKS, n_outputs)
    rows, columns = draw(NETWORKS, n, n_inputs), draw(NETWORKS, n_inputs, n)
    several = [
        (draw(n, n_inputs), draw(n_outputs, n_inputs), draw(n_outputs)) for _ in range(NETWORKS)
    ]
    return {
        "one by one": lambda: [_pass(F.linear(*each), each) for each in several],
        "samples first": lambda: _pass(
            torch.baddbmm(biases[:, None], rows, weights.mT), (rows, weights, biases)
        ),
        "features first": lambda: _pass(
            torch.baddbmm(biases[:, :, None], weights, columns), (columns, weights, biases)
        ),
    }


def _pass(output: Tensor, inputs: tuple[Tensor, ...] | list[Tensor]) -> None:
    """The backward pass; each gradient comes to lie as what it is of."""
    for each in inputs:
        each.grad = None
    output.backward(torch.ones_like(output))
