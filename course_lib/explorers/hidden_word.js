// What BERT predicts at the place of one word. The answers of a text stand by place, way (0 [MASK], 1 another word, 2 itself)
// and side (0 both, 1 the left alone): the numbers of five words, then their probabilities, that of the original and that
// of all that fit, in thousandths.
explore(({ data, words, refs, view, tell }) => {
  const { cases, shown, fixed: kept, mask } = data, TOP = 5;
  let at = 0, one, chosen = data.start, way = 0, left = 0, guess, judge, items, markItem;
  const number = n => fixed(n / 1000, 3), named = token => fill(words.named, { token });
  const name = place => one.tokens.filter(token => token === one.tokens[place]).length > 1
    ? fill(words.numbered, { token: one.tokens[place], n: place + 1 }) : named(one.tokens[place]);
  const answer = side => one.answers[6 * chosen + 2 * way + side];
  const update = () => {
    const place = one.places[chosen], said = answer(left), [original, fits] = said.slice(2 * TOP), word = one.tokens[place];
    // A question about another word has no answer any more.
    refs.question.replaceChildren();
    markItem(chosen);
    markWay(way);
    refs.hide.checked = left;
    refs.reads.replaceChildren(...one.tokens.flatMap((token, i) => {
      const text = i === place ? [mask, one.others[chosen], word][way] : left && i > place && !kept.includes(token) ? mask : token;
      return [make(i === place ? "b" : "span", { class: text === mask && "tx-hidden" }, text), " "];
    }));
    const row = (label, p, style) => make("tr", { class: style }, make("th", { scope: "row" }, label),
      make("td", {}, make("i", { style: `--w:${p / 1000}` })), make("td", {}, number(p)));
    refs.bars.replaceChildren(...said.slice(0, TOP).map((w, i) => row(shown[w] + (shown[w] === word ? " ◂" : ""), said[TOP + i])),
      row(words.original, original, "tx-original"), row(words.fits, fits, "tx-fits"));
    const values = { token: name(place), other: named(one.others[chosen]), top: named(shown[said[0]]), p: number(said[TOP]),
      original: number(original), fits: number(fits), before: number(answer(0)[2 * TOP + 1]), guess: data.answers[guess] };
    values.way = fill(words["way" + way], values);
    values.side = words["side" + left];
    tell(fill(words.said + (judge ? " " + words[judge] : ""), values));
    judge = "";
    refs.note.textContent = words["note" + way];
    view(at, place, way, left);
  };
  const use = to => {
    at = to;
    one = cases[at];
    chosen = Math.min(chosen, one.places.length - 1);
    items = one.places.map(place => make("button", { role: "radio" }, one.tokens[place]));
    markItem = rove(items, i => { chosen = i; update(); });
    refs.text.replaceChildren(...one.tokens.map((token, i) => items[one.places.indexOf(i)] || make("span", {}, token)));
    update();
  };
  const markWay = choices(refs.ways, i => { way = i; update(); });
  refs.story.onchange = () => use(refs.story.selectedIndex);
  // Before the right side is hidden for the first time the learner predicts.
  refs.hide.onchange = () => {
    const change = () => {
      left = 1 - left;
      update();
    };
    if (guess !== undefined) return change();
    refs.hide.checked = false;
    ask(refs.question, fill(words.guess, { token: name(one.places[chosen]), fits: number(answer(0)[2 * TOP + 1]) }), data.answers, i => {
      const [before, after] = [0, 1].map(side => answer(side)[2 * TOP + 1]);
      guess = i;
      judge = (Math.abs(after - before) < 50 ? 2 : +(after < before)) === i ? "guessed" : "missed";
      change();
      refs.hide.focus();
    });
  };
  use(0);
});
