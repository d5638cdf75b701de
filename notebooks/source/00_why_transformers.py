# %% [markdown] id="title" lang="en"
# # Lesson 00. Why transformers
#
# Before the transformer (Vaswani et al., 2017) most networks that read text read it as we do, word after word, keeping what they had read in a state of fixed size. The transformer reads all words at once and lets them look at each other. This lesson asks what that buys and what it costs: where the older *recurrent* networks fail, why, what is gained, what is paid, and which of the things one hears about transformers are true. It uses the finished parts of the course, which the next lessons build, so that you see where the road leads.
#
# **You will be able to**
#
# - say what a recurrent network and an LSTM compute, and write both;
# - show that a state of fixed size is the harder to train the more there is to keep, and why an LSTM hardly learns to remember across a long distance when training holds no shorter ones;
# - count the longest chain of steps that have to wait for each other, and say when a transformer too must wait;
# - work out from $T$ and $D$ which of two layers takes more multiplications, and where they cross;
# - judge the sentence "a transformer is a good baseline for anything" by measurements.
#
# **You need** Python, matrix products, derivatives, softmax and cross-entropy, and PyTorch's tensors, `backward` and `nn.Module`. All of it is repeated in the [primer](primer.ipynb), with exercises. **Time:** 65 minutes of reading and playing, 40 for the exercises; all cells run in under a minute.
#
# Before this lesson: [the primer](primer.ipynb). Next lesson: [01, Word2Vec](01_word2vec.ipynb).
# %% [markdown] id="title" lang="ru"
# # Урок 00. Зачем нужны трансформеры
#
# До появления трансформера (Vaswani et al., 2017) большинство сетей, читающих текст, читали его так же, как мы: слово за словом, и всё прочитанное хранили в состоянии постоянного размера. Трансформер читает все слова сразу и даёт им посмотреть друг на друга. В этом уроке мы выясним, что это даёт и чего стоит: где прежние, *рекуррентные* сети не справляются и почему, что мы выигрываем, чем платим и что из сказанного о трансформерах — правда. Мы возьмём готовые части, которые следующие уроки собирают с нуля: так видно, куда ведёт дорога.
#
# **Вы научитесь**
#
# - объяснять, что вычисляют рекуррентная сеть и LSTM, и писать обе;
# - показывать, что чем больше нужно хранить, тем труднее обучить состояние постоянного размера, и почему LSTM почти не учится помнить на большом расстоянии, если при обучении ей не встречались короткие;
# - считать самую длинную цепочку шагов, которые вынуждены ждать друг друга, и говорить, когда ждать приходится и трансформеру;
# - по $T$ и $D$ определять, какому из двух слоёв нужно больше умножений и где они сравняются;
# - проверять измерениями фразу «трансформер — хорошее базовое решение для чего угодно».
#
# **Понадобятся** Python, произведения матриц, производные, softmax и кросс-энтропия, а из PyTorch — тензоры, `backward` и `nn.Module`. Всё это повторено, с упражнениями, во [введении](primer.ipynb). **Время:** 65 минут на чтение и опыты, 40 — на упражнения; все ячейки выполняются меньше чем за минуту.
#
# Перед этим уроком: [введение](primer.ipynb). Следующий урок: [01, Word2Vec](01_word2vec.ipynb).
# %% id="start"
from course_lib import start

start(lesson=0)

# %% id="imports"
import math

import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import nn

from course_lib import one_block, recall
from course_lib.attention import SelfAttention, scaled_dot_product_attention
from course_lib.cards.notebook import key_questions
from course_lib.claims import claim, ledger
from course_lib.counting import ChainCounter, OperationCounter, WorkCounter
from course_lib.encoder import EncoderBlock
from course_lib.exercises import check
from course_lib.explorers import explore_costs, explore_course_map
from course_lib.explorers.costs import layer_costs as course_costs
from course_lib.figures import course, show
from course_lib.figures import recurrence as drawings
from course_lib.figures import recurrence_curves as curves
from course_lib.glossary import notation_table
from course_lib.gpt import GPT
from course_lib.parity import parity
from course_lib.recurrent import LSTM, RNN, to_torch
from course_lib.results import recorded


def generator(seed):
    """A source of random numbers of its own."""
    return torch.Generator().manual_seed(seed)


def randn(*shape, seed):
    """Normal numbers in float64, the same on every machine."""
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def mean(values):
    """The mean of some numbers."""
    values = list(values)
    return sum(values) / len(values)


# %% id="map"
show(course.course_map(here=0), "course_map", here=0)

# %% [markdown] id="notes" lang="en"
# The course grew out of one student's notes of a lecture (see section 16), and it checks them statement by statement. Where one has been put to the test, a line such as `[0.1] refined` gives its number (statement 1 of lesson 0), our verdict and the figures. The course knows these verdicts: *confirmed*; *refined*: true under a condition that the lesson states; *corrected*: the notes' version fails and another holds (*in part*, if that goes for a part of it); *measured*: put into numbers; *answered*: the notes only asked; *explained*: cleared up in words, without a test. Eight statements belong to this lesson; the table in section 14 gathers them.
# %% [markdown] id="notes" lang="ru"
# Курс вырос из конспекта одной лекции (см. раздел 16) и проверяет его утверждение за утверждением. Там, где одно из них проверено, строка вида `[0.1] уточнено` называет его номер (утверждение 1 урока 0), наш вердикт и данные. Вердикты в курсе такие: *подтверждено*; *уточнено* — верно при условии, которое урок называет; *исправлено* — сказанное в конспекте неверно, а верно другое (*отчасти* — если это касается части сказанного); *измерено* — выражено в числах; *дан ответ* — в конспекте был только вопрос; *объяснено* — дело прояснено словами, без проверки. К этому уроку относятся восемь утверждений; таблица в разделе 14 собирает их все.

# %% [markdown] id="problem" lang="en"
# ## 1. Eight pairs to remember
#
# A task of pure memory. Somebody reads out pairs of a key and a value, `k3=5`, `k9=0`, `k1=7`, …, and at the end asks for one of the keys: `k9?` The answer is the value that stood with it, 0. There are 16 keys and 8 possible values, all keys in a sequence differ (values may repeat), and each pair is *one* token, whose vector of $D = 32$ numbers is the sum of a row for the key and a row for the value; both rows are learned. The question is a token too: the key's row, and a row for the question mark in place of a value. From what the network has at the end, one learned matrix makes a score for each of the 8 values. Who guesses is right once in eight times.
#
# Two networks read this. One is an LSTM, the recurrent network that ruled the field before 2017 (section 3 builds it): it reads token after token and keeps a state of 32 numbers (with a cell of as many beside it). The other is attention (lesson 03): when the question comes, it looks back at all tokens. They have equally many weights, and are trained with the same batches, 400 of 64 sequences with 8 pairs each.
# %% [markdown] id="problem" lang="ru"
# ## 1. Запомнить восемь пар
#
# Задача на чистую память. Кто-то зачитывает пары из ключа и значения — `k3=5`, `k9=0`, `k1=7`, … — и в конце спрашивает об одном из ключей: `k9?` Ответ — значение, стоявшее при нём, то есть 0. Ключей 16, возможных значений 8, ключи внутри последовательности не повторяются (значения могут), и каждая пара — *один* токен; его вектор из $D = 32$ чисел — сумма строки ключа и строки значения, обе обучаются. Вопрос — тоже токен: строка ключа и строка вопросительного знака вместо значения. По тому, что сеть накопила к концу, обучаемая матрица вычисляет оценку каждого из 8 значений. Угадать наудачу можно в одном случае из восьми.
#
# Читают две сети. Одна — LSTM, рекуррентная сеть, господствовавшая до 2017 года (в разделе 3 мы её соберём): читает токен за токеном и хранит состояние из 32 чисел (и при нём ячейку такого же размера). Другая — внимание (урок 03): когда задан вопрос, она оглядывается на все токены. Весов у них поровну, и обучаются они на одних и тех же 400 батчах по 64 последовательности из 8 пар.
# %% id="problem-data"
example = recall.batch(pairs=8, size=1, seed=5)
tokens = [f"k{k}={v}" for k, v in zip(example.keys[0], example.values[0], strict=True)][:-1]
print(" ".join(tokens), f" k{example.keys[0, -1]}?  →  {example.answers[0]}")
print()
print("              weights   loss of the first and last 20 steps   right on new sequences")
live = {}
for kind in ("LSTM", "attention"):
    model = recall.Reader(kind, seed=0)
    losses = recall.train(model, pairs=8, steps=400)
    live[kind] = model, recall.accuracy(model, pairs=8)
    print(
        f"{kind:<12} {recall.size(model):>8}   {mean(losses[:20]):>19.2f}   {mean(losses[-20:]):.2f} {live[kind][1]:>21.2f}"
    )
print(f"guessing:               {math.log(8):>17.2f}   {math.log(8):.2f} {1 / 8:>21.2f}")
assert live["attention"][1] > 0.99 and live["LSTM"][1] < 0.6

# %% [markdown] id="problem-after" lang="en"
# The LSTM is not stupid; it has been given the harder job. Whatever the question will be, it must have written down all eight values, with their keys, in these few dozen numbers, *before* it hears the question. Attention writes nothing down. It keeps the tokens as they are and, once it knows the question, looks for the one that fits. (That a pair is *one* token suits it: with key and value as two tokens, a single layer of attention would not do.) That is the whole idea of this course in one picture:
# %% [markdown] id="problem-after" lang="ru"
# LSTM не глупа: ей дали работу потруднее. Каким бы ни был вопрос, она должна уместить все восемь значений вместе с ключами в эти несколько десятков чисел *до того*, как вопрос прозвучит. Внимание ничего не записывает. Оно оставляет токены как есть и, узнав вопрос, находит подходящий. (То, что пара — *один* токен, ему на руку: будь ключ и значение двумя токенами, одного слоя внимания не хватило бы.) Вот вся идея курса на одном рисунке:
# %% id="problem-figure"
show(drawings.recurrence_and_attention(), "recurrence_and_attention")

# %% [markdown] id="symbols" lang="en"
# ## 2. Symbols
#
# $B$, $T$, $D$ and the letters of attention come back in later lessons. Those of recurrent networks ($h$, $c$, $i$, $f$, $o$, $g$) are free again after this one: the table of each lesson is what counts.
# %% [markdown] id="symbols" lang="ru"
# ## 2. Обозначения
#
# $B$, $T$, $D$ и буквы внимания вернутся в следующих уроках. Буквы рекуррентных сетей ($h$, $c$, $i$, $f$, $o$, $g$) после этого урока снова свободны: верна таблица каждого урока.
# %% id="notation"
notation_table(0)

# %% [markdown] id="recurrent" lang="en"
# ## 3. A recurrent network, and the LSTM
#
# A recurrent network (RNN; Elman, 1990) has a state $h$, a vector. With each token it makes a new state out of the old one and the token's vector $x_t$, always with the same weights:
#
# $$h_t = \tanh(x_t W_x + h_{t-1} W_h + b), \qquad h_0 = 0$$
#
# That is a loop, and with a tanh in every step it cannot be otherwise: $h_5$ needs $h_4$, which needs $h_3$. The **LSTM** (long short-term memory, Hochreiter & Schmidhuber, 1997) keeps a second vector beside $h$, the *cell* $c$, and treats it with care: nothing multiplies it by a matrix. Three *gates*, numbers between 0 and 1 for each component, say what happens to it. The forget gate $f$ (Gers et al., 2000) says how much of the cell stays, the input gate $i$ how much of the candidate $g$ comes in, the output gate $o$ how much of the cell shows in the state:
#
# $$c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh(c_t)$$
#
# where $i, f, o = \sigma(\dots)$ and $g = \tanh(\dots)$, each of $x_t W_x + h_{t-1} W_h + b$ with weights of its own; $\sigma(z) = 1 / (1 + e^{-z})$ squeezes a number into 0 … 1, and $\odot$ multiplies number by number.
# %% [markdown] id="recurrent" lang="ru"
# ## 3. Рекуррентная сеть и LSTM
#
# У рекуррентной сети (RNN; Elman, 1990) есть состояние $h$ — вектор. С каждым токеном она строит из старого состояния и вектора токена $x_t$ новое, всегда с одними и теми же весами:
#
# $$h_t = \tanh(x_t W_x + h_{t-1} W_h + b), \qquad h_0 = 0$$
#
# Это цикл, и, пока на каждом шаге стоит tanh, иначе нельзя: для $h_5$ нужно $h_4$, а для него — $h_3$. **LSTM** (long short-term memory, «долгая краткосрочная память»; Hochreiter & Schmidhuber, 1997) хранит рядом с $h$ второй вектор, *ячейку* $c$, и обращается с ней бережно: на матрицу её не умножают. Что с ней происходит, решают три *вентиля* (gates) — числа от 0 до 1 для каждой компоненты. Вентиль забывания $f$ (Gers et al., 2000) говорит, какая доля ячейки останется, входной $i$ — какая доля кандидата $g$ войдёт, выходной $o$ — какая доля ячейки будет видна в состоянии:
#
# $$c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh(c_t)$$
#
# где $i, f, o = \sigma(\dots)$ и $g = \tanh(\dots)$, а внутри у каждого своё $x_t W_x + h_{t-1} W_h + b$ со своими весами; $\sigma(z) = 1 / (1 + e^{-z})$ сжимает число в промежуток 0 … 1, а $\odot$ — поэлементное умножение.
# %% id="recurrent-figure"
show(drawings.lstm_cell(), "lstm_cell")


