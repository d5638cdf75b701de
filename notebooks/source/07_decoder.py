# %% [markdown] id="title" lang="en"
# # Lesson 07. Decoder, training, translation
#
# The encoder of lesson 06 reads. The decoder writes: one token after another, each from what it has read and from what it has written so far. This lesson builds it, with the mask that keeps it from looking ahead and the second attention that looks into the source; then everything that training takes, from the shift by one to Adam. The whole has to equal PyTorch's `nn.Transformer`, in outputs, in gradients and after a training step. At the end stands a translator from English into Russian, trained in this notebook, which has to find out what every *it* means: Russian says *он*, *она* or *оно*, by the gender of the noun that is meant.
#
# **You will be able to**
#
# - say what a decoder computes, and why its self-attention is masked before softmax and not after;
# - tell cross-attention from self-attention, and say what the decoder gets from the encoder and what it does not;
# - go from the last vector to logits, probabilities and a loss, and compute cross-entropy, perplexity and label smoothing by hand;
# - prepare training pairs, and say what teacher forcing saves and what it leaves untrained;
# - take a step of Adam with a pencil, and say what clipping and warm-up are for;
# - write with greedy search, beam search and a cache, and say what each costs;
# - judge a translator, and read its attention weights without believing too much.
#
# **You need** lessons 03 to 06: masks, heads, positions, the encoder block; tokens from lesson 02, and cross-entropy and the training loop from the [primer](primer.ipynb). **Time:** 100 minutes of reading and playing, 50 for the exercises; all cells run in under a minute.
#
# Previous lesson: [06, the encoder block](06_encoder_block.ipynb). Next lesson: [08, BERT vs GPT](08_bert_vs_gpt.ipynb).
# %% [markdown] id="title" lang="ru"
# # Урок 07. Декодер, обучение, перевод
#
# Энкодер из урока 06 читает. Декодер пишет: токен за токеном, и каждый — по тому, что прочитано, и по тому, что уже написано. В этом уроке мы построим его — с маской, которая не даёт заглядывать вперёд, и со вторым вниманием, которое смотрит в исходный текст, — а потом соберём всё, что нужно для обучения, от сдвига на один токен до Adam. Вся модель должна совпасть с `nn.Transformer` из PyTorch: выходы, градиенты и веса после шага обучения. В конце — переводчик с английского на русский, обученный прямо в этом ноутбуке. Ему придётся понимать, к чему относится каждое *it*: по-русски надо сказать «он», «она» или «оно», в зависимости от рода существительного, о котором идёт речь.
#
# **Вы научитесь**
#
# - объяснять, что вычисляет декодер и почему маску в нём ставят до softmax, а не после;
# - отличать перекрёстное внимание от самовнимания и говорить, что декодер получает от энкодера, а чего не получает;
# - проходить путь от последнего вектора до логитов, вероятностей и потерь, считать вручную кросс-энтропию, перплексию и сглаживание меток;
# - готовить обучающие пары и объяснять, что экономит teacher forcing и чему он не учит;
# - делать шаг Adam на бумаге и объяснять, зачем нужны обрезка градиентов и прогрев;
# - генерировать текст жадным поиском, лучевым поиском и с кэшем и оценивать, чего это стоит;
# - оценивать переводчик и читать его веса внимания, не слишком им доверяя.
#
# **Понадобятся** уроки 03–06: маски, головы, позиции, блок энкодера; токены из урока 02, а из [введения](primer.ipynb) — кросс-энтропия и цикл обучения. **Время:** 100 минут на чтение и опыты, 50 — на упражнения; все ячейки выполняются меньше чем за минуту.
#
# Предыдущий урок: [06, блок энкодера](06_encoder_block.ipynb). Следующий урок: [08, BERT против GPT](08_bert_vs_gpt.ipynb).
# %% id="start"
from course_lib import start

start(lesson=7)

# %% id="imports"
import copy
import math
from collections import Counter, defaultdict
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from course_lib import training
from course_lib import translator_experiments as experiments
from course_lib.attention import causal_mask, padding_mask
from course_lib.cards.notebook import key_questions, recall
from course_lib.claims import claim, ledger
from course_lib.corpora import translation
from course_lib.corpora.crossing import twins
from course_lib.decoder import DecoderBlock, keys_and_values
from course_lib.exercises import check
from course_lib.explorers import explore_cross_attention, explore_mask
from course_lib.explorers.cross_attention import case_of
from course_lib.explorers.mask import decoder_scores
from course_lib.feed_forward import FeedForward
from course_lib.figures import course, show
from course_lib.figures import decoder as drawings
from course_lib.figures import decoder_curves as curves
from course_lib.glossary import notation_table
from course_lib.model_weights import MODELS, attention_weights, count, feed_forward_weights
from course_lib.multi_head import MultiHeadAttention
from course_lib.normalisation import LayerNorm
from course_lib.parity import parity
from course_lib.positions import sinusoidal_table
from course_lib.results import recorded
from course_lib.translator_looks import alignment_scores, attention_maps
from course_lib.translator_model import Transformer
from course_lib.translator_training import (
    END,
    LONGEST,
    PAD,
    SMALL,
    START,
    batch,
    draw,
    fresh_loss,
    least_loss,
    loss,
    scores,
    train,
    unseen,
    untrained,
    write,
    write_slowly,
)


