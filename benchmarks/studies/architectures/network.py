"""The paper's networks: a head that is trained on convolutions that are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn

from ....errors import UnknownNameError
from ....models.networks.torchvision_models import torchvision_model

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = 4096  # of both hidden layers of the head
DROPOUT = 0.5  # before its last layer
CLIPPED = 3.0  # deviations of a standardised feature
WEIGHTS = ("imagenet", "random")
_CLASSIFIER = ("avgpool", "dropout", "classifier", "fc")


def frozen(
    shape: Sequence[int],
    n_classes: int,
    *,
    name: str,  # of the torchvision model
    side: int,  # pixels of the smaller side, to which images are resized
    weights: str,  # one of `WEIGHTS`
) -> nn.Module:
    """A torchvision model without its classifier, under a new ``head``, as Xu et al. build it.

    Their head is Keras's ``Flatten``, ``Dense(4096)`` twice with ReLU, ``Dropout(0.5)`` and
    ``Dense(n_classes)`` upon a model of ``include_top=False``, so it sees all positions of the last
    maps. Train it with ``freeze``.

    Random convolutions are He's draw for ReLU. Their features have any scale and hardly differ from
    image to image, so the head first standardises each and clips it, with nothing that is trained.

    Raises:
        UnknownNameError: There are no such weights.
        ConfigurationError, DataError: As of `torchvision_model`.
    """
    if weights not in WEIGHTS:
        raise UnknownNameError("weights", weights, WEIGHTS)
    published = weights == "imagenet"
    # A classifier that nobody needs is not drawn: VGG's has 120 million weights.
    with torch.device("cpu" if published else "meta"):
        whole = torchvision_model(
            name, shape, n_classes, pretrained=published, stem="full", image_size=side
        )
        convolutions = Convolutions(convolutional_parts(whole))
        n_features = convolutions(torch.zeros(1, *shape)).numel()
    if not published:
        convolutions.to_empty(device="cpu").draw()
    return Headed(convolutions, _head(n_features, n_classes, standardised=not published))


class Headed(nn.Module):
    """Convolutions and the head upon them."""

    def __init__(self, convolutions: Convolutions, head: nn.Module) -> None:
        super().__init__()
        self.convolutions = convolutions
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """The logits of images, (samples, classes)."""
        return self.head(self.convolutions(images))


class Convolutions(nn.Sequential):
    """The parts of a model before its classifier, which always compute as in evaluation."""

    def __init__(self, parts: Iterator[nn.Module]) -> None:
        super().__init__(*parts)
        self.requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> Self:
        """Stay as they are: what is frozen drops nothing and keeps its running statistics."""
        return super().train(False)

    def draw(self) -> None:
        """Draw the weights."""
        for each in self.modules():
            if isinstance(each, nn.Conv2d):
                nn.init.kaiming_normal_(each.weight, nonlinearity="relu")
                if each.bias is not None:
                    nn.init.zeros_(each.bias)
            elif isinstance(each, nn.BatchNorm2d):
                each.reset_parameters()


def convolutional_parts(whole: nn.Module) -> Iterator[nn.Module]:
    """The layers of a model in the order in which they compute, its classifier left out."""
    if isinstance(whole, nn.Sequential):  # with the layer that resizes
        yield whole[0]
        whole = whole[1]
    for name, part in whole.named_children():
        if name not in _CLASSIFIER:
            yield part
    if type(whole).__name__ == "DenseNet":
        yield nn.ReLU()  # it is no layer of its own there


def _head(n_features: int, n_classes: int, *, standardised: bool) -> nn.Module:
    # Its running mean is that of all batches, as a head may see few. What hardly ever fires would
    # be any number of deviations off.
    first = (
        nn.BatchNorm1d(n_features, eps=1e-12, momentum=None, affine=False),
        nn.Hardtanh(-CLIPPED, CLIPPED),
    )
    return nn.Sequential(
        nn.Flatten(),
        *(first if standardised else ()),
        nn.Linear(n_features, UNITS),
        nn.ReLU(),
        nn.Linear(UNITS, UNITS),
        nn.ReLU(),
        nn.Dropout(DROPOUT),
        nn.Linear(UNITS, n_classes),
    )
