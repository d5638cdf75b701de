"""One and the same encoder block on pictures and on a time series, beside networks made for these; lesson 00.

Pictures: the 1,797 handwritten digits of 8 × 8 pixels that come with scikit-learn, cut into patches, beside a small
convolutional network. Series: :mod:`course_lib.corpora.mackey_glass`, beside an LSTM. What differs for the block is only
how a token becomes a vector and what is read out; the weights of both rivals are as many as nearly as their sizes allow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib import attention, encoder, feed_forward, multi_head, normalisation, recurrent, training
from course_lib.corpora import mackey_glass
from course_lib.encoder import EncoderBlock
from course_lib.recurrent import LSTM, to_torch
from course_lib.results import experiment

D, HEADS = 32, 4
SIDE = 2
"""A patch has 2 × 2 pixels."""
TRAIN_DIGITS = 1297
WINDOW, AHEAD = 32, 12
"""Values that are read, and how many units of time the wanted one lies behind the last of them."""
TRAIN_TIME, ALL_TIME = 4000, 6000
"""Units of time: windows lie in the first 4,000 for training, in the other 2,000 for the test."""
CHANNELS, LSTM_STATE = (16, 73), 58

Task = Literal["digits", "series"]
Model = Literal["block", "rival"]


class Data(NamedTuple):
    """Inputs (N, …) and targets (N, …) for training and test."""

    inputs: Tensor
    targets: Tensor
    test_inputs: Tensor
    test_targets: Tensor


def digits() -> Data:
    """Pictures (N, 8, 8), mean 0 and standard deviation 1 over the training set, and the digits (N,); 1,297 and 500."""
    from sklearn.datasets import load_digits

    bundle = load_digits()
    order = torch.rand(len(bundle.target), generator=torch.Generator().manual_seed(0), dtype=torch.float64).argsort()
    pictures, names = torch.tensor(bundle.images)[order], torch.tensor(bundle.target)[order]
    seen = pictures[:TRAIN_DIGITS]
    pictures = (pictures - seen.mean()) / seen.std()
    return Data(pictures[:TRAIN_DIGITS], names[:TRAIN_DIGITS], pictures[TRAIN_DIGITS:], names[TRAIN_DIGITS:])


def windows() -> Data:
    """Windows (N, 32, 1) of the series, mean 0 and standard deviation 1 over the training time, and the value 12 later (N, 1)."""
    values = mackey_glass.series(ALL_TIME)
    seen = values[:TRAIN_TIME]
    values = (values - seen.mean()) / seen.std()
    parts = []
    for part in (values[:TRAIN_TIME], values[TRAIN_TIME:]):
        every = part.unfold(0, WINDOW + AHEAD, 1)
        parts += [every[:, :WINDOW, None], every[:, -1:]]
    return Data(*parts)


def patches(pictures: Tensor, side: int = SIDE) -> Tensor:
    """Pictures (N, height, width) → tokens (N, T, side²): squares of pixels, row by row, as in Dosovitskiy et al. 2021,
    "An Image is Worth 16x16 Words", section 3.1.

    Raises:
        ValueError: if the side does not divide height and width.
    """
    count, height, width = pictures.shape
    if height % side or width % side:
        raise ValueError(f"pictures of {height} × {width} cannot be cut into squares of side {side}")
    cut = pictures.reshape(count, height // side, side, width // side, side).transpose(2, 3)
    return cut.reshape(count, -1, side * side)


class BlockReader(nn.Module):
    """Tokens → vectors, plus learned positions → one :class:`~course_lib.encoder.EncoderBlock` → mean → read-out.

    Args:
        tokens: T.
        token_size: numbers in a token.
        outputs: numbers read out.
        seed: of the initial weights.
    """

    def __init__(self, tokens: int, token_size: int, outputs: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def normal(rows: int, columns: int, std: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, columns, generator=generator, dtype=torch.float64) * std)

        self.embed, self.positions = normal(token_size, D, token_size**-0.5), normal(tokens, D, 0.3)
        self.block = EncoderBlock(D, HEADS, generator=generator)
        self.read = normal(D, outputs, D**-0.5)
        self.bias = nn.Parameter(torch.zeros(outputs, dtype=torch.float64))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, token_size) → (B, outputs)."""
        x, _ = self.block(tokens @ self.embed + self.positions)
        return x.mean(dim=1) @ self.read + self.bias