def randn(*shape, seed):
    """Normal numbers in float64, the same on every machine."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def generator(seed):
    """A source of random numbers of its own."""
    return torch.Generator().manual_seed(seed)


def close(a, b):
    """Whether two tensors are equal to 1e-12."""
    return bool((a - b).abs().max() <= 1e-12)


def mean(values):
    """The mean of some numbers."""
    values = list(values)
    return sum(values) / len(values)


# %% id="map"
show(course.course_map(here=7), "course_map", here=7)

# %% [markdown] id="problem" lang="en"
# ## 1. A dictionary is no translator
#
# The *crossing* sentences of lessons 03 to 06 now have a Russian side. Each can be translated in one way only, so that we can tell right from wrong without a judge. The simplest translator is a dictionary: count in 3,000 pairs which Russian word stands for which English one, take the most frequent, and put word for word. (Each pair comes with its *alignment*: for every Russian word the places of the English words it stands for.) English articles, which mostly stand for nothing, are dropped. The test sentences, here and in the whole lesson, are over pairs of nouns that never stand together in training.
# %% [markdown] id="problem" lang="ru"
# ## 1. Словарь — ещё не переводчик
#
# У предложений корпуса *crossing* из уроков 03–06 теперь есть русская сторона. Каждое можно перевести единственным способом, поэтому отличить верный перевод от неверного можно и без судьи. Самый простой переводчик — словарь: сосчитаем на 3000 парах, какое русское слово соответствует какому английскому, возьмём самое частое и будем переводить слово за словом. (К каждой паре прилагается *выравнивание*: для каждого русского слова — места английских слов, которым оно соответствует.) Английские артикли, у которых обычно нет соответствия, пропустим. В проверочных предложениях — и здесь, и во всём уроке — стоят пары существительных, которые при обучении вместе не встречались.
# %% id="problem-dictionary"
counterparts = defaultdict(Counter)
for sentence in draw(3000, seed=0):
    right = translation.translate(sentence)
    for place, word in enumerate(sentence.tokens):
        stands_for = [
            russian
            for russian, places in zip(right.tokens, right.alignment, strict=True)
            if place in places
        ]
        counterparts[word].update(stands_for or [None])  # None: it has no counterpart
dictionary = {word: found.most_common(1)[0][0] for word, found in counterparts.items()}
for word in ("it", "wide", "the"):
    print(f"{word:4} →", dict(counterparts[word].most_common(3)))


def by_dictionary(sentence):
    """Every word by its most frequent counterpart, in the English order."""
    return tuple(dictionary[word] for word in sentence.tokens if dictionary.get(word))


tests = unseen("place")
written = [by_dictionary(sentence) for sentence in tests]
for sentence, words in zip(tests[:3], written, strict=False):
    print("\n" + str(sentence))
    print("  word by word:", " ".join(words))
    print("  right:       ", " ".join(translation.translate(sentence).tokens))

differing = [translation.translate(one) for one in tests if translation.gender_differs(one)]
always = mean(right.tokens[right.pronoun] == dictionary["it"] for right in differing)
exact = scores(written, tests).exact
print(f"\nwithout a mistake: {exact:.3f} of {len(tests)} sentences")
print(
    f"{dictionary['it']}: right in {always:.3f} of the {len(differing)} with nouns of two genders"
)
assert exact == 0

# %% [markdown] id="problem-after" lang="en"
# Not one is right, and none could be: *because* is two words and a comma after the main clause and another word before it, and the dictionary has only *потому*. But look at everything else. The words needed to read the lines:
#
# | Russian | English | |
# |---|---|---|
# | он, она, оно | he, she, it | masculine, feminine, neuter |
# | был, была, было | was | after он, она, оно |
# | потому что; поскольку | because | after the main clause; before it |
# | вол, обезьяна, животное | ox, monkey, animal | masculine, feminine, neuter |
# | топь, ущелье | swamp, gorge | feminine, neuter |
# | утром | in the morning | one word for three |
#
# A Russian verb in the past and an adjective take the gender of their noun (*agreement*), a noun changes with its part in the sentence (*case*), a verb says whether the act was completed, *пересечь*, or went on, *пересекать* (*aspect*), and some words stand elsewhere. All that depends on other words of the sentence, and the pronoun depends on which noun *it* means, which English does not say. (Where both nouns have the same gender the pronoun proves nothing, so only the other sentences are counted.) What we need is something that reads the whole English sentence before it writes, and that remembers, while it writes, what it has written: a verb in the feminine makes sense only after a feminine subject.
# %% [markdown] id="problem-after" lang="ru"
# Верного перевода нет ни одного, да и быть не могло: *because* — это «, потому что» или «поскольку», а словарь знает одно «потому». Но посмотрите на всё остальное. Слова, нужные, чтобы читать эти строки:
#
# | Русский | Английский | |
# |---|---|---|
# | он, она, оно | he, she, it | мужской, женский, средний род |
# | был, была, было | was | после «он», «она», «оно» |
# | потому что; поскольку | because | после главной части; перед ней |
# | вол, обезьяна, животное | ox, monkey, animal | мужской, женский, средний род |
# | топь, ущелье | swamp, gorge | женский, средний род |
# | утром | in the morning | одно слово вместо трёх |
#
# Русский глагол в прошедшем времени и прилагательное согласуются в роде с существительным, к которому относятся (*согласование*), существительное меняется в зависимости от роли в предложении (*падеж*), глагол сообщает, завершено ли действие — «пересечь» — или длится — «пересекать» (*вид*), а некоторые слова стоят на других местах. Всё это зависит от других слов предложения, а местоимение — от того, к какому существительному относится *it*: прямо этого английский текст не говорит. (Если оба существительных одного рода, местоимение ничего не доказывает, поэтому считаем только остальные предложения.) Нужно что-то, что прочтёт английское предложение целиком, прежде чем писать, и будет помнить, что уже написало: глагол в женском роде уместен только при подлежащем женского рода.

# %% [markdown] id="symbols" lang="en"
# ## 2. Symbols
#
# The source has $T_s$ tokens, the text that is written $T$. The encoder's output is called the **memory** $C$: one vector for each token of the source. The tokens that are written are $y_1 \dots y_T$, before them stands the start token $y_0$ (`<s>`), and the last of them is the end token (`</s>`). Row $t$ of the decoder reads $y_0 \dots y_{t-1}$ and predicts $y_t$. Some letters change their meaning, as they do in the literature: $z_t$ are logits and no output of attention, $h_t$ is a vector of the decoder and no state of a recurrent network, $q$ without an index is a target and no query, Adam's $v$ is a mean of squares and no value, its $\beta_1, \beta_2$ are no shifts of LayerNorm, $\varepsilon$ in section 7 smooths a target, and $P(\dots)$ is a probability, $P$ alone the table of positions.
# %% [markdown] id="symbols" lang="ru"
# ## 2. Обозначения
#
# В исходном тексте $T_s$ токенов, в том, который пишется, — $T$. Выход энкодера назовём **памятью** (memory) $C$: это по вектору на каждый токен исходного текста. Токены, которые пишет декодер, — $y_1 \dots y_T$; перед ними стоит начальный токен $y_0$ (`<s>`), а последний из них — токен конца (`</s>`). Строка $t$ декодера читает $y_0 \dots y_{t-1}$ и предсказывает $y_t$. Некоторые буквы, как и в литературе, меняют смысл: $z_t$ — логиты, а не выход внимания, $h_t$ — вектор декодера, а не состояние рекуррентной сети, $q$ без индекса — цель, а не запрос, $v$ в Adam — среднее квадратов, а не значение, $\beta_1, \beta_2$ в нём — не сдвиги LayerNorm, $\varepsilon$ в разделе 7 сглаживает цель, а $P(\dots)$ — вероятность, тогда как просто $P$ — таблица позиций.
# %% id="notation"
notation_table(7)

# %% [markdown] id="recall" lang="en"
# Three questions from earlier lessons. Answer each aloud, then unfold.
# %% [markdown] id="recall" lang="ru"
# Три вопроса из прошлых уроков. Ответьте на каждый вслух, потом раскройте ответ.
# %% id="recall-cards"
recall(7)

# %% [markdown] id="chain" lang="en"
# ## 3. What a decoder computes
#
# A translator should give a probability to every possible text $y_1 \dots y_T$, given the source $x$. There are far too many texts for a table; but any such probability is a product, by the definition of conditional probability used $T$ times, with nothing assumed:
#
# $$P(y_1 \dots y_T \mid x) = \prod_{t=1}^{T} P(y_t \mid y_0 \dots y_{t-1},\, x).$$
#
# One factor is a single probability, taken from a distribution over the vocabulary: a softmax. **That is what a decoder computes: the distribution of the next token, from the source and the tokens before.** The encoder turns the source into the memory once; the decoder is asked again for each token. (Who remembers the *negative sampling* of lesson 01 may wonder: here we can afford the whole softmax.)
# %% [markdown] id="chain" lang="ru"
# ## 3. Что вычисляет декодер
#
# Переводчик должен приписывать вероятность каждому возможному тексту $y_1 \dots y_T$ при заданном исходном тексте $x$. Текстов слишком много, чтобы составить для них таблицу; но любая такая вероятность — произведение: достаточно $T$ раз применить определение условной вероятности, и никаких допущений для этого не нужно:
#
# $$P(y_1 \dots y_T \mid x) = \prod_{t=1}^{T} P(y_t \mid y_0 \dots y_{t-1},\, x).$$
#
# Каждый множитель — одна вероятность из распределения по всему словарю, то есть из softmax. **Его и вычисляет декодер: распределение следующего токена по исходному тексту и предыдущим токенам.** Энкодер превращает исходный текст в память один раз; к декодеру обращаются заново за каждым токеном. (Для тех, кто помнит негативное сэмплирование из урока 01: здесь нам по силам softmax по всему словарю.)
# %% id="transformer-figure"
show(drawings.transformer(), "transformer")

# %% [markdown] id="chain-predict" lang="en"
# **Predict.** An untrained model is asked for the third token of a translation. What changes its answer: another word in the source, another word among the two it has written, both, or neither? And what does it read for the *first* token, when nothing is written yet?
#
# <details><summary>Answer</summary>
#
# Both change it. For the first token it reads the start token, which is always the same, so that all it can go by is the source. A *prompt*, a text to be continued, is the rule in models without a source (lesson 08); some encoder-decoders get one too: NLLB's decoder is first given the target language, Whisper's the language and the task.
#
# </details>
# %% [markdown] id="chain-predict" lang="ru"
# **Предскажите.** Необученную модель спрашивают о третьем токене перевода. Что изменит её ответ: другое слово в исходном тексте, другое слово среди двух уже написанных, и то и другое или ни то ни другое? И что она читает перед *первым* токеном, когда ещё ничего не написано?
#
# <details><summary>Ответ</summary>
#
# Ответ изменится в обоих случаях. Перед первым токеном она читает начальный токен, а он всегда один и тот же, так что опираться можно только на исходный текст. *Промпт* — текст, который надо продолжить, — обычен у моделей без исходного текста (урок 08); бывает он и у моделей с энкодером: декодеру NLLB сперва сообщают язык перевода, декодеру Whisper — язык и задачу.
#
# </details>
# %% id="chain-run"
blank = untrained(SMALL, seed=0)  # the model of section 9, before training
one = batch(tests[:1])
source, russian = one.source, one.target[0].tolist()  # russian begins with <s>


def next_probabilities(source, written):
    """The distribution of the next token, (n_vocab,), given the source and all that stands before."""
    with torch.no_grad():
        # source, its lengths (None: no padding), text, its lengths → logits (1, T, n_vocab)
        logits = blank(source, None, torch.tensor([written]), None)
    return logits[0, -1].softmax(dim=-1)


factors = [next_probabilities(source, russian[:t])[russian[t]] for t in range(1, 5)]
with torch.no_grad():
    logits = blank(source, None, torch.tensor([russian[:4]]), None)
at_once = logits[0].log_softmax(dim=-1)[range(4), russian[1:5]].sum()
print(f"log P of four tokens, one call each: {sum(math.log(p) for p in factors):.4f}")
print(f"                      from one call: {at_once:.4f}")

other_source = source.clone()
other_source[0, 1] = source[0, 5]  # another noun
other_word = [*russian[:2], russian[5]]
plain = next_probabilities(source, russian[:3])
by_source = float((next_probabilities(other_source, russian[:3]) - plain).abs().sum())
by_word = float((next_probabilities(source, other_word) - plain).abs().sum())
first = next_probabilities(source, [START])
first_moves = float((next_probabilities(other_source, [START]) - first).abs().sum())
print(f"p_3 moves by {by_source:.2f} with a source word, by {by_word:.2f} with a word just written")
print(f"p_1 moves by {first_moves:.2f} with a source word; before it stands <s> alone")
claim(
    "7.1",
    holds=min(by_source, by_word) > 1e-3,
    measured=f"third token: moves by {by_source:.2f} with the source, by {by_word:.2f} with the text written",
)
claim(
    "7.3",
    holds=first_moves > 1e-3 and all(int(row[0]) == START for row in batch(tests).target),
    measured=f"all {len(tests)} translations begin with <s> alone; the first token moves by {first_moves:.2f} with the source",
)

# %% [markdown] id="chain-after" lang="en"
# *Moves* is the sum of the absolute changes of all probabilities, at most 2. More remarkable are the first two lines: four factors from *one* call. The decoder was given `<s>` and the first three tokens at once, and its row $t$ gave the factor $t$, as if the later tokens had not been there. How that is done is the next section.
# %% [markdown] id="chain-after" lang="ru"
# «Moves» — сумма модулей изменений всех вероятностей, она не больше 2. Но примечательнее первые две строки: четыре множителя вышли из *одного* вызова. Декодеру дали сразу `<s>` и первые три токена, и его строка $t$ выдала множитель $t$ так, будто следующих токенов не было. Как это устроено — в следующем разделе.

# %% [markdown] id="mask" lang="en"
# ## 4. The mask
#
# In training the whole translation is known. It would be a pity to call the decoder $T$ times for it: with the right tokens as inputs, all $T$ predictions can be made in one pass, each in its own row. But self-attention lets every row look at every token, and row $t$ would find its answer $y_t$ in the row below. It would learn to copy, and nothing else. So it gets the *causal* mask of lesson 03 (section 11), a triangle: the scores of later tokens are replaced by $-\infty$ before softmax, and their weights become exactly 0.
# %% [markdown] id="mask" lang="ru"
# ## 4. Маска
#
# При обучении перевод известен целиком. Вызывать ради него декодер $T$ раз было бы расточительно: если подать на вход правильные токены, все $T$ предсказаний можно получить за один проход, каждое в своей строке. Но самовнимание позволяет каждой строке смотреть на любой токен, и строка $t$ нашла бы свой ответ $y_t$ строкой ниже. Модель научилась бы списывать — и больше ничему. Поэтому здесь нужна треугольная *каузальная* маска (causal mask) из урока 03, раздел 11: до softmax оценки всех последующих токенов заменяют на $-\infty$, и веса этих токенов становятся в точности нулевыми.
# %% id="mask-figure"
show(drawings.training_mask(), "training_mask")

# %% [markdown] id="mask-predict" lang="en"
# The order of the two steps matters. Suppose we take softmax over all scores first, and only then set the weights of later tokens to 0. **Predict:** do the rows still sum to 1? And if the *last* token is exchanged, do the first two rows change, although its weight in them is 0?
# %% [markdown] id="mask-predict" lang="ru"
# Порядок этих двух действий важен. Пусть мы сначала взяли softmax по всем оценкам, а уже потом обнулили веса следующих токенов. **Предскажите:** останутся ли суммы строк равными 1? И если заменить *последний* токен, изменятся ли первые две строки, хотя его вес в них нулевой?
# %% id="mask-by-hand"
S = torch.tensor([[2.0, 1, 0], [0, 1, 2], [1, 1, 1]], dtype=torch.float64)  # scaled scores
visible = torch.ones(3, 3, dtype=torch.bool).tril()


def mask_before(S):
    """The mask, then softmax."""
    return S.masked_fill(~visible, -math.inf).softmax(dim=-1)


def mask_after(S):
    """Softmax, then the mask."""
    return S.softmax(dim=-1) * visible


print("mask before softmax:\n", mask_before(S))
print("mask after softmax:\n", mask_after(S))
other = S.clone()
other[:, 2] += 3  # another last token: other scores in its column
moved = {}
for way in (mask_before, mask_after):
    moved[way] = int(((way(other) - way(S))[:2].abs().sum(dim=-1) > 0).sum())
    sums = [round(float(total), 4) for total in way(S).sum(dim=-1)]
    print(f"{way.__name__:11}  sums of the rows {sums}, of the first two {moved[way]} move")
show(drawings.late_mask(), "late_mask")

# %% [markdown] id="mask-after" lang="en"
# After softmax it is too late, as lesson 03 has shown: the hidden token still stands in the denominator, $\sum_j e^{s_{tj}}$. The rows but the last sum to less than 1, and how much less tells of the future. It looks like a narrow leak, one number for each row of each head. **Predict** whether a model can make use of it; section 12 measures it.
#
# With the mask before softmax nothing leaks, not even a bit. We exchange the last of six tokens and compare the logits of the five rows before it, not up to a tolerance, but bit by bit; and, to 1e-12, one pass over six tokens with six passes over one, two, … six.
# %% [markdown] id="mask-after" lang="ru"
# После softmax уже поздно, как показал урок 03: скрытый токен остался в знаменателе $\sum_j e^{s_{tj}}$. Суммы строк, кроме последней, меньше 1, и то, насколько меньше, рассказывает о будущем. С виду это узкая щель: по одному числу на строку каждой головы. **Предскажите**, сумеет ли модель ею воспользоваться; измерим это в разделе 12.
#
# При маске до softmax не просачивается ни один бит. Заменим последний из шести токенов и сравним логиты пяти строк перед ним — не с допуском, а бит в бит; а ещё — с точностью 1e-12 — один проход по шести токенам с шестью проходами по одному, двум, … шести.
# %% id="mask-exact"
several = batch(tests[:8])
with torch.no_grad():
    memory, _ = blank.encode(several.source, several.source_lengths)


def rows_of(written, **options):
    """The logits of all rows, (B, T, n_vocab)."""
    with torch.no_grad():
        return blank.decode(memory, several.source_lengths, written, **options)[0]


six = several.target[:, :6]
exchanged = six.clone()
exchanged[:, -1] = 17  # some other word
same = torch.equal(rows_of(six)[:, :-1], rows_of(exchanged)[:, :-1])
last = torch.equal(rows_of(six)[:, -1], rows_of(exchanged)[:, -1])
print(f"last token exchanged: rows 1 to 5 equal bit by bit: {same}; row 6 changes: {not last}")
alone = torch.stack([rows_of(six[:, :t])[:, -1] for t in range(1, 7)], dim=1)
print("one pass gives what six passes give:", close(rows_of(six), alone))
peeks = not torch.equal(
    rows_of(six, causal=False)[:, :-1], rows_of(exchanged, causal=False)[:, :-1]
)
print("without the mask rows 1 to 5 move:", peeks)
no_leak = same and not last and close(rows_of(six), alone)
assert no_leak and peeks

# %% [markdown] id="cross" lang="en"
# ## 5. Cross-attention
#
# The masked self-attention looks back at what was written. A second attention in every block looks across, into the source. Nothing in it is new: the queries come from the decoder's own vectors, the keys and values from the memory $C$,
#
# $$Q = X W_Q, \qquad K = C\, W_K, \qquad V = C\, W_V,$$
#
# and the rest is lesson 03. There are $T$ queries and $T_s$ keys, so the matrix of weights has the shape $(T, T_s)$; there is no triangle, since the source is all there; only padding of the source is hidden. By hand, with two rows that write, three tokens that were read, and $d_k = 2$:
# %% [markdown] id="cross" lang="ru"
# ## 5. Перекрёстное внимание
#
# Маскированное самовнимание оглядывается на написанное. Второе внимание в каждом блоке смотрит в исходный текст; оно и называется перекрёстным (cross-attention). Нового в нём ничего: запросы берутся из собственных векторов декодера, а ключи и значения — из памяти $C$,
#
# $$Q = X W_Q, \qquad K = C\, W_K, \qquad V = C\, W_V,$$
#
# а дальше всё как в уроке 03. Запросов $T$, ключей $T_s$, так что форма матрицы весов — $(T, T_s)$; треугольника нет, ведь исходный текст дан целиком; скрывают только его заполнение. Вручную, для двух строк декодера и трёх токенов исходного текста при $d_k = 2$:
# %% id="cross-by-hand"
queries = torch.tensor([[2.0, 0], [0, 2]], dtype=torch.float64)  # T = 2
keys = torch.tensor([[1.0, 0], [0, 1], [1, 1]], dtype=torch.float64)  # T_s = 3
values = torch.tensor([[10.0, 0], [0, 10], [5, 5]], dtype=torch.float64)
results = []
for t, query in enumerate(queries, start=1):
    e = [math.exp(float(query @ key) / math.sqrt(2)) for key in keys]
    weights = [one / sum(e) for one in e]
    results.append(sum(w * value for w, value in zip(weights, values, strict=True)))
    print(f"row {t}: weights {[round(w, 4) for w in weights]}, output {results[-1]}")
weights = (queries @ keys.T / math.sqrt(2)).softmax(dim=-1)
print(
    "at once: weights",
    tuple(weights.shape),
    "the same outputs:",
    close(weights @ values, torch.stack(results)),
)

# %% [markdown] id="cross-matrices-text" lang="en"
# The notes say that the *matrices* $W_K$ and $W_V$ come from the encoder's last layer. Drawn as one arrow from encoder to decoder it looks so. In our model, three and three blocks, no decoder block uses the matrices of the encoder's last block, and no two blocks have the same $K$. That is not only how we built it: Vaswani et al. say so in section 3.2.3, and by the parity below PyTorch does the same, where every layer has a `multihead_attn` of its own.
# %% [markdown] id="cross-matrices-text" lang="ru"
# В конспекте сказано, что из последнего слоя энкодера берутся сами *матрицы* $W_K$ и $W_V$. На рисунке, где от энкодера к декодеру ведёт одна стрелка, так оно и выглядит. В нашей модели, по три блока с каждой стороны, ни один блок декодера не пользуется матрицами последнего блока энкодера и ни у каких двух блоков $K$ не совпадают. Так не только у нас: об этом говорят Vaswani et al. в разделе 3.2.3, и так же, судя по сверке ниже, устроен PyTorch, где у каждого слоя свой `multihead_attn`.
# %% id="cross-matrices"
deep = Transformer(20, 20, 8, 2, 16, 3, 3, generator=generator(0))
with torch.no_grad():
    C, _ = deep.encode(torch.arange(3, 10)[None])
    own = keys_and_values(deep.encoder.blocks[-1].attention, C)
    found = [keys_and_values(block.cross_attention, C) for block in deep.decoder.blocks]
names = [f"decoder block {number}" for number in (1, 2, 3)]
for name, (K, _) in zip(names, found, strict=True):
    print(
        f"{name}: K {tuple(K.shape)} = (B, H, T_s, d_k), as with the encoder's own matrices: {close(K, own[0])}"
    )
different = [
    not close(found[a][part], found[b][part])
    for a, b in ((0, 1), (0, 2), (1, 2))
    for part in (0, 1)
]
print("K and V different in every two blocks:", all(different))
claim(
    "7.2",
    holds=all(different) and not any(close(K, own[0]) or close(V, own[1]) for K, V in found),
    measured="3 blocks: 3 different K, 3 different V, none made with the encoder's matrices; all from one C",
)

# %% [markdown] id="cross-after" lang="en"
# What is handed over is $C$, the *vectors*. Every decoder block has matrices of its own, asks its own questions and reads other keys and values from the same memory. The order of the sub-layers is: look back, look into the source, think (the feed-forward layer), each with a residual connection and a normalisation, as in lesson 06.
# %% [markdown] id="cross-after" lang="ru"
# Передаётся $C$, то есть *векторы*. Матрицы у каждого блока декодера свои: каждый задаёт свои вопросы и читает из одной и той же памяти свои ключи и значения. Порядок подслоёв такой: оглянуться, посмотреть в исходный текст, обдумать (слой прямого распространения); у каждого — остаточная связь и нормализация, как в уроке 06.
# %% id="block-figure"
show(drawings.decoder_block(), "decoder_block")


# %% id="block"
class Block(nn.Module):
    """A pre-norm decoder block; x (B, T, D), memory (B, T_s, D) → (B, T, D).

    Vaswani et al. 2017, section 3.1, with the normalisation before each sub-layer.
    """

    def __init__(self, D, H, d_ff, generator):
        super().__init__()
        self.self_attention = MultiHeadAttention(D, H, bias=True, generator=generator)
        self.cross_attention = MultiHeadAttention(D, H, bias=True, generator=generator)
        self.feed_forward = FeedForward(D, d_ff, generator=generator)
        self.norm_1, self.norm_2, self.norm_3 = LayerNorm(D), LayerNorm(D), LayerNorm(D)

    def forward(self, x, memory, mask, memory_mask):
        y = self.norm_1(x)
        x = x + self.self_attention(y, y, mask)[0]  # queries, keys, values: what was written
        y = self.norm_2(x)
        x = x + self.cross_attention(y, memory, memory_mask)[0]  # only the queries
        return x + self.feed_forward(self.norm_3(x))


# %% [markdown] id="parity-text" lang="en"
# The packaged block is `course_lib.decoder.DecoderBlock`; the whole model, embeddings, positions, encoder, decoder and read-out, is `course_lib.translator_model.Transformer`. It has to agree with `nn.Transformer`, with weights copied over and none of them at its initial 0 or 1, in both orders of normalisation, with three masks: the triangle, the padding of the source, the padding of the target. (The two long functions pair our weights with PyTorch's, which keeps $W_Q$, $W_K$, $W_V$ in one matrix, and build its model; skip them. What is counted as *gradients* are those of all weights and, where there are any, of the input vectors. Embeddings are multiplied by $\sqrt{D}$ before the positions are added, as in the paper: a tied table has small numbers, and the positions would drown them.)
# %% [markdown] id="parity-text" lang="ru"
# В пакете этот блок — `course_lib.decoder.DecoderBlock`, а модель целиком — эмбеддинги, позиции, энкодер, декодер и выходной слой — `course_lib.translator_model.Transformer`. Она должна совпасть с `nn.Transformer`. Проверяем с копией весов (ни один не остался при начальном 0 или 1), при обоих порядках нормализации и с тремя масками: треугольник, заполнение исходного текста, заполнение перевода. (Две длинные функции сопоставляют наши веса с весами PyTorch, где $W_Q$, $W_K$, $W_V$ лежат в одной матрице, и строят его модель; их можно пропустить. В счёт *градиентов* входят градиенты по всем весам и, если они есть, по входным векторам. Эмбеддинги перед сложением с позициями умножаются на $\sqrt{D}$, как в статье: числа в таблице, которая служит и выходным слоем (раздел 6), малы, и позиции их заглушили бы.)
# %% id="parity"
mine, packaged = Block(12, 3, 20, generator(0)), DecoderBlock(12, 3, 20, generator=generator(0))
parity(
    "course_lib.decoder",
    mine,
    lambda *inputs: packaged(*inputs)[0],
    randn(2, 5, 12, seed=1),
    randn(2, 7, 12, seed=2),
    causal_mask(5),
    padding_mask(torch.tensor([7, 4]), 7)[:, None],  # the second source has 4 tokens
    parameters=list(zip(mine.parameters(), packaged.parameters(), strict=True)),
)


def paired(ours, core, source, target):
    """Our weights and PyTorch's, with what turns their layout into ours."""
    D = core.d_model
    pairs = [(ours.source_embedding, source.weight), (ours.target_embedding, target.weight)]

    def add_attention(mine, theirs):
        for number, letter in enumerate("QKV"):
            rows = slice(number * D, (number + 1) * D)
            pairs.append(
                (
                    getattr(mine, f"W_{letter}"),
                    theirs.in_proj_weight,
                    lambda w, rows=rows: w[rows].T,
                )
            )
            pairs.append(
                (getattr(mine, f"b_{letter}"), theirs.in_proj_bias, lambda w, rows=rows: w[rows])
            )
        pairs.extend(
            [(mine.W_O, theirs.out_proj.weight, lambda w: w.T), (mine.b_O, theirs.out_proj.bias)]
        )

    for blocks, layers in (
        (ours.encoder.blocks, core.encoder.layers),
        (ours.decoder.blocks, core.decoder.layers),
    ):
        for block, layer in zip(blocks, layers, strict=True):
            norms = [(block.norm_1, layer.norm1), (block.norm_2, layer.norm2)]
            if isinstance(block, DecoderBlock):
                add_attention(block.self_attention, layer.self_attn)
                add_attention(block.cross_attention, layer.multihead_attn)
                norms.append((block.norm_3, layer.norm3))
            else:
                add_attention(block.attention, layer.self_attn)
            for W, b, linear in (("W_1", "b_1", layer.linear1), ("W_2", "b_2", layer.linear2)):
                pairs.append((getattr(block.feed_forward, W), linear.weight, lambda w: w.T))
                pairs.append((getattr(block.feed_forward, b), linear.bias))
            for norm, theirs in norms:
                pairs.extend([(norm.gamma, theirs.weight), (norm.beta, theirs.bias)])
    for mine, theirs in ((ours.encoder, core.encoder), (ours.decoder, core.decoder)):
        if mine.norm is not None:  # pre-norm: a last normalisation
            pairs.extend(
                [(mine.norm.gamma, theirs.norm.weight), (mine.norm.beta, theirs.norm.bias)]
            )
    return pairs


def with_torch(order):
    """Our model, nn.Transformer with embeddings, read-out and the same weights, and the pairs of them."""
    ours = Transformer(9, 11, 12, 3, 20, 2, 2, norm=order, generator=generator(3))
    with torch.no_grad():
        for seed, weight in enumerate(ours.parameters()):
            if weight.ndim == 1:
                weight.add_(0.3 * randn(*weight.shape, seed=seed))
    core, source, target, read_out = ours.to_torch()

    def theirs(read, read_lengths, written, written_lengths):
        x, y = (
            embedding(ids) * math.sqrt(12) + sinusoidal_table(ids.shape[1], 12)
            for embedding, ids in ((source, read), (target, written))
        )
        hidden = ~padding_mask(read_lengths, read.shape[1])[:, 0]  # PyTorch marks what is hidden
        out = core(
            x,
            y,
            tgt_mask=~causal_mask(written.shape[1]),
            src_key_padding_mask=hidden,
            memory_key_padding_mask=hidden,
            tgt_key_padding_mask=~padding_mask(written_lengths, written.shape[1])[:, 0],
        )
        return read_out(out)

    return ours, theirs, paired(ours, core, source, target)


read, read_lengths = torch.tensor([[4, 1, 8, 2, 6], [5, 7, 0, 0, 0]]), torch.tensor([5, 2])
text, text_lengths = torch.tensor([[1, 4, 2, 5], [1, 3, 0, 0]]), torch.tensor([4, 2])
for order in ("pre", "post"):
    ours, theirs, pairs = with_torch(order)
    parity(
        f"nn.Transformer, {order}",
        ours,
        theirs,
        read,
        read_lengths,
        text,
        text_lengths,
        parameters=pairs,
    )

