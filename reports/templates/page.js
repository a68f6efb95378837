(() => {
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
  const drawn = [];
  const draw = (element) => {
    const figure = JSON.parse(document.getElementById(element.dataset.figure).textContent);
    const layout = { ...figure.layout, template: template(figure) };
    // A finger on a figure scrolls the page; the buttons above it still zoom.
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
    Plotly.newPlot(element, figure.data, layout, figure.config);
    drawn.push({ element, figure });
  };
  // What is folded away is drawn once it is opened.
  for (const element of document.querySelectorAll("[data-figure]")) {
    const folded = element.closest("details:not([open])");
    if (folded) folded.addEventListener("toggle", () => draw(element), { once: true });
    else draw(element);
  }
  const redraw = (changes) => {
    for (const each of drawn) Plotly.relayout(each.element, changes(each));
  };
  const onScreen = ({ figure }) => (
    { template: template(figure), width: null, height: null, autosize: true }
  );
  // Paper is narrow and light, whatever the screen is, and its type is four fifths as large.
  const onPaper = ({ figure, element }) => (
    { template: figure.layout.template, width: 640, height: 0.8 * element.clientHeight }
  );
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(onScreen));
  addEventListener("beforeprint", () => redraw(onPaper));
  addEventListener("afterprint", () => redraw(onScreen));
})();
