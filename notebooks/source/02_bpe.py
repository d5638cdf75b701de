# %% [markdown] id="title" lang="en"
# # Lesson 02. BPE and tokenisation
#
# A model needs a list of the things it reads. Letters make sequences too long, words make the list too long and never complete. This lesson builds what almost every language model reads today, pieces in between, from counting pairs on paper to a tokenizer whose output equals the field's own, number by number.
#
# **You will be able to**
#
# - carry out byte-pair encoding with a pencil, and write it in twenty lines;
# - encode a new word with it, and say why the longest match is another method;
# - explain why the tokenizer of GPT-2 and of later GPTs never meets an unknown symbol, in any language or none;
# - choose a vocabulary size, and find out from the vocabulary whether it was a good choice;
# - tell BPE, WordPiece and unigram apart, and say what SentencePiece is;
# - say what a model can and cannot know about the letters of a word.
#
# **You need** Python, logarithms, and the idea of an embedding table (lesson 01). **Time:** 80 minutes of reading and playing, 60 for the exercises; all cells run in under a minute.
#
# Previous lesson: [01, Word2Vec](01_word2vec.ipynb). Next lesson: [03, attention](03_attention.ipynb).
# %% [markdown] id="title" lang="ru"
# # Урок 02. BPE и токенизация
#
# Модели нужен список того, из чего состоит её текст. Если взять буквы, слишком длинными выходят последовательности; если слова — слишком длинным выходит сам список, да и полным он не бывает. В этом уроке мы построим то, что читает сегодня почти любая языковая модель, — части слов: начнём с подсчёта пар на бумаге, а закончим токенизатором, который выдаёт в точности те же номера токенов, что и общепринятая библиотека.
#
# **Вы научитесь**
#
# - выполнять кодирование пар байтов (byte-pair encoding, BPE) на бумаге и программировать его в двадцать строк;
# - кодировать новое слово и объяснять, почему самое длинное совпадение — это другой способ;
# - объяснять, почему токенизатору GPT-2 и более поздних GPT не встретится неизвестный символ ни на одном языке, да и ни в каком тексте вообще;
# - выбирать размер словаря и по самому словарю судить, удачен ли выбор;
# - отличать друг от друга BPE, WordPiece и unigram и объяснять, что такое SentencePiece;
# - объяснять, что модель может знать о буквах слова, а чего — нет.
#
# **Понадобятся** Python, логарифмы и представление о таблице эмбеддингов (урок 01). **Время:** 80 минут на чтение и опыты, 60 — на упражнения; все ячейки выполняются меньше чем за минуту.
#
# Предыдущий урок: [01, Word2Vec](01_word2vec.ipynb). Следующий урок: [03, внимание](03_attention.ipynb).
# %% id="start"
from course_lib import start

start(lesson=2)

# %% id="imports"
import io
import math
import re
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import sentencepiece
import tokenizers
import torch

from course_lib import preprocessing, word2vec
from course_lib.bpe import BYTE_CHARACTERS, learn_merges, merge_pair, merge_steps
from course_lib.bpe_tokenizer import Tokenizer
from course_lib.cards.notebook import key_questions, recall
from course_lib.claims import claim, ledger
from course_lib.corpora import course_text, library_docs
from course_lib.exercises import check
from course_lib.explorers import explore_letter_counting, explore_merge_stepper
from course_lib.figures import bpe as drawings
from course_lib.figures import bpe_curves as curves
from course_lib.figures import course, show
from course_lib.glossary import notation_table
from course_lib.pretokenisation import GPT2_PATTERN, pre_tokens
from course_lib.results import recorded
from course_lib.vocabulary_sizes import coverage

# %% id="map"
show(course.course_map(here=2), "course_map", here=2)

# %% [markdown] id="problem" lang="en"
# ## 1. What should a model read?
#
# A text is a string of letters. Lesson 01 took words as its units and paid for it: a word that is not on the list is lost, and Russian, with its dozen forms a word, loses most. Why not take letters? There are few of them, and none is ever missing. We try both ends of the scale on one text, the documentation of Python and of three libraries, of which a fifth is kept aside. $T$ is the length of the sequence that the model would read.
# %% [markdown] id="problem" lang="ru"
# ## 1. Из чего состоит текст для модели?
#
# Текст — строка букв. В уроке 01 единицами были слова, и за это пришлось платить: слово не из списка теряется, а больше всего теряет русский язык, где у слова десяток форм. Почему бы не взять буквы? Их мало, и ни одна не окажется неизвестной. Попробуем обе крайности на одном тексте — документации Python и трёх библиотек; пятая часть отложена. $T$ — длина последовательности, которую читала бы модель.
# %% id="problem-scale"
documents, rest = preprocessing.split_documents(library_docs.frozen())
english, english_new = ("\n".join(document.text for document in part) for part in (documents, rest))
russian, russian_new = (
    "\n".join(part) for part in preprocessing.split_documents(course_text.frozen("ru"))
)

sequences = {
    "letters": (list(english), list(english_new)),
    "words": (pre_tokens(english), pre_tokens(english_new)),
}
for name, (known, new) in sequences.items():
    vocabulary = set(known)
    unknown = sum(unit not in vocabulary for unit in new) / len(new)
    print(
        f"{name:8} n_vocab = {len(vocabulary):5}   new text: T = {len(new):6}, unknown {unknown:.3f}"
    )

# %% [markdown] id="problem-after" lang="en"
# (A "word" is here what GPT-2's rule cuts out, with the space before it; section 7 shows the rule.) Words make the sequence almost five times shorter, and lose seven units in a hundred of it; letters lose nothing. What we want is a list of bearable size, short sequences, and nothing lost.
# %% [markdown] id="problem-after" lang="ru"
# («Слово» здесь — то, что вырезает правило GPT-2, вместе с пробелом перед ним; само правило — в разделе 7.) Со словами последовательность короче почти в пять раз, но из каждых ста единиц семь теряются; с буквами не теряется ничего. Нам нужен список разумного размера, короткие последовательности и никаких потерь.
# %% id="problem-figure"
show(drawings.bpe_scale(), "bpe_scale")

# %% [markdown] id="symbols" lang="en"
# ## 2. Symbols, and what you remember
# %% [markdown] id="symbols" lang="ru"
# ## 2. Обозначения и то, что вы помните
# %% id="notation"
notation_table(2)

# %% [markdown] id="recall" lang="en"
# Three questions from earlier lessons. Answer each aloud, then unfold.
# %% [markdown] id="recall" lang="ru"
# Три вопроса из прошлых уроков. Ответьте на каждый вслух, потом раскройте ответ.
# %% id="recall-cards"
recall(2)

# %% [markdown] id="letters" lang="en"
# ## 3. Is speed the only problem with letters?
#
# The notes from which this course grew say that letters are slow, and ask: is that all? First the slowness. A model that compares every token with every other one (attention, lesson 03) does $T^2$ comparisons; for a sequence five times as long that is 25 times as many. And a model reads no more than so many tokens at a time, its *context window* (lesson 00): filled with letters, it holds fewer words.
#
# (A line such as `[2.1] refined` gives the number of a statement of the notes, our verdict, explained in lesson 00, and the figures. All of them stand in section 19.)
# %% [markdown] id="letters" lang="ru"
# ## 3. Только ли в скорости беда букв?
#
# В конспекте, из которого вырос этот курс, сказано, что с буквами медленно, и задан вопрос: и это всё? Сначала о скорости. Модель, которая сравнивает каждый токен с каждым (внимание, урок 03), делает $T^2$ сравнений; для последовательности в пять раз длиннее сравнений в 25 раз больше. К тому же за один раз модель читает ограниченное число токенов — это её *контекстное окно* (урок 00); если заполнить его буквами, слов в него войдёт меньше.
#
# (В строке вида `[2.1] уточнено` стоят номер утверждения из конспекта, наш вердикт (вердикты объяснены в уроке 00) и измеренные числа. Все утверждения собраны в разделе 19.)
# %% id="letters-claim"
letters, pieces = (len(sequences[name][1]) for name in ("letters", "words"))
window = 1024
print(f"(T letters / T words)² = {(letters / pieces) ** 2:.1f}")
print(f"a window of {window}: {window * pieces / letters:.0f} words in letters")
sizes = [len(document.text) for document in documents + rest]
print(f"{len(sizes)} documents: T = {np.mean(sizes):.0f} letters on average, at most {max(sizes)}")
claim(
    "2.1",
    holds=20 <= len(set(english)) <= 100
    and letters > 4 * pieces
    and 100 < np.mean(sizes) < 1000 < max(sizes),
    measured=f"n_vocab = {len(set(english))}, T: mean {np.mean(sizes):.0f}, max {max(sizes)}, "
    f"1000 or more in {sum(size >= 1000 for size in sizes)} of {len(sizes)} texts · "
    f"letters / words: T × {letters / pieces:.2f}, T² × {(letters / pieces) ** 2:.1f}",
)


# %% [markdown] id="letters-bits-text" lang="en"
# Now the rest. The usual answer is that a letter by itself says little, so that a vector for it can carry little. To see in figures how much there is in this, we let a very simple model predict the next unit from the last few: it counts what followed them in the training text; from each count it takes 0.75 away and shares out the probability so saved as the shorter context would have it (*absolute discounting*, Ney, Essen and Kneser, 1994, in the interpolated form). Its skill is measured in **bits per character** of new text, $-\frac{1}{\text{characters}} \sum \log_2 p$, where $p$ is the probability that the model gave to the unit which really came, and the sum runs over all units: a probability of 1/2 costs 1 bit, 1/8 costs 3, a probability of 1 costs none. (It is the primer's cross-entropy; a bit is $\ln 2 = 0.693$ nats.) The fewer, the better. Per character and not per unit, or else the longer unit would have the harder task.
#
# **Predict:** with *one* unit of context, which predictor is better, that of letters or that of the tokens that this lesson makes (512 of them)?
# %% [markdown] id="letters-bits-text" lang="ru"
# Теперь об остальном. Обычно отвечают так: буква сама по себе мало что значит, и её вектор мало что может нести. Посмотрим в числах, насколько это верно. Пусть очень простая модель предсказывает следующую единицу по нескольким предыдущим: она подсчитывает, что шло за ними в обучающем тексте; от каждого числа отнимает 0.75, а освободившуюся вероятность раздаёт так, как велит более короткий контекст (*абсолютное дисконтирование* в интерполированной форме; Ney, Essen, Kneser, 1994). Её качество измеряется в **битах на символ** нового текста, $-\frac{1}{\text{число символов}} \sum \log_2 p$, где $p$ — вероятность, которую модель дала единице, действительно стоявшей на этом месте, а сумма берётся по всем единицам: верный ответ с вероятностью 1/2 стоит 1 бит, с вероятностью 1/8 — 3 бита, с вероятностью 1 — ноль бит. (Это кросс-энтропия из введения; бит — $\ln 2 = 0.693$ ната.) Чем меньше, тем лучше. На символ, а не на единицу: иначе у более длинной единицы и задача была бы труднее.
#
# **Предскажите:** какой предсказатель лучше, когда контекст — *одна* единица: по буквам или по токенам, которые мы сделаем в этом уроке (их 512)?
# %% id="letters-bits"
def bits_per_character(train, test, order, characters, discount=0.75):
    """Interpolated absolute discounting over sequences of ids, given the last ``order`` units."""
    tables = [defaultdict(Counter) for _ in range(order + 1)]
    for n, table in enumerate(tables):
        for i in range(n, len(train)):
            table[tuple(train[i - n : i])][train[i]] += 1
    totals = [{context: sum(table[context].values()) for context in table} for table in tables]
    bits, kinds = 0.0, len(set(train) | set(test))
    for i, unit in enumerate(test):
        p = 1 / kinds  # before anything is known
        for n in range(min(order, i) + 1):
            context = tuple(test[i - n : i])
            if context not in totals[n]:
                break
            counts, total = tables[n][context], totals[n][context]
            p = max(counts[unit] - discount, 0) / total + discount * len(counts) / total * p
        bits -= math.log2(p)
    return bits / characters


small = Tokenizer.train(english, 512)
schemes = {
    "letters": [list(map(ord, text)) for text in (english, english_new)],
    "tokens": [small.encode(text) for text in (english, english_new)],
}
characters = len(english_new)
bits = {name: [] for name in schemes}
length = {name: characters / len(new) for name, (_, new) in schemes.items()}
print("context:    ", *(f"{order:5} unit{'s' * (order > 1):1}" for order in range(1, 7)))
for name, (known, new) in schemes.items():
    for order in range(1, 7) if name == "letters" else (1, 2):
        bits[name].append(bits_per_character(known, new, order, characters))
    print(
        f"{name:8} bits",
        *(f"{value:11.2f}" for value in bits[name]),
        f"  ({length[name]:.2f} characters a unit)",
    )
claim(
    "2.2",
    holds=all(
        token < letter for token, letter in zip(bits["tokens"], bits["letters"], strict=False)
    )
    and bits["letters"][2] < bits["tokens"][0]
    and bits["tokens"][1] < min(bits["letters"]),
    measured=f"1 unit: {bits['letters'][0]:.2f} → {bits['tokens'][0]:.2f}, 2 units: {bits['letters'][1]:.2f} → {bits['tokens'][1]:.2f} (bits / character) · "
    f"3 letters: {bits['letters'][2]:.2f}, the best of letters: {min(bits['letters']):.2f} · "
    f"window of {window}: {window / length['letters']:.0f} → {window * length['tokens']:.0f} characters",
)


