# %% [markdown] id="title" lang="en"
# # Lesson 03. Attention
#
# A word's vector from lesson 01 is the same in every sentence. This lesson builds the mechanism that lets a vector take in its surroundings, from three words and a pencil to a model that finds out what *it* refers to.
#
# **You will be able to**
#
# - compute one step of self-attention by hand and say what the query, the key and the value are for;
# - derive the division by $\sqrt{d_k}$, and show what happens without it;
# - write attention with masks, and recognise its most common bugs by their symptoms;
# - say which part of the cost is quadratic, and from which length it matters;
# - explain why pointing from *it* to its noun takes two layers.
#
# **You need** Python, matrix products, derivatives, variance, a first acquaintance with PyTorch (tensors, `backward`, `nn.Module`; see the [primer](primer.ipynb)), and the idea of an embedding (lesson 01). **Time:** 80 minutes of reading and playing, 60 for the exercises; all cells run in under a minute.
#
# Previous lesson: [02, BPE and tokenisation](02_bpe.ipynb). Next lesson: [04, multi-head attention](04_multi_head.ipynb).
# %% [markdown] id="title" lang="ru"
# # Урок 03. Внимание
#
# Вектор слова из урока 01 одинаков во всех предложениях. Здесь мы построим механизм, который позволяет вектору учесть окружение: начнём с трёх слов и карандаша, а закончим моделью, которая выясняет, к чему относится *it*.
#
# **Вы научитесь**
#
# - вычислять один шаг самовнимания вручную и объяснять, зачем нужны запрос, ключ и значение;
# - выводить деление на $\sqrt{d_k}$ и показывать, что происходит без него;
# - писать внимание с масками и узнавать типичные ошибки по симптомам;
# - определять, какая часть вычислений квадратична и с какой длины это важно;
# - объяснять, почему указать на существительное, к которому относится *it*, можно только со второго слоя.
#
# **Понадобятся** Python, умножение матриц, производные, дисперсия, первое знакомство с PyTorch (тензоры, `backward`, `nn.Module`; см. [введение](primer.ipynb)) и представление о том, что такое эмбеддинг (embedding; урок 01). **Время:** 80 минут на чтение и опыты, 60 — на упражнения; все ячейки выполняются меньше чем за минуту.
#
# Предыдущий урок: [02, BPE и токенизация](02_bpe.ipynb). Следующий урок: [04, многоголовое внимание](04_multi_head.ipynb).
# %% id="start"
from course_lib import start

start(lesson=3)

# %% id="imports"
import math

import torch
import torch.nn.functional as F
from torch import nn

from course_lib import coreference
from course_lib.attention import (
    SelfAttention,
    causal_mask,
    padding_mask,
    scaled_dot_product_attention,
    sliding_window_attention,
    sliding_window_mask,
    tiled_attention,
)
from course_lib.cards.notebook import key_questions, recall
from course_lib.claims import claim, ledger
from course_lib.corpora import crossing
from course_lib.counting import OperationCounter, saved_for_backward
from course_lib.exercises import check
from course_lib.explorers import explore_pointer, explore_qkv_steps, explore_saturation
from course_lib.figures import attention as drawings
from course_lib.figures import attention_curves as curves
from course_lib.figures import course, show
from course_lib.glossary import notation_table
from course_lib.parity import parity
from course_lib.results import recorded


