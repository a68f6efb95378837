// What runs reach by so many joules: the formulas of the analysis. Scores are oriented: greater is
// better. Of a run, `energies` and `scores` are its improvements (null: after unknown joules),
// `total` its joules (null: unknown), and `until` the joules up to which they are known.
const reaching = (() => {
  const SAME = 1e-9; // joules closer than this share are the same
  const stoppedAt = (run, limit) => {
    if (run.until < limit) return run; // its joules become unknown before
    const end = run.energies.findIndex((each) => each === null || each > limit);
    const steps = end < 0 ? run.energies.length : end;
    return {
      energies: run.energies.slice(0, steps),
      scores: run.scores.slice(0, steps),
      total: Math.min(run.total ?? limit, limit),
      until: Infinity,
    };
  };
  // The best score within so many joules; NaN where that is not known.
  const levelAt = (run, joules) => {
    if (run.until < joules) return NaN;
    let level = -Infinity;
    for (const [i, each] of run.energies.entries()) {
      if (each !== null && each <= joules) level = run.scores[i];
    }
    return level;
  };
  // The joules until the target, or in all without it; NaN if unknown.
  const spentUntil = (run, target) => {
    const first = run.scores.findIndex((each) => each >= target);
    const hit = first >= 0;
    return { hit, joules: (hit ? run.energies[first] : run.total) ?? NaN };
  };
  const sum = (values) => values.reduce((all, each) => all + each, 0);
  const expected = (spent) => {
    const hits = spent.filter((each) => each.hit).length;
    return hits ? sum(spent.map((each) => each.joules)) / hits : Infinity;
  };
  const median = (values) => {
    const known = values.filter((each) => !Number.isNaN(each)).sort((a, b) => a - b);
    if (!known.length) return NaN;
    const half = (known.length - 1) / 2;
    return (known[Math.floor(half)] + known[Math.ceil(half)]) / 2;
  };
  // Kaplan and Meier's estimate: where a run hit or ended, the share that has not hit from there
  // on, and how many ended there without it.
  const survival = (spent) => {
    const order = spent.toSorted((a, b) => a.joules - b.joules);
    const curve = { energies: [], shares: [], censored: [] };
    let share = 1;
    for (let i = 0; i < order.length;) {
      const joules = order[i].joules;
      const here = order.slice(i).findIndex((each) => each.joules !== joules);
      const ended = here < 0 ? order.length - i : here;
      const hits = order.slice(i, i + ended).filter((each) => each.hit).length;
      share *= 1 - hits / (order.length - i);
      curve.energies.push(joules);
      curve.shares.push(share);
      curve.censored.push(ended - hits);
      i += ended;
    }
    return curve;
  };
  // The share of all pairs of a run and a target of a grid that are reached by so many joules.
  const pairsReached = (runs, grid) => {
    const events = [];
    for (const run of runs) {
      let before = 0;
      for (const [i, score] of run.scores.entries()) {
        let reached = before;
        while (reached < grid.length && grid[reached] <= score) reached += 1;
        if (reached > before) events.push([run.energies[i], reached - before]);
        before = reached;
      }
    }
    events.sort((a, b) => a[0] - b[0]);
    const curve = { energies: [], shares: [] };
    let pairs = 0;
    for (const [i, [joules, more]] of events.entries()) {
      pairs += more;
      if (i + 1 < events.length && events[i + 1][0] === joules) continue;
      curve.energies.push(joules);
      curve.shares.push(pairs / (runs.length * grid.length));
    }
    return curve;
  };
  const unknownLast = (a, b) => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return a === b ? 0 : a - b; // two infinities are equal
  };
  // Who is best: the first of those in order, unless there are not two to compare.
  const crown = (order, equal, unplaced) => {
    const comparable = order.length - unplaced > 1;
    return equal.length && comparable ? equal.map((own) => own.name) : [];
  };
  // By score: medians that are equal are told apart by the fewest expected joules to them.
  const best = (strategies, worst, tie) => {
    const order = strategies.toSorted((a, b) => (a.middle === b.middle ? 0 : b.middle - a.middle));
    const top = order[0].middle;
    let equal = order.filter((own) => own.middle > worst && top - own.middle <= tie);
    if (equal.length > 1) {
      const score = Math.min(...equal.map((own) => own.middle)) - tie;
      const until = new Map(equal.map((own) => (
        [own, expected(own.stopped.map((run) => spentUntil(run, score)))]
      )));
      equal = equal.toSorted((a, b) => unknownLast(until.get(a), until.get(b)));
    }
    const unplaced = strategies.filter((own) => own.levels.every(Number.isNaN)).length;
    return crown(order, equal, unplaced);
  };
  // By expected joules: equal ones are told apart by the fewest joules in all.
  const cheapest = (strategies) => {
    const order = strategies.toSorted((a, b) => unknownLast(a.joules, b.joules));
    const least = order[0].joules;
    const equal = order.filter((own) => least < Infinity && own.joules - least <= SAME * least);
    equal.sort((a, b) => unknownLast(a.total, b.total));
    const unplaced = strategies.filter(
      (own) => own.spent.every((each) => Number.isNaN(each.joules)),
    ).length;
    return crown(order, equal, unplaced);
  };
  // Where the strategies stand with a target and a budget; below the common energy every run stops
  // at the budget.
  const standings = ({ runs, worst, tie, common_j }, target, budget) => {
    const stops = budget < common_j;
    const strategies = [...runs].map(([name, own]) => {
      const stopped = stops ? own.map((run) => stoppedAt(run, budget)) : own;
      const levels = stopped.map((run) => levelAt(run, budget));
      const spent = stopped.map((run) => spentUntil(run, target));
      const middle = median(levels.map((level) => Math.max(level, worst)));
      const unsure = stops && spent.some((each) => each.hit && Number.isNaN(each.joules));
      return {
        name, stopped, levels, spent,
        middle: Number.isNaN(middle) ? -Infinity : middle,
        level: levels.some(Number.isFinite) && Number.isFinite(middle) ? middle : null,
        joules: expected(spent),
        hits: unsure ? null : spent.filter((each) => each.hit).length,
        total: sum(stopped.map((run) => run.total ?? NaN)),
      };
    });
    const known = strategies.map((own) => own.joules).filter((each) => !Number.isNaN(each));
    const fewest = known.length ? Math.min(...known) : NaN;
    for (const own of strategies) {
      own.ratio = fewest > 0 && fewest < Infinity ? own.joules / fewest : NaN;
      const ahead = strategies.filter(
        (other) => other.level !== null && other.level - own.level > tie,
      );
      own.rank = own.level === null ? null : 1 + ahead.length;
    }
    return { strategies, best: best(strategies, worst, tie), cheapest: cheapest(strategies) };
  };
  return { standings, survival, pairsReached, unknownLast };
})();