# %% id="letters-figure"
def reach(sizes, order):
    """Characters from the start of the context to a character, on average: in earlier units, in its own."""
    before = sum(size * sum(sizes[max(0, i - order) : i]) for i, size in enumerate(sizes))
    inside = sum(size * (size - 1) / 2 for size in sizes)  # earlier characters of the token itself
    return before / sum(sizes), inside / sum(sizes)


sizes = {
    "letters": [1] * characters,
    "tokens": [len(small.token_bytes(number)) for number in schemes["tokens"][1]],
}
for order in (1, 2):
    before, inside = reach(sizes["tokens"], order)
    print(
        f"context of {order} token{'s' * (order > 1)}: {before:.1f} + {inside:.1f} = {before + inside:.1f} characters"
    )
contexts = {
    name: [sum(reach(sizes[name], n + 1)) for n in range(len(found))]
    for name, found in bits.items()
}
show(curves.bits_per_character(contexts, bits), "bpe_bits_per_character")

# %% [markdown] id="letters-after" lang="en"
# So the answer to the open question is: mostly it is the same problem in another form. At an equal *number* of units the tokens predict far better, because a window of so many tokens holds twice the text. The figure compares the two at equal *characters* of context, and there the lead nearly goes.
#
# One token of context reaches 3.2 characters on average. Of these `2.3` are the token before; the other `0.9` are the part of the token itself that has already been predicted, since to predict a token is to predict its characters one by one. With this reach the tokens do a little worse than three letters, 2.40 bits against 2.22. Two tokens reach 5.4 characters and do a little better than any number of letters, 1.98 against 2.06: long contexts of letters are rare in our small text, and from five letters on the prediction gets worse. So what remains for the tokens is a small lead on a small text. The rest of it was the reach of the context, which a model with letters could make up for with a longer window, at the price named in the first paragraph of this section.
# %% [markdown] id="letters-after" lang="ru"
# Итак, ответ на вопрос конспекта: по большей части это та же беда в другом виде. При равном *числе* единиц токены предсказывают гораздо лучше, потому что в окно из стольких же токенов входит вдвое больше текста. На рисунке способы сравниваются при равном числе *символов* контекста, и там преимущество почти исчезает.
#
# Один токен контекста охватывает в среднем 3.2 символа. Из них `2.3` — предыдущий токен, ещё `0.9` — уже предсказанная часть самого токена: предсказать токен значит предсказать его символы один за другим. С таким контекстом токены справляются чуть хуже, чем три буквы: 2.40 бита против 2.22. Два токена охватывают 5.4 символа и справляются чуть лучше, чем любое число букв: 1.98 против 2.06, — потому что длинные буквенные контексты в нашем маленьком тексте редки, и начиная с пяти букв предсказание ухудшается. Так что токенам остаётся небольшое преимущество, измеренное на небольшом тексте. Остальное давала длина контекста, а её модель с буквами могла бы наверстать более длинным окном — ценой, о которой сказано в первом абзаце этого раздела.


# %% [markdown] id="words" lang="en"
# ## 4. Words never end
#
# At the other end stand words: short sequences, and a list that never closes. **Predict:** after the first thousand words of the text 362 different ones have been seen. How many after ten thousand, and after all 58 thousand? Does the list fill up? (Beside the documentation stands the course's own text, in two languages. A *word* is something else here than in section 1: a run of letters in lower case, without the space before it; punctuation does not count.)
# %% [markdown] id="words" lang="ru"
# ## 4. Слова не кончаются
#
# Другая крайность — слова: последовательности короткие, зато список никак не кончается. **Предскажите:** среди первой тысячи слов текста 362 различных. Сколько их среди первых десяти тысяч? Среди всех 58 тысяч? Заполнится ли список? (Кроме документации взят текст самого курса на двух языках. *Слово* здесь не то же, что в разделе 1: это цепочка букв в нижнем регистре, без пробела впереди; знаки препинания не считаются.)
# %% id="words-heaps"
def growth(words, points):
    """How many distinct words have been seen at each point."""
    seen, found = set(), []
    for read, word in enumerate(words, start=1):
        seen.add(word)
        if read in points:
            found.append(len(seen))
    return found


running = {
    "library-docs": library_docs.words(library_docs.frozen()),
    "english": preprocessing.lower(
        preprocessing.strip_special("\n".join(course_text.frozen("en")).split())
    ),
    "russian": preprocessing.lower(
        preprocessing.strip_special("\n".join(course_text.frozen("ru")).split())
    ),
}
POINTS = (100, 300, 1000, 3000, 6000, 10_000, 30_000, 58_000)
distinct = {name: growth(words, POINTS) for name, words in running.items()}
for name, found in distinct.items():
    print(f"{name:8}", dict(zip(POINTS, found, strict=False)))
slopes = np.diff(np.log(distinct["library-docs"])) / np.diff(np.log(POINTS))
late = len(set(running["library-docs"][-5000:]) - set(running["library-docs"][:-5000])) / 5
print(f"new words per 1000 words at the end: {late:.1f}")
print("slope between the points:", *(f"{slope:.2f}" for slope in slopes))
claim(
    "2.3",
    holds=0.4 < min(slopes)
    and max(slopes) < 1
    and late > 10
    and all(a < b for found in distinct.values() for a, b in zip(found, found[1:], strict=False)),
    measured=f"58000 words: n_vocab = {distinct['library-docs'][-1]}, slope {min(slopes):.2f} … {max(slopes):.2f}, {late:.1f} new per 1000 · "
    f"6000 words: en {distinct['english'][4]}, ru {distinct['russian'][4]}",
)

# %% id="words-figure"
show(curves.heaps(POINTS, distinct), "bpe_heaps")

# %% [markdown] id="words-after" lang="en"
# It does not. On logarithmic axes the curves are nearly straight: the number of words grows as a power of the text's length, $n = c\,x^a$ (*Heaps' law*, found by Herdan in 1960). Here $x$ is the number of words read, $n$ the number of different ones among them, $c$ a constant of the text, and $a$ the exponent. Since $\ln n = \ln c + a \ln x$, the exponent is the slope of the line. Between our points it lies between 0.57 and 0.76. It falls a little as we read on, from about 0.7 to about 0.6, but it stays far from 0, at which the list would be full: even at the end of these 58 thousand words every thousand words bring dozens of new ones. Extended to the billions of words that a model is trained on, that makes millions; the vectors of Google News in lesson 01 have three million rows, phrases among them. And a Russian text of the same length has two thirds more different words.
# %% [markdown] id="words-after" lang="ru"
# Не заполнится. В логарифмических осях кривые почти прямые: число слов растёт как степень длины текста, $n = c\,x^a$ (*закон Хипса*; его ещё в 1960 году нашёл Хердан, Herdan). Здесь $x$ — сколько слов прочитано, $n$ — сколько среди них различных, $c$ — постоянная, своя у каждого текста, $a$ — показатель. Поскольку $\ln n = \ln c + a \ln x$, показатель — это наклон прямой. Между нашими точками он лежит от 0.57 до 0.76. По мере чтения он немного уменьшается, примерно от 0.7 до 0.6, но остаётся далеко от 0, при котором список был бы полон: даже в конце этих 58 тысяч слов каждая тысяча приносит десятки новых. Если продолжить до миллиардов слов, на которых обучают модели, получатся миллионы: у векторов Google News из урока 01 три миллиона строк, правда, вместе с фразами. А в русском тексте той же длины различных слов больше на две трети.

# %% [markdown] id="merges" lang="en"
# ## 5. Byte-pair encoding, by hand
#
# The way out was found in 1994 as a method to compress files: Gage replaced the most frequent pair of neighbouring bytes by a new byte, again and again, hence the name *byte-pair encoding* (BPE). In 2016 it was taken up for translation (Sennrich, Haddow and Birch). The text to learn from is called the *corpus*. A word is a row of *symbols*, and a symbol is a unit that the word consists of at the moment; at first these are its letters.
#
# Count which two symbols stand side by side most often *inside words*. Make these two into one new symbol, wherever they are neighbours: this is a **merge**. Put the new symbol on the list. Count again. Repeat until the list is as long as you like. The symbols on the finished list are the tokens.
#
# Take a pencil. The corpus has four words: *low* five times, *lower* twice, *newest* six times, *widest* three times. **Predict** the first pair. (Every occurrence of a word counts: the pair *l o* stands five times in *low* and twice in *lower*.)
# %% [markdown] id="merges" lang="ru"
# ## 5. Кодирование пар байтов вручную
#
# Выход нашли в 1994 году как способ сжимать файлы: Gage раз за разом заменял самую частую пару соседних байтов одним новым байтом — отсюда и название *кодирование пар байтов* (byte-pair encoding, BPE). В 2016 году способ применили к переводу (Sennrich, Haddow, Birch). Текст, по которому учатся, называют *корпусом* (corpus). Слово — это ряд *символов* (symbols), а символ — одна из единиц, из которых слово состоит на этом шаге; сначала это буквы. (В выражениях «бит на символ» и «символы Юникода» это по-прежнему отдельный знак.)
#
# Посчитаем, какие два символа чаще всего стоят рядом *внутри слов*. Сделаем из них один новый символ всюду, где они соседи, — это и есть **слияние** (merge). Внесём новый символ в список. Посчитаем снова. Повторяем, пока список не станет таким длинным, как нам надо. Символы готового списка и есть токены.
#
# Возьмите карандаш. В корпусе четыре слова: *low* пять раз, *lower* два, *newest* шесть, *widest* три. **Предскажите** первую пару. (Считается каждое вхождение слова: пара *l o* стоит пять раз в *low* и два — в *lower*.)
# %% id="merges-steps"
words = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
for number, step in enumerate(merge_steps(words, 6), start=1):
    best = sorted(step.pairs.items(), key=lambda item: -item[1])[:3]  # the three largest counts
    print(f"{number}.", "  ".join(f"{left}·{right} {count}" for (left, right), count in best))
    print(
        f"   {step.left} + {step.right} →",
        "   ".join(" ".join(symbols) for symbols, _ in step.words),
    )

# %% [markdown] id="merges-after" lang="en"
# *e s* and *s t* both stand nine times, six in *newest* and three in *widest*. Which of two equally frequent pairs (a *tie*) is merged must be settled by a rule, the same one always, or two programs will disagree for ever after. Our rule needs an order of the symbols: first the letters by the alphabet, then the new symbols as merges make them. Of equally frequent pairs we take the one whose left symbol comes earlier in that order; if the left symbols are equal, the one whose right symbol comes earlier. So *e s* goes before *s t*; and in the fifth step, where *n e*, *e w* and *w est* all stand six times, *e w* is merged, because *e* comes before *n* and *w*. (Hugging Face's library has the same rule.)
#
# The second merge already joins a symbol that the first has made. Nobody plans for three letters or four: *est* and *low* arise by themselves.
# %% [markdown] id="merges-after" lang="ru"
# *e s* и *s t* стоят рядом по девять раз — шесть в *newest* и три в *widest*. Пары равны, и какую взять, решает правило — всегда одно и то же, иначе две программы разойдутся навсегда. Нашему правилу нужен порядок символов: сначала буквы по алфавиту, затем новые символы в том порядке, в каком их создают слияния. Из одинаково частых пар берём ту, у которой левый символ стоит в этом порядке раньше, а если левые одинаковы — ту, у которой раньше стоит правый. Поэтому *e s* идёт раньше, чем *s t*, а на пятом шаге, где *n e*, *e w* и *w est* стоят по шесть раз, сливается *e w*: буква *e* стоит раньше, чем *n* и *w*. (В библиотеке Hugging Face правило то же.)
#
# Уже второе слияние присоединяет символ, созданный первым. Тройки и четвёрки букв никто не планирует: *est* и *low* возникают сами.
# %% id="merges-figure"
show(drawings.bpe_merges(), "bpe_merges")


# %% [markdown] id="merges-code" lang="en"
# Twenty lines hold all of it. A word is a list of symbols; `merge_pair` makes two neighbours one wherever they stand (you will write it in 17.2). A `Counter` would take ties as they come, so the rule is written out: tuples are compared item by item, and with the minus sign the largest count is the smallest number.
# %% [markdown] id="merges-code" lang="ru"
# Всё это умещается в двадцать строк. Слово — список символов; `merge_pair` делает двух соседей одним символом всюду, где они стоят (её вы напишете в 17.2). `Counter` из равных пар взял бы первую попавшуюся, поэтому правило выписано: кортежи сравниваются по порядку, а со знаком минус наибольшая частота становится наименьшим числом.
# %% id="merges-train"
def train_bpe(words, merges):
    """Learn merges from {word: count}: after Sennrich et al. (2016), section 3.2, without their end-of-word mark."""
    corpus = [(list(word), count) for word, count in words.items()]
    rank = {
        letter: n for n, letter in enumerate(sorted({x for symbols, _ in corpus for x in symbols}))
    }
    learned = []
    while len(learned) < merges:
        pairs = Counter()
        for symbols, count in corpus:
            for pair in zip(symbols, symbols[1:], strict=False):  # neighbours inside the word
                pairs[pair] += count
        if not pairs:
            break
        # the largest count; of equal ones the pair whose left symbol, then right one, is older
        left, right = min(pairs, key=lambda pair: (-pairs[pair], rank[pair[0]], rank[pair[1]]))
        corpus = [(merge_pair(symbols, left, right), count) for symbols, count in corpus]
        rank.setdefault(left + right, len(rank))
        learned.append((left, right))
    return learned