# %% [markdown] id="logits-text" lang="en"
# ## 6. From a vector to a word
#
# After the last block and its LayerNorm each row has a vector $h_t$ of size $D$. A last linear layer, the *read-out* (in language models also called the LM head), makes of it one number for every token of the vocabulary, $z_t = h_t W_{out}$, of shape $(n_{vocab})$. The notes call them "probabilities (logits)". They are one thing before softmax and another after it:
# %% [markdown] id="logits-text" lang="ru"
# ## 6. От вектора к слову
#
# После последнего блока и LayerNorm у каждой строки есть вектор $h_t$ размера $D$. Последний линейный слой — *выходной* (в языковых моделях его называют и LM head) — делает из него по числу на каждый токен словаря: $z_t = h_t W_{out}$ формы $(n_{vocab})$. В конспекте эти числа названы «вероятностями (логитами)». Но до softmax это одно, а после — другое:
# %% id="logits"
with torch.no_grad():
    z = blank(source, None, torch.tensor([[START]]), None)[0, 0]
p = z.softmax(dim=-1)
print(f"{len(z)} logits: from {z.min():.2f} to {z.max():.2f}, sum {z.sum():.2f}")
print(f"after softmax: all positive: {bool((p > 0).all())}, sum {p.sum():.2f}")
print("logits + 100 give the same probabilities:", close((z + 100).softmax(dim=-1), p))
print("z_i − z_j = log(p_i / p_j):", close(z[5] - z[9], (p[5] / p[9]).log()))
claim(
    "7.5",
    holds=bool(z.min() < 0) and abs(float(z.sum()) - 1) > 0.1 and abs(float(p.sum()) - 1) <= 1e-12,
    measured=f"{len(z)} logits from {z.min():.2f} to {z.max():.2f}, sum {z.sum():.2f}; after softmax the sum is {p.sum():.2f}",
)

