/* The search page without reloading: a filter or an order that is chosen is sent at once, and what was found is announced.
   <input data-submits>, <h2 data-announce="#id">. Works on parts of the page that htmx has put in later, too; what was
   chosen before this script had come is sent as it comes. Browsers must not fill these fields in: autocomplete="off". */
(function () {
  "use strict";
  function chosenSince(input) {
    return input.options
      ? Array.from(input.options).some(function (option) { return option.defaultSelected && !option.selected; })
      : input.checked !== input.defaultChecked;
  }
  document.addEventListener("change", function (event) {
    var input = event.target.closest("[data-submits]");
    if (input && input.form) {
      input.form.requestSubmit();
    }
  });
  var early = Array.from(document.querySelectorAll("[data-submits]")).find(chosenSince);
  if (early) {
    early.form.requestSubmit();
  }
  document.addEventListener("htmx:afterSettle", function () {
    var told = document.querySelector("[data-announce]");
    if (told) {
      document.querySelector(told.dataset.announce).textContent = told.textContent.trim();
    }
  });
})();