mine = train_bpe(words, 10)
print(mine)
packaged = [(merge.left, merge.right) for merge in learn_merges(words, 10)]
sample = Counter(piece for piece in pre_tokens(english[:30_000]))
equal = mine == packaged and train_bpe(sample, 100) == [
    (m.left, m.right) for m in learn_merges(sample, 100)
]
lengths = Counter(len(left + right) for left, right in train_bpe(sample, 100))
claim(
    "2.5",
    holds=equal and mine[:3] == [("e", "s"), ("es", "t"), ("l", "o")] and max(lengths) >= 3,
    measured=f"train_bpe = learn_merges: {equal} · 100 merges, length: {dict(sorted(lengths.items()))}",
)

# %% [markdown] id="merges-explorer-text" lang="en"
# Now step through it. Say before each step which pair is next; then type a word of your own and see what the merges made so far do to it.
# %% [markdown] id="merges-explorer-text" lang="ru"
# Теперь пройдите это по шагам. Перед каждым шагом говорите, какая пара следующая; потом введите своё слово и посмотрите, что с ним делают уже сделанные слияния.
# %% id="merges-explorer"
explore_merge_stepper(words, 10, own="lowest")


# %% [markdown] id="order" lang="en"
# ## 6. Reading a new word
#
# What has been learnt is a list of merges, in their order. A new word is read by the same order: start from its letters; among the pairs that stand in it, make the merge that was learned **earliest**; look again; stop when no pair is on the list. *Lowest*, which the text did not have, becomes *low* and *est*.
#
# It is tempting to do something simpler: walk from the left and take the longest token that fits. **Predict:** does that give the same?
# %% [markdown] id="order" lang="ru"
# ## 6. Как кодируется новое слово
#
# Выучен список слияний в определённом порядке. Новое слово кодируют в том же порядке: начинаем с букв; из пар, которые в нём есть, сливаем ту, что выучена **раньше всех**; смотрим снова; останавливаемся, когда ни одной пары из списка не осталось. *Lowest*, которого в тексте не было, превращается в *low* и *est*.
#
# Напрашивается способ попроще: идти слева и брать самый длинный подходящий токен. **Предскажите:** получится ли то же самое?
# %% id="order-encode"
def encode(word, merges):
    """Apply merges to a word in the order in which they were learned."""
    rank = {pair: n for n, pair in enumerate(merges)}
    symbols = list(word)
    while True:
        found = [pair for pair in zip(symbols, symbols[1:], strict=False) if pair in rank]
        if not found:
            return symbols
        symbols = merge_pair(symbols, *min(found, key=rank.__getitem__))


def longest_match(word, tokens):
    """The greedy way: the longest token at each place, from the left."""
    symbols = []
    while word:
        size = next((n for n in range(len(word), 1, -1) if word[:n] in tokens), 1)
        symbols.append(word[:size])
        word = word[size:]
    return symbols


print("lowest →", encode("lowest", mine))
merges = [(m.left, m.right) for m in learn_merges(Counter(pre_tokens(english)), 1000)]
tokens = {left + right for left, right in merges}
new_words = sorted(set(pre_tokens(english_new)))
different = [word for word in new_words if encode(word, merges) != longest_match(word, tokens)]
print(f"{len(different)} of {len(new_words)} words differ (merge order, longest match):")
for word in different[100:400:100]:
    print(f"  {word!r:16}", encode(word, merges), longest_match(word, tokens))
assert len(different) > 100

# %% id="order-figure"
show(drawings.bpe_order(), "bpe_order")

# %% [markdown] id="order-after" lang="en"
# It does not: of the distinct words of the new text a fifth are cut differently, and a model that was trained on one of the two and is fed the other sees sequences that it has never met. The order of the merges is part of the tokenizer, as much as the list of tokens.
# %% [markdown] id="order-after" lang="ru"
# Не получится: из различных слов нового текста пятая часть режется иначе, и модель, которую обучали на одних разрезах, а применяют к другим, видит последовательности, каких никогда не встречала. Порядок слияний — такая же часть токенизатора, как и список токенов.

# %% [markdown] id="pieces" lang="en"
# ## 7. What no token may cross
#
# Merges are made inside words, so something has to say what a word is. GPT-2 cuts the text by a regular expression: contractions such as *'s*; letters, or digits, or other signs, each with at most *one* space before them; or white space. The space belongs to the word behind it, so that ` dog` in the middle of a sentence and `dog` at its beginning are two tokens; and *dog.*, *dog!* and *dog?* need not take three rows.
#
# How to read the pattern that the cell prints: its first sign is an apostrophe. `|` divides the alternatives, which are tried from left to right; `(?:…)` only groups. `\p{L}` is any letter, `\p{N}` any digit, `\s` white space, `\S` anything else, and `[^…]` is a sign that is none of those listed. `+` means one or more of what stands before it; ` ?` is one space or none. `(?!\S)` demands that nothing visible follows, and takes no sign itself: so of several spaces the last one is left to the word behind them.
# %% [markdown] id="pieces" lang="ru"
# ## 7. Границы, которых не пересекает ни один токен
#
# Слияния делаются внутри слов, значит, кто-то должен сказать, что такое слово. GPT-2 режет текст регулярным выражением: сокращения вроде *'s*; буквы, или цифры, или прочие знаки, перед которыми может стоять не больше *одного* пробела; пробельные символы. Пробел принадлежит слову, которое стоит после него, поэтому ` dog` в середине предложения и `dog` в начале — два разных токена; зато *dog.*, *dog!* и *dog?* не займут в словаре три строки.
#
# Как читать шаблон, который печатает ячейка: первый знак в нём — апостроф. `|` разделяет варианты, их пробуют слева направо; `(?:…)` только объединяет в группу. `\p{L}` — любая буква, `\p{N}` — любая цифра, `\s` — пробельный символ, `\S` — любой другой, а `[^…]` — любой знак, кроме перечисленных. `+` значит: то, что стоит перед ним, один раз или больше; ` ?` — один пробел или ни одного. `(?!\S)` требует, чтобы дальше не стояло ничего видимого, но само знаков не забирает: поэтому из нескольких пробелов последний достаётся слову после них.
# %% id="pieces-figure"
show(drawings.bpe_pieces(), "bpe_pieces")

# %% id="pieces-print"
print(GPT2_PATTERN)
for text in ("It's 2 dogs,  isn't it?", "x = arr[10]  # 3.14", "Она сказала: «Нет!»"):
    print(pre_tokens(text))
    assert "".join(pre_tokens(text)) == text

# %% [markdown] id="pieces-break-text" lang="en"
# **Break it:** leave the rule out and count pairs over whole paragraphs. **Predict** what the longest of the first 1500 tokens will be.
# %% [markdown] id="pieces-break-text" lang="ru"
# **Сломаем:** уберём правило и посчитаем пары по целым абзацам. **Предскажите**, какими будут самые длинные из первых 1500 токенов.
# %% id="pieces-break-it"
paragraphs = Counter(english.split("\n"))
uncut = ["".join(merge[:2]) for merge in learn_merges(paragraphs, 1500)]
cut = ["".join(merge[:2]) for merge in learn_merges(Counter(pre_tokens(english)), 1500)]
phrases = [token for token in uncut if " " in token.strip()]


def at_borders(token):
    """Whether most places where a token stands begin and end at borders of words."""
    plain = re.escape(token.strip())
    return 2 * len(re.findall(rf"\b{plain}\b", english)) > len(re.findall(plain, english))


of_words = [token for token in phrases if token.replace(" ", "").isalpha() and at_borders(token)]
print(
    f"tokens with a space inside: {len(phrases)} of 1500 ({len(of_words)} of whole words), with the rule {sum(' ' in t.strip() for t in cut)}"
)
print("first:", phrases[:6], "  longest:", sorted(uncut, key=len)[-4:])
assert len(of_words) > 50

# %% [markdown] id="pieces-after" lang="en"
# Phrases: whatever stands together often enough becomes one token, and *of the* takes a row of the embedding table that says nothing which *of* and *the* do not say. Fewer than half of these tokens consist of whole words; others, such as *e the*, tie the end of one word to the next. With the rule a token never crosses a border of pieces, and so far "the text" has always meant its pieces.
# %% [markdown] id="pieces-after" lang="ru"
# Фразы: всё, что достаточно часто стоит рядом, становится одним токеном, и *of the* занимает строку таблицы эмбеддингов, в которой нет ничего, чего не было бы в строках *of* и *the*. Из целых слов состоит меньше половины таких токенов; другие, например *e the*, соединяют конец одного слова со следующим словом. С правилом токен никогда не пересекает границу между кусками; и выше, говоря «текст», мы всегда имели в виду текст, уже разрезанный на куски.

# %% [markdown] id="bytes" lang="en"
# ## 8. Bytes: nothing is unknown
#
# The list of letters is itself open. A model trained on English will sooner or later meet *я*, then *猫*, then 🙂, and Unicode has more than 150,000 characters. In Sennrich's form, which begins with the characters of the training text and was GPT-1's, too, such a sign is unknown. GPT-2 (Radford et al., 2019) begins one floor lower: every text is stored as **bytes**, numbers from 0 to 255, in the code called UTF-8, where an English letter takes one byte, a Russian one two, *猫* three and an emoji such as 🙂 four. With these 256 as the alphabet there is nothing left to be unknown.
#
# To show bytes on the screen, GPT-2's files give each of the 256 a visible character; the space becomes `Ġ`. The ids of the tokens of a single byte follow the order of these characters, so that byte 97, `a`, has the id 64. (The figure writes bytes in hexadecimal, and shows what a vocabulary with a few merges for these characters would do; ours has none for them.)
# %% [markdown] id="bytes" lang="ru"
# ## 8. Байты: ничего неизвестного
#
# Список букв тоже никогда не полон. Модель, обученная на английском, рано или поздно встретит *я*, потом *猫*, потом 🙂, а в Юникоде больше 150 000 символов. В варианте Sennrich et al., который начинает с символов обучающего текста (он же и в GPT-1), такой знак неизвестен. GPT-2 (Radford et al., 2019) начинает этажом ниже: любой текст хранится как **байты**, числа от 0 до 255, в кодировке UTF-8, где английская буква занимает один байт, русская — два, *猫* — три, а эмодзи вроде 🙂 — четыре. Когда алфавит состоит из этих 256 чисел, неизвестному взяться неоткуда.
#
# Чтобы байты можно было показать на экране, в файлах GPT-2 у каждого из 256 есть видимый символ; пробел становится `Ġ`. Номера токенов одиночных байтов идут в порядке этих символов, поэтому у байта 97, то есть `a`, номер 64. (На рисунке байты записаны в шестнадцатеричной системе и показано, что сделал бы словарь, в котором для этих символов есть слияния; в нашем их нет.)
# %% id="bytes-figure"
show(drawings.bpe_bytes(), "bpe_bytes")

# %% id="bytes-claim"
characters_known = set(english)
for sign in ("a", "я", "猫", "🙂"):
    data = sign.encode()
    print(
        f"{sign}  known to the characters of the text: {sign in characters_known!s:5}  bytes {list(data)}  "
        f"{''.join(BYTE_CHARACTERS[byte] for byte in data)}  → {small.encode(sign)}"
    )
by_characters = {  # the merges of section 6, which begin with the characters of the text
    symbol: number for number, symbol in enumerate([*sorted(characters_known), *sorted(tokens)])
}
of_characters = [by_characters.get(symbol, "[UNK]") for symbol in encode("я", merges)]
print(f"я with a vocabulary of characters: {of_characters}, of bytes: {small.encode('я')}")
texts = [
    "It's 2 dogs",
    "Она сказала: «Нет!»",
    "猫が寝ています",
    "🙂🏳️‍🌈 café",
    "\t\n  x\u200d\x00",
    english_new[:3000],
    russian_new,
]
there_and_back = all(small.decode(small.encode(text)) == text for text in texts)
broken = bytes([255, 0, 128, 65, 0xD0])  # no text at all: not a valid sequence of UTF-8
invalid = small.decode_bytes(small.encode_bytes(broken)) == broken
print(
    f"{broken!r} → {small.encode_bytes(broken)} → {small.decode_bytes(small.encode_bytes(broken))!r}"
)
claim(
    "2.6",
    holds=there_and_back and invalid and of_characters == ["[UNK]"] and len(small.encode("я")) == 2,
    measured=f"decode(encode(x)) = x: {there_and_back}, invalid UTF-8: {invalid} · я: characters → {of_characters}, bytes → {small.encode('я')}",
)

# %% [markdown] id="bytes-after" lang="en"
# The first four lines show a sign, whether the alphabet of characters has it, its bytes, the same bytes as GPT-2's files write them, and the ids of its tokens. The fifth encodes *я* in both ways: with characters it is unknown (`[UNK]`), with bytes it has two ids. The sixth takes five bytes that are no text in UTF-8 at all: they become five ids, and these give the same bytes back. The verdict says that seven texts, emoji and Chinese among them, come back unchanged, too.
# %% [markdown] id="bytes-after" lang="ru"
# В первых четырёх строках — знак, есть ли он в алфавите из символов, его байты, те же байты в записи файлов GPT-2 и номера токенов. В пятой *я* закодирована обоими способами: среди символов её нет (`[UNK]`), а на байтах у неё два номера. В шестой взяты пять байтов, которые в UTF-8 вообще не текст: из них получается пять номеров, а из номеров — те же байты. В строке с вердиктом сказано, что без изменений восстановились и семь текстов, в том числе с эмодзи и по-китайски.


