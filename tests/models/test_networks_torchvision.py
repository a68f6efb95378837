import hashlib
import inspect
import os
import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from perjoule.errors import ConfigurationError, DataError, UnknownNameError
from perjoule.models._torchvision import models
from perjoule.models.networks import pretrained
from perjoule.models.networks.heads import head_of
from perjoule.models.networks.registry import resolve_architecture
from perjoule.models.operations import forward_operations, network_cost

FAMILIES = [
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_x_400mf",
    "regnet_y_400mf",
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "shufflenet_v2_x0_5",
    "squeezenet1_0",
    "squeezenet1_1",
    "swin_t",
    "swin_v2_t",
    "vgg11",
    "vgg11_bn",
    "vit_b_32",
    "vit_h_14",
    "wide_resnet50_2",
]
GREY = (1, 8, 8)


def build(name, shape=GREY, n_classes=3, **hyperparameters):
    torch.manual_seed(0)
    return resolve_architecture(f"torchvision:{name}")(shape, n_classes, **hyperparameters)


def on_meta(name, shape, n_classes=3, **hyperparameters):
    with torch.device("meta"):
        return build(name, shape, n_classes, **hyperparameters)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "squeezenet1_1"])
def test_models_take_a_step_on_tiny_grey_images(name):
    network = build(name)
    output = network(torch.randn(4, *GREY))
    assert output.shape == (4, 3)
    output.square().sum().backward()
    assert all(each.grad is not None for each in network.parameters())


@pytest.mark.parametrize("name", ["vgg11", "vit_b_32", "googlenet", "regnet_y_400mf", "swin_t"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (2, 28, 20)])
def test_models_are_built_and_weighed_without_memory(name, shape):
    network = on_meta(name, shape)
    assert network(torch.zeros(2, *shape, device="meta")).shape == (2, 3)
    operations, n_parameters = network_cost({}, f"torchvision:{name}", shape, 3)
    assert operations > n_parameters > 0


@pytest.mark.thorough
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_fits_any_image_and_weighs_what_its_authors_say(name):
    shape = (4, 30, 41)
    network = on_meta(name, shape)
    assert network(torch.zeros(2, *shape, device="meta")).shape == (2, 3)
    assert head_of(network).get_parameter("weight").shape[0] == 3
    weights = models.get_model_weights(name).DEFAULT
    side = weights.transforms().crop_size[0]
    network = on_meta(name, (3, side, side), 1000, pretrained=name == "vit_h_14")
    published = weights.meta["_ops"] * 2e9  # multiply-adds are two operations
    assert forward_operations(network, (3, side, side)) == pytest.approx(
        published, rel=0.01, abs=1e6
    )


@pytest.mark.thorough
def test_the_families_are_all_that_torchvision_has():
    letters = re.compile("[a-z]+")
    families = {letters.match(each).group() for each in models.list_models(module=models)}
    assert families == {letters.match(each).group() for each in FAMILIES}


def test_operations_are_those_published():
    operations, n_parameters = network_cost({}, "torchvision:resnet18", (3, 224, 224), 1000)
    assert operations == pytest.approx(2 * 1.82e9, rel=0.01)
    assert n_parameters == 11_689_512


@pytest.mark.parametrize(
    ("name", "side", "stride", "pool"),
    [
        ("resnet18", 32, 1, nn.Identity),
        ("resnet18", 64, 2, nn.MaxPool2d),
        ("densenet121", 28, 1, nn.Identity),
        ("vgg11", 32, 1, nn.MaxPool2d),
    ],
)
def test_stems_are_shrunk_for_small_images_alone(name, side, stride, pool):
    network = on_meta(name, (3, side, side))
    assert (
        next(each for each in network.modules() if isinstance(each, nn.Conv2d)).stride[0] == stride
    )
    pools = {"resnet18": "maxpool", "densenet121": "features.pool0", "vgg11": "features.2"}
    assert type(network.get_submodule(pools[name])) is pool


@pytest.mark.parametrize(
    ("name", "shape", "size"),
    [
        ("alexnet", (1, 8, 10), (13, 17)),
        ("vgg11", (3, 28, 28), (32, 32)),
        ("vit_b_16", (1, 8, 40), (48, 48)),
        ("vit_b_16", (1, 8, 8), (32, 32)),
        ("maxvit_t", (3, 32, 32), (224, 224)),
    ],
)
def test_images_too_small_are_enlarged_inside_the_network(name, shape, size):
    enlarge = next(on_meta(name, shape).children())
    assert isinstance(enlarge, nn.Upsample)
    assert enlarge.size == size


PAIRS = {
    "pretrained": (False, True),
    "stem": ("small", "full"),
    "image_size": (0, 16),
    "dropout": (0.0, 0.5),
}


@pytest.mark.parametrize("name", PAIRS)
def test_no_hyperparameter_is_dead(name, published):
    published("squeezenet1_1")
    images = torch.randn(4, 1, 24, 24)
    outputs = []
    for value in PAIRS[name]:
        network = build("squeezenet1_1", (1, 24, 24), **{name: value})
        torch.manual_seed(1)
        outputs.append(network(images))
    assert not torch.allclose(*outputs)