# %% id="recurrent-code"
def rnn(x, W_x, W_h, b):
    """x (T, d_in) → the states (T, d_state)."""
    h = torch.zeros(W_h.shape[0], dtype=x.dtype)
    states = []
    for x_t in x:  # one token after the other
        h = torch.tanh(x_t @ W_x + h @ W_h + b)
        states.append(h)
    return torch.stack(states)


def lstm(x, W_x, W_h, b):
    """x (T, d_in) → the states (T, d_state); the weights of i, f, g, o stand side by side."""
    h = c = torch.zeros(W_h.shape[0], dtype=x.dtype)
    states = []
    for x_t in x:
        i, f, g, o = (x_t @ W_x + h @ W_h + b).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        states.append(h)
    return torch.stack(states)


x = randn(7, 5, seed=1)
for name, ours, layer in (
    ("RNN", rnn, RNN(5, 3, generator=generator(2))),
    ("LSTM", lstm, LSTM(5, 3, generator=generator(2))),
):
    twin = to_torch(layer)
    weights = (layer.W_x, layer.W_h, layer.b)
    theirs = (twin.weight_ih_l0, twin.weight_hh_l0, twin.bias_ih_l0)
    turned = (lambda w: w.T, lambda w: w.T, lambda w: w)
    pairs = list(zip(weights, theirs, turned, strict=True))
    mine = lambda x, ours=ours, weights=weights: ours(x, *weights)  # noqa: E731
    parity(f"nn.{name}", mine, lambda x, twin=twin: twin(x)[0], x, parameters=pairs)
    parity(f"course_lib.recurrent.{name}", mine, layer, x, parameters=[(w, w) for w in weights])

# %% [markdown] id="state" lang="en"
# ## 4. One state for everything
#
# Did we train too short? Here is a table made beforehand (`course measure recall-pairs` computes it in some minutes; you need not), with 2,000 batches in place of 400 and three seeds for each figure. **Predict:** which of the two columns falls, and does a state of twice the size help?
# %% [markdown] id="state" lang="ru"
# ## 4. Одно состояние на всё
#
# Может быть, мы мало обучали? Вот таблица, посчитанная заранее (`course measure recall-pairs` делает её за несколько минут; вам это не нужно): 2000 батчей вместо 400 и по три запуска с разными начальными весами на каждое число. **Предскажите:** в каком из двух столбцов числа будут убывать и поможет ли вдвое большее состояние?
# %% id="state-table"
rows = recorded("recall-pairs")["rows"]


def of(kind, pairs, state=None, figure="right"):
    """The recorded figures of the three seeds."""
    return [
        r[figure] for r in rows if (r["kind"], r["pairs"], r.get("state")) == (kind, pairs, state)
    ]


print("pairs        LSTM, three seeds   mean        attention   mean")
for pairs in recall.PAIRS:
    shown = ["  ".join(f"{a:.2f}" for a in of(kind, pairs)) for kind in ("LSTM", "attention")]
    means = [mean(of(kind, pairs)) for kind in ("LSTM", "attention")]
    print(f"{pairs:>5}   {shown[0]:>22}   {means[0]:.2f}   {shown[1]}   {means[1]:.2f}")
print()
print("8 pairs, LSTM with a state of")
for state in (32, 64):
    found = of("LSTM", 8, None if state == 32 else state)
    weights = recall.size(recall.Reader("LSTM", 0, state=state))
    print(
        f"{state:>5} numbers, {weights:>5} weights   {'  '.join(f'{a:.2f}' for a in found)}   {mean(found):.2f}"
    )
print()
print("16 pairs, LSTM, by how many tokens back the pair stood")
back = [f"{low}–{low + 3} back" for low in (1, 5, 9, 13)]
by_distance = {name: mean(of("LSTM", 16, figure=name)) for name in back}
for name, share in by_distance.items():
    print(f"{name:>12}   {share:.2f}")
lstm_by_pairs = [mean(of("LSTM", pairs)) for pairs in recall.PAIRS]
assert (
    lstm_by_pairs == sorted(lstm_by_pairs, reverse=True)
    and lstm_by_pairs[0] > lstm_by_pairs[-1] + 0.3
)
assert min(min(of("attention", pairs)) for pairs in recall.PAIRS) > 0.99

# %% id="state-figure"
show(
    curves.recall_pairs(
        {kind: {pairs: of(kind, pairs) for pairs in recall.PAIRS} for kind in ("LSTM", "attention")}
    ),
    "recall_pairs",
)

# %% [markdown] id="state-after" lang="en"
# More training has helped, and the picture stays: every doubling of the number of pairs costs the LSTM a good part of its answers, and attention nothing. It is not a matter of bits: a few dozen numbers in float64 could hold eight keys and values many times over. But they have to be stored so that nothing that comes later disturbs them, and so that one more step and one matrix can read any of them when the question comes; training finds that for two pairs, and less and less well for more. (It is no hard limit: more batches have raised the accuracy for 8 pairs, and may raise it further.)
#
# Twice the state helps, at nearly three times the weights. Note the last table: with 16 pairs the ones read last are *hardly* better remembered than the first. What hurts here is how much there is to keep, not how long ago it was: all distances, short ones too, occur in training.
#
# Attention's memory has no fixed size: it keeps one vector for every token that it is given, its *context window*. That is its secret, and its price, for which section 8 and the lessons [04](04_multi_head.ipynb) and [08](08_bert_vs_gpt.ipynb) present the bill.
# %% [markdown] id="state-after" lang="ru"
# Более долгое обучение помогло, но картина та же: каждое удвоение числа пар отнимает у LSTM заметную часть ответов, а у внимания — ничего. Дело не в битах: в несколько десятков чисел float64 восемь ключей и значений поместились бы много раз. Но хранить их нужно так, чтобы последующие токены их не испортили и чтобы ещё один шаг и одна матрица могли прочесть любое, когда прозвучит вопрос; для двух пар обучение такой способ находит, но чем пар больше, тем хуже это удаётся. (Это не жёсткий предел: с числом батчей доля верных ответов на 8 парах выросла и может вырасти ещё.)
#
# Вдвое большее состояние помогает, но и весов при нём почти втрое больше. Обратите внимание на последнюю таблицу: при 16 парах прочитанные последними запомнились *почти не* лучше первых. Мешает здесь то, сколько нужно хранить, а не то, как давно это было: при обучении встречаются все расстояния, и короткие тоже.
#
# У памяти внимания нет постоянного размера: она хранит по вектору на каждый токен, который ей дан (всё это — её *контекстное окно*, context window). В этом и секрет, и цена; счёт предъявят раздел 8 и уроки [04](04_multi_head.ipynb) и [08](08_bert_vs_gpt.ipynb).

# %% [markdown] id="looking" lang="en"
# ## 5. Looking back instead of remembering
#
# What did attention do? Lessons 03 and 04 take it apart; here is what you need for now. The question's vector $x_T$ is turned into a *query*, each token's vector $x_t$ into a *key* and a *value* (here those words mean vectors, three products with learned matrices). The query is compared with every key by a dot product, divided by the square root of the key's size (lesson 03 says why); softmax turns the results into weights $a_t$ that are positive and sum to 1; and the result is the weighted sum of the values, $z = \sum_t a_t v_t$. Nothing in this sum depends on how far away a token stands: this reader has no notion of order at all, to it the sequence is a bag of pairs. (A real transformer is told the positions, and with most ways of doing so it does not carry over by itself to lengths that it has never met; lesson 05 measures which do.) Let us see whom the trained network looks at:
# %% [markdown] id="looking" lang="ru"
# ## 5. Оглянуться, а не запоминать
#
# А что сделало внимание? По частям его разбирают уроки 03 и 04; здесь скажем ровно столько, сколько нужно, чтобы следить за дальнейшим. Вектор вопроса $x_T$ превращают в *запрос* (query), вектор каждого токена $x_t$ — в *ключ* (key) и *значение* (value); здесь это векторы — результаты умножения на три обучаемые матрицы, — а не ключи и значения из нашей задачи. Запрос сравнивают с каждым ключом скалярным произведением, делённым на корень из размера ключа (почему — в уроке 03); softmax делает из результатов веса $a_t$, положительные и с суммой 1; результат — взвешенная сумма значений, $z = \sum_t a_t v_t$. Расстояние до токена в эту сумму никак не входит: о порядке эта сеть вообще не знает, последовательность для неё — просто набор пар. (Настоящему трансформеру позиции сообщают, и при большинстве способов перенос на длины, которых он не видел, сам собой не даётся; какие способы его дают, измеряет урок 05.) Выясним, на какие токены смотрит обученная сеть:
# %% id="looking-weights"
attending = live["attention"][0]
with torch.no_grad():
    scores, weights = attending.answer(attending.vectors(example.keys, example.values))
for token, weight in zip([*tokens, f"k{example.keys[0, -1]}?"], weights[0].tolist(), strict=True):
    print(f"{token:>8}   {weight:.3f}  {'█' * round(40 * weight)}")
print(f"answer {scores.argmax(-1).item()}, right is {example.answers[0]}")
assert weights[0, :-1].argmax() == (example.keys[0, :-1] == example.keys[0, -1]).nonzero()[0, 0]


# %% [markdown] id="break-it" lang="en"
# **Break it.** Is it the looking that counts, or merely that all tokens are at hand? Give every token the same weight, $a_t = 1/T$, with everything else as trained, and then train such a network from the start: its sum still contains every value, but cannot choose.
# %% [markdown] id="break-it" lang="ru"
# **Сломаем.** Важно смотреть на нужное — или достаточно, что все токены под рукой? Дадим всем токенам одинаковый вес, $a_t = 1/T$, оставив всё прочее таким, каким оно обучено, а потом обучим такую сеть с самого начала: в её сумме по-прежнему есть все значения, но выбирать она не может.
# %% id="break-it-code"
class Evenly(recall.Reader):
    """Attention whose weights are all 1/T."""

    def answer(self, x):
        return (x @ self.network.W_V).mean(dim=1) @ self.read, None


even = Evenly("attention", seed=0)
even.load_state_dict(attending.state_dict())
as_trained = recall.accuracy(even, pairs=8)
even = Evenly("attention", seed=0)
for unused in (even.network.W_Q, even.network.W_K):
    unused.requires_grad_(False)
recall.train(even, pairs=8, steps=400)
broken = recall.accuracy(even, pairs=8)
print(f"chosen weights            {live['attention'][1]:.2f}")
print(f"1/T, otherwise as trained {as_trained:.2f}")
print(f"1/T, trained so           {broken:.2f}")
assert broken < 0.5 < 0.99 < live["attention"][1]

# %% [markdown] id="break-it-after" lang="en"
# Half of what it could do is gone, and more; training does not bring it back. The average still tells how often each value occurs in the sequence, and to name the most frequent is better than to guess; but not which of them stood with the key. It is the *choice* that does the work, and it is made anew for every question.
# %% [markdown] id="break-it-after" lang="ru"
# От прежнего умения осталось меньше половины, и обучение его не возвращает. По среднему ещё видно, как часто встречается каждое значение, и назвать самое частое лучше, чем гадать; но не видно, какое из них стояло при ключе. Всё дело именно в *выборе*, и для каждого вопроса он свой.


