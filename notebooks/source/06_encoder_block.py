# %% [markdown] id="title" lang="en"
# # Lesson 06. Feed-forward, residuals, LayerNorm: the encoder block
#
# Attention carries information from token to token. Three more parts make a transformer of it: a feed-forward layer that works on each token by itself, residual connections that lead around every sub-layer, and a normalisation that keeps the numbers in bounds. This lesson builds them, shows what goes wrong without each, and puts them together into the encoder block, which has to equal PyTorch's in both orders, with the normalisation before a sub-layer or after it. At the end a question, *what is internet?*, is followed through the blocks of a trained encoder.
#
# **You will be able to**
#
# - say what attention alone cannot compute, and build by hand a feed-forward layer that can;
# - read a feed-forward layer as a store of keys and values, and plant a fact in it;
# - count the weights of a block, and say what share of a real model its feed-forward layers hold;
# - derive what a residual connection does to the gradient, and what it does not;
# - implement LayerNorm, tell it from RMSNorm and BatchNorm, and name what γ and β can do;
# - name the two places of LayerNorm, and say what each means for training;
# - draw the encoder block.
#
# **You need** lessons 03 and 04: attention, heads, parity with PyTorch; derivatives of functions of one number, and from lesson 00 the vanishing gradient. **Time:** 100 minutes of reading and playing, 50 for the exercises; all cells run in under a minute.
#
# Previous lesson: [05, positional encoding](05_positions.ipynb). Next lesson: [07, decoder, training, translation](07_decoder.ipynb).
# %% [markdown] id="title" lang="ru"
# # Урок 06. Слой прямого распространения, остаточные связи, LayerNorm: блок энкодера
#
# Внимание переносит информацию от токена к токену. Чтобы получился трансформер, нужны ещё три части: слой прямого распространения, который обрабатывает каждый токен отдельно, остаточные связи, которые ведут в обход каждого подслоя, и нормализация, которая не даёт числам выйти из берегов. В этом уроке мы их построим, увидим, что ломается без каждой из них, и соберём из них блок энкодера. При обоих порядках — нормализация до подслоя или после — он должен совпасть с блоком из PyTorch. А в конце проследим, как вопрос *what is internet?* («что такое интернет?») проходит через блоки обученного энкодера.
#
# **Вы научитесь**
#
# - объяснять, чего не вычислить одним вниманием, и строить вручную слой прямого распространения, который это вычисляет;
# - читать слой прямого распространения как хранилище ключей и значений и записывать в него факт;
# - считать веса блока и называть, какая доля весов настоящей модели приходится на слои прямого распространения;
# - выводить, что остаточная связь делает с градиентом, а чего не делает;
# - реализовывать LayerNorm, отличать её от RMSNorm и BatchNorm и объяснять, что могут и чего не могут γ и β;
# - называть два варианта расположения LayerNorm и объяснять, как каждый влияет на обучение;
# - рисовать блок энкодера.
#
# **Понадобятся** уроки 03 и 04: внимание, головы, сверка с PyTorch; производная функции одной переменной, а из урока 00 — затухающий градиент. **Время:** 100 минут на чтение и опыты, 50 — на упражнения; все ячейки выполняются меньше чем за минуту.
#
# Предыдущий урок: [05, позиционное кодирование](05_positions.ipynb). Следующий урок: [07, декодер, обучение, перевод](07_decoder.ipynb).
# %% id="start"
from course_lib import start

start(lesson=6)

# %% id="imports"
import math

import torch
import torch.nn.functional as F
from torch import nn

from course_lib import normalisation, normalisation_training, questions
from course_lib.attention import padding_mask
from course_lib.cards.notebook import key_questions, recall
from course_lib.claims import claim, ledger
from course_lib.encoder import Encoder, EncoderBlock
from course_lib.exercises import check
from course_lib.explorers import explore_depth, explore_layer_norm
from course_lib.fact_table import Memory, evaluate
from course_lib.fact_table import train as learn_facts
from course_lib.feed_forward import FeedForward, gelu, gelu_tanh, silu
from course_lib.figures import course, show
from course_lib.figures import encoder_block as drawings
from course_lib.figures import encoder_block_curves as curves
from course_lib.glossary import notation_table
from course_lib.gradient_flow import gradient_flow
from course_lib.model_weights import MODELS, count
from course_lib.multi_head import MultiHeadAttention
from course_lib.normalisation import EPS, LayerNorm, RMSNorm, batch_norm, rms_norm
from course_lib.parity import parity
from course_lib.probing import probe
from course_lib.questions import QuestionReader
from course_lib.results import recorded