def randn(*shape, seed):
    """Normal numbers in float64, the same on every machine."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# %% id="map"
show(course.course_map(here=3), "course_map", here=3)

# %% [markdown] id="problem" lang="en"
# ## 1. A vector that does not listen
#
# Take two sentences that differ in one word:
# %% [markdown] id="problem" lang="ru"
# ## 1. Вектор, который не слушает
#
# Возьмём два предложения, которые различаются одним словом:
# %% id="problem-twins"
tired, wide = crossing.example()
print(tired)
print(wide)

words = crossing.vocabulary()
table = randn(len(words), 4, seed=1)  # one row per word
x_tired, x_wide = (
    table[[words.index(token) for token in sentence.tokens]] for sentence in (tired, wide)
)
print("x[it], tired:", x_tired[tired.it])
print("x[it], wide: ", x_wide[wide.it])

# %% [markdown] id="problem-averaging" lang="en"
# In the first sentence *it* is the animal, in the second it is the street. You know this from the last word. The vector of *it* does not: it is row number *it* of a table, and no function of this vector alone can answer differently in the two sentences.
#
# So the vector has to take something in from the other words. The simplest way to mix them is to average:
# %% [markdown] id="problem-averaging" lang="ru"
# В первом предложении *it* — это животное, во втором — улица. Вы узнали это из последнего слова. Вектор слова *it* этого не знает: он — строка таблицы с номером слова *it*, и никакая функция одного этого вектора не даст в двух предложениях разные ответы.
#
# Значит, вектор должен что-то взять у других слов. Проще всего их усреднить:
# %% id="problem-mean"
mean_tired, mean_wide = (x.mean(0).expand_as(x) for x in (x_tired, x_wide))
print("|it(tired) − it(wide)|      =", f"{(mean_tired[tired.it] - mean_wide[wide.it]).norm():.4f}")
print(
    "|it(tired) − street(tired)| =",
    f"{(mean_tired[tired.it] - mean_tired[tired.nouns[1]]).norm():.4f}",
)

# %% [markdown] id="problem-idea" lang="en"
# The first number is no longer zero: the context has arrived. But the second one is: after averaging, *it* and *street* are the same vector, because every word got the same mixture. Each word should get a mixture **of its own**, with large weights on the words that matter to it:
#
# $$z_i = \sum_{j=1}^{T} a_{ij}\, v_j, \qquad a_{ij} \ge 0, \qquad \sum_{j=1}^{T} a_{ij} = 1.$$
#
# Here $T$ is the number of tokens, $v_j$ is what token $j$ has to offer, and $a_{ij}$ is how much of it token $i$ takes. Attention is this formula together with one answer to the question where the weights $a_{ij}$ come from: token $i$ computes them itself, from what it is looking for and from what the others say of themselves.
# %% [markdown] id="problem-idea" lang="ru"
# Первое число уже не ноль: контекст учтён. Зато ноль второе: после усреднения *it* и *street* — один и тот же вектор, потому что все слова получили одну и ту же смесь. Нужно, чтобы у каждого слова смесь была **своя**, с большими весами у тех слов, которые для него важны:
#
# $$z_i = \sum_{j=1}^{T} a_{ij}\, v_j, \qquad a_{ij} \ge 0, \qquad \sum_{j=1}^{T} a_{ij} = 1.$$
#
# Здесь $T$ — число токенов, $v_j$ — то, что может отдать токен $j$, а $a_{ij}$ — какую долю этого берёт токен $i$. Внимание (attention) — это такая формула вместе с ответом на вопрос, откуда берутся веса $a_{ij}$: токен $i$ вычисляет их сам по тому, что он ищет, и по тому, что остальные говорят о себе.
# %% id="it-refers"
show(drawings.it_refers(), "it_refers")

# %% [markdown] id="origin" lang="en"
# The idea comes from machine translation. An encoder turns a sentence into vectors, a decoder turns vectors into a sentence of another language; squeezing a long sentence into *one* vector lost too much, so Bahdanau, Cho and Bengio (2015), translating from English to French, let the decoder look back at all of the encoder's vectors, with weights that a small network computed. The transformer (Vaswani et al., 2017) replaced the small network by a dot product, let every token of a sentence look at all others of the *same* sentence (**self**-attention), and dropped the recurrent network (lesson 00, which used attention as a finished part; here it is built). Lesson 07 builds the translator, and tests there whether one shared space of meaning spares us a model for each pair of languages.
# %% [markdown] id="origin" lang="ru"
# Идея пришла из машинного перевода. Энкодер (encoder) превращает предложение в векторы, декодер (decoder) превращает векторы в предложение на другом языке. Когда длинное предложение сжимали в *один* вектор, терялось слишком много, и Bahdanau, Cho, Bengio (2015), переводившие с английского на французский, разрешили декодеру оглядываться на все векторы энкодера с весами, которые считала небольшая сеть. Трансформер (Vaswani et al., 2017) заменил эту сеть скалярным произведением, позволил каждому токену смотреть на токены *того же* предложения (это и есть **само**внимание, self-attention) и отказался от рекуррентной сети (урок 00: там внимание было готовой частью, здесь мы его соберём). Переводчик мы построим в уроке 07 и там же проверим, избавляет ли общее пространство смыслов от отдельной модели на каждую пару языков.
# %% id="overview"
show(drawings.encoder_decoder_overview(), "encoder_decoder_overview")

# %% [markdown] id="symbols" lang="en"
# ## 2. Symbols and shapes
#
# The letters of lesson 01 are free again: $v$ is a value, $k$ a key, $E$ the embedding table, $M$ a mask, and a window is $w$. A token's vector is a **row**. Stacked, the rows of a sentence form the matrix $X$. The colours of queries, keys, values and outputs are the same in every figure of the course.
# %% [markdown] id="symbols" lang="ru"
# ## 2. Обозначения и формы
#
# Буквы урока 01 снова свободны: $v$ — значение, $k$ — ключ, $E$ — таблица эмбеддингов, $M$ — маска, а окно — $w$. Вектор токена — это **строка**. Строки одного предложения, поставленные друг под другом, образуют матрицу $X$. Цвета запросов, ключей, значений и выходов одинаковы на всех рисунках курса.
# %% id="notation"
notation_table(3)

# %% [markdown] id="recall" lang="en"
# Before going on, three questions from earlier lessons. Answer each aloud, then unfold.
# %% [markdown] id="recall" lang="ru"
# Прежде чем идти дальше — три вопроса из прошлых уроков. Ответьте на каждый вслух, потом раскройте ответ.
# %% id="recall-cards"
recall(3)

# %% [markdown] id="embedding" lang="en"
# ## 3. Where the vectors come from
#
# Every transformer for text begins with a table of learned numbers, one row of size $D$ for each of the $n_{\text{vocab}}$ entries of the vocabulary. A token's id picks its row. This is often drawn, as in section 6 of the primer, as a matrix product with a one-hot vector, a vector of zeros with a single 1 at the id's place; the product is the same thing, done expensively.
#
# (A line such as `[3.9] confirmed` gives the number of a statement of the notes from which this course grew, our verdict, explained in lesson 00, and the figures. All statements stand side by side in section 19.)
# %% [markdown] id="embedding" lang="ru"
# ## 3. Откуда берутся векторы
#
# Любой трансформер для текста начинается с таблицы обучаемых чисел: по одной строке размера $D$ на каждый из $n_{\text{vocab}}$ элементов словаря. Номер токена выбирает строку. Часто это рисуют, как в разделе 6 введения, умножением на one-hot-вектор — вектор из нулей с единственной единицей на месте номера; результат тот же, только посчитан дорого.
#
# (В строке вида `[3.9] подтверждено` стоят номер утверждения из конспекта, от которого произошёл этот курс, наш вердикт (вердикты объяснены в уроке 00) и цифры. Все утверждения собраны в разделе 19.)
# %% id="embedding-figure"
show(drawings.embedding_lookup(), "embedding_lookup")

# %% id="embedding-lookup"
ids = torch.tensor([4, 0, 4])  # three tokens, two of them the same
E = randn(6, 3, seed=2).requires_grad_()  # n_vocab = 6, D = 3
one_hot = F.one_hot(ids, num_classes=6).double()
picked, product = E[ids], one_hot @ E
print(one_hot.long())
print(picked.detach())
equal = torch.equal(picked, product)

picked.pow(2).sum().backward()  # any loss will do
touched = E.grad.abs().sum(-1).nonzero().flatten().tolist()
claim(
    "3.2",
    holds=equal and torch.equal(picked[0], picked[2]) and touched == [0, 4],
    measured=f"E[ids] = one_hot @ E: {equal} · ids {ids.tolist()}, ∂E ≠ 0: {touched}",
)

# %% [markdown] id="embedding-after" lang="en"
# Rows 0 and 2 of the result are equal because their ids are: the vector does not depend on the neighbours yet. And in the backward pass only the rows that were picked receive a gradient through the look-up, so the row of a rare token is rarely taught. (Where the table also serves as the last layer, as in BERT and GPT-2, every row gets a gradient there too: lessons 07 and 08.) BERT and GPT both begin with such a table, and add positions to the rows they pick, BERT also a mark of the segment; they differ in what comes after.
# %% [markdown] id="embedding-after" lang="ru"
# Строки 0 и 2 результата равны, потому что равны номера: от соседей вектор пока не зависит. А при обратном проходе градиент через выборку получают только выбранные строки, так что строку редкого токена учат редко. (Если та же таблица служит и последним слоем, как в BERT и GPT-2, там градиент получает каждая строка: об этом уроки 07 и 08.) И BERT, и GPT начинаются с такой таблицы и прибавляют к выбранным строкам позиции, а BERT ещё и метку сегмента; различается то, что идёт дальше.

# %% [markdown] id="by-hand" lang="en"
# ## 4. One token, by hand
#
# Three tokens, *animal*, *street*, *it*, with vectors of size $D = 2$. From its vector $x_i$ each token makes three others by three matrices, which in a real model are learned and here are chosen for easy arithmetic:
#
# $$q_i = x_i W_Q, \qquad k_i = x_i W_K, \qquad v_i = x_i W_V.$$
#
# The **query** $q_i$ says what token $i$ looks for, the **key** $k_i$ what it can be found by, the **value** $v_i$ what it hands over when found. Queries and keys have size $d_k = 4$, values size $d_v = 3$.
# %% [markdown] id="by-hand" lang="ru"
# ## 4. Один токен вручную
#
# Три токена — *animal*, *street*, *it* — с векторами размера $D = 2$. Из своего вектора $x_i$ каждый токен делает три других с помощью трёх матриц; в настоящей модели они обучаются, а здесь подобраны так, чтобы было легко считать:
#
# $$q_i = x_i W_Q, \qquad k_i = x_i W_K, \qquad v_i = x_i W_V.$$
#
# **Запрос** (query) $q_i$ говорит, что токен $i$ ищет, **ключ** (key) $k_i$ — по чему его самого можно найти, **значение** (value) $v_i$ — что он отдаёт, когда его нашли. Размер запросов и ключей $d_k = 4$, размер значений $d_v = 3$.
# %% id="hand-projections"
tokens = ["animal", "street", "it"]
X = torch.tensor([[1.0, 0], [0, 1], [1, 1]], dtype=torch.float64)
W_Q = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 1]], dtype=torch.float64)
W_K = torch.tensor([[2.0, 1, 1, 0], [-1, 0, 0, -1]], dtype=torch.float64)
W_V = torch.tensor([[1.0, 0, 2], [0, 3, 1]], dtype=torch.float64)

Q, K, V = X @ W_Q, X @ W_K, X @ W_V
for name, matrix in (("Q", Q), ("K", K), ("V", V)):
    for token, row in zip(tokens, matrix.tolist(), strict=True):
        print(f"{name}  {token:7}", [round(number) for number in row])

# %% [markdown] id="hand-scores-text" lang="en"
# Take a pencil; we follow *it*. Its query is $(1, 1, 1, 1)$.
#
# **Scores.** The dot product of this query with each key: with $(2, 1, 1, 0)$ it is 4, with $(-1, 0, 0, -1)$ it is $-2$, with $(1, 1, 1, -1)$ it is 2. Divide by $\sqrt{d_k} = 2$ (section 7 says why): $2, -1, 1$.
#
# **Weights.** Softmax turns scores into positive numbers that sum to 1: raise $e$ to each score, divide by the sum.
#
# **Output.** The weighted sum of the three values.
# %% [markdown] id="hand-scores-text" lang="ru"
# Возьмите карандаш; следим за *it*. Его запрос — $(1, 1, 1, 1)$.
#
# **Оценки** (scores). Скалярное произведение этого запроса с каждым ключом: с $(2, 1, 1, 0)$ получается 4, с $(-1, 0, 0, -1)$ получается $-2$, с $(1, 1, 1, -1)$ получается 2. Делим на $\sqrt{d_k} = 2$ (почему — в разделе 7): $2, -1, 1$.
#
# **Веса.** Softmax превращает оценки в положительные числа с суммой 1: возводим $e$ в степень каждой оценки и делим на сумму.
#
# **Выход.** Взвешенная сумма трёх значений.
# %% id="hand-one-token"
q = Q[2]  # the third token: Python counts from 0
scores = torch.stack([q @ k for k in K])
scaled = scores / math.sqrt(4)
exponentials = scaled.exp()
weights = exponentials / exponentials.sum()
z = sum(weight * v for weight, v in zip(weights, V, strict=True))

print("q · k   ", [round(s) for s in scores.tolist()])
print("/ √d_k  ", scaled)
print("exp     ", exponentials, " Σ", f"{exponentials.sum():.4f}")
print("a       ", weights, " Σ", f"{weights.sum():.4f}")
print("z       ", z)

# %% id="hand-figure"
show(drawings.self_attention_one_token(), "self_attention_one_token")


# %% [markdown] id="hand-loop-text" lang="en"
# So *it* takes `0.7054` of *animal*, `0.0351` of *street* and `0.2595` of itself. Check the first component of $z$: $0.7054 \cdot 1 + 0.0351 \cdot 0 + 0.2595 \cdot 1$ is `0.9649`.
#
# Now for all tokens: a loop first, which does literally the above, then the same as three matrix products. Look for the last row: it must be the $z$ you have just checked.
# %% [markdown] id="hand-loop-text" lang="ru"
# Итак, *it* берёт `0.7054` от *animal*, `0.0351` от *street* и `0.2595` от себя. Проверьте первую компоненту $z$: $0.7054 \cdot 1 + 0.0351 \cdot 0 + 0.2595 \cdot 1$ даёт `0.9649`.
#
# Теперь для всех токенов: сначала цикл, который делает буквально то же самое, потом три матричных произведения. Найдите последнюю строку: это тот самый $z$, который вы только что проверили.
# %% id="hand-all"
def attention_loop(Q, K, V):
    Z = []
    for q in Q:
        exponentials = [math.exp(q @ k / math.sqrt(len(q))) for k in K]
        total = sum(exponentials)
        Z.append(sum(e / total * v for e, v in zip(exponentials, V, strict=True)))
    return torch.stack(Z)


Z_loop = attention_loop(Q, K, V)
scores = Q @ K.T / math.sqrt(K.shape[-1])
# dim=-1: along each row, that is, over the keys; dim=0 would run over the queries
A = scores.softmax(dim=-1)
Z = A @ V
print("A =\n", A, sep="")
print("attention_loop(Q, K, V) =\n", Z_loop, sep="")
print("A V =\n", Z, sep="")

# %% id="hand-claims"
row_sums = A.sum(dim=-1)
X_large = randn(200, 2, seed=3)
Z_large = (X_large @ W_Q @ (X_large @ W_K).T / 2).softmax(-1) @ (X_large @ W_V)
difference = (Z_large - attention_loop(X_large @ W_Q, X_large @ W_K, X_large @ W_V)).abs().max()
claim(
    "3.9",
    holds=bool((row_sums - 1).abs().max() < 1e-12),
    measured=f"Σ_j a_ij = {[round(s, 4) for s in row_sums.tolist()]}",
)
claim(
    "3.14",
    holds=bool((Z - Z_loop).abs().max() < 1e-12 and difference < 1e-6),
    measured="T = 3, 200: |Z − attention_loop| ≤ 1e-6",
)
claim(
    "3.12",
    holds=Q.shape == K.shape == (3, 4) and Z.shape == V.shape == (3, 3),
    measured="d_k = 4, d_v = 3, Z: (3, 3)",
)

# %% [markdown] id="roles" lang="en"
# ## 5. Who is asked, and what is handed over
#
# It is worth being slow about the three roles, because two of them are easily confused. A score compares the query of one token with the **key** of each token, itself included:
#
# $$s_{ij} = q_i \cdot k_j = (x_i W_Q) \cdot (x_j W_K).$$
#
# The notes this course grew from say that the query is multiplied with the *matrix* $W_K$. It is not, and with the matrix alone it could not work: $q_i W_K$ holds nothing of token $j$, so it could not tell one token from another. (One may regroup, $q_i \cdot k_j = (q_i W_K^\top) \cdot x_j$, but the vector $x_j$ of the other token must come in.)
# %% [markdown] id="roles" lang="ru"
# ## 5. Кого спрашивают и что отдают
#
# На трёх ролях стоит задержаться, потому что две из них легко спутать. Оценка сравнивает запрос одного токена с **ключом** каждого, включая его самого:
#
# $$s_{ij} = q_i \cdot k_j = (x_i W_Q) \cdot (x_j W_K).$$
#
# В конспекте, из которого вырос курс, сказано, что запрос умножается на *матрицу* $W_K$. Это не так, и с одной матрицей ничего бы не вышло: в $q_i W_K$ нет ничего от токена $j$, поэтому отличить один токен от другого было бы нельзя. (Можно перегруппировать, $q_i \cdot k_j = (q_i W_K^\top) \cdot x_j$, но без вектора $x_j$ другого токена не обойтись.)
# %% id="roles-matching"
show(drawings.query_key_matching(), "query_key_matching")

# %% id="roles-two-words"
show(drawings.qkv_of_two_words(), "qkv_of_two_words")

# %% id="roles-claims"
right = torch.stack([torch.stack([(x_i @ W_Q) @ (x_j @ W_K) for x_j in X]) for x_i in X])
try:
    Q @ W_K
    fits = True
except RuntimeError:
    fits = False
# With d_k = D the shapes would not object …
square_Q, square_K = randn(4, 4, seed=4), randn(4, 4, seed=5)
one, other = randn(3, 4, seed=6), randn(3, 4, seed=6)
other[0] += 1.0  # another first token
notes_change = (one[2] @ square_Q @ square_K - other[2] @ square_Q @ square_K).abs().max()
scores_before, scores_after = (one[2] @ square_Q @ (x @ square_K).T for x in (one, other))
right_change = (scores_before - scores_after).abs().max()
claim(
    "3.6",
    holds=torch.equal(right, Q @ K.T) and not fits and notes_change == 0 and right_change > 0.1,
    measured=f"Q @ W_K, (3, 4) @ (2, 4): {fits} · Δx_1 → Δ(q_3 W_K) = {notes_change:.1f}, Δ(q_3 Kᵀ) = {right_change:.4f}",
)

head = SelfAttention(d_model=2, d_k=4, d_v=3)
try:
    head(randn(3, 5, seed=7))
    message = ""
except ValueError as error:
    message = str(error)
print(message)
claim(
    "3.5",
    holds="W_Q" in message and "5" in message and "2" in message,
    measured="x: D = 5, W_Q: (2, 4) → ValueError",
)

# %% [markdown] id="roles-explorer" lang="en"
# **Predict:** swap the values of *animal* and *street* and leave everything else alone. What changes for *it*: the weights, the output, or both?
#
# Here is the example of section 4 once more, with numbers you can change. Say first whose weight will be the largest, then go through the six steps; choose any number to see the arithmetic behind it. At step 6 swap two rows of $V$ and see whether your prediction holds. Then change a number of $x$, which goes into queries, keys and values alike, and leave out softmax: what is a negative weight to mean?
# %% [markdown] id="roles-explorer" lang="ru"
# **Предскажите:** поменяем местами значения *animal* и *street*, остальное не тронем. Что изменится для *it*: веса, выход или и то и другое?
#
# Перед вами ещё раз пример из раздела 4, но числа в нём можно менять. Сначала скажите, чей вес будет наибольшим, потом пройдите шесть шагов; выберите любое число, чтобы увидеть, как оно получилось. На шаге 6 поменяйте местами две строки $V$ и проверьте своё предсказание. Потом измените число в $x$ — оно входит и в запросы, и в ключи, и в значения — и уберите softmax: что мог бы значить отрицательный вес?
# %% id="roles-explorer-steps"
explore_qkv_steps(tokens, X, W_Q, W_K, W_V)

# %% [markdown] id="dot-product" lang="en"
# ## 6. What a dot product measures
#
# The notes say: similarity, largest when two vectors point the same way, zero at a right angle, smallest when they are opposed. For vectors of one length this is exactly so, since $q \cdot k = |q|\,|k| \cos\varphi$. But nothing keeps keys at one length.
#
# **Predict:** a key of length 1 in exactly the query's direction, and a key of length 3 that stands at 60° to it. Which one gets the larger score?
#
# <details><summary>Answer</summary>
#
# The long one: $3 \cos 60° = 1.5$ against $1 \cos 0° = 1$. A long key is a loud one, heard by every query within 90° of it, whether it points at it or not (and beyond 90° it scores lower than a short one). Models use this: a key can be made louder or quieter without turning it. Where it does harm, some models normalise queries and keys to one length ("QK-norm").
#
# </details>
# %% [markdown] id="dot-product" lang="ru"
# ## 6. Что измеряет скалярное произведение
#
# В конспекте сказано, что сходство: произведение наибольшее, когда векторы сонаправлены, равно нулю, когда они перпендикулярны, и наименьшее, когда они направлены противоположно. Для векторов одной длины так и есть, ведь $q \cdot k = |q|\,|k| \cos\varphi$. Но ключи не обязаны быть одной длины.
#
# **Предскажите:** ключ длины 1 направлен точно туда же, куда запрос, а ключ длины 3 стоит под углом 60° к нему. У какого из них оценка больше?
#
# <details><summary>Ответ</summary>
#
# У длинного: $3 \cos 60° = 1.5$ против $1 \cos 0° = 1$. Длинный ключ — громкий: в пределах 90° его слышат и те запросы, которые направлены не на него (а за 90° его оценка ниже, чем у короткого). Модели этим пользуются: ключ можно сделать громче или тише, не поворачивая. Там, где это вредит, запросы и ключи приводят к одной длине (QK-norm).
#
# </details>
# %% id="dot-product-angles"
query = torch.tensor([1.0, 0.0], dtype=torch.float64)
angles = torch.arange(0, 181, 30)
by_angle = [float(query @ torch.stack([a.cos(), a.sin()])) for a in angles.double().deg2rad()]
for angle, score in zip(angles.tolist(), by_angle, strict=True):
    print(f"{angle:4}°  |k| = 1  q · k = {round(score, 4) + 0.0:7.4f}")
sixty = torch.tensor(60.0, dtype=torch.float64).deg2rad()
loud = float(query @ (3 * torch.stack([sixty.cos(), sixty.sin()])))
print(f"  60°  |k| = 3  q · k = {loud:7.4f}")
falling = all(a > b for a, b in zip(by_angle, by_angle[1:], strict=False))
claim(
    "3.7",
    holds=falling
    and abs(by_angle[3]) < 1e-12
    and abs(by_angle[-1] + 1) < 1e-12
    and loud > by_angle[0],
    measured=f"|k| = 1: 0° 1.00, 90° 0.00, 180° −1.00 · 60°, |k| = 3: {loud:.2f} > 1.00",
)

# %% [markdown] id="scale" lang="en"
# ## 7. Why divide by $\sqrt{d_k}$
#
# **Predict first.** The components of $q$ and $k$ are independent, with mean 0 and variance 1. How large is a typical $q \cdot k$ for $d_k = 4$? For $d_k = 1024$?
#
# A score is, before the division, a sum of $d_k$ products, $q \cdot k = \sum_{m} q_m k_m$. Each product has mean $\mathbb{E}[q_m]\,\mathbb{E}[k_m] = 0$, because the factors are independent. With mean 0, its variance is the mean of its square: $\mathbb{E}[q_m^2 k_m^2] = \mathbb{E}[q_m^2]\,\mathbb{E}[k_m^2] = 1 \cdot 1$. The products are independent of one another, so their variances add up:
#
# $$\operatorname{Var}(q \cdot k) = d_k, \qquad \operatorname{std}(q \cdot k) = \sqrt{d_k}.$$
#
# The typical size of a score is thus 2 for $d_k = 4$ and 32 for $d_k = 1024$. Softmax sees differences of scores through the exponential, and $e^{32}$ is about $10^{14}$: the largest score takes everything. Then two things are lost. The mixture becomes a mere choice: its entropy, $-\sum_j a_j \ln a_j$, which is $\ln T$ for equal weights, goes to zero. And the choice is hard to correct: the derivatives of softmax,
#
# $$\frac{\partial a_j}{\partial s_l} = a_j (\delta_{jl} - a_l)$$
#
# (where $s$ are the scores that softmax is given, and $\delta_{jl}$ is 1 if $j = l$ and 0 otherwise), all vanish when one weight is 1 and the others are 0. We measure all three, for 32 keys: the spread of the scores (`std`, the standard deviation), the entropy (in nats, since the logarithm is natural; at most $\ln 32 = 3.47$), and the norm of the table of derivatives (the Jacobian; its norm, `|J|`, is the root of the sum of its squared entries); of the last two, the median over 200 queries.
# %% [markdown] id="scale" lang="ru"
# ## 7. Зачем делить на $\sqrt{d_k}$
#
# **Сначала предскажите.** Компоненты $q$ и $k$ независимы, их среднее 0, дисперсия 1. Насколько велико обычно $q \cdot k$ при $d_k = 4$? А при $d_k = 1024$?
#
# До деления оценка — сумма $d_k$ произведений, $q \cdot k = \sum_{m} q_m k_m$. У каждого произведения среднее $\mathbb{E}[q_m]\,\mathbb{E}[k_m] = 0$, потому что множители независимы. Раз среднее 0, дисперсия равна среднему квадрата: $\mathbb{E}[q_m^2 k_m^2] = \mathbb{E}[q_m^2]\,\mathbb{E}[k_m^2] = 1 \cdot 1$. Произведения не зависят друг от друга, поэтому их дисперсии складываются:
#
# $$\operatorname{Var}(q \cdot k) = d_k, \qquad \operatorname{std}(q \cdot k) = \sqrt{d_k}.$$
#
# Так что обычная по модулю оценка — около 2 при $d_k = 4$ и около 32 при $d_k = 1024$. Softmax видит разности оценок через экспоненту, а $e^{32}$ — это около $10^{14}$: наибольшая оценка забирает всё. Теряются сразу две вещи. Смесь вырождается в выбор: её энтропия $-\sum_j a_j \ln a_j$, равная $\ln T$ при одинаковых весах, стремится к нулю. И исправить этот выбор трудно: производные softmax
#
# $$\frac{\partial a_j}{\partial s_l} = a_j (\delta_{jl} - a_l)$$
#
# (здесь $s$ — оценки, поданные в softmax, а $\delta_{jl}$ равно 1 при $j = l$ и 0 иначе) все обращаются в ноль, когда один вес равен 1, а остальные 0. Измерим всё это для 32 ключей: разброс оценок (`std`, стандартное отклонение), энтропию (в натах, раз логарифм натуральный; не больше $\ln 32 = 3.47$) и норму таблицы производных (матрицы Якоби; норма, `|J|`, — корень из суммы квадратов её элементов); у двух последних берём медиану по 200 запросам.
# %% id="scale-variance"
SIZES = (1, 4, 16, 64, 256, 1024)


def statistics(scores):
    """Medians over the rows of scores (N, T): entropy of softmax in nats, norm of its Jacobian."""
    a = scores.softmax(dim=-1)
    entropy = -(a * a.clamp_min(1e-300).log()).sum(-1)
    jacobian = torch.diag_embed(a) - a[:, :, None] * a[:, None, :]  # a_j δ_jl − a_j a_l
    return float(entropy.median()), float(torch.linalg.matrix_norm(jacobian).median())


divided, undivided = ({"std": [], "entropy": [], "jacobian": []} for _ in range(2))
print("        q·k                      q·k / √d_k")
print(" d_k    std  entropy       |J|   std  entropy       |J|")
for d_k in SIZES:
    # 200 queries, each with 32 keys of its own
    queries, keys = randn(200, 1, d_k, seed=d_k), randn(200, 32, d_k, seed=d_k + 1)
    raw = (queries * keys).sum(-1)
    for record, s in ((undivided, raw), (divided, raw / math.sqrt(d_k))):
        for name, number in zip(record, (float(s.std()), *statistics(s)), strict=True):
            record[name].append(number)
    row = [record[name][-1] for record in (undivided, divided) for name in record]
    print(
        f"{d_k:4} "
        + "{:6.2f}  {:7.2f}  {:8.2f}".format(*row[:3])
        + "{:6.2f}  {:7.2f}  {:8.2f}".format(*row[3:])
    )

# %% id="scale-figure"
show(curves.saturation(SIZES, divided, undivided), "saturation")

# %% [markdown] id="scale-explorer" lang="en"
# **Predict:** without the division, how large is the largest of 32 weights at $d_k = 1024$? And on the way there, does the norm $|J|$ fall from the start?
#
# The bars are the weights of one query, the curves the medians of the table above. Move $d_k$ with the division first: the weights change, softmax stays soft. Then leave the division out and move it again. Look at all five queries at the largest $d_k$: for some of them two scores may be close, and a gradient is left.
# %% [markdown] id="scale-explorer" lang="ru"
# **Предскажите:** каким без деления будет наибольший из 32 весов при $d_k = 1024$? И падает ли норма $|J|$ по пути туда с самого начала?
#
# Столбики — веса одного запроса, кривые — медианы из таблицы выше. Сначала двигайте $d_k$ с делением: веса меняются, но softmax остаётся мягким. Потом уберите деление и подвигайте ещё раз. Посмотрите при наибольшем $d_k$ на все пять запросов: у некоторых две оценки могут оказаться близки, и градиент ещё есть.
# %% id="scale-explorer-sizes"
drawn = {}
for d_k in (2**n for n in range(11)):  # the same queries and keys as above, and five sizes more
    queries, keys = randn(200, 1, d_k, seed=d_k), randn(200, 32, d_k, seed=d_k + 1)
    drawn[d_k] = (queries * keys).sum(-1)
explore_saturation(drawn)

# %% [markdown] id="scale-which" lang="en"
# The last panel deserves a second look. Undivided, the norm first *rises*: moderately unequal weights respond more strongly than nearly equal ones. Only then does it fall, to nothing. We took medians because the mean hides this: even at $d_k = 1024$ about one query in five has two largest scores that are close, and still gets a gradient.
#
# The notes divide by the root of the *embedding* size. That is another number: in GPT-2 the embedding has 768 components and a key 64. The sum in the score runs over the components of the key, so $d_k$ decides. We take $D = 512$ and $d_k = 64$ and try both divisors.
# %% [markdown] id="scale-which" lang="ru"
# На последний график стоит взглянуть ещё раз. Без деления норма сначала *растёт*: умеренно неравные веса отзываются сильнее, чем почти равные. И только потом она падает — до нуля. Медиану мы взяли потому, что среднее это скрывает: даже при $d_k = 1024$ примерно у каждого пятого запроса две наибольшие оценки близки, и градиент он всё же получает.
#
# В конспекте делят на корень из размера *эмбеддинга*. Это другое число: в GPT-2 эмбеддинг состоит из 768 компонент, а ключ — из 64. Сумма в оценке берётся по компонентам ключа, значит, всё решает $d_k$. Возьмём $D = 512$, $d_k = 64$ и попробуем оба делителя.
# %% id="scale-claim"
D, d_k = 512, 64
head = SelfAttention(D, d_k, generator=torch.Generator().manual_seed(0))
x = randn(400, D, seed=8)
with torch.no_grad():
    raw = x @ head.W_Q @ (x @ head.W_K).T
by_key, by_model = float((raw / math.sqrt(d_k)).std()), float((raw / math.sqrt(D)).std())
print(f"std(q·k) = {float(raw.std()):.2f}   / √d_k: {by_key:.2f}   / √D: {by_model:.2f}")
claim(
    "3.8",
    holds=all(abs(s - 1) < 0.1 for s in divided["std"])
    and all(abs(s / math.sqrt(n) - 1) < 0.1 for s, n in zip(undivided["std"], SIZES, strict=True))
    and undivided["entropy"][-1] < 0.01 * divided["entropy"][-1]
    and undivided["jacobian"][-1] < 0.01 * divided["jacobian"][-1]
    and abs(by_key - 1) < 0.1
    and by_model < 0.5,
    measured=f"d_k = 1024: std {undivided['std'][-1]:.1f} / {divided['std'][-1]:.2f}, entropy {undivided['entropy'][-1]:.2f} / {divided['entropy'][-1]:.2f}, "
    f"|J| {undivided['jacobian'][-1]:.2f} / {divided['jacobian'][-1]:.2f} · D = 512, d_k = 64: / √d_k {by_key:.2f}, / √D {by_model:.2f}",
)

# %% [markdown] id="scale-absorbed" lang="en"
# Does learning stop without the division? Not necessarily, and interviewers like to ask this as a follow-up. The factor can be moved into the weights: attention *without* a division whose $W_Q$ is $\sqrt{d_k}$ times smaller computes the same thing, up to rounding. T5, an encoder with a decoder (lesson 08), does just that: it does not divide, and starts from a smaller $W_Q$. Besides, an optimiser such as Adam divides every gradient by the root of a running average of its square, which makes up for much of what is small. (The two forms do not train in the same way, though: a step of the same size means more to a smaller $W_Q$.) What the division buys is a softmax that is soft at the start, for every $d_k$, without anybody having to tune the initial weights.
# %% [markdown] id="scale-absorbed" lang="ru"
# Остановится ли обучение без деления? Не обязательно — и на собеседованиях об этом любят спрашивать вдогонку. Множитель можно перенести в веса: внимание *без* деления, у которого $W_Q$ в $\sqrt{d_k}$ раз меньше, вычисляет то же самое с точностью до округления. Так устроена T5, энкодер с декодером (урок 08): она не делит, а начинает с меньшей $W_Q$. К тому же оптимизатор вроде Adam делит каждый градиент на корень из скользящего среднего его квадрата и во многом возмещает его малость. (Обучаются эти два варианта, правда, по-разному: для меньшей $W_Q$ шаг той же длины значит больше.) Деление даёт другое: в начале обучения softmax мягкий при любом $d_k$, и никому не надо подбирать начальные веса.
# %% id="scale-absorbed-check"
_, usual = scaled_dot_product_attention(x @ head.W_Q, x @ head.W_K, x @ head.W_V)
_, absorbed = scaled_dot_product_attention(
    x @ (head.W_Q / math.sqrt(d_k)), x @ head.W_K, x @ head.W_V, scale=1.0
)
print("max |Δa| ≤ 1e-12:", bool((usual - absorbed).abs().max() <= 1e-12))

# %% [markdown] id="matrix" lang="en"
# ## 8. All tokens at once
#
# Put the rows together and the three steps of section 4 become one line, the formula to remember from this lesson:
#
# $$Z = \operatorname{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V, \qquad Q = X W_Q,\quad K = X W_K,\quad V = X W_V.$$
#
# Row $i$ of $QK^\top$ holds the scores of token $i$; softmax runs along each row, that is, over the keys.
# %% [markdown] id="matrix" lang="ru"
# ## 8. Все токены сразу
#
# Соберём строки вместе, и три шага из раздела 4 превратятся в одну формулу; её и стоит запомнить из этого урока:
#
# $$Z = \operatorname{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V, \qquad Q = X W_Q,\quad K = X W_K,\quad V = X W_V.$$
#
# В строке $i$ матрицы $QK^\top$ стоят оценки токена $i$; softmax берётся вдоль каждой строки, то есть по ключам.
# %% id="matrix-figure"
show(drawings.attention_matrix_form(), "attention_matrix_form")


# %% [markdown] id="module" lang="en"
# ## 9. The module
#
# Twenty lines hold all of it (Vaswani et al., 2017, section 3.2.1, equation 1). One set of $W_Q, W_K, W_V$ is called a **head**; a head that works on the output of another belongs to the next **layer**. The initial weights have standard deviation $1/\sqrt{D}$, for the same reason as in section 7: then the components of a query, each a sum of $D$ products, start with variance 1 if those of $x$ have it.
# %% [markdown] id="module" lang="ru"
# ## 9. Модуль
#
# Всё это умещается в двадцать строк (Vaswani et al., 2017, раздел 3.2.1, формула 1). Один набор $W_Q, W_K, W_V$ называют **головой внимания** (attention head); голова, которая работает с выходом другой, относится к следующему **слою**. Стандартное отклонение начальных весов — $1/\sqrt{D}$, и причина та же, что в разделе 7: тогда компоненты запроса (каждая — сумма $D$ произведений) в начале обучения имеют дисперсию 1, если она такова у компонент $x$.
# %% id="module-head"
class Head(nn.Module):
    """One head of self-attention: x (..., T, D) -> z (..., T, d_v), weights (..., T, T)."""

    def __init__(self, D, d_k, d_v, generator):
        super().__init__()
        self.W_Q, self.W_K, self.W_V = (
            nn.Parameter(
                torch.randn(D, width, generator=generator, dtype=torch.float64) / math.sqrt(D)
            )
            for width in (d_k, d_k, d_v)
        )

    def forward(self, x, mask=None):
        Q, K, V = x @ self.W_Q, x @ self.W_K, x @ self.W_V
        scores = Q @ K.mT / math.sqrt(K.shape[-1])  # .mT transposes the last two dimensions
        if mask is not None:  # True = may look
            scores = scores.masked_fill(~mask, -math.inf)  # a copy with −∞ where mask is not True
        weights = scores.softmax(dim=-1)
        return weights @ V, weights


mine = Head(8, 5, 8, torch.Generator().manual_seed(1))
packaged = SelfAttention(8, 5, 8, generator=torch.Generator().manual_seed(1))
x = randn(2, 7, 8, seed=9)  # B = 2 sentences, T = 7 tokens, D = 8
z, weights = mine(x)
print("x", tuple(x.shape), "→ z", tuple(z.shape), " a", tuple(weights.shape))
print("max |Head − SelfAttention| ≤ 1e-12:", bool((z - packaged(x)[0]).abs().max() <= 1e-12))

y = x
for seed in range(3):  # the output is again T vectors of size D, so it can be the next input
    y, _ = Head(8, 5, 8, torch.Generator().manual_seed(seed))(y)
claim("3.3", holds=y.shape == x.shape, measured=f"{tuple(x.shape)} → 3 × → {tuple(y.shape)}")


# %% [markdown] id="parity" lang="en"
# ## 10. Is it right?
#
# "It runs and the shapes fit" is what a wrong attention says too. So we hold ours against the implementation everybody uses, `F.scaled_dot_product_attention`, and compare not the outputs alone but the gradients of every input, on sizes that are all different, with a random mask, and in the limiting case of one token. (There may be fewer queries than keys: in lesson 07 they come from different sentences.) Each line states a bound that the largest difference did not exceed.
# %% [markdown] id="parity" lang="ru"
# ## 10. Верно ли это?
#
# «Запускается, и формы сходятся» — то же можно сказать и о внимании с ошибкой. Поэтому сравним наше с реализацией, которой пользуются все, `F.scaled_dot_product_attention`, — причём не только выходы, но и градиенты по каждому входу, на попарно различных размерах, со случайной маской и в предельном случае одного токена. (Запросов бывает меньше, чем ключей: в уроке 07 они приходят из разных предложений.) В каждой строке — граница, которую наибольшее расхождение не превысило.
# %% id="parity-functional"
def ours(q, k, v, mask=None):
    return scaled_dot_product_attention(q, k, v, mask)[0]


B, T_q, T_k, d_k, d_v = 2, 5, 7, 3, 4
q, k, v = randn(B, T_q, d_k, seed=1), randn(B, T_k, d_k, seed=2), randn(B, T_k, d_v, seed=3)
mask = torch.rand(T_q, T_k, generator=torch.Generator().manual_seed(4), dtype=torch.float64) < 0.6
mask[:, 0] = True  # every query sees at least one key

parity("F.scaled_dot_product_attention", ours, F.scaled_dot_product_attention, q, k, v)
parity(
    "… attn_mask",
    lambda *inputs: ours(*inputs, mask),
    lambda *inputs: F.scaled_dot_product_attention(*inputs, attn_mask=mask),
    q,
    k,
    v,
)
parity(
    "… is_causal",
    lambda *inputs: ours(*inputs, causal_mask(T_q)),
    lambda *inputs: F.scaled_dot_product_attention(*inputs, is_causal=True),
    q,
    k[:, :T_q],
    v[:, :T_q],
)
parity("… T = 1", ours, F.scaled_dot_product_attention, q[:, :1], k[:, :1], v[:, :1])

# %% id="parity-module"
reference = [weight.detach().clone().requires_grad_() for weight in (mine.W_Q, mine.W_K, mine.W_V)]
parity(
    "Head",
    lambda x: mine(x)[0],
    lambda x: F.scaled_dot_product_attention(*(x @ weight for weight in reference)),
    x,
    parameters=list(zip(mine.parameters(), reference, strict=True)),
)

# %% [markdown] id="mask" lang="en"
# ## 11. Who may look at whom
#
# A mask $M$ forbids some of the looks. A model that predicts the next word must not see it (lesson 07), so token $i$ may look at tokens $1 \ldots i$ only: the *causal* mask. In a batch, shorter sentences are filled up with padding that nobody should look at: the *padding* mask, one row per sentence that serves all of its queries. (Our $M$ is true where one *may* look; `masked_fill` of the primer overwrites where its mask is true, hence `~mask`.)
#
# The forbidden scores become $-\infty$ **before** the softmax, because $e^{-\infty} = 0$: the weight is exactly zero, and the others share the whole of 1 among themselves. (A query that may look at nobody has no softmax: 0/0. Our `Head` then returns NaN; the packaged function, like PyTorch's, returns zeros.)
# %% [markdown] id="mask" lang="ru"
# ## 11. Кто на кого может смотреть
#
# Маска $M$ закрывает часть пар «запрос — ключ». Модель, которая предсказывает следующее слово, не должна его видеть (урок 07), поэтому токену $i$ разрешено смотреть только на токены $1 \ldots i$: это *каузальная* маска (causal mask). В батче короткие предложения дополняют до длины самого длинного, и на это заполнение (padding) никто смотреть не должен: это *маска заполнения* — по строке на предложение, одной для всех его запросов. (Наша $M$ истинна там, где смотреть *можно*, а `masked_fill` из введения перезаписывает там, где истинна её маска; отсюда `~mask`.)
#
# Запрещённые оценки заменяют на $-\infty$ **до** softmax, потому что $e^{-\infty} = 0$: вес получается ровно нулевым, а остальные делят между собой всю единицу. (Если запросу нельзя смотреть ни на кого, softmax не существует: 0/0. Наш `Head` тогда вернёт NaN, а функция из пакета, как и в PyTorch, — нули.)
# %% id="mask-figure"
show(drawings.causal_mask(), "causal_mask")

# %% id="mask-matrix"
_, open_weights = scaled_dot_product_attention(Q, K, V)
_, causal_weights = scaled_dot_product_attention(Q, K, V, causal_mask(3))
print("mask =\n", causal_mask(3).int(), sep="")
print("A =\n", open_weights, sep="")
print("A, causal_mask =\n", causal_weights, sep="")
for length, row in zip((3, 1), padding_mask(torch.tensor([3, 1]), 3), strict=True):
    print("padding_mask", f"{length}/3:", row.int().tolist())


# %% [markdown] id="mask-break" lang="en"
# **Break it.** A popular mistake multiplies by the mask *after* the softmax. The picture looks right: the forbidden weights are zero. **Predict:** if a *later* token changes, does the output of the first token change?
#
# <details><summary>Answer</summary>
#
# It does. The forbidden scores still stand in the denominator of the softmax, so the future leaks through the sum. The symptom to look for: rows that sum to less than 1.
#
# </details>
# %% [markdown] id="mask-break" lang="ru"
# **Сломаем.** Частая ошибка — умножить на маску *после* softmax. Картинка выглядит правильно: запрещённые веса равны нулю. **Предскажите:** если изменить *более поздний* токен, изменится ли выход первого?
#
# <details><summary>Ответ</summary>
#
# Изменится. Запрещённые оценки остались в знаменателе softmax, и будущее просачивается через сумму. Симптом, по которому это узнают: сумма весов в строке меньше 1.
#
# </details>
# %% id="mask-break-it"
def masked_too_late(Q, K, V, mask):
    weights = (Q @ K.T / math.sqrt(K.shape[-1])).softmax(dim=-1) * mask
    return weights @ V, weights


changed = X.clone()
changed[2] = torch.tensor([3.0, -1.0])  # the last token becomes another
moved = {}
for function in (scaled_dot_product_attention, masked_too_late):
    before, weights = function(Q, K, V, causal_mask(3))
    after, _ = function(changed @ W_Q, changed @ W_K, changed @ W_V, causal_mask(3))
    moved[function.__name__] = float((before[0] - after[0]).abs().max())
    print(
        f"{function.__name__:29} Σ_j a_1j = {weights[0].sum():.4f}   max |Δz_1| = {moved[function.__name__]:.4f}"
    )
assert moved["scaled_dot_product_attention"] == 0 and moved["masked_too_late"] > 0.1


# %% [markdown] id="values" lang="en"
# ## 12. Why a value, if there is the vector itself?
#
# The question stands in the notes with no answer. Queries and keys decide *who* is listened to; why not mix the vectors $x_j$ themselves, without a $W_V$?
#
# Because what a token is found by and what it should hand over are two different things. Here is a task that says so. Each token's vector has three parts: the name it seeks, its own name, and a payload of four numbers. The answer of a token should be the payload of the token it seeks, with the sign turned. We train one head with values $xW_V$, and one that hands over the payload as it stands.
# %% [markdown] id="values" lang="ru"
# ## 12. Зачем значение, если есть сам вектор?
#
# Этот вопрос стоит в конспекте без ответа. Запросы и ключи решают, *кого* слушать; почему бы не смешивать сами векторы $x_j$, без $W_V$?
#
# Потому что то, по чему токен находят, и то, что он должен отдать, — разные вещи. Вот задача, в которой это видно. Вектор каждого токена состоит из трёх частей: имя, которое он ищет, его собственное имя и груз из четырёх чисел. Ответ токена — груз того, кого он ищет, с обратным знаком. Обучим одну голову со значениями $xW_V$ и другую, которая отдаёт груз как есть.
# %% id="values-break-it"
def seek_and_turn(size, seed, T=5):
    """X (size, T, 2T + 4) = name sought | own name | payload; target (size, T, 4) = − payload of the sought token."""
    generator = torch.Generator().manual_seed(seed)
    # sorting random numbers shuffles 0 … T − 1
    names = torch.rand(size, T, generator=generator, dtype=torch.float64).argsort(-1)
    sought = torch.randint(T, (size, T), generator=generator)
    payload = torch.randn(size, T, 4, generator=generator, dtype=torch.float64)
    X = torch.cat([F.one_hot(names.gather(1, sought), T), F.one_hot(names, T), payload], dim=-1)
    return X, -payload.gather(1, sought[..., None].expand(-1, -1, 4))


def squared_error(head, label, X, target):
    output, weights = head(X)
    if label == "v = payload":
        output = weights @ X[..., -4:]
    return (output - target).pow(2).mean()


results = {}
for label in ("v = x W_V", "v = payload"):
    head = SelfAttention(14, 8, 4, generator=torch.Generator().manual_seed(0))  # D = 2 · 5 + 4
    optimizer = torch.optim.Adam(head.parameters())
    for step in range(400):
        optimizer.param_groups[0]["lr"] = 0.03 * (1 - step / 400)
        loss = squared_error(head, label, *seek_and_turn(64, seed=step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        results[label] = float(squared_error(head, label, *seek_and_turn(10_000, seed=10**6)))
    print(f"{label:12} MSE {results[label]:.3f}")
assert results["v = x W_V"] < 0.01 and results["v = payload"] > 1

# %% [markdown] id="values-what" lang="en"
# Without $W_V$ the output is a weighted average of the payloads themselves: a head that finds the sought token can only hand over its payload as it is, with the wrong sign. What training finds is to look at everybody *except* the sought token. Averaging the other four payloads alike costs 1.25, mixing all five alike 1.6; the head does a little better, with `1.193`, since a token that seeks itself knows its payload and can favour opposite ones. Even the answer *zero* would be better, with an error of 1, but weights that sum to 1 cannot say zero. (A matrix applied *after* the mixing would do as well, since $A(XW_V) = (AX)W_V$; lesson 04 has one. What matters is that some matrix chooses and turns what is sent, before it is added to what the receiver holds: else the *whole* vector $x_j$, names included, would be poured into its neighbours.)
#
# One limit remains. The notes illustrate the value with a word of many meanings, *frame*: of a door, of a picture, of a car. But $v_j = x_j W_V$ is one vector for one $x_j$. Whoever looks at *frame*, in whatever sentence, receives the same value, as long as $x_j$ is the same. Choosing a meaning takes context, so it takes a *second* layer, whose $x_j$ has already listened to its neighbours. The next cell shows both: the weights $A$ of section 4 with two different $W_V$ (one looks at the same place, and takes another thing), and the value of *it* in our two sentences, in a first and in a second layer.
# %% [markdown] id="values-what" lang="ru"
# Без $W_V$ выход — взвешенное среднее самих грузов: найдя нужный токен, голова может отдать его груз только как есть, с неверным знаком. Обучение находит такой выход: смотреть на всех, *кроме* того, кого ищут. Усреднить четыре чужих груза поровну стоит 1.25, смешать все пять — 1.6; голова ошибается чуть меньше, на `1.193`: токен, который ищет сам себя, знает свой груз и может выбирать противоположные. Даже ответ «ноль» был бы лучше, его ошибка 1, но веса с суммой 1 сказать «ноль» не могут. (Подошла бы и матрица *после* смешивания, ведь $A(XW_V) = (AX)W_V$; в уроке 04 такая есть. Важно, чтобы какая-то матрица отбирала и поворачивала то, что передаётся, прежде чем оно прибавится к тому, что есть у получателя: иначе в соседей выливался бы *весь* вектор $x_j$ вместе с именами.)
#
# Одно ограничение остаётся. В конспекте значение поясняют многозначным словом *frame*: дверная коробка, рама картины, рама автомобиля. Но $v_j = x_j W_V$ — один вектор для одного $x_j$. Кто бы ни посмотрел на *frame* и в каком бы предложении это ни случилось, он получит одно и то же значение, пока одинаков сам $x_j$. Чтобы выбрать смысл, нужен контекст, а значит, *второй* слой, у которого $x_j$ уже послушал соседей. Следующая ячейка показывает и то и другое: веса $A$ из раздела 4 с двумя разными $W_V$ (взгляд тот же, а берётся другое) и значение слова *it* в наших двух предложениях в первом слое и во втором.
# %% id="values-claim"
first, second = (Head(4, 4, 4, torch.Generator().manual_seed(seed)) for seed in (0, 1))
with torch.no_grad():
    v_tired, v_wide = (x @ first.W_V for x in (x_tired, x_wide))
    same = float((v_tired[tired.it] - v_wide[wide.it]).abs().max())
    h_tired, h_wide = (x + first(x)[0] for x in (x_tired, x_wide))  # after one layer: x + z
    later = float((h_tired[tired.it] @ second.W_V - h_wide[wide.it] @ second.W_V).abs().max())
other_values = (A @ V, A @ (X @ torch.tensor([[0.0, 1, 0], [1, 0, -1]], dtype=torch.float64)))
print("A V  =\n", other_values[0], "\nA V' =\n", other_values[1], sep="")
claim(
    "3.13",
    holds=same == 0 and later > 0.01 and results["v = payload"] > 100 * results["v = x W_V"],
    measured=f"MSE: x W_V {results['v = x W_V']:.3f}, payload {results['v = payload']:.3f} · "
    f"|v_it(tired) − v_it(wide)|: 1 → {same:.4f}, 2 → {later:.4f}",
)

# %% [markdown] id="cost" lang="en"
# ## 13. What is quadratic, and what is not
#
# "Twice the tokens, four times the work." **Predict:** how many times does the work of our `Head` grow from 64 tokens to 128, for $D = d_k = d_v = 64$?
#
# We count instead of timing, with the `OperationCounter` of lesson 00 (section 8), which adds up the multiply-adds of the matrix products that PyTorch really executes: $a \cdot b \cdot c$ for matrices $(a, b)$ and $(b, c)$. For memory, autograd itself tells which tensors it keeps for the backward pass.
# %% [markdown] id="cost" lang="ru"
# ## 13. Что квадратично, а что нет
#
# «Вдвое больше токенов — вчетверо больше работы». **Предскажите:** во сколько раз вырастет работа нашего `Head` при переходе от 64 токенов к 128, если $D = d_k = d_v = 64$?
#
# Будем считать, а не засекать время: `OperationCounter` из урока 00 (раздел 8) подсчитывает умножения-сложения в матричных произведениях, которые PyTorch действительно выполняет, — $a \cdot b \cdot c$ для матриц $(a, b)$ и $(b, c)$. О памяти расскажет autograd: он знает, какие тензоры сохраняет для обратного прохода.
# %% id="cost-quadratic"
show(drawings.quadratic_cost(), "quadratic_cost")

# %% id="cost-count"
D = 64
LENGTHS = (32, 64, 128, 256, 512)
head = Head(D, D, D, torch.Generator().manual_seed(0))
total, mixing, saved = [], [], []
print("   T        T·3D²       T²·2D           Σ    × Σ          saved  × saved")
for T in LENGTHS:
    x = randn(T, D, seed=T)
    with OperationCounter() as everything:
        head(x)
    with OperationCounter() as pairs:
        scaled_dot_product_attention(x, x, x)  # scores and weighted sum alone
    with saved_for_backward() as memory:
        head(x)
    total.append(everything.matmul)
    mixing.append(pairs.matmul)
    saved.append(memory.numbers)
    growth = (
        [f"{now / before:.2f}" for now, before in (total[-1:-3:-1], saved[-1:-3:-1])]
        if len(total) > 1
        else ["", ""]
    )
    print(
        f"{T:4} {total[-1] - mixing[-1]:12,} {mixing[-1]:11,} {total[-1]:11,} {growth[0]:>6} {saved[-1]:14,} {growth[1]:>8}"
    )
projections = [t - m for t, m in zip(total, mixing, strict=True)]

# %% id="cost-figure"
show(curves.cost(LENGTHS, projections, mixing, crossing=1.5 * D), "attention_cost")

# %% [markdown] id="cost-explained" lang="en"
# The projections handle each token by itself: $T \cdot D \cdot (2 d_k + d_v)$, doubled by doubling $T$. The scores and the weighted sum handle pairs: $T^2 (d_k + d_v)$, quadrupled. From 64 to 128 tokens the whole grows by a factor of `2.80`, not 4; the factor creeps up to 4 as the pairs take over. With $D = d_k = d_v$ the two parts are equal at $T = \tfrac{3}{2} D$, which is 96 here. (Lesson 00, section 8, asked other questions: from $2D$ on, attention with $W_O$ costs more than an LSTM; from $6D$ on, the pairs are more than half of a whole block's work.) In memory, the $T^2$ weights are kept for the backward pass, beside $T (D + 2 d_k + d_v)$ numbers of $X$, $Q$, $K$ and $V$; they are one reason why memory, before time, used to limit the length of texts.
# %% [markdown] id="cost-explained" lang="ru"
# Проекции обрабатывают каждый токен отдельно: $T \cdot D \cdot (2 d_k + d_v)$ — удвоение $T$ их удваивает. Оценки и взвешенная сумма имеют дело с парами: $T^2 (d_k + d_v)$ — растут вчетверо. От 64 токенов к 128 всё вместе вырастает в `2.80` раза, а не в 4; множитель подбирается к 4 по мере того, как начинают преобладать пары. При $D = d_k = d_v$ две части сравниваются на $T = \tfrac{3}{2} D$, здесь это 96. (В уроке 00, раздел 8, вопросы были другие: начиная с $2D$ внимание вместе с $W_O$ дороже LSTM, а с $6D$ на пары уходит больше половины работы целого блока.) В памяти для обратного прохода хранятся $T^2$ весов и ещё $T (D + 2 d_k + d_v)$ чисел из $X$, $Q$, $K$ и $V$; в том числе из-за них длину текста раньше ограничивала память, а уже потом время.
# %% id="cost-claim"
ratios = {
    name: [b / a for a, b in zip(seq, seq[1:], strict=False)]
    for name, seq in (("T²", mixing), ("T", projections), ("all", total))
}
saved_quadratic = [
    s - T * T for s, T in zip(saved, LENGTHS, strict=True)
]  # what is left after the T × T weights …
linear = [b - a for a, b in zip(saved_quadratic, saved_quadratic[1:], strict=False)]
claim(
    "3.10",
    holds=set(ratios["T²"]) == {4.0}
    and set(ratios["T"]) == {2.0}
    and all(2 < r < 4 for r in ratios["all"])
    and all(b == 2 * a for a, b in zip(linear, linear[1:], strict=False)),  # … grows linearly
    measured=f"T → 2T: T·3D² × 2, T²·2D × 4, Σ × {ratios['all'][0]:.2f} … {ratios['all'][-1]:.2f} · saved = T² + O(T)",
)

# %% [markdown] id="tiled" lang="en"
# ## 14. Without the $T \times T$ matrix
#
# To add up the values, the weights are needed only one at a time. But softmax seems to need the whole row first: its denominator is a sum over all keys, and for safety one subtracts the largest score, so that the exponential never overflows.
#
# The way out is to correct as one goes. Walk over the keys and carry three things: the largest score so far $m$ (scores after the division by $\sqrt{d_k}$), the sum so far $\ell = \sum_j e^{s_j - m}$, and the weighted sum so far $o = \sum_j e^{s_j - m} v_j$. When a score $s$ with its value $v$ comes in, set $m' = \max(m, s)$ and
#
# $$\ell' = \ell\, e^{m - m'} + e^{s - m'}, \qquad o' = o\, e^{m - m'} + e^{s - m'} v.$$
#
# The factor $e^{m-m'}$ replaces the old maximum by the new one in every term at once. At the end $o / \ell$ is the exact output. Taken block by block instead of key by key, this *online softmax* (Milakov and Gimelshein, 2018, for $m$ and $\ell$; Rabe and Staats, 2021, with $o$) is one of the two ideas inside FlashAttention (Dao et al., 2022): the matrix of scores is never in memory as a whole.
# %% [markdown] id="tiled" lang="ru"
# ## 14. Без матрицы $T \times T$
#
# Чтобы накапливать сумму значений, достаточно брать веса по одному. Но softmax, кажется, требует сначала всю строку: его знаменатель — сумма по всем ключам, а чтобы экспонента не переполнилась, из оценок вычитают наибольшую.
#
# Решение — поправлять на ходу. Идём по ключам и несём с собой три величины: наибольшую оценку из увиденных $m$ (оценки уже разделены на $\sqrt{d_k}$), сумму $\ell = \sum_j e^{s_j - m}$ и взвешенную сумму $o = \sum_j e^{s_j - m} v_j$. Приходит оценка $s$ со своим значением $v$ — полагаем $m' = \max(m, s)$ и
#
# $$\ell' = \ell\, e^{m - m'} + e^{s - m'}, \qquad o' = o\, e^{m - m'} + e^{s - m'} v.$$
#
# Множитель $e^{m-m'}$ заменяет старый максимум новым сразу во всех слагаемых. В конце $o / \ell$ — точный выход. Если идти не по одному ключу, а блоками, то этот *онлайн-softmax* (online softmax; Milakov, Gimelshein, 2018 — для $m$ и $\ell$; Rabe, Staats, 2021 — вместе с $o$) — одна из двух идей, на которых стоит FlashAttention (Dao et al., 2022): матрица оценок никогда не хранится в памяти целиком.
# %% id="tiled-figure"
show(drawings.tiled_attention(), "tiled_attention")

# %% id="tiled-by-hand"
maximum, total_weight, output = -math.inf, 0.0, torch.zeros(3, dtype=torch.float64)
for j in (2, 1, 0):  # the scores of *it* from section 4, backwards: the largest comes last
    token, score, value = tokens[j], float(scaled[j]), V[j]
    new = max(maximum, score)
    shrink, weight = math.exp(maximum - new), math.exp(score - new)
    maximum, total_weight, output = (
        new,
        total_weight * shrink + weight,
        output * shrink + weight * value,
    )
    print(f"{token:7} m = {maximum:.0f}   ℓ = {total_weight:.4f}   o / ℓ =", output / total_weight)
print("Z[2]                     =", Z[2])

# %% id="tiled-memory"
print("    T                   ours  tiled_attention   (max numel)")
largest = []
for T in (256, 512, 1024, 2048):
    x = randn(T, 16, seed=T)
    with torch.no_grad():
        with OperationCounter() as whole:
            expected = ours(x, x, x)
        with OperationCounter() as blocks:
            in_blocks = tiled_attention(x, x, x, query_block=64, key_block=64)
    assert (expected - in_blocks).abs().max() < 1e-12
    largest.append(blocks.largest)
    print(f"{T:5} {whole.largest:22,} {blocks.largest:16,}")
assert all(
    b <= 2 * a for a, b in zip(largest, largest[1:], strict=False)
)  # twice the length, at most twice the memory

# %% [markdown] id="tiled-after" lang="en"
# The largest tensor of the plain version is the $T \times T$ matrix; that of the tiled version is one block, or, for long texts, the output itself, which grows linearly. The matrix products are the same: tiling saves memory, and the time spent moving data, not arithmetic. All this is the forward pass. For training blocks alone do not help, because autograd would keep every one of them; FlashAttention's second idea is to keep $m$ and $\ell$ only and to compute the blocks once more in the backward pass.
# %% [markdown] id="tiled-after" lang="ru"
# Самый большой тензор обычной версии — матрица $T \times T$; у блочной — один блок, а на длинных текстах сам выход, который растёт линейно. Матричные произведения те же: блоки экономят память и время на пересылку данных, но не операции. Всё это — прямой проход. Для обучения одних блоков мало, потому что autograd сохранил бы их все; вторая идея FlashAttention — хранить только $m$ и $\ell$, а при обратном проходе вычислять блоки заново.

# %% [markdown] id="timing-text" lang="en"
# How long all this takes is another matter, and differs between machines. The next cell is the only one of this lesson whose output is not compared when the course is validated; run it on yours.
# %% [markdown] id="timing-text" lang="ru"
# Сколько всё это занимает времени — другой вопрос, и на разных машинах ответ разный. Следующая ячейка — единственная в уроке, чей вывод не сверяется при проверке курса; запустите её у себя.
# %% id="timing" tags=["nbval-ignore-output"]
# Not compared by validation: seconds differ between machines.
import time


def milliseconds(function, *arguments, repeat=3):
    best = math.inf
    for _ in range(repeat):
        begin = time.perf_counter()
        function(*arguments)
        best = min(best, time.perf_counter() - begin)
    return 1000 * best


with torch.no_grad():
    x = randn(256, 64, seed=1)
    print(
        f"T = 256: attention_loop {milliseconds(attention_loop, x, x, x, repeat=1):.0f}, ours {milliseconds(ours, x, x, x):.2f} (ms)"
    )
    print("    T     ours    tiled   F.scaled_dot_product_attention   (ms, float32)")
    for T in (512, 1024, 2048, 4096):
        x = randn(T, 64, seed=2).float()
        measured = [milliseconds(f, x, x, x) for f in (ours, tiled_attention)]
        fused = milliseconds(
            F.scaled_dot_product_attention, x[None, None], x[None, None], x[None, None]
        )
        print(f"{T:5} {measured[0]:8.1f} {measured[1]:8.1f} {fused:8.1f}")

# %% [markdown] id="window" lang="en"
# ## 15. Looking only nearby
#
# One way to save operations is to leave pairs out. With a *sliding window* token $i$ looks at the $w$ tokens on either side only, which costs at most $T (2w + 1)(d_k + d_v)$: linear in $T$. **Predict:** if every layer sees $w$ tokens either side, how far can information travel in three layers?
# %% [markdown] id="window" lang="ru"
# ## 15. Смотреть только рядом
#
# Один из способов сократить число операций — не считать часть пар. Со *скользящим окном* (sliding window) токен $i$ смотрит только на $w$ токенов с каждой стороны, и это стоит не больше $T (2w + 1)(d_k + d_v)$ — линейно по $T$. **Предскажите:** если каждый слой видит по $w$ токенов в обе стороны, как далеко информация дойдёт за три слоя?
# %% id="window-figure"
show(drawings.sliding_window(), "sliding_window")

# %% id="window-claim"
w, counts = 15, []
for T in LENGTHS[1:]:
    x = randn(T, D, seed=T)
    with OperationCounter() as counter:
        strip = sliding_window_attention(x, x, x, w)
    banded = ours(x, x, x, sliding_window_mask(T, w))
    assert (strip - banded).abs().max() < 1e-12  # the same outputs as the full matrix with a mask
    counts.append(counter.matmul)
print("T =", LENGTHS[1:], " matmul:", counts)

T, w_small, reached = 31, 3, []
for depth in (1, 2, 3):
    layers = [Head(8, 8, 8, torch.Generator().manual_seed(n)) for n in range(depth)]
    x = randn(T, 8, seed=0).requires_grad_()
    h = x
    for layer in layers:
        h = h + layer(h, sliding_window_mask(T, w_small))[0]
    reached.append(
        torch.stack(
            [torch.autograd.grad(row.sum(), x, retain_graph=True)[0].norm(dim=-1) > 0 for row in h]
        ).numpy()
    )
reach = [int(max(abs(i - j) for i, j in zip(*field.nonzero(), strict=True))) for field in reached]
claim(
    "3.11",
    holds=all(
        count == 2 * T * (2 * w + 1) * D for count, T in zip(counts, LENGTHS[1:], strict=True)
    )
    and reach == [3, 6, 9],
    measured=f"w = 15: {counts[0]:,} … {counts[-1]:,} (T × {LENGTHS[-1] // LENGTHS[1]} → × {counts[-1] // counts[0]}) · w = 3: max |i − j| = {reach}",
)

# %% id="window-receptive-field"
show(curves.receptive_field(reached, w_small), "receptive_field")

# %% [markdown] id="coreference" lang="en"
# ## 16. What does *it* refer to?
#
# Back to the problem of section 1. The `crossing` corpus generates sentences like the two you saw, from 47 living things, 34 places and 59 adjectives; each adjective fits only one of the two nouns. One in five pairs of nouns is *held out*: it never occurs in training; the 2000 test sentences use only such pairs.
#
# A model should **point** at the noun that *it* refers to. We let attention itself be the pointer: the weights of the last layer, in the row of *it*, are the answer, and the loss is $-\ln a_{\text{it},\,\text{referent}}$.
# %% [markdown] id="coreference" lang="ru"
# ## 16. К чему относится *it*?
#
# Вернёмся к задаче из раздела 1. Из 47 названий живых существ, 34 названий мест и 59 прилагательных генератор `crossing` составляет предложения вроде тех двух; каждое прилагательное подходит только к одному из двух существительных. Каждая пятая пара существительных *отложена* (held out): в обучении она не встречается; 2000 тестовых предложений составлены только из таких пар.
#
# Модель должна **указать** на существительное, к которому относится *it*. Указателем пусть служит само внимание: ответ — веса последнего слоя в строке слова *it*, а функция потерь — $-\ln a_{\text{it},\,\text{referent}}$.
# %% id="coreference-data"
for pair in crossing.twins(2, seed=11):
    for sentence in pair:
        print(f"{sentence}   it → {sentence.tokens[sentence.referent]}")
test = coreference.test_sentences()
adjectives = {
    *crossing.AGENT_ADJECTIVES,
    *(a for some in crossing.PLACE_ADJECTIVES.values() for a in some),
}
places = sum(map(len, crossing.PLACES.values()))
sides = [len(crossing.noun_pairs(pairs=side)) for side in ("train", "held-out")]
print(f"AGENTS {len(crossing.AGENTS)}, PLACES {places}, adjectives {len(adjectives)}")
print(f"noun_pairs: train {sides[0]}, held-out {sides[1]}   test: {len(test)}")

# %% [markdown] id="coreference-predict" lang="en"
# **Predict:** is one attention layer enough to point?
#
# <details><summary>Answer</summary>
#
# Not for pointing, and it can be proved. In one layer the query of *it* is $x_{\text{it}} W_Q$, the same in every sentence. The keys of *animal* and *street* are the same too. So the two scores do not depend on the adjective at all, and the ratio of the two weights is the same for *tired* and for *wide*. Such a model points at the same noun in both of two *twins*, sentences that differ in the adjective alone, and is right in at most one of them. (The proof is about the *weights*. What one layer hands over, $z_{\text{it}}$, may well contain both the noun and the adjective, and a further trained layer on top of it could put two and two together. But the weights of one layer cannot.)
#
# </details>
#
# With two layers there is a way: in the first, *it* fetches the adjective; its vector is **added** to what was fetched, $h_i = x_i + z_i$ (a *residual sum*; lesson 06 explains it); in the second, the query of *it* depends on the adjective.
# %% [markdown] id="coreference-predict" lang="ru"
# **Предскажите:** хватит ли одного слоя внимания, чтобы указать?
#
# <details><summary>Ответ</summary>
#
# Чтобы указать — нет, и это можно доказать. В одном слое запрос слова *it* — это $x_{\text{it}} W_Q$, один и тот же во всех предложениях. Ключи слов *animal* и *street* тоже не меняются. Значит, две оценки вообще не зависят от прилагательного, и отношение двух весов одинаково и для *tired*, и для *wide*. Такая модель в обоих предложениях-*близнецах*, которые различаются только прилагательным, указывает на одно и то же существительное и права самое большее в одном из них. (Доказательство — о *весах*. В том, что один слой передаёт дальше, $z_{\text{it}}$, вполне могут быть и существительное, и прилагательное, и ещё один обученный слой поверх мог бы их сопоставить. Но веса одного слоя этого не могут.)
#
# </details>
#
# С двумя слоями путь есть: в первом *it* забирает прилагательное, и забранное **прибавляют** к вектору самого *it*: $h_i = x_i + z_i$ (*остаточная сумма*, residual sum; о ней урок 06); во втором запрос слова *it* уже зависит от прилагательного.
# %% id="coreference-two-layers"
show(drawings.two_layers_for_it(), "two_layers_for_it")


# %% id="coreference-model"
class Pointer(nn.Module):
    """Layers of attention; the weights of the last one are the answer. ids (B, T) -> the weights of each layer."""

    def __init__(self, layers, seed):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embedding = nn.Parameter(
            torch.randn(len(words), 32, generator=generator, dtype=torch.float64)
        )
        self.layers = nn.ModuleList(Head(32, 16, 32, generator) for _ in range(layers))

    def forward(self, ids, lengths):
        x, mask, maps = self.embedding[ids], padding_mask(lengths, ids.shape[1]), []
        for layer in self.layers:
            z, weights = layer(x, mask)
            x = x + z
            maps.append(weights)
        return maps


def train(model, steps=500, size=128, rate=0.02, kind="place"):
    optimizer, losses = torch.optim.Adam(model.parameters()), []
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        sentences = crossing.sentences(size, seed=step, kind=kind)  # fresh ones in every step
        ids, lengths, it, referent = coreference.batch(sentences)
        # From the last layer's weights of sentence n: row it[n], column referent[n].
        loss = -model(ids, lengths)[-1][torch.arange(size), it, referent].log().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


models = {layers: Pointer(layers, seed=0) for layers in (2, 1)}
history = {layers: train(model) for layers, model in models.items()}
accuracy = {layers: coreference.accuracy(model, test) for layers, model in models.items()}
for layers in models:
    print(
        f"layers={layers}   loss {sum(history[layers][-50:]) / 50:.3f}   accuracy {accuracy[layers]:.3f}"
    )

# %% id="coreference-loss"
show(
    curves.losses({"two-layers": history[2], "one-layer": history[1]}, floor=math.log(2)),
    "coreference_loss",
)

# %% id="coreference-maps"
ids, lengths, it, _ = coreference.batch([tired, wide])
rows = {}
with torch.no_grad():
    for layers, model in models.items():
        rows[layers] = [
            [maps[n, tired.it].numpy() for maps in model(ids, lengths)] for n in range(2)
        ]
show(curves.rows_of_it([tired.tokens, wide.tokens], rows[2], tired.nouns), "rows_of_it")

# %% id="coreference-break-it"
animal, street = tired.nouns
ratio = [float(r[0][animal] / r[0][street]) for r in rows[1]]
print(f"layers=1: a(animal) / a(street) = {ratio[0]:.4f} (tired), {ratio[1]:.4f} (wide)")
assert abs(ratio[0] / ratio[1] - 1) < 1e-12 and accuracy[1] <= 0.5
assert sum(history[1][-50:]) / 50 > 0.6  # near ln 2 = 0.693: a coin toss

looks = coreference.weight_on_adjective(models[2], test)
print("a_adj, layer 1:", {row: f"{weight:.2f}" for row, weight in looks.items()})

# %% [markdown] id="coreference-found" lang="en"
# Nobody told the first layer to fetch the adjective: only the last layer's row of *it* entered the loss. Look at *wide*: all of *it*'s weight in layer 1 went there. Now look at *tired*: most went elsewhere, and the answer is right all the same. Over all test sentences *it* gives the adjective `0.52` of its weight when it fits the living thing, and `0.95` when it fits the place (printed as `it, tired` and `it, wide`; `nouns` is the same for the rows of the two nouns).
#
# Here is a guess. The model has two cases to tell apart, and it is enough to recognise one of them: where *it* has not seen an adjective for places, the living thing is meant. A picture of weights shows where a token looked; it does not show what the model concludes from *not* finding something there. To find out one has to interfere. We forbid *it* to look at the adjective in layer 1 and leave everything else as it is. **Predict** the accuracy on sentences of the *tired* kind (the adjective fits the living thing) and of the *wide* kind (it fits the place), if the guess is right; the next cell calls this `blind`.
# %% [markdown] id="coreference-found" lang="ru"
# Никто не велел первому слою забирать прилагательное: в функцию потерь вошла только строка слова *it* в последнем слое. Посмотрите на *wide*: в слое 1 *it* отдало ему весь свой вес. А теперь на *tired*: бо́льшая часть веса ушла не туда, и всё же ответ верен. По всем тестовым предложениям *it* отдаёт прилагательному `0.52` своего веса, когда оно подходит существу, и `0.95`, когда месту (в выводе — `it, tired` и `it, wide`; `nouns` — то же для строк двух существительных).
#
# Вот догадка. Модели надо различить два случая, и достаточно узнавать один из них: если *it* не увидело прилагательного, подходящего месту, речь о живом существе. Картинка с весами показывает, куда токен смотрел; какие выводы модель делает, *не* найдя искомого, на ней не видно. Чтобы это выяснить, надо вмешаться. Запретим слову *it* смотреть в слое 1 на прилагательное, а всё остальное оставим как есть. **Предскажите** точность на предложениях типа *tired* (прилагательное подходит существу) и типа *wide* (подходит месту), если догадка верна; в следующей ячейке это `blind`.
# %% id="coreference-blind"
blind = coreference.blind_accuracy(models[2], test)
print({sentence: f"{share:.3f}" for sentence, share in blind.items()})

# %% [markdown] id="coreference-variants" lang="en"
# The guess was right for this model: without seeing the adjective *it* mostly falls back on the living thing, which is right for every *tired* sentence and wrong for most of the *wide* ones.
#
# Is it a rule, or a habit of this one model? And does it need the residual sum at all? The table was recorded by `course measure coreference`: one line per kind of model, one column per seed (0 to 4). The first column has just been recomputed for the two models above.
# %% [markdown] id="coreference-variants" lang="ru"
# Для этой модели догадка верна: не видя прилагательного, *it* чаще всего указывает на живое существо, и это правильно во всех предложениях с *tired* и неправильно в большинстве предложений с *wide*.
#
# Правило это или привычка одной модели? И нужна ли вообще остаточная сумма? Таблица получена командой `course measure coreference`: строка на вид модели, столбец на зерно (от 0 до 4). Для двух моделей, обученных выше, первый столбец только что пересчитан.
# %% id="coreference-recorded"
by_variant = {}
for row in recorded("coreference")["rows"]:
    by_variant.setdefault((row["layers"], row["residual"]), []).append(row)
for figure in ("accuracy", "it, tired", "it, wide", "nouns", "blind, tired", "blind, wide"):
    print(figure)
    for (layers, residual), found in by_variant.items():
        name = f"layers={layers}, {'x + z' if residual else 'z'}"
        print(f"  {name:16}" + "".join(f"{row[figure]:8.3f}" for row in found))
recomputed = (
    max(abs(by_variant[layers, True][0]["accuracy"] - accuracy[layers]) for layers in models)
    < 0.002
)
print("recomputed:", recomputed)

# %% [markdown] id="coreference-routes" lang="en"
# `accuracy` is the share of right answers. The next three are mean weights on the adjective in layer 1: in the row of *it* with an adjective for the living thing, in the row of *it* with one for the place, and in the rows of the two nouns. `blind` is the accuracy when *it* may not look at the adjective in layer 1, for the two kinds of sentences.
#
# Look along the first line of each block. All five models answer rightly, and each has its own habit: blindfolded, two fall back on the living thing (columns 1 and 4), two on the place (columns 2 and 5), although the weights of the fifth look perfectly even-handed; the third suffers least: every *tired* answer stays right, and four *wide* ones in five. The nouns' weights do not explain it: in the fifth they look at the adjective just as much (`0.304` against `0.294`). Now the second line. Without the sum, *it* forgets itself in listening, and two layers find another route: in four runs of five *it* hardly looks at the adjective, and being blindfolded costs at most one answer in seven of either kind. The nouns look, and carry it to layer 2 themselves: their keys there, and so their scores, depend on the adjective.
#
# So for this task the residual sum is not a necessity. Two layers are: the weights of one are right in half of the cases, whatever the seed.
# %% [markdown] id="coreference-routes" lang="ru"
# `accuracy` — доля верных ответов. Следующие три — средние веса прилагательного в слое 1: в строке *it*, когда прилагательное подходит существу, в ней же, когда оно подходит месту, и в строках двух существительных. `blind` — точность, когда слову *it* в слое 1 нельзя смотреть на прилагательное, для двух видов предложений.
#
# Пройдите по первой строке каждого блока. Все пять моделей отвечают верно, и у каждой своя привычка: с завязанными глазами две выбирают живое существо (столбцы 1 и 4), две — место (столбцы 2 и 5), хотя у пятой веса выглядят совершенно одинаково; третьей это мешает меньше всех: верны все ответы с *tired* и четыре из пяти с *wide*. Весами существительных этого не объяснить: у пятой они смотрят на прилагательное не меньше (`0.304` против `0.294`). Теперь вторая строка. Без остаточной суммы *it*, слушая других, забывает себя, и два слоя находят другой путь: в четырёх запусках из пяти *it* на прилагательное почти не смотрит, и с завязанными глазами теряется не больше одного ответа из семи каждого вида. Смотрят существительные и сами доносят его до слоя 2: от прилагательного там зависят их ключи, а значит, и оценки.
#
# Так что остаточная сумма для этой задачи не обязательна. Обязательны два слоя: веса одного правы лишь в половине случаев при любом зерне.
# %% id="coreference-claim"
claim(
    "3.4",
    holds=recomputed
    and min(row["accuracy"] for row in by_variant[2, True]) >= 0.98
    and max(row["accuracy"] for row in by_variant[1, True]) <= 0.5,
    measured=f"layers=2: {accuracy[2]:.3f}, layers=1: {accuracy[1]:.3f} · "
    f"a_it,adj: tired {looks['it, tired']:.2f}, wide {looks['it, wide']:.2f} · "
    f"blind: tired {blind['blind, tired']:.2f}, wide {blind['blind, wide']:.2f}",
)

# %% [markdown] id="coreference-explore-predict" lang="en"
# **Predict:** exchange the two nouns, *The street didn't cross the animal because it was too tired*. At which word will *it* point? And if layer 1 hands over $z$ alone instead of $x + z$, in this model, which was trained with the sum: will both answers, for *tired* and for *wide*, survive?
#
# <details><summary>Answer</summary>
#
# At the same word, *animal*: the weights travel with the words, because the model does not see their order. Without the sum both answers survive in these two sentences, but *animal* keeps only a third of its weight; try other words until an answer turns wrong.
#
# </details>
#
# Now try it: the model below computes its weights anew at every change. Solid lines are the weights of *it*, dashed ones those of the adjective.
# %% [markdown] id="coreference-explore-predict" lang="ru"
# **Предскажите:** поменяем существительные местами: *The street didn't cross the animal because it was too tired*. На какое слово укажет *it*? А если слой 1 этой модели, обученной с суммой, передаст дальше только $z$ вместо $x + z$: уцелеют ли оба ответа, для *tired* и для *wide*?
#
# <details><summary>Ответ</summary>
#
# На то же слово, *animal*: веса переезжают вместе со словами, потому что порядка модель не видит. Без суммы в этих двух предложениях оба ответа уцелеют, но у *animal* останется лишь треть веса; подберите слова, на которых ответ станет неверным.
#
# </details>
#
# Теперь попробуйте: при каждом изменении модель заново вычисляет веса. Сплошные линии — веса слова *it*, штриховые — веса прилагательного.
# %% id="coreference-explore"
explore_pointer(models)

# %% [markdown] id="coreference-order" lang="en"
# **What it still cannot do.** In the other part of the corpus only the *role* decides: *The wolf chased the hare because it was hungry.* Exchange the wolf and the hare, and the answer is the other animal. But our model never sees the order of the words: every token looks at all others in the same way, wherever they stand. Exchange the nouns, and it points at the same *word* as before. It is therefore right in at most one of two such sentences, however long it trains.
# %% [markdown] id="coreference-order" lang="ru"
# **Чего модель пока не умеет.** В другой части корпуса всё решает *роль*: *The wolf chased the hare because it was hungry.* Поменяйте волка и зайца местами, и ответом будет другой зверь. Но порядка слов наша модель не видит: каждый токен смотрит на остальные одинаково, где бы они ни стояли. Поменяйте существительные местами, и она укажет на то же *слово*, что и раньше. Поэтому из двух таких предложений она права самое большее в одном, сколько её ни обучай.
# %% id="coreference-roles"
roles = Pointer(2, seed=0)
train(roles, steps=200, kind="roles")
texts = crossing.sentences(500, seed=10**6, kind="roles", pairs="held-out")
exchanged = [crossing.exchange_nouns(text) for text in texts]
print(texts[0], "  ↔  ", exchanged[0])
right, right_exchanged = (
    [
        answer == text.referent
        for answer, text in zip(coreference.answers(roles, group), group, strict=True)
    ]
    for group in (texts, exchanged)
)
both = sum(a and b for a, b in zip(right, right_exchanged, strict=True))
print(f"accuracy {sum(right) / 500:.2f}   exchanged {sum(right_exchanged) / 500:.2f}   both {both}")
assert both == 0

# %% [markdown] id="coreference-next" lang="en"
# Not once in both. The model has to be told the order in another way: lesson 05.
# %% [markdown] id="coreference-next" lang="ru"
# В обоих сразу — ни разу. О порядке модели придётся сообщить отдельно: это урок 05.


# %% [markdown] id="exercises" lang="en"
# ## 17. Exercises
#
# Replace the line with `raise`, or the `None`, and run the cell. The check says what is wrong, not how to mend it. Until an exercise is solved the lesson goes on with a reference answer.
#
# ### 17.1 Scaled dot-product attention
#
# Write the formula of section 8 for `Q` of shape $(T_q, d_k)$, `K` of shape $(T_k, d_k)$ and `V` of shape $(T_k, d_v)$, without a mask. Return only the output $Z$. Large scores must not overflow.
# %% [markdown] id="exercises" lang="ru"
# ## 17. Упражнения
#
# Замените строку с `raise` или `None` и запустите ячейку. Проверка скажет, что неверно, но не подскажет, как исправить. Пока упражнение не решено, урок продолжается с эталонным ответом.
#
# ### 17.1 Внимание на масштабированном скалярном произведении
#
# Реализуйте формулу из раздела 8 для `Q` формы $(T_q, d_k)$, `K` формы $(T_k, d_k)$ и `V` формы $(T_k, d_v)$, без маски. Верните только выход $Z$. Большие оценки не должны вызывать переполнения.
# %% id="ex-scaled-dot-product" tags=["exercise"]
def attention(Q, K, V):
    raise NotImplementedError  # your code


attention = check("scaled-dot-product", attention)

# %% [markdown] id="ex-scaled-dot-product-solution" lang="en"
# <details><summary>Hint</summary>
#
# Three operations: scores with `Q @ K.T`, the division, the softmax along the dimension that numbers the *keys*. `torch.softmax` subtracts the largest score by itself.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def attention(Q, K, V):
#     scores = Q @ K.T / math.sqrt(K.shape[-1])
#     return scores.softmax(dim=-1) @ V
# ```
#
# </details>
# %% [markdown] id="ex-scaled-dot-product-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Три операции: оценки `Q @ K.T`, деление, softmax вдоль того измерения, которое нумерует *ключи*. `torch.softmax` сам вычитает наибольшую оценку.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def attention(Q, K, V):
#     scores = Q @ K.T / math.sqrt(K.shape[-1])
#     return scores.softmax(dim=-1) @ V
# ```
#
# </details>


# %% [markdown] id="ex-causal-mask-text" lang="en"
# ### 17.2 The causal mask
#
# `scores` of shape $(T, T)$ are already divided by $\sqrt{d_k}$. Return the weights in which token $i$ sees tokens $1 \ldots i$ only.
# %% [markdown] id="ex-causal-mask-text" lang="ru"
# ### 17.2 Каузальная маска
#
# Оценки `scores` формы $(T, T)$ уже разделены на $\sqrt{d_k}$. Верните веса, при которых токен $i$ видит только токены $1 \ldots i$.
# %% id="ex-causal-mask" tags=["exercise"]
def causal_weights(scores):
    raise NotImplementedError  # your code


causal_weights = check("causal-mask", causal_weights)

# %% [markdown] id="ex-causal-mask-solution" lang="en"
# <details><summary>Hint</summary>
#
# `torch.triu(…, diagonal=1)` keeps what lies above the diagonal: exactly the future. Before or after the softmax?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def causal_weights(scores):
#     future = torch.ones_like(scores, dtype=torch.bool).triu(diagonal=1)
#     return scores.masked_fill(future, -math.inf).softmax(dim=-1)
# ```
#
# </details>
# %% [markdown] id="ex-causal-mask-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# `torch.triu(…, diagonal=1)` оставляет то, что выше диагонали, — ровно будущее. До softmax или после?
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def causal_weights(scores):
#     future = torch.ones_like(scores, dtype=torch.bool).triu(diagonal=1)
#     return scores.masked_fill(future, -math.inf).softmax(dim=-1)
# ```
#
# </details>

# %% [markdown] id="ex-one-token-text" lang="en"
# ### 17.3 One token, by hand
#
# With pencil and calculator: the output $z$ of *street* in the example of section 4. Keep three decimals on the way, and give the three numbers to two, as a list.
# %% [markdown] id="ex-one-token-text" lang="ru"
# ### 17.3 Один токен вручную
#
# Карандашом и на калькуляторе: выход $z$ слова *street* в примере из раздела 4. По ходу держите три знака после запятой, а ответ — три числа — дайте с двумя, списком.
# %% id="ex-one-token" tags=["exercise"]
z_street = None  # your three numbers

z_street = check("one-token", z_street)

# %% [markdown] id="ex-one-token-solution" lang="en"
# <details><summary>Hint</summary>
#
# The query of *street* is $(0, 1, 0, 1)$. The three scores are small whole numbers; do not forget to halve them.
#
# </details>
# <details><summary>Solution</summary>
#
# Scores $1, -1, 0$; halved $0.5, -0.5, 0$; exponentials $1.649, 0.607, 1$, sum $3.255$; weights $0.507, 0.186, 0.307$. Then $z = 0.507 \cdot (1, 0, 2) + 0.186 \cdot (0, 3, 1) + 0.307 \cdot (1, 3, 3)$.
#
# ```python
# z_street = [0.81, 1.48, 2.12]
# ```
#
# </details>
# %% [markdown] id="ex-one-token-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Запрос слова *street* — $(0, 1, 0, 1)$. Три оценки — небольшие целые числа; не забудьте разделить их на 2.
#
# </details>
# <details><summary>Решение</summary>
#
# Оценки $1, -1, 0$; после деления на 2: $0.5, -0.5, 0$; экспоненты $1.649, 0.607, 1$, сумма $3.255$; веса $0.507, 0.186, 0.307$. Тогда $z = 0.507 \cdot (1, 0, 2) + 0.186 \cdot (0, 3, 1) + 0.307 \cdot (1, 3, 3)$.
#
# ```python
# z_street = [0.81, 1.48, 2.12]
# ```
#
# </details>


# %% [markdown] id="ex-complexity-text" lang="en"
# ### 17.4 Complexity
#
# Return two numbers: the multiply-adds of the three projections, and those of the scores and the weighted sum together, for a sentence of `T` tokens of size `D`.
# %% [markdown] id="ex-complexity-text" lang="ru"
# ### 17.4 Сложность
#
# Верните два числа: сколько умножений-сложений уходит на три проекции и сколько на оценки вместе со взвешенной суммой, если в предложении `T` токенов размера `D`.
# %% id="ex-complexity" tags=["exercise"]
def cost(T, D, d_k, d_v):
    raise NotImplementedError  # return projections, mixing


cost = check("complexity", cost)

# %% [markdown] id="ex-complexity-solution" lang="en"
# <details><summary>Hint</summary>
#
# A product of an $(a, b)$ and a $(b, c)$ matrix takes $a \cdot b \cdot c$ multiply-adds. Write down the shapes of the five products.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def cost(T, D, d_k, d_v):
#     projections = T * D * d_k + T * D * d_k + T * D * d_v  # X W_Q, X W_K, X W_V
#     mixing = T * d_k * T + T * T * d_v  # Q Kᵀ, A V
#     return projections, mixing
# ```
#
# </details>
# %% [markdown] id="ex-complexity-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Произведение матриц $(a, b)$ и $(b, c)$ требует $a \cdot b \cdot c$ умножений-сложений. Выпишите формы всех пяти произведений.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def cost(T, D, d_k, d_v):
#     projections = T * D * d_k + T * D * d_k + T * D * d_v  # X W_Q, X W_K, X W_V
#     mixing = T * d_k * T + T * T * d_v  # Q Kᵀ, A V
#     return projections, mixing
# ```
#
# </details>


# %% [markdown] id="ex-bug-hunt-text" lang="en"
# ### 17.5 A bug hunt
#
# This head runs, all shapes fit, a model with it even learns something. It has **four** bugs. ($d_v \le d_k$ here.) Mend them all; the check names the first symptom it meets. `mask` is True where a query may look at a key.
# %% [markdown] id="ex-bug-hunt-text" lang="ru"
# ### 17.5 Охота на ошибки
#
# Эта голова запускается, все формы сходятся, модель с ней даже чему-то учится. Ошибок в ней **четыре**. (Здесь $d_v \le d_k$.) Исправьте все; проверка называет первый встреченный симптом. `mask` равна True там, где запросу можно смотреть на ключ.
# %% id="ex-bug-hunt" tags=["exercise", "bug-hunt"]
def head(x, W_Q, W_K, W_V, mask):
    q, k, v = x @ W_Q, x @ W_K, x @ W_K[:, : W_V.shape[-1]]
    scores = q @ k.T / math.sqrt(x.shape[-1])
    weights = scores.softmax(dim=0) * mask
    return weights @ v


head = check("bug-hunt", head)

# %% [markdown] id="ex-bug-hunt-solution" lang="en"
# <details><summary>Hint</summary>
#
# Ask of each line: which matrix, which divisor, which axis, before or after what?
#
# </details>
# <details><summary>Solution</summary>
#
# The values came from $W_K$; the divisor was $\sqrt{D}$; the softmax ran over the queries; the mask came after the softmax.
#
# ```python
# def head(x, W_Q, W_K, W_V, mask):
#     q, k, v = x @ W_Q, x @ W_K, x @ W_V
#     scores = q @ k.T / math.sqrt(k.shape[-1])
#     weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1)
#     return weights @ v
# ```
#
# </details>
# %% [markdown] id="ex-bug-hunt-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Спросите у каждой строки: та ли матрица, тот ли делитель, та ли ось, до чего или после чего?
#
# </details>
# <details><summary>Решение</summary>
#
# Значения брались из $W_K$; делителем был $\sqrt{D}$; softmax шёл по запросам; маска применялась после softmax.
#
# ```python
# def head(x, W_Q, W_K, W_V, mask):
#     q, k, v = x @ W_Q, x @ W_K, x @ W_V
#     scores = q @ k.T / math.sqrt(k.shape[-1])
#     weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1)
#     return weights @ v
# ```
#
# </details>

# %% id="exercises-used"
# Your answers (or the reference ones) on the sentence of section 4: the token *street*.
print("17.1:", attention(Q, K, V)[1])
print("17.2:", causal_weights(Q @ K.T / 2)[1])
print("17.3:", [f"{number:.1f}" for number in z_street])
print("17.4:", cost(T=3, D=2, d_k=4, d_v=3))
print("17.5:", head(X, W_Q, W_K, W_V, torch.ones(3, 3, dtype=torch.bool))[1])

# %% [markdown] id="real-models" lang="en"
# ## 18. In real models
#
# $H$ is the number of heads working side by side (lesson 04), $H_{KV}$ how many of them have keys and values of their own (the others share). The last column is the length from which the $T^2$ part of a layer's attention costs more multiply-adds than its projections, those of the heads and $W_O$, a fourth matrix that lesson 04 adds: $T^* = D\,(1 + H_{KV}/H)$ (with $d_v = d_k$). (Without $W_O$ it was $\tfrac{3}{2} D$ in section 13.) All $T^2$ pairs are counted; a causal model whose implementation skips the hidden half gets twice that length.
# %% [markdown] id="real-models" lang="ru"
# ## 18. В настоящих моделях
#
# $H$ — сколько голов работает рядом (урок 04), $H_{KV}$ — у скольких из них свои ключи и значения (остальные пользуются чужими). В последнем столбце — длина, начиная с которой часть $T^2$ во внимании одного слоя требует больше умножений-сложений, чем проекции этого слоя, то есть проекции в головах и $W_O$ — четвёртая матрица, которую добавит урок 04: $T^* = D\,(1 + H_{KV}/H)$ (при $d_v = d_k$). (Без $W_O$ в разделе 13 получалось $\tfrac{3}{2} D$.) Считаются все $T^2$ пар; у каузальной модели, реализация которой пропускает скрытую половину, эта длина вдвое больше.
# %% id="real-models-table"
MODELS = {  # D, H, H_KV, d_k, longest text in training, divisor of the scores
    "GPT-2 small": (768, 12, 12, 64, 1024, "√64"),
    "BERT-base": (768, 12, 12, 64, 512, "√64"),
    "T5-11B": (1024, 128, 128, 128, 512, "1"),
    "Llama 3 8B": (4096, 32, 8, 128, 8192, "√128"),
}
print("                  D    H  H_KV  d_k     s /       max T     T*")
for model, (D, H, H_KV, d_k, longest, divisor) in MODELS.items():
    T_star = D * (2 * H * d_k + 2 * H_KV * d_k) // (2 * H * d_k)
    print(f"{model:12} {D:6} {H:4} {H_KV:5} {d_k:4} {divisor:>8} {longest:11,} {T_star:6,}")

# %% [markdown] id="real-models-text" lang="en"
# Three things to notice. GPT-2 and BERT never reach the length at which the quadratic part leads: in them the "quadratic" attention is, counted in multiply-adds, mostly projections. In T5-11B the key size is not $D/H = 8$ but 128, another reason to write $d_k$ and not $D$ under the root; and T5 does not divide at all. And Mistral 7B (2023) looks back through a window of 4096 tokens in each of its 32 layers, so that in principle its top layer can be reached from 131072 tokens back.
# %% [markdown] id="real-models-text" lang="ru"
# Обратите внимание на три вещи. GPT-2 и BERT не доходят до длины, на которой квадратичная часть выходит вперёд: их «квадратичное» внимание, если считать умножения-сложения, — в основном проекции. У T5-11B размер ключа не $D/H = 8$, а 128 — ещё одна причина писать под корнем $d_k$, а не $D$; и T5 вообще не делит. А Mistral 7B (2023) в каждом из 32 слоёв смотрит назад через окно в 4096 токенов, так что в принципе информация может дойти до верхнего слоя с расстояния в 131072 токена.

# %% [markdown] id="summary" lang="en"
# ## 19. Summary
#
# Each token makes a query, a key and a value from its vector by three learned matrices. Its query meets the keys of all tokens; the dot products, divided by $\sqrt{d_k}$ so that their variance does not grow with the key size, become weights by softmax; the weights mix the values. A mask forbids looks by setting scores to $-\infty$ before the softmax. The projections cost $O(T)$, the pairs $O(T^2)$, and in the forward pass the memory can be brought down to $O(T)$ by working in blocks. One layer compares words as the dictionary knows them; only the second can ask with what the first has heard.
#
# $$\operatorname{Attention}(Q, K, V) = \operatorname{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V$$
# %% [markdown] id="summary" lang="ru"
# ## 19. Итог
#
# Каждый токен делает из своего вектора запрос, ключ и значение с помощью трёх обучаемых матриц. Его запрос встречается с ключами всех токенов; скалярные произведения, делённые на $\sqrt{d_k}$, чтобы их дисперсия не росла с размером ключа, softmax превращает в веса; веса смешивают значения. Маска закрывает пары: она заменяет их оценки на $-\infty$ до softmax. Проекции стоят $O(T)$, пары — $O(T^2)$, а память на прямом проходе можно довести до $O(T)$, если вычислять блоками. Один слой сравнивает слова такими, какими их знает словарь; лишь второй может спросить, опираясь на услышанное в первом.
#
# $$\operatorname{Attention}(Q, K, V) = \operatorname{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V$$
# %% id="summary-figure"
show(drawings.scaled_dot_product(), "scaled_dot_product")

# %% [markdown] id="summary-found" lang="en"
# What the notes said, and what we found:
# %% [markdown] id="summary-found" lang="ru"
# Что говорил конспект и что мы нашли:
# %% id="summary-ledger"
ledger(3)

# %% [markdown] id="key-questions" lang="en"
# ## 20. Key questions
#
# Answer aloud, then unfold. The same cards, and more of them, are in the Anki deck.
# %% [markdown] id="key-questions" lang="ru"
# ## 20. Ключевые вопросы
#
# Ответьте вслух, потом раскройте ответ. Эти же карточки и другие по уроку есть в колоде Anki.
# %% id="key-questions-cards"
key_questions(3)

# %% [markdown] id="reading" lang="en"
# ## 21. Further reading
#
# - D. Bahdanau, K. Cho, Y. Bengio. *Neural Machine Translation by Jointly Learning to Align and Translate.* 2014, ICLR 2015, [arXiv:1409.0473](https://arxiv.org/abs/1409.0473). Where attention began; read section 3.1.
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Section 3.2, and footnote 4 for our section 7.
# - M. Milakov, N. Gimelshein. *Online normalizer calculation for softmax.* 2018, [arXiv:1805.02867](https://arxiv.org/abs/1805.02867). Algorithm 3 is the recurrence for $m$ and $\ell$ in our section 14.
# - M. Rabe, C. Staats. *Self-attention Does Not Need $O(n^2)$ Memory.* 2021, [arXiv:2112.05682](https://arxiv.org/abs/2112.05682). The recurrence for $o$.
# - T. Dao et al. *FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness.* NeurIPS 2022, [arXiv:2205.14135](https://arxiv.org/abs/2205.14135).
# - I. Beltagy, M. Peters, A. Cohan. *Longformer: The Long-Document Transformer.* 2020, [arXiv:2004.05150](https://arxiv.org/abs/2004.05150). Sliding windows, section 3.1.
# - C. Raffel et al. *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer.* JMLR 2020, [arXiv:1910.10683](https://arxiv.org/abs/1910.10683). T5 and its sizes.
# - A. Jiang et al. *Mistral 7B.* 2023, [arXiv:2310.06825](https://arxiv.org/abs/2310.06825). Section 2, the sliding window.
# - I. Kotenkov. [*Transformers, explained in detail*](https://www.youtube.com/watch?v=iOrNbK2T92M) (in Russian). The lecture behind the notes this course grew from.
#
# Next: [lesson 04, multi-head attention](04_multi_head.ipynb).
# %% [markdown] id="reading" lang="ru"
# ## 21. Что читать дальше
#
# - D. Bahdanau, K. Cho, Y. Bengio. *Neural Machine Translation by Jointly Learning to Align and Translate.* 2014, ICLR 2015, [arXiv:1409.0473](https://arxiv.org/abs/1409.0473). Отсюда всё началось; читайте раздел 3.1.
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Раздел 3.2, а к нашему разделу 7 — сноска 4.
# - M. Milakov, N. Gimelshein. *Online normalizer calculation for softmax.* 2018, [arXiv:1805.02867](https://arxiv.org/abs/1805.02867). Алгоритм 3 — рекуррентные формулы для $m$ и $\ell$ из нашего раздела 14.
# - M. Rabe, C. Staats. *Self-attention Does Not Need $O(n^2)$ Memory.* 2021, [arXiv:2112.05682](https://arxiv.org/abs/2112.05682). Формула для $o$.
# - T. Dao et al. *FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness.* NeurIPS 2022, [arXiv:2205.14135](https://arxiv.org/abs/2205.14135).
# - I. Beltagy, M. Peters, A. Cohan. *Longformer: The Long-Document Transformer.* 2020, [arXiv:2004.05150](https://arxiv.org/abs/2004.05150). Скользящие окна, раздел 3.1.
# - C. Raffel et al. *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer.* JMLR 2020, [arXiv:1910.10683](https://arxiv.org/abs/1910.10683). T5 и её размеры.
# - A. Jiang et al. *Mistral 7B.* 2023, [arXiv:2310.06825](https://arxiv.org/abs/2310.06825). Раздел 2, скользящее окно.
# - И. Котенков. [*Transformers, explained in detail*](https://www.youtube.com/watch?v=iOrNbK2T92M). Лекция, по которой написан конспект, давший начало курсу.
#
# Дальше: [урок 04, многоголовое внимание](04_multi_head.ipynb).
