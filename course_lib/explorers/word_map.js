// A map of words and an analogy. A word is known by its place in data.names; what is chosen are the places of a, b and c.
// mode[0] is 1 when the answer is looked for in the plane, mode[1] when a, b and c may be answers themselves.
explore(({ data, words, refs, view, tell, live }) => {
  const { names, points, size, shift, counts, dim } = data, { map, over, lens } = refs;
  const mode = [0, 0], guesses = [], show = n => fixed(n, 3), part = n => show(n).replace(/^−.*/, "($&)");
  let chosen = data.start, slot = 0, asked = 0, zoom = 1, centre;

  // Of a vector only the direction counts here, so the whole numbers will do.
  const levels = Int8Array.from(atob(data.vectors), c => c.charCodeAt(0)), rows = names.map((_, i) => [...levels.slice(i * dim, i * dim + dim)]);
  const dot = (p, q) => p.reduce((sum, n, m) => sum + n * q[m], 0);
  const cosines = rows.map(p => rows.map(q => dot(p, q) / Math.sqrt(dot(p, p) * dot(q, q))));

  // The fourth word, where a and b are a pair of the relation that c has a pair of as well.
  const fourth = (a, b, c) => data.relations.map(of => of[a] === b ? of[c] : -1).find(x => x >= 0 && ![a, b, c].includes(x));

  // The map. On a phone it is half as wide, with markers as large as ever, and few words have labels.
  const move = (one, [x, y]) => put(one, { transform: `translate(${x} ${y})` });
  const items = names.map((name, i) => make("g", { role: "radio", "aria-label": name, mouseenter: () => draw(chosen.with(slot, i)) },
    make("circle", { r: 10 }), make("path", { d: data.markers[data.groups[i]] }), make("text", {}, name)));
  over.before(...items);
  map.onmouseleave = () => draw(chosen);

  const arrow = ([x, y], [X, Y]) => {
    const angle = Math.atan2(Y - y, X - x), from = (p, q, r, turn) => [p + r * Math.cos(angle + turn), q + r * Math.sin(angle + turn)];
    const tip = from(X, Y, -9, 0);
    return `M${from(x, y, 9, 0)}L${tip}L${from(...tip, -9, 0.4)}M${tip}L${from(...tip, -9, -0.4)}`;
  };
  // Puts a label on the first of some spots beside its place where it covers no box that is taken; tells if there is one.
  const settle = (item, [x, y], taken, spots) => {
    let box;
    const text = item.lastElementChild, free = map.isConnected && spots.some(([dx, dy, anchor]) => {
      put(text, { x: dx, y: dy, "text-anchor": anchor });
      const own = text.getBBox();
      box = [x + own.x, y + own.y, x + own.x + own.width, y + own.y + own.height];
      return Math.min(...box) > 0 && box[2] < size[0] * zoom && box[3] < size[1] * zoom &&
        !taken.some(other => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]);
    });
    if (box) taken.push(box);
    return free;
  };

  // Draws a question: the chosen one, or what it becomes with the word that the mouse points at. Returns what to say of it.
  const draw = inputs => {
    const [A, B, C] = inputs, sum = i => cosines[i][B] - cosines[i][A] + cosines[i][C], length = Math.sqrt(sum(B) - sum(A) + sum(C));
    const goal = points[A].map((n, m) => points[B][m] - n + points[C][m]), right = fourth(A, B, C) ?? fourth(A, C, B);
    // Words as [word, cosine with b − a + c, distance from it in the plane], the nearest first: by cosine, by distance.
    const free = points.map(([x, y], i) => [i, sum(i) / length, Math.hypot(x - goal[0], y - goal[1])])
      .filter(([i]) => mode[1] || !inputs.includes(i));
    const full = free.toSorted((p, q) => q[1] - p[1]), order = mode[0] ? free.sort((p, q) => p[2] - q[2]) : full;
    const found = order[0][0], wrong = right >= 0 && right !== found, place = order.findIndex(([i]) => i === right);

    if (inputs === chosen) centre = goal;
    const big = lens.checked, scale = data.scale * (big ? 4 : zoom);
    // Under the lens the chosen cross is the middle, which a preview leaves where it is.
    const spot = p => [0, 1].map(m => (big ? size[m] / 2 : shift[m]) * zoom + (p[m] - (big && centre[m])) * (m ? -scale : scale));
    const at = points.map(spot), aim = spot(goal), seen = new Set([...inputs, found, right ?? found]);
    const taken = [aim, ...[...seen].map(i => at[i])].map(([x, y]) => [x - 9, y - 9, x + 9, y + 9]);
    put(map, { viewBox: [0, 0, ...size.map(n => n * zoom)] });
    put(live, { "data-wrong": wrong, "data-big": big, "data-by": mode[0] });
    // The labels of the question first, then that of the cross, then the others where there is room.
    [...new Set([...seen, ...names.keys()])].forEach((i, n) => {
      if (n === seen.size) settle(over.children[3], aim, taken, data.spots);
      const label = zoom === 1 && !big && data.labels[i];
      const mark = seen.has(i), free = settle(move(items[i], at[i]), at[i], taken, label ? [label] : big || mark ? data.spots : []);
      put(items[i], { class: `tx-g${data.groups[i]} ${mark ? "tx-on" : free ? "" : "tx-off"}` });
    });
    [...over.children].forEach((one, n) => move(one, [at[A], at[B], at[C], aim, at[found], at[right ?? found]][n]));
    put(refs.arrows, { d: arrow(at[A], at[B]) + arrow(at[C], aim) });
    put(refs.line, { d: mode[0] ? `M${aim}L${at[found]}` : "" });

    const tag = i => names[i] + (i === right ? " ✓" : inputs.includes(i) ? ` (${"abc"[inputs.indexOf(i)]})` : wrong && i === found ? " ✗" : "");
    put(refs.answer, { class: wrong && "tx-w" }).textContent = tag(found);
    // The five nearest, and the right one if it is farther away.
    [...refs.near.rows].slice(1).forEach((row, n) => {
      const rank = n < 5 ? n : place > 4 ? place : -1, one = order[rank];
      row.hidden = !one;
      if (one) [rank + 1, tag(one[0]), one[1], one[2]].forEach((value, m) =>
        put(row.cells[m], { "data-value": value }).textContent = m < 2 ? value : show(value));
    });
    const [dx, dy] = points[found].map((n, m) => part(n - goal[m])), row = cosines[found];
    const values = { a: names[A], b: names[B], c: names[C], best: names[found], answer: names[right], place: place + 1, other: names[full[0][0]],
      p: part(row[B]), q: part(row[A]), r: part(row[C]), length: show(length), dx, dy, number: show(order[0][1 + mode[0]]) };
    refs.spelled.textContent = fill(words["spell" + mode[0]], values);
    return [names[found], fill([words["says" + mode[0]], inputs.includes(found) && words.input, words[wrong ? "wrong" : right >= 0 ? "right" : "unknown"],
      mode[0] && words[full[0][0] === found ? "same" : "other"]].filter(Boolean).join(" "), values)];
  };

  // Shows the choice; the counts as far as the learner has predicted them.
  const update = (verdict = "") => {
    picks.forEach((pick, n) => { pick.selectedIndex = chosen[n]; });
    marks.forEach((mark, n) => mark([...mode, slot, chosen[slot]][n]));
    counts.forEach((row, space) => row.forEach(([text], m) => {
      put(refs.sums.rows[space + 1].cells[m + 1], { class: space === mode[0] && m === mode[1] && "tx-now" }).textContent =
        (space && !guesses[0]) || (m && !guesses[1]) ? "?" : text;
    }));
    const [found, text] = draw(chosen);
    tell(verdict + text);
    view(...chosen.map(i => names[i]), ...mode, slot, lens.checked, found);
  };
  // Before the plane, and before inputs as answers, the learner predicts what will come of it.
  const flip = n => to => {
    const go = verdict => { mode[n] = to; update(verdict); };
    if (!to || guesses[n]) return go();
    // Later, since the key that has led here is about to move the focus.
    queueMicrotask(() => ask(refs.question, words["guess" + n], data.answers, i => {
      const [number, truth] = counts[n ? mode[0] : 1][n ? 2 : mode[1]], guess = guesses[n] = data.answers[i];
      go(fill(words[i === truth ? "hit" : "miss"] + words["verdict" + n], { guess, number }) + " ");
      (n ? refs.allowed : refs.space).querySelectorAll("button")[1].focus();
    }));
  };
  const choose = i => { chosen = chosen.with(slot, i); update(); }, picks = live.querySelectorAll("select");
  const marks = [choices(refs.space, flip(0)), choices(refs.allowed, flip(1)), choices(refs.slot, n => { slot = n; update(); }), rove(items, choose)];
  // After a click the next click sets the next word; arrows stay at theirs.
  items.forEach(item => put(item, { click: () => { slot = (slot + 1) % 3; update(); } }));
  picks.forEach((pick, n) => pick.onchange = () => { slot = n; choose(pick.selectedIndex); });
  lens.onchange = () => update();
  refs.next.onclick = () => {
    chosen = data.questions[asked++ % data.questions.length];
    update();
  };
  update();
  new ResizeObserver(([{ contentRect }]) => {
    zoom = contentRect.width < 560 ? 0.5 : 1;
    draw(chosen);
  }).observe(map);
});
