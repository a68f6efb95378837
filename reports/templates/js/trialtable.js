// The table of the trials: searched, sorted, leafed through, selected, handed out as CSV.
(() => {
  const table = document.getElementById("trials-table");
  if (!trials || !table) return;
  const PAGE = 50;
  const { selection } = perjoule;
  const looks = perjoule.read("looks");
  const by = (id) => document.getElementById(`trials-${id}`);
  const state = { query: "", sort: null, down: false, only: false, page: 0, whole: false };
  const found = { rows: [], all: [] }; // what the table shows, and what the search finds
  const counted = (count) => `${count.toLocaleString("en")} trial${count === 1 ? "" : "s"}`;
  const make = (tag, attributes = {}, ...inside) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...inside);
    return element;
  };
  const look = (strategy) => {
    const make = (tag, attributes) => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      return element;
    };
    const svg = make("svg", { class: "look", viewBox: "0 0 12 12", "aria-hidden": "true" });
    const { outline, colour } = looks[strategy] ?? {};
    if (outline) svg.append(make("path", { d: outline, fill: colour }));
    return svg;
  };
  const shown = () => {
    const all = [...trials.columns.values()];
    const first = trials.shown.map((name) => trials.columns.get(name));
    return state.whole ? [...first, ...all.filter((column) => !first.includes(column))] : first;
  };

  // The search: every word must be there, every condition must hold.
  const named = (name) => {
    const plain = (text) => text.toLowerCase().replaceAll(" ", "_");
    const all = [...trials.columns.values()];
    return trials.columns.get(name)
      ?? all.find((column) => plain(column.head) === plain(name) || plain(column.name) === plain(name));
  };
  const HOLDS = {
    "=": (a, b) => a === b, "!=": (a, b) => a !== b,
    "<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, ">=": (a, b) => a >= b,
  };
  const condition = (term) => {
    const [, name, sign, text] = /^([^<>=!]+)(<=|>=|!=|=|<|>)(.+)$/.exec(term) ?? [];
    const column = name && named(name);
    if (!column) return null;
    const holds = HOLDS[sign];
    if (column.number) {
      const wanted = text.endsWith("%") ? Number(text.slice(0, -1)) / 100 : Number(text);
      return (row) => column.at(row) !== null && holds(Number(column.at(row)), wanted);
    }
    const fits = column.words.map((word) => (
      [String(word), column.write(word)].some((each) => holds(each.toLowerCase(), text.toLowerCase()))
    ));
    return (row) => fits[column.given.codes ? column.cells[row] : 0] ?? false;
  };
  const inText = (term) => {
    const wanted = term.toLowerCase();
    const tests = [...trials.columns.values()].flatMap((column) => {
      if (column.number && column.form !== "whole") return [];
      if (!column.words) return [(row) => column.at(row) !== null && String(column.at(row)).includes(wanted)];
      const fits = column.words.map((word) => column.write(word).toLowerCase().includes(wanted));
      return fits.includes(true) ? [(row) => fits[column.given.codes ? column.cells[row] : 0]] : [];
    });
    return (row) => tests.some((test) => test(row));
  };
  const search = () => {
    const terms = (state.query.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []).map((each) => each.replaceAll('"', ""));
    const tests = terms.filter(Boolean).map((term) => condition(term) ?? inText(term));
    const rows = [];
    for (let row = 0; row < trials.count; row += 1) {
      if (tests.every((test) => test(row))) rows.push(row);
    }
    return rows;
  };
  const isSelected = (row) => selection.rows?.has(trials.placeOf(row)) ?? false;
  const inOrder = (rows) => {
    if (!state.sort) return rows;
    const keys = trials.columns.get(state.sort).keys;
    const way = state.down ? -1 : 1;
    return rows.sort((a, b) => {
      const [x, y] = [keys[a], keys[b]];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
      return way * (x - y) || a - b;
    });
  };
  const refresh = ({ searched = true } = {}) => {
    if (searched) found.all = inOrder(search());
    const chosen = selection.rows ? found.all.filter(isSelected) : [];
    found.rows = state.only
      ? chosen
      : chosen.length ? [...chosen, ...found.all.filter((row) => !isSelected(row))] : found.all;
    state.page = 0;
    draw();
  };

  // The table on the screen.
  const head = () => {
    const cells = shown().map((column) => {
      const button = make("button", { type: "button", class: "sort" }, column.head);
      button.addEventListener("click", () => {
        state.down = state.sort === column.name ? !state.down : column.number && column.form === "score";
        state.sort = column.name;
        for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
        button.closest("th").setAttribute("aria-sort", state.down ? "descending" : "ascending");
        refresh();
      });
      const cell = make("th", { scope: "col", ...(column.number ? {} : { class: "text" }) }, button);
      if (column.name === state.sort) cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      return cell;
    });
    table.tHead.replaceChildren(make("tr", {}, ...cells));
  };
  const rowElement = (row, columns, message) => {
    const box = make("input", { type: "checkbox" });
    box.checked = isSelected(row);
    const strategy = trials.columns.get("strategy").at(row);
    const name = make("label", {}, box, look(strategy), trials.strategy(row),
      make("span", { class: "unseen" }, `, ${trials.tell(row)[0]}`));
    const element = make("tr", {}, make("th", { scope: "row" }, name));
    element.classList.toggle("selected", box.checked);
    box.addEventListener("change", () => {
      const rows = new Set(selection.rows);
      if (box.checked) rows.add(trials.placeOf(row));
      else rows.delete(trials.placeOf(row));
      selection.set(rows.size ? rows : null, table);
      element.classList.toggle("selected", box.checked);
    });
    for (const column of columns.slice(1)) {
      const cell = make("td", column.number ? {} : { class: "text" }, column.text(row));
      if (column.name === "state" && message?.at(row)) {
        cell.append(make("small", {}, message.text(row)));
      }
      element.append(cell);
    }
    return element;
  };
  const draw = () => {
    const columns = shown();
    const message = state.whole ? null : trials.columns.get("message");
    const first = PAGE * state.page;
    const rows = found.rows.slice(first, first + PAGE);
    table.tBodies[0].replaceChildren(...rows.map((row) => rowElement(row, columns, message)));
    const many = found.rows.length;
    by("count").textContent = many > PAGE
      ? `${(first + 1).toLocaleString("en")} to ${(first + rows.length).toLocaleString("en")} of ${counted(many)}`
      : many ? counted(many) : state.only ? "No trial that is selected is found." : "No trial is found.";
    by("previous").hidden = by("next").hidden = many <= PAGE;
    by("previous").disabled = state.page === 0;
    by("next").disabled = first + PAGE >= many;
    tools();
  };
  const handedOut = () => (selection.rows ? found.all.filter(isSelected) : found.all);
  const tools = () => {
    const chosen = selection.rows ? "selected" : state.query ? "found" : "all";
    const count = handedOut().length.toLocaleString("en");
    by("download").textContent = `Download ${chosen === "all" ? `all ${count}` : `${count} ${chosen}`} as CSV`;
    by("clear").disabled = !selection.rows;
    by("select").disabled = !state.query || !found.all.length;
  };
  const leaf = (step) => {
    state.page += step;
    draw();
    table.closest(".scroll").scrollTop = 0;
  };

  // RFC 4180: cells as they are, quoted where they hold a separator, a quote or the end of a line.
  const download = () => {
    const columns = [...trials.columns.values()];
    const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = handedOut().map((row) => columns.map((column) => cell(column.exact(row))).join(","));
    const text = [columns.map((column) => cell(column.name)).join(","), ...lines, ""].join("\r\n");
    const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    const part = selection.rows ? "-selected" : state.query ? "-found" : "";
    make("a", { href: address, download: `${trials.file}${part}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  };

  const ask = (query) => {
    state.query = query.trim();
    for (const chip of document.querySelectorAll("#trials-tools [data-query]")) {
      chip.setAttribute("aria-pressed", String(chip.dataset.query === state.query));
    }
    refresh();
  };
  let waiting = 0;
  by("query").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => ask(by("query").value), 120);
  });
  for (const chip of document.querySelectorAll("#trials-tools [data-query]")) {
    chip.setAttribute("aria-pressed", "false");
    chip.addEventListener("click", () => {
      by("query").value = state.query === chip.dataset.query ? "" : chip.dataset.query;
      ask(by("query").value);
    });
  }
  for (const choice of document.querySelectorAll("[name=trials-which]")) {
    choice.addEventListener("change", () => {
      state.only = choice.value === "selected";
      refresh({ searched: false });
    });
  }
  by("columns").addEventListener("change", () => {
    state.whole = by("columns").checked;
    head();
    draw();
  });
  by("select").addEventListener("click", () => selection.set(new Set(found.all.map(trials.placeOf))));
  by("clear").addEventListener("click", () => selection.set(null));
  by("download").addEventListener("click", download);
  by("previous").addEventListener("click", () => leaf(-1));
  by("next").addEventListener("click", () => leaf(1));
  // Rows do not move under the hand that ticks them.
  selection.listen((rows, origin) => (origin === table ? tools() : refresh({ searched: false })));
  by("tools").hidden = false;
  head();
  refresh();
})();
