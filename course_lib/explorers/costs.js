// Multiply-adds of one layer for T tokens of D numbers, and the T at which two of them are equal.
explore(({ data, words, refs, view, tell }) => {
  const { lengths, widths, names, formulas, times, answers } = data, sliders = [refs.length, refs.width];
  const grouped = n => String(n).replace(/\B(?=(\d{3})+$)/g, words.group);
  const short = n => {
    const [mantissa, power] = n.toExponential(2).split("e+");
    return n < 1e7 ? grouped(n) : mantissa + "\u00a0·\u00a010" + [...power].map(c => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("");
  };
  const ratio = n => n < 100 ? String(+n.toPrecision(2)) : grouped(Math.round(n));
  const rows = [...refs.bars.children], bars = rows.map(row => row.querySelector("button"));
  let chosen = 0, guess, judge, costs = [], T, D;

  const spell = i => {
    const terms = formulas[i].replace(/[TD]/g, c => "\u00a0· " + grouped(c === "T" ? T : D));
    refs.spelled.textContent = fill(words.spell, { name: names[i], formula: formulas[i], terms, number: grouped(costs[i]) });
  };
  const update = () => {
    T = lengths[refs.length.value];
    D = widths[refs.width.value];
    sliders.forEach((it, i) => {
      put(it, { "aria-valuetext": "TD"[i] + " = " + grouped(i ? D : T) }).parentNode.querySelector("b").textContent = grouped(i ? D : T);
    });
    const square = T * D * D;
    costs = [2 * T * T * D, 4 * square, 8 * square, 8 * square, 2 * square];
    const most = Math.max(...costs), log = refs.log.checked;
    costs.forEach((n, i) => {
      // On the logarithmic axis a bar begins at 1000: no layer that can be set here costs less.
      const w = log ? Math.log10(n / 1e3) / Math.log10(most / 1e3) : n / most;
      put(bars[i], { style: `--w:${w}`, value: n, "aria-label": names[i] + ": " + grouped(n) });
      rows[i].lastChild.textContent = short(n);
    });
    mark(chosen);
    spell(chosen);
    const [scores, projections, forward, lstm, rnn] = costs, attention = scores + projections;
    [scores / rnn, scores / projections, attention / lstm, scores / lstm, scores / (projections + forward)].forEach((now, i) => {
      const [equal, shown] = put(refs.rows.children[i], { class: now > 1 && "tx-above" }).querySelectorAll("td"), k = times[i];
      equal.textContent = `T = ${k > 1 ? k : ""}D = ` + grouped(k * D);
      shown.textContent = (now > 1 ? "▲ " : now < 1 ? "▽ " : "= ") + ratio(now) + "\u00a0×";
    });
    refs.chain.textContent = fill(words.chain, { tokens: grouped(T) });
    [...refs.models.querySelectorAll("button")].forEach((it, i) => {
      const [t, d] = data.models[i];
      put(it, { "aria-pressed": lengths[t] === T && widths[d] === D });
    });
    refs.ask.hidden = guess !== undefined;
    refs.later.hidden = !refs.ask.hidden;
    const parts = [words.state, words[attention > lstm ? "more" : attention < lstm ? "less" : "equal"]];
    if (guess !== undefined) parts.push(words.crossing);
    if (judge) parts.push(words[guess === data.right ? "guessed" : "missed"]);
    judge = 0;
    tell(fill(parts.join(" "), { tokens: grouped(T), size: grouped(D), attention: short(attention), lstm: short(lstm), cross: grouped(2 * D),
      ratio: ratio(Math.max(attention / lstm, lstm / attention)), guess: answers[guess] }));
    view(T, D, +log, chosen, guess ?? "");
  };
  const mark = rove(bars, i => { chosen = i; update(); });
  bars.forEach((bar, i) => put(bar, { mouseenter: () => spell(i), mouseleave: () => spell(chosen) }));
  refs.ask.querySelectorAll("button").forEach((it, i) => put(it, { click: () => {
    guess = i;
    judge = 1;
    update();
    refs.length.focus();
  } }));
  refs.models.querySelectorAll("button").forEach((it, i) => put(it, { click: () => {
    [refs.length.value, refs.width.value] = data.models[i];
    update();
  } }));
  [...sliders, refs.log].forEach(it => put(it, { input: update }));
  update();
});
