/* The mixing explorer: α shapes the draw of λ, λ mixes two pictures and their labels. */
(function () {
  "use strict";
  const place = document.getElementById("move-alpha");
  if (!place) return;
  const { html, render, useState } = window.htmPreact;
  const maths = window.nutMaths;
  const { useWidth, percent, short, Slider, Choice, ticks, scale } = window.nutParts;
  const pictures = window.nutPictures;
  const kinds = Object.keys(pictures);
  const HEIGHT = 150, HIGHEST = 4, STEPS = 200;

  function Density({ alpha, share }) {
    const [ref, width] = useWidth();
    const left = 34, right = width - 12, bottom = HEIGHT - 38;
    const x = scale(0, 1, left, right), y = scale(0, HIGHEST, bottom, 10);
    const path = Array.from({ length: STEPS }, (_, i) => {
      const at = (i + 0.5) / STEPS;
      const density = Math.min(maths.betaDensity(at, alpha), HIGHEST);
      return `${i ? "L" : "M"}${x(at).toFixed(1)} ${y(density).toFixed(1)}`;
    }).join("");
    return html`<div ref=${ref}>
      <svg class="explorer-plot" width=${width} height=${HEIGHT} role="img"
        aria-label="Density of the Beta distribution with parameters alpha and 1, from 0 to 1. A line marks lambda, a dashed one the mean.">
        <path class="cost" d=${path} />
        <line class="axis" x1=${left} x2=${right} y1=${bottom} y2=${bottom} />
        ${ticks(0, 1, false, 5).map((tick) => html`<text class="middle" x=${x(tick)} y=${bottom + 14}>${short(tick)}</text>`)}
        ${[0, 2, 4].map((tick) => html`<text class="end" x=${left - 6} y=${y(tick)}>${tick}</text>`)}
        <text class="end" x=${right} y=${bottom + 28}>λ</text>
        <line class="mean" x1=${x(maths.betaMean(alpha))} x2=${x(maths.betaMean(alpha))} y1="4" y2=${bottom} />
        <line class="threshold" x1=${x(share)} x2=${x(share)} y1="4" y2=${bottom} />
      </svg></div>`;
  }

  function Figure({ label, children }) {
    return html`<figure class="explorer-figure">${children}<figcaption>${label}</figcaption></figure>`;
  }

  function Explorer() {
    const [power, setPower] = useState(Math.log10(0.2));
    const [share, setShare] = useState(0.3);
    const [rare, setRare] = useState(kinds.includes("print") ? "print" : kinds.at(-1));
    const alpha = 10 ** power;
    const oneHot = (name) => kinds.map((kind) => (kind === name ? 1 : 0));
    const target = maths.mix(oneHot("good"), oneHot(rare), share);
    const words = kinds.flatMap((kind, i) => (target[i] ? [`${kind} ${target[i].toFixed(2)}`] : [])).join(", ");
    const image = (name) => html`<img src=${pictures[name]} alt=${`a ${name === "good" ? "good nut" : `nut with damage: ${name}`}`} />`;
    return html`
      <div class="explorer-fields">
        <${Choice} id="rare" label="Defect in the class-balanced batch" value=${rare} onInput=${setRare}
          groups=${[[null, kinds.filter((kind) => kind !== "good").map((kind) => [kind, kind])]]} />
      </div>
      <${Slider} id="alpha" label=${html`α: <output for="alpha">${alpha.toFixed(2)}</output>`} min="-1.3" max="0.7"
        step="0.01" value=${power} text=${`alpha ${alpha.toFixed(2)}`} onInput=${setPower} />
      <${Density} alpha=${alpha} share=${share} />
      <p class="explorer-status">On average λ is <b data-mean>${maths.betaMean(alpha).toFixed(3)}</b> (dashed).
        It is above one half in <b data-above>${percent(maths.betaAbove(0.5, alpha))}</b> of all batches.</p>
      <${Slider} id="lambda" label=${html`λ: <output for="lambda">${share.toFixed(2)}</output>`} min="0" max="1"
        step="0.01" value=${share} text=${`lambda ${share.toFixed(2)}: ${words}`} onInput=${setShare} />
      <p class="explorer-buttons"><button type="button"
        onClick=${() => setShare(maths.betaQuantile(Math.random(), alpha))}>Draw λ from Beta(α, 1)</button></p>
      <div class="explorer-pictures">
        <${Figure} label="instance-balanced: good">${image("good")}</${Figure}>
        <${Figure} label=${`class-balanced: ${rare}`}>${image(rare)}</${Figure}>
        <${Figure} label=${`mixed: ${words}`}>
          <div class="explorer-mixed" role="img" aria-label=${`both nuts over each other: ${words}`}>
            <img src=${pictures.good} alt="" /><img src=${pictures[rare]} alt="" style=${{ opacity: share }} />
          </div></${Figure}>
      </div>
      <table class="explorer-table">
        <caption>The mixed label</caption>
        <thead><tr>${kinds.map((kind) => html`<th scope="col">${kind}</th>`)}</tr></thead>
        <tbody><tr>${kinds.map((kind, i) => html`<td data-target=${kind}>${target[i].toFixed(2)}</td>`)}</tr></tbody>
      </table>
      <p role="status" class="explorer-status">The mixed label: ${words}.</p>`;
  }

  place.textContent = "";
  render(html`<${Explorer} />`, place);
})();
