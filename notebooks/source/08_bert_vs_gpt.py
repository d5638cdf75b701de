# %% [markdown] id="title" lang="en"
# # Lesson 08. BERT vs GPT
#
# The transformer of lesson 07 reads with an encoder and writes with a decoder. In 2018 its two halves became two models, trained on plain text that nobody had labelled, and the field was changed: GPT writes, BERT reads. This lesson builds both from the blocks you have, trains them on the same little stories and puts them side by side: what each learns, what each can be made to do against its nature, and what it costs. Both have to give the logits, losses and gradients that the field's common library gives, and weights have to go both ways.
#
# **You will be able to**
#
# - say what makes BERT encoder-only and GPT decoder-only, and why it is the mask and the training task that decide, not the block;
# - write with a GPT: prefill, decode, KV cache, temperature, top-k, top-p, and say what each costs or changes;
# - prepare a batch for masked language modelling (MLM), and say what the 80, 10 and 10 percent are for;
# - say what [CLS], [SEP] and segments do, and what next sentence prediction teaches;
# - fine-tune on few labels, and judge when pre-training pays;
# - load and save GPT-2 and BERT in the format of the library `transformers`, and train a GPT on a text of your own.
#
# **You need** lessons 02 to 07: tokens, attention, positions, the block, training and writing. **Time:** 90 minutes of reading and playing, 50 for the exercises; all cells run in under a minute.
#
# Previous lesson: [07, decoder, training, translation](07_decoder.ipynb). This is the last lesson.
# %% [markdown] id="title" lang="ru"
# # Урок 08. BERT против GPT
#
# Трансформер из урока 07 читает энкодером и пишет декодером. В 2018 году из двух его половин сделали две модели; их обучили на обычном тексте, который никто не размечал, и это изменило всю обработку текстов: GPT пишет, BERT читает. В этом уроке мы соберём обе из уже знакомых блоков, обучим на одних и тех же маленьких историях и поставим рядом: чему учится каждая, что её можно заставить делать вопреки её устройству и чего это стоит. У обеих логиты, потери и градиенты должны совпасть с тем, что даёт общепринятая библиотека, а веса — переноситься в обе стороны.
#
# **Вы научитесь**
#
# - объяснять, почему BERT — только энкодер, а GPT — только декодер и почему дело здесь в маске и задаче обучения, а не в блоке;
# - генерировать текст с помощью GPT: prefill, decode, KV-кэш, температура, top-k, top-p — и говорить, чего стоит и что меняет каждый приём;
# - готовить батч для маскированного языкового моделирования (masked language modelling, MLM) и объяснять, зачем нужны 80, 10 и 10 процентов;
# - объяснять, что делают [CLS], [SEP] и сегменты и чему учит предсказание следующего предложения;
# - дообучать модель на нескольких размеченных примерах и судить, когда предобучение окупается;
# - загружать и сохранять GPT-2 и BERT в формате библиотеки `transformers` и обучать GPT на собственном тексте.
#
# **Понадобятся** уроки 02–07: токены, внимание, позиции, блок, обучение и генерация. **Время:** 90 минут на чтение и опыты, 50 — на упражнения; все ячейки выполняются меньше чем за минуту.
#
# Предыдущий урок: [07, декодер, обучение, перевод](07_decoder.ipynb). Это последний урок.
# %% id="start"
from course_lib import start

start(lesson=8)

# %% id="imports"
import math
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from course_lib import bert_training, gpt_training, pretrained, story_experiments, story_sentiment
from course_lib.attention import causal_mask, padding_mask
from course_lib.bert import BERT
from course_lib.cards.notebook import key_questions, recall
from course_lib.claims import claim, ledger
from course_lib.corpora import library_docs, stories
from course_lib.counting import OperationCounter
from course_lib.decoder import DecoderBlock
from course_lib.encoder import EncoderBlock
from course_lib.exercises import check
from course_lib.explorers import explore_generation, explore_hidden_word
from course_lib.explorers.generation import rounded
from course_lib.explorers.hidden_word import case_of
from course_lib.feed_forward import gelu
from course_lib.figures import bert_gpt as drawings
from course_lib.figures import bert_gpt_curves as curves
from course_lib.figures import course, show
from course_lib.glossary import notation_table
from course_lib.gpt import GPT
from course_lib.normalisation import LayerNorm
from course_lib.own_text import train_on_text
from course_lib.parity import parity
from course_lib.results import recorded
from course_lib.sampling import distribution, draw
from course_lib.story_holes import by_mask, by_middle, by_trying, fit, from_the_left, holes


def generator(seed):
    """A source of random numbers of its own."""
    return torch.Generator().manual_seed(seed)


def randn(*shape, seed):
    """Normal numbers in float64, the same on every machine."""
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def difference(a, b):
    """The largest absolute difference of two tensors."""
    return (a - b).abs().max().item()


def mean(values):
    """The mean of some numbers."""
    values = list(values)
    return sum(values) / len(values)


# %% id="map"
show(course.course_map(here=8), "course_map", here=8)

# %% [markdown] id="problem" lang="en"
# ## 1. Labels are few, text is plenty
#
# Here are the *stories* of this lesson: two sentences about an animal. All six adjectives of a story are pleasant or all are unpleasant; the thing that is found fits the kind of place, which is water, wild country or a paved one (a boat at the river, a cave in the gorge, a bus in the avenue); half of the second sentences name the animal again, the others say *it*. The task is *sentiment*: is a story pleasant or not? Somebody has labelled 8 stories for us. We train a small transformer on them, from random weights, for 60 steps, after which it makes no mistake on them, and try it on stories that it has not seen. (It is the BERT of section 7; for now, a stack of encoder blocks with a linear layer on top.)
# %% [markdown] id="problem" lang="ru"
# ## 1. Разметки мало, текста много
#
# Вот *истории* этого урока: по два предложения о каком-нибудь звере. Все шесть прилагательных в истории либо приятные, либо неприятные; найденная вещь подходит к виду места — это вода, дикая местность или мощёное место (boat, лодка, — у реки; cave, пещера, — в ущелье; bus, автобус, — на проспекте); половина вторых предложений снова называет зверя, в остальных стоит *it*. Задача — определить *тональность* (sentiment): приятная история или нет? Кто-то разметил для нас 8 историй. Обучим на них маленький трансформер со случайными начальными весами: 60 шагов, после которых он на них не ошибается, — и проверим его на историях, которых он не видел. (Это BERT из раздела 7, а пока — просто стопка блоков энкодера с линейным слоем сверху.)
# %% id="problem-stories"
for story in stories.stories(4, seed=3):
    print("+" if story.positive else "−", story)
print()
bare = bert_training.untrained(
    bert_training.FULL, seed=1
).double()  # the BERT of section 7, untrained
classifier = story_sentiment.fine_tune(bare, 8, seed=0)
seen, wanted = story_sentiment.labelled(8, seed=0)
on_labelled = story_sentiment.right(classifier, seen, wanted)
from_scratch = story_sentiment.accuracy(classifier)
adjectives = {
    word for pool in (stories.LOOKS, stories.MOODS) for side in pool.values() for word in side
}
met = adjectives & {word for story in seen for word in story.tokens}
print(f"right on the 8 labelled stories: {on_labelled:.2f}")
print(f"right on 1000 new ones:          {from_scratch:.2f}   (guessing: 0.50)")
print(f"adjectives in the 8 stories:     {len(met)} of {len(adjectives)}")
assert on_labelled == 1 and from_scratch < 0.9

# %% [markdown] id="problem-after" lang="en"
# It has learned 8 stories, not what *pleasant* means. Eight labels are at most 8 bits, and nearly half of the adjectives were not there to be learned; a model with 25 thousand weights finds many ways to get 8 answers right, most of them accidents. But anybody can have unlabelled stories by the million, and there is much to be learned from them: that *hideous*, *vile* and *miserable* keep company, and *lovely*, *splendid* and *glad* do, although nobody says which is which. What we need is a task that makes a model learn this from bare text. The task must supply its own answers. Two such tasks have become famous, and both come down to hiding a word that we know:
#
# - hide **the next word**, and predict it from the words before: a *causal language model*, GPT;
# - hide **some words** anywhere, and predict them from all that is left: a *masked language model*, BERT.
#
# Training on such a task is called **pre-training**; going on with the few labels is **fine-tuning**. (Lesson 01 did the first with word vectors. The difference is that here a whole network is handed on, which gives a word different vectors in different texts.)
# %% [markdown] id="problem-after" lang="ru"
# Модель выучила 8 историй, а не то, что такое «приятно». Восемь меток — это не больше 8 бит, и почти половины прилагательных в этих историях просто не было; у модели с 25 тысячами весов много способов дать 8 верных ответов, и большинство из них — случайные совпадения. А неразмеченных историй можно набрать хоть миллион, и узнать из них можно многое: что *hideous*, *vile* и *miserable* встречаются вместе и что вместе встречаются *lovely*, *splendid* и *glad*, хотя никто не говорит, где какие. Нужна задача, на которой модель научится этому по голому тексту. Правильные ответы для неё должны находиться в самом тексте. Прославились две такие задачи, и обе сводятся к тому, чтобы скрыть слово, которое мы знаем:
#
# - скрыть **следующее слово** и предсказать его по предыдущим: *каузальная языковая модель*, GPT;
# - скрыть **несколько слов** где угодно и предсказать их по всему остальному: *маскированная языковая модель*, BERT.
#
# Обучение на такой задаче называется **предобучением** (pre-training), а продолжение на немногих размеченных примерах — **дообучением** (fine-tuning). (В уроке 01 мы уже делали первое с векторами слов. Разница в том, что здесь на следующий этап переходит вся сеть, поэтому у одного слова в разных текстах разные векторы.)

# %% [markdown] id="symbols" lang="en"
# ## 2. Symbols
#
# The letters are those of lessons 03 to 07. New are BERT's segment embeddings, the weights of its head, and what drawing a token needs: $\tau$, $u$, $k$, $p$. Here $k$ is a number of tokens and no key, $u$ a random number and no vector of Word2Vec, $J$ a set of places and no Jacobian, and $z$ without an index are logits, as in lesson 07.
# %% [markdown] id="symbols" lang="ru"
# ## 2. Обозначения
#
# Буквы те же, что в уроках 03–07. Новое — эмбеддинги сегментов BERT, веса его головы и то, что нужно для выбора токена: $\tau$, $u$, $k$, $p$. Здесь $k$ — число токенов, а не ключ, $u$ — случайное число, а не вектор Word2Vec, $J$ — набор мест, а не матрица Якоби, а $z$ без индекса — логиты, как в уроке 07.
# %% id="notation"
notation_table(8)

# %% [markdown] id="recall" lang="en"
# Three questions from earlier lessons. Answer each aloud, then unfold.
# %% [markdown] id="recall" lang="ru"
# Три вопроса из прошлых уроков. Ответьте на каждый вслух, потом раскройте ответ.
# %% id="recall-cards"
recall(8)

# %% [markdown] id="families" lang="en"
# ## 3. One block, three families
#
# A decoder block has three sub-layers: masked self-attention, cross-attention, feed-forward. Where there is no source to look into, cross-attention has nothing to do, and goes. What is left has two sub-layers, like an encoder block. **Predict:** what is then still different between the block of a decoder-only model and that of an encoder-only model?
# %% [markdown] id="families" lang="ru"
# ## 3. Один блок, три семейства
#
# В блоке декодера три подслоя: самовнимание с маской, перекрёстное внимание, слой прямого распространения. Если исходного текста нет, перекрёстному вниманию не на что смотреть, и его убирают. Остаётся два подслоя, как в блоке энкодера. **Предскажите:** чем тогда вообще отличаются блок модели «только декодер» и блок модели «только энкодер»?
# %% id="families-block"
encoder_block = EncoderBlock(12, 3, 20, generator=generator(0))
decoder_block = DecoderBlock(12, 3, 20, generator=generator(1))
for ours, theirs in (
    ("attention", "self_attention"),
    ("feed_forward", "feed_forward"),
    ("norm_1", "norm_1"),
    ("norm_2", "norm_3"),
):
    getattr(decoder_block, theirs).load_state_dict(getattr(encoder_block, ours).state_dict())
with torch.no_grad():  # cross-attention that adds nothing
    decoder_block.cross_attention.W_O.zero_()
    decoder_block.cross_attention.b_O.zero_()
x = torch.randn(2, 5, 12, generator=generator(2), dtype=torch.float64)
memory = torch.randn(2, 7, 12, generator=generator(3), dtype=torch.float64)
mask = causal_mask(5)
with torch.no_grad():
    without_cross = decoder_block(x, memory, mask)[0]
    with_mask, open_view = encoder_block(x, mask)[0], encoder_block(x)[0]
same_block = torch.equal(without_cross, with_mask)
print(
    "decoder block without cross-attention = encoder block with the triangle, bit by bit:",
    same_block,
)
print(
    f"and without the triangle the encoder block differs by {difference(open_view, with_mask):.2f}"
)
assert same_block
show(drawings.three_families(), "three_families")

# %% [markdown] id="families-after" lang="en"
# Only the mask. (Shown for pre-norm; in post-norm the LayerNorm of the cross-attention has to go with it.) *Decoder-only* and *encoder-only* name the half of Vaswani's model that was kept; the block is the same. (The order of normalisation differs between BERT, "post", and GPT-2, "pre", but that is fashion of the year, not family: lesson 06.) The mask decides what a model can be trained on. Under the triangle every row may be asked for the next token, so one pass over $T$ tokens answers $T$ questions (lesson 07). Without it every row sees both sides of its token, but asking for a token that is in sight would be pointless: some tokens have to be hidden first, and only those can be asked for. The third family in the figure is lesson 07's, here with the name of its best-known member, T5. Its mask in one square: the source sees itself (top left), the target sees the whole source (cross-attention, bottom left) and its own past (bottom right), and the source sees nothing of the target.
# %% [markdown] id="families-after" lang="ru"
# Только маской. (Показано для pre-norm; при post-norm вместе с перекрёстным вниманием надо убрать и его LayerNorm.) Названия «только декодер» (decoder-only) и «только энкодер» (encoder-only) говорят, какую половину модели Vaswani et al. оставили; блок один и тот же. (Порядок нормализации у BERT — «post», у GPT-2 — «pre», но это мода своего года, а не признак семейства: урок 06.) Маска решает, на какой задаче модель можно обучать. С треугольником любую строку можно спросить о следующем токене, так что один проход по $T$ токенам отвечает на $T$ вопросов (урок 07). Без него каждая строка видит текст по обе стороны от своего токена, но спрашивать о токене, который на виду, бессмысленно: сначала надо что-то скрыть, и спросить можно только о скрытом. Третье семейство на рисунке — модель урока 07, здесь под именем самой известной из таких моделей, T5. Её маска, сложенная в один квадрат: исходный текст видит сам себя (слева вверху), перевод — весь исходный текст (перекрёстное внимание, слева внизу) и собственное прошлое (справа внизу), а исходный текст перевода не видит.

# %% [markdown] id="gpt" lang="en"
# ## 4. GPT
#
# The whole model: token embeddings and learned positions are added, $L$ blocks with a causal mask follow, a last LayerNorm, and the embedding table once more, transposed, as read-out (tied, lesson 07):
#
# $$X_0 = E[\text{ids}] + P, \qquad X_l = \mathrm{Block}_l(X_{l-1}), \qquad \text{logits} = \mathrm{LayerNorm}(X_L)\, E^\top.$$
#
# $P$ holds the first $T$ rows of the table of positions. (The factor $\sqrt D$ of lesson 07 is not needed: learned positions, unlike sinusoids, may begin as small as one likes, and in the models that we train they begin smaller than the embeddings.) There is no source and no memory.
# %% [markdown] id="gpt" lang="ru"
# ## 4. GPT
#
# Вся модель: складываем эмбеддинги токенов и обучаемые позиции, затем идут $L$ блоков с каузальной маской, последняя LayerNorm и ещё раз таблица эмбеддингов, транспонированная, — выходной слой (связанные веса, урок 07):
#
# $$X_0 = E[\text{ids}] + P, \qquad X_l = \mathrm{Block}_l(X_{l-1}), \qquad \text{logits} = \mathrm{LayerNorm}(X_L)\, E^\top.$$
#
# $P$ — первые $T$ строк таблицы позиций. (Множитель $\sqrt D$ из урока 07 не нужен: в отличие от синусоид, обучаемые позиции могут вначале быть сколь угодно малы, и в моделях, которые мы обучаем, они меньше эмбеддингов.) Нет ни исходного текста, ни памяти.


# %% id="gpt-class"
class MyGPT(nn.Module):
    """ids (B, T) → logits (B, T, n_vocab). Radford et al. 2018, section 3.1; 2019, section 2.3 (pre-norm, last LayerNorm)."""

    def __init__(self, n_vocab, longest, D, H, L, generator):
        super().__init__()
        draw = torch.randn(n_vocab + longest, D, generator=generator, dtype=torch.float64)
        self.E = nn.Parameter(0.02 * draw[:n_vocab])
        self.P = nn.Parameter(0.02 * draw[n_vocab:])
        options = {"activation": "gelu_tanh", "eps": 1e-5, "generator": generator}
        self.blocks = nn.ModuleList(EncoderBlock(D, H, **options) for _ in range(L))
        self.norm = LayerNorm(D, eps=1e-5)

    def forward(self, ids):
        T = ids.shape[1]
        x = self.E[ids] + self.P[:T]
        for block in self.blocks:
            x, _ = block(x, causal_mask(T))
        return self.norm(x) @ self.E.T


