# %% [markdown] id="title" lang="en"
# # Primer. What the lessons assume
#
# The lessons of this course build transformers out of a few tools: tensors, matrix products, softmax, derivatives, and a loop that trains. They explain them briefly or not at all. Here each of them is explained once, with the mistakes that everybody makes and that raise no error.
#
# **You will be able to**
#
# - read the shapes in a line of PyTorch, and say what broadcasting does to them;
# - read `X @ W` as many dot products, and count its multiply-adds;
# - compute softmax and cross-entropy so that large numbers do no harm;
# - find a derivative by the chain rule and get the same from `backward`;
# - write a training loop, and tell learning from memorising.
#
# **You need** Python, and what a derivative and a matrix are. **Time:** 25 minutes of reading, 30 for the exercises; all cells run in a few seconds.
#
# If the questions of section 11 give you no trouble, skip all this and begin with [lesson 00](00_why_transformers.ipynb).
# %% [markdown] id="title" lang="ru"
# # Введение. Что нужно знать до уроков
#
# Уроки курса строят трансформеры из нескольких инструментов: тензоров, умножения матриц, softmax, производных и цикла обучения. В самих уроках они объясняются коротко или вовсе не объясняются. Здесь каждый из них разобран один раз — вместе с ошибками, которые делают все и о которых программа не предупреждает.
#
# **Вы научитесь**
#
# - читать формы тензоров в строке на PyTorch и говорить, что с ними делает broadcasting;
# - видеть в `X @ W` множество скалярных произведений и считать, сколько в нём умножений-сложений;
# - вычислять softmax и кросс-энтропию так, чтобы большие числа ничего не портили;
# - находить производную по правилу дифференцирования сложной функции и получать то же от `backward`;
# - писать цикл обучения и отличать обучение от заучивания.
#
# **Понадобятся** Python и представление о том, что такое производная и матрица. **Время:** 25 минут на чтение, 30 — на упражнения; все ячейки выполняются за несколько секунд.
#
# Если вопросы из раздела 11 не вызывают затруднений, пропустите всё это и начинайте с [урока 00](00_why_transformers.ipynb).
# %% id="start"
from course_lib import start

start(lesson="primer")

# %% id="imports"
import math

import torch
import torch.nn.functional as F
from torch import nn

from course_lib.exercises import check
from course_lib.figures import attention as attention_drawings
from course_lib.figures import primer as drawings
from course_lib.figures import primer_curves as curves
from course_lib.figures import show
from course_lib.parity import parity

# %% [markdown] id="tensors" lang="en"
# ## 1. Tensors and shapes
#
# A tensor is a block of numbers with a **shape**: a list of the sizes of its axes. A vector has one axis, a matrix two. The text that a model reads at one go has three: $B$ sentences in the **batch**, $T$ **tokens** (words or parts of words) in each, $D$ numbers for each token. Most mistakes in this field are mistakes of shape, so most of this course's comments are shapes. Negative numbers count axes from the end, which is why `dim=-1` means "the numbers of one token" whatever stands in front.
# %% [markdown] id="tensors" lang="ru"
# ## 1. Тензоры и формы
#
# Тензор (tensor) — это блок чисел, у которого есть **форма** (shape): список размеров по осям. У вектора ось одна, у матрицы две. У текста, который модель читает за один раз, осей три: $B$ предложений в **батче** (batch), в каждом $T$ **токенов** (слов или их частей), на каждый токен $D$ чисел. Большинство ошибок в нашем деле — ошибки в формах, поэтому чаще всего комментарии в коде курса указывают формы. Отрицательные номера отсчитывают оси с конца, так что `dim=-1` значит «числа одного токена», что бы ни стояло впереди.
# %% id="tensors-shapes"
x = torch.arange(24.0).reshape(2, 3, 4)  # (B, T, D)
views = {
    "x": x,
    "x[0]": x[0],  # the first sentence
    "x[:, -1]": x[:, -1],  # the last token of each sentence
    "x[..., :2]": x[..., :2],  # the first two numbers of each token
    "x.sum(dim=-1)": x.sum(dim=-1),  # the axis is gone
    "x.sum(dim=-1, keepdim=True)": x.sum(dim=-1, keepdim=True),  # it stays, with size 1
    "x[:, None]": x[:, None],  # a new axis of size 1
    "x.unsqueeze(1)": x.unsqueeze(1),  # the same
    "x.reshape(6, 4)": x.reshape(6, 4),  # all tokens, whichever sentence they come from
    "x.mT": x.mT,  # the last two axes change places
}
for name, tensor in views.items():
    print(f"{name:29}{tuple(tensor.shape)}")

# %% [markdown] id="reshape" lang="en"
# `reshape` and `mT` can lead to the same shape, and they are not the same. `reshape` leaves the numbers in their order and draws the borders of the rows elsewhere; `mT` (transposition) makes rows of columns. Whoever takes one for the other gets the right shape, no error, and the numbers of one token scattered over several:
# %% [markdown] id="reshape" lang="ru"
# `reshape` и `mT` могут привести к одной форме, но это разные вещи. `reshape` сохраняет порядок чисел и проводит границы строк в других местах; `mT` (транспонирование) превращает столбцы в строки. Кто их спутает, получит верную форму и ни одного сообщения об ошибке, а числа одного токена окажутся разбросаны по нескольким:
# %% id="reshape-transpose"
print(x[0])
print("reshape(4, 3):", x[0].reshape(4, 3).tolist())
print("mT:           ", x[0].mT.tolist())

# %% [markdown] id="view" lang="en"
# Neither of them moves a number in memory, where possible: they return another *view* of the same block, and who writes into the view writes into the block. `view` is the strict sister of `reshape`: where the new shape cannot be had without copying, for instance after `mT`, `reshape` copies and `view` refuses. `transpose(i, j)` exchanges any two axes, as `mT` does the last two; with `view` and `transpose` [lesson 04](04_multi_head.ipynb) cuts the heads out of a matrix.
#
# A condition on a tensor gives a **mask**, a table of true and false of the same shape. Three tools return throughout the course: `masked_fill` overwrites where the mask is true, `torch.where` chooses between two values, and `gather` picks one place in each row. The value $-\infty$ is not there by mistake, as section 4 will show.
# %% [markdown] id="view" lang="ru"
# Ни то ни другое без необходимости не перемещает числа в памяти: возвращается другое *представление* (view) того же блока, и запись в представление меняет и сам блок. `view` — строгий вариант `reshape`: если новую форму нельзя получить без копирования, например после `mT`, `reshape` скопирует, а `view` выдаст ошибку. `transpose(i, j)` меняет местами любые две оси, как `mT` — последние две; с помощью `view` и `transpose` в [уроке 04](04_multi_head.ipynb) матрицу разрезают на головы.
#
# Условие на тензор даёт **маску** (mask) — таблицу из «да» и «нет» той же формы. В курсе то и дело встречаются три инструмента: `masked_fill` перезаписывает там, где «да», `torch.where` выбирает из двух значений, а `gather` берёт по одному месту в каждой строке. Значение $-\infty$ появилось здесь не случайно: зачем оно, покажет раздел 4.
# %% id="picking"
scores = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0]])
small = scores < 0.5  # a mask: the same shape, true or false
print(scores.masked_fill(small, -math.inf))
print(torch.where(small, 7.0, scores))
places = torch.tensor([0, 2])  # one place for each row
print(scores.gather(-1, places[:, None])[:, 0], scores[torch.arange(2), places])