# %% [markdown] id="engine" lang="en"
# ## 9. Fast, and the same as everybody's
#
# Our twenty lines count all pairs anew before each merge. Thirty thousand merges over megabytes take a better idea: a merge changes pairs only *beside the places where it happens*. So the packaged trainer keeps the count of every pair up to date, remembers in which words it stands, and lets a heap (a queue that always knows its largest entry) give the next pair. Like our twenty lines, it works on the *distinct* words with their counts, of which there are far fewer than words in the text. What it learns is the same list.
#
# The same as whose? The field's tool is Hugging Face's `tokenizers`, written in Rust. We train both on three texts, with 2,048 tokens asked for, and compare all merges, the whole vocabulary and the ids of new text; then each reads the other's file. (The third text, a mixture, is so short that its pairs run out before that.)
# %% [markdown] id="engine" lang="ru"
# ## 9. Быстро — и так же, как у всех
#
# Наши двадцать строк перед каждым слиянием считают все пары заново. Для тридцати тысяч слияний на мегабайтах текста нужен способ получше. Слияние меняет пары только *рядом с теми местами, где оно произошло*. Поэтому программа из пакета хранит частоты всех пар и лишь подправляет их, помнит, в каких словах пара стоит, а следующую пару берёт из кучи (heap — очередь, которая всегда знает свой наибольший элемент). Как и наши двадцать строк, работает она с *различными* словами и их частотами: различных слов гораздо меньше, чем слов в тексте. Выучивает она тот же самый список.
#
# Тот же, что и у кого? Общепринятый инструмент — `tokenizers` от Hugging Face, написанный на Rust. Обучим обе программы на трёх текстах, задав 2048 токенов, и сравним все слияния, весь словарь и номера токенов нового текста; потом каждая прочтёт файл другой. (Третий текст, смешанный, так короток, что пары в нём кончаются раньше.)
# %% id="engine-identical"
def hugging_face(text, size):
    """A byte-level BPE tokenizer trained by Hugging Face's library."""
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    theirs.train_from_iterator([text], trainer)
    return theirs


mixed = "🙂 дом house 猫 naïve 🏳️‍🌈 " * 3 + russian[:2000] + english[:2000]
for name, text, new in (
    ("english", english, english_new),
    ("russian", russian, russian_new),
    ("mixed", mixed, "🙂🙂 домик, houses 猫猫"),
):
    ours, theirs = Tokenizer.train(text, 2048), hugging_face(text, 2048)
    visible = {
        "".join(BYTE_CHARACTERS[byte] for byte in token): number
        for token, number in ours.vocabulary.items()
    }
    same = visible == theirs.get_vocab(), ours.encode(new) == theirs.encode(new).ids
    with tempfile.TemporaryDirectory() as folder:
        ours.save(Path(folder) / "ours.json")
        theirs.save(str(Path(folder) / "theirs.json"))
        read = tokenizers.Tokenizer.from_file(str(Path(folder) / "ours.json")).encode(new).ids
        back = Tokenizer.load(Path(folder) / "theirs.json")
    same += (
        read == ours.encode(new),
        back.encode(new) == theirs.encode(new).ids and back.merges == ours.merges,
    )
    print(
        f"{name:8} {len(ours):5} tokens   vocabulary {same[0]}, ids {same[1]}, they read ours {same[2]}, we read theirs {same[3]}"
    )
    assert all(same)

# %% [markdown] id="size" lang="en"
# ## 10. How large a vocabulary?
#
# `vocab_size`, the libraries' name for $n_{vocab}$, is yours to choose. Every further token makes the sequences a little shorter and the embedding table a row longer. **Predict:** from 4,096 tokens to 8,192, how much shorter does new text become? And how often does a typical one of the added tokens occur in the whole training text?
#
# The first column of the table says how many tokens a word of *new* text takes, a word being what stands between two spaces, punctuation included. The other two are about the *training* text, in which some tokens are rare, that is, seen fewer than ten times: what share of the vocabulary they are, and what share of the tokens of the running text.
# %% [markdown] id="size" lang="ru"
# ## 10. Какого размера словарь?
#
# `vocab_size` — так в библиотеках называется $n_{vocab}$ — выбираете вы. Каждый следующий токен чуть укорачивает последовательности и удлиняет таблицу эмбеддингов на строку. **Предскажите:** насколько меньше токенов займёт новый текст, если перейти от 4096 токенов к 8192? И сколько раз типичный из добавленных токенов встречается во всём обучающем тексте?
#
# Первый столбец таблицы говорит, сколько токенов приходится на слово *нового* текста; слово здесь — всё, что стоит между двумя пробелами, вместе со знаками препинания. Два других относятся к *обучающему* тексту. Некоторые токены в нём редки, то есть встречаются меньше десяти раз; столбцы говорят, какую долю они составляют в словаре и какую — среди токенов текста.
# %% id="size-table"
SIZES = (512, 1024, 2048, 4096, 8192)
by_size = {size: Tokenizer.train(english, size) for size in SIZES}
russian_by_size = {size: Tokenizer.train(russian, size) for size in SIZES[:-1]}
extract = {size: coverage(tokenizer, english, english_new) for size, tokenizer in by_size.items()}
print(" size   tokens/word   tokens seen < 10 times: of the vocabulary, of the text")
for size, row in extract.items():
    print(
        f"{size:5} {row['tokens per word']:10.2f} {row['rare of vocabulary']:22.3f} {row['rare of text']:20.3f}"
    )
learned = learn_merges(
    {word.encode(): n for word, n in Counter(pre_tokens(english)).items()}, 8192 - 256
)
added = [merge.count for merge in learned[4096 - 256 :]]
print("merge, count:", {n + 1: learned[n].count for n in (0, 99, 999, 3999, len(learned) - 1)})
print(f"merges {4096 - 256 + 1} … {len(learned)}: median count {np.median(added):.0f}")

# %% [markdown] id="size-all-text" lang="en"
# Our text is small: it is an extract, that is, a selection from the documentation of Python and three libraries, a twentieth of what the documentation of all installed packages holds. Does the picture depend on that? On the whole of the documentation we measured the same figures beforehand (by the terminal command `course measure bpe-vocabulary-size`, which you need not run), up to a vocabulary of the size that real models have; the last column is the count of the last merge. One row of the recorded table belongs to the extract, and `recomputed` says whether it agrees with what we have just counted. (Do not compare the tokens per word of the two tables: each is counted on new text of its own.)
# %% [markdown] id="size-all-text" lang="ru"
# Наш текст мал: это выборка из документации Python и трёх библиотек, двадцатая часть документации всех установленных пакетов. Зависит ли картина от этого? На всей документации мы заранее измерили те же величины (командой терминала `course measure bpe-vocabulary-size`; запускать её не нужно) — вплоть до словаря такого размера, какой бывает у настоящих моделей; последний столбец — частота последнего слияния. Одна строка записанной таблицы относится к выборке, и `recomputed` сообщает, совпала ли она с тем, что мы посчитали только что. (Число токенов на слово в двух таблицах не сравнивайте: новый текст у каждой свой.)
# %% id="size-all"
rows = recorded("bpe-vocabulary-size")["rows"]
everything = {row["size"]: row for row in rows if row["text"] == "all"}
again = next(row for row in rows if row["text"] == "extract")
same = (
    all(abs(again[name] - value) < 1e-6 for name, value in extract[again["size"]].items())
    and again["last merge"] == learned[again["size"] - 257].count
)
print(f"recomputed: {same}")
assert same
print(f"characters: {len(english)} and {everything[256]['characters']}")
print(" size   tokens/word   of the vocabulary, of the text   last merge")
for size, row in everything.items():
    print(
        f"{size:5} {row['tokens per word']:10.2f} {row['rare of vocabulary']:18.3f} {row['rare of text']:16.3f} {row['last merge']:14}"
    )


def saved(table, size):
    """The share of the tokens of new text that a vocabulary twice as large saves."""
    return 1 - table[2 * size]["tokens per word"] / table[size]["tokens per word"]


shortening = [[row["tokens per word"] for row in table.values()] for table in (extract, everything)]
claim(
    "2.8",
    holds=all(values == sorted(values, reverse=True) for values in shortening)
    and learned[-1].count <= 2
    and everything[32768]["last merge"] <= 2
    and extract[8192]["rare of vocabulary"] > 0.9
    and everything[8192]["rare of vocabulary"] < 0.2 < 0.7 < everything[32768]["rare of vocabulary"]
    and saved(extract, 4096) < 0.1
    and saved(everything, 16384) < 0.05,
    measured=f"0.3 MB, 4096 → 8192: tokens −{saved(extract, 4096):.1%}, seen < 10 times {extract[8192]['rare of vocabulary']:.1%} · "
    f"6 MB (recorded), 16384 → 32768: −{saved(everything, 16384):.1%}, {everything[32768]['rare of vocabulary']:.1%}",
)

# %% id="size-figures"
per_word = {
    "library-docs-extract": (list(extract), shortening[0]),
    "library-docs-all": (list(everything), shortening[1]),
    "russian": (
        list(russian_by_size),
        [len(t.encode(russian_new)) / len(russian_new.split()) for t in russian_by_size.values()],
    ),
}
show(
    curves.tokens_per_word(
        {name: sizes for name, (sizes, _) in per_word.items()},
        {name: values for name, (_, values) in per_word.items()},
    ),
    "bpe_tokens_per_word",
)
by_text = {"library-docs-extract": extract, "library-docs-all": everything}
show(
    curves.rare_share(
        {name: list(table) for name, table in by_text.items()},
        {
            name: [row["rare of vocabulary"] for row in table.values()]
            for name, table in by_text.items()
        },
        {name: [row["rare of text"] for row in table.values()] for name, table in by_text.items()},
    ),
    "bpe_rare_share",
    limit=10,
)
show(
    curves.last_merges(range(1, len(learned) + 1), [merge.count for merge in learned]),
    "bpe_last_merges",
)

# %% [markdown] id="size-after" lang="en"
# On the extract the last doubling of the table shortens the text by 7 %, and the added merges typically join pairs that occur once or twice: of 8,192 tokens nine in ten are seen less than ten times, and some never, because later merges have swallowed them; their rows are hardly ever trained. With twenty times as much text 8,192 tokens are no extravagance: one in ten is rare, and the pair of the last merge was seen `19` times. A similar extravagance is reached at 32,768: more than three quarters of the rows are rare (77.9 %, against 91 % on the extract at 8,192), they make up less of the text (5.2 % against 20.3 %), and the last doubling saves less than 3 %. So the sensible size grows with the text, and no number is good by itself. (On the left of both panels the solid curve falls: half of a small list or more are the single bytes, most of which our texts hardly contain.)
#
# The models of section 18 have about 30 to 60 thousand tokens for one language and 32 to 250 thousand for several. These numbers are cited, not tested here; the texts behind them are measured in gigabytes. For many languages in one model it matters also that each gets its share: Chung et al. (2020) cluster the languages and give each cluster a vocabulary of its own. On this idea XLM-V (Liang et al., 2023) built a million tokens, an exception far above that range.
# %% [markdown] id="size-after" lang="ru"
# На выборке последнее удвоение таблицы укорачивает текст на 7 %, а добавленные слияния обычно соединяют пары, которые встретились раз или два: из 8192 токенов девять из десяти встречаются меньше десяти раз, а некоторые — ни разу, потому что их поглотили более поздние слияния; строки таких токенов почти не обучаются. Когда текста в двадцать раз больше, 8192 токена — уже не излишество: редок один из десяти, а пара последнего слияния встретилась `19` раз. Столь же избыточен здесь словарь из 32768 токенов: редки больше трёх четвертей строк (77.9 %; на выборке при 8192 токенах — 91 %), в тексте на них приходится меньше (5.2 % против 20.3 %), а последнее удвоение экономит меньше 3 %. Значит, разумный размер растёт вместе с текстом, и ни одно число не хорошо само по себе. (В левой части обеих панелей сплошная кривая падает: маленький список наполовину или больше состоит из одиночных байтов, большинство которых в наших текстах почти не встречается.)
#
# У моделей из раздела 18 для одного языка примерно 30–60 тысяч токенов, для нескольких — от 32 до 250 тысяч. Эти числа взяты из публикаций, здесь они не проверялись; текста за ними — гигабайты. Если языков в модели много, важно и то, чтобы каждому досталась своя доля: Chung et al. (2020) объединяют языки в группы и строят словарь для каждой. В XLM-V (Liang et al., 2023) на этой идее построили словарь из миллиона токенов — исключение, далеко выходящее за эти пределы.

# %% [markdown] id="inspector" lang="en"
# ## 11. Look at what you got
#
# A vocabulary is a list that can be read, and reading it takes a minute. How long are the tokens? Which are the last, which the longest? Are there phrases, names, abbreviations, scraps of typos? (A byte that is no character by itself is shown as � and counts as one.)
# %% [markdown] id="inspector" lang="ru"
# ## 11. Посмотрите, что получилось
#
# Словарь — это список, и просмотреть его можно за минуту. Какой длины токены? Какие последние, какие самые длинные? Нет ли в нём фраз, имён, сокращений, обрывков слов с опечатками? (Байт, который сам по себе не символ, показан как � и считается за один.)
# %% id="inspector-lengths"
tokenizer = by_size[4096]
texts_of = [
    tokenizer.token_bytes(number).decode("utf-8", errors="replace")
    for number in range(len(tokenizer))
]
lengths = Counter(map(len, texts_of))
pieces_of_text = set(pre_tokens(english))
whole = [
    text for text in texts_of if len(text) > 2 and text.strip().isalpha() and text in pieces_of_text
]
print("length:", dict(sorted(lengths.items())))
show(
    curves.token_lengths(sorted(lengths), {"library-docs": [lengths[n] for n in sorted(lengths)]}),
    "bpe_token_lengths",
)
claim(
    "2.4",
    holds=lengths[1] == 256 and len(whole) > len(tokenizer) / 4 and max(lengths) > 12,
    measured=f"1 … {max(lengths)} characters · {lengths[1]} single, {len(whole)} whole words of {len(tokenizer)}",
)