# %% [markdown] id="logits-after" lang="en"
# As the primer said (section 4), only differences between logits mean something: $z_i - z_j$ is the logarithm of how many times more probable $i$ is than $j$. (In statistics the logit of $p$ is $\log \tfrac{p}{1-p}$, the case of two outcomes; hence the name.)
#
# The layer is large: $D \cdot n_{vocab}$ weights, each used once for every token written. How large beside the rest?
# %% [markdown] id="logits-after" lang="ru"
# Как сказано во введении (раздел 4), смысл имеют только разности логитов: $z_i - z_j$ — логарифм того, во сколько раз $i$ вероятнее $j$. (В статистике логит числа $p$ — это $\log \tfrac{p}{1-p}$, случай двух исходов; отсюда и название.)
#
# Слой велик: $D \cdot n_{vocab}$ весов, и каждый участвует в вычислении каждого написанного токена. Насколько он велик рядом с остальным?
# %% id="output-share"
stored, share = {}, {}
for name, model in MODELS.items():
    weights = count(model)
    table = model.vocabulary * model.d_model
    blocks = sum(weights.values()) - weights["embeddings"]
    attention = attention_weights(model.d_model, model.heads, model.key_heads, bias=model.bias)
    layer = feed_forward_weights(model.d_model, model.d_ff, gated=model.gated, bias=model.bias)
    if model.decoder_blocks:  # what is written goes through the decoder alone
        # Of cross-attention only W_Q and W_O meet it: keys and values are made of the source.
        passed = model.decoder_blocks * (attention + attention // 2 + layer)
    else:
        passed = model.encoder_blocks * (attention + layer)
    share[name] = table / (table + passed)
    parts = {"embedding": table, "blocks": blocks} | ({} if model.tied else {"read-out": table})
    stored[name] = {part: number / sum(parts.values()) for part, number in parts.items()}
    print(
        f"{name:11} n_vocab {model.vocabulary:6}  D {model.d_model:4}  read-out {share[name]:5.1%} of the multiplications"
    )
table = blank.target_embedding.numel()
blocks = attention_weights(64, 4) * 3 // 2 + feed_forward_weights(64, 128)
print(f"our decoder n_vocab {len(z):6}  D   64  read-out {table / (table + blocks):5.1%}")
show(curves.output_share(stored), "output_share")

# %% [markdown] id="tying" lang="en"
# Counted are the multiplications for one token, which are as many as the weights they use: those of the blocks that a written token goes through and of the read-out (the keys and values of the memory are made once for each token of the source, and not counted; reading an embedding multiplies nothing; the products of queries with keys, which grow with the length, are left out). The picture shows instead what has to be *stored*.
#
# **Tying** (Press & Wolf, 2017) saves one of the two tables: the read-out is the transposed embedding, $W_{out} = E^\top$. It is more than thrift. With $E_i$, the row of token $i$, the logit is $h_t \cdot E_i$: the vector has to point to the embedding of the token it means, and every step of training moves the embedding both as what is read and as what is written. GPT-2 and BERT tie, Llama 3 8B does not; in our model `tied=True` is the default.
#
# **Less work.** Word2Vec had two ways around the large softmax (lesson 01): the tree of the hierarchical softmax, and negative sampling, which gives no distribution over the vocabulary at all. PyTorch has a third, the *adaptive softmax* (Grave et al., 2017): two levels instead of a tree. The most frequent tokens and one output for each group of rarer ones make up the *head* (not one of attention); the tokens of a group are computed only if the group is called for, and not from $h_t$ itself, but from a smaller vector that a small matrix makes of it. In training the right token is known, and only its group is needed; who wants all probabilities has to compute all groups. How much is saved depends on how often they are called for. We take Zipf's law from lesson 01, the probability of a token is proportional to one over its rank:
# %% [markdown] id="tying" lang="ru"
# В таблице посчитаны умножения на один токен. Их столько же, сколько весов в них участвует: весов выходного слоя и блоков, через которые проходит написанный токен (чтение эмбеддинга ничего не умножает; произведения запросов на ключи, которые растут с длиной, не учтены; ключи и значения памяти вычисляют один раз на токен исходного текста, и они не в счёт). А рисунок показывает, сколько весов приходится *хранить*.
#
# **Связывание весов** (weight tying; Press & Wolf, 2017) экономит одну из двух таблиц: выходной слой — это транспонированная таблица эмбеддингов, $W_{out} = E^\top$. И дело не только в экономии. Если $E_i$ — строка токена $i$, то логит равен $h_t \cdot E_i$: вектор должен указывать на эмбеддинг того токена, который надо предсказать, и каждый шаг обучения сдвигает эмбеддинг сразу в обеих ролях — того, что читают, и того, что пишут. В GPT-2 и BERT веса связаны, в Llama 3 8B — нет; в нашей модели `tied=True` по умолчанию.
#
# **Как считать меньше.** У Word2Vec было два способа обойти большой softmax (урок 01): дерево иерархического softmax и негативное сэмплирование, которое распределения по словарю вообще не даёт. В PyTorch есть третий — *адаптивный softmax* (adaptive softmax; Grave et al., 2017): вместо дерева — два уровня. Самые частые токены и по одному выходу на каждую группу редких образуют *голову* (не путать с головой внимания); логиты токенов группы вычисляют, только если понадобилась эта группа, и не по самому $h_t$, а по вектору меньшего размера, который получает из него небольшая матрица. При обучении верный токен известен, и нужна только его группа; а кому нужны все вероятности, тому придётся вычислить все группы. Сколько это экономит, зависит от того, как часто группы нужны. Возьмём закон Ципфа из урока 01: вероятность токена обратно пропорциональна его рангу.
# %% id="adaptive"
n, D, edges = 50_000, 512, [0, 2_000, 10_000, 50_000]
frequency = 1 / torch.arange(1, n + 1, dtype=torch.float64)
frequency /= frequency.sum()
called = [float(frequency[a:b].sum()) for a, b in zip(edges, edges[1:], strict=False)]
head = D * (edges[1] + 2)  # the frequent tokens, and two groups
groups = []
for size, b, a in ((D // 4, edges[2], edges[1]), (D // 16, edges[3], edges[2])):
    groups.append(D * size + size * (b - a))  # to a shorter vector, then to the tokens of the group
work = head + sum(share * group for share, group in zip(called[1:], groups, strict=True))
print("share of the tokens: head", f"{called[0]:.2f}, groups {called[1]:.2f} and {called[2]:.2f}")
everything = head + sum(groups)
print(
    f"multiplications: {n * D / 1e6:.1f} million, adaptive {work / 1e6:.2f} for a token that is known, {everything / 1e6:.2f} for all"
)

with torch.random.fork_rng():
    torch.manual_seed(0)
    adaptive = nn.AdaptiveLogSoftmaxWithLoss(D, n, edges[1:3], div_value=4.0, dtype=torch.float64)
x = randn(2, D, seed=1)
with torch.no_grad():
    log_p = adaptive.log_prob(x)
    rare = 30_000  # a token of the last group: log P(group) + log P(token | group)
    by_hand = (
        adaptive.head(x).log_softmax(-1)[:, -1]
        + adaptive.tail[1](x).log_softmax(-1)[:, rare - edges[2]]
    )
print("log P(group) + log P(token | group):", close(log_p[:, rare], by_hand))
print("all 50,000 probabilities sum to 1:", bool((log_p.exp().sum(-1) - 1).abs().max() <= 1e-9))
weights = sum(w.numel() for w in adaptive.parameters())
print(f"weights: {n * D / 1e6:.1f} million, adaptive {weights / 1e6:.1f} million")
claim(
    "7.6",
    holds=n * D / work > 10 and min(share.values()) > 0.05,
    measured="share of the read-out in the multiplications: "
    + ", ".join(f"{name} {part:.0%}" for name, part in share.items())
    + f"; adaptive softmax, 50,000 tokens, the right one known: {n * D / work:.0f} times fewer",
)

# %% [markdown] id="adaptive-after" lang="en"
# Yet large models compute the whole softmax. The larger a model, the smaller the read-out's share (it grows as $n_{vocab} D$, the blocks as $L D^2$, and vocabularies have grown more slowly), one large product suits a graphics card better than branches, and subwords (lesson 02) have done away with the many rare words. Where the layer does hurt today it is in training, and by the room it takes on the card: $B \cdot T \cdot n_{vocab}$ logits.
# %% [markdown] id="adaptive-after" lang="ru"
# И всё же большие модели вычисляют softmax целиком. Чем больше модель, тем меньше доля выходного слоя (он растёт как $n_{vocab} D$, блоки — как $L D^2$, а словари росли медленнее), одно большое произведение удобнее для видеокарты, чем ветвления, а от множества редких слов избавили подслова (урок 02). Сегодня этот слой обходится дорого прежде всего при обучении, и не временем, а местом в памяти видеокарты: $B \cdot T \cdot n_{vocab}$ логитов.
# %% [markdown] id="training" lang="en"
# ## 7. What is trained
#
# **Shift by one.** A pair of training texts is the translation and the same translation moved by one place: the input has the start token in front, the target the end token behind. Row $t$ reads up to $y_{t-1}$ and is to predict $y_t$.
# %% [markdown] id="training" lang="ru"
# ## 7. Чему учат
#
# **Сдвиг на один токен.** Обучающая пара — перевод и он же, сдвинутый на одно место: вход начинается начальным токеном, а цель кончается токеном конца. Строка $t$ читает всё до $y_{t-1}$ включительно и должна предсказать $y_t$.
# %% id="shift"
show(drawings.shift_by_one(), "shift_by_one")
pair = batch([tests[0], tests[1]])
words = translation.vocabulary("ru")
inputs, targets = pair.target[:, :-1], pair.target[:, 1:]
for row in range(2):
    print("reads:   ", " ".join(words[i] for i in inputs[row]))
    print("predicts:", " ".join(words[i] for i in targets[row]))
counted = targets != PAD
claim(
    "7.7",
    holds=bool((inputs[:, 1:] == targets[:, :-1])[counted[:, 1:]].all()),
    measured=f"two texts, {int(counted.sum())} predictions from one pass: each input behind <s> is the target one place earlier",
)

# %% [markdown] id="teacher" lang="en"
# **Teacher forcing.** In training the inputs are the *right* tokens, even where the model would have written another. That is why one pass suffices: no row waits for another row's answer. It has a price: a model that has only ever seen right beginnings has not learned what to do after a mistake of its own (*exposure bias*). A translator can live with it; what ours does after one wrong word we shall see in section 9.
#
# **Padding.** Texts of a batch are filled up to one length, and the padding must not count. Neither as a key: that the masks see to. Nor as a target: a model would be praised for predicting `<pad>` after `</s>`. The mean is over the tokens that are really there, the end token among them: without it a model would never learn to stop.
#
# **Cross-entropy.** The loss of one row is $-\log p_t(y_t)$, the surprise at the right token. Written with a one-hot target $q$ it is the cross-entropy $-\sum_i q_i \log p_i$, where all terms but one vanish. Its gradient by the logits is that of lesson 01, prediction minus label: $-\log p_y = -z_y + \log \sum_j e^{z_j}$, and the derivative by $z_i$ is $p_i - q_i$. A step of descent pushes the logit of every wrong token down in proportion to its probability, and that of the right one up in proportion to what its probability lacks to 1. **Perplexity** (primer, section 4) is $e^{\text{mean loss}}$: among how many equally likely tokens a model would be in the same doubt. Three rows over four tokens by hand:
# %% [markdown] id="teacher" lang="ru"
# **Teacher forcing.** При обучении на вход подают *верные* токены, даже там, где модель написала бы другое. Поэтому и хватает одного прохода: ни одна строка не ждёт ответа другой. За это приходится платить: модель, которая видела только верные начала, не научилась действовать после собственной ошибки (exposure bias). Переводчикам это обычно мешает мало; что делает наш после одного неверного слова, увидим в разделе 9.
#
# **Заполнение.** Тексты в батче дополняют до общей длины, и заполнение не должно учитываться ни как ключ (за этим следят маски), ни как цель (иначе модель хвалили бы за предсказание `<pad>` после `</s>`). Среднее берут по настоящим токенам, и токен конца — среди них: без него модель не научилась бы останавливаться.
#
# **Кросс-энтропия.** Потери одной строки — $-\log p_t(y_t)$: насколько неожиданным оказался верный токен. Если записать цель one-hot-вектором $q$, получится кросс-энтропия $-\sum_i q_i \log p_i$, в которой все слагаемые, кроме одного, равны нулю. Её градиент по логитам — тот же, что в уроке 01, предсказание минус метка: $-\log p_y = -z_y + \log \sum_j e^{z_j}$, и производная по $z_i$ равна $p_i - q_i$. Шаг спуска опускает логит каждого неверного токена пропорционально вероятности этого токена, а логит верного поднимает пропорционально тому, чего его вероятности не хватает до 1. **Перплексия** (введение, раздел 4) — это $e^{\text{средние потери}}$: между сколькими равновероятными токенами пришлось бы выбирать наугад, чтобы потери были такими же. Вручную, три строки и четыре токена:
# %% id="cross-entropy"
z = torch.tensor([[2.0, 0, 0, 0], [0, 0, 3, 0], [0, 1, 0, 0]], dtype=torch.float64)
y = torch.tensor([0, 2, 3])
one_hot = F.one_hot(y, 4).double()
p = z.softmax(dim=-1)
each = -(one_hot * p.log()).sum(dim=-1)
print("p of the right token:", p[range(3), y])
print("cross-entropy:       ", each)
print(f"mean {each.mean():.4f} nats, perplexity {each.mean().exp():.4f}")
parity(
    "F.cross_entropy",
    lambda z: -(one_hot * z.log_softmax(-1)).sum(-1).mean(),
    lambda z: F.cross_entropy(z, y),
    z,
)
by_autograd = z.clone().requires_grad_()
F.cross_entropy(by_autograd, y, reduction="sum").backward()
print("the gradient is p − q:", close(by_autograd.grad, p - one_hot))
claim(
    "7.8",
    holds=close(each.mean(), F.cross_entropy(z, y)) and close(by_autograd.grad, p - one_hot),
    measured=f"three rows by hand {each.mean():.4f} nats, as F.cross_entropy; gradient p − q to 1e-12",
)

of = batch(tests[:16])
with torch.no_grad():
    logits = blank(of.source, of.source_lengths, of.target[:, :-1], of.target_lengths - 1)
each = F.cross_entropy(
    logits.mT, of.target[:, 1:], reduction="none"
)  # .mT: it wants n_vocab on axis 1
real = of.target[:, 1:] != PAD
print(
    f"16 texts, {int(real.sum())} tokens in {real.numel()} places: mean over tokens {each[real].mean():.4f}, with padding {each.mean():.4f}"
)
assert close(each[real].mean(), loss(blank, of).detach())

# %% [markdown] id="smoothing-text" lang="en"
# **Label smoothing.** Against a one-hot target the loss falls as long as the right logit grows: only at infinity is it 0. Vaswani et al. (section 5.4) smooth the target, as Szegedy et al. (2016) had done with pictures: $1 - \varepsilon$ goes to the right token, $\varepsilon = 0.1$ to all of them in equal parts, so that $q = (1-\varepsilon)\,\text{one-hot} + \varepsilon / n_{vocab}$. **Predict:** the right logit is ahead of three others by a gap. Which gap is best now, and what happens beyond it?
# %% [markdown] id="smoothing-text" lang="ru"
# **Сглаживание меток** (label smoothing). Если цель — one-hot, потери падают, пока растёт логит верного токена: нуля они достигают только на бесконечности. Vaswani et al. (раздел 5.4) сглаживают цель, как это делали Szegedy et al. (2016) в распознавании изображений: $1 - \varepsilon$ достаётся верному токену, $\varepsilon = 0.1$ — всем поровну, то есть $q = (1-\varepsilon)\,\text{one-hot} + \varepsilon / n_{vocab}$. **Предскажите:** логит верного токена больше каждого из трёх остальных на некоторую величину — отрыв. При каком отрыве потери теперь наименьшие и что будет, если он ещё больше?
# %% id="smoothing"
epsilon = 0.1
q = (1 - epsilon) * one_hot + epsilon / 4
parity(
    "F.cross_entropy, smoothed",
    lambda z: -(q * z.log_softmax(-1)).sum(-1).mean(),
    lambda z: F.cross_entropy(z, y, label_smoothing=epsilon),
    z,
)
best = math.log((1 - epsilon + epsilon / 4) / (epsilon / 4))  # where p equals q
print("gap     one-hot   smoothed")
smoothed = {}
for gap in (1.0, best, 8.0):
    row, right = torch.tensor([gap, 0, 0, 0], dtype=torch.float64), torch.tensor(0)
    plain = F.cross_entropy(row, right)
    smoothed[gap] = F.cross_entropy(row, right, label_smoothing=epsilon)
    print(f"{gap:.2f}    {plain:.4f}    {smoothed[gap]:.4f}")
assert smoothed[best] < min(smoothed[1.0], smoothed[8.0])
ahead = torch.tensor([best, 0, 0, 0], dtype=torch.float64).softmax(-1)
show(
    curves.smoothed_target(
        {"one-hot": one_hot[0].tolist(), "smoothed": q[0].tolist()},
        {"one-hot": one_hot[0].tolist(), "smoothed": ahead.tolist()},
    ),
    "smoothed_target",
)


# %% [markdown] id="smoothing-after" lang="en"
# The gradient is $p - q$, so the smoothed loss is smallest where $p$ equals $q$; the gap is then the logarithm of the ratio of the two probabilities, $\log\frac{1 - \varepsilon + \varepsilon / n_{vocab}}{\varepsilon / n_{vocab}}$ (here $n_{vocab} = 4$). And the loss is not 0 there: what is left is the entropy of $q$. A model trained so is a little less sure than it could be; perplexity gets worse, and Vaswani et al. found the translations better for it. Our translations are determined by the source to the last token, so we do without.
# %% [markdown] id="smoothing-after" lang="ru"
# Градиент равен $p - q$, поэтому сглаженные потери наименьшие там, где $p$ равно $q$; отрыв тогда — логарифм отношения двух вероятностей, $\log\frac{1 - \varepsilon + \varepsilon / n_{vocab}}{\varepsilon / n_{vocab}}$ (здесь $n_{vocab} = 4$). И потери там не равны нулю: остаётся энтропия $q$. Обученная так модель уверена чуть меньше, чем могла бы; перплексия ухудшается, а переводы, по наблюдению Vaswani et al., становятся лучше. Наши переводы определены исходным текстом вплоть до последнего токена, поэтому мы обойдёмся без сглаживания.
# %% [markdown] id="optimiser" lang="en"
# ## 8. How it is trained
#
# **Adam** (Kingma & Ba, 2015), which the primer introduced and most lessons have used, keeps two running means for each weight, of its gradient $g$ and of $g^2$. The root of the second says how large this weight's gradients usually are; dividing by it makes the step independent of that:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \quad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \quad w \leftarrow w - \eta\, \frac{m / (1 - \beta_1^s)}{\sqrt{v / (1 - \beta_2^s)} + 10^{-8}}$$
#
# in step $s = 1, 2, \dots$ with the learning rate $\eta$; usual are $\beta_1 = 0.9$ and $\beta_2 = 0.98$ or $0.999$, and $10^{-8}$ keeps us from dividing by 0. Both means begin at 0, which pulls them towards 0: if every gradient is $g$, then $m = (1 - \beta_1^s)\, g$ after $s$ steps, hence the divisor. **Predict** the first step, by pencil: $m / (1 - \beta_1)$ is $g$ itself, $v / (1 - \beta_2)$ is $g^2$. How large is the step, and what changes if all gradients are a thousand times larger?
#
# **Clipping.** A batch may have a gradient many times longer than usual. If the norm of the gradient of *all* weights together is over a limit, the gradient is scaled down to it: the direction stays.
#
# **Warm-up.** The first steps are the least reliable ones: $v$ has seen one or two gradients. So the rate begins small and rises (lesson 06 showed when that is needed). The paper's schedule is $\eta_s = D^{-1/2} \min(s^{-1/2},\ s \cdot s_0^{-3/2})$, a straight line up to step $s_0 = 4000$, then as $1/\sqrt{s}$.
#
# **Dropout** sets a share of the numbers to 0 in training, drawn anew each time, and divides the others by the share that is left, so that every number keeps its value on average over the draws. It keeps a model from learning a small corpus by heart. Our sentences are drawn anew in every step, so we have none, and in inference, and wherever outputs are compared, it has to be off (`model.eval()`).
# %% [markdown] id="optimiser" lang="ru"
# ## 8. Как учат
#
# **Adam** (Kingma & Ba, 2015), с которым познакомило введение и которым пользовались почти все уроки, хранит для каждого веса два скользящих средних — самого градиента $g$ и его квадрата $g^2$. Корень из второго говорит, как велики обычно градиенты этого веса; если на него разделить, шаг перестаёт зависеть от их величины:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \quad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \quad w \leftarrow w - \eta\, \frac{m / (1 - \beta_1^s)}{\sqrt{v / (1 - \beta_2^s)} + 10^{-8}}$$
#
# на шаге $s = 1, 2, \dots$ при скорости обучения $\eta$; обычно $\beta_1 = 0.9$, а $\beta_2 = 0.98$ или $0.999$; $10^{-8}$ не даёт делить на 0. Оба средних начинаются с нуля и потому смещены к нулю: если каждый градиент равен $g$, то после $s$ шагов $m = (1 - \beta_1^s)\, g$, отсюда и делитель. **Предскажите**, с карандашом в руках, первый шаг: $m / (1 - \beta_1)$ — это само $g$, а $v / (1 - \beta_2)$ — это $g^2$. Какой длины шаг и что изменится, если все градиенты станут в тысячу раз больше?
#
# **Обрезка градиентов.** Градиент на каком-нибудь батче бывает во много раз длиннее обычного. Если норма градиента по *всем* весам сразу больше порога, градиент укорачивают до него; направление остаётся.
#
# **Прогрев.** Первые шаги — самые ненадёжные: $v$ видел один-два градиента. Поэтому обучение начинают с малой скорости и постепенно её повышают (когда это нужно, показал урок 06). Расписание из статьи — $\eta_s = D^{-1/2} \min(s^{-1/2},\ s \cdot s_0^{-3/2})$: до шага $s_0 = 4000$ прямая, потом как $1/\sqrt{s}$.
#
# **Дропаут** (dropout) при обучении обнуляет случайно выбранную часть чисел слоя, каждый раз другую, а уцелевшие делит на вероятность уцелеть, чтобы в среднем по таким выборам каждое число сохранило своё значение. Он мешает модели выучить маленький корпус наизусть. У нас предложения на каждом шаге выбираются заново, поэтому дропаута нет; а при инференсе и везде, где сравнивают выходы, его надо выключать (`model.eval()`).
# %% id="adam"
def adam_by_hand(gradients, rate=0.1, beta_1=0.9, beta_2=0.98):
    """The changes of one weight."""
    m = v = 0.0
    changes = []
    for s, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        changes.append(-rate * (m / (1 - beta_1**s)) / (math.sqrt(v / (1 - beta_2**s)) + 1e-8))
    return changes


gradients = [4.0, 2.0, -1.0, 0.5]
weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
optimizer = torch.optim.Adam([weight], lr=0.1, betas=(0.9, 0.98))
theirs = []
for g in gradients:
    before = weight.item()
    weight.grad = torch.tensor([g], dtype=torch.float64)
    optimizer.step()
    theirs.append(weight.item() - before)
agrees = max(abs(a - b) for a, b in zip(adam_by_hand(gradients), theirs, strict=True)) <= 1e-12
print("changes:             ", [round(change, 4) for change in adam_by_hand(gradients)])
print(
    "gradients × 1,000:   ",
    [round(change, 4) for change in adam_by_hand([1000 * g for g in gradients])],
)
print("as torch.optim.Adam: ", agrees)

weight = nn.Parameter(torch.zeros(2))
weight.grad = torch.tensor([3.0, 4.0])
norm = nn.utils.clip_grad_norm_([weight], 1.0)
print(
    f"gradient (3, 4) of norm {norm:.0f}, clipped to 1:",
    [round(g, 2) for g in weight.grad.tolist()],
)
kept = torch.tensor([1.0, 0, 1, 1])
print(
    "(3, 6, 9, 12), one number in four dropped:",
    [round(x, 2) for x in (torch.tensor([3.0, 6, 9, 12]) * kept / 0.75).tolist()],
)
papers = training.inverse_root(512, 4000)
top = max(range(20_000), key=lambda step: papers(step, 20_000))
print(
    f"the paper's rate is largest in step {top + 1}: {1000 * papers(top, 20_000):.2f} thousandths"
)
assert agrees and top + 1 == 4000
steps = [0, *range(49, 20_000, 50)]
linear = training.warm(4000, training.falling)
show(
    curves.schedules(
        [step + 1 for step in steps],
        {
            "inverse_root": [papers(step, 20_000) for step in steps],
            "linear": [papers(top, 20_000) / 0.8 * linear(step, 20_000) for step in steps],
        },
    ),
    "schedules",
)

# %% [markdown] id="adam-after" lang="en"
# The first step of a weight has the length of the rate, however large or small its gradient (as long as it is far above $10^{-8}$): Adam's steps have the scale of the rate, not of the gradient. That is why the same rate does for embeddings and for matrices, why a rate that is too large hurts from the first step on, and why clipping matters less than with plain gradient descent (it decides how much one batch weighs in the two means).
#
# Now everything at once: a training step of our model beside the same step of `nn.Transformer`, with smoothed targets, clipping and Adam. (Equal to 1e-8 and not closer: Adam divides by $\sqrt{v}$, which magnifies rounding where gradients are tiny.) Then what `course_lib.training.minimise`, the loop that most trainings of the course go through, does when a loss is no longer a number: it stops before the step that would make all weights NaN.
# %% [markdown] id="adam-after" lang="ru"
# Длина первого шага у каждого веса равна скорости обучения, велик его градиент или мал (лишь бы он был намного больше $10^{-8}$): масштаб шагов у Adam определяется скоростью обучения, а не градиентом. Поэтому одна и та же скорость годится и для эмбеддингов, и для матриц, слишком большая вредит с первого же шага, а обрезка градиентов значит меньше, чем при обычном градиентном спуске (от неё зависит, с каким весом батч войдёт в оба средних).
#
# Теперь всё вместе: шаг обучения нашей модели рядом с тем же шагом `nn.Transformer` — со сглаженными метками, обрезкой и Adam. (Совпадение с точностью 1e-8, а не лучше: Adam делит на $\sqrt{v}$ и там, где градиенты ничтожны, увеличивает ошибки округления.) А потом посмотрим, что делает `course_lib.training.minimise`, цикл, через который проходит почти всё обучение в курсе, когда потери перестают быть числом: он останавливается перед шагом, который превратил бы все веса в NaN.
# %% id="one-step"
wanted = torch.tensor([[4, 2, 5, 2], [3, 2, 0, 0]])
for order in ("pre", "post"):
    ours, theirs, pairs = with_torch(order)
    for function, weights in (
        (ours, [mine for mine, *_ in pairs]),
        (theirs, list({id(pair[1]): pair[1] for pair in pairs}.values())),
    ):
        optimizer = torch.optim.Adam(weights, lr=0.01, betas=(0.9, 0.98))
        logits = function(read, read_lengths, text, text_lengths)
        F.cross_entropy(
            logits.flatten(0, 1), wanted.flatten(), ignore_index=PAD, label_smoothing=0.1
        ).backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
    with torch.no_grad():
        gaps = [
            (mine - (turn[0](other) if turn else other)).abs().max() for mine, other, *turn in pairs
        ]
    print(
        f"{order}: {len(pairs)} weights and vectors after one step, equal to 1e-8: {bool(max(gaps) <= 1e-8)}"
    )
    assert max(gaps) <= 1e-8

weight = nn.Parameter(torch.ones(2))
try:
    training.minimise(
        lambda step: (weight * (1.0 if step < 3 else math.nan)).sum(), [weight], steps=10, rate=0.1
    )
except training.Diverged as stopped:
    print(
        f"\n{type(stopped).__name__} after {len(stopped.losses)} steps, weights still numbers: {bool(weight.isfinite().all())}"
    )

# %% [markdown] id="train-text" lang="en"
# ## 9. A translator
#
# Tokens are whole words here, and punctuation, `<s>`, `</s>` and `<pad>`: 182 English and 398 Russian ones. One block on each side, $D = 64$, four heads, hidden vectors of 128, sinusoids for the positions (lesson 05), the Russian table tied to the read-out: 121,088 weights. 400 batches of 48 fresh sentences with a place ("The animal didn't cross the street because it was too tired"), Adam with a rate of 0.005 times a line that falls to 0, after a warm-up of 50 steps, clipping at 1.
#
# **Predict.** How small can the loss become? Russian is here a function of English: whoever knows the source knows every token. And how small for a model that does not see the source? The best it can do is to give every text its true probability; its mean loss is then the mean of $-\log P$, the **entropy** of the texts. The corpus is drawn from finite lists, so it can be computed exactly: divided by the mean number of tokens, the end token among them, 0.9942 nats per token. No model that does not read English can do better on average over fresh sentences, however large. (The untrained model begins at 6.6; guessing evenly would cost $\log 398 = 5.99$, but random logits are sure of wrong things.)
# %% [markdown] id="train-text" lang="ru"
# ## 9. Переводчик
#
# Токены здесь — целые слова, знаки препинания, `<s>`, `</s>` и `<pad>`: 182 английских и 398 русских. По одному блоку с каждой стороны, $D = 64$, четыре головы, скрытые векторы по 128, позиции заданы синусоидами (урок 05), русская таблица связана с выходным слоем: 121 088 весов. 400 батчей по 48 новых предложения о местах («The animal didn't cross the street because it was too tired»), Adam со скоростью 0.005, умноженной на прямую, которая падает до 0, после прогрева в 50 шагов, обрезка градиентов до нормы 1.
#
# **Предскажите.** Насколько малы могут стать потери? Русский текст здесь — функция английского: кто знает исходный текст, знает каждый токен. А насколько малы они могут быть у модели, которая исходного текста не видит? Лучшее, что она может, — приписывать каждому тексту его настоящую вероятность; тогда её средние потери — среднее $-\log P$, то есть **энтропия** текстов. Корпус составлен из конечных списков, поэтому её можно вычислить точно. Делим на среднее число токенов, вместе с токеном конца, и получаем 0.9942 ната на токен. В среднем по новым предложениям ни одна модель, не читающая английского, не справится лучше, как бы велика она ни была. (Необученная модель начинает с 6.6; гадание наугад стоило бы $\log 398 = 5.99$, но её случайные логиты уверенно указывают не на те токены.)
# %% id="train"
recipe = replace(SMALL, steps=400, size=48, rate=0.005)
model = untrained(recipe, seed=0)
early = {}


def keep(step):
    """The weights after 150 steps, for section 10."""
    if step + 1 == 150:
        early.update(copy.deepcopy(model.state_dict()))


losses = train(model, recipe, seed=0, after=keep)
without_source, with_source = least_loss("place")
print(f"{sum(w.numel() for w in model.parameters())} weights")
print(f"loss in the first step {losses[0]:.2f}, in step 150 {losses[149]:.2f}")
print(f"on fresh sentences at the end: {fresh_loss(model, 'place'):.3f} nats per token")
print(
    f"least possible: {with_source:.0f} with the source, {without_source:.4f} without (perplexity {math.exp(without_source):.2f})"
)
show(
    curves.loss_against_entropy(range(1, len(losses) + 1), losses, without_source),
    "loss_against_entropy",
)

# %% id="judge"
written = write(model, batch(tests))
result = scores(written, tests)
for sentence, words in zip(tests[:4], written, strict=False):
    print(sentence, "→", " ".join(words))
print(f"\n{len(tests)} sentences over unseen pairs of nouns:")
for name, share in result._asdict().items():
    print(f"  {name:10} {share:.3f}")
assert result.exact >= 0.98 and result.pronoun >= 0.99

# %% [markdown] id="judge-after" lang="en"
# *exact*: every token is right. *pronoun*: *он*, *она* or *оно* is right, of the sentences whose nouns differ in gender. *verb*: the verb agrees with its subject. *agreement*: copula and adjective agree with the pronoun, be it right or wrong. Everything that the dictionary could not do is there: order, case, aspect, agreement, and the pronoun (for which in these sentences the set of words is enough, as section 12 will show).
#
# Does the decoder read what it has written? We give it the beginning of a translation up to the *wrong* pronoun, that of the other noun, and let it go on. **Predict:** will the copula and the adjective agree with the noun that is meant, or with the wrong pronoun?
# %% [markdown] id="judge-after" lang="ru"
# *exact*: верен каждый токен. *pronoun*: верно местоимение («он», «она» или «оно»); считаются только предложения, где существительные разного рода. *verb*: глагол согласован с подлежащим. *agreement*: связка и прилагательное согласованы с местоимением, верным или нет. Всё, что было не по силам словарю, на месте: порядок, падеж, вид, согласование и местоимение (для которого в этих предложениях хватает набора слов, как покажет раздел 12).
#
# Читает ли декодер то, что сам написал? Дадим ему готовое начало перевода вплоть до *неверного* местоимения — от другого существительного — и пусть продолжает. **Предскажите:** с чем согласуются связка и прилагательное — с тем существительным, о котором речь, или с неверным местоимением?
# %% id="wrong-pronoun"
number = {word: i for i, word in enumerate(translation.vocabulary("ru"))}
pronouns = translation.forms()["pronouns"]
follows, total = 0, 0
for sentence in [one for one in tests if translation.gender_differs(one)][:200]:
    right = translation.translate(sentence)
    other = next(one for one in right.genders if one != right.gender)
    begun = [
        START,
        *(number[word] for word in right.tokens[: right.pronoun]),
        number[pronouns[other]],
    ]
    cache = model.start(batch([sentence]).source)  # reads the source; section 10 explains the cache
    with torch.no_grad():
        logits = model.step(torch.tensor([begun]), cache)  # takes new tokens, gives logits
        while begun[-1] != END and len(begun) < LONGEST:
            begun.append(int(logits[0, -1].argmax()))
            logits = model.step(torch.tensor([begun[-1:]]), cache)
    words = translation.decode(begun, "ru")
    follows += scores([words], [sentence]).agreement == 1
    total += 1
    if total <= 2:
        print(sentence, "→", " ".join(words))
print(f"copula and adjective agree with the wrong pronoun in {follows} of {total} sentences")
assert follows > 0.9 * total

# %% [markdown] id="writing" lang="en"
# ## 10. Writing
#
# Copula and adjective agree with the wrong pronoun, and always. That is good grammar, and no failure of teacher forcing; but one mistake draws others after it. A writer has to choose a token in each step, and the choice is for good.
#
# **Greedy search** takes the most probable token. It needs the decoder once per token, and here the mask of section 4 pays a second time: since no earlier row depends on a later token, the keys and values of all earlier rows can be kept (the **KV cache** of lesson 04), and only the new token goes through the blocks. The keys and values of the memory are computed once for all. The result must be the same with the cache and without, and the same whether texts are written one at a time or in a batch:
# %% [markdown] id="writing" lang="ru"
# ## 10. Как пишут
#
# Связка и прилагательное согласуются с неверным местоимением, причём всегда. Это правильная грамматика, и teacher forcing тут ни при чём; но одна ошибка тянет за собой другие. На каждом шаге надо выбрать токен, и выбор окончательный.
#
# **Жадный поиск** (greedy search) берёт самый вероятный токен. К декодеру приходится обращаться по разу на токен, и здесь маска из раздела 4 окупается ещё раз: поскольку ни одна строка не зависит от следующих токенов, ключи и значения всех прежних строк можно сохранить (это **KV-кэш** из урока 04), и через блоки проходит только новый токен. Ключи и значения памяти вычисляются один раз на весь текст. Результат должен быть одинаков с кэшем и без него и одинаков, пишут ли тексты по одному или батчем:
# %% id="cache"
some = tests[:32]
of = batch(some)
fast, slow = write(model, of), write_slowly(model, of)
single = [write(model, batch([sentence]))[0] for sentence in some]
print("the same tokens with the cache and without:", fast == slow)
print("the same tokens in a batch and one at a time:", fast == single)
with torch.no_grad():
    memory, _ = model.encode(of.source, of.source_lengths)
    whole = model.decode(memory, of.source_lengths, of.target[:, :-1], of.target_lengths - 1)[0]
    cache = model.start(of.source, of.source_lengths)
    rows = [model.step(of.target[:, t : t + 1], cache) for t in range(whole.shape[1])]
gap = (whole - torch.cat(rows, dim=1))[of.target[:, 1:] != PAD].abs().max()
print("logits equal to 1e-10:", bool(gap <= 1e-10))
T = max(map(len, fast)) + 1
print(f"vectors through each block for {T} tokens: {T} with the cache, {T * (T + 1) // 2} without")
assert fast == slow == single and gap <= 1e-10

# %% [markdown] id="beam-text" lang="en"
# **Beam search.** The most probable first token need not begin the most probable text. A model with a vocabulary of *a*, *b* and the end token, small enough to see through: *a* leads with 0.6, but after *a* everything is in doubt, and after *b* hardly anything. Beam search keeps the $k$ best beginnings instead of one, lets each grow by every token, and keeps the $k$ best again; a text that ends is put aside.
# %% [markdown] id="beam-text" lang="ru"
# **Лучевой поиск** (beam search). Самый вероятный первый токен не обязан быть началом самого вероятного текста. Возьмём модель со словарём из *a*, *b* и токена конца — такую простую, что её видно насквозь: *a* впереди с 0.6, но после *a* ничего не ясно, а после *b* сомнений почти нет. Лучевой поиск хранит не одно начало, а $k$ лучших, продолжает каждое каждым возможным токеном и снова оставляет $k$ лучших; законченный текст откладывает.
# %% id="beam-by-hand"
chances = [  # P(next | text so far), step by step; </s> is the end
    {"": {"a": 0.6, "b": 0.4}},
    {"a": {"a": 0.4, "b": 0.35, "</s>": 0.25}, "b": {"a": 0.05, "b": 0.9, "</s>": 0.05}},
    {"a a": {"a": 0.3, "b": 0.3, "</s>": 0.4}, "b b": {"a": 0.05, "b": 0.05, "</s>": 0.9}},
]


def beam_by_hand(width):
    """The texts that end among the ``width`` best of each step, with their probabilities."""
    kept, ended = {"": 1.0}, {}
    for step in chances:
        grown = {
            f"{text} {word}".strip(): P * p
            for text, P in kept.items()
            for word, p in step[text].items()
        }
        best = sorted(grown, key=grown.get, reverse=True)[:width]
        print(f"  width {width}:", {text: round(grown[text], 3) for text in best})
        ended |= {text: grown[text] for text in best if text.endswith("</s>")}
        kept = {text: grown[text] for text in best if not text.endswith("</s>")}
    return ended


for width in (1, 2):
    ended = beam_by_hand(width)
    best = max(ended, key=ended.get)
    print(f"width {width} answers: {best}, P = {ended[best]:.3f}")
assert best == "b b </s>"
show(drawings.beam_tree(drawings.beam_levels(chances)), "beam_tree")

# %% [markdown] id="beam-real-text" lang="en"
# Every token makes a text less probable, so the largest $P$ favours short texts. Wu et al. (2016) divide $\log P$ by $\left(\frac{5 + T}{6}\right)^{\alpha}$: $\alpha = 0$ changes nothing, with $\alpha = 1$ long texts are ranked nearly as by the mean per token. Our trained model is so sure that there is nothing to search for. The same model after 150 of the 400 steps is not. (*mean log P* is that of the texts written, under the model, *mean T* their length, both with the end token.)
# %% [markdown] id="beam-real-text" lang="ru"
# Каждый токен делает текст менее вероятным, поэтому наибольшее $P$ благоволит коротким текстам. Wu et al. (2016) делят $\log P$ на $\left(\frac{5 + T}{6}\right)^{\alpha}$: при $\alpha = 0$ ничего не меняется, при $\alpha = 1$ длинные тексты выстраиваются почти как по среднему на токен. Обученная модель так уверена, что искать ей нечего. Иное дело — та же модель после 150 шагов из 400. (*mean log P* — для написанных текстов, по самой модели, *mean T* — их длина; то и другое с токеном конца.)
# %% id="beam"
young = untrained(SMALL, seed=0)
young.load_state_dict(early)
some = tests[:200]
of = batch(some)


def log_probabilities(model, texts):
    """log P of each text, the end token included; (B,)."""
    ids = [torch.tensor([START, *(number[word] for word in words), END]) for words in texts]
    lengths = torch.tensor([len(row) for row in ids])
    ids = nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=PAD)
    with torch.no_grad():
        logits = model(of.source, of.source_lengths, ids[:, :-1], lengths - 1)
    each = -F.cross_entropy(logits.mT, ids[:, 1:], reduction="none")
    return (each * (ids[:, 1:] != PAD)).sum(dim=1)


print("                exact   mean log P   mean T")
logs, found = {}, {}
for name, options in {
    "greedy": {},
    "beam 2": {"width": 2},
    "beam 4": {"width": 4},
    "beam 4, α = 1": {"width": 4, "length_penalty": 1.0},
}.items():
    texts = write(young, of, **options)
    logs[name], found[name] = log_probabilities(young, texts), scores(texts, some).exact
    print(
        f"{name:14}  {found[name]:.3f}   {logs[name].mean():8.2f}   {mean(len(words) + 1 for words in texts):8.2f}"
    )
gain = logs["beam 4"] - logs["greedy"]
print(
    f"beam 4 against greedy: more probable {int((gain > 1e-9).sum())}, less {int((gain < -1e-9).sum())} of {len(some)}"
)
same = mean(a == b for a, b in zip(write(model, of, width=4), write(model, of), strict=True))
print(f"the trained model: beam 4 writes what greedy writes in {same:.3f} of the sentences")
assert same > 0.95 and logs["beam 4"].mean() > logs["greedy"].mean()

# %% [markdown] id="beam-after" lang="en"
# The wider beam finds more probable texts; whether they are *better* is another question, and depends on how good the model's probabilities are. Here they are not: without a penalty the beams have two exact translations of 200 fewer than greedy search, with one a single one fewer. In real translation narrow beams help a little and wide ones hurt (Koehn & Knowles, 2017): the most probable text of all is often too short, or empty (Stahlberg & Byrne, 2019). For free text nobody wants the most probable one; there one draws (lesson 08). The length penalty does little here, since a translation's length is all but given.
# %% [markdown] id="beam-after" lang="ru"
# Более широкий луч находит более вероятные тексты; *лучше* ли они — вопрос другой и зависит от того, насколько хороши вероятности модели. Здесь не лучше: без штрафа у лучей на два точных перевода из 200 меньше, чем у жадного поиска, со штрафом — на один. В настоящем переводе узкие лучи немного помогают, а широкие вредят (Koehn & Knowles, 2017): самый вероятный из всех текстов часто слишком короткий, а то и пустой (Stahlberg & Byrne, 2019). А для свободного текста самый вероятный и не нужен: там токены выбирают случайно (урок 08). Штраф за длину здесь почти ничего не меняет: длина перевода и так почти задана.
# %% [markdown] id="looks" lang="en"
# ## 11. Where it looks
#
# The corpus says which English word each Russian word stands for. Does cross-attention look there? For each row we take the mean over the four heads and ask whether the largest weight lies on a word that the alignment names. **Predict:** for which words is it so: the nouns, the verb, the adjective, *он*, *потому что*?
# %% [markdown] id="looks" lang="ru"
# ## 11. Куда он смотрит
#
# Корпус сообщает, какому английскому слову соответствует каждое русское. Туда ли смотрит перекрёстное внимание? Для каждой строки возьмём среднее по четырём головам и спросим, приходится ли наибольший вес на слово, указанное в выравнивании. **Предскажите:** для каких слов это так — для существительных, глагола, прилагательного, «он», «потому что»?
# %% id="alignment"
# The weights (B, H, rows, columns) of each block: encoder, decoder looking back, looking across.
own, _, across = attention_maps(model, batch(tests))
aligned = alignment_scores(across[0], tests)
for name, share in sorted(aligned.items(), key=lambda item: -item[1]):
    print(f"{name:10} {share:.2f}")
show(curves.alignment_share(aligned), "alignment_share")
pairs = [
    pair for pair in twins(60, seed=10**6, pairs="held-out") if translation.gender_differs(pair[0])
]
example = [*pairs[0], *pairs[4]]  # two pairs of twins, of 12 words each
maps = attention_maps(model, batch(example))
right = translation.translate(example[2])
weights = maps[2][0][2].mean(dim=0)[: len(right.tokens), : len(example[2].tokens)]
show(
    curves.alignment(weights.tolist(), example[2].tokens, right.tokens, right.alignment),
    "alignment",
)
assert min(aligned["subject"], aligned["object"]) > 0.5 > 0.3 > aligned["pronoun"]

# %% [markdown] id="alignment-after" lang="en"
# The rows of the nouns mostly look at their own source, those of verb and adjective in half of the cases, the others hardly ever, that of the pronoun never; and yet all but a few translations are right. Two reasons can be given, though this experiment does not test them.
#
# *What is not needed is not looked for.* After *потому* comes *что*, whatever the source says; such rows can get their token from the words already written, and where their cross-attention looks may be of no consequence. And *a vector of the memory is no longer its word*: the encoder has mixed them, and what a row needs may lie at another place than the word it came from. (With two or more blocks there is a third: what an earlier row has fetched can be passed on by self-attention. With one block it cannot, since self-attention comes first.)
#
# The pronoun is the most curious case. *It* tells nothing; what has to be known is the referent. So where does the row look that predicts the pronoun?
# %% [markdown] id="alignment-after" lang="ru"
# Строки существительных смотрят чаще всего на своё слово, строки глагола и прилагательного — в половине случаев, остальные — почти никогда, строка местоимения — никогда; и тем не менее почти все переводы верны. Причин можно назвать две, хотя этот опыт их не проверяет.
#
# *Чего не нужно, того не ищут.* После «потому» идёт «что», каков бы ни был исходный текст; такие строки могут получить свой токен из уже написанных слов, и тогда неважно, куда смотрит их перекрёстное внимание. И *вектор памяти — уже не его слово*: энкодер их перемешал, и нужное строке может лежать не там, где стояло слово, от которого оно взялось. (Если блоков два или больше, есть и третья: то, что взяла одна строка, самовнимание следующего блока может передать строкам ниже. Если блок один, этого не бывает: самовнимание в нём стоит раньше перекрёстного внимания.)
#
# Самое любопытное — местоимение. Само *it* ничего не сообщает; надо знать, к какому существительному оно относится. Куда же смотрит строка, которая предсказывает местоимение?
# %% id="pronoun-looks"
rows = [translation.translate(sentence).pronoun for sentence in tests]
looks = across[0].mean(dim=1)[range(len(tests)), rows]  # the row that predicts the pronoun
print("what is meant  sentences  mean weight on: that noun  the other  'too'   more on that noun")
for name, noun in (("the animal", 0), ("the place", 1)):
    chosen = [i for i, one in enumerate(tests) if one.referent == one.nouns[noun]]
    meant = [float(looks[i, tests[i].nouns[noun]]) for i in chosen]
    other = [float(looks[i, tests[i].nouns[1 - noun]]) for i in chosen]
    too = mean(float(looks[i, tests[i].adjective - 1]) for i in chosen)
    more = mean(a > b for a, b in zip(meant, other, strict=True))
    print(
        f"{name:13}  {len(chosen):9}                  {mean(meant):.2f}       {mean(other):.2f}       {too:.2f}   in {more:.0%} of sentences"
    )
    assert mean(meant) > mean(other) and more > 0.5
print(
    f"mean weight on the word 'it': {mean(float(looks[i, one.it]) for i, one in enumerate(tests)):.3f}\n"
)
for row, sentence in enumerate(example):
    right = translation.translate(sentence)
    weights = maps[2][0][row].mean(dim=0)[right.pronoun]
    nouns = {sentence.tokens[place]: round(float(weights[place]), 2) for place in sentence.nouns}
    print(f"{sentence} → {right.tokens[right.pronoun]}: {nouns}")

# %% [markdown] id="pronoun-after" lang="en"
# It hardly looks at *it*. Of the two nouns it looks mostly at the one that is meant: clearly where that is the place, with four times the weight of the other, less clearly where it is the animal, with twice the weight, and in four sentences of ten with less. Where one adjective is exchanged, the look may go from one noun to the other, as with the pig. But most of the weight lies on neither, a third of it on *too*, the word before the adjective; and with the ox there is next to nothing on either noun, and the pronoun is right all the same.
#
# The query of this row is made of words already written, and the adjective is not among them. So what changes in the weights when only the adjective is exchanged must come from the encoder, which has put noun and adjective together and left the result at several places, perhaps at *too* among them. (*It* itself is of no use to this row: in the encoder of the ox's sentence it looks rather at the swamp.) What is where, the weights do not tell. They show from where something was fetched, not what it was nor whether it was needed (Jain & Wallace, 2019, and the reply of Wiegreffe & Pinter), and another seed may distribute the work otherwise. Lesson 04 took heads *away* to see what is needed.
#
# **Play.** Step through a translation: the words framed are those the alignment names, the bars are the weights. Before you step to *он* or *она*, guess where the look will go. Below: where the encoder's *it* looks. (*Twins* are two sentences that differ in the adjective alone, and so in what *it* means.)
# %% [markdown] id="pronoun-after" lang="ru"
# На *it* она почти не смотрит. Из двух существительных — чаще на то, о котором речь: отчётливо, когда это место (у него вчетверо больше веса, чем у другого), не так отчётливо, когда это животное (веса вдвое больше, а в четырёх предложениях из десяти даже меньше). Если заменить одно прилагательное, взгляд может перейти с одного существительного на другое, как в паре со свиньёй (*pig*). Но бо́льшая часть веса не приходится ни на одно из них: треть — на *too*, слово перед прилагательным; а у вола (*ox*) нет почти ничего ни на том, ни на другом, и местоимение всё равно верное.
#
# Запрос этой строки составлен из уже написанных слов, и прилагательного среди них ещё нет. Значит, всё, что меняется в весах при замене одного прилагательного, пришло из энкодера: это он свёл существительное с прилагательным и оставил результат в нескольких местах, возможно, и на *too*. (Само *it* этой строке не нужно: в предложении о воле оно в энкодере смотрит скорее на топь, *swamp*.) Что именно где лежит, веса не сообщают. Они показывают, откуда что-то взято, но не говорят, что именно и было ли оно нужно (Jain & Wallace, 2019, и ответ Wiegreffe & Pinter), а при другом зерне работа может распределиться иначе. В уроке 04, чтобы узнать, что нужно, мы головы *отключали*.
#
# **Поиграйте.** Пройдите перевод по шагам: в рамке — слова, указанные в выравнивании; столбики — веса. Прежде чем перейти к «он» или «она», угадайте, куда пойдёт взгляд. Ниже — куда смотрит *it* в энкодере. (*Двойники* — два предложения, которые различаются только прилагательным и потому тем, к чему относится *it*.)
# %% id="explorer-cross"
explore_cross_attention([case_of(model, sentence) for sentence in example])

# %% [markdown] id="full-text" lang="en"
# ## 12. The whole corpus, and what breaks
#
# In the sentences of section 9 the *set* of words decides: whoever knows that there is *mouse*, *gorge* and *steep* knows what *it* means. In the other half of the corpus, the sentences with two *agents* (two living things and no place), it does not: "The wolf chased the hare because it was hungry." Exchange wolf and hare, and *it* means the other animal, with the same words: only the role decides, who chases and who flees. The whole corpus, half of each, takes a larger model (two blocks on each side, 2,000 batches of 128 sentences) and some four minutes for each run on one core; so these are recorded results, of three runs with different seeds. Beside them stand two baselines for the pronoun alone: always saying the most frequent one, and a network trained on the *bag of words*, which sees what words there are and not their order. (The three figures in a column are the three runs; *beam exact* is a beam of 4 with α = 0.6.)
# %% [markdown] id="full-text" lang="ru"
# ## 12. Весь корпус и что ломается
#
# В предложениях из раздела 9 всё решает *набор* слов: кто знает, что там есть *mouse*, *gorge* и *steep*, тот знает, к чему относится *it*. В другой половине корпуса, в предложениях о двух животных (*agents*, действующие лица), этого мало: «The wolf chased the hare because it was hungry». Поменяйте волка и зайца местами — и *it* укажет на другое животное, хотя слова те же: решает только роль, то есть кто гонится, а кто убегает. Для всего корпуса, где тех и других предложений поровну, нужны модель побольше (по два блока с каждой стороны, 2000 батчей по 128 предложений) и минуты четыре на каждый запуск (одно ядро); поэтому здесь приведены записанные результаты трёх запусков с разными зёрнами. Рядом с ними — два ориентира, только для местоимения: постоянный ответ (самое частое местоимение) и сеть, обученная на *мешке слов* (bag of words): она видит, какие слова есть, но не видит их порядка. (Три числа в столбце — три запуска; *beam exact* — луч 4 с α = 0.6.)
# %% id="full"
runs = recorded("translator")["rows"]


def of_runs(name):
    """A figure of each of the three runs."""
    return [run[name] for run in runs]


def in_words(values, digits=3):
    """Numbers side by side."""
    return " ".join(f"{value:.{digits}f}" for value in values)


print("unseen pairs of nouns   a place             two agents")
for name in ("exact", "beam exact", "pronoun", "verb", "agreement"):
    print(
        f"{name:22}  "
        + "   ".join(in_words(of_runs(f"{name}, {kind}")) for kind in ("place", "roles"))
    )
for name in ("majority", "bag"):
    print(
        f"pronoun: {name:13}  "
        + "   ".join(in_words(of_runs(f"{name}, {kind}")) for kind in ("place", "roles"))
    )
print("largest weight on the word's own source, second block, two agents:")
for name in ("subject", "object", "verb", "pronoun"):
    print(f"  {name:8}  {in_words(of_runs(f'aligned {name}, roles, block 2'), 2)}")
without_source, _ = least_loss("both")
print(
    f"loss on fresh sentences: {in_words(of_runs('loss'), 4)}; least 0, without the source {without_source:.4f}"
)
show(
    curves.pronouns(
        {
            kind: {
                "majority": of_runs(f"majority, {kind}"),
                "bag": of_runs(f"bag, {kind}"),
                "translator": of_runs(f"pronoun, {kind}"),
            }
            for kind in ("place", "roles")
        }
    ),
    "pronouns",
)
for kind in ("place", "roles"):
    assert min(of_runs(f"exact, {kind}")) >= 0.98 and min(of_runs(f"pronoun, {kind}")) >= 0.99

# %% [markdown] id="full-after" lang="en"
# Every one of the 1,200 sentences is right in all three runs, and the loss is as good as 0. With a place the bag of words knows the pronoun too; with two agents it is left with a guess between two genders, a half, while the translator is never wrong: *that* is reading. And the alignment of section 11 is confirmed in part, for two agents and the second block: the nouns' rows look mostly at their own source, the verb's more or less often, as the run may be, the pronoun's never.
# %% [markdown] id="full-after" lang="ru"
# Все 1200 предложений переведены верно во всех трёх запусках, и потери практически равны нулю. В предложениях о месте местоимение угадывает и мешок слов; в предложениях о двух животных ему остаётся выбирать из двух родов наугад, и верна примерно половина, а переводчик не ошибается ни разу — *это* и значит читать. Выравнивание из раздела 11 подтвердилось отчасти (два животных, второй блок): строки существительных смотрят чаще всего на своё слово, строка глагола — то чаще, то реже, смотря по запуску, строка местоимения — никогда.

# %% [markdown] id="without-text" lang="en"
# Now take away one part at a time and train anew, the same way but with 900 steps in the place of 2,000, one run each:
#
# 1. no mask;
# 2. the mask after softmax instead of before it;
# 3. a decoder that sees its last three tokens only;
# 4. an encoder without positions;
# 5. no cross-attention.
#
# Each writes as it was trained, without a cache: where a mask is missing, every new token changes the rows before it, and nothing can be kept. **Predict** for each: what becomes of the loss, and what of the translations, of sentences with a place and with two agents?
#
# First one of them live, with the small model and 200 steps of 32 sentences: no mask.
# %% [markdown] id="without-text" lang="ru"
# Теперь будем убирать по одной части и каждый раз обучать модель заново: всё так же, только 900 шагов вместо 2000 и по одному запуску:
#
# 1. без маски;
# 2. маска после softmax, а не до него;
# 3. декодер видит только последние три токена;
# 4. энкодер без позиций;
# 5. без перекрёстного внимания.
#
# Каждая модель пишет так, как обучалась, без кэша: без маски каждый новый токен меняет прежние строки, и сохранять нечего. **Предскажите** для каждого случая: что станет с потерями и что — с переводами предложений о месте и о двух животных?
#
# Сначала один случай вживую, на малой модели и за 200 шагов по 32 предложения: без маски.
# %% id="without-mask"
peeking = untrained(SMALL, 0, experiments.WithoutMask)
losses = train(peeking, replace(SMALL, steps=200, size=32), seed=0)
some = tests[:100]
texts = write_slowly(peeking, batch(some))
print(f"no mask, 200 steps: loss {losses[-1]:.3f}, exact {scores(texts, some).exact:.3f}")
print(some[0], "→", " ".join(texts[0][:12]), "…")
assert losses[-1] < 0.05 and scores(texts, some).exact == 0

# %% id="without"
rows, pronoun = {}, {}
for row in recorded("translator-without")["rows"]:
    name = "full" if row["without"] == "nothing" else row["without"]
    rows[name] = ([row["loss"]], [row["exact, place"]], [row["exact, roles"]])
    pronoun[name] = ([row["pronoun, place"]], [row["pronoun, roles"]])
print("without               loss     exact: place  roles    pronoun: place  roles")
for name, (nats, place, roles) in rows.items():
    of_place, of_roles = (mean(shares) for shares in pronoun[name])
    print(
        f"{name:20}  {mean(nats):.4f}          {mean(place):.3f}  {mean(roles):.3f}             {of_place:.3f}  {of_roles:.3f}"
    )
show(curves.without_parts(rows), "without_parts")

claim(
    "7.4",
    holds=no_leak
    and max(rows["mask"][0] + rows["mask before softmax"][0]) < rows["full"][0][0]
    and max(
        rows["mask"][1]
        + rows["mask"][2]
        + rows["mask before softmax"][1]
        + rows["mask before softmax"][2]
    )
    < 0.01,
    measured="earlier rows equal bit by bit; loss with the mask / without / after softmax "
    + " / ".join(f"{rows[name][0][0]:.4f}" for name in ("full", "mask", "mask before softmax"))
    + ", exact with a place "
    + " / ".join(f"{rows[name][1][0]:.3f}" for name in ("full", "mask", "mask before softmax")),
)

# %% [markdown] id="without-after" lang="en"
# *No mask*, or the mask *after softmax*: after the same 900 steps the loss is **smaller** than that of the complete model, and not one translation is right. *No mask* is no surprise. In training the next token stood in the input and was copied; in writing it is not there yet. The mask *after softmax* is a surprise. All that a row can learn of the future is by how much the weights of a head fall short of 1, one number for each head of each block, in its own row and in those it reads; but training finds these numbers, and the model learns to read the next token from them. When it writes, the last row has nothing hidden, its weights sum to 1, and what it has learned to rely on is gone. A leak becomes as wide as training can make it, and the loss does not show it: it looks as if the model learned faster. Only writing shows it.
#
# *Only the last three tokens*: little is lost. Two blocks of three reach five tokens, the own one among them, and most of what a Russian word depends on stands nearby or in the memory; with two agents one pronoun in ten is wrong.
#
# *No positions in the encoder*: with a place nothing is lost. There the set of words decides, which clause comes first can be told from it too (by the comma, it seems), and the rest of the order follows from the Russian. With two agents the model does not know who chases whom and has to guess; fewer than half of the translations are right.
#
# *No cross-attention*: the decoder is a language model of Russian. It writes sentences, though not the ones asked for, and its loss is a little over the entropy, 1.0909, below which no one can stay without the source.
# %% [markdown] id="without-after" lang="ru"
# *Без маски* или с маской *после softmax* потери после тех же 900 шагов **меньше**, чем у полной модели, а верного перевода нет ни одного. Без маски это не удивляет: при обучении следующий токен стоял на входе, и модель его списывала; когда она пишет, его там ещё нет. С маской *после softmax* — удивляет. Всё, что строка может узнать о будущем, — насколько сумма весов головы не дотягивает до 1, по одному числу на каждую голову каждого блока, в своей строке и в тех, которые она читает; но при обучении модель находит эти числа и учится угадывать по ним следующий токен. Когда она пишет, в последней строке ничего не скрыто, сумма весов равна 1, и того, на что она привыкла полагаться, больше нет. Утечка станет настолько широкой, насколько её сумеет расширить обучение, и по потерям беды не видно: кажется, что модель просто учится быстрее. Видно это, только когда она пишет.
#
# *Только последние три токена*: теряется немногое. Два блока, каждый с окном в три токена, вместе достают до пяти, считая текущий, а то, от чего зависит русское слово, почти всегда стоит рядом или лежит в памяти; в предложениях о двух животных неверно одно местоимение из десяти.
#
# *Без позиций в энкодере* предложения о местах ничего не теряют: там решает набор слов, по нему же (похоже, по запятой) видно, какая часть стоит первой, а дальше порядок следует из самого русского текста. В предложениях о двух животных модель не знает, кто за кем гонится, и ей приходится угадывать; верных переводов меньше половины.
#
# *Без перекрёстного внимания* декодер — языковая модель русского языка. Он пишет предложения, но не те, о которых просили, и его потери чуть больше энтропии 1.0909, ниже которой без исходного текста не опустится никто.
# %% [markdown] id="explorer-mask-text" lang="en"
# **Play.** The scores are those of a head of the small model's self-attention. Choose a mask, hide or show single cells, change the last token: which rows see their own answer, which rows move? What a model trained so is worth stands beside it, from the table above.
# %% [markdown] id="explorer-mask-text" lang="ru"
# **Поиграйте.** Оценки взяты из одной головы самовнимания малой модели. Выберите маску, скройте или откройте отдельные клетки, измените последний токен: какие строки видят свой ответ, какие сдвигаются? Рядом — каких результатов достигла модель с такой маской (из таблицы выше).
# %% id="explorer-mask"
presets = {
    "causal": "full",
    "none": "mask",
    "after": "mask before softmax",
    "window": "distant tokens",
}
explore_mask(
    *decoder_scores(model, tests[0]),
    {
        preset: (mean(rows[name][0]), (mean(rows[name][1]) + mean(rows[name][2])) / 2)
        for preset, name in presets.items()
    },
)

# %% [markdown] id="swap-text" lang="en"
# ## 13. Another source language
#
# The notes say that the transformer was born from translation: an encoder maps a text into a space of meaning, a decoder maps it out into a language; so one needs no model for each pair of languages, and may swap the encoder to translate from any language. With $N$ languages that would be $N$ encoders and $N$ decoders in the place of $N(N-1)$ translators.
#
# We need a second source language, and make one up: *mirror English*. Every word has another name (we may think of it as spelt backwards, *wolf* as *flow*), and the order is reversed, the last word first. It is a very easy language: it differs from English in names and order only. It has an encoder with an embedding of its own; nothing connects its words with the English ones. Models and corpus are those of section 9, trained for 350 batches of 64, in three runs each. **Predict** what share of the mirrored test sentences is translated without a mistake when the two encoders have been trained
#
# - *jointly*, with one decoder, which in each of the 350 steps gets the same sentences in both languages;
# - *separately*, each with a decoder of its own, and then the mirror encoder is put before the decoder of the English one;
# - *one after the other*: the English translator first, and then the mirror encoder alone, with that decoder, which is finished and does not change.
# %% [markdown] id="swap-text" lang="ru"
# ## 13. Другой исходный язык
#
# В конспекте сказано: трансформер родился из перевода; энкодер отображает текст в пространство смыслов, декодер — из него в язык; значит, модель на каждую пару языков не нужна, и чтобы переводить с любого языка, достаточно заменить энкодер. Для $N$ языков хватило бы $N$ энкодеров и $N$ декодеров вместо $N(N-1)$ переводчиков.
#
# Нужен второй исходный язык; придумаем его — *зеркальный английский*. Каждое слово называется иначе (можно считать, что его пишут задом наперёд: *wolf* — это *flow*), а слова идут в обратном порядке, с последнего. Это очень лёгкий язык: от английского он отличается только самими словами и их порядком. У этого языка свой энкодер со своими эмбеддингами, и с английскими словами его слова ничто не связывает. Модели и корпус — из раздела 9, обучение — 350 батчей по 64 предложения, по три запуска. **Предскажите**, какая доля зеркальных проверочных предложений будет переведена без ошибок, если два энкодера обучали
#
# - *совместно*, с одним декодером, который на каждом из 350 шагов получает одни и те же предложения на обоих языках;
# - *порознь*, каждый со своим декодером, а потом зеркальный энкодер поставили перед декодером английского переводчика;
# - *по очереди*: сначала английский переводчик, а затем один лишь зеркальный энкодер с тем же декодером, уже готовым и больше не меняющимся.
# %% id="swap"
show(drawings.swap(), "swap")
swapped = {}
for row in recorded("swapped-encoders")["rows"]:
    swapped.setdefault(row["trained"], []).append(row)
print("exact, three runs       English              mirror, same decoder")
for trained, some in swapped.items():
    english, mirror = ([row[name] for row in some] for name in ("english", "mirror, first decoder"))
    print(f"{trained:20}    {in_words(english)}    {in_words(mirror)}")
print(
    f"separately, with its own decoder:            {in_words(row['mirror'] for row in swapped['separately'])}"
)
least = {
    trained: min(row["mirror, first decoder"] for row in some) for trained, some in swapped.items()
}
most = max(row["mirror, first decoder"] for row in swapped["separately"])
claim(
    "7.9",
    holds=most < 0.05
    and min(row["mirror"] for row in swapped["separately"]) > 0.9
    and min(least["jointly"], least["one after the other"]) > 0.9,
    measured=f"exact: swapped after separate training at most {most:.3f}; one decoder trained jointly at least {least['jointly']:.3f}, second encoder fitted to a finished decoder at least {least['one after the other']:.3f}",
)

# %% [markdown] id="swap-after" lang="en"
# It depends on the training. *Separately*, not a single sentence survives the exchange, though each translator is all but perfect with its own decoder: nothing made the encoder of the one and the decoder of the other agree on a code. (Seed and language differ at once; whether two *English* trainings would fit, or whether a rotation of the vectors would help, we have not tested.) *Jointly*, one decoder learns to read both; whether the two encoders then write the same vectors, or two codes that it can tell apart, we have not measured either. And a new encoder can be fitted to a decoder that is finished. So for this pair the idea holds, if the parts are trained for each other; and multilingual translators go a step further: one encoder for all languages, which in Johnson et al. (2017) is not even told which one it reads.
# %% [markdown] id="swap-after" lang="ru"
# Всё зависит от обучения. После обучения *порознь* и замены энкодера не переведено верно ни одно предложение, хотя со своим декодером каждый переводчик почти безупречен: ничто не заставляло энкодер одного и декодер другого договориться об общем коде. (Зерно и язык здесь различаются сразу; подошли бы друг к другу два *английских* обучения и помог ли бы поворот векторов, мы не проверяли.) При *совместном* обучении один декодер учится читать оба языка; пишут ли тогда оба энкодера одинаковые векторы или два кода, которые он различает, мы тоже не измеряли. А новый энкодер можно подогнать под готовый декодер. Так что для этой пары идея работает, если части при обучении подгоняли друг к другу; а многоязычные переводчики идут ещё дальше: у них один энкодер на все языки, и у Johnson et al. (2017) ему даже не сообщают, на каком он читает.
# %% [markdown] id="limits" lang="en"
# ## 14. What a made-up corpus shows. Your own sentences
#
# The translator has shown what the parts can do: order, agreement over a distance, a reference resolved by what fits, all of it on pairs of nouns it had never met together. It has *not* shown that this is easy in a real language. Here every word has one translation, every sentence one right answer, 182 English tokens are all there are, training can draw as many sentences as it likes, and which adjective fits which noun was decided by the authors. In real text none of this holds: a perfect score is impossible, and judging takes people, or a measure such as BLEU or chrF, the share of word or letter sequences that a translation has in common with one by a human. What carries over is the machinery, unchanged:
# %% [markdown] id="limits" lang="ru"
# ## 14. Что показал придуманный корпус. Ваши собственные предложения
#
# Переводчик показал, на что способны его части: порядок слов, согласование на расстоянии, местоимение, понятое по смыслу, — и всё это на парах существительных, которые ему вместе не встречались. Но он *не* показал, что в настоящем языке это легко. Здесь у каждого слова один перевод, у каждого предложения — один верный ответ, английских токенов всего 182, предложений для обучения сколько угодно, а какое прилагательное к какому существительному подходит, решили авторы. В настоящем тексте всё не так: безупречный результат невозможен, а чтобы оценивать, нужны люди или такие меры, как BLEU и chrF, — доля общих с человеческим переводом цепочек слов или букв. Переносится механизм, и притом без изменений:
# %% id="pairs"
from pathlib import Path
from tempfile import TemporaryDirectory

from course_lib.sentence_pairs import read_pairs, train_on_pairs

LINES = """\
Good morning!\tДоброе утро!
Where is the station?\tГде вокзал?
Where is the museum?\tГде музей?
I do not understand.\tЯ не понимаю.
I do not know.\tЯ не знаю.
The train is late.\tПоезд опаздывает.
The museum is closed.\tМузей закрыт.
The station is closed.\tВокзал закрыт.
How much is it?\tСколько это стоит?
A cup of tea, please.\tЧашку чая, пожалуйста."""
with TemporaryDirectory() as folder:
    path = Path(folder) / "pairs.tsv"  # yours may be any file of two columns
    path.write_text(LINES, encoding="utf-8")
    pairs = read_pairs(path)
translator = train_on_pairs(
    pairs,
    vocabulary=330,
    d_model=32,
    heads=2,
    d_ff=64,
    layers=1,
    steps=200,
    size=10,
    rate=0.005,
    warm_up=20,
    progress=False,
)
print(f"{len(pairs)} pairs, learned by heart: {translator.exact(pairs):.0%}")
print(translator.translate(["Where is the museum?"])[0])

# %% [markdown] id="pairs-after" lang="en"
# Ten pairs, learned by heart, prove only that the way is open: text file, a BPE vocabulary for each side (lesson 02; 330 tokens are the 256 bytes and some seventy more), the same model, the same loss, the same loop. Ask it for *The train is closed*, whose words it has all seen, and judge for yourself what ten sentences have taught it.
#
# For more, give `read_pairs` a file of two columns separated by a tab, such as the exports of Tatoeba, keep a part aside with `split`, and leave `progress` on. If you have none at hand and a network, `public_pairs()` fetches 4,633 pairs of real interface messages from three programs (once, 18 MB, each file checked by its checksum; without a network it says so). With the default settings, 500 steps, we got 2.4 % of unseen messages exactly right and a loss of 4.15 nats per token against 2.53 on those it was trained on: frequent phrases come out, the rest is word salad. Real language takes far more data than that.
# %% [markdown] id="pairs-after" lang="ru"
# Десять выученных наизусть пар доказывают только, что путь открыт: текстовый файл, BPE-словарь на каждую сторону (урок 02; 330 токенов — это 256 байтов и ещё примерно семьдесят), та же модель, те же потери, тот же цикл. Дайте ей перевести *The train is closed* — все эти слова она видела — и судите сами, чему научили её десять предложений.
#
# Чтобы получить больше, дайте `read_pairs` файл из двух столбцов, разделённых табуляцией, — например, выгрузку Tatoeba, — отложите часть пар функцией `split` и не выключайте `progress`. Если своих пар под рукой нет, а сеть есть, `public_pairs()` скачает 4633 пары настоящих сообщений из интерфейса трёх программ (один раз, 18 МБ, у каждого файла проверяется контрольная сумма; без сети скажет об этом). С настройками по умолчанию, 500 шагов, у нас вышло 2.4 % точных переводов незнакомых сообщений и потери 4.15 ната на токен против 2.53 на обучающих: частые выражения получаются, остальное — набор слов. Настоящему языку данных нужно несравнимо больше.


# %% [markdown] id="exercises" lang="en"
# ## 15. Exercises
#
# Replace the line with `raise` and run the cell. The check says what is wrong, not how to mend it. Until an exercise is solved the lesson goes on with a reference answer.
#
# ### 15.1 Which mask is needed?
#
# A batch of $B$ texts, padded at the end to a common length $T$. `query` and `key` have the shape $(B, T, d_k)$, `value` has $(B, T, d_v)$; `lengths`, of shape $(B,)$, says how many tokens of each text are real, at least one. Return the outputs of the decoder's self-attention, $(B, T, d_v)$: a real token sees itself and the tokens before it in its own text, and nothing else, padding least of all. The outputs at padding are never used, so any finite numbers will do there. Two masks come to mind, the triangle (the causal mask) and the padding mask. Which of the two is needed here?
# %% [markdown] id="exercises" lang="ru"
# ## 15. Упражнения
#
# Замените строку с `raise` и запустите ячейку. Проверка скажет, что неверно, но не подскажет, как исправить. Пока упражнение не решено, урок продолжается с эталонным ответом.
#
# ### 15.1 Какая маска нужна?
#
# Дан батч из $B$ текстов, дополненных в конце до общей длины $T$. У `query` и `key` форма $(B, T, d_k)$, у `value` — $(B, T, d_v)$; `lengths` формы $(B,)$ сообщает, сколько в каждом тексте настоящих токенов (хотя бы один есть всегда). Верните выходы самовнимания декодера, $(B, T, d_v)$: настоящий токен видит себя и токены своего текста, стоящие раньше, и больше ничего; заполнения он не видит. Выходы на месте заполнения никому не нужны, там годятся любые конечные числа. На ум приходят две маски: треугольная (каузальная) и маска заполнения. Какая из них здесь нужна?
# %% id="ex-masked-attention" tags=["exercise"]
def masked_attention(query, key, value, lengths):
    raise NotImplementedError  # your code


masked_attention = check("masked-attention", masked_attention)

# %% [markdown] id="ex-masked-attention-solution" lang="en"
# <details><summary>Hint</summary>
#
# The scores of the whole batch have the shape $(B, T, T)$: rows are queries, columns are keys. Draw this square for a text of three tokens and two places of padding. Cross out what the triangle hides, then what the padding mask hides, and look at the first three rows alone. `.mT` transposes the last two axes.
#
# </details>
# <details><summary>Solution</summary>
#
# The triangle alone, `lengths` is not needed: the padding stands behind all real tokens, so for each of them it is future already. The padding mask changes only the rows of the padding itself. With both masks the answer is right as well, but the second is superfluous. It is indispensable where there is no triangle: in the encoder and in cross-attention, whose keys are the padded source. And if padding stood in front of the texts, the decoder would need both.
#
# ```python
# def masked_attention(query, key, value, lengths):
#     T, d_k = query.shape[1:]
#     scores = query @ key.mT / math.sqrt(d_k)
#     future = torch.ones(T, T, dtype=torch.bool).triu(diagonal=1)
#     return scores.masked_fill(future, -math.inf).softmax(dim=-1) @ value
# ```
#
# </details>
# %% [markdown] id="ex-masked-attention-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Оценки всего батча имеют форму $(B, T, T)$: строки — запросы, столбцы — ключи. Нарисуйте такой квадрат для текста из трёх токенов и двух мест заполнения. Зачеркните то, что скрывает треугольная маска, потом то, что скрывает маска заполнения, и посмотрите только на первые три строки. `.mT` транспонирует две последние оси.
#
# </details>
# <details><summary>Решение</summary>
#
# Достаточно треугольной, а `lengths` не понадобились: заполнение стоит после всех настоящих токенов, то есть для каждого из них это уже будущее. Маска заполнения меняет только строки самого заполнения: ответ с двумя масками тоже верен, но вторая в нём лишняя. Без неё не обойтись там, где треугольной маски нет: в энкодере и в перекрёстном внимании, ключи которого — дополненный исходный текст. А если бы заполнение стояло перед текстами, декодеру понадобились бы обе.
#
# ```python
# def masked_attention(query, key, value, lengths):
#     T, d_k = query.shape[1:]
#     scores = query @ key.mT / math.sqrt(d_k)
#     future = torch.ones(T, T, dtype=torch.bool).triu(diagonal=1)
#     return scores.masked_fill(future, -math.inf).softmax(dim=-1) @ value
# ```
#
# </details>


# %% [markdown] id="ex-training-pair-text" lang="en"
# ### 15.2 Shifted by one
#
# `texts` is a list of lists of ids: translations, without any special token. Return two tensors of type int64 and shape $(B, T)$, `inputs` and `targets`; $T$ is the length of the longest text plus 1. A row of the inputs is the start token and then the text, a row of the targets is the text and then the end token, so that the target at each place is the token that follows the one read there. Shorter rows are filled with `pad` at the end. Where the target is padding, nothing is scored, and the input may be `pad` or `stop`. The lists themselves must stay as they are.
# %% [markdown] id="ex-training-pair-text" lang="ru"
# ### 15.2 Сдвиг на один токен
#
# `texts` — список списков номеров: это переводы без специальных токенов. Верните два тензора типа int64 и формы $(B, T)$, `inputs` и `targets`; $T$ — длина самого длинного текста плюс 1. Строка входов — начальный токен, а за ним текст; строка целей — текст, а за ним токен конца. Так целью на каждом месте оказывается токен, следующий за прочитанным. Короткие строки дополняются в конце номером `pad`. Там, где цель — заполнение, ничего не оценивается, и во входе может стоять `pad` или `stop`. Сами списки менять нельзя.
# %% id="ex-training-pair" tags=["exercise"]
def training_pair(texts, start, stop, pad):
    raise NotImplementedError  # your code


training_pair = check("training-pair", training_pair)

# %% [markdown] id="ex-training-pair-solution" lang="en"
# <details><summary>Hint</summary>
#
# Both tensors come from the same list, with one id put before it or after it. `[start, *text]` makes a new list and leaves the old one alone, `append` and `insert` do not. How many times must `pad` be repeated for a row of a given length?
#
# </details>
# <details><summary>Solution</summary>
#
# Another common way is to pad `[start, *text, stop]` and to cut off the last column for the inputs and the first for the targets. The end token of the shorter texts then stands in the inputs, at a place whose target is padding, and does no harm.
#
# ```python
# def training_pair(texts, start, stop, pad):
#     T = max(len(text) for text in texts) + 1
#
#     def padded(ids):
#         return ids + [pad] * (T - len(ids))
#
#     inputs = [padded([start, *text]) for text in texts]
#     targets = [padded([*text, stop]) for text in texts]
#     return torch.tensor(inputs), torch.tensor(targets)
# ```
#
# </details>
# %% [markdown] id="ex-training-pair-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Оба тензора получаются из одного списка, к которому в начале или в конце добавлен один номер. `[start, *text]` создаёт новый список и не трогает старый, а `append` и `insert` меняют его. Сколько раз надо повторить `pad` для строки известной длины?
#
# </details>
# <details><summary>Решение</summary>
#
# Часто делают и так: дополняют `[start, *text, stop]`, а потом для входов отрезают последний столбец, для целей — первый. Тогда у коротких текстов токен конца остаётся во входах, но на месте, где цель — заполнение, и это не мешает.
#
# ```python
# def training_pair(texts, start, stop, pad):
#     T = max(len(text) for text in texts) + 1
#
#     def padded(ids):
#         return ids + [pad] * (T - len(ids))
#
#     inputs = [padded([start, *text]) for text in texts]
#     targets = [padded([*text, stop]) for text in texts]
#     return torch.tensor(inputs), torch.tensor(targets)
# ```
#
# </details>


# %% [markdown] id="ex-cross-entropy-text" lang="en"
# ### 15.3 Cross-entropy with label smoothing
#
# `logits` has the shape $(B, T, n)$, `targets` has $(B, T)$. Return a tensor of one number, the mean of
#
# $$-\sum_{i=1}^{n} q_i \log p_i, \qquad p = \mathrm{softmax}(z_t), \qquad q = (1 - \varepsilon)\,\mathrm{onehot}(y_t) + \frac{\varepsilon}{n},$$
#
# over all places of the batch whose target is not `pad`, in nats. `smoothing` is $\varepsilon$, $0 \le \varepsilon < 1$; the padding token is one of the $n$ tokens. Logits may be in the thousands: the result must stay finite and right, and gradients must come through. Leave `F.cross_entropy` for the comparison.
# %% [markdown] id="ex-cross-entropy-text" lang="ru"
# ### 15.3 Кросс-энтропия со сглаживанием меток
#
# У `logits` форма $(B, T, n)$, у `targets` — $(B, T)$. Верните тензор из одного числа: среднее выражения
#
# $$-\sum_{i=1}^{n} q_i \log p_i, \qquad p = \mathrm{softmax}(z_t), \qquad q = (1 - \varepsilon)\,\mathrm{onehot}(y_t) + \frac{\varepsilon}{n},$$
#
# по всем местам батча, где цель — не `pad`, в натах. `smoothing` — это $\varepsilon$, $0 \le \varepsilon < 1$; токен заполнения входит в число $n$ токенов. Логиты могут быть порядка тысяч: результат должен оставаться конечным и верным, а градиенты — проходить. `F.cross_entropy` оставьте для сравнения.
# %% id="ex-cross-entropy" tags=["exercise"]
def cross_entropy(logits, targets, pad, smoothing):
    raise NotImplementedError  # your code


cross_entropy = check("cross-entropy", cross_entropy)

# %% [markdown] id="ex-cross-entropy-solution" lang="en"
# <details><summary>Hint</summary>
#
# The sum splits in two: the target's $-\log p$ with the factor $1 - \varepsilon$, and the mean of $-\log p$ over the whole vocabulary with the factor $\varepsilon$. $\log p_i = z_i - \log \sum_j e^{z_j}$ needs no probability on the way; `log_softmax` computes it safely. `gather` picks one number per place, and a boolean mask picks the places that count.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def cross_entropy(logits, targets, pad, smoothing):
#     log_p = logits.log_softmax(dim=-1)
#     of_target = log_p.gather(-1, targets[..., None])[..., 0]
#     each = -(1 - smoothing) * of_target - smoothing * log_p.mean(dim=-1)
#     return each[targets != pad].mean()
# ```
#
# </details>
# %% [markdown] id="ex-cross-entropy-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Сумма распадается на две: $-\log p$ цели с множителем $1 - \varepsilon$ и среднее $-\log p$ по всему словарю с множителем $\varepsilon$. Чтобы найти $\log p_i = z_i - \log \sum_j e^{z_j}$, сами вероятности не нужны; надёжно его вычисляет `log_softmax`. `gather` выбирает по одному числу на место, а маска типа bool — те места, которые учитываются.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def cross_entropy(logits, targets, pad, smoothing):
#     log_p = logits.log_softmax(dim=-1)
#     of_target = log_p.gather(-1, targets[..., None])[..., 0]
#     each = -(1 - smoothing) * of_target - smoothing * log_p.mean(dim=-1)
#     return each[targets != pad].mean()
# ```
#
# </details>


# %% [markdown] id="ex-beam-search-text" lang="en"
# ### 15.4 Beam search
#
# `next_log_probs` stands for a model that has read its source: it takes a list of ids that begins with the start token, and returns a tensor $(n,)$, $\log p$ of every next token. Write token after token. At each step, of all continuations of the growing texts by one token keep the `width` most probable. Those that end with `stop` are put aside: they take places of this step and of no other. The rest goes on growing. Stop after `max_length` steps, or when nothing grows any more. Return the ended text with the highest
#
# $$\frac{\log P(Y)}{\mathrm{lp}(Y)}, \qquad \mathrm{lp}(Y) = \left(\frac{5 + |Y|}{6}\right)^{\alpha},$$
#
# as a list of ids without `start` and with `stop`; $|Y|$ is the length of this list, and `alpha` is $\alpha$. If no text has ended, return the most probable one of `max_length` tokens. `width` may be larger than $n$; no two texts are equally probable.
# %% [markdown] id="ex-beam-search-text" lang="ru"
# ### 15.4 Лучевой поиск
#
# `next_log_probs` заменяет модель, уже прочитавшую исходный текст: эта функция принимает список номеров, который начинается с начального токена, и возвращает тензор $(n,)$ — $\log p$ для каждого возможного следующего токена. Пишите токен за токеном. На каждом шаге из всех продолжений растущих текстов на один токен оставляйте `width` самых вероятных. Те из них, что заканчиваются на `stop`, откладываются: они занимают места только на этом шаге. Остальные растут дальше. Остановитесь через `max_length` шагов или когда расти больше нечему. Верните законченный текст с наибольшим значением
#
# $$\frac{\log P(Y)}{\mathrm{lp}(Y)}, \qquad \mathrm{lp}(Y) = \left(\frac{5 + |Y|}{6}\right)^{\alpha},$$
#
# в виде списка номеров без `start`, но со `stop`; $|Y|$ — длина этого списка, а `alpha` — это $\alpha$. Если ни один текст не закончен, верните самый вероятный из текстов длины `max_length`. `width` может быть больше $n$; двух одинаково вероятных текстов не бывает.
# %% id="ex-beam-search" tags=["exercise"]
def beam_search(next_log_probs, start, stop, width, max_length, alpha):
    raise NotImplementedError  # your code


beam_search = check("beam-search", beam_search)

# %% [markdown] id="ex-beam-search-solution" lang="en"
# <details><summary>Hint</summary>
#
# Keep a list of pairs: $\log P$ of a growing text, and its ids. At the beginning it holds one pair. A step makes all continuations of all pairs, sorts them together and cuts the list; then it deals out what is left to two lists. All texts of a step are equally long, so the penalty matters only when finished texts of different lengths are compared.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def beam_search(next_log_probs, start, stop, width, max_length, alpha):
#     growing, ended = [(0.0, [])], []
#     for length in range(1, max_length + 1):
#         texts = []
#         for total, ids in growing:
#             for token, log_p in enumerate(next_log_probs([start, *ids]).tolist()):
#                 texts.append((total + log_p, [*ids, token]))
#         texts.sort(reverse=True)
#         kept = texts[:width]
#         penalty = ((5 + length) / 6) ** alpha
#         ended += [(total / penalty, ids) for total, ids in kept if ids[-1] == stop]
#         growing = [(total, ids) for total, ids in kept if ids[-1] != stop]
#         if not growing:
#             break
#     return max(ended or growing)[1]
# ```
#
# </details>
# %% [markdown] id="ex-beam-search-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Храните список пар: $\log P$ растущего текста и его номера. Вначале в нём одна пара. На каждом шаге получите все продолжения всех пар, отсортируйте их вместе и обрежьте список, а то, что осталось, разложите в два списка. Все тексты одного шага одинаковой длины, поэтому штраф важен только при сравнении законченных текстов разной длины.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def beam_search(next_log_probs, start, stop, width, max_length, alpha):
#     growing, ended = [(0.0, [])], []
#     for length in range(1, max_length + 1):
#         texts = []
#         for total, ids in growing:
#             for token, log_p in enumerate(next_log_probs([start, *ids]).tolist()):
#                 texts.append((total + log_p, [*ids, token]))
#         texts.sort(reverse=True)
#         kept = texts[:width]
#         penalty = ((5 + length) / 6) ** alpha
#         ended += [(total / penalty, ids) for total, ids in kept if ids[-1] == stop]
#         growing = [(total, ids) for total, ids in kept if ids[-1] != stop]
#         if not growing:
#             break
#     return max(ended or growing)[1]
# ```
#
# </details>


# %% [markdown] id="ex-decoder-hunt-text" lang="en"
# ### 15.5 A bug hunt
#
# A pre-norm decoder block for one text: masked self-attention, cross-attention, feed-forward layer; each has a LayerNorm before it, and each has a residual connection around both. `x` has the shape $(T, D)$. The memory has $(T_s, D)$; the encoder has normalised it already, and every block reads it as it is. `self_attention` and `cross_attention` are functions `attend(x, y, mask)` with their weights inside: the queries come from `x`, the keys and values from `y`, and `mask` is boolean, true where a query may look at a key, or `None`. These two, `feed_forward` and the three LayerNorms are in order. The block runs, all shapes fit, and it has **four** bugs. Mend them all; the check names the first symptom it meets.
# %% [markdown] id="ex-decoder-hunt-text" lang="ru"
# ### 15.5 Охота на ошибки
#
# Блок декодера с порядком pre-norm для одного текста: маскированное самовнимание, перекрёстное внимание, слой прямого распространения; перед каждым подслоем стоит LayerNorm, а остаточная связь идёт в обход обоих. У `x` форма $(T, D)$. У памяти — $(T_s, D)$; энкодер её уже нормализовал, и каждый блок читает её как есть. `self_attention` и `cross_attention` — функции вида `attend(x, y, mask)` вместе со своими весами: запросы вычисляются по `x`, ключи и значения — по `y`, а `mask` — маска типа bool, истинная там, где запросу можно смотреть на ключ, или `None`. С обеими функциями, с `feed_forward` и с тремя LayerNorm всё в порядке. Код запускается, все формы сходятся, а ошибок в нём **четыре**. Исправьте все; проверка называет первый встреченный симптом.
# %% id="ex-decoder-hunt" tags=["exercise", "bug-hunt"]
def decoder_block(x, memory, self_attention, cross_attention, feed_forward, norm_1, norm_2, norm_3):
    T = len(x)
    mask = torch.ones(T, T, dtype=torch.bool).triu()
    y = norm_1(x)
    stream = x + self_attention(y, y, mask)
    y, memory = norm_2(stream), norm_2(memory)
    stream = x + cross_attention(y, y, None)
    return stream + feed_forward(norm_3(stream))


decoder_block = check("decoder-hunt", decoder_block)

# %% [markdown] id="ex-decoder-hunt-solution" lang="en"
# <details><summary>Hint</summary>
#
# Write the matrix `mask` down for $T = 3$: which places does row 1 see? Then follow three things through the code: the stream from `x` to `return`, the memory, and what each attention gets as its first and as its second argument.
#
# </details>
# <details><summary>Solution</summary>
#
# The triangle was turned over: each row saw the tokens that it has to predict, and none before it. Cross-attention took its keys and values from the stream, so that the source was never read (and, without a mask, later tokens came in by this door too). The second residual connection went back to the block's input, and what self-attention had found was lost. And the memory went through the LayerNorm of the queries, in every block anew.
#
# ```python
# def decoder_block(x, memory, self_attention, cross_attention, feed_forward, norm_1, norm_2, norm_3):
#     T = len(x)
#     mask = torch.ones(T, T, dtype=torch.bool).tril()
#     y = norm_1(x)
#     stream = x + self_attention(y, y, mask)
#     y = norm_2(stream)
#     stream = stream + cross_attention(y, memory, None)
#     return stream + feed_forward(norm_3(stream))
# ```
#
# </details>
# %% [markdown] id="ex-decoder-hunt-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Выпишите матрицу `mask` при $T = 3$: какие места видит строка 1? Потом проследите по коду за тремя вещами: за потоком от `x` до `return`, за памятью и за тем, что каждое внимание получает первым и вторым аргументом.
#
# </details>
# <details><summary>Решение</summary>
#
# Треугольник был перевёрнут: каждая строка видела токены, которые должна предсказать, и ни одного из предыдущих. Перекрёстное внимание брало ключи и значения из потока, и исходный текст никто не читал (а так как маски там нет, этим путём проходили и более поздние токены). Вторая остаточная связь возвращалась ко входу блока, и найденное самовниманием терялось. А память проходила через LayerNorm запросов, причём в каждом блоке заново.
#
# ```python
# def decoder_block(x, memory, self_attention, cross_attention, feed_forward, norm_1, norm_2, norm_3):
#     T = len(x)
#     mask = torch.ones(T, T, dtype=torch.bool).tril()
#     y = norm_1(x)
#     stream = x + self_attention(y, y, mask)
#     y = norm_2(stream)
#     stream = stream + cross_attention(y, memory, None)
#     return stream + feed_forward(norm_3(stream))
# ```
#
# </details>

# %% id="exercises-used"
# Your answers (or the reference ones) on small inputs. The translator is tiny and untrained: what it
# writes means nothing, but 15.4 must write what its own search writes, 15.5 compute what its block does.
lengths = torch.tensor([4, 2])
heads = randn(2, 4, 3, seed=151), randn(2, 4, 3, seed=152), randn(2, 4, 2, seed=153)
output = masked_attention(*heads, lengths)
print("15.1:", output[1, 1])
without = masked_attention(*heads, torch.tensor([4, 4]))  # as if there were no padding
real = torch.arange(4) < lengths[:, None]
same = (without - output)[real].abs().max() <= 1e-9
print("      the same at real tokens if padding counts as real:", bool(same))
pad, begin, end = 0, 1, 2
inputs, targets = training_pair([[5, 3, 6], [4]], begin, end, pad)
scored = targets != pad
print("15.2:", inputs.shape, "each target is the next input:", end=" ")
print(bool((inputs[:, 1:] == targets[:, :-1])[scored[:, 1:]].all()), "scored:", int(scored.sum()))
weights = torch.Generator().manual_seed(824)
tiny = Transformer(7, 7, 8, 2, 16, 1, 1, tied=False, generator=weights)
english = torch.tensor([[3, 4, 5, 6], [6, 5, 4, 3]])
logits = tiny(english, None, inputs, None)
for smoothing in (0.0, 0.1):
    own = cross_entropy(logits, targets, pad, smoothing).item()
    theirs = F.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=pad, label_smoothing=smoothing
    )
    print(f"15.3: smoothing {smoothing}: {own:.4f}, as torch:", abs(own - theirs.item()) <= 1e-9)
memory, _ = tiny.encode(english[:1])


def next_log_probs(ids):
    with torch.no_grad():
        return tiny.decode(memory, None, torch.tensor([ids]))[0][0, -1].log_softmax(-1)


for width in (1, 4):
    written = beam_search(next_log_probs, begin, end, width, 8, 0.6)
    (expected,) = tiny.beam(english[:1], None, begin, end, 8, width=width, length_penalty=0.6)
    print(f"15.4: width {width}: {written}, as the model's own:", written == expected)
part, x = tiny.decoder.blocks[0], randn(3, 8, seed=155)
attentions = [
    lambda x, y, mask=None, attention=attention: attention(x, y, mask)[0]
    for attention in (part.self_attention, part.cross_attention)
]
with torch.no_grad():
    whole = decoder_block(
        x, memory[0], *attentions, part.feed_forward, part.norm_1, part.norm_2, part.norm_3
    )
    expected = part(x, memory[0], causal_mask(3))[0]
print("15.5:", whole[0, :4], "as the block:", bool((whole - expected).abs().max() <= 1e-9))

# %% [markdown] id="real-models" lang="en"
# ## 16. In real models
#
# From the models' reports and configuration files.
#
# | model | year | blocks (encoder + decoder) | $n_{vocab}$ | read-out | training | writing |
# |---|---|---|---|---|---|---|
# | Transformer (base, English–German) | 2017 | 6 + 6 | about 37,000 | tied | Adam, warm-up 4,000, smoothing 0.1, dropout 0.1 | beam 4, α = 0.6 |
# | GPT-2 (smallest) | 2019 | 0 + 12 | 50,257 | tied | next token | drawing (top-k 40) |
# | BART (large) | 2020 | 12 + 12 | 50,265 | tied | restore a damaged text | beam, length penalty |
# | T5-base | 2019 | 12 + 12 | 32,128 | tied | Adafactor, $1/\sqrt{s}$, restore a damaged text | greedy; beam 4 with α = 0.6 for translation and summaries |
# | Whisper (large) | 2022 | 32 + 32 | 51,865 | tied | speech to text | beam 5 |
# | NLLB-200 (3.3B) | 2022 | 24 + 24 | 256,206 | tied | 200 languages, one encoder and one decoder | beam 4 |
# | Llama 3 8B | 2024 | 0 + 32 | 128,256 | its own | next token; AdamW, warm-up, cosine | drawing |
#
# Most language models since GPT have no encoder: the text to be answered and the answer are one sequence, and one masked self-attention reads and writes. (Adafactor and AdamW are relatives of Adam; *cosine*: the rate falls along half a cosine; *drawing* takes the next token at random, by its probability, *top-k* 40 among the 40 most probable: lesson 08.) In translation and speech encoder-decoders are still in use, NLLB and Whisper among them, beside models without an encoder.
# %% [markdown] id="real-models" lang="ru"
# ## 16. В настоящих моделях
#
# Из отчётов о моделях и файлов конфигурации.
#
# | модель | год | блоков (энкодер + декодер) | $n_{vocab}$ | выходной слой | обучение | генерация |
# |---|---|---|---|---|---|---|
# | Transformer (base, с английского на немецкий) | 2017 | 6 + 6 | около 37 000 | связан | Adam, прогрев 4000, сглаживание 0.1, дропаут 0.1 | луч 4, α = 0.6 |
# | GPT-2 (самая маленькая) | 2019 | 0 + 12 | 50 257 | связан | следующий токен | случайный выбор (top-k 40) |
# | BART (large) | 2020 | 12 + 12 | 50 265 | связан | восстановить испорченный текст | луч, штраф за длину |
# | T5-base | 2019 | 12 + 12 | 32 128 | связан | Adafactor, $1/\sqrt{s}$, восстановить испорченный текст | жадный поиск; для перевода и реферирования — луч 4, α = 0.6 |
# | Whisper (large) | 2022 | 32 + 32 | 51 865 | связан | речь в текст | луч 5 |
# | NLLB-200 (3.3B) | 2022 | 24 + 24 | 256 206 | связан | 200 языков, один энкодер и один декодер | луч 4 |
# | Llama 3 8B | 2024 | 0 + 32 | 128 256 | свой | следующий токен; AdamW, прогрев, косинус | случайный выбор |
#
# У большинства языковых моделей после GPT энкодера нет: текст, на который надо ответить, и ответ — одна последовательность, и читает, и пишет одно маскированное самовнимание. (Adafactor и AdamW — родственники Adam; *косинус*: скорость падает по половине косинусоиды; *случайный выбор* берёт следующий токен в соответствии с его вероятностью, *top-k* 40 — среди 40 самых вероятных: урок 08.) В переводе и распознавании речи модели с энкодером и декодером — те же NLLB и Whisper — по-прежнему в ходу наряду с моделями без энкодера.
# %% [markdown] id="summary" lang="en"
# ## 17. Summary
#
# A decoder computes the distribution of the next token from the source and the tokens before; the probability of a text is the product of those of its tokens. Its masked self-attention looks back (the scores of later tokens become $-\infty$ before softmax, so that all positions can be trained in one pass and no bit leaks), its cross-attention looks into the source: queries from the decoder, keys and values computed by each block's own matrices from one memory, the encoder's output. The last vector becomes logits, softmax makes probabilities of them, cross-entropy against the text shifted by one is the loss, over real tokens only; Adam with warm-up and clipping makes it small. Writing is a search, greedy or with a beam, one token at a time, and with a cache each token goes through the blocks once. Encoder and decoder share a code that they found together: parts of different trainings do not fit, unless they are trained to.
#
# $$P(y_1 \dots y_T \mid x) = \prod_{t=1}^{T} \mathrm{softmax}\big(h_t W_{out}\big)_{y_t}$$
# %% [markdown] id="summary" lang="ru"
# ## 17. Итог
#
# Декодер вычисляет распределение следующего токена по исходному тексту и предыдущим токенам; вероятность текста — произведение вероятностей его токенов. Маскированное самовнимание оглядывается назад (оценки следующих токенов до softmax становятся $-\infty$, поэтому все позиции обучаются за один проход и ни один бит не просачивается), перекрёстное внимание смотрит в исходный текст: запросы — из декодера, а ключи и значения каждый блок вычисляет своими матрицами из одной и той же памяти, выхода энкодера. Последний вектор превращается в логиты, softmax — в вероятности, потери — кросс-энтропия с текстом, сдвинутым на один токен, только по настоящим токенам; уменьшает их Adam с прогревом и обрезкой градиентов. Генерация — это поиск, жадный или лучевой, по одному токену, и с кэшем каждый токен проходит через блоки один раз. Энкодер и декодер пользуются кодом, который выработали вместе: части из разных обучений не подходят друг к другу, если их этому не учили.
#
# $$P(y_1 \dots y_T \mid x) = \prod_{t=1}^{T} \mathrm{softmax}\big(h_t W_{out}\big)_{y_t}$$
# %% id="summary-figure"
show(drawings.transformer(), "transformer")

# %% [markdown] id="summary-found" lang="en"
# What the notes said, and what we found:
# %% [markdown] id="summary-found" lang="ru"
# Что говорил конспект и что мы нашли:
# %% id="summary-ledger"
ledger(7)

# %% [markdown] id="key-questions" lang="en"
# ## 18. Key questions
#
# Answer on paper, then unfold. The same cards, and more of them, are in the Anki deck.
# %% [markdown] id="key-questions" lang="ru"
# ## 18. Ключевые вопросы
#
# Ответьте на бумаге, потом раскройте ответ. Эти и другие карточки урока есть в колоде Anki.
# %% id="key-questions-cards"
key_questions(7)

# %% [markdown] id="reading" lang="en"
# ## 19. Further reading
#
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Sections 3.1 to 3.4 for the model, 5.3 and 5.4 for the schedule, dropout and label smoothing, 6.1 for the beam.
# - D. Bahdanau, K. Cho, Y. Bengio. *Neural Machine Translation by Jointly Learning to Align and Translate.* ICLR 2015, [arXiv:1409.0473](https://arxiv.org/abs/1409.0473). Where cross-attention comes from; its figure 3 is the alignment picture.
# - S. Bengio, O. Vinyals, N. Jaitly, N. Shazeer. *Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks.* NeurIPS 2015, [arXiv:1506.03099](https://arxiv.org/abs/1506.03099). What teacher forcing leaves untrained.
# - O. Press, L. Wolf. *Using the Output Embedding to Improve Language Models.* EACL 2017, [arXiv:1608.05859](https://arxiv.org/abs/1608.05859). Weight tying.
# - E. Grave et al. *Efficient softmax approximation for GPUs.* ICML 2017, [arXiv:1609.04309](https://arxiv.org/abs/1609.04309). Adaptive softmax.
# - C. Szegedy et al. *Rethinking the Inception Architecture for Computer Vision.* CVPR 2016, [arXiv:1512.00567](https://arxiv.org/abs/1512.00567). Section 7: label smoothing.
# - D. P. Kingma, J. Ba. *Adam: A Method for Stochastic Optimization.* ICLR 2015, [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - R. Pascanu, T. Mikolov, Y. Bengio. *On the Difficulty of Training Recurrent Neural Networks.* ICML 2013, [arXiv:1211.5063](https://arxiv.org/abs/1211.5063). Clipping.
# - N. Srivastava et al. *Dropout: A Simple Way to Prevent Neural Networks from Overfitting.* JMLR 15, 2014, [jmlr.org/papers/v15/srivastava14a.html](https://jmlr.org/papers/v15/srivastava14a.html). Why a network generalises better if units are left out at random in training.
# - Y. Wu et al. *Google's Neural Machine Translation System.* 2016, [arXiv:1609.08144](https://arxiv.org/abs/1609.08144). Section 7: beam search and the length penalty.
# - P. Koehn, R. Knowles. *Six Challenges for Neural Machine Translation.* Workshop on Neural Machine Translation 2017, [arXiv:1706.03872](https://arxiv.org/abs/1706.03872). Section 3.6: wide beams hurt.
# - F. Stahlberg, B. Byrne. *On NMT Search Errors and Model Errors: Cat Got Your Tongue?* EMNLP 2019, [arXiv:1908.10090](https://arxiv.org/abs/1908.10090). The most probable translation is often empty.
# - M. Johnson et al. *Google's Multilingual Neural Machine Translation System: Enabling Zero-Shot Translation.* TACL 5, 2017, [arXiv:1611.04558](https://arxiv.org/abs/1611.04558).
# - S. Jain, B. C. Wallace. *Attention is not Explanation.* NAACL 2019, [arXiv:1902.10186](https://arxiv.org/abs/1902.10186). Against believing attention weights too much.
# - S. Wiegreffe, Y. Pinter. *Attention is not not Explanation.* EMNLP 2019, [arXiv:1908.04626](https://arxiv.org/abs/1908.04626). The reply.
# - R. Pope et al. *Efficiently Scaling Transformer Inference.* 2022, MLSys 2023, [arXiv:2211.05102](https://arxiv.org/abs/2211.05102). The cache, and what it costs.
#
# Next: [lesson 08, BERT vs GPT](08_bert_vs_gpt.ipynb).
# %% [markdown] id="reading" lang="ru"
# ## 19. Что читать дальше
#
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). О модели — разделы 3.1–3.4, о расписании, дропауте и сглаживании меток — 5.3 и 5.4, о луче — 6.1.
# - D. Bahdanau, K. Cho, Y. Bengio. *Neural Machine Translation by Jointly Learning to Align and Translate.* ICLR 2015, [arXiv:1409.0473](https://arxiv.org/abs/1409.0473). Откуда взялось перекрёстное внимание; рисунок 3 — карта выравнивания.
# - S. Bengio, O. Vinyals, N. Jaitly, N. Shazeer. *Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks.* NeurIPS 2015, [arXiv:1506.03099](https://arxiv.org/abs/1506.03099). Чему не учит teacher forcing.
# - O. Press, L. Wolf. *Using the Output Embedding to Improve Language Models.* EACL 2017, [arXiv:1608.05859](https://arxiv.org/abs/1608.05859). Связывание весов.
# - E. Grave et al. *Efficient softmax approximation for GPUs.* ICML 2017, [arXiv:1609.04309](https://arxiv.org/abs/1609.04309). Адаптивный softmax.
# - C. Szegedy et al. *Rethinking the Inception Architecture for Computer Vision.* CVPR 2016, [arXiv:1512.00567](https://arxiv.org/abs/1512.00567). Раздел 7: сглаживание меток.
# - D. P. Kingma, J. Ba. *Adam: A Method for Stochastic Optimization.* ICLR 2015, [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - R. Pascanu, T. Mikolov, Y. Bengio. *On the Difficulty of Training Recurrent Neural Networks.* ICML 2013, [arXiv:1211.5063](https://arxiv.org/abs/1211.5063). Обрезка градиентов.
# - N. Srivastava et al. *Dropout: A Simple Way to Prevent Neural Networks from Overfitting.* JMLR 15, 2014, [jmlr.org/papers/v15/srivastava14a.html](https://jmlr.org/papers/v15/srivastava14a.html). Почему сеть лучше обобщает, если при обучении случайно отключать нейроны.
# - Y. Wu et al. *Google's Neural Machine Translation System.* 2016, [arXiv:1609.08144](https://arxiv.org/abs/1609.08144). Раздел 7: лучевой поиск и штраф за длину.
# - P. Koehn, R. Knowles. *Six Challenges for Neural Machine Translation.* Workshop on Neural Machine Translation 2017, [arXiv:1706.03872](https://arxiv.org/abs/1706.03872). Раздел 3.6: широкие лучи вредят.
# - F. Stahlberg, B. Byrne. *On NMT Search Errors and Model Errors: Cat Got Your Tongue?* EMNLP 2019, [arXiv:1908.10090](https://arxiv.org/abs/1908.10090). Самый вероятный перевод часто пуст.
# - M. Johnson et al. *Google's Multilingual Neural Machine Translation System: Enabling Zero-Shot Translation.* TACL 5, 2017, [arXiv:1611.04558](https://arxiv.org/abs/1611.04558).
# - S. Jain, B. C. Wallace. *Attention is not Explanation.* NAACL 2019, [arXiv:1902.10186](https://arxiv.org/abs/1902.10186). О том, что слишком доверять весам внимания не стоит.
# - S. Wiegreffe, Y. Pinter. *Attention is not not Explanation.* EMNLP 2019, [arXiv:1908.04626](https://arxiv.org/abs/1908.04626). Ответ на предыдущую статью.
# - R. Pope et al. *Efficiently Scaling Transformer Inference.* 2022, MLSys 2023, [arXiv:2211.05102](https://arxiv.org/abs/2211.05102). Кэш и его цена.
#
# Дальше: [урок 08, BERT против GPT](08_bert_vs_gpt.ipynb).
