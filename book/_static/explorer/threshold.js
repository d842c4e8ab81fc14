/* The threshold explorer: a slider over the recorded scores of any detector. */
(function () {
  "use strict";
  const place = document.getElementById("move-threshold");
  if (!place) return;
  const { html, render, useMemo, useState } = window.htmPreact;
  const maths = window.nutMaths;
  const { useWidth, percent, short, Slider, Choice, Amount, ticks, scale } = window.nutParts;
  const { defects, detectors, tile, columns } = window.nutScores;
  const sheet = new URL("nuts.webp", document.querySelector('script[src*="explorer/threshold"]').src).href;
  const kinds = [...new Set(defects)].sort((a, b) => (b === "good") - (a === "good") || (a < b ? -1 : 1));
  const numberOf = defects.map((kind, i) => i - defects.indexOf(kind));
  const START = "PatchCore";

  const nameOf = (i) => `${defects[i]} ${String(numberOf[i]).padStart(3, "0")}`;

  function Nut({ i, stopped }) {
    const right = stopped === (defects[i] !== "good");
    const style = {
      width: `${tile}px`, height: `${tile}px`,
      backgroundImage: `url(${sheet})`,
      backgroundPosition: `-${(i % columns) * tile}px -${Math.floor(i / columns) * tile}px`,
    };
    const label = `${nameOf(i)}: ${stopped ? "stopped" : "passed"}, ${right ? "rightly" : "wrongly"}`;
    return html`<li class=${`explorer-nut ${right ? "right" : "wrong"}`}>
      <div role="img" aria-label=${label} style=${style}></div>
      <span aria-hidden="true">${right ? "✓" : "✗"} ${nameOf(i)}</span>
    </li>`;
  }

  function Nuts({ title, images, stopped }) {
    if (!images.length) return null;
    return html`<p class="explorer-heading">${title} <b>${images.length}</b></p>
      <ul class="explorer-nuts">${images.map((i) => html`<${Nut} key=${i} i=${i} stopped=${stopped} />`)}</ul>`;
  }

  function Plot({ scores, threshold, costs }) {
    const [ref, width] = useWidth();
    const log = maths.needsLog(scores);
    const sorted = maths.distinct(scores);
    const rows = 24, left = 46, right = width - 12, top = 8;
    const dotsEnd = top + rows * kinds.length, curve = 84, bottom = dotsEnd + 18 + curve;
    const x = scale(maths.thresholdAt(scores, 0), sorted.at(-1), left, right, log);
    const points = useMemo(() => Array.from({ length: sorted.length + 1 }, (_, position) => {
      const at = maths.thresholdAt(scores, position);
      const counts = maths.confusion(scores, defects, at);
      return [at, maths.costPerThousand(counts, costs)];
    }), [scores, costs]);
    const most = Math.max(...points.map(([, cost]) => cost)) || 1;
    const y = scale(0, most, bottom, dotsEnd + 18);
    const path = points.map(([at, cost], k) =>
      (k ? `H${x(at).toFixed(1)}V${y(cost).toFixed(1)}` : `M${x(at).toFixed(1)} ${y(cost).toFixed(1)}`)).join("");
    const line = x(Math.max(maths.thresholdAt(scores, 0), Math.min(threshold, sorted.at(-1))));
    return html`<div ref=${ref}>
      <svg class="explorer-plot" width=${width} height=${bottom + 40} role="img"
        aria-label=${`The score of each of ${scores.length} images as a dot, a row a class, and below `
          + "it the cost per thousand parts at each threshold. A line marks the threshold."}>
        ${kinds.map((kind, row) => html`<g class=${`kind-${kind}`}>
          <text x=${left - 6} y=${top + rows * (row + 0.5)} class="end">${kind}</text>
          ${scores.map((score, i) => defects[i] === kind && html`<circle r="3.4" cx=${x(score)}
            cy=${top + rows * (row + 0.5) + ((i * 7) % 13) - 6}
            class=${score > threshold ? "stopped" : "passed"} />`)}
        </g>`)}
        <path class="cost" d=${path} />
        <text class="end" x=${left - 6} y=${y(0)}>0</text>
        <text class="end" x=${left - 6} y=${y(most)}>${short(Number(most.toPrecision(2)))}</text>
        <line class="axis" x1=${left} x2=${right} y1=${bottom} y2=${bottom} />
        ${ticks(maths.thresholdAt(scores, 0), sorted.at(-1), log, width / 110).map((tick) => html`
          <line class="axis" x1=${x(tick)} x2=${x(tick)} y1=${bottom} y2=${bottom + 5} />
          <text class="middle" x=${x(tick)} y=${bottom + 14}>${short(tick)}</text>`)}
        <text class="end" x=${right} y=${bottom + 32}>image score${log ? ", log scale" : ""}</text>
        <line class="threshold" x1=${line} x2=${line} y1=${top - 6} y2=${bottom} />
        <text class="end over" x=${right} y=${dotsEnd + 14}>cost per 1000 parts</text>
      </svg></div>`;
  }

  function Confusion({ counts }) {
    const cell = (count, of, wrong, key) => html`<td class=${wrong ? "wrong" : "right"} data-cell=${key}>
      <b>${count}</b> <span>${percent(count / of)}</span></td>`;
    const good = counts.tn + counts.fp, bad = counts.tp + counts.fn;
    return html`<table class="explorer-table">
      <caption>Confusion matrix: images, and their share of the row</caption>
      <thead><tr><td></td><th scope="col">passed</th><th scope="col">stopped</th></tr></thead>
      <tbody>
        <tr><th scope="row">good</th>${cell(counts.tn, good, false, "tn")}${cell(counts.fp, good, true, "fp")}</tr>
        <tr><th scope="row">defective</th>${cell(counts.fn, bad, true, "fn")}${cell(counts.tp, bad, false, "tp")}</tr>
      </tbody></table>`;
  }

  function Explorer() {
    const [method, setMethod] = useState(detectors.some((d) => d.name === START) ? START : detectors[0].name);
    const [seed, setSeed] = useState(0);
    const [moved, setMoved] = useState(null);
    const [costs, setCosts] = useState({ falseAlarm: 1, miss: 50, defective: 0.01 });
    const detector = detectors.find((d) => d.name === method);
    const run = detector.runs.find((r) => r.seed === seed) || detector.runs[0];
    const { scores } = run;
    const start = maths.positionOf(scores, run.threshold);
    const position = moved === null ? start : moved;
    // In its own gap the recorded threshold itself is shown.
    const threshold = position === start ? run.threshold : maths.thresholdAt(scores, position);
    const counts = maths.confusion(scores, defects, threshold);
    const cost = maths.costPerThousand(counts, costs);
    const moves = maths.changed(scores, run.threshold, threshold);
    const anew = (set) => (value) => { set(value); setMoved(null); };
    const priced = (key, factor = 1) => (value) => setCosts({ ...costs, [key]: value * factor });
    const options = (variant) => detectors.filter((d) => d.variant === variant).map((d) => [d.name, d.name]);
    const summary = `Threshold ${short(threshold)}: ${counts.fp} false alarm${counts.fp === 1 ? "" : "s"}, ${counts.fn} missed, `
      + `cost ${cost.toFixed(1)} per thousand parts.`;
    return html`
      <div class="explorer-fields">
        <${Choice} id="detector" label="Detector" value=${method} onInput=${anew(setMethod)}
          groups=${[["Detectors", options(false)], ["One thing changed", options(true)]]} />
        <${Choice} id="seed" label="Seed" value=${String(run.seed)} onInput=${(v) => anew(setSeed)(Number(v))}
          groups=${[[null, detector.runs.map((r) => [String(r.seed), String(r.seed)])]]} />
      </div>
      <${Slider} id="threshold" label=${html`Threshold: <output for="threshold">${short(threshold)}</output>`}
        min="0" max=${maths.distinct(scores).length} value=${position} text=${summary} onInput=${setMoved} />
      <p class="explorer-buttons">
        <button type="button" onClick=${() => setMoved(null)} disabled=${position === start}>
          The one chosen on ${run.heldOut} held-out good images</button>
        <button type="button" onClick=${() => setMoved(maths.cheapest(scores, defects, costs))}>
          The cheapest on these images</button>
      </p>
      <${Plot} scores=${scores} threshold=${threshold} costs=${costs} />
      <div class="explorer-columns">
        <${Confusion} counts=${counts} />
        <dl class="explorer-rates">
          <dt>false-alarm rate</dt><dd data-rate="false-alarm">${percent(maths.falseAlarmRate(counts))}</dd>
          <dt>miss rate</dt><dd data-rate="miss">${percent(maths.missRate(counts))}</dd>
          <dt>cost per 1000 parts</dt><dd data-rate="cost">${cost.toFixed(1)}</dd>
        </dl>
      </div>
      <div class="explorer-fields">
        <${Amount} id="cost-false-alarm" label="Cost of a false alarm" value=${costs.falseAlarm} onInput=${priced("falseAlarm")} />
        <${Amount} id="cost-miss" label="Cost of a missed defect" value=${costs.miss} onInput=${priced("miss")} />
        <${Amount} id="defective" label="Defective parts, %" value=${costs.defective * 100} max="100" step="0.1"
          onInput=${priced("defective", 0.01)} />
      </div>
      <p role="status" class="explorer-status">${summary}</p>
      <section aria-label="Images that change side">
        <p>${moves.length ? "Compared with the threshold chosen on good images:"
    : "At the threshold chosen on good images. Move the slider to see which images change side."}</p>
        <${Nuts} title="Now stopped:" images=${moves.filter((i) => scores[i] > threshold)} stopped=${true} />
        <${Nuts} title="Now passed:" images=${moves.filter((i) => scores[i] <= threshold)} stopped=${false} />
      </section>`;
  }

  place.textContent = "";
  render(html`<${Explorer} />`, place);
})();
