// Another analysis beside that of the page: parsed as JSON, and shown as text.
(() => {
  const place = document.querySelector("[data-before]");
  if (!place) return;
  place.hidden = false;
  const own = perjoule.read("analysis");
  const output = place.querySelector("output");
  const found = place.querySelector(".found");
  const MOST_BYTES = 64e6;

  const element = (tag, text, attributes = {}) => {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const number = (value) => (format.known(value) ? value : null);
  const told = (value, otherwise = "unknown") => (
    ["string", "number"].includes(typeof value) ? format.value(value) : otherwise
  );

  // The analysis in a file, or an error with what is wrong in one line.
  const analysisOf = (text) => {
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      throw new Error("it is no JSON");
    }
    const analysis = isMap(data) && isMap(data.analysis) ? data.analysis : data;
    if (!isMap(analysis) || !Array.isArray(analysis.groups) || !("schema" in analysis)) {
      throw new Error("it is no analysis of perjoule: give what perjoule report --json wrote");
    }
    if (analysis.schema !== own.schema) {
      throw new Error(
        `its schema is ${told(analysis.schema)}, and that of this page is ${own.schema}: ` +
        "analyse both with one version of perjoule");
    }
    for (const group of analysis.groups) {
      if (!isMap(group) || !isMap(group.strategies) || !Object.values(group.strategies).every(isMap)) {
        throw new Error("it is damaged: a group has no strategies");
      }
    }
    const metric = analysis.metric;
    if (!isMap(metric) || metric.name !== own.metric.name || metric.direction !== own.metric.direction) {
      const name = isMap(metric) ? told(metric.name) : "unknown";
      throw new Error(`its metric is ${name}, and that of this page is ${own.metric.name}`);
    }
    return analysis;
  };

  // What is compared: how it is read off a strategy, written, and whether more of it is better.
  const better = own.metric.direction === "maximize" ? 1 : -1;
  const level = (strategy) => number(Object.entries(strategy.equal_energy ?? {}).at(-1)?.[1]?.median);
  const joules = (value) => format.energy(value);
  const scored = (value) => format.score(value, perjoule.read("metric"));
  const MEASURES = [
    { what: `${own.metric.name} at equal energy`, of: level, write: scored, better },
    { what: "expected joules to the target", of: (s) => number(s.energy_to_target?.ert_j), write: joules, better: -1 },
    { what: "anytime", of: (s) => number(s.anytime?.median), write: scored, better },
    { what: "joules of a run", of: (s) => number(s.energy_j?.median), write: joules, better: -1 },
  ];
  const change = (measure, here, there) => {
    if (here === null || there === null) return "not known";
    if (here === there) return "the same";
    const word = (here - there) * measure.better > 0 ? "better" : "worse";
    if (measure.write === joules) {
      return there > 0 ? `${format.digits(here / there)} times, ${word}` : word;
    }
    const size = Math.abs(here - there);
    const by = perjoule.read("metric").is_share ? `${format.digits(100 * size)} points` : format.digits(size);
    return `${word} by ${by}`;
  };

  const named = (group) => Object.entries(group.by ?? {}).map(([key, value]) => `${key} ${value ?? "unknown"}`).join(", ");
  const twin = (group, groups) =>
    own.groups.length === 1 && groups.length === 1 ? groups[0] : groups.find((other) => named(other) === named(group));

  const table = (group, other, caption) => {
    const made = element("table", "");
    made.append(element("caption", caption));
    const head = made.createTHead().insertRow();
    for (const text of ["strategy", "", "this page", "the file", "change"]) {
      head.append(element("th", text, { scope: "col" }));
    }
    const body = made.createTBody();
    const names = Object.keys(group.strategies).filter((name) => Object.hasOwn(other.strategies, name));
    for (const name of names) {
      for (const [place, measure] of MEASURES.entries()) {
        const row = body.insertRow();
        if (place === 0) row.append(element("th", format.line(name), { scope: "rowgroup", rowspan: MEASURES.length }));
        const [here, there] = [group, other].map((each) => measure.of(each.strategies[name]));
        row.append(element("td", measure.what, { class: "text" }));
        for (const text of [measure.write(here), measure.write(there), change(measure, here, there)]) {
          row.append(element("td", text));
        }
      }
    }
    return [names, made];
  };

  // What both can say in words: counts of what is better here, and what makes them hard to compare.
  const words = (group, other, names) => {
    const counts = MEASURES.slice(0, 3).map((measure) => {
      const pairs = names.map((name) => [group, other].map((each) => measure.of(each.strategies[name])));
      const both = pairs.filter(([here, there]) => here !== null && there !== null);
      const ahead = both.filter(([here, there]) => (here - there) * measure.better > 0).length;
      return `${measure.what}: better here for ${ahead} of ${both.length}`;
    });
    const doubts = [];
    const [target, its] = [group.target?.score, other.target?.score].map(number);
    if (target !== its) doubts.push(`the targets differ (${scored(target)} here, ${scored(its)} there)`);
    const [common, theirs] = [number(group.common_j), number(other.common_j)];
    if (common !== theirs) doubts.push(`the joules compared at differ (${joules(common)} here, ${joules(theirs)} there)`);
    const kinds = [group, other].map((each) => Object.keys(each.energy_kinds ?? {}).sort().join(", "));
    if (kinds[0] !== kinds[1]) doubts.push(`the joules are of other kinds (${kinds[0]} here, ${kinds[1]} there)`);
    const doubt = doubts.length ? ` Mind that ${doubts.join("; ")}.` : "";
    return `Of ${names.length} strategies that both have. ${counts.join("; ")}.${doubt} Whether a change is more than chance, no test says here.`;
  };

  const show = (analysis, name) => {
    found.replaceChildren();
    let compared = 0;
    for (const group of own.groups) {
      const other = twin(group, analysis.groups);
      if (!other) continue;
      const [names, made] = table(group, other, [named(group), told(analysis.table, "")].filter(Boolean).join(": "));
      if (!names.length) continue;
      compared += 1;
      const scroll = element("div", "", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Before and after" });
      scroll.append(made);
      found.append(element("p", words(group, other, names)), scroll);
    }
    output.textContent = compared
      ? `Compared with ${name}.`
      : `${name}: it has no strategy in common with this page, or other groups.`;
  };

  const take = async (file) => {
    if (!file) return;
    found.replaceChildren();
    try {
      if (file.size > MOST_BYTES) throw new Error("it is larger than any analysis");
      show(analysisOf(await file.text()), file.name);
    } catch (error) {
      found.replaceChildren();
      const why = error instanceof Error && error.constructor === Error ? error.message : "it is damaged";
      output.textContent = `${file.name}: ${why}.`;
    }
    place.scrollIntoView({ block: "nearest" });
  };
  place.querySelector("input").addEventListener("change", (event) => take(event.target.files[0]));
  const isFile = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    document.body.classList.remove("dropping");
    take(event.dataTransfer.files[0]);
  });
})();
