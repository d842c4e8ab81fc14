/* PatchCore: a memory of good patches, and how far a new one is from it. What
 * helpers/detectors/memory/ does, number for number. */
(window.inspectorParts ||= []).push(function (inspector) {
  "use strict";
  const { packed, ROWS, COLUMNS, UNROLLED } = inspector.kernels;
  const { between } = inspector.network;
  const POOL = 1024; // farthest patches that are followed step by step; changes the speed alone
  const QUERIES = 64; // patches that look for their nearest together: they stay in the cache
  const SPREAD_SAMPLE = 100000;
  // PyTorch's first random number of seed 0, so that both begin with the same patch.
  const FIRST = 2357136044;

  const dot = (a, b, i, j, wide) => {
    let sum = 0;
    for (let k = 0; k < wide; k += 1) sum += a[i + k] * b[j + k];
    return sum;
  };
  const rowsOf = (values, rows, wide) => {
    const out = new Float32Array(rows.length * wide);
    rows.forEach((row, i) => out.set(values.subarray(row * wide, (row + 1) * wide), i * wide));
    return out;
  };

  /** Each layer's spread, the root of its features' summed variances, for each feature. */
  function layerScale(vectors, channels) {
    const wide = channels.reduce((a, b) => a + b), count = vectors.length / wide;
    const step = 1 + Math.floor(count / SPREAD_SAMPLE);
    const sums = new Float64Array(wide), means = new Float64Array(wide);
    let seen = 0;
    for (let row = 0; row < count; row += step, seen += 1) {
      for (let k = 0; k < wide; k += 1) means[k] += vectors[row * wide + k];
    }
    for (let k = 0; k < wide; k += 1) means[k] /= seen;
    for (let row = 0; row < count; row += step) {
      for (let k = 0; k < wide; k += 1) sums[k] += (vectors[row * wide + k] - means[k]) ** 2;
    }
    const scale = new Float32Array(wide);
    let start = 0;
    for (const many of channels) {
      const spread = Math.sqrt(sums.subarray(start, start + many).reduce((a, b) => a + b, 0) / seen);
      scale.fill(spread > 0 ? spread : 1, start, start + many);
      start += many;
    }
    return scale;
  }

  function divide(vectors, scale) {
    for (let i = 0; i < vectors.length; i += scale.length) {
      for (let k = 0; k < scale.length; k += 1) vectors[i + k] /= scale[k];
    }
    return vectors;
  }

  /** A memory laid out for the kernels: −2m in packs, and |m|², for the order of |m|² − 2qm. */
  function laidOut(engine, entries, count, wide) {
    const panels = Math.ceil(count / COLUMNS);
    const squares = new Float32Array(panels * COLUMNS).fill(3e38); // an entry that is not there is far away
    for (let i = 0; i < count; i += 1) squares[i] = dot(entries, entries, i * wide, i * wide, wide);
    return { w: engine.put(packed(entries, count, wide, -2)), b: engine.put(squares), panels, wide };
  }

  /** For each query the nearest entry: its place, and |m|² − 2qm. */
  function nearestIn(engine, queries, laid) {
    const { wide } = laid, count = queries.length / wide, start = engine.mark();
    const x = engine.take(QUERIES * wide), best = engine.take(QUERIES * COLUMNS), which = engine.take(QUERIES * COLUMNS);
    const places = new Int32Array(count), values = new Float32Array(count);
    for (let from = 0; from < count; from += QUERIES) {
      const many = Math.min(QUERIES, count - from);
      engine.view(x, QUERIES * wide).set(queries.subarray(from * wide, (from + many) * wide));
      const found = engine.view(best, QUERIES * COLUMNS).fill(3.3e38);
      const panel = new Int32Array(engine.memory.buffer, which, QUERIES * COLUMNS).fill(0);
      engine.run.nearest(x, laid.w, laid.b, best, which, Math.ceil(many / ROWS), wide / UNROLLED, laid.panels, 0);
      for (let i = 0; i < many; i += 1) {
        let lane = 0;
        for (let l = 1; l < COLUMNS; l += 1) if (found[i * COLUMNS + l] < found[i * COLUMNS + lane]) lane = l;
        places[from + i] = panel[i * COLUMNS + lane] * COLUMNS + lane;
        values[from + i] = found[i * COLUMNS + lane];
      }
    }
    engine.release(start);
    return { places, values };
  }

  /** The places of the `count` largest numbers, and the largest of the others. */
  function farthest(bounds, count) {
    if (count >= bounds.length) return { rows: Int32Array.from(bounds.keys()), others: -Infinity };
    const limit = Float32Array.from(bounds).sort()[bounds.length - count - 1];
    const rows = [];
    for (let i = 0; i < bounds.length; i += 1) if (bounds[i] > limit) rows.push(i);
    for (let i = 0; i < bounds.length && rows.length < count; i += 1) if (bounds[i] === limit) rows.push(i);
    return { rows: Int32Array.from(rows), others: limit };
  }

  /**
   * The greedy k-centre coreset: always the patch that is farthest from all chosen ones. Distances
   * can only shrink, so an old one is an upper bound, and only the farthest by their bounds are
   * looked at anew; see helpers/detectors/memory/coreset.py. Gives rows in the order they are chosen:
   * the first n of them are the memory of size n.
   */
  function kCentre(engine, vectors, wide, count, progress = () => {}) {
    const many = vectors.length / wide, squares = new Float32Array(many);
    for (let i = 0; i < many; i += 1) squares[i] = dot(vectors, vectors, i * wide, i * wide, wide);
    const chosen = new Int32Array(count), bounds = new Float32Array(many), met = new Int32Array(many).fill(1);
    chosen[0] = FIRST % many;
    for (let i = 0; i < many; i += 1) {
      bounds[i] = squares[i] + squares[chosen[0]] - 2 * dot(vectors, vectors, i * wide, chosen[0] * wide, wide);
    }
    bounds[chosen[0]] = -Infinity;
    let size = 1;

    function meet(rows) {
      // Those that have missed the most first: each group meets what its first has missed.
      const behind = rows.filter((row) => met[row] < size).sort((a, b) => met[a] - met[b]);
      const start = engine.mark();
      for (let from = 0; from < behind.length; from += 4 * QUERIES) {
        const group = behind.subarray(from, from + 4 * QUERIES), missed = chosen.subarray(met[group[0]], size);
        const laid = laidOut(engine, rowsOf(vectors, missed, wide), missed.length, wide);
        const { values } = nearestIn(engine, rowsOf(vectors, group, wide), laid);
        group.forEach((row, i) => {
          bounds[row] = Math.min(bounds[row], values[i] + squares[row]);
          met[row] = size;
        });
        engine.release(start);
      }
    }

    function follow(rows, others) {
      const start = engine.mark(), near = engine.put(rowsOf(vectors, rows, wide));
      engine.take(ROWS * wide);
      const out = engine.take(rows.length + ROWS), v = engine.take(wide);
      const distance = Float32Array.from(rows, (row) => bounds[row]);
      const products = engine.view(out, rows.length), centre = engine.view(v, wide);
      while (size < count) {
        let best = 0;
        for (let i = 1; i < rows.length; i += 1) if (distance[i] > distance[best]) best = i;
        if (distance[best] < others) break;
        const row = rows[best];
        chosen[size] = row;
        size += 1;
        centre.set(vectors.subarray(row * wide, (row + 1) * wide));
        engine.run.dots(near, v, out, Math.ceil(rows.length / ROWS), wide / 4);
        for (let i = 0; i < rows.length; i += 1) {
          const one = squares[rows[i]] + squares[row] - 2 * products[i];
          if (one < distance[i]) distance[i] = one;
        }
        distance[best] = -Infinity;
      }
      rows.forEach((row, i) => {
        bounds[row] = distance[i];
        met[row] = size;
      });
      engine.release(start);
    }

    while (size < count) {
      const { rows, others } = farthest(bounds, POOL);
      meet(rows);
      follow(rows, others);
      progress(size / count);
    }
    return chosen;
  }

  /** Raise a score less where its nearest entry is itself a rare one (Roth et al., Equation 7). */
  function reweighted(distance, vector, entry, memory, count, wide, neighbours) {
    if (neighbours === 1) return distance;
    const apart = new Float64Array(count);
    for (let i = 0; i < count; i += 1) {
      for (let k = 0; k < wide; k += 1) apart[i] += (memory[i * wide + k] - memory[entry * wide + k]) ** 2;
    }
    const around = Array.from(apart.keys()).sort((a, b) => apart[a] - apart[b]).slice(0, neighbours);
    const spread = around.map((i) => {
      let sum = 0;
      for (let k = 0; k < wide; k += 1) sum += (vector[k] - memory[i * wide + k]) ** 2;
      return Math.sqrt(sum);
    });
    // exp of a large distance is infinite: the share is computed from logarithms.
    const most = Math.max(...spread);
    const log = most + Math.log(spread.reduce((sum, value) => sum + Math.exp(value - most), 0));
    return Math.max(0, 1 - Math.exp(distance - log)) * distance;
  }

  /** A Gaussian blur of a square map, its border mirrored: SciPy's gaussian_filter. */
  function smooth(map, side, sigma) {
    const reach = Math.floor(4 * sigma + 0.5);
    if (!reach) return map;
    const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp((-0.5 * (i - reach) ** 2) / sigma ** 2));
    const total = weights.reduce((a, b) => a + b);
    const mirrored = (i) => {
      const at = ((i % (2 * side)) + 2 * side) % (2 * side);
      return at < side ? at : 2 * side - 1 - at;
    };
    let from = map;
    for (const [step, line] of [[side, 1], [1, side]]) {
      const to = new Float32Array(map.length);
      for (let i = 0; i < side; i += 1) {
        const places = weights.map((_, d) => mirrored(i + d - reach) * step);
        for (let j = 0; j < side; j += 1) {
          let sum = 0;
          for (let d = 0; d < weights.length; d += 1) sum += weights[d] * from[places[d] + j * line];
          to[i * step + j * line] = sum / total;
        }
      }
      from = to;
    }
    return from;
  }

  /** A square map, bilinearly enlarged. */
  function enlarged(map, side, large) {
    if (side === large) return map;
    const places = between(side, large), out = new Float32Array(large * large);
    places.forEach(([up, down, v], row) => places.forEach(([left, right, h], column) => {
      out[row * large + column] = (1 - v) * ((1 - h) * map[up * side + left] + h * map[up * side + right])
        + v * ((1 - h) * map[down * side + left] + h * map[down * side + right]);
    }));
    return out;
  }

  /**
   * The score of a picture, its map, and the patch that decides with its nearest good one. `memory`
   * has `entries`, and `laid`, the same for the kernels.
   */
  function inspect(engine, { side, values }, memory, { neighbours, smoothing, size }) {
    const { entries, count, wide } = memory, { places } = nearestIn(engine, values, memory.laid);
    const distances = new Float32Array(side * side);
    let patch = 0;
    for (let i = 0; i < distances.length; i += 1) {
      // Subtract first and square then: |m|² − 2qm loses small distances to rounding.
      let sum = 0;
      for (let k = 0; k < wide; k += 1) sum += (values[i * wide + k] - entries[places[i] * wide + k]) ** 2;
      distances[i] = Math.sqrt(sum);
      if (distances[i] > distances[patch]) patch = i;
    }
    const vector = values.subarray(patch * wide, (patch + 1) * wide);
    const score = reweighted(distances[patch], vector, places[patch], entries, count, wide, Math.min(neighbours, count));
    return {
      score, patch, side, entry: places[patch], distances,
      map: smooth(enlarged(distances, side, size), size, smoothing * size),
    };
  }

  /** The threshold that the book chooses: helpers/metrics/threshold.py, and the rate it promises. */
  function thresholdFrom(scores, rate = 0.05) {
    const n = scores.length, sorted = [...scores].sort((a, b) => a - b);
    const above = Math.min(Math.max(Math.floor((n + 1) * rate + 1e-9), 1), n);
    return { value: sorted[n - above], expected: above / (n + 1), heldOut: n };
  }

  inspector.memory = {
    layerScale, divide, laidOut, nearestIn, kCentre, reweighted, smooth, enlarged, inspect, thresholdFrom,
  };
});
