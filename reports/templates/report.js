(() => {
  // The figures take their colours from the page, so they follow light and dark.
  const template = (figure) => {
    const page = getComputedStyle(document.documentElement);
    const colour = (name) => page.getPropertyValue(name).trim();
    const themed = structuredClone(figure.layout.template);
    themed.layout.font.color = colour("--ink");
    themed.layout.font.family = getComputedStyle(document.body).fontFamily;
    themed.layout.hoverlabel.bgcolor = colour("--surface");
    themed.layout.hoverlabel.bordercolor = colour("--line");
    themed.layout.hoverlabel.font.color = colour("--ink");
    return themed;
  };
  const drawn = [...document.querySelectorAll("[data-figure]")].map((element) => {
    const figure = JSON.parse(document.getElementById(element.dataset.figure).textContent);
    const layout = { ...figure.layout, template: template(figure) };
    // A finger on a figure scrolls the page; the buttons above it still zoom.
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
    Plotly.newPlot(element, figure.data, layout, figure.config);
    return { element, figure };
  });
  const redraw = (changes) => {
    for (const { element, figure } of drawn) Plotly.relayout(element, changes(figure));
  };
  const onScreen = (figure) => ({ template: template(figure), width: null, autosize: true });
  // Paper is narrow and light, whatever the screen is.
  const onPaper = (figure) => ({ template: figure.layout.template, width: 640 });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(onScreen));
  addEventListener("beforeprint", () => redraw(onPaper));
  addEventListener("afterprint", () => redraw(onScreen));
})();