mine = MyGPT(50, 16, 12, 3, 2, generator(0))
packaged = GPT(50, 16, 12, 3, 2)
for own, theirs in zip(mine.parameters(), packaged.parameters(), strict=True):
    theirs.data.copy_(own)  # both hold them in the same order
some_ids = torch.randint(50, (3, 11), generator=generator(1))
parity(
    "course_lib.gpt",
    mine,
    packaged,
    some_ids,
    parameters=list(zip(mine.parameters(), packaged.parameters(), strict=True)),
)

# %% [markdown] id="gpt-parity-text" lang="en"
# Is it GPT-2? The test is the field's own code: `GPT2LMHeadModel` of the library `transformers`, with our random weights carried over. Logits, loss and the gradient of every weight have to agree. GPT-2 keeps its matrices for $Q$, $K$ and $V$ side by side in one; since the conversion only moves numbers about, gradients can be converted by the same function as weights. (The loss is computed here from their logits, because the library would round them to 32 bits first.)
# %% [markdown] id="gpt-parity-text" lang="ru"
# Это и есть GPT-2? Проверим на коде, которым пользуются все: `GPT2LMHeadModel` из библиотеки `transformers`, в который перенесены наши случайные веса. Должны совпасть логиты, потери и градиент каждого веса. GPT-2 хранит матрицы для $Q$, $K$ и $V$ рядом, в одной; преобразование только переставляет числа, так что градиенты можно преобразовать той же функцией, что и веса. (Потери мы считаем здесь по логитам библиотеки сами: она сначала округлила бы их до 32 бит.)
# %% id="gpt-parity"


def unsettle(model):
    """Move every weight away from its initial 0 or 1, so that none can be forgotten unseen."""
    with torch.no_grad():
        for number, weight in enumerate(model.parameters()):
            weight.add_(
                0.1 * torch.randn(weight.shape, generator=generator(number), dtype=torch.float64)
            )


def same_gradients(ours, theirs, back):
    """The largest difference of all gradients, theirs brought into our form; and how many there are."""
    state = {name: weight.grad for name, weight in theirs.named_parameters()}
    moved = dict(back(theirs.config.to_dict(), state).named_parameters())
    differences = [difference(weight.grad, moved[name]) for name, weight in ours.named_parameters()]
    assert max(weight.grad.abs().max() for weight in ours.parameters()) > 1e-3
    return max(differences), len(differences)