# %% id="inspector-last"
occurrences = Counter(tokenizer.encode(english))
last = texts_of[-12:]
print("last:   ", last)
print("longest:", sorted(texts_of, key=len)[-6:])
print("capitals:", [t for t in texts_of if len(t) > 3 and t.strip().isupper()][:8])
large = by_size[8192]
once = [
    number
    for number, count in Counter(large.encode(english)).items()
    if count <= 2 and number >= 256
]
print(
    f"8192: seen once or twice: {len(once)}, for example",
    [large.token_bytes(n).decode() for n in sorted(once)[-6:]],
)
claim(
    "2.9",
    holds=len(of_words) > 50 and len(once) > len(large) / 3,
    measured=f"over a space, uncut: {len(phrases)} of 1500, {len(of_words)} of whole words · seen once or twice: {len(once)} of {len(large)}",
)

# %% [markdown] id="inspector-after" lang="en"
# So a token is *more than a letter and less than a word* for only part of the list: at one end stand the 256 single bytes, and nearly half of all are whole words, space included. A fragment such as ` JSO` is no word and no syllable, but a step to a later merge: it became ` JSON`.
#
# That a vocabulary should hold no rare names, abbreviations and phrases is advice, not a fact that could be tested; what we measured is what the advice is against. Phrases are kept out by the rule of section 7. Against names, abbreviations and words that occur twice helps a smaller vocabulary, more text, or a least count below which no pair is merged (`min_count` in our trainer, `min_frequency` in Hugging Face's). A name that is frequent stays, and should.
# %% [markdown] id="inspector-after" lang="ru"
# Так что *больше буквы и меньше слова* токены лишь в части списка: на одном его конце стоят 256 одиночных байтов, а почти половина всех токенов — целые слова вместе с пробелом. Обрывок вроде ` JSO` — не слово и не слог, а ступень к более позднему слиянию: из него вышел ` JSON`.
#
# Совет не держать в словаре редких имён, сокращений и фраз — это норма, а не факт, который можно проверить; измерено то, от чего он предостерегает. От фраз спасает правило из раздела 7. От имён, сокращений и слов, встретившихся дважды, — словарь поменьше, текст побольше или наименьшая частота, ниже которой пары не сливают (`min_count` в нашем обучении, `min_frequency` у Hugging Face). Частое имя остаётся, и пусть остаётся.

# %% [markdown] id="foreign" lang="en"
# ## 12. A language that the vocabulary has never seen
#
# Nothing is unknown to bytes, but not everything is cheap. **Predict:** into how many tokens does the English vocabulary of 4,096 cut the Russian word *непреднамеренный* (unintentional), 16 letters? And a vocabulary of the same size, trained on Russian?
# %% [markdown] id="foreign" lang="ru"
# ## 12. Язык, которого словарь не видел
#
# Для байтов неизвестного нет, но не всё обходится одинаково дёшево. **Предскажите:** на сколько токенов разрежет английский словарь из 4096 токенов слово *непреднамеренный*, в котором 16 букв? А словарь того же размера, обученный на русском?
# %% id="foreign-table"
word = "непреднамеренный"
cyrillic = russian_by_size[4096]
for name, tokenizer_of in (("english", by_size[4096]), ("russian", cyrillic)):
    ids = tokenizer_of.encode(word)
    shown = [tokenizer_of.token_bytes(number).decode("utf-8", errors="replace") for number in ids]
    print(f"{name}: {len(ids):2} tokens", shown if len(ids) < 10 else "(bytes)", end="   ")
    print(
        f"new Russian text: {len(tokenizer_of.encode(russian_new)) / len(russian_new.split()):.2f} tokens a word"
    )
strawberry = [by_size[4096].token_bytes(n).decode() for n in by_size[4096].encode("strawberry")]
print(
    "strawberry:",
    strawberry,
    [cyrillic.token_bytes(n).decode() for n in cyrillic.encode("strawberry")],
)

# %% [markdown] id="foreign-after" lang="en"
# Thirty-two: every letter is two bytes, and the English text had no occasion to merge them. A Russian reader of such a model needs six times as many tokens for the same text as with a Russian vocabulary of that size (`11.59` a word against `1.82`): it costs six times as much, a sixth of it fits into the window, and the model has to put its letters together from halves. It is the reason why vocabularies of several languages are large. The word occurs in our small Russian text (it stands in this course), hence three tokens. The published vocabularies cut it into 18 tokens (GPT-3), 8 (GPT-4) and 5 (GPT-4o). These were counted with OpenAI's `tiktoken` (`r50k_base` and `p50k_base`, `cl100k_base`, `o200k_base`), not in this notebook, which downloads nothing.
# %% [markdown] id="foreign-after" lang="ru"
# Тридцать два: каждая буква — два байта, и поводов сливать их в английском тексте не было. Русскоязычному пользователю такой модели на тот же текст нужно вшестеро больше токенов, чем с русским словарём того же размера (`11.59` на слово против `1.82`): текст обходится вшестеро дороже, в окно его входит вшестеро меньше, а буквы модель должна складывать из половинок. Потому словари для многих языков и велики. В нашем маленьком русском тексте это слово есть (оно стоит в самом курсе), отсюда три токена. Опубликованные словари режут его на 18 токенов (GPT-3), на 8 (GPT-4) и на 5 (GPT-4o). Это посчитано библиотекой OpenAI `tiktoken` (`r50k_base` и `p50k_base`, `cl100k_base`, `o200k_base`), а не в этом ноутбуке: он ничего не скачивает.

# %% [markdown] id="families" lang="en"
# ## 13. The relatives: WordPiece, unigram, SentencePiece
#
# The notes say that WordPiece and SentencePiece serve models like BERT, and only languages that put spaces between words. They do serve models like BERT; what is wrong is the "only".
#
# - **WordPiece** was made for voice search in *Japanese and Korean*, as its paper says (Schuster and Nakajima, 2012). Like BPE it merges pairs, but it takes the one that raises the likelihood of the text the most. The rule usually given for this is the pair with the largest $\text{count}(ab) / (\text{count}(a)\,\text{count}(b))$: the pair whose symbols stand together most often relative to chance (its logarithm is, up to a constant, the PMI of lesson 01). A word is read by the longest match. BERT uses WordPiece, after setting every Chinese character apart. (How Google trains it has never been published in full; Hugging Face's trainer, which the cell uses, takes pairs by count, as BPE does.)
# - **Unigram** (Kudo, 2018) goes the other way. It starts with a large list and drops the tokens that are missed least: those without which the probability of the text falls least. Each token has a probability; that of a cut is the product over its tokens, and that of a text is the sum over all its cuts. The probabilities are learned by the EM algorithm (expectation maximisation). A word is cut in the most probable way.
# - **SentencePiece** (Kudo and Richardson, 2018) is not a method but a library, which offers BPE and unigram. It was made for raw text, with spaces or without, and treats the space as a sign like others (`▁`). It serves T5, XLM-R and Llama 2.
# %% [markdown] id="families" lang="ru"
# ## 13. Родственники: WordPiece, unigram, SentencePiece
#
# В конспекте сказано, что WordPiece и SentencePiece применяются в моделях вроде BERT и только для языков, где слова разделены пробелами. В моделях вроде BERT они и правда применяются; неверно слово «только».
#
# - **WordPiece** создан для голосового поиска на *японском и корейском* — так сказано в статье о нём (Schuster, Nakajima, 2012). Как и BPE, он сливает пары, но берёт ту, с которой сильнее всего растёт правдоподобие текста. Обычно правило записывают так: пара, у которой больше всего $\text{count}(ab) / (\text{count}(a)\,\text{count}(b))$, то есть та, чьи символы стоят рядом чаще всего по сравнению со случайностью (логарифм этого числа — с точностью до постоянной PMI из урока 01). Слово режут по самому длинному совпадению. WordPiece применяется в BERT, но там сначала отделяют каждый китайский иероглиф. (Как его обучают в Google, полностью не опубликовано; программа обучения из библиотеки Hugging Face, которой пользуется ячейка, выбирает пары по частоте, как BPE.)
# - **Unigram** (Kudo, 2018) идёт в обратную сторону. Он начинает с большого списка и выбрасывает самые ненужные токены — те, без которых вероятность текста падает меньше всего. У каждого токена есть вероятность; вероятность разреза — произведение по его токенам, а вероятность текста — сумма по всем его разрезам. Вероятности подбирает EM-алгоритм (expectation maximisation). Слово режут самым вероятным способом.
# - **SentencePiece** (Kudo, Richardson, 2018) — не метод, а библиотека, в которой есть BPE и unigram. Она сделана для сырого текста, с пробелами или без них, и считает пробел таким же знаком, как прочие (`▁`). Применяется в T5, XLM-R и Llama 2.
# %% id="families-figure"
show(drawings.bpe_families(), "bpe_families")

# %% id="families-claim"
chinese = (
    "我喜欢读书。猫在桌子上睡觉。今天天气很好。我们一起去学校。他在学校学习中文。老师喜欢学生。学生喜欢老师。"
    "桌子上有一本书。学校里有很多学生。今天我们学习中文。"
).replace("。", "。\n")
sentence = "今天学生在学校学习"  # Today the pupils learn at school.
by_sentencepiece = {}
for model in ("bpe", "unigram"):
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(chinese.split("\n")), model_writer=file, vocab_size=60, model_type=model,
        character_coverage=1.0, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    processor = sentencepiece.SentencePieceProcessor(model_proto=file.getvalue())
    by_sentencepiece[model] = processor.encode(sentence, out_type=str)
    print(f"SentencePiece, {model:7}", by_sentencepiece[model])

wordpiece = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
wordpiece.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
wordpiece.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
wordpiece.train_from_iterator(
    [english],
    tokenizers.trainers.WordPieceTrainer(
        vocab_size=2048, special_tokens=["[UNK]"], show_progress=False
    ),
)
print("WordPiece:", wordpiece.encode("unbelievable tokenisation 猫").tokens)
before_wordpiece = [
    piece
    for piece, _ in wordpiece.pre_tokenizer.pre_tokenize_str(
        wordpiece.normalizer.normalize_str(sentence)
    )
]
print("BERT's rule:", before_wordpiece)
claim(
    "2.7",
    holds=" " not in sentence
    and all(
        any(len(piece.strip("▁")) > 1 for piece in found) for found in by_sentencepiece.values()
    )
    and before_wordpiece == list(sentence)
    and len(pre_tokens("the dog")) == 2,
    measured=f"{sentence}: {len(by_sentencepiece['bpe'])} (bpe), {len(by_sentencepiece['unigram'])} (unigram), BERT: {len(before_wordpiece)}",
)

# %% [markdown] id="families-after" lang="en"
# Ten Chinese sentences are enough for SentencePiece to find 今天 (today), 学生 (pupil) and 学校 (school), with no space to guide it. (For WordPiece the cell tests no language without spaces: what it was made for, we take from the paper.) And being cut at spaces first is nothing that sets WordPiece apart from GPT's BPE: GPT-2 cuts there, too, by the rule of section 7. What does set them apart is the alphabet. Our WordPiece was trained on the English text and knows the characters of that text only; 猫 is not among them and becomes `[UNK]`. Bytes would have cut it into three tokens.
# %% [markdown] id="families-after" lang="ru"
# Десяти китайских предложений хватило, чтобы SentencePiece нашёл 今天 (сегодня), 学生 (ученик) и 学校 (школа) — без единого пробела. (Для WordPiece язык без пробелов ячейка не проверяет: для чего он создан, мы знаем из статьи.) А то, что текст сначала режут по пробелам, вовсе не отличает WordPiece от BPE в GPT: GPT-2 режет там же, по правилу из раздела 7. Отличает их алфавит. Наш WordPiece обучен на английском тексте и знает только символы этого текста; 猫 среди них нет, и этот знак превращается в `[UNK]`. На байтах из него получилось бы три токена.

# %% [markdown] id="counting" lang="en"
# ## 14. Why a model stumbles over letters
#
# How many *r* has *strawberry*? You look and count. A model is given a few numbers, the ids of the tokens, and an id says no more of the letters behind it than a telephone number says of a face. Try it from the model's side.
# %% [markdown] id="counting" lang="ru"
# ## 14. Почему модель спотыкается о буквы
#
# Сколько *r* в слове *strawberry*? Вы смотрите и считаете. Модель же получает лишь несколько чисел — номеров токенов, а номер говорит о буквах, которые за ним стоят, не больше, чем номер телефона — о лице абонента. Побудьте на месте модели сами.
# %% id="counting-explorer"
both = Tokenizer.train([english, russian], 4096)
explore_letter_counting(both, [("strawberry", "r"), ("непреднамеренный", "н"), ("attention", "t")])