def randn(*shape, seed):
    """Normal numbers in float64, the same on every machine."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def generator(seed):
    """A source of random numbers of its own."""
    return torch.Generator().manual_seed(seed)


def close(a, b):
    """Whether two tensors are equal to 1e-12."""
    return bool((a - b).abs().max() <= 1e-12)


# %% id="map"
show(course.course_map(here=6), "course_map", here=6)

# %% [markdown] id="problem" lang="en"
# ## 1. Not bad
#
# *Good* is praise and *bad* is blame; *not good* is blame and *not bad* is praise. Suppose attention has done its work and the vector of one token holds two numbers: the first is 1 if there was a *not*, the second is 1 if the word was *good* and 0 if it was *bad*. We want the verdict, +1 or −1:
#
# | | not | good | verdict |
# |---|---|---|---|
# | bad | 0 | 0 | −1 |
# | good | 0 | 1 | +1 |
# | not bad | 1 | 0 | +1 |
# | not good | 1 | 1 | −1 |
#
# Can a linear map do that, $a \cdot \text{not} + b \cdot \text{good} + c$? From *bad* to *good* it grows by $b$, which has to be $+2$. From *not bad* to *not good* it grows by $b$ as well, and there it has to be $-2$. So no. And what attention hands over, for given weights, *is* linear: its output is a weighted sum of $x_j W_V$, times $W_O$. The weights do depend on the tokens, and that is much; but they only decide how much of each token is taken. For a text of a single token there is nothing left to decide, softmax of one number is 1, and any number of attention layers is one matrix:
# %% [markdown] id="problem" lang="ru"
# ## 1. Неплохо
#
# *Good* — похвала, *bad* — порицание; *not good* — порицание, а *not bad* («неплохо») — похвала. Пусть внимание своё дело сделало, и в векторе одного токена собраны два числа: первое равно 1, если было *not*, второе равно 1, если слово — *good*, и 0, если *bad*. Нужна оценка, +1 или −1:
#
# | | not | good | оценка |
# |---|---|---|---|
# | bad | 0 | 0 | −1 |
# | good | 0 | 1 | +1 |
# | not bad | 1 | 0 | +1 |
# | not good | 1 | 1 | −1 |
#
# Справится ли линейное отображение $a \cdot \text{not} + b \cdot \text{good} + c$? При переходе от *bad* к *good* оно вырастает на $b$, и это должно быть $+2$. При переходе от *not bad* к *not good* оно тоже вырастает на $b$, а здесь нужно $-2$. Значит, нет. А то, что передаёт внимание, при заданных весах *линейно*: его выход — взвешенная сумма векторов $x_j W_V$, умноженная на $W_O$. Веса, правда, зависят от токенов, и это немало; но ими решается только, сколько взять от каждого токена. Если же токен в тексте один, то и решать нечего: softmax от одного числа равен 1, и сколько слоёв внимания ни поставь, все вместе они — одна матрица:
# %% id="problem-linear"
x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.float64)  # columns: not, good
verdict = torch.tensor([-1.0, 1, 1, -1], dtype=torch.float64)
with_one = torch.cat([x, torch.ones(4, 1, dtype=torch.float64)], dim=1)
best = with_one @ torch.linalg.lstsq(with_one, verdict[:, None]).solution
print("the best linear map answers 0 to all four:", close(best, torch.zeros(4, 1)))

layers = [MultiHeadAttention(16, heads=4, generator=generator(seed)) for seed in range(8)]
matrix = torch.eye(16, dtype=torch.float64)
token = randn(1, 16, seed=1)  # a text of one token
y = token
with torch.no_grad():
    for layer in layers:
        matrix = matrix @ (torch.eye(16) + layer.W_V @ layer.W_O)
        y = y + layer(y)[0]  # each layer adds to its input, as in lesson 04
print("eight attention layers on one token are one matrix:", close(y, token @ matrix))

# %% [markdown] id="problem-after" lang="en"
# The best a linear map can do (the sum of the squared errors is then smallest) is to say 0 to everything. (With several tokens the weights of attention can do a part of this work, as section 13 will show; on one token they cannot.) Something is missing that looks at a single token and does more than multiply.
# %% [markdown] id="problem-after" lang="ru"
# Лучшее, что может линейное отображение (при этом сумма квадратов ошибок наименьшая), — на всё отвечать нулём. (Если токенов несколько, часть этой работы могут взять на себя веса внимания, это увидим в разделе 13; на одном токене — нет.) Не хватает части, которая смотрит на один-единственный токен, но умеет больше, чем умножать на матрицу.

# %% [markdown] id="symbols" lang="en"
# ## 2. Symbols
#
# Letters are those of the earlier lessons. The notes call the factor by which the feed-forward layer widens $K$; $K$ are our keys, so it is $r$. Neurons of the hidden vector are numbered by $j$, blocks, and in section 8 sub-layers, by $l$, in section 9 the features of one token by $i$; $\odot$ multiplies number by number, and $x \leftarrow \dots$ gives a new value. The keys and values $k_j, v_j$ of section 4 are not those of attention, and $h$ is the hidden vector here, no number of a head and no state of a recurrent network.
# %% [markdown] id="symbols" lang="ru"
# ## 2. Обозначения
#
# Буквы — те же, что в прошлых уроках. То, во сколько раз слой прямого распространения расширяет вектор, в конспекте обозначено $K$; у нас $K$ — ключи, поэтому пишем $r$. Нейроны скрытого вектора нумеруются буквой $j$, блоки, а в разделе 8 подслои — буквой $l$, а в разделе 9 признаки одного токена — буквой $i$; $\odot$ — поэлементное умножение, $x \leftarrow \dots$ — присваивание. Ключи и значения $k_j, v_j$ из раздела 4 — не те, что во внимании, а $h$ здесь — скрытый вектор, а не номер головы и не состояние рекуррентной сети.
# %% id="notation"
notation_table(6)

# %% [markdown] id="recall" lang="en"
# Three questions from earlier lessons. Answer each aloud, then unfold.
# %% [markdown] id="recall" lang="ru"
# Три вопроса из прошлых уроков. Ответьте на каждый вслух, потом раскройте ответ.
# %% id="recall-cards"
recall(6)

# %% [markdown] id="ffn" lang="en"
# ## 3. The feed-forward layer
#
# Two linear maps alone would not help: their product is again one matrix. Between them stands a function that is not linear, in the paper of 2017 **ReLU**, $\mathrm{relu}(z) = \max(0, z)$, applied to each number:
#
# $$\mathrm{FFN}(x) = \mathrm{relu}(x W_1 + b_1)\, W_2 + b_2.$$
#
# $W_1$ of shape $(D, d_{ff})$ makes of the token's vector a longer one, usually $r = 4$ times as long, the *hidden vector* $h$; its components are called *neurons*. $W_2$ of shape $(d_{ff}, D)$ leads back. Each neuron takes a weighted sum of the token's components (the weights are its own column of $W_1$), adds its bias, and if the result is not positive it is silent.
#
# By hand, for *not bad*, with two neurons (here $r = 1$):
#
# $$W_1 = \begin{pmatrix} -1 & 1 \\ 1 & -1 \end{pmatrix}, \quad b_1 = (0, 0), \quad W_2 = \begin{pmatrix} 0 & 2 \\ 0 & 2 \end{pmatrix}, \quad b_2 = (0, -1).$$
#
# Neuron 1 computes $\mathrm{relu}(-\text{not} + \text{good})$: it fires for *good*, $(0, 1)$, with $h_1 = 1$, and for none of the others. Neuron 2, $\mathrm{relu}(\text{not} - \text{good})$, fires for *not bad*, $(1, 0)$, alone. Each neuron that fires adds $h_j$ times its row of $W_2$, which is 2 in the second component, to $b_2$, which says −1. So the second component comes to $-1, +1, +1, -1$. Check one row with a pencil before you run the cell.
# %% [markdown] id="ffn" lang="ru"
# ## 3. Слой прямого распространения
#
# Два линейных отображения подряд не помогли бы: их произведение — снова одна матрица. Между ними стоит нелинейная функция, в статье 2017 года — **ReLU**, $\mathrm{relu}(z) = \max(0, z)$; она применяется к каждому числу. Получается слой прямого распространения (feed-forward network, FFN):
#
# $$\mathrm{FFN}(x) = \mathrm{relu}(x W_1 + b_1)\, W_2 + b_2.$$
#
# Матрица $W_1$ формы $(D, d_{ff})$ делает из вектора токена более длинный, обычно в $r = 4$ раза, — *скрытый вектор* $h$; его компоненты называют *нейронами*. Матрица $W_2$ формы $(d_{ff}, D)$ возвращает прежний размер. Каждый нейрон берёт взвешенную сумму компонент токена (веса — его столбец $W_1$), прибавляет своё смещение и, если вышло не больше нуля, молчит.
#
# Вручную, для «неплохо», хватит двух нейронов (здесь $r = 1$):
#
# $$W_1 = \begin{pmatrix} -1 & 1 \\ 1 & -1 \end{pmatrix}, \quad b_1 = (0, 0), \quad W_2 = \begin{pmatrix} 0 & 2 \\ 0 & 2 \end{pmatrix}, \quad b_2 = (0, -1).$$
#
# Нейрон 1 вычисляет $\mathrm{relu}(-\text{not} + \text{good})$: он срабатывает на *good*, то есть на $(0, 1)$, с $h_1 = 1$, и больше ни на чём. Нейрон 2, $\mathrm{relu}(\text{not} - \text{good})$, срабатывает только на *not bad*, то есть на $(1, 0)$. Сработавший нейрон прибавляет свою строку $W_2$, умноженную на $h_j$; у этой строки вторая компонента 2, а в $b_2$ на этом месте стоит −1. Вторая компонента выходит $-1, +1, +1, -1$. Проверьте одну строку на бумаге, прежде чем запускать ячейку.
# %% id="ffn-by-hand"
W_1 = torch.tensor([[-1.0, 1], [1, -1]], dtype=torch.float64)
b_1 = torch.zeros(2, dtype=torch.float64)
W_2 = torch.tensor([[0.0, 2], [0, 2]], dtype=torch.float64)
b_2 = torch.tensor([0.0, -1], dtype=torch.float64)


def feed_forward_loop(x, W_1, b_1, W_2, b_2):
    """Token by token and neuron by neuron; x (T, D) → (T, D)."""
    output = []
    for token in x:
        result = b_2.clone()
        for j in range(W_1.shape[1]):
            h_j = max(0.0, float(token @ W_1[:, j] + b_1[j]))
            result += h_j * W_2[j]  # the neuron adds its row, h_j times
        output.append(result)
    return torch.stack(output)


def feed_forward(x, W_1, b_1, W_2, b_2):
    """All at once; x (..., D) → (..., D)."""
    return torch.relu(x @ W_1 + b_1) @ W_2 + b_2


print("not  good   h            output")
for row, h, result in zip(
    x.int().tolist(),
    torch.relu(x @ W_1 + b_1).tolist(),
    feed_forward(x, W_1, b_1, W_2, b_2).tolist(),
    strict=True,
):
    print(f"{row[0]:3} {row[1]:4}    {h}   {result}")
assert torch.equal(feed_forward(x, W_1, b_1, W_2, b_2)[:, 1], verdict)
assert torch.equal(feed_forward_loop(x, W_1, b_1, W_2, b_2), feed_forward(x, W_1, b_1, W_2, b_2))

# %% [markdown] id="ffn-parity-text" lang="en"
# The finished layer is `course_lib.feed_forward.FeedForward`; it has to agree with our loop and with PyTorch's two linear layers, in outputs and gradients. (`nn.Linear` stores its matrix transposed. Cells with `parity` and `claim` compare and record; you may skip their code.)
# %% [markdown] id="ffn-parity-text" lang="ru"
# Готовый слой — `course_lib.feed_forward.FeedForward`; он должен совпасть и с нашим циклом, и с двумя линейными слоями из PyTorch: выходы и градиенты. (`nn.Linear` хранит матрицу транспонированной. Строки с `parity` и `claim` сравнивают и записывают результат; их код можно пропустить.)
# %% id="ffn-parity"
layer = FeedForward(6, 24, generator=generator(0))  # D = 6, r = 4
with torch.no_grad():
    for bias, seed in ((layer.b_1, 1), (layer.b_2, 2)):
        bias.copy_(randn(*bias.shape, seed=seed))  # they begin at 0, which would prove nothing
x = randn(2, 5, 6, seed=3)
with torch.no_grad():
    own = feed_forward_loop(x[0], layer.W_1, layer.b_1, layer.W_2, layer.b_2)
print("the loop agrees:", close(own, layer(x[0])))
theirs = layer.to_torch()
parity(
    "nn.Linear, nn.ReLU, nn.Linear",
    layer,
    lambda x: theirs(x),
    x,
    parameters=[
        (layer.W_1, theirs[0].weight, lambda w: w.T),
        (layer.b_1, theirs[0].bias),
        (layer.W_2, theirs[2].weight, lambda w: w.T),
        (layer.b_2, theirs[2].bias),
    ],
)
shapes = [tuple(part.shape) for part in (x, layer.hidden(x), layer(x))]
print("shapes:", " → ".join(map(str, shapes)))
claim(
    "6.1",
    holds=shapes == [(2, 5, 6), (2, 5, 24), (2, 5, 6)] and close(own, layer(x[0])),
    measured="(2, 5, 6) → (2, 5, 24) → (2, 5, 6), r = 4 · nn.Linear, nn.ReLU, nn.Linear ≤ 1e-10",
)

# %% [markdown] id="ffn-each" lang="en"
# ### Each token by itself
#
# The notes say that the vectors of all tokens are averaged to one vector of the sentence, and that this enters the layer. It is not so. The layer is applied to the vector of each token, with the same weights for all: row $i$ of $\mathrm{FFN}(X)$ is $\mathrm{FFN}$ of row $i$ of $X$ and of nothing else. (The paper says *position-wise*.) Tokens talk to each other in attention and nowhere else.
#
# **Predict:** we change the third of five tokens. Which rows of the output change?
# %% [markdown] id="ffn-each" lang="ru"
# ### Каждый токен отдельно
#
# В конспекте сказано, что векторы всех токенов усредняются в один вектор предложения и в слой поступает он. Это не так. Слой применяется к вектору каждого токена, с одними и теми же весами: строка $i$ в $\mathrm{FFN}(X)$ — это $\mathrm{FFN}$ от строки $i$ матрицы $X$ и больше ни от чего. (В статье сказано *position-wise*, «попозиционно».) Токены обмениваются сведениями во внимании и нигде больше.
#
# **Предскажите:** изменим третий из пяти токенов. Какие строки выхода изменятся?
# %% id="ffn-each-numbers"
X = x[0]
changed = X.clone()
changed[2] += 1
with torch.no_grad():
    moved = (layer(changed) - layer(X)).abs().amax(dim=1)
    rows = torch.stack([layer(row) for row in X])
    averaged = (layer(X.mean(dim=0)) - layer(X)).abs().amax(dim=1)
print("rows that change:", [i for i in range(5) if moved[i] > 1e-12])
print("FFN(X)[i] = FFN(X[i]):", close(layer(X), rows))
print("FFN of the mean is the output of none of the tokens:", bool(averaged.min() > 0.1))
claim(
    "6.4",
    holds=close(layer(X), rows) and moved[2] > 0.1 and bool((moved[[0, 1, 3, 4]] <= 1e-12).all()),
    measured="FFN(X)[i] = FFN(X[i]) ≤ 1e-12 · token 2 of 5 changed: only row 2 moves",
)

# %% id="ffn-each-figure"
show(drawings.sub_layers(), "sub_layers")

# %% [markdown] id="memory" lang="en"
# ## 4. A store of keys and values
#
# Write the layer as the sum that the loop computes. Let $k_j$ be column $j$ of $W_1$ and $v_j$ row $j$ of $W_2$:
#
# $$\mathrm{FFN}(x) = \sum_{j} \mathrm{relu}(x \cdot k_j + b_{1,j})\; v_j + b_2.$$
#
# It looks like attention: $x$ is compared with keys, and values are added up in proportion (Geva et al., 2021). But these keys and values do not come from the tokens. They are weights, learned in training and the same for every text, so they hold what the model knows *before* it reads. And there is no softmax: each neuron decides for itself whether it fires: it may be all of them, or none; and nothing makes the numbers $h_j$ sum to 1.
#
# The notes put it in one picture: if $h$ is a one-hot vector, the product $h W_2$ is one row of $W_2$. So $W_2$ stores, and $W_1$ prepares the request.
#
# To **plant a fact**: one neuron, which fires for one vector $k$ of length 1 and adds $v$. Its column of $W_1$ is $a k$ and its bias $-ac$ with a threshold $c$ between 0 and 1. For a vector $x$ of length 1 the neuron gets $a(x \cdot k - c)$: at most 0, and so silent, as long as $x \cdot k \le c$, and $a(1 - c)$ for $k$ itself. With $a = 1/(1 - c)$ that is 1, and exactly $v$ is added.
# %% [markdown] id="memory" lang="ru"
# ## 4. Хранилище ключей и значений
#
# Запишем слой как сумму, которую вычисляет цикл. Пусть $k_j$ — столбец $j$ матрицы $W_1$, а $v_j$ — строка $j$ матрицы $W_2$:
#
# $$\mathrm{FFN}(x) = \sum_{j} \mathrm{relu}(x \cdot k_j + b_{1,j})\; v_j + b_2.$$
#
# Похоже на внимание: $x$ сравнивают с ключами, а значения складывают с весами, и чем лучше подошёл ключ, тем больше вес (Geva et al., 2021). Но эти ключи и значения не берутся из токенов. Это веса, выученные при обучении и одинаковые для всех текстов: в них то, что модель знает *до* чтения. И softmax здесь нет: каждый нейрон сам решает, сработать ли ему; может не сработать ни один, могут сработать все, и сумма чисел $h_j$ не обязана равняться 1.
#
# В конспекте это выражено одной картиной: если $h$ — one-hot-вектор, произведение $h W_2$ — одна строка $W_2$. Значит, $W_2$ хранит, а $W_1$ готовит запрос.
#
# Чтобы **записать факт**, хватит одного нейрона: он срабатывает на один вектор $k$ длины 1 и прибавляет $v$. Его столбец в $W_1$ — это $a k$, а смещение равно $-ac$, где порог $c$ между 0 и 1. Для вектора $x$ длины 1 аргумент ReLU равен $a(x \cdot k - c)$. Пока $x \cdot k \le c$, он не больше нуля, и нейрон молчит; для самого $k$ он равен $a(1 - c)$. При $a = 1/(1 - c)$ это 1, и прибавится ровно $v$.
# %% id="memory-plant"
layer = FeedForward(16, 64, generator=generator(0))
hidden = F.one_hot(torch.tensor(5), 64).double()
print("one-hot h: h W_2 is row 5 of W_2:", close(hidden @ layer.W_2, layer.W_2[5]))


def unit(x):
    """The vectors (..., D), each divided by its length."""
    return x / x.norm(dim=-1, keepdim=True)


j, c = 5, 0.8
key, value = unit(randn(16, seed=1)), randn(16, seed=2)
with torch.no_grad():
    layer.W_2[j] = 0  # neuron 5 says nothing, ...
    others = unit(randn(1000, 16, seed=3))
    near = unit(key + 0.1 * randn(16, seed=4))
    before = {name: layer(x) for name, x in (("key", key), ("near", near), ("others", others))}
    layer.W_1[:, j] = key / (1 - c)  # ... and now it gets a key, a threshold and a value
    layer.b_1[j] = -c / (1 - c)
    layer.W_2[j] = value
    fact_planted = close(layer(key) - before["key"], value)
    silent = torch.equal(layer(others), before["others"])
    part = float(((layer(near) - before["near"]) @ value) / (value @ value))
print("for the key itself exactly the value is added:", fact_planted)
print(f"1000 random vectors, x · key ≤ {(others @ key).max():.2f}: nothing changes: {silent}")
print(
    f"a vector near the key, x · key = {near @ key:.3f}: {part:.3f} of the value, (x · key − c) / (1 − c)"
)

# %% id="memory-figure"
show(drawings.ffn_memory(), "ffn_memory")

# %% [markdown] id="memory-after" lang="en"
# (In the cell above neuron 5 was switched off first; the output with the new neuron is compared with that without it.) A thousand random vectors notice nothing, since in 16 dimensions hardly any of them comes near the key. A vector that resembles the key gets a part of the value: such a neuron generalises a little, to what looks alike. Whether the neurons of a *trained* layer are like this, one for each fact, we shall see in section 13. They are not.
# %% [markdown] id="memory-after" lang="ru"
# (В ячейке выше нейрон 5 сначала выключили: выход с новым нейроном сравнивается с выходом без него.) Тысяча случайных векторов ничего не заметила: в 16 измерениях почти ни один не оказывается близко к ключу. Вектор, похожий на ключ, получает часть значения: такой нейрон немного обобщает — на похожее. Таковы ли нейроны *обученного* слоя, по одному на факт, увидим в разделе 13; забегая вперёд: нет.

# %% [markdown] id="width" lang="en"
# ## 5. How wide?
#
# The notes: $r = 2$ has too little capacity, $r = 8$ is wasteful, $r = 4$ is usual. Let us measure it where room to store things is what counts: on a table to be learned by heart. There are 48 first names and 48 second names; each of the 2,304 pairs has one of 64 answers, drawn at random, so that nothing about one fact follows from another. One attention layer with four heads and one feed-forward layer (together an encoder block, section 12), with $D = 16$, read a pair; attention brings the first name to the second, and from the vector there the answer is read. Training takes 1,500 steps, whatever the width. (A guess gets 1 in 64. Three seeds, measured beforehand with `course measure feed-forward-width`; the cell trains the narrowest anew. `parameters` are all weights of the model.)
# %% [markdown] id="width" lang="ru"
# ## 5. Какая нужна ширина?
#
# В конспекте: при $r = 2$ ёмкости мало, $r = 8$ расточительно, обычно $r = 4$. Измерим это там, где важнее всего место для хранения: на таблице, которую надо выучить наизусть. Есть 48 первых имён и 48 вторых; у каждой из 2304 пар один из 64 ответов, выбранный случайно, так что из одного факта ничего не следует о другом. Пару читают один слой внимания с четырьмя головами и один слой прямого распространения (вместе — блок энкодера, раздел 12) с $D = 16$; внимание приносит первое имя ко второму, и ответ читают по вектору второго. Обучение длится 1500 шагов при любой ширине. (Наугад верен 1 ответ из 64. Три зерна, измерено заранее командой `course measure feed-forward-width`; ячейка обучает заново самую узкую модель. `parameters` — все веса модели.)
# %% id="width-numbers"
rows = recorded("feed-forward-width")["rows"]
by_shape = {}
for row in rows:
    by_shape.setdefault((row["d_model"], row["d_ff"]), []).append(row)


def learned(D, d_ff):
    """The shares of facts learned, for each seed."""
    return [row["accuracy"] for row in by_shape[D, d_ff]]


def mean(values):
    return sum(values) / len(values)


print("same D, equally many steps")
print(" r   d_ff  parameters   facts learned")
RATIOS = (1, 2, 3, 4, 6, 8)
for r in RATIOS:
    print(
        f"{r:2} {16 * r:6} {by_shape[16, 16 * r][0]['parameters']:11}   {mean(learned(16, 16 * r)):10.2f}"
    )
print("equally many parameters, equally many steps")
print(" D   d_ff     r   parameters   facts learned   loss")
EQUAL = ((12, 216), (16, 128), (20, 74), (24, 33), (28, 2))
loss = {}
for D, d_ff in EQUAL:
    loss[D, d_ff] = mean([row["loss"] for row in by_shape[D, d_ff]])
    size, share = by_shape[D, d_ff][0]["parameters"], mean(learned(D, d_ff))
    print(f"{D:2} {d_ff:6} {d_ff / D:6.2f} {size:10}   {share:10.2f} {loss[D, d_ff]:10.2f}")

memory = Memory(16, 16, seed=0)
learn_facts(memory, steps=1500)
again = evaluate(memory)[1]
print(f"trained here: D = 16, r = 1, seed 0: {again:.2f}")
assert abs(again - learned(16, 16)[0]) <= 0.02
claim(
    "6.2",
    holds=mean(learned(16, 32)) < mean(learned(16, 64)) < mean(learned(16, 128)) - 0.2
    and max(mean(learned(*shape)) for shape in ((12, 216), (28, 2)))
    < min(mean(learned(*shape)) for shape in ((16, 128), (20, 74), (24, 33)))
    and loss[20, 74] < 0.7 * min(loss[16, 128], loss[24, 33]),
    measured=f"2304 facts, D = 16: r = 2 {mean(learned(16, 32)):.2f}, r = 4 {mean(learned(16, 64)):.2f}, r = 8 {mean(learned(16, 128)):.2f} · "
    "≈ 8000 weights, loss: "
    + ", ".join(f"r = {d_ff / D:.2g} {value:.2f}" for (D, d_ff), value in loss.items()),
)

# %% id="width-figure"
show(
    curves.hidden_width(
        RATIOS,
        [learned(16, 16 * r) for r in RATIOS],
        EQUAL,
        [learned(*shape) for shape in EQUAL],
    ),
    "hidden_width",
)

# %% [markdown] id="width-after" lang="en"
# With $D$ fixed, wider is simply better, and $r = 8$ is far from wasteful: its feed-forward layer has twice the weights of that with $r = 4$, and uses them. (Learns faster, strictly speaking: all have the same 1,500 steps.) Waste can only be seen where the number of weights is fixed, so that what the feed-forward layer gets is taken from somewhere else. With about 8,000 weights in all, the three shapes between $r = 1.4$ and $r = 8$ learn nearly everything; only their loss, the mean of $-\log p$ of the right answers, tells them apart, and it is least at $r = 3.7$. A block with hardly any hidden layer ($r = 0.07$) and one with hardly any width ($r = 18$, three components for each of four heads) are clearly worse. So the notes' rule holds with a correction: at equal weights about 4 is best of these five, and at a third of it or at twice it as many facts are learned, with about twice the loss.
# %% [markdown] id="width-after" lang="ru"
# При постоянном $D$ чем шире, тем просто лучше, и $r = 8$ вовсе не расточительно: у слоя вдвое больше весов, чем при $r = 4$, и модель их использует. (Строго говоря, быстрее учится: шагов у всех одинаково, 1500.) О расточительности можно говорить, только когда число весов ограничено: то, что отдано слою прямого распространения, приходится отнять в другом месте. Когда весов всего около 8000, три варианта от $r = 1.4$ до $r = 8$ выучивают почти всё; различают их только потери, среднее $-\log p$ верных ответов, и меньше всего они при $r = 3.7$. Блок почти без скрытого слоя ($r = 0.07$) и блок с очень короткими векторами ($r = 18$, по три компоненты на каждую из четырёх голов) заметно хуже. Так что правило из конспекта верно с поправкой: при равном числе весов из этих пяти лучше всего отношение около 4, а при втрое меньшем или вдвое большем выучивается почти столько же, хотя функция потерь примерно вдвое больше.
# %% [markdown] id="activation" lang="en"
# ## 6. Other activations: GELU and SwiGLU
#
# ReLU has a corner at 0, and a neuron that is silent gets no gradient: if it is silent for every token, only changes in the layers below can wake it. BERT and GPT-2 use **GELU** instead, $z\,\Phi(z)$, where $\Phi(z)$ is the share of the standard normal distribution below $z$, that is, of the numbers that `torch.randn` draws ($\Phi(0) = 0.5$, $\Phi(1) = 0.8413$): a ReLU with a soft corner, which lets a little of the negative numbers through. GPT-2's program computes an approximation with tanh, never more than 0.0005 away. **SiLU** (also *swish*), $z\,\sigma(z)$ with the sigmoid $\sigma$, looks much the same.
#
# Most large models of today have **SwiGLU** (Shazeer, 2020): two matrices lead up instead of one, and the second vector is multiplied, number by number, by SiLU of the first.
#
# $$\mathrm{SwiGLU}(x) = \big(\mathrm{silu}(x W_1) \odot x W_3\big)\, W_2$$
#
# $\mathrm{silu}(x W_1)$ is a *gate*: it decides how much of the other gets through. Three matrices have half as many weights again as two; to have equally many, $d_{ff}$ is made a third smaller, $\tfrac{8}{3} D$ instead of $4 D$. Shazeer found it better than ReLU and GELU in language models of equal size, and gave no reason but "divine benevolence".
# %% [markdown] id="activation" lang="ru"
# ## 6. Другие активации: GELU и SwiGLU
#
# У ReLU в нуле излом, а молчащий нейрон не получает градиента: если он молчит на всех токенах, разбудить его могут только изменения в нижних слоях. В BERT и GPT-2 вместо неё **GELU**, $z\,\Phi(z)$, где $\Phi(z)$ — доля стандартного нормального распределения левее $z$, то есть среди чисел, которые выдаёт `torch.randn` ($\Phi(0) = 0.5$, $\Phi(1) = 0.8413$): та же ReLU, но с плавным изгибом; отрицательные числа она немного пропускает. В коде GPT-2 стоит приближение через tanh; оно нигде не отличается от точной функции больше чем на 0.0005. **SiLU** (другое имя — *swish*), $z\,\sigma(z)$ с сигмоидой $\sigma$, выглядит почти так же.
#
# В большинстве больших современных моделей стоит **SwiGLU** (Shazeer, 2020): расширяют вектор две матрицы вместо одной, и второй результат поэлементно умножается на SiLU от первого.
#
# $$\mathrm{SwiGLU}(x) = \big(\mathrm{silu}(x W_1) \odot x W_3\big)\, W_2$$
#
# $\mathrm{silu}(x W_1)$ — это *вентиль* (gate): он решает, сколько второго вектора пропустить. В трёх матрицах в полтора раза больше весов, чем в двух; чтобы весов было поровну, $d_{ff}$ уменьшают на треть — $\tfrac{8}{3} D$ вместо $4 D$. Shazeer обнаружил, что в языковых моделях равного размера SwiGLU лучше ReLU и GELU, и никакого объяснения, кроме «божественной милости», не дал.
# %% id="activation-numbers"
z = torch.tensor([-3.0, -1, -0.1, 0, 1, 3], dtype=torch.float64)
print("z        " + "".join(f"{value:8.1f}" for value in z.tolist()))
for name, function in (("relu", torch.relu), ("gelu", gelu), ("silu", silu)):
    print(f"{name:9}" + "".join(f"{value:8.4f}" for value in function(z).tolist()))
line = torch.linspace(-4, 4, 161, dtype=torch.float64)
print("|gelu_tanh − gelu| ≤ 0.0005:", bool((gelu_tanh(line) - gelu(line)).abs().max() <= 0.0005))

parity("F.gelu", gelu, lambda x: F.gelu(x), line)
parity("F.gelu, tanh", gelu_tanh, lambda x: F.gelu(x, approximate="tanh"), line)
swiglu = FeedForward(6, 16, "swiglu", bias=False, generator=generator(0))
gate, up, down = (nn.Parameter(W.detach().T.clone()) for W in (swiglu.W_1, swiglu.W_3, swiglu.W_2))
parity(
    "F.silu and F.linear",
    swiglu,
    lambda x: F.linear(F.silu(F.linear(x, gate)) * F.linear(x, up), down),
    randn(2, 5, 6, seed=3),
    parameters=[
        (swiglu.W_1, gate, lambda w: w.T),
        (swiglu.W_3, up, lambda w: w.T),
        (swiglu.W_2, down, lambda w: w.T),
    ],
)
plain = FeedForward(6, 24, bias=False)
print(
    "weights, D = 6: two matrices, d_ff = 24:",
    sum(p.numel() for p in plain.parameters()),
    "· three, d_ff = 16:",
    sum(p.numel() for p in swiglu.parameters()),
)

# %% id="activation-figure"
show(
    curves.activations(
        line.numpy(),
        {
            "relu": torch.relu(line).numpy(),
            "gelu": gelu(line).numpy(),
            "silu": silu(line).numpy(),
        },
    ),
    "activations",
)

# %% [markdown] id="share" lang="en"
# ## 7. What share of the weights?
#
# Count a block with $r = 4$. Attention has four matrices $D \times D$: $4D^2$. The feed-forward layer has $D \times 4D$ and $4D \times D$: $8D^2$. That is 8 of 12, two thirds; the biases and LayerNorm's γ and β add a little, of order $D$. The notes say 66–75 % of *all* weights. Which models does that fit? The cell counts four, from the sizes in their configuration files. (BERT is counted without the small layer over its first token. A test compares these counts with the `transformers` library's models.)
# %% [markdown] id="share" lang="ru"
# ## 7. Какая доля весов?
#
# Посчитаем блок при $r = 4$. У внимания четыре матрицы $D \times D$: $4D^2$. У слоя прямого распространения — $D \times 4D$ и $4D \times D$: $8D^2$. Это 8 из 12, две трети; смещения и γ с β добавляют немного, порядка $D$. В конспекте — 66–75 % *всех* весов. Для каких моделей это верно? Ячейка считает веса четырёх моделей по размерам из их файлов конфигурации. (BERT посчитан без небольшого слоя над первым токеном. Тест сверяет эти числа с моделями библиотеки `transformers`.)
# %% id="share-numbers"
parts = {name: count(model) for name, model in MODELS.items()}
print("              all weights   feed-forward   of the blocks   of the whole")
whole, blocks = {}, {}
for name, numbers in parts.items():
    total = sum(numbers.values())
    in_blocks = total - numbers["embeddings"]
    whole[name] = {part: n / total for part, n in numbers.items()}
    blocks[name] = {part: n / in_blocks for part, n in numbers.items() if part != "embeddings"}
    print(
        f"{name:12} {total:13} {numbers['feed-forward']:14} {blocks[name]['feed-forward']:13.1%} {whole[name]['feed-forward']:14.1%}"
    )
share = {name: blocks[name]["feed-forward"] for name in MODELS}
claim(
    "6.3",
    holds=all(0.66 <= share[name] <= 0.67 for name in ("BERT-base", "GPT-2"))
    and share["T5-base"] < 0.6
    and share["Llama 3 8B"] > 0.8
    and whole["GPT-2"]["feed-forward"] < 0.5,
    measured="share of FFN, blocks / whole: "
    + " · ".join(
        f"{name} {share[name]:.0%} / {whole[name]['feed-forward']:.0%}" for name in MODELS
    ),
)

# %% id="share-figure"
show(curves.weight_shares(whole, blocks), "weight_shares")

# %% [markdown] id="share-after" lang="en"
# Two thirds is right for a *block* with four equal matrices, in BERT and GPT-2. Cross-attention (lesson 07) gives each block of T5's decoder a second attention, and the share sinks to 57 %. Grouped-query attention makes $W_K$ and $W_V$ smaller (lesson 04, section 12), and SwiGLU with $d_{ff} = 3.5 D$ has more weights than $8D^2$: in Llama 3 8B the share of a block is 81 %. Of the *whole* model it is less, since the embeddings count too: about one half in the three small models, where embeddings are 11 to 32 % of the weights; 70 % in the large one. So 66–75 % is the right order and no law: by the same count it is 64 % of Llama 2 7B and 80 % of Llama 3 70B. But everywhere the feed-forward layers are the largest part.
# %% [markdown] id="share-after" lang="ru"
# Две трети — это верно для *блока* с четырьмя равными матрицами, то есть для BERT и GPT-2. Перекрёстное внимание (урок 07) добавляет в каждый блок декодера T5 второе внимание, и доля опускается до 57 %. Внимание с группировкой запросов уменьшает $W_K$ и $W_V$ (урок 04, раздел 12), а в SwiGLU с $d_{ff} = 3.5 D$ весов больше, чем $8D^2$: в Llama 3 8B доля в блоке 81 %. Во *всей* модели доля меньше, ведь есть ещё эмбеддинги: около половины в трёх небольших моделях, где на эмбеддинги приходится от 11 до 32 % весов, и 70 % в большой. Так что 66–75 % — верный порядок, а не закон: тем же счётом у Llama 2 7B выходит 64 %, у Llama 3 70B — 80 %. Но слои прямого распространения везде — самая большая часть.
# %% [markdown] id="residual" lang="en"
# ## 8. Residual connections
#
# A deep stack of layers has a problem of its own: the first layer learns from a gradient that has come through all the others. Take a chain of three functions of one number, $y = f_3(f_2(f_1(x)))$. By the chain rule its derivative is $f_3' f_2' f_1'$. If each factor is 0.5, the product is 0.125; with 64 of them it is about $5 \cdot 10^{-20}$, and the first layer learns nothing: the gradient *vanishes*, from layer to layer here, as it did from token to token in a recurrent network (lesson 00, section 6). If each is 2, it *explodes*.
#
# Attention and the feed-forward layer of a block are called its *sub-layers*. A **residual connection** (lesson 03 called it the residual sum) leads the input around such a layer and adds it to the output: $x + f(x)$ (He et al., 2015, for images). The derivative of the sum is $1 + f'(x)$. The chain of three becomes $1.5^3 = 3.375$, that of 64 about $2 \cdot 10^{11}$. For vectors the 1 becomes the identity matrix $I$, and $f'$ the *Jacobian* $J$: its row $i$, column $k$ tells how much output $i$ changes per change of input $k$. The chain rule stays the same, with products of matrices, the last layer leftmost:
#
# $$\text{without: } J_3 J_2 J_1 \qquad\qquad \text{with: } (I + J_3)(I + J_2)(I + J_1) = I + J_1 + J_2 + J_3 + J_2 J_1 + J_3 J_1 + J_3 J_2 + J_3 J_2 J_1.$$
#
# Multiplied out, each layer is either gone through or gone around, in all $2^3 = 8$ ways, and the way around all of them is $I$: the gradient at the end arrives at the beginning as it is, with other terms added to it.
#
# The notes describe it "as if the derivative were taken twice". Doubled would be $2f'$. It is $1 + f'$: where $f' = 0.1$, that is 1.1 and not 0.2. It is not a guarantee either; where $f' = -1$, nothing is left.
# %% [markdown] id="residual" lang="ru"
# ## 8. Остаточные связи
#
# У глубокой стопки слоёв своя беда: первый слой учится по градиенту, который прошёл через все остальные. Возьмём цепочку из трёх функций одного числа, $y = f_3(f_2(f_1(x)))$. По правилу дифференцирования сложной функции её производная равна $f_3' f_2' f_1'$. Если каждый множитель — 0.5, произведение равно 0.125; а если их 64, то примерно $5 \cdot 10^{-20}$, и первый слой не учится ничему: градиент *затухает* — здесь от слоя к слою, как в рекуррентной сети от токена к токену (урок 00, раздел 6). Если каждый равен 2, градиент *взрывается*.
#
# Внимание и слой прямого распространения называют *подслоями* блока. **Остаточная связь** (residual connection; в уроке 03 — остаточная сумма) проводит вход в обход такого слоя и прибавляет его к выходу: $x + f(x)$ (He et al., 2015, для изображений). Производная суммы — $1 + f'(x)$. Для цепочки из трёх получается $1.5^3 = 3.375$, а из 64 — около $2 \cdot 10^{11}$. Для векторов вместо 1 стоит единичная матрица $I$, а вместо $f'$ — *матрица Якоби* $J$: на пересечении строки $i$ и столбца $k$ в ней стоит производная выхода $i$ по входу $k$. Правило остаётся тем же, только перемножаются матрицы, и последний слой стоит слева:
#
# $$\text{без связей: } J_3 J_2 J_1 \qquad\qquad \text{со связями: } (I + J_3)(I + J_2)(I + J_1) = I + J_1 + J_2 + J_3 + J_2 J_1 + J_3 J_1 + J_3 J_2 + J_3 J_2 J_1.$$
#
# Если раскрыть скобки, каждый слой либо проходят, либо обходят, всего $2^3 = 8$ путей, и путь в обход всех — это $I$: градиент с конца доходит до начала как есть, а остальные слагаемые к нему прибавляются.
#
# В конспекте об этом сказано: «как если бы производную взяли дважды». Удвоенная производная — это $2f'$. А здесь $1 + f'$: при $f' = 0.1$ это 1.1, а не 0.2. И это не гарантия: при $f' = -1$ не остаётся ничего.
# %% id="residual-figure"
show(drawings.residual_paths(), "residual_paths")

# %% [markdown] id="residual-measure-text" lang="en"
# Now with real blocks, attention and feed-forward layer, at the random weights they start with, and *without any normalisation*. The output of a stack is multiplied, number by number, by a fixed random matrix of norm 1, the products are added up, and we take the norm of the gradient of this sum at the vectors that enter (the root of the sum of the squares of all its numbers). With no block at all it would be 1. Each block has two sub-layers, so that 64 blocks are 128 factors.
#
# **Predict:** 64 blocks without residual connections, then with them. Which power of ten?
# %% [markdown] id="residual-measure-text" lang="ru"
# Теперь настоящие блоки, внимание и слой прямого распространения, с теми случайными весами, с которых начинается обучение, и *без всякой нормализации*. Выход стопки поэлементно умножим на фиксированную случайную матрицу с нормой 1, сложим все произведения и измерим норму градиента этой суммы по входным векторам. (Норма — корень из суммы квадратов всех чисел; если блоков нет вовсе, она равна 1.) В каждом блоке два подслоя, так что 64 блока — это 128 множителей.
#
# **Предскажите:** 64 блока без остаточных связей, потом с ними. Какого порядка (какая степень десяти) будет норма градиента?
# %% id="residual-numbers"
small = EncoderBlock(6, 2, generator=generator(0))
small.norm_1 = small.norm_2 = nn.Identity()
x = randn(3, 6, seed=1)


def jacobian_of_attention(residual):
    """All derivatives of x + attention(x), or of attention(x): (18, 18)."""

    def sub_layer(x):
        return x + small.attention(x)[0] if residual else small.attention(x)[0]

    return torch.autograd.functional.jacobian(sub_layer, x).reshape(18, 18)


identity = jacobian_of_attention(True) - jacobian_of_attention(False)
print("the residual connection adds exactly I:", close(identity, torch.eye(18)))

DEPTHS = (1, 2, 4, 8, 16, 32, 64)
flow = {
    (residual, norm): [
        gradient_flow(depth, residual=residual, norm=norm).at_input for depth in DEPTHS
    ]
    for norm in ("none", "pre")
    for residual in (False, True)
}
print("no normalisation; gradient at the input, by the number of blocks")
print("             " + "".join(f"{depth:9}" for depth in DEPTHS))
for residual, name in ((False, "without"), (True, "with")):
    print(f"{name:12} " + "".join(f"{value:9.1e}" for value in flow[residual, "none"]))

# %% [markdown] id="residual-after" lang="en"
# Without them the gradient vanishes: after 64 blocks it is twelve orders of magnitude smaller. With them it does not vanish, but now it explodes, and so do the vectors themselves. Each block adds something to the *residual stream* (the name for the sum that runs through all the blocks along the residual connections), and what it adds grows with the stream. So each block multiplies the size of the stream by some factor, and over 64 blocks the factors multiply. (How fast depends on how large the initial matrices are.) A residual connection cures one half of the disease. The other half needs something that holds the size of the vectors.
# %% [markdown] id="residual-after" lang="ru"
# Без связей градиент затухает: после 64 блоков он меньше на двенадцать порядков. Со связями он не затухает, зато взрывается, и сами векторы тоже: каждый блок что-то прибавляет к *остаточному потоку* (residual stream — так называют сумму, которая идёт через все блоки по остаточным связям), и прибавка растёт вместе с ним, то есть каждый блок умножает масштаб потока на некоторое число, и за 64 блока эти числа перемножаются. (Насколько быстро — зависит от размера начальных матриц.) Остаточная связь лечит половину болезни. Для второй половины нужно что-то, что удержит масштаб векторов.


# %% [markdown] id="layer-norm" lang="en"
# ## 9. LayerNorm
#
# **LayerNorm** (Ba et al., 2016) takes the vector of one token, subtracts the mean of its $D$ numbers and divides by their standard deviation $\sigma$, the root of the *variance* $\sigma^2$. In statistics that is a *z-score*. Then each *feature*, as the components of the vector are called here, gets a learned factor $\gamma_i$ and a learned shift $\beta_i$.
#
# $$\mu = \frac{1}{D}\sum_i x_i, \qquad \sigma^2 = \frac{1}{D}\sum_i (x_i - \mu)^2, \qquad \hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad y_i = \gamma_i \hat x_i + \beta_i.$$
#
# $\varepsilon$, usually $10^{-5}$, keeps the root away from 0, in case all numbers of a token are equal. By hand: $x = (1, 2, 3, 6)$. The mean is 3, the deviations $(-2, -1, 0, 3)$, their squares sum to 14, $\sigma^2 = 14/4 = 3.5$, $\sigma = 1.8708$, and $\hat x = (-1.0690, -0.5345, 0, 1.6036)$.
#
# The notes say that the result has mean 1 and standard deviation 1. The mean is **0**: what was subtracted is gone.
#
# A famous bug is to divide by $\sqrt{14/3}$, the root of the *unbiased* estimate of the variance; that is what `x.std()` computes in PyTorch. It divides by $D - 1$, as one does to estimate the variance of many numbers from a few. But the numbers of a token are not a sample; they are all there is. At $D = 4$ the mistake is 13 %, at $D = 512$ only 0.1 %, where nobody sees it. So we compare with PyTorch at $D = 4$.
# %% [markdown] id="layer-norm" lang="ru"
# ## 9. LayerNorm
#
# **LayerNorm**, нормализация слоя (Ba et al., 2016), берёт вектор одного токена, вычитает среднее его $D$ чисел и делит на их стандартное отклонение $\sigma$, корень из *дисперсии* $\sigma^2$. В статистике это называется *z-оценкой*. Затем у каждого *признака* (feature; так здесь называют компоненты вектора) есть обучаемый множитель $\gamma_i$ и обучаемый сдвиг $\beta_i$.
#
# $$\mu = \frac{1}{D}\sum_i x_i, \qquad \sigma^2 = \frac{1}{D}\sum_i (x_i - \mu)^2, \qquad \hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad y_i = \gamma_i \hat x_i + \beta_i.$$
#
# $\varepsilon$, обычно $10^{-5}$, не даёт корню обратиться в нуль, если все числа токена равны. Вручную: $x = (1, 2, 3, 6)$. Среднее 3, отклонения $(-2, -1, 0, 3)$, сумма их квадратов 14, $\sigma^2 = 14/4 = 3.5$, $\sigma = 1.8708$, и $\hat x = (-1.0690, -0.5345, 0, 1.6036)$.
#
# В конспекте сказано, что у результата среднее 1 и стандартное отклонение 1. Среднее — **0**: его же и вычли.
#
# Частая ошибка — делить на $\sqrt{14/3}$, корень из *несмещённой* оценки дисперсии; именно его вычисляет `x.std()` в PyTorch. Там делят на $D - 1$, как полагается, когда по нескольким числам оценивают дисперсию многих. Но числа токена — не выборка: других чисел нет. При $D = 4$ ошибка составляет 13 %, а при $D = 512$ — всего 0.1 %, и её никто не заметит. Поэтому с PyTorch сравниваем при $D = 4$.
# %% id="layer-norm-by-hand"
def layer_norm_by_hand(x, gamma, beta, eps=EPS):
    """x (..., D), gamma (D,), beta (D,) → (..., D)."""
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    return centred / (variance + eps).sqrt() * gamma + beta


x = torch.tensor([1.0, 2, 3, 6], dtype=torch.float64)
one, zero = torch.ones(4, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
z = layer_norm_by_hand(x, one, zero)
print("x̂ =", z, f"mean {abs(z.mean()):.4f}, std {z.std(correction=0):.4f}")
bug = (x - x.mean()) / x.std()
print(
    "with x.std():", bug, f"{1 - float(bug[3] / z[3]):.1%} too small; at D = 512:",
    f"{1 - math.sqrt(511 / 512):.1%}",
)  # fmt: skip

x = randn(2, 3, 4, seed=2) * 3 + 5
theirs = nn.LayerNorm(4, dtype=torch.float64)
with torch.no_grad():
    theirs.weight.copy_(randn(4, seed=3))
    theirs.bias.copy_(randn(4, seed=4))
ours = LayerNorm.from_torch(theirs)
parity(
    "course_lib.normalisation",
    layer_norm_by_hand,
    lambda *inputs: normalisation.layer_norm(*inputs),
    x,
    ours.gamma.detach(),
    ours.beta.detach(),
)
parity(
    "nn.LayerNorm, D = 4",
    ours,
    lambda x: theirs(x),
    x,
    parameters=[(ours.gamma, theirs.weight), (ours.beta, theirs.bias)],
)
tokens = normalisation.layer_norm(x, eps=0.0)
means, stds = tokens.mean(dim=-1), tokens.std(dim=-1, correction=0)
claim(
    "6.10",
    holds=bool((means.abs() <= 1e-12).all()) and close(stds, torch.ones(2, 3)),
    measured="6 tokens of means around 5: after it mean 0, std 1, each ≤ 1e-12 · nn.LayerNorm at D = 4 ≤ 1e-10",
)

# %% [markdown] id="gamma-beta" lang="en"
# ### What γ and β can do
#
# The notes: "intercept 10 gives mean 10, factor 10 gives standard deviation 10", and so the layer could undo the normalisation where it does harm. **Predict:** is the mean of a token 10 if *one* $\beta_i$ is 10? And can γ and β give two tokens that came in as $x$ and $10x + 100$ their sizes back?
# %% [markdown] id="gamma-beta" lang="ru"
# ### Что могут γ и β
#
# В конспекте: «сдвиг 10 даёт среднее 10, множитель 10 — стандартное отклонение 10», поэтому слой может и отменить нормализацию там, где она вредит. **Предскажите:** станет ли среднее токена равным 10, если *один* из сдвигов $\beta_i$ равен 10? И могут ли γ и β вернуть прежний масштаб двум токенам, которые вошли как $x$ и $10x + 100$?
# %% id="gamma-beta-numbers"
x = torch.tensor([1.0, 2, 3, 6], dtype=torch.float64)
one_beta = torch.tensor([10.0, 0, 0, 0], dtype=torch.float64)
for name, gamma, beta in (
    ("every β = 10", one, 10 * one),
    ("one β = 10", one, one_beta),
    ("every γ = 10", 10 * one, zero),
    ("one γ = 10", one + 0.9 * one_beta, zero),  # γ = (10, 1, 1, 1)
):
    y = normalisation.layer_norm(x, gamma, beta, eps=0.0)
    print(f"{name:13} mean {y.mean() + 0.0:7.4f}   std {y.std(correction=0):7.4f}")

gamma, beta = randn(4, seed=5), randn(4, seed=6)
same = close(
    normalisation.layer_norm(10 * x + 100, gamma, beta, 0.0),
    normalisation.layer_norm(x, gamma, beta, 0.0),
)
print("x and 10x + 100 come out equal, whatever γ and β:", same)
moved_mean = normalisation.layer_norm(x, one, one_beta, 0.0).mean()
claim(
    "6.11",
    holds=same and close(moved_mean, torch.tensor(2.5)),
    measured="D = 4: every β = 10: mean 10, one β = 10: mean 2.5 · x and 10x + 100 give the same, whatever γ and β",
)

# %% [markdown] id="gamma-beta-after" lang="en"
# $\gamma_i$ and $\beta_i$ belong to the *feature* $i$ and are the same for all tokens. The mean is 10 if every $\beta_i$ is 10; a single one of four gives 2.5. And they cannot undo the normalisation: the mean and the size of a single token are gone after $\hat x$, and no number that is the same for all tokens can bring it back. What they can do is give each *feature* its own size and place: make one loud, another quiet, switch a third off.
#
# That a token's size is gone is the point. If $x$ grows tenfold, LayerNorm's output does not change, and neither does that of the next sub-layer; so what a sub-layer adds no longer grows with the stream.
#
# **RMSNorm** (root mean square; Zhang & Sennrich, 2019) leaves out the mean and β: $\gamma_i\, x_i / \sqrt{\tfrac{1}{D}\sum_k x_k^2 + \varepsilon}$. It costs less, and models do as well without the mean and β; T5 uses it, and since Llama (2023) most large models do.
# %% [markdown] id="gamma-beta-after" lang="ru"
# $\gamma_i$ и $\beta_i$ относятся к *признаку* $i$ и одинаковы для всех токенов. Среднее равно 10, если каждый $\beta_i$ равен 10; один сдвиг из четырёх даёт 2.5. И отменить нормализацию они не могут: каким было среднее и каким был масштаб отдельного токена, по $\hat x$ уже не узнать, и никакое число, одинаковое для всех токенов, этого не вернёт. Зато каждый *признак* они могут сделать больше или меньше и сдвинуть: один усилить, другой ослабить, третий выключить.
#
# Масштаб токена пропадает — в этом и смысл. Если $x$ вырастет в десять раз, выход LayerNorm не изменится, а значит, не изменится и выход следующего подслоя; так что прибавка подслоя больше не растёт вместе с потоком.
#
# **RMSNorm** (root mean square; Zhang & Sennrich, 2019) обходится без среднего и без β: $\gamma_i\, x_i / \sqrt{\tfrac{1}{D}\sum_k x_k^2 + \varepsilon}$. Она дешевле, а без вычитания среднего и без β модели, как оказалось, работают не хуже; её использует T5, а после Llama (2023) — большинство больших моделей.
# %% id="rms-norm"
theirs = nn.RMSNorm(4, eps=EPS, dtype=torch.float64)
with torch.no_grad():
    theirs.weight.copy_(randn(4, seed=7))
ours = RMSNorm.from_torch(theirs)
parity(
    "nn.RMSNorm, D = 4",
    ours,
    lambda x: theirs(x),
    randn(2, 3, 4, seed=8) + 1,
    parameters=[(ours.gamma, theirs.weight)],
)
y = rms_norm(x, eps=0.0)
print("RMSNorm of (1, 2, 3, 6):", y, f"mean square {y.square().mean():.4f}, mean {y.mean():.4f}")

# %% [markdown] id="explorer-layer-norm-text" lang="en"
# **Play.** Move the features of a token; multiply it by 10, add 100: see what of it is left in $\hat x$, which the page calls $z$. Then move γ and β.
# %% [markdown] id="explorer-layer-norm-text" lang="ru"
# **Попробуйте.** Подвигайте признаки токена, умножьте его на 10, прибавьте 100 и посмотрите, что из этого останется в $\hat x$ (в этом окне он обозначен $z$). Потом подвигайте γ и β.
# %% id="explorer-layer-norm"
explore_layer_norm()

# %% [markdown] id="both-text" lang="en"
# ### Both halves together
#
# Back to the stacks of section 8, now with all four combinations; LayerNorm stands before each sub-layer, as in most models today (*pre-norm*; *post-norm* is LayerNorm after the sum; section 11 compares them).
# %% [markdown] id="both-text" lang="ru"
# ### Обе половины вместе
#
# Вернёмся к стопкам раздела 8, теперь во всех четырёх сочетаниях; LayerNorm стоит перед каждым подслоем, как сейчас в большинстве моделей (*pre-norm*; если LayerNorm стоит после суммы, это *post-norm*; сравним их в разделе 11).
# %% id="both-numbers"
SEEDS = range(3)
deep = {
    (residual, norm): [
        gradient_flow(64, residual=residual, norm=norm, seed=seed).at_input for seed in SEEDS
    ]
    for residual in (False, True)
    for norm in ("none", "pre")
}
print("gradient at the input of 64 blocks, three seeds")
print("                             no LayerNorm               LayerNorm")
for residual, name in ((False, "no residual connections"), (True, "residual connections")):
    shown = ["  ".join(f"{g:.0e}" for g in deep[residual, norm]) for norm in ("none", "pre")]
    print(f"{name:25}    {shown[0]}      {shown[1]}")
claim(
    "6.8",
    holds=max(deep[False, "none"]) < 1e-9
    and min(deep[True, "none"]) > 1e9
    and max(deep[False, "pre"]) < 0.1
    and 0.1 < min(deep[True, "pre"])
    and max(deep[True, "pre"]) < 100
    and close(identity, torch.eye(18)),
    measured="the derivative gets + I · gradient at the input of 64 blocks, three seeds: neither "
    f"≤ {max(deep[False, 'none']):.0e}, only residual ≥ {min(deep[True, 'none']):.0e}, "
    f"only LayerNorm ≤ {max(deep[False, 'pre']):.0e}, both {min(deep[True, 'pre']):.0f} … {max(deep[True, 'pre']):.0f}",
)

# %% id="both-figure"
show(
    curves.gradient_by_depth(
        DEPTHS,
        {
            "plain": flow[False, "none"],
            "residual": flow[True, "none"],
            "normalised": flow[False, "pre"],
            "pre": flow[True, "pre"],
        },
    ),
    "gradient_by_depth",
)

# %% [markdown] id="both-after" lang="en"
# At this start (matrices with standard deviation $1/\sqrt{\text{number of rows}}$) only both together hold the gradient: over 64 blocks it grows to between 5 and 11. The residual connection keeps it from vanishing, LayerNorm from exploding. (With smaller matrices a stack without LayerNorm does not explode either; there are models that are trained so, with great care for the start. LayerNorm alone slows the vanishing down: it divides by a small deviation, and so makes the gradients larger again.) Turn the two on and off yourself; the bars are the gradients of each block's $W_1$.
# %% [markdown] id="both-after" lang="ru"
# При таком начале (стандартное отклонение матриц $1/\sqrt{\text{число строк}}$) только вместе они удерживают градиент: за 64 блока он вырастает лишь до 5–11. Остаточная связь не даёт ему затухнуть, LayerNorm — взорваться. (С меньшими матрицами не взрывается и стопка без LayerNorm; есть модели, которые так и обучают, тщательно выбирая начальные веса. Одна LayerNorm затухание замедляет: деление на маленькое стандартное отклонение снова увеличивает градиенты.) Включайте и выключайте то и другое сами; столбики — градиенты по матрицам $W_1$ каждого блока.
# %% id="explorer-depth"
explore_depth()

# %% [markdown] id="batch-norm" lang="en"
# ## 10. LayerNorm or BatchNorm?
#
# Interviewers like to ask this. **BatchNorm** (Ioffe & Szegedy, 2015), which came first and made deep networks for images trainable, uses the same formula, but takes mean and variance of each *feature*, over all tokens of the batch. So what a token becomes depends on its company. And a text that comes alone, when the trained model is used (in *inference*), has none; so BatchNorm keeps running averages of the mean and the variance in training (after each batch mostly the old value and a little of the new), and normalises by these in inference.
# %% [markdown] id="batch-norm" lang="ru"
# ## 10. LayerNorm или BatchNorm?
#
# Об этом любят спрашивать на собеседованиях. **BatchNorm**, пакетная нормализация (Ioffe & Szegedy, 2015), появилась раньше и сделала возможным обучение глубоких сетей для изображений. Формула та же, но среднее и дисперсия берутся для каждого *признака* по всем токенам батча. Поэтому то, во что превратится токен, зависит от его соседей по батчу. А на инференсе (inference), то есть когда обученной моделью пользуются, текст приходит один, без соседей; поэтому при обучении BatchNorm накапливает скользящие оценки среднего и дисперсии (после каждого батча — в основном прежнее значение и немного нового), а на инференсе нормализует по ним.
# %% id="batch-norm-figure"
show(drawings.norm_axes(), "norm_axes")

# %% [markdown] id="batch-norm-table-text" lang="en"
# Four measurements on questions like *tell me what is internet for ?*: seven kinds of question about 16 things, behind one of eight openings (*please*, *tell me*, …; one of them is empty); here their words have random vectors. (Section 13 trains a model on them.) We watch one token of one question. How far does its normalised vector move, (1) when the rest of a batch of 1, 4, 16 or 64 questions is drawn anew, (2) when the same batch is padded by ten more tokens, (3) between training, in a batch of 4 questions, and inference? And (4): the running averages were made on questions without an opening and are used on longer ones; if they fitted, each feature would have mean 0 and standard deviation 1. (In the rows *company* a movement is the standard deviation over 100 draws, in the next two the absolute difference; each is a mean over the features.) `masked` is a BatchNorm that leaves padding out of its averages; PyTorch's has no such option.
# %% [markdown] id="batch-norm-table-text" lang="ru"
# Сделаем четыре измерения на вопросах вроде *tell me what is internet for ?*: семь видов вопроса о 16 предметах, с одним из восьми вступлений (*please*, *tell me* и так далее; одно из них пустое); векторы слов здесь случайные. (Модель на этих вопросах обучим в разделе 13.) Следим за одним токеном одного вопроса. Насколько сдвинется его нормализованный вектор, (1) если остальные вопросы в батче из 1, 4, 16 или 64 выбрать заново, (2) если тот же батч дополнить ещё десятью токенами заполнения, (3) если от обучения (батч из 4 вопросов) перейти к инференсу? И (4): скользящие оценки получены на вопросах без вступления, а применяются к более длинным; если бы они подходили, у каждого признака были бы среднее 0 и стандартное отклонение 1. (В строках *company* сдвиг — стандартное отклонение по 100 выборкам, в двух следующих — модуль разности; всё усреднено по признакам.) `masked` — BatchNorm, которая не учитывает заполнение в своих средних; в PyTorch такой возможности нет.
# %% id="batch-norm-table"
asked = questions.all_questions()
table = 2 * randn(len(questions.WORDS), 8, seed=0) + 1


def texts(chosen):
    """The vectors (B, T, 8) of some questions, and which of them are no padding (B, T)."""
    ids, lengths = asked.ids[chosen], asked.lengths[chosen]
    return table[ids], torch.arange(ids.shape[1]) < lengths[:, None]


def with_others(size, seed):
    """Question 0 and others, drawn at random."""
    others = torch.randint(len(asked.ids), (size - 1,), generator=generator(seed))
    return torch.cat([torch.zeros(1, dtype=torch.long), others])


norms = {
    "LayerNorm": lambda x, real: normalisation.layer_norm(x),
    "BatchNorm": lambda x, real: batch_norm(x),
    "masked": lambda x, real: batch_norm(x, mask=real),
}
SIZES = (1, 4, 16, 64)
company, padded = {}, {}
for name, norm in norms.items():
    for size in SIZES:
        drawn = torch.stack([norm(*texts(with_others(size, seed)))[0, 2] for seed in range(100)])
        company[name, size] = drawn.std(dim=0, correction=0).mean().item()
    x, real = texts(with_others(64, 0))
    longer = torch.cat([x, table[0].expand(64, 10, 8)], dim=1)  # the vector of padding is row 0
    more = torch.cat([real, torch.zeros(64, 10, dtype=torch.bool)], dim=1)
    padded[name] = (norm(longer, more)[0, 2] - norm(x, real)[0, 2]).abs().mean().item()

running = (torch.zeros(8, dtype=torch.float64), torch.ones(8, dtype=torch.float64))
short = (asked.opening == 0).nonzero()[:, 0]
for seed in range(200):  # what training does to the running averages
    batch = short[torch.randint(len(short), (64,), generator=generator(seed))]
    x, real = texts(batch)
    batch_norm(x, mask=real, running=running)
x, real = texts(short[:4])
in_inference = batch_norm(x, running=running, training=False)[0, 2]
in_training = {
    name: (in_inference - batch_norm(x, mask=mask)[0, 2]).abs().mean().item()
    for name, mask in (("BatchNorm", None), ("masked", real))
}
x, real = texts((asked.opening == 4).nonzero()[:, 0])  # do you know what is … ?
off = batch_norm(x, running=running, training=False)[real]
print("moves by …          LayerNorm   BatchNorm   masked")
for size in SIZES:
    print(f"company, B = {size:2}    " + "".join(f"{company[name, size]:11.4f}" for name in norms))
print("padding           " + "".join(f"{padded[name]:11.4f}" for name in norms))
print(
    f"inference, B = 4  {'no mode':>11}{in_training['BatchNorm']:11.4f}{in_training['masked']:11.4f}"
)
print(
    f"longer questions: means of the features {off.mean(0).min():.2f} … {off.mean(0).max():.2f}, std {off.std(0).min():.2f} … {off.std(0).max():.2f}"
)

# %% [markdown] id="batch-norm-training" lang="en"
# With LayerNorm the vector moves in none of them: it sees one token and nothing else, in training as in inference. With BatchNorm it moves with the company (the more the smaller the batch), with padding, unless one writes a version that leaves it out, and on the way to inference. (At $B = 1$ there is no company, hence the zeros: the question is normalised by its own few words, and its padding if that is not masked.) And the features of the longer questions no longer have mean 0 and deviation 1 in inference, but what the last line says.
#
# Does it matter for training? The model of section 13, an encoder that names one of 67 answers, with two blocks, trained on batches of 1 to 64 questions, 300 steps each time, and tested in inference (three seeds, `course measure batch-size`). Small batches see fewer questions in all, so only a row should be compared, not a column.
# %% [markdown] id="batch-norm-training" lang="ru"
# С LayerNorm вектор не сдвигается нигде: она видит один токен и ничего больше, одинаково при обучении и на инференсе. С BatchNorm его сдвигают соседи (тем сильнее, чем меньше батч), заполнение, если не написать вариант, который его не учитывает, и переход к инференсу. (При $B = 1$ соседей нет, поэтому в этой строке нули: вопрос нормализуется по собственным немногим словам и по заполнению, если оно не исключено.) А у признаков более длинных вопросов на инференсе уже не среднее 0 и отклонение 1, а то, что в последней строке.
#
# Важно ли это для обучения? Возьмём модель из раздела 13, энкодер, который называет один из 67 ответов, с двумя блоками, обучим её на батчах от 1 до 64 вопросов, каждый раз 300 шагов, и проверим на инференсе (три зерна, `course measure batch-size`). При маленьких батчах модель видит меньше вопросов, поэтому сравнивать стоит числа в строке, а не в столбце.
# %% id="batch-norm-recorded"
by_size = {}
for row in recorded("batch-size")["rows"]:
    by_size.setdefault((row["normalisation"], row["size"]), []).append(row["accuracy"])
print("batch   LayerNorm   BatchNorm   masked")
for size in normalisation_training.SIZES:
    shares = [mean(by_size[name, size]) for name in ("layer", "batch", "batch, masked")]
    print(f"{size:5}   " + "".join(f"{share:9.2f}   " for share in shares).rstrip())
claim(
    "6.12",
    holds=all(company["LayerNorm", size] <= 1e-12 for size in SIZES)
    and company["BatchNorm", 4] > company["BatchNorm", 16] > company["BatchNorm", 64] > 0.01
    and padded["LayerNorm"] <= 1e-12 < 0.1 < padded["BatchNorm"]
    and padded["masked"] <= 1e-12 < 0.01 < in_training["masked"]
    and all(mean(by_size["layer", n]) > mean(by_size["batch", n]) + 0.05 for n in (1, 2, 4))
    and min(mean(by_size["batch", n]) for n in (8, 16, 64)) > 0.99,
    measured=f"LayerNorm moves by 0 · BatchNorm: company B = 4 {company['BatchNorm', 4]:.2f}, B = 64 {company['BatchNorm', 64]:.2f}, padding {padded['BatchNorm']:.2f} · "
    f"trained with B = 1: {mean(by_size['layer', 1]):.2f} / {mean(by_size['batch', 1]):.2f}, B = 4: {mean(by_size['layer', 4]):.2f} / {mean(by_size['batch', 4]):.2f}, B ≥ 8: both ≥ 0.99",
)

# %% [markdown] id="batch-norm-after" lang="en"
# With batches of 8 questions or more both learn everything here. Below that BatchNorm falls behind, and leaving padding out of its averages makes it a little worse still, perhaps since fewer tokens are left to average over. The notes say that BatchNorm scales worse. Worse with what? We did not vary the size of the model. What we saw is that it depends on the batch: it is bad with *small* batches, and it is moved by padding and by the step from training to inference. (On real texts Shen et al., 2020, found it worse with large batches too, since the statistics of texts vary more than those of images.) Averages made in training need not fit the texts that come later; and large models are trained in many small pieces on many machines, each with a small batch. LayerNorm does not notice any of this.
# %% [markdown] id="batch-norm-after" lang="ru"
# При батчах от 8 вопросов с обеими здесь выучивается всё. При меньших BatchNorm отстаёт, а если исключить заполнение из её средних, становится ещё чуть хуже: возможно, потому, что усреднять остаётся по меньшему числу токенов. В конспекте сказано, что BatchNorm хуже масштабируется. При росте чего? Размер модели мы не меняли. Мы увидели, что BatchNorm зависит от батча: она плоха при *маленьких* батчах, и её сдвигают заполнение и переход от обучения к инференсу. (На настоящих текстах, по Shen et al., 2020, она хуже и при больших батчах: статистики текстов изменчивее, чем у изображений.) Оценки, полученные при обучении, могут не подойти к текстам, которые придут потом; а обучают большие модели малыми порциями на множестве машин, в каждой порции батч маленький. Для LayerNorm всё это безразлично.

# %% [markdown] id="order" lang="en"
# ## 11. Before or after the sub-layer?
#
# In the paper of 2017 LayerNorm comes after the sum, **post-norm**; since GPT-2 most language models have it before the sub-layer, **pre-norm**. With $f$ for attention or the feed-forward layer:
#
# $$\text{post: } x \leftarrow \mathrm{LN}\big(x + f(x)\big) \qquad\qquad \text{pre: } x \leftarrow x + f\big(\mathrm{LN}(x)\big)$$
#
# In pre-norm nothing stands on the stream itself: from the last block to the first there is an unbroken way. In post-norm every block ends with a LayerNorm on the stream, and the gradient has to go through all of them. The other side of it: in pre-norm the stream grows from block to block, since everything is only added; so one last LayerNorm follows after the last block.
# %% [markdown] id="order" lang="ru"
# ## 11. До подслоя или после?
#
# В статье 2017 года LayerNorm стоит после суммы — **post-norm**; начиная с GPT-2 в большинстве языковых моделей она стоит перед подслоем — **pre-norm**. Если $f$ — внимание или слой прямого распространения:
#
# $$\text{post: } x \leftarrow \mathrm{LN}\big(x + f(x)\big) \qquad\qquad \text{pre: } x \leftarrow x + f\big(\mathrm{LN}(x)\big)$$
#
# В pre-norm на самом потоке не стоит ничего: от последнего блока до первого ведёт прямой путь. В post-norm каждый блок заканчивается нормализацией прямо на потоке, и градиенту приходится пройти через все. Обратная сторона: в pre-norm поток от блока к блоку растёт, ведь к нему только прибавляют; поэтому после последнего блока ставят ещё одну, последнюю LayerNorm.
# %% id="order-figure"
show(drawings.norm_orders(), "norm_orders")

# %% [markdown] id="order-profile-text" lang="en"
# Xiong et al. (2020) asked which blocks get the large gradients before the first step. We ask the same of the model of section 13 with eight blocks, which is to answer questions: the gradient of its loss at $W_1$ of each block, mean of five seeds.
# %% [markdown] id="order-profile-text" lang="ru"
# Xiong et al. (2020) выясняли, каким блокам до первого шага достаются большие градиенты. Спросим о том же модель раздела 13 с восемью блоками, которая должна отвечать на вопросы: градиент её функции потерь по $W_1$ каждого блока, среднее по пяти зёрнам.
# %% id="order-profile"
profiles = {}
print("block " + "".join(f"{n:6}" for n in range(1, 9)))
for order in ("pre", "post"):
    gradients = []
    for seed in range(5):
        model = QuestionReader(8, seed, norm=order)
        questions.loss(model, asked, 0, 64).backward()
        gradients.append([float(b.feed_forward.W_1.grad.norm()) for b in model.encoder.blocks])
    profiles[order] = torch.tensor(gradients).mean(dim=0).tolist()
    print(f"{order:4}  " + "  ".join(f"{value:.2f}" for value in profiles[order]))

# %% id="order-profile-figure"
show(curves.gradient_norms(profiles), "gradient_norms")

# %% [markdown] id="order-training" lang="en"
# In post-norm they rise towards the last block, as Xiong et al. found; in pre-norm, where they found them nearly equal, they fall here. By the rise they explain why post-norm needs **warm-up**: the learning rate begins near 0 and rises for some steps before it stays or falls. Without it the last blocks change a lot from the first steps on, while those below still deliver random vectors. (That cannot be all: the rise is small here, and Adam, with which we train, divides a gradient by its size. Liu et al., 2020, name another reason: in post-norm the same change of the weights changes the output more. We can only show the effect.) The recorded experiment trains the eight blocks with Adam, with the full rate at once or with warm-up over the first 100 of 200 steps (three seeds, `course measure warm-up`). The cell repeats the first 60 steps at the rate 0.01 without warm-up, for both orders.
# %% [markdown] id="order-training" lang="ru"
# В post-norm градиенты растут к последнему блоку — это нашли и Xiong et al.; в pre-norm, где у них градиенты почти равны, здесь они убывают. Ростом они объясняют, почему post-norm нуждается в **прогреве** (warm-up): сначала скорость обучения близка к нулю, некоторое время растёт, а потом остаётся постоянной или убывает. Без прогрева последние блоки с первых же шагов сильно меняются, пока нижние ещё выдают случайные векторы. (Это не всё: рост здесь невелик, а Adam, которым мы обучаем, делит градиент на его величину. Liu et al., 2020, называют другую причину: в post-norm одно и то же изменение весов сильнее меняет выход. Мы можем показать только само явление.) В записанном эксперименте восемь блоков обучают с Adam сразу с полной скоростью или с прогревом в первые 100 шагов из 200 (три зерна, `course measure warm-up`). Ячейка повторяет первые 60 шагов при скорости 0.01 без прогрева, для обоих порядков.
# %% id="order-recorded"
warm = {}
for row in recorded("warm-up")["rows"]:
    warm.setdefault((row["norm"], row["rate"], row["warm_up"]), []).append(row["accuracy"])
print("right answers, three seeds     at once               warm-up")
for rate in (0.001, 0.003, 0.01):
    for order in ("pre", "post"):
        shares = [
            " ".join(f"{share:.2f}" for share in warm[order, rate, steps]) for steps in (0, 100)
        ]
        print(f"rate {rate:<6} {order:4}            {shares[0]:20}  {shares[1]}")

losses = {}
for order in ("pre", "post"):
    model = QuestionReader(8, seed=0, norm=order)
    losses[order] = normalisation_training.train_warm(model, rate=0.01, warm_up=0, steps=60)
    print(f"rate 0.01, at once, {order}: loss after 60 steps {mean(losses[order][-10:]):.1f}")
print(
    f"loss of a guess among {len(questions.ANSWERS)} answers: {math.log(len(questions.ANSWERS)):.1f}"
)
claim(
    "6.9",
    holds=profiles["pre"][0] > 1.5 * profiles["pre"][-1]
    and profiles["post"][-1] > profiles["post"][0]
    and max(warm["post", 0.01, 0]) < 0.1
    and all(min(warm["pre", rate, 0]) > 0.99 for rate in (0.001, 0.003, 0.01))
    and mean(warm["post", 0.003, 0]) < mean(warm["post", 0.003, 100]) - 0.05
    and min(losses["post"][-10:]) > 3.5 > 2 > max(losses["pre"][-10:]),
    measured=f"gradient of W_1, block 1 → 8: pre {profiles['pre'][0]:.2f} → {profiles['pre'][-1]:.2f}, post {profiles['post'][0]:.2f} → {profiles['post'][-1]:.2f} · "
    f"rate 0.01: pre {mean(warm['pre', 0.01, 0]):.2f}, post {mean(warm['post', 0.01, 0]):.2f}, post with warm-up {mean(warm['post', 0.01, 100]):.2f} · "
    f"rate 0.003, post {mean(warm['post', 0.003, 0]):.2f}, with warm-up {mean(warm['post', 0.003, 100]):.2f}",
)
# %% id="order-steps-figure"
show(curves.first_steps(range(1, 61), losses), "first_steps")

# %% [markdown] id="order-after" lang="en"
# Post-norm at the full rate of 0.01 learns nothing: the loss stays at that of a guess. At 0.003 it stumbles, at 0.001 it gets along; warm-up helps at 0.003 altogether and at 0.01 in part. Pre-norm answers everything, at each rate, with or without warm-up. So "LayerNorm first" is not a matter of taste: it makes the training of deep models less delicate. Which of the two is better where both train, this task cannot say, since both reach 1.00; BERT was made with post-norm, and with warm-up.
# %% [markdown] id="order-after" lang="ru"
# Post-norm с полной скоростью 0.01 не учится ничему: потери остаются такими, как при угадывании. При 0.003 обучение спотыкается, при 0.001 идёт; прогрев при 0.003 помогает полностью, при 0.01 — отчасти. Модель с pre-norm верно отвечает на все вопросы при любой из этих скоростей, с прогревом и без него. Так что ставить LayerNorm перед подслоем — не дело вкуса: глубокие модели тогда легче обучать. Какая из двух лучше там, где обучаются обе, эта задача не скажет: обе доходят до 1.00. BERT обучали с post-norm — и с прогревом.


# %% [markdown] id="block" lang="en"
# ## 12. The encoder block
#
# Now everything is there. One block: attention and the feed-forward layer, each with its residual connection and its LayerNorm.
# %% [markdown] id="block" lang="ru"
# ## 12. Блок энкодера
#
# Теперь есть все части. Один блок: внимание и слой прямого распространения, у каждого остаточная связь и LayerNorm.
# %% id="block-module"
class Block(nn.Module):
    """An encoder block (Vaswani et al. 2017, section 3.1), pre-norm or post-norm.

    x (..., T, D) → (..., T, D). A mask is True where a query may look at a key.
    """

    def __init__(self, D, H, d_ff, norm, generator):
        super().__init__()
        self.norm = norm
        self.attention = MultiHeadAttention(D, heads=H, bias=True, generator=generator)
        self.feed_forward = FeedForward(D, d_ff, generator=generator)
        self.norm_1, self.norm_2 = LayerNorm(D), LayerNorm(D)

    def forward(self, x, mask=None):
        if self.norm == "pre":
            x = x + self.attention(self.norm_1(x), mask=mask)[0]
            return x + self.feed_forward(self.norm_2(x))
        x = self.norm_1(x + self.attention(x, mask=mask)[0])
        return self.norm_2(x + self.feed_forward(x))


# %% [markdown] id="block-parity-text" lang="en"
# An encoder is several of them, one after the other. In the package it is `course_lib.encoder.Encoder`, which has a few options more. Three comparisons for each order: our block with the package's; the package's encoder of two blocks with PyTorch's `nn.TransformerEncoder`, with a mask over the padding, both in outputs and in the gradients of the input and of all weights; and the weights there and back.
# %% [markdown] id="block-parity-text" lang="ru"
# Энкодер — несколько таких блоков один за другим. В пакете он называется `course_lib.encoder.Encoder`, и аргументов у него чуть больше. Для каждого порядка три сверки: наш блок с блоком пакета; энкодер пакета из двух блоков с `nn.TransformerEncoder` из PyTorch — выходы, градиенты по входу и по весам, с маской заполнения; перенос весов из PyTorch к нам и обратно.
# %% id="block-parity"
returned = []
for order in ("pre", "post"):
    mine = Block(12, 3, 20, order, generator(0))
    packaged = EncoderBlock(12, 3, 20, norm=order, generator=generator(0))
    parity(
        f"course_lib.encoder, {order}",
        lambda x, block=mine: block(x),
        lambda x, block=packaged: block(x)[0],
        randn(2, 5, 12, seed=1),
        parameters=list(zip(mine.parameters(), packaged.parameters(), strict=True)),
    )
    with torch.random.fork_rng():
        torch.manual_seed(2)
        layer = nn.TransformerEncoderLayer(12, 3, 20, dropout=0.0, batch_first=True, norm_first=order == "pre", dtype=torch.float64)  # fmt: skip
        theirs = nn.TransformerEncoder(layer, 2, nn.LayerNorm(12, dtype=torch.float64), enable_nested_tensor=False)  # fmt: skip
        for weight in theirs.parameters():
            nn.init.normal_(weight, std=0.3)  # its two layers begin as copies, its norms at 1 and 0
    ours = Encoder.from_torch(theirs)
    visible = padding_mask(torch.tensor([5, 3]), 5)  # (B, 1, T)
    pairs = [(ours.norm.gamma, theirs.norm.weight), (ours.norm.beta, theirs.norm.bias)]
    for block, layer in zip(ours.blocks, theirs.layers, strict=True):
        attention, theirs_attention = block.attention, layer.self_attn
        for part, name in enumerate("QKV"):  # kept below each other there, and transposed
            rows = slice(12 * part, 12 * part + 12)
            pairs += [
                (
                    getattr(attention, f"W_{name}"),
                    theirs_attention.in_proj_weight,
                    lambda w, r=rows: w[r].T,
                ),
                (
                    getattr(attention, f"b_{name}"),
                    theirs_attention.in_proj_bias,
                    lambda b, r=rows: b[r],
                ),
            ]
        for own, other in (
            (attention.W_O, theirs_attention.out_proj.weight),
            (block.feed_forward.W_1, layer.linear1.weight),
            (block.feed_forward.W_2, layer.linear2.weight),
        ):
            pairs.append((own, other, lambda w: w.T))
        pairs += [
            (attention.b_O, theirs_attention.out_proj.bias),
            (block.feed_forward.b_1, layer.linear1.bias),
            (block.feed_forward.b_2, layer.linear2.bias),
            (block.norm_1.gamma, layer.norm1.weight),
            (block.norm_1.beta, layer.norm1.bias),
            (block.norm_2.gamma, layer.norm2.weight),
            (block.norm_2.beta, layer.norm2.bias),
        ]
    parity(
        f"nn.TransformerEncoder, {order}",
        lambda x, encoder=ours, mask=visible: encoder(x, mask[:, None])[0],
        lambda x, encoder=theirs, mask=visible: encoder(x, src_key_padding_mask=~mask[:, 0]),
        randn(2, 5, 12, seed=3),
        parameters=pairs,
    )
    back = ours.to_torch().state_dict()
    returned.append(all(torch.equal(back[k], w) for k, w in theirs.state_dict().items()))
print("weights there and back, equal:", returned)
assert all(returned)


# %% [markdown] id="break-it" lang="en"
# ### Break it: no residual connections
#
# **Predict:** four blocks with LayerNorm, trained on the questions of section 10 to name the answer (it is the model of the next section); then the same without residual connections. LayerNorm holds the gradients up, as we saw: after four blocks they are still of ordinary size. Will it train?
# %% [markdown] id="break-it" lang="ru"
# ### Сломаем: без остаточных связей
#
# **Предскажите:** четыре блока с LayerNorm, обученные отвечать на вопросы из раздела 10 (это модель следующего раздела); потом то же без остаточных связей. LayerNorm, как мы видели, поддерживает градиенты: после четырёх блоков они ещё обычного размера. Обучится ли модель?
# %% id="break-it-run"
def untrained_reader(residual):
    """The model of four blocks at its initial weights, with residual connections or without."""
    model = QuestionReader(4, seed=0)
    for block in model.encoder.blocks:
        block.residual = residual
    return model


readers = {}
for residual in (True, False):
    readers[residual] = untrained_reader(residual)
    losses_of = questions.train(readers[residual], steps=150)
    right = questions.accuracy(readers[residual], asked)
    print(f"residual connections {residual!s:5}: loss {mean(losses_of[-10:]):.2f}, right answers {right:.2f}")  # fmt: skip

some = asked[:7]  # seven questions of four or five words, before any training
for residual in (True, False):
    fresh = untrained_reader(residual)
    fresh_loss = questions.loss(fresh, asked, 0, 64)
    fresh_loss.backward()
    first = float(fresh.encoder.blocks[0].feed_forward.W_1.grad.norm())
    with torch.no_grad():
        on_the_way, _ = fresh.encoder.trace(fresh.embedding[some.ids[:, :4]])
    cosines = []
    for x in on_the_way:
        pairs = unit(x) @ unit(x).mT  # (7, 4, 4), 1 on the diagonal
        cosines.append(float((pairs.sum() - 28) / (7 * 12)))
    print(
        f"untrained, {residual!s:5}: gradient of the first W_1 {first:.2f}; cosine of two words of a question after 0 … 4 blocks",
        *(f"{c:.2f}" for c in cosines),
    )
assert questions.accuracy(readers[True], asked) == 1
assert questions.accuracy(readers[False], asked) < 0.2

# %% [markdown] id="break-it-after" lang="en"
# It hardly learns, though its gradients are neither small nor large. There is more to a residual connection than the size of gradients. Without it each attention layer *replaces* the token's vector by a mixture of all the tokens' values; until it has learned to hand a word on, it only mixes all words with each other. The last lines of the output show how fast: before training, after two such blocks the vectors of all words of a question point in nearly the same direction (Dong et al., 2021, call it the collapse of rank), and one word can hardly be told from another (how much can still be read off, section 13 measures). With it every word is there in every block from the first step on, and a layer has only to *add* something. That is why people speak of a *residual stream*, from which layers read and to which they write (Elhage et al., 2021).
# %% [markdown] id="break-it-after" lang="ru"
# Она почти не учится, хотя градиенты у неё не малы и не велики. Значит, остаточная связь нужна не только ради величины градиентов. Без неё каждый слой внимания *заменяет* вектор токена смесью значений всех токенов; пока он не научился передавать слово дальше, он лишь смешивает все слова друг с другом. Насколько быстро, показывают последние строки вывода: до обучения уже после двух таких блоков векторы всех слов вопроса смотрят почти в одну сторону (Dong et al., 2021, называют это коллапсом ранга), и отличить по ним одно слово от другого почти невозможно (сколько из них ещё можно прочитать, измерим в разделе 13). Со связью каждое слово с самого первого шага доступно в каждом блоке, а слою нужно только *добавить* к нему что-то. Поэтому и говорят об *остаточном потоке* (residual stream), из которого слои читают и в который пишут (Elhage et al., 2021).
# %% [markdown] id="questions" lang="en"
# ## 13. What is internet? A question on its way through the blocks
#
# The notes leave an example unfinished: the question *what is internet* (in Russian «что такое интернет») passes through the blocks; lower blocks recognise surface patterns, the phrase "what is", upper ones the meaning. Let us finish it, on a model small enough to look into. It has learned 112 facts about 16 things by heart. The kind of a question follows from two things together, the question word and the word after the thing (or that there is none); only *of* settles it alone:
#
# | kind | question |
# |---|---|
# | kind | *what is internet ?* |
# | use | *what is internet for ?* |
# | matter (what it is made of) | *what is internet of ?* |
# | place | *where is internet ?* |
# | origin | *where is internet from ?* |
# | user | *who is internet for ?* |
# | maker | *who is internet from ?* |
#
# Openings such as *please* or *tell me* say nothing. The encoder of the last section, four blocks with $D = 32$, four heads and $d_{ff} = 64$, reads it without positions, and the answer is read from the vector of the question mark after the last LayerNorm.
#
# We can read an answer after *each* block in the same way, as if no block followed (this is called a *logit lens*). At first the question mark knows nothing, it is the same vector in all questions.
# %% [markdown] id="questions" lang="ru"
# ## 13. Что такое интернет? Вопрос на пути через блоки
#
# В конспекте есть незаконченный пример: вопрос «что такое интернет» проходит через блоки; нижние распознают поверхностные закономерности — оборот «что такое», — верхние понимают смысл. Закончим его на модели, в которую можно заглянуть. Она выучила наизусть 112 фактов о 16 предметах. О чём именно спрашивают, видно по вопросительному слову и по слову после предмета (или по его отсутствию); одного из них хватает только в вопросе с *of*:
#
# | вид | вопрос |
# |---|---|
# | kind (что это) | *what is internet ?* |
# | use (для чего) | *what is internet for ?* |
# | matter (из чего) | *what is internet of ?* |
# | place (где) | *where is internet ?* |
# | origin (откуда) | *where is internet from ?* |
# | user (для кого) | *who is internet for ?* |
# | maker (кем сделан) | *who is internet from ?* |
#
# Вступления вроде *please* или *tell me* ничего не значат. Энкодер из прошлого раздела — четыре блока, $D = 32$, четыре головы, $d_{ff} = 64$ — читает вопрос без позиционного кодирования, а ответ читается из вектора вопросительного знака после последней LayerNorm.
#
# Так же можно прочитать ответ после *каждого* блока, как будто дальше блоков нет (это называют *logit lens*). Вначале вопросительный знак не знает ничего: во всех вопросах это один и тот же вектор.
# %% id="questions-trace"
reader = readers[True]
names = list(questions.KINDS)


def number_of(thing, kind):
    """The place of a question without an opening in ``plain``."""
    return questions.THINGS.index(thing) * len(names) + names.index(kind)


plain = asked[asked.opening == 0]  # the 112 questions without an opening
with torch.no_grad():
    vectors = reader.trace(plain)  # after 0, 1, …, 4 blocks: (112, D)
    answers = [reader.read_out(x).softmax(dim=-1) for x in vectors]
which = number_of("internet", "category")
print(
    " ".join(questions.question("internet", "category")),
    "→",
    questions.ANSWERS[plain.answer[which]],
)
for number, probabilities in enumerate(answers):
    best = probabilities[which].topk(3)
    words = "  ".join(
        f"{questions.ANSWERS[a]} {p:.2f}" for p, a in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    )  # fmt: skip
    print(f"after {number} blocks: {words}")
lens = [float((p.argmax(dim=-1) == plain.answer).double().mean()) for p in answers]
print("right answers, all 112 questions:", *(f"{share:.2f}" for share in lens))

# %% id="questions-trace-figure"
shown = sorted({int(a) for p in answers for a in p[which].topk(2).indices})
show(
    curves.trace(
        [questions.ANSWERS[a] for a in shown],
        [p[which, shown].tolist() for p in answers],
    ),
    "trace",
)

# %% [markdown] id="probes" lang="en"
# ### Asking the vectors
#
# A **linear probe** (Alain & Bengio, 2016; lesson 02 asked one about spelling) is a linear classifier that is trained to read something off a model's vectors; the model itself stays as it is. If it succeeds on vectors it was not trained on, the vectors contain that thing, in a form a linear map can use. We probe the vector of the question mark for three things: which thing the question is about (`word`), what kind of question it is (`phrase`), and what the answer is (`answer`). The probes are trained on questions with five of the openings and tested on the three others.
#
# There is a trap. A probe that succeeds shows what is *in* the vectors, and not that the model has learned to put it there. So we ask an *untrained* model the same, and one without residual connections, also untrained.
#
# **Predict:** what can be read off an untrained encoder?
# %% [markdown] id="probes" lang="ru"
# ### Спросим сами векторы
#
# **Линейный зонд** (linear probe; Alain & Bengio, 2016; в уроке 02 зонд спрашивали о написании) — линейный классификатор, который учат извлекать что-нибудь из векторов модели; сама модель при этом не меняется. Если на векторах, которых зонд не видел, он справляется, значит, в векторах это есть, причём в виде, доступном линейному отображению. Будем искать в векторе вопросительного знака три вещи: о каком предмете вопрос (`word`), какого он вида (`phrase`) и каков ответ (`answer`). Зонды учатся на вопросах с пятью вступлениями, а проверяются на трёх остальных.
#
# Здесь есть ловушка. Успех зонда показывает, что в векторах что-то *есть*, но не то, что модель научилась это туда класть. Поэтому спросим о том же и *необученную* модель, а заодно необученную модель без остаточных связей.
#
# **Предскажите:** что можно прочитать из необученного энкодера?
# %% id="probes-numbers"
learned_openings = asked.opening < 5
sought = {"word": asked.thing, "phrase": asked.kind, "answer": asked.answer}
found = {}
print("after … blocks                " + "".join(f"{n:6}" for n in range(5)))
models = {
    "trained": reader,
    "untrained": untrained_reader(True),
    "untrained-no-residual": untrained_reader(False),
}
for name, model in models.items():
    with torch.no_grad():
        on_the_way = model.trace(asked)
    for what, labels in sought.items():
        found[name, what] = [probe(x, labels, learned_openings) for x in on_the_way]
        print(f"{name:22} {what:7}" + "".join(f"{share:6.2f}" for share in found[name, what]))
given = torch.cat([F.one_hot(asked.thing), F.one_hot(asked.kind)], dim=1).double()
from_both = probe(given, asked.answer, learned_openings)
print(f"a probe that is given thing and kind as one-hot vectors: answer {from_both:.2f}")
most = int(asked.answer.bincount().max()) / len(asked.answer)
print(f"always the most frequent answer: {most:.2f}")
print(
    "by chance:", " ".join(f"{what} {1 / int(labels.max() + 1):.2f}" for what, labels in sought.items())
)  # fmt: skip

# %% id="probes-figure"
show(
    curves.probes(
        range(5),
        {name: {what: found[name, what] for what in sought} for name in models},
    ),
    "probes",
)


# %% [markdown] id="probes-after" lang="en"
# Before the first block nothing can be read off the question mark (0.04 is the share of the most frequent answer). After one block the thing and the kind of question can be read in most cases, and *in the untrained model too* (0.85 and 0.88, trained 0.84 and 0.98): random attention brings every word to the question mark, and a mixture of a few words can be taken apart. So a probe that finds the phrase after block 1 shows little about learning. Even the answer is found in six of ten cases: whoever knows thing and kind can guess by adding points for the one and points for the other, and given both exactly, a probe is right in nine of ten. But in the untrained model it stays at six of ten from block 1 on; in the trained model it rises with the first three blocks to 1.
#
# More can be read with a probe than the model itself reads: after block 1 the logit lens is right in far fewer questions than the probe. What is there need not yet be where the model's own read-out looks for it.
#
# And the last rows show from another side what section 12 found: without residual connections an untrained encoder loses the words, more with each block. (Less and less, not nothing: the probe brings all features to the same size, however small their differences are.)
#
# So the notes' sentence holds in this form: what follows from the words alone is there at once, even without training; what has to be looked up is built up on the way, here in the first two or three blocks. That the answer appears only at the top is not so: after one block a probe finds it in 71 % of the cases (untrained: 61 %), after two already in 96 % (untrained: 57 %).
# %% [markdown] id="probes-after" lang="ru"
# До первого блока из вопросительного знака не прочитать ничего (0.04 — доля самого частого ответа). После одного блока предмет и вид вопроса читаются в большинстве случаев — и *из необученной модели тоже* (0.85 и 0.88, из обученной 0.84 и 0.98): случайное внимание приносит к вопросительному знаку все слова, а смесь нескольких слов можно разложить обратно. Так что зонд, который находит оборот после блока 1, об обучении говорит мало. Даже ответ находится в шести случаях из десяти: линейный зонд может складывать очки, которые дают ответу предмет и вид вопроса; если сообщить ему то и другое точно, он прав в девяти случаях из десяти. Но у необученной модели с блока 1 так и остаётся шесть из десяти, а у обученной доля за три первых блока вырастает до 1.
#
# Зонд читает больше, чем сама модель: после блока 1 logit lens даёт верный ответ на куда меньшую долю вопросов, чем зонд. То, что в векторе уже есть, ещё не обязано быть там, где его ищет сама модель.
#
# Последние строки показывают под другим углом то, что мы нашли в разделе 12: без остаточных связей необученный энкодер теряет слова, с каждым блоком всё больше. (Доли зонда падают, но не до нуля: зонд приводит все признаки к одному масштабу, как бы малы ни были различия.)
#
# Значит, фраза из конспекта верна с такой поправкой: то, что следует из самих слов, доступно сразу и даже без обучения; то, что нужно найти в памяти, накапливается по пути, здесь — в первых двух-трёх блоках. Но неверно, что ответ появляется только наверху: после одного блока зонд находит его в 71 % случаев (у необученной модели — в 61 %), после двух — уже в 96 % (у необученной — в 57 %).
# %% [markdown] id="neurons" lang="en"
# ### Which neurons fire?
#
# In section 4 we planted a fact by hand: one neuron, one fact. How has training stored 112? We record the hidden vectors $h$ of the feed-forward layers at the question mark: 64 neurons in each block, 112 questions. The numbers of one neuron form a table of 7 × 16, kinds by things. A part of their variance is explained by the kind (replace each number by the mean of its kind, and this part is left), a part by the thing; the rest depends on both together. (A hook is a function that PyTorch calls before a layer; ours keeps the layer's input. Neurons that never vary are left out.)
# %% [markdown] id="neurons" lang="ru"
# ### Какие нейроны срабатывают?
#
# В разделе 4 мы записали факт вручную: один нейрон — один факт. А как 112 фактов записались при обучении? Сохраним скрытые векторы $h$ слоёв прямого распространения у вопросительного знака: по 64 нейрона в блоке, 112 вопросов. Значения одного нейрона составляют таблицу 7 × 16, вид вопроса на предмет. Часть их дисперсии объясняется видом вопроса (если заменить каждое значение средним по его виду, останется эта часть), часть — предметом; остаток зависит от сочетания того и другого. (Hook — функция, которую PyTorch вызывает перед слоем; наша запоминает вход слоя. Нейроны, которые не меняются, не считаются.)
# %% id="neurons-numbers"
def at_the_mark(model):
    """The hidden vectors of each block at the question mark, (16 things, 7 kinds, 64 neurons)."""
    seen = []
    hooks = [
        block.feed_forward.register_forward_pre_hook(
            lambda layer, inputs: seen.append(layer.hidden(inputs[0]))
        )
        for block in model.encoder.blocks
    ]
    with torch.no_grad():
        model.trace(plain)
    for hook in hooks:
        hook.remove()
    return [h[torch.arange(112), plain.lengths - 1].view(16, 7, 64) for h in seen]


def shares_of_variance(h):
    """What part of a neuron's variance the kind explains, the thing, and neither alone: means over the neurons."""
    total = h.flatten(0, 1).var(dim=0, correction=0)
    alive = total > 0
    by_kind = (h.mean(dim=0).var(dim=0, correction=0)[alive] / total[alive]).mean()
    by_thing = (h.mean(dim=1).var(dim=0, correction=0)[alive] / total[alive]).mean()
    return float(by_kind), float(by_thing), float(1 - by_kind - by_thing)


