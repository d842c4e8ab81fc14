/* What both explorers are made of: labelled controls, an axis, the width of the page. */
(function () {
  "use strict";
  const { html, useEffect, useRef, useState } = window.htmPreact;

  /** Width of the element behind `ref` in pixels; drawings follow it, so letters keep their size. */
  function useWidth() {
    const ref = useRef(null);
    const [width, setWidth] = useState(640);
    useEffect(() => {
      const watcher = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width || 640));
      watcher.observe(ref.current);
      return () => watcher.disconnect();
    }, []);
    return [ref, Math.max(280, width)];
  }

  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  function short(value) {
    if (value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3)) {
      return value.toExponential(2);
    }
    return String(Number(value.toPrecision(4)));
  }

  function Slider({ id, label, value, min, max, step = 1, text, onInput }) {
    return html`<div class="explorer-field explorer-slider">
      <label for=${id}>${label}</label>
      <input id=${id} type="range" min=${min} max=${max} step=${step} value=${value}
        aria-valuetext=${text} onInput=${(e) => onInput(Number(e.target.value))} />
    </div>`;
  }

  function Choice({ id, label, value, groups, onInput }) {
    const options = (list) => list.map(([key, name]) =>
      html`<option value=${key} selected=${key === value}>${name}</option>`);
    return html`<div class="explorer-field">
      <label for=${id}>${label}</label>
      <select id=${id} onChange=${(e) => onInput(e.target.value)}>
        ${groups.map(([name, list]) => (name
    ? html`<optgroup label=${name}>${options(list)}</optgroup>` : options(list)))}
      </select>
    </div>`;
  }

  function Amount({ id, label, value, min = 0, max, step = 1, onInput }) {
    const take = (event) => {
      const typed = Number(event.target.value);
      const usable = event.target.value !== "" && typed >= min && !(typed > max);
      event.target.setCustomValidity(usable ? "" : `A number from ${min}${max ? ` to ${max}` : ""}`);
      if (usable) onInput(typed);
      else event.target.reportValidity();
    };
    return html`<div class="explorer-field">
      <label for=${id}>${label}</label>
      <input id=${id} type="number" min=${min} max=${max} step=${step} value=${value}
        onInput=${take} />
    </div>`;
  }

  /** Round places for marks on an axis from `low` to `high`. */
  function ticks(low, high, log, count) {
    if (log) {
      const first = Math.ceil(Math.log10(low)), last = Math.floor(Math.log10(high));
      const every = Math.max(1, Math.ceil((last - first + 1) / count));
      const powers = [];
      for (let power = first; power <= last; power += every) powers.push(10 ** power);
      return powers.length > 1 ? powers : [...new Set([low, high].map((v) => Number(v.toPrecision(1))))];
    }
    const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].find((m) => m * power >= raw) * power;
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high; i += 1) {
      found.push(Number((i * step).toPrecision(10)));
    }
    return found;
  }

  /** A function from values to places on the page. */
  function scale(low, high, from, to, log = false) {
    const f = log ? Math.log : (v) => v;
    return (value) => from + ((f(value) - f(low)) / (f(high) - f(low) || 1)) * (to - from);
  }

  window.nutParts = { useWidth, percent, short, Slider, Choice, Amount, ticks, scale };
})();