# %% [markdown] id="broadcasting" lang="en"
# ## 2. Broadcasting
#
# What is a column plus a row? PyTorch lays the two shapes one under the other, aligned at their *ends*, and fills up missing axes in front with 1. Sizes that are equal stay; a 1 takes over the other size, as if the tensor were repeated along that axis; anything else is an error. This is called **broadcasting**, and it replaces most loops.
# %% [markdown] id="broadcasting" lang="ru"
# ## 2. Broadcasting
#
# Что получится, если к столбцу прибавить строку? PyTorch записывает две формы одну под другой, выравнивая их по *концам*, и добавляет недостающие оси слева, каждую размера 1. Равные размеры остаются; 1 принимает размер соседа, как будто тензор повторили вдоль этой оси; всё остальное — ошибка. Это называется **broadcasting** (растягивание, или транслирование), и оно заменяет большинство циклов.
# %% id="broadcasting-figure"
show(drawings.broadcasting(), "broadcasting")

# %% id="broadcasting-code"
column = torch.tensor([10, 20, 30])[:, None]  # (3, 1)
row = torch.tensor([1, 2, 3, 4])  # (4,), read as (1, 4)
print(column + row)
biased = x + torch.tensor([0.0, 100, 200, 300])  # (2, 3, 4) + (4,): the same for every token
print(biased[1, 2])

# %% [markdown] id="broadcasting-trap" lang="en"
# The rule is a trap as well. Here four answers and four guesses are *equal*, but one of them is a column; the mean squared error ought to be 0:
# %% [markdown] id="broadcasting-trap" lang="ru"
# Это правило бывает и ловушкой. Ниже четыре ответа и четыре догадки *совпадают*, но одни записаны столбцом; средний квадрат ошибки должен быть равен 0:
# %% id="broadcasting-break"
answers = torch.tensor([0.0, 1, 2, 3])  # (4,)
guesses = answers.unsqueeze(-1)  # (4, 1), as models often return them
error = (guesses - answers).square()
print(tuple(error.shape), "mean", error.mean().item())
assert error.mean() > 0 and (guesses.squeeze(-1) - answers).square().mean() == 0

# %% [markdown] id="broadcasting-lesson" lang="en"
# Each guess was compared with every answer, and a model trained on this number learns to give everybody the mean. Hence the habit of this course: print the shape before you trust the number.
#
# ## 3. Matrix products
#
# The dot product of two vectors, $a \cdot b = \sum_i a_i b_i$, is one number: large when they point the same way, 0 when they stand at a right angle. A matrix product is nothing but many of them, each row of the left factor with each column of the right one, and `@` computes them all.
# %% [markdown] id="broadcasting-lesson" lang="ru"
# Каждую догадку сравнили с каждым ответом, и модель, которую учат на этом числе, научится на любой вход отвечать средним. Отсюда привычка, принятая в курсе: прежде чем верить числу, напечатайте форму.
#
# ## 3. Умножение матриц
#
# Скалярное произведение двух векторов, $a \cdot b = \sum_i a_i b_i$, — это одно число: большое, если они направлены в одну сторону, и 0, если они перпендикулярны. Произведение матриц — не что иное, как множество скалярных произведений: каждая строка левого сомножителя с каждым столбцом правого. Все их вычисляет `@`.
# %% id="product-figure"
show(drawings.matrix_product(), "matrix_product")

# %% id="product-code"
A = torch.tensor([[1.0, 0, 2, 1], [3, 1, 0, 2], [0, 2, 1, 1]])
B = torch.tensor([[2.0, 1], [1, 0], [0, 2], [1, 2]])
dots = [[(row * column).sum().item() for column in B.mT] for row in A]
print(A @ B)
print("the same, number by number:", torch.equal(A @ B, torch.tensor(dots)))

# %% [markdown] id="product-cost" lang="en"
# A product of shapes $(a, b)$ and $(b, c)$ has $a \cdot c$ entries with $b$ products in each: $a \cdot b \cdot c$ **multiply-adds**. This is how the course counts cost, because nearly all the work of a transformer is of this kind, and because a count is the same on every machine.
#
# With more than two axes `@` multiplies the last two and treats the others as a list of separate tasks. Two kinds of product return in attention; the third, $(T, T)$ by $(T, D)$, makes of each token a mixture of all:
# %% [markdown] id="product-cost" lang="ru"
# В произведении матриц форм $(a, b)$ и $(b, c)$ всего $a \cdot c$ элементов, в каждом $b$ произведений, итого $a \cdot b \cdot c$ **умножений-сложений** (multiply-adds). Так в курсе измеряются затраты: почти вся работа трансформера именно такая, а счёт на любой машине даёт одно и то же.
#
# Если осей больше двух, `@` перемножает матрицы по двум последним осям, а по остальным просто перебирает независимые задачи. В механизме внимания постоянно встречаются два вида произведений; третье, $(T, T)$ на $(T, D)$, делает из каждого токена смесь всех:
# %% id="product-batch"
X = x / 24  # (B, T, D)
W = torch.ones(4, 5)
print("X @ W:   ", tuple((X @ W).shape), "every token goes through the same matrix, alone")
print("X @ X.mT:", tuple((X @ X.mT).shape), "every token meets every token of its own sentence")
alone = X[1, 2] @ W
print("one token by itself gives the same row:", torch.allclose((X @ W)[1, 2], alone))


# %% [markdown] id="softmax" lang="en"
# ## 4. Softmax and cross-entropy
#
# A model that chooses among $n$ answers returns $n$ numbers of any size, the **logits** $z_1, \dots, z_n$. Probabilities must not be negative, and sum to 1. Softmax sees to both:
#
# $$p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}, \qquad \frac{p_i}{p_j} = e^{z_i - z_j}.$$
#
# The exponential makes any number positive. The second formula says what a logit means: only *differences* count, and each unit of difference multiplies the odds by $e$. So the same number may be added to all logits without changing anything. This is more than a curiosity:
# %% [markdown] id="softmax" lang="ru"
# ## 4. Softmax и кросс-энтропия
#
# Модель, которая выбирает из $n$ ответов, возвращает $n$ чисел любой величины — **логиты** (logits) $z_1, \dots, z_n$. Вероятности же должны быть положительны и давать в сумме 1. И то и другое обеспечивает softmax:
#
# $$p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}, \qquad \frac{p_i}{p_j} = e^{z_i - z_j}.$$
#
# Экспонента делает положительным любое число. Вторая формула объясняет, что такое логит: важны только *разности*, и каждая единица разности меняет отношение вероятностей в $e$ раз. Значит, ко всем логитам можно прибавить одно и то же число, и ничего не изменится. И это не просто любопытный факт:
# %% id="softmax-break"
def plain_softmax(z):
    """Softmax exactly as the formula has it."""
    return z.exp() / z.exp().sum(dim=-1, keepdim=True)


