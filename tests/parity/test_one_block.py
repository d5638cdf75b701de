"""One block on pictures and on a series: the data, the cutting, and that nothing of the test is met in training."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from course_lib import one_block
from course_lib.corpora import mackey_glass


def test_digits_are_split_once_and_standardised_by_the_training_set() -> None:
    data = one_block.digits()
    assert data.inputs.shape == (1297, 8, 8) and data.test_inputs.shape == (500, 8, 8)
    assert abs(data.inputs.mean()) < 1e-12 and abs(data.inputs.std() - 1) < 1e-12
    assert set(data.targets.tolist()) == set(data.test_targets.tolist()) == set(range(10))


def test_a_window_is_followed_by_its_target_and_no_value_is_in_both_parts() -> None:
    data = one_block.windows()
    window, ahead = one_block.WINDOW, one_block.AHEAD
    assert data.inputs.shape == (one_block.TRAIN_TIME - window - ahead + 1, window, 1)
    # A window that begins where another ends plus the lead carries its target first.
    torch.testing.assert_close(data.targets[0], data.inputs[window + ahead - 1, 0])
    torch.testing.assert_close(data.test_targets[5], data.test_inputs[5 + window + ahead - 1, 0])
    values = mackey_glass.series(one_block.ALL_TIME)
    seen = values[: one_block.TRAIN_TIME]
    last = (values[one_block.TRAIN_TIME - 1] - seen.mean()) / seen.std()
    torch.testing.assert_close(data.targets[-1, 0], last)
    first = (values[one_block.TRAIN_TIME] - seen.mean()) / seen.std()
    torch.testing.assert_close(data.test_inputs[0, 0, 0], first)


def test_the_series_obeys_its_equation() -> None:
    """A finer step gives the same curve at first: what is integrated is the equation, and not the step."""
    coarse = mackey_glass.series(40)
    assert coarse.shape == (40,) and coarse.dtype == torch.float64 and 0.2 < coarse.min() < coarse.max() < 1.6
    assert torch.equal(coarse, mackey_glass.series(60)[:40])  # a longer series goes on, it does not differ
    assert not torch.equal(coarse, mackey_glass.series(40, seed=1))


def test_patches_are_squares_row_by_row() -> None:
    picture = torch.arange(24.0).reshape(1, 4, 6)
    cut = one_block.patches(picture, 2)
    assert cut.shape == (1, 6, 4)
    assert cut[0, 1].tolist() == [2, 3, 8, 9] and cut[0, 3].tolist() == [12, 13, 18, 19]
    folded = F.fold(cut.mT, (4, 6), kernel_size=2, stride=2)  # PyTorch puts them back together
    assert torch.equal(folded[0, 0], picture[0])
    with pytest.raises(ValueError, match="cannot be cut into squares of side 4"):
        one_block.patches(picture, 4)


def test_a_patch_and_a_matrix_are_a_convolution_with_that_stride() -> None:
    picture = torch.randn(2, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    matrix = torch.randn(4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    convolved = F.conv2d(picture[:, None], matrix.T.reshape(5, 1, 2, 2), stride=2)
    torch.testing.assert_close(one_block.patches(picture) @ matrix, convolved.flatten(2).mT)


@pytest.mark.parametrize("task", ["digits", "series"])
def test_rivals_have_nearly_as_many_weights(task: one_block.Task) -> None:
    block, rival = (
        sum(w.numel() for w in one_block.model(task, which, 0).parameters() if w.requires_grad)
        for which in ("block", "rival")
    )
    assert abs(rival / block - 1) < 0.015


def test_errors_are_what_they_say() -> None:
    scores = torch.eye(4, dtype=torch.float64)
    assert one_block.error("digits", scores, torch.tensor([0, 1, 2, 0])) == 0.25
    found = torch.tensor([[1.0], [3.0]], dtype=torch.float64)
    assert one_block.error("series", found, torch.tensor([[0.0], [0.0]], dtype=torch.float64)) == pytest.approx(5**0.5)


def test_the_straight_line_finds_a_straight_line() -> None:
    x = torch.randn(50, 3, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = x[:, :1, 0] - 2 * x[:, 2:, 0] + 7
    assert one_block.linear_error(one_block.Data(x[:30], y[:30], x[30:], y[30:])) < 1e-10
