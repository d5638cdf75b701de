// Learns merges on a few counted words and shows the state after each; cuts an own word by the merges made so far.
explore(({ data, words, refs, view, tell }) => {
  const { corpus, merges, asked } = data, numbers = new Map(data.alphabet.map((symbol, i) => [symbol, i]));
  const seen = text => text.replaceAll(" ", "␣"), named = ({ left, right }) => seen(left) + " + " + seen(right);
  const meets = (symbols, i, pair) => pair && symbols[i] === pair.left && symbols[i + 1] === pair.right;
  const join = (symbols, pair) => {
    const joined = [];
    for (let i = 0; i < symbols.length; i++) joined.push(meets(symbols, i, pair) ? symbols[i] + symbols[++i] : symbols[i]);
    return joined;
  };

  // The state after each number of merges. Pairs are in the order in which they would be merged: the most frequent first,
  // of equally frequent ones that with the smaller numbers.
  const states = [];
  let split = corpus.map(([word]) => [...word]);
  for (let k = 0; k <= merges; k++) {
    const found = new Map();
    split.forEach((symbols, w) => symbols.slice(1).forEach((right, i) => {
      const left = symbols[i], ids = [numbers.get(left), numbers.get(right)], key = ids.join();
      const pair = found.get(key) ?? { left, right, ids, place: found.size, count: 0, times: corpus.map(() => 0) };
      found.set(key, pair);
      pair.count += corpus[w][1];
      pair.times[w]++;
    }));
    const pairs = [...found.values()].sort((p, q) => q.count - p.count || p.ids[0] - q.ids[0] || p.ids[1] - q.ids[1]);
    states.push({ split, pairs, symbols: [...numbers], size: numbers.size,
      total: split.reduce((sum, symbols, w) => sum + symbols.length * corpus[w][1], 0) });
    if (k < merges) {
      split = split.map(symbols => join(symbols, pairs[0]));
      numbers.set(pairs[0].left + pairs[0].right, numbers.size);
    }
  }
  const guesses = {}, rows = 6;
  let at = 0, chosen = 0, marks, shown = [];

  const chip = (symbol, kind) => make("span", { class: "tx-chip " + kind }, seen(symbol));
  const last = () => at && states[at - 1].pairs[0], made = () => at && last().left + last().right;
  const open = () => !asked.includes(at) || guesses[at];

  // The words with the places of a pair, and where its count comes from.
  const point = i => {
    const pair = shown[i];
    refs.words.replaceChildren(...states[at].split.map((symbols, w) => make("div", {}, make("small", {}, corpus[w][1] + " ×"),
      symbols.map((symbol, j) => chip(symbol, (symbol === made() ? "tx-new " : "") + (meets(symbols, j, pair) ? "tx-left " : "") +
        (meets(symbols, j - 1, pair) ? "tx-right" : ""))))));
    refs.spelled.textContent = pair ? named(pair) + ": " + pair.times.flatMap((n, w) => n ? seen(corpus[w][0]) + " " +
      (n > 1 ? n + " × " : "") + corpus[w][1] : []).join(" + ") + " = " + pair.count : "";
  };

  // The own word: the merges that change it, in their order. Returns what to say of it.
  const cut = () => {
    const own = refs.own.value, used = [];
    let symbols = [...own];
    const show = label => make("div", {}, make("small", {}, label),
      symbols.map(symbol => chip(symbol, [...symbol].every(c => data.alphabet.includes(c)) ? symbol[1] ? "tx-new" : "" : "tx-unknown")));
    const lines = [show(words.first)];
    states.slice(0, at).forEach(({ pairs }, k) => {
      const joined = join(symbols, pairs[0]);
      if (joined.length === symbols.length) return;
      symbols = joined;
      used.push(k + 1);
      lines.push(show(k + 1 + ".  " + named(pairs[0])));
    });
    refs.cuts.replaceChildren(...own ? lines : []);
    view(at, +!!open(), chosen, symbols.join("|"));
    const unknown = [...new Set(own)].filter(c => !data.alphabet.includes(c)).map(seen).join(" ");
    return fill([own ? words.own : words.empty, own && (used.length ? words.used : words.none), unknown && words.unknown].filter(Boolean).join(" "),
      { own: seen(own), count: symbols.length, cut: symbols.map(seen).join(" · "), used: used.join(", "), unknown });
  };

  const next = () => {
    if (at === merges) return fill(words.end, { size0: states[0].size, size: states[at].size, total0: states[0].total, total: states[at].total });
    if (!open()) return words.gate;
    const [best, rival] = states[at].pairs, tie = rival?.count === best.count;
    return fill(tie ? words.tie : words.next, { pair: named(best), count: best.count, ids: best.ids.join(", "),
      rival: tie && named(rival), others: tie && rival.ids.join(", ") });
  };

  const update = verdict => {
    const state = states[at], before = states[at - 1], happened = at && { ...last(), number: at, made: made(), size0: before.size, total0: before.total };
    shown = open() ? state.pairs.slice(0, rows) : [];
    chosen = 0;
    refs.question.replaceChildren();
    refs.range.value = at;
    put(refs.range, { "aria-valuetext": at + " / " + merges });
    refs.made.textContent = at + " / " + merges;
    refs.back.disabled = !at;
    refs.next.disabled = at === merges;
    // A list of buttons: what they show is the pair, the numbers of its symbols, its count as number and bar.
    const buttons = shown.map((pair, i) => button("", null, { role: "radio", mouseenter: () => point(i), style: `--w:${pair.count / shown[0].count}` }));
    buttons.forEach((one, i) => {
      const { ids, count } = shown[i], won = !i && at < merges;
      one.append(make("b", {}, named(shown[i])), make("small", {}, " № " + ids.join(", ")), make("i", {}, won ? " " + words.winner : ""), make("b", {}, " " + count));
      if (won) one.className = "tx-won";
    });
    marks = rove(buttons, i => { chosen = i; marks(i); point(i); cut(); });
    marks(0);
    refs.pairs.replaceChildren(...shown.length ? buttons : [make("p", {}, words[open() ? "over" : "hidden"])],
      ...state.pairs.length > shown.length && shown.length ? [make("p", { class: "tx-quiet" }, fill(words.all, { count: state.pairs.length }))] : []);
    refs.symbols.replaceChildren(...state.symbols.map(([symbol, number]) =>
      make("span", { class: "tx-chip" + (symbol === made() ? " tx-new" : "") }, make("small", {}, number + " "), seen(symbol))));
    ["size", "total"].forEach((name, n) => {
      const [, number, from, svg] = refs.tiles.children[n].children, most = Math.max(...states.map(s => s[name]));
      const points = states.slice(0, at + 1).map((s, k) => [200 * k / merges, 50 - 50 * s[name] / most]);
      number.textContent = state[name];
      from.textContent = fill(words.from, { number: states[0][name] });
      svg.replaceChildren(make("line", { x2: 200, y1: 50, y2: 50 }), make("path", { d: "M" + points.join("L") }),
        make("circle", { cx: points[at][0], cy: points[at][1], r: 4 }));
    });
    point(0);
    const own = cut();
    tell([verdict, !verdict && fill(words[at ? "step" : "begin"], { ...state, ...happened, ...at && { left: seen(last().left), right: seen(last().right), made: seen(made()) } }), next(), !verdict && refs.own.value && own].filter(Boolean).join(" "));
  };

  // Moves to a state, but never past a prediction that is still to be made.
  const go = to => {
    const gate = asked.find(k => k >= at && k < to && !guesses[k]);
    at = gate ?? to;
    update();
    if (gate == null) return;
    const best = states[at].pairs[0], options = states[at].pairs.slice(0, 3).sort((p, q) => p.place - q.place);
    ask(refs.question, fill(words.guess, { number: at + 1 }), options.map(named), i => {
      const guess = guesses[at] = options[i];
      update(fill(words[guess === best ? "hit" : "miss"], { guess: named(guess), count: guess.count }));
      refs.next.focus();
    });
  };
  refs.range.oninput = () => go(+refs.range.value);
  refs.back.onclick = () => { go(at - 1); if (!at) refs.next.focus(); };
  refs.next.onclick = () => { go(at + 1); if (at === merges) refs.back.focus(); };
  refs.pairs.onmouseleave = () => point(chosen);
  refs.own.oninput = () => tell(cut());
  update();
});
