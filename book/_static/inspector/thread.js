/* The page's side of the thread: it is made from this page's own scripts, since a page on disk may
 * not load a worker from a file. `inspectorAsk(command, payload)` gives a promise of the answer. */
(function () {
  "use strict";
  function serve(parts, self) {
    const inspector = {};
    parts.forEach((part) => part(inspector));
    const commands = inspector.session((progress) => self.postMessage({ progress }));
    let turn = Promise.resolve(); // one command after the other, as they came
    self.onmessage = ({ data: { id, command, payload } }) => {
      turn = turn.then(() => commands[command](payload)).then(
        (answer) => self.postMessage({ id, answer }),
        (error) => self.postMessage({ id, error: error.message || String(error) }),
      );
    };
  }

  const waiting = new Map();
  let worker = null, next = 1;
  window.inspectorProgress = () => {};

  function started() {
    const parts = window.inspectorParts.map((part) => part.toString()).join(",\n");
    const source = `"use strict"; self.window = self; (${serve})([${parts}], self);`;
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    worker = new Worker(address);
    worker.onmessage = ({ data }) => {
      if (data.progress) {
        window.inspectorProgress(data.progress);
        return;
      }
      const { done, failed } = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.error === undefined) done(data.answer);
      else failed(new Error(data.error));
    };
    worker.onerror = (event) => {
      waiting.forEach(({ failed }) => failed(new Error(event.message || "The thread has stopped.")));
      waiting.clear();
    };
  }

  window.inspectorAsk = (command, payload = {}) => new Promise((done, failed) => {
    if (!worker) started();
    waiting.set(next, { done, failed });
    worker.postMessage({ id: next, command, payload });
    next += 1;
  });
})();
