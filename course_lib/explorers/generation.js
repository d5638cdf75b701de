// A GPT that computes in the page. `text` is read so far, `log` has a step for each of its lengths since the prompt, `keep`
// is the cache: for each block a key and a value of every token. Way 0 computes the text anew, way 1 uses the cache.
explore(({ data, words, refs, view, tell }) => {
  const [D, N, H, L, F] = data.sizes, size = D / H, tokens = data.tokens.split(" "), { sqrt, exp, tanh, PI, max, abs } = Math;
  let place = 0, cost, prompt, text, log, keep, cached = 1, guess, judge;
  const count = n => Array.from({ length: n }, (_, i) => i), sum = a => a.reduce((x, y) => x + y, 0);

  // A character of the weights is a number from 0 to 90; each row has its scale in front.
  const digit = () => {
    const code = data.weights.charCodeAt(place++);
    return code - 33 - (code > 34) - (code > 60) - (code > 92);
  };
  const matrix = (rows, columns) => count(rows).map(() => {
    const scale = 2 ** (-2 - digit() / 8);
    return count(columns).map(() => scale * (digit() - 45));
  });
  const layer = (from, to) => [matrix(to, from), ...matrix(1, to)], pair = () => matrix(2, D);
  const E = matrix(tokens.length, D), P = matrix(N, D);
  const blocks = count(L).map(() =>
    [pair(), layer(D, D), layer(D, D), layer(D, D), layer(D, D), pair(), layer(D, F), layer(F, D)]);
  const end = pair();

  const add = (a, b) => a.map((x, i) => x + b[i]);
  const dot = (a, b) => {
    cost += a.length;
    return a.reduce((s, x, i) => s + x * b[i], 0);
  };
  const linear = (x, [W, b]) => W.map((row, j) => dot(x, row) + b[j]);
  const norm = (x, [gamma, beta]) => {
    const mean = sum(x) / D, centred = x.map(v => v - mean), s = sqrt(sum(centred.map(v => v * v)) / D + +data.eps);
    return centred.map((v, i) => v / s * gamma[i] + beta[i]);
  };
  const gelu = x => x * (1 + tanh(sqrt(2 / PI) * (x + 0.044715 * x ** 3))) / 2;
  const softmax = z => {
    const top = max(...z), powers = z.map(v => exp(v - top)), all = sum(powers);
    return powers.map(v => v / all);
  };
  // Reads the tokens that come after those in the cache; the logits of the token after them.
  const read = (ids, past) => {
    let x;
    cost = 0;
    ids.forEach(id => {
      x = add(E[id], P[past[0].length]);
      blocks.forEach(([one, q, k, v, o, two, up, down], l) => {
        const y = norm(x, one), query = linear(y, q);
        past[l].push([linear(y, k), linear(y, v)]);
        const z = count(H).flatMap(h => {
          const cut = a => a.slice(h * size, h * size + size);
          const weights = softmax(past[l].map(([key]) => dot(cut(query), cut(key)) / sqrt(size)));
          return count(size).map(i => dot(weights, past[l].map(both => both[1][h * size + i])));
        });
        x = add(x, linear(z, o));
        x = add(x, linear(linear(norm(x, two), up).map(gelu), down));
      });
    });
    x = norm(x, end);
    return E.map(row => dot(x, row));
  };
  // Both ways, for a text whose last tokens are new to the cache.
  const step = ids => {
    const z = read(ids, keep), less = cost, other = read(text, blocks.map(() => []));
    log.push({ z: [other, z], costs: [cost, less], difference: max(...z.map((v, i) => abs(v - other[i]))) });
    update();
  };

  const number = n => fixed(n, 3), grouped = n => String(n).replace(/\B(?=(\d{3})+$)/g, words.group);
  const name = i => fill(words.named, { token: tokens[i] });
  let next;
  const update = () => {
    const { z, costs, difference } = log[log.length - 1], logits = z[cached], temperature = +refs.temperature.value, limit = +refs.p.value;
    const share = softmax(logits.map(v => v / (temperature || 1)));
    const order = count(tokens.length).sort((a, b) => logits[b] - logits[a]);
    let run = 0, sumKept, kept = order.slice(0, temperature ? data.top_k[refs.k.selectedIndex - 1] : 1);
    const total = ids => sum(ids.map(i => share[i]));
    sumKept = total(kept);
    kept = kept.filter(i => {
      const before = run;
      run += share[i] / sumKept;
      return limit === 1 || before < limit;
    });
    sumKept = total(kept);
    const p = share.map((v, i) => kept.includes(i) ? v / sumKept : 0);

    // The draw: the token at which the sum of the probabilities, by id, first exceeds u.
    const u = data.draws[text.length - 1], ends = [];
    p.reduce((before, v, i) => ends[i] = before + v, 0);
    next = ends.findIndex(v => v > u);
    if (next < 0) next = max(...kept);
    const from = fixed(ends[next] - p[next], 4), to = fixed(ends[next], 4);
    const over = tokens[next] === tokens[data.end], full = text.length === N;

    refs.text.replaceChildren(...text.slice(1).flatMap((id, i) =>
      [make("span", { class: i + 1 < data.prompts[prompt].length && "tx-given" }, tokens[id]), " "]), make("b", {}, tokens[next]));
    const shown = order.slice(0, 9);
    if (!shown.includes(next)) shown[8] = next;
    const rest = order.filter(i => !shown.includes(i)), left = rest.filter(i => kept.includes(i));
    const row = (label, v, given, style) => make("tr", { class: style }, make("th", { scope: "row" }, label),
      make("td", {}, make("i", { style: `--w:${v}` }), number(v)), make("td", {}, given));
    put(refs.bars, { "data-logits": logits.join(" ") }).replaceChildren(...shown.map(i => row((i === next ? "▸ " : "") + tokens[i], share[i],
      kept.includes(i) ? number(p[i]) : words.cut, (kept.includes(i) ? "" : "tx-cut ") + (i === next ? "tx-now" : ""))),
    row(fill(words.rest, { n: rest.length }), total(rest), left.length ? number(total(left) / sumKept) : words.cut, left.length ? "" : "tx-cut"));
    refs.strip.replaceChildren(...kept.filter(i => p[i] > 0.001).map(i =>
      make("i", { class: i === next && "tx-now", style: `--x:${ends[i] - p[i]};--w:${p[i]}` })), make("b", { style: `--x:${u}` }));

    const all = [0, 1].map(way => sum(log.map(one => one.costs[way])));
    refs.cost.replaceChildren(...[1, 0].map(way => make("tr", { class: way === cached && "tx-now" },
      make("th", { scope: "row" }, words["way" + way] + (way === cached ? " ◂" : "")), [costs, all].map(of => make("td", {}, grouped(of[way]))))));
    const values = { token: name(next), p: fixed(p[next], 2), u: fixed(u, 4), from, to, guess: data.answers[guess],
      cost: grouped(costs[cached]), other: grouped(costs[1 - cached]), difference: difference && difference.toExponential(1).replace("-", "−") };
    refs.draw.textContent = fill(temperature ? words.draw : words.greedy, values);
    refs.difference.textContent = fill(words.difference, values);
    [[refs.temperature, 1], [refs.p, 2]].forEach(([slider, digits]) => { slider.nextSibling.textContent = fixed(+slider.value, digits); });
    refs.cache.checked = cached;
    put(refs.back, { "aria-disabled": log.length < 2 });
    put(refs.next, { "aria-disabled": over || full });
    const parts = [words["said" + cached]];
    if (over || full) parts.push(words[over ? "over" : "full"]);
    if (judge) parts.push(words[guess ? "missed" : "guessed"]);
    judge = 0;
    tell(fill(parts.join(" "), values));
    view(prompt, text.length, next, Math.round(10 * temperature), refs.k.selectedIndex, Math.round(100 * limit), cached);
  };
  const begin = i => {
    prompt = i;
    text = [...data.prompts[i]];
    keep = blocks.map(() => []);
    log = [];
    step(text);
  };
  refs.next.onclick = () => {
    if (refs.next.ariaDisabled === "true") return;
    text.push(next);
    step([next]);
  };
  refs.back.onclick = () => {
    if (log.length < 2) return;
    text.pop();
    log.pop();
    keep.forEach(part => { part.length = text.length; });
    update();
  };
  refs.restart.onclick = () => begin(prompt);
  refs.prompt.onchange = () => begin(refs.prompt.selectedIndex);
  refs.temperature.oninput = refs.p.oninput = refs.k.onchange = update;
  // Before the cache is turned off for the first time the learner predicts.
  refs.cache.onchange = () => {
    const change = () => {
      cached = 1 - cached;
      update();
    };
    if (guess !== undefined) return change();
    refs.cache.checked = true;
    ask(refs.question, words.guess, data.answers, i => {
      guess = i;
      judge = 1;
      change();
      refs.cache.focus();
    });
  };
  begin(0);
});
