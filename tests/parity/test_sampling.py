"""course_lib.sampling against plain Python and against transformers' warpers; draws against the probabilities."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from course_lib.sampling import distribution, draw


def tensor(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def slowly(logits: list[float], temperature: float, top_k: int | None, top_p: float | None) -> list[float]:
    """The docstring's steps, one number at a time."""
    order = sorted(range(len(logits)), key=lambda token: (-logits[token], token))
    if temperature == 0:
        return [float(token == order[0]) for token in range(len(logits))]
    largest = max(logits)
    weights = [math.exp((logit - largest) / temperature) for logit in logits]
    kept = order[:top_k]
    total = sum(weights[token] for token in kept)
    if top_p is not None:
        reached, few = 0.0, []
        for token in kept:
            few.append(token)
            reached += weights[token] / total
            if reached >= top_p:
                break
        kept = few
        total = sum(weights[token] for token in kept)
    return [weights[token] / total if token in kept else 0.0 for token in range(len(logits))]


def on_the_edge(logits: list[float], temperature: float, top_k: int | None, top_p: float | None) -> bool:
    """Whether some of the most probable tokens have p together but for rounding: either answer is right then."""
    if top_p is None or temperature == 0:
        return False
    p = sorted(slowly(logits, temperature, top_k, None), reverse=True)
    return any(abs(sum(p[:count]) - top_p) < 1e-9 for count in range(1, len(p) + 1))


# Whole numbers make ties, which decide who stays.
some_logits = st.lists(st.one_of(st.integers(-3, 3).map(float), st.floats(-30, 30)), min_size=1, max_size=9)
temperatures = st.one_of(st.sampled_from([0.0, 0.01, 1.0]), st.floats(0.05, 20))
limits = st.tuples(st.none() | st.integers(1, 12), st.none() | st.floats(0.01, 1.0))


@settings(max_examples=400, deadline=None)
@given(some_logits, temperatures, limits)
def test_it_is_the_slow_version(logits: list[float], temperature: float, limit: tuple) -> None:
    assume(not on_the_edge(logits, temperature, *limit))
    p = distribution(tensor(*logits), temperature, *limit)
    torch.testing.assert_close(p, tensor(*slowly(logits, temperature, *limit)), atol=1e-12, rtol=1e-9)
    assert abs(p.sum().item() - 1) < 1e-12


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=2, max_size=9, unique=True), st.floats(0.3, 5), limits)
def test_it_is_what_transformers_makes_of_different_logits(
    logits: list[float], temperature: float, limit: tuple
) -> None:
    """Of equal logits the library keeps more than k, so they are left out here."""
    assume(min(abs(a - b) for a in logits for b in logits if a is not b) > 1e-6)
    assume(not on_the_edge(logits, temperature, *limit))
    top_k, top_p = limit
    warpers = [TemperatureLogitsWarper(temperature)]
    warpers += [] if top_k is None else [TopKLogitsWarper(top_k)]
    warpers += [] if top_p is None else [TopPLogitsWarper(top_p)]
    scores = tensor(*logits)[None]
    for warper in warpers:
        scores = warper(None, scores)
    torch.testing.assert_close(
        distribution(tensor(*logits), temperature, *limit), scores[0].softmax(dim=-1), atol=1e-12, rtol=1e-9
    )


def test_rows_do_not_know_of_each_other() -> None:
    logits = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    whole = distribution(logits, 0.7, 5, 0.8)
    assert whole.shape == logits.shape
    for i in range(2):
        for j in range(3):
            torch.testing.assert_close(whole[i, j], distribution(logits[i, j], 0.7, 5, 0.8), atol=0, rtol=0)


@pytest.mark.parametrize("temperature", [0, 1e-300, 1e-5, 1.0, 1e300])
@pytest.mark.parametrize("largest", [0.0, 1e300, -1e300])
def test_no_temperature_overflows(temperature: float, largest: float) -> None:
    p = distribution(tensor(largest - 1, largest, -math.inf, largest - 2), temperature)
    assert p.isfinite().all() and p[2] == 0 and abs(p.sum() - 1) < 1e-12
    if temperature < 1e-3 and largest == 0:
        assert p.tolist() == [0, 1, 0, 0]


def test_of_equal_tokens_the_first_is_the_more_probable() -> None:
    logits = tensor(1, 2, 2, 2, 0)
    assert distribution(logits, 0).tolist() == [0, 1, 0, 0, 0]
    assert distribution(logits, top_k=2).tolist() == [0, 0.5, 0.5, 0, 0]
    assert distribution(logits, top_p=0.1).tolist() == [0, 1, 0, 0, 0]
    assert distribution(tensor(0, 0, 0, 0), top_p=0.5).tolist() == [0.5, 0.5, 0, 0]
    many = torch.arange(60, dtype=torch.float64) % 3  # so many that an unstable sort does mix them up
    assert distribution(many, top_k=7).nonzero().squeeze(1).tolist() == list(range(2, 21, 3))


