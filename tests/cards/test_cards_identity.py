"""Which card is which, and when it changed."""

from __future__ import annotations

import json
import random

import pytest
from card_tools import FIXTURES, NOW

from course_lib.cards.history import FIRST_EDITION, CourseLock, LearnerLock, LockError, content_hash
from course_lib.cards.identity import (
    browser_search,
    in_deck,
    match_reworded,
    note_guid,
    note_id,
    question_id,
    share_split_off,
    word_list,
)
from course_lib.cards.parsing import parse
from course_lib.cards.reading import read_source
from course_lib.cards.report import Report


def fixture_texts() -> dict[str, tuple[str, str]]:
    cards = parse(read_source(FIXTURES / "learner_note.md", Report()), Report())
    return {f"id-{index}": (card.question.text, card.answer.text) for index, card in enumerate(cards)}


def test_the_guid_depends_on_collection_language_and_id_only():
    assert note_guid("c", "en", "a-card") == note_guid("c", "en", "a-card")
    guids = {note_guid(*key) for key in (("c", "en", "a"), ("c", "ru", "a"), ("d", "en", "a"), ("c", "en", "b"))}
    assert len(guids) == 4
    assert note_guid("transformers-course", "en", "key-mlm") == "D8aHY34npW", "GUIDs of released cards never change"


def test_note_numbers_are_fixed_and_leave_room_for_cards():
    numbers = [note_id(note_guid("c", "en", f"card-{index}")) for index in range(500)]
    assert len(set(numbers)) == 500 and all(number % 16 == 0 for number in numbers)


def test_an_id_from_a_question_ignores_commas_and_emphasis_but_not_capitals():
    assert question_id("What is **BPE**, then?") == question_id("What is BPE then")
    assert question_id("What is $K$?") != question_id("What is $k$?")
    assert word_list("What is BPE") == word_list("what is bpe")
    assert question_id("a < b") != question_id("a > b")
    assert word_list("…") == ["..."]


def reworded(text: str, share: float, chance: random.Random) -> str:
    """``text`` with a share of its words replaced by words that occur nowhere else."""
    words = text.split()
    for index in chance.sample(range(len(words)), round(share * len(words))):
        words[index] = f"слово{chance.randrange(10**6)}"
    return " ".join(words)


@pytest.mark.parametrize(("share", "least_kept"), [(0.1, 1.0), (0.25, 1.0), (0.4, 0.9)])
def test_reworded_cards_keep_their_ids_and_never_take_a_wrong_one(share, least_kept):
    before = fixture_texts()
    kept = total = 0
    for seed in range(10):
        chance = random.Random(seed)
        now = {key: (reworded(q, share, chance), reworded(a, share, chance)) for key, (q, a) in before.items()}
        matched = match_reworded(before, now)
        assert all(old == key for key, (old, _) in matched.items()), f"a wrong id, seed {seed}"
        kept, total = kept + len(matched), total + len(now)
    assert kept >= least_kept * total, f"{kept} of {total}"


def test_unrelated_cards_are_not_taken_for_each_other():
    texts = list(fixture_texts().values())
    assert match_reworded(dict(enumerate(map(tuple, texts[:6]))), dict(enumerate(texts[6:]))) == {}


def test_the_best_pair_is_taken_first_and_each_id_once():
    before = {"old": ("one two three four", "five six")}
    now = {"far": ("one two three x", "five y"), "near": ("one two three four", "five y")}
    assert match_reworded(before, now) == {"near": ("old", 0.75)}


def test_a_card_that_follows_the_pattern_of_its_neighbours_is_new_unless_it_stands_in_the_old_place():
    before = {"old": ("What does masking do in BERT", "It hides the future")}
    kept = [("What does dropout do in BERT", "It hides some units"), ("What does padding do in BERT", "It fills rows")]
    new = {"new": ("What does scaling do in BERT", "It hides the length")}
    assert match_reworded(before, new)["new"][1] > 0.75, "alike enough, if nothing else were"
    assert match_reworded(before, new, kept=kept) == {}
    assert match_reworded(before, new, kept=kept, in_place=lambda key, card_id: True).keys() == {"new"}
    closest = {"new": ("What does padding do in BERT", "It fills the rows")}
    assert match_reworded(before, closest, kept=kept, in_place=lambda key, card_id: True) == {}


def test_an_unchanged_question_with_another_answer_gives_way_to_a_closer_rewording_only():
    before = {"old": ("What is a token", "A piece of text from the vocabulary")}
    coin = ("What is a token", "Something for a slot machine")
    assert match_reworded(before, {"coin": coin}) == {"coin": ("old", 0.75)}
    closer = ("What is a token, exactly", "A piece of text from the vocabulary")
    assert match_reworded(before, {"coin": coin, "closer": closer}).keys() == {"closer"}
    farther = ("What would you call a token", "A piece of some text")
    assert match_reworded(before, {"coin": coin, "farther": farther}).keys() == {"coin"}


def test_a_half_that_was_split_off_is_told_from_a_rewording_and_from_a_new_card():
    before = "Before softmax the scores are divided. Their variance grows with the size of the key"
    after = "Before softmax the scores are divided"
    assert share_split_off("Their variance grows with the key's size", before, after) > 0.5
    assert share_split_off("Their variance grows with the size of the key", before, before) == 0.0, "nothing was lost"
    assert share_split_off("A long key wins for its length alone", before, after) == 0.0
    assert share_split_off("the key", before, after) == 0.0, "too short to say"


