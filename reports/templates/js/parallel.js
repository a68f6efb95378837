// Parallel coordinates: a line for each trial, and a brush for each axis.
(() => {
  if (!trials) return;
  const { selection } = perjoule;
  const looks = perjoule.read("looks");
  const TOP = 58; // pixels above the axes, where their names stand
  const HEIGHT = 300;
  const UNKNOWN = -0.12; // where trials without a value stand, as a share of the axis
  const EDGE = 0.035; // how far a brush goes past the ends
  const LIFT = { linear: (v) => v, log: Math.log10, error: (v, axis) => Math.log10(Math.max(1 - v, axis.floor)) };
  const LOWER = { linear: (t) => t, log: (t) => 10 ** t, error: (t) => 1 - 10 ** t };
  const svg = (tag, attributes = {}, ...inside) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...inside);
    return element;
  };
  const y = (share) => TOP + (1 - share) * HEIGHT;
  const clamp = (share, low = 0, high = 1) => Math.min(Math.max(share, low), high);
  // Where a value stands: 0 at the bottom of the axis, 1 at its top.
  const place = (axis, value) => {
    if (value === null) return UNKNOWN;
    const at = axis.form === "points" ? axis.levels.indexOf(value) : LIFT[axis.form](Number(value), axis);
    return clamp((at - axis.low) / (axis.high - axis.low));
  };
  // What stands there, in words.
  const words = (axis, share) => {
    if (share < -EDGE) return axis.unknown;
    const at = axis.low + clamp(share) * (axis.high - axis.low);
    const column = trials.columns.get(axis.column);
    if (axis.form === "points") return column.write(axis.levels[Math.round(at)] ?? null);
    const value = LOWER[axis.form](at);
    return column.form === "whole" ? format.digits(value) : column.write(value);
  };
  const bottom = (axis) => (axis.unknown ? UNKNOWN : 0) - EDGE;
  const top = 1 + EDGE;
  // A long name in two lines.
  const heading = (name) => {
    const parts = name.split(/(?<=[_ ,])/);
    if (name.length < 10 || parts.length < 2) return [name];
    const cut = parts.findIndex((_, i) => parts.slice(0, i + 1).join("").length >= name.length / 2) + 1;
    return [parts.slice(0, cut).join(""), parts.slice(cut).join("")].filter(Boolean);
  };
  const short = (text) => (text.length > 14 ? `${text.slice(0, 13)}…` : text);

  const start = (root) => {
    const { axes, rows } = perjoule.parse(root.dataset.parallel);
    const box = root.querySelector(".lines");
    const told = root.querySelector("output");
    const reset = root.querySelector("[data-reset]");
    const score = axes.findIndex((axis) => axis.column === "score");
    const lines = rows.map((at) => ({ at, row: trials.rowOf(at) }))
      .filter(({ row }) => row !== undefined)
      .map(({ at, row }) => ({
        at, row, path: svg("path", { class: "line" }),
        shares: axes.map((axis) => place(axis, trials.columns.get(axis.column)?.at(row) ?? null)),
      }));
    // The best lie on top.
    if (score >= 0) lines.sort((a, b) => a.shares[score] - b.shares[score]);
    const brushes = axes.map(() => null);
    const height = TOP + HEIGHT * (1 - UNKNOWN) + 26;
    const canvas = svg("svg", { height });
    const many = svg("g");
    many.append(...lines.map((line) => line.path));
    canvas.append(many);
    box.append(canvas);

    const colour = (what) => {
      for (const { path, row, shares } of lines) {
        const share = Math.round(100 * clamp(shares[score] ?? 0));
        path.style.stroke = what === "strategy" || score < 0
          ? looks[trials.columns.get("strategy").at(row)]?.colour
          : `color-mix(in oklab, var(--ramp-high) ${share}%, var(--ramp-low))`;
      }
      for (const legend of root.querySelectorAll("[data-legend]")) {
        legend.hidden = legend.dataset.legend !== what;
      }
    };
    const within = ({ shares }) => brushes.every((brush, i) => (
      !brush || (brush[0] <= shares[i] && shares[i] <= brush[1])
    ));
    // Others' selections dim lines too.
    const dim = () => {
      const isBrushed = brushes.some(Boolean);
      let [count, bright] = [0, 0];
      for (const line of lines) {
        const isKept = within(line);
        count += isKept;
        const isBright = isKept && (selection.rows?.has(line.at) ?? true);
        bright += isBright;
        line.path.classList.toggle("dim", !isBright);
      }
      many.style.setProperty("--faint", Math.min(0.9, 6 / Math.sqrt(bright + 1)).toFixed(2));
      reset.disabled = !isBrushed;
      told.textContent = isBrushed ? `${count.toLocaleString("en")} of ${lines.length.toLocaleString("en")} trials lie within` : "";
    };
    const choose = () => {
      const isBrushed = brushes.some(Boolean);
      selection.set(isBrushed ? new Set(lines.filter(within).map((line) => line.at)) : null, root);
    };

    const drawAxis = (axis, i) => {
      const low = bottom(axis);
      const group = svg("g", { class: "axis" });
      group.append(svg("path", { d: `M0 ${y(1)}V${y(0)}` }));
      heading(axis.head).forEach((line, n, all) => {
        const name = svg("text", { y: TOP - 20 - 15 * (all.length - 1 - n), class: "head" }, short(format.line(line)));
        name.append(svg("title", {}, format.line(axis.head)));
        group.append(name);
      });
      for (const [share, text] of axis.ticks) {
        group.append(svg("path", { d: `M-4 ${y(share)}h8` }));
        const label = svg("text", { x: 8, y: y(share) + 4, class: "tick" }, short(format.line(text)));
        label.append(svg("title", {}, format.line(text)));
        group.append(label);
      }
      if (axis.unknown) {
        group.append(svg("path", { d: `M-4 ${y(UNKNOWN)}h8` }),
          svg("text", { x: 8, y: y(UNKNOWN) + 4, class: "tick" }, axis.unknown));
      }
      const range = svg("rect", { class: "range", x: -8, width: 16, y: 0, height: 0 });
      const hit = svg("rect", { class: "hit", x: -20, width: 40, y: y(top), height: y(low) - y(top) });
      const handle = (end) => svg("path", {
        class: "handle", tabindex: 0, role: "slider", "aria-orientation": "vertical",
        "aria-label": `${format.line(axis.head)}, ${end ? "highest" : "lowest"} that is kept`,
        "aria-valuemin": Math.round(100 * low), "aria-valuemax": Math.round(100 * top),
        d: end ? "M-8 0h16l-3-6h-10z" : "M-8 0h16l-3 6h-10z",
      });
      const handles = [handle(0), handle(1)];
      const show = () => {
        const [from, to] = brushes[i] ?? [low, top];
        range.setAttribute("y", y(to));
        range.setAttribute("height", brushes[i] ? y(from) - y(to) : 0);
        group.classList.toggle("brushed", Boolean(brushes[i]));
        [from, to].forEach((share, end) => {
          handles[end].setAttribute("transform", `translate(0 ${y(share)})`);
          handles[end].setAttribute("aria-valuenow", Math.round(100 * share));
          handles[end].setAttribute("aria-valuetext", words(axis, share));
        });
      };
      const set = (from, to) => {
        const [a, b] = [clamp(Math.min(from, to), low, top), clamp(Math.max(from, to), low, top)];
        brushes[i] = a <= low + 1e-9 && b >= top - 1e-9 ? null : [a, b];
        show();
        dim();
      };
      // A drag draws a brush, or moves the one it begins in; a click lets it go.
      let drag = null;
      const at = (event) => clamp(1 - (event.clientY - canvas.getBoundingClientRect().top - TOP) / HEIGHT, low, top);
      hit.addEventListener("pointerdown", (event) => {
        hit.setPointerCapture(event.pointerId);
        const share = at(event);
        const inside = brushes[i] && brushes[i][0] < share && share < brushes[i][1];
        drag = { share, from: event.clientY, moved: inside ? brushes[i] : null };
      });
      hit.addEventListener("pointermove", (event) => {
        if (!drag || Math.abs(event.clientY - drag.from) < 4) return;
        const step = at(event) - drag.share;
        if (drag.moved) set(drag.moved[0] + step, drag.moved[1] + step);
        else set(drag.share, at(event));
      });
      hit.addEventListener("pointerup", (event) => {
        if (drag && Math.abs(event.clientY - drag.from) < 4) set(low, top);
        drag = null;
        choose();
      });
      const step = axis.form === "points" ? 1 / Math.max(axis.high, 1) : 0.02;
      const STEPS = { ArrowUp: step, ArrowRight: step, ArrowDown: -step, ArrowLeft: -step, PageUp: 5 * step, PageDown: -5 * step, Home: -9, End: 9 };
      handles.forEach((each, end) => each.addEventListener("keydown", (event) => {
        const by = STEPS[event.key];
        if (by === undefined) return;
        event.preventDefault();
        const ends = [...(brushes[i] ?? [low, top])];
        ends[end] += by;
        // An end does not pass the other.
        ends[end] = end ? Math.max(ends[1], ends[0]) : Math.min(ends[0], ends[1]);
        set(...ends);
        choose();
      }));
      group.append(range, hit, ...handles);
      canvas.append(group);
      show();
      return { group, clear: () => set(low, top) };
    };
    const drawn = axes.map(drawAxis);
    const layOut = () => {
      const width = box.clientWidth;
      const gap = (width - 104) / (axes.length - 1);
      const x = (i) => 40 + i * gap;
      canvas.setAttribute("width", width);
      canvas.setAttribute("viewBox", `0 0 ${width} ${height}`); // paper is narrower
      drawn.forEach(({ group }, i) => group.setAttribute("transform", `translate(${x(i)} 0)`));
      for (const { path, shares } of lines) {
        path.setAttribute("d", `M${shares.map((share, i) => `${x(i).toFixed(1)} ${y(share).toFixed(1)}`).join("L")}`);
      }
    };
    const clear = () => {
      for (const axis of drawn) axis.clear();
    };
    reset.addEventListener("click", () => {
      clear();
      choose();
    });
    for (const choice of root.querySelectorAll("[type=radio]")) {
      choice.addEventListener("change", () => colour(choice.value));
    }
    many.addEventListener("click", (event) => {
      const line = lines.find(({ path }) => path === event.target);
      if (line) selection.set(new Set([line.at]));
    });
    selection.listen((chosen, origin) => {
      if (origin !== root && brushes.some(Boolean)) clear(); // the newest selection counts
      dim();
    });
    root.querySelector(".tools").hidden = false;
    colour("strategy");
    layOut();
    dim();
    new ResizeObserver(layOut).observe(box);
  };
  for (const root of document.querySelectorAll("[data-parallel]")) {
    perjoule.whenSeen(root, () => start(root));
  }
})();
