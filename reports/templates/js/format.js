// Numbers as people read them: the same text as the program writes.
const format = (() => {
  const UNITS = [[1e9, "GJ"], [1e6, "MJ"], [1e3, "kJ"], [1, "J"], [1e-3, "mJ"], [1e-6, "µJ"]];
  const known = (value) => value !== null && value !== undefined && Number.isFinite(value);
  // Three significant digits, as C's %g writes them.
  const digits = (value, n = 3) => {
    if (value === 0) return "0";
    const [mantissa, exponent] = value.toExponential(n - 1).split("e");
    const power = Number(exponent);
    if (power < -4 || power >= n) {
      const sign = power < 0 ? "-" : "+";
      return `${Number(mantissa)}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
    }
    return String(Number(value.toPrecision(n)));
  };
  const energy = (joules) => {
    if (!known(joules)) return "n/a";
    if (joules === 0) return "0 J";
    if (Math.abs(joules) < 1e-8 || Math.abs(joules) >= 1e15) return `${digits(joules)} J`;
    const rounded = Number(joules.toExponential(2)); // first, so that 999.9 J becomes 1.00 kJ
    const [factor, unit] = UNITS.find(([size]) => Math.abs(rounded) >= size) ?? UNITS.at(-1);
    const amount = rounded / factor;
    const decimals = Math.max(2 - Math.floor(Math.log10(Math.abs(amount)) + 1e-9), 0);
    return `${amount.toFixed(decimals)} ${unit}`;
  };
  const percent = (share, decimals = 1) => {
    if (!known(share)) return "n/a";
    const text = (100 * share).toFixed(decimals);
    return share > 0 && Number(text) === 0 ? `<${(10 ** -decimals).toFixed(decimals)} %` : `${text} %`;
  };
  // A score of the page's metric: a share in percent, any other with four digits.
  const score = (value, metric) => {
    if (metric.is_share) return percent(value);
    if (!known(value)) return "n/a";
    if (value === 0) return "0";
    const rounded = Number(value.toExponential(3)); // first, so that 9.99996 becomes 10.00
    const size = Math.floor(Math.log10(Math.abs(rounded)));
    if (size < -4 || size >= 9) {
      const [mantissa, exponent] = value.toExponential(3).split("e");
      const sign = exponent.startsWith("-") ? "-" : "+";
      return `${mantissa}e${sign}${exponent.slice(1).padStart(2, "0")}`;
    }
    const decimals = Math.max(3 - size, 0);
    const shown = size < 4 ? rounded : value;
    return shown.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  };
  const perJoule = (value) => {
    if (!known(value)) return "n/a";
    const units = [[1, "J"], [1e3, "kJ"], [1e6, "MJ"]];
    const [factor, unit] = units.find(([size]) => value * size >= 0.1) ?? [1e9, "GJ"];
    return `${digits(value * factor)} per ${unit}`;
  };
  const times = (ratio) => {
    if (!known(ratio)) return "n/a";
    const decimals = ratio < 10 ? 2 : ratio < 100 ? 1 : 0;
    return ratio.toLocaleString(
      "en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals },
    );
  };
  const duration = (seconds) => {
    if (!known(seconds)) return "n/a";
    const size = Math.abs(seconds);
    if (size === 0) return "0 s";
    if (size < 1e-3) return `${digits(1e6 * seconds)} µs`;
    if (size < 1) return `${digits(1e3 * seconds)} ms`;
    if (size < 120) return `${seconds.toFixed(1)} s`;
    return size < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
  };
  // Strangers' text on one line, every character for itself.
  const line = (text) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (each) => {
    const escapes = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
    const code = each.codePointAt(0).toString(16);
    if (escapes[each]) return escapes[each];
    if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
    return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
  });
  // A hyperparameter or a setting.
  const value = (given) => {
    if (given === null || given === undefined || Number.isNaN(given)) return "n/a";
    if (typeof given === "boolean") return given ? "yes" : "no";
    if (typeof given === "string") return line(given);
    return Number.isInteger(given) && Math.abs(given) < 1e6 ? String(given) : digits(given);
  };
  return { known, digits, energy, percent, score, perJoule, times, duration, line, value };
})();