hidden, untrained = at_the_mark(reader), at_the_mark(QuestionReader(4, seed=0))
print(
    "        of 64 neurons   of 112 questions   variance of a neuron: kind   thing   both   (untrained)"
)
for number, (h, before) in enumerate(zip(hidden, untrained, strict=True), 1):
    fires = h > 0
    trained, control = (
        " ".join(f"{part:6.2f}" for part in shares_of_variance(x)) for x in (h, before)
    )
    print(
        f"block {number} {fires.sum(dim=2).double().mean():8.0f} fire {fires.sum(dim=(0, 1)).double().mean():14.0f} {trained:>40}   ({control})"
    )


class Nothing(nn.Module):
    """In the place of a feed-forward layer."""

    def forward(self, x):
        return torch.zeros_like(x)


def share_right():
    """Right answers to the 112 questions."""
    return questions.accuracy(reader, plain)


lost, without_layer = [], []
with torch.no_grad():
    for block in reader.encoder.blocks:
        layer = block.feed_forward
        W_2, b_2 = layer.W_2.clone(), layer.b_2.clone()
        for j in range(64):
            layer.W_2[j] = 0
            lost.append(round(112 * (1 - share_right())))
            layer.W_2[j] = W_2[j]
        layer.W_2.zero_()
        layer.b_2.zero_()
        without_layer.append(share_right())
        layer.W_2.copy_(W_2)
        layer.b_2.copy_(b_2)
