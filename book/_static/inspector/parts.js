/* What the inspector page is made of: photos with what was found on them, places to drop files, a camera. */
(function () {
  "use strict";
  const { html, useEffect, useRef, useState } = window.htmPreact;
  const CIVIDIS = ["00224e", "002e6c", "1e3a6f", "35456c", "47516c", "575d6d", "666970", "757575", "848279",
    "948e77", "a59c74", "b7a96e", "c8b866", "dbc75a", "eed649", "fee838"]
    .map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  const ORANGE = [255, 120, 40];
  const CROP = 48; // pixels of the square round a patch

  /** Draw on a canvas whenever what it shows has changed; it is one picture with one text. */
  function Canvas({ size, label, draw, depends, className }) {
    const ref = useRef(null);
    useEffect(() => draw(ref.current.getContext("2d")), depends);
    return html`<canvas ref=${ref} width=${size} height=${size} class=${className} role="img" aria-label=${label}></canvas>`;
  }

  const Photo = ({ photo, label }) => html`<${Canvas} size=${photo.image.width} label=${label || photo.name}
    depends=${[photo]} draw=${(context) => context.putImageData(photo.image, 0, 0)} />`;

  /** A photo with a line round what is above `limit` on its map. */
  function Marked({ photo, map, limit, label }) {
    const side = photo.image.width;
    const above = (x, y) => x >= 0 && y >= 0 && x < side && y < side && map[y * side + x] > limit;
    const draw = (context) => {
      const shown = new ImageData(new Uint8ClampedArray(photo.image.data), side);
      for (let y = 0; y < side; y += 1) {
        for (let x = 0; x < side; x += 1) {
          if (above(x, y)) continue;
          if ([[1, 0], [-1, 0], [0, 1], [0, -1], [2, 0], [-2, 0], [0, 2], [0, -2]].some(([i, j]) => above(x + i, y + j))) {
            shown.data.set(ORANGE, 4 * (y * side + x));
          }
        }
      }
      context.putImageData(shown, 0, 0);
    };
    return html`<${Canvas} size=${side} label=${label} draw=${draw} depends=${[photo, map, limit]} />`;
  }

  /** A map in colours, the same for all photos: `low` is blue, `high` is yellow. */
  function Map({ map, low, high, label }) {
    const side = Math.sqrt(map.length);
    const draw = (context) => {
      const shown = new ImageData(side, side);
      map.forEach((value, i) => {
        const at = Math.min(Math.max((value - low) / (high - low), 0), 1) * (CIVIDIS.length - 1);
        const first = Math.min(Math.floor(at), CIVIDIS.length - 2), share = at - first;
        const colour = CIVIDIS[first].map((c, k) => (1 - share) * c + share * CIVIDIS[first + 1][k]);
        shown.data.set([...colour, 255], 4 * i);
      });
      context.putImageData(shown, 0, 0);
    };
    return html`<${Canvas} size=${side} label=${label} draw=${draw} depends=${[map, low, high]} />`;
  }

  /** The surroundings of a patch, its row and column of `side` patches. */
  function Patch({ photo, patch, side, label }) {
    const draw = (context) => {
      const large = photo.image.width;
      const [y, x] = patch.map((place) => Math.min(Math.max(((place + 0.5) * large) / side - CROP / 2, 0), large - CROP));
      context.putImageData(photo.image, -Math.round(x), -Math.round(y));
    };
    return html`<${Canvas} className="inspector-patch" size=${CROP} label=${label} draw=${draw} depends=${[photo, patch[0], patch[1]]} />`;
  }

  /** A place to drop photos on, a button to choose them, and one for the camera. */
  function Source({ id, label, busy, onFiles, onProblem }) {
    const [over, setOver] = useState(false), [camera, setCamera] = useState(false);
    const take = (files) => { if (files.length) onFiles([...files]); };
    const drop = (event) => {
      event.preventDefault();
      setOver(false);
      if (!busy) take(event.dataTransfer.files);
    };
    const closed = (problem) => {
      setCamera(false);
      if (problem) onProblem(problem);
    };
    return html`<div class=${`inspector-drop${over ? " over" : ""}`} onDrop=${drop}
      onDragOver=${(e) => { e.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)}>
      <label for=${id}>${label}</label>
      <input id=${id} type="file" multiple accept="image/*" disabled=${busy}
        onChange=${(e) => { take(e.target.files); e.target.value = ""; }} />
      <button type="button" disabled=${busy || camera} onClick=${() => setCamera(true)}>Use the camera</button>
      ${camera && html`<${Camera} busy=${busy} onPhoto=${(file) => onFiles([file])} onClose=${closed} />`}
    </div>`;
  }

  function Camera({ busy, onPhoto, onClose }) {
    const video = useRef(null), taken = useRef(0);
    useEffect(() => {
      let stream = null, left = false;
      const wanted = { video: { facingMode: "environment", width: { ideal: 1280 } } };
      const asked = navigator.mediaDevices ? navigator.mediaDevices.getUserMedia(wanted) : Promise.reject();
      asked.then((found) => {
        stream = found;
        if (left) stream.getTracks().forEach((track) => track.stop());
        else video.current.srcObject = stream;
      }, () => onClose("No camera can be used here: there is none, or the browser does not allow it on this page."));
      return () => {
        left = true;
        if (stream) stream.getTracks().forEach((track) => track.stop());
      };
    }, []);
    const shoot = () => {
      const { videoWidth: width, videoHeight: height } = video.current;
      if (!width) return;
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      canvas.getContext("2d").drawImage(video.current, 0, 0);
      taken.current += 1;
      canvas.toBlob((blob) => onPhoto(new File([blob], `camera ${taken.current}.png`, { type: "image/png" })), "image/png");
    };
    return html`<div class="inspector-camera">
      <video ref=${video} autoplay muted playsinline aria-label="What the camera sees"></video>
      <p><button type="button" disabled=${busy} onClick=${shoot}>Take a photo</button>
        <button type="button" onClick=${() => onClose("")}>Close the camera</button></p>
    </div>`;
  }

  /** A slider that tells of each move at once, and of the place where it is let go. */
  function Slider({ id, label, value, min, max, step, text, busy, onMove, onSet }) {
    return html`<div class="explorer-field explorer-slider">
      <label for=${id}>${label}</label>
      <input id=${id} type="range" min=${min} max=${max} step=${step} value=${value} aria-valuetext=${text} disabled=${busy}
        onInput=${(e) => onMove(Number(e.target.value))} onChange=${(e) => onSet && onSet(Number(e.target.value))} />
    </div>`;
  }

  window.inspectorShown = { Photo, Marked, Map, Patch, Source, Slider };
})();