equal = []
for sizes in (
    (50, 16, 12, 3, 2),
    (31, 9, 10, 1, 1, 7),
    (64, 20, 18, 2, 3, 50),
):  # n_vocab, longest, D, H, L, d_ff
    ours = GPT(*sizes, generator=generator(5))
    unsettle(ours)
    theirs = ours.to_transformers()
    ids = torch.randint(sizes[0], (3, 8), generator=generator(6))
    logits = ours(ids)
    loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    loss.backward()
    their_logits = theirs(ids).logits
    their_loss = F.cross_entropy(their_logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    their_loss.backward()
    worst, count = same_gradients(ours, theirs, pretrained.gpt_from_state)
    equal.append(
        max(difference(logits, their_logits), difference(loss, their_loss), worst) <= 1e-10
    )
    print(
        f"D={sizes[2]:2}, H={sizes[3]}, L={sizes[4]}: logits, loss and {count} gradients equal to 1e-10: {equal[-1]}"
    )

ids = torch.randint(31, (1, 8), generator=generator(7))
small = GPT(31, 9, 10, 2, 2, generator=generator(8))
later = ids.clone()
later[0, -1] = (ids[0, -1] + 1) % 31
with torch.no_grad():
    sees_later = not torch.equal(small(ids)[:, :-1], small(later)[:, :-1])
parts = [name for name, _ in small.named_modules() if "cross" in name or "memory" in name]
print(f"an earlier row sees a later token: {sees_later}; parts for a source: {parts}")
claim(
    "8.2",
    holds=all(equal) and not sees_later and not parts,
    measured="GPT2LMHeadModel, 3 configurations: logits and all gradients to 1e-10; no row sees a later token",
)

# %% [markdown] id="gpt-train-text" lang="en"
# Now train it. A text is `<|endoftext|>`, the words of a story, `<|endoftext|>`: one token marks both ends, as in GPT-2. Every step draws 32 fresh stories, so there is nothing to learn by heart. And because we know the grammar that makes them, we know the best that any model can do: a story is one of $N$ equally probable ones, its *entropy* is $\ln N$ nats, and divided by the number of its tokens, 26 with the end, that is the least possible loss (lesson 07).
# %% [markdown] id="gpt-train-text" lang="ru"
# Теперь обучим её. Текст — это `<|endoftext|>`, слова истории, `<|endoftext|>`: один токен отмечает и начало, и конец, как в GPT-2. На каждом шаге берём 32 новые истории, так что зубрить нечего. А раз мы знаем грамматику, по которой истории составлены, мы знаем и лучшее, чего может добиться любая модель: история — одна из $N$ равновероятных, её *энтропия* — $\ln N$ натов, а если разделить её на число токенов — их 26 вместе с концом, — получатся наименьшие возможные потери (урок 07).
# %% id="gpt-train"
gpt = gpt_training.untrained(gpt_training.SMALL, seed=0)
losses = gpt_training.train(gpt, gpt_training.SMALL, seed=0)
floor = stories.entropy_per_token()
reached = gpt_training.fresh_loss(gpt)
print(f"weights: {sum(weight.numel() for weight in gpt.parameters()):,}")
print(
    f"stories: {math.exp(stories.entropy()):.3g}, equally probable; ln = {stories.entropy():.2f} nats"
)
print(f"tokens of each: {stories.length()}; least loss: {floor:.4f} nats per token")
print(
    f"all tokens alike: ln {len(stories.vocabulary())} = {math.log(len(stories.vocabulary())):.2f}; the untrained model: {losses[0]:.2f}"
)
print(f"after {len(losses)} steps, on 1000 fresh stories: {reached:.3f}")
assert floor - 0.02 < reached < floor + 0.2
show(curves.loss_and_entropy(range(1, len(losses) + 1), losses, floor), "loss_and_entropy")

# %% id="gpt-write"
written = gpt_training.write(gpt, 400, seed=0)
for words in written[:4]:
    print("✓" if stories.accepts(words) else "✗", " ".join(words))
grammatical = gpt_training.accepted(written)
print(f"\naccepted by the grammar: {grammatical:.2f} of 400")
print(
    f"at temperature 0.5:      {gpt_training.accepted(gpt_training.write(gpt, 400, seed=0, temperature=0.5)):.2f}"
)

# %% [markdown] id="gpt-write-after" lang="en"
# ✓ stands before a text that the grammar could have made to the last word: right form, one polarity, a thing that fits the place, the same animal. A single slip in 25 words and it is ✗. (*Worried and worried* is allowed.) The model has seen 12,800 stories of some $10^{13}$, so it has not learned stories; it has learned what goes with what. The loss that is left above the floor is what it has not.
# %% [markdown] id="gpt-write-after" lang="ru"
# ✓ стоит перед текстом, который грамматика могла бы породить целиком, от первого слова до последнего: правильная форма, одна тональность, вещь подходит к месту, зверь тот же. Одна оплошность на 25 слов — и уже ✗. (Дважды одно и то же настроение — не ошибка.) Модель видела 12 800 историй примерно из $10^{13}$, так что она выучила не истории, а то, что с чем сочетается. Всё, что осталось в потерях сверх нижней границы, — это то, чего она не выучила.

# %% [markdown] id="inference" lang="en"
# ## 5. Writing: prefill, decode, cache
#
# How does a GPT continue a *prompt*? The notes put it so: the vectors of the prompt take the place of the encoder's, the model predicts one token, appends it, and runs everything again. The first half of that is not so, and the second is right but needless.
#
# **No vectors take the encoder's place**, since nobody would read them: cross-attention is gone. The prompt is simply the beginning of the text. It goes through the same blocks as what follows it, and the only way from it to a later token is masked self-attention.
#
# **Nothing has to be run again.** Under the causal mask the keys and values of a token depend on nothing that comes later; so they can be kept, as in lesson 07. *Prefill* sends the whole prompt through in one pass and fills this **KV cache**; *decode* then sends one token at a time, whose query meets the keys in the cache.
# %% [markdown] id="inference" lang="ru"
# ## 5. Генерация: prefill, decode, кэш
#
# Как GPT продолжает *промпт*? В конспекте сказано так: векторы промпта занимают место векторов энкодера, модель предсказывает один токен, дописывает его и прогоняет всё заново. Первая половина здесь неверна, а вторая верна, но лишняя.
#
# **Места энкодера не занимает ничто**: читать его векторы некому, перекрёстного внимания больше нет. Промпт — просто начало текста. Он проходит через те же блоки, что и всё последующее, и единственный путь от него к более позднему токену — самовнимание с маской.
#
# **Прогонять заново ничего не нужно.** При каузальной маске ключи и значения токена не зависят ни от чего, что стоит после него, поэтому их можно сохранить, как в уроке 07. Этап *prefill* пропускает весь промпт за один проход и заполняет этот **KV-кэш**; затем на этапе *decode* (декодирование) через модель идёт по одному токену, и его запрос сравнивается с ключами из кэша.
# %% id="inference-figure"
show(drawings.gpt_inference(), "gpt_inference")

# %% [markdown] id="cache-text" lang="en"
# **Predict:** a text of $T$ tokens is written from one start token. How do the operations grow with $T$, with the cache and without: as $T$, $T^2$ or $T^3$?
#
# <details><summary>Answer</summary>
#
# Projections and feed-forward layers cost the same for every token that goes through. Without a cache step $t$ sends $t$ tokens through, together about $T^2/2$; with it one, together $T$. Attention compares pairs: without a cache $t^2$ in step $t$, together about $T^3/3$; with it $t$, together $T^2/2$. For a narrow model attention takes over early, for a wide one late: compare $12 D^2$, the weights of a block (four matrices of attention, $4D^2$, and two of the feed-forward layer with $d_{ff} = 4D$, $8D^2$), with $2 T D$, the multiply-adds of one query with $T$ keys and values. So for long texts: $T^3$ without the cache, $T^2$ with it; while $T$ is small beside $6D$ (lesson 00, section 8) the layers dominate: $T^2$ and $T$.
#
# </details>
# %% [markdown] id="cache-text" lang="ru"
# **Предскажите:** модель пишет $T$ токенов, начав с одного начального. Как растёт число операций с ростом $T$ — с кэшем и без: как $T$, $T^2$ или $T^3$?
#
# <details><summary>Ответ</summary>
#
# Проекции и слои прямого распространения стоят одинаково для каждого токена, который через них проходит. Без кэша на шаге $t$ проходит $t$ токенов, всего около $T^2/2$; с кэшем — один, всего $T$. Внимание сравнивает пары: без кэша $t^2$ на шаге $t$, всего около $T^3/3$; с кэшем $t$, всего $T^2/2$. В узкой модели внимание начинает преобладать рано, в широкой — поздно: сравните веса одного блока, $12 D^2$ (четыре матрицы внимания, $4D^2$, и две матрицы слоя прямого распространения при $d_{ff} = 4D$, $8D^2$), с числом умножений-сложений для одного запроса, $2 T D$ ($T$ ключей и столько же значений). Итак, на длинных текстах: $T^3$ без кэша, $T^2$ с ним; пока $T$ мало по сравнению с $6D$ (урок 00, раздел 8), преобладают слои: $T^2$ и $T$.
#
# </details>
# %% id="cache"
prompt = torch.tensor([[stories.END, *stories.ids(["yesterday", "the", "happy", "fox"])]])


@torch.no_grad()
def run_everything_again(model, prompt, count):
    """The notes' way: the whole text through the model for every token. Tokens (count,) and the logits (count, n_vocab)."""
    text, rows = prompt, []
    for _ in range(count):
        rows.append(model.vectors(text)[0, -1] @ model.embedding.T)  # only the last row is read out
        text = torch.cat([text, rows[-1].argmax()[None, None]], dim=1)
    return text[0, prompt.shape[1] :], torch.stack(rows)


@torch.no_grad()
def prefill_and_decode(model, prompt, count):
    """The same with a cache: the prompt once, then one token at a time."""
    cache, new, rows = model.start(), prompt, []
    for _ in range(count):
        rows.append(model.step(new, cache)[0, -1])
        new = rows[-1].argmax()[None, None]
    return torch.stack([row.argmax() for row in rows]), torch.stack(rows)


with OperationCounter() as again:
    slow_tokens, slow_logits = run_everything_again(gpt, prompt, 22)
with OperationCounter() as cached:
    fast_tokens, fast_logits = prefill_and_decode(gpt, prompt, 22)
print(" ".join(stories.words(fast_tokens.tolist())))
print(
    f"same 22 tokens: {torch.equal(slow_tokens, fast_tokens)}; logits equal to 1e-10: {difference(slow_logits, fast_logits) <= 1e-10}"
)
print(
    f"multiply-adds: everything again {again.matmul:,}, with the cache {cached.matmul:,}, {again.matmul / cached.matmul:.1f} times fewer"
)

# everything that lies between: any cutting of the text into pieces gives the same logits
whole = torch.cat([prompt, fast_tokens[None]], dim=1)
with torch.no_grad():
    one_pass, cuttings = gpt(whole), []
    for pieces in ([27], [5] + [1] * 22, [1] * 27, [4, 9, 14]):
        cache = gpt.start()
        steps = [gpt.step(piece, cache) for piece in whole.split(pieces, dim=1)]
        cuttings.append(difference(torch.cat(steps, dim=1), one_pass) <= 1e-10)
print("any cutting gives the same logits:", all(cuttings))

long = GPT(20, 128, 16, 2, 1, generator=generator(0))
lengths, costs = (8, 16, 32, 64, 128), {"with": [], "without": []}
for T in lengths:
    for name, way in (("with", prefill_and_decode), ("without", run_everything_again)):
        with OperationCounter() as counter:
            way(long, torch.tensor([[0]]), T)
        costs[name].append(counter.matmul)
print("T                 ", *(f"{T:>11}" for T in lengths))
for name, found in costs.items():
    print(f"{name:7} the cache ", *(f"{count:>11,}" for count in found))
claim(
    "8.3",
    holds=torch.equal(slow_tokens, fast_tokens)
    and difference(slow_logits, fast_logits) <= 1e-10
    and all(cuttings)
    and cached.matmul < again.matmul / 5,
    measured=f"22 equal tokens, logits equal to 1e-10, {again.matmul / cached.matmul:.1f} times fewer multiply-adds; no cross-attention",
)
show(curves.cache_cost(lengths, costs["with"], costs["without"]), "cache_cost")

# %% [markdown] id="cache-after" lang="en"
# The cache changes the cost and nothing else. (In the table $6D = 96$, so that it shows the passage: from 64 to 128 tokens the cost grows 2.5 times with the cache and 5.2 times without. On two logarithmic axes a power $T^a$ is a line of slope $a$.) Its price is memory: $2 L\, T\, D$ numbers for a text (lesson 04 counts it for real models, and shows how grouped queries make it smaller). And the two phases strain a machine differently. Prefill multiplies large matrices, many tokens at once, and is limited by arithmetic. Decoding reads *all* weights from memory to push *one* token through, and is limited by how fast memory can be read; therefore servers write many texts together.
# %% [markdown] id="cache-after" lang="ru"
# Кэш меняет стоимость и больше ничего. (В таблице $6D = 96$, и виден переход: от 64 к 128 токенам стоимость растёт в 2.5 раза с кэшем и в 5.2 раза без него. На двух логарифмических осях степень $T^a$ — прямая с наклоном $a$.) Платят за него памятью: $2 L\, T\, D$ чисел на текст (в уроке 04 это сосчитано для настоящих моделей и показано, как группировка запросов уменьшает кэш). При этом два этапа нагружают машину по-разному. Prefill перемножает большие матрицы, много токенов сразу, и упирается в арифметику. Decode читает из памяти *все* веса, чтобы пропустить через них *один* токен, и упирается в скорость чтения памяти; поэтому серверы генерируют сразу много текстов.

# %% [markdown] id="sampling" lang="en"
# ## 6. From a distribution to a token
#
# The model gives probabilities; somebody has to choose. Always the most probable token (*greedy*) gives always the same text. Drawing from the distribution gives variety, but also the many improbable tokens, each of which is rare and all of which together are not. Three knobs lie between:
#
# - **temperature** $\tau$: softmax of $z / \tau$. Below 1 the distribution becomes steeper, towards greedy at 0; above 1 flatter;
# - **top-k**: only the $k$ most probable tokens stay, rescaled to sum to 1;
# - **top-p** (*nucleus*): only the smallest set of most probable tokens whose sum reaches $p$. Where the model is sure this is one token, where it is not it is many; top-k cannot do that.
#
# And how is a token drawn? With one uniform number $u$ between 0 and 1: add up the probabilities in the order of the ids, and take the first token at which the sum exceeds $u$. A token of probability 0.3 owns an interval of length 0.3, so it is met with probability 0.3. This is the *inverse of the cumulative distribution*. By hand, for five words:
# %% [markdown] id="sampling" lang="ru"
# ## 6. От распределения к токену
#
# Модель даёт вероятности, выбирать должен кто-то другой. Если всегда брать самый вероятный токен (*жадно*, greedy), текст всегда один и тот же. Если брать случайный токен по распределению (это *сэмплирование*, sampling), тексты разнообразны, но попадаются и маловероятные токены: каждый из них редок, а все вместе — нет. Между этими крайностями есть три регулятора:
#
# - **температура** $\tau$: softmax от $z / \tau$. Ниже 1 распределение острее, при 0 — жадный выбор; выше 1 — более пологое;
# - **top-k**: остаются только $k$ самых вероятных токенов, их вероятности делят на сумму, чтобы она снова стала 1;
# - **top-p** (*nucleus*): остаётся наименьший набор самых вероятных токенов, сумма вероятностей которых достигает $p$. Где модель уверена, это один токен, где нет — много; top-k так не умеет.
#
# А как выбрать токен случайно? Достаточно одного равномерного числа $u$ от 0 до 1: складываем вероятности в порядке номеров токенов и берём первый токен, на котором сумма превысила $u$. Токену с вероятностью 0.3 принадлежит отрезок длины 0.3, значит, и попадаем мы в него с вероятностью 0.3. Это *обращение функции распределения* (inverse CDF). Вручную, для пяти слов:
# %% id="sampling-by-hand"
words = ["boat", "fish", "net", "raft", "bus"]
p = torch.tensor([0.40, 0.25, 0.20, 0.10, 0.05], dtype=torch.float64)
u = 0.83
z = p.log()  # logits that have this softmax
ways = {
    "as it is": {},
    "temperature 0.5": {"temperature": 0.5},
    "temperature 2": {"temperature": 2.0},
    "top-k 4": {"top_k": 4},
    "top-p 0.6": {"top_p": 0.6},
}
for name, how in ways.items():
    changed = distribution(z, **how)
    chosen = words[int(draw(changed, u))]
    print(
        f"{name:16}",
        "  ".join(f"{word} {float(one):.3f}" for word, one in zip(words, changed, strict=True)),
        f"   u = {u}: {chosen}",
    )
by_hand = p**2 / (p**2).sum()  # temperature 1/2 squares the probabilities
assert difference(distribution(z, temperature=0.5), by_hand) < 1e-12
cuts = [distribution(z, **ways[name]).tolist() for name in ("top-k 4", "top-p 0.6")]
show(drawings.sampling_steps(words, p.tolist(), *cuts, u), "sampling_steps")

# %% [markdown] id="sampling-real-text" lang="en"
# Now for our GPT. In its grammar a word is either possible or not, so variety can be told from error: of 400 texts, how many does the grammar accept, and how evenly is the first animal drawn, which the grammar chooses among 16 with equal probability? (The last column is the entropy of that choice, as a number of equally probable animals: $e^{\text{entropy}}$, at most 16.)
# %% [markdown] id="sampling-real-text" lang="ru"
# Теперь то же для нашей GPT. В её грамматике слово либо возможно, либо нет, так что разнообразие можно отличить от ошибок: сколько из 400 текстов принимает грамматика и насколько равномерно выпадает первый зверь, которого грамматика выбирает из 16 с равной вероятностью? (Последний столбец — энтропия этого выбора, выраженная числом равновероятных зверей: $e^{\text{entropy}}$, не больше 16.)
# %% id="sampling-real"
print(f"{'':16}  accepted  different texts  animals, effectively")
for name, how in {
    "greedy": {"temperature": 0},
    "temperature 0.5": {"temperature": 0.5},
    "temperature 1": {},
    "temperature 1.5": {"temperature": 1.5},
    "top-k 4": {"top_k": 4},
    "top-p 0.9": {"top_p": 0.9},
}.items():
    texts = gpt_training.write(gpt, 400, seed=3, **how)
    first = Counter(text[3] for text in texts if len(text) > 3 and text[3] in stories.AGENTS)
    shares = [count / first.total() for count in first.values()]
    evenly = math.exp(-sum(share * math.log(share) for share in shares))
    print(f"{name:16}  {gpt_training.accepted(texts):8.3f}  {len(set(texts)):15}  {evenly:20.1f}")

with torch.no_grad():
    after = torch.tensor([[stories.END, *stories.ids("today the happy fox crossed the".split())]])
    next_logits = gpt(after)[0, -1]
order = next_logits.argsort(descending=True)[
    [0, 5, 10, 15, 20, 25]
]  # every fifth word, from the top
rows = {tau: distribution(next_logits, tau)[order].tolist() for tau in (0.5, 1.0, 2.0)}
possible = [stories.index()[word] for word in stories.LOOKS[True]]
for tau in rows:
    print(
        f"τ = {tau}: probability of the 16 words that are possible here {float(distribution(next_logits, tau)[possible].sum()):.4f}"
    )
show(curves.temperature_curves(stories.words(order.tolist()), rows), "temperature_curves")

# %% [markdown] id="sampling-after" lang="en"
# None of the knobs makes the model better; they only make some tokens rarer or impossible. Temperature 0.5 and top-p 0.9 keep the errors out here and cost hardly any variety, because a wrong word is far less probable than a right one. A small top-k cannot know how many words are right: it leaves four animals of sixteen that are equally good (which four depends on the words before, hence 7.2 in the table). Top-p leaves as many words as the model is in doubt about: one where it is sure, and of sixteen that are alike, fifteen. A high temperature lets the wrong words in. **Play:** below a real GPT runs in the page itself, the one you have just trained, its weights rounded to 91 levels per row. Before each step say which word comes next; switch the cache on and off and watch what it changes. (Its counts are a little smaller than ours: pairs hidden by the mask are left out, and the prompt is not read out.)
# %% [markdown] id="sampling-after" lang="ru"
# Ни один регулятор не делает модель лучше: он лишь делает часть токенов реже или невозможными. Температура 0.5 и top-p 0.9 здесь отсекают ошибки и почти не отнимают разнообразия, потому что неверное слово намного менее вероятно, чем верное. Маленькое top-k не может знать, сколько слов верны: из шестнадцати одинаково хороших зверей оно оставляет четырёх (каких именно, зависит от предыдущих слов, отсюда 7.2 в таблице). Top-p оставляет тем больше слов, чем больше сомневается модель: одно, если она уверена, а из шестнадцати одинаковых — пятнадцать. Высокая температура пропускает неверные слова. **Поэкспериментируйте:** ниже прямо на странице работает настоящая GPT — та самая, которую вы только что обучили, с весами, округлёнными до 91 уровня в каждой строке. Перед каждым шагом скажите, какое слово будет следующим; включайте и выключайте кэш и смотрите, что от этого меняется. (Числа операций там чуть меньше наших: не считаются пары, скрытые маской, и логиты промпта.)
# %% id="explorer-generation"
coarse = rounded(gpt)
print(
    f"loss with weights of 91 levels: {gpt_training.fresh_loss(coarse):.3f}, with all digits: {reached:.3f}"
)
explore_generation(
    gpt,
    stories.vocabulary(),
    ["yesterday the happy fox", "once the sad bear left the", "today"],
)

# %% [markdown] id="bert" lang="en"
# ## 7. BERT
#
# BERT reads one segment of text or two, always with the same special tokens: **[CLS]** (*classification*) in front, **[SEP]** (*separator*) after each segment. Its input vectors are the sum of *three* embeddings, of the token, of the segment it belongs to and of its position, and the sum is normalised:
#
# $$X_0 = \mathrm{LayerNorm}\big(E[\text{ids}] + E_{\text{seg}}[\text{segments}] + P\big).$$
#
# [SEP] and the segments say the same thing twice: [SEP] stands where a segment ends, and the segment embedding tells every single token which side it is on (0, A in the figure, or 1, B), without its having to find the [SEP] first. [CLS] means nothing at all. It is a place whose vector, having no word of its own to stand for, is free to collect what the *heads* need: output layers, one for each task (not attention heads).
# %% [markdown] id="bert" lang="ru"
# ## 7. BERT
#
# BERT читает один сегмент текста или два и всегда с одними и теми же специальными токенами: **[CLS]** (*classification*) в начале, **[SEP]** (*separator*) после каждого сегмента. Входной вектор — сумма *трёх* эмбеддингов: токена, сегмента, к которому он относится, и позиции; сумму нормализуют:
#
# $$X_0 = \mathrm{LayerNorm}\big(E[\text{ids}] + E_{\text{seg}}[\text{segments}] + P\big).$$
#
# [SEP] и сегменты сообщают одно и то же дважды: [SEP] стоит там, где сегмент кончается, а эмбеддинг сегмента говорит каждому токену, на какой он стороне (0, на рисунке A, или 1, B), — искать [SEP] ему не нужно. [CLS] не значит ничего. Это место, вектору которого не нужно представлять какое-либо слово, и поэтому он может собирать то, что нужно *головам* — выходным слоям для разных задач (не путать с головами внимания).
# %% id="bert-input-figure"
show(drawings.bert_input(), "bert_input")


# %% id="bert-class"
class MyBERT(nn.Module):
    """ids, segments (B, T), lengths (B,) → vectors (B, T, D). Devlin et al. 2019, section 3, figure 2; post-norm."""

    def __init__(self, n_vocab, longest, D, H, L, generator):
        super().__init__()
        sizes = (n_vocab, longest, 2)  # tokens, positions, segments
        tables = (
            0.02 * torch.randn(rows, D, generator=generator, dtype=torch.float64) for rows in sizes
        )
        self.E, self.P, self.E_seg = (nn.Parameter(table) for table in tables)
        self.norm = LayerNorm(D, eps=1e-12)
        options = {"norm": "post", "activation": "gelu", "eps": 1e-12, "generator": generator}
        self.blocks = nn.ModuleList(EncoderBlock(D, H, **options) for _ in range(L))

    def forward(self, ids, segments, lengths):
        T = ids.shape[1]
        x = self.norm(self.E[ids] + self.E_seg[segments] + self.P[:T])
        mask = padding_mask(lengths, T)[:, None]  # (B, 1, 1, T): padding is hidden, nothing else
        for block in self.blocks:
            x, _ = block(x, mask)
        return x


two = bert_training.texts([(story.first, story.second) for story in stories.stories(3, seed=8)])
for token, segment in list(
    zip(stories.words(two.ids[0].tolist()), two.segments[0].tolist(), strict=True)
)[:20]:
    print(f"{token}/{segment}", end=" ")
print("…")
mine = MyBERT(len(stories.vocabulary()), 32, 12, 3, 2, generator(0))
packaged = BERT(len(stories.vocabulary()), 32, 12, 3, 2)
own = list(mine.parameters())
theirs = [
    packaged.embedding,
    packaged.positions,
    packaged.segments,
    *packaged.norm.parameters(),
    *packaged.stack.parameters(),
]
for one, other in zip(own, theirs, strict=True):
    other.data.copy_(one)
parity("course_lib.bert", mine, packaged, *two, parameters=list(zip(own, theirs, strict=True)))

# %% [markdown] id="bert-parity-text" lang="en"
# Against `BertForPreTraining` of `transformers` with all its heads, which the next section explains. (Its code does not round, so its own loss can be used.) Compared are the vectors, the pooled vector of [CLS], both kinds of logits, the sum of both losses, every gradient. Rows at padding are left out, nobody reads them.
# %% [markdown] id="bert-parity-text" lang="ru"
# Сравним с `BertForPreTraining` из `transformers` вместе со всеми головами (о них — в следующем разделе; этот код не округляет, так что можно взять его собственные потери). Сравниваем векторы, вектор [CLS] после пулера, логиты обоих видов, сумму потерь двух задач и каждый градиент. Строки на месте заполнения не сравниваем: их никто не читает.
# %% id="bert-parity"
equal = []
for sizes in ((50, 16, 12, 3, 2), (31, 13, 10, 1, 1, 7), (64, 20, 18, 2, 3, 50)):
    ours = BERT(*sizes, generator=generator(5))
    unsettle(ours)
    theirs = ours.to_transformers()
    ids = torch.randint(sizes[0], (3, 11), generator=generator(6))
    segments = (torch.arange(11) > 4).long().expand(3, 11)
    lengths = torch.tensor([11, 7, 9])
    real = torch.arange(11) < lengths[:, None]
    targets = torch.where(real & (torch.rand(3, 11, generator=generator(7)) < 0.4), ids, -100)
    follows = torch.tensor([0, 1, 0])  # 0: the second sentence follows
    vectors = ours(ids, segments, lengths)
    pooled = ours.pooled(vectors)
    hidden, following = ours.masked_logits(vectors), ours.next_logits(pooled)
    loss = F.cross_entropy(hidden.flatten(0, 1), targets.flatten()) + F.cross_entropy(
        following, follows
    )
    loss.backward()
    out = theirs(
        ids,
        real.long(),
        segments,
        labels=targets,
        next_sentence_label=follows,
        output_hidden_states=True,
    )
    out.loss.backward()
    worst, count = same_gradients(ours, theirs, pretrained.bert_from_state)
    worst = max(
        worst,
        difference(vectors[real], out.hidden_states[-1][real]),
        difference(pooled, theirs.bert.pooler(out.hidden_states[-1])),
        difference(hidden[real], out.prediction_logits[real]),
        difference(following, out.seq_relationship_logits),
        difference(loss, out.loss),
    )
    equal.append(worst <= 1e-10)
    print(
        f"D={sizes[2]:2}, H={sizes[3]}, L={sizes[4]}: vectors, logits, loss and {count} gradients equal to 1e-10: {equal[-1]}"
    )

# each of the three embeddings reaches the vectors: set one table to zero at a time
moves = {}
with torch.no_grad():
    base = ours(ids, segments, lengths)[real]
    for name in ("embedding", "segments", "positions"):
        table = getattr(ours, name)
        kept = table.clone()
        table.zero_()
        moves[name] = difference(base, ours(ids, segments, lengths)[real])
        table.copy_(kept)
print(
    "without one of the three the vectors move by",
    ", ".join(f"{name} {value:.2f}" for name, value in moves.items()),
)
claim(
    "8.8",
    holds=all(equal)
    and min(moves.values()) > 0.1
    and bool((two.ids == stories.SEP).sum(1).eq(2).all()),
    measured="BertForPreTraining, 3 configurations: vectors, pooled [CLS], logits, losses, all gradients to 1e-10; two [SEP] in every text",
)

# %% [markdown] id="mlm" lang="en"
# ## 8. Hiding words: masked language modelling
#
# 15 % of the tokens are *chosen*, and BERT has to say what they were. (With fewer, a pass over the text teaches little; with more, too little context is left to tell them by.) If every chosen one became [MASK], there would be a flaw: [MASK] never occurs in real text, so that a model could get away with making good vectors at a [MASK] and careless ones everywhere else. Therefore (Devlin et al., 2019, section 3.1):
#
# - 80 % of the chosen become **[MASK]**: this is the task proper;
# - 10 % become a **random word**: so no word can be trusted, and every vector has to be checked against its context;
# - 10 % **stay**: so the vector of a word that is right has to say this very word.
#
# The model is not told which tokens were chosen; only the loss knows, and asks for these alone. Counted over a million tokens (*another word* comes out a little below 10 %: a random word can be the word itself):
# %% [markdown] id="mlm" lang="ru"
# ## 8. Скрытые слова: маскированное языковое моделирование
#
# *Выбирают* 15 % токенов, и BERT должен сказать, какими они были. (Если меньше, один проход по тексту почти ничему не учит; если больше, остаётся слишком мало контекста.) Если бы каждый выбранный токен превращался в [MASK], был бы изъян: в настоящем тексте [MASK] не бывает, и модель могла бы строить хорошие векторы только на месте [MASK], а на остальных — какие попало. Поэтому (Devlin et al., 2019, раздел 3.1):
#
# - 80 % выбранных превращаются в **[MASK]**: это сама задача;
# - 10 % — в **случайное слово**: значит, ни одному слову нельзя верить, и каждый вектор приходится сверять с контекстом;
# - 10 % **остаются как есть**: значит, по вектору на месте верного слова надо назвать именно это слово.
#
# Модели не сообщают, какие токены выбраны; это известно только функции потерь, и спрашивает она лишь о них. Сосчитаем на миллионе токенов. (*Another word* выходит чуть реже 10 %: случайное слово может оказаться тем же самым.)
# %% id="mlm-figure"
show(drawings.masked_language_model(), "masked_language_model")

# %% id="mlm-count"
many = bert_training.texts(
    [(story.first, story.second) for story in stories.stories(40_000, seed=5)]
)
corrupted, targets = bert_training.corrupt(many.ids, generator(5))
ordinary = many.ids >= len(stories.SPECIAL)
chosen = targets != bert_training.IGNORED
became = {
    "[MASK]": corrupted[chosen] == stories.MASK,
    "another word": (corrupted[chosen] != stories.MASK) & (corrupted[chosen] != targets[chosen]),
    "the same word": corrupted[chosen] == targets[chosen],
}
total = int(ordinary.sum())
shares = {name: float(where.double().mean()) for name, where in became.items()}
print(f"words: {total:,}; chosen: {float(chosen.sum()) / total:.4f}")
print("of the chosen:", ", ".join(f"{name} {share:.4f}" for name, share in shares.items()))
print(
    "chosen special tokens:",
    int((chosen & ~ordinary).sum()),
    "; changed but not chosen:",
    int((corrupted != many.ids)[~chosen].sum()),
)
random_hits = 0.1 / (
    len(stories.vocabulary()) - len(stories.SPECIAL)
)  # a random word can be the word itself
exact_shares = {
    "[MASK]": 0.8,
    "another word": 0.1 - random_hits,
    "the same word": 0.1 + random_hits,
}
close_shares = all(
    abs(shares[name] - share) < 5 * math.sqrt(share * (1 - share) / int(chosen.sum()))
    for name, share in exact_shares.items()
)
assert total >= 10**6

# %% [markdown] id="mlm-head" lang="en"
# Which part of the model predicts the word? The notes say: a linear layer with softmax above [MASK]. There is a little more to it, in two respects. It is applied at *every chosen* position, [MASK] or not. And it is not one matrix but a small network, *dense*, GELU, LayerNorm, whose last matrix is the embedding table again, transposed, with a bias of its own; $x$ is a row of $X_L$:
#
# $$z = \mathrm{LayerNorm}\big(\mathrm{GELU}(x\, W_{\text{head}} + b_{\text{head}})\big)\, E^\top + b_{\text{out}}.$$
# %% [markdown] id="mlm-head" lang="ru"
# Какая часть модели предсказывает слово? В конспекте сказано: линейный слой с softmax над [MASK]. На деле всё чуть сложнее, в двух отношениях. Этот слой применяют на *каждом выбранном* месте, будь там [MASK] или нет. И это не одна матрица, а маленькая сеть — линейный слой, GELU, LayerNorm, — последней матрицей которой снова служит таблица эмбеддингов, транспонированная, с собственным смещением; $x$ — строка $X_L$:
#
# $$z = \mathrm{LayerNorm}\big(\mathrm{GELU}(x\, W_{\text{head}} + b_{\text{head}})\big)\, E^\top + b_{\text{out}}.$$
# %% id="mlm-head-check"
probe = bert_training.untrained(bert_training.FULL, seed=1).double()
pairs = stories.pairs(32, seed=6)
one_batch = bert_training.batch(pairs, seed=6)
vectors = probe(*one_batch.texts)
x = vectors[one_batch.targets != bert_training.IGNORED]
by_hand = probe.norm_head(gelu(x @ probe.W_head + probe.b_head)) @ probe.embedding.T + probe.b_out
same = difference(by_hand, probe.masked_logits(x)) <= 1e-12
hidden_loss = F.cross_entropy(
    by_hand, one_batch.targets[one_batch.targets != bert_training.IGNORED]
)
vectors.retain_grad()
hidden_loss.backward()
asked = vectors.grad.abs().sum(-1) > 0  # which rows the loss pulls at
positions = {"[MASK]": one_batch.texts.ids == stories.MASK}
chosen = one_batch.targets != bert_training.IGNORED
print(
    f"rows {asked.numel()}, chosen {int(chosen.sum())}, of these [MASK] {int((chosen & positions['[MASK]']).sum())}, rows the loss asks {int(asked.sum())}"
)
claim(
    "8.5",
    holds=same
    and torch.equal(asked, chosen)
    and int(chosen.sum()) > int(positions["[MASK]"].sum()),
    measured=f"the loss asks all {int(chosen.sum())} chosen rows, {int(positions['[MASK]'].sum())} of which are [MASK]; dense, GELU, LayerNorm, tied matrix",
)

# %% [markdown] id="nsp" lang="en"
# The second task asks [CLS]: *does the second sentence follow the first*, or has it been taken from another text? In half of the examples it is from another text. The vector of [CLS] goes through the *pooler*, a layer with tanh, and then a layer with two outputs. That is **next sentence prediction** (NSP).
#
# **Predict:** a second sentence of another story may fit by accident. Polarity fits in half of the cases, the kind of place in a third; half of the second sentences name the animal, and then it fits in one of 16; the others say *it*, which fits any. How often will the best possible model be right?
#
# <details><summary>Answer</summary>
#
# A sentence that does not fit is surely of another story. One that fits is more probably of the same, so the best model says *follows*, and is wrong only where a strange sentence fits. Among strange sentences half say *it*, which fits with $\frac12 \cdot \frac13$; half name an animal, $\frac12 \cdot \frac13 \cdot \frac1{16}$. Mean: $\frac12 (\frac16 + \frac1{96}) \approx 0.089$; half of all examples are strange, so it errs in 0.044 and is right in 0.956.
#
# </details>
# %% [markdown] id="nsp" lang="ru"
# Во второй задаче отвечает [CLS]: *продолжает ли второе предложение первое* или взято из другого текста? В половине примеров оно взято из другого текста. Вектор [CLS] проходит через *пулер* (pooler), слой с tanh, а затем через слой с двумя выходами. Это и есть **предсказание следующего предложения** (next sentence prediction, NSP).
#
# **Предскажите:** второе предложение из чужой истории может подойти случайно. Тональность подходит в половине случаев, вид места — в трети; половина вторых предложений называет зверя, и тогда он подходит в одном случае из 16; в остальных стоит *it*, а оно подходит к любому. Как часто будет права лучшая возможная модель?
#
# <details><summary>Ответ</summary>
#
# Предложение, которое не подходит, наверняка чужое. То, которое подходит, скорее своё, поэтому лучшая модель отвечает «продолжает» и ошибается только там, где подошло чужое. Среди чужих предложений в половине стоит *it* — они подходят с вероятностью $\frac12 \cdot \frac13$; половина называет зверя — $\frac12 \cdot \frac13 \cdot \frac1{16}$. В среднем $\frac12 (\frac16 + \frac1{96}) \approx 0.089$; чужих предложений половина, так что модель ошибается в 0.044 случаев и права в 0.956.
#
# </details>
# %% id="nsp-figure"
show(drawings.next_sentence(), "next_sentence")

# %% [markdown] id="pretrain-text" lang="en"
# Both tasks together are BERT's pre-training; the loss is their sum. It takes longer than GPT's, for a reason worth knowing: of 25 words GPT is asked about every one, and BERT about four. So the model is not trained in this notebook. It was trained beforehand, on 1500 batches of 64 pairs, and kept in a folder: the sizes in `config.json`, the weights in `model.safetensors`, as the models of the field are handed on. Here we do what everybody does with BERT: load it. The loss of 20 steps, live, shows the beginning of the road.
# %% [markdown] id="pretrain-text" lang="ru"
# Обе задачи вместе и есть предобучение BERT; потери складываются. Оно дольше, чем у GPT, и причину стоит знать: из 25 слов GPT спрашивают о каждом, а BERT — примерно о четырёх. Поэтому модель обучена не в этом ноутбуке. Мы обучили её заранее, на 1500 батчах по 64 пары, и сохранили в папке: размеры — в `config.json`, веса — в `model.safetensors`; в таком виде моделями и обмениваются. А здесь сделаем то, что с BERT делают все: загрузим его. Потери первых 20 шагов, посчитанные здесь, показывают начало пути.
# %% id="pretrain"
beginning = bert_training.train(
    bert_training.untrained(bert_training.FULL, seed=0).double(),
    replace(bert_training.FULL, steps=20, warm_up=10),
    seed=0,
)
print(f"weights: {sum(weight.numel() for weight in bare.parameters()):,}")
print(
    f"all answers alike: ln {len(stories.vocabulary())} + ln 2 = {math.log(2 * len(stories.vocabulary())):.2f}; untrained {beginning[0]:.2f}, after 20 steps {beginning[-1]:.2f}"
)
bert = BERT.from_pretrained(
    story_experiments.FOLDER / "bert"
).double()  # or a name of the hub: "bert-base-uncased"
found = bert_training.scores(bert, 1000)
print(
    f"chosen words guessed right: [MASK] {found.masked:.3f}, random word {found.random:.3f}, kept {found.kept:.3f}"
)
print(
    f"pairs told apart, the second sentence follows or not: {found.next:.3f}, the best possible {stories.best_next_accuracy():.3f}"
)
claim(
    "8.4",
    holds=close_shares and found.masked > 0.3,
    measured=f"{total:,} words: {shares['[MASK]']:.4f} [MASK], {shares['another word']:.4f} another, {shares['the same word']:.4f} the same; a model so trained guesses {found.masked:.2f}, {found.random:.2f}, {found.kept:.2f} of them",
)
claim(
    "8.6",
    holds=0.7 < found.next < stories.best_next_accuracy() + 0.02,
    measured=f"strange sentences told apart: {found.next:.3f} of 1000 pairs; by polarity alone 0.75, best possible {stories.best_next_accuracy():.3f}",
)

# %% [markdown] id="pretrain-after" lang="en"
# About half of all words can be known for certain, from their place or from another word of the story; of an adjective only the polarity can be known, and one in 16 be guessed right.
#
# *Kept* words are nearly always named: the word itself is in sight, and fits. Does the mixture 80/10/10 change what the model has at a word that is *not* a [MASK]? Three models were trained with the mixture and three with [MASK] alone (measured beforehand):
# %% [markdown] id="pretrain-after" lang="ru"
# Примерно половину слов можно знать наверняка — по их месту или по другому слову истории; у прилагательного можно знать только тональность, а само слово угадывается в одном случае из 16.
#
# *Оставленные* слова называются почти всегда: само слово на виду и подходит. Меняет ли смесь 80/10/10 то, что модель знает о слове, которое *не* [MASK]? Три модели обучены со смесью и три — только с [MASK] (измерено заранее):
# %% id="corruption"
by_way = {}
for how in ("80/10/10", "100 % [MASK]"):
    rows = [row for row in recorded("bert-stories")["rows"] if row["how"] == how]
    by_way[how] = {
        kind: [row[kind] for row in rows] for kind in ("masked", "random word", "unchanged")
    }
    print(
        f"{how:13}", "  ".join(f"{kind} {mean(values):.3f}" for kind, values in by_way[how].items())
    )
show(curves.corruption(by_way), "corruption")

# %% [markdown] id="corruption-after" lang="en"
# At [MASK] both are alike. At words they are not: where the right word stands, in plain sight, models trained with [MASK] alone name it in one case of seven (0.05 to 0.29 by seed), and where a wrong word stands they see the mistake far less often. They have never been asked about a word that was there, and have not learned to look at it. After pre-training no text has a [MASK], there are only words. So the 10 and 10 percent are well spent, and the accuracy at [MASK] does not suffer: three models show no difference. (After fine-tuning less of this is seen: with 8 labels both kinds of model judge all stories rightly, and Devlin et al., appendix C.2, find small differences, too.)
#
# Next sentence prediction stops at about 0.75 (0.773 on these 1000 pairs, with a standard error of 0.013; 0.754 on 2000, in each of three runs). That is what one gets by polarity alone: half of the strange sentences have the other polarity and give themselves away. That a boat is out of place in the desert, or that the animal is another one, the model has not found. This is the complaint of ALBERT (Lan et al., 2020, sections 3.1 and 4.6): a strange sentence usually has another *topic*, topic can be told from single words, and so the task teaches little about what follows from what. RoBERTa (Liu et al., 2019, section 4.2) had left it out and done as well or a little better.
# %% [markdown] id="corruption-after" lang="ru"
# На месте [MASK] они одинаковы. На месте слов — нет: где верное слово стоит у всех на виду, модели, обученные только с [MASK], называют его в одном случае из семи (от 0.05 до 0.29 в зависимости от запуска), а где стоит неверное, ошибку замечают гораздо реже. Их никогда не спрашивали о слове, которое есть в тексте, и смотреть на него они не научились. А после предобучения [MASK] в тексте больше не встречается — там только слова. Так что эти 10 и 10 процентов потрачены не зря, а точность на месте [MASK] от них не пострадала: по трём моделям разницы не видно. (На деле это заметно меньше: после дообучения на 8 метках модели обоих видов верно оценивают все истории, и у Devlin et al., приложение C.2, разница после дообучения тоже невелика.)
#
# Предсказание следующего предложения остановилось около 0.75 (0.773 на этих 1000 парах, стандартная ошибка 0.013; 0.754 на 2000 — в каждом из трёх запусков). Столько можно получить по одной тональности: у половины чужих предложений она другая, и этим они себя выдают. Что лодке не место в пустыне или что зверь другой, модель не заметила. На это и указывают авторы ALBERT (Lan et al., 2020, разделы 3.1 и 4.6): у чужого предложения обычно другая *тема*, тему видно по отдельным словам, и потому задача мало учит тому, что из чего следует. RoBERTa (Liu et al., 2019, раздел 4.2) ещё раньше обошлась без неё — не хуже, а то и чуть лучше.

# %% [markdown] id="sentiment" lang="en"
# ## 9. Fine-tuning on few labels
#
# Back to the 8 labelled stories. BERT has read nearly a hundred thousand pairs of sentences, and nobody told it which are pleasant. We put one linear layer on it and train. There are several ways:
#
# - **fine-tuned**: the layer reads the pooled vector of [CLS], and *all* weights are trained;
# - **frozen [CLS]**: the same vector, but BERT stays as it is;
# - **frozen mean**: BERT stays as it is, and the layer reads the mean of all its vectors;
# - **from scratch**: everything is trained, from random weights.
#
# Where all weights are trained there are 60 steps of Adam at one rate, not tuned for either case; where only the layer is, which costs next to nothing, five times as many at five times the rate.
#
# **Predict** their order for 8 labels. Has anything in pre-training made [CLS] take polarity into account?
# %% [markdown] id="sentiment" lang="ru"
# ## 9. Дообучение на нескольких примерах
#
# Вернёмся к 8 размеченным историям. BERT прочёл почти сто тысяч пар предложений, и никто не говорил ему, какие из них приятные. Надстроим над ним один линейный слой и обучим. Способов несколько:
#
# - **дообучение** (fine-tuned): слой читает вектор [CLS] после пулера, обучаются *все* веса;
# - **заморозка, вектор [CLS]** (frozen [CLS]): тот же вектор, но сам BERT не меняется;
# - **заморозка, среднее векторов** (frozen mean): BERT не меняется, слой читает среднее всех его векторов;
# - **с нуля** (from scratch): обучается всё, от случайных весов.
#
# Если обучаются все веса — 60 шагов Adam с одной скоростью, не подобранной ни для одного из случаев; если только слой, что почти ничего не стоит, — впятеро больше шагов со впятеро большей скоростью.
#
# **Предскажите** их порядок для 8 меток. Приходилось ли вектору [CLS] при предобучении хоть где-то учитывать тональность?
# %% id="sentiment-live"
ways = {
    "fine-tuned": (bert, {}),
    "frozen [CLS]": (bert, {"frozen": True}),
    "frozen mean": (bert, {"frozen": True, "reading": "mean"}),
    "from scratch": (bare, {}),
}
live = {}
for name, (model, how) in ways.items():
    live[name] = story_sentiment.accuracy(story_sentiment.fine_tune(model, 8, seed=0, **how))
    print(f"{name:13} {live[name]:.3f} of 1000 new stories, with 8 labels")

few = recorded("few-labels")["rows"]
counts = story_experiments.LABELS


def of_seeds(pretraining, name, labels):
    """The recorded accuracies, one for each seed."""
    return [row[f"{name}, {labels}"] for row in few if row["pretraining"] == pretraining]


longest_run = bert_training.FULL.steps
by_count = {
    name: [of_seeds(longest_run, name, labels) for labels in counts]
    for name in ("fine-tuned", "frozen [CLS]", "frozen mean")
}
by_count["from scratch"] = [of_seeds(0, "fine-tuned", labels) for labels in counts]
print(
    "\nlabels       ",
    *(f"{count:6}" for count in counts),
    "  (mean of 3 seeds, measured beforehand)",
)
for name, rows in by_count.items():
    print(f"{name:13}", *(f"{mean(row):6.3f}" for row in rows))
show(curves.few_labels(counts, by_count), "few_labels")

# %% id="sentiment-steps"
steps = sorted({row["pretraining"] for row in few})
by_steps = {
    name: [of_seeds(step, name, 8) for step in steps] for name in ("fine-tuned", "frozen mean")
}
frozen_cls = [of_seeds(step, "frozen [CLS]", 8) for step in steps]
print("pre-training steps", *(f"{step:6}" for step in steps), "  (8 labels, mean of 3 seeds)")
for name, rows in by_steps.items():
    print(f"{name:18}", *(f"{mean(row):6.3f}" for row in rows))
print(f"{'frozen [CLS]':18}", *(f"{mean(row):6.3f}" for row in frozen_cls))
gain = mean(by_count["fine-tuned"][1]) - mean(by_count["from scratch"][1])  # 8 labels
claim(
    "0.2",
    holds=live["fine-tuned"] > live["from scratch"] + 0.05 and gain > 0.05,
    measured=f"8 labels: fine-tuned {live['fine-tuned']:.3f}, from scratch {live['from scratch']:.3f}; 3 seeds, in the mean {gain:+.3f}",
)
claim(
    "0.4",
    holds=mean(by_steps["fine-tuned"][-1])
    > mean(by_steps["fine-tuned"][1]) + 0.05
    > mean(by_steps["fine-tuned"][0]) + 0.1,
    measured="8 labels, 3 seeds: "
    + ", ".join(
        f"{step} steps {mean(row):.3f}"
        for step, row in zip(steps, by_steps["fine-tuned"], strict=True)
    ),
)
claim(
    "8.7",
    holds=live["fine-tuned"] > live["from scratch"] + 0.1
    and mean(of_seeds(150, "frozen [CLS]", 8))
    < min(mean(of_seeds(150, name, 8)) for name in by_steps) - 0.1,
    measured=f"8 labels: fine-tuned {live['fine-tuned']:.3f}, from scratch {live['from scratch']:.3f}; frozen [CLS] {mean(of_seeds(150, 'frozen [CLS]', 8)):.3f} after 150 steps, {mean(of_seeds(longest_run, 'frozen [CLS]', 8)):.3f} after {longest_run}",
)
show(curves.pretraining_steps(steps, by_steps), "pretraining_steps")

# %% [markdown] id="sentiment-after" lang="en"
# Four labels do what sixty-four did not quite do before: whoever knows already which words keep company needs to be told only which company is called pleasant. And it does not come evenly. After 150 steps of pre-training there is a little (0.63 became 0.76, and 0.63 to 0.93 by seed), after 300 everything: in between lies the end of a plateau, on which the model hardly knows yet which words go together. *The longer, the better* holds; but what is learned late is not there early. (The earlier models are stopped in the middle of the run, at a rate that has not yet fallen.)
#
# The notes hold that [CLS] serves such tasks, and we expected a frozen [CLS] to be poor. After 150 steps it is: 0.575, as in an untrained network, and below the mean of the vectors. After 300 steps it is at 0.99, after 600 it depends on the seed (0.94 in the mean), at the end it is perfect. A probable reason is next sentence prediction: to tell strange sentences by polarity, [CLS] has to carry polarity. (A model without NSP, which would test this, we have not trained.) Then it is not the token that matters, but what pre-training has asked it. In the real BERT that is perhaps topic: Reimers & Gurevych (2019, table 1) find its frozen [CLS] far worse for comparing sentences than the mean of BERT's vectors, and both worse than a plain mean of word vectors.
# %% [markdown] id="sentiment-after" lang="ru"
# Четыре метки дают то, чего раньше не вполне давали и шестьдесят четыре: кто уже знает, какие слова встречаются вместе, тому достаточно сказать, какая из двух групп называется приятной. И приходит это неравномерно. После 150 шагов предобучения есть немного (вместо 0.63 стало 0.76, а по запускам — от 0.63 до 0.93), после 300 — всё: между ними — конец плато, на котором модель почти ещё не знает, какие слова сочетаются друг с другом. «Чем дольше, тем лучше» верно; но то, что выучивается поздно, рано взять неоткуда. (Ранние модели остановлены посреди обучения, когда скорость ещё не успела снизиться.)
#
# В конспекте сказано, что для таких задач служит [CLS], а мы ожидали, что замороженный [CLS] окажется плох. После 150 шагов так и есть: 0.575, как у необученной сети, и ниже среднего векторов. После 300 шагов — уже 0.99, после 600 всё зависит от запуска (в среднем 0.94), в конце он безупречен. Вероятная причина — предсказание следующего предложения: чтобы отличать чужие предложения по тональности, [CLS] должен её нести. (Модель без NSP, которая проверила бы это, мы не обучали.) Тогда дело не в самом токене, а в том, о чём его спрашивали при предобучении. У настоящего BERT это, возможно, тема: у Reimers & Gurevych (2019, таблица 1) замороженный [CLS] сравнивает предложения намного хуже, чем среднее векторов BERT, а оба — хуже, чем простое среднее векторов слов.

# %% [markdown] id="compare" lang="en"
# ## 10. Reader and writer compared
#
# Can each do the other's work? The notes say that BERT builds vectors and cannot predict next tokens. In a way it can: put a [MASK] behind the text, draw a word from what BERT predicts there, append it, and go on. Nothing forbids it. The question is what comes out, since BERT has never seen a text that breaks off at a [MASK], and was never asked for a whole sequence of words that fit *each other*. We try it twice: with one [MASK] as the last word, and with a *template*, in which every word to come is a [MASK], with [SEP] at its places. In both cases the leftmost [MASK] is filled, one word per pass. BERT has no way to end a sentence, so it is told how many words each has.
#
# And GPT can fill a *hole*, a word on which another depends (an adjective, the place, the thing, the animal), taken out of a story. A word *fits* if the grammar allows the story with it; often several words do. GPT sees only what stands left of the hole, but there are three ways to ask it:
#
# - **from the left**: the distribution of the next token, whatever comes behind the hole;
# - **by trying**: put every word of the vocabulary in and compute the probability of the *whole* text (lesson 07). Divided by their sum over all words these are, by the definition of conditional probability, exactly what the model believes about the hole: $P(w \mid \text{rest}) = P(w, \text{rest}) / \sum_{w'} P(w', \text{rest})$. The price is one pass per word;
# - **by rearranging**: train it on texts whose middle has been moved to the end, behind the marks `<PRE>`, `<SUF>`, `<MID>` (section 12).
# %% [markdown] id="compare" lang="ru"
# ## 10. Читатель и писатель
#
# Может ли каждая модель делать работу другой? В конспекте сказано, что BERT строит векторы и не может предсказывать следующие токены. В каком-то смысле может: поставим после текста [MASK], выберем случайно слово по предсказанию BERT, допишем его и продолжим. Никто этого не запрещает. Вопрос в том, что получится: текста, который обрывается на [MASK], BERT никогда не видел, и никто не требовал от него последовательности слов, которые подходят *друг к другу*. Попробуем двумя способами: с одним [MASK] в конце и с *шаблоном*, где на месте каждого будущего слова заранее стоит [MASK], а [SEP] — на своих местах. В обоих случаях за один проход заполняется самый левый [MASK]. Закончить предложение BERT не умеет, поэтому ему сообщают, сколько в каждом слов.
#
# А GPT может заполнить *пропуск* (hole) — изъятое из истории слово, от которого зависит другое (прилагательное, место, вещь, зверь). Слово *подходит*, если с ним история получается по грамматике; часто подходят несколько. GPT видит только то, что слева от пропуска, но спросить её можно тремя способами:
#
# - **слева** (from the left): распределение следующего токена, что бы ни стояло за пропуском;
# - **перебором** (by trying): подставить каждое слово словаря и вычислить вероятность *всего* текста (урок 07). Если разделить эти вероятности на их сумму по всем словам, получится, по определению условной вероятности, в точности то, что модель думает о пропуске: $P(w \mid \text{rest}) = P(w, \text{rest}) / \sum_{w'} P(w', \text{rest})$. Цена — один проход на слово;
# - **перестановкой** (by rearranging): обучить её на текстах, у которых середина перенесена в конец, с метками `<PRE>`, `<SUF>`, `<MID>` (раздел 12).
# %% id="compare-live"
middles = GPT.from_pretrained(
    story_experiments.FOLDER / "gpt-middles"
).double()  # as many steps and stories as BERT
templated = bert_training.write(bert, 200, seed=1, template=True)
bare_end = bert_training.write(bert, 200, seed=1, template=False)
by_gpt = gpt_training.write(middles, 200, seed=1)
for name, texts in (("BERT, one [MASK]", bare_end), ("BERT, template", templated), ("GPT", by_gpt)):
    print(
        f"{name:24} accepted {gpt_training.accepted(texts):.3f}; for example: {' '.join(texts[0])}"
    )

some = holes(200, seed=4)
filled = {
    "BERT, [MASK]": fit(lambda of: by_mask(bert, of), some),
    "GPT, from the left": fit(lambda of: from_the_left(middles, of), some),
    "GPT, by rearranging": fit(lambda of: by_middle(middles, of), some),
    "GPT, by trying (40 holes)": fit(lambda of: by_trying(middles, of), some[:40]),
}
print()
for name, how in filled.items():
    print(
        f"{name:25} the best word fits {how.best:.3f}; probability of all that fit {how.probability:.3f}"
    )
show(curves.fitting({name: how.best for name, how in filled.items()}), "fitting")
claim(
    "8.1",
    holds=0 < gpt_training.accepted(templated) + gpt_training.accepted(bare_end)
    and max(gpt_training.accepted(templated), gpt_training.accepted(bare_end))
    < gpt_training.accepted(by_gpt) - 0.2,
    measured=f"stories that the grammar accepts: BERT with one [MASK] {gpt_training.accepted(bare_end):.3f}, with a template {gpt_training.accepted(templated):.3f}, GPT {gpt_training.accepted(by_gpt):.3f}",
)

# %% [markdown] id="compare-table-text" lang="en"
# One table: stories from the same grammar, $D$, $H$, $L$ and the number of steps alike, three seeds each (measured beforehand). *written* is the share of stories that the grammar accepts, *hole* the share of holes whose most probable word fits, *8 labels* the accuracy as in section 9; GPT has no [CLS], and its classifier reads the vector of the end token, the only one that has seen the whole text. A dash: not asked. What is not alike: half of BERT's second sentences are of other stories (NSP), and it is told how many words to write; GPT is not.
# %% [markdown] id="compare-table-text" lang="ru"
# Сведём всё в таблицу: истории из той же грамматики, $D$, $H$, $L$ и число шагов одинаковы, по три запуска (измерено заранее). *written* — доля историй, принятых грамматикой, *hole* — доля пропусков, где самое вероятное слово подходит, *8 labels* — точность, как в разделе 9; у GPT нет [CLS], и её классификатор читает вектор токена конца: только он видел весь текст. Прочерк — так не проверяли. Что неодинаково: у BERT половина вторых предложений — из чужих историй (NSP), и ему сообщают, сколько слов писать, а GPT — нет.
# %% id="compare-table"
table = recorded("readers-and-writers")["rows"]
names = ("BERT", "GPT", "GPT with middles")
print(f"{'':26}", *(f"{name:>17}" for name in names))
for what in (
    "written",
    "written, one [MASK]",
    "hole",
    "hole from the left",
    "hole by trying",
    "8 labels, fine-tuned",
    "8 labels, frozen mean",
):
    cells = []
    for name in names:
        values = [row[what] for row in table if row["model"] == name and what in row]
        cells.append(f"{mean(values):.3f}" if values else "—")
    print(f"{what:26}", *(f"{cell:>17}" for cell in cells))

# %% [markdown] id="compare-after" lang="en"
# *Writing.* BERT writes, and one of its stories in six is right (0.157 in the mean). Form and polarity are right in at least four of five; what is missing is what it has not learned, that the thing fits the place and the animal stays the same. Who knew form and polarity alone would be right in 0.18 of the stories. So the low number shows what this BERT knows, and hardly what writing with [MASK] costs. GPT is right in more than nine of ten.
#
# *Filling a hole.* This is what BERT is for, and here it loses. It knows the polarity (alone worth about 0.76), and has not found out in this time that the thing must fit the place and the second animal be the first. GPT has, and by trying it fills every hole; trained to fill in the middle it does so in one pass, in two of three runs much better than BERT, in the third no better. From the left alone it still gets four of five, since a story's end depends on its beginning and only a few words on what follows. This does not show that the reader is the worse model. Three things speak against it here, and we have not separated them: it is asked about four words of a story where the writer is asked about all twenty-five; half of its second sentences were put there to mislead it; and it is post-norm, as BERT is, where GPT is pre-norm, at one learning rate. What BERT is known for it reached with far more text and steps.
#
# *Reading.* With 8 labels all are at the ceiling, so this task does not tell them apart. (In the bars above, differences below 0.05 say nothing: 200 holes, and 40 for trying.) **Play:** hide a word, and see what BERT makes of it with both sides in sight, and with the left one alone. (All words to the right are then [MASK], more than it ever met in training: part of the drop comes from that.)
# %% [markdown] id="compare-after" lang="ru"
# *Письмо.* BERT пишет, и одна история из шести у него верна (в среднем 0.157). Форма и тональность верны не реже чем в четырёх случаях из пяти; не хватает того, чего он не выучил: что вещь подходит к месту и что зверь тот же. Кто знал бы только форму и тональность, был бы прав в 0.18 случаев. Так что низкое число говорит о том, что знает этот BERT, и почти ничего — о том, во что обходится письмо через [MASK]. У GPT верны больше девяти из десяти.
#
# *Заполнение пропуска.* Для этого BERT и создан — и здесь он проигрывает. Тональность он знает (она одна даёт около 0.76), а вот что вещь должна подходить к месту и что второй зверь — это первый, за это время не выяснил. GPT выяснила и перебором заполняет все пропуски; обученная вставлять середину, она делает это за один проход — в двух запусках из трёх гораздо лучше, чем BERT, в третьем не лучше. Даже по одному левому контексту она угадывает четыре из пяти: конец истории зависит от начала, а от того, что дальше, — лишь немногие слова. Это не значит, что «читатель» хуже как модель. Против него здесь три вещи, и порознь мы их не проверяли: его спрашивают о четырёх словах истории, а «писателя» — обо всех двадцати пяти; половину вторых предложений ему подсунули, чтобы сбить с толку; и нормализация у него, как у настоящего BERT, стоит после суммы (post-norm), а у GPT — до подслоя (pre-norm), при одной скорости обучения. То, чем BERT известен, достигнуто на несравнимо большем количестве текста и шагов.
#
# *Чтение.* При 8 метках все упёрлись в потолок, и различить их эта задача не может. (На столбиках выше разница меньше 0.05 ни о чём не говорит: пропусков 200, а для перебора 40.) **Поэкспериментируйте:** скройте слово и посмотрите, что скажет о нём BERT, когда видны обе стороны и когда только левая. (Все слова справа при этом превращены в [MASK]; столько их в обучении не бывало, и отчасти он ошибается из-за этого.)
# %% id="explorer-hidden"
shown = stories.stories(2, seed=21)
explore_hidden_word(
    [case_of(bert, ["[CLS]", *story.first, "[SEP]", *story.second, "[SEP]"]) for story in shown]
)

# %% [markdown] id="scaling" lang="en"
# ## 11. More width, more depth
#
# Blocks are all alike, so a model is made larger by changing two numbers. What does it bring? Five sizes of GPT, each trained for 600 batches of 64 stories at one and the same rate, three seeds (measured beforehand); one pair differs in depth alone. The loss is counted from the entropy of the grammar, which no model can pass: what is left above it is what a model has not learned.
# %% [markdown] id="scaling" lang="ru"
# ## 11. Шире и глубже
#
# Все блоки одинаковы, поэтому, чтобы увеличить модель, достаточно поменять два числа. Что это даёт? Пять размеров GPT, каждый обучен на 600 батчах по 64 истории с одной и той же скоростью, по три запуска (измерено заранее); одна пара различается только глубиной. Потери отсчитываем от энтропии грамматики, ниже которой не опустится ни одна модель: то, что осталось сверху, модель не выучила.
# %% id="scaling-recorded"
sizes = recorded("gpt-sizes")["rows"]
excess = {}
for row in sizes:
    excess.setdefault(int(row["weights"]), []).append(row["excess"])
for (D, L), (weights, values) in zip(story_experiments.SIZES, excess.items(), strict=True):
    print(
        f"D={D:2}, L={L}, {weights:6,} weights: loss above the entropy",
        *(f"{value:.4f}" for value in values),
    )
smallest, largest = list(excess.values())[0], list(excess.values())[-1]
claim(
    "0.3",
    holds=all(small > large for small, large in zip(smallest, largest, strict=True)),
    measured="3 seeds, equal steps: "
    + ", ".join(f"{weights:,} weights {mean(values):.4f}" for weights, values in excess.items())
    + " nats per token above the entropy",
)
show(curves.scaling(list(excess), excess), "scaling")

# %% [markdown] id="scaling-after" lang="en"
# The smallest leaves eighty times as much unlearned as the largest. Nearly all of that is width; the pair that differs in depth alone shows no difference: at $D = 32$, so close to the floor, a second block brings nothing that could be seen. And the gain shrinks as the floor comes near. Two things the picture does not say. Equal steps are not equal work: the largest model does about forty times the multiplications of the smallest. And all have one learning rate, which need not suit all alike. For real models the question is how to divide a given amount of computing between weights and text; the loss falls as a power of each, over many orders of magnitude (Kaplan et al., 2020), and weights and tokens should grow together (Hoffmann et al., 2022).
# %% [markdown] id="scaling-after" lang="ru"
# У самой маленькой невыученного остаётся в восемьдесят раз больше, чем у самой большой. Почти всё это — ширина; пара, которая различается только глубиной, разницы не показывает: при $D = 32$, так близко к нижней границе, второй блок выигрыша не даёт. И чем ближе нижняя граница, тем меньше выигрыш. Двух вещей рисунок не говорит. Равное число шагов — не равная работа: самая большая модель делает примерно в сорок раз больше умножений, чем самая маленькая. И скорость обучения у всех одна, а подходить она может не всем одинаково. Для настоящих моделей вопрос в том, как разделить имеющийся объём вычислений между весами и текстом: потери падают как степень того и другого на протяжении многих порядков (Kaplan et al., 2020), и расти веса и число токенов должны вместе (Hoffmann et al., 2022).

# %% [markdown] id="objectives" lang="en"
# ## 12. Other tasks for a decoder
#
# *The next token* is not the only task for a model that writes. Four others, and their masks:
#
# - **prefix LM** (Raffel et al., 2020, section 3.2.1): the tokens of a prefix may look at each other freely, the rest is causal; only the rest is predicted. An encoder and a decoder in one stack.
# - **span corruption** (T5; Raffel et al., 2020, section 3.1.4): whole spans are replaced by *sentinels*, each a token of its own, and the decoder writes sentinel, span, sentinel, span. BERT's task for a model that writes.
# - **fill-in-the-middle** (Bavarian et al., 2022): the text is cut into prefix, middle and suffix, and the middle is moved to the end. The mask stays the triangle and the loss stays the next token; only the *order of the text* has changed. Many assistants that complete code at the cursor are trained so. Three special tokens mark the parts: `<PRE>` prefix `<SUF>` suffix `<MID>` middle; half of our model's stories are rearranged so, the rest are as they were.
# - **multi-token prediction** (Gloeckle et al., 2024): from row $t$ several heads predict tokens $t+1$, $t+2$, … at once, each with a block of its own before the shared read-out; the mask stays the triangle.
# %% [markdown] id="objectives" lang="ru"
# ## 12. Другие задачи для декодера
#
# *Следующий токен* — не единственная задача для модели, которая пишет. Вот ещё четыре и их маски:
#
# - **языковая модель с префиксом** (prefix LM; Raffel et al., 2020, раздел 3.2.1): токены префикса видят друг друга без ограничений, остальное каузально, и предсказывается только остальное. Энкодер и декодер в одной стопке блоков.
# - **восстановление отрезков** (span corruption, T5; Raffel et al., 2020, раздел 3.1.4): целые отрезки заменяют разными *токенами-заместителями* (sentinels), а декодер пишет: заместитель, отрезок, заместитель, отрезок. Задача BERT для модели, которая пишет.
# - **вставка середины** (fill-in-the-middle; Bavarian et al., 2022): текст режут на начало (prefix), середину (middle) и конец (suffix) и переносят середину в самый конец. Маска остаётся треугольником, функция потерь — прежней; меняется только *порядок текста*. Так обучают многих помощников, дописывающих код в месте курсора. Части отмечают три специальных токена: `<PRE>` начало `<SUF>` конец `<MID>` середина; у нашей модели так переставлена половина историй, остальные оставлены как есть.
# - **предсказание нескольких токенов** (multi-token prediction; Gloeckle et al., 2024): по строке $t$ несколько голов предсказывают сразу токены $t+1$, $t+2$, …, у каждой свой блок, а выходной слой общий; маска — треугольник.
# %% id="objective-masks"
show(drawings.objective_masks(), "objective_masks")
show(drawings.multi_token(), "multi_token")
show(drawings.fill_in_middle(), "fill_in_middle")

# %% id="middle-live"
story = stories.stories(1, seed=30)[0]
place = 17  # the adjective of the thing
text = gpt_training.rearranged(story, place, place + 3)
print("as it is:  ", " ".join(story.tokens))
print("rearranged:", " ".join(stories.words(text)))
given = torch.tensor([text[: text.index(stories.MIDDLE) + 1]])
new = middles.generate(given, 8, stop=stories.END)[0].tolist()
print("middle, greedy:", " ".join(stories.words(new)))

# prefix LM: the same GPT class with another mask; a prefix token sees the whole prefix, and behind it no row sees a later token
prefix = 5
mask = causal_mask(12)
mask[:, :prefix] = True
ids = torch.randint(8, len(stories.vocabulary()), (1, 12), generator=generator(9))
for changed, name in ((prefix - 1, "last token of the prefix"), (11, "last token of the text")):
    other = ids.clone()
    other[0, changed] = 8 + (ids[0, changed] - 7) % 100
    with torch.no_grad():
        rows = (middles(ids, mask) - middles(other, mask)).abs().sum(-1)[0] > 1e-9
    print(f"prefix LM, {name} exchanged: rows that move: {[t + 1 for t in range(12) if rows[t]]}")
with_middles = [row for row in table if row["model"] == "GPT with middles"]
plain_gpt = [row for row in table if row["model"] == "GPT"]
cost = mean(row["loss"] for row in with_middles) - mean(row["loss"] for row in plain_gpt)
claim(
    "8.9",
    holds=mean(row["hole"] for row in with_middles)
    > mean(row["hole from the left"] for row in plain_gpt)
    and cost < 0.01,
    measured="fill-in-the-middle, 3 seeds: holes filled so that they fit "
    + ", ".join(f"{row['hole']:.3f}" for row in with_middles)
    + ", from the left "
    + ", ".join(f"{row['hole from the left']:.3f}" for row in plain_gpt)
    + f"; loss on whole stories {cost:+.4f} nats",
)

# %% [markdown] id="objectives-after" lang="en"
# One of the four is measured, fill-in-the-middle. It costs a little: on whole stories 0.0003 nats in two runs and 0.0070 in the third, although the model has seen half as many of them; that third one, which fills holes best, writes 88 % of its stories right where the plain GPTs write 98 %. What is gained is sight: the model reads what stands right of the hole, by the plain causal mask, since in the rearranged text that comes *before*. Two runs of three have learned to use it; one fills holes no better than from the left. By trying, an ordinary GPT gets the same information, and more from it, but for one pass per word of the vocabulary. The mask of a prefix LM we have only tried on: even the rows before it move with the last token of the prefix, and behind the prefix no earlier row moves because of a later token.
# %% [markdown] id="objectives-after" lang="ru"
# Измерена одна задача из четырёх — вставка середины. Цена невелика: на целых историях 0.0003 ната в двух запусках и 0.0070 в третьем, хотя видела их модель вдвое меньше; этот третий, лучше всех заполняющий пропуски, пишет верно 88 % историй, тогда как обычные GPT — 98 %. Зато модель видит и то, что справа от пропуска, под обычной каузальной маской, потому что в переставленном тексте это стоит *раньше*. Пользоваться этим научились два запуска из трёх; один заполняет пропуски не лучше, чем по левому контексту. Перебором те же сведения получает и обычная GPT, причём пользуется ими лучше, — но за один проход на каждое слово словаря. Маску языковой модели с префиксом мы только примерили: от последнего токена префикса меняются и строки до него, а от последнего токена текста более ранние строки не меняются.

# %% [markdown] id="own-text" lang="en"
# ## 13. Your own text
#
# All parts are there for a GPT on any text: the tokenizer of lesson 02, the model, the loop, sampling. `course_lib.own_text.train_on_text` puts them together: it reads a file (or a list of texts), holds out the end, learns a vocabulary from the rest, trains with a progress bar, and saves a folder that the library `transformers` opens. Here on docstrings of Python packages, much too small and much too short to write well; the point is the way.
#
# ```python
# trained = train_on_text("my_notes.txt", folder="my-gpt")        # some minutes on a laptop
# print(trained.write("The ", 100, temperature=0.8))
# ```
# %% [markdown] id="own-text" lang="ru"
# ## 13. Ваш текст
#
# Чтобы обучить GPT на любом тексте, всё уже есть: токенизатор из урока 02, модель, цикл обучения, сэмплирование. `course_lib.own_text.train_on_text` собирает это вместе: читает файл (или список текстов), откладывает конец для проверки, строит по остальному тексту словарь, обучает модель с индикатором выполнения и сохраняет папку, которую открывает библиотека `transformers`. Здесь — на строках документации (docstrings) пакетов Python; модель слишком мала и обучается слишком недолго, чтобы писать хорошо: важен сам путь.
#
# ```python
# trained = train_on_text("my_notes.txt", folder="my-gpt")        # несколько минут на ПК
# print(trained.write("The ", 100, temperature=0.8))
# ```
# %% id="own-text-live"
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

logging.disable_progress_bar()
documents = [document.text for document in library_docs.frozen()][:80]
with tempfile.TemporaryDirectory() as place:
    folder = Path(place) / "my-gpt"
    trained = train_on_text(
        documents,
        folder=folder,
        vocabulary=512,
        context=48,
        d_model=48,
        heads=4,
        layers=2,
        steps=80,
        size=16,  # windows of text per step
        rate=0.005,  # of Adam, reached after warm_up steps
        warm_up=20,
        samples=0,  # how often it shows what it writes while it learns
        progress=False,
        dtype=torch.float64,
    )
    print("in the folder:", ", ".join(sorted(file.name for file in folder.iterdir())))
    theirs, their_tokenizer = (
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64),
        AutoTokenizer.from_pretrained(folder),
    )
    sample = "The number of elements in the array."
    ids = trained.tokenizer.encode(sample)
    same_ids = their_tokenizer.encode(sample) == ids
    with torch.no_grad():
        same_logits = (
            difference(trained.model(torch.tensor([ids])), theirs(torch.tensor([ids])).logits)
            <= 1e-10
        )
