# %% [markdown] id="title" lang="en"
# # Lesson 05. Positional encoding
#
# Attention compares tokens by what they are, not by where they stand. This lesson proves it, shows how much a causal mask gives away all the same, and takes apart five ways of telling a model the order of its tokens: a learned table, sinusoids, rotary positions, ALiBi and T5's bias. With each of them a model is taught one task, whose answer depends on the order alone, and then given texts longer than any it was trained on.
#
# **You will be able to**
#
# - prove in a few lines that self-attention without a mask cannot see the order, and say why with a causal mask it can;
# - name the two weaknesses of a learned table, and when they do not matter;
# - derive that a shift of the sinusoids is a rotation, and say what this does not buy;
# - implement rotary positions and ALiBi, compute T5's buckets, and say what each can tell and what it cannot;
# - keep "relative" apart from "works beyond the trained length";
# - read the positional settings of a real model.
#
# **You need** lesson 04: heads, masks, the two-layer reader. **Time:** 75 minutes of reading and playing, 50 for the exercises; all cells run in under a minute.
#
# Previous lesson: [04, multi-head attention](04_multi_head.ipynb). Next lesson: [06, the encoder block](06_encoder_block.ipynb).
# %% [markdown] id="title" lang="ru"
# # Урок 05. Позиционное кодирование
#
# Внимание сравнивает токены по тому, что они собой представляют, а не по тому, где они стоят. В этом уроке мы это докажем, увидим, как много всё-таки выдаёт каузальная маска, и разберём пять способов сообщить модели порядок токенов: обучаемую таблицу, синусоиды, поворот запросов и ключей (RoPE), ALiBi и смещения T5. С каждым из них обучим модель одной и той же задаче, в которой ответ зависит только от порядка, а потом дадим ей тексты длиннее обучающих.
#
# **Вы научитесь**
#
# - в несколько строк доказывать, что самовнимание без маски не видит порядка, и объяснять, почему с каузальной маской видит;
# - называть две слабости обучаемой таблицы и случаи, когда они не важны;
# - доказывать, что сдвиг синусоид — это поворот, и объяснять, чего это не даёт;
# - реализовывать RoPE и ALiBi, вычислять корзины T5 и объяснять, что каждый способ различает, а чего — нет;
# - не путать «относительные позиции» с «работает на текстах длиннее обучающих»;
# - разбираться в настройках позиционного кодирования настоящей модели.
#
# **Понадобится** урок 04: головы, маски, двухслойная модель. **Время:** 75 минут на чтение и опыты, 50 — на упражнения; все ячейки выполняются меньше чем за минуту.
#
# Предыдущий урок: [04, многоголовое внимание](04_multi_head.ipynb). Следующий урок: [06, блок энкодера](06_encoder_block.ipynb).
# %% id="start"
from course_lib import start

start(lesson=5)

# %% id="imports"
import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from course_lib import order_task
from course_lib.attention import causal_mask
from course_lib.cards.notebook import key_questions, recall
from course_lib.claims import claim, ledger
from course_lib.corpora import crossing, library_docs
from course_lib.exercises import check
from course_lib.explorers import explore_rotary
from course_lib.figures import course, show
from course_lib.figures import positions as drawings
from course_lib.figures import positions_curves as curves
from course_lib.glossary import notation_table
from course_lib.multi_head import MultiHeadAttention
from course_lib.order_task import OrderReader
from course_lib.parity import parity
from course_lib.positions import (
    LearnedPositions,
    T5Bias,
    alibi_bias,
    alibi_slopes,
    frequencies,
    relative_bucket,
    rotate,
    shift_matrix,
    sinusoidal_table,
)
from course_lib.results import recorded