def softmax(z):
    """The same function, with the largest logit of each row at 0."""
    return plain_softmax(z - z.max(dim=-1, keepdim=True).values)


z = torch.tensor([2.0, 1.0, 0.0])
print("z:        ", plain_softmax(z), softmax(z))
print("z + 1000: ", plain_softmax(z + 1000), softmax(z + 1000))
print("a hidden one:", softmax(torch.tensor([2.0, 1.0, -math.inf])))
assert plain_softmax(z + 1000).isnan().all() and torch.allclose(softmax(z + 1000), softmax(z))

# %% [markdown] id="softmax-why" lang="en"
# $e^{1000}$ is beyond what a float can hold, so it is $\infty$, and $\infty / \infty$ is `nan`. One `nan` is enough: after the next training step practically all weights that took part are `nan`. After subtracting the largest logit the greatest exponential is $e^0 = 1$, and nothing can overflow. PyTorch's own softmax does this; you must when you write one yourself, as in [lesson 03](03_attention.ipynb). The last line shows what a mask of $-\infty$ is for: $e^{-\infty}$ is exactly 0, so that answer has probability 0 and the rest share the whole 1. (A row of $-\infty$ alone still gives `nan`.)
#
# How good is a prediction? Suppose the right answer is number $y$. The **cross-entropy** is $-\log p_y$: 0 for a model that is sure and right, and the greater the more surprised the model is. The logarithm is natural, so the unit is the nat. It has three good points: independent surprises add up, a model that has no idea of $n$ answers pays exactly $\log n$, and being sure and wrong is expensive. $e$ raised to this power is the **perplexity**: among how many equally likely answers one would be in the same doubt.
# %% [markdown] id="softmax-why" lang="ru"
# Число $e^{1000}$ не помещается в формат с плавающей точкой и превращается в $\infty$, а $\infty / \infty$ — это `nan`. Хватит одного `nan`: после следующего шага обучения `nan` станут почти все участвовавшие веса. Если вычесть наибольший логит, самая большая экспонента равна $e^0 = 1$, и переполняться нечему. Встроенный в PyTorch softmax так и делает; когда пишете свой, как в [уроке 03](03_attention.ipynb), об этом надо помнить самим. Последняя строка показывает, зачем нужна маска из $-\infty$: $e^{-\infty}$ — в точности 0, вероятность такого ответа — ровно 0, и вся единица делится между остальными. (Строка из одних $-\infty$ всё равно даст `nan`.)
#
# Насколько хорошо предсказание? Пусть верен ответ номер $y$. **Кросс-энтропия** (cross-entropy) равна $-\log p_y$: 0, если модель уверена и права, и тем больше, чем сильнее модель удивлена. Логарифм натуральный, единица измерения — нат. У этой меры три достоинства: независимые неожиданности складываются, модель, которая ничего не знает об $n$ ответах, платит ровно $\log n$, а уверенная ошибка обходится дорого. Если возвести $e$ в степень кросс-энтропии, получится **перплексия** (perplexity): число равновероятных ответов, при выборе из которых неуверенность была бы такой же.
# %% id="cross-entropy"
logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)  # (N, n)
targets = torch.tensor([0, 2])  # (N,): numbers of the right answers, not one-hot vectors
each = -logits.log_softmax(dim=-1)[torch.arange(2), targets]
print("−log p of each row:  ", each, "  ln 3 =", f"{math.log(3):.4f}")
print("F.cross_entropy:     ", F.cross_entropy(logits, targets), "the mean of the rows")
print("perplexity of row 1: ", f"{each[1].exp():.4f}")
ignored = F.cross_entropy(logits, torch.tensor([0, -100]))  # −100: this row does not count
print("without row 1:       ", ignored)

# %% [markdown] id="cross-entropy-notes" lang="en"
# `F.cross_entropy` takes **logits**. It does the softmax itself, together with the logarithm, where $\log p = z_y - \log \sum_j e^{z_j}$, with the largest logit subtracted first, stays accurate even if $p$ is too small for a float. Who applies softmax first gets a loss that still falls, slowly, and never comes near 0; you will meet this bug in the exercises. For the logits of whole texts, of shape $(B, T, n)$, the axes $B$ and $T$ of both arguments are joined first: `logits.reshape(-1, n)` and `targets.reshape(-1)`.
#
# The derivative of this loss is as simple as can be. With $y$ written as a **one-hot vector** of length $n$ (1 at the place of the right answer, 0 elsewhere),
#
# $$\frac{\partial L}{\partial z} = p - y:$$
#
# what the model said minus what was right (for one row; the mean over $N$ rows divides it by $N$, hence `reduction="sum"` below). A certain and right model gets no push; a wrong answer is pushed down by exactly its probability. Section 5 says how to get such derivatives without deriving them.
# %% [markdown] id="cross-entropy-notes" lang="ru"
# `F.cross_entropy` принимает **логиты**. Softmax она берёт сама, вместе с логарифмом: $\log p = z_y - \log \sum_j e^{z_j}$, если сперва вычесть наибольший логит, вычисляется точно, даже когда $p$ слишком мало́ для чисел с плавающей точкой. Если применить softmax заранее, потери всё равно будут уменьшаться, но медленно, и к 0 не подойдут никогда; эта ошибка встретится вам в упражнениях. Для логитов целых текстов, формы $(B, T, n)$, у обоих аргументов сначала объединяют оси $B$ и $T$: `logits.reshape(-1, n)` и `targets.reshape(-1)`.
#
# Производная таких потерь проще некуда. Если записать $y$ как **one-hot-вектор** длины $n$ (1 на месте верного ответа, 0 на остальных), то
#
# $$\frac{\partial L}{\partial z} = p - y:$$
#
# то, что сказала модель, минус то, что верно (для одной строки; среднее по $N$ строкам делит это на $N$, поэтому ниже `reduction="sum"`). Если модель уверена и права, её ничто никуда не толкает; логит неверного ответа толкает вниз сила, равная его вероятности. Как получать такие производные, не выводя их, рассказывает раздел 5.
# %% id="cross-entropy-gradient"
z = logits.clone().requires_grad_()
F.cross_entropy(z, targets, reduction="sum").backward()
difference = logits.softmax(dim=-1) - F.one_hot(targets, num_classes=3)
print(z.grad)
print("equal to p − y:", torch.allclose(z.grad, difference))

