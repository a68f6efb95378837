// What all scripts of the page share: its data, figures that follow light and dark, the selection.
const perjoule = (() => {
  const parse = (id) => {
    const element = document.getElementById(id);
    return element && JSON.parse(element.textContent);
  };
  const read = (name) => parse(`page-${name}`);

  // The figures take their colours from the page, so they follow light and dark.
  const template = (figure) => {
    const page = getComputedStyle(document.documentElement);
    const colour = (name) => page.getPropertyValue(name).trim();
    const themed = structuredClone(figure.layout.template);
    themed.layout.font.color = colour("--ink");
    themed.layout.font.family = getComputedStyle(document.body).fontFamily;
    themed.layout.annotationdefaults.bgcolor = `${colour("--surface")}cc`; // a little transparent
    themed.layout.hoverlabel.bgcolor = colour("--surface");
    themed.layout.hoverlabel.bordercolor = colour("--line");
    themed.layout.hoverlabel.font.color = colour("--ink");
    return themed;
  };
  // On a narrow page the title of an axis goes on in the next line with its unit.
  const narrow = matchMedia("(max-width: 40rem)");
  const fitTitles = (layout) => {
    const [from, to] = narrow.matches ? [/ (?=\((?:1\/)?J\b)/, "<br>"] : [/<br>(?=\((?:1\/)?J\b)/, " "];
    for (const [name, axis] of Object.entries(layout)) {
      const title = /^[xy]axis/.test(name) ? axis.title : null;
      if (title?.text) title.text = title.text.replace(from, to);
    }
  };
  const drawn = new Map(); // the figure of each element
  const whenDrawn = [];
  const preparing = []; // what changes figures before they are drawn
  // Draw a figure in an element, or draw it anew with other data.
  const draw = (element, figure = drawn.get(element) ?? parse(element.dataset.figure)) => {
    const first = !drawn.has(element);
    drawn.set(element, figure);
    for (const prepare of preparing) prepare(figure);
    fitTitles(figure.layout);
    const layout = { ...figure.layout, template: template(figure) };
    // A finger on a figure scrolls the page; the buttons above it still zoom.
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
    Plotly.react(element, figure.data, layout, figure.config);
    if (first) for (const tell of whenDrawn) tell(element);
  };
  // Run something once an element is on the screen or a screen away, or has the focus.
  const waiting = new Map(); // what runs then, by element
  const come = (element) => {
    near.unobserve(element);
    const runs = waiting.get(element) ?? [];
    waiting.delete(element);
    for (const run of runs) run();
  };
  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) setTimeout(come, 0, target); // a task each, so that the page answers between
    }
  }, { rootMargin: "100% 0px" });
  const whenSeen = (element, run) => {
    if (waiting.has(element)) waiting.get(element).push(run);
    else waiting.set(element, [run]);
    near.observe(element);
    element.addEventListener("focusin", () => come(element), { once: true });
  };
  // Draw all at once that is not folded away: paper has no screen.
  const drawAll = () => {
    for (const element of [...waiting.keys()]) {
      if (!element.closest("details:not([open]), [hidden]")) come(element);
    }
  };
  const redraw = (changes) => {
    for (const [element, figure] of drawn) Plotly.relayout(element, changes(figure, element));
  };
  const onScreen = (figure) => (
    { template: template(figure), width: null, height: null, autosize: true }
  );
  // Paper is narrow and light, whatever the screen is, and its type is three quarters as large.
  // Figures whose height follows from their rows keep it; others are flatter.
  const onPaper = (figure, element) => ({
    template: figure.layout.template,
    width: 640,
    height: (element.style.height ? 0.75 : 0.62) * element.clientHeight,
  });

  // The trials that are selected, by their places in the table: null where nobody selected, empty
  // where none is as was asked for.
  const selection = (() => {
    let rows = null;
    const listeners = [];
    return {
      get rows() { return rows; },
      // `origin` is who selected, so that a listener may know its own.
      set(chosen, origin = null) {
        rows = chosen;
        for (const listen of listeners) listen(rows, origin);
      },
      listen(tell) { listeners.push(tell); },
    };
  })();

  const start = () => {
    for (const choice of document.querySelectorAll("[data-switch]")) {
      choice.addEventListener("change", () => {
        for (const option of choice.querySelectorAll("input")) {
          document.getElementById(option.value).hidden = !option.checked;
        }
      });
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(onScreen));
    narrow.addEventListener("change", () => {
      for (const element of drawn.keys()) draw(element);
    });
    addEventListener("beforeprint", () => {
      drawAll();
      redraw(onPaper);
    });
    addEventListener("afterprint", () => redraw(onScreen));
    for (const element of document.querySelectorAll("[data-figure]")) {
      whenSeen(element, () => draw(element));
    }
  };
  // After all scripts have said what they want to be told.
  addEventListener("DOMContentLoaded", start);
  return {
    parse, read, draw, drawn, drawAll, whenSeen, selection,
    whenDrawn: (tell) => whenDrawn.push(tell),
    prepare: (change) => preparing.push(change),
  };
})();
