/* What forms of CKAN do by handlers written into their tags, which our content security policy refuses: where the data of a
   resource come from, and the button that revokes tokens of the API. */
(function () {
  "use strict";
  function at(id) {
    return document.getElementById(id);
  }
  function choose(radio) {
    at(radio).checked = true;
  }
  var acts = {
    "resource-upload-button": function () {
      choose("resource-url-upload");
      at("field-resource-upload").click();
    },
    "resource-link-button": function () {
      choose("resource-url-link");
      at("field-resource-url").focus();
    },
  };
  /* Two kinds of buttons have one class: the one beside the name of a file that is there already clears that file. */
  function remove(button) {
    var clears = at("field-clear-upload");
    if (clears && button.closest(".upload-type") === clears.nextElementSibling) {
      choose("field-clear-upload");
      at("field-resource-upload").focus();
      return;
    }
    button.closest(".select-type").querySelectorAll("input").forEach(function (input) {
      input.value = "";
    });
    choose("resource-url-none");
    (at("resource-upload-button") || at("resource-link-button")).focus();
  }
  document.addEventListener("click", function (event) {
    var button = event.target.closest("button");
    if (!button) {
      return;
    }
    if (acts[button.id]) {
      acts[button.id]();
    } else if (button.matches(".btn-remove-url")) {
      remove(button);
    }
  });
  function judge() {
    var button = at("revoke-tokens-button");
    if (button) {
      button.disabled = !document.querySelector("[name=token]:checked");
    }
  }
  document.addEventListener("change", judge);
  document.addEventListener("htmx:afterRequest", judge);
})();
