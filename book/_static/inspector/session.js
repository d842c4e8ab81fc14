/* The inspector itself, in a thread of its own: pictures by number, what was learned from them, and
 * the commands that the page gives. Nothing here knows of buttons. */
(window.inspectorParts ||= []).push(function (inspector) {
  "use strict";
  const SIZE = 224, LARGEST = 3000, SHARE = 0.1, NEIGHBOURS = 9, SMOOTHING = 1 / 64;
  const LEFT_OUT = 1 / 3; // of the good photos, for the threshold
  const APART = 2.5; // groups this much farther apart than they are wide are two products
  const { memory: maths, archive } = inspector;

  function session(say) {
    const pictures = new Map();
    let next = 1, engine, network, model, base, learned = null;

    function start({ model: given }) {
      model = given;
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

    const judged = (one) => maths.judge(engine, one, learned.memory, { neighbours: NEIGHBOURS, smoothing: SMOOTHING, size: SIZE });

    /** The threshold from the photos left out, and what their maps show. */
    function measured() {
      const results = learned.leftOut.map(judged);
      learned.scores = results.map((result) => result.score);
      learned.threshold = maths.thresholdFrom(learned.scores);
      learned.high = Math.max(...results.map(({ map }) => map.reduce((a, b) => Math.max(a, b))));
      learned.low = Math.min(...results.map(({ map }) => map.reduce((a, b) => Math.min(a, b))));
    }

    function state() {
      const { scores, threshold, high, low, most, memory, warning, names } = learned;
      return { scores, threshold, high, low, most, count: memory.count, warning, names };
    }

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
      const leftOut = seen.filter((_, i) => out[i]);
      leftOut.forEach(({ values }) => maths.divide(values, scale));
      const inOrder = [...fit.map((_, i) => ({ values: vectors.subarray(i * patches * wide, (i + 1) * patches * wide) })), ...leftOut];
      const warning = twoProducts(inOrder.map((one) => mean(one, wide)));
      const rows = fit.length * patches, most = Math.min(Math.max(1, Math.round(SHARE * rows)), LARGEST);
      engine.release(base);
      const chosen = maths.kCentre(engine, vectors, wide, most, (share) => say({ step: "remembering", share }));
      const entries = new Float32Array(most * wide), positions = new Int32Array(most * 3);
      chosen.forEach((row, i) => {
        entries.set(vectors.subarray(row * wide, (row + 1) * wide), i * wide);
        positions.set([Math.floor(row / patches), Math.floor((row % patches) / side), row % side], 3 * i);
      });
      learned = { scale, entries, positions, wide, side, leftOut, most, photos: fit, warning, names: fit.map((key) => pictures.get(key).name) };
      sized(most);
      measured();
      return state();
    }

    /** Whether photos fall into two groups much farther apart than each is wide. */
    function twoProducts(means) {
      if (means.length < 4) return "";
      const apart = (a, b) => Math.sqrt(a.reduce((sum, value, k) => sum + (value - b[k]) ** 2, 0));
      const centreOf = (group) => group[0].map((_, k) => group.reduce((sum, one) => sum + one[k], 0) / group.length);
      const middle = centreOf(means), farthest = (from) => means.reduce((a, b) => (apart(a, from) > apart(b, from) ? a : b));
      let centres = [farthest(middle)];
      centres.push(farthest(centres[0]));
      let groups = [];
      for (let round = 0; round < 5; round += 1) { // k-means with two centres
        groups = [[], []];
        means.forEach((one) => groups[apart(one, centres[0]) <= apart(one, centres[1]) ? 0 : 1].push(one));
        if (!groups[1].length) return "";
        centres = groups.map(centreOf);
      }
      const width = Math.max(...groups.map((group, g) => group.reduce((sum, one) => sum + apart(one, centres[g]), 0) / group.length));
      const least = Math.min(...groups.map((group) => group.length));
      if (apart(...centres) < APART * width) return "";
      return least === 1 ? "One of the good photos looks quite unlike the others. Is it of the same product, and in the same light?"
        : `The good photos fall into two groups, of ${groups[0].length} and ${groups[1].length}. Two products need two inspectors.`;
    }

    const needed = () => {
      if (!learned) throw new Error("Nothing has been learned yet.");
    };

    function judge({ key }) {
      needed();
      const picture = pictures.get(key);
      picture.scaled ||= (() => {
        const seen = features(key);
        maths.divide(seen.values, learned.scale);
        return seen;
      })();
      const { score, patch, side, entry, map } = judged(picture.scaled);
      const [photo, row, column] = learned.positions.subarray(3 * entry, 3 * entry + 3);
      return { key, score, map, side, patch: [Math.floor(patch / side), patch % side],
        like: { key: learned.photos[photo] ?? null, name: learned.names[photo], patch: [row, column] } };
    }

    function resize({ count }) {
      needed();
      sized(Math.max(1, Math.min(count, learned.most)));
      if (learned.leftOut.length) measured();
      return state();
    }

    async function encoded(key) {
      const canvas = new OffscreenCanvas(SIZE, SIZE);
      canvas.getContext("2d").putImageData(shown(key).image, 0, 0);
      return new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
    }

    async function save({ threshold, photos }) {
      needed();
      const { scale, memory, wide, positions, names, scores, high, low, threshold: chosen, side } = learned;
      const settings = {
        format: archive.FORMAT, version: archive.VERSION,
        network: { architecture: model.architecture, sha256: model.sha256, layers: model.names, patch: 3 },
        size: SIZE, side, features: wide, entries: memory.count, neighbours: NEIGHBOURS, smoothing: SMOOTHING,
        threshold, chosen_threshold: chosen, held_out_scores: scores, map_range: [low, high], photos: names,
      };
      const files = {
        "inspector.json": new TextEncoder().encode(`${JSON.stringify(settings, null, 1)}\n`),
        "memory.npy": archive.npy(memory.entries.slice(0, memory.count * wide), [memory.count, wide]),
        "scale.npy": archive.npy(scale, [wide]),
        "positions.npy": archive.npy(positions.slice(0, 3 * memory.count), [memory.count, 3]),
      };
      if (photos) {
        for (let i = 0; i < learned.photos.length; i += 1) {
          if (learned.photos[i]) files[`good/${String(i).padStart(3, "0")}.png`] = await encoded(learned.photos[i]);
        }
      }
      return archive.zipped(files);
    }

    async function load({ file }) {
      const files = archive.unzipped(new Uint8Array(await file.arrayBuffer())), settings = archive.settingsOf(files);
      const { features: wide, entries: count, side, size, threshold, chosen_threshold: chosen, held_out_scores: scores, photos: names } = settings;
      const finite = (value) => typeof value === "number" && Number.isFinite(value);
      const sound = [wide, count, side, size].every((n) => Number.isInteger(n) && n > 0) && finite(threshold) && chosen
        && finite(chosen.value) && Array.isArray(scores) && scores.length && scores.every(finite) && Array.isArray(names)
        && Array.isArray(settings.map_range) && settings.map_range.every(finite) && settings.network;
      if (!sound) throw new Error(archive.DAMAGED);
      if (settings.network.sha256 !== model.sha256 || size !== SIZE || settings.neighbours !== NEIGHBOURS
        || wide !== network.channels.reduce((a, b) => a + b)) {
        throw new Error("The file was saved with another network or other settings than this page has. Learn anew from the photos.");
      }
      const entries = archive.unnpy(files["memory.npy"], "<f4", [count, wide]), scale = archive.unnpy(files["scale.npy"], "<f4", [wide]);
      const positions = archive.unnpy(files["positions.npy"], "<i4", [count, 3]);
      if (!entries.every(Number.isFinite) || !scale.every((value) => value > 0)
        || positions.some((value, i) => value < 0 || value >= (i % 3 ? side : names.length))) throw new Error(archive.DAMAGED);
      const photos = [];
      for (let i = 0; i < names.length; i += 1) {
        const bytes = files[`good/${String(i).padStart(3, "0")}.png`], name = String(names[i]);
        photos.push(bytes ? kept(name, await inspector.pictures.read(new Blob([bytes]), name, SIZE)) : null);
      }
      for (const picture of pictures.values()) delete picture.scaled;
      learned = { scale, entries, positions, wide, side, leftOut: [], most: count, photos, names: names.map(String), warning: "",
        scores, threshold: chosen, low: settings.map_range[0], high: settings.map_range[1] };
      sized(count);
      return { ...state(), chosen: threshold, good: photos.filter(Boolean).map(shown) };
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

    return { start, add, learn: anew, judge, resize, save, load, forget, look, rows, sample: ({ key }) => pictures.get(key).pixels };
  }

  inspector.session = session;
});