print(
    f"transformers: {type(theirs).__name__}, the same ids: {same_ids}, logits equal to 1e-10: {same_logits}"
)
assert same_ids and same_logits
print(
    f"tokens: {trained.tokens:,}; weights: {sum(weight.numel() for weight in trained.model.parameters()):,}"
)
print(
    f"loss: ln {len(trained.tokenizer)} = {math.log(len(trained.tokenizer)):.2f} before, {trained.training.nats:.2f} on the training part, {trained.held_out.nats:.2f} held out"
)


# %% [markdown] id="own-text-after" lang="en"
# What the folder holds is a GPT-2 like any other: the library opens it by itself, cuts text into the same tokens and computes the same logits. On a text of your own raise `steps` first, then `d_model`, `layers` and `context` (the defaults take minutes, not seconds), and look at the held-out loss: when it stops falling while the training loss goes on, the model is learning your text by heart. The other way round, `GPT.from_pretrained("gpt2")` and `BERT.from_pretrained("bert-base-uncased")` fetch the real weights into the classes of this lesson; that takes an internet connection, and without one they say so.
# %% [markdown] id="own-text-after" lang="ru"
# В папке лежит GPT-2, такая же, как любая другая: библиотека открывает её сама, делит текст на те же токены и вычисляет те же логиты. На своём тексте увеличивайте сначала `steps`, потом `d_model`, `layers` и `context` (со значениями по умолчанию это минуты, а не секунды) и следите за потерями на отложенной части: если они перестали падать, а потери на обучающей падают дальше, модель зубрит ваш текст. И наоборот: `GPT.from_pretrained("gpt2")` и `BERT.from_pretrained("bert-base-uncased")` загружают настоящие веса в классы этого урока; для этого нужен доступ в интернет; без него оба вызова так и сообщат.
# %% [markdown] id="exercises" lang="en"
# ## 14. Exercises
#
# Replace the line with `raise` and run the cell. The check says what is wrong, not how to mend it. Until an exercise is solved the lesson goes on with a reference answer.
#
# ### 14.1 Eighty, ten, ten
#
# What BERT gets to read in masked language modelling, and what it has to say, for one text. The random numbers are given, so that the answer can be checked. All arguments but the last have the shape $(T,)$: `ids` are the tokens of the text, int64; `chosen` is boolean and says which of them are to be predicted; `kind` holds numbers from $[0, 1)$; `replacement` holds ids. `mask_id` is the id of [MASK]. Return two tensors of type int64 and shape $(T,)$, the inputs and the targets. At a chosen place $t$ the input is `mask_id` where `kind[t]` is below 0.8, `replacement[t]` where it is below 0.9 but not below 0.8, and the token itself elsewhere. The inputs at all other places are the tokens of the text. The target of a chosen place is the token of the text, whatever the input there; the target of every other place is `-100`, by which `F.cross_entropy` knows that a place does not count. `ids` itself must stay as it is.
# %% [markdown] id="exercises" lang="ru"
# ## 14. Упражнения
#
# Замените строку с `raise` и запустите ячейку. Проверка скажет, что неверно, но не подскажет, как исправить. Пока упражнение не решено, урок продолжается с эталонным ответом.
#
# ### 14.1 Восемьдесят, десять, десять
#
# Что BERT читает при маскированном языковом моделировании и что должен ответить — на примере одного текста. Случайные числа даны заранее, иначе ответ нельзя было бы проверить. У всех аргументов, кроме последнего, форма $(T,)$: `ids` — токены текста, int64; `chosen` — тип bool, отмечает токены, которые надо предсказать; `kind` — числа из $[0, 1)$; `replacement` — номера токенов. `mask_id` — номер [MASK]. Верните два тензора типа int64 и формы $(T,)$: входы и цели. На выбранном месте $t$ вход — это `mask_id`, если `kind[t]` меньше 0.8; `replacement[t]`, если меньше 0.9, но не меньше 0.8; в остальных случаях — сам токен. На всех невыбранных местах вход — токен текста. Цель на выбранном месте — токен текста, что бы ни стояло там во входе; цель на любом другом месте — `-100`: по этому числу `F.cross_entropy` узнаёт, что место не учитывается. Сам тензор `ids` менять нельзя.
# %% id="ex-corrupt" tags=["exercise"]
def corrupt(ids, chosen, kind, replacement, mask_id):
    raise NotImplementedError  # your code


