// Energy to target: the sliders for the target and the budget of a run.
(() => {
  const metric = perjoule.read("metric");
  const unpack = (data) => {
    const runs = new Map(data.strategies.map((name) => [name, []]));
    for (const [strategy, total, until, energies, scores] of data.runs) {
      const known = until ?? Infinity;
      runs.get(data.strategies[strategy]).push({ energies, scores, total, until: known });
    }
    return { ...data, runs, worst: data.worst ?? -Infinity };
  };
  const start = (root) => {
    const data = unpack(perjoule.parse(root.dataset.targets));
    const inUnits = (score) => (score === null ? null : data.sign * score);
    const score = (value) => format.score(inUnits(value), metric);
    let now = null;
    const field = (row, name) => row.querySelector(`[data-field="${name}"]`);

    const say = (place, [first, ...equals], text) => {
      field(place, "winner").textContent = format.line(first ?? "none");
      field(place, "what").textContent = first === undefined ? "" : text;
      field(place, "equals").textContent = equals.length ? format.line(`equal: ${equals.join(", ")}`) : "";
    };
    const sayWinners = () => {
      const of = (name) => now.strategies.find((own) => own.name === name);
      const cheapest = of(now.cheapest[0]);
      say(
        root.querySelector('[data-finding="cheapest"]'), now.cheapest,
        cheapest && `${format.energy(cheapest.joules)}, ${hitsOf(cheapest)} run${cheapest.spent.length === 1 ? "" : "s"}`,
      );
      const best = of(now.best[0]);
      say(root.querySelector('[data-finding="best"]'), now.best, best && score(best.level));
    };
    const hitsOf = (own) => `${own.hits ?? "n/a"} of ${own.spent.length}`;
    const fillTable = () => {
      const rows = sliders.rows(root, data.strategies);
      const order = now.strategies.toSorted((a, b) => (
        reaching.unknownLast(a.rank ?? Infinity, b.rank ?? Infinity)
        || reaching.unknownLast(a.joules, b.joules)
      ));
      for (const own of order) {
        const row = rows.get(own.name);
        sliders.fill(field(row, "rank"), own.rank ?? "n/a", own.rank);
        sliders.fill(field(row, "level"), score(own.level), inUnits(own.level));
        sliders.fill(field(row, "hits"), hitsOf(own), own.hits);
        const joules = own.joules === Infinity ? "not reached" : format.energy(own.joules);
        sliders.fill(field(row, "joules"), joules, own.joules);
        sliders.fill(field(row, "ratio"), format.times(own.ratio), own.ratio);
        row.parentElement.append(row);
      }
    };
    const line = (figure, draw) => {
      const stops = budget.value < data.common_j;
      figure.layout.shapes = stops ? [sliders.upright(budget.value)] : [];
      for (const trace of figure.data) {
        const own = now.strategies.find((each) => each.name === trace.meta?.strategy);
        if (own) [trace.x, trace.y] = draw(own, trace.meta.part, stops ? budget.value : data.end_j);
      }
      figure.layout.annotations[0].visible = !figure.data.some((trace) => trace.meta && trace.visible === true && trace.x.length);
    };
    const drawSurvival = (own, part) => {
      if (own.spent.some((each) => Number.isNaN(each.joules))) return [[], []];
      const { energies, shares, censored } = reaching.survival(own.spent);
      if (part === "line") return [[data.start_j, ...energies], [1, ...shares]];
      const ended = (_, i) => censored[i] > 0;
      return [energies.filter(ended), shares.filter(ended)];
    };
    const drawPairs = (own, part, end) => {
      if (own.stopped.some((run) => run.energies.includes(null))) return [[], []];
      const { energies, shares } = reaching.pairsReached(own.stopped, data.grid);
      return [[data.start_j, ...energies, end], [0, ...shares, shares.at(-1) ?? 0]];
    };
    const redraws = [
      sliders.redrawing(root.dataset.survival, (figure) => line(figure, drawSurvival)),
      sliders.redrawing(root.dataset.ecdf, (figure) => line(figure, drawPairs)),
    ];
    const refresh = () => {
      now = reaching.standings(data, target.value, budget.value);
      for (const each of root.querySelectorAll("[data-at-target]")) {
        each.textContent = score(target.value);
      }
      for (const each of root.querySelectorAll("[data-at-budget]")) {
        each.textContent = format.energy(budget.value);
      }
      sayWinners();
      fillTable();
      for (const redraw of redraws) redraw();
    };
    const target = sliders.bind(root, "target", data.targets, score, refresh);
    const budget = sliders.bind(root, "budget", data.budgets, format.energy, refresh);
    root.querySelector("[data-reset]").addEventListener("click", () => {
      target.reset();
      budget.reset();
      refresh();
    });
  };
  for (const root of document.querySelectorAll("[data-targets]")) {
    perjoule.whenSeen(root, () => start(root));
  }
})();
