/* On every page. From the file system a browser may not read other pages, so search shows titles
 * without the lines around the word; and what scrolls can be reached by the keyboard. */
(function () {
  "use strict";
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }
  const SCROLLS = ".cell_output, .cell_output .text_html, .highlight pre, .pst-scrollable-table-container, "
    + "div.math, .output.stream, .cell_output pre";
  function reachable() {
    document.querySelectorAll(SCROLLS).forEach((element) => {
      const wide = element.scrollWidth > element.clientWidth + 1;
      if (wide && getComputedStyle(element).overflowX !== "visible") element.tabIndex = 0;
      else if (element.tabIndex === 0) element.removeAttribute("tabindex");
    });
  }
  addEventListener("load", reachable);
  addEventListener("resize", reachable);
})();
