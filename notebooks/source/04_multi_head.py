# %% [markdown] id="title" lang="en"
# # Lesson 04. Multi-head attention
#
# A head of attention asks one question and comes back with one mixture. This lesson shows a token that needs two answers, proves under clear conditions that they cannot always be read from the mixture of one head, and puts several heads side by side: with a pencil, as a module equal to PyTorch's, and in a trained model whose heads we watch and take out one at a time.
#
# **You will be able to**
#
# - show in a few lines what a single head cannot do;
# - cut a matrix into heads without mixing up the tokens, and join the outputs again;
# - explain why concatenation and $W_O$ together are a sum over the heads;
# - say why heads have to start from different numbers, and how little difference is enough;
# - keep apart what a head looks at and what it does;
# - say what the number of heads changes and what it does not, and compute how much memory the keys and values of a real model take.
#
# **You need** lesson 03: queries, keys, values, masks. **Time:** 70 minutes of reading and playing, 50 for the exercises; all cells run in under a minute.
#
# Previous lesson: [03, attention](03_attention.ipynb). Next lesson: [05, positional encoding](05_positions.ipynb).
# %% [markdown] id="title" lang="ru"
# # Урок 04. Многоголовое внимание
#
# Голова внимания задаёт один вопрос и приносит одну смесь значений. В этом уроке появится токен, которому нужны два ответа; мы докажем, при каких условиях их не прочесть из смеси одной головы, и поставим несколько голов рядом: сначала с карандашом в руках, потом в виде модуля, который считает то же, что PyTorch, и наконец в обученной модели, где мы рассмотрим все головы и по очереди их отключим.
#
# **Вы научитесь**
#
# - в несколько строк показывать, чего одна голова не может;
# - разрезать матрицу на головы, не перемешивая токены, и снова склеивать выходы голов;
# - объяснять, почему склейка вместе с $W_O$ — это сумма по головам;
# - объяснять, зачем головам разные начальные числа и насколько малого различия достаточно;
# - отличать вопрос, куда голова смотрит, от вопроса, что она делает;
# - определять, что зависит от числа голов, а что нет, и подсчитывать, сколько памяти занимают ключи и значения настоящей модели.
#
# **Понадобится** урок 03: запросы, ключи, значения, маски. **Время:** 70 минут на чтение и опыты, 50 — на упражнения; все ячейки выполняются меньше чем за минуту.
#
# Предыдущий урок: [03, внимание](03_attention.ipynb). Следующий урок: [05, позиционное кодирование](05_positions.ipynb).
# %% id="start"
from course_lib import start

start(lesson=4)

# %% id="imports"
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import course_lib.multi_head as mh
from course_lib import head_roles, two_questions
from course_lib.attention import causal_mask, padding_mask, scaled_dot_product_attention
from course_lib.cards.notebook import key_questions, recall
from course_lib.claims import claim, ledger
from course_lib.coreference import test_sentences
from course_lib.corpora import crossing
from course_lib.counting import OperationCounter
from course_lib.exercises import check
from course_lib.explorers import explore_heads
from course_lib.figures import course, show
from course_lib.figures import multi_head as drawings
from course_lib.figures import multi_head_curves as curves
from course_lib.glossary import notation_table
from course_lib.multi_head import MultiHeadAttention, key_value_cache
from course_lib.parity import parity
from course_lib.results import recorded


