"""Counting instead of timing: operations, chains of them, and memory of a computation, the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


def _name(function) -> str:
    """The name of one of PyTorch's basic operations; ``addmm_`` writes in place what ``addmm`` returns, at the same cost."""
    return function.overloadpacket.__name__.removesuffix("_")


class OperationCounter(TorchDispatchMode):
    """Counts the multiply-adds of every matrix product that runs inside the ``with`` block.

    Attributes:
        matmul: multiply-adds so far (one multiplication and one addition count as 1).
        largest: how many numbers the largest tensor holds that an operation made (a view makes none).
    """

    def __init__(self) -> None:
        super().__init__()
        self.matmul = 0
        self.largest = 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        operation = _name(function)
        if isinstance(result, Tensor) and not function.is_view:
            self.largest = max(self.largest, result.numel())
        if operation in ("mm", "bmm"):
            self.matmul += math.prod(arguments[0].shape) * arguments[1].shape[-1]
        elif operation in ("addmm", "baddbmm"):
            self.matmul += math.prod(arguments[1].shape) * arguments[2].shape[-1]
        elif operation in ("mv", "dot"):
            self.matmul += math.prod(arguments[0].shape)
        return result


# Floating-point operations for each number of the result, beside the matrix products. A function such as exp or tanh counts
# as one, though it costs a processor several: that makes matrix products look a little larger than they are.
_PER_RESULT = (
    dict.fromkeys(
        ("add", "sub", "rsub", "mul", "div", "neg", "abs", "exp", "log", "sqrt", "rsqrt", "reciprocal", "pow"), 1
    )
    | dict.fromkeys(("tanh", "sigmoid", "erf", "relu", "clamp_min", "gelu", "maximum", "sgn", "threshold_backward"), 1)
    | dict.fromkeys(("tanh_backward", "sigmoid_backward"), 3)  # g · (1 − y²); g · y · (1 − y)
    | {
        "_softmax": 5,
        "_softmax_backward_data": 4,
    }  # maximum, difference, exp, sum, quotient; product, sum, difference, product
)
_PER_INPUT = {"sum": 1, "mean": 1, "amax": 1, "amin": 1, "max": 1, "var": 4}  # var: mean, difference, square, sum
_MOVES = frozenset(
    "empty empty_like zeros zeros_like ones ones_like full full_like new_zeros new_empty new_empty_strided arange scalar_tensor "
    "copy clone _to_copy _unsafe_view squeeze unsqueeze lift_fresh cat stack index gather scatter embedding index_select masked_fill where tril triu fill zero "
    "select_backward slice_backward eq ne lt le gt ge logical_and bitwise_and".split()
)


class WorkCounter(OperationCounter):
    """Counts all floating-point operations, those beside the matrix products too.

    A multiply-add of a matrix product is two operations. Moving and comparing numbers is none. An operation that the table
    above does not know is an error, so that nothing can be left out unseen.

    Attributes:
        elsewhere: floating-point operations outside matrix products so far.

    Raises:
        NotImplementedError: for an operation that is not in the table.
    """

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere = 0

    @property
    def share(self) -> float:
        """The share of matrix products in all floating-point operations, 0 to 1."""
        return 2 * self.matmul / (2 * self.matmul + self.elsewhere)

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        before = self.matmul
        result = super().__torch_dispatch__(function, types, arguments, keywords)
        operation = _name(function)
        if function.is_view or operation in _MOVES:
            return result
        if operation in _PER_RESULT:
            self.elsewhere += _PER_RESULT[operation] * result.numel()
        elif operation in _PER_INPUT:
            self.elsewhere += _PER_INPUT[operation] * arguments[0].numel()
        elif operation in ("addmm", "baddbmm"):
            self.elsewhere += result.numel()
        elif self.matmul == before and operation != "detach":
            raise NotImplementedError(f"how many floating-point operations {operation} takes is not known here")
        return result


class ChainCounter(TorchDispatchMode):
    """Finds the longest chain of operations each of which needs the result of the one before, in the ``with`` block.

    However many processors there are, a computation takes as many steps as this chain is long. A matrix product counts as one
    step; what only looks at or arranges memory counts as none. A number that has left PyTorch (``item()``) begins a new chain.

    Attributes:
        longest: the number of operations in it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0
        self._depth: dict[int, int] = {}
        self._kept: list[Tensor] = []  # memory that is still held is not given to another tensor

    def _of(self, value: object) -> int:
        """The chain behind an argument: a tensor, or a list of them."""
        if isinstance(value, Tensor):
            return self._depth.get(value.untyped_storage().data_ptr(), 0)
        return max(map(self._of, value), default=0) if isinstance(value, list | tuple) else 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        before = max(self._of(arguments), self._of(tuple((keywords or {}).values())))
        result = function(*arguments, **(keywords or {}))
        steps = 0 if function.is_view or _name(function) in _MOVES else 1
        for made in result if isinstance(result, list | tuple) else [result]:
            if isinstance(made, Tensor):
                where = made.untyped_storage().data_ptr()
                self._depth[where] = max(before + steps, self._depth.get(where, 0) if function.is_view else 0)
                self._kept.append(made)
                self.longest = max(self.longest, self._depth[where])
        return result


class SavedMemory:
    """How many numbers autograd keeps for the backward pass; filled by :func:`saved_for_backward`."""

    def __init__(self) -> None:
        self._storages: dict[int, tuple[object, int]] = {}

    def _keep(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        # One storage may be saved by several operations (softmax and the product after it); it is in memory once.
        self._storages[storage.data_ptr()] = (storage, storage.nbytes() // tensor.element_size())
        return tensor

    @property
    def numbers(self) -> int:
        """Saved numbers (not bytes), each storage once."""
        return sum(count for _, count in self._storages.values())


@contextmanager
def saved_for_backward() -> Iterator[SavedMemory]:
    """Measure, by autograd's own hooks, what the computation in the ``with`` block keeps for its gradients.

    Yields:
        a :class:`SavedMemory`, complete when the block ends.
    """
    memory = SavedMemory()
    with torch.autograd.graph.saved_tensors_hooks(memory._keep, lambda tensor: tensor):
        yield memory