class Convolutional(nn.Module):
    """Two convolutions of 3 × 3 pixels with ReLU, each followed by the maximum over 2 × 2, and a linear read-out.

    The kind of network of LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", section II.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        first, second = CHANNELS
        self.first = nn.Conv2d(1, first, 3, padding=1, dtype=torch.float64)
        self.second = nn.Conv2d(first, second, 3, padding=1, dtype=torch.float64)
        self.read = nn.Linear(second * 4, 10, dtype=torch.float64)
        with torch.no_grad():
            for layer in (self.first, self.second, self.read):
                drawn = torch.randn(layer.weight.shape, generator=generator, dtype=torch.float64)
                layer.weight.copy_(drawn * (2 / layer.weight[0].numel()) ** 0.5)
                layer.bias.zero_()

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 8, 8) → scores of the ten digits (B, 10)."""
        x = F.max_pool2d(self.first(pictures[:, None]).relu(), 2)
        x = F.max_pool2d(self.second(x).relu(), 2)
        return self.read(x.flatten(1))


class RecurrentReader(nn.Module):
    """An LSTM, whose last state is read out."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.network = to_torch(LSTM(1, LSTM_STATE, generator=generator))
        self.network.bias_hh_l0.requires_grad_(False)
        drawn = torch.randn(LSTM_STATE, 1, generator=generator, dtype=torch.float64)
        self.read = nn.Parameter(drawn * LSTM_STATE**-0.5)
        self.bias = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, values: Tensor) -> Tensor:
        """(B, T, 1) → (B, 1)."""
        return self.network(values)[0][:, -1] @ self.read + self.bias


def model(task: Task, which: Model, seed: int) -> nn.Module:
    """The untrained model for a task: the block, or the network made for such data."""
    if which == "block":
        return BlockReader(16, SIDE**2, 10, seed) if task == "digits" else BlockReader(WINDOW, 1, 1, seed)
    return Convolutional(seed) if task == "digits" else RecurrentReader(seed)


def train(network: nn.Module, inputs: Tensor, targets: Tensor, loss: Callable, steps: int) -> list[float]:
    """Minimise the loss over batches of 64 drawn at random; Adam, the rate from 0.003 to 0, gradients clipped at norm 1."""

    def of(step: int) -> Tensor:
        chosen = torch.randint(len(inputs), (64,), generator=torch.Generator().manual_seed(step))
        return loss(network(inputs[chosen]), targets[chosen])

    weights = [weight for weight in network.parameters() if weight.requires_grad]
    return training.minimise(of, weights, steps=steps, rate=0.003, clip=1.0)


def error(task: Task, outputs: Tensor, targets: Tensor) -> float:
    """The share of wrong digits, or the root of the mean squared error of the series."""
    if task == "digits":
        return (outputs.argmax(-1) != targets).double().mean().item()
    return F.mse_loss(outputs, targets).sqrt().item()


def linear_error(data: Data) -> float:
    """The root of the mean squared test error of the best straight combination of the values read (least squares)."""
    known, asked = (F.pad(part[..., 0], (0, 1), value=1.0) for part in (data.inputs, data.test_inputs))
    weights = torch.linalg.lstsq(known, data.targets).solution
    return F.mse_loss(asked @ weights, data.test_targets).sqrt().item()


STEPS = {"digits": 600, "series": 800}


@experiment(
    "one-block",
    rows=[{"task": task, "which": which} for task in ("digits", "series") for which in ("block", "rival")],
    seeds=(0, 1, 2),
    depends=(
        *(Data, digits, windows, patches, BlockReader, Convolutional, RecurrentReader, model, train, error),
        *(attention, encoder, feed_forward, multi_head, normalisation, recurrent, training, mackey_glass),
        *(D, HEADS, SIDE, TRAIN_DIGITS, WINDOW, AHEAD, TRAIN_TIME, ALL_TIME, CHANNELS, LSTM_STATE, STEPS),
    ),
    tolerance=2e-2,
)
def one_block(seed: int, task: Task, which: Model) -> dict[str, float]:
    """The error on the test set after training."""
    torch.set_num_threads(1)
    data = digits() if task == "digits" else windows()
    network = model(task, which, seed)
    inputs, asked = data.inputs, data.test_inputs
    if task == "digits" and which == "block":
        inputs, asked = patches(inputs), patches(asked)
    train(network, inputs, data.targets, F.cross_entropy if task == "digits" else F.mse_loss, STEPS[task])
    with torch.no_grad():
        return {"error": error(task, network(asked), data.test_targets)}
