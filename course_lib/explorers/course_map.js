// The map of the course, in the order of primer and lessons; data.said has a sentence for each. The links are those of the
// static table, moved to their places on the map: JupyterLab has made them open a tab, which it does to no later ones.
explore(({ root, data, live, refs, view, tell }) => {
  const places = live.querySelectorAll(".tx-part");
  const parts = [...root.querySelectorAll(".tx-static a")].map((link, i) => {
    for (const { name, value } of places[i].attributes) link.setAttribute(name, value);
    link.replaceChildren(...places[i].childNodes);
    places[i].replaceWith(link);
    return link;
  });
  let at;
  const show = i => {
    parts.forEach((part, j) => part.classList.toggle("tx-now", i === j));
    tell(data.said[i]);
  };
  const go = i => {
    at = (i + parts.length) % parts.length;
    show(at);
    view(at);
  };
  parts.forEach((part, i) => put(part, { focus: () => go(i), mouseenter: () => show(i), mouseleave: () => show(at) }));
  refs.back.onclick = () => go(at - 1);
  refs.next.onclick = () => go(at + 1);
  go(data.here);
});
