/* The page: what is dropped where, and what is shown of it. All the work is the thread's. */
(function () {
  "use strict";
  const place = document.getElementById("inspector");
  if (!place) return;
  const { html, render, useRef, useState } = window.htmPreact;
  const { Photo, Marked, Map, Patch, Source, Slider } = window.inspectorShown;
  const { percent, short } = window.nutParts;
  const ask = window.inspectorAsk;
  const base = document.currentScript.src;
  const small = "small" in place.dataset; // on the front page: the book's nuts alone, and a way to all of it
  const MOST = 200; // photos at a time: each takes two megabytes while it is learned from
  const STEPS = 400; // of the threshold's slider, up to WIDEST thresholds
  const WIDEST = 3;

  /** A script of this book, loaded when it is needed: a page on disk may load scripts, not data. */
  const script = (name) => new Promise((done, failed) => {
    const tag = Object.assign(document.createElement("script"), { src: new URL(name, base).href });
    tag.onload = done;
    tag.onerror = () => failed(new Error(`${name} is missing beside this page: build the book again.`));
    document.head.append(tag);
  });

  function fileOf({ name, url }) {
    const letters = atob(url.split(",")[1]);
    return new File([Uint8Array.from(letters, (letter) => letter.charCodeAt(0))], name, { type: "image/webp" });
  }

  function Result({ result, photo, good, state, threshold, onRemove }) {
    const odd = result.score > threshold, verdict = odd ? "odd" : "good";
    const like = good.find((one) => one.key === result.like.key);
    return html`<li class=${`inspector-result ${verdict}`} data-score=${result.score} data-verdict=${verdict}>
      <p><b>${odd ? "✕ Odd" : "✓ Good"}</b> <span>${photo.name}: score ${short(result.score)}, threshold ${short(threshold)}</span>
        ${onRemove && html`<button type="button" aria-label=${`Remove ${photo.name}`} onClick=${onRemove}>×</button>`}</p>
      <div class="inspector-row">
        <figure><${Marked} photo=${photo} map=${result.map} limit=${threshold}
          label=${`${photo.name}, ${verdict}; a line surrounds what is above the threshold`} />
          <figcaption>photo</figcaption></figure>
        <figure><${Map} map=${result.map} low=${state.low} high=${1.5 * state.threshold.value}
          label=${`Anomaly map of ${photo.name}: yellow where it is odd`} /><figcaption>map</figcaption></figure>
        <figure><${Patch} photo=${photo} patch=${result.patch} side=${result.side}
          label=${`The oddest place of ${photo.name}`} /><figcaption>oddest place</figcaption></figure>
        <figure>${like ? html`<${Patch} photo=${like} patch=${result.like.patch} side=${result.side}
          label=${`The most similar place of a good photo, ${like.name}`} />`
    : html`<span class="inspector-patch inspector-none">not in the file</span>`}
          <figcaption>most similar good place</figcaption></figure>
      </div></li>`;
  }

  function Inspector() {
    const [phase, setPhase] = useState("idle");
    const [doing, setDoing] = useState(null);
    const [said, setSaid] = useState("");
    const [problems, setProblems] = useState([]);
    const [good, setGood] = useState([]);
    const [inspected, setInspected] = useState([]);
    const [state, setState] = useState(null);
    const [threshold, setThreshold] = useState(null);
    const [count, setCount] = useState(null);
    const [stale, setStale] = useState(false);
    const [withPhotos, setWithPhotos] = useState(true);
    const ours = useRef(false);
    const busy = doing !== null;

    /** Do something that takes a while; what goes wrong is said, and all else stays as it is. */
    const during = (what, work) => async (...given) => {
      setDoing({ what });
      setProblems([]);
      window.inspectorProgress = ({ step, share }) => setDoing({ what: step === "looking" ? "Looking at the photos"
        : "Choosing what to remember", share });
      try {
        await work(...given);
      } catch (error) {
        setProblems((before) => [...before, error.message]);
      }
      setDoing(null);
    };

    async function read(files) {
      const photos = [];
      for (const [i, file] of files.slice(0, MOST).entries()) {
        setDoing({ what: "Reading the photos", share: i / files.length });
        try {
          photos.push(await ask("add", { file, name: file.name }));
        } catch (error) {
          setProblems((before) => [...before, `${file.name}: ${error.message}.`]);
        }
      }
      if (files.length > MOST) setProblems((before) => [...before, `${MOST} photos at a time; the rest was left out.`]);
      return photos;
    }

    async function learnFrom(photos) {
      const began = performance.now();
      const learned = await ask("learn", { keys: photos.map((photo) => photo.key) });
      setState(learned);
      setThreshold(learned.threshold.value);
      setCount(learned.count);
      setStale(false);
      const { heldOut, expected } = learned.threshold, seconds = ((performance.now() - began) / 1000).toFixed(1);
      setSaid(`Learned in ${seconds} s: ${learned.count} patches of ${photos.length - heldOut} photos are remembered. `
        + `The threshold is the highest score the rule allows among ${heldOut} good photo${heldOut === 1 ? "" : "s"} left out; `
        + `of new good photos ${percent(expected)} would be called odd on average.`);
      if (learned.warning) setProblems((before) => [...before, learned.warning]);
      return learned;
    }

    async function inspect(photos, before = []) {
      const results = [...before];
      for (const [i, photo] of photos.entries()) {
        setDoing({ what: "Inspecting", share: i / photos.length });
        results.unshift({ photo, result: await ask("inspect", { key: photo.key }) });
        setInspected([...results]);
      }
    }

    const start = during("Loading the network", async () => {
      setPhase("starting");
      try {
        await Promise.all([script("weights.js"), script("nuts.js")]);
        await ask("start", { model: window.inspectorModel });
        delete window.inspectorModel; // the thread has it
      } catch (error) {
        setPhase("idle");
        throw error;
      }
      setPhase("ready");
      await takeOurs();
    });

    async function takeOurs() {
      const photos = await read(window.inspectorNuts.good.map(fileOf));
      ours.current = true;
      setGood(photos);
      setInspected([]);
      await learnFrom(photos);
      await inspect(await read(window.inspectorNuts.inspected.map(fileOf)));
    }

    const addGood = during("Reading the photos", async (files) => {
      const photos = await read(files);
      if (!photos.length) return;
      const before = ours.current ? [] : good;
      if (ours.current) setInspected([]); // nuts, and the reader's part is none
      ours.current = false;
      setGood([...before, ...photos]);
      setStale(true);
    });
    const drop = (photo) => {
      setGood(good.filter((one) => one !== photo));
      setStale(true);
    };
    const learn = during("Looking at the photos", async () => {
      await learnFrom(good);
      await inspect(inspected.map(({ photo }) => photo).reverse());
    });
    const addInspected = during("Reading the photos", async (files) => inspect(await read(files), inspected));
    const resize = during("Choosing what to remember", async (entries) => {
      const before = state.threshold.value, learned = await ask("resize", { count: entries });
      setState(learned);
      setThreshold(threshold === before ? learned.threshold.value : threshold);
      await inspect(inspected.map(({ photo }) => photo).reverse());
    });
    const save = during("Saving", async () => {
      const archive = await ask("save", { threshold, photos: withPhotos });
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(archive), download: "inspector.zip" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      setSaid(`Saved ${(archive.size / 1e6).toFixed(1)} MB as inspector.zip.`);
    });
    const load = during("Loading what was learned", async (file) => {
      const learned = await ask("load", { file });
      ours.current = false;
      setState(learned);
      setThreshold(learned.chosen);
      setCount(learned.count);
      setGood(learned.good);
      setStale(false);
      setInspected([]);
      setSaid(`Loaded: ${learned.count} patches of ${learned.names.length} photos, threshold ${short(learned.chosen)}.`);
    });

    if (phase !== "ready") {
      return html`<div><p><button type="button" class="inspector-start" disabled=${busy} onClick=${start}>Start the inspector</button>
        It loads its network (4 MB, from this book) and begins with the book's own nuts.</p>
        <p role="status">${doing ? `${doing.what} …` : ""}</p><${Problems} list=${problems} /></div>`;
    }
    const odd = inspected.filter(({ result }) => result.score > threshold).length;
    if (small) {
      return html`<div><${Status} doing=${doing} said=${said} inspected=${inspected} odd=${odd} /><${Problems} list=${problems} />
        <p>The good nuts it learns from:</p>
        <ul class="inspector-photos">${good.map((photo) => html`<li key=${photo.key}><${Photo} photo=${photo} /></li>`)}</ul>
        <ul class="inspector-results inspector-few">${inspected.map(({ photo, result }) => html`<${Result} key=${photo.key} photo=${photo}
          result=${result} good=${good} state=${state} threshold=${threshold} />`)}</ul>
        <p><a href="inspector.html">The same with photos of your own part</a></p></div>`;
    }
    const at = state && Math.round((threshold / state.threshold.value / WIDEST) * STEPS);
    return html`<div>
      <${Status} doing=${doing} said=${said} inspected=${inspected} odd=${odd} />
      <${Problems} list=${problems} />
      <section aria-labelledby="inspector-good">
        <h3 id="inspector-good">1. Good photos</h3>
        <${Source} id="good-files" label="Drop photos of good parts here, ten make a start, or choose them:" busy=${busy} onFiles=${addGood}
          onProblem=${(text) => setProblems([text])} />
        <ul class="inspector-photos">${good.map((photo) => html`<li key=${photo.key}><${Photo} photo=${photo} />
          <button type="button" aria-label=${`Remove ${photo.name}`} disabled=${busy} onClick=${() => drop(photo)}>×</button></li>`)}</ul>
        <p class="explorer-buttons">
          <button type="button" class="inspector-learn" disabled=${busy || !stale || !good.length} onClick=${learn}>
            Learn from ${good.length === 1 ? "this photo" : `these ${good.length} photos`}</button>
          <button type="button" disabled=${busy || !good.length} onClick=${() => { setGood([]); setStale(true); ours.current = false; }}>
            Remove all</button>
          <button type="button" disabled=${busy || ours.current} onClick=${during("Reading the photos", takeOurs)}>The book's nuts</button>
        </p>
      </section>
      ${state && html`<section aria-labelledby="inspector-inspect">
        <h3 id="inspector-inspect">2. Photos to inspect</h3>
        <${Source} id="inspect-files" label="Drop photos to inspect here, or choose them:" busy=${busy} onFiles=${addInspected}
          onProblem=${(text) => setProblems([text])} />
        ${stale && html`<p>The good photos have changed since it learned.</p>`}
        <${Slider} id="inspector-threshold" min="1" max=${STEPS} step="1" value=${at} busy=${busy}
          label=${html`Threshold: <output for="inspector-threshold">${short(threshold)}</output>`}
          text=${`${short(threshold)}, ${odd} of ${inspected.length} photos odd`}
          onMove=${(step) => setThreshold(step === Math.round(STEPS / WIDEST) ? state.threshold.value
    : (step / STEPS) * WIDEST * state.threshold.value)} />
        <${Slider} id="inspector-memory" min=${Math.min(10, state.most)} max=${state.most} step="1" value=${count}
          busy=${busy || !state.measures}
          label=${html`Memory: <output for="inspector-memory">${count}</output> of ${state.most} patches`}
          text=${`${count} patches`} onMove=${setCount} onSet=${resize} />
        ${!state.measures && html`<p>The file holds no photos: nothing tells which threshold a smaller memory would need.</p>`}
        <p class="explorer-buttons"><button type="button" disabled=${busy || threshold === state.threshold.value}
          onClick=${() => setThreshold(state.threshold.value)}>The threshold from the photos left out</button></p>
        <ul class="inspector-results">${inspected.map(({ photo, result }) => html`<${Result} key=${photo.key} photo=${photo} result=${result}
          good=${good} state=${state} threshold=${threshold} onRemove=${() => setInspected(inspected.filter((one) => one.photo !== photo))} />`)}</ul>
      </section>`}
      <section aria-labelledby="inspector-file">
        <h3 id="inspector-file">3. Keep it</h3>
        <p class="explorer-buttons"><button type="button" disabled=${busy || !state} onClick=${save}>Save what was learned</button>
          <label class="inspector-check"><input type="checkbox" checked=${withPhotos} onChange=${(e) => setWithPhotos(e.target.checked)} />
            with the good photos, as small as above</label></p>
        <p><label for="inspector-load">Load a saved file:</label> <input id="inspector-load" type="file" accept=".zip" disabled=${busy}
          onChange=${(e) => { if (e.target.files[0]) load(e.target.files[0]); e.target.value = ""; }} /></p>
      </section></div>`;
  }

  const Status = ({ doing, said, inspected, odd }) => html`
    <p role="status" class="explorer-status">${doing ? `${doing.what} …${doing.share === undefined ? "" : ` ${Math.round(100 * doing.share)} %`}`
    : `${said}${inspected.length ? ` Inspected: ${inspected.length}, odd: ${odd}.` : ""}`}</p>
    <progress max="1" value=${doing ? (doing.share ?? 0) : 1} class=${doing ? "" : "hidden"} aria-label="Progress"></progress>`;
  const Problems = ({ list }) => html`<ul role="alert" class="inspector-problems">${list.map((text) => html`<li>${text}</li>`)}</ul>`;

  place.textContent = "";
  render(html`<${Inspector} />`, place);
})();
