"""The network that a search found best, as the command line and Python users load it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..models.exporting import Exported
    from ..models.predictor import Predictor


def load_best(
    folder: str | Path,
    *,
    trust: bool = False,
    device: str | None = "cpu",
    precision: str | None = None,
) -> Predictor:
    """Load the network that ``tune`` found best, as a predictor of class probabilities.

        predictor = perjoule.load_best("runs/mine")
        predictor(images)           # (N, classes), of images as the data set gives them
        predictor.predict(images)   # the names of the likeliest classes
        predictor.network           # the bare torch module, for normalised inputs

    Images have their channels last, ``(N, height, width, channels)``, and the data set's units;
    normalisation is applied inside. Test images give the test score that the search reported.

    Args:
        folder: The folder of a search, or a copy of its ``best.json`` and ``best.pt``.
        trust: Whether to run what ``best.json`` names as ``module:function``, the code of a network
            of somebody's own. Know who wrote the folder. A search of yours on this machine needs
            none.
        device: Where to predict: ``"cpu"``, ``"cuda"``; None for the fastest.
        precision: ``"float32"``, or None for the one it was trained in.

    Raises:
        OutputError: The folder holds no best network, or a damaged one.
        ConfigurationError: The network is code that is not trusted, or cannot be used here.
    """
    from ..benchmarks.comparison.best import load_predictor

    return load_predictor(Path(folder), trust=trust, device=device, precision=precision)


def export(
    folder: str | Path,
    form: str | None = None,
    *,
    out: str | Path | None = None,
    trust: bool = False,
    force: bool = False,
) -> Exported:
    """Write the network that ``tune`` found best for others, with normalisation and softmax inside.

        perjoule.export("runs/mine", "onnx").path  # runs/mine/best.onnx

    What is written takes any number of float32 images as the data set gives them, ``(N, height,
    width, channels)``, and gives probabilities ``(N, classes)``, computed in float32. It is read
    again and must give those of the predictor in float32 to 1e-4.

    Args:
        folder: The folder of a search.
        form: ``"torchscript"``, ``"onnx"`` (``pip install 'perjoule[onnx]'``) or
            ``"torch-export"``; by the ending of ``out`` if not given, else TorchScript.
        out: The file; ``best`` with the format's ending in the folder if not given.
        trust: As for ``load_best``.
        force: Whether ``out`` may be written over; what lies in the folder always is.

    Raises:
        UnknownNameError: There is no such format.
        ConfigurationError: The format cannot hold the network, or a package is missing.
        OutputError: The folder holds no best network, or the file cannot be written or is there.
    """
    from ..files.writing import check_new
    from ..models import exporting

    path = None if out is None else Path(out)
    wanted = exporting.resolve_format(form, path)
    if path is not None:
        check_new(path, force=force)
    predictor = load_best(folder, trust=trust)
    path = path or Path(folder) / f"best{exporting.FORMATS[wanted].suffix}"
    return exporting.export(predictor, wanted, path)