without_all = QuestionReader(4, seed=0)
without_all.load_state_dict(reader.state_dict())
never = QuestionReader(4, seed=0)
for model in (without_all, never):
    for block in model.encoder.blocks:
        block.feed_forward = Nothing()
questions.train(never, steps=150)
print("answers lost without one of the 256 neurons, at most:", max(lost))
print("right answers without the whole layer, blocks 1 … 4:", *(f"{s:.2f}" for s in without_layer))
print(
    f"without all four: {questions.accuracy(without_all, plain):.2f}; trained without them: {questions.accuracy(never, plain):.2f}"
)
fire = mean([float((h > 0).double().mean()) for h in hidden])
claim(
    "6.5",
    holds=fact_planted and silent and 0.2 < fire < 0.6 and max(lost) == 0 and share_right() == 1,
    measured=f"planted: + v for the key, nothing for 1000 others · trained on 112 facts: {64 * fire:.0f} of 64 neurons fire per question, "
    f"without any one of 256: {max(lost)} answers lost",
)

# %% [markdown] id="neurons-example" lang="en"
# A look at single neurons. For three neurons of block 3, chosen because few questions make them fire, the cell prints the questions that do so most, and the words that the neuron's row of $W_2$ speaks for, read through the last matrix. (For neuron 6 they fit its questions; it need not be so, since a neuron acts together with others.)
# %% [markdown] id="neurons-example" lang="ru"
# Посмотрим на отдельные нейроны. Для трёх нейронов блока 3, выбранных потому, что срабатывают реже других, ячейка печатает вопросы, на которые они откликаются сильнее всего, и слова, в пользу которых говорит строка нейрона в $W_2$, если прочитать её через последнюю матрицу. (У нейрона 6 они подходят к его вопросам; так бывает не всегда: нейрон действует вместе с другими.)
# %% id="neurons-words"
h = hidden[2]
speaks_for = reader.encoder.blocks[2].feed_forward.W_2.detach() @ reader.read.detach()
rare = (h > 0).sum(dim=(0, 1)).argsort()[:3].tolist()
for j in rare:
    strongest = h[:, :, j].flatten().topk(4).indices.tolist()
    asks = ", ".join(f"{questions.THINGS[n // 7]}: {names[n % 7]}" for n in strongest)
    words = ", ".join(questions.ANSWERS[a] for a in speaks_for[j].topk(3).indices.tolist())
    print(f"neuron {j:2} fires for {int((h[:, :, j] > 0).sum())} questions; most for {asks}; speaks for {words}")  # fmt: skip