def randn(*shape, seed):
    """Normal numbers in float64, the same on every machine."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# %% id="map"
show(course.course_map(here=4), "course_map", here=4)

# %% [markdown] id="problem" lang="en"
# ## 1. Two questions at once
#
# A verb wants to know who acts and on whom; *it* wants to know what it stands for and what is said of it. Let us make a small text in which one token has two questions. The header of a letter has four tokens, each of them a role with a name. A fifth token asks which names stand in two of the roles, and the order of its questions matters:
# %% [markdown] id="problem" lang="ru"
# ## 1. Два вопроса сразу
#
# Глаголу нужно знать, кто действует и на кого; слову *it* — что оно заменяет и что о нём сказано. Составим маленький текст, в котором у одного токена два вопроса. В шапке письма четыре токена, каждый из них — роль с именем. Пятый токен спрашивает, какие имена стоят в двух ролях, и порядок вопросов важен:
# %% id="problem-letters"
for seed in range(3):
    print(two_questions.letters(1, torch.Generator().manual_seed(seed)))

# %% [markdown] id="problem-model" lang="en"
# The names, the order of the tokens and the questions are drawn at random: 12 names, 4 roles, four different names in a header, any name in any role. The model is one layer of attention over vectors of size $D = 32$. The vector of a header's token is the sum of two learned vectors, one for its role and one for its name; the vector of the asking token is the sum of one for *what is asked first* and one for *what is asked second*. The asking token makes a query, the four others make keys and values, and the output $z$ of the asking token, again 32 numbers, is read by two learned matrices with a column for each name: $z R_1$ gives a score to each name as the first answer, $z R_2$ as the second.
#
# **Predict:** the keys need to tell roles apart, the values names, and for both 32 numbers are room enough. Which share of the first questions will one head answer rightly after 400 steps of training, and which of the second? A blind guess is right once in 12 times.
# %% [markdown] id="problem-model" lang="ru"
# Имена, порядок токенов и вопросы выбираются случайно: 12 имён, 4 роли, в шапке четыре разных имени, любое имя в любой роли. Модель — один слой внимания над векторами размера $D = 32$. Вектор токена из шапки — сумма двух обучаемых векторов, один для роли, другой для имени; вектор спрашивающего токена — тоже сумма: один вектор для того, *что спрошено первым*, другой для того, *что спрошено вторым*. Спрашивающий токен даёт запрос, четыре остальных — ключи и значения. Выход $z$ спрашивающего токена — снова 32 числа; его читают две обучаемые матрицы, в каждой по столбцу на имя: $z R_1$ даёт оценку каждому имени как первому ответу, $z R_2$ — как второму.
#
# **Предскажите:** ключи должны различать роли, значения — имена, и для того и другого 32 чисел достаточно. На какую долю вопросов, стоящих первыми, верно ответит одна голова после 400 шагов обучения, а на какую — стоящих вторыми? При угадывании вслепую верен один ответ из 12.
# %% id="problem-one-head"
print("seed   loss   first  second   weight on first?, second?, others")
singles, losses_one, alone = {}, {}, {}
for seed in range(5):
    singles[seed] = model = two_questions.Answerer(heads=1, seed=seed)
    losses_one[seed], _ = two_questions.train(model)
    alone[seed] = two_questions.accuracy(model)
    shares = " ".join(f"{share:7.2f}" for share in two_questions.looks(model)[0].tolist())
    print(
        f"{seed:4} {np.mean(losses_one[seed][-50:]):6.2f} {alone[seed][0]:7.2f} {alone[seed][1]:7.2f} {shares}"
    )
long = two_questions.Answerer(heads=1, seed=0)
losses_long, _ = two_questions.train(long, steps=1000, rate=0.003)
alone["long"] = two_questions.accuracy(long)
print(
    f"long {np.mean(losses_long[-50:]):6.2f} {alone['long'][0]:7.2f} {alone['long'][1]:7.2f}",
    end=" ",
)
print(" ".join(f"{share:7.2f}" for share in two_questions.looks(long)[0].tolist()))
assert all(min(answers) < 0.4 for answers in alone.values())

# %% [markdown] id="problem-after" lang="en"
# For four seeds of five the head has put all of its weight on one of the two tokens asked for: the question about this token is always answered rightly, the other one about as often as by a guess among the eleven names that are left. (Which of the two it is depends on the seed.) Seed 3 looks at both tokens, and so does the last line, a model trained for 1000 steps at a lower rate: now the names of both are in the mixture and the loss is lower, but one answer in four or five is all that the second question gets. Room is not what this head lacks. It lacks a second set of attention weights.
# %% [markdown] id="problem-after" lang="ru"
# При четырёх зёрнах из пяти голова отдала весь вес одному из двух токенов, о которых спросили: на вопрос о нём ответ верен всегда, на другой — примерно так же часто, как при угадывании среди одиннадцати оставшихся имён. (На какой из двух — зависит от зерна.) При зерне 3 она смотрит на оба токена; то же делает модель из последней строки, которую учили 1000 шагов с меньшей скоростью: теперь в смеси есть оба имени, и потери ниже, но на второй вопрос верен лишь каждый четвёртый или пятый ответ. Места голове хватает. Не хватает ей второго набора весов внимания.

# %% [markdown] id="symbols" lang="en"
# ## 2. Symbols and shapes
#
# Letters and colours are those of lesson 03. New is the number $h$ of a head. On learned matrices it stands above: $W_Q^h$, $W_K^h$, $W_V^h$, together called the *triple* of head $h$, and $W_O^h$, its slice of $W_O$ (section 6). On results it stands below: $A_h$, $Z_h$. $H_{KV}$ is not needed before section 12. In this lesson *weights* without more are attention weights, the numbers in a row of $A$; what is learned we call parameters, or matrices.
# %% [markdown] id="symbols" lang="ru"
# ## 2. Обозначения и формы
#
# Буквы и цвета — те же, что в уроке 03. Новое — номер головы $h$. У обучаемых матриц он стоит сверху: $W_Q^h$, $W_K^h$, $W_V^h$ — вместе это *тройка* головы $h$ — и $W_O^h$, её срез матрицы $W_O$ (раздел 6). У результатов он стоит снизу: $A_h$, $Z_h$. До раздела 12 $H_{KV}$ не понадобится. В этом уроке просто *веса* — это веса внимания, числа в строке $A$; то, что обучается, мы называем параметрами или матрицами.
# %% id="notation"
notation_table(4)

# %% [markdown] id="recall" lang="en"
# Three questions from earlier lessons. Answer each aloud, then unfold.
# %% [markdown] id="recall" lang="ru"
# Три вопроса из прошлых уроков. Ответьте на каждый вслух, потом раскройте ответ.
# %% id="recall-cards"
recall(4)

# %% [markdown] id="one-mixture" lang="en"
# ## 3. Why one head cannot do it
#
# Let Ann stand in the role that is asked for first, Bob in the one asked for second. One head gives Ann's token a weight $a$, Bob's a weight $b$, and the output is the mixture $a\,v_{\text{Ann}} + b\,v_{\text{Bob}} + \dots$. Both names may well be in it. But *which* name answers *which* question is written nowhere: all that could tell it is which of the weights is larger.
#
# Could the second reader not prefer the name of which there is *less*? Then it would like still better a name of which there is nothing at all, one that is not in the letter. This is the idea; the rest of the section makes it exact. Three conditions are needed: $R_1$ and $R_2$ are linear; role and name are *added* in a token's vector; and the weights depend on the roles and the question, not on the names. The first two hold in our model by construction. The third is an assumption: the keys contain the names as well, but a name says nothing about whether its token is asked for.
#
# Because $R_2$ is linear, its score of a name $x$ for the mixture is $a\,m(x, \text{Ann}) + b\,m(x, \text{Bob}) + \dots + c(x)$. Here $m(x, y)$ is what the value of the name $y$ adds to the score of $x$, and $c(x)$ what the role parts of the values add, whoever stands in the roles. (The dots are the two other names of the header; in the mean that we are about to take they add the same to both sides, so we leave them out.) Let $A$ and $B$, from here on names, stand in the two roles asked for. The right answer to the second question is $B$; its score must be greater than that of $A$, and than that of a name $C$ that is not in the header:
#
# $$a\,m(B,A) + b\,m(B,B) + c(B) > a\,m(A,A) + b\,m(A,B) + c(A),$$
# $$a\,m(B,A) + b\,m(B,B) + c(B) > a\,m(C,A) + b\,m(C,B) + c(C).$$
#
# If this holds for every letter, it holds on average. Keep the question and take the mean over all choices of different names: four in the header and $C$. Then $c(A)$, $c(B)$ and $c(C)$ all become one number, and cancel. Each $m(x,x)$ becomes $p$, the mean score of a name for its own value; each $m(x,y)$ with $x \ne y$ becomes $r$, that for another's:
#
# $$a\,r + b\,p > a\,p + b\,r \;\Longleftrightarrow\; (b - a)(p - r) > 0, \qquad a\,r + b\,p > a\,r + b\,r \;\Longleftrightarrow\; b\,(p - r) > 0.$$
#
# Weights of a softmax are positive, so the second says $p > r$; then the first says $b > a$. To answer the second question always, Bob's weight must be the larger one. The same lines with the scores of $R_1$ say that Ann's must. One pair of weights cannot do both.
#
# So no head whose weights ignore the names can answer *both* questions of *every* letter, however it is trained. What it can do besides, such as being right now and then, the argument leaves open, and a reader with a non-linear layer of its own could read more out of unequal weights. The way out that transformers take is a second head: with weights of its own, and with its own place in the output, so that its mixture is not stirred into the first. Vaswani et al. (2017, section 3.2.2) say it in half a sentence: averaging stands in the way of a single head.
# %% [markdown] id="one-mixture" lang="ru"
# ## 3. Почему одной головы мало
#
# Пусть в роли, о которой спросили первой, стоит Ann, а в той, о которой спросили второй, — Bob. Одна голова даёт токену Ann вес $a$, токену Bob — вес $b$, и на выходе получается смесь $a\,v_{\text{Ann}} + b\,v_{\text{Bob}} + \dots$. Оба имени в ней, может быть, и есть. Но *какое* имя отвечает на *какой* вопрос, нигде не записано: подсказать это может лишь то, какой из весов больше.
#
# А не может ли второй читатель предпочесть имя, которого в смеси *меньше*? Тогда ещё больше ему понравится имя, которого в ней нет вовсе, — то, которого нет в письме. В этом вся идея; дальше мы её уточним. Нужны три условия: $R_1$ и $R_2$ линейны; роль и имя в векторе токена *складываются*; веса зависят от ролей и от вопроса, но не от имён. Первые два в нашей модели выполнены по построению. Третье — предположение: имена в ключах тоже есть, но по имени нельзя узнать, спрашивают ли о его токене.
#
# Раз $R_2$ линейна, её оценка имени $x$ по смеси равна $a\,m(x, \text{Ann}) + b\,m(x, \text{Bob}) + \dots + c(x)$. Здесь $m(x, y)$ — вклад значения имени $y$ в оценку имени $x$, а $c(x)$ — вклад ролей, кто бы в этих ролях ни стоял. (Многоточие — два остальных имени из шапки; при усреднении, к которому мы перейдём, они добавляют к обеим частям поровну, поэтому мы их опустим.) Пусть в двух ролях, о которых спросили, стоят $A$ и $B$ — дальше это имена. На второй вопрос верен ответ $B$, и его оценка должна быть больше, чем у $A$ и чем у имени $C$, которого в шапке нет:
#
# $$a\,m(B,A) + b\,m(B,B) + c(B) > a\,m(A,A) + b\,m(A,B) + c(A),$$
# $$a\,m(B,A) + b\,m(B,B) + c(B) > a\,m(C,A) + b\,m(C,B) + c(C).$$
#
# Если это верно для каждого письма, то верно и в среднем. Оставим вопрос тем же и усредним по всем наборам разных имён: четыре в шапке и ещё $C$. Тогда $c(A)$, $c(B)$ и $c(C)$ превратятся в одно и то же число и сократятся. Каждое $m(x,x)$ превратится в $p$ — среднюю оценку имени за его собственное значение, каждое $m(x,y)$ при $x \ne y$ — в $r$, среднюю оценку за чужое:
#
# $$a\,r + b\,p > a\,p + b\,r \;\Longleftrightarrow\; (b - a)(p - r) > 0, \qquad a\,r + b\,p > a\,r + b\,r \;\Longleftrightarrow\; b\,(p - r) > 0.$$
#
# Веса после softmax положительны, поэтому из второго следует $p > r$, а тогда из первого — $b > a$. Чтобы всегда отвечать на второй вопрос, больший вес должен быть у Bob. Те же выкладки с оценками $R_1$ показывают, что больший вес должен быть у Ann. Одной парой весов не добиться и того и другого.
#
# Значит, голову, веса которой не зависят от имён, никакое обучение не заставит отвечать на *оба* вопроса *каждого* письма. На что ещё она способна — скажем, иногда отвечать верно на оба, — рассуждение не говорит, а читатель с собственным нелинейным слоем сумел бы узнать из неравных весов больше. Трансформеры поступают иначе: берут вторую голову — со своими весами и со своим местом в выходе, чтобы её смесь не смешивалась с первой. У Vaswani et al. (2017, раздел 3.2.2) об этом полфразы: единственной голове мешает усреднение.
# %% id="one-mixture-figure"
show(drawings.one_mixture(), "one_mixture")

# %% [markdown] id="by-hand" lang="en"
# ## 4. Two heads, by hand
#
# Before we train two heads on the letters (section 8), we compute two on paper. The three tokens of lesson 03 once more, *animal*, *street*, *it*, with $D = 2$. Each head has a triple of its own; the numbers are chosen, not learned, so that *it* will look at *animal* in head 1 and at *street* in head 2. To keep the arithmetic small, queries, keys and values are single numbers, $d_k = d_v = 1$, so that a matrix of a head is one column, and the divisor $\sqrt{d_k}$ is 1.
# %% [markdown] id="by-hand" lang="ru"
# ## 4. Две головы вручную
#
# Прежде чем обучать две головы на письмах (раздел 8), вычислим две другие на бумаге. Снова три токена из урока 03 — *animal*, *street*, *it*, $D = 2$. У каждой головы своя тройка; числа не обучены, а подобраны так, чтобы в голове 1 слово *it* смотрело на *animal*, а в голове 2 — на *street*. Чтобы считать было легко, запросы, ключи и значения — просто числа, $d_k = d_v = 1$: матрица головы — один столбец, а делитель $\sqrt{d_k}$ равен 1.
# %% id="by-hand-projections"
tokens = ["animal", "street", "it"]
X = torch.tensor([[1.0, 0], [0, 1], [1, 1]], dtype=torch.float64)


def column(a, b):
    return torch.tensor([[a], [b]], dtype=torch.float64)


heads = [  # W_Q, W_K, W_V of each
    (column(1.0, 1.0), column(1.0, -1.0), column(1.0, 0.0)),
    (column(1.0, 1.0), column(-1.0, 1.0), column(1.0, 3.0)),
]
for h, (W_Q, W_K, W_V) in enumerate(heads, start=1):
    print(f"head {h}   q     k     v")
    for token, q, k, v in zip(tokens, X @ W_Q, X @ W_K, X @ W_V, strict=True):
        print(f"{token:7} {int(q):3} {int(k):5} {int(v):5}")

# %% [markdown] id="by-hand-text" lang="en"
# Take a pencil and follow *it*. In head 1 its query is 2, so the scores are twice the keys: $2, -2, 0$. Exponentials $7.389, 0.135, 1$, sum $8.524$; weights $0.8668, 0.0159, 0.1173$; the output is $0.8668 \cdot 1 + 0.0159 \cdot 0 + 0.1173 \cdot 1 = 0.9841$. In head 2 the keys have the other sign, and *it* looks at *street*: $0.0159 \cdot 1 + 0.8668 \cdot 3 + 0.1173 \cdot 4 \approx 3.0856$.
#
# The two outputs are put side by side, $(0.9841,\ 3.0856)$. This is the **concatenation**; it has $H d_v$ numbers for each token. A last learned matrix $W_O$ of shape $(H d_v, D)$ makes a vector of the old size of them:
# %% [markdown] id="by-hand-text" lang="ru"
# Возьмите карандаш и следите за *it*. В голове 1 его запрос равен 2, значит, оценки — удвоенные ключи: $2, -2, 0$. Экспоненты $7.389, 0.135, 1$, их сумма $8.524$; веса $0.8668, 0.0159, 0.1173$; выход $0.8668 \cdot 1 + 0.0159 \cdot 0 + 0.1173 \cdot 1 = 0.9841$. В голове 2 у ключей другой знак, и *it* смотрит на *street*: $0.0159 \cdot 1 + 0.8668 \cdot 3 + 0.1173 \cdot 4 \approx 3.0856$.
#
# Два выхода ставят рядом: $(0.9841,\ 3.0856)$. Это **склейка**, или конкатенация (concatenation); у каждого токена в ней $H d_v$ чисел. Последняя обучаемая матрица $W_O$ формы $(H d_v, D)$ делает из них вектор прежнего размера:
# %% id="by-hand-loop"
W_O = torch.tensor([[1.0, 0], [1, 2]], dtype=torch.float64)
outputs = []
for h, (W_Q, W_K, W_V) in enumerate(heads, start=1):
    A = ((X @ W_Q) @ (X @ W_K).T / math.sqrt(1)).softmax(dim=-1)
    outputs.append(A @ (X @ W_V))
    print(f"A_{h} =\n", A, sep="")
concatenated = torch.cat(outputs, dim=-1)
print("[Z_1, Z_2] =\n", concatenated, sep="")
result = concatenated @ W_O
print("[Z_1, Z_2] W_O =\n", result, sep="")

# %% [markdown] id="by-hand-after" lang="en"
# Check the last row: $0.9841 \cdot 1 + 3.0856 \cdot 1 = 4.0697$ and $3.0856 \cdot 2 \approx 6.171$. (The rows of *animal* and *street* agree because their queries do: both are 1.) In a formula, with $H$ heads:
#
# $$\operatorname{MultiHead}(X) = [Z_1, \dots, Z_H]\, W_O, \qquad Z_h = \operatorname{Attention}(X W_Q^h,\ X W_K^h,\ X W_V^h).$$
#
# All heads read the same $X$. They do not see each other: their results meet only in $W_O$ and in whatever comes after the layer.
# %% [markdown] id="by-hand-after" lang="ru"
# Проверьте последнюю строку: $0.9841 \cdot 1 + 3.0856 \cdot 1 = 4.0697$ и $3.0856 \cdot 2 \approx 6.171$. (Строки *animal* и *street* совпали, потому что совпали запросы: оба равны 1.) Формулой, для $H$ голов:
#
# $$\operatorname{MultiHead}(X) = [Z_1, \dots, Z_H]\, W_O, \qquad Z_h = \operatorname{Attention}(X W_Q^h,\ X W_K^h,\ X W_V^h).$$
#
# Все головы читают один и тот же $X$. Друг друга они не видят: их результаты встречаются только в $W_O$ и в том, что стоит после слоя.

# %% [markdown] id="split" lang="en"
# ## 5. All heads in one product
#
# Nobody loops over heads. The columns of all $W_Q^h$ stand side by side in one matrix $W_Q$ of shape $(D, H d_k)$, so that $X W_Q$ makes the queries of all heads at once: in each row, first the query of head 1, then that of head 2, and so on. The row has to be cut into $H$ pieces, and the heads' axis brought to the front: $(T, H d_k) \to (T, H, d_k) \to (H, T, d_k)$. Then *one* product makes all $H$ matrices of scores: for tensors with three axes, `@` multiplies the matrices of the last two and does so for each index of the first.
#
# In PyTorch `view` changes a shape and moves nothing: it reads the numbers row by row, as they lie in memory, and fills the new shape in the same order. **Predict:** `Q.view(H, T, d_k)` gives the right shape in one step. What would be in the first head?
# %% [markdown] id="split" lang="ru"
# ## 5. Все головы одним умножением
#
# Цикл по головам никто не пишет. Столбцы всех $W_Q^h$ стоят рядом в одной матрице $W_Q$ формы $(D, H d_k)$, и $X W_Q$ даёт запросы сразу всех голов: в каждой строке сначала запрос головы 1, потом головы 2 и так далее. Строку надо разрезать на $H$ кусков и вынести ось голов вперёд: $(T, H d_k) \to (T, H, d_k) \to (H, T, d_k)$. После этого *одно* умножение даёт все $H$ матриц оценок: у тензоров с тремя осями `@` перемножает матрицы по двум последним осям, отдельно для каждого индекса первой.
#
# В PyTorch `view` меняет форму и ничего не переставляет: числа читаются построчно, как лежат в памяти, и в том же порядке заполняют новую форму. **Предскажите:** `Q.view(H, T, d_k)` даёт нужную форму за один шаг. Что окажется в первой голове?
# %% id="split-trap"
numbers = torch.arange(1, 19).reshape(3, 6)  # T = 3 tokens; H = 3 heads of d_k = 2
right = numbers.view(3, 3, 2).transpose(0, 1)
wrong = numbers.view(3, 3, 2)  # H = T = 3, so that head 1 will be exactly token 1
print(numbers)
print("head 1, right:", right[0].tolist())
print("head 1, wrong:", wrong[0].tolist())

# %% id="split-figure"
show(drawings.split_heads(), "split_heads")

# %% [markdown] id="split-after" lang="en"
# Without the transposition the "first head" holds all numbers of the first token: its three "tokens" are three slices of one vector, and no score compares two words. There is no error message, and a model with this bug trains all the same. With $H \ne T$ the tokens are mixed in another way, and the program is silent again: `view` fits any sizes.
#
# The example of section 4 without a loop must give the numbers we know. (`zip(*heads)` regroups the triples: all $W_Q$ together, all $W_K$, all $W_V$; `split_heads` does the two steps above, `merge_heads` the same steps backwards; `.mT` transposes the last two axes.)
# %% [markdown] id="split-after" lang="ru"
# Без транспонирования в «первой голове» лежат все числа первого токена: её три «токена» — три куска одного вектора, и ни одна оценка не сравнивает двух слов. Сообщения об ошибке не будет, и модель с такой ошибкой всё-таки обучается. При $H \ne T$ токены перемешаются иначе, а программа опять промолчит: `view` сработает при любых размерах.
#
# Пример из раздела 4, посчитанный без цикла, обязан дать знакомые числа. (`zip(*heads)` перегруппировывает тройки: все $W_Q$ вместе, все $W_K$, все $W_V$; `split_heads` делает два шага, описанные выше, `merge_heads` — те же шаги в обратном порядке; `.mT` транспонирует две последние оси.)
# %% id="split-vectorised"
W_Q, W_K, W_V = (torch.cat(parts, dim=-1) for parts in zip(*heads, strict=True))  # (D, H·1)
Q, K, V = (mh.split_heads(X @ W, heads=2) for W in (W_Q, W_K, W_V))
A = (Q @ K.mT / math.sqrt(Q.shape[-1])).softmax(dim=-1)
Z = A @ V
joined = mh.merge_heads(Z)
for name, tensor in (("Q", Q), ("A", A), ("Z", Z), ("[Z_1, Z_2]", joined)):
    print(f"{name:10} {tuple(tensor.shape)}")
print("[Z_1, Z_2] W_O =\n", joined @ W_O, sep="")
assert (joined @ W_O - result).abs().max() < 1e-12

# %% [markdown] id="sum" lang="en"
# ## 6. Concatenation is a sum
#
# The concatenation looks like a piece of bookkeeping, and $W_O$ like an afterthought. There is another way to see both. In section 4 the last vector of *it* was $0.9841 \cdot (1, 0) + 3.0856 \cdot (1, 2)$: the output of head 1 times the first row of $W_O$, plus the output of head 2 times the second. It is always so. Cut $W_O$ into $H$ slices of $d_v$ rows each, one below the other. A number of the product is a sum over $H d_v$ columns; the first $d_v$ of them meet only rows of $W_O^1$, the next only rows of $W_O^2$, and a long sum may be added up in portions:
#
# $$[Z_1, \dots, Z_H] \begin{bmatrix} W_O^1 \\ \vdots \\ W_O^H \end{bmatrix} = Z_1 W_O^1 + \dots + Z_H W_O^H.$$
#
# Each head turns its own output into a vector of size $D$ by a matrix of its own, and the results are *added*: what the layer says is the sum of what the heads say (Elhage et al., 2021). Is that not one mixture again, as in section 3? No: a name that comes through head 1 has passed through $W_V^1 W_O^1$, the same name through head 2 through $W_V^2 W_O^2$. They are two different vectors, and a linear reader can tell them apart.
#
# Given the attention weights, $W_V^h$ and $W_O^h$ matter only through this product, a matrix of shape $(D, D)$ for each head. It squeezes a token through $d_v$ numbers, so all that the head can write lies in at most $d_v$ of the $D$ directions; in other words, its *rank* is at most $d_v$. The cell checks the sum, takes one head out (`gate` multiplies the output of each head by a number, and 0 removes it), and computes the ranks.
# %% [markdown] id="sum" lang="ru"
# ## 6. Склейка — это сумма
#
# Склейка похожа на техническую мелочь, а $W_O$ — на довесок к ней. Но на то и другое можно посмотреть иначе. В разделе 4 последний вектор слова *it* был равен $0.9841 \cdot (1, 0) + 3.0856 \cdot (1, 2)$: выход головы 1, умноженный на первую строку $W_O$, плюс выход головы 2, умноженный на вторую. Так бывает всегда. Разрежем $W_O$ на $H$ срезов по $d_v$ строк, один под другим. Каждое число произведения — сумма по $H d_v$ столбцам; первые $d_v$ из них встречаются только со строками $W_O^1$, следующие — только со строками $W_O^2$, а длинную сумму можно складывать по частям:
#
# $$[Z_1, \dots, Z_H] \begin{bmatrix} W_O^1 \\ \vdots \\ W_O^H \end{bmatrix} = Z_1 W_O^1 + \dots + Z_H W_O^H.$$
#
# Каждая голова своей матрицей превращает свой выход в вектор размера $D$, и результаты *складываются*: то, что говорит слой, — сумма того, что говорят головы (Elhage et al., 2021). Не та же ли это единая смесь, что в разделе 3? Нет: имя, пришедшее через голову 1, прошло через $W_V^1 W_O^1$, то же имя через голову 2 — через $W_V^2 W_O^2$. Это два разных вектора, и линейный читатель их различит.
#
# При данных весах внимания $W_V^h$ и $W_O^h$ важны только через это произведение — по одной матрице формы $(D, D)$ на голову. Оно пропускает токен через $d_v$ чисел, поэтому всё, что голова может записать, лежит не больше чем в $d_v$ направлениях из $D$; иначе говоря, *ранг* произведения не больше $d_v$. Ячейка проверяет сумму, отключает одну голову (`gate` умножает выход каждой головы на число, и 0 её убирает) и вычисляет ранги.
# %% id="sum-figure"
show(drawings.multi_head_sum(), "multi_head_sum")

# %% id="sum-equal"
layer = MultiHeadAttention(12, heads=4, generator=torch.Generator().manual_seed(0))
x = randn(5, 12, seed=1)
with torch.no_grad():
    Z, _ = layer.attend(x)  # (H, T, d_v)
    slices = layer.W_O.view(4, 3, 12)  # (H, d_v, D)
    concatenation = mh.merge_heads(Z) @ layer.W_O
    sum_of_heads = sum(Z[h] @ slices[h] for h in range(4))
    ranks = [
        int(torch.linalg.matrix_rank(layer.W_V[:, 3 * h : 3 * h + 3] @ slices[h])) for h in range(4)
    ]
    without_third, _ = layer(x, gate=torch.tensor([1.0, 1, 0, 1], dtype=torch.float64))
    difference = (concatenation - sum_of_heads).abs().max()
    removed = (concatenation - without_third - Z[2] @ slices[2]).abs().max()
print("|[Z_1, …, Z_H] W_O − Σ_h Z_h W_O^h| ≤ 1e-12:", bool(difference <= 1e-12))
print("what is missing without head 3 is Z_3 W_O^3, ≤ 1e-12:", bool(removed <= 1e-12))
print("rank of W_V^h W_O^h, D = 12, d_v = 3:", ranks)


# %% [markdown] id="sum-after" lang="en"
# The two views are one computation, and without head 3 exactly its term of the sum is missing. Heads are independent of each other; we shall take single ones out in section 10.
# %% [markdown] id="sum-after" lang="ru"
# Оба взгляда — одно и то же вычисление, а без головы 3 не хватает ровно её слагаемого. Головы не зависят друг от друга; отключать их по одной мы будем в разделе 10.
# %% [markdown] id="module" lang="en"
# ## 7. The module
#
# Here is all of it (Vaswani et al., 2017, section 3.2.2). The usual choice is $d_k = d_v = D / H$: then the heads together have as many columns as one large head of size $D$ would have. $W_O$ has $D$ columns, so the output has the shape of the input whatever the heads do inside, and layers can be stacked. In the code `unflatten` cuts one axis in two, `flatten(-2)` joins the last two, and axes are counted from the end, so that a batch may stand in front. The initial numbers are divided by the root of the number of rows, as in lesson 03: so $XW$ begins about as large as $X$.
# %% [markdown] id="module" lang="ru"
# ## 7. Модуль
#
# Вот всё целиком (Vaswani et al., 2017, раздел 3.2.2). Обычно берут $d_k = d_v = D / H$: тогда у всех голов вместе столько же столбцов, сколько было бы у одной большой головы размера $D$. У $W_O$ столбцов $D$, поэтому форма выхода равна форме входа, что бы головы ни делали внутри, и слои можно ставить друг на друга. В коде `unflatten` разрезает одну ось на две, `flatten(-2)` склеивает две последние, а оси отсчитываются с конца, чтобы впереди мог стоять батч. Начальные числа делятся на корень из числа строк, как в уроке 03: тогда $XW$ вначале примерно той же величины, что и $X$.
# %% id="module-class"
class MultiHead(nn.Module):
    """H heads of self-attention: x (..., T, D) -> output (..., T, D), weights (..., H, T, T)."""

    def __init__(self, D, H, d_k, d_v, generator):
        super().__init__()
        self.H = H
        shapes = {
            "W_Q": (D, H * d_k),
            "W_K": (D, H * d_k),
            "W_V": (D, H * d_v),
            "W_O": (H * d_v, D),
        }
        for name, (rows, columns) in shapes.items():
            weight = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
            setattr(self, name, nn.Parameter(weight / math.sqrt(rows)))

    def forward(self, x, mask=None):
        q, k, v = (self.split(x @ W) for W in (self.W_Q, self.W_K, self.W_V))  # (..., H, T, d)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        z = (weights @ v).transpose(-2, -3).flatten(-2)  # (..., T, H·d_v)
        return z @ self.W_O, weights

    def split(self, x):
        return x.unflatten(-1, (self.H, -1)).transpose(-2, -3)


# %% [markdown] id="module-parity-text" lang="en"
# The package holds the finished version, `course_lib.multi_head.MultiHeadAttention`; it can do a little more (biases, a mask for each sequence, fewer heads for the keys, as in section 12). Ours must agree with it, and it with PyTorch's `nn.MultiheadAttention`: outputs, weights, and the gradients of the input and of all parameters, on uneven sizes; the first with a causal mask, the second with biases and a padding mask besides. You may skip the code; most of it is about layouts. PyTorch keeps $W_Q, W_K, W_V$ below each other and transposed in one `in_proj_weight`, from which `of(i)` takes the part number $i$. Its masks have the opposite sense, True hides, so they are inverted here. Parameters are taken over from PyTorch's layer, and given back.
# %% [markdown] id="module-parity-text" lang="ru"
# Готовая версия лежит в пакете: `course_lib.multi_head.MultiHeadAttention`; она умеет чуть больше (смещения, своя маска у каждой последовательности, меньше голов у ключей — об этом раздел 12). Наша версия должна совпасть с ней, а она — с `nn.MultiheadAttention` из PyTorch: выходы, веса внимания, градиенты по входу и по всем параметрам, на некруглых размерах; в первом случае с каузальной маской, во втором — ещё и со смещениями и маской заполнения. Код можно пропустить: он в основном о том, что где лежит. PyTorch хранит $W_Q, W_K, W_V$ друг под другом и транспонированными в одном `in_proj_weight`, откуда `of(i)` берёт часть номер $i$. У масок там обратный смысл: True скрывает, поэтому здесь они инвертированы. Параметры берутся из слоя PyTorch и возвращаются в него.
# %% id="module-parity"
mine = MultiHead(15, 3, 4, 7, torch.Generator().manual_seed(0))
packaged = MultiHeadAttention(15, heads=3, d_k=4, d_v=7, generator=torch.Generator().manual_seed(0))
mask = causal_mask(7)
pairs = [(getattr(mine, name), getattr(packaged, name)) for name in ("W_Q", "W_K", "W_V", "W_O")]
parity(
    "course_lib.multi_head",
    lambda x: mine(x, mask),
    lambda x: packaged(x, mask=mask),
    randn(2, 7, 15, seed=2),
    parameters=pairs,
)

with torch.random.fork_rng():
    torch.manual_seed(3)
    theirs = nn.MultiheadAttention(15, 3, batch_first=True, dtype=torch.float64)
    for bias in (theirs.in_proj_bias, theirs.out_proj.bias):
        nn.init.normal_(bias)  # they start at 0, which would prove nothing
ours = MultiHeadAttention.from_torch(theirs)
visible = padding_mask(torch.tensor([7, 4]), 7)  # (B, 1, T): the second sequence has 4 tokens


def of(part):
    """The rows of a part of in_proj, as our columns."""
    return lambda w: (
        w[15 * part : 15 * part + 15].mT if w.ndim == 2 else w[15 * part : 15 * part + 15]
    )


parameters = [(getattr(ours, f"W_{n}"), theirs.in_proj_weight, of(i)) for i, n in enumerate("QKV")]
parameters += [(getattr(ours, f"b_{n}"), theirs.in_proj_bias, of(i)) for i, n in enumerate("QKV")]
parameters += [(ours.W_O, theirs.out_proj.weight, lambda w: w.T), (ours.b_O, theirs.out_proj.bias)]
parity(
    "nn.MultiheadAttention",
    lambda x: ours(x, mask=(visible & mask)[:, None]),
    lambda x: theirs(
        x, x, x, attn_mask=~mask, key_padding_mask=~visible[:, 0], average_attn_weights=False
    ),
    randn(2, 7, 15, seed=4),
    parameters=parameters,
)
back = ours.to_torch().state_dict()
returned = all(torch.equal(back[name], weight) for name, weight in theirs.state_dict().items())
print("weights there and back, equal:", returned)
claim(
    "4.3",
    holds=returned and bool(difference <= 1e-12),
    measured="nn.MultiheadAttention: D = 15, H = 3, two masks, biases ≤ 1e-10 · concatenation = sum ≤ 1e-12",
)
shapes = {}
for H, d_k, d_v in ((1, 15, 15), (3, 4, 7), (5, 2, 1)):
    one_layer = MultiHeadAttention(
        15, H, d_k=d_k, d_v=d_v, generator=torch.Generator().manual_seed(0)
    )
    shapes[H, d_k, d_v] = tuple(one_layer(randn(2, 7, 15, seed=2))[0].shape)
claim(
    "4.4",
    holds=set(shapes.values()) == {(2, 7, 15)},
    measured="(B, T, D) = (2, 7, 15), (H, d_k, d_v) = "
    + ", ".join(map(str, shapes))
    + " → (2, 7, 15)",
)
# %% [markdown] id="two-heads" lang="en"
# ## 8. Back to the letters
#
# The same model with two heads of half the size, and with four of a quarter: in all three $W_Q$, $W_K$, $W_V$ and $W_O$ have 32 rows and 32 columns. The second table shows where each head looks: its mean weight on the token asked for first, on the one asked for second, and on the other two together. The lines marked 0 are the model with two heads before its training.
# %% [markdown] id="two-heads" lang="ru"
# ## 8. Снова письма
#
# Та же модель с двумя головами вдвое меньшего размера и с четырьмя — вчетверо меньшего: во всех трёх моделях у $W_Q$, $W_K$, $W_V$ и $W_O$ по 32 строки и 32 столбца. Вторая таблица показывает, куда смотрит каждая голова: её средний вес на токене, о котором спрашивают первым, на токене, о котором спрашивают вторым, и на двух остальных вместе. Строки с пометкой 0 — модель с двумя головами до обучения.
# %% id="two-heads-train"
models, losses = {1: singles[0]}, {"one-head": losses_one[0]}
before = two_questions.looks(two_questions.Answerer(heads=2, seed=0))
for H, name in ((2, "two-heads"), (4, "four-heads")):
    models[H] = two_questions.Answerer(heads=H, seed=0)
    losses[name], _ = two_questions.train(models[H])
solved = {H: two_questions.accuracy(model) for H, model in models.items()}
print("H   parameters   first  second")
for H, model in models.items():
    count = sum(p.numel() for p in model.parameters())
    print(f"{H} {count:12}   {'   '.join(f'{share:.3f}' for share in solved[H])}")
seen = {"0": before} | {str(H): two_questions.looks(model) for H, model in models.items()}
print()
print("H  head   first?  second?  others")
for H, shares in seen.items():
    for h, (on_first, on_second, others) in enumerate(shares.tolist(), start=1):
        print(f"{H} {h:5} {on_first:8.2f} {on_second:8.2f} {others:7.2f}")
assert min(solved[2] + solved[4]) > 0.99 and min(solved[1]) < 0.2

# %% id="two-heads-figure"
show(curves.question_losses(losses), "multi_head_question_losses")

# %% [markdown] id="two-heads-after" lang="en"
# With equally many parameters, two heads answer every question, and they have divided the work: one looks at what is asked first, the other at what is asked second. Before the training there was no such division, only a leaning of head 2. Nobody told them who is to do what. Of four heads some do the same; there is more than one way to share two questions among four. The single head has given up the second question. Its loss says as much: it is the mean over both questions, a right answer costs nothing, a guess among the 11 names that are left costs at best $\ln 11 = 2.40$, and half of that is 1.20; the 1.24 of section 1 is a little above it. (One that mixes both names, like the last line of section 1, does better than that, and still cannot answer both.)
# %% [markdown] id="two-heads-after" lang="ru"
# При том же числе параметров две головы отвечают на все вопросы, и работу они поделили: одна смотрит на то, о чём спросили первым, другая — на то, о чём спросили вторым. До обучения такого разделения не было — разве что голова 2 к чему-то склонялась. Кому что делать, им никто не говорил. Из четырёх голов некоторые заняты одним и тем же: поделить два вопроса на четверых можно по-разному. Единственная голова отказалась от второго вопроса. Это видно и по её потерям: они усреднены по двум вопросам, за верный ответ потери нулевые, за угадывание среди 11 оставшихся имён — не меньше $\ln 11 = 2.40$, и половина этого — 1.20; 1.24 из раздела 1 — немного больше. (Голова, смешивающая оба имени, как в последней строке раздела 1, добивается меньших потерь, но ответить на оба вопроса тоже не может.)

# %% [markdown] id="diverge" lang="en"
# ## 9. Why heads become different
#
# All heads read the same input and have the same form, and nothing in the loss tells one from another. What makes one of them choose the first question and the other the second? The notes (the lecture notes whose statements this course checks) say: they start from different random numbers. We take this away and see.
#
# Call the loss $\mathcal{L}$, and let $G$ be its gradient with respect to the layer's output, a matrix of the same shape. For a product $Y = ZW$ the gradients are $\partial \mathcal{L}/\partial Z = (\partial \mathcal{L}/\partial Y)\,W^\top$ and $\partial \mathcal{L}/\partial W = Z^\top (\partial \mathcal{L}/\partial Y)$. The output is $\sum_h Z_h W_O^h$, so head $h$ receives
#
# $$\frac{\partial \mathcal{L}}{\partial Z_h} = G\,(W_O^h)^\top, \qquad \frac{\partial \mathcal{L}}{\partial W_O^h} = Z_h^\top G.$$
#
# If two heads have equal triples, their $Z_h$ are equal; if their slices of $W_O$ are equal too, both gradients are equal, and with them those of $W_Q^h$, $W_K^h$ and $W_V^h$, which are computed from the first. An optimiser that treats equal numbers equally makes equal steps, and after the step we stand where we stood: two heads that are one head, counted twice. Now change the slices of $W_O$ *alone*. The heads still see the same and compute the same, but the first of the two gradients differs, and the first step parts them.
#
# **Predict:** two heads that are alike in everything are trained for 400 steps. What share of the questions do they answer rightly?
# %% [markdown] id="diverge" lang="ru"
# ## 9. Почему головы становятся разными
#
# Все головы читают один и тот же вход, устроены одинаково, и функция потерь не отличает одну от другой. Почему же одна берёт себе первый вопрос, а другая — второй? В конспекте лекции, утверждения которого проверяет этот курс, сказано: потому что у них разные случайные начальные числа. Уберём это различие и посмотрим.
#
# Обозначим потери $\mathcal{L}$, и пусть $G$ — их градиент по выходу слоя, матрица той же формы. Для произведения $Y = ZW$ градиенты таковы: $\partial \mathcal{L}/\partial Z = (\partial \mathcal{L}/\partial Y)\,W^\top$ и $\partial \mathcal{L}/\partial W = Z^\top (\partial \mathcal{L}/\partial Y)$. Выход равен $\sum_h Z_h W_O^h$, поэтому до головы $h$ доходит
#
# $$\frac{\partial \mathcal{L}}{\partial Z_h} = G\,(W_O^h)^\top, \qquad \frac{\partial \mathcal{L}}{\partial W_O^h} = Z_h^\top G.$$
#
# Если тройки двух голов равны, то равны и их $Z_h$; если равны ещё и срезы $W_O$, то равны оба градиента, а с ними и градиенты по $W_Q^h$, $W_K^h$ и $W_V^h$, которые вычисляются из первого. Оптимизатор, который с равными числами поступает одинаково, делает одинаковые шаги, и после шага мы там же, где были: две головы — это одна, посчитанная дважды. А теперь сделаем разными *только* срезы $W_O$. Головы по-прежнему видят одно и то же и вычисляют одно и то же, но первый из двух градиентов у них уже разный, и первый же шаг их разводит.
#
# **Предскажите:** две головы, одинаковые во всём, обучаются 400 шагов. На какую долю вопросов они ответят верно?
# %% id="diverge-train"
apart, answered = {}, {}
for name in ("all-alike", "alike-but-output", "all-different"):
    model = two_questions.Answerer(heads=2, seed=0)
    if name != "all-different":
        two_questions.make_alike(model.layer, output=name == "all-alike")
    _, apart[name] = two_questions.train(
        model, watch=lambda m: two_questions.difference_of_heads(m.layer)
    )
    answered[name] = two_questions.accuracy(model)
    shares = ", ".join(f"{share:.3f}" for share in answered[name])
    print(f"{name:16}  first, second: {shares}", end="   ")
    print("apart ≤ 1e-6:" if name == "all-alike" else "apart:", end=" ")
    print(apart[name][-1] <= 1e-6 if name == "all-alike" else f"{apart[name][-1]:.2f}")

nudged = two_questions.Answerer(heads=2, seed=0)
two_questions.make_alike(nudged.layer)
with torch.no_grad():
    nudged.layer.W_Q[:, 16:] += 1e-15 * randn(32, 16, seed=0)
_, small = two_questions.train(nudged, watch=lambda m: two_questions.difference_of_heads(m.layer))
print(
    f"nudged by 1e-15: apart ≤ 1e-6: {small[-1] <= 1e-6}, more than 1000 times as far as at first: {small[-1] > 1000 * small[0]}"
)
claim(
    "4.2",
    holds=max(apart["all-alike"]) <= 1e-6
    and min(answered["all-alike"]) < 0.2
    and apart["alike-but-output"][-1] > 0.1
    and min(answered["alike-but-output"] + answered["all-different"]) > 0.99,
    measured=f"400 steps: all alike ≤ 1e-6, the worse answer {min(answered['all-alike']):.3f} · "
    f"only W_O different: apart by {apart['alike-but-output'][-1]:.2f}, the worse answer {min(answered['alike-but-output']):.3f}",
)

# %% id="diverge-figure"
show(curves.divergence(range(1, 401), apart), "multi_head_divergence")

# %% [markdown] id="diverge-after" lang="en"
# "Apart" is the largest difference between two corresponding numbers of the heads' triples; only zero or not zero matters here. Two heads that are alike are worth one: the same question stays unanswered as in section 1, and after 400 steps they are still alike to within $10^{-6}$. In exact arithmetic they would be so for ever. In a computer this tie is balanced on an edge: the last line nudges one head by $10^{-15}$, as rounding might, and the difference grows more than a thousandfold, though it is still far too small to be of use. After many more steps such heads might part by accident; we have not waited for it, and random numbers at the start make it unnecessary. It need not be the triples that differ: with equal triples and different slices of $W_O$ the heads part at once and answer everything.
# %% [markdown] id="diverge-after" lang="ru"
# «Apart» — наибольшая разность между соответствующими числами в тройках двух голов; важно здесь только, ноль она или нет. Две одинаковые головы стоят одной: без ответа остаётся тот же вопрос, что и в разделе 1, а головы и после 400 шагов одинаковы с точностью до $10^{-6}$. В точной арифметике они остались бы такими навсегда. На компьютере это равенство неустойчиво: в последней строке одну голову сдвинули на $10^{-15}$, как могло бы сдвинуть округление, и разница выросла больше чем в тысячу раз, хотя пользы от неё ещё нет никакой. За гораздо большее число шагов такие головы, возможно, разошлись бы сами собой; мы этого не дождались, и со случайными числами в начале ждать незачем. При этом различаться должны не обязательно тройки: если тройки равны, а срезы $W_O$ разные, головы расходятся сразу и отвечают на все вопросы.

# %% [markdown] id="crossing" lang="en"
# ## 10. The heads of a trained model
#
# In the letters we knew what there was to look for. Now a model that has to find out for itself: the sentences of lesson 03, such as *The animal didn't cross the street because it was too tired* (or *too wide*), in which *it* stands for one of two nouns, according to the adjective. Two layers of four heads each, with $D = 32$ and $d_k = d_v = 8$; each layer adds its output to its input (lesson 06 says why). The vector of *it* after the second layer names the noun: the loss is the cross-entropy over the whole vocabulary. The test sentences use pairs of nouns that never met in training.
#
# The table tells where *it* looks, on average over the test sentences. "1.2" is the second head of the first layer; *referent* is the noun that *it* stands for, *it* the weight on itself, *the* that on both articles together, and a row sums to 1.
# %% [markdown] id="crossing" lang="ru"
# ## 10. Головы обученной модели
#
# С письмами мы знали, что искать. Теперь возьмём модель, которая должна разобраться сама: предложения из урока 03, например *The animal didn't cross the street because it was too tired* (или *too wide*), где *it* заменяет одно из двух существительных в зависимости от прилагательного. Два слоя по четыре головы, $D = 32$, $d_k = d_v = 8$; каждый слой прибавляет свой выход ко входу (зачем — в уроке 06). Вектор слова *it* после второго слоя называет существительное: потери — кросс-энтропия по всему словарю. В тестовых предложениях — пары существительных, которые в обучении вместе не встречались.
#
# Таблица показывает, куда смотрит *it* в среднем по тестовым предложениям. «1.2» — вторая голова первого слоя; *referent* — существительное, которое заменяет *it*, *other noun* — другое, *adjective* — прилагательное, *it* — вес на самом себе, *the* — на обоих артиклях вместе, *rest* — на остальных словах; сумма строки — 1.
# %% id="crossing-train"
reader = head_roles.Reader(heads=4, seed=0)
head_roles.train(reader)
texts = test_sentences()
loss, accuracy = head_roles.evaluate(reader, texts)
print(f"test: {len(texts)} sentences, loss {loss:.2f}, accuracy {accuracy:.3f}")
seen = head_roles.looks(reader, texts)
print("head   referent  other noun  adjective    it   the   rest")
for layer, h in np.ndindex(*seen.shape[:2]):
    numbers = [abs(share) for share in seen[layer, h].tolist()]
    print(
        f"{layer + 1}.{h + 1} "
        + "{:10.2f} {:11.2f} {:10.2f} {:5.2f} {:5.2f} {:6.2f}".format(*numbers)
    )
assert accuracy > 0.97

# %% [markdown] id="crossing-table-text" lang="en"
# Means hide much: a head may look at one thing in one sentence and at another in the next. Here are the rows of *it* for two sentences:
# %% [markdown] id="crossing-table-text" lang="ru"
# Средние многое скрывают: в одном предложении голова может смотреть на одно, в следующем — на другое. Вот строки слова *it* для двух предложений:
# %% id="crossing-figure"
example = crossing.example()
rows = [head_roles.weights_of_it(reader, [sentence])[0].numpy() for sentence in example]
show(
    curves.looks([s.tokens for s in example], rows, [s.nouns for s in example]), "multi_head_looks"
)

# %% [markdown] id="crossing-explorer-text" lang="en"
# There is a well-known tool for looking at heads, BertViz (Vig, 2019). Ours shows the same for this model and the sentence with *tired*: choose a layer, a head, and a word that asks. Find out: is there a head of the *first* layer in which a *noun* looks at the adjective? **And predict:** the model answers *animal*, and is sure of it. Which head of the second layer brings it this answer?
# %% [markdown] id="crossing-explorer-text" lang="ru"
# Головы принято рассматривать в BertViz (Vig, 2019). Наш просмотрщик показывает то же для этой модели и предложения со словом *tired*: выберите слой, голову и слово, которое спрашивает. Выясните: есть ли в *первом* слое голова, в которой на прилагательное смотрит *существительное*? **И предскажите:** модель отвечает *animal* и уверена в этом. Какая голова второго слоя приносит ей этот ответ?
# %% id="crossing-explorer"
tired = example[0]
ids, lengths, it, _ = head_roles.batch([tired])
with torch.no_grad():
    _, maps = reader(ids, lengths, it)
explore_heads(maps[0], tired.tokens, layer=1, head=1, query=tired.it)

# %% [markdown] id="ablation" lang="en"
# **Looking is not doing.** Head 2.2 has nearly all of its weight on *street* in both sentences. Does it bring the answer "street"? What a head does is found out by taking it out: its output is multiplied by 0, everything else stays (Michel et al., 2019). By section 6 this removes one term of the sum. Here are the model's most probable answers with one head of the second layer missing (that layer's heads are read only at *it*, so that the rows above show all there is to see of them):
# %% [markdown] id="ablation" lang="ru"
# **Смотреть — ещё не значит делать.** У головы 2.2 в обоих предложениях почти весь вес на слове *street*. Приносит ли она ответ «street»? Что голова делает, выясняют, отключив её: её выход умножают на 0, остальное не трогают (Michel et al., 2019). Как видно из раздела 6, так из суммы уходит одно слагаемое. Вот самые вероятные ответы модели без одной из голов второго слоя (выход этого слоя читают только у слова *it*, так что строки на рисунке показывают всё, что в этих головах можно увидеть):
# %% id="ablation-measure"
vocabulary = crossing.vocabulary()
answers = {}
print("without    tired                 wide")
for head in (None, 0, 1, 2, 3):
    gates = torch.ones(2, 4, dtype=torch.float64)
    if head is not None:
        gates[1, head] = 0
    cells = []
    for sentence in example:
        ids, lengths, it, _ = head_roles.batch([sentence])
        with torch.no_grad():
            probabilities = reader(ids, lengths, it, gates)[0].softmax(dim=-1)[0]
        best = int(probabilities.argmax())
        answers[head, sentence.tokens[-2]] = vocabulary[best]
        cells.append(f"{vocabulary[best]:10} {probabilities[best]:.2f}")
    print(f"{'nothing' if head is None else f'2.{head + 1}':10} " + "       ".join(cells))

# %% [markdown] id="ablation-answers" lang="en"
# In the sentence with *tired* it is head 2.1 on which the answer depends, and this head looks at the two articles. (It gives them equal weights, as every head must: the model has no positions yet, and both articles are one and the same vector.) Without it the model says *street*. Head 2.2, which looks at *street* with all its weight, is not missed: without it the model says *animal* just as surely. (In the sentence with *wide*, where it looks at the same word, it is the one that matters.) How can this be? A weight tells from *where* a head takes, not *what*. After the first layer the vectors of *the* and *street* are no longer those of the vocabulary: they have gathered from the other words of the sentence, perhaps from *tired* or *wide* too. And what a head makes of such a vector its $W_V^h W_O^h$ decides; a head may speak against a word as well as for it.
#
# So a map of weights suggests what a head may be doing, and taking the head out shows what is lost without it (Jain and Wallace, 2019, have more on this). Now over all test sentences: by how much the loss grows and the share of right answers falls. **Predict:** which head of the second layer is missed most?
# %% [markdown] id="ablation-answers" lang="ru"
# В предложении со словом *tired* ответ зависит от головы 2.1, а смотрит эта голова на два артикля. (Вес она делит между ними поровну, и иначе не может ни одна голова: позиций у модели пока нет, и оба артикля — один и тот же вектор.) Без неё модель говорит *street*. Потери головы 2.2, которая весь вес отдаёт слову *street*, модель не замечает: она так же уверенно отвечает *animal*. (А в предложении со словом *wide*, где она смотрит на то же слово, важна именно она.) Как это возможно? Вес говорит, *откуда* голова берёт, а не *что*. После первого слоя векторы слов *the* и *street* — уже не те, что в словаре: они вобрали кое-что из других слов предложения, может быть, и из *tired* или *wide*. А что голова сделает с таким вектором, решает её $W_V^h W_O^h$: голова может высказаться и за какое-то слово, и против него.
#
# Так что карта внимания подсказывает, чем голова, возможно, занята, а отключение показывает, что без неё теряется (подробнее — Jain и Wallace, 2019). Теперь по всем тестовым предложениям: на сколько растут потери (loss +) и на сколько падает доля верных ответов (accuracy −). **Предскажите:** без какой головы второго слоя модель теряет больше всего?
# %% id="ablation-all"
grown, fallen = head_roles.ablation(reader, texts)
print("head   loss +   accuracy −")
for layer, h in np.ndindex(*grown.shape):
    print(f"{layer + 1}.{h + 1} {grown[layer, h]:10.2f} {fallen[layer, h]:11.3f}")
looker, missed = int(seen[1, :, 0].argmax()), int(grown[1].argmax())
print(f"layer 2: looks most at the referent: 2.{looker + 1}, missed most: 2.{missed + 1}")
for name, model in (("untrained", head_roles.Reader(heads=4, seed=0)), ("trained", reader)):
    distances = head_roles.distance_of_heads(model, texts)
    pairs = [
        distances[layer, i, j].item() for layer in range(2) for i in range(4) for j in range(i)
    ]
    print(f"distance of two heads of one layer, {name:9}: {min(pairs):.2f} … {max(pairs):.2f}")
learned = two_questions.looks(models[2])[:, :2]
claim(
    "4.1",
    holds=bool((learned.amax(dim=1) > 0.95).all())
    and len(set(learned.argmax(dim=1).tolist())) == 2
    and bool(before[:, :2].max() < 0.6)
    and min(solved[2]) > 0.99
    and min(solved[1]) < 0.2
    and answers[None, "tired"] == "animal"
    and answers[0, "tired"] != "animal"
    and grown.max() > 2 * grown.min(),
    measured=f"letters: weight on a question of its own {learned.amax(dim=1).min():.2f} (untrained ≤ {before[:, :2].max():.2f}); "
    f"the worse answer, H = 1: {min(solved[1]):.2f}, H = 2: {min(solved[2]):.2f} · it, a head out: loss + {grown.min():.2f} … {grown.max():.2f}",
)

# %% id="ablation-figure"
show(curves.ablation(grown.numpy()), "multi_head_ablation")

# %% [markdown] id="ablation-after" lang="en"
# Missed most is 2.1: without it one sentence in five more goes wrong. Without head 2.2, which gives the referent nearly twice the weight, the loss grows by a third as much, and there are less than half as many new errors. (In the first layer such a comparison would not be fair: the heads of that layer serve all words, and the table shows the row of *it* alone.) Look at the two lines about the distance of heads as well. Heads looked at different places before any training, because random matrices make them; being different proves nothing. Training drives them further apart, and, as in the letters, gives the difference a use.
#
# Does the model need four heads a layer at all? Here is a table made beforehand (`course measure heads` computes it in some minutes; you need not): from 1 to 16 heads a layer, with equally many parameters, and three seeds for each number. *Mean* and *worst* are taken over all heads of a model, each taken out by itself, and then averaged over the seeds. *Rank* belongs to the question of the last prediction, one number for each seed: the place of the head of layer 2 that looks most at the referent, in the order of what it costs to lose them (1: it is missed most). `recomputed` compares one model of the table with the one above.
# %% [markdown] id="ablation-after" lang="ru"
# Больше всего модель теряет без 2.1: она ошибается ещё примерно в каждом пятом предложении. Без головы 2.2, у которой вес на верном существительном почти вдвое больше, потери растут втрое меньше, а новых ошибок меньше половины этого. (В первом слое такое сравнение было бы нечестным: головы этого слоя служат всем словам, а в таблице только строка слова *it*.) Взгляните и на две строки о расстоянии между головами. В разные места головы смотрели ещё до обучения, потому что матрицы случайны; само по себе различие ничего не доказывает. Обучение разводит их дальше и, как в письмах, даёт различию применение.
#
# А нужны ли модели четыре головы в слое? Вот таблица, сделанная заранее (`course measure heads` считает её несколько минут; запускать команду не нужно): от 1 до 16 голов в слое, параметров у всех моделей поровну, для каждого числа голов — три зерна. *Mean* и *worst* — среднее и худшее по всем головам модели, отключённым по одной, потом усреднённые по зёрнам. *Rank* отвечает на вопрос из последнего предсказания, по числу на зерно. Упорядочим головы второго слоя по тому, как дорого обходится отключение каждой; число — место той, что больше всех смотрит на верное существительное (1 — без неё модель теряет больше всего). `recomputed` сравнивает одну модель из таблицы с той, что выше.
# %% id="ablation-recorded"
table = {}
for row in recorded("heads")["rows"]:
    table.setdefault(row["heads"], []).append(row)
print(" H  d_k   accuracy   mean loss +   worst loss +   worst accuracy −   rank")
for H, seeds in table.items():
    mean = {name: np.mean([row[name] for row in seeds]) for name in seeds[0]}
    ranks = ", ".join(str(row["rank"]) for row in seeds)
    print(
        f"{H:2} {32 // H:4} {mean['accuracy']:10.3f} {mean['mean growth']:13.2f} {mean['largest growth']:14.2f} {mean['largest fall']:18.3f}   {ranks}"
    )
row = next(row for row in recorded("heads")["rows"] if (row["heads"], row["seed"]) == (4, 0))
live = {"loss": loss, "accuracy": accuracy, "largest growth": grown.max().item()}
same = all(abs(row[name] - value) < 5e-3 for name, value in live.items())
print(f"recomputed: {same}")
assert same

# %% [markdown] id="ablation-recorded-after" lang="en"
# For this task one head a layer is enough, and with more of them the accuracy hardly changes: perhaps because no token needs two answers from one layer here. What the number of heads does change is how the work is spread. A model with one head a layer that loses the more needed of the two goes wrong in four sentences of five; with sixteen heads a layer any one may go, at the cost of a few sentences in a hundred. And the ranks say that the misleading map was no freak of one seed: with four heads a layer or more, the head that looks most at the referent is the one missed most in one model of nine.
# %% [markdown] id="ablation-recorded-after" lang="ru"
# Для этой задачи хватает одной головы в слое, и с бо́льшим числом голов доля верных ответов почти не меняется — возможно, потому, что здесь ни одному токену не нужны два ответа в одном и том же слое. Но от числа голов зависит, как поделена работа. Модель с одной головой в слое, потеряв более нужную из двух, ошибается в четырёх предложениях из пяти; при шестнадцати головах в слое можно убрать любую — ценой ошибок в нескольких предложениях из ста. А из *rank* видно, что обманчивая карта внимания — не случайность одного зерна: при четырёх головах в слое и больше та, что сильнее всех смотрит на верное существительное, оказалась самой нужной лишь в одной модели из девяти.

# %% [markdown] id="number" lang="en"
# ## 11. How many heads?
#
# What does a head cost? With $d_k = d_v = D/H$ nothing, as lesson 00 said in passing of the multiply-adds. The four matrices have $4D^2$ numbers, whatever $H$ is. The projections take $4TD^2$ multiply-adds; the scores $H \cdot T^2 d_k = T^2 D$, and the weighted sums as many. We count, for $T = 128$ and $D = 64$ (the last line holds two sizes for the cards of this lesson):
# %% [markdown] id="number" lang="ru"
# ## 11. Сколько нужно голов?
#
# Сколько стоит голова? При $d_k = d_v = D/H$ — нисколько; про умножения это мимоходом сказал уже урок 00. В четырёх матрицах $4D^2$ чисел при любом $H$. На проекции уходит $4TD^2$ умножений-сложений, на оценки — $H \cdot T^2 d_k = T^2 D$, и ещё столько же на взвешенные суммы. Посчитаем для $T = 128$, $D = 64$ (в последней строке — два числа для карточек урока):
# %% id="number-cost"
T, D = 128, 64
counted = []
print(" H  d_k   parameters   multiply-adds   weights")
for H in (1, 2, 4, 8, 16, 32, 64):
    layer = MultiHeadAttention(D, heads=H, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), OperationCounter() as operations:
        _, weights = layer(randn(T, D, seed=5))
    counted.append((sum(p.numel() for p in layer.parameters()), operations.matmul))
    print(f"{H:2} {D // H:4} {counted[-1][0]:12} {counted[-1][1]:15} {weights.numel():9}")
assert set(counted) == {(4 * D**2, 4 * T * D**2 + 2 * T**2 * D)}
print(f"D = 512: {4 * 512**2} parameters · H = 8, T = 100: {8 * 100**2} weights")

# %% [markdown] id="number-winners-text" lang="en"
# Only the number of attention weights grows, $H T^2$, and with it the work of the softmax and the memory. So why not 64 heads? Because each gets a smaller key. In the extreme, $d_k = 1$, a score is a product of two numbers, $q_i k_j$. A query greater than 0 prefers the largest key of all, one less than 0 the smallest: whatever the tokens ask, the largest weight of such a head lies on one of only *two* tokens. With $d_k = 2$ the keys are points on paper and the query is a direction, in which one of them lies farthest: only the corners of their outline are ever the farthest. **Predict:** of 64 random keys, how many can come first for some query if $d_k = 2$? And if $d_k = 8$? We try 100,000 random queries:
# %% [markdown] id="number-winners-text" lang="ru"
# Растёт только число весов внимания, $H T^2$, а с ним работа softmax и память. Почему же не взять 64 головы? Потому что каждой достаётся ключ поменьше. В крайнем случае, $d_k = 1$, оценка — произведение двух чисел $q_i k_j$. Запрос больше нуля предпочтёт наибольший из ключей, запрос меньше нуля — наименьший: о чём бы ни спрашивали токены, наибольший вес такой головы может достаться лишь одному из *двух* токенов. При $d_k = 2$ ключи — точки на бумаге, а запрос — направление, в котором какая-то из них лежит дальше всех; самой дальней может оказаться только вершина их выпуклой оболочки. **Предскажите:** сколько из 64 случайных ключей могут получить наибольшую оценку хоть для какого-нибудь запроса при $d_k = 2$? А при $d_k = 8$? Проверим на 100000 случайных запросов:
# %% id="number-winners"
SIZES = (1, 2, 4, 8, 16, 32, 64)
winners = []
for d_k in SIZES:
    keys, queries = randn(64, d_k, seed=1), randn(100_000, d_k, seed=2)
    winners.append(len((queries @ keys.T).argmax(dim=-1).unique()))
print("d_k:            ", *(f"{size:3}" for size in SIZES))
print("keys that win:  ", *(f"{count:3}" for count in winners))
assert winners[0] == 2 and winners == sorted(winners) and winners[-1] == 64

# %% id="number-figure"
show(curves.winners(SIZES, winners, keys=64), "multi_head_winners")

# %% [markdown] id="number-after" lang="en"
# So the number of heads is a bargain between more questions and finer ones, at an equal price in parameters and products. (In terms of matrices: $Q_h K_h^\top$ has at most rank $d_k$, and with a small $d_k$ there are patterns of attention that a head cannot have: Bhojanapalli et al., 2020.) Real models settle near $d_k = 64$ or 128 and let $H$ grow with $D$ (section 14). In the original paper's experiments a base model with 1 head did worse than one with 8, and one with 32 heads of size 16 a little worse than that with 8, too (Vaswani et al., 2017, table 3, rows A).
# %% [markdown] id="number-after" lang="ru"
# Итак, число голов — компромисс: больше вопросов или более тонкие вопросы при одной цене в параметрах и умножениях. (На языке матриц: ранг $Q_h K_h^\top$ не больше $d_k$, и при малом $d_k$ есть картины внимания, которых у головы быть не может: Bhojanapalli et al., 2020.) Настоящие модели держатся около $d_k = 64$ или 128, и $H$ у них растёт вместе с $D$ (раздел 14). В опытах из исходной статьи базовая модель с 1 головой оказалась хуже, чем с 8, и с 32 головами размера 16 — тоже чуть хуже, чем с 8 (Vaswani et al., 2017, таблица 3, строки A).

# %% [markdown] id="grouped" lang="en"
# ## 12. Fewer keys than queries
#
# So far our models have read (only the tiny GPT of lesson 00 wrote). When a model *writes*, another price comes in: the memory for keys and values. It makes one token at a time, and each new token attends to all earlier ones. Under a causal mask nothing that comes later changes an earlier token, so the keys and values of the earlier ones can be kept: this is the **KV cache** (key-value cache). For each token, in each of $L$ layers (in whole models: blocks, lesson 06), $H$ keys and $H$ values of size $d_k$:
#
# $$\text{cache} = 2 \cdot L \cdot H_{KV} \cdot d_k \cdot T \ \text{numbers}, \qquad H_{KV} = H \ \text{(so far)}.$$
#
# Every step of writing reads all of it to compute a single token. The processor waits for memory, and a long conversation fills the memory of the graphics card. Shazeer (2019) asked what it would cost to let all heads *share* one head of keys and values, and each keep its own query: **multi-query attention** (MQA), with a cache $H$ times smaller. Ainslie et al. (2023) stand in between: **grouped-query attention** (GQA) has $H_{KV}$ heads of keys and values, each of which serves $H / H_{KV}$ heads of queries.
# %% [markdown] id="grouped" lang="ru"
# ## 12. Ключей меньше, чем запросов
#
# До сих пор наши модели читали (писала только крошечная GPT в уроке 00). Когда модель *пишет*, появляется ещё одна цена — память для ключей и значений. Модель выдаёт токены по одному, и каждый новый токен смотрит на все предыдущие. При каузальной маске ничто из написанного позже не меняет токен, стоящий раньше, поэтому ключи и значения предыдущих токенов можно хранить: это **KV-кэш** (key-value cache). На каждый токен в каждом из $L$ слоёв (в целых моделях — блоков, урок 06) приходится $H$ ключей и $H$ значений размера $d_k$:
#
# $$\text{кэш} = 2 \cdot L \cdot H_{KV} \cdot d_k \cdot T \ \text{чисел}, \qquad H_{KV} = H \ \text{(пока что)}.$$
#
# На каждом шаге читается весь кэш — ради одного-единственного токена. Процессор ждёт память, а длинный диалог занимает всю память видеокарты. Shazeer (2019) проверил, во что обойдётся, если все головы *пользуются общей* головой ключей и значений, а запрос у каждой свой: это **внимание с одной головой ключей и значений** (multi-query attention, MQA), и кэш у него в $H$ раз меньше. Ainslie et al. (2023) предложили промежуточный вариант — **внимание с группировкой запросов** (grouped-query attention, GQA): в нём $H_{KV}$ голов ключей и значений, и каждая обслуживает $H / H_{KV}$ голов запросов.
# %% id="grouped-figure"
show(drawings.grouped_query(), "grouped_query")

# %% id="grouped-parity"
grouped = MultiHeadAttention(12, heads=6, kv_heads=2, generator=torch.Generator().manual_seed(0))


copies = {name: p.detach().clone().requires_grad_() for name, p in grouped.named_parameters()}


def by_torch(x):
    """The same with PyTorch's attention, which shares keys and values by itself (enable_gqa)."""
    q = mh.split_heads(x @ copies["W_Q"], 6)
    k, v = mh.split_heads(x @ copies["W_K"], 2), mh.split_heads(x @ copies["W_V"], 2)
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    return mh.merge_heads(z) @ copies["W_O"]