corrupt = check("corrupt", corrupt)

# %% [markdown] id="ex-corrupt-solution" lang="en"
# <details><summary>Hint</summary>
#
# `torch.where(condition, a, b)` makes a new tensor and takes each number from `a` or from `b`; either may be a single number. Conditions are joined with `&`. Two calls of `torch.where` are enough for the inputs if the second step may overwrite what the first has written: which of the two has to come first? The targets depend on `ids` and `chosen` alone.
#
# </details>
# <details><summary>Solution</summary>
#
# The targets know nothing of 80/10/10. The model cannot tell a token that was kept or replaced from one that was not chosen, so it has to be ready for any place to be scored.
#
# ```python
# def corrupt(ids, chosen, kind, replacement, mask_id):
#     inputs = torch.where(chosen & (kind < 0.9), replacement, ids)
#     inputs = torch.where(chosen & (kind < 0.8), mask_id, inputs)
#     return inputs, torch.where(chosen, ids, -100)
# ```
#
# </details>
# %% [markdown] id="ex-corrupt-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# `torch.where(condition, a, b)` создаёт новый тензор, в который каждое число попадает из `a` или из `b`; вместо любого из них можно дать одно число. Условия соединяет `&`. Для входов хватит двух вызовов `torch.where`, если второй шаг может записать своё поверх того, что записал первый; какой из них должен идти раньше? Цели зависят только от `ids` и `chosen`.
#
# </details>
# <details><summary>Решение</summary>
#
# Цели ничего не знают о правиле 80/10/10. Модель не может отличить оставленный или заменённый токен от невыбранного, поэтому ей приходится быть готовой к тому, что оценят любое место.
#
# ```python
# def corrupt(ids, chosen, kind, replacement, mask_id):
#     inputs = torch.where(chosen & (kind < 0.9), replacement, ids)
#     inputs = torch.where(chosen & (kind < 0.8), mask_id, inputs)
#     return inputs, torch.where(chosen, ids, -100)
# ```
#
# </details>


