"""Predicting a word out of V without negative sampling: the full softmax, and the hierarchical one along a Huffman tree.

Readable references for small vocabularies. For one example the full softmax takes V dot products of size D, the
hierarchical one as many as the word lies deep in the tree (about log₂ V, fewer for frequent words), negative sampling k + 1.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, one_hot


def softmax_loss(hidden: Tensor, outputs: Tensor, target: Tensor) -> Tensor:
    """−Σ log p(target), p = softmax(H Oᵀ): the sum over B examples.

    Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", equation 2.

    Args:
        hidden: H (B, D).
        outputs: O (V, D).
        target: (B,) indices of the true words.
    """
    scores = hidden @ outputs.mT
    return (scores.logsumexp(-1) - scores.gather(-1, target[:, None]).squeeze(-1)).sum()


def softmax_gradients(hidden: Tensor, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of :func:`softmax_loss`, by hand: with the error E = p − label (B, V), dH = E O and dO = Eᵀ H.

    Every output vector gets a gradient from every example: that is what makes it slow.
    """
    error = (hidden @ outputs.mT).softmax(-1) - one_hot(target, len(outputs))
    return error @ outputs, error.mT @ hidden


@dataclass(frozen=True, eq=False)
class HuffmanTree:
    """A binary tree whose leaves are the words: frequent ones near the root (Huffman 1952).

    Attributes:
        children: (V − 1, 2) the two children of each inner node: below V a word, else the inner node ``child − V``. The
            last inner node is the root. The first child is the one that occurs less often.
        path: (V, L) the inner nodes from the root to each word, filled up with zeros.
        turn: (V, L) which way the path takes there: +1 to the first child, −1 to the second, 0 behind the path's end.
    """

    children: np.ndarray
    path: Tensor
    turn: Tensor

    @classmethod
    def build(cls, counts: Sequence[int]) -> HuffmanTree:
        """Join the two rarest nodes until one is left; of equally rare ones those that were there first.

        Args:
            counts: of the V words.

        Raises:
            ValueError: if there is no word.
        """
        size = len(counts)
        if not size:
            raise ValueError("a tree needs a word at least")
        heap = [(int(count), word) for word, count in enumerate(counts)]
        heapq.heapify(heap)
        children = np.zeros((size - 1, 2), dtype=np.int64)
        for inner in range(size - 1):
            (rarest, first), (next_rarest, second) = heapq.heappop(heap), heapq.heappop(heap)
            children[inner] = first, second
            heapq.heappush(heap, (rarest + next_rarest, size + inner))
        ways: dict[int, list[tuple[int, float]]] = {heap[0][1]: []}
        for inner in reversed(range(size - 1)):  # a parent is made after its children
            way = ways.pop(size + inner)
            for child, turn in zip(children[inner], (1.0, -1.0), strict=True):
                ways[int(child)] = [*way, (inner, turn)]
        longest = max(map(len, ways.values()))
        path = torch.zeros(size, longest, dtype=torch.int64)
        turn = torch.zeros(size, longest, dtype=torch.float64)
        for word, way in ways.items():
            for step, (inner, side) in enumerate(way):
                path[word, step], turn[word, step] = inner, side
        return cls(children, path, turn)

    @property
    def depth(self) -> Tensor:
        """(V,) how many inner nodes stand above each word: the dot products it takes to predict it."""
        return self.turn.abs().sum(1).to(torch.int64)

    def code(self, word: int) -> str:
        """The word's way from the root, 0 for the first child and 1 for the second."""
        return "".join("0" if turn > 0 else "1" for turn in self.turn[word, : int(self.depth[word])])


def hierarchical_log_probabilities(hidden: Tensor, nodes: Tensor, tree: HuffmanTree) -> Tensor:
    """(B, V) log p(w | h) of every word: the sum of log σ(± h·n) over the inner nodes n on its path.

    At every inner node σ(h·n) and σ(−h·n) add up to 1, so the words' probabilities do too, without a sum over them.
    Morin & Bengio 2005, "Hierarchical Probabilistic Neural Network Language Model"; with this tree: Mikolov et al. 2013,
    section 2.1, equation 3.

    Args:
        hidden: (B, D).
        nodes: (V − 1, D) a vector for each inner node.
        tree: over V words.
    """
    scores = hidden @ nodes.mT  # (B, V − 1): each inner node stands on the paths of many words
    steps = logsigmoid(scores[:, tree.path] * tree.turn.to(hidden.dtype))  # (B, V, L)
    return (steps * tree.turn.abs().to(hidden.dtype)).sum(-1)


def hierarchical_loss(hidden: Tensor, nodes: Tensor, tree: HuffmanTree, target: Tensor) -> Tensor:
    """−Σ log p(target) over B examples, touching only the nodes on the targets' paths.

    Args:
        hidden, nodes, tree: as for :func:`hierarchical_log_probabilities`.
        target: (B,) indices of the true words.
    """
    turn = tree.turn[target].to(hidden.dtype)
    scores = (nodes[tree.path[target]] @ hidden[:, :, None]).squeeze(-1)
    return -(logsigmoid(scores * turn) * turn.abs()).sum()


def hierarchical_gradients(hidden: Tensor, nodes: Tensor, tree: HuffmanTree, target: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of :func:`hierarchical_loss`, by hand.

    Each inner node on the path is one example of a logistic regression, "which way?": with its turn t = ±1 the derivative
    of −log σ(t s) by the score s is −t σ(−t s), and the dot product hands it on as ever.

    Returns:
        the gradients of hidden (B, D) and of nodes (V − 1, D).
    """
    path, turn = tree.path[target], tree.turn[target].to(hidden.dtype)
    on_path = nodes[path]  # (B, L, D)
    scores = (on_path @ hidden[:, :, None]).squeeze(-1)
    error = -turn * torch.sigmoid(-turn * scores)  # (B, L), 0 behind the path's end
    d_nodes = torch.zeros_like(nodes)
    d_nodes.index_add_(0, path.reshape(-1), (error[:, :, None] * hidden[:, None, :]).reshape(-1, hidden.shape[1]))
    return (error[:, None, :] @ on_path).squeeze(1), d_nodes
