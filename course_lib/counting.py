"""Counting instead of timing: operations and memory of a computation, the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


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
        operation = function.overloadpacket.__name__.removesuffix("_")  # addmm_ writes in place, at the same cost
        if isinstance(result, Tensor) and not function.is_view:
            self.largest = max(self.largest, result.numel())
        if operation in ("mm", "bmm"):
            self.matmul += math.prod(arguments[0].shape) * arguments[1].shape[-1]
        elif operation in ("addmm", "baddbmm"):
            self.matmul += math.prod(arguments[1].shape) * arguments[2].shape[-1]
        elif operation in ("mv", "dot"):
            self.matmul += math.prod(arguments[0].shape)
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
