// One query through attention in six steps. The learner may change x, swap two rows of V and leave out one ingredient.
// All quantities are matrices with a row per token; scores and weights have one column.
explore(({ data, words, refs, view, tell }) => {
  const { tokens, W } = data, rows = [...tokens.keys()];
  const sum = numbers => numbers.reduce((a, b) => a + b, 0), col = (M, c) => M.map(row => row[c]);
  const dots = (A, B) => A.map(row => B[0].map((_, c) => sum(row.map((n, m) => n * B[m][c]))));
  const show = n => Math.abs(n) < 1e5 ? fixed(n, Math.abs(n - Math.round(n)) < 1e-9 ? 0 : 4) : n.toPrecision(3);
  let x, owner, broken, before, expected, asked, guess, query = data.query, step = 1, chosen = 0;

  const compute = () => {
    const [Q, K] = [W.q, W.k].map(M => dots(x, M)), q = Q[query];
    const v = dots(owner.map(j => x[j]), W.v), scores = dots(K, q.map(n => [n]));
    const s = scores.map(([n]) => [broken === 1 ? n : n / Math.sqrt(q.length)]);
    const e = s.map(([n]) => [Math.exp(n)]), a = broken === 2 ? s : e.map(([n]) => [n / sum(e.flat())]);
    const av = v.map((row, j) => row.map(n => a[j][0] * n));
    return { Q, K, q, v, scores, s, e, a, av, z: av[0].map((_, c) => sum(col(av, c))) };
  };

  // The arithmetic of a cell: numbers in the colour of their role, negative ones in brackets.
  const num = (n, role) => make("b", { class: "tx-" + role }, n < 0 ? `(${show(n)})` : show(n));
  const plus = (terms, write) => terms.map((term, i) => [i ? " + " : "", write(term, i)]);
  const dot = (one, role, other, role2) => plus(one, (n, i) => [num(n, role), " · ", num(other[i], role2)]);

  // The columns of a step, in groups: [name, role, matrix, arithmetic of a new number, whether the sum stands below].
  const groups = ({ Q, K, q, v, scores, s, e, a, av }) => {
    const from = (role, M, source) =>
      [role, role, M, (j, c) => dot(x[source[j]], "x", col(W[role], c), role)];
    const V = ["v", "v", v], A = ["a", "a", a], S = ["s", "a", s], P = ["q·k", "a", scores];
    return [
      [["x", "x", x], from("q", Q, rows), from("k", K, rows), from("v", v, owner)],
      [["k", "k", K], [...P, j => dot(q, "q", K[j], "k")]],
      [P, [...S, j => broken === 1 ? "q·k" : [num(scores[j][0], "a"), " / √" + q.length]]],
      broken === 2 ? [S, [...A, () => "s", 1]] : [S, ["eˢ", "a", e, j => ["exp ", num(s[j][0], "a")], 1],
        [...A, j => [num(e[j][0], "a"), " / ", num(sum(e.flat()), "a")], 1]],
      [A, V, ["a·v", "o", av, (j, c) => [num(a[j][0], "a"), " · ", num(v[j][c], "v")]]],
      [A, V, ["a·v", "o", av, null, 1]],
    ][step - 1];
  };

  // The fields of x outlive a redraw, or the next one would vanish while the focus moves to it.
  const fields = data.x.map((row, j) => row.map((_, c) => make("input", { type: "number", step: "any", "data-key": `x${j}${c}`,
    "aria-label": `x ${tokens[j]}, ${c + 1}`, change: ({ target }) => setTimeout(() => act(() => {
      x[j][c] = Math.max(-data.most, Math.min(data.most, +target.value));
    })) })));

  // Draws the table of the step anew and marks what is chosen; `cells` are the numbers that can be chosen, row by row, and
  // `says` the arithmetic of each, made when it is looked at.
  const draw = () => {
    const r = compute(), table = groups(r), cells = [], says = [], last = step === 6, refocus = keepFocus(refs.stage);
    let across;
    const td = (content, c) => make("td", { class: !c && "tx-first" }, content);
    const tr = (label, ...children) => make("tr", 0, make("th", { scope: "row" }, label), children);
    const given = (n, role) => make("span", { class: "tx-cell tx-" + role }, show(n));
    const cell = (n, role, name, place, how) => {
      const i = cells.length;
      says.push(() => [name, make("sub", 0, place), " = ", how(), " = ", num(n, role)]);
      cells.push(button(show(n), null, { role: "radio", class: "tx-cell tx-" + role, value: n, "data-key": "c" + i,
        mouseenter: () => spell(i) }));
      return cells[i];
    };
    const spell = i => refs.spelled.replaceChildren(...says[i]().flat(9));
    // A row per token; above it in step 2 the query, over the keys that it meets; below it the sums.
    const body = rows.map(j => {
      const line = tr([tokens[j], make("small", 0, step > 4 && owner[j] !== j ? "v: " + tokens[owner[j]] : "")],
        table.map(([name, role, M, how]) => M[j].map((n, c) => td([name === "x" ? fields[j][c] : how ?
          cell(n, role, name, tokens[j] + (M[j][1] === undefined ? "" : ", " + (c + 1)), () => how(j, c)) : given(n, role),
        name === "a" ? make("i", { class: n < 0 ? "tx-minus" : "", style: "--w:" + Math.min(1, Math.abs(n)) }) : ""], c))));
      across ??= cells.length;
      return put(line, { class: j === query && "tx-mine" });
    });
    if (step === 2) body.unshift(tr(["q ", tokens[query]], r.q.map((n, c) => td(given(n, "q"), c)), td("")));
    if (table.some(group => group[4])) body.push(tr(last ? ["z ", tokens[query]] : "Σ", table.map(([name, role, M, , total]) =>
      M[0].map((_, c) => td(total ? cell(sum(col(M, c)), role, last ? "z" : "Σ", last ? `${tokens[query]}, ${c + 1}` : name,
        () => plus(col(M, c), n => num(n, role))) : "", c)))));
    fields.flat().forEach((field, i) => { field.value = x.flat()[i]; });
    refs.stage.replaceChildren(make("table", { mouseleave: () => spell(chosen) }, make("thead", 0, make("tr", 0, make("td"),
      table.map(([name, role, M]) => make("th", { scope: "col", colspan: M[0].length, class: "tx-" + role }, name,
        make("small", 0, words[name]))))), make("tbody", 0, body)));
    refocus();
    const mark = rove(cells, i => {
      mark(chosen = i);
      spell(i);
      view(query, step, i, broken, owner.join(""), x.join());
    }, across || 1);
    cells[Math.min(chosen, cells.length - 1)].click();
    [query, step - 1, broken].forEach((at, i) => marks[i](at));
    refs.heading.textContent = words["step" + step];
    refs.next.disabled = last;
    refs.swaps.hidden = step < 5;
    report(r);
  };

  // What this step shows or what the last change did, and what became of the guess.
  const report = ({ a, z, q, scores }) => {
    const flat = a.flat(), best = flat.indexOf(Math.max(...flat)), vector = numbers => `(${numbers.map(show).join(", ")})`;
    const moved = (one, other) => +one.some((n, i) => Math.abs(n - other[i]) > 1e-9);
    const list = M => rows.map(j => `${tokens[j]} ${show(M[j][0])}`).join(", ");
    const parts = before ? [words[expected], words[`changed${moved(before.a.flat(), flat)}${moved(before.z, z)}`]] :
      [words["say" + step], step === 4 && words[guess === best ? "guessed" : "missed"]];
    if (broken === 2 && step > 3) parts.push(words.unsoft);
    tell(fill(parts.filter(Boolean).join(" "), { token: tokens[query], best: tokens[best], guess: tokens[guess], q: vector(q), z: vector(z),
      old: before && vector(before.z), scores: list(scores), weights: list(a), sum: show(sum(flat)) }));
  };

  // After a change the sentence compares with what was before it.
  const act = (change, verdict) => {
    before = compute();
    expected = verdict;
    change();
    draw();
  };
  const go = to => {
    before = chosen = 0;
    if (to > 1 && guess === undefined)
      ask(refs.question, fill(words.guess, { token: tokens[query] }), tokens, i => { guess = i; go(to); refs.next.focus(); });
    else step = to;
    draw();
  };
  const reset = () => { x = data.x.map(row => [...row]); owner = [...rows]; broken = before = 0; };

  const marks = [choices(refs.query, i => { query = i; before = 0; draw(); }), choices(refs.step, i => go(i + 1)),
    choices(refs.leave, i => act(() => { broken = i; }))];
  refs.next.onclick = () => go(step + 1);
  refs.reset.onclick = () => { reset(); draw(); };
  refs.swaps.querySelectorAll("button").forEach(it => it.onclick = () => {
    const [i, j] = JSON.parse(it.value), change = verdict => act(() => { [owner[i], owner[j]] = [owner[j], owner[i]]; }, verdict);
    if (asked) return change();
    ask(refs.question, words.expect, data.answers, n => { asked = 1; change(n === 1 ? "right" : "wrong"); it.focus(); });
  });
  reset();
  draw();
});
