// One head of masked self-attention. Row i is the query of token i and has to predict token i + 1; a cell is i * T + j.
explore(({ data, words, refs, view, tell }) => {
  const { tokens, scores, shift, names } = data, T = scores.length, last = T - 1, AFTER = 2;
  const rows = scores.map((row, i) => make("tr", {}, make("th", { scope: "row" }, make("span", {}, tokens[i])),
    row.map(() => make("td", {}, make("button", { role: "checkbox" }))), make("td"), make("td"),
    make("td", {}, make("span", {}, tokens[i + 1]), " ", make("b", {}, "◉ ", make("i", {}, words.sees)))));
  refs.rows.append(...rows);
  const cells = [...refs.rows.querySelectorAll("button")];
  let preset = 0, open = [], at = 0, guess, judge;
  const number = n => fixed(n, 2), name = i => fill(words.named, { token: tokens[i] });
  const within = (i, j) => preset === 1 || (j <= i && (preset < 3 || i - j < data.window));
  const fresh = () => { open = cells.map((_, n) => within(Math.floor(n / T), n % T)); };

  // The weights, of the sentence as it is or with another last token. Where the mask comes after softmax, every key counts
  // in the denominator.
  const weigh = moved => scores.map((row, i) => {
    const seen = row.map((_, j) => open[i * T + j]), counts = seen.map(one => one || preset === AFTER);
    const given = row.map((score, j) => score + (moved && j === last ? shift : 0));
    const top = Math.max(...given.filter((_, j) => counts[j])), powers = given.map((score, j) => counts[j] ? Math.exp(score - top) : 0);
    const all = powers.reduce((a, b) => a + b, 0);
    return powers.map((power, j) => seen[j] ? power / all : 0);
  });
  const total = row => row.reduce((a, b) => a + b, 0);
  const sees = i => i < last && open[i * T + i + 1];

  // The row of a cell in words and numbers: of the cell that is chosen, or of the one the mouse points at.
  const spell = n => {
    const i = Math.floor(n / T), j = n % T, row = weigh(refs.change.checked)[i];
    const score = scores[i][j] + (refs.change.checked && j === last ? shift : 0);
    refs.spelled.textContent = fill(words[open[n] ? "cell" : "covered"],
      { from: name(i), to: name(j), score: number(score), weight: number(row[j]) });
    refs.line.replaceChildren(fill(words[sees(i) ? "seeing" : "blind"], { next: name(i + 1) }) + "\u2002", ...row.map((weight, k) =>
      make("span", { class: k === j && "tx-now" }, tokens[k] + " ", make("b", {}, open[i * T + k] ? number(weight) : "×"), " ")));
    rows.forEach((one, k) => one.classList.toggle("tx-now", k === i));
  };

  const update = () => {
    const changed = refs.change.checked, before = weigh(0), weights = changed ? weigh(1) : before, sums = weights.map(total);
    const moves = weights.map((row, i) => Math.max(...row.map((weight, j) => Math.abs(weight - before[i][j]))));
    const edits = cells.flatMap((_, n) => open[n] === within(Math.floor(n / T), n % T) ? [] : [n]);
    mark(at);
    cells.forEach((cell, n) => {
      const i = Math.floor(n / T), j = n % T, to = { from: name(i), to: name(j), weight: number(weights[i][j]) };
      put(cell, { "aria-checked": open[n], "aria-label": fill(words[open[n] ? "shown" : "hidden"], to), style: `--w:${weights[i][j]}`,
        class: open[n] && j === i + 1 && "tx-answer", value: weights[i][j] });
    });
    rows.forEach((row, i) => {
      const [sum, moved, next] = [...row.children].slice(-3);
      sum.textContent = number(sums[i]);
      sum.className = sums[i] < 0.995 ? "tx-less" : "";
      moved.textContent = moves[i] > 1e-12 ? "≠" : "";
      next.lastChild.hidden = !sees(i);
    });
    const seeing = rows.filter((_, i) => sees(i)).length, earlier = moves.slice(0, last).filter(move => move > 1e-12);
    const low = Math.min(...sums), high = Math.max(...sums);
    const parts = [words.state, words[low < 0.995 ? "less" : "ones"], words[edits.length ? "edited" : "trained"]];
    if (changed) parts.push(words[earlier.length ? "moved" : "still"]);
    if (judge) parts.push(words[guess === data.right ? "guessed" : "missed"]);
    judge = 0;
    const [loss, exact] = data.results[preset];
    tell(fill(parts.join(" "), { name: names[preset], seeing, rows: T, low: number(low), high: number(high), edits: edits.length, loss, exact,
      moved: earlier.length, earlier: last, most: fixed(Math.max(...earlier), 3), guess: data.answers[guess] }));
    refs.note.textContent = words["note" + preset];
    refs.preset.selectedIndex = preset;
    spell(at);
    view(preset, at, +changed, edits.join("-"));
  };
  const use = to => {
    preset = to;
    fresh();
    update();
  };
  const mark = rove(cells, n => { at = n; update(); }, T);
  cells.forEach((cell, n) => put(cell, { click: () => { open[n] = !open[n]; update(); }, mouseenter: () => spell(n) }));
  refs.grid.onmouseleave = () => spell(at);
  // Before the mask is taken away for the first time the learner predicts.
  refs.preset.onchange = () => {
    const to = refs.preset.selectedIndex;
    if (to !== 1 || guess !== undefined) return use(to);
    refs.preset.selectedIndex = preset;
    ask(refs.question, words.guess, data.answers, i => {
      guess = i;
      judge = 1;
      use(1);
      refs.preset.focus();
    });
  };
  refs.change.onchange = update;
  refs.reset.onclick = () => {
    refs.change.checked = false;
    at = 0;
    use(preset);
  };
  use(0);
});
