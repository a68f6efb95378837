// The trials of the page, column by column: reports/store.py tells the layout. Null without any.
const trials = (() => {
  const data = perjoule.read("trials");
  if (!data) return null;
  const metric = perjoule.read("metric");
  const ARRAYS = {
    i1: Int8Array, i2: Int16Array, i4: Int32Array, u1: Uint8Array, u2: Uint16Array,
    u4: Uint32Array, f4: Float32Array, f8: Float64Array,
  };
  // An array that Plotly or the store wrote: a list, or base64 of little-endian numbers.
  const decode = (given) => {
    if (!given?.bdata) return given;
    const text = atob(given.bdata);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    return new ARRAYS[given.dtype](bytes.buffer);
  };
  const NOTHING = -(2 ** 31); // in i4
  const moment = (micros) => {
    const seconds = Math.floor(micros / 1e6);
    const rest = String(micros - 1e6 * seconds).padStart(6, "0");
    return `${new Date(1e3 * seconds).toISOString().slice(0, 19)}.${rest}+00:00`;
  };
  const WRITE = {
    score: (value) => format.score(value, metric),
    energy: format.energy,
    duration: format.duration,
    whole: String,
    time: (value) => moment(value).slice(0, 19).replace("T", " "),
  };

  class Column {
    constructor(given) {
      Object.assign(this, given);
      this.given = given;
    }
    // Decoded when they are first asked for.
    get cells() {
      this.decoded ??= decode(this.given.codes ?? this.given.values) ?? [];
      return this.decoded;
    }
    // The value of a row; null where nothing is known.
    at(i) {
      if (this.words) return this.words[this.given.codes ? this.cells[i] : 0] ?? null;
      const value = this.cells[i];
      return Number.isNaN(value) || value === NOTHING ? null : value;
    }
    write(value) {
      return value === null ? "n/a" : (WRITE[this.form] ?? format.value)(value);
    }
    text(i) { return this.write(this.at(i)); }
    // The value as a file keeps it.
    exact(i) {
      const value = this.at(i);
      if (value === null) return "";
      return this.form === "time" ? moment(value) : String(value);
    }
    // Numbers in whose order the rows stand; NaN where nothing is known.
    get keys() {
      if (this.sorted) return this.sorted;
      let rank = Number;
      if (!this.number) {
        const { compare } = new Intl.Collator("en", { numeric: true });
        const order = this.words.map(String).sort(compare);
        const ranks = new Map(order.map((word, place) => [word, place]));
        rank = (word) => ranks.get(String(word));
      }
      this.sorted = Float64Array.from({ length: data.count }, (_, i) => {
        const value = this.at(i);
        return value === null ? NaN : rank(value);
      });
      return this.sorted;
    }
  }
  const columns = new Map(data.columns.map((given) => [given.name, new Column(given)]));

  // A row here is the place among the trials of the page, a place that in the whole table.
  const places = decode(data.rows);
  const placeOf = (row) => (places ? places[row] : row);
  const rows = places && new Map(Array.from(places, (place, row) => [place, row]));
  const rowOf = (place) => (rows ? rows.get(place) : place < data.count ? place : undefined);

  const settings = [...columns.values()].filter((column) => column.name.startsWith("p."));
  const tell = (row) => {
    const text = (name) => columns.get(name)?.text(row) ?? "n/a";
    return [
      `seed ${text("seed")}, trial ${text("trial")}: ${text("state")}`,
      `${metric.name} ${text("score")}, ${text("energy_j")} ${text("energy_kind")}, epochs ${text("epochs")}`,
      ...settings.filter((column) => column.at(row) !== null)
        .map((column) => `${column.head} = ${column.text(row)}`),
    ];
  };
  const strategy = (row) => columns.get("strategy").text(row);
  return { ...data, columns, decode, placeOf, rowOf, tell, strategy, metric };
})();