# %% [markdown] id="distance" lang="en"
# ## 6. How far a gradient reaches
#
# *How much* there is to keep is one half of the trouble. *How far back* it lies is the other. A network learns to keep a token only if the error at the end can tell it so: if the derivative of the output with respect to that token's vector is not zero. In an RNN this derivative is a product of as many factors as there are steps from the token to the output,
#
# $$\frac{\partial h_T}{\partial h_t} = \prod_{s=t+1}^{T} \frac{\partial h_s}{\partial h_{s-1}},$$
#
# each of them a matrix: the derivatives of every component of $h_s$ by every component of $h_{s-1}$. If such a matrix shortens every vector, the product of many is as good as 0 (the gradient *vanishes*); if it lengthens some again and again, enormous (it *explodes*; Bengio et al., 1994; Pascanu et al., 2013). In the LSTM the factor along the cell is the forget gate, $\partial c_s / \partial c_{s-1} = f_s$ (when we leave out the roundabout ways through $h$), which a network *can* learn to hold at 1; but it begins near 0.5. Attention has one factor, whatever the distance. We measure the size of $\partial\,\text{output} / \partial x_t$ (the root of the sum of the squares of all derivatives; `jacobian` computes them) for networks with their initial weights, which is where learning has to begin, over 40 random tokens. Beside RNN, LSTM and attention stands `LSTM, b_f = 3`: an LSTM whose bias of the forget gate is raised by 3, so that $f$ begins near $\sigma(3) = 0.95$ and not near 0.5.
# %% [markdown] id="distance" lang="ru"
# ## 6. Докуда доходит градиент
#
# *Сколько* нужно хранить — одна половина беды, *как давно* это было — другая. Сеть научится хранить токен, только если ошибка в конце может ей об этом сказать: если производная выхода по вектору этого токена не равна нулю. В RNN эта производная — произведение стольких множителей, сколько шагов от токена до выхода,
#
# $$\frac{\partial h_T}{\partial h_t} = \prod_{s=t+1}^{T} \frac{\partial h_s}{\partial h_{s-1}},$$
#
# и каждый из них — матрица: производные всех компонент $h_s$ по всем компонентам $h_{s-1}$. Если такая матрица укорачивает любой вектор, произведение многих таких матриц — практически 0 (градиент *затухает*); если какие-то векторы она раз за разом удлиняет, оно огромно (градиент *взрывается*; Bengio et al., 1994; Pascanu et al., 2013). У LSTM множитель вдоль ячейки — вентиль забывания, $\partial c_s / \partial c_{s-1} = f_s$ (если отбросить окольные пути через $h$); сеть *может* научиться держать его около 1, но вначале он около 0.5. У внимания множитель один, каким бы ни было расстояние. Измерим величину $\partial\,\text{выход} / \partial x_t$ (корень из суммы квадратов всех производных; их вычисляет `jacobian`) у сетей с начальными весами — с них обучение и начинается — на 40 случайных токенах. Рядом с RNN, LSTM и вниманием стоит `LSTM, b_f = 3` — LSTM, у которой смещение вентиля забывания увеличено на 3, так что $f$ вначале около $\sigma(3) = 0.95$, а не около 0.5.
# %% id="distance-gradient"
def reach(model, count=16, tokens=40):
    """The mean size of the derivative of the scores by the vector that stands 0, 1, 2, … tokens before the last."""
    sizes = torch.zeros(tokens, dtype=torch.float64)
    for x in randn(count, tokens, recall.D, seed=11):
        jacobian = torch.autograd.functional.jacobian(lambda x: model.answer(x[None])[0][0], x)
        sizes += jacobian.pow(2).sum(dim=(0, 2)).sqrt() / count
    return sizes.flip(0)


reached = {kind: reach(recall.Reader(kind, seed=0)) for kind in ("RNN", "LSTM", "attention")}
reached["LSTM, b_f = 3"] = reach(recall.Reader("LSTM", seed=0, forget=3.0))
AWAY = (1, 5, 10, 20, 39)
print("size of the derivative, that of the token before the last = 1")
print("tokens back    " + "".join(f"{d:>12}" for d in AWAY))
for name, sizes in reached.items():
    print(f"{name:<15}" + "".join(f"{(sizes[d] / sizes[1]).item():>12.1e}" for d in AWAY))
factor = {name: ((sizes[20] / sizes[5]) ** (1 / 15)).item() for name, sizes in reached.items()}
print("factor a step  " + ", ".join(f"{name} {value:.2f}" for name, value in factor.items()))
assert factor["RNN"] < 0.8 and factor["LSTM"] < 0.8 and abs(factor["attention"] - 1) < 0.1

# %% id="distance-gradient-figure"
show(
    curves.gradient_distance({name: sizes.tolist() for name, sizes in reached.items()}),
    "gradient_distance",
)

# %% [markdown] id="distance-after" lang="en"
# Between 5 and 20 tokens back the LSTM's factor for a step is above the gate's own 0.5 and 0.95, for to the way along the cell adds that through $h$; with the raised bias the derivative does not fall at all further back. Attention's numbers depend on the random sequences, without a trend. (The figure shows the sizes themselves, the table their ratio to that one token back.)
#
# Ten tokens away, the LSTM's derivative is a few thousandths of what it is one token away. Does that matter for learning? We take the task again, with only two pairs, so that there is little to keep. Between the pairs and the question stand *pauses*, tokens that say nothing: always 0, always 5, always 10 or always 40 of them, in training as in the test. **Predict** the accuracies. (Made beforehand: `course measure recall-distance`, 1,200 batches, three seeds.)
# %% [markdown] id="distance-after" lang="ru"
# На расстоянии от 5 до 20 токенов множитель LSTM за шаг больше самого вентиля, 0.5 и 0.95: к пути по ячейке добавляется путь через $h$; с увеличенным смещением производная дальше и вовсе не убывает. У внимания числа зависят от случайных последовательностей, а тенденции в них нет. (На рисунке — сами величины, в таблице — их отношение к величине на расстоянии в один токен.)
#
# На расстоянии в десять токенов производная у LSTM — несколько тысячных от той, что на расстоянии в один. Важно ли это для обучения? Возьмём ту же задачу, но пар всего две, так что хранить нужно немного. Между парами и вопросом стоят *паузы* — токены, которые ничего не говорят: всегда 0, всегда 5, всегда 10 или всегда 40, при обучении и при проверке одинаково. **Предскажите** доли верных ответов. (Посчитано заранее: `course measure recall-distance`, 1200 батчей, по три запуска.)
# %% id="distance-table"
apart = recorded("recall-distance")["rows"]


def learned(kind, pauses, forget=None):
    """The recorded figures of the three seeds."""
    return [
        r["right"]
        for r in apart
        if (r["kind"], r["pauses"], r.get("forget")) == (kind, pauses, forget)
    ]


print("pauses          " + "".join(f"{pauses:>20}" for pauses in recall.PAUSES))
for kind in ("LSTM", "attention"):
    print(
        f"{kind:<16}"
        + "".join(f"{'  '.join(f'{a:.2f}' for a in learned(kind, p)):>20}" for p in recall.PAUSES)
    )
farthest = recall.PAUSES[-1]
print(
    f"{'LSTM, b_f = 3':<16}"
    + f"{'  '.join(f'{a:.2f}' for a in learned('LSTM', farthest, 3.0)):>80}"
)

# %% id="distance-figure"
show(
    curves.recall_distance(
        {kind: {p: learned(kind, p) for p in recall.PAUSES} for kind in ("LSTM", "attention")}
        | {"LSTM, b_f = 3": {farthest: learned("LSTM", farthest, 3.0)}}
    ),
    "recall_distance",
)

# %% [markdown] id="distance-found" lang="en"
# With forty pauses the LSTM has learned *nothing*: it guesses, after 1,200 batches. Attention learns at every distance alike.
#
# But look what follows. The last line of the table is the same LSTM with the raised bias of the forget gate (Jozefowicz et al., 2015 recommend to begin with 1; we take 3). The gradient arrives, and learning starts: right in 0.56 of the cases, as one is who knows the two values and not which of them belongs to the key: half of the time the right one is named, and otherwise the other, which is the same number in one case of eight ($\tfrac12 + \tfrac12 \cdot \tfrac18 = \tfrac{9}{16}$). (A gradient that arrives is needed, then, and not enough: which value belongs to which key it has not learned in this time.) And here is the LSTM as it was, trained with 0 to 20 pauses *mixed*, and tested with up to 80, which it has never met (1,200 batches, the mean of three seeds):
# %% [markdown] id="distance-found" lang="ru"
# При сорока паузах LSTM не научилась *ничему*: после 1200 батчей она гадает. Внимание одинаково учится на любом расстоянии.
#
# Но посмотрите, что дальше. Последняя строка таблицы — та же LSTM с увеличенным смещением вентиля забывания (Jozefowicz et al., 2015 советуют начинать с 1; мы берём 3). Градиент доходит, и обучение начинается: доля верных ответов — 0.56, как у того, кто знает оба значения, но не знает, какое из них при ключе: в половине случаев он назовёт нужное, а в остальных — другое, и в одном случае из восьми оно такое же ($\tfrac12 + \tfrac12 \cdot \tfrac18 = \tfrac{9}{16}$). (Значит, градиент, который доходит, необходим, но не достаточен: какое значение при каком ключе, за это время она не выучила.) А вот прежняя LSTM, но число пауз при обучении *разное*, от 0 до 20; проверяем её и на 80 паузах, которых она никогда не видела (1200 батчей, среднее трёх запусков):
# %% id="beyond-table"
beyond = recorded("recall-beyond")["rows"]
print("trained with 0 to 20 pauses, tested with " + "".join(f"{p:>7}" for p in recall.BEYOND))
for kind in ("RNN", "LSTM", "attention"):
    found = [mean(r[f"{p} pauses"] for r in beyond if r["kind"] == kind) for p in recall.BEYOND]
    print(f"{kind:<41}" + "".join(f"{share:>7.2f}" for share in found))

# %% [markdown] id="beyond-after" lang="en"
# Eighty pauses cost it next to nothing. Short distances have presumably taught the forget gate to stay near 1 while nothing is said, and then the cell fades slowly. Even the plain RNN is right as often after 80 pauses as after 10, though only in about half of the cases: it has not learned to tell the two pairs apart. So "forgets over distance" is not what happened to anything that was once learned here. Distance makes it hard to *learn* to remember, and the more there is to keep, the worse it goes. Attention shows 1.00 in both tables, whatever it was trained with (it has no positions, so that was to be expected).
# %% [markdown] id="beyond-after" lang="ru"
# Восемьдесят пауз ей почти нипочём. Видимо, короткие расстояния научили вентиль забывания держаться около 1, пока ничего не происходит, и тогда содержимое ячейки затухает медленно. Даже простая RNN после 80 пауз отвечает верно так же часто, как после 10, — правда, лишь примерно в половине случаев: различать две пары она не научилась. Значит, того, что однажды выучено, расстояние здесь не отнимает. Трудно *научиться* помнить на большом расстоянии, и тем хуже идёт дело, чем больше нужно хранить. У внимания в обеих таблицах 1.00, на чём бы его ни обучали (позиций у него нет, так что этого и следовало ждать).
# %% [markdown] id="claim-text" lang="en"
# The first of the eight statements of the notes:
# %% [markdown] id="claim-text" lang="ru"
# Первое из восьми утверждений конспекта:
# %% id="claim-memory"
lost = max(learned("LSTM", farthest))
claim(
    "0.8",
    holds=lstm_by_pairs[0] > lstm_by_pairs[-1] + 0.3
    and lost < 0.2
    and min(min(learned("attention", p)) for p in recall.PAUSES) > 0.99,
    measured=f"LSTM right {lstm_by_pairs[0]:.2f} … {lstm_by_pairs[-1]:.2f} for 2 … 16 pairs; trained only behind {farthest} pauses {lost:.2f} at best; attention 1.00 everywhere",
)

# %% [markdown] id="chain" lang="en"
# ## 7. Who has to wait
#
# A computer with a thousand processors does a thousand multiplications at once, if none of them needs the result of another. What limits it then is not the amount of work but the longest chain of steps each of which waits for the one before. We let a counter look for it: a `ChainCounter` watches every operation that PyTorch executes, gives its result the number 1 + (the largest number among its inputs), and keeps the largest of all. A matrix product counts as one step. **Predict:** how does the chain grow with $T$ for the RNN, the LSTM, one layer of attention, and a whole encoder block? A *block* (lesson 06) is attention, whose results go through one more matrix, the output projection, and then a *feed-forward layer*: two matrices with a simple function between them, applied to each token by itself; around both there are additions and a rescaling of each vector. Attention in a block is divided into *heads* (lesson 04), which look independently, each with a part of the numbers.
# %% [markdown] id="chain" lang="ru"
# ## 7. Кому приходится ждать
#
# Компьютер с тысячей процессоров выполнит тысячу умножений сразу, если ни одному из них не нужен результат другого. Тогда его сдерживает не объём работы, а самая длинная цепочка шагов, каждый из которых ждёт предыдущего. Пусть её найдёт счётчик: `ChainCounter` следит за каждой операцией, которую выполняет PyTorch, присваивает результату номер 1 + (наибольший номер среди входов) и запоминает самый большой. Произведение матриц — один шаг. **Предскажите:** как растёт цепочка с $T$ у RNN, у LSTM, у одного слоя внимания и у целого блока энкодера? *Блок* (урок 06) — это внимание, результат которого умножают ещё на одну матрицу, выходную проекцию, а затем *слой прямого распространения*: две матрицы и простая функция между ними, для каждого токена отдельно; вокруг того и другого — сложения и нормализация каждого вектора. Внимание в блоке разделено на *головы* (урок 04): они смотрят независимо, каждая со своей частью чисел.
# %% id="chain-count"
D = 16
LENGTHS = (8, 16, 32, 64, 128)
layers = {
    "RNN": RNN(D, D, generator=generator(0)),
    "LSTM": LSTM(D, D, generator=generator(0)),
    "attention": SelfAttention(D, D, generator=generator(0)),
    "block": EncoderBlock(D, 4, generator=generator(0)),
}
chains = {}
for name, layer in layers.items():
    chains[name] = []
    for T in LENGTHS:
        x = randn(T, D, seed=T)
        with torch.no_grad(), ChainCounter() as chain:
            layer(x)
        chains[name].append(chain.longest)
print("T           " + "".join(f"{T:>6}" for T in LENGTHS))
for name, longest in chains.items():
    print(f"{name:<12}" + "".join(f"{steps:>6}" for steps in longest))