# %% [markdown] id="counting-shuffle-text" lang="en"
# Do the numbers carry anything at all? An illustration: renumber the tokens at random and train the little predictor of section 3 again. **Predict** how much worse it gets.
# %% [markdown] id="counting-shuffle-text" lang="ru"
# Есть ли в самих номерах хоть что-нибудь? Вот иллюстрация: перенумеруем токены случайно и обучим маленький предсказатель из раздела 3 заново. **Предскажите**, насколько он станет хуже.
# %% id="counting-shuffle"
permutation = np.random.default_rng(0).permutation(len(small)).tolist()
renumbered = [[permutation[number] for number in ids] for ids in schemes["tokens"]]
shuffled = bits_per_character(*renumbered, order=1, characters=characters)
print(f"{bits['tokens'][0]:.4f} → {shuffled:.4f} bits/character")


# %% [markdown] id="counting-learn-text" lang="en"
# Not at all, and it could not have come out otherwise, so it shows a property rather than proves it: the predictor looks up what followed an id and never calculates with it, and just so a model looks up a row of its embedding table. To both an id is a name. (It is not a random one: early merges, which are short and frequent, have small ids. But nothing in the model can read that.) The letters are not in the input.
#
# But then the notes go one step too far, and call the counting "algorithmically unsolvable". It is a matter of *knowing* each token's spelling, and knowledge can be learnt. Here is the smallest model that can: one number per token, and the answer is the sum over the tokens of the word. It never sees a letter, only words cut into ids with the right count beside them. (The numbers are found by least squares, `lstsq`: those whose sums come nearest to the right counts.) **Predict** how often it is right on new words.
#
# The cell prints, for the number of letters and the number of *r*, how many words it was taught; how many new ones it was asked, of how many there are (words that the training text does not have, neither with a capital nor without, and whose tokens all occurred in teaching); the share of exact answers; and the share of someone who always answers the rounded mean of the words taught.
# %% [markdown] id="counting-learn-text" lang="ru"
# Нисколько, и иначе выйти не могло, так что это не доказательство, а наглядный пример: предсказатель смотрит, что следовало за номером, но ничего с самим номером не вычисляет; точно так же модель лишь находит по номеру строку таблицы эмбеддингов. Для них обоих номер — имя. (Имя не случайное: у ранних слияний, коротких и частых, номера маленькие. Но прочесть это модели нечем.) Букв на входе нет.
#
# Но дальше конспект делает лишний шаг и называет подсчёт «алгоритмически неразрешимым». Нужно *знать*, как пишется каждый токен, а знание можно выучить. Вот самая маленькая модель, которая на это способна: по одному числу на токен, а ответ — сумма по токенам слова. Букв она не видит — только слова, разрезанные на номера, и верное число рядом. (Числа находят методом наименьших квадратов, `lstsq`: такие, чтобы суммы были как можно ближе к верным ответам.) **Предскажите**, как часто она даёт верный ответ на новых словах.
#
# Ячейка печатает — для числа букв и для числа *r*, — на скольких словах модель обучена; о скольких новых словах её спросили и сколько их всего (это слова, которых в обучающем тексте нет ни с большой буквы, ни с маленькой; спрашивают о тех, чьи токены все встречались при обучении); долю верных ответов; и долю верных у того, кто всегда отвечает округлённым средним по выученным словам.
# %% id="counting-claim"
def bag(words):
    """(words, tokens) how often each token stands in each word."""
    table = np.zeros((len(words), len(small)))
    for row, word in enumerate(words):
        for number in small.encode(word):
            table[row, number] += 1
    return table


known_words = sorted(
    {piece for piece in pre_tokens(english) if piece.strip().isalpha() and piece.isascii()}
)
known_forms = {word.strip().lower() for word in known_words}
unseen = sorted(
    piece
    for piece in set(pre_tokens(english_new))
    if piece.strip().isalpha() and piece.isascii() and piece.strip().lower() not in known_forms
)
inputs, inputs_new = bag(known_words), bag(unseen)
taught = inputs.sum(0) > 0
fair = (inputs_new[:, ~taught] == 0).all(1)  # words all of whose tokens were taught
exact = {}
QUESTIONS = {"letters": lambda word: len(word.strip()), "r": lambda word: word.count("r")}
target, target_new = (
    np.array([[count(word) for count in QUESTIONS.values()] for word in group])
    for group in (known_words, unseen)
)
weights, *_ = np.linalg.lstsq(inputs, target, rcond=None)  # one number per token and question
answers = np.rint(inputs_new @ weights)
for n, name in enumerate(QUESTIONS):
    exact[name] = (answers[:, n] == target_new[:, n])[fair].mean()
    alone = (np.rint(target[:, n].mean()) == target_new[:, n])[fair].mean()
    print(
        f"{name:8} {len(known_words)} words taught, {fair.sum()} of {len(unseen)} new: exact {exact[name]:.3f}, always the mean {alone:.3f}"
    )
pieces_of_word = {
    name: len(t.encode(word)) for name, t in (("english", by_size[4096]), ("russian", cyrillic))
}
claim(
    "2.10",
    holds=min(exact.values()) > 0.95 and pieces_of_word == {"english": 32, "russian": 3},
    measured=f"{word} → {pieces_of_word['english']} and {pieces_of_word['russian']} tokens · {fair.sum()} new words counted: letters {exact['letters']:.1%}, r {exact['r']:.1%}",
)

# %% [markdown] id="counting-after" lang="en"
# It counts the letters of new words without a mistake: there are numbers that solve every word, each token's own count, and the words taught are enough to find them. But mind what it was given: the form of the answer, a sum over tokens, is built into it, and it was told the right counts. It shows that the spelling of tokens can be learnt from their ids, not what a language model learns of it.
#
# So the right statement is this: the letters are not in the input, so whoever wants to count them has to have learnt, token by token, what the tokens are made of; a language model can learn that where its texts give a spelling away, in dictionaries, rhymes, typos, and for tokens that it meets often. There is nothing unsolvable in it, and nothing that comes for nothing.
# %% [markdown] id="counting-after" lang="ru"
# Буквы в новых словах она считает без единой ошибки: есть числа, при которых верны все ответы, — сколько букв в каждом токене, — и слов для обучения хватило, чтобы их найти. Но не забудем, что ей дали: вид ответа — сумма по токенам — в неё заложен, и верные числа ей сообщили. Она показывает, что написание токенов можно выучить по номерам, но не то, что выучивает о нём языковая модель.
#
# Так что верно вот что: букв на входе нет, и чтобы считать их, надо выучить, токен за токеном, из чего токены состоят; языковая модель может узнать это там, где тексты выдают написание слова, — по словарям, рифмам, опечаткам, — и для токенов, которые встречает часто. Неразрешимого в этом ничего нет, но и даром такое знание не даётся.