# %% [markdown] id="derivatives" lang="en"
# ## 5. Derivatives
#
# Training needs one thing: for each weight, by how much the loss would change if the weight grew a little. For a small model this can be done by hand. Take $L = (w x + b - t)^2$, with input $x$, target $t$ and the two weights $w$ and $b$. The chain rule says: go back from $L$, and multiply by one local derivative at each step.
# %% [markdown] id="derivatives" lang="ru"
# ## 5. Производные
#
# Обучению нужно одно: для каждого веса знать, насколько изменились бы потери, если бы вес чуть-чуть вырос. Для маленькой модели это можно посчитать вручную. Возьмём $L = (w x + b - t)^2$ со входом $x$, целью $t$ и двумя весами $w$ и $b$. Правило дифференцирования сложной функции (chain rule) велит идти от $L$ назад и на каждом шаге умножать на одну локальную производную.
# %% id="chain-figure"
show(drawings.chain_rule(), "chain_rule")

# %% id="chain-code"
x, t = torch.tensor(3.0), torch.tensor(5.0)
w, b = torch.tensor(2.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
e = w * x + b - t
L = e**2
L.backward()
print("autograd:", w.grad.item(), b.grad.item())
print("by hand: ", (2 * e * x).item(), (2 * e).item())

# %% [markdown] id="autograd" lang="en"
# Autograd does the same by bookkeeping. Each operation on a tensor with `requires_grad` remembers what it was made of; `backward` walks this record from the loss back to the weights and leaves in each `.grad` the derivative of the loss, of the same shape as the weight. If a weight is used in several places, the contributions of all the paths add up. PyTorch does the same from one call to the next: `backward` **adds** to `.grad` and does not replace it, and the sum survives into the next step unless somebody clears it:
# %% [markdown] id="autograd" lang="ru"
# Autograd делает то же самое, записывая каждое действие. Каждая операция над тензором с `requires_grad` запоминает, из чего получен результат; `backward` проходит по этой записи от потерь назад к весам и оставляет в каждом `.grad` производную потерь — той же формы, что и сам вес. Если вес участвует в нескольких местах, вклады всех путей складываются. PyTorch поступает так же и от вызова к вызову: `backward` **прибавляет** к `.grad`, а не заменяет его, и сумма доживает до следующего шага, если её никто не обнулит:
# %% id="autograd-accumulates"
(w * x + b - t).square().backward()  # a second time
print("after two backward passes:", w.grad.item(), b.grad.item())
assert w.grad == 2 * 12
w.grad = b.grad = None  # what optimizer.zero_grad() does

with torch.no_grad():  # no record: for measuring, and for changing weights
    unrecorded = w * x
print("recorded?", (w * x).requires_grad, unrecorded.requires_grad, (w * x).detach().requires_grad)

# %% [markdown] id="embedding" lang="en"
# All derivatives of the loss with respect to the weights together are its **gradient**. It points to where the loss grows fastest, so **gradient descent** subtracts a small part of it from every weight: $w \leftarrow w - \eta\, \partial L / \partial w$, where $\eta$ is the **learning rate**. An **optimiser** is the object that does this for all weights.
#
# The record costs memory, so whatever is only measured stands inside `torch.no_grad()`. `detach` cuts a single tensor off: what comes after treats it as a given number.
#
# ## 6. A table of embeddings
#
# A word is not a number to calculate with: word 7 is not seven times word 1. So each word gets a vector of its own, a row of a learned table $E$, its **embedding**, and reading a word means picking a row. On paper this is a product with a one-hot vector, and the figure shows both:
# %% [markdown] id="embedding" lang="ru"
# Все производные потерь по весам вместе — это **градиент** (gradient). Он указывает, куда потери растут быстрее всего, поэтому **градиентный спуск** (gradient descent) вычитает из каждого веса малую долю производной по нему: $w \leftarrow w - \eta\, \partial L / \partial w$, где $\eta$ — **скорость обучения** (learning rate). **Оптимизатор** (optimizer) — объект, который делает это со всеми весами.
#
# Запись занимает память, поэтому всё, что только измеряют, стоит внутри `torch.no_grad()`. `detach` отсоединяет от записи один тензор: дальнейшие вычисления считают его константой.
#
# ## 6. Таблица эмбеддингов
#
# Номер слова — не величина, с которой имеет смысл проводить вычисления: слово 7 не в семь раз больше слова 1. Поэтому у каждого слова есть свой вектор — строка обучаемой таблицы $E$, или **эмбеддинг** (embedding), и прочесть слово значит выбрать строку. На бумаге это умножение на one-hot-вектор; рисунок показывает и то и другое:
# %% id="embedding-figure"
show(attention_drawings.embedding_lookup(), "embedding_lookup")

# %% id="embedding-code"
E = torch.arange(12.0).reshape(6, 2).requires_grad_()  # 6 words, vectors of D = 2
ids = torch.tensor([[4, 0, 4], [1, 1, 2]])  # (B, T)
print(tuple(E[ids].shape), "equal:", torch.equal(E[ids], F.one_hot(ids, num_classes=6).float() @ E))
E[ids].sum().backward()
print("gradient of each row:", E.grad[:, 0].tolist())


# %% [markdown] id="embedding-after" lang="en"
# Word 4 stands twice in the texts, and its row got the gradient of both places, by the rule that contributions add up; word 3 does not occur and learned nothing. [Lesson 01](01_word2vec.ipynb) is about what such rows learn.
#
# ## 7. Seeds and generators
#
# Weights start random, batches are drawn at random, and yet, apart from times and last digits, the outputs of this course come out the same on your machine. Computers draw *pseudo*-random numbers: a generator is started with a number, the **seed**, and everything it yields follows from that. A generator of one's own is better than the global one, which every other call moves on: insert one more `randn` somewhere, and all later numbers are others.
# %% [markdown] id="embedding-after" lang="ru"
# Слово 4 встретилось в текстах дважды, и его строка получила градиент от обоих мест — по тому же правилу: вклады складываются; слова 3 в текстах нет, и оно ничему не научилось. Чему учатся такие строки, рассказывает [урок 01](01_word2vec.ipynb).
#
# ## 7. Зёрна и генераторы
#
# Начальные веса случайны, батчи выбираются случайно, и всё же, если не считать времени и последних знаков, выводы курса на вашей машине будут теми же. Дело в том, что компьютер выдаёт *псевдо*случайные числа: генератор запускают с некоторого числа — **зерна** (seed), — и этим числом определяется всё, что он выдаст. Свой генератор лучше общего: состояние общего меняет любой посторонний вызов. Вставьте где-нибудь ещё один `randn`, и все последующие числа станут другими.
# %% id="generators"
def generator(seed):
    """A source of random numbers that nobody else draws from."""
    return torch.Generator().manual_seed(seed)


def randn(*shape, generator):
    """Normal numbers in float64."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


print(randn(3, generator=generator(1)))
print(randn(3, generator=generator(1)), "the same seed")
shared = generator(1)
print(randn(3, generator=shared), "one generator …")
print(randn(3, generator=shared), "… used on")


# %% [markdown] id="float64" lang="en"
# `float64` keeps about 16 digits, `float32`, PyTorch's default, about 7. Real models are trained with 7 or fewer. The lessons compute in `float64` wherever two results are to be compared, so that a difference is a mistake and not rounding.
#
# ## 8. Modules and parameters
#
# A model is a function with weights. `nn.Module` is the class that keeps the two together: what is assigned as an `nn.Parameter` in `__init__` is found by `parameters()`, and so are the parameters of modules that are assigned there (those in a plain list are not: `nn.ModuleList`); this is how an optimiser learns what it may change, and `forward` is what happens when the model is called. The most common module, `nn.Linear`, is one matrix product and a shift. It keeps its matrix lying on its side, as (out, in), which is worth knowing when one copies weights:
# %% [markdown] id="float64" lang="ru"
# `float64` хранит около 16 значащих цифр, `float32`, принятый в PyTorch по умолчанию, — около 7. Настоящие модели учат с точностью в 7 цифр или ниже. В уроках там, где надо сравнить два результата, вычисления идут в `float64`, чтобы расхождение означало ошибку, а не округление.
#
# ## 8. Модули и параметры
#
# Модель — это функция с весами. Класс `nn.Module` держит то и другое вместе: все `nn.Parameter`, созданные как атрибуты в `__init__`, возвращает метод `parameters()`, и параметры вложенных модулей тоже (но не тех, что лежат в обычном списке: для них есть `nn.ModuleList`); так оптимизатор узнаёт, что ему можно менять, а `forward` — это то, что происходит при вызове модели. Самый частый модуль, `nn.Linear`, — это одно умножение на матрицу и прибавление смещения (bias). Свою матрицу он хранит транспонированной, в форме (выход, вход), и при копировании весов об этом надо помнить:
# %% id="linear"
class Linear(nn.Module):
    """x W + b, with W of shape (d_in, d_out)."""

    def __init__(self, d_in, d_out, generator):
        super().__init__()
        self.W = nn.Parameter(randn(d_in, d_out, generator=generator) / math.sqrt(d_in))
        self.b = nn.Parameter(torch.zeros(d_out, dtype=torch.float64))

    def forward(self, x):
        return x @ self.W + self.b


mine = Linear(4, 3, generator(2))
theirs = nn.Linear(4, 3, dtype=torch.float64)
with torch.no_grad():
    theirs.weight.copy_(mine.W.mT)
    theirs.bias.copy_(mine.b)
print({name: tuple(p.shape) for name, p in mine.named_parameters()}, tuple(theirs.weight.shape))
parity(
    "torch.nn.Linear",
    mine,
    theirs,
    randn(2, 5, 4, generator=generator(3)),
    parameters=[(mine.W, theirs.weight, lambda weight: weight.mT), (mine.b, theirs.bias)],
)

# %% [markdown] id="parity" lang="en"
# The last line is a **parity check**: our version and the field's get the same input and the same weights, and must agree in every output and in every gradient, here the input's and those of both parameters (the gradients are those of one random weighted sum of the outputs). It stands in nearly every lesson. To build a thing and to find it equal to the one that everybody uses is good evidence that it is built right.
#
# ## 9. A training loop
#
# Let a model learn the last digit of the sum of two digits: 4 for 8 and 6. It is not told what a digit is: the digits are ten words with random vectors, and the answer is one of ten to choose from. Of the 100 pairs it sees 80; the other 20 are **held out**, to find out whether it has grasped anything.
#
# The model adds the vectors of the two digits, and a layer with ReLU (negative numbers become 0) and a second layer make ten logits of the result. A second variant, for comparison, puts the two vectors side by side instead of adding them.
# %% [markdown] id="parity" lang="ru"
# Последняя строка — **сверка** (parity check): наша версия и общепринятая получают один и тот же вход и одни и те же веса и обязаны совпасть по всем выходам и по всем градиентам, здесь — по входу и по обоим параметрам. Такая строка есть почти в каждом уроке. Построить что-то самому и убедиться, что оно совпадает с тем, чем пользуются все, — хороший довод, что построено верно.
#
# ## 9. Цикл обучения
#
# Пусть модель научится находить последнюю цифру суммы двух цифр: для 8 и 6 это 4. Что такое цифра, ей не говорят: цифры — это десять слов со случайными векторами, а ответ надо выбрать из десяти. Из 100 пар она видит 80; остальные 20 **отложены** (held out), чтобы узнать, поняла ли она что-нибудь.
#
# Модель складывает векторы двух цифр, а слой с ReLU (отрицательные числа превращаются в 0) и второй слой превращают результат в десять логитов. Второй вариант, для сравнения, ставит два вектора рядом вместо того, чтобы их складывать.
# %% id="data"
pairs = torch.cartesian_prod(torch.arange(10), torch.arange(10))  # (100, 2)
sums = pairs.sum(dim=1) % 10  # (100,)
order = torch.randperm(100, generator=generator(0))
fitted, held_out = order[:80], order[80:]
print(
    "pairs to learn from:",
    pairs[fitted[:4]].tolist(),
    "…  held out:",
    pairs[held_out[:3]].tolist(),
    "…",
)


class Adder(nn.Module):
    """Pairs of digits (B, 2) to logits (B, 10)."""

    def __init__(self, joined=False, D=8, d_ff=32):
        super().__init__()
        source = generator(4)
        self.joined = joined
        self.E = nn.Parameter(randn(10, D, generator=source))
        self.first = Linear(2 * D if joined else D, d_ff, source)
        self.second = Linear(d_ff, 10, source)

    def forward(self, pairs):
        x = self.E[pairs]  # (B, 2, D)
        x = x.flatten(1) if self.joined else x.sum(dim=1)
        return self.second(self.first(x).relu())


# %% [markdown] id="loop" lang="en"
# And this is the core of nearly every training loop of the course, up to the translator of [lesson 07](07_decoder.ipynb). Four lines do the work: predict and measure, clear the old gradients, compute the new ones, take a step against them. The order matters: clearing between `backward` and `step` leaves nothing to step by. Adam is gradient descent that scales the step of each weight by the past gradients of that weight; the learning rate is the common factor. Each step uses a **batch** of 16 random pairs: its gradient points roughly where that of all pairs would, at a fifth of the cost.
# %% [markdown] id="loop" lang="ru"
# А это ядро почти всех циклов обучения курса вплоть до переводчика из [урока 07](07_decoder.ipynb). Главное здесь — четыре строки: предсказать и измерить, стереть старые градиенты, вычислить новые, сделать шаг против них. Порядок важен: если обнулить градиенты между `backward` и `step`, шагать будет не по чему. Adam — градиентный спуск, который подбирает шаг каждому весу по его прошлым градиентам; скорость обучения — общий множитель. На каждом шаге берётся **батч** из 16 случайных пар: его градиент направлен примерно туда же, куда градиент по всем парам, а обходится впятеро дешевле.
# %% id="loop-code"
def measure(model, chosen):
    """Loss in nats and number of right answers on some of the pairs; changes nothing."""
    with torch.no_grad():
        logits = model(pairs[chosen])
    right = (logits.argmax(dim=-1) == sums[chosen]).sum().item()
    return F.cross_entropy(logits, sums[chosen]).item(), right


def train(model, steps=400, clear=True):
    """Train on the fitted pairs; the losses on both parts, every 10 steps."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    source = generator(5)
    losses = []
    for step in range(steps + 1):
        if step % 10 == 0:
            losses.append((measure(model, fitted)[0], measure(model, held_out)[0]))
        batch = fitted[torch.randint(80, (16,), generator=source)]
        loss = F.cross_entropy(model(pairs[batch]), sums[batch])
        if clear:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


adder = Adder()
losses = train(adder)
for step in (0, 100, 400):
    print(f"step {step:3}: loss {losses[step // 10][0]:.2f}, held out {losses[step // 10][1]:.2f}")

# %% id="loop-figure"
show(
    curves.training(range(0, 401, 10), *zip(*losses, strict=True), level=math.log(10)),
    "primer_training",
)

# %% [markdown] id="held-out" lang="en"
# The loss on the pairs it learns from falls towards 0. This alone means little: a table of all pairs would do as well. So look at the held-out pairs, and at the second variant:
# %% [markdown] id="held-out" lang="ru"
# Потери на парах, на которых модель учится, падают к 0. Само по себе это почти ничего не значит: таблица всех пар справилась бы не хуже. Поэтому посмотрим на отложенные пары и на второй вариант:
# %% id="held-out-code"
side_by_side = Adder(joined=True)
train(side_by_side)
for name, model in (("added", adder), ("side by side", side_by_side)):
    (loss, right), (other_loss, other_right) = measure(model, fitted), measure(model, held_out)
    print(f"{name:13} learned from: {right} of 80 right   held out: {other_right:2} of 20 right")

# %% [markdown] id="held-out-after" lang="en"
# Both know all the pairs that they were shown. Of those that they have not seen, the second finds none: it has memorised. The first finds `17` of 20. Has it understood what a sum is, then? Look at *which* ones it finds:
# %% [markdown] id="held-out-after" lang="ru"
# Обе модели знают все пары, которые им показали. Из тех, которых они не видели, вторая не решает верно ни одной: она всё заучила. Первая верно отвечает на `17` из 20. Значит, она поняла, что такое сумма? Посмотрим, на *какие* именно пары она ответила верно:
# %% id="mirrored"
seen = pairs[fitted].tolist()
mirrored = torch.tensor([[b, a] in seen for a, b in pairs[held_out].tolist()])
with torch.no_grad():
    right = adder(pairs[held_out]).argmax(dim=-1) == sums[held_out]
for name, kind in (("seen the other way round", mirrored), ("never seen", ~mirrored)):
    print(f"{name:25}{kind.sum().item():3} pairs, {(right & kind).sum().item():2} right")

# %% [markdown] id="mirrored-after" lang="en"
# It finds exactly those that it has seen the other way round, 5 and 3 for 3 and 5, and none of the rest. A model that adds the two vectors cannot tell the two orders apart: to it these pairs were not held out at all. That the order does not matter was built into it; whether it has found anything of addition, three pairs cannot say, and nothing here shows it. So there are three things to remember. What is built into a model decides what it can learn from few examples, and much of this course is about what is built into a transformer. Held-out data must be unseen *from the model's point of view*, or they flatter it. And a good figure is a reason to ask which cases make it up: each lesson does.
#
# The figure above shows the same from another side. The held-out loss falls and then rises again: a model that is wrong about some pairs and becomes ever surer of itself pays for that in cross-entropy.
#
# Now a common mistake: the same loop without `zero_grad`. No error, no warning. Adam is then given the sum of all the gradients there have ever been, most of them computed for weights that have long changed:
# %% [markdown] id="mirrored-after" lang="ru"
# Верны ответы ровно на те пары, которые она видела в другом порядке, — скажем, 5 и 3 вместо 3 и 5, — и ни на одну из остальных. Модель, которая складывает два вектора, не различает порядка: для неё эти пары вовсе не были отложены. То, что порядок не важен, заложено в её устройство; нашла ли она что-нибудь в самом сложении, три пары не скажут, и здесь этого не видно. Отсюда три вывода. То, что заложено в устройство модели, решает, чему она научится на немногих примерах, и значительная часть курса — о том, что заложено в трансформер. Отложенные данные должны быть незнакомы *с точки зрения модели*, иначе они ей льстят. И хороший результат — повод спросить, из каких случаев он складывается; об этом спрашивает каждый урок.
#
# Рисунок выше показывает то же самое с другой стороны. Потери на отложенных парах падают, а потом снова растут: если модель ошибается на некоторых парах и при этом всё увереннее в себе, кросс-энтропия за это штрафует.
#
# Теперь частая ошибка: тот же цикл без `zero_grad`. Ни исключения, ни предупреждения. Adam получает тогда сумму всех градиентов за всё время, а большинство из них посчитаны для весов, которые давно изменились:
# %% id="loop-break"
forgetful = Adder()
without = train(forgetful, clear=False)
print(f"loss after 400 steps: {losses[-1][0]:.2f} with zero_grad, {without[-1][0]:.2f} without")
assert without[-1][0] > 10 * losses[-1][0]


# %% [markdown] id="exercises" lang="en"
# ## 10. Exercises
#
# Write your answer in place of the `raise` line (in the last exercise, mend what stands there) and run the cell. The check says what is wrong; hints and solutions are folded. Whether or not you solve them, the notebook runs on.
# %% [markdown] id="exercises" lang="ru"
# ## 10. Упражнения
#
# Напишите ответ вместо строки с `raise` (в последнем упражнении исправьте то, что там стоит) и выполните ячейку. Проверка скажет, что не так; подсказки и решения свёрнуты. Даже если вы их не решите, ноутбук выполнится до конца.
# %% [markdown] id="ex-distances-text" lang="en"
# ### 10.1 Each with each
#
# `a` has shape $(n, d)$, `b` has shape $(m, d)$: points in $d$ dimensions. Return the squared distances of all pairs, $\sum_k (a_{ik} - b_{jk})^2$, as a tensor of shape $(n, m)$, without a Python loop.
# %% [markdown] id="ex-distances-text" lang="ru"
# ### 10.1 Каждая с каждой
#
# У `a` форма $(n, d)$, у `b` форма $(m, d)$: это точки в $d$-мерном пространстве. Верните квадраты расстояний для всех пар, $\sum_k (a_{ik} - b_{jk})^2$, — тензор формы $(n, m)$, не пользуясь циклом Python.
# %% id="ex-distances" tags=["exercise"]
def distances(a, b):
    raise NotImplementedError


distances = check("distances", distances)

# %% [markdown] id="ex-distances-solution" lang="en"
# <details><summary>Hint</summary>
#
# Give both tensors three axes, so that broadcasting makes $(n, m, d)$ of them. Which axis has to disappear in the end?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def distances(a, b):
#     difference = a[:, None] - b[None]  # (n, 1, d) − (1, m, d) → (n, m, d)
#     return difference.square().sum(dim=-1)
# ```
#
# </details>
# %% [markdown] id="ex-distances-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Дайте обоим тензорам по три оси, чтобы broadcasting сделал из них $(n, m, d)$. Какая ось должна в конце исчезнуть?
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def distances(a, b):
#     difference = a[:, None] - b[None]  # (n, 1, d) − (1, m, d) → (n, m, d)
#     return difference.square().sum(dim=-1)
# ```
#
# </details>


# %% [markdown] id="ex-logits-to-loss-text" lang="en"
# ### 10.2 From logits to the loss
#
# Write the cross-entropy yourself: `logits` of shape $(N, n)$, `targets` of shape $(N)$, the answer is the mean of $-\log p_y$ over the rows. It must hold for logits of 1000 and for those of −1000, and a gradient must flow through it.
# %% [markdown] id="ex-logits-to-loss-text" lang="ru"
# ### 10.2 От логитов к потерям
#
# Напишите кросс-энтропию сами: у `logits` форма $(N, n)$, у `targets` форма $(N)$, ответ — среднее $-\log p_y$ по строкам. Она должна выдерживать логиты 1000 и −1000, и через неё должен проходить градиент.
# %% id="ex-logits-to-loss" tags=["exercise"]
def logits_to_loss(logits, targets):
    raise NotImplementedError


logits_to_loss = check("logits-to-loss", logits_to_loss)

# %% [markdown] id="ex-logits-to-loss-solution" lang="en"
# <details><summary>Hint</summary>
#
# Do not compute $p$ at all: $-\log p_y = \log \sum_j e^{z_j} - z_y$. Subtract each row's largest logit first, and both parts are safe.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def logits_to_loss(logits, targets):
#     z = logits - logits.max(dim=-1, keepdim=True).values  # the largest is 0
#     log_sum = z.exp().sum(dim=-1).log()
#     right = z.gather(-1, targets[:, None])[:, 0]
#     return (log_sum - right).mean()
# ```
#
# </details>
# %% [markdown] id="ex-logits-to-loss-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Не вычисляйте $p$ вовсе: $-\log p_y = \log \sum_j e^{z_j} - z_y$. Сначала вычтите из каждой строки её наибольший логит, и переполнение не грозит ни одной из частей.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def logits_to_loss(logits, targets):
#     z = logits - logits.max(dim=-1, keepdim=True).values  # наибольший равен 0
#     log_sum = z.exp().sum(dim=-1).log()
#     right = z.gather(-1, targets[:, None])[:, 0]
#     return (log_sum - right).mean()
# ```
#
# </details>


# %% [markdown] id="ex-training-loop-text" lang="en"
# ### 10.3 A bug hunt
#
# This loop runs, and no line of it complains. It has **four** bugs. Mend them all; the check names the first symptom it meets. `batches` is a list of pairs of inputs and targets; the answer is the list of the losses as numbers, each measured before its step.
# %% [markdown] id="ex-training-loop-text" lang="ru"
# ### 10.3 Охота на ошибки
#
# Этот цикл запускается, и ни одна строка не вызывает нареканий у Python. Ошибок в нём **четыре**. Исправьте все; проверка называет первый встреченный симптом. `batches` — список пар из входов и целей; ответ — список потерь в виде чисел, на каждом батче до шага.
# %% id="ex-training-loop" tags=["exercise", "bug-hunt"]
def train_on(model, optimizer, batches):
    losses = []
    for inputs, targets in batches:
        probabilities = model(inputs).softmax(dim=-1)
        loss = F.cross_entropy(probabilities, targets)
        optimizer.step()
        loss.backward()
        losses.append(loss)
    return losses


train_on = check("training-loop", train_on)

# %% [markdown] id="ex-training-loop-solution" lang="en"
# <details><summary>Hint</summary>
#
# What does `F.cross_entropy` take? Which three calls belong to a step, and in which order? What does the list `losses` keep alive?
#
# </details>
# <details><summary>Solution</summary>
#
# Softmax came before a function that takes logits; the step came before the gradient; nobody cleared the gradients; the list kept each loss with the whole record of its computation.
#
# ```python
# def train_on(model, optimizer, batches):
#     losses = []
#     for inputs, targets in batches:
#         loss = F.cross_entropy(model(inputs), targets)
#         optimizer.zero_grad()
#         loss.backward()
#         optimizer.step()
#         losses.append(loss.item())
#     return losses
# ```
#
# </details>
# %% [markdown] id="ex-training-loop-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Что принимает `F.cross_entropy`? Какие три вызова составляют шаг и в каком порядке? Что хранит вместе с каждым элементом список `losses`?
#
# </details>
# <details><summary>Решение</summary>
#
# Softmax стоял перед функцией, которая принимает логиты; шаг стоял перед вычислением градиента; градиенты никто не обнулял; в списке каждое значение потерь лежало вместе со всей записью своих вычислений.
#
# ```python
# def train_on(model, optimizer, batches):
#     losses = []
#     for inputs, targets in batches:
#         loss = F.cross_entropy(model(inputs), targets)
#         optimizer.zero_grad()
#         loss.backward()
#         optimizer.step()
#         losses.append(loss.item())
#     return losses
# ```
#
# </details>

# %% id="exercises-used"
# Your answers (or the reference ones) on the data of this primer.
print(
    "10.1:",
    distances(torch.tensor([[0.0, 0], [3, 4]]), torch.tensor([[0.0, 0], [3, 0], [0, 4]])).tolist(),
)
print("10.2:", f"{logits_to_loss(adder(pairs[held_out]), sums[held_out]).item():.2f}")
untrained = Adder()
batches = [(pairs[part], sums[part]) for part in fitted.split(16)]
found = train_on(untrained, torch.optim.Adam(untrained.parameters(), lr=0.01), batches)
print("10.3:", [f"{loss:.2f}" for loss in found])

# %% [markdown] id="self-test" lang="en"
# ## 11. Are you ready?
#
# Answer aloud, then unfold. If you can answer these, start with [lesson 00](00_why_transformers.ipynb).
#
# <details><summary>1. A tensor of shape (8, 1, 5) plus one of shape (3, 5): which shape comes out?</summary>
#
# $(8, 3, 5)$. Aligned at the end, the second is read as $(1, 3, 5)$, and each 1 takes over the other size.
#
# </details>
# <details><summary>2. X has shape (B, T, D). What do X @ W with W of shape (D, d_k), and X @ X.mT compute, and in which shapes?</summary>
#
# `X @ W`: every token's vector goes through the same matrix, $(B, T, d_k)$. `X @ X.mT`: the dot products of all pairs of tokens within each sentence, $(B, T, T)$.
#
# </details>
# <details><summary>3. Why is the largest logit subtracted before the exponential, and why does it change nothing?</summary>
#
# Otherwise a large logit overflows, and the result is `nan`. It changes nothing because softmax depends on differences alone: numerator and denominator are both multiplied by $e^{-\max z}$.
#
# </details>
# <details><summary>4. What is the cross-entropy of a model that holds 1000 words equally likely, in nats?</summary>
#
# $\ln 1000 \approx 6.9$, and its perplexity is 1000.
#
# </details>
# <details><summary>5. What is the gradient of the cross-entropy with respect to the logits?</summary>
#
# $p - y$: the predicted probabilities minus the one-hot vector of the right answer.
#
# </details>
# <details><summary>6. A weight is used in two places. What is its gradient? And what stands in .grad after two calls of backward?</summary>
#
# The sum of the contributions of both places; and the sum of both calls, unless it was cleared in between.
#
# </details>
# <details><summary>7. A training loss of 0.01: what does it say of the model?</summary>
#
# That it fits what it was shown, perhaps by heart. Whether it has learned anything, held-out data tell.
#
# </details>
# <details><summary>8. What does a parity check compare?</summary>
#
# Our version and a reference one, with the same inputs and weights: all outputs and all gradients, in `float64`.
#
# </details>
# %% [markdown] id="self-test" lang="ru"
# ## 11. Готовы ли вы?
#
# Ответьте вслух, потом раскройте ответ. Если на эти вопросы вы отвечаете, начинайте с [урока 00](00_why_transformers.ipynb).
#
# <details><summary>1. Тензор формы (8, 1, 5) плюс тензор формы (3, 5): какая форма получится?</summary>
#
# $(8, 3, 5)$. Если выровнять по концу, форма второго читается как $(1, 3, 5)$, и каждая 1 принимает размер соседа.
#
# </details>
# <details><summary>2. У X форма (B, T, D). Что вычисляют X @ W, где у W форма (D, d_k), и X @ X.mT и какие у них формы?</summary>
#
# `X @ W`: вектор каждого токена умножается на одну и ту же матрицу, $(B, T, d_k)$. `X @ X.mT`: скалярные произведения всех пар токенов внутри каждого предложения, $(B, T, T)$.
#
# </details>
# <details><summary>3. Зачем перед экспонентой вычитают наибольший логит и почему от этого ничего не меняется?</summary>
#
# Иначе большой логит переполнит экспоненту, и получится `nan`. А не меняется ничего потому, что softmax зависит только от разностей: и числитель, и знаменатель умножаются на $e^{-\max z}$.
#
# </details>
# <details><summary>4. Чему равна кросс-энтропия модели, которая считает 1000 слов равновероятными, в натах?</summary>
#
# $\ln 1000 \approx 6.9$, а перплексия равна 1000.
#
# </details>
# <details><summary>5. Каков градиент кросс-энтропии по логитам?</summary>
#
# $p - y$: предсказанные вероятности минус one-hot-вектор верного ответа.
#
# </details>
# <details><summary>6. Вес участвует в двух местах. Каков его градиент? А что лежит в .grad после двух вызовов backward?</summary>
#
# Сумма вкладов обоих мест; и сумма по обоим вызовам, если между ними её не обнулили.
#
# </details>
# <details><summary>7. Потери на обучающей выборке 0.01: что это говорит о модели?</summary>
#
# Что она хорошо отвечает на то, что ей показывали, — возможно, наизусть. Научилась ли она чему-нибудь, покажут отложенные данные.
#
# </details>
# <details><summary>8. Что сравнивает сверка?</summary>
#
# Нашу версию с эталонной при одинаковых входах и весах: все выходы и все градиенты, в `float64`.
#
# </details>

# %% [markdown] id="where-used" lang="en"
# ## 12. Where each tool is used
#
# | Tool | Where it matters most |
# |---|---|
# | Counting multiply-adds | [00. Why transformers](00_why_transformers.ipynb) |
# | Embedding tables, $p - y$, held-out data | [01. Word2Vec](01_word2vec.ipynb) |
# | Logarithms and counts, no tensors | [02. BPE and tokenisation](02_bpe.ipynb) |
# | `@` and `mT`, softmax, masks of $-\infty$ | [03. Attention](03_attention.ipynb) |
# | `reshape` and `transpose` that cut vectors into heads | [04. Multi-head attention](04_multi_head.ipynb) |
# | Broadcasting over tokens and positions | [05. Positional encoding](05_positions.ipynb) |
# | Modules, the size of gradients | [06. The encoder block](06_encoder_block.ipynb) |
# | Training loop, cross-entropy with left-out targets, perplexity | [07. Decoder, training, translation](07_decoder.ipynb) |
# | `torch.where`, all of it together | [08. BERT vs GPT](08_bert_vs_gpt.ipynb) |
# %% [markdown] id="where-used" lang="ru"
# ## 12. Где что пригодится
#
# | Инструмент | Где он важнее всего |
# |---|---|
# | Счёт умножений-сложений | [00. Зачем нужны трансформеры](00_why_transformers.ipynb) |
# | Таблица эмбеддингов, $p - y$, отложенные данные | [01. Word2Vec](01_word2vec.ipynb) |
# | Логарифмы и подсчёты, без тензоров | [02. BPE и токенизация](02_bpe.ipynb) |
# | `@` и `mT`, softmax, маски из $-\infty$ | [03. Внимание](03_attention.ipynb) |
# | `reshape` и `transpose`, которые делят векторы на головы | [04. Многоголовое внимание](04_multi_head.ipynb) |
# | Broadcasting по токенам и позициям | [05. Позиционное кодирование](05_positions.ipynb) |
# | Модули, величина градиентов | [06. Блок энкодера](06_encoder_block.ipynb) |
# | Цикл обучения, кросс-энтропия с пропуском меток, перплексия | [07. Декодер, обучение, перевод](07_decoder.ipynb) |
# | `torch.where`, всё вместе | [08. BERT против GPT](08_bert_vs_gpt.ipynb) |
