/* From a file to a square picture: what helpers/data/decode.py and squares.py do, Pillow's resizing
 * included, bit by bit; so that Python sees in a photo what this page sees. */
(window.inspectorParts ||= []).push(function (inspector) {
  "use strict";
  const MOST_PIXELS = 2 ** 26, LEAST_SIDE = 32;
  const BITS = 22; // of a weight in Pillow's arithmetic
  const BAND = 256; // rows that are taken out of a large photo at a time
  const ORIGINS = {
    heic: "HEIC, an iPhone's own format: export it as JPEG", heif: "HEIF: export it as JPEG",
    tif: "TIFF, which browsers do not read: save it as PNG", tiff: "TIFF, which browsers do not read: save it as PNG",
    dng: "a raw photo: develop it to PNG or JPEG", cr2: "a raw photo: develop it to PNG or JPEG",
    nef: "a raw photo: develop it to PNG or JPEG", arw: "a raw photo: develop it to PNG or JPEG",
  };
  const BRANDS = ["heic", "heix", "hevc", "mif1", "msf1", "heim", "heis"];

  /** Round as Python does: a half goes to the even number. */
  function rounded(value) {
    const low = Math.floor(value), rest = value - low;
    return rest > 0.5 || (rest === 0.5 && low % 2) ? low + 1 : low;
  }

  /** Whether a JPEG or PNG file has an end: browsers show the part that is there of one cut short. */
  function hasAnEnd(bytes) {
    const last = bytes.subarray(-4096);
    if (bytes[0] === 0x89 && bytes[1] === 0x50) { // a PNG file ends with the chunk IEND
      return String.fromCharCode(...last).includes("IEND");
    }
    if (bytes[0] === 0xff && bytes[1] === 0xd8) { // a JPEG file with FF D9, but data of a camera may follow
      const after = bytes.length > 200000 ? 100000 : bytes.length >> 1;
      for (let i = bytes.length - 2; i >= after; i -= 1) if (bytes[i] === 0xff && bytes[i + 1] === 0xd9) return true;
      return false;
    }
    return true;
  }

  /** Pillow's bilinear weights for one direction: where each sum begins, and whole numbers. */
  function weightsOf(from, to) {
    const scale = from / to, wide = Math.max(scale, 1);
    return Array.from({ length: to }, (_, i) => {
      const centre = (i + 0.5) * scale;
      const start = Math.max(Math.trunc(centre - wide + 0.5), 0), end = Math.min(Math.trunc(centre + wide + 0.5), from);
      const raw = Array.from({ length: end - start }, (__, k) => Math.max(0, 1 - Math.abs((k + start - centre + 0.5) / wide)));
      const total = raw.reduce((a, b) => a + b, 0);
      return { start, weights: Int32Array.from(raw, (w) => Math.trunc(0.5 + (w / total) * 2 ** BITS)) };
    });
  }

  /** Resize lines of pixels: `step` numbers from one pixel to the next, `line` from one line to the next. */
  function resampled(from, to, places, lines, [fromStep, fromLine], [toStep, toLine]) {
    for (let l = 0; l < lines; l += 1) {
      places.forEach(({ start, weights }, i) => {
        for (let c = 0; c < 3; c += 1) {
          let sum = 2 ** (BITS - 1);
          for (let k = 0, at = l * fromLine + start * fromStep + c; k < weights.length; k += 1, at += fromStep) {
            sum += from[at] * weights[k];
          }
          to[l * toLine + i * toStep + c] = sum >> BITS;
        }
      });
    }
  }

  function medianBorder(pixels, width, height) {
    return [0, 1, 2].map((c) => {
      const values = [];
      for (let x = 0; x < width; x += 1) values.push(pixels[3 * x + c], pixels[3 * ((height - 1) * width + x) + c]);
      for (let y = 0; y < height; y += 1) values.push(pixels[3 * y * width + c], pixels[3 * (y * width + width - 1) + c]);
      values.sort((a, b) => a - b);
      return rounded((values[(values.length - 1) >> 1] + values[values.length >> 1]) / 2);
    });
  }

  /** Resize a decoded photo to `size` on its long side, its shape kept, and fill up to a square. */
  function squared(bitmap, size) {
    const { width, height } = bitmap, scale = size / Math.max(width, height);
    const wide = Math.max(1, rounded(width * scale)), high = Math.max(1, rounded(height * scale));
    const canvas = new OffscreenCanvas(width, Math.min(BAND, height));
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const across = new Uint8Array(3 * wide * height), places = weightsOf(width, wide);
    for (let top = 0; top < height; top += BAND) {
      const rows = Math.min(BAND, height - top);
      context.clearRect(0, 0, width, rows);
      context.drawImage(bitmap, 0, -top);
      const { data } = context.getImageData(0, 0, width, rows);
      for (let i = 3; i < data.length; i += 4) {
        if (data[i] < 255) throw new Error("it is partly transparent: save it on the background it shall have");
      }
      resampled(data, across.subarray(3 * wide * top), places, rows, [4, 4 * width], [3, 3 * wide]);
    }
    const small = new Uint8Array(3 * wide * high);
    resampled(across, small, weightsOf(height, high), wide, [3 * wide, 3], [3 * wide, 3]);
    const border = medianBorder(small, wide, high), pixels = new Uint8Array(3 * size * size);
    for (let i = 0; i < pixels.length; i += 1) pixels[i] = border[i % 3];
    for (let row = 0; row < high; row += 1) {
      pixels.set(small.subarray(3 * row * wide, 3 * (row + 1) * wide), 3 * row * size);
    }
    let light = 0; // the mean grey level, by Pillow's weights
    for (let i = 0; i < small.length; i += 3) light += 0.299 * small[i] + 0.587 * small[i + 1] + 0.114 * small[i + 2];
    return { pixels, width: wide, height: high, from: [width, height], light: light / (wide * high) };
  }

  /** Read a file, upright: bytes size × size × 3, and how much of the square is the photo. */
  async function read(blob, name, size) {
    const ending = name.toLowerCase().split(".").pop();
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const brand = String.fromCharCode(...bytes.subarray(4, 12));
    if (ORIGINS[ending] || (brand.startsWith("ftyp") && BRANDS.includes(brand.slice(4)))) {
      throw new Error(`it is ${ORIGINS[ending] || ORIGINS.heic}`);
    }
    if (!bytes.length) throw new Error("the file is empty");
    let bitmap;
    try {
      bitmap = await createImageBitmap(blob, {
        imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none",
      });
    } catch {
      throw new Error("it is no picture that this browser can read (JPEG, PNG and WebP are safe), or it is damaged");
    }
    try {
      const { width, height } = bitmap;
      if (!hasAnEnd(bytes)) throw new Error("it is cut short: copy it again");
      if (width * height > MOST_PIXELS) throw new Error(`it has ${width} × ${height} pixels, too many: make it smaller`);
      if (Math.min(width, height) < LEAST_SIDE) {
        throw new Error(`it has ${width} × ${height} pixels; a part is looked at in ${LEAST_SIDE} × ${LEAST_SIDE} at least`);
      }
      const square = squared(bitmap, size);
      const { pixels } = square;
      if (pixels.every((value, i) => value === pixels[i % 3])) throw new Error("it has one colour everywhere");
      return square;
    } finally {
      bitmap.close();
    }
  }

  inspector.pictures = { read, squared, weightsOf };
});
