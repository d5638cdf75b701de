// Five features of one token, normalised, then multiplied by γ and shifted by β; mean and standard deviation of each row.
explore(({ data, words, refs, view, tell }) => {
  const { answers, eps, factor, shift, largest, reach } = data;
  const sliders = [...refs.sliders.querySelectorAll("input")], [times, plus] = refs.changes.querySelectorAll("button");
  const start = sliders.map(it => it.value), number = n => fixed(n, 3), plain = n => fixed(n, 2).replace(/\.?0+$/, "");
  const mean = row => row.reduce((a, b) => a + b, 0) / row.length;
  const variance = row => mean(row.map(n => (n - mean(row)) ** 2));
  const normalise = row => row.map(n => (n - mean(row)) / Math.sqrt(variance(row) + eps));
  // What the two buttons have done, and which feature alone is given β (0: all of them).
  let scaled = 0, shifted = 0, only = 0, guess;

  const show = (ref, row, end, digits) => {
    const [, ...cells] = refs[ref].children;
    row.forEach((n, i) => {
      put(cells[i].querySelector("i"), { class: n < 0 && "tx-low", style: `--v:${Math.abs(n) / end}` });
      cells[i].lastChild.textContent = fixed(n, digits);
    });
    refs[ref].dataset.values = row.join(" ");
    refs[ref + "_under"].textContent = fill(words.under, { mu: number(mean(row)), sigma: number(Math.sqrt(variance(row))), end: plain(end) });
  };
  const update = judge => {
    const given = sliders.map(it => +it.value), x = given.map(n => n * (scaled ? factor : 1) + (shifted ? shift : 0));
    const z = normalise(x), gamma = +refs.gamma.value, beta = +refs.beta.value;
    const y = z.map((n, i) => gamma * n + (only && only !== i + 1 ? 0 : beta));
    show("x", x, largest * (scaled ? factor : 1) + (shifted ? shift : 0), 1);
    show("z", z, reach, 3);
    show("y", y, reach, 3);
    sliders.forEach((it, i) => put(it, { "aria-valuetext": fixed(given[i], 1) }));
    [[refs.gamma, gamma], [refs.beta, beta]].forEach(([it, n]) => {
      put(it, { "aria-valuetext": plain(n) }).parentNode.querySelector("b").textContent = plain(n);
    });
    put(times, { "aria-pressed": scaled > 0 });
    put(plus, { "aria-pressed": shifted > 0 });
    mark(only);
    const deviation = row => number(Math.sqrt(variance(row)));
    const values = { mx: number(mean(x)), sx: deviation(x), mz: number(mean(z)), sz: deviation(z), my: number(mean(y)), sy: deviation(y),
      beta: plain(beta), gamma: plain(Math.abs(gamma)), only, ops: ["x", `${factor}x`, `x + ${shift}`, `${factor}x + ${shift}`][scaled + 2 * shifted], guess: answers[guess] };
    const flat = variance(x) < 1e-12, parts = [words[flat ? "flat" : "state"]];
    if (beta && only) parts.push(words.one);
    else if (!flat && (beta || gamma !== 1)) parts.push(words.all);
    if (scaled + shifted) {
      const before = normalise(given), most = Math.max(...z.map((n, i) => Math.abs(n - before[i])));
      values.most = fixed(most, 6);
      parts.unshift(words[z.every((n, i) => number(n) === number(before[i])) ? "same" : "other"]);
      if (judge) parts.push(words[guess ? "missed" : "guessed"]);
    }
    tell(fill(parts.join(" "), values));
    refs.note.textContent = words[only ? "note_one" : "note_all"];
    view(scaled, shifted, ...given, plain(gamma), plain(beta), only);
  };
  // Before anything is done to x the learner predicts.
  const first = act => {
    if (guess !== undefined) {
      act();
      return update();
    }
    ask(refs.question, words.guess, answers, i => {
      guess = i;
      scaled = shifted = 1;
      update(1);
      times.focus();
    });
  };
  times.onclick = () => first(() => { scaled = 1 - scaled; });
  plus.onclick = () => first(() => { shifted = 1 - shifted; });
  refs.reset.onclick = () => {
    sliders.forEach((it, i) => { it.value = start[i]; });
    refs.gamma.value = 1;
    refs.beta.value = scaled = shifted = only = 0;
    update();
  };
  const mark = choices(refs.at, i => { only = i; update(); });
  [...sliders, refs.gamma, refs.beta].forEach(it => { it.oninput = () => update(); });
  update();
});
