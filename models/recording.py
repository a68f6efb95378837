"""The passes of a training step, recorded once as operators and run again without all around them.

PyTorch comes to the same operators at each step, by way of layers, autocast and autograd, which for
a small network take a fifth of the time. Here the first step is trained as ever while its
operators are noted; those that follow call them alone, with the same numbers, bit for bit. A
network of which that is not certain is trained as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tag, Tensor, nn
from torch.nn.modules import module as torch_modules
from torch.utils._python_dispatch import TorchDispatchMode

from ._compiler import without_compiler
from .networks.residual import Residual

LARGEST_RECORDED = 2**27  # bytes of all that a step computes: they are held while it is recorded

_ATEN = torch.ops.aten
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")

Loss = Callable[[Tensor, Tensor], Tensor]
"""The forward pass: of the inputs of a batch and its labels."""

Replay = Callable[[Tensor, Tensor], tuple[Tensor, ...]]
"""Of inputs and labels: the loss, and the gradient of each trained parameter."""


class Passes:
    """Forward and backward pass of a network, in a mode that stays.

    Args:
        network: It is changed as training it does.
        loss: Its forward pass, and the loss.
        setting: What `loss` depends on besides network and batch.
    """

    def __init__(self, network: nn.Module, loss: Loss, setting: object) -> None:
        self._network, self._loss = network, loss
        self._trained = [each for each in network.parameters() if each.requires_grad]
        self._certain = is_certain(network)
        self._state = (setting, _modes(network))
        self._tensors = _tensors(network)
        known = _RECORDINGS.get(network)
        self._recording = known if known is not None and self._is_of_this(known) else None

    def __call__(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of a batch; afterwards the trained parameters have its gradients."""
        if self._recording is not None and inputs.shape == self._recording.shape:
            with torch.inference_mode():
                loss, *gradients = self._recording.replay(inputs, labels)
            for parameter, gradient in zip(self._trained, gradients, strict=True):
                parameter.grad = gradient
            return loss
        for parameter in self._trained:
            parameter.grad = None
        if self._recording is not None or not self._certain:
            loss = self._loss(inputs, labels)
            loss.backward()
            return loss.detach()
        return self._record(inputs, labels)

    def _record(self, inputs: Tensor, labels: Tensor) -> Tensor:
        with _Recorder() as recorder:
            loss = self._loss(inputs, labels)
            gradients = torch.autograd.grad(loss, self._trained, allow_unused=True)
        taken: set[int] = set()
        for parameter, gradient in zip(self._trained, gradients, strict=True):
            parameter.grad = gradient
            place = -1 if gradient is None else gradient.untyped_storage().data_ptr()
            if gradient is None or gradient.stride() != parameter.stride() or place in taken:
                # `backward` copies what lies otherwise in memory, or belongs to several.
                parameter.grad = (
                    None if gradient is None else torch.empty_like(parameter).copy_(gradient)
                )
                self._certain = False
            taken.add(place)
        if self._certain and recorder.complete:
            replay = _Writer().write(recorder.calls, (inputs, labels), (loss, *gradients))
            recording = _Recording(inputs.shape, replay, self._tensors, self._state)
            self._recording = _RECORDINGS[self._network] = recording
        self._certain = self._recording is not None
        return loss.detach()

    def _is_of_this(self, recording: _Recording) -> bool:
        same = len(recording.tensors) == len(self._tensors) and all(
            one is other for one, other in zip(recording.tensors, self._tensors, strict=True)
        )
        return self._certain and same and recording.state == self._state


class _Recording(NamedTuple):
    shape: torch.Size  # of the inputs of a batch
    replay: Replay
    tensors: list[Tensor]  # of the network, that the replay reads and changes
    state: tuple[object, object]  # what else it depends on


_RECORDINGS: WeakKeyDictionary[nn.Module, _Recording] = WeakKeyDictionary()


def is_certain(network: nn.Module) -> bool:
    """Whether each step of a network runs the operators of the one before, whatever the data.

    So it is if all its layers are PyTorch's or ours, which decide nothing in Python, and nobody has
    hooked anything to them. Only CPUs are provided for.
    """
    if any(getattr(torch_modules, f"_global{hooks}") for hooks in _HOOKS):
        return False
    return all(map(_is_plain, network.modules())) and all(map(_is_free, _tensors(network)))


def _is_plain(module: nn.Module) -> bool:
    kind, own = type(module), vars(module)
    known = kind is Residual or kind.__module__.startswith("torch.nn.modules.")
    return known and "forward" not in own and not any(own[hooks] for hooks in _HOOKS)