# %% [markdown] id="ex-segments-text" lang="en"
# ### 14.2 Two sentences in one row
#
# `first` and `second` are lists of ids, two sentences without special tokens; `cls`, `sep` and `pad` are the ids of [CLS], [SEP] and [PAD]. Return three tensors of shape `(length,)`. The ids, int64: [CLS], the first sentence, [SEP], the second sentence, [SEP], then padding to the end. The segments, int64: 0 for [CLS], for the first sentence and its [SEP], 1 for the second sentence and its [SEP], 0 at padding. The mask, boolean: `True` where the token is real, special ones included. A pair that does not fit must not be cut in silence: raise a `ValueError`. The lists themselves must stay as they are.
# %% [markdown] id="ex-segments-text" lang="ru"
# ### 14.2 Два предложения в одной строке
#
# `first` и `second` — списки номеров, два предложения без специальных токенов; `cls`, `sep` и `pad` — номера [CLS], [SEP] и [PAD]. Верните три тензора формы `(length,)`. Номера, int64: [CLS], первое предложение, [SEP], второе предложение, [SEP], дальше до конца заполнение. Сегменты, int64: 0 у [CLS], у первого предложения и его [SEP], 1 у второго предложения и его [SEP], 0 на месте заполнения. Маска типа bool: `True` там, где токен настоящий, в том числе специальный. Если пара не помещается, молча обрезать её нельзя: вызовите исключение `ValueError`. Сами списки менять нельзя.
# %% id="ex-segments" tags=["exercise"]
def bert_input(first, second, cls, sep, pad, length):
    raise NotImplementedError  # your code


bert_input = check("segments", bert_input)

# %% [markdown] id="ex-segments-solution" lang="en"
# <details><summary>Hint</summary>
#
# First a plain list of all real tokens: how many of them belong to segment 0, how many to segment 1, and how many places are left? `[0] * 3` is a list of three zeros; `first + [sep]` leaves `first` alone, `append` does not.
#
# </details>
# <details><summary>Solution</summary>
#
# The segment of the padding does not matter, because nothing looks there; the ids could be compared with `pad` to get the mask, but counting does not depend on what stands in the sentences.
#
# ```python
# def bert_input(first, second, cls, sep, pad, length):
#     tokens = [cls, *first, sep, *second, sep]
#     rest = length - len(tokens)
#     if rest < 0:
#         raise ValueError(f"{len(tokens)} tokens do not fit into {length} places")
#     segments = [0] * (len(first) + 2) + [1] * (len(second) + 1) + [0] * rest
#     mask = torch.arange(length) < len(tokens)
#     return torch.tensor(tokens + [pad] * rest), torch.tensor(segments), mask
# ```
#
# </details>
# %% [markdown] id="ex-segments-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Сначала составьте обычный список всех настоящих токенов: сколько из них относится к сегменту 0, сколько — к сегменту 1 и сколько мест остаётся? `[0] * 3` — список из трёх нулей; `first + [sep]` не меняет `first`, а `append` меняет.
#
# </details>
# <details><summary>Решение</summary>
#
# Какой сегмент у заполнения, неважно: туда никто не смотрит. Маску можно получить и сравнением номеров с `pad`, но подсчёт не зависит от того, что стоит в предложениях.
#
# ```python
# def bert_input(first, second, cls, sep, pad, length):
#     tokens = [cls, *first, sep, *second, sep]
#     rest = length - len(tokens)
#     if rest < 0:
#         raise ValueError(f"{len(tokens)} tokens do not fit into {length} places")
#     segments = [0] * (len(first) + 2) + [1] * (len(second) + 1) + [0] * rest
#     mask = torch.arange(length) < len(tokens)
#     return torch.tensor(tokens + [pad] * rest), torch.tensor(segments), mask
# ```
#
# </details>


