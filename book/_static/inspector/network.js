/* EfficientNet-Lite0 up to its tenth block, and from its maps a feature vector for each patch: what
 * helpers/networks/features.py does. Maps lie pixel by pixel, the channels of a pixel side by side. */
(window.inspectorParts ||= []).push(function (inspector) {
  "use strict";
  const { packed, ROWS, COLUMNS, UNROLLED } = inspector.kernels;
  const PATCH = 3; // features are averaged over 3 × 3 patches
  const up = (number, to) => to * Math.ceil(number / to);

  function bytesOf(base64) {
    const letters = atob(base64), bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
    return bytes;
  }

  /** Weights of a depthwise convolution, channels × side × side, in packs of four channels. */
  function foursOf(weights, channels, side) {
    const taps = side * side, out = new Float32Array(weights.length);
    for (let c = 0; c < channels; c += 1) {
      for (let t = 0; t < taps; t += 1) out[(c - (c % 4)) * taps + 4 * t + (c % 4)] = weights[c * taps + t];
    }
    return out;
  }

  /** Filters row by row, each filled up with zeros to a multiple of four numbers. */
  function filled(weights, count, depth) {
    const wide = up(depth, UNROLLED), out = new Float32Array(count * wide);
    for (let i = 0; i < count; i += 1) out.set(weights.subarray(i * depth, (i + 1) * depth), i * wide);
    return out;
  }

  /** TensorFlow's padding "same": the side of the result, and what is added before and in all. */
  function same(side, kernel, stride) {
    const out = Math.ceil(side / stride), all = Math.max((out - 1) * stride + kernel - side, 0);
    return { out, before: all >> 1, all };
  }

  /**
   * The network, ready to run. `model` is what tools/inspector_data.py writes: a table of layers,
   * and their numbers in base64.
   */
  function network(engine, model) {
    const weights = new Float32Array(bytesOf(model.weights).buffer);
    const biases = new Float32Array(bytesOf(model.biases).buffer);
    let w = 0, b = 0;
    const layers = model.layers.map((layer) => {
      const { kind, into, from, kernel } = layer;
      const depth = kind === "depthwise" ? kernel * kernel : from * kernel * kernel;
      const own = weights.subarray(w, w += into * depth), bias = biases.subarray(b, b += into);
      const order = kind === "depthwise" ? foursOf(own, into, kernel)
        : packed(filled(own, into, depth), into, up(depth, UNROLLED));
      return { ...layer, depth: up(depth, UNROLLED), w: engine.put(order), b: engine.put(bias) };
    });

    function multiply(layer, x, y, count, added) {
      const limits = layer.relu ? [0, 6] : [-3e38, 3e38];
      engine.run[added ? "productAdd" : "product"](x, layer.w, layer.b, y, Math.ceil(count / ROWS),
        layer.depth / UNROLLED, 4 * layer.into, layer.into / COLUMNS, added || 0, ...limits);
    }

    /** The first layer looks at a picture: each patch becomes a row, and the filters a matrix. */
    function first(layer, picture, side) {
      const { out, before } = same(side, layer.kernel, layer.stride);
      const rows = engine.take((out * out + ROWS) * layer.depth), y = engine.take((out * out + ROWS) * layer.into);
      const patches = engine.view(rows, out * out * layer.depth).fill(0);
      for (let row = 0; row < out; row += 1) {
        for (let column = 0; column < out; column += 1) {
          const start = (row * out + column) * layer.depth;
          for (let c = 0, at = start; c < 3; c += 1) { // colour, then row, then column, as PyTorch's filters
            for (let i = row * layer.stride - before, p = 0; p < 3; p += 1, i += 1) {
              for (let j = column * layer.stride - before, q = 0; q < 3; q += 1, j += 1, at += 1) {
                // (bytes − 127) / 128: its authors' preprocessing. Around the picture are zeros.
                if (i >= 0 && i < side && j >= 0 && j < side) patches[at] = (picture[3 * (i * side + j) + c] - 127) / 128;
              }
            }
          }
        }
      }
      multiply(layer, rows, y, out * out);
      return { y, side: out };
    }

    function depthwise(layer, x, side) {
      const { out, before, all } = same(side, layer.kernel, layer.stride);
      const wide = side + all, channels = layer.into;
      const padded = engine.take(wide * wide * channels), y = engine.take((out * out + ROWS) * channels);
      const to = engine.view(padded, wide * wide * channels).fill(0), from = engine.view(x, side * side * channels);
      for (let row = 0; row < side; row += 1) {
        to.set(from.subarray(row * side * channels, (row + 1) * side * channels), ((row + before) * wide + before) * channels);
      }
      const pixel = 4 * channels, line = wide * pixel;
      engine.run[`depthwise${layer.kernel}`](padded, layer.w, layer.b, y, out, out, channels / 4, pixel, line,
        layer.stride * pixel, layer.stride * line);
      return { y, side: out };
    }

    /** The maps that are asked for, of a square picture (bytes, red, green and blue): a copy of each. */
    function maps(picture, side) {
      const start = engine.mark(), kept = [];
      let x = 0, size = side, block = 0;
      for (const layer of layers) {
        if (layer.opens) block = x; // what a shortcut adds later
        if (layer.kind === "first") ({ y: x, side: size } = first(layer, picture, side));
        else if (layer.kind === "depthwise") ({ y: x, side: size } = depthwise(layer, x, size));
        else {
          const y = engine.take((size * size + ROWS) * layer.into);
          multiply(layer, x, y, size * size, layer.adds ? block : 0);
          x = y;
        }
        if (layer.keep) kept.push({ side: size, channels: layer.into, values: engine.view(x, size * size * layer.into).slice() });
      }
      engine.release(start);
      return kept;
    }

    const channels = layers.filter((layer) => layer.keep).map((layer) => layer.into);
    return { maps, channels, features: (picture, side) => concatenated(maps(picture, side)) };
  }

  /** The mean over neighbourhoods of PATCH × PATCH patches; what lies outside counts as zeros. */
  function averaged({ side, channels, values }) {
    const reach = PATCH >> 1, across = new Float32Array(values.length), out = new Float32Array(values.length);
    const line = side * channels;
    for (const [from, to, step, place] of [
      [values, across, channels, (i) => Math.floor(i / channels) % side],
      [across, out, line, (i) => Math.floor(i / line)],
    ]) {
      for (let i = 0; i < values.length; i += channels) {
        const here = place(i);
        for (let d = -reach; d <= reach; d += 1) {
          if (here + d < 0 || here + d >= side) continue;
          for (let c = 0; c < channels; c += 1) to[i + c] += from[i + d * step + c];
        }
      }
    }
    for (let i = 0; i < out.length; i += 1) out[i] /= PATCH * PATCH;
    return { side, channels, values: out };
  }

  /** Where bilinear enlarging from `side` to `large` looks: two places and the share of the second. */
  function between(side, large) {
    return Array.from({ length: large }, (_, i) => {
      const at = Math.max(0, ((i + 0.5) * side) / large - 0.5), low = Math.min(Math.floor(at), side - 1);
      return [low, Math.min(low + 1, side - 1), at - low];
    });
  }

  /** Layers averaged, enlarged to the finest and put side by side: patches × features, and the side. */
  function concatenated(maps) {
    const side = Math.max(...maps.map((map) => map.side));
    const wide = maps.reduce((sum, map) => sum + map.channels, 0);
    const values = new Float32Array(side * side * wide);
    let offset = 0;
    for (const map of maps.map(averaged)) {
      const { channels, values: from } = map, places = between(map.side, side);
      for (let row = 0, at = offset; row < side; row += 1) {
        const [up, down, v] = places[row];
        for (let column = 0; column < side; column += 1, at += wide) {
          const [left, right, h] = places[column];
          const a = (up * map.side + left) * channels, b = (up * map.side + right) * channels;
          const c = (down * map.side + left) * channels, d = (down * map.side + right) * channels;
          for (let k = 0; k < channels; k += 1) {
            values[at + k] = (1 - v) * ((1 - h) * from[a + k] + h * from[b + k]) + v * ((1 - h) * from[c + k] + h * from[d + k]);
          }
        }
      }
      offset += channels;
    }
    return { side, values };
  }

  inspector.network = { network, between, bytesOf };
});