assert chains["RNN"] == [3 * T + 1 for T in LENGTHS] and chains["LSTM"] == [
    7 * T + 1 for T in LENGTHS
]
assert len(set(chains["attention"])) == len(set(chains["block"])) == 1

# %% [markdown] id="chain-after" lang="en"
# Three steps per token for the RNN (product with $W_h$, sum, tanh) and seven for the LSTM (product, sum, $\sigma$, times $c$, sum, tanh, times $o$), and one more in all, because the first token has to wait for $x_t W_x + b$. Five for attention (projection, scores, division, softmax, weighted sum), and for the block a few dozen, *whatever the length*. (Each block of a stack adds its own chain, so depth is what a transformer waits for. Inside a matrix product or a sum over $T$ numbers there is a chain too, of about $\log_2$ of their number when they are added in pairs; we leave it out. Counted in full, the chain of attention would grow with $\log T$, that of the RNN with $T$.)
#
# But *writing* is another matter than reading. A model that writes a text feeds each token that it has chosen in again, to choose the next (lessons 07 and 08). Here is a tiny GPT that writes *greedily*, always the token with the highest score; its keys and values are kept, so that nothing is computed twice:
# %% [markdown] id="chain-after" lang="ru"
# Три шага на токен у RNN (произведение с $W_h$, сумма, tanh), семь у LSTM (произведение, сумма, $\sigma$, умножение на $c$, сумма, tanh, умножение на $o$) и ещё один на всё, потому что первый токен ждёт $x_t W_x + b$. Пять у внимания (проекция, оценки, деление, softmax, взвешенная сумма), а у блока — несколько десятков, *какой бы ни была длина*. (Каждый блок стопки добавляет свою цепочку, так что ждёт трансформер из-за глубины. Внутри произведения матриц и внутри суммы $T$ чисел тоже есть цепочка, длиной около $\log_2$ их числа, если складывать попарно; мы её опускаем. Если считать всё, цепочка внимания растёт как $\log T$, а у RNN — как $T$.)
#
# Но *писать* — не то же, что читать. Модель, которая пишет текст, подаёт каждый выбранный токен обратно на вход, чтобы выбрать следующий (уроки 07 и 08). Вот крошечная GPT, которая пишет *жадно* (greedily), то есть каждый раз берёт токен с наибольшей оценкой; ключи и значения она хранит, так что дважды ничего не вычисляется:
# %% id="chain-writing"
# a vocabulary of 11 tokens, at most 64 of them, vectors of D, 4 heads, 1 block
writer = GPT(11, 64, D, 4, 1, generator=generator(0))


def write(count):
    """The greedy continuation of one token by so many."""
    cache = writer.start(1)
    token = torch.zeros(1, 1, dtype=torch.long)
    for _ in range(count):
        token = writer.step(token, cache)[:, -1].argmax(dim=-1, keepdim=True)


reading, writing = [], []
for T in (8, 16, 32):
    with torch.no_grad(), ChainCounter() as chain:
        writer(torch.zeros(1, T, dtype=torch.long))
    reading.append(chain.longest)
    with torch.no_grad(), ChainCounter() as chain:
        write(T)
    writing.append(chain.longest)
print("T             8    16    32")
print("reads   " + "".join(f"{steps:>6}" for steps in reading))
print("writes  " + "".join(f"{steps:>6}" for steps in writing))
assert len(set(reading)) == 1 and writing[2] - writing[1] == 2 * (writing[1] - writing[0]) > 0
claim(
    "0.6",
    holds=chains["block"][0] == chains["block"][-1]
    and chains["RNN"][-1] == 3 * 128 + 1
    and writing[2] > 3 * writing[0],
    measured=f"longest chain for T = 8 and 128: RNN {chains['RNN'][0]} and {chains['RNN'][-1]}, LSTM {chains['LSTM'][0]} and {chains['LSTM'][-1]}, block {chains['block'][0]} and {chains['block'][-1]}; GPT writes 8 and 32 tokens in {writing[0]} and {writing[2]}",
)

# %% id="chain-figure"
show(curves.chain_lengths(LENGTHS, chains), "chain_lengths")

# %% [markdown] id="timing-text" lang="en"
# Reading takes the same few dozen steps for 8 tokens and for 32, writing takes 52 for each token. So the advantage is one of training, where the whole text is there from the start, and of reading a prompt, the text that is given before the model begins to write (this phase is called *prefill*); it is not one of writing. Whether it shows in seconds depends on the machine. The next cell is the only one of this lesson whose output is not compared when the course is validated; run it on your machine. (On a processor with few cores a short chain is of little use, for there is little to be done at once, and at $T = 1024$ attention may even be slower, having more work: section 8. It takes a device that does much at once, such as a graphics card.)
# %% [markdown] id="timing-text" lang="ru"
# Чтение занимает одни и те же несколько десятков шагов и для 8 токенов, и для 32, а генерация — по 52 на каждый токен. Значит, выигрыш — в обучении, где весь текст есть с самого начала, и в чтении промпта, то есть текста, который дан до начала генерации (этот этап называют *prefill*), но не в самой генерации. Видно ли это в секундах, зависит от машины. Следующая ячейка — единственная в уроке, чей вывод не сверяется при проверке курса; запустите её у себя. (На процессоре с несколькими ядрами от короткой цепочки мало толку: параллельно там можно сделать немногое, а при $T = 1024$ внимание может оказаться и медленнее, потому что работы у него больше (раздел 8). Нужно устройство, которое много делает одновременно, например видеокарта.)
# %% id="timing" tags=["nbval-ignore-output"]
# Not compared by validation: seconds differ between machines.
import time

device = "cuda" if torch.cuda.is_available() else "cpu"


def milliseconds(function, *arguments, repeat=3):
    best = math.inf
    for _ in range(repeat + 1):  # the first run warms up
        begin = time.perf_counter()
        function(*arguments)
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - begin)
    return 1000 * best


old = nn.LSTM(128, 128, batch_first=True, device=device)
new = nn.MultiheadAttention(128, 4, batch_first=True, device=device)
with torch.no_grad():
    print("    T   nn.LSTM   nn.MultiheadAttention   (ms, float32, forward)")
    for T in (64, 256, 1024):
        x = randn(1, T, 128, seed=T).float().to(device)
        attend = lambda x: new(x, x, x, need_weights=False)  # noqa: E731
        print(f"{T:>5} {milliseconds(old, x):>9.2f} {milliseconds(attend, x):>23.2f}")

# %% [markdown] id="cost" lang="en"
# ## 8. What it costs
#
# "Transformers are cheap", say the notes; "attention is quadratic", say others. Both are about the same products. For $T$ tokens of $D$ numbers, counted in multiply-adds (one multiplication and one addition):
#
# | part | multiply-adds | why |
# |---|---|---|
# | attention: scores and weighted sum | $2 T^2 D$ | $T^2$ dot products of $D$ numbers, and $T$ sums of $T$ values |
# | attention: its four projections | $4 T D^2$ | queries, keys, values and the output, each a $D \times D$ matrix |
# | feed-forward layer, $4D$ wide | $8 T D^2$ | two matrices, $D \times 4D$ and back |
# | LSTM | $8 T D^2$ | three gates and the candidate, each with a matrix for $x_t$ and one for $h_{t-1}$ |
# | plain RNN | $2 T D^2$ | one such pair of matrices |
#
# An attention layer is thus cheaper than an LSTM as long as $2T^2D + 4TD^2 < 8TD^2$, that is, while $T < 2D$; its scores and sum alone while $T < 4D$. (*Attention* is here that of a block, with the output projection. Its division into heads leaves the multiply-adds as many. Equal is the size of the vectors; the LSTM then has twice as many weights as attention. With equally many weights attention costs more at every length: exercise 12.4.) A whole block, the first three rows together, $2T^2D + 12TD^2$, is never cheaper than one LSTM layer: the products that do not grow with $T^2$ alone cost more, $12TD^2$ against $8TD^2$. We count, to see whether the formulas are what really runs (an `OperationCounter` adds up the multiply-adds of every matrix product):
# %% [markdown] id="cost" lang="ru"
# ## 8. Сколько это стоит
#
# «Трансформеры дёшевы», — говорится в конспекте; «внимание квадратично», — говорят другие. Речь об одних и тех же произведениях. Для $T$ токенов по $D$ чисел, в умножениях-сложениях (одно умножение и одно сложение):
#
# | часть | умножений-сложений | почему |
# |---|---|---|
# | внимание: оценки и взвешенная сумма | $2 T^2 D$ | $T^2$ скалярных произведений по $D$ чисел и $T$ сумм по $T$ значений |
# | внимание: четыре проекции | $4 T D^2$ | запросы, ключи, значения и выход, каждый раз матрица $D \times D$ |
# | слой прямого распространения шириной $4D$ | $8 T D^2$ | две матрицы: $D \times 4D$ и обратно |
# | LSTM | $8 T D^2$ | три вентиля и кандидат, у каждого матрица для $x_t$ и матрица для $h_{t-1}$ |
# | простая RNN | $2 T D^2$ | одна такая пара матриц |
#
# Значит, слой внимания дешевле LSTM, пока $2T^2D + 4TD^2 < 8TD^2$, то есть пока $T < 2D$, а одни оценки с суммой — пока $T < 4D$. (*Внимание* здесь — то, что стоит в блоке, вместе с выходной проекцией; деление на головы числа умножений-сложений не меняет. Одинаков размер векторов; весов у LSTM тогда вдвое больше, чем у внимания. При равном числе весов внимание дороже при любой длине: упражнение 12.4.) Целый блок, первые три строки вместе, $2T^2D + 12TD^2$, никогда не дешевле одного слоя LSTM: одни только произведения без $T^2$ в нём стоят больше, $12TD^2$ против $8TD^2$. Посчитаем, чтобы убедиться, что формулы — это то, что выполняется на самом деле (`OperationCounter` складывает умножения-сложения каждого произведения матриц):
# %% id="cost-count"
parts = {}
for T in (16, 32, 64, 128):
    x = randn(T, D, seed=T)
    with torch.no_grad():
        for name, run in {
            "scores and sum": lambda x=x: scaled_dot_product_attention(x, x, x),
            "attention": lambda x=x: layers["block"].attention(x),
            "block": lambda x=x: layers["block"](x),
            "LSTM": lambda x=x: layers["LSTM"](x),
            "RNN": lambda x=x: layers["RNN"](x),
        }.items():
            with OperationCounter() as counter:
                run()
            parts.setdefault(name, {})[T] = counter.matmul
print(f"D = {D}, multiply-adds counted")
print("T              " + "".join(f"{T:>10}" for T in parts["LSTM"]))
for name, counted in parts.items():
    print(f"{name:<15}" + "".join(f"{n:>10}" for n in counted.values()))
for T in parts["LSTM"]:
    costs = course_costs(T, D)
    assert parts["LSTM"][T] == costs["LSTM"] == 8 * T * D**2
    assert parts["scores and sum"][T] == 2 * T**2 * D
    assert parts["attention"][T] == 2 * T**2 * D + 4 * T * D**2
    assert parts["block"][T] == 2 * T**2 * D + 12 * T * D**2 and parts["RNN"][T] == 2 * T * D**2
crossing = {
    name: T
    for name in ("attention", "scores and sum")
    for T in parts["LSTM"]
    if parts[name][T] == parts["LSTM"][T]
}
print(
    f"equal to the LSTM: attention at T = {crossing['attention']}, its scores and sum alone at T = {crossing['scores and sum']}"
)

# %% id="cost-figure"
longer = (16, 32, 64, 128, 256, 512, 1024)
show(
    curves.cost_crossings(
        64,
        longer,
        {name: [course_costs(T, 64)[name] for T in longer] for name in parts},
        {("attention", "LSTM"): 2 * 64, ("scores and sum", "LSTM"): 4 * 64},
    ),
    "cost_crossings",
)

# %% [markdown] id="cost-after" lang="en"
# The orders of growth, $O(T^2 D)$ and $O(T D^2)$ (up to a constant factor, that is), are right, and tell less than the numbers. In a block the quadratic part has the share $2T^2D / (2T^2D + 12TD^2) = T / (T + 6D)$: with $D = 4096$ that is 8 % at 2048 tokens, a quarter at 8192, a half at $6D$. As long as texts are short, nearly all the cost of a transformer is in its projections and feed-forward layers, which grow in a straight line. A hundred thousand tokens are another thing. Whether that is "low" depends on $T$ and $D$, so try it:
# %% [markdown] id="cost-after" lang="ru"
# Порядки роста, $O(T^2 D)$ и $O(T D^2)$ (то есть с точностью до постоянного множителя), верны, но говорят меньше, чем числа. Доля квадратичной части в блоке — $2T^2D / (2T^2D + 12TD^2) = T / (T + 6D)$: при $D = 4096$ это 8 % на 2048 токенах, четверть на 8192, половина на $6D$. Пока тексты коротки, почти вся стоимость трансформера приходится на проекции и слои прямого распространения, а она растёт линейно. Сто тысяч токенов — другое дело. Мала ли стоимость, зависит от $T$ и $D$; попробуйте сами:
# %% id="cost-explorer"
explore_costs()

