// What the checks ask of the page: defined as window.course in every page that the suite opens. Nothing here changes the
// notebook, but for the two marks that the walk with Tab puts beside an explorer and takes away again.
"use strict";
window.course = (() => {
  const panel = () => window.jupyterapp.shell.currentWidget;
  const kernel = () => panel().sessionContext.session?.kernel;
  const cells = () => panel().content.widgets;
  const codeCells = () => cells().filter(cell => cell.model.type === "code");
  const cellOf = node => cells().find(cell => cell.node.contains(node))?.model.id ?? "(no cell)";

  // ---------------------------------------------------------------------------------------------------- waiting

  // Whether a kernel answers; false when a restart swallows the question.
  const answers = async one => {
    let stop;
    const lost = new Promise(done => { stop = () => done(false); });
    const status = (_, now) => { if (/starting|dead/.test(now)) stop(); };
    const connection = (_, now) => { if (now !== "connected") stop(); };
    one.statusChanged.connect(status);
    one.connectionStatusChanged.connect(connection);
    try {
      return await Promise.race([one.requestKernelInfo().then(() => true, () => false), lost]);
    } finally {
      one.statusChanged.disconnect(status);
      one.connectionStatusChanged.disconnect(connection);
    }
  };
  // Resolves when the kernel has handled all that was sent to it before, and has nothing to do.
  const idle = async () => {
    for (;;) {
      const now = kernel();
      // The answer stands behind every earlier message in the kernel's queue, those of widgets included.
      if (now?.connectionStatus === "connected" && await answers(now) && now.status === "idle") return;
      await new Promise(later => setTimeout(later, 20));
    }
  };
  // Resolves when no element of the notebook has changed for `quiet` milliseconds.
  const still = quiet => new Promise(done => {
    let timer;
    const finish = () => { watch.disconnect(); done(); };
    const watch = new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(finish, quiet); });
    watch.observe(document.querySelector(".jp-Notebook"),
      { subtree: true, childList: true, attributes: true, characterData: true });
    timer = setTimeout(finish, quiet);
  });
  const within = (seconds, what, promise) => Promise.race([promise, new Promise((_, fail) =>
    setTimeout(() => fail(new Error(`${what}: not done after ${seconds} seconds`)), 1000 * seconds))]);
  const settle = async (quiet = 400, seconds = 60) => {
    if (panel().sessionContext.session) await within(seconds, "idle kernel", idle());
    await within(seconds, "unchanging page", still(quiet));
    if (panel().sessionContext.session) await within(seconds, "idle kernel", idle());
  };
  const restartAndRunAll = async seconds => {
    await within(seconds, "idle kernel", idle());
    await panel().sessionContext.restartKernel();
    const commands = window.jupyterapp.commands;
    await commands.execute("notebook:clear-all-cell-outputs");
    await within(seconds, "run all", commands.execute("notebook:run-all-cells"));
  };

  // Makes a cell the active one and puts it at the top of the window; false if there is none.
  const show = async id => {
    const notebook = panel().content, at = cells().findIndex(cell => cell.model.id === id);
    if (at < 0) return false;
    notebook.deselectAll();
    notebook.activeCellIndex = at;
    await notebook.scrollToItem(at, "start");  // JupyterLab may keep cells outside the window out of the page
    cells()[at].node.scrollIntoView({ block: "start" });
    return true;
  };

  // --------------------------------------------------------------------------------------------------- explorers

  const outputs = () => [...document.querySelectorAll(".jp-Notebook .jp-OutputArea-output")];
  const shown = node => node.getClientRects().length > 0 && node.checkVisibility({ visibilityProperty: true });
  const INTERACTIVE = "input:not([type=hidden]), select, textarea, button, summary, a[href], [tabindex], [contenteditable=true]";
  // Explorers that live in the page, and those that native widgets make; a widget that only shows something is none.
  const explorers = () => outputs().flatMap(output => {
    const roots = [...output.querySelectorAll(".tx-explorer")];
    if (roots.length) return roots;
    const widgets = [...output.querySelectorAll(".jupyter-widgets")];
    return widgets.filter(one => !one.parentElement.closest(".jupyter-widgets") && one.querySelector(INTERACTIVE));
  });
  const names = () => {
    const cellNames = explorers().map(cellOf);
    return cellNames.map((name, i) => {
      const before = cellNames.slice(0, i).filter(other => other === name).length;
      return before ? `${name} (${before + 1})` : name;
    });
  };
  const hash = text => [...text].reduce((sum, letter) => (31 * sum + letter.codePointAt(0)) % 2147483647, 7);
  // The state of an explorer as text. A widget's is its sentence and its picture.
  const view = root => root.matches(".tx-explorer") ? root.dataset.view ?? "" : [
    ...[...root.querySelectorAll("[role=status], [aria-live]")].map(node => node.textContent),
    ...[...root.querySelectorAll("img")].map(node => hash(node.src))].join("|");
  // What an operated control must change: the state or, where it asks a question first, what stands there to be read. (A
  // widget's readout follows its slider even if nobody listens.)
  const reaction = root => root.matches(".tx-explorer") ? view(root) + hash(root.innerText) : view(root);

  // Resolves when a key's effect can be seen: in the page soon, in a widget when its kernel has answered.
  const acted = root => root.matches(".tx-explorer") ? within(60, "unchanging page", still(50)) : settle(100);
  const says = root => [...root.querySelectorAll("[aria-live], [role=status]")].some(node => node.textContent.trim());

  const enabled = node => !node.matches(":disabled") && node.getAttribute("aria-disabled") !== "true";
  // Chromium says -1 for an editable element, and stops there all the same.
  const tabbable = node => node.tabIndex >= 0 || node.matches("[contenteditable=true]:not([tabindex])");
  // What Tab stops at: of a list with a roving tabindex and of radio buttons, one.
  const stops = root => [...root.querySelectorAll(INTERACTIVE)].filter(node => {
    if (!shown(node) || !enabled(node) || !tabbable(node)) return false;
    if (node.matches("input[type=radio]") && node.name) {
      const group = [...root.querySelectorAll("input[type=radio]")].filter(other => other.name === node.name);
      return node === (group.find(other => other.checked) ?? group[0]);
    }
    return true;
  });
  const kind = node => {
    const tag = node.localName, role = node.getAttribute("role");
    if (node.matches("a[href], summary, .widget-readout")) return "text";
    if (tag === "input") return ["range", "number", "checkbox", "radio"].includes(node.type) ? node.type
      : ["button", "submit", "reset"].includes(node.type) ? "button" : "words";
    if (tag === "textarea" || node.isContentEditable) return "words";
    // A member of a list with a roving tabindex answers to arrows, whatever element it is made of.
    if (/^(radio|option|tab|gridcell)$/.test(role) || (tag === "button" && node.hasAttribute("tabindex"))) return "list";
    if (tag === "select" || tag === "button") return tag;
    if (role === "slider" || role === "button") return role;
    // A region that scrolls is focusable so that the keyboard can scroll it; it controls nothing.
    return node.scrollWidth > node.clientWidth || node.scrollHeight > node.clientHeight ? "text" : "list";
  };
  // The words of a label, without what stands in the controls within it.
  const words = label => {
    const copy = label?.cloneNode(true);
    copy?.querySelectorAll("select, output, button, textarea").forEach(inner => inner.remove());
    return copy?.textContent;
  };
  const nameOf = node => {
    // A widget's label without its readout: the name of a control is the same in every state.
    const parent = node.closest(".widget-inline-hbox")?.querySelector(".widget-label") ?? node.closest("label");
    const by = (node.getAttribute("aria-labelledby") ?? "").split(" ").map(id => id && document.getElementById(id)?.textContent);
    // The members of a list share a name: which of them Tab stops at is part of the state.
    const group = kind(node) === "list" ? node.closest("[role=radiogroup], [role=listbox], [role=tablist], [role=grid], [role=group]") : null;
    const found = [group ? group.getAttribute("aria-label") : "", node.getAttribute("aria-label"), by.join(" "), words(node.labels?.[0]), words(parent),
      node.textContent, node.getAttribute("title")].map(text => text?.trim()).find(Boolean) ?? "";
    return found.replace(/\s+/g, " ").slice(0, 40);
  };
  // The key that must change something, as the control stands now.
  const key = node => {
    const [low, high] = [["ArrowRight"], ["ArrowLeft"]];
    switch (kind(node)) {
      case "range": return +node.value >= +(node.max || 100) ? high : low;
      case "slider": return +node.getAttribute("aria-valuenow") >= +node.getAttribute("aria-valuemax") ? high : low;
      case "number": return node.max !== "" && +node.value >= +node.max ? ["ArrowDown", "Enter"] : ["ArrowUp", "Enter"];
      case "select": return node.selectedIndex === node.options.length - 1 ? ["ArrowUp"] : ["ArrowDown"];
      case "checkbox": return [" "];
      case "radio": return ["ArrowDown"];
      case "button": return ["Enter"];
      case "words": return ["e", "Enter"];
      default: return ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "Enter", " "];
    }
  };
  // All that Tab stops at; what only scrolls, unfolds or leads elsewhere has no key that would change the explorer.
  const described = root => stops(root).map(node => ({ name: `${kind(node)} “${nameOf(node)}”`, keys: kind(node) === "text" ? [] : key(node), link: node.matches("a[href]") }));
  const focus = (root, i) => { const node = stops(root)[i]; node?.focus(); return Boolean(node) && node === document.activeElement; };

  // ---------------------------------------------------------------------------------------- keys of the notebook

  // The keys without Ctrl or Alt that are commands wherever the focus is in a notebook: of them, "a" inserts a cell.
  const commandKeys = () => [...new Set(window.jupyterapp.commands.keyBindings
    .filter(binding => /jp-mod-commandMode.* :focus$/.test(binding.selector))
    .filter(binding => binding.keys.every(one => /^(Shift )?(\w|Arrow\w+)$/.test(one)))
    .flatMap(binding => binding.keys)
    .map(one => one.replace("Shift ", "Shift+").replace(/^\w$/, letter => letter.toLowerCase())))]
    .sort((a, b) => a.length - b.length || a.localeCompare(b));  // "a" first: it does the least harm
  // Writes down what happens to the notebook while keys are pressed in an explorer, each with the key that did it. (Ids
  // that are the same in the end would not show a cell that came and went.)
  let events = [], pressed = "", guarded = null, listening = null;
  window.addEventListener("keydown", event => {
    pressed = (event.shiftKey ? "Shift+" : "") + event.key;
    if (!guarded || !events.length) return;
    // Enough is known, and the next key might cut a cell that is still to be looked at.
    event.stopImmediatePropagation();
    event.preventDefault();
  }, true);
  window.addEventListener("focusout", event => {
    if (guarded?.contains(event.target) && !guarded.contains(event.relatedTarget)) events.push([pressed, "takes the focus away"]);
  }, true);
  const watch = root => {
    events = [];
    guarded = root;
    const notebook = panel().content;
    if (notebook === listening) return;
    listening = notebook;
    const note = what => events.push([pressed, what]);
    notebook.model.cells.changed.connect(() => note("changes the cells of the notebook"));
    notebook.activeCellChanged.connect(() => note("selects another cell"));
    notebook.stateChanged.connect(() => { if (notebook.mode === "edit") note("starts to edit a cell"); });
    panel().sessionContext.statusChanged.connect((_, status) => { if (/restart|dead/.test(status)) note("restarts the kernel"); });
  };
  const watched = () => {
    if (!events.length && !guarded.contains(document.activeElement)) events.push([pressed, "takes the focus away"]);
    guarded = null;
    return events;
  };

  // ------------------------------------------------------------------------------------------------ walking by Tab

  const LOOK = ["outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderTopColor", "borderTopWidth", "borderBottomColor",
    "borderBottomWidth", "backgroundColor", "textDecorationLine", "stroke", "strokeWidth", "fill", "fillOpacity", "opacity", "transform"];
  const look = node => JSON.stringify([node.parentElement, node, ...[...node.querySelectorAll("*")].slice(0, 40)].map(one => {
    const style = getComputedStyle(one);
    return LOOK.map(property => property.startsWith("outline") && style.outlineStyle === "none" ? "" : style[property]);
  }));
  let walk = null;
  const startWalk = root => {
    const mark = id => Object.assign(document.createElement("button"), { textContent: id, id });
    walk = { root, marks: [mark("before-explorer"), mark("after-explorer")], seen: new Set(), unseen: [] };
    root.before(walk.marks[0]);
    root.after(walk.marks[1]);
    walk.marks[0].focus();
    walk.stops = stops(root);
    walk.looks = new Map(walk.stops.map(node => [node, look(node)]));
  };
  // Where the focus is now: "before", "after", "inside" or "lost".
  const step = () => {
    const node = document.activeElement;
    if (node === walk.marks[0]) return "before";
    if (node === walk.marks[1]) return "after";
    if (!walk.root.contains(node)) return "lost";
    if (walk.looks.get(node) === look(node)) walk.unseen.push(`${kind(node)} “${nameOf(node)}”`);
    walk.seen.add(node);
    return "inside";
  };
  const ROLES = "[role=button], [role=slider], [role=checkbox], [role=radio], [role=option], [role=tab], [role=switch], [role=menuitem]";
  // What a mouse can use and Tab cannot reach, neither itself nor as a member of a list with a stop. Whatever is hidden
  // from screen readers counts as a second way to do what others do: those others are checked.
  const mouseOnly = root => [...root.querySelectorAll("*")].filter(node => {
    if (!shown(node) || !enabled(node) || node.closest(":disabled, label, option, [aria-hidden=true]")) return false;
    const clickable = getComputedStyle(node).cursor === "pointer" || node.matches(`${ROLES}, [onclick], ${INTERACTIVE}`);
    if (!clickable || node.matches("[tabindex='-1']:not(:is(button, input, select, textarea, a, [role]))")) return false;
    if ([...node.querySelectorAll(INTERACTIVE)].some(tabbable)) return false;  // the track of a slider
    for (let one = node; one !== root; one = one.parentElement) {
      if (tabbable(one)) return false;
      const likeIt = one.hasAttribute("tabindex") || one.matches("[role]")
        ? [...root.querySelectorAll(one.matches("[role]") ? `[role="${one.getAttribute("role")}"]` : one.localName)] : [];
      if (likeIt.some(other => other.getAttribute("tabindex") === "0" && shown(other))) return false;
    }
    return true;
  }).filter((node, _, all) => !all.includes(node.parentElement));
  const endWalk = () => {
    walk.marks.forEach(one => one.remove());
    const { seen, stops: wanted, unseen, root } = walk;
    walk = null;
    return {
      missed: wanted.filter(node => !seen.has(node)).map(node => `${kind(node)} “${nameOf(node)}”`), unseen,
      mouse: mouseOnly(root).map(node => `<${node.localName}> “${nameOf(node)}”`),
    };
  };

  // ----------------------------------------------------------------------------------------------- what is seen

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = colour => {
    canvas.canvas.width = canvas.canvas.height = 1;
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const meet = (a, b) => {
    const [left, top] = [Math.max(a.left, b.left), Math.max(a.top, b.top)];
    return { left, top, right: Math.min(a.right, b.right), bottom: Math.min(a.bottom, b.bottom) };
  };
  // Every text of the explorer: its colour with all transparency, and where on the screen it stands.
  const texts = root => [root, ...root.querySelectorAll("*")].flatMap(node => {
    const field = node.matches("select, input:not([type=range], [type=checkbox], [type=radio]), textarea");
    const own = [...node.childNodes].filter(child => child.nodeType === Node.TEXT_NODE && child.textContent.trim());
    if (!(own.length || field) || !shown(node) || node.closest(":disabled, [aria-disabled=true], script, style, option")) return [];
    const style = getComputedStyle(node), drawn = node.namespaceURI.endsWith("svg");
    const colour = rgba(drawn ? style.fill : style.color);
    if (drawn) colour[3] *= +style.fillOpacity;
    let clip = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    for (let one = node; one !== document.body; one = one.parentElement) {
      const outer = getComputedStyle(one);
      colour[3] *= +outer.opacity;
      if (one !== node && outer.overflow !== "visible" && !one.matches("svg, svg *")) clip = meet(clip, one.getBoundingClientRect());
    }
    if (colour[3] < 0.02) return [];
    const boxes = field ? [node.getBoundingClientRect()] : own.flatMap(child => {
      const range = document.createRange();
      range.selectNodeContents(child);
      return [...range.getClientRects()];
    });
    const seen = boxes.map(box => meet(clip, box)).filter(box => box.right - box.left >= 1 && box.bottom - box.top >= 1);
    const text = (field ? node.value || node.selectedOptions?.[0]?.text : own.map(child => child.textContent).join(" ")) ?? "";
    return seen.length && text.trim() ? [{ text: text.trim().slice(0, 40), colour, boxes: seen }] : [];
  });
  // Takes the letters away and leaves everything else, so that a picture shows the ground behind them.
  const hideTexts = hidden => {
    document.getElementById("course-no-letters")?.remove();
    if (!hidden) return;
    const sheet = Object.assign(document.createElement("style"), { id: "course-no-letters" });
    sheet.textContent = `.jp-OutputArea-output * { -webkit-text-fill-color: transparent !important; text-shadow: none !important;
      transition: none !important; caret-color: transparent !important } .jp-OutputArea-output :is(text, tspan) { fill: transparent !important }`;
    document.head.append(sheet);
  };
  // Figures whose corners are not opaque white: on a dark page they would be unreadable or a patch.
  const figures = () => outputs().flatMap(output => [...output.querySelectorAll("img")]
    .filter(image => !image.closest(".tx-explorer") && shown(image)).map(image => {
      const [w, h] = [image.naturalWidth, image.naturalHeight];
      if (!w) return `${cellOf(image)}: the picture does not load`;
      Object.assign(canvas.canvas, { width: w, height: h });
      canvas.drawImage(image, 0, 0);
      const corners = [[0, 0], [w - 1, 0], [0, h - 1], [w - 1, h - 1]].map(([x, y]) => [...canvas.getImageData(x, y, 1, 1).data]);
      const wrong = corners.find(corner => corner.some(channel => channel < 250)), style = getComputedStyle(image);
      if (wrong) return `${cellOf(image)}: the figure's ground is not opaque white but rgba(${wrong.join(", ")})`;
      return style.filter === "none" && style.mixBlendMode === "normal" ? null : `${cellOf(image)}: a filter lies over the figure`;
    })).filter(Boolean);
  // Cells whose outputs show neither a picture nor a table; of an explorer that is the least an untrusted copy must show.
  const nothingToSee = ids => ids.filter(id => {
    const node = codeCells().find(cell => cell.model.id === id)?.outputArea.node;
    const pictures = [...(node?.querySelectorAll("img") ?? [])].some(image => shown(image) && image.naturalWidth > 20);
    const tables = [...(node?.querySelectorAll("table") ?? [])].some(table => shown(table) && table.rows.length > 1);
    return !pictures && !tables;
  });
  const bareObjects = () => outputs().filter(output => /<[\w. ]+ at 0x|^\s*(\w*Box|Tab|interactive|Output)\(/.test(output.innerText))
    .map(output => `${cellOf(output)}: ${output.innerText.trim().slice(0, 60)}`);
  // What reaches beyond the right edge of the window or, in what scrolls by itself, beyond its edge unreachably.
  const overflows = () => {
    const scrolls = node => /auto|scroll/.test(getComputedStyle(node).overflowX);
    const found = [];
    const page = document.scrollingElement;
    if (page.scrollWidth > innerWidth + 1) found.push(`the page is ${page.scrollWidth} px wide`);
    for (const output of outputs()) {
      // JupyterLab lets a whole output scroll. That is good enough for a table or a listing, not for pictures and explorers.
      if (output.getBoundingClientRect().right > innerWidth + 1) found.push(`${cellOf(output)}: the output leaves the screen`);
      const parts = [...output.querySelectorAll(".tx-explorer, .tx-explorer *, .jupyter-widgets, .jupyter-widgets *, img")];
      const wide = parts.find(node => {
        if (!shown(node)) return false;
        const box = node.getBoundingClientRect();
        if (box.width < 1 || box.height < 1 || box.right <= Math.min(innerWidth, output.getBoundingClientRect().right) + 1) return false;
        // A drawing shows what lies in its frame and no more: a map zoomed in has points outside it.
        if (node.ownerSVGElement && getComputedStyle(node.ownerSVGElement).overflowX !== "visible") return false;
        for (let one = node.parentElement; one !== output; one = one.parentElement) if (scrolls(one)) return false;
        return true;
      });
      if (wide) {
        const edge = Math.round(wide.getBoundingClientRect().right), limit = Math.round(output.getBoundingClientRect().right);
        found.push(`${cellOf(output)}: <${wide.localName}> reaches to ${edge} px, its output ends at ${limit}`);
      }
    }
    return found;
  };
  // Formulas that MathJax refused, and TeX that nobody typeset.
  const badMaths = () => {
    const refused = [...document.querySelectorAll("mjx-merror")];
    // A command that MathJax does not know it shows as it is written, in red.
    const unknown = [...document.querySelectorAll("mjx-assistive-mml mtext")].filter(node => /^\\/.test(node.textContent));
    const raw = [...document.querySelectorAll(".jp-Notebook .jp-RenderedMarkdown")].map(node => {
      const copy = node.cloneNode(true);
      copy.querySelectorAll("mjx-container, code, pre, script, style").forEach(one => one.remove());
      return [node, copy.textContent.match(/\$[^$\n]+\$|\\\(.*?\\\)|\\\[|\\begin\{/)?.[0]];
    });
    return [...refused.map(node => `${cellOf(node)}: MathJax: ${node.dataset.mjxError}`),
      ...unknown.map(node => `${cellOf(node)}: MathJax does not know ${node.textContent}`),
      ...raw.filter(([, tex]) => tex).map(([node, tex]) => `${cellOf(node)}: not typeset: ${tex.slice(0, 60)}`)];
  };
  const ran = () => codeCells().filter(cell => cell.model.sharedModel.getSource().trim()).map(cell => ({
    id: cell.model.id, count: cell.model.executionCount, tags: cell.model.getMetadata("tags") ?? [], outputs: cell.model.outputs.toJSON(),
  }));
  const untrusted = () => codeCells().filter(cell => cell.model.outputs.length).every(cell => !cell.model.trusted);

  return { panel, cells, settle, restartAndRunAll, show, explorers, names, view, reaction, acted, says, described, focus, commandKeys, watch, watched,
    startWalk, step, endWalk, texts, hideTexts, figures, nothingToSee, bareObjects, overflows, badMaths, ran,
    untrusted, cellOf };
})();
