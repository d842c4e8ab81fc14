/* A WebAssembly module written as arrays of bytes: an assembler of what the kernels need, no more.
 * A page on disk may not fetch a .wasm file, and a module of four functions is small enough to be
 * written by hand. Names: WebAssembly Core Specification 2.0, Section 5. */
(window.inspectorParts ||= []).push(function (inspector) {
  "use strict";
  const I32 = 0x7f, F32 = 0x7d, V128 = 0x7b;

  /** A whole number in LEB128, seven bits a byte. */
  function leb(number) {
    const bytes = [];
    do {
      bytes.push((number & 127) | (number > 127 ? 128 : 0));
      number >>>= 7;
    } while (number);
    return bytes;
  }

  /** The same for numbers of either sign. */
  function signed(number) {
    const bytes = [];
    for (;;) {
      const low = number & 127;
      number >>= 7;
      if ((number === 0 && !(low & 64)) || (number === -1 && low & 64)) return [...bytes, low];
      bytes.push(low | 128);
    }
  }

  const listed = (items) => [...leb(items.length), ...items.flat()];
  const text = (word) => listed([...word].map((letter) => letter.charCodeAt(0)));
  const section = (number, bytes) => [number, ...leb(bytes.length), ...bytes];

  /** An instruction on vectors of four numbers. */
  const simd = (code, ...operands) => [0xfd, ...leb(code), ...operands.flat()];
  const place = (align, offset) => [align, ...leb(offset)];

  const instruction = {
    number: (value) => [0x41, ...signed(value)],
    add: [0x6a], shift: [0x74],
    loadAt: (offset = 0) => simd(0x00, place(2, offset)),
    splatAt: (offset = 0) => simd(0x09, place(2, offset)), // four copies of one number
    storeAt: (offset = 0) => simd(0x0b, place(2, offset)),
    storeOne: (offset = 0) => [0x38, ...place(2, offset)],
    splat: simd(0x13), splatWhole: simd(0x11),
    less: simd(0x43), select: simd(0x52),
    plus: simd(0xe4), times: simd(0xe6), least: simd(0xea), most: simd(0xeb),
    lane: (which) => simd(0x1f, [which]), plusOne: [0x92],
    zero: simd(0x0c, Array(16).fill(0)),
  };

  /**
   * A function: names of its parameters and other locals with their types, and its body, which is
   * given `get`, `set`, `advance` (a pointer by a number or by a local) and `repeat` (a loop that
   * counts a local down to 0; it runs once at least).
   */
  function procedure(name, parameters, locals, body) {
    const names = [...Object.keys(parameters), ...Object.keys(locals)];
    const index = (local) => {
      const found = names.indexOf(local);
      if (found < 0) throw new Error(`${name} has no local ${local}`);
      return leb(found);
    };
    const get = (local) => [0x20, ...index(local)];
    const set = (local, value) => [...value, 0x21, ...index(local)];
    const advance = (local, by) =>
      set(local, [...get(local), ...(typeof by === "string" ? get(by) : instruction.number(by)), ...instruction.add]);
    const repeat = (counter, times, inside) => [
      ...set(counter, times), 0x03, 0x40, ...inside.flat(),
      ...set(counter, [...get(counter), ...instruction.number(-1), ...instruction.add]),
      ...get(counter), 0x0d, 0, 0x0b,
    ];
    const code = [
      ...listed(Object.values(locals).map((type) => [1, type])),
      ...body({ get, set, advance, repeat }).flat(), 0x0b,
    ];
    return { name, type: [0x60, ...listed(Object.values(parameters).map((t) => [t])), 0], code };
  }

  /** The bytes of a module that exports procedures and imports a memory, `env.memory`. */
  function assembled(procedures) {
    return new Uint8Array([
      0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
      ...section(1, listed(procedures.map((p) => p.type))),
      ...section(2, listed([[...text("env"), ...text("memory"), 2, 0, 1]])),
      ...section(3, listed(procedures.map((_, i) => leb(i)))),
      ...section(7, listed(procedures.map((p, i) => [...text(p.name), 0, ...leb(i)]))),
      ...section(10, listed(procedures.map((p) => [...leb(p.code.length), ...p.code]))),
    ]);
  }

  inspector.wasm = { I32, F32, V128, instruction, simd, procedure, assembled };
});
