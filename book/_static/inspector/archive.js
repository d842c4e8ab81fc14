/* What was learned, as a file that Python reads too: helpers/networks/archive.py, a zip archive
 * without compression that holds header.json, arrays as NumPy writes them, and their SHA-256. */
(window.inspectorParts ||= []).push(function (inspector) {
  "use strict";
  const HEADER = "header.json", CHECKSUM = "header.sha256";
  const LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50;
  const DAY = 0x21; // 1 January 1980, the first that zip knows: a file says nothing about its reader
  const DAMAGED = "The file is damaged or cut short: copy or save it again.";
  const KINDS = { "<f4": Float32Array, "<i8": BigInt64Array, "|u1": Uint8Array };
  const STRANGE = "This is no file that the inspector has saved.";

  const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
    let value = n;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
  function checksum(bytes) {
    let value = ~0;
    for (let i = 0; i < bytes.length; i += 1) value = TABLE[(value ^ bytes[i]) & 255] ^ (value >>> 8);
    return ~value >>> 0;
  }

  /** Numbers of 2 (s) or 4 (l) bytes, the lowest first. */
  function numbers(...pairs) {
    const view = new DataView(new ArrayBuffer(pairs.reduce((sum, [kind]) => sum + (kind === "s" ? 2 : 4), 0)));
    let at = 0;
    for (const [kind, value] of pairs) {
      if (kind === "s") view.setUint16(at, value, true);
      else view.setUint32(at, value, true);
      at += kind === "s" ? 2 : 4;
    }
    return new Uint8Array(view.buffer);
  }

  function zipped(files) {
    const parts = [], central = [];
    let at = 0;
    const put = (list, bytes) => { list.push(bytes); return bytes.length; };
    for (const [name, bytes] of Object.entries(files)) {
      const title = new TextEncoder().encode(name), sum = checksum(bytes), start = at;
      const common = [["s", 20], ["s", 0x800], ["s", 0], ["s", 0], ["s", DAY], ["l", sum],
        ["l", bytes.length], ["l", bytes.length], ["s", title.length], ["s", 0]];
      at += put(parts, numbers(["l", LOCAL], ...common)) + put(parts, title) + put(parts, bytes);
      put(central, numbers(["l", CENTRAL], ["s", 20], ...common, ["s", 0], ["s", 0], ["s", 0], ["l", 0], ["l", start]));
      put(central, title);
    }
    const size = central.reduce((sum, part) => sum + part.length, 0), count = central.length / 2;
    const end = numbers(["l", END], ["s", 0], ["s", 0], ["s", count], ["s", count], ["l", size], ["l", at], ["s", 0]);
    return new Blob([...parts, ...central, end], { type: "application/zip" });
  }

  /** The files of an archive without compression, each with its checksum verified. */
  function unzipped(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let end = bytes.length - 22;
    while (end >= 0 && view.getUint32(end, true) !== END) end -= 1;
    if (end < 0) {
      throw new Error(bytes[0] === 0x50 && bytes[1] === 0x4b ? DAMAGED : STRANGE);
    }
    try {
      const files = {};
      let at = view.getUint32(end + 16, true);
      for (let i = view.getUint16(end + 10, true); i > 0; i -= 1) {
        if (view.getUint32(at, true) !== CENTRAL) throw new Error(DAMAGED);
        const method = view.getUint16(at + 10, true), sum = view.getUint32(at + 16, true), size = view.getUint32(at + 24, true);
        const long = view.getUint16(at + 28, true), rest = view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
        const local = view.getUint32(at + 42, true);
        const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + long));
        const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
        const content = bytes.subarray(start, start + size);
        if (method) throw new Error("The file is compressed; this page reads what it has saved itself.");
        if (content.length !== size || checksum(content) !== sum) throw new Error(DAMAGED);
        files[name] = content;
        at += 46 + long + rest;
      }
      return files;
    } catch (error) {
      throw error instanceof RangeError ? new Error(DAMAGED) : error;
    }
  }

  /** An array as NumPy's format 1.0 keeps it. */
  function npy(values, shape) {
    const kind = Object.keys(KINDS).find((name) => values instanceof KINDS[name]);
    const dims = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
    const head = `{'descr': '${kind}', 'fortran_order': False, 'shape': ${dims}, }`;
    const padded = `${head.padEnd(64 * Math.ceil((head.length + 11) / 64) - 11)}\n`;
    const text = new TextEncoder().encode(padded);
    const out = new Uint8Array(10 + text.length + values.byteLength);
    out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8]);
    out.set(text, 10);
    out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + text.length);
    return out;
  }

  function unnpy(bytes, kind, shape) {
    const long = bytes ? bytes[8] + 256 * bytes[9] : 0, head = bytes ? new TextDecoder().decode(bytes.subarray(10, 10 + long)) : "";
    const dims = ((head.match(/'shape': \(([^)]*)\)/) || [])[1] || "").split(",").filter((d) => d.trim()).map(Number);
    const fits = head.includes(`'descr': '${kind}'`) && head.includes("'fortran_order': False")
      && dims.length === shape.length && dims.every((d, i) => d === shape[i]);
    const data = fits ? bytes.slice(10 + long) : new Uint8Array();
    if (!fits || data.length !== KINDS[kind].BYTES_PER_ELEMENT * dims.reduce((a, b) => a * b, 1)) throw new Error(DAMAGED);
    return new KINDS[kind](data.buffer);
  }

  /* SHA-256 (FIPS 180-4). The browser's own is missing on pages that come by plain http. */
  const [STARTS, ROUNDS] = (() => {
    const primes = [];
    for (let n = 2; primes.length < 64; n += 1) if (primes.every((p) => n % p)) primes.push(n);
    const bits = (root) => Math.floor((root - Math.floor(root)) * 2 ** 32);
    return [primes.slice(0, 8).map((p) => bits(Math.sqrt(p))), primes.map((p) => bits(Math.cbrt(p)))];
  })();
  const turned = (x, by) => (x >>> by) | (x << (32 - by));

  function sha256(bytes) {
    const state = Int32Array.from(STARTS), words = new Int32Array(64);
    const whole = new Uint8Array(64 * Math.ceil((bytes.length + 9) / 64)), view = new DataView(whole.buffer);
    whole.set(bytes);
    whole[bytes.length] = 128;
    view.setUint32(whole.length - 8, Math.floor(bytes.length / 2 ** 29));
    view.setUint32(whole.length - 4, (bytes.length * 8) >>> 0);
    for (let at = 0; at < whole.length; at += 64) {
      for (let t = 0; t < 64; t += 1) {
        if (t < 16) words[t] = view.getInt32(at + 4 * t);
        else {
          const a = words[t - 15], b = words[t - 2];
          words[t] = words[t - 16] + words[t - 7] + (turned(a, 7) ^ turned(a, 18) ^ (a >>> 3))
            + (turned(b, 17) ^ turned(b, 19) ^ (b >>> 10));
        }
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let t = 0; t < 64; t += 1) {
        const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[t] + words[t]) | 0;
        const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
      }
      [a, b, c, d, e, f, g, h].forEach((value, i) => { state[i] += value; });
    }
    return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** A header and arrays by name, as one file. */
  function written(header, arrays) {
    const digests = Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [name, sha256(bytes)]));
    const head = new TextEncoder().encode(JSON.stringify({ ...header, arrays: digests }, null, 1));
    return zipped({ [HEADER]: head, [CHECKSUM]: new TextEncoder().encode(sha256(head)), ...arrays });
  }

  /** The header and the arrays of such a file, every checksum verified. */
  function readBack(bytes) {
    const { [HEADER]: head, [CHECKSUM]: sum, ...arrays } = unzipped(bytes);
    if (!head || !sum) throw new Error(STRANGE);
    if (new TextDecoder().decode(sum) !== sha256(head)) throw new Error(DAMAGED);
    const header = JSON.parse(new TextDecoder().decode(head));
    const names = Object.keys(arrays), known = header.arrays || {};
    if (names.length !== Object.keys(known).length || names.some((name) => known[name] !== sha256(arrays[name]))) {
      throw new Error(DAMAGED);
    }
    return { header, arrays };
  }

  inspector.archive = { written, readBack, npy, unnpy, sha256, DAMAGED, STRANGE };
});