def test_the_hash_covers_fields_and_tags():
    base = content_hash({"Question": "q", "Answer": "a"}, ["x"])
    assert base == content_hash({"Answer": "a", "Question": "q"}, ["x"])
    others = [content_hash({"Question": "q", "Answer": "b"}, ["x"]), content_hash({"Question": "q", "Answer": "a"}, [])]
    assert base not in others


def test_a_plain_build_never_writes_the_lock_and_is_the_same_every_time(tmp_path):
    lock = CourseLock.load(tmp_path / "lock.json")
    assert lock.mtime("en", "new-card", "h1", release=NOW) == NOW
    lock.release()
    for _ in range(2):
        plain = CourseLock.load(tmp_path / "lock.json")
        assert plain.mtime("en", "new-card", "h1") == NOW and plain.changed == []
        assert plain.mtime("en", "new-card", "h2") == NOW + 1
        assert plain.mtime("en", "another", "h3") == FIRST_EDITION < NOW
        assert plain.changed == ["new-card", "another"] and plain.ids("en") == ["new-card"]


def test_a_release_moves_the_time_of_changed_cards_only_and_always_forward(tmp_path):
    lock = CourseLock.load(tmp_path / "lock.json")
    lock.mtime("en", "one", "h1", release=NOW)
    lock.mtime("en", "two", "h1", release=NOW)
    lock.release()
    lock = CourseLock.load(tmp_path / "lock.json")
    assert lock.mtime("en", "one", "h1", release=NOW + 100) == NOW
    assert lock.mtime("en", "two", "h2", release=NOW + 100) == NOW + 100
    assert lock.mtime("en", "two", "h3", release=NOW - 100) == NOW + 102, "a clock that went back"


def test_a_release_is_newer_than_every_plain_build_before_it(tmp_path):
    lock = CourseLock.load(tmp_path / "lock.json")
    assert lock.mtime("en", "one", "h1", release=FIRST_EDITION) > CourseLock(tmp_path / "x").mtime("en", "one", "h1")
    lock.mtime("en", "two", "h1", release=NOW)
    plain = lock.mtime("en", "two", "h2")
    assert lock.mtime("en", "two", "h2", release=NOW) > plain > NOW


def test_a_release_notes_the_lesson_of_every_card(tmp_path):
    (tmp_path / "lock.json").write_text('{"format": 1, "cards": {"en": {"one": {"hash": "h", "mtime": 5}}}}')
    lock = CourseLock.load(tmp_path / "lock.json")
    assert lock.lesson("en", "one") is None and lock.lesson("ru", "none") is None
    lock.mtime("en", "one", "h", lesson=4)
    assert lock.lesson("en", "one") is None, "a plain build notes nothing"
    assert lock.mtime("en", "one", "h", release=NOW, lesson=3) == 5 and lock.lesson("en", "one") == 3


def test_a_learners_lock_stamps_what_changed(tmp_path):
    lock = LearnerLock.load(tmp_path / "x.lock.json", "deck", "en")
    assert lock.mtime("a", "h1", NOW) == NOW
    entry = {"file": "x.md", "deck": "d", "question": "q", "answer": "a"}
    lock.cards["a"] = {**entry, "hash": "h1", "mtime": NOW}
    assert [lock.mtime("a", "h1", NOW + 9), lock.mtime("a", "h2", NOW + 9), lock.mtime("a", "h2", 5)] == [
        NOW, NOW + 9, NOW + 1]  # fmt: skip
    lock.save()
    again = LearnerLock.load(tmp_path / "x.lock.json", "another name", "ru")
    assert (again.collection, again.language) == ("deck", "en"), "a renamed deck keeps its GUIDs"


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"format": 99, "cards": {}}',
        '{"format": 1}',
        '{"format": 1, "collection": "c", "cards": {"en": {"a": {}}}}',
    ],
)
def test_a_spoilt_lock_is_refused_not_overwritten(tmp_path, content):
    (tmp_path / "lock.json").write_text(content)
    for load in (lambda path: CourseLock.load(path), lambda path: LearnerLock.load(path, "d", "en")):
        with pytest.raises(LockError):
            load(tmp_path / "lock.json")


def test_the_lock_is_readable_json_in_a_fixed_order(tmp_path):
    lock = CourseLock.load(tmp_path / "lock.json")
    for name in ("b-card", "a-card"):
        lock.mtime("en", name, "h", release=NOW)
    lock.release()
    text = (tmp_path / "lock.json").read_text("utf-8")
    assert text.index("a-card") < text.index("b-card") and text.endswith("\n") and json.loads(text)["format"] == 1


def test_the_browser_search_names_note_type_deck_and_ids():
    assert browser_search("T", "D", ["b", "a"]) == '"note:T" "deck:D" (Id:a OR Id:b)'
    assert browser_search("T", "D", []) == ""
    assert in_deck("T", 'a_b*c"d\\e') == r'"note:T" "deck:a\_b\*c\"d\\e"'
