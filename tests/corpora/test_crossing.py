"""The crossing corpus: what its sentences promise."""

from __future__ import annotations

from collections import Counter

import pytest

from course_lib.corpora import crossing


@pytest.mark.parametrize("kind", ["place", "roles"])
@pytest.mark.parametrize("side", ["train", "held-out"])
def test_twins_differ_in_the_adjective_alone_and_in_the_referent(kind, side):
    for one, other in crossing.twins(500, seed=1, kind=kind, pairs=side):
        different = [i for i, (a, b) in enumerate(zip(one.tokens, other.tokens, strict=True)) if a != b]
        assert different == [one.adjective] == [other.adjective]
        assert (one.referent, other.referent) == one.nouns == other.nouns
        assert one.tokens[one.it] == "it" == other.tokens[other.it]


def test_each_adjective_fits_one_noun_only():
    places = {adjective for group in crossing.PLACE_ADJECTIVES.values() for adjective in group}
    assert not places & set(crossing.AGENT_ADJECTIVES)
    assert not set(crossing.HUNTER_ADJECTIVES) & set(crossing.QUARRY_ADJECTIVES)
    for one, other in crossing.twins(500, seed=2):
        assert one.tokens[one.adjective] in crossing.AGENT_ADJECTIVES
        kind = next(kind for kind, names in crossing.PLACES.items() if other.tokens[other.nouns[1]] in names)
        assert other.tokens[other.adjective] in crossing.PLACE_ADJECTIVES[kind]


def test_roles_are_told_by_the_verb_not_by_the_order():
    seen = Counter()
    for one, _ in crossing.twins(500, seed=3, kind="roles"):
        fleeing = any(word in one.tokens for word in ("fled", "hid", "escaped"))
        hunter_first = one.tokens[one.adjective] in crossing.HUNTER_ADJECTIVES
        assert hunter_first != fleeing
        seen[fleeing] += 1
    assert min(seen.values()) > 150


@pytest.mark.parametrize("kind", ["place", "roles"])
def test_held_out_pairs_never_occur_in_training_but_their_nouns_do(kind):
    def nouns(side):
        return [{s.tokens[n] for n in s.nouns} for s in crossing.sentences(4000, seed=4, kind=kind, pairs=side)]

    training, held_out = nouns("train"), nouns("held-out")
    assert not {frozenset(p) for p in training} & {frozenset(p) for p in held_out}
    assert set().union(*held_out) <= set().union(*training)


def test_the_sizes_the_course_speaks_of():
    words = {a for group in crossing.PLACE_ADJECTIVES.values() for a in group} | set(crossing.AGENT_ADJECTIVES)
    roles = set(crossing.HUNTER_ADJECTIVES) | set(crossing.QUARRY_ADJECTIVES)
    assert len(crossing.AGENTS) >= 40 and sum(map(len, crossing.PLACES.values())) >= 30 and len(words | roles) >= 60
    assert len(set(crossing.AGENTS)) == len(crossing.AGENTS)


def test_the_same_seed_gives_the_same_sentences_and_another_seed_others():
    assert crossing.sentences(50, seed=5) == crossing.sentences(50, seed=5)
    assert crossing.sentences(50, seed=5) != crossing.sentences(50, seed=6)


def test_referents_are_balanced():
    first = sum(s.referent == s.nouns[0] for s in crossing.sentences(4000, seed=7))
    assert 1800 < first < 2200


def test_encoding_round_trip_and_padding():
    texts = crossing.sentences(100, seed=8) + crossing.sentences(100, seed=8, kind="roles")
    ids, lengths = crossing.encode(texts)
    words = crossing.vocabulary()
    assert words[0] == crossing.PAD and len(set(words)) == len(words)
    for row, length, text in zip(ids, lengths, texts, strict=True):
        assert tuple(words[i] for i in row[:length]) == text.tokens
        assert not row[length:].any()


def test_exchanged_nouns_have_the_other_referent():
    sentence = crossing.sentences(1, seed=9, kind="roles")[0]
    exchanged = crossing.exchange_nouns(sentence)
    assert exchanged.tokens[exchanged.referent] == sentence.tokens[sum(sentence.nouns) - sentence.referent]
    assert crossing.exchange_nouns(exchanged) == sentence


def test_the_example_and_its_spelling():
    tired, wide = crossing.example()
    assert str(tired) == "The animal didn't cross the street because it was too tired."
    assert wide.tokens[wide.referent] == "street"


@pytest.mark.parametrize(("kind", "side"), [("places", "train"), ("place", "test")])
def test_unknown_names_are_refused(kind, side):
    with pytest.raises(ValueError, match="unknown"):
        crossing.twins(1, seed=0, kind=kind, pairs=side)