# %% id="neurons-figure"
show(curves.firing(h[:, :, rare].permute(2, 0, 1).numpy(), rare, questions.THINGS, names), "firing")

# %% [markdown] id="neurons-after" lang="en"
# So in a trained layer facts are not kept as in a chest of drawers. Some 25 to 29 of 64 neurons fire for a question, each on average for 44 to 51 of the 112 questions, and none is needed: take away any one of the 256, and not one answer is lost; even without the whole layer of block 2, 3 or 4 the answers stay, without that of block 1 86 % of them, without all four 72 %. A fact is spread: a sum of many rows, and each row takes part in many facts. The one-hot vector of the notes is the right picture of what one neuron does, not of how facts lie in a model. Nor may one say of this model that its facts lie in the feed-forward layers at all: attention and the matrices around it have room to spare, and a model trained without any feed-forward layer learns all 112 as well. Where room is short, as in section 5, more neurons hold more facts. (In large language models Geva et al., 2021, found neurons that respond to patterns one can name, and outputs composed of hundreds of them.)
#
# The columns of the variance show from inside what the probes found: in the first block half of a neuron's variance follows the kind of question alone, as in the untrained model; from the second on the largest part, 0.39 to 0.46, depends on kind *and* thing together, which is what an answer is. (In the untrained model it is about half as much: ReLU makes something like a product even of a plain sum.)
# %% [markdown] id="neurons-after" lang="ru"
# Итак, в обученном слое факты лежат не как в картотеке. На один вопрос срабатывает от 25 до 29 нейронов из 64, каждый в среднем — на 44–51 вопрос из 112, и незаменимых нет: уберите любой из 256 — не потеряется ни один ответ; даже без всего слоя в блоке 2, 3 или 4 ответы остаются верными, без слоя в блоке 1 — 86 % из них, без всех четырёх — 72 %. Факт распределён: это сумма многих строк, а каждая строка участвует во многих фактах. One-hot-вектор из конспекта верно показывает, что делает один нейрон, но не то, как факты лежат в модели. И нельзя даже сказать, что факты этой модели лежат именно в слоях прямого распространения: во внимании и в матрицах вокруг него места с избытком, и модель, обученная вовсе без слоёв прямого распространения, тоже выучивает все 112. Где места мало, как в разделе 5, там чем больше нейронов, тем больше фактов. (В больших языковых моделях Geva et al., 2021, нашли нейроны, которые откликаются на закономерности, понятные человеку, и выходы, которые складываются из сотен таких нейронов.)
#
# Столбцы дисперсии показывают изнутри то, что нашли зонды: в первом блоке половина дисперсии нейрона объясняется одним только видом вопроса, как и у необученной модели; со второго наибольшая часть, от 0.39 до 0.46, зависит от сочетания вида *и* предмета — а это и есть ответ. (У необученной модели она примерно вдвое меньше: даже простую сумму ReLU превращает в нечто вроде произведения.)
# %% id="neurons-claim"
claim(
    "6.6",
    holds=found["trained", "phrase"][1] > 0.9
    and found["untrained", "phrase"][1] > 0.75
    and found["trained", "answer"][3] > found["trained", "answer"][1] + 0.2
    and found["untrained", "answer"][3] < found["untrained", "answer"][1] + 0.1
    and lens[1] < 0.5 < 0.9 < lens[3],
    measured=f"probe after block 1 / 4: kind of question {found['trained', 'phrase'][1]:.2f} / {found['trained', 'phrase'][4]:.2f}, untrained {found['untrained', 'phrase'][1]:.2f} / {found['untrained', 'phrase'][4]:.2f}; "
    f"answer {found['trained', 'answer'][1]:.2f} / {found['trained', 'answer'][4]:.2f}, untrained {found['untrained', 'answer'][1]:.2f} / {found['untrained', 'answer'][4]:.2f} · lens {lens[1]:.2f} / {lens[4]:.2f}",
)

