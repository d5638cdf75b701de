// A query at position m and a key at n: one pair of components on a circle, the sum over all pairs, and the score against
// m − n. Way 0 turns both vectors, way 1 adds the sinusoids of their positions.
explore(({ data, words, refs, view, tell }) => {
  const { longest, base, answers } = data, size = data.q.length, last = longest - 1, { PI, hypot, atan2 } = Math;
  const count = n => Array.from({ length: n }, (_, i) => i), pairs = count(size / 2), places = count(longest);
  const sum = numbers => numbers.reduce((a, b) => a + b, 0);
  const number = n => fixed(n, 4), bracket = n => n < 0 ? `(${number(n)})` : number(n);
  const omega = pairs.map(i => base ** (-2 * i / size)), shifts = [...refs.shift.querySelectorAll("button")];
  let [m, n] = data.start, pair = 0, way = 0, guess, judged;

  // tips[way][0 for q, 1 for k][position][pair] are two components.
  const ways = [([a, b], cos, sin) => [a * cos - b * sin, a * sin + b * cos], ([a, b], cos, sin) => [a + sin, b + cos]];
  const tips = ways.map(act => [data.q, data.k].map(vector => places.map(t => pairs.map(i =>
    act(vector.slice(2 * i), Math.cos(t * omega[i]), Math.sin(t * omega[i]))))));
  const terms = (w, m, n) => pairs.map(i => {
    const [a, b] = tips[w][0][m][i], [c, d] = tips[w][1][n][i];
    return a * c + b * d;
  });
  const score = (w, m, n) => sum(terms(w, m, n));

  // For each distance the lowest and the highest score that occurs: one line if the distance decides, else a band.
  const curves = tips.map((_, w) => {
    const ends = [];
    places.forEach(m => places.forEach(n => {
      const s = score(w, m, n), [low, high] = ends[m - n + last] || [s, s];
      ends[m - n + last] = [Math.min(low, s), Math.max(high, s)];
    }));
    const low = Math.min(...ends.flat()), high = Math.max(...ends.flat());
    const x = d => 160 + 160 * d / last, y = s => 80 - 80 * (s - low) / (high - low || 1);
    const line = end => ends.map((both, j) => x(j - last) + " " + y(both[end]));
    return { low, high, x, y, d: "M" + [...line(0), ...line(1).reverse()].join("L") + "Z" };
  });
  const band = make("path"), cursor = make("line", { y1: -5, y2: 85 }), dot = make("circle", { r: 4 });
  refs.curve.append(band, cursor, dot);

  // The angle from k to q, turned into −π … π; nothing for a vector of length 0.
  const between = ([a, b], [c, d]) => hypot(a, b) * hypot(c, d) < 1e-12 ? NaN : atan2(b * c - a * d, a * c + b * d);
  const degrees = angle => isNaN(angle) ? "—" : fixed(Math.abs(angle) * 180 / PI, 1) + "°";
  const draw = () => {
    const both = [tips[way][0][m][pair], tips[way][1][n][pair]], angle = between(...both);
    // Where the tip moves as its position grows: around the origin, or around the vector that the sinusoid is added to.
    const rings = [data.q, data.k].map(v => v.slice(2 * pair, 2 * pair + 2)).map(([a, b]) => way ? [a, b, 1] : [0, 0, hypot(a, b)]);
    const scale = 108 / (Math.max(...rings.map(([a, b, r]) => hypot(a, b) + r)) || 1);
    const arc = make("path", { class: "tx-arc" }), [c, d] = both[1];
    if (!isNaN(angle)) {
      const from = atan2(d, c), at = t => 24 * Math.cos(t) + " " + -24 * Math.sin(t);
      put(arc, { d: `M${at(from)}A24 24 0 0 ${+(angle < 0)} ${at(from + angle)}` });
    }
    refs.circle.replaceChildren(make("path", { class: "tx-axes", d: "M-128 0H128M0 -128V128" }), arc, ...both.flatMap(([a, b], i) => {
      const [cx, cy, r] = rings[i], x = a * scale, y = -b * scale, length = hypot(x, y) || 1, out = 12 / length;
      // Each letter stands on the far side of its arrow, seen from the other one.
      const side = (i ? -9 : 9) * (angle < 0 ? -1 : 1) / length, [a0, b0] = tips[way][i][0][pair];
      return [make("g", { class: i ? "tx-key" : "tx-query" },
        make("circle", { class: "tx-ring", cx: cx * scale, cy: -cy * scale, r: r * scale }),
        make("circle", { class: "tx-zero", cx: a0 * scale, cy: -b0 * scale, r: 3 }),
        make("line", { x2: x, y2: y }),
        make("path", { d: "M0 0L-11 -5V5Z", transform: `translate(${x} ${y}) rotate(${atan2(y, x) * 180 / PI})` }),
        make("text", { x: x * (1 + out) + y * side, y: y * (1 + out) - x * side }, "qk"[i]))];
    }));
    const [a, b] = [m, n].map(t => t * omega[pair]), wave = t => `(${number(Math.sin(t))}, ${number(Math.cos(t))})`;
    refs.caption.textContent = fill(words["caption" + way], { i: pair, m, n, omega: omega[pair].toPrecision(3).replace("-", "−"),
      a: way ? wave(a) : number(a), b: way ? wave(b) : number(b), angle: degrees(angle) });
  };

  // `by` is what both positions have just been shifted by.
  const update = by => {
    const parts = terms(way, m, n), now = sum(parts), { low, high, x, y, d } = curves[way], known = guess !== undefined;
    [[refs.m, m], [refs.n, n]].forEach(([slider, at], i) => {
      const text = "mn"[i] + " = " + at;
      slider.value = at;
      put(slider, { "aria-valuetext": text }).parentNode.querySelector("b").textContent = text;
    });
    shifts.forEach(it => { it.disabled = Math.min(m, n) + +it.value < 0 || Math.max(m, n) + +it.value > last; });
    refs.pair.selectedIndex = pair;
    mark(way);
    draw();
    parts.forEach((part, i) => {
      const cells = put(refs.rows.children[i], { class: i === pair && "tx-now" }).children;
      cells[2].textContent = degrees(between(tips[way][0][m][i], tips[way][1][n][i]));
      cells[3].textContent = number(part);
    });
    refs.sum.textContent = number(now);
    put(refs.sides, { class: known ? "tx-sides" : "tx-sides tx-unknown", "data-score": known ? now : null });
    const [[a, b], [c, e]] = [tips[way][0][m][pair], tips[way][1][n][pair]];
    refs.spelled.textContent = fill(words.spell, { i: pair, a: bracket(a), b: bracket(b), c: bracket(c), d: bracket(e), part: number(parts[pair]) });
    put(band, { d });
    put(cursor, { x1: x(m - n), x2: x(m - n) });
    put(dot, { cx: x(m - n), cy: y(now) });
    refs.extent.textContent = fill(words["extent" + way], { low: number(low), high: number(high), d: fixed(m - n, 0) });
    refs.note.textContent = words["note" + way];
    const said = { m, n, d: fixed(m - n, 0), score: number(now), guess: answers[guess], by: by < 0 ? fixed(by, 0) : by };
    let text = known ? words.state : words.begin;
    if (known && (way || !judged)) text += " " + words.now;
    if (by) {
      const old = score(way, m - by, n - by), same = Math.abs(old - now) < 1e-9 || number(old) === number(now);
      Object.assign(said, { m0: m - by, n0: n - by, old: number(old), verdict: words[same ? "same" : "other"] });
      text = words.shifted;
      if (!way && !judged) {
        judged = 1;
        text += " " + words[guess ? "missed" : "guessed"];
      }
    }
    tell(fill(text, said));
    view(m, n, pair, way, guess ?? "");
  };

  // Nothing is shifted and nothing broken before the prediction. The focus moves later: the key that has led here is about
  // to move it too.
  const first = act => {
    if (guess !== undefined) return act();
    tell(words.first);
    queueMicrotask(() => refs.ask.querySelector("button").focus());
  };
  const mark = choices(refs.ways, i => first(() => { way = i; update(); }));
  // A button that has become disabled would lose the focus to the notebook.
  const open = wanted => (shifts.filter(it => !it.disabled).sort((one, other) => Math.abs(one.value - wanted) - Math.abs(other.value - wanted))[0] || refs.m).focus();
  shifts.forEach(it => it.onclick = () => first(() => {
    const by = +it.value;
    m += by;
    n += by;
    update(by);
    if (it.disabled) open(by);
  }));
  refs.ask.querySelectorAll("button").forEach((it, i) => it.onclick = () => {
    guess = i;
    refs.ask.hidden = true;
    update();
    open(8);
  });
  refs.m.oninput = () => { m = +refs.m.value; update(); };
  refs.n.oninput = () => { n = +refs.n.value; update(); };
  refs.pair.onchange = () => { pair = refs.pair.selectedIndex; update(); };
  update();
});
