"""The stories of lesson 08: grammar, entropy, what fits, and sentences that belong together."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from course_lib.corpora import stories


def test_every_story_is_one_that_the_grammar_can_say() -> None:
    drawn = stories.stories(500, seed=1)
    assert all(stories.accepts(story.tokens) for story in drawn)
    assert {len(story.tokens) for story in drawn} == {stories.length() - 1}
    assert {len(story.first) for story in drawn} == {stories.FIRST}
    assert len({story.tokens for story in drawn}) == 500


def test_the_same_seed_gives_the_same_stories() -> None:
    assert stories.stories(5, seed=3) == stories.stories(5, seed=3) != stories.stories(5, seed=4)
    assert stories.stories(2, seed=3) == stories.stories(5, seed=3)[:2]


def changed(story: stories.Story, place: int, word: str) -> tuple[str, ...]:
    return (*story.tokens[:place], word, *story.tokens[place + 1 :])


def test_one_word_of_the_other_polarity_is_no_story() -> None:
    for story in stories.stories(20, seed=2):
        for place in (2, 6, 10, 17, 21, 23):
            pool = stories.MOODS if place in (2, 21, 23) else stories.LOOKS
            assert not stories.accepts(changed(story, place, pool[not story.positive][0]))
            assert stories.accepts(changed(story, place, pool[story.positive][0]))


def test_a_thing_fits_its_place_and_the_agent_stays() -> None:
    for story in stories.stories(30, seed=5):
        for kind, things in stories.THINGS.items():
            assert stories.accepts(changed(story, 18, things[0])) == (kind == story.place_kind)
        if story.named:
            other = next(agent for agent in stories.AGENTS if agent != story.tokens[3])
            assert not stories.accepts(changed(story, 14, other))
        assert not stories.accepts(story.tokens[:-1])
        assert not stories.accepts((*story.tokens, "."))


def test_fitting_lists_exactly_what_the_grammar_allows() -> None:
    story = next(one for one in stories.stories(9, seed=6) if one.named)
    assert stories.fitting(story.tokens, 14) == {story.tokens[3]}
    assert stories.fitting(story.tokens, 18) == set(stories.THINGS[story.place_kind])
    assert stories.fitting(story.tokens, 6) == set(stories.LOOKS[story.positive])
    assert set(stories.dependent_places(story)) == {2, 3, 6, 7, 10, 14, 17, 18, 21, 23}
    for place in stories.dependent_places(story):  # they depend on other words: not every word of their kind fits
        kind = {word for other in stories.stories(3000, seed=7) for word in (other.tokens[place],)}
        assert stories.fitting(story.tokens, place) < kind


def test_the_entropy_is_the_logarithm_of_how_many_stories_there_are() -> None:
    # Counted in another way: stories of one opening, agent, verb … are told apart by the choices that are left.
    slots = Counter()
    for story in stories.stories(20_000, seed=8):
        for place, word in enumerate(story.tokens):
            slots[place, word] += 1
    per_slot = Counter(place for place, _ in slots)
    free = {0: 4, 3: 16, 4: 4, 7: 12, 11: 4, 15: 3}
    assert all(per_slot[place] == number for place, number in free.items())
    # six adjectives of one polarity, a thing of the place's kind, "it" or the agent
    count = math.prod(free.values()) * 2 * 16**6 * 4 * 2
    assert stories.entropy() == pytest.approx(math.log(count))
    assert stories.entropy_per_token() == pytest.approx(math.log(count) / 26)


def test_half_of_the_pairs_are_of_one_story_and_the_best_accuracy_is_what_counting_gives() -> None:
    pairs = stories.pairs(20_000, seed=9)
    assert sum(pair.follows for pair in pairs) / len(pairs) == pytest.approx(0.5, abs=0.02)
    fits = [stories.accepts(pair.first + pair.second) for pair in pairs]
    assert all(fit for fit, pair in zip(fits, pairs, strict=True) if pair.follows)
    right = sum(fit == pair.follows for fit, pair in zip(fits, pairs, strict=True)) / len(pairs)
    assert right == pytest.approx(stories.best_next_accuracy(), abs=0.006)


def test_ids_and_words_are_inverse_and_unknown_words_are_refused() -> None:
    story = stories.stories(1, seed=0)[0]
    assert stories.words(stories.ids(story.tokens)) == story.tokens
    assert stories.words(range(len(stories.SPECIAL))) == stories.SPECIAL
    assert stories.vocabulary()[stories.MASK] == "[MASK]" and stories.vocabulary()[stories.END] == "<|endoftext|>"
    assert len(set(stories.vocabulary())) == len(stories.vocabulary())
    with pytest.raises(KeyError):
        stories.ids(["unicorn"])


def test_a_story_as_text_has_capitals_and_no_blank_before_a_full_stop() -> None:
    text = str(stories.stories(1, seed=0)[0])
    first, second = text.split(". ")
    assert first[0].isupper() and second[0].isupper() and text.endswith(".") and " ." not in text
