// Cross-attention, row by row of the translation; under it what "it" looks at in the encoder. Weights are hundredths, the
// first of the maps is the mean of the heads.
explore(({ data, words, refs, view, tell }) => {
  const { cases } = data;
  let at = 0, one = cases[0], head = 0, row = 0, chosen = one.it, guess, judge, items, columns, markItem, markColumn;
  const number = n => fixed(n / 100, 2);
  const name = k => fill(words[one.source.filter(word => word === one.source[k]).length > 1 ? "numbered" : "named"],
    { token: one.source[k], n: k + 1 });
  const who = () => fill(words[head ? "one" : "mean"], { head });
  const next = () => fill(words.named, { token: one.target[row] });
  const spell = k => {
    refs.spelled.textContent = fill(words.spell, { word: name(k), weight: number(one.cross[head][row][k]), next: next(),
      own: number(one.own[head][k]), it: name(one.it), who: who() });
  };
  const update = () => {
    const weights = one.cross[head][row], own = one.own[head], top = one.top[head][row], named = one.align[row];
    markItem(row);
    markColumn(chosen);
    markHead(head);
    items.forEach((item, i) => put(item, { class: i > row && "tx-later", "aria-label": i > row && fill(words.later, { n: i + 1 }) })
      .replaceChildren(i > row ? "·" : one.target[i]));
    columns.forEach((column, k) => {
      put(column, { style: `--a:${weights[k] / 100};--b:${own[k] / 100}`, class: (named.includes(k) ? "tx-named " : "") + (k === top ? "tx-top" : ""),
        "aria-label": fill(words.column, { word: name(k), weight: number(weights[k]), own: number(own[k]), it: name(one.it) }) });
    });
    put(refs.back, { "aria-disabled": !row });
    put(refs.next, { "aria-disabled": row === items.length - 1 });
    const weighed = k => `${name(k)} (${number(weights[k])})`;
    const values = { next: next(), who: who(), top: weighed(top), aligned: named.map(weighed).join(", "), guess,
      it: name(one.it), referent: name(one.referent), other: name(one.other), to: number(own[one.referent]), from: number(own[one.other]) };
    refs.over.textContent = fill(words.over, values);
    refs.under.textContent = fill(words.under, values);
    const parts = [words[named.length ? "looks" : "alone"]];
    if (row === one.pronoun) parts.push(words.inside);
    if (judge) parts.push(words[judge]);
    judge = 0;
    tell(fill(parts.join(" "), values));
    spell(chosen);
    view(at, head, row, chosen);
  };
  // Before the pronoun is predicted for the first time the learner says where the row will look.
  const go = to => {
    if (!items[to]) return;
    const set = () => {
      row = to;
      update();
    };
    if (to !== one.pronoun || guess !== undefined) return set();
    const places = [one.it, one.referent, one.other], options = [...places.map(name), words.elsewhere];
    ask(refs.question, fill(words.guess, { who: who() }), options, i => {
      guess = options[i];
      judge = (places[i] ?? (places.includes(one.top[head][to]) ? -1 : one.top[head][to])) === one.top[head][to] ? "guessed" : "missed";
      set();
      items[row].focus();
    });
  };
  const use = to => {
    at = to;
    one = cases[at];
    items = one.target.map(() => make("button", { role: "radio" }));
    columns = one.source.map((word, k) => {
      const sign = k === one.referent ? "●" : k === one.other ? "○" : k === one.it ? "▲" : "";
      return make("button", { role: "radio", mouseenter: () => spell(k) }, make("i"), make("span", {}, word), make("i"), make("b", {}, sign));
    });
    markItem = rove(items, go);
    markColumn = rove(columns, k => { chosen = k; update(); });
    refs.text.replaceChildren(...items);
    refs.columns.replaceChildren(...columns);
    row = Math.min(row, items.length - 1);
    chosen = Math.min(chosen, columns.length - 1);
    update();
  };
  const markHead = choices(refs.head, h => { head = h; update(); });
  refs.columns.onmouseleave = () => spell(chosen);
  refs.sentence.onchange = () => use(refs.sentence.selectedIndex);
  refs.back.onclick = () => go(row - 1);
  refs.next.onclick = () => go(row + 1);
  use(0);
});
