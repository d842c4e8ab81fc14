/* The quizzes of the chapters. In a notebook a question is folded text: the options in its summary,
 * "(a) … (b) …", the answer inside, "**(b).** why. (a) why not." Here each option becomes a button
 * that says at once whether it is right, and why. */
(function () {
  "use strict";

  /* "1. Who? (a) me (b) you" becomes the question and its options, by letter. */
  function parts(summary) {
    const [question, ...options] = summary.split(/\s*\((?=[a-d]\) )/);
    const open = /[?:….]$/.test(question) ? "" : " …";
    return [question + open, options.map((option) => [option[0], option.slice(3)])];
  }

  /* What the answer says of one letter: the sentences from one that names it to the next that names
   * others only. */
  function reason(answer, letter) {
    const why = answer.replace(/^<strong>.*?<\/strong>\s*/, "").replace(/\s+/g, " ");
    let said = false;
    const sentences = why.replace(/([.!?;]) (?=[A-Z(])/g, "$1\n").split("\n").filter((sentence) => {
      const named = sentence.match(/\([a-d]\)/g);
      if (named) said = named.includes(`(${letter})`);
      return said;
    });
    return sentences.join(" ").replace(/;$/, ".");
  }

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  function ask(details, number) {
    const summary = details.querySelector("summary");
    const [question, options] = parts(summary.innerHTML.trim());
    const answer = details.querySelector("p");
    const right = answer?.querySelector("strong")?.textContent.match(/\(([a-d])\)/)?.[1];
    if (options.length < 2 || !right) return;

    const said = make("p", { className: "quiz-said" });
    said.setAttribute("role", "status");
    const buttons = options.map(([letter, text]) => {
      const button = make("button", { type: "button", innerHTML: `(${letter}) ${text}` });
      button.addEventListener("click", () => {
        const correct = letter === right;
        button.classList.add(correct ? "quiz-right" : "quiz-wrong");
        said.innerHTML = correct ? "Right." : `Not quite. ${reason(answer.innerHTML.trim(), letter)}`;
        if (correct) details.open = true;
      });
      return make("li", {}, button);
    });
    const title = make("p", { id: `question-${number}`, className: "quiz-question", innerHTML: question });
    const group = make("div", { className: "quiz" }, title, make("ul", {}, ...buttons), said);
    group.setAttribute("role", "group");
    group.setAttribute("aria-labelledby", title.id);
    summary.textContent = "Answer";
    details.replaceWith(group);
    group.append(details);
  }

  addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("#quiz > details").forEach((details, k) => ask(details, k + 1));
  });
})();