# %% [markdown] id="probe" lang="en"
# ## 15. What the vectors know of spelling
#
# And without anybody teaching counts? We train word vectors as in lesson 01, on *tokens* instead of words: their only lesson is which tokens stand nearby. Then we ask whether the length of a token can be read off its vector. The length is that in characters; the space before a word is not counted.
#
# The question is put by a linear *probe*: it predicts the length by a weighted sum of the vector's 64 numbers. Its weights are found by ridge regression, least squares that keeps the weights small. They are fitted on four fifths of the tokens and judged on the remaining fifth, on forty random splits. The judgement is $R^2$: take the probe's squared errors on the judged tokens, divide them by those of always answering the mean, and subtract the ratio from one. So 1 is without error, 0 no better than the mean, and below 0 worse. Only tokens that occur at least ten times take part.
#
# The same probe is then given other numbers in place of the vector (`trained`): the logarithm of the token's count (`frequency`), whether the token begins with a space (`space`), these two together (`both`), and a random vector (`random`).
# %% [markdown] id="probe" lang="ru"
# ## 15. Что векторы знают о написании
#
# А если счёту никто не учит? Обучим векторы, как в уроке 01, но на *токенах* вместо слов: учатся они только тому, какие токены стоят рядом. Потом спросим, можно ли прочесть по вектору длину токена. Длина считается в символах, пробел перед словом в неё не входит.
#
# Спрашивает линейный зонд (probe): он предсказывает длину взвешенной суммой 64 чисел вектора. Его веса находит гребневая регрессия, то есть наименьшие квадраты с ограничением на величину весов. Веса обучают на четырёх пятых токенов, а оценивают на оставшейся пятой части, и так на сорока случайных разбиениях. Оценка — $R^2$: сумму квадратов ошибок зонда делят на ту же сумму для ответа «всегда среднее» и отношение вычитают из единицы. Значит, 1 — без ошибок, 0 — не лучше среднего, меньше нуля — хуже. Взяты токены, которые встретились не меньше десяти раз.
#
# Затем тот же зонд получает вместо вектора (`trained`) другие числа: логарифм частоты токена (`frequency`), начинается ли токен с пробела (`space`), то и другое вместе (`both`) и случайный вектор (`random`).
# %% id="probe-fit"
medium = by_size[2048]
lines = [[str(number) for number in medium.encode(line)] for line in english.split("\n")]
vectors = word2vec.train(lines, dim=64, epochs=8, min_count=10, seed=1, dtype=torch.float64)
length_of = np.array(
    [len(medium.token_bytes(int(name)).decode().strip()) for name in vectors.words], float
)
generator = np.random.default_rng(0)
splits = [
    np.split(generator.permutation(len(length_of)), [len(length_of) * 4 // 5]) for _ in range(40)
]


def probe(features, split, strength=10.0):
    """Predictions of a ridge regression for the judged tokens, and its R²."""
    fitted, judged = split
    features = (features - features.mean(0)) / features.std(0)
    columns = np.column_stack([features, np.ones(len(features))])
    square = columns[fitted].T @ columns[fitted] + strength * np.eye(columns.shape[1])
    predicted = columns[judged] @ np.linalg.solve(square, columns[fitted].T @ length_of[fitted])
    spread = ((length_of[judged] - length_of[fitted].mean()) ** 2).sum()
    return predicted, 1 - ((predicted - length_of[judged]) ** 2).sum() / spread


frequency = np.log(vectors.counts)
space = np.array([medium.token_bytes(int(name)).startswith(b" ") for name in vectors.words], float)
features = {
    "trained": vectors.vectors,
    "frequency": frequency[:, None],
    "space": space[:, None],
    "both": np.column_stack([frequency, space]),
    "random": np.random.default_rng(1).normal(size=vectors.vectors.shape),
}
r2 = {
    name: float(np.mean([probe(values, split)[1] for split in splits]))
    for name, values in features.items()
}
print(f"{len(length_of)} tokens, mean R² of {len(splits)} splits:")
print({name: round(value, 2) for name, value in r2.items()})
fitted, judged = splits[0]
show(
    curves.length_probe(
        length_of[judged],
        {name: probe(features[name], splits[0])[0] for name in ("trained", "random")},
        baseline=length_of[fitted].mean(),
    ),
    "bpe_length_probe",
)
assert r2["trained"] > 0.2 and r2["frequency"] > 0 and r2["space"] > 0 > r2["random"]

# %% [markdown] id="probe-after" lang="en"
# About a quarter of the variance of the lengths can be read off the vectors; for random vectors $R^2$ is below zero. But do not read too much into it. Two numbers say about as much: how frequent the token is, and whether it begins with a space, that is, begins a word; and the company that a token keeps may well tell both. So here the vectors need not know a single letter. Our text is tiny; in the vectors of large models probes find which letters a token has (Kaushal and Mahowald, 2022), and find it better the larger the model. That is the sense in which the notes are right about scale.
# %% [markdown] id="probe-after" lang="ru"
# По векторам восстанавливается около четверти дисперсии длин; у случайных векторов $R^2$ даже меньше нуля. Но не будем видеть в этом больше, чем есть. Почти столько же говорят два числа: насколько токен част и начинается ли он с пробела, то есть стоит ли в начале слова, — а то и другое вполне может быть видно по окружению токена. Так что здесь векторам не нужно знать ни одной буквы. Наш текст крошечный; в векторах больших моделей зонды находят, какие буквы есть в токене (Kaushal, Mahowald, 2022), и тем лучше, чем больше модель. В этом смысле слова конспекта о масштабе верны.

# %% [markdown] id="timing-text" lang="en"
# ## 16. How fast?
#
# The next cell is the only one of this lesson whose output is not compared when the course is validated; run it on your machine. Its first line compares our twenty lines with the packaged trainer, 50 merges each; the second, the packaged trainer with Hugging Face's, 4,096 tokens each; the third, how many megabytes a second the two encode. Ours encodes the text twice, and the second time (`again`) it remembers the words that it has cut. Hugging Face's `encode` does more in one call than ours: it also keeps for every token its place in the text. `encode_batch_fast` leaves the places out.
# %% [markdown] id="timing-text" lang="ru"
# ## 16. Насколько быстро?
#
# Вывод следующей ячейки — единственный в уроке, который не сверяется при проверке курса; запустите её у себя. В первой строке сравниваются наши двадцать строк и программа из пакета — по 50 слияний; во второй — программа из пакета и библиотека Hugging Face, по 4096 токенов; в третьей — сколько мегабайтов в секунду кодирует каждая из них. Наша кодирует текст дважды и во второй раз (`again`) помнит уже разрезанные слова. Функция `encode` у Hugging Face делает за один вызов больше нашей: она сохраняет ещё и место каждого токена в тексте. `encode_batch_fast` обходится без мест.
# %% id="timing" tags=["nbval-ignore-output"]
# Not compared by validation: seconds differ between machines.
import time


def seconds(function, *arguments):
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


counted = Counter(pre_tokens(english))
print(
    f"50 merges: train_bpe {seconds(train_bpe, counted, 50):.2f} s, learn_merges {seconds(learn_merges, counted, 50):.2f} s"
)
print(
    f"4096 tokens: ours {seconds(Tokenizer.train, english, 4096):.2f} s, Hugging Face {seconds(hugging_face, english, 4096):.2f} s"
)
fresh, theirs = Tokenizer.from_merges(by_size[4096].merges), hugging_face(english, 4096)
cold, warm = (seconds(fresh.encode, english) for _ in range(2))
print(
    f"encode, MB/s: ours {len(english) / cold / 1e6:.1f}, again {len(english) / warm / 1e6:.1f}; "
    f"Hugging Face {len(english) / seconds(theirs.encode, english) / 1e6:.1f}, "
    f"without places {len(english) / seconds(theirs.encode_batch_fast, [english]) / 1e6:.1f}"
)


# %% [markdown] id="exercises" lang="en"
# ## 17. Exercises
#
# Replace the line with `raise`, or the `None`, and run the cell. The check says what is wrong, not how to mend it. Until an exercise is solved the lesson goes on with a reference answer.
#
# ### 17.1 Counting pairs
#
# `words` is a dict: its keys are words, each a tuple of symbols such as `("l", "ow", "er")`, its values say how often the word occurs. Return a dict that gives for every pair of neighbours, `(left, right)`, how often it stands in the text. Pairs are counted within words only, and every place counts, so that there are two pairs in `("a", "a", "a")`. A symbol may have several letters.
# %% [markdown] id="exercises" lang="ru"
# ## 17. Упражнения
#
# Замените строку с `raise` или `None` и запустите ячейку. Проверка скажет, что неверно, но не подскажет, как исправить. Пока упражнение не решено, урок продолжается с эталонным ответом.
#
# ### 17.1 Подсчёт пар
#
# `words` — это dict: ключи — слова, то есть кортежи символов вроде `("l", "ow", "er")`, значения — сколько раз слово встречается. Верните dict, где для каждой пары соседей `(left, right)` указано, сколько раз она стоит в тексте. Пары считаются только внутри слов, и в счёт идёт каждое место, так что в `("a", "a", "a")` пар две. В символе может быть несколько букв.
# %% id="ex-pair-counts" tags=["exercise"]
def pair_counts(words):
    raise NotImplementedError  # your code


pair_counts = check("pair-counts", pair_counts)

# %% [markdown] id="ex-pair-counts-solution" lang="en"
# <details><summary>Hint</summary>
#
# A tuple and the same tuple without its first symbol, side by side, show all pairs. A word that occurs five times brings each of its pairs five times.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def pair_counts(words):
#     counts = {}
#     for symbols, count in words.items():
#         for pair in zip(symbols, symbols[1:]):
#             counts[pair] = counts.get(pair, 0) + count
#     return counts
# ```
#
# </details>
# %% [markdown] id="ex-pair-counts-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Кортеж и тот же кортеж без первого символа, если поставить их рядом, показывают все пары. Слово, которое встретилось пять раз, приносит каждую свою пару пять раз.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def pair_counts(words):
#     counts = {}
#     for symbols, count in words.items():
#         for pair in zip(symbols, symbols[1:]):
#             counts[pair] = counts.get(pair, 0) + count
#     return counts
# ```
#
# </details>


# %% [markdown] id="ex-merge-pair-text" lang="en"
# ### 17.2 One merge
#
# `symbols` is a list of strings, the symbols of one word. Return a new list in which `left` and `right`, wherever they stand side by side in this order, have become the one symbol `left + right`. Places are taken from left to right and do not overlap. Any character may stand in a symbol, a space too.
# %% [markdown] id="ex-merge-pair-text" lang="ru"
# ### 17.2 Одно слияние
#
# `symbols` — список строк, символы одного слова. Верните новый список, в котором `left` и `right` всюду, где они стоят рядом в этом порядке, превратились в один символ `left + right`. Места берутся слева направо и не перекрываются. В символе может стоять любой знак, в том числе пробел.
# %% id="ex-merge-pair" tags=["exercise"]
def merge(symbols, left, right):
    raise NotImplementedError  # your code


merge = check("merge-pair", merge)

# %% [markdown] id="ex-merge-pair-solution" lang="en"
# <details><summary>Hint</summary>
#
# After a merge go on two symbols further, otherwise one. A `for` loop over the positions cannot do that, a `while` loop can. A slice that reaches beyond the end of a list is no error.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def merge(symbols, left, right):
#     merged, i = [], 0
#     while i < len(symbols):
#         if symbols[i : i + 2] == [left, right]:
#             merged.append(left + right)
#             i += 2
#         else:
#             merged.append(symbols[i])
#             i += 1
#     return merged
# ```
#
# </details>
# %% [markdown] id="ex-merge-pair-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# После слияния шагните на два символа, иначе на один. Цикл `for` по позициям так не умеет, а `while` умеет. Срез, который выходит за конец списка, — не ошибка.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def merge(symbols, left, right):
#     merged, i = [], 0
#     while i < len(symbols):
#         if symbols[i : i + 2] == [left, right]:
#             merged.append(left + right)
#             i += 2
#         else:
#             merged.append(symbols[i])
#             i += 1
#     return merged
# ```
#
# </details>


# %% [markdown] id="ex-bpe-encode-text" lang="en"
# ### 17.3 Encoding a word
#
# `merges` is a list of pairs `(left, right)` in the order in which a training has learned them. Return the symbols of `word`, a string: begin with its characters; of all pairs of neighbours that are in the list choose the one that was learned earliest, and merge it at all its places; again and again, until no pair is in the list. A character that no merge knows stays a symbol of its own, and an empty word has no symbols.
# %% [markdown] id="ex-bpe-encode-text" lang="ru"
# ### 17.3 Кодирование слова
#
# `merges` — список пар `(left, right)` в том порядке, в каком их выучили. Верните символы строки `word`: начните с отдельных знаков; из всех пар соседей, которые есть в списке, выберите ту, что выучена раньше других, и слейте её во всех местах; и так снова и снова, пока в слове есть хоть одна пара из списка. Знак, который не входит ни в одно слияние, остаётся отдельным символом, а в пустом слове символов нет.
# %% id="ex-bpe-encode" tags=["exercise"]
def encode(word, merges):
    raise NotImplementedError  # your code


encode = check("bpe-encode", encode)

# %% [markdown] id="ex-bpe-encode-solution" lang="en"
# <details><summary>Hint</summary>
#
# `merge` from 17.2 makes one merge at all its places. The earlier a pair was learned, the smaller its index in `merges`. What should happen when no pair of the word is in the list, and when the word has no pairs at all?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def encode(word, merges):
#     symbols = list(word)
#     while True:
#         known = [pair for pair in zip(symbols, symbols[1:]) if pair in merges]
#         if not known:
#             return symbols
#         left, right = min(known, key=merges.index)
#         symbols = merge(symbols, left, right)
# ```
#
# One pass over `merges`, each merge made once, is right too, for a list in the order of its training. In another order it need not be.
#
# </details>
# <details><summary>Why one pass is enough</summary>
#
# Let a stretch of letters become one symbol somewhere in the training. No merge has crossed its ends, so the merges within it were the same as in any other place where it became one symbol, and they came at the same steps. Hence no two merges of a training make the same symbol, and a merge that has this symbol as a part was learned after it. So whatever a merge makes can only fit merges further down the list.
#
# </details>
# %% [markdown] id="ex-bpe-encode-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# `merge` из 17.2 делает одно слияние во всех местах. Чем раньше выучена пара, тем меньше её индекс в `merges`. Что делать, когда ни одной пары слова в списке нет, и когда в слове вообще нет пар?
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def encode(word, merges):
#     symbols = list(word)
#     while True:
#         known = [pair for pair in zip(symbols, symbols[1:]) if pair in merges]
#         if not known:
#             return symbols
#         left, right = min(known, key=merges.index)
#         symbols = merge(symbols, left, right)
# ```
#
# Один проход по `merges`, где каждое слияние делается один раз, тоже верен, если список стоит в порядке обучения. В другом порядке это может быть и не так.
#
# </details>
# <details><summary>Почему хватает одного прохода</summary>
#
# Пусть при обучении какой-то отрезок букв где-нибудь стал одним символом. Его концов не пересекло ни одно слияние, поэтому внутри него шли те же слияния и на тех же шагах, что и в любом другом месте, где он стал одним символом. Значит, никакие два слияния одного обучения не дают один и тот же символ, а слияние, в которое этот символ входит частью, выучено позже него. Поэтому результат слияния подходит только к слияниям, которые стоят в списке ниже.
#
# </details>


# %% [markdown] id="ex-bpe-by-hand-text" lang="en"
# ### 17.4 Three merges, by hand
#
# With a pencil: a text consists of the word *best* 8 times, *core* 3 times, *store* 6 times and *three* once. The first symbols are the letters. Which three symbols do the first three merges make? Give them in their order, as a list of strings. You will not have to choose between equally frequent pairs.
# %% [markdown] id="ex-bpe-by-hand-text" lang="ru"
# ### 17.4 Три слияния вручную
#
# Карандашом: в тексте слово *best* встречается 8 раз, *core* — 3 раза, *store* — 6 раз и *three* — один раз. Сначала символы — это буквы. Какие три символа получатся при первых трёх слияниях? Запишите их по порядку, списком строк. Выбирать между одинаково частыми парами не придётся.
# %% id="ex-bpe-by-hand" tags=["exercise"]
first_three = None  # your three symbols

first_three = check("bpe-by-hand", first_three)

# %% [markdown] id="ex-bpe-by-hand-solution" lang="en"
# <details><summary>Hint</summary>
#
# Make a table of pairs; a pair that stands in several words adds up their counts. After each merge write the words anew, cross out the pairs that are gone, and enter those that have come.
#
# </details>
# <details><summary>Solution</summary>
#
# The pair s, t stands in *best* and *store*: $8 + 6 = 14$. Next comes r, e, in *core*, *store* and *three*: $3 + 6 + 1 = 10$. Before these two merges o, r was the third, with $3 + 6 = 9$; but now its r is part of re, and o, re takes its place with the same 9 places. It is ahead of b, e and of e, st, both 8.
#
# ```python
# first_three = ["st", "re", "ore"]
# ```
#
# </details>
# %% [markdown] id="ex-bpe-by-hand-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Составьте таблицу пар; если пара стоит в нескольких словах, их частоты складываются. После каждого слияния перепишите слова, вычеркните исчезнувшие пары и впишите новые.
#
# </details>
# <details><summary>Решение</summary>
#
# Пара s, t стоит в *best* и *store*: $8 + 6 = 14$. Следующая — r, e в *core*, *store* и *three*: $3 + 6 + 1 = 10$. До этих двух слияний третьей была пара o, r, у неё $3 + 6 = 9$; но теперь её r вошла в re, и на тех же 9 местах стоит пара o, re. Она опережает b, e и e, st: у них по 8.
#
# ```python
# first_three = ["st", "re", "ore"]
# ```
#
# </details>


# %% [markdown] id="ex-bpe-bug-hunt-text" lang="en"
# ### 17.5 A bug hunt
#
# A trainer: `words` is a dict from words, which are strings without spaces, to the number of times they occur. The result is a list of the first `n` merges, as pairs; there are fewer if no pair is left. Merged is always the most frequent pair, and of several equally frequent ones the smallest, as Python compares tuples of strings. (The lesson's trainer compares the numbers of the symbols; any rule will do, if everyone keeps to it.) The code runs and returns merges, and it has **four** bugs. Mend them all; `merge` from 17.2 may be used. The check names the first symptom it meets.
# %% [markdown] id="ex-bpe-bug-hunt-text" lang="ru"
# ### 17.5 Охота на ошибки
#
# Обучение BPE: `words` — это dict: ключи — слова, то есть строки без пробелов, значения — сколько раз слово встречается. Результат — список первых `n` слияний в виде пар; если пары кончились, он короче. Сливается всегда самая частая пара, а из нескольких одинаково частых — наименьшая в том смысле, в каком Python сравнивает кортежи строк. (В самом уроке сравниваются номера символов; годится любое правило, лишь бы все его держались.) Код запускается и возвращает слияния, а ошибок в нём **четыре**. Исправьте все; можно пользоваться функцией `merge` из 17.2. Проверка называет первый встреченный симптом.
# %% id="ex-bpe-bug-hunt" tags=["exercise", "bug-hunt"]
def train(words, n):
    corpus = {" ".join(word): count for word, count in words.items()}
    pairs = {}
    for text in corpus:
        symbols = text.split(" ")
        for i in range(len(symbols) - 1):
            pair = symbols[i], symbols[i + 1]
            pairs[pair] = pairs.get(pair, 0) + 1
    merges = []
    while pairs and len(merges) < n:
        left, right = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append((left, right))
        corpus = {text.replace(f"{left} {right}", left + right): k for text, k in corpus.items()}
        del pairs[left, right]
    return merges


train = check("bpe-bug-hunt", train)

# %% [markdown] id="ex-bpe-bug-hunt-solution" lang="en"
# <details><summary>Hint</summary>
#
# Of the number that is added ask: what do the values of `corpus` say? Of `pairs`: what stands in it after the first merge? Of `max`: which of two tuples with equal first parts is the larger one? Of `replace`: what becomes of the text `ab c` when b, c is merged?
#
# </details>
# <details><summary>Solution</summary>
#
# Every place added 1 to the count of its pair, not the number of times that the word occurs; the pairs were counted before the first merge and never again; `max` takes the largest of equally frequent pairs, not the smallest; and `replace` merges letters across the borders of symbols, so that `ab c` turned into `abc`.
#
# ```python
# def train(words, n):
#     corpus = [(list(word), count) for word, count in words.items()]
#     merges = []
#     while len(merges) < n:
#         pairs = {}
#         for symbols, count in corpus:
#             for i in range(len(symbols) - 1):
#                 pair = symbols[i], symbols[i + 1]
#                 pairs[pair] = pairs.get(pair, 0) + count
#         if not pairs:
#             break
#         left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
#         merges.append((left, right))
#         corpus = [(merge(symbols, left, right), count) for symbols, count in corpus]
#     return merges
# ```
#
# </details>
# %% [markdown] id="ex-bpe-bug-hunt-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# О прибавляемом числе спросите: что означают значения в `corpus`? О `pairs`: что в нём лежит после первого слияния? О `max`: какой из двух кортежей больше, если первые части равны? О `replace`: что станет с текстом `ab c`, когда сливается b, c?
#
# </details>
# <details><summary>Решение</summary>
#
# Каждое место прибавляло к частоте пары 1, а не количество вхождений слова; пары были сосчитаны один раз, до первого слияния; `max` выбирает из одинаково частых пар наибольшую, а не наименьшую; а `replace` сливает буквы через границы символов, и `ab c` превращалось в `abc`.
#
# ```python
# def train(words, n):
#     corpus = [(list(word), count) for word, count in words.items()]
#     merges = []
#     while len(merges) < n:
#         pairs = {}
#         for symbols, count in corpus:
#             for i in range(len(symbols) - 1):
#                 pair = symbols[i], symbols[i + 1]
#                 pairs[pair] = pairs.get(pair, 0) + count
#         if not pairs:
#             break
#         left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
#         merges.append((left, right))
#         corpus = [(merge(symbols, left, right), count) for symbols, count in corpus]
#     return merges
# ```
#
# </details>

# %% id="exercises-used"
# Your answers (or the reference ones) on the words of 17.4.
words = {"best": 8, "core": 3, "store": 6, "three": 1}
counted = pair_counts({tuple(word): count for word, count in words.items()})
print("17.1:", *(f"{left}+{right}={count}" for (left, right), count in sorted(counted.items())))
print("17.2:", *merge(list("banana"), "a", "n"))
learned = train(words, 6)
print("17.3:", *encode("restored", learned))
print("17.4:", *first_three)
print("17.5:", *(f"{left}+{right}" for left, right in learned))

# %% [markdown] id="real-models" lang="en"
# ## 18. In real models
#
# The columns: the method; the number of tokens; $D$, the size of a token's vector; the embedding table, that is, tokens times $D$, in millions of numbers; and its share of all the model's parameters. The numbers are those that the models were published with.
# %% [markdown] id="real-models" lang="ru"
# ## 18. В настоящих моделях
#
# Столбцы: метод; число токенов; $D$ — размер вектора токена; таблица эмбеддингов, то есть число токенов, умноженное на $D$, в миллионах чисел; её доля среди всех параметров модели. Числа — те, с которыми модели опубликованы.
# %% id="real-models-table"
MODELS = {  # method, tokens, D, parameters in millions
    "BERT-base": ("WordPiece", 30_522, 768, 110),
    "GPT-2 small": ("BPE, bytes", 50_257, 768, 124),
    "RoBERTa-base": ("BPE, bytes", 50_265, 768, 125),
    "PhoBERT-base": ("BPE", 64_001, 768, 135),
    "T5-base": ("unigram", 32_128, 768, 223),
    "XLM-R base": ("unigram", 250_002, 768, 278),
    "Llama 2 7B": ("BPE", 32_000, 4096, 6738),
    "Llama 3 8B": ("BPE, bytes", 128_256, 4096, 8030),
}
print("                            tokens     D   table, millions   share")
for name, (method, tokens_in, width, parameters) in MODELS.items():
    table = tokens_in * width / 1e6
    print(f"{name:13} {method:11} {tokens_in:9,} {width:5} {table:17.1f} {table / parameters:7.1%}")

# %% [markdown] id="real-models-text" lang="en"
# The models for one language have about 30 to 60 thousand tokens, from BERT to PhoBERT, a Vietnamese one; T5's 32 thousand serve four (English, German, French, Romanian); the one for a hundred languages, XLM-R, has a quarter of a million, and more than two thirds of its parameters stand in that table. GPT-4o's vocabulary has about 200 thousand. (Llama 2's BPE is SentencePiece's, with bytes only for what is unknown; Llama 2 and 3 have a second table of the same size at the output, lesson 07.)
# %% [markdown] id="real-models-text" lang="ru"
# У моделей для одного языка примерно 30–60 тысяч токенов — от BERT до вьетнамской PhoBERT; у T5 их 32 тысячи на четыре языка (английский, немецкий, французский, румынский); у XLM-R, модели для сотни языков, — четверть миллиона, и больше двух третей её параметров приходится на эту таблицу. В словаре GPT-4o около 200 тысяч. (BPE в Llama 2 — из SentencePiece, байты там только на случай неизвестного; у Llama 2 и 3 есть ещё одна таблица того же размера, на выходе, — о ней в уроке 07.)

# %% [markdown] id="summary" lang="en"
# ## 19. Summary
#
# Letters make sequences long and say little each; words make a list that never ends. Byte-pair encoding starts from single symbols and merges the most frequent pair of neighbours inside words, again and again, until the list has the size that was asked for; a new word is read by making the same merges in the same order. Over bytes nothing is ever unknown, but a language that the merges have not seen costs many tokens. The size is a choice: too small makes long sequences, too large fills the embedding table with rows that are hardly ever trained, and reading the list shows which it is. A model uses the ids only as names, so it knows a token's spelling only as far as it has learnt it.
#
# $$\text{merge}\ \arg\max_{(a, b)}\ \text{count}(ab), \qquad \text{repeat}$$
#
# In words: of all pairs of symbols $a$, $b$ take the one that stands side by side most often ($\arg\max$ is the pair at which the count is largest), make the two one symbol $ab$, and repeat.
# %% [markdown] id="summary" lang="ru"
# ## 19. Итог
#
# С буквами последовательности длинные, а каждая буква мало что значит; список слов не кончается никогда. Кодирование пар байтов начинает с одиночных символов и сливает самую частую пару соседей внутри слов, снова и снова, пока список не дорастёт до заданного размера; новое слово кодируют, выполняя те же слияния в том же порядке. На байтах не бывает ничего неизвестного, но язык, которого слияния не видели, обходится во много токенов. Размер выбираете вы: слишком малый даёт длинные последовательности, слишком большой заполняет таблицу эмбеддингов строками, которые почти не обучаются; удачен ли выбор, видно по самому списку. Номера служат модели только именами, поэтому написание токена она знает лишь настолько, насколько выучила.
#
# $$\text{слить}\ \arg\max_{(a, b)}\ \text{count}(ab), \qquad \text{повторить}$$
#
# Словами: из всех пар символов $a$, $b$ взять ту, что стоит рядом чаще всех ($\arg\max$ — это пара, при которой частота наибольшая), сделать из двух символов один, $ab$, и повторить.
# %% id="summary-figure"
show(drawings.bpe_merges(), "bpe_merges")

# %% [markdown] id="summary-found" lang="en"
# What the notes said, and what we found:
# %% [markdown] id="summary-found" lang="ru"
# Что говорил конспект и что мы нашли:
# %% id="summary-ledger"
ledger(2)

# %% [markdown] id="key-questions" lang="en"
# ## 20. Key questions
#
# Answer aloud, then unfold. The same card, and finer ones, are in the Anki deck.
# %% [markdown] id="key-questions" lang="ru"
# ## 20. Ключевые вопросы
#
# Ответьте вслух, потом раскройте ответ. Эта же карточка и более мелкие есть в колоде Anki.
# %% id="key-questions-cards"
key_questions(2)

# %% [markdown] id="reading" lang="en"
# ## 21. Further reading
#
# - P. Gage. *A New Algorithm for Data Compression.* The C Users Journal 12(2), 1994, [pennelynn.com](http://www.pennelynn.com/Documents/CUJ/HTML/94HTML/19940045.HTM). Where the method comes from.
# - G. Herdan. *Type-Token Mathematics.* Mouton, 1960. The law of section 4.
# - H. Ney, U. Essen, R. Kneser. *On structuring probabilistic dependences in stochastic language modelling.* Computer Speech and Language 8(1), 1994, [doi:10.1006/csla.1994.1001](https://doi.org/10.1006/csla.1994.1001). Absolute discounting.
# - R. Sennrich, B. Haddow, A. Birch. *Neural Machine Translation of Rare Words with Subword Units.* ACL 2016, [arXiv:1508.07909](https://arxiv.org/abs/1508.07909). Section 3.2 has the algorithm.
# - A. Radford et al. *Language Models are Unsupervised Multitask Learners.* 2019, [cdn.openai.com](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf). Section 2.2: bytes, and the rule that cuts.
# - M. Schuster, K. Nakajima. *Japanese and Korean Voice Search.* ICASSP 2012, [doi:10.1109/ICASSP.2012.6289079](https://doi.org/10.1109/ICASSP.2012.6289079). WordPiece.
# - T. Kudo. *Subword Regularization: Improving Neural Network Translation Models with Multiple Subword Candidates.* ACL 2018, [arXiv:1804.10959](https://arxiv.org/abs/1804.10959). Unigram.
# - T. Kudo, J. Richardson. *SentencePiece: A simple and language independent subword tokenizer and detokenizer for Neural Text Processing.* EMNLP 2018, [arXiv:1808.06226](https://arxiv.org/abs/1808.06226).
# - H. Chung et al. *Improving Multilingual Models with Language-Clustered Vocabularies.* EMNLP 2020, [arXiv:2010.12777](https://arxiv.org/abs/2010.12777).
# - D. Liang et al. *XLM-V: Overcoming the Vocabulary Bottleneck in Multilingual Masked Language Models.* EMNLP 2023, [arXiv:2301.10472](https://arxiv.org/abs/2301.10472).
# - A. Kaushal, K. Mahowald. *What do tokens know about their characters and how do they know it?* NAACL 2022, [arXiv:2206.02608](https://arxiv.org/abs/2206.02608).
# - I. Kotenkov. [*Transformers, explained in detail*](https://www.youtube.com/watch?v=iOrNbK2T92M) (in Russian). The lecture behind the notes this course grew from.
#
# Next: [lesson 03, attention](03_attention.ipynb).
# %% [markdown] id="reading" lang="ru"
# ## 21. Что читать дальше
#
# - P. Gage. *A New Algorithm for Data Compression.* The C Users Journal 12(2), 1994, [pennelynn.com](http://www.pennelynn.com/Documents/CUJ/HTML/94HTML/19940045.HTM). Откуда взялся метод.
# - G. Herdan. *Type-Token Mathematics.* Mouton, 1960. Закон из раздела 4.
# - H. Ney, U. Essen, R. Kneser. *On structuring probabilistic dependences in stochastic language modelling.* Computer Speech and Language 8(1), 1994, [doi:10.1006/csla.1994.1001](https://doi.org/10.1006/csla.1994.1001). Абсолютное дисконтирование.
# - R. Sennrich, B. Haddow, A. Birch. *Neural Machine Translation of Rare Words with Subword Units.* ACL 2016, [arXiv:1508.07909](https://arxiv.org/abs/1508.07909). Алгоритм — в разделе 3.2.
# - A. Radford et al. *Language Models are Unsupervised Multitask Learners.* 2019, [cdn.openai.com](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf). Раздел 2.2: байты и правило, по которому режут текст.
# - M. Schuster, K. Nakajima. *Japanese and Korean Voice Search.* ICASSP 2012, [doi:10.1109/ICASSP.2012.6289079](https://doi.org/10.1109/ICASSP.2012.6289079). WordPiece.
# - T. Kudo. *Subword Regularization: Improving Neural Network Translation Models with Multiple Subword Candidates.* ACL 2018, [arXiv:1804.10959](https://arxiv.org/abs/1804.10959). Unigram.
# - T. Kudo, J. Richardson. *SentencePiece: A simple and language independent subword tokenizer and detokenizer for Neural Text Processing.* EMNLP 2018, [arXiv:1808.06226](https://arxiv.org/abs/1808.06226).
# - H. Chung et al. *Improving Multilingual Models with Language-Clustered Vocabularies.* EMNLP 2020, [arXiv:2010.12777](https://arxiv.org/abs/2010.12777).
# - D. Liang et al. *XLM-V: Overcoming the Vocabulary Bottleneck in Multilingual Masked Language Models.* EMNLP 2023, [arXiv:2301.10472](https://arxiv.org/abs/2301.10472).
# - A. Kaushal, K. Mahowald. *What do tokens know about their characters and how do they know it?* NAACL 2022, [arXiv:2206.02608](https://arxiv.org/abs/2206.02608).
# - И. Котенков. [*Transformers, explained in detail*](https://www.youtube.com/watch?v=iOrNbK2T92M). Лекция, по которой написан конспект, давший начало курсу.
#
# Дальше: [урок 03, внимание](03_attention.ipynb).