# %% [markdown] id="depth" lang="en"
# ### Deep or wide?
#
# Blocks work one after another: the second cannot begin before the first is done, on any hardware. Within a block there is a fixed number of steps, and each of them can use all the hardware at once, whatever the width. So a deep, narrow model is slower than a shallow, wide one with equally many weights. But some things take several steps: to find out whom *it* means (lesson 03), one has to bring the adjective to *it* first, and then to compare. The recorded experiment spreads the same number of weights over more and more blocks, for two tasks: the table of section 5, about 8,000 weights in all, 1,000 steps; and the referent of *it*, about 29,000 weights in the blocks, 300 steps. On top of the blocks of the second model stands one more head of attention, whose weights are the answer, as in lesson 03; a guess between the two nouns is right in half of the cases. (Three seeds, `course measure depth-width`.)
# %% [markdown] id="depth" lang="ru"
# ### Глубина или ширина?
#
# Блоки работают один за другим: второй не может начать, пока не закончил первый, на любом оборудовании. А внутри блока число шагов постоянное, и каждый может занять всё оборудование сразу, какой бы ни была ширина. Поэтому глубокая узкая модель медленнее, чем неглубокая широкая с тем же числом весов. Но кое-что требует нескольких шагов: чтобы понять, к чему относится *it* (урок 03), надо сначала принести к нему прилагательное, а потом сравнивать. В записанном эксперименте одно и то же число весов распределено между всё большим числом блоков. Задач две: таблица из раздела 5, всего около 8000 весов, 1000 шагов; и вопрос, к чему относится *it*, около 29000 весов в блоках, 300 шагов. Над блоками второй модели стоит ещё одна голова внимания, веса которой и есть ответ, как в уроке 03; если угадывать одно существительное из двух, верна половина ответов. (Три зерна, `course measure depth-width`.)
# %% id="depth-numbers"
by_depth = {}
for row in recorded("depth-width")["rows"]:
    by_depth.setdefault((row["task"], row["blocks"]), []).append(row)
print("task       blocks   weights   right answers, three seeds")
for (task, number), some in by_depth.items():
    shares = " ".join(f"{row['accuracy']:.2f}" for row in some)
    print(f"{task:9} {number:7} {some[0]['parameters']:9}   {shares}")


def right_by(task, number):
    """The shares of right answers of each seed."""
    return [row["accuracy"] for row in by_depth[task, number]]


means = {key: mean(right_by(*key)) for key in by_depth}
claim(
    "6.7",
    holds=means["facts", 2] > means["facts", 4] > means["facts", 8] + 0.3
    and means["referent", 1] > 0.9 > means["referent", 2] > means["referent", 4],
    measured="equally many weights and steps, blocks 1, 2, 4, 8: facts "
    + " ".join(f"{means['facts', n]:.2f}" for n in (1, 2, 4, 8))
    + " · referent "
    + " ".join(f"{means['referent', n]:.2f}" for n in (1, 2, 4)),
)


# %% id="depth-figure"
show(
    curves.depth_width(
        (1, 2, 4, 8),
        {
            "facts": [right_by("facts", number) for number in (1, 2, 4, 8)],
            "referent": [right_by("referent", number) for number in (1, 2, 4)],
        },
    ),
    "depth_width",
)