parity(
    "F.scaled_dot_product_attention, enable_gqa",
    lambda x: grouped(x, mask=causal_mask(5))[0],
    by_torch,
    randn(2, 5, 12, seed=6),
    parameters=[(p, copies[name]) for name, p in grouped.named_parameters()],
)
print(
    "W_Q",
    tuple(grouped.W_Q.shape),
    " W_K",
    tuple(grouped.W_K.shape),
    " W_V",
    tuple(grouped.W_V.shape),
)

# %% [markdown] id="grouped-cache-text" lang="en"
# $W_K$ and $W_V$ have become narrower: 4 columns are two heads of size 2, where $W_Q$ has 12 for its six. Here is what the cache of one text takes (as long as the longest in training, 2 bytes a number), and what it would take if every query head had keys and values of its own (1 GiB is $2^{30}$ bytes):
# %% [markdown] id="grouped-cache-text" lang="ru"
# $W_K$ и $W_V$ стали у́же: 4 столбца — это две головы размера 2, а у $W_Q$ их 12 на шесть голов. Вот сколько занимает кэш одного текста (длина — наибольшая при обучении, 2 байта на число) и сколько он занимал бы, будь у каждой головы запросов свои ключи и значения (1 GiB — это $2^{30}$ байт):
# %% id="grouped-cache"
CACHES = {  # L, H, H_KV, d_k, T
    "GPT-2 small": (12, 12, 12, 64, 1024),
    "GPT-3 175B": (96, 96, 96, 128, 2048),
    "PaLM 540B": (118, 48, 1, 256, 2048),
    "Llama 2 7B": (32, 32, 32, 128, 4096),
    "Llama 2 70B": (80, 64, 8, 128, 4096),
    "Llama 3 8B": (32, 32, 8, 128, 8192),
    "Llama 3 70B": (80, 64, 8, 128, 8192),
}
full, actual = [], []
print("               L    H  H_KV  d_k      T   KiB/token      GiB   GiB if H_KV = H")
for model, (L, H, H_KV, d_k, T) in CACHES.items():
    per_token = key_value_cache(L, H_KV, d_k, 1)
    actual.append(key_value_cache(L, H_KV, d_k, T) / 2**30)
    full.append(key_value_cache(L, H, d_k, T) / 2**30)
    print(
        f"{model:12} {L:4} {H:4} {H_KV:5} {d_k:4} {T:6} {per_token / 1024:11.0f} {actual[-1]:8.2f} {full[-1]:13.2f}"
    )