# %% [markdown] id="ex-sample-text" lang="en"
# ### 14.3 From logits to a token
#
# `logits` has the shape $(n_{vocab},)$, `u` is a number from $[0, 1)$. Return the id of the next token, an `int`. The steps, in this order:
#
# 1. $p = \mathrm{softmax}(z / \tau)$, where $\tau > 0$ is `temperature`.
# 2. Of the tokens only the `top_k` most probable stay, $1 \le k \le n_{vocab}$; their probabilities are rescaled to sum to 1.
# 3. Of these only the smallest set of most probable tokens stays whose probabilities, as they are after step 2, sum to `top_p` or more; they are rescaled once more.
# 4. The draw: $p_0 + p_1 + \dots + p_i$ is summed up in the order of the ids, and the answer is the first $i$ whose sum exceeds `u`.
#
# Steps 2 and 3 are left out where `top_k` or `top_p` is `None`. No two tokens are equally probable. Logits may be in the thousands, of either sign: only their differences matter. `logits` itself must stay as it is.
# %% [markdown] id="ex-sample-text" lang="ru"
# ### 14.3 От логитов к токену
#
# У `logits` форма $(n_{vocab},)$, `u` — число из $[0, 1)$. Верните номер следующего токена типа `int`. Шаги — в таком порядке:
#
# 1. $p = \mathrm{softmax}(z / \tau)$, где $\tau > 0$ — это `temperature`.
# 2. Остаются только `top_k` самых вероятных токенов, $1 \le k \le n_{vocab}$; их вероятности снова приводятся к сумме 1.
# 3. Из них остаётся только наименьшее множество самых вероятных токенов, вероятности которых — такие, какими они стали после шага 2, — в сумме дают `top_p` или больше; они ещё раз приводятся к сумме 1.
# 4. Выбор: сумма $p_0 + p_1 + \dots + p_i$ берётся в порядке номеров, и ответ — первое $i$, при котором она больше `u`.
#
# Если `top_k` или `top_p` — `None`, шаг 2 или соответственно 3 пропускается. Двух одинаково вероятных токенов не бывает. Логиты могут быть порядка тысяч, с любым знаком: важны только их разности. Сам тензор `logits` менять нельзя.
# %% id="ex-sample" tags=["exercise"]
def sample(logits, u, temperature, top_k, top_p):
    raise NotImplementedError  # your code


sample = check("sample", sample)

# %% [markdown] id="ex-sample-solution" lang="en"
# <details><summary>Hint</summary>
#
# `order = p.argsort(descending=True)` holds the ids from the most probable token to the least, so `p[order]` is sorted and `order[n:]` are the ids of all but the `n` best. For step 3 compute, for each token in this order, the sum of those *before* it: what can be said of this sum for a token that stays? Step 4 goes back to the order of the ids: how many of the sums do not exceed `u`?
#
# </details>
# <details><summary>Solution</summary>
#
# The token with which the sum reaches `top_p` stays, as the sum before it does not reach it yet; so the set is never empty. With `<=` in the last line a token of probability 0 is not drawn with `u = 0` either. (Rounding can leave the last sum a little below 1, and then a `u` above it finds no token; the course's `draw` guards against that, too.)
#
# ```python
# def sample(logits, u, temperature, top_k, top_p):
#     p = (logits / temperature).softmax(dim=-1)
#     order = p.argsort(descending=True)
#     if top_k is not None:
#         p[order[top_k:]] = 0
#         p = p / p.sum()
#     if top_p is not None:
#         before = p[order].cumsum(dim=0) - p[order]
#         p[order[before >= top_p]] = 0
#         p = p / p.sum()
#     return int((p.cumsum(dim=0) <= u).sum())
# ```
#
# </details>
# %% [markdown] id="ex-sample-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# `order = p.argsort(descending=True)` — номера от самого вероятного токена к наименее вероятному: `p[order]` упорядочено, а `order[n:]` — номера всех токенов, кроме `n` лучших. Для шага 3 вычислите для каждого токена в этом порядке сумму тех, что стоят *перед* ним: что можно сказать об этой сумме, если токен остаётся? Шаг 4 возвращается к порядку номеров: сколько сумм не превосходит `u`?
#
# </details>
# <details><summary>Решение</summary>
#
# Токен, на котором сумма достигает `top_p`, остаётся: перед ним она ещё меньше. Поэтому множество никогда не бывает пустым. Благодаря `<=` в последней строке токен с вероятностью 0 не выпадает и при `u = 0`. (Из-за округления последняя сумма может оказаться чуть меньше 1, и тогда для `u` больше неё токена не найдётся; `draw` из курса защищает и от этого.)
#
# ```python
# def sample(logits, u, temperature, top_k, top_p):
#     p = (logits / temperature).softmax(dim=-1)
#     order = p.argsort(descending=True)
#     if top_k is not None:
#         p[order[top_k:]] = 0
#         p = p / p.sum()
#     if top_p is not None:
#         before = p[order].cumsum(dim=0) - p[order]
#         p[order[before >= top_p]] = 0
#         p = p / p.sum()
#     return int((p.cumsum(dim=0) <= u).sum())
# ```
#
# </details>


# %% [markdown] id="ex-cached-attention-text" lang="en"
# ### 14.4 Attention with a cache
#
# One head of a decoder that writes with a KV cache. `keys`, of shape $(T, d_k)$, and `values`, $(T, d_v)$, hold the rows of all tokens so far: first those that were in the cache, then those of the new tokens, which have just been added. `query`, $(T_{\mathrm{new}}, d_k)$, holds the queries of the new tokens alone, the last ones of the text; $1 \le T_{\mathrm{new}} \le T$. With $T_{\mathrm{new}} = 1$ this is a step of writing, with $T_{\mathrm{new}} = T$ a prompt that comes to an empty cache. Return the outputs of the new tokens, $(T_{\mathrm{new}}, d_v)$: each sees itself and all tokens before it, and no later one.
# %% [markdown] id="ex-cached-attention-text" lang="ru"
# ### 14.4 Внимание с кэшем
#
# Одна голова декодера, который генерирует текст с KV-кэшем. В `keys` формы $(T, d_k)$ и `values` формы $(T, d_v)$ лежат строки всех токенов: сначала тех, что были в кэше, потом новых — их только что добавили. В `query` формы $(T_{\mathrm{new}}, d_k)$ — запросы одних только новых токенов, последних в тексте; $1 \le T_{\mathrm{new}} \le T$. При $T_{\mathrm{new}} = 1$ это шаг генерации, при $T_{\mathrm{new}} = T$ — промпт, для которого кэш ещё пуст. Верните выходы новых токенов, $(T_{\mathrm{new}}, d_v)$: каждый видит себя и все токены, стоящие раньше, и ни одного более позднего.
# %% id="ex-cached-attention" tags=["exercise"]
def cached_attention(query, keys, values):
    raise NotImplementedError  # your code


cached_attention = check("cached-attention", cached_attention)

# %% [markdown] id="ex-cached-attention-solution" lang="en"
# <details><summary>Hint</summary>
#
# Draw the square mask of all $T$ tokens for $T = 5$, as if nothing had been cached, and mark the rows of the last two. At which place of the text does the first new token stand? `tril` and `triu` take a second argument, by which the diagonal moves.
#
# </details>
# <details><summary>Solution</summary>
#
# The mask consists of the last $T_{\mathrm{new}}$ rows of the square. For a single new token this is a row of ones: nothing has to be hidden there, and a forgotten mask is noticed only when several tokens come at once. `F.scaled_dot_product_attention` with `is_causal=True` puts the triangle into the *top left* corner of a matrix that is not square, which is right only while the cache is empty.
#
# ```python
# def cached_attention(query, keys, values):
#     T, d_k = keys.shape
#     mask = torch.ones(T, T, dtype=torch.bool).tril()[-len(query) :]
#     scores = query @ keys.T / math.sqrt(d_k)
#     return scores.masked_fill(~mask, -math.inf).softmax(dim=-1) @ values
# ```
#
# </details>
# %% [markdown] id="ex-cached-attention-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Нарисуйте квадратную маску для всех $T$ токенов при $T = 5$, как будто кэша нет, и отметьте строки двух последних. На каком месте текста стоит первый новый токен? У `tril` и `triu` есть второй аргумент — он сдвигает диагональ.
#
# </details>
# <details><summary>Решение</summary>
#
# Маска — это последние $T_{\mathrm{new}}$ строк квадрата. Для одного нового токена получается строка из единиц: скрывать нечего, и то, что маску забыли, заметно, только когда приходит сразу несколько токенов. `F.scaled_dot_product_attention` с `is_causal=True` помещает треугольник в *левый верхний* угол неквадратной матрицы, а это верно, только пока кэш пуст.
#
# ```python
# def cached_attention(query, keys, values):
#     T, d_k = keys.shape
#     mask = torch.ones(T, T, dtype=torch.bool).tril()[-len(query) :]
#     scores = query @ keys.T / math.sqrt(d_k)
#     return scores.masked_fill(~mask, -math.inf).softmax(dim=-1) @ values
# ```
#
# </details>


# %% [markdown] id="ex-bert-hunt-text" lang="en"
# ### 14.5 A bug hunt
#
# The loss of a step of BERT's masked language modelling. `ids`, `segments`, `real` and `targets` have the shape $(B, T)$: the corrupted tokens, their segments, whether a token is real (`True`) or padding, and targets as in 14.1, with `-100` where nothing is scored; `mask_id` is the id of [MASK]. `E`, `P` and `E_segment` are the tables of embeddings, positions (more than $T$ of them, perhaps) and segments. The sum of the three embeddings goes through the LayerNorm `norm`. `encoder(x, mask)` returns the vectors after all blocks, $(B, T, D)$; the mask is boolean, of a shape that can be broadcast to $(B, T, T)$, `True` where a query (a row) may look at a key (a column). `head` is all of the output layer that stands before the matrix $E^\top$ and the biases `b_out`. These three functions are correct. The result should be the mean over the chosen places of the batch. The code runs, all shapes fit, and it has **four** bugs. Mend them all; the check names the first symptom it meets.
# %% [markdown] id="ex-bert-hunt-text" lang="ru"
# ### 14.5 Охота на ошибки
#
# Потери на одном шаге маскированного языкового моделирования BERT. У `ids`, `segments`, `real` и `targets` форма $(B, T)$: это испорченные токены, их сегменты, признак того, что токен настоящий (`True`), а не заполнение, и цели, как в 14.1, — с `-100` там, где ничего не оценивается; `mask_id` — номер [MASK]. `E`, `P` и `E_segment` — таблицы эмбеддингов, позиций (их может быть и больше, чем $T$) и сегментов. Сумма трёх эмбеддингов проходит через LayerNorm `norm`. `encoder(x, mask)` возвращает векторы после всех блоков, $(B, T, D)$; маска — типа bool, её форма расширяется до $(B, T, T)$ (broadcasting), `True` стоит там, где запросу (строке) можно смотреть на ключ (столбец). `head` — вся часть выходного слоя, которая стоит до матрицы $E^\top$ и смещений `b_out`. С этими тремя функциями всё в порядке. Результат — среднее по выбранным местам батча. Код запускается, все формы сходятся, а ошибок в нём **четыре**. Исправьте все; проверка называет первый встреченный симптом.
# %% id="ex-bert-hunt" tags=["exercise", "bug-hunt"]
def masked_loss(ids, segments, real, targets, mask_id, E, P, E_segment, norm, encoder, head, b_out):
    T = ids.shape[1]
    x = norm(E[ids] + E_segment[segments[0]]) + P[:T]
    vectors = encoder(x, real[:, :, None])
    logits = head(vectors) @ E.T + b_out
    scored = ids == mask_id
    return F.cross_entropy(logits[scored], targets[scored])


masked_loss = check("bert-hunt", masked_loss)

# %% [markdown] id="ex-bert-hunt-solution" lang="en"
# <details><summary>Hint</summary>
#
# Take a batch of two texts whose first sentences are of different lengths, and write down the shapes of `E[ids]` and of what is added to it. Write down the mask of a text of three tokens and one place of padding: which rows and which columns does it leave without a `True`, and which should be empty? What should be normalised, and which places were chosen in 14.1?
#
# </details>
# <details><summary>Solution</summary>
#
# The segments of the first text were used for all texts of the batch: their vectors, $(T, D)$, broadcast in silence. The positions were added after the LayerNorm, so that what went into the first block was not normalised. The mask marked the queries and not the keys: the padding saw nothing, but everybody saw the padding. And only the places with [MASK] were scored, so that a chosen token that was replaced or kept taught the model nothing; `mask_id` is not needed at all.
#
# ```python
# def masked_loss(ids, segments, real, targets, mask_id, E, P, E_segment, norm, encoder, head, b_out):
#     T = ids.shape[1]
#     x = norm(E[ids] + E_segment[segments] + P[:T])
#     vectors = encoder(x, real[:, None, :])
#     logits = head(vectors) @ E.T + b_out
#     scored = targets != -100
#     return F.cross_entropy(logits[scored], targets[scored])
# ```
#
# </details>
# %% [markdown] id="ex-bert-hunt-solution" lang="ru"
# <details><summary>Подсказка</summary>
#
# Возьмите батч из двух текстов, у которых первые предложения разной длины, и выпишите формы `E[ids]` и того, что к нему прибавляется. Выпишите маску для текста из трёх токенов и одного места заполнения: в каких строках и в каких столбцах нет ни одного `True` и какие должны быть пустыми? Что надо нормализовать и какие места были выбраны в 14.1?
#
# </details>
# <details><summary>Решение</summary>
#
# Сегменты первого текста доставались всем текстам батча: их векторы формы $(T, D)$ молча копировались на весь батч. Позиции прибавлялись после LayerNorm, и первый блок получал ненормализованные векторы. Маска отмечала запросы, а не ключи: заполнение ничего не видело, зато его видели все. И оценивались только места с [MASK], так что на выбранных токенах, заменённых или оставленных, модель ничему не училась; `mask_id` и вовсе не нужен.
#
# ```python
# def masked_loss(ids, segments, real, targets, mask_id, E, P, E_segment, norm, encoder, head, b_out):
#     T = ids.shape[1]
#     x = norm(E[ids] + E_segment[segments] + P[:T])
#     vectors = encoder(x, real[:, None, :])
#     logits = head(vectors) @ E.T + b_out
#     scored = targets != -100
#     return F.cross_entropy(logits[scored], targets[scored])
# ```
#
# </details>

# %% id="exercises-used"
# Your answers (or the reference ones) on small inputs. The BERT is tiny and untrained: what it says
# means nothing, but 14.5 must compute what its own parts compute.
pad, cls, sep, hidden = 0, 1, 2, 3
row, segments, real = bert_input([5, 6, 7], [8, 9], cls, sep, pad, 10)
chosen = torch.isin(row, torch.tensor([6, 8, 9]))
kind, others = (torch.arange(10) * 0.3 + 0.35) % 1, torch.full((10,), 4)
inputs, targets = corrupt(row, chosen, kind, others, hidden)
print("14.1:", row[chosen].tolist(), "read as", inputs[chosen].tolist(), targets.tolist())
print("14.2:", row.tolist(), segments.tolist(), "real:", int(real.sum()))
z = randn(8, seed=161)
uniform = [(n + 0.5) / 12 for n in range(12)]
for options in ((1.0, None, None), (0.5, None, None), (1.0, 3, None), (2.0, 6, 0.9)):
    drawn = [sample(z, u, *options) for u in uniform]
    own = [int(draw(distribution(z, *options), u)) for u in uniform]
    print(f"14.3: {options}: {drawn}, as the course's own:", drawn == own)
q, k, v = (randn(6, size, seed=162 + n) for n, size in enumerate((4, 4, 3)))
whole = cached_attention(q, k, v)
pieces = [cached_attention(q[a:b], k[:b], v[:b]) for a, b in ((0, 3), (3, 5), (5, 6))]
same = (torch.cat(pieces) - whole).abs().max() <= 1e-9
print("14.4:", whole[-1], "the same in pieces of three, two and one:", bool(same))
tiny = BERT(10, 12, 8, 2, 1, generator=torch.Generator().manual_seed(165))
parts = [
    tiny.norm,
    lambda x, mask: tiny.stack(x, mask[:, None])[0],
    lambda vectors: tiny.norm_head(F.gelu(vectors @ tiny.W_head + tiny.b_head)),
]
# Two texts: the second is one place longer, and its segments are others.
two = torch.stack([inputs, inputs.roll(1)]), torch.stack([segments, segments.roll(-1)])
wanted, lengths = torch.stack([targets, targets.roll(1)]), torch.tensor([8, 9])
real = torch.arange(10) < lengths[:, None]
with torch.no_grad():
    tiny.b_out.copy_(randn(10, seed=166))
    tables = tiny.embedding, tiny.positions, tiny.segments
    loss = masked_loss(*two, real, wanted, hidden, *tables, *parts, tiny.b_out)
    logits = tiny.masked_logits(tiny(*two, lengths))
    expected = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=-100)
