"""Data of the user's own: archives, functions, made-up ones, joined ones, and parts of them."""

import os
import zipfile
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perjoule.errors import ConfigurationError, DataError, PerjouleError, UnknownNameError
from perjoule.models.data import check, load
from perjoule.models.data.splits import Raw, draw, limit

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 6, 5, 3), np.uint8)
LABELS = np.arange(60) % 3


@pytest.fixture
def npz(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "mine.npz", **arrays)
        return f"npz:{tmp_path / 'mine.npz'}"

    return write


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A data set whose function has the given body."""
    modules = (f"own_data_{os.urandom(4).hex()}" for _ in iter(int, 1))

    def write(body):
        module = next(modules)
        head = "import numpy as np, torch\nfrom torch.utils.data import TensorDataset, Dataset\n"
        arrays = "x = np.arange(720.0).reshape(60, 3, 4)\ny = np.arange(60) % 3\n"
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        (tmp_path / f"{module}.py").write_text(f"{head}{arrays}def data():\n{lines}")
        return f"{module}:data"

    monkeypatch.syspath_prepend(tmp_path)
    return write


def sizes(data):
    return [len(data.train), len(data.validation), len(data.test)]


@pytest.mark.parametrize(
    ("x", "shape"),
    [
        (IMAGES, (3, 6, 5)),
        (IMAGES[..., 0], (1, 6, 5)),
        (IMAGES[..., 0] > 99, (1, 6, 5)),
        (IMAGES / 255, (3, 6, 5)),
        (IMAGES.reshape(60, -1).astype(np.int32), (90,)),
        (IMAGES.reshape(60, -1).astype(np.float16), (90,)),
    ],
)
def test_archives_hold_images_or_features_of_any_numbers(npz, x, shape):
    data = load(npz(x=x, y=LABELS))
    assert (data.shape, data.n_classes, data.tasks) == (shape, 3, (3,))
    assert sizes(data) == [36, 12, 12]
    assert data.train.inputs.dtype == torch.float32
    # Normalised by channel or feature, and back to what was given.
    axes = tuple(each for each in range(data.train.inputs.ndim) if each != 1)
    assert data.train.inputs.mean(axes).abs().max() < 1e-5
    assert (data.train.inputs.std(axes) - 1).abs().max() < 1e-5
    whole = torch.cat([each.inputs for each in (data.train, data.validation, data.test)])
    mean, deviation = map(torch.tensor, (data.normalisation.mean, data.normalisation.deviation))
    back = whole.movedim(1, -1) * deviation + mean
    given = np.sort(np.asarray(x, np.float32).ravel())
    assert np.allclose(np.sort(back.numpy().ravel()), given, atol=1e-3)


def test_a_constant_feature_stays_small(npz):
    x = np.column_stack([np.arange(60.0), np.full(60, 1e6), np.zeros(60)])
    data = load(npz(x=x, y=LABELS))
    assert data.train.inputs[:, 1:].abs().max() <= 1


def test_an_archive_with_a_test_split_keeps_it(npz):
    data = load(npz(x=IMAGES, y=LABELS, x_test=IMAGES[:7], y_test=LABELS[:7]))
    assert sizes(data) == [54, 6, 7]
    assert data.test.labels.tolist() == LABELS[:7].tolist()
    assert load(npz(x_train=IMAGES, y_train=LABELS)).shape == (3, 6, 5)  # as Keras names them


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (LABELS + 1, ("1", "2", "3")),
        (LABELS * 10 - 5, ("-5", "5", "15")),
        (LABELS.astype(float), ("0", "1", "2")),
        (LABELS[:, None], ("0", "1", "2")),
        (np.array(["cat", "ant", "bee"])[LABELS], ("ant", "bee", "cat")),
        (np.array([b"cat", b"ant", b"bee"])[LABELS], ("ant", "bee", "cat")),
        (LABELS > 0, ("0", "1")),
    ],
)
def test_labels_are_counted_from_zero_in_sorted_order(npz, labels, names):
    data = load(npz(x=IMAGES, y=labels))
    assert data.class_names == names
    assert data.n_classes == len(names)
    whole = torch.cat([each.labels for each in (data.train, data.validation, data.test)])
    counts = Counter(np.ravel(labels).astype(str) if names[0] in "ant" else np.ravel(labels))
    assert sorted(counts.values()) == sorted(whole.bincount().tolist())


def nan_at(i):
    x = IMAGES / 255
    x[i, 0, 0, 0] = np.nan
    return x


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"x": IMAGES, "y": LABELS[:-1]}, "60 samples but y has 59 labels"),
        ({"x": IMAGES}, "no array 'y', it has 'x'"),
        ({"z": IMAGES}, "no array 'x', it has 'z'"),
        ({"x": IMAGES, "y": LABELS, "x_test": IMAGES}, "no array 'y_test'"),
        ({"x": IMAGES, "y": LABELS * 0}, "two classes or more"),
        ({"x": IMAGES[:7], "y": LABELS[:7]}, "class '0' has too few samples: 3, and 4 are needed"),
        ({"x": IMAGES, "y": np.arange(60)}, "too few samples: 1"),
        ({"x": IMAGES, "y": np.where(np.arange(60) == 9, "rare", "many")}, "class 'rare' has too"),
        ({"x": IMAGES[:0], "y": LABELS[:0]}, r"shape \(0, 6, 5, 3\)"),
        ({"x": nan_at(17), "y": LABELS}, "1 of 60 samples, the first is sample 17"),
        ({"x": IMAGES * 1e300, "y": LABELS}, "infinity"),
        ({"x": IMAGES * 1j, "y": LABELS}, "complex128: give real"),
        ({"x": IMAGES.astype(str), "y": LABELS}, "give real numbers"),
        ({"x": IMAGES.astype(object), "y": LABELS}, "x holds Python objects"),
        ({"x": IMAGES, "y": LABELS + 0.5}, "no whole numbers"),
        ({"x": IMAGES, "y": np.where(LABELS, np.nan, 1)}, "no whole numbers"),
        ({"x": IMAGES, "y": np.eye(3)[LABELS]}, "argmax"),
        ({"x": IMAGES, "y": LABELS.astype("datetime64[s]")}, "labels of type datetime64"),
        ({"x": IMAGES[0, 0, 0], "y": LABELS[:3]}, r"shape \(3,\): give images"),
        ({"x": np.float32(3), "y": LABELS}, "x holds one value"),
        ({"x": IMAGES[None], "y": LABELS}, "give images"),
        ({"x": IMAGES.transpose(0, 3, 1, 2), "y": LABELS}, "channels last"),
        ({"x": IMAGES, "y": LABELS, "x_test": IMAGES / 9, "y_test": LABELS}, "give both alike"),
        (
            {"x": IMAGES, "y": LABELS, "x_test": IMAGES, "y_test": LABELS.astype(str)},
            "numbers in one",
        ),
        ({"x": IMAGES, "y": LABELS, "x_test": IMAGES, "y_test": LABELS + 2}, "'3' is only among"),
    ],
)
def test_archives_that_cannot_be_learnt_are_refused_in_one_line(npz, arrays, complaint):
    name = npz(**arrays)
    with pytest.raises(DataError, match=complaint) as caught:
        load(name)
    assert str(caught.value).startswith("npz:") or name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_larger_than_memory_is_refused_by_its_headers(tmp_path):
    path = tmp_path / "huge.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for key, shape in (("x", (10**9, 64, 64, 3)), ("y", (10**9,))):
            with archive.open(f"{key}.npy", "w") as stream:
                np.lib.format.write_array_header_1_0(
                    stream, {"descr": "|u1", "fortran_order": False, "shape": shape}
                )
    with pytest.raises(DataError, match=r"61440\.0 GB, the limit is .* data that fits"):
        load(f"npz:{path}")


@given(st.binary(max_size=60), st.integers(0, 400))
def test_damaged_archives_are_refused_in_one_line(tmp_path_factory, noise, at):
    path = tmp_path_factory.mktemp("damaged") / "mine.npz"
    np.savez_compressed(path, x=IMAGES[:8, :2, :2], y=LABELS[:8] % 2)
    content = bytearray(path.read_bytes())
    content[at : at + len(noise)] = noise
    path.write_bytes(content)
    try:
        load(f"npz:{path}")
    except PerjouleError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ("return x, y", (1, 3, 4)),
        ("return x.tolist(), list('abc' * 20)", (1, 3, 4)),
        ("return {'x': x, 'y': y, 'x_test': x, 'y_test': y}", (1, 3, 4)),
        ("return x.reshape(60, -1), y, x.reshape(60, -1), y", (12,)),
        ("return torch.zeros(60, 2, 3, 4, requires_grad=True), torch.tensor(y)", (2, 3, 4)),
        ("return torch.zeros(60, 3, 4, dtype=torch.bfloat16), y", (1, 3, 4)),
        ("return TensorDataset(torch.zeros(60, 2, 3, 4), torch.tensor(y))", (2, 3, 4)),
        ("a = TensorDataset(torch.tensor(x), torch.tensor(y))\nreturn a, a", (1, 3, 4)),
        ("return [(each, int(label)) for each, label in zip(x, y)] and (x, y)", (1, 3, 4)),
    ],
)
def test_a_function_returns_arrays_tensors_or_a_dataset(own, body, shape):
    name = own(body)
    data = load(name)
    assert check(name).name == data.name == name
    assert (data.shape, data.n_classes) == (shape, 3)
    assert sum(sizes(data)) in (60, 120)


def test_tensors_have_their_channels_first_and_arrays_last(own):
    given = "x = np.arange(60 * 24).reshape(60, 2, 3, 4).astype(np.uint8)\n"
    first = load(own(given + "return torch.tensor(x), y"))
    last = load(own(given + "return x.transpose(0, 2, 3, 1), y"))
    each = load(own(given + "return TensorDataset(torch.tensor(x), torch.tensor(y))"))
    assert first.fingerprint == last.fingerprint == each.fingerprint


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("1 / 0", "ZeroDivisionError in it: division by zero"),
        ("raise SystemExit(3)", "SystemExit in it"),
        ("return None", "returns NoneType: return"),
        ("return x, y, x", "returns 3 things"),
        ("return {'x': x}", "no 'y'"),
        ("return [[1], [1, 2]], y", "ValueError in it"),
        ("return TensorDataset(torch.zeros(0, 3), torch.zeros(0))", "empty"),
        ("return Dataset()", "no length"),
        ("return torch.tensor(x), torch.tensor(y)[:9]", "60 samples but y has 9"),
        ("return torch.full((60, 4), torch.nan), y", "60 of 60 samples"),
    ],
)
def test_functions_that_give_no_data_are_explained(own, body, complaint):
    name = own(body)
    with pytest.raises(DataError, match=complaint) as caught:
        load(name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "error", "complaint"),
    [
        ("npz:/no/such.npz", ConfigurationError, "no such file"),
        ("npz:" + "long" * 99, ConfigurationError, "no such file"),
        ("npz:", UnknownNameError, "did you mean 'npz:PATH'"),
        ("image-folder:/no/such", ConfigurationError, "no such folder"),
        ("image-folder:/usr?size=0", ConfigurationError, "size=N"),
        ("image-foldr:/usr", UnknownNameError, "did you mean 'image-folder"),
        ("synthetic:8x8:3", ConfigurationError, "synthetic:8x8x1:10:2000"),
        ("synthetic:8x8x0:3:90", ConfigurationError, "sides must be 1"),
        ("synthetic:8:3:9", ConfigurationError, "samples 4 or more"),
        ("no_such_module:f", ConfigurationError, "PYTHONPATH"),
        ("json:no_such", ConfigurationError, "json is a part of Python"),
        ("digits+digits", ConfigurationError, "with itself"),
        ("digits+", UnknownNameError, "data set ''"),
        ("digits+digit", UnknownNameError, "did you mean 'digits'"),
    ],
)
def test_a_wrong_name_is_refused_at_once(name, error, complaint):
    for door in (check, load):
        with pytest.raises(error, match=complaint):
            door(name)


NAMES = [
    "npz:",
    "image-folder:",
    "synthetic:",
    "8x8x1",
    ":4",
    "digits",
    "json:dumps",
    "+",
    "?size=3",
]


@given(st.lists(st.sampled_from(NAMES) | st.text(max_size=3), max_size=5).map("".join))
def test_no_text_is_answered_with_more_than_one_line(name):
    try:
        check(name)
    except PerjouleError as error:
        assert "\n" not in str(error)


def test_made_up_data_can_be_learnt_and_are_always_the_same():
    for name, shape in (("8x8x1:10:1000", (1, 8, 8)), ("7x9x3:4:400", (3, 7, 9)), ("20:3:400", 20)):
        data = load(f"synthetic:{name}")
        assert data.shape == (shape if isinstance(shape, tuple) else (shape,))
        train, validation = (each.inputs.flatten(1) for each in (data.train, data.validation))
        nearest = data.train.labels[torch.cdist(validation, train).argmin(1)]
        score = (nearest == data.validation.labels).float().mean()
        assert 0.5 < score < 1
    assert check("synthetic:8x8x1:10:1000").n_samples == 1000
    names = ("synthetic:8x8x1:10:1000", "synthetic:8x8x1:10:1000", "synthetic:8x8x1:10:1001")
    one, same, other = (load(name).fingerprint for name in names)
    assert one == same != other
    with pytest.raises(DataError, match="GB, the limit"):
        load("synthetic:9999x9999x9:10:999999999")


def test_joined_data_sets_keep_their_splits_and_shift_their_labels(npz, tmp_path):
    mine = npz(x=IMAGES[:, :, :, 0], y=LABELS + 7, x_test=IMAGES[:9, ..., 0], y_test=LABELS[:9] + 7)
    (tmp_path / "a+b.npz").write_bytes((tmp_path / "mine.npz").read_bytes())
    other = "synthetic:6x5x1:4:80"
    one, two, both = load(mine), load(other), load(f"{mine}+{other}")
    assert (both.tasks, both.n_classes, one.tasks) == ((3, 4), 7, (3,))
    assert sizes(both) == [a + b for a, b in zip(sizes(one), sizes(two), strict=True)]
    expected = torch.cat([one.test.labels, two.test.labels + 3])
    assert torch.equal(both.test.labels, expected)
    assert both.class_names[:1] + both.class_names[-1:] == (f"{mine} 7", f"{other} 3")
    assert both.train.inputs.mean().abs() < 1e-5
    assert check(f"{mine}+{other}").n_samples == 60 + 9 + 80
    assert load(f"npz:{tmp_path / 'a+b.npz'}").fingerprint == one.fingerprint
    with pytest.raises(DataError, match="only data sets of one shape"):
        load(f"{mine}+digits")


def test_a_limit_takes_a_part_of_the_training_samples_alone(digits):
    part = load("digits", train_limit=200)
    assert sizes(part) == [200, *sizes(digits)[1:]]
    assert part.fingerprint != digits.fingerprint
    assert torch.equal(part.test.labels, digits.test.labels)
    shares = digits.train.labels.bincount() * 200 / len(digits.train)
    assert (part.train.labels.bincount() - shares).abs().max() <= 1
    assert load("digits", train_limit=5000).fingerprint == digits.fingerprint
    with pytest.raises(DataError, match="train_limit = 9 is below the 10 classes"):
        load("digits", train_limit=9)


@given(st.lists(st.integers(4, 60), min_size=2, max_size=6), st.integers(0, 9), st.integers(6, 60))
def test_shares_are_fair_whatever_the_sizes_of_classes(class_sizes, seed, wanted):
    labels = np.repeat(np.arange(len(class_sizes)), class_sizes)
    raw = Raw(np.zeros((len(labels), 1), np.uint8), labels, 0, "")
    parts = draw(raw, "mine", seed)
    assert sorted(np.concatenate(parts)) == list(range(len(labels)))
    for part in parts:
        assert set(labels[part]) == set(labels)
    train = np.bincount(labels[parts[0]])
    some = limit(labels, parts[0], wanted, "mine", seed)
    assert len(some) == min(wanted, train.sum())
    assert set(some) <= set(parts[0])
    taken = np.bincount(labels[some], minlength=len(train))
    assert (taken >= 1).all()
    # No class has its last one while the next one of another was due before.
    assert ((taken - 1) / train).max() <= (taken / train).min()
    assert set(limit(labels, parts[0], wanted, "mine", seed)) <= set(
        limit(labels, parts[0], wanted + 5, "mine", seed)
    )