def test_the_order_is_temperature_then_k_then_p() -> None:
    logits = tensor(0.4, 0.3, 0.2, 0.1).log()
    # After top_k = 2: 4/7, 3/7. The first alone has 0.57 of that, and only 0.4 of the whole.
    assert distribution(logits, top_k=2, top_p=0.5).tolist() == [1, 0, 0, 0]
    # At half the temperature the squares count: 16 of 30.
    assert distribution(logits, 0.5, top_p=0.5).tolist() == [1, 0, 0, 0]
    assert distribution(logits, top_p=0.5).gt(0).tolist() == [True, True, False, False]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_type_of_the_logits_stays(dtype: torch.dtype) -> None:
    p = distribution(torch.tensor([1.0, 0.0, 2.0], dtype=dtype), 0.5, 2, 0.9)
    assert p.dtype == dtype and p[1] == 0 and draw(p, 0.3).item() in (0, 2)


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [
        (-0.1, None, None),
        (1, 0, None),
        (1, -3, None),
        (1, None, 0),
        (1, None, 1.01),
        (1, None, -1),
        (1, None, math.nan),
    ],
)
def test_limits_without_sense_are_errors(temperature: float, top_k: int | None, top_p: float | None) -> None:
    with pytest.raises(ValueError, match=f"not {temperature}, {top_k}, {top_p}"):
        distribution(tensor(1, 2), temperature, top_k, top_p)


# --------------------------------------------------------------------------------------------------------------- draws


def test_the_bounds_of_a_draw() -> None:
    p = tensor(0, 0.25, 0, 0.5, 0.25, 0)
    below = math.nextafter(1, 0)
    expected = {0: 1, math.nextafter(0.25, 0): 1, 0.25: 3, math.nextafter(0.75, 0): 3, 0.75: 4, below: 4}
    assert {u: draw(p, u).item() for u in expected} == expected
    assert (
        draw(tensor(1, 0), below).item() == 0 and draw(tensor(0, 1), 0.0).item() == 1 and draw(tensor(1), 0).item() == 0
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_rounding_draws_a_token_of_probability_0(dtype: torch.dtype) -> None:
    """Ten tenths add up to less than 1, and in float32 the number next to 1 is 1."""
    p = torch.cat([torch.full((10,), 0.1, dtype=dtype), torch.zeros(3, dtype=dtype)])
    assert draw(p, math.nextafter(1, 0)).item() == 9
    assert draw(p, 1.0).item() == 9


@settings(max_examples=200, deadline=None)
@given(some_logits, limits, st.floats(0, 1, exclude_max=True))
def test_a_draw_is_where_the_sum_first_exceeds_u(logits: list[float], limit: tuple, u: float) -> None:
    p = distribution(tensor(*logits), 1.0, *limit)
    token, reached = 0, p[0].item()
    while reached <= u and token + 1 < len(logits) and p[token + 1 :].any():
        token += 1
        reached += p[token].item()
    assume(abs(reached - u) > 1e-12 and abs(reached - p[token].item() - u) > 1e-12)
    assert draw(p, u).item() == token and p[token] > 0


def test_a_batch_of_draws() -> None:
    p = torch.stack([tensor(0.5, 0.5, 0), tensor(0, 0.1, 0.9)])
    tokens = draw(p, tensor(0.6, 0.05))
    assert tokens.tolist() == [1, 1] and tokens.dtype == torch.int64
    assert draw(p[None], tensor(0.2, 0.2)[None]).tolist() == [[0, 2]]
    assert draw(p[:1].expand(4, 3), tensor(0, 0.4, 0.5, 0.99)).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("limit", [(1.0, None, None), (0.6, None, None), (1.7, 4, None), (1.0, None, 0.8)])
def test_many_draws_have_the_probabilities(limit: tuple) -> None:
    generator = torch.Generator().manual_seed(2)
    p = distribution(torch.randn(8, generator=generator, dtype=torch.float64), *limit)
    count = 100_000
    u = torch.rand(count, generator=generator, dtype=torch.float64)
    found = draw(p.expand(count, 8), u).bincount(minlength=8)
    assert not found[p == 0].any()
    likely = p > 0
    statistic = ((found - count * p)[likely] ** 2 / (count * p)[likely]).sum().item()
    # The chi-squared statistic of at most 7 degrees of freedom exceeds 24.3 once in a thousand (Pearson 1900).
    assert statistic < 24.3
