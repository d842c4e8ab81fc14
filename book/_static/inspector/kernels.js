/* The four loops in which nearly all time goes, as WebAssembly with vectors of four numbers. Each
 * works on blocks of four rows and eight columns: as many sums as a processor has registers for. WebGPU would save
 * little of a tenth of a second a photo (benchmarks/README.md), is missing in many browsers, and rounds otherwise. */
(window.inspectorParts ||= []).push(function (inspector) {
  "use strict";
  const { I32, F32, V128, instruction: on, simd, procedure, assembled } = inspector.wasm;
  const ROWS = 4, COLUMNS = 8, UNROLLED = 4;
  const typed = (names, type) => Object.fromEntries(names.map((name) => [name, type]));
  const range = (count) => Array.from({ length: count }, (_, i) => i);
  const sums = range(2 * ROWS).map((i) => `sum${i}`);
  const rows = range(ROWS).map((i) => `row${i}`);

  /* Newer browsers multiply and add in one step, "relaxed" since it rounds once instead of twice. */
  function multiplyAdd(fused, sum, factors) {
    return fused ? [...factors, ...sum, ...simd(0x105)] : [...factors, ...on.times, ...sum, ...on.plus];
  }

  /** sum += four rows of `x` times eight columns of `w`, over `depth` numbers. */
  function block({ get, set, advance, repeat }, fused) {
    return [
      ...rows.map((row, r) => set(row, r ? [...get(rows[r - 1]), ...get("long"), ...on.add] : get("at"))),
      set("weight", get("w")),
      repeat("k", get("depth"), [
        ...range(UNROLLED).flatMap((u) => [
          set("left", [...get("weight"), ...on.loadAt(32 * u)]),
          set("right", [...get("weight"), ...on.loadAt(32 * u + 16)]),
          ...rows.flatMap((row, r) => [
            set("x4", [...get(row), ...on.splatAt(4 * u)]),
            ...["left", "right"].map((side, s) => set(sums[2 * r + s],
              multiplyAdd(fused, get(sums[2 * r + s]), [...get("x4"), ...get(side)]))),
          ]),
        ]),
        ...rows.map((row) => advance(row, 4 * UNROLLED)),
        advance("weight", 32 * UNROLLED),
      ]),
    ];
  }

  const working = {
    ...typed(["p", "r", "k", "at", "weight", "to", "other", "long", ...rows], I32),
    ...typed(["left", "right", "x4", "low4", "high4", ...sums], V128),
  };

  /** y = x · w + b, kept between `low` and `high`; with `adds`, + `added`. Columns by eights: w is packed. */
  function product(name, fused, adds) {
    const parameters = {
      ...typed(["x", "w", "b", "y", "blocks", "depth", "wide", "panels", "added"], I32),
      ...typed(["low", "high"], F32),
    };
    return procedure(name, parameters, working, (use) => {
      const { get, set, advance, repeat } = use;
      return [
        set("long", [...get("depth"), ...on.number(4), ...on.shift]), // bytes: 4 numbers a step, 4 bytes each
        set("low4", [...get("low"), ...on.splat]), set("high4", [...get("high"), ...on.splat]),
        repeat("p", get("panels"), [
          set("at", get("x")), set("to", get("y")), set("other", get("added")),
          repeat("r", get("blocks"), [
            ...sums.map((sum, i) => set(sum, [...get("b"), ...on.loadAt(16 * (i % 2))])),
            ...block(use, fused),
            ...sums.flatMap((sum, i) => [
              ...get("to"), ...get(sum), ...get("high4"), ...on.least, ...get("low4"), ...on.most,
              ...(adds ? [...get("other"), ...on.loadAt(16 * (i % 2)), ...on.plus] : []),
              ...on.storeAt(16 * (i % 2)),
              ...(i % 2 ? [...advance("to", "wide"), ...advance("other", "wide")] : []),
            ]),
            ...range(ROWS).map(() => advance("at", "long")),
          ]),
          advance("y", 32), advance("b", 32), advance("added", 32),
          set("w", [...get("weight")]), // where the last block has left it: the next panel
        ]),
      ];
    });
  }

  /** The smallest of x · w + b in each row so far, and in which panel; a number for each of 8 columns. */
  function nearest(fused) {
    const parameters = typed(["x", "w", "b", "best", "which", "blocks", "depth", "panels", "first"], I32);
    return procedure("nearest", parameters, working, (use) => {
      const { get, set, advance, repeat } = use;
      return [
        set("long", [...get("depth"), ...on.number(4), ...on.shift]),
        repeat("p", get("panels"), [
          set("at", get("x")), set("to", get("best")), set("other", get("which")),
          repeat("r", get("blocks"), [
            ...sums.map((sum, i) => set(sum, [...get("b"), ...on.loadAt(16 * (i % 2))])),
            ...block(use, fused),
            ...sums.flatMap((sum, i) => [
              ...set("left", [...get("to"), ...on.loadAt(16 * i)]),
              ...set("x4", [...get(sum), ...get("left"), ...on.less]),
              ...get("to"), ...get(sum), ...get("left"), ...get("x4"), ...on.select, ...on.storeAt(16 * i),
              ...get("other"), ...get("first"), ...on.splatWhole, ...get("other"), ...on.loadAt(16 * i),
              ...get("x4"), ...on.select, ...on.storeAt(16 * i),
            ]),
            advance("to", 32 * ROWS), advance("other", 32 * ROWS),
            ...range(ROWS).map(() => advance("at", "long")),
          ]),
          advance("b", 32), advance("first", 1),
          set("w", get("weight")),
        ]),
      ];
    });
  }

  /** out = x · v for rows of x, one number a row. */
  function dots(fused) {
    const parameters = typed(["x", "v", "out", "blocks", "depth"], I32);
    const locals = {
      ...typed(["r", "k", "at", "long", ...rows], I32), ...typed(["x4", ...sums.slice(0, ROWS)], V128),
    };
    return procedure("dots", parameters, locals, ({ get, set, advance, repeat }) => [
      set("long", [...get("depth"), ...on.number(4), ...on.shift]),
      repeat("r", get("blocks"), [
        ...rows.map((row, r) => set(row, r ? [...get(rows[r - 1]), ...get("long"), ...on.add] : get("x"))),
        ...range(ROWS).map((r) => set(sums[r], on.zero)),
        set("at", get("v")),
        repeat("k", get("depth"), [
          set("x4", [...get("at"), ...on.loadAt()]),
          ...rows.map((row, r) => set(sums[r],
            multiplyAdd(fused, get(sums[r]), [...get(row), ...on.loadAt(), ...get("x4")]))),
          ...rows.map((row) => advance(row, 16)),
          advance("at", 16),
        ]),
        ...range(ROWS).flatMap((r) => [
          ...get("out"),
          ...range(4).flatMap((lane) => [...get(sums[r]), ...on.lane(lane), ...(lane ? on.plusOne : [])]),
          ...on.storeOne(4 * r),
        ]),
        advance("out", 16),
        set("x", get(rows[ROWS - 1])), // past the last of the four
      ]),
    ]);
  }

  /** A depthwise convolution of a padded map, with ReLU6. Weights: for each four channels side × side × 4. */
  function depthwise(side, fused) {
    const parameters = typed(
      ["x", "w", "b", "y", "high", "wide", "fours", "pixel", "line", "stride", "down"], I32,
    );
    const lines = range(side).map((i) => `line${i}`), steps = range(side).map((i) => `step${i}`);
    const locals = {
      ...typed(["row", "column", "four", "from", "at", "weight", "bias", ...lines, ...steps], I32),
      ...typed(["sum", "six"], V128),
    };
    return procedure(`depthwise${side}`, parameters, locals, ({ get, set, advance, repeat }) => [
      set("six", [0x43, ...new Uint8Array(new Float32Array([6]).buffer), ...on.splat]),
      ...steps.map((step, i) => set(step, i ? [...get(steps[i - 1]), ...get("pixel"), ...on.add] : on.number(0))),
      repeat("row", get("high"), [
        set("from", get("x")),
        repeat("column", get("wide"), [
          ...lines.map((line, i) => set(line, i ? [...get(lines[i - 1]), ...get("line"), ...on.add] : get("from"))),
          set("weight", get("w")), set("bias", get("b")),
          repeat("four", get("fours"), [
            set("sum", [...get("bias"), ...on.loadAt()]),
            ...lines.flatMap((line, i) => steps.map((step, j) => set("sum", multiplyAdd(fused, get("sum"), [
              ...get(line), ...get(step), ...on.add, ...on.loadAt(),
              ...get("weight"), ...on.loadAt(16 * (side * i + j)),
            ])))),
            [...get("y"), ...get("sum"), ...get("six"), ...on.least, ...on.zero, ...on.most, ...on.storeAt()],
            advance("weight", 16 * side * side), advance("bias", 16), advance("y", 16),
            ...lines.map((line) => advance(line, 16)),
          ]),
          advance("from", "stride"),
        ]),
        advance("x", "down"),
      ]),
    ]);
  }

  const all = (fused) => assembled([
    product("product", fused, false), product("productAdd", fused, true),
    nearest(fused), dots(fused), depthwise(3, fused), depthwise(5, fused),
  ]);

  /** Compile the kernels, with fused multiply-add where the browser has it. */
  function kernels(fuse = true) {
    let bytes = fuse ? all(true) : all(false);
    if (fuse && !WebAssembly.validate(bytes)) bytes = all(false);
    if (!WebAssembly.validate(bytes)) {
      throw new Error("This browser has no WebAssembly with vectors; one of the last three years has.");
    }
    const memory = new WebAssembly.Memory({ initial: 16 });
    const run = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
    let end = 16; // 0 stays free, so that a forgotten place is seen

    /** Take room for numbers; `mark` and `release` give it back. Old views may be gone after it. */
    function take(count) {
      const start = end;
      end += 16 * Math.ceil(count / 4);
      const lacking = end + 65536 - memory.buffer.byteLength;
      if (lacking > 0) memory.grow(Math.ceil(lacking / 65536));
      return start;
    }
    const view = (start, count) => new Float32Array(memory.buffer, start, count);
    const put = (numbers) => {
      const start = take(numbers.length);
      view(start, numbers.length).set(numbers);
      return start;
    };
    const mark = () => end;
    const release = (to) => { end = to; };
    return { run, memory, take, view, put, mark, release };
  }

  /** Rows of a matrix, `count` × `depth`, as columns in packs of eight; what is missing is 0. */
  function packed(matrix, count, depth, factor = 1) {
    const panels = Math.ceil(count / COLUMNS), out = new Float32Array(panels * COLUMNS * depth);
    for (let column = 0; column < count; column += 1) {
      const start = Math.floor(column / COLUMNS) * COLUMNS * depth + (column % COLUMNS);
      for (let k = 0; k < depth; k += 1) out[start + COLUMNS * k] = factor * matrix[column * depth + k];
    }
    return out;
  }

  inspector.kernels = { kernels, packed, ROWS, COLUMNS, UNROLLED };
});