# %% id="claim-cost"
claim(
    "0.7",
    holds=crossing == {"attention": 2 * D, "scores and sum": 4 * D},
    measured=f"D = {D}: attention costs as much as an LSTM at T = {crossing['attention']}, its scores and sum alone at T = {crossing['scores and sum']}; counted, equal to 2T²D + 4TD² and 8TD²",
)


# %% [markdown] id="share" lang="en"
# ## 9. Nearly all of it is matrix products
#
# Why do transformers and graphics cards go so well together? Because a large matrix product uses each number that it has fetched from memory many times, and hardware has been built for it. How much of a transformer's work is of this kind? PyTorch's own counter of operations cannot tell: it knows only matrix products and their like, so their share is 100 % whatever the network. Our `WorkCounter` sees every operation and is told what each costs (one for each number of a sum or a tanh, five for each that goes through softmax); one that it does not know is an error. A multiply-add counts as two operations here. First a check that it *can* show a small share: a sum of two tensors.
# %% [markdown] id="share" lang="ru"
# ## 9. Почти всё — произведения матриц
#
# Почему трансформерам так хорошо на видеокартах? Большое произведение матриц использует каждое прочитанное из памяти число много раз, и оборудование строят под него. Какая часть работы трансформера именно такова? Собственный счётчик операций PyTorch не ответит: он знает только матричные произведения и им подобные, и их доля у него 100 %, какую сеть ни возьми. Наш `WorkCounter` видит каждую операцию и знает, сколько она стоит (сложение или tanh — одна на каждое число, softmax — пять); незнакомая операция — ошибка. Умножение-сложение здесь считается за две операции. Сначала убедимся, что малую долю он показать *может*: вот сумма двух тензоров.
# %% id="share-count"
def share(run):
    """The share of matrix products in all floating-point operations of a computation."""
    with WorkCounter() as work:
        run()
    return work.share


x = randn(64, D, seed=1)
print(f"sum of two tensors   {share(lambda: x + x):.3f}")
print(f"RNN, D = 16          {share(lambda: layers['RNN'](x)):.3f}")
print()
print("block, T = 64        reading   with gradients")
WIDTHS = (16, 32, 64, 128, 256, 512)
shares = []
for width in WIDTHS:
    block = EncoderBlock(width, 4, generator=generator(0))
    x = randn(64, width, seed=width)
    with torch.no_grad():
        shares.append(share(lambda block=block, x=x: block(x)))
    both = share(lambda block=block, x=x: block(x)[0].mean().backward())
    print(f"D = {width:<4}             {shares[-1]:.3f}   {both:.3f}")
claim(
    "0.5",
    holds=shares == sorted(shares) and shares[0] < 0.9 and shares[-1] > 0.99,
    measured=f"share of matrix products in a block, T = 64: {shares[0]:.3f} at D = {WIDTHS[0]}, {shares[2]:.3f} at D = {WIDTHS[2]}, {shares[-1]:.3f} at D = {WIDTHS[-1]}",
)

# %% id="share-figure"
show(curves.matmul_share(WIDTHS, shares), "matmul_share")

# %% [markdown] id="share-after" lang="en"
# The RNN's share is even larger than that of a block of the same width, so the share alone tells nothing. What the RNN lacks are *large* products: $h_{t-1} W_h$ takes one vector of each sequence at a time and fetches the whole matrix anew for each token, where the block multiplies all tokens at once.
#
# The wider the model, the larger the share: per token the projections and the feed-forward layer grow with $D^2$, all the rest at most with $D$. (A longer text lowers it: the softmax takes $T^2$ numbers for each head.) That share is of *operations*, not of time. Elementwise operations are few, but each fetches its numbers from memory for a single operation, so in time they weigh more than here; that is why fast implementations *fuse* several of them into one pass over the memory.
# %% [markdown] id="share-after" lang="ru"
# У RNN доля даже больше, чем у блока той же ширины, так что сама по себе доля ни о чём не говорит. RNN не хватает *больших* произведений: $h_{t-1} W_h$ берёт по одному вектору от каждой последовательности и на каждом токене читает всю матрицу заново, а блок умножает все токены сразу.
#
# Чем шире модель, тем больше доля: на токен проекции и слой прямого распространения растут как $D^2$, всё остальное — не быстрее $D$. (Чем длиннее текст, тем доля меньше: softmax обрабатывает $T^2$ чисел на каждую голову.) Это доля *операций*, а не времени. Поэлементных операций мало, но каждая читает числа из памяти ради одного действия, так что по времени они весят больше, чем здесь; поэтому быстрые реализации объединяют несколько таких операций в один проход по памяти (fusion).

# %% [markdown] id="one-block" lang="en"
# ## 10. One block, other kinds of data
#
# The block that was made for text can read anything that can be cut into tokens. A picture is cut into *patches*, squares of pixels; that is a Vision Transformer (Dosovitskiy et al., 2021). A time series is a token per value. What changes is how a token becomes a vector, and what is read out at the end; between them stands the unchanged `EncoderBlock(32, 4)` of lesson 06. Since the sum of attention does not know the order of its tokens, a learned vector for each place, its *position*, is added to each token's vector (lesson 05); at the end the block's vectors are averaged, and one matrix makes the answer of the mean. We measure pictures and a series here; text is the matter of the other lessons.
# %% [markdown] id="one-block" lang="ru"
# ## 10. Один блок, другие виды данных
#
# Блок, придуманный для текста, прочтёт всё, что можно нарезать на токены. Картинку режут на *патчи* (patches) — квадраты из пикселей; так устроен Vision Transformer (Dosovitskiy et al., 2021). Во временном ряду токен — каждое значение. Меняется лишь то, как токен становится вектором и что получают на выходе; между ними стоит один и тот же `EncoderBlock(32, 4)` из урока 06. Взвешенная сумма не зависит от порядка токенов, поэтому к вектору каждого токена прибавляют обучаемый вектор его места — *позицию* (урок 05); в конце векторы блока усредняют, и одна матрица делает из среднего ответ. Здесь мы испытаем блок на картинках и на временном ряде; тексту посвящены остальные уроки.
# %% id="one-block-figure"
show(drawings.one_block_three_tasks(), "one_block_three_tasks")

# %% id="one-block-patches"
data = one_block.digits()
picture = data.inputs[0]
show(drawings.picture_patches(picture.numpy()), "picture_patches")

# %% [markdown] id="one-block-run" lang="en"
# The pictures are handwritten digits of 8 × 8 pixels, 1,297 to learn from and 500 for the test. Beside the block stands a small convolutional network (CNN; LeCun et al., 1998), which is built for pictures: it slides small windows over the pixels, so it knows from the start what the block has to learn, that neighbours belong together and that a stroke is the same stroke one pixel to the left. The series is a solution of the equation of Mackey and Glass (1977), a chaotic one: from 32 values, the value 12 steps later is to be foretold. Beside the block stands an LSTM. On both sides stands a linear model too, to see whether there is anything to learn: one matrix from the pixels to the ten scores, and a linear regression on the 32 values. The networks have equally many weights, as nearly as their sizes allow. The error is the share of wrong digits (guessing: 0.90), and for the series the root mean squared error in units of the series' standard deviation (who always says the mean: about 1). We train the block on the digits here, 300 steps; the table has longer training and three seeds (`course measure one-block`).
# %% [markdown] id="one-block-run" lang="ru"
# Картинки — рукописные цифры, 8 × 8 пикселей; 1297 для обучения и 500 для проверки. Рядом с блоком — маленькая свёрточная сеть (CNN; LeCun et al., 1998), которая для картинок и создана: она водит по пикселям маленьким окном и потому с самого начала знает то, чему блоку ещё учиться: что соседи связаны и что штрих остаётся тем же штрихом, если сдвинуть его на пиксель. Ряд — решение уравнения Мэки — Гласса (Mackey & Glass, 1977), хаотическое: по 32 значениям нужно предсказать то, что будет через 12 шагов. Рядом с блоком — LSTM. И там и тут есть ещё линейная модель, чтобы видеть, есть ли чему учиться: одна матрица из пикселей в десять оценок и линейная регрессия по 32 значениям. Весов у сетей поровну — настолько, насколько позволяют их размеры. Ошибка — доля неверных цифр (наугад — 0.90), а для ряда — корень из среднего квадрата ошибки (RMSE) в единицах стандартного отклонения ряда (кто всегда называет среднее, получит около 1). Здесь мы обучим блок на цифрах, 300 шагов; в таблице обучение дольше, по три запуска (`course measure one-block`).
# %% id="one-block-live"
reader = one_block.model("digits", "block", seed=0)
cut, cut_test = (one_block.patches(part) for part in (data.inputs, data.test_inputs))
one_block.train(reader, cut, data.targets, F.cross_entropy, steps=300)
with torch.no_grad():
    wrong = one_block.error("digits", reader(cut_test), data.test_targets)
print(
    f"one block, 300 steps: {cut.shape[1]} tokens of {cut.shape[2]} numbers, wrong {wrong:.2f} (guessing 0.90)"
)
assert wrong < 0.2

# %% id="one-block-table"
recorded_blocks = recorded("one-block")["rows"]
straight = one_block.linear_error(one_block.windows())
regression = LogisticRegression(max_iter=5000)  # one matrix from the pixels to the scores
regression.fit(data.inputs.flatten(1).numpy(), data.targets.numpy())
pixels = 1 - regression.score(data.test_inputs.flatten(1).numpy(), data.test_targets.numpy())
NAMES = {
    ("digits", "block"): "block",
    ("digits", "rival"): "CNN",
    ("series", "block"): "block",
    ("series", "rival"): "LSTM",
}
margins = {"digits": {}, "series": {}}
print("              weights   error of the three seeds     mean")
for (task, which), name in NAMES.items():
    errors = [r["error"] for r in recorded_blocks if (r["task"], r["which"]) == (task, which)]
    margins[task][name] = errors
    weights = recall.size(one_block.model(task, which, 0))
    print(
        f"{task:<7}{name:<7}{weights:>6}   {'  '.join(f'{e:.3f}' for e in errors):>24}   {mean(errors):.4f}"
    )
print(f"digits linear    650   {pixels:>24.3f}   {pixels:.4f}")
print(f"series linear     33   {straight:>24.3f}   {straight:.4f}")
claim(
    "0.1",
    holds=mean(margins["digits"]["CNN"]) < pixels < mean(margins["digits"]["block"]) < 0.1
    and mean(margins["series"]["block"]) < straight / 4,
    measured=f"wrong digits {mean(margins['digits']['block']):.3f}, CNN {mean(margins['digits']['CNN']):.3f}, linear {pixels:.3f}; series, root mean squared error {mean(margins['series']['block']):.3f}, LSTM {mean(margins['series']['LSTM']):.3f}, linear {straight:.3f}",
)

# %% id="one-block-margins"
margins["digits"]["linear"], margins["series"]["linear"] = [pixels], [straight]
show(curves.block_margins(margins), "block_margins")

# %% [markdown] id="one-block-after" lang="en"
# On these small pictures the block does not even reach the linear model, and the CNN makes a third of its mistakes. The knowledge built into the CNN is worth a great deal when there are 1,297 pictures to learn from; section 13 says what becomes of this lead when there are a great many more. On the series the block and the LSTM are both a great deal better than the linear regression, and the block is not behind, in the LSTM's own field. (Of time it knows only what the learned positions tell it; at the end it just averages the tokens.)
#
# So much for "a good baseline for any task": two tasks cannot show *any*, and one of the two speaks against it. What they show is that one part, unchanged, *learns* data of quite different kinds. Whether it is a good beginning depends on how much data there is.
# %% [markdown] id="one-block-after" lang="ru"
# На этих маленьких картинках блок уступает даже линейной модели, а CNN ошибается втрое реже него. Встроенное в CNN знание дорогого стоит, когда картинок для обучения всего 1297; что остаётся от этого преимущества, когда их во много раз больше, сказано в разделе 13. На временном ряду и блок, и LSTM намного точнее линейной регрессии, и блок не отстаёт, хотя временные ряды — задача как раз для LSTM. (О времени он знает только через обучаемые позиции, а на выходе просто усредняет токены.)
#
# Это к словам «хорошее базовое решение для любой задачи»: на двух задачах *любую* не показать, и одна из двух говорит против. Видно другое: одна и та же часть без переделок *учится* на данных совсем разного рода. Хорошее ли это начало, зависит от того, сколько данных.
# %% [markdown] id="later" lang="en"
# ## 11. Where the road leads
#
# Three more things are said of transformers, and [lesson 08](08_bert_vs_gpt.ipynb) measures them, when there is a BERT and a GPT to measure: that a *pre-trained* one, which has learned from much text without labels, is easy to *fine-tune*, to train a little further on few labels (statement 0.2), that more width or depth gives better quality (0.3; lesson 06 has a first look), and that longer pre-training puts more knowledge into the model, which transfer reuses (0.4). They stand in the table at the end.
#
# Until then each lesson builds one part of the machine. Each part of the map opens its lesson; along the arrows stand the shapes of what flows, $T$ tokens of $D$ numbers each. You need not know the words in the boxes yet.
# %% [markdown] id="later" lang="ru"
# ## 11. Куда ведёт дорога
#
# О трансформерах говорят ещё три вещи, и измерит их [урок 08](08_bert_vs_gpt.ipynb), когда будут BERT и GPT: что *предобученный* трансформер, который уже учился на большом тексте без разметки, легко *дообучить* — продолжить обучение на немногих размеченных примерах (утверждение 0.2), что бо́льшая ширина или глубина даёт лучшее качество (0.3; первый взгляд — в уроке 06) и что чем дольше предобучение, тем больше в модели знаний, которые потом пригодятся в другой задаче (0.4). Они есть в таблице в конце урока.
#
# А пока каждый урок собирает одну часть машины. Любая часть карты открывает свой урок; у стрелок написаны формы того, что по ним течёт: $T$ токенов по $D$ чисел. Слова в прямоугольниках знать пока не обязательно.
# %% id="later-map"
explore_course_map(here=0)


