/* Suggestions under a search box (<input data-suggest="address">), as a combobox with a list (WAI-ARIA 1.2): arrows choose,
   Enter opens what is chosen, Escape closes. Without this script the box is an ordinary one. */
(function () {
  "use strict";
  var PAUSE = 120;
  var SHORTEST = 2;
  var count = 0;

  function enhance(input) {
    var list = document.createElement("ul");
    var timer = 0;
    var asked = 0;
    list.id = "suggestions-" + (count += 1);
    list.className = "suggestions";
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", input.dataset.suggestLabel);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", list.id);
    input.after(list);

    function close() {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }

    function option(one, place) {
      var item = document.createElement("li");
      var title = document.createElement("span");
      var kind = document.createElement("span");
      item.id = list.id + "-" + place;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.dataset.url = one.url;
      title.textContent = one.title;
      kind.textContent = one.section_label;
      kind.className = "kind";
      item.append(title, kind);
      return item;
    }

    function show(found) {
      list.replaceChildren.apply(list, found.map(option));
      list.hidden = !found.length;
      input.setAttribute("aria-expanded", String(found.length > 0));
      input.removeAttribute("aria-activedescendant");
    }

    function ask() {
      var typed = input.value.trim();
      var number = (asked += 1);
      if (typed.length < SHORTEST) {
        close();
        return;
      }
      var query = new URLSearchParams({ q: typed, section: input.dataset.section || "" });
      fetch(input.dataset.suggest + "?" + query, { headers: { Accept: "application/json" } })
        .then(function (answer) {
          return answer.ok ? answer.json() : { suggestions: [] };
        })
        .then(function (told) {
          if (number === asked && document.activeElement === input) {
            show(told.suggestions);
          }
        })
        .catch(close);
    }

    function move(step) {
      var items = Array.from(list.children);
      var at = items.findIndex(function (item) {
        return item.getAttribute("aria-selected") === "true";
      });
      var next = items[(at + step + items.length + (at < 0 && step < 0 ? 1 : 0)) % items.length];
      items.forEach(function (item) {
        item.setAttribute("aria-selected", String(item === next));
      });
      input.setAttribute("aria-activedescendant", next.id);
      next.scrollIntoView({ block: "nearest" });
    }

    input.addEventListener("input", function () {
      window.clearTimeout(timer);
      timer = window.setTimeout(ask, PAUSE);
    });
    input.addEventListener("blur", close);
    input.addEventListener("keydown", function (event) {
      var chosen = list.querySelector("[aria-selected='true']");
      if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        close();
      } else if (!list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        event.preventDefault();
        move(event.key === "ArrowDown" ? 1 : -1);
      } else if (event.key === "Enter" && !list.hidden && chosen) {
        event.preventDefault();
        window.location.assign(chosen.dataset.url);
      } else if (event.key === "Enter") {
        asked += 1;
        window.clearTimeout(timer);
        close();
      }
    });
    list.addEventListener("mousedown", function (event) {
      var item = event.target.closest("li");
      if (item) {
        event.preventDefault();
        window.location.assign(item.dataset.url);
      }
    });
  }

  function enhanceAll(root) {
    root.querySelectorAll("input[data-suggest]:not([role])").forEach(enhance);
  }

  enhanceAll(document);
  document.addEventListener("htmx:afterSettle", function () {
    enhanceAll(document);
  });
})();
