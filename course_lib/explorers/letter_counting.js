// The ids of a word's tokens, and what they stand for once the learner has guessed. A case's tokens have ids[0], and ids[1]
// while the vocabulary is shuffled; the parts of a token are letters (kind 1, or 2 for the letter asked for) or bytes (0).
explore(({ data, words, refs, view, tell }) => {
  const { cases } = data, guesses = [], fields = [refs.letters, refs.times];
  let at = 0, stage = 0, shuffled = 0, chosen = 0, mark, now;

  const count = (token, least) => token.parts.filter(([, kind]) => kind >= least).length;
  const ids = which => now.tokens.map(token => token.ids[which]).join(", "), quoted = text => fill(words.quoted, { text });
  const look = () => view(at, stage, shuffled, chosen, ...fields.map(field => field.value), guesses[at] || "");

  // What is known of one token: a number at first, then the piece that it stands for, and the neighbours of the number.
  const spell = i => {
    const token = now.tokens[i], id = token.ids[shuffled];
    refs.spelled.textContent = fill(words[stage ? "stands" : "row"], { id, size: data.size, piece: quoted(token.text),
      near: token.near[shuffled].map(([number, text]) => number + " " + quoted(text)).join(", ") });
  };
  // The letters of all pieces as a sum; a letter that is cut in two belongs to none of them.
  const sum = n => {
    const terms = now.tokens.map(token => count(token, n + 1));
    if (now.cut[n]) terms.push(now.cut[n]);
    return terms.length > 1 ? terms.join(" + ") + " = " + now.counts[n] : terms[0];
  };

  const update = news => {
    now = cases[at];
    const guess = guesses[at], given = guess && { letters: guess[0], times: guess[1], letter: now.letter };
    const items = now.tokens.map((token, i) => button("", null, { role: "radio", mouseenter: () => spell(i) }));
    items.forEach((item, i) => {
      const token = now.tokens[i];
      item.append(make("b", {}, token.ids[shuffled] + ""));
      if (stage) item.append(make("span", { class: "tx-piece" }, token.text));
      if (stage > 1) item.append(make("span", { class: "tx-letters" }, token.parts.map(([text, kind]) => make("i", { class: "tx-kind" + kind }, text))),
        make("small", {}, fill(words.count, { letters: count(token, 1), letter: now.letter, times: count(token, 2) })));
    });
    mark = rove(items, i => { chosen = i; mark(i); spell(i); look(); });
    mark(chosen);
    refs.tokens.replaceChildren(...items);
    spell(chosen);
    markCase(at);
    markStage(stage);
    refs.shuffle.checked = shuffled;
    refs.form.hidden = guess;
    refs.given.hidden = !guess;
    refs.given.textContent = given ? fill(words[guess.length > 1 ? "given" : "gaveUp"], given) : "";
    refs.asked.textContent = fill(words.asked, now);
    put(refs.times, { "aria-label": fill(words.asked, now) });
    const said = [news ?? fill(words[guess ? "stage" + stage : "begin"], { ids: ids(shuffled), word: now.word, letter: now.letter,
      pieces: now.tokens.map(token => token.text).join(" · "), letters: sum(0), times: sum(1) })];
    if (stage > 1 && !news) said.push(now.cut[0] && fill(words.cut, { cut: now.cut[0] }),
      fill(words[guess.length < 2 ? "untold" : guess.every((n, m) => n === now.counts[m]) ? "hit" : "miss"], given), words.learnt);
    tell(said.filter(Boolean).join(" "));
    look();
  };

  const take = guess => {
    guesses[at] = guess;
    update();
    refs.stage.querySelector("[tabindex='0']").focus();
  };
  const answer = () => {
    const numbers = fields.map(field => +field.value), missing = fields.find((field, i) => !field.value || !(numbers[i] >= 0) || numbers[i] % 1);
    if (!missing) return take(numbers);
    tell(words.incomplete);
    missing.focus();
  };
  const markCase = choices(refs.cases, i => {
    at = i;
    stage = chosen = 0;
    fields.forEach(field => { field.value = ""; });
    update();
  });
  // Nothing is uncovered before the guess.
  const markStage = choices(refs.stage, i => {
    if (guesses[at] || !i) {
      stage = i;
      return update();
    }
    tell(words.first);
    // Later, since the key that has led here is about to move the focus.
    queueMicrotask(() => fields[0].focus());
  });
  refs.shuffle.onchange = () => {
    shuffled = +!shuffled;
    update(fill(words["shuffled" + shuffled], { old: ids(1 - shuffled), ids: ids(shuffled), size: data.size }));
  };
  refs.answer.onclick = answer;
  refs.untold.onclick = () => take(["?"]);
  refs.tokens.onmouseleave = () => spell(chosen);
  fields.forEach(field => put(field, { input: look, keydown: e => { if (e.key === "Enter" && !e.shiftKey) answer(); } }));
  update();
});
