// The weights of one query against d_k, with or without the division, and three measures of how sharp they are.
explore(({ data, words, refs, view, tell }) => {
  const { sizes, scores, medians, counts } = data, last = sizes.length - 1;
  const sum = numbers => numbers.reduce((a, b) => a + b, 0);
  const number = n => n && (n < 1e-4 || n >= 1e6) ? n.toExponential(1).replace("-", "−") : fixed(n, 4);
  let at = data.start, divided = 1, draw = 0, chosen = 0, guess;

  // One button per bar; they stay, so that arrows and focus survive every change.
  const bars = scores[0][0].map((_, i) => button("", null, { role: "radio", mouseenter: () => spell(i) }));
  const mark = rove(bars, i => { chosen = i; update(); });
  refs.bars.append(...bars);
  refs.bars.onmouseleave = () => spell(chosen);

  // The curves of a tile: medians against d_k, one step of the slider apart.
  const tiles = [...refs.tiles.children].map((tile, n) => {
    const highest = Math.max(...medians[n].flat()), place = (m, i) => `${200 * i / last} ${60 - 60 * m / highest}`;
    const cursor = make("line", { y1: -4, y2: 64 }), dot = make("circle", { r: 4 });
    tile.lastChild.append(cursor, ...medians[n].map((curve, d) => make("path", { class: d ? "tx-solid" : "tx-dashed", d: "M" + curve.map(place).join("L") })), dot);
    return value => {
      const median = medians[n][divided][at], [x, y] = place(median, at).split(" ");
      put(cursor, { x1: x, x2: x });
      put(dot, { cx: x, cy: y });
      tile.children[1].textContent = number(value);
      tile.children[2].textContent = fill(words.median, { number: number(median) });
    };
  });

  let shown = [], total;
  const spell = i => {
    const { key, score, s, power, a } = shown[i];
    refs.spelled.textContent = fill(words.spell, { key: key + 1, score: number(score), root: divided ? ` / √${sizes[at]} = ${number(s)}` : "",
      power: number(power), sum: number(total), a: number(a), slope: number(a * (1 - a)) });
  };
  const update = () => {
    const size = sizes[at];
    shown = scores[at][draw].map((score, key) => {
      const s = score / (divided ? Math.sqrt(size) : 1);
      return { key, score, s, power: Math.exp(s) };
    });
    total = sum(shown.map(one => one.power));
    shown.forEach(one => { one.a = one.power / total; });
    shown.sort((one, other) => other.score - one.score || one.key - other.key);
    shown.forEach(({ key, a }, i) => {
      const label = fill(words.key, { key: key + 1, weight: number(a) });
      put(bars[i], { style: `--w:${a}`, value: a, "aria-label": label });
    });
    const weights = shown.map(one => one.a), derivatives = weights.flatMap((a, j) => weights.map((b, l) => a * ((j === l) - b)));
    const measures = [weights[0], -sum(weights.map(a => a && a * Math.log(a))), Math.sqrt(sum(derivatives.map(d => d * d)))];
    tiles.forEach((show, n) => show(measures[n]));
    // The curves without the division are what the learner is to predict.
    put(refs.tiles, { class: guess === undefined ? "tx-tiles tx-unknown" : "tx-tiles", "data-values": measures.join(" ") });
    put(refs.range, { max: last, "aria-valuetext": "d_k = " + size });
    refs.range.value = at;
    refs.size.textContent = "d_k = " + size;
    refs.divide.checked = divided;
    mark(chosen);
    markDraw(draw);
    spell(chosen);
    const median = medians[0][divided][at];
    const said = [fill(words[divided ? "divided" : median < 0.9 ? "soft" : "hard"],
      { ...counts, size, largest: number(measures[0]), jacobian: number(measures[2]), median: number(median) })];
    if (!divided && at === last) said.push(fill(words[guess === data.right ? "guessed" : "missed"], { guess: data.answers[guess], median: number(median) }));
    tell(said.join(" "));
    view(size, divided, draw, chosen);
  };
  const markDraw = choices(refs.draw, i => { draw = i; update(); });
  refs.range.oninput = () => { at = +refs.range.value; update(); };
  refs.divide.onchange = () => {
    if (guess === undefined) {
      ask(refs.question, fill(words.guess, counts), data.answers, i => { guess = i; divided = 0; update(); refs.range.focus(); });
    } else divided = +!divided;
    update();
  };
  update();
});