print(f"Llama 3 8B, one token: {key_value_cache(32, 8, 128, length=1)} bytes")

# %% id="grouped-cache-figure"
show(curves.cache(list(CACHES), full, actual), "multi_head_cache")

# %% [markdown] id="grouped-after" lang="en"
# Llama 3 8B keeps keys and values of 8 heads for 32 heads of queries, and a text of 8,192 tokens takes 1 GiB and not 4. Without sharing, Llama 3 70B would need 20 GiB for a single such text, and PaLM more than half of that for a quarter of the length. What is lost in quality is little: Ainslie et al. (2023) report results close to those of multi-head attention with 8 groups, and somewhat worse ones with a single head of keys and values.
#
# A model can be trained so from the start. Or a trained one is converted: in each group the columns of $W_K$ and $W_V$ are averaged over its heads, and training goes on for a while (5 % of the original computation in that paper). It has to, for the average alone is another layer. The table compares its output with the old one, as vectors: the ratio of their lengths, and the cosine between them. With random matrices, where the heads of a group have nothing in common, the values partly cancel (of eight unrelated ones $1/\sqrt{8} \approx 0.35$ of the length is left). So do the keys: the weights become flatter, and the mean runs over more tokens. With one head of keys and values a fifth of the length is left. Where the heads of a group are alike, nothing changes.
# %% [markdown] id="grouped-after" lang="ru"
# Llama 3 8B хранит ключи и значения 8 голов на 32 головы запросов, и текст из 8192 токенов занимает 1 GiB, а не 4. Без общих ключей и значений модели Llama 3 70B понадобилось бы на один такой текст 20 GiB, а PaLM — больше половины этого на тексте вчетверо короче. Качество страдает мало: по данным Ainslie et al. (2023), с 8 группами результаты близки к результатам многоголового внимания, а с единственной головой ключей и значений — несколько хуже.
#
# Так можно обучать модель с самого начала. А можно переделать обученную: в каждой группе столбцы $W_K$ и $W_V$ усредняют по её головам и некоторое время продолжают обучение (в той статье — 5 % исходных вычислений). Доучивать обязательно: само по себе усреднение даёт другой слой. В таблице новый и прежний выходы сравниваются как векторы: отношение длин и косинус угла между ними. При случайных матрицах, когда у голов группы нет ничего общего, значения отчасти гасят друг друга (от восьми несвязанных остаётся $1/\sqrt{8} \approx 0.35$ длины). Ключи тоже: веса становятся ровнее, и усреднение идёт по большему числу токенов. С одной головой ключей и значений от длины остаётся пятая часть. Там, где головы группы одинаковы, не меняется ничего.
# %% id="grouped-pooled"
many = MultiHeadAttention(64, heads=8, generator=torch.Generator().manual_seed(0))
x = randn(20, 64, seed=7)
print("H_KV   length   cosine")
with torch.no_grad():
    old = many(x)[0].flatten()
    for kv_heads in (8, 4, 2, 1):
        new = many.grouped(kv_heads)(x)[0].flatten()
        cosine = F.cosine_similarity(new, old, dim=0)
        print(f"{kv_heads:4} {new.norm() / old.norm():8.2f} {cosine:8.2f}")
    alike = MultiHeadAttention(64, heads=8, generator=torch.Generator().manual_seed(0))
    for weight in (alike.W_K, alike.W_V):  # two groups of four heads that are alike
        weight.copy_(weight.unflatten(1, (8, 8))[:, [0, 0, 0, 0, 4, 4, 4, 4]].flatten(1))
    same = (alike.grouped(2)(x)[0] - alike(x)[0]).abs().max()