# %% [markdown] id="exercises" lang="en"
# ## 12. Exercises
#
# Replace the line with `raise` and run the cell; in the last exercise mend what stands there. The check says what is wrong, not how to mend it. Until an exercise is solved the lesson goes on with a reference answer.
#
# ### 12.1 A plain recurrent layer
#
# `x` is a sequence of shape $(T, d_{in})$, `W_x` has the shape $(d_{in}, d_{state})$, `W_h` $(d_{state}, d_{state})$ and `b` $(d_{state},)$. Without looking back at section 3: return the states $h_1, \dots, h_T$ as one tensor of shape $(T, d_{state})$, where $h_t = \tanh(x_t W_x + h_{t-1} W_h + b)$ and $h_0 = 0$. Gradients have to find their way back from the last state to the first token. None of the tensors may be changed.
# %% [markdown] id="exercises" lang="ru"
# ## 12. Упражнения
#
# Замените строку с `raise` и запустите ячейку; в последнем упражнении исправьте то, что там стоит. Проверка скажет, что неверно, но не подскажет, как исправить. Пока упражнение не решено, урок продолжается с эталонным ответом.
#
# ### 12.1 Простой рекуррентный слой
#
# `x` — последовательность формы $(T, d_{in})$; у `W_x` форма $(d_{in}, d_{state})$, у `W_h` — $(d_{state}, d_{state})$, у `b` — $(d_{state},)$. Не заглядывая в раздел 3: верните состояния $h_1, \dots, h_T$ одним тензором формы $(T, d_{state})$, где $h_t = \tanh(x_t W_x + h_{t-1} W_h + b)$ и $h_0 = 0$. Градиент должен доходить от последнего состояния до первого токена. Сами тензоры менять нельзя.
# %% id="ex-rnn" tags=["exercise"]
def rnn(x, W_x, W_h, b):
    raise NotImplementedError  # your code


rnn = check("rnn", rnn)

# %% [markdown] id="ex-rnn-solution" lang="en"
# <details><summary>Hint</summary>
#
# A loop over the rows of `x`, and one variable that outlives each turn of it. What has to be in that variable before the first turn, and what after it? `torch.stack` makes one tensor of a list of vectors.
#
# </details>
# <details><summary>Solution</summary>
#
# The product `x @ W_x` does not wait for anything and could be computed for all tokens at once; the loop is there because of `h @ W_h` alone.
#
# ```python
# def rnn(x, W_x, W_h, b):
#     h = torch.zeros_like(b)
#     states = []
#     for token in x:
#         h = torch.tanh(token @ W_x + h @ W_h + b)
#         states.append(h)
#     return torch.stack(states)
# ```
#
# </details>
# %% [markdown] id="ex-rnn-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Цикл по строкам `x` и одна переменная, которая сохраняется от одной итерации к другой. Что должно в ней лежать до первой итерации и что — после? `torch.stack` делает из списка векторов один тензор.
#
# </details>
# <details><summary>Решение</summary>
#
# Произведение `x @ W_x` ничего не ждёт, его можно вычислить сразу для всех токенов; цикл нужен только из-за `h @ W_h`.
#
# ```python
# def rnn(x, W_x, W_h, b):
#     h = torch.zeros_like(b)
#     states = []
#     for token in x:
#         h = torch.tanh(token @ W_x + h @ W_h + b)
#         states.append(h)
#     return torch.stack(states)
# ```
#
# </details>


# %% [markdown] id="ex-lstm-step-text" lang="en"
# ### 12.2 One step of an LSTM
#
# A state and a cell of $d$ numbers each. `inner` is $x_t W_x + b$, already computed, of shape $(4d,)$; `h` and `c` are $h_{t-1}$ and $c_{t-1}$, both $(d,)$; `W_h` has the shape $(d, 4d)$. The four quarters of $x_t W_x + h_{t-1} W_h + b$ belong to $i$, $f$, $g$ and $o$, in this order: the input gate, the forget gate, the candidate and the output gate. The gates go through a sigmoid $\sigma$, the candidate through a tanh; then $c_t = f \odot c_{t-1} + i \odot g$ and $h_t = o \odot \tanh(c_t)$. Return $h_t$ and $c_t$; the given tensors must stay as they are.
# %% [markdown] id="ex-lstm-step-text" lang="ru"
# ### 12.2 Один шаг LSTM
#
# В состоянии и в ячейке по $d$ чисел. `inner` — это уже вычисленное $x_t W_x + b$ формы $(4d,)$; `h` и `c` — это $h_{t-1}$ и $c_{t-1}$, оба формы $(d,)$; у `W_h` форма $(d, 4d)$. Четыре четверти суммы $x_t W_x + h_{t-1} W_h + b$ относятся к $i$, $f$, $g$ и $o$ — в таком порядке: входной вентиль, вентиль забывания, кандидат, выходной вентиль. Вентили проходят через сигмоиду $\sigma$, кандидат — через tanh; затем $c_t = f \odot c_{t-1} + i \odot g$ и $h_t = o \odot \tanh(c_t)$. Верните $h_t$ и $c_t$; переданные тензоры менять нельзя.
# %% id="ex-lstm-step" tags=["exercise"]
def lstm_step(inner, h, c, W_h):
    raise NotImplementedError  # your code


lstm_step = check("lstm-step", lstm_step)

# %% [markdown] id="ex-lstm-step-solution" lang="en"
# <details><summary>Hint</summary>
#
# One matrix product is enough for all four; `z.chunk(4)` cuts a vector into four equal pieces. Which of the four may be negative, and why must the others not be?
#
# </details>
# <details><summary>Solution</summary>
#
# The cell is multiplied by $f$ and added to, and nothing else happens to it: no matrix, no tanh. With $f$ near 1 it comes through many steps as it was, and so does its gradient.
#
# ```python
# def lstm_step(inner, h, c, W_h):
#     i, f, g, o = (inner + h @ W_h).chunk(4)
#     c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
#     return torch.sigmoid(o) * torch.tanh(c), c
# ```
#
# </details>
# %% [markdown] id="ex-lstm-step-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Одного умножения на матрицу хватает на все четыре части; `z.chunk(4)` режет вектор на четыре равных куска. Какая из четырёх частей может быть отрицательной и почему остальным нельзя?
#
# </details>
# <details><summary>Решение</summary>
#
# Ячейку умножают на $f$, к ней прибавляют, и больше с ней ничего не происходит: ни матрицы, ни tanh. Если $f$ близко к 1, она проходит через много шагов почти неизменной, а с ней и градиент.
#
# ```python
# def lstm_step(inner, h, c, W_h):
#     i, f, g, o = (inner + h @ W_h).chunk(4)
#     c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
#     return torch.sigmoid(o) * torch.tanh(c), c
# ```
#
# </details>


# %% [markdown] id="ex-patches-text" lang="en"
# ### 12.3 A picture as a sequence
#
# `pictures` has the shape $(B, \text{height}, \text{width})$, one number for each pixel. Cut every picture into squares (*patches*) of `side` × `side` pixels and return the tokens, $(B, T, \text{side}^2)$: the squares row by row from the top left, and in each the pixels row by row. Where `side` does not divide the height and the width, no pixel may be lost in silence: raise a `ValueError`. `pictures` itself must stay as it is.
# %% [markdown] id="ex-patches-text" lang="ru"
# ### 12.3 Картинка как последовательность
#
# У `pictures` форма $(B, \text{height}, \text{width})$: одно число на пиксель, height — высота, width — ширина. Разрежьте каждую картинку на квадраты (патчи, patches) `side` × `side` пикселей и верните токены, $(B, T, \text{side}^2)$: квадраты идут строка за строкой от левого верхнего, пиксели внутри каждого — тоже строка за строкой. Если высота или ширина не делится на `side`, пиксели не должны теряться молча: вызовите исключение `ValueError`. Сам тензор `pictures` менять нельзя.
# %% id="ex-patches" tags=["exercise"]
def patches(pictures, side):
    raise NotImplementedError  # your code


patches = check("patches", patches)

# %% [markdown] id="ex-patches-solution" lang="en"
# <details><summary>Hint</summary>
#
# Two loops over the top left corners will do. Without loops: `reshape` can split an axis in two, the number of a square and the place inside it, without moving a single number. Which two of the five axes then have to change places before the last `reshape`?
#
# </details>
# <details><summary>Solution</summary>
#
# A lone `reshape` would cut strips: it never changes the order of the numbers, and in memory a square does not lie in one piece. It is `transpose` that changes the order.
#
# ```python
# def patches(pictures, side):
#     B, height, width = pictures.shape
#     if height % side or width % side:
#         raise ValueError(f"{height} × {width} pixels, squares of side {side}")
#     cut = pictures.reshape(B, height // side, side, width // side, side)
#     return cut.transpose(2, 3).reshape(B, -1, side * side)
# ```
#
# </details>
# %% [markdown] id="ex-patches-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Годятся и два цикла по левым верхним углам. А без циклов: `reshape` умеет разделить ось на две — номер квадрата и место внутри него, — не сдвинув ни одного числа. Какие две из пяти осей надо потом поменять местами перед последним `reshape`?
#
# </details>
# <details><summary>Решение</summary>
#
# Один только `reshape` нарезал бы полоски: порядка чисел он никогда не меняет, а в памяти квадрат не лежит одним куском. Порядок меняет `transpose`.
#
# ```python
# def patches(pictures, side):
#     B, height, width = pictures.shape
#     if height % side or width % side:
#         raise ValueError(f"{height} × {width} pixels, squares of side {side}")
#     cut = pictures.reshape(B, height // side, side, width // side, side)
#     return cut.transpose(2, 3).reshape(B, -1, side * side)
# ```
#
# </details>


# %% [markdown] id="ex-layer-costs-text" lang="en"
# ### 12.4 From which length on
#
# One layer reads `T` tokens of `D` numbers. Return three numbers. First, the multiply-adds of attention with one head: four projections by a matrix of $D \times D$ (queries, keys, values and, after the weighted sum, the output), the scores and the weighted sum, all $T^2$ pairs. Second, those of an LSTM whose state has `d_state` numbers, which need not be `D`. Third, the length $T$ at which the two cost the same with this `D` and `d_state`; it does not depend on `T`, need not be whole, and may be 0 or below if there is no such length. A multiplication with the addition that follows counts as one; only matrix products are counted. The feed-forward layer is left out.
# %% [markdown] id="ex-layer-costs-text" lang="ru"
# ### 12.4 Начиная с какой длины
#
# Один слой читает `T` токенов по `D` чисел. Верните три числа. Первое — сколько умножений-сложений стоит внимание с одной головой: четыре проекции матрицами $D \times D$ (запросы, ключи, значения и, после взвешенной суммы, выход), оценки и взвешенная сумма, все $T^2$ пар. Второе — сколько их у LSTM, в состоянии которой `d_state` чисел, не обязательно столько же, сколько `D`. Третье — длина $T$, при которой то и другое стоит одинаково для этих `D` и `d_state`; она не зависит от `T`, не обязана быть целой, а если такой длины нет, может оказаться нулевой или отрицательной. Умножение вместе со следующим за ним сложением считается за одно; считаются только матричные произведения. Слой прямого распространения не учитывается.
# %% id="ex-layer-costs" tags=["exercise"]
def layer_costs(T, D, d_state):
    raise NotImplementedError  # return attention, lstm, length


layer_costs = check("layer-costs", layer_costs)