# %% [markdown] id="depth-after" lang="en"
# At equally many weights and steps, four narrow blocks do worse in both tasks, and eight, tried on the table only, do worse still. For the table two blocks are a little better than one, then it falls; with eight, $D$ is 8 and a head has two numbers. The referent needs two steps, but one block is enough: the head on top takes the second. Two blocks learned it in two of three runs; the other run, and all those with four blocks, stayed at a guess. That is not to say that they cannot: with more steps they may well. And whether it is the depth that does harm or the narrowness, this experiment does not separate.
#
# Nor does it say that one block is enough for everything: what takes many lookups in turn may need a width that no one can pay for. For large language models the shape matters little within wide bounds (Kaplan et al., 2020): real ones have $D$ some 30 to 160 times the number of blocks, 64 times in BERT-base, 128 times in Llama 3 8B. The cell below takes the time for three encoders with equally many weights; sixteen blocks do nearly as many multiplications as one (only 6 % more), and yet take longer. On a graphics card, which can do more at once, the difference is usually larger.
# %% [markdown] id="depth-after" lang="ru"
# При равном числе весов и шагов четыре узких блока хуже в обеих задачах, а восемь — ещё хуже (их пробовали только на таблице). В задаче с таблицей два блока чуть лучше одного, дальше доля падает; при восьми блоках $D$ равно 8, и на голову приходится два числа. Чтобы найти, к чему относится *it*, нужны два шага, но хватает и одного блока: второй шаг делает голова над ним. Два блока научились в двух запусках из трёх; третий запуск и все с четырьмя блоками остались на уровне угадывания. Это не значит, что они не могут: при большем числе шагов, возможно, научились бы. И вредит ли здесь глубина или узость, этот опыт не различает.
#
# Не значит это и того, что одного блока хватит на всё: если поисков нужно много, один за другим, может понадобиться ширина, которую никто не оплатит. У больших языковых моделей форма в широких пределах значит мало (Kaplan et al., 2020). У настоящих моделей $D$ больше числа блоков в 30–160 раз: в 64 у BERT-base, в 128 у Llama 3 8B. Ячейка ниже измеряет время трёх энкодеров с равным числом весов; шестнадцать блоков выполняют почти столько же умножений, сколько один (больше всего на 6 %), а времени им нужно больше. На видеокарте, которая может делать больше действий сразу, разница обычно ещё больше.
# %% id="timing" tags=["nbval-ignore-output"]
# Not compared by validation: seconds differ between machines.
import time

x = {D: randn(8, 64, D, seed=1).float() for D in (512, 256, 128)}
print("blocks     D   weights   forward pass, 8 sequences of 64 tokens (ms, float32)")
for L, D in ((1, 512), (4, 256), (16, 128)):
    encoder = Encoder(L, D, 4, generator=generator(0), dtype=torch.float32)
    best = math.inf
    with torch.no_grad():
        for _ in range(5):
            begin = time.perf_counter()
            encoder(x[D])
            best = min(best, time.perf_counter() - begin)
    print(f"{L:6} {D:5} {sum(p.numel() for p in encoder.parameters()):9} {1000 * best:10.1f}")


# %% [markdown] id="exercises" lang="en"
# ## 14. Exercises
#
# Replace the line with `raise` and run the cell. The check says what is wrong, not how to mend it. Until an exercise is solved the lesson goes on with a reference answer.
#
# ### 14.1 LayerNorm
#
# `x` has the shape $(B, T, D)$, `gamma` and `beta` have $(D,)$. Return a tensor of the shape of `x`: from each token's features subtract their mean, divide by $\sqrt{\sigma^2 + \varepsilon}$, multiply by $\gamma$, add $\beta$. Here $\sigma^2$ is the mean square of the deviations from that mean, and `eps` is $\varepsilon$. The features of a token may all lie near one large number, such as a million; the result must be right then too. `x` itself must stay as it is. Sums, means and roots are enough; leave `F.layer_norm` for the comparison.
# %% [markdown] id="exercises" lang="ru"
# ## 14. Упражнения
#
# Замените строку с `raise` и запустите ячейку. Проверка скажет, что неверно, но не подскажет, как исправить. Пока упражнение не решено, урок продолжается с эталонным ответом.
#
# ### 14.1 LayerNorm
#
# У `x` форма $(B, T, D)$, у `gamma` и `beta` — $(D,)$. Верните тензор той же формы, что `x`: из признаков каждого токена вычтите их среднее, разделите на $\sqrt{\sigma^2 + \varepsilon}$, умножьте на $\gamma$ и прибавьте $\beta$. Здесь $\sigma^2$ — средний квадрат отклонений от этого среднего, а `eps` — это $\varepsilon$. Все признаки токена могут лежать рядом с одним большим числом, например с миллионом; результат и тогда должен быть верен. Сам `x` менять нельзя. Достаточно сумм, средних и корней, а `F.layer_norm` оставьте для сравнения.
# %% id="ex-layer-norm" tags=["exercise"]
def layer_norm(x, gamma, beta, eps):
    raise NotImplementedError  # your code


layer_norm = check("layer-norm", layer_norm)

# %% [markdown] id="ex-layer-norm-solution" lang="en"
# <details><summary>Hint</summary>
#
# Which axis numbers the features? `keepdim=True` leaves an axis of length 1 in its place, so that a mean can be subtracted from what it was taken of. `x.var` and `x.std` divide by $D - 1$ unless they are told otherwise. The variance can be had from deviations, or from a mean of squares and the square of a mean: which of the two subtracts large numbers from each other?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def layer_norm(x, gamma, beta, eps):
#     centred = x - x.mean(dim=-1, keepdim=True)
#     variance = centred.square().mean(dim=-1, keepdim=True)
#     return gamma * centred / (variance + eps).sqrt() + beta
# ```
#
# </details>
# %% [markdown] id="ex-layer-norm-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Какая ось нумерует признаки? С `keepdim=True` на её месте остаётся ось длины 1, и среднее можно вычесть из того, по чему оно взято. `x.var` и `x.std` делят на $D - 1$, если не указать иное. Дисперсию можно получить из отклонений, а можно из среднего квадрата и квадрата среднего: в каком из двух способов вычитают друг из друга большие числа?
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def layer_norm(x, gamma, beta, eps):
#     centred = x - x.mean(dim=-1, keepdim=True)
#     variance = centred.square().mean(dim=-1, keepdim=True)
#     return gamma * centred / (variance + eps).sqrt() + beta
# ```
#
# </details>


# %% [markdown] id="ex-swiglu-text" lang="en"
# ### 14.2 A gate
#
# Return $\big(\mathrm{silu}(xW_1) \odot (xW_3)\big) W_2$, the feed-forward layer of Llama. `x` has the shape $(T, D)$, `W_1` and `W_3` have $(D, d_{ff})$, `W_2` has $(d_{ff}, D)$; $\odot$ multiplies number by number, and $\mathrm{silu}(z) = z\,\sigma(z)$ with the sigmoid $\sigma(z) = 1/(1 + e^{-z})$. There are no biases. Numbers in $xW_1$ may be in the thousands and must not turn into NaN.
# %% [markdown] id="ex-swiglu-text" lang="ru"
# ### 14.2 Вентиль
#
# Верните $\big(\mathrm{silu}(xW_1) \odot (xW_3)\big) W_2$ — слой прямого распространения из Llama. У `x` форма $(T, D)$, у `W_1` и `W_3` — $(D, d_{ff})$, у `W_2` — $(d_{ff}, D)$; знак $\odot$ означает поэлементное умножение, а $\mathrm{silu}(z) = z\,\sigma(z)$, где $\sigma(z) = 1/(1 + e^{-z})$ — сигмоида. Смещений нет. Числа в $xW_1$ могут быть порядка тысяч, и NaN из них получаться не должны.
# %% id="ex-swiglu" tags=["exercise"]
def swiglu(x, W_1, W_3, W_2):
    raise NotImplementedError  # your code


swiglu = check("swiglu", swiglu)

# %% [markdown] id="ex-swiglu-solution" lang="en"
# <details><summary>Hint</summary>
#
# Two linear layers lead from `x` to hidden vectors, side by side. One of the two becomes the gate, the other stays as it is; their product goes back through `W_2`. `torch.sigmoid` does not overflow.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def swiglu(x, W_1, W_3, W_2):
#     z = x @ W_1
#     gate = z * torch.sigmoid(z)
#     return gate * (x @ W_3) @ W_2
# ```
#
# </details>
# %% [markdown] id="ex-swiglu-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# От `x` к скрытым векторам параллельно ведут два линейных слоя. Один из них даёт вентиль, выход другого не меняется, а их произведение возвращается через `W_2`. У `torch.sigmoid` переполнения не бывает.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def swiglu(x, W_1, W_3, W_2):
#     z = x @ W_1
#     gate = z * torch.sigmoid(z)
#     return gate * (x @ W_3) @ W_2
# ```
#
# </details>


# %% [markdown] id="ex-plant-text" lang="en"
# ### 14.3 Plant a neuron
#
# A feed-forward layer $\max(0, xW_1 + b_1)W_2 + b_2$ is to learn one more thing, without training. `W_1` has the shape $(D, d_{ff})$, `b_1` has $(d_{ff},)$, `W_2` has $(d_{ff}, D)$; `key` and `value` are vectors of shape $(D,)$, and `key` has length 1. Add one neuron after the old ones and return the new `W_1`, `b_1`, `W_2`; $b_2$ stays as it is. If the token's vector $x$ is `key`, the output of the layer must grow by exactly `value`. For every $x$ of length 1 whose dot product with `key` is at most `limit` it must not change at all, $0 \le$ `limit` $< 1$. What happens between `limit` and 1 is up to you. The old neurons must stay what and where they are.
# %% [markdown] id="ex-plant-text" lang="ru"
# ### 14.3 Ещё один нейрон
#
# Слой прямого распространения $\max(0, xW_1 + b_1)W_2 + b_2$ должен запомнить ещё кое-что, причём без обучения. У `W_1` форма $(D, d_{ff})$, у `b_1` — $(d_{ff},)$, у `W_2` — $(d_{ff}, D)$; `key` и `value` — векторы формы $(D,)$, длина `key` равна 1. Добавьте после старых нейронов один новый и верните новые `W_1`, `b_1`, `W_2`; $b_2$ не меняется. Если вектор токена $x$ равен `key`, выход слоя должен вырасти ровно на `value`. Для любого $x$ длины 1, скалярное произведение которого с `key` не больше `limit`, выход не должен измениться вовсе; $0 \le$ `limit` $< 1$. Что происходит между `limit` и 1, решайте сами. Старые нейроны должны остаться прежними и на прежних местах.
# %% id="ex-plant" tags=["exercise"]
def plant(W_1, b_1, W_2, key, value, limit):
    raise NotImplementedError  # your code


plant = check("plant", plant)

# %% [markdown] id="ex-plant-solution" lang="en"
# <details><summary>Hint</summary>
#
# A neuron is a column of `W_1` with its number in `b_1`, and a row of `W_2`. The dot product of $x$ with the new column, plus the bias, is a straight line in $x \cdot \mathrm{key}$. ReLU cuts off what is below zero: where should the line cross zero, and how high should it be at `key`?
#
# </details>
# <details><summary>Solution</summary>
#
# The line $(x \cdot \mathrm{key} - \mathrm{limit}) / (1 - \mathrm{limit})$ is 0 at the limit and 1 at the key. Other answers are right as well: a column and a bias $c$ times as large with a row $c$ times as small, for instance.
#
# ```python
# def plant(W_1, b_1, W_2, key, value, limit):
#     column = key / (1 - limit)
#     bias = torch.full_like(b_1[:1], -limit / (1 - limit))
#     return (
#         torch.cat([W_1, column[:, None]], dim=1),
#         torch.cat([b_1, bias]),
#         torch.cat([W_2, value[None]], dim=0),
#     )
# ```
#
# </details>
# %% [markdown] id="ex-plant-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Нейрон — это столбец `W_1` со своим числом в `b_1` и строка `W_2`. Скалярное произведение $x$ с новым столбцом плюс смещение — прямая как функция от $x \cdot \mathrm{key}$. ReLU отсекает всё, что ниже нуля: где прямая должна пересечь ноль и какой высоты достичь на самом `key`?
#
# </details>
# <details><summary>Решение</summary>
#
# Прямая $(x \cdot \mathrm{key} - \mathrm{limit}) / (1 - \mathrm{limit})$ равна 0 на пороге и 1 на ключе. Верны и другие ответы: например, столбец и смещение в $c$ раз больше, а строка в $c$ раз меньше.
#
# ```python
# def plant(W_1, b_1, W_2, key, value, limit):
#     column = key / (1 - limit)
#     bias = torch.full_like(b_1[:1], -limit / (1 - limit))
#     return (
#         torch.cat([W_1, column[:, None]], dim=1),
#         torch.cat([b_1, bias]),
#         torch.cat([W_2, value[None]], dim=0),
#     )
# ```
#
# </details>


# %% [markdown] id="ex-block-weights-text" lang="en"
# ### 14.4 Where the weights are
#
# Return two whole numbers: how many weights the attention of one block has, and how many its feed-forward layer. The attention has $H$ heads of queries and $H_{KV}$ heads of keys and values, all of size $d_k = D / H$: `W_Q` and `W_O` have the shape $(D, D)$, `W_K` and `W_V` have $(D, H_{KV} d_k)$. The feed-forward layer has the two matrices $W_1$ and $W_2$; if `gated`, it has $W_3$ too, of the shape of $W_1$. If `bias`, every one of these linear layers has a bias; otherwise none has. Normalisations are not counted.
# %% [markdown] id="ex-block-weights-text" lang="ru"
# ### 14.4 Где находятся веса
#
# Верните два целых числа: сколько весов во внимании одного блока и сколько в его слое прямого распространения. Во внимании $H$ голов запросов и $H_{KV}$ голов ключей и значений, все размера $d_k = D / H$: у `W_Q` и `W_O` форма $(D, D)$, у `W_K` и `W_V` — $(D, H_{KV} d_k)$. В слое прямого распространения две матрицы, $W_1$ и $W_2$; если `gated` истинно, есть ещё $W_3$ той же формы, что $W_1$. Если истинно `bias`, смещение есть у каждого из этих линейных слоёв, иначе ни у одного. Веса нормализации не считайте.
# %% id="ex-block-weights" tags=["exercise"]
def block_weights(D, d_ff, H, H_KV, gated, bias):
    raise NotImplementedError  # your code


block_weights = check("block-weights", block_weights)

# %% [markdown] id="ex-block-weights-solution" lang="en"
# <details><summary>Hint</summary>
#
# A linear layer from $m$ to $n$ numbers has $mn$ weights, and $n$ more for its bias: the bias is added to the output. List the linear layers of the block with their $m$ and $n$. `//` divides whole numbers.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def block_weights(D, d_ff, H, H_KV, gated, bias):
#     def linear(m, n):
#         return m * n + (n if bias else 0)
#
#     narrow = H_KV * (D // H)
#     attention = 2 * linear(D, D) + 2 * linear(D, narrow)
#     feed_forward = (2 if gated else 1) * linear(D, d_ff) + linear(d_ff, D)
#     return attention, feed_forward
# ```
#
# </details>
# %% [markdown] id="ex-block-weights-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# У линейного слоя с $m$ входами и $n$ выходами $mn$ весов и ещё $n$ в смещении: его прибавляют к выходу. Выпишите линейные слои блока и для каждого $m$ и $n$. Нацело делят оператором `//`.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def block_weights(D, d_ff, H, H_KV, gated, bias):
#     def linear(m, n):
#         return m * n + (n if bias else 0)
#
#     narrow = H_KV * (D // H)
#     attention = 2 * linear(D, D) + 2 * linear(D, narrow)
#     feed_forward = (2 if gated else 1) * linear(D, d_ff) + linear(d_ff, D)
#     return attention, feed_forward
# ```
#
# </details>


# %% [markdown] id="ex-encoder-block-hunt-text" lang="en"
# ### 14.5 A bug hunt
#
# A pre-norm encoder block: attention, then the feed-forward layer $\max(0, yW_1 + b_1)W_2 + b_2$; each has a LayerNorm before it, and each has a residual connection of its own, around LayerNorm and sub-layer. `x` has the shape $(T, D)$; `attend` is self-attention with its weights inside, a function from $(T, D)$ to $(T, D)$, and it is in order. The shapes of the weights are those of the exercises above; `gamma_1` and `beta_1` belong to the LayerNorm before attention, `gamma_2` and `beta_2` to the one before the feed-forward layer. It runs, all shapes fit, and it has **four** bugs. Mend them all; the check names the first symptom it meets.
# %% [markdown] id="ex-encoder-block-hunt-text" lang="ru"
# ### 14.5 Охота на ошибки
#
# Блок энкодера с порядком pre-norm: внимание, затем слой прямого распространения $\max(0, yW_1 + b_1)W_2 + b_2$; перед каждым подслоем стоит LayerNorm, а остаточная связь идёт в обход подслоя вместе с его LayerNorm. У `x` форма $(T, D)$; `attend` — самовнимание вместе со своими весами, функция из $(T, D)$ в $(T, D)$, и с ней всё в порядке. Формы весов те же, что в упражнениях выше; `gamma_1` и `beta_1` относятся к LayerNorm перед вниманием, `gamma_2` и `beta_2` — перед слоем прямого распространения. Код запускается, все формы сходятся, а ошибок в нём **четыре**. Исправьте все; проверка называет первый встреченный симптом.
# %% id="ex-encoder-block-hunt" tags=["exercise", "bug-hunt"]
def encoder_block(x, attend, W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2):
    def norm(y, gamma, beta):
        centred = y - y.mean(dim=0, keepdim=True)
        variance = centred.square().mean(dim=0, keepdim=True)
        return gamma * centred / (variance + 1e-5).sqrt() + beta

    start = x
    x = norm(x, gamma_1, beta_1)
    x = x + attend(x)
    y = norm(x, gamma_2, beta_2)
    change = torch.relu((y @ W_1 + b_1) @ W_2 + b_2)
    return start + change


encoder_block = check("encoder-block-hunt", encoder_block)

