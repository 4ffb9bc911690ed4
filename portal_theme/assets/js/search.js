/* The search page without reloading: a filter or an order that is chosen is sent at once, and what was found is announced.
   <input data-submits>, <h2 data-announce="#id">. Works on parts of the page that htmx has put in later, too. */
(function () {
  "use strict";
  document.addEventListener("change", function (event) {
    var input = event.target.closest("[data-submits]");
    if (input && input.form) {
      input.form.requestSubmit();
    }
  });
  document.addEventListener("htmx:afterSettle", function () {
    var told = document.querySelector("[data-announce]");
    if (told) {
      document.querySelector(told.dataset.announce).textContent = told.textContent.trim();
    }
  });
})();
