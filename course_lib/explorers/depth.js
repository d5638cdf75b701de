// The gradient's norm at every block of a stack, on a logarithmic axis; all numbers were computed before.
explore(({ data, words, refs, view, tell }) => {
  const { depths, low, high, names } = data, steps = high - low;
  const numbers = text => text.split(" ").map(Number);
  const profile = (r, n, i) => numbers(data.profiles[r][n][i]);
  const number = n => {
    const [mantissa, power] = n.toExponential(2).split("e");
    if (power > -3 && power < 4) return n.toFixed(Math.max(0, 2 - power));
    return mantissa + "\u00a0·\u00a010" + [...power.replace("+", "")].map(c => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("");
  };
  let at = data.start, residual = 1, norm = 1, chosen = 0, guess, answered, bars = [], mark;

  const spell = i => {
    refs.spelled.textContent = fill(words.spell, { block: i + 1, depth: depths[at], norm: number(profile(residual, norm, at)[i]) });
  };
  refs.bars.onmouseleave = () => spell(chosen);
  const update = () => {
    const shown = profile(residual, norm, at), depth = depths[at];
    if (bars.length !== depth) {
      bars = shown.map((_, i) => button("", null, { role: "radio", mouseenter: () => spell(i) }));
      mark = rove(bars, i => { chosen = i; update(); });
      refs.bars.replaceChildren(...bars);
      chosen = Math.min(chosen, depth - 1);
    }
    shown.forEach((n, i) => {
      const from = Math.min(0, Math.log10(n)), to = Math.max(0, Math.log10(n));
      put(bars[i], { style: `--b:${(from - low) / steps};--h:${(to - from) / steps}`, value: n,
        "aria-label": fill(words.bar, { block: i + 1, norm: number(n) }) });
    });
    depths.forEach((_, i) => {
      const one = profile(residual, norm, i), [first, last, ratio] = put(refs.rows.children[i], { class: i === at && "tx-now" }).querySelectorAll("td");
      first.textContent = number(one[0]);
      last.textContent = number(one[i ? depths[i] - 1 : 0]);
      ratio.textContent = number(numbers(data.ratios[residual][norm])[i]);
    });
    mark(chosen);
    markDepth(at);
    markNorm(norm);
    refs.residual.checked = residual;
    spell(chosen);
    refs.note.textContent = words["note" + residual + norm];
    const said = { setting: data.residuals[residual] + ", " + names[norm], depth, first: number(shown[0]), last: number(shown[depth - 1]),
      ratio: number(numbers(data.ratios[residual][norm])[at]), guess: data.answers[guess] };
    let text = words[at ? "state" : "single"];
    if (answered) text += " " + words[guess === data.right ? "guessed" : "missed"];
    answered = 0;
    tell(fill(text, said));
    view(depth, residual, norm, chosen);
  };
  const markDepth = choices(refs.depth, i => { at = i; update(); }), markNorm = choices(refs.norm, i => { norm = i; update(); });
  refs.residual.onchange = () => {
    if (guess === undefined) {
      ask(refs.question, fill(words.guess, { deep: data.deep, alone: number(profile(0, 0, 0)[0]) }), data.answers, i => {
        guess = i;
        answered = 1;
        // The stack that the question was about.
        residual = norm = 0;
        at = depths.length - 1;
        update();
        refs.depth.querySelector("[tabindex='0']").focus();
      });
    } else residual = 1 - residual;
    update();
  };
  update();
});