# %% [markdown] id="ex-encoder-block-hunt-solution" lang="en"
# <details><summary>Hint</summary>
#
# Follow the residual stream from `x` to `return`: which values does the name `x` hold on the way, and what is each of the two sub-layers added to? Which axis numbers the features in a tensor of shape $(T, D)$? What must happen between `W_1` and `W_2` for two matrices to be more than one?
#
# </details>
# <details><summary>Solution</summary>
#
# The mean and the variance were taken over the tokens, so that each token depended on all others; the normalised vectors took the place of the stream, which should go past the normalisation untouched; the second residual connection brought back the block's input and so lost what attention had found; and ReLU stood after $W_2$, where it lets the layer only add and leaves two matrices that can do no more than one.
#
# ```python
# def encoder_block(x, attend, W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2):
#     def norm(y, gamma, beta):
#         centred = y - y.mean(dim=-1, keepdim=True)
#         variance = centred.square().mean(dim=-1, keepdim=True)
#         return gamma * centred / (variance + 1e-5).sqrt() + beta
#
#     x = x + attend(norm(x, gamma_1, beta_1))
#     y = norm(x, gamma_2, beta_2)
#     return x + torch.relu(y @ W_1 + b_1) @ W_2 + b_2
# ```
#
# </details>
# %% [markdown] id="ex-encoder-block-hunt-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Проследите остаточный поток от `x` до `return`: какие значения по пути получает имя `x` и к чему прибавляется выход каждого из двух подслоёв? Какая ось нумерует признаки в тензоре формы $(T, D)$? Что должно произойти между `W_1` и `W_2`, чтобы две матрицы умели больше, чем одна?
#
# </details>
# <details><summary>Решение</summary>
#
# Среднее и дисперсия брались по токенам, и каждый токен зависел от всех остальных; нормализованные векторы занимали место потока, а он должен идти мимо нормализации нетронутым; вторая остаточная связь возвращала вход блока, и найденное вниманием терялось; а ReLU стояла после $W_2$: такой слой может только увеличивать числа в потоке, а две матрицы без ReLU между ними равносильны одной.
#
# ```python
# def encoder_block(x, attend, W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2):
#     def norm(y, gamma, beta):
#         centred = y - y.mean(dim=-1, keepdim=True)
#         variance = centred.square().mean(dim=-1, keepdim=True)
#         return gamma * centred / (variance + 1e-5).sqrt() + beta
#
#     x = x + attend(norm(x, gamma_1, beta_1))
#     y = norm(x, gamma_2, beta_2)
#     return x + torch.relu(y @ W_1 + b_1) @ W_2 + b_2
# ```
#
# </details>

# %% id="exercises-used"
# Your answers (or the reference ones) on small inputs; 14.5 must come to what 14.1 and the parts give.
tokens = randn(3, 4, seed=141)
gain, shift = 1 + randn(4, seed=142), randn(4, seed=143)
print("14.1:", layer_norm(tokens[None], torch.ones_like(gain), torch.zeros_like(shift), 1e-5)[0, 0])
W_1, W_3, W_2 = randn(4, 6, seed=144), randn(4, 6, seed=145), randn(6, 4, seed=146)
print("14.2:", swiglu(tokens, W_1, W_3, W_2)[0])
b_1, value = randn(6, seed=147), torch.arange(1, 5, dtype=torch.float64)
key, other = (token / token.norm() for token in tokens[:2])
planted = plant(W_1, b_1, W_2, key, value, 0.8)
grown = [feed_forward(x, *planted, 0) - feed_forward(x, W_1, b_1, W_2, 0) for x in (key, other)]
print("14.3: at the key the value is added:", bool((grown[0] - value).abs().max() <= 1e-9))
print(f"      at dot product {other @ key:.2f} unchanged:", bool(grown[1].abs().max() <= 1e-9))
for model, sizes in {
    "BERT-base": (768, 3072, 12, 12, False, True),
    "Llama 3 8B": (4096, 14336, 32, 8, True, False),
}.items():
    attention, layer = block_weights(*sizes)
    print(f"14.4: {model}: {attention} + {layer}, feed-forward {layer / (attention + layer):.3f}")


def attend(y):
    return y.mean(dim=0, keepdim=True).expand_as(y)  # equal weights


norms = gain, shift, shift, gain
whole = encoder_block(tokens, attend, W_1, b_1, W_2, value, *norms)
stream = tokens + attend(layer_norm(tokens[None], *norms[:2], 1e-5)[0])
y = layer_norm(stream[None], *norms[2:], 1e-5)[0]
stream = stream + feed_forward(y, W_1, b_1, W_2, value)
print("14.5:", whole[0], "as put together:", bool((whole - stream).abs().max() <= 1e-3))

# %% [markdown] id="real-models" lang="en"
# ## 15. In real models
#
# From the models' reports and configuration files.
#
# | model | year | LayerNorm | activation | $d_{ff}/D$ | biases | blocks |
# |---|---|---|---|---|---|---|
# | Transformer (base) | 2017 | post | ReLU | 4 | in the FFN | 6 + 6 |
# | BERT-base | 2018 | post | GELU | 4 | yes | 12 |
# | GPT-2 (smallest) | 2019 | pre | GELU (tanh) | 4 | yes | 12 |
# | T5-base | 2019 | pre, RMSNorm | ReLU | 4 | no | 12 + 12 |
# | PaLM 540B | 2022 | pre, without β | SwiGLU | 4 | no | 118 |
# | Llama 2 7B | 2023 | pre, RMSNorm | SwiGLU | 2.69 | no | 32 |
# | Llama 3 8B | 2024 | pre, RMSNorm | SwiGLU | 3.5 | no | 32 |
# | Gemma 2 9B | 2024 | before and after the sub-layer (before the sum), RMSNorm | GeGLU | 4 | no | 42 |
# | OLMo 2 7B | 2024 | after the sub-layer, before the sum, RMSNorm | SwiGLU | 2.69 | no | 32 |
#
# The last two show that the place is still being moved: in both a normalisation of the sub-layer's *output*, before it is added, but none on the stream itself. GeGLU is SwiGLU with GELU for the gate; 6 + 6 are encoder and decoder. PaLM computes attention and feed-forward layer of a block side by side from the same input, which saves a step. Many models have replaced the one feed-forward layer by several, from eight to hundreds, of which each token uses a few (*mixture of experts*): more store at the same cost per token.
# %% [markdown] id="real-models" lang="ru"
# ## 15. В настоящих моделях
#
# Из отчётов о моделях и файлов конфигурации.
#
# | модель | год | LayerNorm | активация | $d_{ff}/D$ | смещения | блоков |
# |---|---|---|---|---|---|---|
# | Transformer (base) | 2017 | post | ReLU | 4 | в FFN | 6 + 6 |
# | BERT-base | 2018 | post | GELU | 4 | есть | 12 |
# | GPT-2 (самая маленькая) | 2019 | pre | GELU (tanh) | 4 | есть | 12 |
# | T5-base | 2019 | pre, RMSNorm | ReLU | 4 | нет | 12 + 12 |
# | PaLM 540B | 2022 | pre, без β | SwiGLU | 4 | нет | 118 |
# | Llama 2 7B | 2023 | pre, RMSNorm | SwiGLU | 2.69 | нет | 32 |
# | Llama 3 8B | 2024 | pre, RMSNorm | SwiGLU | 3.5 | нет | 32 |
# | Gemma 2 9B | 2024 | до и после подслоя (до суммы), RMSNorm | GeGLU | 4 | нет | 42 |
# | OLMo 2 7B | 2024 | после подслоя, до суммы, RMSNorm | SwiGLU | 2.69 | нет | 32 |
#
# Последние две показывают, что место нормализации ищут до сих пор: в обеих нормализуется *выход* подслоя, до сложения, а на самом потоке не стоит ничего. GeGLU — это SwiGLU с GELU в вентиле; 6 + 6 — энкодер и декодер. PaLM вычисляет внимание и слой прямого распространения одного блока параллельно, по одному и тому же входу, — это экономит шаг. Во многих моделях вместо одного слоя прямого распространения их несколько — от восьми до сотен, — и каждый токен пользуется лишь некоторыми (*mixture of experts*, смесь экспертов): хранилище больше, а вычислений на токен столько же.
# %% [markdown] id="summary" lang="en"
# ## 16. Summary
#
# Attention carries vectors between tokens, but what it hands over is a weighted sum; the feed-forward layer works on each token by itself, widens its vector, bends it, narrows it back, and holds most of a block's weights; it can be read as a store, columns of $W_1$ as keys, rows of $W_2$ as values, but training spreads a fact over many of them. A residual connection adds the identity to the derivative, which keeps gradients from vanishing, and words stay available to every block; LayerNorm gives each token's vector mean 0 and standard deviation 1 and lets γ and β decide feature by feature, so that what enters a sub-layer does not depend on the size of the stream and nothing explodes; at the usual start the one without the other is not enough. Unlike BatchNorm, LayerNorm looks at one token only and is the same in training and in inference. Before the sub-layer (pre-norm) it leaves the stream free, and training is robust; where it stands after the sum (post-norm, 2017), the training of a deep model needs a small rate or warm-up.
#
# $$x \leftarrow x + \mathrm{Attention}\big(\mathrm{LN}(x)\big), \qquad x \leftarrow x + \mathrm{FFN}\big(\mathrm{LN}(x)\big)$$
# %% [markdown] id="summary" lang="ru"
# ## 16. Итог
#
# Внимание переносит векторы между токенами, но передаёт оно взвешенную сумму; слой прямого распространения обрабатывает каждый токен отдельно: расширяет его вектор, применяет нелинейность, сужает обратно. В нём большая часть весов блока. Его можно читать как хранилище, где столбцы $W_1$ — ключи, а строки $W_2$ — значения, но при обучении факт распределяется по многим из них. Остаточная связь добавляет к производной единичную матрицу: градиенты не затухают, а слова остаются доступны каждому блоку. LayerNorm приводит вектор каждого токена к среднему 0 и стандартному отклонению 1, а масштаб и сдвиг каждого признака задают γ и β. Поэтому то, что поступает в подслой, не зависит от масштаба потока, и ничто не взрывается. При обычных начальных весах одного без другого мало. В отличие от BatchNorm, LayerNorm смотрит только на один токен и одинакова при обучении и на инференсе. Перед подслоем (pre-norm) она оставляет поток свободным, и обучение устойчиво; если же она стоит после суммы (post-norm, 2017), обучению глубокой модели нужны малая скорость или прогрев.
#
# $$x \leftarrow x + \mathrm{Attention}\big(\mathrm{LN}(x)\big), \qquad x \leftarrow x + \mathrm{FFN}\big(\mathrm{LN}(x)\big)$$
# %% id="summary-figure"
show(drawings.encoder_block(), "encoder_block")

# %% [markdown] id="summary-found" lang="en"
# What the notes said, and what we found:
# %% [markdown] id="summary-found" lang="ru"
# Что говорил конспект и что мы нашли:
# %% id="summary-ledger"
ledger(6)

# %% [markdown] id="key-questions" lang="en"
# ## 17. Key questions
#
# Answer on paper, then unfold. The same cards, and more of them, are in the Anki deck.
# %% [markdown] id="key-questions" lang="ru"
# ## 17. Ключевые вопросы
#
# Ответьте на бумаге, потом раскройте ответ. Эти карточки и другие карточки урока есть в колоде Anki.
# %% id="key-questions-cards"
key_questions(6)

# %% [markdown] id="reading" lang="en"
# ## 18. Further reading
#
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Sections 3.1 and 3.3; section 5.3 for warm-up.
# - K. He et al. *Deep Residual Learning for Image Recognition.* 2015, CVPR 2016, [arXiv:1512.03385](https://arxiv.org/abs/1512.03385).
# - A. Veit, M. Wilber, S. Belongie. *Residual Networks Behave Like Ensembles of Relatively Shallow Networks.* NeurIPS 2016, [arXiv:1605.06431](https://arxiv.org/abs/1605.06431). The $2^n$ paths.
# - Y. Dong, J.-B. Cordonnier, A. Loukas. *Attention Is Not All You Need: Pure Attention Loses Rank Doubly Exponentially with Depth.* ICML 2021, [arXiv:2103.03404](https://arxiv.org/abs/2103.03404). Why residual connections matter for more than gradients.
# - S. Ioffe, C. Szegedy. *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift.* ICML 2015, [arXiv:1502.03167](https://arxiv.org/abs/1502.03167).
# - J. L. Ba, J. R. Kiros, G. E. Hinton. *Layer Normalization.* 2016, [arXiv:1607.06450](https://arxiv.org/abs/1607.06450).
# - B. Zhang, R. Sennrich. *Root Mean Square Layer Normalization.* NeurIPS 2019, [arXiv:1910.07467](https://arxiv.org/abs/1910.07467).
# - R. Xiong et al. *On Layer Normalization in the Transformer Architecture.* ICML 2020, [arXiv:2002.04745](https://arxiv.org/abs/2002.04745). Pre-norm, post-norm and warm-up.
# - L. Liu et al. *Understanding the Difficulty of Training Transformers.* EMNLP 2020, [arXiv:2004.08249](https://arxiv.org/abs/2004.08249). Against the gradients as the root of the trouble with post-norm.
# - S. Shen et al. *PowerNorm: Rethinking Batch Normalization in Transformers.* ICML 2020, [arXiv:2003.07845](https://arxiv.org/abs/2003.07845). Why BatchNorm does badly on texts.
# - D. Hendrycks, K. Gimpel. *Gaussian Error Linear Units.* 2016, [arXiv:1606.08415](https://arxiv.org/abs/1606.08415). GELU.
# - P. Ramachandran, B. Zoph, Q. V. Le. *Searching for Activation Functions.* 2017, [arXiv:1710.05941](https://arxiv.org/abs/1710.05941). SiLU under the name of Swish.
# - N. Shazeer. *GLU Variants Improve Transformer.* 2020, [arXiv:2002.05202](https://arxiv.org/abs/2002.05202).
# - A. Grattafiori et al. *The Llama 3 Herd of Models.* 2024, [arXiv:2407.21783](https://arxiv.org/abs/2407.21783). Table 3 has the sizes of Llama 3.
# - J. Kaplan et al. *Scaling Laws for Neural Language Models.* 2020, [arXiv:2001.08361](https://arxiv.org/abs/2001.08361). Section 3.1: how little the shape matters.
# - M. Geva et al. *Transformer Feed-Forward Layers Are Key-Value Memories.* EMNLP 2021, [arXiv:2012.14913](https://arxiv.org/abs/2012.14913).
# - N. Elhage et al. *A Mathematical Framework for Transformer Circuits.* 2021, [transformer-circuits.pub](https://transformer-circuits.pub/2021/framework/index.html). The residual stream.
# - G. Alain, Y. Bengio. *Understanding Intermediate Layers Using Linear Classifier Probes.* 2016, [arXiv:1610.01644](https://arxiv.org/abs/1610.01644).
# - J. Hewitt, P. Liang. *Designing and Interpreting Probes with Control Tasks.* EMNLP 2019, [arXiv:1909.03368](https://arxiv.org/abs/1909.03368). What a probe's success does not show.
# - I. Tenney, D. Das, E. Pavlick. *BERT Rediscovers the Classical NLP Pipeline.* ACL 2019, [arXiv:1905.05950](https://arxiv.org/abs/1905.05950). Probes by layer in a real model.
# - I. Kotenkov. [*Transformers, explained in detail*](https://www.youtube.com/watch?v=iOrNbK2T92M) (in Russian). The lecture behind the notes this course grew from.
#
# Next: [lesson 07, decoder, training, translation](07_decoder.ipynb).
# %% [markdown] id="reading" lang="ru"
# ## 18. Что читать дальше
#
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Разделы 3.1 и 3.3; о прогреве — раздел 5.3.
# - K. He et al. *Deep Residual Learning for Image Recognition.* 2015, CVPR 2016, [arXiv:1512.03385](https://arxiv.org/abs/1512.03385).
# - A. Veit, M. Wilber, S. Belongie. *Residual Networks Behave Like Ensembles of Relatively Shallow Networks.* NeurIPS 2016, [arXiv:1605.06431](https://arxiv.org/abs/1605.06431). О $2^n$ путях.
# - Y. Dong, J.-B. Cordonnier, A. Loukas. *Attention Is Not All You Need: Pure Attention Loses Rank Doubly Exponentially with Depth.* ICML 2021, [arXiv:2103.03404](https://arxiv.org/abs/2103.03404). Почему остаточные связи нужны не только ради градиентов.
# - S. Ioffe, C. Szegedy. *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift.* ICML 2015, [arXiv:1502.03167](https://arxiv.org/abs/1502.03167).
# - J. L. Ba, J. R. Kiros, G. E. Hinton. *Layer Normalization.* 2016, [arXiv:1607.06450](https://arxiv.org/abs/1607.06450).
# - B. Zhang, R. Sennrich. *Root Mean Square Layer Normalization.* NeurIPS 2019, [arXiv:1910.07467](https://arxiv.org/abs/1910.07467).
# - R. Xiong et al. *On Layer Normalization in the Transformer Architecture.* ICML 2020, [arXiv:2002.04745](https://arxiv.org/abs/2002.04745). Pre-norm, post-norm и прогрев.
# - L. Liu et al. *Understanding the Difficulty of Training Transformers.* EMNLP 2020, [arXiv:2004.08249](https://arxiv.org/abs/2004.08249). О том, что трудности post-norm коренятся не в градиентах.
# - S. Shen et al. *PowerNorm: Rethinking Batch Normalization in Transformers.* ICML 2020, [arXiv:2003.07845](https://arxiv.org/abs/2003.07845). Почему BatchNorm плохо работает на текстах.
# - D. Hendrycks, K. Gimpel. *Gaussian Error Linear Units.* 2016, [arXiv:1606.08415](https://arxiv.org/abs/1606.08415). GELU.
# - P. Ramachandran, B. Zoph, Q. V. Le. *Searching for Activation Functions.* 2017, [arXiv:1710.05941](https://arxiv.org/abs/1710.05941). SiLU под именем Swish.
# - N. Shazeer. *GLU Variants Improve Transformer.* 2020, [arXiv:2002.05202](https://arxiv.org/abs/2002.05202).
# - A. Grattafiori et al. *The Llama 3 Herd of Models.* 2024, [arXiv:2407.21783](https://arxiv.org/abs/2407.21783). Размеры Llama 3 — в таблице 3.
# - J. Kaplan et al. *Scaling Laws for Neural Language Models.* 2020, [arXiv:2001.08361](https://arxiv.org/abs/2001.08361). Раздел 3.1: как мало значит форма.
# - M. Geva et al. *Transformer Feed-Forward Layers Are Key-Value Memories.* EMNLP 2021, [arXiv:2012.14913](https://arxiv.org/abs/2012.14913).
# - N. Elhage et al. *A Mathematical Framework for Transformer Circuits.* 2021, [transformer-circuits.pub](https://transformer-circuits.pub/2021/framework/index.html). Остаточный поток.
# - G. Alain, Y. Bengio. *Understanding Intermediate Layers Using Linear Classifier Probes.* 2016, [arXiv:1610.01644](https://arxiv.org/abs/1610.01644).
# - J. Hewitt, P. Liang. *Designing and Interpreting Probes with Control Tasks.* EMNLP 2019, [arXiv:1909.03368](https://arxiv.org/abs/1909.03368). Чего не доказывает успех зонда.
# - I. Tenney, D. Das, E. Pavlick. *BERT Rediscovers the Classical NLP Pipeline.* ACL 2019, [arXiv:1905.05950](https://arxiv.org/abs/1905.05950). Зонды по слоям настоящей модели.
# - И. Котенков. [*Transformers, explained in detail*](https://www.youtube.com/watch?v=iOrNbK2T92M). Лекция, по которой написан конспект, давший начало курсу.
#
# Дальше: [урок 07, декодер, обучение, перевод](07_decoder.ipynb).