print("heads of a group alike: ≤ 1e-12:", bool(same <= 1e-12))


# %% [markdown] id="exercises" lang="en"
# ## 13. Exercises
#
# Replace the line with `raise` and run the cell. The check says what is wrong, not how to mend it. Until an exercise is solved the lesson goes on with a reference answer. Heads are counted from 0, as in code.
#
# ### 13.1 Cut into heads
#
# Each row of `x`, of shape $(T, H d)$, holds the vectors of all heads of one token side by side: the first $d$ numbers belong to head 0, the next $d$ to head 1, and so on. Return a tensor of shape $(H, T, d)$: for each head the matrix of its vectors, one row per token.
# %% [markdown] id="exercises" lang="ru"
# ## 13. Упражнения
#
# Замените строку с `raise` и запустите ячейку. Проверка скажет, что неверно, но не подскажет, как исправить. Пока упражнение не решено, урок продолжается с эталонным ответом. Головы нумеруются с 0, как в коде.
#
# ### 13.1 Разрезать на головы
#
# В каждой строке `x`, тензора формы $(T, H d)$, подряд записаны векторы всех голов для одного токена: первые $d$ чисел принадлежат голове 0, следующие $d$ — голове 1 и так далее. Верните тензор формы $(H, T, d)$: для каждой головы — матрицу её векторов, по строке на токен.
# %% id="ex-split-heads" tags=["exercise"]
def split_heads(x, H):
    raise NotImplementedError  # your code