print(f"14.5: {loss:.4f}, as the model's own:", bool((loss - expected).abs() <= 1e-9))

# %% [markdown] id="real-models" lang="en"
# ## 15. In real models
#
# | | year | blocks | $D$ | $H$ | context | weights | pre-trained on |
# |---|---|---|---|---|---|---|---|
# | GPT | 2018 | 12, post-norm | 768 | 12 | 512 | 117 million | next token; books |
# | BERT-base | 2018 | 12, post-norm | 768 | 12 | 512 | 110 million | MLM and NSP; books and Wikipedia |
# | BERT-large | 2018 | 24, post-norm | 1024 | 16 | 512 | 340 million | the same |
# | GPT-2, the largest | 2019 | 48, pre-norm | 1600 | 25 | 1024 | 1.5 billion | next token; web pages |
# | GPT-3 | 2020 | 96, pre-norm | 12288 | 96 | 2048 | 175 billion | next token; web pages, books, Wikipedia |
#
# *How they are used has changed.* BERT is fine-tuned, one copy for each task. GPT-2 and GPT-3 showed that a large writer can be *asked*: the task stands in the prompt, with a few worked examples or none, and no weight changes (Brown et al., 2020). What one calls an assistant is such a model, fine-tuned to follow requests (Ouyang et al., 2022). It needs no head for a task: text is the interface to all.
#
# *Readers are not gone.* Search engines, classifiers and the embeddings that find passages for a writer are often encoders; ModernBERT (Warner et al., 2024) is BERT with, among other things, the parts of lessons 05 and 06 that came later: RoPE, pre-norm, a gated feed-forward layer, a context of 8,192 tokens; and no NSP. ELECTRA (Clark et al., 2020) mends what made our BERT slow: a small model fills the holes, and the large one says for *every* token whether it has been exchanged, so that none of them goes unasked.
#
# *Sampling in practice* is mostly temperature and top-p together. Fast decoding adds to the KV cache: *speculative decoding* (Leviathan et al., 2023) lets a small model write several tokens ahead and the large one check them in one pass, a prefill, without changing the distribution.
# %% [markdown] id="real-models" lang="ru"
# ## 15. В настоящих моделях
#
# | | год | блоки | $D$ | $H$ | контекст | веса | предобучение |
# |---|---|---|---|---|---|---|---|
# | GPT | 2018 | 12, post-norm | 768 | 12 | 512 | 117 миллионов | следующий токен; книги |
# | BERT-base | 2018 | 12, post-norm | 768 | 12 | 512 | 110 миллионов | MLM и NSP; книги и «Википедия» |
# | BERT-large | 2018 | 24, post-norm | 1024 | 16 | 512 | 340 миллионов | то же |
# | GPT-2, самая большая | 2019 | 48, pre-norm | 1600 | 25 | 1024 | 1.5 миллиарда | следующий токен; веб-страницы |
# | GPT-3 | 2020 | 96, pre-norm | 12288 | 96 | 2048 | 175 миллиардов | следующий токен; веб-страницы, книги, «Википедия» |
#
# *Изменилось то, как ими пользуются.* BERT дообучают, и для каждой задачи выходит своя копия. GPT-2 и GPT-3 показали, что большого «писателя» можно просто *попросить*: задача записана в промпте, с несколькими примерами или без них, и ни один вес не меняется (Brown et al., 2020). То, что называют ассистентом, — такая модель, дообученная выполнять просьбы (Ouyang et al., 2022). Отдельная голова под задачу ей не нужна: и условие любой задачи, и ответ на неё — просто текст.
#
# *«Читатели» никуда не делись.* Поиск, классификаторы и эмбеддинги, по которым «писателю» подбирают фрагменты текста, — это часто энкодеры; ModernBERT (Warner et al., 2024) — это BERT, в котором, среди прочего, есть то, что появилось позже (уроки 05 и 06): RoPE, pre-norm, слой прямого распространения с вентилем, контекст в 8192 токена; и без NSP. ELECTRA (Clark et al., 2020) исправляет то, из-за чего наш BERT учился медленно: маленькая модель заполняет пропуски, а большая про *каждый* токен говорит, подменён ли он, так что вопрос достаётся всем.
#
# *Сэмплируют на практике* чаще всего с температурой и top-p вместе. Для быстрой генерации к KV-кэшу добавляют *спекулятивное декодирование* (speculative decoding; Leviathan et al., 2023): маленькая модель пишет на несколько токенов вперёд, а большая проверяет их за один проход, как при prefill, и распределение от этого не меняется.

# %% [markdown] id="summary" lang="en"
# ## 16. Summary
#
# - Encoder-only and decoder-only models are stacks of one and the same block; the **mask** differs, and with it the task: hidden words from both sides (BERT), the next token from the left (GPT).
# - GPT writes by prefill and decode: no vector of an encoder, and nothing has to be run twice; the **KV cache** changes the cost, and temperature, top-k and top-p change the distribution.
# - BERT reads [CLS] A [SEP] B [SEP]; a token's vector is the sum of token, segment and position; 15 % of the tokens are chosen (80/10/10), and a small head predicts them.
# - **Pre-training** needs no labels; **fine-tuning** then needs few. A frozen [CLS] holds what pre-training has asked of it.
# - Each can be made to do the other's work. BERT writes what it knows; a GPT fills holes by trying, or in one pass if it was trained to fill in the middle; after the same few steps it was ahead of BERT, which is asked about 15 % of the words.
#
# Training makes as large as possible, with $\tilde y$ for the corrupted text and $J$ for the chosen places:
#
# $$\text{GPT: } \sum_t \ln P(y_t \mid y_0 \dots y_{t-1}) \qquad\qquad \text{BERT: } \sum_{t \in J} \ln P(y_t \mid \tilde y)$$
# %% [markdown] id="summary" lang="ru"
# ## 16. Итог
#
# - Модели «только энкодер» и «только декодер» сложены из одного и того же блока; различается **маска**, а с ней и задача: скрытые слова по контексту с обеих сторон (BERT) или следующий токен по контексту слева (GPT).
# - GPT пишет в два этапа, prefill и decode: векторов энкодера нет, и дважды ничего вычислять не нужно; **KV-кэш** меняет стоимость, а температура, top-k и top-p — распределение.
# - На входе BERT — [CLS] A [SEP] B [SEP], вектор каждого токена — сумма эмбеддингов токена, сегмента и позиции; выбирают 15 % токенов (80/10/10), и небольшая голова их предсказывает.
# - **Предобучению** разметка не нужна, а для **дообучения** после него её хватает совсем немного. Замороженный [CLS] хранит то, о чём его спрашивали при предобучении.
# - Каждую модель можно заставить делать работу другой. BERT пишет так, как знает; GPT заполняет пропуски перебором или, если её учили вставлять середину, за один проход; после одинаково недолгого обучения она опередила BERT, которого спрашивают лишь о 15 % слов.
#
# Обучение максимизирует (здесь $\tilde y$ — испорченный текст, $J$ — выбранные места):
#
# $$\text{GPT: } \sum_t \ln P(y_t \mid y_0 \dots y_{t-1}) \qquad\qquad \text{BERT: } \sum_{t \in J} \ln P(y_t \mid \tilde y)$$
# %% id="summary-figure"
show(drawings.three_families(), "three_families")

# %% [markdown] id="summary-found" lang="en"
# What the notes said, and what we found:
# %% [markdown] id="summary-found" lang="ru"
# Что говорилось в конспекте и что получилось у нас:
# %% id="summary-ledger"
ledger(8)

# %% [markdown] id="key-questions" lang="en"
# ## 17. Key questions
#
# The lesson's key cards. Say the answer aloud before you unfold it; the deck in Anki repeats them when it is time.
# %% [markdown] id="key-questions" lang="ru"
# ## 17. Ключевые вопросы
#
# Ключевые карточки урока. Сначала ответьте вслух, потом раскройте ответ; колода в Anki повторит их, когда придёт время.
# %% id="key-questions-cards"
key_questions(8)

# %% [markdown] id="reading" lang="en"
# ## 18. Further reading
#
# - A. Radford, K. Narasimhan, T. Salimans, I. Sutskever. *Improving Language Understanding by Generative Pre-Training.* OpenAI 2018, [cdn.openai.com](https://cdn.openai.com/research-covers/language-unsupervised/language_understanding_paper.pdf). GPT: the mask, and fine-tuning with few changes.
# - J. Devlin, M.-W. Chang, K. Lee, K. Toutanova. *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* NAACL 2019, [arXiv:1810.04805](https://arxiv.org/abs/1810.04805). Sections 3 and 4; appendix A for the training tasks.
# - A. Radford, J. Wu, R. Child, D. Luan, D. Amodei, I. Sutskever. *Language Models are Unsupervised Multitask Learners.* OpenAI 2019, [cdn.openai.com](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf). GPT-2.
# - T. B. Brown et al. *Language Models are Few-Shot Learners.* NeurIPS 2020, [arXiv:2005.14165](https://arxiv.org/abs/2005.14165). GPT-3.
# - Y. Liu et al. *RoBERTa: A Robustly Optimized BERT Pretraining Approach.* 2019, [arXiv:1907.11692](https://arxiv.org/abs/1907.11692). What BERT can do without.
# - Z. Lan et al. *ALBERT: A Lite BERT for Self-supervised Learning of Language Representations.* ICLR 2020, [arXiv:1909.11942](https://arxiv.org/abs/1909.11942). A harder task in the place of next sentence prediction.
# - K. Clark, M.-T. Luong, Q. V. Le, C. D. Manning. *ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators.* ICLR 2020, [arXiv:2003.10555](https://arxiv.org/abs/2003.10555). A question about every token, not about 15 % of them.
# - C. Raffel et al. *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer.* JMLR 2020, [arXiv:1910.10683](https://arxiv.org/abs/1910.10683). T5, and a comparison of training tasks.
# - A. Holtzman, J. Buys, L. Du, M. Forbes, Y. Choi. *The Curious Case of Neural Text Degeneration.* ICLR 2020, [arXiv:1904.09751](https://arxiv.org/abs/1904.09751). Top-p.
# - A. Fan, M. Lewis, Y. Dauphin. *Hierarchical Neural Story Generation.* ACL 2018, [arXiv:1805.04833](https://arxiv.org/abs/1805.04833). Top-k.
# - L. Devroye. *Non-Uniform Random Variate Generation.* Springer, 1986, [luc.devroye.org](http://luc.devroye.org/rnbookindex.html). Section III.2: how one uniform number draws a token.
# - M. Bavarian et al. *Efficient Training of Language Models to Fill in the Middle.* 2022, [arXiv:2207.14255](https://arxiv.org/abs/2207.14255). How a writer learns to fill gaps; section 3.
# - F. Gloeckle, B. Y. Idrissi, B. Rozière, D. Lopez-Paz, G. Synnaeve. *Better & Faster Large Language Models via Multi-token Prediction.* ICML 2024, [arXiv:2404.19737](https://arxiv.org/abs/2404.19737).
# - N. Reimers, I. Gurevych. *Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks.* EMNLP 2019, [arXiv:1908.10084](https://arxiv.org/abs/1908.10084). Mean of the vectors against [CLS].
# - R. Pope et al. *Efficiently Scaling Transformer Inference.* 2022, MLSys 2023, [arXiv:2211.05102](https://arxiv.org/abs/2211.05102). Prefill and decode.
# - P. Micikevicius et al. *Mixed Precision Training.* ICLR 2018, [arXiv:1710.03740](https://arxiv.org/abs/1710.03740). How training on a GPU gets by with numbers of 16 bits.
# - Y. Leviathan, M. Kalman, Y. Matias. *Fast Inference from Transformers via Speculative Decoding.* ICML 2023, [arXiv:2211.17192](https://arxiv.org/abs/2211.17192).
# - L. Ouyang et al. *Training Language Models to Follow Instructions with Human Feedback.* NeurIPS 2022, [arXiv:2203.02155](https://arxiv.org/abs/2203.02155).
# - J. Kaplan et al. *Scaling Laws for Neural Language Models.* 2020, [arXiv:2001.08361](https://arxiv.org/abs/2001.08361).
# - J. Hoffmann et al. *Training Compute-Optimal Large Language Models.* NeurIPS 2022, [arXiv:2203.15556](https://arxiv.org/abs/2203.15556).
# - B. Warner et al. *Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder for Fast, Memory Efficient, and Long Context Finetuning and Inference.* 2024, [arXiv:2412.13663](https://arxiv.org/abs/2412.13663). ModernBERT.
#
# This was the last lesson. The map of the course stands in [lesson 00, why transformers](00_why_transformers.ipynb).
# %% [markdown] id="reading" lang="ru"
# ## 18. Что читать дальше
#
# - A. Radford, K. Narasimhan, T. Salimans, I. Sutskever. *Improving Language Understanding by Generative Pre-Training.* OpenAI 2018, [cdn.openai.com](https://cdn.openai.com/research-covers/language-unsupervised/language_understanding_paper.pdf). GPT: маска и дообучение почти без переделок.
# - J. Devlin, M.-W. Chang, K. Lee, K. Toutanova. *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* NAACL 2019, [arXiv:1810.04805](https://arxiv.org/abs/1810.04805). Разделы 3 и 4; о задачах обучения — приложение A.
# - A. Radford, J. Wu, R. Child, D. Luan, D. Amodei, I. Sutskever. *Language Models are Unsupervised Multitask Learners.* OpenAI 2019, [cdn.openai.com](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf). GPT-2.
# - T. B. Brown et al. *Language Models are Few-Shot Learners.* NeurIPS 2020, [arXiv:2005.14165](https://arxiv.org/abs/2005.14165). GPT-3.
# - Y. Liu et al. *RoBERTa: A Robustly Optimized BERT Pretraining Approach.* 2019, [arXiv:1907.11692](https://arxiv.org/abs/1907.11692). Без чего BERT может обойтись.
# - Z. Lan et al. *ALBERT: A Lite BERT for Self-supervised Learning of Language Representations.* ICLR 2020, [arXiv:1909.11942](https://arxiv.org/abs/1909.11942). Задача потруднее вместо предсказания следующего предложения.
# - K. Clark, M.-T. Luong, Q. V. Le, C. D. Manning. *ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators.* ICLR 2020, [arXiv:2003.10555](https://arxiv.org/abs/2003.10555). Вопрос о каждом токене, а не о 15 % из них.
# - C. Raffel et al. *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer.* JMLR 2020, [arXiv:1910.10683](https://arxiv.org/abs/1910.10683). T5 и сравнение задач обучения.
# - A. Holtzman, J. Buys, L. Du, M. Forbes, Y. Choi. *The Curious Case of Neural Text Degeneration.* ICLR 2020, [arXiv:1904.09751](https://arxiv.org/abs/1904.09751). Top-p.
# - A. Fan, M. Lewis, Y. Dauphin. *Hierarchical Neural Story Generation.* ACL 2018, [arXiv:1805.04833](https://arxiv.org/abs/1805.04833). Top-k.
# - L. Devroye. *Non-Uniform Random Variate Generation.* Springer, 1986, [luc.devroye.org](http://luc.devroye.org/rnbookindex.html). Раздел III.2: как одно равномерное число выбирает токен.
# - M. Bavarian et al. *Efficient Training of Language Models to Fill in the Middle.* 2022, [arXiv:2207.14255](https://arxiv.org/abs/2207.14255). Как «писателя» учат заполнять пропуски; раздел 3.
# - F. Gloeckle, B. Y. Idrissi, B. Rozière, D. Lopez-Paz, G. Synnaeve. *Better & Faster Large Language Models via Multi-token Prediction.* ICML 2024, [arXiv:2404.19737](https://arxiv.org/abs/2404.19737).
# - N. Reimers, I. Gurevych. *Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks.* EMNLP 2019, [arXiv:1908.10084](https://arxiv.org/abs/1908.10084). Среднее векторов против [CLS].
# - R. Pope et al. *Efficiently Scaling Transformer Inference.* 2022, MLSys 2023, [arXiv:2211.05102](https://arxiv.org/abs/2211.05102). Prefill и decode.
# - P. Micikevicius et al. *Mixed Precision Training.* ICLR 2018, [arXiv:1710.03740](https://arxiv.org/abs/1710.03740). Как при обучении на GPU обойтись 16-битными числами.
# - Y. Leviathan, M. Kalman, Y. Matias. *Fast Inference from Transformers via Speculative Decoding.* ICML 2023, [arXiv:2211.17192](https://arxiv.org/abs/2211.17192).
# - L. Ouyang et al. *Training Language Models to Follow Instructions with Human Feedback.* NeurIPS 2022, [arXiv:2203.02155](https://arxiv.org/abs/2203.02155).
# - J. Kaplan et al. *Scaling Laws for Neural Language Models.* 2020, [arXiv:2001.08361](https://arxiv.org/abs/2001.08361).
# - J. Hoffmann et al. *Training Compute-Optimal Large Language Models.* NeurIPS 2022, [arXiv:2203.15556](https://arxiv.org/abs/2203.15556).
# - B. Warner et al. *Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder for Fast, Memory Efficient, and Long Context Finetuning and Inference.* 2024, [arXiv:2412.13663](https://arxiv.org/abs/2412.13663). ModernBERT.
#
# Это был последний урок. Карта курса — в начале: [урок 00, зачем нужны трансформеры](00_why_transformers.ipynb).