# %% [markdown] id="ex-layer-costs-solution" lang="en"
# <details><summary>Hint</summary>
#
# A product of an $(a, b)$ and a $(b, c)$ matrix takes $a \cdot b \cdot c$ multiply-adds. Write down the shapes of attention's six products. In the LSTM, how many vectors of the state's size are computed for a token, and from which two vectors? For the length put the two formulas equal, leave out the `T` that stands in every term, and solve for the one that is left.
#
# </details>
# <details><summary>Solution</summary>
#
# With a state as large as a token the costs are equal at $T = 2D$. Without the projections it would be $4D$, and the orders of growth, $T^2 D$ against $T D^2$, would say $D$. If both layers are to have equally many *weights*, the state is so small that $(D + d_{state})\, d_{state} = D^2$; then the length is 0, because the projections alone cost as much as the LSTM, and the pairs of tokens come on top.
#
# ```python
# def layer_costs(T, D, d_state):
#     attention = 4 * T * D * D + 2 * T * T * D
#     lstm = 4 * T * (D + d_state) * d_state
#     return attention, lstm, 2 * (D + d_state) * d_state / D - 2 * D
# ```
#
# </details>
# %% [markdown] id="ex-layer-costs-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Произведение матриц $(a, b)$ и $(b, c)$ требует $a \cdot b \cdot c$ умножений-сложений. Выпишите формы шести произведений внимания. А сколько векторов размера состояния вычисляет LSTM для одного токена и из каких двух векторов? Чтобы найти длину, приравняйте две формулы, сократите на `T`, который стоит в каждом слагаемом, и решите уравнение относительно оставшегося.
#
# </details>
# <details><summary>Решение</summary>
#
# Если состояние того же размера, что и токен, затраты одинаковы при $T = 2D$. Без проекций получилось бы $4D$, а порядки роста, $T^2 D$ против $T D^2$, дали бы $D$. Если же уравнять число *весов*, состояние должно быть меньше: $(D + d_{state})\, d_{state} = D^2$; тогда длина равна 0, потому что столько же, сколько LSTM, стоят уже одни проекции, а пары токенов — сверх того.
#
# ```python
# def layer_costs(T, D, d_state):
#     attention = 4 * T * D * D + 2 * T * T * D
#     lstm = 4 * T * (D + d_state) * d_state
#     return attention, lstm, 2 * (D + d_state) * d_state / D - 2 * D
# ```
#
# </details>


# %% [markdown] id="ex-recall-hunt-text" lang="en"
# ### 12.5 A bug hunt
#
# How well do the two readers remember? `x`, $(B, T, D)$, holds the vectors of $B$ sequences of pairs, each with its question as the last token; `answers`, $(B,)$, the right values. One reader is an LSTM: `lstm` is an `nn.LSTM`, made without any options but its sizes and the type of its numbers, and `read_state` turns its state behind the question, $(B, d_{state})$, into scores for all values. The other is a head of attention with `W_Q`, `W_K` and `W_V`: the question asks, all tokens answer, and `read_found` turns the weighted sums, $(B, d_v)$, into scores. Each of the two functions is called once, for the whole batch, and both are correct. The result should be two numbers, the shares of right answers: that of the LSTM, then that of attention. The code runs, all shapes fit, and it has **four** bugs. Mend them all; the check names the first symptom it meets.
# %% [markdown] id="ex-recall-hunt-text" lang="ru"
# ### 12.5 Охота на ошибки
#
# Насколько хорошо запоминают две сети? В `x` формы $(B, T, D)$ — векторы $B$ последовательностей пар, у каждой последний токен — вопрос; в `answers` формы $(B,)$ — верные значения. Одна сеть — LSTM: `lstm` — это `nn.LSTM`, при создании которой заданы только размеры и тип чисел, а `read_state` превращает её состояние после вопроса, $(B, d_{state})$, в оценки всех возможных ответов. Другая — голова внимания с матрицами `W_Q`, `W_K` и `W_V`: запрос строится по токену вопроса, отвечают все токены, а `read_found` превращает взвешенные суммы, $(B, d_v)$, в оценки ответов. Каждая из двух функций вызывается один раз, сразу для всего батча, и с обеими всё в порядке. Результат — два числа, доли верных ответов: сначала у LSTM, потом у внимания. Код запускается, все формы сходятся, а ошибок в нём **четыре**. Исправьте все; проверка называет первый встреченный симптом.
# %% id="ex-recall-hunt" tags=["exercise", "bug-hunt"]
def recall_shares(x, answers, lstm, W_Q, W_K, W_V, read_state, read_found):
    states, _ = lstm(x)
    query = x[:, -1:] @ W_Q
    scores = query @ (x @ W_K).mT / math.sqrt(W_K.shape[1])
    weights = scores.softmax(dim=1)
    found = (weights @ (x @ W_V))[:, 0]
    shares = []
    for logits in (read_state(states[:, 0]), read_found(found)):
        guess = logits.argmax(dim=-1, keepdim=True)
        shares.append((guess == answers).double().mean().item())
    return shares


recall_shares = check("recall-hunt", recall_shares)

# %% [markdown] id="ex-recall-hunt-solution" lang="en"
# <details><summary>Hint</summary>
#
# Write down the shape of every line for $B = 7$, $T = 5$, and for each axis what it counts. In which order does the documentation of `nn.LSTM` name the axes of its input? Along which of them does the state that is read lie last? How long is the axis over which the softmax runs? And what shape comes of comparing a $(7, 1)$ with a $(7,)$ tensor?
#
# </details>
# <details><summary>Solution</summary>
#
# Without `batch_first=True` PyTorch's LSTM takes the first axis for time: it stepped from one sequence of the batch to the next. The state that was read was that of the first token, which knows the first pair at most, and not the question. The softmax ran over the axis of the queries; there is one query, so every weight was 1. And $(B, 1)$ compared with $(B,)$ broadcasts to $(B, B)$: every guess was held against the answers to all questions, which gives about the share of guessing even to a perfect reader.
#
# ```python
# def recall_shares(x, answers, lstm, W_Q, W_K, W_V, read_state, read_found):
#     states, _ = lstm(x.transpose(0, 1))  # (T, B, d_state)
#     query = x[:, -1:] @ W_Q
#     scores = query @ (x @ W_K).mT / math.sqrt(W_K.shape[1])  # (B, 1, T)
#     weights = scores.softmax(dim=-1)
#     found = (weights @ (x @ W_V))[:, 0]
#     shares = []
#     for logits in (read_state(states[-1]), read_found(found)):
#         guess = logits.argmax(dim=-1)
#         shares.append((guess == answers).double().mean().item())
#     return shares
# ```
#
# </details>
# %% [markdown] id="ex-recall-hunt-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Выпишите для каждой строки форму при $B = 7$, $T = 5$ и для каждой оси — что по ней отсчитывается. В каком порядке документация `nn.LSTM` называет оси входа? По какой из этих осей нужное состояние — последнее? Какой длины ось, по которой идёт softmax? И какой формы получится сравнение тензоров $(7, 1)$ и $(7,)$?
#
# </details>
# <details><summary>Решение</summary>
#
# Без `batch_first=True` LSTM из PyTorch считает временем первую ось: она шагала от одной последовательности батча к другой. Состояние бралось после первого токена, а оно не знает ни пар, ни вопроса. Softmax шёл по оси запросов; запрос один, и все веса были равны 1. А сравнение $(B, 1)$ с $(B,)$ молча расширяется до $(B, B)$: каждый выбор сравнивался с ответами на все вопросы, и даже безошибочная сеть получила бы примерно долю случайного угадывания.
#
# ```python
# def recall_shares(x, answers, lstm, W_Q, W_K, W_V, read_state, read_found):
#     states, _ = lstm(x.transpose(0, 1))  # (T, B, d_state)
#     query = x[:, -1:] @ W_Q
#     scores = query @ (x @ W_K).mT / math.sqrt(W_K.shape[1])  # (B, 1, T)
#     weights = scores.softmax(dim=-1)
#     found = (weights @ (x @ W_V))[:, 0]
#     shares = []
#     for logits in (read_state(states[-1]), read_found(found)):
#         guess = logits.argmax(dim=-1)
#         shares.append((guess == answers).double().mean().item())
#     return shares
# ```
#
# </details>

# %% id="exercises-used"
# Your answers (or the reference ones) on small inputs. Nothing here is trained: the two readers of 12.5 can only
# guess, but their shares must be those that the course's own model computes.
x = torch.randn(12, 3, generator=torch.Generator().manual_seed(121), dtype=torch.float64)
layer = RNN(3, 4, generator=torch.Generator().manual_seed(122))
with torch.no_grad():
    states = rnn(x, layer.W_x, layer.W_h, layer.b)
    same = (states - to_torch(layer)(x)[0]).abs().max() <= 1e-9
print("12.1:", states[-1], "as PyTorch's:", bool(same))
layer = LSTM(3, 4, generator=torch.Generator().manual_seed(123))
h = c = torch.zeros(4, dtype=torch.float64)
with torch.no_grad():
    for inner in x @ layer.W_x + layer.b:
        h, c = lstm_step(inner, h, c, layer.W_h)
    same = (h - to_torch(layer)(x)[0][-1]).abs().max() <= 1e-9
print("12.2:", h, "as PyTorch's:", bool(same))
print("12.3:", patches(torch.arange(24).reshape(1, 4, 6), 2)[0].tolist())
for T, D, d_state in ((64, 64, 64), (128, 64, 64), (512, 64, 64), (512, 64, 128)):
    attention, lstm, length = layer_costs(T, D, d_state)
    print(
        f"12.4: T = {T}, D = {D}, state of {d_state}: attention costs"
        f" {attention / lstm:.2f} of the LSTM, as much at T = {length:.0f}"
    )
readers = [recall.Reader(kind, seed=0) for kind in ("LSTM", "attention")]
drawn = recall.batch(4, 300, seed=125)
lstm = nn.LSTM(recall.D, recall.STATE, dtype=torch.float64)
lstm.load_state_dict(readers[0].network.state_dict())
head = readers[1].network
with torch.no_grad():
    shares = recall_shares(
        readers[0].vectors(drawn.keys, drawn.values),  # of one seed: both have the same tables
        drawn.answers,
        lstm,
        *(head.W_Q, head.W_K, head.W_V),
        *(lambda vectors, reader=reader: vectors @ reader.read for reader in readers),
    )
own = [recall.right(reader, drawn).double().mean().item() for reader in readers]
same = all(abs(a - b) <= 1e-9 for a, b in zip(shares, own, strict=True))
print(f"12.5: {shares[0]:.4f} and {shares[1]:.4f}, as the course's own:", same)

# %% [markdown] id="real-models" lang="en"
# ## 13. In real models
#
# | | year | $D$ | tokens $T$ read at once | $T$ against $2D$ |
# |---|---|---|---|---|
# | the first transformer, base (Vaswani et al., 2017) | 2017 | 512 | sentences, some tens | far below |
# | BERT-base (Devlin et al., 2019) | 2018 | 768 | 512 | below |
# | GPT-3 (Brown et al., 2020) | 2020 | 12288 | 2048 | far below |
# | ViT-Base, patches of 16 × 16 (Dosovitskiy et al., 2021) | 2020 | 768 | 197 | far below |
# | Llama 3, 8 billion weights (Grattafiori et al., 2024) | 2024 | 4096 | 8192; later 131,072 | equal; 16 times above |
#
# (197 tokens are 14 × 14 patches and one more. Llama's keys and values are narrower than ours, so its last entry compares lengths, not costs.)
#
# *Attention came as an addition first.* The translation system of Wu et al. (2016) had eight LSTM layers for reading and eight for writing, and attention between them; attention came *into* recurrent networks first (Bahdanau et al., 2015), and Vaswani et al. (2017) asked what happens when the recurrence is left out. The columns of their table 1 are the subjects of our sections 8, 7 and 6.
#
# *How much of the hardware is used.* Chowdhery et al. (2022) report for PaLM, with 540 billion weights on 6,144 chips, 46 % of the chips' highest rate of multiplications, counting only those that the model cannot do without; another 12 % are multiplications done twice to save memory, and the rest of the time goes to memory, the network between chips, and waiting.
#
# *Pictures.* A ViT beats convolutional networks when it is pre-trained on very many pictures, and is behind them when trained on 1.3 million alone, in their way of training (Dosovitskiy et al., 2021, section 4.3): what a CNN knows from the start, it has to learn. Our handwritten digits show the second half of this.
#
# *Recurrence is back.* State space models such as Mamba (Gu & Dao, 2023) have a state of fixed size again, but one whose update is linear, so that a whole text can be read in parallel and written at a constant cost per token. Recalling one of many things is what they find hard, as section 4 would have it (Arora et al., 2024, who give both kinds of layers a recall task), and many new models mix both kinds of layers.
# %% [markdown] id="real-models" lang="ru"
# ## 13. В настоящих моделях
#
# | | год | $D$ | сколько токенов $T$ читает сразу | $T$ против $2D$ |
# |---|---|---|---|---|
# | первый трансформер, base (Vaswani et al., 2017) | 2017 | 512 | предложения, десятки | намного меньше |
# | BERT-base (Devlin et al., 2019) | 2018 | 768 | 512 | меньше |
# | GPT-3 (Brown et al., 2020) | 2020 | 12288 | 2048 | намного меньше |
# | ViT-Base, патчи 16 × 16 (Dosovitskiy et al., 2021) | 2020 | 768 | 197 | намного меньше |
# | Llama 3, 8 миллиардов весов (Grattafiori et al., 2024) | 2024 | 4096 | 8192; позже 131 072 | равно; в 16 раз больше |
#
# (197 токенов — это 14 × 14 патчей и ещё один. Ключи и значения у Llama у́же наших, так что в последней строке сравниваются длины, а не затраты.)
#
# *Сначала внимание было добавкой.* В системе перевода Wu et al. (2016) было восемь слоёв LSTM на чтение и восемь на порождение перевода, а между ними — внимание: сначала оно появилось *внутри* рекуррентных сетей (Bahdanau et al., 2015), а Vaswani et al. (2017) спросили, что будет, если убрать рекуррентность. Столбцы их таблицы 1 — темы наших разделов 8, 7 и 6.
#
# *Насколько загружено оборудование.* Chowdhery et al. (2022) сообщают, что у PaLM (540 миллиардов весов, 6144 чипа) использовалось 46 % предельной скорости умножений, если считать только те умножения, без которых модели не обойтись; ещё 12 % — умножения, которые ради экономии памяти делают повторно; остальное время уходит на память, на сеть между чипами и на ожидание.
#
# *Картинки.* ViT обходит свёрточные сети, если предобучить его на очень большом числе картинок, и отстаёт, если обучать — их способом — только на 1.3 миллиона (Dosovitskiy et al., 2021, раздел 4.3): то, что свёрточная сеть знает с самого начала, ему приходится выучить. Наш опыт с рукописными цифрами показывает вторую половину этого.
#
# *Рекуррентность возвращается.* В моделях пространства состояний (state space models), таких как Mamba (Gu & Dao, 2023), снова есть состояние постоянного размера, но обновляется оно линейно, поэтому весь текст можно прочесть параллельно, а при генерации каждый токен стоит одинаково. Вспомнить одно из многого им трудно, чего и стоит ждать после раздела 4 (Arora et al., 2024 дают задачу на память обоим видам слоёв), и многие новые модели сочетают слои обоих видов.