def _is_free(tensor: Tensor) -> bool:
    """Whether a tensor is a plain one of a CPU to which nothing is hooked."""
    hooked = tensor._backward_hooks or getattr(tensor, "_post_accumulate_grad_hooks", None)
    return tensor.device.type == "cpu" and type(tensor) in (nn.Parameter, Tensor) and not hooked


def _tensors(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]


def _modes(network: nn.Module) -> tuple[object, ...]:
    layers = (each.training for each in network.modules())
    return *layers, *((each.requires_grad, each.stride()) for each in _tensors(network))


class _Call(NamedTuple):
    operator: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any


class _Recorder(TorchDispatchMode):
    """Notes the operators that run, below autograd and autocast."""

    def __init__(self) -> None:
        super().__init__()
        # All tensors live until the end, so that an id stands for one of them.
        self.calls: list[_Call] = []
        self.complete = True
        self._room = LARGEST_RECORDED

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if self.complete:
            outputs = output if isinstance(output, tuple | list) else [output]
            self._room -= sum(each.nbytes for each in outputs if isinstance(each, Tensor))
            self.calls.append(_Call(func, args, kwargs or {}, output))
            if self._room < 0 or _depends_on_values(func, args):
                self.complete = False
                self.calls.clear()
        return output


_Recorder.__torch_dispatch__ = without_compiler(_Recorder.__torch_dispatch__)


def _depends_on_values(func: Any, args: tuple[Any, ...]) -> bool:
    """Whether Python learns values from an operator, or shapes that they decide: others each step.

    Indices decide a shape only if they are a mask.
    """
    if func is _ATEN.index.Tensor:
        return any(each is not None and each.dtype == torch.bool for each in args[1])
    return bool({Tag.data_dependent_output, Tag.dynamic_output_shape} & set(func.tags))


def _bring_channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)


def _lies_across(tensor: Tensor, output: Tensor) -> bool:
    """Whether an elementwise operator would walk through a tensor across how it lies in memory."""
    across = tensor.stride() != output.stride()
    return across and output.is_contiguous(memory_format=torch.channels_last)


class _Writer:
    """Writes calls as a Python function that lets go of each tensor after its last use."""

    def __init__(self) -> None:
        self._numbers = count()
        self._names: dict[int, str] = {}  # of tensors, by their ids
        self._constants: dict[str, Any] = {}
        self._last_use: dict[str, int] = {}  # the line that uses a name last

    def write(self, calls: Sequence[_Call], given: Iterable[Any], wanted: Iterable[Any]) -> Replay:
        """The function that computes what is wanted of what is given, both tensors of the calls."""
        head = f"def replay({', '.join(map(self._name, given))}):"
        lines = [self._line(number, call) for number, call in enumerate(calls)]
        end = f"return {', '.join(self._text(each, len(lines)) for each in wanted)}"
        for name, number in self._last_use.items():
            if number < len(lines):
                lines[number] += f"; del {name}"
        exec("\n ".join([head, *lines, end]), self._constants)
        return self._constants["replay"]

    def _line(self, number: int, call: _Call) -> str:
        func, args, kwargs, output = call
        if func is _ATEN.detach.default:  # without autograd it is what it is of
            self._names[id(output)] = self._text(args[0], number)
            return "pass"
        if func is _ATEN.empty.memory_format and output.numel() == 0:
            self._names[id(output)] = self._constant(output)  # autograd's, for each batch-norm
            return "pass"
        texts = [self._text(each, number) for each in args]
        texts += [f"{name}={self._text(each, number)}" for name, each in kwargs.items()]
        if func is _ATEN.threshold_backward.default and _lies_across(args[0], output):
            texts[0] = f"{self._constant(_bring_channels_last)}({texts[0]})"  # 2 to 4 times as fast
        several = isinstance(output, tuple | list)
        names = [self._name(each) for each in (output if several else [output])]
        self._last_use |= dict.fromkeys(names, number)
        target = f"[{', '.join(names)}]" if several else names[0]
        return f"{target} = {self._constant(func)}({', '.join(texts)})"

    def _name(self, value: Any) -> str:
        """A new name for what a line gives."""
        name = f"t{next(self._numbers)}"
        if isinstance(value, Tensor):
            self._names[id(value)] = name
        return name

    def _constant(self, value: Any) -> str:
        name = f"c{next(self._numbers)}"
        self._constants[name] = value
        return name

    def _text(self, value: Any, line: int) -> str:
        """An argument of a line as Python text."""
        if isinstance(value, Tensor) and (name := self._names.get(id(value))):
            if name.startswith("t"):
                self._last_use[name] = line
            return name
        if isinstance(value, tuple | list) and any(isinstance(each, Tensor) for each in value):
            return f"[{', '.join(self._text(each, line) for each in value)}]"
        return self._constant(value)
