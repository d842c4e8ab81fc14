/* The inspector itself, in a thread of its own: pictures by number, what was learned from them, and
 * the commands that the page gives. Nothing here knows of buttons. */
(window.inspectorParts ||= []).push(function (inspector) {
  "use strict";
  const LEFT_OUT = 1 / 3; // of the good photos, for the threshold
  const LIGHT_FLOOR = 5, ANY = 1e9; // a spread of which nothing is far
  const FEW = 8, TWO_KINDS = 0.4; // photos, and a silhouette above which they are two products
  const FORMAT = 2; // of what the page keeps beside the detector
  const INSPECTION = 1; // of helpers/inspection/saved.py, which reads the rest
  const { memory: maths, archive } = inspector;

  function session(say) {
    const pictures = new Map();
    let next = 1, engine, network, model, base, learned = null;
    let SIZE, LARGEST, SHARE, NEIGHBOURS, SMOOTHING; // the book's own settings come with the network

    function start({ model: given }) {
      model = given;
      ({ coreset_share: SHARE, largest_memory: LARGEST, neighbours: NEIGHBOURS, smoothing: SMOOTHING } = model.header.settings);
      SIZE = model.header.state.side;
      engine = inspector.kernels.kernels();
      network = inspector.network.network(engine, model);
      base = engine.mark();
    }

    /** What the page shows of a picture. */
    function shown(key) {
      const { pixels, name, width, height } = pictures.get(key), rgba = new Uint8ClampedArray(4 * SIZE * SIZE).fill(255);
      for (let i = 0, j = 0; i < pixels.length; i += 3, j += 4) rgba.set(pixels.subarray(i, i + 3), j);
      return { key, name, width, height, image: new ImageData(rgba, SIZE) };
    }

    function kept(name, square) {
      pictures.set(next, { name, ...square });
      next += 1;
      return next - 1;
    }

    async function add({ file, name }) {
      return shown(kept(name, await inspector.pictures.read(file, name, SIZE)));
    }

    const features = (key) => network.features(pictures.get(key).pixels, SIZE);
    const mean = ({ values }, wide) => {
      const sums = new Float64Array(wide);
      for (let i = 0; i < values.length; i += 1) sums[i % wide] += values[i];
      return sums.map((sum) => (sum * wide) / values.length);
    };

    /** The memory's first `count` entries, ready for the kernels. */
    function sized(count) {
      engine.release(base);
      const { entries, wide } = learned;
      learned.memory = { entries, count, wide, laid: maths.laidOut(engine, entries, count, wide) };
    }

    /** A photo is as odd as its oddest pixel; what fills it up to a square does not count. */
    function inspected({ seen, width, height }) {
      const found = maths.inspect(engine, seen, learned.memory, { neighbours: NEIGHBOURS, smoothing: SMOOTHING, size: SIZE });
      let score = 0;
      for (let row = 0; row < height; row += 1) {
        for (let at = row * SIZE; at < row * SIZE + width; at += 1) if (found.map[at] > score) score = found.map[at];
      }
      return { ...found, score, patchScore: found.score };
    }

    /** The threshold from the photos left out, and what their maps show. */
    function measured() {
      const results = learned.leftOut.map(inspected);
      learned.scores = results.map((result) => result.score);
      learned.threshold = maths.thresholdFrom(learned.scores);
      learned.low = Math.min(...results.map(({ map }) => map.reduce((a, b) => Math.min(a, b))));
    }

    function state() {
      const { scores, threshold, low, most, memory, warning, names, leftOut } = learned;
      return { scores, threshold, low, most, count: memory.count, warning, names, measures: leftOut.length > 0 };
    }

    const sizes = (key) => (({ width, height, from, light }) => ({ width, height, from, light }))(pictures.get(key));

    function learn({ keys }) {
      if (keys.length < 2) {
        throw new Error("One good photo is not enough: some are learned from, others are left out to set the threshold. "
          + "Give two at least; ten make a start.");
      }
      const count = Math.max(1, Math.floor(keys.length * LEFT_OUT));
      const out = keys.map((_, i) => Math.floor(((i + 1) * count) / keys.length) > Math.floor((i * count) / keys.length));
      const wide = network.channels.reduce((a, b) => a + b);
      const seen = keys.map((key, i) => {
        say({ step: "looking", share: i / keys.length });
        return features(key);
      });
      const { side } = seen[0], patches = side * side, fit = keys.filter((_, i) => !out[i]);
      const vectors = new Float32Array(fit.length * patches * wide);
      seen.filter((_, i) => !out[i]).forEach(({ values }, i) => vectors.set(values, i * patches * wide));
      const scale = maths.layerScale(vectors, network.channels);
      maths.divide(vectors, scale);
      const leftOut = keys.map((key, i) => ({ ...sizes(key), seen: seen[i] })).filter((_, i) => out[i]);
      leftOut.forEach((one) => maths.divide(one.seen.values, scale));
      const inOrder = [...fit.map((_, i) => ({ values: vectors.subarray(i * patches * wide, (i + 1) * patches * wide) })), ...leftOut.map((one) => one.seen)];
      const named = [...fit, ...keys.filter((_, i) => out[i])].map((key) => pictures.get(key).name);
      const warning = twoProducts(inOrder.map((one) => mean(one, wide)), named);
      const rows = fit.length * patches, most = Math.min(Math.max(1, Math.round(SHARE * rows)), LARGEST);
      engine.release(base);
      const chosen = maths.kCentre(engine, vectors, wide, most, (share) => say({ step: "remembering", share }));
      const entries = new Float32Array(most * wide), positions = new Int32Array(most * 3);
      chosen.forEach((row, i) => {
        entries.set(vectors.subarray(row * wide, (row + 1) * wide), i * wide);
        positions.set([Math.floor(row / patches), Math.floor((row % patches) / side), row % side], 3 * i);
      });
      learned = { scale, entries, positions, wide, side, leftOut, most, photos: fit, warning,
        taken: keys.map((key, i) => ({ ...sizes(key), name: pictures.get(key).name, out: out[i] })), keys,
        names: fit.map((key) => pictures.get(key).name), usual: usual(keys.map(sizes)) };
      sized(most);
      measured();
      return state();
    }

    /** Sizes and light of the good photos, as helpers/inspection/look.py has them; focus is not measured here. */
    function usual(photos) {
      const middle = (values) => {
        const sorted = [...values].sort((a, b) => a - b);
        return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
      };
      const lights = photos.map((one) => one.light), light = middle(lights);
      const spread = Math.max(LIGHT_FLOOR, 1.4826 * middle(lights.map((value) => Math.abs(value - light))));
      const kinds = [...new Set(photos.map((one) => one.from.join()))].map((text) => text.split(",").map(Number));
      return { sizes: kinds, light: [light, spread], focus: [0, ANY] };
    }

    /** Whether photos fall into two groups, by the rule of helpers/inspection/look.py: k-means, then the silhouette. */
    function twoProducts(means, names) {
      if (means.length < FEW) return "";
      const apart = (a, b) => Math.sqrt(a.reduce((sum, value, k) => sum + (value - b[k]) ** 2, 0));
      const centreOf = (group) => group[0].map((_, k) => group.reduce((sum, one) => sum + one[k], 0) / group.length);
      const middle = centreOf(means);
      const spread = middle.map((value, k) => Math.sqrt(means.reduce((sum, one) => sum + (one[k] - value) ** 2, 0) / means.length) + 1e-9);
      const scaled = means.map((one) => one.map((value, k) => (value - middle[k]) / spread[k]));
      const farthest = (from) => scaled.reduce((a, b) => (apart(a, from) > apart(b, from) ? a : b));
      const first = farthest(centreOf(scaled));
      let centres = [first, farthest(first)], groups = [];
      for (let round = 0; round < 10; round += 1) {
        groups = [[], []];
        scaled.forEach((one) => groups[apart(one, centres[0]) <= apart(one, centres[1]) ? 0 : 1].push(one));
        if (!groups[1].length) return "";
        centres = groups.map(centreOf);
      }
      groups.sort((a, b) => b.length - a.length);
      const away = (one, group) => group.reduce((sum, other) => sum + apart(one, other), 0);
      const silhouette = groups.map((own, g) => own.reduce((sum, one) => {
        if (own.length === 1) return sum;
        const within = away(one, own) / (own.length - 1), beside = away(one, groups[1 - g]) / groups[1 - g].length;
        return sum + (beside - within) / Math.max(within, beside);
      }, 0)).reduce((a, b) => a + b) / means.length;
      if (silhouette <= TWO_KINDS) return "";
      const [many, few] = groups.map((group) => group.map((one) => names[scaled.indexOf(one)]));
      return few.length === 1 ? `${few[0]} looks quite unlike the other good photos. Is it of the same product, and in the same light?`
        : `These look like two products, or one photographed in two ways: ${many.length} photos such as ${many[0]}, and ${few.length} unlike them, such as ${few[0]}. `
          + "Keep the photos of one, and learn again; the other needs an inspector of its own.";
    }

    const needed = () => {
      if (!learned) throw new Error("Nothing has been learned yet.");
    };

    function inspect({ key }) {
      needed();
      const picture = pictures.get(key);
      picture.scaled ||= (() => {
        const seen = features(key);
        maths.divide(seen.values, learned.scale);
        return seen;
      })();
      const { score, patchScore, patch, side, entry, map } = inspected({ ...sizes(key), seen: picture.scaled });
      const [photo, row, column] = learned.positions.subarray(3 * entry, 3 * entry + 3);
      return { key, score, patchScore, map, side, patch: [Math.floor(patch / side), patch % side],
        like: { key: learned.photos[photo] ?? null, name: learned.names[photo], patch: [row, column] } };
    }

    function resize({ count }) {
      needed();
      sized(Math.max(1, Math.min(count, learned.most)));
      if (learned.leftOut.length) measured();
      return state();
    }

    /** What was learned, as helpers/inspection/saved.py keeps an inspector. */
    function save({ threshold, photos }) {
      needed();
      const { scale, memory, wide, positions, taken, keys, scores, low, threshold: chosen, usual: looks } = learned;
      const { count } = memory, tensor = ($tensor) => ({ $tensor }), array = ($array) => ({ $array });
      // Of a threshold that was moved, the promise is that of the highest score it reaches.
      const n = scores.length, rank = Math.max(1, scores.filter((score) => score <= threshold).length);
      const arrays = {
        "state/memory.npy": archive.npy(memory.entries.slice(0, count * wide), [count, wide]),
        "state/scale.npy": archive.npy(scale, [wide]),
        "state/positions.npy": archive.npy(BigInt64Array.from(positions.subarray(0, 3 * count), BigInt), [count, 3]),
      };
      const page = { format: FORMAT, taken, scores, low, chosen };
      const kept = photos ? keys.filter((key) => pictures.has(key)) : [];
      if (kept.length === taken.length) {
        const pixels = new Uint8Array(kept.length * 3 * SIZE * SIZE);
        kept.forEach((key, i) => pixels.set(pictures.get(key).pixels, 3 * i * SIZE * SIZE));
        arrays["more/page/photos.npy"] = archive.npy(pixels, [kept.length, SIZE, SIZE, 3]);
        page.photos = array("more/page/photos.npy");
      }
      const state = { ...model.header.state, memory: tensor("state/memory.npy"), scale: tensor("state/scale.npy"),
        positions: array("state/positions.npy") };
      const promise = { threshold, false_alarms: (n + 1 - rank) / (n + 1), certainty: 0, rank, photos: n, source: "held-out photos" };
      const squares = { size: SIZE, long_side: SIZE, overlap: 32 };
      const inspection = { format: INSPECTION, squares, promise, usual: looks, about: { made: "in the inspector's page" } };
      const settings = { ...model.header.settings, largest_memory: count };
      return archive.written({ ...model.header, settings, state, more: { inspection, page } }, arrays);
    }

    async function load({ file }) {
      const { header, arrays } = archive.readBack(new Uint8Array(await file.arrayBuffer())), ours = model.header;
      for (const part of ["format", "kind", "revision"]) {
        if (header[part] !== ours[part]) {
          throw new Error(`The file has the ${part} ${header[part]}; this page reads ${ours[part]}. `
            + `Learn anew from the photos, or open it with the book's version ${header.book}, which wrote it.`);
        }
      }
      const { page, inspection } = header.more || {}, { promise, usual: looks } = inspection || {};
      if (!page || !promise) throw new Error("The file was made by Python, not by this page, and holds no photos to show.");
      if (page.format !== FORMAT) {
        throw new Error(`The file has the page's format ${page.format}; this page reads ${FORMAT}. Learn anew from the photos.`);
      }
      if (header.state.backbone.sha256 !== ours.state.backbone.sha256 || header.state.side !== SIZE) {
        throw new Error("The file was saved with another network or size than this page has. Learn anew from the photos.");
      }
      const { taken, scores, low, chosen } = page, wide = network.channels.reduce((a, b) => a + b);
      const side = Math.ceil(SIZE / 4), count = header.settings.largest_memory;
      const entries = archive.unnpy(arrays["state/memory.npy"], "<f4", [count, wide]), scale = archive.unnpy(arrays["state/scale.npy"], "<f4", [wide]);
      const positions = Int32Array.from(archive.unnpy(arrays["state/positions.npy"], "<i8", [count, 3]), Number);
      const keys = taken.map(() => null), names = taken.filter((one) => !one.out).map((one) => String(one.name));
      if (page.photos) {
        const pixels = archive.unnpy(arrays["more/page/photos.npy"], "|u1", [taken.length, SIZE, SIZE, 3]), one = 3 * SIZE * SIZE;
        taken.forEach(({ name, width, height, from, light }, i) => {
          keys[i] = kept(String(name), { pixels: pixels.slice(i * one, (i + 1) * one), width, height, from, light });
        });
      }
      for (const picture of pictures.values()) delete picture.scaled;
      // With the photos left out, a smaller memory finds its threshold here too; without them it stays as saved.
      const leftOut = keys.filter((key, i) => key !== null && taken[i].out).map((key) => ({ ...sizes(key), seen: features(key) }));
      leftOut.forEach((one) => maths.divide(one.seen.values, scale));
      learned = { scale, entries, positions, wide, side, leftOut, most: count, photos: keys.filter((_, i) => !taken[i].out), names,
        taken, keys, warning: "", scores, threshold: chosen, low, usual: looks };
      sized(count);
      return { ...state(), chosen: promise.threshold, good: keys.filter((key) => key !== null).map(shown) };
    }

    function forget({ keys }) {
      keys.forEach((key) => pictures.delete(key));
    }

    /** For the tests: the feature vectors of a picture as the network gives them. */
    const look = ({ key }) => features(key).values;
    const rows = () => learned.positions;
    const anew = (payload) => {
      for (const picture of pictures.values()) delete picture.scaled;
      return learn(payload);
    };

    return { start, add, learn: anew, inspect, resize, save, load, forget, look, rows, sample: ({ key }) => pictures.get(key).pixels };
  }

  inspector.session = session;
});
