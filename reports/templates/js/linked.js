// Figures whose points are trials: each point tells of its trial, and all share one selection.
(() => {
  if (!trials) return;
  const { selection } = perjoule;
  const escape = (text) => text.replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);
  const label = (place) => {
    const row = trials.rowOf(place);
    if (row === undefined) return "";
    const [first, ...rest] = trials.tell(row).map(escape);
    return [`<b>${escape(trials.strategy(row))}</b> ${first}`, ...rest].join("<br>");
  };
  const isLinked = (trace) => trace.customdata?.length > 0 && Number.isInteger(trace.customdata[0]);
  const pointsOf = ({ customdata }, rows) => (
    Array.from(customdata.keys()).filter((point) => rows.has(customdata[point]))
  );

  perjoule.prepare((figure) => {
    for (const trace of figure.data) {
      trace.customdata = trials.decode(trace.customdata);
      if (isLinked(trace)) {
        trace.unselected ??= { marker: { opacity: 0.07 } };
        trace.selected ??= { marker: { opacity: 0.95 } };
        if (trace.hoverinfo === "text") trace.hovertext ??= Array.from(trace.customdata, label);
        if (selection.rows) trace.selectedpoints = pointsOf(trace, selection.rows);
      }
    }
  });

  const linked = new Set(); // the elements of such figures
  let changing = 0; // figures that are being changed here, of which Plotly tells as of a reader's doing
  const show = (element, rows, layout) => {
    const { data } = perjoule.drawn.get(element);
    const numbers = [...data.keys()].filter((number) => isLinked(data[number]));
    const points = numbers.map((number) => rows && pointsOf(data[number], rows));
    changing += 1;
    Plotly.update(element, { selectedpoints: points }, layout, numbers).finally(() => { changing -= 1; });
  };
  selection.listen((rows, origin) => {
    for (const element of linked) {
      // The box of another selection goes, that of this one stays.
      show(element, rows, origin === element && rows ? {} : { selections: [] });
    }
  });
  perjoule.whenDrawn((element) => {
    if (!perjoule.drawn.get(element).data.some(isLinked)) return;
    linked.add(element);
    const places = (event) => event.points.map((point) => point.customdata)
      .filter((place) => Number.isInteger(place));
    element.on("plotly_selected", (event) => {
      if (event && !changing) selection.set(event.points.length ? new Set(places(event)) : null, element);
    });
    element.on("plotly_deselect", () => {
      if (!changing) selection.set(null, element);
    });
    // A click selects a trial, with Shift one more.
    element.on("plotly_click", (event) => {
      const [place] = places(event);
      if (place === undefined) return;
      const rows = selection.rows ?? new Set();
      if (event.event.shiftKey) {
        const more = new Set(rows);
        if (!more.delete(place)) more.add(place);
        selection.set(more.size ? more : null);
      } else {
        selection.set(rows.size === 1 && rows.has(place) ? null : new Set([place]));
      }
    });
  });

  // What is selected is told at the foot of the window.
  const bar = document.getElementById("selected-bar");
  if (!bar) return;
  const told = bar.querySelector("output");
  selection.listen((rows) => {
    bar.hidden = !rows;
    const [place] = rows ?? [];
    const row = rows?.size === 1 ? trials.rowOf(place) : undefined;
    const count = rows ? `${rows.size.toLocaleString("en")} trial${rows.size === 1 ? "" : "s"} selected` : "";
    told.textContent = row === undefined
      ? count
      : `${trials.strategy(row)} ${trials.tell(row).slice(0, 2).join("; ")}`;
  });
  bar.querySelector("[data-clear]").addEventListener("click", () => selection.set(null));
  addEventListener("keydown", (event) => {
    const searching = event.target instanceof HTMLInputElement && event.target.type === "search";
    if (event.key === "Escape" && selection.rows && !searching) selection.set(null);
  });
})();