def test_every_hyperparameter_is_tried():
    parameters = inspect.signature(resolve_architecture("torchvision:resnet18")).parameters
    assert list(parameters)[2:] == list(PAIRS)


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("resnet19", {}, UnknownNameError, "torchvision model 'resnet19': did you mean 'resnet1"),
        ("resnet18", {"shape": (64,)}, ConfigurationError, "64 features: take .* mlp"),
        ("resnet18", {"stem": "smal"}, UnknownNameError, "did you mean 'small'"),
        ("vgg11", {"stem": "small"}, ConfigurationError, "vgg11: its stem cannot be shrunk"),
        ("resnet18", {"image_size": -1}, ConfigurationError, "image_size = -1"),
        ("resnet18", {"dropout": 1}, ConfigurationError, "dropout = 1"),
        ("resnet18", {"shape": (2, 8, 8), "pretrained": True}, ConfigurationError, "1 or 3 chan"),
    ],
)
def test_what_cannot_be_built_is_refused(name, options, error, message):
    with pytest.raises(error, match=message):
        on_meta(name, **{"shape": GREY, **options})


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A publisher of weights on this machine; PyTorch's folder of weights is empty."""
    site = tmp_path / "site"
    site.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))

    def publish(name, rename=lambda key: key):
        """The network whose weights are published, and the file's name."""
        torch.manual_seed(7)
        aux = {"init_weights": False} if name == "googlenet" else {}
        network = models.get_model(name, **aux)
        state = network.state_dict()
        for key in list(state):
            state[rename(key)] = state.pop(key)
        torch.save(state, site / "weights")
        digest = hashlib.sha256((site / "weights").read_bytes()).hexdigest()
        path = (site / "weights").rename(site / f"{name}-{digest[:8]}.pth")
        description = SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/{path.name}")
        monkeypatch.setattr(pretrained, "published_weights", lambda _: description)
        return network, tmp_path / "home" / "hub" / "checkpoints" / path.name

    yield publish
    server.shutdown()
    server.server_close()


def old_densenet(key):
    """As published, before module names could hold no dots."""
    for kind in ("norm", "conv"):
        key = key.replace(f".{kind}1.", f".{kind}.1.").replace(f".{kind}2.", f".{kind}.2.")
    return key


@pytest.mark.parametrize(
    ("name", "rename"),
    [
        ("squeezenet1_1", str),
        pytest.param("densenet121", old_densenet, marks=pytest.mark.thorough),
        pytest.param("mnasnet0_5", str, marks=pytest.mark.thorough),
        pytest.param("googlenet", str, marks=pytest.mark.thorough),
    ],
)
def test_published_weights_are_loaded_but_for_the_head(name, rename, published):
    theirs, _ = published(name, rename)
    ours = build(name, (3, 64, 64), pretrained=True)
    expected, head = theirs.state_dict(), head_of(ours)
    fresh = []
    for key, value in ours.state_dict().items():
        if value.shape == expected[key].shape:
            assert torch.equal(value, expected[key]), key
        else:
            fresh.append(value)
    assert [each.shape for each in fresh] == [each.shape for each in head.parameters()]
    grey = build(name, (1, 64, 64), pretrained=True)
    colour = next(each for each in theirs.modules() if isinstance(each, nn.Conv2d))
    first = next(each for each in grey.modules() if isinstance(each, nn.Conv2d))
    torch.testing.assert_close(first.weight, colour.weight.sum(1, keepdim=True))


def test_weights_on_disk_are_taken_first_and_checked(published, monkeypatch):
    _, path = published("squeezenet1_1")
    build("squeezenet1_1", pretrained=True)
    gone = SimpleNamespace(url=f"http://127.0.0.1:9/{path.name}")  # the discard port
    monkeypatch.setattr(pretrained, "published_weights", lambda _: gone)
    build("squeezenet1_1", pretrained=True)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=rf"{path.name}: damaged.*delete it"):
        build("squeezenet1_1", pretrained=True)
    path.unlink()
    with pytest.raises(DataError, match=rf"put http://127.0.0.1:9/{path.name} at {path}"):
        build("squeezenet1_1", pretrained=True)


def test_weights_of_another_model_are_refused(published):
    published("squeezenet1_1")
    with pytest.raises(DataError, match="not those of shufflenet_v2_x0_5"):
        build("shufflenet_v2_x0_5", pretrained=True)


@pytest.mark.thorough
def test_the_users_own_module_may_import_torchvision(tmp_path):
    (tmp_path / "mine.py").write_text("import torchvision\nbuild = torchvision.models.resnet18\n")
    program = (
        "import sys\n"
        "from perjoule.models._torchvision_operators import prepare\n"
        "prepare()\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)\n"
        "from perjoule.models.networks.registry import resolve_architecture\n"
        "print(resolve_architecture('mine:build')(num_classes=2).fc.out_features)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("2\n", 0), done.stderr