split_heads = check("split-heads", split_heads)

# %% [markdown] id="ex-split-heads-solution" lang="en"
# <details><summary>Hint</summary>
#
# Two steps. `view` cuts an axis in two, and the numbers stay where they are: into which two axes can the last one be cut? Then let two axes change places; `view` cannot do that.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def split_heads(x, H):
#     T = len(x)
#     return x.view(T, H, -1).transpose(0, 1)
# ```
#
# </details>
# %% [markdown] id="ex-split-heads-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Нужны два шага. `view` разрезает ось на две, а сами числа остаются на месте: на какие две оси можно разрезать последнюю? Потом поменяйте две оси местами; `view` этого не умеет.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def split_heads(x, H):
#     T = len(x)
#     return x.view(T, H, -1).transpose(0, 1)
# ```
#
# </details>


# %% [markdown] id="ex-multi-head-text" lang="en"
# ### 13.2 Multi-head attention
#
# Self-attention of $H$ heads without a mask. `x` has shape $(T, D)$, `W_Q` and `W_K` have $(D, H d_k)$, `W_V` has $(D, H d_v)$ and `W_O` has $(H d_v, D)$. Return the output alone, of shape $(T, D)$. $d_k$ and $d_v$ follow from the shapes; they need be neither equal nor $D / H$. Large scores must not overflow (PyTorch's softmax takes care of that, a bare `exp` does not). Your function from 13.1 is at hand.
# %% [markdown] id="ex-multi-head-text" lang="ru"
# ### 13.2 Многоголовое внимание
#
# Самовнимание с $H$ головами, без маски. У `x` форма $(T, D)$, у `W_Q` и `W_K` — $(D, H d_k)$, у `W_V` — $(D, H d_v)$, у `W_O` — $(H d_v, D)$. Верните только выход формы $(T, D)$. Размеры $d_k$ и $d_v$ определяются по формам матриц; они не обязаны совпадать ни друг с другом, ни с $D / H$. Большие оценки не должны вызывать переполнения (softmax из PyTorch об этом заботится, голая `exp` — нет). Функцией из 13.1 можно пользоваться.
# %% id="ex-multi-head" tags=["exercise"]
def multi_head(x, W_Q, W_K, W_V, W_O, H):
    raise NotImplementedError  # your code


