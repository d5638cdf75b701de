// Attention weights of all heads. Queries are rows, keys columns; there are two sets of weights if the tokens can be shuffled.
// A state is [layer, head, query].
explore(page => {
  const { data, words, live } = page, [L, H, Q, K] = data.shape, ROW = 22, MASKED = 255;
  const sets = [data, data.shuffled].filter(Boolean).map(one => ({ ...one, keys: one.keys || one.tokens }));
  let set, state = data.start, levels;
  const count = n => Array.from({ length: n }, (_, i) => i);
  const div = (name, ...children) => make("div", { class: `tx-${name}` }, ...children);
  const name = (tokens, i) => fill(tokens.filter(t => t === tokens[i]).length > 1 ? words.numbered : words.named,
    { token: tokens[i], n: i + 1 });
  // The colours stand at equal steps of the root of the weight, which sets small weights apart.
  const steps = data.colours.length - 1, palette = count(MASKED).map(level => {
    const at = steps * Math.sqrt(level / 254), low = Math.min(steps - 1, Math.floor(at));
    return [...data.colours[low].map((c, i) => c + (data.colours[low + 1][i] - c) * (at - low)), 255];
  });
  // A canvas gets a pixel for every level, in the colour of that level; a masked one stays transparent.
  const paint = (canvas, shown) => {
    const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
    shown.forEach((level, n) => image.data.set(palette[level] || [], 4 * n));
    context.putImageData(image, 0, 0);
  };
  const ofHead = n => levels.subarray(n * Q * K, (n + 1) * Q * K);

  // All heads as small maps: for the mouse what the two lists are for the keyboard, which never gets there.
  const lists = [[words.layer, L], [words.head, H]].map(([label, size], part) =>
    select(label, count(size).map(i => i + 1), i => go({ [part]: i })));
  const maps = count(L * H).map(n => {
    const change = [Math.floor(n / H), n % H];
    return make("button", { tabindex: -1, click: () => go(change), mouseenter: () => draw(change) },
      make("canvas", { width: K, height: Q }));
  });
  const grid = make("div", { class: "tx-grid", "aria-hidden": "true", style: `--h:${H}`, mouseleave: () => draw(),
    mousedown: e => e.preventDefault() },
    ["", ...count(H + 1).slice(1)].map(h => make("b", {}, h)),
    count(L).map(l => [make("b", {}, l + 1), maps.slice(l * H, l * H + H)]));

  // The chosen head as a large map, with a frame around the row of the query.
  const cell = Math.max(7, Math.min(20, Math.floor(256 / Math.max(Q, K))));
  const under = e => ({ 2: Math.min(Q - 1, Math.floor(Math.max(0, e.offsetY) / cell)) });
  const large = make("canvas", { width: K, height: Q }), caption = div("quiet");
  const map = make("div", { class: "tx-map", "aria-hidden": "true", style: `width:${K * cell}px;--c:${cell}px`, click: e => go(under(e)),
    mousemove: e => draw(under(e)), mouseleave: () => draw() }, large, make("i"));

  // The chosen query and its keys: lines and bars grow with the weight (the style sheet makes both of --w).
  const queries = count(Q).map(q => make("button", { role: "radio", mouseenter: () => draw({ 2: q }) }));
  const rows = count(K).map(() => make("div", {}, make("span"), make("i"), make("b")));
  const lines = count(K).map(k => make("line", { x2: 100, y2: (k + 0.5) * ROW }));
  const height = Math.max(Q, K) * ROW;
  const fan = make("div", { class: "tx-fan", mouseleave: () => draw() }, make("b", { class: "tx-q" }, words.query),
    make("b", { class: "tx-k" }, words.key), make("div", { role: "radiogroup", "aria-label": words.query }, queries),
    make("svg", { viewBox: `0 0 100 ${height}`, height, preserveAspectRatio: "none", "aria-hidden": "true" }, lines),
    make("div", {}, rows));
  const mark = rove(queries, q => go({ 2: q }));

  // Draws the chosen state, or what it becomes by the change that the mouse points at. Only a choice is put into words: a
  // preview would tire a listener, and a longer sentence would move what the mouse is about to click.
  const draw = change => {
    const [l, h, q] = Object.assign([...state], change), row = levels.subarray(((l * H + h) * Q + q) * K);
    const weights = count(K).map(k => row[k] === MASKED ? 0 : row[k] / 254);
    const best = count(K).sort((a, b) => weights[b] - weights[a] || a - b), seen = best.filter(k => weights[k] >= 0.005);
    rows.forEach((shown, k) => {
      shown.className = k === seen[0] ? "tx-now" : weights[k] < 0.005 ? "tx-faint" : "";
      shown.lastChild.textContent = row[k] === MASKED ? words.masked : fixed(weights[k], 2);
      for (const one of [shown, lines[k]]) one.style.setProperty("--w", weights[k]);
      put(lines[k], { y1: (q + 0.5) * ROW });
    });
    [[queries, q], [maps, l * H + h]].forEach(([items, at]) =>
      items.forEach((item, i) => item.classList.toggle("tx-now", i === at)));
    paint(large, ofHead(l * H + h));
    map.style.setProperty("--q", q);
    const shift = set.change?.[l][h];
    const values = { layer: l + 1, head: h + 1, query: name(set.tokens, q), change: shift,
      keys: seen.slice(0, 3).map(k => `${name(set.keys, k)} ${fixed(weights[k], 2)}`).join(", ") };
    caption.textContent = fill(words.map, values);
    if (change) return;
    page.tell(fill(words[seen.length ? "looks" : "nobody"] + (set.change ? " " + words[shift ? "changed" : "same"] : ""), values));
    page.view(...state, best[0], sets.indexOf(set));
  };
  const go = change => {
    Object.assign(state, change);
    lists.forEach((list, part) => { list.lastChild.selectedIndex = state[part]; });
    mark(state[2]);
    draw();
  };
  const use = number => {
    set = sets[number];
    levels = Uint8Array.from(atob(set.weights), c => c.charCodeAt(0));
    maps.forEach((map, n) => paint(map.firstChild, ofHead(n)));
    queries.forEach((item, q) => { item.textContent = set.tokens[q]; });
    rows.forEach((row, k) => { row.firstChild.textContent = set.keys[k]; });
  };
  // The chosen token stays chosen, wherever the shuffle puts it.
  const shuffle = on => {
    const { order } = sets[1];
    use(+on);
    go({ 2: on ? order.indexOf(state[2]) : order[state[2]] });
  };
  const legend = make("canvas", { width: MASKED, height: 1 });
  paint(legend, count(MASKED));
  live.append(make("p", { class: "tx-title" }, data.title), div("row", lists, sets[1] ? toggle(words.shuffle, shuffle) : []),
    div("slot"), div("sides", make("div", {}, div("quiet", words.overview), grid, caption, map,
      div("legend tx-quiet", "0", legend, "1")), fan), div("quiet", words.help));
  use(0);
  go();
});