def randn(*shape, seed):
    """Normal numbers in float64, the same on every machine."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def layer_of(D, H, seed):
    """A layer of attention with random weights."""
    return MultiHeadAttention(D, heads=H, generator=torch.Generator().manual_seed(seed))


# %% id="map"
show(course.course_map(here=5), "course_map", here=5)

# %% [markdown] id="problem" lang="en"
# ## 1. Who hunted whom?
#
# *The wolf hunted the duck* and *The duck hunted the wolf* are made of the same words. What differs is only the order, and with it everything. The model of this lesson is asked exactly this: from the vector of the verb it has to name the noun that stands before it. It is the model of lesson 04, section 10, where the words alone decided and the order was not missed: two layers of four heads, $D = 32$, each layer adds its output to its input. (Such a stack without a causal mask is called an *encoder*; what its layers still lack, lesson 06 adds.) The vector of the verb after the second layer is multiplied by a matrix with a column for each word of the vocabulary; the largest of the numbers is the answer. The model knows nothing of positions yet.
# %% [markdown] id="problem" lang="ru"
# ## 1. Кто на кого охотился?
#
# *The wolf hunted the duck* (волк охотился на утку) и *The duck hunted the wolf* (утка охотилась на волка) состоят из одних и тех же слов. Различается только порядок слов, а с ним и весь смысл. Именно об этом и спросят модель этого урока: по вектору глагола она должна назвать существительное, которое стоит перед ним. Это модель из раздела 10 урока 04, где ответ зависел только от самих слов и порядок был не нужен: два слоя по четыре головы, $D = 32$, каждый слой прибавляет свой выход ко входу. (Такая стопка слоёв без каузальной маски называется *энкодером*; чего её слоям ещё не хватает, добавит урок 06.) Вектор глагола после второго слоя умножают на матрицу, в которой по столбцу на каждое слово словаря; слово с наибольшим числом — ответ. О позициях модель пока ничего не знает.
# %% id="problem-same"
sentence = crossing.sentences(3, seed=0, kind="roles")[2]
exchanged = crossing.exchange_nouns(sentence)
for text in (sentence, exchanged):
    print(" ".join(text.tokens))

ids, lengths, verb, _ = order_task.batch([sentence, exchanged])
with torch.no_grad():
    after = OrderReader("none", seed=0).vectors(ids)  # (2, T, D)
difference = (after[0, verb[0]] - after[1, verb[1]]).abs().max()
print("the verb's two vectors are equal to 1e-12:", bool(difference <= 1e-12))
never = [row["behind 0"] for row in recorded("order")["rows"] if row["encoding"] == "none"]
print("right answers after training, three seeds:", *(f"{share:.3f}" for share in never))
assert max(never) <= 0.5

# %% [markdown] id="problem-after" lang="en"
# The verb ends up with the same vector in both sentences. Whatever reads it must give the same answer to both, and of the two one is wrong. So no training can bring the share of right answers above one half, if every sentence is tested together with the one whose nouns are exchanged. The three trained models (trained beforehand; section 11 has the whole table) come up to one half or just below it: once in a while they name neither of the two nouns. It is not a matter of data, size or patience: the information is not there.
# %% [markdown] id="problem-after" lang="ru"
# В обоих предложениях у глагола получается один и тот же вектор. Что бы ни вычисляли из этого вектора дальше, ответ в обоих случаях будет одинаковым, и один из двух неверен. Поэтому, если каждое предложение проверяется вместе с тем, где существительные переставлены, никакое обучение не поднимет долю верных ответов выше половины. Три обученные модели (их обучили заранее; вся таблица — в разделе 11) до половины доходят или почти доходят: изредка они не называют ни того, ни другого существительного. Дело не в данных, не в размере и не в терпении: нужных сведений модель просто не получает.

# %% [markdown] id="symbols" lang="en"
# ## 2. Symbols
#
# Letters are those of lesson 04; new are $P$, $\omega_i$, $R_s$, $c_h$, $\Pi$, and $m$ and $n$ for the positions of a query and of a key ($m$ was a window in lesson 01 and a largest score in lesson 03; both are over). From section 7 on $i$ counts pairs of components, and angles have the letters $\alpha$, $\beta$, $\varphi$. Positions count from 0, as in code, so token $t$ is the one at position $t$.
# %% [markdown] id="symbols" lang="ru"
# ## 2. Обозначения
#
# Буквы — те же, что в уроке 04; новые — $P$, $\omega_i$, $R_s$, $c_h$, $\Pi$, а также $m$ и $n$ (позиции запроса и ключа; в уроке 01 буквой $m$ обозначали размер окна, в уроке 03 — наибольшую оценку). С раздела 7 буквой $i$ нумеруются пары компонент, а углы обозначаются $\alpha$, $\beta$, $\varphi$. Позиции отсчитываются с 0, как в коде: токен $t$ — тот, что стоит на позиции $t$.
# %% id="notation"
notation_table(5)

# %% [markdown] id="recall" lang="en"
# Three questions from earlier lessons. Answer each aloud, then unfold.
# %% [markdown] id="recall" lang="ru"
# Три вопроса из прошлых уроков. Ответьте на каждый вслух, потом раскройте ответ.
# %% id="recall-cards"
recall(5)

# %% [markdown] id="blind" lang="en"
# ## 3. Why attention does not see the order
#
# To rearrange the rows of $X$ is to multiply $X$ from the left by a *permutation matrix* $\Pi$: it has a single 1 in each row and each column and zeros elsewhere, so that each row of $\Pi X$ is one of the rows of $X$, and each occurs once. For three rows, say,
#
# $$\begin{pmatrix} 0 & 0 & 1 \\ 1 & 0 & 0 \\ 0 & 1 & 0 \end{pmatrix} \begin{pmatrix} x_0 \\ x_1 \\ x_2 \end{pmatrix} = \begin{pmatrix} x_2 \\ x_0 \\ x_1 \end{pmatrix}.$$
#
# The transpose puts them back: $\Pi^\top \Pi = I$. Call what a head without a mask makes of $X$ by the name $f(X)$, and let us follow $\Pi X$ through it.
#
# - Queries, keys and values are made row by row: $(\Pi X) W_Q = \Pi (X W_Q) = \Pi Q$, and in the same way $\Pi K$ and $\Pi V$.
# - Scores: a product is transposed factor by factor in the other order, so $(\Pi Q)(\Pi K)^\top = \Pi\, Q K^\top \Pi^\top = \Pi S \Pi^\top$. They are the same numbers; the rows have changed places, and the columns have changed places in the same way.
# - The division by $\sqrt{d_k}$ changes nothing here. Softmax treats each row by itself, and in a row it does not matter which number stands where: each is divided by the same sum. So the weights are $\Pi A \Pi^\top$.
# - Outputs: $(\Pi A \Pi^\top)(\Pi V) = \Pi A\, V = \Pi Z$.
#
# $$f(\Pi X) = \Pi f(X).$$
#
# Rearrange the tokens, and the same outputs come out, rearranged in the same way. The name of this property is **permutation equivariance**. It is not *invariance*, which would be $f(\Pi X) = f(X)$: the outputs do move, each with its token. What does not change is what a token gets. Joining the heads, $W_O$ and the sum with the input act on each row by itself, and so does all that lesson 06 adds. And if one layer's output is rearranged, so is the next layer's input: $f_2(f_1(\Pi X)) = f_2(\Pi f_1(X)) = \Pi f_2(f_1(X))$. So the property holds for the whole encoder, however many layers and heads it has. (A mask that hides padding does no harm either: it goes with its tokens.)
# %% [markdown] id="blind" lang="ru"
# ## 3. Почему внимание не видит порядка
#
# Переставить строки $X$ — значит умножить $X$ слева на *матрицу перестановки* $\Pi$: в каждой её строке и в каждом столбце одна единица, остальное — нули, так что каждая строка $\Pi X$ — это какая-то строка $X$, и каждая встречается один раз. Для трёх строк, например,
#
# $$\begin{pmatrix} 0 & 0 & 1 \\ 1 & 0 & 0 \\ 0 & 1 & 0 \end{pmatrix} \begin{pmatrix} x_0 \\ x_1 \\ x_2 \end{pmatrix} = \begin{pmatrix} x_2 \\ x_0 \\ x_1 \end{pmatrix}.$$
#
# Транспонированная матрица возвращает всё на место: $\Pi^\top \Pi = I$. Обозначим через $f(X)$ то, что делает из $X$ голова без маски, и проследим, что она сделает из $\Pi X$.
#
# - Запросы, ключи и значения вычисляются построчно: $(\Pi X) W_Q = \Pi (X W_Q) = \Pi Q$, и точно так же получаются $\Pi K$ и $\Pi V$.
# - Оценки: при транспонировании произведения сомножители меняются местами, поэтому $(\Pi Q)(\Pi K)^\top = \Pi\, Q K^\top \Pi^\top = \Pi S \Pi^\top$. Это те же числа; строки поменялись местами, и так же поменялись местами столбцы.
# - Деление на $\sqrt{d_k}$ здесь ничего не меняет. Softmax обрабатывает каждую строку отдельно, и внутри строки неважно, какое число где стоит: все делятся на одну и ту же сумму. Значит, веса — это $\Pi A \Pi^\top$.
# - Выходы: $(\Pi A \Pi^\top)(\Pi V) = \Pi A\, V = \Pi Z$.
#
# $$f(\Pi X) = \Pi f(X).$$
#
# Переставьте токены — и получатся те же выходы, переставленные точно так же. Это свойство называется **эквивариантностью к перестановкам** (permutation equivariance). Это не *инвариантность*, которая означала бы $f(\Pi X) = f(X)$: выходы переезжают, каждый вместе со своим токеном. Не меняется то, что получает каждый токен. Склейка голов, $W_O$ и сложение со входом действуют на каждую строку отдельно, как и всё, что добавит урок 06. А то, что один слой передал в переставленном виде, следующий в переставленном виде и примет: $f_2(f_1(\Pi X)) = f_2(\Pi f_1(X)) = \Pi f_2(f_1(X))$. Поэтому свойство сохраняется у энкодера целиком, сколько бы в нём ни было слоёв и голов. (Не мешает и маска, закрывающая заполнение: она переезжает вместе со своими токенами.)
# %% id="blind-figure"
show(drawings.order_blind(), "order_blind")

# %% id="blind-numbers"
layers = [layer_of(16, 4, seed) for seed in (0, 1)]


@torch.no_grad()
def encode(x, count, mask=None):
    """The first ``count`` layers, each added to its input."""
    for layer in layers[:count]:
        x = x + layer(x, mask=mask)[0]
    return x


x = randn(6, 16, seed=1)
order = torch.tensor([3, 0, 4, 1, 2, 5])  # x[order] is Π x; the last token stays the last
moved = (encode(x[order], 2) - encode(x, 2)[order]).abs().max()
stayed = (encode(x[order], 2) - encode(x, 2)).abs().max()
print("equivariant, f(Πx) = Πf(x) to 1e-12:", bool(moved <= 1e-12))
print("invariant,   f(Πx) = f(x)  to 1e-12:", bool(stayed <= 1e-12))

# %% [markdown] id="causal" lang="en"
# ## 4. A causal mask gives the order away
#
# The proof has a gap on purpose: *without a mask*. A causal mask does not go with the tokens; it is tied to the places. Token $t$ sees the tokens $0, \dots, t$, whichever they are, and $\Pi S \Pi^\top$ is masked in other places than $S$.
#
# How can a model get at the position then? A head can count, if the text always begins with the same token. Let all scores be equal, let the value of a start token be 1 and all other values 0. Token $t$ averages $t + 1$ values, one of which is 1, so it gets $1/(t+1)$: a number that tells exactly where it stands.
#
# **Predict:** the last token sees all the tokens even under a causal mask. We rearrange the tokens before it. Does its own output change after one layer? After two?
# %% [markdown] id="causal" lang="ru"
# ## 4. Каузальная маска выдаёт порядок
#
# В доказательстве есть намеренная оговорка: *без маски*. Каузальная маска вместе с токенами не переставляется: она привязана к местам. Токен $t$ видит токены $0, \dots, t$, какими бы они ни были, и в $\Pi S \Pi^\top$ закрыты не те места, что в $S$.
#
# Как же модель может узнать позицию? Голова умеет считать, если текст всегда начинается с одного и того же токена. Пусть все оценки равны, значение начального токена — 1, а все остальные значения — 0. Токен $t$ усредняет $t + 1$ значений, среди которых одна единица, и получает $1/(t+1)$ — число, по которому точно видно, где он стоит.
#
# **Предскажите:** даже с каузальной маской последний токен видит все остальные. Переставим те, что стоят перед ним. Изменится ли его собственный выход после одного слоя? А после двух?
# %% id="causal-numbers"
mask = causal_mask(6)
equal_scores = torch.zeros(6, 6, dtype=torch.float64).masked_fill(~mask, -math.inf)
values = torch.tensor([1.0, 0, 0, 0, 0, 0], dtype=torch.float64)  # the start token, and others
print("1/(t+1):", *(f"{share:.3f}" for share in (equal_scores.softmax(dim=-1) @ values).tolist()))

changes = {}
for count in (1, 2):
    difference = (encode(x[order], count, mask) - encode(x, count, mask)[order]).abs().amax(dim=1)
    changes[count] = difference[-1].item()
    last = "unchanged to 1e-12" if changes[count] <= 1e-12 else f"changed by {changes[count]:.2f}"
    print(
        f"{count} layer(s): the last token {last}; the others by {difference[:-1].min():.2f} or more"
    )

same_tokens = x[:1].expand(6, 16)
spread = (encode(same_tokens, 2, mask) - encode(same_tokens, 2, mask)[0]).abs().max()
print("one token repeated: all outputs equal to 1e-12:", bool(spread <= 1e-12))

with_mask = [row for row in recorded("order")["rows"] if row["encoding"] == "causal"]
print("who hunted whom, causal mask:", *(f"{row['behind 0']:.3f}" for row in with_mask))
claim(
    "5.1",
    holds=bool(moved <= 1e-12 < stayed)
    and changes[1] <= 1e-12 < 0.01 < changes[2]
    and max(never) <= 0.5,
    measured=f"no mask: f(Πx) = Πf(x) ≤ 1e-12, who hunted whom ≤ {max(never):.3f} · "
    f"causal mask, earlier tokens rearranged: the last one ≤ 1e-12 after one layer, {changes[2]:.2f} after two",
)

# %% [markdown] id="causal-after" lang="en"
# In one layer the last token's output does not change: it is a weighted sum over the tokens up to it, each as often as it occurs, and in a sum the order plays no part. But the outputs of the others change here, since each of them now sees other tokens before it; and the second layer reads those. So with a causal mask one layer can tell *who came before*, and two layers *in which order*. There is one kind of text in which this does not help: a single token repeated, where all averages are averages of the same vector. Hence the start token in the example: something has to be different.
#
# The mask makes our task easier still, so 1.000 proves less than it seems to: the verb sees only one noun, the right one, and the model answers without a mistake. Decoders, which have this mask anyway, can be trained without any positions, and lose little by it as language models (Haviv et al., 2022). An encoder cannot. From here on there is no causal mask, except for comparison in section 11.
# %% [markdown] id="causal-after" lang="ru"
# После одного слоя выход последнего токена не меняется: это взвешенная сумма по всем токенам, включая его самого; каждый входит в неё столько раз, сколько встретился, а от порядка слагаемых сумма не зависит. Но выходы остальных здесь меняются — перед каждым теперь стоят другие токены, — а второй слой читает именно их. Значит, с каузальной маской один слой различает, *кто стоял раньше*, а два — *в каком порядке*. Не поможет это лишь в тексте из одного повторённого токена: там усредняются одинаковые векторы. Поэтому в примере и понадобился начальный токен: хоть что-то должно отличаться.
#
# А нашу задачу маска ещё и упрощает, поэтому 1.000 доказывает меньше, чем кажется: с ней глагол видит только одно существительное — нужное, — и модель отвечает без ошибок. Декодеры, у которых эта маска есть и так, можно обучать вовсе без позиций, и как языковые модели они теряют немного (Haviv et al., 2022). Энкодеру так нельзя. Дальше каузальной маски не будет, кроме сравнения в разделе 11.

# %% [markdown] id="table" lang="en"
# ## 5. A learned table
#
# The notes give the plainest remedy: learn a second matrix and add it to $X$. (They call it $T$; in this course $T$ is the number of tokens, so the table is $P$.) Row $P_t$ is added to the vector of the token at position $t$, whatever the token is:
#
# $$x_t + P_t, \qquad P \ \text{of shape} \ (T_{\max}, D).$$
#
# Now one word at two places enters as two different vectors, and the proof of section 3 does not even begin: the rearranged text enters as $\Pi X + P$, and for the proof it would have to be $\Pi(X + P) = \Pi X + \Pi P$. The rows are learned like all other parameters, by their gradient. (Gehring et al., 2017, did so in a convolutional network, an older kind; BERT and GPT-2 do it too.)
#
# Does adding not spoil the word? The sum of two vectors cannot in general be taken apart. But the model need not take apart any two vectors, only the words and positions that it has. If it kept words in the first 16 components and positions in the last 16, nothing would be lost at all. It need not be so tidy: both tables are learned at once, and the words and positions can lie in different directions, in which $W_Q$, $W_K$ and $W_V$ then look for the one or for the other.
#
# First the table alone against PyTorch's, then the model with it, trained for 300 steps of 128 sentences. Cells with `parity` and `claim` compare and record; you may skip their code.
# %% [markdown] id="table" lang="ru"
# ## 5. Обучаемая таблица
#
# Самое простое решение дано в конспекте: обучить вторую матрицу и прибавить её к $X$. (Там она называется $T$; в этом курсе $T$ — число токенов, поэтому таблица у нас — $P$.) Строка $P_t$ прибавляется к вектору токена на позиции $t$, каким бы этот токен ни был:
#
# $$x_t + P_t, \qquad P \ \text{формы} \ (T_{\max}, D).$$
#
# Теперь одно слово на двух местах входит в модель как два разных вектора, и доказательство из раздела 3 рушится на первом же шаге: переставленный текст входит как $\Pi X + P$, а для доказательства нужно было бы $\Pi(X + P) = \Pi X + \Pi P$. Строки обучаются, как все остальные параметры, — по градиенту. (Gehring et al., 2017, поступили так со свёрточной сетью — сетью более старого вида; так же устроены BERT и GPT-2.)
#
# Не портит ли сложение само слово? Восстановить слагаемые по сумме двух векторов, вообще говоря, нельзя. Но модели и не нужно раскладывать любые суммы — только суммы тех слов и позиций, которые у неё есть. Если бы слова занимали первые 16 компонент, а позиции — последние 16, не пропало бы вообще ничего. Такой порядок не обязателен: обе таблицы обучаются одновременно, слова и позиции могут лежать в разных направлениях, а $W_Q$, $W_K$ и $W_V$ будут искать в этих направлениях то или другое.
#
# Сначала сравним саму таблицу с той, что в PyTorch, потом обучим с ней модель: 300 шагов по 128 предложений. Строки с `parity` и `claim` сравнивают и записывают результат; их код можно пропустить.
# %% id="table-train"
table = LearnedPositions(9, 6, generator=torch.Generator().manual_seed(0))  # T_max = 9, D = 6
weight = table.table.detach().clone().requires_grad_()
parity(
    "F.embedding",
    table,
    lambda x: x + F.embedding(torch.arange(x.shape[-2]), weight),
    randn(2, 7, 6, seed=2),
    parameters=[(table.table, weight)],
)

readers, scores = {}, {}
readers["learned"] = OrderReader("learned", seed=0)
order_task.train(readers["learned"])
answers = [order_task.answers(readers["learned"], n) for n in order_task.BEHIND]
scores["learned"] = [right for right, _, _ in answers]
for n, share in zip(order_task.BEHIND[:3], scores["learned"], strict=False):
    print(f"behind {n:2} words: {share:.3f}")
claim(
    "5.2",
    holds=min(scores["learned"][:3]) > 0.95 and max(never) <= 0.5,
    measured=f"who hunted whom: without P ≤ {max(never):.3f}, with P ≥ {min(scores['learned'][:3]):.3f}",
)

# %% [markdown] id="table-after" lang="en"
# From one half to nearly always. In training 0 to 12 words stood before each sentence, drawn at random from words that say nothing here (*yesterday*, *night*, *morning* and the like), so that the same sentence was met at many positions; "behind 6 words" tests it with 6 words before it. No pair of nouns in the test occurs together in a training sentence.
# %% [markdown] id="table-after" lang="ru"
# Верна была половина ответов, теперь — почти все. При обучении перед каждым предложением стояло от 0 до 12 слов, выбранных случайно из тех, что здесь ничего не значат (*yesterday*, *night*, *morning* и подобные), так что одно и то же предложение встречалось на разных позициях; «behind 6 words» — проверка с 6 словами перед предложением. Пары существительных в тесте — те, что при обучении вместе не встречались.

# %% [markdown] id="weaknesses" lang="en"
# ## 6. Two weaknesses of a table
#
# **It ends.** A table with $T_{\max}$ rows has nothing to add at position $T_{\max}$. A program must refuse, cut the text, or make rows up; ours refuses. (Where no text will ever be longer, it does not matter.) But that is the lesser half of the matter. Our table has 128 rows. The longest sentence has 15 tokens, so behind 12 words it reaches row 26; no text of the training goes further. What will the model do behind 20 words, or 40, where rows exist?
# %% [markdown] id="weaknesses" lang="ru"
# ## 6. Две слабости таблицы
#
# **Она кончается.** В таблице из $T_{\max}$ строк для позиции $T_{\max}$ строки нет. Программе остаётся отказаться, обрезать текст или что-то придумать вместо строк; наша отказывается. (Если более длинных текстов не будет, это не важно.) Но это ещё полбеды. В нашей таблице 128 строк. В самом длинном предложении 15 токенов, и если перед ним 12 слов, оно доходит до строки 26; дальше не заходит ни один обучающий текст. Что сделает модель при 20 или 40 словах, когда строки в таблице есть?
# %% id="weaknesses-end"
try:
    readers["learned"].table(torch.zeros(129, 32, dtype=torch.float64))
except ValueError as error:
    refused = str(error)
    print(refused)

untrained = OrderReader("learned", seed=0).table.table.detach()
changed_rows = (readers["learned"].table.table.detach() != untrained).any(dim=1)
print("rows that training has changed: 0 …", int(changed_rows.nonzero()[-1]))
print("behind   right   the other noun   another word")
for n, (right, other, neither) in zip(order_task.BEHIND[2:], answers[2:], strict=True):
    print(f"{n:6} {right:7.3f} {other:16.3f} {neither:14.3f}")
claim(
    "5.3",
    holds="128 rows" in refused
    and int(changed_rows.sum()) == int(changed_rows.nonzero()[-1]) + 1 == 27
    and max(scores["learned"][-2:]) < 0.5 < 0.95 < min(scores["learned"][:3]),
    measured=f"position 128: a clear error · rows trained 0 … 26, behind 40 words: {scores['learned'][-2]:.3f}",
)

# %% [markdown] id="weaknesses-late" lang="en"
# A row that exists is not a row that has been trained. From row 27 on the table still holds the random numbers it started with; no gradient ever reached them. Behind 40 and 80 words the whole sentence stands on such rows, and more than half of the answers are words that are neither of the nouns: the model is not hesitating between the two, it is lost. Behind 20 words noun and verb stand on rows that training did reach, but only with the ends of sentences, and the end of this sentence stands on untrained rows; that is enough to go wrong.
#
# **Its late rows see little training.** The notes say: most texts are short, so only the early rows are trained much. Whether that is so depends on how texts are put into sequences. We take the documents of our library corpus, each cut to 512 words. If each document is a sequence of its own, row $t$ gets a gradient only from documents longer than $t$. GPT-2 and its successors do it differently: they join the texts into one long stream and cut it into pieces of full length, so that every row is used by every sequence. BERT spent 90 % of its steps on sequences of length 128 and the last tenth on length 512, so that the late rows, too, are learned (Devlin et al., 2019, appendix A.2). In the output `one-text` is counted on our documents; the other two lines follow from what was just said, if all sequences are full.
# %% [markdown] id="weaknesses-late" lang="ru"
# Если строка есть, это ещё не значит, что она обучена. Начиная со строки 27 в таблице по-прежнему лежат случайные числа, с которых всё началось: ни один градиент до них не дошёл. При 40 и 80 словах на таких строках стоит всё предложение, и больше половины ответов — слова, которые не совпадают ни с одним из двух существительных: модель не колеблется между ними, она сбита с толку. При 20 словах существительное и глагол стоят на строках, которые обучались, но доставались только концам предложений, а конец самого предложения — уже на необученных; этого хватает, чтобы ошибаться.
#
# **Дальние строки мало обучаются.** В конспекте сказано: большинство текстов короткие, поэтому хорошо обучаются только первые строки. Так ли это, зависит от того, как из текстов составляют последовательности. Возьмём наш корпус документации и обрежем каждый документ до 512 слов. Если каждый документ — отдельная последовательность, строка $t$ получает градиент только от документов длиннее $t$. GPT-2 и её преемники поступают иначе: тексты склеивают в один длинный поток и режут на куски полной длины, так что каждая последовательность задействует все строки. BERT 90 % шагов обучали на последовательностях длины 128, а последнюю десятую часть — на длине 512, чтобы обучить и дальние строки (Devlin et al., 2019, приложение A.2). В выводе ячейки доли `one-text` подсчитаны по корпусу, а две другие строки следуют из сказанного, если считать, что все последовательности заполнены целиком.
# %% id="weaknesses-updates"
words = np.array([len(document.text.split()) for document in library_docs.frozen()])
rows = np.arange(512)
shares = {
    "one-text": (words[:, None] > rows).mean(axis=0),
    "short-then-long": np.where(rows < 128, 1.0, 0.1),
    "packed": np.ones(512),
}
print(
    f"{len(words)} documents, words: from {words.min()} to {words.max()}, half of them ≤ {np.median(words):.0f}"
)
print("row               " + "".join(f"{row:8}" for row in (0, 100, 200, 300, 400, 511)))
for name, share in shares.items():
    print(f"{name:17} " + "".join(f"{share[row]:8.3f}" for row in (0, 100, 200, 300, 400, 511)))

batch = order_task.batch(order_task.behind([sentence, exchanged], [0, 9], seed=0))
probe = OrderReader("learned", seed=0)
F.cross_entropy(probe(*batch[:3]), batch[3]).backward()
reached = (probe.table.table.grad.abs().amax(dim=1) > 0).sum()
print(f"check: texts of {batch[1].tolist()} tokens give a gradient to {int(reached)} rows")
assert reached == batch[1].max()

# %% id="weaknesses-updates-figure"
show(curves.row_updates(rows, shares), "position_row_updates")

# %% [markdown] id="weaknesses-late-text" lang="en"
# ### Does it matter?
#
# With one text per sequence, row 400 gets a hundredth of the gradients of row 0. An experiment made beforehand (three seeds, `course measure late-rows`, some minutes): our task with up to 60 words before the sentence, 38,400 training texts in all. In one run (`evenly`) all numbers of words are equally frequent; in another (`mostly-few`) there are 7 on average, and each further word makes a text rarer by the same factor. The last line, `rotary-mostly-few`, has the same rare long texts with RoPE, which needs no table (section 9).
# %% [markdown] id="weaknesses-late-text" lang="ru"
# ### Важно ли это?
#
# Когда каждый текст — отдельная последовательность, строка 400 получает в сто раз меньше градиентов, чем строка 0. Вот результаты опыта, проведённого заранее (три зерна, `course measure late-rows`, несколько минут): наша задача, но перед предложением до 60 слов, всего 38400 обучающих текстов. В одном случае (`evenly`) любое число слов встречается одинаково часто; в другом (`mostly-few`) слов в среднем 7, и с каждым следующим словом текст встречается реже в одно и то же число раз. Последняя строка, `rotary-mostly-few`, — те же редкие длинные тексты, но с RoPE: ему таблица не нужна (раздел 9).
# %% id="weaknesses-late-recorded"
late = {}
for row in recorded("late-rows")["rows"]:
    name = f"{row['encoding']}-{row['words'].replace(' ', '-')}"
    late.setdefault(name, []).append([row[f"behind {n}"] for n in order_task.LATE])
late = {name: np.array(seeds) for name, seeds in late.items()}  # (seeds, points)
draws = {"evenly": order_task.evenly, "mostly-few": partial(order_task.mostly_few, mean=7)}
print("behind              " + "".join(f"{n:7}" for n in order_task.LATE))
print("training texts with exactly so many words")
for name, draw in draws.items():
    drawn = np.concatenate(
        [draw(np.random.default_rng([step, 7]), 64, most=order_task.LONG) for step in range(600)]
    )
    print(f"{name:19} " + "".join(f"{(drawn == n).sum():7}" for n in order_task.LATE))
print("right answers")
for name, seeds in late.items():
    print(f"{name:19} " + "".join(f"{share:7.3f}" for share in seeds.mean(axis=0)))
rare, turning = (late[name].mean(axis=0) for name in ("learned-mostly-few", "rotary-mostly-few"))
claim(
    "5.4",
    holds=bool(
        shares["one-text"][400] < 0.05 and rare[-1] < 0.5 < 0.9 < rare[0] and turning[-1] > 0.9
    ),
    measured=f"one text each: row 400 trained by {shares['one-text'][400]:.3f} of the texts · "
    f"long texts rare, behind 30, 40, 60 words: table {rare[3]:.2f}, {rare[4]:.2f}, {rare[6]:.2f}, "
    f"RoPE {turning[3]:.2f}, {turning[4]:.2f}, {turning[6]:.2f}",
)

# %% id="weaknesses-late-figure"
show(
    curves.late_rows(order_task.LATE, {name: seeds.T for name, seeds in late.items()}),
    "position_late_rows",
)

# %% [markdown] id="weaknesses-after" lang="en"
# When long texts are as frequent as short ones, the table is good everywhere (a little less at the very start; we have not looked into why). When they are rare it gets worse the less it was trained: with 87 texts in which the sentence stood just there, behind 30 words, nine answers in ten are right; with 18, behind 40 words, one in two. A share like that of row 400 need not be a disaster, then, but each row has to be learned by itself: row 5 does not make row 50 any better. With RoPE the same rare texts are no obstacle, since no position has anything of its own to learn. So the notes are right about one text per sequence, and today's practice is to pack.
# %% [markdown] id="weaknesses-after" lang="ru"
# Когда длинные тексты встречаются так же часто, как короткие, таблица хороша везде (в самом начале — чуть хуже; почему, мы не выясняли). Когда длинные тексты редки, верных ответов тем меньше, чем реже обучались нужные строки: при 30 словах, где предложение стояло ровно на этом месте в 87 текстах, верны девять ответов из десяти; при 40, где таких текстов 18, — один из двух. Значит, такая малая доля, как у строки 400, — ещё не беда, но каждую строку нужно выучить отдельно: то, что выучено о строке 5, ничем не поможет строке 50. RoPE те же редкие тексты не мешают: у отдельной позиции там нет ничего своего, что надо было бы выучить. Так что конспект прав, если каждый текст — отдельная последовательность, а на практике теперь тексты склеивают.
# %% [markdown] id="sinusoids" lang="en"
# ## 7. Sinusoids: a table that does not end
#
# Is there a table that needs no training and has no last row? The number $t$ itself would grow without end and drown the word; $t/T$ would make one step mean something else in every text. Think of how a clock tells the time. One hand would do if one could read it exactly; three hands of different speed can be read at a glance, and the combination does not repeat for twelve hours. Vaswani et al. (2017, section 3.5) give each position $D/2$ hands. Hand $i$ turns by $\omega_i$ radians with each position, and a hand is written down by the two coordinates of its end, the vertical one (the sine) first; the sine alone would leave two directions possible:
#
# $$P_{t,\,2i} = \sin(\omega_i t), \qquad P_{t,\,2i+1} = \cos(\omega_i t), \qquad \omega_i = \text{base}^{-2i/D}, \qquad i = 0, \dots, D/2 - 1,$$
#
# with base $= 10\,000$. Hand 0 turns by one radian per position, and so is round after $2\pi \approx 6.28$ positions; each following hand is slower than the last by the same factor, so that the slowest does not finish a turn in any text that the authors had in mind. The number of positions for one turn, $2\pi/\omega_i$, is called the *wavelength*.
#
# By hand, with $D = 4$ and base 100: $\omega_0 = 1$, $\omega_1 = 100^{-2/4} = 0.1$. Row 2 is $(\sin 2, \cos 2, \sin 0.2, \cos 0.2)$. With a calculator set to radians you will find it in the table below.
# %% [markdown] id="sinusoids" lang="ru"
# ## 7. Синусоиды: таблица без конца
#
# Бывает ли таблица, которую не надо обучать и у которой нет последней строки? Само число $t$ росло бы без конца и заглушило бы слово; при $t/T$ один и тот же шаг в каждом тексте значил бы своё. Вспомните, как показывают время часы. Хватило бы и одной стрелки, если бы её положение удавалось определить сколь угодно точно; а по трём, которые идут с разной скоростью, время видно сразу, и их сочетание не повторяется в течение двенадцати часов. Vaswani et al. (2017, раздел 3.5) дают каждой позиции $D/2$ стрелок. Стрелка $i$ с каждой позицией поворачивается на $\omega_i$ радиан, а задают её двумя координатами конца, сначала вертикальной (синусом); одного синуса мало — ему отвечали бы два направления:
#
# $$P_{t,\,2i} = \sin(\omega_i t), \qquad P_{t,\,2i+1} = \cos(\omega_i t), \qquad \omega_i = \text{base}^{-2i/D}, \qquad i = 0, \dots, D/2 - 1,$$
#
# где base (основание) $= 10\,000$. Стрелка 0 за одну позицию поворачивается на радиан и, значит, проходит круг за $2\pi \approx 6.28$ позиции; каждая следующая медленнее предыдущей в одно и то же число раз, так что самая медленная не завершит круга ни на одном тексте, на какой рассчитывали авторы. Число позиций на один оборот, $2\pi/\omega_i$, называется *длиной волны*.
#
# Посчитаем вручную при $D = 4$ и основании 100: $\omega_0 = 1$, $\omega_1 = 100^{-2/4} = 0.1$. Строка 2 — это $(\sin 2, \cos 2, \sin 0.2, \cos 0.2)$. Возьмите калькулятор в режиме радиан и найдите эти числа в таблице ниже.
# %% id="sinusoids-by-hand"
P = sinusoidal_table(6, 4, base=100)
print(P)
by_loops = [
    [f(t * 100 ** (-2 * i / 4)) for i in range(2) for f in (math.sin, math.cos)] for t in range(6)
]
difference = (P - torch.tensor(by_loops, dtype=torch.float64)).abs().max()
print("by loops, to 1e-12:", bool(difference <= 1e-12))
waves = 2 * math.pi / frequencies(512)  # the last i is D/2 − 1, so the exponent is 1 − 2/D
print(
    f"D = 512, base 10000, wavelengths: {waves[0]:.2f}, {waves[1]:.2f}, {waves[2]:.2f}, …, {waves[-1]:.0f}"
)

# %% id="sinusoids-clock"
show(drawings.clock_hands(), "clock_hands")

# %% id="sinusoids-figure"
show(curves.position_table(sinusoidal_table(64, 32).numpy()), "position_table")

# %% [markdown] id="shift" lang="en"
# **A shift is a rotation.** How does row $t + s$ follow from row $t$? All hands move on: hand $i$ by the angle $\omega_i s$, wherever it stood. In formulas these are the two addition theorems,
#
# $$\sin(\omega_i t + \omega_i s) = \sin(\omega_i t)\cos(\omega_i s) + \cos(\omega_i t)\sin(\omega_i s),$$
# $$\cos(\omega_i t + \omega_i s) = \cos(\omega_i t)\cos(\omega_i s) - \sin(\omega_i t)\sin(\omega_i s).$$
#
# The new pair is a linear function of the old one, and its coefficients contain $s$ but not $t$. As a row times a matrix, with $\varphi = \omega_i s$:
#
# $$\big(\sin(\omega_i t + \varphi),\ \cos(\omega_i t + \varphi)\big) = \big(\sin(\omega_i t),\ \cos(\omega_i t)\big) \begin{pmatrix} \cos\varphi & -\sin\varphi \\ \sin\varphi & \cos\varphi \end{pmatrix}.$$
#
# The matrix of a rotation. Let $R_s$, of shape $(D, D)$, have these blocks of two rows and two columns along its diagonal, one for each pair, and zeros elsewhere. Then
#
# $$P_{t+s} = P_t\, R_s \quad \text{for every } t.$$
#
# So "three to the right" is one and the same linear map at the start of a text and in its middle. What is it good for? Suppose $W_K$ drops the words and hands the positions on, and $W_Q$ does so too, turns them by $R_{-1}$ and multiplies them by some number $a$: then the query of token $t$ is $a P_{t-1}$, and of all keys $P_n$ the one with $n = t - 1$ gets the largest score. With $a$ large enough, softmax makes of it a head that looks at the token before it, everywhere in the text, and had to learn that only once. (With $d_k < D$ it has room for some of the pairs.) That is why the authors chose sinusoids; they also hoped that a model would read longer texts than those it was trained on (section 11 tries it). From the same theorems it follows that the dot product of two rows depends only on how far apart they are: $\sin a \sin b + \cos a \cos b = \cos(a - b)$, hence
#
# $$P_m \cdot P_n = \sum_i \cos\big(\omega_i (m - n)\big).$$
# %% [markdown] id="shift" lang="ru"
# **Сдвиг — это поворот.** Как из строки $t$ получить строку $t + s$? Все стрелки уходят вперёд: стрелка $i$ — на угол $\omega_i s$, где бы она ни стояла. На языке формул это синус и косинус суммы:
#
# $$\sin(\omega_i t + \omega_i s) = \sin(\omega_i t)\cos(\omega_i s) + \cos(\omega_i t)\sin(\omega_i s),$$
# $$\cos(\omega_i t + \omega_i s) = \cos(\omega_i t)\cos(\omega_i s) - \sin(\omega_i t)\sin(\omega_i s).$$
#
# Новая пара — линейная функция старой, и в её коэффициентах есть $s$, но нет $t$. Обозначим $\varphi = \omega_i s$ и запишем это как произведение строки на матрицу:
#
# $$\big(\sin(\omega_i t + \varphi),\ \cos(\omega_i t + \varphi)\big) = \big(\sin(\omega_i t),\ \cos(\omega_i t)\big) \begin{pmatrix} \cos\varphi & -\sin\varphi \\ \sin\varphi & \cos\varphi \end{pmatrix}.$$
#
# Это матрица поворота. Пусть в матрице $R_s$ формы $(D, D)$ вдоль диагонали стоят такие блоки — две строки и два столбца, по одному блоку на пару, — а остальное нули. Тогда
#
# $$P_{t+s} = P_t\, R_s \quad \text{при любом } t.$$
#
# Значит, «на три вправо» — одно и то же линейное отображение и в начале текста, и в его середине. Что это даёт? Пусть $W_K$ отбрасывает слова и передаёт позиции как есть, а $W_Q$ тоже отбрасывает слова, поворачивает позиции матрицей $R_{-1}$ и умножает их на некоторое число $a$: тогда запрос токена $t$ — это $a P_{t-1}$, и из всех ключей $P_n$ самая большая оценка у ключа с $n = t - 1$. Если $a$ достаточно велико, softmax превращает это в голову, которая в любом месте текста смотрит на предыдущий токен, а выучить это ей понадобилось один раз. (При $d_k < D$ в ней поместится лишь часть пар.) Поэтому авторы и выбрали синусоиды; ещё они надеялись, что модель сумеет читать тексты длиннее обучающих (это проверим в разделе 11). Из тех же формул следует, что скалярное произведение двух строк зависит только от того, насколько далеко они друг от друга: $\sin a \sin b + \cos a \cos b = \cos(a - b)$, поэтому
#
# $$P_m \cdot P_n = \sum_i \cos\big(\omega_i (m - n)\big).$$
# %% id="shift-numbers"
P = sinusoidal_table(200, 32)  # 16 pairs, and sin² + cos² = 1 in each
R = shift_matrix(32, 3)
print("first block of R_3:\n", R[:2, :2], sep="")
print(
    "P[t + 3] = P[t] R_3 for t = 0 … 196, to 1e-12:",
    bool((P[3:] - P[:-3] @ R).abs().max() <= 1e-12),
)
print("lengths do not change, R Rᵀ = I:", bool((R @ R.T - torch.eye(32)).abs().max() <= 1e-12))
dots = P @ P.T
for distance in (0, 1, 2, 10, 50):
    same = torch.diagonal(dots, distance)
    print(
        f"P_m · P_n at distance {distance:2}: {same[0]:6.3f} for every m: {bool((same - same[0]).abs().max() <= 1e-12)}"
    )
looked_at = (P @ shift_matrix(32, -1) @ P.T).argmax(dim=1)
print(
    "queries P[t] R_(−1) find the key before them, t ≥ 1:",
    torch.equal(looked_at[1:], torch.arange(199)),
)

# %% [markdown] id="between" lang="en"
# ## 8. What adding does not give
#
# $P_m \cdot P_n$ depends on the distance alone. The score does not. Between the sum and the score stand $W_Q$ and $W_K$, and the word is in it as well. The score is $q_m k_n^\top = (x_m + P_m)\,W_Q W_K^\top (x_n + P_n)^\top$. With $G = W_Q W_K^\top$ it has four terms:
#
# $$(x_m + P_m)\,G\,(x_n + P_n)^\top = x_m G x_n^\top + x_m G P_n^\top + P_m G x_n^\top + P_m G P_n^\top.$$
#
# The first knows no positions. The two in the middle pair a word with a *place*, "a verb likes position 4": each knows one of the positions and not the other. Even the last, place with place, depends on more than $m - n$, unless $G$, like $R_s$, consists of one block for each pair, which turns and stretches it; nothing makes a trained $G$ do so. Take the same two words at positions 3 and 1, then both four places later:
# %% [markdown] id="between" lang="ru"
# ## 8. Чего не даёт сложение
#
# $P_m \cdot P_n$ зависит только от расстояния. А оценка — не только. Между суммой и оценкой стоят $W_Q$ и $W_K$, и в оценке участвует ещё и само слово. Оценка равна $q_m k_n^\top = (x_m + P_m)\,W_Q W_K^\top (x_n + P_n)^\top$. Обозначим $G = W_Q W_K^\top$; тогда в ней четыре слагаемых:
#
# $$(x_m + P_m)\,G\,(x_n + P_n)^\top = x_m G x_n^\top + x_m G P_n^\top + P_m G x_n^\top + P_m G P_n^\top.$$
#
# Первое о позициях не знает. Два средних сочетают слово с *местом* — «глаголу нравится позиция 4»: каждое знает одну из позиций и не знает другой. Даже последнее, место с местом, зависит не от одной разности $m - n$; исключение — такая $G$, которая, как $R_s$, состоит из отдельных блоков, по одному на пару, и каждый только поворачивает и растягивает; но обученную $G$ ничто к этому не принуждает. Возьмём те же два слова на позициях 3 и 1, а потом оба на четыре места дальше:
# %% id="between-numbers"
W_Q, W_K = (randn(32, 8, seed=s) / math.sqrt(32) for s in (3, 4))
word_q, word_k = randn(32, seed=5), randn(32, seed=6)
G = W_Q @ W_K.T
print(" m  n   word·word  word·place  place·word  place·place   score")
added = {}
for m, n in ((3, 1), (7, 5)):
    terms = [a @ G @ b for a in (word_q, P[m]) for b in (word_k, P[n])]
    added[m, n] = sum(terms)
    print(
        f"{m:2} {n:2} {terms[0]:11.3f} {terms[1]:11.3f} {terms[2]:11.3f} {terms[3]:12.3f} {added[m, n]:7.3f}"
    )

# %% [markdown] id="between-after" lang="en"
# The distance is 2 both times, and the score is not the same. A model may learn matrices for which it nearly is, but nothing makes it, and what it has learned for the positions of its training need not hold further on. (Sinusoids have a row for *every* position; in section 11 we shall see what that is worth.) If it is the distance that counts, the position had better come in after $W_Q$ and $W_K$.
#
# Ways that give each token a vector of its place are called *absolute*. Ways in which a score sees only the difference $m - n$ are called *relative*; three of them follow. (Shaw et al., 2018, had the first: learned vectors for each distance, added to the keys. It is hardly used any more, and we leave it out.)
# %% [markdown] id="between-after" lang="ru"
# Расстояние оба раза 2, а оценки разные. Модель может выучить такие матрицы, при которых они почти совпадут, но ничто её к этому не принуждает, и то, что выучено на обучающих позициях, за их пределами может и не сработать. (У синусоид есть строка для *каждой* позиции; много ли от этого толку, увидим в разделе 11.) Если важно расстояние, пусть позиция входит после $W_Q$ и $W_K$.
#
# Способы, при которых токен получает вектор своей позиции, называют *абсолютными*. Способы, при которых позиции входят в оценку только разностью $m - n$, — *относительными*; дальше их будет три. (Первый предложили Shaw et al., 2018: обучаемые векторы расстояний, которые прибавляются к ключам. Теперь он почти не применяется, и мы его пропустим.)

# %% [markdown] id="rotary" lang="en"
# ## 9. Rotary positions
#
# Su et al. (2021) do just that. Take a query of two numbers, an arrow in the plane with length $|q|$ and direction $\alpha$; let the key have length $|k|$ and direction $\beta$. Their dot product is $|q||k|\cos(\alpha - \beta)$. Now turn the query by $\omega m$ and the key by $\omega n$, each by an angle proportional to its own position. The lengths stay, the directions become $\alpha + \omega m$ and $\beta + \omega n$, and the dot product
#
# $$|q||k|\cos\big(\alpha - \beta + \omega(m - n)\big).$$
#
# Each was turned by its *own* position, with no knowledge of the other, and of both positions only the difference is left. This is the whole idea. A query of $d_k$ numbers is $d_k/2$ arrows, and pair $i$ is turned with the frequency $\omega_i = \text{base}^{-2i/d_k}$ of the sinusoids; one frequency alone would show the same again after every full turn. The dot product adds up the pairs (from here on $q_i$ is the arrow of pair $i$ in one query),
#
# $$\sum_i |q_i||k_i|\cos\big(\alpha_i - \beta_i + \omega_i(m - n)\big),$$
#
# and again there is only $m - n$ in it. The name is **RoPE**, *rotary position embedding*.
#
# By hand: $q = k = (1, 0)$ and $\omega = 0.4$. At $m = 3$, $n = 1$ the query is $(\cos 1.2, \sin 1.2) = (0.3624, 0.9320)$, the key $(\cos 0.4, \sin 0.4) = (0.9211, 0.3894)$, and their product $0.3624 \cdot 0.9211 + 0.9320 \cdot 0.3894 = 0.6967$, which is $\cos 0.8$. At $m = 7$, $n = 5$ both arrows point elsewhere, and the product is the same. (In the figure $\alpha = 0$ and $\beta = -1.1$.) The cell computes it, and then turns $q$ and $k$ of section 8. `turn_complex` does the same with complex numbers, as Llama's program does; skip it if you have not met them.
# %% [markdown] id="rotary" lang="ru"
# ## 9. RoPE: поворот запросов и ключей
#
# Именно так поступили Su et al. (2021). Возьмём запрос из двух чисел — стрелку на плоскости: её длина $|q|$, направление $\alpha$; у ключа пусть длина $|k|$ и направление $\beta$. Их скалярное произведение равно $|q||k|\cos(\alpha - \beta)$. Теперь повернём запрос на $\omega m$, а ключ на $\omega n$ — каждый на угол, пропорциональный его собственной позиции. Длины останутся, направления станут $\alpha + \omega m$ и $\beta + \omega n$, а скалярное произведение —
#
# $$|q||k|\cos\big(\alpha - \beta + \omega(m - n)\big).$$
#
# Угол каждого поворота определяется только *собственной* позицией вектора, о другом мы ничего не знаем, а в произведении от двух позиций осталась одна их разность. В этом вся идея. Запрос из $d_k$ чисел — это $d_k/2$ стрелок, и пара $i$ поворачивается с частотой $\omega_i = \text{base}^{-2i/d_k}$, как у синусоид; одна-единственная частота после каждого полного круга показывала бы то же самое. Скалярное произведение складывается из пар (отсюда и дальше $q_i$ — стрелка пары $i$ в одном запросе),
#
# $$\sum_i |q_i||k_i|\cos\big(\alpha_i - \beta_i + \omega_i(m - n)\big),$$
#
# и в нём снова только $m - n$. Называется это **RoPE** (*rotary position embedding*).
#
# Посчитаем вручную: $q = k = (1, 0)$, $\omega = 0.4$. При $m = 3$, $n = 1$ запрос — $(\cos 1.2, \sin 1.2) = (0.3624, 0.9320)$, ключ — $(\cos 0.4, \sin 0.4) = (0.9211, 0.3894)$, а их произведение $0.3624 \cdot 0.9211 + 0.9320 \cdot 0.3894 = 0.6967$, то есть $\cos 0.8$. При $m = 7$, $n = 5$ обе стрелки смотрят в другие стороны, а произведение то же. (На рисунке $\alpha = 0$ и $\beta = -1.1$.) Ячейка вычислит это, а потом повернёт $q$ и $k$ из раздела 8. `turn_complex` делает то же с комплексными числами, как программа Llama; если вы с ними не встречались, пропустите её.
# %% id="rotary-figure"
show(drawings.rotary(), "rotary")


# %% id="rotary-code"
def turn(x, positions, base=10_000):
    """x (..., T, d_k): each pair of neighbours turned by position · frequency."""
    d_k = x.shape[-1]
    omega = base ** (-torch.arange(0, d_k, 2, dtype=x.dtype) / d_k)  # (d_k/2,)
    angle = positions[:, None] * omega  # (T, d_k/2)
    a, b = x[..., 0::2], x[..., 1::2]  # first and second of each pair
    turned = [a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()]
    return torch.stack(turned, dim=-1).flatten(-2)  # pairs side by side again


def turn_complex(x):
    """The same with complex numbers: a + bi times cos φ + i sin φ is the pair (a, b) turned by φ."""
    angle = torch.arange(x.shape[-2])[:, None] * frequencies(x.shape[-1])
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angle), angle)).flatten(-2)


one = torch.tensor([[1.0, 0], [1, 0]], dtype=torch.float64)
for m, n in ((3, 1), (7, 5)):  # with d_k = 2 the only ω is 1, so the positions carry the 0.4
    turned_q, turned_k = turn(one, 0.4 * torch.tensor([m, n]))
    print(
        f"m = {m}, n = {n}: q", turned_q.numpy().round(4), "k", turned_k.numpy().round(4), end=" "
    )
    print(f"q · k = {turned_q @ turned_k:.4f}")

x = randn(2, 3, 9, 10, seed=7)  # (B, H, T, d_k)
parity("course_lib.positions.rotate", lambda x: turn(x, torch.arange(9)), rotate, x)
parity("complex numbers", rotate, turn_complex, x)

q, k = word_q @ W_Q, word_k @ W_K
print(" m   n    added   turned")
for m, n in ((3, 1), (7, 5), (103, 101)):
    turned_q, turned_k = turn(torch.stack([q, k]), torch.tensor([m, n]))
    shown = f"{added[m, n]:7.3f}" if (m, n) in added else "      –"
    print(f"{m:3} {n:3}  {shown} {turned_q @ turned_k:8.3f}")

# %% [markdown] id="rotary-explorer-text" lang="en"
# Move the query and the key, then shift both: watch what changes and what does not. **Predict** before you exchange turning for adding (the sinusoids of both positions are then added to the same $q$ and $k$): which of the buttons will now change the score?
# %% [markdown] id="rotary-explorer-text" lang="ru"
# Подвигайте запрос и ключ, потом сдвиньте их вместе: следите, что меняется, а что нет. **Предскажите**, прежде чем переключить поворот на сложение (тогда к тем же $q$ и $k$ прибавляются синусоиды обеих позиций): какие кнопки теперь изменят оценку?
# %% id="rotary-explorer"
explore_rotary(q, k)

# %% [markdown] id="rotary-notes" lang="en"
# With turning, only a button that changes the distance changes the score; with adding, *shift both* changes it too. (The explorer shows scores that are not divided by $\sqrt{d_k}$, as in the tables above.)
#
# Some things to know about RoPE.
#
# - Only queries and keys are turned. Values carry what is handed over; if they were turned, what a token receives would contain the place, not the distance, of the token that it comes from.
# - There is nothing to learn and nothing to add to $X$; the turning is done anew in every layer and head.
# - A key's position is its own and does not change as the text grows. So a decoder can keep turned keys in its cache (lesson 04, section 12), and only has to know the position of the new token (exercise 12.4).
# - Which numbers form a pair is a convention. The paper and Meta's own program for Llama turn neighbours; GPT-NeoX and the library `transformers` pair component $i$ with component $i + d_k/2$. Put the columns of $W_Q$ and $W_K$ in another order, and one convention becomes the other; so neither is better, and when Llama's weights are converted for `transformers` the columns are put in the other order for just this reason. But weights trained with one and read with the other compute something else, and no shape warns of it.
#
# Let us read a trained model with the wrong convention, and try some milder changes as well.
# %% [markdown] id="rotary-notes" lang="ru"
# При повороте оценку меняют только те кнопки, которые меняют расстояние; при сложении — ещё и общий сдвиг. (Оценки здесь, как и в таблицах выше, не поделены на $\sqrt{d_k}$.)
#
# Что стоит знать о RoPE.
#
# - Поворачивают только запросы и ключи. Значения — это то, что передаётся; если повернуть и их, в том, что получает токен, снова окажется не расстояние, а место отправителя.
# - Обучать нечего, и к $X$ ничего не прибавляют; поворот выполняется заново в каждом слое и в каждой голове.
# - Позиция ключа — его собственная и не меняется, когда текст растёт. Поэтому декодер может хранить в кэше уже повёрнутые ключи (урок 04, раздел 12), и знать ему нужно только позицию нового токена (упражнение 12.4).
# - Какие числа составляют пару — дело соглашения. В статье и в собственной программе Meta для Llama поворачивают соседей; GPT-NeoX и библиотека `transformers` объединяют в пару компоненты $i$ и $i + d_k/2$. Переставив столбцы $W_Q$ и $W_K$, из одного получим другое, так что ни один вариант не лучше; когда веса Llama переводят в формат `transformers`, столбцы переставляют именно поэтому. Но веса, обученные с одним соглашением и прочитанные с другим, вычисляют не то, а по формам этого не заметить.
#
# Прочитаем с чужим соглашением обученную модель, а заодно попробуем перемены помягче.
# %% id="rotary-break"
columns = torch.cat([torch.arange(0, 10, 2), torch.arange(1, 10, 2)])
same = (rotate(x)[..., columns] - rotate(x[..., columns], layout="halves")).abs().max()
print("halves = pairs with the columns in another order, to 1e-12:", bool(same <= 1e-12))

readers["rotary"] = OrderReader("rotary", seed=0)
order_task.train(readers["rotary"])
scores["rotary"] = [order_task.accuracy(readers["rotary"], n) for n in order_task.BEHIND]


def from_position(first, step=1.0):
    return lambda x: rotate(x, first + step * torch.arange(x.shape[-2]))


print("who hunted whom, behind 6 words")
changed = {}
for name, how in {
    "as trained": rotate,
    "positions 100, 101, …": from_position(100),
    "positions 0, 0.5, 1, …": from_position(0, step=0.5),
    "base 500000": partial(rotate, base=500_000),
    "halves for pairs": partial(rotate, layout="halves"),
}.items():
    readers["rotary"].rotate = how
    changed[name] = order_task.accuracy(readers["rotary"], 6)
    print(f"{name:23} {changed[name]:.3f}")
readers["rotary"].rotate = rotate
assert changed["halves for pairs"] < 0.5 < 0.99 < changed["as trained"]

# %% [markdown] id="rotary-after" lang="en"
# Counting from 100 changes nothing, as it must. In our model half steps between tokens cost three answers in a hundred, although it never met them. *Position interpolation* (Chen et al., 2023) counts on such tolerance: with half steps a text twice as long stays within the range of angles known from training, and the model is then trained a little further on such texts. A larger base makes the slow hands slower and leaves hand 0 as it is; our task needs only near neighbours, and the model hardly notices. The wrong pairing ruins it.
#
# One more property is often told of RoPE: that far tokens count less by themselves. For the sum $\sum_i \cos(\omega_i d)$ it is true on the whole: this is the score at distance $d$ of a query and a key that are equal before they are turned and whose arrows have length 1. The figure shows it, divided by the number of pairs. But a trained query need not equal the key: if $\alpha_i - \beta_i = -2\omega_i$ in every pair, the peak is at $m - n = 2$, and the head prefers "two tokens back"; with a larger multiple it prefers a far token. The fall is a property of this example, not of RoPE.
# %% [markdown] id="rotary-after" lang="ru"
# Отсчёт от 100 ничего не меняет, как и должно быть. С половинным шагом наша модель теряет три ответа из ста, хотя при обучении она его не встречала. На такую устойчивость рассчитывает *интерполяция позиций* (position interpolation; Chen et al., 2023): при половинных шагах углы даже во вдвое более длинном тексте остаются в знакомых пределах, а потом на таких текстах модель немного дообучают. Большее основание замедляет медленные стрелки, а стрелку 0 не трогает; нашей задаче нужны только близкие соседи, и модель этого почти не замечает. А вот с неверно составленными парами она перестаёт справляться.
#
# О RoPE часто говорят ещё одно: будто далёкие токены сами собой значат меньше. Для суммы $\sum_i \cos(\omega_i d)$ это в целом верно — ровно такой была бы оценка на расстоянии $d$, если бы до поворота запрос и ключ совпадали, а их стрелки имели длину 1. На рисунке эта сумма поделена на число пар. Но обученный запрос не обязан совпадать с ключом: если в каждой паре $\alpha_i - \beta_i = -2\omega_i$, пик окажется на $m - n = 2$, и голова предпочтёт «на два токена назад»; а если вместо 2 взять большее число — далёкий токен. Убывание — свойство этого примера, а не RoPE.
# %% id="rotary-similarity-figure"
far = np.unique(np.geomspace(1, 65536, 200).round())  # a choice: between them it ripples too
near = {
    f"base-{base}": torch.outer(torch.from_numpy(far), frequencies(128, base))
    .cos()
    .mean(dim=1)
    .numpy()
    for base in (10_000, 500_000)
}
show(curves.similarity(far, near), "position_similarity")

# %% [markdown] id="biases" lang="en"
# ## 10. A bias on the scores: ALiBi and T5
#
# If only the distance is to count, why turn anything? One can add to the score a number that depends on the distance and on nothing else:
#
# $$A_h = \operatorname{softmax}\!\left(\frac{Q_h K_h^\top}{\sqrt{d_k}} + b_h\right).$$
#
# Each head has a bias $b_h$ of its own, a matrix of shape $(T, T)$ whose number in row $m$ and column $n$ depends on $n - m$ alone. The distance is written $n - m$ here, with its sign, key minus query, as in T5: it is negative for keys before the query.
#
# **ALiBi** (Press et al., 2022) fixes the numbers. The bias is $-c_h\,|m - n|$, a penalty that grows by $c_h$ with each further token, and each head has its own *slope* $c_h$: for eight heads $1/2, 1/4, \dots, 1/256$, and in general $2^{-8h/H}$ for head number $h = 1, \dots, H$, so for four heads $1/4, 1/16, 1/64, 1/256$. Under the exponential of the softmax a bias of $-c_h$ per token becomes a factor $e^{-c_h}$ per token. A head with slope $1/2$ gives a token ten places away $e^{-5} = 0.0067$ of the weight that it gives to one with the same score at the query's own place; one with slope $1/256$ hardly feels ten places at all. Nothing is learned.
# %% [markdown] id="biases" lang="ru"
# ## 10. Смещение оценок: ALiBi и T5
#
# Если важно только расстояние, зачем что-то поворачивать? К оценке можно прибавить число (смещение, bias), которое зависит только от того, насколько далеко и с какой стороны стоит ключ:
#
# $$A_h = \operatorname{softmax}\!\left(\frac{Q_h K_h^\top}{\sqrt{d_k}} + b_h\right).$$
#
# Смещение $b_h$ у каждой головы своё — матрица формы $(T, T)$, в которой число в строке $m$ и столбце $n$ зависит только от $n - m$. Здесь $n - m$ — расстояние со знаком, ключ минус запрос, как в T5: для ключей до запроса оно отрицательно.
#
# **ALiBi** (Press et al., 2022) берёт готовые числа. Смещение равно $-c_h\,|m - n|$ — это штраф, который растёт на $c_h$ с каждым следующим токеном, и у каждой головы свой *наклон* (slope) $c_h$: при восьми головах $1/2, 1/4, \dots, 1/256$, а в общем случае $2^{-8h/H}$ у головы номер $h = 1, \dots, H$, так что при четырёх — $1/4, 1/16, 1/64, 1/256$. Под экспонентой softmax смещение $-c_h$ на токен становится множителем $e^{-c_h}$ на токен. Токену на расстоянии десяти позиций голова с наклоном $1/2$ даёт $e^{-5} = 0.0067$ того веса, который даёт токену с той же оценкой на месте самого запроса, а голова с наклоном $1/256$ такого расстояния почти не чувствует. Обучать здесь нечего.
# %% id="biases-alibi"
print("slopes of 8 heads: 1 divided by", *(f"{1 / c:.0f}" for c in alibi_slopes(8).tolist()))
print("bias of the first head:\n", alibi_bias(8, 4)[0], sep="")
by_loops = torch.zeros(8, 7, 7, dtype=torch.float64)
for h in range(8):
    for m in range(7):
        for n in range(7):
            by_loops[h, m, n] = -abs(m - n) / 2 ** (h + 1)
print("by three loops, to 1e-12:", bool((alibi_bias(8, 7) - by_loops).abs().max() <= 1e-12))
print(f"e^(−5) = {math.exp(-5):.4f}, e^(−10/256) = {math.exp(-10 / 256):.2f}")


# %% [markdown] id="biases-t5-text" lang="en"
# **T5** (Raffel et al., 2020) learns the numbers: one for each head and each *bucket* of distances. Near distances have a bucket each, far ones share: whether a token is 2 or 3 places away matters, whether it is 506 or 510 hardly does, as the notes say. Of the usual 32 buckets an encoder has 16 for the query's own place and the keys before it, and 16 for keys after it. In each half eight buckets belong to the distances 0 to 7, one each (so bucket 16, distance 0 after the query, is never used). The other eight share out what lies beyond. Meant for distances up to 128, which is 16 times 8, they make each border $16^{1/8} = \sqrt 2$ times as far as the one before; the last of them begins at 91 and takes everything further as well. The same table serves all layers. (T5 does not divide the scores by $\sqrt{d_k}$; its initial weights are smaller instead.)
#
# For a distance $d \ge 8$ T5's program takes bucket $8 + \lfloor 8 \log(d/8) / \log 16 \rfloor$ of its half, and at most 15. At $d = 64$ the fraction is exactly 6, and the smallest error of rounding would put the distance into the bucket before. Our function computes as T5's program does, in float32, and is tested against it. Here we check it without any logarithm: distance $d$ has passed border number $j$ when $(d/8)^8 \ge 16^j$, that is, $d^8 \ge 8^8 \cdot 16^j$, in whole numbers.
# %% [markdown] id="biases-t5-text" lang="ru"
# В **T5** (Raffel et al., 2020) эти числа обучаются: по одному на каждую голову и каждую *корзину* (bucket) расстояний. У близких расстояний корзины свои, далёким достаётся одна на многих: на расстоянии 2 стоит токен или 3 — важно, а 506 или 510 — почти безразлично; так сказано и в конспекте. Обычно корзин 32; в энкодере 16 из них — для места самого запроса и ключей до него, ещё 16 — для ключей после него. В каждой половине восемь корзин достаются расстояниям от 0 до 7, по одной на каждое (так что корзина 16, расстояние 0 после запроса, всегда пуста). Остальные восемь поделили всё, что дальше. Они рассчитаны на расстояния до 128, то есть в 16 раз больше 8, поэтому каждая граница в $16^{1/8} = \sqrt 2$ раз дальше предыдущей; последняя корзина начинается с 91 и забирает всё, что дальше. Таблица общая для всех слоёв. (На $\sqrt{d_k}$ оценки в T5 не делят: вместо этого у неё меньше начальные веса.)
#
# При $d \ge 8$ программа T5 берёт в нужной половине корзину номер $8 + \lfloor 8 \log(d/8) / \log 16 \rfloor$, но не больше 15. При $d = 64$ дробь равна ровно 6, и малейшая ошибка округления отправила бы расстояние в предыдущую корзину. Наша функция считает так же, как программа T5, в float32, и проверена на совпадение с ней. Здесь проверим её совсем без логарифмов: расстояние $d$ лежит за границей номер $j$, если $(d/8)^8 \ge 16^j$, а в целых числах — если $d^8 \ge 8^8 \cdot 16^j$.
# %% id="biases-t5"
def bucket_by_whole_numbers(distance):
    """The bucket of a distance (key's position minus query's): 32 buckets in an encoder, without logarithms."""
    d = abs(distance)
    own = d if d < 8 else 8 + sum(d**8 >= 8**8 * 16**j for j in range(1, 8))
    return own + (16 if distance > 0 else 0)


far_and_near = torch.arange(-600, 601)
buckets = torch.tensor([bucket_by_whole_numbers(d) for d in far_and_near.tolist()])
print("equal for −600 … 600:", torch.equal(buckets, relative_bucket(far_and_near)))
print("bucket: distances before the query")
for bucket in (0, 1, 7, 8, 9, 10, 11, 12, 13, 14, 15):
    inside = -far_and_near[buckets == bucket]
    print(
        f"{bucket:6}: {inside.min()} … {'all further ones' if bucket == 15 else int(inside.max())}"
    )
print("506 and 510 places away:", relative_bucket(torch.tensor([-506, -510])).tolist())

bias = T5Bias(4, generator=torch.Generator().manual_seed(0))
weight = bias.table.detach().clone().requires_grad_()
places = torch.tensor([[bucket_by_whole_numbers(n - m) for n in range(70)] for m in range(70)])
parity(
    "F.embedding of whole-number buckets",
    lambda scores: (scores + bias(70)).softmax(dim=-1),
    lambda scores: (scores + F.embedding(places, weight).movedim(-1, 0)).softmax(dim=-1),
    randn(4, 70, 70, seed=8),
    parameters=[(bias.table, weight)],
)

# %% [markdown] id="mirror" lang="en"
# **Distance is not direction.** ALiBi was made for decoders, where all keys stand before the query. In an encoder $|m - n|$ is the same to the left and to the right. **Predict:** three tokens, *wolf chased duck*, and the same three from right to left, *duck chased wolf*. Which of the encodings give *chased* another vector?
# %% [markdown] id="mirror" lang="ru"
# **Расстояние — ещё не направление.** ALiBi придумали для декодеров, где все ключи стоят до запроса. В энкодере $|m - n|$ слева и справа одинаково. **Предскажите:** три токена, *wolf chased duck*, и те же три справа налево, *duck chased wolf*. При каких способах кодирования вектор слова *chased* изменится?
# %% id="mirror-numbers"
layer = layers[0]
three = randn(3, 16, seed=9)  # wolf, chased, duck
P = sinusoidal_table(3, 16)
ways = {
    "none": lambda x: layer(x),
    "learned": lambda x: layer(x + randn(3, 16, seed=10)),
    "sinusoidal": lambda x: layer(x + P),
    "rotary": lambda x: layer(x, rotate=rotate),
    "alibi": lambda x: layer(x, bias=alibi_bias(4, 3)),
    "t5": lambda x: layer(x, bias=T5Bias(4, generator=torch.Generator().manual_seed(0))(3)),
}
blind = {}
for name, attend in ways.items():
    with torch.no_grad():
        blind[name] = (attend(three)[0][1] - attend(three.flip(0))[0][1]).abs().max().item()
    print(
        f"{name:10} {'the same to 1e-12' if blind[name] <= 1e-12 else f'{blind[name]:.2f} apart'}"
    )
assert blind["alibi"] <= 1e-12 < 0.01 < min(blind[name] for name in ("learned", "rotary", "t5"))

# %% [markdown] id="mirror-after" lang="en"
# Reading from right to left is a permutation, and ALiBi's bias does not change under *this* one. So the proof of section 3 goes through: an encoder with ALiBi gives to each token of a text what it gives to the same token of the mirrored text. (In our task it still has a chance: in *the wolf hunted the duck* one noun stands one place from the verb, the other two.) RoPE and T5 do tell left from right: $\cos(\alpha - \beta + \omega(m-n))$ changes with the sign of $m - n$, unless query and key lie on one line, and T5 has buckets of their own for keys after the query.
# %% [markdown] id="mirror-after" lang="ru"
# Чтение справа налево — перестановка, и смещение ALiBi при *этой* перестановке не меняется. Поэтому доказательство из раздела 3 остаётся в силе: энкодер с ALiBi даёт токену один и тот же вектор, читай текст хоть с начала, хоть с конца. (В нашей задаче шанс у него всё же есть: в *the wolf hunted the duck* до одного существительного от глагола одна позиция, до другого — две.) RoPE и T5 отличают левое от правого: $\cos(\alpha - \beta + \omega(m-n))$ при смене знака $m - n$ меняется, если только запрос и ключ не лежат на одной прямой, а у T5 для ключей после запроса корзины отдельные.

# %% [markdown] id="invariance" lang="en"
# What the three relative ways have in common is that they see no position, only differences. We put five words before a sentence and hide them by a mask, so that nothing is different but the place where the sentence stands; two layers, random weights:
# %% [markdown] id="invariance" lang="ru"
# Общее у трёх относительных способов то, что самих позиций они не видят — только разности. Поставим перед предложением пять слов и скроем их маской, чтобы изменилось одно лишь место предложения; два слоя, случайные веса:
# %% id="invariance-numbers"
here, later = (order_task.batch(order_task.behind([sentence], [n], seed=0))[0] for n in (0, 5))
shown = (torch.arange(later.shape[1]) >= 5)[None, None, None]
shifted = {}
for name in ("learned", "sinusoidal", "rotary", "alibi", "t5"):
    model = OrderReader(name, seed=1)
    with torch.no_grad():
        shifted[name] = (
            (model.vectors(here) - model.vectors(later, shown)[:, 5:]).abs().max().item()
        )
    print(
        f"{name:10} {'the same to 1e-10' if shifted[name] <= 1e-10 else f'{shifted[name]:.2f} apart'}"
    )

# %% [markdown] id="order" lang="en"
# ## 11. One task, all ways
#
# The model of section 1 in seven versions: without positions, with a causal mask, and with each of the five ways; trained with 0 to 12 words before the sentence, and tested behind 0 to 80. They were trained beforehand with three seeds (`course measure order`, some minutes); the table gives the mean. One more we train here, T5's, and compare with the record what this lesson has trained itself.
#
# **Predict:** which of the relative ways will still answer behind 80 words?
# %% [markdown] id="order" lang="ru"
# ## 11. Одна задача, все способы
#
# Модель из раздела 1 в семи вариантах — без позиций, с каузальной маской и с каждым из пяти способов — обучена на предложениях, перед которыми стоит от 0 до 12 слов, а проверена на предложениях, перед которыми их до 80. Модели обучены заранее, с тремя зёрнами (`course measure order`, несколько минут); в таблице средние. Ещё одну, со смещениями T5, обучим здесь и сравним с сохранёнными результатами всё, что обучено в самом уроке.
#
# **Предскажите:** какие из относительных способов ещё будут отвечать, когда слов 80?
# %% id="order-recorded"
order_rows = {}
for row in recorded("order")["rows"]:
    order_rows.setdefault(row["encoding"], []).append(
        [row[f"behind {n}"] for n in order_task.BEHIND]
    )
order_rows = {name: np.array(seeds) for name, seeds in order_rows.items()}  # (seeds, points)
assert order_rows["none"].max() <= 0.5  # a sentence and its twin stand behind the same words
print("behind     " + "".join(f"{n:7}" for n in order_task.BEHIND))
for name, seeds in order_rows.items():
    print(f"{name:10} " + "".join(f"{share:7.3f}" for share in seeds.mean(axis=0)))

readers["t5"] = OrderReader("t5", seed=0)
before = readers["t5"].bias.table.detach().clone()
order_task.train(readers["t5"])
scores["t5"] = [order_task.accuracy(readers["t5"], n) for n in order_task.BEHIND]
apart = max(np.abs(order_rows[name][0] - shares).max() for name, shares in scores.items())
print("learned, rotary and t5 of this lesson, within 0.05 of the record:", bool(apart < 0.05))
assert apart < 0.05

# %% id="order-figure"
show(
    curves.accuracy_behind(
        order_task.BEHIND, {name: seeds.T for name, seeds in order_rows.items()}, order_task.TRAINED
    ),
    "position_accuracy",
)

# %% [markdown] id="order-after" lang="en"
# Up to 12 words every way of telling positions does the work, sinusoids a little less well than the others. Beyond, they part.
#
# - The learned table fails at once, as section 6 said.
# - Sinusoids have a row for each position, and it does not help: behind 20 words fewer answers are right than if one of the two nouns were named at random, and further on the seeds scatter around that. The layers learned to work with the rows up to 26; the later ones are numbers of the same kind, in combinations that the layers never met.
# - RoPE and ALiBi lose at most one answer in a hundred. (ALiBi, which cannot tell left from right, must have done it by distance: one place against two. With *wolf hunted duck* it could not have.) The causal mask, which shows the verb only one noun, loses none.
# - T5 is relative as well, and behind 80 words it loses one answer in eight.
#
# Why T5? Look at what it has learned. In training no two tokens were more than 26 places apart (12 words and a sentence of 15). The buckets of larger distances never got a gradient:
# %% [markdown] id="order-after" lang="ru"
# Пока слов не больше 12, справляются все способы сообщить позицию, синусоиды чуть хуже остальных. Дальше они расходятся.
#
# - Обучаемая таблица отказывает сразу, как и говорилось в разделе 6.
# - У синусоид есть строка для каждой позиции, и это не помогает: при 20 словах верных ответов меньше, чем если наугад называть одно из двух существительных, а дальше результаты разных зёрен разбросаны вокруг этого уровня. Слои научились работать со строками до 26; дальше идут числа того же рода, но в сочетаниях, которых слои не встречали.
# - RoPE и ALiBi теряют не больше одного ответа из ста. (ALiBi не отличает левое от правого, так что обойтись могла только расстоянием: одна позиция против двух. С *wolf hunted duck* это бы не вышло.) Каузальная маска, с которой глагол видит только одно существительное, не теряет ничего.
# - Смещения T5 — тоже относительный способ, но при 80 словах с ними теряется один ответ из восьми.
#
# Почему? Посмотрим, какими стали смещения. При обучении расстояние между токенами никогда не превышало 26 (12 слов и предложение из 15 токенов). До корзин с бо́льшими расстояниями градиент ни разу не дошёл:
# %% id="order-buckets"
learned = readers["t5"].bias.table.detach()
met = (learned - before).abs().amax(dim=1) > 0
longest = order_task.TRAINED + 15 - 1
possible = relative_bucket(torch.arange(-longest, longest + 1)).unique()
print("buckets that training has changed:", met.nonzero().flatten().tolist())
assert met.nonzero().flatten().tolist() == possible.tolist()

# %% id="order-biases-figure"
distance = torch.arange(-63, 64)
show(
    curves.biases(
        distance.numpy(),
        (-alibi_slopes(4)[:, None] * distance.abs()).numpy(),
        learned[relative_bucket(distance)].T.numpy(),
        trained=longest,
    ),
    "position_biases",
)

# %% [markdown] id="order-mend-text" lang="en"
# These buckets stand where they started, near 0, and two explanations offer themselves. First: their small random numbers by accident call for some of the far tokens. Then it should help to set them all to 0. Second: it does not matter which numbers they are, as long as they do not keep the far tokens out. Behind 80 words the verb has some 50 keys at distances whose buckets were never met, and each takes its share of the softmax. Then 0 will not help, but a bias of $-2$ should, which leaves such a key $e^{-2} = 0.14$ of its weight. **Predict** the outcome; neither needs any training.
# %% [markdown] id="order-mend-text" lang="ru"
# Числа в этих корзинах остались такими же, как в начале, — около 0, и напрашиваются два объяснения. Первое: эти маленькие случайные числа привлекают внимание к каким-то из далёких токенов. Тогда поможет, если заменить их все нулями. Второе: неважно, какие это числа, если они не отсекают далёкое. При 80 словах у глагола около 50 ключей на расстояниях, корзины которых ни разу не встретились, и каждый забирает свою долю softmax. Тогда нули не помогут, а смещение $-2$, при котором такому ключу остаётся $e^{-2} = 0.14$ его веса, — поможет. **Предскажите** исход; обучать ни в том, ни в другом случае ничего не нужно.
# %% id="order-mend"
tried = {"as trained": scores["t5"][-3:]}
for name, value in (("zero", 0.0), ("lowered", order_task.LOWERED)):
    order_task.set_unmet(readers["t5"].bias.table, met, value)
    tried[name] = [order_task.accuracy(readers["t5"], n) for n in order_task.BEHIND[-3:]]
print(f"lowered by {order_task.LOWERED:.0f}: e^(−2) = {math.exp(order_task.LOWERED):.2f}")
print("behind    " + "".join(f"{n:7}" for n in order_task.BEHIND[-3:]))
for name, shares in tried.items():
    print(f"{name:10}" + "".join(f"{share:7.3f}" for share in shares))
far = recorded("far-buckets")["rows"]
print("behind 80, three seeds:")
for name in tried:
    print(f"{name:10}" + "".join(f"{row[name]:7.3f}" for row in far))
mean = {name: seeds.mean(axis=0) for name, seeds in order_rows.items()}
claim(
    "5.5",
    holds=max(shifted[name] for name in ("rotary", "alibi", "t5")) <= 1e-10
    and min(shifted[name] for name in ("learned", "sinusoidal")) > 0.01
    and min(mean["rotary"][-1], mean["alibi"][-1]) > 0.95 > mean["t5"][-1]
    and min(row["lowered"] for row in far) > 0.99
    and max(max(row["as trained"], row["zero"]) for row in far) < 0.99
    and bool(relative_bucket(torch.tensor(-506)) == relative_bucket(torch.tensor(-510))),
    measured=f"moved: RoPE, ALiBi, T5 ≤ 1e-10 · trained to 12 words, behind 80: RoPE {mean['rotary'][-1]:.3f}, "
    f"ALiBi {mean['alibi'][-1]:.3f}, T5 {mean['t5'][-1]:.3f}, sinusoids {mean['sinusoidal'][-1]:.3f}, table {mean['learned'][-1]:.3f}",
)


# %% [markdown] id="order-mended" lang="en"
# Zeros change little; $-2$ brings nearly every answer back. So it is the far keys as such: near 0 their buckets let them in, and the more there are, the more they take. What T5's bias had no occasion to learn is that far tokens are to be passed over; ALiBi has it built in. (Why RoPE, which has no penalty either, hardly suffers here, we have not examined.)
#
# So *relative* does not mean *works at any length*. A relative way promises one thing: a text that is moved as a whole is treated as before. What happens at distances that were never met is a question of its own. ALiBi answers it by its form. In T5 as published no bucket stays untrained, since its texts had 512 tokens; but the last one serves all distances from 91 on, and the number of keys in it still grows with the text.
#
# And RoPE? Our task is kind to it: the answer stands right beside the verb, and all the far tokens need only be ignored. In language models it does not hold beyond the trained length: Press et al. (2022, figure 1) saw the loss rise soon after it, later than with sinusoids and much earlier than with T5's bias, while ALiBi's stayed level. (Level does not mean that the far tokens are used: a steep penalty hides them.) And on tasks such as copying or adding, where the far tokens are the point, Kazemnejad et al. (2023) found that on longer inputs decoders without any positions do best, T5's bias comes next, and RoPE and ALiBi stay well behind. The order of merit in our table belongs to our task.
# %% [markdown] id="order-mended" lang="ru"
# Нули мало что меняют, а $-2$ возвращает почти все ответы. Значит, дело в самих далёких ключах: смещение около 0 их пропускает, и чем их больше, тем больше они забирают. Смещениям T5 не на чем было выучить, что далёкое надо пропускать; в ALiBi это заложено. (Почему почти не страдает RoPE, у которого штрафа тоже нет, мы не выясняли.)
#
# Значит, *относительный* не означает *работающий на любой длине*. Относительный способ обещает одно: текст, сдвинутый целиком, модель обработает так же, как до сдвига. Что произойдёт на расстояниях, которые ни разу не встречались, — отдельный вопрос. ALiBi отвечает на него своей формой. У опубликованной модели T5 необученных корзин нет, ведь её тексты были из 512 токенов; но последняя отвечает за все расстояния начиная с 91, и число ключей в ней с длиной текста всё равно растёт.
#
# А RoPE? Наша задача для него удобна: ответ стоит рядом с глаголом, а далёкие токены надо лишь не замечать. В языковых моделях он за пределами обучающей длины не держится: у Press et al. (2022, рисунок 1) потери начинали расти вскоре после неё — позже, чем с синусоидами, но намного раньше, чем со смещениями T5; с ALiBi они не росли. (Это не значит, что далёкие токены с ALiBi используются: крутой штраф их прячет.) А на задачах вроде копирования или сложения, где всё дело в далёких токенах, у Kazemnejad et al. (2023) на более длинных входах лучше всего справлялись декодеры вовсе без позиций, за ними — смещения T5, а RoPE и ALiBi заметно отставали. Кто в нашей таблице лучше, а кто хуже, верно только для нашей задачи.
# %% [markdown] id="exercises" lang="en"
# ## 12. Exercises
#
# Replace the line with `raise` and run the cell. The check says what is wrong, not how to mend it. Until an exercise is solved the lesson goes on with a reference answer. Positions, pairs and heads are counted from 0, as in code.
#
# ### 12.1 The table of sinusoids
#
# Return the table $P$ of shape $(T, D)$, $D$ even, with numbers in float64. The row of position $t$ holds for the pairs $i = 0, 1, \dots, D/2 - 1$, one after another, $\sin(\omega_i t)$ and $\cos(\omega_i t)$ side by side, where $\omega_i = \mathrm{base}^{-2i/D}$.
# %% [markdown] id="exercises" lang="ru"
# ## 12. Упражнения
#
# Замените строку с `raise` и запустите ячейку. Проверка скажет, что неверно, но не подскажет, как исправить. Пока упражнение не решено, урок продолжается с эталонным ответом. Позиции, пары и головы нумеруются с 0, как в коде.
#
# ### 12.1 Таблица синусоид
#
# Верните таблицу $P$ формы $(T, D)$ с чётным $D$ и числами типа float64. В строке позиции $t$ друг за другом идут пары $i = 0, 1, \dots, D/2 - 1$, и в каждой рядом стоят $\sin(\omega_i t)$ и $\cos(\omega_i t)$, где $\omega_i = \mathrm{base}^{-2i/D}$.
# %% id="ex-sinusoids" tags=["exercise"]
def sinusoids(T, D, base):
    raise NotImplementedError  # your code


sinusoids = check("sinusoids", sinusoids)

# %% [markdown] id="ex-sinusoids-solution" lang="en"
# <details><summary>Hint</summary>
#
# All angles at once: a column of positions times a row of frequencies gives a matrix of shape $(T, D/2)$. Its sines and its cosines then have to be laid side by side, pair by pair, not one block after the other. `torch.arange` makes whole numbers, and whole numbers divided make float32.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def sinusoids(T, D, base):
#     t = torch.arange(T, dtype=torch.float64)
#     i = torch.arange(D // 2, dtype=torch.float64)
#     angles = t[:, None] * base ** (-2 * i / D)
#     return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
# ```
#
# </details>
# %% [markdown] id="ex-sinusoids-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Все углы сразу: столбец позиций, умноженный на строку частот, даёт матрицу формы $(T, D/2)$. Остаётся расставить её синусы и косинусы рядом, пара за парой, а не блок за блоком. `torch.arange` даёт целые числа, а при делении целых получается float32.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def sinusoids(T, D, base):
#     t = torch.arange(T, dtype=torch.float64)
#     i = torch.arange(D // 2, dtype=torch.float64)
#     angles = t[:, None] * base ** (-2 * i / D)
#     return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
# ```
#
# </details>


# %% [markdown] id="ex-advance-text" lang="en"
# ### 12.2 Further along, from an unknown position
#
# `row` is a row of the table of 12.1, a tensor of shape $(D,)$; which position it belongs to nobody tells you. Return the row that stands $s$ positions later in the table with the same `base`; $s$ is a whole number and may be negative (but does not lead to a position before the table). $D$ is the length of `row`. The `row` that is given must stay as it is.
# %% [markdown] id="ex-advance-text" lang="ru"
# ### 12.2 Вперёд с неизвестной позиции
#
# `row` — строка таблицы из 12.1, тензор формы $(D,)$; какой позиции она принадлежит, неизвестно. Верните строку той же таблицы (с тем же `base`), стоящую на $s$ позиций дальше; $s$ — целое число, может быть и отрицательным (но за начало таблицы не выводит). $D$ — это длина `row`. Переданную `row` менять нельзя.
# %% id="ex-advance" tags=["exercise"]
def advance(row, s, base):
    raise NotImplementedError  # your code


advance = check("advance", advance)

# %% [markdown] id="ex-advance-solution" lang="en"
# <details><summary>Hint</summary>
#
# The position is not needed. In each pair there are the sine and the cosine of an angle; the sine and the cosine of a sum of two angles follow from those of its terms. Which angle is added in pair $i$? Take care which numbers you have already overwritten.
#
# </details>
# <details><summary>Solution</summary>
#
# $\sin(a + b) = \sin a \cos b + \cos a \sin b$ and $\cos(a + b) = \cos a \cos b - \sin a \sin b$ with $b = \omega_i s$:
#
# ```python
# def advance(row, s, base):
#     D = len(row)
#     b = s * base ** (-2 * torch.arange(D // 2, dtype=torch.float64) / D)
#     sin, cos = row[0::2], row[1::2]
#     new_sin = sin * b.cos() + cos * b.sin()
#     new_cos = cos * b.cos() - sin * b.sin()
#     return torch.stack([new_sin, new_cos], dim=-1).flatten()
# ```
#
# </details>
# %% [markdown] id="ex-advance-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Позиция не нужна. В каждой паре — синус и косинус некоторого угла, а синус и косинус суммы двух углов выражаются через синусы и косинусы слагаемых. Какой угол прибавляется в паре $i$? Следите за тем, какие числа уже перезаписаны.
#
# </details>
# <details><summary>Решение</summary>
#
# $\sin(a + b) = \sin a \cos b + \cos a \sin b$ и $\cos(a + b) = \cos a \cos b - \sin a \sin b$, где $b = \omega_i s$:
#
# ```python
# def advance(row, s, base):
#     D = len(row)
#     b = s * base ** (-2 * torch.arange(D // 2, dtype=torch.float64) / D)
#     sin, cos = row[0::2], row[1::2]
#     new_sin = sin * b.cos() + cos * b.sin()
#     new_cos = cos * b.cos() - sin * b.sin()
#     return torch.stack([new_sin, new_cos], dim=-1).flatten()
# ```
#
# </details>


# %% [markdown] id="ex-alibi-text" lang="en"
# ### 12.3 A bias that grows with the distance
#
# Return the bias of ALiBi, a tensor of shape $(H, T, T)$ in float64: for head $h$, a query at position $m$ and a key at position $n$ it is $-c_h\,|m - n|$. The slopes $c_h$ of the heads are $2^{-8/H}, 2^{-16/H}, \dots, 2^{-8}$, in this order; $H$ is a power of two. Keys after the query count like those before it: hiding them is the mask's business.
# %% [markdown] id="ex-alibi-text" lang="ru"
# ### 12.3 Смещение, которое растёт с расстоянием
#
# Верните смещение ALiBi — тензор формы $(H, T, T)$ типа float64: для головы $h$, запроса на позиции $m$ и ключа на позиции $n$ оно равно $-c_h\,|m - n|$. Наклоны голов $c_h$ равны $2^{-8/H}, 2^{-16/H}, \dots, 2^{-8}$, именно в этом порядке; $H$ — степень двойки. Ключи после запроса учитываются так же, как ключи до него: скрывать их — дело маски.
# %% id="ex-alibi" tags=["exercise"]
def alibi(H, T):
    raise NotImplementedError  # your code


alibi = check("alibi", alibi)

# %% [markdown] id="ex-alibi-solution" lang="en"
# <details><summary>Hint</summary>
#
# A column of positions minus a row of positions is the matrix of all $m - n$. The slopes are powers of one number: which, and does the first head have its power 0 or 1? To multiply a matrix by $H$ numbers, give the slopes two more axes of length 1.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def alibi(H, T):
#     slopes = 2.0 ** (-8 * torch.arange(1, H + 1, dtype=torch.float64) / H)
#     t = torch.arange(T)
#     return -slopes[:, None, None] * (t[:, None] - t[None, :]).abs()
# ```
#
# </details>
# %% [markdown] id="ex-alibi-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Столбец позиций минус строка позиций — это матрица всех $m - n$. Наклоны — степени одного числа: какого и какая степень у первой головы — нулевая или первая? Чтобы умножить матрицу на $H$ чисел, добавьте наклонам ещё две оси длины 1.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def alibi(H, T):
#     slopes = 2.0 ** (-8 * torch.arange(1, H + 1, dtype=torch.float64) / H)
#     t = torch.arange(T)
#     return -slopes[:, None, None] * (t[:, None] - t[None, :]).abs()
# ```
#
# </details>


# %% [markdown] id="ex-rotary-cache-text" lang="en"
# ### 12.4 One more token
#
# A model with RoPE writes on, token by token. The keys of the $t$ tokens so far are kept in `cached_keys`, of shape $(H, t, d_k)$, already turned by their positions $0, \dots, t - 1$, and their values in `cached_values`, of shape $(H, t, d_v)$. The next token brings its `q` and `k` of shape $(H, d_k)$, not turned yet, and its `v` of shape $(H, d_v)$. Return three tensors: the output $z$ of the new token, of shape $(H, d_v)$, and the keys and values with which the token after it will go on, of shapes $(H, t + 1, d_k)$ and $(H, t + 1, d_v)$. The new token sees all earlier ones and itself; scores are divided by $\sqrt{d_k}$, and there is no $W_O$. $t$ may be 0, and large scores must not overflow. `rotate(x, positions)` turns neighbouring components (base 10000) of `x`, of shape $(\dots, T, d_k)$; `positions` is a tensor with $T$ numbers.
# %% [markdown] id="ex-rotary-cache-text" lang="ru"
# ### 12.4 Ещё один токен
#
# Модель с RoPE дописывает текст токен за токеном. Ключи уже прочитанных $t$ токенов лежат в `cached_keys` формы $(H, t, d_k)$ и уже повёрнуты на углы своих позиций $0, \dots, t - 1$, а значения — в `cached_values` формы $(H, t, d_v)$. У следующего токена есть ещё не повёрнутые `q` и `k` формы $(H, d_k)$ и `v` формы $(H, d_v)$. Верните три тензора: выход $z$ нового токена, тензор формы $(H, d_v)$, а также ключи и значения, с которыми продолжит работу следующий за ним токен, — формы $(H, t + 1, d_k)$ и $(H, t + 1, d_v)$. Новый токен видит все предыдущие и самого себя; оценки делятся на $\sqrt{d_k}$; матрицы $W_O$ здесь нет. $t$ может быть равно 0, а большие оценки не должны вызывать переполнения. `rotate(x, positions)` поворачивает пары соседних компонент (основание 10000) в `x` формы $(\dots, T, d_k)$; `positions` — тензор из $T$ чисел.
# %% id="ex-rotary-cache" tags=["exercise"]
from course_lib.positions import rotate


def next_token(q, k, v, cached_keys, cached_values):
    raise NotImplementedError  # your code


next_token = check("rotary-cache", next_token)

# %% [markdown] id="ex-rotary-cache-solution" lang="en"
# <details><summary>Hint</summary>
#
# Count the tokens in the cache: which position does the new one have? The axis before $d_k$ counts positions for `rotate`, but heads in `q` and `k`: an axis of length 1 for the one new position helps. What is in the cache has been turned already, and values never turn.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# from course_lib.positions import rotate
#
#
# def next_token(q, k, v, cached_keys, cached_values):
#     here = torch.tensor([cached_keys.shape[1]])  # t tokens stand before it
#     q, k = (rotate(x[:, None], here) for x in (q, k))  # (H, 1, d_k)
#     keys = torch.cat([cached_keys, k], dim=1)
#     values = torch.cat([cached_values, v[:, None]], dim=1)
#     weights = (q @ keys.transpose(1, 2) / math.sqrt(q.shape[-1])).softmax(dim=-1)
#     return (weights @ values).squeeze(1), keys, values
# ```
#
# </details>
# %% [markdown] id="ex-rotary-cache-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Сосчитайте токены в кэше: какая позиция у нового? Для `rotate` ось перед $d_k$ нумерует позиции, а в `q` и `k` — головы: поможет ось длины 1 для единственной новой позиции. То, что лежит в кэше, уже повёрнуто, а значения не поворачивают никогда.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# from course_lib.positions import rotate
#
#
# def next_token(q, k, v, cached_keys, cached_values):
#     here = torch.tensor([cached_keys.shape[1]])  # t tokens stand before it
#     q, k = (rotate(x[:, None], here) for x in (q, k))  # (H, 1, d_k)
#     keys = torch.cat([cached_keys, k], dim=1)
#     values = torch.cat([cached_values, v[:, None]], dim=1)
#     weights = (q @ keys.transpose(1, 2) / math.sqrt(q.shape[-1])).softmax(dim=-1)
#     return (weights @ values).squeeze(1), keys, values
# ```
#
# </details>


# %% [markdown] id="ex-position-bug-hunt-text" lang="en"
# ### 12.5 A bug hunt
#
# Self-attention of $H$ heads with RoPE, without a mask and without $W_O$: `x` has shape $(T, D)$, `W_Q` and `W_K` have $(D, H d_k)$, `W_V` has $(D, H d_v)$, the output has $(T, H d_v)$. In each head the neighbouring components $(a, b)$ of pair $i$ are to be turned at position $m$ by the angle $m\omega_i$ with $\omega_i = 10000^{-2i/d_k}$, to $(a \cos m\omega_i - b \sin m\omega_i,\ a \sin m\omega_i + b \cos m\omega_i)$. It runs, all shapes fit, and no number looks strange. It has **four** bugs. Mend them all; the check names the first symptom it meets.
# %% [markdown] id="ex-position-bug-hunt-text" lang="ru"
# ### 12.5 Охота на ошибки
#
# Самовнимание с $H$ головами и RoPE, без маски и без $W_O$: у `x` форма $(T, D)$, у `W_Q` и `W_K` — $(D, H d_k)$, у `W_V` — $(D, H d_v)$, у выхода — $(T, H d_v)$. В каждой голове пара $i$, то есть соседние компоненты $(a, b)$, на позиции $m$ должна повернуться на угол $m\omega_i$, где $\omega_i = 10000^{-2i/d_k}$, и перейти в $(a \cos m\omega_i - b \sin m\omega_i,\ a \sin m\omega_i + b \cos m\omega_i)$. Код запускается, все формы сходятся, и ни одно число не выглядит странным. Ошибок в нём **четыре**. Исправьте все; проверка называет первый встреченный симптом.
# %% id="ex-position-bug-hunt" tags=["exercise", "bug-hunt"]
def rotary_attention(x, W_Q, W_K, W_V, H):
    T = len(x)

    def turn(y):
        d = y.shape[-1]
        i = torch.arange(d // 2, dtype=y.dtype)
        angles = torch.arange(T)[:, None] * 10_000 ** (-i / d)
        cos, sin = angles.cos(), angles.sin()
        a, b = y[..., 0::2], y[..., 1::2]
        return torch.stack([a * cos + b * sin, a * sin + b * cos], dim=-1).flatten(-2)

    q, k, v = (turn(x @ W).view(T, H, -1).transpose(0, 1) for W in (W_Q, W_K, W_V))
    weights = (q @ k.transpose(1, 2) / math.sqrt(k.shape[-1])).softmax(dim=-1)
    return (weights @ v).transpose(0, 1).reshape(T, -1)


rotary_attention = check("position-bug-hunt", rotary_attention)

# %% [markdown] id="ex-position-bug-hunt-solution" lang="en"
# <details><summary>Hint</summary>
#
# Ask of each line what should depend on the position, and on what else. Does a value take part in the comparison with the query? Put a right angle into the last line of `turn` by hand, cos = 0 and sin = 1: where do $(1, 0)$ and $(0, 1)$ go, and where does a turn counterclockwise take them? How large is `d` where `turn` is called, and does each head have a pair 0 of its own? Which is the slowest frequency for $d_k = 4$?
#
# </details>
# <details><summary>Solution</summary>
#
# The values were turned too, though the position belongs in the scores alone; $b$ came in with the wrong sign, so that vectors changed their length and a shift of the text changed the scores; the turn came before the split, so that each head had frequencies of its own; and the exponent had $i$ in place of $2i$.
#
# ```python
# def rotary_attention(x, W_Q, W_K, W_V, H):
#     T = len(x)
#
#     def turn(y):
#         d = y.shape[-1]
#         i = torch.arange(d // 2, dtype=y.dtype)
#         angles = torch.arange(T)[:, None] * 10_000 ** (-2 * i / d)
#         cos, sin = angles.cos(), angles.sin()
#         a, b = y[..., 0::2], y[..., 1::2]
#         return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)
#
#     q, k, v = ((x @ W).view(T, H, -1).transpose(0, 1) for W in (W_Q, W_K, W_V))
#     q, k = turn(q), turn(k)
#     weights = (q @ k.transpose(1, 2) / math.sqrt(k.shape[-1])).softmax(dim=-1)
#     return (weights @ v).transpose(0, 1).reshape(T, -1)
# ```
#
# </details>
# %% [markdown] id="ex-position-bug-hunt-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Спросите о каждой строке, что в ней должно зависеть от позиции и от чего ещё. Участвует ли значение в сравнении с запросом? Подставьте в последнюю строку `turn` прямой угол, cos = 0 и sin = 1: куда попадут $(1, 0)$ и $(0, 1)$ и куда их переводит поворот против часовой стрелки? Чему равно `d` там, где вызывается `turn`, и у каждой ли головы есть своя пара 0? Какая частота самая медленная при $d_k = 4$?
#
# </details>
# <details><summary>Решение</summary>
#
# Поворачивались и значения, хотя позиция должна влиять только на оценки; у $b$ был не тот знак, из-за чего векторы меняли длину, а сдвиг текста менял оценки; поворачивали до разрезания на головы, и у каждой головы оказались свои частоты; а в показателе стояло $i$ вместо $2i$.
#
# ```python
# def rotary_attention(x, W_Q, W_K, W_V, H):
#     T = len(x)
#
#     def turn(y):
#         d = y.shape[-1]
#         i = torch.arange(d // 2, dtype=y.dtype)
#         angles = torch.arange(T)[:, None] * 10_000 ** (-2 * i / d)
#         cos, sin = angles.cos(), angles.sin()
#         a, b = y[..., 0::2], y[..., 1::2]
#         return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)
#
#     q, k, v = ((x @ W).view(T, H, -1).transpose(0, 1) for W in (W_Q, W_K, W_V))
#     q, k = turn(q), turn(k)
#     weights = (q @ k.transpose(1, 2) / math.sqrt(k.shape[-1])).softmax(dim=-1)
#     return (weights @ v).transpose(0, 1).reshape(T, -1)
# ```
#
# </details>

# %% id="exercises-used"
# Your answers (or the reference ones) on small inputs; 12.4 reads four tokens one at a time, and the
# last of them must come to what 12.5 finds in the whole text.
print("12.1:", sinusoids(2, 4, 100.0)[1])
later = advance(sinusoids(6, 4, 100.0)[5], 3, 100.0)
print("12.2:", later, "row 8:", bool((later - sinusoids(9, 4, 100.0)[8]).abs().max() <= 1e-12))
print("12.3:", alibi(8, 3)[:2, 0, 1:].tolist())
tokens = randn(4, 5, seed=121)
W_Q, W_K, W_V = (randn(5, width, seed=122 + i) for i, width in enumerate((8, 8, 6)))
keys, values = torch.zeros(2, 0, 4, dtype=torch.float64), torch.zeros(2, 0, 3, dtype=torch.float64)
for token in tokens:
    q, k, v = ((token @ W).view(2, -1) for W in (W_Q, W_K, W_V))
    z, keys, values = next_token(q, k, v, keys, values)
print("12.4:", z.flatten())
whole = rotary_attention(tokens, W_Q, W_K, W_V, 2)[-1]
print("12.5:", whole, "as 12.4:", bool((whole - z.flatten()).abs().max() <= 1e-12))

# %% [markdown] id="real-models" lang="en"
# ## 13. In real models
#
# *Context* is the length of the longest sequences in training, in tokens; the numbers are those of the models' reports and configuration files. For models with RoPE: the base, how many components of a query are turned, the longest wavelength $2\pi \cdot \text{base}^{1 - 2/d}$ for $d$ turned components, and how many of the $d/2$ hands go full circle within the context.
# %% [markdown] id="real-models" lang="ru"
# ## 13. В настоящих моделях
#
# *Context* — длина самых длинных последовательностей при обучении, в токенах; числа взяты из отчётов о моделях и их файлов конфигурации. Для моделей с RoPE: основание (base), сколько компонент запроса поворачивается (turned), наибольшая длина волны $2\pi \cdot \text{base}^{1 - 2/d}$ при $d$ поворачиваемых компонентах и сколько из $d/2$ стрелок проходят в пределах контекста полный круг (full circle).
# %% id="real-models-table"
OTHERS = {  # year, how, context
    "BERT": (2018, "learned table", 512),
    "GPT-2": (2019, "learned table", 1024),
    "T5": (2019, "bias, 32 buckets", 512),
    "GPT-3": (2020, "learned table", 2048),
    "BLOOM": (2022, "ALiBi", 2048),
    "MPT-7B": (2023, "ALiBi", 2048),
}
ROTARY = {  # year, base, turned components, context
    "GPT-NeoX 20B": (2022, 10_000, 24, 2048),
    "Llama 2": (2023, 10_000, 128, 4096),
    "Code Llama": (2023, 1_000_000, 128, 16384),
    "Gemma 2 9B": (2024, 10_000, 256, 8192),
    "Llama 3 8B": (2024, 500_000, 128, 8192),
    "Qwen2.5 7B": (2024, 1_000_000, 128, 32768),
}
print("                    how                    context")
for model, (year, how, context) in OTHERS.items():
    print(f"{model:12} {year}   {how:22} {context:7}")
print("                       base   turned   longest wave   full circle   context")
for model, (year, base, d, context) in ROTARY.items():
    omega = frequencies(d, base)
    full = int((omega * context >= 2 * math.pi).sum())  # hands that turn by 2π or more
    print(
        f"{model:12} {year} {base:9} {d:8} {2 * math.pi / omega[-1]:14.0f} {full:7} of {d // 2:3} {context:9}"
    )
slow = frequencies(128) * 4096 < 2 * math.pi  # hands of Llama 2 that do not go full circle
less = frequencies(128, 500_000)[slow] * 32768 < frequencies(128)[slow] * 4096
print(f"Llama 2: {int(slow.sum())} hands do not go full circle in 4096 tokens;")
print(f"32768 tokens with base 500000 turn less than that: {int(less.sum())} of them")

# %% [markdown] id="real-models-text" lang="en"
# The original transformer of 2017 had sinusoids, in encoder and decoder. Then came learned tables, for BERT and GPT; nearly all large models since 2023 turn their queries and keys.
#
# What is a larger base for? A fast hand shows the same at distances one wavelength apart; that does no harm, since the slower hands tell them apart. But a hand that has not gone full circle in training will, in a longer text, point where it never has. A model that is to read longer texts is therefore given a larger base and trained further (Xiong et al., 2023): its slow hands then turn less over the long text than they used to over the short one, and stay among the directions they know. The last lines of the cell check it for Llama 2's hands, 4,096 tokens with base 10,000 against 32,768 with base 500,000. It is no licence to read beyond the new length as well: of the hands of Llama 3 even fewer go full circle. (And Gemma 2 kept 10,000; every second one of its layers looks no further than 4,096 tokens.)
#
# Some models turn only a part of a query (GPT-NeoX: 24 of 96 components) and leave the rest to compare words wherever they stand. Some leave whole layers without positions: in Llama 4 it is every fourth. That a decoder can do so we know from section 4.
# %% [markdown] id="real-models-text" lang="ru"
# В исходном трансформере 2017 года были синусоиды — и в энкодере, и в декодере. Потом в BERT и GPT пришли обучаемые таблицы; а с 2023 года почти все большие модели поворачивают запросы и ключи.
#
# Зачем нужно большее основание? Быстрая стрелка показывает одно и то же на расстояниях, которые различаются на длину волны; это не беда, их различат стрелки помедленнее. Но стрелка, которая при обучении не прошла полного круга, в более длинном тексте покажет туда, куда ещё не показывала. Поэтому модели, которой предстоит читать тексты длиннее, дают большее основание и дообучают её (Xiong et al., 2023): медленные стрелки поворачиваются на длинном тексте меньше, чем раньше на коротком, и остаются среди знакомых направлений. Последние строки ячейки проверяют это для стрелок Llama 2: 4096 токенов при основании 10000 против 32768 при основании 500000. Читать тексты длиннее новой длины это всё равно не позволяет: у Llama 3 полный круг проходит ещё меньшая часть стрелок. (А Gemma 2 оставила 10000; каждый второй её слой смотрит не дальше чем на 4096 токенов.)
#
# Некоторые модели поворачивают только часть запроса (GPT-NeoX — 24 компоненты из 96), а остальные компоненты сравнивают слова независимо от места. А бывают и целые слои без позиций: в Llama 4 — каждый четвёртый. Декодеру, как мы знаем из раздела 4, это под силу.
# %% [markdown] id="summary" lang="en"
# ## 14. Summary
#
# Without a mask, self-attention is equivariant to permutations: a token gets the same wherever it stands. A causal mask breaks this; an encoder has to be told the order. *Absolute* ways add a vector of the position to the token's: a learned table, which ends, and whose rows have to be trained one by one; or sinusoids, which do not end and whose shift is a rotation, but which the layers know only where they were trained. *Relative* ways act between query and key, in every layer, and let positions into the score only as $m - n$: RoPE turns each of the two by an angle proportional to its position; ALiBi takes a penalty for distance off the score; T5 adds a learned number for each bucket of distances. Moved as a whole, a text is treated as before. That does not mean that distances never met in training are handled well; this depends on the form, and has to be measured.
#
# $$x_t + P_t \qquad\qquad |q||k|\cos\big(\alpha - \beta + \omega(m-n)\big) \qquad\qquad \frac{Q_h K_h^\top}{\sqrt{d_k}} + b_h$$
# %% [markdown] id="summary" lang="ru"
# ## 14. Итог
#
# Без маски самовнимание эквивариантно к перестановкам: токен получает одно и то же, где бы он ни стоял. Каузальная маска это нарушает; энкодеру порядок надо сообщить. *Абсолютные* способы прибавляют к вектору токена вектор позиции. Это либо обучаемая таблица: она кончается, и каждую её строку надо обучить отдельно; либо синусоиды: они не кончаются, и сдвиг для них — поворот, но слои умеют работать только с теми строками, на которых обучались. *Относительные* действуют между запросом и ключом, в каждом слое, и пропускают позиции в оценку только разностью $m - n$: RoPE поворачивает и запрос, и ключ — каждый на угол, пропорциональный его позиции; ALiBi вычитает из оценки штраф за расстояние; T5 прибавляет обученное число, своё для каждой корзины расстояний. Текст, сдвинутый целиком, модель обработает так же, как до сдвига. Это не значит, что она справится с расстояниями, которых при обучении не было: это зависит от того, как устроен способ, и это надо измерять.
#
# $$x_t + P_t \qquad\qquad |q||k|\cos\big(\alpha - \beta + \omega(m-n)\big) \qquad\qquad \frac{Q_h K_h^\top}{\sqrt{d_k}} + b_h$$
# %% id="summary-figure"
show(drawings.where_positions_enter(), "where_positions_enter")

# %% [markdown] id="summary-found" lang="en"
# What the notes said, and what we found:
# %% [markdown] id="summary-found" lang="ru"
# Что говорил конспект и что мы нашли:
# %% id="summary-ledger"
ledger(5)

# %% [markdown] id="key-questions" lang="en"
# ## 15. Key question
#
# Answer on paper, then unfold. The same card, and more of them, are in the Anki deck.
# %% [markdown] id="key-questions" lang="ru"
# ## 15. Ключевой вопрос
#
# Ответьте на бумаге, потом раскройте ответ. Эта карточка и другие карточки урока есть в колоде Anki.
# %% id="key-questions-cards"
key_questions(5)

# %% [markdown] id="reading" lang="en"
# ## 16. Further reading
#
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Section 3.5; table 3, row E, compares sinusoids with a learned table.
# - J. Gehring et al. *Convolutional Sequence to Sequence Learning.* ICML 2017, [arXiv:1705.03122](https://arxiv.org/abs/1705.03122). A learned table, before transformers.
# - J. Devlin et al. *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* NAACL 2019, [arXiv:1810.04805](https://arxiv.org/abs/1810.04805). Appendix A.2 for the lengths in training.
# - P. Shaw, J. Uszkoreit, A. Vaswani. *Self-Attention with Relative Position Representations.* NAACL 2018, [arXiv:1803.02155](https://arxiv.org/abs/1803.02155). Relative positions in transformers begin here.
# - C. Raffel et al. *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer.* JMLR 2020, [arXiv:1910.10683](https://arxiv.org/abs/1910.10683). T5; section 2.1 for the bias.
# - J. Su et al. *RoFormer: Enhanced Transformer with Rotary Position Embedding.* 2021, [arXiv:2104.09864](https://arxiv.org/abs/2104.09864).
# - O. Press, N. A. Smith, M. Lewis. *Train Short, Test Long: Attention with Linear Biases Enables Input Length Extrapolation.* ICLR 2022, [arXiv:2108.12409](https://arxiv.org/abs/2108.12409). ALiBi, and a comparison beyond the trained length.
# - S. Chen et al. *Extending Context Window of Large Language Models via Positional Interpolation.* 2023, [arXiv:2306.15595](https://arxiv.org/abs/2306.15595).
# - W. Xiong et al. *Effective Long-Context Scaling of Foundation Models.* 2023, [arXiv:2309.16039](https://arxiv.org/abs/2309.16039). A larger base for Llama 2.
# - A. Haviv et al. *Transformer Language Models without Positional Encodings Still Learn Positional Information.* Findings of EMNLP 2022, [arXiv:2203.16634](https://arxiv.org/abs/2203.16634).
# - A. Kazemnejad et al. *The Impact of Positional Encoding on Length Generalization in Transformers.* NeurIPS 2023, [arXiv:2305.19466](https://arxiv.org/abs/2305.19466).
# - F. Barbero et al. *Round and Round We Go! What makes Rotary Positional Encodings useful?* ICLR 2025, [arXiv:2410.06205](https://arxiv.org/abs/2410.06205). Against the tale that RoPE makes far tokens count less.
# - I. Kotenkov. [*Transformers, explained in detail*](https://www.youtube.com/watch?v=iOrNbK2T92M) (in Russian). The lecture behind the notes this course grew from.
#
# Next: [lesson 06, the encoder block](06_encoder_block.ipynb).
# %% [markdown] id="reading" lang="ru"
# ## 16. Что читать дальше
#
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Раздел 3.5; таблица 3, строка E — сравнение синусоид с обучаемой таблицей.
# - J. Gehring et al. *Convolutional Sequence to Sequence Learning.* ICML 2017, [arXiv:1705.03122](https://arxiv.org/abs/1705.03122). Обучаемая таблица ещё до трансформеров.
# - J. Devlin et al. *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* NAACL 2019, [arXiv:1810.04805](https://arxiv.org/abs/1810.04805). О длинах при обучении — приложение A.2.
# - P. Shaw, J. Uszkoreit, A. Vaswani. *Self-Attention with Relative Position Representations.* NAACL 2018, [arXiv:1803.02155](https://arxiv.org/abs/1803.02155). С этой статьи в трансформерах начались относительные позиции.
# - C. Raffel et al. *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer.* JMLR 2020, [arXiv:1910.10683](https://arxiv.org/abs/1910.10683). T5; о смещении — раздел 2.1.
# - J. Su et al. *RoFormer: Enhanced Transformer with Rotary Position Embedding.* 2021, [arXiv:2104.09864](https://arxiv.org/abs/2104.09864).
# - O. Press, N. A. Smith, M. Lewis. *Train Short, Test Long: Attention with Linear Biases Enables Input Length Extrapolation.* ICLR 2022, [arXiv:2108.12409](https://arxiv.org/abs/2108.12409). ALiBi и сравнение за пределами обучающей длины.
# - S. Chen et al. *Extending Context Window of Large Language Models via Positional Interpolation.* 2023, [arXiv:2306.15595](https://arxiv.org/abs/2306.15595).
# - W. Xiong et al. *Effective Long-Context Scaling of Foundation Models.* 2023, [arXiv:2309.16039](https://arxiv.org/abs/2309.16039). Большее основание для Llama 2.
# - A. Haviv et al. *Transformer Language Models without Positional Encodings Still Learn Positional Information.* Findings of EMNLP 2022, [arXiv:2203.16634](https://arxiv.org/abs/2203.16634).
# - A. Kazemnejad et al. *The Impact of Positional Encoding on Length Generalization in Transformers.* NeurIPS 2023, [arXiv:2305.19466](https://arxiv.org/abs/2305.19466).
# - F. Barbero et al. *Round and Round We Go! What makes Rotary Positional Encodings useful?* ICLR 2025, [arXiv:2410.06205](https://arxiv.org/abs/2410.06205). Против легенды, будто из-за RoPE далёкие токены значат меньше.
# - И. Котенков. [*Transformers, explained in detail*](https://www.youtube.com/watch?v=iOrNbK2T92M). Лекция, по которой написан конспект, давший начало курсу.
#
# Дальше: [урок 06, блок энкодера](06_encoder_block.ipynb).