multi_head = check("multi-head", multi_head)

# %% [markdown] id="ex-multi-head-solution" lang="en"
# <details><summary>Hint</summary>
#
# Project, cut, let every head attend by itself: matrix products and the softmax treat the first axis as a batch. To join the heads, undo the cut: the two steps of 13.1 backwards. Which size does the dot product of one head run over?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def multi_head(x, W_Q, W_K, W_V, W_O, H):
#     q, k, v = (split_heads(x @ W, H) for W in (W_Q, W_K, W_V))
#     scores = q @ k.transpose(1, 2) / math.sqrt(k.shape[-1])
#     z = scores.softmax(dim=-1) @ v  # (H, T, d_v)
#     return z.transpose(0, 1).reshape(len(x), -1) @ W_O
# ```
#
# </details>
# %% [markdown] id="ex-multi-head-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Примените проекции, разрежьте на головы и дайте каждой голове вычислить внимание отдельно: умножение матриц и softmax обращаются с первой осью как с батчем. Чтобы склеить выходы голов, пройдите два шага из 13.1 в обратном порядке. Сколько слагаемых в скалярном произведении внутри одной головы?
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def multi_head(x, W_Q, W_K, W_V, W_O, H):
#     q, k, v = (split_heads(x @ W, H) for W in (W_Q, W_K, W_V))
#     scores = q @ k.transpose(1, 2) / math.sqrt(k.shape[-1])
#     z = scores.softmax(dim=-1) @ v  # (H, T, d_v)
#     return z.transpose(0, 1).reshape(len(x), -1) @ W_O
# ```
#
# </details>


# %% [markdown] id="ex-share-keys-text" lang="en"
# ### 13.3 Shared keys
#
# `K` of shape $(H_{KV}, T, d_k)$ holds the keys of $H_{KV}$ heads, but there are $H$ query heads, a multiple of $H_{KV}$. Neighbours share: query head $h$ uses the keys of head $\lfloor h / (H / H_{KV}) \rfloor$. Return a tensor of shape $(H, T, d_k)$: for each query head the keys that it uses.
# %% [markdown] id="ex-share-keys-text" lang="ru"
# ### 13.3 Общие ключи
#
# В `K` формы $(H_{KV}, T, d_k)$ лежат ключи $H_{KV}$ голов, а голов запросов — $H$; это число кратно $H_{KV}$. Общими ключами пользуются соседи: голова запросов $h$ берёт ключи головы $\lfloor h / (H / H_{KV}) \rfloor$. Верните тензор формы $(H, T, d_k)$: для каждой головы запросов — ключи, которыми она пользуется.
# %% id="ex-share-keys" tags=["exercise"]
def share_keys(K, H):
    raise NotImplementedError  # your code


share_keys = check("share-keys", share_keys)

# %% [markdown] id="ex-share-keys-solution" lang="en"
# <details><summary>Hint</summary>
#
# For $H_{KV} = 3$ and $H = 6$ write down whose keys query heads 0 to 5 use. PyTorch has two functions that repeat along an axis: one repeats the whole, `a b a b`, the other each element, `a a b b`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def share_keys(K, H):
#     return K.repeat_interleave(H // len(K), dim=0)
# ```
#
# </details>
# %% [markdown] id="ex-share-keys-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Для $H_{KV} = 3$ и $H = 6$ выпишите, чьи ключи берут головы запросов с 0 по 5. В PyTorch есть две функции, которые повторяют вдоль оси: одна повторяет всё целиком, `a b a b`, другая — каждый элемент, `a a b b`.
#
# </details>
# <details><summary>Решение</summary>
#
# ```python
# def share_keys(K, H):
#     return K.repeat_interleave(H // len(K), dim=0)
# ```
#
# </details>


# %% [markdown] id="ex-cache-size-text" lang="en"
# ### 13.4 What a text leaves behind
#
# A model that writes on keeps the keys and values of all tokens so far, in each of its `L` layers. Each layer has `H` query heads and `H_KV` heads of keys and values; values are as large as keys, `d_k`. How many bytes are kept for one text of `T` tokens, if a number takes `bytes_per_number`? Return a whole number.
# %% [markdown] id="ex-cache-size-text" lang="ru"
# ### 13.4 Что остаётся от текста
#
# Модель, которая дописывает текст, хранит ключи и значения всех прочитанных токенов в каждом из своих `L` слоёв. В слое `H` голов запросов и `H_KV` голов ключей и значений; размер значения тот же, что у ключа, — `d_k`. Сколько байтов хранится для одного текста из `T` токенов, если число занимает `bytes_per_number`? Верните целое число.
# %% id="ex-cache-size" tags=["exercise"]
def cache_bytes(L, H, H_KV, d_k, T, bytes_per_number):
    raise NotImplementedError  # your code


cache_bytes = check("cache-size", cache_bytes)

# %% [markdown] id="ex-cache-size-solution" lang="en"
# <details><summary>Hint</summary>
#
# Start with one token in one head of one layer: which vectors will later tokens need from it? One of the six arguments does not matter.
#
# </details>
# <details><summary>Solution</summary>
#
# The number of query heads does not matter: a query is used once, by its own token.
#
# ```python
# def cache_bytes(L, H, H_KV, d_k, T, bytes_per_number):
#     return 2 * L * H_KV * d_k * T * bytes_per_number  # 2: a key and a value
# ```
#
# </details>
# %% [markdown] id="ex-cache-size-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Начните с одного токена в одной голове одного слоя: какие его векторы понадобятся следующим токенам? Один из шести аргументов ни на что не влияет.
#
# </details>
# <details><summary>Решение</summary>
#
# Число голов запросов ни на что не влияет: запрос нужен один раз, и только своему токену.
#
# ```python
# def cache_bytes(L, H, H_KV, d_k, T, bytes_per_number):
#     return 2 * L * H_KV * d_k * T * bytes_per_number  # 2: a key and a value
# ```
#
# </details>


# %% [markdown] id="ex-head-bug-hunt-text" lang="en"
# ### 13.5 A bug hunt
#
# The layer of 13.2 with a mask of shape $(T, T)$, True where a query may look at a key; every query may look at one key at least. It runs, all shapes fit, a model with it even learns something. It has **four** bugs. Mend them all; the check names the first symptom it meets.
# %% [markdown] id="ex-head-bug-hunt-text" lang="ru"
# ### 13.5 Охота на ошибки
#
# Слой из 13.2 с маской формы $(T, T)$: True там, где запросу можно смотреть на ключ; каждому запросу доступен хотя бы один ключ. Код запускается, все формы сходятся, модель с таким слоем даже чему-то учится. Ошибок в нём **четыре**. Исправьте все; проверка называет первый встреченный симптом.
# %% id="ex-head-bug-hunt" tags=["exercise", "bug-hunt"]
def multi_head_attention(x, W_Q, W_K, W_V, W_O, H, mask):
    T = len(x)
    q, k, v = ((x @ W).view(H, T, -1) for W in (W_Q, W_K, W_V))
    scores = q @ k.transpose(1, 2) / math.sqrt(W_K.shape[-1])
    scores[0] = scores[0].masked_fill(~mask, -math.inf)
    z = scores.softmax(dim=-1) @ v
    return z.reshape(T, -1) @ W_O


multi_head_attention = check("head-bug-hunt", multi_head_attention)

# %% [markdown] id="ex-head-bug-hunt-solution" lang="en"
# <details><summary>Hint</summary>
#
# Take two tokens and two heads with $d_k = 1$ and write down the four numbers of `x @ W` in the order in which they lie in memory: whose numbers does `view` put into the first row of head 0? Ask the same of `reshape`. For the divisor, think of the size of one head's key; for `scores[0]`, of what its first axis counts.
#
# </details>
# <details><summary>Solution</summary>
#
# `view` did not cut the columns but mixed the tokens; the divisor was $\sqrt{H d_k}$; the mask reached head 0 only; and `reshape` put numbers of different tokens into one row when it joined the heads.
#
# ```python
# def multi_head_attention(x, W_Q, W_K, W_V, W_O, H, mask):
#     T = len(x)
#     q, k, v = ((x @ W).view(T, H, -1).transpose(0, 1) for W in (W_Q, W_K, W_V))
#     scores = q @ k.transpose(1, 2) / math.sqrt(k.shape[-1])
#     scores = scores.masked_fill(~mask, -math.inf)
#     z = scores.softmax(dim=-1) @ v
#     return z.transpose(0, 1).reshape(T, -1) @ W_O
# ```
#
# </details>
# %% [markdown] id="ex-head-bug-hunt-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Возьмите два токена и две головы с $d_k = 1$ и выпишите четыре числа из `x @ W` в том порядке, в каком они лежат в памяти: чьи числа `view` поместит в первую строку головы 0? С `reshape` — тот же вопрос. Для делителя вспомните, какого размера ключ одной головы, а для `scores[0]` — что нумерует первая ось.
#
# </details>
# <details><summary>Решение</summary>
#
# `view` не разрезал столбцы, а перемешал токены; делителем был $\sqrt{H d_k}$; маска доходила только до головы 0; а `reshape` при склейке голов собирал в одну строку числа разных токенов.
#
# ```python
# def multi_head_attention(x, W_Q, W_K, W_V, W_O, H, mask):
#     T = len(x)
#     q, k, v = ((x @ W).view(T, H, -1).transpose(0, 1) for W in (W_Q, W_K, W_V))
#     scores = q @ k.transpose(1, 2) / math.sqrt(k.shape[-1])
#     scores = scores.masked_fill(~mask, -math.inf)
#     z = scores.softmax(dim=-1) @ v
#     return z.transpose(0, 1).reshape(T, -1) @ W_O
# ```
#
# </details>

