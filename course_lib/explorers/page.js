// What all explorers share. Python puts the helpers that an explorer uses and the explorer's own script into one function,
// with the constant ID, the id of the explorer's element, in front; it leaves out comment lines and blanks. For that, a
// comment has its own lines, a helper begins at the margin with `const`, each statement ends with a semicolon, no template
// stands within another, and a regular expression follows an opening bracket.

// Sets attributes: a function listens to the event of that name, null and false take an attribute away (not aria-…).
const put = (element, attributes) => {
  for (const [name, value] of Object.entries(attributes || {}))
    if (value?.call) element.addEventListener(name, value);
    else if (value == null || (value === false && name[4] !== "-")) element.removeAttribute(name);
    else element.setAttribute(name, value);
  return element;
};

// Makes an element of HTML or SVG; children are elements, texts, or lists of them.
const make = (tag, attributes, ...children) => {
  const space = (/^(svg|g|rect|line|path|circle|text|tspan)$/.test(tag)) ? "2000/svg" : "1999/xhtml";
  const element = document.createElementNS("http://www.w3.org/" + space, tag);
  element.append(...children.flat(9));
  return put(element, attributes);
};

// A text of the catalogue with its {fields} filled in.
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

// A number with a fixed count of decimals and a true minus sign; no −0.
const fixed = (number, digits) => number.toFixed(digits).replace(/^-(?=0\.?0*$)/, "").replace("-", "−");

// Native controls, each with its label; `act` is told the new value.
const button = (text, act, attributes) => make("button", { type: "button", click: act, ...attributes }, text);
const select = (label, options, act, attributes = {}) =>
  make("label", {}, label + " ", make("select", { change: e => act(e.target.selectedIndex), ...attributes },
    options.map(option => make("option", {}, option))));
const range = (label, attributes, act) =>
  make("label", {}, label + " ", make("input", { type: "range", ...attributes, input: e => act(+e.target.value) }));
const toggle = (label, act) =>
  make("label", {}, make("input", { type: "checkbox", change: e => act(e.target.checked) }), " " + label);

// Lets the learner choose one of the items, which have the role of radio buttons: by a click, or with one tab stop by the
// arrows, Home and End; a grid has `across` items in a row. Returns mark(i), to be called with the item that is chosen.
const rove = (items, choose, across = 1) => {
  items.forEach((item, i) => put(item, { click: () => choose(i), keydown: e => {
    const n = items.length;
    const to = ({ ArrowRight: i + 1, ArrowDown: i + across, ArrowLeft: i - 1, ArrowUp: i - across, Home: 0, End: -1 }[e.key] + n) % n;
    if (!items[to]) return;
    e.preventDefault();
    choose(to);
    items[to].focus();
  } }));
  return at => items.forEach((item, i) => put(item, { tabindex: i === at ? 0 : -1, "aria-checked": i === at }));
};

// The same for the buttons within an element that Python made with `radios`.
const choices = (group, choose) => rove([...group.querySelectorAll("button")], choose);

// Puts a question into a place; the learner's answer takes it away, and `act` is told which it was.
const ask = (place, question, options, act) => {
  const box = make("div", { class: "tx-ask" }, make("p", {}, question), make("div", { class: "tx-row" },
    options.map((option, i) => button(option, () => { act(i); box.remove(); }))));
  place.replaceChildren(box);
  box.querySelector("button").focus();
};

// Before a place is drawn anew: returns a function that gives the focus back, to the control with the same data-key.
const keepFocus = place => {
  const key = place.contains(document.activeElement) && document.activeElement.dataset.key;
  return () => key && place.querySelector(`[data-key="${key}"]`)?.focus();
};

// Brings every element with this id to life (a notebook can show an output twice). `build(page)` is given page.live, which
// holds the frame that Python made, and its elements with a data-ref as page.refs; it calls page.view(…) with its state and
// page.tell(sentence) with the result, which a screen reader announces. The sentence stands in the element of class
// tx-slot, if there is one, else at the end.
const explore = build => document.querySelectorAll(`[id="${ID}"]`).forEach(root => {
  if (root.dataset.on) return;
  const data = JSON.parse(root.querySelector("script").textContent), live = make("div"), refs = {};
  live.innerHTML = data.frame || "";
  live.querySelectorAll("[data-ref]").forEach(e => { refs[e.dataset.ref] = e; });
  const said = make("p", { class: "tx-said", "aria-live": "polite" });
  build({
    root, data, live, refs, words: data.words,
    view: (...parts) => { root.dataset.view = parts.join("."); },
    tell: text => { said.textContent = text; },
  });
  (live.querySelector(".tx-slot") || live).append(said);
  root.querySelector(".tx-static").replaceWith(live);
  // Letters typed here would be commands of the notebook: JupyterLab inserts a cell on "a".
  put(root, { "data-on": 1, keydown: e => {
    if (!(e.ctrlKey || e.metaKey || e.altKey || e.key === "Tab" || (e.shiftKey && e.key === "Enter"))) e.stopPropagation();
  } });
});