# %% [markdown] id="summary" lang="en"
# ## 14. Summary
#
# - A recurrent network carries everything it has read in a **state of fixed size**; the more there is to keep, the worse it learns to keep it. Attention keeps all tokens and chooses when it knows the question.
# - The gradient of a recurrent network passes through **one factor per step**, and with the usual initial weights it dies within some tens of tokens, unless a forget gate begins open; through attention the path is one step long.
# - In training and when a prompt is read, all positions are computed **at once**; an RNN has to go step by step. In writing a transformer does, too.
# - Scores and weighted sum grow with $T^2$, everything else in a block in a straight line; while $T < 2D$, an attention layer costs less than an LSTM with vectors of the same size.
# - Nearly all operations of a block are **matrix products**, the more so the wider it is; and one unchanged block reads pictures and series, too, not always best.
#
# $$\underbrace{h_t = \tanh(x_t W_x + h_{t-1} W_h + b)}_{\text{RNN: } T \text{ steps in a row}} \qquad\qquad \underbrace{z_t = \sum_s a_{ts}\, v_s}_{\text{attention: one step}}$$
# %% [markdown] id="summary" lang="ru"
# ## 14. Итог
#
# - Рекуррентная сеть несёт всё прочитанное в **состоянии постоянного размера**; чем больше нужно хранить, тем хуже она этому учится. Внимание хранит все токены и выбирает, когда вопрос уже известен.
# - Градиент рекуррентной сети проходит через **множитель на каждом шаге** и при обычных начальных весах затухает за несколько десятков токенов, если только вентиль забывания не открыт с самого начала; через внимание путь длиной в один шаг.
# - При обучении и при чтении промпта все позиции вычисляются **сразу**, а RNN вынуждена идти по шагам. При генерации по шагам идёт и трансформер.
# - Оценки и взвешенная сумма растут как $T^2$, всё остальное в блоке — линейно; пока $T < 2D$, слой внимания стоит меньше LSTM с векторами того же размера.
# - Почти все операции блока — **произведения матриц**, и чем он шире, тем больше их доля; один и тот же блок читает ещё и картинки и ряды, хотя и не всегда лучше всех.
#
# $$\underbrace{h_t = \tanh(x_t W_x + h_{t-1} W_h + b)}_{\text{RNN: } T \text{ шагов подряд}} \qquad\qquad \underbrace{z_t = \sum_s a_{ts}\, v_s}_{\text{внимание: один шаг}}$$
# %% id="summary-figure"
show(drawings.recurrence_and_attention(), "recurrence_and_attention")

# %% [markdown] id="summary-found" lang="en"
# What the notes said, and what we found:
# %% [markdown] id="summary-found" lang="ru"
# Что говорилось в конспекте и что получилось у нас:
# %% id="summary-ledger"
ledger(0)

# %% [markdown] id="key-questions" lang="en"
# ## 15. Key questions
#
# The lesson's key cards. Say the answer aloud before you unfold it; the deck in Anki repeats them when it is time.
# %% [markdown] id="key-questions" lang="ru"
# ## 15. Ключевые вопросы
#
# Ключевые карточки урока. Сначала ответьте вслух, потом раскройте ответ; колода в Anki повторит их, когда придёт время.
# %% id="key-questions-cards"
key_questions(0)

# %% [markdown] id="reading" lang="en"
# ## 16. Further reading
#
# - A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser, I. Polosukhin. *Attention Is All You Need.* NeurIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Section 4 and table 1: the three reasons.
# - D. Bahdanau, K. Cho, Y. Bengio. *Neural Machine Translation by Jointly Learning to Align and Translate.* ICLR 2015, [arXiv:1409.0473](https://arxiv.org/abs/1409.0473). Attention, within a recurrent network.
# - S. Hochreiter, J. Schmidhuber. *Long Short-Term Memory.* Neural Computation 9(8), 1997, [doi:10.1162/neco.1997.9.8.1735](https://doi.org/10.1162/neco.1997.9.8.1735).
# - F. A. Gers, J. Schmidhuber, F. Cummins. *Learning to Forget: Continual Prediction with LSTM.* Neural Computation 12(10), 2000, [doi:10.1162/089976600300015015](https://doi.org/10.1162/089976600300015015). The forget gate.
# - J. L. Elman. *Finding Structure in Time.* Cognitive Science 14(2), 1990, [doi:10.1207/s15516709cog1402_1](https://doi.org/10.1207/s15516709cog1402_1). The plain recurrent network.
# - Y. Bengio, P. Simard, P. Frasconi. *Learning Long-Term Dependencies with Gradient Descent Is Difficult.* IEEE Transactions on Neural Networks 5(2), 1994, [doi:10.1109/72.279181](https://doi.org/10.1109/72.279181).
# - R. Pascanu, T. Mikolov, Y. Bengio. *On the Difficulty of Training Recurrent Neural Networks.* ICML 2013, [arXiv:1211.5063](https://arxiv.org/abs/1211.5063).
# - R. Jozefowicz, W. Zaremba, I. Sutskever. *An Empirical Exploration of Recurrent Network Architectures.* ICML 2015, [proceedings.mlr.press](https://proceedings.mlr.press/v37/jozefowicz15.html). A large bias of the forget gate.
# - Y. Wu et al. *Google's Neural Machine Translation System: Bridging the Gap between Human and Machine Translation.* 2016, [arXiv:1609.08144](https://arxiv.org/abs/1609.08144).
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner. *Gradient-Based Learning Applied to Document Recognition.* Proceedings of the IEEE 86(11), 1998, [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791). Convolutional networks for handwritten digits.
# - A. Dosovitskiy et al. *An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale.* ICLR 2021, [arXiv:2010.11929](https://arxiv.org/abs/2010.11929).
# - M. C. Mackey, L. Glass. *Oscillation and Chaos in Physiological Control Systems.* Science 197, 1977, [doi:10.1126/science.267326](https://doi.org/10.1126/science.267326).
# - J. Devlin, M.-W. Chang, K. Lee, K. Toutanova. *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* NAACL 2019, [arXiv:1810.04805](https://arxiv.org/abs/1810.04805). The subject of lesson 08.
# - T. B. Brown et al. *Language Models are Few-Shot Learners.* NeurIPS 2020, [arXiv:2005.14165](https://arxiv.org/abs/2005.14165). GPT-3.
# - A. Chowdhery et al. *PaLM: Scaling Language Modeling with Pathways.* 2022, [arXiv:2204.02311](https://arxiv.org/abs/2204.02311). Section 4.1: the share of the hardware's rate that is used.
# - A. Grattafiori et al. *The Llama 3 Herd of Models.* 2024, [arXiv:2407.21783](https://arxiv.org/abs/2407.21783).
# - A. Gu, T. Dao. *Mamba: Linear-Time Sequence Modeling with Selective State Spaces.* 2023, [arXiv:2312.00752](https://arxiv.org/abs/2312.00752).
# - S. Arora et al. *Simple Linear Attention Language Models Balance the Recall-Throughput Tradeoff.* ICML 2024, [arXiv:2402.18668](https://arxiv.org/abs/2402.18668). A recall task like ours: the larger the state, the more is recalled.
# - I. Kotenkov. [*Transformers, explained in detail*](https://www.youtube.com/watch?v=iOrNbK2T92M) (in Russian). The lecture behind the notes this course grew from.
#
# Next: [lesson 01, Word2Vec](01_word2vec.ipynb).
# %% [markdown] id="reading" lang="ru"
# ## 16. Что читать дальше
#
# - A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser, I. Polosukhin. *Attention Is All You Need.* NeurIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Раздел 4 и таблица 1: три причины.
# - D. Bahdanau, K. Cho, Y. Bengio. *Neural Machine Translation by Jointly Learning to Align and Translate.* ICLR 2015, [arXiv:1409.0473](https://arxiv.org/abs/1409.0473). Внимание внутри рекуррентной сети.
# - S. Hochreiter, J. Schmidhuber. *Long Short-Term Memory.* Neural Computation 9(8), 1997, [doi:10.1162/neco.1997.9.8.1735](https://doi.org/10.1162/neco.1997.9.8.1735).
# - F. A. Gers, J. Schmidhuber, F. Cummins. *Learning to Forget: Continual Prediction with LSTM.* Neural Computation 12(10), 2000, [doi:10.1162/089976600300015015](https://doi.org/10.1162/089976600300015015). Вентиль забывания.
# - J. L. Elman. *Finding Structure in Time.* Cognitive Science 14(2), 1990, [doi:10.1207/s15516709cog1402_1](https://doi.org/10.1207/s15516709cog1402_1). Простая рекуррентная сеть.
# - Y. Bengio, P. Simard, P. Frasconi. *Learning Long-Term Dependencies with Gradient Descent Is Difficult.* IEEE Transactions on Neural Networks 5(2), 1994, [doi:10.1109/72.279181](https://doi.org/10.1109/72.279181).
# - R. Pascanu, T. Mikolov, Y. Bengio. *On the Difficulty of Training Recurrent Neural Networks.* ICML 2013, [arXiv:1211.5063](https://arxiv.org/abs/1211.5063).
# - R. Jozefowicz, W. Zaremba, I. Sutskever. *An Empirical Exploration of Recurrent Network Architectures.* ICML 2015, [proceedings.mlr.press](https://proceedings.mlr.press/v37/jozefowicz15.html). Большое смещение вентиля забывания.
# - Y. Wu et al. *Google's Neural Machine Translation System: Bridging the Gap between Human and Machine Translation.* 2016, [arXiv:1609.08144](https://arxiv.org/abs/1609.08144).
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner. *Gradient-Based Learning Applied to Document Recognition.* Proceedings of the IEEE 86(11), 1998, [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791). Свёрточные сети для рукописных цифр.
# - A. Dosovitskiy et al. *An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale.* ICLR 2021, [arXiv:2010.11929](https://arxiv.org/abs/2010.11929).
# - M. C. Mackey, L. Glass. *Oscillation and Chaos in Physiological Control Systems.* Science 197, 1977, [doi:10.1126/science.267326](https://doi.org/10.1126/science.267326).
# - J. Devlin, M.-W. Chang, K. Lee, K. Toutanova. *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* NAACL 2019, [arXiv:1810.04805](https://arxiv.org/abs/1810.04805). О BERT — урок 08.
# - T. B. Brown et al. *Language Models are Few-Shot Learners.* NeurIPS 2020, [arXiv:2005.14165](https://arxiv.org/abs/2005.14165). GPT-3.
# - A. Chowdhery et al. *PaLM: Scaling Language Modeling with Pathways.* 2022, [arXiv:2204.02311](https://arxiv.org/abs/2204.02311). Раздел 4.1: насколько используется оборудование.
# - A. Grattafiori et al. *The Llama 3 Herd of Models.* 2024, [arXiv:2407.21783](https://arxiv.org/abs/2407.21783).
# - A. Gu, T. Dao. *Mamba: Linear-Time Sequence Modeling with Selective State Spaces.* 2023, [arXiv:2312.00752](https://arxiv.org/abs/2312.00752).
# - S. Arora et al. *Simple Linear Attention Language Models Balance the Recall-Throughput Tradeoff.* ICML 2024, [arXiv:2402.18668](https://arxiv.org/abs/2402.18668). Задача на память, похожая на нашу: чем больше состояние, тем больше вспоминается.
# - И. Котенков. [*Transformers, explained in detail*](https://www.youtube.com/watch?v=iOrNbK2T92M). Лекция, по которой написан конспект, давший начало курсу.
#
# Следующий урок: [01, Word2Vec](01_word2vec.ipynb).