# %% id="exercises-used"
# Your answers (or the reference ones): two tokens with the numbers 0 … 11, then random matrices with
# D = 4, H = 2, d_k = 3, d_v = 2, and the sizes of Llama 3 8B for a text of 8192 tokens.
print("13.1:", split_heads(torch.arange(12).view(2, 6), 3).tolist())
tokens = randn(3, 4, seed=131)
matrices = [randn(*s, seed=132 + i) for i, s in enumerate([(4, 6), (4, 6), (4, 4), (4, 4)])]
print("13.2:", multi_head(tokens, *matrices, 2)[0])
print("13.3:", share_keys(torch.arange(3).view(3, 1, 1), 6).flatten().tolist())
print("13.4:", f"{cache_bytes(32, 32, 8, 128, 8192, 2):,}")
causal = torch.ones(3, 3).tril().bool()
print("13.5:", multi_head_attention(tokens, *matrices, 2, causal)[0])
# %% [markdown] id="real-models" lang="en"
# ## 14. In real models
#
# $D$ is the size of a token's vector, $H$ and $H_{KV}$ the heads of queries and of keys, $d_k$ the size of a key, $H d_k$ the width of all queries together. The last column is the number of parameters of one layer's attention (without biases), in millions: $W_Q$ and $W_O$ have $D \cdot H d_k$ each, $W_K$ and $W_V$ have $D \cdot H_{KV} d_k$ (with $d_v = d_k$).
# %% [markdown] id="real-models" lang="ru"
# ## 14. В настоящих моделях
#
# $D$ — размер вектора токена, $H$ и $H_{KV}$ — число голов у запросов и у ключей, $d_k$ — размер ключа, $H d_k$ — ширина всех запросов вместе. В последнем столбце — сколько параметров у внимания одного слоя (без смещений), в миллионах: в $W_Q$ и $W_O$ по $D \cdot H d_k$, в $W_K$ и $W_V$ по $D \cdot H_{KV} d_k$ (при $d_v = d_k$).
# %% id="real-models-table"
MODELS = {  # D, H, H_KV, d_k
    "Transformer base": (512, 8, 8, 64),
    "GPT-2 small": (768, 12, 12, 64),
    "BERT-large": (1024, 16, 16, 64),
    "T5-11B": (1024, 128, 128, 128),
    "GPT-3 175B": (12288, 96, 96, 128),
    "PaLM 540B": (18432, 48, 1, 256),
    "Llama 3 8B": (4096, 32, 8, 128),
    "Llama 3 70B": (8192, 64, 8, 128),
}
print("                      D    H  H_KV  d_k   H·d_k   millions")
for model, (D, H, H_KV, d_k) in MODELS.items():
    weights = D * d_k * (2 * H + 2 * H_KV)
    print(f"{model:16} {D:6} {H:4} {H_KV:5} {d_k:4} {H * d_k:7} {weights / 1e6:10.1f}")

# %% [markdown] id="real-models-text" lang="en"
# From models whose vectors have 512 numbers to those with 12,288, keys have 64 or 128 nearly everywhere: what grows is the number of heads. $H d_k = D$ is a habit and no law: T5-11B has queries sixteen times as wide as its vectors, PaLM's are narrower than the vectors; $W_O$ brings everything back to $D$. And in the newer models several heads share keys and values.
#
# What do the heads of such models do? Some are as plain as in our letters: one looks at the token before, one from the object of a verb to the verb (Clark et al., 2019, in BERT). Most cannot be named so easily. And many can go: Michel et al. (2019) removed the 96 heads of a translator's encoder one at a time, and only for 8 of the 96 did the quality change by more than chance would explain (for half of these to the better); for most layers a single head would have done. This does not contradict section 1: what one head cannot do in one layer, other layers may do, and nobody knows before the training which heads will be needed.
# %% [markdown] id="real-models-text" lang="ru"
# Почти всюду, от моделей с векторами из 512 чисел до моделей с векторами из 12288, у ключей размер 64 или 128: растёт число голов. $H d_k = D$ — привычка, а не закон: у T5-11B запросы в шестнадцать раз шире векторов, а у PaLM — у́же; $W_O$ всё возвращает к $D$. А в новых моделях несколько голов пользуются общими ключами и значениями.
#
# Что делают головы таких моделей? Некоторые понятны, как в наших письмах: одна смотрит на предыдущий токен, другая — с дополнения на глагол, от которого оно зависит (Clark et al., 2019, о BERT). Большинству так просто имени не подобрать. А без многих можно обойтись: Michel et al. (2019) отключали по одной все 96 голов энкодера модели-переводчика, и лишь для 8 из 96 качество менялось заметнее, чем могло бы случайно (для половины из них — к лучшему); большинству слоёв хватило бы одной головы. Разделу 1 это не противоречит: чего одна голова не может в одном слое, то могут сделать другие слои, а какие головы окажутся нужны, до обучения неизвестно.

# %% [markdown] id="summary" lang="en"
# ## 15. Summary
#
# One head has one set of attention weights per token, so it brings home one mixture, from which a linear reader cannot always take two answers; from two heads it can. Each head has its own $W_Q, W_K, W_V$ over the same $X$; their outputs are concatenated, and $W_O$ takes them back to size $D$, which is the same as adding up $Z_h W_O^h$. Heads part because they begin with different numbers, and a different slice of $W_O$ is enough. Where a head looks and what it does are two questions; taking it out tells what is lost without it, the others staying as they are. With $d_k = D/H$ more heads cost nothing in parameters and products, but each asks less finely; sharing keys and values among heads makes the cache smaller.
#
# $$\operatorname{MultiHead}(X) = [Z_1, \dots, Z_H]\,W_O = \sum_{h=1}^{H} \operatorname{softmax}\!\left(\frac{X W_Q^h (X W_K^h)^\top}{\sqrt{d_k}}\right) X W_V^h W_O^h$$
# %% [markdown] id="summary" lang="ru"
# ## 15. Итог
#
# У одной головы на каждый токен один набор весов внимания, поэтому она приносит одну смесь, из которой линейный читатель не всегда сумеет взять два ответа; из двух голов — сумеет. У каждой головы свои $W_Q, W_K, W_V$ над одним и тем же $X$; их выходы склеивают, и $W_O$ возвращает результат к размеру $D$ — это то же самое, что сложить $Z_h W_O^h$. Головы расходятся, потому что начинают с разных чисел, и достаточно, чтобы различались срезы $W_O$. Куда голова смотрит и что она делает — два разных вопроса; отключив её, мы узнаём, что без неё теряется, когда остальные на месте. При $d_k = D/H$ число голов не меняет ни числа параметров, ни числа умножений, но чем голов больше, тем грубее вопрос, который может задать каждая; общие ключи и значения у нескольких голов уменьшают кэш.
#
# $$\operatorname{MultiHead}(X) = [Z_1, \dots, Z_H]\,W_O = \sum_{h=1}^{H} \operatorname{softmax}\!\left(\frac{X W_Q^h (X W_K^h)^\top}{\sqrt{d_k}}\right) X W_V^h W_O^h$$
# %% id="summary-figure"
show(drawings.multi_head(), "multi_head")

# %% [markdown] id="summary-found" lang="en"
# What the notes said, and what we found:
# %% [markdown] id="summary-found" lang="ru"
# Что говорил конспект и что мы нашли:
# %% id="summary-ledger"
ledger(4)

# %% [markdown] id="key-questions" lang="en"
# ## 16. Key question
#
# Answer on paper, then unfold. The same card, and more of them, are in the Anki deck.
# %% [markdown] id="key-questions" lang="ru"
# ## 16. Ключевой вопрос
#
# Ответьте на бумаге, потом раскройте ответ. Эта карточка и другие карточки урока есть в колоде Anki.
# %% id="key-questions-cards"
key_questions(4)

# %% [markdown] id="reading" lang="en"
# ## 17. Further reading
#
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Section 3.2.2; table 3, rows A, for the number of heads.
# - N. Shazeer. *Fast Transformer Decoding: One Write-Head is All You Need.* 2019, [arXiv:1911.02150](https://arxiv.org/abs/1911.02150). Multi-query attention.
# - J. Ainslie et al. *GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints.* EMNLP 2023, [arXiv:2305.13245](https://arxiv.org/abs/2305.13245).
# - P. Michel, O. Levy, G. Neubig. *Are Sixteen Heads Really Better than One?* NeurIPS 2019, [arXiv:1905.10650](https://arxiv.org/abs/1905.10650). Our section 10 on real models.
# - E. Voita et al. *Analyzing Multi-Head Self-Attention: Specialized Heads Do the Heavy Lifting, the Rest Can Be Pruned.* ACL 2019, [arXiv:1905.09418](https://arxiv.org/abs/1905.09418). Which heads of a translator have a role, and how many can go.
# - K. Clark et al. *What Does BERT Look At? An Analysis of BERT's Attention.* BlackboxNLP 2019, [arXiv:1906.04341](https://arxiv.org/abs/1906.04341).
# - S. Jain, B. Wallace. *Attention is not Explanation.* NAACL 2019, [arXiv:1902.10186](https://arxiv.org/abs/1902.10186). Why looking is not doing.
# - N. Elhage et al. *A Mathematical Framework for Transformer Circuits.* 2021, [transformer-circuits.pub](https://transformer-circuits.pub/2021/framework/index.html). Heads as a sum, and what follows from it.
# - S. Bhojanapalli et al. *Low-Rank Bottleneck in Multi-head Attention Models.* ICML 2020, [arXiv:2002.07028](https://arxiv.org/abs/2002.07028).
# - J. Vig. *A Multiscale Visualization of Attention in the Transformer Model.* ACL 2019, [arXiv:1906.05714](https://arxiv.org/abs/1906.05714). BertViz.
# - I. Kotenkov. [*Transformers, explained in detail*](https://www.youtube.com/watch?v=iOrNbK2T92M) (in Russian). The lecture behind the notes this course grew from.
#
# Next: [lesson 05, positional encoding](05_positions.ipynb).
# %% [markdown] id="reading" lang="ru"
# ## 17. Что читать дальше
#
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Раздел 3.2.2; о числе голов — таблица 3, строки A.
# - N. Shazeer. *Fast Transformer Decoding: One Write-Head is All You Need.* 2019, [arXiv:1911.02150](https://arxiv.org/abs/1911.02150). Одна голова ключей и значений на все головы запросов.
# - J. Ainslie et al. *GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints.* EMNLP 2023, [arXiv:2305.13245](https://arxiv.org/abs/2305.13245).
# - P. Michel, O. Levy, G. Neubig. *Are Sixteen Heads Really Better than One?* NeurIPS 2019, [arXiv:1905.10650](https://arxiv.org/abs/1905.10650). Наш раздел 10, но на настоящих моделях.
# - E. Voita et al. *Analyzing Multi-Head Self-Attention: Specialized Heads Do the Heavy Lifting, the Rest Can Be Pruned.* ACL 2019, [arXiv:1905.09418](https://arxiv.org/abs/1905.09418). У каких голов переводчика есть роль и сколько голов можно убрать.
# - K. Clark et al. *What Does BERT Look At? An Analysis of BERT's Attention.* BlackboxNLP 2019, [arXiv:1906.04341](https://arxiv.org/abs/1906.04341).
# - S. Jain, B. Wallace. *Attention is not Explanation.* NAACL 2019, [arXiv:1902.10186](https://arxiv.org/abs/1902.10186). Почему смотреть — ещё не значит делать.
# - N. Elhage et al. *A Mathematical Framework for Transformer Circuits.* 2021, [transformer-circuits.pub](https://transformer-circuits.pub/2021/framework/index.html). Головы как сумма и что из этого следует.
# - S. Bhojanapalli et al. *Low-Rank Bottleneck in Multi-head Attention Models.* ICML 2020, [arXiv:2002.07028](https://arxiv.org/abs/2002.07028).
# - J. Vig. *A Multiscale Visualization of Attention in the Transformer Model.* ACL 2019, [arXiv:1906.05714](https://arxiv.org/abs/1906.05714). BertViz.
# - И. Котенков. [*Transformers, explained in detail*](https://www.youtube.com/watch?v=iOrNbK2T92M). Лекция, по которой написан конспект, давший начало курсу.
#
# Дальше: [урок 05, позиционное кодирование](05_positions.ipynb).
