// Sliders that move through a list of values and say where they stand.
const sliders = (() => {
  // `write` says a value in words; `changed` is called after each move.
  const bind = (root, name, values, write, changed) => {
    const input = root.querySelector(`[data-slider="${name}"]`);
    const output = root.querySelector(`output[for="${input.id}"]`);
    const tell = () => {
      const text = write(values[input.valueAsNumber]);
      output.textContent = text;
      input.setAttribute("aria-valuetext", text);
    };
    input.addEventListener("input", () => { tell(); changed(); });
    return {
      get value() { return values[input.valueAsNumber]; },
      reset() { input.value = input.defaultValue; tell(); },
    };
  };
  // Draw a figure of a section anew, once a frame, as soon as it is seen.
  const redrawing = (name, change) => {
    const element = document.getElementById(name);
    let waits = false;
    return () => {
      if (waits || !element) return;
      waits = true;
      perjoule.whenSeen(element, () => {
        waits = false;
        const figure = perjoule.drawn.get(element) ?? perjoule.parse(element.dataset.figure);
        figure.layout.uirevision = "kept"; // zoom, and which strategies are shown
        change(figure);
        perjoule.draw(element, figure);
      });
    };
  };
  // The row of each strategy in a table. An attribute cannot hold every name: it has its place.
  const rows = (root, names) => new Map(
    [...root.querySelectorAll("tr[data-strategy]")].map((row) => [names[row.dataset.strategy], row]),
  );
  const upright = (x) => ({
    type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1,
    line: { color: "#7A828E", width: 1.5, dash: "dot" },
  });
  // Write a number into a cell: as text for people, and as it is.
  const fill = (cell, text, value) => {
    cell.textContent = text;
    cell.dataset.value = value ?? "";
  };
  return { bind, redrawing, rows, upright, fill };
})();
