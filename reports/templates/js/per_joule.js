// Score per joule above a floor: the slider for the floor.
(() => {
  const metric = perjoule.read("metric");
  const median = (values) => {
    const order = values.toSorted((a, b) => a - b);
    const half = (order.length - 1) / 2;
    return order.length ? (order[Math.floor(half)] + order[Math.ceil(half)]) / 2 : null;
  };
  const above = (own, floor) => {
    const runs = own.runs.filter(([score]) => score !== null && score >= floor);
    const first = own.scores.findIndex((score) => score >= floor);
    return {
      name: own.name,
      trial: first < 0 ? null : own.most[first],
      run: median(runs.map(([, perJoule]) => perJoule).filter((each) => each !== null)),
      above: runs.length,
      runs: own.runs.length,
    };
  };
  const start = (root) => {
    const data = perjoule.parse(root.dataset.floors);
    const redraw = sliders.redrawing(root.dataset.chart, (figure) => {
      figure.layout.shapes = [sliders.upright(data.places[data.floors.indexOf(floor.value)])];
    });
    const refresh = () => {
      for (const each of root.querySelectorAll("[data-at-floor]")) {
        each.textContent = format.score(floor.value, metric);
      }
      const rows = sliders.rows(root, data.strategies.map((own) => own.name));
      const found = data.strategies.map((own) => above(own, floor.value));
      for (const own of found.toSorted((a, b) => (b.trial ?? 0) - (a.trial ?? 0))) {
        const row = rows.get(own.name);
        const cell = (name) => row.querySelector(`[data-field="${name}"]`);
        sliders.fill(cell("trial"), format.perJoule(own.trial), own.trial);
        sliders.fill(cell("run"), format.perJoule(own.run), own.run);
        sliders.fill(cell("above"), `${own.above} of ${own.runs}`, own.above);
        row.parentElement.append(row);
      }
      redraw();
    };
    const write = (value) => format.score(value, metric);
    const floor = sliders.bind(root, "floor", data.floors, write, refresh);
    root.querySelector("[data-reset]").addEventListener("click", () => {
      floor.reset();
      refresh();
    });
  };
  for (const root of document.querySelectorAll("[data-floors]")) {
    perjoule.whenSeen(root, () => start(root));
  }
})();
